//! What a running engine knows of its flows, for people.

use std::collections::BTreeMap;

use flow::{Flow, Schedule, Trigger};
use sdk::{FlowId, Timestamp};
use store::{FlowState, RunState};

/// One flow, as it stands now.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FlowStatus {
    /// Its id.
    pub flow: FlowId,
    /// Whether it works.
    pub state: FlowState,
    /// What starts its runs.
    pub trigger: TriggerKind,
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
    /// Runs that its times started, where it walks no records.
    pub scheduled: u64,
    /// Runs stored since the flow began.
    pub runs: u64,
    /// Runs by how they ended, since the flow began.
    pub ended: BTreeMap<RunState, u64>,
    /// Runs under way that finish on a version of the flow before this one.
    pub earlier: u64,
    /// When it polls next.
    pub next_poll: Option<Timestamp>,
    /// When its schedule starts it next.
    pub next_start: Option<Timestamp>,
    /// Its last finished or failed poll.
    pub last_poll: Option<LastPoll>,
    /// Whether an engine that drained has ended although its source was not read to the end.
    pub is_left_unread: bool,
}

/// What starts a flow's runs, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// Records that its polls find.
    Poll,
    /// The clock.
    Schedule,
    /// The clock, one for each record of an object.
    Walk,
    /// Somebody who asks.
    Manual,
    /// A service that tells.
    Webhook,
}

impl TriggerKind {
    /// That of a flow's trigger.
    pub fn of(trigger: &Trigger) -> Self {
        match trigger {
            Trigger::Poll(_) => Self::Poll,
            Trigger::Schedule(Schedule { walk: Some(_), .. }) => Self::Walk,
            Trigger::Schedule(Schedule { walk: None, .. }) => Self::Schedule,
            Trigger::Manual(_) => Self::Manual,
            Trigger::Webhook(_) => Self::Webhook,
        }
    }

    /// Its word, the same in YAML, JSON and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Schedule => "schedule",
            Self::Walk => "walk",
            Self::Manual => "manual",
            Self::Webhook => "webhook",
        }
    }
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
    pub fn left_out(flow: &Flow, reason: String) -> Self {
        Self {
            flow: flow.id.clone(),
            state: FlowState::Invalid,
            trigger: TriggerKind::of(&flow.trigger),
            reason: Some(reason),
            polls: 0,
            records: 0,
            left_out: 0,
            asked: 0,
            scheduled: 0,
            runs: 0,
            ended: BTreeMap::new(),
            earlier: 0,
            next_poll: None,
            next_start: None,
            last_poll: None,
            is_left_unread: false,
        }
    }

    /// Runs that have not ended yet.
    pub fn open_runs(&self) -> u64 {
        self.runs.saturating_sub(self.ended.values().sum())
    }

    /// Whether every record read is accounted for: left out by the trigger, or a run that has ended.
    pub fn adds_up(&self) -> bool {
        self.records + self.asked + self.scheduled == self.left_out + self.runs && self.open_runs() == 0
    }
}
