//! Ways to poll, and how the next page of a list is found.

use text::{Map, Node};

use super::request::request;
use crate::rest::language::words::{self, Mode, PageKind};
use crate::rest::manifest::{Listing, MomentForm, Order, Paging, Poll, PollSource, Serves};
use crate::rest::reader::Reader;
use crate::rest::template::Root;
use crate::rest::{codes, language};

pub(super) fn polls(map: &Map, has_search: bool, reader: &mut Reader) -> Vec<Poll> {
    let Some(entry) = map.get("poll") else { return Vec::new() };
    let nodes = reader.one_or_many(&entry.value);
    nodes.iter().filter_map(|node| poll(node, has_search, reader)).collect()
}

fn poll(node: &Node, has_search: bool, reader: &mut Reader) -> Option<Poll> {
    let map = reader.map(node, &language::POLL)?;
    let serves = reader.required(map, "serves", "a poll", node.span)?;
    let mut served = Vec::new();
    for word in reader.one_or_many(&serves.value) {
        served.extend(reader.word(word, "`serves`", &words::SERVES, &[]));
    }
    let mode = reader.required(map, "mode", "a poll", node.span)?;
    let mode = reader.word(&mode.value, "`mode`", &words::MODES, &["snapshot"])?;
    let source = match (map.get("by"), mode) {
        (Some(by), Mode::Cursor) => {
            reader.word(&by.value, "`by`", &words::POLL_BY, &[])?;
            if !has_search {
                reader.error(codes::MISSING_KEY, by.value.span, "the resource has no `search` to poll by", None);
            }
            if served.contains(&Serves::Archived) {
                let help = "give it a poll of its own, over a list that shows them".to_owned();
                let message = "a search does not find what was archived";
                reader.error(codes::WRONG_VALUE, serves.value.span, message, Some(help));
            }
            PollSource::Search
        }
        (Some(by), Mode::Scan | Mode::Events) => {
            reader.error(codes::WRONG_VALUE, by.key.span, "only `mode: cursor` polls by search", None);
            return None;
        }
        (None, mode) => PollSource::List(Box::new(listing(map, node, mode, reader)?)),
    };
    Some(Poll { serves: served, source })
}

fn listing(map: &Map, node: &Node, mode: Mode, reader: &mut Reader) -> Option<Listing> {
    let roots = &[Root::Cursor, Root::Page, Root::Fields, Root::Config];
    let request = request(map, node.span, "a poll", roots, reader);
    let items = reader.required(map, "items", "a poll", node.span)?;
    let items = reader.template(&items.value, "`items`", &[Root::Body]);
    let stamp = reader.required(map, "stamp", "a poll", node.span)?;
    let stamp = reader.template(&stamp.value, "`stamp`", &[Root::Item]);
    let order = match (map.get("order"), mode) {
        (Some(entry), _) => reader.word(&entry.value, "`order`", &words::ORDERS, &[])?,
        (None, Mode::Cursor) => Order::OldestFirst,
        (None, Mode::Scan | Mode::Events) => Order::NewestFirst,
    };
    if mode == Mode::Scan && order == Order::OldestFirst {
        let message = "a scan stops at what is known already, so it begins with the newest";
        reader.error(codes::WRONG_VALUE, node.span, message, None);
    }
    let stamp_form = match map.get("stamp_form") {
        Some(entry) => reader.word(&entry.value, "`stamp_form`", &words::MOMENTS, &[])?,
        None => MomentForm::Rfc3339,
    };
    let record = reader.template_at(map, "record", &[Root::Item]);
    if mode == Mode::Events && record.is_none() {
        let message = "an event feed says where the record stands in an event: `record`";
        reader.error(codes::MISSING_KEY, node.span, message, None);
    }
    let page = paging(map, reader);
    Some(Listing { request: request?, items: items?, page, order, record, stamp: stamp?, stamp_form })
}

/// The key `page`: how the next page is found.
pub(super) fn paging(map: &Map, reader: &mut Reader) -> Paging {
    let Some(entry) = map.get("page") else { return Paging::None };
    paging_of(&entry.value, reader).unwrap_or_default()
}

const ANSWER: &[Root] = &[Root::Body, Root::Header];

fn paging_of(node: &Node, reader: &mut Reader) -> Option<Paging> {
    let map = reader.map(node, &language::PAGE)?;
    let kind = reader.required(map, "kind", "`page`", node.span)?;
    let kind = reader.word(&kind.value, "`kind`", &words::PAGES, &["keyset"])?;
    let mut part = |key: &str, roots: &[Root]| {
        reader.required(map, key, "this kind of page", node.span)?;
        reader.template_at(map, key, roots)
    };
    Some(match kind {
        PageKind::None => Paging::None,
        PageKind::Token => Paging::Token(part("next", ANSWER)?),
        PageKind::LastItem => Paging::LastItem { next: part("next", &[Root::Item])?, more: part("more", ANSWER)? },
        PageKind::Number => Paging::Number,
        PageKind::Offset => Paging::Offset,
        PageKind::Link => Paging::Link(part("next", ANSWER)?),
    })
}
