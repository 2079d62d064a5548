//! Retention: bodies go first, then runs, then the ledger's rows; always the oldest, a few at a time.

use rusqlite::Connection;
use sdk::Timestamp;

use crate::error::Result;
use crate::words::{IdColumn, TimeColumn};

/// Pages given back to the file system after each step, at most.
const FREED_PAGES: i64 = 2000;

/// Runs whose bodies may go. Those without one are not read again and again. What a run returned to its caller goes
/// after the caller's own body: until then the caller may come to ask for it.
pub(crate) const WITH_BODY: &str = "SELECT id FROM run
    WHERE has_body = 1 AND (state NOT IN ('failed', 'unknown') OR dismissed_at IS NOT NULL) AND ended_at < ?1
      AND NOT EXISTS (SELECT 1 FROM run AS caller WHERE caller.id = run.caller AND caller.has_body = 1)
    ORDER BY ended_at LIMIT ?2";

/// What may go. A run that has not ended, and a failure that nobody has dismissed, keeps its body until the
/// run itself may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bodies and journals of runs that ended well before this.
    pub bodies_before: Timestamp,
    /// Runs that ended before this.
    pub runs_before: Timestamp,
    /// Writes that were settled before this, and wait for nobody.
    pub effects_before: Timestamp,
    /// At most this many of each in one transaction.
    pub limit: usize,
}

/// How much went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Bodies.
    pub bodies: u64,
    /// Runs.
    pub runs: u64,
    /// Rows of the ledger.
    pub effects: u64,
}

pub(crate) fn prune(connection: &Connection, retention: &Retention) -> Result<Pruned> {
    let limit = i64::try_from(retention.limit).unwrap_or(i64::MAX);
    let bodies = prune_bodies(connection, retention.bodies_before, limit)?;
    let runs = connection
        .prepare_cached(
            "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2)",
        )?
        .execute((TimeColumn(retention.runs_before), limit))?;
    let effects = connection
        .prepare_cached(
            "DELETE FROM effect WHERE number IN (
                 SELECT number FROM effect WHERE settled_at < ?1 AND state NOT IN ('planned', 'sent', 'unknown')
                 ORDER BY settled_at LIMIT ?2)",
        )?
        .execute((TimeColumn(retention.effects_before), limit))?;
    // One step gives back one page, so the statement is walked to its end.
    connection.pragma(None, "incremental_vacuum", FREED_PAGES, |_| Ok(()))?;
    Ok(Pruned { bodies, runs: runs as u64, effects: effects as u64 })
}

/// Bytes in use.
pub(crate) fn size(connection: &Connection) -> Result<u64> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok((pages * number("page_size")?).cast_unsigned())
}

fn prune_bodies(connection: &Connection, before: Timestamp, limit: i64) -> Result<u64> {
    let mut select = connection.prepare_cached(WITH_BODY)?;
    let ids = select.query_map((TimeColumn(before), limit), |row| row.get(0))?;
    let ids: Vec<IdColumn> = ids.collect::<rusqlite::Result<_>>()?;
    for id in &ids {
        connection.prepare_cached("DELETE FROM journal WHERE run = ?1")?.execute([id])?;
        connection.prepare_cached("DELETE FROM run_log WHERE run = ?1")?.execute([id])?;
        connection.prepare_cached("DELETE FROM payload WHERE run = ?1")?.execute([id])?;
        connection.prepare_cached("UPDATE run SET has_body = 0 WHERE id = ?1")?.execute([id])?;
    }
    Ok(ids.len() as u64)
}
