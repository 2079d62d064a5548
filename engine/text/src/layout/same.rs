//! Whether two trees mean the same: equal values, lists in order, maps with equal entries in any order.

use super::spaces::spaced;
use crate::node::{Kind, Map, Node, TextStyle};

/// Whether they do. Quotes are no part of a text, but blocks stay blocks.
pub(super) fn is_same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::List(ones), Kind::List(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| is_same(one, other))
        }
        (Kind::Map(one), Kind::Map(other)) => is_same_map(one, other),
        (Kind::Text(one), Kind::Text(other)) => {
            // A space at an end of an expression is no part of it.
            let is_equal =
                one.value == other.value || spaced(&one.value, one.style) == spaced(&other.value, other.style);
            is_equal && (one.style == TextStyle::Block) == (other.style == TextStyle::Block)
        }
        (one, other) => one == other,
    }
}

fn is_same_map(one: &Map, other: &Map) -> bool {
    let has_same = |entry: &crate::node::Entry| {
        other.get(&entry.key.text).is_some_and(|other| is_same(&entry.value, &other.value))
    };
    one.entries.len() == other.entries.len() && one.entries.iter().all(has_same)
}
