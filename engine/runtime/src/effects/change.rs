//! What is submitted: a write of a record, or an action of a connector's own.

use sdk::{
    ActionCall, Ask, Connection, EffectId, Error, Fields, RecordId, Repeat, Value, Verb, Write, WriteOutcome, Written,
};

/// Something that changes a service, once.
#[derive(Clone, Debug)]
pub enum Change {
    /// A record is made, changed or removed.
    Write(Write),
    /// An action runs.
    Act(ActionCall),
}

/// What came of an attempt.
pub(super) enum Applied {
    /// It is done.
    Done {
        /// The record that it reached; empty where an action tells none.
        target: RecordId,
        /// Whether anything changed.
        changed: bool,
        /// What the step's `as` sees.
        outcome: Value,
    },
    /// The service was not changed, as the author wished.
    Skipped(String),
}

impl Change {
    /// Its effect id.
    pub fn effect_id(&self) -> &EffectId {
        match self {
            Self::Write(write) => &write.effect_id,
            Self::Act(call) => &call.effect_id,
        }
    }

    /// The same, under this effect id.
    #[must_use]
    pub(super) fn under(mut self, id: EffectId) -> Self {
        match &mut self {
            Self::Write(write) => write.effect_id = id,
            Self::Act(call) => call.effect_id = id,
        }
        self
    }

    /// The verb's word, as flows and the ledger have it.
    pub(crate) fn verb_word(&self) -> &'static str {
        match self {
            Self::Write(write) => match write.verb {
                Verb::Create => "create",
                Verb::Update { .. } => "update",
                Verb::Upsert { .. } => "upsert",
                Verb::Delete { .. } => "delete",
            },
            Self::Act(_) => "do",
        }
    }

    /// What it works on: an object, or the action itself.
    pub(crate) fn object(&self) -> &str {
        match self {
            Self::Write(write) => &write.object,
            Self::Act(call) => &call.action,
        }
    }

    /// What it gives to the service.
    pub(super) fn fields(&self) -> &Fields {
        match self {
            Self::Write(write) => &write.fields,
            Self::Act(call) => &call.with,
        }
    }

    /// What it asks of a budget.
    pub(super) fn ask(&self) -> Ask<'_> {
        match self {
            Self::Write(write) => Ask::Write(write),
            Self::Act(call) => Ask::Act(call),
        }
    }

    /// Whether it may be sent again after an attempt whose outcome is not known.
    pub(super) fn repeat(&self, service: &dyn Connection) -> Repeat {
        match self {
            Self::Write(write) => service.repeat(write),
            Self::Act(call) => service.repeat_action(call),
        }
    }

    /// One attempt.
    pub(super) async fn apply(&self, service: &dyn Connection) -> Result<Applied, Error> {
        match self {
            Self::Write(write) => Ok(match service.write(write).await? {
                WriteOutcome::Written(written) => {
                    let outcome = as_value(&write.verb, &written);
                    Applied::Done { target: written.id, changed: written.changed, outcome }
                }
                WriteOutcome::Skipped(reason) => Applied::Skipped(reason),
            }),
            Self::Act(call) => {
                let result = service.act(call).await?.result;
                let target = RecordId::new(result.get("id").map(Value::to_text).unwrap_or_default());
                Ok(Applied::Done { target, changed: true, outcome: Value::Map(result) })
            }
        }
    }
}

/// What a step's `as` sees of it.
fn as_value(verb: &Verb, written: &Written) -> Value {
    let id = ("id".to_owned(), Value::from(written.id.as_str()));
    let flag = |name: &str, flag: bool| (name.to_owned(), Value::Bool(flag));
    Value::Map(match verb {
        Verb::Delete { .. } => [id, flag("existed", written.changed)].into(),
        Verb::Create | Verb::Update { .. } | Verb::Upsert { .. } => {
            [id, flag("created", written.created), flag("changed", written.changed)].into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delete_tells_whether_the_record_was_there() {
        let written = |changed| Written { id: "7".into(), created: false, changed };
        let delete = Verb::Delete { id: "7".into() };
        let seen = |value: Value| value.to_plain_json().to_string();
        assert_eq!(seen(as_value(&delete, &written(true))), r#"{"existed":true,"id":"7"}"#);
        assert_eq!(seen(as_value(&delete, &written(false))), r#"{"existed":false,"id":"7"}"#);
        let update = Verb::Update { id: "7".into() };
        assert_eq!(seen(as_value(&update, &written(true))), r#"{"changed":true,"created":false,"id":"7"}"#);
    }
}
