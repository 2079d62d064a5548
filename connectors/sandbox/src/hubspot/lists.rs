//! Lists of records. Members of a manual list are put in and taken out by hand; a dynamic one decides for itself.

use std::collections::BTreeMap;

use sdk::{Method, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::HubSpot;
use super::auth::missing_scopes;
use super::call::Call;
use super::envelope::{Answer, Problem};
use super::kinds::Object;
use super::log::WriteVerb;
use super::values::only_members;

/// All lists of an account, by id.
pub(super) type Lists = BTreeMap<u64, RecordList>;

/// One list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RecordList {
    name: String,
    /// The plural name of what it lists.
    object: String,
    processing: Processing,
    /// Since when.
    members: BTreeMap<u64, Timestamp>,
}

/// Who decides what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Processing {
    Manual,
    Dynamic,
    Snapshot,
}

impl Processing {
    const ALL: [(&'static str, Self); 3] =
        [("MANUAL", Self::Manual), ("DYNAMIC", Self::Dynamic), ("SNAPSHOT", Self::Snapshot)];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}

/// What a membership call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

impl HubSpot {
    /// What follows `/crm/v3/lists`.
    pub(super) fn route_lists(
        &mut self,
        rest: &[String],
        token: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let any_of: &[&str] = if call.method == Method::Get { &["crm.lists.read"] } else { &["crm.lists.write"] };
        if !self.has_scope(token, any_of) {
            return Err(missing_scopes(any_of));
        }
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        match (call.method, rest.as_slice()) {
            (Method::Post, []) => self.post_list(call),
            (Method::Get, [id]) => {
                let (id, list) = self.list(id)?;
                Ok(Answer::ok(json!({"list": list.body(id)})))
            }
            (Method::Get, [id, "memberships"]) => self.list_members(id, call),
            (Method::Put, [id, "memberships", "add"]) => self.change_members(id, Change::Add, call, now),
            (Method::Put, [id, "memberships", "remove"]) => self.change_members(id, Change::Remove, call, now),
            (_, [] | [_] | [_, "memberships"] | [_, "memberships", "add" | "remove"]) => {
                Err(Problem::method_not_allowed())
            }
            _ => Err(Problem::no_such_route()),
        }
    }

    /// `POST /lists`: answers 200, although it creates.
    fn post_list(&mut self, call: &Call) -> Result<Answer, Problem> {
        let body = call.json()?;
        only_members(&body, &["name", "objectTypeId", "processingType", "filterBranch"])?;
        let text = |name: &str| {
            let missing = || Problem::validation(format!("Invalid input JSON: '{name}' is required"));
            body.get(name).and_then(Value::as_str).ok_or_else(missing)
        };
        let object = Object::of_segment(text("objectTypeId")?)?;
        let word = text("processingType")?;
        let processing = Processing::ALL.iter().find(|(known, _)| *known == word).map(|(_, processing)| *processing);
        let processing = processing.ok_or_else(|| Problem::validation(format!("Unknown processing type '{word}'")))?;
        if processing == Processing::Dynamic && body.get("filterBranch").is_none_or(Value::is_null) {
            return Err(Problem::validation("A list of processing type DYNAMIC must have filters"));
        }
        let name = text("name")?.to_owned();
        if self.lists.values().any(|list| list.name == name) {
            let mut problem = Problem::validation(format!("A list named '{name}' already exists"));
            problem.more.sub_category = Some("ILS.DUPLICATE_LIST_NAMES");
            return Err(problem);
        }
        let id = self.lists.last_key_value().map_or(1, |(id, _)| id + 1);
        let list = RecordList { name, object: object.kind().plural.to_owned(), processing, members: BTreeMap::new() };
        let answer = json!({"list": list.body(id)});
        self.lists.insert(id, list);
        self.sequence += 1;
        Ok(Answer::ok(answer))
    }

    /// `GET /lists/{id}/memberships`, by record id.
    fn list_members(&self, id: &str, call: &Call) -> Result<Answer, Problem> {
        let (_, list) = self.list(id)?;
        let limit = call.limit(100, 250)?;
        let after: u64 = call.parameter("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let mut members = list.members.range(after..);
        let results: Vec<Value> = members
            .by_ref()
            .take(limit)
            .map(|(id, since)| json!({"recordId": id.to_string(), "membershipTimestamp": since.to_string()}))
            .collect();
        let mut body = json!({"results": results, "total": list.members.len()});
        if let Some((next, _)) = members.next() {
            body["paging"] = json!({"next": {"after": next.to_string()}});
        }
        Ok(Answer::ok(body))
    }

    /// `PUT /lists/{id}/memberships/add` and `/remove`: 200 even where no record of the ids exists.
    fn change_members(&mut self, id: &str, change: Change, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let ids: Vec<String> = serde_json::from_slice(&call.body)
            .map_err(|_| Problem::validation("Invalid input JSON: expected a list of record ids, each a string"))?;
        let (list_id, list) = self.list(id)?;
        if list.processing == Processing::Dynamic {
            // The service's own words for this were never recorded.
            return Err(Problem::validation("Memberships of a list of processing type DYNAMIC cannot be changed"));
        }
        let object = Object::of_segment(&list.object)?;
        let at = self.server_time(now);
        let (mut changed, mut missing) = (Vec::new(), Vec::new());
        for text in ids {
            let Ok(record) = self.find(object, &text, None) else {
                missing.push(text);
                continue;
            };
            let Some(list) = self.lists.get_mut(&list_id) else { continue };
            let is_change = match change {
                Change::Add => list.members.insert(record, at).is_none(),
                Change::Remove => list.members.remove(&record).is_some(),
            };
            if is_change {
                changed.push(record.to_string());
            }
            let verb = match change {
                Change::Add => WriteVerb::AddToList,
                Change::Remove => WriteVerb::RemoveFromList,
            };
            self.sequence += 1;
            self.note(object, at, verb, record, &[("list".to_owned(), list_id.to_string())], false);
        }
        let nothing: Vec<String> = Vec::new();
        let (added, removed) = match change {
            Change::Add => (&changed, &nothing),
            Change::Remove => (&nothing, &changed),
        };
        // The first of these names is the service's own spelling.
        Ok(Answer::ok(json!({
            "recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing,
        })))
    }

    fn list(&self, id: &str) -> Result<(u64, &RecordList), Problem> {
        let id = id.parse().map_err(|_| Problem::resource_not_found())?;
        self.lists.get(&id).map(|list| (id, list)).ok_or_else(Problem::resource_not_found)
    }
}

impl RecordList {
    fn body(&self, id: u64) -> Value {
        let type_id = Object::named(&self.object).map_or("", |object| object.kind().type_id);
        json!({
            "listId": id.to_string(),
            "name": self.name,
            "objectTypeId": type_id,
            "processingType": self.processing.word(),
            "processingStatus": "COMPLETE",
        })
    }
}
