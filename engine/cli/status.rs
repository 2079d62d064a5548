//! `millrace status`: how the flows stand, by the running engine's word or by what the store keeps.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;
use sdk::{Clock as _, FlowId, SystemClock, Timestamp};
use serde_json::{Value as Json, json};
use store::{EngineLock, FailureFilter, RunState, Store};

use crate::accounts::Account;
use crate::assemble::Understood;
use crate::place::PlaceArguments;
use crate::project::ProjectFiles;
use crate::tables::{self, Column, Format, count, counted};
use crate::{Failure, control, durations, screen};

/// Arguments of `status`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  millrace status -C my-flows")]
pub struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does it.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let live = control::standing(&place.data).await?;
    let pid = EngineLock::holder(&place.data);
    let is_running = live.is_some();
    let store = place.read()?;
    let (mut flows, behind) = match live {
        Some(standing) => (standing.flows, standing.behind),
        None => (stored(&store, &defined(&place.dir)).await?, Vec::new()),
    };
    for flow in &mut flows {
        let Dismissed { n_failed, n_unknown } = dismissed(&store, flow).await?;
        flow["dismissed"] = (n_failed + n_unknown).into();
        flow["dismissed_unknown"] = n_unknown.into();
    }
    match arguments.format {
        Format::Json => {
            screen::say_json(&json!({ "running": is_running, "pid": pid, "flows": flows, "behind": behind }))
        }
        Format::Table => {
            screen::tell(&match (is_running, pid) {
                (true, Some(pid)) => format!("The engine runs as process {pid}.\n"),
                (true, None) => "The engine runs.\n".to_owned(),
                (false, Some(pid)) => format!("The engine, process {pid}, is starting or stopping.\n"),
                (false, None) => "No engine runs; this is what it left.\n".to_owned(),
            });
            match flows.is_empty() {
                true => screen::tell("No flow has run here yet.\n"),
                false => screen::say(&table(&flows, is_running, SystemClock.now())),
            }
            for flow in &flows {
                let id = flow["flow"].as_str().unwrap_or_default();
                if let Some(reason) = flow["reason"].as_str() {
                    screen::tell(&format!("{id}: {reason}\n"));
                }
                if let Some(earlier @ 1..) = flow["earlier"].as_u64() {
                    let verb = if earlier == 1 { "finishes" } else { "finish" };
                    screen::tell(&format!("{id}: {} {verb} on an earlier version\n", counted(earlier, "run")));
                }
            }
            for file in &behind {
                screen::tell(&format!("■ {}\n", file["told"].as_str().unwrap_or_default()));
            }
        }
    }
    Ok(())
}

/// The flows that the project's files define; `None` where they cannot be read, which tells nothing of any flow.
fn defined(dir: &Path) -> Option<BTreeSet<FlowId>> {
    let files = ProjectFiles::read_whatever_there_is(dir, None).ok().filter(|files| files.unreadable.is_empty())?;
    let understood = Understood::of(&files);
    // A file of which not even the id can be read may be of any flow.
    let hides_one = understood.diagnostics.iter().any(text::Diagnostic::is_error);
    (!hides_one).then(|| understood.definitions.iter().map(|flow| flow.id().clone()).collect())
}

/// The same facts as a running engine tells, from the store.
async fn stored(store: &Store, defined: &Option<BTreeSet<FlowId>>) -> Result<Vec<Json>, Failure> {
    let mut flows = Vec::new();
    for row in store.flow_states().await? {
        let counts = store.counts_by_state(&row.flow).await?;
        let account = Account::read(store, &row.flow).await?;
        let schedule = store.schedule(&row.flow).await?;
        let open: u64 = counts.iter().filter(|(state, _)| !state.is_end()).map(|(_, n)| n).sum();
        flows.push(json!({
            "flow": row.flow,
            "state": row.state.word(),
            "trigger": null,
            "reason": row.reason,
            "gone": defined.as_ref().is_some_and(|defined| !defined.contains(&row.flow)),
            "polls": null,
            "records": account.records,
            "left_out": account.left_out,
            "asked": row.asked,
            "scheduled": account.scheduled,
            "runs": counts.iter().map(|(_, n)| n).sum::<u64>(),
            "open": open,
            "ended": counts.iter().filter(|(state, _)| state.is_end())
                .map(|(state, n)| (state.word().to_owned(), Json::from(*n))).collect::<Json>(),
            "earlier": 0,
            "next_poll": null,
            "next_start": schedule.and_then(|schedule| schedule.next_due).map(|at| at.to_string()),
            "last_poll": null,
        }));
    }
    Ok(flows)
}

/// Of a flow's failures, those that somebody has put aside.
#[derive(Default)]
struct Dismissed {
    n_failed: u64,
    n_unknown: u64,
}

async fn dismissed(store: &Store, flow: &Json) -> Result<Dismissed, Failure> {
    let id = FlowId::from(flow["flow"].as_str().unwrap_or_default());
    let counts = store.counts_by_state(&id).await?;
    let in_state = |wanted: RunState| counts.iter().filter(|(state, _)| *state == wanted).map(|(_, n)| n).sum::<u64>();
    let (n_failed, n_unknown) = (in_state(RunState::Failed), in_state(RunState::Unknown));
    if n_failed + n_unknown == 0 {
        return Ok(Dismissed::default());
    }
    let groups = store.failure_groups(FailureFilter { flow: Some(id), ..FailureFilter::default() }).await?;
    let listed = |is_unknown: bool| {
        groups.iter().filter(|group| (group.class == "unknown") == is_unknown).map(|group| group.n_runs).sum::<u64>()
    };
    Ok(Dismissed {
        n_failed: n_failed.saturating_sub(listed(false)),
        n_unknown: n_unknown.saturating_sub(listed(true)),
    })
}

fn table(flows: &[Json], is_running: bool, now: Timestamp) -> String {
    let n = |value: &Json| value.as_u64().unwrap_or_default();
    let has_asked = flows.iter().any(|flow| n(&flow["asked"]) > 0);
    let n_unknown = |flow: &Json| n(&flow["ended"]["unknown"]).saturating_sub(n(&flow["dismissed_unknown"]));
    let has_unknown = flows.iter().any(|flow| n_unknown(flow) > 0);
    let has_open = flows.iter().any(|flow| n(&flow["open"]) > 0);
    let mut columns = vec![
        tables::cuttable("flow"),
        tables::number("records"),
        tables::number("left out"),
        tables::number("done"),
        tables::number("skipped"),
        tables::number("failed"),
    ];
    columns.extend(has_unknown.then_some(tables::number("unknown")));
    columns.extend(has_asked.then_some(tables::number("asked for")));
    columns.extend(has_open.then_some(tables::number("open")));
    columns.push(tables::text("next"));
    let cells = |flow: &Json| {
        let n_ended = |states: &[RunState]| states.iter().map(|state| n(&flow["ended"][state.word()])).sum::<u64>();
        let ended = |states: &[RunState]| count(n_ended(states));
        let n_dismissed = n(&flow["dismissed"]).saturating_sub(n(&flow["dismissed_unknown"]));
        let n_failed = n_ended(&[RunState::Failed]).saturating_sub(n_dismissed);
        let state = flow["state"].as_str().unwrap_or_default();
        let id = flow["flow"].as_str().unwrap_or_default();
        let is_gone = flow["gone"] == true;
        let next = ["next_poll", "next_start"].iter().find_map(|name| flow[*name].as_str().and_then(Timestamp::parse));
        let mut cells = vec![
            match state {
                _ if is_gone => format!("✗ {id}"),
                "active" if !is_running => format!("○ {id}"),
                _ => tables::flow_mark(state, id),
            },
            count(n(&flow["records"])),
            count(n(&flow["left_out"])),
            ended(&[RunState::Succeeded]),
            ended(&[RunState::Skipped, RunState::Superseded, RunState::Cancelled]),
            count(n_failed),
        ];
        cells.extend(has_unknown.then(|| count(n_unknown(flow))));
        cells.extend(has_asked.then(|| count(n(&flow["asked"]))));
        cells.extend(has_open.then(|| count(n(&flow["open"]))));
        cells.push(match next {
            _ if is_gone => "its file is gone".to_owned(),
            _ if state != "active" => state.to_owned(),
            Some(at) if at > now => format!("in {}", durations::short(at.since(now))),
            Some(_) if is_running => "now".to_owned(),
            Some(at) => format!("overdue since {}", tables::moment(at)),
            None if flow["trigger"] == "manual" => "when asked".to_owned(),
            None => String::new(),
        });
        cells
    };
    let mut rows: Vec<Vec<String>> = flows.iter().map(cells).collect();
    if screen::width_of_answers().is_some_and(|width| tables::width(&columns, &rows) > width) {
        leave_out_zeros(&mut columns, &mut rows);
    }
    tables::table(&columns, rows, None)
}

/// Makes room for the flows' names, where a terminal is narrow: names that are cut may be the same for several flows.
fn leave_out_zeros(columns: &mut Vec<Column>, rows: &mut [Vec<String>]) {
    for title in ["left out", "skipped"] {
        let Some(index) = columns.iter().position(|column| column.title == title) else { continue };
        if rows.iter().all(|row| row.get(index).is_none_or(|cell| cell == "0")) {
            columns.remove(index);
            for row in rows.iter_mut().filter(|row| index < row.len()) {
                row.remove(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes of which nobody knows whether they were applied stood among those that failed.
    #[test]
    fn what_nobody_knows_has_a_column_of_its_own() {
        let flow = |dismissed_unknown: u64| {
            json!({
                "flow": "a", "state": "active", "records": 12, "ended": {"failed": 3, "unknown": 9},
                "dismissed": 1 + dismissed_unknown, "dismissed_unknown": dismissed_unknown,
            })
        };
        let rows = |flow: Json| {
            let shown = table(&[flow], true, Timestamp::EPOCH);
            let shown = anstream::adapter::strip_str(&shown).to_string();
            let row = |number: usize| {
                shown.lines().nth(number).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
            };
            [row(1), row(3)]
        };
        assert_eq!(
            rows(flow(2)),
            ["flow records left out done skipped failed unknown next", "● a 12 0 0 0 2 7"].map(str::to_owned)
        );
        assert_eq!(
            rows(flow(9)),
            ["flow records left out done skipped failed next", "● a 12 0 0 0 2"].map(str::to_owned)
        );
    }

    #[test]
    fn zeros_make_room_for_names() {
        let mut columns = vec![tables::cuttable("flow"), tables::number("left out"), tables::number("skipped")];
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let mut rows = vec![row(["a", "0", "1"]), row(["b", "0", "0"])];
        assert_eq!(tables::width(&columns, &rows), "flow  left out  skipped".len());
        leave_out_zeros(&mut columns, &mut rows);
        assert_eq!(columns.iter().map(|column| column.title).collect::<Vec<_>>(), ["flow", "skipped"]);
        assert_eq!(rows, [["a", "1"], ["b", "0"]]);
    }
}
