//! Runs in SQL: stored, claimed in the order of their record's versions, ended.

use rusqlite::{Connection, OptionalExtension as _, Row};
use sdk::faults::planted;
use sdk::{FlowId, RunId, Timestamp, Version};

use crate::words::{HashColumn, IdColumn, TimeColumn};
use crate::{
    AttemptEnd, ClaimedRun, Ending, Error, Failure, JournalEntry, ManualRun, NewRun, Only, RepairedRun, RunLog,
    RunState, TookOver, error::Result,
};
use crate::{calls, cancelling, flows, ledger, log, payload};

/// The class of a run that failed because its stored body could not be read.
const UNREADABLE: &str = "store";

/// The runs that may begin, the longest due first. A run that is pending with a later due time is in back-off and holds
/// its record's later versions back as one that is at work does. Runs that somebody asked for without a record stand
/// beside each other.
pub(crate) const DUE: &str = "SELECT id FROM run AS candidate
    WHERE flow = ?1 AND state = 'pending' AND due_at <= ?2
      AND (NOT ?4 OR candidate.started_at IS NOT NULL OR candidate.caller IS NOT NULL)
      AND (candidate.record = '' AND candidate.nonce <> '' OR
           NOT EXISTS (SELECT 1 FROM run AS earlier
                       WHERE earlier.flow = candidate.flow AND earlier.record = candidate.record
                         AND earlier.state = 'pending' AND (earlier.stamp, earlier.id) < (candidate.stamp, candidate.id))
           AND NOT EXISTS (SELECT 1 FROM run AS other
                           WHERE other.flow = candidate.flow AND other.record = candidate.record AND other.state = 'running'))
    ORDER BY due_at, id LIMIT ?3";
/// The runs of a flow that have not ended, or those of them that some attempt has begun.
pub(crate) const OPEN: &str =
    "SELECT id FROM run WHERE flow = ?1 AND state = 'pending' AND (NOT ?2 OR started_at IS NOT NULL)
    UNION ALL SELECT id FROM run WHERE flow = ?1 AND state = 'waiting'
    UNION ALL SELECT id FROM run WHERE flow = ?1 AND state = 'running'";
/// The runs whose wait is over.
pub(crate) const WOKEN: &str =
    "SELECT id FROM run WHERE flow = ?1 AND state = 'waiting' AND due_at <= ?2 ORDER BY due_at, id";
/// Whether any run is pending or waiting: by the first entries of two indexes, however many flows there are.
pub(crate) const ANY_OPEN: &str = "SELECT EXISTS (SELECT 1 FROM run WHERE state = 'pending')
    OR EXISTS (SELECT 1 FROM run WHERE state = 'waiting')";
/// When the next run of a flow stops waiting.
pub(crate) const NEXT_WAKE: &str = "SELECT due_at FROM run WHERE state = 'waiting' AND due_at > ?2
    AND flow = (SELECT number FROM flow WHERE name = ?1) ORDER BY due_at LIMIT 1";
/// When the next run of a flow becomes due.
pub(crate) const NEXT_DUE: &str = "SELECT due_at FROM run WHERE state = 'pending' AND due_at > ?2
    AND flow = (SELECT number FROM flow WHERE name = ?1) ORDER BY due_at LIMIT 1";

pub(crate) fn take_over(connection: &Connection, now: Timestamp) -> Result<TookOver> {
    let mut update =
        connection.prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'epoch' RETURNING value")?;
    let epoch = update.query_row([], |row| row.get(0))?;

    let mut select =
        connection.prepare_cached("SELECT id, stop_reason FROM run WHERE state = 'running' ORDER BY id")?;
    let left: Vec<(IdColumn, Option<String>)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut put_back = connection.prepare_cached("UPDATE run SET state = 'pending', due_at = ?2 WHERE id = ?1")?;
    let mut took_over = TookOver { epoch, put_back: 0, stopped: Vec::new() };
    for (id, wish) in left {
        match wish.filter(|_| !planted("a wish to stop is forgotten by a restart")) {
            Some(reason) => {
                let before = RunState::Running;
                if let Some(after) = cancelling::stopped(connection, id.0, &reason, &RunLog::default(), now)? {
                    let flow = flow_of(connection, id.0)?;
                    took_over.stopped.push(RepairedRun { run: id.0, flow, before, after });
                }
            }
            None => {
                put_back.execute((id, TimeColumn(now)))?;
                took_over.put_back += 1;
            }
        }
    }
    Ok(took_over)
}

/// Stores a run and its body; false where the flow has one of this record, version and nonce.
pub(crate) fn insert(
    connection: &Connection,
    flow: i64,
    run: &NewRun,
    version: &Version,
    nonce: &str,
    now: Timestamp,
) -> Result<bool> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO run (id, flow, record, stamp, hash, nonce, state, created_at, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?7)
         ON CONFLICT (record, flow, stamp, hash, nonce) DO NOTHING",
    )?;
    let stored = insert.execute((
        IdColumn(run.id),
        flow,
        run.record.id.as_str(),
        TimeColumn(version.stamp),
        HashColumn(version.hash),
        nonce,
        TimeColumn(now),
    ))?;
    if stored == 0 {
        return Ok(false);
    }
    connection
        .prepare_cached("INSERT INTO payload (run, record) VALUES (?1, ?2)")?
        .execute((IdColumn(run.id), payload::pack_record(&run.record)))?;
    let mut key = connection.prepare_cached("INSERT OR IGNORE INTO run_key (value, name, run) VALUES (?1, ?2, ?3)")?;
    for (name, value) in &run.keys {
        key.execute((value, name, IdColumn(run.id)))?;
    }
    Ok(true)
}

pub(crate) fn insert_manual(connection: &Connection, manual: &ManualRun) -> Result<bool> {
    let flow = flows::ensure(connection, &manual.flow)?;
    let is_new = insert(connection, flow, &manual.run, &manual.version, &manual.nonce, manual.now)?;
    if is_new {
        connection.prepare_cached("UPDATE flow SET asked = asked + 1 WHERE number = ?1")?.execute([flow])?;
    }
    Ok(is_new)
}

pub(crate) fn claim(
    connection: &Connection,
    now: Timestamp,
    wanted: &[(FlowId, usize)],
    only: Only,
) -> Result<Vec<ClaimedRun>> {
    let mut claimed = Vec::new();
    let n_endings = latest_ending(connection)?;
    for (flow, limit) in wanted {
        let Some(number) = flows::number(connection, flow)? else { continue };
        wake(connection, number, now)?;
        for id in due(connection, number, now, *limit, only)? {
            match begin(connection, flow, id, n_endings, now) {
                Ok(run) => claimed.push(run),
                // One body that cannot be read must not keep all others from being worked on.
                Err(Error::Corrupt { detail }) => {
                    let failure =
                        Failure { step: String::new(), class: UNREADABLE.to_owned(), message: detail, attempt: 0 };
                    finish(connection, id, &Ending::Failed(failure), now)?;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(claimed)
}

pub(crate) fn open(connection: &Connection, flow: &FlowId, only: Only) -> Result<Vec<RunId>> {
    let Some(number) = flows::number(connection, flow)? else { return Ok(Vec::new()) };
    let mut select = connection.prepare_cached(OPEN)?;
    let ids = select.query_map((number, only.is_begun()), |row| row.get(0).map(|IdColumn(id)| id))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn any_open(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached(ANY_OPEN)?.query_row([], |row| row.get(0))?)
}

pub(crate) fn next_due(connection: &Connection, now: Timestamp, flows: &[FlowId]) -> Result<Option<Timestamp>> {
    let mut next: Option<Timestamp> = None;
    for question in [NEXT_DUE, NEXT_WAKE] {
        let mut select = connection.prepare_cached(question)?;
        for flow in flows {
            let due = select.query_row((flow.as_str(), TimeColumn(now)), |row| row.get(0)).optional()?;
            if let Some(TimeColumn(due)) = due {
                next = Some(next.map_or(due, |next| next.min(due)));
            }
        }
    }
    Ok(next)
}

pub(crate) fn next_wake(connection: &Connection, flows: &[FlowId]) -> Result<Option<Timestamp>> {
    let mut select = connection.prepare_cached(NEXT_WAKE)?;
    let mut next: Option<Timestamp> = None;
    for flow in flows {
        let due = select.query_row((flow.as_str(), i64::MIN), |row| row.get(0)).optional()?;
        if let Some(TimeColumn(due)) = due {
            next = Some(next.map_or(due, |next| next.min(due)));
        }
    }
    Ok(next)
}

/// Ends an attempt and keeps its log. Answers the state of the run; `None` where it was not at work any more, and
/// nothing changed.
pub(crate) fn end_attempt(
    connection: &Connection,
    run: RunId,
    end: &AttemptEnd,
    log: &RunLog,
    now: Timestamp,
) -> Result<Option<RunState>> {
    let state = match (end, cancelling::wish(connection, run)?) {
        (AttemptEnd::Finished(ending), _) => finish(connection, run, ending, now)?.then(|| ending.state()),
        (AttemptEnd::Stopped, wish) => {
            return cancelling::stopped(connection, run, &wish.unwrap_or_default(), log, now);
        }
        (AttemptEnd::Parked { .. } | AttemptEnd::Waits { .. }, Some(reason)) => {
            return cancelling::stopped(connection, run, &reason, log, now);
        }
        (AttemptEnd::Parked { due_at, failure }, None) => {
            park(connection, run, *due_at, failure)?.then_some(RunState::Pending)
        }
        (AttemptEnd::Waits { due_at }, None) => wait(connection, run, *due_at)?.then_some(RunState::Waiting),
    };
    if state.is_some() {
        log::append(connection, run, log)?;
    }
    Ok(state)
}

fn finish(connection: &Connection, run: RunId, ending: &Ending, now: Timestamp) -> Result<bool> {
    let (failure, reason) = match ending {
        Ending::Succeeded(_) | Ending::Superseded => (None, None),
        Ending::Skipped(reason) => (None, Some(reason)),
        Ending::Failed(failure) | Ending::Unknown(failure) => (Some(failure), None),
    };
    // The last failure of an attempt before the one that succeeded is history, and stays.
    let mut update = connection.prepare_cached(
        "UPDATE run SET state = ?2, ended_at = ?3, ending = ?4, reason = ?5 WHERE id = ?1 AND state IN ('running', 'waiting')",
    )?;
    let ended = update.execute((IdColumn(run), ending.state(), TimeColumn(now), next_ending(connection)?, reason))?;
    if ended == 0 {
        exists(connection, run)?;
        return Ok(false);
    }
    if let Some(failure) = failure {
        keep_failure(connection, run, failure)?;
    }
    if let Ending::Succeeded(Some(outcome)) = ending {
        connection
            .prepare_cached("UPDATE payload SET outcome = ?2 WHERE run = ?1")?
            .execute((IdColumn(run), payload::pack_value(outcome)))?;
    }
    calls::wake_caller(connection, run, now)?;
    Ok(true)
}

fn park(connection: &Connection, run: RunId, due_at: Timestamp, failure: &Failure) -> Result<bool> {
    let mut update = connection.prepare_cached(
        "UPDATE run SET state = 'pending', due_at = ?2 WHERE id = ?1 AND state IN ('running', 'waiting')",
    )?;
    if update.execute((IdColumn(run), TimeColumn(due_at)))? == 0 {
        exists(connection, run)?;
        return Ok(false);
    }
    keep_failure(connection, run, failure)?;
    Ok(true)
}

fn wait(connection: &Connection, run: RunId, due_at: Timestamp) -> Result<bool> {
    // A run that it called may have ended before it began to wait.
    let was_answered = connection.prepare_cached(calls::WAS_ANSWERED)?.query_row([IdColumn(run)], |row| row.get(0))?;
    let due_at = if was_answered { Timestamp::EPOCH } else { due_at };
    let mut update = connection
        .prepare_cached("UPDATE run SET state = 'waiting', due_at = ?2 WHERE id = ?1 AND state = 'running'")?;
    if update.execute((IdColumn(run), TimeColumn(due_at)))? == 0 {
        exists(connection, run)?;
        return Ok(false);
    }
    Ok(true)
}

/// Runs whose wait is over are pending again, in their record's order.
fn wake(connection: &Connection, flow: i64, now: Timestamp) -> Result<()> {
    let mut select = connection.prepare_cached(WOKEN)?;
    let woken: Vec<IdColumn> =
        select.query_map((flow, TimeColumn(now)), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    // Going on is not trying again, so the next claim counts as the attempt that began to wait.
    let mut update =
        connection.prepare_cached("UPDATE run SET state = 'pending', attempt = attempt - 1 WHERE id = ?1")?;
    for id in &woken {
        update.execute([id])?;
    }
    Ok(())
}

/// Whether it is new.
pub(crate) fn journal(connection: &Connection, run: RunId, entry: &JournalEntry) -> Result<bool> {
    exists(connection, run)?;
    let added = connection
        .prepare_cached(
            "INSERT INTO journal (run, key, outcome) VALUES (?1, ?2, ?3) ON CONFLICT (run, key) DO NOTHING",
        )?
        .execute((IdColumn(run), &entry.key, payload::pack_value(&entry.outcome)))?;
    Ok(added > 0)
}

pub(crate) fn ignore(connection: &Connection, run: RunId, entry: &JournalEntry) -> Result<()> {
    if journal(connection, run, entry)? {
        connection.prepare_cached("UPDATE run SET ignored = ignored + 1 WHERE id = ?1")?.execute([IdColumn(run)])?;
    }
    Ok(())
}

pub(crate) fn journal_of(connection: &Connection, run: RunId) -> Result<Vec<JournalEntry>> {
    let mut select = connection.prepare_cached("SELECT key, outcome FROM journal WHERE run = ?1 ORDER BY key")?;
    let mut rows = select.query([IdColumn(run)])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(1)?;
        entries.push(JournalEntry { key: row.get(0)?, outcome: payload::unpack_value(&body)? });
    }
    Ok(entries)
}

fn due(connection: &Connection, flow: i64, now: Timestamp, limit: usize, only: Only) -> Result<Vec<RunId>> {
    let mut select = connection.prepare_cached(DUE)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids =
        select.query_map((flow, TimeColumn(now), limit, only.is_begun()), |row| row.get(0).map(|IdColumn(id)| id))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Marks a run as at work, and reads what its worker needs.
fn begin(connection: &Connection, flow: &FlowId, id: RunId, n_endings: i64, now: Timestamp) -> Result<ClaimedRun> {
    // Asked for afterwards: `RETURNING` would build a table for one row.
    connection
        .prepare_cached(
            "UPDATE run SET state = 'running', attempt = attempt + 1, started_at = ?2, ending = ?3 WHERE id = ?1",
        )?
        .execute((IdColumn(id), TimeColumn(now), n_endings))?;
    let mut select = connection.prepare_cached(
        "SELECT stamp, hash, nonce, created_at, attempt,
                failure_step, failure_class, failure_message, failure_attempt,
                attempt > 1 OR EXISTS (SELECT 1 FROM journal WHERE journal.run = run.id), caller, payload.record
         FROM run LEFT JOIN payload ON payload.run = run.id WHERE run.id = ?1",
    )?;
    let (version, nonce, created_at, attempt, last_failure, has_past, caller, body) =
        select.query_row([IdColumn(id)], |row| {
            let (TimeColumn(stamp), HashColumn(hash)) = (row.get(0)?, row.get(1)?);
            let TimeColumn(created_at) = row.get(3)?;
            Ok((
                Version { stamp, hash },
                row.get::<_, String>(2)?,
                created_at,
                row.get::<_, u32>(4)?,
                read_failure(row, 5)?,
                row.get::<_, bool>(9)?,
                row.get::<_, Option<IdColumn>>(10)?.map(|IdColumn(caller)| caller),
                row.get::<_, Option<Vec<u8>>>(11)?,
            ))
        })?;
    let body = body.ok_or_else(|| Error::corrupt(format!("the record of run {id} is gone")))?;
    let record = payload::unpack_record(&body)?;
    let (journal, effects) = if has_past {
        (journal_of(connection, id)?, ledger::of_run(connection, id)?)
    } else {
        (Vec::new(), Vec::new())
    };
    Ok(ClaimedRun {
        id,
        flow: flow.clone(),
        record,
        version,
        created_at,
        attempt,
        nonce,
        caller,
        journal,
        effects,
        last_failure,
    })
}

/// The record that the run was stored with, unless retention has dropped it.
pub(crate) fn record_of(connection: &Connection, run: RunId) -> Result<Option<sdk::Record>> {
    let mut select = connection.prepare_cached("SELECT record FROM payload WHERE run = ?1")?;
    let body: Option<Vec<u8>> = select.query_row([IdColumn(run)], |row| row.get(0)).optional()?;
    body.as_deref().map(payload::unpack_record).transpose()
}

/// The run's last failure, whose four columns begin at `first`.
pub(crate) fn read_failure(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Failure>> {
    let Some(step) = row.get(first)? else { return Ok(None) };
    let (class, message, attempt) = (row.get(first + 1)?, row.get(first + 2)?, row.get(first + 3)?);
    Ok(Some(Failure { step, class, message, attempt }))
}

pub(crate) fn keep_failure(connection: &Connection, run: RunId, failure: &Failure) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE run SET failure_step = ?2, failure_class = ?3, failure_message = ?4, failure_attempt = ?5 WHERE id = ?1",
        )?
        .execute((IdColumn(run), &failure.step, &failure.class, &failure.message, failure.attempt))?;
    Ok(())
}

pub(crate) fn state_of(connection: &Connection, run: RunId) -> Result<RunState> {
    let mut select = connection.prepare_cached("SELECT state FROM run WHERE id = ?1")?;
    let state = select.query_row([IdColumn(run)], |row| row.get(0)).optional()?;
    state.ok_or_else(|| Error::NoRun { id: run.to_string() })
}

/// The states of these runs, in their order; `None` for one that is not there.
pub(crate) fn states_of(connection: &Connection, runs: &[RunId]) -> Result<Vec<Option<RunState>>> {
    let mut select = connection.prepare_cached("SELECT state FROM run WHERE id = ?1")?;
    runs.iter().map(|run| Ok(select.query_row([IdColumn(*run)], |row| row.get(0)).optional()?)).collect()
}

/// The name of the run's flow.
pub(crate) fn flow_of(connection: &Connection, run: RunId) -> Result<FlowId> {
    let mut select =
        connection.prepare_cached("SELECT flow.name FROM run JOIN flow ON flow.number = run.flow WHERE run.id = ?1")?;
    let name: Option<String> = select.query_row([IdColumn(run)], |row| row.get(0)).optional()?;
    name.map(FlowId::new).ok_or_else(|| Error::NoRun { id: run.to_string() })
}

fn exists(connection: &Connection, run: RunId) -> Result<()> {
    state_of(connection, run).map(|_| ())
}

/// The number of one more ending, by which endings are told in their order.
pub(crate) fn next_ending(connection: &Connection) -> Result<i64> {
    connection.prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'endings'")?.execute([])?;
    latest_ending(connection)
}

/// The number of the last ending.
pub(crate) fn latest_ending(connection: &Connection) -> Result<i64> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE name = 'endings'")?;
    Ok(select.query_row([], |row| row.get(0))?)
}
