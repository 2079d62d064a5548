//! From stored runs to running ones, and back.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flow::Flow;
use futures::FutureExt;
use sdk::{Class, FlowId, RunId, Timestamp};
use store::{AttemptEnd, ClaimedRun, EffectState, Ending, Failure, FlowState, Only, RunState, Settlement, Store};

use super::{Engine, EngineError};
use crate::durable::{Held, Interrupt, StoredWorld};
use crate::interpreter::interpret;
use crate::run_log::{AttemptLog, Note};
use crate::stopping::StopWish;

/// An attempt of a run that is over.
pub(super) struct RunEnded {
    pub flow: FlowId,
    pub run: RunId,
    /// How it was asked to stop. Another attempt of the same run has another.
    pub stop: StopWish,
    pub result: RunResult,
}

/// What became of a run at work.
pub(super) enum RunResult {
    /// It ended, and whoever called it may go on.
    Ended { state: RunState, was_called: bool },
    /// It waits in the store for another attempt.
    Parked { due_at: Timestamp, why: Parked },
    /// Its result could not be kept: in the store it is at work still.
    Stranded(store::Error),
}

/// Why a run waits in the store.
pub(super) enum Parked {
    /// Somebody must mend its connection.
    Blocked(String),
    /// A service fails, and not for the first time, or nobody answers there: it is tried again.
    HeldUp(HoldUp),
    /// It bides its time, or that of its service's limits.
    Biding,
}

/// What holds a run up, for operators.
pub(super) struct HoldUp {
    failure: Failure,
    /// In a sentence.
    reason: String,
    /// Whether nobody answers at its connection, for as long as that takes.
    is_away: bool,
}

/// After so many failures in a row, it is worth telling: by then some seconds have passed, so it was no hiccup.
const MANY_FAILURES: u32 = 3;

impl Parked {
    fn of(failure: &Failure, held: &Held) -> Self {
        let message = &failure.message;
        let held_up = |reason: String, is_away| Self::HeldUp(HoldUp { failure: failure.clone(), reason, is_away });
        match held {
            Held::Blocked => Self::Blocked(message.clone()),
            Held::Away { connection, since } => held_up(
                format!(
                    "its runs are held up because the connection `{connection}` has been away since {since}: {message}"
                ),
                true,
            ),
            Held::Shortly if failure.class == Class::Transient.as_str() && failure.attempt >= MANY_FAILURES => {
                held_up(format!("`{}` is tried again: {message}", failure.step), false)
            }
            Held::Shortly => Self::Biding,
        }
    }
}

impl Engine {
    /// Claims as many runs as may be at work, starts them, and says when the store may hold more.
    pub(super) async fn dispatch(&mut self) -> Result<Option<Timestamp>, EngineError> {
        let now = self.parts.clock.now();
        if let Some(trouble) = &self.trouble {
            return Ok(Some(trouble.retry_at));
        }
        if self.take_due(now) {
            self.all_may_have_work();
        }
        let mut has_changed = false;
        for only in [Only::All, Only::Begun] {
            let wishes = self.wishes(only);
            if wishes.is_empty() {
                continue;
            }
            has_changed = true;
            let claimed = match only {
                Only::All => self.parts.store.claim(now, &wishes).await,
                Only::Begun => self.parts.store.claim_begun(now, &wishes).await,
            };
            let claimed = match claimed {
                Ok(claimed) => claimed,
                Err(error) => {
                    self.meet(error, None)?;
                    return Ok(self.trouble.as_ref().map(|trouble| trouble.retry_at));
                }
            };
            sdk::faults::point("dispatch.claimed");
            for (flow, _) in &wishes {
                let got = claimed.iter().filter(|run| run.flow == *flow).count();
                // Fewer than wished may be there and hidden behind runs that could not be read.
                if got == 0 {
                    self.may_have_work.remove(flow);
                }
            }
            for run in claimed {
                self.start_run(run);
            }
        }
        let is_busy = !self.runs.is_empty();
        if !is_busy && self.may_have_work.iter().any(|flow| self.flows.get(flow).is_some_and(|task| !task.is_paused)) {
            return Ok(Some(now));
        }
        // Runs that end wake the loop, and so do those that this engine parked; of those that another one did before
        // it, the next is asked for each time that the one before has come. Where nothing wakes it but polls that find
        // nothing, what the store said last holds: asking after each of them would be an idle engine's whole work.
        if (is_busy || !has_changed) && self.ask_store_at.is_none_or(|at| at > now) {
            return Ok(self.parked_until.first().copied());
        }
        match self.parts.store.any_open().await {
            Ok(true) => {}
            // Asked first, and at once answered: with thousands of idle flows, asking for each is the loop's whole
            // work.
            Ok(false) => {
                self.ask_store_at = None;
                return Ok(None);
            }
            Err(error) => {
                self.meet(error, None)?;
                return Ok(self.trouble.as_ref().map(|trouble| trouble.retry_at));
            }
        }
        let active: Vec<FlowId> =
            self.flows.iter().filter(|(_, task)| !task.is_paused).map(|(flow, _)| flow.clone()).collect();
        match self.parts.store.next_due(now, &active).await {
            Ok(due) => {
                self.ask_store_at = due;
                self.parked_until.extend(due);
                Ok(if is_busy { self.parked_until.first().copied() } else { due })
            }
            Err(error) => {
                self.meet(error, None)?;
                Ok(self.trouble.as_ref().map(|trouble| trouble.retry_at))
            }
        }
    }

    /// From now on the store may hold runs of every flow that could be claimed.
    pub(super) fn all_may_have_work(&mut self) {
        self.may_have_work.extend(self.flows.keys().cloned());
    }

    /// Drops the due times that have come, and says whether there were any.
    fn take_due(&mut self, now: Timestamp) -> bool {
        let later = self.parked_until.split_off(&(now + Duration::from_millis(1)));
        !std::mem::replace(&mut self.parked_until, later).is_empty()
    }

    /// How many runs of which flows could be taken up now. Claimed in handfuls: below half of a flow's limit it asks
    /// again. Where there is not room for all, those that come after the last one served are the first of the next
    /// round. A flow that was removed begins no run any more.
    fn wishes(&mut self, only: Only) -> Vec<(FlowId, usize)> {
        let n_at_work = self.runs.len().saturating_sub(self.effects.parking().count());
        let mut room = self.parts.options.runs_at_once.saturating_sub(n_at_work);
        let mut wishes = Vec::new();
        let (last, waiting) = (self.last_served.as_ref(), &self.may_have_work);
        let after = waiting.iter().filter(|id| Some(*id) > last);
        let before = waiting.iter().filter(|id| Some(*id) <= last);
        for id in after.chain(before) {
            let Some(task) = self.flows.get(id) else { continue };
            let limit = task.flow.limits.runs.max(1);
            if task.versions.is_retired != (only == Only::Begun) {
                continue;
            }
            if task.is_paused || task.n_at_work > limit / 2 || room == 0 {
                continue;
            }
            let wish = (limit - task.n_at_work).min(room);
            room -= wish;
            wishes.push((id.clone(), wish));
        }
        if let (0, Some((id, _))) = (room, wishes.last()) {
            self.last_served = Some(id.clone());
        }
        wishes
    }

    fn start_run(&mut self, run: ClaimedRun) {
        let Some(task) = self.flows.get_mut(&run.flow) else { return };
        task.n_at_work += 1;
        task.blocked_runs.remove(&run.id);
        let (flow, pace) = (task.versions.of_run(run.id, &task.flow), task.pace.clone());
        let store = self.parts.store.clone();
        let clock = self.parts.clock.clone();
        let run = Arc::new(run);
        let redactor = self.parts.connections.redactor();
        let stop = StopWish::default();
        self.at_work.insert(run.id, stop.clone());
        let world = StoredWorld {
            run: run.clone(),
            flow_identity: task.identity.clone(),
            store: store.clone(),
            connections: self.parts.connections.clone(),
            effects: self.effects.clone(),
            calls: self.calls.clone(),
            clock: clock.clone(),
            log: Arc::new(AttemptLog::new(run.attempt, clock.clone(), redactor.clone())),
            stop: stop.clone(),
        };
        self.runs.spawn(async move {
            let (flow_id, id) = (run.flow.clone(), run.id);
            let outcome =
                match AssertUnwindSafe(interpret(flow.clone(), run.clone(), &world, &pace)).catch_unwind().await {
                    Ok(outcome) => outcome,
                    Err(panic) => panicked(&store, &run, &redactor.clean(&panic_text(panic)), clock.now()).await,
                };
            let result = keep(&store, &flow, &run, outcome, &world.log, clock.now()).await;
            RunEnded { flow: flow_id, run: id, stop, result }
        });
    }

    pub(super) async fn run_ended(&mut self, ended: RunEnded) -> Result<(), EngineError> {
        let RunEnded { flow, run, stop, result } = ended;
        let flow = &flow;
        // By now it may be at work once more, or cancelled.
        let is_latest = self.at_work.get(&run).is_some_and(|latest| latest.is(&stop));
        if is_latest {
            self.at_work.remove(&run);
        }
        if let Some(task) = self.flows.get_mut(flow) {
            task.n_at_work -= 1;
            // A later version of the same record may have waited for it.
            self.may_have_work.insert(flow.clone());
        }
        match result {
            RunResult::Ended { state, was_called } => {
                self.at_its_end(flow, run, state).await;
                if was_called {
                    self.all_may_have_work();
                }
            }
            RunResult::Parked { due_at, why } => {
                // In steps of a tenth of a second, so that many parked runs are few due times.
                self.parked_until.insert(Timestamp::from_millis((due_at.millis() / 100 + 1) * 100));
                // What came after it says what holds the run up, if anything does.
                if !is_latest {
                    return Ok(());
                }
                match why {
                    Parked::Blocked(reason) => {
                        if let Some(task) = self.flows.get_mut(flow) {
                            task.blocked_runs.insert(run);
                            task.away_runs.remove(&run);
                        }
                        self.block(flow, &reason).await;
                    }
                    Parked::HeldUp(hold_up) => self.hold_up(flow, run, hold_up, due_at),
                    Parked::Biding => self.goes_on(flow, run),
                }
            }
            RunResult::Stranded(error) => self.meet(error, Some((flow.clone(), run)))?,
        }
        Ok(())
    }

    /// Counts a run that has come to its end, and lets go of what was kept for it.
    pub(super) async fn at_its_end(&mut self, flow: &FlowId, run: RunId, state: RunState) {
        self.count_end(flow, state);
        self.goes_on(flow, run);
        self.forget_version_of(flow, run);
        if self.flows.get(flow).is_some_and(|task| task.blocked_runs.is_empty() && task.n_failed_polls == 0) {
            self.unblock(flow).await;
        }
    }

    /// Shows that a flow's runs are tried again because a service is away: nothing has failed so far, and yet nothing
    /// goes on.
    fn hold_up(&mut self, flow: &FlowId, run: RunId, hold_up: HoldUp, retry_at: Timestamp) {
        let HoldUp { failure, reason, is_away } = hold_up;
        let Some(task) = self.flows.get_mut(flow) else { return };
        let is_new = task.held_up_runs.is_empty();
        task.held_up_runs.insert(run);
        match is_away {
            true => task.away_runs.insert(run),
            false => task.away_runs.remove(&run),
        };
        task.held_up_by = Some(reason.clone());
        let is_paused = task.is_paused;
        if is_new {
            crate::events::RunsHeldUp { flow, failure: &failure, retry_at }.emit();
        }
        self.with_status(flow, |status| {
            if !is_paused && status.state == FlowState::Active {
                status.reason = Some(reason);
            }
        });
    }

    /// A run is held up no longer, if it was. Others of its flow still may be.
    pub(super) fn goes_on(&mut self, flow: &FlowId, run: RunId) {
        let Some(task) = self.flows.get_mut(flow) else { return };
        task.away_runs.remove(&run);
        if !task.held_up_runs.remove(&run) || !task.held_up_runs.is_empty() {
            return;
        }
        let over = task.held_up_by.take();
        crate::events::RunsGoOn { flow }.emit();
        self.with_status(flow, |status| {
            if status.reason == over {
                status.reason = None;
            }
        });
    }
}

/// Keeps what became of a run.
async fn keep(
    store: &Store,
    flow: &Flow,
    run: &ClaimedRun,
    outcome: Result<Ending, Interrupt>,
    log: &AttemptLog,
    now: Timestamp,
) -> RunResult {
    let end = async |end: AttemptEnd| store.end_attempt(run.id, end, log.take(), now).await;
    let was_called = run.caller.is_some();
    // Whoever asked it to stop may have come while it ended its attempt.
    let stop_or = async |end_of_attempt: AttemptEnd, otherwise: RunResult| {
        let state = end(end_of_attempt).await?;
        let Some(state) = state.filter(|state| state.is_end()) else { return Ok(otherwise) };
        tell_stopped(store, &flow.id, run.id, state).await;
        Ok(RunResult::Ended { state, was_called })
    };
    let kept = match outcome {
        Ok(ending) => {
            match &ending {
                Ending::Failed(failure) => give_up(flow, run, failure, log, false),
                Ending::Unknown(failure) => give_up(flow, run, failure, log, true),
                Ending::Succeeded(_) | Ending::Skipped(_) | Ending::Superseded => {}
            }
            let ended = RunResult::Ended { state: ending.state(), was_called };
            end(AttemptEnd::Finished(ending)).await.map(|_| ended)
        }
        Err(Interrupt::Park { due_at, failure, held }) => {
            let why = Parked::of(&failure, &held);
            let parked = RunResult::Parked { due_at, why };
            stop_or(AttemptEnd::Parked { due_at, failure }, parked).await
        }
        Err(Interrupt::Wait { due_at }) => {
            let waits = RunResult::Parked { due_at, why: Parked::Biding };
            stop_or(AttemptEnd::Waits { due_at }, waits).await
        }
        Err(Interrupt::Stopped) => {
            let cancelled = RunResult::Ended { state: RunState::Cancelled, was_called };
            stop_or(AttemptEnd::Stopped, cancelled).await
        }
        Err(Interrupt::Store(error)) => Err(error),
    };
    sdk::faults::point("run.kept");
    kept.unwrap_or_else(RunResult::Stranded)
}

/// Tells that a run has stopped, as it was asked to. Where it is unknown, somebody must look.
pub(super) async fn tell_stopped(store: &Store, flow: &FlowId, run: RunId, state: RunState) {
    if state == RunState::Unknown
        && let Ok(detail) = store.run(&run.to_string()).await
        && let Some(failure) = &detail.row.failure
    {
        crate::events::RunGaveUp { run, flow, failure, unknown: true }.emit();
        return;
    }
    crate::events::RunStopped { run, flow, state }.emit();
}

fn give_up(flow: &Flow, run: &ClaimedRun, failure: &Failure, log: &AttemptLog, unknown: bool) {
    let note = Note::error(format!("gave up: {}", failure.message));
    log.note(None, note.with("step", &failure.step).with("class", &failure.class));
    crate::events::RunGaveUp { run: run.id, flow: &flow.id, failure, unknown }.emit();
}

/// A panic ends its own run only: as failed, or as unknown where a write of it was under way.
async fn panicked(store: &Store, run: &ClaimedRun, text: &str, now: Timestamp) -> Result<Ending, Interrupt> {
    let message = format!("the engine failed inside: {text}");
    let failure = |class: &str| Failure {
        step: String::new(),
        class: class.to_owned(),
        message: message.clone(),
        attempt: run.attempt,
    };
    let mut is_unknown = false;
    for effect in store.run(&run.id.to_string()).await?.effects {
        if effect.state == EffectState::Sent {
            is_unknown = true;
            let settlement = Settlement::Unknown { class: "unknown".to_owned(), message: message.clone() };
            store.settle(&effect.effect_id, settlement, now).await?;
        }
    }
    Ok(if is_unknown { Ending::Unknown(failure("unknown")) } else { Ending::Failed(failure("permanent")) })
}

/// What a panic said. A test's crash is no panic of ours, and goes on through.
pub(super) fn panic_text(panic: Box<dyn Any + Send>) -> String {
    #[cfg(feature = "faults")]
    let panic = match panic.downcast::<sdk::faults::Crash>() {
        Ok(crash) => std::panic::resume_unwind(crash),
        Err(panic) => panic,
    };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
