//! One run: a flow's steps, taken in order, over a durable world.
//!
//! It may be stopped anywhere and started again from the first step: expressions are pure, and what the world did is
//! journaled under the steps' keys. So it keeps nothing, and a crash, a retry and a first attempt are the same code.

mod step;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use flow::{EvaluationError, Flow, Scope, Step, Trigger};
use sdk::Value;
use store::{ClaimedRun, Ending, Failure};

use crate::durable::{Durable, Interrupt, Outcome};
use crate::offload::offload;

/// Takes a run to its end, or to where it must wait.
pub async fn interpret(flow: Arc<Flow>, run: Arc<ClaimedRun>, world: &dyn Durable) -> Result<Ending, Interrupt> {
    let now = world.now();
    let (begun, run_flow, begun_run) = (flow.clone(), flow.clone(), run.clone());
    let scope = offload(move || begin(&begun, &begun_run, now)).await;
    let scope = match scope {
        Ok(scope) => scope,
        Err(ending) => return Ok(ending),
    };
    let mut interpreter = Interpreter { run, world, scope: Some(scope) };
    match interpreter.steps(&run_flow.steps).await {
        Ok(()) => Ok(Ending::Succeeded(None)),
        Err(Halt::Ended(ending)) => Ok(ending),
        Err(Halt::Interrupted(interrupt)) => Err(interrupt),
    }
}

/// The run's scope, unless its conditions end it before its first step.
fn begin(flow: &Flow, run: &ClaimedRun, now: sdk::Timestamp) -> Result<Scope, Ending> {
    let mut scope = Scope::new(flow, &run.record, run.id, now);
    let Trigger::Poll(poll) = &flow.trigger;
    let questions =
        [(poll.condition.as_ref(), "trigger", "`where` is false"), (flow.when.as_ref(), "when", "`when` is false")];
    for (question, place, reason) in questions {
        match question.map(|question| question.ask(&mut scope)) {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => return Err(Ending::Skipped(reason.to_owned())),
            Some(Err(error)) => return Err(Ending::Failed(expression_failure(place, &error))),
        }
    }
    Ok(scope)
}

/// Why no further step is taken.
enum Halt {
    Ended(Ending),
    Interrupted(Interrupt),
}

impl From<Interrupt> for Halt {
    fn from(interrupt: Interrupt) -> Self {
        Self::Interrupted(interrupt)
    }
}

struct Interpreter<'a> {
    run: Arc<ClaimedRun>,
    world: &'a dyn Durable,
    /// Lent to a blocking thread while an expression is computed; here at all other times.
    scope: Option<Scope>,
}

impl Interpreter<'_> {
    async fn steps(&mut self, steps: &[Step]) -> Result<(), Halt> {
        for step in steps {
            self.step(step).await?;
        }
        Ok(())
    }

    /// Computes something of the scope, off the threads that wait. A failure ends the run at this step.
    async fn compute<T: Send + 'static>(
        &mut self,
        step: &Step,
        work: impl FnOnce(&mut Scope) -> Result<T, EvaluationError> + Send + 'static,
    ) -> Result<T, Halt> {
        let mut scope =
            self.scope.take().expect("the scope is lent to one computation at a time and comes back from it");
        let (scope, result) = offload(move || {
            let result = work(&mut scope);
            (scope, result)
        })
        .await;
        self.scope = Some(scope);
        result.map_err(|error| Halt::Ended(Ending::Failed(expression_failure(step.name.as_str(), &error))))
    }

    fn scope(&mut self) -> &mut Scope {
        self.scope.as_mut().expect("the scope is here whenever nothing is computed")
    }

    /// Gives a step's result its name.
    fn name_result(&mut self, step: &Step, value: &Value) {
        if let Some(name) = &step.result {
            self.scope().set(name, value);
        }
    }

    /// What an effect's outcome means for the run.
    fn conclude(&mut self, step: &Step, outcome: Outcome) -> Result<(), Halt> {
        match outcome {
            Outcome::Value(value) => {
                self.name_result(step, &value);
                Ok(())
            }
            Outcome::Skipped(reason) => Err(Halt::Ended(Ending::Skipped(reason))),
            Outcome::Superseded => Err(Halt::Ended(Ending::Superseded)),
            Outcome::Failed(failure) => Err(Halt::Ended(Ending::Failed(failure))),
            Outcome::Unknown(failure) => Err(Halt::Ended(Ending::Unknown(failure))),
        }
    }

    fn failed(&self, step: &Step, class: &str, message: String) -> Halt {
        let failure =
            Failure { step: step.name.to_string(), class: class.to_owned(), message, attempt: self.run.attempt };
        Halt::Ended(Ending::Failed(failure))
    }
}

fn expression_failure(step: &str, error: &EvaluationError) -> Failure {
    Failure { step: step.to_owned(), class: "expression".to_owned(), message: error.message.clone(), attempt: 1 }
}
