//! Writing one record.
//!
//! What a second try of the same write does follows from what it is found by, and from what the manifest says of its
//! requests. An upsert that has to look first may make a second record, unless its create is known by a key.

use sdk::{Ambiguous, Class, Error, Fields, Match, RecordId, Repeat, Value, Verb, Write, WriteOutcome, Written};
use serde_json::Value as Json;

use super::RestConnection;
use super::failure::Failure;
use super::failure::Purpose;
use super::find::{can_be_in_address, ids_with, is_id, key_json, same_text};
use super::objects::Object;
use super::records::{Selection, id_in};
use super::search::Asked;
use super::values;
use crate::rest::manifest::{Resource, Retry, Search, TestKind, Upsert, UpsertHow, UpsertKey, WriteOf};
use crate::rest::template::{Root, Scope, plain_text};

/// So many candidates are named.
const MOST_NAMED: usize = 5;

/// Whether a second try is harmless. Before the object is discovered only what holds in every account counts.
pub(super) fn repeat(connection: &RestConnection, write: &Write) -> Repeat {
    let Some(resource) = connection.manifest.resource(&write.object) else { return Repeat::Unsafe };
    let of = |write: &Option<WriteOf>| match write.as_ref().map(|write| write.retry) {
        Some(Retry::Safe | Retry::Idempotent) => Repeat::Safe,
        Some(Retry::Unsafe) | None => Repeat::Unsafe,
    };
    let writes = &resource.write;
    match &write.verb {
        Verb::Update { .. } | Verb::Upsert { by: Match::Id(Some(_)), .. } => of(&writes.update),
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => of(&writes.create),
        Verb::Delete { .. } => of(&writes.delete),
        Verb::Upsert { by: Match::Fields(keys), .. } => {
            let object = connection.objects.peek(&write.object);
            let is_unique = |key: &str| {
                resource.fields.unique.iter().any(|unique| unique == key)
                    || object.as_ref().is_some_and(|object| object.is_unique(key))
            };
            match strategy(resource, keys, is_unique).map(|upsert| &upsert.how) {
                Some(UpsertHow::UpdateByKey) => of(&writes.update),
                Some(UpsertHow::Native(native)) if native.retry != Retry::Unsafe => Repeat::Safe,
                // Looking and then creating is as safe as creating.
                Some(UpsertHow::Search | UpsertHow::Find) => match of(&writes.update) {
                    Repeat::Safe => of(&writes.create),
                    Repeat::Unsafe => Repeat::Unsafe,
                },
                Some(UpsertHow::Native(_)) | None => Repeat::Unsafe,
            }
        }
    }
}

/// Applies the write once.
pub(super) async fn write(connection: &RestConnection, write: &Write) -> Result<WriteOutcome, Error> {
    let keys: &[String] = match &write.verb {
        Verb::Upsert { by: Match::Fields(keys), .. } => keys,
        Verb::Upsert { by: Match::Id(_), .. } | Verb::Create | Verb::Update { .. } | Verb::Delete { .. } => &[],
    };
    let resource = connection.resource(&write.object)?;
    let object = connection.with_fields(&write.object, keys.iter().map(String::as_str)).await?;
    let writer = Writer { connection, resource, object: &object, write };
    let written = match &write.verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => writer.create().await?,
        Verb::Update { id } | Verb::Upsert { by: Match::Id(Some(id)), .. } => writer.update(id).await?,
        Verb::Delete { id } => writer.delete(id).await?,
        Verb::Upsert { by: Match::Fields(keys), ambiguous } => {
            let upsert = strategy(resource, keys, |key| object.is_unique(key)).ok_or_else(|| {
                let message = format!(
                    "{}'s {} cannot be matched on `{}`",
                    connection.manifest.service,
                    resource.name,
                    keys.join("` and `")
                );
                Error::new(Class::Invalid, message)
            })?;
            match (&upsert.how, &keys[..]) {
                (UpsertHow::UpdateByKey, [key]) => writer.update_by_key(key).await?,
                (UpsertHow::Native(native), [key]) => writer.native(native, key).await?,
                (UpsertHow::UpdateByKey | UpsertHow::Native(_) | UpsertHow::Search | UpsertHow::Find, keys) => {
                    return writer.look_first(&upsert.how, keys, *ambiguous).await;
                }
            }
        }
    };
    Ok(WriteOutcome::Written(written))
}

/// The first way to upsert that serves these keys.
pub(super) fn strategy<'a>(
    resource: &'a Resource,
    keys: &[String],
    is_unique: impl Fn(&str) -> bool,
) -> Option<&'a Upsert> {
    resource.write.upsert.iter().find(|upsert| match (&upsert.by, keys) {
        (UpsertKey::Unique, [key]) => is_unique(key),
        (UpsertKey::Fields(fields), [key]) => fields.contains(key),
        (UpsertKey::Unique | UpsertKey::Fields(_), _) => false,
        (UpsertKey::Any, _) => true,
    })
}

/// One write's steps.
struct Writer<'a> {
    connection: &'a RestConnection,
    resource: &'a Resource,
    object: &'a Object,
    write: &'a Write,
}

impl Writer<'_> {
    async fn create(&self) -> Result<Written, Failure> {
        let create = self.need(&self.resource.write.create, "creates")?;
        let id = self.send(create, None, &self.input(None)).await?;
        Ok(Written { id, created: true, changed: true })
    }

    async fn update(&self, id: &RecordId) -> Result<Written, Failure> {
        self.update_without(id, None).await
    }

    /// Updates by id, without sending this field.
    async fn update_without(&self, id: &RecordId, left_out: Option<&str>) -> Result<Written, Failure> {
        let update = self.need(&self.resource.write.update, "updates")?;
        if !is_id(self.connection, id.as_str()) {
            let message =
                format!("{} has no record `{id}` in {}", self.connection.manifest.service, self.resource.name);
            return Err(Error::new(Class::NotFound, message).into());
        }
        let key = key_json(self.object, None, id.as_str());
        let id = self.send(update, Some(&key), &self.input(left_out)).await?;
        Ok(Written { id, created: false, changed: true })
    }

    /// Removes the record; one that is not there is removed already.
    async fn delete(&self, id: &RecordId) -> Result<Written, Failure> {
        let delete = self.need(&self.resource.write.delete, "deletes")?;
        let gone = Written { id: id.clone(), created: false, changed: false };
        if !is_id(self.connection, id.as_str()) {
            return Ok(gone);
        }
        let key = key_json(self.object, None, id.as_str());
        match self.send(delete, Some(&key), &Json::Null).await {
            Ok(id) => Ok(Written { id, created: false, changed: true }),
            Err(failure) if failure.error.class == Class::NotFound => Ok(gone),
            Err(failure) => Err(failure),
        }
    }

    /// Updates the record that has the value; where none has, makes one; where another was faster, updates that.
    async fn update_by_key(&self, key: &str) -> Result<Written, Failure> {
        let value = self.key_text(key)?;
        let update = self.need(&self.resource.write.update, "updates")?;
        let asked = key_json(self.object, Some(key), &value);
        // Found by it, a record has the value. Sending it again could make a second address the first.
        let left_out = (self.write.fields.len() > 1).then_some(key);
        match self.send(update, Some(&asked), &self.input(left_out)).await {
            Err(failure) if failure.error.class == Class::NotFound => {}
            Err(failure) => return Err(failure),
            Ok(id) => return Ok(Written { id, created: false, changed: true }),
        }
        match self.create().await {
            Err(failure) => match failure.holder_of(self.object.key(key)) {
                Some(holder) => {
                    self.is_held_by(holder, key).await?;
                    self.update_without(holder, left_out).await
                }
                None => Err(failure),
            },
            Ok(written) => Ok(written),
        }
    }

    /// Makes sure that a record has the value as its own: a refusal's words alone could name somebody who has it beside
    /// another, or who clashes by something else.
    async fn is_held_by(&self, holder: &RecordId, key: &str) -> Result<(), Error> {
        let selection = self.connection.select(&self.resource.name, std::iter::once(key), None).await?;
        let service = &self.connection.manifest.service;
        match super::find::by_key(self.connection, &selection, None, holder.as_str()).await? {
            Some(record) if self.has(&record.fields, &[key.to_owned()]) => Ok(()),
            Some(_) => {
                let message = format!(
                    "{service} says that record {holder} clashes with this one, and its `{key}` is another; \
                     look at both, for one of them may have it as a second value"
                );
                Err(Error::new(Class::Conflict, message))
            }
            None => {
                Err(Error::new(Class::Transient, format!("{service}'s record {holder} had this `{key}`, and is gone"))
                    .answered())
            }
        }
    }

    /// The service's own upsert; it does not always say whether it created.
    async fn native(&self, native: &WriteOf, key: &str) -> Result<Written, Failure> {
        let asked = key_json(self.object, Some(key), &self.key_text(key)?);
        let id = self.send(native, Some(&asked), &self.input(None)).await?;
        Ok(Written { id, created: false, changed: true })
    }

    /// Looks first. A record that was written moments ago may not be found yet.
    async fn look_first(&self, how: &UpsertHow, keys: &[String], ambiguous: Ambiguous) -> Result<WriteOutcome, Error> {
        let candidates = self.candidates(how, keys).await?;
        match (&candidates[..], ambiguous) {
            ([] | [_], _) | (_, Ambiguous::First | Ambiguous::Oldest) => {}
            (several, Ambiguous::Skip) => return Ok(WriteOutcome::Skipped(self.named(several, keys))),
            (several, Ambiguous::Fail) => return Err(Error::new(Class::Conflict, self.named(several, keys))),
        }
        // The oldest stand first. One that was found and is gone meanwhile is none.
        for candidate in &candidates {
            match self.update(candidate).await {
                Err(failure) if failure.error.class == Class::NotFound => {}
                Err(failure) => return Err(failure.into()),
                Ok(written) => return Ok(WriteOutcome::Written(written)),
            }
        }
        Ok(WriteOutcome::Written(self.create().await?))
    }

    /// The records that have these values, oldest first.
    async fn candidates(&self, how: &UpsertHow, keys: &[String]) -> Result<Vec<RecordId>, Error> {
        for key in keys {
            self.key_text(key)?;
        }
        let name = &self.resource.name;
        let selection = self.connection.select(name, keys.iter().map(String::as_str), None).await?;
        match (how, &self.resource.search) {
            (UpsertHow::Search, Some(search)) => self.searched(search, &selection, keys).await,
            _ => self.found(&selection, keys).await,
        }
    }

    async fn searched(
        &self,
        search: &Search,
        selection: &Selection<'_>,
        keys: &[String],
    ) -> Result<Vec<RecordId>, Error> {
        let mut group = Vec::new();
        for key in keys {
            let value = self.write.fields.get(key).unwrap_or(&Value::Null);
            let term = search.written_term(&self.resource.fields, self.object, key, value);
            let test = term.and_then(|term| search.test(TestKind::Eq, self.object.key(key), &term));
            group.push(test.ok_or_else(|| {
                let service = &self.connection.manifest.service;
                let message = format!("{service} cannot search for this value of `{key}`, so nothing can match on it");
                Error::new(Class::Invalid, message)
            })?);
        }
        let oldest_first = self.resource.stamps.created.as_ref().map(|stamp| self.object.key(&stamp.field));
        let sort = oldest_first.unwrap_or(&search.id_field);
        let asked = Asked { groups: &[group], sort, limit: search.page_size };
        let page = self.connection.search(search, selection, asked).await?.records;
        Ok(page.into_iter().filter(|record| self.has(&record.fields, keys)).map(|record| record.id).collect())
    }

    async fn found(&self, selection: &Selection<'_>, keys: &[String]) -> Result<Vec<RecordId>, Error> {
        let by = keys.iter().find_map(|key| {
            let find = self.resource.finds.iter().find(|find| find.by.contains(key))?;
            Some((find, key))
        });
        let Some((find, key)) = by else {
            let service = &self.connection.manifest.service;
            let message = format!("{service} cannot search for `{}`, so nothing can match on it", keys.join("` and `"));
            return Err(Error::new(Class::Invalid, message));
        };
        let value = self.write.fields.get(key).unwrap_or(&Value::Null);
        let mut ids = ids_with(self.connection, selection, find, key, value).await?;
        // By one key the find itself has decided; by several, each candidate is read.
        if keys.len() > 1 {
            let mut same = Vec::new();
            for id in ids {
                let record = super::find::by_key(self.connection, selection, None, id.as_str()).await?;
                same.extend(record.filter(|record| self.has(&record.fields, keys)).map(|record| record.id));
            }
            ids = same;
        }
        ids.sort_by(|left, right| self.connection.compare_ids(left, right));
        ids.dedup();
        Ok(ids)
    }

    /// Whether a record has the values that are about to be written.
    fn has(&self, fields: &Fields, keys: &[String]) -> bool {
        keys.iter().all(|key| {
            let field = self.object.schema.fields.get(key);
            let sent =
                |value: Option<&Value>| values::write_text(&self.resource.fields, field, value.unwrap_or(&Value::Null));
            same_text(&sent(fields.get(key)), &sent(self.write.fields.get(key)))
        })
    }

    /// The value to match by, which must be one.
    fn key_text(&self, key: &str) -> Result<String, Error> {
        let value = self.write.fields.get(key).unwrap_or(&Value::Null);
        let field = self.object.schema.fields.get(key);
        let text = values::write_text(&self.resource.fields, field, value).trim().to_owned();
        match can_be_in_address(&text) {
            true => Ok(text),
            false => Err(Error::new(Class::Invalid, format!("`{key}` is empty, so no record can be matched by it"))),
        }
    }

    /// What is sent, under the service's own names.
    fn input(&self, left_out: Option<&str>) -> Json {
        let of = &self.resource.fields;
        let mut input = serde_json::Map::new();
        let mut custom = serde_json::Map::new();
        for (name, value) in self.write.fields.iter().filter(|(name, _)| Some(name.as_str()) != left_out) {
            let sent = values::write(of, self.object.schema.fields.get(name), value);
            if let Some(shaped) = of.shaped.get(name) {
                let shape = if sent.is_null() { &shaped.clear } else { &shaped.write };
                if let Json::Object(parts) = shape.render(&Scope::default().with(Root::Value, &sent)) {
                    input.extend(parts);
                }
                continue;
            }
            let key = self.object.key(name).to_owned();
            match self.object.is_custom(name) && of.custom_key.is_some() {
                true => custom.insert(key, sent),
                false => input.insert(key, sent),
            };
        }
        if let Some(key) = of.custom_key.as_ref().filter(|_| !custom.is_empty()) {
            input.insert(key.clone(), Json::Object(custom));
        }
        Json::Object(input)
    }

    /// Sends a write and reads the id of the record it left behind; without one it is not known what happened.
    async fn send(&self, write: &WriteOf, key: Option<&Json>, input: &Json) -> Result<RecordId, Failure> {
        let effect = self.write.effect_id.as_str();
        let op = serde_json::json!({ "id": effect });
        let mut scope = Scope::default().with(Root::Input, input).with(Root::Op, &op);
        if let Some(key) = key {
            scope = scope.with(Root::Key, key);
        }
        let headers: Vec<(&str, &str)> = write.idempotency.iter().map(|name| (name.as_str(), effect)).collect();
        let body = self.connection.client.call(&write.request, scope, Purpose::Write, &headers).await?.body;
        let found = match &write.id {
            Some(id) => id_in(id, &Scope::default().with(Root::Body, &body)),
            // A service that answers an update with nothing has updated what was named.
            None => key.and_then(|key| plain_text(key.get("value")?)).map(RecordId::new),
        };
        let found =
            found.ok_or_else(|| self.connection.odd_answer("does not say which record was written").maybe_applied())?;
        Ok(found)
    }

    fn need<'a>(&self, write: &'a Option<WriteOf>, does: &str) -> Result<&'a WriteOf, Error> {
        write.as_ref().ok_or_else(|| {
            let message = format!("nothing {does} {} at {}", self.resource.name, self.connection.manifest.service);
            Error::new(Class::Invalid, message)
        })
    }

    fn named(&self, candidates: &[RecordId], keys: &[String]) -> String {
        let named: Vec<_> = candidates.iter().take(MOST_NAMED).map(RecordId::as_str).collect();
        let more = if candidates.len() > MOST_NAMED { ", …" } else { "" };
        format!(
            "{} {} have this `{}`: {}{more}",
            candidates.len(),
            self.resource.name,
            keys.join("` and `"),
            named.join(", ")
        )
    }
}
