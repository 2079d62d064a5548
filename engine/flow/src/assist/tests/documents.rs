//! Help with the documents that name others: instances of templates, syncs, tests, and what is not begun yet.

use super::*;

fn of(document: Document, written: &str) -> Vec<String> {
    ask(document, written, propose).list.into_iter().map(|one| one.label).collect()
}

#[track_caller]
fn is_offered(document: Document, written: &str, wanted: &[&str], unwanted: &[&str]) {
    let labels = of(document, written);
    for wanted in wanted {
        assert!(labels.iter().any(|label| label == wanted), "`{wanted}` is not offered: {labels:?} in\n{written}");
    }
    for unwanted in unwanted {
        assert!(!labels.iter().any(|label| label == unwanted), "`{unwanted}` is offered: {labels:?} in\n{written}");
    }
}

#[test]
fn a_file_that_is_not_begun_may_become_anything() {
    for empty in ["|", "|\n", "# to come\n|\n", "s|"] {
        assert_eq!(of(Document::Flow, empty), ["flow", "sync", "test"], "{empty}");
    }
    assert_eq!(of(Document::Test, "|\n")[0], "test");
    assert_eq!(of(Document::Flow, "flow: a\n|\n")[0], "trigger");
}

#[test]
fn a_value_in_a_filter_is_one_of_its_field() {
    for written in [
        "flow: a\ntrigger:\n  poll: crm.contacts\n  filter: {lifecyclestage: |}\n".to_owned(),
        "flow: a\ntrigger:\n  poll: crm.contacts\n  filter:\n    lifecyclestage: |\n".to_owned(),
        format!("{HEAD}steps:\n  - find: crm.contacts\n    filter: {{lifecyclestage: \"|\"}}\n"),
        format!("{HEAD}steps:\n  - find: crm.contacts\n    filter: {{any: [{{lifecyclestage: l|}}]}}\n"),
        format!("{HEAD}steps:\n  - route:\n      - filter: {{lifecyclestage: |}}\n"),
    ] {
        is_offered(Document::Flow, &written, &["lead", "customer"], &["true", "eq"]);
    }
    let poll = "flow: a\ntrigger:\n  poll: crm.contacts\n";
    assert_eq!(of(Document::Flow, &format!("{poll}  filter: {{vip: |}}\n")), ["true", "false"]);
    assert_eq!(of(Document::Flow, &format!("{poll}  filter: {{email: {{exists: |}}}}\n")), ["true", "false"]);
    assert_eq!(of(Document::Flow, &format!("{poll}  filter: {{score: |}}\n")), [] as [&str; 0]);
}

#[test]
fn an_instance_is_filled_in_by_its_template() {
    let head = "flow: mine\nfrom: copy@2\n";
    assert_eq!(of(Document::Flow, "flow: mine\nfrom: |\n"), ["copy@2"]);
    is_offered(Document::Flow, &format!("{head}inputs: {{often: 1m, |}}\n"), &["stage", "kind"], &["often"]);
    assert_eq!(of(Document::Flow, &format!("{head}bind: {{|}}\n")), ["crm"]);
    assert_eq!(of(Document::Flow, &format!("{head}bind: {{crm: |}}\n")), ["crm"]);
    assert_eq!(of(Document::Flow, &format!("{head}inputs:\n  kind: |\n")), ["short", "long"]);
    assert_eq!(of(Document::Flow, &format!("{head}inputs:\n  all: |\n")), ["true", "false"]);
    is_offered(Document::Flow, &format!("{head}inputs:\n  stage: |\n"), &["lead"], &["true"]);
    is_offered(Document::Flow, &format!("{head}inputs:\n  key: |\n"), &["email", "firstname"], &["lead"]);
    is_offered(Document::Flow, &format!("{head}inputs:\n  often: |\n"), &["15m"], &[]);
    let found = ask(Document::Flow, &format!("{head}inputs: {{st|age: lead}}\n"), describe).expect("it is known");
    assert!(found.markdown.contains("Stage: Who is copied."), "{}", found.markdown);
    let found = ask(Document::Flow, "flow: mine\nfrom: co|py@2\n", leads_to).expect("it is known");
    assert_eq!(found.1, Definition::Flow(FlowId::new("copy")));
}

#[test]
fn a_syncs_lines_name_fields_of_both_sides() {
    let head = "sync: a\nbetween: [warehouse.customers, crm.contacts]\nevery: 8h\n";
    let labels = of(Document::Sync, &format!("{head}fields:\n  - |\n"));
    assert_eq!(labels[0], "email <-> email");
    assert!(labels.contains(&"city".to_owned()) && !labels.contains(&"firstname".to_owned()), "{labels:?}");
    is_offered(
        Document::Sync,
        &format!("{head}fields:\n  - name <-> |\n"),
        &["firstname"],
        &["city", "email <-> email"],
    );
    is_offered(Document::Sync, &format!("{head}fields: [na| <-> firstname]\n"), &["city"], &["lastname"]);
    is_offered(Document::Sync, &format!("{head}fields:\n  - {{left: |}}\n"), &["city"], &["lastname"]);
    is_offered(Document::Sync, &format!("{head}fields:\n  - {{right: |}}\n"), &["lastname"], &["city"]);
    is_offered(Document::Sync, &format!("{head}to_right: {{match: |}}\n"), &["lastname", "email"], &["city"]);
    is_offered(Document::Sync, &format!("{head}to_left:\n  match: |\n"), &["city"], &["lastname"]);
    is_offered(Document::Sync, &format!("{head}to_left:\n  skip_if: record.|\n"), &["lastname"], &["city"]);
    let line = format!("{head}fields:\n  - name <-> fi|\n");
    let found = ask(Document::Sync, &line, propose);
    assert_eq!(&line.replacen('|', "", 1)[found.span.start..found.span.end], "fi");
    for (line, field) in
        [("na|me <-> firstname", "warehouse.customers.name"), ("name -> first|name", "crm.contacts.firstname")]
    {
        let told = ask(Document::Sync, &format!("{head}fields: [{line}]\n"), describe).expect("it is known");
        assert!(told.markdown.contains(field), "{}", told.markdown);
    }
}

#[test]
fn a_flow_that_two_files_define_is_offered_once() {
    assert_eq!(of(Document::Flow, &format!("{HEAD}steps:\n  - run: |\n")), ["remind"]);
}

#[test]
fn a_test_knows_its_flow() {
    is_offered(Document::Test, "test: |\n", &["polled", "remind"], &["copy"]);
    let head = "test: polled\ncases:\n  - name: one\n";
    is_offered(Document::Test, &format!("{head}    record: {{|}}\n"), &["email", "createdate"], &["city"]);
    is_offered(Document::Test, &format!("{head}    record: {{lifecyclestage: |}}\n"), &["lead"], &["true"]);
    assert_eq!(of(Document::Test, &format!("{head}    record: {{vip: |}}\n")), ["true", "false"]);
    is_offered(Document::Test, &format!("{head}    expect: |\n"), &["succeeded", "failed"], &[]);
    is_offered(Document::Test, &format!("{head}    expect:\n      - |\n"), &["upsert", "create", "do"], &["succeeded"]);
    is_offered(Document::Test, &format!("{head}    expect: [|]\n"), &["upsert", "create"], &[]);
    let expected = format!("{head}    expect:\n      - upsert: warehouse.customers\n        set: {{|}}\n");
    is_offered(Document::Test, &expected, &["city"], &["lastname"]);
    let asked = "test: remind\ncases:\n  - name: one\n    inputs: {|}\n";
    assert_eq!(of(Document::Test, asked), ["order"]);
}

#[test]
fn a_projects_own_files_name_connections_and_variables() {
    assert_eq!(of(Document::Settings, "budgets: {|}\n"), ["crm", "other", "warehouse"]);
    assert_eq!(of(Document::Settings, "budgets:\n  crm: {burst: 50%, |}\n"), ["daily"]);
    let two = "a: {connector: hubspot, token: \"${ env.ONE }\"}\nb: {connector: hubspot, token: \"${ env.|\"}\n";
    assert_eq!(of(Document::Connections, two), ["ONE"]);
    assert_eq!(of(Document::Connections, "a:\n  connector: hubspot\n  token: ${ env.|\n"), [] as [&str; 0]);
    assert_eq!(of(Document::Connections, "a:\n  connector: hubspot\n  token: ${ | }\n"), ["env"]);
}

#[test]
fn an_option_is_told_by_its_label() {
    let filtered = format!("{HEAD}steps:\n  - find: crm.contacts\n    filter: {{lifecyclestage: le|ad}}\n");
    for (document, written) in [
        (Document::Flow, filtered.as_str()),
        (Document::Test, "test: polled\ncases:\n  - {name: one, record: {lifecyclestage: le|ad}, expect: []}\n"),
    ] {
        let told = ask(document, written, describe).expect("it is known");
        assert!(told.markdown.contains("Lead, of `lifecyclestage`"), "{}", told.markdown);
    }
}
