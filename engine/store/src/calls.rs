//! Runs that other runs called: stored under their caller, which is woken when they end.

use rusqlite::{Connection, OptionalExtension as _};
use sdk::{FlowId, RunId, Timestamp, Value, Version};

use crate::words::{HashColumn, IdColumn, TimeColumn};
use crate::{Error, Failure, NewRun, RunState, cancelling, error::Result, flows, payload, runs};

/// A run that another run asks for.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks.
    pub caller: RunId,
    /// The flow that is called.
    pub flow: FlowId,
    /// The run, unless the same call stored one before.
    pub run: NewRun,
    /// The version of the caller's record.
    pub version: Version,
    /// What tells the call from others of the same record: the same for every attempt and version.
    pub nonce: String,
    /// This machine's time.
    pub now: Timestamp,
}

/// How a call stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Called {
    /// It was stored by this call.
    New(RunId),
    /// Nothing was stored: the caller was asked to stop.
    CallerStops,
    /// It was stored before, and is not at its end.
    UnderWay(RunId),
    /// It has ended.
    Ended {
        /// The run.
        run: RunId,
        /// How it ended.
        state: RunState,
        /// What it returned, where it succeeded and returned something.
        outcome: Option<Value>,
        /// Why it gave up, where it did.
        failure: Option<Failure>,
        /// Why it was skipped or cancelled, where it was.
        reason: Option<String>,
    },
}

/// Whether a run that this one called has ended since it was claimed.
pub(crate) const WAS_ANSWERED: &str = "SELECT EXISTS (SELECT 1 FROM run AS called
    WHERE called.caller = ?1 AND called.ended_at IS NOT NULL
      AND called.ending > (SELECT ending FROM run WHERE id = ?1))";

pub(crate) fn call(connection: &Connection, call: &Call) -> Result<Called> {
    // What it called before was asked to stop with it; this one would go on.
    if cancelling::wish(connection, call.caller)?.is_some() {
        return Ok(Called::CallerStops);
    }
    let flow = flows::ensure(connection, &call.flow)?;
    if runs::insert(connection, flow, &call.run, &call.version, &call.nonce, call.now)? {
        connection
            .prepare_cached("UPDATE run SET caller = ?2 WHERE id = ?1")?
            .execute((IdColumn(call.run.id), IdColumn(call.caller)))?;
        connection.prepare_cached("UPDATE flow SET asked = asked + 1 WHERE number = ?1")?.execute([flow])?;
        return Ok(Called::New(call.run.id));
    }
    let mut select = connection.prepare_cached(
        "SELECT id, state, reason, failure_step, failure_class, failure_message, failure_attempt, payload.outcome
         FROM run LEFT JOIN payload ON payload.run = run.id
         WHERE run.record = ?1 AND flow = ?2 AND stamp = ?3 AND hash = ?4 AND nonce = ?5",
    )?;
    let key =
        (call.run.record.id.as_str(), flow, TimeColumn(call.version.stamp), HashColumn(call.version.hash), &call.nonce);
    let (run, state, reason, failure, outcome) = select.query_row(key, |row| {
        let IdColumn(run) = row.get(0)?;
        let outcome: Option<Vec<u8>> = row.get(7)?;
        Ok((run, row.get::<_, RunState>(1)?, row.get(2)?, runs::read_failure(row, 3)?, outcome))
    })?;
    match state {
        RunState::Pending | RunState::Running | RunState::Waiting => Ok(Called::UnderWay(run)),
        RunState::Succeeded
        | RunState::Failed
        | RunState::Skipped
        | RunState::Superseded
        | RunState::Unknown
        | RunState::Cancelled => {
            let outcome = outcome.as_deref().map(payload::unpack_value).transpose()?;
            Ok(Called::Ended { run, state, outcome, failure, reason })
        }
    }
}

/// The run that called this one goes on, if it waits.
pub(crate) fn wake_caller(connection: &Connection, run: RunId, now: Timestamp) -> Result<()> {
    // Most runs were called by nobody.
    let Some(caller) = caller_of(connection, run)? else { return Ok(()) };
    connection
        .prepare_cached("UPDATE run SET due_at = min(due_at, ?2) WHERE id = ?1 AND state = 'waiting'")?
        .execute((IdColumn(caller), TimeColumn(now)))?;
    Ok(())
}

/// The run that called this one.
pub(crate) fn caller_of(connection: &Connection, run: RunId) -> Result<Option<RunId>> {
    let mut select = connection.prepare_cached("SELECT caller FROM run WHERE id = ?1")?;
    let caller: Option<Option<IdColumn>> = select.query_row([IdColumn(run)], |row| row.get(0)).optional()?;
    caller.map(|caller| caller.map(|IdColumn(id)| id)).ok_or_else(|| Error::NoRun { id: run.to_string() })
}

/// The runs that this one called, in the order in which it did.
pub(crate) fn called_by(connection: &Connection, run: RunId) -> Result<Vec<RunId>> {
    let mut select = connection.prepare_cached("SELECT id FROM run WHERE caller = ?1 ORDER BY id")?;
    let ids = select.query_map([IdColumn(run)], |row| row.get(0).map(|IdColumn(id)| id))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}
