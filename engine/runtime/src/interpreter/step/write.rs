//! `create`, `update`, `upsert`, `delete`: a write's values are computed, then it is the durable world's.

use flow::{Policy, Step, Target, Template, UpsertKey, WriteStep};
use sdk::{Ambiguous, EffectId, Fields, Filter, Find, Match, RecordId, Test, Value, Verb, Write};

use super::find::CANDIDATES;
use super::{Halt, Interpreter};
use crate::durable::Effect;
use crate::effects::Change;

impl Interpreter<'_> {
    pub(super) async fn create(&mut self, step: &Step, write: &WriteStep) -> Result<Value, Halt> {
        let fields = self.assigned(step, &write.set).await?;
        self.write(step, write, Verb::Create, fields).await
    }

    pub(super) async fn update(&mut self, step: &Step, id: &Template, write: &WriteStep) -> Result<Value, Halt> {
        let Some(id) = self.record_id(step, id).await? else {
            return Err(self.failed(step, "not_found", "the `id` to update is empty".to_owned()));
        };
        let fields = self.assigned(step, &write.set).await?;
        self.write(step, write, Verb::Update { id }, fields).await
    }

    pub(super) async fn upsert(
        &mut self,
        step: &Step,
        key: &UpsertKey,
        ambiguous: Ambiguous,
        write: &WriteStep,
    ) -> Result<Value, Halt> {
        let fields = self.assigned(step, &write.set).await?;
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

    pub(super) async fn delete(&mut self, step: &Step, target: &Target, id: &Template) -> Result<Value, Halt> {
        let Some(id) = self.record_id(step, id).await? else {
            return Err(self.failed(step, "not_found", "the `id` to delete is empty".to_owned()));
        };
        self.send(step, target, Verb::Delete { id }, Fields::new()).await
    }

    async fn record_id(&mut self, step: &Step, id: &Template) -> Result<Option<RecordId>, Halt> {
        let id = id.clone();
        let value = self.compute(step, move |scope| id.evaluate(scope)).await?;
        Ok(Some(value).filter(|value| !is_blank(Some(value))).map(|value| RecordId::new(value.to_text())))
    }

    async fn write(&mut self, step: &Step, write: &WriteStep, verb: Verb, fields: Fields) -> Result<Value, Halt> {
        let fields = self.by_policy(step, write, &verb, fields).await?;
        self.send(step, &write.target, verb, fields).await
    }

    async fn send(&mut self, step: &Step, target: &Target, verb: Verb, fields: Fields) -> Result<Value, Halt> {
        let effect = Effect::Change {
            connection: target.connection.clone(),
            change: Change::Write(Write {
                // Given where the run, the occasion and the ledger are known.
                effect_id: EffectId::from(""),
                object: target.object.clone(),
                verb,
                fields,
            }),
            attempts: self.attempts(step),
        };
        Self::conclude(self.world.step(&self.key(step), effect).await?)
    }

    /// What is left to write once the author's policies are followed. The fields that a record is found by are always
    /// written.
    async fn by_policy(
        &mut self,
        step: &Step,
        write: &WriteStep,
        verb: &Verb,
        mut fields: Fields,
    ) -> Result<Fields, Halt> {
        let matched: &[String] = match verb {
            Verb::Upsert { by: Match::Fields(names), .. } => names,
            Verb::Create | Verb::Update { .. } | Verb::Upsert { .. } | Verb::Delete { .. } => &[],
        };
        let policy = |name: &String| match matched.contains(name) {
            true => Policy::Overwrite,
            false => write.policies.get(name).copied().unwrap_or_default(),
        };
        fields.retain(|name, value| policy(name) == Policy::Overwrite || !is_blank(Some(value)));
        let to_fill: Vec<String> = fields.keys().filter(|name| policy(name) == Policy::FillIfEmpty).cloned().collect();
        if to_fill.is_empty() {
            return Ok(fields);
        }
        let Some(filter) = written_before(verb, &fields) else { return Ok(fields) };
        let effect = Effect::Find {
            connection: write.target.connection.clone(),
            find: Find {
                object: write.target.object.clone(),
                filter,
                fields: to_fill.iter().chain(matched).cloned().collect(),
                limit: CANDIDATES,
            },
            attempts: self.attempts(step),
        };
        let found = Self::conclude(self.world.step(&self.key(step).part("before"), effect).await?)?;
        if let Value::List(found) = found
            && let Some(Value::Map(before)) = found.first()
        {
            fields.retain(|name, _| !to_fill.contains(name) || is_blank(before.get(name)));
        }
        Ok(fields)
    }
}

/// What finds the record that the write will change; `None` where it makes one.
fn written_before(verb: &Verb, fields: &Fields) -> Option<Filter> {
    let equals = |field: &str, value: Value| Filter::Field { field: field.to_owned(), test: Test::Eq(value) };
    match verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } | Verb::Delete { .. } => None,
        Verb::Update { id } | Verb::Upsert { by: Match::Id(Some(id)), .. } => {
            Some(equals("id", Value::from(id.as_str())))
        }
        Verb::Upsert { by: Match::Fields(names), .. } => Some(Filter::All(
            names.iter().map(|name| equals(name, fields.get(name).cloned().unwrap_or_default())).collect(),
        )),
    }
}

fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Text(text)) => text.is_empty(),
        Some(_) => false,
    }
}
