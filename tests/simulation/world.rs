//! A HubSpot account that changes while it is read, behind the shipped connector.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use flow::Flow;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sandbox::hubspot::{DEFAULT_TOKEN, Fault, FaultPlan, HubSpot, Lost, Options, SandboxTransport, Tier};
use sdk::{
    Catalog, Clock, ConnectContext, Connection, ConnectionName, Connector, ConnectorFacts, Request, Response, Secret,
    SettingValue, Settings, Timestamp, Transport, TransportError,
};

use crate::clock::WorldClock;
use crate::scenario::Scenario;
use crate::small_pages::SmallPages;

/// The object that the simulated flow polls.
const CONTACTS: &str = "contacts";

/// One world. Cheap to clone.
#[derive(Clone)]
pub struct World {
    pub clock: WorldClock,
    hubspot: Arc<Mutex<HubSpot>>,
    inner: Arc<Mutex<Inner>>,
    scenario: Scenario,
}

struct Inner {
    rng: SmallRng,
    histories: BTreeMap<String, History>,
    is_resting: bool,
    n_values: u64,
    trace: DefaultHasher,
}

/// What happened to one record.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub created_at: i64,
    /// In the order of time, the last one being what the record is now.
    pub stamps: Vec<i64>,
    contents: BTreeMap<i64, BTreeSet<u64>>,
}

impl History {
    /// How many contents the record had under one stamp.
    pub fn contents_at(&self, stamp: i64) -> usize {
        self.contents.get(&stamp).map_or(0, BTreeSet::len)
    }

    fn add(&mut self, stamp: Timestamp, content: u64) {
        self.stamps.push(stamp.millis());
        self.contents.entry(stamp.millis()).or_default().insert(content);
    }
}

impl World {
    pub fn new(scenario: &Scenario) -> Self {
        let base = Timestamp::from_millis(1_793_491_200_000);
        let clock = WorldClock::new(base);
        clock.set_local_skew(scenario.skews_millis[0]);
        let hubspot = HubSpot::new(Options {
            seed: scenario.seed,
            started_at: base,
            lag: scenario.lag,
            tier: Tier::Unlimited,
            first_id: scenario.first_id,
            faults: failing(scenario),
            ..Options::default()
        });
        let inner = Inner {
            rng: SmallRng::seed_from_u64(scenario.seed ^ 0x0057_0081),
            histories: BTreeMap::new(),
            is_resting: false,
            n_values: 0,
            trace: DefaultHasher::new(),
        };
        let world = Self {
            clock,
            hubspot: Arc::new(Mutex::new(hubspot)),
            inner: Arc::new(Mutex::new(inner)),
            scenario: scenario.clone(),
        };
        for _ in 0..scenario.n_records {
            world.create(world.clock.true_now());
            world.clock.advance(Duration::from_secs(1));
        }
        world
    }

    /// Somebody makes a record or changes one, if anybody still works there.
    pub fn change_one(&self) {
        let chosen = {
            let mut inner = self.inner();
            if inner.is_resting {
                return;
            }
            let n = inner.histories.len();
            let is_new = n == 0 || inner.rng.random_bool(0.4);
            let nth = if n == 0 { 0 } else { inner.rng.random_range(0..n) };
            if is_new { None } else { inner.histories.keys().nth(nth).cloned() }
        };
        match chosen {
            Some(id) => self.edit(&id),
            None => {
                let is_future = self.scenario.future > 0.0 && self.inner().rng.random_bool(self.scenario.future);
                let ahead = Duration::from_secs(if is_future { 3_600 } else { 0 });
                self.create(self.clock.true_now() + ahead);
            }
        }
    }

    /// Half new, half changed, all within one millisecond.
    pub fn change_at_once(&self, n: usize) {
        let old: Vec<String> = self.inner().histories.keys().take(n / 2).cloned().collect();
        for id in old {
            self.edit(&id);
        }
        self.create_at_once(n / 2);
    }

    pub fn create_at_once(&self, n: usize) {
        let stamp = self.clock.true_now();
        for _ in 0..n {
            self.create(stamp);
        }
    }

    /// Nobody works there any more, and nothing fails.
    pub fn rest(&self) {
        self.inner().is_resting = true;
        *self.hubspot().faults_mut() = FaultPlan::default();
    }

    pub fn history(&self) -> BTreeMap<String, History> {
        self.inner().histories.clone()
    }

    /// Hash over every request and answer so far.
    pub fn trace(&self) -> u64 {
        self.inner().trace.finish()
    }

    fn create(&self, stamp: Timestamp) {
        let mut inner = self.inner();
        inner.n_values += 1;
        let content = inner.n_values;
        let (email, name) = (format!("r{content}@example.com"), format!("n{content}"));
        let values = [("email", email.as_str()), ("firstname", name.as_str())];
        let id = self.hubspot().insert(CONTACTS, stamp, &values, self.clock.true_now()).expect("contacts exist");
        let history = inner.histories.entry(id).or_default();
        history.created_at = stamp.millis();
        history.add(stamp, content);
    }

    fn edit(&self, id: &str) {
        let mut inner = self.inner();
        inner.n_values += 1;
        let content = inner.n_values;
        let now = self.clock.true_now();
        let Some(history) = inner.histories.get_mut(id) else { return };
        // A record's stamps never fall: one of the future keeps its own until that has come.
        let stamp = history.stamps.last().map_or(now, |last| now.max(Timestamp::from_millis(*last)));
        history.add(stamp, content);
        let name = format!("n{content}");
        self.hubspot().edit(CONTACTS, id, stamp, &[("firstname", name.as_str())], now).expect("the record exists");
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hubspot(&self) -> MutexGuard<'_, HubSpot> {
        self.hubspot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failing(scenario: &Scenario) -> FaultPlan {
    let faults =
        [Fault::RateLimited, Fault::ServerErrorBefore, Fault::NotConnected, Fault::ResetAfter, Fault::BrokenJson];
    let rate = scenario.failing / 5.0;
    FaultPlan { seed: scenario.seed, rates: faults.map(|fault| (fault, rate)).to_vec(), ..FaultPlan::default() }
}

/// Each request takes a while, and somebody may change something in the middle of it.
#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (latency, changes) = {
            let mut inner = self.inner();
            let latency = inner.rng.random_range(5..400);
            (Duration::from_millis(latency), inner.rng.random_bool(self.scenario.edit_during_request))
        };
        self.clock.advance(latency / 2);
        if changes {
            self.change_one();
        }
        let answer = self.hubspot().exchange(&request, self.clock.true_now());
        self.clock.advance(latency / 2);
        let mut inner = self.inner();
        (&request.url, &request.body).hash(&mut inner.trace);
        match answer {
            Ok(response) => {
                (response.status, &response.body).hash(&mut inner.trace);
                Ok(response)
            }
            Err(Lost::NotConnected) => Err(TransportError::NotSent("connection refused".to_owned())),
            Err(Lost::Reset | Lost::Timeout) => Err(TransportError::MaybeSent("connection reset".to_owned())),
        }
    }
}

/// The shipped HubSpot connection into a world, with few rows a page.
pub fn shipped_connection(world: &World, page_size: usize) -> Arc<dyn Connection> {
    let inner = connect(Arc::new(world.clone()), Arc::new(world.clock.clone()));
    Arc::new(SmallPages { inner, page_size })
}

/// The shipped HubSpot connection to an account of the same process.
pub fn hubspot_connection(hubspot: &Arc<Mutex<HubSpot>>, clock: &Arc<dyn Clock>) -> Arc<dyn Connection> {
    let latency = Duration::from_millis(80);
    connect(Arc::new(SandboxTransport { hubspot: hubspot.clone(), clock: clock.clone(), latency }), clock.clone())
}

fn connect(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Arc<dyn Connection> {
    let settings = Settings(BTreeMap::from([
        ("token".to_owned(), SettingValue::Secret(Secret::new(DEFAULT_TOKEN.to_owned()))),
        ("base_url".to_owned(), SettingValue::Text("http://127.0.0.1:1".to_owned())),
    ]));
    let context = ConnectContext { transport, clock, folder: PathBuf::new() };
    connectors::hubspot::HubSpot.connect(&settings, context).expect("the settings are right")
}

/// The flows of some documents, checked, over the connections `crm` and `copy`.
pub fn checked_flows(documents: &[&str]) -> Vec<Arc<Flow>> {
    let name = |index: usize| format!("flows/{index}.yaml");
    let files: Vec<_> =
        documents.iter().enumerate().map(|(index, document)| text::SourceFile::new(name(index), document)).collect();
    let facts = |name: &str| {
        let facts = ConnectorFacts {
            connector: "hubspot".to_owned(),
            min_interval: Duration::from_secs(15),
            loopback: true,
            objects: None,
        };
        (ConnectionName::from(name), facts)
    };
    let catalog = Catalog {
        connections: [facts("crm"), facts("copy")].into(),
        connectors: vec!["hubspot".to_owned()],
        ..Catalog::default()
    };
    let parsed = flow::parse(&files);
    let checked = flow::check(&parsed.definitions, &catalog, &flow::ProjectDefaults::default());
    let mistakes: Vec<_> = parsed.diagnostics.into_iter().chain(checked.diagnostics).collect();
    assert_eq!(checked.flows.len(), documents.len(), "{mistakes:#?}");
    checked.flows
}
