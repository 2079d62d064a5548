//! `skip`, `stop`, `fail`: the run ends here, as its author said.

use flow::{Step, Template};
use sdk::Value;
use store::{Ending, Failure};

use super::{Halt, Interpreter};

impl Interpreter<'_> {
    pub(super) async fn skip(&mut self, step: &Step, reason: &Template) -> Result<Value, Halt> {
        let reason = self.text(step, reason).await?;
        Err(Halt::Ended(Ending::Skipped(reason)))
    }

    pub(super) async fn stop(&mut self, step: &Step, value: Option<&Template>) -> Result<Value, Halt> {
        let value = match value.cloned() {
            Some(value) => Some(self.compute(step, move |scope| value.evaluate(scope)).await?),
            None => None,
        };
        Err(Halt::Ended(Ending::Succeeded(value)))
    }

    pub(super) async fn fail(&mut self, step: &Step, message: &Template) -> Result<Value, Halt> {
        let message = self.text(step, message).await?;
        let failure =
            Failure { step: self.key(step).to_string(), class: "flow".to_owned(), message, attempt: self.run.attempt };
        Err(Halt::Ended(Ending::Failed(failure)))
    }

    async fn text(&mut self, step: &Step, template: &Template) -> Result<String, Halt> {
        let template = template.clone();
        Ok(self.compute(step, move |scope| template.evaluate(scope)).await?.to_text())
    }
}
