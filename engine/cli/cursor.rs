//! `millrace cursor`: how far a flow has read.

use clap::{Args, Subcommand};
use sdk::{FlowId, PollQuery};
use serde_json::{Value as Json, json};
use store::{Cursor, PassKind, SourceRow};

use crate::place::PlaceArguments;
use crate::tables::{Format, count, moment};
use crate::{Failure, durations, runs, screen};

/// What to look at.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show where a flow's reading stands
    #[command(after_help = "Example:\n  millrace cursor show customers-to-warehouse")]
    Show(ShowArguments),
}

/// Arguments of `cursor show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The flow's id
    flow: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does it.
pub async fn run(command: Command) -> Result<(), Failure> {
    let Command::Show(arguments) = command;
    let store = arguments.place.place()?.read()?;
    let flow = FlowId::from(arguments.flow.as_str());
    runs::known_flow(&store, &Some(flow.clone())).await?;
    let sources = store.cursors(&flow).await?;
    match arguments.format {
        Format::Json => screen::say_json(&sources.iter().map(source_json).collect()),
        Format::Table if sources.is_empty() => screen::tell(&format!("`{flow}` has not read anything yet.\n")),
        Format::Table => screen::say(&sources.iter().map(source_text).collect::<Vec<_>>().join("\n")),
    }
    Ok(())
}

fn source_text(row: &SourceRow) -> String {
    let SourceRow { key, cursor, tally } = row;
    let pass = match &cursor.pass {
        None => "none under way".to_owned(),
        Some(pass) => format!(
            "{}, begun {}, goes on {}",
            kind(pass.kind),
            moment(pass.started_at),
            match &pass.resume {
                PollQuery::From(at) => format!("from {}", moment(*at)),
                PollQuery::Drain { at, after: None } => format!("among those of {}", moment(*at)),
                PollQuery::Drain { at, after: Some(id) } => format!("among those of {}, after {id}", moment(*at)),
            }
        ),
    };
    format!(
        "source       {}\n\
         read up to   {} (the service's time, UTC)\n\
         begins with  {}\n\
         reads {}\n\
         pass         {pass}\n\
         so far       {} records: {} left out by the trigger, {} stamped before its start; {} came late\n",
        key.source,
        moment(cursor.watermark),
        if cursor.floor.millis() <= 0 { "the beginning".to_owned() } else { moment(cursor.floor) },
        reach(cursor),
        count(tally.records),
        count(tally.filtered),
        count(tally.before_start),
        count(tally.late),
    )
}

/// How far back passes read.
fn reach(cursor: &Cursor) -> String {
    // Where nothing stamps the records, there is no way back.
    if cursor.allowance.is_zero() {
        return "      everything, each time".to_owned();
    }
    let (overlap, allowance) = (durations::short(cursor.overlap), durations::short(cursor.allowance));
    format!("back   {overlap} each time; {allowance} on a wide pass, the last one at {}", moment(cursor.wide_at))
}

fn source_json(row: &SourceRow) -> Json {
    let SourceRow { key, cursor, tally } = row;
    json!({
        "flow": key.flow,
        "source": key.source,
        "watermark": cursor.watermark.to_string(),
        "floor": cursor.floor.to_string(),
        "overlap_seconds": cursor.overlap.as_secs_f64(),
        "allowance_seconds": cursor.allowance.as_secs_f64(),
        "wide_at": cursor.wide_at.to_string(),
        "pass": cursor.pass.as_ref().map(|pass| json!({
            "kind": kind(pass.kind),
            "started_at": pass.started_at.to_string(),
        })),
        "records": tally.records,
        "left_out": tally.filtered + tally.before_start,
        "late": tally.late,
    })
}

fn kind(kind: PassKind) -> &'static str {
    match kind {
        PassKind::Quick => "quick",
        PassKind::Wide => "wide",
        PassKind::Sweep => "sweep",
        PassKind::Whole => "whole",
    }
}
