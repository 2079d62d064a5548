//! Steps that hold or hold up others: `if`, `route`, `each`, `wait`.

use text::{Diagnostic, Entry, Kind, Map, Node};

use super::flow::question;
use super::reader::Reader;
use super::step::{missing, read, read_list, step_name};
use crate::codes;
use crate::definition::{At, EachDefinition, RuleAsks, RuleDefinition, Verb, WaitDefinition};
use crate::language::RULE;
use crate::template::{self, Piece};

/// What is recorded where no rule holds, so that no rule may be called so.
const DEFAULT: &str = "default";
/// What an item is called, unless the author says otherwise.
const ITEM: &str = "item";
/// A list has at most this many items, unless the author says otherwise.
const DEFAULT_ITEMS: usize = 1_000;

/// An `if`.
pub(super) fn branches(reader: &mut Reader<'_>, map: &Map, verb: &Entry, level: usize) -> Verb {
    let condition = question(reader, verb);
    let then = match map.get("then") {
        Some(entry) => read_list(reader, entry, level + 1),
        None => {
            missing(reader, map, verb, "then", "add the steps to run where it is true");
            Vec::new()
        }
    };
    let otherwise = match map.get("else") {
        Some(entry) => match &entry.value.kind {
            // `else: {if: …}` reads as "else if".
            Kind::Map(nested) if nested.get("if").is_some() => {
                read(reader, &entry.value, entry.key.span, level + 1).into_iter().collect()
            }
            Kind::Map(_) => {
                reader.wrong_type(&entry.value, entry.key.span, "else", "a list of steps, or one nested `if`");
                Vec::new()
            }
            _ => read_list(reader, entry, level + 1),
        },
        None => Vec::new(),
    };
    Verb::If { condition, then, otherwise }
}

/// A `route`.
pub(super) fn route(reader: &mut Reader<'_>, map: &Map, verb: &Entry, level: usize) -> Verb {
    let rules = reader.list(verb, "a list of rules").unwrap_or_default();
    if rules.is_empty() && matches!(verb.value.kind, Kind::List(_)) {
        reader.report(Diagnostic::error(codes::WRONG_VALUE, "`route` has no rule"), verb.key.span);
    }
    let mut read: Vec<RuleDefinition> = Vec::new();
    for (number, node) in (1..).zip(rules) {
        let Some(rule) = rule(reader, node, verb, number, level) else { continue };
        if rule.name.value == DEFAULT || read.iter().any(|earlier| earlier.name.value == rule.name.value) {
            let message = format!("another rule is called `{}`", rule.name.value);
            reader.report(Diagnostic::error(codes::BAD_NAME, message).help("choose another name"), rule.name.span);
        }
        read.push(rule);
    }
    let default = map.get(DEFAULT).map(|entry| read_list(reader, entry, level + 1)).unwrap_or_default();
    Verb::Route { rules: read, default }
}

fn rule(reader: &mut Reader<'_>, node: &Node, verb: &Entry, number: usize, level: usize) -> Option<RuleDefinition> {
    let Kind::Map(map) = &node.kind else {
        let wanted = "a map such as `{when: record.amount > 1000, steps: […]}`";
        reader.wrong_type(node, verb.key.span, "a rule", wanted);
        return None;
    };
    reader.keys(map, &RULE);
    let asks = match (map.get("when"), map.get("filter")) {
        (Some(entry), None) => RuleAsks::When(question(reader, entry)),
        (None, Some(entry)) => RuleAsks::Filter(entry.value.clone()),
        (Some(_), Some(entry)) => {
            let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, "a rule takes `when` or `filter`, not both");
            reader.report(diagnostic, entry.key.span);
            RuleAsks::Unread
        }
        (None, None) => {
            let help = "say when it holds; what is done where no rule holds stands under `default`, beside `route`";
            let message = "the rule has no `when` and no `filter`";
            reader.missing_key_at(map, node.span, "when", &RULE, message, help);
            RuleAsks::Unread
        }
    };
    let steps = match map.get("steps") {
        Some(entry) => read_list(reader, entry, level + 1),
        None => {
            let help = "add what is done where it holds";
            reader.missing_key_at(map, node.span, "steps", &RULE, "the rule has no `steps`", help);
            Vec::new()
        }
    };
    let name = map.get("name").and_then(|entry| step_name(reader, entry));
    Some(RuleDefinition { name: name.unwrap_or(At { value: number.to_string(), span: node.span }), asks, steps })
}

/// An `each`.
pub(super) fn each(reader: &mut Reader<'_>, map: &Map, verb: &Entry, level: usize) -> Verb {
    let is_list = match &verb.value.kind {
        Kind::List(_) => true,
        // Text around an expression makes text of it, which is no list.
        Kind::Text(text) => match template::split(text.value.trim()).as_deref() {
            Ok([Piece::Expression(_)]) | Err(_) => true,
            Ok(_) => false,
        },
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Map(_) | Kind::Broken => false,
    };
    if !is_list {
        reader.wrong_type(&verb.value, verb.key.span, "each", "a list, such as `${ record.tags }`");
    }
    let item = map.get("item").and_then(|entry| reader.text(entry));
    let item = match item {
        Some(item) if item.value != ITEM => reader.name(item).map(|item| item.value),
        Some(_) | None => None,
    };
    let steps = match map.get("steps") {
        Some(entry) => read_list(reader, entry, level + 1),
        None => {
            missing(reader, map, verb, "steps", "add what is done with each item");
            Vec::new()
        }
    };
    Verb::Each(EachDefinition {
        list: verb.value.clone(),
        item: item.unwrap_or_else(|| ITEM.to_owned()),
        key: map.get("key").map(|entry| entry.value.clone()),
        limit: map.get("limit").and_then(|entry| reader.count(entry, 100_000)).unwrap_or(DEFAULT_ITEMS),
        steps,
    })
}

/// A `wait`.
pub(super) fn wait(reader: &mut Reader<'_>, verb: &Entry) -> Verb {
    Verb::Wait(match verb.value.as_text() {
        Some(text) if template::has_expression(text) => WaitDefinition::Until(verb.value.clone()),
        _ => reader.duration(verb).map_or(WaitDefinition::Unread, |wait| WaitDefinition::For(wait.value)),
    })
}
