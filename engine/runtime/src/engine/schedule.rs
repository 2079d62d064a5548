//! When flows read their sources: first due spread by a stable hash, then at the author's interval, one poll of a flow
//! at a time. An interval with a longest time grows while nothing is found. A walk goes on at once until its end.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use flow::Every;
use futures::FutureExt;
use sdk::{Class, FlowId, Timestamp};
use store::FlowState;

use super::dispatch::panic_text;
use super::{Engine, EngineError, PollEnded, Reader};
use crate::poller::{PollError, PollFailed, Polled};
use crate::status::TriggerKind;

/// First polls of many flows are spread, this much per flow and at most over one interval.
const SPREAD_PER_FLOW: Duration = Duration::from_millis(10);
/// A poll that failed is repeated as if its flow polled at least this often: an outage of seconds is to cost no hours.
const LONGEST_FIRST_WAIT: Duration = Duration::from_secs(15);
/// The longest wait after failed polls.
pub(super) const LONGEST_BACK_OFF: Duration = Duration::from_secs(300);
/// No poll is further away than this.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);
/// How often a blocked flow looks whether its connection was mended, at most; one that polls less often does so less
/// often, too, down to the longest wait after failures.
const BLOCKED_INTERVAL: Duration = Duration::from_secs(60);
/// How long a walk that cannot go on now waits: its first failure, or too many runs that it has made and are pending.
const WALK_INTERVAL: Duration = Duration::from_secs(1);

impl Engine {
    pub(super) fn schedule_first(&mut self, flow: &FlowId, n_flows: usize) {
        let Some(task) = self.flows.get(flow) else { return };
        let Some(poll) = task.flow.trigger.poll() else {
            // A walk that a dead engine had begun.
            self.schedule(flow, self.started_at);
            return;
        };
        let window = poll.every.min.min(SPREAD_PER_FLOW * u32::try_from(n_flows).unwrap_or(u32::MAX));
        let hash = blake3::hash(flow.as_str().as_bytes());
        let share = f64::from(hash.as_bytes()[0]) / 256.0 + f64::from(hash.as_bytes()[1]) / 65_536.0;
        self.schedule(flow, self.started_at + window.mul_f64(share));
    }

    pub(super) fn schedule(&mut self, flow: &FlowId, due: Timestamp) {
        let now = self.parts.clock.now();
        let is_walking = self.is_walking(flow);
        let Some(task) = self.flows.get_mut(flow) else { return };
        if let Some(key) = task.poll_key.take() {
            self.polls_due.try_remove(&key);
        }
        let has_work = match &task.reader {
            Some(Reader::Poller(_)) => true,
            Some(Reader::Walker(_)) => is_walking,
            None => false,
        };
        if !task.begins_runs() || !self.parts.options.polls || !has_work {
            self.with_status(flow, |status| status.next_poll = None);
            return;
        }
        task.poll_due = due;
        // A due time beyond every interval comes from a clock that jumped.
        let wait = due.since(now).min(LONGEST_WAIT);
        task.poll_key = Some(self.polls_due.insert(flow.clone(), wait));
        self.with_status(flow, |status| status.next_poll = (status.trigger == TriggerKind::Poll).then_some(due));
    }

    pub(super) fn start_poll(&mut self, flow: &FlowId) {
        let now = self.parts.clock.now();
        let in_trouble = self.trouble.as_ref().map(|trouble| trouble.retry_at);
        let Some(task) = self.flows.get_mut(flow) else { return };
        task.poll_key = None;
        if !task.begins_runs() || task.is_polling {
            return;
        }
        if let Some(retry_at) = in_trouble {
            self.schedule(flow, retry_at);
            return;
        }
        let Some(reader) = task.reader.clone() else { return };
        task.is_polling = true;
        let flow = flow.clone();
        self.with_status(&flow, |status| status.next_poll = None);
        let redactor = self.parts.connections.redactor();
        self.polls.spawn(async move {
            let reading = async {
                match reader {
                    Reader::Poller(poller) => poller.poll().await,
                    Reader::Walker(walker) => walker.go_on().await,
                }
            };
            let result = match AssertUnwindSafe(reading).catch_unwind().await {
                Ok(result) => result,
                Err(panic) => Err(PollFailed {
                    polled: Polled::default(),
                    error: PollError::Panicked(redactor.clean(&panic_text(panic))),
                }),
            };
            PollEnded { flow, began_at: now, result }
        });
    }

    pub(super) async fn poll_ended(&mut self, ended: PollEnded) -> Result<(), EngineError> {
        let PollEnded { flow, began_at, result } = ended;
        let now = self.parts.clock.now();
        let Some(task) = self.flows.get_mut(&flow) else { return Ok(()) };
        task.is_polling = false;
        let every = match (&result, task.flow.trigger.poll()) {
            (Ok(polled), Some(poll)) => {
                task.poll_interval = next_interval(task.poll_interval, poll.every, polled, self.drains);
                task.poll_interval
            }
            (Err(_), Some(_)) => task.poll_interval,
            (_, None) => WALK_INTERVAL,
        };
        let (polled, error) = match result {
            Ok(polled) => (polled, None),
            Err(PollFailed { polled, error }) => (polled, Some(error)),
        };
        task.waits_for_room = matches!(error, Some(PollError::NoRoom { .. }));
        // Also a poll that failed may have stored runs before it did.
        if polled.runs > 0 {
            self.may_have_work.insert(flow.clone());
        }
        if polled.began {
            task.pass_began = Some(began_at);
        }
        if polled.finished {
            task.last_finished_pass_began = task.pass_began.take().or(task.last_finished_pass_began);
        }
        if !task.waits_for_room || polled.pages > 0 {
            self.note_poll(&flow, began_at, &polled);
        }
        self.look_at_walk(&flow).await?;
        if self.exchange_after_poll(&flow).await? {
            return Ok(());
        }
        let Some(task) = self.flows.get_mut(&flow) else { return Ok(()) };
        match error {
            None => {
                task.n_failed_polls = 0;
                task.failing_since = None;
                let nothing_blocks = task.blocked_runs.is_empty();
                // A pass goes on at once where only our own bound cut it; the author's bound waits for the next
                // interval.
                let due = if polled.finished || polled.limited { next_due(task.poll_due, every, now) } else { now };
                if nothing_blocks {
                    self.unblock(&flow).await;
                }
                self.schedule(&flow, due);
            }
            Some(PollError::Store(error)) => {
                self.meet(error, None)?;
                self.schedule(&flow, now + super::TROUBLE_WAIT);
            }
            Some(PollError::NoRoom { connection, wait }) => {
                // Others use what there is: that is no failure, and by itself it goes on.
                let until = now + wait;
                let reason =
                    format!("its next poll waits until {until}: the limits of `{connection}` leave no room before");
                crate::events::PollWaits { flow: &flow, connection: &connection, until }.emit();
                self.with_status(&flow, |status| {
                    // What blocks a flow is more than that.
                    if status.state == FlowState::Active {
                        status.reason = Some(reason);
                    }
                });
                self.schedule(&flow, until);
            }
            Some(error) => {
                task.n_failed_polls += 1;
                task.failing_since.get_or_insert(began_at);
                let failures = task.n_failed_polls;
                let blocks = blocks(&error);
                let wait = match blocks {
                    true => every.clamp(BLOCKED_INTERVAL, LONGEST_BACK_OFF),
                    false => after_failures(&error, every, failures),
                };
                crate::events::PollFailed { flow: &flow, error: &error, failures, retry_in: wait }.emit();
                let reason = error.to_string();
                if blocks {
                    self.block(&flow, &reason).await;
                } else {
                    self.with_status(&flow, |status| status.reason = Some(reason));
                }
                self.schedule(&flow, now + wait);
            }
        }
        Ok(())
    }

    /// Shows that nothing will change for a flow until somebody mends its connection. It goes on looking, rarely.
    pub(super) async fn block(&mut self, flow: &FlowId, reason: &str) {
        // What an operator paused stays paused, and what was removed stays removed.
        if self.flows.get(flow).is_some_and(|task| !task.begins_runs()) {
            return;
        }
        let mut is_new = false;
        self.with_status(flow, |status| {
            is_new = status.state != FlowState::Blocked;
            status.state = FlowState::Blocked;
            status.reason = Some(reason.to_owned());
        });
        if is_new {
            crate::events::FlowBlocked { flow, reason }.emit();
            self.keep_state(flow, FlowState::Blocked, Some(reason)).await;
        }
    }

    pub(super) async fn unblock(&mut self, flow: &FlowId) {
        if self.at_work(flow).is_none() {
            return;
        }
        let mut was_blocked = false;
        let held_up_by = self.flows.get(flow).and_then(|task| task.held_up_by.clone());
        self.with_status(flow, |status| {
            was_blocked = status.state == FlowState::Blocked;
            if was_blocked {
                status.state = FlowState::Active;
            }
            status.reason = held_up_by;
        });
        if was_blocked {
            crate::events::FlowUnblocked { flow }.emit();
            self.keep_state(flow, FlowState::Active, None).await;
        }
    }

    /// Keeps a flow's state for those who read the store. It is told again at every change, so a failure loses nothing.
    pub(super) async fn keep_state(&self, flow: &FlowId, state: FlowState, reason: Option<&str>) {
        let now = self.parts.clock.now();
        if let Err(error) = self.parts.store.set_flow_state(flow, state, reason, now).await {
            tracing::warn!(flow = %flow, error = %error, "the flow's state could not be kept");
        }
    }
}

/// Whether only a person can mend it.
fn blocks(error: &PollError) -> bool {
    match error {
        PollError::Service(error) => match error.class {
            Class::Auth | Class::Forbidden { .. } | Class::NotFound | Class::Invalid | Class::Permanent => true,
            Class::RateLimited | Class::QuotaExhausted | Class::Transient | Class::Conflict => false,
        },
        PollError::Untrusted(_) | PollError::Panicked(_) => true,
        PollError::NoRoom { .. } | PollError::Store(_) => false,
    }
}

fn after_failures(error: &PollError, every: Duration, failures: u32) -> Duration {
    let asked = match error {
        PollError::Service(error) => error.retry_after,
        PollError::NoRoom { .. } | PollError::Untrusted(_) | PollError::Panicked(_) | PollError::Store(_) => None,
    };
    let doubled = every.min(LONGEST_FIRST_WAIT).saturating_mul(2_u32.saturating_pow(failures.min(16)));
    let doubled = doubled.min(LONGEST_BACK_OFF);
    asked.map_or(doubled, |asked| asked.min(LONGEST_BACK_OFF).max(Duration::from_millis(100)))
}

/// The time until the next poll: the shortest after one that found something, and twice the last after one that did
/// not, up to the longest. An engine that drains waits for nothing new.
fn next_interval(last: Duration, every: Every, polled: &Polled, drains: bool) -> Duration {
    if !polled.finished && polled.fresh == 0 {
        return last;
    }
    let found = polled.fresh > 0 || drains;
    if found { every.min } else { last.saturating_mul(2).clamp(every.min, every.max) }
}

/// The next due time without drift; due times that have passed are skipped, and so are those that a clock that was set
/// back has put out of reach.
fn next_due(last_due: Timestamp, every: Duration, now: Timestamp) -> Timestamp {
    let next = last_due + every;
    if next > now && next <= now + every { next } else { now + every }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_keep_their_phase_and_skip_what_they_missed() {
        let every = Duration::from_secs(15);
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        assert_eq!(next_due(at(0), every, at(2)), at(15));
        assert_eq!(next_due(at(0), every, at(100)), at(115));
        assert_eq!(next_due(at(7_200), every, at(3_600)), at(3_615), "the clock was set back by an hour");
    }

    #[test]
    fn failures_wait_longer_each_time_and_no_longer_than_five_minutes() {
        let error = PollError::Service(sdk::Error::new(Class::Transient, "down"));
        let every = Duration::from_secs(2);
        let waits: Vec<u64> = (1..=9).map(|n| after_failures(&error, every, n).as_secs()).collect();
        assert_eq!(waits, [4, 8, 16, 32, 64, 128, 256, 300, 300]);
        let hourly: Vec<u64> = (1..=6).map(|n| after_failures(&error, every * 1_800, n).as_secs()).collect();
        assert_eq!(hourly, [30, 60, 120, 240, 300, 300], "a failure does not cost an hour");
    }
}
