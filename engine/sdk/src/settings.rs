//! What a connection is configured with. A connector declares its settings once; parsing and checking follow.

use std::collections::BTreeMap;

use crate::Secret;

/// One setting that a connector takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in `connections.yaml`.
    pub name: &'static str,
    /// What it holds.
    pub kind: SettingKind,
    /// Whether a connection must have it.
    pub required: bool,
    /// One sentence for the author.
    pub help: &'static str,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// Text that may be shown.
    Text,
    /// A credential.
    Secret,
    /// A path, relative to the project's folder.
    Path,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A setting's value.
#[derive(Clone, Debug)]
pub enum SettingValue {
    /// Text that may be shown; paths are absolute by now.
    Text(String),
    /// A credential.
    Secret(Secret),
}

/// A connection's settings by name: only those that the connector declares, each of its declared kind.
#[derive(Clone, Debug, Default)]
pub struct Settings(pub BTreeMap<String, SettingValue>);

impl Settings {
    /// A setting that is not secret.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(SettingValue::Text(text)) => Some(text),
            Some(SettingValue::Secret(_)) | None => None,
        }
    }

    /// A secret setting.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.0.get(name) {
            Some(SettingValue::Secret(secret)) => Some(secret),
            Some(SettingValue::Text(_)) | None => None,
        }
    }
}
