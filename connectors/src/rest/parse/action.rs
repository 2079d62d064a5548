//! Actions under names of a service's own.

use sdk::{ActionInput, ActionResult, ActionSchema, FieldType};
use serde_json::Value as Json;
use text::{Entry, Kind, Map, Node, Span, did_you_mean};

use super::request::{conditions, request};
use super::write::retry;
use crate::rest::language::words;
use crate::rest::manifest::{Action, Request, ResultOf};
use crate::rest::reader::Reader;
use crate::rest::template::{Reference, Root, Step};
use crate::rest::{codes, language};

/// Every connector has these words; what they mean is not for a manifest to say.
const TAKEN: [&str; 6] = ["create", "update", "upsert", "find", "delete", "get"];

/// The noun `actions`.
pub(super) fn actions(map: &Map, reader: &mut Reader) -> Vec<Action> {
    let Some(entry) = map.get("actions") else { return Vec::new() };
    let Some(map) = reader.any_map(&entry.value, "`actions`") else { return Vec::new() };
    let mut actions: Vec<Action> = map.entries.iter().filter_map(|entry| action(entry, reader)).collect();
    actions.sort_by(|left, right| left.schema.name.cmp(&right.schema.name));
    actions
}

fn action(entry: &Entry, reader: &mut Reader) -> Option<Action> {
    let what = "an action";
    let span = entry.key.span;
    let map = reader.map(&entry.value, &language::ACTION)?;
    let name = name(entry, reader);
    let mut inputs = Vec::new();
    let mut words = Vec::new();
    if let Some(entry) = map.get("inputs")
        && let Some(map) = reader.any_map(&entry.value, "`inputs`")
    {
        for (input, own) in map.entries.iter().filter_map(|entry| input(entry, reader)) {
            inputs.push(input);
            words.push(own);
        }
    }
    let request = request(map, span, what, &[Root::Input, Root::Op, Root::Config], reader);
    let (mut results, mut places) = (Vec::new(), Vec::new());
    if let Some(entry) = map.get("result")
        && let Some(map) = reader.any_map(&entry.value, "`result`")
    {
        for (result, place) in map.entries.iter().filter_map(|entry| result(entry, reader)) {
            results.push(result);
            places.push(place);
        }
    }
    let retry = retry(map, span, what, reader);
    let title = reader.text_at(map, "title").unwrap_or_else(|| entry.key.text.replace('_', " "));
    let help = reader.text_at(map, "help").unwrap_or_default();
    let scopes = reader.texts(map, "scopes");
    let request = request?;
    match_inputs(map, &inputs, &request, reader);
    let (retry, idempotency) = retry?;
    let schema = ActionSchema { name: name?, title, help, inputs, results, scopes };
    Some(Action { schema, words, request, retry, idempotency, results: places })
}

fn name(entry: &Entry, reader: &mut Reader) -> Option<String> {
    let name = &entry.key.text;
    if TAKEN.contains(&name.as_str()) {
        let help = format!("say under `write` of a resource how it can {name}");
        let message = format!("every connector has a word `{name}` already");
        reader.error(codes::WRONG_VALUE, entry.key.span, message, Some(help));
        return None;
    }
    is_name(name, "an action's name", entry.key.span, reader).then(|| name.clone())
}

fn is_name(name: &str, what: &str, span: Span, reader: &mut Reader) -> bool {
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_name {
        let message = format!("{what} is lower-case letters, digits and underscores, and begins with a letter");
        reader.error(codes::WRONG_VALUE, span, message, None);
    }
    is_name
}

/// An input, with what the service calls the words of its choice.
fn input(entry: &Entry, reader: &mut Reader) -> Option<(ActionInput, Vec<Json>)> {
    let map = reader.map(&entry.value, &language::INPUT)?;
    if !is_name(&entry.key.text, "an input's name", entry.key.span, reader) {
        return None;
    }
    let (field_type, options, words) = match (map.get("type"), map.get("choice")) {
        (None, None) => (FieldType::Text, Vec::new(), Vec::new()),
        (Some(known), None) => (reader.word(&known.value, "`type`", &words::INPUT_TYPES, &[])?, Vec::new(), Vec::new()),
        (None, Some(choice)) => {
            let (options, words) = choice_of(&choice.value, reader)?.into_iter().unzip();
            (FieldType::Choice, options, words)
        }
        (Some(_), Some(choice)) => {
            reader.error(codes::WRONG_VALUE, choice.key.span, "an input has a `type` or a `choice`, not both", None);
            return None;
        }
    };
    let required = reader.flag(map, "required");
    let help = reader.text_at(map, "help").unwrap_or_default();
    Some((ActionInput { name: entry.key.text.clone(), field_type, options, required, help }, words))
}

/// `[contacts, deals]`, or with what the service calls them: `{contacts: 202, deals: 214}`.
fn choice_of(node: &Node, reader: &mut Reader) -> Option<Vec<(String, Json)>> {
    let same = |word: &str| (word.to_owned(), Json::from(word));
    match &node.kind {
        Kind::List(items) if !items.is_empty() => {
            let words = items.iter().map(|item| reader.text(item, "each word of a choice"));
            Some(words.collect::<Option<Vec<_>>>()?.iter().map(|word| same(word)).collect())
        }
        Kind::Map(map) if !map.entries.is_empty() => {
            let pair = |entry: &Entry| {
                let own = match &entry.value.kind {
                    Kind::Text(text) => Json::from(text.value.as_str()),
                    Kind::Int(number) => Json::from(*number),
                    _ => return reader.wrong_type(&entry.value, "what the service calls it", "text or a whole number"),
                };
                Some((entry.key.text.clone(), own))
            };
            map.entries.iter().map(pair).collect()
        }
        _ => reader.wrong_type(node, "`choice`", "a list of words, or a map of words to what the service calls them"),
    }
}

/// `"${body.id}"`, `{value: "${body.n}", type: number, optional: true}`, or `{where: {"${body.added}": {exists: true}}}`.
fn result(entry: &Entry, reader: &mut Reader) -> Option<(ActionResult, ResultOf)> {
    const ROOTS: &[Root] = &[Root::Body];
    if !is_name(&entry.key.text, "a result's name", entry.key.span, reader) {
        return None;
    }
    let (field_type, place) = match &entry.value.kind {
        Kind::Map(map) if map.get("where").is_some() => {
            let map = reader.map(&entry.value, &language::TEST_RESULT)?;
            let tests = map.get("where").and_then(|entry| conditions(&entry.value, ROOTS, reader))?;
            (FieldType::Boolean, ResultOf::Test(tests))
        }
        Kind::Map(_) => {
            let map = reader.map(&entry.value, &language::RESULT)?;
            let value = reader.required(map, "value", "a result", entry.key.span)?;
            let value = reader.template(&value.value, "`value`", ROOTS)?;
            let field_type = match map.get("type") {
                Some(entry) => reader.word(&entry.value, "`type`", &words::TYPES, &[])?,
                None => FieldType::Text,
            };
            let is_optional = reader.flag(map, "optional");
            (field_type, if is_optional { ResultOf::MaybeValue(value) } else { ResultOf::Value(value) })
        }
        _ => (FieldType::Text, ResultOf::Value(reader.template(&entry.value, "a result", ROOTS)?)),
    };
    Some((ActionResult { name: entry.key.text.clone(), field_type }, place))
}

/// Says which inputs are used and not declared, or declared and not used.
fn match_inputs(map: &Map, inputs: &[ActionInput], request: &Request, reader: &mut Reader) {
    let templates = request.templates();
    let references = || templates.iter().flat_map(|template| template.references().map(|it| (it, template.span)));
    let of_input = || references().filter(|(reference, _)| reference.root == Root::Input);
    for (reference, span) in of_input() {
        let name = first_name(reference).unwrap_or_default();
        if !inputs.iter().any(|input| input.name == name) {
            let meant = did_you_mean(name, inputs.iter().map(|input| input.name.as_str()));
            let help = meant.map(|meant| format!("did you mean `input.{meant}`?"));
            reader.error(codes::UNKNOWN_INPUT, span, format!("the action declares no input `{name}`"), help);
        }
    }
    let declared = match map.get("inputs").map(|entry| &entry.value.kind) {
        Some(Kind::Map(map)) => &map.entries[..],
        _ => &[],
    };
    for entry in declared {
        let name = entry.key.text.as_str();
        if !of_input().any(|(reference, _)| first_name(reference) == Some(name)) {
            let help = format!("write `\"${{input.{name}}}\"` where it is sent, or take it out");
            let message = format!("nothing that the action sends has `{name}` in it");
            reader.error(codes::UNKNOWN_INPUT, entry.key.span, message, Some(help));
        }
    }
}

fn first_name(reference: &Reference) -> Option<&str> {
    match reference.path.first() {
        Some(Step::Key(name)) => Some(name),
        Some(Step::Index(_) | Step::Each) | None => None,
    }
}
