//! What a write sets: `set`, `mapping`, and an upsert's `match`.

use sdk::FieldType;
use text::{Diagnostic, Entry, Kind, Map};

use super::reader::Reader;
use super::step::missing;
use crate::codes;
use crate::definition::{At, MappedDefinition, MappedFrom, MappingDefinition, MatchDefinition, Verb, WriteDefinition};
use crate::language::MAPPED;
use crate::language::words::{AMBIGUOUS, MAPPED_TYPES, POLICIES};
use crate::model::Policy;
use crate::template;

/// What a write sets.
pub(super) fn read(reader: &mut Reader<'_>, map: &Map, verb: &Entry) -> WriteDefinition {
    let target = reader.target(verb);
    let (set, mapping) = match (map.get("set"), map.get("mapping")) {
        (Some(entry), None) => (set(reader, entry), None),
        (None, Some(entry)) => (Vec::new(), Some(mapping(reader, entry, map.get("source")))),
        (Some(_), Some(entry)) => {
            let help = "a line of `mapping` may be computed as well, such as `name: \"${ record.first }\"`";
            let message = format!("`{}` takes `set` or `mapping`, not both", verb.key.text);
            reader.report(Diagnostic::error(codes::UNKNOWN_KEY, message).help(help), entry.key.span);
            (Vec::new(), None)
        }
        (None, None) => {
            missing(reader, map, verb, "set", "add the fields to write, such as `set: {email: \"${ record.email }\"}`");
            (Vec::new(), None)
        }
    };
    if let (None, Some(source)) = (map.get("mapping"), map.get("source")) {
        let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, "`source` belongs to `mapping`")
            .help("it says what is mapped where that is not the record");
        reader.report(diagnostic, source.key.span);
    }
    WriteDefinition { target, set, mapping }
}

fn set(reader: &mut Reader<'_>, entry: &Entry) -> Vec<Entry> {
    match reader.map(entry) {
        Some(set) if set.entries.is_empty() => {
            reader.report(Diagnostic::error(codes::WRONG_VALUE, "`set` sets nothing"), entry.key.span);
            Vec::new()
        }
        Some(set) => set.entries.clone(),
        None => Vec::new(),
    }
}

fn mapping(reader: &mut Reader<'_>, entry: &Entry, source: Option<&Entry>) -> MappingDefinition {
    let source = source.map(|entry| entry.value.clone());
    let Some(map) = reader.map(entry) else { return MappingDefinition { source, fields: Vec::new() } };
    if map.entries.is_empty() {
        reader.report(Diagnostic::error(codes::WRONG_VALUE, "`mapping` maps nothing"), entry.key.span);
    }
    let fields = map.entries.iter().map(|entry| mapped(reader, entry)).collect();
    MappingDefinition { source, fields }
}

fn mapped(reader: &mut Reader<'_>, entry: &Entry) -> MappedDefinition {
    let target = At { value: entry.key.text.clone(), span: entry.key.span };
    let Kind::Map(map) = &entry.value.kind else {
        let from = mapped_from(reader, entry, None);
        return MappedDefinition { target, from, policy: Policy::default() };
    };
    reader.keys(map, &MAPPED);
    let as_type = map.get("type").and_then(|entry| reader.word(entry, &MAPPED_TYPES));
    let policy = map.get("policy").and_then(|entry| reader.word(entry, &POLICIES));
    let from = match map.get("from") {
        Some(from) => mapped_from(reader, from, as_type),
        None => {
            reader.missing_key(map, "from", &MAPPED, "a mapped field needs `from`", "name the source's field");
            MappedFrom::Unread
        }
    };
    MappedDefinition { target, from, policy: policy.unwrap_or_default() }
}

fn mapped_from(reader: &mut Reader<'_>, entry: &Entry, as_type: Option<FieldType>) -> MappedFrom {
    let node = &entry.value;
    match node.as_text() {
        Some(text) if template::has_expression(text) => {
            if as_type.is_some() {
                let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, "`type` is for a field, and this is computed")
                    .help("convert it in the expression, such as `${ to_number(record.score) }`");
                reader.report(diagnostic, node.span);
            }
            MappedFrom::Value(node.clone())
        }
        Some(text) => MappedFrom::Field { name: At { value: text.to_owned(), span: node.span }, as_type },
        None => {
            let wanted = "a field of the source, a value such as `\"${ record.name }\"`, or `{from, type, policy}`";
            reader.wrong_type(node, entry.key.span, &entry.key.text, wanted);
            MappedFrom::Unread
        }
    }
}

/// An `upsert`.
pub(super) fn upsert(reader: &mut Reader<'_>, map: &Map, verb: &Entry) -> Verb {
    let key = match map.get("match") {
        Some(entry) => match_fields(reader, entry),
        None => {
            missing(reader, map, verb, "match", "name the field by which records are found, such as `match: email`");
            None
        }
    };
    let id = map.get("id").map(|entry| entry.value.clone());
    match (&key, map.get("id")) {
        (Some(MatchDefinition::Id(span)), None) => {
            let diagnostic = Diagnostic::error(codes::MISSING_KEY, "`match: id` needs `id`")
                .help("add the id of the record, such as `id: ${ found?.id }`; where it is empty, a record is created");
            reader.report(diagnostic, *span);
        }
        (Some(MatchDefinition::Fields(_)), Some(entry)) => {
            let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, "`id` is not used, as `match` names fields")
                .help("remove it, or write `match: id`");
            reader.report(diagnostic, entry.key.span);
        }
        (Some(MatchDefinition::Id(_)), Some(_)) | (Some(MatchDefinition::Fields(_)), None) | (None, _) => {}
    }
    let ambiguous = map.get("ambiguous").and_then(|entry| reader.word(entry, &AMBIGUOUS));
    Verb::Upsert { key, id, ambiguous: ambiguous.unwrap_or_default(), write: read(reader, map, verb) }
}

fn match_fields(reader: &mut Reader<'_>, entry: &Entry) -> Option<MatchDefinition> {
    match &entry.value.kind {
        Kind::List(items) if !items.is_empty() => {
            let fields =
                items.iter().filter_map(|item| reader.fixed_text(item, entry.key.span, "match", "a field")).collect();
            Some(MatchDefinition::Fields(fields))
        }
        Kind::Text(_) => {
            let field = reader.text(entry)?;
            Some(if field.value == "id" {
                MatchDefinition::Id(field.span)
            } else {
                MatchDefinition::Fields(vec![field])
            })
        }
        _ => {
            reader.wrong_type(&entry.value, entry.key.span, "match", "a field, a list of fields, or `id`");
            None
        }
    }
}
