//! The tree of a YAML document: every key and every value with its place in the file.

use crate::source::{Position, SourceFile, Span};

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands. Empty for a value that is left out, as in `key:`.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing: `null`, `~`, or left out.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number with a fraction or an exponent.
    Float(f64),
    /// Text.
    Text(Text),
    /// A list.
    List(Vec<Node>),
    /// Keys and their values.
    Map(Map),
    /// A mistake was reported here; whoever meets it says nothing more.
    Broken,
}

/// A text value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, escapes resolved.
    pub value: String,
    /// How it is written.
    pub style: TextStyle,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextStyle {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|` or `>`
    Block,
}

/// Keys and values, in the author's order; no key stands twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stands, with its quotes if it has any.
    pub span: Span,
}

impl Map {
    /// The entry of that key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.text == key)
    }
}

impl Node {
    /// The text, where it is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(&text.value),
            Kind::Null
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Float(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Broken => None,
        }
    }

    /// What it is, in the author's words, with an article: `a list`.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Int(_) | Kind::Float(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Broken => "a mistake",
        }
    }

    /// Where a part of the text stands in the file. Where the way the text is written does not tell, the whole value.
    pub fn span_in_text(&self, file: &SourceFile, start: usize, end: usize) -> Span {
        let Kind::Text(text) = &self.kind else { return self.span };
        let offsets = align(text, file.slice(self.span));
        match (offsets.get(start), end.checked_sub(1).and_then(|last| offsets.get(last))) {
            (Some(from), Some(last)) if end > start && last >= from => {
                let from = self.span.start + from;
                let last = self.span.start + last;
                let width = file.text[last..].chars().next().map_or(1, char::len_utf8);
                Span::new(from, (last + width).min(self.span.end))
            }
            (Some(from), _) => Span::new(self.span.start + from, self.span.start + from),
            _ if start >= text.value.len() && !offsets.is_empty() => match text.style {
                TextStyle::Plain | TextStyle::Block => Span::new(self.span.end, self.span.end),
                TextStyle::SingleQuoted | TextStyle::DoubleQuoted => Span::new(self.span.end - 1, self.span.end - 1),
            },
            _ => self.span,
        }
    }

    /// Line and column at which a byte of the text stands.
    pub fn position_in_text(&self, file: &SourceFile, offset: usize) -> Position {
        file.position(self.span_in_text(file, offset, offset + 1).start)
    }
}

/// For every byte of the text, where its character begins in the raw source; empty where that cannot be told.
///
/// Text and source are walked side by side. White space is skipped on both sides, because folding and indentation
/// change it; every other character must be met in order, or nothing is said.
fn align(text: &Text, raw: &str) -> Vec<usize> {
    let mut offsets = Vec::with_capacity(text.value.len());
    let mut rest = match text.style {
        // A block's span begins with its content, on the line after the `|`.
        TextStyle::Plain | TextStyle::Block => 0,
        TextStyle::SingleQuoted | TextStyle::DoubleQuoted => 1,
    };
    for wanted in text.value.chars() {
        let here = rest;
        let found = if wanted.is_whitespace() {
            // Where one stands right here it is this one; where it was folded away it has no width.
            match raw[rest..].chars().next() {
                Some(character) if character == wanted => rest += character.len_utf8(),
                Some('\\') if text.style == TextStyle::DoubleQuoted => {
                    rest += 1 + raw[rest + 1..].chars().next().map_or(0, char::len_utf8);
                }
                Some(_) | None => {}
            }
            here
        } else {
            rest += raw[rest..].len() - raw[rest..].trim_start().len();
            let here = rest;
            let Some(character) = raw[rest..].chars().next() else { return Vec::new() };
            let escaped = match text.style {
                TextStyle::DoubleQuoted => character == '\\',
                TextStyle::SingleQuoted => character == '\'',
                TextStyle::Plain | TextStyle::Block => false,
            };
            if escaped {
                rest += 1;
            }
            match raw[rest..].chars().next() {
                Some(character) if character == wanted => rest += character.len_utf8(),
                Some(_) | None => return Vec::new(),
            }
            here
        };
        offsets.extend(std::iter::repeat_n(found, wanted.len_utf8()));
    }
    offsets
}
