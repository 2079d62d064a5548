//! Questions and values: expressions compiled, with their mistakes at the exact place in the file.

use sdk::Value;
use text::{Diagnostic, Kind, Node, Span, Text, TextStyle, quoted};

use super::Checker;
use super::names::{Sees, Site};
use crate::codes;
use crate::expr::{Expression, ExpressionMistake, Place, Template, TextPart};
use crate::template::{self, Piece, Unclosed};

impl Checker<'_> {
    /// A question: the whole value is an expression.
    pub(super) fn question(&mut self, node: &Node, sees: Sees) -> Option<Expression> {
        match &node.kind {
            Kind::Text(text) => {
                if let Some((inner, _)) = wrapped(&text.value) {
                    let diagnostic = Diagnostic::error(codes::NOT_BARE, "a question is an expression as a whole")
                        .help(format!("leave out the `${{ }}`: {inner}"));
                    let diagnostic = if matches!(text.style, TextStyle::Plain) {
                        diagnostic.fix(node.span, inner)
                    } else {
                        diagnostic
                    };
                    self.report(diagnostic, node.span, "");
                    return None;
                }
                let question = self.expression(node, 0, &text.value, sees)?;
                self.check_answer(node, &question);
                Some(question)
            }
            Kind::Bool(flag) => self.expression(node, 0, if *flag { "true" } else { "false" }, sees),
            // Reported when it was read.
            Kind::Null | Kind::Int(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) | Kind::Broken => None,
        }
    }

    /// A value: plain, or with expressions in `${ }`.
    pub(super) fn value(&mut self, node: &Node) -> Option<Template> {
        self.value_seeing(node, Sees::Run)
    }

    /// As [`Checker::value`], at a place that sees other names.
    pub(super) fn value_seeing(&mut self, node: &Node, sees: Sees) -> Option<Template> {
        match &node.kind {
            Kind::Null => Some(Template::Literal(Value::Null)),
            Kind::Bool(flag) => Some(Template::Literal(Value::Bool(*flag))),
            Kind::Int(number) => Some(Template::Literal(Value::Int(*number))),
            Kind::Float(number) => Some(Template::Literal(Value::Float(*number))),
            Kind::Text(text) => {
                self.warn_of_bare_name(node, text);
                self.tell_foreign_brackets(node, text, sees);
                self.text(node, text, sees)
            }
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.value_seeing(item, sees)).collect();
                Some(plain_list(items.into_iter().collect::<Option<_>>()?))
            }
            Kind::Map(map) => {
                let entries: Vec<_> = map
                    .entries
                    .iter()
                    .map(|entry| Some((entry.key.text.clone(), self.value_seeing(&entry.value, sees)?)))
                    .collect();
                Some(plain_map(entries.into_iter().collect::<Option<_>>()?))
            }
            Kind::Broken => None,
        }
    }

    fn text(&mut self, node: &Node, text: &Text, sees: Sees) -> Option<Template> {
        let pieces = match template::split(&text.value) {
            Ok(pieces) => pieces,
            Err(Unclosed { start }) => {
                self.unclosed(node, start);
                return None;
            }
        };
        // A block ends with a line break that nobody means; around one whole expression it is none of the value's.
        let is_whole = |literal: &str| text.style == TextStyle::Block && literal.trim().is_empty();
        let mut expressions = pieces.iter().filter(|piece| matches!(piece, Piece::Expression(_)));
        let only = match (expressions.next(), expressions.next()) {
            (Some(Piece::Expression(range)), None) => Some(range.clone()),
            (Some(_) | None, _) => None,
        };
        let rest_is_nothing = pieces.iter().all(|piece| match piece {
            Piece::Literal(literal) => is_whole(literal),
            Piece::Expression(_) => true,
        });
        if let Some(range) = only
            && rest_is_nothing
        {
            return self.expression(node, range.start, &text.value[range], sees).map(Template::Expression);
        }
        let mut parts = Vec::new();
        let mut complete = true;
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => parts.push(TextPart::Literal(literal)),
                Piece::Expression(range) => match self.expression(node, range.start, &text.value[range], sees) {
                    Some(expression) => parts.push(TextPart::Expression(expression)),
                    None => complete = false,
                },
            }
        }
        if !complete {
            return None;
        }
        Some(match parts.pop() {
            Some(TextPart::Literal(literal)) if parts.is_empty() => Template::Literal(Value::Text(literal)),
            Some(last) => {
                parts.push(last);
                Template::Text(parts)
            }
            None => Template::Literal(Value::Text(String::new())),
        })
    }

    /// Warns of `record.name` without `${ }`, which is text and hardly meant as such.
    fn warn_of_bare_name(&mut self, node: &Node, text: &Text) {
        let (Text { style: TextStyle::Plain, value }, Some((root, rest))) = (text, text.value.split_once('.')) else {
            return;
        };
        let is_path = rest.split('.').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let root = root.strip_suffix('?').unwrap_or(root);
        let is_known = match root {
            "record" => self.has_record(),
            "inputs" | "failure" => true,
            name => self.names.find(name).is_some(),
        };
        if !(is_path && is_known) {
            return;
        }
        // In quotes, because in brackets YAML has a meaning of its own for its braces.
        let replacement = format!("\"${{ {value} }}\"");
        let message = format!("this is the text \"{value}\", not what it names");
        let diagnostic = Diagnostic::warning(codes::TEXT_NOT_EXPRESSION, message)
            .help(format!("write `{replacement}`; if the text is meant, put it in quotes"))
            .fix(node.span, replacement);
        self.report(diagnostic, node.span, "");
    }

    /// Compiles an expression that begins at `offset` of the node's text, and looks up its names.
    pub(super) fn expression(&mut self, node: &Node, offset: usize, source: &str, sees: Sees) -> Option<Expression> {
        let expression = self.compiled(node, offset, source)?;
        if self.check_reads(Site::Text { node, offset }, source, expression.reads(), sees) {
            self.check_kinds(node, offset, &expression);
        }
        let Some(with_values) = self.with_values_of_labels(&expression) else { return Some(expression) };
        // What has compiled does so with another text in it.
        Expression::compile(&with_values, expression.place()).ok()
    }

    /// Compiles an expression that begins at `offset` of the node's text.
    pub(super) fn compiled(&mut self, node: &Node, offset: usize, source: &str) -> Option<Expression> {
        let span = match node.kind {
            Kind::Text(_) => {
                // Where the author begins to read: after the white space that follows `${`.
                let blank = source.len() - source.trim_start().len();
                self.span_in(node, offset + blank, offset + blank + 1)
            }
            _ => node.span,
        };
        match Expression::compile(source, &self.place_of(span)) {
            Ok(expression) => Some(expression),
            Err(mistake) => {
                self.mistake(node, offset, source, mistake);
                None
            }
        }
    }

    /// A place in the file, for messages at run time.
    pub(super) fn place_of(&self, span: Span) -> Place {
        let (path, position) = self.definition.source.position(span);
        Place { file: path.to_string(), line: position.line, column: position.column }
    }

    pub(super) fn mistake(&mut self, node: &Node, offset: usize, source: &str, mistake: ExpressionMistake) {
        if self.cut_by_comment(node) {
            return;
        }
        let range = mistake.span.filter(|span| span.end <= source.len());
        let range = range.unwrap_or_else(|| {
            let start = source.len() - source.trim_start().len();
            start..source.trim_end().len().max(start)
        });
        let span = self.span_in(node, offset + range.start, offset + range.end);
        let mut diagnostic = Diagnostic::error(mistake.code, mistake.message).maybe_help(mistake.help);
        if let (Some(replacement), Kind::Text(text)) = (mistake.replacement, &node.kind)
            && (matches!(text.style, TextStyle::Plain | TextStyle::Block) || !replacement.contains(['"', '\'', '\\']))
        {
            if diagnostic.help.is_none() {
                diagnostic = diagnostic.help(format!("write `{replacement}`"));
            }
            diagnostic = diagnostic.with_fix(span, replacement, mistake.confidence);
        }
        self.report(diagnostic, span, "");
    }

    fn unclosed(&mut self, node: &Node, start: usize) {
        if self.cut_by_comment(node) {
            return;
        }
        let span = self.span_in(node, start, start + 2);
        let diagnostic = Diagnostic::error(codes::UNCLOSED, "`${` is never closed")
            .help("add the closing `}`, and look for a quote that is not closed; for a literal `${`, write `$${`");
        self.report(diagnostic, span, "an expression begins here");
    }

    /// Whether YAML cut the value at a ` #`, which it takes for a comment; reports it.
    fn cut_by_comment(&mut self, node: &Node) -> bool {
        let Kind::Text(Text { style: TextStyle::Plain, value }) = &node.kind else { return false };
        let file = &self.definition.source.text;
        let line = file.line(node.span.end);
        let rest = &file.text[node.span.end.min(line.end)..line.end];
        if !(rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#')) {
            return false;
        }
        let span = Span::new(node.span.start, node.span.end + rest.trim_end().len());
        let replacement = quoted(file.slice(span));
        let comment = Span::new(node.span.end + rest.len() - rest.trim_start().len(), span.end);
        let diagnostic = Diagnostic::error(
            codes::DAMAGED,
            format!("YAML takes ` #` for a comment; what is left of the expression is `{}`", text::shown(value)),
        )
        .help(format!("put the whole value in quotes: {replacement}"))
        .fix(span, replacement);
        self.report(diagnostic, comment, "to YAML, this is a comment");
        true
    }
}

/// What a whole `${ … }` wraps, and where it begins in the text.
pub(super) fn wrapped(text: &str) -> Option<(&str, usize)> {
    let blank = text.len() - text.trim_start().len();
    match template::split(text.trim()).as_deref() {
        Ok([Piece::Expression(range)]) => {
            let inner = &text.trim()[range.clone()];
            let start = inner.len() - inner.trim_start().len();
            Some((inner.trim(), blank + range.start + start))
        }
        Ok(_) | Err(Unclosed { .. }) => None,
    }
}

/// A list, plain where every item is.
fn plain_list(items: Vec<Template>) -> Template {
    let plain: Option<Vec<Value>> = items.iter().map(literal).collect();
    plain.map_or(Template::List(items), |items| Template::Literal(Value::List(items)))
}

/// A map, plain where every value is.
fn plain_map(entries: Vec<(String, Template)>) -> Template {
    let plain: Option<sdk::Fields> = entries.iter().map(|(key, value)| Some((key.clone(), literal(value)?))).collect();
    plain.map_or(Template::Map(entries), |fields| Template::Literal(Value::Map(fields)))
}

fn literal(template: &Template) -> Option<Value> {
    match template {
        Template::Literal(value) => Some(value.clone()),
        Template::Expression(_) | Template::Text(_) | Template::List(_) | Template::Map(_) => None,
    }
}
