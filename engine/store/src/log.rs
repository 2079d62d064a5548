//! A run's own log: what each of its attempts did, for people, in a space that is bounded.
//!
//! The first lines tell how a run began and the last ones how it ended, so what there is no room for is left out in
//! between, and the log says how much that was. Whoever writes a line has taken secrets out of it.

use std::collections::VecDeque;

use rusqlite::{Connection, OptionalExtension as _};
use sdk::{RunId, Timestamp};
use serde_json::{Value as Json, json};

use crate::words::IdColumn;
use crate::{Error, error::Result, payload};

/// Lines that are kept of the beginning, and as many of the end.
const LINES: usize = 100;
/// Bytes that are kept of the beginning, and as many of the end.
const BYTES: usize = 32 * 1024;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// A decision.
    Debug,
    /// Something was done.
    Info,
    /// Something went wrong, and the run goes on or is tried again.
    Warn,
    /// The run gave up.
    Error,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// In which attempt, counted from 1.
    pub attempt: u32,
    /// How much it matters.
    pub level: LogLevel,
    /// The step, with its loop items; empty for the run as a whole.
    pub step: String,
    /// What was done, in a few words.
    pub message: String,
    /// The facts, by name.
    pub fields: Vec<(String, String)>,
}

/// The lines of one attempt, or of a whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunLog {
    first: Vec<LogLine>,
    n_left_out: u64,
    last: VecDeque<LogLine>,
}

impl LogLine {
    fn n_bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.step.len() + self.message.len() + fields
    }
}

impl RunLog {
    /// One line more. Where there is no room for it, the oldest of the last lines goes.
    pub fn push(&mut self, line: LogLine) {
        let n_bytes: usize = self.first.iter().map(LogLine::n_bytes).sum();
        let is_of_the_first = self.last.is_empty() && self.n_left_out == 0;
        if is_of_the_first && self.first.len() < LINES && n_bytes + line.n_bytes() <= BYTES {
            self.first.push(line);
            return;
        }
        self.last.push_back(line);
        let mut n_bytes: usize = self.last.iter().map(LogLine::n_bytes).sum();
        while self.last.len() > LINES || n_bytes > BYTES {
            let Some(left_out) = self.last.pop_front() else { break };
            n_bytes -= left_out.n_bytes();
            self.n_left_out += 1;
        }
    }

    /// The lines of a later attempt after these.
    pub fn append(&mut self, later: Self) {
        later.first.into_iter().for_each(|line| self.push(line));
        if later.n_left_out > 0 {
            // What is left out is left out at one place.
            self.n_left_out += later.n_left_out + self.last.len() as u64;
            self.last.clear();
        }
        later.last.into_iter().for_each(|line| self.push(line));
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.last.is_empty()
    }

    /// All lines in order, with one that says how many are missing where some are.
    pub fn lines(&self) -> Vec<LogLine> {
        let gap = self.last.front().filter(|_| self.n_left_out > 0).map(|next| LogLine {
            at: next.at,
            attempt: next.attempt,
            level: LogLevel::Info,
            step: String::new(),
            message: format!("{} lines were left out here", self.n_left_out),
            fields: Vec::new(),
        });
        self.first.iter().cloned().chain(gap).chain(self.last.iter().cloned()).collect()
    }

    fn to_json(&self) -> Json {
        let lines = |lines: &mut dyn Iterator<Item = &LogLine>| -> Json {
            lines
                .map(|line| {
                    json!([line.at.millis(), line.attempt, line.level.word(), line.step, line.message, line.fields])
                })
                .collect()
        };
        json!({
            "first": lines(&mut self.first.iter()),
            "left_out": self.n_left_out,
            "last": lines(&mut self.last.iter()),
        })
    }

    fn from_json(json: &Json) -> Option<Self> {
        let lines = |name: &str| -> Option<Vec<LogLine>> { json.get(name)?.as_array()?.iter().map(line_of).collect() };
        Some(Self { first: lines("first")?, n_left_out: json.get("left_out")?.as_u64()?, last: lines("last")?.into() })
    }
}

fn line_of(json: &Json) -> Option<LogLine> {
    let text = |index: usize| json.get(index).and_then(Json::as_str);
    Some(LogLine {
        at: Timestamp::from_millis(json.get(0)?.as_i64()?),
        attempt: u32::try_from(json.get(1)?.as_u64()?).ok()?,
        level: LogLevel::from_word(text(2)?)?,
        step: text(3)?.to_owned(),
        message: text(4)?.to_owned(),
        fields: serde_json::from_value(json.get(5)?.clone()).ok()?,
    })
}

/// The run's log ends with these lines.
pub(crate) fn append(connection: &Connection, run: RunId, later: &RunLog) -> Result<()> {
    if later.is_empty() {
        return Ok(());
    }
    let mut log = of_run(connection, run)?;
    log.append(later.clone());
    connection
        .prepare_cached("INSERT INTO run_log (run, lines) VALUES (?1, ?2) ON CONFLICT (run) DO UPDATE SET lines = ?2")?
        .execute((IdColumn(run), payload::pack(&log.to_json())))?;
    Ok(())
}

/// The run's log; empty where nothing was noted, or retention has dropped it.
pub(crate) fn of_run(connection: &Connection, run: RunId) -> Result<RunLog> {
    let mut select = connection.prepare_cached("SELECT lines FROM run_log WHERE run = ?1")?;
    let body: Option<Vec<u8>> = select.query_row([IdColumn(run)], |row| row.get(0)).optional()?;
    let Some(body) = body else { return Ok(RunLog::default()) };
    let json = payload::unpack(&body)?;
    RunLog::from_json(&json).ok_or_else(|| Error::corrupt(format!("the log of run {run} cannot be read")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> LogLine {
        LogLine {
            at: Timestamp::from_millis(number as i64),
            attempt: 1,
            level: LogLevel::Info,
            step: "write".to_owned(),
            message: format!("line {number}"),
            fields: vec![("id".to_owned(), number.to_string())],
        }
    }

    fn log(numbers: std::ops::Range<usize>) -> RunLog {
        let mut log = RunLog::default();
        numbers.map(line).for_each(|line| log.push(line));
        log
    }

    fn told(log: &RunLog) -> Vec<String> {
        log.lines().into_iter().map(|line| line.message).collect()
    }

    #[test]
    fn a_long_log_keeps_its_beginning_and_its_end_and_says_what_is_missing() {
        let log = log(0..1000);
        let told = told(&log);
        assert_eq!(told.len(), 2 * LINES + 1);
        assert_eq!((told[0].as_str(), told[99].as_str()), ("line 0", "line 99"));
        assert_eq!((told[100].as_str(), told[101].as_str()), ("800 lines were left out here", "line 900"));
        assert_eq!(told[200], "line 999");
    }

    #[test]
    fn long_lines_leave_room_for_fewer() {
        let mut log = RunLog::default();
        for number in 0..50 {
            log.push(LogLine { message: "x".repeat(5_000), ..line(number) });
        }
        let n_bytes: usize = log.lines().iter().map(LogLine::n_bytes).sum();
        assert!(n_bytes < 2 * BYTES + 100, "{n_bytes}");
        assert_eq!(log.lines().len(), 13);
    }

    #[test]
    fn attempts_follow_each_other_with_one_gap() {
        let mut whole = log(0..150);
        whole.append(log(150..1000));
        assert_eq!(whole.n_left_out + 200, 1000);
        let told = told(&whole);
        assert_eq!((told.len(), told[0].as_str(), told[200].as_str()), (201, "line 0", "line 999"));

        let mut short = log(0..3);
        short.append(log(3..5));
        assert_eq!(short, log(0..5));
    }

    #[test]
    fn a_log_comes_back_as_it_was() {
        let log = log(0..500);
        assert_eq!(RunLog::from_json(&log.to_json()), Some(log));
        assert_eq!(RunLog::from_json(&json!({"first": [], "left_out": 0, "last": [[1]]})), None);
    }
}
