//! `millrace run`: one flow, for as long as wanted, once, for one record, or with inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use flow::{Flow, Start, Trigger};
use runtime::{Command, Drain, EngineOptions, FlowStatus, TriggerKind};
use sdk::{Clock as _, FlowId, RecordId, SystemClock};
use serde_json::{Value as Json, json};
use store::{EngineLock, FlowState, GroupId, LogLevel, RunDetail, RunFilter, RunState, Store};
use tokio_util::sync::CancellationToken;

use crate::accounts;
use crate::assemble::{self, Assembled, Environment, Setup, Understood};
use crate::place::{Place, PlaceArguments, program};
use crate::project::ProjectFiles;
use crate::tables::{self, Format, counted};
use crate::{Failure, control, problems, progress, runs, screen, signals, up};

const HELP: &str = "Examples:
  millrace run customers-to-warehouse --once
  millrace run customers-to-warehouse --record 220006890315
  millrace run welcome --input email=ann@example.com

As JSON it prints flows (flow, pass, with_earlier, open, missing); pass is what this command did, and
with_earlier what has come of the flow since it first ran (records, left_out, before_start, asked,
scheduled, and ended: runs by state). One record, or inputs, make one run, which is printed as
`runs show` prints it. Everything else goes to standard error.";

/// Arguments of `run`.
#[derive(Args, Debug)]
#[command(
    after_help = HELP
)]
pub struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The flow's id
    flow: String,
    /// Do what there is to do, then stop. A flow that goes by the clock is started once, beside its times
    #[arg(long)]
    once: bool,
    /// Only this record, as it is now, whether or not it was run before
    #[arg(long, value_name = "ID", conflicts_with = "once")]
    record: Option<String>,
    /// An input of a flow that waits to be asked; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = input, conflicts_with = "record")]
    input: Vec<(String, String)>,
    /// Its inputs as a JSON object in a file; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    inputs: Option<String>,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// How to print what it came to: the account, or the run that --record or --input made. Where an engine that runs
    /// already makes many runs of it, JSON has its sentence as `told`
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Arguments {
    /// Whether it stops once it has done what there is to do.
    pub fn ends_by_itself(&self) -> bool {
        self.once || self.record.is_some() || self.has_inputs()
    }

    fn has_inputs(&self) -> bool {
        !self.input.is_empty() || self.inputs.is_some()
    }

    /// What is asked of an engine, where that is one thing; no inputs are inputs, too.
    fn command(&self, flow: &FlowId) -> Result<Command, Failure> {
        if let Some(record) = &self.record {
            return Ok(Command::RunRecord { flow: flow.clone(), record: RecordId::from(record.as_str()) });
        }
        let mut inputs = self.inputs.as_deref().map(read_inputs).transpose()?.unwrap_or_default();
        // What is written on the command line is meant for this time.
        inputs.extend(self.input.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))));
        Ok(Command::Start { flow: flow.clone(), inputs })
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
    let command = arguments.command(&flow)?;
    let is_one_thing = arguments.record.is_some() || arguments.has_inputs();
    if is_one_thing || starts_on_request(&place, &flow, arguments.once).await? {
        // A running engine does it itself, and goes on.
        if let Some(answer) = control::ask(&place.data, &command).await? {
            return tell_answer(&place, &answer, arguments.format).await;
        }
    }
    if let Some(pid) = EngineLock::holder(&place.data) {
        return Err(Failure::InUse { pid: Some(pid) });
    }
    let understood = Understood::of(&ProjectFiles::read(&place.dir, arguments.env.as_deref())?);
    let ends_by_itself = arguments.ends_by_itself() || understood.find(&flow)?.waits_to_be_asked();
    if let Some(held) = held(&place, &understood.with_called(&flow), &arguments.place).await? {
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
    if is_one_thing {
        setup.options = EngineOptions { polls: false, ..setup.options };
    }
    let mut assembled = assemble::assemble(setup, &stop).await?;
    let hint = format!("look at them with `{} failures list{}`", program(), arguments.place.as_written());
    let trigger = assembled.flows.iter().find(|one| one.id == flow).map(|one| TriggerKind::of(&one.trigger));
    if is_one_thing || trigger == Some(TriggerKind::Manual) {
        return one_run(assembled, flow, command, stop, Answer { format: arguments.format, hint }).await;
    }
    let answer = Answer { format: arguments.format, hint };
    if !arguments.once {
        return stay(assembled, stop, answer).await;
    }
    if matches!(trigger, Some(TriggerKind::Schedule | TriggerKind::Walk)) {
        screen::complain(&match assembled.start_now(&flow).await? {
            Some(at) => format!(
                "`{flow}` goes by the clock; it is started for {} UTC, which passed while no engine ran.\n",
                tables::moment(at)
            ),
            None => format!("`{flow}` goes by the clock; it is started once now, beside its times.\n"),
        });
    }
    once(assembled, stop, answer).await
}

/// How a command answers.
struct Answer {
    format: Format,
    /// What to do about runs that failed.
    hint: String,
}

impl Answer {
    /// Tells something beside the answer: programs find nothing but data on standard output.
    fn aside(&self, text: &str) {
        match self.format {
            Format::Json => screen::complain(text),
            Format::Table => screen::tell(text),
        }
    }
}

/// Tells what a running engine answered; where it made a run, programs read that one as it stands now.
async fn tell_answer(place: &Place, answer: &str, format: Format) -> Result<(), Failure> {
    let run = answer.strip_prefix("run ").and_then(|rest| rest.split(' ').next());
    match (format, run) {
        (Format::Table, _) => screen::tell(&format!("{answer}\n")),
        (Format::Json, Some(run)) => screen::say_json(&shown_json(&place.read()?.run(run).await?)),
        (Format::Json, None) => screen::say_json(&json!({ "told": answer })),
    }
    Ok(())
}

/// A run as `runs show` prints it for programs.
fn shown_json(run: &RunDetail) -> Json {
    runs::shown::json(run, |line| line.level >= LogLevel::Info)
}

/// Whether an engine runs that can do all of this at once: a flow that waits to be asked, or one start of a flow that
/// goes by the clock.
async fn starts_on_request(place: &Place, flow: &FlowId, once: bool) -> Result<bool, Failure> {
    let running = control::statuses(&place.data).await?.unwrap_or_default();
    let trigger = running.iter().find(|one| one["flow"] == flow.as_str()).map(|one| one["trigger"].clone());
    let is = |kind: TriggerKind| trigger.as_ref().is_some_and(|word| word == kind.word());
    Ok(is(TriggerKind::Manual) || (once && (is(TriggerKind::Schedule) || is(TriggerKind::Walk))))
}

/// Reads `name=value`.
fn input(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it like `name=value`")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// The JSON object in a file, or in standard input.
fn read_inputs(from: &str) -> Result<BTreeMap<String, Json>, Failure> {
    let text = if from == "-" {
        std::io::read_to_string(std::io::stdin()).map_err(Failure::system("read standard input"))?
    } else {
        std::fs::read_to_string(from).map_err(Failure::file("read", Path::new(from)))?
    };
    serde_json::from_str(&text)
        .map_err(|error| Failure::BadInputs { from: from.to_owned(), why: text::shown(&error.to_string()).to_string() })
}

/// Whether an operator, or a brake, has stopped one of these: the flow, or one that it calls and would wait for.
async fn held(place: &Place, wanted: &BTreeSet<FlowId>, written: &PlaceArguments) -> Result<Option<Failure>, Failure> {
    // What cannot be read is told when the engine opens it.
    let Ok(store) = place.read() else { return Ok(None) };
    for row in store.flow_states().await?.into_iter().filter(|row| wanted.contains(&row.flow)) {
        let state = match row.state {
            FlowState::Paused => "paused",
            FlowState::Held => "held",
            FlowState::Active | FlowState::Disabled | FlowState::Blocked | FlowState::Invalid => continue,
        };
        let remedy = format!("{} resume{} {}", program(), written.as_written(), row.flow);
        return Ok(Some(Failure::Held { flow: row.flow, state, remedy }));
    }
    Ok(None)
}

/// Works until told to stop.
async fn stay(assembled: Assembled, stop: CancellationToken, answer: Answer) -> Result<(), Failure> {
    answer.aside(&up::greeting(&assembled));
    answer.aside("A flow that you edit is taken up by the next start.\n");
    answer.aside(up::ENDING);
    let before = assembled.accounts().await?;
    let worked = assembled.work(None, stop).await?;
    match answer.format {
        Format::Json => screen::say_json(&accounts::pass_json(&before, &worked.accounts)),
        Format::Table => {}
    }
    Ok(())
}

/// Works until there is nothing left to do, and fails where runs failed or the flow could not work.
async fn once(assembled: Assembled, stop: CancellationToken, answer: Answer) -> Result<(), Failure> {
    let before = assembled.accounts().await?;
    let begins_now: Vec<FlowId> =
        assembled.flows.iter().filter(|flow| starts_now(flow)).map(|flow| flow.id.clone()).collect();
    let (data, seen) = (assembled.data.clone(), assembled.store.latest_ending().await?);
    let ended = CancellationToken::new();
    let watching = tokio::spawn(progress::watch(assembled.handle.clone(), ended.clone()));
    let worked = assembled.work(Some(Drain { settle: Duration::ZERO, waits: false }), stop.clone()).await;
    ended.cancel();
    // The line is only a line; what counts comes after it.
    let _ = watching.await;
    let worked = worked?;
    match answer.format {
        Format::Json => screen::say_json(&accounts::pass_json(&before, &worked.accounts)),
        Format::Table => screen::say(&accounts::pass(&before, &worked.accounts)),
    }
    for account in worked.accounts.iter().filter(|account| account.records == 0) {
        if begins_now.iter().any(|flow| flow.as_str() == account.flow) {
            answer.aside(&format!(
                "`{}` has read nothing yet: it begins with what changes from its first start on. \
                 `start: beginning` in its trigger reads what is there already.\n",
                account.flow
            ));
        }
    }
    tell_waits(&Store::open_read_only(&data)?).await?;
    if stop.is_cancelled() {
        return Err(Failure::Stopped);
    }
    if let Some(status) = worked.statuses.iter().find(|status| status.state == FlowState::Blocked) {
        return Err(Failure::NoneCouldWork { reason: status.reason.clone().unwrap_or_default() });
    }
    // Nobody stays for a service that is away, and nothing else is left behind.
    for account in &worked.accounts {
        let n_runs = account.in_states(&[RunState::Pending]);
        let status = worked.statuses.iter().find(|status| status.flow.as_str() == account.flow);
        if let Some(FlowStatus { flow, reason: Some(reason), .. }) = status.filter(|_| n_runs > 0) {
            return Err(Failure::ServiceAway { flow: flow.clone(), n_runs, reason: reason.clone() });
        }
    }
    if let Some(status) = worked.statuses.iter().find(|status| status.is_left_unread) {
        let reason = status.reason.clone().unwrap_or_default();
        return Err(Failure::SourceNotRead { flow: status.flow.clone(), reason });
    }
    // Failures of earlier times are not this command's.
    let (before, after) = (accounts::total(&before), accounts::total(&worked.accounts));
    match after.failed().saturating_sub(before.failed()) {
        0 => Ok(()),
        n_failed => {
            tell_failures(&Store::open_read_only(&data)?, seen).await?;
            Err(Failure::RunsFailed { n_failed, n_runs: after.ended() - before.ended(), help: answer.hint })
        }
    }
}

/// Whether a flow's poll leaves out what was there before its first start.
fn starts_now(flow: &Flow) -> bool {
    matches!(&flow.trigger, Trigger::Poll(poll) if poll.start == Start::Now)
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

/// Tells each cause of the runs that failed since this change once, in the words of its first run and with how often it
/// was met; the most frequent first.
async fn tell_failures(store: &Store, mut seen: i64) -> Result<(), Failure> {
    let mut causes: BTreeMap<GroupId, (u64, String, RecordId)> = BTreeMap::new();
    loop {
        let rows = store.ended_since(seen, PAGE).await?;
        let Some(last) = rows.last() else { break };
        seen = last.ending;
        for row in rows.iter().filter(|row| matches!(row.state, RunState::Failed | RunState::Unknown)) {
            let first = || (0, runs::why(row), row.record.clone());
            causes.entry(GroupId::of_run(row)).or_insert_with(first).0 += 1;
        }
    }
    let mut causes: Vec<_> = causes.into_values().collect();
    causes.sort_by(|(n, reason, _), (m, other, _)| m.cmp(n).then_with(|| reason.cmp(other)));
    for (n, reason, record) in causes.iter().take(MOST_REASONS) {
        let times =
            if *n == 1 { format!("record {record}") } else { format!("{}, as {record}", counted(*n, "record")) };
        problems::warn(&format!("{}: {times}", tables::cut(reason, 300)));
    }
    if let Some(more) = causes.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
        problems::warn(&format!("and {}", counted(more as u64, "other reason")));
    }
    Ok(())
}

/// Has one run made, shows how it ended, and stops.
async fn one_run(
    assembled: Assembled,
    flow: FlowId,
    command: Command,
    stop: CancellationToken,
    answer: Answer,
) -> Result<(), Failure> {
    let (handle, store) = (assembled.handle.clone(), assembled.store.clone());
    let asked_stop = stop.clone();
    let asking = tokio::spawn(async move {
        let ended = match handle.ask(command).await {
            Ok(_) => ended_run(&store, flow, &asked_stop).await,
            Err(refused) => Err(Failure::Refused(refused)),
        };
        asked_stop.cancel();
        ended
    });
    assembled.work(None, stop).await?;
    let ended = asking.await.map_err(|error| Failure::system("wait for the run")(std::io::Error::other(error)))??;
    let run = ended.ok_or(Failure::Stopped)?;
    match answer.format {
        Format::Json => screen::say_json(&shown_json(&run)),
        Format::Table => {
            screen::tell(&format!("{}\n", runs::line(&run.row)));
            if let Some(outcome) = &run.outcome {
                screen::say(&format!("returned {}\n", outcome.to_plain_json()));
            }
        }
    }
    match run.row.state {
        RunState::Failed | RunState::Unknown => Err(Failure::RunsFailed { n_failed: 1, n_runs: 1, help: answer.hint }),
        RunState::Pending
        | RunState::Running
        | RunState::Waiting
        | RunState::Succeeded
        | RunState::Skipped
        | RunState::Superseded
        | RunState::Cancelled => Ok(()),
    }
}

/// Waits for the flow's newest run to end, which is the one that was just made: nothing else makes runs here. `None`
/// where we are told to stop first.
async fn ended_run(store: &Store, flow: FlowId, stop: &CancellationToken) -> Result<Option<RunDetail>, Failure> {
    let filter = RunFilter { flow: Some(flow), limit: 1, ..RunFilter::default() };
    let Some(made) = store.runs(filter).await?.pop() else { return Ok(None) };
    loop {
        let run = store.run(&made.id.to_string()).await?;
        if run.row.state.is_end() {
            return Ok(Some(run));
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = SystemClock.sleep(LOOK_EVERY) => {}
        }
    }
}
