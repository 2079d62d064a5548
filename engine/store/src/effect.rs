//! The effect ledger, which for a writing step is its journal.

use sdk::{ConnectionName, EffectId, FlowId, RecordId, RunId, Timestamp, Value};

/// The state of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// Intended; nothing has left.
    Planned,
    /// May have left; no outcome yet.
    Sent,
    /// Applied.
    Done,
    /// Applied before; nothing was to change.
    Unchanged,
    /// A newer write of the same step, item and record is done.
    Superseded,
    /// Refused for good.
    Failed,
    /// May or may not have been applied.
    Unknown,
    /// Left out because the author said so.
    Skipped,
}

/// What is about to be written. Stored before anything leaves.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The same for every attempt, restart and replay.
    pub effect_id: EffectId,
    /// The run that asked first.
    pub run: RunId,
    /// Its flow.
    pub flow: FlowId,
    /// The step's path: its name under its callers'.
    pub step: String,
    /// The loop items' keys; empty outside loops.
    pub item: String,
    /// The record whose change caused it.
    pub record: RecordId,
    /// That record's version stamp: orders the writes of one record.
    pub stamp: Timestamp,
    /// Empty, or the operator's "run again": writes are put in order only with others of the same nonce.
    pub nonce: String,
    /// `create`, `update`, `upsert`.
    pub verb: &'static str,
    /// Where it goes.
    pub connection: ConnectionName,
    /// The object.
    pub object: String,
    /// Keyed hash of the target's key, so that erasing a person is possible; `None` for a plain create.
    pub target_key: Option<String>,
    /// Hash of the content.
    pub request_hash: u64,
    /// Whether it leaves as soon as it is planned, so that one commit says both. A write that was sent before is left
    /// as it is: whether it may be sent again is for the caller to say.
    pub is_sent_at_once: bool,
    /// This machine's time.
    pub now: Timestamp,
}

/// What the ledger knew when a write was planned.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one is alive for the length of a match, never a list of them")]
pub enum Planned {
    /// A new row: `planned`, or `sent` where that was asked for.
    New,
    /// The row of an earlier attempt, in whatever state it was found.
    Known(EffectRow),
    /// A newer write of the same flow, step, item and record is done: recorded as `superseded`, and not to be sent.
    Superseded,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectRow {
    /// Its id.
    pub effect_id: EffectId,
    /// The run that asked first.
    pub run: RunId,
    /// The step's path.
    pub step: String,
    /// The loop items' keys.
    pub item: String,
    /// Its state.
    pub state: EffectState,
    /// `create`, `update`, `upsert`.
    pub verb: String,
    /// Where it goes.
    pub connection: ConnectionName,
    /// The object.
    pub object: String,
    /// Times it was sent.
    pub attempts: u32,
    /// Attempts that failed and count against it: not those that were refused for asking too much, or for a bad token.
    pub failures: u32,
    /// Whether any attempt so far may have been applied.
    pub maybe_applied: bool,
    /// When it was first sent.
    pub first_sent_at: Option<Timestamp>,
    /// When it was last sent.
    pub last_sent_at: Option<Timestamp>,
    /// What the step's `as` sees, once done; the reason, once failed, unknown or skipped.
    pub outcome: Option<Value>,
    /// The record written, once known.
    pub target_id: Option<RecordId>,
    /// The error's class word, once failed or put back.
    pub class: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Settlement {
    /// Applied.
    Done {
        /// The record written.
        target: RecordId,
        /// What the step's `as` sees.
        outcome: Value,
    },
    /// There was nothing to change.
    Unchanged {
        /// The record.
        target: RecordId,
        /// What the step's `as` sees.
        outcome: Value,
    },
    /// Certainly not applied, or safe to repeat: to be tried again.
    Again {
        /// The error's class word.
        class: String,
        /// One sentence.
        message: String,
        /// Whether the attempt counts against the write.
        counts: bool,
        /// Whether the attempt may have been applied.
        maybe_applied: bool,
    },
    /// Refused for good.
    Failed {
        /// The error's class word.
        class: String,
        /// One sentence.
        message: String,
    },
    /// May or may not have been applied.
    Unknown {
        /// The error's class word.
        class: String,
        /// One sentence.
        message: String,
    },
    /// Left out because the author said so.
    Skipped {
        /// Why.
        reason: String,
    },
}
