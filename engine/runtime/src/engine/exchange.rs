//! Flows taken over while the engine works: new ones, other versions of those that there are, and those that are gone.
//!
//! A run that has begun goes on by the version that it began on; so does one whose record lacks what the new version
//! reads. All others take the new version. Nothing changes while a poll of the flow is under way: what that stores was
//! read for the version before. Which run belongs to which version only this process knows; the next one begins them
//! all on what it finds.

use std::collections::BTreeSet;
use std::sync::Arc;

use flow::{Flow, Step, StepKind, Trigger};
use sdk::{FlowId, RunId, Timestamp};
use store::{FlowState, Only};
use tokio::sync::oneshot;

use super::{Engine, EngineError, FlowTask, Started};
use crate::connections::Connections;
use crate::status::TriggerKind;

/// A change of the flows at work.
#[derive(Default)]
pub struct Exchange {
    /// Flows that are new, and other versions of those that are at work. Checked.
    pub put: Vec<Arc<Flow>>,
    /// Flows that are to begin nothing any more.
    pub remove: Vec<Removal>,
    /// All connections, where there are others beside those that were open.
    pub connections: Option<Connections>,
}

impl Exchange {
    /// Whether it changes nothing.
    pub fn is_nothing(&self) -> bool {
        self.put.is_empty() && self.remove.is_empty() && self.connections.is_none()
    }
}

/// A flow that is to begin nothing any more.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Which.
    pub flow: FlowId,
    /// Why, for people.
    pub reason: String,
}

/// What became of a flow of an [`Exchange`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchanged {
    /// It is at work.
    Added,
    /// Its new version is at work, and so many runs finish on the one before.
    Replaced {
        /// How many.
        finishing: usize,
    },
    /// Its new version is taken up when the poll under way has ended.
    AfterPoll,
    /// It begins nothing any more, and so many runs under way come to their end.
    Removed {
        /// How many.
        finishing: usize,
    },
    /// It stays as it was, for this reason.
    Refused(String),
}

/// Where the answer to an exchange goes.
pub(super) type ExchangeReply = oneshot::Sender<Vec<(FlowId, Exchanged)>>;

/// The versions of a flow, beside the one at work.
#[derive(Default)]
pub(super) struct Versions {
    /// Those that runs under way finish on, oldest first.
    earlier: Vec<Earlier>,
    /// The one that is taken up when the poll under way has ended.
    next: Option<Arc<Flow>>,
    /// Whether the flow was removed: it begins no run any more, but for those that others call.
    pub is_retired: bool,
}

struct Earlier {
    flow: Arc<Flow>,
    /// Its runs that have not ended.
    runs: BTreeSet<RunId>,
}

impl Versions {
    /// The version by which a run goes.
    pub(super) fn of_run(&self, run: RunId, current: &Arc<Flow>) -> Arc<Flow> {
        let earlier = self.earlier.iter().find(|earlier| earlier.runs.contains(&run));
        earlier.map_or(current, |earlier| &earlier.flow).clone()
    }

    /// Keeps these runs on this version, unless they are on an earlier one; says how many of them are on earlier ones
    /// now.
    fn keep(&mut self, flow: Arc<Flow>, runs: Vec<RunId>) -> usize {
        let n_runs = runs.len();
        let mut runs: BTreeSet<RunId> = runs.into_iter().collect();
        for earlier in &mut self.earlier {
            earlier.runs.retain(|run| runs.remove(run));
        }
        self.earlier.push(Earlier { flow, runs });
        self.tidy();
        n_runs
    }

    fn forget(&mut self, run: RunId) -> bool {
        let has_it = self.earlier.iter_mut().any(|earlier| earlier.runs.remove(&run));
        self.tidy();
        has_it
    }

    fn tidy(&mut self) {
        self.earlier.retain(|earlier| !earlier.runs.is_empty());
    }

    fn n_runs(&self) -> u64 {
        self.earlier.iter().map(|earlier| earlier.runs.len() as u64).sum()
    }
}

impl FlowTask {
    /// Whether records and times make runs of it now.
    pub(super) fn begins_runs(&self) -> bool {
        !self.is_paused && !self.versions.is_retired
    }
}

impl Engine {
    /// The flow, where it is one that may be asked for.
    pub(super) fn at_work(&self, flow: &FlowId) -> Option<&FlowTask> {
        self.flows.get(flow).filter(|task| !task.versions.is_retired)
    }

    pub(super) async fn exchange(&mut self, exchange: Exchange, reply: ExchangeReply) {
        let Exchange { put, remove, connections } = exchange;
        if let Some(connections) = connections {
            self.parts.connections = connections;
        }
        let mut done = Vec::new();
        for removal in remove {
            let removed = self.retire(&removal).await.unwrap_or_else(refused);
            done.push((removal.flow, removed));
        }
        for flow in put {
            let id = flow.id.clone();
            let put = match self.flows.contains_key(&id) {
                true => self.put(flow).await,
                false => self.take_in(flow).await,
            };
            done.push((id, put.unwrap_or_else(refused)));
        }
        self.let_go();
        // Whoever asked may have gone.
        let _ = reply.send(done);
    }

    /// A poll of this flow has ended, and its next version may wait for that. Says whether all is done that is to be.
    pub(super) async fn exchange_after_poll(&mut self, flow: &FlowId) -> Result<bool, EngineError> {
        let next = self.flows.get_mut(flow).and_then(|task| task.versions.next.take());
        let Some(next) = next else {
            let is_gone = self.at_work(flow).is_none();
            if is_gone {
                self.let_go();
            }
            return Ok(is_gone);
        };
        match self.replace(next.clone()).await {
            Ok(_) => {
                self.let_go();
                Ok(true)
            }
            Err(error) => {
                // It is tried again after the next poll.
                if let Some(task) = self.flows.get_mut(flow) {
                    task.versions.next = Some(next);
                }
                let EngineError::Store(error) = error;
                self.meet(error, None)?;
                Ok(false)
            }
        }
    }

    /// A run that has ended, or that is to begin anew, belongs to no earlier version any more.
    pub(super) fn forget_version_of(&mut self, flow: &FlowId, run: RunId) {
        let Some(task) = self.flows.get_mut(flow) else { return };
        let is_retired = task.versions.is_retired;
        if task.versions.forget(run) || is_retired {
            self.show_versions(flow);
            self.let_go();
        }
    }

    async fn put(&mut self, flow: Arc<Flow>) -> Result<Exchanged, EngineError> {
        if let Some(task) = self.flows.get_mut(&flow.id).filter(|task| task.is_polling) {
            task.versions.next = Some(flow);
            return Ok(Exchanged::AfterPoll);
        }
        self.replace(flow).await
    }

    /// Has a flow go on by another version of itself.
    async fn replace(&mut self, flow: Arc<Flow>) -> Result<Exchanged, EngineError> {
        let now = self.parts.clock.now();
        let id = flow.id.clone();
        let Some(before) = self.flows.get(&id).map(|task| task.flow.clone()) else { return self.take_in(flow).await };
        let Some(started) = self.starter(&flow).await? else { return Ok(not_open(&flow)) };
        let only = if can_run_for(&flow, &before) { Only::Begun } else { Only::All };
        let runs = self.parts.store.open_runs(&id, only).await?;

        let Started { reader, clockwork, records, left_out } = started;
        let Some(task) = self.flows.get_mut(&id) else { return Ok(not_open(&flow)) };
        let finishing = task.versions.keep(before, runs);
        task.versions.is_retired = false;
        task.versions.next = None;
        task.reader = reader;
        task.poll_interval = flow.trigger.poll().map_or(task.poll_interval, |poll| poll.every.min);
        task.n_failed_polls = 0;
        task.failing_since = None;
        task.waits_for_room = false;
        task.pass_began = None;
        task.flow = flow.clone();
        self.clockworks.remove(&id);
        self.clockworks.extend(clockwork.map(|clockwork| (id.clone(), clockwork)));
        self.may_have_work.insert(id.clone());
        let is_paused = task.is_paused;
        self.with_status(&id, |status| {
            status.trigger = TriggerKind::of(&flow.trigger);
            (status.records, status.left_out) = (records, left_out);
            // Whatever was wrong may be mended; if not, that is found and told again.
            status.reason = None;
            status.state = if is_paused { FlowState::Paused } else { FlowState::Active };
        });
        if !is_paused {
            self.keep_state(&id, FlowState::Active, None).await;
        }
        self.begin(&id, now);
        crate::events::FlowReplaced { flow: &id, finishing }.emit();
        Ok(Exchanged::Replaced { finishing })
    }

    /// Takes in a flow that is not at work.
    async fn take_in(&mut self, flow: Arc<Flow>) -> Result<Exchanged, EngineError> {
        let id = flow.id.clone();
        if let Some(old) = flow.was.as_ref().filter(|old| self.flows.contains_key(*old)) {
            let reason = format!("`{old}` is at work, and is renamed by the next start");
            return Ok(Exchanged::Refused(reason));
        }
        if self.renamed(vec![flow.clone()]).await?.is_empty() {
            let reason = self.with_statuses(|statuses| statuses.remove(&id)).and_then(|status| status.reason);
            return Ok(Exchanged::Refused(reason.unwrap_or_default()));
        }
        let states = self.parts.store.flow_states().await?;
        let known = states.iter().find(|row| row.flow == id);
        self.add(flow.clone(), known).await?;
        let Some(task) = self.flows.get(&id) else { return Ok(not_open(&flow)) };
        if !task.is_paused {
            self.keep_state(&id, FlowState::Active, None).await;
        }
        self.begin(&id, self.parts.clock.now());
        crate::events::FlowAdded { flow: &id }.emit();
        Ok(Exchanged::Added)
    }

    /// Has a flow begin nothing any more.
    async fn retire(&mut self, removal: &Removal) -> Result<Exchanged, EngineError> {
        let Removal { flow, reason } = removal;
        let Some(before) = self.at_work(flow).map(|task| task.flow.clone()) else {
            return Ok(Exchanged::Refused(super::command::no_flow(flow)));
        };
        let runs = self.parts.store.open_runs(flow, Only::Begun).await?;
        let Some(task) = self.flows.get_mut(flow) else { return Ok(Exchanged::Removed { finishing: 0 }) };
        let finishing = task.versions.keep(before, runs);
        task.versions.is_retired = true;
        task.versions.next = None;
        let is_paused = task.is_paused;
        // What an operator paused is found paused when it comes back.
        if !is_paused {
            self.keep_state(flow, FlowState::Disabled, Some(reason)).await;
        }
        self.with_status(flow, |status| {
            status.state = FlowState::Disabled;
            status.reason = Some(reason.clone());
        });
        self.show_versions(flow);
        self.schedule(flow, self.parts.clock.now());
        self.arm(flow);
        crate::events::FlowRemoved { flow, finishing, reason }.emit();
        Ok(Exchanged::Removed { finishing })
    }

    /// From now on, records and times make its runs.
    fn begin(&mut self, flow: &FlowId, now: Timestamp) {
        self.show_versions(flow);
        self.schedule(flow, now);
        self.arm(flow);
    }

    fn show_versions(&self, flow: &FlowId) {
        let n_runs = self.flows.get(flow).map_or(0, |task| task.versions.n_runs());
        self.with_status(flow, |status| status.earlier = n_runs);
    }

    /// Lets go of flows that were removed, once nothing of them is under way and nobody calls them, and tells callers
    /// which flows there are.
    fn let_go(&mut self) {
        let mut called = BTreeSet::new();
        for task in self.flows.values() {
            let earlier = task.versions.earlier.iter().map(|earlier| &earlier.flow);
            for version in earlier.chain((!task.versions.is_retired).then_some(&task.flow)) {
                each_called(&version.steps, &mut called);
                each_called(&version.on_failure, &mut called);
            }
        }
        let is_over = |id: &FlowId, task: &FlowTask| {
            let is_idle = task.n_at_work == 0 && !task.is_polling && task.versions.earlier.is_empty();
            task.versions.is_retired && is_idle && !called.contains(id)
        };
        let over: Vec<FlowId> =
            self.flows.iter().filter(|(id, task)| is_over(id, task)).map(|(id, _)| id.clone()).collect();
        for flow in over {
            self.flows.remove(&flow);
            self.clockworks.remove(&flow);
            self.may_have_work.remove(&flow);
            self.with_statuses(|statuses| statuses.remove(&flow));
        }
        if !self.calls.flows.keys().eq(self.flows.keys()) {
            let identity = |(flow, task): (&FlowId, &FlowTask)| (flow.clone(), task.identity.clone());
            self.calls.flows = Arc::new(self.flows.iter().map(identity).collect());
        }
    }
}

/// Whether the runs that one version has stored, and not begun, have all that the other needs.
fn can_run_for(after: &Flow, before: &Flow) -> bool {
    match (&before.trigger, &after.trigger) {
        (Trigger::Manual(before), Trigger::Manual(after)) => {
            before.inputs.len() == after.inputs.len()
                && before
                    .inputs
                    .iter()
                    .zip(&after.inputs)
                    .all(|(before, after)| (&before.name, before.field_type) == (&after.name, after.field_type))
        }
        (before, after) => {
            let has_all = after.fields().iter().all(|field| before.fields().contains(field));
            before.source() == after.source() && has_all && TriggerKind::of(before) == TriggerKind::of(after)
        }
    }
}

/// The flows that these steps call.
fn each_called(steps: &[Step], called: &mut BTreeSet<FlowId>) {
    for step in steps {
        match &step.kind {
            StepKind::Run(run) => {
                called.insert(run.flow.clone());
            }
            StepKind::If { then, otherwise, .. } => {
                each_called(then, called);
                each_called(otherwise, called);
            }
            StepKind::Route { rules, default } => {
                rules.iter().for_each(|rule| each_called(&rule.steps, called));
                each_called(default, called);
            }
            StepKind::Each(each) => each_called(&each.steps, called),
            StepKind::Create(_)
            | StepKind::Update { .. }
            | StepKind::Upsert { .. }
            | StepKind::Delete { .. }
            | StepKind::Find(_)
            | StepKind::Let(_)
            | StepKind::Wait(_)
            | StepKind::Do(_)
            | StepKind::Skip(_)
            | StepKind::Stop(_)
            | StepKind::Fail(_) => {}
        }
    }
}

fn not_open(flow: &Flow) -> Exchanged {
    let source = flow.trigger.source().map(ToString::to_string).unwrap_or_default();
    Exchanged::Refused(format!("`{source}` is read over a connection that is not open; it is opened by the next start"))
}

/// The store did not let us: nothing was exchanged.
fn refused(error: EngineError) -> Exchanged {
    Exchanged::Refused(error.to_string())
}
