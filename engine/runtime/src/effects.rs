//! Writes, submitted: intent on disk before the first byte leaves, outcome on disk before anything depends on it.
//!
//! Writes to one target key go one at a time. A write whose outcome is not known is sent again only where sending it
//! twice leaves one record; else it ends `unknown`, for a person to settle.

mod key_queue;

use std::sync::Arc;
use std::time::Duration;

use flow::Retry;
use sdk::faults::planted;
use sdk::{
    Applied, Class, Clock, EffectId, FlowId, Match, RecordId, Repeat, Timestamp, Value, Verb, Write, WriteOutcome,
    Written,
};
use store::{ClaimedRun, EffectRow, EffectState, Failure, Intent, Planned, Settlement, Store};

use crate::connections::OpenConnection;
use crate::durable::{Interrupt, Outcome};
use crate::retry::back_off;
use key_queue::KeyQueue;

/// How long a run waits whose connection needs a person.
const BLOCKED_WAIT: Duration = Duration::from_secs(30);
/// How long writes wait where a service asked for less and did not say for how long.
const DEFAULT_HOLD: Duration = Duration::from_secs(1);
/// No service holds us longer than this, whatever it says.
const LONGEST_HOLD: Duration = Duration::from_secs(3600);

/// Who asks, and where.
pub struct Asked<'a> {
    /// The run.
    pub run: &'a ClaimedRun,
    /// The name that its flow's effect ids are made from, which no renaming changes.
    pub flow_identity: &'a FlowId,
    /// The step's key.
    pub key: &'a str,
    /// Where it goes.
    pub connection: Arc<OpenConnection>,
    /// How often a failed attempt is repeated.
    pub retry: Retry,
}

/// Where writes are submitted. Cheap to clone.
#[derive(Clone)]
pub struct Effects {
    store: Store,
    clock: Arc<dyn Clock>,
    queue: KeyQueue,
}

impl Effects {
    /// Effects that keep their ledger in this store.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, queue: KeyQueue::default() }
    }

    /// Brings one write to its outcome, or says when to ask again.
    pub async fn submit(&self, attempt: &Asked<'_>, mut write: Write) -> Result<Outcome, Interrupt> {
        let Asked { run, connection, .. } = attempt;
        write.effect_id = effect_id(attempt);

        if let Some(row) = run.effects.iter().find(|row| row.effect_id == write.effect_id)
            && let Some(outcome) = settled(row)
        {
            return Ok(outcome);
        }
        if let Some(until) = connection.held_until(self.clock.now()) {
            return Err(attempt.wait_for(until, "the service asked for less", 0));
        }
        let target_key = target_key(connection, &write);
        let _turn = match &target_key {
            Some(target_key) if !planted("no order per target key") => Some(self.queue.turn(target_key).await),
            _ => None,
        };
        let _permit = connection.permits.acquire().await;

        let target_hash = target_key.as_deref().map(|target_key| self.store.hash_target_key(target_key));
        let attempts = match self.plan(attempt, &write, target_hash.clone()).await? {
            Planned::New => 0,
            Planned::Superseded => return Ok(Outcome::Superseded),
            Planned::Known(row) => {
                if let Some(outcome) = settled(&row) {
                    return Ok(outcome);
                }
                if row.state == EffectState::Sent
                    && connection.service.repeat(&write) == Repeat::Unsafe
                    && !planted("unsafe write sent again")
                {
                    return self
                        .settle_unknown(attempt, &write, "the engine stopped while it was under way", row.attempts)
                        .await;
                }
                row.attempts
            }
        };
        sdk::faults::point("effect.planned");

        let write = self.at_known_target(connection, write, target_hash).await;
        if !planted("intent after send") {
            self.store.mark_sent(&write.effect_id, self.clock.now()).await?;
        }
        sdk::faults::point("effect.sent");
        let answer = connection.service.write(&write).await;
        sdk::faults::point("effect.answered");
        if planted("intent after send") {
            self.store.mark_sent(&write.effect_id, self.clock.now()).await?;
        }
        self.settle(attempt, &write, attempts + 1, answer).await
    }

    /// What a failed look-up means for its run.
    pub fn read_failed(&self, attempt: &Asked<'_>, error: &sdk::Error) -> Result<Outcome, Interrupt> {
        let n_attempts = attempt.run.attempt;
        match self.what_next(attempt, &effect_id(attempt), n_attempts, error) {
            Next::Again(due_at) => Err(attempt.wait_for_error(due_at, error, n_attempts)),
            Next::GiveUp => Ok(Outcome::Failed(attempt.failure(error.class.as_str(), &error.message, n_attempts))),
        }
    }

    async fn plan(
        &self,
        attempt: &Asked<'_>,
        write: &Write,
        target_hash: Option<String>,
    ) -> Result<Planned, Interrupt> {
        let intent = Intent {
            effect_id: write.effect_id.clone(),
            run: attempt.run.id,
            flow: attempt.run.flow.clone(),
            step: attempt.key.to_owned(),
            item: String::new(),
            record: attempt.run.record.id.clone(),
            stamp: attempt.run.version.stamp,
            verb: verb_word(&write.verb),
            connection: attempt.connection.name.clone(),
            object: write.object.clone(),
            target_key: target_hash,
            request_hash: request_hash(write),
            now: self.clock.now(),
        };
        Ok(self.store.plan(intent).await?)
    }

    /// Writes by a field that the service does not keep unique go to the record that we wrote last under that key, if
    /// it still has it: the service's own search may not show it yet.
    async fn at_known_target(
        &self,
        connection: &OpenConnection,
        mut write: Write,
        target_hash: Option<String>,
    ) -> Write {
        let (Verb::Upsert { by: Match::Fields(fields), .. }, Some(hash)) = (&write.verb, target_hash) else {
            return write;
        };
        if connection.service.repeat(&write) == Repeat::Safe {
            return write;
        }
        let Ok(Some(id)) = self.store.known_target(&connection.name, &write.object, &hash).await else {
            return write;
        };
        let Ok(Some(record)) = connection.service.get(&write.object, &id, fields).await else {
            return write;
        };
        if fields.iter().all(|field| record.fields.get(field) == write.fields.get(field)) {
            write.verb = Verb::Update { id };
        }
        write
    }

    async fn settle(
        &self,
        attempt: &Asked<'_>,
        write: &Write,
        n_attempts: u32,
        answer: Result<WriteOutcome, sdk::Error>,
    ) -> Result<Outcome, Interrupt> {
        let now = self.clock.now();
        match answer {
            Ok(WriteOutcome::Written(written)) => {
                attempt.connection.wrote(now);
                let outcome = as_value(&written);
                let (target, outcome_kept) = (written.id, outcome.clone());
                let settlement = if written.changed {
                    Settlement::Done { target, outcome: outcome_kept }
                } else {
                    Settlement::Unchanged { target, outcome: outcome_kept }
                };
                self.store.settle(&write.effect_id, settlement, now).await?;
                sdk::faults::point("effect.settled");
                Ok(Outcome::Value(outcome))
            }
            Ok(WriteOutcome::Skipped(reason)) => {
                self.store.settle(&write.effect_id, Settlement::Skipped { reason: reason.clone() }, now).await?;
                Ok(Outcome::Skipped(reason))
            }
            Err(error) => self.settle_error(attempt, write, n_attempts, &error).await,
        }
    }

    async fn settle_error(
        &self,
        attempt: &Asked<'_>,
        write: &Write,
        n_attempts: u32,
        error: &sdk::Error,
    ) -> Result<Outcome, Interrupt> {
        let (class, message) = (error.class.as_str().to_owned(), error.message.clone());
        if error.applied == Applied::Maybe
            && attempt.connection.service.repeat(write) == Repeat::Unsafe
            && !planted("unsafe write sent again")
        {
            attempt.connection.wrote(self.clock.now());
            return self.settle_unknown(attempt, write, &error.message, n_attempts).await;
        }
        match self.what_next(attempt, &write.effect_id, n_attempts, error) {
            Next::Again(due_at) => {
                self.store.settle(&write.effect_id, Settlement::Again { class, message }, self.clock.now()).await?;
                Err(attempt.wait_for_error(due_at, error, n_attempts))
            }
            // Given up after tries that may have been applied: the record's state is not known, whatever may be repeated.
            Next::GiveUp if error.applied == Applied::Maybe => {
                self.settle_unknown(attempt, write, &error.message, n_attempts).await
            }
            Next::GiveUp => {
                self.store
                    .settle(&write.effect_id, Settlement::Failed { class: class.clone(), message }, self.clock.now())
                    .await?;
                Ok(Outcome::Failed(attempt.failure(&class, &error.message, n_attempts)))
            }
        }
    }

    async fn settle_unknown(
        &self,
        attempt: &Asked<'_>,
        write: &Write,
        reason: &str,
        n_attempts: u32,
    ) -> Result<Outcome, Interrupt> {
        let message = format!(
            "the {} of `{}.{}` may or may not have been applied: {reason}; look for it there before you run this again",
            verb_word(&write.verb),
            attempt.connection.name,
            write.object
        );
        let failure = attempt.failure("unknown", &message, n_attempts);
        let settlement = Settlement::Unknown { class: "unknown".to_owned(), message };
        self.store.settle(&write.effect_id, settlement, self.clock.now()).await?;
        Ok(Outcome::Unknown(failure))
    }

    /// Whether and when to try again. Being refused for asking too much, or for a bad token, is not the record's fault
    /// and is not counted against it.
    fn what_next(&self, attempt: &Asked<'_>, effect: &EffectId, n_attempts: u32, error: &sdk::Error) -> Next {
        let now = self.clock.now();
        match &error.class {
            Class::RateLimited | Class::QuotaExhausted => {
                let wait = error.retry_after.unwrap_or(DEFAULT_HOLD).min(LONGEST_HOLD);
                attempt.connection.penalise(now + wait);
                crate::events::ConnectionHeld { connection: &attempt.connection.name, wait }.emit();
                Next::Again(now + wait)
            }
            Class::Auth => Next::Again(now + BLOCKED_WAIT),
            Class::Transient if n_attempts < attempt.retry.attempts => {
                let wait = back_off(&attempt.retry, n_attempts, effect);
                Next::Again(now + error.retry_after.map_or(wait, |asked| asked.min(LONGEST_HOLD).max(wait)))
            }
            Class::Transient
            | Class::Forbidden { .. }
            | Class::NotFound
            | Class::Conflict
            | Class::Invalid
            | Class::Permanent => Next::GiveUp,
        }
    }
}

enum Next {
    Again(Timestamp),
    GiveUp,
}

impl Asked<'_> {
    fn failure(&self, class: &str, message: &str, attempt: u32) -> Failure {
        Failure { step: self.key.to_owned(), class: class.to_owned(), message: message.to_owned(), attempt }
    }

    fn wait_for(&self, due_at: Timestamp, message: &str, attempt: u32) -> Interrupt {
        let failure = self.failure(Class::RateLimited.as_str(), message, attempt);
        Interrupt::Park { due_at, failure, blocked: false }
    }

    fn wait_for_error(&self, due_at: Timestamp, error: &sdk::Error, attempt: u32) -> Interrupt {
        let failure = self.failure(error.class.as_str(), &error.message, attempt);
        Interrupt::Park { due_at, failure, blocked: error.class == Class::Auth }
    }
}

/// The outcome of a ledger row that has one.
fn settled(row: &EffectRow) -> Option<Outcome> {
    let failure = |class: &str| {
        let message = row.outcome.as_ref().map(Value::to_text).unwrap_or_default();
        Failure { step: row.step.clone(), class: class.to_owned(), message, attempt: row.attempts }
    };
    match row.state {
        EffectState::Planned | EffectState::Sent => None,
        EffectState::Done | EffectState::Unchanged => Some(Outcome::Value(row.outcome.clone().unwrap_or_default())),
        EffectState::Superseded => Some(Outcome::Superseded),
        EffectState::Failed => Some(Outcome::Failed(failure(row.class.as_deref().unwrap_or("permanent")))),
        EffectState::Unknown => Some(Outcome::Unknown(failure("unknown"))),
        EffectState::Skipped => Some(Outcome::Skipped(row.outcome.as_ref().map(Value::to_text).unwrap_or_default())),
    }
}

fn effect_id(asked: &Asked<'_>) -> EffectId {
    let Asked { run, key, connection, .. } = asked;
    if planted("run id in the effect id") {
        return EffectId::new(format!("{}-{}-{key}", run.id, run.attempt));
    }
    let occasion = format!("{}@{}#{:x}", run.record.id, run.version.stamp.millis(), run.version.hash);
    EffectId::derive(asked.flow_identity, key, &connection.name, "", &occasion, &run.nonce)
}

/// Which record at the target a write is about, so that two such writes never overlap; `None` for a plain create.
fn target_key(connection: &OpenConnection, write: &Write) -> Option<String> {
    let id_key = |id: &RecordId| format!("{}.{} id={id}", connection.name, write.object);
    match &write.verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => None,
        Verb::Update { id } | Verb::Upsert { by: Match::Id(Some(id)), .. } => Some(id_key(id)),
        Verb::Upsert { by: Match::Fields(fields), .. } => {
            let values = fields.iter().map(|field| {
                let value = write.fields.get(field).cloned().unwrap_or_default();
                format!(" {field}={}", value.to_text())
            });
            Some(format!("{}.{}{}", connection.name, write.object, values.collect::<String>()))
        }
    }
}

fn verb_word(verb: &Verb) -> &'static str {
    match verb {
        Verb::Create => "create",
        Verb::Update { .. } => "update",
        Verb::Upsert { .. } => "upsert",
    }
}

fn request_hash(write: &Write) -> u64 {
    let text = Value::Map(write.fields.clone()).to_stored_json().to_string();
    let mut eight = [0; 8];
    eight.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    u64::from_le_bytes(eight) >> 1
}

fn as_value(written: &Written) -> Value {
    Value::Map(
        [
            ("id".to_owned(), Value::from(written.id.as_str())),
            ("created".to_owned(), Value::Bool(written.created)),
            ("changed".to_owned(), Value::Bool(written.changed)),
        ]
        .into(),
    )
}
