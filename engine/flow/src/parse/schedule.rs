//! A `schedule`: runs that start by the clock, one each time or one for each record.

use std::time::Duration;

use text::{Diagnostic, Entry, Kind, Map, Span, did_you_mean, shown};

use super::reader::Reader;
use super::trigger::source;
use crate::codes;
use crate::definition::ScheduleDefinition;
use crate::language::words::MISSED;
use crate::model::Times;
use crate::schedule::{Cron, CronMistake, FIELDS, NICKNAMES};

/// A shorter interval would do nothing but start runs.
const SHORTEST: Duration = Duration::from_secs(1);

/// Reads a schedule, whose keys were looked at.
pub(super) fn read(reader: &mut Reader<'_>, map: &Map) -> ScheduleDefinition {
    ScheduleDefinition {
        times: times(reader, map),
        missed: map.get("missed").and_then(|entry| reader.word(entry, &MISSED)).unwrap_or_default(),
        walk: map.get("each").map(|each| source(reader, map, each)),
    }
}

fn times(reader: &mut Reader<'_>, map: &Map) -> Option<Times> {
    match (map.get("schedule"), map.get("every")) {
        (Some(schedule), Some(every)) => {
            let diagnostic = Diagnostic::error(codes::TWO_TRIGGERS, "a schedule has times or an interval, not both")
                .help("keep `schedule` for times of the day, or `every` for an interval");
            let diagnostic = reader.diagnostics.at(diagnostic, every.key.span, "an interval");
            let diagnostic = reader.diagnostics.at(diagnostic, schedule.key.span, "times");
            reader.diagnostics.push(diagnostic);
            None
        }
        (Some(schedule), None) => match &schedule.value.kind {
            Kind::Null => {
                let diagnostic = Diagnostic::error(codes::WRONG_VALUE, "`schedule` does not say when it starts")
                    .help("write times, such as `schedule: \"0 8 * * *\"` for every day at eight, or an interval, such as `every: 15m`");
                reader.report(diagnostic, schedule.key.span);
                None
            }
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
                cron(reader, schedule)
            }
            Kind::Broken => None,
        },
        (None, Some(every)) => interval(reader, every),
        (None, None) => {
            if let Some(each) = map.get("each") {
                let diagnostic = Diagnostic::error(codes::MISSING_KEY, "the schedule does not say when it starts")
                    .help("add `schedule: \"0 8 * * *\"` for every day at eight, or `every: 6h`");
                reader.report(diagnostic, each.key.span);
            }
            None
        }
    }
}

fn interval(reader: &mut Reader<'_>, entry: &Entry) -> Option<Times> {
    if let Kind::Map(_) = entry.value.kind {
        let diagnostic =
            Diagnostic::error(codes::MISPLACED_KEY, "`{min, max}` is for a `poll`, which can look less often")
                .help("write one duration, such as `every: 15m`");
        reader.report(diagnostic, entry.value.span);
        return None;
    }
    let every = reader.duration(entry)?;
    if every.value < SHORTEST {
        let diagnostic =
            Diagnostic::error(codes::WRONG_VALUE, "a schedule starts at most once a second").help("write `1s` or more");
        reader.report(diagnostic, every.span);
        return None;
    }
    Some(Times::Every(every.value))
}

/// A cron expression.
fn cron(reader: &mut Reader<'_>, entry: &Entry) -> Option<Times> {
    let wanted = "a cron expression such as `\"0 8 * * *\"`";
    let text = reader.fixed_text(&entry.value, entry.key.span, &entry.key.text, wanted)?;
    match Cron::parse(&text.value) {
        Ok(_) => Some(Times::Cron(text.value.split_whitespace().collect::<Vec<_>>().join(" "))),
        Err(mistake) => {
            report(reader, entry, &text.value, &mistake);
            None
        }
    }
}

fn report(reader: &mut Reader<'_>, entry: &Entry, text: &str, mistake: &CronMistake) {
    let span = entry.value.span;
    let order = "minute, hour, day of the month, month, day of the week";
    match mistake {
        // `schedule: 15m` means the other form.
        CronMistake::Fields(_) if super::duration(text).is_some() => {
            let diagnostic = Diagnostic::error(codes::BAD_SCHEDULE, format!("`{}` is an interval", shown(text)))
                .help(format!("write `every: {text}`; `schedule` takes times, such as `\"0 8 * * *\"`"))
                .fix(entry.key.span, "every");
            reader.report(diagnostic, span);
        }
        CronMistake::Fields(6 | 7) => {
            let diagnostic = Diagnostic::error(codes::BAD_SCHEDULE, "a schedule has no seconds and no years")
                .help(format!("write five fields: {order}"));
            reader.report(diagnostic, span);
        }
        CronMistake::Fields(_) => {
            let message = format!("`{}` is no cron expression", shown(text));
            let diagnostic = Diagnostic::error(codes::BAD_SCHEDULE, message).help(format!(
                "write five fields ({order}): `0 8 * * MON-FRI` is every working day at eight, `*/15 * * * *` every quarter of an hour"
            ));
            reader.report(diagnostic, span);
        }
        CronMistake::Field { number, span: part } => {
            let field = &FIELDS[*number];
            let message = format!("`{}` cannot be the {}", shown(&text[part.clone()]), field.name);
            let diagnostic = Diagnostic::error(codes::BAD_SCHEDULE, message).help(format!(
                "the {} is {}, `*`, a list `1,2`, a range `1-5` or a step `*/2`",
                field.name, field.takes
            ));
            let place = entry.value.span_in_text(reader.diagnostics.file(), part.start, part.end);
            reader.report(diagnostic, place);
        }
        CronMistake::Nickname => {
            let names = NICKNAMES.map(|name| format!("`{name}`")).join(", ");
            let diagnostic = Diagnostic::error(codes::BAD_SCHEDULE, format!("there is no `{}`", shown(text.trim())))
                .help(format!("there are {names}"));
            let meant = did_you_mean(text.trim(), NICKNAMES);
            let diagnostic = match (meant, is_quoted(reader, span)) {
                (Some(meant), true) => {
                    diagnostic.help(format!("did you mean `{meant}`?")).fix(span, text::quoted(meant.word))
                }
                (meant, _) => diagnostic.did_you_mean(span, meant),
            };
            reader.report(diagnostic, span);
        }
        CronMistake::Never => {
            let diagnostic = Diagnostic::error(codes::NEVER_FIRES, "there is no such day, so it would never start")
                .help("look at the day of the month and the month: `0 8 L * *` is the last day of every month");
            reader.report(diagnostic, span);
        }
    }
}

fn is_quoted(reader: &Reader<'_>, span: Span) -> bool {
    reader.diagnostics.file().slice(span).starts_with(['"', '\''])
}
