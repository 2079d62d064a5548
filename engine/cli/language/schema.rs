//! JSON Schemas of the documents of a project.

use flow::language::{DOCUMENT, Document, Shape, json_schema};
use sdk::{Setting, SettingKind};
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::Failure;
use crate::assemble::Registry;
use crate::place::PlaceArguments;
use crate::project::ProjectFiles;

/// A kind of document.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Kind {
    /// Whatever lies in `flows/`, by its first key
    Document,
    /// `flows/*.yaml`
    Flow,
    /// A sync, in `flows/*.yaml`
    Sync,
    /// `flows/*.test.yaml`
    Test,
    /// `connections.yaml`
    Connections,
    /// `millrace.yaml`
    Settings,
    /// `connectors/*.yaml`
    Connector,
}

/// The schema of documents of this kind.
pub fn of(kind: Kind, place: &PlaceArguments) -> Result<Json, Failure> {
    let of = |document: Document| json_schema(document.title(), document.shape());
    match kind {
        Kind::Document => Ok(json_schema("A file in flows/", Shape::Kinds(&DOCUMENT))),
        Kind::Flow => Ok(of(Document::Flow)),
        Kind::Sync => Ok(of(Document::Sync)),
        Kind::Test => Ok(of(Document::Test)),
        Kind::Settings => Ok(of(Document::Settings)),
        Kind::Connector => {
            Ok(json_schema("A connector's manifest", Shape::Map(connectors::rest::language::manifest())))
        }
        Kind::Connections => {
            let files = ProjectFiles::read_whatever_there_is(&place.place()?.dir, None)?;
            let (registry, _) = Registry::of(&files.connectors);
            Ok(with_settings(of(Document::Connections), &registry))
        }
    }
}

/// The schema of `connections.yaml`, where a connection's connector decides which settings it takes.
fn with_settings(mut schema: Json, registry: &Registry) -> Json {
    let descriptors = || registry.all().map(|known| known.connector.descriptor());
    let connection = &mut schema["definitions"]["a-connection"];
    let names: Vec<&str> = descriptors().map(|descriptor| descriptor.name).collect();
    connection["properties"]["connector"]["enum"] = names.into();
    let common: JsonMap<String, Json> = connection["properties"].as_object().cloned().unwrap_or_default();
    let of_connector = |descriptor: &sdk::Descriptor| {
        let mut properties = common.clone();
        for setting in descriptor.settings {
            properties.insert(setting.name.to_owned(), of_setting(setting));
        }
        let required: Vec<&str> =
            descriptor.settings.iter().filter(|setting| setting.required).map(|setting| setting.name).collect();
        json!({
            "if": {"properties": {"connector": {"const": descriptor.name}}},
            "then": {"properties": properties, "required": required, "additionalProperties": false},
        })
    };
    connection["allOf"] = descriptors().map(of_connector).collect();
    schema
}

fn of_setting(setting: &Setting) -> Json {
    let kept_elsewhere = json!({"type": "string", "pattern": r"^\$\{.*\}$"});
    let mut schema = match setting.kind {
        SettingKind::Text | SettingKind::Secret | SettingKind::Path => json!({"type": ["string", "number", "boolean"]}),
        // What looks like a flag may be written as one.
        SettingKind::Choice(words) => {
            let flags = words.iter().filter_map(|word| word.parse::<bool>().ok()).map(Json::from);
            let words: Vec<Json> = words.iter().map(|word| Json::from(*word)).chain(flags).collect();
            json!({"anyOf": [{"enum": words}, kept_elsewhere]})
        }
    };
    schema["description"] = setting.help.into();
    schema
}
