//! What a running engine knows of its flows, for people.

use std::collections::BTreeMap;

use sdk::{FlowId, Timestamp};
use store::{FlowState, RunState};

/// One flow, as it stands now.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FlowStatus {
    /// Its id.
    pub flow: FlowId,
    /// `active`, `paused`, `blocked`.
    pub state: String,
    /// Why it is not active, or why its last poll failed.
    pub reason: Option<String>,
    /// Polls since the engine started, empty ones included.
    pub polls: u64,
    /// Fresh records read since the flow began.
    pub records: u64,
    /// Of those, refused by the trigger's filter or `where`, or stamped before the flow's start.
    pub left_out: u64,
    /// Runs that an operator asked for, beside those that its records caused.
    pub asked: u64,
    /// Runs stored since the flow began.
    pub runs: u64,
    /// Runs by how they ended, since the flow began.
    pub ended: BTreeMap<RunState, u64>,
    /// When it polls next.
    pub next_poll: Option<Timestamp>,
    /// Its last finished or failed poll.
    pub last_poll: Option<LastPoll>,
}

/// A poll, in short.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct LastPoll {
    /// When it began.
    pub began_at: Timestamp,
    /// Rows read, seen ones included.
    pub rows: usize,
    /// Fresh rows.
    pub fresh: usize,
}

impl FlowStatus {
    /// A flow that does not run, with the reason.
    pub fn left_out(flow: FlowId, reason: String) -> Self {
        Self {
            flow,
            state: FlowState::Invalid.word().to_owned(),
            reason: Some(reason),
            polls: 0,
            records: 0,
            left_out: 0,
            asked: 0,
            runs: 0,
            ended: BTreeMap::new(),
            next_poll: None,
            last_poll: None,
        }
    }

    /// Runs that have not ended yet.
    pub fn open_runs(&self) -> u64 {
        self.runs.saturating_sub(self.ended.values().sum())
    }

    /// Whether every record read is accounted for: left out by the trigger, or a run that has ended.
    pub fn adds_up(&self) -> bool {
        self.records + self.asked == self.left_out + self.runs && self.open_runs() == 0
    }
}
