//! Retention: bodies go first, then runs, then the ledger's rows; always the oldest, a few at a time.

use rusqlite::Connection;
use sdk::Timestamp;

use crate::error::Result;
use crate::words::TimeColumn;

/// Pages given back to the file system after each step, at most.
const FREED_PAGES: i64 = 2000;

/// What may go. A run that has not ended, failed or is unknown keeps its body until the run itself may go.
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
    let delete = |sql: &str, before: Timestamp| -> Result<u64> {
        Ok(connection.prepare_cached(sql)?.execute((TimeColumn(before), limit))? as u64)
    };

    let runs = delete(
        "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2)",
        retention.runs_before,
    )?;
    delete(
        "DELETE FROM journal WHERE run IN (
             SELECT run.id FROM run JOIN payload ON payload.run = run.id
             WHERE ended_at < ?1 AND state NOT IN ('failed', 'unknown') ORDER BY ended_at LIMIT ?2)",
        retention.bodies_before,
    )?;
    let bodies = delete(
        "DELETE FROM payload WHERE run IN (
             SELECT run.id FROM run JOIN payload ON payload.run = run.id
             WHERE ended_at < ?1 AND state NOT IN ('failed', 'unknown') ORDER BY ended_at LIMIT ?2)",
        retention.bodies_before,
    )?;
    let effects = delete(
        "DELETE FROM effect WHERE id IN (
             SELECT id FROM effect WHERE settled_at < ?1 AND state NOT IN ('planned', 'sent', 'unknown')
             ORDER BY settled_at LIMIT ?2)",
        retention.effects_before,
    )?;
    // One step gives back one page, so the statement is walked to its end.
    connection.pragma(None, "incremental_vacuum", FREED_PAGES, |_| Ok(()))?;
    Ok(Pruned { bodies, runs, effects })
}
