//! Two sandboxes, a database and a project between them; and the comparison of what should be with what is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sandbox::hubspot::{DEFAULT_TOKEN, HubSpot, Options, ServeOptions, Server, Tier, serve};
use sdk::{Clock, FlowId, SystemClock};
use store::{EffectState, RunFilter, RunRow, RunState, Store};
use tokio::net::TcpListener;

use crate::assert_killed;
use crate::engine::{Kill, live, millrace};

const CONNECTIONS: &str = "\
crm:
  connector: hubspot
  token: ${ env.TOKEN }
  tier: unlimited
  base_url: ${ env.CRM_URL }
copy:
  connector: hubspot
  token: ${ env.TOKEN }
  tier: unlimited
  base_url: ${ env.COPY_URL }
warehouse:
  connector: sqlite
  path: warehouse.db
  init: warehouse.sql
";

// No unique index: nothing but the engine keeps a customer from being there twice.
const WAREHOUSE: &str = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, firstname TEXT, lastname TEXT);";

const FLOWS: [(&str, &str); 3] = [
    (
        "contacts-to-warehouse",
        "\
flow: contacts-to-warehouse
connections: {crm: hubspot, warehouse: sqlite}
trigger:
  poll: crm.contacts
  on: new_or_updated
  every: 500ms
  start: beginning
  where: record.email != ()
steps:
  - upsert: warehouse.customers
    match: email
    set: {email: \"${ record.email }\", firstname: \"${ record.firstname }\", lastname: \"${ record.lastname }\"}
",
    ),
    (
        "contacts-to-copy",
        "\
flow: contacts-to-copy
connections: {crm: hubspot, copy: hubspot}
trigger:
  poll: crm.contacts
  on: new_or_updated
  every: 500ms
  start: beginning
  where: record.email != ()
steps:
  - upsert: copy.contacts
    match: email
    set: {email: \"${ record.email }\", firstname: \"${ record.firstname }\", lastname: \"${ record.lastname }\"}
",
    ),
    (
        "companies-to-copy",
        "\
flow: companies-to-copy
connections: {crm: hubspot, copy: hubspot}
trigger:
  poll: crm.companies
  on: new
  every: 500ms
  start: beginning
steps:
  - create: copy.companies
    set: {name: \"${ record.name ?? \\\"unnamed\\\" }\", description: \"${ record.id }\"}
",
    ),
];

/// What the ledger said of the writes under way when the engine died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnderWay {
    Sent,
    Planned,
    Nothing,
}

impl fmt::Display for UnderWay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Sent => "sent",
            Self::Planned => "planned, none sent",
            Self::Nothing => "none",
        })
    }
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared {
    n_contacts: usize,
    n_companies: usize,
    n_unknown: usize,
}

impl fmt::Display for Compared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_contacts, n_companies, n_unknown } = self;
        write!(
            out,
            "{n_contacts} contacts in both targets, once each; {n_companies} companies created once, {n_unknown} runs left unknown"
        )
    }
}

/// A place to be killed in.
pub struct Site {
    folder: tempfile::TempDir,
    crm: Arc<Mutex<HubSpot>>,
    copy: Arc<Mutex<HubSpot>>,
    environment: Vec<(String, String)>,
    _servers: [Server; 2],
}

impl Site {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).expect("a file");
        std::fs::create_dir(folder.path().join("flows")).expect("a folder");
        write("connections.yaml", CONNECTIONS);
        write("warehouse.sql", WAREHOUSE);
        for (name, text) in FLOWS {
            write(&format!("flows/{name}.yaml"), text);
        }
        let (crm, crm_server) = account(1, 200).await;
        let (copy, copy_server) = account(2, 0).await;
        let environment = vec![
            ("TOKEN".to_owned(), DEFAULT_TOKEN.to_owned()),
            ("CRM_URL".to_owned(), crm_server.url()),
            ("COPY_URL".to_owned(), copy_server.url()),
        ];
        Self { folder, crm, copy, environment, _servers: [crm_server, copy_server] }
    }

    /// One life of the engine while records go on appearing and changing, to its violent end.
    pub async fn live(&self, kill: &Kill, plant: Option<&str>) -> UnderWay {
        let mut up = millrace(self.folder.path(), &self.environment);
        if let Some(plant) = plant {
            up.env("MILLRACE_PLANT", plant);
        }
        let crm = self.crm.clone();
        let life = tokio::spawn(async move {
            loop {
                lock(&crm).churn(15, SystemClock.now());
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        });
        let death = live(up, kill).await;
        life.abort();
        assert_killed(kill, &death);
        self.under_way().await
    }

    /// Lets the engine come to the end of everything, flow by flow.
    pub async fn drain(&self) {
        // Nothing changes any more, so search need not be late any more.
        lock(&self.crm).index_everything();
        for (flow, _) in FLOWS {
            let mut run = millrace(self.folder.path(), &self.environment);
            let output = run.args(["run", flow, "--once"]).output().await.expect("the binary was built");
            // A run that ended `unknown` is a failure to be shown, not a reason to stop.
            assert!(output.status.code().is_some_and(|code| code == 0 || code == 5), "{flow}: {output:?}");
        }
    }

    /// Compares what is in the two targets with what should be.
    pub async fn compare(&self) -> Result<Compared, String> {
        for (flow, _) in FLOWS {
            if let Some((record, why)) = self.ended(flow, RunState::Failed).await.into_iter().next() {
                return Err(format!("the run of {flow} for {record} failed: {why}"));
            }
        }
        let unknown = self.ended("companies-to-copy", RunState::Unknown).await;
        let mut compared = Compared { n_unknown: unknown.len(), ..Compared::default() };
        let warehouse = customers(&self.folder.path().join("warehouse.db"));
        let (crm, copy) = (lock(&self.crm), lock(&self.copy));
        let mut copies = BTreeMap::<String, Vec<Customer>>::new();
        for record in copy.records("contacts").expect("contacts exist") {
            copies.entry(value(&record.values, "email").to_lowercase()).or_default().push(customer(&record.values));
        }
        for record in crm.records("contacts").expect("contacts exist") {
            let email = value(&record.values, "email");
            if email.is_empty() {
                continue;
            }
            compared.n_contacts += 1;
            let wanted = customer(&record.values);
            for (target, found) in [("warehouse", warehouse.get(&email)), ("copy", copies.get(&email.to_lowercase()))] {
                match found.map_or(&[][..], Vec::as_slice) {
                    [] => return Err(format!("{target}: contact {} ({email}) is missing", record.id)),
                    [one] if *one == wanted => {}
                    [one] => return Err(format!("{target}: contact {} is {one:?}, should be {wanted:?}", record.id)),
                    many => {
                        return Err(format!("{target}: contact {} ({email}) is there {} times", record.id, many.len()));
                    }
                }
            }
        }
        let mut created = BTreeMap::<String, usize>::new();
        for entry in copy.writes().iter().filter(|entry| entry.created) {
            let key = if entry.object == "contacts" { "email" } else { "description" };
            *created.entry(format!("{} {}", entry.object, value(&entry.values, key).to_lowercase())).or_default() += 1;
        }
        if let Some((what, n)) = created.iter().find(|(_, n)| **n > 1) {
            return Err(format!("copy: {what} was created {n} times"));
        }
        let companies: Vec<String> =
            crm.records("companies").expect("companies exist").map(|record| record.id).collect();
        if unknown.len() * 2 > companies.len() {
            return Err(format!(
                "{} of {} companies were left unknown: more than kills can explain",
                unknown.len(),
                companies.len()
            ));
        }
        if warehouse.values().map(Vec::len).sum::<usize>() != compared.n_contacts {
            return Err("the warehouse has customers that are nobody's contacts".to_owned());
        }
        for id in companies {
            match (created.get(&format!("companies {id}")), unknown.contains_key(&id)) {
                (Some(_), _) => compared.n_companies += 1,
                (None, true) => {}
                (None, false) => return Err(format!("copy: company {id} is missing, and no run says so")),
            }
        }
        Ok(compared)
    }

    async fn under_way(&self) -> UnderWay {
        let store = self.store();
        let any = async |state| !store.effects_in_state(state, 1).await.expect("the store reads").is_empty();
        if any(EffectState::Sent).await {
            UnderWay::Sent
        } else if any(EffectState::Planned).await {
            UnderWay::Planned
        } else {
            UnderWay::Nothing
        }
    }

    /// Records whose run ended so, with why.
    async fn ended(&self, flow: &str, state: RunState) -> BTreeMap<String, String> {
        let filter =
            RunFilter { flow: Some(FlowId::from(flow)), states: vec![state], limit: 1_000_000, ..RunFilter::default() };
        let rows = self.store().runs(filter).await.expect("the store reads");
        let why = |row: &RunRow| row.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
        rows.iter().map(|row| (row.record.to_string(), why(row))).collect()
    }

    fn store(&self) -> Store {
        Store::open_read_only(&self.folder.path().join(".millrace")).expect("a store that survived")
    }
}

type Customer = [String; 2];

pub async fn account(seed: u64, records: usize) -> (Arc<Mutex<HubSpot>>, Server) {
    let clock = SystemClock;
    let options = Options {
        seed,
        records,
        started_at: clock.now(),
        lag: Duration::from_millis(800),
        tier: Tier::Unlimited,
        ..Options::default()
    };
    let hubspot = Arc::new(Mutex::new(HubSpot::new(options)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = serve(hubspot.clone(), listener, Arc::new(clock), ServeOptions::default()).expect("a served account");
    (hubspot, server)
}

pub fn lock(hubspot: &Mutex<HubSpot>) -> std::sync::MutexGuard<'_, HubSpot> {
    hubspot.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn value(values: &BTreeMap<String, String>, name: &str) -> String {
    values.get(name).cloned().unwrap_or_default()
}

fn customer(values: &BTreeMap<String, String>) -> Customer {
    [value(values, "firstname"), value(values, "lastname")]
}

fn customers(path: &Path) -> BTreeMap<String, Vec<Customer>> {
    let database = rusqlite::Connection::open(PathBuf::from(path)).expect("the warehouse");
    let mut select = database
        .prepare("SELECT email, coalesce(firstname, ''), coalesce(lastname, '') FROM customers")
        .expect("the customers");
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, [row.get(1)?, row.get(2)?]))).expect("rows");
    let mut customers = BTreeMap::<String, Vec<Customer>>::new();
    for row in rows {
        let (email, customer) = row.expect("a row");
        customers.entry(email).or_default().push(customer);
    }
    customers
}
