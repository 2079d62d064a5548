//! `if`: one of two branches. Names made in it end with it.

use flow::{Expression, Step};
use sdk::Value;

use super::{Halt, Interpreter};

impl Interpreter<'_> {
    pub(super) async fn branch(
        &mut self,
        step: &Step,
        condition: &Expression,
        then: &[Step],
        otherwise: &[Step],
    ) -> Result<Value, Halt> {
        let condition = condition.clone();
        let holds = self.compute(step, move |scope| condition.ask(scope)).await?;
        self.note(step, if holds { "the condition holds" } else { "the condition does not hold" });
        let names_before = self.scope().len();
        let result = self.steps(if holds { then } else { otherwise }).await;
        self.scope().truncate(names_before);
        result
    }
}
