//! Quotes only where a text needs them: the scalars of the canonical layout.
//!
//! What stands in quotes is text and stays text. So quotes go only from what nobody could take for anything else,
//! neither we nor another reader of YAML; everything that begins with a digit or a sign keeps them.

use crate::node::{Text, TextStyle};
use crate::yaml::is_plain_text;

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// On a line of its own, behind its key or dash.
    Block,
    /// Between brackets, where more signs have a meaning.
    Brackets,
}

/// What other readers of YAML take for booleans.
const BOOLEANS_ELSEWHERE: [&str; 6] = ["yes", "no", "on", "off", "y", "n"];

/// A text of one line in its canonical form; `written` is as the author wrote it.
pub(super) fn canonical(text: &Text, written: &str, surroundings: Surroundings) -> String {
    let value = &text.value;
    match text.style {
        TextStyle::Plain | TextStyle::Block => written.to_owned(),
        TextStyle::SingleQuoted | TextStyle::DoubleQuoted if needs_no_quotes(value, surroundings) => value.clone(),
        TextStyle::SingleQuoted if !value.contains(['"', '\\']) => format!("\"{value}\""),
        // With escapes or without, it says what it says.
        TextStyle::SingleQuoted | TextStyle::DoubleQuoted => written.to_owned(),
    }
}

/// Whether a text is a name that nobody takes for anything else where names stand: `crm.contacts`, `15m`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.contains(|one: char| one.is_ascii_alphabetic())
        && text.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '.' | '_' | '-'))
        && !BOOLEANS_ELSEWHERE.contains(&text.to_ascii_lowercase().as_str())
        && is_plain_text(text)
        // Elsewhere `1e5` is a number.
        && text.parse::<f64>().is_err()
}

/// A key in its canonical form.
pub(super) fn canonical_key(key: &str, written: &str) -> String {
    let is_word = |text: &str| text.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '_' | '-'));
    if written.starts_with(['"', '\'']) && is_word(key) && needs_no_quotes(key, Surroundings::Brackets) {
        key.to_owned()
    } else {
        written.to_owned()
    }
}

fn needs_no_quotes(value: &str, surroundings: Surroundings) -> bool {
    let begins_well =
        value.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '/')) || value.starts_with("${");
    let ends_well = !value.ends_with([' ', ':']);
    let is_calm = |one: char| match surroundings {
        Surroundings::Block => !one.is_control() && one != '\\',
        Surroundings::Brackets => {
            !one.is_control() && !matches!(one, ',' | '[' | ']' | '{' | '}' | ':' | '#' | '"' | '\'' | '\\')
        }
    };
    // The language takes a bare `record.email` for a slip, and asks for quotes where the text is meant.
    let is_path =
        value.contains('.') && value.chars().all(|one| one.is_alphanumeric() || matches!(one, '.' | '_' | '?'));
    begins_well
        && ends_well
        && value.chars().all(is_calm)
        && !value.contains(": ")
        && !value.contains(" #")
        && !is_path
        && !BOOLEANS_ELSEWHERE.contains(&value.to_ascii_lowercase().as_str())
        && is_plain_text(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_of(written: &str, surroundings: Surroundings) -> String {
        let file = crate::SourceFile::new("a.yaml", &format!("[{written}]"));
        let Some(crate::Kind::List(items)) = crate::parse_yaml(&file).root.map(|root| root.kind) else {
            panic!("{written}")
        };
        let crate::Kind::Text(text) = &items[0].kind else { panic!("{written}") };
        canonical(text, written, surroundings)
    }

    #[test]
    fn quotes_go_where_nobody_could_miss_them() {
        for (written, block, brackets) in [
            ("\"crm\"", "crm", "crm"),
            ("'two words'", "two words", "two words"),
            ("\"${ record.id }\"", "${ record.id }", "\"${ record.id }\""),
            ("'${ record[\"default\"] }'", "${ record[\"default\"] }", "'${ record[\"default\"] }'"),
            ("'record.email != ()'", "record.email != ()", "record.email != ()"),
            ("\"a, b\"", "a, b", "\"a, b\""),
        ] {
            assert_eq!(canonical_of(written, Surroundings::Block), block, "{written}");
            assert_eq!(canonical_of(written, Surroundings::Brackets), brackets, "{written}");
        }
    }

    #[test]
    fn what_somebody_could_take_for_something_else_keeps_its_quotes() {
        for text in [
            "01432",
            "15",
            "15s",
            "1.5",
            "no",
            "Yes",
            "on",
            "null",
            "true",
            "~",
            "",
            " x",
            "x ",
            "*/15 * * * *",
            "0 3 * * *",
            "a: b",
            "a #b",
            "x:",
            "!record.x",
            "- a",
            "-1",
            "+49",
            "? x",
            "& x",
            "@x",
            "`x`",
            "%x",
            "|",
            ">",
            "{x}",
            "[x]",
            ".5",
            "2026-01-02",
            "record.email",
            "inputs?.name",
        ] {
            let quoted = format!("\"{text}\"");
            assert_eq!(canonical_of(&quoted, Surroundings::Block), quoted);
            assert_eq!(canonical_of(&format!("'{text}'"), Surroundings::Block), quoted, "double quotes are preferred");
        }
    }

    #[test]
    fn names_need_no_quotes_where_names_stand() {
        for text in ["crm.contacts", "15m", "1h", "b", "customers-to-warehouse"] {
            assert!(is_name(text), "{text}");
        }
        for text in ["15", "1e5", "no", "true", "null", "", ".5", "a b", "a: b", "0x1f", "inf"] {
            assert!(!is_name(text), "{text}");
        }
    }

    #[test]
    fn what_double_quotes_would_have_to_escape_stays_as_it_is() {
        for written in [r#"'"x" == record.y'"#, r"'1\d+'", r#""1 \" \u00e9""#] {
            assert_eq!(canonical_of(written, Surroundings::Block), written);
        }
    }
}
