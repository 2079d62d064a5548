//! What a flow's recent runs did, counted: how many there were, and how often each step was taken.

use std::collections::BTreeMap;

use rusqlite::Connection;
use sdk::{FlowId, Timestamp, Value};

use crate::error::Result;
use crate::words::TimeColumn;
use crate::{flows, payload};

/// Runs that are looked at in full, the newest first.
const SAMPLED: i64 = 1_000;

/// What a flow's runs since some moment did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// How many there were.
    pub runs: u64,
    /// When the first of them was stored.
    pub first_at: Option<Timestamp>,
    /// Of those that have ended, so many were looked at.
    pub sampled: u64,
    /// What those did, by step; what a write looked up first counts under `STEP before`.
    pub steps: BTreeMap<String, StepCount>,
}

/// How often a step was taken, in the items of loops as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepCount {
    /// So often in all.
    pub times: u64,
    /// Of so many it is told whether a record was made.
    pub told: u64,
    /// Of those, so many made one.
    pub created: u64,
}

pub(crate) fn since(connection: &Connection, flow: &FlowId, since: Timestamp) -> Result<Measured> {
    let Some(flow) = flows::number(connection, flow)? else { return Ok(Measured::default()) };
    let mut measured = Measured::default();
    (measured.runs, measured.first_at) = connection
        .prepare_cached("SELECT count(*), min(created_at) FROM run WHERE flow = ?1 AND created_at >= ?2")?
        .query_row((flow, TimeColumn(since)), |row| {
            let first: Option<TimeColumn> = row.get(1)?;
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), first.map(|TimeColumn(first)| first)))
        })?;
    const SAMPLE: &str = "SELECT id FROM run WHERE flow = ?1 AND created_at >= ?2 AND ended_at IS NOT NULL
        ORDER BY created_at DESC, id DESC LIMIT ?3";
    let sample = (flow, since.millis(), SAMPLED);
    measured.sampled = connection
        .prepare_cached(&format!("SELECT count(*) FROM ({SAMPLE})"))?
        .query_row(sample, |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))?;

    let mut writes = connection.prepare_cached(&format!(
        "SELECT step, outcome FROM effect WHERE first_sent_at IS NOT NULL AND run IN ({SAMPLE})"
    ))?;
    let mut rows = writes.query(sample)?;
    while let Some(row) = rows.next()? {
        let step: String = row.get(0)?;
        let outcome: Option<Vec<u8>> = row.get(1)?;
        let count = measured.steps.entry(step).or_default();
        count.times += 1;
        if let Some(Value::Map(outcome)) = outcome.map(|body| payload::unpack_value(&body)).transpose()?
            && let Some(Value::Bool(created)) = outcome.get("created")
        {
            count.told += 1;
            count.created += u64::from(*created);
        }
    }
    let mut look_ups = connection.prepare_cached(&format!("SELECT key FROM journal WHERE run IN ({SAMPLE})"))?;
    let mut rows = look_ups.query(sample)?;
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        let step = key.split('[').next().unwrap_or_default().to_owned();
        measured.steps.entry(step).or_default().times += 1;
    }
    Ok(measured)
}
