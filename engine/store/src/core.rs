//! The synchronous core: operations in, answers out, one transaction around as many as came together.
//!
//! An operation that fails takes only itself back. Nearly none does, so operations are first applied without
//! savepoints, which would copy each page that they touch; where one fails, all is taken back and applied again, with a
//! savepoint for each. A transaction that falls as a whole is tried again operation by operation, so that a page too
//! large for the disk does not take its neighbours with it. An answer exists only after the commit.

use std::slice;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use sdk::{EffectId, FlowId, RunId, Timestamp, faults};

use crate::error::Result;
use crate::{
    AttemptEnd, Call, Called, Checkpoint, Checkpointed, ClaimedRun, Cursor, EffectState, Error, Fired, Firing,
    FlowState, Intent, JournalEntry, ManualRun, Only, Planned, Pruned, Repair, Repaired, Retention, RunLog, RunState,
    ScheduleRow, Settlement, SourceKey, Timetable, TookOver, WalkPage,
};
use crate::{calls, cursors, flows, ledger, repair, retention, runs, schedules};

/// Operations of one commit, at most.
pub(crate) const GROUP: usize = 200;
/// Rows of one commit, more or less: who waits for a small write should not wait for a hundred pages.
pub(crate) const GROUP_ROWS: usize = 2000;

/// Everything that changes the database.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    TakeOver { now: Timestamp },
    StartCursor { key: SourceKey, cursor: Cursor },
    Checkpoint(Checkpoint),
    Claim { now: Timestamp, wanted: Vec<(FlowId, usize)>, only: Only },
    EndAttempt { run: RunId, end: AttemptEnd, log: RunLog, now: Timestamp },
    Journal { run: RunId, entry: JournalEntry },
    Ignore { run: RunId, entry: JournalEntry },
    InsertManual(ManualRun),
    Call(Call),
    StartSchedule { timetable: Timetable, next_due: Option<Timestamp> },
    Fire(Firing),
    WalkPage(WalkPage),
    Repair { runs: Vec<RunId>, repair: Repair, now: Timestamp },
    Plan(Intent),
    MarkSent { effect: EffectId, now: Timestamp },
    Settle { effect: EffectId, settlement: Settlement, now: Timestamp },
    SetFlowState { flow: FlowId, state: FlowState, reason: Option<String>, now: Timestamp },
    RenameFlow { from: FlowId, to: FlowId },
    Prune(Retention),
    Fold,
    Close,
}

/// What an operation answers, once it is committed.
#[derive(Debug)]
pub(crate) enum Answer {
    Nothing,
    Flag(bool),
    Ended(Option<RunState>),
    TookOver(TookOver),
    Cursor(Cursor),
    Checkpointed(Checkpointed),
    Claimed(Vec<ClaimedRun>),
    Called(Called),
    Schedule(ScheduleRow),
    Fired(Fired),
    Planned(Planned),
    Effect(EffectState),
    Pruned(Pruned),
    Repaired(Repaired),
}

impl Answer {
    fn nothing((): ()) -> Self {
        Self::Nothing
    }
}

/// Applies operations in their order, as one commit where that is possible. There is one answer for each.
pub(crate) fn apply(connection: &mut Connection, ops: &[Op]) -> Vec<Result<Answer>> {
    let planted = cursors::commit_planted_half(connection, ops);
    if let Err(error) = planted.and_then(|()| schedules::commit_planted_half(connection, ops)) {
        return ops.iter().map(|_| Err(error.clone())).collect();
    }
    let applied = match apply_hopefully(connection, ops) {
        Ok(None) => apply_together(connection, ops),
        Ok(Some(answers)) => Ok(answers.into_iter().map(Ok).collect()),
        Err(error) => Err(error),
    };
    match applied {
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

/// All operations without savepoints. `None` means that one of them failed, and an error that all did; nothing was
/// stored then.
fn apply_hopefully(connection: &mut Connection, ops: &[Op]) -> Result<Option<Vec<Answer>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(ops.len());
    for op in ops {
        match perform(&transaction, op) {
            Ok(answer) => answers.push(answer),
            Err(error) if ops.len() == 1 || transaction.is_autocommit() => return Err(error),
            Err(_) => return Ok(None),
        }
    }
    commit(transaction)?;
    Ok(Some(answers))
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
    commit(transaction)?;
    Ok(answers)
}

fn commit(transaction: Transaction<'_>) -> Result<()> {
    faults::point("store.commit.before");
    transaction.commit()?;
    faults::point("store.commit.after");
    Ok(())
}

fn perform(connection: &Connection, op: &Op) -> Result<Answer> {
    let answer = match op {
        Op::TakeOver { now } => Answer::TookOver(runs::take_over(connection, *now)?),
        Op::StartCursor { key, cursor } => Answer::Cursor(cursors::start(connection, key, cursor)?),
        Op::Checkpoint(checkpoint) => Answer::Checkpointed(cursors::checkpoint(connection, checkpoint)?),
        Op::Claim { now, wanted, only } => Answer::Claimed(runs::claim(connection, *now, wanted, *only)?),
        Op::EndAttempt { run, end, log, now } => Answer::Ended(runs::end_attempt(connection, *run, end, log, *now)?),
        Op::Journal { run, entry } => {
            runs::journal(connection, *run, entry)?;
            Answer::Nothing
        }
        Op::Ignore { run, entry } => Answer::nothing(runs::ignore(connection, *run, entry)?),
        Op::InsertManual(manual) => Answer::Flag(runs::insert_manual(connection, manual)?),
        Op::Call(call) => Answer::Called(calls::call(connection, call)?),
        Op::StartSchedule { timetable, next_due } => {
            Answer::Schedule(schedules::start(connection, timetable, *next_due)?)
        }
        Op::Fire(firing) => Answer::Fired(schedules::fire(connection, firing)?),
        Op::WalkPage(page) => Answer::Fired(schedules::walk_page(connection, page)?),
        Op::Repair { runs, repair, now } => Answer::Repaired(repair::repair(connection, runs, repair, *now)?),
        Op::Plan(intent) => Answer::Planned(ledger::plan(connection, intent)?),
        Op::MarkSent { effect, now } => Answer::nothing(ledger::mark_sent(connection, effect, *now)?),
        Op::Settle { effect, settlement, now } => Answer::Effect(ledger::settle(connection, effect, settlement, *now)?),
        Op::SetFlowState { flow, state, reason, now } => {
            Answer::nothing(flows::set_state(connection, flow, *state, reason.as_deref(), *now)?)
        }
        Op::RenameFlow { from, to } => Answer::Flag(flows::rename(connection, from, to)?),
        Op::Prune(retention) => Answer::Pruned(retention::prune(connection, retention)?),
        // Both are done once the commit is.
        Op::Fold | Op::Close => Answer::Nothing,
    };
    faults::point(op.applied());
    Ok(answer)
}

impl Op {
    /// The crash point between the operation and its commit.
    fn applied(&self) -> &'static str {
        match self {
            Self::TakeOver { .. } => "take_over.applied",
            Self::StartCursor { .. } => "start_cursor.applied",
            Self::Checkpoint(_) => "checkpoint.applied",
            Self::Claim { .. } => "claim.applied",
            Self::EndAttempt { end, .. } => match end {
                AttemptEnd::Finished(_) => "finish.applied",
                AttemptEnd::Parked { .. } => "park.applied",
                AttemptEnd::Waits { .. } => "wait.applied",
                AttemptEnd::Stopped => "stop.applied",
            },
            Self::Journal { .. } => "journal.applied",
            Self::Ignore { .. } => "ignore.applied",
            Self::InsertManual(_) => "insert.applied",
            Self::Call(_) => "call.applied",
            Self::StartSchedule { .. } => "start_schedule.applied",
            Self::Fire(_) => "fire.applied",
            Self::WalkPage(_) => "walk_page.applied",
            Self::Repair { .. } => "repair.applied",
            Self::Plan(_) => "plan.applied",
            Self::MarkSent { .. } => "sent.applied",
            Self::Settle { .. } => "settle.applied",
            Self::SetFlowState { .. } => "flow_state.applied",
            Self::RenameFlow { .. } => "rename.applied",
            Self::Prune(_) => "prune.applied",
            Self::Fold => "fold.applied",
            Self::Close => "close.applied",
        }
    }

    /// How many rows the operation may write, more or less.
    pub(crate) fn n_rows(&self) -> usize {
        match self {
            Self::Checkpoint(checkpoint) => checkpoint.rows.len() + 1,
            Self::WalkPage(page) => page.runs.len() + 1,
            Self::Claim { wanted, .. } => wanted.iter().map(|(_, limit)| limit).sum::<usize>() + 1,
            Self::Prune(retention) => retention.limit,
            Self::Repair { runs, .. } => runs.len(),
            Self::TakeOver { .. }
            | Self::StartCursor { .. }
            | Self::EndAttempt { .. }
            | Self::Journal { .. }
            | Self::Ignore { .. }
            | Self::InsertManual(_)
            | Self::Call(_)
            | Self::StartSchedule { .. }
            | Self::Fire(_)
            | Self::Plan(_)
            | Self::MarkSent { .. }
            | Self::Settle { .. }
            | Self::SetFlowState { .. }
            | Self::RenameFlow { .. }
            | Self::Fold
            | Self::Close => 1,
        }
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
    Ended => Option<RunState>,
    TookOver => TookOver,
    Cursor => Cursor,
    Checkpointed => Checkpointed,
    Claimed => Vec<ClaimedRun>,
    Called => Called,
    Schedule => ScheduleRow,
    Fired => Fired,
    Planned => Planned,
    Effect => EffectState,
    Pruned => Pruned,
    Repaired => Repaired,
}

impl Answered for () {
    fn of(answer: Answer) -> Option<Self> {
        matches!(answer, Answer::Nothing).then_some(())
    }
}
