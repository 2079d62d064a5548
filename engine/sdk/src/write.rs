//! Writes and look-ups, as the engine hands them to a connection.

use crate::{EffectId, Fields, Filter, RecordId};

/// One write of one record.
#[derive(Clone, Debug)]
pub struct Write {
    /// The same for every attempt; the idempotency key where a service takes one.
    pub effect_id: EffectId,
    /// The object written to.
    pub object: String,
    /// What is done.
    pub verb: Verb,
    /// The fields to set; [`crate::Value::Null`] clears one.
    pub fields: Fields,
}

/// What a write does.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Makes a record.
    Create,
    /// Changes the record of this id; an unknown id is [`crate::Class::NotFound`].
    Update {
        /// Which record.
        id: RecordId,
    },
    /// Changes what is found, or makes it.
    Upsert {
        /// By what it is found.
        by: Match,
        /// What to do where several are found.
        ambiguous: Ambiguous,
    },
    /// Removes the record of this id, or archives it where the service knows no other way. One that is not there is no
    /// mistake: [`Written::changed`] says whether it was.
    Delete {
        /// Which record.
        id: RecordId,
    },
}

/// By what an upsert finds its record.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// By id: `None` creates, a found one is updated, an unknown one is [`crate::Class::NotFound`].
    Id(Option<RecordId>),
    /// By the values that these fields have in the write.
    Fields(Vec<String>),
}

/// What to do where several records are found and one is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ambiguous {
    /// The step fails, naming the candidates.
    #[default]
    Fail,
    /// The step is skipped, naming the candidates.
    Skip,
    /// The service's first.
    First,
    /// The one created first.
    Oldest,
}

/// Whether a write may be sent again after an attempt whose outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Sending it twice leaves one record in the same state.
    Safe,
    /// Sending it twice may make a second record.
    Unsafe,
}

/// How a write ended at the service.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteOutcome {
    /// Applied.
    Written(Written),
    /// Left out, with the reason, because the author said so (`ambiguous: skip`).
    Skipped(String),
}

/// What a write left behind; a step's `as` sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The record's id.
    pub id: RecordId,
    /// Whether it was made by this write, as far as the service tells.
    pub created: bool,
    /// Whether anything changed, as far as the service tells.
    pub changed: bool,
}

/// A look-up.
#[derive(Clone, Debug)]
pub struct Find {
    /// The object looked in.
    pub object: String,
    /// What to look for. The engine checks every row again, so a connection may return more, never less.
    pub filter: Filter,
    /// Fields to read.
    pub fields: Vec<String>,
    /// At most this many records are wanted.
    pub limit: usize,
}
