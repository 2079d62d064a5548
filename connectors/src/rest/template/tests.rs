//! What references find, and what they refuse to be.

use serde_json::{Value as Json, json};

use super::*;

fn rendered(text: &str, body: Json) -> Json {
    parse(text, Span::default()).expect(text).render(&Scope::default().with(Root::Body, &body))
}

#[test]
fn one_reference_keeps_its_type_and_a_longer_text_is_text_or_nothing() {
    let body = || json!({ "n": 5, "list": [{ "a": ["x", "y"] }, { "b": 1 }, { "a": ["z"] }], "kind": "TWO_WORDS" });
    for (text, wanted) in [
        ("${body.n}", json!(5)),
        ("n is ${body.n}", json!("n is 5")),
        ("n is ${body.missing}", Json::Null),
        ("${body.list[*].a[*]}", json!(["x", "y", "z"])),
        ("${body.list[*].a[*] | join: ', '}", json!("x, y, z")),
        ("${body.list[0].a}", json!(["x", "y"])),
        ("(${body.kind | lower | words})", json!("(two words)")),
        ("${body.kind | after: 'TWO'}", json!("_WORDS")),
        ("${body.kind | after: 'ONE'}", Json::Null),
        ("$${body.n}", json!("${body.n}")),
        ("", json!("")),
        ("${body.kind | slug}", json!("two_words")),
    ] {
        assert_eq!(rendered(text, body()), wanted, "{text}");
    }
    let cursor = json!(1_700_000_000_123_i64);
    let scope = Scope::default().with(Root::Cursor, &cursor);
    let at = |text| parse(text, Span::default()).unwrap().render(&scope);
    assert_eq!(at("${cursor | rfc3339}"), json!("2023-11-14T22:13:20Z"));
    assert_eq!(at("${cursor | unix_s}"), json!(1_700_000_000));
}

#[test]
fn what_is_found_is_data_and_never_a_template() {
    assert_eq!(rendered("${body.x}", json!({ "x": "${secret.token}" })), json!("${secret.token}"));
    assert_eq!(rendered("a ${body.x}", json!({ "x": "${body.x}" })), json!("a ${body.x}"));
}

#[test]
fn mistakes_have_a_code_and_a_place() {
    for (text, code, start) in [
        ("a ${body.x", "M0301", 2),
        ("${bdoy.x}", "M0303", 2),
        ("${body..x}", "M0302", 2),
        ("${body.x[}", "M0302", 2),
        ("${body.x[a]}", "M0302", 2),
        ("${1 + 1}", "M0302", 2),
        ("${body.x | lowr}", "M0304", 2),
        ("${body.x | lower: 'x'}", "M0304", 2),
        ("${body.x | join}", "M0304", 2),
        ("${}", "M0302", 2),
    ] {
        let mistake = parse(text, Span::default()).expect_err(text);
        assert_eq!((mistake.code, mistake.start), (code, start), "{text}: {}", mistake.message);
    }
    assert_eq!(parse("${bdoy.x}", Span::default()).unwrap_err().help.as_deref(), Some("did you mean `body`?"));
}
