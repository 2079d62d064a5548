//! Flows that start by the clock or when somebody asks, on engines of their own and on one at work.

use rustix::process::Signal;

use crate::project::{Project, offline};

const CONNECTIONS: &str = "w:\n  connector: sqlite\n  path: warehouse.db\n  init: warehouse.sql\n";
const TABLES: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT);\n\
    CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);\n\
    INSERT INTO people (email) VALUES ('a@x'), ('b@x'), ('c@x');\n";

const WELCOME: &str = r#"
flow: welcome
connections: {w: sqlite}
trigger:
  manual:
    inputs:
      email: {type: text, required: true}
      count: {type: number, default: 3}
steps:
  - create: w.log
    set: {what: "${ inputs.email } ${ inputs.count + 1 }"}
  - stop: {return: "${ inputs.email }"}
"#;

/// Far from now, whenever that is: nothing of it is due while a test runs.
const YEARLY: &str = r#"
flow: yearly
connections: {w: sqlite}
trigger: {schedule: "0 0 29 2 *", missed: skip}
steps:
  - create: w.log
    set: {what: yearly}
"#;

const EVERYBODY: &str = r#"
flow: everybody
connections: {w: sqlite}
trigger: {schedule: "0 0 29 2 *", missed: skip, each: w.people, where: record.email != "b@x"}
steps:
  - create: w.log
    set: {what: "${ record.email }"}
"#;

fn project() -> Project {
    let project = offline();
    let _ = std::fs::remove_file(project.path("flows/people.yaml"));
    project.write("connections.yaml", CONNECTIONS);
    project.write("warehouse.sql", TABLES);
    project.write("flows/welcome.yaml", WELCOME);
    project.write("flows/yearly.yaml", YEARLY);
    project.write("flows/everybody.yaml", EVERYBODY);
    project
}

#[test]
fn a_flow_with_inputs_runs_once_with_what_it_is_given() {
    let project = project();
    let said = project.run(&["run", "welcome", "--input", "email=ann@x", "--input", "count=7"]).ok();
    assert!(said.contains("succeeded") && said.contains("returned \"ann@x\""), "{said}");
    project.write("inputs.json", r#"{"email": "file@x", "count": 1}"#);
    project.run(&["run", "welcome", "--inputs", "inputs.json", "--input", "email=line@x"]).ok();
    assert_eq!(project.count("SELECT count(*) FROM log WHERE what IN ('ann@x 8', 'line@x 2')"), 2);

    project.run(&["run", "welcome"]).refused(3, &["`welcome` needs `email`", "`count` (number, else 3)"]);
    let wrong = &["run", "welcome", "--input", "email=x", "--input", "count=many"];
    project.run(wrong).refused(3, &["the input `count` cannot be `many`"]);
    project.run(&["run", "welcome", "--input", "emial=x"]).refused(3, &["no input `emial`; it takes `email`"]);
    project.run(&["run", "welcome", "--input", "email"]).refused(2, &["name=value"]);
    project.write("inputs.json", "[1]");
    project.run(&["run", "welcome", "--inputs", "inputs.json"]).refused(2, &["`inputs.json`", "JSON object"]);
    project.run(&["run", "yearly", "--input", "a=1"]).refused(3, &["`yearly` takes no inputs"]);
    assert_eq!(project.count("SELECT count(*) FROM log"), 2, "nothing that was refused has run");

    let listed = project.run(&["runs", "list", "--flow", "welcome"]).ok();
    assert!(listed.contains('–'), "a run without a record shows a dash: {listed}");
}

#[test]
fn a_flow_that_goes_by_the_clock_is_started_once_beside_its_times() {
    let project = project();
    let said = project.run(&["run", "yearly", "--once"]);
    assert!(said.err.contains("`yearly` goes by the clock; it is started once now, beside its times"), "{said:?}");
    let table = said.ok();
    assert!(table.contains('✓') && table.contains("asked for"), "{table}");
    let table = project.run(&["run", "everybody", "--once"]).ok();
    assert!(table.contains('✓'), "{table}");
    assert_eq!(project.count("SELECT count(*) FROM log"), 3, "one of its own, and two of three people");
    project.run(&["run", "yearly", "--record", "1"]).refused(3, &["`yearly` reads no records"]);

    let status = project.run(&["status", "--format", "json"]).json();
    let flow = |name: &str| {
        let flows = status["flows"].as_array().expect("flows");
        flows.iter().find(|one| one["flow"] == name).expect("it ran").clone()
    };
    assert_eq!((&flow("everybody")["records"], &flow("everybody")["left_out"]), (&3.into(), &1.into()));
    assert!(flow("yearly")["next_start"].as_str().is_some_and(|at| at.contains("-02-29T00:00:00")), "{status}");
}

#[test]
fn an_engine_at_work_starts_what_it_is_asked_to() {
    let project = project();
    let mut engine = project.start(&["up"]);
    let greeting = engine.wait_for("yearly");
    assert!(greeting.contains("at `0 0 29 2 *`, next 20") && greeting.contains("-02-29 00:00 UTC"), "{greeting}");
    engine.wait_for("Ctrl-C");
    let mut tail = project.start(&["runs", "tail", "--all"]);
    assert!(project.run(&["run", "welcome", "--input", "email=ann@x"]).ok().contains("of `welcome`"));
    tail.wait_for("welcome");
    assert!(project.run(&["run", "yearly", "--once"]).ok().contains("of `yearly`"));
    tail.wait_for("yearly");
    assert!(project.run(&["run", "everybody", "--once"]).ok().contains("`everybody` walks over w.people"));
    tail.wait_for("everybody");
    project.run(&["run", "welcome"]).refused(3, &["`welcome` needs `email`"]);
    // What polls or goes by the clock is at work already.
    project.run(&["run", "yearly"]).refused(8, &["another engine"]);
    let status = project.run(&["status"]).ok();
    assert!(status.contains("when asked"), "{status}");
    drop(tail);
    assert_eq!(engine.stop(Signal::TERM).status, 0);
}
