//! A `poll`: records looked for at an interval.

use std::time::Duration;

use sdk::Timestamp;
use text::{Diagnostic, Entry, Kind, Map, Span, shown};

use super::reader::Reader;
use super::trigger::source;
use crate::codes;
use crate::definition::{At, EveryDefinition, PollDefinition};
use crate::language::EVERY;
use crate::language::words::CHANGES;
use crate::model::{On, Start};

/// Reads a poll, whose keys were looked at.
pub(super) fn read(reader: &mut Reader<'_>, map: &Map) -> Option<PollDefinition> {
    let poll = map.get("poll")?;
    let every = match map.get("every") {
        Some(entry) => every(reader, entry),
        None => {
            // A key that was probably meant has been pointed at.
            let meant = |entry: &Entry| {
                text::did_you_mean(&entry.key.text, ["every", "poll", "where"])
                    .is_some_and(|meant| meant.word == "every")
            };
            if !map.entries.iter().any(meant) {
                let diagnostic = Diagnostic::error(codes::MISSING_INTERVAL, "the poll does not say how often it looks")
                    .help("add `every`: 15s makes 5,760 calls a day, 5m makes 288, 1h makes 24");
                reader.report(diagnostic, poll.key.span);
            }
            None
        }
    };
    let on = map.get("on").and_then(|entry| {
        let value = reader.word(entry, &CHANGES)?;
        Some(At { value, span: entry.value.span })
    });
    let begins = map.get("start").and_then(|entry| {
        let value = start(reader, entry)?;
        Some(At { value, span: entry.value.span })
    });
    Some(PollDefinition {
        source: source(reader, map, poll),
        on: on.unwrap_or(At { value: On::NewOrUpdated, span: poll.key.span }),
        every,
        start: begins.unwrap_or(At { value: Start::Now, span: poll.key.span }),
        by: map.get("by").and_then(|entry| reader.text(entry)),
        with: map.get("with").and_then(|entry| {
            let value = reader.map(entry)?.entries.clone();
            Some(At { value, span: entry.key.span })
        }),
    })
}

/// `15s`, or `{min: 15s, max: 15m}`.
fn every(reader: &mut Reader<'_>, entry: &Entry) -> Option<EveryDefinition> {
    let Kind::Map(map) = &entry.value.kind else {
        let fixed = reader.duration(entry)?;
        return Some(EveryDefinition { max: fixed.value, min: fixed });
    };
    reader.keys(map, &EVERY);
    let mut end = |key: &str| match map.get(key) {
        Some(entry) => reader.duration(entry),
        None => {
            let message = format!("`every` needs `{key}` here");
            let help = "write `{min: 15s, max: 15m}`, or one duration for a fixed interval";
            reader.missing_key(map, key, &EVERY, &message, help);
            None
        }
    };
    let (min, max): (Option<At<Duration>>, Option<At<Duration>>) = (end("min"), end("max"));
    let (min, max) = (min?, max?);
    if min.value > max.value {
        let diagnostic = Diagnostic::error(codes::INTERVAL_ORDER, "`min` is longer than `max`")
            .help("`min` is the time after a poll that found something, `max` the longest time while nothing happens");
        let diagnostic = reader.diagnostics.at(diagnostic, min.span, "at least this long");
        let diagnostic = reader.diagnostics.at(diagnostic, max.span, "and at most this long");
        reader.diagnostics.push(diagnostic);
    }
    Some(EveryDefinition { min, max: max.value })
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
