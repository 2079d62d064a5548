//! A project in a folder of its own, a served sandbox, and the binary.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value;
use sandbox::hubspot::{DEFAULT_TOKEN, HubSpot, Options, ServeOptions, Server, Tier, serve};
use sdk::{Method, Request};
use tokio::net::TcpListener;

pub const CONNECTIONS: &str = "\
crm:
  connector: hubspot
  token: ${ env.HUBSPOT_TOKEN }
  base_url: ${ env.HUBSPOT_URL }
warehouse:
  connector: sqlite
  path: warehouse.db
  init: warehouse.sql
";

pub const TABLES: &str = "CREATE TABLE IF NOT EXISTS people (hubspot_id TEXT PRIMARY KEY, email TEXT, name TEXT);\n";

/// A flow that copies contacts who have an address.
pub const PEOPLE: &str = "\
flow: people
connections: {crm: hubspot, warehouse: sqlite}
trigger: {poll: crm.contacts, on: new_or_updated, every: 1s, start: beginning}
when: record.email != ()
steps:
  - upsert: warehouse.people
    match: hubspot_id
    set:
      hubspot_id: ${ record.id }
      email: ${ record.email.to_lower() }
      name: ${ join_words(record.firstname, record.lastname) }
";

/// A project and the environment in which commands are called.
pub struct Project {
    dir: tempfile::TempDir,
    url: String,
    token: String,
    variables: Vec<(String, String)>,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Project {
    /// A project with the usual connections and the flow `people`, for this sandbox.
    pub fn new(url: &str) -> Self {
        let project = Self::empty(url);
        project.write("connections.yaml", CONNECTIONS);
        project.write("warehouse.sql", TABLES);
        project.write("flows/people.yaml", PEOPLE);
        project
    }

    /// An empty folder.
    pub fn empty(url: &str) -> Self {
        let token = DEFAULT_TOKEN.to_owned();
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self { dir, url: url.to_owned(), token, variables: Vec::new() }
    }

    /// The same project with another token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = token.to_owned();
        self
    }

    /// The same project with one more variable in its environment.
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("create the folder");
        fs::write(path, content).expect("write the file");
    }

    /// The command, in the project's folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.at_home(Command::new(env!("CARGO_BIN_EXE_millrace")), arguments)
    }

    /// Runs a command to its end, after a shell has limited what it may do.
    pub fn run_limited(&self, limits: &str, arguments: &[&str]) -> Said {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_millrace")]);
        self.at_home(shell, arguments).output().expect("the shell starts").into()
    }

    fn at_home(&self, mut command: Command, arguments: &[&str]) -> Command {
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("HUBSPOT_TOKEN", &self.token)
            .env("HUBSPOT_URL", &self.url)
            .env("TMPDIR", self.dir.path())
            .envs(self.variables.iter().cloned())
            .env_remove("MILLRACE_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().expect("the binary starts").into()
    }

    /// Starts a command that goes on until it is told to stop.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut child =
            self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let out = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let err = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
        Running { child, out, err, said: String::new() }
    }

    /// One number from the warehouse.
    pub fn count(&self, query: &str) -> i64 {
        self.warehouse().query_row(query, [], |row| row.get(0)).expect("ask the warehouse")
    }

    /// Every row of a query to the warehouse, its values joined by `|`; an empty one is `-`.
    pub fn rows(&self, query: &str) -> Vec<String> {
        let warehouse = self.warehouse();
        let mut query = warehouse.prepare(query).expect("a query");
        let n_columns = query.column_count();
        let values = |row: &rusqlite::Row<'_>| {
            let value = |at| match row.get(at)? {
                Value::Null => Ok("-".to_owned()),
                Value::Integer(number) => Ok(number.to_string()),
                Value::Real(number) => Ok(number.to_string()),
                Value::Text(text) => Ok(text),
                Value::Blob(bytes) => Ok(format!("{bytes:?}")),
            };
            Ok((0..n_columns).map(value).collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
        };
        query.query_map([], values).expect("ask the warehouse").map(|row| row.expect("a row")).collect()
    }

    fn warehouse(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("warehouse.db")).expect("open the warehouse")
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("answers are UTF-8"),
            err: String::from_utf8(output.stderr).expect("complaints are UTF-8"),
        }
    }
}

impl Said {
    /// Succeeded; gives its answer.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, 0, "{self:#?}");
        self.out
    }

    /// Failed with this status and named all of this on standard error; nothing panicked.
    #[track_caller]
    pub fn refused(self, status: i32, parts: &[&str]) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is not said: {self:#?}");
        }
        assert!(!self.err.contains("panicked") && !self.err.contains("mistake of its own"), "{self:#?}");
        self
    }

    /// The answer as JSON.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("the answer is JSON")
    }
}

/// A command at work. Dropping it kills it.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    /// Waits until a line of its answer contains this, and gives the line.
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) -> String {
        let line = line_with(&mut self.out, part, &mut self.said);
        assert!(line.is_some(), "it ended before it said `{part}`: {}{}", self.said, rest(&mut self.err));
        line.unwrap_or_default()
    }

    /// Waits until a line on standard error contains this, and gives the line.
    #[track_caller]
    pub fn wait_for_complaint(&mut self, part: &str) -> String {
        let line = line_with(&mut self.err, part, &mut self.said);
        assert!(line.is_some(), "it ended before it complained of `{part}`: {}", self.said);
        line.unwrap_or_default()
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop as Ctrl-C or a supervisor would.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("it is still there");
    }

    /// Waits until it has ended by itself.
    pub fn end(&mut self) {
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self, signal: rustix::process::Signal) -> Said {
        self.signal(signal);
        let mut out = self.said.clone();
        out.push_str(&rest(&mut self.out));
        let err = rest(&mut self.err);
        let status = self.child.wait().expect("it ends").code().unwrap_or(-1);
        Said { status, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line_with(from: &mut impl BufRead, part: &str, said: &mut String) -> Option<String> {
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).expect("what it says is UTF-8") == 0 {
            return None;
        }
        said.push_str(&line);
        if line.contains(part) {
            return Some(line);
        }
    }
}

fn rest(from: &mut impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).expect("what it says is UTF-8");
    text
}

/// A served account.
pub struct Sandbox {
    pub hubspot: Arc<Mutex<HubSpot>>,
    pub server: Server,
}

impl Sandbox {
    /// An account of this many contacts, without limits and without lag.
    pub async fn with_records(records: usize) -> Self {
        Self::with(Options { records, ..Self::options() }).await
    }

    /// An account by these options.
    pub async fn with(options: Options) -> Self {
        let hubspot = Arc::new(Mutex::new(HubSpot::new(options)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let clock = Arc::new(sdk::SystemClock);
        let server = serve(hubspot.clone(), listener, clock, ServeOptions::default()).expect("serve");
        Self { hubspot, server }
    }

    /// The options that these tests begin with.
    pub fn options() -> Options {
        use sdk::Clock as _;
        Options {
            records: 40,
            lag: std::time::Duration::ZERO,
            tier: Tier::Unlimited,
            started_at: sdk::SystemClock.now(),
            ..Options::default()
        }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What the account answers to a request of ours, past Millrace.
    pub fn ask(&self, method: Method, path: &str, body: &str) -> serde_json::Value {
        let request = Request {
            method,
            url: format!("http://127.0.0.1{path}"),
            headers: vec![("authorization".to_owned(), format!("Bearer {DEFAULT_TOKEN}"))],
            body: body.as_bytes().to_vec(),
            deadline: std::time::Duration::from_secs(10),
        };
        let answer = self.change(|hubspot| hubspot.handle(&request, sdk::Clock::now(&sdk::SystemClock)));
        serde_json::from_slice(&answer.body).expect("the answer is JSON")
    }

    /// Does something to the account itself.
    pub fn change<T>(&self, change: impl FnOnce(&mut HubSpot) -> T) -> T {
        change(&mut self.hubspot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A project for tests that need no service.
pub fn offline() -> Project {
    Project::new("http://127.0.0.1:1")
}

pub fn exists(path: &Path) -> bool {
    path.try_exists().expect("look for the file")
}
