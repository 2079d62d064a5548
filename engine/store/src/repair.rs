//! What an operator does about runs: tries them again, ends them, or puts their failures aside.
//!
//! A retry means that what failed happens anew and what was written stays written once. Writes that were refused are
//! planned again, look-ups that nothing depends on are forgotten, and a write that may or may not have been applied
//! needs a decision first. Of many runs, each that cannot be repaired is told with its reason and stops no other.

use rusqlite::Connection;
use sdk::{FlowId, RecordId, RunId, Timestamp, Value};

use crate::words::{IdColumn, TimeColumn};
use crate::{EffectRow, EffectState, Error, JournalEntry, RunState, calls, cancelling, error::Result, ledger, runs};

/// What is to be done with runs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// Failed, unknown and cancelled runs are tried again.
    Retry(Doubt),
    /// Runs will not be worked on any more: those at work once what they have under way is at its end, the others at
    /// once.
    Cancel {
        /// Why.
        reason: String,
    },
    /// Failed and unknown runs are no longer listed as failures; history keeps them.
    Dismiss,
}

/// What an operator decided of writes that may or may not have been applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Nothing yet: a run with such a write is not tried again.
    #[default]
    Undecided,
    /// They are sent again, even if that makes a second record.
    Resend,
    /// They were applied; to this record, where it is told.
    Applied(Option<RecordId>),
    /// They are left out, and the run ends there as skipped.
    Skip,
}

/// What became of runs that were to be repaired.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Repaired {
    /// Those that were, and what they called with them.
    pub done: Vec<RepairedRun>,
    /// Those that were to be cancelled and are at work: they are asked to stop.
    #[serde(default)]
    pub asked: Vec<RepairedRun>,
    /// Those that were left alone.
    pub refused: Vec<RefusedRun>,
}

impl Repaired {
    pub(crate) fn has(&self, run: RunId) -> bool {
        self.done.iter().chain(&self.asked).any(|known| known.run == run)
    }
}

/// A run that was repaired.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RepairedRun {
    /// Which.
    pub run: RunId,
    /// Its flow.
    pub flow: FlowId,
    /// The state it was in.
    pub before: RunState,
    /// The state it is in.
    pub after: RunState,
}

/// A run that was left alone.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RefusedRun {
    /// Which.
    pub run: RunId,
    /// Why, in one sentence.
    pub reason: String,
    /// Whether it waits for a decision about a write of it.
    pub in_doubt: bool,
}

pub(crate) fn repair(connection: &Connection, ids: &[RunId], repair: &Repair, now: Timestamp) -> Result<Repaired> {
    let mut repaired = Repaired::default();
    let n_of_one_target = match repair {
        Repair::Retry(Doubt::Applied(Some(_))) => n_in_doubt(connection, ids)?,
        Repair::Retry(_) | Repair::Cancel { .. } | Repair::Dismiss => 0,
    };
    for id in ids {
        let done = match repair {
            Repair::Retry(_) if n_of_one_target > 1 && n_in_doubt(connection, &[*id])? > 0 => {
                Err(Error::OneTarget { run: *id, n_writes: n_of_one_target })
            }
            Repair::Retry(doubt) => retry(connection, *id, doubt, now, &mut repaired.done),
            // It may have gone with its caller.
            Repair::Cancel { .. } if repaired.has(*id) => Ok(()),
            Repair::Cancel { reason } => cancelling::cancel(connection, *id, reason, now, &mut repaired),
            Repair::Dismiss => dismiss(connection, *id, now).map(|run| repaired.done.push(run)),
        };
        match done {
            Ok(()) => {}
            // Each of these is found out before anything of the run is changed.
            Err(
                error @ (Error::WrongState { .. }
                | Error::InDoubt { .. }
                | Error::OneTarget { .. }
                | Error::NoRun { .. }),
            ) => {
                let in_doubt = matches!(error, Error::InDoubt { .. });
                repaired.refused.push(RefusedRun { run: *id, reason: error.to_string(), in_doubt });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(repaired)
}

fn retry(
    connection: &Connection,
    run: RunId,
    doubt: &Doubt,
    now: Timestamp,
    done: &mut Vec<RepairedRun>,
) -> Result<()> {
    let before = runs::state_of(connection, run)?;
    if !is_retried(before) {
        let state = match before {
            RunState::Pending | RunState::Waiting => "not at its end and goes on by itself",
            RunState::Running
            | RunState::Succeeded
            | RunState::Failed
            | RunState::Skipped
            | RunState::Superseded
            | RunState::Unknown
            | RunState::Cancelled => before.word(),
        };
        return Err(Error::WrongState { run, state, verb: "retried" });
    }
    let (has_body, failed_step): (bool, Option<String>) = connection
        .prepare_cached("SELECT has_body, failure_step FROM run WHERE id = ?1")?
        .query_row([IdColumn(run)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if !has_body {
        return Err(Error::WrongState { run, state: "kept without its record", verb: "retried" });
    }
    let effects = ledger::of_run(connection, run)?;
    decide(connection, run, &effects, doubt, now)?;

    let journal = runs::journal_of(connection, run)?;
    let kept = forget(connection, run, journal, failed_step.as_deref(), has_applied(connection, run, &effects)?)?;
    for effect in &effects {
        // The run went on after this failure and will not come back to it.
        let was_ignored = kept.contains(&format!("{} failed{}", effect.step, effect.item));
        if effect.state == EffectState::Failed && !was_ignored || ledger::is_cancelled(effect) {
            ledger::plan_again(connection, &effect.effect_id)?;
        }
    }
    let n_ignored = kept.iter().filter(|key| is_ignored_failure(key)).count();
    connection
        .prepare_cached(
            "UPDATE run SET state = 'pending', due_at = ?2, ended_at = NULL, reason = NULL, stop_reason = NULL,
                            dismissed_at = NULL, ignored = ?3, failure_attempt = 0 WHERE id = ?1",
        )?
        .execute((IdColumn(run), TimeColumn(now), i64::try_from(n_ignored).unwrap_or(i64::MAX)))?;
    done.push(RepairedRun { run, flow: runs::flow_of(connection, run)?, before, after: RunState::Pending });
    // A run that failed because one that it called did would only be told so again.
    for called in calls::called_by(connection, run)? {
        if is_retried(runs::state_of(connection, called)?) {
            match retry(connection, called, doubt, now, done) {
                // It keeps waiting for its own decision, and its caller is told so once more.
                Ok(()) | Err(Error::WrongState { .. } | Error::InDoubt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn is_retried(state: RunState) -> bool {
    match state {
        RunState::Failed | RunState::Unknown | RunState::Cancelled => true,
        RunState::Pending
        | RunState::Running
        | RunState::Waiting
        | RunState::Succeeded
        | RunState::Skipped
        | RunState::Superseded => false,
    }
}

/// How many writes in doubt a retry of these runs decides about: theirs, and those of runs that they called.
fn n_in_doubt(connection: &Connection, runs: &[RunId]) -> Result<usize> {
    let mut n_writes = 0;
    for run in runs {
        n_writes += ledger::of_run(connection, *run)?.iter().filter(|one| one.state == EffectState::Unknown).count();
        for called in calls::called_by(connection, *run)? {
            if is_retried(runs::state_of(connection, called)?) {
                n_writes += n_in_doubt(connection, &[called])?;
            }
        }
    }
    Ok(n_writes)
}

/// Whether anything of the run may have been applied, by itself or by runs that it called.
fn has_applied(connection: &Connection, run: RunId, effects: &[EffectRow]) -> Result<bool> {
    let is_applied = |effect: &EffectRow| match effect.state {
        EffectState::Done | EffectState::Unchanged | EffectState::Sent | EffectState::Unknown => true,
        EffectState::Planned | EffectState::Superseded | EffectState::Failed | EffectState::Skipped => false,
    };
    if effects.iter().any(is_applied) {
        return Ok(true);
    }
    for called in calls::called_by(connection, run)? {
        if has_applied(connection, called, &ledger::of_run(connection, called)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Settles the writes in doubt as the operator said. Where there is no decision, nothing is changed.
fn decide(connection: &Connection, run: RunId, effects: &[EffectRow], doubt: &Doubt, now: Timestamp) -> Result<()> {
    let doubted: Vec<&EffectRow> = effects.iter().filter(|effect| effect.state == EffectState::Unknown).collect();
    let Some(first) = doubted.first() else { return Ok(()) };
    let what = || {
        let write = if first.verb == "do" { "the action".to_owned() } else { format!("the {} of", first.verb) };
        format!("{write} `{}.{}` in `{}`", first.connection, first.object, first.step)
    };
    match doubt {
        Doubt::Undecided => return Err(Error::InDoubt { run, what: what() }),
        Doubt::Applied(_) | Doubt::Resend | Doubt::Skip => {}
    }
    for effect in doubted {
        match doubt {
            Doubt::Undecided => {}
            // That an earlier attempt may have been applied stays on record: if it is refused now, nobody knows more.
            Doubt::Resend => ledger::plan_again(connection, &effect.effect_id)?,
            Doubt::Applied(target) => {
                let outcome = assumed(&effect.verb, target.as_ref());
                ledger::assume_applied(connection, &effect.effect_id, target.as_ref(), &outcome, now)?;
            }
            Doubt::Skip => {
                let reason = "an operator left out a write that may have been applied".to_owned();
                ledger::settle(connection, &effect.effect_id, &crate::Settlement::Skipped { reason }, now)?;
            }
        }
    }
    Ok(())
}

/// What the step's `as` sees of a write that an operator vouches for.
fn assumed(verb: &str, target: Option<&RecordId>) -> Value {
    let id = ("id".to_owned(), target.map(|id| Value::from(id.as_str())).unwrap_or_default());
    let flag = |name: &str, flag: bool| (name.to_owned(), Value::Bool(flag));
    Value::Map(match verb {
        "delete" => [id, flag("existed", true)].into(),
        _ => [id, flag("created", verb == "create"), flag("changed", true)].into(),
    })
}

/// Drops what the next attempt has to find out anew, and answers the keys of what stays.
///
/// A look-up that an applied write was made from must stay: asked anew, it could lead the same run to write something
/// else beside what it wrote. The journal does not tell which look-ups those are, so as soon as anything may have been
/// applied, all of them stay but the failed step's own, whose result nothing can have been made from. Where nothing was
/// applied, nothing depends on anything, and the world is read anew. A moment is the end of a wait, and a time that has
/// passed does not come back. That the run gave up, which it keeps under a key that no step has, is what is undone
/// here.
fn forget(
    connection: &Connection,
    run: RunId,
    journal: Vec<JournalEntry>,
    failed_step: Option<&str>,
    may_depend: bool,
) -> Result<Vec<String>> {
    let mut kept = Vec::new();
    for entry in journal {
        let is_wait = matches!(entry.outcome, Value::Moment(_));
        let is_own = failed_step.is_some_and(|step| belongs_to(&entry.key, step));
        let is_of_the_run = entry.key.starts_with(' ');
        if !is_own && !is_of_the_run && (is_wait || may_depend) {
            kept.push(entry.key);
            continue;
        }
        connection
            .prepare_cached("DELETE FROM journal WHERE run = ?1 AND key = ?2")?
            .execute((IdColumn(run), &entry.key))?;
    }
    Ok(kept)
}

/// Whether a key is that step's in these loop items, or a part of it: `find`, `find before`, `find[a]`, `find
/// before[a]`.
fn belongs_to(key: &str, step: &str) -> bool {
    let ((name, item), (step, in_item)) = (parts(key), parts(step));
    item == in_item && name.split(' ').next() == Some(step)
}

/// A step's name, and its loop items' keys with their brackets.
fn parts(key: &str) -> (&str, &str) {
    key.split_at(key.find('[').unwrap_or(key.len()))
}

fn is_ignored_failure(key: &str) -> bool {
    parts(key).0.ends_with(" failed")
}

fn dismiss(connection: &Connection, run: RunId, now: Timestamp) -> Result<RepairedRun> {
    let before = runs::state_of(connection, run)?;
    match before {
        RunState::Failed | RunState::Unknown => {}
        RunState::Pending
        | RunState::Running
        | RunState::Waiting
        | RunState::Succeeded
        | RunState::Skipped
        | RunState::Superseded
        | RunState::Cancelled => {
            return Err(Error::WrongState { run, state: before.word(), verb: "dismissed" });
        }
    }
    connection
        .prepare_cached("UPDATE run SET dismissed_at = coalesce(dismissed_at, ?2) WHERE id = ?1")?
        .execute((IdColumn(run), TimeColumn(now)))?;
    Ok(RepairedRun { run, flow: runs::flow_of(connection, run)?, before, after: before })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_step_are_told_from_other_steps_and_items() {
        for own in ["find", "find before", "find failed"] {
            assert!(belongs_to(own, "find"), "{own}");
        }
        for other in ["finder", "find[a]", "find before[a]", "other find"] {
            assert!(!belongs_to(other, "find"), "{other}");
        }
        assert!(belongs_to("find before[a]", "find[a]") && !belongs_to("find[b]", "find[a]"));
        assert!(is_ignored_failure("write failed[a]") && !is_ignored_failure("write[x failed]"));
    }
}
