//! What is understood and checked, and not run yet: every word of it is told, so that nothing is passed over in
//! silence.

use std::time::Duration;

use text::SourceFile;

use super::catalog;
use crate::{
    Accepts, Brake, Flow, HmacAlgorithm, HmacEncoding, Most, Period, ProjectDefaults, SettingText, StepKind, Template,
    Trigger, Verify, check, parse,
};

fn compile(rest: &str) -> Flow {
    let text = format!("flow: a\nconnections: {{crm: hubspot}}\n{rest}");
    let file = SourceFile::new("flows/a.yaml", &text);
    let parsed = parse(std::slice::from_ref(&file));
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    let diagnostics: Vec<_> = parsed.diagnostics.into_iter().chain(checked.diagnostics).collect();
    assert!(diagnostics.is_empty(), "{}", text::render(&diagnostics, &[file], text::Colour::Never));
    Flow::clone(&checked.flows[0])
}

fn told(flow: &Flow) -> Vec<String> {
    flow.not_run().iter().map(ToString::to_string).collect()
}

#[test]
fn a_webhook_and_what_it_tells() {
    let flow = compile(
        r#"trigger:
  webhook:
  verify: {hmac: {secret: "${ env.HOOK_SECRET }", header: X-Signature, encoding: base64, prefix: "v1="}}
  id: "${ body.order.id }"
when: body.kind == "paid"
steps:
  - find: crm.contacts
    filter: {email: "${ body.customer?.email }"}
    as: customer
  - stop: {return: "${ body }"}
"#,
    );
    let Trigger::Webhook(webhook) = &flow.trigger else { panic!("{:?}", flow.trigger) };
    let Verify::Hmac(hmac) = &webhook.verify else { panic!("{:?}", webhook.verify) };
    assert!(matches!(&hmac.secret, SettingText::Environment { variable, .. } if variable == "HOOK_SECRET"));
    assert_eq!((hmac.header.as_str(), hmac.prefix.as_str()), ("X-Signature", "v1="));
    assert_eq!((hmac.algorithm, hmac.encoding), (HmacAlgorithm::Sha256, HmacEncoding::Base64));
    assert!(matches!(&webhook.id, Some(Template::Expression(id)) if id.source().trim() == "body.order.id"));
    assert_eq!(webhook.accepts, Accepts::Json);
    assert_eq!(told(&flow), ["flows/a.yaml:4: this version does not run `webhook` yet"]);
}

#[test]
fn brakes_and_expectations() {
    let flow = compile(
        "trigger: {poll: crm.contacts, every: 15s}\nbrakes: {creates: 500 per day, changes: 20% of matched per day after 50, blanks: 1%}\nexpect: {at_least: 1 per workday, delay_below: 10m}\nsteps:\n  - skip: done\n",
    );
    let share = |share, after| Some(Brake { most: Most::Share(share), per: Period::Day, after });
    assert_eq!(flow.brakes.creates, Some(Brake { most: Most::Count(500), per: Period::Day, after: 0 }));
    assert_eq!((flow.brakes.changes, flow.brakes.blanks), (share(0.2, 50), share(0.01, 0)));
    assert_eq!(flow.expect.at_least.map(|least| (least.count, least.per)), Some((1, Period::Workday)));
    assert_eq!(flow.expect.delay_below, Some(Duration::from_secs(600)));
    assert_eq!(
        told(&flow),
        [
            "flows/a.yaml:4: this version does not run `brakes` yet",
            "flows/a.yaml:5: this version does not run `expect` yet"
        ]
    );
}

#[test]
fn what_a_poll_is_told_besides_and_the_kind_of_change() {
    let flow = compile(
        "trigger:\n  poll: crm.contacts\n  every: 15s\n  with: {list: 12, deep: {a: [b]}}\nsteps:\n  - skip: ${ record.meta.event } of ${ record.email }\n",
    );
    let Trigger::Poll(poll) = &flow.trigger else { panic!("{:?}", flow.trigger) };
    assert_eq!(poll.with.get("list"), Some(&sdk::Value::Int(12)));
    assert_eq!(
        told(&flow),
        [
            "flows/a.yaml:6: this version does not run `with` yet",
            "flows/a.yaml:8: this version does not run `record.meta.event` yet"
        ]
    );
}

#[test]
fn what_is_enrolled_in_a_sync() {
    let flow = compile(
        "trigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - do: sync.enrol\n    with: {sync: people, id: \"${ record.id }\", side: left}\n",
    );
    let StepKind::Do(enrolment) = &flow.steps[0].kind else { panic!("{:?}", flow.steps) };
    assert_eq!((enrolment.connection.as_str(), enrolment.action.as_str()), ("sync", "enrol"));
    let given: Vec<_> = enrolment.with.iter().map(|(input, _)| input.as_str()).collect();
    assert_eq!(given, ["sync", "id", "side"]);
    assert_eq!(told(&flow), ["flows/a.yaml:5: this version does not run `sync.enrol` yet"]);
}

#[test]
fn what_is_run_is_not_told() {
    let flow = compile("trigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - skip: ${ record.meta.updated }\n");
    assert!(flow.not_run().is_empty());
}
