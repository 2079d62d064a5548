//! Good flows that are started in other ways than by a poll of new records, and flows that call others.

use std::time::Duration;

use proptest::prelude::*;
use sdk::{FieldType, Filter, Record, RecordId, RunId, Test, Timestamp, Value};
use text::SourceFile;

use super::catalog;
use crate::{Every, Flow, Missed, On, ProjectDefaults, Scope, StepKind, Template, Times, Trigger, check, parse};

const HEAD: &str = "flow: a\nconnections: {crm: hubspot, warehouse: sqlite}\n";

/// The flows of some files, without any diagnostic.
fn compile_all(texts: &[&str]) -> Vec<Flow> {
    let files: Vec<_> = (1..).zip(texts).map(|(n, text)| SourceFile::new(format!("flows/{n}.yaml"), text)).collect();
    let parsed = parse(&files);
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    let diagnostics: Vec<_> = parsed.diagnostics.into_iter().chain(checked.diagnostics).collect();
    assert!(diagnostics.is_empty(), "{}", text::render(&diagnostics, &files, text::Colour::Never));
    checked.flows.iter().map(|flow| Flow::clone(flow)).collect()
}

fn compile(rest: &str) -> Flow {
    compile_all(&[&format!("{HEAD}{rest}")]).remove(0)
}

fn trigger(text: &str) -> Trigger {
    compile(&format!("trigger: {text}\nsteps:\n  - skip: done\n")).trigger
}

#[test]
fn a_poll_that_looks_less_often_while_nothing_happens() {
    let Trigger::Poll(poll) = trigger("{poll: crm.contacts, every: {min: 15s, max: 15m}, on: archived}") else {
        panic!("it polls")
    };
    assert_eq!(poll.every, Every { min: Duration::from_secs(15), max: Duration::from_secs(900) });
    assert_eq!(poll.on, On::Archived);
}

#[test]
fn schedules() {
    let schedule = |text: &str| match trigger(text) {
        Trigger::Schedule(schedule) => schedule,
        other => panic!("{other:?}"),
    };
    let eight = schedule("{schedule: \" 0  */8 * * * \", missed: skip}");
    assert_eq!((eight.times, eight.missed), (Times::Cron("0 */8 * * *".to_owned()), Missed::Skip));
    let often = schedule("{every: 5m}");
    assert_eq!((often.times, often.missed), (Times::Every(Duration::from_secs(300)), Missed::RunOnce));
    assert_eq!(schedule("{schedule: '@daily'}").times, Times::Cron("@daily".to_owned()));
    assert!(eight.walk.is_none() && often.walk.is_none());
}

#[test]
fn a_schedule_that_walks_all_records() {
    let flow = compile(
        "
trigger:
  schedule: 0 3 * * *
  each: crm.contacts
  filter: {lifecyclestage: Customer}
  where: record.score > 1
keys: {email: \"${ record.email }\"}
steps:
  - create: warehouse.customers
    mapping: {name: firstname}
",
    );
    let Trigger::Schedule(schedule) = &flow.trigger else { panic!("it goes by the clock") };
    let walk = schedule.walk.as_ref().unwrap();
    assert_eq!(walk.target.to_string(), "crm.contacts");
    assert_eq!(walk.fields, ["email", "firstname", "lifecyclestage", "score"]);
    let stage = Filter::Field { field: "lifecyclestage".into(), test: Test::Eq(Value::from("customer")) };
    assert_eq!(walk.filter, Some(stage));
    assert_eq!(walk.condition.as_ref().map(|condition| condition.source()), Some("record.score > 1"));
}

const MANUAL: &str = "
trigger:
  manual:
    inputs:
      email: {type: text, required: true, label: To whom, help: one address}
      amount: {type: number, default: 5}
      size: {type: choice, options: [low, high], default: low}
      day: {type: date, default: 2026-01-31}
      note: {type: text}
";

#[test]
fn inputs_of_a_caller() {
    let flow = compile(&format!("{MANUAL}keys: {{email: \"${{ inputs.email }}\"}}\nsteps:\n  - skip: done\n"));
    let Trigger::Manual(manual) = &flow.trigger else { panic!("somebody starts it") };
    let told: Vec<_> =
        manual.inputs.iter().map(|input| (input.name.as_str(), input.field_type, input.required)).collect();
    let wanted = [
        ("email", FieldType::Text, true),
        ("amount", FieldType::Number, false),
        ("size", FieldType::Choice, false),
        ("day", FieldType::Date, false),
        ("note", FieldType::Text, false),
    ];
    assert_eq!(told, wanted);
    assert_eq!(
        (manual.inputs[0].label.as_deref(), manual.inputs[0].help.as_deref()),
        (Some("To whom"), Some("one address"))
    );
    assert_eq!(manual.inputs[3].default, Some(Value::Date("2026-01-31".parse().unwrap())));
    assert_eq!(manual.inputs[2].options, ["low", "high"]);
}

#[test]
fn an_input_that_was_asked_for_is_set() {
    compile(&format!(
        "{MANUAL}steps:
  - skip: ${{ inputs.note ?? \"\" }} ${{ inputs.note?.len() }} ${{ is_blank(inputs.note) }}
    when: inputs.note == () || inputs.note.len() > 3
  - if: inputs.note != ()
    then:
      - skip: ${{ inputs.note.to_upper() }}
  - let:
      n: ${{ if inputs.note == () {{ 1 }} else {{ inputs.note.len() }} }}
  - skip: empty
    when: inputs.note == ()
  - skip: ${{ inputs.note.len() }}
"
    ));
}

/// What an expression of a flow gives for the fields of its run's stored record.
fn seen(flow: &Flow, fields: &[(&str, Value)]) -> Result<Value, String> {
    let record = Record {
        id: RecordId::new("7"),
        created: None,
        modified: Timestamp::EPOCH,
        fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    };
    let mut scope = Scope::new(flow, &record, RunId(uuid::Uuid::nil()), Timestamp::EPOCH);
    let StepKind::Stop(Some(template)) = &flow.steps[0].kind else { panic!("it stops with a value") };
    template.evaluate(&mut scope).map_err(|error| error.message)
}

#[test]
fn what_was_given_is_seen_and_what_was_not_has_its_default() {
    let flow = compile(&format!(
        "{MANUAL}steps:\n  - stop: {{return: [\"${{ inputs.email }}\", \"${{ inputs.amount }}\", \"${{ inputs.note ?? () }}\"]}}\n"
    ));
    let given = [("email", Value::from("a@x.com")), ("unknown", Value::Int(1)), ("amount", Value::Null)];
    assert_eq!(seen(&flow, &given), Ok(Value::List(vec![Value::from("a@x.com"), Value::Int(5), Value::Null])));
    let given = [("email", Value::from("b")), ("amount", Value::Int(2)), ("note", Value::from("n"))];
    assert_eq!(seen(&flow, &given), Ok(Value::List(vec![Value::from("b"), Value::Int(2), Value::from("n")])));
}

#[test]
fn a_run_by_the_clock_sees_the_time_and_no_record() {
    let flow = compile("trigger: {every: 1h}\nsteps:\n  - stop: {return: \"${ flow.id }\"}\n");
    assert_eq!(seen(&flow, &[("email", Value::from("a"))]), Ok(Value::from("a")));
}

#[test]
fn calls() {
    let flows = compile_all(&[
        &format!(
            "{HEAD}trigger: {{poll: crm.contacts, every: 15s}}
steps:
  - do: crm.associate
    with: {{from: \"${{ record.id }}\", to: \"12\", weight: 2, label: primary}}
  - each: [1, 2]
    steps:
      - run: b-notify
        with: {{email: \"${{ record.email }}\", amount: 3, day: 2026-05-01}}
        as: told
      - skip: ${{ told.anything }}
  - do: crm.associate
    with: {{from: \"1\", to: \"2\"}}
    name: again
    on_error: continue
    retry: {{attempts: 2}}
    as: link
  - skip: ${{ link?.id }} ${{ errors.again?.class }}
"
        ),
        &format!("{}{MANUAL}steps:\n  - skip: done\n", HEAD.replace("flow: a", "flow: b-notify")),
    ]);
    let StepKind::Do(call) = &flows[0].steps[0].kind else { panic!("it does something") };
    assert_eq!((call.connection.as_str(), call.action.as_str(), call.with.len()), ("crm", "associate", 4));
    assert_eq!(flows[0].steps[0].name.as_str(), "do_associate");
    let StepKind::Each(each) = &flows[0].steps[1].kind else { panic!("it loops") };
    let StepKind::Run(call) = &each.steps[0].kind else { panic!("it calls") };
    assert_eq!(call.flow.as_str(), "b-notify");
    let day = Template::Literal(Value::Date("2026-05-01".parse().unwrap()));
    assert_eq!(format!("{:?}", call.with[2].1), format!("{day:?}"));
}

#[test]
fn actions_that_are_not_known_are_not_guessed_at() {
    let flow = compile_all(&[
        "flow: a\nconnections: {other: postgres}\ntrigger: {every: 1h}\nsteps:\n  - do: other.vacuum\n    with: {table: x}\n",
    ])
    .remove(0);
    assert!(matches!(&flow.steps[0].kind, StepKind::Do(call) if call.action == "vacuum"));
}

#[test]
fn a_connection_is_used_by_its_action_alone() {
    let file = SourceFile::new(
        "a.yaml",
        "flow: a\nconnections: {crm: hubspot}\ntrigger: {every: 1h}\nsteps:\n  - skip: x\non_failure:\n  - do: crm.associate\n    with: {from: a, to: b}\n",
    );
    let definition = &parse(&[file]).definitions[0];
    assert!(definition.uses().is_empty());
    assert!(definition.acts_at(&"crm".into()) && !definition.acts_at(&"warehouse".into()));
}

#[test]
fn steps_after_a_failure() {
    let flow = compile(
        "
trigger: {poll: crm.contacts, every: 15s, where: record.email != ()}
steps:
  - find: crm.contacts
    filter: {email: \"${ record.email }\"}
    as: twin
  - update: crm.contacts
    id: ${ twin?.id ?? record.id }
    set: {firstname: x}
on_failure:
  - find: crm.contacts
    filter: {email: \"${ record.lastname }\"}
    as: owner
  - create: crm.deals
    set: {dealname: \"${ failure.step } ${ failure.class } ${ failure.message } ${ failure.attempt } ${ owner?.score }\"}
    when: failure.class != \"transient\" && record.vip
    on_error: continue
",
    );
    let [StepKind::Find(twin), _] = [&flow.steps[0].kind, &flow.steps[1].kind] else { panic!() };
    assert_eq!(twin.fields, ["email"]);
    let StepKind::Find(owner) = &flow.on_failure[0].kind else { panic!() };
    assert_eq!(owner.fields, ["email", "score"]);
    assert_eq!(flow.trigger.fields(), ["email", "lastname", "vip"]);
    assert_eq!(flow.on_failure[1].name.as_str(), "create_deals");
}

/// Flows `f0`, `f1`, … each calling some others.
fn project(calls: &[Vec<usize>]) -> Vec<SourceFile> {
    let text = |number: usize, calls: &Vec<usize>| {
        let steps: String = calls.iter().map(|other| format!("  - run: f{other}\n    name: to_{other}\n")).collect();
        format!("flow: f{number}\ntrigger: {{manual: }}\nsteps:\n  - skip: x\n    when: false\n{steps}")
    };
    calls
        .iter()
        .enumerate()
        .map(|(number, calls)| SourceFile::new(format!("f{number}.yaml"), &text(number, calls)))
        .collect()
}

/// The flows from which a call leads back to them.
fn on_a_circle(calls: &[Vec<usize>]) -> Vec<bool> {
    let n = calls.len();
    let mut reach: Vec<Vec<bool>> = (0..n).map(|from| (0..n).map(|to| calls[from].contains(&to)).collect()).collect();
    for middle in 0..n {
        for from in 0..n {
            for to in 0..n {
                reach[from][to] |= reach[from][middle] && reach[middle][to];
            }
        }
    }
    (0..n).map(|flow| reach[flow][flow]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_flow_on_a_circle_runs_and_every_other_does(
        calls in (1..6_usize).prop_flat_map(|n| proptest::collection::vec(
            proptest::collection::btree_set(0..n, 0..3).prop_map(|calls| calls.into_iter().collect::<Vec<_>>()),
            n,
        )),
    ) {
        let files = project(&calls);
        let parsed = parse(&files);
        let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
        for (number, is_on_a_circle) in on_a_circle(&calls).into_iter().enumerate() {
            let runs = checked.flows.iter().any(|flow| flow.id.as_str() == format!("f{number}"));
            prop_assert_eq!(runs, !is_on_a_circle, "f{}", number);
        }
    }
}
