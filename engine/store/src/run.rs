//! Runs: one execution of a flow for one version of one record.

use sdk::{FlowId, Record, RecordId, RunId, Timestamp, Value, Version};

use crate::{EffectRow, RepairedRun};

/// Which of a flow's open runs are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// All of them.
    All,
    /// Those that an attempt has begun.
    Begun,
}

impl Only {
    pub(crate) fn is_begun(self) -> bool {
        match self {
            Self::All => false,
            Self::Begun => true,
        }
    }
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Stored, or waiting for its next attempt.
    Pending,
    /// At work.
    Running,
    /// In a durable `wait`.
    Waiting,
    /// All steps done.
    Succeeded,
    /// Gave up; listed as a failure.
    Failed,
    /// Ended by a condition or `skip`.
    Skipped,
    /// A newer run did its work.
    Superseded,
    /// A write's outcome is not known and a person must settle it.
    Unknown,
    /// Ended by an operator.
    Cancelled,
}

impl RunState {
    /// Whether nothing more happens unless somebody asks for it.
    pub fn is_end(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Waiting => false,
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Superseded | Self::Unknown | Self::Cancelled => true,
        }
    }
}

/// A run to be stored by a checkpoint.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// The record as read; its payload.
    pub record: Record,
    /// Business keys by which operators search, beside the record's id.
    pub keys: Vec<(String, String)>,
}

/// A run that an operator asked for.
#[derive(Clone, Debug)]
pub struct ManualRun {
    /// The flow.
    pub flow: FlowId,
    /// The run and its record.
    pub run: NewRun,
    /// Which version of the record that is.
    pub version: Version,
    /// Makes it another run than the one that a poll stored of the same version; empty makes it that one.
    pub nonce: String,
    /// This machine's time.
    pub now: Timestamp,
}

/// What taking the database over found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TookOver {
    /// The new owner's epoch, for its checkpoints.
    pub epoch: i64,
    /// Runs that the former owner left at work, and that are pending again.
    pub put_back: u64,
    /// Those that had been asked to stop, and have ended.
    pub stopped: Vec<RepairedRun>,
}

/// A run taken to be worked on: marked `running` in the store.
#[derive(Clone, Debug)]
pub struct ClaimedRun {
    /// Its id.
    pub id: RunId,
    /// Its flow.
    pub flow: FlowId,
    /// The record as it was read.
    pub record: Record,
    /// Which version that is.
    pub version: Version,
    /// When it was stored; what `now` says in its expressions.
    pub created_at: Timestamp,
    /// Attempts begun, this one included.
    pub attempt: u32,
    /// Empty, or the operator's "run again".
    pub nonce: String,
    /// The run that called it and waits for its end.
    pub caller: Option<RunId>,
    /// Look-ups that earlier attempts journaled.
    pub journal: Vec<JournalEntry>,
    /// Writes that earlier attempts planned, sent or settled.
    pub effects: Vec<EffectRow>,
    /// Why the last attempt did not come to its end.
    pub last_failure: Option<Failure>,
}

/// A look-up's journaled outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalEntry {
    /// The step's key: its name, and the loop items' keys.
    pub key: String,
    /// What it gave.
    pub outcome: Value,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All steps done, with the `stop` step's value if there was one.
    Succeeded(Option<Value>),
    /// Ended on purpose, with the reason.
    Skipped(String),
    /// Gave up.
    Failed(Failure),
    /// A write may or may not have been applied.
    Unknown(Failure),
    /// A newer version's write came first.
    Superseded,
}

impl Ending {
    /// The state of a run that ended so.
    pub fn state(&self) -> RunState {
        match self {
            Self::Succeeded(_) => RunState::Succeeded,
            Self::Skipped(_) => RunState::Skipped,
            Self::Failed(_) => RunState::Failed,
            Self::Unknown(_) => RunState::Unknown,
            Self::Superseded => RunState::Superseded,
        }
    }
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub enum AttemptEnd {
    /// The run has ended.
    Finished(Ending),
    /// It is to be tried again.
    Parked {
        /// Not before.
        due_at: Timestamp,
        /// What went wrong.
        failure: Failure,
    },
    /// It goes on later; nothing went wrong.
    Waits {
        /// Not before.
        due_at: Timestamp,
    },
    /// It was asked to stop, and did.
    Stopped,
}

/// Why a run gave up: data, readable in a year.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// The step at which it did; empty where no step had begun.
    pub step: String,
    /// The error's class word, or `expression`, or `flow` for a `fail` step.
    pub class: String,
    /// One sentence.
    pub message: String,
    /// Attempts made of that step.
    pub attempt: u32,
}

/// Which record a run belongs to, for the store's lane order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The flow.
    pub flow: FlowId,
    /// The record.
    pub record: RecordId,
}
