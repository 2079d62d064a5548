//! Where the database lies, what it is, and how an older one becomes ours.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::*;
use crate::{Error, schema};

/// The schema of a later year, and one that cannot be reached.
const LATER: &[&str] = &[
    include_str!("../../migrations/0001.sql"),
    "ALTER TABLE flow ADD COLUMN note TEXT; INSERT INTO meta VALUES ('later', 1);",
];
const BROKEN: &[&str] = &[
    include_str!("../../migrations/0001.sql"),
    "ALTER TABLE flow ADD COLUMN note TEXT; INSERT INTO nowhere VALUES (1);",
];

#[test]
fn a_new_database_is_marked_as_ours_and_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("data").join("millrace");
    let store = Store::inline(&home).unwrap();
    let pragma = |name: &str| -> i64 {
        store.look(|connection| connection.pragma_query_value(None, name, |row| row.get(0)).unwrap())
    };
    assert_eq!((pragma("application_id"), pragma("user_version")), (0x4D49_4C4C, 1));
    assert_eq!((pragma("auto_vacuum"), pragma("synchronous"), pragma("foreign_keys")), (2, 2, 1));

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home), 0o700);
        for file in ["millrace.db", "millrace.db-wal"] {
            assert_eq!(mode(&home.join(file)), 0o600, "{file}");
        }
    }
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("millrace.db");
    fs::write(
        &file,
        "a text that somebody keeps here, longer than a database's header is, to be sure that it is read. ".repeat(9),
    )
    .unwrap();
    assert_refused_untouched(dir.path(), |error| matches!(error, Error::NotOurs { .. }));

    fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);").unwrap();
    assert_refused_untouched(dir.path(), |error| matches!(error, Error::NotOurs { .. }));
}

#[test]
fn a_newer_database_is_refused_with_both_numbers() {
    let dir = tempfile::tempdir().unwrap();
    drop(schema::open_writer_with(dir.path(), LATER).unwrap());
    assert_refused_untouched(dir.path(), |error| matches!(error, Error::Newer { found: 2, known: 1 }));
    assert!(matches!(Store::open_read_only(dir.path()), Err(Error::Newer { found: 2, known: 1 })));
    let text = Store::inline(dir.path()).unwrap_err().to_string();
    assert!(text.contains('2') && text.contains('1'), "{text}");
}

#[test]
fn an_older_database_is_copied_and_then_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::inline(dir.path()).unwrap();
    now(store.start_cursor(&source(), cursor(5))).unwrap();
    drop(store);

    let broken = schema::open_writer_with(dir.path(), BROKEN);
    assert!(broken.is_err());
    let store = Store::inline(dir.path()).unwrap();
    assert_eq!(now(store.cursor(&source())).unwrap(), Some(cursor(5)), "half a migration is no migration");
    drop(store);

    let connection = schema::open_writer_with(dir.path(), LATER).unwrap();
    let later: i64 = connection.query_row("SELECT value FROM meta WHERE name = 'later'", [], |row| row.get(0)).unwrap();
    assert_eq!(later, 1);
    let backup = dir.path().join("millrace-schema-1.backup.db");
    let version: i64 =
        Connection::open(&backup).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1, "the copy is of the database before");
}

#[test]
fn an_engine_that_died_before_its_first_transaction_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("millrace.db"), "").unwrap();
    Store::inline(dir.path()).unwrap();
}

#[test]
fn reading_needs_a_database() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open_read_only(dir.path()), Err(Error::Missing { .. })));
    assert!(!dir.path().join("millrace.db").exists());
}

#[test]
fn a_damaged_database_is_said_to_be_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::inline(dir.path()).unwrap();
    for number in 1..100 {
        now(store.insert_manual_run(crate::ManualRun {
            flow: flow(),
            run: new_run(number, &format!("r{number}"), 1),
            version: version(1),
            nonce: String::new(),
            now: at(1),
        }))
        .unwrap();
    }
    now(store.check()).unwrap();
    drop(store);

    let file = dir.path().join("millrace.db");
    let mut bytes = fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 8192].fill(0xAA);
    fs::write(&file, bytes).unwrap();
    let store = Store::inline(dir.path()).unwrap();
    assert!(matches!(now(store.check()), Err(Error::Corrupt { .. })));
}

#[test]
fn a_backup_is_a_whole_database() {
    let dir = tempfile::tempdir().unwrap();
    let store = owned();
    now(store.checkpoint(page(vec![row(1, "ann", 10)], 10))).unwrap();
    for _ in 0..2 {
        now(store.backup(&dir.path().join("millrace.db"))).unwrap();
    }
    let copy = Store::inline(dir.path()).unwrap();
    now(copy.check()).unwrap();
    assert_eq!(now(copy.cursor(&source())).unwrap(), Some(cursor(10)));
    assert_eq!(claimed(&copy, 1000, 9), ["ann@10"]);
    assert!(!dir.path().join("millrace.db.partial").exists());
}

fn assert_refused_untouched(dir: &Path, expected: impl Fn(&Error) -> bool) {
    let before = fs::read(dir.join("millrace.db")).unwrap();
    let error = Store::inline(dir).unwrap_err();
    assert!(expected(&error), "{error:?}");
    assert_eq!(fs::read(dir.join("millrace.db")).unwrap(), before);
}
