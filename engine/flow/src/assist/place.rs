//! Where in its document a cursor stands: the maps and lists on the way to it, and what the language wants there.

use text::{Entry, Kind, Map, Node, Span};

use super::Cursor;
use crate::check::{ENROL_ACTION, SYNC_CONNECTION};
use crate::language::{BEGINNING, Document, ENROL, INSTANCE, Kinds, Mapping, Naming, Shape};

/// A place, with the way to it.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The document's own map.
    pub(super) root: &'a Map,
    /// Maps and lists, the outermost first.
    pub(super) trail: Vec<Stop<'a>>,
    /// What stands there.
    pub(super) slot: Slot<'a>,
}

/// A map or a list on the way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop<'a> {
    /// A map, and the entry through which the way goes on; `None` where the place is a key of it.
    Map { map: &'a Map, holds: Holds, entry: Option<&'a Entry> },
    /// A list, and the number of the item.
    List { items: &'a [Node], shape: Option<Shape>, index: usize },
}

/// What a map holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holds {
    /// These keys.
    Keys(&'static Mapping),
    /// The keys of one of these kinds; nothing tells which one yet.
    Kinds(&'static Kinds),
    /// Names of the author's own.
    Names(Naming, &'static Shape),
    /// Whatever the author likes.
    Anything,
}

/// What stands at the place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot<'a> {
    /// A key; the map is missing where it is the first of its keys, and still lacks its colon.
    Key { span: Span, holds: Holds, map: Option<&'a Map> },
    /// A value.
    Value { node: &'a Node, shapes: Shapes },
}

/// What may stand behind a key, alternatives apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shapes(pub(super) Option<Shape>);

impl Shapes {
    /// Each alternative.
    pub(super) fn each(self) -> Vec<Shape> {
        fn gather(shape: Shape, into: &mut Vec<Shape>) {
            match shape {
                Shape::OneOf(shapes) => shapes.iter().for_each(|shape| gather(*shape, into)),
                Shape::Nothing
                | Shape::Boolean
                | Shape::Count(_)
                | Shape::Number
                | Shape::Text
                | Shape::Noted(_)
                | Shape::Word(_)
                | Shape::Question
                | Shape::Value
                | Shape::Map(_)
                | Shape::Kinds(_)
                | Shape::MapOf(..)
                | Shape::ListOf(_) => into.push(shape),
            }
        }
        let mut shapes = Vec::new();
        if let Some(shape) = self.0 {
            gather(shape, &mut shapes);
        }
        shapes
    }

    /// What a map here holds; `map` tells the kind, where there are several.
    fn holds(self, map: Option<&Map>) -> Option<Holds> {
        self.each().into_iter().find_map(|shape| match shape {
            Shape::Map(mapping) => Some(Holds::Keys(mapping)),
            Shape::Kinds(kinds) => Some(kind_of(kinds, map)),
            Shape::MapOf(naming, shape) => Some(Holds::Names(naming, shape)),
            Shape::Value => Some(Holds::Anything),
            Shape::Nothing
            | Shape::Boolean
            | Shape::Count(_)
            | Shape::Number
            | Shape::Text
            | Shape::Noted(_)
            | Shape::Word(_)
            | Shape::Question
            | Shape::ListOf(_)
            | Shape::OneOf(_) => None,
        })
    }

    /// What an item of a list here is.
    fn item(self) -> Option<Shape> {
        self.each().into_iter().find_map(|shape| match shape {
            Shape::ListOf(item) => Some(*item),
            Shape::Value => Some(Shape::Value),
            Shape::Nothing
            | Shape::Boolean
            | Shape::Count(_)
            | Shape::Number
            | Shape::Text
            | Shape::Noted(_)
            | Shape::Word(_)
            | Shape::Question
            | Shape::Map(_)
            | Shape::Kinds(_)
            | Shape::MapOf(..)
            | Shape::OneOf(_) => None,
        })
    }
}

impl Holds {
    /// What stands behind a key.
    pub(super) fn value(self, key: &str) -> Option<Shape> {
        match self {
            Self::Keys(mapping) => {
                mapping.key(key).map(|key| key.shape).or_else(|| mapping.others.map(|others| others.shape))
            }
            Self::Kinds(kinds) => kinds.kinds.iter().find_map(|kind| kind.mapping.key(key)).map(|key| key.shape),
            Self::Names(_, shape) => Some(*shape),
            Self::Anything => Some(Shape::Value),
        }
    }
}

fn kind_of(kinds: &'static Kinds, map: Option<&Map>) -> Holds {
    let is_told = |key: &str| map.is_some_and(|map| map.get(key).is_some());
    let told = kinds.kinds.iter().find(|kind| kind.told_by.iter().any(|key| is_told(key)));
    told.map_or(Holds::Kinds(kinds), |kind| Holds::Keys(kind.mapping))
}

/// The place of a cursor in an outline.
pub(super) fn find<'a>(root: &'a Node, cursor: Cursor<'_>) -> Option<Place<'a>> {
    static NOTHING: Map = Map { entries: Vec::new() };
    let map = map_of(root).unwrap_or(&NOTHING);
    let mapping = match cursor.document {
        Document::Flow if map.get("from").is_some() => &INSTANCE,
        // Nothing tells yet what it will be.
        Document::Flow if map.entries.is_empty() => &BEGINNING,
        document => document.mapping(),
    };
    let mut trail = Vec::new();
    let slot = walk(root, Shapes(Some(Shape::Map(mapping))), cursor.offset, &mut trail)?;
    Some(Place { root: map, trail, slot })
}

/// The map that a node is.
pub(super) fn map_of(node: &Node) -> Option<&Map> {
    match &node.kind {
        Kind::Map(map) => Some(map),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) | Kind::Broken => {
            None
        }
    }
}

fn walk<'a>(node: &'a Node, shapes: Shapes, offset: usize, trail: &mut Vec<Stop<'a>>) -> Option<Slot<'a>> {
    match &node.kind {
        Kind::Map(map) => {
            let holds = shapes.holds(Some(map)).unwrap_or(Holds::Anything);
            // The last that begins before the cursor: where one ends is not told by what a half typed line says.
            let entry = map.entries.iter().rfind(|entry| entry.key.span.start <= offset)?;
            if offset <= entry.key.span.end {
                trail.push(Stop::Map { map, holds, entry: None });
                return Some(Slot::Key { span: entry.key.span, holds, map: Some(map) });
            }
            trail.push(Stop::Map { map, holds, entry: Some(entry) });
            let shape = match entry.key.text.as_str() {
                "with" if enrols(map) => Some(Shape::Map(&ENROL)),
                key => holds.value(key),
            };
            walk(&entry.value, Shapes(shape), offset, trail)
        }
        Kind::List(items) => {
            let index = items.iter().rposition(|item| item.span.start <= offset)?;
            let shape = shapes.item();
            trail.push(Stop::List { items, shape, index });
            walk(&items[index], Shapes(shape), offset, trail)
        }
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Broken => {
            if !(node.span.start <= offset && offset <= node.span.end) {
                return None;
            }
            // A lone word where only a map can stand is the first of its keys.
            let is_plain = shapes.each().iter().any(is_scalar);
            // Where steps are to come, it is the first of them, without its dash.
            if let (Some(shape @ Shape::Kinds(_)), false) = (shapes.item(), is_plain) {
                trail.push(Stop::List { items: &[], shape: Some(shape), index: 0 });
                return walk(node, Shapes(Some(shape)), offset, trail);
            }
            match shapes.holds(None) {
                Some(holds) if !is_plain => Some(Slot::Key { span: node.span, holds, map: None }),
                Some(_) | None => Some(Slot::Value { node, shapes }),
            }
        }
    }
}

/// Whether the map is a `do: sync.enrol`, which takes other inputs than actions of connections.
fn enrols(map: &Map) -> bool {
    let action = map.get("do").and_then(|entry| entry.value.as_text()).and_then(|text| text.split_once('.'));
    action == Some((SYNC_CONNECTION, ENROL_ACTION))
}

/// Whether a single word may stand for it.
fn is_scalar(shape: &Shape) -> bool {
    match shape {
        Shape::Boolean
        | Shape::Count(_)
        | Shape::Number
        | Shape::Text
        | Shape::Noted(_)
        | Shape::Word(_)
        | Shape::Question
        | Shape::Value => true,
        // What may be left out is not written as a word.
        Shape::Nothing | Shape::Map(_) | Shape::Kinds(_) | Shape::MapOf(..) | Shape::ListOf(_) | Shape::OneOf(_) => {
            false
        }
    }
}

impl<'a> Place<'a> {
    /// The keys through which the way goes, the innermost first.
    pub(super) fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        self.trail.iter().rev().filter_map(|stop| match stop {
            Stop::Map { entry, .. } => *entry,
            Stop::List { .. } => None,
        })
    }
}
