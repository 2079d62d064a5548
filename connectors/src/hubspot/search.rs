//! The search endpoint: what it takes, what it answers, and what of a filter it can be asked.
//!
//! A search is never continued by its offset: rows that change move, and behind ten thousand there is nothing. It is
//! asked again from the last value instead.

use sdk::{Error, FieldType, Filter, Method, Record, Test, Timestamp, Value};
use serde_json::{Value as Json, json};

use super::HubSpotConnection;
use super::client::{Answer, Call};
use super::objects::{ID, Object};
use super::records::Selection;
use super::values::{self, midnight};

/// The most rows a page holds.
pub(super) const LONGEST_PAGE: usize = 200;
/// HubSpot's own bounds on one search; each group leaves room for the id to start from.
const MOST_GROUPS: usize = 5;
const MOST_IN_GROUP: usize = 5;
const MOST_CONDITIONS: usize = 18;
/// Longer texts than this do not fit beside others into the 3,000 characters that a search may have.
const LONGEST_VALUE: usize = 200;

/// Conditions in HubSpot's words: a record is found if it fulfils all of any one group. One empty group finds every
/// record, no group at all finds none.
pub(super) type Groups = Vec<Vec<Json>>;

/// One page of a search.
pub(super) struct Search<'a> {
    pub(super) groups: &'a [Vec<Json>],
    /// Ascending by this property; HubSpot sorts by one only.
    pub(super) sort: &'a str,
    pub(super) limit: usize,
}

/// One page of records, with the server's time.
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    pub(super) server_time: Option<Timestamp>,
}

impl HubSpotConnection {
    /// One page.
    pub(super) async fn search(&self, selection: &Selection, search: Search<'_>) -> Result<Found, Error> {
        let groups: Vec<_> = search
            .groups
            .iter()
            .filter(|group| !group.is_empty())
            .map(|filters| json!({ "filters": filters }))
            .collect();
        let body = json!({
            "filterGroups": groups,
            "sorts": [{ "propertyName": search.sort, "direction": "ASCENDING" }],
            "properties": selection.properties,
            "limit": search.limit.clamp(1, LONGEST_PAGE),
        });
        let path = ["crm", "v3", "objects", &selection.object.schema.name, "search"];
        let Answer { body, server_time } = self.client.call(Call::read(Method::Post, &path).body(body)).await?;
        let results = body
            .get("results")
            .and_then(Json::as_array)
            .ok_or_else(|| Error::new(sdk::Class::Transient, "HubSpot's answer to a search has no `results`"))?;
        let records = results.iter().map(|json| selection.record(json)).collect::<Result<_, _>>()?;
        Ok(Found { records, server_time })
    }
}

/// A condition that a property's value equals this one.
pub(super) fn condition(property: &str, operator: &str, value: impl Into<String>) -> Json {
    json!({ "propertyName": property, "operator": operator, "value": value.into() })
}

/// What of a filter HubSpot can be asked, which finds every record that the filter wants, and perhaps more.
pub(super) fn groups(object: &Object, filter: &Filter) -> Groups {
    match filter {
        Filter::Field { field, test } => match asked(object, field, test) {
            Asked::Condition(condition) => vec![vec![condition]],
            Asked::Everything => vec![Vec::new()],
            Asked::Nothing => Vec::new(),
        },
        Filter::All(filters) => filters.iter().fold(vec![Vec::new()], |groups, filter| {
            let product = product(&groups, &self::groups(object, filter));
            // A test too many is left to whoever checks the rows again.
            if fits(&product) { product } else { groups }
        }),
        Filter::Any(filters) => {
            let union: Groups = filters.iter().flat_map(|filter| groups(object, filter)).collect();
            if union.iter().any(Vec::is_empty) || !fits(&union) { vec![Vec::new()] } else { union }
        }
    }
}

fn product(left: &[Vec<Json>], right: &[Vec<Json>]) -> Groups {
    left.iter().flat_map(|left| right.iter().map(move |right| [&left[..], right].concat())).collect()
}

fn fits(groups: &[Vec<Json>]) -> bool {
    groups.len() <= MOST_GROUPS
        && groups.iter().all(|group| group.len() <= MOST_IN_GROUP)
        && groups.iter().map(|group| group.len() + 1).sum::<usize>() <= MOST_CONDITIONS
}

enum Asked {
    Condition(Json),
    /// HubSpot cannot be asked this, or would answer by other rules.
    Everything,
    /// Nothing can fulfil it.
    Nothing,
}

/// Text is asked for by equality alone: there HubSpot ignores case and so finds more. It would find less by `NEQ`,
/// and sorts and splits text by rules of its own.
fn asked(object: &Object, field: &str, test: &Test) -> Asked {
    if field == "id" || !object.is_searchable(field) {
        return Asked::Everything;
    }
    let one = |operator: &str, value: &Value| match term(object, field, value) {
        Some(term) => Asked::Condition(condition(field, operator, term)),
        None => Asked::Everything,
    };
    let ordered = |operator: &str, value: &Value| match value {
        Value::Int(_) | Value::Float(_) | Value::Date(_) | Value::Moment(_) => one(operator, value),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => Asked::Everything,
    };
    let has = |operator: &str| Asked::Condition(json!({ "propertyName": field, "operator": operator }));
    match test {
        Test::Eq(Value::Null) | Test::Exists(false) => has("NOT_HAS_PROPERTY"),
        Test::Not(Value::Null) | Test::Exists(true) => has("HAS_PROPERTY"),
        Test::Eq(value) => one("EQ", value),
        Test::Gt(value) => ordered("GT", value),
        Test::Gte(value) => ordered("GTE", value),
        Test::Lt(value) => ordered("LT", value),
        Test::Lte(value) => ordered("LTE", value),
        Test::Between(low, high) => match (term(object, field, low), term(object, field, high)) {
            (Some(low_term), Some(high_term)) if matches!(ordered("GTE", low), Asked::Condition(_)) => {
                Asked::Condition(
                    json!({ "propertyName": field, "operator": "BETWEEN", "value": low_term, "highValue": high_term }),
                )
            }
            _ => Asked::Everything,
        },
        Test::In(values) if values.is_empty() => Asked::Nothing,
        Test::In(values) => {
            let is_text = object.schema.fields.get(field).is_some_and(|field| field.field_type == FieldType::Text);
            let terms = values.iter().map(|value| term(object, field, value)).collect::<Option<Vec<_>>>();
            match terms {
                Some(terms) if terms.iter().map(String::len).sum::<usize>() <= LONGEST_VALUE => {
                    // Texts must be in lower case here, and are then compared without case.
                    let terms: Vec<_> =
                        terms.into_iter().map(|term| if is_text { term.to_lowercase() } else { term }).collect();
                    Asked::Condition(json!({ "propertyName": field, "operator": "IN", "values": terms }))
                }
                Some(_) | None => Asked::Everything,
            }
        }
        Test::Not(_) | Test::Contains(_) => Asked::Everything,
    }
}

/// A value as search wants it, where it is of the property's own type.
pub(super) fn term(object: &Object, field: &str, value: &Value) -> Option<String> {
    let field = object.schema.fields.get(field)?;
    let text = match (field.field_type, value) {
        (FieldType::Text | FieldType::Choice, Value::Text(text)) => text.clone(),
        (FieldType::Number, Value::Int(_) | Value::Float(_)) | (FieldType::Boolean, Value::Bool(_)) => value.to_text(),
        (FieldType::Date, Value::Date(date)) => midnight(*date)?.millis().to_string(),
        (FieldType::Moment, Value::Moment(moment)) => moment.millis().to_string(),
        _ => return None,
    };
    (!text.trim().is_empty() && text.len() <= LONGEST_VALUE).then_some(text)
}

/// The groups, of records behind this id only.
pub(super) fn behind(groups: &[Vec<Json>], id: Option<&sdk::RecordId>) -> Groups {
    let Some(id) = id else { return groups.to_vec() };
    groups.iter().map(|group| [&group[..], &[condition(ID, "GT", id.as_str())]].concat()).collect()
}

/// The value that a write sends, as search wants it.
pub(super) fn written_term(object: &Object, field: &str, value: &Value) -> Option<String> {
    if !object.is_searchable(field) {
        return None;
    }
    let typed = object.schema.fields.get(field)?;
    term(object, field, &values::read(typed, &Json::from(values::write(Some(typed), value))))
}
