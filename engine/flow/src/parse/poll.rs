//! A `trigger`, which in this version is a poll.

use sdk::Timestamp;
use text::{Diagnostic, Entry, Kind, Span, shown};

use super::flow::question;
use super::reader::{Reader, Vocabulary, not_yet};
use crate::codes;
use crate::definition::{At, PollDefinition};
use crate::model::{On, Start};

const POLL: Vocabulary = Vocabulary {
    what: "a poll",
    known: &["poll", "on", "every", "start", "filter", "where", "fields", "by"],
    later: &["with", "schedule", "webhook", "manual", "missed", "each", "verify", "accepts"],
};

/// The other triggers of the language.
const OTHER_TRIGGERS: [&str; 3] = ["schedule", "webhook", "manual"];

/// Reads a trigger.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry) -> Option<PollDefinition> {
    let map = reader.map(entry)?;
    let Some(poll) = map.get("poll") else {
        // Without `poll`, `every` alone is a schedule.
        match map
            .entries
            .iter()
            .find(|entry| OTHER_TRIGGERS.contains(&entry.key.text.as_str()) || entry.key.text == "every")
        {
            Some(other) if other.key.text != "every" || map.entries.len() == 1 => {
                reader.report(not_yet(&other.key.text), other.key.span);
            }
            Some(_) | None => {
                let diagnostic = Diagnostic::error(codes::MISSING_KEY, "the trigger does not say what it polls")
                    .help("add `poll:` with a connection's object, such as `poll: crm.contacts`");
                reader.report(diagnostic, entry.key.span);
                reader.keys(map, &POLL);
            }
        }
        return None;
    };
    reader.keys(map, &POLL);
    let every = match map.get("every") {
        Some(entry) => match &entry.value.kind {
            Kind::Map(_) => {
                reader.report(not_yet("every: {min, max}"), entry.value.span);
                None
            }
            _ => reader.duration(entry),
        },
        None => {
            let diagnostic = Diagnostic::error(codes::MISSING_INTERVAL, "the poll does not say how often it looks")
                .help("add `every`: 15s makes 5,760 calls a day, 5m makes 288, 1h makes 24");
            reader.report(diagnostic, poll.key.span);
            None
        }
    };
    let on = map
        .get("on")
        .and_then(|entry| reader.word(entry, &[("new", On::New), ("new_or_updated", On::NewOrUpdated)], &["archived"]));
    Some(PollDefinition {
        span: poll.key.span,
        target: reader.target(poll),
        on: on.unwrap_or(On::NewOrUpdated),
        every,
        start: map.get("start").and_then(|entry| start(reader, entry)).unwrap_or(Start::Now),
        filter: map.get("filter").map(|entry| entry.value.clone()),
        condition: map.get("where").map(|entry| question(reader, entry)),
        fields: map.get("fields").and_then(|entry| field_names(reader, entry)),
        by: map.get("by").and_then(|entry| reader.text(entry)),
    })
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

fn start(reader: &mut Reader<'_>, entry: &Entry) -> Option<Start> {
    let text = reader.text(entry)?;
    match text.value.as_str() {
        "now" => Some(Start::Now),
        "beginning" => Some(Start::Beginning),
        other => match Timestamp::parse(other) {
            Some(moment) => Some(Start::At(moment)),
            None => {
                report_start(reader, other, text.span);
                None
            }
        },
    }
}

fn report_start(reader: &mut Reader<'_>, written: &str, span: Span) {
    let diagnostic = Diagnostic::error(codes::WRONG_VALUE, format!("`start` cannot be `{}`", shown(written)))
        .help("it is `now`, `beginning`, or a time such as `2026-01-02T10:00:00Z`");
    reader.report(diagnostic, span);
}
