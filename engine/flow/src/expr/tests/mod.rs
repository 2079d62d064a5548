//! Expressions, as their authors meet them.

use sdk::{Fields, Record, RunId, Timestamp, Value};

use super::{EvaluationError, Expression, ExpressionMistake, Place, Scope};

mod attacks;
mod comparing;
mod functions;
mod fuzz;
mod mistakes;
mod reading;
mod values;

fn place() -> Place {
    Place { file: "flows/x.yaml".into(), line: 14, column: 7 }
}

fn compile(source: &str) -> Result<Expression, ExpressionMistake> {
    Expression::compile(source, &place())
}

fn mistake(source: &str) -> ExpressionMistake {
    compile(source).expect_err(source)
}

/// The value, or the sentence, whichever of the two kinds of failure it is.
fn evaluate(source: &str) -> Result<Value, String> {
    evaluate_in(source, &mut scope())
}

fn evaluate_in(source: &str, scope: &mut Scope) -> Result<Value, String> {
    let expression = compile(source).map_err(|mistake| mistake.message)?;
    expression.evaluate(scope).map_err(|EvaluationError { message }| message)
}

/// The sentence with which it fails.
fn failure(source: &str) -> String {
    match evaluate(source) {
        Ok(value) => panic!("{source} gave {value:?}"),
        Err(sentence) => sentence,
    }
}

fn flow() -> crate::Flow {
    crate::Flow {
        id: "x".into(),
        was: None,
        description: None,
        file: "flows/x.yaml".into(),
        enabled: true,
        timezone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
        trigger: crate::Trigger::Poll(crate::Poll {
            target: crate::Target { connection: "crm".into(), object: "contacts".into() },
            on: crate::On::New,
            every: crate::Every::fixed(std::time::Duration::from_secs(15)),
            start: crate::Start::Now,
            filter: None,
            condition: None,
            fields: Vec::new(),
            by: None,
            with: sdk::Fields::new(),
        }),
        when: None,
        keys: Vec::new(),
        steps: Vec::new(),
        on_failure: Vec::new(),
        inputs: sdk::Fields::new(),
        limits: crate::Limits::default(),
        brakes: crate::Brakes::default(),
        expect: crate::Expect::default(),
        not_run: Vec::new(),
    }
}

fn record() -> Record {
    let text = |text: &str| Value::from(text);
    let list = |n: i64| Value::List((0..n).map(Value::Int).collect());
    Record {
        id: "17".into(),
        created: Some(Timestamp::parse("2026-01-01T23:30:00Z").unwrap()),
        modified: Timestamp::parse("2026-01-02T10:00:00Z").unwrap(),
        fields: Fields::from([
            ("email".into(), text("Ann@X.com")),
            ("firstname".into(), text("Ann")),
            ("lastname".into(), text("Lee")),
            ("amount".into(), Value::Float(1250.0)),
            ("count".into(), Value::Int(7)),
            ("amount_text".into(), text("1250")),
            ("active".into(), Value::Bool(true)),
            ("empty".into(), Value::Null),
            ("renewal".into(), Value::Date("2026-02-01".parse().unwrap())),
            ("stamp".into(), Value::Moment(Timestamp::parse("2026-01-02T10:00:00Z").unwrap())),
            ("default".into(), text("d")),
            ("tags".into(), Value::List(vec![text("a"), text("b")])),
            ("many".into(), list(1_999)),
            ("toomany".into(), list(20_000)),
            ("long".into(), text(&"a".repeat(60_000))),
            ("toolong".into(), text(&"a".repeat(300_000))),
            ("owner".into(), Value::Map(Fields::from([("email".into(), text("o@x.com"))]))),
            ("evil".into(), text("${1+1} {{7*7}} \"); loop {}")),
        ]),
    }
}

fn scope() -> Scope {
    let mut scope =
        Scope::new(&flow(), &record(), RunId(uuid::Uuid::nil()), Timestamp::parse("2026-01-03T10:00:00Z").unwrap());
    scope.set("unset", &Value::Null);
    scope
}
