//! Records that want to take a terminal over: whatever shows them shows what is in them, and lets nothing of it act.

use serde_json::Value as Json;

use crate::project::{self, Project, Said};

/// Clears a screen, goes to a line's beginning, turns text around, ends lines where none ends, rings, and colours.
const EVIL: &str = "ann\u{1b}[2J\r\u{202e}gpj\u{2028}x\u{7}\u{9b}31m\u{1b}]0;title\u{7}";

const FLOW: &str = "\
flow: people
connections: {warehouse: sqlite}
trigger: {poll: warehouse.evil, on: new_or_updated, by: changed_at, every: 1s, start: beginning}
steps:
  - skip: \"skipped for ${ record.name }\"
    when: record.kind == \"skip\"
  - fail: \"no ${ record.name }, please\"
    when: record.kind == \"fail\"
  - upsert: warehouse.people
    match: hubspot_id
    set:
      hubspot_id: ${ record.id }
      email: ${ record.name }
      name: ${ record.name + record.changed_at }
";

/// A project whose database holds such records.
fn project() -> Project {
    let project = project::offline();
    project.write("connections.yaml", "warehouse: {connector: sqlite, path: warehouse.db}\n");
    project.write("flows/people.yaml", FLOW);
    let warehouse = rusqlite::Connection::open(project.path("warehouse.db")).expect("a database");
    let tables = "CREATE TABLE evil (id TEXT PRIMARY KEY, name TEXT, kind TEXT, changed_at TEXT);";
    warehouse.execute_batch(&format!("{tables}{}", project::TABLES)).expect("tables");
    for kind in ["skip", "fail", "write"] {
        let values = (format!("{kind}-{EVIL}"), EVIL, kind, "2026-01-02T10:00:00Z");
        warehouse.execute("INSERT INTO evil VALUES (?1, ?2, ?3, ?4)", values).expect("a record");
    }
    project
}

fn is_harmless(character: char) -> bool {
    character == '\n' || !text::is_hidden(character)
}

/// Nothing in there has power over a terminal, and the record is there in a readable way.
#[track_caller]
fn harmless(place: &str, said: &Said, escaped: &str) {
    for text in [&said.out, &said.err] {
        let odd = text.chars().find(|character| !is_harmless(*character));
        assert_eq!(odd, None, "{place}: {text:?}");
    }
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains(escaped), "{place} does not show it: {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_no_power_over_a_terminal() {
    let project = project();
    let once = project.run(&["-vv", "run", "people", "--once"]);
    harmless("run --once", &once, "\\u{202e}");

    let rows = project.run(&["runs", "list", "--format", "json"]).json();
    let rows = rows.as_array().expect("runs").clone();
    assert_eq!(rows.len(), 3, "{rows:?}");
    for row in &rows {
        assert!(row["record"].as_str().is_some_and(|record| record.ends_with(EVIL)), "JSON keeps what it is: {row}");
        let id = row["id"].as_str().expect("an id");
        harmless("runs show", &project.run(&["runs", "show", id]), "\\u{1b}[2J");
        let shown = project.run(&["runs", "show", id, "--format", "json"]);
        harmless("runs show as JSON", &shown, "\\u202e");
        let shown: Json = serde_json::from_str(&shown.out).expect("JSON");
        assert_eq!(shown["fields"]["name"], EVIL);
        if row["state"] == "failed" {
            harmless("failures show", &project.run(&["failures", "show", id]), "\\u{1b}[2J");
            harmless("failures show as JSON", &project.run(&["failures", "show", id, "--format", "json"]), "\\u202e");
            harmless("one record", &project.run(&["run", "people", "--record", &format!("fail-{EVIL}")]), "\\u{1b}[2J");
        }
    }
    assert!(rows.iter().any(|row| row["state"] == "failed"), "{rows:?}");

    for (arguments, escaped) in [
        (&["runs", "list"][..], "\\u{1b}[2J"),
        (&["runs", "list", "--format", "json"], "\\u202e"),
        (&["runs", "list", "--format", "jsonl"], "\\u202e"),
        (&["failures", "list"], "no ann"),
        (&["failures", "list", "--format", "jsonl"], "no ann"),
        (&["failures", "list", "--all"], "\\u{1b}[2J"),
        (&["failures", "list", "--all", "--format", "jsonl"], "\\u202e"),
        (&["cursor", "show", "people"], "warehouse.evil"),
        (&["status"], "people"),
        // What does not exist is said as it was written.
        (&["runs", "list", "--flow", EVIL], "\\u{1b}[2J"),
        (&["run", "people", "--record", EVIL], "\\u{1b}[2J"),
        (&["pause", EVIL], "\\u{1b}[2J"),
    ] {
        harmless(&arguments.join(" "), &project.run(arguments), escaped);
    }
    let group =
        project.run(&["failures", "list", "--format", "json"]).json()[0]["group"].as_str().expect("a group").to_owned();
    harmless("a group", &project.run(&["failures", "show", &group]), "\\u{1b}[2J");

    for (format, escaped) in [("table", "\\u{1b}[2J"), ("jsonl", "\\u202e")] {
        let mut tail = project.start(&["runs", "tail", "--all", "--format", format]);
        let line = tail.wait_for(escaped);
        assert!(line.chars().all(is_harmless), "{line:?}");
        harmless("runs tail", &tail.stop(rustix::process::Signal::INT), escaped);
    }
}
