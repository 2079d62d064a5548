//! Opening the file, and making it where there is none.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use sdk::{Class, Error};

use super::failure;

/// How long a statement waits for another process's write to end.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The file that a connection names, whether it exists yet or not.
pub(super) struct Database {
    path: PathBuf,
    init: Option<PathBuf>,
    /// Held while the file is made, so that it is made once.
    making: Mutex<()>,
}

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// An open connection, and which file it was opened on.
pub(super) struct Opened {
    pub(super) connection: Connection,
    file: FileId,
}

impl Database {
    pub(super) fn new(path: PathBuf, init: Option<PathBuf>) -> Self {
        Self { path, init, making: Mutex::new(()) }
    }

    /// The file's path, as far as it can be resolved.
    pub(super) fn identity(&self) -> String {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()).display().to_string()
    }

    /// Opens a connection, after the script made the file where there was none.
    pub(super) fn open(&self, access: Access) -> Result<Opened, Error> {
        self.make()?;
        let connection = self.connect(&self.path).map_err(|error| self.refused(&error))?;
        configure(&connection, access).map_err(|error| self.refused(&error))?;
        let encoding: String =
            connection.pragma_query_value(None, "encoding", |row| row.get(0)).map_err(|error| self.refused(&error))?;
        if encoding != "UTF-8" {
            // Ids are ordered byte by byte, and other encodings have other bytes.
            let message = format!("{} keeps its text as {encoding}; only UTF-8 is read", self.path.display());
            return Err(Error::new(Class::Invalid, message));
        }
        let file = FileId::of(&self.path).ok_or_else(|| self.missing())?;
        Ok(Opened { connection, file })
    }

    /// Whether the connection still writes to the file that the path names. It does not after the file was removed
    /// or replaced: what is written then is lost with the old one.
    pub(super) fn is_current(&self, opened: &Opened) -> bool {
        FileId::of(&self.path).as_ref() == Some(&opened.file)
    }

    /// Never creates a file: an empty database in place of a mistyped path would look like one without tables.
    fn connect(&self, path: &Path) -> rusqlite::Result<Connection> {
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
    }

    fn make(&self) -> Result<(), Error> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.path.exists() {
            return Ok(());
        }
        let Some(init) = &self.init else { return Err(self.missing()) };
        let script = fs::read_to_string(init).map_err(|error| {
            Error::new(Class::Invalid, format!("the script {} cannot be read: {error}", init.display()))
        })?;
        let draft = self.draft();
        remove(&draft);
        let made = run_script(&draft, &script).map_err(|reason| {
            let message = format!("the script {} made no database: {reason}", init.display());
            Error::new(Class::Invalid, message)
        });
        // A link, unlike a rename, never replaces a file that appeared meanwhile.
        let made = made.and_then(|()| match fs::hard_link(&draft, &self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                let message = format!("{} cannot be made: {error}", self.path.display());
                Err(Error::new(Class::Invalid, message))
            }
            Ok(()) | Err(_) => Ok(()),
        });
        remove(&draft);
        made?;
        if let Some(folder) = self.path.parent()
            && let Ok(folder) = fs::File::open(folder)
        {
            // The name must survive a power cut as the contents do; not every file system can be told to.
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// Where the script works, until it is done: a name that no other process or connection works under.
    fn draft(&self) -> PathBuf {
        static N_DRAFTS: AtomicU64 = AtomicU64::new(0);
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{}-{}.new", std::process::id(), N_DRAFTS.fetch_add(1, Ordering::Relaxed)));
        name.into()
    }

    fn missing(&self) -> Error {
        let message =
            format!("no database at {}; create it, or name a script as `init:` that does", self.path.display());
        Error::new(Class::Invalid, message)
    }

    fn refused(&self, error: &rusqlite::Error) -> Error {
        let mut refused = failure::of(error);
        refused.message = format!("{}: {}", self.path.display(), refused.message);
        refused
    }
}

/// Removes a draft, and whatever SQLite kept beside it.
fn remove(draft: &Path) {
    for beside in ["", "-journal", "-wal", "-shm"] {
        let mut path = draft.to_owned().into_os_string();
        path.push(beside);
        // What is not there need not be removed.
        let _ = fs::remove_file(path);
    }
}

/// Settings that hold for this connection alone; the file keeps its own, such as its journal mode.
fn configure(connection: &Connection, access: Access) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_prepared_statement_cache_capacity(128);
    match access {
        Access::Read => connection.pragma_update(None, "query_only", true)?,
        Access::Write => {}
    }
    // The first look at the file's contents: what is no database is found out here.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Runs the whole script in one transaction, in a file that nobody else sees. The new database keeps a write-ahead
/// log, so that whoever reads it does not hold up the writer.
fn run_script(draft: &Path, script: &str) -> Result<(), String> {
    let connection = Connection::open(draft).map_err(|error| error.to_string())?;
    let run = || -> rusqlite::Result<()> {
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(script)?;
        connection.execute_batch("COMMIT")
    };
    run().map_err(|error| match error {
        // The message of these names the place, and then the whole script.
        rusqlite::Error::SqlInputError { msg, offset, sql, .. } => {
            let at = usize::try_from(offset).unwrap_or(0).min(sql.len());
            let near: String = sql.get(at..).unwrap_or_default().chars().take(40).collect();
            format!("{msg}, near `{}`", near.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        error if error.to_string().contains("within a transaction") => {
            format!("{error}; the script runs in one transaction of ours, so it begins and ends none")
        }
        error => error.to_string(),
    })?;
    connection.close().map_err(|(_, error)| error.to_string())
}

/// Which file a path names just now.
#[derive(Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(path).ok().map(|file| Self(file.dev(), file.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|_| Self(0, 0))
    }
}
