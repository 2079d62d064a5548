//! What others may ask of a running engine.

use sdk::{FlowId, RecordId};
use store::{FlowState, ManualRun, NewRun};
use tokio::sync::{mpsc, oneshot};

use super::{Engine, Statuses};
use crate::poller::version;
use crate::status::FlowStatus;
use flow::Trigger;
use std::sync::PoisonError;

/// Something asked of a running engine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Stop polling and starting runs of a flow; what is at work goes on.
    Pause(FlowId),
    /// Go on from where it was paused.
    Resume(FlowId),
    /// Run a flow for one record as it is now, whether or not it was run before.
    RunRecord {
        /// The flow.
        flow: FlowId,
        /// The record's id at its service.
        record: RecordId,
    },
}

/// A way to a running engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    commands: mpsc::Sender<(Command, oneshot::Sender<Result<String, String>>)>,
    statuses: Statuses,
}

impl Handle {
    pub(super) fn new(
        commands: mpsc::Sender<(Command, oneshot::Sender<Result<String, String>>)>,
        statuses: Statuses,
    ) -> Self {
        Self { commands, statuses }
    }

    /// Asks something, and gives the engine's one-sentence answer or refusal.
    pub async fn ask(&self, command: Command) -> Result<String, String> {
        let (reply, answer) = oneshot::channel();
        let stopped = || "the engine has stopped".to_owned();
        self.commands.send((command, reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Every flow as it stands now.
    pub fn statuses(&self) -> Vec<FlowStatus> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Engine {
    pub(super) async fn handle(&mut self, command: Command, reply: oneshot::Sender<Result<String, String>>) {
        let answer = match command {
            Command::Pause(flow) => self.pause(&flow, true).await,
            Command::Resume(flow) => self.pause(&flow, false).await,
            Command::RunRecord { flow, record } => self.run_record(&flow, &record).await,
        };
        // Whoever asked may have gone.
        let _ = reply.send(answer);
    }

    async fn pause(&mut self, flow: &FlowId, pause: bool) -> Result<String, String> {
        let now = self.parts.clock.now();
        let Some(task) = self.flows.get_mut(flow) else { return Err(no_flow(flow)) };
        if task.is_paused == pause {
            return Ok(format!("`{flow}` is {} already", if pause { "paused" } else { "active" }));
        }
        task.is_paused = pause;
        task.may_have_work = true;
        let state = if pause { FlowState::Paused } else { FlowState::Active };
        self.parts.store.set_flow_state(flow, state, None, now).await.map_err(|error| error.to_string())?;
        self.with_status(flow, |status| {
            status.state = state.word().to_owned();
            status.reason = None;
        });
        self.schedule(flow, now);
        Ok(if pause {
            format!("paused `{flow}`; it makes no calls until `millrace resume {flow}`")
        } else {
            format!("resumed `{flow}`; it continues from its cursor")
        })
    }

    async fn run_record(&mut self, flow: &FlowId, record: &RecordId) -> Result<String, String> {
        let Some(task) = self.flows.get(flow) else { return Err(no_flow(flow)) };
        let Trigger::Poll(poll) = &task.flow.trigger;
        let target = &poll.target;
        let open = self.parts.connections.get(&target.connection).ok_or_else(|| no_flow(flow))?.clone();
        let found = open.service.get(&target.object, record, &poll.fields).await.map_err(|error| error.to_string())?;
        let Some(found) = found else {
            return Err(format!("`{}.{}` has no record `{record}`", target.connection, target.object));
        };
        let (id, version) = (self.parts.ids.run_id(), version(&found, poll.on));
        let run = ManualRun {
            flow: flow.clone(),
            run: NewRun { id, record: found, keys: Vec::new() },
            version,
            // A run of its own, beside those that polls stored of the same version.
            nonce: id.to_string(),
            now: self.parts.clock.now(),
        };
        self.parts.store.insert_manual_run(run).await.map_err(|error| error.to_string())?;
        self.with_status(flow, |status| {
            status.asked += 1;
            status.runs += 1;
        });
        if let Some(task) = self.flows.get_mut(flow) {
            task.may_have_work = true;
        }
        Ok(format!("run {id} of `{flow}` for record {record}"))
    }
}

fn no_flow(flow: &FlowId) -> String {
    format!("no flow `{flow}` is running here")
}
