//! Failures: runs that gave up and wait for an operator, told by their cause.
//!
//! Ten thousand runs that fail for one reason are one line. Their messages differ in ids and addresses, so what tells
//! causes apart is a message without such words.

use rusqlite::Connection;
use sdk::{FlowId, RunId, Timestamp};

use crate::words::{IdColumn, TimeColumn};
use crate::{RunRow, error::Result, flows, history};

/// Which failures a reader wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureFilter {
    /// Of this flow only.
    pub flow: Option<FlowId>,
    /// Of this class only.
    pub class: Option<String>,
    /// That gave up at this time or later.
    pub since: Option<Timestamp>,
    /// Of this group only.
    pub group: Option<GroupId>,
}

/// What a group of failures is called: the same for the same flow, step, class and cause. Begins with a `g`, which no
/// run's id has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct GroupId(String);

/// Failures of one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// What it is called.
    pub id: GroupId,
    /// Their flow.
    pub flow: FlowId,
    /// The step at which they gave up; empty where none had begun.
    pub step: String,
    /// The error's class word; `unknown` where a write may or may not have been applied.
    pub class: String,
    /// The newest one's message.
    pub message: String,
    /// How many there are.
    pub n_runs: u64,
    /// When the newest gave up.
    pub newest_at: Timestamp,
    /// When the oldest did.
    pub oldest_at: Timestamp,
    /// The newest.
    pub example: RunId,
}

impl GroupId {
    /// Reads what [`GroupId`] shows; `None` for anything else, such as a run's id.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('g')?;
        (digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .then(|| Self(text.to_ascii_lowercase()))
    }

    /// The group that a failed run is in.
    pub fn of_run(row: &RunRow) -> Self {
        let (step, class, message) = row
            .failure
            .as_ref()
            .map(|failure| (failure.step.as_str(), failure.class.as_str(), failure.message.as_str()))
            .unwrap_or_default();
        Self::of(row.flow.as_str(), step, class, message)
    }

    fn of(flow: &str, step: &str, class: &str, message: &str) -> Self {
        let text = [flow, step, class, &cause(message)].join("\u{1f}");
        Self(format!("g{}", &blake3::hash(text.as_bytes()).to_hex()[..DIGITS]))
    }
}

impl std::fmt::Display for GroupId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// Hexadecimal digits of a group's id: enough to tell the causes of one project apart, and few enough to type.
const DIGITS: usize = 7;

/// Failures by exactly equal messages, as one index holds them.
pub(crate) const CAUSES: &str =
    "SELECT failure_step, failure_class, failure_message, count(*), max(ended_at), min(ended_at), id
    FROM run INDEXED BY run_failure
    WHERE flow = ?1 AND state IN ('failed', 'unknown') AND dismissed_at IS NULL
      AND (?2 IS NULL OR failure_class = ?2) AND (?3 IS NULL OR ended_at >= ?3)
    GROUP BY failure_step, failure_class, failure_message";
/// Single failures, newest first.
pub(crate) const BY_AGE: &str = "FROM run INDEXED BY run_failure_by_age JOIN flow ON flow.number = run.flow
    WHERE run.state IN ('failed', 'unknown') AND run.dismissed_at IS NULL AND run.id < ?1
    ORDER BY run.id DESC LIMIT ?2";
/// Rows that are looked through at once for a page of those that fulfil a filter.
const LOOKED_THROUGH: usize = 500;
/// Greater than every id.
const NO_BOUND: [u8; 17] = [0xFF; 17];

/// The causes, those that were met last first.
pub(crate) fn groups(connection: &Connection, filter: &FailureFilter) -> Result<Vec<FailureGroup>> {
    let mut groups: Vec<FailureGroup> = Vec::new();
    for (number, flow) in flows::numbered(connection)? {
        if filter.flow.as_ref().is_some_and(|wanted| *wanted != flow) {
            continue;
        }
        let mut found = std::collections::BTreeMap::<GroupId, FailureGroup>::new();
        let mut select = connection.prepare_cached(CAUSES)?;
        let mut rows = select.query((number, &filter.class, filter.since.map(TimeColumn)))?;
        while let Some(row) = rows.next()? {
            let text = |column: usize| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default);
            let (step, class, message) = (text(0)?, text(1)?, text(2)?);
            let n_runs = row.get::<_, i64>(3)?.cast_unsigned();
            // Of a group's columns, SQLite takes those without a function from the row that has its maximum.
            let (TimeColumn(newest_at), TimeColumn(oldest_at), IdColumn(example)) =
                (row.get(4)?, row.get(5)?, row.get(6)?);
            let id = GroupId::of(flow.as_str(), &step, &class, &message);
            let group = found.entry(id.clone()).or_insert_with(|| FailureGroup {
                id,
                flow: flow.clone(),
                step,
                class,
                message: message.clone(),
                n_runs: 0,
                newest_at,
                oldest_at,
                example,
            });
            group.n_runs += n_runs;
            group.oldest_at = group.oldest_at.min(oldest_at);
            if newest_at > group.newest_at {
                (group.newest_at, group.message, group.example) = (newest_at, message, example);
            }
        }
        groups.extend(found.into_values().filter(|group| filter.group.as_ref().is_none_or(|id| *id == group.id)));
    }
    groups.sort_by_key(|group| std::cmp::Reverse((group.newest_at, group.example)));
    Ok(groups)
}

/// Single failures that were stored before this run, newest first.
pub(crate) fn runs(
    connection: &Connection,
    filter: &FailureFilter,
    before: Option<RunId>,
    limit: usize,
) -> Result<Vec<RunRow>> {
    let mut found = Vec::new();
    let mut before = before;
    while found.len() < limit {
        let rows = history::failures_before(connection, before, LOOKED_THROUGH)?;
        let Some(last) = rows.last() else { break };
        before = Some(last.id);
        let is_full = rows.len() == LOOKED_THROUGH;
        found.extend(rows.into_iter().filter(|row| filter.admits(row)));
        if !is_full {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// The bound of a page: this run, or what is greater than every run.
pub(crate) fn bound(before: Option<RunId>) -> Vec<u8> {
    before.map_or_else(|| NO_BOUND.to_vec(), |run| run.0.as_bytes().to_vec())
}

impl FailureFilter {
    fn admits(&self, row: &RunRow) -> bool {
        let class = row.failure.as_ref().map(|failure| failure.class.as_str()).unwrap_or_default();
        self.flow.as_ref().is_none_or(|flow| *flow == row.flow)
            && self.class.as_ref().is_none_or(|wanted| wanted == class)
            && self.since.is_none_or(|since| row.ended_at.is_some_and(|ended_at| ended_at >= since))
            && self.group.as_ref().is_none_or(|group| *group == GroupId::of_run(row))
    }
}

/// The message without the words that differ from record to record: those with digits or an at sign in them, and a
/// value that is quoted after a colon. A service's status is no such word.
fn cause(message: &str) -> String {
    let is_of_a_record = |word: &str| {
        let digits: String = word.chars().filter(char::is_ascii_digit).collect();
        let is_status = digits.len() == 3 && matches!(digits.as_bytes()[0], b'4' | b'5') && word.len() <= 5;
        word.contains('@') || (!digits.is_empty() && !is_status)
    };
    let (said, after) = around_a_value(message);
    let words = said
        .split_whitespace()
        .chain(after.split_whitespace())
        .map(|word| if is_of_a_record(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// What stands before and after a record's value: `no number: "Ann"`, as databases say it. Names that they quote have
/// no colon before them.
fn around_a_value(message: &str) -> (&str, &str) {
    let Some((said, rest)) = message.split_once(": \"") else { return (message, "") };
    match rest.strip_suffix('"') {
        // The value may have quotes in it, and they are not escaped.
        Some(_) => (said, ""),
        None => (said, rest.split_once('"').map_or(rest, |(_, after)| after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_apart_by_what_does_not_differ_between_records() {
        assert_eq!(cause("no contact `ann@example.com` in list 220006890315"), "no contact … in list …");
        assert_eq!(cause("refused with 503, later"), "refused with 503, later");
        let id = |message: &str| GroupId::of("f", "write", "invalid", message);
        assert_eq!(id("`7` is no number"), id("`8` is no number"));
        assert_ne!(id("refused with 403"), id("refused with 500"));
        assert_eq!(id("no integer: \"Ann\""), id("no integer: \"Ann \"Lee\" Bo\""), "a group for each name otherwise");
        assert_eq!(id("status: \"new\" is no option"), id("status: \"very old\" is no option"));
        assert_ne!(id("no table \"a\""), id("no table \"b\""));
    }

    #[test]
    fn a_group_is_never_taken_for_a_run() {
        let id = GroupId::of("f", "write", "invalid", "no");
        assert_eq!(GroupId::parse(&id.to_string()), Some(id));
        for run in ["5f0c21d4", "g", "g12", "gxxxxxxx", ""] {
            assert_eq!(GroupId::parse(run), None, "{run}");
        }
    }
}
