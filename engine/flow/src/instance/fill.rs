//! Inputs put into a template's tree, before any of its names is looked up.
//!
//! `${ inputs.x }` as a whole value becomes what was filled in, with the place of that; within a longer text it becomes
//! part of the text. An optional input that nobody filled in leaves its key out. What is more than `inputs.x`, and
//! questions, which are expressions, read it at run time.

use std::collections::BTreeMap;

use text::{Diagnostic, Kind, Map, Node, Span, Text, TextStyle, did_you_mean, shown};

use crate::codes;
use crate::parse::QUESTIONS;
use crate::template::{self, Piece};

/// What stands for an input.
#[derive(Clone, Debug)]
pub(super) enum Filling {
    /// This value.
    Value(Node),
    /// Nothing: what asks for it is left out.
    Nothing,
    /// Whatever comes: nothing is said of a value that is not known, or that was reported.
    Unknown,
}

/// A template's inputs, and what stands for each.
#[derive(Debug)]
pub(super) struct Fillings {
    pub(super) by_name: BTreeMap<String, Filling>,
    /// Inputs of callers, which no template's tree can hold.
    pub(super) of_callers: Vec<String>,
}

/// A value that is put in again and again must not make a tree that nothing can hold.
const MOST_NODES: usize = 200_000;

/// The tree with the inputs put in, and what is wrong with how it asks for them.
pub(super) fn fill(map: &Map, fillings: &Fillings) -> (Map, Vec<(Diagnostic, Span)>) {
    let size = |filling: &Filling| match filling {
        Filling::Value(node) => n_nodes(node),
        Filling::Nothing | Filling::Unknown => 0,
    };
    let sizes = fillings.by_name.iter().map(|(name, filling)| (name.as_str(), size(filling))).collect();
    let mut filler = Filler { fillings, sizes, n_nodes: 0, mistakes: Vec::new() };
    let mut map = map.clone();
    filler.map(&mut map);
    (map, filler.mistakes)
}

struct Filler<'a> {
    fillings: &'a Fillings,
    sizes: BTreeMap<&'a str, usize>,
    n_nodes: usize,
    mistakes: Vec<(Diagnostic, Span)>,
}

impl Filler<'_> {
    fn map(&mut self, map: &mut Map) {
        let mut filled = Map::default();
        for mut entry in std::mem::take(&mut map.entries) {
            if template::has_expression(&entry.key.text) {
                let mut key = Node {
                    span: entry.key.span,
                    kind: Kind::Text(Text { value: entry.key.text.clone(), style: TextStyle::Plain }),
                };
                let is_there = self.node(&mut key);
                match key.kind {
                    Kind::Text(text) if is_there => (entry.key.text, entry.key.span) = (text.value, key.span),
                    // Without its key, nothing can be said of the rest.
                    _ => continue,
                }
            }
            let is_question = QUESTIONS.contains(&entry.key.text.as_str()) && entry.value.as_text().is_some();
            if !is_question && !self.node(&mut entry.value) {
                continue;
            }
            if filled.get(&entry.key.text).is_some() {
                let message = format!("the key `{}` stands twice", shown(&entry.key.text));
                let diagnostic = Diagnostic::error(text::codes::DUPLICATE_KEY, message);
                self.mistakes
                    .push((diagnostic.help("two inputs name the same; fill one of them in otherwise"), entry.key.span));
                continue;
            }
            filled.entries.push(entry);
        }
        *map = filled;
    }

    /// Puts inputs into a value; false where it is to be left out.
    fn node(&mut self, node: &mut Node) -> bool {
        match &mut node.kind {
            Kind::Text(text) => match self.text(text, node.span) {
                Some(Filling::Value(value)) => *node = value,
                Some(Filling::Unknown) => node.kind = Kind::Broken,
                Some(Filling::Nothing) => return false,
                None => {}
            },
            Kind::List(items) => items.retain_mut(|item| self.node(item)),
            Kind::Map(map) => self.map(map),
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Broken => {}
        }
        true
    }

    /// What stands for a text that asks for inputs and nothing else; `None` for every other text.
    fn text(&mut self, text: &Text, span: Span) -> Option<Filling> {
        let pieces = template::split(&text.value).ok()?;
        let names: Option<Vec<&str>> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Expression(range) => Some(input_of(&text.value[range.clone()])),
                Piece::Literal(_) => None,
            })
            .collect();
        let names = names.filter(|names| !names.is_empty())?;
        if names.iter().any(|name| self.fillings.of_callers.iter().any(|known| known == name)) {
            return None;
        }
        if let Some(unknown) = names.iter().find(|name| !self.fillings.by_name.contains_key(**name)) {
            self.unknown_input(unknown, span);
            return Some(Filling::Unknown);
        }
        if let [Piece::Expression(_)] = pieces.as_slice() {
            return match self.has_room_for(names[0], span) {
                true => self.fillings.by_name.get(names[0]).cloned(),
                false => Some(Filling::Unknown),
            };
        }
        self.joined(&pieces, text, span)
    }

    /// A longer text with inputs in it; `None` where one of them is no plain text, which is put in at run time.
    fn joined(&self, pieces: &[Piece], text: &Text, span: Span) -> Option<Filling> {
        let mut value = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => value.push_str(literal),
                Piece::Expression(range) => match self.fillings.by_name.get(input_of(&text.value[range.clone()])?)? {
                    Filling::Value(node) => match &node.kind {
                        Kind::Text(text) => value.push_str(&literal(&text.value)),
                        Kind::Int(number) => value.push_str(&number.to_string()),
                        Kind::Float(number) => value.push_str(&number.to_string()),
                        Kind::Bool(flag) => value.push_str(&flag.to_string()),
                        Kind::Null => {}
                        Kind::Broken => return Some(Filling::Unknown),
                        Kind::List(_) | Kind::Map(_) => return None,
                    },
                    Filling::Nothing => {}
                    Filling::Unknown => return Some(Filling::Unknown),
                },
            }
        }
        // It is read again, and what is literal has to stay so; also where only two pieces together make a `${`.
        let value = value.replace("${", "$${");
        // As no part of it is where the file has it, its mistakes are told of the whole.
        Some(Filling::Value(Node { span, kind: Kind::Text(Text { value, style: TextStyle::DoubleQuoted }) }))
    }

    /// Whether the tree may still grow by what stands for an input.
    fn has_room_for(&mut self, name: &str, span: Span) -> bool {
        self.n_nodes += self.sizes.get(name).copied().unwrap_or_default();
        if self.n_nodes <= MOST_NODES {
            return true;
        }
        if self.mistakes.iter().all(|(known, _)| known.code != codes::WRONG_TEMPLATE_INPUT) {
            let diagnostic = Diagnostic::error(codes::WRONG_TEMPLATE_INPUT, "with its inputs, the flow is too large");
            self.mistakes.push((diagnostic.help("fill in less, or put it in at fewer places"), span));
        }
        false
    }

    fn unknown_input(&mut self, name: &str, span: Span) {
        let known = self.fillings.by_name.keys().map(String::as_str);
        let list = known.clone().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, format!("there is no input `{}`", shown(name)));
        let diagnostic = match did_you_mean(name, known) {
            Some(meant) => diagnostic.help(format!("did you mean `inputs.{meant}`?")),
            None => diagnostic.help(format!("the inputs are {list}")),
        };
        self.mistakes.push((diagnostic, span));
    }
}

/// What a text without expressions says.
fn literal(text: &str) -> String {
    let pieces = template::split(text).unwrap_or_default();
    let said = pieces.into_iter().map(|piece| match piece {
        Piece::Literal(literal) => literal,
        Piece::Expression(range) => text[range].to_owned(),
    });
    said.collect()
}

/// The input that an expression is, where it is one and nothing else.
fn input_of(expression: &str) -> Option<&str> {
    let name = expression.trim().strip_prefix("inputs.")?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    (is_name && !name.is_empty()).then_some(name)
}

fn n_nodes(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::List(items) => items.iter().map(n_nodes).sum(),
        Kind::Map(map) => map.entries.iter().map(|entry| n_nodes(&entry.value)).sum(),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Broken => 0,
    }
}
