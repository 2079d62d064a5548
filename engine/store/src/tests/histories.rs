//! History: pages by key, runs by shortened ids, what ended since.

use super::*;
use crate::{Ending, Error, KeyFilter, Retention, RunFilter, RunState};

#[test]
fn pages_hold_every_run_once_newest_first() {
    let store = history();
    for filter in [
        RunFilter::default(),
        RunFilter { flow: Some(flow()), ..RunFilter::default() },
        RunFilter { flow: Some(flow()), states: vec![RunState::Succeeded, RunState::Failed], ..RunFilter::default() },
        RunFilter { states: vec![RunState::Failed], ..RunFilter::default() },
    ] {
        let all = ids(&store, &RunFilter { limit: 1000, ..filter.clone() });
        assert!(all.is_sorted_by(|a, b| a > b) && all.len() >= 6, "{filter:?}: {all:?}");

        let mut paged = Vec::new();
        let mut next = RunFilter { limit: 4, ..filter };
        loop {
            let page = ids(&store, &next);
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 4, "{filter:?}: {page:?}", filter = next);
            next.before = Some(run_id(*last));
            paged.extend(page);
        }
        assert_eq!(paged, all);
    }
}

#[test]
fn filters_narrow() {
    let store = history();
    let of = |filter: RunFilter| ids(&store, &RunFilter { limit: 1000, ..filter });
    let key =
        |name: Option<&str>, value: &str| Some(KeyFilter { name: name.map(str::to_owned), value: value.to_owned() });
    let failed = of(RunFilter { flow: Some(flow()), states: vec![RunState::Failed], ..RunFilter::default() });
    assert_eq!(failed, [20, 18, 16, 14, 12, 10, 8, 6, 4, 2]);
    assert_eq!(of(RunFilter { record: Some("r3".into()), ..RunFilter::default() }), [3]);
    assert_eq!(of(RunFilter { key: key(None, "r4@example.com"), ..RunFilter::default() }), [4]);
    assert_eq!(of(RunFilter { key: key(Some("email"), "r4@example.com"), ..RunFilter::default() }), [4]);
    assert_eq!(of(RunFilter { key: key(Some("phone"), "r4@example.com"), ..RunFilter::default() }), [0; 0]);
    let other = RunFilter { flow: Some("invoices".into()), record: Some("r3".into()), ..RunFilter::default() };
    assert_eq!(of(other), [0; 0]);
}

#[test]
fn a_run_is_found_by_its_first_or_its_last_digits() {
    let store = owned();
    let first = 0x0190_0000_0000_7000_8000_0000_0000_0001;
    let second = 0x0191_0000_0000_7000_8000_0000_1234_5678;
    now(store.checkpoint(page(vec![row(first, "ann", 1), row(second, "bob", 1)], 1))).unwrap();
    let found = |text: &str| now(store.run(text)).map(|detail| detail.row.id.0.as_u128());

    assert_eq!(found(&run_id(first).to_string()).unwrap(), first);
    assert_eq!(found("0190").unwrap(), first);
    assert_eq!(found("01910000-0000").unwrap(), second);
    assert_eq!(found("12345678").unwrap(), second);
    assert_eq!(found("0000-12345678").unwrap(), second);
    assert_eq!(found("8000-0000-1234-5678").unwrap(), second);
    for unknown in ["019", "", "5678", "zzzz", "0192", "912345678", "0190000000007000800000000000000100"] {
        assert!(matches!(found(unknown), Err(Error::NoRun { .. })), "{unknown}");
    }

    let third = 0x0190_1111_0000_7000_8000_0000_1234_5678;
    now(store.checkpoint(page(vec![row(third, "cid", 1)], 1))).unwrap();
    for ambiguous in ["0190", "12345678"] {
        assert!(matches!(found(ambiguous), Err(Error::AmbiguousRun { .. })), "{ambiguous}");
    }
    assert_eq!(found("01901").unwrap(), third);
}

#[test]
fn a_run_is_shown_with_all_that_belongs_to_it() {
    let store = owned();
    now(store.checkpoint(page(vec![row(1, "ann", 10)], 1))).unwrap();
    let detail = now(store.run(&run_id(1).to_string())).unwrap();
    assert_eq!(detail.record, Some(record("ann", 10)));
    assert_eq!(detail.keys, [("email".to_owned(), "ann@example.com".to_owned())]);
    assert_eq!((detail.row.flow, detail.row.version, detail.row.created_at), (flow(), version(10), at(1000)));
}

#[test]
fn counts_follow_every_change_of_state() {
    let store = history();
    let counts = now(store.counts_by_state(&flow())).unwrap();
    assert_eq!(counts, [(RunState::Pending, 2), (RunState::Succeeded, 10), (RunState::Failed, 10)]);
    let counted: Vec<(RunState, u64)> = store.look(|connection| {
        let mut count = connection.prepare("SELECT state, count(*) FROM run GROUP BY state").unwrap();
        let rows = count.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))).unwrap();
        let mut rows: Vec<_> = rows.map(Result::unwrap).collect();
        rows.sort();
        rows
    });
    assert_eq!(counts, counted);
}

#[test]
fn a_reader_who_follows_misses_no_ending() {
    let store = history();
    let mut after = 0;
    let mut seen = Vec::new();
    loop {
        let ended = now(store.ended_since(after, 3)).unwrap();
        let Some(last) = ended.last() else { break };
        after = last.ending;
        seen.extend(ended.iter().map(|row| row.id.0.as_u128()));
    }
    assert_eq!(seen, (1..=20).collect::<Vec<_>>(), "in the order in which they ended");

    let latest = now(store.latest_ending()).unwrap();
    assert!(now(store.ended_since(latest, 9)).unwrap().is_empty());
    let run = claim(&store, 1000, 1).remove(0).id;
    now(store.finish(run, Ending::Skipped("no email".to_owned()), at(5000))).unwrap();
    let ended = now(store.ended_since(latest, 9)).unwrap();
    assert_eq!((ended.len(), ended[0].id, ended[0].reason.as_deref()), (1, run, Some("no email")));
}

#[test]
fn retention_takes_bodies_before_runs_and_leaves_what_someone_waits_for() {
    let store = history();
    let retention = Retention { bodies_before: at(1011), runs_before: at(0), effects_before: at(0), limit: 3 };
    assert_eq!(now(store.prune(retention.clone())).unwrap().bodies, 3);
    assert_eq!(now(store.prune(retention.clone())).unwrap().bodies, 2, "1, 3, 5, 7, 9 succeeded before");
    assert_eq!(now(store.prune(retention.clone())).unwrap().bodies, 0);
    assert_eq!(now(store.run(&run_id(1).to_string())).unwrap().record, None);
    assert!(now(store.run(&run_id(2).to_string())).unwrap().record.is_some(), "a failure can be retried");

    let all = Retention { bodies_before: at(9999), runs_before: at(9999), effects_before: at(9999), limit: 1000 };
    assert_eq!(now(store.prune(all)).unwrap().runs, 20);
    assert_eq!(ids(&store, &RunFilter { limit: 99, ..RunFilter::default() }), [22, 21]);
    assert_eq!(now(store.counts_by_state(&flow())).unwrap(), [(RunState::Pending, 2)]);
    let left: i64 = store.look(|connection| {
        connection
            .query_row("SELECT (SELECT count(*) FROM payload) + (SELECT count(*) FROM run_key)", [], |row| row.get(0))
            .unwrap()
    });
    assert_eq!(left, 4, "bodies and keys go with their runs");
}

/// Runs 1 to 20 have ended at 1001, 1002, …, the even ones as failures; 21 and 22 are pending.
fn history() -> Store {
    let store = owned();
    for number in 1..=22_u128 {
        let rows = vec![row(number, &format!("r{number}"), 10)];
        now(store.checkpoint(page(rows, 10))).unwrap();
        if number > 20 {
            continue;
        }
        let run = claim(&store, 1000, 1).remove(0).id;
        let ending = if number % 2 == 0 { Ending::Failed(failure("refused")) } else { Ending::Succeeded(None) };
        now(store.finish(run, ending, at(1000 + i64::try_from(number).unwrap()))).unwrap();
    }
    store
}

fn ids(store: &Store, filter: &RunFilter) -> Vec<u128> {
    now(store.runs(filter.clone())).unwrap().iter().map(|row| row.id.0.as_u128()).collect()
}
