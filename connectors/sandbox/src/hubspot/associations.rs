//! Which records belong together. Each pair is kept in both directions, for its type has a number in each.
//!
//! Only the associations without a label are here. A change to them stamps no record.

use std::collections::BTreeSet;

use sdk::{Method, Timestamp};
use serde_json::{Map, Value, json};

use super::HubSpot;
use super::auth::Access;
use super::call::Call;
use super::envelope::{Answer, Problem};
use super::kinds::Object;
use super::log::WriteVerb;

/// The longest page.
const LONGEST_PAGE: usize = 500;

/// The type number of a pair without a label, in the direction from the first to the second.
const TYPES: [(&str, &str, u64); 22] = [
    ("contacts", "companies", 279),
    ("companies", "contacts", 280),
    ("contacts", "deals", 4),
    ("deals", "contacts", 3),
    ("deals", "companies", 341),
    ("companies", "deals", 342),
    ("contacts", "tickets", 15),
    ("tickets", "contacts", 16),
    ("tickets", "companies", 339),
    ("companies", "tickets", 340),
    ("deals", "tickets", 27),
    ("tickets", "deals", 28),
    ("notes", "contacts", 202),
    ("contacts", "notes", 201),
    ("notes", "companies", 190),
    ("companies", "notes", 189),
    ("notes", "deals", 214),
    ("deals", "notes", 213),
    ("notes", "tickets", 228),
    ("tickets", "notes", 227),
    ("contacts", "contacts", 449),
    ("companies", "companies", 450),
];

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) object: Object,
    pub(super) id: u64,
}

/// From one record to another; its opposite is kept as well.
pub(super) type Pairs = BTreeSet<(End, End)>;

impl HubSpot {
    /// What follows `/crm/v4/objects/{from}`: only associations have a version four.
    pub(super) fn route_associations(
        &mut self,
        from: Object,
        rest: &[String],
        token: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let to = match rest.as_slice() {
            [_, "associations", "default", to, _] | [_, "associations", to] | [_, "associations", to, _] => to,
            _ => return Err(Problem::no_such_route()),
        };
        let to = Object::of_segment(to)?;
        let access = if call.method == Method::Get { Access::Read } else { Access::Write };
        self.authorize(token, from, access)?;
        self.authorize(token, to, access)?;
        match (call.method, rest.as_slice()) {
            (Method::Put, [id, _, "default", _, other]) => self.put_association(from, id, to, other, now),
            (Method::Get, [id, _, _]) => self.list_associations(from, id, to, call),
            (Method::Delete, [id, _, _, other]) => self.delete_association(from, id, to, other, now),
            _ => Err(Problem::method_not_allowed()),
        }
    }

    /// `PUT /{from}/{id}/associations/default/{to}/{id}`: associating twice is associating once.
    fn put_association(
        &mut self,
        from: Object,
        id: &str,
        to: Object,
        other: &str,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let one = End { object: from, id: self.find(from, id, None)? };
        let other = End { object: to, id: self.find(to, other, None)? };
        let (there, back) = (type_of(from, to)?, type_of(to, from)?);
        self.associate(one, other, now);
        let result = |from: End, to: End, type_id: u64| {
            json!({
                "from": {"id": from.id.to_string()},
                "to": {"id": to.id.to_string()},
                "associationSpec": {"associationCategory": CATEGORY, "associationTypeId": type_id},
            })
        };
        let at = self.server_time(now).to_string();
        let results = [result(one, other, there), result(other, one, back)];
        Ok(Answer::ok(json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at})))
    }

    /// `GET /{from}/{id}/associations/{to}`: ids are numbers here, and nowhere else.
    fn list_associations(&self, from: Object, id: &str, to: Object, call: &Call) -> Result<Answer, Problem> {
        let from = End { object: from, id: self.find(from, id, None)? };
        let type_id = type_of(from.object, to)?;
        let limit = call.limit(LONGEST_PAGE, LONGEST_PAGE)?;
        let after = call.parameter("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let mut others = self.associated(from, to).into_iter().filter(|id| *id >= after);
        let types = json!([{"category": CATEGORY, "typeId": type_id, "label": null}]);
        let results: Vec<Value> =
            others.by_ref().take(limit).map(|id| json!({"toObjectId": id, "associationTypes": types})).collect();
        let mut body = json!({"results": results});
        if let Some(next) = others.next() {
            body["paging"] = json!({"next": {"after": next.to_string()}});
        }
        Ok(Answer::ok(body))
    }

    /// `DELETE /{from}/{id}/associations/{to}/{id}`
    fn delete_association(
        &mut self,
        from: Object,
        id: &str,
        to: Object,
        other: &str,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let one = End { object: from, id: self.find(from, id, None)? };
        let other = End { object: to, id: self.find(to, other, None)? };
        self.pairs.remove(&(one, other));
        self.pairs.remove(&(other, one));
        self.sequence += 1;
        self.note_pair(one, other, WriteVerb::Dissociate, now);
        Ok(Answer::no_content())
    }

    /// Associates two live records in both directions.
    pub(super) fn associate(&mut self, one: End, other: End, now: Timestamp) {
        self.pairs.insert((one, other));
        self.pairs.insert((other, one));
        self.sequence += 1;
        self.note_pair(one, other, WriteVerb::Associate, now);
    }

    /// The live records of one object that this record is associated with, those that were merged as what they became.
    pub(super) fn associated(&self, from: End, to: Object) -> BTreeSet<u64> {
        let now_called = |end: End| End { id: self.table(end.object).survivor(end.id), ..end };
        let of_record = self.pairs.iter().filter(|(one, other)| other.object == to && now_called(*one) == from);
        let others = of_record.map(|(_, other)| now_called(*other).id);
        others.filter(|id| self.table(to).live.contains_key(id)).collect()
    }

    /// The `associations` of a create: whom the new record belongs to. The first that is wrong refuses the record.
    pub(super) fn inline_associations(&self, from: Object, body: &Map<String, Value>) -> Result<Vec<End>, Problem> {
        let invalid = || Problem::validation("One or more associations are invalid");
        let given = match body.get("associations") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(given)) => given,
            Some(_) => return Err(invalid()),
        };
        let mut ends = Vec::new();
        for association in given {
            let id = &association["to"]["id"];
            let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            let types = association["types"].as_array().filter(|types| !types.is_empty()).ok_or_else(invalid)?;
            for written in types {
                let type_id = written["associationTypeId"].as_u64().ok_or_else(invalid)?;
                if written["associationCategory"] != CATEGORY {
                    return Err(invalid());
                }
                let to = to_object(from, type_id)?;
                let id = self.find(to, &id, None).map_err(|_| invalid())?;
                ends.push(End { object: to, id });
            }
        }
        Ok(ends)
    }

    fn note_pair(&mut self, one: End, other: End, verb: WriteVerb, now: Timestamp) {
        let sent = [(other.object.kind().plural.to_owned(), other.id.to_string())];
        let at = self.server_time(now);
        self.note(one.object, at, verb, one.id, &sent, false);
    }
}

/// Who defined the types: labels of an account's own would be `USER_DEFINED`.
const CATEGORY: &str = "HUBSPOT_DEFINED";

fn type_of(from: Object, to: Object) -> Result<u64, Problem> {
    let (from, to) = (from.kind().plural, to.kind().plural);
    let known = TYPES.iter().find(|(one, other, _)| (*one, *other) == (from, to));
    // What the service says of a pair that it does not know was never recorded.
    known
        .map(|(_, _, type_id)| *type_id)
        .ok_or_else(|| Problem::validation(format!("No association type is defined from object type {from} to {to}")))
}

/// Where a type leads; one of another object, or of the opposite direction, is refused.
fn to_object(from: Object, type_id: u64) -> Result<Object, Problem> {
    let known = TYPES.iter().find(|(_, _, known)| *known == type_id);
    let (own, to, _) = known.ok_or_else(|| Problem::validation("One or more associations are invalid"))?;
    let (own, to) = (Object::of_segment(own)?, Object::of_segment(to)?);
    if own != from {
        return Err(Problem::validation(format!(
            "invalid from object type {} for associations to be created. expected: {}",
            own.kind().type_id,
            from.kind().type_id
        )));
    }
    Ok(to)
}
