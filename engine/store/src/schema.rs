//! The database's place, its schema, and the way from an older one to ours.
//!
//! Migrations only go forward, one transaction each, and an existing database is copied before the first of them.
//! A file that is not ours, or that a newer engine wrote, is refused and not touched.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{Error, error::Result};

/// The database's file in the engine's directory.
pub(crate) const FILE: &str = "millrace.db";
/// Marks the file as ours: `MILL`.
const APPLICATION_ID: i64 = 0x4D49_4C4C;
/// Each brings the schema from its index to the next number.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001.sql")];
/// Older ones may corrupt a database that two connections write or checkpoint at once.
const NEEDED_SQLITE: (i32, &str) = (3_051_003, "3.51.3");
/// A larger database would keep the engine from starting for longer than we promise.
const LARGEST_CHECKED_AT_START: u64 = 1 << 30;
const CACHED_STATEMENTS: usize = 128;

/// Opens for writing, creating what is not there and migrating what is older. Checks the file if its last owner died.
pub(crate) fn open_writer(dir: &Path) -> Result<Connection> {
    open_writer_with(dir, MIGRATIONS)
}

/// [`open_writer`] with other migrations, by which a test plays the engine of another year.
pub(crate) fn open_writer_with(dir: &Path, migrations: &[&str]) -> Result<Connection> {
    check_sqlite()?;
    create_dir(dir)?;
    let path = dir.join(FILE);
    let owner_died = fs::metadata(wal_of(&path)).is_ok_and(|wal| wal.len() > 0);
    create_file(&path)?;

    let mut connection = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE,
    )?;
    connection.pragma_update(None, "busy_timeout", 5000)?;
    let known = migrations.len() as i64;
    let found = recognise(&connection, &path, known)?;
    prepare_writer(&connection)?;
    if owner_died && fs::metadata(&path).is_ok_and(|file| file.len() < LARGEST_CHECKED_AT_START) {
        check(&connection)?;
    }
    if found > 0 && found < known {
        back_up(&connection, &dir.join(format!("millrace-schema-{found}.backup.db")))?;
    }
    migrate(&mut connection, migrations)?;
    Ok(connection)
}

/// Opens an existing database for reading.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    check_sqlite()?;
    if !path.exists() {
        return Err(Error::Missing { dir: path.parent().unwrap_or(path).to_owned() });
    }
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE,
    )?;
    connection.pragma_update(None, "busy_timeout", 5000)?;
    let known = MIGRATIONS.len() as i64;
    let found = recognise(&connection, path, known)?;
    if found < known {
        return Err(Error::Older { found, known });
    }
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(connection)
}

/// A database that nobody else sees and that ends with its handle.
pub(crate) fn open_memory() -> Result<Connection> {
    check_sqlite()?;
    let mut connection = Connection::open_in_memory()?;
    prepare_writer(&connection)?;
    migrate(&mut connection, MIGRATIONS)?;
    // Nothing here outlives the process, and a seed must replay the same hashes.
    connection.execute("UPDATE meta SET value = zeroblob(32) WHERE name = 'target_key_secret'", [])?;
    Ok(connection)
}

/// Writes a complete copy: under another name first, so that a half copy is never taken for a backup.
pub(crate) fn back_up(connection: &Connection, to: &Path) -> Result<()> {
    let partial = with_suffix(to, ".partial");
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::file("remove an unfinished backup", &partial, error));
        }
        _ => {}
    }
    // Created by us, so that nobody else may read it from its first byte on.
    create_file(&partial)?;
    // The copy is a write, if not to this database; a reader is told to allow it.
    let query_only: bool = connection.pragma_query_value(None, "query_only", |row| row.get(0))?;
    connection.pragma_update(None, "query_only", false)?;
    let copied = connection.execute("VACUUM INTO ?1", [partial.to_string_lossy().as_ref()]);
    connection.pragma_update(None, "query_only", query_only)?;
    copied?;
    File::open(&partial).and_then(|file| file.sync_all()).map_err(|error| Error::file("flush", &partial, error))?;
    fs::rename(&partial, to).map_err(|error| Error::file("name the backup", to, error))?;
    sync_dir(to)
}

/// Creates the engine's directory, for its owner alone, where there is none.
pub(crate) fn create_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| Error::file("create the directory", dir, error))
}

/// The name of a network filesystem under `dir`, where locks and flushes cannot be relied on.
#[cfg(target_os = "linux")]
pub(crate) fn network_filesystem(dir: &Path) -> Option<&'static str> {
    let magic = rustix::fs::statfs(dir).ok()?.f_type;
    // The kernel's numbers; the type of the field differs between architectures.
    match u32::try_from(i128::from(magic) & 0xFFFF_FFFF).ok()? {
        0x6969 => Some("NFS"),
        0x517B => Some("SMB"),
        0xFF53_4D42 => Some("CIFS"),
        0xFE53_4D42 => Some("SMB2"),
        0x0102_1997 => Some("9P"),
        _ => None,
    }
}

/// The name of a network filesystem under `dir`; only Linux tells us.
#[cfg(not(target_os = "linux"))]
pub(crate) fn network_filesystem(_dir: &Path) -> Option<&'static str> {
    None
}

/// Reads every page; the first damage found is the error.
pub(crate) fn check(connection: &Connection) -> Result<()> {
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if answer != "ok" {
        return Err(Error::corrupt(answer));
    }
    let mut dangling = connection.prepare("PRAGMA foreign_key_check")?;
    let mut dangling = dangling.query([])?;
    match dangling.next()? {
        Some(row) => Err(Error::corrupt(format!("a row of `{}` refers to nothing", row.get::<_, String>(0)?))),
        None => Ok(()),
    }
}

/// The file's schema number, 0 for an empty file.
fn recognise(connection: &Connection, path: &Path, known: i64) -> Result<i64> {
    let not_ours = || Error::NotOurs { path: path.to_owned() };
    let number = |name: &str| match connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)) {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => Err(not_ours()),
        answer => answer.map_err(Error::from),
    };
    let application = number("application_id")?;
    let found = number("user_version")?;
    if application != APPLICATION_ID {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        // An engine that died before its first transaction leaves such a file.
        return if application == 0 && found == 0 && tables == 0 { Ok(0) } else { Err(not_ours()) };
    }
    if found > known {
        return Err(Error::Newer { found, known });
    }
    Ok(found)
}

fn prepare_writer(connection: &Connection) -> Result<()> {
    // Only before the first table does this have an effect.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // An acknowledged intent must outlive a power cut: its request may have been sent.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 1000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(())
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<()> {
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Asked within the transaction: another program may have migrated while we waited for the lock.
        let at: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let Some(migration) = usize::try_from(at).ok().and_then(|at| migrations.get(at)) else {
            return Ok(());
        };
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", at + 1)?;
        transaction.commit()?;
    }
}

fn check_sqlite() -> Result<()> {
    let (needed, name) = NEEDED_SQLITE;
    if rusqlite::version_number() < needed {
        return Err(Error::OldSqlite { found: rusqlite::version().to_owned(), needed: name });
    }
    Ok(())
}

/// Creates the file for its owner alone; SQLite gives its side files the same mode.
fn create_file(path: &Path) -> Result<()> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| Error::file("open", path, error))
}

fn sync_dir(of: &Path) -> Result<()> {
    let dir = match of.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| Error::file("flush the directory", dir, error))
}

fn wal_of(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
