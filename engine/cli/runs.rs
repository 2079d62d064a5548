//! `millrace runs`: what happened to which record.

pub(crate) mod shown;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand};
use sdk::{Clock as _, FlowId, RecordId, RunId, SystemClock};
use serde_json::{Value as Json, json};
use store::{LogLevel, Repair, RunFilter, RunRow, RunState, Store};

use crate::place::{PlaceArguments, program, quoted};
use crate::tables::{self, Format, ListFormat, cut};
use crate::{Failure, repair, screen, signals};

/// What to look at.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List runs, newest first
    #[command(after_help = LIST_HELP)]
    List(ListArguments),
    /// Show one run in full: its record, what it did, its writes
    #[command(after_help = SHOW_HELP)]
    Show(ShowArguments),
    /// Show runs as they end, until told to stop
    #[command(after_help = "Example:\n  millrace runs tail --flow customers-to-warehouse")]
    Tail(TailArguments),
    /// Try failed, unknown or cancelled runs again; what they have written is not written twice
    #[command(after_help = RETRY_HELP)]
    Retry(repair::RetryArguments),
    /// End runs, so that nothing more of them is written; one at work stops before its next write
    #[command(after_help = CANCEL_HELP)]
    Cancel(CancelArguments),
}

const LIST_HELP: &str = "Example:
  millrace runs list --flow customers-to-warehouse --state failed

Fields of each run as JSON: id, flow, record, stamp, state, attempt, created_at, due_at,
started_at, ended_at, dismissed_at, reason, stop_reason, ignored_failures, failure (step, class, message, attempt).";

const SHOW_HELP: &str = "Examples:
  millrace runs show 5f0c21d4
  millrace runs show 5f0c21d4 --log warn --step upsert

As JSON it has the fields of `runs list`, and keys, fields, returned, looked_up, writes, log
(at, attempt, level, step, message, fields).";

const RETRY_HELP: &str = "Examples:
  millrace runs retry 5f0c21d4
  millrace runs retry 5f0c21d4 --assume-applied 220006890315
  millrace runs retry --flow customers-to-warehouse --class transient --since 2h

A write that may or may not have been applied needs a decision: look for the record at its service,
then say --resend, --assume-applied or --skip.";

const CANCEL_HELP: &str = "Example:
  millrace runs cancel 5f0c21d4 --reason 'the customer is gone'

A run that is at work is asked to stop. What it has sent comes to its end; then, before its next step,
item, try or wait, it ends as cancelled, and the command tells how far it came. Runs that it called go
with it. After half a minute the command waits no longer and ends with status 0, though the run has not
stopped yet; at Ctrl-C it ends with 130. The run stops all the same, also where the engine is started
again in between. A run whose write may or may not have been applied
ends as unknown instead: look for the record at its service.";

/// Arguments of `runs list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// Of this flow only
    #[arg(long)]
    flow: Option<String>,
    /// In this state only: pending, running, waiting, succeeded, failed, unknown, skipped, superseded or cancelled; may
    /// be given several times
    #[arg(long, value_parser = state, value_name = "STATE")]
    state: Vec<RunState>,
    /// For this record only, by its id at its service
    #[arg(long, value_name = "ID")]
    record: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = USUAL_LIMIT, value_parser = limit)]
    limit: usize,
    /// Older than this run: the last one of the page before
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// How to print; `jsonl` is one object a line
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// Arguments of `runs show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The run's id; eight of its last digits are enough, or four of its first
    id: String,
    /// Of what it noted, only this level and worse: debug, info, warn, error
    #[arg(long, value_parser = level, value_name = "LEVEL", default_value = "info")]
    log: LogLevel,
    /// Of what it noted, only of this step
    #[arg(long, value_name = "NAME")]
    step: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `runs tail`.
#[derive(Args, Debug)]
pub struct TailArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// Of this flow only
    #[arg(long)]
    flow: Option<String>,
    /// Begin with the runs that have ended already
    #[arg(long)]
    all: bool,
    /// How to print: lines, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// Arguments of `runs cancel`.
#[derive(Args, Debug)]
pub struct CancelArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The runs' ids, shortened as for `runs show`
    #[arg(required = true, value_name = "RUN")]
    ids: Vec<String>,
    /// Why; kept with the runs
    #[arg(long, value_name = "TEXT", default_value = "cancelled by an operator")]
    reason: String,
}

/// How many runs a list has.
const USUAL_LIMIT: usize = 20;
/// How often a tail looks for runs that ended.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many it takes at once.
const PAGE: usize = 500;

/// Does it.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list(&arguments).await,
        Command::Show(arguments) => show(&arguments).await,
        Command::Tail(arguments) => tail(&arguments).await,
        Command::Retry(arguments) => repair::retry(&arguments).await,
        Command::Cancel(arguments) => cancel(arguments).await,
    }
}

impl ListArguments {
    /// The command that goes on after this run: everything else as it was asked.
    fn older_than(&self, last: RunId) -> String {
        let mut command = format!("{} runs list{}", program(), self.place.as_written());
        let mut option = |name: &str, value: &str| command.push_str(&format!(" --{name} {}", quoted(value)));
        self.flow.iter().for_each(|flow| option("flow", flow));
        self.state.iter().for_each(|state| option("state", state.word()));
        self.record.iter().for_each(|record| option("record", record));
        if self.limit != USUAL_LIMIT {
            option("limit", &self.limit.to_string());
        }
        option("before", &short_id(last));
        command
    }
}

async fn list(arguments: &ListArguments) -> Result<(), Failure> {
    let store = arguments.place.place()?.read()?;
    let before = match &arguments.before {
        Some(id) => Some(store.run(id).await?.row.id),
        None => None,
    };
    let filter = RunFilter {
        flow: arguments.flow.as_deref().map(FlowId::from),
        states: arguments.state.clone(),
        record: arguments.record.as_deref().map(RecordId::from),
        key: None,
        before,
        limit: arguments.limit,
    };
    known_flow(&store, &filter.flow).await?;
    let rows = store.runs(filter).await?;
    match arguments.format {
        ListFormat::Json => screen::say_json(&rows.iter().map(row_json).collect()),
        ListFormat::Jsonl => rows.iter().for_each(|row| screen::say_json_line(&row_json(row))),
        ListFormat::Table if rows.is_empty() => screen::complain("No runs.\n"),
        ListFormat::Table => {
            screen::say(&list_table(&rows));
            if let Some(last) = rows.last().filter(|_| rows.len() == arguments.limit) {
                screen::complain(&format!("Older ones: {}\n", arguments.older_than(last.id)));
            }
        }
    }
    Ok(())
}

async fn show(arguments: &ShowArguments) -> Result<(), Failure> {
    let run = arguments.place.place()?.read()?.run(&arguments.id).await?;
    let is_shown = |line: &store::LogLine| {
        line.level >= arguments.log && arguments.step.as_ref().is_none_or(|step| shown::is_of(&line.step, step))
    };
    match arguments.format {
        Format::Json => screen::say_json(&shown::json(&run, is_shown)),
        Format::Table => screen::say(&shown::text(&run, is_shown)),
    }
    Ok(())
}

async fn cancel(arguments: CancelArguments) -> Result<(), Failure> {
    let CancelArguments { place, ids, reason } = arguments;
    let runs = repair::named(&place.place()?.read()?, &ids).await?;
    repair::carry_out(&place, &runs, Repair::Cancel { reason }).await
}

async fn tail(arguments: &TailArguments) -> Result<(), Failure> {
    let store = arguments.place.place()?.read()?;
    let flow = arguments.flow.as_deref().map(FlowId::from);
    known_flow(&store, &flow).await?;
    let stop = signals::stop_token();
    if arguments.format == ListFormat::Table {
        screen::complain("Times are UTC.\n");
    }
    let mut after = if arguments.all { 0 } else { store.latest_ending().await? };
    loop {
        let rows = store.ended_since(after, PAGE).await?;
        let is_full = rows.len() == PAGE;
        after = rows.last().map_or(after, |row| row.ending);
        for row in rows.iter().filter(|row| flow.as_ref().is_none_or(|flow| *flow == row.flow)) {
            match arguments.format {
                ListFormat::Json | ListFormat::Jsonl => screen::say_json_line(&row_json(row)),
                ListFormat::Table => screen::say(&format!("{}\n", line(row))),
            }
        }
        if is_full {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = SystemClock.sleep(LOOK_EVERY) => {}
        }
    }
}

/// The last eight digits of a run's id: enough to name it, and short enough to read aloud.
pub fn short_id(run: RunId) -> String {
    let digits = run.0.simple().to_string();
    digits[digits.len() - 8..].to_owned()
}

/// One ended run on one line.
pub fn line(row: &RunRow) -> String {
    let at = row.ended_at.unwrap_or(row.created_at);
    let (at, id) = (tables::time_of_day(at), short_id(row.id));
    tables::marked(&format!("{at}  {id}  {}  {}  {}", row.flow, tables::one_line(&of_record(row)), outcome(row)))
}

/// The record's id; a dash for a run that has none.
pub fn shown_record(record: &RecordId) -> String {
    if record.as_str().is_empty() { "–".to_owned() } else { record.to_string() }
}

/// `record 17`, or the time that started a run without one.
fn of_record(row: &RunRow) -> String {
    if row.record.as_str().is_empty() {
        format!("at {} UTC", tables::moment(row.version.stamp))
    } else {
        format!("record {}", row.record)
    }
}

/// Why a run is where it is, in one sentence; empty where there is nothing to say.
pub fn why(row: &RunRow) -> String {
    match row.state {
        RunState::Failed | RunState::Unknown | RunState::Pending => match &row.failure {
            Some(failure) => reason_first(&failure.step, &failure.message),
            None => String::new(),
        },
        RunState::Skipped | RunState::Cancelled | RunState::Superseded => row.reason.clone().unwrap_or_default(),
        RunState::Running | RunState::Waiting | RunState::Succeeded => String::new(),
    }
}

/// What went wrong before where: a line that is cut must keep the reason.
pub(crate) fn reason_first(step: &str, message: &str) -> String {
    let (place, reason) = match message.split_once(": ") {
        Some((place, reason)) if place.contains(".yaml:") && !place.contains(' ') => (place, reason),
        Some(_) | None => ("", message),
    };
    match (step, place) {
        ("", "") => reason.to_owned(),
        ("", place) => format!("{reason} ({place})"),
        (step, "") => format!("{reason} ({step})"),
        (step, place) => format!("{reason} ({step}, {place})"),
    }
}

/// A flow's name that the store has never met is a mistake, not an empty list.
pub async fn known_flow(store: &Store, flow: &Option<FlowId>) -> Result<(), Failure> {
    let Some(flow) = flow else { return Ok(()) };
    let known: Vec<FlowId> = store.flow_states().await?.into_iter().map(|row| row.flow).collect();
    if known.contains(flow) {
        return Ok(());
    }
    Err(no_flow(flow, &known))
}

/// That there is no such flow, with the one that was meant, or all there are.
pub fn no_flow(flow: &FlowId, known: &[FlowId]) -> Failure {
    // By mistake, two files may define one.
    let known: Vec<&FlowId> = known.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let help = match text::did_you_mean(flow.as_str(), known.iter().map(|id| id.as_str())) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => "none has run here yet".to_owned(),
        None if known.len() == 1 => format!("there is only `{}`", known[0]),
        None => format!("there are {}", known.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")),
    };
    Failure::NoFlow { flow: flow.clone(), help }
}

/// Runs as a table, one line each.
pub(crate) fn list_table(rows: &[RunRow]) -> String {
    let columns = [
        tables::text("run"),
        tables::text("flow"),
        tables::text("record"),
        tables::text("began, UTC"),
        tables::cuttable("how it went"),
    ];
    let now = SystemClock.now();
    let cells = |row: &RunRow| {
        vec![
            short_id(row.id),
            row.flow.to_string(),
            shown_record(&row.record),
            tables::recently(row.created_at, now),
            outcome(row),
        ]
    };
    tables::table(&columns, rows.iter().map(cells).collect(), None)
}

/// The state, the tries where there were several, and why.
fn outcome(row: &RunRow) -> String {
    let mut text = tables::state(row.state);
    if row.attempt > 1 {
        text.push_str(&format!(", try {}", row.attempt));
    }
    match row.ignored {
        0 => {}
        1 => text.push_str(", 1 ignored failure"),
        n => text.push_str(&format!(", {n} ignored failures")),
    }
    let why = why(row);
    if !why.is_empty() {
        text.push_str(&format!(": {why}"));
    }
    // A table has one line for each run; `runs show` has the rest.
    cut(&text, 200)
}

/// A run as programs read it.
pub fn row_json(row: &RunRow) -> Json {
    json!({
        "id": row.id.to_string(),
        "flow": row.flow,
        "record": row.record,
        "stamp": row.version.stamp.to_string(),
        "state": row.state,
        "attempt": row.attempt,
        "created_at": row.created_at.to_string(),
        "due_at": row.due_at.to_string(),
        "started_at": row.started_at.map(|at| at.to_string()),
        "ended_at": row.ended_at.map(|at| at.to_string()),
        "dismissed_at": row.dismissed_at.map(|at| at.to_string()),
        "reason": row.reason,
        "stop_reason": row.stop_reason,
        "ignored_failures": row.ignored,
        "failure": row.failure.as_ref().map(|failure| json!({
            "step": failure.step,
            "class": failure.class,
            "message": failure.message,
            "attempt": failure.attempt,
        })),
    })
}

/// Reads how long a list may be. None of nothing would say that there is nothing.
pub(crate) fn limit(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("a list of none tells nothing; the least is 1".to_owned()),
        Ok(limit) => Ok(limit),
        Err(_) => Err("it is a whole number, such as 20".to_owned()),
    }
}

fn state(word: &str) -> Result<RunState, String> {
    RunState::from_word(word).ok_or_else(|| {
        let words = RunState::ALL.iter().map(|state| state.word());
        format!("no state is called so; there are {}", words.collect::<Vec<_>>().join(", "))
    })
}

fn level(word: &str) -> Result<LogLevel, String> {
    LogLevel::from_word(word).ok_or_else(|| {
        let words = LogLevel::ALL.iter().map(|level| level.word());
        format!("no level is called so; there are {}", words.collect::<Vec<_>>().join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_that_two_files_define_is_listed_once() {
        let known = ["b", "a", "b"].map(FlowId::from);
        let failure = no_flow(&FlowId::from("nosuch"), &known);
        assert!(matches!(&failure, Failure::NoFlow { help, .. } if help == "there are `a`, `b`"), "{failure:?}");
    }

    #[test]
    fn a_reason_stands_before_its_place() {
        let told = reason_first("when", "flows/a.yaml:4:7: `>` cannot compare text: it is `x`");
        assert_eq!(told, "`>` cannot compare text: it is `x` (when, flows/a.yaml:4:7)");
        assert_eq!(reason_first("upsert", "HubSpot fails: later"), "HubSpot fails: later (upsert)");
        assert_eq!(reason_first("", "gone"), "gone");
    }
}
