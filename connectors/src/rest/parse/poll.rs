//! Ways to poll, and how the next page of a list is found.

use text::{Entry, Map, Node};

use super::request::request;
use crate::rest::language::words::{self, Mode, PageKind, PollBy};
use crate::rest::manifest::{ListOf, Listing, MomentForm, Order, Paging, Poll, PollSource, Serves, Whole};
use crate::rest::reader::Reader;
use crate::rest::template::Root;
use crate::rest::{codes, language};

/// What else a resource has to read many records by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Has {
    pub(super) search: bool,
    pub(super) list: bool,
}

pub(super) fn polls(map: &Map, has: Has, reader: &mut Reader) -> Vec<Poll> {
    let Some(entry) = map.get("poll") else { return Vec::new() };
    let nodes = reader.one_or_many(&entry.value);
    nodes.iter().filter_map(|node| poll(node, has, reader)).collect()
}

fn poll(node: &Node, has: Has, reader: &mut Reader) -> Option<Poll> {
    let map = reader.map(node, &language::POLL)?;
    let serves = reader.required(map, "serves", "a poll", node.span)?;
    let mut served = Vec::new();
    for word in reader.one_or_many(&serves.value) {
        served.extend(reader.word(word, "`serves`", &words::SERVES, &[]));
    }
    let mode = reader.required(map, "mode", "a poll", node.span)?;
    let mode = reader.word(&mode.value, "`mode`", &words::MODES, &[])?;
    if mode == Mode::Snapshot {
        return snapshot(map, node, (served, serves), has, reader);
    }
    let source = match (map.get("by"), mode) {
        (Some(by), Mode::Cursor) => {
            if reader.word(&by.value, "`by`", &words::POLL_BY, &[])? == PollBy::List {
                let help = "write `mode: snapshot`, or the list's request here with its `stamp`".to_owned();
                let message = "the resource's `list` tells no stamps to poll by";
                reader.error(codes::WRONG_VALUE, by.value.span, message, Some(help));
            } else if !has.search {
                reader.error(codes::MISSING_KEY, by.value.span, "the resource has no `search` to poll by", None);
            }
            if served.contains(&Serves::Archived) {
                let help = "give it a poll of its own, over a list that shows them".to_owned();
                let message = "a search does not find what was archived";
                reader.error(codes::WRONG_VALUE, serves.value.span, message, Some(help));
            }
            PollSource::Search
        }
        (Some(by), Mode::Scan | Mode::Events | Mode::Snapshot) => {
            let message = "only `mode: cursor` and `mode: snapshot` poll by what the resource has";
            reader.error(codes::WRONG_VALUE, by.key.span, message, None);
            return None;
        }
        (None, mode) => PollSource::List(Box::new(listing(map, node, mode, reader)?)),
    };
    Some(Poll { serves: served, source })
}

/// A poll that reads all records, and needs no stamp of them.
fn snapshot(
    map: &Map,
    node: &Node,
    (served, serves): (Vec<Serves>, &Entry),
    has: Has,
    reader: &mut Reader,
) -> Option<Poll> {
    for (wrong, message, help) in [
        (
            Serves::Archived,
            "a snapshot does not tell what was archived",
            "it knows what is there, and `new` and `new_or_updated` of it",
        ),
        (Serves::AnyStamp, "a snapshot goes by no stamp", "it serves `new` and `new_or_updated`"),
    ] {
        if served.contains(&wrong) {
            reader.error(codes::WRONG_VALUE, serves.value.span, message, Some(help.to_owned()));
        }
    }
    for key in ["stamp", "stamp_form", "order"] {
        if let Some(entry) = map.get(key) {
            let help = "leave it out, or write `mode: cursor` where the records have stamps".to_owned();
            let message = format!("`{key}` means nothing to a snapshot, which reads everything each time");
            reader.error(codes::WRONG_VALUE, entry.key.span, message, Some(help));
        }
    }
    let whole = match map.get("by") {
        Some(by) => {
            let (whole, is_there, name) = match reader.word(&by.value, "`by`", &words::POLL_BY, &[])? {
                PollBy::Search => (Whole::Search, has.search, "search"),
                PollBy::List => (Whole::List, has.list, "list"),
            };
            if !is_there {
                let message = format!("the resource has no `{name}` to poll by");
                reader.error(codes::MISSING_KEY, by.value.span, message, None);
            }
            whole
        }
        None => {
            let request = request(map, node.span, "a poll", &[Root::Page, Root::Fields, Root::Config], reader);
            let items = reader.required(map, "items", "a poll", node.span)?;
            let items = reader.template(&items.value, "`items`", &[Root::Body]);
            let record = reader.template_at(map, "record", &[Root::Item]);
            let page = paging(map, reader);
            Whole::Own { list: Box::new(ListOf { by_id: false, request: request?, items: items?, page }), record }
        }
    };
    Some(Poll { serves: served, source: PollSource::Snapshot(Box::new(whole)) })
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
        (None, Mode::Scan | Mode::Events | Mode::Snapshot) => Order::NewestFirst,
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
