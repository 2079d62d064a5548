//! What one evaluation may cost. Rhai forgets the operations that callbacks make, so we count for ourselves, per
//! thread; functions that do much at once add what they do.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::failure::{Failed, refuse};

/// Bytes of an expression's source.
pub(super) const SOURCE: usize = 4 * 1024;
/// Bytes of a text; summed over the texts of a list or map.
pub(super) const TEXT: usize = 64 * 1024;
/// Items of a list, with those of lists inside.
pub(super) const LIST: usize = 2_000;
/// Entries of a map, with those of maps inside.
pub(super) const MAP: usize = 500;
/// Lists and maps within each other.
pub(super) const DEPTH: usize = 32;
/// Operations.
pub(super) const TICKS: u32 = 50_000;

/// Time that an expensive evaluation has; the operations are the limit that is the same on every machine.
const TIME: Duration = Duration::from_millis(50);
/// Below this many operations the clock is not consulted: a cheap expression must not fail because its thread had
/// to wait for a processor.
const CHEAP: u32 = 512;
/// How often the clock is consulted.
const LOOK_EVERY: u32 = 16;
/// Bytes that a function of ours may touch for the price of one operation.
const BYTES_A_TICK: usize = 256;

thread_local! {
    static TICKS_USED: Cell<u32> = const { Cell::new(0) };
    static STARTED: Cell<Option<Instant>> = const { Cell::new(None) };
    static NOTED: RefCell<Option<String>> = const { RefCell::new(None) };
    static ZONE: RefCell<TimeZone> = const { RefCell::new(TimeZone::UTC) };
}

/// Begins an evaluation on this thread.
pub(super) fn begin(zone: &TimeZone) {
    TICKS_USED.set(0);
    STARTED.set(None);
    NOTED.take();
    ZONE.with_borrow_mut(|current| current.clone_from(zone));
}

/// Notes a failure that Rhai would pass over: while it writes values into a text, it takes a failure for a bad name.
pub(super) fn note(sentence: impl Into<String>) {
    NOTED.with_borrow_mut(|noted| {
        noted.get_or_insert_with(|| sentence.into());
    });
}

/// What was noted; an evaluation with a note has failed, whatever it gave.
pub(super) fn noted() -> Option<String> {
    NOTED.take()
}

/// The time zone of the flow whose expression is being evaluated on this thread.
pub(super) fn zone() -> TimeZone {
    ZONE.with_borrow(TimeZone::clone)
}

/// Counts operations; false when the evaluation must end.
pub(super) fn count(ticks: u32) -> bool {
    let goes_on = within_limits(ticks);
    if !goes_on {
        note(TOO_MUCH);
    }
    goes_on
}

#[expect(clippy::disallowed_methods, reason = "a limit on real work, which no simulation can own; values never see it")]
fn within_limits(ticks: u32) -> bool {
    let before = TICKS_USED.get();
    let now = before.saturating_add(ticks);
    TICKS_USED.set(now);
    if now > TICKS {
        return false;
    }
    match STARTED.get() {
        None => STARTED.set(Some(Instant::now())),
        Some(started) if now >= CHEAP && now / LOOK_EVERY != before / LOOK_EVERY => return started.elapsed() <= TIME,
        Some(_) => {}
    }
    true
}

/// Pays for touching so many bytes.
pub(super) fn pay(bytes: usize) -> Result<(), Failed> {
    if count(u32::try_from(bytes / BYTES_A_TICK).unwrap_or(u32::MAX)) { Ok(()) } else { Err(refuse(TOO_MUCH)) }
}

/// What an author reads when an evaluation was ended.
pub(super) const TOO_MUCH: &str =
    "this takes too many operations; do less per record, for example with a shorter list or in several steps";
