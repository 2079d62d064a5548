//! `run`: another flow, as a run of its own; this one waits for its end.

use flow::{RunStep, Step};
use sdk::Value;

use super::{Halt, Interpreter};

impl Interpreter<'_> {
    pub(super) async fn call(&mut self, step: &Step, call: &RunStep) -> Result<Value, Halt> {
        let inputs = self.assigned(step, &call.with).await?;
        Self::conclude(self.world.call(&self.key(step), &call.flow, inputs).await?)
    }
}
