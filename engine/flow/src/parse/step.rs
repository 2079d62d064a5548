//! Steps: one verb each, and the keys that belong to it.

use text::{Diagnostic, Entry, Kind, Map, Node, Span, did_you_mean, shown};

use super::flow::question;
use super::reader::Reader;
use super::trigger::field_names;
use super::{call, control, write};
use crate::codes;
use crate::definition::{At, FindBy, FindDefinition, StepDefinition, Verb};
use crate::language::elsewhere;
use crate::language::words::{AMBIGUOUS, MISSING, ON_ERROR};
use crate::language::{RETRY, STOP, StepVerb};
use crate::model::{Many, OnError, Retry};

/// The depth of a flow's own steps; branches stand deeper.
pub(super) const FIRST_LEVEL: usize = 0;
/// Branches may stand this deep in each other; deeper ones are better a second flow.
const MAX_LEVEL: usize = 12;

/// A look-up with `many` gives at most this many, unless it says otherwise.
const DEFAULT_MANY: usize = 100;

/// Reads a list of steps.
pub(super) fn read_list(reader: &mut Reader<'_>, entry: &Entry, level: usize) -> Vec<StepDefinition> {
    let Some(items) = reader.list(entry, "a list of steps") else { return Vec::new() };
    if items.is_empty() {
        let message = format!("`{}` has no step", entry.key.text);
        reader.report(Diagnostic::error(codes::WRONG_VALUE, message), entry.key.span);
    }
    items.iter().filter_map(|item| read(reader, item, entry.key.span, level)).collect()
}

/// Reads one step.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, list: Span, level: usize) -> Option<StepDefinition> {
    let Kind::Map(map) = &node.kind else {
        reader.wrong_type(node, list, "a step", "a map with a verb, such as `upsert: warehouse.customers`");
        return None;
    };
    if level > MAX_LEVEL {
        let message = format!("branches stand more than {MAX_LEVEL} deep in each other");
        reader.report(Diagnostic::error(codes::WRONG_VALUE, message).help("divide the flow"), node.span);
        return None;
    }
    let mut verbs = map.entries.iter().filter_map(|entry| Some((StepVerb::named(&entry.key.text)?, entry)));
    let Some((word, verb)) = verbs.next() else {
        report_no_verb(reader, map, node.span);
        return Some(unread(reader, map, node.span));
    };
    if let Some((_, second)) = verbs.next() {
        let message = format!("a step has one verb, and this one has `{}` and `{}`", verb.key.text, second.key.text);
        let help = match (word, second.key.text.as_str()) {
            (StepVerb::Each, "do") => "what is done for each element stands under `steps`",
            _ => "make two steps of it",
        };
        let diagnostic = Diagnostic::error(codes::VERB, message).help(help);
        let diagnostic = reader.diagnostics.at(diagnostic, second.key.span, "a second verb");
        let diagnostic = reader.diagnostics.at(diagnostic, verb.key.span, "the first");
        reader.diagnostics.push(diagnostic);
        return Some(unread(reader, map, verb.key.span));
    }
    Some(read_verb(reader, map, (word, verb), level))
}

fn read_verb(reader: &mut Reader<'_>, map: &Map, (word, verb): (StepVerb, &Entry), level: usize) -> StepDefinition {
    reader.keys(map, word.mapping());
    let what = match word {
        StepVerb::Create => Verb::Create(write::read(reader, map, verb)),
        StepVerb::Update => Verb::Update { id: id(reader, map, verb), write: write::read(reader, map, verb) },
        StepVerb::Upsert => write::upsert(reader, map, verb),
        StepVerb::Delete => Verb::Delete { target: reader.target(verb), id: id(reader, map, verb) },
        StepVerb::Find => Verb::Find(find(reader, map, verb)),
        StepVerb::Let => Verb::Let(names(reader, verb)),
        StepVerb::If => control::branches(reader, map, verb, level),
        StepVerb::Route => control::route(reader, map, verb, level),
        StepVerb::Each => control::each(reader, map, verb, level),
        StepVerb::Wait => control::wait(reader, verb),
        StepVerb::Do => call::action(reader, map, verb),
        StepVerb::Run => call::flow(reader, map, verb),
        StepVerb::Skip => Verb::Skip(reason(reader, verb)),
        StepVerb::Stop => stop(reader, verb),
        StepVerb::Fail => Verb::Fail(reason(reader, verb)),
    };
    StepDefinition {
        span: verb.key.span,
        name: map.get("name").and_then(|entry| step_name(reader, entry)),
        result: result(reader, map),
        when: map.get("when").map(|entry| question(reader, entry)),
        retry: map.get("retry").map(|entry| retry(reader, entry)).unwrap_or_default(),
        timeout: map.get("timeout").and_then(|entry| reader.duration(entry)).map(|timeout| timeout.value),
        on_error: map.get("on_error").and_then(|entry| reader.word(entry, &ON_ERROR)).unwrap_or_default(),
        verb: what,
    }
}

/// A step that was reported, with the name that it would have made.
fn unread(reader: &mut Reader<'_>, map: &Map, span: Span) -> StepDefinition {
    let result = result(reader, map);
    StepDefinition {
        span,
        name: None,
        result,
        when: None,
        retry: Retry::default(),
        timeout: None,
        on_error: OnError::default(),
        verb: Verb::Unread,
    }
}

fn result(reader: &mut Reader<'_>, map: &Map) -> Option<At<String>> {
    let name = map.get("as").and_then(|entry| reader.text(entry))?;
    reader.name(name)
}

/// Verbs that end a run or remove a record: nobody but the author puts them in.
const ENDINGS: [StepVerb; 4] = [StepVerb::Stop, StepVerb::Skip, StepVerb::Fail, StepVerb::Delete];

fn report_no_verb(reader: &mut Reader<'_>, map: &Map, span: Span) {
    let verbs = || StepVerb::ALL.into_iter().map(StepVerb::word);
    let list = verbs().map(|verb| format!("`{verb}`")).collect::<Vec<_>>().join(", ");
    let diagnostic = Diagnostic::error(codes::VERB, "the step has no verb").help(format!("a step has one of {list}"));
    let is_known = |key: &str| StepVerb::ALL.into_iter().any(|verb| verb.mapping().knows(key));
    let unknown = || map.entries.iter().filter(|entry| !is_known(&entry.key.text));
    let of_others = unknown().find_map(|entry| Some((entry, elsewhere::verb(&entry.key.text)?)));
    let slip = || unknown().find_map(|entry| Some((entry, did_you_mean(&entry.key.text, verbs())?)));
    let none = |entry: &Entry| format!("the step has no verb, and `{}` is none", shown(&entry.key.text));
    if let Some((entry, here)) = of_others {
        let diagnostic = Diagnostic { message: none(entry), ..diagnostic };
        reader.report(here.told(diagnostic, entry.key.span), entry.key.span);
    } else if let Some((entry, meant)) = slip() {
        let is_ending = ENDINGS.iter().any(|ending| ending.word() == meant.word);
        let meant = if is_ending { meant.only_offered() } else { meant };
        let diagnostic = Diagnostic { message: none(entry), ..diagnostic };
        reader.report(diagnostic.did_you_mean(entry.key.span, Some(meant)), entry.key.span);
    } else if let Some(entry) = unknown().next() {
        reader.report(Diagnostic { message: none(entry), ..diagnostic }, entry.key.span);
    } else {
        let first = map.entries.first().map_or(span, |entry| entry.key.span);
        reader.report(diagnostic, first);
    }
}

pub(super) fn step_name(reader: &mut Reader<'_>, entry: &Entry) -> Option<At<String>> {
    let name = reader.text(entry)?;
    let good = name.value.len() <= 64
        && name.value.starts_with(|first: char| first.is_ascii_lowercase())
        && name.value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    if !good {
        let diagnostic = Diagnostic::error(codes::BAD_NAME, format!("`{}` is no name for a step", shown(&name.value)))
            .help("a step's name is lower-case letters, digits, hyphens and underscores, begins with a letter, and has at most 64 characters");
        reader.report(diagnostic, name.span);
    }
    good.then_some(name)
}

fn retry(reader: &mut Reader<'_>, entry: &Entry) -> Retry {
    let mut retry = Retry::default();
    if let Kind::Int(attempts) = entry.value.kind {
        let wanted = (entry.key.text.as_str(), "a map of keys and values");
        let instead = format!("{{attempts: {attempts}}}");
        reader.mistyped(&entry.value, entry.key.span, wanted, |diagnostic| {
            diagnostic.help(format!("write `retry: {instead}`")).fix(entry.value.span, instead.clone())
        });
        return retry;
    }
    let Some(map) = reader.map(entry) else { return retry };
    reader.keys(map, &RETRY);
    if let Some(attempts) = map.get("attempts").and_then(|entry| reader.count(entry, 100)) {
        retry.attempts = u32::try_from(attempts).unwrap_or(retry.attempts);
        retry.attempts_written = true;
    }
    if let Some(initial) = map.get("initial").and_then(|entry| reader.duration(entry)) {
        retry.initial = initial.value;
        // A longer first wait than the usual longest one means that all waits are as long.
        retry.max = retry.max.max(retry.initial);
    }
    if let Some(max) = map.get("max").and_then(|entry| reader.duration(entry)) {
        if max.value < retry.initial {
            let diagnostic = Diagnostic::error(codes::WRONG_VALUE, "`max` is shorter than the first wait, `initial`");
            reader.report(diagnostic, max.span);
        }
        retry.max = max.value;
    }
    retry
}

/// Reports that a verb lacks a key, unless one stands there that was probably meant.
pub(super) fn missing(reader: &mut Reader<'_>, map: &Map, verb: &Entry, key: &str, help: &str) {
    let mapping = StepVerb::named(&verb.key.text).map(StepVerb::mapping);
    let is_meant = |entry: &Entry| {
        let written = entry.key.text.as_str();
        mapping
            .filter(|mapping| !mapping.knows(written))
            .is_some_and(|mapping| did_you_mean(written, mapping.known()).is_some_and(|meant| key.contains(meant.word)))
    };
    if map.entries.iter().any(is_meant) {
        return;
    }
    let message = format!("`{}` needs `{key}`", verb.key.text);
    reader.report(Diagnostic::error(codes::MISSING_KEY, message).help(help), verb.key.span);
}

fn id(reader: &mut Reader<'_>, map: &Map, verb: &Entry) -> Option<Node> {
    let id = map.get("id").map(|entry| entry.value.clone());
    if id.is_none() {
        missing(reader, map, verb, "id", "add the id of the record, such as `id: ${ customer.id }`");
    }
    id
}

fn find(reader: &mut Reader<'_>, map: &Map, verb: &Entry) -> FindDefinition {
    let by = match (map.get("id"), map.get("filter")) {
        (Some(id), None) => Some(FindBy::Id(id.value.clone())),
        (None, Some(filter)) => Some(FindBy::Filter(filter.value.clone())),
        (Some(id), Some(_)) => {
            let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, "`find` takes `id` or `filter`, not both");
            reader.report(diagnostic, id.key.span);
            None
        }
        (None, None) => {
            missing(
                reader,
                map,
                verb,
                "id` or `filter",
                "say what to look for, such as `filter: {email: \"${ record.email }\"}`",
            );
            None
        }
    };
    let many = map.get("many").and_then(|entry| reader.boolean(entry)).unwrap_or(false);
    let limit = map.get("limit").and_then(|entry| reader.count(entry, 10_000));
    if let (false, Some(entry)) = (many, map.get("limit")) {
        let diagnostic =
            Diagnostic::error(codes::UNKNOWN_KEY, "`limit` belongs to `many: true`").help("add `many: true`");
        reader.report(diagnostic, entry.key.span);
    }
    FindDefinition {
        target: reader.target(verb),
        by,
        fields: map.get("fields").and_then(|entry| field_names(reader, entry)),
        many: if many { Many::List(limit.unwrap_or(DEFAULT_MANY)) } else { Many::One },
        none: map.get("none").and_then(|entry| reader.word(entry, &MISSING)).unwrap_or_default(),
        ambiguous: map.get("ambiguous").and_then(|entry| reader.word(entry, &AMBIGUOUS)).unwrap_or_default(),
    }
}

fn names(reader: &mut Reader<'_>, verb: &Entry) -> Vec<Entry> {
    let Some(map) = reader.map(verb) else { return Vec::new() };
    for entry in &map.entries {
        reader.name(At { value: entry.key.text.clone(), span: entry.key.span });
    }
    map.entries.clone()
}

fn reason(reader: &mut Reader<'_>, verb: &Entry) -> Node {
    if verb.value.as_text().is_none() {
        reader.wrong_type(&verb.value, verb.key.span, &verb.key.text, "text that says why");
    }
    verb.value.clone()
}

fn stop(reader: &mut Reader<'_>, verb: &Entry) -> Verb {
    match &verb.value.kind {
        Kind::Null => Verb::Stop(None),
        Kind::Map(map) => {
            reader.keys(map, &STOP);
            Verb::Stop(map.get("return").map(|entry| entry.value.clone()))
        }
        _ => {
            reader.wrong_type(&verb.value, verb.key.span, "stop", "empty, or `{return: value}`");
            Verb::Unread
        }
    }
}
