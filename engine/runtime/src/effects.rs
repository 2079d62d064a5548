//! Writes, submitted: intent on disk before the first byte leaves, outcome on disk before anything depends on it.
//!
//! Writes to one target key go one at a time, and each waits for leave to be sent before anything says that it was.
//! A write whose outcome is not known is sent again only where sending it twice leaves one record; else it ends
//! `unknown`, for a person to settle.

mod change;
mod identity;
mod key_queue;
mod settling;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use flow::Retry;
use sdk::faults::planted;
use sdk::{Ask, Class, Clock, FlowId, Match, RecordId, Repeat, Timestamp, Verb, Write};
use store::{ClaimedRun, EffectState, Failure, Intent, Planned, Store};

use crate::budgets::{Grant, Kind, Parking};
use crate::connections::OpenConnection;
use crate::durable::{Held, Interrupt, Outcome, StepKey, within};
use crate::stopping::StopWish;
pub use change::Change;
use key_queue::KeyQueue;

/// Who asks, and where.
pub struct Asked<'a> {
    /// The run.
    pub run: &'a ClaimedRun,
    /// The name that its flow's effect ids are made from, which no renaming changes.
    pub flow_identity: &'a FlowId,
    /// The step's key.
    pub key: &'a StepKey,
    /// Where it goes.
    pub connection: Arc<OpenConnection>,
    /// How often a failed attempt is repeated.
    pub retry: Retry,
    /// How long one may take.
    pub timeout: Option<Duration>,
    /// Whether attempts count that meet a service which is away.
    pub counts_absence: bool,
    /// Whether its run is to stop.
    pub stop: &'a StopWish,
}

/// Where writes are submitted. Cheap to clone.
#[derive(Clone)]
pub struct Effects {
    store: Store,
    clock: Arc<dyn Clock>,
    queue: KeyQueue,
    parking: Parking,
}

/// What earlier attempts of a write left behind.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    /// Attempts that failed and count against it.
    failures: u32,
    /// Whether any of them may have been applied.
    maybe_applied: bool,
}

impl Effects {
    /// Effects that keep their ledger in this store. Runs that wait here take so much memory at most, before they count
    /// as at work.
    pub fn new(store: Store, clock: Arc<dyn Clock>, parked_bytes: usize) -> Self {
        Self { store, clock, queue: KeyQueue::default(), parking: Parking::new(parked_bytes) }
    }

    /// The runs that wait here for their turn.
    pub fn parking(&self) -> &Parking {
        &self.parking
    }

    /// Brings one change to its outcome, or says when to ask again.
    pub async fn submit(&self, asked: &Asked<'_>, change: Change) -> Result<Outcome, Interrupt> {
        let Asked { run, connection, .. } = asked;
        let change = change.under(identity::effect_id(asked));
        if let Some(row) = run.effects.iter().find(|row| row.effect_id == *change.effect_id())
            && let Some(outcome) = settling::outcome_of(row)
        {
            return Ok(outcome);
        }
        let target_key = identity::target_key(connection, &change);
        let _turn = match &target_key {
            Some(target_key) if !planted("no order per target key") => {
                Some(asked.stop.or(self.parking.while_waiting(run, self.queue.turn(target_key))).await?)
            }
            _ => None,
        };
        let target_hash = target_key.as_deref().map(|target_key| self.store.hash_target_key(target_key));
        let known = self.known_target(connection, &change, target_hash.as_deref()).await?;
        let look = known.as_ref().map(|_| Ask::Get(change.object()));
        let asks: Vec<Ask<'_>> = look.into_iter().chain([change.ask()]).collect();
        let grant = self.take(asked, Kind::Write, &asks).await?;

        // Between plan and sending, the record that we wrote last may have to be looked at.
        let is_sent_at_once = known.is_none() && !planted("intent after send");
        let mut is_sent = is_sent_at_once;
        let past = match self.plan(asked, &change, target_hash.clone(), is_sent_at_once).await? {
            Planned::New => Past::default(),
            Planned::Superseded => return Ok(Outcome::Superseded),
            Planned::Known(row) => {
                if let Some(outcome) = settling::outcome_of(&row) {
                    return Ok(outcome);
                }
                let was_cut_off = row.state == EffectState::Sent;
                is_sent &= !was_cut_off;
                let past = Past { failures: row.failures, maybe_applied: row.maybe_applied || was_cut_off };
                if was_cut_off
                    && change.repeat(&*connection.service) == Repeat::Unsafe
                    && !planted("unsafe write sent again")
                {
                    let reason = "the engine stopped while it was under way";
                    return self.settle_unknown(asked, &change, past, reason).await;
                }
                past
            }
        };
        sdk::faults::point("effect.planned");

        let at_target = at_known_target(connection, &*self.clock, &change, known);
        let change = match grant.spend(at_target).await {
            Ok(change) => change,
            Err(error) => return self.settle_error(asked, &change, past, &error).await,
        };
        if !is_sent && !planted("intent after send") {
            asked.stop.check()?;
            self.store.mark_sent(change.effect_id(), self.clock.now()).await?;
        }
        sdk::faults::point("effect.sent");
        let attempt = change.apply(&*connection.service);
        let answer = grant.spend(within(self.clock.as_ref(), asked.timeout, attempt)).await;
        drop(grant);
        connection.heard(&*self.clock, &answer);
        sdk::faults::point("effect.answered");
        if planted("intent after send") {
            self.store.mark_sent(change.effect_id(), self.clock.now()).await?;
        }
        self.settle(asked, &change, past, answer).await
    }

    /// Waits for leave to ask, and not where the run is to stop; parks the run in the store where that would take long,
    /// or where nobody answers for long and others see to it whether that is over. That is no failed attempt.
    pub async fn take(&self, asked: &Asked<'_>, kind: Kind, asks: &[Ask<'_>]) -> Result<Grant, Interrupt> {
        if !asked.counts_absence
            && let Some(away) = asked.connection.left_alone(self.clock.now())
        {
            return Err(self.left_alone(asked, &away));
        }
        let take = asked.connection.take(&self.clock, &asked.run.flow, kind, asks);
        asked.stop.or(self.parking.while_waiting(asked.run, take)).await?.map_err(|later| {
            let failure = asked.failure(Class::RateLimited.as_str(), later.reason(), asked.failures_before());
            Interrupt::Park { due_at: self.clock.now() + later.wait, failure, held: Held::Shortly }
        })
    }

    /// What a failed look-up means for its run.
    pub fn read_failed(&self, asked: &Asked<'_>, object: &str, error: &sdk::Error) -> Result<Outcome, Interrupt> {
        let tally = self.tally(asked, asked.failures_before(), error);
        match self.what_next(asked, (Kind::Find, object), &identity::effect_id(asked), &tally, error) {
            Next::Again(due_at) => Err(asked.park(due_at, error, tally)),
            Next::GiveUp => {
                let failure = asked.failure(error.class.as_str(), &error.message, tally.failures.max(1));
                Ok(Outcome::Failed(failure))
            }
        }
    }

    async fn plan(
        &self,
        asked: &Asked<'_>,
        change: &Change,
        target_hash: Option<String>,
        is_sent_at_once: bool,
    ) -> Result<Planned, Interrupt> {
        let intent = Intent {
            effect_id: change.effect_id().clone(),
            run: asked.run.id,
            flow: asked.run.flow.clone(),
            step: asked.key.step.clone(),
            item: asked.key.item.clone(),
            record: asked.run.record.id.clone(),
            stamp: asked.run.version.stamp,
            nonce: asked.run.nonce.clone(),
            verb: change.verb_word(),
            connection: asked.connection.name.clone(),
            object: change.object().to_owned(),
            target_key: target_hash,
            request_hash: identity::request_hash(change),
            is_sent_at_once,
            now: self.clock.now(),
        };
        Ok(self.store.plan(intent).await?)
    }

    /// The record that we wrote last under this key, where the service's own search may not show it yet: of writes by a
    /// field that it does not keep unique.
    async fn known_target(
        &self,
        connection: &OpenConnection,
        change: &Change,
        target_hash: Option<&str>,
    ) -> Result<Option<RecordId>, Interrupt> {
        let (Some((write, _)), Some(hash)) = (upsert_by_fields(change), target_hash) else { return Ok(None) };
        if connection.service.repeat(write) == Repeat::Safe {
            return Ok(None);
        }
        Ok(self.store.known_target(&connection.name, &write.object, hash).await?)
    }
}

/// The write, to the record that we wrote last under its key if that still has it. Where the service cannot be asked,
/// nothing is written: a search that shows nothing would make a second record.
async fn at_known_target(
    connection: &OpenConnection,
    clock: &dyn Clock,
    change: &Change,
    known: Option<RecordId>,
) -> Result<Change, sdk::Error> {
    let (Some((write, fields)), Some(id)) = (upsert_by_fields(change), known) else { return Ok(change.clone()) };
    let answer = connection.service.get(&write.object, &id, fields).await;
    connection.heard(clock, &answer);
    let record = answer?;
    let still_has = |field: &String| {
        record.as_ref().is_some_and(|record| {
            identity::key_text(record.fields.get(field)) == identity::key_text(write.fields.get(field))
        })
    };
    let is_there = record.is_some() && fields.iter().all(still_has);
    let verb = if is_there { Verb::Update { id } } else { write.verb.clone() };
    Ok(Change::Write(Write { verb, ..write.clone() }))
}

/// A write that finds its record by fields, and those.
fn upsert_by_fields(change: &Change) -> Option<(&Write, &[String])> {
    match change {
        Change::Write(write) => match &write.verb {
            Verb::Upsert { by: Match::Fields(fields), .. } => Some((write, fields)),
            Verb::Upsert { by: Match::Id(_), .. } | Verb::Create | Verb::Update { .. } | Verb::Delete { .. } => None,
        },
        Change::Act(_) => None,
    }
}

enum Next {
    Again(Timestamp),
    GiveUp,
}

/// How often a step has failed, and what the last time was due to.
#[derive(Clone, Copy, Debug)]
struct Tally {
    /// Attempts that failed and count.
    failures: u32,
    /// Since when the connection is away, where the last one failed for that and does not count.
    away_since: Option<Timestamp>,
}

impl Asked<'_> {
    /// Failed attempts of this step that count, as the run's last failure has them.
    fn failures_before(&self) -> u32 {
        self.run
            .last_failure
            .as_ref()
            .filter(|failure| failure.step == self.key.to_string())
            .map_or(0, |failure| failure.attempt)
    }

    fn failure(&self, class: &str, message: &str, attempt: u32) -> Failure {
        Failure { step: self.key.to_string(), class: class.to_owned(), message: message.to_owned(), attempt }
    }

    fn park(&self, due_at: Timestamp, error: &sdk::Error, tally: Tally) -> Interrupt {
        let failure = self.failure(error.class.as_str(), &error.message, tally.failures);
        let held = match tally.away_since {
            Some(since) => self.away(since),
            None if error.class == Class::Auth => Held::Blocked,
            None => Held::Shortly,
        };
        Interrupt::Park { due_at, failure, held }
    }

    fn away(&self, since: Timestamp) -> Held {
        Held::Away { connection: self.connection.name.clone(), since }
    }
}
