//! Reading records: by id or a unique field, which sees every write at once, else by what the service has for it.

use sdk::{Class, Error, Filter, Find, IdOrder, Record, RecordId, Test, Value};
use serde_json::{Value as Json, json};

use super::RestConnection;
use super::failure::Purpose;
use super::listing::MOST_PAGES;
use super::objects::Object;
use super::records::{Selection, id_in};
use super::search::Asked;
use super::values;
use crate::rest::manifest::{FindBy, Resource, Search};
use crate::rest::template::{Root, Scope, plain_text};

/// One record by its id. A record that was merged away may answer as the one it became part of.
pub(super) async fn get(
    connection: &RestConnection,
    object: &str,
    id: &RecordId,
    fields: &[String],
) -> Result<Option<Record>, Error> {
    let selection = connection.select(object, fields.iter().map(String::as_str), None).await?;
    by_key(connection, &selection, None, id.as_str()).await
}

/// Records that fulfil a filter, at most as many as wanted.
pub(super) async fn find(connection: &RestConnection, find: &Find) -> Result<Vec<Record>, Error> {
    let mut asked: Vec<&str> = Vec::new();
    find.filter.for_each_field(&mut |field| asked.push(field));
    let fields = find.fields.iter().map(String::as_str).chain(asked.iter().copied());
    let selection = connection.select(&find.object, fields, None).await?;

    if let Some((field, key)) = unique_key(selection.resource, &selection.object, &find.filter) {
        return Ok(by_key(connection, &selection, field, &key).await?.into_iter().collect());
    }
    let resource = selection.resource;
    if let Some(search) = &resource.search {
        return scan(connection, search, &selection, find).await;
    }
    if let Some((by, field, value)) = found_by(&selection, &find.filter) {
        return through_ids(connection, &selection, by, (field, value), find).await;
    }
    walk(connection, &selection, find).await
}

/// Reads by id, or by a unique field where one is named.
pub(super) async fn by_key(
    connection: &RestConnection,
    selection: &Selection<'_>,
    field: Option<&str>,
    key: &str,
) -> Result<Option<Record>, Error> {
    let Some(get) = &selection.resource.get else {
        let message =
            format!("{} cannot be asked for one of its {}", connection.manifest.service, selection.resource.name);
        return Err(Error::new(Class::Invalid, message));
    };
    // Asked for what is no id, the service might answer another question.
    if field.is_none() && !is_id(connection, key) {
        return Ok(None);
    }
    let asked = key_json(&selection.object, field, key);
    let scope = Scope::default().with(Root::Key, &asked).with(Root::Fields, &selection.keys);
    match connection.client.call(&get.request, scope, Purpose::Read, &[]).await.map_err(Error::from) {
        Ok(answer) => {
            let scope = Scope::default().with(Root::Body, &answer.body);
            let record = get.record.place(&scope).filter(|record| !record.is_null());
            let record = record.ok_or_else(|| connection.odd_answer("holds no record"))?;
            connection.record(selection, record).map(Some)
        }
        Err(error) if error.class == Class::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What templates see as `key`.
pub(super) fn key_json(object: &Object, field: Option<&str>, value: &str) -> Json {
    match field {
        Some(field) => json!({ "field": object.key(field), "value": value }),
        None => json!({ "value": value }),
    }
}

/// Whether it can be a record's id.
pub(super) fn is_id(connection: &RestConnection, text: &str) -> bool {
    match connection.manifest.ids {
        IdOrder::Numbers => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        IdOrder::Text => can_be_in_address(text),
    }
}

/// These cannot stand in an address.
pub(super) fn can_be_in_address(text: &str) -> bool {
    !matches!(text.trim(), "" | "." | "..")
}

/// The id or the unique field that the filter pins to one value.
pub(super) fn unique_key<'a>(
    resource: &Resource,
    object: &Object,
    filter: &'a Filter,
) -> Option<(Option<&'a str>, String)> {
    let get = resource.get.as_ref()?;
    let id_field = resource.search.as_ref().map(|search| search.id_field.as_str());
    match filter {
        Filter::All(filters) => filters.iter().find_map(|filter| unique_key(resource, object, filter)),
        Filter::Field { field, test: Test::Eq(value) } if field == "id" || Some(field.as_str()) == id_field => {
            Some((None, value.to_text()))
        }
        Filter::Field { field, test: Test::Eq(value @ (Value::Text(_) | Value::Int(_))) } if get.by_unique => {
            let known = object.schema.fields.get(field).filter(|known| known.unique)?;
            let key = values::write_text(&resource.fields, Some(known), value);
            can_be_in_address(&key).then_some((Some(field.as_str()), key))
        }
        Filter::Field { .. } | Filter::Any(_) => None,
    }
}

/// A find of the resource's own for a field that the filter pins to one value.
fn found_by<'a>(selection: &'a Selection<'_>, filter: &'a Filter) -> Option<(&'a FindBy, &'a str, &'a Value)> {
    match filter {
        Filter::All(filters) => filters.iter().find_map(|filter| found_by(selection, filter)),
        Filter::Field { field, test: Test::Eq(value) } if !value.is_null() => {
            let by = selection.resource.finds.iter().find(|find| find.by.contains(field))?;
            Some((by, field.as_str(), value))
        }
        Filter::Field { .. } | Filter::Any(_) => None,
    }
}

/// The ids of the records that have this value, as far as the service can be asked: it may find too many.
pub(super) async fn ids_with(
    connection: &RestConnection,
    selection: &Selection<'_>,
    find: &FindBy,
    field: &str,
    value: &Value,
) -> Result<Vec<RecordId>, Error> {
    let known = selection.object.schema.fields.get(field);
    let sent = values::write_text(&selection.resource.fields, known, value);
    let asked = key_json(&selection.object, Some(field), &sent);
    let scope = Scope::default().with(Root::Key, &asked);
    let body = connection.client.call(&find.request, scope, Purpose::Read, &[]).await?.body;
    let items = find
        .items
        .list(&Scope::default().with(Root::Body, &body))
        .ok_or_else(|| connection.odd_answer(&format!("to a search has no `{}`", find.items.last_name())))?;
    let mut ids = Vec::new();
    for item in items.iter() {
        let scope = Scope::default().with(Root::Item, item);
        let has_it = find.value.as_ref().is_none_or(|template| {
            let same = |json: &Json| plain_text(json).is_some_and(|text| same_text(&text, &sent));
            match template.render(&scope) {
                Json::Array(items) => items.iter().any(same),
                json => same(&json),
            }
        });
        let id = id_in(&find.id, &scope).ok_or_else(|| connection.odd_answer("has a record without an id"))?;
        if has_it {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Keys are compared without case, as services do: an address in capitals is still the same person.
pub(super) fn same_text(left: &str, right: &str) -> bool {
    left.trim().to_lowercase() == right.trim().to_lowercase()
}

async fn through_ids(
    connection: &RestConnection,
    selection: &Selection<'_>,
    by: &FindBy,
    (field, value): (&str, &Value),
    find: &Find,
) -> Result<Vec<Record>, Error> {
    let mut found = Vec::new();
    for id in ids_with(connection, selection, by, field, value).await? {
        let record = by_key(connection, selection, None, id.as_str()).await?;
        found.extend(record.filter(|record| find.filter.matches(record)));
        if found.len() >= find.limit {
            break;
        }
    }
    found.truncate(find.limit);
    Ok(found)
}

/// Looks through what search finds, in the order of ids, until enough rows fulfil the whole filter.
async fn scan(
    connection: &RestConnection,
    search: &Search,
    selection: &Selection<'_>,
    find: &Find,
) -> Result<Vec<Record>, Error> {
    let groups = search.groups(&selection.object, &find.filter);
    let mut found = Vec::new();
    let mut last = None;
    if groups.is_empty() || find.limit == 0 {
        return Ok(found);
    }
    let limit = search.page_size;
    for _ in 0..MOST_PAGES {
        let Some(groups) = search.behind(&groups, last.as_ref()) else { break };
        let asked = Asked { groups: &groups, sort: &search.id_field, limit };
        let page = connection.search(search, selection, asked).await?.records;
        let is_last = page.len() < limit;
        let next = page.iter().max_by(|left, right| connection.compare_ids(&left.id, &right.id));
        let next = next.map(|record| record.id.clone());
        found.extend(page.into_iter().filter(|record| find.filter.matches(record)));
        if is_last || found.len() >= find.limit {
            found.truncate(find.limit);
            return Ok(found);
        }
        if next == last {
            break;
        }
        last = next;
    }
    Err(too_many(connection, MOST_PAGES * limit, find))
}

/// Looks through all there is.
async fn walk(connection: &RestConnection, selection: &Selection<'_>, find: &Find) -> Result<Vec<Record>, Error> {
    let Some(list) = &selection.resource.list else {
        let message = format!("{} cannot be searched for {} in this way", connection.manifest.service, find.object);
        return Err(Error::new(Class::Invalid, message));
    };
    let mut found = Vec::new();
    let mut n_rows = 0;
    if find.limit == 0 {
        return Ok(found);
    }
    let reached = connection.each_record(list, selection, |record| {
        n_rows += 1;
        if find.filter.matches(&record) {
            found.push(record);
        }
        found.len() >= find.limit
    });
    match reached.await? {
        true => Ok(found),
        false => Err(too_many(connection, n_rows, find)),
    }
}

fn too_many(connection: &RestConnection, n_rows: usize, find: &Find) -> Error {
    let message = format!(
        "{} cannot be asked for all of this filter, and {n_rows} {} did not answer it; \
         add a test that narrows it, such as an equality",
        connection.manifest.service, find.object
    );
    Error::new(Class::Invalid, message)
}
