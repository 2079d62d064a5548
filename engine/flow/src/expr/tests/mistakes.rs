//! What is wrong in a source is found before a run, at its place, with what to write instead.

use super::*;
use crate::expr::{code, is_reserved};

/// The source with the offered replacement put in.
fn mended(source: &str) -> String {
    let found = mistake(source);
    let (span, replacement) = (found.span.clone().expect(source), found.replacement.clone().expect(source));
    format!("{}{replacement}{}", &source[..span.start], &source[span.end..])
}

#[test]
fn offered_replacements_mend_the_source() {
    for (source, wanted) in [
        ("record.default", "record[\"default\"]"),
        ("record?.default == ()", "record?[\"default\"] == ()"),
        ("record.for", "record[\"for\"]"),
        ("record.print", "record[\"print\"]"),
        ("record.email.lower()", "record.email.to_lower()"),
        ("record.email.trm()", "record.email.trim()"),
        ("record.email.includes(\"x\")", "record.email.contains(\"x\")"),
        ("record.tags.any(|tag| tag == \"ä\")", "record.tags.some(|tag| tag == \"ä\")"),
        ("\"ä\" == record.email.upper()", "\"ä\" == record.email.to_upper()"),
        ("record.email == 'it'", "record.email == \"it\""),
        ("record.email == 'x'", "record.email == \"x\""),
        ("record.email == null", "record.email == ()"),
        ("record.email == undefined", "record.email == ()"),
        ("record.active == True", "record.active == true"),
        ("record.email === \"x\"", "record.email == \"x\""),
        ("record.email <> \"x\"", "record.email != \"x\""),
        ("record.email = \"x\"", "record.email == \"x\""),
        ("record.active and true", "record.active && true"),
        ("record.active or true", "record.active || true"),
        ("record.[\"email\"]", "record[\"email\"]"),
    ] {
        let mended = mended(source);
        assert_eq!(mended, wanted);
        assert!(compile(&mended).is_ok(), "{mended}");
    }
}

#[test]
fn mistakes_have_their_code_and_place() {
    for (source, wanted_code, wanted_place, part) in [
        ("", code::SYNTAX, None, "there is no expression"),
        ("record.email.frobnicate()", code::UNKNOWN_FUNCTION, Some("frobnicate"), "there is no function `frobnicate`"),
        ("record.tags.map(|x| frobnicate(x))", code::UNKNOWN_FUNCTION, Some("frobnicate"), "frobnicate"),
        ("record.email.contains()", code::ARGUMENTS, Some("contains"), "does not take 1 argument"),
        ("if true { fro(1) } else { nicate(2) }", code::UNKNOWN_FUNCTION, Some("fro"), "`fro`"),
        ("not record.active", code::SYNTAX, Some("record"), "is not expected here"),
        ("record.active ? 1 : 2", code::SYNTAX, Some("?"), "a ? b : c"),
        ("5 not in [1]", code::SYNTAX, Some("not"), "`not in`"),
        ("record.tags.map(x => x)", code::SYNTAX, Some("=>"), "|x|"),
        ("switch 1 { 1 => 2 }", code::NOT_SUPPORTED, Some("switch"), "silently"),
        ("\"abc", code::SYNTAX, Some("\""), "does not end"),
        ("1 +", code::SYNTAX, Some(""), "ends too early"),
        ("this.x", code::SYNTAX, Some("this"), "reserved word"),
        ("1 +\n  record.email.frobnicate()", code::UNKNOWN_FUNCTION, Some("frobnicate"), "frobnicate"),
    ] {
        let found = mistake(source);
        assert_eq!(found.code, wanted_code, "{source}: {found:?}");
        assert_eq!(found.span.clone().map(|span| &source[span]), wanted_place, "{source}: {found:?}");
        assert!(found.message.contains(part), "{source}: {found:?}");
    }
    assert!(mistake("record.email.contains()").help.unwrap().contains("`text.contains(part)`"));
}

#[test]
fn reserved_words_are_known() {
    for word in ["default", "for", "in", "print", "null", "true", "switch", "not a name", "1a"] {
        assert!(is_reserved(word), "{word}");
    }
    for word in ["record", "customer", "now", "not", "stage_2"] {
        assert!(!is_reserved(word), "{word}");
    }
}
