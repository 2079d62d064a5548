//! When an engine that is to stop once nothing is left to do has come to that.

use std::time::Duration;

use sdk::{FlowId, Timestamp};
use store::RunState;

use super::schedule::LONGEST_BACK_OFF;
use super::{Engine, EngineError, FlowTask};

/// When an engine that drains is done: each flow finished a pass that began at least this long after the engine started
/// and after the last write to the connection it polls, and no run is left. A flow that is paused, or blocked until
/// somebody mends its connection, is not waited for, and neither is a run whose service is away; nor is a flow's next
/// time, but a walk that is under way is.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How late a service may show what was written to it.
    pub settle: Duration,
    /// Whether it stays for what may last for days: runs in a `wait`, and a source that fails again and again or whose
    /// limits leave no room; else the next engine goes on with them.
    pub waits: bool,
}

/// A source is read again this long after the last write to its service, however rarely its author has it read. A
/// search index may know of the write by then.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// A source whose polls have failed for so long is left to the next engine.
const FAILS_TOO_LONG: Duration = Duration::from_secs(180);

impl Engine {
    /// Says whether nothing is left to do. Where no more than another look at sources is, brings those forward.
    pub(super) async fn look_again_or_end(
        &mut self,
        drain: Drain,
        wake_at: Option<Timestamp>,
    ) -> Result<bool, EngineError> {
        if !self.is_at_rest() || (wake_at.is_some() && !self.others_must_act(drain).await?) {
            return Ok(false);
        }
        let (left, awaited): (Vec<_>, Vec<_>) =
            self.unread(drain).into_iter().partition(|(flow, _)| !drain.waits && self.takes_too_long(flow));
        for (flow, from) in &awaited {
            if let Some(from) = from {
                self.read_again(flow, *from + READ_AGAIN_AFTER);
            }
        }
        if awaited.is_empty() {
            for (flow, _) in &left {
                self.with_status(flow, |status| status.is_left_unread = true);
            }
        }
        Ok(awaited.is_empty())
    }

    fn is_at_rest(&self) -> bool {
        self.trouble.is_none() && self.runs.is_empty() && self.polls.is_empty() && self.look_ups.is_empty()
    }

    /// The flows whose source was not read as late as a drain asks, with the moment from which on it is to be read; none
    /// for a walk, which goes on by itself.
    fn unread(&self, drain: Drain) -> Vec<(FlowId, Option<Timestamp>)> {
        let is_to_be_read =
            |id: &FlowId, task: &FlowTask| !task.versions.is_retired && !task.is_paused && !self.is_blocked(id);
        let unread = self.flows.iter().filter(|(id, task)| is_to_be_read(id, task)).filter_map(|(id, task)| {
            let Some(poll) = task.flow.trigger.poll() else {
                return self.is_walking(id).then(|| (id.clone(), None));
            };
            let written = self.parts.connections.get(&poll.target.connection).and_then(|open| open.last_write_at());
            let from = written.map_or(self.started_at, |written| written.max(self.started_at)) + drain.settle;
            let is_read = task.last_finished_pass_began.is_some_and(|began| began >= from);
            (!is_read).then(|| (id.clone(), Some(from)))
        });
        unread.collect()
    }

    fn takes_too_long(&self, flow: &FlowId) -> bool {
        let now = self.parts.clock.now();
        self.flows.get(flow).is_some_and(|task| {
            task.failing_since.is_some_and(|since| now.since(since) >= FAILS_TOO_LONG)
                || (task.waits_for_room && task.poll_due > now + LONGEST_BACK_OFF)
        })
    }

    /// Brings a flow's next poll forward. One that failed, one that waits for room, and one that its author bounds keep
    /// their time.
    fn read_again(&mut self, flow: &FlowId, at: Timestamp) {
        let keeps_its_time =
            |task: &FlowTask| task.n_failed_polls > 0 || task.waits_for_room || task.pass_began.is_some();
        if self.flows.get(flow).is_some_and(|task| !keeps_its_time(task) && task.poll_due > at) {
            self.schedule(flow, at);
        }
    }

    /// Whether every run that is left waits for somebody to mend its connection, for a service that is away or, where a
    /// drain does not stay for that, for the end of its `wait`.
    async fn others_must_act(&self, drain: Drain) -> Result<bool, EngineError> {
        for (id, task) in self.flows.iter().filter(|(_, task)| !task.is_paused) {
            let counts = match self.parts.store.counts_by_state(id).await {
                Ok(counts) => counts,
                Err(error) if error.may_pass() => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            let is_left = |state: RunState| !state.is_end() && (drain.waits || state != RunState::Waiting);
            let n_left: u64 = counts.iter().filter(|(state, _)| is_left(*state)).map(|(_, n)| n).sum();
            if n_left != (task.blocked_runs.len() + task.away_runs.len()) as u64 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
