//! Sources whose records nothing stamps: every pass reads all of them, and what is new is told by comparing.
//!
//! The moment of a pass stands in for the stamp that the records lack. It is fixed when the pass begins and kept with
//! it, so that a page read again after a crash is of the same version, and it rises from pass to pass whatever clocks
//! do: a record that changes and changes back has three versions, in their order. Nothing that was seen is forgotten,
//! for nothing else tells whether a record was there before.

use std::time::Duration;

use flow::{Flow, On, Poll, Start};
use sdk::faults::planted;
use sdk::{Class, Error, PollQuery, Record, Timestamp};
use store::{Cursor, Pass, PassKind, SourceKey};

use super::page;

#[cfg(test)]
mod tests;

/// The least by which the moments of two passes differ.
const APART: Duration = Duration::from_millis(1);

/// The key of a source that is compared. It is never that of one read by stamps, which remembers less, and `on: new`
/// remembers less than `on: new_or_updated`.
pub fn source_key(flow: &Flow, poll: &Poll) -> SourceKey {
    let by = match poll.on {
        On::New | On::Archived => "id",
        On::NewOrUpdated => "content",
    };
    SourceKey { flow: flow.id.clone(), source: format!("{}.{} by {by}", poll.target.connection, poll.target.object) }
}

/// Where a flow begins that has read nothing yet.
pub fn begin(poll: &Poll, now: Timestamp) -> Result<Cursor, Error> {
    let floor = match poll.start {
        Start::Now => now,
        Start::Beginning => Timestamp::EPOCH,
        Start::At(moment) => {
            let message = format!(
                "nothing stamps the records of `{}`, so `start: {moment}` says nothing of them; write `now` or `beginning`",
                poll.target
            );
            return Err(Error::new(Class::Invalid, message));
        }
    };
    Ok(Cursor {
        floor,
        watermark: Timestamp::EPOCH,
        wide_at: now,
        swept_at: now,
        overlap: Duration::ZERO,
        allowance: Duration::ZERO,
        pass: None,
    })
}

/// A pass from the lowest id to the end.
pub fn pass(cursor: &Cursor, now: Timestamp) -> Pass {
    let at = moment(cursor, now);
    let resume = PollQuery::Drain { at, after: None };
    Pass { started_at: at, kind: PassKind::Whole, resume, order: None, newest: None }
}

/// The moment of the pass to come. Where a flow starts now, that of its first one is before the start: all that it
/// finds was there already.
fn moment(cursor: &Cursor, now: Timestamp) -> Timestamp {
    let before_start = cursor.floor - APART;
    if cursor.watermark < before_start {
        before_start
    } else if planted("the moment of a snapshot by the clock alone") {
        now
    } else {
        now.max(cursor.watermark + APART)
    }
}

/// Where the page after this one begins; `None` at the list's end, behind which no later stamp stands.
pub fn next(query: &PollQuery, rows: &[Record], limit: usize) -> Option<PollQuery> {
    if planted("a snapshot ends with its first page") {
        return None;
    }
    page::next(query, rows, limit).filter(|next| matches!(next, PollQuery::Drain { .. }))
}

/// The version of a record that somebody reads beside the polls: no older than what they read, no newer than what they
/// will.
pub fn newest_moment(cursor: Option<&Cursor>) -> Timestamp {
    let of_cursor = |cursor: &Cursor| cursor.pass.as_ref().map_or(cursor.watermark, |pass| pass.started_at);
    cursor.map_or(Timestamp::EPOCH, of_cursor)
}
