//! One space at each end of an expression: `${ record.id }`.

use crate::node::TextStyle;

/// The text with its expressions so; where it cannot be told where one ends, it stays as it is.
pub(super) fn spaced(written: &str, style: TextStyle) -> String {
    let has_escapes = match style {
        TextStyle::DoubleQuoted => written.contains('\\'),
        TextStyle::SingleQuoted => written.contains("''"),
        TextStyle::Plain | TextStyle::Block => false,
    };
    if has_escapes || style == TextStyle::Block || !written.contains("${") {
        return written.to_owned();
    }
    let mut out = String::with_capacity(written.len() + 4);
    let mut rest = written;
    while let Some(at) = rest.find("${") {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let is_literal = before.ends_with('$');
        let Some(length) = expression(&found[2..]).filter(|_| !is_literal) else {
            out.push_str("${");
            rest = &found[2..];
            continue;
        };
        let (inner, after) = found[2..].split_at(length);
        match inner.trim_matches(' ') {
            "" => out.push_str(&format!("${{{inner}}}")),
            source => out.push_str(&format!("${{ {source} }}")),
        }
        rest = &after[1..];
    }
    out.push_str(rest);
    out
}

/// How long an expression is that begins here; `None` where that takes reading it.
fn expression(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_in_text = false;
    for (at, character) in text.char_indices() {
        match (is_in_text, character) {
            (_, '`' | '\\' | '\n') => return None,
            (_, '"') => is_in_text = !is_in_text,
            (true, _) => {}
            (false, '{') => depth += 1,
            (false, '}') if depth == 0 => return Some(at),
            (false, '}') => depth -= 1,
            (false, '$' | '\'' | '/') => return None,
            (false, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_stand_apart_from_their_brackets() {
        for (written, wanted) in [
            ("${record.id}", "${ record.id }"),
            ("a ${record.id}-${  b }.", "a ${ record.id }-${ b }."),
            ("${f(\"}\")}", "${ f(\"}\") }"),
            ("${ #{a: 1}.a}", "${ #{a: 1}.a }"),
        ] {
            assert_eq!(spaced(written, TextStyle::Plain), wanted);
            assert_eq!(spaced(wanted, TextStyle::Plain), wanted);
        }
        for written in ["$${record.id}", "${}", "${a", "${`a`}", "${a // b}", "$a {b}", "plain"] {
            assert_eq!(spaced(written, TextStyle::Plain), written);
        }
        let escaped = r#""${ a == \"}\"}""#;
        assert_eq!(spaced(escaped, TextStyle::DoubleQuoted), escaped);
        assert_eq!(spaced("${a}", TextStyle::Block), "${a}");
    }
}
