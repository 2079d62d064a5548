//! Records one at a time: create, get, list, patch, archive, merge, purge. All of these read their own writes.

use std::ops::Bound;
use std::sync::Arc;

use sdk::Timestamp;
use serde_json::{Map, Value, json};

use super::HubSpot;
use super::associations::End;
use super::call::Call;
use super::envelope::{Answer, Problem};
use super::kinds::Object;
use super::log::WriteVerb;
use super::table::Version;
use super::values::{only_members, refusal, texts};

/// Which properties an answer shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown<'a> {
    /// The object's few defaults.
    Defaults,
    /// Whatever has a value: the wider set that writes answer with.
    Everything,
    /// These; those without a value as `null`, those that do not exist left out.
    Named(&'a [String]),
}

impl<'a> Shown<'a> {
    pub(super) fn of(names: Option<&'a [String]>) -> Self {
        names.map_or(Self::Defaults, Self::Named)
    }
}

impl HubSpot {
    /// `POST /{object}`
    pub(super) fn post_object(&mut self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let body = call.json()?;
        only_members(&body, &["properties", "associations", "objectWriteTraceId"])?;
        let given = texts(body.get("properties"))?;
        let values = self.accept(object, &given).map_err(|bad| refusal(&bad, self.options.portal_id))?;
        self.require(object, &values)?;
        if let Some(clash) = self.clash(object, &values, None) {
            return Err(self.clash_problem(object, &clash, None));
        }
        let others = self.inline_associations(object, &body)?;
        let id = self.create(object, now, &values, &given, WriteVerb::Create);
        for other in others {
            self.associate(End { object, id }, other, now);
        }
        Ok(Answer::created(self.shown_live(object, id, Shown::Everything)?))
    }

    /// `GET /{object}/{id}`
    pub(super) fn get_object(&self, object: Object, id: &str, call: &Call) -> Result<Answer, Problem> {
        no_history(call)?;
        let names = call.list("properties");
        let shown = Shown::of(names.as_deref());
        if call.flag("archived")? {
            let id = numeric_id(id)?;
            let version = self.table(object).archived.get(&id).ok_or_else(Problem::resource_not_found)?;
            return Ok(Answer::ok(self.shown(object, version, shown)));
        }
        let id = self.find(object, id, call.parameter("idProperty"))?;
        Ok(Answer::ok(self.shown_live(object, id, shown)?))
    }

    /// `GET /{object}`: the cursor is the id of the next record.
    pub(super) fn list_objects(&self, object: Object, call: &Call) -> Result<Answer, Problem> {
        no_history(call)?;
        let limit = call.limit(10, 100)?;
        let names = call.list("properties");
        let shown = Shown::of(names.as_deref());
        let after = match call.parameter("after") {
            None | Some("") => 0,
            Some(text) => {
                text.parse::<u64>().map_err(|_| Problem::validation(format!("'after' was not valid: {text}")))?
            }
        };
        let table = self.table(object);
        let records = if call.flag("archived")? { &table.archived } else { &table.live };
        let mut rows = records.range((Bound::Included(after), Bound::Unbounded)).map(|(_, version)| version);
        let results: Vec<Value> = rows.by_ref().take(limit).map(|version| self.shown(object, version, shown)).collect();
        let mut body = json!({"results": results});
        if let Some(next) = rows.next() {
            let others: Vec<String> = call
                .query
                .iter()
                .filter(|(name, _)| name != "after")
                .map(|(name, value)| format!("{name}={}&", value.replace(' ', "%20")))
                .collect();
            let link = format!("{}{}?{}after={}", call.origin, call.path_text, others.concat(), next.id);
            body["paging"] = json!({"next": {"after": next.id.to_string(), "link": link}});
        }
        Ok(Answer::ok(body))
    }

    /// `PATCH /{object}/{id}`: no upsert; a value of `idProperty` that nobody has is 404.
    pub(super) fn patch_object(
        &mut self,
        object: Object,
        id: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let body = call.json()?;
        only_members(&body, &["properties", "objectWriteTraceId"])?;
        let given = texts(body.get("properties"))?;
        let id = self.find(object, id, call.parameter("idProperty"))?;
        let values = self.accept(object, &given).map_err(|bad| refusal(&bad, self.options.portal_id))?;
        if let Some(clash) = self.clash(object, &values, Some(id)) {
            return Err(self.clash_problem(object, &clash, Some(id)));
        }
        self.update(object, id, now, &values, &given, WriteVerb::Update);
        Ok(Answer::ok(self.shown_live(object, id, Shown::Everything)?))
    }

    /// `DELETE /{object}/{id}`
    pub(super) fn delete_object(&mut self, object: Object, id: &str, now: Timestamp) -> Result<Answer, Problem> {
        let id = self.find(object, id, None)?;
        self.archive(object, id, now);
        Ok(Answer::no_content())
    }

    /// `POST /{object}/merge`: the loser's values fill the survivor's gaps, and its id leads to the survivor.
    pub(super) fn merge_objects(&mut self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let body = call.json()?;
        only_members(&body, &["primaryObjectId", "objectIdToMerge"])?;
        let winner = self.find(object, text_member(&body, "primaryObjectId")?, None)?;
        let loser = self.find(object, text_member(&body, "objectIdToMerge")?, None)?;
        if winner == loser {
            return Err(Problem::validation("primaryObjectId and objectIdToMerge must not be the same record"));
        }
        self.merge(object, winner, loser, now);
        Ok(Answer::ok(self.shown_live(object, winner, Shown::Everything)?))
    }

    /// Merges two live records.
    pub(super) fn merge(&mut self, object: Object, winner: u64, loser: u64, now: Timestamp) {
        let stamp = self.stamp(now);
        let table = self.table_mut(object);
        let Some(lost) = table.take(loser) else { return };
        let Some(kept) = table.live.get(&winner) else { return };
        let mut version = (**kept).clone();
        for (name, value) in lost.values.iter() {
            if let Some(property) = table.definitions.properties.get(name)
                && version.values.get(name).is_none()
            {
                version.values.set(&property.name, value);
            }
        }
        let earlier = version.values.get("hs_merged_object_ids").map(|ids| format!("{ids};")).unwrap_or_default();
        version.values.set(&Arc::from("hs_merged_object_ids"), &format!("{earlier}{loser}"));
        version.modified_at = version.modified_at.max(stamp);
        table.merged.insert(loser, winner);
        self.commit(object, now, version);
        self.note(object, stamp, WriteVerb::Merge, winner, &[("objectIdToMerge".to_owned(), loser.to_string())], false);
    }

    /// `POST /contacts/gdpr-delete`: gone for good, from the archive as well.
    pub(super) fn gdpr_delete(&mut self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        if object.kind().plural != "contacts" {
            return Err(Problem::no_such_route());
        }
        let body = call.json()?;
        only_members(&body, &["objectId", "idProperty"])?;
        let id_property = body.get("idProperty").and_then(Value::as_str);
        let id = self.find(object, text_member(&body, "objectId")?, id_property)?;
        let stamp = self.stamp(now);
        self.table_mut(object).take(id);
        self.note(object, stamp, WriteVerb::GdprDelete, id, &[], false);
        Ok(Answer::no_content())
    }

    /// The live record that an id or a unique value leads to.
    pub(super) fn find(&self, object: Object, id: &str, id_property: Option<&str>) -> Result<u64, Problem> {
        let table = self.table(object);
        match id_property {
            None | Some("" | "hs_object_id") => {
                let id = table.survivor(numeric_id(id)?);
                if table.live.contains_key(&id) { Ok(id) } else { Err(Problem::resource_not_found()) }
            }
            Some(name) if table.is_unique(name) => table.holder(name, id).ok_or_else(Problem::resource_not_found),
            Some(name) => Err(not_unique(name)),
        }
    }

    /// A live record as JSON.
    pub(super) fn shown_live(&self, object: Object, id: u64, shown: Shown<'_>) -> Result<Value, Problem> {
        let version = self.table(object).live.get(&id).ok_or_else(Problem::resource_not_found)?;
        Ok(self.shown(object, version, shown))
    }

    /// One version as JSON.
    pub(super) fn shown(&self, object: Object, version: &Version, shown: Shown<'_>) -> Value {
        let kind = object.kind();
        let definitions = &self.table(object).definitions;
        let value = |name: &str| version.text(kind, name).map_or(Value::Null, |text| json!(text));
        let properties: Map<String, Value> = match shown {
            Shown::Defaults => kind.defaults.iter().map(|name| ((*name).to_owned(), value(name))).collect(),
            Shown::Everything => version.names(kind, definitions).map(|name| (name.to_owned(), value(name))).collect(),
            Shown::Named(names) => names
                .iter()
                .filter(|name| definitions.get(name).is_some())
                .map(|name| (name.clone(), value(name)))
                .collect(),
        };
        let mut body = json!({
            "id": version.id.to_string(),
            "properties": properties,
            "createdAt": version.created_at.to_string(),
            "updatedAt": version.modified_at.to_string(),
            "archived": version.archived_at.is_some(),
            "url": format!(
                "https://app.hubspot.com/contacts/{}/record/{}/{}",
                self.options.portal_id, kind.type_id, version.id
            ),
        });
        if let Some(archived_at) = version.archived_at {
            body["archivedAt"] = json!(archived_at.to_string());
        }
        body
    }
}

/// Ids are digits; anything else has its own refusal.
pub(super) fn numeric_id(text: &str) -> Result<u64, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && let Ok(id) = text.parse() {
        return Ok(id);
    }
    let message = "Object not found.  objectId are usually numeric.";
    Err(Problem::new(404, "OBJECT_NOT_FOUND", message).with_context("id", vec![text.to_owned()]))
}

pub(super) fn not_unique(name: &str) -> Problem {
    Problem::validation(format!("Property '{name}' cannot be used as idProperty: its values are not unique"))
}

/// Associations within a batch are not part of this account; an empty list, as the SDKs send it, is fine.
pub(super) fn no_associations(body: &Map<String, Value>) -> Result<(), Problem> {
    match body.get("associations") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(list)) if list.is_empty() => Ok(()),
        Some(_) => Err(Problem::validation("One or more associations are invalid")),
    }
}

fn no_history(call: &Call) -> Result<(), Problem> {
    match call.parameter("propertiesWithHistory") {
        None | Some("") => Ok(()),
        Some(_) => Err(Problem::validation("this account keeps no property history")),
    }
}

fn text_member<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Problem> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Problem::validation(format!("Invalid input JSON: '{name}' is required and must be a string")))
}
