//! A search: a request that takes tests and an order.

use std::collections::BTreeMap;

use text::Entry;

use super::request::{request, shape};
use crate::rest::language::{self, words};
use crate::rest::manifest::{MomentForm, Search, Shape};
use crate::rest::reader::Reader;
use crate::rest::template::{Piece, Reference, Root, Template};

pub(super) fn search(entry: &Entry, reader: &mut Reader) -> Option<Search> {
    let what = "`search`";
    let span = entry.key.span;
    let map = reader.map(&entry.value, &language::SEARCH)?;
    let request = request(map, span, what, &[Root::Search, Root::Fields, Root::Config], reader);
    let items = reader.required(map, "items", what, span)?;
    let items = reader.template(&items.value, "`items`", &[Root::Body]);
    let page_size = reader.required(map, "page_size", what, span)?;
    let page_size = reader.count(&page_size.value, "`page_size`");
    let id_field = reader.required(map, "id_field", what, span)?;
    let id_field = reader.text(&id_field.value, "`id_field`");
    let moments = match map.get("moments") {
        Some(entry) => reader.word(&entry.value, "`moments`", &words::MOMENTS, &[])?,
        None => MomentForm::Rfc3339,
    };

    let groups = match map.get("groups") {
        Some(entry) => Some(reader.map(&entry.value, &language::GROUPS)?),
        None => None,
    };
    let group = match groups.and_then(|map| map.get("as")) {
        Some(entry) => shape(&entry.value, &[Root::Group], reader)?,
        None => Shape::Text(reference(Root::Group, entry.value.span)),
    };
    let mut most = |key: &str, otherwise| groups.map_or(otherwise, |map| reader.count_at(map, key, otherwise));
    let (most_groups, most_in_group, most_tests) =
        (most("most", 1), most("most_tests_each", 5), most("most_tests", 20));

    let mut tests = BTreeMap::new();
    let entry = reader.required(map, "tests", what, span)?;
    for entry in &reader.map(&entry.value, &language::TESTS)?.entries {
        let kind = words::TEST_KINDS.value(&entry.key.text);
        if let (Some(kind), Some(shape)) = (kind, shape(&entry.value, &[Root::Test], reader)) {
            tests.insert(kind, shape);
        }
    }
    Some(Search {
        request: request?,
        items: items?,
        page_size: usize::try_from(page_size?).ok()?,
        id_field: id_field?,
        group,
        most_groups,
        most_in_group,
        most_tests,
        longest_value: reader.count_at(map, "longest_value", 200),
        moments,
        lower_in: reader.flag(map, "lower_in"),
        tests,
    })
}

fn reference(root: Root, span: text::Span) -> Template {
    Template { pieces: vec![Piece::Reference(Reference { root, path: Vec::new(), filters: Vec::new() })], span }
}
