//! What an attempt notes of itself, for people: collected while it works, and stored with its end.
//!
//! Every text passes a redactor that knows the project's secrets, which also leaves no control characters in it.

use std::sync::{Arc, Mutex, PoisonError};

use sdk::{Clock, FlowId, Redactor, Timestamp, Value};
use store::{LogLevel, LogLine, RunLog};

use crate::durable::{Effect, Held, Interrupt, Outcome, StepKey};

/// Something worth noting.
#[derive(Clone, Debug)]
pub struct Note {
    level: LogLevel,
    message: String,
    fields: Vec<(String, String)>,
}

impl Note {
    /// Something was done or decided.
    pub fn info(message: impl Into<String>) -> Self {
        Self { level: LogLevel::Info, message: message.into(), fields: Vec::new() }
    }

    /// Something went wrong, and the run goes on or is tried again.
    pub fn warn(message: impl Into<String>) -> Self {
        Self { level: LogLevel::Warn, ..Self::info(message) }
    }

    /// The run gave up.
    pub fn error(message: impl Into<String>) -> Self {
        Self { level: LogLevel::Error, ..Self::info(message) }
    }

    /// With this fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.fields.push((name.to_owned(), value.to_string()));
        self
    }
}

/// An effect in the words of a log, while it is not yet known what comes of it.
pub(crate) struct Told {
    verb: &'static str,
    target: String,
}

impl Told {
    pub(crate) fn of(effect: &Effect) -> Self {
        match effect {
            Effect::Find { connection, find, .. } => {
                Self { verb: "find", target: format!("{connection}.{}", find.object) }
            }
            Effect::Change { connection, change, .. } => {
                Self { verb: change.verb_word(), target: format!("{connection}.{}", change.object()) }
            }
        }
    }

    pub(crate) fn of_call(flow: &FlowId) -> Self {
        Self { verb: "call", target: format!("`{flow}`") }
    }

    /// What came of it; `None` where that is nobody's concern, such as a store that failed.
    pub(crate) fn note(&self, outcome: &Result<Outcome, Interrupt>, now: Timestamp) -> Option<Note> {
        let named = self.named();
        Some(match outcome {
            Ok(Outcome::Value(value)) => self.done(value),
            Ok(Outcome::Skipped(reason)) => Note::info(format!("{named} left out: {reason}")),
            Ok(Outcome::Superseded) => Note::info(format!("{named} left out: a newer version came first")),
            Ok(Outcome::Failed(failure)) => {
                Note::warn(format!("{named} failed: {}", failure.message)).with("class", &failure.class)
            }
            Ok(Outcome::Unknown(_)) => Note::error(format!("{named} may or may not have been applied")),
            Err(Interrupt::Park { due_at, failure, held }) => {
                let wait = due_at.since(now).as_millis();
                let wait = format!("{}.{} s", wait / 1000, wait % 1000 / 100);
                let note = match held {
                    Held::Shortly | Held::Blocked => format!("{named} is tried again in {wait}: {}", failure.message),
                    Held::Away { connection, since } => format!(
                        "{named} is tried again in {wait}, and this try does not count, because `{connection}` has been \
                         away since {since}: {}",
                        failure.message
                    ),
                };
                Note::warn(note).with("class", &failure.class)
            }
            Err(Interrupt::Wait { .. }) => Note::info(format!("waits for the {named}")),
            // The step that did not begin tells of it.
            Err(Interrupt::Stopped | Interrupt::Store(_)) => return None,
        })
    }

    /// `upsert of crm.contacts`.
    fn named(&self) -> String {
        match self.verb {
            "do" => format!("action {}", self.target),
            verb => format!("{verb} of {}", self.target),
        }
    }

    fn done(&self, value: &Value) -> Note {
        let target = &self.target;
        let fields = match value {
            Value::List(found) if self.verb == "find" => {
                return Note::info(format!("looked up {target}: {} found", found.len()));
            }
            Value::Map(fields) => fields,
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Date(_)
            | Value::Moment(_)
            | Value::List(_) => return Note::info(format!("{} done", self.named())),
        };
        let is = |name: &str| fields.get(name) == Some(&Value::Bool(true));
        let done = match (self.verb, is("created"), is("changed") || is("existed")) {
            ("do", ..) => "did",
            ("call", ..) => "called",
            ("delete", _, true) => "deleted",
            ("delete", _, false) => "was gone already:",
            (_, true, _) => "created",
            (_, false, true) => "updated",
            (_, false, false) => "left unchanged:",
        };
        let note = Note::info(format!("{done} {target}"));
        match fields.get("id") {
            Some(id) => note.with("id", id.to_text()),
            None => note,
        }
    }
}

/// Where one attempt notes what it does.
pub struct AttemptLog {
    attempt: u32,
    clock: Arc<dyn Clock>,
    redactor: Arc<Redactor>,
    lines: Mutex<RunLog>,
}

impl AttemptLog {
    /// An empty one.
    pub fn new(attempt: u32, clock: Arc<dyn Clock>, redactor: Arc<Redactor>) -> Self {
        Self { attempt, clock, redactor, lines: Mutex::default() }
    }

    /// One line more, of this step or of the run as a whole.
    pub fn note(&self, step: Option<&StepKey>, note: Note) {
        let clean = |text: &str| self.redactor.clean(text);
        let line = LogLine {
            at: self.clock.now(),
            attempt: self.attempt,
            level: note.level,
            // A loop item's key is the record's, and may be anything.
            step: step.map(|step| clean(&step.to_string())).unwrap_or_default(),
            message: clean(&note.message),
            fields: note.fields.iter().map(|(name, value)| (clean(name), clean(value))).collect(),
        };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// What was noted so far, to be stored.
    pub fn take(&self) -> RunLog {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use sdk::{Secret, SystemClock};

    use super::*;

    #[test]
    fn what_came_of_an_effect_is_told_in_its_own_words() {
        let told = |verb: &'static str, json: &[(&str, Value)]| {
            let fields = json.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let told = Told { verb, target: "crm.contacts".to_owned() };
            let outcome = Ok(Outcome::Value(Value::Map(fields)));
            told.note(&outcome, Timestamp::EPOCH).map(|note| note.message).unwrap_or_default()
        };
        let flags =
            |created: bool, changed: bool| [("created", Value::Bool(created)), ("changed", Value::Bool(changed))];
        assert_eq!(told("upsert", &flags(true, true)), "created crm.contacts");
        assert_eq!(told("upsert", &flags(false, true)), "updated crm.contacts");
        assert_eq!(told("update", &flags(false, false)), "left unchanged: crm.contacts");
        assert_eq!(told("delete", &[("existed", Value::Bool(false))]), "was gone already: crm.contacts");
        assert_eq!(told("do", &[("moved", Value::Bool(true))]), "did crm.contacts");
        assert_eq!(told("call", &[("score", Value::Int(7))]), "called crm.contacts");
        let called =
            Told::of_call(&"enrich".into()).note(&Err(Interrupt::Wait { due_at: Timestamp::EPOCH }), Timestamp::EPOCH);
        assert_eq!(called.map(|note| note.message).as_deref(), Some("waits for the call of `enrich`"));
    }

    #[test]
    fn no_secret_and_no_control_character_gets_in() {
        const TOKEN: &str = "pat-na1-8f31c2aa-77e0-4d19";
        let secret = Secret::new(TOKEN.to_owned());
        let log = AttemptLog::new(1, Arc::new(SystemClock), Arc::new(Redactor::new([&secret])));
        let key = StepKey { step: "write".to_owned(), item: format!("[{TOKEN}]") };
        let note = Note::info(format!("sent {TOKEN}\n2026-01-01 all is well\u{1b}[2J")).with("id", TOKEN);
        log.note(Some(&key), note);
        let line = log.take().lines().remove(0);
        assert_eq!((line.step.as_str(), line.fields[0].1.as_str()), ("write[***]", "***"));
        assert_eq!(line.message, "sent *** 2026-01-01 all is well [2J");
        assert!(log.take().is_empty());
    }
}
