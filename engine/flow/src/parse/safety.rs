//! `brakes` and `expect`: what a flow may do at most, and what it should do at least.

use text::{Diagnostic, Entry, Kind, shown};

use super::reader::Reader;
use crate::codes;
use crate::definition::At;
use crate::language::words::PERIODS;
use crate::language::{BRAKES, EXPECT};
use crate::model::{AtLeast, Brake, Brakes, Expect, Most, Period};

/// Reads `brakes`.
pub(super) fn brakes(reader: &mut Reader<'_>, entry: &Entry) -> Brakes {
    let Some(map) = reader.map(entry) else { return Brakes::default() };
    reader.keys(map, &BRAKES);
    let mut brake = |key: &str| map.get(key).and_then(|entry| brake(reader, entry));
    Brakes { creates: brake("creates"), changes: brake("changes"), blanks: brake("blanks") }
}

/// Reads `expect`.
pub(super) fn expect(reader: &mut Reader<'_>, entry: &Entry) -> Expect {
    let Some(map) = reader.map(entry) else { return Expect::default() };
    reader.keys(map, &EXPECT);
    Expect {
        at_least: map.get("at_least").and_then(|entry| at_least(reader, entry)),
        delay_below: map.get("delay_below").and_then(|entry| reader.duration(entry)).map(|delay| delay.value),
    }
}

/// `500 per day`, `1%`, `20% of matched per day after 50`.
fn brake(reader: &mut Reader<'_>, entry: &Entry) -> Option<Brake> {
    let text = sentence(reader, entry, "a bound such as `500 per day` or `20% of matched per day after 50`")?;
    let brake = brake_of(&text.value);
    if brake.is_none() {
        let message = format!("`{}` is no bound", shown(&text.value));
        let help = "write a number or a share: `500 per day`, `1%`, `20% of matched per day after 50`";
        reader.report(Diagnostic::error(codes::WRONG_VALUE, message).help(help), text.span);
    }
    brake
}

fn brake_of(text: &str) -> Option<Brake> {
    let mut words = text.split_whitespace().peekable();
    let most = most(words.next()?)?;
    if matches!(most, Most::Share(_)) && words.next_if_eq(&"of").is_some() {
        words.next_if_eq(&"matched")?;
    }
    let per = match words.next_if_eq(&"per") {
        Some(_) => period(words.next()?)?,
        None => Period::Day,
    };
    let after = match words.next_if_eq(&"after") {
        Some(_) if matches!(most, Most::Share(_)) => whole(words.next()?)?,
        Some(_) => return None,
        None => 0,
    };
    words.next().is_none().then_some(Brake { most, per, after })
}

fn most(word: &str) -> Option<Most> {
    let Some(percent) = word.strip_suffix('%') else { return whole(word).map(Most::Count) };
    let is_number = percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let percent: f64 = percent.parse().ok().filter(|_| is_number)?;
    (percent > 0.0 && percent <= 100.0).then_some(Most::Share(percent / 100.0))
}

/// `1 per workday`.
fn at_least(reader: &mut Reader<'_>, entry: &Entry) -> Option<AtLeast> {
    let text = sentence(reader, entry, "how many runs are expected, such as `1 per workday`")?;
    let words: Vec<&str> = text.value.split_whitespace().collect();
    let expected = match words.as_slice() {
        [count, "per", per] => whole(count).zip(period(per)),
        _ => None,
    };
    if expected.is_none() {
        let periods = PERIODS.words.iter().map(|word| format!("`{}`", word.word)).collect::<Vec<_>>().join(", ");
        let message = format!("`{}` does not say how many runs are expected", shown(&text.value));
        let help = format!("write it as `1 per workday`; the periods are {periods}");
        reader.report(Diagnostic::error(codes::WRONG_VALUE, message).help(help), text.span);
    }
    expected.map(|(count, per)| AtLeast { count, per })
}

/// A text of few words; a number alone is one, too.
fn sentence(reader: &mut Reader<'_>, entry: &Entry, wanted: &str) -> Option<At<String>> {
    if let Kind::Int(number) = entry.value.kind {
        return Some(At { value: number.to_string(), span: entry.value.span });
    }
    reader.fixed_text(&entry.value, entry.key.span, &entry.key.text, wanted)
}

fn whole(word: &str) -> Option<u64> {
    let is_number = (1..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|number| is_number && *number > 0)
}

fn period(word: &str) -> Option<Period> {
    PERIODS.value(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        let count = |n, per| Some(Brake { most: Most::Count(n), per, after: 0 });
        let share = |share, per, after| Some(Brake { most: Most::Share(share), per, after });
        for (text, wanted) in [
            ("500 per day", count(500, Period::Day)),
            ("500", count(500, Period::Day)),
            (" 7  per  hour ", count(7, Period::Hour)),
            ("1%", share(0.01, Period::Day, 0)),
            ("0.5% per week", share(0.005, Period::Week, 0)),
            ("20% of matched per day after 50", share(0.2, Period::Day, 50)),
            ("100% after 3", share(1.0, Period::Day, 3)),
            ("0 per day", None),
            ("-5", None),
            ("0%", None),
            ("101%", None),
            ("1e1%", None),
            ("NaN%", None),
            ("%", None),
            ("", None),
            ("500 per", None),
            ("500 per fortnight", None),
            ("500 of matched", None),
            ("500 per day after 50", None),
            ("20% of all per day", None),
            ("20% per day or so", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(brake_of(text), wanted, "{text}");
        }
    }
}
