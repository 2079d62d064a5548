//! From a project's files to an engine at work.
//!
//! In order: read and understand the files, take the lock, open the state, open the connections that flows use,
//! discover the objects they name, check, and start what is good. A bad flow stops no other; where none is left, that
//! is the failure. Nothing is written before the files were understood and the lock is held.

mod configured;
pub mod needs;
mod registry;
mod reload;
mod renames;
mod services;
pub mod shares;
mod told;
mod understood;
mod uses;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flow::project::RetentionSettings;
use flow::{Every, Flow, On, Times, Trigger};
use runtime::engine::EngineParts;
use runtime::{
    Connections, CronAlarm, Drain, Engine, EngineOptions, FlowStatus, Handle, RetentionPolicy, housekeeping,
};
use sdk::{Clock as _, FlowId, RandomIds, SystemClock, Timestamp};
use store::{EngineLock, FlowState, Store};
use text::Diagnostic;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::accounts::Account;
use crate::control::{self, Door};
use crate::place::Place;
use crate::project::ProjectFiles;
use crate::{Failure, durations, problems};
use services::Services;
use told::Trouble;
use understood::SWITCHED_OFF;

pub use configured::Environment;
pub use registry::{Known, Registry};
pub use reload::{Behind, BehindList, Reloaded, Reloader};
pub use understood::{Understood, summary};
pub use uses::{Opening, Place as ConnectionPlace};

/// What is to be assembled.
pub struct Setup {
    /// Where.
    pub place: Place,
    /// Which `connections.<env>.yaml` goes over `connections.yaml`.
    pub env: Option<String>,
    /// What `${ env.X }` says.
    pub environment: Environment,
    /// Only this flow, and those that it calls.
    pub only: Option<FlowId>,
    /// Whether a service that is not reached is waited for; else it is a failure.
    pub waits_for_services: bool,
    /// How the engine works.
    pub options: EngineOptions,
    /// The lock, where it was taken already.
    pub lock: Option<EngineLock>,
}

impl Setup {
    /// All flows of this place, by the usual options.
    pub fn new(place: Place, env: Option<String>, environment: Environment) -> Self {
        Self {
            place,
            env,
            environment,
            only: None,
            waits_for_services: true,
            options: EngineOptions::default(),
            lock: None,
        }
    }
}

/// An engine that is ready to work.
pub struct Assembled {
    /// The flows at work.
    pub flows: Vec<Arc<Flow>>,
    /// Those that are not, and why.
    pub left_out: Vec<(FlowId, String)>,
    /// A way to the engine.
    pub handle: Handle,
    /// Its state.
    pub store: Store,
    /// Where the state lies.
    pub data: PathBuf,
    /// How much history is kept.
    pub retention: RetentionPolicy,
    /// What takes changes of the project's files up, for who wants that.
    pub reloader: Option<Reloader>,
    engine: Engine,
    // Fields are dropped in this order: the door is closed before the lock is given back.
    door: Door,
    lock: EngineLock,
}

/// What an engine leaves when it has stopped.
#[derive(Debug)]
pub struct Worked {
    /// The flows as they stood at the end.
    pub statuses: Vec<FlowStatus>,
    /// What became of their records.
    pub accounts: Vec<Account>,
}

/// Assembles an engine, unless it is told to stop first: a service may take its time to answer.
pub async fn assemble(setup: Setup, stop: &CancellationToken) -> Result<Assembled, Failure> {
    tokio::select! {
        assembled = put_together(setup) => assembled,
        () = stop.cancelled() => Err(Failure::Stopped),
    }
}

/// What is wrong with single flows is shown on the way.
async fn put_together(setup: Setup) -> Result<Assembled, Failure> {
    let files = ProjectFiles::read(&setup.place.dir, setup.env.as_deref())?;
    let understood = Understood::of(&files);
    settings_are_whole(&files, &understood)?;
    let folder = std::path::absolute(&setup.place.dir).map_err(Failure::file("find", &setup.place.dir))?;
    if let Some(only) = &setup.only
        && let Err(failure) = understood.find(only)
    {
        return Err(damaged(only, &files, &understood).unwrap_or(failure));
    }
    let only = setup.only.as_ref().map(|only| understood.with_called(only));
    let only = only.as_ref();
    let lock = match setup.lock {
        Some(lock) => lock,
        None => EngineLock::take(&setup.place.data)?,
    };
    let store = Store::open(&setup.place.data)?;

    let mut services = Services::open(&understood, understood.uses(only), &setup.environment, &folder).await;
    if !setup.waits_for_services {
        come_back(&mut services).await;
    }
    let mut so_far = understood.diagnostics.clone();
    so_far.extend(services.diagnostics.iter().cloned());
    let checked = understood.check(&services.catalog(), so_far);
    let shown = diagnostics_for(only, &understood, &files, checked.diagnostics.clone());
    problems::show_diagnostics(&shown, &files.sources());
    files.unreadable.iter().for_each(problems::show);
    let told = services.problems();

    let mut sorted = Sorted { left_out: understood.left_out(&checked), ..Sorted::default() };
    let is_wanted = |flow: &Arc<Flow>| flow.enabled && only.is_none_or(|only| only.contains(&flow.id));
    // What they say beside what this version does not run may not be done without it.
    for flow in checked.flows.into_iter().filter(|flow| is_wanted(flow) && flow.not_run().is_empty()) {
        sorted.place(flow, &services, &understood, setup.waits_for_services);
    }
    let perhaps_renamed = renames::perhaps(&sorted.good, &understood.definitions, &store).await?;
    perhaps_renamed.iter().for_each(|sentence| problems::warn(sentence));
    sorted.note(only, &store).await?;
    // The only reason for nothing to work is told with the failure itself.
    if !sorted.good.is_empty() || told.len() > 1 {
        told.iter().for_each(|sentence| problems::warn(sentence));
    }
    if sorted.good.is_empty() || only.is_some_and(|only| sorted.lack(only, setup.waits_for_services)) {
        store.close().await?;
        return Err(sorted.nothing_left(only, &shown, &files));
    }
    let Sorted { good, refused, mut left_out, unfit: _ } = sorted;
    // The engine looks by itself whether a refusal was mended, as long as others keep it at work anyway.
    let at_work: Vec<Arc<Flow>> = good.iter().chain(refused.iter().map(|(flow, ..)| flow)).cloned().collect();
    left_out.extend(refused.into_iter().map(|(flow, _, reason)| (flow.id.clone(), reason)));

    let connections = Connections::opened(services.for_engine()).redacted_by(services.redactor());
    let parts = EngineParts {
        flows: at_work,
        connections: connections.clone(),
        store: store.clone(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        options: setup.options,
    };
    let n_scheduled = parts.flows.iter().filter(|flow| matches!(flow.trigger, Trigger::Schedule(_))).count();
    let (mut engine, handle) = Engine::start(parts).await?;
    if n_scheduled > 0 {
        match CronAlarm::start(n_scheduled, Arc::new(SystemClock)).await {
            Ok(alarm) => engine = engine.with_alarm(Box::new(alarm)),
            Err(error) => {
                tracing::warn!(error = %error, "no alarm by the time of day: a sleeping machine wakes late");
            }
        }
    }
    let retention = kept(&understood.project.retention);
    // What a flow was called before, or what this version does not run, only the engine finds out.
    let (refused, begun): (Vec<_>, Vec<_>) =
        handle.statuses().into_iter().partition(|status| status.state == FlowState::Invalid);
    if let Some(status) = refused.iter().find(|status| only.is_some_and(|only| only.contains(&status.flow))) {
        let reason = status.reason.as_deref().unwrap_or_default();
        let summary = format!("`{}` cannot run: {reason}", status.flow);
        store.close().await?;
        return Err(Failure::Mistakes { summary });
    }
    let good = good.into_iter().filter(|flow| !refused.iter().any(|status| status.flow == flow.id)).collect();
    left_out.extend(refused.into_iter().map(|status| (status.flow, status.reason.unwrap_or_default())));
    let at_work = begun.into_iter().map(|status| status.flow).collect();
    let begun =
        reload::Begun { files, understood, services, connections, told: shown, left_out: left_out.clone(), at_work };
    let reloader = Reloader::new(&setup.place.dir, setup.env, setup.environment, folder, handle.clone(), begun);
    let door = control::open(&setup.place.data, handle.clone(), reloader.behind())?;
    Ok(Assembled {
        flows: good,
        left_out,
        handle,
        store,
        data: setup.place.data,
        retention,
        reloader: Some(reloader),
        engine,
        door,
        lock,
    })
}

/// A command that ends by itself waits so long for services that have had enough of us for now.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(60);

/// Asks services again that asked us to come back later, once they have time for us; those that want us to wait longer
/// are left as they are.
async fn come_back(services: &mut Services) {
    let mut left = LONGEST_PUT_OFF;
    while let Some(put_off) = services.put_off() {
        let Some(rest) = left.checked_sub(put_off.wait) else { return };
        left = rest;
        for sentence in &put_off.told {
            problems::warn(&format!("{sentence}; it is tried again then"));
        }
        SystemClock.sleep(put_off.wait).await;
        services.discover(put_off.uses, &Connections::default()).await;
    }
}

/// That a flow's file cannot be read far enough to know the flow, where there is such a file.
fn damaged(flow: &FlowId, files: &ProjectFiles, understood: &Understood) -> Option<Failure> {
    let is_it = |line: &str| {
        let id = line.strip_prefix("flow:").map(|rest| rest.split(" #").next().unwrap_or_default().trim());
        id.is_some_and(|id| id.trim_matches(['"', '\'']) == flow.as_str())
    };
    let file = files.flows.iter().find(|file| file.text.lines().any(is_it))?;
    let is_of_file = |one: &&Diagnostic| one.labels.first().is_some_and(|label| label.file == file.path);
    let mistakes: Vec<Diagnostic> = understood.diagnostics.iter().filter(is_of_file).cloned().collect();
    if !mistakes.iter().any(Diagnostic::is_error) {
        return None;
    }
    problems::show_diagnostics(&mistakes, &files.sources());
    Some(Failure::Mistakes { summary: format!("`{flow}` cannot run: {} in `{}`", summary(&mistakes, 0), file.path) })
}

/// How much history is kept: what the project says, and the usual for what it does not.
fn kept(settings: &RetentionSettings) -> RetentionPolicy {
    let usual = RetentionPolicy::default();
    let bodies = settings.age.unwrap_or(usual.bodies);
    RetentionPolicy { bodies, runs: usual.runs.max(bodies), bytes: settings.size.unwrap_or(usual.bytes) }
}

/// Fails where what holds for all flows has mistakes: what connections do not say could lead flows to other accounts,
/// and what the project does not say could have them ask for more than their share.
fn settings_are_whole(files: &ProjectFiles, understood: &Understood) -> Result<(), Failure> {
    let is_of_all = |one: &Diagnostic| understood::is_of_connections(one) || understood::is_of_project(one);
    let mistakes: Vec<Diagnostic> = understood.diagnostics.iter().filter(|one| is_of_all(one)).cloned().collect();
    let Some(file) = mistakes.first().and_then(|one| one.labels.first()).map(|label| label.file.clone()) else {
        return Ok(());
    };
    problems::show_diagnostics(&mistakes, &files.sources());
    let summary = format!("nothing was opened: {} in `{file}`", problems::summary(&mistakes));
    Err(Failure::Mistakes { summary })
}

impl Assembled {
    /// Works until told to stop, or until drained, and puts everything away.
    pub async fn work(self, drain: Option<Drain>, stop: CancellationToken) -> Result<Worked, Failure> {
        let Self { engine, handle, store, door, lock, retention, .. } = self;
        let house = tokio::spawn(housekeeping::keep_house(store.clone(), Arc::new(SystemClock), retention));
        // On a thread of the pool, where the polls and runs are that it starts and hears of: beside it, each would wake
        // another thread twice.
        let ended = match AbortOnDropHandle::new(tokio::spawn(engine.run(drain, stop))).await {
            Ok(ended) => ended,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        // What it has begun to delete is deleted or not, never half.
        house.abort();
        let statuses = handle.statuses();
        drop(door);
        let accounts = accounts(&store, statuses.iter().map(|status| &status.flow)).await;
        let closed = store.close().await;
        drop(lock);
        ended?;
        closed?;
        Ok(Worked { statuses, accounts: accounts? })
    }

    /// Starts a flow that goes by the clock beside its times. One that is due starts anyway, for the time in the
    /// answer.
    pub async fn start_now(&mut self, flow: &FlowId) -> Result<Option<Timestamp>, Failure> {
        self.engine.start_now(flow).await.map_err(Failure::Refused)
    }

    /// What became of the records so far.
    pub async fn accounts(&self) -> Result<Vec<Account>, Failure> {
        let statuses = self.handle.statuses();
        accounts(&self.store, statuses.iter().map(|status| &status.flow)).await
    }
}

/// What starts a flow, in a few words.
pub fn sentence_of(flow: &Flow) -> String {
    match &flow.trigger {
        Trigger::Poll(poll) => {
            let what = match poll.on {
                On::New => "new",
                On::NewOrUpdated => "new or updated",
                On::Archived => "archived",
            };
            format!("{what} {}, {}", poll.target, interval_of(poll.every))
        }
        Trigger::Schedule(schedule) => {
            let times = match &schedule.times {
                Times::Cron(cron) => format!("at `{cron}`"),
                Times::Every(every) => format!("every {}", durations::short(*every)),
            };
            match &schedule.walk {
                Some(walk) => format!("all {}, {times}", walk.target),
                None => times,
            }
        }
        Trigger::Manual(_) => "when asked".to_owned(),
        Trigger::Webhook(_) => "when a service tells".to_owned(),
    }
}

fn interval_of(every: Every) -> String {
    let (min, max) = (durations::short(every.min), durations::short(every.max));
    if every.min == every.max { format!("every {min}") } else { format!("every {min} to {max}") }
}

async fn accounts(store: &Store, flows: impl Iterator<Item = &FlowId>) -> Result<Vec<Account>, Failure> {
    let mut accounts = Vec::new();
    for flow in flows {
        accounts.push(Account::read(store, flow).await?);
    }
    Ok(accounts)
}

/// The diagnostics that concern what is to be run: all, or those of these flows' files and of the project's own.
fn diagnostics_for(
    only: Option<&BTreeSet<FlowId>>,
    understood: &Understood,
    files: &ProjectFiles,
    mut diagnostics: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    if let Some(only) = only {
        let ours: Vec<_> = understood.definitions.iter().filter(|definition| only.contains(definition.id())).collect();
        let is_ours = |file: &str| {
            let is_of_flows = files.flows.iter().any(|flow| *flow.path == *file);
            !is_of_flows || ours.iter().any(|definition| definition.is_of_file(file))
        };
        // One that two files share stays, whichever it names first.
        diagnostics.retain(|one| one.labels.is_empty() || one.labels.iter().any(|label| is_ours(&label.file)));
    }
    diagnostics
}

/// Flows by what can be done with them.
#[derive(Default)]
struct Sorted {
    good: Vec<Arc<Flow>>,
    /// Their services do not let them work now; the state is what they are in meanwhile.
    refused: Vec<(Arc<Flow>, FlowState, String)>,
    left_out: Vec<(FlowId, String)>,
    /// Of those, the ones whose files are good: it is a service that is not as it must be.
    unfit: BTreeSet<FlowId>,
}

impl Sorted {
    fn place(&mut self, flow: Arc<Flow>, services: &Services, understood: &Understood, waits: bool) {
        match services.trouble_of(&understood.uses_of(&flow.id)) {
            None => self.good.push(flow),
            Some(Trouble::Away(_)) if waits => self.good.push(flow),
            Some(Trouble::Away(reason)) => self.refused.push((flow, FlowState::Active, reason)),
            Some(Trouble::Refused(reason)) => self.refused.push((flow, FlowState::Blocked, reason)),
            Some(Trouble::Unfit(reason)) => {
                self.unfit.insert(flow.id.clone());
                self.left_out.push((flow.id.clone(), reason));
            }
            Some(Trouble::Broken(reason)) => self.left_out.push((flow.id.clone(), reason)),
        }
    }

    /// Keeps each flow's state for those who read the store. A pause was an operator's wish and stays.
    async fn note(&self, only: Option<&BTreeSet<FlowId>>, store: &Store) -> Result<(), Failure> {
        let now = SystemClock.now();
        let known = store.flow_states().await?;
        let is_paused = |flow: &FlowId| known.iter().any(|row| row.flow == *flow && row.state == FlowState::Paused);
        let good = self.good.iter().filter(|flow| flow.was.is_none()).map(|flow| (&flow.id, FlowState::Active, None));
        let refused = self.refused.iter().map(|(flow, state, reason)| (&flow.id, *state, Some(reason.as_str())));
        // Where one flow was asked for, what the others need was not even looked at.
        let left_out = self.left_out.iter().filter(|(flow, _)| only.is_none_or(|only| only.contains(flow)));
        let left_out = left_out.map(|(flow, reason)| {
            let state = if reason == SWITCHED_OFF { FlowState::Disabled } else { FlowState::Invalid };
            (flow, state, Some(reason.as_str()))
        });
        for (flow, state, reason) in good.chain(refused).chain(left_out).filter(|(flow, ..)| !is_paused(flow)) {
            store.set_flow_state(flow, state, reason, now).await?;
        }
        Ok(())
    }

    /// Whether one of these cannot work, so that none of them can: the others call it, and would wait for it. An engine
    /// that stays looks by itself whether a service takes its flow again.
    fn lack(&self, wanted: &BTreeSet<FlowId>, stays: bool) -> bool {
        let is_refused = !stays && self.refused.iter().any(|(flow, ..)| wanted.contains(&flow.id));
        is_refused || self.left_out.iter().any(|(flow, _)| wanted.contains(flow))
    }

    /// Why there is nothing to run.
    fn nothing_left(
        self,
        only: Option<&BTreeSet<FlowId>>,
        diagnostics: &[Diagnostic],
        files: &ProjectFiles,
    ) -> Failure {
        if let Some((_, _, reason)) = self.refused.into_iter().next() {
            return Failure::NoneCouldWork { reason };
        }
        let mut reasons = self.left_out.into_iter().filter(|(flow, _)| only.is_none_or(|only| only.contains(flow)));
        match reasons.next() {
            Some((flow, reason)) if reason == SWITCHED_OFF => Failure::Disabled { flow },
            Some((flow, reason)) if self.unfit.contains(&flow) => Failure::NoneCouldWork { reason },
            Some((flow, reason)) if !diagnostics.iter().any(Diagnostic::is_error) => {
                Failure::Mistakes { summary: format!("no flow can run; `{flow}`: {reason}") }
            }
            None if diagnostics.is_empty() && files.unreadable.is_empty() => Failure::Mistakes {
                summary: "there is no flow to run: a template makes none before another file fills it in".to_owned(),
            },
            Some(_) | None => Failure::Mistakes {
                summary: format!("no flow can run: {}", summary(diagnostics, files.unreadable.len() as u64)),
            },
        }
    }
}
