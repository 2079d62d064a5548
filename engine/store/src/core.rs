//! The synchronous core: operations in, answers out, one transaction around as many as came together.
//!
//! Each operation has a savepoint: one that fails takes only itself back. A transaction that falls as a whole is tried
//! again operation by operation, so that a page too large for the disk does not take its neighbours with it.
//! An answer exists only after the commit.

use std::slice;

use rusqlite::{Connection, TransactionBehavior};
use sdk::{EffectId, FlowId, RunId, Timestamp, faults};

use crate::error::Result;
use crate::{
    Checkpoint, Checkpointed, ClaimedRun, Cursor, EffectState, Ending, Error, Failure, FlowState, Intent, JournalEntry,
    ManualRun, Planned, Pruned, Retention, Settlement, SourceKey, TookOver,
};
use crate::{cursors, flows, ledger, retention, runs};

/// Operations of one commit, at most.
pub(crate) const GROUP: usize = 200;

/// Everything that changes the database.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    TakeOver { now: Timestamp },
    StartCursor { key: SourceKey, cursor: Cursor },
    Checkpoint(Checkpoint),
    Claim { now: Timestamp, wanted: Vec<(FlowId, usize)> },
    Finish { run: RunId, ending: Ending, now: Timestamp },
    Park { run: RunId, due_at: Timestamp, failure: Failure },
    Journal { run: RunId, entry: JournalEntry },
    InsertManual(ManualRun),
    Retry { run: RunId, now: Timestamp },
    Cancel { run: RunId, reason: String, now: Timestamp },
    Plan(Intent),
    MarkSent { effect: EffectId, now: Timestamp },
    Settle { effect: EffectId, settlement: Settlement, now: Timestamp },
    SetFlowState { flow: FlowId, state: FlowState, reason: Option<String>, now: Timestamp },
    RenameFlow { from: FlowId, to: FlowId },
    Prune(Retention),
    Close,
}

/// What an operation answers, once it is committed.
#[derive(Debug)]
pub(crate) enum Answer {
    Nothing,
    Flag(bool),
    TookOver(TookOver),
    Cursor(Cursor),
    Checkpointed(Checkpointed),
    Claimed(Vec<ClaimedRun>),
    Planned(Planned),
    Effect(EffectState),
    Pruned(Pruned),
}

/// Applies operations in their order, as one commit where that is possible. There is one answer for each.
pub(crate) fn apply(connection: &mut Connection, ops: &[Op]) -> Vec<Result<Answer>> {
    if let Err(error) = cursors::commit_planted_half(connection, ops) {
        return ops.iter().map(|_| Err(error.clone())).collect();
    }
    match apply_together(connection, ops) {
        Ok(answers) => answers,
        // Nobody would get further alone, and each try would wait as long again.
        Err(error @ Error::Locked) => ops.iter().map(|_| Err(error.clone())).collect(),
        Err(error) if ops.len() == 1 => vec![Err(error)],
        Err(_) => ops.iter().map(|op| apply_alone(connection, op)).collect(),
    }
}

fn apply_alone(connection: &mut Connection, op: &Op) -> Result<Answer> {
    let answers = apply_together(connection, slice::from_ref(op))?;
    answers.into_iter().next().expect("one operation has one answer")
}

/// An error here means that nothing was stored; an error among the answers, that this operation was not.
fn apply_together(connection: &mut Connection, ops: &[Op]) -> Result<Vec<Result<Answer>>> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(ops.len());
    for op in ops {
        let savepoint = transaction.savepoint()?;
        match perform(&savepoint, op) {
            Ok(answer) => {
                savepoint.commit()?;
                answers.push(Ok(answer));
            }
            // A full or failing disk may have made SQLite roll back everything.
            Err(error) if savepoint.is_autocommit() => return Err(error),
            Err(error) => {
                savepoint.finish()?;
                answers.push(Err(error));
            }
        }
    }
    faults::point("store.commit.before");
    transaction.commit()?;
    faults::point("store.commit.after");
    Ok(answers)
}

fn perform(connection: &Connection, op: &Op) -> Result<Answer> {
    match op {
        Op::TakeOver { now } => runs::take_over(connection, *now).map(Answer::TookOver),
        Op::StartCursor { key, cursor } => cursors::start(connection, key, cursor).map(Answer::Cursor),
        Op::Checkpoint(checkpoint) => {
            let done = cursors::checkpoint(connection, checkpoint)?;
            faults::point("checkpoint.applied");
            Ok(Answer::Checkpointed(done))
        }
        Op::Claim { now, wanted } => runs::claim(connection, *now, wanted).map(Answer::Claimed),
        Op::Finish { run, ending, now } => {
            let finished = runs::finish(connection, *run, ending, *now)?;
            faults::point("finish.applied");
            Ok(Answer::Flag(finished))
        }
        Op::Park { run, due_at, failure } => runs::park(connection, *run, *due_at, failure).map(Answer::Flag),
        Op::Journal { run, entry } => runs::journal(connection, *run, entry).map(|()| Answer::Nothing),
        Op::InsertManual(manual) => runs::insert_manual(connection, manual).map(Answer::Flag),
        Op::Retry { run, now } => runs::retry(connection, *run, *now).map(|()| Answer::Nothing),
        Op::Cancel { run, reason, now } => runs::cancel(connection, *run, reason, *now).map(|()| Answer::Nothing),
        Op::Plan(intent) => {
            let planned = ledger::plan(connection, intent)?;
            faults::point("plan.applied");
            Ok(Answer::Planned(planned))
        }
        Op::MarkSent { effect, now } => {
            ledger::mark_sent(connection, effect, *now)?;
            faults::point("sent.applied");
            Ok(Answer::Nothing)
        }
        Op::Settle { effect, settlement, now } => {
            let state = ledger::settle(connection, effect, settlement, *now)?;
            faults::point("settle.applied");
            Ok(Answer::Effect(state))
        }
        Op::SetFlowState { flow, state, reason, now } => {
            flows::set_state(connection, flow, *state, reason.as_deref(), *now).map(|()| Answer::Nothing)
        }
        Op::RenameFlow { from, to } => flows::rename(connection, from, to).map(Answer::Flag),
        Op::Prune(retention) => retention::prune(connection, retention).map(Answer::Pruned),
        Op::Close => Ok(Answer::Nothing),
    }
}

/// What a verb expects as its answer.
pub(crate) trait Answered: Sized {
    /// The answer's content, if it is of this kind.
    fn of(answer: Answer) -> Option<Self>;
}

macro_rules! answered {
    ($($variant:ident => $content:ty),+ $(,)?) => {
        $(impl Answered for $content {
            fn of(answer: Answer) -> Option<Self> {
                if let Answer::$variant(content) = answer { Some(content) } else { None }
            }
        })+
    };
}

answered! {
    Flag => bool,
    TookOver => TookOver,
    Cursor => Cursor,
    Checkpointed => Checkpointed,
    Claimed => Vec<ClaimedRun>,
    Planned => Planned,
    Effect => EffectState,
    Pruned => Pruned,
}

impl Answered for () {
    fn of(answer: Answer) -> Option<Self> {
        matches!(answer, Answer::Nothing).then_some(())
    }
}
