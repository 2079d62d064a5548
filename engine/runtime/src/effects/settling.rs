//! What an attempt's answer means, and keeping it.

use std::time::Duration;

use flow::Retry;
use sdk::faults::planted;
use sdk::{Class, EffectId, Reach, Repeat, Value};
use store::{EffectRow, EffectState, Failure, Settlement};

use super::change::{Applied, Change};
use super::{Asked, Effects, Next, Past, Tally, identity};
use crate::budgets::Kind;
use crate::connections::LONGEST_HOLD;
use crate::durable::{Interrupt, Outcome};
use crate::presence::Away;
use crate::retry::back_off;

/// How long a run waits whose connection needs a person.
const BLOCKED_WAIT: Duration = Duration::from_secs(30);
/// How long a run waits at most whose connection is away; up to a quarter less, so that not all come at once.
const AWAY_WAIT: Duration = Duration::from_secs(40);
/// How long an outcome waits that could not be kept, before it is tried again.
const KEEP_AGAIN: Duration = Duration::from_secs(5);

impl Effects {
    pub(super) async fn settle(
        &self,
        asked: &Asked<'_>,
        change: &Change,
        past: Past,
        answer: Result<Applied, sdk::Error>,
    ) -> Result<Outcome, Interrupt> {
        match answer {
            Ok(Applied::Done { target, changed, outcome }) => {
                asked.connection.wrote(self.clock.now());
                let kept = outcome.clone();
                let settlement = if changed {
                    Settlement::Done { target, outcome: kept }
                } else {
                    Settlement::Unchanged { target, outcome: kept }
                };
                self.keep(change.effect_id(), settlement).await?;
                sdk::faults::point("effect.settled");
                Ok(Outcome::Value(outcome))
            }
            Ok(Applied::Skipped(reason)) => {
                self.keep(change.effect_id(), Settlement::Skipped { reason: reason.clone() }).await?;
                Ok(Outcome::Skipped(reason))
            }
            Err(error) => self.settle_error(asked, change, past, &error).await,
        }
    }

    pub(super) async fn settle_error(
        &self,
        asked: &Asked<'_>,
        change: &Change,
        past: Past,
        error: &sdk::Error,
    ) -> Result<Outcome, Interrupt> {
        let (class, message) = (error.class.as_str().to_owned(), error.message.clone());
        let maybe_applied = error.applied == sdk::Applied::Maybe;
        let tally = self.tally(asked, past.failures, error);
        let counts = tally.failures > past.failures;
        let past = Past { failures: tally.failures, maybe_applied: past.maybe_applied || maybe_applied };
        if maybe_applied {
            asked.connection.wrote(self.clock.now());
            if change.repeat(&*asked.connection.service) == Repeat::Unsafe && !planted("unsafe write sent again") {
                return self.settle_unknown(asked, change, past, &error.message).await;
            }
        }
        match self.what_next(asked, (Kind::Write, change.object()), change.effect_id(), &tally, error) {
            Next::Again(due_at) => {
                self.keep(change.effect_id(), Settlement::Again { class, message, counts, maybe_applied }).await?;
                Err(asked.park(due_at, error, tally))
            }
            // Given up after an attempt that may have been applied: nobody knows the record's state.
            Next::GiveUp if past.maybe_applied => self.settle_unknown(asked, change, past, &error.message).await,
            Next::GiveUp => {
                self.keep(change.effect_id(), Settlement::Failed { class: class.clone(), message }).await?;
                Ok(Outcome::Failed(asked.failure(&class, &error.message, past.failures.max(1))))
            }
        }
    }

    pub(super) async fn settle_unknown(
        &self,
        asked: &Asked<'_>,
        change: &Change,
        past: Past,
        reason: &str,
    ) -> Result<Outcome, Interrupt> {
        let target = format!("`{}.{}`", asked.connection.name, change.object());
        let write = match change {
            Change::Write(_) => format!("the {} of {target}", change.verb_word()),
            Change::Act(_) => format!("the action {target}"),
        };
        let message =
            format!("{write} may or may not have been applied: {reason}; look for it there before you run this again");
        let failure = asked.failure("unknown", &message, past.failures.max(1));
        self.keep(change.effect_id(), Settlement::Unknown { class: "unknown".to_owned(), message }).await?;
        Ok(Outcome::Unknown(failure))
    }

    /// Keeps what is known of a write. While the disk cannot, it waits, and so does whatever comes after this write:
    /// forgetting the outcome would leave a write that nobody knows about.
    async fn keep(&self, effect: &EffectId, settlement: Settlement) -> Result<(), Interrupt> {
        loop {
            match self.store.settle(effect, settlement.clone(), self.clock.now()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.may_pass() => {
                    crate::events::OutcomeNotKept { effect, error: &error, retry_in: KEEP_AGAIN }.emit();
                    self.clock.sleep(KEEP_AGAIN).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether this failure counts, after so many that did. Being refused for asking too much, or for a bad token, is
    /// not the record's fault and is not counted against it. Nor is that nobody is there, unless that is a hiccup, or
    /// the author said how often it is tried.
    pub(super) fn tally(&self, asked: &Asked<'_>, before: u32, error: &sdk::Error) -> Tally {
        if error.class != Class::Transient {
            return Tally { failures: before, away_since: None };
        }
        let failures = before + 1;
        let away = match error.reach {
            Reach::Away if !asked.counts_absence => asked.connection.away(self.clock.now()),
            Reach::Away | Reach::Answered | Reach::Unsaid => None,
        };
        // Whoever nobody answered since the engine started may be away for long: a restart is to fail no run.
        let is_to_blame = |away: &Away| away.is_long || (!away.has_answered && failures >= asked.retry.attempts);
        match away.filter(is_to_blame) {
            Some(away) => Tally { failures: before, away_since: Some(away.since) },
            None => Tally { failures, away_since: None },
        }
    }

    /// Parks a run that would ask in vain.
    pub(super) fn left_alone(&self, asked: &Asked<'_>, away: &Away) -> Interrupt {
        let failure = asked.failure(Class::Transient.as_str(), &away.reason, asked.failures_before());
        let due_at = self.clock.now() + away_wait(asked, &identity::effect_id(asked));
        Interrupt::Park { due_at, failure, held: asked.away(away.since) }
    }

    /// Whether and when to try again.
    pub(super) fn what_next(
        &self,
        asked: &Asked<'_>,
        (kind, object): (Kind, &str),
        effect: &EffectId,
        tally: &Tally,
        error: &sdk::Error,
    ) -> Next {
        let now = self.clock.now();
        if let Some(wait) = asked.connection.refused(&*self.clock, (&asked.run.flow, kind, object), error) {
            return Next::Again(now + wait);
        }
        match &error.class {
            Class::Auth => Next::Again(now + BLOCKED_WAIT),
            Class::Transient if tally.away_since.is_some() || tally.failures < asked.retry.attempts => {
                let wait = match tally.away_since {
                    Some(_) => away_wait(asked, effect),
                    None => back_off(&asked.retry, tally.failures, effect),
                };
                Next::Again(now + error.retry_after.map_or(wait, |asked| asked.min(LONGEST_HOLD).max(wait)))
            }
            Class::RateLimited
            | Class::QuotaExhausted
            | Class::Transient
            | Class::Forbidden { .. }
            | Class::NotFound
            | Class::Conflict
            | Class::Invalid
            | Class::Permanent => Next::GiveUp,
        }
    }
}

/// How long a run waits until it asks again whether somebody is there; the author's own first wait may be longer.
fn away_wait(asked: &Asked<'_>, effect: &EffectId) -> Duration {
    let always = Retry { initial: AWAY_WAIT, max: AWAY_WAIT, ..asked.retry };
    back_off(&always, asked.run.attempt, effect).max(asked.retry.initial)
}

/// The outcome of a ledger row that has one.
pub(super) fn outcome_of(row: &EffectRow) -> Option<Outcome> {
    let text = || row.outcome.as_ref().map(Value::to_text).unwrap_or_default();
    let failure = |class: &str| Failure {
        step: format!("{}{}", row.step, row.item),
        class: class.to_owned(),
        message: text(),
        attempt: row.failures.max(1),
    };
    match row.state {
        EffectState::Planned | EffectState::Sent => None,
        EffectState::Done | EffectState::Unchanged => Some(Outcome::Value(row.outcome.clone().unwrap_or_default())),
        EffectState::Superseded => Some(Outcome::Superseded),
        EffectState::Failed => Some(Outcome::Failed(failure(row.class.as_deref().unwrap_or("permanent")))),
        EffectState::Unknown => Some(Outcome::Unknown(failure("unknown"))),
        EffectState::Skipped => Some(Outcome::Skipped(text())),
    }
}
