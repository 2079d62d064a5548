//! The demo's picture: what each flow has done, as lines that fit a terminal.
//!
//! Pure: a [`Scene`] goes in, lines come out. Whoever draws them knows nothing of flows.

use owo_colors::OwoColorize as _;
use runtime::FlowStatus;
use sdk::Timestamp;
use store::{FlowState, RunRow, RunState};

use crate::durations;
use crate::runs;
use crate::screen::Size;
use crate::tables::{self, brief, count, cut};

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
    pub lately: &'a [RunRow],
}

/// The columns of numbers, with the narrowest that each may be, the space before it included.
const POLLS: usize = 6;
const RECORDS: usize = 8;
const LEFT_OUT: usize = 9;
const DONE: usize = 7;
const SKIPPED: usize = 8;
const FAILED: usize = 7;
const NEXT: usize = 8;
const NUMBERS: usize = POLLS + RECORDS + LEFT_OUT + DONE + SKIPPED + FAILED + NEXT;
const N_NUMBERS: usize = 7;
/// The bar of outcomes, where there is room for one, and the space before it.
const BAR: usize = 24;
const BEFORE_BAR: usize = 3;
/// Never more of these, however high the terminal is.
const LATELY: usize = 8;

/// How the columns share a line.
#[derive(Clone, Copy)]
struct Layout {
    /// All of it.
    width: usize,
    /// The flow's name, its mark included.
    name: usize,
    /// What each column of numbers gets beyond its narrowest.
    extra: usize,
    has_bar: bool,
}

impl Layout {
    fn of(columns: usize, longest_name: usize) -> Self {
        let room = columns.clamp(60, 132) - 2;
        let wanted = longest_name + 3;
        let has_bar = room >= wanted.min(24) + NUMBERS + BEFORE_BAR + BAR;
        let bar = if has_bar { BEFORE_BAR + BAR } else { 0 };
        let name = wanted.min(room.saturating_sub(NUMBERS + bar)).max(8);
        let extra = (room.saturating_sub(name + NUMBERS + bar) / N_NUMBERS).min(3);
        Self { width: name + NUMBERS + N_NUMBERS * extra + bar, name, extra, has_bar }
    }
}

/// The lines of a picture.
pub fn picture(scene: &Scene<'_>, size: Size) -> Vec<String> {
    let longest = scene.flows.iter().map(|flow| flow.flow.as_str().len()).max().unwrap_or_default();
    let layout = Layout::of(size.columns, longest);
    let rule = "─".repeat(layout.width).dimmed().to_string();

    let mut lines = vec![String::new(), title(scene, layout.width), String::new()];
    for (fact, value) in scene.facts {
        lines.push(format!("{} {}", format!("{fact:<12}").dimmed(), cut(value, layout.width.saturating_sub(13))));
    }
    lines.push(String::new());
    lines.push(head(layout));
    lines.push(rule.clone());
    for flow in scene.flows {
        lines.push(row(flow, scene.now, layout));
        if let Some(reason) = &flow.reason {
            lines.push(format!("  {}", cut(&format!("└ {reason}"), layout.width - 2).yellow()));
        }
    }
    lines.push(rule);
    let room = size.rows.saturating_sub(lines.len() + 4).min(LATELY);
    if room > 0 && !scene.lately.is_empty() {
        lines.push(String::new());
        lines.push("lately".dimmed().to_string());
        let lately = scene.lately.iter().take(room);
        lines.extend(lately.map(|row| tables::marked(&cut(&ended(row, longest), layout.width))));
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

fn head(layout: Layout) -> String {
    let number = |title: &str, width: usize| format!("{title:>width$}", width = width + layout.extra);
    let mut text = format!(
        "{:<name$}{}{}{}{}{}{}{}",
        "flow",
        number("polls", POLLS),
        number("records", RECORDS),
        number("left out", LEFT_OUT),
        number("done", DONE),
        number("skipped", SKIPPED),
        number("failed", FAILED),
        number("next", NEXT),
        name = layout.name,
    );
    if layout.has_bar {
        text.push_str(&format!("{:BEFORE_BAR$}what became of them", ""));
    }
    text.bold().to_string()
}

fn row(flow: &FlowStatus, now: Timestamp, layout: Layout) -> String {
    let done = in_states(flow, &[RunState::Succeeded]);
    let skipped = in_states(flow, &[RunState::Skipped, RunState::Superseded, RunState::Cancelled]);
    let failed = in_states(flow, &[RunState::Failed, RunState::Unknown]);
    let next = match flow.next_poll {
        Some(at) => durations::short(at.since(now)),
        None if flow.state == FlowState::Paused => "–".to_owned(),
        None => "polling".to_owned(),
    };
    let cell = |text: String, width: usize| format!("{text:>width$}", width = width + layout.extra);
    let failures = cell(brief(failed), FAILED);
    let name = cut(flow.flow.as_str(), layout.name.saturating_sub(3));
    let mut text = format!(
        "{}{}{}{}{}{}{}{}",
        tables::marked(&format!("{:<name$}", tables::flow_mark(flow.state.word(), &name), name = layout.name)),
        cell(brief(flow.polls), POLLS),
        cell(brief(flow.records), RECORDS),
        cell(brief(flow.left_out), LEFT_OUT).dimmed(),
        cell(brief(done), DONE).green(),
        cell(brief(skipped), SKIPPED),
        if failed > 0 { failures.red().to_string() } else { failures },
        cell(next, NEXT).dimmed(),
    );
    if layout.has_bar {
        text.push_str(&" ".repeat(BEFORE_BAR));
        text.push_str(&bar([done, skipped, failed, flow.left_out], flow.records));
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

/// A run that ended, on one line.
fn ended(row: &RunRow, longest: usize) -> String {
    let at = tables::time_of_day(row.ended_at.unwrap_or(row.created_at));
    let state = tables::state(row.state);
    let (mark, word) = state.split_once(' ').unwrap_or(("", &state));
    let why = runs::why(row);
    let outcome = if why.is_empty() { word.to_owned() } else { format!("{word}: {why}") };
    format!("{at}  {mark} {:<longest$}  {}  {outcome}", row.flow.as_str(), row.record)
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
            state: FlowState::Active,
            trigger: runtime::TriggerKind::Poll,
            reason: None,
            polls: 3,
            records,
            left_out,
            asked: 0,
            scheduled: 0,
            runs: succeeded,
            ended: [(RunState::Succeeded, succeeded)].into(),
            earlier: 0,
            next_poll: Some(Timestamp::from_millis(1_400)),
            next_start: None,
            last_poll: None,
            is_left_unread: false,
        }
    }

    fn ended_run() -> RunRow {
        RunRow {
            id: sdk::RunId(uuid::Uuid::nil()),
            flow: "customers-to-warehouse".into(),
            record: "220006890315".into(),
            version: sdk::Version { stamp: Timestamp::EPOCH, hash: 0 },
            nonce: String::new(),
            state: RunState::Skipped,
            attempt: 1,
            created_at: Timestamp::EPOCH,
            due_at: Timestamp::EPOCH,
            started_at: None,
            ended_at: None,
            ending: 1,
            reason: Some("a reason that is longer than a narrow terminal can show on one line".to_owned()),
            failure: None,
            ignored: 0,
            dismissed_at: None,
            stop_reason: None,
        }
    }

    fn lines(size: Size, flows: &[FlowStatus]) -> Vec<String> {
        let facts = [("HubSpot", "http://127.0.0.1:4711".to_owned())];
        let lately = vec![ended_run(); 50];
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
