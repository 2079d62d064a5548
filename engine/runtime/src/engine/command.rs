//! What others may ask of a running engine.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};

use flow::{Flow, On};
use futures::FutureExt;
use sdk::{Class, FlowId, Record, RecordId, RunId, Timestamp};
use serde_json::Value as Json;
use store::{FlowState, ManualRun, NewRun, Repair};
use tokio::sync::{mpsc, oneshot};

use super::dispatch::panic_text;
use super::exchange::ExchangeReply;
use super::{Engine, Exchange, Exchanged, Statuses};
use crate::budgets::Kind;
use crate::offload::offload;
use crate::poller::{is_compared, page, snapshot, source_key, version};
use crate::status::{FlowStatus, TriggerKind};

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
    /// Start a flow that waits to be asked, with these inputs; or one that goes by the clock, beside its times.
    Start {
        /// The flow.
        flow: FlowId,
        /// Its inputs by name: JSON, or text that is read by the input's type.
        #[serde(default)]
        inputs: BTreeMap<String, Json>,
    },
    /// Repair these runs. The answer is a [`store::Repaired`] as JSON.
    Repair {
        /// Which.
        runs: Vec<RunId>,
        /// How.
        repair: Repair,
    },
}

/// Where an answer goes: one sentence, or a refusal.
pub(super) type Reply = oneshot::Sender<Result<String, String>>;

/// What comes through the door.
pub(super) enum Asked {
    Command(Command, Reply),
    Exchange(Exchange, ExchangeReply),
}

/// A way to a running engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    commands: mpsc::Sender<Asked>,
    statuses: Statuses,
}

impl Handle {
    pub(super) fn new(commands: mpsc::Sender<Asked>, statuses: Statuses) -> Self {
        Self { commands, statuses }
    }

    /// Asks something, and gives the engine's one-sentence answer or refusal.
    pub async fn ask(&self, command: Command) -> Result<String, String> {
        let (reply, answer) = oneshot::channel();
        let stopped = || "the engine has stopped".to_owned();
        self.commands.send(Asked::Command(command, reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Has flows taken over, and gives what became of each.
    pub async fn exchange(&self, exchange: Exchange) -> Result<Vec<(FlowId, Exchanged)>, String> {
        let (reply, answer) = oneshot::channel();
        let stopped = || "the engine has stopped".to_owned();
        self.commands.send(Asked::Exchange(exchange, reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }

    /// Every flow as it stands now.
    pub fn statuses(&self) -> Vec<FlowStatus> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// What a look-up for [`Command::RunRecord`] found.
pub(super) struct LookedUp {
    flow: FlowId,
    /// The version whose fields were asked for.
    definition: Arc<Flow>,
    record: RecordId,
    found: Result<Option<Record>, sdk::Error>,
    reply: Reply,
}

impl Engine {
    pub(super) async fn handle(&mut self, command: Command, reply: Reply) {
        let answer = match command {
            Command::Pause(flow) => self.pause(&flow, true).await,
            Command::Resume(flow) => self.pause(&flow, false).await,
            Command::Start { flow, inputs } => self.start_flow(&flow, &inputs).await,
            Command::Repair { runs, repair } => self.repair(runs, repair).await,
            Command::RunRecord { flow, record } => return self.look_up(flow, record, reply),
        };
        // Whoever asked may have gone.
        let _ = reply.send(answer);
    }

    async fn pause(&mut self, flow: &FlowId, pause: bool) -> Result<String, String> {
        let now = self.parts.clock.now();
        let Some(task) = self.at_work(flow) else { return Err(no_flow(flow)) };
        if task.is_paused == pause {
            let blocked_by = self.blocked_by(flow).filter(|_| !pause);
            if let Some(reason) = blocked_by {
                return Ok(format!("`{flow}` is not paused; it goes on by itself once this is mended: {reason}"));
            }
            return Ok(format!("`{flow}` is {} already", if pause { "paused" } else { "active" }));
        }
        // Kept first: what is said must still hold after a restart.
        let state = if pause { FlowState::Paused } else { FlowState::Active };
        self.parts.store.set_flow_state(flow, state, None, now).await.map_err(|error| error.to_string())?;
        if let Some(task) = self.flows.get_mut(flow) {
            task.is_paused = pause;
            self.may_have_work.insert(flow.clone());
            self.ask_store_at = Some(Timestamp::EPOCH);
        }
        self.with_status(flow, |status| {
            status.state = state;
            status.reason = None;
        });
        self.schedule(flow, now);
        self.arm(flow);
        let trigger = self.flows.get(flow).map(|task| TriggerKind::of(&task.flow.trigger));
        Ok(match trigger {
            _ if pause => format!("paused `{flow}`; it makes no calls until `millrace resume {flow}`"),
            Some(TriggerKind::Schedule | TriggerKind::Walk) => format!("resumed `{flow}`; it goes by its times again"),
            Some(TriggerKind::Webhook) => format!("resumed `{flow}`; it starts when a service tells"),
            Some(TriggerKind::Manual) => format!("resumed `{flow}`; it starts when asked"),
            Some(TriggerKind::Poll) | None => format!("resumed `{flow}`; it continues from its cursor"),
        })
    }

    /// Asks the service for the record, beside everything else.
    fn look_up(&mut self, flow: FlowId, record: RecordId, reply: Reply) {
        let known = self.at_work(&flow).ok_or_else(|| no_flow(&flow)).and_then(|task| {
            let trigger = &task.flow.trigger;
            let source = trigger.source().ok_or_else(|| reads_nothing(&flow))?;
            let open = self.parts.connections.get(&source.connection).ok_or_else(|| no_flow(&flow))?;
            Ok((task.flow.clone(), source.object.clone(), trigger.fields().to_vec(), open.clone()))
        });
        let (definition, object, fields, open) = match known {
            Ok(known) => known,
            Err(refused) => {
                // Whoever asked may have gone.
                let _ = reply.send(Err(refused));
                return;
            }
        };
        let (clock, redactor) = (self.parts.clock.clone(), self.parts.connections.redactor());
        self.look_ups.spawn(async move {
            let asked = open.at_once(&clock, &flow, &object, open.service.get(&object, &record, &fields));
            let found = match AssertUnwindSafe(asked).catch_unwind().await {
                Ok(found) => found,
                Err(panic) => {
                    let text = redactor.clean(&panic_text(panic));
                    Err(sdk::Error::new(Class::Permanent, format!("the engine failed inside: {text}")))
                }
            };
            open.heard(&*clock, &found);
            if let Err(error) = &found {
                open.refused(&*clock, (&flow, Kind::Find, &object), error);
            }
            LookedUp { flow, definition, record, found, reply }
        });
    }

    /// Stores a run for what was looked up.
    pub(super) async fn looked_up(&mut self, looked_up: LookedUp) {
        let LookedUp { flow, definition, record, found, reply } = looked_up;
        let answer = match (self.at_work(&flow).map(|task| task.flow.clone()), found) {
            (None, _) => Err(no_flow(&flow)),
            // What was asked for may lack what this version reads.
            (Some(now), _) if !Arc::ptr_eq(&now, &definition) => {
                Err(format!("`{flow}` was changed while its record was looked up; ask again"))
            }
            (_, Err(error)) => Err(error.to_string()),
            (Some(definition), Ok(None)) => {
                let source = definition.trigger.source().map(ToString::to_string).unwrap_or_default();
                Err(format!("`{source}` has no record `{record}`"))
            }
            (Some(definition), Ok(Some(found))) => self.run_record(&definition, found).await,
        };
        // Whoever asked may have gone.
        let _ = reply.send(answer);
    }

    async fn run_record(&mut self, definition: &Arc<Flow>, record: Record) -> Result<String, String> {
        let flow = &definition.id;
        let on = definition.trigger.poll().map_or(On::NewOrUpdated, |poll| poll.on);
        let (record_id, mut version) = (record.id.clone(), version(&record, on));
        if let Some(moment) = self.moment_of_comparison(definition).await? {
            version.stamp = moment;
        }
        let run = self.new_run(definition, record).await;
        let id = run.id;
        let run = ManualRun {
            flow: flow.clone(),
            run,
            version,
            // A run of its own, beside those that polls stored of the same version.
            nonce: id.to_string(),
            now: self.parts.clock.now(),
        };
        self.insert_asked(run).await?;
        Ok(format!("run {id} of `{flow}` for record {record_id}"))
    }

    /// Which moment stands in for the stamp that a record lacks, where polls compare everything with what was seen.
    async fn moment_of_comparison(&self, flow: &Flow) -> Result<Option<Timestamp>, String> {
        let Some(poll) = flow.trigger.poll() else { return Ok(None) };
        let Some(open) = self.parts.connections.get(&poll.target.connection) else { return Ok(None) };
        if !is_compared(poll, open) {
            return Ok(None);
        }
        let cursor = self.parts.store.cursor(&source_key(flow, poll, open)).await.map_err(|error| error.to_string())?;
        Ok(Some(snapshot::newest_moment(cursor.as_ref())))
    }

    /// A run for this record, with its business keys.
    pub(super) async fn new_run(&self, flow: &Arc<Flow>, record: Record) -> NewRun {
        let (flow, id, now) = (flow.clone(), self.parts.ids.run_id(), self.parts.clock.now());
        offload(move || {
            let keys = page::keys(&flow, &record, id, now);
            NewRun { id, record, keys }
        })
        .await
    }

    /// Stores a run that somebody asked for, and counts it.
    pub(super) async fn insert_asked(&mut self, run: ManualRun) -> Result<(), String> {
        let flow = run.flow.clone();
        self.parts.store.insert_manual_run(run).await.map_err(|error| error.to_string())?;
        self.with_status(&flow, |status| {
            status.asked += 1;
            status.runs += 1;
        });
        self.may_have_work.insert(flow);
        Ok(())
    }
}

fn reads_nothing(flow: &FlowId) -> String {
    format!("`{flow}` reads no records, so there is none to run it for; `millrace run {flow}` starts it")
}

pub(super) fn no_flow(flow: &FlowId) -> String {
    format!("no flow `{flow}` is running here")
}
