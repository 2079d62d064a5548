//! Runs that an operator cancels: at once where they are not at work, else with the end of their attempt.
//!
//! A run at work is asked to stop. The wish is stored with it, and whatever ends its attempt makes it cancelled in the
//! same transaction: a wait, another try, the engine's next start; unless it came to an end of its own. Writes of it
//! that were not sent are left out. One that may have been applied is sent by nobody any more, and ends its run as
//! unknown: somebody must look. What it called and what is not at its end goes with it.

use rusqlite::{Connection, OptionalExtension as _};
use sdk::{RunId, Timestamp};

use crate::words::{IdColumn, TimeColumn};
use crate::{
    EffectRow, EffectState, Error, Failure, LogLevel, LogLine, Repaired, RepairedRun, RunLog, RunState, Settlement,
    calls, error::Result, ledger, log, runs,
};

/// Cancels a run, or asks it to stop where it is at work; and so with all that it called.
pub(crate) fn cancel(
    connection: &Connection,
    run: RunId,
    reason: &str,
    now: Timestamp,
    repaired: &mut Repaired,
) -> Result<()> {
    let before = runs::state_of(connection, run)?;
    let flow = runs::flow_of(connection, run)?;
    match before {
        RunState::Pending | RunState::Waiting | RunState::Failed | RunState::Unknown => {
            let after = end(connection, run, before, reason, now)?;
            repaired.done.push(RepairedRun { run, flow, before, after });
        }
        // Cut off here, its write could still be under way.
        RunState::Running => {
            connection
                .prepare_cached("UPDATE run SET stop_reason = coalesce(stop_reason, ?2) WHERE id = ?1")?
                .execute((IdColumn(run), reason))?;
            repaired.asked.push(RepairedRun { run, flow, before, after: before });
        }
        RunState::Succeeded | RunState::Skipped | RunState::Superseded | RunState::Cancelled => {
            return Err(Error::WrongState { run, state: before.word(), verb: "cancelled" });
        }
    }
    for called in calls::called_by(connection, run)? {
        // Named before its caller, it was cancelled by itself.
        if !repaired.has(called) && !runs::state_of(connection, called)?.is_end() {
            cancel(connection, called, reason, now, repaired)?;
        }
    }
    Ok(())
}

/// Why the run is to stop; `None` where nobody wants it to.
pub(crate) fn wish(connection: &Connection, run: RunId) -> Result<Option<String>> {
    let mut select = connection.prepare_cached("SELECT stop_reason FROM run WHERE id = ?1")?;
    let wish = select.query_row([IdColumn(run)], |row| row.get(0)).optional()?;
    wish.ok_or_else(|| Error::NoRun { id: run.to_string() })
}

/// The run has stopped, as it was asked to: it is cancelled, or unknown, and tells how far it came. `None` where it was
/// not at work any more, and nothing changed.
pub(crate) fn stopped(
    connection: &Connection,
    run: RunId,
    reason: &str,
    attempt_log: &RunLog,
    now: Timestamp,
) -> Result<Option<RunState>> {
    let before = runs::state_of(connection, run)?;
    if !matches!(before, RunState::Running | RunState::Waiting) {
        return Ok(None);
    }
    log::append(connection, run, attempt_log)?;
    let mut told = RunLog::default();
    told.push(how_far(connection, run, now)?);
    log::append(connection, run, &told)?;
    end(connection, run, before, reason, now).map(Some)
}

fn end(connection: &Connection, run: RunId, before: RunState, reason: &str, now: Timestamp) -> Result<RunState> {
    let in_doubt = leave_out_writes(connection, run, now)?;
    // Of a run that has ended, somebody was told before.
    let in_doubt = in_doubt.filter(|_| !before.is_end());
    let after = if in_doubt.is_some() { RunState::Unknown } else { RunState::Cancelled };
    if let Some(failure) = &in_doubt {
        runs::keep_failure(connection, run, failure)?;
    }
    connection
        .prepare_cached("UPDATE run SET state = ?2, ended_at = ?3, ending = ?4, reason = ?5 WHERE id = ?1")?
        .execute((IdColumn(run), after, TimeColumn(now), runs::next_ending(connection)?, reason))?;
    calls::wake_caller(connection, run, now)?;
    Ok(after)
}

/// Settles what the run planned and did not come to, and tells of a write that may have been applied, if there is one.
fn leave_out_writes(connection: &Connection, run: RunId, now: Timestamp) -> Result<Option<Failure>> {
    let mut first = None;
    for effect in ledger::of_run(connection, run)? {
        let message = match effect.state {
            EffectState::Sent => doubt(&effect),
            EffectState::Planned if effect.maybe_applied => doubt(&effect),
            EffectState::Planned => {
                ledger::cancel(connection, &effect.effect_id, now)?;
                continue;
            }
            EffectState::Unknown => effect.outcome.as_ref().map(sdk::Value::to_text).unwrap_or_default(),
            EffectState::Done
            | EffectState::Unchanged
            | EffectState::Superseded
            | EffectState::Failed
            | EffectState::Skipped => continue,
        };
        let class = "unknown".to_owned();
        if effect.state != EffectState::Unknown {
            let settlement = Settlement::Unknown { class: class.clone(), message: message.clone() };
            ledger::settle(connection, &effect.effect_id, &settlement, now)?;
        }
        let step = format!("{}{}", effect.step, effect.item);
        first.get_or_insert(Failure { step, class, message, attempt: effect.failures.max(1) });
    }
    Ok(first)
}

fn doubt(effect: &EffectRow) -> String {
    let target = format!("`{}.{}`", effect.connection, effect.object);
    let write = match effect.verb.as_str() {
        "do" => format!("the action {target}"),
        verb => format!("the {verb} of {target}"),
    };
    format!(
        "{write} may or may not have been applied: its run was cancelled before that was known; look for it there before \
         you run this again"
    )
}

/// The line that says where the run stopped. It names steps and no items: their keys may be anything.
fn how_far(connection: &Connection, run: RunId, now: Timestamp) -> Result<LogLine> {
    let (n_writes, last) = ledger::applied_of_run(connection, run)?;
    let message = match (n_writes, last) {
        (1, Some(step)) => format!("cancelled while at work, after one write, in `{step}`"),
        (n, Some(step)) => format!("cancelled while at work, after {n} writes, the last of them in `{step}`"),
        (_, None) => "cancelled while at work, before its first write".to_owned(),
    };
    let mut select = connection.prepare_cached("SELECT attempt FROM run WHERE id = ?1")?;
    let attempt = select.query_row([IdColumn(run)], |row| row.get(0))?;
    Ok(LogLine { at: now, attempt, level: LogLevel::Warn, step: String::new(), message, fields: Vec::new() })
}
