//! What the store promises, verb by verb.
//!
//! Most tests drive the inline store, whose verbs end within their call; the writer thread has tests of its own.

mod calls;
mod cancelling;
mod checkpoints;
mod crashes;
mod effects;
mod flows;
mod histories;
mod kill;
mod lanes;
mod measuring;
mod places;
mod repairs;
mod schedules;
mod writer;

use std::time::Duration;

use futures::FutureExt as _;
use sdk::{Fields, FlowId, Record, RecordId, RunId, Timestamp, Value, Version};

use crate::{Checkpoint, ClaimedRun, Cursor, Failure, NewRun, SeenRow, SourceKey, Store, Tally};

/// What an inline verb answers, without a runtime.
fn now<T>(verb: impl Future<Output = T>) -> T {
    verb.now_or_never().expect("an inline verb ends within its call")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn flow() -> FlowId {
    FlowId::from("leads")
}

fn source() -> SourceKey {
    source_of(&flow())
}

fn source_of(flow: &FlowId) -> SourceKey {
    SourceKey { flow: flow.clone(), source: "crm.contacts by modified".to_owned() }
}

fn run_id(number: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(number))
}

fn cursor(watermark: i64) -> Cursor {
    Cursor {
        floor: at(0),
        watermark: at(watermark),
        wide_at: at(1),
        swept_at: at(2),
        overlap: Duration::from_secs(90),
        allowance: Duration::from_secs(600),
        pass: None,
    }
}

fn record(id: &str, stamp: i64) -> Record {
    let fields = Fields::from([("email".to_owned(), Value::from(format!("{id}@example.com").as_str()))]);
    Record { id: RecordId::from(id), created: None, modified: at(stamp), fields }
}

fn version(stamp: i64) -> Version {
    Version { stamp: at(stamp), hash: 7 }
}

fn new_run(number: u128, record_id: &str, stamp: i64) -> NewRun {
    let keys = vec![("email".to_owned(), format!("{record_id}@example.com"))];
    NewRun { id: run_id(number), record: record(record_id, stamp), keys }
}

fn row(number: u128, record_id: &str, stamp: i64) -> SeenRow {
    let run = Some(new_run(number, record_id, stamp));
    SeenRow { id: RecordId::from(record_id), version: version(stamp), run }
}

/// A page of the source, read by the first owner.
fn page(rows: Vec<SeenRow>, watermark: i64) -> Checkpoint {
    Checkpoint {
        key: source(),
        epoch: 1,
        projection: 1,
        rows,
        cursor: cursor(watermark),
        forget_before: None,
        tally: Tally::default(),
        now: at(1000),
    }
}

/// A store whose owner has epoch 1.
fn owned() -> Store {
    let store = Store::in_memory().unwrap();
    assert_eq!(now(store.take_over(at(0))).unwrap().epoch, 1);
    store
}

fn claim(store: &Store, when: i64, limit: usize) -> Vec<ClaimedRun> {
    now(store.claim(at(when), &[(flow(), limit)])).unwrap()
}

/// The records claimed, as `id@stamp`.
fn claimed(store: &Store, when: i64, limit: usize) -> Vec<String> {
    claim(store, when, limit).iter().map(|run| format!("{}@{}", run.record.id, run.version.stamp.millis())).collect()
}

/// How SQLite would answer this question.
fn query_plan(store: &Store, sql: &str) -> String {
    store.look(|connection| {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let lines = explain.raw_query().mapped(|row| row.get::<_, String>(3)).map(Result::unwrap).collect::<Vec<_>>();
        lines.join("\n")
    })
}

fn failure(message: &str) -> Failure {
    Failure { step: "write".to_owned(), class: "transient".to_owned(), message: message.to_owned(), attempt: 1 }
}
