//! All durable state of the engine, and all of its SQL.
//!
//! A synchronous core applies grouped operations to one SQLite database; two drivers feed it: a writer thread that
//! commits many callers' operations at once, and an inline one for simulation. [`Store`] is the handle to either.

pub mod cursor;
pub mod effect;
pub mod run;

pub use cursor::{Checkpoint, Checkpointed, Cursor, Freshness, Pass, PassKind, SeenRow, SourceKey, Tally};
pub use effect::{EffectRow, EffectState, Intent, Planned, Settlement};
pub use run::{ClaimedRun, Ending, Failure, JournalEntry, NewRun, RunState};
