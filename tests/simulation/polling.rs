//! One seed: a world that changes, a poller that reads it, and the comparison afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flow::{Every, Flow, Limits, On, Poll, Target, Trigger};
use futures::FutureExt;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use runtime::connections::OpenConnection;
use runtime::poller::{PollOptions, Poller, PollerParts};
use runtime::{PollError, Polled};
use sdk::{ConnectionName, FlowId, Timestamp};
use store::{RunFilter, Store};

use crate::clock::CountedIds;
use crate::scenario::Scenario;
use crate::verdict::Verdict;
use crate::world::{World, shipped_connection};
use crate::{n_seeds, seeds};

/// The fields that the simulated flow reads.
const FIELDS: [&str; 2] = ["email", "firstname"];
/// Polls of a world at rest after which it must have been read to its end.
const PATIENCE: usize = 3_000;
/// The service's clock is told in whole seconds, and an answer takes a while.
const ANSWER_TIME: Duration = Duration::from_secs(5);

#[test]
fn no_seed_loses_or_doubles_a_record() {
    let n = n_seeds(500, 100_000);
    let (mut versions, mut crashes) = (0, 0);
    for seed in seeds(n) {
        match simulate(&Scenario::draw(seed)) {
            Verdict::Kept { versions: seen, crashes: survived, .. } => {
                versions += seen;
                crashes += survived;
            }
            guilty => panic!("seed {seed}: {guilty}\n{:#?}", Scenario::draw(seed)),
        }
    }
    println!("{n} seeds: {versions} versions kept over {crashes} crashes");
}

#[test]
fn the_same_seed_tells_the_same_story() {
    for seed in 0..20 {
        assert_eq!(simulate(&Scenario::draw(seed)), simulate(&Scenario::draw(seed)), "seed {seed}");
    }
}

/// More records than any search can page through share one millisecond, on the service's own page size.
#[test]
fn twelve_thousand_records_of_one_stamp_are_read_once_each() {
    let mut scenario = Scenario::draw(3);
    scenario.page_size = 200;
    scenario.pages_per_poll = 25;
    scenario.n_polls = 0;
    scenario.on = On::NewOrUpdated;
    scenario.start = flow::Start::Beginning;
    scenario.n_records = 0;
    scenario.lag = Duration::from_secs(30);
    scenario.crash = 0.01;
    scenario.failing = 0.0;
    let verdict = simulate_with(&scenario, |world| world.create_at_once(12_000));
    assert!(matches!(verdict, Verdict::Kept { versions: 12_000, .. }), "{verdict}");
}

/// What the seed's world does to the shipped poller.
pub fn simulate(scenario: &Scenario) -> Verdict {
    simulate_with(scenario, |_| {})
}

fn simulate_with(scenario: &Scenario, prepare: impl FnOnce(&World)) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without I/O needs nothing");
    let world = World::new(scenario);
    prepare(&world);
    let verdict = runtime.block_on(Simulation::new(scenario, world).run());
    sdk::faults::set_hook(None);
    verdict
}

struct Simulation {
    scenario: Scenario,
    world: World,
    store: Store,
    ids: Arc<CountedIds>,
    rng: SmallRng,
    crashes: usize,
}

impl Simulation {
    fn new(scenario: &Scenario, world: World) -> Self {
        Self {
            scenario: scenario.clone(),
            world,
            store: Store::in_memory().expect("memory is there"),
            ids: Arc::default(),
            rng: SmallRng::seed_from_u64(scenario.seed ^ 0x5EED),
            crashes: 0,
        }
    }

    async fn run(mut self) -> Verdict {
        let mut poller = self.open().await;
        for index in 0..self.scenario.n_polls {
            if index == self.scenario.n_polls / 2 {
                self.world.clock.set_local_skew(self.scenario.skews_millis[1]);
            }
            if let Err(verdict) = self.poll(&mut poller).await {
                return verdict;
            }
            self.world.clock.advance(self.scenario.interval);
            self.change();
        }
        match self.come_to_rest(&mut poller).await {
            Ok(()) => self.judge(&poller).await,
            Err(verdict) => verdict,
        }
    }

    /// Opens everything anew over the same store, as a process that starts does.
    async fn open(&mut self) -> Poller {
        let taken = loop {
            // Taking over may crash as well.
            match caught(self.store.take_over(self.world.clock.true_now())).await {
                Some(taken) => break taken.expect("the simulated disk is never full"),
                None => self.crashes += 1,
            }
        };
        self.arm();
        let connection = shipped_connection(&self.world, self.scenario.page_size);
        let parts = PollerParts {
            store: self.store.clone(),
            clock: Arc::new(self.world.clock.clone()),
            ids: self.ids.clone(),
            options: PollOptions { pages: self.scenario.pages_per_poll, ..PollOptions::default() },
            epoch: taken.epoch,
        };
        let open = Arc::new(OpenConnection::new(ConnectionName::from("crm"), connection));
        let poll = simulated_poll(&self.scenario);
        Poller::new(Arc::new(simulated_flow(&poll)), poll, open, parts)
    }

    /// From here on every crash point may be the last.
    fn arm(&mut self) {
        let mut rng = SmallRng::seed_from_u64(self.rng.random());
        let crash = self.scenario.crash;
        sdk::faults::set_hook(Some(Box::new(move |_| {
            if crash > 0.0 && rng.random_bool(crash) {
                std::panic::resume_unwind(Box::new(sdk::faults::Crash));
            }
        })));
    }

    /// One poll, started again after a crash, and tried later after a failed request.
    async fn poll(&mut self, poller: &mut Poller) -> Result<Option<Polled>, Verdict> {
        match caught(poller.poll()).await {
            None => {
                self.crashes += 1;
                sdk::faults::set_hook(None);
                *poller = self.open().await;
                Ok(None)
            }
            Some(Ok(polled)) if polled.known > 0 => {
                Err(Verdict::Wrong(vec![format!("{} runs were stored twice", polled.known)]))
            }
            Some(Ok(polled)) => Ok(Some(polled)),
            Some(Err(failed)) => match failed.error {
                PollError::Service(error) if error.class.is_passing() => Ok(None),
                error => Err(Verdict::Refused(error.to_string())),
            },
        }
    }

    /// Whatever happens between two polls.
    fn change(&mut self) {
        let mut n = 0;
        while self.rng.random_bool(self.scenario.edits_per_poll / (1.0 + self.scenario.edits_per_poll)) && n < 12 {
            self.world.change_one();
            n += 1;
        }
        if self.rng.random_bool(self.scenario.bulk) {
            let many = *[4, 9, 20, 40].choose(&mut self.rng).unwrap();
            self.world.change_at_once(many);
        }
    }

    /// Nothing changes any more. Everything must be read once the index has shown it and a wide pass has begun since.
    async fn come_to_rest(&mut self, poller: &mut Poller) -> Result<(), Verdict> {
        self.world.rest();
        let shown_at = self.world.clock.true_now() + self.scenario.lag;
        let options = PollOptions::default();
        let mut wide_due = None;
        // The pass under way began while the world still changed.
        let mut pass_began = Timestamp::EPOCH;
        for _ in 0..PATIENCE {
            let finished = matches!(self.poll(poller).await?, Some(polled) if polled.finished);
            if !finished {
                self.world.clock.advance(Duration::from_secs(1));
                continue;
            }
            match wide_due {
                // What shows within the overlap needs no wide pass. What shows later is due with the next one.
                None if pass_began > shown_at => {
                    if self.scenario.lag + ANSWER_TIME < options.overlap
                        && let guilty @ (Verdict::Lost(_) | Verdict::Wrong(_)) = self.judge(poller).await
                    {
                        return Err(guilty);
                    }
                    wide_due = Some(pass_began + options.wide_every);
                }
                Some(due) if pass_began > due => return Ok(()),
                _ => {}
            }
            self.world.clock.advance(self.scenario.interval.max(Duration::from_secs(60)));
            pass_began = self.world.clock.true_now();
        }
        Err(Verdict::Livelock)
    }

    /// Compares the service's records with the runs in the store.
    async fn judge(&self, poller: &Poller) -> Verdict {
        let floor = match self.store.cursor(poller.key()).await.expect("the simulated disk reads") {
            Some(cursor) => cursor.floor,
            None => return Verdict::Refused("it never began".to_owned()),
        };
        let mut runs: BTreeMap<String, BTreeMap<i64, usize>> = BTreeMap::new();
        let mut before = None;
        loop {
            let filter = RunFilter { flow: Some(flow_id()), before, limit: 500, ..RunFilter::default() };
            let rows = self.store.runs(filter).await.expect("the simulated disk reads");
            let Some(last) = rows.last() else { break };
            before = Some(last.id);
            for row in &rows {
                let stamps = runs.entry(row.record.to_string()).or_default();
                *stamps.entry(row.version.stamp.millis()).or_default() += 1;
            }
        }
        let mut lost = Vec::new();
        let mut wrong = Vec::new();
        let mut n_versions = 0;
        let truth = self.world.history();
        for (id, history) in &truth {
            let stamp = match self.scenario.on {
                On::New => history.created_at,
                On::NewOrUpdated | On::Archived => history.stamps.last().copied().unwrap_or(history.created_at),
            };
            if stamp < floor.millis() {
                continue;
            }
            n_versions += 1;
            if !runs.get(id).is_some_and(|stamps| stamps.contains_key(&stamp)) {
                lost.push(format!("{id} of {stamp}"));
            }
        }
        for (id, stamps) in &runs {
            let existed: BTreeSet<i64> =
                truth.get(id).map(|history| history.stamps.iter().copied().collect()).unwrap_or_default();
            for (stamp, n_runs) in stamps {
                let allowed = truth.get(id).map_or(0, |history| history.contents_at(*stamp));
                if !existed.contains(stamp) || *n_runs > allowed || (self.scenario.on == On::New && stamps.len() > 1) {
                    wrong.push(format!("{id} of {stamp}: {n_runs} runs for {allowed} versions"));
                }
            }
        }
        if !lost.is_empty() {
            Verdict::Lost(lost)
        } else if !wrong.is_empty() {
            Verdict::Wrong(wrong)
        } else {
            Verdict::Kept { trace: self.world.trace(), versions: n_versions, crashes: self.crashes }
        }
    }
}

/// The future's result, or `None` where a crash point ended it.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(result) => Some(result),
        Err(panic) if panic.is::<sdk::faults::Crash>() => None,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn flow_id() -> FlowId {
    FlowId::from("simulated")
}

fn simulated_poll(scenario: &Scenario) -> Poll {
    Poll {
        target: Target { connection: ConnectionName::from("crm"), object: "contacts".to_owned() },
        on: scenario.on,
        every: Every::fixed(scenario.interval),
        start: scenario.start,
        filter: None,
        condition: None,
        fields: FIELDS.map(str::to_owned).to_vec(),
        by: None,
        with: sdk::Fields::new(),
    }
}

fn simulated_flow(poll: &Poll) -> Flow {
    Flow {
        id: flow_id(),
        was: None,
        description: None,
        file: PathBuf::from("flows/simulated.yaml"),
        enabled: true,
        timezone: jiff::tz::TimeZone::UTC,
        trigger: Trigger::Poll(poll.clone()),
        when: None,
        keys: Vec::new(),
        steps: Vec::new(),
        on_failure: Vec::new(),
        inputs: sdk::Fields::new(),
        limits: Limits::default(),
        brakes: flow::Brakes::default(),
        expect: flow::Expect::default(),
        not_run: Vec::new(),
    }
}
