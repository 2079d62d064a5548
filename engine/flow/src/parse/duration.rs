//! Durations: how they are written, and what people mean who write them otherwise.

use std::time::Duration;

/// Our units, the largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// Words of others for units.
const WORDS: [(&[&str], u64); 6] = [
    (&["w", "wk", "week", "weeks"], 7 * 86_400_000),
    (&["d", "day", "days"], 86_400_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000),
    (&["ms", "msec", "msecs", "millisecond", "milliseconds"], 1),
];
/// Ten years.
const MOST: u64 = 10 * 366 * 24 * 60 * 60 * 1_000;

/// A duration: numbers with their units, the largest first, such as `15s` or `1h30m`. At most ten years.
pub fn duration(text: &str) -> Option<Duration> {
    let mut millis: u64 = 0;
    let mut last_unit = u64::MAX;
    let mut rest = text.trim();
    // Only others write a blank before the unit.
    if rest.contains(char::is_whitespace) {
        return None;
    }
    while !rest.is_empty() {
        let (number, word, after) = part(rest)?;
        let (_, unit) = *UNITS.iter().find(|(unit, _)| *unit == word)?;
        if unit >= last_unit {
            return None;
        }
        last_unit = unit;
        millis = millis.checked_add(number.checked_mul(unit)?)?;
        rest = after;
    }
    (millis > 0 && millis <= MOST).then(|| Duration::from_millis(millis))
}

/// A duration that is written in another way, as it is written here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MeantDuration {
    pub(crate) help: String,
    /// What to write instead, where only one thing can be meant.
    pub(crate) instead: Option<String>,
}

/// What somebody means whose text is no duration of ours.
pub(crate) fn meant(text: &str) -> MeantDuration {
    const HELP: &str = "write a number and its unit: `500ms`, `15s`, `5m`, `1h`, `1d`, or `1h30m`";
    let only = |help: &str| MeantDuration { help: help.to_owned(), instead: None };
    let written = text.trim();
    if let Some(rest) = written.strip_prefix('-').filter(|rest| duration(rest).is_some()) {
        return only(&format!("a duration is longer than nothing, such as `{rest}`"));
    }
    let small = written.to_lowercase();
    // `P1D` is a day, `PT5M` five minutes, and `P1M` a month, which has no fixed length.
    let plain = match small.strip_prefix('p') {
        Some(iso) => match iso.split_once('t') {
            Some((days, times)) if !days.contains('m') => format!("{days}{times}"),
            None if !iso.contains('m') => iso.to_owned(),
            Some(_) | None => return only(HELP),
        },
        None => small,
    };
    match millis(&plain) {
        Some(0) => only("a duration is longer than nothing; `1s` is one second"),
        Some(millis) if millis <= MOST => {
            let instead = shown(millis);
            MeantDuration { help: format!("write `{instead}`"), instead: Some(instead) }
        }
        Some(_) => only("a duration is at most ten years, such as `3650d`"),
        None => only(HELP),
    }
}

/// The whole of numbers with units of others, in any order.
fn millis(text: &str) -> Option<u64> {
    let mut millis: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, word, after) = part(rest)?;
        let (_, unit) = WORDS.iter().find(|(words, _)| words.contains(&word))?;
        millis = millis.checked_add(number.checked_mul(*unit)?)?;
        rest = after.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();
    }
    Some(millis)
}

/// A number, the word behind it, and what follows.
fn part(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text[..digits].parse().ok()?;
    let after = text[digits..].trim_start();
    let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
    (letters > 0).then_some((number, &after[..letters], &after[letters..]))
}

/// A duration as it is written here.
fn shown(mut millis: u64) -> String {
    let mut out = String::new();
    for (word, unit) in UNITS {
        if millis >= unit {
            out.push_str(&format!("{}{word}", millis / unit));
            millis %= unit;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in
            [("15s", 15_000), ("5m", 300_000), ("1h30m", 5_400_000), ("500ms", 500), ("1d", 86_400_000)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "15", "s", "0s", "1.5h", "-5s", "15 s", "5m1h", "1s1s", "15sec", "99999999999999999999s", "9999999d"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn durations_of_others_are_told_as_ours() {
        for (text, ours) in [
            ("1 minute", "1m"),
            ("5min", "5m"),
            ("30m1h", "1h30m"),
            ("1w", "7d"),
            ("PT5M", "5m"),
            ("P1DT2H", "1d2h"),
            ("15 s", "15s"),
            ("2 hours and 5 minutes", "2h5m"),
            ("90 Seconds", "1m30s"),
        ] {
            assert_eq!(meant(text).instead.as_deref(), Some(ours), "{text}");
            assert!(duration(ours).is_some());
        }
        for (text, help) in [
            ("0s", "longer than nothing"),
            ("-5m", "such as `5m`"),
            ("P1M", "a number and its unit"),
            ("soon", "a number"),
        ] {
            let meant = meant(text);
            assert!(meant.instead.is_none() && meant.help.contains(help), "{text}: {meant:?}");
        }
    }
}
