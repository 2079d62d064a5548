//! Which names a document declares, and which of those that its expressions use nothing declares.
//!
//! It is generous: a name that is made anywhere in a document counts as known everywhere in it, and after the first
//! property of a name it looks no further. So what it calls undeclared is declared nowhere at all.

use std::collections::BTreeSet;

use yaml_serde::Value;

use crate::judge::functions;
use crate::world::{Object, World};

/// What a document declares.
pub struct Names<'a> {
    /// The object of its trigger, where it is known.
    pub record: Option<&'a Object>,
    /// The connections that it may name.
    pub connections: BTreeSet<String>,
    /// Whether other connections stand for its names.
    pub is_bound: bool,
    /// Whether a mapping takes its fields from something else than the record.
    pub has_other_sources: bool,
    roots: BTreeSet<String>,
    /// What there is of `inputs`.
    inputs: BTreeSet<String>,
}

/// What an expression is made of, as far as names go.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    /// A property, and whether it is called.
    Property(String, bool),
    Function(String),
    Other,
}

const WORDS: [&str; 9] = ["true", "false", "in", "if", "else", "switch", "not", "_", "is"];

impl<'a> Names<'a> {
    /// What a document declares.
    pub fn of(document: &Value, world: &'a World) -> Self {
        let trigger = document.get("trigger");
        let of_trigger = |key: &str| trigger.and_then(|trigger| trigger.get(key)?.as_str());
        // A test is about the records of its flow.
        let tested = document.get("test").and_then(|test| world.flows.get(test.as_str()?)?.as_deref());
        let record = of_trigger("poll").or(of_trigger("each")).or(tested);
        let of = |key: &str| document.get(key).and_then(Value::as_mapping);
        let keys = |map: Option<&yaml_serde::Mapping>| -> BTreeSet<String> {
            map.into_iter().flatten().filter_map(|(key, _)| key.as_str().map(str::to_owned)).collect()
        };
        let asked = trigger.and_then(|trigger| trigger.get("manual")?.get("inputs")?.as_mapping());
        let mut inputs = keys(of("inputs"));
        inputs.extend(keys(asked));
        let mut roots: BTreeSet<String> = ["run", "flow", "now", "failure", "errors", "item"].map(str::to_owned).into();
        roots.extend(record.map(|_| "record".to_owned()));
        roots.extend(document.get("sync").map(|_| "record".to_owned()));
        roots.extend((!inputs.is_empty() || of_trigger("manual").is_some()).then(|| "inputs".to_owned()));
        roots.extend(trigger.filter(|trigger| trigger.get("webhook").is_some()).map(|_| "body".to_owned()));
        let mut names = Self {
            record: record.and_then(|record| world.objects.get(record)),
            connections: keys(of("connections")),
            is_bound: document.get("bind").is_some(),
            has_other_sources: false,
            roots,
            inputs,
        };
        // One that the flow does not list is only warned of, where the project has it.
        names.connections.extend(world.connections.keys().cloned());
        names.gather(document);
        names
    }

    /// Every name that is made somewhere below.
    fn gather(&mut self, value: &Value) {
        match value {
            Value::Sequence(items) => items.iter().for_each(|item| self.gather(item)),
            Value::Mapping(map) => {
                for (key, value) in map {
                    match (key.as_str(), value) {
                        (Some("as" | "item"), Value::String(name)) => {
                            self.roots.insert(name.clone());
                        }
                        (Some("let"), Value::Mapping(made)) => {
                            self.roots.extend(made.keys().filter_map(|name| name.as_str().map(str::to_owned)));
                        }
                        (Some("source"), _) => self.has_other_sources = true,
                        _ => {}
                    }
                    self.gather(value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Tagged(_) => {}
        }
    }

    /// What an expression uses and nothing declares: what it is, and its name.
    pub fn undeclared_in(&self, source: &str) -> Vec<(&'static str, String)> {
        let tokens = tokens(source);
        let mut undeclared = Vec::new();
        let functions = functions();
        let parameters = parameters(source);
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Name(name) if WORDS.contains(&name.as_str()) || parameters.contains(name) => {}
                Token::Name(name) if !self.roots.contains(name) => undeclared.push(("name", name.clone())),
                Token::Name(name) => {
                    let Some(Token::Property(property, false)) = tokens.get(at + 1) else { continue };
                    let is_known = match (name.as_str(), self.record) {
                        ("record", Some(record)) => {
                            record.fields.contains_key(property) || ["id", "meta"].contains(&property.as_str())
                        }
                        ("inputs", _) => self.inputs.contains(property),
                        _ => true,
                    };
                    undeclared.extend((!is_known).then(|| ("property", property.clone())));
                }
                Token::Function(name) | Token::Property(name, true) => {
                    let is_known = functions.contains(name.as_str()) || WORDS.contains(&name.as_str());
                    undeclared.extend((!is_known).then(|| ("function", name.clone())));
                }
                Token::Property(_, false) | Token::Other => {}
            }
        }
        undeclared
    }
}

/// The expressions of a text, those between `${` and `}`.
pub fn expressions_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let is_escaped = rest[..at].ends_with('$');
        let body = &rest[at + 2..];
        let mut depth = 1;
        let mut quote = None;
        let mut end = body.len();
        for (at, letter) in body.char_indices() {
            match (quote, letter) {
                (None, '"' | '`') => quote = Some(letter),
                (Some(open), _) if open == letter => quote = None,
                (None, '{') => depth += 1,
                (None, '}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                end = at;
                break;
            }
        }
        if !is_escaped {
            found.push(body[..end].to_owned());
        }
        rest = &body[end..];
    }
    found
}

/// The parameters of an expression's closures: names between two bars.
fn parameters(source: &str) -> BTreeSet<String> {
    let inside = source.replace("||", "  ");
    let inside = inside.split('|').skip(1).step_by(2);
    inside.flat_map(|names| names.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()).collect()
}

fn tokens(source: &str) -> Vec<Token> {
    let letters: Vec<char> = source.chars().collect();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let letter = letters[at];
        if matches!(letter, '"' | '`' | '\'') {
            at += 1;
            while at < letters.len() && letters[at] != letter {
                at += if letters[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
            tokens.push(Token::Other);
        } else if is_part(letter) {
            let start = at;
            while at < letters.len() && is_part(letters[at]) {
                at += 1;
            }
            let word: String = letters[start..at].iter().collect();
            let before: String = letters[..start].iter().collect::<String>().trim_end().to_owned();
            let after: String = letters[at..].iter().collect::<String>().trim_start().to_owned();
            let is_property = before.ends_with('.') && !before.ends_with("..");
            let is_map_key = after.starts_with(':') && (before.ends_with('{') || before.ends_with(','));
            tokens.push(match () {
                () if letter.is_ascii_digit() || is_map_key => Token::Other,
                () if is_property => Token::Property(word, after.starts_with('(')),
                () if after.starts_with('(') => Token::Function(word),
                () => Token::Name(word),
            });
        } else {
            at += 1;
            if !letter.is_whitespace() && !matches!(letter, '.' | '?') {
                tokens.push(Token::Other);
            }
        }
    }
    tokens
}
