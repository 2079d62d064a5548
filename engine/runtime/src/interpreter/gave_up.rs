//! How a run gave up: what its flow's `on_failure` steps see, journaled before the first of them begins.

use sdk::{Fields, Value};
use store::{Ending, Failure};

use crate::durable::StepKey;

/// A failure that ends a run, unless the run's flow has something left to do about it.
pub(super) struct GaveUp {
    failure: Failure,
    /// Whether a write may have been applied.
    is_unknown: bool,
}

impl GaveUp {
    /// Under which it is journaled. No step's name begins with a space.
    pub(super) fn key() -> StepKey {
        StepKey { step: " failure".to_owned(), item: String::new() }
    }

    /// `None` where the run did not give up.
    pub(super) fn of(ending: &Ending) -> Option<Self> {
        match ending {
            Ending::Failed(failure) => Some(Self { failure: failure.clone(), is_unknown: false }),
            Ending::Unknown(failure) => Some(Self { failure: failure.clone(), is_unknown: true }),
            Ending::Succeeded(_) | Ending::Skipped(_) | Ending::Superseded => None,
        }
    }

    pub(super) fn ending(&self) -> Ending {
        if self.is_unknown { Ending::Unknown(self.failure.clone()) } else { Ending::Failed(self.failure.clone()) }
    }

    /// `failure` as expressions see it, and whether the outcome is unknown.
    pub(super) fn as_value(&self) -> Value {
        let Failure { step, class, message, attempt } = &self.failure;
        Value::Map(Fields::from([
            ("step".to_owned(), Value::from(step.as_str())),
            ("class".to_owned(), Value::from(class.as_str())),
            ("message".to_owned(), Value::from(message.as_str())),
            ("attempt".to_owned(), Value::Int(i64::from(*attempt))),
            ("unknown".to_owned(), Value::Bool(self.is_unknown)),
        ]))
    }

    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let Value::Map(fields) = value else { return None };
        let text = |name: &str| fields.get(name).map(Value::to_text).unwrap_or_default();
        let attempt = if let Some(Value::Int(attempt)) = fields.get("attempt") { *attempt } else { 0 };
        let failure = Failure {
            step: text("step"),
            class: text("class"),
            message: text("message"),
            attempt: u32::try_from(attempt).unwrap_or_default(),
        };
        Some(Self { failure, is_unknown: fields.get("unknown") == Some(&Value::Bool(true)) })
    }
}
