//! What one remote account lets us ask: its budgets, and who waits for them.
//!
//! Who waits stands in a lane with those who want the same for the same flow. Whenever there may be room, the flow
//! that got least so far goes first. Whoever cannot go yet keeps what it waits for from those behind it, and nothing
//! else: a write that waits for one budget holds back no poll that needs another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sdk::faults::planted;
use sdk::{ConnectionName, FlowId};
use tokio::sync::oneshot;

use super::window::{Moment, Room, Window};
use super::{Kind, Later, Taken};

/// Of so many requests that go while both wait, one is a poll: writes go first, and polls go on.
const RUNS_PER_POLL: u32 = 7;
/// Who would wait longer than this does not wait here.
const LONG_WAIT: u64 = 30_000;
/// When whoever was sent away may ask again at the latest: what the service says by then may be better news.
const LOOK_AGAIN: u64 = 15 * 60 * 1_000;

/// Which budget of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WindowKey {
    pub(super) limit: String,
    /// The connection or the object whose own it is; empty for the account's.
    pub(super) of: String,
}

/// Those who want the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneKey {
    pub(super) kind: Kind,
    pub(super) flow: FlowId,
    pub(super) connection: ConnectionName,
    /// Whether it takes one of the places for requests in flight.
    pub(super) takes_place: bool,
    pub(super) units: Vec<(WindowKey, u64)>,
}

/// Someone who waits, and is told.
pub(super) type Waiting = oneshot::Sender<Result<Taken, Later>>;

/// One account.
#[derive(Default)]
pub(super) struct Account {
    pub(super) windows: BTreeMap<WindowKey, Window>,
    lanes: BTreeMap<LaneKey, VecDeque<Waiting>>,
    /// The service refused a request, and did not say for which budget.
    held_until: Moment,
    /// How much each flow got while others waited, polls apart.
    served: BTreeMap<(bool, FlowId), u64>,
    n_runs_since_poll: u32,
}

/// What is to be told once nothing is locked any more.
#[derive(Default)]
pub(super) struct Told {
    /// Who may go, and for what.
    pub(super) go: Vec<(LaneKey, Waiting)>,
    /// Who may not for long.
    pub(super) later: Vec<(Later, Waiting)>,
    /// When there may be room for someone, if time alone can make it.
    pub(super) look_at: Option<Moment>,
}

/// How many more requests of runs may be in flight, by connection.
pub(super) type Places = BTreeMap<ConnectionName, usize>;

impl Account {
    /// Lets someone wait.
    pub(super) fn enqueue(&mut self, lane: LaneKey, waiting: Waiting) {
        let is_poll = lane.kind.is_poll();
        if !self.lanes.keys().any(|known| known.flow == lane.flow && known.kind.is_poll() == is_poll) {
            // Who comes anew has no claim on what was not asked for meanwhile.
            let least = self.lanes.keys().filter(|known| known.kind.is_poll() == is_poll);
            let least = least.filter_map(|known| self.served.get(&(is_poll, known.flow.clone()))).min().copied();
            let served = self.served.entry((is_poll, lane.flow.clone())).or_default();
            *served = least.map_or(0, |least| least.max(*served));
        }
        self.lanes.entry(lane).or_default().push_back(waiting);
    }

    /// Nothing is asked of this account until then.
    pub(super) fn hold(&mut self, until: Moment) {
        self.held_until = self.held_until.max(until);
    }

    /// Takes in another account, which turned out to be the same.
    pub(super) fn absorb(&mut self, other: Self) {
        for (key, window) in other.windows {
            match self.windows.get_mut(&key) {
                Some(known) => known.absorb(window),
                None => {
                    self.windows.insert(key, window);
                }
            }
        }
        for (lane, waiting) in other.lanes {
            self.lanes.entry(lane).or_default().extend(waiting);
        }
        self.held_until = self.held_until.max(other.held_until);
    }

    /// Sends everyone away.
    pub(super) fn close(&mut self, told: &mut Told) {
        let everyone = std::mem::take(&mut self.lanes).into_values().flatten();
        told.later.extend(everyone.map(|waiting| (Later::closed(), waiting)));
    }

    /// Lets go whoever may, in order.
    pub(super) fn pump(&mut self, now: Moment, places: &mut Places, told: &mut Told) {
        loop {
            self.lanes.retain(|_, waiting| {
                while waiting.front().is_some_and(Waiting::is_closed) {
                    waiting.pop_front();
                }
                !waiting.is_empty()
            });
            let Some(lane) = self.next(now, places, told) else { return };
            let Some(waiting) = self.lanes.get_mut(&lane).and_then(VecDeque::pop_front) else { return };
            self.go(&lane, places);
            told.go.push((lane, waiting));
        }
    }

    /// Takes what one of a lane wants, whether or not there is room.
    pub(super) fn take(&mut self, lane: &LaneKey) {
        for (key, units) in &lane.units {
            if let Some(window) = self.windows.get_mut(key) {
                window.take(*units);
            }
        }
    }

    fn go(&mut self, lane: &LaneKey, places: &mut Places) {
        self.take(lane);
        if lane.takes_place
            && let Some(places) = places.get_mut(&lane.connection)
        {
            *places = places.saturating_sub(1);
        }
        let is_poll = lane.kind.is_poll();
        self.n_runs_since_poll = if is_poll { 0 } else { self.n_runs_since_poll.saturating_add(1) };
        let units: u64 = lane.units.iter().map(|(_, units)| *units).sum();
        *self.served.entry((is_poll, lane.flow.clone())).or_default() += units.max(1);
    }

    /// The lane whose first may go, if there is one. Lanes that would wait for long are sent away on the way.
    fn next(&mut self, now: Moment, places: &Places, told: &mut Told) -> Option<LaneKey> {
        let polls_first = self.n_runs_since_poll >= RUNS_PER_POLL && !planted("polls wait for every run");
        let mut order: Vec<(bool, u64, &LaneKey)> = self
            .lanes
            .keys()
            .map(|lane| {
                let is_poll = lane.kind.is_poll();
                let served = self.served.get(&(is_poll, lane.flow.clone())).copied().unwrap_or(0);
                let served = if planted("the first flow goes first") { 0 } else { served };
                (is_poll != polls_first, served, lane)
            })
            .collect();
        order.sort();
        let order: Vec<LaneKey> = order.into_iter().map(|(.., lane)| lane.clone()).collect();

        let mut kept = Kept::default();
        let mut look_at: Option<Moment> = None;
        let mut found = None;
        for lane in order {
            let room = self.room(now, &lane, places, &mut kept);
            match room {
                Room::Now => {
                    found = Some(lane);
                    break;
                }
                Room::At(at) if at.saturating_sub(now) > LONG_WAIT => {
                    let wait = (at - now).min(LOOK_AGAIN);
                    let later = Later::after(wait);
                    told.later.extend(self.lanes.remove(&lane).into_iter().flatten().map(|one| (later, one)));
                }
                Room::At(at) => look_at = Some(look_at.map_or(at, |known| known.min(at))),
                Room::Later => {}
            }
        }
        if found.is_none() {
            told.look_at = told.look_at.into_iter().chain(look_at).min();
        }
        found
    }

    /// Whether the first of a lane may go; if not, what it waits for is kept for it.
    fn room(&mut self, now: Moment, lane: &LaneKey, places: &Places, kept: &mut Kept) -> Room {
        if self.held_until > now && !(lane.kind.is_poll() && planted("polls pass a hold")) {
            return Room::At(self.held_until);
        }
        let is_poll = lane.kind.is_poll();
        let mut room = Room::Now;
        let has_place = !lane.takes_place || places.get(&lane.connection).is_none_or(|places| *places > 0);
        if !has_place || (lane.takes_place && kept.places.contains(&lane.connection)) {
            kept.places.insert(lane.connection.clone());
            room = Room::Later;
        }
        let mut full = Vec::new();
        for (key, units) in &lane.units {
            if kept.windows.contains(key) || (is_poll && kept.windows_of_polls.contains(key)) {
                room = later_of(room, Room::Later);
                continue;
            }
            let Some(window) = self.windows.get_mut(key) else { continue };
            let own = window.room(now, *units, is_poll);
            if own != Room::Now {
                // A poll that only the reserve stops keeps nothing from writes.
                let stops_all = !is_poll || window.room(now, *units, false) != Room::Now;
                full.push((key.clone(), stops_all));
                room = later_of(room, own);
            }
        }
        // Who is sent away for long keeps nothing from anyone.
        if !matches!(room, Room::At(at) if at.saturating_sub(now) > LONG_WAIT) {
            for (key, stops_all) in full {
                if stops_all {
                    kept.windows.insert(key)
                } else {
                    kept.windows_of_polls.insert(key)
                };
            }
        }
        room
    }
}

/// What those who wait keep from those behind them.
#[derive(Default)]
struct Kept {
    windows: BTreeSet<WindowKey>,
    windows_of_polls: BTreeSet<WindowKey>,
    places: BTreeSet<ConnectionName>,
}

/// The later of two: a known moment says more than that calls under way must end first.
fn later_of(one: Room, other: Room) -> Room {
    match (one, other) {
        (Room::At(one), Room::At(other)) => Room::At(one.max(other)),
        (Room::At(at), Room::Now | Room::Later) | (Room::Now | Room::Later, Room::At(at)) => Room::At(at),
        (Room::Later, Room::Now | Room::Later) | (Room::Now, Room::Later) => Room::Later,
        (Room::Now, Room::Now) => Room::Now,
    }
}
