//! A resource's fields: discovered, or always the same.

use std::collections::BTreeMap;

use sdk::FieldType;
use text::{Kind, Map, Node};

use super::poll::paging;
use super::request::{any_conditions, conditions, request, shape};
use crate::rest::language::words;
use crate::rest::manifest::{Conditions, Discover, FieldSource, FieldsOf, OptionsOf, Shaped, StaticField, ValueForm};
use crate::rest::reader::Reader;
use crate::rest::template::Root;
use crate::rest::{codes, language};

pub(super) fn fields(node: &Node, reader: &mut Reader) -> Option<FieldsOf> {
    let map = reader.map(node, &language::FIELDS)?;
    let source = match (map.get("discover"), map.get("static")) {
        (Some(entry), None) => FieldSource::Discover(Box::new(discover(&entry.value, reader)?)),
        (None, Some(entry)) => FieldSource::Static(static_fields(&entry.value, reader)?),
        _ => {
            reader.error(codes::MISSING_KEY, node.span, "fields are either `discover`ed or `static`", None);
            return None;
        }
    };
    let values = match map.get("values") {
        Some(entry) => reader.word(&entry.value, "`values`", &words::VALUES, &[])?,
        None => ValueForm::Json,
    };
    let separator = reader.text_at(map, "separator").and_then(|text| text.chars().next()).unwrap_or(',');
    let groups = map.get("required_one_of").map_or(&[][..], |entry| reader.one_or_many(&entry.value));
    let mut required_one_of = Vec::new();
    for group in groups {
        let names = reader.one_or_many(group);
        required_one_of.push(names.iter().filter_map(|name| reader.text(name, "each field")).collect());
    }
    Some(FieldsOf {
        source,
        at: reader.template_at(map, "at", &[Root::Record]),
        custom_at: reader.template_at(map, "custom_at", &[Root::Record]),
        custom_key: reader.text_at(map, "custom_key"),
        shaped: shaped(map, reader),
        values,
        separator,
        required: reader.texts(map, "required"),
        required_one_of,
        unique: reader.texts(map, "unique"),
    })
}

/// `{email: {read: "${record.emails[0].value}", write: {emails: [{value: "${value}"}]}, clear: {emails: []}}}`
fn shaped(map: &Map, reader: &mut Reader) -> BTreeMap<String, Shaped> {
    let mut all = BTreeMap::new();
    let Some(entry) = map.get("shaped") else { return all };
    let Some(map) = reader.any_map(&entry.value, "`shaped`") else { return all };
    for entry in &map.entries {
        let what = "a field in a form of its own";
        let Some(map) = reader.map(&entry.value, &language::SHAPED) else { continue };
        let read = reader.required(map, "read", what, entry.key.span);
        let read = read.and_then(|entry| reader.template(&entry.value, "`read`", &[Root::Record]));
        let mut sent = |key: &str, roots: &[Root]| {
            let entry = reader.required(map, key, what, entry.key.span)?;
            // What is sent is put beside the other fields, so it has names.
            reader.any_map(&entry.value, &format!("`{key}`"))?;
            shape(&entry.value, roots, reader)
        };
        let (write, clear) = (sent("write", &[Root::Value]), sent("clear", &[]));
        if let (Some(read), Some(write), Some(clear)) = (read, write, clear) {
            all.insert(entry.key.text.clone(), Shaped { read, write, clear });
        }
    }
    all
}

fn discover(node: &Node, reader: &mut Reader) -> Option<Discover> {
    const ITEM: &[Root] = &[Root::Item];
    let map = reader.map(node, &language::DISCOVER)?;
    let request = request(map, node.span, "`discover`", &[Root::Page, Root::Config], reader);
    let items = reader.required(map, "items", "`discover`", node.span)?;
    let items = reader.template(&items.value, "`items`", &[Root::Body]);
    let key = reader.required(map, "key", "`discover`", node.span)?;
    let key = reader.template(&key.value, "`key`", ITEM);
    let types = reader.required(map, "type", "`discover`", node.span)?;
    let types = reader.one_or_many(&types.value).iter().filter_map(|node| field_type(node, reader)).collect();
    Some(Discover {
        request: request?,
        items: items?,
        page: paging(map, reader),
        key: key?,
        custom_name: reader.template_at(map, "custom_name", ITEM),
        label: reader.template_at(map, "label", ITEM),
        description: reader.template_at(map, "description", ITEM),
        group: reader.template_at(map, "group", ITEM),
        types,
        options: map.get("options").and_then(|entry| options(&entry.value, reader)),
        read_only: any_conditions(map, "read_only", ITEM, reader),
        unique: any_conditions(map, "unique", ITEM, reader),
        custom: any_conditions(map, "custom", ITEM, reader),
        unsearchable: any_conditions(map, "unsearchable", ITEM, reader),
        leave_out: any_conditions(map, "leave_out", ITEM, reader),
    })
}

fn field_type(node: &Node, reader: &mut Reader) -> Option<(Conditions, FieldType)> {
    let map = reader.map(node, &language::TYPE)?;
    let is = reader.required(map, "is", "a type", node.span)?;
    let is = reader.word(&is.value, "`is`", &words::TYPES, &[])?;
    let conditions = match map.get("where") {
        Some(entry) => conditions(&entry.value, &[Root::Item], reader)?,
        None => Conditions::default(),
    };
    Some((conditions, is))
}

fn options(node: &Node, reader: &mut Reader) -> Option<OptionsOf> {
    let map = reader.map(node, &language::OPTIONS)?;
    reader.required(map, "items", "`options`", node.span)?;
    reader.required(map, "value", "`options`", node.span)?;
    Some(OptionsOf {
        items: reader.template_at(map, "items", &[Root::Item])?,
        value: reader.template_at(map, "value", &[Root::Option])?,
        label: reader.template_at(map, "label", &[Root::Option]),
    })
}

/// `{email: text, id: {type: text, read_only: true}}`
fn static_fields(node: &Node, reader: &mut Reader) -> Option<Vec<StaticField>> {
    let map = reader.any_map(node, "`static`")?;
    let mut fields = Vec::new();
    for entry in &map.entries {
        let own: Option<&Map> = match &entry.value.kind {
            Kind::Map(_) => Some(reader.map(&entry.value, &language::FIELD)?),
            _ => None,
        };
        let type_node = match own {
            Some(map) => &reader.required(map, "type", "a field", entry.key.span)?.value,
            None => &entry.value,
        };
        let field_type = reader.word(type_node, "a field's type", &words::TYPES, &[])?;
        let read_only = own.is_some_and(|map| reader.flag(map, "read_only"));
        fields.push(StaticField { name: entry.key.text.clone(), field_type, read_only });
    }
    Some(fields)
}
