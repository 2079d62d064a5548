//! What an attempt notes of itself, for people: collected while it works, and stored with its end.
//!
//! Every text passes a redactor that knows the project's secrets, which also leaves no control characters in it.

use std::sync::{Arc, Mutex, PoisonError};

use sdk::{Clock, Redactor};
use store::{LogLevel, LogLine, RunLog};

use crate::durable::StepKey;

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
