//! `millrace runs`: what happened to which record.

use std::time::Duration;

use clap::{Args, Subcommand};
use sdk::{Clock as _, FlowId, RecordId, RunId, SystemClock};
use serde_json::{Value as Json, json};
use store::{RunDetail, RunFilter, RunRow, RunState, Store};

use crate::place::{PlaceArguments, program, quoted};
use crate::tables::{self, Format, count, cut, moment};
use crate::{Failure, durations, screen, signals};

/// What to look at.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List runs, newest first
    #[command(after_help = "Example:\n  millrace runs list --flow customers-to-warehouse --state failed")]
    List(ListArguments),
    /// Show one run in full: its record, its steps, its writes
    #[command(after_help = "Example:\n  millrace runs show 5f0c21d4")]
    Show(ShowArguments),
    /// Show runs as they end, until told to stop
    #[command(after_help = "Example:\n  millrace runs tail --flow customers-to-warehouse")]
    Tail(TailArguments),
}

/// Arguments of `runs list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// Of this flow only
    #[arg(long)]
    flow: Option<String>,
    /// In this state only; may be given several times
    #[arg(long, value_parser = state, value_name = "STATE")]
    state: Vec<RunState>,
    /// For this record only, by its id at its service
    #[arg(long, value_name = "ID")]
    record: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = USUAL_LIMIT)]
    limit: usize,
    /// Older than this run: the last one of the page before
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `runs show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The run's id; eight of its last digits are enough, or four of its first
    id: String,
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
    format: Format,
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
        Format::Json => screen::say_json(&rows.iter().map(row_json).collect()),
        Format::Table if rows.is_empty() => screen::complain("No runs.\n"),
        Format::Table => {
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
    match arguments.format {
        Format::Json => screen::say_json(&detail_json(&run)),
        Format::Table => screen::say(&detail_text(&run)),
    }
    Ok(())
}

async fn tail(arguments: &TailArguments) -> Result<(), Failure> {
    let store = arguments.place.place()?.read()?;
    let flow = arguments.flow.as_deref().map(FlowId::from);
    known_flow(&store, &flow).await?;
    let stop = signals::stop_token();
    if arguments.format == Format::Table {
        screen::complain("Times are UTC.\n");
    }
    let mut after = if arguments.all { 0 } else { store.latest_change().await? };
    loop {
        let rows = store.ended_since(after, PAGE).await?;
        let is_full = rows.len() == PAGE;
        after = rows.last().map_or(after, |row| row.changed);
        for row in rows.iter().filter(|row| flow.as_ref().is_none_or(|flow| *flow == row.flow)) {
            match arguments.format {
                Format::Json => screen::say(&format!("{}\n", row_json(row))),
                Format::Table => screen::say(&format!("{}\n", line(row))),
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
    tables::marked(&format!("{at}  {id}  {}  record {}  {}", row.flow, row.record, outcome(row)))
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
fn reason_first(step: &str, message: &str) -> String {
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
    let help = match text::did_you_mean(flow.as_str(), known.iter().map(FlowId::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => "none has run here yet".to_owned(),
        None => format!("there are {}", known.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")),
    };
    Failure::NoFlow { flow: flow.clone(), help }
}

fn list_table(rows: &[RunRow]) -> String {
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
            row.record.to_string(),
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

fn detail_text(run: &RunDetail) -> String {
    let row = &run.row;
    let mut out = String::new();
    let mut fact = |name: &str, value: String| out.push_str(&format!("{name:<9} {value}\n"));
    fact("run", row.id.to_string());
    fact("flow", row.flow.to_string());
    fact("record", format!("{}, version of {}", row.record, moment(row.version.stamp)));
    fact("state", tables::marked(&tables::state(row.state)));
    let why = why(row);
    if !why.is_empty() {
        fact("why", why);
    }
    fact("stored", format!("{} UTC", moment(row.created_at)));
    if let (Some(started), Some(ended)) = (row.started_at, row.ended_at) {
        fact(
            "ended",
            format!("{} UTC, {} after its last start", moment(ended), durations::short(ended.since(started))),
        );
    } else if row.state == RunState::Pending {
        fact("due", format!("{} UTC", moment(row.due_at)));
    }
    fact("tries", count(u64::from(row.attempt)));
    if row.ignored > 0 {
        fact("ignored", format!("{} failures", row.ignored));
    }
    for (name, value) in &run.keys {
        fact("key", format!("{name} = {value}"));
    }
    if let Some(outcome) = &run.outcome {
        fact("returned", outcome.to_plain_json().to_string());
    }
    match &run.record {
        Some(record) => {
            out.push_str("\nThe record as it was read\n");
            for (name, value) in &record.fields {
                out.push_str(&format!("  {name:<24} {}\n", cut(&value.to_plain_json().to_string(), 200)));
            }
        }
        None => out.push_str("\nThe record's content was dropped by retention.\n"),
    }
    if !run.journal.is_empty() {
        out.push_str("\nWhat was looked up\n");
        for entry in &run.journal {
            out.push_str(&format!("  {:<24} {}\n", entry.key, cut(&entry.outcome.to_plain_json().to_string(), 200)));
        }
    }
    if !run.effects.is_empty() {
        out.push_str("\nWhat was written\n");
        for effect in &run.effects {
            let target = effect.target_id.as_ref().map(|id| format!(", record {id}")).unwrap_or_default();
            let outcome =
                effect.outcome.as_ref().map(|value| format!("  {}", value.to_plain_json())).unwrap_or_default();
            out.push_str(&format!(
                "  {:<24} {} {}.{}: {}{target}, sent {}{}\n",
                effect.step,
                effect.verb,
                effect.connection,
                effect.object,
                effect.state.word(),
                if effect.attempts == 1 { "once".to_owned() } else { format!("{} times", effect.attempts) },
                cut(&outcome, 200),
            ));
        }
    }
    out
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
        "reason": row.reason,
        "ignored_failures": row.ignored,
        "failure": row.failure.as_ref().map(|failure| json!({
            "step": failure.step,
            "class": failure.class,
            "message": failure.message,
            "attempt": failure.attempt,
        })),
    })
}

fn detail_json(run: &RunDetail) -> Json {
    let mut json = row_json(&run.row);
    json["keys"] = run.keys.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect();
    json["fields"] = match &run.record {
        Some(record) => record.fields.iter().map(|(name, value)| (name.clone(), value.to_plain_json())).collect(),
        None => Json::Null,
    };
    json["returned"] = run.outcome.as_ref().map(sdk::Value::to_plain_json).unwrap_or_default();
    json["looked_up"] =
        run.journal.iter().map(|entry| json!({"step": entry.key, "outcome": entry.outcome.to_plain_json()})).collect();
    json["writes"] = run
        .effects
        .iter()
        .map(|effect| {
            json!({
                "effect_id": effect.effect_id,
                "step": effect.step,
                "item": effect.item,
                "state": effect.state,
                "verb": effect.verb,
                "connection": effect.connection,
                "object": effect.object,
                "attempts": effect.attempts,
                "first_sent_at": effect.first_sent_at.map(|at| at.to_string()),
                "last_sent_at": effect.last_sent_at.map(|at| at.to_string()),
                "target": effect.target_id,
                "outcome": effect.outcome.as_ref().map(sdk::Value::to_plain_json),
            })
        })
        .collect();
    json
}

fn state(word: &str) -> Result<RunState, String> {
    RunState::from_word(word).ok_or_else(|| {
        let words = RunState::ALL.iter().map(|state| state.word());
        format!("no state is called so; there are {}", words.collect::<Vec<_>>().join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_stands_before_its_place() {
        let told = reason_first("when", "flows/a.yaml:4:7: `>` cannot compare text: it is `x`");
        assert_eq!(told, "`>` cannot compare text: it is `x` (when, flows/a.yaml:4:7)");
        assert_eq!(reason_first("upsert", "HubSpot fails: later"), "HubSpot fails: later (upsert)");
        assert_eq!(reason_first("", "gone"), "gone");
    }
}
