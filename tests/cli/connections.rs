//! What is asked of connections before a flow depends on them.

use sandbox::hubspot::{AccessToken, DEFAULT_TOKEN, Options};

use crate::project::{Project, Sandbox, exists, offline};

/// A sandbox whose one token has these scopes.
async fn with_scopes(scopes: &[&str]) -> Sandbox {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let token = AccessToken { token: DEFAULT_TOKEN.to_owned(), scopes: Some(scopes) };
    Sandbox::with(Options { tokens: vec![token], ..Sandbox::options() }).await
}

#[test]
fn a_list_shows_where_connections_lead_and_no_secret() {
    let project = offline().with_token("pat-very-secret");
    let connections = "crm:\n  connector: hubspot\n  token: ${ env.HUBSPOT_TOKEN }\n  base_url: http://127.0.0.1:1\n\
                       warehouse:\n  connector: sqlite\n  path: warehouse.db\n\
                       spare:\n  connector: postgres\n  url: postgres://me:hunter2@db.example/x\n";
    project.write("connections.yaml", connections);
    let listed = project.run(&["connections", "list"]).ok();
    for part in ["http://127.0.0.1:1", "warehouse.db", "people", "none"] {
        assert!(listed.contains(part), "{listed}");
    }
    let listed = format!("{listed}{}", project.run(&["connections", "list", "--format", "json"]).ok());
    assert!(!listed.contains("very-secret") && !listed.contains("hunter2"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_asks_who_we_are_and_reads_one_record() {
    let sandbox = Sandbox::with_records(40).await;
    let project = Project::new(&sandbox.url());
    let tested = project.run(&["connections", "test", "--format", "json"]).json();
    assert_eq!(tested[0]["name"], "crm");
    assert!(tested[0]["account"]["title"].as_str().expect("an account").contains("HubSpot account"), "{tested}");
    assert!(tested[0]["clock_ahead_ms"].as_i64().expect("a clock").abs() < 60_000, "{tested}");
    assert_eq!(
        (&tested[0]["objects"][0]["object"], &tested[0]["objects"][0]["problem"]),
        (&"contacts".into(), &().into())
    );
    assert!(tested[1]["not_made_yet"].as_bool().expect("a database"), "{tested}");
    assert!(!exists(&project.path("warehouse.db")), "a look makes nothing");

    // Once it is there, its tables are read too, by whatever way they can be.
    project.run(&["run", "people", "--once"]).ok();
    let told = project.run(&["connections", "test", "warehouse"]).ok();
    assert!(told.contains("3 fields, and records can be read"), "{told}");
    project.run(&["connections", "test", "crn"]).refused(3, &["did you mean `crm`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_with_its_class_and_its_remedy() {
    let sandbox = Sandbox::with_records(4).await;
    let project = Project::new(&sandbox.url()).with_token("pat-wrong");
    let said = project.run(&["connections", "test", "crm"]).refused(4, &["1 of 1 connection cannot be used"]);
    assert!(
        said.out.contains("✗ auth: `crm` refuses our token") && said.out.contains("connections.yaml:3"),
        "{said:?}"
    );
    assert!(!said.out.contains("pat-wrong") && !said.err.contains("pat-wrong"), "{said:?}");

    let away = Project::new("http://127.0.0.1:1");
    let said = away.run(&["connections", "test", "crm"]).refused(4, &[]);
    assert!(said.out.contains("✗ transient: `crm` is not reached at http://127.0.0.1:1"), "{said:?}");

    let narrow = with_scopes(&["crm.schemas.contacts.read"]).await;
    let project = Project::new(&narrow.url());
    let said = project.run(&["connections", "test", "crm"]).refused(4, &[]);
    assert!(said.out.contains("✗ forbidden") && said.out.contains("grant `crm.objects.contacts.read`"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_that_flows_need_are_compared_with_those_that_a_token_has() {
    let whole = Sandbox::with_records(4).await;
    let told = Project::new(&whole.url()).run(&["connections", "scopes"]).ok();
    assert!(told.contains("✓  crm.objects.contacts.read") && !told.contains("write"), "{told}");

    let narrow = with_scopes(&["crm.schemas.contacts.read"]).await;
    let project = Project::new(&narrow.url());
    let said = project.run(&["connections", "scopes"]).refused(4, &["1 scope missing"]);
    assert!(said.out.contains("✗  crm.objects.contacts.read"), "{said:?}");
    let writing = "flow: back\nconnections: {crm: hubspot}\n\
                   trigger: {poll: crm.tickets, on: new, every: 1s, start: now}\n\
                   steps:\n  - update: crm.contacts\n    id: ${ record.id }\n    set: {city: x}\n";
    project.write("flows/back.yaml", writing);
    let said = project.run(&["connections", "scopes", "crm", "--format", "json"]).refused(4, &["4 scopes missing"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).expect("it is JSON");
    let needed = told[0]["needed"].as_array().expect("a list");
    let tickets = needed.iter().find(|one| one["any_of"][0] == "crm.objects.tickets.read").expect("tickets are polled");
    assert_eq!(
        (&tickets["any_of"][1], &tickets["granted"], &tickets["flows"][0]),
        (&"tickets".into(), &false.into(), &"back".into())
    );
}

#[test]
fn a_secret_that_stands_in_a_file_is_warned_of_and_not_shown() {
    let project = offline();
    project.write(
        "connections.yaml",
        "crm: {connector: hubspot, token: pat-na1-plain}\nwarehouse: {connector: sqlite, path: w.db}\n",
    );
    for format in ["text", "json", "github", "sarif"] {
        let said = project.run(&["check", "--format", format]);
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("F0608") && !all.contains("pat-na1-plain"), "{format}: {all}");
    }
}
