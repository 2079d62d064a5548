//! Connectors of a project's own: loaded like those that are built in, and in nobody's way where they are wrong.

use crate::project::{Project, Sandbox, offline};

/// A service that the sandbox can play: HubSpot's contacts, by a name of our own.
fn helpdesk() -> String {
    offline()
        .run(&["connectors", "show", "hubspot", "--expanded"])
        .ok()
        .replace("connector: hubspot", "connector: helpdesk")
        .replace("HubSpot CRM", "Our help desk")
}

fn with_helpdesk(url: &str) -> Project {
    let project = Project::new(url);
    project.write("connectors/helpdesk.yaml", helpdesk());
    project.write("connections.yaml", crate::project::CONNECTIONS.replace("connector: hubspot", "connector: helpdesk"));
    project.write("flows/people.yaml", crate::project::PEOPLE.replace("crm: hubspot", "crm: helpdesk"));
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_works_with_a_manifest_of_the_projects_own() {
    let sandbox = Sandbox::with_records(40).await;
    let project = with_helpdesk(&sandbox.url());
    project.run(&["check"]).ok();
    project.run(&["run", "people", "--once"]).ok();
    assert!(project.count("SELECT count(*) FROM people") > 0);
    let listed = project.run(&["connectors", "list"]).ok();
    assert!(listed.contains("Our help desk") && listed.contains("connectors/helpdesk.yaml"), "{listed}");
    let tested = project.run(&["connections", "test", "crm", "--format", "json"]).json();
    assert_eq!(tested[0]["connector"], "helpdesk");
}

#[test]
fn connectors_are_listed_with_what_authors_write() {
    let project = offline();
    let listed = project.run(&["connectors", "list"]).ok();
    let triggers: Vec<&str> = listed.lines().filter_map(|line| line.trim().strip_prefix("triggers")).collect();
    assert_eq!(triggers.iter().filter(|words| words.trim() == "by: FIELD").count(), 2, "{listed}");
    assert!(triggers.iter().any(|words| words.trim().ends_with("archived, by: FIELD")), "{listed}");
    let shown = project.run(&["connectors", "show", "sqlite"]).ok();
    assert!(shown.contains("every table  by: FIELD; find"), "{shown}");
    let missing = project.run(&["connectors", "check", "nosuch.yaml"]).refused(1, &["1 file could not be read"]);
    assert!(!missing.err.contains("in 1 file"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_manifest_stops_only_the_flows_that_use_it() {
    let sandbox = Sandbox::with_records(40).await;
    let project = Project::new(&sandbox.url());
    let broken = helpdesk().replacen("resources:", "resorces:", 1);
    let line = broken.lines().position(|line| line == "resorces:").expect("it was put there") + 1;
    project.write("connectors/helpdesk.yaml", &broken);
    project.write(
        "connections.yaml",
        format!("{}desk:\n  connector: helpdesk\n  token: t\n", crate::project::CONNECTIONS),
    );
    let desk = crate::project::PEOPLE.replace("flow: people", "flow: desk");
    project.write(
        "flows/desk.yaml",
        desk.replace("crm: hubspot", "desk: helpdesk").replace("crm.contacts", "desk.contacts"),
    );

    let place = format!("connectors/helpdesk.yaml:{line}:1");
    let said = project.run(&["check"]).refused(1, &[&place, "did you mean `resources`"]);
    assert!(!said.err.contains("there is no connector"), "{said:?}");
    project.run(&["run", "people", "--once"]).ok();
    project.run(&["run", "desk", "--once"]).refused(1, &[&place, "no flow can run"]);
    let mut engine = project.start(&["up"]);
    engine.wait_for("■ desk  `desk` is of the connector `helpdesk`, and `connectors/helpdesk.yaml` has mistakes");
    drop(engine);
    project.run(&["connectors", "show", "helpdesk"]).refused(1, &[&place]);
}

#[test]
fn a_manifest_takes_no_name_that_is_taken() {
    let project = offline();
    project.write("connectors/mine.yaml", helpdesk().replace("connector: helpdesk", "connector: sqlite"));
    project.run(&["check"]).refused(1, &["connectors/mine.yaml:1:12", "`sqlite` is built in", "sqlite-own"]);
    project.run(&["connectors", "list"]).refused(1, &["connectors/mine.yaml:1:12"]);
}

#[test]
fn a_connector_that_is_mistyped_is_offered_with_those_of_the_project() {
    let project = with_helpdesk("http://127.0.0.1:1");
    project.write("connections.yaml", crate::project::CONNECTIONS.replace("connector: hubspot", "connector: helpdisk"));
    project.run(&["check"]).refused(1, &["connections.yaml:2:14", "did you mean `helpdesk`"]);
    project.run(&["connectors", "show", "helpdisk"]).refused(3, &["did you mean `helpdesk`"]);
}

#[test]
fn manifests_are_checked_like_flows() {
    let project = offline();
    project.write("good.yaml", helpdesk());
    project.write("bad.yaml", helpdesk().replacen("check:", "chekc:", 1));
    let checked = project.run(&["connectors", "check", "good.yaml"]).ok();
    assert!(checked.contains("1 manifest checked"), "{checked}");
    project.run(&["connectors", "check", "bad.yaml"]).refused(1, &["bad.yaml:", "did you mean `check`", "M0102"]);
    project.run(&["connectors", "check", "none.yaml"]).refused(1, &["none.yaml"]);
    project.run(&["connectors", "check"]).refused(3, &["connectors/NAME.yaml"]);
    let said = project.run(&["connectors", "check", "bad.yaml", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).expect("mistakes as JSON");
    let codes: Vec<_> = told.as_array().expect("a list").iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["M0103", "M0102"], "{told}");
}

#[test]
fn what_a_connector_can_do_is_told() {
    let project = offline();
    let shown = project.run(&["connectors", "show", "hubspot"]).ok();
    for part in
        ["Required. A secret", "new_or_updated", "upsert", "crm.objects.contacts.write", "professional 190", "10 s"]
    {
        assert!(shown.contains(part), "`{part}` is not said: {shown}");
    }
    let shown = project.run(&["connectors", "show", "sqlite", "--format", "json"]).json();
    assert_eq!(
        (&shown["objects"][0]["object"], &shown["settings"][0]["required"]),
        (&serde_json::Value::Null, &true.into())
    );
    project.run(&["connectors", "show", "sqlite", "--expanded"]).refused(3, &["it is code"]);
}
