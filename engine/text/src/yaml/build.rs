//! The tree, built from the parser's events.
//!
//! Depth is bounded, so the stack of open lists and maps is too. What is refused (an anchor, a tag, a key that is no
//! text) is reported at its place and stands in the tree as [`Kind::Broken`], and reading goes on.

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_yaml::granit_parser::{Event, ScalarStyle};

use super::scalar::{self, Resolved};
use super::{MAX_DEPTH, MAX_NODES};
use crate::codes;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::{Entry, Key, Kind, Map, Node, Text, TextStyle};
use crate::source::Span;
use crate::suggest::{is_hidden, quoted, shown};

/// Builds one document.
pub(super) struct Builder<'a> {
    diagnostics: &'a mut Diagnostics,
    open: Vec<Open>,
    root: Option<Node>,
    n_documents: usize,
    n_nodes: usize,
}

/// A list or a map whose end has not come yet.
enum Open {
    List { span: Span, items: Vec<Node>, refused: bool },
    Map { span: Span, entries: Vec<Entry>, places: HashMap<String, Span>, key: Option<KeyRead>, refused: bool },
}

/// What stood in a key's place.
enum KeyRead {
    /// A key.
    Good(Key),
    /// Something that was refused; its value is read and forgotten.
    Refused,
}

impl<'a> Builder<'a> {
    pub(super) fn new(diagnostics: &'a mut Diagnostics) -> Self {
        Self { diagnostics, open: Vec::new(), root: None, n_documents: 0, n_nodes: 0 }
    }

    /// Takes the next event in; breaks where the rest of the file shall not be read.
    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> ControlFlow<()> {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(..) => {
                self.n_documents += 1;
                if self.n_documents > 1 {
                    self.report(
                        Diagnostic::error(codes::SEVERAL_DOCUMENTS, "a second document begins here"),
                        span,
                        "one file holds one document",
                        "put it into a file of its own",
                    );
                    return ControlFlow::Break(());
                }
            }
            Event::Anchor(_, name) => self.report(
                Diagnostic::error(codes::ANCHOR, format!("anchors are not allowed, and `&{}` is one", shown(&name))),
                span,
                "",
                "write the value out where it is needed; a value that begins with `&` needs quotes",
            ),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let written = shown(self.diagnostics.file().slice(span));
                self.report(
                    Diagnostic::error(codes::ANCHOR, format!("aliases are not allowed, and `{written}` is one")),
                    span,
                    "",
                    "write the value out; a value that begins with `*` needs quotes",
                );
                return self.put(Node { span, kind: Kind::Broken });
            }
            Event::Scalar(value, style, _, tag) => {
                let node = if let Some(tag) = tag {
                    self.refuse_tag(&tag.original(), span);
                    Node { span, kind: Kind::Broken }
                } else {
                    self.scalar(value.into_owned(), style, span)
                };
                return self.put(node);
            }
            Event::SequenceStart(_, _, tag) => {
                if let Some(tag) = &tag {
                    self.refuse_tag(&tag.original(), span);
                }
                return self.open(Open::List { span, items: Vec::new(), refused: tag.is_some() });
            }
            Event::MappingStart(_, _, tag) => {
                if let Some(tag) = &tag {
                    self.refuse_tag(&tag.original(), span);
                }
                let (entries, places) = (Vec::new(), HashMap::new());
                return self.open(Open::Map { span, entries, places, key: None, refused: tag.is_some() });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return ControlFlow::Continue(()) };
                let written = !self.diagnostics.file().slice(span).trim().is_empty();
                return self.put(open.close(written.then_some(span)));
            }
            // The parser may learn further events; what they stand for is not in our YAML.
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// The document's tree.
    pub(super) fn finish(self) -> Option<Node> {
        // `null` at the top says as little as an empty file.
        self.root.filter(|root| root.kind != Kind::Null)
    }

    /// Where to report what the parser says.
    pub(super) fn into_diagnostics(self) -> &'a mut Diagnostics {
        self.diagnostics
    }

    fn open(&mut self, open: Open) -> ControlFlow<()> {
        if self.open.len() >= MAX_DEPTH {
            let (Open::List { span, .. } | Open::Map { span, .. }) = open;
            self.report(
                Diagnostic::error(codes::TOO_DEEP, "lists and maps stand too deep in each other"),
                span,
                "",
                format!("{MAX_DEPTH} levels are the most"),
            );
            return ControlFlow::Break(());
        }
        self.open.push(open);
        ControlFlow::Continue(())
    }

    /// Puts a finished value where it belongs.
    fn put(&mut self, node: Node) -> ControlFlow<()> {
        self.n_nodes += 1;
        if self.n_nodes > MAX_NODES {
            self.report(
                Diagnostic::error(codes::TOO_DEEP, "the file holds too many values"),
                node.span,
                "",
                format!("{MAX_NODES} values are the most; divide it into several files"),
            );
            return ControlFlow::Break(());
        }
        match self.open.pop() {
            None => self.root = Some(node),
            Some(Open::List { span, mut items, refused }) => {
                items.push(node);
                self.open.push(Open::List { span, items, refused });
            }
            Some(Open::Map { span, mut entries, mut places, key, refused }) => {
                let key = match key {
                    None => Some(self.key(node, &mut places)),
                    Some(KeyRead::Good(key)) => {
                        entries.push(Entry { key, value: node });
                        None
                    }
                    Some(KeyRead::Refused) => None,
                };
                self.open.push(Open::Map { span, entries, places, key, refused });
            }
        }
        ControlFlow::Continue(())
    }

    /// Makes a key of what stands in a key's place.
    fn key(&mut self, node: Node, places: &mut HashMap<String, Span>) -> KeyRead {
        let span = node.span;
        let text = match node.kind {
            Kind::Text(text) => text,
            Kind::Broken => return KeyRead::Refused,
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {
                let written = self.diagnostics.file().slice(span).to_owned();
                let what = node.describe();
                let diagnostic =
                    Diagnostic::error(codes::KEY_NOT_TEXT, format!("a key must be text, and this is {what}"));
                let diagnostic = if written.is_empty() { diagnostic } else { diagnostic.fix(span, quoted(&written)) };
                self.report(diagnostic, span, "", "put it in quotes");
                return KeyRead::Refused;
            }
            Kind::List(_) | Kind::Map(_) => {
                let what = node.describe();
                self.report(
                    Diagnostic::error(codes::KEY_NOT_TEXT, format!("a key must be text, and this is {what}")),
                    span,
                    "",
                    "a value that begins with `{` or `[` needs quotes",
                );
                return KeyRead::Refused;
            }
        };
        if text.value == "<<" && text.style == TextStyle::Plain {
            self.report(
                Diagnostic::error(codes::ANCHOR, "merge keys are not allowed"),
                span,
                "",
                "write the merged keys out",
            );
            return KeyRead::Refused;
        }
        if text.value.chars().any(is_hidden) {
            self.report(
                Diagnostic::error(
                    codes::CONTROL_CHARACTER,
                    format!("the key `{}` holds a hidden character", shown(&text.value)),
                ),
                span,
                "",
                "remove it",
            );
            return KeyRead::Refused;
        }
        if let Some(first) = places.get(&text.value) {
            let line = self.diagnostics.file().position(first.start).line;
            let diagnostic = Diagnostic::error(
                codes::DUPLICATE_KEY,
                format!("the key `{}` stands twice; first on line {line}", shown(&text.value)),
            );
            let diagnostic = self.diagnostics.at(diagnostic, span, "here again");
            let diagnostic = self.diagnostics.at(diagnostic, *first, "first here").help("keep one of them");
            self.diagnostics.push(diagnostic);
            return KeyRead::Refused;
        }
        places.insert(text.value.clone(), span);
        KeyRead::Good(Key { text: text.value, span })
    }

    fn scalar(&mut self, value: String, style: ScalarStyle, span: Span) -> Node {
        let style = match style {
            ScalarStyle::Plain => TextStyle::Plain,
            ScalarStyle::SingleQuoted => TextStyle::SingleQuoted,
            ScalarStyle::DoubleQuoted => TextStyle::DoubleQuoted,
            ScalarStyle::Literal | ScalarStyle::Folded => TextStyle::Block,
        };
        // The parser lets a block run on to where the next token stands.
        let span = match style {
            TextStyle::Block => {
                Span::new(span.start, span.start + self.diagnostics.file().slice(span).trim_end().len())
            }
            TextStyle::Plain | TextStyle::SingleQuoted | TextStyle::DoubleQuoted => span,
        };
        if style != TextStyle::Plain {
            return Node { span, kind: Kind::Text(Text { value, style }) };
        }
        let kind = match scalar::resolve(&value) {
            Resolved::Null => Kind::Null,
            Resolved::Bool(flag) => Kind::Bool(flag),
            Resolved::Int(number) => Kind::Int(number),
            Resolved::Float(number) => Kind::Float(number),
            Resolved::Text => Kind::Text(Text { value, style }),
            Resolved::Ambiguous(loss) => {
                let diagnostic = Diagnostic::error(
                    codes::AMBIGUOUS_NUMBER,
                    format!("`{}` looks like a number, and would lose {loss} as one", shown(&value)),
                );
                let help = format!("to keep it as text, write {}", quoted(&value));
                self.report(diagnostic.fix(span, quoted(&value)), span, "", help);
                Kind::Broken
            }
            Resolved::OutOfRange(why) => {
                let diagnostic = Diagnostic::error(codes::NUMBER_OUT_OF_RANGE, format!("`{}` is {why}", shown(&value)));
                let help = "put it in quotes if it is an id or a name";
                self.report(diagnostic.fix(span, quoted(&value)), span, "", help);
                Kind::Broken
            }
        };
        Node { span, kind }
    }

    fn refuse_tag(&mut self, tag: &str, span: Span) {
        // The tag stands before the value, which may be empty or on a later line.
        let file = self.diagnostics.file();
        let start = file.text[..span.start].rfind(tag).unwrap_or(span.start);
        let line = file.line(start);
        let rest = super::syntax::without_comment(&file.text[start..line.end]);
        let at = Span::new(start, start + rest.len());
        let help = format!("tags are not allowed; a value that begins with `!` needs quotes: {}", quoted(rest));
        let fix = quoted(rest);
        let diagnostic = Diagnostic::error(codes::TAG, format!("`{}` is a tag to YAML, not text", shown(tag)));
        self.report(diagnostic.fix(at, fix), at, "", help);
    }

    fn report(&mut self, diagnostic: Diagnostic, span: Span, label: &str, help: impl Into<String>) {
        let diagnostic = self.diagnostics.at(diagnostic, span, label).help(help);
        self.diagnostics.push(diagnostic);
    }
}

impl Open {
    /// The finished value; `end` is its closing bracket, where it has one.
    fn close(self, end: Option<Span>) -> Node {
        match self {
            Self::List { span, items, refused } => {
                let span = whole(span, items.last().map(|item| item.span), end);
                Node { span, kind: if refused { Kind::Broken } else { Kind::List(items) } }
            }
            Self::Map { span, entries, places: _, key: _, refused } => {
                let last = entries.last().map(|entry| entry.key.span.join(entry.value.span));
                let span = whole(span, last, end);
                Node { span, kind: if refused { Kind::Broken } else { Kind::Map(Map { entries }) } }
            }
        }
    }
}

fn whole(start: Span, last: Option<Span>, end: Option<Span>) -> Span {
    let end = end.or(last).unwrap_or(start);
    Span::new(start.start, end.end.max(start.end))
}
