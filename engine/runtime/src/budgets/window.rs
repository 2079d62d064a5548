//! One budget: never more than so many units within any stretch of its length.
//!
//! A unit counts from the moment it is taken until a whole length after its answer came. Wherever in between the
//! service counted the request, it cannot see more than we do.

use std::collections::BTreeMap;
use std::time::Duration;

use sdk::faults::planted;
use sdk::{Limit, Observed};

/// Milliseconds of a clock that never goes back.
pub(super) type Moment = u64;

/// A window is kept in so many parts, each as long-lived as its youngest unit.
const PARTS: u64 = 1_000;
/// What a service said is believed for so long at most: another answer will say it again, and without one nobody
/// knows when its day ends.
const BELIEVED: u64 = 15 * 60 * 1_000;

/// One budget, as far as it is used.
#[derive(Debug)]
pub(super) struct Window {
    max: u64,
    per: u64,
    /// Percent that polls leave.
    reserve: u64,
    /// Units of calls under way.
    in_flight: u64,
    /// Units of answered calls, by when they no longer count.
    spent: BTreeMap<Moment, u64>,
    n_spent: u64,
    /// Units that others used, as the service's last answer had it, and how long that is believed.
    elsewhere: u64,
    elsewhere_until: Moment,
    /// The service refused a request for this budget.
    held_until: Moment,
}

/// Whether there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Now,
    /// Once it is this moment.
    At(Moment),
    /// Once calls under way are answered.
    Later,
}

impl Window {
    pub(super) fn new(limit: &Limit) -> Self {
        Self {
            max: limit.max.max(1),
            per: millis(limit.per).max(1),
            reserve: limit.reserve.min(99),
            in_flight: 0,
            spent: BTreeMap::new(),
            n_spent: 0,
            elsewhere: 0,
            elsewhere_until: 0,
            held_until: 0,
        }
    }

    /// Another connection of the account knows this budget, perhaps as a smaller one.
    pub(super) fn narrow(&mut self, limit: &Limit) {
        self.max = self.max.min(limit.max.max(1));
        self.reserve = self.reserve.max(limit.reserve.min(99));
    }

    /// Takes in what another window of the same budget has used.
    pub(super) fn absorb(&mut self, other: Self) {
        self.max = self.max.min(other.max);
        self.reserve = self.reserve.max(other.reserve);
        self.in_flight += other.in_flight;
        self.n_spent += other.n_spent;
        for (until, units) in other.spent {
            *self.spent.entry(until).or_default() += units;
        }
        self.elsewhere = self.elsewhere.max(other.elsewhere);
        self.elsewhere_until = self.elsewhere_until.max(other.elsewhere_until);
        self.held_until = self.held_until.max(other.held_until);
    }

    /// Whether so many units can be taken; polls leave the reserve.
    pub(super) fn room(&mut self, now: Moment, units: u64, is_poll: bool) -> Room {
        self.forget(now);
        if self.held_until > now {
            return Room::At(self.held_until);
        }
        let for_all = match is_poll && !planted("polls take the reserve") {
            true => self.max - self.max * self.reserve / 100,
            false => self.max,
        };
        // What is dearer than the whole budget goes when nothing else does.
        let most = for_all.max(units.min(self.max));
        let units = units.min(most);
        let mut used = self.used();
        if used + units <= most {
            return Room::Now;
        }
        let elsewhere = (self.elsewhere > 0).then_some((self.elsewhere_until, self.elsewhere));
        let mut frees: Vec<(Moment, u64)> =
            self.spent.iter().map(|(until, units)| (*until, *units)).chain(elsewhere).collect();
        frees.sort_unstable();
        for (until, freed) in frees {
            used -= freed;
            if used + units <= most {
                return Room::At(until);
            }
        }
        Room::Later
    }

    /// Takes units, whether or not there is room.
    pub(super) fn take(&mut self, units: u64) {
        self.in_flight += units;
    }

    /// Of the units that were taken so many were not needed.
    pub(super) fn give_back(&mut self, units: u64) {
        self.in_flight = self.in_flight.saturating_sub(units);
    }

    /// Of the units that were taken so many were sent, and are answered.
    pub(super) fn answered(&mut self, now: Moment, sent: u64) {
        self.in_flight = self.in_flight.saturating_sub(sent);
        if sent == 0 || planted("what was spent is forgotten") {
            return;
        }
        // Moments are cut to whole milliseconds: one more, or a unit could count for less than its length.
        let until = now + self.per + 1;
        let part = (self.per / PARTS).max(1);
        *self.spent.entry(until.div_ceil(part) * part).or_default() += sent;
        self.n_spent += sent;
    }

    /// What an answer said. It can show that others use the budget too, never that we used less than we did.
    pub(super) fn observe(&mut self, now: Moment, observed: Observed) {
        self.forget(now);
        let Some(remaining) = observed.remaining else { return };
        let ours = self.max.saturating_sub(self.in_flight + self.n_spent);
        self.elsewhere = ours.saturating_sub(remaining);
        let believed = observed.reset_in.map_or(self.per, millis).min(self.per).min(BELIEVED);
        self.elsewhere_until = now + believed + 1;
    }

    /// Nothing is taken until then.
    pub(super) fn hold(&mut self, until: Moment) {
        self.held_until = self.held_until.max(until);
    }

    fn used(&self) -> u64 {
        self.in_flight + self.n_spent + self.elsewhere
    }

    fn forget(&mut self, now: Moment) {
        while let Some(first) = self.spent.first_entry().filter(|first| *first.key() <= now) {
            self.n_spent -= first.remove();
        }
        if self.elsewhere_until <= now {
            self.elsewhere = 0;
        }
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use sdk::LimitScope;

    use super::*;

    fn window(max: u64, seconds: u64, reserve: u64) -> Window {
        let per = Duration::from_secs(seconds);
        Window::new(&Limit { name: "limit".to_owned(), scope: LimitScope::Account, max, per, reserve })
    }

    #[test]
    fn a_unit_counts_until_a_whole_length_after_its_answer() {
        let mut window = window(2, 1, 0);
        window.take(2);
        assert_eq!(window.room(50, 1, false), Room::Later);
        window.answered(100, 1);
        window.answered(300, 1);
        assert_eq!(window.room(300, 1, false), Room::At(1_101));
        assert_eq!(window.room(300, 2, false), Room::At(1_301));
        assert_eq!(window.room(1_101, 1, false), Room::Now);
        assert_eq!(window.room(1_101, 9, false), Room::At(1_301), "dearer than the budget goes when nothing else does");
        assert_eq!(window.room(1_301, 9, false), Room::Now);
    }

    #[test]
    fn what_was_not_sent_is_there_again_at_once() {
        let mut window = window(2, 1, 0);
        window.take(2);
        window.give_back(1);
        window.answered(0, 1);
        assert_eq!((window.room(0, 1, false), window.room(0, 2, false)), (Room::Now, Room::At(1_001)));
    }

    #[test]
    fn polls_leave_the_reserve() {
        let mut window = window(10, 86_400, 20);
        window.take(8);
        window.answered(0, 8);
        assert_eq!(window.room(0, 1, false), Room::Now);
        // A day is kept in parts of a little more than a minute.
        assert_eq!(window.room(0, 1, true), Room::At(86_486_400));
    }

    #[test]
    fn an_answer_shows_what_others_use_and_never_that_we_used_less() {
        let says = |remaining| Observed { remaining: Some(remaining), reset_in: None };
        let mut window = window(10, 10, 0);
        window.take(4);
        window.answered(0, 4);
        window.observe(0, says(9));
        assert_eq!((window.room(0, 6, false), window.room(0, 7, false)), (Room::Now, Room::At(10_010)));
        window.observe(1_000, says(1));
        assert_eq!((window.room(1_000, 1, false), window.room(1_000, 2, false)), (Room::Now, Room::At(10_010)));
        window.observe(2_000, says(6));
        assert_eq!(window.room(2_000, 6, false), Room::Now, "the others' day has ended");
        let soon = Observed { remaining: Some(0), reset_in: Some(Duration::from_secs(1)) };
        window.observe(2_000, soon);
        assert_eq!(window.room(2_000, 6, false), Room::At(3_001));
    }
}
