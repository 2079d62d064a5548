//! `wait`: the run goes on later, and nothing of it is at work until then.

use flow::{Scope, Step, Wait};
use sdk::Value;

use super::{Halt, Interpreter};
use crate::durable::Wake;

impl Interpreter<'_> {
    pub(super) async fn wait(&mut self, step: &Step, wait: &Wait) -> Result<Value, Halt> {
        let key = self.key(step);
        let wake = match (self.world.kept(&key), wait) {
            (Some(Value::Moment(kept)), _) => Wake::At(kept),
            (_, Wait::For(duration)) => Wake::After(*duration),
            (_, Wait::Until(until)) => {
                let until = until.clone();
                let (value, wake) = self
                    .compute(step, move |scope| {
                        let value = until.evaluate(scope)?;
                        let wake = wake(scope, &value);
                        Ok((value, wake))
                    })
                    .await?;
                wake.ok_or_else(|| {
                    let what = value.type_name();
                    let message = format!("`wait` takes a moment, a date, or a duration such as 30s, and found {what}");
                    self.failed(step, "invalid", message)
                })?
            }
        };
        Ok(Value::Moment(self.world.sleep(&key, wake).await?))
    }
}

fn wake(scope: &Scope, value: &Value) -> Option<Wake> {
    match value {
        Value::Moment(moment) => Some(Wake::At(*moment)),
        Value::Date(day) => scope.begin_of(*day).map(Wake::At),
        Value::Text(text) => flow::duration(text).map(Wake::After),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => None,
    }
}
