//! What an operator does about runs: retry, cancel, dismiss; and what is listed until then.

use sdk::{ConnectionName, EffectId};

use super::*;
use crate::{
    AttemptEnd, Call, Called, Doubt, EffectState, Ending, FailureFilter, GroupId, Intent, JournalEntry, LogLevel,
    LogLine, Planned, Repair, Repaired, Retention, RunLog, RunRow, RunState, Settlement,
};

#[test]
fn what_failed_is_planned_again_and_what_is_done_stays_done() {
    let store = at_work(1);
    write(&store, "made", "create", done("t1"));
    write(&store, "refused", "update", refused("no"));
    fail(&store, 1, "update", "no");
    assert_eq!(retry(&store, 1, Doubt::Undecided).done.len(), 1);

    let run = claim(&store, 2000, 1).remove(0);
    assert_eq!((run.attempt, run.last_failure.unwrap().attempt), (2, 0), "its step begins to count anew");
    let states: Vec<_> =
        run.effects.iter().map(|effect| (effect.step.as_str(), effect.state, effect.attempts)).collect();
    assert_eq!(states, [("create", EffectState::Done, 1), ("update", EffectState::Planned, 1)]);
    let again = run.effects.iter().find(|effect| effect.step == "update").unwrap();
    assert_eq!((again.failures, &again.outcome, &again.class), (0, &None, &None));
    now(store.mark_sent(&id("refused"), at(2001))).unwrap();
}

#[test]
fn a_write_in_doubt_needs_a_decision() {
    let doubted = || {
        let store = at_work(1);
        write(&store, "maybe", "create", unknown());
        now(store.finish(run_id(1), Ending::Unknown(failure("no answer")), at(1001))).unwrap();
        store
    };
    let effect = |store: &Store| now(store.effect(&id("maybe"))).unwrap().unwrap();

    let store = doubted();
    let refused = retry(&store, 1, Doubt::Undecided).refused.remove(0);
    assert!(refused.in_doubt && refused.reason.contains("the create of `crm.contacts` in `create`"), "{refused:?}");
    assert_eq!((state(&store, 1), effect(&store).state), (RunState::Unknown, EffectState::Unknown), "nothing changed");

    retry(&store, 1, Doubt::Resend);
    assert_eq!((state(&store, 1), effect(&store).state), (RunState::Pending, EffectState::Planned));

    let store = doubted();
    retry(&store, 1, Doubt::Applied(Some("t7".into())));
    let row = effect(&store);
    assert_eq!((row.state, row.target_id), (EffectState::Done, Some("t7".into())));
    let seen = row.outcome.unwrap().to_plain_json().to_string();
    assert_eq!(seen, r#"{"changed":true,"created":true,"id":"t7"}"#);

    let store = doubted();
    retry(&store, 1, Doubt::Skip);
    assert_eq!((state(&store, 1), effect(&store).state), (RunState::Pending, EffectState::Skipped));
}

#[test]
fn one_record_cannot_be_the_target_of_two_writes_in_doubt() {
    let store = at_work(1);
    write(&store, "maybe", "create", unknown());
    write(&store, "maybe too", "create again", unknown());
    now(store.finish(run_id(1), Ending::Unknown(failure("no answer")), at(1001))).unwrap();
    let refused = retry(&store, 1, Doubt::Applied(Some("t7".into()))).refused.remove(0);
    assert!(refused.reason.contains("2 writes"), "{refused:?}");
    assert_eq!(state(&store, 1), RunState::Unknown);
    assert_eq!(retry(&store, 1, Doubt::Applied(None)).done.len(), 1);
}

#[test]
fn look_ups_are_asked_anew_unless_a_write_was_made_from_them() {
    let looked_up = |is_applied: bool| {
        let store = at_work(1);
        for (key, outcome) in [
            ("find", Value::List(Vec::new())),
            ("wait", Value::Moment(at(900))),
            ("other failed", Value::from("ignored")),
            ("last before", Value::List(Vec::new())),
            (" failure", Value::from("that it gave up")),
        ] {
            let entry = JournalEntry { key: key.to_owned(), outcome };
            match key {
                "other failed" => now(store.ignore(run_id(1), entry)).unwrap(),
                _ => now(store.journal(run_id(1), entry)).unwrap(),
            }
        }
        if is_applied {
            write(&store, "made", "create", done("t1"));
        }
        write(&store, "ignored", "other", refused("no"));
        write(&store, "refused", "last", refused("no"));
        fail(&store, 1, "last", "no");
        retry(&store, 1, Doubt::Undecided);
        let run = now(store.run(&run_id(1).to_string())).unwrap();
        let keys: Vec<String> = run.journal.into_iter().map(|entry| entry.key).collect();
        let ignored = now(store.effect(&id("ignored"))).unwrap().unwrap().state;
        (keys, run.row.ignored, ignored)
    };
    assert_eq!(looked_up(false), (vec!["wait".to_owned()], 0, EffectState::Planned), "nothing depends on anything");
    let kept = ["find", "other failed", "wait"].map(str::to_owned).to_vec();
    assert_eq!(looked_up(true), (kept, 1, EffectState::Failed), "all but the failed step's own");
}

#[test]
fn a_run_is_tried_again_with_those_that_it_called() {
    let store = at_work(1);
    call(&store, 2, "call");
    fail(&store, 2, "write", "no");
    fail(&store, 1, "call", "the called run failed");
    let done: Vec<_> = retry(&store, 1, Doubt::Undecided).done.into_iter().map(|run| run.run).collect();
    assert_eq!(done, [run_id(1), run_id(2)]);
    assert_eq!((state(&store, 1), state(&store, 2)), (RunState::Pending, RunState::Pending));
}

/// A run that had looked something up and then called another flow asked anew when it was retried. It found what the
/// called run had written, and went another way.
#[test]
fn look_ups_stay_where_a_called_run_has_written() {
    for is_applied in [true, false] {
        let store = at_work(1);
        let entry = JournalEntry { key: "find".to_owned(), outcome: Value::List(Vec::new()) };
        now(store.journal(run_id(1), entry)).unwrap();
        call(&store, 2, "call");
        if is_applied {
            write_of(&store, 2, "made", "create", done("t1"));
        }
        now(store.finish(run_id(2), Ending::Succeeded(None), at(1001))).unwrap();
        fail(&store, 1, "last", "no");
        retry(&store, 1, Doubt::Undecided);
        let kept = now(store.run(&run_id(1).to_string())).unwrap().journal.len();
        assert_eq!(kept, usize::from(is_applied));
    }
}

/// The id of one record was taken for that of each run in doubt, so that later steps of all of them wrote to it.
#[test]
fn one_record_cannot_be_the_target_of_several_runs_in_doubt() {
    let store = failed(&["a", "b"]);
    for number in [1, 2] {
        retry(&store, number, Doubt::Undecided);
        claim(&store, 2000, 9);
        write_of(&store, number, &format!("maybe {number}"), "create", unknown());
        now(store.finish(run_id(number), Ending::Unknown(failure("no answer")), at(2001))).unwrap();
    }
    let with = |doubt: Doubt| now(store.repair(vec![run_id(1), run_id(2)], Repair::Retry(doubt), at(3000))).unwrap();
    let refused = with(Doubt::Applied(Some("t7".into()))).refused;
    assert_eq!(refused.len(), 2);
    assert!(refused[0].reason.contains("2 writes"), "{refused:?}");
    assert_eq!((state(&store, 1), state(&store, 2)), (RunState::Unknown, RunState::Unknown));
    assert_eq!(with(Doubt::Applied(None)).done.len(), 2);
}

/// The same of runs that one run has called.
#[test]
fn one_record_cannot_be_the_target_of_several_called_runs_in_doubt() {
    let store = at_work(1);
    for number in [2, 3] {
        call(&store, number, &format!("call {number}"));
        write_of(&store, number, &format!("maybe {number}"), "create", unknown());
        now(store.finish(run_id(number), Ending::Unknown(failure("no answer")), at(1001))).unwrap();
    }
    now(store.finish(run_id(1), Ending::Unknown(failure("no answer")), at(1002))).unwrap();
    let refused = retry(&store, 1, Doubt::Applied(Some("t7".into()))).refused;
    assert!(refused[0].reason.contains("2 writes"), "{refused:?}");
    assert_eq!((state(&store, 1), state(&store, 2)), (RunState::Unknown, RunState::Unknown));
    assert_eq!(retry(&store, 1, Doubt::Applied(None)).done.len(), 3);
}

#[test]
fn each_repair_is_for_runs_in_some_states() {
    let cancel = || Repair::Cancel { reason: "not needed".to_owned() };
    let store = at_work(1);
    for repair_of_work in [Repair::Dismiss, Repair::Retry(Doubt::Undecided)] {
        assert_eq!(repair(&store, 1, repair_of_work).refused.len(), 1);
    }
    assert_eq!(repair(&store, 9, cancel()).refused.remove(0).reason, format!("there is no run `{}`", run_id(9)));

    now(store.park(run_id(1), at(9000), failure("later"))).unwrap();
    let refused = repair(&store, 1, Repair::Retry(Doubt::Undecided)).refused.remove(0).reason;
    assert!(refused.contains("goes on by itself, so it cannot be retried"), "{refused}");
    let cancelled = repair(&store, 1, cancel()).done.remove(0);
    assert_eq!((cancelled.before, cancelled.after), (RunState::Pending, RunState::Cancelled));
    assert_eq!(repair(&store, 1, Repair::Dismiss).refused.len(), 1);
    retry(&store, 1, Doubt::Undecided);
    claim(&store, 3000, 1);
    now(store.finish(run_id(1), Ending::Succeeded(None), at(3001))).unwrap();
    for too_late in [cancel(), Repair::Dismiss, Repair::Retry(Doubt::Undecided)] {
        let refused = repair(&store, 1, too_late).refused.remove(0).reason;
        assert!(refused.contains("is succeeded, so it cannot be"), "{refused}");
    }
}

#[test]
fn one_run_that_cannot_be_repaired_stops_no_other() {
    let store = failed(&["a", "b"]);
    let ids = vec![run_id(1), run_id(7), run_id(2)];
    let repaired = now(store.repair(ids, Repair::Retry(Doubt::Undecided), at(2000))).unwrap();
    assert_eq!((repaired.done.len(), repaired.refused.len()), (2, 1));
    assert_eq!(claim(&store, 2000, 9).len(), 2);
}

#[test]
fn failures_of_one_cause_are_one_group() {
    let store = failed(&["no contact `1@x`", "no contact `2@x`", "refused", "no contact `3@x`"]);
    let groups = now(store.failure_groups(FailureFilter::default())).unwrap();
    let told: Vec<_> = groups.iter().map(|group| (group.message.as_str(), group.n_runs, group.example)).collect();
    assert_eq!(told, [("no contact `3@x`", 3, run_id(4)), ("refused", 1, run_id(3))], "the newest is the example");
    assert_eq!((groups[0].oldest_at, groups[0].newest_at), (at(1001), at(1004)));

    let of = |filter: FailureFilter| numbers(&now(store.failures(filter, None, 99)).unwrap());
    assert_eq!(of(FailureFilter { group: Some(groups[0].id.clone()), ..FailureFilter::default() }), [4, 2, 1]);
    assert_eq!(of(FailureFilter { since: Some(at(1003)), ..FailureFilter::default() }), [4, 3]);
    assert_eq!(of(FailureFilter { class: Some("auth".to_owned()), ..FailureFilter::default() }), [0; 0]);
    assert_eq!(of(FailureFilter { flow: Some("invoices".into()), ..FailureFilter::default() }), [0; 0]);
    let since = FailureFilter { since: Some(at(1004)), ..FailureFilter::default() };
    assert_eq!(now(store.failure_groups(since)).unwrap()[0].n_runs, 1);
    let none = FailureFilter { group: GroupId::parse("g0000000"), ..FailureFilter::default() };
    assert_eq!(now(store.failure_groups(none)).unwrap(), []);
    let page = now(store.failures(FailureFilter::default(), Some(run_id(3)), 1)).unwrap();
    assert_eq!(numbers(&page), [2], "a page goes on where the last one ended");
}

#[test]
fn a_dismissed_failure_is_history_and_no_failure_any_more() {
    let store = failed(&["a", "b"]);
    assert_eq!(repair(&store, 1, Repair::Dismiss).done.len(), 1);
    assert_eq!(numbers(&now(store.failures(FailureFilter::default(), None, 9)).unwrap()), [2]);
    assert_eq!(now(store.failure_groups(FailureFilter::default())).unwrap().len(), 1);
    let row = now(store.run(&run_id(1).to_string())).unwrap().row;
    assert_eq!((row.state, row.dismissed_at), (RunState::Failed, Some(at(2000))));
    // Its record may go with those of other runs that nobody waits for.
    let retention = Retention { bodies_before: at(9000), runs_before: at(0), effects_before: at(0), limit: 9 };
    assert_eq!(now(store.prune(retention)).unwrap().bodies, 1);

    retry(&store, 2, Doubt::Undecided);
    claim(&store, 2000, 9);
    fail(&store, 2, "write", "b");
    repair(&store, 2, Repair::Dismiss);
    retry(&store, 2, Doubt::Undecided);
    claim(&store, 2000, 9);
    fail(&store, 2, "write", "b");
    assert_eq!(numbers(&now(store.failures(FailureFilter::default(), None, 9)).unwrap()), [2], "it failed again");
}

/// Among a million ended runs, a list of failures that reads them all would take seconds.
#[test]
fn failures_are_found_by_indexes() {
    let store = owned();
    let causes = query_plan(&store, crate::failures::CAUSES);
    assert!(causes.contains("USING COVERING INDEX run_failure (flow=?)"), "{causes}");
    let by_age = query_plan(&store, &format!("SELECT run.*, flow.name {}", crate::failures::BY_AGE));
    assert!(by_age.contains("run_failure_by_age (id<?)"), "{by_age}");
    for plan in [causes, by_age] {
        assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN run"), "{plan}");
    }
}

#[test]
fn what_attempts_noted_is_kept_with_their_end_and_goes_with_the_body() {
    let store = at_work(1);
    let log = |attempt: u32, message: &str| {
        let mut log = RunLog::default();
        log.push(LogLine {
            at: at(1000),
            attempt,
            level: LogLevel::Info,
            step: "write".to_owned(),
            message: message.to_owned(),
            fields: vec![("id".to_owned(), "7".to_owned())],
        });
        log
    };
    let parked = AttemptEnd::Parked { due_at: at(1500), failure: failure("later") };
    assert_eq!(now(store.end_attempt(run_id(1), parked, log(1, "tried"), at(1001))).unwrap(), Some(RunState::Pending));
    claim(&store, 1500, 1);
    let finished = || AttemptEnd::Finished(Ending::Succeeded(None));
    assert_eq!(
        now(store.end_attempt(run_id(1), finished(), log(2, "made"), at(1501))).unwrap(),
        Some(RunState::Succeeded)
    );
    assert_eq!(now(store.end_attempt(run_id(1), finished(), log(3, "too late"), at(1502))).unwrap(), None);
    let told = |store: &Store| {
        let log = now(store.run(&run_id(1).to_string())).unwrap().log;
        log.into_iter().map(|line| (line.attempt, line.message)).collect::<Vec<_>>()
    };
    assert_eq!(told(&store), [(1, "tried".to_owned()), (2, "made".to_owned())]);

    let retention = Retention { bodies_before: at(9000), runs_before: at(0), effects_before: at(0), limit: 9 };
    now(store.prune(retention)).unwrap();
    assert_eq!(told(&store), []);
}

/// Runs 1, 2, … failed with these messages at 1001, 1002, ….
fn failed(messages: &[&str]) -> Store {
    let store = owned();
    for (message, number) in messages.iter().zip(1..) {
        now(store.checkpoint(page(vec![row(number, &format!("r{number}"), 10)], 10))).unwrap();
        claim(&store, 1000, 1);
        fail(&store, number, "write", message);
    }
    store
}

/// A store in which this run is at work.
fn at_work(number: u128) -> Store {
    let store = owned();
    now(store.checkpoint(page(vec![row(number, "ann", 10)], 10))).unwrap();
    assert_eq!(claim(&store, 1000, 1).len(), 1);
    store
}

fn fail(store: &Store, number: u128, step: &str, message: &str) {
    let failure = Failure { step: step.to_owned(), attempt: 3, ..failure(message) };
    let ended_at = at(1000 + i64::try_from(number).unwrap());
    assert!(now(store.finish(run_id(number), Ending::Failed(failure), ended_at)).unwrap());
}

/// Run 1 calls another flow, whose run is at work then.
fn call(store: &Store, number: u128, nonce: &str) {
    let call = Call {
        caller: run_id(1),
        flow: "called".into(),
        run: new_run(number, &format!("ann[{number}]"), 10),
        version: version(10),
        nonce: nonce.to_owned(),
        now: at(1000),
    };
    assert_eq!(now(store.call(call)).unwrap(), Called::New(run_id(number)));
    assert_eq!(now(store.claim(at(1000), &[("called".into(), 1)])).unwrap().len(), 1);
}

fn write(store: &Store, effect_id: &str, step: &str, settlement: Settlement) {
    write_of(store, 1, effect_id, step, settlement);
}

fn write_of(store: &Store, number: u128, effect_id: &str, step: &str, settlement: Settlement) {
    let intent = Intent {
        effect_id: id(effect_id),
        run: run_id(number),
        flow: flow(),
        step: step.to_owned(),
        item: String::new(),
        record: "ann".into(),
        stamp: at(10),
        nonce: String::new(),
        verb: "create",
        connection: ConnectionName::from("crm"),
        object: "contacts".to_owned(),
        target_key: None,
        request_hash: 1,
        is_sent_at_once: false,
        now: at(50),
    };
    assert_eq!(now(store.plan(intent)).unwrap(), Planned::New);
    now(store.mark_sent(&id(effect_id), at(100))).unwrap();
    now(store.settle(&id(effect_id), settlement, at(101))).unwrap();
}

fn retry(store: &Store, number: u128, doubt: Doubt) -> Repaired {
    repair(store, number, Repair::Retry(doubt))
}

fn repair(store: &Store, number: u128, repair: Repair) -> Repaired {
    now(store.repair(vec![run_id(number)], repair, at(2000))).unwrap()
}

fn state(store: &Store, number: u128) -> RunState {
    now(store.run(&run_id(number).to_string())).unwrap().row.state
}

fn numbers(rows: &[RunRow]) -> Vec<u128> {
    rows.iter().map(|row| row.id.0.as_u128()).collect()
}

fn id(text: &str) -> EffectId {
    EffectId::from(text)
}

fn done(target: &str) -> Settlement {
    Settlement::Done { target: target.into(), outcome: Value::from("made") }
}

fn refused(message: &str) -> Settlement {
    Settlement::Failed { class: "invalid".to_owned(), message: message.to_owned() }
}

fn unknown() -> Settlement {
    Settlement::Unknown { class: "unknown".to_owned(), message: "no answer".to_owned() }
}
