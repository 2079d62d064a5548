//! One run in full, for people and for programs.

use serde_json::{Value as Json, json};
use store::{EffectRow, EffectState, LogLevel, LogLine, RunDetail, RunRow, RunState};

use super::{row_json, why};
use crate::durations;
use crate::tables::{self, count, counted, cut, moment, time_of_day, wrapped};

/// A value is shown in so many characters; JSON has all of it.
const LONGEST_VALUE: usize = 200;

/// Whether a line's step, which may be in a loop's item, is of this name.
pub fn is_of(step: &str, name: &str) -> bool {
    step.split(['[', ' ']).next() == Some(name)
}

/// All about a run, and of what it noted only these lines.
pub fn text(run: &RunDetail, is_shown: impl Fn(&LogLine) -> bool) -> String {
    let row = &run.row;
    let mut out = String::new();
    let mut fact = |name: &str, value: String| out.push_str(&wrapped(&format!("{name:<9} "), &value));
    fact("run", row.id.to_string());
    fact("flow", row.flow.to_string());
    if row.record.as_str().is_empty() {
        fact("record", format!("–, started for {} UTC", moment(row.version.stamp)));
    } else {
        fact("record", format!("{}, version of {}", row.record, moment(row.version.stamp)));
    }
    fact("state", tables::state(row.state));
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
    } else if matches!(row.state, RunState::Pending | RunState::Waiting) {
        fact("due", format!("{} UTC", moment(row.due_at)));
    }
    if row.stop_reason.is_some() {
        fact("asked", asked_to_stop(row));
    }
    if let Some(at) = row.dismissed_at {
        fact("dismissed", format!("{} UTC", moment(at)));
    }
    fact("tries", count(u64::from(row.attempt)));
    if row.ignored > 0 {
        fact("ignored", counted(u64::from(row.ignored), "failure"));
    }
    for (name, value) in &run.keys {
        fact("key", format!("{name} = {value}"));
    }
    if let Some(caller) = run.caller {
        fact("called by", caller.to_string());
    }
    for called in &run.called {
        fact("called", called.to_string());
    }
    if let Some(outcome) = &run.outcome {
        fact("returned", outcome.to_plain_json().to_string());
    }
    let lines: Vec<&LogLine> = run.log.iter().filter(|line| is_shown(line)).collect();
    out.push_str(&log(&lines));
    out.push_str(&writes(run));
    if !run.journal.is_empty() {
        out.push_str("\nWhat was looked up\n");
        for entry in &run.journal {
            out.push_str(&named(&entry.key, &entry.outcome.to_plain_json().to_string()));
        }
    }
    match &run.record {
        Some(record) => {
            let has_record = !row.record.as_str().is_empty();
            if has_record || !record.fields.is_empty() {
                out.push_str(if has_record { "\nThe record as it was read\n" } else { "\nIts inputs\n" });
            }
            for (name, value) in &record.fields {
                out.push_str(&named(name, &value.to_plain_json().to_string()));
            }
        }
        None => out.push_str("\nThe record's content was dropped by retention.\n"),
    }
    tables::marked(&out)
}

/// What became of an operator's wish that the run stops.
fn asked_to_stop(row: &RunRow) -> String {
    match row.state {
        RunState::Running => {
            let reason = row.stop_reason.as_deref().unwrap_or_default();
            format!("to stop before its next write: {reason}")
        }
        RunState::Cancelled | RunState::Unknown => "to stop while it was at work".to_owned(),
        RunState::Succeeded | RunState::Failed | RunState::Skipped | RunState::Superseded => {
            "to stop, and came to an end of its own first".to_owned()
        }
        RunState::Pending | RunState::Waiting => "to stop".to_owned(),
    }
}

/// What the run wrote, or tried to; empty where it did not.
pub fn writes(run: &RunDetail) -> String {
    let mut out = String::new();
    if !run.effects.is_empty() {
        out.push_str("\nWhat was written\n");
    }
    for effect in &run.effects {
        let target = effect.target_id.as_ref().map(|id| format!(", record {id}")).unwrap_or_default();
        let outcome = effect.outcome.as_ref().map(|value| format!("; {}", value.to_plain_json())).unwrap_or_default();
        let told = format!(
            "{} {}.{}: {}{target}, {}{}",
            effect.verb,
            effect.connection,
            effect.object,
            effect.state.word(),
            tries(effect),
            cut(&outcome, LONGEST_VALUE),
        );
        out.push_str(&named(&format!("{}{}", effect.step, effect.item), &told));
    }
    out
}

/// How often a write was tried, and whether it left where its state does not tell: a try may end before anybody is
/// reached.
fn tries(effect: &EffectRow) -> String {
    let times = match effect.attempts {
        0 => return "not sent".to_owned(),
        1 => "once".to_owned(),
        n => format!("{n} times"),
    };
    match effect.state {
        EffectState::Planned | EffectState::Failed | EffectState::Skipped if !effect.maybe_applied => {
            format!("tried {times} and not applied")
        }
        EffectState::Planned | EffectState::Failed | EffectState::Skipped => {
            format!("tried {times} and perhaps applied")
        }
        EffectState::Sent => format!("tried {times}, with no outcome yet"),
        EffectState::Unknown => format!("tried {times} and perhaps applied"),
        EffectState::Done | EffectState::Unchanged | EffectState::Superseded => format!("sent {times}"),
    }
}

/// What the attempts noted; empty where that is nothing.
pub fn log(lines: &[&LogLine]) -> String {
    let mut out = String::new();
    let width = lines.iter().map(|line| line.step.chars().count()).max().unwrap_or_default().min(20);
    let mut attempt = 0;
    for line in lines {
        if line.attempt != attempt {
            attempt = line.attempt;
            out.push_str(&format!("\nWhat try {attempt} did, {} UTC\n", moment(line.at)));
        }
        let mark = match line.level {
            LogLevel::Debug | LogLevel::Info => "",
            LogLevel::Warn => "! ",
            LogLevel::Error => "✗ ",
        };
        let fields: Vec<String> = line.fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let fields = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
        let step = cut(&line.step, width);
        let first = format!("  {}  {step:<width$}  ", time_of_day(line.at));
        out.push_str(&wrapped(&first, &format!("{mark}{}{fields}", line.message)));
    }
    out
}

/// A name and what is to be told of it, in a list of such.
fn named(name: &str, told: &str) -> String {
    wrapped(&format!("  {name:<20}  "), &cut(told, LONGEST_VALUE))
}

/// A run as programs read it, and of what it noted only these lines.
pub fn json(run: &RunDetail, is_shown: impl Fn(&LogLine) -> bool) -> Json {
    let mut json = row_json(&run.row);
    json["keys"] = run.keys.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect();
    json["caller"] = run.caller.map(|id| id.to_string()).into();
    json["called"] = run.called.iter().map(|id| id.to_string()).collect();
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
                "maybe_applied": effect.maybe_applied,
                "first_sent_at": effect.first_sent_at.map(|at| at.to_string()),
                "last_sent_at": effect.last_sent_at.map(|at| at.to_string()),
                "target": effect.target_id,
                "outcome": effect.outcome.as_ref().map(sdk::Value::to_plain_json),
            })
        })
        .collect();
    json["log"] = run
        .log
        .iter()
        .filter(|line| is_shown(line))
        .map(|line| {
            json!({
                "at": line.at.to_string(),
                "attempt": line.attempt,
                "level": line.level,
                "step": line.step,
                "message": line.message,
                "fields": line.fields.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            })
        })
        .collect();
    json
}
