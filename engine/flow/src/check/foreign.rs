//! Expressions in brackets of other tools: `{{ record.email }}`, `{record.email}` and their like are text here, and
//! hardly meant as such where they read names that are known.

use std::ops::Range;

use text::{Diagnostic, Node, Text};

use super::Checker;
use super::names::Sees;
use crate::codes;
use crate::expr::{Expression, Reads};
use crate::template::{self, Piece};

/// Brackets of other tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brackets {
    /// `{{ … }}`, perhaps with a `=` before it.
    Double,
    /// `{% … %}`
    Statement,
    /// `$ { … }`
    Spaced,
    /// `{…}`, which much else is written with as well.
    Single,
    /// `$(…)`
    Round,
}

/// Something in brackets of other tools.
struct Bracketed {
    brackets: Brackets,
    whole: Range<usize>,
    inner: Range<usize>,
}

impl Brackets {
    const ALL: [Self; 5] = [Self::Double, Self::Statement, Self::Spaced, Self::Single, Self::Round];

    fn open_and_close(self) -> (&'static str, &'static str) {
        match self {
            Self::Double => ("{{", "}}"),
            Self::Statement => ("{%", "%}"),
            Self::Spaced | Self::Single => ("{", "}"),
            Self::Round => ("(", ")"),
        }
    }
}

impl Checker<'_> {
    /// Tells of each such pair of brackets that stands outside of `${ }`.
    pub(super) fn tell_foreign_brackets(&mut self, node: &Node, text: &Text, sees: Sees) {
        self.tell_foreign_record(node, text);
        for Bracketed { brackets, whole, inner } in bracketed(&text.value) {
            let span = self.span_in(node, whole.start, whole.end);
            let source = text.value[inner].trim();
            let foreign = text::shown(&text.value[whole]);
            if brackets == Brackets::Statement {
                if self.names_one_of_ours(source, sees) {
                    let diagnostic = Diagnostic::error(
                        codes::TEXT_NOT_EXPRESSION,
                        format!("`{foreign}` is text, and decides nothing"),
                    )
                    .help("write an expression, such as `${ if record.vip { \"a\" } else { \"b\" } }`, or an `if:` with steps");
                    self.report(diagnostic, span, "");
                }
                continue;
            }
            let Ok(expression) = Expression::compile(source, &self.place_of(span)) else { continue };
            let is_path =
                expression.reads().roots.values().any(|root| root.uses.iter().any(|read| !read.path.is_empty()));
            let is_vague = matches!(brackets, Brackets::Single | Brackets::Round);
            if !self.sees_all(expression.reads(), sees) || (is_vague && !is_path) {
                continue;
            }
            // As it stands in the file, where a quote may be written otherwise.
            let written = without_brackets(self.definition.source.text.slice(span)).unwrap_or(source).to_owned();
            let replacement = format!("${{ {written} }}");
            let help = match foreign.contains('"') {
                true => format!("write `{replacement}`"),
                false => format!("write `{replacement}`; if the text is meant, write `${{ \"{foreign}\" }}`"),
            };
            let message = format!("`{foreign}` is text, not what it names");
            let diagnostic = match brackets {
                Brackets::Double => Diagnostic::error(codes::TEXT_NOT_EXPRESSION, message),
                Brackets::Statement | Brackets::Spaced | Brackets::Single | Brackets::Round => {
                    Diagnostic::warning(codes::TEXT_NOT_EXPRESSION, message)
                }
            };
            self.report(diagnostic.help(help).fix(span, replacement), span, "");
        }
    }

    /// Warns of `$json.email`, which is the record in another tool.
    fn tell_foreign_record(&mut self, node: &Node, text: &Text) {
        const RECORD: &str = "$json.";
        let Some(start) = text.value.find(RECORD) else { return };
        let field = &text.value[start + RECORD.len()..];
        let len = field.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(field.len());
        let (whole, field) = (&text.value[start..start + RECORD.len() + len], &field[..len]);
        let span = self.span_in(node, start, start + whole.len());
        let diagnostic = Diagnostic::warning(codes::TEXT_NOT_EXPRESSION, format!("`{whole}` is text here"));
        let diagnostic = match (self.has_record(), self.has_body()) {
            (true, _) => diagnostic.help(format!("a field of the record is `${{ record.{field} }}`")),
            (false, true) => diagnostic.help(format!("a part of what was delivered is `${{ body.{field} }}`")),
            (false, false) => diagnostic.help("an expression is written `${ … }`"),
        };
        self.report(diagnostic, span, "");
    }

    /// Whether there are names, and each is one that is seen.
    fn sees_all(&self, reads: &Reads, sees: Sees) -> bool {
        !reads.roots.is_empty() && reads.roots.keys().all(|name| self.sees_name(name, sees))
    }

    /// Whether a word of the text is the root of a path that is seen.
    fn names_one_of_ours(&self, source: &str, sees: Sees) -> bool {
        let words = source.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'));
        words.filter_map(|word| word.split_once('.')).any(|(root, _)| self.sees_name(root, sees))
    }

    fn sees_name(&self, name: &str, sees: Sees) -> bool {
        match name {
            "record" => self.has_record(),
            "body" => self.has_body(),
            "failure" => self.on_failure,
            "run" | "flow" | "errors" => sees == Sees::Run,
            "now" => true,
            "inputs" => !self.definition.inputs.is_empty() || self.has_callers(),
            name => self.names.find(name).is_some(),
        }
    }
}

/// What such brackets hold, as it is written.
fn without_brackets(written: &str) -> Option<&str> {
    let written = written.trim_start_matches(['$', '=', ' ']);
    let inner = Brackets::ALL.into_iter().find_map(|brackets| {
        let (open, close) = brackets.open_and_close();
        written.strip_prefix(open)?.strip_suffix(close)
    });
    inner.map(str::trim)
}

/// What stands in such brackets, in order; nothing where it cannot be told which brackets are ours.
fn bracketed(text: &str) -> Vec<Bracketed> {
    let mut found = Vec::new();
    if !text.contains('{') && !text.contains("$(") {
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
    while let Some(begin) = text[at..part.end].find(['{', '(']).map(|distance| at + distance) {
        let (before, rest) = (&text[part.start..begin], &text[begin..part.end]);
        let dollar = before.trim_end_matches(' ');
        let is_ours = before.ends_with('$');
        let (start, brackets) = if rest.starts_with('(') {
            match is_ours {
                true => (begin - 1, Brackets::Round),
                false => {
                    at = begin + 1;
                    continue;
                }
            }
        } else if is_ours {
            // `$${` is a literal of ours.
            at = begin + if rest.starts_with("{{") { 2 } else { 1 };
            continue;
        } else if rest.starts_with("{{") {
            (begin - usize::from(before.ends_with('=')), Brackets::Double)
        } else if rest.starts_with("{%") {
            (begin, Brackets::Statement)
        } else if dollar.ends_with('$') && dollar.len() < before.len() {
            (part.start + dollar.len() - 1, Brackets::Spaced)
        } else {
            (begin, Brackets::Single)
        };
        let (open, close) = brackets.open_and_close();
        let inner = begin + open.len();
        let Some(end) = text[inner..part.end].find(close).map(|distance| inner + distance) else {
            at = inner;
            continue;
        };
        found.push(Bracketed { brackets, whole: start..end + close.len(), inner: inner..end });
        at = end + close.len();
    }
}
