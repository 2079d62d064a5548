//! Functions on dates and moments. A day begins where the flow's time zone says.

use jiff::civil::{Date, DateTime};
use jiff::{Span, Zoned};
use rhai::{Dynamic, Engine, ImmutableString};
use sdk::Timestamp;

use super::super::compare::Kind;
use super::super::failure::{Failed, refuse};
use super::super::limits;
use super::takes::{DAY, MOMENT, NUMBER, TEXT};
use super::{Gives, Helper, helper, patterns, wrong};

pub(super) const HELPERS: &[Helper] = &[
    helper(
        "date",
        "date(moment)",
        &[DAY],
        Gives::Always(Kind::Date),
        "The day of a moment, in the flow's time zone.",
        r#"date(moment("2026-01-01T23:30:00Z"))"#,
        r#"date("2026-01-02")"#,
    ),
    helper(
        "date",
        "date(text)",
        &[TEXT],
        Gives::Always(Kind::Date),
        "The day that an ISO 8601 text tells.",
        r#"date("2026-01-02").year()"#,
        "2026",
    ),
    helper(
        "moment",
        "moment(text)",
        &[TEXT],
        Gives::Always(Kind::Moment),
        "The moment that an ISO 8601 text tells; without an offset, in the flow's time zone.",
        r#"moment("2026-01-02T10:00:00Z")"#,
        r#"moment("2026-01-02T11:00:00+01:00")"#,
    ),
    helper(
        "moment",
        "moment(date)",
        &[DAY],
        Gives::Always(Kind::Moment),
        "The moment at which the day begins.",
        r#"moment(date("2026-01-02"))"#,
        r#"moment("2026-01-01T23:00:00Z")"#,
    ),
    helper(
        "year",
        "day.year()",
        &[DAY],
        Gives::Always(Kind::Number),
        "The year of a date or moment.",
        r#"date("2026-01-02").year()"#,
        "2026",
    ),
    helper(
        "month",
        "day.month()",
        &[DAY],
        Gives::Always(Kind::Number),
        "Its month, from 1.",
        r#"date("2026-01-02").month()"#,
        "1",
    ),
    helper(
        "day",
        "day.day()",
        &[DAY],
        Gives::Always(Kind::Number),
        "Its day of the month.",
        r#"date("2026-01-02").day()"#,
        "2",
    ),
    helper(
        "weekday",
        "day.weekday()",
        &[DAY],
        Gives::Always(Kind::Number),
        "Its day of the week: 1 is Monday, 7 is Sunday.",
        r#"date("2026-01-02").weekday()"#,
        "5",
    ),
    helper(
        "hour",
        "moment.hour()",
        &[MOMENT],
        Gives::Always(Kind::Number),
        "Its hour, in the flow's time zone.",
        r#"moment("2026-01-02T10:00:00Z").hour()"#,
        "11",
    ),
    helper(
        "minute",
        "moment.minute()",
        &[MOMENT],
        Gives::Always(Kind::Number),
        "Its minute.",
        r#"moment("2026-01-02T10:45:00Z").minute()"#,
        "45",
    ),
    helper(
        "add_days",
        "day.add_days(n)",
        &[DAY, NUMBER],
        Gives::LikeFirst,
        "So many days later, or earlier; a moment keeps its time of day.",
        r#"date("2026-01-31").add_days(1)"#,
        r#"date("2026-02-01")"#,
    ),
    helper(
        "add_months",
        "day.add_months(n)",
        &[DAY, NUMBER],
        Gives::LikeFirst,
        "So many months later; the end of a month stays its end.",
        r#"date("2026-01-31").add_months(1)"#,
        r#"date("2026-02-28")"#,
    ),
    helper(
        "add_hours",
        "moment.add_hours(n)",
        &[MOMENT, NUMBER],
        Gives::Always(Kind::Moment),
        "So many hours later.",
        r#"moment("2026-01-02T10:00:00Z").add_hours(2)"#,
        r#"moment("2026-01-02T12:00:00Z")"#,
    ),
    helper(
        "add_minutes",
        "moment.add_minutes(n)",
        &[MOMENT, NUMBER],
        Gives::Always(Kind::Moment),
        "So many minutes later.",
        r#"moment("2026-01-02T10:00:00Z").add_minutes(-30)"#,
        r#"moment("2026-01-02T09:30:00Z")"#,
    ),
    helper(
        "days_until",
        "days_until(from, to)",
        &[DAY, DAY],
        Gives::Always(Kind::Number),
        "How many calendar days from one date or moment to another.",
        r#"days_until(date("2026-01-30"), date("2026-02-02"))"#,
        "3",
    ),
    helper(
        "hours_until",
        "hours_until(from, to)",
        &[MOMENT, MOMENT],
        Gives::Always(Kind::Number),
        "How many hours from one moment to another, with a fraction.",
        r#"hours_until(moment("2026-01-02T10:00:00Z"), moment("2026-01-02T11:30:00Z"))"#,
        "1.5",
    ),
    helper(
        "minutes_until",
        "minutes_until(from, to)",
        &[MOMENT, MOMENT],
        Gives::Always(Kind::Number),
        "How many minutes from one moment to another, with a fraction.",
        r#"minutes_until(moment("2026-01-02T10:00:00Z"), moment("2026-01-02T10:00:30Z"))"#,
        "0.5",
    ),
    helper(
        "format",
        "format(day, pattern)",
        &[DAY, TEXT],
        Gives::Always(Kind::Text),
        "As text, by a pattern of `%Y %m %d %H %M %S %B %A` and their like.",
        r#"format(date("2026-01-02"), "%d.%m.%Y")"#,
        r#""02.01.2026""#,
    ),
    helper(
        "to_millis",
        "to_millis(moment)",
        &[MOMENT],
        Gives::Always(Kind::Number),
        "Milliseconds since 1970, as many services stamp.",
        r#"to_millis(moment("1970-01-01T00:00:01Z"))"#,
        "1000",
    ),
    helper(
        "from_millis",
        "from_millis(number)",
        &[NUMBER],
        Gives::Always(Kind::Moment),
        "The moment of such a stamp.",
        "from_millis(1000)",
        r#"moment("1970-01-01T00:00:01Z")"#,
    ),
];

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("date", |value: Dynamic| date(&value));
    engine.register_fn("moment", |value: Dynamic| moment(&value));
    engine.register_fn("year", |value: Dynamic| Ok::<_, Failed>(i64::from(day("year", &value)?.year())));
    engine.register_fn("month", |value: Dynamic| Ok::<_, Failed>(i64::from(day("month", &value)?.month())));
    engine.register_fn("day", |value: Dynamic| Ok::<_, Failed>(i64::from(day("day", &value)?.day())));
    engine.register_fn("weekday", |value: Dynamic| {
        Ok::<_, Failed>(i64::from(day("weekday", &value)?.weekday().to_monday_one_offset()))
    });
    engine.register_fn("hour", |moment: Timestamp| i64::from(zoned(moment).hour()));
    engine.register_fn("minute", |moment: Timestamp| i64::from(zoned(moment).minute()));
    engine.register_fn("add_days", |value: Dynamic, n: i64| add("add_days", &value, Span::new().try_days(n)));
    engine.register_fn("add_months", |value: Dynamic, n: i64| add("add_months", &value, Span::new().try_months(n)));
    engine.register_fn("add_hours", |moment: Timestamp, n: i64| later(moment, n, 3_600_000));
    engine.register_fn("add_minutes", |moment: Timestamp, n: i64| later(moment, n, 60_000));
    engine.register_fn("days_until", |from: Dynamic, to: Dynamic| days_until(&from, &to));
    engine.register_fn("hours_until", |from: Timestamp, to: Timestamp| millis_between(from, to) / 3_600_000.0);
    engine.register_fn("minutes_until", |from: Timestamp, to: Timestamp| millis_between(from, to) / 60_000.0);
    engine.register_fn("format", |value: Dynamic, pattern: &str| format(&value, pattern));
    engine.register_fn("to_millis", Timestamp::millis);
    engine.register_fn("from_millis", |millis: i64| within(Timestamp::from_millis(millis)));
}

fn out_of_range() -> Failed {
    refuse("this is outside of the calendar, which goes from the year -9999 to 9999")
}

fn zoned(moment: Timestamp) -> Zoned {
    moment.to_jiff().to_zoned(limits::zone())
}

/// A moment that the calendar knows.
fn within(moment: Timestamp) -> Result<Timestamp, Failed> {
    if Timestamp::from(moment.to_jiff()) == moment { Ok(moment) } else { Err(out_of_range()) }
}

fn day(function: &str, value: &Dynamic) -> Result<Date, Failed> {
    if let Some(date) = value.read_lock::<Date>() {
        return Ok(*date);
    }
    match value.read_lock::<Timestamp>() {
        Some(moment) => Ok(zoned(*moment).date()),
        None => Err(wrong(function, "a date or a moment (`date(…)` makes one of a text)", value)),
    }
}

fn date(value: &Dynamic) -> Result<Date, Failed> {
    let Some(text) = value.read_lock::<ImmutableString>() else { return day("date", value) };
    let text = text.trim();
    if let Some(moment) = Timestamp::parse(text) {
        return Ok(zoned(moment).date());
    }
    text.parse::<Date>().map_err(|_| unreadable("date", text, "2026-01-02"))
}

fn moment(value: &Dynamic) -> Result<Timestamp, Failed> {
    if let Some(moment) = value.read_lock::<Timestamp>() {
        return Ok(*moment);
    }
    let local = if let Some(date) = value.read_lock::<Date>() {
        date.at(0, 0, 0, 0)
    } else if let Some(text) = value.read_lock::<ImmutableString>() {
        let text = text.trim();
        if let Some(moment) = Timestamp::parse(text) {
            return Ok(moment);
        }
        text.parse::<DateTime>().map_err(|_| unreadable("moment", text, "2026-01-02T10:00:00Z"))?
    } else {
        return Err(wrong("moment", "a text or a date", value));
    };
    local.to_zoned(limits::zone()).map(|zoned| zoned.timestamp().into()).map_err(|_| out_of_range())
}

fn unreadable(function: &str, text: &str, example: &str) -> Failed {
    let shown: String = text.chars().take(40).collect();
    refuse(format!("`{function}` takes a text such as \"{example}\", and \"{shown}\" is none"))
}

fn add(function: &str, value: &Dynamic, span: Result<Span, jiff::Error>) -> Result<Dynamic, Failed> {
    let span = span.map_err(|_| out_of_range())?;
    if let Some(date) = value.read_lock::<Date>() {
        return date.checked_add(span).map(Dynamic::from).map_err(|_| out_of_range());
    }
    let Some(moment) = value.read_lock::<Timestamp>() else { return Err(wrong(function, "a date or a moment", value)) };
    let later = zoned(*moment).checked_add(span).map_err(|_| out_of_range())?;
    Ok(Dynamic::from(Timestamp::from(later.timestamp())))
}

fn later(moment: Timestamp, n: i64, millis: i64) -> Result<Timestamp, Failed> {
    let shifted = n.checked_mul(millis).and_then(|millis| moment.millis().checked_add(millis));
    within(Timestamp::from_millis(shifted.ok_or_else(out_of_range)?))
}

fn days_until(from: &Dynamic, to: &Dynamic) -> Result<i64, Failed> {
    let (from, to) = (day("days_until", from)?, day("days_until", to)?);
    Ok(i64::from(from.until((jiff::Unit::Day, to)).map_err(|_| out_of_range())?.get_days()))
}

fn millis_between(from: Timestamp, to: Timestamp) -> f64 {
    to.millis().saturating_sub(from.millis()) as f64
}

fn format(value: &Dynamic, pattern: &str) -> Result<String, Failed> {
    if pattern.len() > 100 {
        return Err(refuse("a pattern has at most 100 characters"));
    }
    if let Some(mistake) = patterns::mistake(pattern) {
        let instead = patterns::translated(pattern).map(|ours| format!("; write `{ours}`")).unwrap_or_default();
        return Err(refuse(format!("`format` cannot use \"{}\": {mistake}{instead}", text::shown(pattern))));
    }
    let text = match (value.read_lock::<Date>(), value.read_lock::<Timestamp>()) {
        (Some(date), _) => jiff::fmt::strtime::format(pattern, *date),
        (_, Some(moment)) => jiff::fmt::strtime::format(pattern, &zoned(*moment)),
        _ => return Err(wrong("format", "a date or a moment", value)),
    };
    text.map_err(|error| refuse(format!("`format` cannot use this pattern: {error}")))
}
