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

    /// Where the parts of its text stand in the file. Whoever asks for many makes it once.
    pub fn text_map(&self, file: &SourceFile) -> TextMap {
        match &self.kind {
            Kind::Text(text) => {
                TextMap { whole: self.span, style: text.style, starts: align(text, file.slice(self.span)) }
            }
            _ => TextMap { whole: self.span, style: TextStyle::Plain, starts: Vec::new() },
        }
    }

    /// Where a part of the text stands in the file. Where the way the text is written does not tell, the whole value.
    pub fn span_in_text(&self, file: &SourceFile, start: usize, end: usize) -> Span {
        self.text_map(file).span(start, end)
    }

    /// Line and column at which a byte of the text stands.
    pub fn position_in_text(&self, file: &SourceFile, offset: usize) -> Position {
        file.position(self.span_in_text(file, offset, offset + 1).start)
    }
}

/// Where each byte of a decoded text stands in its file.
#[derive(Clone, Debug)]
pub struct TextMap {
    whole: Span,
    style: TextStyle,
    /// For every byte of the text, where its character stands in the raw value; empty where that cannot be told.
    starts: Vec<RawStart>,
}

/// A character's place in the raw value: its first byte and the byte after it.
type RawStart = (usize, usize);

impl TextMap {
    /// Where a part of the text stands in the file; the whole value where that cannot be told.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let at = |offset: usize| self.whole.start + offset;
        match (self.starts.get(start), end.checked_sub(1).and_then(|last| self.starts.get(last))) {
            (Some((from, _)), Some((_, to))) if end > start && to >= from => {
                Span::new(at(*from), at(*to).min(self.whole.end))
            }
            (Some((from, _)), _) => Span::new(at(*from), at(*from)),
            // The end of the text, before its closing quote.
            (None, _) if !self.starts.is_empty() => {
                let end = match self.style {
                    TextStyle::Plain | TextStyle::Block => self.whole.end,
                    TextStyle::SingleQuoted | TextStyle::DoubleQuoted => self.whole.end - 1,
                };
                Span::new(end, end)
            }
            (None, _) => self.whole,
        }
    }
}

/// For every byte of the text, where its character begins in the raw source; empty where that cannot be told.
///
/// Text and source are walked side by side. White space is skipped on both sides, because folding and indentation
/// change it; every other character must be met in order, or nothing is said.
fn align(text: &Text, raw: &str) -> Vec<RawStart> {
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
        offsets.extend(std::iter::repeat_n((found, rest.max(found)), wanted.len_utf8()));
    }
    offsets
}
