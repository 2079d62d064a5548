//! Moments worth seeing. Each writes its log line here and nowhere else, so that the words stay the same.

use std::time::Duration;

use sdk::{ConnectionName, EffectId, FlowId, RunId, Timestamp};
use store::{Failure, RunState, SourceKey};

/// A service's index proved later than half of the allowance.
pub struct LagWidened<'a> {
    /// Which source.
    pub source: &'a SourceKey,
    /// How late a row came at least.
    pub late_by: Duration,
    /// The allowance from now on.
    pub allowance: Duration,
}

impl LagWidened<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::warn!(
            flow = %self.source.flow,
            source = %self.source.source,
            late_by_seconds = self.late_by.as_secs(),
            allowance_seconds = self.allowance.as_secs(),
            "the service showed a change late; reading further back from now on"
        );
    }
}

/// A service's clock and this machine's stand far apart.
pub struct ClocksApart<'a> {
    /// Which connection.
    pub connection: &'a ConnectionName,
    /// What time it is there.
    pub server_time: Timestamp,
    /// What time it is here.
    pub now: Timestamp,
}

impl ClocksApart<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::warn!(
            connection = %self.connection,
            server_time = %self.server_time,
            now = %self.now,
            "the service's clock and this machine's stand far apart; its own is what counts"
        );
    }
}

/// A poll failed; the cursor stands where it stood.
pub struct PollFailed<'a> {
    /// Whose.
    pub flow: &'a FlowId,
    /// Why.
    pub error: &'a crate::PollError,
    /// Failures in a row.
    pub failures: u32,
    /// When it is tried again.
    pub retry_in: Duration,
}

impl PollFailed<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::warn!(
            flow = %self.flow,
            failures = self.failures,
            // Displayed, a whole number stands there as one.
            retry_in_seconds = %self.retry_in.as_secs_f64(),
            error = %self.error,
            "poll failed"
        );
    }
}

/// A poll was not made because the service's budget leaves no room for it; the cursor stands where it stood.
pub struct PollWaits<'a> {
    /// Whose.
    pub flow: &'a FlowId,
    /// Of which connection.
    pub connection: &'a ConnectionName,
    /// When it is looked at again.
    pub until: Timestamp,
}

impl PollWaits<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::info!(
            flow = %self.flow,
            connection = %self.connection,
            until = %self.until,
            "a poll waits for room in the service's budget"
        );
    }
}

/// A flow stopped by itself until somebody mends its connection.
pub struct FlowBlocked<'a> {
    /// Which.
    pub flow: &'a FlowId,
    /// Why.
    pub reason: &'a str,
}

impl FlowBlocked<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::error!(flow = %self.flow, reason = self.reason, "flow blocked");
    }
}

/// Somebody mended the connection of a flow that was blocked.
pub struct FlowUnblocked<'a> {
    /// Which.
    pub flow: &'a FlowId,
}

impl FlowUnblocked<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::info!(flow = %self.flow, "flow works again");
    }
}

/// Nobody answers at a connection, and it is no hiccup: from now on no run is to blame for that.
pub struct ConnectionAway<'a> {
    /// Which.
    pub connection: &'a ConnectionName,
    /// When nobody answered first.
    pub since: Timestamp,
    /// What the last call said.
    pub error: &'a sdk::Error,
}

impl ConnectionAway<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::warn!(
            connection = %self.connection,
            since = %self.since,
            error = %self.error,
            "nobody answers there; runs wait until somebody does, and none of their tries are used up"
        );
    }
}

/// Somebody answers again.
pub struct ConnectionBack<'a> {
    /// Where.
    pub connection: &'a ConnectionName,
    /// How long nobody did.
    pub away_for: Duration,
}

impl ConnectionBack<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::info!(
            connection = %self.connection,
            away_for_seconds = self.away_for.as_secs(),
            "somebody answers there again"
        );
    }
}

/// A service that a flow's steps ask is away; its runs are kept and tried again. Told once for all of them, so it has
/// the fields of a flow, not of a run.
pub struct RunsHeldUp<'a> {
    /// Whose.
    pub flow: &'a FlowId,
    /// What the first of them met.
    pub failure: &'a Failure,
    /// When that one is tried again.
    pub retry_at: Timestamp,
}

impl RunsHeldUp<'_> {
    /// Writes it.
    pub fn emit(&self) {
        let Failure { step, class, message, attempt } = self.failure;
        tracing::warn!(
            flow = %self.flow,
            step,
            class,
            attempt,
            retry_at = %self.retry_at,
            error = message,
            "runs are held up and tried again"
        );
    }
}

/// Runs that were held up have ended; none is left.
pub struct RunsGoOn<'a> {
    /// Whose.
    pub flow: &'a FlowId,
}

impl RunsGoOn<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::info!(flow = %self.flow, "no run is held up any more");
    }
}

/// A flow does not run, and the others do.
pub struct FlowLeftOut<'a> {
    /// Which.
    pub flow: &'a FlowId,
    /// Why.
    pub reason: &'a str,
}

impl FlowLeftOut<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::error!(flow = %self.flow, reason = self.reason, "flow left out");
    }
}

/// Times of a flow passed while nothing ran.
pub struct TimesMissed<'a> {
    /// Whose.
    pub flow: &'a FlowId,
    /// The first of them.
    pub since: Timestamp,
    /// The last.
    pub until: Timestamp,
    /// Whether one start makes up for all of them; else they are left out.
    pub made_up: bool,
}

impl TimesMissed<'_> {
    /// Writes it.
    pub fn emit(&self) {
        let Self { flow, since, until, made_up } = self;
        tracing::warn!(flow = %flow, since = %since, until = %until, made_up, "times were missed while nothing ran");
    }
}

/// A service asked for less.
pub struct ConnectionHeld<'a> {
    /// Which connection.
    pub connection: &'a ConnectionName,
    /// Of which of its limits, where it said.
    pub limit: Option<&'a str>,
    /// For how long.
    pub wait: Duration,
}

impl ConnectionHeld<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::debug!(
            connection = %self.connection,
            limit = self.limit,
            wait_seconds = %self.wait.as_secs_f64(),
            "the service asked for less"
        );
    }
}

/// A write's outcome is known and the disk cannot keep it.
pub struct OutcomeNotKept<'a> {
    /// Which write.
    pub effect: &'a EffectId,
    /// Why not.
    pub error: &'a store::Error,
    /// When it is tried again.
    pub retry_in: Duration,
}

impl OutcomeNotKept<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::error!(
            effect = %self.effect,
            retry_in_seconds = self.retry_in.as_secs(),
            error = %self.error,
            "the outcome of a write cannot be kept; waiting until it can"
        );
    }
}

/// A run gave up, or nobody can know whether its write was applied.
pub struct RunGaveUp<'a> {
    /// Which.
    pub run: RunId,
    /// Whose.
    pub flow: &'a FlowId,
    /// Why.
    pub failure: &'a Failure,
    /// Whether a write's outcome is not known.
    pub unknown: bool,
}

impl RunGaveUp<'_> {
    /// Writes it.
    pub fn emit(&self) {
        let Failure { step, class, message, attempt } = self.failure;
        if self.unknown {
            tracing::error!(run = %self.run, flow = %self.flow, step, class, attempt, error = message, "run ended unknown");
        } else {
            tracing::warn!(run = %self.run, flow = %self.flow, step, class, attempt, error = message, "run failed");
        }
    }
}

/// A run that was at work has stopped, because somebody cancelled it.
pub struct RunStopped<'a> {
    /// Which.
    pub run: RunId,
    /// Whose.
    pub flow: &'a FlowId,
    /// How it ended: cancelled, or unknown where a write may have been applied.
    pub state: RunState,
}

impl RunStopped<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::info!(run = %self.run, flow = %self.flow, state = %self.state, "the run has stopped, as it was asked to");
    }
}

/// The target of events of flows that are taken up or given up while the engine works.
pub const EXCHANGED: &str = "millrace_runtime::exchanged";

/// A flow has begun while the engine works.
pub struct FlowAdded<'a> {
    /// Which.
    pub flow: &'a FlowId,
}

impl FlowAdded<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::info!(target: EXCHANGED, flow = %self.flow, "the flow is new, and at work");
    }
}

/// A flow goes on by another version of itself.
pub struct FlowReplaced<'a> {
    /// Which.
    pub flow: &'a FlowId,
    /// Runs that finish on the version before.
    pub finishing: usize,
}

impl FlowReplaced<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::info!(target: EXCHANGED, flow = %self.flow, finishing = self.finishing, "the flow goes on by its new version");
    }
}

/// A flow begins nothing any more.
pub struct FlowRemoved<'a> {
    /// Which.
    pub flow: &'a FlowId,
    /// Runs under way that come to their end.
    pub finishing: usize,
    /// Why.
    pub reason: &'a str,
}

impl FlowRemoved<'_> {
    /// Writes it.
    pub fn emit(&self) {
        tracing::info!(target: EXCHANGED, flow = %self.flow, finishing = self.finishing, reason = self.reason, "the flow begins nothing any more");
    }
}
