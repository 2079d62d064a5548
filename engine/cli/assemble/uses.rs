//! Which connections a project has, and what its flows do there: for commands that look at connections alone.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use flow::project::{ConnectionDefinition, SettingText};
use sdk::{Connection, ConnectionName, Error, FlowId, SettingKind, SettingValue};
use tempfile::TempDir;
use text::Diagnostic;

use super::configured::{self, Environment, Ready};
use super::registry::Registry;
use super::told::Described;
use super::understood::Understood;

/// A connection of a project, open or not.
pub struct Place<'a> {
    /// As it is configured.
    pub definition: &'a ConnectionDefinition,
    described: Described,
    /// Where a database lies that was made only to be looked at; it goes with this place.
    draft: Option<TempDir>,
}

/// What opening a connection gave.
pub enum Opening {
    /// It can be asked.
    Open(Arc<dyn Connection>),
    /// It cannot be opened, for this reason; mistakes of its file are among the diagnostics.
    Closed(String, Vec<Diagnostic>),
    /// Its file is not there yet, and a look must not make it.
    Unmade(String),
}

impl<'a> Place<'a> {
    /// The connection as its file describes it.
    pub fn of(understood: &Understood, definition: &'a ConnectionDefinition) -> Self {
        Self { definition, described: Described::of(&understood.connectors, definition), draft: None }
    }

    /// Its name.
    pub fn name(&self) -> &ConnectionName {
        &self.definition.name.value
    }

    /// Opens it. Nothing is asked of the service yet.
    pub fn open(&mut self, connectors: &Registry, environment: &Environment, folder: &Path) -> Opening {
        let (ready, diagnostics) = configured::resolve(connectors, self.definition, environment, folder);
        let Some(ready) = ready else {
            return Opening::Closed(configured::unusable(connectors, self.definition), diagnostics);
        };
        self.described = self.described.clone().with(&ready);
        if let Some(path) = unmade_file(&ready, folder) {
            return Opening::Unmade(path);
        }
        match ready.open(folder) {
            Ok(connection) => Opening::Open(connection),
            Err(error) => Opening::Closed(self.described.unopened(&error), diagnostics),
        }
    }

    /// The same; but a database that is not there yet, and that a script would make, is made elsewhere for as long as
    /// this place is kept: so its tables are known before the first start makes them.
    pub fn open_as_it_will_be(&mut self, connectors: &Registry, environment: &Environment, folder: &Path) -> Opening {
        match self.open(connectors, environment, folder) {
            Opening::Unmade(path) => self.drafted(connectors, environment, folder).unwrap_or(Opening::Unmade(path)),
            opening @ (Opening::Open(_) | Opening::Closed(..)) => opening,
        }
    }

    fn drafted(&mut self, connectors: &Registry, environment: &Environment, folder: &Path) -> Option<Opening> {
        let (ready, diagnostics) = configured::resolve(connectors, self.definition, environment, folder);
        let mut ready = ready.filter(|ready| ready.settings.text("init").is_some())?;
        let draft = tempfile::tempdir().ok()?;
        let path = draft.path().join("draft.db").to_str()?.to_owned();
        ready.settings.0.insert("path".to_owned(), SettingValue::Text(path));
        self.draft = Some(draft);
        Some(match ready.open(folder) {
            Ok(connection) => Opening::Open(connection),
            Err(error) => Opening::Closed(self.described.unopened(&error), diagnostics),
        })
    }

    /// What an answer of its service means, and what mends it.
    pub fn trouble(&self, object: Option<&str>, error: &Error) -> String {
        self.described.trouble(object, error).into_words()
    }

    /// Where it leads, as far as that may be shown: its address or its file, never a secret.
    pub fn address(&self, connectors: &Registry, environment: &Environment, folder: &Path) -> Option<String> {
        let (ready, _) = configured::resolve(connectors, self.definition, environment, folder);
        let written = |name: &str| {
            let kind = configured::setting_kind(connectors, self.definition, name)?;
            let (_, written) = self.definition.settings.iter().find(|(key, _)| key.name == name)?;
            match (kind, written) {
                (SettingKind::Secret, _) => None,
                (_, SettingText::Plain { text, .. }) => Some(text.clone()),
                (_, SettingText::Environment { variable, .. }) => {
                    let resolved = ready.as_ref().and_then(|ready| ready.settings.0.get(name));
                    match resolved {
                        Some(SettingValue::Text(text)) => Some(text.clone()),
                        Some(SettingValue::Secret(_)) | None => Some(format!("${{ env.{variable} }}")),
                    }
                }
                (_, SettingText::File { path, .. }) => Some(format!("${{ file(\"{path}\") }}")),
            }
        };
        let own = || connectors.find(&self.definition.connector.value)?.manifest()?.base_url();
        ["base_url", "host", "path"]
            .into_iter()
            .find_map(written)
            .map(|address| without_password(&address))
            .or_else(own)
    }
}

impl Understood {
    /// The connections that are meant: all, or the one of this name.
    pub fn places(&self, only: Option<&str>) -> Vec<Place<'_>> {
        let wanted = |one: &&ConnectionDefinition| only.is_none_or(|only| one.name.value.as_str() == only);
        self.connections.iter().filter(wanted).map(|definition| Place::of(self, definition)).collect()
    }

    /// The flows that name a connection.
    pub fn flows_of(&self, connection: &ConnectionName) -> Vec<FlowId> {
        let names = |flow: &&flow::FlowDefinition| {
            flow.connections().iter().any(|(name, _)| name == connection)
                || flow.uses().iter().any(|(name, _)| name == connection)
        };
        let flows = self.definitions.iter().filter(|flow| !flow.is_template());
        flows.filter(names).map(|flow| flow.id().clone()).collect()
    }

    /// The objects of a connection that flows name.
    pub fn objects_of(&self, connection: &ConnectionName) -> BTreeSet<String> {
        self.uses(None).into_iter().filter(|(name, _)| name == connection).map(|(_, object)| object).collect()
    }
}

/// The file that opening would make.
fn unmade_file(ready: &Ready, folder: &Path) -> Option<String> {
    let is_file = |setting: &&sdk::Setting| setting.name == "path" && setting.kind == SettingKind::Path;
    let setting = ready.connector.descriptor().settings.iter().find(is_file)?;
    let path = Path::new(ready.settings.text(setting.name)?);
    (!path.exists()).then(|| path.strip_prefix(folder).unwrap_or(path).display().to_string())
}

/// An address without the user and the password that some write into it.
fn without_password(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}{}", &address[..scheme + 3], &address[at + 1..]),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(without_password("https://me:secret@db.example/x"), "https://db.example/x");
        assert_eq!(without_password("warehouse.db"), "warehouse.db");
    }
}
