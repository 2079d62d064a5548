//! Runs that are cancelled while they are at work: asked to stop, whatever ends their attempt.

use sdk::{ConnectionName, EffectId, faults};

use super::*;
use crate::{
    AttemptEnd, Call, Called, Doubt, EffectState, Ending, Intent, Planned, Repair, Repaired, RunLog, RunState,
    Settlement,
};

#[test]
fn a_run_at_work_is_asked_and_ends_with_its_attempt() {
    let ends = [
        AttemptEnd::Parked { due_at: at(9000), failure: failure("busy") },
        AttemptEnd::Waits { due_at: at(9000) },
        AttemptEnd::Stopped,
    ];
    for end in ends {
        let store = at_work();
        let asked = cancel(&store, 1);
        assert_eq!((asked.done.len(), asked.asked.len(), asked.refused.len()), (0, 1, 0));
        assert_eq!(state(&store, 1), RunState::Running, "what is under way comes to its end");
        assert_eq!(end_attempt(&store, end.clone()), Some(RunState::Cancelled), "{end:?}");
        let run = now(store.run(&run_id(1).to_string())).unwrap();
        assert_eq!((run.row.reason.as_deref(), run.row.stop_reason.as_deref()), (Some("wrong"), Some("wrong")));
        assert_eq!(run.log.last().unwrap().message, "cancelled while at work, before its first write");
        assert_eq!(now(store.counts_by_state(&flow())).unwrap(), [(RunState::Cancelled, 1)]);
        assert_eq!(claimed(&store, 99_000, 9), [""; 0]);
    }
}

#[test]
fn an_end_of_its_own_stands() {
    let store = at_work();
    cancel(&store, 1);
    let finished = AttemptEnd::Finished(Ending::Succeeded(None));
    assert_eq!(end_attempt(&store, finished), Some(RunState::Succeeded));
    assert_eq!(now(store.states_of(vec![run_id(1), run_id(9)])).unwrap(), [Some(RunState::Succeeded), None]);
}

#[test]
fn a_later_version_of_the_record_goes_on() {
    let store = at_work();
    now(store.checkpoint(page(vec![row(2, "ann", 20)], 20))).unwrap();
    cancel(&store, 1);
    assert_eq!(claimed(&store, 2000, 9), [""; 0]);
    end_attempt(&store, AttemptEnd::Stopped);
    assert_eq!(claimed(&store, 2000, 9), ["ann@20"]);
}

#[test]
fn a_restart_does_not_take_it_up_again() {
    let store = at_work();
    plan(&store, "done", true);
    now(store.settle(&id("done"), done(), at(1001))).unwrap();
    plan(&store, "planned", false);
    cancel(&store, 1);
    let took_over = now(store.take_over(at(2000))).unwrap();
    let stopped = took_over.stopped.iter().map(|stopped| (stopped.run, stopped.before, stopped.after));
    assert_eq!(took_over.put_back, 0);
    assert_eq!(stopped.collect::<Vec<_>>(), [(run_id(1), RunState::Running, RunState::Cancelled)]);
    assert_eq!(state(&store, 1), RunState::Cancelled);
    let run = now(store.run(&run_id(1).to_string())).unwrap();
    assert_eq!(run.log[0].message, "cancelled while at work, after one write, in `write`");
    assert_eq!(states(&store), [EffectState::Done, EffectState::Skipped]);
    assert_eq!(claimed(&store, 99_000, 9), [""; 0]);
}

/// The check above must be able to fail.
#[test]
fn a_wish_that_a_restart_forgets_is_found_out() {
    let store = at_work();
    cancel(&store, 1);
    faults::plant(Some("a wish to stop is forgotten by a restart"));
    now(store.take_over(at(2000))).unwrap();
    faults::plant(None);
    assert_eq!(claimed(&store, 99_000, 9), ["ann@10"]);
}

/// Nobody may send it again, and nobody knows: that is for a person to look at, also where the engine would have sent
/// it again.
#[test]
fn a_write_that_may_have_been_applied_ends_its_run_as_unknown() {
    let sent = |store: &Store| plan(store, "maybe", true);
    let to_be_sent_again = |store: &Store| {
        plan(store, "maybe", true);
        let (class, message) = ("transient".to_owned(), "no answer".to_owned());
        let again = Settlement::Again { class, message, counts: true, maybe_applied: true };
        now(store.settle(&id("maybe"), again, at(1001))).unwrap();
    };
    for (what, begin) in [("sent", &sent as &dyn Fn(&Store)), ("to be sent again", &to_be_sent_again)] {
        let store = at_work();
        begin(&store);
        cancel(&store, 1);
        now(store.take_over(at(2000))).unwrap();
        let run = now(store.run(&run_id(1).to_string())).unwrap();
        assert_eq!((run.row.state, run.effects[0].state), (RunState::Unknown, EffectState::Unknown), "{what}");
        let told = run.row.failure.unwrap().message;
        assert!(
            told.starts_with("the update of `crm.contacts` may or may not have been applied: its run was "),
            "{told}"
        );
        assert!(
            now(store.repair(vec![run_id(1)], Repair::Retry(Doubt::Undecided), at(3000))).unwrap().refused[0].in_doubt
        );
        assert_eq!(cancel(&store, 1).done[0].after, RunState::Cancelled, "it was looked at");
    }
}

#[test]
fn a_retry_makes_the_writes_that_were_left_out() {
    let store = at_work();
    plan(&store, "planned", false);
    cancel(&store, 1);
    end_attempt(&store, AttemptEnd::Stopped);
    assert_eq!(states(&store), [EffectState::Skipped]);
    let retried = now(store.repair(vec![run_id(1)], Repair::Retry(Doubt::Undecided), at(3000))).unwrap();
    assert_eq!(retried.done.len(), 1);
    assert_eq!(states(&store), [EffectState::Planned]);
    assert_eq!(claimed(&store, 3000, 9), ["ann@10"]);
    assert_eq!(
        end_attempt(&store, AttemptEnd::Waits { due_at: at(4000) }),
        Some(RunState::Waiting),
        "the wish is over"
    );
}

#[test]
fn what_it_called_goes_with_it_and_it_calls_nothing_more() {
    let store = at_work();
    for number in 11..=13 {
        assert_eq!(call(&store, number), Called::New(run_id(number)));
    }
    assert_eq!(now(store.claim(at(1000), &[("called".into(), 2)])).unwrap().len(), 2);
    now(store.finish(run_id(11), Ending::Succeeded(None), at(1001))).unwrap();
    // Named beside their caller, before it or after, they are not cancelled twice.
    let ids = vec![run_id(12), run_id(1), run_id(13)];
    let repaired = now(store.repair(ids, Repair::Cancel { reason: "wrong".to_owned() }, at(2000))).unwrap();
    assert_eq!(repaired.refused, []);
    let ids = |runs: &[crate::RepairedRun]| runs.iter().map(|run| run.run).collect::<Vec<_>>();
    assert_eq!((ids(&repaired.done), ids(&repaired.asked)), (vec![run_id(13)], vec![run_id(12), run_id(1)]));
    assert_eq!(state(&store, 11), RunState::Succeeded);
    assert_eq!(call(&store, 14), Called::CallerStops);
    end_attempt(&store, AttemptEnd::Waits { due_at: at(9000) });
    assert_eq!((state(&store, 1), state(&store, 12)), (RunState::Cancelled, RunState::Running));
}

#[test]
fn what_a_waiting_caller_called_goes_with_it() {
    let store = at_work();
    call(&store, 11);
    now(store.wait(run_id(1), at(90_000))).unwrap();
    assert_eq!(cancel(&store, 1).done.len(), 2);
    assert_eq!((state(&store, 1), state(&store, 11)), (RunState::Cancelled, RunState::Cancelled));
}

/// A store in which run 1 is at work.
fn at_work() -> Store {
    let store = owned();
    now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).unwrap();
    assert_eq!(claim(&store, 1000, 1).len(), 1);
    store
}

fn cancel(store: &Store, number: u128) -> Repaired {
    now(store.repair(vec![run_id(number)], Repair::Cancel { reason: "wrong".to_owned() }, at(1500))).unwrap()
}

fn end_attempt(store: &Store, end: AttemptEnd) -> Option<RunState> {
    now(store.end_attempt(run_id(1), end, RunLog::default(), at(1600))).unwrap()
}

fn call(store: &Store, number: u128) -> Called {
    let call = Call {
        caller: run_id(1),
        flow: "called".into(),
        run: new_run(number, &format!("ann[{number}]"), 10),
        version: version(10),
        nonce: "of leads".to_owned(),
        now: at(1000),
    };
    now(store.call(call)).unwrap()
}

fn plan(store: &Store, effect_id: &str, is_sent_at_once: bool) {
    let intent = Intent {
        effect_id: id(effect_id),
        run: run_id(1),
        flow: flow(),
        step: "write".to_owned(),
        item: format!("[{effect_id}]"),
        record: "ann".into(),
        stamp: at(10),
        nonce: String::new(),
        verb: "update",
        connection: ConnectionName::from("crm"),
        object: "contacts".to_owned(),
        target_key: None,
        request_hash: 1,
        is_sent_at_once,
        now: at(1000),
    };
    assert_eq!(now(store.plan(intent)).unwrap(), Planned::New);
}

fn states(store: &Store) -> Vec<EffectState> {
    now(store.run(&run_id(1).to_string())).unwrap().effects.iter().map(|effect| effect.state).collect()
}

fn state(store: &Store, number: u128) -> RunState {
    now(store.states_of(vec![run_id(number)])).unwrap()[0].unwrap()
}

fn done() -> Settlement {
    Settlement::Done { target: "t1".into(), outcome: Value::from("made") }
}

fn id(text: &str) -> EffectId {
    EffectId::from(text)
}
