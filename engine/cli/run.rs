//! `millrace run`: one flow, for as long as wanted, once, or for one record.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use runtime::{Command, Drain, EngineOptions};
use sdk::{Clock as _, FlowId, RecordId, SystemClock};
use store::{EngineLock, FlowState, RunFilter, RunRow, RunState, Store};
use tokio_util::sync::CancellationToken;

use crate::accounts;
use crate::assemble::{self, Assembled, Environment, Setup};
use crate::place::{Place, PlaceArguments, program};
use crate::tables::{self, counted};
use crate::{Failure, control, problems, runs, screen, signals, status, up};

/// Arguments of `run`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  millrace run customers-to-warehouse --once\n  millrace run customers-to-warehouse --record 220006890315"
)]
pub struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The flow's id
    flow: String,
    /// Do what there is to do, then stop
    #[arg(long)]
    once: bool,
    /// Only this record, as it is now, whether or not it was run before
    #[arg(long, value_name = "ID", conflicts_with = "once")]
    record: Option<String>,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
}

impl Arguments {
    /// Whether it stops once it has done what there is to do.
    pub fn ends_by_itself(&self) -> bool {
        self.once || self.record.is_some()
    }
}

/// How many runs are looked through at once.
const PAGE: usize = 500;
/// No more reasons than these are told; `runs list` has the rest.
const MOST_REASONS: usize = 8;
/// How often a waiting command looks whether its run has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Does it.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let flow = FlowId::from(arguments.flow.as_str());
    let record = arguments.record.as_deref().map(RecordId::from);
    if let Some(record) = &record {
        // A running engine does it itself, and goes on.
        let command = Command::RunRecord { flow: flow.clone(), record: record.clone() };
        if let Some(answer) = control::ask(&place.data, &command).await? {
            screen::say(&format!("{answer}\n"));
            return Ok(());
        }
    }
    if let Some(pid) = EngineLock::holder(&place.data) {
        return Err(Failure::InUse { pid: Some(pid) });
    }
    let ends_by_itself = arguments.ends_by_itself();
    if let Some(held) = held(&place, &flow, &arguments.place).await? {
        // An engine that stays can be told to go on; one that is to do this and stop would never do it.
        if ends_by_itself {
            return Err(held);
        }
        problems::warn(&held.to_string());
    }
    let stop = signals::graceful_stop_token();
    let mut setup = Setup::new(place, arguments.env, Environment::of_process());
    setup.only = Some(flow.clone());
    // A command that ends by itself says at once that a service is away; an engine waits for it.
    setup.waits_for_services = !ends_by_itself;
    if record.is_some() {
        setup.options = EngineOptions { polls: false, ..setup.options };
    }
    let assembled = assemble::assemble(setup, &stop).await?;
    let hint = format!("look at them with `{} runs list{} --state failed`", program(), arguments.place.as_written());
    match record {
        Some(record) => one_record(assembled, flow, record, stop, hint).await,
        None if arguments.once => once(assembled, stop, hint).await,
        None => {
            screen::say(&up::greeting(&assembled));
            assembled.work(None, stop).await.map(drop)
        }
    }
}

/// Whether an operator, or a brake, has stopped the flow.
async fn held(place: &Place, flow: &FlowId, written: &PlaceArguments) -> Result<Option<Failure>, Failure> {
    // What cannot be read is told when the engine opens it.
    let Ok(store) = place.read() else { return Ok(None) };
    let states = store.flow_states().await?;
    let state = match states.iter().find(|row| row.flow == *flow).map(|row| row.state) {
        Some(FlowState::Paused) => "paused",
        Some(FlowState::Held) => "held",
        Some(FlowState::Active | FlowState::Disabled | FlowState::Blocked | FlowState::Invalid) | None => {
            return Ok(None);
        }
    };
    let remedy = format!("{} resume{} {flow}", program(), written.as_written());
    Ok(Some(Failure::Held { flow: flow.clone(), state, remedy }))
}

/// Works until there is nothing left to do, and fails where runs failed or the flow could not work.
async fn once(assembled: Assembled, stop: CancellationToken, hint: String) -> Result<(), Failure> {
    let before = assembled.accounts().await?;
    let (data, seen) = (assembled.data.clone(), assembled.store.latest_change().await?);
    let worked = assembled.work(Some(Drain { settle: Duration::ZERO, waits: false }), stop.clone()).await?;
    screen::say(&accounts::table(&worked.accounts));
    tell_waits(&Store::open_read_only(&data)?).await?;
    if stop.is_cancelled() {
        return Err(Failure::Stopped);
    }
    if let Some(status) = worked.statuses.iter().find(|status| status.state == FlowState::Blocked) {
        return Err(Failure::NoneCouldWork { reason: status.reason.clone().unwrap_or_default() });
    }
    // Failures of earlier times are not this command's.
    let (before, after) = (accounts::total(&before), accounts::total(&worked.accounts));
    match after.failed().saturating_sub(before.failed()) {
        0 => Ok(()),
        n_failed => {
            tell_failures(&Store::open_read_only(&data)?, seen).await?;
            Err(Failure::RunsFailed { n_failed, n_runs: after.ended() - before.ended(), help: hint })
        }
    }
}

/// Tells how many runs are in a `wait`, which nobody stays for.
async fn tell_waits(store: &Store) -> Result<(), Failure> {
    let (mut n_waiting, mut flows) = (0, Vec::new());
    for row in store.flow_states().await? {
        let counts = store.counts_by_state(&row.flow).await?;
        let n: u64 = counts.iter().filter(|(state, _)| *state == RunState::Waiting).map(|(_, n)| n).sum();
        if n > 0 {
            n_waiting += n;
            flows.push(row.flow);
        }
    }
    if n_waiting == 0 {
        return Ok(());
    }
    let verb = if n_waiting == 1 { "waits" } else { "wait" };
    let until = match store.next_wake(&flows).await? {
        Some(at) => format!("until {} UTC", tables::moment(at)),
        None => "no longer".to_owned(),
    };
    let first = if n_waiting == 1 { "" } else { "the first " };
    screen::complain(&format!(
        "{} {verb}, {first}{until}; the next start goes on with {}.\n",
        counted(n_waiting, "run"),
        if n_waiting == 1 { "it" } else { "them" },
    ));
    Ok(())
}

/// Tells each distinct reason of the runs that failed since this change once, with how often it was met.
async fn tell_failures(store: &Store, mut seen: i64) -> Result<(), Failure> {
    let mut reasons: BTreeMap<String, (u64, RecordId)> = BTreeMap::new();
    loop {
        let rows = store.ended_since(seen, PAGE).await?;
        let Some(last) = rows.last() else { break };
        seen = last.changed;
        for row in rows.iter().filter(|row| matches!(row.state, RunState::Failed | RunState::Unknown)) {
            reasons.entry(runs::why(row)).or_insert_with(|| (0, row.record.clone())).0 += 1;
        }
    }
    for (reason, (n, record)) in reasons.iter().take(MOST_REASONS) {
        let times =
            if *n == 1 { format!("record {record}") } else { format!("{}, as {record}", counted(*n, "record")) };
        problems::warn(&format!("{}: {times}", tables::cut(reason, 300)));
    }
    if let Some(more) = reasons.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
        problems::warn(&format!("and {}", counted(more as u64, "other reason")));
    }
    Ok(())
}

/// Runs one record, shows how its run ended, and stops.
async fn one_record(
    assembled: Assembled,
    flow: FlowId,
    record: RecordId,
    stop: CancellationToken,
    hint: String,
) -> Result<(), Failure> {
    let (handle, store) = (assembled.handle.clone(), assembled.store.clone());
    let asked_stop = stop.clone();
    let asking = tokio::spawn(async move {
        let answer = handle.ask(Command::RunRecord { flow: flow.clone(), record: record.clone() }).await;
        let ended = match answer {
            Ok(_) => ended_run(&store, flow, record, &asked_stop).await,
            Err(refused) => Err(Failure::Refused(refused)),
        };
        asked_stop.cancel();
        ended
    });
    assembled.work(None, stop).await?;
    let ended = asking.await.map_err(|error| Failure::system("wait for the run")(std::io::Error::other(error)))??;
    let row = ended.ok_or(Failure::Stopped)?;
    screen::say(&format!("{}\n", runs::line(&row)));
    match row.state {
        RunState::Failed | RunState::Unknown => Err(Failure::RunsFailed { n_failed: 1, n_runs: 1, help: hint }),
        RunState::Pending
        | RunState::Running
        | RunState::Waiting
        | RunState::Succeeded
        | RunState::Skipped
        | RunState::Superseded
        | RunState::Cancelled => Ok(()),
    }
}

/// Waits for the record's newest run to end; `None` where we are told to stop first.
async fn ended_run(
    store: &Store,
    flow: FlowId,
    record: RecordId,
    stop: &CancellationToken,
) -> Result<Option<RunRow>, Failure> {
    let filter = RunFilter { flow: Some(flow), record: Some(record), limit: 1, ..RunFilter::default() };
    loop {
        if let Some(row) = store.runs(filter.clone()).await?.pop()
            && status::is_end(row.state)
        {
            return Ok(Some(row));
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = SystemClock.sleep(LOOK_EVERY) => {}
        }
    }
}
