//! One run: a flow's steps, taken in order, over a durable world.
//!
//! It may be stopped anywhere and started again from the first step: expressions are pure, and what the world did is
//! journaled under the steps' keys. So it keeps nothing, and a crash, a retry and a first attempt are the same code.

mod gave_up;
mod step;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use flow::{Assignments, EvaluationError, Flow, OnError, Scope, Step};
use sdk::{Fields, Value};
use store::{ClaimedRun, Ending, Failure};

use crate::durable::{Attempts, Durable, Interrupt, Outcome, StepKey};
use crate::offload::Pace;
use crate::run_log::Note;
use gave_up::GaveUp;

/// Takes a run to its end, or to where it must wait.
pub async fn interpret(
    flow: Arc<Flow>,
    run: Arc<ClaimedRun>,
    world: &dyn Durable,
    pace: &Pace,
) -> Result<Ending, Interrupt> {
    let now = world.now();
    let (begun, begun_run) = (flow.clone(), run.clone());
    // What gave up before was told to the steps of `on_failure`, so it is not tried again.
    let ending = match world.kept(&GaveUp::key()).as_ref().and_then(GaveUp::from_value) {
        Some(gave_up) => gave_up.ending(),
        None => match pace.compute(move || begin(&begun, &begun_run, now)).await {
            Ok(scope) => take_steps(&flow.steps, run.clone(), world, pace, scope).await?,
            Err(ending) => ending,
        },
    };
    match GaveUp::of(&ending) {
        Some(gave_up) if !flow.on_failure.is_empty() => after_failure(&flow, run, world, pace, gave_up).await,
        _ => Ok(ending),
    }
}

/// Takes these steps, in this scope, to the end that they lead to.
async fn take_steps(
    steps: &[Step],
    run: Arc<ClaimedRun>,
    world: &dyn Durable,
    pace: &Pace,
    scope: Scope,
) -> Result<Ending, Interrupt> {
    let mut interpreter = Interpreter {
        run,
        world,
        pace,
        scope: Some(scope),
        item: String::new(),
        errors: Fields::new(),
        goes_on: false,
    };
    interpreter.set_errors(no_errors(steps));
    match interpreter.steps(steps).await {
        Ok(_) => Ok(Ending::Succeeded(None)),
        Err(Halt::Ended(ending)) => Ok(ending),
        Err(Halt::Failed(failure)) => Ok(Ending::Failed(failure)),
        Err(Halt::Interrupted(interrupt)) => Err(interrupt),
    }
}

/// Takes a flow's `on_failure` steps. Whatever becomes of them, the run has given up as it had before.
async fn after_failure(
    flow: &Arc<Flow>,
    run: Arc<ClaimedRun>,
    world: &dyn Durable,
    pace: &Pace,
    gave_up: GaveUp,
) -> Result<Ending, Interrupt> {
    // Kept first: the steps must see the same failure on every attempt.
    world.keep(&GaveUp::key(), gave_up.as_value()).await?;
    let (scope_flow, scope_run, now, failure) = (flow.clone(), run.clone(), world.now(), gave_up.as_value());
    let scope = pace
        .compute(move || {
            let mut scope = Scope::new(&scope_flow, &scope_run.record, scope_run.id, now);
            scope.set("failure", &failure);
            scope
        })
        .await;
    take_steps(&flow.on_failure, run, world, pace, scope).await?;
    Ok(gave_up.ending())
}

/// The run's scope, unless its conditions end it before its first step.
fn begin(flow: &Flow, run: &ClaimedRun, now: sdk::Timestamp) -> Result<Scope, Ending> {
    let mut scope = Scope::new(flow, &run.record, run.id, now);
    let questions =
        [(flow.trigger.condition(), "trigger", "`where` is false"), (flow.when.as_ref(), "when", "`when` is false")];
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
    /// The author said so, or nothing else can be done.
    Ended(Ending),
    /// A step failed, and nobody has said yet that the run goes on.
    Failed(Failure),
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
    pace: &'a Pace,
    /// Lent away while an expression is computed; here at all other times.
    scope: Option<Scope>,
    /// The keys of the loop items that it is in, as step keys have them.
    item: String,
    /// What `errors` is: by step, the failure that was ignored, or nothing.
    errors: Fields,
    /// Whether it is in a step after whose failure the run goes on.
    goes_on: bool,
}

impl Interpreter<'_> {
    /// Takes steps in order, and gives the last one's result.
    async fn steps(&mut self, steps: &[Step]) -> Result<Value, Halt> {
        let mut last = Value::Null;
        for step in steps {
            last = self.step(step).await?;
        }
        Ok(last)
    }

    fn key(&self, step: &Step) -> StepKey {
        StepKey::new(&step.name, &self.item)
    }

    fn note(&self, step: &Step, decided: &str) {
        self.world.note(Some(&self.key(step)), Note::info(decided));
    }

    fn attempts(&self, step: &Step) -> Attempts {
        let counts_absence = self.goes_on || step.retry.attempts_written;
        Attempts { retry: step.retry, timeout: step.timeout, counts_absence }
    }

    /// Computes something of the scope. A failure ends the run at this step.
    async fn compute<T: Send + 'static>(
        &mut self,
        step: &Step,
        work: impl FnOnce(&mut Scope) -> Result<T, EvaluationError> + Send + 'static,
    ) -> Result<T, Halt> {
        let mut scope =
            self.scope.take().expect("the scope is lent to one computation at a time and comes back from it");
        let (scope, result) = self
            .pace
            .compute(move || {
                let result = work(&mut scope);
                (scope, result)
            })
            .await;
        self.scope = Some(scope);
        result.map_err(|error| Halt::Failed(expression_failure(&self.key(step).to_string(), &error)))
    }

    /// What these names get.
    async fn assigned(&mut self, step: &Step, assignments: &Assignments) -> Result<Fields, Halt> {
        let assignments = assignments.clone();
        self.compute(step, move |scope| {
            assignments.iter().map(|(name, template)| Ok((name.clone(), template.evaluate(scope)?))).collect()
        })
        .await
    }

    fn scope(&mut self) -> &mut Scope {
        self.scope.as_mut().expect("the scope is here whenever nothing is computed")
    }

    /// What an effect's outcome means for the run.
    fn conclude(outcome: Outcome) -> Result<Value, Halt> {
        match outcome {
            Outcome::Value(value) => Ok(value),
            Outcome::Skipped(reason) => Err(Halt::Ended(Ending::Skipped(reason))),
            Outcome::Superseded => Err(Halt::Ended(Ending::Superseded)),
            Outcome::Failed(failure) => Err(Halt::Failed(failure)),
            Outcome::Unknown(failure) => Err(Halt::Ended(Ending::Unknown(failure))),
        }
    }

    fn failed(&self, step: &Step, class: &str, message: String) -> Halt {
        let step = self.key(step).to_string();
        Halt::Failed(Failure { step, class: class.to_owned(), message, attempt: self.run.attempt })
    }

    /// What `errors` is from here on. A flow in which every failure ends the run has none.
    fn set_errors(&mut self, errors: Fields) {
        if !errors.is_empty() {
            self.scope().set("errors", &Value::Map(errors.clone()));
            self.errors = errors;
        }
    }
}

/// `errors` before anything failed: nothing, under the name of each step after whose failure a run goes on.
fn no_errors(steps: &[Step]) -> Fields {
    let mut errors = Fields::new();
    for step in steps {
        if step.on_error == OnError::Continue {
            errors.insert(step.name.to_string(), Value::Null);
        }
        for inner in step.kind.inner() {
            errors.extend(no_errors(inner));
        }
    }
    errors
}

fn expression_failure(step: &str, error: &EvaluationError) -> Failure {
    Failure { step: step.to_owned(), class: "expression".to_owned(), message: error.message.clone(), attempt: 1 }
}
