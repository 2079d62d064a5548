//! Reading records: by id or a unique property, which sees every write at once, else by search, which runs behind.

use sdk::{Class, Error, Filter, Find, Method, Record, RecordId, Test, Value};

use super::HubSpotConnection;
use super::client::Call;
use super::objects::ID;
use super::records::Selection;
use super::search::{LONGEST_PAGE, Search, behind, groups};
use super::values;

/// So many pages are looked through for the part of a filter that HubSpot cannot be asked.
const MOST_PAGES: usize = 50;

/// One record by its id. A record that was merged away answers as the one it became part of.
pub(super) async fn get(
    connection: &HubSpotConnection,
    object: &str,
    id: &RecordId,
    fields: &[String],
) -> Result<Option<Record>, Error> {
    let selection = connection.select(object, fields.iter().map(String::as_str), None).await?;
    by_key(connection, &selection, None, id.as_str()).await
}

/// Records that fulfil a filter, at most as many as wanted.
pub(super) async fn find(connection: &HubSpotConnection, find: &Find) -> Result<Vec<Record>, Error> {
    let mut asked: Vec<&str> = Vec::new();
    find.filter.for_each_field(&mut |field| asked.push(field));
    let fields = find.fields.iter().map(String::as_str).chain(asked.iter().copied());
    let selection = connection.select(&find.object, fields, None).await?;

    if let Some((property, key)) = unique_key(&selection, &find.filter) {
        return Ok(by_key(connection, &selection, property, &key).await?.into_iter().collect());
    }
    scan(connection, &selection, find).await
}

/// Reads by id, or by a unique property where one is named.
async fn by_key(
    connection: &HubSpotConnection,
    selection: &Selection,
    property: Option<&str>,
    key: &str,
) -> Result<Option<Record>, Error> {
    // An id is a number; asked for anything else, HubSpot would answer another question.
    if property.is_none() && !is_id(key) {
        return Ok(None);
    }
    let properties = selection.properties.join(",");
    let mut query = vec![("properties", properties.as_str())];
    query.extend(property.map(|property| ("idProperty", property)));
    let path = ["crm", "v3", "objects", &selection.object.schema.name, key];
    match connection.client.call(Call::read(Method::Get, &path).query(&query)).await.map_err(Error::from) {
        Ok(answer) => selection.record(&answer.body).map(Some),
        Err(error) if error.class == Class::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether it can be a record's id.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The id or the unique property that the filter pins to one value.
fn unique_key<'a>(selection: &Selection, filter: &'a Filter) -> Option<(Option<&'a str>, String)> {
    match filter {
        Filter::All(filters) => filters.iter().find_map(|filter| unique_key(selection, filter)),
        Filter::Field { field, test: Test::Eq(value) } if field == "id" || field == ID => Some((None, value.to_text())),
        Filter::Field { field, test: Test::Eq(value @ (Value::Text(_) | Value::Int(_))) } => {
            let known = selection.object.schema.fields.get(field).filter(|known| known.unique)?;
            let key = values::write(Some(known), value);
            // These cannot stand in an address; search can be asked for them.
            (!matches!(key.trim(), "" | "." | "..")).then_some((Some(field.as_str()), key))
        }
        Filter::Field { .. } | Filter::Any(_) => None,
    }
}

/// Looks through what search finds, in the order of ids, until enough rows fulfil the whole filter.
async fn scan(connection: &HubSpotConnection, selection: &Selection, find: &Find) -> Result<Vec<Record>, Error> {
    let groups = groups(&selection.object, &find.filter);
    let mut found = Vec::new();
    let mut last = None;
    if groups.is_empty() || find.limit == 0 {
        return Ok(found);
    }
    for _ in 0..MOST_PAGES {
        let groups = behind(&groups, last.as_ref());
        let page =
            connection.search(selection, Search { groups: &groups, sort: ID, limit: LONGEST_PAGE }).await?.records;
        let is_last = page.len() < LONGEST_PAGE;
        let next = page.iter().max_by_key(|record| record.id.as_number()).map(|record| record.id.clone());
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
    let rows = MOST_PAGES * LONGEST_PAGE;
    Err(Error::new(
        Class::Invalid,
        format!(
            "HubSpot cannot be asked for all of this filter, and {rows} {} did not answer it; \
             add a test that narrows it, such as an equality",
            find.object
        ),
    ))
}
