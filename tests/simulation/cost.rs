//! What `check --cost` says beforehand, and what the stand-in counts afterwards: within fifteen percent.
//!
//! Each flow works for some hours on accounts that live meanwhile. The estimate knows the flow, the fields that were
//! pulled, and how many records match in a day; then, once the flow has run, what was measured of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use flow::Flow;
use millrace::check::cost::amount::{Asked, Range};
use millrace::check::cost::estimate::{Basis, FlowCost, History, estimate};
use runtime::engine::EngineParts;
use runtime::{Connections, Engine, EngineOptions};
use sandbox::hubspot::{DEFAULT_TOKEN, HubSpot, Options, SandboxTransport, Tier};
use sdk::{
    Clock, ConnectContext, Connection, ConnectionName, Connector, ObjectSchema, Request, Response, Secret,
    SettingValue, Settings, Timestamp, Transport, TransportError,
};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::clock::CountedIds;
use crate::world::checked_flows;
use crate::writing::{PausedClock, in_paused_time};

/// How long each flow works.
const HOURS: u32 = 6;
/// How far the count may be from the estimate.
const TOLERANCE: f64 = 0.15;

/// A flow, and the records that come to its source while it works.
struct Case {
    document: &'static str,
    /// New contacts in all, evenly.
    contacts: u32,
    /// Contacts that are there at first.
    first: usize,
}

const COPIES: Case = Case {
    document: r#"
flow: copies
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.contacts, on: new, every: 15s, start: now}
steps:
  - upsert: copy.contacts
    match: email
    set: {email: "${ record.email }", firstname: "${ record.firstname }"}
"#,
    contacts: 400,
    first: 0,
};

const LOOKS_FIRST: Case = Case {
    document: r#"
flow: looks-first
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.contacts, on: new, every: 30s, start: now}
steps:
  - find: copy.contacts
    filter: {firstname: "${ record.firstname }"}
    as: same
  - if: same == ()
    then:
      - create: copy.contacts
        set: {email: "${ record.email }", firstname: "${ record.firstname }"}
      - upsert: copy.companies
        name: company
        match: domain
        ambiguous: oldest
        set: {name: "${ record.firstname }", domain: "d${ record.id.len() }-${ record.firstname }.example"}
    else:
      - update: copy.contacts
        id: ${ same.id }
        set: {lastname: "${ record.email }"}
"#,
    contacts: 500,
    first: 0,
};

const FILLS: Case = Case {
    document: r#"
flow: fills
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.contacts, on: new, every: 1m, start: now}
steps:
  - upsert: copy.contacts
    match: email
    mapping:
      email: email
      firstname: {from: firstname, policy: fill_if_empty}
  - each: [a, b]
    item: part
    steps:
      - upsert: copy.contacts
        name: part
        match: email
        set: {email: "${ part }-${ record.email }"}
"#,
    contacts: 300,
    first: 0,
};

const QUIET: Case = Case {
    document: r#"
flow: quiet
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.contacts, on: new_or_updated, every: {min: 30s, max: 5m}, start: now}
steps:
  - upsert: copy.contacts
    match: email
    set: {email: "${ record.email }"}
"#,
    contacts: 3,
    first: 0,
};

const WALKS: Case = Case {
    document: r#"
flow: walks
connections: {crm: hubspot, copy: hubspot}
trigger: {schedule: "0 * * * *", each: crm.contacts}
steps:
  - upsert: copy.contacts
    match: email
    set: {email: "${ record.email }", firstname: "${ record.firstname }"}
"#,
    contacts: 0,
    // Of so many runs all are looked at, the first walk's among them, which makes what later ones only update.
    first: 150,
};

#[test]
fn estimates_are_within_fifteen_percent_of_what_is_counted() {
    for case in [COPIES, LOOKS_FIRST, FILLS, QUIET, WALKS] {
        let Lived { flow, before, measured, counted } = in_paused_time(lived(&case));
        for (name, counted) in &counted {
            let told = |cost: &FlowCost| over_hours(&cost.per_day()).at(name);
            println!(
                "{flow} {name}: {} before, {} measured, {counted} counted",
                shown(&told(&before)),
                shown(&told(&measured))
            );
            let is_point = |range: &Range| range.most.requests - range.least.requests < 1e-6;
            assert!(is_point(&told(&measured)) || case.document == QUIET.document, "{flow}: measured is no range");
            assert!(is_near(&told(&before), *counted), "{flow} at {name}: {counted} is not near {:?}", told(&before));
            assert!(is_near(&told(&measured), *counted), "{flow} at {name}: {counted}, measured {:?}", told(&measured));
        }
    }
}

/// An estimate without the steps, or without the looks, is far from the truth: the comparison above says something.
#[test]
fn half_an_estimate_is_found_out() {
    let Lived { before, counted, .. } = in_paused_time(lived(&COPIES));
    let (crm, copy) = (ConnectionName::from("crm"), ConnectionName::from("copy"));
    let without_looks = over_hours(&before.per_run.times(1.0, 1.0)).at(&crm);
    assert!(!is_near(&without_looks, counted[&crm]));
    assert!(!is_near(&over_hours(&before.by_itself).at(&copy), counted[&copy]));
}

fn over_hours(asked: &Asked) -> Asked {
    let part = f64::from(HOURS) / 24.0;
    asked.times(part, part)
}

fn is_near(range: &Range, counted: u64) -> bool {
    let counted = counted as f64;
    (range.least.requests * (1.0 - TOLERANCE)..=range.most.requests * (1.0 + TOLERANCE)).contains(&counted)
}

fn shown(range: &Range) -> String {
    format!("{:.0} to {:.0}", range.least.requests, range.most.requests)
}

/// What was said, and what happened.
struct Lived {
    flow: String,
    before: FlowCost,
    measured: FlowCost,
    counted: BTreeMap<ConnectionName, u64>,
}

async fn lived(case: &Case) -> Lived {
    let base = Timestamp::from_millis(1_793_491_200_000);
    let began = tokio::time::Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(PausedClock { base, began });
    let account = |seed: u64, records: usize| {
        let (lag, tier) = (Duration::from_secs(2), Tier::Unlimited);
        let options = Options { seed, records, started_at: base, lag, tier, portal_id: seed, ..Options::default() };
        Arc::new(Mutex::new(HubSpot::new(options)))
    };
    let (crm, copy) = (account(1, case.first), account(2, 0));
    let flows = checked_flows(&[case.document]);

    // The estimate's connections have no service: what they know of fields was pulled before.
    let mut pulled: Vec<ObjectSchema> = Vec::new();
    for object in ["contacts", "companies"] {
        pulled.push(
            connect(Arc::new(SandboxTransport::new(crm.clone(), clock.clone())), &clock)
                .discover(object)
                .await
                .unwrap(),
        );
    }
    let unasked = || {
        let open = connect(Arc::new(Nobody), &clock);
        pulled.iter().for_each(|schema| open.assume(schema));
        open
    };
    let estimated: BTreeMap<ConnectionName, Arc<dyn Connection>> =
        [("crm".into(), unasked()), ("copy".into(), unasked())].into();
    let per_day = match case.contacts {
        // Every hour, all of them.
        0 => 24.0 * crm.lock().unwrap().records("contacts").unwrap().count() as f64,
        n => f64::from(n) * 24.0 / f64::from(HOURS),
    };
    let before = cost(&estimated, &flows, Some(per_day), &BTreeMap::new(), base);

    let counted: BTreeMap<ConnectionName, Arc<AtomicU64>> =
        [("crm".into(), Arc::default()), ("copy".into(), Arc::default())].into();
    let mut open: Vec<(ConnectionName, Arc<dyn Connection>)> = Vec::new();
    for (name, hubspot) in [("crm", &crm), ("copy", &copy)] {
        let transport = SandboxTransport::new(hubspot.clone(), clock.clone());
        let n = counted[&ConnectionName::from(name)].clone();
        let service = connect(Arc::new(Counting { transport, n: n.clone() }), &clock);
        for object in ["contacts", "companies"] {
            service.discover(object).await.unwrap();
        }
        n.store(0, Ordering::Relaxed);
        open.push((name.into(), service));
    }
    let store = Store::in_memory().unwrap();
    let parts = EngineParts {
        flows: flows.clone(),
        connections: Connections::new(open),
        store: store.clone(),
        clock: clock.clone(),
        ids: Arc::new(CountedIds::default()),
        options: EngineOptions::default(),
    };
    let (engine, _handle) = Engine::start(parts).await.unwrap();
    let stop = CancellationToken::new();
    let length = Duration::from_secs(3600) * HOURS;
    let life = async {
        for n in 0..case.contacts {
            tokio::time::sleep_until(began + length * n / case.contacts).await;
            let now = clock.now();
            let (email, name) = (format!("r{n}@example.com"), format!("n{}", n / 2));
            let values = [("email", email.as_str()), ("firstname", name.as_str())];
            crm.lock().unwrap().insert("contacts", now, &values, now).unwrap();
        }
        // Not on the hour, where a walk begins: a minute later its runs have ended.
        tokio::time::sleep_until(began + length + Duration::from_secs(60)).await;
        stop.cancel();
    };
    let (worked, ()) = tokio::join!(engine.run(None, stop.clone()), life);
    worked.unwrap();

    let counted = counted.into_iter().map(|(name, n)| (name, n.load(Ordering::Relaxed))).collect();
    let runs = store.measured(&flows[0].id, base).await.unwrap();
    assert!(runs.runs > 0, "nothing ran, so nothing is proven");
    let history = [(flows[0].id.clone(), History { measured: runs, days: f64::from(HOURS) / 24.0 })].into();
    let measured = cost(&estimated, &flows, None, &history, base);
    Lived { flow: flows[0].id.to_string(), before, measured, counted }
}

fn cost(
    connections: &BTreeMap<ConnectionName, Arc<dyn Connection>>,
    flows: &[Arc<Flow>],
    records_per_day: Option<f64>,
    history: &BTreeMap<sdk::FlowId, History>,
    now: Timestamp,
) -> FlowCost {
    estimate(&Basis { connections, flows, records_per_day, history, now }).remove(0)
}

fn connect(transport: Arc<dyn Transport>, clock: &Arc<dyn Clock>) -> Arc<dyn Connection> {
    let settings = Settings(BTreeMap::from([
        ("token".to_owned(), SettingValue::Secret(Secret::new(DEFAULT_TOKEN.to_owned()))),
        ("base_url".to_owned(), SettingValue::Text("http://127.0.0.1:1".to_owned())),
        ("tier".to_owned(), SettingValue::Text("unlimited".to_owned())),
    ]));
    let context = ConnectContext { transport, clock: clock.clone(), folder: PathBuf::new() };
    connectors::hubspot::HubSpot.connect(&settings, context).unwrap()
}

/// Counts every request.
struct Counting {
    transport: SandboxTransport,
    n: Arc<AtomicU64>,
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.n.fetch_add(1, Ordering::Relaxed);
        self.transport.send(request).await
    }
}

/// An estimate asks nobody.
struct Nobody;

#[async_trait]
impl Transport for Nobody {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        Err(TransportError::NotSent(format!("an estimate asked for {}", request.url)))
    }
}
