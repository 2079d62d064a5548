//! Durations on the command line, and how people read them.

use std::time::Duration;

use sdk::{Clock as _, SystemClock, Timestamp};

/// Reads `250ms`, `30s`, `5m`, `2h`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let mistake = || format!("`{text}` is no duration; write it like `30s`, `5m` or `2h`");
    let unit = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(mistake)?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().map_err(|_| mistake())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(mistake()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(mistake)
}

/// Reads a moment, `2026-01-31T08:00:00Z` or `2026-01-31`, or how long ago it was, `2h` or `7d`.
pub fn since(text: &str) -> Result<Timestamp, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    let ago = match days.and_then(|days| days.checked_mul(24 * 3600)) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => parse(text).ok(),
    };
    if let Some(ago) = ago {
        return Ok(SystemClock.now() - ago);
    }
    Timestamp::parse(text)
        .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
        .ok_or_else(|| format!("`{text}` is no time; write it like `2h`, `7d`, `2026-01-31` or `2026-01-31T08:00:00Z`"))
}

/// A wait, as short as it can be said: `0.4 s`, `12 s`, `3 m 20 s`, `5 h`.
pub fn short(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    let seconds = duration.as_secs();
    match seconds {
        0..10 if duration.subsec_millis() == 0 => format!("{seconds} s"),
        0..10 => format!("{}.{} s", tenths / 10, tenths % 10),
        10..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} m", seconds / 60),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        _ => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("2h"), Ok(Duration::from_secs(7200)));
        for wrong in ["", "30", "s", "-1s", "1.5s", "1 s", "30x", "99999999999999999999s", "9999999999999999999h"] {
            assert!(parse(wrong).is_err_and(|error| error.contains("`30s`")), "{wrong}");
        }
    }

    #[test]
    fn a_time_is_a_moment_or_so_long_ago() {
        assert_eq!(since("2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00.000Z");
        assert_eq!(since("2026-01-31T08:00:00Z").unwrap().to_string(), "2026-01-31T08:00:00.000Z");
        let ago = |text: &str| SystemClock.now().since(since(text).unwrap()).as_secs();
        assert!((7200..7260).contains(&ago("2h")) && (604_800..604_860).contains(&ago("7d")));
        for wrong in ["yesterday", "7", "d", "2026-13-01"] {
            assert!(since(wrong).is_err_and(|error| error.contains("`7d`")), "{wrong}");
        }
    }

    #[test]
    fn waits_are_short_to_read() {
        let told = |millis| short(Duration::from_millis(millis));
        assert_eq!(told(420), "0.4 s");
        assert_eq!(told(2_000), "2 s");
        assert_eq!(told(9_960), "10.0 s");
        assert_eq!(told(12_900), "12 s");
        assert_eq!(told(200_000), "3 m 20 s");
        assert_eq!(told(300_000), "5 m");
        assert_eq!(told(5 * 3_600_000), "5 h");
        assert_eq!(told(5 * 3_600_000 + 1_200_000), "5 h 20 m");
    }
}
