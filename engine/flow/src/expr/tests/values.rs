//! What expressions, templates and filters give, and what a scope holds.

use sdk::{Filter, Test};

use super::*;
use crate::expr::{FilterTemplate, Template, TestTemplate, TextPart};

fn expression(source: &str) -> Expression {
    compile(source).unwrap()
}

#[test]
fn values_come_out_as_they_went_in() {
    let mut scope = scope();
    let tricky = Value::Map(Fields::from([
        ("list".into(), Value::List(vec![Value::Int(1), Value::Float(1.5), Value::Null, Value::from("ä")])),
        ("day".into(), Value::Date("2026-01-02".parse().unwrap())),
        ("at".into(), Value::Moment(Timestamp::from_millis(1_700_000_000_123))),
        ("flag".into(), Value::Bool(false)),
        ("map".into(), Value::Map(Fields::from([("$date".into(), Value::from("x"))]))),
    ]));
    scope.set("tricky", &tricky);
    assert_eq!(evaluate_in("tricky", &mut scope), Ok(tricky));
}

#[test]
fn a_record_has_its_id_and_its_times() {
    assert_eq!(evaluate("record.id"), Ok(Value::from("17")));
    assert_eq!(evaluate("record.meta.updated == record.stamp"), Ok(Value::Bool(true)));
    assert_eq!(evaluate("flow.id"), Ok(Value::from("x")));
    assert_eq!(evaluate("run.id.len()"), Ok(Value::Int(36)));
    assert_eq!(evaluate("days_until(date(record.meta.created), now)"), Ok(Value::Int(1)), "in the flow's time zone");
}

#[test]
fn names_hide_and_are_forgotten() {
    let mut scope = scope();
    let len = scope.len();
    scope.set("x", &Value::Int(1));
    scope.set("x", &Value::Int(2));
    assert_eq!(evaluate_in("x", &mut scope), Ok(Value::Int(2)));
    scope.truncate(len + 1);
    assert_eq!(evaluate_in("x", &mut scope), Ok(Value::Int(1)));
    scope.truncate(len);
    assert!(evaluate_in("x", &mut scope).unwrap_err().contains("there is no `x` here"));
}

#[test]
fn nothing_that_is_called_changes_a_name() {
    let mut scope = scope();
    let before = evaluate_in("record", &mut scope);
    for source in
        ["record.tags.sort()", "record.tags.reverse()", "record.email.trim()", "record.tags.map(|x| x + \"1\")"]
    {
        evaluate_in(source, &mut scope).unwrap();
    }
    assert_eq!(evaluate_in("record", &mut scope), before);
}

#[test]
fn questions_are_answered_with_true_or_false() {
    let mut scope = scope();
    assert_eq!(expression("record.amount > 1000").ask(&mut scope), Ok(true));
    for (source, part) in [
        ("record.email", "this gives text; compare it"),
        ("record.empty", "this gives nothing; compare it, for example `!= ()`"),
        ("record.count", "number"),
    ] {
        let message = expression(source).ask(&mut scope).unwrap_err().message;
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn results_that_are_no_values_are_refused() {
    for (source, part) in [
        ("1e308*10", "not a finite number"),
        ("[0.0/0.0]", "not a finite number"),
        ("|x| x", "a function"),
        ("1..5", "a range"),
        ("[1].reduce(|a, b| [[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]], 1)", "maximum complexity"),
    ] {
        let sentence = failure(source);
        assert!(sentence.contains(part), "{source}: {sentence}");
    }
    let nested = "[1,2,3,4,5,6,7,8].reduce(|so_far, n| [[[[[so_far]]]]], 1)";
    assert!(failure(nested).contains("within each other"));
}

#[test]
fn failures_tell_the_place() {
    let sentence = failure("1 +\n  record.email.to_lower() - 5");
    assert!(sentence.starts_with("flows/x.yaml:14:7: "), "{sentence}");
    assert!(sentence.ends_with("(at line 2, character 27 of `1 + record.email.to_lower() - 5`)"), "{sentence}");
}

#[test]
fn runs_may_move_between_threads() {
    fn moves<T: Send + Sync + Clone>() {}
    moves::<Scope>();
    moves::<Expression>();
    moves::<Template>();
}

#[test]
fn templates() {
    let mut scope = scope();
    let template = Template::Map(vec![
        ("kept".into(), Template::Expression(expression("record.amount"))),
        ("literal".into(), Template::Literal(Value::Int(1))),
        (
            "text".into(),
            Template::List(vec![Template::Text(vec![
                TextPart::Literal("Deal ".into()),
                TextPart::Expression(expression("record.count")),
                TextPart::Expression(expression("record.empty")),
                TextPart::Literal(" on ".into()),
                TextPart::Expression(expression("record.renewal")),
            ])]),
        ),
    ]);
    let wanted = Value::Map(Fields::from([
        ("kept".into(), Value::Float(1250.0)),
        ("literal".into(), Value::Int(1)),
        ("text".into(), Value::List(vec![Value::from("Deal 7 on 2026-02-01")])),
    ]));
    assert_eq!(template.evaluate(&mut scope), Ok(wanted));
    let failing = Template::List(vec![Template::Expression(expression("record.nope"))]);
    assert!(failing.evaluate(&mut scope).is_err());
}

#[test]
fn a_quotient_keeps_its_fraction() {
    // Cut to whole numbers, it was 3 of the count and 3.5 of the same number in a field that holds fractions.
    assert_eq!(evaluate("record.count / 2"), Ok(Value::Float(3.5)));
    assert_eq!(evaluate("record.amount / 2"), Ok(Value::Float(625.0)));
    assert_eq!(evaluate("6 / 2"), Ok(Value::Int(3)));
    assert_eq!(evaluate("to_int(record.count / 2)"), Ok(Value::Int(3)));
    assert!(failure("record.count / 0").contains("divides by zero"));
}

#[test]
fn an_id_is_text_also_where_a_number_is_asked_for() {
    let mut scope = scope();
    let id = |test: TestTemplate| FilterTemplate::Field { field: "id".into(), test };
    let value = |source: &str| Template::Expression(expression(source));
    let is = |test: Test| Ok(Filter::Field { field: "id".into(), test });
    // A number is never equal to a text, so such a look-up found nothing.
    assert_eq!(id(TestTemplate::Eq(value("record.count"))).evaluate(&mut scope), is(Test::Eq(Value::from("7"))));
    let several = id(TestTemplate::In(value("[record.count, \"x\"]"))).evaluate(&mut scope);
    assert_eq!(several, is(Test::In(vec![Value::from("7"), Value::from("x")])));
}

#[test]
fn filters() {
    let mut scope = scope();
    let field = |name: &str, test: TestTemplate| FilterTemplate::Field { field: name.into(), test };
    let value = |source: &str| Template::Expression(expression(source));
    let template = FilterTemplate::All(vec![
        field("email", TestTemplate::Eq(value("record.email.to_lower()"))),
        FilterTemplate::Any(vec![
            field("stage", TestTemplate::In(value("record.tags"))),
            field("n", TestTemplate::Between(value("1"), value("record.count"))),
        ]),
        field("x", TestTemplate::Exists(true)),
    ]);
    let is = |name: &str, test: Test| Filter::Field { field: name.into(), test };
    let wanted = Filter::All(vec![
        is("email", Test::Eq(Value::from("ann@x.com"))),
        Filter::Any(vec![
            is("stage", Test::In(vec![Value::from("a"), Value::from("b")])),
            is("n", Test::Between(Value::Int(1), Value::Int(7))),
        ]),
        is("x", Test::Exists(true)),
    ]);
    assert_eq!(template.evaluate(&mut scope), Ok(wanted));
}
