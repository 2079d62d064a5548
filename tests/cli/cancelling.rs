//! A run that writes for every item of a long list is cancelled in the middle: by an engine at work, and by one that
//! dies before it has stopped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use rustix::process::Signal;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::project::{Project, Running, Sandbox};

const CONNECTIONS: &str = "crm:\n  connector: hubspot\n  token: ${ env.HUBSPOT_TOKEN }\n  base_url: ${ env.HUBSPOT_URL }\n  tier: unlimited\n";

/// Makes a company of each name.
const FILL: &str = "\
flow: fill
connections: {crm: hubspot}
trigger: {manual: {inputs: {names: {type: text, required: true}}}}
steps:
  - each: '${ inputs.names.split(\",\") }'
    limit: 2000
    steps:
      - create: crm.companies
        name: make
        set: {name: '${ item }'}
";

/// Waits, so that its runs are cancelled at once.
const LATER: &str = "flow: later\ntrigger: {manual: {}}\nsteps:\n  - wait: 1h\n";

/// So many names.
const NAMES: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_at_work_is_cancelled_and_writes_nothing_more() {
    let sandbox = Sandbox::with_records(0).await;
    let gate = Gate::before(&sandbox).await;
    let (project, mut engine, run) = filling(&gate, &sandbox, |project| project);

    // Its service does not answer any more, so it cannot stop; and the command says so, and what became of the others.
    project.run(&["run", "later"]).ok();
    let later = &project.run(&["runs", "list", "--flow", "later", "--format", "json"]).json()[0]["id"];
    let mut cancel = project.start(&["runs", "cancel", &run, later.as_str().expect("an id")]);
    cancel.wait_for_complaint("Asked 1 run at work to stop; what was sent comes to its end first.");
    let said = cancel.stop(Signal::INT);
    assert_eq!(said.status, 130, "{said:?}");
    assert!(said.err.contains("1 run is asked to stop all the same"), "{said:?}");
    assert!(said.out.contains("cancelled 1 run"), "{said:?}");
    let shown = project.run(&["runs", "show", &run]).ok();
    assert!(shown.contains("to stop before its next write: cancelled by an operator"), "{shown}");

    let mut cancel = project.start(&["runs", "cancel", &run]);
    cancel.wait_for_complaint("Asked 1 run");
    gate.open();
    cancel.wait_for("cancelled 1 run");
    let n_made = companies(&sandbox);

    let shown = project.run(&["runs", "show", &run, "--format", "json"]).json();
    assert_eq!((&shown["state"], &shown["reason"]), (&"cancelled".into(), &"cancelled by an operator".into()));
    assert_eq!(of_state(&shown, "done").len(), n_made, "each is known");
    assert_eq!(of_state(&shown, "sent").len() + of_state(&shown, "planned").len(), 0);
    let shown = project.run(&["runs", "show", &run]).ok();
    let last = format!("cancelled while at work, after {n_made} writes, the last of them in `make`");
    assert!(shown.replace(['\n', ' '], "").contains(&last.replace(' ', "")), "{shown}");
    project.run(&["runs", "cancel", &run]).refused(3, &["is cancelled, so it cannot be cancelled"]);

    let status = project.run(&["status", "--format", "json"]).json();
    let flow = &status["flows"][0];
    assert_eq!((&flow["runs"], &flow["open"], &flow["ended"]["cancelled"]), (&1.into(), &0.into(), &1.into()));
    engine.signal(Signal::TERM);
    engine.wait_for("Stopped");
    assert_eq!(companies(&sandbox), n_made);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_run_has_stopped_no_engine_takes_it_up_again() {
    let sandbox = Sandbox::with_records(0).await;
    let (project, run, n_made) = killed(&sandbox, None).await;
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let shown = project.run(&["runs", "show", &run, "--format", "json"]).json();
    // What was under way as it died may have arrived, for all that the engine knows.
    assert_eq!((&shown["state"], &shown["reason"]), (&"unknown".into(), &"cancelled by an operator".into()));
    assert!(!of_state(&shown, "unknown").is_empty());
    assert_eq!(of_state(&shown, "done").len(), n_made, "each is known");
    assert_eq!(of_state(&shown, "sent").len() + of_state(&shown, "planned").len(), 0);
    let said = engine.stop(Signal::TERM);
    assert!(said.status == 0 && said.err.contains("run ended unknown"), "whoever looks after it is told: {said:?}");
    assert_eq!(companies(&sandbox), n_made, "nothing was written after the start");
}

/// Nobody had been told of the write in doubt, and the same command put the doubt aside.
#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_run_has_stopped_the_command_itself_tells_how_it_ended() {
    let sandbox = Sandbox::with_records(0).await;
    let (project, run, _) = killed(&sandbox, None).await;
    project.run(&["runs", "cancel", &run]).refused(3, &["has stopped and is unknown", "look for the record"]);
    assert_eq!(project.run(&["runs", "show", &run, "--format", "json"]).json()["state"], "unknown");
    let said = project.run(&["runs", "cancel", &run]).ok();
    assert!(said.contains("cancelled 1 run"), "by now it was told: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_as_the_run_stops_it_has_stopped() {
    let sandbox = Sandbox::with_records(0).await;
    let gate = Gate::before(&sandbox).await;
    let (project, mut engine, run, mut cancel) = asked(&gate, &sandbox);
    gate.open();
    engine.end();
    let n_made = companies(&sandbox);
    assert_eq!(project.run(&["runs", "show", &run, "--format", "json"]).json()["state"], "running");

    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    // Whoever waits for it is told, whichever engine it was.
    cancel.wait_for("cancelled 1 run");
    let shown = project.run(&["runs", "show", &run, "--format", "json"]).json();
    assert_eq!((&shown["state"], of_state(&shown, "done").len()), (&"cancelled".into(), n_made));
    assert_eq!(shown["writes"].as_array().map(Vec::len), Some(n_made));
    assert_eq!(engine.stop(Signal::TERM).status, 0);
    assert_eq!(companies(&sandbox), n_made, "nothing was written after the start");
}

/// It was refused, as cancelled already: by this very command.
#[tokio::test(flavor = "multi_thread")]
async fn killed_as_the_run_stops_the_command_itself_cancels_it() {
    let sandbox = Sandbox::with_records(0).await;
    let gate = Gate::before(&sandbox).await;
    let (project, mut engine, run, cancel) = asked(&gate, &sandbox);
    cancel.stop(Signal::INT);
    gate.open();
    engine.end();
    let said = project.run(&["runs", "cancel", &run]).ok();
    assert!(said.contains("cancelled 1 run"), "{said}");
}

/// The checks above must be able to fail.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_forgets_the_wish_is_found_out() {
    let sandbox = Sandbox::with_records(0).await;
    let (project, _, n_made) = killed(&sandbox, Some("a wish to stop is forgotten by a restart")).await;
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    until(&project, || companies(&sandbox) > n_made);
}

/// A project at work that dies as its run stops; its engine, the run, and the command that has asked it to.
fn asked(gate: &Gate, sandbox: &Sandbox) -> (Project, Running, String, Running) {
    let dies = |project: Project| project.with_variable("MILLRACE_CRASH", "stop.applied:1");
    let (project, engine, run) = filling(gate, sandbox, dies);
    let mut cancel = project.start(&["runs", "cancel", &run]);
    cancel.wait_for_complaint("Asked 1 run");
    (project, engine, run, cancel)
}

/// A project whose engine died as it had kept that the run is to stop; the run, and how many companies there are.
async fn killed(sandbox: &Sandbox, plant: Option<&str>) -> (Project, String, usize) {
    let gate = Gate::before(sandbox).await;
    let (project, engine, run) = filling(&gate, sandbox, |project| {
        let project = project.with_variable("MILLRACE_CRASH", "repair.kept:1");
        match plant {
            Some(plant) => project.with_variable("MILLRACE_PLANT", plant),
            None => project,
        }
    });
    project.run(&["runs", "cancel", &run]).refused(3, &["the engine stopped before it answered"]);
    drop(engine);
    let shown = project.run(&["runs", "show", &run, "--format", "json"]).json();
    assert_eq!((&shown["state"], &shown["stop_reason"]), (&"running".into(), &"cancelled by an operator".into()));
    let n_made = companies(sandbox);
    // Nothing that the dead engine asked comes through any more; the next one has a way of its own.
    (project.with_variable("HUBSPOT_URL", &sandbox.url()), run, n_made)
}

/// A project behind this gate, its engine, and a run of it that is in the middle of its list, where the gate has
/// closed.
fn filling(gate: &Gate, sandbox: &Sandbox, adapt: impl FnOnce(Project) -> Project) -> (Project, Running, String) {
    let project = adapt(Project::empty(&gate.url));
    project.write("connections.yaml", CONNECTIONS);
    project.write("flows/fill.yaml", FILL);
    project.write("flows/later.yaml", LATER);
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let names: Vec<String> = (0..NAMES).map(|number| format!("n{number}")).collect();
    project.run(&["run", "fill", "--input", &format!("names={}", names.join(","))]).ok();
    until(&project, || gate.is_closed() && companies(sandbox) > 0);
    let runs = project.run(&["runs", "list", "--format", "json"]).json();
    let run = runs[0]["id"].as_str().expect("an id").to_owned();
    (project, engine, run)
}

fn of_state<'a>(shown: &'a Json, state: &str) -> Vec<&'a Json> {
    shown["writes"].as_array().expect("writes").iter().filter(|write| write["state"] == state).collect()
}

fn companies(sandbox: &Sandbox) -> usize {
    sandbox.change(|hubspot| hubspot.records("companies").expect("an object").count())
}

/// Looks again and again, as often as a command takes that looks, too.
fn until(project: &Project, is_so: impl Fn() -> bool) {
    let looks = (0..1_000).any(|_| project.run(&["status"]).status != 0 || is_so());
    assert!(looks, "it never came to that: {:?}", project.run(&["runs", "list"]));
}

/// A way to a sandbox that closes after so much; what was asked meanwhile goes on once it is open again.
struct Gate {
    url: String,
    way: Arc<Way>,
}

struct Way {
    n_left: AtomicUsize,
    is_open: watch::Sender<bool>,
}

/// What an engine asks as it starts is a tenth of it.
const PASSES: usize = 150;

impl Gate {
    async fn before(sandbox: &Sandbox) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let way = Arc::new(Way { n_left: AtomicUsize::new(PASSES), is_open: watch::Sender::new(true) });
        let (service, shared) = (sandbox.server.address, Arc::downgrade(&way));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let Ok(service) = TcpStream::connect(service).await else { return };
                    let ((asks, mut answered), (mut answers, asked)) = (client.into_split(), service.into_split());
                    let back = tokio::io::copy(&mut answers, &mut answered);
                    tokio::join!(pass(asks, asked, shared), back).1.ok();
                });
            }
        });
        Self { url, way }
    }

    fn open(&self) {
        self.way.is_open.send_replace(true);
    }

    fn is_closed(&self) -> bool {
        !*self.way.is_open.borrow()
    }
}

/// Passes on what comes, while the gate is there and open.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Weak<Way>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        let Some(mut is_open) = way.upgrade().map(|way| way.is_open.subscribe()) else { return };
        if is_open.wait_for(|is_open| *is_open).await.is_err() || to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
        if let Some(way) = way.upgrade()
            && way.n_left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            way.is_open.send_replace(false);
        }
    }
    // Whoever asked has gone, and so does the way back.
    to.shutdown().await.ok();
}
