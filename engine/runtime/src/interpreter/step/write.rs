//! `create`, `update`, `upsert`: a write's values are computed, then it is the durable world's.

use flow::{Step, Template, UpsertKey, WriteStep};
use sdk::{Ambiguous, EffectId, Fields, Match, RecordId, Value, Verb, Write};

use super::{Halt, Interpreter};
use crate::durable::Effect;

impl Interpreter<'_> {
    pub(super) async fn create(&mut self, step: &Step, write: &WriteStep) -> Result<(), Halt> {
        let fields = self.fields(step, write).await?;
        self.write(step, write, Verb::Create, fields).await
    }

    pub(super) async fn update(&mut self, step: &Step, id: &Template, write: &WriteStep) -> Result<(), Halt> {
        let Some(id) = self.record_id(step, id).await? else {
            return Err(self.failed(step, "not_found", "the `id` to update is empty".to_owned()));
        };
        let fields = self.fields(step, write).await?;
        self.write(step, write, Verb::Update { id }, fields).await
    }

    pub(super) async fn upsert(
        &mut self,
        step: &Step,
        key: &UpsertKey,
        ambiguous: Ambiguous,
        write: &WriteStep,
    ) -> Result<(), Halt> {
        let fields = self.fields(step, write).await?;
        let by = match key {
            UpsertKey::Id(id) => Match::Id(self.record_id(step, id).await?),
            UpsertKey::Fields(names) => {
                // An empty key would match every record that lacks it, or make a new one each time.
                if let Some(empty) = names.iter().find(|name| is_blank(fields.get(*name))) {
                    let message =
                        format!("`match` field `{empty}` is empty, so there is nothing to find the record by");
                    return Err(self.failed(step, "invalid", message));
                }
                Match::Fields(names.clone())
            }
        };
        self.write(step, write, Verb::Upsert { by, ambiguous }, fields).await
    }

    async fn fields(&mut self, step: &Step, write: &WriteStep) -> Result<Fields, Halt> {
        let set = write.set.clone();
        self.compute(step, move |scope| {
            set.iter().map(|(name, template)| Ok((name.clone(), template.evaluate(scope)?))).collect()
        })
        .await
    }

    async fn record_id(&mut self, step: &Step, id: &Template) -> Result<Option<RecordId>, Halt> {
        let id = id.clone();
        let value = self.compute(step, move |scope| id.evaluate(scope)).await?;
        Ok(Some(value).filter(|value| !is_blank(Some(value))).map(|value| RecordId::new(value.to_text())))
    }

    async fn write(&mut self, step: &Step, write: &WriteStep, verb: Verb, fields: Fields) -> Result<(), Halt> {
        let effect = Effect::Write {
            connection: write.target.connection.clone(),
            write: Write {
                // Given where the run, the occasion and the ledger are known.
                effect_id: EffectId::from(""),
                object: write.target.object.clone(),
                verb,
                fields,
            },
            retry: step.retry,
        };
        let outcome = self.world.step(step.name.as_str(), effect).await?;
        self.conclude(step, outcome)
    }
}

fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Text(text)) => text.is_empty(),
        Some(_) => false,
    }
}
