//! The bare loop: the same calls and the same durable rows as the engine makes, and nothing else.
//!
//! It reads pages by search, stores a run, a seen row and the cursor with each page; for every customer it stores the
//! intent, writes, and stores the outcome with the run's end. Sixteen requests are in flight; one thread commits, either
//! whatever has come together or every change alone.

use std::path::Path;
use std::sync::mpsc;

use anyhow::Context as _;
use futures::StreamExt as _;
use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;

use crate::process::{self, Measured, Stopwatch, cpu_seconds, memory_mib};
use crate::site::TOKEN;

const IN_FLIGHT: usize = 16;
const PAGE: usize = 200;
/// As many changes as the engine's store puts into one commit.
const GROUP: usize = 200;
const FIELDS: [&str; 6] = ["email", "firstname", "lastname", "phone", "city", "lifecyclestage"];

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

enum Change {
    Page { first_run: i64, records: Vec<Json>, cursor: String },
    Intent { run: i64 },
    Outcome { run: i64, target: String },
    Skipped { run: i64 },
}

type Waiting = (Change, oneshot::Sender<()>);

/// The bare loop's role.
pub async fn work(arguments: &[String]) -> anyhow::Result<()> {
    let [dir, crm, copy, commits] = arguments else { anyhow::bail!("the bare loop takes a folder and two addresses") };
    let group = if commits == "single" { 1 } else { GROUP };
    let connection = Connection::open(Path::new(dir).join("bare.db"))?;
    connection.execute_batch(SCHEMA)?;
    let (changes, waiting) = mpsc::channel();
    let writer = std::thread::spawn(move || write(connection, &waiting, group));
    let client = reqwest::Client::builder().no_proxy().build()?;

    let (watch, cpu_before) = (Stopwatch::start(), cpu_seconds()?);
    let (mut n_read, mut n_written) = (0_i64, 0_u64);
    let mut after = "0".to_owned();
    loop {
        let records = search(&client, crm, &after).await?;
        let is_last = records.len() < PAGE;
        let Some(last) = records.last() else { break };
        after = text(last, "/id");
        let cursor = after.clone();
        keep(&changes, Change::Page { first_run: n_read, records: records.clone(), cursor }).await?;
        let runs = records.into_iter().zip(n_read..).map(|(record, run)| one(&client, copy, &changes, record, run));
        let mut runs = futures::stream::iter(runs.collect::<Vec<_>>()).buffer_unordered(IN_FLIGHT);
        while let Some(written) = runs.next().await {
            n_written += u64::from(written?);
            n_read += 1;
        }
        if is_last {
            break;
        }
    }
    let measured = Measured {
        seconds: watch.elapsed().as_secs_f64(),
        cpu: cpu_seconds()? - cpu_before,
        peak_mib: memory_mib(std::process::id(), "VmHWM")?,
        records: n_read.cast_unsigned(),
        written: n_written,
    };
    drop(changes);
    writer.join().ok().context("the writer panicked")??;
    process::tell(&measured)
}

/// One contact; whether it was written.
async fn one(
    client: &reqwest::Client,
    copy: &str,
    changes: &mpsc::Sender<Waiting>,
    record: Json,
    run: i64,
) -> anyhow::Result<bool> {
    let field = |name: &str| text(&record, &format!("/properties/{name}"));
    if field("lifecyclestage") != "customer" || field("email").is_empty() {
        keep(changes, Change::Skipped { run }).await?;
        return Ok(false);
    }
    let email = field("email").to_lowercase();
    let properties = json!({"properties": {
        "email": email, "firstname": field("firstname"), "lastname": field("lastname"),
        "phone": field("phone"), "city": field("city"),
    }});
    keep(changes, Change::Intent { run }).await?;
    let contacts = format!("{copy}/crm/v3/objects/contacts");
    let update = client.patch(format!("{contacts}/{email}")).query(&[("idProperty", "email")]);
    let mut answer = update.bearer_auth(TOKEN).json(&properties).send().await?;
    if answer.status() == 404 {
        answer = client.post(&contacts).bearer_auth(TOKEN).json(&properties).send().await?;
    }
    let written: Json = answer.error_for_status()?.json().await?;
    keep(changes, Change::Outcome { run, target: text(&written, "/id") }).await?;
    Ok(true)
}

async fn search(client: &reqwest::Client, crm: &str, after: &str) -> anyhow::Result<Vec<Json>> {
    let body = json!({
        "filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": after}]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": FIELDS,
        "limit": PAGE,
    });
    let asked = client.post(format!("{crm}/crm/v3/objects/contacts/search")).bearer_auth(TOKEN).json(&body);
    let mut page: Json = asked.send().await?.error_for_status()?.json().await?;
    match page["results"].take() {
        Json::Array(records) => Ok(records),
        other => anyhow::bail!("a page without results: {other}"),
    }
}

/// Comes back once the change is on disk.
async fn keep(changes: &mpsc::Sender<Waiting>, change: Change) -> anyhow::Result<()> {
    let (kept, answer) = oneshot::channel();
    changes.send((change, kept)).ok().context("the writer has gone")?;
    answer.await.context("a change was not kept")
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

fn text(json: &Json, pointer: &str) -> String {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned()
}
