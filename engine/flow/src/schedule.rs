//! When a schedule fires: cron expressions understood, and the next moment after a given one.
//!
//! Pure arithmetic on calendars. A fixed time that the clock skips, in spring, fires once, at the end of what was
//! skipped; one that the clock repeats, in autumn, fires once, the first time. What is hourly or shorter goes by
//! the time that passes: it misses what was skipped and fires in both of what is repeated.

use std::ops::Range;

use croner::parser::{CronParser, Seconds, Year};
use croner::{CronPattern, Weekday};
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, ToSpan as _};
use sdk::Timestamp;

use crate::model::Times;

/// A cron expression that fires at some time.
#[derive(Clone, Debug)]
pub(crate) struct Cron {
    pattern: CronPattern,
    hours: Vec<i8>,
    minutes: Vec<i8>,
    /// Whether it goes by the time that passes, rather than by times of the day.
    hourly_or_shorter: bool,
}

/// Why a text is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CronMistake {
    /// It has this many fields, and not five.
    Fields(usize),
    /// One of its five fields cannot be read.
    Field {
        /// Which of [`FIELDS`].
        number: usize,
        /// Where it stands in the text.
        span: Range<usize>,
    },
    /// It begins with `@` and is none of [`NICKNAMES`].
    Nickname,
    /// No day that it names exists.
    Never,
}

/// A field of a cron expression, for messages.
pub(crate) struct FieldKind {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What it takes, besides `*`, lists, ranges and steps.
    pub(crate) takes: &'static str,
    /// The words that it takes.
    words: &'static [&'static str],
}

/// The five fields, in order.
pub(crate) const FIELDS: [FieldKind; 5] = [
    FieldKind { name: "minute", takes: "0 to 59", words: &[] },
    FieldKind { name: "hour", takes: "0 to 23", words: &[] },
    FieldKind { name: "day of the month", takes: "1 to 31, or `L` for the last", words: &["L", "W", "LW"] },
    FieldKind {
        name: "month",
        takes: "1 to 12, or `JAN` to `DEC`",
        words: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    },
    FieldKind {
        name: "day of the week",
        takes: "0 to 7 with Sunday as 0 and 7, or `SUN` to `SAT`",
        words: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "L"],
    },
];

/// Names of whole expressions.
pub(crate) const NICKNAMES: [&str; 6] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"];

/// The rarest day there is, a 29th of February on a certain weekday, comes within this time.
const RAREST: i16 = 45;

impl Times {
    /// The first time after `after`, by the calendar of `zone`; `None` where there is none. An interval counts from
    /// `after` itself, which is therefore the time before it.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Cron(text) => Cron::parse(text).ok()?.next_after(after, zone),
            Self::Every(every) => Some(after + *every),
        }
    }
}

impl Cron {
    /// Reads five fields, or a name such as `@daily`.
    pub(crate) fn parse(text: &str) -> Result<Self, CronMistake> {
        if text.trim_start().starts_with('@') {
            if !NICKNAMES.contains(&text.trim().to_lowercase().as_str()) {
                return Err(CronMistake::Nickname);
            }
        } else {
            let fields = fields(text);
            if fields.len() != FIELDS.len() {
                return Err(CronMistake::Fields(fields.len()));
            }
            for (number, span) in fields.into_iter().enumerate() {
                if !is_field(number, &text[span.clone()]) {
                    return Err(CronMistake::Field { number, span });
                }
            }
        }
        // Each field was read on its own, so nothing is left to be wrong; still, the last field is the one to blame.
        let last = || CronMistake::Field { number: FIELDS.len() - 1, span: 0..text.len() };
        let pattern = parser().parse(text).map_err(|_| last())?.pattern;
        let values = |values: Vec<u16>| values.into_iter().filter_map(|value| i8::try_from(value).ok()).collect();
        let (minutes, hours): (Vec<i8>, Vec<i8>) = (values(pattern.minutes.values()), values(pattern.hours.values()));
        let hourly_or_shorter = text.trim_start().starts_with('*') || hours.len() == 24;
        let cron = Self { pattern, hours, minutes, hourly_or_shorter };
        let some_day = jiff::civil::date(2000, 1, 1);
        cron.days_from(some_day).next().ok_or(CronMistake::Never)?;
        Ok(cron)
    }

    /// The first time after `after`.
    pub(crate) fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        // The day before, because a time that its clock skipped may come after midnight.
        let first = after.to_jiff().to_zoned(zone.clone()).date().checked_sub(1.day()).ok()?;
        let next_on = |day: Date| self.times_on(day, zone).filter(|time| *time > after).min();
        for day in self.days_from(first) {
            let Some(next) = next_on(day) else { continue };
            // Where a clock goes back over midnight, times of the two days mix.
            let other = day.tomorrow().ok().filter(|day| self.is_on(*day)).and_then(next_on);
            return Some(other.map_or(next, |other| next.min(other)));
        }
        None
    }

    /// The days on which it fires.
    fn days_from(&self, first: Date) -> impl Iterator<Item = Date> {
        let last = first.saturating_add(Span::new().years(RAREST));
        first.series(1.day()).take_while(move |day| *day <= last).filter(|day| self.is_on(*day))
    }

    fn is_on(&self, day: Date) -> bool {
        let (year, month, of_month) = (i32::from(day.year()), day.month().unsigned_abs(), day.day().unsigned_abs());
        let weekday = Weekday::from_days_from_sunday(day.weekday().to_sunday_zero_offset().unsigned_abs().into());
        self.pattern.month_match(month.into()).unwrap_or(false)
            && self.pattern.day_match(year, month.into(), of_month.into(), weekday).unwrap_or(false)
    }

    /// Every moment at which it fires on this day, in no particular order.
    fn times_on<'z>(&'z self, day: Date, zone: &'z TimeZone) -> impl Iterator<Item = Timestamp> + 'z {
        let clock = self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (*hour, *minute)));
        clock.flat_map(move |(hour, minute)| {
            let shown = day.at(hour, minute, 0, 0);
            let moments = match zone.to_ambiguous_timestamp(shown).offset() {
                AmbiguousOffset::Unambiguous { offset } => [offset.to_timestamp(shown).ok(), None],
                AmbiguousOffset::Fold { before, after } => {
                    let again = self.hourly_or_shorter.then(|| after.to_timestamp(shown).ok()).flatten();
                    [before.to_timestamp(shown).ok(), again]
                }
                AmbiguousOffset::Gap { .. } if self.hourly_or_shorter => [None, None],
                AmbiguousOffset::Gap { after, .. } => {
                    let before_the_gap = after.to_timestamp(shown).ok();
                    let end = before_the_gap.and_then(|moment| zone.following(moment).next());
                    [end.map(|transition| transition.timestamp()), None]
                }
            };
            moments.into_iter().flatten().map(Timestamp::from)
        })
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

/// Where the fields of an expression stand.
fn fields(text: &str) -> Vec<Range<usize>> {
    text.split_whitespace()
        .map(|field| {
            let start = field.as_ptr().addr() - text.as_ptr().addr();
            start..start + field.len()
        })
        .collect()
}

/// Whether the text can be this field: it is read with `*` in place of all others.
fn is_field(number: usize, text: &str) -> bool {
    let words = text.to_uppercase();
    let known = |word: &str| word.is_empty() || FIELDS[number].words.contains(&word);
    if !words.split(|character: char| !character.is_alphabetic()).all(known) {
        return false;
    }
    let mut all = ["*"; FIELDS.len()];
    all[number] = text;
    // An empty part, as in `1,,2`, is a slip of the pen.
    !text.split(',').any(str::is_empty) && parser().parse(&all.join(" ")).is_ok()
}

#[cfg(test)]
mod tests;
