//! A backlog at the pace of a real subscription: the stand-in refuses whoever asks too much, and never has to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use runtime::budgets::Caps;
use runtime::connections::Opened;
use runtime::engine::EngineParts;
use runtime::{Connections, Drain, Engine, EngineOptions};
use sandbox::hubspot::{DEFAULT_TOKEN, HubSpot, Options, SandboxTransport, Tier};
use sdk::budget::{Tally, paid_from};
use sdk::{
    Clock, ConnectContext, Connector, Request, Response, Secret, SettingValue, Settings, Timestamp, Transport,
    TransportError,
};
use store::{RunFilter, RunState, Store};
use tokio_util::sync::CancellationToken;

use crate::clock::CountedIds;
use crate::world::checked_flows;
use crate::writing::{PausedClock, in_paused_time};

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
    set: {email: "${ record.email }", firstname: "${ record.firstname }"}
"#;

/// Matched by what HubSpot does not keep unique, so that each write searches first.
const COMPANIES: &str = r#"
flow: companies-to-copy
connections: {crm: hubspot, copy: hubspot}
trigger:
  poll: crm.companies
  on: new_or_updated
  every: 15s
  start: beginning
  where: record.domain != ()
steps:
  - upsert: copy.companies
    match: domain
    ambiguous: oldest
    set: {name: "${ record.name }", domain: "${ record.domain }"}
"#;

#[test]
fn a_backlog_of_five_hundred_is_written_without_one_refusal() {
    for latency in [0, 80, 1_500] {
        let backlog = in_paused_time(written(Duration::from_millis(latency), false));
        assert_eq!(backlog.n_refused, 0, "with answers after {latency} ms");
        assert_eq!(backlog.n_unfinished, 0);
        assert!(backlog.n_written > 500, "{}", backlog.n_written);
        println!("{} runs in {:?}, answers after {latency} ms", backlog.n_written, backlog.took);
    }
}

/// Polls of one connection and writes of the other meet in the budgets of one account.
#[test]
fn two_connections_of_one_account_are_written_without_one_refusal() {
    let backlog = in_paused_time(written(Duration::from_millis(80), true));
    assert_eq!((backlog.n_refused, backlog.n_unfinished), (0, 0));
}

#[test]
fn a_backlog_without_budgets_is_refused() {
    sdk::faults::plant(Some("what was spent is forgotten"));
    let backlog = in_paused_time(written(Duration::from_millis(80), false));
    sdk::faults::plant(None);
    assert!(backlog.n_refused > 0, "nobody refused anything, so the others prove nothing");
}

/// What became of a backlog.
struct Backlog {
    n_refused: usize,
    n_written: usize,
    n_unfinished: usize,
    took: Duration,
}

async fn written(latency: Duration, one_account: bool) -> Backlog {
    let started_at = Timestamp::from_millis(1_793_491_200_000);
    let began = tokio::time::Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(PausedClock { base: started_at, began });
    let account = |seed: u64, records: usize| {
        let options = Options {
            seed,
            records,
            started_at,
            lag: Duration::from_secs(2),
            tier: Tier::Professional,
            portal_id: seed,
            ..Options::default()
        };
        Arc::new(Mutex::new(HubSpot::new(options)))
    };
    let crm = account(1, 500);
    let copy = if one_account { crm.clone() } else { account(2, 0) };
    let n_refused = Arc::new(AtomicUsize::new(0));
    let opened = |name: &'static str, hubspot: &Arc<Mutex<HubSpot>>| {
        let transport = SandboxTransport { hubspot: hubspot.clone(), clock: clock.clone(), latency };
        let transport = Arc::new(Counting { transport, n_refused: n_refused.clone() });
        let settings = Settings(BTreeMap::from([
            ("token".to_owned(), SettingValue::Secret(Secret::new(DEFAULT_TOKEN.to_owned()))),
            ("base_url".to_owned(), SettingValue::Text("http://127.0.0.1:1".to_owned())),
            ("tier".to_owned(), SettingValue::Text("professional".to_owned())),
        ]));
        let context = ConnectContext { transport, clock: clock.clone(), folder: PathBuf::new() };
        let service = connectors::hubspot::HubSpot.connect(&settings, context).unwrap();
        async move {
            // As whoever assembles an engine does.
            let tally = Arc::new(Tally::default());
            for object in ["contacts", "companies"] {
                paid_from(tally.clone(), service.discover(object)).await.unwrap();
            }
            let (name, connector, spent) = (name.into(), Some("hubspot".to_owned()), tally.spent());
            Opened { name, connector, spent, caps: Caps::default(), service }
        }
    };
    let store = Store::in_memory().unwrap();
    let parts = EngineParts {
        flows: checked_flows(&[CONTACTS, COMPANIES]),
        connections: Connections::opened([opened("crm", &crm).await, opened("copy", &copy).await]),
        store: store.clone(),
        clock: clock.clone(),
        ids: Arc::new(CountedIds::default()),
        options: EngineOptions::default(),
    };
    let (engine, _handle) = Engine::start(parts).await.unwrap();
    let drain = Drain { settle: Duration::from_secs(5), waits: true };
    let stop = CancellationToken::new();
    let patience = Duration::from_secs(if one_account { 120 } else { 3_600 });
    let drained = tokio::time::timeout(patience, engine.run(Some(drain), stop));
    // Where a flow writes what it reads itself, it never comes to rest.
    let ended = drained.await;
    assert!(one_account || matches!(ended, Ok(Ok(()))), "{ended:?}");
    let runs = store.runs(RunFilter { limit: 100_000, ..RunFilter::default() }).await.unwrap();
    Backlog {
        n_refused: n_refused.load(Ordering::Relaxed),
        n_written: runs.iter().filter(|run| run.state == RunState::Succeeded).count(),
        n_unfinished: runs.iter().filter(|run| run.state != RunState::Succeeded && !one_account).count(),
        took: began.elapsed(),
    }
}

/// Counts what the service refuses because it was asked too much.
struct Counting {
    transport: SandboxTransport,
    n_refused: Arc<AtomicUsize>,
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let answer = self.transport.send(request).await;
        if answer.as_ref().is_ok_and(|response| response.status == 429) {
            self.n_refused.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}
