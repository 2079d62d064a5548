//! From a manifest's text to what it says.
//!
//! Every mistake is told, each at its place; what has one is never used.

use std::time::Duration;

use sdk::IdOrder;
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Node, SourceFile, Span, parse_yaml};

use super::language::words;
use super::manifest::{Check, FirstOf, Manifest, Resource, Setting, SettingKind, Var};
use super::reader::Reader;
use super::template::Root;
use super::{codes, expand, language};

mod action;
mod auth;
mod errors;
mod fields;
mod limits;
mod poll;
mod request;
mod resource;
mod search;
mod write;

/// What a manifest says, with each resource written out; or what is wrong with it.
pub(super) fn read(file: &SourceFile) -> Result<(Manifest, Node), Vec<Diagnostic>> {
    let document = parse_yaml(file);
    let mut diagnostics = Diagnostics::new(file);
    for diagnostic in document.diagnostics {
        diagnostics.push(diagnostic);
    }
    let mut reader = Reader::new(diagnostics);
    let read = document.root.and_then(|root| {
        let expanded = expand::expand(&root, &mut reader);
        manifest(&expanded, &mut reader).map(|manifest| (manifest, expanded))
    });
    match read {
        Some(read) if !reader.diagnostics.has_errors() => Ok(read),
        _ => Err(reader.diagnostics.into_vec()),
    }
}

fn manifest(root: &Node, reader: &mut Reader) -> Option<Manifest> {
    let first = match &root.kind {
        Kind::Map(map) => map.entries.first(),
        _ => None,
    };
    let Some(first) = first.filter(|entry| entry.key.text == "connector") else {
        let start = Span::new(root.span.start, root.span.start);
        let help = "a manifest begins with `connector:` and its name".to_owned();
        reader.error(codes::NOT_A_MANIFEST, start, "this is no connector's manifest", Some(help));
        return None;
    };
    let map = reader.map(root, &language::MANIFEST)?;
    let name = name(first, reader);
    let service_of_name = || first.value.as_text().unwrap_or_default().to_owned();
    let title = reader.text_at(map, "title").unwrap_or_else(service_of_name);
    let service = reader.text_at(map, "service").unwrap_or_else(|| title.clone());
    let config = config(map, reader);
    // Requests refer to limits, and everything to settings, so both are read first.
    let limits = limits::limits(map, &config, reader);
    let base_url = reader.required(map, "base_url", "a manifest", first.key.span)?;
    let base_url = reader.template(&base_url.value, "`base_url`", &[Root::Config]);
    let min_interval = match map.get("min_interval") {
        Some(entry) => reader.duration(&entry.value, "`min_interval`"),
        None => Some(Duration::from_secs(15)),
    };
    let ids = match map.get("ids") {
        Some(entry) => reader.word(&entry.value, "`ids`", &words::ID_ORDERS, &[]),
        None => Some(IdOrder::Text),
    };
    let auth = auth::auth(map, reader);
    let headers = request::headers(map, &[Root::Config], reader);
    let check = check(map, first.key.span, reader);
    let vars = vars(map, reader);
    let errors = errors::errors(map, reader);
    let resources = resources(map, first.key.span, reader);
    let actions = action::actions(map, reader);
    Some(Manifest {
        name: name?,
        title,
        service,
        base_url: base_url?,
        min_interval: min_interval?,
        ids: ids?,
        config,
        auth,
        headers,
        check,
        vars,
        limits,
        errors,
        resources,
        actions,
    })
}

fn name(entry: &Entry, reader: &mut Reader) -> Option<String> {
    let name = reader.text(&entry.value, "`connector`")?;
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_name {
        let message = "a connector's name is lower-case letters, digits and hyphens, and begins with a letter";
        reader.error(codes::WRONG_VALUE, entry.value.span, message, None);
    }
    is_name.then_some(name)
}

fn config(map: &Map, reader: &mut Reader) -> Vec<Setting> {
    let mut settings = Vec::new();
    if let Some(entry) = map.get("config")
        && let Some(config) = reader.any_map(&entry.value, "`config`")
    {
        settings = config.entries.iter().filter_map(|entry| setting(entry, reader)).collect();
    }
    reader.settings = settings.iter().map(|known| (known.name.clone(), known.kind == SettingKind::Secret)).collect();
    settings
}

fn setting(entry: &Entry, reader: &mut Reader) -> Option<Setting> {
    let name = entry.key.text.clone();
    let map = reader.map(&entry.value, &language::SETTING)?;
    let is_of_all = |name: &str| crate::http::SETTINGS.iter().any(|setting| setting.name == name);
    if matches!(name.as_str(), "base_url" | "connector" | "title") || is_of_all(&name) {
        reader.error(codes::WRONG_VALUE, entry.key.span, format!("every connection has `{name}` already"), None);
        return None;
    }
    let kind = match (reader.flag(map, "secret"), map.get("choice"), reader.flag(map, "host_label")) {
        (true, None, false) => SettingKind::Secret,
        (false, Some(_), false) => SettingKind::Choice(reader.texts(map, "choice")),
        (false, None, true) => SettingKind::HostLabel,
        (false, None, false) => SettingKind::Text,
        _ => {
            let message = format!("`{name}` is one of `secret`, `choice` and `host_label`, or none of them");
            reader.error(codes::WRONG_VALUE, entry.key.span, message, None);
            return None;
        }
    };
    let help = reader.text_at(map, "help").unwrap_or_default();
    Some(Setting { name, kind, required: reader.flag(map, "required"), help })
}

fn check(map: &Map, span: Span, reader: &mut Reader) -> Vec<Check> {
    let Some(entry) = reader.required(map, "check", "a manifest", span) else { return Vec::new() };
    let mut checks = Vec::new();
    for node in reader.one_or_many(&entry.value) {
        let Some(map) = reader.map(node, &language::CHECK) else { continue };
        let request = request::request(map, node.span, "a check", &[Root::Secret, Root::Config], reader);
        let id = FirstOf(reader.templates_at(map, "id", &[Root::Body]));
        let title = FirstOf(reader.templates_at(map, "title", &[Root::Body]));
        let scopes = reader.template_at(map, "scopes", &[Root::Body]);
        if reader.required(map, "id", "a check", node.span).is_some()
            && let Some(request) = request
        {
            checks.push(Check { request, id, title, scopes });
        }
    }
    checks
}

/// What is learned by a call, which everything below may refer to.
fn vars(map: &Map, reader: &mut Reader) -> Vec<Var> {
    let mut vars = Vec::new();
    if let Some(entry) = map.get("vars")
        && let Some(map) = reader.any_map(&entry.value, "`vars`")
    {
        for entry in &map.entries {
            let Some(map) = reader.map(&entry.value, &language::VAR) else {
                continue;
            };
            let request = request::request(map, entry.key.span, "a value to learn", &[Root::Config], reader);
            let value = reader.required(map, "value", "a value to learn", entry.key.span);
            let value = value.and_then(|entry| reader.template(&entry.value, "`value`", &[Root::Body]));
            if let (Some(request), Some(value)) = (request, value) {
                vars.push(Var { name: entry.key.text.clone(), request, value });
            }
        }
        reader.vars = Some(map.entries.iter().map(|entry| entry.key.text.clone()).collect());
    }
    reader.vars.get_or_insert_default();
    vars
}

fn resources(map: &Map, span: Span, reader: &mut Reader) -> Vec<Resource> {
    let Some(entry) = reader.required(map, "resources", "a manifest", span) else { return Vec::new() };
    let Some(map) = reader.any_map(&entry.value, "`resources`") else { return Vec::new() };
    let mut resources: Vec<Resource> =
        map.entries.iter().filter_map(|entry| resource::resource(entry, reader)).collect();
    resources.sort_by(|left, right| left.name.cmp(&right.name));
    resources
}
