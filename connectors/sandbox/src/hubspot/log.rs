//! The write log: every write of a client that was applied, in order, and nothing else.
//!
//! A refused write is not in it, nor what the account's own people changed. With a path, each entry is in the file
//! before the answer leaves, so a client that was killed meanwhile cannot have written what the log does not show.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use sdk::Timestamp;

/// One applied write.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WriteEntry {
    /// Rises by one with each write of this account, from 1.
    pub sequence: u64,
    /// The server's time.
    pub at: Timestamp,
    /// The object's plural name, such as `contacts`.
    pub object: String,
    /// What was asked for.
    pub verb: WriteVerb,
    /// The record it was applied to.
    pub id: String,
    /// The values as they were sent, before the account made anything of them.
    pub values: BTreeMap<String, String>,
    /// Whether the record is new.
    pub created: bool,
}

/// What a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "HubSpot's own words")]
pub enum WriteVerb {
    Create,
    Update,
    Upsert,
    Archive,
    Merge,
    GdprDelete,
    Associate,
    Dissociate,
    AddToList,
    RemoveFromList,
}

/// Where entries go.
#[derive(Debug, Default)]
pub(super) struct WriteLog {
    pub(super) entries: Vec<WriteEntry>,
    /// The last sequence number given, also across a restart.
    pub(super) sequence: u64,
    path: Option<PathBuf>,
    file: Option<File>,
}

impl WriteLog {
    pub(super) fn new(path: Option<PathBuf>, sequence: u64) -> Self {
        Self { entries: Vec::new(), sequence, path, file: None }
    }

    /// Numbers the entry and keeps it; with a path it is in the file when this returns.
    pub(super) fn append(&mut self, mut entry: WriteEntry) {
        self.sequence += 1;
        entry.sequence = self.sequence;
        if let Err(error) = self.append_to_file(&entry) {
            tracing::error!(%error, path = ?self.path, "the write log is incomplete");
        }
        self.entries.push(entry);
    }

    fn append_to_file(&mut self, entry: &WriteEntry) -> std::io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            unopened => unopened.insert(OpenOptions::new().create(true).append(true).open(path)?),
        };
        let mut line = serde_json::to_vec(entry).map_err(std::io::Error::other)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.flush()
    }
}
