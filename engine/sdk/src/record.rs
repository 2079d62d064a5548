//! A record of a remote object, and the version of it that a poll saw.

use std::fmt;
use std::sync::Arc;

use crate::{Fields, Timestamp};

/// A record's id at its service: text, even where it looks like a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RecordId(Arc<str>);

impl RecordId {
    /// Takes the id as the service gave it.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a whole number, to the last digit: [`IdOrder::Numbers`].
    pub fn as_number(&self) -> Option<i128> {
        self.0.parse().ok()
    }
}

/// In which order ids rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdOrder {
    /// As text, byte by byte.
    #[default]
    Text,
    /// As whole numbers.
    Numbers,
}

impl fmt::Display for RecordId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<&str> for RecordId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// One record as a connector hands it over, its fields typed by the discovered schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The service's id.
    pub id: RecordId,
    /// When the service says that it was created.
    pub created: Option<Timestamp>,
    /// When the service says that it last changed; `created` where the poll asked by creation.
    pub modified: Timestamp,
    /// Its fields: each that was asked for and that the object has, empty ones as [`crate::Value::Null`].
    pub fields: Fields,
}

/// Which state of a record: at most one run of a flow exists per record and version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The stamp by which the poll sorts.
    pub stamp: Timestamp,
    /// Hash over the fields that the flow reads: two edits within one millisecond differ by it.
    pub hash: u64,
}
