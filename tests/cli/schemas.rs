//! Fields kept in files: pulled once, compared in version control, checked against without a service.

use std::fs;

use sdk::Method;

use crate::project::{PEOPLE, Project, Sandbox, exists, offline};

const KEPT: &str = "schemas/crm.contacts.yaml";

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_pulled_once_and_then_checked_offline() {
    let sandbox = Sandbox::with_records(4).await;
    let project = Project::new(&sandbox.url());
    let wrong = PEOPLE.replace("record.email.to_lower()", "record.emial.to_lower()");
    project.write("flows/people.yaml", &wrong);
    project.run(&["check"]).ok();

    let plan = r#"{"name":"plan","label":"Plan","description":"What they pay for: monthly.","type":"string","fieldType":"text","groupName":"contactinformation"}"#;
    sandbox.ask(Method::Post, "/crm/v3/properties/contacts", plan);
    let pulled = project.run(&["schema", "pull"]).ok();
    assert!(pulled.contains("crm.contacts") && pulled.contains("written"), "{pulled}");
    let kept = fs::read_to_string(project.path(KEPT)).expect("it was written");
    for told in ["group: contactinformation, unique: true}", "    description: 'What they pay for: monthly.'\n"] {
        assert!(kept.contains(told), "{told} is not in {kept}");
    }
    let plan = project.run(&["schema", "show", "crm.contacts", "plan"]).ok();
    assert!(plan.contains("What they pay for: monthly."), "{plan}");
    assert!(!exists(&project.path("warehouse.db")), "a look makes nothing");
    let table = fs::read_to_string(project.path("schemas/warehouse.people.yaml")).expect("its script tells its tables");
    assert!(table.contains("hubspot_id: {type: text"), "{table}");
    // Nothing is asked any more: the service could be away.
    let offline = project.with_token("");
    offline
        .run(&["check"])
        .refused(1, &["F0203", "flows/people.yaml:", "did you mean `email`", "millrace schema pull"]);
    offline.write("flows/people.yaml", PEOPLE);
    offline.run(&["check"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_written_only_where_fields_differ() {
    let sandbox = Sandbox::with_records(4).await;
    let project = Project::new(&sandbox.url());
    project.run(&["schema", "pull", "crm", "--object", "contacts"]).ok();
    let text = fs::read_to_string(project.path(KEPT)).expect("it was written");
    let written = fs::metadata(project.path(KEPT)).and_then(|file| file.modified()).expect("it is there");
    let again = project.run(&["schema", "pull"]).ok();
    assert!(again.contains("unchanged"), "{again}");
    let now = fs::metadata(project.path(KEPT)).and_then(|file| file.modified()).expect("it is there");
    assert_eq!(written, now, "an unchanged file is not touched");

    let without: String =
        text.lines().filter(|line| !line.starts_with("  email:")).map(|line| format!("{line}\n")).collect();
    project.write(KEPT, without.replace("label: City", "label: Town"));
    let again = project.run(&["schema", "pull"]).ok();
    assert!(again.contains("1 new, 1 changed"), "{again}");
    assert_eq!(fs::read_to_string(project.path(KEPT)).expect("it is there"), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_shown_as_pulled_or_as_they_are() {
    let sandbox = Sandbox::with_records(4).await;
    let project = Project::new(&sandbox.url());
    let asked = project.run(&["schema", "show", "crm.contacts"]).ok();
    assert!(asked.contains("asked for just now") && asked.contains("stamps changes"), "{asked}");
    project.run(&["schema", "pull", "crm"]).ok();
    let text = fs::read_to_string(project.path(KEPT)).expect("it was written");
    project.write(KEPT, text.replace("label: City", "label: Town"));
    assert!(project.run(&["schema", "show", "crm.contacts", "city"]).ok().contains("Town"));
    assert!(project.run(&["schema", "show", "crm.contacts", "city", "--online"]).ok().contains("City"));
    let stage = project.run(&["schema", "show", "crm.contacts", "lifecyclestage", "--format", "json"]).json();
    assert_eq!((&stage["type"], &stage["options"][0]["value"]), (&"choice".into(), &"subscriber".into()));
    let joined = project.run(&["schema", "show", "crm.contacts.lifecyclestage", "--format", "json"]).json();
    assert_eq!(joined, stage, "a field may be written as flows' documentation writes it");
    project.run(&["schema", "show", "crm.contacts", "emial"]).refused(3, &["did you mean `email`"]);
    project.run(&["schema", "show", "crm.nothing"]).refused(4, &["nothing"]);
    project.run(&["schema", "show", "contacts"]).refused(2, &["crm.contacts"]);
    project
        .run(&["schema", "pull", "crm", "--object", "nothing", "--object", "deals"])
        .refused(4, &["1 schema could not"]);
    assert!(
        exists(&project.path("schemas/crm.deals.yaml")),
        "what one object refuses keeps no other from being pulled"
    );
}

#[test]
fn a_kept_file_with_a_mistake_is_told() {
    let project = offline();
    let good = "schema: crm.contacts\nconnector: hubspot\nmodified: email\nfields:\n  email: {type: text}\n  firstname: {type: text}\n  lastname: {type: text}\n";
    project.write(KEPT, good);
    project.run(&["check"]).ok();
    for (from, to, parts) in [
        ("type: text", "type: txt", ["schemas/crm.contacts.yaml:5:17", "P0102"]),
        ("hubspot", "pipedrive", ["schemas/crm.contacts.yaml:2:12", "is of `hubspot` now"]),
        ("schema: crm.contacts", "shcema: crm.contacts", ["schemas/crm.contacts.yaml:1:1", "P0101"]),
    ] {
        project.write(KEPT, good.replacen(from, to, 1));
        project.run(&["check"]).refused(1, &parts);
        let said = project.run(&["check", "--format", "json"]);
        let told: serde_json::Value = serde_json::from_str(&said.out).expect("mistakes as JSON");
        for key in ["code", "severity", "message", "help"] {
            assert!(told[0][key].is_string(), "{key}: {told}");
        }
        assert_eq!(told[0]["file"], "schemas/crm.contacts.yaml", "{told}");
    }
}
