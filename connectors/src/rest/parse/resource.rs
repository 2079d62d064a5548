//! One resource.

use sdk::Scopes;
use text::{Entry, Map, Node};

use super::fields::fields as parse_fields;
use super::poll::{Has, paging, polls};
use super::request::request;
use super::search::search;
use super::write::writes;
use crate::rest::language::words;
use crate::rest::manifest::{FindBy, Get, ListOf, Resource, Stamp, Stamps};
use crate::rest::reader::Reader;
use crate::rest::template::{Piece, Reference, Root, Template};
use crate::rest::{codes, language};

pub(super) fn resource(entry: &Entry, reader: &mut Reader) -> Option<Resource> {
    let name = entry.key.text.clone();
    let map = reader.map(&entry.value, &language::RESOURCE)?;
    let span = entry.key.span;
    let id = match map.get("id") {
        Some(entry) => reader.template(&entry.value, "`id`", &[Root::Record])?,
        None => {
            reader.required(map, "id", "a resource", span)?;
            return None;
        }
    };
    let title = reader.text_at(map, "title").unwrap_or_else(|| name.clone());
    let fields = reader.required(map, "fields", "a resource", span)?;
    let fields = parse_fields(&fields.value, reader);
    let stamps = stamps(map, reader);
    let get = map.get("get").and_then(|entry| get(entry, reader));
    let search = map.get("search").and_then(|entry| search(entry, reader));
    let finds = finds(map, reader);
    let list = map.get("list").and_then(|entry| list(entry, reader));
    let polls = polls(map, Has { search: search.is_some(), list: list.is_some() }, reader);
    let write = writes(map, search.is_some(), !finds.is_empty(), reader);
    let scopes = scopes(map, reader);
    Some(Resource { name, title, id, fields: fields?, stamps, get, search, finds, list, polls, write, scopes })
}

/// What a token must be granted; of each list any one suffices.
fn scopes(map: &Map, reader: &mut Reader) -> Scopes {
    let Some(entry) = map.get("scopes") else { return Scopes::default() };
    let Some(map) = reader.map(&entry.value, &language::SCOPES) else {
        return Scopes::default();
    };
    let instead = reader.texts(map, "instead");
    let mut any_of = |key: &str| {
        let own = reader.texts(map, key);
        if own.is_empty() { own } else { own.into_iter().chain(instead.iter().cloned()).collect() }
    };
    Scopes { fields: any_of("fields"), read: any_of("read"), write: any_of("write") }
}

/// Looking for the records that have a value, each by fields of its own.
fn finds(map: &Map, reader: &mut Reader) -> Vec<FindBy> {
    let Some(entry) = map.get("find") else { return Vec::new() };
    let nodes = reader.one_or_many(&entry.value);
    nodes.iter().filter_map(|node| find(node, reader)).collect()
}

fn find(node: &Node, reader: &mut Reader) -> Option<FindBy> {
    let what = "`find`";
    let map = reader.map(node, &language::FIND)?;
    let request = request(map, node.span, what, &[Root::Key, Root::Config], reader);
    for key in ["by", "items", "id"] {
        reader.required(map, key, what, node.span)?;
    }
    Some(FindBy {
        by: reader.texts(map, "by"),
        request: request?,
        items: reader.template_at(map, "items", &[Root::Body])?,
        id: reader.template_at(map, "id", &[Root::Item])?,
        value: reader.template_at(map, "value", &[Root::Item]),
    })
}

fn list(entry: &Entry, reader: &mut Reader) -> Option<ListOf> {
    let map = reader.map(&entry.value, &language::LIST)?;
    let request = request(map, entry.key.span, "`list`", &[Root::Page, Root::Fields, Root::Config], reader);
    let items = reader.required(map, "items", "`list`", entry.key.span)?;
    let items = reader.template(&items.value, "`items`", &[Root::Body]);
    let by_id = match map.get("order") {
        Some(entry) => reader.word(&entry.value, "`order`", &words::LIST_ORDERS, &[])?,
        None => false,
    };
    Some(ListOf { by_id, request: request?, items: items?, page: paging(map, reader) })
}

fn stamps(map: &Map, reader: &mut Reader) -> Stamps {
    let Some(entry) = map.get("stamps") else { return Stamps::default() };
    let Some(map) = reader.map(&entry.value, &language::STAMPS) else {
        return Stamps::default();
    };
    Stamps { modified: stamp(map, "modified", reader), created: stamp(map, "created", reader) }
}

fn stamp(map: &Map, key: &str, reader: &mut Reader) -> Option<Stamp> {
    let entry = map.get(key)?;
    let map = reader.map(&entry.value, &language::STAMP)?;
    let field = reader.required(map, "field", "a stamp", entry.value.span)?;
    let field = reader.text(&field.value, "`field`")?;
    Some(Stamp { field, beside: reader.template_at(map, "beside", &[Root::Record]) })
}

fn get(entry: &Entry, reader: &mut Reader) -> Option<Get> {
    let map = reader.map(&entry.value, &language::GET)?;
    let request = request(map, entry.key.span, "`get`", &[Root::Key, Root::Fields, Root::Config], reader)?;
    let record = match map.get("record") {
        Some(entry) => reader.template(&entry.value, "`record`", &[Root::Body])?,
        None => whole_body(entry.value.span),
    };
    let by_unique = match map.get("by") {
        Some(entry) => reader.word(&entry.value, "`by`", &words::GET_BY, &[])?,
        None => false,
    };
    if !request.segments.iter().chain(request.query.iter().map(|(_, value)| value)).any(names_key) {
        let help = "`${key.value}` stands for the id".to_owned();
        reader.error(codes::MISSING_KEY, entry.key.span, "the request does not say which record", Some(help));
    }
    Some(Get { request, record, by_unique })
}

fn names_key(template: &Template) -> bool {
    template.references().any(|reference| reference.root == Root::Key)
}

/// The answer as a whole.
pub(super) fn whole_body(span: text::Span) -> Template {
    let reference = Reference { root: Root::Body, path: Vec::new(), filters: Vec::new() };
    Template { pieces: vec![Piece::Reference(reference)], span }
}
