//! One page of a snapshot: records that nothing stamps, read whole and in the order of their ids.
//!
//! A search, or a list by rising id, is read page by page as a walk reads it. A list in any other order has to be read
//! to its end before its lowest ids are known: it is read once for a pass, and held until our answers come to its end.
//! Whoever goes on in a list that is not held, because the process is another one, reads it again and passes over what
//! it had; that is no worse, for the engine compares every record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sdk::{Class, Error, PollPage, PollQuery, PollRequest, Record, RecordId, Timestamp, WalkRequest};

use super::RestConnection;
use super::failure::Purpose;
use super::listing::{MOST_UNSORTED_PAGES, Pages};
use super::records::Selection;
use super::walk;
use crate::rest::manifest::{ListOf, Whole};
use crate::rest::template::{Root, Scope, Template};

/// So many lists are held at once.
const MOST_HELD: usize = 16;

/// Lists that were read and not answered to their end: by object and fields.
#[derive(Default)]
pub(super) struct Held(Mutex<BTreeMap<HeldBy, Arc<[Record]>>>);

type HeldBy = (String, Vec<String>);

impl Held {
    fn get(&self, request: &PollRequest) -> Option<Arc<[Record]>> {
        self.known().get(&held_by(request)).cloned()
    }

    fn keep(&self, request: &PollRequest, records: &Arc<[Record]>) {
        let mut known = self.known();
        if known.len() >= MOST_HELD {
            known.clear();
        }
        known.insert(held_by(request), Arc::clone(records));
    }

    fn drop(&self, request: &PollRequest) {
        self.known().remove(&held_by(request));
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<HeldBy, Arc<[Record]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held_by(request: &PollRequest) -> HeldBy {
    (request.object.clone(), request.fields.clone())
}

/// The records behind an id, each stamped with the moment that was asked for.
pub(super) async fn poll(
    connection: &RestConnection,
    whole: &Whole,
    selection: &Selection<'_>,
    request: &PollRequest,
) -> Result<PollPage, Error> {
    let PollQuery::Drain { at, after } = &request.query else {
        let message = format!("nothing stamps {}, so they are read from the first to the last", request.object);
        return Err(Error::new(Class::Invalid, message));
    };
    let resource = selection.resource;
    let mut page = match (whole, &resource.search, &resource.list) {
        (Whole::Search, Some(search), _) => {
            walk::by_search(connection, search, selection, &walked(request, after.as_ref())).await?
        }
        (Whole::List, _, Some(list)) if list.by_id => {
            walk::by_list(connection, list, selection, &walked(request, after.as_ref())).await?
        }
        (Whole::List, _, Some(list)) => {
            held_or_read(connection, list, None, selection, request, after.as_ref()).await?
        }
        (Whole::Own { list, record }, ..) => {
            held_or_read(connection, list, record.as_ref(), selection, request, after.as_ref()).await?
        }
        (Whole::Search | Whole::List, ..) => {
            let message = format!("there is no way to read all {}", request.object);
            return Err(Error::new(Class::Invalid, message));
        }
    };
    page.records.iter_mut().for_each(|record| record.modified = *at);
    Ok(page)
}

/// The author's filter is not sent along: what leaves it and comes back would not be seen to have changed.
fn walked(request: &PollRequest, after: Option<&RecordId>) -> WalkRequest {
    let PollRequest { object, fields, limit, .. } = request;
    WalkRequest { object: object.clone(), fields: fields.clone(), filter: None, after: after.cloned(), limit: *limit }
}

async fn held_or_read(
    connection: &RestConnection,
    list: &ListOf,
    record: Option<&Template>,
    selection: &Selection<'_>,
    request: &PollRequest,
    after: Option<&RecordId>,
) -> Result<PollPage, Error> {
    // A pass that begins wants what is there now.
    let held = after.and_then(|_| connection.held.get(request));
    let (records, server_time) = match held {
        Some(records) => (records, None),
        None => {
            let (records, server_time) = whole(connection, list, record, selection, &request.object).await?;
            (Arc::from(records), server_time)
        }
    };
    let had = |record: &Record| after.is_some_and(|after| connection.compare_ids(&record.id, after).is_le());
    let rest = &records[records.partition_point(had)..];
    let page = &rest[..request.limit.min(rest.len())];
    // A page that is full does not say that it was the last, and is asked behind.
    match page.len() == request.limit {
        true => connection.held.keep(request, &records),
        false => connection.held.drop(request),
    }
    Ok(PollPage { records: page.to_vec(), server_time, order: connection.manifest.ids })
}

/// All records by rising id, each once: of one that moved while pages were turned, as it was read last.
async fn whole(
    connection: &RestConnection,
    list: &ListOf,
    record: Option<&Template>,
    selection: &Selection<'_>,
    object: &str,
) -> Result<(Vec<Record>, Option<Timestamp>), Error> {
    let mut pages = Pages::up_to(MOST_UNSORTED_PAGES, &list.page);
    let (mut records, mut server_time) = (Vec::new(), None);
    loop {
        let scope = Scope::default().with(Root::Page, pages.scope()).with(Root::Fields, &selection.keys);
        let answer = connection.client.call(&list.request, scope, Purpose::Read, &[]).await?;
        server_time = server_time.or(answer.server_time);
        let scope = Scope::default().with(Root::Body, &answer.body);
        let items = list
            .items
            .list(&scope)
            .ok_or_else(|| connection.odd_answer(&format!("has no `{}`", list.items.last_name())))?;
        for item in items.iter() {
            let scope = Scope::default().with(Root::Item, item);
            let json = match record {
                Some(record) => {
                    record.place(&scope).ok_or_else(|| connection.odd_answer("has an item without its record"))?
                }
                None => item,
            };
            records.push(connection.record(selection, json)?);
        }
        if !connection.turned(&mut pages, &answer, &items)? {
            break;
        }
    }
    if pages.are_too_many() {
        let message =
            format!("{MOST_UNSORTED_PAGES} pages of {object} were read, and they do not end: too many to compare");
        return Err(Error::new(Class::Invalid, message));
    }
    // Of equal ids the last one read comes first, and is the one that stays.
    records.reverse();
    records.sort_by(|left: &Record, right| connection.compare_ids(&left.id, &right.id));
    records.dedup_by(|later, kept| later.id == kept.id);
    Ok((records, server_time))
}
