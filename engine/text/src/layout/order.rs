//! The order of keys in declared maps: that in which they are declared.

use super::{KeyOrder, Part};
use crate::grammar::{Kinds, Mapping, Naming, Shape};
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
