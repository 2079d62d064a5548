//! Walks and drains of tables as the tests of databases ask for them: page by page, to the end.

use sdk::{Connection, IdOrder, PollPage, PollQuery, PollRequest, RecordId, StampKind, Timestamp, WalkRequest};

/// The stamp of every row that is drained.
pub(crate) const MIDNIGHT: &str = "2026-01-02T00:00:00Z";

/// A page of a walk.
pub(crate) fn step(object: &str, after: Option<&RecordId>, limit: usize) -> WalkRequest {
    WalkRequest { object: object.to_owned(), fields: Vec::new(), filter: None, after: after.cloned(), limit }
}

/// A page of a drain of the table `t`.
pub(crate) fn drain(after: Option<&RecordId>, limit: usize) -> PollRequest {
    PollRequest {
        object: "t".to_owned(),
        stamp: StampKind::Field("at".to_owned()),
        fields: Vec::new(),
        filter: None,
        query: PollQuery::Drain { at: Timestamp::parse(MIDNIGHT).unwrap(), after: after.cloned() },
        limit,
    }
}

/// The ids of a page.
pub(crate) fn ids(page: &PollPage) -> Vec<String> {
    page.records.iter().map(|record| record.id.to_string()).collect()
}

/// All ids, by pages that each begin behind the last one.
async fn all(page: impl AsyncFn(Option<RecordId>) -> PollPage, order: IdOrder) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = page(all.last().map(|id: &String| RecordId::from(id.as_str()))).await;
        assert_eq!(page.order, order);
        if page.records.is_empty() {
            return all;
        }
        all.extend(ids(&page));
        assert!(all.len() <= 2_000, "it comes round again: {all:?}");
    }
}

/// All ids of the table `t` by a walk, whose pages tell this order.
pub(crate) async fn walked(connection: &dyn Connection, limit: usize, order: IdOrder) -> Vec<String> {
    all(async |after| connection.walk(&step("t", after.as_ref(), limit)).await.expect("a page"), order).await
}

/// The same by a drain.
pub(crate) async fn drained(connection: &dyn Connection, limit: usize, order: IdOrder) -> Vec<String> {
    all(async |after| connection.poll(&drain(after.as_ref(), limit)).await.expect("a page"), order).await
}
