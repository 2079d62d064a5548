//! Flows that go by the clock: what has come due is started, and the alarm is armed for what comes next.
//!
//! The loop looks at due times whenever it wakes, whatever woke it. So a tick that is lost is made up for by any other
//! event, and one that comes twice finds nothing to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flow::{Flow, Schedule, Trigger};
use sdk::faults::planted;
use sdk::{Fields, FlowId, Record, RecordId, Timestamp, Version};
use serde_json::Value as Json;
use store::{Firing, ManualRun, ScheduleRow, Starts, Timetable};

use super::command::no_flow;
use super::{Engine, EngineError, FlowTask};
use crate::inputs;
use crate::scheduler::{Alarm, Calendar, Decision};

/// So long after a due time the loop looks by itself, should no tick have come.
const LOOK_ANYWAY: Duration = Duration::from_secs(2);
/// A clock that steps back less than this was set right; next times stay what they are.
const SET_BACK: Duration = Duration::from_secs(60);

/// The times of one flow in the loop.
pub(super) struct Clockwork {
    calendar: Calendar,
    /// Whether its times begin walks.
    walks: bool,
    /// As the store has it.
    pub row: ScheduleRow,
}

impl Clockwork {
    fn is_due(&self, now: Timestamp) -> bool {
        // A time that comes while a walk is under way is looked at when that has ended.
        self.row.walk.is_none() && self.row.next_due.is_some_and(|due| due <= now)
    }
}

impl Engine {
    /// Has the times told by this alarm from now on, instead of the runtime's own timer.
    pub fn with_alarm(mut self, alarm: Box<dyn Alarm>) -> Self {
        self.alarm = alarm;
        for flow in self.flows.keys().cloned().collect::<Vec<_>>() {
            self.arm(&flow);
        }
        self
    }

    /// How a flow's times stand; those of a flow that is new, or whose times were edited, count from now.
    pub(super) async fn clockwork(&self, flow: &Arc<Flow>, schedule: &Schedule) -> Result<Clockwork, EngineError> {
        let calendar = Calendar::new(flow.clone(), schedule.clone());
        let timetable = Timetable {
            flow: flow.id.clone(),
            times: calendar.in_words(),
            source: schedule.walk.as_ref().map(|walk| walk.target.to_string()),
        };
        let next_due = calendar.next_after(self.parts.clock.now());
        let row = self.parts.store.start_schedule(timetable, next_due).await?;
        Ok(Clockwork { calendar, walks: schedule.walk.is_some(), row })
    }

    /// Arms the alarm for the flow's next time, and shows it. For one that has come and must wait nothing is armed: the
    /// end of what it waits for wakes the loop.
    pub(super) fn arm(&mut self, flow: &FlowId) {
        let Some(task) = self.flows.get(flow) else { return };
        let Some(clockwork) = self.clockworks.get(flow) else { return };
        let next = clockwork.row.next_due.filter(|_| task.begins_runs() && self.parts.options.polls);
        self.alarm.arm(flow, next.filter(|due| *due > self.parts.clock.now()));
        self.with_status(flow, |status| status.next_start = next);
    }

    /// Starts what has come due.
    pub(super) async fn look_at_times(&mut self) -> Result<(), EngineError> {
        let now = self.parts.clock.now();
        if self.trouble.is_some() || !self.parts.options.polls {
            return Ok(());
        }
        let was_set_back = self.clock_seen.is_none_or(|seen| now + SET_BACK < seen);
        self.clock_seen = Some(now);
        let mut decided = Vec::new();
        for (flow, clockwork) in self.clockworks_at_work() {
            if was_set_back && let Some(decision) = clockwork.calendar.corrected(&clockwork.row, now) {
                decided.push((flow.clone(), decision));
            } else if clockwork.is_due(now) {
                decided.push((flow.clone(), clockwork.calendar.decide(&clockwork.row, now)));
            }
        }
        for (flow, decision) in decided {
            if self.trouble.is_some() {
                break;
            }
            self.act_on(&flow, decision, now).await?;
        }
        Ok(())
    }

    async fn act_on(&mut self, flow: &FlowId, decision: Decision, now: Timestamp) -> Result<(), EngineError> {
        let Some(clockwork) = self.clockworks.get(flow) else { return Ok(()) };
        let (due, walks) = (clockwork.row.next_due, clockwork.walks);
        let (at, next_due, starts) = match decision {
            Decision::Wait => return Ok(()),
            Decision::Start { at, next, missed_since } => {
                if let Some(since) = missed_since {
                    crate::events::TimesMissed { flow, since, until: at, made_up: true }.emit();
                }
                let starts = if walks { Starts::Walk } else { self.starts_run(flow, at).await };
                (at, next, starts)
            }
            Decision::LeaveOut { last, next } => {
                crate::events::TimesMissed { flow, since: due.unwrap_or(last), until: last, made_up: false }.emit();
                (last, next, Starts::Nothing)
            }
            Decision::Correct { last, next } => (last, next, Starts::Nothing),
        };
        let at = if planted("a start is stamped by the clock") { now } else { at };
        self.fire(flow, Firing { flow: flow.clone(), epoch: self.epoch, due, at, starts, next_due, now }).await
    }

    /// Has the store do it, and goes on from what it then knows.
    async fn fire(&mut self, flow: &FlowId, firing: Firing) -> Result<(), EngineError> {
        let now = firing.now;
        sdk::faults::point("times.fire.before");
        let fired = match self.parts.store.fire(firing).await {
            Ok(fired) => fired,
            Err(error) => return self.meet(error, None),
        };
        sdk::faults::point("times.fire.after");
        if fired.runs > 0 {
            self.may_have_work.insert(flow.clone());
        }
        let is_walking = fired.row.walk.is_some();
        if let Some(clockwork) = self.clockworks.get_mut(flow) {
            clockwork.row = fired.row;
        }
        self.with_status(flow, |status| {
            status.scheduled += fired.runs;
            status.runs += fired.runs;
        });
        self.arm(flow);
        if is_walking {
            self.schedule(flow, now);
        }
        Ok(())
    }

    /// A step of a walk has ended: the store knows how far it is.
    pub(super) async fn look_at_walk(&mut self, flow: &FlowId) -> Result<(), EngineError> {
        let Some(clockwork) = self.clockworks.get_mut(flow) else { return Ok(()) };
        match self.parts.store.schedule(flow).await {
            Ok(row) => {
                if let Some(row) = row {
                    clockwork.row = row;
                }
                Ok(())
            }
            Err(error) => self.meet(error, None),
        }
    }

    /// When the loop looks at the next due time by itself.
    pub(super) fn times_wake_at(&self) -> Option<Timestamp> {
        if self.trouble.is_some() || !self.parts.options.polls {
            return None;
        }
        let waiting = self.clockworks_at_work().filter(|(_, clockwork)| clockwork.row.walk.is_none());
        waiting.filter_map(|(_, clockwork)| clockwork.row.next_due).min().map(|due| due + LOOK_ANYWAY)
    }

    /// Whether a walk of the flow's source has begun and not ended.
    pub(super) fn is_walking(&self, flow: &FlowId) -> bool {
        self.clockworks.get(flow).is_some_and(|clockwork| clockwork.row.walk.is_some())
    }

    fn clockworks_at_work(&self) -> impl Iterator<Item = (&FlowId, &Clockwork)> {
        self.clockworks.iter().filter(|(flow, _)| self.flows.get(*flow).is_some_and(FlowTask::begins_runs))
    }

    /// Starts a flow because somebody asks for it: with these inputs, or as its times would.
    pub(super) async fn start_flow(&mut self, flow: &FlowId, given: &BTreeMap<String, Json>) -> Result<String, String> {
        let now = self.parts.clock.now();
        let Some(task) = self.at_work(flow) else { return Err(no_flow(flow)) };
        if task.is_paused {
            return Err(format!("`{flow}` is paused: `millrace resume {flow}`"));
        }
        let fields = match &task.flow.trigger {
            Trigger::Manual(manual) => inputs::read(flow, manual, given)?,
            Trigger::Poll(_) | Trigger::Schedule(_) | Trigger::Webhook(_) if !given.is_empty() => {
                return Err(format!("`{flow}` takes no inputs: only a flow with a `manual` trigger does"));
            }
            Trigger::Poll(_) => {
                return Err(format!(
                    "`{flow}` polls by itself; `millrace run {flow} --record ID` runs it for one record"
                ));
            }
            Trigger::Schedule(Schedule { walk: Some(walk), .. }) => {
                let source = walk.target.to_string();
                return self.start_walk(flow, &source, now).await;
            }
            Trigger::Webhook(_) => {
                return Err(format!("`{flow}` starts when a service tells; nobody else can start it"));
            }
            Trigger::Schedule(Schedule { walk: None, .. }) => Fields::new(),
        };
        let definition = task.flow.clone();
        let run = self.new_run(&definition, without_record(now, fields)).await;
        let id = run.id;
        let version = Version { stamp: now, hash: 0 };
        self.insert_asked(ManualRun { flow: flow.clone(), run, version, nonce: id.to_string(), now }).await?;
        Ok(format!("run {id} of `{flow}`"))
    }

    /// As [`crate::Command::Start`] for a flow that goes by the clock, before the loop begins. Answers with the time
    /// that it is started for, where one has passed that no engine has met: that start is enough.
    pub async fn start_now(&mut self, flow: &FlowId) -> Result<Option<Timestamp>, String> {
        let now = self.parts.clock.now();
        let clockwork = self.clockworks.get(flow).ok_or_else(|| no_flow(flow))?;
        match clockwork.calendar.decide(&clockwork.row, now) {
            Decision::Start { at, .. } if clockwork.row.walk.is_none() => Ok(Some(at)),
            Decision::Start { .. } | Decision::Wait | Decision::LeaveOut { .. } | Decision::Correct { .. } => {
                self.start_flow(flow, &BTreeMap::new()).await.map(|_| None)
            }
        }
    }

    async fn start_walk(&mut self, flow: &FlowId, source: &str, now: Timestamp) -> Result<String, String> {
        let row = self.clockworks.get(flow).map(|clockwork| clockwork.row.clone());
        let Some(row) = row else { return Err(no_flow(flow)) };
        if let Some(walk) = row.walk {
            return Ok(format!("`{flow}` is walking over {source} already, since {}", walk.at));
        }
        let firing = Firing {
            flow: flow.clone(),
            epoch: self.epoch,
            due: row.next_due,
            at: now,
            starts: Starts::Walk,
            next_due: row.next_due,
            now,
        };
        self.fire(flow, firing).await.map_err(|error| error.to_string())?;
        match &self.trouble {
            Some(_) => Err("its state cannot be kept at the moment".to_owned()),
            None => Ok(format!("`{flow}` walks over {source}")),
        }
    }

    async fn starts_run(&self, flow: &FlowId, at: Timestamp) -> Starts {
        match self.flows.get(flow).map(|task| task.flow.clone()) {
            Some(definition) => Starts::Run(self.new_run(&definition, without_record(at, Fields::new())).await),
            None => Starts::Nothing,
        }
    }
}

/// What a run has that no record caused: the time that starts it, and its inputs.
fn without_record(at: Timestamp, fields: Fields) -> Record {
    Record { id: RecordId::new(""), created: None, modified: at, fields }
}
