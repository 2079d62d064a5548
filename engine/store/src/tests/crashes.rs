//! The engine is stopped at each named point: before the commit nothing is stored, after it everything.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sdk::{ConnectionName, EffectId, faults};

use super::*;
use crate::{EffectState, Ending, Freshness, Intent, Novelty, RunState, Settlement};

#[test]
fn a_crash_leaves_a_checkpoint_whole_or_absent() {
    for (point, stored) in BOUNDARIES.iter().copied().chain([("checkpoint.applied", false)]) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::inline(dir.path()).unwrap();
        now(store.take_over(at(0))).unwrap();
        crash(point, || now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).map(drop));

        for store in [store.clone(), Store::inline(dir.path()).unwrap()] {
            assert_eq!(now(store.cursor(&source())).unwrap().is_some(), stored, "the cursor, at {point}");
            assert_eq!(!is_fresh(&store), stored, "the seen row, at {point}");
            assert_eq!(now(store.runs(everything())).unwrap().len() == 1, stored, "the run, at {point}");
        }
        now(store.checkpoint(page(vec![row(2, "ann", 10)], 10))).unwrap();
        assert_eq!(claimed(&store, 1000, 9), ["ann@10"], "the handle works on, and the run is there once");
    }
}

#[test]
fn a_crash_leaves_each_step_of_a_write_done_or_not_done() {
    for (point, stored) in BOUNDARIES.iter().copied().chain([("plan.applied", false)]) {
        let store = owned();
        crash(point, || now(store.plan(intent())).map(drop));
        assert_eq!(now(store.effect(&effect())).unwrap().is_some(), stored, "{point}");
    }
    for (point, stored) in BOUNDARIES.iter().copied().chain([("sent.applied", false)]) {
        let store = owned();
        now(store.plan(intent())).unwrap();
        crash(point, || now(store.mark_sent(&effect(), at(5))));
        assert_eq!(state(&store) == EffectState::Sent, stored, "{point}");
    }
    for (point, stored) in BOUNDARIES.iter().copied().chain([("settle.applied", false)]) {
        let store = owned();
        now(store.plan(intent())).unwrap();
        let skipped = Settlement::Skipped { reason: "told so".to_owned() };
        crash(point, || now(store.settle(&effect(), skipped, at(5))).map(drop));
        assert_eq!(state(&store) == EffectState::Skipped, stored, "{point}");
    }
}

#[test]
fn a_crash_leaves_a_run_ended_or_at_work() {
    for (point, stored) in BOUNDARIES.iter().copied().chain([("finish.applied", false)]) {
        let store = owned();
        now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).unwrap();
        claim(&store, 1000, 1);
        crash(point, || now(store.finish(run_id(1), Ending::Succeeded(None), at(1001))).map(drop));
        let state = now(store.run(&run_id(1).to_string())).unwrap().row.state;
        assert_eq!(state, if stored { RunState::Succeeded } else { RunState::Running }, "{point}");
    }
}

/// Planted: the rows are seen in a transaction of their own. A crash after it loses the record for good, which the
/// simulation has to notice; here we only see that the bug does what it says.
#[test]
fn planted_seen_rows_outlive_the_crash_that_took_their_runs() {
    let store = planted_crash("seen in its own transaction");
    assert!(!is_fresh(&store), "wrong: it is seen, and has no run");
    assert_eq!(now(store.cursor(&source())).unwrap(), Some(cursor(1)));
}

/// Planted: the cursor moves before the runs that it passed. As above.
#[test]
fn planted_cursor_moves_without_its_runs() {
    let store = planted_crash("cursor before events");
    assert_eq!(now(store.cursor(&source())).unwrap(), Some(cursor(10)), "wrong: it has passed what has no run");
    assert!(is_fresh(&store));
}

#[test]
fn a_planted_bug_changes_nothing_while_nothing_crashes() {
    for bug in ["seen in its own transaction", "cursor before events"] {
        faults::plant(Some(bug));
        let store = owned();
        let done = now(store.checkpoint(page(vec![row(1, "ann", 10)], 10)));
        faults::plant(None);
        assert_eq!(done.unwrap().runs, 1);
        assert_eq!(now(store.cursor(&source())).unwrap(), Some(cursor(10)));
        assert!(!is_fresh(&store));
    }
}

/// Around every commit, and whether what was asked is stored after a crash there.
pub(super) const BOUNDARIES: &[(&str, bool)] = &[("store.commit.before", false), ("store.commit.after", true)];

fn planted_crash(bug: &str) -> Store {
    let store = owned();
    now(store.start_cursor(&source(), cursor(1))).unwrap();
    faults::plant(Some(bug));
    crash("store.commit.after", || now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).map(drop));
    faults::plant(None);
    assert!(now(store.runs(everything())).unwrap().is_empty());
    store
}

/// Runs `verb` until it panics at the first visit of `point`.
pub(super) fn crash(point: &'static str, verb: impl FnOnce() -> Result<(), crate::Error>) {
    faults::set_hook(Some(Box::new(move |name| assert_ne!(name, point, "a crash on purpose"))));
    let crashed = catch_unwind(AssertUnwindSafe(verb));
    faults::set_hook(None);
    assert!(crashed.is_err(), "nothing came by {point}");
}

fn is_fresh(store: &Store) -> bool {
    now(store.fresh(&source(), 1, Freshness::ByVersion, &[("ann".into(), version(10))])).unwrap()[0] != Novelty::Known
}

fn everything() -> crate::RunFilter {
    crate::RunFilter { limit: 99, ..Default::default() }
}

fn effect() -> EffectId {
    EffectId::from("e1")
}

fn state(store: &Store) -> EffectState {
    now(store.effect(&effect())).unwrap().unwrap().state
}

pub(super) fn intent() -> Intent {
    Intent {
        effect_id: effect(),
        run: run_id(1),
        flow: flow(),
        step: "write".to_owned(),
        item: String::new(),
        record: "ann".into(),
        nonce: String::new(),
        stamp: at(10),
        verb: "create",
        connection: ConnectionName::from("crm"),
        object: "contacts".to_owned(),
        target_key: None,
        request_hash: 1,
        is_sent_at_once: false,
        now: at(1),
    }
}
