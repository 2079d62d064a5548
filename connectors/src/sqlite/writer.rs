//! The thread on which a database is written.
//!
//! A commit waits for the disk, so writes share it: whatever is queued goes into one transaction, each write in a
//! savepoint of its own, and all are answered after the commit. A write that fails undoes itself alone. Where the
//! transaction itself fails by one of its writes, each is done again in a transaction of its own, in order.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};
use sdk::{Error, Write, WriteOutcome, faults};
use tokio::sync::{mpsc, oneshot};

use super::database::{Access, Database};
use super::table::Tables;
use super::worker::{Handle, QUEUE, spawn, stopped};
use super::{failure, write};

/// The most writes that share a commit.
const GROUP: usize = 200;

/// Takes writes, and answers each after it is on the disk.
pub(super) struct Writer {
    queue: mpsc::Sender<Queued>,
}

struct Queued {
    write: Write,
    answer: oneshot::Sender<Outcome>,
}

type Outcome = Result<WriteOutcome, Error>;

impl Writer {
    /// The thread ends with the connection, after what is queued. It opens the file when it is first asked.
    pub(super) fn start(database: Arc<Database>) -> Result<Self, Error> {
        let (queue, mut queued) = mpsc::channel::<Queued>(QUEUE);
        spawn("sqlite-writer", move || {
            let mut handle = Handle::new(database, Access::Write);
            while let Some(first) = queued.blocking_recv() {
                let mut group = vec![first];
                while group.len() < GROUP
                    && let Ok(next) = queued.try_recv()
                {
                    group.push(next);
                }
                let (writes, answers): (Vec<_>, Vec<_>) =
                    group.into_iter().map(|queued| (queued.write, queued.answer)).unzip();
                let outcomes = match handle.connection() {
                    Ok(connection) => commit(connection, &writes),
                    Err(error) => vec![Err(error); writes.len()],
                };
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // Whoever asked may have stopped waiting; the write stands.
                    let _ = answer.send(outcome);
                }
            }
        })?;
        Ok(Self { queue })
    }

    /// One write, on the disk once this returns.
    pub(super) async fn write(&self, write: Write) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Queued { write, answer }).await.map_err(|_| stopped())?;
        // Without an answer the thread fell somewhere between the first statement and the commit.
        answered.await.map_err(|_| stopped().maybe_applied())?
    }
}

/// Writes all in one transaction, or each in its own where one of them would take the others with it.
pub(super) fn commit(connection: &mut Connection, writes: &[Write]) -> Vec<Outcome> {
    match together(connection, writes) {
        Ok(outcomes) => outcomes,
        Err(broken) if broken.by_a_write && writes.len() > 1 => {
            writes.iter().flat_map(|write| commit(connection, std::slice::from_ref(write))).collect()
        }
        Err(broken) => vec![Err(broken.error); writes.len()],
    }
}

/// A transaction that did not commit.
struct Broken {
    error: Error,
    /// Whether one of the writes may be why, so that the others would succeed without it.
    by_a_write: bool,
}

fn together(connection: &mut Connection, writes: &[Write]) -> Result<Vec<Outcome>, Broken> {
    let outside = |error: &rusqlite::Error| Broken { error: failure::of(error), by_a_write: false };
    connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| outside(&error))?;

    let mut outcomes = Vec::with_capacity(writes.len());
    let mut tables = Tables::default();
    for write in writes {
        let outcome = in_savepoint(connection, &mut tables, write);
        if connection.is_autocommit() {
            // SQLite, or a trigger's ROLLBACK, ended the whole transaction.
            let error = outcome.err().unwrap_or_else(stopped);
            return Err(Broken { error, by_a_write: true });
        }
        outcomes.push(outcome);
    }

    match connection.execute_batch("COMMIT") {
        Ok(()) => {
            faults::point("sqlite.write.committed");
            Ok(outcomes)
        }
        Err(error) => {
            let broken = Broken { error: commit_failure(&error), by_a_write: is_constraint(&error) };
            rollback(connection);
            Err(broken)
        }
    }
}

fn in_savepoint(connection: &mut Connection, tables: &mut Tables, write: &Write) -> Outcome {
    let savepoint = connection.savepoint().map_err(|error| failure::of(&error))?;
    // Dropped without a commit, a savepoint undoes what it holds.
    let outcome = write::apply(&savepoint, tables.get(&savepoint, &write.object)?, write)?;
    savepoint.commit().map_err(|error| failure::of(&error))?;
    Ok(outcome)
}

/// A commit that is refused before anything reaches the disk has applied nothing; one that breaks on its way may have.
fn commit_failure(error: &rusqlite::Error) -> Error {
    let refused = failure::of(error);
    match error.sqlite_error_code() {
        Some(
            ErrorCode::ConstraintViolation
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::ReadOnly,
        ) => refused,
        _ => refused.maybe_applied(),
    }
}

/// Only a constraint that is checked at the end fails a commit by a write.
fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn rollback(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}
