//! Scalars, beside a second reader of YAML that shares nothing with ours: what the two read differently is named here.

use proptest::prelude::*;
use yaml_serde::Value;

use super::parse_yaml;
use crate::codes;
use crate::node::Kind;
use crate::source::SourceFile;

/// What a reader makes of a scalar.
#[derive(Clone, Debug, PartialEq)]
enum Read {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// It is a list or a map.
    Other,
    /// It is refused, by us with this code.
    Refused(&'static str),
}

fn ours(document: &str) -> Read {
    let document = parse_yaml(&SourceFile::new("a.yaml", document));
    if let Some(mistake) = document.diagnostics.first() {
        return Read::Refused(mistake.code);
    }
    let value = match document.root.map(|root| root.kind) {
        Some(Kind::Map(map)) => map.get("v").map(|entry| entry.value.kind.clone()),
        _ => return Read::Other,
    };
    match value {
        Some(Kind::Null) => Read::Null,
        Some(Kind::Bool(flag)) => Read::Bool(flag),
        Some(Kind::Int(number)) => Read::Number(number as f64),
        Some(Kind::Float(number)) => Read::Number(number),
        Some(Kind::Text(text)) => Read::Text(text.value),
        Some(Kind::List(_) | Kind::Map(_) | Kind::Broken) | None => Read::Other,
    }
}

fn theirs(document: &str) -> Read {
    let Ok(value) = yaml_serde::from_str::<Value>(document) else { return Read::Refused("") };
    match value.get("v") {
        Some(Value::Null) => Read::Null,
        Some(Value::Bool(flag)) => Read::Bool(*flag),
        Some(Value::Number(number)) => Read::Number(number.as_f64().unwrap_or(f64::NAN)),
        Some(Value::String(text)) => Read::Text(text.clone()),
        Some(Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_)) | None => Read::Other,
    }
}

/// Why the two may differ about a scalar without quotes: we ask back where readers disagree, rather than guess.
fn known_difference(scalar: &str, ours: &Read, theirs: &Read) -> Option<&'static str> {
    let unsigned = scalar.trim_start_matches(['-', '+']);
    match (ours, theirs) {
        (Read::Refused(codes::AMBIGUOUS_NUMBER), Read::Text(_) | Read::Number(_)) => {
            let is_odd = unsigned.starts_with('0') || scalar.contains('_') || scalar.starts_with('+');
            is_odd.then_some("a leading zero, an underscore or a plus: others take it for text, or for another number")
        }
        (Read::Refused(codes::NUMBER_OUT_OF_RANGE), Read::Number(number)) => {
            // As a number it is no whole one any more, or none at all.
            (!number.is_finite() || number.abs() > i64::MAX as f64 / 2.0).then_some("a number that cannot be kept")
        }
        (Read::Refused(codes::NUMBER_OUT_OF_RANGE), Read::Text(_)) => Some("a number that others keep as text"),
        (Read::Text(_), Read::Number(_)) if unsigned.starts_with("0b") => Some("binary numbers are not YAML 1.2"),
        (Read::Text(_), Read::Number(_)) if unsigned.len() < scalar.len() && unsigned.starts_with("0") => {
            Some("a sign before `0x` and `0o` is not YAML 1.2")
        }
        _ => None,
    }
}

#[test]
fn the_words_and_numbers_that_readers_quarrel_about() {
    for scalar in [
        "no",
        "No",
        "NO",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "true",
        "True",
        "TRUE",
        "tRue",
        "false",
        "null",
        "Null",
        "NULL",
        "nUll",
        "~",
        "",
        "0",
        "-0",
        "12",
        "-7",
        "1.5",
        "-.5",
        ".5",
        "5.",
        "1e3",
        "1E-2",
        "1e",
        "0x1F",
        "0x",
        "0o17",
        "1.2.3",
        "12:30:45",
        "2026-01-02",
        "2026-01-02T10:00:00Z",
        "15s",
        "1 000",
        "_1",
        "1_",
        "--1",
        "inf",
        "nan",
        "é",
    ] {
        let document = format!("v: {scalar}\n");
        assert_eq!(ours(&document), theirs(&document), "{scalar}");
    }
    for (scalar, code) in [
        ("01432", codes::AMBIGUOUS_NUMBER),
        ("-007", codes::AMBIGUOUS_NUMBER),
        ("1_000", codes::AMBIGUOUS_NUMBER),
        ("+491512345678", codes::AMBIGUOUS_NUMBER),
        (".inf", codes::NUMBER_OUT_OF_RANGE),
        (".nan", codes::NUMBER_OUT_OF_RANGE),
        ("1e999", codes::NUMBER_OUT_OF_RANGE),
        ("12345678901234567890123456", codes::NUMBER_OUT_OF_RANGE),
    ] {
        let document = format!("v: {scalar}\n");
        let (ours, theirs) = (ours(&document), theirs(&document));
        assert_eq!(ours, Read::Refused(code), "{scalar}");
        let is_refused = matches!(theirs, Read::Refused(_));
        assert!(is_refused || known_difference(scalar, &ours, &theirs).is_some(), "{scalar}: {theirs:?}");
    }
}

#[track_caller]
fn assert_alike(document: &str) {
    let (ours, theirs) = (ours(document), theirs(document));
    // What is no YAML to both is refused for reasons of their own.
    let both_refuse = matches!((&ours, &theirs), (Read::Refused(_), Read::Refused(_)));
    assert!(both_refuse || ours == theirs, "{document:?}: {ours:?}, and they {theirs:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scalars_without_quotes(scalar in "[0-9+.eE_xob~nulltrueFa][-+0-9._eExobafnulTRs:/]{0,9}") {
        let document = format!("v: {scalar}\n");
        let (ours, theirs) = (ours(&document), theirs(&document));
        let both_refuse = matches!((&ours, &theirs), (Read::Refused(_), Read::Refused(_)));
        let known = known_difference(&scalar, &ours, &theirs).is_some();
        prop_assert!(ours == theirs || both_refuse || known, "{scalar}: {ours:?}, and they {theirs:?}");
    }

    #[test]
    fn quoted_text(text in "[ -~äé😀\n]{0,24}", double in any::<bool>()) {
        let quoted = match double {
            true => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\n  ")),
            false => format!("'{}'", text.replace('\'', "''").replace('\n', "\n  ")),
        };
        assert_alike(&format!("v: {quoted}\n"));
    }

    #[test]
    fn escapes(text in r#"(\\[0abtnvfre "/\\N_LP]|\\x[0-9a-f]{2}|\\u00[0-9a-f]{2}|[a-z ]){0,8}"#) {
        assert_alike(&format!("v: \"{text}\"\n"));
    }

    #[test]
    fn blocks_of_text(
        sign in "[|>]", chomping in "[-+]?", indentation in "[1-4]?", swapped in any::<bool>(),
        lines in proptest::collection::vec("( {0,4}[a-z#:-]{1,3}){0,2}", 0..6), below in " {1,4}", then in any::<bool>(),
    ) {
        let header = if swapped { format!("{chomping}{indentation}") } else { format!("{indentation}{chomping}") };
        let lines: String = lines.iter().map(|line| format!("{below}{line}\n")).collect();
        let next = if then { "w: 1\n" } else { "" };
        let document = format!("v: {sign}{header}\n{lines}{next}");
        // Where a block says how far it is indented, lines that are indented less may be comments after it; we refuse
        // them.
        let is_refused = !indentation.is_empty() && ours(&document) == Read::Refused(codes::SYNTAX);
        if !is_refused {
            assert_alike(&document);
        }
    }

    #[test]
    fn text_over_several_lines(lines in proptest::collection::vec("[a-z]{1,3}( [a-z]{1,2}){0,2}", 1..5), gaps in proptest::collection::vec(0..3_usize, 5)) {
        let mut document = "v: ".to_owned();
        for (line, gap) in lines.iter().zip(gaps) {
            document.push_str(line);
            document.push_str(&"\n".repeat(gap + 1));
            document.push_str("  ");
        }
        document.push('\n');
        assert_alike(&document);
    }
}
