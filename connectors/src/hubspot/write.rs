//! Writing one record.
//!
//! HubSpot takes no idempotency key. What a second try of the same write does follows from what it is found by:
//! an update by id, or an upsert by a unique property, leaves the same record in the same state; a create, or an
//! upsert that has to search first, may make a second record.

use sdk::{
    Ambiguous, Class, Error, Fields, Match, Method, RecordId, Repeat, Value, Verb, Write, WriteOutcome, Written,
};
use serde_json::{Value as Json, json};

use super::HubSpotConnection;
use super::client::{Call, Purpose};
use super::failure::{Failure, id_of};
use super::find::is_id;
use super::objects::{self, CREATED, Object};
use super::search::{LONGEST_PAGE, Search, condition, written_term};
use super::values;

/// So many candidates are named.
const MOST_NAMED: usize = 5;

/// Whether a second try is harmless. Before the object is discovered only what holds in every account counts.
pub(super) fn repeat(connection: &HubSpotConnection, write: &Write) -> Repeat {
    match &write.verb {
        Verb::Update { .. } | Verb::Upsert { by: Match::Id(Some(_)), .. } => Repeat::Safe,
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => Repeat::Unsafe,
        Verb::Upsert { by: Match::Fields(keys), .. } => match &keys[..] {
            [key] if objects::is_always_unique(&write.object, key) => Repeat::Safe,
            [key] => match connection.objects.peek(&write.object) {
                Some(object) if is_unique(&object, key) => Repeat::Safe,
                Some(_) | None => Repeat::Unsafe,
            },
            _ => Repeat::Unsafe,
        },
    }
}

/// Applies the write once.
pub(super) async fn write(connection: &HubSpotConnection, write: &Write) -> Result<WriteOutcome, Error> {
    let keys: &[String] = match &write.verb {
        Verb::Upsert { by: Match::Fields(keys), .. } => keys,
        Verb::Upsert { by: Match::Id(_), .. } | Verb::Create | Verb::Update { .. } => &[],
    };
    let object =
        connection.objects.with_fields(&connection.client, &write.object, keys.iter().map(String::as_str)).await?;
    let writer = Writer { connection, object: &object };
    let properties = properties(&object, &write.fields);
    let written = match &write.verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => writer.create(&properties).await?,
        Verb::Update { id } | Verb::Upsert { by: Match::Id(Some(id)), .. } => writer.update(id, &properties).await?,
        Verb::Upsert { by: Match::Fields(keys), ambiguous } => match &keys[..] {
            [key] if is_unique(&object, key) => writer.upsert_by_unique(key, &properties).await?,
            keys => return writer.upsert_by_search(keys, *ambiguous, &write.fields, &properties).await,
        },
    };
    Ok(WriteOutcome::Written(written))
}

fn is_unique(object: &Object, key: &str) -> bool {
    object.schema.fields.get(key).is_some_and(|field| field.unique)
}

/// A record's properties as they are sent, and one write's steps.
type Properties = serde_json::Map<String, Json>;

struct Writer<'a> {
    connection: &'a HubSpotConnection,
    object: &'a Object,
}

impl Writer<'_> {
    async fn create(&self, properties: &Properties) -> Result<Written, Failure> {
        let path = ["crm", "v3", "objects", &self.object.schema.name];
        let call = Call::write(Method::Post, &path).body(json!({ "properties": properties }));
        Ok(Written { id: self.written(call).await?, created: true, changed: true })
    }

    async fn update(&self, id: &RecordId, properties: &Properties) -> Result<Written, Failure> {
        if !is_id(id.as_str()) {
            let message = format!("HubSpot has no record `{id}` in {}: its ids are numbers", self.object.schema.name);
            return Err(Error::new(Class::NotFound, message).into());
        }
        self.patch(id.as_str(), &[], properties).await
    }

    async fn patch(&self, key: &str, query: &[(&str, &str)], properties: &Properties) -> Result<Written, Failure> {
        let path = ["crm", "v3", "objects", &self.object.schema.name, key];
        let call = Call::write(Method::Patch, &path).query(query).body(json!({ "properties": properties }));
        Ok(Written { id: self.written(call).await?, created: false, changed: true })
    }

    /// Sends a write and reads the id of the record it left behind; without one it is not known what happened.
    async fn written(&self, call: Call<'_>) -> Result<RecordId, Failure> {
        debug_assert_eq!(call.purpose, Purpose::Write);
        let answer = self.connection.client.call(call).await?;
        let id = id_of(&answer.body).ok_or_else(|| {
            Error::new(Class::Transient, "HubSpot's answer does not say which record was written").maybe_applied()
        })?;
        Ok(id)
    }

    /// Updates the record that has the value; where none has, makes one; where another was faster, updates that.
    async fn upsert_by_unique(&self, key: &str, properties: &Properties) -> Result<Written, Failure> {
        let value = properties.get(key).and_then(Json::as_str).unwrap_or_default().trim();
        if matches!(value, "" | "." | "..") {
            return Err(empty_key(key).into());
        }
        // Found by it, a record has the value. Sending it again would make a contact's second address its first.
        let mut others = properties.clone();
        if others.len() > 1 {
            others.remove(key);
        }
        match self.patch(value, &[("idProperty", key)], &others).await {
            Err(failure) if failure.error.class == Class::NotFound => {}
            outcome => return outcome,
        }
        match self.create(properties).await {
            Err(failure) => match failure.holder_of(key) {
                Some(holder) => self.patch(holder.as_str(), &[], &others).await,
                None => Err(failure),
            },
            Ok(written) => Ok(written),
        }
    }

    /// Searches first. A record that was written moments ago may not be found yet.
    async fn upsert_by_search(
        &self,
        keys: &[String],
        ambiguous: Ambiguous,
        fields: &Fields,
        properties: &Properties,
    ) -> Result<WriteOutcome, Error> {
        let candidates = self.candidates(keys, fields).await?;
        let written = match (&candidates[..], ambiguous) {
            ([], _) => self.create(properties).await?,
            // The oldest stand first, and that is HubSpot's own order too.
            ([only], _) => self.update(only, properties).await?,
            ([first, ..], Ambiguous::First | Ambiguous::Oldest) => self.update(first, properties).await?,
            (several, Ambiguous::Skip) => return Ok(WriteOutcome::Skipped(self.named(several, keys))),
            (several, Ambiguous::Fail) => return Err(Error::new(Class::Conflict, self.named(several, keys))),
        };
        Ok(WriteOutcome::Written(written))
    }

    /// The records that have these values, oldest first. Texts are compared without case, as HubSpot's search does:
    /// a domain in capitals is still the same company.
    async fn candidates(&self, keys: &[String], fields: &Fields) -> Result<Vec<RecordId>, Error> {
        let mut group = Vec::new();
        for key in keys {
            let value = fields.get(key).unwrap_or(&Value::Null);
            if values::write(self.object.schema.fields.get(key), value).trim().is_empty() {
                return Err(empty_key(key));
            }
            let term = written_term(self.object, key, value).ok_or_else(|| {
                let message = format!("HubSpot cannot search for this value of `{key}`, so nothing can match on it");
                Error::new(Class::Invalid, message)
            })?;
            group.push(condition(key, "EQ", term));
        }
        let name = &self.object.schema.name;
        let selection = self.connection.select(name, keys.iter().map(String::as_str), None).await?;
        let search = Search { groups: &[group], sort: CREATED, limit: LONGEST_PAGE };
        let page = self.connection.search(&selection, search).await?.records;
        let same = |record: &sdk::Record| {
            keys.iter().all(|key| {
                let sent = |value: Option<&Value>| {
                    values::write(self.object.schema.fields.get(key), value.unwrap_or(&Value::Null)).to_lowercase()
                };
                sent(record.fields.get(key)).trim() == sent(fields.get(key)).trim()
            })
        };
        Ok(page.into_iter().filter(same).map(|record| record.id).collect())
    }

    fn named(&self, candidates: &[RecordId], keys: &[String]) -> String {
        let named: Vec<_> = candidates.iter().take(MOST_NAMED).map(RecordId::as_str).collect();
        let more = if candidates.len() > MOST_NAMED { ", …" } else { "" };
        format!(
            "{} {} have this `{}`: {}{more}",
            candidates.len(),
            self.object.schema.name,
            keys.join("` and `"),
            named.join(", ")
        )
    }
}

fn properties(object: &Object, fields: &Fields) -> Properties {
    let sent = |(name, value): (&String, &Value)| {
        (name.clone(), Json::from(values::write(object.schema.fields.get(name), value)))
    };
    fields.iter().map(sent).collect()
}

fn empty_key(key: &str) -> Error {
    Error::new(Class::Invalid, format!("`{key}` is empty, so no record can be matched by it"))
}
