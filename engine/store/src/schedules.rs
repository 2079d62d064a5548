//! Flows that go by the clock: their next time, the walk under way, and the transactions that move them.

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};
use sdk::{FlowId, IdOrder, RecordId, Timestamp, Version, faults};

use crate::core::Op;
use crate::cursors::check_epoch;
use crate::error::Result;
use crate::words::{OrderColumn, TimeColumn, time};
use crate::{NewRun, flows, runs};

/// What a flow's file says of its times. A flow whose words change counts anew; one that walks another object drops the
/// walk under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// The flow.
    pub flow: FlowId,
    /// Its times in words, from which the next one was computed.
    pub times: String,
    /// The object that it walks, where it walks one.
    pub source: Option<String>,
}

/// How a flow's times stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    /// When it starts next; `None` where it has no next time.
    pub next_due: Option<Timestamp>,
    /// The last time that was acted on.
    pub last_fired: Option<Timestamp>,
    /// The walk under way.
    pub walk: Option<WalkPoint>,
    /// Counts since its beginning.
    pub tally: ScheduleTally,
}

/// How far a walk has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkPoint {
    /// The time that began it; the version of every run that it makes.
    pub at: Timestamp,
    /// The last id it has read; `None` at its beginning.
    pub after: Option<RecordId>,
    /// In which order that is the last one; `None` at its beginning.
    pub order: Option<IdOrder>,
}

/// Counts of a flow's times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScheduleTally {
    /// Runs that its times started, where it walks nothing.
    pub started: u64,
    /// Records that its walks read.
    pub records: u64,
    /// Of those, refused by `filter` or `where`.
    pub filtered: u64,
}

/// A time that has come.
#[derive(Clone, Debug)]
pub struct Firing {
    /// Whose.
    pub flow: FlowId,
    /// The owner's epoch; a firing of an older one is refused.
    pub epoch: i64,
    /// The next time as its owner knows it. Where the store knows another, nothing happens.
    pub due: Option<Timestamp>,
    /// The time that is acted on: `due`, or the last of several that were missed.
    pub at: Timestamp,
    /// What it starts.
    pub starts: Starts,
    /// The next time afterwards.
    pub next_due: Option<Timestamp>,
    /// This machine's time.
    pub now: Timestamp,
}

/// What a time starts.
#[derive(Clone, Debug)]
pub enum Starts {
    /// One run.
    Run(NewRun),
    /// A walk, unless one is under way: then nothing happens at all.
    Walk,
    /// Nothing: it was missed and is left out.
    Nothing,
}

/// One page of a walk, committed at once: the runs it caused and the point it reached.
#[derive(Clone, Debug)]
pub struct WalkPage {
    /// Whose.
    pub flow: FlowId,
    /// The owner's epoch; a page of an older one is refused.
    pub epoch: i64,
    /// Which walk, and where the page began. Where the store knows another point, nothing happens.
    pub from: WalkPoint,
    /// Where the walk goes on; `None` at its end.
    pub next: Option<RecordId>,
    /// In which order ids rose on the page.
    pub order: IdOrder,
    /// The runs of its records.
    pub runs: Vec<NewRun>,
    /// Records refused by `filter` or `where`.
    pub n_filtered: u64,
    /// This machine's time.
    pub now: Timestamp,
}

/// What a firing or a page did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Runs stored by it.
    pub runs: u64,
    /// How the flow's times stand now.
    pub row: ScheduleRow,
}

const COLUMNS: &str = "next_due, last_fired, walk_at, walk_after, walk_order, started, records, filtered";

pub(crate) fn start(
    connection: &Connection,
    timetable: &Timetable,
    next_due: Option<Timestamp>,
) -> Result<ScheduleRow> {
    let flow = flows::ensure(connection, &timetable.flow)?;
    connection
        .prepare_cached(
            "INSERT INTO schedule (flow, times, source, next_due) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (flow) DO UPDATE SET
                 next_due = CASE WHEN times = excluded.times THEN next_due ELSE excluded.next_due END,
                 walk_at = CASE WHEN source IS excluded.source THEN walk_at END,
                 walk_after = CASE WHEN source IS excluded.source THEN walk_after END,
                 walk_order = CASE WHEN source IS excluded.source THEN walk_order END,
                 times = excluded.times, source = excluded.source",
        )?
        .execute((flow, &timetable.times, &timetable.source, next_due.map(TimeColumn)))?;
    row(connection, flow)
}

pub(crate) fn fire(connection: &Connection, firing: &Firing) -> Result<Fired> {
    check_epoch(connection, firing.epoch)?;
    let flow = flows::ensure(connection, &firing.flow)?;
    let known = row(connection, flow)?;
    let is_walk = matches!(firing.starts, Starts::Walk);
    if known.next_due != firing.due || (is_walk && known.walk.is_some()) {
        return Ok(Fired { runs: 0, row: known });
    }
    let mut n_runs: i64 = 0;
    match &firing.starts {
        Starts::Run(run) => {
            // A clock that was set back may come to the same time again.
            if runs::insert(connection, flow, run, &version(firing.at), "", firing.now)? {
                n_runs = 1;
            }
        }
        Starts::Walk => {
            connection
                .prepare_cached(
                    "UPDATE schedule SET walk_at = ?2, walk_after = NULL, walk_order = NULL WHERE flow = ?1",
                )?
                .execute((flow, TimeColumn(firing.at)))?;
        }
        Starts::Nothing => {}
    }
    move_on(connection, flow, firing)?;
    connection.prepare_cached("UPDATE schedule SET started = started + ?2 WHERE flow = ?1")?.execute((flow, n_runs))?;
    Ok(Fired { runs: n_runs.cast_unsigned(), row: row(connection, flow)? })
}

pub(crate) fn walk_page(connection: &Connection, page: &WalkPage) -> Result<Fired> {
    check_epoch(connection, page.epoch)?;
    let flow = flows::ensure(connection, &page.flow)?;
    let known = row(connection, flow)?;
    if known.walk.as_ref() != Some(&page.from) {
        return Ok(Fired { runs: 0, row: known });
    }
    let mut n_runs: i64 = 0;
    for run in &page.runs {
        n_runs += i64::from(runs::insert(connection, flow, run, &version(page.from.at), "", page.now)?);
    }
    resume_after(connection, flow, page)?;
    connection
        .prepare_cached("UPDATE schedule SET records = records + ?2, filtered = filtered + ?3 WHERE flow = ?1")?
        .execute((flow, n_runs + page.n_filtered.cast_signed(), page.n_filtered.cast_signed()))?;
    Ok(Fired { runs: n_runs.cast_unsigned(), row: row(connection, flow)? })
}

pub(crate) fn of_flow(connection: &Connection, flow: &FlowId) -> Result<Option<ScheduleRow>> {
    let Some(number) = flows::number(connection, flow)? else { return Ok(None) };
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM schedule WHERE flow = ?1"))?;
    Ok(select.query_row([number], read).optional()?)
}

/// What a test plants: a part of the transaction in one of its own, before the whole. A crash between the two then
/// loses a start or a page of records, and the simulation has to see it.
pub(crate) fn commit_planted_half(connection: &mut Connection, ops: &[Op]) -> Result<()> {
    let time_first = faults::planted("the next time before its run");
    let point_first = faults::planted("a walk's point before its runs");
    if !time_first && !point_first {
        return Ok(());
    }
    for op in ops {
        if let Op::Fire(firing) = op
            && time_first
        {
            alone(connection, |transaction| move_on(transaction, flows::ensure(transaction, &firing.flow)?, firing))?;
            // Nothing crashed; else the whole would find that it has happened.
            connection.execute(
                "UPDATE schedule SET next_due = ?2 WHERE flow = (SELECT number FROM flow WHERE name = ?1)",
                (firing.flow.as_str(), firing.due.map(TimeColumn)),
            )?;
        }
        if let Op::WalkPage(page) = op
            && point_first
        {
            alone(connection, |transaction| resume_after(transaction, flows::ensure(transaction, &page.flow)?, page))?;
            connection.execute(
                "UPDATE schedule SET walk_at = ?2, walk_after = ?3, walk_order = ?4
                 WHERE flow = (SELECT number FROM flow WHERE name = ?1)",
                (
                    page.flow.as_str(),
                    TimeColumn(page.from.at),
                    page.from.after.as_ref().map(RecordId::as_str),
                    page.from.order.map(OrderColumn),
                ),
            )?;
        }
    }
    Ok(())
}

fn alone(connection: &mut Connection, half: impl FnOnce(&Connection) -> Result<()>) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    half(&transaction)?;
    faults::point("store.commit.before");
    transaction.commit()?;
    faults::point("store.commit.after");
    Ok(())
}

fn move_on(connection: &Connection, flow: i64, firing: &Firing) -> Result<()> {
    connection.prepare_cached("UPDATE schedule SET next_due = ?2, last_fired = ?3 WHERE flow = ?1")?.execute((
        flow,
        firing.next_due.map(TimeColumn),
        TimeColumn(firing.at),
    ))?;
    Ok(())
}

fn resume_after(connection: &Connection, flow: i64, page: &WalkPage) -> Result<()> {
    let mut update = connection
        .prepare_cached("UPDATE schedule SET walk_at = ?2, walk_after = ?3, walk_order = ?4 WHERE flow = ?1")?;
    let next = page.next.as_ref();
    update.execute((
        flow,
        next.map(|_| TimeColumn(page.from.at)),
        next.map(RecordId::as_str),
        next.map(|_| OrderColumn(page.order)),
    ))?;
    Ok(())
}

/// A time is a version of its own: one run for each record, or for none, at each time.
fn version(at: Timestamp) -> Version {
    Version { stamp: at, hash: 0 }
}

fn row(connection: &Connection, flow: i64) -> Result<ScheduleRow> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM schedule WHERE flow = ?1"))?;
    let found = select.query_row([flow], read).optional()?;
    found.ok_or_else(|| crate::Error::corrupt("a flow that goes by the clock has no times".to_owned()))
}

fn read(row: &Row<'_>) -> rusqlite::Result<ScheduleRow> {
    let at = |index: usize| row.get::<_, Option<TimeColumn>>(index).map(time);
    let count = |index: usize| row.get::<_, i64>(index).map(i64::cast_unsigned);
    let after = row.get::<_, Option<String>>(3)?.map(RecordId::new);
    let order = row.get::<_, Option<OrderColumn>>(4)?.map(|OrderColumn(order)| order);
    Ok(ScheduleRow {
        next_due: at(0)?,
        last_fired: at(1)?,
        walk: at(2)?.map(|at| WalkPoint { at, after, order }),
        tally: ScheduleTally { started: count(5)?, records: count(6)?, filtered: count(7)? },
    })
}
