//! Whether a service is there, as far as this process was told.
//!
//! It is away from the first call that nobody answered until the first that somebody did, whoever made them. After a
//! minute of that it is no hiccup any more: then no run is to blame for what it cannot do there, and of all the runs
//! that wait, one a second asks whether it is back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sdk::Timestamp;

/// Whoever is away for less may have stumbled, or comes and goes.
const HICCUP: Duration = Duration::from_secs(60);
/// How often a service is asked whether it is back, by all runs together.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What the calls to one connection told.
#[derive(Default)]
pub(crate) struct Presence(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Whether anybody ever answered this process.
    has_answered: bool,
    absence: Option<Absence>,
}

struct Absence {
    since: Timestamp,
    /// What the last call said that nobody answered.
    reason: String,
    /// Whether it was told that this is no hiccup.
    is_told: bool,
    /// When the next run may ask.
    ask_at: Timestamp,
}

/// That nobody answers there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Since when, as far as this process knows.
    pub since: Timestamp,
    /// Whether it is no hiccup.
    pub is_long: bool,
    /// Whether anybody answered this process before. If not, it may have been away for long already.
    pub has_answered: bool,
    /// What the last call said that nobody answered.
    pub reason: String,
}

impl Presence {
    /// Somebody answered. Says since when it was away, where that was told.
    pub(crate) fn answers(&self) -> Option<Timestamp> {
        let mut known = self.known();
        known.has_answered = true;
        known.absence.take().filter(|absence| absence.is_told).map(|absence| absence.since)
    }

    /// Nobody answered, for this reason. Says since when it is away, where that is to be told now.
    pub(crate) fn misses(&self, now: Timestamp, reason: &str) -> Option<Timestamp> {
        let mut known = self.known();
        let begins = || Absence { since: now, reason: String::new(), is_told: false, ask_at: now };
        let absence = known.absence.get_or_insert_with(begins);
        reason.clone_into(&mut absence.reason);
        // A clock that was set back knows nothing of a later beginning.
        absence.since = absence.since.min(now);
        let is_news = !absence.is_told && absence.is_long(now);
        absence.is_told |= is_news;
        is_news.then_some(absence.since)
    }

    /// What is known while nobody answers.
    pub(crate) fn away(&self, now: Timestamp) -> Option<Away> {
        let known = self.known();
        known.absence.as_ref().map(|absence| absence.told(now, known.has_answered))
    }

    /// What is known while nobody answers for long, and somebody else has asked just now. Who gets nothing is to ask.
    pub(crate) fn left_alone(&self, now: Timestamp) -> Option<Away> {
        let mut known = self.known();
        let has_answered = known.has_answered;
        let absence = known.absence.as_mut().filter(|absence| absence.is_long(now))?;
        // Also by a clock that was set back, its turn comes.
        if absence.ask_at <= now || absence.ask_at > now + ASK_EVERY {
            absence.ask_at = now + ASK_EVERY;
            return None;
        }
        Some(absence.told(now, has_answered))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Absence {
    fn is_long(&self, now: Timestamp) -> bool {
        now.since(self.since) >= HICCUP
    }

    fn told(&self, now: Timestamp, has_answered: bool) -> Away {
        Away { since: self.since, is_long: self.is_long(now), has_answered, reason: self.reason.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn it_is_away_from_the_first_miss_to_the_first_answer() {
        let presence = Presence::default();
        assert_eq!(presence.away(at(0)), None);
        assert_eq!((presence.misses(at(10), "gone"), presence.misses(at(69), "gone")), (None, None));
        let away = Away { since: at(10), is_long: false, has_answered: false, reason: "gone".to_owned() };
        assert_eq!(presence.away(at(69)), Some(away.clone()));
        assert_eq!(presence.away(at(70)), Some(Away { is_long: true, ..away }));
        assert_eq!(presence.misses(at(70), "still gone"), Some(at(10)), "now it is told");
        assert_eq!(presence.misses(at(80), "still gone"), None, "and not twice");
        assert_eq!(presence.answers(), Some(at(10)));
        assert_eq!((presence.answers(), presence.away(at(80))), (None, None));
        presence.misses(at(90), "gone");
        assert_eq!(presence.answers(), None, "nobody was told of a hiccup");
        presence.misses(at(100), "gone");
        assert!(presence.away(at(100)).is_some_and(|away| away.has_answered && away.since == at(100)));
    }

    #[test]
    fn one_a_second_asks_whether_it_is_back() {
        let presence = Presence::default();
        presence.misses(at(0), "gone");
        assert_eq!((presence.left_alone(at(59)), presence.left_alone(at(59))), (None, None), "it may be a hiccup");
        assert_eq!(presence.left_alone(at(60)), None);
        assert_eq!(presence.left_alone(at(60)).map(|away| away.reason).as_deref(), Some("gone"));
        assert_eq!(presence.left_alone(at(61)), None);
        assert!(presence.left_alone(at(61)).is_some());
        presence.answers();
        assert_eq!((presence.left_alone(at(61)), presence.left_alone(at(61))), (None, None));
    }
}
