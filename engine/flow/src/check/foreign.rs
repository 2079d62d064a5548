//! Expressions in brackets of other tools: `{{ record.email }}` and `$ { record.email }` are text here, and hardly meant
//! as such where they read names that are known.

use std::ops::Range;

use text::{Diagnostic, Node, Text};

use super::Checker;
use super::names::Sees;
use crate::codes;
use crate::expr::{Expression, Reads};
use crate::template::{self, Piece};

impl Checker<'_> {
    /// Warns of each such pair of brackets that stands outside of `${ }`.
    pub(super) fn warn_of_foreign_brackets(&mut self, node: &Node, text: &Text, sees: Sees) {
        for Bracketed { whole, inner } in bracketed(&text.value) {
            let span = self.span_in(node, whole.start, whole.end);
            let source = text.value[inner].trim();
            let Ok(expression) = Expression::compile(source, &self.place_of(span)) else { continue };
            if !self.sees_all(expression.reads(), sees) {
                continue;
            }
            let foreign = text::shown(&text.value[whole]);
            // As it stands in the file, where a quote may be written otherwise.
            let written = without_brackets(self.definition.source.text.slice(span)).unwrap_or(source).to_owned();
            let replacement = format!("${{ {written} }}");
            let help = match foreign.contains('"') {
                true => format!("write `{replacement}`"),
                false => format!("write `{replacement}`; if the text is meant, write `${{ \"{foreign}\" }}`"),
            };
            let message = format!("`{foreign}` is text, not what it names");
            let diagnostic = Diagnostic::warning(codes::TEXT_NOT_EXPRESSION, message).help(help).fix(span, replacement);
            self.report(diagnostic, span, "");
        }
    }

    /// Whether there are names, and each is one that is seen.
    fn sees_all(&self, reads: &Reads, sees: Sees) -> bool {
        let is_seen = |name: &String| match name.as_str() {
            "record" => self.has_record(),
            "body" => self.has_body(),
            "failure" => self.on_failure,
            "run" | "flow" | "errors" => sees == Sees::Run,
            "now" => true,
            "inputs" => !self.definition.inputs.is_empty() || self.has_callers(),
            name => self.names.find(name).is_some(),
        };
        !reads.roots.is_empty() && reads.roots.keys().all(is_seen)
    }
}

/// What such brackets hold, as it is written.
fn without_brackets(written: &str) -> Option<&str> {
    let inner = match written.strip_prefix("{{") {
        Some(rest) => rest.strip_suffix("}}"),
        None => written.strip_prefix('$')?.trim_start().strip_prefix('{')?.strip_suffix('}'),
    };
    inner.map(str::trim)
}

/// Something in brackets of other tools.
struct Bracketed {
    whole: Range<usize>,
    inner: Range<usize>,
}

/// What stands in such brackets, in order; nothing where it cannot be told which brackets are ours.
fn bracketed(text: &str) -> Vec<Bracketed> {
    let mut found = Vec::new();
    if !text.contains("{{") && !text.contains("$ ") {
        return found;
    }
    let Ok(pieces) = template::split(text) else { return found };
    let ours = pieces.iter().filter_map(|piece| match piece {
        Piece::Expression(range) => Some(range.start - "${".len()..range.end + "}".len()),
        Piece::Literal(_) => None,
    });
    let mut from = 0;
    for ours in ours.chain(std::iter::once(text.len()..text.len())) {
        in_literal(text, from..ours.start, &mut found);
        from = ours.end;
    }
    found
}

fn in_literal(text: &str, part: Range<usize>, found: &mut Vec<Bracketed>) {
    let mut at = part.start;
    while let Some(begin) = text[at..part.end].find('{').map(|distance| at + distance) {
        let before = &text[part.start..begin];
        let dollar = before.trim_end_matches(' ');
        let (start, open, close) = match text[begin..part.end].starts_with("{{") {
            // `$${{` is a literal of ours.
            true if !before.ends_with('$') => (begin, "{{", "}}"),
            false if dollar.ends_with('$') && dollar.len() < before.len() => (part.start + dollar.len() - 1, "{", "}"),
            true | false => {
                at = begin + 1;
                continue;
            }
        };
        let inner = begin + open.len();
        // Where none closes this one, none closes a later one.
        let Some(end) = text[inner..part.end].find(close).map(|distance| inner + distance) else { return };
        found.push(Bracketed { whole: start..end + close.len(), inner: inner..end });
        at = end + close.len();
    }
}
