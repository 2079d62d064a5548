//! What the bare loop keeps: the engine's rows, by one thread, committed together or each alone.

use std::path::Path;
use std::sync::mpsc;

use anyhow::Context as _;
use rusqlite::{Connection, TransactionBehavior};
use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::text;

/// As many changes as the engine's store puts into one commit.
const GROUP: usize = 200;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE run (id INTEGER PRIMARY KEY, record TEXT NOT NULL, stamp TEXT NOT NULL, state TEXT NOT NULL, ended INTEGER);
    CREATE INDEX run_by_state ON run (state, id);
    CREATE TABLE payload (run INTEGER PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE seen (record TEXT PRIMARY KEY, stamp TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE cursor (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE effect (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, state TEXT NOT NULL, target TEXT);
    CREATE INDEX effect_by_run ON effect (run);
";

/// A change that must be on disk before the loop goes on.
pub enum Change {
    Page { first_run: i64, records: Vec<Json>, cursor: String },
    Intent { run: i64 },
    Outcome { run: i64, target: String },
    Skipped { run: i64 },
}

type Waiting = (Change, oneshot::Sender<()>);

/// The database and its one writer.
pub struct Ledger {
    changes: mpsc::Sender<Waiting>,
    writer: std::thread::JoinHandle<rusqlite::Result<()>>,
}

impl Ledger {
    /// A new one in this folder, which commits whatever has come together, or every change alone.
    pub fn create(dir: &Path, together: bool) -> anyhow::Result<Self> {
        let connection = Connection::open(dir.join("bare.db"))?;
        connection.execute_batch(SCHEMA)?;
        let (changes, waiting) = mpsc::channel();
        let group = if together { GROUP } else { 1 };
        Ok(Self { changes, writer: std::thread::spawn(move || write(connection, &waiting, group)) })
    }

    /// Comes back once the change is on disk.
    pub async fn keep(&self, change: Change) -> anyhow::Result<()> {
        let (kept, answer) = oneshot::channel();
        self.changes.send((change, kept)).ok().context("the writer has gone")?;
        answer.await.context("a change was not kept")
    }

    pub fn close(self) -> anyhow::Result<()> {
        drop(self.changes);
        Ok(self.writer.join().ok().context("the writer panicked")??)
    }
}

fn write(mut connection: Connection, waiting: &mpsc::Receiver<Waiting>, group: usize) -> rusqlite::Result<()> {
    while let Ok(first) = waiting.recv() {
        let together: Vec<Waiting> = std::iter::once(first).chain(waiting.try_iter().take(group - 1)).collect();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (change, _) in &together {
            apply(&transaction, change)?;
        }
        transaction.commit()?;
        for (_, kept) in together {
            // Whoever waited may have failed meanwhile.
            let _ = kept.send(());
        }
    }
    Ok(())
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    let end = "UPDATE run SET state = ?2, ended = ?3 WHERE id = ?1";
    match change {
        Change::Page { first_run, records, cursor } => {
            for (record, run) in records.iter().zip(*first_run..) {
                let (id, stamp) = (text(record, "/id"), text(record, "/updatedAt"));
                let mut insert = connection
                    .prepare_cached("INSERT INTO run (id, record, stamp, state) VALUES (?1, ?2, ?3, 'pending')")?;
                insert.execute((run, &id, &stamp))?;
                let mut insert = connection.prepare_cached("INSERT INTO payload (run, record) VALUES (?1, ?2)")?;
                insert.execute((run, record.to_string()))?;
                let mut insert =
                    connection.prepare_cached("INSERT OR REPLACE INTO seen (record, stamp) VALUES (?1, ?2)")?;
                insert.execute((&id, &stamp))?;
            }
            let mut upsert =
                connection.prepare_cached("INSERT OR REPLACE INTO cursor (name, value) VALUES ('crm', ?1)")?;
            upsert.execute([cursor])?;
        }
        Change::Intent { run } => {
            connection.prepare_cached("INSERT INTO effect (id, run, state) VALUES (?1, ?1, 'sent')")?.execute([run])?;
        }
        Change::Outcome { run, target } => {
            let mut settle =
                connection.prepare_cached("UPDATE effect SET state = 'done', target = ?2 WHERE id = ?1")?;
            settle.execute((run, target))?;
            connection.prepare_cached(end)?.execute((run, "succeeded", 1))?;
        }
        Change::Skipped { run } => {
            connection.prepare_cached(end)?.execute((run, "skipped", 1))?;
        }
    }
    Ok(())
}
