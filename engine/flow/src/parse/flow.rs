//! A flow document.

use std::collections::BTreeMap;

use sdk::{ConnectionName, FlowId};
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Node, SourceFile, Span, did_you_mean_name, shown};

use super::reader::Reader;
use super::{safety, step, trigger};
use crate::codes;
use crate::definition::{At, DeclaredConnection, FlowDefinition, StepDefinition, TriggerDefinition};
use crate::instance::Source;
use crate::language::{FLOW, LIMITS};
use crate::model::Limits;

/// Reads a flow; `None` where not even its id can be read.
///
/// The file is the one that it is known by; its places are in `source`, which `diagnostics` are of.
pub(crate) fn read(
    file: &SourceFile,
    source: Source,
    map: &Map,
    diagnostics: &mut Diagnostics,
) -> Option<FlowDefinition> {
    let mut reader = Reader::new(diagnostics);
    reader.bind = map.get("bind").map(|entry| bind(&mut reader, entry, map)).unwrap_or_default();
    reader.keys(map, &FLOW);
    let id = map.get("flow").and_then(|entry| reader.id(entry));
    let was = map
        .get("was")
        .and_then(|entry| reader.id(entry))
        .map(|was| At { value: FlowId::new(was.value), span: was.span });
    let definition = FlowDefinition {
        file: file.clone(),
        source,
        id: id.map_or(At { value: FlowId::new(""), span: Span::default() }, |id| At {
            value: FlowId::new(id.value),
            span: id.span,
        }),
        was,
        description: map.get("description").and_then(|entry| reader.text(entry)).map(|text| text.value),
        enabled: map.get("enabled").and_then(|entry| reader.boolean(entry)).unwrap_or(true),
        timezone: map.get("timezone").and_then(|entry| reader.timezone(entry)),
        connections: map.get("connections").map(|entry| connections(&mut reader, entry)).unwrap_or_default(),
        trigger: read_trigger(&mut reader, map),
        when: map.get("when").map(|entry| question(&mut reader, entry)),
        keys: map.get("keys").map(|entry| keys(&mut reader, entry)).unwrap_or_default(),
        limits: map.get("limits").map(|entry| limits(&mut reader, entry)).unwrap_or_default(),
        brakes: map.get("brakes").map(|entry| At { value: safety::brakes(&mut reader, entry), span: entry.key.span }),
        expect: map.get("expect").map(|entry| At { value: safety::expect(&mut reader, entry), span: entry.key.span }),
        steps: steps(&mut reader, map),
        on_failure: map
            .get("on_failure")
            .map(|entry| step::read_list(&mut reader, entry, step::FIRST_LEVEL))
            .unwrap_or_default(),
        inputs: Vec::new(),
        template: None,
        sound: false,
    };
    check_version_and_labels(&mut reader, map);
    if let Some(was) = &definition.was
        && was.value == definition.id.value
    {
        reader.report(Diagnostic::error(codes::WRONG_VALUE, "`was` names the flow itself"), was.span);
    }
    (!definition.id.value.as_str().is_empty()).then_some(definition)
}

/// The question's value. Its kind is looked at here, its expression when it is compiled.
pub(super) fn question(reader: &mut Reader<'_>, entry: &Entry) -> Node {
    match &entry.value.kind {
        Kind::Text(_) | Kind::Bool(_) | Kind::Broken => {}
        Kind::Null | Kind::Int(_) | Kind::Float(_) | Kind::List(_) | Kind::Map(_) => {
            reader.wrong_type(&entry.value, entry.key.span, &entry.key.text, "a question such as `record.email != ()`");
        }
    }
    entry.value.clone()
}

/// Which connection stands for which of the flow's names.
fn bind(reader: &mut Reader<'_>, entry: &Entry, flow: &Map) -> BTreeMap<String, At<ConnectionName>> {
    let Some(map) = reader.map(entry) else { return BTreeMap::new() };
    let names: Vec<&str> = match flow.get("connections").map(|entry| &entry.value.kind) {
        Some(Kind::Map(map)) => map.entries.iter().map(|entry| entry.key.text.as_str()).collect(),
        Some(_) | None => Vec::new(),
    };
    let mut bound = BTreeMap::new();
    for entry in &map.entries {
        if !names.contains(&entry.key.text.as_str()) {
            let message = format!("the flow names no connection `{}`", shown(&entry.key.text));
            let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let diagnostic = Diagnostic::error(codes::UNKNOWN_BINDING, message)
                .help(format!("`bind` puts connections in the place of {list}"))
                .did_you_mean(entry.key.span, did_you_mean_name(&entry.key.text, names.iter().copied()));
            reader.report(diagnostic, entry.key.span);
            continue;
        }
        let Some(name) = reader.fixed_text(&entry.value, entry.key.span, &entry.key.text, "a connection's name") else {
            continue;
        };
        if reader.check_connection(&name) {
            let name = At { value: ConnectionName::new(name.value), span: name.span };
            bound.insert(entry.key.text.clone(), name);
        }
    }
    bound
}

/// The connections that a document names.
pub(super) fn connections(reader: &mut Reader<'_>, entry: &Entry) -> Vec<DeclaredConnection> {
    let Some(map) = reader.map(entry) else { return Vec::new() };
    let mut connections = Vec::new();
    for entry in &map.entries {
        let name = At { value: entry.key.text.clone(), span: entry.key.span };
        let is_id = reader.check_connection(&name);
        let connector = reader.fixed_text(
            &entry.value,
            entry.key.span,
            &entry.key.text,
            "the name of a connector such as `hubspot`",
        );
        if let (true, Some(connector)) = (is_id, connector) {
            let bound = reader.bind.get(&name.value).cloned();
            let is_bound = bound.is_some();
            let name = bound.unwrap_or(At { value: ConnectionName::new(name.value), span: name.span });
            connections.push(DeclaredConnection { name, is_bound, connector });
        }
    }
    connections
}

fn read_trigger(reader: &mut Reader<'_>, map: &Map) -> Option<TriggerDefinition> {
    match map.get("trigger") {
        Some(entry) => trigger::read(reader, entry),
        None => {
            let help = "say what starts its runs, such as `trigger: {poll: crm.contacts, every: 15s}`";
            reader.missing_key(map, "trigger", &FLOW, "the flow has no `trigger`", help);
            None
        }
    }
}

fn steps(reader: &mut Reader<'_>, map: &Map) -> Vec<StepDefinition> {
    match map.get("steps") {
        Some(entry) => step::read_list(reader, entry, step::FIRST_LEVEL),
        None => {
            let help = "say what it does, such as `- upsert: warehouse.customers`";
            reader.missing_key(map, "steps", &FLOW, "the flow has no `steps`", help);
            Vec::new()
        }
    }
}

fn keys(reader: &mut Reader<'_>, entry: &Entry) -> Vec<Entry> {
    let Some(map) = reader.map(entry) else { return Vec::new() };
    for entry in &map.entries {
        if !super::is_name(&entry.key.text) {
            let message = format!("`{}` is no name for a key", shown(&entry.key.text));
            let help = "a name is lower-case letters, digits and underscores, and begins with a letter";
            reader.report(Diagnostic::error(codes::BAD_NAME, message).help(help), entry.key.span);
        }
    }
    map.entries.clone()
}

fn limits(reader: &mut Reader<'_>, entry: &Entry) -> Limits {
    let mut limits = Limits::default();
    let Some(map) = reader.map(entry) else { return limits };
    reader.keys(map, &LIMITS);
    if let Some(runs) = map.get("runs").and_then(|entry| reader.count(entry, 10_000)) {
        limits.runs = runs;
    }
    limits.records_per_poll = map.get("records_per_poll").and_then(|entry| reader.count(entry, 10_000_000));
    limits
}

fn check_version_and_labels(reader: &mut Reader<'_>, map: &Map) {
    if let Some(version) = map.get("version") {
        reader.count(version, i64::from(u32::MAX));
    }
    if let Some(labels) = map.get("labels")
        && let Some(labels) = reader.map(labels)
    {
        for entry in &labels.entries {
            match entry.value.kind {
                Kind::Text(_) | Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) | Kind::Broken => {}
                Kind::Null | Kind::List(_) | Kind::Map(_) => {
                    reader.wrong_type(&entry.value, entry.key.span, &entry.key.text, "text");
                }
            }
        }
    }
}

impl Reader<'_> {
    /// A time zone by its name in the tz database.
    pub(crate) fn timezone(&mut self, entry: &Entry) -> Option<jiff::tz::TimeZone> {
        let name = self.text(entry)?;
        match jiff::tz::TimeZone::get(&name.value) {
            Ok(zone) => Some(zone),
            Err(_) => {
                let message = format!("there is no time zone `{}`", shown(&name.value));
                let known: Vec<String> = jiff::tz::db().available().map(|known| known.as_str().to_owned()).collect();
                let meant = did_you_mean_name(&name.value, known.iter().map(String::as_str));
                let diagnostic = Diagnostic::error(codes::WRONG_VALUE, message)
                    .help("write it as `Europe/Berlin` or `UTC`")
                    .did_you_mean(name.span, meant);
                self.report(diagnostic, name.span);
                None
            }
        }
    }
}
