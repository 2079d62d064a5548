//! Many flows with nothing to do: what waiting costs, and how punctual it is. No HTTP: a transport of this process
//! answers every search with an empty page.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use runtime::engine::EngineParts;
use runtime::{Connections, Engine, EngineOptions};
use sdk::{
    Catalog, Clock, ConnectContext, Connection, ConnectionName, Connector, ConnectorFacts, RandomIds, Request,
    Response, Secret, SettingValue, Settings, SystemClock, Transport, TransportError,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::process::{self, Stopwatch, cpu_seconds, memory_mib};
use crate::report::Report;

/// What a process of many flows tells of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Idled {
    /// Of one core, over the time measured.
    cpu_percent: f64,
    /// Commits of the store in that time.
    commits: u64,
    polls: u64,
    /// Polls that should have been there and were not.
    missed: u64,
    p50_millis: f64,
    p99_millis: f64,
    worst_millis: f64,
    memory_mib: f64,
}

/// A thousand flows at 15 seconds for a minute, and ten thousand at 60 seconds for three.
pub fn measure(report: &mut Report) -> anyhow::Result<()> {
    let idled: Idled = process::play("flows", &["1000", "15", "60"])?;
    let what = "1,000 idle flows polling every 15 s";
    report.figure(&format!("{what}: processor"), format!("{:.1} % of a core", idled.cpu_percent), "under 5 %");
    report.figure(&format!("{what}: commits in {} polls", idled.polls), idled.commits.to_string(), "0");
    report.figure(&format!("{what}: memory"), format!("{:.0} MiB", idled.memory_mib), "");
    let idled: Idled = process::play("flows", &["10000", "60", "180"])?;
    let what = "10,000 flows scheduled for 60 s";
    report.figure(&format!("{what}: missed of {} polls", idled.polls), idled.missed.to_string(), "0");
    let late = format!("{:.1} / {:.1} / {:.1} ms", idled.p50_millis, idled.p99_millis, idled.worst_millis);
    report.figure(&format!("{what}: lateness p50 / p99 / worst"), late, "p99 under 50 ms");
    report.figure(&format!("{what}: processor"), format!("{:.1} % of a core", idled.cpu_percent), "");
    report.figure(&format!("{what}: memory"), format!("{:.0} MiB", idled.memory_mib), "");
    Ok(())
}

/// The role: so many flows, at this interval, measured for so long after each has polled once.
pub async fn work(arguments: &[String]) -> anyhow::Result<()> {
    let numbers = arguments.iter().map(|argument| argument.parse()).collect::<Result<Vec<u64>, _>>()?;
    let [flows, every, seconds] = numbers[..] else { anyhow::bail!("it takes flows, an interval and a time") };
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path())?;
    let service = Arc::new(EmptyService { flows, watch: Stopwatch::start(), polls: Mutex::default() });
    let parts = EngineParts {
        flows: flows_of(flows, every)?,
        connections: Connections::new([(ConnectionName::from("crm"), connect(service.clone())?)]),
        store: store.clone(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        options: EngineOptions::default(),
    };
    let (engine, _handle) = Engine::start(parts).await?;
    let stop = CancellationToken::new();
    let watching = async {
        // First polls are spread over one interval; they ask the time and store a cursor.
        tokio::time::sleep(Duration::from_secs(every + 5)).await;
        service.forget();
        let (watch, cpu, commits) = (Stopwatch::start(), cpu_seconds(), store.commits());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let measured = (watch.elapsed(), cpu, cpu_seconds(), store.commits() - commits, service.polled());
        stop.cancel();
        measured
    };
    let (worked, (elapsed, cpu_before, cpu_after, commits, polled)) =
        futures::join!(tokio::spawn(engine.run(None, stop.clone())), watching);
    worked??;
    let interval = every as f64 * 1000.0;
    let expected = flows * (elapsed.as_secs() / every);
    let mut lateness = Vec::new();
    for polls in polled.values() {
        // A flow's phase is that of its most punctual poll.
        let phases: Vec<f64> = polls.iter().zip(0_u32..).map(|(at, nth)| at - f64::from(nth) * interval).collect();
        let phase = phases.iter().copied().fold(f64::INFINITY, f64::min);
        lateness.extend(phases.into_iter().map(|at| at - phase));
    }
    lateness.sort_by(f64::total_cmp);
    let at = |share: f64| lateness.get(((lateness.len().max(1) - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
    let polls = lateness.len() as u64;
    process::tell(&Idled {
        cpu_percent: (cpu_after? - cpu_before?) / elapsed.as_secs_f64() * 100.0,
        commits,
        polls,
        missed: expected.saturating_sub(polls),
        p50_millis: at(0.5),
        p99_millis: at(0.99),
        worst_millis: at(1.0),
        memory_mib: memory_mib(std::process::id(), "VmRSS")?,
    })
}

/// An account without a record, which has a field for every flow, by which its polls are told apart.
struct EmptyService {
    flows: u64,
    watch: Stopwatch,
    /// When each flow polled, in milliseconds.
    polls: Mutex<BTreeMap<u64, Vec<f64>>>,
}

impl EmptyService {
    fn forget(&self) {
        self.polls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn polled(&self) -> BTreeMap<u64, Vec<f64>> {
        self.polls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self, request: &Request) -> serde_json::Value {
        if request.url.contains("/properties/") {
            let property = |name: String| json!({"name": name, "label": name, "type": "string", "fieldType": "text"});
            let stamps = ["lastmodifieddate", "createdate"]
                .map(|name| json!({"name": name, "label": name, "type": "datetime", "fieldType": "date"}));
            let fields: Vec<_> = (0..self.flows).map(|number| property(field(number))).chain(stamps).collect();
            return json!({"results": fields});
        }
        if request.url.contains("/search") {
            let asked: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let names = asked["properties"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
            let number = names.filter_map(|name| name.strip_prefix("field_")?.parse().ok()).next();
            if let Some(number) = number {
                let at = self.watch.elapsed().as_secs_f64() * 1000.0;
                self.polls.lock().unwrap_or_else(PoisonError::into_inner).entry(number).or_default().push(at);
            }
            return json!({"total": 0, "results": []});
        }
        json!({"portalId": 1, "accountType": "STANDARD"})
    }
}

#[async_trait]
impl Transport for EmptyService {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let body = self.answer(&request).to_string().into_bytes();
        let date = SystemClock.now().to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Ok(Response { status: 200, headers: [("date".to_owned(), date)].into_iter().collect(), body })
    }
}

fn field(number: u64) -> String {
    format!("field_{number}")
}

fn connect(service: Arc<EmptyService>) -> anyhow::Result<Arc<dyn Connection>> {
    let settings = Settings(BTreeMap::from([
        ("token".to_owned(), SettingValue::Secret(Secret::new("token".to_owned()))),
        ("tier".to_owned(), SettingValue::Text("unlimited".to_owned())),
    ]));
    let context = ConnectContext { transport: service, clock: Arc::new(SystemClock), folder: PathBuf::new() };
    Ok(connectors::hubspot::HubSpot.connect(&settings, context)?)
}

fn flows_of(n: u64, every: u64) -> anyhow::Result<Vec<Arc<flow::Flow>>> {
    let file = |number: u64| {
        let yaml = format!(
            "flow: f{number}\nconnections: {{crm: hubspot}}\ntrigger: {{poll: crm.contacts, every: {every}s}}\nsteps:\n  - skip: \"${{ record.{} }}\"\n",
            field(number)
        );
        text::SourceFile::new(format!("flows/f{number}.yaml"), &yaml)
    };
    let facts = ConnectorFacts {
        connector: "hubspot".to_owned(),
        min_interval: Duration::from_secs(10),
        loopback: false,
        objects: None,
    };
    let catalog = Catalog {
        connections: [("crm".into(), facts)].into(),
        connectors: vec!["hubspot".to_owned()],
        ..Catalog::default()
    };
    let parsed = flow::parse(&(0..n).map(file).collect::<Vec<_>>());
    let checked = flow::check(&parsed.definitions, &catalog, &flow::ProjectDefaults::default());
    anyhow::ensure!(checked.flows.len() as u64 == n, "the flows have mistakes: {:?}", checked.diagnostics.first());
    Ok(checked.flows)
}
