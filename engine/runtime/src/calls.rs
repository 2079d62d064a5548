//! Flows that flows call: each call is a run of its own, stored under its caller, which waits in the store for its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sdk::{Class, Clock, ConnectionName, EffectId, Fields, FlowId, Ids, Record, RecordId};
use store::{Call, Called, ClaimedRun, Failure, NewRun, RunState, Store};
use tokio::sync::mpsc;

use crate::durable::{Held, Interrupt, Outcome, StepKey};

/// How long a caller waits at most before it looks by itself; the end of what it called wakes it earlier.
const LOOK_AGAIN: Duration = Duration::from_secs(24 * 3600);
/// How long a caller waits for a flow that is not running here.
const ABSENT_WAIT: Duration = Duration::from_secs(30);

/// Where flows are called. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    /// The flows at work here, with the names that their effect ids are made from.
    pub flows: Arc<BTreeMap<FlowId, FlowId>>,
    /// Where state is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where run ids come from.
    pub ids: Arc<dyn Ids>,
    /// Told which flow has a new run.
    pub made: mpsc::UnboundedSender<FlowId>,
}

impl Calls {
    /// Calls a flow for a step of this run, unless that was done before, and says what came of it.
    pub async fn call(
        &self,
        run: &ClaimedRun,
        flow_identity: &FlowId,
        key: &StepKey,
        flow: &FlowId,
        inputs: Fields,
    ) -> Result<Outcome, Interrupt> {
        let now = self.clock.now();
        let Some(called_identity) = self.flows.get(flow) else {
            let failure = Failure {
                step: key.to_string(),
                class: Class::Transient.as_str().to_owned(),
                message: format!("the flow `{flow}` that it calls is not running here"),
                attempt: 0,
            };
            return Err(Interrupt::Park { due_at: now + ABSENT_WAIT, failure, held: Held::Blocked });
        };
        // Its record is the caller's, so that whoever looks for that record finds both.
        let record = RecordId::new(format!("{}{}", run.record.id, key.item));
        let nonce = call_id(run, flow_identity, key, called_identity);
        let record = Record { id: record, created: None, modified: run.version.stamp, fields: inputs };
        let call = Call {
            caller: run.id,
            flow: flow.clone(),
            run: NewRun { id: self.ids.run_id(), record, keys: Vec::new() },
            version: run.version.clone(),
            nonce: nonce.to_string(),
            now,
        };
        let called = self.store.call(call).await?;
        sdk::faults::point("call.stored");
        match called {
            Called::New(_) => {
                // The engine may be stopping; the run is stored.
                let _ = self.made.send(flow.clone());
                Err(Interrupt::Wait { due_at: now + LOOK_AGAIN })
            }
            Called::CallerStops => Err(Interrupt::Stopped),
            Called::UnderWay(_) => Err(Interrupt::Wait { due_at: now + LOOK_AGAIN }),
            Called::Ended { run: called, state, outcome, failure, reason } => {
                let failed = |class: &str, why: &str| Failure {
                    step: key.to_string(),
                    class: class.to_owned(),
                    message: format!("the flow `{flow}` {why} (run {called})"),
                    attempt: run.attempt,
                };
                let gave_up = |failure: Option<Failure>| {
                    let Failure { step, class, message, .. } = failure.unwrap_or_else(|| failed("permanent", "failed"));
                    failed(&class, &format!("failed at {step}: {message}"))
                };
                Ok(match state {
                    RunState::Succeeded => Outcome::Value(outcome.unwrap_or_default()),
                    RunState::Skipped => Outcome::Value(sdk::Value::Null),
                    RunState::Superseded => Outcome::Superseded,
                    RunState::Failed => Outcome::Failed(gave_up(failure)),
                    RunState::Unknown => Outcome::Unknown(gave_up(failure)),
                    RunState::Cancelled => {
                        let why = format!("was cancelled: {}", reason.unwrap_or_default());
                        Outcome::Failed(failed("cancelled", why.trim_end_matches([':', ' '])))
                    }
                    RunState::Pending | RunState::Running | RunState::Waiting => {
                        return Err(Interrupt::Wait { due_at: now + LOOK_AGAIN });
                    }
                })
            }
        }
    }
}

/// What tells this call from all others of the same record: where in which flow it stands, and not which version of the
/// record or which attempt makes it. So writes of called runs are put in the order of their record's versions, too.
/// What no record caused has no versions: there each time is told from the others. Renaming either flow changes
/// nothing.
fn call_id(run: &ClaimedRun, flow_identity: &FlowId, key: &StepKey, called_identity: &FlowId) -> EffectId {
    // No connection has a space in its name.
    let target = ConnectionName::new(format!("flow {called_identity}"));
    let occasion = match run.record.id.as_str() {
        "" => format!("@{}", run.version.stamp.millis()),
        record => record.to_owned(),
    };
    EffectId::derive(flow_identity, &key.step, &target, &key.item, &occasion, &run.nonce)
}
