//! One page of all records, in the order of their ids.
//!
//! A search is asked for what lies behind the last id. A list has to be turned page by page: where the last answer of
//! ours ended is remembered, so that a walk goes on there; one that was interrupted begins anew, and passes over what
//! it had.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sdk::{Class, Error, PollPage, RecordId, WalkRequest};
use serde_json::Value as Json;

use super::RestConnection;
use super::failure::Purpose;
use super::listing::Pages;
use super::records::Selection;
use super::search::{Asked, Found};
use crate::rest::manifest::{ListOf, Search};
use crate::rest::template::{Root, Scope};

/// A list is turned so far at most, by a walk that was interrupted.
const MOST_PAGES: usize = 10_000;
/// So many walks are remembered at once.
const MOST_BOOKMARKS: usize = 64;

/// For the last record of an answer, the page of the list that it stood on: by object and id.
#[derive(Default)]
pub(super) struct Bookmarks(Mutex<BTreeMap<(String, RecordId), Json>>);

impl Bookmarks {
    fn take(&self, object: &str, last: &RecordId) -> Option<Json> {
        self.known().remove(&(object.to_owned(), last.clone()))
    }

    fn keep(&self, object: &str, last: &RecordId, page: &Json) {
        let mut known = self.known();
        if known.len() >= MOST_BOOKMARKS {
            known.clear();
        }
        known.insert((object.to_owned(), last.clone()), page.clone());
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, RecordId), Json>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One page.
pub(super) async fn walk(connection: &RestConnection, request: &WalkRequest) -> Result<PollPage, Error> {
    let resource = connection.resource(&request.object).map_err(|error| invalid(error.message))?;
    let selection = connection.select(&request.object, request.fields.iter().map(String::as_str), None).await?;
    match (&resource.search, &resource.list) {
        (Some(search), _) => by_search(connection, search, &selection, request).await,
        (None, Some(list)) if list.by_id => by_list(connection, list, &selection, request).await,
        (None, _) => {
            let service = &connection.manifest.service;
            Err(invalid(format!("{service} does not list {} in the order of their ids", request.object)))
        }
    }
}

pub(super) async fn by_search(
    connection: &RestConnection,
    search: &Search,
    selection: &Selection<'_>,
    request: &WalkRequest,
) -> Result<PollPage, Error> {
    let everything = || vec![Vec::new()];
    let groups = request.filter.as_ref().map_or_else(everything, |filter| search.groups(&selection.object, filter));
    if groups.is_empty() {
        return Ok(PollPage { order: connection.manifest.ids, ..PollPage::default() });
    }
    let groups = search.behind(&groups, request.after.as_ref()).ok_or_else(|| {
        let service = &connection.manifest.service;
        invalid(format!("{service} cannot be asked for {} behind an id", request.object))
    })?;
    let asked = Asked { groups: &groups, sort: &search.id_field, limit: request.limit };
    let Found { records, server_time } = connection.search(search, selection, asked).await?;
    Ok(PollPage { records, server_time, order: connection.manifest.ids })
}

pub(super) async fn by_list(
    connection: &RestConnection,
    list: &ListOf,
    selection: &Selection<'_>,
    request: &WalkRequest,
) -> Result<PollPage, Error> {
    let object = &request.object;
    let known = request.after.as_ref().and_then(|after| connection.bookmarks.take(object, after));
    let mut pages = Pages::up_to(MOST_PAGES, &list.page);
    if let Some(page) = known {
        pages.go_on_at(page);
    }
    let mut answer = PollPage { order: connection.manifest.ids, ..PollPage::default() };
    loop {
        let scope = Scope::default().with(Root::Page, pages.scope()).with(Root::Fields, &selection.keys);
        let page = connection.client.call(&list.request, scope, Purpose::Read, &[]).await?;
        answer.server_time = answer.server_time.or(page.server_time);
        let scope = Scope::default().with(Root::Body, &page.body);
        let items = list
            .items
            .list(&scope)
            .ok_or_else(|| connection.odd_answer(&format!("has no `{}`", list.items.last_name())))?;
        for item in items.iter() {
            let record = connection.record(selection, item)?;
            let is_behind =
                request.after.as_ref().is_none_or(|after| connection.compare_ids(&record.id, after).is_gt());
            if is_behind && answer.records.len() < request.limit {
                answer.records.push(record);
            }
        }
        if answer.records.len() >= request.limit {
            if let Some(last) = answer.records.last() {
                // Its page again, for what stands behind it there.
                connection.bookmarks.keep(object, &last.id, pages.scope());
            }
            return Ok(answer);
        }
        if !connection.turned(&mut pages, &page, &items)? {
            return match pages.are_too_many() {
                false => Ok(answer),
                // Fewer rows than asked for would mean the end.
                true => Err(invalid(format!("{MOST_PAGES} pages of {object} were read, and they do not end"))),
            };
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(Class::Invalid, message)
}
