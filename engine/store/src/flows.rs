//! Flows as the store knows them: by number inside, by name outside.

use rusqlite::{Connection, OptionalExtension as _};
use sdk::{FlowId, Timestamp};

use crate::words::{TimeColumn, time};
use crate::{Error, error::Result};

/// Whether a flow is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    /// Polled, and its runs are worked on.
    Active,
    /// Stopped by an operator.
    Paused,
    /// Stopped by its file: `enabled: false`.
    Disabled,
    /// Stopped by a brake, until an operator looks.
    Held,
    /// Its connection needs a new token.
    Blocked,
    /// Its file does not pass the check.
    Invalid,
}

/// A flow that the store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// Its name.
    pub flow: FlowId,
    /// Its state.
    pub state: FlowState,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// When the state was last set; `None` before it ever was.
    pub changed_at: Option<Timestamp>,
    /// Runs that an operator asked for, beside those that its polls stored.
    pub asked: u64,
}

/// The flow's number, if the store knows it.
pub(crate) fn number(connection: &Connection, flow: &FlowId) -> Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT number FROM flow WHERE name = ?1")?;
    Ok(select.query_row([flow.as_str()], |row| row.get(0)).optional()?)
}

/// The flow's number; the store knows the flow afterwards.
pub(crate) fn ensure(connection: &Connection, flow: &FlowId) -> Result<i64> {
    if let Some(number) = number(connection, flow)? {
        return Ok(number);
    }
    let identity = free_identity(connection, flow)?;
    let mut insert = connection.prepare_cached("INSERT INTO flow (name, identity) VALUES (?1, ?2)")?;
    insert.execute([flow.as_str(), &identity])?;
    Ok(connection.last_insert_rowid())
}

pub(crate) fn set_state(
    connection: &Connection,
    flow: &FlowId,
    state: FlowState,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let number = ensure(connection, flow)?;
    connection
        .prepare_cached("UPDATE flow SET state = ?2, reason = ?3, changed_at = ?4 WHERE number = ?1")?
        .execute((number, state, reason, TimeColumn(now)))?;
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<FlowRow>> {
    let mut select =
        connection.prepare_cached("SELECT name, state, reason, changed_at, asked FROM flow ORDER BY name")?;
    let rows = select.query_map([], |row| {
        Ok(FlowRow {
            flow: FlowId::new(row.get::<_, String>(0)?),
            state: row.get(1)?,
            reason: row.get(2)?,
            changed_at: time(row.get(3)?),
            asked: row.get::<_, i64>(4)?.cast_unsigned(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Every flow's number and name, by name.
pub(crate) fn numbered(connection: &Connection) -> Result<Vec<(i64, FlowId)>> {
    let mut select = connection.prepare_cached("SELECT number, name FROM flow ORDER BY name")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, FlowId::new(row.get::<_, String>(1)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn rename(connection: &Connection, from: &FlowId, to: &FlowId) -> Result<bool> {
    let Some(renamed) = number(connection, from)? else {
        return Ok(false);
    };
    if let Some(other) = number(connection, to)? {
        // A row that only holds a state was made by starting before the renaming; it has nothing to lose.
        let has_history: bool = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM run WHERE flow = ?1) OR EXISTS (SELECT 1 FROM source WHERE flow = ?1)
                 OR EXISTS (SELECT 1 FROM effect WHERE flow = ?1)
                 OR EXISTS (SELECT 1 FROM schedule WHERE flow = ?1 AND last_fired IS NOT NULL)",
            [other],
            |row| row.get(0),
        )?;
        if has_history {
            return Err(Error::FlowExists { from: from.clone(), to: to.clone() });
        }
        connection.execute("DELETE FROM run_count WHERE flow = ?1", [other])?;
        connection.execute("DELETE FROM schedule WHERE flow = ?1", [other])?;
        connection.execute("DELETE FROM flow WHERE number = ?1", [other])?;
    }
    connection.execute("UPDATE flow SET name = ?2 WHERE number = ?1", (renamed, to.as_str()))?;
    Ok(true)
}

pub(crate) fn identity(connection: &Connection, flow: &FlowId) -> Result<FlowId> {
    let mut select = connection.prepare_cached("SELECT identity FROM flow WHERE name = ?1")?;
    let known: Option<String> = select.query_row([flow.as_str()], |row| row.get(0)).optional()?;
    match known {
        Some(identity) => Ok(FlowId::new(identity)),
        None => free_identity(connection, flow).map(FlowId::new),
    }
}

/// The name itself, or with a number behind it where a flow that is called otherwise today was first called so: else
/// the new flow's writes would be taken for the old one's.
fn free_identity(connection: &Connection, flow: &FlowId) -> Result<String> {
    let mut taken = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM flow WHERE identity = ?1)")?;
    let mut identity = flow.as_str().to_owned();
    let mut next = 2;
    while taken.query_row([&identity], |row| row.get(0))? {
        identity = format!("{flow}#{next}");
        next += 1;
    }
    Ok(identity)
}
