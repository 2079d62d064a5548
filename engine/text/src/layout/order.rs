//! The order of keys in declared maps: that in which they are declared.

use super::{KeyOrder, Part};
use crate::grammar::{Kinds, Mapping, Naming, Notation, Shape};
use crate::node::Map;

/// The order of a document of this kind.
#[derive(Clone, Copy, Debug)]
pub struct Declared(pub &'static Mapping);

impl KeyOrder for Declared {
    fn keys(&self, place: &[Part], map: &Map) -> Vec<&'static str> {
        let Some(mapping) = at(Shape::Map(self.0), place, map) else { return Vec::new() };
        // Between an author's own fields, a declared key is one of many.
        let is_of_author = mapping.others.is_some_and(|others| others.naming == Naming::Field);
        if is_of_author { Vec::new() } else { mapping.keys.iter().map(|key| key.name).collect() }
    }

    fn is_name(&self, place: &[Part]) -> bool {
        names_at(Shape::Map(self.0), place)
    }

    fn has_expressions(&self) -> bool {
        true
    }
}

/// What is declared of the map at this place within something of this shape.
fn at(shape: Shape, place: &[Part], map: &Map) -> Option<&'static Mapping> {
    let Some((part, rest)) = place.split_first() else { return declared(shape, map) };
    match (shape, part) {
        (Shape::OneOf(shapes), _) => shapes.iter().find_map(|shape| at(*shape, place, map)),
        (Shape::Map(mapping), Part::Key(key)) => at(behind(mapping, key)?, rest, map),
        // A key that several kinds have means the same in all of them.
        (Shape::Kinds(kinds), Part::Key(key)) => {
            let mut mappings = kinds.kinds.iter().map(|kind| kind.mapping);
            mappings.find_map(|mapping| at(mapping.key(key)?.shape, rest, map))
        }
        (Shape::MapOf(_, inner), Part::Key(_)) | (Shape::ListOf(inner), Part::Item) => at(*inner, rest, map),
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

/// Whether a name is declared at this place within something of this shape.
fn names_at(shape: Shape, place: &[Part]) -> bool {
    match (shape, place.split_first()) {
        (Shape::OneOf(shapes), _) => shapes.iter().any(|shape| names_at(*shape, place)),
        (Shape::Noted(notation), None) => match notation {
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
        (Shape::Map(mapping), Some((Part::Key(key), rest))) => {
            behind(mapping, key).is_some_and(|shape| names_at(shape, rest))
        }
        (Shape::Kinds(kinds), Some((Part::Key(key), rest))) => {
            let shapes = kinds.kinds.iter().filter_map(|kind| kind.mapping.key(key));
            shapes.into_iter().any(|key| names_at(key.shape, rest))
        }
        (Shape::MapOf(_, inner), Some((Part::Key(_), rest))) | (Shape::ListOf(inner), Some((Part::Item, rest))) => {
            names_at(*inner, rest)
        }
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
        ) => false,
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
