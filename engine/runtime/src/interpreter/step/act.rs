//! `do`: an action that a connector declares, submitted as writes are.

use flow::{DoStep, Step};
use sdk::{ActionCall, EffectId, Value};

use super::{Halt, Interpreter};
use crate::durable::Effect;
use crate::effects::Change;

impl Interpreter<'_> {
    pub(super) async fn act(&mut self, step: &Step, act: &DoStep) -> Result<Value, Halt> {
        let with = self.assigned(step, &act.with).await?;
        let effect = Effect::Change {
            connection: act.connection.clone(),
            // Its effect id is given where the run, the occasion and the ledger are known.
            change: Change::Act(ActionCall { effect_id: EffectId::from(""), action: act.action.clone(), with }),
            attempts: self.attempts(step),
        };
        Self::conclude(self.world.step(&self.key(step), effect).await?)
    }
}
