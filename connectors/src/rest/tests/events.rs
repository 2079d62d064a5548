//! Feeds of events: what changed is told by an event, and the record stands inside of it.

use sdk::{PollQuery, PollRequest, RecordId, StampKind, Timestamp};
use serde_json::{Value as Json, json};

use super::service::{Asked, Service, json};

/// A till whose invoices tell no change themselves; its events do, the newest first and two on a page.
const MANIFEST: &str = r#"connector: till
title: A till
base_url: https://till.example.com
check: {get: /me, id: "${body.id}"}
limits: {calls: {max: 10, per: 1s}}
default_limits: [calls]
resources:
  invoices:
    id: "${record.id}"
    fields: {static: {state: text}}
    poll:
      serves: [new_or_updated]
      mode: events
      get: /events
      query: {behind: "${page.token}"}
      items: "${body.data}"
      record: "${item.object}"
      stamp: "${item.at}"
      stamp_form: unix_s
      page: {kind: last_item, next: "${item.id}", more: "${body.more}"}
"#;

/// Event 5 of `a` is its second, and event 1 is older than what is asked for.
fn event(number: usize) -> Json {
    let (invoice, state) = [("c", "open"), ("a", "open"), ("b", "open"), ("b", "void"), ("a", "paid")][number - 1];
    json!({ "id": number, "at": 100 * number, "object": { "id": invoice, "state": state } })
}

fn feed(asked: &Asked) -> Json {
    let behind = asked.line.split_once("behind=").and_then(|(_, behind)| behind.parse::<usize>().ok()).unwrap_or(6);
    let data: Vec<Json> = (1..behind).rev().take(2).map(event).collect();
    json!({ "data": data, "more": behind > 3 })
}

#[tokio::test]
async fn a_feed_gives_each_record_as_its_last_event_has_it_the_oldest_first() {
    let service = Service::new(|asked: &Asked| json(200, feed(asked)));
    let connection = service.connect(MANIFEST, &[]);
    let request = PollRequest {
        object: "invoices".to_owned(),
        stamp: StampKind::Modified,
        fields: vec!["state".to_owned()],
        filter: None,
        query: PollQuery::From(Timestamp::from_millis(200_000)),
        limit: 2,
    };
    let told = |page: sdk::PollPage| -> Vec<(RecordId, i64, Json)> {
        page.records
            .iter()
            .map(|one| (one.id.clone(), one.modified.millis(), one.fields["state"].to_plain_json()))
            .collect()
    };
    let page = connection.poll(&request).await.unwrap();
    assert_eq!(told(page), [("b".into(), 400_000, json!("void")), ("a".into(), 500_000, json!("paid"))]);
    assert_eq!(service.lines().len(), 3, "it is read back to what is known: {:?}", service.lines());

    let drain = PollQuery::Drain { at: Timestamp::from_millis(400_000), after: Some("a".into()) };
    let page = connection.poll(&PollRequest { query: drain, ..request }).await.unwrap();
    assert_eq!(told(page), [("b".into(), 400_000, json!("void"))]);
}
