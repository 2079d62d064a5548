//! Bad input: a clear message that names the place and the remedy, a status that is not 0, and nothing half done.

use std::fs;

use sandbox::hubspot::{AccessToken, Fault, FaultPlan, Options};

use crate::project::{CONNECTIONS, PEOPLE, Project, Said, Sandbox, exists, offline};

/// A flow whose set of fields is this.
fn people_with(set: &str) -> String {
    let (before, _) = PEOPLE.split_once("      email:").expect("the usual flow sets an address");
    format!("{before}{set}")
}

#[test]
fn no_flows() {
    let project = Project::empty("http://127.0.0.1:1");
    for command in [&["up"][..], &["check"], &["run", "people"]] {
        project.run(command).refused(1, &["there are no flows in `./flows`", "millrace init"]);
    }
    assert!(!exists(&project.path(".millrace")), "nothing was begun");
    project.run(&["up", "nowhere"]).refused(3, &["there is no folder `nowhere`"]);
}

#[test]
fn files_that_are_no_flows() {
    let project = offline();
    project.write("flows/empty.yaml", "");
    project.write("flows/binary.yaml", b"\xff\x00\xfe");
    project.write("flows/large.yaml", vec![b'a'; 300 * 1024]);
    project
        .run(&["check"])
        .refused(1, &["flows/empty.yaml", "flows/binary.yaml", "UTF-8", "flows/large.yaml", "256 KiB"]);
}

#[cfg(unix)]
#[test]
fn files_that_cannot_be_read_hide_no_others() {
    let project = offline();
    std::os::unix::fs::symlink("nowhere", project.path("flows/gone.yaml")).expect("link");
    std::os::unix::fs::symlink("/etc/hostname", project.path("flows/out.yaml")).expect("link");
    project.write("flows/bad.yaml", "flow: bad\n");
    let said =
        project.run(&["check"]).refused(1, &["gone.yaml", "out.yaml", "leads out of the project", "flows/bad.yaml"]);
    assert!(said.err.contains("2 files could not be read"), "{said:?}");
    let said = project.run(&["check", "nowhere.yaml"]).refused(1, &["nowhere.yaml", "1 file could not be read"]);
    assert!(!said.err.contains("in 0 files"), "{said:?}");
}

#[test]
fn two_flows_of_one_id() {
    let project = offline();
    project.write("flows/again.yaml", PEOPLE);
    project.run(&["check"]).refused(1, &["flows/again.yaml:1:7", "flows/people.yaml:1:7", "another id"]);
    for command in [&["run", "people", "--once"][..], &["up"]] {
        let said = project.run(command).refused(1, &["flows/again.yaml:1:7", "flows/people.yaml"]);
        assert!(!said.err.contains("0 mistakes"), "{said:?}");
    }
    project.write("flows/third.yaml", PEOPLE.replace("flow: people", "flow: third"));
    let mut engine = project.start(&["up"]);
    engine.wait_for("■ people  defined in `flows/again.yaml` and also in `flows/people.yaml`");
}

#[test]
fn a_project_folder_is_checked_as_one() {
    let project = offline();
    let folder = project.path("");
    let folder = folder.to_str().expect("a plain path");
    let said = project.run(&["check", folder]).ok();
    assert!(said.contains("1 flow checked, no mistakes"), "{said}");
}

#[test]
fn names_that_do_not_exist() {
    let project = offline();
    project.write("flows/people.yaml", PEOPLE.replace("warehouse.people", "warehose.people"));
    project
        .run(&["check"])
        .refused(1, &["flows/people.yaml:6:13", "unknown connection `warehose`", "did you mean `warehouse`?"]);
    project.write("flows/people.yaml", PEOPLE.replace("crm.contacts", "crm.contcats"));
    project.run(&["check"]).refused(1, &["unknown object `contcats`", "did you mean `contacts`?"]);
    project.write("flows/people.yaml", PEOPLE);
    project.write("connections.yaml", CONNECTIONS.replace("connector: hubspot", "connector: hubspott"));
    project
        .run(&["check"])
        .refused(1, &["connections.yaml:2:14", "no connector `hubspott`", "did you mean `hubspot`?"]);
    project.write("connections.yaml", CONNECTIONS.replace("token:", "tokn:"));
    project.run(&["check"]).refused(1, &["connections.yaml:3:3", "tokn", "did you mean `token`?"]);
    fs::remove_file(project.path("connections.yaml")).expect("remove the connections");
    project.run(&["check"]).refused(1, &["unknown connection `crm`", "connections.yaml"]);
}

/// Without the file that says which accounts are meant, the flows would work on those of `connections.yaml`.
#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_is_missing_or_broken_opens_nothing() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    let commands = [&["check"][..], &["up"], &["run", "people", "--once"]];
    for command in commands {
        let command = [command, &["--env", "production"]].concat();
        project.run(&command).refused(1, &["no `connections.production.yaml`", "leave `--env` out"]);
    }
    project.write("connections.production.yaml", "crm: {connector: hubspot, tok\n");
    for command in commands {
        project.run(&[command, &["--env", "production"]].concat()).refused(1, &["connections.production.yaml:"]);
    }
    assert!(!exists(&project.path(".millrace")) && !exists(&project.path("warehouse.db")));
    assert_eq!(sandbox.change(|hubspot| hubspot.calls()), 0, "the service was never asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_and_tables_are_discovered_at_the_start() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/people.yaml", PEOPLE.replace("record.firstname", "record.firstnam"));
    project
        .run(&["run", "people", "--once"])
        .refused(1, &["flows/people.yaml:11", "firstnam", "did you mean `firstname`?"]);
    project.write("flows/people.yaml", PEOPLE.replace("      name:", "      nam:"));
    project.run(&["run", "people", "--once"]).refused(1, &["flows/people.yaml:11:7", "nam", "did you mean `name`?"]);
    project.write("flows/people.yaml", PEOPLE.replace("warehouse.people", "warehouse.peple"));
    let said = project.run(&["run", "people", "--once"]).refused(1, &["peple", "connections.yaml:8"]);
    assert!(said.err.contains("runs only when the file is made"), "{said:?}");
    assert_eq!(project.count("SELECT count(*) FROM people"), 0);
}

#[test]
fn expressions_damaged_by_yaml() {
    let project = offline();
    project.write("flows/people.yaml", PEOPLE.replace("when: record.email != ()", "when: !record.email.is_empty()"));
    project.run(&["check"]).refused(1, &["flows/people.yaml:4", "not("]);
    project.write("flows/people.yaml", people_with("      email: {a: ${ record.email }}\n"));
    project.run(&["check"]).refused(1, &["flows/people.yaml:10:18", "this needs quotes", "'${ record.email }'"]);
}

#[test]
fn settings_that_are_not_set() {
    let project = offline();
    let mut command = project.command(&["up"]);
    command.env_remove("HUBSPOT_TOKEN");
    let said = Said::from(command.output().expect("the binary starts"));
    said.refused(1, &["connections.yaml:3:10", "`HUBSPOT_TOKEN` is not set", "export HUBSPOT_TOKEN="]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_refused() {
    let scopes = vec!["crm.objects.contacts.read".to_owned()];
    let narrow = AccessToken { token: "pat-na1-narrow".to_owned(), scopes: Some(scopes) };
    let sandbox = Sandbox::with(Options { tokens: vec![narrow], ..Sandbox::options() }).await;
    let project = Project::new(&sandbox.url()).with_token("pat-na1-expired");
    for command in [&["up"][..], &["run", "people", "--once"]] {
        let said =
            project.run(command).refused(4, &["`crm` refuses our token", "`HUBSPOT_TOKEN` in connections.yaml:3"]);
        assert!(!said.err.contains("pat-na1-expired"), "a secret is not shown: {said:?}");
    }
    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!(status["flows"][0]["state"], "blocked");
    let project = Project::new(&sandbox.url()).with_token("pat-na1-narrow");
    let said = project.run(&["run", "people", "--once"]).refused(4, &["grant `crm.schemas.contacts.read`"]);
    assert_eq!(said.err.matches("crm.schemas.contacts.read").count(), 1, "it is told once: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_are_not_reached() {
    let project = offline();
    project
        .run(&["run", "people", "--once"])
        .refused(4, &["`crm` is not reached at http://127.0.0.1:1 (`HUBSPOT_URL` in connections.yaml:4)", "refused"]);
    // An engine that is to stay waits for it.
    let mut engine = project.start(&["up"]);
    engine.wait_for("1 flow at work");
    engine.wait_for_complaint("it is tried again");
    engine.wait_for_complaint("poll failed");
}

#[test]
fn mistakes_of_connections_are_not_blamed_on_flows() {
    let project = offline();
    project.write("connections.yaml", "crm: {connector: hubspot, tok\n");
    let said = project.run(&["check"]).refused(1, &["connections.yaml:"]);
    assert!(!said.err.contains("unknown connection"), "{said:?}");
    project.write("connections.yaml", CONNECTIONS.replace("warehouse.sql", "missing.sql"));
    project.run(&["check"]).refused(1, &["connections.yaml:8:9", "no script `missing.sql`"]);
}

#[test]
fn a_port_that_somebody_else_has() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    offline().run(&["sandbox", "hubspot", "--port", &port]).refused(9, &[&format!("port {port}"), "`--port`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_json() {
    let sandbox = Sandbox::with_records(10).await;
    let project = Project::new(&sandbox.url());
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mut tail = project.start(&["runs", "tail", "--all"]);
    tail.wait_for("people");
    sandbox.change(|hubspot| *hubspot.faults_mut() = FaultPlan::rate(1, Fault::HtmlPage, 1.0));
    let complaint = engine.wait_for_complaint("poll failed");
    assert!(complaint.contains("answers with a web page") && complaint.contains("status 200"), "{complaint}");
    // Once the service has come to itself, so has the flow: nothing was lost, and nothing needs a person.
    sandbox.change(|hubspot| {
        *hubspot.faults_mut() = FaultPlan::default();
        let now = hubspot.server_time(sdk::Clock::now(&sdk::SystemClock));
        hubspot.insert("contacts", now, &[("email", "late@example.com")], now).expect("a new contact");
    });
    tail.wait_for("people");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_fails_on_a_record_fails_its_run_alone() {
    let sandbox = Sandbox::with_records(40).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/people.yaml", PEOPLE.replace("when: record.email != ()\n", ""));
    let said = project.run(&["run", "people", "--once"]).refused(5, &["did not succeed", "failures list"]);
    assert!(said.out.contains('✓'), "the failed runs are outcomes too: {said:?}");
    assert!(!said.err.contains("WARN") && said.err.lines().count() < 6, "one line for each reason: {said:?}");
    assert!(said.err.contains("flows/people.yaml:9:"), "{said:?}");
    let failed = project.run(&["runs", "list", "--state", "failed", "--format", "json"]).json();
    let failed = failed.as_array().expect("runs");
    assert!(!failed.is_empty(), "a few contacts have no address");
    let message = failed[0]["failure"]["message"].as_str().expect("a message");
    assert!(message.contains("flows/people.yaml:9:"), "{message}");
    assert_eq!(project.count("SELECT count(*) FROM people"), 40 - i64::try_from(failed.len()).expect("few"));
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_are_not_ours_are_not_touched() {
    let sandbox = Sandbox::with_records(0).await;
    let project = Project::new(&sandbox.url());
    project.write(".millrace/millrace.db", "These are my notes.\n");
    project
        .run(&["up"])
        .refused(7, &["is not a database of this engine and was not touched", "name another directory"]);
    let kept = fs::read_to_string(project.path(".millrace/millrace.db")).expect("read the notes");
    assert_eq!(kept, "These are my notes.\n");

    let project = Project::new(&sandbox.url());
    project.run(&["run", "people", "--once"]).ok();
    let state = rusqlite::Connection::open(project.path(".millrace/millrace.db")).expect("open the state");
    state.pragma_update(None, "user_version", 1_000).expect("pretend to be newer");
    drop(state);
    project.run(&["up"]).refused(7, &["schema 1000", "newer program"]);
    project.run(&["status"]).refused(7, &["schema 1000"]);
    project.run(&["status", "--data", "nowhere"]).refused(7, &["there is no database in `nowhere`"]);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full() {
    let sandbox = Sandbox::with_records(40).await;
    let project = Project::new(&sandbox.url());
    project.run(&["run", "people", "--once"]).ok();
    let before = project.run(&["runs", "list", "--limit", "1000", "--format", "json"]).json();
    // No file may grow beyond four blocks; the signal for it is ignored, so that writing fails as on a full disk.
    let said = project.run_limited("trap '' XFSZ; ulimit -f 4", &["up"]);
    said.refused(7, &["disk"]);
    let after = project.run(&["runs", "list", "--limit", "1000", "--format", "json"]).json();
    assert_eq!(before, after, "nothing was lost, and nothing was half done");
}
