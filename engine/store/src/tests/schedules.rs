//! Flows that go by the clock: each time starts once, and a walk goes on from where it stood.

use sdk::{IdOrder, faults};

use super::crashes::{BOUNDARIES, crash};
use super::*;
use crate::{Error, Fired, Firing, ScheduleTally, Starts, Timetable, WalkPage, WalkPoint};

fn timetable(times: &str, source: Option<&str>) -> Timetable {
    Timetable { flow: flow(), times: times.to_owned(), source: source.map(str::to_owned) }
}

/// A flow that goes by the clock, first due at 100.
fn scheduled(store: &Store, source: Option<&str>) {
    now(store.start_schedule(timetable("hourly", source), Some(at(100)))).unwrap();
}

fn firing(due: i64, next_due: i64, starts: Starts) -> Firing {
    Firing {
        flow: flow(),
        epoch: 1,
        due: Some(at(due)),
        at: at(due),
        starts,
        next_due: Some(at(next_due)),
        now: at(due),
    }
}

fn a_run(number: u128) -> Starts {
    Starts::Run(NewRun { record: record("", 100), ..new_run(number, "", 100) })
}

fn point(when: i64, after: Option<&str>) -> WalkPoint {
    WalkPoint { at: at(when), after: after.map(RecordId::from), order: after.map(|_| IdOrder::Numbers) }
}

fn walk_page(from: WalkPoint, next: Option<&str>, records: &[(u128, &str)]) -> WalkPage {
    WalkPage {
        flow: flow(),
        epoch: 1,
        from,
        next: next.map(RecordId::from),
        order: IdOrder::Numbers,
        runs: records.iter().map(|(number, id)| new_run(*number, id, 5)).collect(),
        n_filtered: 1,
        now: at(100),
    }
}

#[test]
fn a_time_is_kept_until_its_words_change() {
    let store = owned();
    scheduled(&store, None);
    let again = now(store.start_schedule(timetable("hourly", None), Some(at(900)))).unwrap();
    assert_eq!(again.next_due, Some(at(100)));
    let edited = now(store.start_schedule(timetable("daily", None), Some(at(900)))).unwrap();
    assert_eq!(edited.next_due, Some(at(900)));
    assert_eq!(now(store.schedule(&flow())).unwrap(), Some(edited));
}

#[test]
fn a_time_that_is_told_twice_starts_once() {
    let store = owned();
    scheduled(&store, None);
    let fired = now(store.fire(firing(100, 200, a_run(1)))).unwrap();
    assert_eq!((fired.runs, fired.row.next_due, fired.row.last_fired), (1, Some(at(200)), Some(at(100))));
    let doubled = now(store.fire(firing(100, 200, a_run(2)))).unwrap();
    assert_eq!(doubled, Fired { runs: 0, row: fired.row });
    assert_eq!(claimed(&store, 1000, 9), ["@100"]);

    // A clock that was set back comes to the same time again.
    now(store.start_schedule(timetable("other", None), Some(at(100)))).unwrap();
    let again = now(store.fire(firing(100, 200, a_run(3)))).unwrap();
    assert_eq!((again.runs, again.row.tally.started), (0, 1));
}

#[test]
fn a_walk_goes_on_from_where_it_stood_and_nothing_else_starts_meanwhile() {
    let store = owned();
    scheduled(&store, Some("crm.contacts"));
    let begun = now(store.fire(firing(100, 200, Starts::Walk))).unwrap();
    assert_eq!(begun.row.walk, Some(point(100, None)));
    assert_eq!(now(store.fire(firing(200, 300, Starts::Walk))).unwrap(), begun, "one walk at a time");

    let page = walk_page(point(100, None), Some("bob"), &[(1, "ann"), (2, "bob")]);
    let walked = now(store.walk_page(page.clone())).unwrap();
    assert_eq!((walked.runs, &walked.row.walk), (2, &Some(point(100, Some("bob")))));
    assert_eq!(now(store.walk_page(page)).unwrap(), Fired { runs: 0, row: walked.row }, "the walk is further");
    let ended = now(store.walk_page(walk_page(point(100, Some("bob")), None, &[(3, "eve")]))).unwrap();
    assert_eq!(ended.row.walk, None);
    assert_eq!(ended.row.tally, ScheduleTally { started: 0, records: 5, filtered: 2 });
    assert_eq!(claimed(&store, 1000, 9), ["ann@100", "bob@100", "eve@100"], "a time is a version of its own");
    assert_eq!(now(store.fire(firing(200, 300, Starts::Walk))).unwrap().row.walk, Some(point(200, None)));
}

#[test]
fn a_walk_of_another_object_is_dropped() {
    let store = owned();
    scheduled(&store, Some("crm.contacts"));
    now(store.fire(firing(100, 200, Starts::Walk))).unwrap();
    let same = now(store.start_schedule(timetable("daily", Some("crm.contacts")), Some(at(900)))).unwrap();
    assert!(same.walk.is_some());
    let other = now(store.start_schedule(timetable("daily", Some("crm.deals")), Some(at(900)))).unwrap();
    assert_eq!(other.walk, None);
}

#[test]
fn a_former_owner_starts_nothing() {
    let store = owned();
    scheduled(&store, None);
    now(store.take_over(at(0))).unwrap();
    let fired = now(store.fire(firing(100, 200, a_run(1))));
    assert!(matches!(fired, Err(Error::Fenced { .. })), "{fired:?}");
    let walked = now(store.walk_page(walk_page(point(100, None), None, &[(1, "ann")])));
    assert!(matches!(walked, Err(Error::Fenced { .. })), "{walked:?}");
    assert!(claim(&store, 1000, 9).is_empty());
}

#[test]
fn a_crash_leaves_a_time_and_its_run_together() {
    for (point, stored) in BOUNDARIES.iter().copied().chain([("fire.applied", false)]) {
        let store = owned();
        scheduled(&store, None);
        crash(point, || now(store.fire(firing(100, 200, a_run(1)))).map(drop));
        let row = now(store.schedule(&flow())).unwrap().unwrap();
        assert_eq!(row.next_due, Some(at(if stored { 200 } else { 100 })), "{point}");
        assert_eq!(claimed(&store, 1000, 9).len(), usize::from(stored), "{point}");
    }
}

#[test]
fn a_crash_leaves_a_page_of_a_walk_whole_or_absent() {
    for (at_point, stored) in BOUNDARIES.iter().copied().chain([("walk_page.applied", false)]) {
        let store = owned();
        scheduled(&store, Some("crm.contacts"));
        now(store.fire(firing(100, 200, Starts::Walk))).unwrap();
        let page = walk_page(point(100, None), Some("ann"), &[(1, "ann")]);
        crash(at_point, || now(store.walk_page(page)).map(drop));
        let row = now(store.schedule(&flow())).unwrap().unwrap();
        assert_eq!(row.walk, Some(point(100, stored.then_some("ann"))), "{at_point}");
        assert_eq!(claimed(&store, 1000, 9).len(), usize::from(stored), "{at_point}");
    }
}

/// Planted: the simulation has to notice each; here we only see that it does what it says.
#[test]
fn planted_halves_outlive_the_crash_that_took_their_runs() {
    let store = owned();
    scheduled(&store, Some("crm.contacts"));
    faults::plant(Some("the next time before its run"));
    crash("store.commit.after", || now(store.fire(firing(100, 200, a_run(1)))).map(drop));
    faults::plant(None);
    let row = now(store.schedule(&flow())).unwrap().unwrap();
    assert_eq!(row.next_due, Some(at(200)), "wrong: the time is over and has no run");

    now(store.fire(firing(200, 300, Starts::Walk))).unwrap();
    faults::plant(Some("a walk's point before its runs"));
    let page = walk_page(point(200, None), Some("ann"), &[(1, "ann")]);
    crash("store.commit.after", || now(store.walk_page(page.clone())).map(drop));
    let walk = now(store.schedule(&flow())).unwrap().unwrap().walk;
    assert_eq!(walk, Some(point(200, Some("ann"))), "wrong: it has passed what has no run");
    assert!(claim(&store, 1000, 9).is_empty());
    faults::plant(None);
}

#[test]
fn a_renamed_flow_keeps_its_times() {
    let (store, new) = (owned(), FlowId::from("prospects"));
    scheduled(&store, None);
    // A start before the renaming made the new name's row; it has started nothing yet.
    now(store.start_schedule(Timetable { flow: new.clone(), ..timetable("hourly", None) }, Some(at(7)))).unwrap();
    assert!(now(store.rename_flow(&flow(), &new)).unwrap());
    assert_eq!(now(store.schedule(&new)).unwrap().unwrap().next_due, Some(at(100)));
}

/// A run that somebody asked for waited for every one before it, although no record had to be kept in order.
#[test]
fn runs_without_a_record_that_were_asked_for_stand_beside_each_other() {
    let store = owned();
    let asked = |number: u128| crate::ManualRun {
        flow: flow(),
        run: new_run(number, "", 100),
        version: version(100),
        nonce: number.to_string(),
        now: at(100),
    };
    for number in 1..=3 {
        now(store.insert_manual_run(asked(number))).unwrap();
    }
    assert_eq!(claimed(&store, 100, 9).len(), 3);

    let store = owned();
    scheduled(&store, None);
    now(store.fire(firing(100, 200, a_run(1)))).unwrap();
    now(store.fire(firing(200, 300, a_run(2)))).unwrap();
    assert_eq!(claimed(&store, 1000, 9), ["@100"], "those of a schedule follow each other");
}

/// A later time's write took the place of an earlier one's, as if both were versions of one record.
#[test]
fn writes_of_different_times_do_not_supersede_each_other() {
    let store = owned();
    let write = |id: &str, when: i64| crate::Intent {
        effect_id: id.into(),
        record: "".into(),
        stamp: at(when),
        ..super::crashes::intent()
    };
    now(store.plan(write("first", 100))).unwrap();
    now(store.plan(write("second", 200))).unwrap();
    now(store.mark_sent(&"second".into(), at(5))).unwrap();
    let done = crate::Settlement::Done { target: "7".into(), outcome: Value::Null };
    now(store.settle(&"second".into(), done, at(6))).unwrap();
    let first = now(store.plan(write("first", 100))).unwrap();
    assert!(matches!(first, crate::Planned::Known(_)), "{first:?}");
}
