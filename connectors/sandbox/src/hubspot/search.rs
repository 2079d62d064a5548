//! Search: the only way to ask for records by their values, over what has been indexed so far.
//!
//! A request is read and checked whole, then answered from the index: by position where the filters say no more than
//! between which stamps or ids a record lies, else by looking at each record there.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::HubSpot;
use super::batch::strings;
use super::call::Call;
use super::definitions::{Definitions, PropertyType};
use super::envelope::{Answer, Problem};
use super::faults::Fault;
use super::filter::{Filter, number_of_property, words};
use super::index::Index;
use super::kinds::{Kind, Object};
use super::objects::Shown;
use super::ordered::Ordered;
use super::table::{Table, Version};
use super::values::only_members;

const MOST_RESULTS: usize = 10_000;
const LONGEST_BODY: usize = 3_000;
const MOST_GROUPS: usize = 5;
const MOST_FILTERS_IN_GROUP: usize = 6;
const MOST_FILTERS: usize = 18;

/// One search, read and found good.
#[derive(Debug)]
struct Search {
    /// One of them must hold; none means all records.
    groups: Vec<Vec<Filter>>,
    /// Each must begin a word of a searched property; in lower case.
    words: Vec<String>,
    sort: Option<Sort>,
    properties: Option<Vec<String>>,
    limit: usize,
    after: usize,
}

#[derive(Debug)]
struct Sort {
    name: String,
    descending: bool,
}

/// The rows of a page and how many there are on all pages.
struct Page {
    total: usize,
    rows: Vec<Arc<Version>>,
}

impl HubSpot {
    /// `POST /{object}/search`
    pub(super) fn search(&self, object: Object, call: &Call) -> Result<Answer, Problem> {
        let mut search = Search::parse(&self.table(object).definitions, call)?;
        if self.fault == Some(Fault::FilterIgnored) {
            search.groups.clear();
        }
        // The boundary is not documented; this is the stricter reading: no row past the ten-thousandth is ever asked
        // for.
        if search.after + search.limit > MOST_RESULTS {
            return Err(Problem::validation(format!(
                "Cannot page past {MOST_RESULTS} results: after {} with limit {}",
                search.after, search.limit
            )));
        }
        let table = self.table(object);
        let page = search.page(table);
        let shown = Shown::of(search.properties.as_deref().filter(|names| !names.is_empty()));
        let mut results: Vec<Value> = page.rows.iter().map(|version| self.shown(object, version, shown)).collect();
        let end = search.after + results.len();
        let mut next = (end < page.total && !results.is_empty()).then_some(end);
        if self.fault == Some(Fault::PageReordered) {
            results.reverse();
        }
        if self.fault == Some(Fault::RowRepeated) {
            results.extend(results.first().cloned());
        }
        if self.fault == Some(Fault::EmptyPageWithNext) {
            results.clear();
            next = Some(search.after + search.limit);
        }
        if self.fault == Some(Fault::LoopingNext) {
            next = Some(search.after);
        }
        let mut body = json!({"total": page.total, "results": results});
        if let Some(next) = next {
            body["paging"] = json!({"next": {"after": next.to_string()}});
        }
        Ok(Answer::ok(body))
    }
}

impl Search {
    fn parse(definitions: &Definitions, call: &Call) -> Result<Self, Problem> {
        let length = String::from_utf8_lossy(&call.body).chars().count();
        if length > LONGEST_BODY {
            return Err(Problem::validation(format!(
                "The request is {length} characters long; a search must not be longer than {LONGEST_BODY}"
            )));
        }
        let body = call.json()?;
        only_members(&body, &["filterGroups", "filters", "query", "sorts", "properties", "limit", "after"])?;
        Ok(Self {
            groups: groups(definitions, &body)?,
            words: query_words(&body)?,
            sort: sort(definitions, &body)?,
            properties: strings(&body, "properties")?,
            limit: limit(&body)?,
            after: after(&body)?,
        })
    }

    fn page(&self, table: &Table) -> Page {
        let (kind, index) = (table.kind(), &table.index);
        let matches = |version: &Version| self.matches(kind, version);
        let walk = self.walk(kind, index);
        let descending = self.sort.as_ref().is_some_and(|sort| sort.descending);

        if walk.in_order && walk.is_exact {
            let total = walk.positions.len();
            let (skipped, taken) = (self.after.min(total), self.limit.min(total - self.after.min(total)));
            let Range { start, end } = walk.positions;
            let rows: Vec<Arc<Version>> = if descending {
                rows(index, walk.list.descending(end - skipped - taken..end - skipped)).collect()
            } else {
                rows(index, walk.list.ascending(start + skipped..start + skipped + taken)).collect()
            };
            return Page { total, rows };
        }

        let found = rows(index, walk.list.ascending(walk.positions)).filter(|version| matches(version));
        let mut found: Vec<Arc<Version>> = found.collect();
        let total = found.len();
        if !walk.in_order {
            self.order(table, &mut found);
        } else if descending {
            found.reverse();
        }
        Page { total, rows: found.into_iter().skip(self.after).take(self.limit).collect() }
    }

    /// The shortest stretch of the index that holds every match, and whether it is also the answer's order.
    fn walk<'a>(&self, kind: &Kind, index: &'a Index) -> Walk<'a> {
        let lists =
            [(kind.modified, &index.by_modified), (kind.created, &index.by_created), ("hs_object_id", &index.by_id)];
        let sorted_by = self.sort.as_ref().map_or(kind.created, |sort| sort.name.as_str());
        let stretches = lists.map(|(name, list)| (name, list, self.stretch(name, list)));
        let shortest = stretches
            .into_iter()
            // Among equally short stretches, the one in the answer's order needs no sorting.
            .min_by_key(|(name, _, stretch)| (stretch.len(), *name != sorted_by))
            .map(|(name, list, positions)| Walk {
                list,
                positions,
                in_order: name == sorted_by,
                is_exact: self.speaks_only_of(name),
            });
        shortest.unwrap_or(Walk { list: &index.by_id, positions: 0..0, in_order: true, is_exact: true })
    }

    /// Between which positions of this list every match lies.
    fn stretch(&self, name: &str, list: &Ordered) -> Range<usize> {
        let [group] = self.groups.as_slice() else { return 0..list.len() };
        let ranges = group.iter().filter(|filter| &*filter.name == name).filter_map(Filter::stamp_range);
        let (low, high) = ranges.fold((i64::MIN, i64::MAX), |(low, high), (from, to)| (low.max(from), high.min(to)));
        list.between(low, high)
    }

    /// Whether the stretch of this name says all that the filters say.
    fn speaks_only_of(&self, name: &str) -> bool {
        self.words.is_empty()
            && match self.groups.as_slice() {
                [] => true,
                [group] => group.iter().all(|filter| &*filter.name == name && filter.stamp_range().is_some()),
                _ => false,
            }
    }

    fn matches(&self, kind: &Kind, version: &Version) -> bool {
        let in_groups = self.groups.is_empty()
            || self.groups.iter().any(|group| group.iter().all(|filter| filter.matches(kind, version)));
        in_groups && (self.words.is_empty() || self.words_match(kind, version))
    }

    fn words_match(&self, kind: &Kind, version: &Version) -> bool {
        let searched: Vec<String> =
            kind.searched.iter().filter_map(|name| version.text(kind, name)).map(|text| text.to_lowercase()).collect();
        self.words.iter().all(|wanted| {
            searched.iter().any(|text| text == wanted || words(text).any(|word| word.starts_with(wanted.as_str())))
        })
    }

    /// Sorts by the asked property, records without a value last, equals in an order nobody may rely on.
    fn order(&self, table: &Table, found: &mut [Arc<Version>]) {
        let kind = table.kind();
        let Some(sort) = &self.sort else {
            return found.sort_by_key(|version| (version.created_at, version.id));
        };
        let is_text = table.definitions.get(&sort.name).is_none_or(|property| match property.data_type {
            PropertyType::Bool | PropertyType::Enumeration | PropertyType::String | PropertyType::PhoneNumber => true,
            PropertyType::Date | PropertyType::Datetime | PropertyType::Number => false,
        });
        let mut keyed: Vec<(Option<SortKey>, u64, Arc<Version>)> = found
            .iter()
            .map(|version| {
                let key = if is_text {
                    version.text(kind, &sort.name).map(|text| SortKey::Text(text.to_lowercase()))
                } else {
                    number_of_property(&table.definitions, kind, version, &sort.name).map(SortKey::Number)
                };
                (key, table.index.tie(version.id), version.clone())
            })
            .collect();
        keyed.sort_by(|(left, left_tie, _), (right, right_tie, _)| {
            let by_key = match (left, right) {
                (Some(left), Some(right)) if sort.descending => right.compare(left),
                (Some(left), Some(right)) => left.compare(right),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            by_key.then(left_tie.cmp(right_tie))
        });
        for (place, (_, _, version)) in found.iter_mut().zip(keyed) {
            *place = version;
        }
    }
}

/// A way through the index.
struct Walk<'a> {
    list: &'a Ordered,
    positions: Range<usize>,
    /// The list has the order that the answer must have.
    in_order: bool,
    /// Everything in the stretch is a match.
    is_exact: bool,
}

enum SortKey {
    Number(f64),
    Text(String),
}

impl SortKey {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

fn rows(index: &Index, keys: impl Iterator<Item = super::ordered::Key>) -> impl Iterator<Item = Arc<Version>> {
    keys.filter_map(|(_, _, id)| index.versions.get(&id).cloned())
}

fn groups(definitions: &Definitions, body: &Map<String, Value>) -> Result<Vec<Vec<Filter>>, Problem> {
    let mut written: Vec<&Vec<Value>> = Vec::new();
    for group in list(body, "filterGroups")? {
        let Value::Object(group) = group else {
            return Err(Problem::validation("Invalid input JSON: a filter group must be an object"));
        };
        only_members(group, &["filters"])?;
        written.push(list(group, "filters")?);
    }
    let top_level = list(body, "filters")?;
    if !top_level.is_empty() {
        written.push(top_level);
    }
    let n_filters: usize = written.iter().map(|group| group.len()).sum();
    if written.len() > MOST_GROUPS {
        return Err(Problem::validation(format!("Too many filter groups: at most {MOST_GROUPS} are allowed")));
    }
    if written.iter().any(|group| group.len() > MOST_FILTERS_IN_GROUP) {
        return Err(Problem::validation(format!("Too many filters: at most {MOST_FILTERS_IN_GROUP} in a group")));
    }
    if n_filters > MOST_FILTERS {
        return Err(Problem::validation(format!("Too many filters: at most {MOST_FILTERS} in all groups")));
    }
    written.iter().map(|group| group.iter().map(|filter| Filter::parse(definitions, filter)).collect()).collect()
}

fn query_words(body: &Map<String, Value>) -> Result<Vec<String>, Problem> {
    match body.get("query") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.to_lowercase().split_whitespace().map(str::to_owned).collect()),
        Some(_) => Err(Problem::validation("Invalid input JSON: 'query' must be a string")),
    }
}

fn sort(definitions: &Definitions, body: &Map<String, Value>) -> Result<Option<Sort>, Problem> {
    let sorts = list(body, "sorts")?;
    let Some(first) = sorts.first() else { return Ok(None) };
    if sorts.len() > 1 {
        return Err(Problem::validation("Only one sort is allowed"));
    }
    let sort = match first {
        Value::String(text) => {
            let name = text.strip_prefix('-');
            Sort { name: name.unwrap_or(text).to_owned(), descending: name.is_some() }
        }
        Value::Object(map) => {
            only_members(map, &["propertyName", "direction"])?;
            let name = map.get("propertyName").and_then(Value::as_str);
            let name = name.ok_or_else(|| Problem::validation("Invalid input JSON: a sort needs 'propertyName'"))?;
            let descending = match map.get("direction") {
                None => false,
                Some(Value::String(word)) if word == "ASCENDING" => false,
                Some(Value::String(word)) if word == "DESCENDING" => true,
                Some(other) => {
                    return Err(Problem::validation(format!("Invalid input JSON: {other} is not a sort direction")));
                }
            };
            Sort { name: name.to_owned(), descending }
        }
        _ => return Err(Problem::validation("Invalid input JSON: a sort must be an object or a string")),
    };
    match definitions.get(&sort.name) {
        Some(_) => Ok(Some(sort)),
        None => Err(Problem::validation(format!(
            "There was a problem with the request: property '{}' does not exist",
            sort.name
        ))),
    }
}

/// At most 200; whether the service clamps instead is not known, so more is refused.
fn limit(body: &Map<String, Value>) -> Result<usize, Problem> {
    let Some(value) = body.get("limit") else { return Ok(10) };
    let limit = value.as_u64().and_then(|limit| usize::try_from(limit).ok());
    limit
        .filter(|limit| (1..=200).contains(limit))
        .ok_or_else(|| Problem::validation(format!("limit must be between 1 and 200, but was {value}")))
}

/// An integer, as text or as a number.
fn after(body: &Map<String, Value>) -> Result<usize, Problem> {
    let after = match body.get("after") {
        None | Some(Value::Null) => Some(0),
        Some(Value::String(text)) if text.is_empty() => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64().and_then(|after| usize::try_from(after).ok()),
    };
    // A number that does not fit is past every result.
    after.map(|after: usize| after.min(usize::MAX / 2)).ok_or_else(|| Problem::validation("'after' must be an integer"))
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a Vec<Value>, Problem> {
    static EMPTY: Vec<Value> = Vec::new();
    match body.get(name) {
        None | Some(Value::Null) => Ok(&EMPTY),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(Problem::validation(format!("Invalid input JSON: '{name}' must be a list"))),
    }
}
