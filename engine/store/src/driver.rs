//! Who calls the core: a thread that commits many callers' operations at once, or the caller itself.
//!
//! Readers have connections of their own beside the writer thread, and work on blocking threads, or in place where they
//! ask for one row by its key; they see every commit that was answered before they began. The inline driver does all of
//! it within the call, on one connection, so that a simulation decides what happens when. Dropping a call's future, or
//! a panic inside it, stores all of it or nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rusqlite::Connection;
use sdk::faults::planted;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::core::{self, Answer, Op};
use crate::{Error, error::Result, schema};

/// Operations that wait for the writer, at most; then callers wait to hand theirs over.
const QUEUE: usize = 1024;
/// Reading connections, at most.
const READERS: usize = 4;

/// One of the ways to the core.
pub(crate) enum Driver {
    Thread { writer: mpsc::Sender<Job>, commits: Arc<AtomicU64>, readers: Readers },
    Inline(Mutex<Connection>),
    ReadOnly(Readers),
}

/// An operation and who waits for its answer.
pub(crate) struct Job {
    op: Op,
    reply: oneshot::Sender<Result<Answer>>,
}

impl Driver {
    /// A writer thread for `connection`, and readers of the same file. The thread ends when the driver is dropped.
    pub(crate) fn thread(connection: Connection, path: PathBuf) -> Result<Self> {
        let (writer, jobs) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let counter = commits.clone();
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(connection, jobs, &counter))
            .map_err(|error| Error::file("start a writer for", &path, error))?;
        Ok(Self::Thread { writer, commits, readers: Readers::new(path) })
    }

    pub(crate) async fn write(&self, op: Op) -> Result<Answer> {
        // Not a bug but a trouble, by which a test sees what the engine does until it passes.
        if planted("full disk") {
            return Err(Error::DiskFull);
        }
        match self {
            Self::Thread { writer, .. } => {
                let (reply, answer) = oneshot::channel();
                writer.send(Job { op, reply }).await.map_err(|_| Error::Stopped)?;
                answer.await.map_err(|_| Error::Stopped)?
            }
            Self::Inline(connection) => {
                let answers = core::apply(&mut enter(connection), slice::from_ref(&op));
                answers.into_iter().next().expect("one operation has one answer")
            }
            Self::ReadOnly(_) => Err(Error::ReadOnly),
        }
    }

    /// What `read` finds in one snapshot of the database.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        match self {
            Self::Thread { readers, .. } | Self::ReadOnly(readers) => {
                readers.run(move |connection| snapshot(connection, read)).await
            }
            Self::Inline(connection) => snapshot(&enter(connection), read),
        }
    }

    /// Like [`Driver::read`], but on the caller's thread: for what takes less than to wake another one.
    pub(crate) async fn read_in_place<T, F>(&self, read: F) -> Result<T>
    where
        F: FnOnce(&Connection) -> Result<T>,
    {
        match self {
            Self::Thread { readers, .. } | Self::ReadOnly(readers) => {
                readers.read_in_place(|connection| snapshot(connection, read)).await
            }
            Self::Inline(connection) => snapshot(&enter(connection), read),
        }
    }

    /// Like [`Driver::read`], but outside a transaction, which a copy of the whole database needs.
    pub(crate) async fn copy<F>(&self, copy: F) -> Result<()>
    where
        F: FnOnce(&Connection) -> Result<()> + Send + 'static,
    {
        match self {
            Self::Thread { readers, .. } | Self::ReadOnly(readers) => readers.run(copy).await,
            Self::Inline(connection) => copy(&enter(connection)),
        }
    }

    /// Commits since the writer was started; the inline driver does not count.
    pub(crate) fn commits(&self) -> u64 {
        match self {
            Self::Thread { commits, .. } => commits.load(Ordering::Relaxed),
            Self::Inline(_) | Self::ReadOnly(_) => 0,
        }
    }
}

/// A connection whose last user panicked is as good as any: its transaction was rolled back on the way.
fn enter(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn snapshot<T>(connection: &Connection, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let transaction = connection.unchecked_transaction()?;
    let found = read(&transaction)?;
    transaction.finish()?;
    Ok(found)
}

/// The writer thread: takes what is queued, commits it, answers; until the last handle is gone or one says to close.
fn write_all(mut connection: Connection, mut jobs: mpsc::Receiver<Job>, commits: &AtomicU64) {
    while let Some(first) = jobs.blocking_recv() {
        let mut n_rows = first.op.n_rows();
        let mut ops = vec![first.op];
        let mut replies = vec![first.reply];
        while ops.len() < core::GROUP
            && n_rows < core::GROUP_ROWS
            && let Ok(job) = jobs.try_recv()
        {
            n_rows = n_rows.saturating_add(job.op.n_rows());
            ops.push(job.op);
            replies.push(job.reply);
        }

        // The operations of a panicked group are answered by their replies' being dropped; the writer goes on.
        let Ok(mut answers) = catch_unwind(AssertUnwindSafe(|| core::apply(&mut connection, &ops))) else {
            tracing::error!("the store's writer panicked over an operation, which was not stored");
            continue;
        };
        commits.fetch_add(1, Ordering::Relaxed);

        let closing = ops.iter().position(|op| matches!(op, Op::Close));
        if let Some(at) = closing {
            // Everything after was committed as well; no new operation gets in.
            jobs.close();
            answers[at] = close(&connection).map(|()| Answer::Nothing);
        }
        for (at, _) in ops.iter().enumerate().filter(|(_, op)| matches!(op, Op::Fold)) {
            answers[at] = fold(&connection).map(|()| Answer::Nothing);
        }
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Whoever stopped waiting is not owed an answer; what it asked for is stored.
            let _ = reply.send(answer);
        }
    }
}

/// Leaves a small log behind, so that the next start is a short one.
fn close(connection: &Connection) -> Result<()> {
    connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(())
}

/// Folds the log into the database, unless a reader needs it: nobody waits for that, for another time comes.
fn fold(connection: &Connection) -> Result<()> {
    let patience: i64 = connection.pragma_query_value(None, "busy_timeout", |row| row.get(0))?;
    connection.pragma_update(None, "busy_timeout", 0)?;
    let folded = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);");
    connection.pragma_update(None, "busy_timeout", patience)?;
    Ok(folded?)
}

/// A small pool of reading connections.
pub(crate) struct Readers {
    pool: Arc<ReaderPool>,
}

struct ReaderPool {
    path: PathBuf,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Connections are opened when they are first needed.
    pub(crate) fn new(path: PathBuf) -> Self {
        let places = Arc::new(Semaphore::new(READERS));
        Self { pool: Arc::new(ReaderPool { path, places, idle: Mutex::default() }) }
    }

    /// Keeps a connection that is open already.
    pub(crate) fn give(&self, connection: Connection) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    async fn run<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let place = self.place().await?;
        let pool = self.pool.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            pool.lend(read)
        });
        work.await.map_err(|_| Error::Stopped)?
    }

    async fn read_in_place<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let _place = self.place().await?;
        self.pool.lend(read)
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        self.pool.places.clone().acquire_owned().await.map_err(|_| Error::Stopped)
    }
}

impl ReaderPool {
    fn lend<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let found = read(&connection);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        found
    }
}
