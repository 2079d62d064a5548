//! Comparing never passes over a difference of types in silence.

use super::*;

/// One value of each type, as an expression.
const VALUES: [(&str, &str); 9] = [
    ("nothing", "()"),
    ("boolean", "true"),
    ("number", "5"),
    ("number", "5.5"),
    ("text", "\"5\""),
    ("date", "record.renewal"),
    ("moment", "record.stamp"),
    ("list", "[5]"),
    ("map", "#{a: 5}"),
];

#[test]
fn every_pair_of_types_under_every_operator() {
    for (left_type, left) in VALUES {
        for (right_type, right) in VALUES {
            let nothing = left_type == "nothing" || right_type == "nothing";
            for operator in ["==", "!="] {
                let answer = evaluate(&format!("{left} {operator} {right}"));
                assert_eq!(answer.is_ok(), nothing || left_type == right_type, "{left} {operator} {right}: {answer:?}");
            }
            let ordered = ["number", "text", "date", "moment"].contains(&left_type);
            for operator in ["<", "<=", ">", ">="] {
                let answer = evaluate(&format!("{left} {operator} {right}"));
                assert_eq!(answer.is_ok(), ordered && left_type == right_type, "{left} {operator} {right}: {answer:?}");
            }
            let answer = evaluate(&format!("{left} in [{right}]"));
            assert_eq!(answer.is_ok(), nothing || left_type == right_type, "{left} in [{right}]: {answer:?}");
        }
    }
}

#[test]
fn comparisons_give_what_they_say() {
    for (source, wanted) in [
        ("1 == 1.0", true),
        ("1250.5 > 1250", true),
        ("9007199254740993 == 9007199254740992", false),
        ("\"a\" < \"b\"", true),
        ("\"a\"[0] == \"a\"", true),
        ("() == ()", true),
        ("record.empty != ()", false),
        ("record.email != ()", true),
        ("[1, [2.0]] == [1.0, [2]]", true),
        ("#{a: 1, b: ()} == #{b: (), a: 1}", true),
        ("#{a: 1} == #{b: 1}", false),
        ("record.renewal == date(\"2026-02-01\")", true),
        ("record.renewal > date(now)", true),
        ("record.stamp < now", true),
        ("record.tags == [\"a\", \"b\"]", true),
        ("\"a\" in record.tags", true),
        ("\"Ann\" in record.email", true),
        ("not(\"email\" in record.owner)", false),
        ("4.5 in 1..5", true),
        ("() in [1]", false),
        ("is_number(\"1e999\")", false),
    ] {
        assert_eq!(evaluate(source), Ok(Value::Bool(wanted)), "{source}");
    }
}

#[test]
fn failures_offer_a_way_out() {
    for (source, part) in [
        (
            "record.amount_text > 1000",
            "convert first, for example `to_number(record.amount_text)` (at character 20 of `record",
        ),
        ("1000 == record.amount_text", "`to_number(record.amount_text)`"),
        ("record.renewal > \"2026-02-01\"", "`date(\"2026-02-01\")`"),
        ("record.stamp > \"2026-02-01\"", "`moment(\"2026-02-01\")`"),
        ("record.renewal > now", "`date(now)`"),
        ("record.empty < 5", "`record.empty ?? 0`"),
        ("record.active == \"true\"", "cannot compare boolean with text"),
        ("record.tags == \"a\"", "`… in record.tags`"),
        ("5 in record.tags", "cannot compare an item that is text with one that is number"),
        ("record.tags.filter(|tag| tag == 5)", "`to_number(tag)`"),
        ("[3, \"a\"].sort()", "cannot compare text with number"),
        ("record.tags.where_field(\"id\", 5)", "`where_field` takes a list of records, and found text"),
        ("5 in record.email", "`in` cannot look for number in text"),
        ("record.amount + record.empty", "`… ?? 0`"),
        ("0.0/0.0 == 1.0", "not a finite number"),
    ] {
        let sentence = failure(source);
        assert!(sentence.contains(part), "{source}: {sentence}");
    }
}

#[test]
fn switch_would_pass_over_types_and_is_refused() {
    let found = mistake("switch record.amount_text { 1250 => 1, _ => 2 }");
    assert!(found.help.unwrap().contains("if a == 1"));
}
