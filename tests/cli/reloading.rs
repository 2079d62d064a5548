//! Files that change under an engine at work: what is good is taken up, and the rest is told and leaves it as it was.

use rustix::process::Signal;

use crate::project::{PEOPLE, Project, Running, Sandbox, offline};

const CONNECTIONS: &str = "w:\n  connector: sqlite\n  path: warehouse.db\n  init: warehouse.sql\n";
const TABLES: &str = "CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);\n";

/// Notes that it begins, waits, and notes that it ends.
fn noting(version: &str, wait: &str) -> String {
    format!(
        "flow: notes\nconnections: {{w: sqlite}}\ntrigger: {{manual: }}\nsteps:\n  - create: w.log\n    name: first\n    set: {{what: {version} begins}}\n  - wait: {wait}\n  - create: w.log\n    name: last\n    set: {{what: {version} ends}}\n"
    )
}

/// A project with that flow, and an engine at work.
fn at_work(flow: &str, arguments: &[&str]) -> (Project, Running) {
    let project = offline();
    std::fs::remove_file(project.path("flows/people.yaml")).expect("there is one");
    project.write("connections.yaml", CONNECTIONS);
    project.write("warehouse.sql", TABLES);
    project.write("flows/notes.yaml", flow);
    let mut engine = project.start(&[&["up"][..], arguments].concat());
    engine.wait_for("Ctrl-C");
    (project, engine)
}

/// Asked again and again, for nothing tells of a row.
fn wait_for_rows(project: &Project, n: i64) {
    let count = || project.count("SELECT count(*) FROM log");
    assert!((0..100_000).any(|_| count() >= n), "there are {} rows", count());
}

fn behind(project: &Project) -> Vec<serde_json::Value> {
    project.run(&["status", "--format", "json"]).json()["behind"].as_array().expect("a list").clone()
}

#[test]
fn a_run_under_way_finishes_as_it_began_and_new_ones_take_the_new_version() {
    let (project, mut engine) = at_work(&noting("old", "4s"), &[]);
    let mut tail = project.start(&["runs", "tail", "--all"]);
    project.run(&["run", "notes"]).ok();
    wait_for_rows(&project, 1);
    project.write("flows/notes.yaml", noting("new", "1ms"));
    let told = engine.wait_for("notes");
    assert!(told.contains("has changed, and goes on so; 1 run under way finishes as it began"), "{told}");
    let status = project.run(&["status"]).ok();
    assert!(status.contains("notes: 1 run finishes on an earlier version"), "{status}");
    project.run(&["run", "notes"]).ok();
    tail.wait_for("succeeded");
    tail.wait_for("succeeded");
    assert_eq!(project.rows("SELECT what FROM log ORDER BY id"), ["old begins", "new begins", "new ends", "old ends"]);
    let said = engine.stop(Signal::TERM);
    assert_eq!(said.status, 0, "{said:?}");
}

#[test]
fn a_file_with_mistakes_leaves_the_version_before_at_work_until_it_is_mended() {
    let (project, mut engine) = at_work(&noting("one", "1ms"), &[]);
    for (broken, place) in [
        (noting("two", "1ms").replace("create: w.log", "craete: w.log"), "flows/notes.yaml:5:5"),
        // Half written: not even its id can be read.
        ("flow: [no".to_owned(), "flows/notes.yaml:1:"),
    ] {
        project.write("flows/notes.yaml", &broken);
        engine.wait_for_complaint(place);
        let told = engine.wait_for_complaint("warning: notes: ");
        assert!(told.contains("in `flows/notes.yaml`; the version before goes on"), "{told}");
        let behind = behind(&project);
        assert_eq!((&behind[0]["file"], &behind[0]["flow"]), (&"flows/notes.yaml".into(), &"notes".into()));
        let status = project.run(&["status"]).ok();
        assert!(status.contains("■ notes: ") && status.contains("the version before goes on"), "{status}");
        project.run(&["run", "notes"]).ok();
    }
    wait_for_rows(&project, 4);
    // A bad file of which nothing runs comes and goes: the second is told, too.
    project.write("flows/other.yaml", "flow: [no");
    engine.wait_for_complaint("nothing of it runs");
    std::fs::remove_file(project.path("flows/other.yaml")).expect("remove the file");
    engine.wait_for("● flows/other.yaml  is gone, and what was wrong with it");
    project.write("flows/notes.yaml", noting("three", "1ms"));
    engine.wait_for("● notes  has changed");
    assert_eq!(behind(&project), [""; 0]);
    project.run(&["run", "notes"]).ok();
    wait_for_rows(&project, 6);
    let rows = project.rows("SELECT DISTINCT what FROM log ORDER BY id");
    assert_eq!(rows, ["one begins", "one ends", "three begins", "three ends"]);
}

#[test]
fn flows_come_and_go() {
    let (project, mut engine) = at_work(&noting("old", "1h"), &[]);
    project.run(&["run", "notes"]).ok();
    wait_for_rows(&project, 1);
    // As many editors do: another file in its place.
    project.write("flows/.new", noting("new", "1ms").replace("flow: notes", "flow: fresh"));
    std::fs::rename(project.path("flows/.new"), project.path("flows/fresh.yaml")).expect("it can be renamed");
    engine.wait_for("● fresh  is new, and at work");
    project.run(&["run", "fresh"]).ok();
    wait_for_rows(&project, 3);

    std::fs::remove_file(project.path("flows/notes.yaml")).expect("it is there");
    let told = engine.wait_for("○ notes");
    assert!(told.contains("is gone, and begins nothing any more; 1 run under way comes to its end"), "{told}");
    project.run(&["run", "notes"]).refused(3, &["notes"]);
    let status = project.run(&["status"]).ok();
    assert!(status.contains("notes: `flows/notes.yaml` is gone"), "{status}");
    project.write("flows/notes.yaml", noting("back", "1h"));
    engine.wait_for("● notes");
    project.write("flows/notes.yaml", noting("back", "1h").replace("flow: notes", "flow: notes\nenabled: false"));
    engine.wait_for("○ notes");
    assert_eq!(engine.stop(Signal::TERM).status, 0);
}

#[test]
fn a_flow_whose_id_changes_goes_on_until_somebody_says_what_is_meant() {
    let (project, mut engine) = at_work(&noting("old", "1ms"), &[]);
    project.write("flows/notes.yaml", noting("new", "1ms").replace("flow: notes", "flow: letters"));
    let told = engine.wait_for_complaint("warning: letters: its file held `notes`, which goes on");
    assert!(told.contains("write `was: notes`") && told.contains("it does not run"), "{told}");
    // In a file of its own it is new.
    project.write("flows/letters.yaml", noting("new", "1ms").replace("flow: notes", "flow: letters"));
    project.write("flows/notes.yaml", noting("old", "1ms"));
    engine.wait_for("● letters  is new, and at work");
    for flow in ["notes", "letters"] {
        project.run(&["run", flow]).ok();
    }
    wait_for_rows(&project, 4);
    assert_eq!(engine.stop(Signal::TERM).status, 0);
}

#[test]
fn a_flow_that_was_moved_stays_at_work_while_its_new_file_is_half_written() {
    let (project, mut engine) = at_work(&noting("one", "1ms"), &[]);
    std::fs::rename(project.path("flows/notes.yaml"), project.path("flows/moved.yaml")).expect("it can be renamed");
    // Moving alone changes nothing, so only what comes after it shows that it was seen.
    project.write("flows/fresh.yaml", noting("x", "1ms").replace("flow: notes", "flow: fresh"));
    engine.wait_for("● fresh  is new, and at work");
    project.write("flows/moved.yaml", "flow: [no");
    let told = engine.wait_for_complaint("warning: notes: ");
    assert!(told.contains("in `flows/moved.yaml`; the version before goes on"), "{told}");
    project.run(&["run", "notes"]).ok();
    wait_for_rows(&project, 2);
    assert_eq!(engine.stop(Signal::TERM).status, 0);
}

#[test]
fn a_connection_that_nobody_used_is_gone_when_its_lines_are() {
    let spare = "spare:\n  connector: sqlite\n  path: spare.db\n  init: warehouse.sql\n";
    let project = offline();
    std::fs::remove_file(project.path("flows/people.yaml")).expect("there is one");
    project.write("connections.yaml", format!("{spare}{CONNECTIONS}"));
    project.write("warehouse.sql", TABLES);
    project.write("flows/notes.yaml", noting("old", "1ms"));
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    project.write("connections.yaml", CONNECTIONS);
    let flow = noting("x", "1ms").replace("flow: notes", "flow: spares").replace("w.log", "spare.log");
    project.write("flows/spares.yaml", flow.replace("{w: sqlite}", "{spare: sqlite}"));
    engine.wait_for_complaint("unknown connection `spare`");
    assert_eq!(engine.stop(Signal::TERM).status, 0);
}

#[test]
fn without_reload_only_a_signal_has_files_read_again() {
    let (project, mut engine) = at_work(&noting("old", "1ms"), &["--no-reload"]);
    project.write("flows/notes.yaml", noting("new", "1ms"));
    project.run(&["run", "notes"]).ok();
    wait_for_rows(&project, 2);
    engine.signal(Signal::HUP);
    engine.wait_for("● notes  has changed");
    engine.signal(Signal::HUP);
    engine.wait_for("Read again: nothing has changed.");
    project.run(&["run", "notes"]).ok();
    wait_for_rows(&project, 4);
    let rows = project.rows("SELECT what FROM log ORDER BY id");
    assert_eq!(rows, ["old begins", "old ends", "new begins", "new ends"]);
    assert_eq!(engine.stop(Signal::TERM).status, 0);
}

#[test]
fn a_new_connection_is_opened_and_one_that_has_changed_waits_for_a_start() {
    let (project, mut engine) = at_work(&noting("old", "1ms"), &[]);
    let other = "other:\n  connector: sqlite\n  path: other.db\n  init: warehouse.sql\n";
    project.write("connections.yaml", format!("{other}{CONNECTIONS}"));
    let flow = noting("other", "1ms").replace("flow: notes", "flow: other-notes").replace("w.log", "other.log");
    project.write("flows/other.yaml", flow.replace("{w: sqlite}", "{other: sqlite}"));
    engine.wait_for("● other-notes  is new");
    assert!(project.path("other.db").exists());

    project.write("connections.yaml", format!("{other}{}", CONNECTIONS.replace("path: warehouse.db", "path: else.db")));
    engine.wait_for_complaint("the connection `w` has changed; start again to take this up");
    project.write("connections.yaml", "w: [");
    engine.wait_for_complaint("connections.yaml:1:");
    project.run(&["run", "notes"]).ok();
    wait_for_rows(&project, 2);
    assert!(!project.path("else.db").exists(), "an account is not exchanged under a flow at work");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_polls_goes_on_from_its_cursor() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mut tail = project.start(&["runs", "tail", "--all"]);
    (0..3).for_each(|_| drop(tail.wait_for("succeeded")));
    project.write(
        "flows/people.yaml",
        PEOPLE.replace("join_words(record.firstname, record.lastname)", "record.city ?? \"nowhere\""),
    );
    engine.wait_for("● people  has changed");
    let now = sdk::Clock::now(&sdk::SystemClock);
    sandbox.change(|hubspot| {
        let now = hubspot.server_time(now);
        hubspot
            .insert("contacts", now, &[("email", "ann@example.com"), ("city", "Bergen")], now)
            .expect("a new contact");
    });
    tail.wait_for("succeeded");
    let count = |query: &str| project.count(&format!("SELECT count(*) FROM people WHERE {query}"));
    assert_eq!((count("name = 'Bergen'"), count("true"), count("name = 'nowhere'")), (1, 4, 0));
    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!(
        (&status["flows"][0]["records"], &status["flows"][0]["runs"]),
        (&4.into(), &4.into()),
        "none was read twice"
    );
}
