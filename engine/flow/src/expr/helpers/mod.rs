//! The functions that expressions may call: each a row of a table that is documentation, test and allow-list at once.
//! All are pure: the same arguments (and the flow's time zone) give the same result, whenever they are asked.

mod dates;
mod lists;
mod numbers;
mod other;
pub(super) mod patterns;
pub(super) mod takes;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use rhai::{Dynamic, Engine};

use super::compare::Kind;
use super::convert::TooLarge;
use super::engine::ENGINE;
use super::failure::{Failed, refuse};

/// A function that expressions may call.
#[derive(Clone, Copy, Debug)]
pub struct Helper {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub signature: &'static str,
    /// What it takes, the value before the dot first: for each argument the kinds that it may be.
    pub takes: &'static [&'static [Kind]],
    /// What it gives.
    pub gives: Gives,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// An expression that uses it.
    pub example: &'static str,
    /// What the example gives, as an expression.
    pub result: &'static str,
}

/// What a function gives, where it gives more than `()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// This kind, whatever it is given.
    Always(Kind),
    /// The kind of its first argument.
    LikeFirst,
    /// What only its arguments themselves can tell.
    Unknown,
}

/// A row of the table.
const fn helper(
    name: &'static str,
    signature: &'static str,
    takes: &'static [&'static [Kind]],
    gives: Gives,
    doc: &'static str,
    example: &'static str,
    result: &'static str,
) -> Helper {
    Helper { name, signature, takes, gives, doc, example, result }
}

/// Functions that are about the same.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The functions.
    pub helpers: &'static [Helper],
}

/// Every group, in the order of a first reading.
pub const GROUPS: [Group; 5] = [
    Group { title: "Text", helpers: texts::HELPERS },
    Group { title: "Numbers", helpers: numbers::HELPERS },
    Group { title: "Lists and maps", helpers: lists::HELPERS },
    Group { title: "Dates and moments", helpers: dates::HELPERS },
    Group { title: "Any value", helpers: other::HELPERS },
];

/// Every function, by groups.
pub fn all() -> impl Iterator<Item = &'static Helper> {
    GROUPS.into_iter().flat_map(|group| group.helpers)
}

/// Puts all of them into the engine.
pub(super) fn register(engine: &mut Engine) {
    texts::register(engine);
    numbers::register(engine);
    lists::register(engine);
    dates::register(engine);
    other::register(engine);
}

/// What the engine has: names, and with how many arguments.
static ARITIES: LazyLock<BTreeMap<String, BTreeSet<usize>>> = LazyLock::new(|| {
    let mut arities = BTreeMap::<String, BTreeSet<usize>>::new();
    let found = ENGINE.collect_fn_metadata(None, |f| Some((f.metadata.name.to_string(), f.metadata.num_params)), true);
    for (name, arguments) in found {
        if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            arities.entry(name).or_default().insert(arguments);
        }
    }
    arities
});

/// The names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ARITIES.keys().map(String::as_str)
}

/// With how many arguments a function may be called; none where there is no such function.
pub(super) fn arities(name: &str) -> &'static BTreeSet<usize> {
    static NONE: BTreeSet<usize> = BTreeSet::new();
    ARITIES.get(name).unwrap_or(&NONE)
}

/// The rows of a function that may be called with so many arguments.
pub(super) fn called(name: &str, n_arguments: usize) -> impl Iterator<Item = &'static Helper> {
    all().filter(move |helper| helper.name == name && helper.n_arguments().contains(&n_arguments))
}

impl Helper {
    /// With how many arguments it may be called.
    pub fn n_arguments(&self) -> RangeInclusive<usize> {
        let n = self.takes.len();
        if self.signature.ends_with(", …)") { n..=usize::MAX } else { n..=n }
    }

    /// Which kinds an argument may be; what follows the last of the row is as that one.
    pub(super) fn argument(&self, at: usize) -> &'static [Kind] {
        self.takes.get(at).or(self.takes.last()).copied().unwrap_or_default()
    }
}

/// How a function is written, for messages.
pub(super) fn signatures(name: &str) -> String {
    let written: Vec<_> =
        all().filter(|helper| helper.name == name).map(|helper| format!("`{}`", helper.signature)).collect();
    written.join(" or ")
}

/// Refuses an argument of a wrong type.
fn wrong(function: &str, wanted: &str, found: &Dynamic) -> Failed {
    match found.read_lock::<TooLarge>() {
        Some(large) => refuse(large.complaint()),
        None => {
            let kind = Kind::of(found);
            let hint = if kind == Kind::Nothing { "; give a value for where it is empty: `… ?? …`" } else { "" };
            refuse(format!("`{function}` takes {wanted}, and found {}{hint}", kind.name()))
        }
    }
}
