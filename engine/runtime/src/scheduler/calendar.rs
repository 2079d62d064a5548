//! What a flow's times mean at a moment: nothing yet, a start, or times that were missed.
//!
//! Pure: the store's row and the moment go in, and what is to be done comes out.

use std::sync::Arc;
use std::time::Duration;

use flow::{Flow, Missed, Schedule, Times};
use sdk::Timestamp;
use store::ScheduleRow;

/// A time that is acted on no later than this is on time: engines take a while to start, and machines to breathe.
const ON_TIME: Duration = Duration::from_secs(60);
/// Where a clock was set back by more than this, what it said before is not believed any more.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);
/// How far back the last of many missed times is looked for, from near to far.
const LOOK_BACK: [Duration; 5] = [
    Duration::from_secs(600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(5 * 24 * 3600),
    Duration::from_secs(100 * 24 * 3600),
    Duration::from_secs(3_000 * 24 * 3600),
];

/// When a flow starts, in its zone.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    flow: Arc<Flow>,
    schedule: Schedule,
}

/// What is to be done about a flow's next time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing, until then.
    Wait,
    /// To start for this time, and then to wait for the next.
    Start {
        /// The time that the start is for: the last that has passed.
        at: Timestamp,
        /// The time after it.
        next: Option<Timestamp>,
        /// Since when there were others before it, which have no start of their own.
        missed_since: Option<Timestamp>,
    },
    /// To wait for an earlier time than the store says: the clock was set back since.
    Correct {
        /// The last time that counts as acted on.
        last: Timestamp,
        /// The time to wait for.
        next: Option<Timestamp>,
    },
    /// To leave out all that has passed.
    LeaveOut {
        /// The last time that has passed.
        last: Timestamp,
        /// The time after it.
        next: Option<Timestamp>,
    },
}

impl Calendar {
    /// The calendar of a flow that goes by the clock.
    pub fn new(flow: Arc<Flow>, schedule: Schedule) -> Self {
        Self { flow, schedule }
    }

    /// In words that change when, and only when, its times do.
    pub fn in_words(&self) -> String {
        match &self.schedule.times {
            Times::Cron(text) => {
                let zone = self.flow.timezone.iana_name().unwrap_or("a zone of its own");
                format!("{} in {zone}", text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Times::Every(every) => format!("every {} ms", every.as_millis()),
        }
    }

    /// The first time after this moment.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let times = match &self.schedule.times {
            cron @ Times::Cron(_) => cron.clone(),
            // Checked flows have none that is shorter; a loop without end would be the price of a mistake there.
            Times::Every(every) => Times::Every((*every).max(Duration::from_secs(1))),
        };
        times.next_after(after, &self.flow.timezone)
    }

    /// What is to be done now about the next time that the store knows.
    pub fn decide(&self, row: &ScheduleRow, now: Timestamp) -> Decision {
        let Some(due) = row.next_due.filter(|due| *due <= now) else { return Decision::Wait };
        let at = self.last_until(due, now);
        let next = self.next_after(at);
        let makes_up = match self.schedule.missed {
            Missed::RunOnce => true,
            Missed::Skip => now.since(at) <= ON_TIME,
        };
        if makes_up {
            Decision::Start { at, next, missed_since: (at > due).then_some(due) }
        } else {
            Decision::LeaveOut { last: at, next }
        }
    }

    /// What to do where the next time that the store knows cannot be right: the clock was set back since, and nothing
    /// would start before it has caught up. `None` where it can.
    pub fn corrected(&self, row: &ScheduleRow, now: Timestamp) -> Option<Decision> {
        let due = row.next_due?;
        // A time that was acted on does not come again because a clock was set back over it.
        let last = row.last_fired.filter(|last| last.since(now) <= BELIEVED);
        let last = last.map_or(now, |last| last.max(now));
        let next = self.next_after(last)?;
        (next < due).then_some(Decision::Correct { last, next: Some(next) })
    }

    /// The last time that is not after `now`, given one of them.
    fn last_until(&self, due: Timestamp, now: Timestamp) -> Timestamp {
        if let Times::Every(every) = &self.schedule.times {
            let every = every.max(&Duration::from_secs(1)).as_millis();
            let n_passed = now.since(due).as_millis() / every;
            let passed = u64::try_from(n_passed * every).unwrap_or(u64::MAX);
            return due + Duration::from_millis(passed);
        }
        for back in LOOK_BACK {
            let from = now - back;
            if from <= due {
                break;
            }
            if let Some(found) = self.next_after(from).filter(|found| *found <= now) {
                return self.walk_to(found, now);
            }
        }
        self.walk_to(due, now)
    }

    fn walk_to(&self, mut at: Timestamp, now: Timestamp) -> Timestamp {
        while let Some(next) = self.next_after(at).filter(|next| *next <= now) {
            at = next;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(times: Times, missed: Missed) -> Calendar {
        let yaml = "flow: f\nconnections: {crm: hubspot, copy: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\n\
                    steps:\n  - create: copy.contacts\n    set: {email: x}\n";
        let flow = crate::testing::checked(&[yaml])[0].clone();
        let timezone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let schedule = Schedule { times, missed, walk: None };
        Calendar::new(Arc::new(Flow { timezone, ..(*flow).clone() }), schedule)
    }

    fn cron(text: &str) -> Calendar {
        calendar(Times::Cron(text.to_owned()), Missed::RunOnce)
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn row(next_due: Timestamp, last_fired: Option<Timestamp>) -> ScheduleRow {
        ScheduleRow { next_due: Some(next_due), last_fired, walk: None, tally: store::ScheduleTally::default() }
    }

    /// However long nothing ran, the start is for the last time that has passed: as found by walking over all of them.
    #[test]
    fn the_last_of_many_missed_times_is_found_without_walking_over_them() {
        let first = at("2026-10-20T00:00:00Z");
        let times = [
            ("*/5 * * * *", 90_000),
            ("30 2 * * *", 4_000_000),
            ("0 */7 * * 1-5", 900_000),
            ("0 0 1 */3 *", 90_000_000),
            ("15 9 29 2 *", 900_000_000),
        ];
        for (text, longest) in times {
            let calendar = cron(text);
            let due = calendar.next_after(first).unwrap();
            for later in [0, 59, 3_600, longest / 7, longest] {
                let now = due + Duration::from_secs(later);
                let expected = calendar.walk_to(due, now);
                match calendar.decide(&row(due, None), now) {
                    Decision::Start { at, next, missed_since } => {
                        assert_eq!(at, expected, "{text}, {later} seconds later");
                        assert_eq!(next, calendar.next_after(at));
                        assert_eq!(missed_since, (at > due).then_some(due));
                    }
                    other => panic!("{text}: {other:?}"),
                }
            }
            assert_eq!(calendar.decide(&row(due, None), due - Duration::from_millis(1)), Decision::Wait);
        }
    }

    /// A minute's schedule over thirty years is not walked over minute by minute.
    #[test]
    fn an_interval_of_seconds_missed_for_years_costs_nothing() {
        let every = calendar(Times::Every(Duration::from_secs(7)), Missed::RunOnce);
        let due = at("2000-01-01T00:00:00Z");
        let decision = every.decide(&row(due, None), due + Duration::from_secs(7 * 100_000_000 + 3));
        let expected = due + Duration::from_secs(7 * 100_000_000);
        let next = Some(expected + Duration::from_secs(7));
        assert_eq!(decision, Decision::Start { at: expected, next, missed_since: Some(due) });
    }

    #[test]
    fn what_is_not_made_up_for_is_left_out_once_it_is_late() {
        let calendar = calendar(Times::Cron("0 * * * *".to_owned()), Missed::Skip);
        let due = at("2026-11-01T10:00:00Z");
        let decide = |seconds| calendar.decide(&row(due, None), due + Duration::from_secs(seconds));
        assert!(matches!(decide(60), Decision::Start { .. }));
        let next = Some(at("2026-11-01T11:00:00Z"));
        assert_eq!(decide(61), Decision::LeaveOut { last: due, next });
        // The last of several may be on time.
        assert!(matches!(decide(7_210), Decision::Start { at, .. } if at == due + Duration::from_secs(7_200)));
    }

    #[test]
    fn a_time_is_corrected_only_where_the_clock_was_set_back() {
        let calendar = cron("0 9 * * *");
        let (nine, next) = (at("2026-11-02T08:00:00Z"), at("2026-11-03T08:00:00Z"));
        // As it should be, and set back over the time that was acted on.
        for now in ["2026-11-02T12:00:00Z", "2026-11-02T07:00:00Z"] {
            assert_eq!(calendar.corrected(&row(next, Some(nine)), at(now)), None, "{now}");
        }
        let far = row(at("2031-01-01T08:00:00Z"), Some(at("2030-12-31T08:00:00Z")));
        let now = at("2026-11-02T12:00:00Z");
        assert_eq!(calendar.corrected(&far, now), Some(Decision::Correct { last: now, next: Some(next) }));
    }

    /// Editing spaces changes nothing; another zone does.
    #[test]
    fn its_words_change_when_its_times_do() {
        assert_eq!(cron("0  9 * * *").in_words(), "0 9 * * * in Europe/Berlin");
        assert_ne!(cron("0 9 * * *").in_words(), cron("0 10 * * *").in_words());
        let every = calendar(Times::Every(Duration::from_secs(60)), Missed::Skip);
        assert_eq!(every.in_words(), "every 60000 ms");
    }
}
