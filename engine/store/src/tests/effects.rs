//! The ledger: an intent before its first byte, an outcome before anything depends on it.

use sdk::{ConnectionName, EffectId};

use super::*;
use crate::{EffectState, Error, Intent, Planned, Settlement};

#[test]
fn a_write_is_planned_sent_and_done() {
    let store = owned();
    assert_eq!(plan(&store, "e1", 10), Planned::New);
    now(store.mark_sent(&id("e1"), at(100))).unwrap();
    now(store.mark_sent(&id("e1"), at(200))).unwrap();
    assert_eq!(now(store.settle(&id("e1"), done("t1"), at(300))).unwrap(), EffectState::Done);

    let Planned::Known(row) = plan(&store, "e1", 10) else { panic!("the row of the first attempt") };
    assert_eq!((row.state, row.attempts), (EffectState::Done, 2));
    assert_eq!((row.first_sent_at, row.last_sent_at), (Some(at(100)), Some(at(200))));
    assert_eq!((row.target_id, row.outcome), (Some(RecordId::from("t1")), Some(Value::from("made"))));
    assert_eq!((row.step.as_str(), row.verb.as_str(), row.object.as_str()), ("write", "upsert", "contacts"));
}

#[test]
fn an_older_write_is_superseded_by_a_newer_one_that_is_done() {
    for settlement in [done("t"), Settlement::Unchanged { target: "t".into(), outcome: Value::Null }] {
        let store = owned();
        plan(&store, "planned before", 10);
        plan(&store, "newer", 20);
        assert!(matches!(plan(&store, "planned before", 10), Planned::Known(_)), "the newer one is not done yet");
        now(store.mark_sent(&id("newer"), at(100))).unwrap();
        now(store.settle(&id("newer"), settlement, at(100))).unwrap();

        assert_eq!(plan(&store, "planned after", 15), Planned::Superseded);
        assert_eq!(plan(&store, "planned before", 10), Planned::Superseded);
        assert_eq!(plan(&store, "planned before", 10), Planned::Superseded, "and stays so");
        let refused = now(store.mark_sent(&id("planned before"), at(200)));
        assert!(matches!(refused, Err(Error::NotSendable { state: EffectState::Superseded, .. })), "{refused:?}");
        assert_eq!(plan(&store, "newest", 21), Planned::New);
    }
}

#[test]
fn only_the_same_flow_step_item_and_record_supersede() {
    let store = owned();
    plan(&store, "newer", 20);
    now(store.settle(&id("newer"), done("t"), at(100))).unwrap();
    let older = || intent("older", 10);
    let others = [
        Intent { flow: FlowId::from("invoices"), effect_id: id("a"), ..older() },
        Intent { step: "notify".to_owned(), effect_id: id("b"), ..older() },
        Intent { item: "2".to_owned(), effect_id: id("c"), ..older() },
        Intent { record: "bob".into(), effect_id: id("d"), ..older() },
        Intent { stamp: at(20), effect_id: id("e"), ..older() },
        Intent { nonce: "asked for".to_owned(), effect_id: id("f"), ..older() },
    ];
    for other in others {
        assert_eq!(now(store.plan(other)).unwrap(), Planned::New);
    }
    assert_eq!(now(store.plan(older())).unwrap(), Planned::Superseded);
}

#[test]
fn what_a_newer_failure_did_supersedes_nothing() {
    let store = owned();
    plan(&store, "newer", 20);
    let failed = Settlement::Failed { class: "invalid".to_owned(), message: "no".to_owned() };
    now(store.settle(&id("newer"), failed, at(100))).unwrap();
    assert_eq!(plan(&store, "older", 10), Planned::New);
}

#[test]
fn an_attempt_that_is_to_be_repeated_is_planned_again_unless_overtaken() {
    let store = owned();
    let again = || Settlement::Again {
        class: "rate_limited".to_owned(),
        message: "slow down".to_owned(),
        counts: false,
        maybe_applied: false,
    };
    plan(&store, "older", 10);
    now(store.mark_sent(&id("older"), at(100))).unwrap();
    assert_eq!(now(store.settle(&id("older"), again(), at(101))).unwrap(), EffectState::Planned);
    let row = now(store.effect(&id("older"))).unwrap().unwrap();
    assert_eq!((row.class.as_deref(), row.attempts), (Some("rate_limited"), 1));

    now(store.mark_sent(&id("older"), at(102))).unwrap();
    plan(&store, "newer", 20);
    now(store.settle(&id("newer"), done("t"), at(103))).unwrap();
    assert_eq!(now(store.settle(&id("older"), again(), at(104))).unwrap(), EffectState::Superseded);
}

#[test]
fn only_attempts_that_count_are_counted_and_a_doubt_stays() {
    let store = owned();
    plan(&store, "e1", 10);
    for (counts, maybe_applied) in [(false, false), (true, true), (true, false)] {
        now(store.mark_sent(&id("e1"), at(100))).unwrap();
        let again =
            Settlement::Again { class: "transient".to_owned(), message: "down".to_owned(), counts, maybe_applied };
        now(store.settle(&id("e1"), again, at(101))).unwrap();
    }
    let row = now(store.effect(&id("e1"))).unwrap().unwrap();
    assert_eq!((row.attempts, row.failures, row.maybe_applied), (3, 2, true));
}

#[test]
fn only_what_was_certainly_not_applied_may_be_sent() {
    let message = || "what happened".to_owned();
    let class = || "permanent".to_owned();
    for (settlement, state) in [
        (done("t"), EffectState::Done),
        (Settlement::Unchanged { target: "t".into(), outcome: Value::Null }, EffectState::Unchanged),
        (Settlement::Failed { class: class(), message: message() }, EffectState::Failed),
        (Settlement::Unknown { class: class(), message: message() }, EffectState::Unknown),
        (Settlement::Skipped { reason: message() }, EffectState::Skipped),
    ] {
        let store = owned();
        plan(&store, "e1", 10);
        now(store.mark_sent(&id("e1"), at(100))).unwrap();
        assert_eq!(now(store.settle(&id("e1"), settlement, at(101))).unwrap(), state);
        assert!(matches!(now(store.mark_sent(&id("e1"), at(102))), Err(Error::NotSendable { .. })), "{state}");
        assert_eq!(now(store.effects_in_state(state, 9)).unwrap().len(), 1);
    }
    let store = owned();
    assert!(matches!(now(store.mark_sent(&id("none"), at(1))), Err(Error::NoEffect { .. })));
}

#[test]
fn what_is_done_stays_done_and_what_is_unknown_can_be_settled() {
    let store = owned();
    plan(&store, "e1", 10);
    now(store.mark_sent(&id("e1"), at(100))).unwrap();
    let unknown = || Settlement::Unknown { class: "transient".to_owned(), message: "no answer".to_owned() };
    now(store.settle(&id("e1"), unknown(), at(101))).unwrap();
    assert_eq!(now(store.settle(&id("e1"), done("t"), at(102))).unwrap(), EffectState::Done);
    assert_eq!(now(store.settle(&id("e1"), unknown(), at(103))).unwrap(), EffectState::Done);
}

#[test]
fn the_target_of_a_key_is_the_newest_that_was_written() {
    let store = owned();
    let key = store.hash_target_key("ann@example.com");
    let crm = ConnectionName::from("crm");
    assert_eq!(now(store.known_target(&crm, "contacts", &key)).unwrap(), None);
    for (name, target, when) in [("e1", "t1", 100), ("e2", "t2", 300), ("e3", "t3", 200)] {
        now(store.plan(Intent { target_key: Some(key.clone()), ..intent(name, 10) })).unwrap();
        now(store.settle(&id(name), done(target), at(when))).unwrap();
    }
    assert_eq!(now(store.known_target(&crm, "contacts", &key)).unwrap(), Some("t2".into()));
    assert_eq!(now(store.known_target(&crm, "deals", &key)).unwrap(), None);
}

#[test]
fn key_hashes_differ_between_databases_and_not_within_one() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let hash = |dir: &tempfile::TempDir| Store::inline(dir.path()).unwrap().hash_target_key("ann@example.com");
    assert_eq!(hash(&first), hash(&first));
    assert_ne!(hash(&first), hash(&second));
    assert_eq!(owned().hash_target_key("a"), owned().hash_target_key("a"), "a seed must replay");
}

#[test]
fn a_write_that_is_sent_at_once_is_planned_and_sent_by_one_commit() {
    let store = owned();
    let at_once = |effect_id, stamp| Intent { is_sent_at_once: true, ..intent(effect_id, stamp) };
    let row = |effect_id| now(store.effect(&id(effect_id))).unwrap().unwrap();

    assert_eq!(now(store.plan(at_once("new", 10))).unwrap(), Planned::New);
    assert_eq!((row("new").state, row("new").attempts), (EffectState::Sent, 1));
    assert_eq!((row("new").first_sent_at, row("new").last_sent_at), (Some(at(50)), Some(at(50))));

    let cut_off = now(store.plan(at_once("new", 10))).unwrap();
    assert!(matches!(cut_off, Planned::Known(row) if row.state == EffectState::Sent && row.attempts == 1));
    assert_eq!(row("new").attempts, 1, "one that may have been applied is not sent by planning it again");

    plan(&store, "planned", 10);
    let known = now(store.plan(at_once("planned", 10))).unwrap();
    assert!(matches!(known, Planned::Known(row) if row.state == EffectState::Planned));
    assert_eq!((row("planned").state, row("planned").attempts), (EffectState::Sent, 1));

    now(store.settle(&id("planned"), done("7"), at(60))).unwrap();
    assert_eq!(now(store.plan(at_once("late", 9))).unwrap(), Planned::Superseded);
    assert_eq!((row("late").state, row("late").attempts), (EffectState::Superseded, 0));
    assert!(
        matches!(now(store.plan(at_once("planned", 10))).unwrap(), Planned::Known(row) if row.state == EffectState::Done)
    );
}

fn id(text: &str) -> EffectId {
    EffectId::from(text)
}

fn intent(effect_id: &str, stamp: i64) -> Intent {
    Intent {
        effect_id: id(effect_id),
        run: run_id(1),
        flow: flow(),
        step: "write".to_owned(),
        item: String::new(),
        record: "ann".into(),
        stamp: at(stamp),
        nonce: String::new(),
        verb: "upsert",
        connection: ConnectionName::from("crm"),
        object: "contacts".to_owned(),
        target_key: None,
        request_hash: u64::MAX,
        is_sent_at_once: false,
        now: at(50),
    }
}

fn plan(store: &Store, effect_id: &str, stamp: i64) -> Planned {
    now(store.plan(intent(effect_id, stamp))).unwrap()
}

fn done(target: &str) -> Settlement {
    Settlement::Done { target: target.into(), outcome: Value::from("made") }
}
