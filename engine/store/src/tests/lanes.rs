//! Which run may begin: versions of a record in their order, records side by side.

use super::*;
use crate::{Ending, Error, JournalEntry, ManualRun, Only, RunState};

#[test]
fn versions_of_a_record_run_one_after_the_other() {
    let store = stored(&[(1, "ann", 30), (2, "ann", 10), (3, "ann", 20), (4, "bob", 15)]);
    assert_eq!(claimed(&store, 1000, 9), ["ann@10", "bob@15"]);
    assert_eq!(claimed(&store, 1000, 9), [""; 0], "both lanes are at work");

    assert!(now(store.finish(run_id(2), Ending::Succeeded(None), at(1001))).unwrap());
    assert_eq!(claimed(&store, 1001, 9), ["ann@20"]);
    now(store.finish(run_id(3), Ending::Failed(failure("refused")), at(1002))).unwrap();
    assert_eq!(claimed(&store, 1002, 9), ["ann@30"], "a failed run holds nobody back");
}

#[test]
fn a_run_in_back_off_holds_its_lane() {
    let store = stored(&[(1, "ann", 10), (2, "ann", 20), (3, "bob", 10)]);
    assert_eq!(claimed(&store, 1000, 1), ["ann@10"]);
    assert!(now(store.park(run_id(1), at(5000), failure("busy"))).unwrap());
    assert_eq!(claimed(&store, 1001, 9), ["bob@10"]);
    assert_eq!(now(store.next_due(at(1001), &[flow()])).unwrap(), Some(at(5000)));

    let again = claim(&store, 5000, 9);
    assert_eq!((again.len(), again[0].id, again[0].attempt), (1, run_id(1), 2));
    let detail = now(store.run(&run_id(1).to_string())).unwrap();
    assert_eq!(detail.row.failure, Some(failure("busy")));
}

#[test]
fn an_earlier_version_that_is_stored_late_waits_for_the_one_at_work() {
    let store = stored(&[(1, "ann", 20)]);
    assert_eq!(claimed(&store, 1000, 9), ["ann@20"]);
    now(store.checkpoint(page(vec![row(2, "ann", 10)], 20))).unwrap();
    assert_eq!(claimed(&store, 1000, 9), [""; 0]);
}

#[test]
fn equal_stamps_run_in_the_order_of_their_ids() {
    let store = owned();
    let edit = |number, hash| SeenRow { version: Version { stamp: at(10), hash }, ..row(number, "ann", 10) };
    now(store.checkpoint(page(vec![edit(2, 8), edit(1, 9)], 10))).unwrap();
    let first = claim(&store, 1000, 9);
    assert_eq!((first.len(), first[0].id), (1, run_id(1)));
}

#[test]
fn each_flow_gets_at_most_as_many_as_it_asked_for() {
    let store = stored(&[(1, "a", 1), (2, "b", 1), (3, "c", 1)]);
    let other = FlowId::from("invoices");
    let key = source_of(&other);
    now(store.checkpoint(Checkpoint { key, ..page(vec![row(11, "a", 1), row(12, "b", 1)], 1) })).unwrap();

    let wanted = [(flow(), 2), (other.clone(), 1), (FlowId::from("nobody"), 5)];
    let claimed: Vec<_> = now(store.claim(at(1000), &wanted)).unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(claimed, [run_id(1), run_id(2), run_id(11)], "one record of two flows is two lanes");
    assert_eq!(now(store.claim(at(1000), &[(other, 0)])).unwrap().len(), 0);
}

#[test]
fn nothing_is_claimed_before_it_is_due() {
    let store = stored(&[(1, "ann", 10)]);
    assert_eq!(claimed(&store, 999, 9), [""; 0]);
    assert_eq!(now(store.next_due(at(999), &[flow()])).unwrap(), Some(at(1000)));
    assert_eq!(now(store.next_due(at(1000), &[flow()])).unwrap(), None, "what is due now is not in the future");
    assert_eq!(claimed(&store, 1000, 9), ["ann@10"]);
}

#[test]
fn a_later_attempt_is_told_what_earlier_ones_learned() {
    let store = stored(&[(1, "ann", 10)]);
    let first = claim(&store, 1000, 1).remove(0);
    assert_eq!(
        (first.attempt, first.record, first.version, first.created_at),
        (1, record("ann", 10), version(10), at(1000))
    );
    let entry = JournalEntry { key: "owner".to_owned(), outcome: Value::Int(5) };
    now(store.journal(run_id(1), entry.clone())).unwrap();
    let second = JournalEntry { outcome: Value::Int(6), ..entry.clone() };
    now(store.journal(run_id(1), second)).unwrap();

    assert_eq!(now(store.take_over(at(2000))).unwrap(), crate::TookOver { epoch: 2, put_back: 1, stopped: Vec::new() });
    let again = claim(&store, 2000, 1).remove(0);
    assert_eq!((again.attempt, again.journal), (2, vec![entry]), "the first outcome stays");
}

#[test]
fn an_ending_is_never_overwritten() {
    let store = stored(&[(1, "ann", 10)]);
    assert!(!now(store.finish(run_id(1), Ending::Superseded, at(999))).unwrap(), "it has not begun");
    claim(&store, 1000, 1);
    assert!(now(store.finish(run_id(1), Ending::Succeeded(Some(Value::Int(3))), at(1001))).unwrap());
    assert!(!now(store.finish(run_id(1), Ending::Failed(failure("late")), at(1002))).unwrap());
    assert!(!now(store.park(run_id(1), at(2000), failure("late"))).unwrap());

    let detail = now(store.run(&run_id(1).to_string())).unwrap();
    assert_eq!((detail.row.state, detail.row.ended_at), (RunState::Succeeded, Some(at(1001))));
    assert_eq!((detail.row.failure, detail.outcome), (None, Some(Value::Int(3))));
    assert!(matches!(now(store.finish(run_id(9), Ending::Superseded, at(1))), Err(Error::NoRun { .. })));
}

#[test]
fn every_ending_has_its_state() {
    let store = owned();
    let endings = [
        (Ending::Succeeded(None), RunState::Succeeded),
        (Ending::Skipped("no email".to_owned()), RunState::Skipped),
        (Ending::Failed(failure("refused")), RunState::Failed),
        (Ending::Unknown(failure("no answer")), RunState::Unknown),
        (Ending::Superseded, RunState::Superseded),
    ];
    for (number, (ending, state)) in (1..).zip(endings) {
        now(store.checkpoint(page(vec![row(number, "ann", i64::try_from(number).unwrap())], 1))).unwrap();
        claim(&store, 1000, 1);
        assert!(now(store.finish(run_id(number), ending, at(1001))).unwrap());
        assert_eq!(now(store.run(&run_id(number).to_string())).unwrap().row.state, state);
    }
}

#[test]
fn a_run_by_hand_is_another_run_by_its_nonce() {
    let store = stored(&[(1, "ann", 10)]);
    let manual = |number, nonce: &str| ManualRun {
        flow: flow(),
        run: new_run(number, "ann", 10),
        version: version(10),
        nonce: nonce.to_owned(),
        now: at(1000),
    };
    assert!(!now(store.insert_manual_run(manual(2, ""))).unwrap(), "the poll has stored that one");
    assert!(now(store.insert_manual_run(manual(3, "again"))).unwrap());
    assert!(!now(store.insert_manual_run(manual(4, "again"))).unwrap());

    assert_eq!(claim(&store, 1000, 9)[0].id, run_id(1));
    now(store.finish(run_id(1), Ending::Succeeded(None), at(1001))).unwrap();
    let by_hand = claim(&store, 1001, 9).remove(0);
    assert_eq!((by_hand.id, by_hand.nonce.as_str()), (run_id(3), "again"));
}

#[test]
fn a_body_that_cannot_be_read_fails_its_own_run_only() {
    let store = stored(&[(1, "ann", 10), (2, "bob", 10)]);
    store
        .look(|connection| {
            connection.execute("UPDATE payload SET record = x'09' WHERE run = ?1", [&run_id(1).0.as_bytes()[..]])
        })
        .unwrap();
    assert_eq!(claimed(&store, 1000, 9), ["bob@10"]);
    let failed = now(store.run(&run_id(2).to_string())).map(|detail| detail.row.state).unwrap();
    assert_eq!(failed, RunState::Running);
    let counts = now(store.counts_by_state(&flow())).unwrap();
    assert_eq!(counts, [(RunState::Running, 1), (RunState::Failed, 1)]);
}

/// With a million ended runs, a question that reads them all would stop the dispatcher and all who wait for the writer.
#[test]
fn the_writers_questions_are_answered_by_indexes() {
    let store = owned();
    let plan = |sql: &str| query_plan(&store, sql);
    let due = plan(crate::runs::DUE);
    for index in
        ["run_pending (flow=? AND due_at<?)", "run_lane (flow=? AND record=? AND ", "run_at_work (flow=? AND record=?)"]
    {
        assert!(due.contains(index), "no {index} in\n{due}");
    }
    assert!(!due.contains("TEMP B-TREE"), "{due}");
    for (sql, index) in [
        (crate::runs::NEXT_DUE, "run_pending (flow=? AND due_at>?)"),
        (crate::runs::NEXT_WAKE, "run_waiting (flow=? AND due_at>?)"),
        (crate::runs::WOKEN, "run_waiting (flow=? AND due_at<?)"),
        (crate::retention::WITH_BODY, "run_with_body (ended_at<?)"),
    ] {
        let plan = plan(sql);
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "no {index} in\n{plan}");
    }
    let tail = plan(&format!("SELECT run.id {}", crate::history::WITH_TAIL));
    assert!(tail.contains("COVERING INDEX run_version"), "the rows themselves are ten times as many pages\n{tail}");
    let counts = plan(crate::history::COUNTS);
    // Those that are pending stand in two of them.
    assert!(!counts.contains("SCAN run") && counts.matches("COVERING INDEX run_").count() == 3, "{counts}");
    let open = plan(crate::runs::OPEN);
    assert!(!open.contains("SCAN run") && open.matches("(flow=?)").count() == 3, "{open}");
    for state in RunState::ALL {
        let page = plan(&format!("SELECT run.id {}", crate::history::page_of(*state)));
        let index = match state {
            RunState::Pending => "run_pending (flow=?",
            RunState::Waiting => "run_waiting (flow=?",
            RunState::Running => "run_at_work (flow=?",
            ended => {
                assert!(!page.contains("TEMP B-TREE"), "{ended}\n{page}");
                "run_by_state (flow=? AND state=? AND id<?"
            }
        };
        assert!(page.contains(index), "{state}: no {index} in\n{page}");
    }
    let any_open = plan(crate::runs::ANY_OPEN);
    assert!(!any_open.contains("SCAN run\n") && any_open.matches("INDEX run_").count() == 2, "{any_open}");
}

#[test]
fn a_run_is_open_until_it_has_ended_unless_it_is_at_work() {
    let store = stored(&[(1, "ann", 10)]);
    let any_open = || now(store.any_open()).unwrap();
    assert!(any_open());
    claim(&store, 1000, 1);
    assert!(!any_open(), "one that is at work wakes the loop itself");
    now(store.wait(run_id(1), at(5000))).unwrap();
    assert!(any_open());
    claim(&store, 5000, 1);
    now(store.finish(run_id(1), Ending::Succeeded(None), at(5001))).unwrap();
    assert!(!any_open());
}

pub(super) fn stored(runs: &[(u128, &str, i64)]) -> Store {
    let store = owned();
    let rows = runs.iter().map(|(number, id, stamp)| row(*number, id, *stamp)).collect();
    now(store.checkpoint(page(rows, 0))).unwrap();
    store
}

#[test]
fn an_ignored_failure_is_journaled_and_counted_once() {
    let store = owned();
    now(store.checkpoint(page(vec![row(1, "ann", 10)], 1))).unwrap();
    claim(&store, 1000, 1);
    let entry = |word: &str| JournalEntry { key: "write failed".to_owned(), outcome: Value::from(word) };
    now(store.ignore(run_id(1), entry("first"))).unwrap();
    now(store.ignore(run_id(1), entry("again"))).unwrap();
    let run = now(store.run(&run_id(1).to_string())).unwrap();
    assert_eq!((run.row.ignored, run.journal), (1, vec![entry("first")]));
}

#[test]
fn a_run_that_waits_holds_nobody_back_and_goes_on_in_its_turn() {
    let store = stored(&[(1, "ann", 10), (2, "ann", 20)]);
    assert_eq!(claimed(&store, 1000, 9), ["ann@10"]);
    let woke = JournalEntry { key: "wait".to_owned(), outcome: Value::Moment(at(5000)) };
    now(store.journal(run_id(1), woke.clone())).unwrap();
    assert!(now(store.wait(run_id(1), at(5000))).unwrap());
    assert_eq!(now(store.next_due(at(1000), &[flow()])).unwrap(), Some(at(5000)));

    assert_eq!(claimed(&store, 1001, 9), ["ann@20"], "the later version need not wait");
    assert_eq!(claimed(&store, 5000, 9), [""; 0], "never two of one record at work");
    now(store.finish(run_id(2), Ending::Succeeded(None), at(5001))).unwrap();
    let again = claim(&store, 5001, 9).remove(0);
    assert_eq!((again.id, again.attempt, again.journal), (run_id(1), 1, vec![woke]), "waiting is no attempt");
    assert!(now(store.finish(run_id(1), Ending::Succeeded(None), at(5002))).unwrap());
    assert!(!now(store.wait(run_id(1), at(9000))).unwrap(), "an ending stays");
}

#[test]
fn a_wait_outlives_its_engine() {
    let store = stored(&[(1, "ann", 10)]);
    claim(&store, 1000, 9);
    now(store.wait(run_id(1), at(5000))).unwrap();
    assert_eq!(now(store.take_over(at(1001))).unwrap().put_back, 0);
    assert_eq!(claimed(&store, 4999, 9), [""; 0]);
    assert_eq!(claimed(&store, 5000, 9), ["ann@10"]);
}

#[test]
fn of_a_flow_that_begins_nothing_only_runs_that_were_begun_go_on() {
    let store = stored(&[(1, "ann", 10), (2, "bob", 10), (3, "eve", 10)]);
    assert_eq!(claimed(&store, 1000, 1).len(), 1);
    let begun = now(store.open_runs(&flow(), Only::Begun)).unwrap();
    assert_eq!((begun.len(), now(store.open_runs(&flow(), Only::All)).unwrap().len()), (1, 3));
    // Also one whose wait is over, which counts as no attempt.
    now(store.wait(begun[0], at(2000))).unwrap();
    let claimed: Vec<_> = now(store.claim_begun(at(3000), &[(flow(), 9)])).unwrap().iter().map(|run| run.id).collect();
    assert_eq!(claimed, begun);
    now(store.finish(begun[0], Ending::Succeeded(None), at(3001))).unwrap();
    assert_eq!(now(store.open_runs(&flow(), Only::Begun)).unwrap(), []);
    assert_eq!(now(store.claim_begun(at(4000), &[(flow(), 9)])).unwrap().len(), 0);
    assert_eq!(now(store.claim(at(4000), &[(flow(), 9)])).unwrap().len(), 2);
}
