//! Good syncs and tests, and what they become.

use std::time::Duration;

use text::SourceFile;

use super::catalog;
use crate::{Conflict, Deleted, Policy, ProjectDefaults, Sync, SyncOf, Way, check, check_syncs, check_tests, parse};

fn synced(text: &str) -> Sync {
    let file = SourceFile::new("flows/people.yaml", text);
    let parsed = parse(std::slice::from_ref(&file));
    let checked = check_syncs(&parsed.syncs, &parsed.definitions, &catalog());
    let diagnostics: Vec<_> = parsed.diagnostics.into_iter().chain(checked.diagnostics).collect();
    assert!(diagnostics.is_empty(), "{}", text::render(&diagnostics, &[file], text::Colour::Never));
    Sync::clone(&checked.syncs[0])
}

#[test]
fn a_sync_of_two_objects() {
    let sync = synced(
        "\
sync: people
connections: {warehouse: sqlite, crm: hubspot}
between: [warehouse.customers, crm.contacts]
every: 8h
fields:
  - name <-> firstname
  - city -> lastname
  - {left: since, right: birthday, way: right, policy: never_blank}
to_right: {match: email, create: true, of: enrolled, skip_if: record.email == () || record.city == \"\"}
to_left: {match: email, create: false, skip_if: record.vip}
conflict: newest
deleted: report
",
    );
    assert_eq!((sync.left.to_string(), sync.right.to_string()), ("warehouse.customers".into(), "crm.contacts".into()));
    assert_eq!(sync.every, Duration::from_secs(8 * 3600));
    let fields: Vec<_> =
        sync.fields.iter().map(|field| (field.left.as_str(), field.way, field.right.as_str(), field.policy)).collect();
    assert_eq!(
        fields,
        [
            ("name", Way::Both, "firstname", Policy::Overwrite),
            ("city", Way::Right, "lastname", Policy::Overwrite),
            ("since", Way::Right, "birthday", Policy::NeverBlank)
        ]
    );
    let (right, left) = (sync.to_right.expect("fields go there"), sync.to_left.expect("fields go there"));
    assert_eq!(
        (right.key.as_str(), right.key_from.as_str(), right.create, right.of),
        ("email", "email", true, SyncOf::Enrolled)
    );
    assert!(right.skip_if.is_some_and(|question| question.source().contains("record.city")));
    assert_eq!((left.create, left.of), (false, SyncOf::All));
    assert_eq!((sync.conflict, sync.deleted), (Conflict::Newest, Deleted::Report));
    assert_eq!(sync.not_run.to_string(), "flows/people.yaml:1: this version does not run `sync` yet");
}

#[test]
fn a_record_is_found_by_the_field_that_is_paired() {
    let sync = synced(
        "sync: people\nconnections: {other: postgres, crm: hubspot}\nbetween: [other.members, crm.contacts]\nevery: 1h\nfields: [mail -> email]\nto_right: {match: email}\n",
    );
    assert_eq!(sync.to_right.map(|right| right.key_from).as_deref(), Some("mail"));
    assert!(sync.to_left.is_none());
}

#[test]
fn records_are_enrolled_by_flows_of_either_side_and_of_none() {
    let sync = "sync: people\nconnections: {crm: hubspot, warehouse: sqlite}\nbetween: [crm.contacts, warehouse.customers]\nevery: 8h\nfields: [email <-> email]\nto_right: {match: email, of: enrolled}\nto_left: {match: email}\n";
    let flow = |trigger: &str, with: &str| {
        format!(
            "flow: f\nconnections: {{crm: hubspot, warehouse: sqlite}}\ntrigger: {trigger}\nsteps:\n  - do: sync.enrol\n    with: {with}\n"
        )
    };
    for (trigger, with) in [
        ("{poll: crm.contacts, every: 15s}", "{sync: people}"),
        ("{poll: crm.contacts, every: 15s}", "{sync: people, id: \"${ record.id }\"}"),
        (
            "{poll: warehouse.customers, by: updated_at, every: 15s}",
            "{sync: people, side: left, id: \"${ record.city }\"}",
        ),
        ("{poll: crm.deals, by: dealname, every: 15s}", "{sync: people, id: \"${ record.dealname }\"}"),
        ("{manual: {inputs: {id: {type: text, required: true}}}}", "{sync: people, id: \"${ inputs.id }\"}"),
    ] {
        let files = [SourceFile::new("flows/people.yaml", sync), SourceFile::new("flows/f.yaml", &flow(trigger, with))];
        let parsed = parse(&files);
        let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
        let synced = check_syncs(&parsed.syncs, &parsed.definitions, &catalog());
        let diagnostics: Vec<_> =
            parsed.diagnostics.into_iter().chain(checked.diagnostics).chain(synced.diagnostics).collect();
        assert!(diagnostics.is_empty(), "{}", text::render(&diagnostics, &files, text::Colour::Never));
        assert!(synced.mistaken.is_empty());
    }
}

#[test]
fn a_test_of_a_flow() {
    let files = [
        SourceFile::new(
            "flows/leads.test.yaml",
            r#"
test: leads
cases:
  - name: a customer is copied
    record: {id: "1", email: Ann@x.com, firstname: Ann, lifecyclestage: Customer, birthday: 2026-01-02, vip: true}
    given:
      - {find: crm.deals, gives: [{id: "7", dealname: Big, amount: 5}]}
      - {upsert: warehouse.customers, fails: transient}
    expect:
      - upsert: warehouse.customers
        set: {email: ann@x.com, name: Ann}
      - {do: crm.associate, with: {from: "1", to: "7"}}
      - {run: notify, with: {note: big}}
  - name: others are not
    record: {id: "2", email: bob@x.com}
    expect: skipped
  - name: nothing is known of it
    expect: [{step: customer, set_includes: {name: Ann}}]
"#,
        ),
        SourceFile::new(
            "flows/leads.yaml",
            r#"
flow: leads
connections: {crm: hubspot, warehouse: sqlite}
trigger: {poll: crm.contacts, every: 15s}
when: record.vip
steps:
  - find: crm.deals
    filter: {dealname: "${ record.email }"}
    many: true
    fields: [dealname]
    as: deals
  - upsert: warehouse.customers
    match: email
    set: {email: "${ record.email.to_lower() }", name: "${ record.firstname }"}
    as: customer
  - if: deals.len() > 0
    then:
      - do: crm.associate
        with: {from: "${ record.id }", to: "${ deals[0].id }"}
      - run: notify
        with: {note: big}
"#,
        ),
        SourceFile::new(
            "flows/notify.yaml",
            "flow: notify\ntrigger: {manual: {inputs: {note: {type: text}}}}\nsteps:\n  - skip: x\n",
        ),
        SourceFile::new(
            "flows/notify.test.yaml",
            "test: notify\ncases:\n  - {name: x, inputs: {note: hi}, expect: skipped}\n",
        ),
    ];
    let parsed = parse(&files);
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    let told = check_tests(&parsed.tests, &parsed.definitions, &catalog());
    let diagnostics: Vec<_> = parsed.diagnostics.into_iter().chain(checked.diagnostics).chain(told).collect();
    assert!(diagnostics.is_empty(), "{}", text::render(&diagnostics, &files, text::Colour::Never));
    assert_eq!((parsed.tests.len(), checked.flows.len()), (2, 2));
}
