//! The language as a whole: what this version does not run is checked like everything else, and told before anything
//! runs.

use crate::project::{PEOPLE, Project, Sandbox, offline};

/// A flow of which this version runs all but one word.
const HOOKED: &str = "\
flow: hooked
trigger:
  webhook:
  verify: {bearer: \"${ env.HOOK_TOKEN }\"}
  id: ${ body.id }
steps:
  - skip: ${ body.name }
";

#[test]
fn what_is_not_run_is_checked_and_named() {
    let project = offline();
    project.write("flows/hooked.yaml", HOOKED);
    let said = project.run(&["check"]).ok();
    assert!(said.contains("2 flows checked, no mistakes"), "{said}");
    assert!(
        said.contains("flows/hooked.yaml:3: this version does not run `webhook` yet; `up` leaves `hooked` out.\n"),
        "{said}"
    );
    project.write("flows/hooked.yaml", HOOKED.replace("body.id", "bdy.id"));
    project.run(&["check"]).refused(1, &["error[F0401]", "did you mean `body`?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_is_not_run_stops_no_other() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/hooked.yaml", HOOKED);
    project.write(
        "flows/careful.yaml",
        "flow: careful\ntrigger: {manual: }\nbrakes: {creates: 5 per day}\nsteps:\n  - skip: done\n",
    );
    let sentence = "flows/hooked.yaml:3: this version does not run `webhook` yet";
    let mut engine = project.start(&["up"]);
    engine.wait_for("1 flow at work");
    engine.wait_for("● people");
    engine.wait_for("■ careful  flows/careful.yaml:3: this version does not run `brakes` yet");
    engine.wait_for(&format!("■ hooked  {sentence}"));
    drop(engine);
    project.run(&["run", "hooked", "--once"]).refused(1, &[sentence]);
    project.run(&["run", "careful"]).refused(1, &["does not run `brakes` yet"]);
    assert!(project.run(&["status"]).ok().contains("does not run `brakes` yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_enrols_records_is_checked_against_the_sync_and_not_run() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/both.yaml", SYNC.replace("to_left: {match: email}", "to_left: {match: email, of: enrolled}"));
    let joins = "flow: joins\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 1s}\nsteps:\n  - do: sync.enrol\n    with: {sync: both}\n";
    project.write("flows/joins.yaml", joins);
    let sentence = "flows/joins.yaml:5: this version does not run `sync.enrol` yet";
    let said = project.run(&["check"]).ok();
    assert!(said.contains("no mistakes") && said.contains(sentence), "{said}");
    let mut engine = project.start(&["up"]);
    engine.wait_for("1 flow at work");
    engine.wait_for(&format!("■ joins  {sentence}"));
    drop(engine);
    project.write("flows/both.yaml", SYNC);
    project.run(&["check"]).refused(1, &["error[F0805]", "--> flows/joins.yaml:6:", "::: flows/both.yaml:"]);
    // What is wrong with it is no longer what this version lacks.
    project.run(&["run", "joins"]).refused(1, &["F0805"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nothing_goes_by_yet_are_checked_and_named() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.write("millrace.yaml", "listen: 127.0.0.1:8080\nnotify: [{to: ann@example.com, on: [failed]}]\n");
    let said = project.run(&["check"]);
    assert!(said.err.contains("warning[F0103]: `listen` is part of the language"), "{said:?}");
    assert!(said.err.contains("`notify` is part of the language"), "{said:?}");
    assert!(said.ok().contains("no mistakes"));
    let mut engine = project.start(&["up"]);
    engine.wait_for_complaint("`notify` is part of the language");
    engine.wait_for("1 flow at work");
    drop(engine);
    project.write("millrace.yaml", "listen: 8080\n");
    project.run(&["check"]).refused(1, &["error[F0105]", "--> millrace.yaml:1:9", "127.0.0.1:8080"]);
}

/// The flow `people`, with what differs from one to the next left open.
fn template() -> String {
    let inputs = "version: 1\ninputs:\n  interval: {type: duration, default: 1s}\n  field: {type: field, of: warehouse.people, required: true}\n  greeting: {type: text, default: Hello}\n";
    PEOPLE
        .replace("flow: people\n", &format!("flow: people-template\n{inputs}"))
        .replace("connections: {crm: hubspot, warehouse: sqlite}", "connections: {source: hubspot, target: sqlite}")
        .replace("crm.contacts", "source.contacts")
        .replace("warehouse.people", "target.people")
        .replace("of: target.people", "of: warehouse.people")
        .replace("every: 1s", "every: \"${ inputs.interval }\"")
        .replace("      name: ${ join_words(", "      \"${ inputs.field }\": ${ join_words(inputs.greeting, ")
}

const INSTANCE: &str = "\
flow: acme-people
from: people-template@1
bind: {source: crm, target: warehouse}
inputs: {field: name, greeting: Dear}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_made_of_a_template_runs() {
    let sandbox = Sandbox::with_records(5).await;
    let project = Project::new(&sandbox.url());
    std::fs::remove_file(project.path("flows/people.yaml")).expect("another takes its place");
    project.write("flows/template.yaml", template());
    assert!(project.run(&["check"]).ok().contains("0 flows and 1 template checked, no mistakes"));
    project.run(&["up"]).refused(1, &["there is no flow to run"]);
    project
        .run(&["run", "people-template"])
        .refused(1, &["`people-template` is a template", "`from: people-template@1`"]);

    project.write("flows/acme.yaml", INSTANCE);
    assert!(project.run(&["check"]).ok().contains("1 flow and 1 template checked, no mistakes"));
    project.run(&["run", "acme-people", "--once"]).ok();
    assert_eq!(project.count("SELECT count(*) FROM people WHERE name LIKE 'Dear %'"), 5);
    let runs = project.run(&["runs", "list", "--format", "json"]).json();
    assert!(runs.as_array().expect("runs").iter().all(|run| run["flow"] == "acme-people"), "{runs}");

    let mut engine = project.start(&["up"]);
    engine.wait_for("1 flow at work");
    engine.wait_for("● acme-people");
    let next = engine.wait_for("Flows that you edit");
    assert!(!next.contains("template"), "nothing bad is said of a template: {next}");
}

#[test]
fn a_mistake_is_told_in_the_file_that_it_is_in() {
    let project = offline();
    project.write("flows/template.yaml", template());
    project.write("flows/acme.yaml", INSTANCE.replace("greeting: Dear", "greeting: Dear, interval: often"));
    project.run(&["check"]).refused(1, &["error[F0704]", "--> flows/acme.yaml:4:", "::: flows/template.yaml:4:"]);
    project.write("flows/acme.yaml", INSTANCE.replace("source: crm", "source: warehouse"));
    project.run(&["check"]).refused(1, &["error[F0204]", "--> flows/acme.yaml:3:"]);
    project.write("flows/acme.yaml", INSTANCE);
    project.write("flows/template.yaml", template().replace("record.email.to_lower", "record.email.to_lowr"));
    let said = project.run(&["check"]).refused(1, &["error[F0302]", "--> flows/template.yaml:"]);
    assert_eq!(said.err.matches("error[").count(), 1, "once, however many flows are made of it: {said:?}");
}

const SYNC: &str = "\
sync: both
connections: {crm: hubspot, warehouse: sqlite}
between: [warehouse.people, crm.contacts]
every: 8h
fields: [name <-> firstname, email <-> email]
to_right: {match: email}
to_left: {match: email}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_is_checked_and_stops_no_flow() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/both.yaml", SYNC);
    let sentence = "flows/both.yaml:1: this version does not run `sync` yet";
    let said = project.run(&["check"]).ok();
    assert!(said.contains("1 flow and 1 sync checked, no mistakes") && said.contains(sentence), "{said}");
    let mut engine = project.start(&["up"]);
    engine.wait_for("1 flow at work");
    engine.wait_for(&format!("■ both  {sentence}"));
    drop(engine);
    project.run(&["run", "both"]).refused(1, &["`both` is a sync"]);
    project.write("flows/both.yaml", SYNC.replace("name <-> firstname", "name = firstname"));
    project.run(&["check"]).refused(1, &["error[F0801]", "flows/both.yaml:5:"]);
}

#[test]
fn a_test_beside_its_flow_is_checked_with_it() {
    let project = offline();
    let test = "test: people\ncases:\n  - name: copied\n    record: {id: \"1\", email: A@x.com, firstname: A}\n    expect:\n      - upsert: warehouse.people\n        set: {hubspot_id: \"1\", email: a@x.com, name: A}\n";
    project.write("flows/people.test.yaml", test);
    let said = project.run(&["check"]).ok();
    assert!(said.contains("1 flow and 1 file of tests checked, no mistakes"), "{said}");
    assert!(said.contains("This version does not run tests of flows yet"), "{said}");
    project.write("flows/people.test.yaml", test.replace("upsert: warehouse.people", "create: warehouse.people"));
    for paths in
        [&["check"][..], &["check", "flows/people.yaml"], &["check", "flows/people.test.yaml"], &["check", "flows"]]
    {
        project.run(paths).refused(1, &["error[F0901]", "--> flows/people.test.yaml:6:"]);
    }
    project.write("flows/other.test.yaml", "test: peple\ncases: [{name: x, expect: skipped}]\n");
    project.run(&["check"]).refused(1, &["error[F0404]", "did you mean `people`?"]);
    project.run(&["run", "people", "--once"]).refused(4, &["`crm` is not reached"]);
}
