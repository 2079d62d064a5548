//! Engines at work: reached through their socket, alone in their folder, stopped by a signal.

use rustix::process::Signal;
use sandbox::hubspot::Fault;

use crate::project::{Project, Sandbox, exists};

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_is_reached_while_it_runs() {
    let sandbox = Sandbox::with_records(10).await;
    let project = Project::new(&sandbox.url());
    let mut engine = project.start(&["up"]);
    engine.wait_for("1 flow at work");
    engine.wait_for("Ctrl-C");
    let mut tail = project.start(&["runs", "tail", "--all"]);
    tail.wait_for("succeeded");

    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!(status["running"], true);
    assert_eq!(status["pid"], engine.pid());
    assert!(project.run(&["pause", "people"]).ok().contains("paused `people`"));
    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!(status["flows"][0]["state"], "paused");
    assert!(project.run(&["resume", "people"]).ok().contains("resumed `people`"));
    project.run(&["pause", "peopel"]).refused(3, &["peopel", "did you mean `people`?"]);
    project.run(&["pause", "nosuch"]).refused(3, &["there is only `people`"]);

    let (id, now) = sandbox.change(|hubspot| {
        let contact = hubspot.records("contacts").expect("an object").next().expect("a contact");
        (contact.id, hubspot.server_time(sdk::Clock::now(&sdk::SystemClock)))
    });
    assert!(project.run(&["run", "people", "--record", &id]).ok().contains(&id));
    // A change at the service is seen by the next poll and told by the tail.
    let changes = [("email", "fresh@example.com")];
    sandbox.change(|hubspot| hubspot.edit("contacts", &id, now, &changes, now)).expect("the contact changes");
    let mut fresh = project.start(&["runs", "tail", "--all", "--format", "json"]);
    fresh.wait_for(&id);

    let tail = tail.stop(Signal::INT);
    assert_eq!(tail.status, 0);
    let said = engine.stop(Signal::TERM);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("Stopped"), "{said:?}");
    assert!(!exists(&project.path(".millrace/control.sock")), "the door is closed");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_socket_and_the_state_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::with_records(0).await;
    let project = Project::new(&sandbox.url());
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mode = |name: &str| std::fs::metadata(project.path(name)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(".millrace/control.sock"), 0o600);
    assert_eq!(mode(".millrace/millrace.db"), 0o600);
    assert_eq!(mode(".millrace"), 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_engine_is_refused_with_the_first_ones_process() {
    let sandbox = Sandbox::with_records(0).await;
    let project = Project::new(&sandbox.url());
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let pid = engine.pid().to_string();
    let said = project.run(&["up"]).refused(8, &["another engine", &pid, "millrace run FLOW --record ID"]);
    assert!(!said.err.contains("directory of its own"), "a new state reads everything from the beginning: {said:?}");
    project.run(&["run", "people", "--once"]).refused(8, &["another engine", &pid]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_while_no_engine_runs() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.run(&["pause", "people"]).refused(7, &["there is no database", " up` starts one"]);
    assert!(!exists(&project.path(".millrace")), "a mistyped folder is not made into an engine's");
    project.run(&["run", "people", "--once"]).ok();
    project.run(&["pause", "people"]).ok();
    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!(status["flows"][0]["state"], "paused");
    for command in [&["run", "people", "--once"][..], &["run", "people", "--record", "1"]] {
        project.run(command).refused(1, &["`people` is paused", " resume people`"]);
    }
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    drop(engine);
    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!(status["flows"][0]["state"], "paused", "a start does not undo an operator's wish");
    project.run(&["resume", "people"]).ok();
    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!(status["flows"][0]["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_flow_does_not_stop_the_others() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/bad.yaml", "flow: bad\ntrigger: {poll: crm.contacts, every: 15s}\nsteps: [{skp: x}]\n");
    project.write("flows/off.yaml", crate::project::PEOPLE.replace("flow: people", "flow: off\nenabled: false"));
    let mut engine = project.start(&["up"]);
    engine.wait_for("1 flow at work");
    engine.wait_for("● people");
    engine.wait_for("■ bad");
    engine.wait_for("■ off");
    engine.wait_for_complaint("flows/bad.yaml:3:");
    let mut tail = project.start(&["runs", "tail", "--all"]);
    tail.wait_for("people");
    let status = project.run(&["status", "--format", "json"]).json();
    let flows: Vec<_> = status["flows"].as_array().expect("flows").iter().map(|flow| &flow["flow"]).collect();
    assert_eq!(flows, ["people"], "a running engine tells of what it runs");
    drop(engine);
    let said = project.run(&["status"]).ok();
    assert!(said.contains("invalid") && said.contains("disabled"), "{said}");
    project.run(&["run", "off", "--once"]).refused(1, &["`off` is switched off"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_command_serves_what_it_says() {
    let project = crate::project::offline();
    let mut served =
        project.start(&["sandbox", "hubspot", "--records", "7", "--token", "secret:crm.objects.contacts.read"]);
    served.wait_for("7 contacts");
    let line = served.wait_for("HUBSPOT_URL=");
    let url = line.split_once('=').expect("an assignment").1.trim().to_owned();
    served.wait_for("HUBSPOT_TOKEN=secret");
    let project = Project::new(&url).with_token("secret");
    project.run(&["run", "people", "--once"]).refused(4, &["crm.schemas.contacts.read"]);
    assert_eq!(served.stop(Signal::INT).status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_keeps_nobody_from_stopping() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let project = Project::new(&url);
    let engine = project.start(&["up"]);
    // It has connected, so it listens to signals by now, and it waits for an answer that never comes.
    let _request = silent.accept().expect("it asks");
    let said = engine.stop(Signal::INT);
    assert_eq!(said.status, 130, "{said:?}");
    assert!(said.err.contains("stopped before it was done"), "{said:?}");
}

/// Answers whoever asks with a 429 that tells when to come back, for as long as the test lives.
fn busy_for(seconds: u64) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut caller in listener.incoming().flatten() {
            // A request is one packet; who goes away without one gets no answer.
            if caller.read(&mut [0; 16_384]).is_ok_and(|n| n > 0) {
                let head = format!("HTTP/1.1 429 Busy\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n");
                let _ = caller.write_all(format!("{head}connection: close\r\n\r\n").as_bytes());
            }
        }
    });
    url
}

/// A 429 ended `run --once` at once, with a reason that said neither that it passes nor when.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_to_come_back_comes_back_and_says_so() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    sandbox.change(|hubspot| hubspot.faults_mut().forced = [(1, Fault::RateLimitedRetryAfter)].into());
    let said = project.run(&["run", "people", "--once"]);
    assert!(said.err.contains("`crm` asks us to come back in 3 s, and this passes by itself"), "{said:?}");
    assert!(said.err.contains("it is tried again then"), "{said:?}");
    assert!(said.ok().contains('✓'));

    let project = Project::new(&busy_for(3_600));
    project.run(&["run", "people", "--once"]).refused(4, &["`crm` asks us to come back in 1 h, and this passes"]);
    let mut engine = project.start(&["up"]);
    let told = engine.wait_for_complaint("asks us to come back in 1 h, and this passes by itself");
    assert!(told.contains("it is tried again"), "{told}");
    let failed = engine.wait_for_complaint("poll failed");
    assert!(failed.contains("retry_in_seconds=300 "), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_at_once() {
    let sandbox = Sandbox::with_records(1).await;
    let project = Project::new(&sandbox.url());
    let find = "steps:\n  - find: crm.companies\n    filter: {domain: nobody.example}\n    as: company\n";
    project.write("flows/people.yaml", crate::project::PEOPLE.replace("steps:\n", find));
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    project.start(&["runs", "tail", "--all"]).wait_for("people");
    // The next poll reads a contact; the look-up of its run, and whatever is asked after it, is never answered.
    sandbox.change(|hubspot| {
        let next = hubspot.calls() + 1;
        hubspot.faults_mut().forced = (next + 1..next + 1_000).map(|call| (call, Fault::TimeoutBefore)).collect();
        let now = hubspot.server_time(sdk::Clock::now(&sdk::SystemClock));
        hubspot.insert("contacts", now, &[("email", "ann@example.com")], now).expect("a new contact");
    });
    let open = || project.run(&["status", "--format", "json"]).json()["flows"][0]["open"].as_u64();
    // Asked again and again, for nothing tells of a run that begins.
    assert!((0..1_000).any(|_| open() == Some(1)), "the contact's run begins");
    engine.signal(Signal::INT);
    engine.wait_for_complaint("Stopping");
    let said = engine.stop(Signal::INT);
    assert_eq!(said.status, 130, "{said:?}");
    assert_eq!(open(), Some(1), "what was cut off is in the store, and the next start takes it up again");
}
