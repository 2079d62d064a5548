//! How far a command has come that takes its time: one line on a terminal, which goes away with the work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runtime::{FlowStatus, Handle};
use sdk::{Clock as _, SystemClock, Timestamp};
use store::RunState;
use tokio_util::sync::CancellationToken;

use crate::tables::{count, counted};
use crate::{durations, screen};

/// What is over by then needs no line.
const SHOWN_AFTER: Duration = Duration::from_secs(2);
/// How often the line is drawn anew.
const DRAWN_EVERY: Duration = Duration::from_millis(500);

/// Shows how far an engine's flows come, until told that they have.
pub async fn watch(handle: Handle, ended: CancellationToken) {
    let first = handle.statuses();
    let mut pause = SHOWN_AFTER;
    loop {
        tokio::select! {
            () = ended.cancelled() => break,
            () = SystemClock.sleep(pause) => {}
        }
        screen::draw_line(&so_far(&first, &handle.statuses(), SystemClock.now()));
        pause = DRAWN_EVERY;
    }
    screen::clear_line();
}

/// What has come of the flows since they stood as at first, and what they wait for.
fn so_far(first: &[FlowStatus], flows: &[FlowStatus], now: Timestamp) -> String {
    let records = |flows: &[FlowStatus]| flows.iter().map(|flow| flow.records).sum::<u64>();
    let (ended_first, mut ended) = (ended(first), ended(flows));
    for (state, n) in &mut ended {
        *n = n.saturating_sub(ended_first.get(state).copied().unwrap_or_default());
    }
    let n_in = |state: RunState| ended.get(&state).copied().unwrap_or_default();
    let (failed, unknown) = (n_in(RunState::Failed), n_in(RunState::Unknown));
    let open: u64 = flows.iter().map(FlowStatus::open_runs).sum();

    let mut line = format!(
        "{} read; {} ended",
        counted(records(flows).saturating_sub(records(first)), "record"),
        counted(ended.values().sum(), "run"),
    );
    if failed > 0 {
        line.push_str(&format!(", {} failed", count(failed)));
    }
    if unknown > 0 {
        line.push_str(&format!(", {} unknown", count(unknown)));
    }
    if open > 0 {
        line.push_str(&format!(", {} to go", count(open)));
    }
    let next_look = flows.iter().filter_map(|flow| flow.next_poll).min();
    if let Some(next_look) = next_look.filter(|_| open == 0) {
        line.push_str(&format!("; looks again in {}", durations::short(next_look.since(now))));
    }
    if let Some(reason) = flows.iter().find_map(|flow| flow.reason.as_ref()) {
        line.push_str(&format!("; {reason}"));
    }
    line
}

fn ended(flows: &[FlowStatus]) -> BTreeMap<RunState, u64> {
    let mut all = BTreeMap::new();
    for (state, n) in flows.iter().flat_map(|flow| &flow.ended) {
        *all.entry(*state).or_default() += n;
    }
    all
}

/// Counts what is done.
#[derive(Debug)]
pub struct Progress {
    /// What is counted, such as `object`.
    noun: &'static str,
    total: u64,
    n_done: AtomicU64,
}

impl Progress {
    /// Nothing of `total` is done yet.
    pub fn new(noun: &'static str, total: usize) -> Self {
        let progress = Self { noun, total: total as u64, n_done: AtomicU64::new(0) };
        progress.draw(0, "");
        progress
    }

    /// One more is done.
    pub fn done(&self, name: &str) {
        self.draw(self.n_done.fetch_add(1, Ordering::Relaxed) + 1, name);
    }

    fn draw(&self, n_done: u64, name: &str) {
        screen::draw_line(&format!("{n_done} of {}  {name}", counted(self.total, self.noun)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        screen::clear_line();
    }
}

#[cfg(test)]
mod tests {
    use store::FlowState;

    use super::*;

    fn flow(records: u64, runs: u64, ended: &[(RunState, u64)]) -> FlowStatus {
        FlowStatus {
            flow: "people".into(),
            state: FlowState::Active,
            trigger: runtime::TriggerKind::Poll,
            reason: None,
            polls: 1,
            records,
            left_out: 0,
            asked: 0,
            scheduled: 0,
            runs,
            ended: ended.iter().copied().collect(),
            earlier: 0,
            next_poll: None,
            next_start: None,
            last_poll: None,
            is_left_unread: false,
        }
    }

    #[test]
    fn a_line_tells_of_this_pass_and_what_it_waits_for() {
        let first = [flow(100, 100, &[(RunState::Succeeded, 90), (RunState::Failed, 10)])];
        let now = Timestamp::from_millis(1_000);
        let mut working = flow(1_300, 1_300, &[(RunState::Succeeded, 690), (RunState::Failed, 10)]);
        working.next_poll = Some(Timestamp::from_millis(4_000));
        assert_eq!(so_far(&first, &[working.clone()], now), "1,200 records read; 600 runs ended, 600 to go");

        let mut waiting = flow(101, 101, &[(RunState::Succeeded, 90), (RunState::Failed, 10), (RunState::Unknown, 1)]);
        waiting.next_poll = working.next_poll;
        waiting.reason = Some("HubSpot fails".to_owned());
        assert_eq!(
            so_far(&first, &[waiting], now),
            "1 record read; 1 run ended, 1 unknown; looks again in 3 s; HubSpot fails"
        );
    }
}
