//! A `trigger`: which of its kinds it is, and what belongs to which.

use text::{Diagnostic, Entry, Map, Span, did_you_mean, shown};

use super::flow::question;
use super::reader::Reader;
use super::{manual, poll, schedule, webhook};
use crate::codes;
use crate::definition::{At, SourceDefinition, TriggerDefinition};
use crate::language::TriggerKind;

/// The keys that say what kind it is.
const KINDS: [&str; 4] = ["poll", "schedule", "manual", "webhook"];
/// The key that a poll has, and that makes a schedule where it stands without one.
const EVERY: &str = "every";
/// Keys that only some kinds take, and that are no kind themselves, with the kind to which they belong.
const OWNED: [(&str, &str); 8] = [
    ("on", "poll"),
    ("start", "poll"),
    ("by", "poll"),
    ("missed", "schedule"),
    ("each", "schedule"),
    ("inputs", "manual"),
    ("verify", "webhook"),
    ("accepts", "webhook"),
];
/// Keys that go with a source of records.
const OF_RECORDS: [&str; 3] = ["filter", "where", "fields"];

/// Reads a trigger.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry) -> Option<TriggerDefinition> {
    let alone = entry.value.as_text().and_then(|word| TriggerKind::ALL.into_iter().find(|kind| kind.word() == word));
    if let Some(kind) = alone {
        let example = match kind {
            TriggerKind::Poll => "{poll: crm.contacts, every: 15s}",
            TriggerKind::Schedule => "{schedule: \"0 3 * * *\"}",
            TriggerKind::Webhook => "{webhook: , verify: {bearer: \"${ env.NAME }\"}}",
            TriggerKind::Manual => "{manual: {}}",
        };
        let message = "`trigger` must be a map of keys and values, and this is text";
        let diagnostic = Diagnostic::error(codes::WRONG_TYPE, message).help(format!("write `{example}`"));
        reader.report(diagnostic, entry.value.span);
        return None;
    }
    if let Some(target) = entry.value.as_text().filter(|text| super::target(text).is_some()) {
        let instead = format!("{{poll: {target}, every: 5m}}");
        let wanted = (entry.key.text.as_str(), "a map of keys and values");
        reader.mistyped(&entry.value, entry.key.span, wanted, |diagnostic| {
            diagnostic.help(format!("write `{instead}` for a poll")).offer(entry.value.span, instead)
        });
        return None;
    }
    let map = reader.map(entry)?;
    let kind = kind(reader, entry, map)?;
    check_keys(reader, map, kind);
    match kind {
        TriggerKind::Poll => poll::read(reader, map).map(TriggerDefinition::Poll),
        TriggerKind::Schedule => Some(TriggerDefinition::Schedule(schedule::read(reader, map))),
        TriggerKind::Manual => manual::read(reader, map).map(TriggerDefinition::Manual),
        TriggerKind::Webhook => webhook::read(reader, map).map(TriggerDefinition::Webhook),
    }
}

/// What kind it is meant to be; `None` where that cannot be told, which is reported.
fn kind(reader: &mut Reader<'_>, trigger: &Entry, map: &Map) -> Option<TriggerKind> {
    let mut named = TriggerKind::ALL.into_iter().filter_map(|kind| Some((kind, map.get(kind.word())?)));
    match (named.next(), named.next()) {
        (Some((kind, _)), None) => return Some(kind),
        (Some((_, first)), Some((_, second))) => {
            report_second(reader, first, second);
            return None;
        }
        (None, _) => {}
    }
    // Keys that tell what is meant, although the word for it is missing.
    let is_there = |key: &&str| map.get(key).is_some();
    let polls = ["on", "start", "by"].iter().any(is_there);
    let misspelt = map.entries.iter().find_map(|entry| {
        let is_known = TriggerKind::ALL.into_iter().any(|kind| kind.mapping().knows(&entry.key.text));
        let meant = did_you_mean(&entry.key.text, KINDS).filter(|_| !is_known)?;
        Some((entry, meant))
    });
    if let Some((entry, meant)) = misspelt {
        let message = format!("unknown key `{}` of a trigger", shown(&entry.key.text));
        let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, message);
        reader.report(diagnostic.did_you_mean(entry.key.span, Some(meant)), entry.key.span);
    } else if polls {
        let diagnostic = Diagnostic::error(codes::MISSING_KEY, "the trigger does not say what it polls")
            .help("add `poll:` with a connection's object, such as `poll: crm.contacts`");
        reader.report(diagnostic, trigger.key.span);
        check_keys(reader, map, TriggerKind::Poll);
    } else if ["every", "each"].iter().any(is_there) {
        return Some(TriggerKind::Schedule);
    } else {
        let diagnostic = Diagnostic::error(codes::MISSING_KEY, "the trigger does not say what starts the flow's runs").help(
            "add `poll: crm.contacts` with `every`, `schedule: \"0 8 * * *\"`, or `manual:` for runs that somebody asks for",
        );
        reader.report(diagnostic, trigger.key.span);
    }
    None
}

fn report_second(reader: &mut Reader<'_>, first: &Entry, second: &Entry) {
    let (one, other) = (&first.key.text, &second.key.text);
    let message = format!("a flow has one kind of trigger, and this one has `{one}` and `{other}`");
    let diagnostic = Diagnostic::error(codes::TWO_TRIGGERS, message)
        .help("make two flows of it; what they share can be a flow with `manual`, which both call by `run`");
    let diagnostic = reader.diagnostics.at(diagnostic, second.key.span, "a second kind");
    let diagnostic = reader.diagnostics.at(diagnostic, first.key.span, "the first");
    reader.diagnostics.push(diagnostic);
}

/// Reports keys that are of another kind of trigger, or of none.
fn check_keys(reader: &mut Reader<'_>, map: &Map, kind: TriggerKind) {
    for entry in &map.entries {
        let (key, span) = (entry.key.text.as_str(), entry.key.span);
        if kind.mapping().knows(key) {
            if kind == TriggerKind::Schedule && OF_RECORDS.contains(&key) && map.get("each").is_none() {
                report_without_each(reader, key, span);
            }
        } else if let Some(owner) = owner(kind, key) {
            let message = match kind.word() == owner {
                true => format!("`{key}` belongs below `{owner}`"),
                false => format!("`{key}` belongs to `{owner}`, and this is {}", kind.mapping().what),
            };
            let diagnostic = Diagnostic::error(codes::MISPLACED_KEY, message).help(remedy(kind, key));
            reader.report(diagnostic, span);
        } else {
            reader.unknown_key(key, span, kind.mapping());
        }
    }
}

/// Where a key belongs that this kind does not take.
fn owner(kind: TriggerKind, key: &str) -> Option<&'static str> {
    match OWNED.iter().find(|(owned, _)| *owned == key) {
        Some((_, owner)) => Some(owner),
        None if matches!(kind, TriggerKind::Manual | TriggerKind::Webhook)
            && (key == EVERY || OF_RECORDS.contains(&key)) =>
        {
            Some("poll")
        }
        None => None,
    }
}

fn remedy(kind: TriggerKind, key: &str) -> String {
    match (kind, key) {
        (TriggerKind::Manual, "inputs") => "write `manual: {inputs: …}`".to_owned(),
        (TriggerKind::Poll, "each") => "a poll starts one run per record by itself; leave it out".to_owned(),
        (TriggerKind::Poll, "missed") => {
            "a poll finds what changed in the meantime when it looks again; leave it out".to_owned()
        }
        (TriggerKind::Schedule, "on" | "start" | "by") => {
            "a schedule goes by the clock; for new or changed records, write `poll` in place of it".to_owned()
        }
        (TriggerKind::Schedule | TriggerKind::Manual | TriggerKind::Webhook, "filter" | "where") => {
            "ask in the flow's `when`, beside `trigger`".to_owned()
        }
        (TriggerKind::Webhook, "inputs") => "what the service tells is `body`; leave it out".to_owned(),
        (TriggerKind::Poll | TriggerKind::Schedule, "inputs") => {
            "runs that somebody asks for have inputs: `trigger: {manual: {inputs: …}}`".to_owned()
        }
        (TriggerKind::Poll | TriggerKind::Schedule | TriggerKind::Manual | TriggerKind::Webhook, _) => {
            format!("remove `{}`, or make another flow of it", shown(key))
        }
    }
}

fn report_without_each(reader: &mut Reader<'_>, key: &str, span: Span) {
    let message = format!("`{key}` is about records, and this schedule has none");
    let diagnostic = Diagnostic::error(codes::MISPLACED_KEY, message)
        .help("add `each` with a connection's object, such as `each: crm.contacts`, for one run per record");
    reader.report(diagnostic, span);
}

/// The records of `poll` or `each`.
pub(super) fn source(reader: &mut Reader<'_>, map: &Map, word: &Entry) -> SourceDefinition {
    SourceDefinition {
        span: word.key.span,
        target: reader.target(word),
        filter: map.get("filter").map(|entry| entry.value.clone()),
        condition: map.get("where").map(|entry| question(reader, entry)),
        fields: map.get("fields").and_then(|entry| field_names(reader, entry)),
    }
}

/// A list of field names.
pub(super) fn field_names(reader: &mut Reader<'_>, entry: &Entry) -> Option<At<Vec<At<String>>>> {
    let items = reader.list(entry, "a list of fields such as `[email, firstname]`")?;
    let names = items
        .iter()
        .filter_map(|item| reader.fixed_text(item, entry.key.span, &entry.key.text, "a list of fields"))
        .collect();
    Some(At { value: names, span: entry.value.span })
}
