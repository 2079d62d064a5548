//! The demo's picture: what each flow has done, as lines that fit a terminal.
//!
//! Pure: a [`Scene`] goes in, lines come out. Whoever draws them knows nothing of flows.

use owo_colors::OwoColorize as _;
use runtime::FlowStatus;
use sdk::Timestamp;
use store::RunState;

use crate::screen::Size;
use crate::tables::{self, count, cut};
use crate::durations;

/// What is to be seen.
pub struct Scene<'a> {
    /// Now.
    pub now: Timestamp,
    /// When it began.
    pub began_at: Timestamp,
    /// What stands beside the title, such as how to stop.
    pub note: &'a str,
    /// Facts above the flows: a name and what is to be said of it.
    pub facts: &'a [(&'a str, String)],
    /// The flows.
    pub flows: &'a [FlowStatus],
    /// Runs that ended lately, the last one first.
    pub lately: &'a [String],
}

/// Widths of the columns of numbers, with the space before each.
const POLLS: usize = 7;
const RECORDS: usize = 9;
const LEFT_OUT: usize = 10;
const DONE: usize = 8;
const SKIPPED: usize = 9;
const FAILED: usize = 8;
const NEXT: usize = 8;
const NUMBERS: usize = POLLS + RECORDS + LEFT_OUT + DONE + SKIPPED + FAILED + NEXT;
/// The bar of outcomes, where there is room for one.
const BAR: usize = 24;
/// Never more of these, however high the terminal is.
const LATELY: usize = 8;

/// The lines of a picture.
pub fn picture(scene: &Scene<'_>, size: Size) -> Vec<String> {
    let width = size.columns.clamp(40, 132) - 2;
    let has_bar = width >= NUMBERS + 24 + BAR + 2;
    let name = width.saturating_sub(NUMBERS + if has_bar { BAR + 2 } else { 0 }).clamp(8, 40);
    let rule = "─".repeat(name + NUMBERS + if has_bar { BAR + 2 } else { 0 }).dimmed().to_string();

    let mut lines = vec![String::new(), title(scene, name + NUMBERS + if has_bar { BAR + 2 } else { 0 }), String::new()];
    for (fact, value) in scene.facts {
        lines.push(format!("{} {}", format!("{fact:<12}").dimmed(), cut(value, width.saturating_sub(13))));
    }
    lines.push(String::new());
    lines.push(head(name, has_bar));
    lines.push(rule.clone());
    for flow in scene.flows {
        lines.push(row(flow, scene.now, name, has_bar));
        if let Some(reason) = &flow.reason {
            lines.push(format!("  {}", cut(&format!("└ {reason}"), width - 2).yellow()));
        }
    }
    lines.push(rule);
    let room = size.rows.saturating_sub(lines.len() + 4).min(LATELY);
    if room > 0 && !scene.lately.is_empty() {
        lines.push(String::new());
        lines.push("lately".dimmed().to_string());
        lines.extend(scene.lately.iter().take(room).map(|line| tables::marked(&cut(line, width))));
    }
    lines.push(String::new());
    lines.into_iter().map(|line| format!(" {line}")).collect()
}

fn title(scene: &Scene<'_>, width: usize) -> String {
    let seconds = scene.now.since(scene.began_at).as_secs();
    let clock = format!("{:02}:{:02}", seconds / 60, seconds % 60);
    let gap = width.saturating_sub("millrace".len() + 3 + clock.len() + scene.note.chars().count()).max(2);
    format!("{}   {clock}{}{}", "millrace".bold(), " ".repeat(gap), scene.note.dimmed())
}

fn head(name: usize, has_bar: bool) -> String {
    let mut text = format!(
        "{:<name$}{:>POLLS$}{:>RECORDS$}{:>LEFT_OUT$}{:>DONE$}{:>SKIPPED$}{:>FAILED$}{:>NEXT$}",
        "flow", "polls", "records", "left out", "done", "skipped", "failed", "next"
    );
    if has_bar {
        text.push_str("  what became of them");
    }
    text.bold().to_string()
}

fn row(flow: &FlowStatus, now: Timestamp, name: usize, has_bar: bool) -> String {
    let done = in_states(flow, &[RunState::Succeeded]);
    let skipped = in_states(flow, &[RunState::Skipped, RunState::Superseded, RunState::Cancelled]);
    let failed = in_states(flow, &[RunState::Failed, RunState::Unknown]);
    let mark = match flow.state.as_str() {
        "active" => "●".green().to_string(),
        "paused" => "◐".yellow().to_string(),
        _ => "■".red().to_string(),
    };
    let next = match flow.next_poll {
        Some(at) => durations::short(at.since(now)),
        None if flow.state == "paused" => "–".to_owned(),
        None => "polling".to_owned(),
    };
    let failed_text = format!("{:>FAILED$}", count(failed));
    let failed_text = if failed > 0 { failed_text.red().to_string() } else { failed_text };
    let mut text = format!(
        "{mark} {:<rest$}{:>POLLS$}{:>RECORDS$}{}{}{:>SKIPPED$}{failed_text}{}",
        cut(flow.flow.as_str(), name.saturating_sub(3)),
        count(flow.polls),
        count(flow.records),
        format!("{:>LEFT_OUT$}", count(flow.left_out)).dimmed(),
        format!("{:>DONE$}", count(done)).green(),
        count(skipped),
        format!("{next:>NEXT$}").dimmed(),
        rest = name - 2,
    );
    if has_bar {
        text.push_str("  ");
        text.push_str(&bar([done, skipped, failed, flow.left_out], flow.records.max(1)));
    }
    text
}

/// What became of the records: done, skipped, failed and left out, as shares of a bar; what is open stays empty.
fn bar(parts: [u64; 4], whole: u64) -> String {
    let [done, skipped, failed, left_out] = shares(parts, whole);
    let empty = BAR - done - skipped - failed - left_out;
    format!(
        "{}{}{}{}{}",
        "█".repeat(done).green(),
        "▓".repeat(skipped).yellow(),
        "█".repeat(failed).red(),
        "░".repeat(left_out).dimmed(),
        " ".repeat(empty),
    )
}

/// Parts of a whole in characters: none that is there is invisible, and all together never exceed the bar.
fn shares(parts: [u64; 4], whole: u64) -> [usize; 4] {
    let whole = whole.max(parts.iter().sum());
    let mut shares = parts.map(|part| {
        let share = usize::try_from(part.saturating_mul(BAR as u64) / whole.max(1)).unwrap_or(BAR);
        if part > 0 { share.max(1) } else { 0 }
    });
    let is_complete = parts.iter().sum::<u64>() == whole;
    let total: usize = shares.iter().sum();
    if let Some(largest) = shares.iter_mut().max()
        && (is_complete || total > BAR)
    {
        // What rounding took or gave is the largest part's to bear.
        *largest = (*largest + BAR).saturating_sub(total);
    }
    shares
}

fn in_states(flow: &FlowStatus, states: &[RunState]) -> u64 {
    states.iter().filter_map(|state| flow.ended.get(state)).sum()
}

/// One flow on one plain line, for those who read a log instead of a picture.
pub fn plain(flow: &FlowStatus) -> String {
    format!(
        "{}: {}, {}: {} left out, {} succeeded, {} skipped, {} failed, {} open{}",
        flow.flow,
        tables::counted(flow.polls, "poll"),
        tables::counted(flow.records, "record"),
        count(flow.left_out),
        count(in_states(flow, &[RunState::Succeeded])),
        count(in_states(flow, &[RunState::Skipped, RunState::Superseded, RunState::Cancelled])),
        count(in_states(flow, &[RunState::Failed, RunState::Unknown])),
        count(flow.open_runs()),
        flow.reason.as_ref().map(|reason| format!(" ({}: {reason})", flow.state)).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(records: u64, left_out: u64, succeeded: u64) -> FlowStatus {
        FlowStatus {
            flow: "customers-to-warehouse".into(),
            state: "active".to_owned(),
            reason: None,
            polls: 3,
            records,
            left_out,
            runs: succeeded,
            ended: [(RunState::Succeeded, succeeded)].into(),
            next_poll: Some(Timestamp::from_millis(1_400)),
            last_poll: None,
        }
    }

    fn lines(size: Size, flows: &[FlowStatus]) -> Vec<String> {
        let facts = [("HubSpot", "http://127.0.0.1:4711".to_owned())];
        let lately = vec!["✓ x".to_owned(); 50];
        let now = Timestamp::from_millis(200);
        let scene =
            Scene { now, began_at: Timestamp::EPOCH, note: "Ctrl-C stops", facts: &facts, flows, lately: &lately };
        let lines = picture(&scene, size);
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    #[test]
    fn every_line_fits_the_terminal() {
        let flows = [flow(1_234_567, 1_000_000, 234_567), flow(0, 0, 0)];
        for columns in [80, 100, 120, 200] {
            for rows in [24, 60] {
                let lines = lines(Size { columns, rows }, &flows);
                for line in &lines {
                    assert!(line.chars().count() <= columns, "{columns}: {line}");
                }
                assert!(lines.len() < rows, "{} lines in {rows}", lines.len());
            }
        }
    }

    #[test]
    fn a_flow_is_one_line_of_facts() {
        let lines = lines(Size { columns: 80, rows: 24 }, &[flow(300, 200, 100)]);
        let row = lines.iter().find(|line| line.contains('●')).expect("the flow's line");
        let words: Vec<_> = row.split_whitespace().collect();
        assert_eq!(words[2..], ["3", "300", "200", "100", "0", "0", "1.2", "s"], "{row}");
    }

    #[test]
    fn bars_are_full_once_every_record_has_an_outcome() {
        assert_eq!(shares([100, 0, 0, 200], 300).iter().sum::<usize>(), BAR);
        assert_eq!(shares([1, 1, 1, 100_000], 100_003).iter().sum::<usize>(), BAR);
        assert!(shares([50, 0, 0, 0], 300).iter().sum::<usize>() < BAR);
        assert_eq!(shares([0; 4], 1), [0; 4]);
    }
}
