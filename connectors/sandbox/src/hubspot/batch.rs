//! Up to a hundred records in one request.
//!
//! A batch is all or nothing, unless every input carries a trace id of its own: then bad rows are told in a 207 and the
//! others are applied. Ids that do not exist are a 207 either way. Results come back in an order of their own.

use std::collections::BTreeSet;

use sdk::Timestamp;
use serde_json::{Map, Value, json};

use super::HubSpot;
use super::call::Call;
use super::dice::{Purpose, draw};
use super::envelope::{Answer, Problem};
use super::kinds::Object;
use super::log::WriteVerb;
use super::objects::{Shown, no_associations, not_unique};
use super::values::{Accepted, BadValue, only_members, refusal, texts};
use super::write::{Clash, Taken};

const MOST_INPUTS: usize = 100;
const MOST_INPUTS_WITH_HISTORY: usize = 50;

/// One input of a writing batch.
#[derive(Debug)]
struct Row {
    id: String,
    id_property: Option<String>,
    trace_id: Option<String>,
    given: Vec<(String, String)>,
}

/// A row whose values are good.
#[derive(Debug)]
struct GoodRow<'a> {
    row: &'a Row,
    /// The record it changes; `None` where it makes one.
    target: Option<u64>,
    values: Accepted,
}

/// Rows that were refused, while the others go on.
#[derive(Debug, Default)]
struct Refused {
    errors: Vec<Value>,
    missing: Vec<String>,
}

impl HubSpot {
    /// `POST /{object}/batch/create`
    pub(super) fn batch_create(&mut self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let rows = rows(call, &["properties", "associations", "objectWriteTraceId"])?;
        let traced = all_traced(&rows);
        let mut refused = Refused::default();
        let mut good = Vec::new();
        for (row, values) in self.good_values(object, &rows, traced, &mut refused)? {
            match self.require(object, &values) {
                Ok(()) => good.push(GoodRow { row, target: None, values }),
                Err(problem) if traced => refused.errors.push(problem.row(row.trace_id.as_deref())),
                Err(problem) => return Err(problem),
            }
        }
        self.write_rows(object, good, traced, refused, now, WriteVerb::Create)
    }

    /// `POST /{object}/batch/update`
    pub(super) fn batch_update(&mut self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let rows = rows(call, &["id", "idProperty", "properties", "objectWriteTraceId"])?;
        no_duplicate_ids(&rows)?;
        let traced = all_traced(&rows);
        let mut refused = Refused::default();
        let mut good = Vec::new();
        for (row, values) in self.good_values(object, &rows, traced, &mut refused)? {
            match self.batch_target(object, row)? {
                Some(id) => good.push(GoodRow { row, target: Some(id), values }),
                None => refused.missing.push(row.id.clone()),
            }
        }
        self.write_rows(object, good, traced, refused, now, WriteVerb::Update)
    }

    /// `POST /{object}/batch/upsert`. With `email` there is no partial success, whatever the trace ids say.
    pub(super) fn batch_upsert(&mut self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let rows = rows(call, &["id", "idProperty", "properties", "objectWriteTraceId"])?;
        no_duplicate_ids(&rows)?;
        let by_email = rows.iter().any(|row| row.id_property.as_deref() == Some("email"));
        let traced = all_traced(&rows) && !by_email;
        let completed: Vec<Row> = rows.into_iter().map(with_its_key).collect::<Result<_, _>>()?;
        let mut refused = Refused::default();
        let mut good = Vec::new();
        for (row, values) in self.good_values(object, &completed, traced, &mut refused)? {
            let name = row.id_property.as_deref().unwrap_or_default();
            if !self.table(object).is_unique(name) {
                return Err(not_unique(name));
            }
            let target = self.table(object).holder(name, &row.id);
            good.push(GoodRow { row, target, values });
        }
        // Two keys may lead to one record: an address and a secondary one.
        let mut seen = BTreeSet::new();
        let twice = |row: &&GoodRow<'_>| row.target.is_some_and(|id| !seen.insert(id));
        let twice: Vec<String> = good.iter().filter(twice).map(|row| row.row.id.clone()).collect();
        if !twice.is_empty() {
            return Err(duplicate_ids(twice));
        }
        self.write_rows(object, good, traced, refused, now, WriteVerb::Upsert)
    }

    /// `POST /{object}/batch/archive`: ids that nobody has are passed over.
    pub(super) fn batch_archive(&mut self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let rows = rows(call, &["id"])?;
        no_duplicate_ids(&rows)?;
        for row in &rows {
            if let Some(id) = self.batch_target(object, row)? {
                self.archive(object, id, now);
            }
        }
        Ok(Answer::no_content())
    }

    /// `POST /{object}/batch/read`
    pub(super) fn batch_read(&self, object: Object, call: &Call, now: Timestamp) -> Result<Answer, Problem> {
        let body = call.json()?;
        only_members(&body, &["properties", "propertiesWithHistory", "idProperty", "inputs"])?;
        let rows = inputs_of(&body, &["id"])?;
        let history = strings(&body, "propertiesWithHistory")?.unwrap_or_default();
        if !history.is_empty() && rows.len() > MOST_INPUTS_WITH_HISTORY {
            return Err(Problem::validation(format!(
                "The maximum number of inputs supported in a batch request for property histories is {MOST_INPUTS_WITH_HISTORY}"
            )));
        }
        if !history.is_empty() {
            return Err(Problem::validation("this account keeps no property history"));
        }
        no_duplicate_ids(&rows)?;
        let names = strings(&body, "properties")?;
        // An empty list is what the SDKs send for "the defaults".
        let shown = Shown::of(names.as_deref().filter(|names| !names.is_empty()));
        let id_property = body.get("idProperty").and_then(Value::as_str);
        let archived = call.flag("archived")?;
        let table = self.table(object);
        let mut results = Vec::new();
        let mut refused = Refused::default();
        for row in rows {
            let version = match id_property {
                None | Some("" | "hs_object_id") => {
                    let id = row.id.parse().unwrap_or(0);
                    if archived { table.archived.get(&id) } else { table.live.get(&id) }
                }
                Some(name) if table.is_unique(name) => {
                    table.holder(name, &row.id).and_then(|id| table.live.get(&id)).filter(|_| !archived)
                }
                Some(name) => return Err(not_unique(name)),
            };
            match version {
                Some(version) => results.push(self.shown(object, version, shown)),
                None => refused.missing.push(row.id),
            }
        }
        Ok(self.batch_answer(object, 200, results, refused, now))
    }

    /// The rows whose values are good. Bad ones go to `refused` where rows have trace ids; else one refuses all.
    fn good_values<'a>(
        &self,
        object: Object,
        rows: &'a [Row],
        traced: bool,
        refused: &mut Refused,
    ) -> Result<Vec<(&'a Row, Accepted)>, Problem> {
        let mut good = Vec::new();
        let mut bad: Vec<BadValue> = Vec::new();
        for row in rows {
            match self.accept(object, &row.given) {
                Ok(values) => good.push((row, values)),
                Err(found) if traced => {
                    refused.errors.push(refusal(&found, self.options.portal_id).row(row.trace_id.as_deref()));
                }
                Err(found) => bad.extend(found),
            }
        }
        if bad.is_empty() { Ok(good) } else { Err(refusal(&bad, self.options.portal_id)) }
    }

    /// The record a batch row means. Ids of merged-away records do not lead anywhere here, unlike in the basic PATCH.
    fn batch_target(&self, object: Object, row: &Row) -> Result<Option<u64>, Problem> {
        let table = self.table(object);
        match row.id_property.as_deref() {
            None | Some("" | "hs_object_id") => Ok(row.id.parse().ok().filter(|id| table.live.contains_key(id))),
            // The guide says ids only for contacts' addresses, the specification knows `idProperty`: the stricter of
            // the two.
            Some("email") => Err(Problem::validation("batch updates by email are not supported; use the record id")),
            Some(name) if table.is_unique(name) => Ok(table.holder(name, &row.id)),
            Some(name) => Err(not_unique(name)),
        }
    }

    /// Applies the rows: those that clash are refused alone where they have trace ids, else they refuse all.
    fn write_rows(
        &mut self,
        object: Object,
        rows: Vec<GoodRow<'_>>,
        traced: bool,
        mut refused: Refused,
        now: Timestamp,
        verb: WriteVerb,
    ) -> Result<Answer, Problem> {
        if !traced {
            let mut taken = Taken::new();
            for row in &rows {
                if let Some(clash) = self.clash(object, &row.values, row.target) {
                    return Err(self.batch_clash(object, &clash, row.target));
                }
                if let Some((name, value)) = self.take_values(object, &row.values, &mut taken) {
                    let clash = Clash { name, value, holder: self.table(object).next_id };
                    return Err(self.batch_clash(object, &clash, row.target));
                }
            }
        }
        let mut results = Vec::new();
        for GoodRow { row, target, values } in rows {
            // Only a traced batch can find a clash here: the others have been looked through above.
            if let Some(clash) = self.clash(object, &values, target) {
                let mut problem = self.clash_problem(object, &clash, target);
                if problem.status == 409 {
                    problem = problem.with_context("existingId", vec![clash.holder.to_string()]);
                }
                refused.errors.push(problem.row(row.trace_id.as_deref()));
                continue;
            }
            let id = match target {
                Some(id) => {
                    self.update(object, id, now, &values, &row.given, verb);
                    id
                }
                None => self.create(object, now, &values, &row.given, verb),
            };
            let mut shown = self.shown_live(object, id, Shown::Everything)?;
            if verb == WriteVerb::Upsert {
                shown["new"] = json!(target.is_none());
            }
            if let Some(trace_id) = &row.trace_id {
                shown["objectWriteTraceId"] = json!(trace_id);
            }
            results.push(shown);
        }
        let status = if verb == WriteVerb::Create { 201 } else { 200 };
        Ok(self.batch_answer(object, status, results, refused, now))
    }

    /// A clash that refuses the whole batch: the conflict message has no id here.
    fn batch_clash(&mut self, object: Object, clash: &Clash, own: Option<u64>) -> Problem {
        let mut problem = self.clash_problem(object, clash, own);
        if problem.status == 409 {
            problem.message = format!("{} already exists", object.kind().title);
        }
        problem
    }

    fn batch_answer(
        &self,
        object: Object,
        status: u16,
        mut results: Vec<Value>,
        refused: Refused,
        now: Timestamp,
    ) -> Answer {
        // No order is promised, so none is kept.
        let mut numbered: Vec<(u64, Value)> = (0..)
            .zip(results.drain(..))
            .map(|(place, result)| (draw(self.options.seed ^ self.n_calls, Purpose::Order, place), result))
            .collect();
        numbered.sort_by_key(|(place, _)| *place);
        let results: Vec<Value> = numbered.into_iter().map(|(_, result)| result).collect();
        let mut errors = refused.errors;
        if !refused.missing.is_empty() {
            let message = format!(
                "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
                object.kind().upper
            );
            let problem = Problem::new(404, "OBJECT_NOT_FOUND", message).with_context("ids", refused.missing);
            errors.push(problem.row(None));
        }
        let at = self.server_time(now).to_string();
        let mut body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
        let status = if errors.is_empty() { status } else { 207 };
        if status == 207 {
            body["numErrors"] = json!(errors.len());
            body["errors"] = json!(errors);
        }
        Answer { status, body: Some(body) }
    }
}

fn rows(call: &Call, members: &[&str]) -> Result<Vec<Row>, Problem> {
    let body = call.json()?;
    only_members(&body, &["inputs"])?;
    inputs_of(&body, members)
}

fn inputs_of(body: &Map<String, Value>, members: &[&str]) -> Result<Vec<Row>, Problem> {
    let Some(Value::Array(inputs)) = body.get("inputs") else {
        return Err(Problem::validation("Invalid input JSON: 'inputs' is required and must be a list"));
    };
    if inputs.is_empty() {
        return Err(Problem::validation("Invalid input JSON: 'inputs' must not be empty"));
    }
    if inputs.len() > MOST_INPUTS {
        return Err(Problem::validation(format!(
            "The maximum number of inputs supported in a batch request is {MOST_INPUTS}, but {} were given",
            inputs.len()
        )));
    }
    inputs.iter().map(|input| row(input, members)).collect()
}

fn row(input: &Value, members: &[&str]) -> Result<Row, Problem> {
    let Value::Object(map) = input else {
        return Err(Problem::validation("Invalid input JSON: every input must be an object"));
    };
    only_members(map, members)?;
    no_associations(map)?;
    let text = |name: &str| match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Problem::validation(format!("Invalid input JSON: '{name}' must be a string"))),
    };
    let id = match (text("id")?, members.contains(&"id")) {
        (Some(id), true) if !id.is_empty() => id,
        (_, false) => String::new(),
        (_, true) => return Err(Problem::validation("Invalid input JSON: every input needs an 'id'")),
    };
    let given = texts(map.get("properties"))?;
    Ok(Row { id, id_property: text("idProperty")?, trace_id: text("objectWriteTraceId")?, given })
}

/// An upserted row sets its own key too, so that a record it makes can be found by it.
fn with_its_key(mut row: Row) -> Result<Row, Problem> {
    let Some(name) = row.id_property.clone() else {
        // Whether an upsert by record id is taken is not known; refusing is the stricter.
        return Err(Problem::validation("Invalid input JSON: every input needs an 'idProperty'"));
    };
    if !row.given.iter().any(|(key, _)| *key == name) {
        row.given.push((name, row.id.clone()));
    }
    Ok(row)
}

/// Whether every row carries a trace id that no other has: only then is partial success possible.
fn all_traced(rows: &[Row]) -> bool {
    let distinct: BTreeSet<&str> = rows.iter().filter_map(|row| row.trace_id.as_deref()).collect();
    distinct.len() == rows.len()
}

fn no_duplicate_ids(rows: &[Row]) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<String> =
        rows.iter().filter(|row| !seen.insert(row.id.to_lowercase())).map(|row| row.id.clone()).collect();
    if twice.is_empty() { Ok(()) } else { Err(duplicate_ids(twice.into_iter().collect())) }
}

fn duplicate_ids(ids: Vec<String>) -> Problem {
    let message = format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", ids.join(", "));
    Problem::validation(message).with_context("ids", ids)
}

pub(super) fn strings(body: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Problem> {
    let Some(value) = body.get(name) else { return Ok(None) };
    let list: Option<Vec<String>> =
        value.as_array().and_then(|list| list.iter().map(|it| it.as_str().map(str::to_owned)).collect());
    list.map(Some).ok_or_else(|| Problem::validation(format!("Invalid input JSON: '{name}' must be a list of strings")))
}
