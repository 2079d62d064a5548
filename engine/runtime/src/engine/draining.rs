//! When an engine that is to stop once nothing is left to do has come to that.

use std::time::Duration;

use sdk::Timestamp;
use store::RunState;

use super::{Engine, EngineError};

/// When an engine that drains is done: each flow finished a pass that began at least this long after the engine started
/// and after the last write to the connection it polls, and no run is left. A flow that is paused, or blocked until somebody
/// mends its connection, is not waited for, and neither is a run whose service is away; nor is a flow's next time, but a walk
/// that is under way is.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// How late a service may show what was written to it.
    pub settle: Duration,
    /// Whether it stays for runs in a `wait`, which may last for days; else the next engine goes on with them.
    pub waits: bool,
}

impl Engine {
    /// Whether nothing is left to do.
    pub(super) async fn is_drained(&self, drain: Drain, wake_at: Option<Timestamp>) -> Result<bool, EngineError> {
        Ok(self.is_idle(drain) && (wake_at.is_none() || self.others_must_act(drain).await?))
    }

    /// Whether nothing is at work, and each source was read as late as a drain asks.
    fn is_idle(&self, drain: Drain) -> bool {
        self.trouble.is_none()
            && self.runs.is_empty()
            && self.polls.is_empty()
            && self.look_ups.is_empty()
            && self.flows.iter().filter(|(_, task)| !task.versions.is_retired).all(|(id, task)| {
                let is_waited_for = !task.is_paused && !self.is_blocked(id);
                let Some(poll) = task.flow.trigger.poll() else {
                    return !is_waited_for || !self.is_walking(id);
                };
                let written = self.parts.connections.get(&poll.target.connection).and_then(|open| open.last_write_at());
                let since = written.map_or(self.started_at, |written| written.max(self.started_at)) + drain.settle;
                !is_waited_for || task.last_finished_pass_began.is_some_and(|began| began >= since)
            })
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
