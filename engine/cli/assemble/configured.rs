//! From a connection as configured to its connector and its settings.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use connectors::http::HttpTransport;
use flow::project::{ConnectionDefinition, SettingText, resolve_settings};
use sdk::{
    Class, ConnectContext, Connection, Connector, ConnectorFacts, Error, Secret, Setting, SettingKind, SettingValue,
    Settings, SystemClock,
};
use text::Diagnostic;

use super::registry::Registry;
use crate::secrets;

/// What `${ env.X }` says.
pub struct Environment(Box<Lookup>);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// The process's own.
    pub fn of_process() -> Self {
        Self(Box::new(|name| std::env::var(name).ok()))
    }

    /// The process's own, with these over it.
    pub fn with(values: BTreeMap<&'static str, String>) -> Self {
        Self(Box::new(move |name| values.get(name).cloned().or_else(|| std::env::var(name).ok())))
    }
}

/// A connection that can be opened.
pub struct Ready {
    /// What it is of.
    pub connector: Arc<dyn Connector>,
    /// What it is configured with; paths are absolute.
    pub settings: Settings,
}

impl Ready {
    /// The secrets that it is configured with.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.settings.0.values().filter_map(|value| match value {
            SettingValue::Secret(secret) => Some(secret),
            SettingValue::Text(_) => None,
        })
    }

    /// Opens it. Nothing is asked of the service yet.
    pub fn open(&self, folder: &Path) -> Result<Arc<dyn Connection>, Error> {
        let context = ConnectContext {
            transport: Arc::new(HttpTransport::open(&self.settings)?),
            clock: Arc::new(SystemClock),
            folder: folder.to_owned(),
        };
        self.connector.connect(&self.settings, context)
    }
}

/// The connector and the settings, where there is no mistake in them. `folder` is the project's, absolute.
pub fn resolve(
    connectors: &Registry,
    definition: &ConnectionDefinition,
    environment: &Environment,
    folder: &Path,
) -> (Option<Ready>, Vec<Diagnostic>) {
    let connector = match connectors.of_connection(definition) {
        Ok(connector) => connector,
        Err(diagnostics) => return (None, diagnostics),
    };
    let declared = connector.descriptor().settings;
    let read_file = |path: &str| fs::read_to_string(folder.join(path)).map_err(|error| error.to_string());
    let (mut settings, diagnostics) = resolve_settings(definition, declared, &*environment.0, &read_file);
    for setting in declared.iter().filter(|setting| setting.kind == SettingKind::Path) {
        if let Some(SettingValue::Text(path)) = settings.0.get_mut(setting.name) {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
    }
    let is_usable = !diagnostics.iter().any(Diagnostic::is_error);
    let ready = Ready { connector, settings };
    secrets::hide(ready.secrets());
    (is_usable.then_some(ready), diagnostics)
}

/// What check must know of a connection, when neither secrets nor services are at hand.
pub fn facts_offline(
    connectors: &Registry,
    definition: &ConnectionDefinition,
    folder: &Path,
) -> (ConnectorFacts, Vec<Diagnostic>) {
    let connector = match connectors.of_connection(definition) {
        Ok(connector) => connector,
        Err(diagnostics) => return (unknown_facts(definition), diagnostics),
    };
    let descriptor = connector.descriptor();
    let Guessed { settings, is_all_known, mut diagnostics } = guessed(&connector, definition);
    // The database itself may be made later; what makes it may not.
    let script = definition.settings.iter().find(|(key, _)| key.name == "init");
    if let Some((_, SettingText::Plain { text, span })) = script
        && setting_kind(connectors, definition, "init") == Some(SettingKind::Path)
        && !folder.join(text).exists()
    {
        let message = format!("there is no script `{}`", text::shown(text));
        let diagnostic = Diagnostic::error(flow::codes::WRONG_SETTING, message);
        diagnostics.push(diagnostic.at(&definition.file.path, *span, "").help("write it beside `connections.yaml`"));
    }
    let opened = opened_unasked(&connector, settings, folder);
    if let Some(Err(error)) = &opened
        && !diagnostics.iter().any(Diagnostic::is_error)
    {
        diagnostics.extend(never_works(definition, error));
    }
    let open = opened.and_then(Result::ok);
    let facts = ConnectorFacts {
        connector: descriptor.name.to_owned(),
        min_interval: descriptor.min_interval,
        // Where the address is not known, the start refuses an interval that is too short.
        loopback: !is_all_known || open.as_ref().is_none_or(|open| open.is_loopback()),
        objects: open.as_ref().and_then(|open| open.objects()),
    };
    (facts, diagnostics)
}

/// The setting with which a connection can never be opened, where its connector names one that stands in the file. What
/// is kept elsewhere was guessed, and is not blamed.
fn never_works(definition: &ConnectionDefinition, error: &Error) -> Option<Diagnostic> {
    let is_named = |name: &str| error.class == Class::Invalid && error.message.contains(&format!("`{name}`"));
    let (_, written) = definition
        .settings
        .iter()
        .find(|(key, written)| matches!(written, SettingText::Plain { .. }) && is_named(&key.name))?;
    let diagnostic = Diagnostic::error(flow::codes::WRONG_SETTING, &*error.message);
    Some(diagnostic.at(&definition.file.path, written.span(), "no connection can be opened with this"))
}

/// Settings as far as files say them, for what needs neither secrets nor services.
struct Guessed {
    settings: Settings,
    /// Whether no setting that can be shown is kept elsewhere.
    is_all_known: bool,
    diagnostics: Vec<Diagnostic>,
}

fn guessed(connector: &Arc<dyn Connector>, definition: &ConnectionDefinition) -> Guessed {
    let declared = connector.descriptor().settings;
    // Whatever is kept elsewhere has some value; which one is not known here, so it cannot be a wrong one.
    let (mut settings, mut diagnostics) =
        resolve_settings(definition, declared, &|_| Some("x".to_owned()), &|_| Ok("x".to_owned()));
    let kept_elsewhere: Vec<_> = definition
        .settings
        .iter()
        .filter(|(_, written)| !matches!(written, SettingText::Plain { .. }))
        .map(|(_, written)| written.span())
        .collect();
    diagnostics.retain(|diagnostic| !diagnostic.labels.iter().any(|label| kept_elsewhere.contains(&label.span)));
    // An address that is kept elsewhere may be one on this machine; without it, the usual one tells what objects there
    // are.
    let is_optional = |name: &str| declared.iter().any(|setting| setting.name == name && !setting.required);
    let unknown = |name: &str| {
        let written = definition.settings.iter().find(|(key, _)| key.name == name);
        written.is_some_and(|(_, written)| !matches!(written, SettingText::Plain { .. })) && is_optional(name)
    };
    hide_plain(declared, definition);
    let n_settings = settings.0.len();
    settings.0.retain(|name, _| !unknown(name));
    let is_all_known = settings.0.len() == n_settings;
    Guessed { settings, is_all_known, diagnostics }
}

/// A secret that stands in a file is seen by nobody who is only shown a mistake beside it. One that is a word, or less,
/// would take that word out of every sentence.
fn hide_plain(declared: &[Setting], definition: &ConnectionDefinition) {
    const LEAST: usize = 8;
    let is_secret =
        |name: &str| declared.iter().any(|setting| setting.name == name && setting.kind == SettingKind::Secret);
    let plain = definition.settings.iter().filter_map(|(key, written)| match written {
        SettingText::Plain { text, .. } if text.len() >= LEAST && is_secret(&key.name) => {
            Some(Secret::new(text.clone()))
        }
        SettingText::Plain { .. } | SettingText::Environment { .. } | SettingText::File { .. } => None,
    });
    let plain: Vec<Secret> = plain.collect();
    secrets::hide(&plain);
}

/// `None` of a connection that opens a file: it would make one, and check changes nothing.
fn opened_unasked(
    connector: &Arc<dyn Connector>,
    settings: Settings,
    folder: &Path,
) -> Option<Result<Arc<dyn Connection>, Error>> {
    let opens_file = connector.descriptor().settings.iter().any(|setting| setting.kind == SettingKind::Path);
    (!opens_file).then(|| Ready { connector: connector.clone(), settings }.open(folder))
}

/// A connection of which only such is asked that its service need not answer: its limits, and what calls cost. Its
/// secrets are not its own.
pub fn open_unasked(
    connectors: &Registry,
    definition: &ConnectionDefinition,
    folder: &Path,
) -> Option<Arc<dyn Connection>> {
    let connector = connectors.of_connection(definition).ok()?;
    let Guessed { settings, .. } = guessed(&connector, definition);
    opened_unasked(&connector, settings, folder)?.ok()
}

/// Facts of a connection that cannot be used: nothing is known, so nothing more is complained about.
pub fn unknown_facts(definition: &ConnectionDefinition) -> ConnectorFacts {
    ConnectorFacts {
        connector: definition.connector.value.clone(),
        min_interval: std::time::Duration::ZERO,
        loopback: true,
        objects: None,
    }
}

/// What a setting holds, by its connector's word.
pub fn setting_kind(connectors: &Registry, definition: &ConnectionDefinition, name: &str) -> Option<SettingKind> {
    let connector = connectors.of_connection(definition).ok()?;
    connector.descriptor().settings.iter().find(|setting| setting.name == name).map(|setting| setting.kind)
}

/// Why a connection whose mistakes were told cannot be opened.
pub fn unusable(connectors: &Registry, definition: &ConnectionDefinition) -> String {
    let name = &definition.name.value;
    match connectors.broken(&definition.connector.value) {
        Some(path) => {
            format!("`{name}` is of the connector `{}`, and `{path}` has mistakes", definition.connector.value)
        }
        None => format!("`{name}` has mistakes in `{}`", definition.file.path),
    }
}
