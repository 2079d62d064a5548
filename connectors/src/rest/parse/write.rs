//! What can be written, and what a second try of it does.

use text::{Kind, Map, Node, Span};

use super::request::{self, header_name, request};
use crate::rest::codes;
use crate::rest::manifest::{Retry, Upsert, UpsertHow, UpsertKey, WriteOf, Writes};
use crate::rest::reader::Reader;
use crate::rest::template::Root;

const RETRIES: &[(&str, Retry)] =
    &[("idempotent", Retry::Idempotent), ("safe", Retry::Safe), ("unsafe", Retry::Unsafe)];

pub(super) fn writes(map: &Map, has_search: bool, has_find: bool, reader: &mut Reader) -> Writes {
    let Some(entry) = map.get("write") else { return Writes::default() };
    let keys: &[&str] = &["create", "update", "delete", "upsert"];
    let Some(map) = reader.map(&entry.value, "`write`", &[keys]) else { return Writes::default() };
    let mut one = |key: &str, roots: &[Root], must_answer| {
        let entry = map.get(key)?;
        write_of(&entry.value, entry.key.span, &format!("`{key}`"), &[], roots, must_answer, reader)
    };
    let create = one("create", &[Root::Input, Root::Op, Root::Config], true);
    let update = one("update", &[Root::Key, Root::Input, Root::Op, Root::Config], false);
    let delete = one("delete", &[Root::Key, Root::Op, Root::Config], false);
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

fn write_of(
    node: &Node,
    span: Span,
    what: &str,
    more_keys: &[&str],
    roots: &[Root],
    must_answer: bool,
    reader: &mut Reader,
) -> Option<WriteOf> {
    let map = reader.map(node, what, &[&["id", "retry", "idempotency"], more_keys, request::KEYS])?;
    let request = request(map, span, what, roots, reader);
    let id = reader.template_at(map, "id", &[Root::Body]);
    if must_answer {
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
    let retry = reader.word(&retry.value, "`retry`", RETRIES, &[])?;
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
    let words = [("update_by_key", 0), ("search", 1), ("find", 2), ("native", 3)];
    let own: &[&str] = &["by", "do"];
    let how = match reader.word(&how.value, "`do`", &words, &[])? {
        0 => {
            reader.map(node, "this way to upsert", &[own])?;
            UpsertHow::UpdateByKey
        }
        1 => {
            reader.map(node, "this way to upsert", &[own])?;
            if !can_find.0 {
                reader.error(codes::MISSING_KEY, how.value.span, "the resource has no `search` to find by", None);
            }
            UpsertHow::Search
        }
        2 => {
            reader.map(node, "this way to upsert", &[own])?;
            if !can_find.1 {
                reader.error(codes::MISSING_KEY, how.value.span, "the resource has no `find`", None);
            }
            UpsertHow::Find
        }
        _ => {
            let roots = &[Root::Key, Root::Input, Root::Op, Root::Config];
            UpsertHow::Native(Box::new(write_of(node, node.span, "this way to upsert", own, roots, true, reader)?))
        }
    };
    Some(Upsert { by, how })
}
