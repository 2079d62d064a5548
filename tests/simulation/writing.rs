//! Whole engines in simulated time: poll, decide, write to a second service that loses requests and answers, crash,
//! start again. Judged by what the services know: none missing, none twice.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use runtime::engine::EngineParts;
use runtime::{Connections, Drain, Engine, EngineOptions};
use sandbox::hubspot::{Fault, FaultPlan, HubSpot, Options, Tier};
use sdk::{Clock, FlowId, Timestamp};
use store::{Failure, RunFilter, RunState, Store};
use tokio_util::sync::CancellationToken;

use crate::clock::CountedIds;
use crate::world::{checked_flows, hubspot_connection};
use crate::{n_seeds, seeds};

const CONTACTS: &str = r#"
flow: contacts-to-copy
connections: {crm: hubspot, copy: hubspot}
trigger:
  poll: crm.contacts
  on: new_or_updated
  every: 15s
  start: beginning
  where: record.email != ()
steps:
  - upsert: copy.contacts
    match: email
    set:
      email: ${ record.email }
      firstname: ${ record.firstname }
      lastname: ${ record.lastname }
"#;

const COMPANIES: &str = r#"
flow: companies-to-copy
connections: {crm: hubspot, copy: hubspot}
trigger:
  poll: crm.companies
  on: new
  every: 15s
  start: beginning
steps:
  - create: copy.companies
    set:
      name: ${ record.name ?? record.domain ?? "unnamed" }
      description: ${ record.id }
"#;

#[test]
fn no_write_is_lost_or_doubled() {
    let n = n_seeds(500, 100_000);
    let (mut n_writes, mut n_unknown, mut n_crashes) = (0, 0, 0);
    for seed in seeds(n) {
        match simulate(seed) {
            Ok(kept) => {
                n_writes += kept.n_writes;
                n_unknown += kept.n_unknown;
                n_crashes += kept.n_crashes;
            }
            Err(guilty) => panic!("seed {seed}: {guilty}"),
        }
    }
    println!("{n} seeds: {n_writes} writes kept over {n_crashes} crashes, {n_unknown} left to a person");
}

/// The target is out of reach for an hour, over crashes and restarts.
#[test]
fn an_outage_loses_doubles_and_fails_nothing() {
    for seed in seeds(n_seeds(12, 10_000)) {
        let lived = async {
            let simulation = Simulation::new(seed, &[CONTACTS, COMPANIES]).lived_through_an_outage().await?;
            let unknown = simulation.ended("contacts-to-copy", RunState::Unknown).await;
            simulation.judge().await.map(|kept| (kept, unknown))
        };
        match in_paused_time(lived) {
            Ok((kept, unknown)) => assert!(kept.n_writes > 0 && unknown.is_empty(), "seed {seed}: {unknown:?}"),
            Err(guilty) => panic!("seed {seed}: {guilty}"),
        }
    }
}

/// Bugs planted in the shipped effects and ledger.
const PLANTS: &[&str] = &["intent after send", "unsafe write sent again", "run id in the effect id"];

#[test]
fn every_planted_bug_of_writing_is_caught() {
    for plant in PLANTS {
        sdk::faults::plant(Some(plant));
        let caught = (0..200).find_map(|seed| simulate(seed).err().map(|guilty| (seed, guilty)));
        sdk::faults::plant(None);
        let (seed, guilty) = caught.unwrap_or_else(|| panic!("no seed caught {plant}"));
        println!("caught by seed {seed:>3}: {plant} ({})", guilty.chars().take(90).collect::<String>());
    }
}

struct Kept {
    n_writes: usize,
    n_unknown: usize,
    n_crashes: usize,
}

/// Tokio's own clock, paused: waiting is moving on, for every task at once.
pub struct PausedClock {
    pub base: Timestamp,
    pub began: tokio::time::Instant,
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        self.base + self.began.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

fn simulate(seed: u64) -> Result<Kept, String> {
    in_paused_time(async { Simulation::new(seed, &[CONTACTS, COMPANIES]).lived().await?.judge().await })
}

/// Does it in a time that stands still while anything is to do.
pub fn in_paused_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing");
    let result = runtime.block_on(work);
    sdk::faults::set_hook(None);
    result
}

/// Two services, a store, and engines that crash over them.
pub struct Simulation {
    flows: &'static [&'static str],
    rng: SmallRng,
    lag: Duration,
    clock: Arc<PausedClock>,
    pub crm: Arc<Mutex<HubSpot>>,
    pub copy: Arc<Mutex<HubSpot>>,
    pub store: Store,
    ids: Arc<CountedIds>,
    crash: f64,
    pub n_crashes: usize,
}

impl Simulation {
    pub fn new(seed: u64, flows: &'static [&'static str]) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let base = Timestamp::from_millis(1_793_491_200_000);
        let lag = Duration::from_secs(*[1, 20, 90].choose(&mut rng).unwrap());
        let options = |seed: u64, records: usize, faults: FaultPlan| Options {
            seed,
            records,
            started_at: base,
            lag,
            tier: Tier::Unlimited,
            faults,
            ..Options::default()
        };
        let rate = *[0.0, 0.01, 0.03].choose(&mut rng).unwrap();
        let faults = [
            Fault::RateLimited,
            Fault::ServerErrorBefore,
            Fault::ServerErrorAfter,
            Fault::NotConnected,
            Fault::TimeoutBefore,
            Fault::TimeoutAfter,
            Fault::ResetBefore,
            Fault::ResetAfter,
            Fault::BrokenJson,
            Fault::HtmlPage,
        ];
        let faults = FaultPlan { seed, rates: faults.map(|fault| (fault, rate)).to_vec(), ..FaultPlan::default() };
        // A source that answers badly loses nothing and doubles nothing either.
        let reading = FaultPlan { seed: seed + 7, ..faults.clone() };
        let records = rng.random_range(5..30);
        Self {
            flows,
            lag,
            clock: Arc::new(PausedClock { base, began: tokio::time::Instant::now() }),
            crm: Arc::new(Mutex::new(HubSpot::new(options(seed, records, reading)))),
            copy: Arc::new(Mutex::new(HubSpot::new(options(seed + 1, 0, faults)))),
            store: Store::in_memory().expect("memory is there"),
            ids: Arc::default(),
            crash: *[0.0, 0.002, 0.01].choose(&mut rng).unwrap(),
            rng,
            n_crashes: 0,
        }
    }

    /// After some lives, of which all but the last may end in a crash.
    pub async fn lived(mut self) -> Result<Self, String> {
        for _ in 0..6 {
            let crash = self.crash;
            self.live(crash, Duration::from_secs(120)).await?;
            let n = self.rng.random_range(0..6);
            self.crm.lock().unwrap().churn(n, self.clock.now());
        }
        // The last life has no crash, and comes to its end.
        self.drain().await?;
        Ok(self)
    }

    /// The same, while for an hour nobody answers at the target.
    async fn lived_through_an_outage(mut self) -> Result<Self, String> {
        *self.copy.lock().unwrap().faults_mut() = FaultPlan::rate(0, Fault::NotConnected, 1.0);
        for _ in 0..6 {
            let crash = self.crash;
            self.live(crash, Duration::from_secs(600)).await?;
            let n = self.rng.random_range(0..6);
            self.crm.lock().unwrap().churn(n, self.clock.now());
        }
        *self.copy.lock().unwrap().faults_mut() = FaultPlan::default();
        self.drain().await?;
        Ok(self)
    }

    /// One process: until it crashes, or for a while.
    async fn live(&mut self, crash: f64, duration: Duration) -> Result<(), String> {
        let mut rng = SmallRng::seed_from_u64(self.rng.random());
        sdk::faults::set_hook((crash > 0.0).then(|| {
            let hook: sdk::faults::Hook = Box::new(move |_| {
                if rng.random_bool(crash) {
                    std::panic::resume_unwind(Box::new(sdk::faults::Crash));
                }
            });
            hook
        }));
        let stop = CancellationToken::new();
        let stopper = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(duration).await;
            stopper.cancel();
        });
        self.engine(None, stop).await
    }

    async fn drain(&mut self) -> Result<(), String> {
        sdk::faults::set_hook(None);
        let stop = CancellationToken::new();
        let stopper = stop.clone();
        let patience = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
            stopper.cancel();
        });
        // A wide pass that began after everything showed: what was written by a dead process counts as well.
        self.engine(Some(Drain { settle: self.lag + Duration::from_secs(700), waits: true }), stop).await?;
        if patience.is_finished() { Err("a day was not enough to drain".to_owned()) } else { Ok(()) }
    }

    async fn engine(&mut self, drain: Option<Drain>, stop: CancellationToken) -> Result<(), String> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let life = async {
            let connections = Connections::new([
                ("crm".into(), hubspot_connection(&self.crm, &clock)),
                ("copy".into(), hubspot_connection(&self.copy, &clock)),
            ]);
            let parts = EngineParts {
                flows: checked_flows(self.flows),
                connections,
                store: self.store.clone(),
                clock: clock.clone(),
                ids: self.ids.clone(),
                options: EngineOptions::default(),
            };
            let (engine, _handle) = Engine::start(parts).await?;
            engine.run(drain, stop).await
        };
        match AssertUnwindSafe(life).catch_unwind().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the engine gave up: {error}")),
            Err(panic) if panic.is::<sdk::faults::Crash>() => {
                self.n_crashes += 1;
                Ok(())
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Compares what the two services know, and what the store says of runs that nobody can know about.
    async fn judge(&self) -> Result<Kept, String> {
        for flow in ["contacts-to-copy", "companies-to-copy"] {
            self.every_record_has_an_outcome(flow).await?;
            if let Some(failed) = self.ended(flow, RunState::Failed).await.into_iter().next() {
                return Err(format!("the run of {flow} for {} failed: {}", failed.0, failed.1));
            }
        }
        let unknown_contacts = self.ended("contacts-to-copy", RunState::Unknown).await;
        let unknown = self.ended("companies-to-copy", RunState::Unknown).await;
        let (crm, copy) = (self.crm.lock().unwrap(), self.copy.lock().unwrap());
        let mut copies: BTreeMap<String, Vec<BTreeMap<String, String>>> = BTreeMap::new();
        for record in copy.records("contacts").unwrap() {
            copies
                .entry(record.values.get("email").map(|email| email.to_lowercase()).unwrap_or_default())
                .or_default()
                .push(record.values.clone());
        }
        for record in crm.records("contacts").unwrap() {
            let Some(email) = record.values.get("email").filter(|email| !email.is_empty()) else { continue };
            let found = copies.get(&email.to_lowercase()).map_or(&[][..], Vec::as_slice);
            match found {
                [] => return Err(format!("contact {} ({email}) is missing", record.id)),
                [one] => {
                    let same = |name: &str| {
                        record.values.get(name).filter(|v| !v.is_empty()) == one.get(name).filter(|v| !v.is_empty())
                    };
                    let is_newest = same("firstname") && same("lastname");
                    if !is_newest && !unknown_contacts.contains_key(&record.id) {
                        return Err(format!(
                            "contact {} is not the newest: {:?} against {one:?}",
                            record.id, record.values
                        ));
                    }
                }
                many => return Err(format!("contact {} ({email}) is there {} times", record.id, many.len())),
            }
        }
        let mut n_created: BTreeMap<String, usize> = BTreeMap::new();
        for entry in copy.writes().iter().filter(|entry| entry.object == "companies" && entry.created) {
            *n_created.entry(entry.values.get("description").cloned().unwrap_or_default()).or_default() += 1;
        }
        for record in crm.records("companies").unwrap() {
            let n = n_created.get(&record.id).copied().unwrap_or(0);
            let is_unknown = unknown.contains_key(&record.id);
            if n > 1 {
                return Err(format!("company {} was created {n} times", record.id));
            }
            if n == 0 && !is_unknown {
                return Err(format!("company {} is missing, and no run says so", record.id));
            }
        }
        Ok(Kept { n_writes: copy.writes().len(), n_unknown: unknown.len(), n_crashes: self.n_crashes })
    }

    async fn every_record_has_an_outcome(&self, flow: &str) -> Result<(), String> {
        let flow = FlowId::from(flow);
        let sources = self.store.cursors(&flow).await.expect("the simulated disk reads");
        let counts = self.store.counts_by_state(&flow).await.expect("the simulated disk reads");
        let n_expected: u64 = sources.iter().map(|source| source.tally.records - source.tally.filtered).sum();
        let n_ended: u64 = counts
            .iter()
            .filter(|(state, _)| !matches!(state, RunState::Pending | RunState::Running))
            .map(|(_, n)| n)
            .sum();
        if n_ended == n_expected { Ok(()) } else { Err(format!("{flow}: {n_expected} records, and {counts:?}")) }
    }

    /// The records of a flow's runs that ended so, with why.
    pub async fn ended(&self, flow: &str, state: RunState) -> BTreeMap<String, String> {
        let filter =
            RunFilter { flow: Some(FlowId::from(flow)), states: vec![state], limit: 100_000, ..RunFilter::default() };
        let rows = self.store.runs(filter).await.expect("the simulated disk reads");
        let why = |failure: Option<Failure>| failure.map(|failure| failure.message).unwrap_or_default();
        rows.into_iter().map(|row| (row.record.to_string(), why(row.failure))).collect()
    }
}
