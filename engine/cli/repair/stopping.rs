//! Runs at work that were asked to stop: what becomes of them, told once it is known.
//!
//! The wish is in the store, so waiting here changes nothing: whoever stops waiting leaves the runs asked.

use std::time::Duration;

use sdk::{Clock as _, RunId, SystemClock};
use store::{RefusedRun, Repaired, RepairedRun, RunState};

use super::PATIENCE;
use crate::place::Place;
use crate::tables::{count, counted};
use crate::{Failure, screen, signals};

/// How long a service may take to answer before it is told that the runs will stop later.
const BOUND: Duration = Duration::from_secs(30);
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits, but not for ever, for the runs that were asked to stop. Those that have are done. Of those that were named,
/// one that ended otherwise is refused; what is left is asked still.
pub async fn wait(place: &Place, named: &[RunId], repaired: &mut Repaired) -> Result<(), Failure> {
    if repaired.asked.is_empty() {
        return Ok(());
    }
    let store = place.read()?;
    let stop = signals::stop_token();
    let began_at = SystemClock.now();
    let mut told_at = began_at;
    let n_asked = repaired.asked.len();
    loop {
        let states = store.states_of(repaired.asked.iter().map(|run| run.run).collect()).await?;
        let before = std::mem::take(&mut repaired.asked);
        for (run, state) in before.into_iter().zip(states) {
            sort(run, state, named, repaired);
        }
        let now = SystemClock.now();
        if repaired.asked.is_empty() || now.since(began_at) >= BOUND {
            return Ok(());
        }
        if now.since(told_at) >= PATIENCE {
            let is_first = told_at == began_at;
            told_at = now;
            match n_asked - repaired.asked.len() {
                _ if is_first => screen::complain(&format!(
                    "Asked {} at work to stop; what was sent comes to its end first. Ctrl-C leaves {} asked.\n",
                    counted(n_asked as u64, "run"),
                    if n_asked == 1 { "it" } else { "them" },
                )),
                0 => {}
                n_stopped => {
                    screen::complain(&format!("{} of {} …\n", count(n_stopped as u64), count(n_asked as u64)));
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Err(Failure::StillAsked { n_runs: repaired.asked.len() as u64 }),
            () = SystemClock.sleep(LOOK_EVERY) => {}
        }
    }
}

/// Puts a run that was asked to stop where it belongs by now.
fn sort(run: RepairedRun, state: Option<RunState>, named: &[RunId], repaired: &mut Repaired) {
    let id = run.run;
    match state {
        Some(RunState::Pending | RunState::Running | RunState::Waiting) => repaired.asked.push(run),
        Some(after @ (RunState::Cancelled | RunState::Unknown)) => repaired.done.push(RepairedRun { after, ..run }),
        Some(own @ (RunState::Succeeded | RunState::Failed | RunState::Skipped | RunState::Superseded))
            if named.contains(&id) =>
        {
            let reason = format!("run {id} came to an end of its own before it could stop: it is {own}");
            repaired.refused.push(RefusedRun { run: id, reason, in_doubt: false });
        }
        // What a named run called is none of the operator's concern once it has ended by itself; nor is what retention
        // has dropped.
        Some(RunState::Succeeded | RunState::Failed | RunState::Skipped | RunState::Superseded) | None => {}
    }
}

/// Runs that stopped and yet are not cancelled, because a write of theirs may have been applied: somebody must look.
pub fn sort_out_doubt(repaired: &mut Repaired) {
    let is_unknown = |run: &RepairedRun| run.after == RunState::Unknown;
    for RepairedRun { run, .. } in repaired.done.extract_if(.., |run| is_unknown(run)) {
        let reason = format!("run {run} has stopped and is unknown: a write of it may or may not have been applied");
        repaired.refused.push(RefusedRun { run, reason, in_doubt: true });
    }
}

#[cfg(test)]
mod tests {
    use sdk::FlowId;

    use super::*;

    #[test]
    fn what_became_of_each_run_is_told_apart() {
        let run = |number: u128| RepairedRun {
            run: RunId(uuid::Uuid::from_u128(number)),
            flow: FlowId::from("f"),
            before: RunState::Running,
            after: RunState::Running,
        };
        let named = [1, 2, 3, 4].map(|number| run(number).run);
        let mut repaired = Repaired::default();
        let states = [RunState::Cancelled, RunState::Unknown, RunState::Succeeded, RunState::Running, RunState::Failed];
        for (number, state) in (1..).zip(states) {
            sort(run(number), Some(state), &named, &mut repaired);
        }
        sort_out_doubt(&mut repaired);
        let ids = |runs: &[RepairedRun]| runs.iter().map(|run| run.run.0.as_u128()).collect::<Vec<_>>();
        assert_eq!((ids(&repaired.done), ids(&repaired.asked)), (vec![1], vec![4]));
        let refused: Vec<_> = repaired.refused.iter().map(|run| (run.run.0.as_u128(), run.in_doubt)).collect();
        assert_eq!(refused, [(3, false), (2, true)], "the fifth was called by one of them, and ended by itself");
        assert!(repaired.refused[0].reason.ends_with("before it could stop: it is succeeded"));
    }
}
