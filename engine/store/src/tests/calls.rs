//! Runs that call runs: stored once, waited for, and never waited for in vain.

use super::lanes::stored;
use super::*;
use crate::{Call, Called, Ending, JournalEntry, Retention, RunState};

fn callee() -> FlowId {
    FlowId::from("enrich")
}

fn call(number: u128) -> Call {
    Call {
        caller: run_id(1),
        flow: callee(),
        run: new_run(number, "ann", 10),
        version: version(10),
        nonce: "of leads".to_owned(),
        now: at(1001),
    }
}

fn claim_called(store: &Store, when: i64) -> Vec<ClaimedRun> {
    now(store.claim(at(when), &[(callee(), 9)])).unwrap()
}

#[test]
fn a_call_is_stored_once_however_often_it_is_made() {
    let store = stored(&[(1, "ann", 10)]);
    claim(&store, 1000, 1);
    assert_eq!(now(store.call(call(11))).unwrap(), Called::New(run_id(11)));
    assert_eq!(now(store.call(call(12))).unwrap(), Called::UnderWay(run_id(11)));
    let called = claim_called(&store, 1001);
    assert_eq!((called.len(), called[0].caller), (1, Some(run_id(1))));
    assert_eq!(now(store.call(call(13))).unwrap(), Called::UnderWay(run_id(11)));

    let outcome = Some(Value::Int(5));
    now(store.finish(run_id(11), Ending::Succeeded(outcome.clone()), at(1002))).unwrap();
    let ended = Called::Ended { run: run_id(11), state: RunState::Succeeded, outcome, failure: None, reason: None };
    assert_eq!(now(store.call(call(14))).unwrap(), ended);
    let detail = now(store.run(&run_id(1).to_string())).unwrap();
    assert_eq!((detail.caller, detail.called), (None, vec![run_id(11)]));
    assert_eq!(now(store.run(&run_id(11).to_string())).unwrap().caller, Some(run_id(1)));
}

#[test]
fn a_caller_that_waits_goes_on_when_its_call_has_ended() {
    let store = stored(&[(1, "ann", 10)]);
    claim(&store, 1000, 1);
    now(store.call(call(11))).unwrap();
    now(store.wait(run_id(1), at(90_000))).unwrap();
    claim_called(&store, 1001);
    assert_eq!(claimed(&store, 1500, 9), [""; 0]);
    now(store.finish(run_id(11), Ending::Failed(failure("refused")), at(2000))).unwrap();
    assert_eq!(claimed(&store, 2000, 9), ["ann@10"]);
}

/// It would have waited for its fallback time: nobody wakes a run that does not wait yet.
#[test]
fn a_call_that_ended_before_its_caller_waited_is_not_missed() {
    let store = stored(&[(1, "ann", 10)]);
    claim(&store, 1000, 1);
    now(store.call(call(11))).unwrap();
    claim_called(&store, 1001);
    now(store.finish(run_id(11), Ending::Skipped("not wanted".to_owned()), at(1002))).unwrap();
    now(store.wait(run_id(1), at(90_000))).unwrap();
    assert_eq!(claimed(&store, 1003, 9), ["ann@10"]);
    // What it has seen does not wake it again.
    now(store.wait(run_id(1), at(90_000))).unwrap();
    assert_eq!(claimed(&store, 1004, 9), [""; 0]);
}

/// Another item of a loop failed after the called run had ended, and the run went on: its caller then waited a day for
/// what was there already.
#[test]
fn a_call_that_ended_before_another_failure_was_ignored_is_not_missed() {
    let store = stored(&[(1, "ann", 10)]);
    claim(&store, 1000, 1);
    now(store.call(call(11))).unwrap();
    claim_called(&store, 1001);
    now(store.finish(run_id(11), Ending::Succeeded(None), at(1002))).unwrap();
    let ignored = JournalEntry { key: "write failed[b]".to_owned(), outcome: Value::from("refused") };
    now(store.ignore(run_id(1), ignored)).unwrap();
    now(store.wait(run_id(1), at(90_000))).unwrap();
    assert_eq!(claimed(&store, 1003, 9), ["ann@10"]);
}

/// Where the database was too large, what a run had returned was dropped before its caller had seen it, and the caller
/// went on with nothing.
#[test]
fn what_a_called_run_returned_stays_until_its_caller_has_ended() {
    let store = stored(&[(1, "ann", 10)]);
    claim(&store, 1000, 1);
    now(store.call(call(11))).unwrap();
    now(store.wait(run_id(1), at(90_000))).unwrap();
    claim_called(&store, 1001);
    let outcome = Some(Value::Int(5));
    now(store.finish(run_id(11), Ending::Succeeded(outcome.clone()), at(1002))).unwrap();
    let prune = || {
        let retention = Retention { bodies_before: at(9000), runs_before: at(0), effects_before: at(0), limit: 9 };
        now(store.prune(retention)).unwrap().bodies
    };
    assert_eq!(prune(), 0);
    claim(&store, 2000, 1);
    let ended = Called::Ended { run: run_id(11), state: RunState::Succeeded, outcome, failure: None, reason: None };
    assert_eq!(now(store.call(call(12))).unwrap(), ended);
    now(store.finish(run_id(1), Ending::Succeeded(None), at(2001))).unwrap();
    assert_eq!((prune(), prune()), (1, 1), "the caller's own body goes first");
}
