//! The steps: one file per kind.

mod branch;
mod end;
mod find;
mod name;
mod write;

use flow::{Step, StepKind};
use futures::future::BoxFuture;

use super::{Halt, Interpreter};

impl Interpreter<'_> {
    /// Takes one step, unless its `when` leaves it out. Boxed, because a step may hold steps.
    pub(super) fn step<'a>(&'a mut self, step: &'a Step) -> BoxFuture<'a, Result<(), Halt>> {
        Box::pin(async move {
            if let Some(when) = step.when.clone()
                && !self.compute(step, move |scope| when.ask(scope)).await?
            {
                return Ok(());
            }
            match &step.kind {
                StepKind::Create(write) => self.create(step, write).await,
                StepKind::Update { id, write } => self.update(step, id, write).await,
                StepKind::Upsert { key, ambiguous, write } => self.upsert(step, key, *ambiguous, write).await,
                StepKind::Find(find) => self.find(step, find).await,
                StepKind::Let(names) => self.name_values(step, names).await,
                StepKind::If { condition, then, otherwise } => self.branch(step, condition, then, otherwise).await,
                StepKind::Skip(reason) => self.skip(step, reason).await,
                StepKind::Stop(value) => self.stop(step, value.as_ref()).await,
                StepKind::Fail(message) => self.fail(step, message).await,
            }
        })
    }
}
