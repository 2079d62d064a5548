//! A walk that calls a flow, and a poll, both into PostgreSQL: killed at every point that belongs to them, and at
//! random.
//!
//! No unique index keeps a customer or a visit from being there twice; nothing but the engine does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sandbox::hubspot::{DEFAULT_TOKEN, HubSpot, Server};
use sdk::{Clock as _, FlowId, SystemClock};
use store::{RunFilter, RunRow, RunState, Store};

use crate::assert_killed;
use crate::database::Database;
use crate::engine::{Kill, live, millrace};
use crate::site::{account, lock, value};

/// Points at which the engine kills itself, each with how often it may be passed before. Every one must be reached.
const POINTS: &[(&str, u32)] = &[
    ("start_schedule.applied", 1),
    ("times.fire.before", 1),
    ("times.fire.after", 1),
    ("fire.applied", 1),
    ("walk.page.before", 1),
    ("walk.page.after", 1),
    ("walk_page.applied", 1),
    ("call.applied", 20),
    ("call.stored", 20),
    ("wait.applied", 20),
    ("postgres.write.committed", 80),
    ("effect.sent", 80),
    ("effect.answered", 80),
    ("effect.settled", 80),
    ("finish.applied", 20),
    ("poll.checkpoint.before", 2),
    ("poll.checkpoint.after", 2),
];

/// Kills at random times in a usual run; `tests/run --all` makes five times as many of both kinds.
const RANDOM_KILLS: usize = 5;

const CONNECTIONS: &str = "\
crm: {connector: hubspot, token: '${ env.TOKEN }', base_url: '${ env.CRM_URL }', tier: unlimited}
pg: {connector: postgres, url: '${ env.PG_URL }'}
";

const TABLES: &str = "\
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, city text);
CREATE TABLE companies (hubspot_id text PRIMARY KEY, name text);
CREATE TABLE visits (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, caller text, company text);
";

const WALK: &str = "\
flow: visit-companies
connections: {crm: hubspot}
trigger: {every: 1s, each: crm.companies}
steps:
  - run: keep-company
    with: {id: '${ record.id }', name: '${ record.name }', caller: '${ run.id }'}
    as: kept
  - stop: {return: '${ kept }'}
";

const CALLED: &str = "\
flow: keep-company
connections: {pg: postgres}
trigger: {manual: {inputs: {id: {type: text, required: true}, name: {type: text}, caller: {type: text, required: true}}}}
steps:
  - upsert: pg.companies
    match: hubspot_id
    set: {hubspot_id: '${ inputs.id }', name: '${ inputs.name ?? \"\" }'}
  - create: pg.visits
    set: {caller: '${ inputs.caller }', company: '${ inputs.id }'}
    as: visit
  - stop: {return: '${ visit.id }'}
";

const POLL: &str = "\
flow: contacts-to-pg
connections: {crm: hubspot, pg: postgres}
trigger: {poll: crm.contacts, on: new_or_updated, every: 500ms, start: beginning, where: record.email != ()}
steps:
  - upsert: pg.customers
    match: email
    set: {email: '${ record.email }', city: '${ record.city }'}
";

/// A place to be killed in.
struct Site {
    folder: tempfile::TempDir,
    crm: Arc<Mutex<HubSpot>>,
    database: Database,
    environment: Vec<(String, String)>,
    _server: Server,
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_walks_and_calls_postgres_has_everything_once() {
    let rounds = if std::env::var("MILLRACE_TESTS").as_deref() == Ok("all") { 5 } else { 1 };
    let mut rng = SmallRng::seed_from_u64(20_261_121);
    let site = Site::open().await;
    for round in 0..rounds {
        for (point, most) in POINTS {
            // Times are kept from the first life on.
            if round == 0 || *point != "start_schedule.applied" {
                site.live(&Kill::AtPoint { name: point, visit: rng.random_range(1..=*most) }, None).await;
            }
        }
        for _ in 0..RANDOM_KILLS {
            site.live(&Kill::After(Duration::from_millis(rng.random_range(300..1_500))), None).await;
        }
    }
    site.drain(&["contacts-to-pg", "visit-companies"]).await;
    println!("{}", site.compare().await.unwrap_or_else(|difference| panic!("{difference}")));
}

/// The check above must be able to fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_visit_noted_after_it_was_sent_is_found_out() {
    let site = Site::open().await;
    // Visits alone: an upsert that is made twice does no harm.
    std::fs::remove_file(site.folder.path().join("flows/poll.yaml")).expect("remove the poll");
    let (head, rest) = CALLED.split_once("  - upsert").expect("the flow upserts");
    let (_, create) = rest.split_once("  - create").expect("then it creates");
    let visits_alone = format!("{head}  - create{create}");
    std::fs::write(site.folder.path().join("flows/called.yaml"), visits_alone).expect("a file");
    for visit in [3, 9] {
        site.live(&Kill::AtPoint { name: "effect.answered", visit }, Some("intent after send")).await;
    }
    site.drain(&["visit-companies"]).await;
    let difference = site.compare().await.expect_err("the planted bug was not found");
    println!("found: {difference}");
    assert!(difference.contains("times"), "{difference}");
}

impl Site {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).expect("a file");
        std::fs::create_dir(folder.path().join("flows")).expect("a folder");
        write("connections.yaml", CONNECTIONS);
        for (name, flow) in [("walk", WALK), ("called", CALLED), ("poll", POLL)] {
            write(&format!("flows/{name}.yaml"), flow);
        }
        let (crm, server) = account(3, 100).await;
        let database = Database::with(TABLES).await;
        let environment = vec![
            ("TOKEN".to_owned(), DEFAULT_TOKEN.to_owned()),
            ("CRM_URL".to_owned(), server.url()),
            ("PG_URL".to_owned(), database.url()),
        ];
        Self { folder, crm, database, environment, _server: server }
    }

    /// One life of the engine while records go on appearing and changing, to its violent end.
    async fn live(&self, kill: &Kill, plant: Option<&str>) {
        let mut up = millrace(self.folder.path(), &self.environment);
        if let Some(plant) = plant {
            up.env("MILLRACE_PLANT", plant);
        }
        let crm = self.crm.clone();
        let life = tokio::spawn(async move {
            loop {
                lock(&crm).churn(1, SystemClock.now());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let death = live(up, kill).await;
        life.abort();
        assert_killed(kill, &death);
    }

    /// Lets the engine come to the end of everything, and walk once more.
    async fn drain(&self, flows: &[&str]) {
        lock(&self.crm).index_everything();
        for flow in flows {
            let mut run = millrace(self.folder.path(), &self.environment);
            let output = run.args(["run", flow, "--once"]).output().await.expect("the binary was built");
            // A run that ended `unknown` is a failure to be shown, not a reason to stop.
            assert!(output.status.code().is_some_and(|code| code == 0 || code == 5), "{flow}: {output:?}");
        }
    }

    /// Compares what is in the database with what should be, and says what was compared.
    async fn compare(&self) -> Result<String, String> {
        let visits = self.walks_and_visits().await?;
        let mut customers = BTreeMap::<String, Vec<String>>::new();
        for row in self.database.rows("SELECT email, coalesce(city, '') FROM customers").await {
            let (email, city) = row.split_once('|').expect("two columns");
            customers.entry(email.to_owned()).or_default().push(city.to_owned());
        }
        let companies: BTreeSet<String> =
            self.database.rows("SELECT hubspot_id, coalesce(name, '') FROM companies").await.into_iter().collect();
        let crm = lock(&self.crm);
        let mut n_contacts = 0;
        for record in crm.records("contacts").expect("contacts exist") {
            let email = value(&record.values, "email");
            if email.is_empty() {
                continue;
            }
            n_contacts += 1;
            let city = value(&record.values, "city");
            match customers.get(&email).map_or(&[][..], Vec::as_slice) {
                [one] if *one == city => {}
                [one] => return Err(format!("contact {} lives in {city}, and `{one}` is kept", record.id)),
                many => return Err(format!("contact {} ({email}) is there {} times", record.id, many.len())),
            }
        }
        if n_contacts != customers.len() {
            return Err(format!("{} customers are nobody's contacts", customers.len() - n_contacts));
        }
        let mut n_companies = 0;
        for record in crm.records("companies").expect("companies exist") {
            n_companies += 1;
            if !companies.contains(&format!("{}|{}", record.id, value(&record.values, "name"))) {
                return Err(format!("company {} is missing, or is kept under another name", record.id));
            }
        }
        if n_companies != companies.len() {
            return Err(format!("{} companies are kept, of {n_companies}", companies.len()));
        }
        Ok(format!("{n_contacts} contacts and {n_companies} companies once each; {visits}"))
    }

    /// Each run of the walk made one visit, and there are no others.
    async fn walks_and_visits(&self) -> Result<String, String> {
        let callers = self.runs("visit-companies").await;
        let unknown: BTreeSet<String> =
            callers.iter().filter(|run| run.state == RunState::Unknown).map(|run| run.id.to_string()).collect();
        let mut visits = BTreeMap::<String, usize>::new();
        for caller in self.database.rows("SELECT caller FROM visits").await {
            *visits.entry(caller).or_default() += 1;
        }
        if let Some((caller, n)) = visits.iter().find(|(_, n)| **n > 1) {
            return Err(format!("run {caller} visited {n} times"));
        }
        for run in &callers {
            let id = run.id.to_string();
            match (run.state, visits.remove(&id)) {
                (RunState::Succeeded, Some(_)) | (RunState::Unknown, _) => {}
                (state, visit) => return Err(format!("run {id} is {state:?} and its visits are {visit:?}: {run:?}")),
            }
        }
        if !visits.is_empty() {
            return Err(format!("visits of no run: {visits:?}"));
        }
        let walks: BTreeSet<_> = callers.iter().map(|run| run.version.stamp).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = callers.iter().find(|run| !seen.insert((run.version.stamp, run.record.clone()))) {
            return Err(format!("company {} was met two times in the walk of {}", twice.record, twice.version.stamp));
        }
        let n_called = self.runs("keep-company").await.len();
        if n_called != callers.len() {
            return Err(format!("{} runs called {n_called} runs", callers.len()));
        }
        Ok(format!(
            "{} walks, {} visits by {} calls, {} of them unknown",
            walks.len(),
            callers.len(),
            n_called,
            unknown.len()
        ))
    }

    async fn runs(&self, flow: &str) -> Vec<RunRow> {
        let store = Store::open_read_only(&self.folder.path().join(".millrace")).expect("a store that survived");
        let filter = RunFilter { flow: Some(FlowId::from(flow)), limit: 1_000_000, ..RunFilter::default() };
        store.runs(filter).await.expect("the store reads")
    }
}
