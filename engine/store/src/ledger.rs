//! The effect ledger in SQL: intended, sent, settled.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sdk::{ConnectionName, EffectId, RecordId, RunId, Timestamp, Value};

use crate::words::{HashColumn, IdColumn, TimeColumn, time};
use crate::{EffectRow, EffectState, Error, Intent, Planned, Settlement, error::Result, flows, payload};

const COLUMNS: &str = "id, run, step, item, state, verb, connection, object, attempts, first_sent_at, last_sent_at, \
    outcome, target_id, class, failures, maybe_applied";

pub(crate) fn plan(connection: &Connection, intent: &Intent) -> Result<Planned> {
    if let Some(known) = effect(connection, &intent.effect_id)? {
        return match known.state {
            EffectState::Planned => {
                if supersede_if_late(connection, &intent.effect_id, intent.now)? == EffectState::Superseded {
                    return Ok(Planned::Superseded);
                }
                if intent.is_sent_at_once {
                    mark_sent(connection, &intent.effect_id, intent.now)?;
                }
                Ok(Planned::Known(known))
            }
            EffectState::Superseded => Ok(Planned::Superseded),
            EffectState::Sent
            | EffectState::Done
            | EffectState::Unchanged
            | EffectState::Failed
            | EffectState::Unknown
            | EffectState::Skipped => Ok(Planned::Known(known)),
        };
    }

    let flow = flows::ensure(connection, &intent.flow)?;
    let state = match (is_late(connection, flow, intent)?, intent.is_sent_at_once) {
        (true, _) => EffectState::Superseded,
        (false, true) => EffectState::Sent,
        (false, false) => EffectState::Planned,
    };
    let sent_at = (state == EffectState::Sent).then_some(TimeColumn(intent.now));
    let settled_at = (state == EffectState::Superseded).then_some(TimeColumn(intent.now));
    connection
        .prepare_cached(
            "INSERT INTO effect (id, run, flow, step, item, record, stamp, verb, connection, object, target_key,
                                 request_hash, planned_at, nonce, state, attempts, first_sent_at, last_sent_at, settled_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?17, ?18)",
        )?
        .execute(params![
            intent.effect_id.as_str(),
            IdColumn(intent.run),
            flow,
            intent.step,
            intent.item,
            intent.record.as_str(),
            TimeColumn(intent.stamp),
            intent.verb,
            intent.connection.as_str(),
            intent.object,
            intent.target_key,
            HashColumn(intent.request_hash),
            TimeColumn(intent.now),
            intent.nonce,
            state,
            i64::from(state == EffectState::Sent),
            sent_at,
            settled_at,
        ])?;
    Ok(if state == EffectState::Superseded { Planned::Superseded } else { Planned::New })
}

pub(crate) fn mark_sent(connection: &Connection, id: &EffectId, now: Timestamp) -> Result<()> {
    match state_of(connection, id)? {
        EffectState::Planned | EffectState::Sent => {}
        state @ (EffectState::Done
        | EffectState::Unchanged
        | EffectState::Superseded
        | EffectState::Failed
        | EffectState::Unknown
        | EffectState::Skipped) => return Err(Error::NotSendable { id: id.clone(), state }),
    }
    connection
        .prepare_cached(
            "UPDATE effect SET state = 'sent', attempts = attempts + 1, last_sent_at = ?2,
                               first_sent_at = coalesce(first_sent_at, ?2) WHERE id = ?1",
        )?
        .execute((id.as_str(), TimeColumn(now)))?;
    Ok(())
}

pub(crate) fn settle(
    connection: &Connection,
    id: &EffectId,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<EffectState> {
    match state_of(connection, id)? {
        // What was applied stays applied, and what was overtaken stays overtaken.
        state @ (EffectState::Done | EffectState::Unchanged | EffectState::Superseded) => return Ok(state),
        EffectState::Planned
        | EffectState::Sent
        | EffectState::Failed
        | EffectState::Unknown
        | EffectState::Skipped => {}
    }
    let text = |text: &str| Some(Value::from(text));
    let (state, outcome, target, class) = match settlement {
        Settlement::Done { target, outcome } => (EffectState::Done, Some(outcome.clone()), Some(target), None),
        Settlement::Unchanged { target, outcome } => {
            (EffectState::Unchanged, Some(outcome.clone()), Some(target), None)
        }
        Settlement::Again { class, message, .. } => (EffectState::Planned, text(message), None, Some(class)),
        Settlement::Failed { class, message } => (EffectState::Failed, text(message), None, Some(class)),
        Settlement::Unknown { class, message } => (EffectState::Unknown, text(message), None, Some(class)),
        Settlement::Skipped { reason } => (EffectState::Skipped, text(reason), None, None),
    };
    let (failures, maybe_applied) = match settlement {
        Settlement::Again { counts, maybe_applied, .. } => (i64::from(*counts), *maybe_applied),
        Settlement::Done { .. }
        | Settlement::Unchanged { .. }
        | Settlement::Failed { .. }
        | Settlement::Unknown { .. }
        | Settlement::Skipped { .. } => (0, false),
    };
    connection
        .prepare_cached(
            "UPDATE effect SET state = ?2, settled_at = ?3, outcome = ?4, target_id = ?5, class = ?6,
                               failures = failures + ?7, maybe_applied = max(maybe_applied, ?8) WHERE id = ?1",
        )?
        .execute((
            id.as_str(),
            state,
            TimeColumn(now),
            outcome.as_ref().map(payload::pack_value),
            target.map(RecordId::as_str),
            class,
            failures,
            maybe_applied,
        ))?;
    match settlement {
        Settlement::Again { .. } => supersede_if_late(connection, id, now),
        Settlement::Done { .. }
        | Settlement::Unchanged { .. }
        | Settlement::Failed { .. }
        | Settlement::Unknown { .. }
        | Settlement::Skipped { .. } => Ok(state),
    }
}

/// What a write is left out for whose run was cancelled, in the place of a class.
const CANCELLED: &str = "cancelled";

/// Whether the write was left out because its run was cancelled, so that a retry of the run makes it after all.
pub(crate) fn is_cancelled(effect: &EffectRow) -> bool {
    effect.state == EffectState::Skipped && effect.class.as_deref() == Some(CANCELLED)
}

/// A planned write is left out, because its run is cancelled.
pub(crate) fn cancel(connection: &Connection, id: &EffectId, now: Timestamp) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE effect SET state = 'skipped', settled_at = ?2, outcome = ?3, class = ?4
             WHERE id = ?1 AND state = 'planned'",
        )?
        .execute((
            id.as_str(),
            TimeColumn(now),
            payload::pack_value(&Value::from("its run was cancelled first")),
            CANCELLED,
        ))?;
    Ok(())
}

/// A write that ended failed or unknown, or that was left out with its run, is planned again. How often it was sent
/// stays counted; what went wrong does not.
pub(crate) fn plan_again(connection: &Connection, id: &EffectId) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE effect SET state = 'planned', failures = 0, settled_at = NULL, outcome = NULL, class = NULL
             WHERE id = ?1 AND (state IN ('failed', 'unknown') OR state = 'skipped' AND class = 'cancelled')",
        )?
        .execute([id.as_str()])?;
    Ok(())
}

/// A write in doubt is done, by an operator's word; to which record may not be known.
pub(crate) fn assume_applied(
    connection: &Connection,
    id: &EffectId,
    target: Option<&RecordId>,
    outcome: &Value,
    now: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE effect SET state = 'done', settled_at = ?2, outcome = ?3, target_id = ?4, class = NULL
             WHERE id = ?1 AND state = 'unknown'",
        )?
        .execute((id.as_str(), TimeColumn(now), payload::pack_value(outcome), target.map(RecordId::as_str)))?;
    Ok(())
}

pub(crate) fn effect(connection: &Connection, id: &EffectId) -> Result<Option<EffectRow>> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM effect WHERE id = ?1"))?;
    let mut rows = select.query([id.as_str()])?;
    rows.next()?.map(read).transpose()
}

/// The writes that a run asked for first, in the order in which it did.
pub(crate) fn of_run(connection: &Connection, run: RunId) -> Result<Vec<EffectRow>> {
    let mut select = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM effect WHERE run = ?1 ORDER BY planned_at, step, item"))?;
    read_all(select.query([IdColumn(run)])?)
}

/// How many writes of the run were applied, and the step of the last one.
pub(crate) fn applied_of_run(connection: &Connection, run: RunId) -> Result<(u64, Option<String>)> {
    let mut count =
        connection.prepare_cached("SELECT count(*) FROM effect WHERE run = ?1 AND state IN ('done', 'unchanged')")?;
    let n: i64 = count.query_row([IdColumn(run)], |row| row.get(0))?;
    let mut select = connection.prepare_cached(
        "SELECT step FROM effect WHERE run = ?1 AND state IN ('done', 'unchanged')
         ORDER BY settled_at DESC, number DESC LIMIT 1",
    )?;
    Ok((n.cast_unsigned(), select.query_row([IdColumn(run)], |row| row.get(0)).optional()?))
}

pub(crate) fn in_state(connection: &Connection, state: EffectState, limit: usize) -> Result<Vec<EffectRow>> {
    // The word is written into the statement so that SQLite can see that the partial index fits.
    let mut select =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM effect WHERE state = '{state}' LIMIT ?1"))?;
    read_all(select.query([i64::try_from(limit).unwrap_or(i64::MAX)])?)
}

pub(crate) fn known_target(
    connection: &Connection,
    name: &ConnectionName,
    object: &str,
    target_key: &str,
) -> Result<Option<RecordId>> {
    let mut select = connection.prepare_cached(
        "SELECT target_id FROM effect
         WHERE connection = ?1 AND object = ?2 AND target_key = ?3 AND state IN ('done', 'unchanged')
         ORDER BY settled_at DESC LIMIT 1",
    )?;
    let target: Option<Option<String>> =
        select.query_row((name.as_str(), object, target_key), |row| row.get(0)).optional()?;
    Ok(target.flatten().map(RecordId::new))
}

/// Whether a newer write of the same flow, step, item and record was applied, which this one would overwrite.
fn is_late(connection: &Connection, flow: i64, intent: &Intent) -> Result<bool> {
    if intent.record.as_str().is_empty() {
        return Ok(false);
    }
    let mut select = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM effect AS newer
             WHERE newer.record = ?1 AND newer.flow = ?2 AND newer.step = ?3 AND newer.item = ?4
               AND newer.nonce = ?5 AND newer.state IN ('done', 'unchanged') AND newer.stamp > ?6)",
    )?;
    let key = (intent.record.as_str(), flow, &intent.step, &intent.item, &intent.nonce, TimeColumn(intent.stamp));
    Ok(select.query_row(key, |row| row.get(0))?)
}

/// Marks a planned write as superseded where a newer one of the same flow, step, item and record was applied: sent now,
/// it would overwrite the newer state. Answers the state it is in.
fn supersede_if_late(connection: &Connection, id: &EffectId, now: Timestamp) -> Result<EffectState> {
    let mut update = connection.prepare_cached(
        "UPDATE effect SET state = 'superseded', settled_at = ?2
         WHERE id = ?1 AND state = 'planned' AND effect.record <> '' AND EXISTS (
             SELECT 1 FROM effect AS newer
             WHERE newer.record = effect.record AND newer.flow = effect.flow AND newer.step = effect.step
               AND newer.item = effect.item AND newer.nonce = effect.nonce AND newer.state IN ('done', 'unchanged') AND newer.stamp > effect.stamp)",
    )?;
    let superseded = update.execute((id.as_str(), TimeColumn(now)))?;
    Ok(if superseded == 0 { EffectState::Planned } else { EffectState::Superseded })
}

fn state_of(connection: &Connection, id: &EffectId) -> Result<EffectState> {
    let mut select = connection.prepare_cached("SELECT state FROM effect WHERE id = ?1")?;
    let state = select.query_row([id.as_str()], |row| row.get(0)).optional()?;
    state.ok_or_else(|| Error::NoEffect { id: id.clone() })
}

fn read_all(mut rows: rusqlite::Rows<'_>) -> Result<Vec<EffectRow>> {
    let mut effects = Vec::new();
    while let Some(row) = rows.next()? {
        effects.push(read(row)?);
    }
    Ok(effects)
}

fn read(row: &Row<'_>) -> Result<EffectRow> {
    let IdColumn(run) = row.get(1)?;
    let outcome: Option<Vec<u8>> = row.get(11)?;
    Ok(EffectRow {
        effect_id: EffectId::new(row.get::<_, String>(0)?),
        run,
        step: row.get(2)?,
        item: row.get(3)?,
        state: row.get(4)?,
        verb: row.get(5)?,
        connection: ConnectionName::new(row.get::<_, String>(6)?),
        object: row.get(7)?,
        attempts: row.get(8)?,
        first_sent_at: time(row.get(9)?),
        last_sent_at: time(row.get(10)?),
        outcome: outcome.as_deref().map(payload::unpack_value).transpose()?,
        target_id: row.get::<_, Option<String>>(12)?.map(RecordId::new),
        class: row.get(13)?,
        failures: row.get(14)?,
        maybe_applied: row.get(15)?,
    })
}
