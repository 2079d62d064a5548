//! What is declared is read: for every key of every map, there is a value behind it that changes what a check says.
//!
//! A key that is not declared cannot be read, for the reader goes by the declarations; so the two say the same.

use std::collections::BTreeMap;

use text::SourceFile;

use super::super::*;
use super::mappings;
use crate::{ProjectDefaults, check, check_syncs, check_tests, parse, parse_connections, parse_project};

/// Of each shape, one of these is wrong.
const BAD: [&str; 6] = ["[[1]]", "{zz: [1]}", "1.5", "perhaps", "\"${ nope( }\"", "\"${ nope }\""];
const HEAD: &str = "flow: a, connections: {crm: hubspot, warehouse: sqlite}";
const POLL: &str = "trigger: {poll: crm.contacts, every: 15s}";
const STEPS: &str = "steps: [{skip: done}]";
/// Other files of the project.
const BESIDE: &str = "sync: people
connections: {crm: hubspot, warehouse: sqlite}
between: [crm.contacts, warehouse.customers]
every: 8h
fields: [email -> email]
to_right: {match: email, of: enrolled}
# ----
flow: callee
trigger: {manual: {inputs: {x: {type: text}}}}
steps: [{skip: done}]
# ----
flow: made
version: 1
connections: {crm: hubspot}
inputs: {x: {type: text}}
trigger: {poll: crm.contacts, every: 15s}
steps: [{skip: \"${ inputs.x }\"}]
# ----
flow: tested
connections: {crm: hubspot}
trigger: {poll: crm.contacts, every: 15s}
steps:
  - {find: crm.contacts, filter: {email: a}}
  - {create: crm.contacts, set: {email: a}}
  - {update: crm.contacts, id: a, set: {email: a}}
  - {upsert: crm.contacts, match: email, set: {email: a}}
  - {delete: crm.contacts, id: a}
  - {do: crm.associate, with: {from: a, to: b}, name: told}
  - {run: callee}
";

/// Where a map stands in a document, at the `@`, and what makes it whole.
type Place = (&'static Mapping, String, Vec<(&'static str, &'static str)>);

fn in_flow(inner: &str) -> String {
    format!("{{{HEAD}, {inner}}}")
}

fn places() -> Vec<Place> {
    let of_step = |verb: StepVerb, keys: &[(&'static str, &'static str)]| -> Place {
        (verb.mapping(), in_flow(&format!("{POLL}, steps: [@]")), keys.to_vec())
    };
    let below = |mapping: &'static Mapping, step: &str, keys: &[(&'static str, &'static str)]| -> Place {
        (mapping, in_flow(&format!("{POLL}, steps: [{step}]")), keys.to_vec())
    };
    let of_trigger = |mapping: &'static Mapping, trigger: &str, keys: &[(&'static str, &'static str)]| -> Place {
        (mapping, in_flow(&format!("trigger: {trigger}, {STEPS}")), keys.to_vec())
    };
    let steps = ("steps", "[{skip: done}]");
    let sync = "sync: s, connections: {crm: hubspot, warehouse: sqlite}, between: [warehouse.customers, crm.contacts], every: 8h";
    let case = "test: tested, cases: [{name: n, record: {id: \"1\"}";
    let mut places = vec![
        (
            &FLOW,
            "@".to_owned(),
            vec![
                ("flow", "a"),
                ("connections", "{crm: hubspot, warehouse: sqlite}"),
                ("trigger", "{poll: crm.contacts, every: 15s}"),
                steps,
            ],
        ),
        (&LIMITS, in_flow(&format!("{POLL}, limits: @, {STEPS}")), Vec::new()),
        (&BRAKES, in_flow(&format!("{POLL}, brakes: @, {STEPS}")), Vec::new()),
        (&EXPECT, in_flow(&format!("{POLL}, expect: @, {STEPS}")), Vec::new()),
        (&TEMPLATE_INPUT, in_flow(&format!("version: 1, inputs: {{x: @}}, {POLL}, {STEPS}")), vec![("type", "choice")]),
        (&INSTANCE, "@".to_owned(), vec![("flow", "i"), ("from", "made@1"), ("inputs", "{x: b}")]),
        of_trigger(TriggerKind::Poll.mapping(), "@", &[("poll", "crm.contacts"), ("every", "15s")]),
        of_trigger(TriggerKind::Schedule.mapping(), "@", &[("each", "crm.contacts"), ("every", "1h")]),
        of_trigger(TriggerKind::Webhook.mapping(), "@", &[("webhook", "null"), ("verify", "{bearer: \"${ env.T }\"}")]),
        of_trigger(TriggerKind::Manual.mapping(), "@", &[("manual", "null")]),
        of_trigger(&EVERY, "{poll: crm.contacts, every: @}", &[("min", "15s"), ("max", "15m")]),
        of_trigger(&MANUAL, "{manual: @}", &[]),
        of_trigger(&INPUT, "{manual: {inputs: {x: @}}}", &[("type", "text")]),
        of_trigger(&VERIFY, "{webhook: null, verify: @}", &[]),
        of_trigger(
            &HMAC,
            "{webhook: null, verify: {hmac: @}}",
            &[("secret", "\"${ env.T }\""), ("header", "X-Signature")],
        ),
        of_step(StepVerb::Create, &[("create", "crm.contacts"), ("set", "{email: a}")]),
        of_step(StepVerb::Update, &[("update", "crm.contacts"), ("id", "a"), ("set", "{email: a}")]),
        of_step(StepVerb::Upsert, &[("upsert", "crm.contacts"), ("match", "email"), ("set", "{email: a}")]),
        of_step(StepVerb::Delete, &[("delete", "crm.contacts"), ("id", "a")]),
        of_step(StepVerb::Find, &[("find", "crm.contacts"), ("filter", "{email: a}")]),
        of_step(StepVerb::Let, &[("let", "{x: 1}")]),
        of_step(StepVerb::If, &[("if", "true"), ("then", "[{skip: done}]")]),
        of_step(StepVerb::Route, &[("route", "[{when: record.vip, steps: [{skip: done}]}]")]),
        of_step(StepVerb::Each, &[("each", "[a, b]"), steps]),
        of_step(StepVerb::Wait, &[("wait", "1s")]),
        of_step(StepVerb::Do, &[("do", "crm.associate"), ("with", "{from: a, to: b}")]),
        of_step(StepVerb::Run, &[("run", "callee")]),
        of_step(StepVerb::Skip, &[("skip", "done")]),
        of_step(StepVerb::Stop, &[("stop", "null")]),
        of_step(StepVerb::Fail, &[("fail", "bad")]),
        below(&ENROL, "{do: sync.enrol, with: @}", &[("sync", "people")]),
        below(&RULE, "{route: [@]}", &[("when", "record.vip"), steps]),
        below(&MAPPED, "{create: crm.contacts, mapping: {email: @}}", &[("from", "firstname")]),
        below(&RETRY, "{create: crm.contacts, set: {email: a}, retry: @}", &[]),
        below(&STOP, "{stop: @}", &[]),
        below(&FILTER, "{find: crm.contacts, filter: @}", &[("email", "a")]),
        below(&COMPARISONS, "{find: crm.contacts, filter: {score: @}}", &[("gte", "1")]),
        (
            &SYNC,
            "@".to_owned(),
            vec![
                ("sync", "s"),
                ("connections", "{crm: hubspot, warehouse: sqlite}"),
                ("between", "[warehouse.customers, crm.contacts]"),
                ("every", "8h"),
                ("fields", "[email -> email]"),
                ("to_right", "{match: email}"),
            ],
        ),
        (
            &SYNC_FIELD,
            format!("{{{sync}, fields: [@], to_right: {{match: email}}}}"),
            vec![("left", "email"), ("right", "email"), ("way", "right")],
        ),
        (&DIRECTION, format!("{{{sync}, fields: [email -> email], to_right: @}}"), vec![("match", "email")]),
        (
            &TEST,
            "@".to_owned(),
            vec![("test", "tested"), ("cases", "[{name: n, record: {id: \"1\"}, expect: skipped}]")],
        ),
        (
            &CASE,
            "{test: tested, cases: [@]}".to_owned(),
            vec![("name", "n"), ("record", "{id: \"1\"}"), ("expect", "skipped")],
        ),
        (&SETTINGS, "@".to_owned(), Vec::new()),
        (&RETENTION, "{retention: @}".to_owned(), Vec::new()),
        (&NOTIFY, "{notify: [@]}".to_owned(), vec![("to", "ann@example.com")]),
        (&CONNECTIONS, "@".to_owned(), Vec::new()),
        (&CONNECTION, "{crm: @}".to_owned(), vec![("connector", "hubspot")]),
    ];
    let telling = |kind: &KindOfMap| match kind.told_by[0] {
        "do" => ("do", "crm.associate"),
        "run" => ("run", "callee"),
        "step" => ("step", "create_contacts"),
        verb => (verb, "crm.contacts"),
    };
    let given = GIVEN.kinds.iter().map(|kind| {
        (
            kind.mapping,
            format!("{{{case}, given: [@], expect: skipped}}]}}"),
            vec![telling(kind), ("fails", "transient")],
        )
    });
    let expected =
        EXPECTED.kinds.iter().map(|kind| (kind.mapping, format!("{{{case}, expect: [@]}}]}}"), vec![telling(kind)]));
    places.extend(given.chain(expected).collect::<Vec<_>>());
    places
}

/// What is said of a document, by whoever reads such.
fn said(mapping: &Mapping, document: &str) -> Vec<String> {
    let is = |known: &[&Mapping]| known.iter().any(|known| std::ptr::eq(*known, mapping));
    let diagnostics = if is(&[&SETTINGS, &RETENTION, &NOTIFY]) {
        parse_project(&SourceFile::new("millrace.yaml", document)).1
    } else if is(&[&CONNECTIONS, &CONNECTION]) {
        parse_connections(&SourceFile::new("connections.yaml", document)).1
    } else {
        let mut files = vec![SourceFile::new("flows/document.yaml", document)];
        let beside = BESIDE.split("# ----\n").enumerate();
        files.extend(beside.map(|(number, text)| SourceFile::new(format!("flows/{number}.yaml").as_str(), text)));
        let parsed = parse(&files);
        let catalog = crate::ui::catalog();
        let mut diagnostics = parsed.diagnostics;
        diagnostics.extend(check(&parsed.definitions, &catalog, &ProjectDefaults::default()).diagnostics);
        diagnostics.extend(check_syncs(&parsed.syncs, &parsed.definitions, &catalog).diagnostics);
        diagnostics.extend(check_tests(&parsed.tests, &parsed.definitions, &catalog));
        diagnostics
    };
    diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect()
}

fn written(wrapper: &str, keys: &[(&str, &str)]) -> String {
    let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    wrapper.replace('@', &format!("{{{}}}", keys.join(", ")))
}

#[test]
fn every_declared_key_is_read() {
    let places = places();
    let mut unread = Vec::new();
    let mut n_read = 0;
    for mapping in mappings().into_iter().chain(INSTANCE.with_all_below()) {
        let found = places.iter().find(|(known, ..)| std::ptr::eq(*known, mapping));
        let (_, wrapper, whole) = found.unwrap_or_else(|| panic!("where does {} stand?", mapping.what));
        let sound = said(mapping, &written(wrapper, whole));
        for key in mapping.keys {
            let with = |value: &'static str| {
                let mut keys: BTreeMap<&str, &str> = whole.iter().copied().collect();
                keys.insert(key.name, value);
                // The telling key stays first.
                let order = whole.iter().map(|(known, _)| *known).chain([key.name]);
                let mut written: Vec<(&str, &str)> = Vec::new();
                for name in order {
                    if !written.iter().any(|(known, _)| *known == name) {
                        written.push((name, keys[name]));
                    }
                }
                written
            };
            match BAD.iter().any(|bad| said(mapping, &self::written(wrapper, &with(bad))) != sound) {
                true => n_read += 1,
                false => unread.push(format!("{}: {}", mapping.what, key.name)),
            }
        }
    }
    assert_eq!(unread, [] as [String; 0], "these keys are accepted, and whatever stands behind them is ignored");
    assert!(n_read > 250, "{n_read}");
}
