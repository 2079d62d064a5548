//! What the judge knows of a project: read from its files by another parser than the product's.

use std::collections::{BTreeMap, BTreeSet};

use yaml_serde::Value;

use crate::seeds::Project;

/// A project, as far as its flows can be wrong about it.
#[derive(Debug, Default)]
pub struct World {
    /// The connector of each connection.
    pub connections: BTreeMap<String, String>,
    /// Pulled objects, by `connection.object`.
    pub objects: BTreeMap<String, Object>,
    /// Its flows, each with the object whose records it gets.
    pub flows: BTreeMap<String, Option<String>>,
    /// Its syncs.
    pub syncs: BTreeSet<String>,
    /// The connectors that there are.
    pub connectors: Vec<&'static str>,
}

/// A pulled object.
#[derive(Debug)]
pub struct Object {
    pub fields: BTreeMap<String, Field>,
}

/// One of its fields.
#[derive(Debug)]
pub struct Field {
    pub kind: String,
    /// What a choice may be: values and labels.
    pub options: Vec<String>,
}

impl World {
    /// What a project's files say.
    pub fn of(project: &Project) -> Self {
        let mut world = Self { connectors: vec!["hubspot", "pipedrive", "postgres", "sqlite"], ..Self::default() };
        for file in project.files.sources() {
            let value: Value = yaml_serde::from_str(&file.text).expect("a project that is right is YAML");
            let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
            if file.path.starts_with("connections") {
                for (name, connection) in value.as_mapping().into_iter().flatten() {
                    let connector = connection.get("connector").and_then(Value::as_str);
                    let (Some(name), Some(connector)) = (name.as_str(), connector) else { continue };
                    world.connections.insert(name.to_owned(), connector.to_owned());
                }
            } else if let (Some(name), Some(fields)) = (text("schema"), value.get("fields")) {
                let fields = fields.as_mapping().into_iter().flatten();
                let fields = fields.filter_map(|(name, field)| Some((name.as_str()?.to_owned(), Field::of(field))));
                world.objects.insert(name, Object { fields: fields.collect() });
            } else if let Some(id) = text("sync") {
                world.syncs.insert(id);
            } else if let Some(id) = text("flow") {
                let of_trigger = |key: &str| value.get("trigger")?.get(key)?.as_str().map(str::to_owned);
                world.flows.insert(id, of_trigger("poll").or_else(|| of_trigger("each")));
            }
        }
        world
    }
}

impl Field {
    fn of(field: &Value) -> Self {
        let options = field.get("options").and_then(Value::as_sequence).into_iter().flatten();
        let words = |option: &Value| -> Vec<String> {
            ["value", "label"].into_iter().filter_map(|key| Some(option.get(key)?.as_str()?.to_owned())).collect()
        };
        let kind = field.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { kind, options: options.flat_map(words).collect() }
    }
}
