//! `find`: one record or a list, and what it means when it is not there.

use flow::{FindStep, Many, OnMissing, Step};
use sdk::{Ambiguous, Find, Value};
use store::Ending;

use super::{Halt, Interpreter};
use crate::durable::{Effect, Outcome};

/// Records asked for where one is wanted: enough to name the candidates when it is ambiguous.
pub(super) const CANDIDATES: usize = 10;

impl Interpreter<'_> {
    pub(super) async fn find(&mut self, step: &Step, find: &FindStep) -> Result<Value, Halt> {
        let template = find.filter.clone();
        let filter = self.compute(step, move |scope| template.evaluate(scope)).await?;
        let limit = match find.many {
            Many::One => CANDIDATES,
            // One more than allowed shows that there are more.
            Many::List(limit) => limit + 1,
        };
        let effect = Effect::Find {
            connection: find.target.connection.clone(),
            find: Find { object: find.target.object.clone(), filter, fields: find.fields.clone(), limit },
            attempts: self.attempts(step),
        };
        let found = match self.world.step(&self.key(step), effect).await? {
            Outcome::Value(Value::List(found)) => found,
            other => return Self::conclude(other),
        };
        match find.many {
            Many::List(limit) if found.len() > limit => {
                let message = format!("found more than {limit} records; raise `limit` or narrow the filter");
                Err(self.failed(step, "invalid", message))
            }
            Many::List(_) => Ok(Value::List(found)),
            Many::One => self.one(step, find, found),
        }
    }

    fn one(&self, step: &Step, find: &FindStep, mut found: Vec<Value>) -> Result<Value, Halt> {
        let target = format!("{}.{}", find.target.connection, find.target.object);
        if found.is_empty() {
            return match find.none {
                OnMissing::Continue => Ok(Value::Null),
                OnMissing::Skip => Err(Halt::Ended(Ending::Skipped(format!("nothing found in `{target}`")))),
                OnMissing::Fail => Err(self.failed(step, "not_found", format!("nothing found in `{target}`"))),
            };
        }
        if found.len() > 1 {
            let message = format!("several records found in `{target}`: {}", ids(&found));
            match find.ambiguous {
                Ambiguous::Fail => return Err(self.failed(step, "conflict", message)),
                Ambiguous::Skip => return Err(Halt::Ended(Ending::Skipped(message))),
                // Services answer in order of creation, oldest first, unless asked otherwise.
                Ambiguous::First | Ambiguous::Oldest => {}
            }
        }
        Ok(found.swap_remove(0))
    }
}

fn ids(found: &[Value]) -> String {
    let id = |value: &Value| match value {
        Value::Map(fields) => fields.get("id").map(Value::to_text).unwrap_or_default(),
        other => other.to_text(),
    };
    found.iter().map(id).collect::<Vec<_>>().join(", ")
}
