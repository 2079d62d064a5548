//! How far a flow has read its source, and the transaction that moves it.

use std::time::Duration;

use sdk::{FlowId, IdOrder, PollQuery, RecordId, Timestamp, Version};

use crate::NewRun;

/// One flow's reading of one source. A flow that is pointed at another object, or sorts by another stamp, reads anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey {
    /// The flow.
    pub flow: FlowId,
    /// What is read and by which stamp, such as `crm.contacts by modified`.
    pub source: String,
}

/// How far a source has been read. All stamps are the service's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Records stamped before this never make a run: where the flow's author said to start.
    pub floor: Timestamp,
    /// Everything up to here has been read, but for what the index showed late.
    pub watermark: Timestamp,
    /// When the last wide pass began.
    pub wide_at: Timestamp,
    /// When the last sweep began.
    pub swept_at: Timestamp,
    /// How far a quick pass reads back before the watermark.
    pub overlap: Duration,
    /// How late the service's index may show a change; wide passes read back this far.
    pub allowance: Duration,
    /// The pass under way, if one did not reach its end within a poll.
    pub pass: Option<Pass>,
}

/// One reading from a start to the end of the source; it may take many polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The service's time when it began; the watermark never moves past it.
    pub started_at: Timestamp,
    /// How far back it began.
    pub kind: PassKind,
    /// Where its next page begins.
    pub resume: PollQuery,
    /// In which order ids rose on its last page; `None` before its first.
    pub order: Option<IdOrder>,
    /// The newest stamp it has read.
    pub newest: Option<Timestamp>,
}

/// How far back a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassKind {
    /// By the overlap: low latency.
    Quick,
    /// By the lag allowance from the last wide pass's beginning: keeps the promise.
    Wide,
    /// A whole day: finds what the allowance missed, and widens it.
    Sweep,
    /// Everything, because nothing stamps the records.
    Whole,
}

/// One page's outcome, committed at once: the runs it caused, the rows it saw, and the cursor it reached.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Which source.
    pub key: SourceKey,
    /// The owner's epoch; a checkpoint of an older one is refused.
    pub epoch: i64,
    /// Which fields the hashes cover; hashes of another projection are not compared.
    pub projection: u64,
    /// Fresh rows, and those of which only another hash is to be kept.
    pub rows: Vec<SeenRow>,
    /// The cursor afterwards.
    pub cursor: Cursor,
    /// Seen rows stamped before this are dropped; `None` drops nothing.
    pub forget_before: Option<Timestamp>,
    /// Counts to add.
    pub tally: Tally,
    /// This machine's time.
    pub now: Timestamp,
}

/// A fresh row.
#[derive(Clone, Debug)]
pub struct SeenRow {
    /// The record.
    pub id: RecordId,
    /// The version that was read.
    pub version: Version,
    /// The run it causes; `None` where the flow's filter or `where` refused it.
    pub run: Option<NewRun>,
}

/// What a checkpoint did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpointed {
    /// Runs stored by it.
    pub runs: u64,
    /// Runs that were there already.
    pub known: u64,
}

/// When a row counts as fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Once per record: `on: new`.
    ById,
    /// Once per version: `on: new_or_updated`.
    ByVersion,
    /// Whenever its content is another than the one seen last, whatever the stamps: `on: new_or_updated` where nothing
    /// stamps the records.
    ByContent,
}

/// What a row brings that was not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// Nothing: it was seen.
    Known,
    /// A record or a stamp that was not seen.
    Version,
    /// Another content under a stamp that was seen, as calculated fields bring it; or than the one seen last.
    Content,
    /// The hash of a content that was seen by other fields, with which it cannot be compared.
    Projection,
}

/// Counts of a source since its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Polls that stored something.
    pub polls: u64,
    /// Fresh records read.
    pub records: u64,
    /// Of those, refused by `filter` or `where`.
    pub filtered: u64,
    /// Of those, stamped before the flow's start.
    pub before_start: u64,
    /// Fresh records that became visible later than the overlap reads back.
    pub late: u64,
}

/// A source as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// Which source.
    pub key: SourceKey,
    /// How far it has been read.
    pub cursor: Cursor,
    /// Its counts.
    pub tally: Tally,
}
