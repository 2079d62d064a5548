//! Templates and what is made of them: an instance is the flow that somebody would have written by hand.

use std::time::Duration;

use sdk::{Filter, Test, Value};
use text::SourceFile;

use super::catalog;
use crate::{Checked, Every, Flow, FlowDefinition, ProjectDefaults, StepKind, Template, Trigger, check, parse};

const TEMPLATE: &str = r#"
flow: customers
version: 2
description: Copies customers.
inputs:
  interval: {type: duration, default: 15s, label: How often to look}
  field: {type: field, of: warehouse.customers, required: true}
  only: {type: filter, of: crm.contacts}
  pairs: {type: mapping, default: {name: firstname}}
  prefix: {type: text, default: "costs $${x}"}
  least: {type: number, default: 3}
  note: {type: text}
connections: {source: hubspot, target: sqlite}
trigger:
  poll: source.contacts
  every: ${ inputs.interval }
  filter: ${ inputs.only }
  where: record.score > inputs.least
steps:
  - upsert: target.customers
    match: ${ inputs.field }
    mapping:
      "${ inputs.field }": email
      city: "${ inputs.prefix } for ${ record.lastname }"
  - create: target.customers
    mapping: ${ inputs.pairs }
  - create: target.customers
    name: noted
    set:
      email: about ${ inputs.prefix }
      name: ${ inputs.note }
"#;

const INSTANCE: &str = "\
flow: acme
from: customers@2
enabled: true
bind: {source: crm, target: warehouse}
inputs:
  field: email
  interval: 5m
  only: {lifecyclestage: Customer}
";

fn checked(texts: &[&str]) -> (Vec<FlowDefinition>, Checked) {
    let files: Vec<_> = (1..).zip(texts).map(|(n, text)| SourceFile::new(format!("flows/{n}.yaml"), text)).collect();
    let parsed = parse(&files);
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    let diagnostics: Vec<_> = parsed.diagnostics.iter().chain(&checked.diagnostics).cloned().collect();
    assert!(diagnostics.is_empty(), "{}", text::render(&diagnostics, &files, text::Colour::Never));
    (parsed.definitions, checked)
}

fn instance(texts: &[&str]) -> Flow {
    let (_, checked) = checked(texts);
    assert_eq!(checked.flows.len(), 1, "a template makes no flow");
    Flow::clone(&checked.flows[0])
}

#[test]
fn an_instance_is_a_flow_of_its_own() {
    let flow = instance(&[TEMPLATE, INSTANCE]);
    assert_eq!((flow.id.as_str(), flow.file.to_str()), ("acme", Some("flows/2.yaml")));
    assert_eq!(flow.description.as_deref(), Some("Copies customers."));
    let Trigger::Poll(poll) = &flow.trigger else { panic!("it polls") };
    assert_eq!(poll.target.to_string(), "crm.contacts");
    assert_eq!(poll.every, Every::fixed(Duration::from_secs(300)));
    let stage = Filter::Field { field: "lifecyclestage".into(), test: Test::Eq(Value::from("customer")) };
    assert_eq!(poll.filter, Some(stage), "what is filled in is typed as if it stood there");
    assert_eq!(poll.fields, ["email", "firstname", "lastname", "lifecyclestage", "score"]);

    let StepKind::Upsert { write, .. } = &flow.steps[0].kind else { panic!() };
    assert_eq!(write.target.to_string(), "warehouse.customers");
    let set: Vec<_> = write.set.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(set, ["email", "city"]);
    let StepKind::Create(write) = &flow.steps[2].kind else { panic!() };
    let about = ("email".to_owned(), "about costs ${x}".to_owned());
    let literals: Vec<_> = write
        .set
        .iter()
        .map(|(field, value)| match value {
            Template::Literal(value) => (field.clone(), value.to_text()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(literals, [about], "an input that is not filled in leaves its key out");
    assert_eq!(flow.inputs.get("least"), Some(&Value::Int(3)));
    assert_eq!(flow.inputs.get("note"), Some(&Value::Null));
    assert_eq!(flow.inputs.get("prefix"), Some(&Value::from("costs ${x}")));
}

#[test]
fn what_is_filled_in_makes_no_expression_with_what_stands_around_it() {
    let template = "flow: t\nversion: 1\ninputs:\n  a: {type: text}\n  b: {type: text, default: '{record}'}\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - skip: \"in ${ inputs.a }{record.vip}, ${ inputs.a }${ inputs.b }\"\n";
    for (filled_in, read) in [("$", "$"), ("$$", "$$"), ("$${x}$", "${x}$")] {
        let flow = instance(&[template, &format!("flow: acme\nfrom: t@1\ninputs: {{a: '{filled_in}'}}\n")]);
        let StepKind::Skip(Template::Literal(reason)) = &flow.steps[0].kind else { panic!("{:?}", flow.steps[0]) };
        assert_eq!(reason.to_text(), format!("in {read}{{record.vip}}, {read}{{record}}"));
    }
}

#[test]
fn a_run_that_fails_names_the_file_that_the_expression_is_in() {
    let flow = instance(&[TEMPLATE, INSTANCE]);
    let record = empty_record();
    let mut scope = crate::Scope::new(&flow, &record, sdk::RunId(uuid::Uuid::nil()), sdk::Timestamp::EPOCH);
    let failed = flow.trigger.condition().expect("it asks").ask(&mut scope).expect_err("nothing has no order");
    assert!(failed.message.contains("flows/1.yaml:18:"), "{}", failed.message);

    let routed = "flow: t\nversion: 1\ninputs: {rules: {type: rules, required: true}}\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - route: ${ inputs.rules }\n";
    let rules =
        "flow: acme\nfrom: t@1\ninputs:\n  rules:\n    - when: record.score > 3\n      steps:\n        - skip: high\n";
    let flow = instance(&[routed, rules]);
    let StepKind::Route { rules, .. } = &flow.steps[0].kind else { panic!("it routes") };
    let crate::RuleQuestion::When(when) = &rules[0].question else { panic!("it asks") };
    let mut scope = crate::Scope::new(&flow, &record, sdk::RunId(uuid::Uuid::nil()), sdk::Timestamp::EPOCH);
    let failed = when.ask(&mut scope).expect_err("nothing has no order");
    assert!(failed.message.contains("flows/2.yaml:5:"), "{}", failed.message);
}

fn empty_record() -> sdk::Record {
    sdk::Record {
        id: sdk::RecordId::from("1"),
        created: None,
        modified: sdk::Timestamp::EPOCH,
        fields: [("score".to_owned(), Value::Null)].into(),
    }
}

#[test]
fn versions_of_a_template_stand_side_by_side() {
    let first = TEMPLATE.replace("version: 2", "version: 1").replace("default: 15s", "default: 30s");
    let (definitions, checked) = checked(&[
        TEMPLATE,
        &first,
        INSTANCE,
        "flow: b\nfrom: customers@1\nbind: {source: crm, target: warehouse}\ninputs: {field: email, pairs: {email: email}}\n",
    ]);
    assert_eq!(definitions.iter().filter(|definition| definition.is_template()).count(), 2);
    let every: Vec<_> =
        checked.flows.iter().map(|flow| flow.trigger.poll().map(|poll| poll.every.min.as_secs())).collect();
    assert_eq!(every, [Some(300), Some(30)]);
}

#[test]
fn what_is_filled_in_is_never_an_expression() {
    let hostile = format!("{INSTANCE}  prefix: \"x $${{ record.email }} `${{y}}`\"\n");
    let files = [SourceFile::new("t.yaml", TEMPLATE), SourceFile::new("i.yaml", &hostile)];
    let parsed = parse(&files);
    assert_eq!(parsed.diagnostics.len(), 1, "{:?}", parsed.diagnostics);
    assert_eq!(parsed.diagnostics[0].code, crate::codes::NO_EXPRESSION);

    let literal = format!("{INSTANCE}  prefix: \"x $${{ record.email }}\"\n");
    let flow = instance(&[TEMPLATE, &literal]);
    let StepKind::Create(write) = &flow.steps[2].kind else { panic!() };
    assert!(matches!(&write.set[0].1, Template::Literal(value) if value.to_text() == "about x ${ record.email }"));
}

#[test]
fn inputs_of_a_form_and_of_a_caller_are_both_read() {
    let flow = instance(&[
        "flow: t\nversion: 1\ninputs: {greeting: {type: text, required: true}}\ntrigger: {manual: {inputs: {name: {type: text, required: true}}}}\nwhen: inputs.greeting != \"\"\nsteps:\n  - stop: {return: \"${ inputs.greeting } ${ inputs.name }\"}\n",
        "flow: hello\nfrom: t@1\ninputs: {greeting: Hello}\n",
    ]);
    let Trigger::Manual(manual) = &flow.trigger else { panic!("it waits") };
    assert_eq!(manual.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["name"]);
    let record = sdk::Record { fields: [("name".to_owned(), Value::from("Ann"))].into(), ..empty_record() };
    let run = sdk::RunId(uuid::Uuid::nil());
    let mut scope = crate::Scope::new(&flow, &record, run, sdk::Timestamp::EPOCH);
    let StepKind::Stop(Some(template)) = &flow.steps[0].kind else { panic!("it stops with a value") };
    assert_eq!(template.evaluate(&mut scope).map_err(|error| error.message), Ok(Value::from("Hello Ann")));
    let asked = flow.when.as_ref().expect("it asks").ask(&mut scope);
    assert!(asked.is_ok_and(|answer| answer));
}

#[test]
fn a_name_is_bound_without_a_template() {
    let flow = instance(&[
        "flow: x\nconnections: {source: hubspot}\nbind: {source: crm}\ntrigger: {poll: source.contacts, every: 15s}\nsteps:\n  - do: source.associate\n    with: {from: a, to: b}\n",
    ]);
    assert_eq!(flow.trigger.source().map(ToString::to_string).as_deref(), Some("crm.contacts"));
    assert!(matches!(&flow.steps[0].kind, StepKind::Do(call) if call.connection.as_str() == "crm"));
}

#[test]
fn a_value_without_end_makes_no_tree_without_end() {
    let value = format!("[{}]", "1, ".repeat(20_000));
    let uses = "      - ${ inputs.many }\n".repeat(5_000);
    let template = format!(
        "flow: t\nversion: 1\ninputs: {{many: {{type: rules, required: true}}, x: {{type: object, default: {{a: {value}}}}}}}\ntrigger: {{manual: }}\nsteps:\n  - let:\n      a:\n{}",
        uses.replace("inputs.many", "inputs.x")
    );
    let parsed = parse(&[SourceFile::new("t.yaml", &template)]);
    assert!(parsed.diagnostics.iter().any(|one| one.message.contains("too large")), "{:?}", parsed.diagnostics);
}
