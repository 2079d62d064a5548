//! What can go wrong with the database, each with what to do about it.
//!
//! Errors are cheap to clone: when a group of operations falls together, each caller is told.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;
use sdk::{EffectId, FlowId, RunId};

use crate::EffectState;

/// What the store's verbs answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a verb did nothing. Whatever the error, nothing of the verb was stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("{doing} `{}`", path.display())]
    File {
        /// What was tried, such as `create the directory`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// There is no database in this directory.
    #[error("there is no database in `{}`: start the engine once, or name the right directory", dir.display())]
    Missing {
        /// Where one was looked for.
        dir: PathBuf,
    },
    /// The file is something else, and was not touched.
    #[error("`{}` is not a database of this engine and was not touched: name another directory", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A newer engine wrote it.
    #[error("the database has schema {found} and this program knows schemas up to {known}: use the newer program")]
    Newer {
        /// The file's schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// An older engine wrote it, and it was opened for reading only.
    #[error(
        "the database has schema {found} and this program reads schema {known}: start the engine once to bring it up to date"
    )]
    Older {
        /// The file's schema.
        found: i64,
        /// The one that this program reads.
        known: i64,
    },
    /// The SQLite that was linked has a known fault.
    #[error("SQLite {found} may corrupt a database that two connections write: build with {needed} or newer")]
    OldSqlite {
        /// What was linked.
        found: String,
        /// The first without the fault.
        needed: &'static str,
    },
    /// Locks and flushes cannot be relied on there.
    #[error("`{}` is on a network filesystem ({kind}), where locks and flushes cannot be relied on: use a local disk", path.display())]
    NetworkFilesystem {
        /// The directory.
        path: PathBuf,
        /// Its name, such as `NFS`.
        kind: &'static str,
    },
    /// Another engine holds the directory.
    #[error("another engine{} works in this directory: stop it, or give this one a directory of its own", process(pid))]
    InUse {
        /// Its process, where it could be read.
        pid: Option<u32>,
    },
    /// Somebody else kept the database locked for longer than we wait.
    #[error("the database is locked by another program: close what has it open for writing, then try again")]
    Locked,
    /// No space is left; the verb may be repeated once there is.
    #[error("the disk is full: free some space; the engine goes on by itself")]
    DiskFull,
    /// The disk refused to read or write.
    #[error("the disk refused to read or write the database: check its space, health and permissions")]
    Disk(#[source] Arc<rusqlite::Error>),
    /// The database, or this handle to it, can only be read.
    #[error("the database is open for reading only: use the engine's own handle, or make its file writable")]
    ReadOnly,
    /// A newer owner has taken the database over.
    #[error("owner {yours} was fenced: owner {current} has taken the database over")]
    Fenced {
        /// The epoch of the operation.
        yours: i64,
        /// The epoch that holds.
        current: i64,
    },
    /// What is stored cannot be understood.
    #[error(
        "the database is damaged ({detail}): stop the engine, keep a copy of the file, and restore the newest good backup"
    )]
    Corrupt {
        /// What was found.
        detail: String,
    },
    /// No such run.
    #[error("there is no run `{id}`")]
    NoRun {
        /// As it was asked for.
        id: String,
    },
    /// A shortened id that more than one run has.
    #[error("more than one run has an id like `{id}`: give more of its digits")]
    AmbiguousRun {
        /// As it was asked for.
        id: String,
    },
    /// A run whose state forbids the verb.
    #[error("run {run} is {state}, so it cannot be {verb}")]
    WrongState {
        /// The run.
        run: RunId,
        /// Its state.
        state: &'static str,
        /// What was asked, such as `retried`.
        verb: &'static str,
    },
    /// A run that waits for a decision about one of its writes.
    #[error("run {run} waits for a decision: {what} may or may not have been applied")]
    InDoubt {
        /// The run.
        run: RunId,
        /// The first such write.
        what: String,
    },
    /// One target for several writes.
    #[error(
        "run {run} was left alone: one record cannot be the target of {n_writes} writes that may have been applied"
    )]
    OneTarget {
        /// The run, which has at least one of them.
        run: RunId,
        /// How many.
        n_writes: usize,
    },
    /// No such write.
    #[error("the ledger has no write `{id}`")]
    NoEffect {
        /// The id asked for.
        id: EffectId,
    },
    /// A write that must not be sent in the state it is in.
    #[error("write `{id}` is {} and must not be sent", state.word())]
    NotSendable {
        /// The write.
        id: EffectId,
        /// Its state.
        state: EffectState,
    },
    /// A flow cannot take the name of one that has a history of its own.
    #[error("flow `{from}` cannot be renamed to `{to}`: a flow of that name has runs of its own")]
    FlowExists {
        /// The old name.
        from: FlowId,
        /// The new one.
        to: FlowId,
    },
    /// The store was closed, or its writer fell over this operation.
    #[error("the store has stopped: start the engine again")]
    Stopped,
    /// SQLite refused for a reason that none of the others is.
    #[error("the database refused an operation")]
    Database(#[source] Arc<rusqlite::Error>),
}

impl Error {
    /// Whether the same verb may succeed later without anybody changing it: the engine pauses and tries again.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Disk(_) | Self::Locked)
    }

    pub(crate) fn file(doing: &'static str, path: &Path, source: io::Error) -> Self {
        // A full disk is the same trouble whether SQLite or we met it.
        if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::DiskFull;
        }
        Self::File { doing, path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn corrupt(detail: impl Into<String>) -> Self {
        Self::Corrupt { detail: detail.into() }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Disk(Arc::new(error)),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::corrupt(error.to_string()),
            Some(_) => Self::Database(Arc::new(error)),
            // Without a code of SQLite's, a column did not hold what we put there.
            None => match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..) => Self::corrupt(error.to_string()),
                _ => Self::Database(Arc::new(error)),
            },
        }
    }
}

fn process(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}
