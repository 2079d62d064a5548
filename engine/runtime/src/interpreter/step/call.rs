//! `run`: another flow, as a run of its own; this one waits for its end.

use flow::{RunStep, Step};
use sdk::{Fields, Value};

use super::{Halt, Interpreter};

impl Interpreter<'_> {
    pub(super) async fn call(&mut self, step: &Step, call: &RunStep) -> Result<Value, Halt> {
        let with = call.with.clone();
        let inputs = self
            .compute(step, move |scope| {
                with.iter()
                    .map(|(name, template)| Ok((name.clone(), template.evaluate(scope)?)))
                    .collect::<Result<Fields, _>>()
            })
            .await?;
        Self::conclude(self.world.call(&self.key(step), &call.flow, inputs).await?)
    }
}
