//! A search: what of a filter it can be asked, and one page of its answer.
//!
//! A search is never continued by an offset: rows that change move, and services end such walks early. It is asked
//! again from the last value instead.

use sdk::{Error, FieldType, Filter, Record, RecordId, Test, Timestamp, Value};
use serde_json::{Value as Json, json};

use super::RestConnection;
use super::failure::Purpose;
use super::objects::Object;
use super::records::Selection;
use super::values;
use crate::rest::manifest::{FieldsOf, MomentForm, Search, TestKind};
use crate::rest::template::{Root, Scope};

/// Tests in the service's words: a record is found if it fulfils all of any one group. One empty group finds every
/// record, no group at all finds none.
pub(super) type Groups = Vec<Vec<Json>>;

/// One page of a search.
pub(super) struct Asked<'a> {
    pub(super) groups: &'a [Vec<Json>],
    /// Ascending by this field, as the service knows it.
    pub(super) sort: &'a str,
    pub(super) limit: usize,
}

/// One page of records, with the server's time.
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    pub(super) server_time: Option<Timestamp>,
}

impl RestConnection {
    /// One page.
    pub(super) async fn search(
        &self,
        search: &Search,
        selection: &Selection<'_>,
        asked: Asked<'_>,
    ) -> Result<Found, Error> {
        let groups = asked.groups.iter().filter(|group| !group.is_empty()).map(|tests| {
            let tests = Json::from(tests.clone());
            search.group.render(&Scope::default().with(Root::Group, &tests))
        });
        let groups: Json = groups.collect();
        let limit = asked.limit.clamp(1, search.page_size);
        let root = json!({ "groups": groups, "sort": asked.sort, "limit": limit });
        let scope = Scope::default().with(Root::Search, &root).with(Root::Fields, &selection.keys);
        let answer = self.client.call(&search.request, scope, Purpose::Read, &[]).await?;
        let scope = Scope::default().with(Root::Body, &answer.body);
        let items = search
            .items
            .list(&scope)
            .ok_or_else(|| self.odd_answer(&format!("to a search has no `{}`", search.items.last_name())))?;
        let records = items.iter().map(|json| self.record(selection, json)).collect::<Result<_, _>>()?;
        Ok(Found { records, server_time: answer.server_time })
    }
}

impl Search {
    /// One test of a field by one value; `None` where the service cannot be asked it.
    pub(super) fn test(&self, kind: TestKind, key: &str, value: &str) -> Option<Json> {
        self.rendered(kind, json!({ "field": key, "value": value }))
    }

    fn rendered(&self, kind: TestKind, test: Json) -> Option<Json> {
        Some(self.tests.get(&kind)?.render(&Scope::default().with(Root::Test, &test)))
    }

    /// A test of a stamp.
    pub(super) fn stamp_test(&self, kind: TestKind, key: &str, at: Timestamp) -> Option<Json> {
        self.test(kind, key, &values::moment_text(self.moments, at))
    }

    /// The groups, of records behind this id only.
    pub(super) fn behind(&self, groups: &[Vec<Json>], id: Option<&RecordId>) -> Option<Groups> {
        let Some(id) = id else { return Some(groups.to_vec()) };
        let behind = self.test(TestKind::Gt, &self.id_field, id.as_str())?;
        Some(groups.iter().map(|group| [&group[..], std::slice::from_ref(&behind)].concat()).collect())
    }

    /// The groups, of records that fulfil this test as well; the test alone where there is no room for both, or no
    /// group.
    pub(super) fn within(&self, test: &Json, groups: Groups) -> Groups {
        let within: Groups =
            groups.into_iter().map(|group| std::iter::once(test.clone()).chain(group).collect()).collect();
        if within.is_empty() || !self.fits(&within) { vec![vec![test.clone()]] } else { within }
    }

    /// What of a filter can be asked, which finds every record that the filter wants, and perhaps more.
    pub(super) fn groups(&self, object: &Object, filter: &Filter) -> Groups {
        match filter {
            Filter::Field { field, test } => match self.asked(object, field, test) {
                Part::Test(test) => vec![vec![test]],
                Part::Everything => vec![Vec::new()],
                Part::Nothing => Vec::new(),
            },
            Filter::All(filters) => filters.iter().fold(vec![Vec::new()], |groups, filter| {
                let product = product(&groups, &self.groups(object, filter));
                // A test too many is left to whoever checks the rows again.
                if self.fits(&product) { product } else { groups }
            }),
            Filter::Any(filters) => {
                let union: Groups = filters.iter().flat_map(|filter| self.groups(object, filter)).collect();
                if union.iter().any(Vec::is_empty) || !self.fits(&union) { vec![Vec::new()] } else { union }
            }
        }
    }

    /// Whether there is room, also for the id to start from.
    fn fits(&self, groups: &[Vec<Json>]) -> bool {
        groups.len() <= self.most_groups
            && groups.iter().all(|group| group.len() <= self.most_in_group)
            && groups.iter().map(|group| group.len() + 1).sum::<usize>() <= self.most_tests
    }

    /// Text is asked for by equality alone: there services ignore case, or do not, and find no less than we want. They
    /// sort and split text by rules of their own.
    fn asked(&self, object: &Object, field: &str, test: &Test) -> Part {
        if field == "id" || !object.is_searchable(field) {
            return Part::Everything;
        }
        let key = object.key(field);
        let term = |value: &Value| self.term(object, field, value);
        let part = |test: Option<Json>| test.map_or(Part::Everything, Part::Test);
        let one = |kind, value: &Value| part(term(value).and_then(|term| self.test(kind, key, &term)));
        let ordered = |kind, value: &Value| if is_ordered(value) { one(kind, value) } else { Part::Everything };
        let has = |kind| part(self.rendered(kind, json!({ "field": key })));
        match test {
            Test::Eq(Value::Null) | Test::Exists(false) => has(TestKind::Empty),
            Test::Not(Value::Null) | Test::Exists(true) => has(TestKind::Exists),
            Test::Eq(value) => one(TestKind::Eq, value),
            Test::Gt(value) => ordered(TestKind::Gt, value),
            Test::Gte(value) => ordered(TestKind::Gte, value),
            Test::Lt(value) => ordered(TestKind::Lt, value),
            Test::Lte(value) => ordered(TestKind::Lte, value),
            Test::Between(low, high) => match (term(low), term(high)) {
                (Some(low_term), Some(high_term)) if is_ordered(low) => {
                    let test = json!({ "field": key, "value": low_term, "high": high_term });
                    part(self.rendered(TestKind::Between, test))
                }
                _ => Part::Everything,
            },
            Test::In(values) if values.is_empty() => Part::Nothing,
            Test::In(values) => {
                let is_text = object.schema.fields.get(field).is_some_and(|field| field.field_type == FieldType::Text);
                match values.iter().map(term).collect::<Option<Vec<_>>>() {
                    Some(terms) if terms.iter().map(String::len).sum::<usize>() <= self.longest_value => {
                        let lower = is_text && self.lower_in;
                        let terms = terms.into_iter().map(|term| if lower { term.to_lowercase() } else { term });
                        let terms: Vec<_> = terms.collect();
                        part(self.rendered(TestKind::In, json!({ "field": key, "values": terms })))
                    }
                    Some(_) | None => Part::Everything,
                }
            }
            Test::Not(_) | Test::Contains(_) => Part::Everything,
        }
    }

    /// A value as the search wants it, where it is of the field's own type.
    fn term(&self, object: &Object, field: &str, value: &Value) -> Option<String> {
        let field = object.schema.fields.get(field)?;
        let text = match (field.field_type, value) {
            (FieldType::Text | FieldType::Choice, Value::Text(text)) => text.clone(),
            (FieldType::Number, Value::Int(_) | Value::Float(_)) | (FieldType::Boolean, Value::Bool(_)) => {
                value.to_text()
            }
            (FieldType::Date, Value::Date(date)) => match self.moments {
                MomentForm::Rfc3339 => date.to_string(),
                form => values::moment_text(form, values::midnight(*date)?),
            },
            (FieldType::Moment, Value::Moment(moment)) => values::moment_text(self.moments, *moment),
            _ => return None,
        };
        (!text.trim().is_empty() && text.len() <= self.longest_value).then_some(text)
    }

    /// The value that a write sends, as the search wants it.
    pub(super) fn written_term(&self, of: &FieldsOf, object: &Object, field: &str, value: &Value) -> Option<String> {
        if !object.is_searchable(field) {
            return None;
        }
        let typed = object.schema.fields.get(field)?;
        let sent = values::write(of, Some(typed), value);
        self.term(object, field, &values::read(of, typed, &sent))
    }
}

/// What a service can be asked of one test.
enum Part {
    Test(Json),
    /// It cannot be asked this, or would answer by other rules.
    Everything,
    /// Nothing can fulfil it.
    Nothing,
}

fn is_ordered(value: &Value) -> bool {
    match value {
        Value::Int(_) | Value::Float(_) | Value::Date(_) | Value::Moment(_) => true,
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => false,
    }
}

fn product(left: &[Vec<Json>], right: &[Vec<Json>]) -> Groups {
    left.iter().flat_map(|left| right.iter().map(move |right| [&left[..], right].concat())).collect()
}
