//! Where expressions begin and end in text: `Hello ${ record.name }`.
//!
//! The scanner knows the strings, braces and backticks of expressions, so that a `}` inside of them ends nothing.
//! `$${` is a literal `${`. It reads every text once, from front to back.

use std::ops::Range;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands, `$${` resolved.
    Literal(String),
    /// An expression: the bytes between `${` and `}`.
    Expression(Range<usize>),
}

/// A `${` that no `}` closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclosed {
    /// Where it begins.
    pub start: usize,
}

/// Divides a text into its pieces.
pub fn split(text: &str) -> Result<Vec<Piece>, Unclosed> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("$${") {
            literal.push_str("${");
            at += 3;
        } else if rest.starts_with("${") {
            let end = expression_end(text, at + 2).ok_or(Unclosed { start: at })?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Expression(at + 2..end));
            at = end + 1;
        } else {
            let dollar = rest.char_indices().skip(1).find(|(_, character)| *character == '$');
            let next = dollar.map_or(rest.len(), |(offset, _)| offset);
            literal.push_str(&rest[..next]);
            at += next;
        }
    }
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// Whether the text holds a `${` that is one.
pub fn has_expression(text: &str) -> bool {
    match split(text) {
        Ok(pieces) => pieces.iter().any(|piece| matches!(piece, Piece::Expression(_))),
        Err(Unclosed { .. }) => true,
    }
}

/// What surrounds the place that is being scanned.
enum Around {
    /// `{ … }`, or the `${ … }` itself.
    Brace,
    /// A backtick string, which may hold `${ … }` again.
    Backtick,
}

/// Where the `}` stands that closes an expression which begins at `start`.
fn expression_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut around = vec![Around::Brace];
    let mut at = start;
    while at < bytes.len() {
        match (around.last()?, bytes[at]) {
            (Around::Brace, b'}') => {
                around.pop();
                if around.is_empty() {
                    return Some(at);
                }
            }
            (Around::Brace, b'{') => around.push(Around::Brace),
            (Around::Brace, b'`') => around.push(Around::Backtick),
            (Around::Brace, quote @ (b'"' | b'\'')) => at = string_end(bytes, at, quote)?,
            (Around::Backtick, b'`') => {
                around.pop();
            }
            (Around::Backtick, b'$') if bytes.get(at + 1) == Some(&b'{') => {
                around.push(Around::Brace);
                at += 1;
            }
            (Around::Brace | Around::Backtick, _) => {}
        }
        at += 1;
    }
    None
}

/// Where the quote stands that closes the string which begins at `start`.
fn string_end(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if byte == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pieces as text: literals as they are, expressions in angle brackets.
    fn pieces(text: &str) -> String {
        match split(text) {
            Ok(pieces) => pieces
                .into_iter()
                .map(|piece| match piece {
                    Piece::Literal(literal) => literal,
                    Piece::Expression(range) => format!("<{}>", &text[range]),
                })
                .collect(),
            Err(Unclosed { start }) => format!("unclosed at {start}"),
        }
    }

    #[test]
    fn expressions_end_where_they_end() {
        for (text, wanted) in [
            ("", ""),
            ("plain", "plain"),
            ("${ a }", "< a >"),
            ("x ${a}y${b}", "x <a>y<b>"),
            ("${ #{a: 1}.a }", "< #{a: 1}.a >"),
            ("${ \"}\" }", "< \"}\" >"),
            ("${ \"\\\"}\" } z", "< \"\\\"}\" > z"),
            ("${ `a${ \"}\" }b}` }c", "< `a${ \"}\" }b}` >c"),
            ("$${ a }", "${ a }"),
            ("$$${ a }", "$${ a }"),
            ("costs 5$ or $x", "costs 5$ or $x"),
            ("é$é${é}", "é$é<é>"),
            ("${ a", "unclosed at 0"),
            ("x ${ \"a }", "unclosed at 2"),
            ("${ { }", "unclosed at 0"),
            ("$", "$"),
        ] {
            assert_eq!(pieces(text), wanted, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_is_lost(text in "[$a{}\"`'\\\\é ]{0,40}") {
            if let Ok(pieces) = split(&text) {
                let again: String = pieces.iter().map(|piece| match piece {
                    Piece::Literal(literal) => literal.replace("${", "$${"),
                    Piece::Expression(range) => format!("${{{}}}", &text[range.clone()]),
                }).collect();
                prop_assert_eq!(again, text);
            }
        }
    }
}
