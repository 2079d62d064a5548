//! `millrace failures`: what gave up and why, told by cause, until somebody retries or dismisses it.

use clap::{Args, Subcommand};
use sdk::{Clock as _, SystemClock};
use serde_json::{Value as Json, json};
use store::{FailureFilter, FailureGroup, GroupId, Repair, RunDetail, RunRow, RunState, Store};

use crate::place::{PlaceArguments, program, quoted};
use crate::repair::{self, FilterArguments};
use crate::tables::{self, Format, ListFormat, count, counted, moment, wrapped};
use crate::{Failure, runs, screen};

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List what gave up: one line for each cause, those that were met last first
    #[command(after_help = LIST_HELP)]
    List(ListArguments),
    /// Show what happened and what to do about it
    #[command(after_help = "Examples:\n  millrace failures show g3fa91c2\n  millrace failures show 5f0c21d4")]
    Show(ShowArguments),
    /// Try failures again; what they have written is not written twice
    #[command(
        after_help = "Examples:\n  millrace failures retry g3fa91c2\n  millrace failures retry --class transient --since 2h"
    )]
    Retry(repair::RetryArguments),
    /// Put failures aside: they stay in history and are listed here no longer
    #[command(
        after_help = "Examples:\n  millrace failures dismiss g3fa91c2\n  millrace failures dismiss --flow customers-to-warehouse"
    )]
    Dismiss(DismissArguments),
}

const LIST_HELP: &str = "Examples:
  millrace failures list --since 24h
  millrace failures list --all --class invalid

Fields of each cause as JSON: group, flow, step, class, message, runs, newest_at, oldest_at, example.
With --all, those of `runs list`.";

/// Arguments of `failures list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// List single runs, not their causes
    #[arg(long)]
    all: bool,
    /// At most this many
    #[arg(long, default_value_t = USUAL_LIMIT, value_parser = runs::limit)]
    limit: usize,
    /// Older than this run, or after this group: the last one of the page before
    #[arg(long, value_name = "RUN|GROUP")]
    before: Option<String>,
    /// How to print; `jsonl` is one object a line
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// Arguments of `failures show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// A run's id, or a group's
    #[arg(value_name = "RUN|GROUP")]
    id: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `failures dismiss`.
#[derive(Args, Debug)]
pub struct DismissArguments {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    chosen: repair::Chosen,
}

const USUAL_LIMIT: usize = 20;
/// How many runs of a group are named.
const EXAMPLES: usize = 5;

/// Does it.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list(&arguments).await,
        Command::Show(arguments) => show(&arguments).await,
        Command::Retry(arguments) => repair::retry(&arguments).await,
        Command::Dismiss(arguments) => {
            let runs = arguments.chosen.runs(&arguments.place.place()?, "dismiss").await?;
            repair::carry_out(&arguments.place, &runs, Repair::Dismiss).await
        }
    }
}

async fn list(arguments: &ListArguments) -> Result<(), Failure> {
    let store = arguments.place.place()?.read()?;
    let filter = arguments.filter.filter();
    runs::known_flow(&store, &filter.flow).await?;
    if arguments.all {
        return list_runs(arguments, &store, filter).await;
    }
    let mut groups = store.failure_groups(filter).await?;
    if let Some(before) = &arguments.before {
        let no_group = || Failure::NoGroup { id: before.clone() };
        let id = GroupId::parse(before).ok_or_else(no_group)?;
        let at = groups.iter().position(|group| group.id == id).ok_or_else(no_group)?;
        groups.drain(..=at);
    }
    let n_more = groups.len().saturating_sub(arguments.limit);
    groups.truncate(arguments.limit);
    match arguments.format {
        ListFormat::Json => screen::say_json(&groups.iter().map(group_json).collect()),
        ListFormat::Jsonl => groups.iter().for_each(|group| screen::say_json_line(&group_json(group))),
        ListFormat::Table if groups.is_empty() => screen::complain("No failures.\n"),
        ListFormat::Table => {
            screen::say(&table(&groups));
            if let Some(last) = groups.last().filter(|_| n_more > 0) {
                let command = arguments.older_than(&last.id.to_string());
                screen::complain(&format!("{} more: {command}\n", count(n_more as u64)));
            }
            let command = format!("{} failures show{} GROUP", program(), arguments.place.as_written());
            screen::complain(&format!("`{command}` tells all of one, and what to do.\n"));
        }
    }
    Ok(())
}

async fn list_runs(arguments: &ListArguments, store: &Store, filter: FailureFilter) -> Result<(), Failure> {
    let before = match &arguments.before {
        Some(id) => Some(store.run(id).await?.row.id),
        None => None,
    };
    let rows = store.failures(filter, before, arguments.limit).await?;
    match arguments.format {
        ListFormat::Json => screen::say_json(&rows.iter().map(runs::row_json).collect()),
        ListFormat::Jsonl => rows.iter().for_each(|row| screen::say_json_line(&runs::row_json(row))),
        ListFormat::Table if rows.is_empty() => screen::complain("No failures.\n"),
        ListFormat::Table => {
            screen::say(&runs::list_table(&rows));
            if let Some(last) = rows.last().filter(|_| rows.len() == arguments.limit) {
                let command = arguments.older_than(&runs::short_id(last.id));
                screen::complain(&format!("Older ones: {command}\n"));
            }
        }
    }
    Ok(())
}

impl ListArguments {
    /// The command that goes on after this one: everything else as it was asked.
    fn older_than(&self, last: &str) -> String {
        let mut command = format!("{} failures list{}", program(), self.place.as_written());
        let mut option = |name: &str, value: &str| command.push_str(&format!(" --{name} {}", quoted(value)));
        self.filter.flow.iter().for_each(|flow| option("flow", flow));
        self.filter.class.iter().for_each(|class| option("class", class));
        self.filter.since.iter().for_each(|since| option("since", &since.to_string()));
        if self.limit != USUAL_LIMIT {
            option("limit", &self.limit.to_string());
        }
        option("before", last);
        if self.all {
            command.push_str(" --all");
        }
        command
    }
}

fn table(groups: &[FailureGroup]) -> String {
    let columns = [
        tables::text("group"),
        tables::text("flow"),
        tables::number("runs"),
        tables::text("last, UTC"),
        tables::cuttable("what went wrong"),
    ];
    let now = SystemClock.now();
    let cells = |group: &FailureGroup| {
        vec![
            group.id.to_string(),
            group.flow.to_string(),
            count(group.n_runs),
            tables::recently(group.newest_at, now),
            tables::cut(&runs::reason_first(&group.step, &group.message), 200),
        ]
    };
    tables::table(&columns, groups.iter().map(cells).collect(), None)
}

async fn show(arguments: &ShowArguments) -> Result<(), Failure> {
    let store = arguments.place.place()?.read()?;
    let Some(id) = GroupId::parse(&arguments.id) else {
        // No run's id begins so.
        if arguments.id.starts_with('g') {
            return Err(Failure::NoGroup { id: arguments.id.clone() });
        }
        return show_run(arguments, &store.run(&arguments.id).await?);
    };
    let filter = FailureFilter { group: Some(id), ..FailureFilter::default() };
    let groups = store.failure_groups(filter.clone()).await?;
    let group = groups.first().ok_or_else(|| Failure::NoGroup { id: arguments.id.clone() })?;
    let examples = store.failures(filter, None, EXAMPLES).await?;
    match arguments.format {
        Format::Json => {
            let mut json = group_json(group);
            json["examples"] = examples.iter().map(runs::row_json).collect();
            json["what_to_do"] = what_to_do(&group.class, &group.id.to_string(), arguments).into();
            screen::say_json(&json);
        }
        Format::Table => screen::say(&group_text(group, &examples, arguments)),
    }
    Ok(())
}

fn show_run(arguments: &ShowArguments, run: &RunDetail) -> Result<(), Failure> {
    let row = &run.row;
    let (RunState::Failed | RunState::Unknown, Some(failure)) = (row.state, &row.failure) else {
        return Err(Failure::Refused(format!(
            "run {} is {} and no failure; `{} runs show{} {}` shows it",
            runs::short_id(row.id),
            row.state.word(),
            program(),
            arguments.place.as_written(),
            arguments.id,
        )));
    };
    let id = runs::short_id(row.id);
    let remedy = what_to_do(&failure.class, &id, arguments);
    match arguments.format {
        Format::Json => {
            let mut json = runs::shown::json(run, |_| true);
            json["what_to_do"] = remedy.into();
            screen::say_json(&json);
        }
        Format::Table => {
            let mut out = String::new();
            let mut fact = |name: &str, value: &str| out.push_str(&wrapped(&format!("{name:<9} "), value));
            fact("run", &row.id.to_string());
            fact("flow", row.flow.as_str());
            let keys: Vec<String> = run.keys.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let keys = if keys.is_empty() { String::new() } else { format!(" ({})", keys.join(", ")) };
            fact("record", &format!("{}{keys}", row.record));
            if let Some(at) = row.ended_at {
                fact("gave up", &format!("{} UTC, in try {}", moment(at), row.attempt));
            }
            if !failure.step.is_empty() {
                fact("step", &failure.step);
            }
            fact("class", &failure.class);
            fact("what", &failure.message);
            if let Some(at) = row.dismissed_at {
                fact("dismissed", &format!("{} UTC", moment(at)));
            }
            let last: Vec<&store::LogLine> = run.log.iter().filter(|line| line.attempt == row.attempt).collect();
            out.push_str(&runs::shown::log(&last));
            let writes = runs::shown::writes(run);
            out.push_str(if writes.is_empty() { "\nNothing was written.\n" } else { &writes });
            out.push_str(&format!("\nWhat to do\n{}", wrapped("  ", &remedy)));
            screen::say(&tables::marked(&out));
        }
    }
    Ok(())
}

fn group_text(group: &FailureGroup, examples: &[RunRow], arguments: &ShowArguments) -> String {
    let mut out = String::new();
    let mut fact = |name: &str, value: &str| out.push_str(&wrapped(&format!("{name:<9} "), value));
    fact("group", &format!("{}, {}", group.id, counted(group.n_runs, "run")));
    fact("flow", group.flow.as_str());
    if !group.step.is_empty() {
        fact("step", &group.step);
    }
    fact("class", &group.class);
    fact("what", &group.message);
    fact("first", &format!("{} UTC", moment(group.oldest_at)));
    fact("last", &format!("{} UTC", moment(group.newest_at)));
    out.push_str("\nThe newest of them\n");
    for row in examples {
        let at = row.ended_at.map(moment).unwrap_or_default();
        let record = tables::one_line(row.record.as_str());
        let record = if record.is_empty() { String::new() } else { format!("  record {record}") };
        out.push_str(&format!("  {}  {at}{record}\n", runs::short_id(row.id)));
    }
    let remedy = what_to_do(&group.class, &group.id.to_string(), arguments);
    out.push_str(&format!("\nWhat to do\n{}", wrapped("  ", &remedy)));
    out
}

/// One sentence for the operator, by the class of what went wrong.
fn what_to_do(class: &str, id: &str, arguments: &ShowArguments) -> String {
    let command = |verb: &str| format!("`{} failures {verb}{} {id}`", program(), arguments.place.as_written());
    let (retry, dismiss) = (command("retry"), command("dismiss"));
    match class {
        "unknown" if GroupId::parse(id).is_some() => format!(
            "Look for the records at their service: if all are there, {retry} with --assume-applied, and if none is, with --resend; else decide run by run."
        ),
        "unknown" => format!(
            "Look for the record at its service: if it is there, {retry} with --assume-applied ID, and if it is not, with --resend; with --skip it is left out."
        ),
        "transient" | "rate_limited" | "quota_exhausted" => {
            format!("The service was away or had enough: once it is well again, {retry}.")
        }
        "auth" | "forbidden" => {
            format!("Give the connection a token that may do this, restart the engine, then {retry}.")
        }
        "not_found" | "conflict" => format!(
            "Make what is missing, or join what is there twice, at the service, then {retry}; if it is not wanted, {dismiss}."
        ),
        // A class that a later engine knows is nothing to fail over.
        _ => format!(
            "Mend the flow, and {retry}; or correct the record at its service, which makes a run of its own, and {dismiss}."
        ),
    }
}

fn group_json(group: &FailureGroup) -> Json {
    json!({
        "group": group.id,
        "flow": group.flow,
        "step": group.step,
        "class": group.class,
        "message": group.message,
        "runs": group.n_runs,
        "newest_at": group.newest_at.to_string(),
        "oldest_at": group.oldest_at.to_string(),
        "example": group.example.to_string(),
    })
}
