//! Bad input to what flows call and what calls them: times, actions, other flows, inputs. Each is told at its place
//! with the remedy, and nothing is begun.

use crate::project::{Project, exists, offline};

const CONNECTIONS: &str = "crm: {connector: hubspot, token: pat-na1-test, base_url: 'http://127.0.0.1:1'}
w: {connector: sqlite, path: warehouse.db, init: warehouse.sql}
";

const CALLED: &str = "flow: called
connections: {w: sqlite}
trigger: {manual: {inputs: {who: {type: text, required: true}, score: {type: number, default: 0}, day: {type: date}, size: {type: choice, options: [small, large]}}}}
steps:
  - create: w.people
    set: {name: '${ inputs.who }', score: '${ inputs.score }'}
";

/// A project with a flow that can be called, and one that does this.
fn with(trigger: &str, step: &str) -> Project {
    let project = offline();
    project.write("connections.yaml", CONNECTIONS);
    project.write("warehouse.sql", "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, score INTEGER);");
    std::fs::remove_file(project.path("flows/people.yaml")).expect("remove the usual flow");
    project.write("flows/called.yaml", CALLED);
    let caller =
        format!("flow: caller\nconnections: {{crm: hubspot, w: sqlite}}\ntrigger: {trigger}\nsteps:\n  - {step}\n");
    project.write("flows/caller.yaml", caller);
    project
}

const MANUAL: &str = "{manual: }";
const CALL: &str = "run: called\n    with: {who: Ann}";

#[test]
fn times_that_do_not_exist() {
    for (trigger, parts) in [
        ("{schedule: '61 3 * * *'}", ["flows/caller.yaml:3:", "61"]),
        ("{schedule: '0 3 * *'}", ["flows/caller.yaml:3:", "fields"]),
        ("{schedule: '0 3 31 2 *'}", ["flows/caller.yaml:3:", "never"]),
        ("{schedule: '@dayly'}", ["flows/caller.yaml:3:", "@daily"]),
        ("{every: 10ms}", ["flows/caller.yaml:3:", "`1s` or more"]),
        ("{every: 1h, missed: later}", ["flows/caller.yaml:3:", "run_once"]),
        ("{every: {min: 1m, max: 1h}}", ["flows/caller.yaml:3:", "is for a `poll`"]),
    ] {
        let project = with(trigger, CALL);
        project.run(&["check"]).refused(1, &parts);
        assert!(!exists(&project.path("warehouse.db")), "{trigger}");
        project.run(&["run", "caller", "--once"]).refused(1, &parts);
    }
}

#[test]
fn calls_of_what_does_not_exist() {
    for (step, parts) in [
        (
            "do: crm.asociate\n    with: {from: contacts}",
            vec!["flows/caller.yaml:5:13", "no action `asociate`", "did you mean `associate`"],
        ),
        ("do: w.vacuum", vec!["flows/caller.yaml:5:", "no action `vacuum`", "declares no actions"]),
        ("do: crm.create", vec!["is a verb of its own"]),
        ("do: crm.add_to_list\n    with: {list: 1}", vec!["needs the input `record`", "add `record` under `with`"]),
        ("do: crm.add_to_list\n    with: {list: 1, record: 2, note: x}", vec!["takes no input `note`"]),
        ("run: caled", vec!["flows/caller.yaml:5:10", "there is no flow `caled`", "did you mean `called`"]),
        ("run: called", vec!["needs the input `who`", "add `who` under `with`"]),
        ("run: called\n    with: {who: Ann, score: many}", vec!["flows/caller.yaml:6:29", "`score` holds numbers"]),
        ("run: called\n    with: {who: Ann, size: tiny}", vec!["tiny", "small"]),
        ("run: called\n    with: {who: Ann, day: 31.1.2026}", vec!["31.1.2026"]),
        ("run: caller", vec!["flows/caller.yaml:5:10", "the flow `caller` calls itself"]),
    ] {
        let project = with(MANUAL, step);
        project.run(&["check"]).refused(1, &parts);
        assert!(!exists(&project.path("warehouse.db")), "{step}");
        project.run(&["run", "caller"]).refused(1, &parts);
    }
}

#[test]
fn flows_that_call_each_other_in_a_circle() {
    let project = with(MANUAL, "run: middle");
    project.write("flows/middle.yaml", "flow: middle\ntrigger: {manual: }\nsteps:\n  - run: last\n");
    project.write("flows/last.yaml", "flow: last\ntrigger: {manual: }\nsteps:\n  - run: caller\n");
    let said = project.run(&["check"]).refused(1, &["flows/caller.yaml", "flows/middle.yaml", "flows/last.yaml"]);
    assert!(said.err.contains("calls `middle`") && said.err.contains("each waits for the end"), "{said:?}");
    project.run(&["run", "caller"]).refused(1, &["no flow can run"]);
}

#[test]
fn inputs_that_are_not_what_the_flow_takes() {
    let project = with(MANUAL, CALL);
    let takes = "it takes `who` (text, required), `score` (number, else 0), `day` (a day such as 2026-01-31) and `size` (small or large)";
    for (inputs, part) in
        [(&[][..], "`called` needs `who`"), (&["who=Ann", "colour=red"], "`called` has no input `colour`")]
    {
        let inputs = inputs.iter().flat_map(|input| ["--input", input]);
        let command: Vec<&str> = ["run", "called"].into_iter().chain(inputs).collect();
        project.run(&command).refused(3, &[part, takes]);
    }
    for (input, part) in [
        ("score=many", "the input `score` cannot be `many`; it must be a number"),
        ("day=31.1.2026", "it must be a day such as 2026-01-31"),
        ("size=tiny", "small"),
    ] {
        project.run(&["run", "called", "--input", "who=Ann", "--input", input]).refused(3, &[part]);
    }
    project.run(&["run", "called", "--input", "who"]).refused(2, &["name=value"]);
    project.run(&["run", "called", "--inputs", "none.json"]).refused(9, &["none.json"]);
    project.write("inputs.json", "[1]");
    project
        .run(&["run", "called", "--inputs", "inputs.json"])
        .refused(2, &["`inputs.json` has no inputs", "{\"name\""]);
    project
        .run(&["run", "caller", "--input", "who=Ann"])
        .refused(3, &["`caller` has no input `who`", "takes no inputs"]);
    assert_eq!(project.count("SELECT count(*) FROM people"), 0, "nothing was begun");
}

/// The caller would wait for it without end.
#[test]
fn a_flow_is_not_run_where_one_that_it_calls_cannot_be() {
    let project = with(MANUAL, CALL);
    project.run(&["run", "caller"]).ok();
    assert_eq!(project.count("SELECT count(*) FROM people"), 1, "what it calls runs with it");
    project.run(&["pause", "called"]).ok();
    project.run(&["run", "caller"]).refused(1, &["`called` is paused", "resume called"]);
    project.run(&["resume", "called"]).ok();
    project.write("flows/called.yaml", CALLED.replace("set:", "sett:"));
    project.run(&["run", "caller"]).refused(1, &["flows/called.yaml:6:5", "no flow can run"]);
    project.write("flows/called.yaml", CALLED.replace("flow: called", "flow: called\nenabled: false"));
    project.run(&["run", "caller"]).refused(1, &["`called` cannot be called", "enabled: false"]);
    project.write("flows/called.yaml", CALLED);
    project.run(&["run", "caller"]).ok();
    assert_eq!(project.count("SELECT count(*) FROM people"), 2);
}

/// A service that refuses what is called stops who calls, too.
#[test]
fn a_flow_is_not_run_where_the_services_of_what_it_calls_refuse() {
    let project = with(MANUAL, CALL);
    project.write(
        "flows/called.yaml",
        CALLED.replace("{w: sqlite}", "{w: sqlite, crm: hubspot}") + "  - delete: crm.contacts\n    id: 1\n",
    );
    project.run(&["run", "caller"]).refused(4, &["`crm` is not reached at http://127.0.0.1:1"]);
    assert_eq!(project.count("SELECT count(*) FROM people"), 0);
}

#[test]
fn kept_fields_that_cannot_be_read_are_told() {
    let project = with(MANUAL, CALL);
    for (content, part) in [
        (&b"schema: w.people\nfields: {name: {type: text"[..], "schemas/w.people.yaml:2"),
        (b"\xff\xfe\x00", "schemas/w.people.yaml"),
        (b"", "schemas/w.people.yaml"),
    ] {
        project.write("schemas/w.people.yaml", content);
        project.run(&["check"]).refused(1, &[part]);
    }
    assert!(!exists(&project.path("warehouse.db")));
}
