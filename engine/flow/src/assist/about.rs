//! What a document is about that names another: the template of an instance, the flow of a test, the sides of a sync.

use sdk::FlowId;
use text::{Kind, Map, Node};

use super::Surroundings;
use super::names::Object;
use super::place::{Place, map_of};
use crate::definition::FlowDefinition;

/// A template, as it is written.
pub(super) struct Template<'a> {
    pub(super) definition: &'a FlowDefinition,
    version: i64,
    outline: Node,
}

/// A side of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl<'a> Template<'a> {
    /// Every template of the project.
    pub(super) fn all(around: &Surroundings<'a>) -> impl Iterator<Item = Self> {
        around.flows.iter().filter(|flow| flow.is_template()).filter_map(Self::read)
    }

    /// The one that an instance is made of.
    pub(super) fn of(root: &Map, around: &Surroundings<'a>) -> Option<Self> {
        let from = root.get("from")?.value.as_text()?;
        let mut templates = Self::all(around);
        templates.find(|template| template.reference() == from)
    }

    fn read(definition: &'a FlowDefinition) -> Option<Self> {
        let outline = text::outline(definition.file())?;
        let version = match map_of(&outline)?.get("version")?.value.kind {
            Kind::Int(version) => version,
            Kind::Null
            | Kind::Bool(_)
            | Kind::Float(_)
            | Kind::Text(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Broken => return None,
        };
        Some(Self { definition, version, outline })
    }

    /// How instances name it: `customers@1`.
    pub(super) fn reference(&self) -> String {
        format!("{}@{}", self.definition.id(), self.version)
    }

    /// The names that it gives to connections, each with its connector.
    pub(super) fn connections(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.map("connections").map(|map| map.entries.as_slice()).unwrap_or_default();
        entries.iter().map(|entry| (entry.key.text.as_str(), entry.value.as_text().unwrap_or_default()))
    }

    /// What is filled in, as it declares it.
    pub(super) fn inputs(&self) -> impl Iterator<Item = (&str, Option<&Map>)> {
        let entries = self.map("inputs").map(|map| map.entries.as_slice()).unwrap_or_default();
        entries.iter().map(|entry| (entry.key.text.as_str(), map_of(&entry.value)))
    }

    fn map(&self, key: &str) -> Option<&Map> {
        map_of(&map_of(&self.outline)?.get(key)?.value)
    }
}

/// The id of the flow that a text of `from` names.
pub(super) fn template_id(from: &str) -> Option<FlowId> {
    from.split_once('@').map(|(id, _)| FlowId::new(id))
}

/// The flow that a test is of.
pub(super) fn tested<'a>(root: &Map, around: &Surroundings<'a>) -> Option<&'a FlowDefinition> {
    let id = root.get("test")?.value.as_text()?;
    around.flows.iter().find(|flow| flow.id().as_str() == id)
}

/// The object whose record a test's case is about, where the place is in one.
pub(super) fn sample(place: &Place<'_>, around: &Surroundings<'_>) -> Option<Object> {
    place.entries().find(|entry| entry.key.text == "record")?;
    let target = tested(place.root, around)?.trigger.as_ref()?.source()?.target.as_ref()?;
    Some(Object { connection: target.value.connection.clone(), object: target.value.object.clone() })
}

/// The object on a side of a sync.
pub(super) fn on(root: &Map, side: Side) -> Option<Object> {
    let entry = root.get("between")?;
    let Kind::List(objects) = &entry.value.kind else { return None };
    Object::read(objects.get(if side == Side::Left { 0 } else { 1 })?.as_text()?)
}

/// The object whose field is named at a place of a sync by a key.
pub(super) fn named_side(place: &Place<'_>) -> Option<Object> {
    let side = place.entries().find_map(|entry| match entry.key.text.as_str() {
        "left" | "to_left" => Some(Side::Left),
        "right" | "to_right" => Some(Side::Right),
        _ => None,
    });
    on(place.root, side?)
}

/// The object whose records a direction of a sync is asked about: those that go there come from the other side.
pub(super) fn asked_about(root: &Map, direction: Option<&str>) -> Option<Object> {
    match direction? {
        "to_right" => on(root, Side::Left),
        "to_left" => on(root, Side::Right),
        _ => None,
    }
}
