//! Requests, what they carry, and tests of their answers.

use sdk::Method;
use serde_json::Value as Json;
use text::{Kind, Map, Node, Span};

use super::limits::costs;
use crate::rest::manifest::{Condition, Conditions, Content, Request, Shape};
use crate::rest::reader::Reader;
use crate::rest::template::{Root, Template};
use crate::rest::{codes, language};

const METHODS: [(&str, Method); 5] = [
    ("get", Method::Get),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
];

/// The request whose keys stand in this map.
pub(super) fn request(map: &Map, span: Span, what: &str, roots: &[Root], reader: &mut Reader) -> Option<Request> {
    let named: Vec<_> =
        METHODS.iter().filter_map(|(name, method)| map.get(name).map(|entry| (*method, entry))).collect();
    let [(method, entry)] = named[..] else {
        let message = match named[..] {
            [] => format!("{what} needs a request: one of get, post, put, patch and delete, with its path"),
            _ => format!("{what} is one request, and this has two"),
        };
        reader.error(codes::MISSING_KEY, span, message, None);
        return None;
    };
    let segments = path(&entry.value, roots, reader);
    let query = pairs(map, "query", roots, reader);
    let headers = headers(map, roots, reader);
    let body = match (map.get("json"), map.get("form")) {
        (Some(json), None) => shape(&json.value, roots, reader).map(Content::Json),
        (None, Some(form)) => shape(&form.value, roots, reader).map(Content::Form),
        (None, None) => None,
        (Some(_), Some(form)) => {
            reader.error(codes::WRONG_VALUE, form.key.span, "a request carries `json` or `form`, not both", None);
            None
        }
    };
    let costs = costs(map, "limits", reader);
    Some(Request { method, segments: segments?, query, headers, body, costs })
}

/// A path, in its segments: what a reference brings stays within its own.
fn path(node: &Node, roots: &[Root], reader: &mut Reader) -> Option<Vec<Template>> {
    let text = reader.text(node, "a path")?;
    let is_path = text.starts_with('/') && !text.contains(['?', '#']) && !text.contains("//");
    if !is_path {
        let help = "write it like `/v1/contacts`; what follows a `?` goes under `query`".to_owned();
        reader.error(codes::WRONG_VALUE, node.span, "a path begins with `/` and is only a path", Some(help));
        return None;
    }
    let segment = |part: &str| Node {
        span: node.span,
        kind: Kind::Text(text::Text { value: part.to_owned(), style: text::TextStyle::Plain }),
    };
    let parts = text.trim_matches('/').split('/');
    parts.map(|part| reader.template(&segment(part), "a path", roots)).collect()
}

pub(super) fn pairs(map: &Map, key: &str, roots: &[Root], reader: &mut Reader) -> Vec<(String, Template)> {
    let Some(entry) = map.get(key) else { return Vec::new() };
    let Some(map) = reader.any_map(&entry.value, &format!("`{key}`")) else { return Vec::new() };
    let pair = |entry: &text::Entry| {
        let name = entry.key.text.clone();
        reader.template(&entry.value, &format!("`{name}`"), roots).map(|value| (name, value))
    };
    map.entries.iter().filter_map(pair).collect()
}

/// Header names are sent in lower case; those that the engine sets itself are refused.
pub(super) fn headers(map: &Map, roots: &[Root], reader: &mut Reader) -> Vec<(String, Template)> {
    let mut headers = Vec::new();
    for (name, value) in pairs(map, "headers", roots, reader) {
        match header_name(&name) {
            Some(name) => headers.push((name, value)),
            None => {
                let message = format!("`{}` is no header that a manifest may set", text::shown(&name));
                reader.error(codes::WRONG_VALUE, value.span, message, None);
            }
        }
    }
    headers
}

/// The name as it is sent, where it may be set.
pub(super) fn header_name(name: &str) -> Option<String> {
    const OURS: [&str; 6] = ["authorization", "host", "content-length", "transfer-encoding", "connection", "cookie"];
    let name = name.to_ascii_lowercase();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    (is_name && !OURS.contains(&name.as_str())).then_some(name)
}

/// JSON with references in it.
pub(super) fn shape(node: &Node, roots: &[Root], reader: &mut Reader) -> Option<Shape> {
    Some(match &node.kind {
        Kind::Null => Shape::Fixed(Json::Null),
        Kind::Bool(flag) => Shape::Fixed((*flag).into()),
        Kind::Int(number) => Shape::Fixed((*number).into()),
        Kind::Float(number) => Shape::Fixed((*number).into()),
        Kind::Text(_) => Shape::Text(reader.template(node, "a value", roots)?),
        Kind::List(items) => Shape::List(items.iter().map(|item| shape(item, roots, reader)).collect::<Option<_>>()?),
        Kind::Map(map) => {
            let entry = |entry: &text::Entry| Some((entry.key.text.clone(), shape(&entry.value, roots, reader)?));
            Shape::Map(map.entries.iter().map(entry).collect::<Option<_>>()?)
        }
        Kind::Broken => return None,
    })
}

/// Tests of an answer: `{"${body.code}": busy}`.
pub(super) fn conditions(node: &Node, roots: &[Root], reader: &mut Reader) -> Option<Conditions> {
    let map = reader.any_map(node, "a test of an answer")?;
    let mut conditions = Vec::new();
    for entry in &map.entries {
        let key = Node {
            span: entry.key.span,
            kind: Kind::Text(text::Text { value: entry.key.text.clone(), style: text::TextStyle::Plain }),
        };
        let what = reader.template(&key, "what is tested", roots)?;
        if what.references().next().is_none() {
            let help = format!("write `\"${{body.{}}}\"`", text::shown(&entry.key.text));
            reader.error(codes::BAD_REFERENCE, entry.key.span, "what is tested is a reference", Some(help));
        }
        conditions.push((what, condition(&entry.value, reader)?));
    }
    Some(Conditions(conditions))
}

/// Several of them, or one; any may hold.
pub(super) fn any_conditions(map: &Map, key: &str, roots: &[Root], reader: &mut Reader) -> Vec<Conditions> {
    let Some(entry) = map.get(key) else { return Vec::new() };
    let nodes = reader.one_or_many(&entry.value);
    nodes.iter().filter_map(|node| conditions(node, roots, reader)).collect()
}

fn condition(node: &Node, reader: &mut Reader) -> Option<Condition> {
    let scalar = |node: &Node| match &node.kind {
        Kind::Text(text) => Some(text.value.clone()),
        Kind::Bool(flag) => Some(flag.to_string()),
        Kind::Int(number) => Some(number.to_string()),
        _ => None,
    };
    match &node.kind {
        Kind::Map(_) => {
            let map = reader.map(node, &language::CONDITION)?;
            match (map.get("contains"), map.get("exists")) {
                (Some(entry), None) => reader.text(&entry.value, "`contains`").map(Condition::Contains),
                (None, Some(_)) => Some(Condition::Exists(reader.flag(map, "exists"))),
                _ => reader.wrong_type(node, "a test", "`contains` or `exists`"),
            }
        }
        Kind::List(items) => match items.iter().map(scalar).collect::<Option<Vec<_>>>() {
            Some(values) => Some(Condition::Is(values)),
            None => reader.wrong_type(node, "each value", "text, a number, true or false"),
        },
        _ => match scalar(node) {
            Some(value) => Some(Condition::Is(vec![value])),
            None => reader.wrong_type(node, "a test", "a value, a list of values, or a map"),
        },
    }
}
