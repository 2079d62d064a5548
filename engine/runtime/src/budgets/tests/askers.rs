//! Askers without an engine: who goes when.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sdk::{Clock, Cost, Limit, LimitScope, Observed, faults};

use super::limit;
use crate::budgets::{Asker, Budgets, Kind, Later};
use crate::testing::{SimulatedClock, World};

/// One asker among many.
#[derive(Clone, Copy)]
struct Ask {
    connection: &'static str,
    flow: &'static str,
    kind: Kind,
    limit: &'static str,
}

const WRITE: Ask = Ask { connection: "crm", flow: "a", kind: Kind::Write, limit: "calls" };
const POLL: Ask = Ask { kind: Kind::Poll, ..WRITE };

/// Budgets of a connection `crm`, and askers of them.
struct Bench {
    budgets: Budgets,
    simulated: Arc<SimulatedClock>,
    clock: Arc<dyn Clock>,
    /// Who went, in order.
    went: Arc<Mutex<Vec<(&'static str, Kind)>>>,
    sent_away: Arc<Mutex<Vec<Later>>>,
}

impl Bench {
    fn new(limits: Vec<Limit>) -> Self {
        let simulated = World::new().clock.clone();
        let budgets = Budgets::default();
        budgets.open(&"crm".into(), limits, &[]);
        let clock = simulated.clone();
        Self { budgets, simulated, clock, went: Arc::default(), sent_away: Arc::default() }
    }

    /// So many come, one after the other, and each request takes so long.
    fn come(&self, n: usize, ask: Ask, takes: Duration) {
        for _ in 0..n {
            let (budgets, clock) = (self.budgets.clone(), self.clock.clone());
            let (went, sent_away) = (self.went.clone(), self.sent_away.clone());
            tokio::spawn(async move {
                let costs = vec![cost(ask.limit, 1)];
                match budgets.take(&clock, asker(ask), costs.clone()).await {
                    Ok(grant) => {
                        went.lock().unwrap().push((ask.flow, ask.kind));
                        let call = async {
                            sdk::budget::pay(&costs).await;
                            clock.sleep(takes).await;
                        };
                        grant.spend(call).await;
                    }
                    Err(later) => sent_away.lock().unwrap().push(later),
                }
            });
        }
    }

    /// How many went, by flow and kind.
    fn counts(&self) -> BTreeMap<(&'static str, Kind), usize> {
        let mut counts = BTreeMap::new();
        for (flow, kind) in self.went.lock().unwrap().iter() {
            *counts.entry((*flow, *kind)).or_default() += 1;
        }
        counts
    }

    fn n_went(&self) -> usize {
        self.went.lock().unwrap().len()
    }

    fn n_sent_away(&self) -> usize {
        self.sent_away.lock().unwrap().len()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        faults::plant(None);
    }
}

fn asker(ask: Ask) -> Asker {
    Asker { connection: ask.connection.into(), flow: ask.flow.into(), kind: ask.kind, object: String::new() }
}

fn cost(limit: &str, units: u64) -> Cost {
    Cost { limit: limit.to_owned(), units }
}

async fn wait(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

const NO_TIME: Duration = Duration::ZERO;

/// A flow with a backlog that came first kept another from its turn until it was done.
#[tokio::test(start_paused = true)]
async fn two_flows_get_equal_shares() {
    for (plant, of_a) in [(None, 50..=60), (Some("the first flow goes first"), 95..=100)] {
        let bench = Bench::new(vec![limit("calls", 10, 1)]);
        faults::plant(plant);
        bench.come(200, WRITE, NO_TIME);
        wait(1).await;
        bench.come(200, Ask { flow: "b", ..WRITE }, NO_TIME);
        wait(9_900).await;
        let counts = bench.counts();
        assert_eq!(bench.n_went(), 100, "{plant:?}");
        assert!(of_a.contains(&counts[&("a", Kind::Write)]), "{plant:?}: {counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn runs_go_before_polls_and_polls_go_on() {
    for (plant, n_polls) in [(None, 10), (Some("polls wait for every run"), 0)] {
        let bench = Bench::new(vec![limit("calls", 8, 1)]);
        faults::plant(plant);
        // What is full already, so that all the others wait.
        bench.come(8, Ask { flow: "before", ..WRITE }, NO_TIME);
        wait(1).await;
        bench.come(40, POLL, NO_TIME);
        bench.come(40, Ask { flow: "b", ..WRITE }, NO_TIME);
        bench.come(40, Ask { flow: "c", kind: Kind::Find, ..WRITE }, NO_TIME);
        wait(10_900).await;
        let counts = bench.counts();
        assert_eq!(bench.n_went(), 88, "{plant:?}");
        assert_eq!(counts.get(&("a", Kind::Poll)).copied().unwrap_or(0), n_polls, "{plant:?}: {counts:?}");
        assert!(counts[&("b", Kind::Write)].abs_diff(counts[&("c", Kind::Find)]) <= 1, "{counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn polls_leave_writes_the_reserve_of_a_day() {
    for (plant, n_polls) in [(None, 80), (Some("polls take the reserve"), 100)] {
        let day = Limit { reserve: 20, ..limit("calls", 100, 86_400) };
        let bench = Bench::new(vec![day]);
        faults::plant(plant);
        bench.come(120, POLL, NO_TIME);
        wait(1_000).await;
        assert_eq!((bench.n_went(), bench.n_sent_away()), (n_polls, 120 - n_polls), "{plant:?}");
        bench.come(30, WRITE, NO_TIME);
        wait(1_000).await;
        assert_eq!((bench.n_went(), bench.n_sent_away()), (100, 50), "{plant:?}");
        let later = bench.sent_away.lock().unwrap()[0];
        assert_eq!(later.wait, Duration::from_secs(900), "it is worth looking again sooner than tomorrow");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_one_budget_holds_back_nobody_who_needs_another() {
    let bench = Bench::new(vec![limit("calls", 1, 10), limit("searches", 5, 1)]);
    bench.come(50, WRITE, NO_TIME);
    wait(1).await;
    bench.come(5, Ask { limit: "searches", ..POLL }, NO_TIME);
    wait(1).await;
    assert_eq!(bench.counts()[&("a", Kind::Poll)], 5);
}

/// Cheap requests went whenever one unit was there, so that a dear one never found its two.
#[tokio::test(start_paused = true)]
async fn a_dear_request_is_not_overtaken_for_ever() {
    let bench = Bench::new(vec![limit("calls", 2, 1)]);
    bench.come(2, Ask { flow: "cheap", ..WRITE }, NO_TIME);
    wait(500).await;
    let (budgets, clock) = (bench.budgets.clone(), bench.clock.clone());
    let dear = tokio::spawn(async move { budgets.take(&clock, asker(WRITE), vec![cost("calls", 2)]).await.is_ok() });
    wait(1).await;
    for _ in 0..4 {
        bench.come(1, Ask { flow: "cheap", ..WRITE }, NO_TIME);
        wait(300).await;
    }
    assert!(dear.is_finished());
}

#[tokio::test(start_paused = true)]
async fn connections_of_one_account_share_also_what_they_used_before_that_was_known() {
    let bench = Bench::new(vec![limit("calls", 10, 10)]);
    let other = Ask { connection: "other", flow: "b", ..WRITE };
    bench.budgets.open(&"other".into(), vec![limit("calls", 10, 10)], &[]);
    bench.come(6, WRITE, NO_TIME);
    bench.come(3, other, NO_TIME);
    wait(100).await;
    bench.budgets.learn(&"crm".into(), "7");
    bench.budgets.learn(&"other".into(), "7");
    bench.come(6, WRITE, NO_TIME);
    bench.come(6, other, NO_TIME);
    wait(9_000).await;
    assert_eq!(bench.n_went(), 10, "nine of them before it was known");
    wait(2_000).await;
    assert_eq!(bench.n_went(), 20);
}

#[tokio::test(start_paused = true)]
async fn other_budgets_and_other_accounts_are_not_held() {
    let bench = Bench::new(vec![limit("calls", 10, 1), limit("searches", 5, 1)]);
    bench.budgets.open(&"other".into(), vec![limit("calls", 10, 1)], &[]);
    bench.budgets.penalise(&*bench.clock, &asker(WRITE), Some("calls"), Duration::from_secs(20));
    bench.come(1, WRITE, NO_TIME);
    bench.come(1, Ask { limit: "searches", ..POLL }, NO_TIME);
    bench.come(1, Ask { connection: "other", flow: "b", ..WRITE }, NO_TIME);
    wait(19_000).await;
    assert_eq!(bench.counts().into_keys().collect::<Vec<_>>(), [("a", Kind::Poll), ("b", Kind::Write)]);
    wait(2_000).await;
    assert_eq!(bench.n_went(), 3);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_and_what_is_not_needed_leave_nothing_behind() {
    let bench = Bench::new(vec![limit("calls", 1, 10)]);
    let not_needed = bench.budgets.take(&bench.clock, asker(WRITE), vec![cost("calls", 1)]).await.unwrap();
    let gone = tokio::time::timeout(
        Duration::from_secs(1),
        bench.budgets.take(&bench.clock, asker(WRITE), vec![cost("calls", 1)]),
    );
    assert!(gone.await.is_err(), "there is room for one");
    bench.come(1, WRITE, NO_TIME);
    wait(1).await;
    assert_eq!(bench.n_went(), 0);
    drop(not_needed);
    wait(1).await;
    assert_eq!(bench.n_went(), 1, "it was never sent");
}

/// What opening a connection took was not counted, and the first backlog was refused.
#[tokio::test(start_paused = true)]
async fn what_was_spent_before_counts() {
    let bench = Bench::new(Vec::new());
    bench.budgets.open(&"other".into(), vec![limit("calls", 10, 10)], &[cost("calls", 4)]);
    bench.come(10, Ask { connection: "other", ..WRITE }, NO_TIME);
    wait(9_000).await;
    assert_eq!(bench.n_went(), 6);
}

/// A look-up reads as many pages as it needs, and each of them waits for room.
#[tokio::test(start_paused = true)]
async fn further_pages_are_paid_as_they_go() {
    let bench = Bench::new(vec![limit("searches", 5, 1)]);
    let find = Ask { kind: Kind::Find, limit: "searches", ..WRITE };
    let grant = bench.budgets.take(&bench.clock, asker(find), vec![cost("searches", 1)]).await.unwrap();
    let mut moments = Vec::new();
    let pages = async {
        for _ in 0..23 {
            sdk::budget::pay(&[cost("searches", 1)]).await;
            moments.push(bench.simulated.elapsed());
        }
    };
    grant.spend(pages).await;
    assert_eq!((moments.len(), super::most_within(moments, 1)), (23, 5));
}

#[tokio::test(start_paused = true)]
async fn what_a_service_says_is_left_counts_where_it_is_less() {
    let bench = Bench::new(vec![limit("calls", 100, 10)]);
    let grant = bench.budgets.take(&bench.clock, asker(WRITE), vec![cost("calls", 1)]).await.unwrap();
    let call = async {
        sdk::budget::pay(&[cost("calls", 1)]).await;
        sdk::budget::observed("calls", Observed { remaining: Some(3), reset_in: None });
    };
    grant.spend(call).await;
    drop(grant);
    bench.come(10, WRITE, NO_TIME);
    wait(9_900).await;
    assert_eq!(bench.n_went(), 3);
    wait(1_000).await;
    assert_eq!(bench.n_went(), 10);
}

/// Windows are kept by this machine's clock, which may be set back while something counts.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_stops_nobody_for_longer() {
    let bench = Bench::new(vec![limit("calls", 1, 10)]);
    bench.come(1, WRITE, NO_TIME);
    wait(1).await;
    bench.simulated.set_back(Duration::from_secs(3_600));
    bench.come(1, WRITE, NO_TIME);
    wait(11_000).await;
    assert_eq!(bench.n_went(), 2);
}

/// A place among the requests in flight is a budget too: the flow that got least goes first.
#[tokio::test(start_paused = true)]
async fn requests_in_flight_are_bounded_and_shared() {
    let bench = Bench::new(Vec::new());
    let second = Duration::from_secs(1);
    bench.come(200, WRITE, second);
    wait(1).await;
    assert_eq!(bench.n_went(), 16);
    bench.come(200, Ask { flow: "b", ..WRITE }, second);
    wait(4_010).await;
    let counts = bench.counts();
    assert_eq!(bench.n_went(), 16 * 5);
    assert_eq!(counts[&("b", Kind::Write)], 32, "half of what went since it came: {counts:?}");
}

#[tokio::test(start_paused = true)]
async fn limits_of_a_connection_and_of_an_object_are_their_own() {
    for (scope, n) in [(LimitScope::Account, 3), (LimitScope::Connection, 6), (LimitScope::Resource, 3)] {
        let own = Limit { scope, ..limit("calls", 3, 10) };
        let bench = Bench::new(vec![own.clone()]);
        bench.budgets.open(&"other".into(), vec![own], &[]);
        bench.budgets.learn(&"crm".into(), "7");
        bench.budgets.learn(&"other".into(), "7");
        bench.come(5, WRITE, NO_TIME);
        bench.come(5, Ask { connection: "other", ..WRITE }, NO_TIME);
        wait(1_000).await;
        assert_eq!(bench.n_went(), n, "{scope:?}");
    }
}
