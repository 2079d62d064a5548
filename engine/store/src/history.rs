//! What has happened: runs newest first, one run in full, counts, and what ended since.
//!
//! Pages are found by key, never by offset, so that page one thousand costs what page one does.

use rusqlite::{Connection, Row, ToSql};
use sdk::{FlowId, Record, RecordId, RunId, Timestamp, Value, Version};

use crate::words::{HashColumn, IdColumn, TimeColumn, time};
use crate::{EffectRow, Error, Failure, JournalEntry, LogLine, RunState, error::Result};
use crate::{calls, failures, flows, ledger, log, payload, runs};

/// Which runs a reader wants. The default is every one, none of them: set a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this flow only.
    pub flow: Option<FlowId>,
    /// In one of these states; empty is any.
    pub states: Vec<RunState>,
    /// Of this record only.
    pub record: Option<RecordId>,
    /// With this business key only.
    pub key: Option<KeyFilter>,
    /// Older than this run: the last one of the page before.
    pub before: Option<RunId>,
    /// At most this many.
    pub limit: usize,
}

/// A business key that runs were stored with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFilter {
    /// The key's name; `None` is any.
    pub name: Option<String>,
    /// Its value, exactly.
    pub value: String,
}

/// A run as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// Its flow.
    pub flow: FlowId,
    /// The record.
    pub record: RecordId,
    /// Which version of it.
    pub version: Version,
    /// Empty, or the operator's "run again".
    pub nonce: String,
    /// Its state.
    pub state: RunState,
    /// Attempts begun.
    pub attempt: u32,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When its next attempt is due; of the past once it has begun.
    pub due_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Which ending it was of all runs'; before it ended, how many there had been when it was claimed.
    pub ending: i64,
    /// Why it was skipped or cancelled.
    pub reason: Option<String>,
    /// Its last failure, which a later attempt may have mended.
    pub failure: Option<Failure>,
    /// Failures of steps after which it went on, as its author wished.
    pub ignored: u32,
    /// When an operator put its failure aside.
    pub dismissed_at: Option<Timestamp>,
    /// Why an operator wanted it to stop while it was at work, where one did; whatever became of that.
    pub stop_reason: Option<String>,
}

/// A run in full.
#[derive(Clone, Debug, PartialEq)]
pub struct RunDetail {
    /// What lists show of it.
    pub row: RunRow,
    /// Its business keys.
    pub keys: Vec<(String, String)>,
    /// The record as it was read, unless retention has dropped it.
    pub record: Option<Record>,
    /// The `stop` step's value.
    pub outcome: Option<Value>,
    /// What its look-ups gave.
    pub journal: Vec<JournalEntry>,
    /// Its writes.
    pub effects: Vec<EffectRow>,
    /// What its attempts did.
    pub log: Vec<LogLine>,
    /// The run that called it.
    pub caller: Option<RunId>,
    /// The runs that it called, in that order.
    pub called: Vec<RunId>,
}

const COLUMNS: &str = "run.id, flow.name, run.record, run.stamp, run.hash, run.nonce, run.state, run.attempt, \
    run.created_at, run.due_at, run.started_at, run.ended_at, run.ending, run.reason, run.failure_step, \
    run.failure_class, run.failure_message, run.failure_attempt, run.ignored, \
    run.dismissed_at, run.stop_reason";

/// Digits of a run id that are enough to look for it: of its beginning, and of its end.
const FIRST_DIGITS: usize = 4;
const LAST_DIGITS: usize = 8;

/// How many runs of a flow are in which state: the ended ones as they were counted, the others by their indexes.
pub(crate) const COUNTS: &str = "SELECT state, n FROM run_count WHERE flow = ?1
    UNION ALL SELECT 'pending', count(*) FROM run WHERE flow = ?1 AND state = 'pending'
    UNION ALL SELECT 'waiting', count(*) FROM run WHERE flow = ?1 AND state = 'waiting'
    UNION ALL SELECT 'running', count(*) FROM run WHERE flow = ?1 AND state = 'running'";
/// The runs whose ids end so. An index of their own would cost every run a page of it, for ends are chance; a million
/// runs are looked through in the time of a blink.
pub(crate) const WITH_TAIL: &str = "FROM run JOIN flow ON flow.number = run.flow
    WHERE run.id IN (SELECT id FROM run INDEXED BY run_version WHERE substr(id, 13) = ?1)";

pub(crate) fn runs(connection: &Connection, filter: &RunFilter) -> Result<Vec<RunRow>> {
    let flows: Vec<i64> = match &filter.flow {
        Some(flow) => flows::number(connection, flow)?.into_iter().collect(),
        None => flow_numbers(connection)?,
    };
    let before = filter.before.map(IdColumn);
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
    // Where there is no bound, seventeen bytes stand in for one: greater than every id, and the index is still walked.

    if let Some(key) = &filter.key {
        let mut found = select(
            connection,
            "FROM run_key JOIN run ON run.id = run_key.run JOIN flow ON flow.number = run.flow
             WHERE run_key.value = ?1 AND (?2 IS NULL OR run_key.name = ?2) AND run_key.run < coalesce(?3, x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF')",
            &[&key.value, &key.name, &before],
        )?;
        found.retain(|row| filter.admits(row));
        return Ok(newest(found, filter.limit));
    }
    if let Some(record) = &filter.record {
        let mut found = select(
            connection,
            "FROM run JOIN flow ON flow.number = run.flow WHERE run.record = ?1
             AND run.id < coalesce(?2, x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF')",
            &[&record.as_str(), &before],
        )?;
        found.retain(|row| filter.admits(row));
        return Ok(newest(found, filter.limit));
    }
    if filter.flow.is_none() && filter.states.is_empty() {
        return select(
            connection,
            "FROM run JOIN flow ON flow.number = run.flow
             WHERE run.id < coalesce(?1, x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF') ORDER BY run.id DESC LIMIT ?2",
            &[&before, &limit],
        );
    }
    // One short walk down an index for each flow and state; together they hold the page.
    let states = if filter.states.is_empty() { RunState::ALL } else { &filter.states };
    let mut found = Vec::new();
    for flow in flows {
        for state in states {
            found.extend(select(connection, &page_of(*state), &[&flow, &before, &limit])?);
        }
    }
    Ok(newest(found, filter.limit))
}

pub(crate) fn run(connection: &Connection, asked: &str) -> Result<RunDetail> {
    let row = find(connection, asked)?;
    let id = row.id;
    let outcome: Option<Option<Vec<u8>>> = {
        let mut select = connection.prepare_cached("SELECT outcome FROM payload WHERE run = ?1")?;
        let mut rows = select.query([IdColumn(id)])?;
        rows.next()?.map(|row| row.get(0)).transpose()?
    };
    let mut keys = connection.prepare_cached("SELECT name, value FROM run_key WHERE run = ?1 ORDER BY name, value")?;
    Ok(RunDetail {
        row,
        keys: keys.query_map([IdColumn(id)], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?,
        record: runs::record_of(connection, id)?,
        outcome: outcome.flatten().as_deref().map(payload::unpack_value).transpose()?,
        journal: runs::journal_of(connection, id)?,
        effects: ledger::of_run(connection, id)?,
        log: log::of_run(connection, id)?.lines(),
        caller: calls::caller_of(connection, id)?,
        called: calls::called_by(connection, id)?,
    })
}

/// Runs that gave up and were not dismissed, stored before this one, newest first.
pub(crate) fn failures_before(connection: &Connection, before: Option<RunId>, limit: usize) -> Result<Vec<RunRow>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    select(connection, failures::BY_AGE, &[&failures::bound(before), &limit])
}

pub(crate) fn counts_by_state(connection: &Connection, flow: &FlowId) -> Result<Vec<(RunState, u64)>> {
    let Some(flow) = flows::number(connection, flow)? else {
        return Ok(Vec::new());
    };
    let mut select = connection.prepare_cached(COUNTS)?;
    let mut counts: Vec<(RunState, u64)> = select
        .query_map([flow], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?
        .collect::<rusqlite::Result<_>>()?;
    counts.retain(|(_, n)| *n > 0);
    counts.sort();
    Ok(counts)
}

pub(crate) fn ended_since(connection: &Connection, after: i64, limit: usize) -> Result<Vec<RunRow>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    select(
        connection,
        "FROM run JOIN flow ON flow.number = run.flow WHERE run.ending > ?1 AND run.ended_at IS NOT NULL
         ORDER BY run.ending LIMIT ?2",
        &[&after, &limit],
    )
}

impl RunFilter {
    /// For the runs of one record or key, which are few: the rest is decided row by row.
    fn admits(&self, row: &RunRow) -> bool {
        self.flow.as_ref().is_none_or(|flow| *flow == row.flow)
            && (self.states.is_empty() || self.states.contains(&row.state))
            && self.record.as_ref().is_none_or(|record| *record == row.record)
    }
}

fn newest(mut rows: Vec<RunRow>, limit: usize) -> Vec<RunRow> {
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    // The same run may have one value under several keys.
    rows.dedup_by_key(|row| row.id);
    rows.truncate(limit);
    rows
}

fn find(connection: &Connection, asked: &str) -> Result<RunRow> {
    let digits: String = asked.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let unknown = || Error::NoRun { id: asked.to_owned() };
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let mut found = Vec::new();
    if digits.len() >= FIRST_DIGITS {
        let bound = |filler: &str| {
            let text = format!("{digits}{}", filler.repeat(32 - digits.len()));
            uuid::Uuid::try_parse(&text).map(|id| IdColumn(RunId(id))).map_err(|_| unknown())
        };
        found.extend(select(
            connection,
            "FROM run JOIN flow ON flow.number = run.flow WHERE run.id BETWEEN ?1 AND ?2 LIMIT 2",
            &[&bound("0")?, &bound("f")?],
        )?);
    }
    if digits.len() >= LAST_DIGITS && digits.len() < 32 {
        let tail = u32::from_str_radix(&digits[digits.len() - LAST_DIGITS..], 16).map_err(|_| unknown())?;
        let with_tail = select(connection, WITH_TAIL, &[&tail.to_be_bytes().as_slice()])?;
        found.extend(with_tail.into_iter().filter(|row| row.id.0.simple().to_string().ends_with(&digits)));
    }
    found.sort_by_key(|row| row.id);
    found.dedup_by_key(|row| row.id);
    match found.len() {
        0 => Err(unknown()),
        1 => Ok(found.swap_remove(0)),
        _ => Err(Error::AmbiguousRun { id: asked.to_owned() }),
    }
}

/// A page of a flow's runs in one state. The state is a part of the text, so that SQLite can see which partial index
/// fits; the runs of a state that is no end lie there by due time, and are sorted.
pub(crate) fn page_of(state: RunState) -> String {
    let ended = if state.is_end() { "AND run.ended_at IS NOT NULL" } else { "" };
    format!(
        "FROM run JOIN flow ON flow.number = run.flow
         WHERE run.flow = ?1 AND run.state = '{state}' {ended}
           AND run.id < coalesce(?2, x'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF')
         ORDER BY run.id DESC LIMIT ?3"
    )
}

fn flow_numbers(connection: &Connection) -> Result<Vec<i64>> {
    let mut select = connection.prepare_cached("SELECT number FROM flow")?;
    Ok(select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn select(connection: &Connection, rest: &str, parameters: &[&dyn ToSql]) -> Result<Vec<RunRow>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} {rest}"))?;
    let rows = statement.query_map(parameters, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let IdColumn(id) = row.get(0)?;
    let (TimeColumn(stamp), HashColumn(hash)) = (row.get(3)?, row.get(4)?);
    let (TimeColumn(created_at), TimeColumn(due_at)) = (row.get(8)?, row.get(9)?);
    let failure = runs::read_failure(row, 14)?;
    Ok(RunRow {
        id,
        flow: FlowId::new(row.get::<_, String>(1)?),
        record: RecordId::new(row.get::<_, String>(2)?),
        version: Version { stamp, hash },
        nonce: row.get(5)?,
        state: row.get(6)?,
        attempt: row.get(7)?,
        created_at,
        due_at,
        started_at: time(row.get(10)?),
        ended_at: time(row.get(11)?),
        ending: row.get(12)?,
        reason: row.get(13)?,
        failure,
        ignored: row.get(18)?,
        dismissed_at: time(row.get(19)?),
        stop_reason: row.get(20)?,
    })
}
