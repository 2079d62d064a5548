//! Flows that go by the clock, over weeks in which Berlin's clocks change: engines crash at every named point, lie down
//! for hours, and start again. Judged by each flow's calendar: every time has its run or its walk, or was missed while
//! nothing ran and made up for as its author says; none has two.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use flow::{Flow, Missed, Schedule, Trigger};
use futures::FutureExt;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use runtime::engine::EngineParts;
use runtime::{Connections, Drain, Engine, EngineOptions};
use sdk::{
    Account, Class, Clock, Connection, Error, Find, IdOrder, ObjectSchema, PollPage, PollRequest, Record, RecordId,
    Repeat, Timestamp, Value, WalkRequest, Write, WriteOutcome, Written,
};
use store::{RunFilter, RunRow, RunState, Store};
use tokio_util::sync::CancellationToken;

use crate::clock::CountedIds;
use crate::world::checked_flows;
use crate::writing::{PausedClock, in_paused_time};
use crate::{n_seeds, seeds};

/// What a flow's trigger says, by what it is called.
const TRIGGERS: &[(&str, &str)] = &[
    ("daily", r#"{schedule: "30 2 * * *"}"#),
    ("thrice", r#"{schedule: "0 */8 * * *", missed: skip}"#),
    ("often", r#"{schedule: "20 */2 * * *"}"#),
    ("interval", "{every: 7h}"),
    ("walk", r#"{schedule: "45 1,13 * * *", each: crm.contacts, where: record.email != ()}"#),
    ("leaving-out", r#"{schedule: "15 */12 * * *", missed: skip, each: crm.contacts, where: record.email != ()}"#),
];

/// In the week before each change of Berlin's clocks, at an odd time: back on 25 October, forward on 28 March.
const BEGINNINGS: [&str; 2] = ["2026-10-19T10:07:11Z", "2027-03-22T10:07:11Z"];
/// How long a simulated world lasts: the change is in the middle.
const WEEKS: Duration = Duration::from_secs(13 * 24 * 3600);
const HOUR: u64 = 3_600;
/// The grain of timers, which ring a little late.
const TIMER: Duration = Duration::from_millis(5);
/// An engine that lives so long has come to the end of any walk that it found under way, refusals included.
const WALK: Duration = Duration::from_secs(1_800);
/// How late a time may be acted on that is not made up for.
const ON_TIME: Duration = Duration::from_secs(61);

#[test]
fn no_time_is_lost_or_doubled() {
    let n = n_seeds(500, 50_000);
    let mut sum = Kept::default();
    for seed in seeds(n) {
        match simulate(seed) {
            Ok(kept) => sum.add(&kept),
            Err(guilty) => panic!("seed {seed}: {guilty}"),
        }
    }
    println!(
        "{n} seeds: {} times started, {} made up for by a later one, {} runs, over {} crashes",
        sum.n_started, sum.n_missed, sum.n_runs, sum.n_crashes
    );
    assert!(sum.n_crashes > 0 && sum.n_missed > 0, "nothing crashed or nothing was missed, so nothing was tried");
}

/// Bugs planted in the shipped store and loop.
const PLANTS: &[&str] =
    &["the next time before its run", "a walk's point before its runs", "a start is stamped by the clock"];

#[test]
fn every_planted_bug_of_timekeeping_is_caught() {
    for plant in PLANTS {
        sdk::faults::plant(Some(plant));
        let caught = (0..300).find_map(|seed| simulate(seed).err().map(|guilty| (seed, guilty)));
        sdk::faults::plant(None);
        let (seed, guilty) = caught.unwrap_or_else(|| panic!("no seed caught {plant}"));
        println!("caught by seed {seed:>3}: {plant} ({guilty})");
    }
}

/// What a seed kept.
#[derive(Default)]
struct Kept {
    n_started: usize,
    n_missed: usize,
    n_runs: usize,
    n_crashes: usize,
}

impl Kept {
    fn add(&mut self, other: &Self) {
        self.n_started += other.n_started;
        self.n_missed += other.n_missed;
        self.n_runs += other.n_runs;
        self.n_crashes += other.n_crashes;
    }
}

fn simulate(seed: u64) -> Result<Kept, String> {
    in_paused_time(async {
        let mut weeks = Weeks::new(seed);
        weeks.live_through().await?;
        weeks.judge().await
    })
}

/// A store, a service, two flows, and engines that crash over them.
struct Weeks {
    rng: SmallRng,
    flows: Vec<Arc<Flow>>,
    service: Arc<Service>,
    store: Store,
    ids: Arc<CountedIds>,
    clock: Arc<PausedClock>,
    crash: f64,
    /// When an engine lived.
    lives: Vec<Life>,
    n_crashes: usize,
}

#[derive(Clone, Copy)]
struct Life {
    from: Timestamp,
    until: Timestamp,
}

impl Life {
    fn covers(&self, from: Timestamp, until: Timestamp) -> bool {
        self.from <= from && until <= self.until
    }
}

impl Weeks {
    fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let base = Timestamp::parse(BEGINNINGS.choose(&mut rng).unwrap()).unwrap();
        let first = rng.random_range(0..TRIGGERS.len());
        let second = (first + rng.random_range(1..TRIGGERS.len())) % TRIGGERS.len();
        let documents: Vec<String> = [first, second].map(|index| document(TRIGGERS[index])).to_vec();
        let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
        let service = Service {
            n_records: rng.random_range(1..14),
            page_size: rng.random_range(1..5),
            failing: *[0.0, 0.1].choose(&mut rng).unwrap(),
            rng: Mutex::new(SmallRng::seed_from_u64(seed ^ 0x0071_3E5A)),
            written: Mutex::default(),
        };
        Self {
            flows: checked_flows(&documents),
            service: Arc::new(service),
            store: Store::in_memory().expect("memory is there"),
            ids: Arc::default(),
            clock: Arc::new(PausedClock { base, began: tokio::time::Instant::now() }),
            crash: *[0.0, 0.002, 0.01, 0.03].choose(&mut rng).unwrap(),
            lives: Vec::new(),
            n_crashes: 0,
            rng,
        }
    }

    async fn live_through(&mut self) -> Result<(), String> {
        // The first life tells when the flows began, so it is short and sound.
        self.live(0.0, Duration::from_secs(60), None).await?;
        let end = self.clock.base + WEEKS;
        while self.clock.now() < end {
            let down = match self.rng.random_range(0..10) {
                0 => self.rng.random_range(HOUR..40 * HOUR),
                1..4 => self.rng.random_range(1..2 * HOUR),
                _ => self.rng.random_range(0..50),
            };
            tokio::time::sleep(Duration::from_secs(down)).await;
            let duration = Duration::from_secs(self.rng.random_range(60..60 * HOUR));
            self.live(self.crash, duration, None).await?;
        }
        // What was begun comes to its end.
        self.live(0.0, Duration::from_secs(24 * HOUR), Some(Drain { settle: Duration::ZERO, waits: true })).await
    }

    async fn live(&mut self, crash: f64, duration: Duration, drain: Option<Drain>) -> Result<(), String> {
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
        let stopping = tokio::spawn(async move {
            tokio::time::sleep(duration).await;
            stopper.cancel();
        });
        let from = self.clock.now();
        let life = async {
            let service = self.service.clone() as Arc<dyn Connection>;
            let parts = EngineParts {
                flows: self.flows.clone(),
                connections: Connections::new([("crm".into(), service.clone()), ("copy".into(), service)]),
                store: self.store.clone(),
                clock: self.clock.clone(),
                ids: self.ids.clone(),
                options: EngineOptions::default(),
            };
            let (engine, _handle) = Engine::start(parts).await?;
            engine.run(drain, stop).await
        };
        let ended = AssertUnwindSafe(life).catch_unwind().await;
        let was_patient = !stopping.is_finished();
        stopping.abort();
        self.lives.push(Life { from, until: self.clock.now() });
        match ended {
            Ok(Ok(())) if drain.is_some() && !was_patient => Err("a day was not enough to drain".to_owned()),
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the engine gave up: {error}")),
            Err(panic) if panic.is::<sdk::faults::Crash>() => {
                self.n_crashes += 1;
                Ok(())
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    async fn judge(&self) -> Result<Kept, String> {
        let mut kept = Kept { n_crashes: self.n_crashes, ..Kept::default() };
        let mut n_runs = 0;
        for flow in &self.flows {
            let filter = RunFilter { flow: Some(flow.id.clone()), limit: 1_000_000, ..RunFilter::default() };
            let runs = self.store.runs(filter).await.expect("the simulated disk reads");
            if let Some(run) = runs.iter().find(|run| run.state != RunState::Succeeded) {
                return Err(format!("the run of {} at {} ended {}", flow.id, run.version.stamp, run.state));
            }
            n_runs += runs.len();
            let judged = self.judge_flow(flow, &runs).await.map_err(|guilty| format!("{}: {guilty}", flow.id))?;
            kept.add(&judged);
        }
        kept.n_runs = n_runs;
        let n_written = self.service.written.lock().unwrap().len();
        if n_written != n_runs {
            return Err(format!("{n_runs} runs succeeded, and {n_written} wrote"));
        }
        Ok(kept)
    }

    async fn judge_flow(&self, flow: &Flow, runs: &[RunRow]) -> Result<Kept, String> {
        let Trigger::Schedule(schedule) = &flow.trigger else { return Err("it does not go by the clock".to_owned()) };
        let times = self.times(flow, schedule);
        let mut started: BTreeMap<Timestamp, Vec<&RunRow>> = BTreeMap::new();
        for run in runs {
            started.entry(run.version.stamp).or_default().push(run);
        }
        for (at, runs) in &started {
            if !times.contains(at) {
                return Err(format!("{at} is none of its times"));
            }
            let expected = if schedule.walk.is_some() { self.service.accepted() } else { [String::new()].into() };
            let records: BTreeSet<String> = runs.iter().map(|run| run.record.to_string()).collect();
            if runs.len() != expected.len() || records != expected {
                return Err(format!("{at} made {} runs, for {records:?}", runs.len()));
            }
            // A walk that began before the next time may have come to its first page much later.
            let next = times.iter().find(|later| *later > at).copied();
            let may_begin = |life: &Life| life.until >= *at && next.is_none_or(|next| life.from < next);
            if schedule.walk.is_some() && self.lives.iter().any(may_begin) {
                continue;
            }
            let stored_at = runs.iter().map(|run| run.created_at).min().unwrap_or(*at);
            let slack = if schedule.walk.is_some() { WALK } else { ON_TIME };
            let looked_at = stored_at - slack;
            if schedule.missed == Missed::Skip && looked_at > *at {
                return Err(format!("{at} was to be left out, and was started at {stored_at}"));
            }
            if let Some(later) = times.iter().find(|later| *later > at && **later < looked_at) {
                return Err(format!("{at} was made up for at {stored_at}, although {later} had passed as well"));
            }
        }
        let mut n_missed = 0;
        for at in times.iter().filter(|at| !started.contains_key(at)) {
            self.was_rightly_missed(*at, schedule, &times, &started)?;
            n_missed += 1;
        }
        let tally = self.store.schedule(&flow.id).await.expect("the simulated disk reads").expect("it has times").tally;
        let (n_records, n_walks) = (self.service.n_records as u64, started.len() as u64);
        let counted = (tally.started, tally.records, tally.filtered);
        let expected = match schedule.walk {
            Some(_) => (0, n_walks * n_records, n_walks * (n_records - self.service.accepted().len() as u64)),
            None => (runs.len() as u64, 0, 0),
        };
        if counted != expected {
            return Err(format!("counted {counted:?}, and there were {expected:?}"));
        }
        Ok(Kept { n_started: started.len(), n_missed, ..Kept::default() })
    }

    /// Every time from the first start to the last moment.
    fn times(&self, flow: &Flow, schedule: &Schedule) -> BTreeSet<Timestamp> {
        let end = self.lives.last().expect("there was a life").until;
        let mut times = BTreeSet::new();
        let mut at = self.clock.base;
        while let Some(next) = schedule.times.next_after(at, &flow.timezone).filter(|next| *next + TIMER < end) {
            times.insert(next);
            at = next;
        }
        times
    }

    /// A time without a start needs a reason: no engine lived then, and when the next one did, a later time had passed
    /// or it was to be left out.
    fn was_rightly_missed(
        &self,
        at: Timestamp,
        schedule: &Schedule,
        times: &BTreeSet<Timestamp>,
        started: &BTreeMap<Timestamp, Vec<&RunRow>>,
    ) -> Result<(), String> {
        let needed = if schedule.walk.is_some() { WALK } else { TIMER };
        // The last life drains: it may be shorter than what it did would otherwise need.
        let is_enough = |life: &&Life| {
            let is_last = self.lives.last().is_some_and(|last| last.from == life.from);
            life.until >= at && (is_last || life.covers(life.from.max(at), life.from.max(at) + needed))
        };
        let Some(life) = self.lives.iter().find(is_enough) else { return Ok(()) };
        // A walk that was found under way is brought to its end before the next time is looked at.
        let looked_at = if schedule.walk.is_some() { life.from.max(at) + WALK } else { life.from.max(at) };
        let later: Vec<Timestamp> = times.range(at + TIMER..=looked_at.max(at + TIMER)).copied().collect();
        if later.iter().any(|later| started.contains_key(later)) {
            return Ok(());
        }
        let last = later.last().copied().unwrap_or(at);
        let is_late = life.from.since(last) + TIMER > ON_TIME - Duration::from_secs(2);
        match schedule.missed {
            Missed::Skip if is_late => Ok(()),
            Missed::Skip | Missed::RunOnce => {
                Err(format!("{at} has no start, although an engine lived from {} to {}", life.from, life.until))
            }
        }
    }
}

fn document((name, trigger): (&str, &str)) -> String {
    format!(
        r#"
flow: {name}
timezone: Europe/Berlin
connections: {{crm: hubspot, copy: hubspot}}
trigger: {trigger}
steps:
  - upsert: copy.notes
    match: key
    set: {{key: "${{ run.id }}"}}
"#
    )
}

/// A source of some records, and a target that remembers what was written.
struct Service {
    n_records: usize,
    page_size: usize,
    failing: f64,
    rng: Mutex<SmallRng>,
    written: Mutex<BTreeSet<String>>,
}

impl Service {
    /// The records that the walks' `where` lets through.
    fn accepted(&self) -> BTreeSet<String> {
        self.records().into_iter().filter(has_email).map(|record| record.id.to_string()).collect()
    }

    fn records(&self) -> Vec<Record> {
        let email =
            |id: usize| if id % 3 == 2 { Value::Null } else { Value::from(format!("{id}@example.com").as_str()) };
        let record = |id: usize| Record {
            id: RecordId::new(id.to_string()),
            created: None,
            modified: Timestamp::EPOCH,
            fields: [("email".to_owned(), email(id))].into(),
        };
        (1..=self.n_records).map(record).collect()
    }

    /// Takes a moment, and fails now and then.
    async fn answer(&self) -> Result<(), Error> {
        let (latency, fails) = {
            let mut rng = self.rng.lock().unwrap();
            (rng.random_range(5..400), rng.random_bool(self.failing))
        };
        tokio::time::sleep(Duration::from_millis(latency)).await;
        if fails { Err(Error::new(Class::Transient, "as drawn")) } else { Ok(()) }
    }
}

fn has_email(record: &Record) -> bool {
    record.fields.get("email").is_some_and(|email| !email.is_null())
}

#[async_trait]
impl Connection for Service {
    async fn check(&self) -> Result<Account, Error> {
        unreachable!("an engine is given connections that were checked")
    }

    async fn server_time(&self) -> Result<Timestamp, Error> {
        unreachable!("nothing polls")
    }

    fn objects(&self) -> Option<Vec<String>> {
        None
    }

    async fn discover(&self, _object: &str) -> Result<ObjectSchema, Error> {
        unreachable!("an engine is given flows that were checked")
    }

    fn is_loopback(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        self.page_size
    }

    async fn poll(&self, _request: &PollRequest) -> Result<PollPage, Error> {
        unreachable!("nothing polls")
    }

    async fn walk(&self, request: &WalkRequest) -> Result<PollPage, Error> {
        self.answer().await?;
        let after = request.after.as_ref().and_then(RecordId::as_number);
        let mut records = self.records();
        records.retain(|record| record.id.as_number() > after);
        records.truncate(request.limit);
        Ok(PollPage { records, server_time: None, order: IdOrder::Numbers })
    }

    async fn get(&self, _object: &str, _id: &RecordId, _fields: &[String]) -> Result<Option<Record>, Error> {
        unreachable!("nothing is looked up")
    }

    async fn find(&self, _find: &Find) -> Result<Vec<Record>, Error> {
        unreachable!("nothing is looked up")
    }

    fn repeat(&self, _write: &Write) -> Repeat {
        Repeat::Safe
    }

    async fn write(&self, write: &Write) -> Result<WriteOutcome, Error> {
        self.answer().await?;
        let key = write.fields.get("key").map(Value::to_text).unwrap_or_default();
        let created = self.written.lock().unwrap().insert(key);
        Ok(WriteOutcome::Written(Written { id: "1".into(), created, changed: created }))
    }
}
