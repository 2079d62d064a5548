//! Whole engines over a list that nothing stamps, and that changes while it is read: in no order, in pages that shift,
//! over crashes, refusals and a clock that is set back. Judged by the list's own log: no change that stayed is lost,
//! none makes two runs, and what was written last is what is there.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use connectors::rest::RestConnector;
use futures::FutureExt;
use futures::future::BoxFuture;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use runtime::engine::EngineParts;
use runtime::{Connections, Drain, Engine, EngineOptions};
use sandbox::hubspot::{HubSpot, Options, Tier};
use sdk::{
    Clock, ConnectContext, Connector as _, FlowId, Request, Response, Settings, Timestamp, Transport, TransportError,
};
use serde_json::json;
use store::{RunFilter, RunState, Store};
use tokio_util::sync::CancellationToken;

use crate::clock::CountedIds;
use crate::small_pages::SmallPages;
use crate::world::{checked_flows, hubspot_connection};
use crate::writing::in_paused_time;
use crate::{n_seeds, seeds};

const MANIFEST: &str = r#"
connector: shop
title: A shop
base_url: http://127.0.0.1:1
ids: numbers
check: {get: /me, id: "${body.id}"}
errors:
  rules:
    - {status: 503, is: transient, applied: no}
resources:
  tags:
    id: "${record.id}"
    fields: {static: {name: text}}
    poll:
      serves: [new, new_or_updated]
      mode: snapshot
      get: /tags
      query: {offset: "${page.offset}"}
      items: "${body.tags}"
      page: {kind: offset}
"#;

const FLOW: &str = r#"
flow: tags-to-copy
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.tags, on: WHICH, every: 15s, start: START}
steps:
  - upsert: copy.contacts
    match: email
    set: {email: "tag-${ record.id }@example.com", firstname: "${ record.name }"}
"#;

#[test]
fn no_change_of_a_snapshot_is_lost_or_doubled() {
    let n = n_seeds(60, 20_000);
    let (mut n_runs, mut n_crashes) = (0, 0);
    for seed in seeds(n) {
        match simulate(seed) {
            Ok((runs, crashes)) => {
                n_runs += runs;
                n_crashes += crashes;
            }
            Err(guilty) => panic!("seed {seed}: {guilty}"),
        }
    }
    println!("{n} seeds: {n_runs} runs kept over {n_crashes} crashes");
    assert!(n_crashes > 0, "nothing crashed, so nothing was tried");
}

/// Bugs planted in the shipped poller and store.
const PLANTS: &[&str] = &[
    "seen by id only",
    "a snapshot forgets what it saw",
    "the moment of a snapshot by the clock alone",
    "a snapshot ends with its first page",
    "seen in its own transaction",
];

#[test]
fn every_planted_bug_of_snapshots_is_caught() {
    for plant in PLANTS {
        sdk::faults::plant(Some(plant));
        let caught = (0..60).find_map(|seed| simulate(seed).err().map(|guilty| (seed, guilty)));
        sdk::faults::plant(None);
        let (seed, guilty) = caught.unwrap_or_else(|| panic!("no seed caught {plant}"));
        println!("caught by seed {seed:>3}: {plant} ({})", guilty.chars().take(90).collect::<String>());
    }
}

fn simulate(seed: u64) -> Result<(usize, usize), String> {
    in_paused_time(async { Simulation::new(seed).lived().await })
}

/// Tokio's own clock, and how far this machine's stands from it.
struct SkewedClock {
    base: Timestamp,
    began: tokio::time::Instant,
    skew_millis: AtomicI64,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        let now = self.base + self.began.elapsed();
        Timestamp::from_millis(now.millis() + self.skew_millis.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// What the shop has, and every name that a tag ever had.
struct Shop {
    /// In the order in which they are listed.
    tags: Vec<(u64, String)>,
    log: BTreeMap<u64, Vec<String>>,
    gone: Vec<u64>,
    n_names: u64,
    rng: SmallRng,
    /// The chance that a request fails, and that something changes while it is under way.
    failing: f64,
    changing: f64,
}

impl Shop {
    fn change(&mut self) {
        let nth = (!self.tags.is_empty()).then(|| self.rng.random_range(0..self.tags.len()));
        match (self.rng.random_range(0..10), nth) {
            (0..=2, _) | (_, None) => {
                let back = self.rng.random_bool(0.3).then(|| self.gone.pop()).flatten();
                let id = back.unwrap_or_else(|| 7 + self.log.len() as u64 * 31);
                let name = self.name(id);
                let at = self.rng.random_range(0..=self.tags.len());
                self.tags.insert(at, (id, name.clone()));
                self.log.entry(id).or_default().push(name);
            }
            (3, Some(nth)) => {
                let (id, _) = self.tags.remove(nth);
                self.gone.push(id);
            }
            // It moves, and nothing else: no reason for a run.
            (4, Some(nth)) => {
                let tag = self.tags.remove(nth);
                self.tags.push(tag);
            }
            (_, Some(nth)) => {
                let id = self.tags[nth].0;
                let name = self.name(id);
                self.tags[nth].1.clone_from(&name);
                self.log.entry(id).or_default().push(name);
            }
        }
    }

    /// A name that no tag had, or one that this had before.
    fn name(&mut self, id: u64) -> String {
        let had = self.log.get(&id).and_then(|names| names.choose(&mut self.rng)).cloned();
        if let Some(again) = had.filter(|_| self.rng.random_bool(0.4)) {
            return again;
        }
        self.n_names += 1;
        format!("n{}", self.n_names)
    }
}

#[derive(Clone)]
struct Site(Arc<Mutex<Shop>>);

impl Site {
    fn shop(&self) -> MutexGuard<'_, Shop> {
        self.0.lock().unwrap()
    }
}

/// Four tags on a page, in the order that they have at that moment.
#[async_trait]
impl Transport for Site {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        tokio::time::sleep(Duration::from_millis(80)).await;
        let mut shop = self.shop();
        let (failing, changing) = (shop.failing, shop.changing);
        if shop.rng.random_bool(changing) {
            shop.change();
        }
        let offset = request.url.split_once("offset=").map_or("0", |(_, offset)| offset).parse().unwrap();
        let page = shop.tags.iter().skip(offset).take(4);
        let body =
            json!({ "id": 1, "tags": page.map(|(id, name)| json!({"id": id, "name": name})).collect::<Vec<_>>() });
        let status = if shop.rng.random_bool(failing) { 503 } else { 200 };
        Ok(Response { status, headers: Vec::new(), body: body.to_string().into_bytes() })
    }
}

struct Simulation {
    rng: SmallRng,
    flow: &'static str,
    is_once: bool,
    site: Site,
    copy: Arc<Mutex<HubSpot>>,
    clock: Arc<SkewedClock>,
    store: Store,
    ids: Arc<CountedIds>,
    crash: f64,
    page_size: usize,
    pages: usize,
    n_crashes: usize,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let base = Timestamp::from_millis(1_793_491_200_000);
        let mut shop = Shop {
            tags: Vec::new(),
            log: BTreeMap::new(),
            gone: Vec::new(),
            n_names: 0,
            rng: SmallRng::seed_from_u64(seed ^ 0x5403),
            failing: 0.0,
            changing: 0.0,
        };
        for _ in 0..rng.random_range(0..40) {
            shop.change();
        }
        let options = Options { seed, records: 0, started_at: base, tier: Tier::Unlimited, ..Options::default() };
        let is_once = rng.random_bool(0.2);
        let start = *["now", "beginning"].choose(&mut rng).unwrap();
        let flow = FLOW.replace("WHICH", if is_once { "new" } else { "new_or_updated" }).replace("START", start);
        Self {
            flow: String::leak(flow),
            is_once,
            site: Site(Arc::new(Mutex::new(shop))),
            copy: Arc::new(Mutex::new(HubSpot::new(options))),
            clock: Arc::new(SkewedClock { base, began: tokio::time::Instant::now(), skew_millis: AtomicI64::new(0) }),
            store: Store::in_memory().expect("memory is there"),
            ids: Arc::default(),
            crash: *[0.0, 0.005, 0.02].choose(&mut rng).unwrap(),
            page_size: *[2, 5, 8].choose(&mut rng).unwrap(),
            pages: *[1, 3, 25].choose(&mut rng).unwrap(),
            rng,
            n_crashes: 0,
        }
    }

    /// A first life, in which nothing happens but the first look; some that may crash while the list changes; and one
    /// that comes to its end. How many runs there are, and how often it crashed.
    async fn lived(mut self) -> Result<(usize, usize), String> {
        self.live(0.0, None).await?;
        let (was_there, is_from_now) = (self.site.shop().tags.clone(), self.flow.contains("start: now"));
        let before: BTreeMap<u64, String> = if is_from_now { was_there.into_iter().collect() } else { BTreeMap::new() };

        let (failing, changing) =
            (*[0.0, 0.05].choose(&mut self.rng).unwrap(), *[0.0, 0.2].choose(&mut self.rng).unwrap());
        for _ in 0..5 {
            {
                let mut shop = self.site.shop();
                (shop.failing, shop.changing) = (failing, changing);
            }
            let duration = Duration::from_secs(self.rng.random_range(20..120));
            self.live(self.crash, Some(duration)).await?;
            let skew = *[0, 0, -600_000, 600_000].choose(&mut self.rng).unwrap();
            self.clock.skew_millis.fetch_add(skew, Ordering::Relaxed);
            for _ in 0..self.rng.random_range(0..6) {
                self.site.shop().change();
            }
        }
        {
            let mut shop = self.site.shop();
            (shop.failing, shop.changing) = (0.0, 0.0);
        }
        self.live(0.0, None).await?;
        Ok((self.judge(&before).await?, self.n_crashes))
    }

    /// One process: until it crashes, or for a while, or until nothing is left to do.
    async fn live(&mut self, crash: f64, duration: Option<Duration>) -> Result<(), String> {
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
        let (stopper, patience) = (stop.clone(), duration.unwrap_or(Duration::from_secs(24 * 3600)));
        let limit = tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            stopper.cancel();
        });
        let drain = duration.is_none().then_some(Drain { settle: Duration::from_secs(60), waits: true });
        let lived = AssertUnwindSafe(self.engine(drain, stop)).catch_unwind().await;
        sdk::faults::set_hook(None);
        if duration.is_none() && limit.is_finished() {
            return Err("a day was not enough to drain".to_owned());
        }
        limit.abort();
        match lived {
            Ok(lived) => lived,
            Err(panic) if panic.is::<sdk::faults::Crash>() => {
                self.n_crashes += 1;
                Ok(())
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    async fn engine(&self, drain: Option<Drain>, stop: CancellationToken) -> Result<(), String> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let file = text::SourceFile::new("shop.yaml", MANIFEST);
        let shop = RestConnector::from_manifest(&file).expect("the manifest is right");
        let transport = Arc::new(self.site.clone());
        let context = ConnectContext { transport, clock: clock.clone(), folder: PathBuf::new() };
        let inner = shop.connect(&Settings::default(), context).expect("there is nothing to set");
        let crm = Arc::new(SmallPages { inner, page_size: self.page_size });
        let mut options = EngineOptions::default();
        options.poll.pages = self.pages;
        let parts = EngineParts {
            flows: checked_flows(&[self.flow]),
            connections: Connections::new([
                ("crm".into(), crm as Arc<dyn sdk::Connection>),
                ("copy".into(), hubspot_connection(&self.copy, &clock)),
            ]),
            store: self.store.clone(),
            clock,
            ids: self.ids.clone(),
            options,
        };
        let (engine, _handle) = Engine::start(parts).await.map_err(|error| error.to_string())?;
        engine.run(drain, stop).await.map_err(|error| format!("the engine gave up: {error}"))
    }

    /// Compares the runs, and what they wrote, with the shop's log. `before` is what a flow that starts now took for
    /// old.
    async fn judge(&self, before: &BTreeMap<u64, String>) -> Result<usize, String> {
        let runs = self.runs().await?;
        let shop = self.site.shop();
        for (id, names) in &runs {
            let had = shop.log.get(id).ok_or_else(|| format!("a run for {id}, which never was"))?;
            let mut log = had.iter();
            if let Some(name) = names.iter().find(|name| !log.any(|known| known == *name)) {
                return Err(format!("{id} has a run for {name} that is not in the order of {had:?}: {names:?}"));
            }
            if names.windows(2).any(|pair| pair[0] == pair[1]) || before.get(id) == names.first() {
                return Err(format!("{id} has a second run for what it was: {names:?}, at first {:?}", before.get(id)));
            }
            if self.is_once && (names.len() > 1 || before.contains_key(id)) {
                return Err(format!("{id} is new only once: {names:?}"));
            }
        }
        let is_written = self.written();
        for (id, name) in &shop.tags {
            let known = runs.get(id).and_then(|names| names.last()).or(before.get(id));
            match known {
                None => return Err(format!("{id} is lost")),
                Some(known) if known != name && !self.is_once => {
                    return Err(format!("{id} is {name}, last seen as {known}"));
                }
                Some(_) => {}
            }
            let last = runs.get(id).and_then(|names| names.last());
            if is_written.get(id) != last {
                return Err(format!("of {id}, {:?} is written, and not {last:?}", is_written.get(id)));
            }
        }
        Ok(runs.values().map(Vec::len).sum())
    }

    /// For each tag, the names that its runs are for, in the order of their versions.
    async fn runs(&self) -> Result<BTreeMap<u64, Vec<String>>, String> {
        let filter = RunFilter { flow: Some(FlowId::from("tags-to-copy")), limit: 100_000, ..RunFilter::default() };
        let mut rows = self.store.runs(filter).await.expect("the simulated disk reads");
        rows.sort_by_key(|row| (row.version.stamp, row.id));
        let mut runs: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for row in rows {
            if !matches!(row.state, RunState::Succeeded | RunState::Superseded) {
                return Err(format!("the run of {} is {}: {:?}", row.record, row.state, row.failure));
            }
            let run = self.store.run(&row.id.to_string()).await.expect("it is listed");
            let record = run.record.expect("nothing was pruned");
            runs.entry(record.id.as_str().parse().unwrap()).or_default().push(record.fields["name"].to_text());
        }
        Ok(runs)
    }

    /// What the copy has of each tag.
    fn written(&self) -> BTreeMap<u64, String> {
        let copy = self.copy.lock().unwrap();
        let of = |values: &BTreeMap<String, String>| {
            let id = values.get("email")?.strip_prefix("tag-")?.split('@').next()?.parse().ok()?;
            Some((id, values.get("firstname")?.clone()))
        };
        copy.records("contacts").unwrap().filter_map(|record| of(&record.values)).collect()
    }
}
