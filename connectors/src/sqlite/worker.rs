//! The thread on which a database is read. SQLite blocks, and async threads do not.

use std::sync::Arc;
use std::thread;

use rusqlite::Connection;
use sdk::{Class, Error};
use tokio::sync::{mpsc, oneshot};

use super::database::{Access, Database, Opened};

/// Runs reads one after the other.
pub(super) struct Reader {
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce(Result<&Connection, Error>) + Send>;

/// So many may wait; whoever comes later waits to be let in.
pub(super) const QUEUE: usize = 1024;

impl Reader {
    /// The thread ends with the connection. It opens the file when it is first asked.
    pub(super) fn start(database: Arc<Database>) -> Result<Self, Error> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        spawn("sqlite-reader", move || {
            let mut handle = Handle::new(database, Access::Read);
            while let Some(job) = queue.blocking_recv() {
                job(handle.connection().map(|connection| &*connection));
            }
        })?;
        Ok(Self { jobs })
    }

    /// What the function reads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(connection.and_then(read));
        });
        self.jobs.send(job).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

/// A connection that is opened when it is needed, and opened anew where the file was replaced.
pub(super) struct Handle {
    database: Arc<Database>,
    access: Access,
    opened: Option<Opened>,
}

impl Handle {
    pub(super) fn new(database: Arc<Database>, access: Access) -> Self {
        Self { database, access, opened: None }
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, Error> {
        let current = self.opened.take().filter(|opened| self.database.is_current(opened));
        let opened = match current {
            Some(opened) => opened,
            None => self.database.open(self.access)?,
        };
        Ok(&mut self.opened.insert(opened).connection)
    }
}

pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map(drop).map_err(|error| Error::new(Class::Transient, format!("no thread for the database: {error}")))
}

/// The thread ended by a panic, which is in the log; nothing more will be read or written until a restart.
pub(super) fn stopped() -> Error {
    Error::new(Class::Transient, "the database's thread has stopped")
}
