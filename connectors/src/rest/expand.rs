//! Templates of resources, written out: `use: crm_object` with its parameters becomes the resource itself.
//!
//! Parameters are put in place and nothing else happens: no inheritance, no merging. A text that is one parameter
//! becomes the parameter's value, whatever it is; in a longer text it is text.

use text::{Entry, Key, Kind, Map, Node, Text, did_you_mean};

use super::reader::Reader;
use super::{codes, language};

/// The document with every resource written out, and without `templates`.
pub(super) fn expand(root: &Node, reader: &mut Reader) -> Node {
    let Kind::Map(map) = &root.kind else { return root.clone() };
    let templates = map.get("templates").map(|entry| &entry.value);
    let entries = map.entries.iter().filter(|entry| entry.key.text != "templates");
    let entries = entries.map(|entry| match entry.key.text.as_str() {
        "resources" => Entry { key: entry.key.clone(), value: resources(&entry.value, templates, reader) },
        _ => entry.clone(),
    });
    Node { span: root.span, kind: Kind::Map(Map { entries: entries.collect() }) }
}

fn resources(node: &Node, templates: Option<&Node>, reader: &mut Reader) -> Node {
    let Kind::Map(map) = &node.kind else { return node.clone() };
    let entries = map.entries.iter().map(|entry| {
        let used = match &entry.value.kind {
            Kind::Map(resource) => resource.get("use"),
            _ => None,
        };
        let value = match used {
            Some(used) => resource(&entry.value, used, templates, reader),
            None => entry.value.clone(),
        };
        Entry { key: entry.key.clone(), value }
    });
    Node { span: node.span, kind: Kind::Map(Map { entries: entries.collect() }) }
}

/// One resource from its template.
fn resource(node: &Node, used: &Entry, templates: Option<&Node>, reader: &mut Reader) -> Node {
    let broken = Node { span: node.span, kind: Kind::Broken };
    let Some(resource) = reader.map(node, &language::USED) else {
        return broken;
    };
    let Some(name) = reader.text(&used.value, "`use`") else { return broken };
    let empty = Map::default();
    let templates = match templates.map(|node| &node.kind) {
        Some(Kind::Map(map)) => map,
        _ => &empty,
    };
    let Some(Node { kind: Kind::Map(template), .. }) = templates.get(&name).map(|entry| &entry.value) else {
        let meant = did_you_mean(&name, templates.entries.iter().map(|entry| entry.key.text.as_str()));
        let help = meant.map(|meant| format!("did you mean `{meant}`?"));
        reader.error(codes::UNKNOWN_TEMPLATE, used.value.span, format!("there is no template `{name}`"), help);
        return broken;
    };
    let params = reader.texts(template, "params");
    let given = match resource.get("with").map(|entry| &entry.value.kind) {
        Some(Kind::Map(given)) => given,
        _ => &empty,
    };
    for entry in &given.entries {
        if !params.contains(&entry.key.text) {
            let meant = did_you_mean(&entry.key.text, params.iter().map(String::as_str));
            let help = meant.map(|meant| format!("did you mean `{meant}`?"));
            let message = format!("the template `{name}` takes no `{}`", entry.key.text);
            reader.error(codes::UNKNOWN_PARAMETER, entry.key.span, message, help);
        }
    }
    for param in params.iter().filter(|param| given.get(param).is_none()) {
        let message = format!("the template `{name}` needs `{param}` under `with`");
        reader.error(codes::MISSING_PARAMETER, used.value.span, message, None);
    }
    let own = resource.entries.iter().filter(|entry| entry.key.text == "title").cloned();
    let from_template = template.entries.iter().filter(|entry| entry.key.text != "params");
    let filled = from_template
        .map(|entry| Entry { key: key(&entry.key, given), value: fill(&entry.value, &params, given, reader) })
        .collect::<Vec<_>>();
    Node { span: node.span, kind: Kind::Map(Map { entries: own.chain(filled).collect() }) }
}

/// The value with its parameters in place.
fn fill(node: &Node, params: &[String], given: &Map, reader: &mut Reader) -> Node {
    let kind = match &node.kind {
        Kind::Text(text) => {
            for name in names(&text.value).filter(|name| !params.iter().any(|param| param == name)) {
                let meant = did_you_mean(name, params.iter().map(String::as_str));
                let help = meant.map(|meant| format!("did you mean `{meant}`?"));
                let message = format!("the template has no parameter `{name}`");
                reader.error(codes::UNKNOWN_PARAMETER, node.span, message, help);
            }
            match whole(&text.value).and_then(|name| given.get(name)) {
                Some(entry) => return entry.value.clone(),
                None => Kind::Text(Text { value: filled(&text.value, given), style: text.style }),
            }
        }
        Kind::List(items) => Kind::List(items.iter().map(|item| fill(item, params, given, reader)).collect()),
        Kind::Map(map) => {
            let entries = map
                .entries
                .iter()
                .map(|entry| Entry { key: key(&entry.key, given), value: fill(&entry.value, params, given, reader) });
            Kind::Map(Map { entries: entries.collect() })
        }
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Broken => node.kind.clone(),
    };
    Node { span: node.span, kind }
}

fn key(key: &Key, given: &Map) -> Key {
    Key { text: filled(&key.text, given), span: key.span }
}

const BEGIN: &str = "${param.";

/// The parameter that a text consists of.
fn whole(text: &str) -> Option<&str> {
    text.strip_prefix(BEGIN)?.strip_suffix('}').filter(|name| !name.contains('}'))
}

/// The parameters that a text names.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(BEGIN).skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// A text with the parameters' texts in it; what is no scalar stays a reference, and is told as a mistake later.
fn filled(text: &str, given: &Map) -> String {
    let mut pieces = text.split(BEGIN);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let known = piece.split_once('}').and_then(|(name, rest)| {
            let value = match &given.get(name)?.value.kind {
                Kind::Text(text) => text.value.clone(),
                Kind::Int(number) => number.to_string(),
                Kind::Bool(flag) => flag.to_string(),
                Kind::Null | Kind::Float(_) | Kind::List(_) | Kind::Map(_) | Kind::Broken => return None,
            };
            Some(value + rest)
        });
        match known {
            Some(known) => out.push_str(&known),
            None => {
                out.push_str(BEGIN);
                out.push_str(piece);
            }
        }
    }
    out
}

/// The document as YAML.
pub(super) fn print(node: &Node) -> String {
    let mut out = String::new();
    block(node, 0, &mut out);
    out
}

fn block(node: &Node, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match &node.kind {
        Kind::Map(map) => {
            for entry in &map.entries {
                out.push_str(&format!("{indent}{}:", scalar_text(&entry.key.text)));
                nested(&entry.value, depth + 1, out);
            }
        }
        Kind::List(items) => {
            for item in items {
                out.push_str(&format!("{indent}-"));
                nested(item, depth + 1, out);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Broken => {
            out.push_str(&format!("{indent}{}\n", flow(node)));
        }
    }
}

/// On one line where it fits, else below.
fn nested(node: &Node, depth: usize, out: &mut String) {
    const WIDTH: usize = 100;
    let line = flow(node);
    let is_block = matches!(node.kind, Kind::Map(_) | Kind::List(_));
    if !is_block || line.len() + 2 * depth <= WIDTH {
        out.push_str(&format!(" {line}\n"));
    } else {
        out.push('\n');
        block(node, depth, out);
    }
}

fn flow(node: &Node) -> String {
    match &node.kind {
        Kind::Null | Kind::Broken => "null".to_owned(),
        Kind::Bool(flag) => flag.to_string(),
        Kind::Int(number) => number.to_string(),
        Kind::Float(number) => format!("{number:?}"),
        Kind::Text(text) => scalar_text(&text.value),
        Kind::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Kind::Map(map) => {
            let entry = |entry: &Entry| format!("{}: {}", scalar_text(&entry.key.text), flow(&entry.value));
            format!("{{{}}}", map.entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Without quotes where nothing else could be meant.
fn scalar_text(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_taken = matches!(text.to_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if begins_well && !is_taken && text.chars().all(is_word) { text.to_owned() } else { text::quoted(text) }
}
