//! The loop: next event, handle it, act on the answer.
//!
//! A tick carries no data. Whatever it starts reads the store, so a lost or doubled tick changes nothing.

mod command;
mod dispatch;
mod draining;
mod exchange;
mod repair;
mod schedule;
#[cfg(test)]
mod tests;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flow::{Flow, Trigger};
use futures::StreamExt;
use sdk::{Clock, FlowId, Ids, RunId, Timestamp};
use store::{AttemptEnd, Failure, FlowRow, FlowState, RunLog, RunState, Store};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::time::{DelayQueue, delay_queue};

use crate::calls::Calls;
use crate::connections::Connections;
use crate::effects::Effects;
use crate::offload::Pace;
use crate::poller::{PollFailed, PollOptions, Polled, Poller, PollerParts};
use crate::scheduler::{Alarm, QueueAlarm};
use crate::status::{FlowStatus, LastPoll, TriggerKind};
use crate::stopping::StopWish;
use crate::walker::{Walker, WalkerParts};

use command::{Asked, LookedUp, Reply};
pub use command::{Command, Handle};
use dispatch::RunEnded;
pub use draining::Drain;
pub use exchange::{Exchange, Exchanged, Removal};
use exchange::{ExchangeReply, Versions};
use times::Clockwork;

/// How an engine works.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How sources are read.
    pub poll: PollOptions,
    /// Runs at work at once, over all flows. Those that wait for their turn at a service are not at work.
    pub runs_at_once: usize,
    /// How much memory runs may take that wait so, before they count as at work after all.
    pub parked_bytes: usize,
    /// How long a graceful stop waits for runs at work.
    pub grace: Duration,
    /// Whether it polls and goes by the clock at all; else it only works on runs that are stored, or that it is asked
    /// for.
    pub polls: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            poll: PollOptions::default(),
            runs_at_once: 256,
            parked_bytes: 64 * 1024 * 1024,
            grace: Duration::from_secs(10),
            polls: true,
        }
    }
}

/// What an engine works with.
#[derive(Clone)]
pub struct EngineParts {
    /// The flows, checked.
    pub flows: Vec<Arc<Flow>>,
    /// Their connections, open.
    pub connections: Connections,
    /// Where state is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where run ids come from.
    pub ids: Arc<dyn Ids>,
    /// How it works.
    pub options: EngineOptions,
}

/// Several flows at work over one store.
pub struct Engine {
    parts: EngineParts,
    effects: Effects,
    flows: BTreeMap<FlowId, FlowTask>,
    /// The times of those that go by the clock.
    clockworks: BTreeMap<FlowId, Clockwork>,
    /// Flows of which the store may hold runs that could be claimed now.
    may_have_work: BTreeSet<FlowId>,
    /// What wakes the loop for flows that go by the clock.
    alarm: Box<dyn Alarm>,
    /// What the clock said when due times were last looked at.
    clock_seen: Option<Timestamp>,
    /// The ownership under which it stores.
    epoch: i64,
    /// Whether it stops once nothing is left to do.
    drains: bool,
    polls_due: DelayQueue<FlowId>,
    polls: JoinSet<PollEnded>,
    runs: JoinSet<RunEnded>,
    /// How each run is asked to stop, by its latest attempt.
    at_work: BTreeMap<RunId, StopWish>,
    look_ups: JoinSet<LookedUp>,
    commands: mpsc::Receiver<Asked>,
    calls: Calls,
    calls_made: mpsc::UnboundedReceiver<FlowId>,
    statuses: Statuses,
    started_at: Timestamp,
    trouble: Option<Trouble>,
    /// When runs that wait in the store are due again, as far as this process knows.
    parked_until: BTreeSet<Timestamp>,
    /// When to ask the store for the next due time of the runs that it holds; none while it holds none.
    ask_store_at: Option<Timestamp>,
    /// The flow that got the last room there was.
    last_served: Option<FlowId>,
}

type Statuses = Arc<Mutex<BTreeMap<FlowId, FlowStatus>>>;

/// One flow in the loop.
struct FlowTask {
    flow: Arc<Flow>,
    /// The name that its effect ids are made from, which no renaming changes.
    identity: FlowId,
    /// How long its expressions take.
    pace: Arc<Pace>,
    /// What reads its source, where it has one.
    reader: Option<Reader>,
    is_paused: bool,
    /// What its runs began on, where that is an earlier version, and what is to become of it.
    versions: Versions,
    poll_key: Option<delay_queue::Key>,
    poll_due: Timestamp,
    /// The time between two polls, as it is now.
    poll_interval: Duration,
    is_polling: bool,
    n_failed_polls: u32,
    /// When the first of them began.
    failing_since: Option<Timestamp>,
    /// Whether its next poll comes once the service's limits leave room for it, and would be in vain before.
    waits_for_room: bool,
    n_at_work: usize,
    /// Runs of it that wait for somebody to mend their connection.
    blocked_runs: BTreeSet<RunId>,
    /// Runs of it that are tried again because a service fails.
    held_up_runs: BTreeSet<RunId>,
    /// Those of them that wait until somebody answers at their connection.
    away_runs: BTreeSet<RunId>,
    /// What the last of them met, in a sentence, as long as there are any.
    held_up_by: Option<String>,
    /// When the pass under way began, if this process began it.
    pass_began: Option<Timestamp>,
    /// When the last pass began that this process began and finished.
    last_finished_pass_began: Option<Timestamp>,
}

/// What starts a flow's runs, and what was read by it before.
struct Started {
    reader: Option<Reader>,
    clockwork: Option<Clockwork>,
    records: u64,
    left_out: u64,
}

/// What reads a flow's source.
#[derive(Clone)]
enum Reader {
    /// What is new or changed, again and again.
    Poller(Arc<Poller>),
    /// All of it, once for each of its times.
    Walker(Arc<Walker>),
}

struct PollEnded {
    flow: FlowId,
    began_at: Timestamp,
    result: Result<Polled, PollFailed>,
}

/// The store cannot keep anything at the moment, so nothing is sent and nothing is polled.
struct Trouble {
    retry_at: Timestamp,
    /// Runs that are at work in the store and nowhere else, with their flows.
    stranded: Vec<(FlowId, RunId)>,
}

/// How long to wait before asking a store again that could not write.
const TROUBLE_WAIT: Duration = Duration::from_secs(10);

/// Why an engine stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The state could not be read or is no longer ours.
    #[error("{0}")]
    Store(#[from] store::Error),
}

enum Event {
    PollDue(FlowId),
    /// A flow's time may have come.
    Tick(FlowId),
    Polled(PollEnded),
    RunEnded(RunEnded),
    LookedUp(LookedUp),
    Command(Command, Reply),
    Exchange(Exchange, ExchangeReply),
    /// A run of this flow was stored by a run that calls it.
    Called(FlowId),
    Wake,
    Stop,
}

impl Engine {
    /// Takes the store over, puts runs that a dead engine left at work back in line, and makes ready to poll.
    pub async fn start(parts: EngineParts) -> Result<(Self, Handle), EngineError> {
        let started_at = parts.clock.now();
        let taken = parts.store.take_over(started_at).await?;
        for stopped in &taken.stopped {
            dispatch::tell_stopped(&parts.store, &stopped.flow, stopped.run, stopped.after).await;
        }
        let (sender, commands) = mpsc::channel(64);
        let (made, calls_made) = mpsc::unbounded_channel();
        let statuses = Statuses::default();
        let mut engine = Self {
            effects: Effects::new(parts.store.clone(), parts.clock.clone(), parts.options.parked_bytes),
            flows: BTreeMap::new(),
            clockworks: BTreeMap::new(),
            may_have_work: BTreeSet::new(),
            alarm: Box::new(QueueAlarm::new(parts.clock.clone())),
            clock_seen: None,
            epoch: taken.epoch,
            drains: false,
            polls_due: DelayQueue::new(),
            polls: JoinSet::new(),
            runs: JoinSet::new(),
            at_work: BTreeMap::new(),
            look_ups: JoinSet::new(),
            commands,
            calls: Calls {
                flows: Arc::default(),
                store: parts.store.clone(),
                clock: parts.clock.clone(),
                ids: parts.ids.clone(),
                made,
            },
            calls_made,
            statuses: statuses.clone(),
            started_at,
            trouble: None,
            parked_until: BTreeSet::new(),
            ask_store_at: Some(Timestamp::EPOCH),
            last_served: None,
            parts,
        };
        let flows = engine.renamed(engine.parts.flows.clone()).await?;
        let states = engine.parts.store.flow_states().await?;
        for flow in flows {
            let known = states.iter().find(|row| row.flow == flow.id);
            engine.add(flow, known).await?;
        }
        let identity = |(flow, task): (&FlowId, &FlowTask)| (flow.clone(), task.identity.clone());
        engine.calls.flows = Arc::new(engine.flows.iter().map(identity).collect());
        let n_flows = engine.flows.len();
        for flow in engine.flows.keys().cloned().collect::<Vec<_>>() {
            engine.schedule_first(&flow, n_flows);
            engine.arm(&flow);
        }
        Ok((engine, Handle::new(sender, statuses)))
    }

    /// Gives flows that were renamed the history of their old names. One whose new name has a history of its own is
    /// left out, and the others go on.
    async fn renamed(&self, flows: Vec<Arc<Flow>>) -> Result<Vec<Arc<Flow>>, EngineError> {
        let mut sound = Vec::new();
        for flow in flows {
            let renamed = match &flow.was {
                Some(old) => self.parts.store.rename_flow(old, &flow.id).await.map(|_| ()),
                None => Ok(()),
            };
            match renamed {
                Ok(()) => sound.push(flow),
                Err(error @ store::Error::FlowExists { .. }) => {
                    let reason = format!("{error}; take `was` out of its file, or give it another name");
                    crate::events::FlowLeftOut { flow: &flow.id, reason: &reason }.emit();
                    let status = FlowStatus::left_out(&flow, reason);
                    self.with_statuses(|statuses| statuses.insert(flow.id.clone(), status));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sound)
    }

    /// Puts a flow to work. One that says what this version does not run is left out, whoever brings it: the rest of
    /// what it says may not be done without that.
    async fn add(&mut self, flow: Arc<Flow>, known: Option<&FlowRow>) -> Result<(), EngineError> {
        if let Some(first) = flow.not_run().first() {
            let reason = first.to_string();
            crate::events::FlowLeftOut { flow: &flow.id, reason: &reason }.emit();
            let status = FlowStatus::left_out(&flow, reason);
            self.with_statuses(|statuses| statuses.insert(flow.id.clone(), status));
            return Ok(());
        }
        let is_paused = known.is_some_and(|row| row.state == FlowState::Paused);
        if known.is_some_and(|row| row.state == FlowState::Blocked) {
            // Its connection may have been mended since; if not, that is found and told again.
            self.keep_state(&flow.id, FlowState::Active, None).await;
        }
        let Some(Started { reader, clockwork, records, left_out }) = self.starter(&flow).await? else { return Ok(()) };
        let counts = self.parts.store.counts_by_state(&flow.id).await?;
        let identity = self.parts.store.flow_identity(&flow.id).await?;
        let status = FlowStatus {
            flow: flow.id.clone(),
            state: if is_paused { FlowState::Paused } else { FlowState::Active },
            trigger: TriggerKind::of(&flow.trigger),
            reason: None,
            polls: 0,
            records,
            left_out,
            asked: known.map_or(0, |row| row.asked),
            scheduled: clockwork.as_ref().map_or(0, |clockwork| clockwork.row.tally.started),
            runs: counts.iter().map(|(_, n)| n).sum(),
            ended: counts.into_iter().filter(|(state, _)| state.is_end()).collect(),
            earlier: 0,
            next_poll: None,
            next_start: None,
            last_poll: None,
            is_left_unread: false,
        };
        self.with_statuses(|statuses| statuses.insert(flow.id.clone(), status));
        let task = FlowTask {
            flow: flow.clone(),
            identity,
            pace: Arc::default(),
            reader,
            is_paused,
            versions: Versions::default(),
            poll_key: None,
            poll_due: self.started_at,
            poll_interval: flow.trigger.poll().map_or(Duration::ZERO, |poll| poll.every.min),
            is_polling: false,
            n_failed_polls: 0,
            failing_since: None,
            waits_for_room: false,
            n_at_work: 0,
            blocked_runs: BTreeSet::new(),
            held_up_runs: BTreeSet::new(),
            away_runs: BTreeSet::new(),
            held_up_by: None,
            pass_began: None,
            last_finished_pass_began: None,
        };
        self.clockworks.extend(clockwork.map(|clockwork| (flow.id.clone(), clockwork)));
        self.may_have_work.insert(flow.id.clone());
        self.flows.insert(flow.id.clone(), task);
        Ok(())
    }

    /// What starts a flow's runs; `None` where that should be read over a connection that is not open.
    async fn starter(&self, flow: &Arc<Flow>) -> Result<Option<Started>, EngineError> {
        let Some(reader) = self.reader(flow) else { return Ok(None) };
        let clockwork = match &flow.trigger {
            Trigger::Schedule(schedule) => Some(self.clockwork(flow, schedule).await?),
            Trigger::Poll(_) | Trigger::Manual(_) | Trigger::Webhook(_) => None,
        };
        let (records, left_out) = match (&reader, &clockwork) {
            (Some(Reader::Poller(poller)), _) => {
                let tally = self.parts.store.tally(poller.key()).await?;
                (tally.records, tally.filtered + tally.before_start)
            }
            (Some(Reader::Walker(_)) | None, Some(clockwork)) => {
                (clockwork.row.tally.records, clockwork.row.tally.filtered)
            }
            (Some(Reader::Walker(_)) | None, None) => (0, 0),
        };
        Ok(Some(Started { reader, clockwork, records, left_out }))
    }

    /// What reads a flow's source, if it has one. `None` where that should be read over a connection that is not open.
    fn reader(&self, flow: &Arc<Flow>) -> Option<Option<Reader>> {
        let Some(source) = flow.trigger.source() else { return Some(None) };
        let connection = self.parts.connections.get(&source.connection)?.clone();
        let EngineParts { store, clock, ids, options, .. } = self.parts.clone();
        Some(match &flow.trigger {
            Trigger::Poll(poll) => {
                let parts = PollerParts { store, clock, ids, options: options.poll, epoch: self.epoch };
                Some(Reader::Poller(Arc::new(Poller::new(flow.clone(), poll.clone(), connection, parts))))
            }
            Trigger::Schedule(schedule) => schedule.walk.as_ref().map(|walk| {
                let parts = WalkerParts { store, clock, ids, pages: options.poll.pages, epoch: self.epoch };
                Reader::Walker(Arc::new(Walker::new(flow.clone(), walk.clone(), connection, parts)))
            }),
            Trigger::Manual(_) | Trigger::Webhook(_) => None,
        })
    }

    /// Works until `stop`, or until drained; then lets what is at work come to its end and returns.
    pub async fn run(mut self, drain: Option<Drain>, stop: CancellationToken) -> Result<(), EngineError> {
        self.drains = drain.is_some();
        let worked = self.work(drain, &stop).await;
        self.wind_down().await;
        worked
    }

    async fn work(&mut self, drain: Option<Drain>, stop: &CancellationToken) -> Result<(), EngineError> {
        loop {
            self.leave_trouble().await?;
            self.look_at_times().await?;
            let wake_at = self.dispatch().await?;
            if let Some(drain) = drain
                && self.look_again_or_end(drain, wake_at).await?
            {
                return Ok(());
            }
            let wake_at = [wake_at, self.times_wake_at()].into_iter().flatten().min();
            match self.next_event(wake_at, stop).await {
                Event::PollDue(flow) => self.start_poll(&flow),
                // What is due is started before the next event; a tick that came too early is to come again.
                Event::Tick(flow) => self.arm(&flow),
                Event::Polled(ended) => self.poll_ended(ended).await?,
                Event::RunEnded(ended) => self.run_ended(ended).await?,
                Event::LookedUp(looked_up) => self.looked_up(looked_up).await,
                Event::Command(command, reply) => self.handle(command, reply).await,
                Event::Exchange(exchange, reply) => self.exchange(exchange, reply).await,
                Event::Called(flow) => self.called(&flow),
                Event::Wake => {}
                Event::Stop => return Ok(()),
            }
        }
    }

    async fn next_event(&mut self, wake_at: Option<Timestamp>, stop: &CancellationToken) -> Event {
        let now = self.parts.clock.now();
        let wake = wake_at.map(|at| self.parts.clock.sleep(at.since(now).max(Duration::from_millis(1))));
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Stop,
            Some(joined) = self.runs.join_next() => Event::RunEnded(ended(joined)),
            Some(joined) = self.polls.join_next() => Event::Polled(ended(joined)),
            Some(joined) = self.look_ups.join_next() => Event::LookedUp(ended(joined)),
            Some(due) = self.polls_due.next() => Event::PollDue(due.into_inner()),
            flow = self.alarm.next() => Event::Tick(flow),
            Some(flow) = self.calls_made.recv() => Event::Called(flow),
            Some(asked) = self.commands.recv() => match asked {
                Asked::Command(command, reply) => Event::Command(command, reply),
                Asked::Exchange(exchange, reply) => Event::Exchange(exchange, reply),
            },
            () = self.effects.parking().more_room() => Event::Wake,
            () = async { match wake { Some(wake) => wake.await, None => std::future::pending().await } } => Event::Wake,
        }
    }

    /// Stops starting anything, and waits for what is at work, but not for ever: whatever is cut off is in the store.
    async fn wind_down(&mut self) {
        self.polls.abort_all();
        self.look_ups.abort_all();
        // Whoever waits for its turn at a service waits in the store from now on.
        self.parts.connections.close();
        let grace = self.parts.clock.sleep(self.parts.options.grace);
        tokio::pin!(grace);
        while !self.runs.is_empty() {
            tokio::select! {
                Some(joined) = self.runs.join_next() => {
                    // A store that fails now is met by the next start: the run is put back then.
                    let _ = self.run_ended(ended(joined)).await;
                }
                () = &mut grace => break,
            }
        }
    }

    fn is_blocked(&self, flow: &FlowId) -> bool {
        self.with_statuses(|statuses| statuses.get(flow).is_some_and(|status| status.state == FlowState::Blocked))
    }

    /// What a flow is blocked by, if it is.
    fn blocked_by(&self, flow: &FlowId) -> Option<String> {
        self.with_statuses(|statuses| {
            let status = statuses.get(flow).filter(|status| status.state == FlowState::Blocked)?;
            Some(status.reason.clone().unwrap_or_default())
        })
    }

    /// After a while, asks a store again that could not write, and puts stranded runs back in line.
    async fn leave_trouble(&mut self) -> Result<(), EngineError> {
        let now = self.parts.clock.now();
        let Some(trouble) = self.trouble.take_if(|trouble| trouble.retry_at <= now) else { return Ok(()) };
        for (index, (flow, run)) in trouble.stranded.iter().enumerate() {
            if let Err(error) = self.put_back(flow, *run, now).await {
                if !error.may_pass() {
                    return Err(error.into());
                }
                tracing::error!(error = %error, "state still cannot be kept; nothing is sent or polled");
                let stranded = trouble.stranded[index..].to_vec();
                self.trouble = Some(Trouble { retry_at: now + TROUBLE_WAIT, stranded });
                return Ok(());
            }
        }
        self.all_may_have_work();
        Ok(())
    }

    /// A run that is at work in the store and nowhere else is pending again, or cancelled where it was asked to stop.
    async fn put_back(&mut self, flow: &FlowId, run: RunId, now: Timestamp) -> Result<(), store::Error> {
        let failure = Failure {
            step: String::new(),
            class: "transient".to_owned(),
            message: "its result could not be kept".to_owned(),
            attempt: 0,
        };
        let end = AttemptEnd::Parked { due_at: now, failure };
        let state = self.parts.store.end_attempt(run, end, RunLog::default(), now).await?;
        if let Some(state) = state.filter(|state| state.is_end()) {
            dispatch::tell_stopped(&self.parts.store, flow, run, state).await;
            self.at_its_end(flow, run, state).await;
        }
        Ok(())
    }

    /// Meets a failure of the store: one that passes stops all work for a while, any other ends the engine.
    fn meet(&mut self, error: store::Error, stranded: Option<(FlowId, RunId)>) -> Result<(), EngineError> {
        if !error.may_pass() {
            return Err(error.into());
        }
        tracing::error!(error = %error, "state cannot be kept; nothing is sent or polled until it can");
        let retry_at = self.parts.clock.now() + TROUBLE_WAIT;
        let trouble = self.trouble.get_or_insert(Trouble { retry_at, stranded: Vec::new() });
        trouble.stranded.extend(stranded);
        Ok(())
    }

    fn with_statuses<T>(&self, change: impl FnOnce(&mut BTreeMap<FlowId, FlowStatus>) -> T) -> T {
        change(&mut self.statuses.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_status(&self, flow: &FlowId, change: impl FnOnce(&mut FlowStatus)) {
        self.with_statuses(|statuses| {
            if let Some(status) = statuses.get_mut(flow) {
                change(status);
            }
        });
    }

    fn called(&mut self, flow: &FlowId) {
        self.may_have_work.insert(flow.clone());
        self.with_status(flow, |status| {
            status.asked += 1;
            status.runs += 1;
        });
    }

    fn count_end(&self, flow: &FlowId, state: RunState) {
        self.with_status(flow, |status| *status.ended.entry(state).or_default() += 1);
    }

    fn note_poll(&self, flow: &FlowId, began_at: Timestamp, polled: &Polled) {
        self.with_status(flow, |status| {
            status.polls += u64::from(status.trigger == TriggerKind::Poll);
            status.records += polled.fresh as u64;
            status.left_out += polled.left_out as u64;
            status.runs += polled.runs;
            status.last_poll = Some(LastPoll { began_at, rows: polled.rows, fresh: polled.fresh });
        });
    }
}

/// A task's result. Tasks catch panics of what they call, so one that comes through here is a test's crash.
fn ended<T>(joined: Result<T, tokio::task::JoinError>) -> T {
    match joined {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
