//! Accounts that change after their fields were pulled: which places of which flows that hits, before any record does.

use std::fs;

use sandbox::hubspot::{AccessToken, DEFAULT_TOKEN, Options};
use sdk::Method;

use crate::project::{Project, Sandbox};

/// Reads one field of an account's own, and writes another.
const REGIONS: &str = "\
flow: regions
connections: {crm: hubspot}
trigger: {poll: crm.contacts, on: new_or_updated, every: 1m, start: now}
steps:
  - if: record.region == \"emea\"
    then:
      - update: crm.contacts
        id: ${ record.id }
        set:
          tier: gold
          city: ${ record.region }
";

/// The same as a template, and what is made of it.
const TEMPLATE: &str = "\
flow: regional
version: 1
inputs: {tier: {type: text, required: true}}
connections: {people: hubspot}
trigger: {poll: people.contacts, on: new_or_updated, every: 1m, start: now}
steps:
  - update: people.contacts
    id: ${ record.id }
    set: {tier: \"${ inputs.tier }\", city: \"${ record.region }\"}
";
const INSTANCE: &str = "flow: acme\nfrom: regional@1\nbind: {people: crm}\ninputs: {tier: gold}\n";

const PROPERTIES: &str = "/crm/v3/properties/contacts";

/// An account with a property `region` and a choice `tier`, pulled.
async fn pulled() -> (Sandbox, Project) {
    let sandbox = Sandbox::with_records(4).await;
    let region =
        r#"{"name":"region","label":"Region","type":"string","fieldType":"text","groupName":"contactinformation"}"#;
    let tier = r#"{"name":"tier","label":"Tier","type":"enumeration","fieldType":"select","groupName":"contactinformation",
        "options":[{"label":"Gold","value":"gold"},{"label":"Silver","value":"silver"}]}"#;
    for property in [region, tier] {
        let made = sandbox.ask(Method::Post, PROPERTIES, property);
        assert!(made["name"].is_string(), "{made}");
    }
    let project = Project::new(&sandbox.url());
    project.write("flows/people.yaml", REGIONS);
    project.run(&["schema", "pull"]).ok();
    project.run(&["check"]).ok();
    (sandbox, project)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_as_it_was_has_no_drift() {
    let (_sandbox, project) = pulled().await;
    let said = project.run(&["schema", "diff"]).ok();
    assert!(said.contains("crm.contacts  as it was pulled"), "{said}");
    let json = project.run(&["schema", "diff", "crm", "--format", "json"]).json();
    assert_eq!((&json["objects"][0]["object"], &json["problems"]), (&"crm.contacts".into(), &serde_json::json!([])));
    project.run(&["check", "--online"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_field_is_told_with_every_place_that_uses_it() {
    let (sandbox, project) = pulled().await;
    sandbox.change(|hubspot| hubspot.remove_property("contacts", "region")).expect("it was there");
    let renamed = r#"{"name":"region_code","label":"Region","type":"string","fieldType":"text","groupName":"contactinformation"}"#;
    sandbox.ask(Method::Post, PROPERTIES, renamed);
    let said = project.run(&["schema", "diff"]);
    assert_eq!(said.status, 10, "{said:#?}");
    for part in [
        "`region` is gone; `region_code` is new and has its label",
        "flows/people.yaml:5:16  regions: ",
        "flows/people.yaml:11:27  regions: ",
    ] {
        assert!(said.out.contains(part), "`{part}` is not said: {}", said.out);
    }
    let json = project.run(&["schema", "diff", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("the answer is JSON");
    let gone = &json["objects"][0]["differences"][0];
    assert_eq!((&gone["field"], &gone["change"]), (&"region".into(), &"gone".into()));
    let hits: Vec<_> = gone["hits"].as_array().expect("places").iter().map(|hit| hit["line"].clone()).collect();
    assert_eq!(hits, [5, 11]);

    // Offline all is well; online the same places are mistakes, and nothing is kept.
    let before = fs::read_to_string(project.path("schemas/crm.contacts.yaml")).expect("it was pulled");
    project.run(&["check"]).ok();
    project.run(&["check", "--online"]).refused(1, &["F0203", "flows/people.yaml:5:"]);
    assert_eq!(fs::read_to_string(project.path("schemas/crm.contacts.yaml")).expect("it is there"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_went_hits_those_who_write_it_and_a_label_hits_nobody() {
    let (sandbox, project) = pulled().await;
    sandbox.ask(Method::Patch, &format!("{PROPERTIES}/region"), r#"{"label":"Sales region"}"#);
    let said = project.run(&["schema", "diff"]).ok();
    assert!(said.contains("`region` is called \"Sales region\" now, not \"Region\""), "{said}");

    let options = r#"{"options":[{"label":"Silver","value":"silver"},{"label":"New","value":"new"}]}"#;
    sandbox.ask(Method::Patch, &format!("{PROPERTIES}/tier"), options);
    let said = project.run(&["schema", "diff"]);
    assert_eq!(said.status, 10, "{said:#?}");
    for part in ["`tier` no longer takes `gold`", "`tier` takes `new` as well", "flows/people.yaml:10:17  regions: "] {
        assert!(said.out.contains(part), "`{part}` is not said: {}", said.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_went_is_told_by_check_once_it_is_known() {
    let scopes = ["crm.schemas.contacts.read", "crm.objects.contacts.read"].map(str::to_owned).to_vec();
    let token = |scopes| vec![AccessToken { token: DEFAULT_TOKEN.to_owned(), scopes: Some(scopes) }];
    let sandbox = Sandbox::with(Options { tokens: token(scopes), records: 4, ..Sandbox::options() }).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/people.yaml", REGIONS.replace("record.region", "record.city").replace("tier: gold", "zip: x"));
    project.run(&["check"]).ok();
    // Asked now, and kept nowhere.
    project.run(&["check", "--online"]).refused(1, &["P0105", "`crm.objects.contacts.write`"]);
    project.run(&["check"]).ok();
    project.run(&["schema", "pull"]).ok();
    project
        .run(&["check"])
        .refused(1, &["P0105", "may not write contacts", "flows/people.yaml:7:17", "millrace schema pull crm"]);
    // An action's scopes are looked at as well.
    let listed = "flow: a\nconnections: {crm: hubspot}\ntrigger: {manual: {}}\nsteps:\n  - do: crm.add_to_list\n    with: {list: \"7\", record: \"1\"}\n";
    project.write("flows/people.yaml", listed);
    project.run(&["check"]).refused(1, &["P0105", "may not do add_to_list", "`crm.lists.write`"]);
    project.write("schemas/crm.yaml", "scopes: crm\nconnector: hubspot\ngranted: [crm.lists.write, other]\n");
    project.run(&["check"]).ok();
    let said = project.run(&["schema", "diff"]);
    assert_eq!(said.status, 10, "{said:#?}");
    assert!(said.out.contains("`crm.lists.write` is no longer granted"), "{}", said.out);
    assert!(said.out.contains("flows/people.yaml:5:9  a: "), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hits_a_template_is_told_at_its_place() {
    let (sandbox, project) = pulled().await;
    project.write("flows/people.yaml", TEMPLATE);
    project.write("flows/acme.yaml", INSTANCE);
    project.run(&["check"]).ok();
    sandbox.change(|hubspot| hubspot.remove_property("contacts", "region")).expect("it was there");
    let said = project.run(&["schema", "diff"]);
    assert_eq!(said.status, 10, "what an instance's own file does not name was not looked at: {said:#?}");
    assert!(said.out.contains("flows/people.yaml:9:54  acme: "), "{}", said.out);

    project.write("schemas/crm.yaml", "scopes: crm\nconnector: hubspot\ngranted: [crm.schemas.contacts.read]\n");
    project.run(&["check"]).refused(1, &["may not read contacts", "flows/people.yaml:5:17"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_is_named_with_what_was_done_instead() {
    let (sandbox, project) = pulled().await;
    sandbox.server.stop().await.expect("it stops");
    project.run(&["schema", "diff"]).refused(4, &["`crm` is not reached", "not every service could be asked"]);
    project.run(&["check", "--online"]).refused(
        4,
        &[
            "`crm` is not reached",
            "`crm.contacts`: taken as pulled into `schemas/`",
            "not every service could be asked",
        ],
    );
    fs::remove_file(project.path("schemas/crm.contacts.yaml")).expect("it was there");
    project.run(&["schema", "diff"]).refused(3, &["millrace schema pull"]);
    project.run(&["check", "--online"]).refused(4, &["`crm.contacts`: not known, so fields of it are not checked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_is_neither_pulled_nor_read() {
    let (_sandbox, project) = pulled().await;
    project.run(&["schema", "pull", "crn"]).refused(3, &["no connection `crn`", "did you mean `crm`"]);
    project.run(&["schema", "diff", "crn"]).refused(3, &["no connection `crn`"]);
    fs::rename(project.path("schemas/crm.contacts.yaml"), project.path("schemas/old.yaml")).expect("rename it");
    let text = fs::read_to_string(project.path("schemas/old.yaml")).expect("it is there");
    project.write("schemas/old.yaml", text.replace("schema: crm.contacts", "schema: old.contacts"));
    let said = project.run(&["check"]);
    assert_eq!(said.status, 0, "{said:#?}");
    assert!(said.err.contains("P0104") && said.err.contains("no connection `old`"), "{}", said.err);
}
