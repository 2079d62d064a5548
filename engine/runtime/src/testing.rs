//! A small world for tests: engines over one store in memory and two scripted services, in simulated time.
//!
//! Tokio's clock is paused, so waiting is moving on, for every task at once: a day takes no time, and nothing depends
//! on how fast the machine is. Tests need `#[tokio::test(start_paused = true)]`.

mod service;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sdk::{
    Catalog, Class, Clock, Connection, ConnectionName, ConnectorFacts, Error, FlowId, Ids, Record, RecordId, RunId,
    Timestamp, Value,
};
use store::{FlowState, RunDetail, RunFilter, RunRow, RunState, Store};
use tokio_util::sync::CancellationToken;

use crate::budgets::Caps;
use crate::connections::Opened;
use crate::engine::EngineParts;
use crate::{Connections, Drain, Engine, EngineOptions, FlowStatus, Handle};

pub(crate) use service::{Service, applied};

/// Copies contacts from `crm` to `copy`, as `f`.
pub(crate) const FLOW: &str = r#"
flow: f
connections: {crm: hubspot, copy: hubspot}
trigger:
  poll: crm.contacts
  on: new_or_updated
  every: 15s
  start: beginning
steps:
  - upsert: copy.contacts
    match: email
    set: {email: "${ record.email }"}
"#;

/// When every world begins, by its service's clock.
const START: Timestamp = Timestamp::from_millis(1_793_491_200_000);

/// A store, two services, and time. What a test plants or hooks goes with its world.
pub(crate) struct World {
    /// This machine's clock, which may be set back.
    pub clock: Arc<SimulatedClock>,
    /// What outlives an engine.
    pub store: Store,
    /// Where flows read.
    pub crm: Arc<Service>,
    /// Where flows write.
    pub copy: Arc<Service>,
    /// How its engines work.
    pub options: EngineOptions,
    /// The part of both services' budgets that may be used.
    pub caps: Caps,
    ids: Arc<CountedIds>,
}

impl World {
    pub fn new() -> Self {
        let clock = Arc::new(SimulatedClock { began: tokio::time::Instant::now(), jump_millis: AtomicI64::new(0) });
        let service = |account| Arc::new(Service::new(clock.clone(), account));
        Self {
            store: Store::in_memory().unwrap(),
            crm: service("1"),
            copy: service("2"),
            options: EngineOptions::default(),
            caps: Caps::default(),
            ids: Arc::default(),
            clock,
        }
    }

    /// One engine's life over these flows, for as long as `script` takes.
    pub async fn live<T>(&self, flows: &[&str], script: impl AsyncFnOnce(Handle) -> T) -> T {
        self.live_over(&checked(flows), script).await
    }

    /// One engine's life over these flows, which were checked, for as long as `script` takes.
    pub async fn live_over<T>(&self, flows: &[Arc<flow::Flow>], script: impl AsyncFnOnce(Handle) -> T) -> T {
        let (engine, handle) = self.start(flows).await;
        self.live_as(engine, handle, script).await
    }

    /// An engine's life, for as long as `script` takes.
    pub async fn live_as<T>(&self, engine: Engine, handle: Handle, script: impl AsyncFnOnce(Handle) -> T) -> T {
        let stop = CancellationToken::new();
        let script = async {
            let told = script(handle).await;
            stop.cancel();
            told
        };
        let (worked, told) = futures::join!(engine.run(None, stop.clone()), script);
        worked.unwrap();
        told
    }

    /// One engine's life over these flows.
    pub async fn live_for(&self, flows: &[&str], seconds: u64) {
        self.live(flows, async |_| wait(seconds).await).await;
    }

    /// Lets an engine drain these flows. Panics where a day is not enough.
    pub async fn drain(&self, flows: &[&str]) -> Handle {
        self.drain_over(&checked(flows)).await
    }

    /// Lets an engine drain these flows, which were checked.
    pub async fn drain_over(&self, flows: &[Arc<flow::Flow>]) -> Handle {
        self.drain_as(flows, Drain { settle: Duration::ZERO, waits: true }).await
    }

    /// The same, done when this says.
    pub async fn drain_as(&self, flows: &[Arc<flow::Flow>], drain: Drain) -> Handle {
        let (engine, handle) = self.start(flows).await;
        let drained = engine.run(Some(drain), CancellationToken::new());
        let day = Duration::from_secs(24 * 3600);
        tokio::time::timeout(day, drained).await.expect("a day was not enough to drain").unwrap();
        handle
    }

    /// Every run, oldest first: `1 succeeded`, `2 failed: transient, attempt 10`.
    pub async fn runs(&self) -> Vec<String> {
        let filter = RunFilter { limit: 10_000, ..RunFilter::default() };
        self.store.runs(filter).await.unwrap().iter().rev().map(in_words).collect()
    }

    /// All about the newest run of a flow.
    pub async fn run_of(&self, flow: &str) -> RunDetail {
        let filter = RunFilter { flow: Some(FlowId::from(flow)), limit: 1, ..RunFilter::default() };
        let newest = self.store.runs(filter).await.unwrap().remove(0);
        self.store.run(&newest.id.to_string()).await.unwrap()
    }

    /// The state that the store keeps of a flow.
    pub async fn stored_state(&self, flow: &str) -> FlowState {
        let known = self.store.flow_states().await.unwrap();
        known.iter().find(|row| row.flow == FlowId::from(flow)).unwrap().state
    }

    /// Where the ids of its runs come from.
    pub fn ids(&self) -> Arc<dyn Ids> {
        self.ids.clone()
    }

    /// Whether nothing can be stored from now on, while reading goes on.
    pub fn fill_disk(&self, is_full: bool) {
        sdk::faults::plant(is_full.then_some("full disk"));
    }

    /// Its services, as an engine has them.
    pub fn connections(&self) -> Connections {
        let opened = |name: &str, service: &Arc<Service>| Opened {
            name: ConnectionName::from(name),
            connector: Some("hubspot".to_owned()),
            spent: Vec::new(),
            caps: self.caps.clone(),
            service: service.clone() as Arc<dyn Connection>,
        };
        Connections::opened([opened("crm", &self.crm), opened("copy", &self.copy)])
    }

    /// An engine that is ready to work.
    pub async fn start(&self, flows: &[Arc<flow::Flow>]) -> (Engine, Handle) {
        let parts = EngineParts {
            flows: flows.to_vec(),
            connections: self.connections(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            options: self.options,
        };
        Engine::start(parts).await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        sdk::faults::plant(None);
        sdk::faults::set_hook(None);
    }
}

/// Moves simulated time on.
pub(crate) async fn wait(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// A contact of its own, last changed so many milliseconds after the world began.
pub(crate) fn record(id: u64, changed_millis: i64) -> Record {
    let changed_at = Timestamp::from_millis(START.millis() + changed_millis);
    Record {
        id: RecordId::new(id.to_string()),
        created: Some(changed_at),
        modified: changed_at,
        fields: [("email".to_owned(), Value::from(format!("{id}@example.com").as_str()))].into(),
    }
}

/// A failure that certainly applied nothing.
pub(crate) fn refusal(class: Class) -> Error {
    Error::new(class, "as scripted")
}

/// One flow as the engine tells of it.
pub(crate) fn status(handle: &Handle, flow: &str) -> FlowStatus {
    handle.statuses().into_iter().find(|status| status.flow == FlowId::from(flow)).unwrap()
}

/// Tokio's own clock, and how far this machine's has been set back against it.
pub(crate) struct SimulatedClock {
    began: tokio::time::Instant,
    jump_millis: AtomicI64,
}

impl SimulatedClock {
    /// What time it is at the services.
    pub fn true_now(&self) -> Timestamp {
        START + self.began.elapsed()
    }

    /// How long the world has been there.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// This machine slept: its clock has gone on, and its timers have not.
    pub fn set_forward(&self, by: Duration) {
        self.jump_millis.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// This machine's clock, and no other, is set back.
    pub fn set_back(&self, by: Duration) {
        self.jump_millis.fetch_sub(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.true_now().millis() + self.jump_millis.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Run ids in a row.
#[derive(Default)]
struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn run_id(&self) -> RunId {
        RunId(uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1)))
    }
}

/// The flows of these files.
pub(crate) fn checked(flows: &[&str]) -> Vec<Arc<flow::Flow>> {
    let name = |index: usize| format!("flows/{index}.yaml");
    let files: Vec<_> =
        flows.iter().enumerate().map(|(index, yaml)| text::SourceFile::new(name(index), yaml)).collect();
    let facts = ConnectorFacts {
        connector: "hubspot".to_owned(),
        min_interval: Duration::from_secs(15),
        loopback: true,
        objects: None,
    };
    let catalog = Catalog {
        connections: ["crm", "copy", "other"].map(|name| (name.into(), facts.clone())).into(),
        connectors: vec!["hubspot".to_owned()],
        ..Catalog::default()
    };
    let parsed = flow::parse(&files);
    let checked = flow::check(&parsed.definitions, &catalog, &flow::ProjectDefaults::default());
    assert_eq!(checked.flows.len(), flows.len(), "{:#?}\n{:#?}", parsed.diagnostics, checked.diagnostics);
    checked.flows
}

fn in_words(run: &RunRow) -> String {
    let line = format!("{} {}", run.record, run.state);
    match (&run.failure, run.state) {
        (None, _) | (Some(_), RunState::Succeeded | RunState::Skipped | RunState::Superseded | RunState::Cancelled) => {
            line
        }
        (
            Some(failure),
            RunState::Failed | RunState::Unknown | RunState::Pending | RunState::Running | RunState::Waiting,
        ) => format!("{line}: {}, attempt {}", failure.class, failure.attempt),
    }
}
