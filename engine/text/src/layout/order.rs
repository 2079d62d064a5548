//! The order of keys in declared maps: that in which they are declared.

use super::{KeyOrder, Part};
use crate::grammar::{Kinds, Mapping, Naming, Notation, Shape};
use crate::node::Map;

/// The order of a document of this kind.
#[derive(Clone, Copy, Debug)]
pub struct Declared(pub &'static Mapping);

impl KeyOrder for Declared {
    fn keys(&self, place: &[Part], map: &Map) -> Vec<&'static str> {
        let Some(mapping) = found(Shape::Map(self.0), place, &|shape| declared(shape, map)) else { return Vec::new() };
        // Between an author's own fields, a declared key is one of many.
        let is_of_author = mapping.others.is_some_and(|others| others.naming == Naming::Field);
        if is_of_author { Vec::new() } else { mapping.keys.iter().map(|key| key.name).collect() }
    }

    fn is_name(&self, place: &[Part]) -> bool {
        found(Shape::Map(self.0), place, &|shape| is_name(shape).then_some(())).is_some()
    }

    fn has_expressions(&self) -> bool {
        true
    }
}

/// What `end` finds in something of this shape at this place; the first of several alternatives that has it.
fn found<T>(shape: Shape, place: &[Part], end: &dyn Fn(Shape) -> Option<T>) -> Option<T> {
    let Some((part, rest)) = place.split_first() else { return end(shape) };
    match (shape, part) {
        (Shape::OneOf(shapes), _) => shapes.iter().find_map(|shape| found(*shape, place, end)),
        (Shape::Map(mapping), Part::Key(key)) => found(behind(mapping, key)?, rest, end),
        // A key that several kinds have means the same in all of them.
        (Shape::Kinds(kinds), Part::Key(key)) => {
            let mut mappings = kinds.kinds.iter().map(|kind| kind.mapping);
            mappings.find_map(|mapping| found(mapping.key(key)?.shape, rest, end))
        }
        (Shape::MapOf(_, inner), Part::Key(_)) | (Shape::ListOf(inner), Part::Item) => found(*inner, rest, end),
        (
            Shape::Map(_)
            | Shape::Kinds(_)
            | Shape::MapOf(..)
            | Shape::ListOf(_)
            | Shape::Nothing
            | Shape::Boolean
            | Shape::Count(_)
            | Shape::Number
            | Shape::Text
            | Shape::Noted(_)
            | Shape::Word(_)
            | Shape::Question
            | Shape::Value,
            _,
        ) => None,
    }
}

/// Whether something of this shape may be a name, which needs no quotes.
fn is_name(shape: Shape) -> bool {
    match shape {
        Shape::OneOf(shapes) => shapes.iter().any(|shape| is_name(*shape)),
        Shape::Noted(notation) => match notation {
            Notation::Duration
            | Notation::Object
            | Notation::Action
            | Notation::Flow
            | Notation::Sync
            | Notation::Field
            | Notation::Id
            | Notation::Name
            | Notation::Connector => true,
            Notation::StepName
            | Notation::Cron
            | Notation::Moment
            | Notation::TimeZone
            | Notation::Size
            | Notation::Address
            | Notation::Recipient
            | Notation::Share
            | Notation::Path
            | Notation::Setting
            | Notation::Status
            | Notation::References => false,
        },
        Shape::Map(_)
        | Shape::Kinds(_)
        | Shape::MapOf(..)
        | Shape::ListOf(_)
        | Shape::Nothing
        | Shape::Boolean
        | Shape::Count(_)
        | Shape::Number
        | Shape::Text
        | Shape::Word(_)
        | Shape::Question
        | Shape::Value => false,
    }
}

fn declared(shape: Shape, map: &Map) -> Option<&'static Mapping> {
    match shape {
        Shape::Map(mapping) => Some(mapping),
        Shape::Kinds(kinds) => told(kinds, map),
        Shape::OneOf(shapes) => shapes.iter().find_map(|shape| declared(*shape, map)),
        Shape::MapOf(..)
        | Shape::ListOf(_)
        | Shape::Nothing
        | Shape::Boolean
        | Shape::Count(_)
        | Shape::Number
        | Shape::Text
        | Shape::Noted(_)
        | Shape::Word(_)
        | Shape::Question
        | Shape::Value => None,
    }
}

/// The kind that the map is of.
fn told(kinds: &Kinds, map: &Map) -> Option<&'static Mapping> {
    let is_told = |told_by: &[&str]| told_by.iter().any(|key| map.get(key).is_some());
    kinds.kinds.iter().find(|kind| is_told(kind.told_by)).map(|kind| kind.mapping)
}

fn behind(mapping: &Mapping, key: &str) -> Option<Shape> {
    mapping.key(key).map(|key| key.shape).or(mapping.others.map(|others| others.shape))
}
