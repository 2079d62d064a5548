//! One page, one commit.

use sdk::{IdOrder, PollQuery, RecordId, Version};

use super::*;
use crate::{Checkpointed, Error, Freshness, Novelty, Pass, PassKind};

#[test]
fn a_page_stores_its_runs_its_rows_and_its_cursor() {
    let store = owned();
    let done = now(store.checkpoint(page(vec![row(1, "ann", 10), row(2, "bob", 11)], 11))).unwrap();
    assert_eq!(done, Checkpointed { runs: 2, known: 0 });
    assert_eq!(now(store.cursor(&source())).unwrap(), Some(cursor(11)));
    assert!(!fresh(&store, Freshness::ByVersion, "ann", 10, 7));
    assert_eq!(claimed(&store, 1000, 9), ["ann@10", "bob@11"]);
}

#[test]
fn a_page_read_twice_makes_each_run_once() {
    let store = owned();
    now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).unwrap();
    let done = now(store.checkpoint(page(vec![row(2, "ann", 10), row(3, "ann", 20)], 20))).unwrap();
    assert_eq!(done, Checkpointed { runs: 1, known: 1 });
}

#[test]
fn a_row_that_the_filter_refused_is_seen_and_makes_no_run() {
    let store = owned();
    let refused = SeenRow { run: None, ..row(1, "ann", 10) };
    let done = now(store.checkpoint(page(vec![refused], 10))).unwrap();
    assert_eq!(done, Checkpointed::default());
    assert!(!fresh(&store, Freshness::ByVersion, "ann", 10, 7));
    assert!(claim(&store, 1000, 9).is_empty());
}

#[test]
fn freshness_is_decided_by_id_or_by_version() {
    let store = owned();
    assert!(fresh(&store, Freshness::ById, "ann", 10, 7), "nothing is seen before the first page");
    now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).unwrap();

    for (stamp, hash, by_version, why) in [
        (10, 7, false, "the same version"),
        (10, 8, true, "another content within the same millisecond"),
        (11, 7, true, "a newer stamp"),
        (9, 8, false, "an older stamp"),
    ] {
        assert_eq!(fresh(&store, Freshness::ByVersion, "ann", stamp, hash), by_version, "{why}");
        assert!(!fresh(&store, Freshness::ById, "ann", stamp, hash), "{why}, by id");
    }
    let other_projection = now(store.fresh(&source(), 2, Freshness::ByVersion, &[("ann".into(), hashed(10, 8))]));
    assert_eq!(other_projection.unwrap(), [Novelty::Known], "hashes over other fields are not compared");
}

#[test]
fn without_stamps_freshness_is_decided_by_content() {
    let store = owned();
    now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).unwrap();
    for (stamp, projection, hash, novelty, why) in [
        (10, 1, 7, Novelty::Known, "the same"),
        (11, 1, 7, Novelty::Known, "the same at another moment"),
        (11, 1, 8, Novelty::Content, "another content"),
        (9, 1, 8, Novelty::Content, "another content, whatever the stamp"),
        (11, 2, 8, Novelty::Projection, "nothing to compare it with"),
    ] {
        let rows = [("ann".into(), hashed(stamp, hash)), ("bob".into(), hashed(stamp, hash))];
        let told = now(store.fresh(&source(), projection, Freshness::ByContent, &rows)).unwrap();
        assert_eq!(told, [novelty, Novelty::Version], "{why}");
    }
}

#[test]
fn an_older_version_read_later_does_not_unsee_the_newer() {
    let store = owned();
    now(store.checkpoint(page(vec![row(1, "ann", 20)], 20))).unwrap();
    now(store.checkpoint(page(vec![row(2, "ann", 10)], 20))).unwrap();
    assert!(!fresh(&store, Freshness::ByVersion, "ann", 20, 7));
    assert!(fresh(&store, Freshness::ByVersion, "ann", 21, 7));
}

#[test]
fn rows_are_forgotten_only_when_told() {
    let store = owned();
    now(store.checkpoint(page(vec![row(1, "ann", 10), row(2, "bob", 20)], 20))).unwrap();
    now(store.checkpoint(Checkpoint { forget_before: Some(at(20)), ..page(Vec::new(), 20) })).unwrap();
    assert!(fresh(&store, Freshness::ById, "ann", 10, 7));
    assert!(!fresh(&store, Freshness::ById, "bob", 20, 7));
}

#[test]
fn every_form_of_a_cursor_is_read_back() {
    let store = owned();
    let pass = |kind, resume, newest| Some(Pass { started_at: at(5), kind, resume, order: None, newest });
    let drain = |after: Option<&str>| PollQuery::Drain { at: at(4), after: after.map(RecordId::from) };
    let ordered = |order, pass: Option<Pass>| pass.map(|pass| Pass { order: Some(order), ..pass });
    for pass in [
        None,
        pass(PassKind::Quick, PollQuery::From(at(-3)), None),
        pass(PassKind::Wide, drain(None), Some(at(4))),
        ordered(IdOrder::Numbers, pass(PassKind::Whole, drain(Some("9")), Some(at(4)))),
        ordered(IdOrder::Text, pass(PassKind::Sweep, drain(Some("0017")), Some(at(9)))),
    ] {
        let cursor = Cursor { pass, ..cursor(10) };
        now(store.checkpoint(Checkpoint { cursor: cursor.clone(), ..page(Vec::new(), 0) })).unwrap();
        assert_eq!(now(store.cursor(&source())).unwrap(), Some(cursor));
    }
}

#[test]
fn starting_a_cursor_does_not_move_one_that_is_there() {
    let store = owned();
    assert_eq!(now(store.cursor(&source())).unwrap(), None);
    assert_eq!(now(store.start_cursor(&source(), cursor(5))).unwrap(), cursor(5));
    assert_eq!(now(store.start_cursor(&source(), cursor(9))).unwrap(), cursor(5));
    assert_eq!(now(store.cursor(&source())).unwrap(), Some(cursor(5)));
}

#[test]
fn counts_are_added_up() {
    let store = owned();
    let tally = Tally { polls: 1, records: 5, filtered: 2, before_start: 1, late: 3 };
    for _ in 0..2 {
        now(store.checkpoint(Checkpoint { tally, ..page(Vec::new(), 0) })).unwrap();
    }
    let twice = Tally { polls: 2, records: 10, filtered: 4, before_start: 2, late: 6 };
    assert_eq!(now(store.tally(&source())).unwrap(), twice);
    let sources = now(store.cursors(&flow())).unwrap();
    assert_eq!((sources.len(), &sources[0].key, sources[0].tally), (1, &source(), twice));
}

#[test]
fn a_former_owner_is_fenced_and_stores_nothing() {
    let store = owned();
    assert_eq!(now(store.take_over(at(0))).unwrap().epoch, 2);
    let refused = now(store.checkpoint(page(vec![row(1, "ann", 10)], 10)));
    assert!(matches!(refused, Err(Error::Fenced { yours: 1, current: 2 })), "{refused:?}");
    assert_eq!(now(store.cursor(&source())).unwrap(), None);
    assert!(claim(&store, 1000, 9).is_empty());
}

fn fresh(store: &Store, freshness: Freshness, id: &str, stamp: i64, hash: u64) -> bool {
    now(store.fresh(&source(), 1, freshness, &[(id.into(), hashed(stamp, hash))])).unwrap()[0] != Novelty::Known
}

fn hashed(stamp: i64, hash: u64) -> Version {
    Version { stamp: at(stamp), hash }
}
