//! The arithmetic against calendars known by heart, and against an oracle that walks minute by minute.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

/// The times after `after`, as a clock in the zone shows them, with its distance from UTC.
fn times(cron: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let (times, zone) = (Times::Cron(cron.to_owned()), zone(zone_name));
    let mut at = moment(after);
    let mut next = || {
        at = times.next_after(at, &zone)?;
        Some(at.to_jiff().to_zoned(zone.clone()).strftime("%m-%d %H:%M%:z").to_string())
    };
    (0..count).map_while(|_| next()).collect()
}

#[test]
fn ordinary_days() {
    let after = "2026-11-20T10:30:00Z";
    assert_eq!(times("0 9 * * *", "UTC", after, 2), ["11-21 09:00+00:00", "11-22 09:00+00:00"]);
    assert_eq!(times("*/20 * * * *", "UTC", after, 2), ["11-20 10:40+00:00", "11-20 11:00+00:00"]);
    assert_eq!(times("0 */8 * * *", "Europe/Berlin", after, 2), ["11-20 16:00+01:00", "11-21 00:00+01:00"]);
    assert_eq!(times("30 10 * * MON-FRI", "UTC", after, 2), ["11-23 10:30+00:00", "11-24 10:30+00:00"]);
    assert_eq!(times("@daily", "Asia/Kolkata", after, 1), ["11-21 00:00+05:30"]);
    assert_eq!(times("0 0 L * *", "UTC", after, 2), ["11-30 00:00+00:00", "12-31 00:00+00:00"]);
    // Either day, where both are named: the 1st, and every Friday.
    assert_eq!(times("0 0 1 * FRI", "UTC", "2026-11-27T00:00:00Z", 2), ["12-01 00:00+00:00", "12-04 00:00+00:00"]);
}

#[test]
fn a_time_is_not_its_own_successor() {
    assert_eq!(times("0 9 * * *", "UTC", "2026-11-20T08:59:59.999Z", 1), ["11-20 09:00+00:00"]);
    assert_eq!(times("0 9 * * *", "UTC", "2026-11-20T09:00:00Z", 1), ["11-21 09:00+00:00"]);
    assert_eq!(times("0 9 * * *", "UTC", "2026-11-20T09:00:00.001Z", 1), ["11-21 09:00+00:00"]);
}

#[test]
fn the_29th_of_february_comes() {
    let times = Times::Cron("0 0 29 2 *".to_owned());
    assert_eq!(times.next_after(moment("2096-03-01T00:00:00Z"), &TimeZone::UTC), Some(moment("2104-02-29T00:00:00Z")));
}

#[test]
fn berlin_in_spring_skips_an_hour() {
    let before = "2027-03-27T12:00:00Z";
    let fixed = times("30 2 * * *", "Europe/Berlin", before, 2);
    assert_eq!(fixed, ["03-28 03:00+02:00", "03-29 02:30+02:00"]);
    // Two fixed times in the skipped hour are one time after it, and the hour's own is not doubled.
    let several = times("0,30 2,3 * * *", "Europe/Berlin", before, 3);
    assert_eq!(several, ["03-28 03:00+02:00", "03-28 03:30+02:00", "03-29 02:00+02:00"]);
    let hourly = times("30 * * * *", "Europe/Berlin", "2027-03-28T00:00:00Z", 3);
    assert_eq!(hourly, ["03-28 01:30+01:00", "03-28 03:30+02:00", "03-28 04:30+02:00"]);
}

#[test]
fn berlin_in_autumn_doubles_an_hour() {
    let before = "2027-10-30T12:00:00Z";
    let fixed = times("30 2 * * *", "Europe/Berlin", before, 2);
    assert_eq!(fixed, ["10-31 02:30+02:00", "11-01 02:30+01:00"]);
    let every_other = times("0 */2 * * *", "Europe/Berlin", "2027-10-30T22:30:00Z", 2);
    assert_eq!(every_other, ["10-31 02:00+02:00", "10-31 04:00+01:00"]);
    let half_hourly = times("*/30 * * * *", "Europe/Berlin", "2027-10-30T23:59:00Z", 5);
    let wanted =
        ["10-31 02:00+02:00", "10-31 02:30+02:00", "10-31 02:00+01:00", "10-31 02:30+01:00", "10-31 03:00+01:00"];
    assert_eq!(half_hourly, wanted);
}

#[test]
fn new_york_in_both_directions() {
    let spring = times("15 2 * * *", "America/New_York", "2027-03-13T12:00:00Z", 2);
    assert_eq!(spring, ["03-14 03:00-04:00", "03-15 02:15-04:00"]);
    let autumn = times("15 1 * * *", "America/New_York", "2027-11-06T12:00:00Z", 2);
    assert_eq!(autumn, ["11-07 01:15-04:00", "11-08 01:15-05:00"]);
}

#[test]
fn lord_howe_moves_by_half_an_hour() {
    // 02:00 becomes 02:30 in October, and 02:00 becomes 01:30 in April.
    let spring = times("0,15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 2);
    assert_eq!(spring, ["10-04 02:30+11:00", "10-05 02:00+11:00"]);
    let autumn = times("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T12:00:00Z", 2);
    assert_eq!(autumn, ["04-04 01:45+11:00", "04-05 01:45+10:30"]);
    let quarterly = times("*/15 * * * *", "Australia/Lord_Howe", "2027-04-03T14:44:00Z", 3);
    assert_eq!(quarterly, ["04-04 01:45+11:00", "04-04 01:30+10:30", "04-04 01:45+10:30"]);
}

#[test]
fn a_midnight_that_is_skipped() {
    let havana = times("0 0 * * *", "America/Havana", "2027-03-13T12:00:00Z", 2);
    assert_eq!(havana, ["03-14 01:00-04:00", "03-15 00:00-04:00"]);
}

#[test]
fn without_daylight_saving_nothing_moves() {
    let kolkata = times("30 2 * * *", "Asia/Kolkata", "2027-03-27T12:00:00Z", 2);
    assert_eq!(kolkata, ["03-28 02:30+05:30", "03-29 02:30+05:30"]);
}

#[test]
fn an_interval_counts_from_the_time_before() {
    let times = Times::Every(Duration::from_secs(90));
    assert_eq!(times.next_after(moment("2026-01-01T00:00:00Z"), &TimeZone::UTC), Some(moment("2026-01-01T00:01:30Z")));
}

#[test]
fn texts_that_are_none() {
    let mistake = |text: &str| Cron::parse(text).unwrap_err();
    assert_eq!(mistake("0 0 9 * * *"), CronMistake::Fields(6));
    assert_eq!(mistake(""), CronMistake::Fields(0));
    assert_eq!(mistake("@reboot"), CronMistake::Nickname);
    assert_eq!(mistake("0 0 30 2 *"), CronMistake::Never);
    assert_eq!(mistake("0 0 31 4,6,9,11 *"), CronMistake::Never);
    for (text, number, span) in [
        ("60 * * * *", 0, 0..2),
        ("0  24 * * *", 1, 3..5),
        ("0 9 0 * *", 2, 4..5),
        ("0 9 * 13 *", 3, 6..8),
        ("0 9 * MON *", 3, 6..9),
        ("0 9 * * JAN", 4, 8..11),
        ("0 9 * * MONDAY", 4, 8..14),
        ("*/0 * * * *", 0, 0..3),
        ("1,,2 * * * *", 0, 0..4),
        ("0 9 * * @daily", 4, 8..14),
        ("0 9-ü * * *", 1, 2..6),
    ] {
        assert_eq!(mistake(text), CronMistake::Field { number, span }, "{text}");
    }
}

/// A cron expression as sets: what it means is told without any parser.
#[derive(Clone, Debug)]
struct Sets {
    minutes: BTreeSet<i8>,
    hours: BTreeSet<i8>,
    /// None for `*`.
    days: Option<BTreeSet<i8>>,
    weekdays: Option<BTreeSet<i8>>,
    /// Whether the minute is written with `*`.
    every_minutes: Option<i8>,
}

impl Sets {
    fn text(&self) -> String {
        let list = |set: &BTreeSet<i8>| set.iter().map(i8::to_string).collect::<Vec<_>>().join(",");
        let minutes = self.every_minutes.map_or_else(|| list(&self.minutes), |step| format!("*/{step}"));
        let all = |set: &Option<BTreeSet<i8>>| set.as_ref().map_or_else(|| "*".to_owned(), list);
        format!("{minutes} {} {} * {}", list(&self.hours), all(&self.days), all(&self.weekdays))
    }

    fn is_hourly(&self) -> bool {
        self.every_minutes.is_some() || self.hours.len() == 24
    }

    fn shown(&self, clock: DateTime) -> bool {
        let of_month = self.days.as_ref().map(|days| days.contains(&clock.day()));
        let of_week = self.weekdays.as_ref().map(|days| days.contains(&clock.weekday().to_sunday_zero_offset()));
        let on_day = match (of_month, of_week) {
            (Some(month), Some(week)) => month || week,
            (one, other) => one.or(other).unwrap_or(true),
        };
        on_day && self.hours.contains(&clock.hour()) && self.minutes.contains(&clock.minute())
    }

    /// The first time after `after` within some minutes, found by looking at the clock every minute.
    fn next_by_walking(&self, after: Timestamp, zone: &TimeZone, minutes: i64) -> Option<Timestamp> {
        let clock = |millis: i64| Timestamp::from_millis(millis).to_jiff().to_zoned(zone.clone()).datetime();
        let first = after.millis().div_euclid(60_000) + 1;
        (first..first + minutes).map(|minute| minute * 60_000).map(Timestamp::from_millis).find(|now| {
            let (shows, showed) = (clock(now.millis()), clock(now.millis() - 60_000));
            let skipped = {
                let mut at = showed + 1.minute();
                std::iter::from_fn(move || {
                    let skipped = at;
                    at += 1.minute();
                    (skipped < shows).then_some(skipped)
                })
            };
            if self.is_hourly() {
                return self.shown(shows);
            }
            let is_repeated = || (1..=180).any(|ago| clock(now.millis() - ago * 60_000) == shows);
            (self.shown(shows) && !is_repeated()) || skipped.into_iter().any(|skipped| self.shown(skipped))
        })
    }
}

fn sets() -> impl Strategy<Value = Sets> {
    let few = |range: std::ops::Range<i8>, most| proptest::collection::btree_set(range, 1..most);
    let minutes = prop_oneof![
        few(0..60, 4).prop_map(|minutes| (minutes, None)),
        prop_oneof![Just(1_i8), Just(15), Just(20), Just(30), Just(45)]
            .prop_map(|step| ((0..60).filter(|minute| minute % step == 0).collect(), Some(step))),
    ];
    let hours = prop_oneof![3 => few(0..5, 4), 1 => few(0..24, 6), 1 => Just((0..24).collect())];
    let days = proptest::option::weighted(0.3, few(1..32, 20));
    let weekdays = proptest::option::weighted(0.3, few(0..7, 5));
    (minutes, hours, days, weekdays).prop_map(|((minutes, every_minutes), hours, days, weekdays)| Sets {
        minutes,
        hours,
        days,
        weekdays,
        every_minutes,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_if_somebody_had_watched_the_clock(
        sets in sets(),
        (name, change) in prop_oneof![
            Just(("Europe/Berlin", "2027-03-28T01:00:00Z")),
            Just(("Europe/Berlin", "2027-10-31T01:00:00Z")),
            Just(("America/New_York", "2027-03-14T07:00:00Z")),
            Just(("America/New_York", "2027-11-07T06:00:00Z")),
            Just(("Australia/Lord_Howe", "2026-10-03T15:30:00Z")),
            Just(("Australia/Lord_Howe", "2027-04-03T15:00:00Z")),
            Just(("America/Havana", "2027-03-14T05:00:00Z")),
            Just(("America/Havana", "2027-11-07T05:00:00Z")),
            // Its clock went back from one minute past midnight, into the day before.
            Just(("America/St_Johns", "2006-10-29T02:31:00Z")),
            Just(("Asia/Kolkata", "2027-03-28T01:00:00Z")),
        ],
        offset in -40_i64 * 3_600_000..12 * 3_600_000,
    ) {
        const HORIZON: i64 = 3 * 24 * 60;
        let zone = zone(name);
        let after = Timestamp::from_millis(moment(change).millis() + offset);
        let next = Times::Cron(sets.text()).next_after(after, &zone);
        match sets.next_by_walking(after, &zone, HORIZON) {
            Some(walked) => prop_assert_eq!(next, Some(walked), "{} after {}", sets.text(), after),
            None => prop_assert!(next.is_none_or(|next| next.since(after).as_secs() > 60 * (HORIZON as u64 - 1))),
        }
    }
}
