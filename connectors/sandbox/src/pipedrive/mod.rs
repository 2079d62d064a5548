//! A stand-in of Pipedrive: persons and organizations, as its second API lists, searches, reads and writes them.
//!
//! What makes it another shape than a CRM with a search language: there is no upsert and no unique field, every call
//! costs tokens of a day's budget, lists go on by a cursor, stamps are whole seconds, and the account's own fields are
//! called by 40 hexadecimal digits.

use std::collections::BTreeMap;

use sdk::{Method, Request, Response, Timestamp};
use serde_json::{Map, Value as Json, json};

mod call;
mod fields;
mod transport;

use call::Call;
pub use fields::FAVOURITE_COLOUR;
pub use transport::PipedriveTransport;

/// The token that the account takes.
pub const DEFAULT_TOKEN: &str = "6f1e0c5a9b7d4832a1c0ffee5d2b9e47c3a8f610";

/// One account.
#[derive(Debug)]
pub struct Pipedrive {
    records: BTreeMap<&'static str, BTreeMap<u64, Json>>,
    next_id: u64,
    /// Tokens of the day that are left.
    pub tokens: u64,
    notes: Vec<Json>,
    n_calls: u64,
    /// The call whose answer is lost after it was applied, counted from 1.
    pub lose_answer_of: Option<u64>,
}

/// The most rows of a page.
const PAGE: usize = 100;

impl Default for Pipedrive {
    fn default() -> Self {
        Self {
            records: fields::OBJECTS.into_iter().map(|object| (object, BTreeMap::new())).collect(),
            next_id: 0,
            tokens: 30_000,
            notes: Vec::new(),
            n_calls: 0,
            lose_answer_of: None,
        }
    }
}

impl Pipedrive {
    /// Calls that arrived so far.
    pub fn calls(&self) -> u64 {
        self.n_calls
    }

    /// The records of an object, in the order of their ids.
    pub fn records(&self, object: &str) -> impl Iterator<Item = &Json> {
        self.records.get(object).into_iter().flat_map(BTreeMap::values)
    }

    /// The notes, in the order in which they were made.
    pub fn notes(&self) -> &[Json] {
        &self.notes
    }

    /// Puts a record in, as a person at the service's own pages would.
    pub fn insert(&mut self, object: &str, fields: Json, now: Timestamp) -> u64 {
        let Some(records) = self.records.get_mut(object) else { return 0 };
        self.next_id += 1;
        let mut record = json!({ "id": self.next_id, "add_time": seconds(now), "update_time": seconds(now) });
        merge(&mut record, &fields);
        records.insert(self.next_id, record);
        self.next_id
    }

    /// The answer to a request that arrives at `now`, and whether it gets lost on its way back.
    pub(crate) fn exchange(&mut self, request: &Request, now: Timestamp) -> Option<Response> {
        let response = self.handle(request, now);
        (self.lose_answer_of != Some(self.n_calls)).then_some(response)
    }

    /// The answer to a request that arrives at `now`.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        self.n_calls += 1;
        let call = Call::read(request);
        if call.token.as_deref() != Some(DEFAULT_TOKEN) {
            return self.refused(401, "unauthorized access", now);
        }
        let cost = call.cost();
        if self.tokens < cost {
            self.tokens = 0;
            return self.refused(429, "Daily request limit reached", now);
        }
        self.tokens -= cost;
        match self.answered(&call, now) {
            Ok((status, body)) => self.response(status, &body, now),
            Err((status, message)) => self.refused(status, &message, now),
        }
    }

    fn answered(&mut self, call: &Call, now: Timestamp) -> Result<(u16, Json), (u16, String)> {
        let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        match (call.method, &path[..]) {
            (Method::Get, ["v1", "users", "me"]) => {
                Ok((200, data(json!({ "id": 7, "name": "Ada", "company_id": 5512, "company_name": "Analytical" }))))
            }
            (Method::Get, ["v1", "personFields"]) => Ok((200, self.fields(call, "persons"))),
            (Method::Get, ["v1", "organizationFields"]) => Ok((200, self.fields(call, "organizations"))),
            (Method::Post, ["v1", "notes"]) => self.note(call),
            (Method::Get, ["api", "v2", object, "search"]) => self.search(call, object),
            (Method::Get, ["api", "v2", object]) => self.list(call, object),
            (Method::Get, ["api", "v2", object, id]) => Ok((200, data(self.record(object, id)?.clone()))),
            (Method::Post, ["api", "v2", object]) => self.create(call, object, now),
            (Method::Patch, ["api", "v2", object, id]) => self.update(call, object, id, now),
            (Method::Delete, ["api", "v2", object, id]) => self.remove(object, id),
            _ => Err((404, "Unknown method".to_owned())),
        }
    }

    fn fields(&self, call: &Call, object: &str) -> Json {
        let start: usize = call.query("start").and_then(|start| start.parse().ok()).unwrap_or(0);
        let all = fields::of(object);
        let more = start + 3 < all.len();
        let page: Vec<Json> = all.into_iter().skip(start).take(3).collect();
        let next = if more { json!(start + 3) } else { Json::Null };
        json!({
            "success": true,
            "data": page,
            "additional_data": { "pagination": { "more_items_in_collection": more, "next_start": next } },
        })
    }

    fn list(&self, call: &Call, object: &str) -> Result<(u16, Json), (u16, String)> {
        let records = self.records.get(object).ok_or_else(|| (404, "Unknown object".to_owned()))?;
        let sort = call.query("sort_by").unwrap_or("id");
        if !["id", "add_time", "update_time"].contains(&sort) {
            return Err((400, format!("Parameter 'sort_by' must not be {sort}")));
        }
        let since = call.query("updated_since").unwrap_or_default();
        let limit: usize = call.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).min(500);
        let mut rows: Vec<&Json> =
            records.values().filter(|row| row["update_time"].as_str().is_some_and(|at| at >= since)).collect();
        let key = |row: &Json| (row[sort].as_str().unwrap_or_default().to_owned(), row["id"].as_u64());
        rows.sort_by_key(|row| key(row));
        if call.query("sort_direction") == Some("desc") {
            rows.reverse();
        }
        let start: usize = call.query("cursor").and_then(|cursor| cursor.strip_prefix('c')?.parse().ok()).unwrap_or(0);
        let page: Vec<Json> = rows.iter().skip(start).take(limit).map(|row| (*row).clone()).collect();
        let next = if start + limit < rows.len() { json!(format!("c{}", start + limit)) } else { Json::Null };
        Ok((200, json!({ "success": true, "data": page, "additional_data": { "next_cursor": next } })))
    }

    fn search(&self, call: &Call, object: &str) -> Result<(u16, Json), (u16, String)> {
        let records = self.records.get(object).ok_or_else(|| (404, "Unknown object".to_owned()))?;
        let term = call.query("term").unwrap_or_default().to_lowercase();
        if term.chars().count() < 2 && call.query("exact_match") != Some("true") {
            return Err((400, "Search term must be at least 2 characters long".to_owned()));
        }
        let field = call.query("fields").unwrap_or("name");
        let exact = call.query("exact_match") == Some("true");
        let fits = |text: &str| if exact { text.to_lowercase() == term } else { text.to_lowercase().contains(&term) };
        let texts = |row: &Json| -> Vec<String> {
            let many = match field {
                "email" => "emails",
                "phone" => "phones",
                other => return row[other].as_str().map(str::to_owned).into_iter().collect(),
            };
            let all = row[many].as_array().into_iter().flatten();
            all.filter_map(|one| one["value"].as_str().map(str::to_owned)).collect()
        };
        let items: Vec<Json> = records
            .values()
            .filter(|row| texts(row).iter().any(|text| fits(text)))
            .map(|row| json!({ "result_score": 1, "item": { "id": row["id"], "name": row["name"] } }))
            .collect();
        Ok((200, json!({ "success": true, "data": { "items": items }, "additional_data": { "next_cursor": null } })))
    }

    fn record(&self, object: &str, id: &str) -> Result<&Json, (u16, String)> {
        let found = self.records.get(object).and_then(|records| records.get(&id.parse().ok()?));
        found.ok_or_else(|| (404, "Record not found".to_owned()))
    }

    fn create(&mut self, call: &Call, object: &str, now: Timestamp) -> Result<(u16, Json), (u16, String)> {
        fields::judge(object, &call.body)?;
        if call.body["name"].as_str().unwrap_or_default().is_empty() {
            return Err((400, "Parameter 'name' is required".to_owned()));
        }
        let id = self.insert(object, call.body.clone(), now);
        Ok((201, data(self.record(object, &id.to_string())?.clone())))
    }

    /// A note belongs to somebody, and says something.
    fn note(&mut self, call: &Call) -> Result<(u16, Json), (u16, String)> {
        if call.body["content"].as_str().unwrap_or_default().is_empty() {
            return Err((400, "Parameter 'content' is required".to_owned()));
        }
        let mut n_owners = 0;
        for (name, object) in [("person_id", "persons"), ("org_id", "organizations")] {
            if let Some(id) = call.body[name].as_u64() {
                self.record(object, &id.to_string())?;
                n_owners += 1;
            }
        }
        if n_owners == 0 {
            return Err((400, "One of deal_id, lead_id, person_id, org_id is required".to_owned()));
        }
        self.next_id += 1;
        let mut note = call.body.clone();
        note["id"] = self.next_id.into();
        self.notes.push(note.clone());
        Ok((200, data(note)))
    }

    fn update(&mut self, call: &Call, object: &str, id: &str, now: Timestamp) -> Result<(u16, Json), (u16, String)> {
        fields::judge(object, &call.body)?;
        self.record(object, id)?;
        let record = self.records.get_mut(object).and_then(|records| records.get_mut(&id.parse().ok()?));
        let record = record.ok_or_else(|| (404, "Record not found".to_owned()))?;
        merge(record, &call.body);
        record["update_time"] = seconds(now).into();
        Ok((200, data(record.clone())))
    }

    fn remove(&mut self, object: &str, id: &str) -> Result<(u16, Json), (u16, String)> {
        let removed = self.records.get_mut(object).and_then(|records| records.remove(&id.parse().ok()?));
        let removed = removed.ok_or_else(|| (404, "Record not found".to_owned()))?;
        Ok((200, data(json!({ "id": removed["id"] }))))
    }

    fn refused(&self, status: u16, message: &str, now: Timestamp) -> Response {
        self.response(status, &json!({ "success": false, "error": message, "error_info": "See the docs." }), now)
    }

    fn response(&self, status: u16, body: &Json, now: Timestamp) -> Response {
        let date = now.to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let headers = [
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("date", date),
            ("x-daily-requests-left", self.tokens.to_string()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Response { status, headers, body: body.to_string().into_bytes() }
    }
}

fn data(record: Json) -> Json {
    json!({ "success": true, "data": record })
}

/// Sets fields; those that the account added stand in a map of their own and are set one by one.
fn merge(record: &mut Json, fields: &Json) {
    for (name, value) in fields.as_object().unwrap_or(&Map::new()) {
        match (name.as_str(), value.as_object()) {
            ("custom_fields", Some(custom)) => {
                for (key, value) in custom {
                    record["custom_fields"][key] = value.clone();
                }
            }
            _ => record[name] = value.clone(),
        }
    }
}

/// As the service stamps: whole seconds.
fn seconds(at: Timestamp) -> String {
    at.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests;
