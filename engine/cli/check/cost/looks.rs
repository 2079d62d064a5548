//! What a flow asks by itself: its looks for records, and the runs that its times make.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flow::{Every, Flow, On, Poll, Schedule, Times, Walk};
use runtime::poller::PollOptions;
use sdk::{Ask, Connection, ConnectionName, PollQuery, PollRequest, StampKind, Timestamp, WalkRequest};

use super::amount::{Asked, Range};

const DAY: f64 = 86_400.0;
/// Times of a schedule are counted over so many days, in which every weekday and the end of a month come.
const DAYS: i32 = 35;
/// So many of them are enough to know how many there are in a day.
const MOST_TIMES: usize = 20_000;

/// Everything that is asked in a day without a record, and how often the flow starts.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// What is asked, a day.
    pub asked: Asked,
    /// Starts by the clock in a day; none for polls and for what waits to be asked.
    pub starts: Option<f64>,
    /// What else is to be known of them.
    pub notes: Vec<String>,
}

/// The looks of a poll in a day, where so many records match in it.
pub fn of_poll(poll: &Poll, connection: Option<&Arc<dyn Connection>>, records: Option<f64>) -> Looks {
    let Some(open) = connection else { return Looks::default() };
    let stamp = match (&poll.by, poll.on) {
        (Some(field), On::New | On::NewOrUpdated) => StampKind::Field(field.clone()),
        (None, On::New) => StampKind::Created,
        (None, On::NewOrUpdated) => StampKind::Modified,
        (_, On::Archived) => StampKind::Archived,
    };
    let is_compared = open.is_compared(&poll.target.object, &stamp);
    let request = PollRequest {
        object: poll.target.object.clone(),
        stamp,
        fields: poll.fields.clone(),
        filter: poll.filter.clone(),
        query: PollQuery::From(Timestamp::EPOCH),
        limit: open.page_size(),
    };
    let page = Range::from(open.expected(&Ask::Poll(&request)));
    let more = match is_compared {
        // How many there are to compare, nobody has told.
        true => 0.0,
        false => further_pages(poll.every, records.unwrap_or(0.0), open.page_size()),
    };
    let looks = page.times(per_day(poll.every.max) + more, per_day(poll.every.min) + more);
    let mut notes = Vec::new();
    if poll.on == On::Archived {
        notes.push(format!("each look may read all of {} that is archived, a request for each page", poll.target));
    }
    if is_compared {
        let target = &poll.target;
        notes.push(format!("each look reads all of {target} to compare it, a request for each page; one is counted"));
    }
    Looks { asked: Asked::of(&poll.target.connection, looks), starts: None, notes }
}

/// The starts of a schedule in a day, and the pages that they walk, where so many records match in it.
pub fn of_schedule(
    flow: &Flow,
    schedule: &Schedule,
    connections: &BTreeMap<ConnectionName, Arc<dyn Connection>>,
    records: Option<f64>,
    from: Timestamp,
) -> Looks {
    let starts = starts_per_day(flow, schedule, from);
    let mut looks = Looks { starts: Some(starts), ..Looks::default() };
    let Some(walk) = &schedule.walk else { return looks };
    let Some(open) = connections.get(&walk.target.connection) else { return looks };
    let page = Range::from(open.expected(&Ask::Walk(&walk_request(walk, &**open))));
    let size = as_float(open.page_size());
    let pages = match records.filter(|_| starts > 0.0) {
        // A page that is full does not say that it was the last.
        Some(records) => (records / starts / size).floor() + 1.0,
        None => {
            looks.notes.push(format!("a walk takes one request more for each {size} of {}", walk.target));
            1.0
        }
    };
    looks.asked = Asked::of(&walk.target.connection, page.times(starts * pages, starts * pages));
    looks
}

fn walk_request(walk: &Walk, open: &dyn Connection) -> WalkRequest {
    WalkRequest {
        object: walk.target.object.clone(),
        fields: walk.fields.clone(),
        filter: walk.filter.clone(),
        after: None,
        limit: open.page_size(),
    }
}

/// Pages beyond the first of each look in a day, where records come evenly: a look reads back a little, every few
/// minutes further, and once a day over the whole day.
fn further_pages(every: Every, records: f64, page_size: usize) -> f64 {
    let PollOptions { overlap, allowance, wide_every, sweep_every, .. } = PollOptions::default();
    let seconds = |duration: Duration| duration.as_secs_f64();
    let between = seconds(every.min);
    let pages = |back: f64| (records * back / DAY / as_float(page_size)).floor();
    let wide_between = seconds(wide_every).max(between);
    let wide = (DAY / wide_between).floor();
    let quick = (per_day(every.min) - wide).max(0.0);
    let sweeps = DAY / seconds(sweep_every).max(between);
    quick * pages(seconds(overlap) + between)
        + wide * pages(seconds(allowance) + wide_between)
        + sweeps * pages(seconds(sweep_every))
}

/// How often a day holds an interval.
fn per_day(every: Duration) -> f64 {
    DAY / every.as_secs_f64().max(0.001)
}

/// Starts in a day, on average over the days to come.
fn starts_per_day(flow: &Flow, schedule: &Schedule, from: Timestamp) -> f64 {
    if let Times::Every(every) = &schedule.times {
        return per_day(*every);
    }
    let until = from + Duration::from_secs(24 * 3600) * DAYS.unsigned_abs();
    let (mut at, mut n) = (from, 0usize);
    while let Some(next) = schedule.times.next_after(at, &flow.timezone).filter(|next| *next <= until) {
        (at, n) = (next, n + 1);
        if n >= MOST_TIMES {
            return as_float(n) * DAY / at.since(from).as_secs_f64();
        }
    }
    as_float(n) / f64::from(DAYS)
}

#[expect(clippy::cast_precision_loss, reason = "pages and times are few")]
fn as_float(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_and_their_further_pages_follow_from_interval_and_records() {
        let every = Every::fixed(Duration::from_secs(15));
        assert_eq!(per_day(every.min), 5_760.0);
        assert_eq!(further_pages(every, 0.0, 200), 0.0);
        // Only the sweep of the whole day fills pages.
        assert_eq!(further_pages(every, 10_000.0, 200), 50.0);
        // Each wide look reads back twenty minutes: 200,000 records a day are 2,777 of them.
        assert_eq!(further_pages(every, 200_000.0, 200), 144.0 * 13.0 + 1_000.0 + 5_616.0);
    }
}
