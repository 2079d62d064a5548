//! What each flow of a project asks of its services in a day, and what records add to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use flow::{Flow, StepKind, Trigger};
use sdk::{Connection, ConnectionName, FlowId, Timestamp};
use store::Measured;

use super::amount::Asked;
use super::looks::{self, Looks};
use super::steps::{Counter, open_loops};

/// What estimates go by.
pub struct Basis<'a> {
    /// The connections, open or opened for this alone.
    pub connections: &'a BTreeMap<ConnectionName, Arc<dyn Connection>>,
    /// All flows that run.
    pub flows: &'a [Arc<Flow>],
    /// How many records of each flow somebody says match in a day.
    pub records_per_day: Option<f64>,
    /// What was measured of flows that have run.
    pub history: &'a BTreeMap<FlowId, History>,
    /// From when on times are counted.
    pub now: Timestamp,
}

/// What was measured of a flow.
#[derive(Clone, Debug)]
pub struct History {
    /// Its runs.
    pub measured: Measured,
    /// The days in which they were.
    pub days: f64,
}

impl History {
    /// Runs in a day.
    #[expect(clippy::cast_precision_loss, reason = "runs of a week")]
    pub fn runs_per_day(&self) -> f64 {
        self.measured.runs as f64 / self.days
    }
}

/// What one flow costs.
#[derive(Clone, Debug)]
pub struct FlowCost {
    /// Which.
    pub flow: FlowId,
    /// What is asked in a day without a record.
    pub by_itself: Asked,
    /// What one run asks.
    pub per_run: Asked,
    /// Runs in a day, where that is known: said, measured, or made by the clock. None for flows that others call, whose
    /// callers have their cost.
    pub runs_per_day: Option<f64>,
    /// Whether other flows call it.
    pub is_called: bool,
    /// Whether what runs ask was measured.
    pub is_measured: bool,
    /// What else is to be known.
    pub notes: Vec<String>,
}

impl FlowCost {
    /// All that is asked in a day, as far as it is known how many runs there are.
    pub fn per_day(&self) -> Asked {
        let mut asked = self.by_itself.clone();
        let runs = self.runs_per_day.unwrap_or(0.0);
        asked.add(&self.per_run.times(runs, runs));
        asked
    }
}

/// The cost of every flow.
pub fn estimate(basis: &Basis<'_>) -> Vec<FlowCost> {
    let counter = Counter { connections: basis.connections, flows: basis.flows };
    basis.flows.iter().map(|flow| of_flow(basis, &counter, flow)).collect()
}

fn of_flow(basis: &Basis<'_>, counter: &Counter<'_>, flow: &Flow) -> FlowCost {
    let history = basis.history.get(&flow.id);
    let per_run = counter.run(flow, history.map(|history| &history.measured));
    let is_called = basis.flows.iter().any(|other| calls(&other.steps, &flow.id));
    let said = basis.records_per_day.or_else(|| history.map(History::runs_per_day));
    let (looks, runs_per_day) = match &flow.trigger {
        Trigger::Poll(poll) => (looks::of_poll(poll, basis.connections.get(&poll.target.connection), said), said),
        Trigger::Schedule(schedule) => {
            let looks = looks::of_schedule(flow, schedule, basis.connections, said, basis.now);
            // Each time is one run, whatever anybody says of records.
            let runs = if schedule.walk.is_some() { said } else { looks.starts };
            (looks, runs)
        }
        Trigger::Manual(_) if is_called => (Looks::default(), None),
        // Whoever calls it or sends to it decides how often.
        Trigger::Manual(_) | Trigger::Webhook(_) => (Looks::default(), said),
    };
    let mut notes = looks.notes;
    if history.is_none() {
        notes.extend(
            open_loops(&flow.steps).into_iter().map(|(step, limit)| {
                format!("`{}` is counted for up to one item, and there may be {limit}", step.name)
            }),
        );
    }
    if is_called {
        notes.push("its runs are counted with the flows that call it".to_owned());
    }
    let is_measured = history.is_some_and(|history| history.measured.sampled > 0);
    FlowCost { flow: flow.id.clone(), by_itself: looks.asked, per_run, runs_per_day, is_called, is_measured, notes }
}

fn calls(steps: &[flow::Step], called: &FlowId) -> bool {
    steps.iter().any(|step| match &step.kind {
        StepKind::Run(call) => call.flow == *called,
        StepKind::Create(_)
        | StepKind::Update { .. }
        | StepKind::Upsert { .. }
        | StepKind::Delete { .. }
        | StepKind::Find(_)
        | StepKind::Let(_)
        | StepKind::If { .. }
        | StepKind::Route { .. }
        | StepKind::Each(_)
        | StepKind::Wait(_)
        | StepKind::Do(_)
        | StepKind::Skip(_)
        | StepKind::Stop(_)
        | StepKind::Fail(_) => step.kind.inner().into_iter().any(|steps| calls(steps, called)),
    })
}
