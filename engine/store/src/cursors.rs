//! Cursors, seen rows and the checkpoint, in SQL.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};
use sdk::{FlowId, PollQuery, RecordId, Timestamp, Version, faults};

use crate::core::Op;
use crate::error::Result;
use crate::words::{HashColumn, OrderColumn, TimeColumn, time};
use crate::{
    Checkpoint, Checkpointed, Cursor, Error, Freshness, Novelty, Pass, PassKind, SeenRow, SourceKey, SourceRow, Tally,
    flows, runs,
};

/// Seen rows that one checkpoint forgets, at most: the first pass over a large source leaves very many.
const FORGOTTEN_AT_ONCE: i64 = 10_000;

const CURSOR_COLUMNS: &str = "floor, watermark, wide_at, swept_at, overlap, allowance, pass_kind, pass_started_at, \
    pass_newest, resume_kind, resume_at, resume_after, resume_order";
const TALLY_COLUMNS: &str = "polls, records, filtered, before_start, late";

pub(crate) fn cursor(connection: &Connection, key: &SourceKey) -> Result<Option<Cursor>> {
    let Some(source) = source_number(connection, key)? else {
        return Ok(None);
    };
    let mut select = connection.prepare_cached(&format!("SELECT {CURSOR_COLUMNS} FROM source WHERE number = ?1"))?;
    let mut rows = select.query([source])?;
    rows.next()?.map(read_cursor).transpose()
}

pub(crate) fn start(connection: &Connection, key: &SourceKey, cursor: &Cursor) -> Result<Cursor> {
    if let Some(known) = self::cursor(connection, key)? {
        return Ok(known);
    }
    let flow = flows::ensure(connection, &key.flow)?;
    store_cursor(connection, flow, key, cursor)?;
    Ok(cursor.clone())
}

pub(crate) fn fresh(
    connection: &Connection,
    key: &SourceKey,
    projection: u64,
    freshness: Freshness,
    rows: &[(RecordId, Version)],
) -> Result<Vec<Novelty>> {
    let Some(source) = source_number(connection, key)? else {
        return Ok(vec![Novelty::Version; rows.len()]);
    };
    let mut select =
        connection.prepare_cached("SELECT stamp, hash, projection FROM seen WHERE source = ?1 AND record = ?2")?;
    let mut answers = Vec::with_capacity(rows.len());
    for (record, version) in rows {
        let seen = select
            .query_row((source, record.as_str()), |row| {
                let (TimeColumn(stamp), HashColumn(hash), HashColumn(projection)) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok((Version { stamp, hash }, projection))
            })
            .optional()?;
        answers.push(match (seen, freshness) {
            (None, _) => Novelty::Version,
            (Some(_), Freshness::ById) => Novelty::Known,
            (Some((seen, _)), Freshness::ByVersion) if version.stamp > seen.stamp => Novelty::Version,
            (Some((seen, seen_projection)), Freshness::ByVersion) => {
                let has_changed =
                    version.stamp == seen.stamp && projection == seen_projection && version.hash != seen.hash;
                if has_changed { Novelty::Content } else { Novelty::Known }
            }
            (Some((_, seen_projection)), Freshness::ByContent) if projection != seen_projection => Novelty::Projection,
            (Some((seen, _)), Freshness::ByContent) if version.hash != seen.hash => Novelty::Content,
            (Some(_), Freshness::ByContent) => Novelty::Known,
        });
    }
    Ok(answers)
}

pub(crate) fn checkpoint(connection: &Connection, checkpoint: &Checkpoint) -> Result<Checkpointed> {
    check_epoch(connection, checkpoint.epoch)?;
    let flow = flows::ensure(connection, &checkpoint.key.flow)?;
    let source = store_cursor(connection, flow, &checkpoint.key, &checkpoint.cursor)?;
    see(connection, source, checkpoint)?;
    if let Some(before) = checkpoint.forget_before {
        forget(connection, source, before)?;
    }
    add_tally(connection, source, &checkpoint.tally)?;

    let mut done = Checkpointed::default();
    for SeenRow { version, run, .. } in &checkpoint.rows {
        let Some(run) = run else { continue };
        if runs::insert(connection, flow, run, version, "", checkpoint.now)? {
            done.runs += 1;
        } else {
            done.known += 1;
        }
    }
    Ok(done)
}

/// What a test plants: a part of the checkpoint in a transaction of its own, before the whole. A crash between the two
/// then loses records, and the simulation has to see it.
pub(crate) fn commit_planted_half(connection: &mut Connection, ops: &[Op]) -> Result<()> {
    let seen_first = faults::planted("seen in its own transaction");
    let cursor_first = faults::planted("cursor before events");
    if !seen_first && !cursor_first {
        return Ok(());
    }
    for op in ops {
        let Op::Checkpoint(checkpoint) = op else { continue };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let flow = flows::ensure(&transaction, &checkpoint.key.flow)?;
        let source = match source_number(&transaction, &checkpoint.key)? {
            Some(source) if !cursor_first => source,
            _ => store_cursor(&transaction, flow, &checkpoint.key, &checkpoint.cursor)?,
        };
        if seen_first {
            see(&transaction, source, checkpoint)?;
        }
        faults::point("store.commit.before");
        transaction.commit()?;
        faults::point("store.commit.after");
    }
    Ok(())
}

pub(crate) fn tally(connection: &Connection, key: &SourceKey) -> Result<Tally> {
    let Some(source) = source_number(connection, key)? else {
        return Ok(Tally::default());
    };
    let mut select = connection.prepare_cached(&format!("SELECT {TALLY_COLUMNS} FROM source WHERE number = ?1"))?;
    Ok(select.query_row([source], |row| read_tally(row, 0))?)
}

pub(crate) fn of_flow(connection: &Connection, flow: &FlowId) -> Result<Vec<SourceRow>> {
    let Some(number) = flows::number(connection, flow)? else {
        return Ok(Vec::new());
    };
    let mut select = connection.prepare_cached(&format!(
        "SELECT {CURSOR_COLUMNS}, {TALLY_COLUMNS}, name FROM source WHERE flow = ?1 ORDER BY name"
    ))?;
    let mut rows = select.query([number])?;
    let mut sources = Vec::new();
    while let Some(row) = rows.next()? {
        let key = SourceKey { flow: flow.clone(), source: row.get(18)? };
        sources.push(SourceRow { key, cursor: read_cursor(row)?, tally: read_tally(row, 13)? });
    }
    Ok(sources)
}

fn source_number(connection: &Connection, key: &SourceKey) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached(
        "SELECT source.number FROM source JOIN flow ON flow.number = source.flow WHERE flow.name = ?1 AND source.name = ?2",
    )?;
    Ok(select.query_row((key.flow.as_str(), &key.source), |row| row.get(0)).optional()?)
}

pub(crate) fn check_epoch(connection: &Connection, yours: i64) -> Result<()> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE name = 'epoch'")?;
    let current: i64 = select.query_row([], |row| row.get(0))?;
    if yours == current { Ok(()) } else { Err(Error::Fenced { yours, current }) }
}

/// Stores the cursor whether or not the source had one; answers the source's number.
fn store_cursor(connection: &Connection, flow: i64, key: &SourceKey, cursor: &Cursor) -> Result<i64> {
    let pass = cursor.pass.as_ref();
    let (resume_kind, resume_at, resume_after) = match pass.map(|pass| &pass.resume) {
        Some(PollQuery::From(at)) => (Some("from"), Some(*at), None),
        Some(PollQuery::Drain { at, after }) => (Some("drain"), Some(*at), after.as_ref()),
        None => (None, None, None),
    };
    let mut upsert = connection.prepare_cached(
        "INSERT INTO source (flow, name, floor, watermark, wide_at, swept_at, overlap, allowance,
                             pass_kind, pass_started_at, pass_newest, resume_kind, resume_at, resume_after, resume_order)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (flow, name) DO UPDATE SET
             floor = excluded.floor, watermark = excluded.watermark, wide_at = excluded.wide_at,
             swept_at = excluded.swept_at, overlap = excluded.overlap, allowance = excluded.allowance,
             pass_kind = excluded.pass_kind, pass_started_at = excluded.pass_started_at,
             pass_newest = excluded.pass_newest, resume_kind = excluded.resume_kind,
             resume_at = excluded.resume_at, resume_after = excluded.resume_after,
             resume_order = excluded.resume_order
         RETURNING number",
    )?;
    let number = upsert.query_row(
        (
            flow,
            &key.source,
            TimeColumn(cursor.floor),
            TimeColumn(cursor.watermark),
            TimeColumn(cursor.wide_at),
            TimeColumn(cursor.swept_at),
            millis(cursor.overlap),
            millis(cursor.allowance),
            pass.map(|pass| pass_word(pass.kind)),
            pass.map(|pass| TimeColumn(pass.started_at)),
            pass.and_then(|pass| pass.newest).map(TimeColumn),
            resume_kind,
            resume_at.map(TimeColumn),
            resume_after.map(RecordId::as_str),
            pass.and_then(|pass| pass.order).map(OrderColumn),
        ),
        |row| row.get(0),
    )?;
    Ok(number)
}

/// Marks the rows as seen; a row seen with a newer stamp stays.
fn see(connection: &Connection, source: i64, checkpoint: &Checkpoint) -> Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO seen (source, record, stamp, hash, projection) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (source, record) DO UPDATE SET
             stamp = excluded.stamp, hash = excluded.hash, projection = excluded.projection
         WHERE excluded.stamp >= seen.stamp",
    )?;
    for SeenRow { id, version, .. } in &checkpoint.rows {
        upsert.execute((
            source,
            id.as_str(),
            TimeColumn(version.stamp),
            HashColumn(version.hash),
            HashColumn(checkpoint.projection),
        ))?;
    }
    Ok(())
}

fn forget(connection: &Connection, source: i64, before: Timestamp) -> Result<()> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM seen WHERE source = ?1 AND record IN
             (SELECT record FROM seen WHERE source = ?1 AND stamp < ?2 ORDER BY stamp LIMIT ?3)",
    )?;
    delete.execute((source, TimeColumn(before), FORGOTTEN_AT_ONCE))?;
    Ok(())
}

fn add_tally(connection: &Connection, source: i64, tally: &Tally) -> Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE source SET polls = polls + ?2, records = records + ?3, filtered = filtered + ?4,
                           before_start = before_start + ?5, late = late + ?6 WHERE number = ?1",
    )?;
    let Tally { polls, records, filtered, before_start, late } = *tally;
    update.execute((
        source,
        polls.cast_signed(),
        records.cast_signed(),
        filtered.cast_signed(),
        before_start.cast_signed(),
        late.cast_signed(),
    ))?;
    Ok(())
}

fn read_cursor(row: &Row<'_>) -> Result<Cursor> {
    let at = |index: usize| row.get(index).map(|TimeColumn(at)| at);
    let kind: Option<String> = row.get(6)?;
    let pass = match kind {
        None => None,
        Some(kind) => {
            let resume_kind: String = row.get(9)?;
            let resume = match resume_kind.as_str() {
                "from" => PollQuery::From(at(10)?),
                "drain" => {
                    let after: Option<String> = row.get(11)?;
                    PollQuery::Drain { at: at(10)?, after: after.map(RecordId::new) }
                }
                other => return Err(Error::corrupt(format!("a pass resumes in an unknown way, `{other}`"))),
            };
            let order = row.get::<_, Option<OrderColumn>>(12)?.map(|OrderColumn(order)| order);
            Some(Pass { started_at: at(7)?, kind: pass_kind(&kind)?, resume, order, newest: time(row.get(8)?) })
        }
    };
    Ok(Cursor {
        floor: at(0)?,
        watermark: at(1)?,
        wide_at: at(2)?,
        swept_at: at(3)?,
        overlap: Duration::from_millis(row.get::<_, i64>(4)?.cast_unsigned()),
        allowance: Duration::from_millis(row.get::<_, i64>(5)?.cast_unsigned()),
        pass,
    })
}

fn read_tally(row: &Row<'_>, first: usize) -> rusqlite::Result<Tally> {
    let count = |index: usize| row.get::<_, i64>(first + index).map(i64::cast_unsigned);
    Ok(Tally { polls: count(0)?, records: count(1)?, filtered: count(2)?, before_start: count(3)?, late: count(4)? })
}

fn pass_word(kind: PassKind) -> &'static str {
    match kind {
        PassKind::Quick => "quick",
        PassKind::Wide => "wide",
        PassKind::Sweep => "sweep",
        PassKind::Whole => "whole",
    }
}

fn pass_kind(word: &str) -> Result<PassKind> {
    match word {
        "quick" => Ok(PassKind::Quick),
        "wide" => Ok(PassKind::Wide),
        "sweep" => Ok(PassKind::Sweep),
        "whole" => Ok(PassKind::Whole),
        other => Err(Error::corrupt(format!("no kind of pass is called `{other}`"))),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
