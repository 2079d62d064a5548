//! Lists that are read page by page, and polls over them.

use std::collections::BTreeSet;

use sdk::{Class, Error, IdOrder, PollPage, PollQuery, PollRequest, Record, Timestamp};
use serde_json::{Value as Json, json};

use super::RestConnection;
use super::client::{Answer, LINK};
use super::failure::Purpose;
use super::records::Selection;
use super::values;
use crate::rest::manifest::{ListOf, Listing, Order, Paging};
use crate::rest::template::{Root, Scope};

/// So many pages are turned for one answer of ours.
pub(super) const MOST_PAGES: usize = 50;
/// So many of a list that is in no order, and has to be read whole.
pub(super) const MOST_UNSORTED_PAGES: usize = 1000;

/// Where one is in a list.
pub(super) struct Pages<'a> {
    paging: &'a Paging,
    page: Json,
    n_turned: usize,
    most: usize,
    n_items: usize,
    /// Tokens that were used; one that comes again would lead in a circle.
    seen: BTreeSet<String>,
}

/// A list's next page is one that was read before.
pub(super) struct Circle;

impl<'a> Pages<'a> {
    pub(super) fn new(paging: &'a Paging) -> Self {
        Self::up_to(MOST_PAGES, paging)
    }

    /// Of which so many are turned at most.
    pub(super) fn up_to(most: usize, paging: &'a Paging) -> Self {
        let page = json!({ "number": 1, "offset": 0 });
        Self { paging, page, n_turned: 0, most, n_items: 0, seen: BTreeSet::new() }
    }

    /// Begins at a page that an earlier list had as its [`Self::scope`].
    pub(super) fn go_on_at(&mut self, page: Json) {
        self.n_items = page["offset"].as_u64().and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0);
        self.page = page;
    }

    /// What templates see as `page`.
    pub(super) fn scope(&self) -> &Json {
        &self.page
    }

    /// Whether so many pages were read that something must be wrong with asking like this.
    pub(super) fn are_too_many(&self) -> bool {
        self.n_turned >= self.most
    }

    /// Goes to the next page, where there is one.
    pub(super) fn turn(&mut self, answer: &Answer, items: &[Json]) -> Result<bool, Circle> {
        self.n_turned += 1;
        self.n_items += items.len();
        if self.are_too_many() {
            return Ok(false);
        }
        let headers = answer.headers();
        let scope = Scope::default().with(Root::Body, &answer.body).with(Root::Header, &headers);
        let token = match self.paging {
            Paging::None => return Ok(false),
            Paging::Token(next) | Paging::Link(next) => next.text(&scope),
            Paging::LastItem { next, more } => {
                let is_more = more.text(&scope).is_some_and(|more| more == "true");
                let last = items.last().filter(|_| is_more);
                last.and_then(|last| next.text(&Scope::default().with(Root::Item, last)))
            }
            Paging::Number | Paging::Offset if items.is_empty() => return Ok(false),
            Paging::Number => {
                self.page["number"] = (self.page["number"].as_u64().unwrap_or(0) + 1).into();
                return Ok(true);
            }
            Paging::Offset => {
                self.page["offset"] = self.n_items.into();
                return Ok(true);
            }
        };
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(false) };
        if self.seen.contains(&token) {
            // Some services name their last page for ever; with rows on it, nothing says whether there are more.
            return if items.is_empty() { Ok(false) } else { Err(Circle) };
        }
        let name = if matches!(self.paging, Paging::Link(_)) { LINK } else { "token" };
        self.page[name] = token.as_str().into();
        self.seen.insert(token);
        Ok(true)
    }
}

impl RestConnection {
    /// Rows at or after a stamp in its order, or the rows of one stamp in the order of their ids.
    pub(super) async fn poll_list(
        &self,
        listing: &Listing,
        selection: &Selection<'_>,
        request: &PollRequest,
    ) -> Result<PollPage, Error> {
        let from = match &request.query {
            PollQuery::From(from) => *from,
            PollQuery::Drain { at, .. } => *at,
        };
        let is_drain = matches!(request.query, PollQuery::Drain { .. });
        let cursor = json!({ "value": from.millis() });
        let mut pages = match listing.order {
            Order::OldestFirst | Order::NewestFirst => Pages::new(&listing.page),
            Order::None => Pages::up_to(MOST_UNSORTED_PAGES, &listing.page),
        };
        let mut records = Vec::new();
        let mut n_wanted = 0;
        let mut server_time = None;
        loop {
            let scope = Scope::default()
                .with(Root::Cursor, &cursor)
                .with(Root::Page, pages.scope())
                .with(Root::Fields, &selection.keys);
            let answer = self.client.call(&listing.request, scope, Purpose::Read, &[]).await?;
            // The first answer's time: what happens while pages are turned may be missed by those before.
            server_time = server_time.or(answer.server_time);
            let scope = Scope::default().with(Root::Body, &answer.body);
            let items = listing
                .items
                .list(&scope)
                .ok_or_else(|| self.odd_answer(&format!("has no `{}`", listing.items.last_name())))?;
            let mut furthest = None;
            for item in items.iter() {
                let record = self.listed(listing, selection, item)?;
                furthest = Some(record.modified);
                n_wanted += usize::from(record.modified >= from);
                records.push(record);
            }
            let is_enough = match (listing.order, furthest) {
                (_, None) => false,
                (Order::OldestFirst, Some(last)) if is_drain => last > from,
                (Order::OldestFirst, Some(_)) => n_wanted >= request.limit,
                (Order::NewestFirst, Some(last)) => last < from,
                // What is wanted may stand on the very last page.
                (Order::None, Some(_)) => false,
            };
            if is_enough || !self.turned(&mut pages, &answer, &items)? {
                // Fewer rows than asked for mean the end, so a walk that was cut short must not look like one.
                if !is_enough && pages.are_too_many() {
                    let service = &self.manifest.service;
                    let read = format!("{} pages of {service}'s {} were read", pages.most, request.object);
                    let message = match listing.order {
                        Order::OldestFirst | Order::NewestFirst => {
                            format!("{read} and {from} was not reached; poll from a later start")
                        }
                        Order::None => format!("{read}, which are in no order, and there are more: too many to poll"),
                    };
                    return Err(Error::new(Class::Invalid, message));
                }
                break;
            }
        }
        Ok(PollPage { records: self.page_of(records, request, from), server_time, order: self.manifest.ids })
    }

    /// Goes to the next page, where there is one. A list that leads back to a page of its own has not been read to its
    /// end, and must not look as if it were.
    pub(super) fn turned(&self, pages: &mut Pages<'_>, answer: &Answer, items: &[Json]) -> Result<bool, Error> {
        pages.turn(answer, items).map_err(|Circle| self.odd_answer("leads back to a page that was read before"))
    }

    /// A row of a list, stamped as the list says.
    fn listed(&self, listing: &Listing, selection: &Selection<'_>, item: &Json) -> Result<Record, Error> {
        let scope = Scope::default().with(Root::Item, item);
        let json = match &listing.record {
            Some(record) => record.place(&scope).ok_or_else(|| self.odd_answer("has an item without its record"))?,
            None => item,
        };
        let stamp = values::stamp_in(listing.stamp_form, &listing.stamp.render(&scope));
        let stamp = stamp
            .ok_or_else(|| self.odd_answer(&format!("has an item without its `{}`", listing.stamp.last_name())))?;
        Ok(Record { modified: stamp, ..self.record(selection, json)? })
    }

    /// The rows that were asked for, in the order that was asked for; of one record, the last.
    fn page_of(&self, records: Vec<Record>, request: &PollRequest, from: Timestamp) -> Vec<Record> {
        let mut wanted: Vec<Record> = match &request.query {
            PollQuery::From(_) => records.into_iter().filter(|record| record.modified >= from).collect(),
            PollQuery::Drain { after, .. } => records
                .into_iter()
                .filter(|record| record.modified == from)
                .filter(|record| after.as_ref().is_none_or(|after| self.compare_ids(&record.id, after).is_gt()))
                .collect(),
        };
        wanted.sort_by_key(|record| record.modified);
        let mut seen = BTreeSet::new();
        let mut latest: Vec<Record> =
            wanted.into_iter().rev().filter(|record| seen.insert(record.id.clone())).collect();
        match &request.query {
            PollQuery::From(_) => latest.reverse(),
            PollQuery::Drain { .. } => latest.sort_by(|left, right| self.compare_ids(&left.id, &right.id)),
        }
        latest.truncate(request.limit);
        latest
    }

    /// The order of ids at this service.
    pub(super) fn compare_ids(&self, left: &sdk::RecordId, right: &sdk::RecordId) -> std::cmp::Ordering {
        match self.manifest.ids {
            IdOrder::Numbers => left.as_number().cmp(&right.as_number()),
            IdOrder::Text => left.as_str().cmp(right.as_str()),
        }
    }

    /// Every record of a list until this one says that it is enough; `false` where the list was too long.
    pub(super) async fn each_record(
        &self,
        list: &ListOf,
        selection: &Selection<'_>,
        mut is_enough: impl FnMut(Record) -> bool,
    ) -> Result<bool, Error> {
        let mut pages = Pages::new(&list.page);
        loop {
            let scope = Scope::default().with(Root::Page, pages.scope()).with(Root::Fields, &selection.keys);
            let answer = self.client.call(&list.request, scope, Purpose::Read, &[]).await?;
            let scope = Scope::default().with(Root::Body, &answer.body);
            let items = list
                .items
                .list(&scope)
                .ok_or_else(|| self.odd_answer(&format!("has no `{}`", list.items.last_name())))?;
            for item in items.iter() {
                if is_enough(self.record(selection, item)?) {
                    return Ok(true);
                }
            }
            if !self.turned(&mut pages, &answer, &items)? {
                return Ok(!pages.are_too_many());
            }
        }
    }
}
