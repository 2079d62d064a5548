//! All durable state of the engine, and all of its SQL.
//!
//! A synchronous core applies grouped operations to one SQLite database; two drivers feed it: a writer thread that
//! commits many callers' operations at once, and an inline one for simulation. [`Store`] is the handle to either.

mod store;

pub mod calls;
pub mod cursor;
pub mod effect;
pub mod failures;
pub mod flows;
pub mod history;
pub mod log;
pub mod measured;
pub mod repair;
pub mod retention;
pub mod run;
pub mod schedules;

mod core;
mod driver;

mod cancelling;
mod cursors;
mod ledger;
mod payload;
mod runs;
mod words;

pub mod error;
mod lock;
mod schema;

#[cfg(test)]
mod tests;

pub use calls::{Call, Called};
pub use cursor::{
    Checkpoint, Checkpointed, Cursor, Freshness, Novelty, Pass, PassKind, SeenRow, SourceKey, SourceRow, Tally,
};
pub use effect::{EffectRow, EffectState, Intent, Planned, Settlement};
pub use error::Error;
pub use failures::{FailureFilter, FailureGroup, GroupId};
pub use flows::{FlowRow, FlowState};
pub use history::{KeyFilter, RunDetail, RunFilter, RunRow};
pub use lock::EngineLock;
pub use log::{LogLevel, LogLine, RunLog};
pub use measured::{Measured, StepCount};
pub use repair::{Doubt, RefusedRun, Repair, Repaired, RepairedRun};
pub use retention::{Pruned, Retention};
pub use run::{
    AttemptEnd, ClaimedRun, Ending, Failure, JournalEntry, Lane, ManualRun, NewRun, Only, RunState, TookOver,
};
pub use schedules::{Fired, Firing, ScheduleRow, ScheduleTally, Starts, Timetable, WalkPage, WalkPoint};
pub use store::Store;
