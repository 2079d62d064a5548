//! Flows as their authors write them, over a world that is scripted: what they asked of it, and how they ended.

mod deleting;
mod each;
mod errors;
mod mapping;
mod waiting;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use flow::{Flow, ProjectDefaults};
use sdk::{Catalog, Class, ConnectionName, ConnectorFacts, FlowId, Record, RunId, Timestamp, Value, Version};
use store::{ClaimedRun, Ending, Failure};

use super::interpret;
use crate::durable::{Durable, Effect, Held, Interrupt, Outcome, StepKey, Wake};
use crate::effects::Change;
use crate::offload::Pace;

/// Answers each step from a script, or with a written record of its own; keeps what it was asked.
struct ScriptedWorld {
    script: BTreeMap<&'static str, Outcome>,
    asked: Mutex<Vec<String>>,
    /// What is journaled beside effects, also by attempts before.
    journal: Mutex<BTreeMap<String, Value>>,
    /// What time it is to those who wait.
    woken_at: Mutex<Timestamp>,
}

#[async_trait]
impl Durable for ScriptedWorld {
    async fn step(&self, key: &StepKey, effect: Effect) -> Result<Outcome, Interrupt> {
        let key = key.to_string();
        let asked = match &effect {
            Effect::Change { connection, change: Change::Write(write), .. } => {
                let fields = Value::Map(write.fields.clone()).to_plain_json();
                format!("{key}: {:?} {connection}.{} {fields}", write.verb, write.object)
            }
            Effect::Change { connection, change: Change::Act(call), .. } => {
                format!("{key}: do {connection}.{} {}", call.action, Value::Map(call.with.clone()).to_plain_json())
            }
            Effect::Find { connection, find, .. } => {
                format!("{key}: find {connection}.{} {:?}", find.object, find.filter)
            }
        };
        self.asked.lock().unwrap().push(asked);
        if key.starts_with("parks") {
            return Err(Interrupt::Park {
                due_at: Timestamp::EPOCH,
                failure: failure("transient"),
                held: Held::Shortly,
            });
        }
        Ok(self.script.get(key.as_str()).cloned().unwrap_or_else(|| Outcome::Value(written("900"))))
    }

    async fn call(&self, key: &StepKey, flow: &FlowId, inputs: sdk::Fields) -> Result<Outcome, Interrupt> {
        let inputs = Value::Map(inputs).to_plain_json();
        self.asked.lock().unwrap().push(format!("{key}: run {flow} {inputs}"));
        Ok(self.script.get(key.to_string().as_str()).cloned().unwrap_or(Outcome::Value(Value::Null)))
    }

    fn kept(&self, key: &StepKey) -> Option<Value> {
        self.journal.lock().unwrap().get(&key.to_string()).cloned()
    }

    async fn keep(&self, key: &StepKey, value: Value) -> Result<Value, Interrupt> {
        Ok(self.journal.lock().unwrap().entry(key.to_string()).or_insert(value).clone())
    }

    async fn sleep(&self, key: &StepKey, wake: Wake) -> Result<Timestamp, Interrupt> {
        let wake = match wake {
            Wake::After(duration) => self.now() + duration,
            Wake::At(moment) => moment,
        };
        let Value::Moment(due_at) = self.keep(key, Value::Moment(wake)).await? else { panic!("no moment") };
        if due_at <= *self.woken_at.lock().unwrap() { Ok(due_at) } else { Err(Interrupt::Wait { due_at }) }
    }

    async fn ignore(&self, key: &StepKey, failure: Value) -> Result<(), Interrupt> {
        self.keep(key, failure).await.map(drop)
    }

    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-01-02T10:00:00Z").unwrap()
    }
}

fn written(id: &str) -> Value {
    Value::Map(
        [("id".into(), Value::from(id)), ("created".into(), Value::Bool(true)), ("changed".into(), Value::Bool(true))]
            .into(),
    )
}

fn found(ids: &[&str]) -> Outcome {
    let record = |id: &&str| Value::Map([("id".into(), Value::from(*id)), ("name".into(), Value::from("Acme"))].into());
    Outcome::Value(Value::List(ids.iter().map(record).collect()))
}

fn failure(class: &str) -> Failure {
    Failure { step: "s".into(), class: class.into(), message: "as scripted".into(), attempt: 1 }
}

impl ScriptedWorld {
    fn new(script: &[(&'static str, Outcome)]) -> Self {
        Self {
            script: script.iter().cloned().collect(),
            asked: Mutex::default(),
            journal: Mutex::default(),
            woken_at: Mutex::new(Timestamp::EPOCH),
        }
    }

    /// Runs these steps for the sample record, from the first one, as every attempt does.
    fn run(&self, trigger: &str, steps: &str) -> Result<Ending, Interrupt> {
        let flow = flow(trigger, steps);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(interpret(flow, Arc::new(sample()), self, &Pace::default()))
    }

    /// What was asked since this was last called.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// Runs these steps once: what was asked, line by line, and how it ended.
fn run(trigger: &str, steps: &str, script: &[(&'static str, Outcome)]) -> (Vec<String>, Result<Ending, Interrupt>) {
    let world = ScriptedWorld::new(script);
    let ending = world.run(trigger, steps);
    (world.asked(), ending)
}

fn ending(steps: &str, script: &[(&'static str, Outcome)]) -> Ending {
    run("", steps, script).1.unwrap()
}

fn sample() -> ClaimedRun {
    let record = Record {
        id: "7".into(),
        created: None,
        modified: Timestamp::from_millis(5),
        fields: [
            ("email".into(), Value::from("Ann@X.com")),
            ("firstname".into(), Value::from("Ann")),
            ("amount".into(), Value::Int(12)),
            ("company".into(), Value::Null),
        ]
        .into(),
    };
    ClaimedRun {
        id: RunId(uuid::Uuid::from_u128(1)),
        flow: FlowId::from("sample"),
        record,
        version: Version { stamp: Timestamp::from_millis(5), hash: 0 },
        created_at: Timestamp::EPOCH,
        attempt: 1,
        nonce: String::new(),
        caller: None,
        journal: Vec::new(),
        effects: Vec::new(),
        last_failure: None,
    }
}

fn flow(trigger: &str, steps: &str) -> Arc<Flow> {
    let yaml = format!(
        "flow: sample\nconnections: {{crm: hubspot, db: sqlite}}\ntrigger:\n  poll: crm.contacts\n  on: new_or_updated\n  every: 15s\n{trigger}\nsteps:\n{steps}\n"
    );
    let facts = |connector: &str| ConnectorFacts {
        connector: connector.to_owned(),
        min_interval: Duration::from_secs(1),
        loopback: true,
        objects: None,
    };
    let catalog = Catalog {
        connections: [(ConnectionName::from("crm"), facts("hubspot")), (ConnectionName::from("db"), facts("sqlite"))]
            .into(),
        connectors: vec!["hubspot".to_owned(), "sqlite".to_owned()],
        ..Catalog::default()
    };
    let parsed = flow::parse(&[text::SourceFile::new("flows/sample.yaml", &yaml)]);
    let mut checked = flow::check(&parsed.definitions, &catalog, &ProjectDefaults::default());
    assert_eq!(checked.flows.len(), 1, "{:#?}\n{:#?}", parsed.diagnostics, checked.diagnostics);
    checked.flows.remove(0)
}

fn reason(ending: Ending) -> String {
    match ending {
        Ending::Skipped(reason) => format!("skipped: {reason}"),
        Ending::Failed(failure) => format!("failed at {} as {}: {}", failure.step, failure.class, failure.message),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_write_gets_its_values_and_a_later_step_sees_its_result() {
    let steps = "
  - upsert: db.customers
    match: email
    set: {email: \"${ record.email.to_lower() }\", n: \"${ record.amount }\", company: \"${ record.company }\"}
    as: customer
  - update: db.customers
    id: ${ customer.id }
    set: {note: \"made ${ customer.created }\"}
";
    let (asked, ending) = run("", steps, &[("customer", Outcome::Value(written("41")))]);
    assert_eq!(ending.unwrap(), Ending::Succeeded(None));
    assert_eq!(
        asked,
        [
            r#"customer: Upsert { by: Fields(["email"]), ambiguous: Fail } db.customers {"company":null,"email":"ann@x.com","n":12}"#,
            r#"update_customers: Update { id: RecordId("41") } db.customers {"note":"made true"}"#,
        ]
    );
}

#[test]
fn conditions_end_a_run_leave_out_a_step_or_choose_a_branch() {
    assert_eq!(
        reason(run("when: record.amount > 100", "  - create: db.a\n    set: {x: 1}", &[]).1.unwrap()),
        "skipped: `when` is false"
    );
    assert_eq!(run("", "  - create: db.a\n    when: record.amount > 100\n    set: {x: 1}", &[]).0, [""; 0]);
    let branch = "
  - if: record.amount > 100
    then:
      - create: db.large
        set: {x: 1}
    else:
      - let: {doubled: \"${ record.amount * 2 }\"}
      - create: db.small
        set: {x: \"${ doubled }\"}
";
    assert_eq!(run("", branch, &[]).0, [r#"create_small: Create db.small {"x":24}"#]);
}

#[test]
fn a_run_ends_where_its_author_says() {
    assert_eq!(reason(ending("  - skip: \"${ record.firstname } is enough\"", &[])), "skipped: Ann is enough");
    assert_eq!(reason(ending("  - fail: no such day", &[])), "failed at fail as flow: no such day");
    assert_eq!(ending("  - stop: {return: \"${ record.amount }\"}", &[]), Ending::Succeeded(Some(Value::Int(12))));
}

#[test]
fn a_look_up_finds_one_none_or_too_many() {
    let find = |extra: &str| format!("  - find: db.companies\n    filter: {{name: Acme}}\n    as: company\n{extra}");
    let end = |extra: &str, ids: &[&str]| reason(ending(&find(extra), &[("company", found(ids))]));
    assert_eq!(end("", &["1"]), "Succeeded(None)");
    assert_eq!(end("", &[]), "Succeeded(None)");
    assert_eq!(end("    none: skip", &[]), "skipped: nothing found in `db.companies`");
    assert_eq!(end("    none: fail", &[]), "failed at company as not_found: nothing found in `db.companies`");
    assert_eq!(end("", &["1", "2"]), "failed at company as conflict: several records found in `db.companies`: 1, 2");
    assert_eq!(end("    ambiguous: skip", &["1", "2"]), "skipped: several records found in `db.companies`: 1, 2");
    assert_eq!(end("    ambiguous: first", &["1", "2"]), "Succeeded(None)");
    let many = "    many: true\n    limit: 2\n    fields: [name]";
    assert_eq!(end(many, &["1", "2"]), "Succeeded(None)");
    assert_eq!(
        end(many, &["1", "2", "3"]),
        "failed at company as invalid: found more than 2 records; raise `limit` or narrow the filter"
    );
}

#[test]
fn an_empty_key_is_refused_before_anything_is_asked() {
    let (asked, ending) =
        run("", "  - upsert: db.customers\n    match: name\n    set: {name: \"${ record.company }\"}", &[]);
    assert_eq!(asked, [""; 0]);
    assert!(reason(ending.unwrap()).contains("`match` field `name` is empty"));
    let (_, ending) = run("", "  - update: db.customers\n    id: ${ record.company }\n    set: {x: 1}", &[]);
    assert!(reason(ending.unwrap()).contains("the `id` to update is empty"));
}

#[test]
fn an_expression_that_fails_ends_its_run_and_names_the_place() {
    let failed = reason(ending("  - create: db.a\n    set: {x: \"${ record.amount > record.email }\"}", &[]));
    assert!(failed.starts_with("failed at create_a as expression: flows/sample.yaml:"), "{failed}");
    let (_, failed) = run("  where: record.amount > record.email", "  - create: db.a\n    set: {x: 1}", &[]);
    let failed = reason(failed.unwrap());
    assert!(failed.starts_with("failed at trigger as expression: flows/sample.yaml:"), "{failed}");
}

#[test]
fn what_the_world_answers_ends_the_run_so() {
    let create = "  - create: db.a\n    set: {x: 1}\n  - create: db.b\n    set: {x: 1}";
    let end = |outcome: Outcome| {
        let (asked, ending) = run("", create, &[("create_a", outcome)]);
        assert_eq!(asked.len(), 1, "nothing is done after it: {asked:?}");
        ending.unwrap()
    };
    assert_eq!(end(Outcome::Superseded), Ending::Superseded);
    assert_eq!(end(Outcome::Skipped("twice there".into())), Ending::Skipped("twice there".into()));
    assert_eq!(end(Outcome::Failed(failure(Class::Invalid.as_str()))), Ending::Failed(failure("invalid")));
    assert_eq!(end(Outcome::Unknown(failure("unknown"))), Ending::Unknown(failure("unknown")));
    let (_, parked) = run("", "  - create: db.a\n    name: parks\n    set: {x: 1}", &[]);
    assert!(matches!(parked, Err(Interrupt::Park { .. })));
}
