//! A token that must not come back: a service echoes it in every way, and everything that the engine says, logs, stores
//! and answers is searched for it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use sandbox::hubspot::{AccessToken, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::project::{Project, Said, Sandbox};

/// With characters that percent-encoding and JSON write in other ways.
const CANARY: &str = r#"cnry-7f31/Zq+w9"kV\b9a4=c0ffeeE654Wv"#;

/// Copies contacts to the same service, where the test has it refused.
const FLOW: &str = "\
flow: people
connections: {crm: hubspot}
trigger: {poll: crm.contacts, on: new_or_updated, every: 1s, start: beginning}
steps:
  - create: crm.companies
    retry: {attempts: 2, initial: 1s, max: 1s}
    set:
      name: ${ record.id }
";

const CONNECTIONS: &str = "\
crm:
  connector: hubspot
  token: ${ env.HUBSPOT_TOKEN }
  base_url: ${ env.HUBSPOT_URL }
";

/// What the service refuses.
#[derive(Default)]
struct Mood {
    refuses_writes: AtomicBool,
    refuses_polls: AtomicBool,
    refuses_all: AtomicBool,
    /// Which of its refusals comes next.
    next: AtomicUsize,
}

/// The sandbox behind a door of ours, which lets requests through or refuses them.
struct Echo {
    url: String,
    mood: Arc<Mood>,
}

impl Echo {
    async fn before(sandbox: &Sandbox) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let upstream = sandbox.url().trim_start_matches("http://").to_owned();
        let mood = Arc::new(Mood::default());
        let shared = mood.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, upstream.clone(), shared.clone()));
            }
        });
        Self { url, mood }
    }
}

/// One request and its answer, after which the socket is closed.
async fn serve(mut socket: TcpStream, upstream: String, mood: Arc<Mood>) {
    let Some(request) = read_request(&mut socket).await else { return };
    let line = request.lines().next().unwrap_or_default().to_owned();
    let is_poll = line.contains("/search");
    let is_write = line.starts_with("POST") && line.contains("companies") && !is_poll;
    let is = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
    let is_refused =
        is(&mood.refuses_all) || (is(&mood.refuses_writes) && is_write) || (is(&mood.refuses_polls) && is_poll);
    let answer = if is_refused {
        refusal(mood.next.fetch_add(1, Ordering::SeqCst)).into_bytes()
    } else {
        let mut upstream = TcpStream::connect(upstream).await.expect("the sandbox is there");
        let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        upstream.write_all(request.as_bytes()).await.expect("it listens");
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).await.expect("it answers");
        answer
    };
    // A client may have turned away by now.
    let _ = socket.write_all(&answer).await;
    let _ = socket.shutdown().await;
}

async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => request.extend_from_slice(&buffer[..n]),
        }
    }
}

/// How many refusals there are.
const REFUSALS: usize = 9;

fn refusal(number: usize) -> String {
    let all = forms(CANARY).join(" and ");
    let json_text = |text: &str| serde_json::Value::from(text).to_string();
    let (first, second) = CANARY.split_at(CANARY.len() / 2);
    let spoken = json_text(&format!("no entry for {all}, nor for {first} with {second}"));
    let scope = json_text(CANARY);
    let html = format!("<html><h1>Sign in, {CANARY}</h1>{all}");
    let json = "application/json";
    let percent = percent_encoded(CANARY);
    let (status, kind, more, body) = match number % REFUSALS {
        0 => (
            400,
            json,
            String::new(),
            format!("{{\"message\":{spoken},\"category\":{scope},\"correlationId\":{scope}}}"),
        ),
        1 => (
            302,
            json,
            format!("Location: https://{}.evil.example/{percent}?t={percent}\r\n", "cnry-7f31-c0ffee-e654wv"),
            String::new(),
        ),
        2 => (500, "text/html", String::new(), html),
        3 => (200, "text/html", String::new(), html),
        4 => (429, json, "Retry-After: 1\r\n".to_owned(), format!("{{\"message\":{spoken},\"policyName\":{scope}}}")),
        5 => (
            400,
            json,
            String::new(),
            format!(
                "{{\"message\":{spoken},\"errors\":[{{\"message\":{spoken},\"code\":{scope},\"context\":{{\"propertyName\":[{scope}]}}}}]}}"
            ),
        ),
        6 => (500, CANARY, String::new(), String::new()),
        7 => (200, json, format!("Content-Encoding: {CANARY}\r\n"), spoken),
        _ => (
            403,
            json,
            String::new(),
            format!(
                "{{\"category\":\"MISSING_SCOPES\",\"message\":{spoken},\"errors\":[{{\"context\":{{\"requiredGranularScopes\":[{scope},{spoken}]}}}}]}}"
            ),
        ),
    };
    format!(
        "HTTP/1.1 {status} {CANARY}\r\nContent-Type: {kind}\r\nX-Echo: {CANARY}\r\nSet-Cookie: t={percent}\r\n\
         WWW-Authenticate: Bearer realm={scope}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The token as it may come back.
fn forms(token: &str) -> Vec<String> {
    let json = serde_json::Value::from(token).to_string();
    let json = json.trim_matches('"').to_owned();
    vec![
        token.to_owned(),
        percent_encoded(token),
        json.replace('/', "\\/"),
        json,
        base64(token.as_bytes()),
        base64(format!("u:{token}").as_bytes()),
        base64(format!("user:{token}").as_bytes()),
        base64(token.as_bytes()).replace('+', "-").replace('/', "_"),
    ]
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let digits = (0..4).map(|at| char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]));
        out.extend(digits.take(group.len() + 1));
    }
    out
}

/// Whatever would give the token away: every ten characters of it, in each form.
struct Needles(std::collections::HashSet<Vec<u8>>);

const NEEDLE: usize = 10;

impl Needles {
    fn new() -> Self {
        let forms = forms(CANARY);
        let pieces = forms
            .iter()
            .flat_map(|form| form.to_lowercase().into_bytes().windows(NEEDLE).map(<[u8]>::to_vec).collect::<Vec<_>>());
        Self(pieces.collect())
    }

    /// The first piece found in there, with what stands around it.
    fn find(&self, hay: &[u8]) -> Option<String> {
        let lower = hay.to_ascii_lowercase();
        let at = lower.windows(NEEDLE).position(|piece| self.0.contains(piece))?;
        let around = &hay[at.saturating_sub(200)..(at + 200).min(hay.len())];
        Some(String::from_utf8_lossy(around).into_owned())
    }

    #[track_caller]
    fn none_in(&self, place: &str, hay: impl AsRef<[u8]>) {
        let found = self.find(hay.as_ref());
        assert_eq!(found, None, "{place} gives the token away");
    }

    #[track_caller]
    fn none_said(&self, place: &str, said: &Said) {
        self.none_in(&format!("the answer of {place}"), &said.out);
        self.none_in(&format!("the complaint of {place}"), &said.err);
    }

    /// In no file of the folder, by name or by content. Gives how many files there are.
    fn none_within(&self, folder: &Path) -> usize {
        let mut n_files = 0;
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                n_files += self.none_within(&path);
            } else if let Ok(content) = std::fs::read(&path) {
                self.none_in(&path.to_string_lossy(), content);
                n_files += 1;
            }
        }
        n_files
    }
}

/// Runs it with every log line of every library.
fn run_noisily(project: &Project, arguments: &[&str]) -> Said {
    project.command(arguments).env("MILLRACE_LOG", "trace").output().expect("the binary starts").into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_a_service_echoes_is_found_nowhere() {
    let token = AccessToken { token: CANARY.to_owned(), scopes: None };
    let sandbox = Sandbox::with(Options { records: 9, tokens: vec![token], ..Sandbox::options() }).await;
    let echo = Echo::before(&sandbox).await;
    let project = Project::empty(&echo.url).with_token(CANARY);
    project.write("connections.yaml", CONNECTIONS);
    project.write("flows/people.yaml", FLOW);
    let needles = Needles::new();
    let mut everything = String::new();
    let mut look = |place: &str, said: Said| {
        needles.none_said(place, &said);
        let _ = write!(everything, "{}{}", said.out, said.err);
        said
    };

    // The token works, so what follows is about its echo.
    assert_eq!(look("connections test", run_noisily(&project, &["connections", "test"])).status, 0);
    look("check", run_noisily(&project, &["-vv", "check"])).ok();

    // Runs that fail, some for good and some until their next try.
    echo.mood.refuses_writes.store(true, Ordering::SeqCst);
    let mut engine = project.command(&["-vv", "up"]);
    let log = std::fs::File::create(project.path("engine.log")).expect("a log");
    let mut engine = engine
        .env("MILLRACE_LOG", "trace")
        .stdout(log.try_clone().expect("the log"))
        .stderr(log)
        .spawn()
        .expect("the binary starts");
    let n_failures = || project.run(&["failures", "list", "--all", "--format", "json"]);
    let enough = |said: Said| {
        serde_json::from_str::<serde_json::Value>(&said.out)
            .is_ok_and(|failures| failures.as_array().is_some_and(|failures| failures.len() >= 4))
    };
    assert!(
        (0..2_000).any(|_| enough(n_failures())),
        "runs fail: {}",
        std::fs::read_to_string(project.path("engine.log")).unwrap_or_default()
    );
    look("status", run_noisily(&project, &["status"])).ok();
    for request in ["\"status\"", "{\"do\":\"nonsense\"}", "nonsense"] {
        needles.none_in("the control socket", asked(&project, request));
    }
    let pid = rustix::process::Pid::from_child(&engine);
    rustix::process::kill_process(pid, Signal::INT).expect("it is still there");
    assert!(engine.wait().expect("it ends").code().is_some(), "the engine comes to its end");

    // What is told of them.
    let listed = project.run(&["runs", "list", "--format", "json"]).json();
    for run in listed.as_array().expect("runs") {
        let id = run["id"].as_str().expect("an id");
        for arguments in [
            &["runs", "show", id][..],
            &["runs", "show", id, "--log", "debug", "--format", "json"],
            &["failures", "show", id],
            &["failures", "show", id, "--format", "json"],
        ] {
            look(&arguments.join(" "), run_noisily(&project, arguments));
        }
    }
    for arguments in [
        &["runs", "list"][..],
        &["runs", "list", "--format", "jsonl"],
        &["failures", "list"],
        &["failures", "list", "--format", "json"],
        &["status"],
        &["status", "--format", "json"],
        &["cursor", "show", "people"],
        &["connections", "list"],
        &["connections", "list", "--format", "json"],
        &["connectors", "describe", "hubspot"],
    ] {
        look(&arguments.join(" "), run_noisily(&project, arguments));
    }

    // Polls, discoveries and tests that fail, in each way.
    for number in 0..REFUSALS {
        for mood in [&echo.mood.refuses_polls, &echo.mood.refuses_all] {
            mood.store(true, Ordering::SeqCst);
            for arguments in [&["-vv", "run", "people", "--once"][..], &["connections", "test"]] {
                echo.mood.next.store(number, Ordering::SeqCst);
                look(&format!("{}, refused in way {number}", arguments.join(" ")), run_noisily(&project, arguments));
            }
            mood.store(false, Ordering::SeqCst);
        }
        look("status", run_noisily(&project, &["status"]));
    }

    // A panic of somebody who holds the request.
    let panicked = project
        .command(&["-vv", "run", "people", "--once"])
        .env("MILLRACE_PLANT", "a panic that tells of its request")
        .env("MILLRACE_LOG", "trace")
        .output();
    let panicked = look("a panic", panicked.expect("the binary starts").into());
    if cfg!(feature = "faults") {
        assert!(panicked.err.contains("mistake of its own") && panicked.err.contains("no answer to"), "{panicked:?}");
    }

    assert!(needles.none_within(&project.path("")) > 3, "the database, its journal and the engine's log were searched");
    // What was searched is what the service said, with the token taken out.
    for trace in ["no entry", "Sign in", "status 500", "redirect to", "packed as `***`", "lacks", "***"] {
        let log = std::fs::read_to_string(project.path("engine.log")).expect("a log");
        assert!(everything.contains(trace) || log.contains(trace), "`{trace}` was said nowhere: {everything}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_of_the_environment_are_not_asked() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    proxy.set_nonblocking(true).expect("a socket");
    let address = format!("http://{}", proxy.local_addr().expect("bound"));
    let mut command = project.command(&["run", "people", "--once"]);
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env(variable, &address);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    Said::from(command.output().expect("the binary starts")).ok();
    let asked = proxy.accept().map(|(_, caller)| caller).map_err(|error| error.kind());
    assert_eq!(asked, Err(std::io::ErrorKind::WouldBlock), "nobody came");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_leaves_no_core_dump() {
    let sandbox = Sandbox::with_records(0).await;
    let project = Project::new(&sandbox.url());
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", engine.pid())).expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
}

#[test]
fn the_search_would_find_it() {
    let needles = Needles::new();
    for form in forms(CANARY) {
        assert!(needles.find(format!("some {form} text").as_bytes()).is_some(), "{form}");
        assert!(needles.find(form.to_uppercase().as_bytes()).is_some(), "{form}");
    }
    let (first, second) = CANARY.split_at(CANARY.len() / 2);
    assert!(needles.find(first.as_bytes()).is_some() && needles.find(second.as_bytes()).is_some());
    assert!(needles.find(b"nothing of it").is_none());
    assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw");
}

/// What a running engine answers at its socket.
fn asked(project: &Project, request: &str) -> String {
    let mut socket = UnixStream::connect(project.path(".millrace/control.sock")).expect("the engine listens");
    socket.write_all(format!("{request}\n").as_bytes()).expect("it reads");
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer).expect("it answers");
    assert!(answer.starts_with('{'), "{answer}");
    answer
}
