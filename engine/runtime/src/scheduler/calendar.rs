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
