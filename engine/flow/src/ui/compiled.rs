//! Good flows, and what they become.

use std::time::Duration;

use sdk::{Ambiguous, Filter, Test, Value};
use text::SourceFile;

use super::catalog;
use crate::expr::{FilterTemplate, Template};
use crate::{
    Flow, Many, On, OnError, OnMissing, Policy, ProjectDefaults, RuleQuestion, Start, StepKind, Trigger, UpsertKey,
    Wait, check, parse,
};

/// The only flow of a text without any diagnostic.
fn compile(text: &str) -> Flow {
    let file = SourceFile::new("flows/x.yaml", text);
    let parsed = parse(std::slice::from_ref(&file));
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    let diagnostics: Vec<_> = parsed.diagnostics.into_iter().chain(checked.diagnostics).collect();
    assert!(diagnostics.is_empty(), "{}", text::render(&diagnostics, &[file], text::Colour::Never));
    Flow::clone(&checked.flows[0])
}

fn expression(template: &Template) -> String {
    match template {
        Template::Expression(expression) => expression.source().trim().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_example_of_the_language() {
    let flow = compile(
        r#"
flow: customers-to-warehouse              # renaming needs `was: old-id`, or its cursor starts anew
version: 1                                # of a template; instances name it
description: Copies every HubSpot customer into the warehouse.
labels: {team: revops}

connections:                              # names used below -> the connector each must be of
  crm: hubspot
  warehouse: sqlite

trigger:
  poll: crm.contacts
  on: new_or_updated
  every: 15s
  start: now                              # now (default) | beginning | an RFC 3339 time
  filter: {lifecyclestage: Customer}      # the label; the value is sent
  where: record.email != ()               # records that fail it make no run; counted

when: not(record.email.ends_with("@example.com"))   # false: the run ends as skipped

keys: {email: "${ record.email }"}        # business keys that operators search runs by

steps:
  - upsert: warehouse.customers
    match: email
    set:
      email: ${ record.email.to_lower() }
      name: ${ join_words(record.firstname, record.lastname) }   # empty parts are left out
      since: ${ date(record.createdate) }
    as: customer                          # its result: customer.id, customer.created, customer.changed
"#,
    );
    assert_eq!(flow.id.as_str(), "customers-to-warehouse");
    assert_eq!(flow.description.as_deref(), Some("Copies every HubSpot customer into the warehouse."));
    assert!(flow.enabled && flow.was.is_none());
    let Trigger::Poll(poll) = &flow.trigger else { panic!("it polls") };
    assert_eq!(poll.target.to_string(), "crm.contacts");
    assert_eq!(
        (poll.on, poll.every, poll.start),
        (On::NewOrUpdated, crate::Every::fixed(Duration::from_secs(15)), Start::Now)
    );
    let stage = Filter::Field { field: "lifecyclestage".into(), test: Test::Eq(Value::from("customer")) };
    assert_eq!(poll.filter, Some(stage));
    assert_eq!(poll.condition.as_ref().map(|condition| condition.source()), Some("record.email != ()"));
    assert_eq!(poll.fields, ["createdate", "email", "firstname", "lastname", "lifecyclestage"]);
    assert!(flow.when.is_some());
    assert_eq!(flow.keys.len(), 1);
    assert_eq!(expression(&flow.keys[0].1), "record.email");
    let [step] = &flow.steps[..] else { panic!("{:?}", flow.steps) };
    assert_eq!((step.name.as_str(), step.result.as_deref()), ("customer", Some("customer")));
    let StepKind::Upsert { key: UpsertKey::Fields(fields), ambiguous: Ambiguous::Fail, write } = &step.kind else {
        panic!("{step:?}")
    };
    assert_eq!(fields, &["email"]);
    let set: Vec<_> = write.set.iter().map(|(field, value)| format!("{field}={}", expression(value))).collect();
    assert_eq!(
        set,
        [
            "email=record.email.to_lower()",
            "name=join_words(record.firstname, record.lastname)",
            "since=date(record.createdate)"
        ]
    );
}

#[test]
fn every_verb_of_this_version() {
    let flow = compile(
        r#"
flow: all-verbs
was: some-verbs
enabled: false
timezone: Europe/Berlin
limits: {runs: 4, records_per_poll: 500}
connections: {crm: hubspot, warehouse: sqlite, other: postgres}
trigger: {poll: crm.contacts, every: 1m, on: new, start: 2026-01-02T10:00:00Z}
steps:
  - find: crm.contacts
    filter:
      any: [{email: "${ record.email }"}, {score: {gt: 10, lte: 20}}, {birthday: {exists: true}}]
    as: twin
  - skip: no twin for ${ record.id }
    when: twin == ()
  - let: {owner: "${ twin.hubspot_owner_id ?? \"nobody\" }", greeting: "Hello ${ twin.firstname }", fixed: [1, {a: b}]}
  - if: owner == "nobody"
    then:
      - create: crm.deals
        set: {dealname: "${ greeting }", amount: 12.5}
        as: deal
      - update: crm.deals
        id: ${ deal.id }
        set: {amount: 0}
        retry: {attempts: 3, initial: 2s, max: 1m}
    else:
      if: twin.score > 5
      then:
        - stop: {return: "${ twin.id }"}
      else:
        - fail: text with $${ and ${ record.email }
  - find: other.things
    id: 12
    many: true
    limit: 7
    none: fail
    fields: [b, a]
    as: things
  - upsert: crm.contacts
    match: id
    id: ${ things.len() }
    ambiguous: skip
    when: record.vip
    set:
      lifecyclestage: Lead
      birthday: 2026-01-31
      email: |
        ${ record.email }
    as: twin_again
  - stop:
    when: twin_again?.id != ()
  - stop:
"#,
    );
    assert!(!flow.enabled);
    assert_eq!(flow.was.as_ref().map(|was| was.as_str()), Some("some-verbs"));
    assert_eq!(flow.timezone.iana_name(), Some("Europe/Berlin"));
    assert_eq!((flow.limits.runs, flow.limits.records_per_poll), (4, Some(500)));
    let Trigger::Poll(poll) = &flow.trigger else { panic!("it polls") };
    assert_eq!(poll.start, Start::At(sdk::Timestamp::parse("2026-01-02T10:00:00Z").unwrap()));
    assert_eq!(poll.fields, ["email", "vip"]);
    let names: Vec<_> = flow.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["twin", "skip", "let", "if", "things", "twin_again", "stop_2", "stop_3"]);

    let StepKind::Find(twin) = &flow.steps[0].kind else { panic!() };
    assert_eq!((twin.many, twin.none), (Many::One, OnMissing::Continue));
    assert_eq!(twin.fields, ["birthday", "email", "firstname", "hubspot_owner_id", "score"]);
    let FilterTemplate::Any(any) = &twin.filter else { panic!("{:?}", twin.filter) };
    assert!(matches!(&any[1], FilterTemplate::All(two) if two.len() == 2));

    let StepKind::Let(values) = &flow.steps[2].kind else { panic!() };
    assert!(matches!(&values[1].1, Template::Text(parts) if parts.len() == 2));
    assert!(matches!(&values[2].1, Template::Literal(Value::List(items)) if items.len() == 2));

    let StepKind::If { then, otherwise, .. } = &flow.steps[3].kind else { panic!() };
    assert_eq!(then[1].retry.attempts, 3);
    assert!(then[1].retry.attempts_written && !then[0].retry.attempts_written);
    assert_eq!(then[1].name.as_str(), "update_deals");
    let StepKind::If { otherwise: nested, .. } = &otherwise[0].kind else { panic!() };
    assert!(matches!(&nested[0].kind, StepKind::Fail(Template::Text(_))));

    let StepKind::Find(things) = &flow.steps[4].kind else { panic!() };
    assert_eq!((things.many, things.fields.join(" ").as_str()), (Many::List(7), "a b"));

    let StepKind::Upsert { key: UpsertKey::Id(_), ambiguous: Ambiguous::Skip, write } = &flow.steps[5].kind else {
        panic!()
    };
    assert!(matches!(&write.set[0].1, Template::Literal(Value::Text(stage)) if stage == "lead"));
    assert!(matches!(&write.set[1].1, Template::Literal(Value::Date(_))));
    assert_eq!(expression(&write.set[2].1), "record.email");
}

#[test]
fn a_mapping_becomes_values_and_policies() {
    let flow = compile(
        r#"
flow: a
connections: {crm: hubspot, warehouse: sqlite}
trigger: {poll: crm.contacts, every: 15s}
steps:
  - find: crm.contacts
    filter: {email: a@b.co}
    as: twin
  - upsert: warehouse.customers
    match: email
    when: twin != ()
    source: ${ twin }
    mapping:
      email: email
      name: {from: firstname, policy: fill_if_empty}
      city: "${ record.lastname }"
    timeout: 5s
    on_error: continue
    as: customer
  - create: warehouse.customers
    mapping:
      email: email
      name: {from: score, type: text, policy: never_blank}
  - skip: ${ errors.customer?.message ?? customer?.id }
"#,
    );
    let StepKind::Find(twin) = &flow.steps[0].kind else { panic!() };
    assert_eq!(twin.fields, ["email", "firstname"]);
    let Trigger::Poll(poll) = &flow.trigger else { panic!("it polls") };
    assert_eq!(poll.fields, ["email", "lastname", "score"]);
    let StepKind::Upsert { write, .. } = &flow.steps[1].kind else { panic!() };
    let set: Vec<_> = write.set.iter().map(|(field, value)| format!("{field}={}", expression(value))).collect();
    assert_eq!(set, [r#"email=twin["email"]"#, r#"name=twin["firstname"]"#, "city=record.lastname"]);
    assert_eq!(write.policies, [("name".to_owned(), Policy::FillIfEmpty)].into());
    assert_eq!((flow.steps[1].timeout, flow.steps[1].on_error), (Some(Duration::from_secs(5)), OnError::Continue));
    let StepKind::Create(write) = &flow.steps[2].kind else { panic!() };
    let converted = r#"if is_blank(record["score"]) { () } else { to_string(record["score"]) }"#;
    assert_eq!(expression(&write.set[1].1), converted);
    assert_eq!(write.policies, [("name".to_owned(), Policy::NeverBlank)].into());
}

#[test]
fn steps_that_hold_steps() {
    let flow = compile(
        r#"
flow: a
connections: {crm: hubspot, warehouse: sqlite}
trigger: {poll: crm.contacts, every: 15s}
steps:
  - find: crm.contacts
    filter: {lastname: "${ record.lastname }"}
    many: true
    as: twins
  - route:
      - name: vips
        when: record.vip
        steps:
          - wait: 1h30m
      - filter: {score: {gt: 10}}
        steps:
          - wait: "${ record.birthday.add_days(3) }"
            name: birthday
    default:
      - skip: neither
  - each: ${ twins }
    item: twin
    key: ${ twin.id }
    limit: 5
    steps:
      - create: warehouse.customers
        source: ${ twin }
        mapping: {email: email}
    as: copies
  - if: copies.len() > 1
    then:
      - let: {found: true}
    as: several
  - skip: ${ copies[0].id } ${ several?.found }
"#,
    );
    let StepKind::Find(twins) = &flow.steps[0].kind else { panic!() };
    assert_eq!(twins.fields, ["email", "lastname"]);
    let Trigger::Poll(poll) = &flow.trigger else { panic!("it polls") };
    assert_eq!(poll.fields, ["birthday", "lastname", "score", "vip"]);
    let StepKind::Route { rules, default } = &flow.steps[1].kind else { panic!() };
    assert_eq!(rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["vips", "2"]);
    assert!(matches!(rules[0].steps[0].kind, StepKind::Wait(Wait::For(duration)) if duration.as_secs() == 5400));
    assert!(matches!(&rules[1].steps[0].kind, StepKind::Wait(Wait::Until(_))));
    assert!(matches!(rules[1].question, RuleQuestion::Filter(_)));
    assert_eq!(default.len(), 1);
    let StepKind::Each(each) = &flow.steps[2].kind else { panic!() };
    assert_eq!((each.item.as_str(), each.limit, each.steps.len()), ("twin", 5, 1));
    assert_eq!(each.key.as_ref().map(expression).as_deref(), Some("twin.id"));
}

#[test]
fn a_name_that_was_asked_for_is_set() {
    let flow = compile(
        r#"
flow: a
connections: {crm: hubspot}
trigger: {poll: crm.contacts, every: 15s}
steps:
  - find: crm.contacts
    filter: {email: "${ record.email }"}
    as: twin
  - if: twin != () && twin.firstname == "a || b"
    then:
      - let: {name: "${ twin.lastname }"}
    else:
      - let: {name: "${ twin?.lastname }"}
  - skip: ${ twin.firstname }
    when: not(twin == ())
  - if: twin == ()
    then:
      - fail: none
  - skip: ${ twin.email } of ${ run.id } at ${ record.meta.updated }
"#,
    );
    let StepKind::Find(twin) = &flow.steps[0].kind else { panic!() };
    assert_eq!(twin.fields, ["email", "firstname", "lastname"]);
}

#[test]
fn unknown_schemas_are_not_guessed_at() {
    let flow = compile(
        "flow: a\nconnections: {other: postgres}\ntrigger: {poll: other.anything, every: 1s}\nsteps:\n  - create: other.more\n    set: {whatever: \"${ record.x }\"}\n",
    );
    let Trigger::Poll(poll) = &flow.trigger else { panic!("it polls") };
    assert_eq!(poll.fields, ["x"]);
}

#[test]
fn a_bad_flow_takes_no_other_down() {
    let files = [
        SourceFile::new(
            "a.yaml",
            "flow: a\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - skip: ${ record.nope }\n",
        ),
        SourceFile::new(
            "b.yaml",
            "flow: b\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - skip: x\n",
        ),
    ];
    let parsed = parse(&files);
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    assert_eq!(checked.flows.iter().map(|flow| flow.id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(checked.diagnostics.len(), 1);
}

#[test]
fn flows_of_one_id_are_both_left_out() {
    let text = "flow: a\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - skip: x\n";
    let parsed = parse(&[SourceFile::new("a.yaml", text), SourceFile::new("b.yaml", text)]);
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    assert!(checked.flows.is_empty());
    assert_eq!(checked.diagnostics.len(), 1);
}

#[test]
fn an_option_is_asked_for_by_its_label_too() {
    let asked = |question: &str| {
        let flow = compile(&format!(
            "flow: a\nconnections: {{crm: hubspot}}\ntrigger: {{poll: crm.contacts, every: 15s}}\nwhen: {question}\nsteps:\n  - skip: done\n"
        ));
        flow.when.map(|question| question.source().to_owned()).expect("it asks")
    };
    assert_eq!(asked("record.lifecyclestage == \"Customer\""), "record.lifecyclestage == \"customer\"");
    assert_eq!(
        asked(
            "record.vip && \"Lead\" != record.lifecyclestage && record[\"lifecyclestage\"] in [\"other\", \"Customer\"]"
        ),
        "record.vip && \"lead\" != record.lifecyclestage && record[\"lifecyclestage\"] in [\"other\", \"customer\"]"
    );
    assert_eq!(asked("record.firstname == \"Customer\""), "record.firstname == \"Customer\"", "text is only itself");

    // Of what was looked up it was the label that was compared, which no record holds.
    let flow = compile(
        r#"
flow: a
connections: {crm: hubspot}
trigger: {poll: crm.contacts, every: 15s}
steps:
  - find: crm.contacts
    id: 12
    none: skip
    as: twin
  - find: crm.deals
    filter: {tags: {contains: Big}}
    many: true
    as: deals
  - each: ${ deals }
    steps:
      - skip: x
        when: item.tags.contains("Big") || "Small" in item.tags || item.dealname.contains("Big")
  - skip: x
    when: twin.lifecyclestage == "Customer"
"#,
    );
    let when = |step: &crate::Step| step.when.as_ref().map(|question| question.source().to_owned()).expect("it asks");
    assert_eq!(when(&flow.steps[3]), "twin.lifecyclestage == \"customer\"");
    let StepKind::Each(each) = &flow.steps[2].kind else { panic!() };
    let wanted = "item.tags.contains(\"big\") || \"small\" in item.tags || item.dealname.contains(\"Big\")";
    assert_eq!(when(&each.steps[0]), wanted);
    let StepKind::Find(deals) = &flow.steps[1].kind else { panic!() };
    let FilterTemplate::Field { test: crate::expr::TestTemplate::Contains(Template::Literal(value)), .. } =
        &deals.filter
    else {
        panic!("{:?}", deals.filter)
    };
    assert_eq!(value.as_text(), Some("big"));
}

#[test]
fn the_fields_of_a_list_are_those_that_are_read_of_its_items() {
    let flow = compile(
        r#"
flow: a
connections: {crm: hubspot}
trigger: {poll: crm.contacts, every: 15s}
steps:
  - find: crm.deals
    filter: {dealname: "${ record.email }"}
    many: true
    as: deals
  - skip: ${ deals.pluck("dealname").join(", ") }, the first over ${ first(deals)?.amount } of ${ deals.len() }
    when: deals.len() > 0
"#,
    );
    let StepKind::Find(deals) = &flow.steps[0].kind else { panic!() };
    assert_eq!(deals.fields, ["amount", "dealname"], "nobody had to list them");
}

#[test]
fn a_filter_asks_for_ids_as_text() {
    let flow = compile(
        "flow: a\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s, filter: {id: {in: [5, x]}}}\nsteps:\n  - skip: x\n",
    );
    let Trigger::Poll(poll) = &flow.trigger else { panic!("it polls") };
    let wanted = sdk::Test::In(vec!["5".into(), "x".into()]);
    assert_eq!(poll.filter, Some(sdk::Filter::Field { field: "id".to_owned(), test: wanted }));
}
