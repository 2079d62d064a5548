//! What can be written, and what a second try of it does.

use text::grammar::Mapping;
use text::{Kind, Map, Node, Span};

use super::request::{header_name, request};
use crate::rest::language::words::{self, UpsertWay};
use crate::rest::manifest::{Retry, Upsert, UpsertHow, UpsertKey, WriteOf, Writes};
use crate::rest::reader::Reader;
use crate::rest::template::Root;
use crate::rest::{codes, language};

pub(super) fn writes(map: &Map, has_search: bool, has_find: bool, reader: &mut Reader) -> Writes {
    let Some(entry) = map.get("write") else { return Writes::default() };
    let Some(map) = reader.map(&entry.value, &language::WRITE) else { return Writes::default() };
    let mut one = |key: &str, mapping: &Mapping, roots: &[Root]| {
        let entry = map.get(key)?;
        write_of(&entry.value, entry.key.span, mapping, roots, reader)
    };
    let create = one("create", &language::CREATE, &[Root::Input, Root::Op, Root::Config]);
    let update = one("update", &language::UPDATE, &[Root::Key, Root::Input, Root::Op, Root::Config]);
    let delete = one("delete", &language::DELETE, &[Root::Key, Root::Op, Root::Config]);
    let mut upserts = Vec::new();
    if let Some(entry) = map.get("upsert") {
        for node in reader.one_or_many(&entry.value) {
            upserts.extend(upsert(node, (has_search, has_find), reader));
        }
        if create.is_none() || update.is_none() {
            let native = |upsert: &Upsert| matches!(upsert.how, UpsertHow::Native(_));
            if !upserts.iter().all(native) {
                let message = "an upsert that is no request of its own needs `create` and `update`";
                reader.error(codes::MISSING_KEY, entry.key.span, message, None);
            }
        }
    }
    Writes { create, update, delete, upsert: upserts }
}

fn write_of(node: &Node, span: Span, mapping: &Mapping, roots: &[Root], reader: &mut Reader) -> Option<WriteOf> {
    let what = mapping.what;
    let map = reader.map(node, mapping)?;
    let request = request(map, span, what, roots, reader);
    let id = reader.template_at(map, "id", &[Root::Body]);
    if mapping.key("id").is_some_and(|key| key.required) {
        // Without an id, nobody could say that anything was written.
        reader.required(map, "id", what, span)?;
    }
    let (retry, idempotency) = retry(map, span, what, reader)?;
    Some(WriteOf { request: request?, id, retry, idempotency })
}

/// What a second try does, and the header that carries the key where the service goes by one.
pub(super) fn retry(map: &Map, span: Span, what: &str, reader: &mut Reader) -> Option<(Retry, Option<String>)> {
    let retry = reader.required(map, "retry", what, span)?;
    let retry_span = retry.value.span;
    let retry = reader.word(&retry.value, "`retry`", &words::RETRIES, &[])?;
    let idempotency = map.get("idempotency").and_then(|entry| {
        let name = reader.text(&entry.value, "`idempotency`")?;
        let known = header_name(&name);
        if known.is_none() {
            reader.error(codes::WRONG_VALUE, entry.value.span, "`idempotency` is the name of a header", None);
        }
        known
    });
    if retry == Retry::Idempotent && idempotency.is_none() {
        let message = "`retry: idempotent` needs `idempotency`, the header that carries the key";
        reader.error(codes::MISSING_KEY, retry_span, message, None);
    }
    Some((retry, idempotency))
}

/// `can_find`: whether the resource has a `search`, and a `find`.
fn upsert(node: &Node, can_find: (bool, bool), reader: &mut Reader) -> Option<Upsert> {
    let Kind::Map(map) = &node.kind else {
        return reader.wrong_type(node, "a way to upsert", "a map");
    };
    let by = reader.required(map, "by", "a way to upsert", node.span)?;
    let by = match by.value.as_text() {
        Some("unique") => UpsertKey::Unique,
        Some("any") => UpsertKey::Any,
        _ => UpsertKey::Fields(reader.texts(map, "by")),
    };
    let how = reader.required(map, "do", "a way to upsert", node.span)?;
    let how = match reader.word(&how.value, "`do`", &words::UPSERTS, &[])? {
        UpsertWay::UpdateByKey => {
            reader.map(node, &language::UPSERT)?;
            UpsertHow::UpdateByKey
        }
        UpsertWay::Search => {
            reader.map(node, &language::UPSERT)?;
            if !can_find.0 {
                reader.error(codes::MISSING_KEY, how.value.span, "the resource has no `search` to find by", None);
            }
            UpsertHow::Search
        }
        UpsertWay::Find => {
            reader.map(node, &language::UPSERT)?;
            if !can_find.1 {
                reader.error(codes::MISSING_KEY, how.value.span, "the resource has no `find`", None);
            }
            UpsertHow::Find
        }
        UpsertWay::Native => {
            let roots = &[Root::Key, Root::Input, Root::Op, Root::Config];
            UpsertHow::Native(Box::new(write_of(node, node.span, &language::NATIVE_UPSERT, roots, reader)?))
        }
    };
    Some(Upsert { by, how })
}
