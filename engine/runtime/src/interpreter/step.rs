//! The steps: one file per kind. Each gives its result; what that is called, and what its failure means, is told here.

mod act;
mod branch;
mod call;
mod each;
mod end;
mod find;
mod name;
mod route;
mod wait;
mod write;

use flow::{OnError, Step, StepKind};
use futures::future::BoxFuture;
use sdk::{Fields, Value};
use store::Failure;

use super::{Halt, Interpreter};

impl Interpreter<'_> {
    /// Takes one step, unless its `when` leaves it out or the run is to stop. Boxed, because a step may hold steps.
    pub(super) fn step<'a>(&'a mut self, step: &'a Step) -> BoxFuture<'a, Result<Value, Halt>> {
        Box::pin(async move {
            self.world.go_on(&self.key(step))?;
            let failed_key = self.key(step).part("failed");
            let goes_on = step.on_error == OnError::Continue;
            // What came after a failure that was ignored has seen it, so it is not tried again.
            if goes_on && let Some(error) = self.world.kept(&failed_key) {
                self.note_error(step, error);
                return Ok(Value::Null);
            }
            let outer = self.goes_on;
            self.goes_on |= goes_on;
            let taken = self.take(step).await;
            self.goes_on = outer;
            match taken {
                Ok(Some(result)) => {
                    if let Some(name) = &step.result {
                        self.scope().set(name, &result);
                    }
                    Ok(result)
                }
                Ok(None) => {
                    self.leave_unset(step);
                    Ok(Value::Null)
                }
                Err(Halt::Failed(failure)) if goes_on => {
                    let error = as_value(&failure);
                    self.world.ignore(&failed_key, error.clone()).await?;
                    self.note_error(step, error);
                    Ok(Value::Null)
                }
                Err(halt) => Err(halt),
            }
        })
    }

    /// The step's result; `None` where its `when` leaves it out.
    async fn take(&mut self, step: &Step) -> Result<Option<Value>, Halt> {
        if let Some(when) = step.when.clone()
            && !self.compute(step, move |scope| when.ask(scope)).await?
        {
            self.note(step, "left out: its `when` is false");
            return Ok(None);
        }
        let result = match &step.kind {
            StepKind::Create(write) => self.create(step, write).await,
            StepKind::Update { id, write } => self.update(step, id, write).await,
            StepKind::Upsert { key, ambiguous, write } => self.upsert(step, key, *ambiguous, write).await,
            StepKind::Delete { target, id } => self.delete(step, target, id).await,
            StepKind::Find(find) => self.find(step, find).await,
            StepKind::Let(names) => self.name_values(step, names).await,
            StepKind::If { condition, then, otherwise } => self.branch(step, condition, then, otherwise).await,
            StepKind::Route { rules, default } => self.route(step, rules, default).await,
            StepKind::Each(each) => self.each(step, each).await,
            StepKind::Wait(wait) => self.wait(step, wait).await,
            StepKind::Do(act) => self.act(step, act).await,
            StepKind::Run(call) => self.call(step, call).await,
            StepKind::Skip(reason) => self.skip(step, reason).await,
            StepKind::Stop(value) => self.stop(step, value.as_ref()).await,
            StepKind::Fail(message) => self.fail(step, message).await,
        };
        result.map(Some)
    }

    fn note_error(&mut self, step: &Step, error: Value) {
        let mut errors = self.errors.clone();
        errors.insert(step.name.to_string(), error);
        self.set_errors(errors);
        self.leave_unset(step);
    }

    /// The names that the step would have made are there, and empty.
    fn leave_unset(&mut self, step: &Step) {
        if let Some(name) = &step.result {
            self.scope().set(name, &Value::Null);
        }
        if let StepKind::Let(names) = &step.kind {
            for (name, _) in names {
                self.scope().set(name, &Value::Null);
            }
        }
    }
}

/// A failure as expressions see it.
fn as_value(failure: &Failure) -> Value {
    Value::Map(Fields::from([
        ("class".to_owned(), Value::from(failure.class.as_str())),
        ("message".to_owned(), Value::from(failure.message.as_str())),
    ]))
}
