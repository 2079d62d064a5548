//! The names that an expression sees at a place, what they stand for, and where they were made.

use sdk::ConnectionName;
use text::{Entry, Kind, Map, Node, Span};

use super::about;
use super::place::{Place, Stop, map_of};
use crate::language::{STEP, Shape};
use crate::parse::target;

/// A name that expressions see.
#[derive(Clone, Debug)]
pub(super) struct Name<'a> {
    pub(super) text: String,
    pub(super) means: Meaning<'a>,
    /// Where it is made; names that every flow has are made nowhere.
    pub(super) made_at: Option<Span>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Meaning<'a> {
    /// A record of an object, where it is known which one.
    Record(Option<Object>),
    /// Several of them.
    Records(Option<Object>),
    /// What a caller gave, by the declared inputs.
    Inputs(Option<&'a Map>),
    /// What a service told.
    Body,
    /// The run, or the flow.
    Itself,
    /// The present.
    Now,
    /// The failures of these steps.
    Errors(Vec<String>),
    /// Why the run failed.
    Failure,
    /// The result of a write.
    Written,
    /// The result of a `delete`.
    Deleted,
    /// The result of an action.
    ActionResult(Option<Object>),
    /// Any value.
    Value,
}

/// A connection, and what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) connection: ConnectionName,
    pub(super) object: String,
}

impl Object {
    /// `crm.contacts`
    pub(super) fn read(text: &str) -> Option<Self> {
        let target = target(text)?;
        Some(Self { connection: target.connection, object: target.object })
    }
}

/// The object whose records start a flow's runs.
pub(super) fn source(root: &Map) -> Option<Object> {
    let trigger = map_of(&root.get("trigger")?.value)?;
    let entry = trigger.get("poll").or_else(|| trigger.get("each"))?;
    Object::read(entry.value.as_text()?)
}

/// Every name that is seen at a place, the newest last.
pub(super) fn seen<'a>(place: &Place<'a>) -> Vec<Name<'a>> {
    let root = place.root;
    let mut names = Vec::new();
    let trigger = root.get("trigger").and_then(|entry| map_of(&entry.value));
    let has = |key: &str| trigger.is_some_and(|trigger| trigger.get(key).is_some());
    if let Some(inputs) = root.get("inputs").and_then(|entry| map_of(&entry.value)) {
        // Those of a template, which are filled in before anything runs.
        names.push(usual("inputs", Meaning::Inputs(Some(inputs))));
    }
    if has("manual") {
        let manual = trigger.and_then(|trigger| map_of(&trigger.get("manual")?.value));
        let inputs = manual.and_then(|manual| map_of(&manual.get("inputs")?.value));
        names.push(usual("inputs", Meaning::Inputs(inputs)));
    } else if has("webhook") {
        names.push(usual("body", Meaning::Body));
    } else if root.get("between").is_some() {
        let direction = place.entries().last().map(|entry| entry.key.text.as_str());
        names.push(usual("record", Meaning::Record(about::asked_about(root, direction))));
    } else if has("poll") || has("each") || trigger.is_none() {
        names.push(usual("record", Meaning::Record(source(root))));
    }
    let on_way = place.entries().last().map(|entry| entry.key.text.as_str());
    if on_way == Some("trigger") {
        // `where` is asked before there is a run.
        names.push(usual("now", Meaning::Now));
        return names;
    }
    names.extend([usual("run", Meaning::Itself), usual("flow", Meaning::Itself), usual("now", Meaning::Now)]);
    if on_way == Some("on_failure") {
        names.push(usual("failure", Meaning::Failure));
    }
    let mut continued = Vec::new();
    for (number, stop) in place.trail.iter().enumerate() {
        match *stop {
            Stop::List { items, shape: Some(Shape::Kinds(kinds)), index } if std::ptr::eq(kinds, &STEP) => {
                for step in items.iter().take(index).filter_map(map_of) {
                    made_by(step, &mut names, &mut continued);
                }
            }
            Stop::List { .. } => {}
            Stop::Map { map, entry: Some(entry), .. } => {
                let next = place.trail.get(number + 1);
                made_within(map, entry, next, &mut names);
            }
            Stop::Map { entry: None, .. } => {}
        }
    }
    if !continued.is_empty() {
        names.push(usual("errors", Meaning::Errors(continued)));
    }
    names
}

/// What a name means at a place: the newest of it.
pub(super) fn find<'n, 'a>(names: &'n [Name<'a>], text: &str) -> Option<&'n Name<'a>> {
    names.iter().rev().find(|name| name.text == text)
}

fn usual<'a>(text: &str, means: Meaning<'a>) -> Name<'a> {
    Name { text: text.to_owned(), means, made_at: None }
}

/// What a step leaves behind for those after it.
fn made_by<'a>(step: &'a Map, names: &mut Vec<Name<'a>>, continued: &mut Vec<String>) {
    if let Some(made) = step.get("let").and_then(|entry| map_of(&entry.value)) {
        names.extend(made.entries.iter().map(named));
    }
    let result = step.get("as").and_then(|entry| Some((entry, entry.value.as_text()?)));
    if let Some((entry, text)) = result {
        let means = result_of(step);
        names.push(Name { text: text.to_owned(), means, made_at: Some(entry.value.span) });
    }
    if step.get("on_error").and_then(|entry| entry.value.as_text()) == Some("continue") {
        let own = step.get("name").and_then(|entry| entry.value.as_text());
        continued.extend(own.or(result.map(|(_, text)| text)).map(str::to_owned));
    }
}

fn result_of<'a>(step: &Map) -> Meaning<'a> {
    let of = |key: &str| step.get(key).and_then(|entry| Object::read(entry.value.as_text()?));
    let is_there = |key: &str| step.get(key).is_some();
    let is_many = step.get("many").is_some_and(|entry| entry.value.kind == Kind::Bool(true));
    if is_there("find") {
        return if is_many { Meaning::Records(of("find")) } else { Meaning::Record(of("find")) };
    }
    if ["create", "update", "upsert"].into_iter().any(is_there) {
        return Meaning::Written;
    }
    if is_there("delete") {
        return Meaning::Deleted;
    }
    if is_there("do") {
        return Meaning::ActionResult(of("do"));
    }
    // What a flow returns, a branch gives or a loop gathers is not told by the step itself.
    Meaning::Value
}

/// What is seen within a step, beyond what stands before it.
fn made_within<'a>(map: &'a Map, entry: &'a Entry, next: Option<&Stop<'a>>, names: &mut Vec<Name<'a>>) {
    match entry.key.text.as_str() {
        "let" => {
            // Each value sees those before it.
            if let Some(Stop::Map { map: made, entry: Some(current), .. }) = next {
                let before = made.entries.iter().take_while(|one| one.key.span.start < current.key.span.start);
                names.extend(before.map(named));
            }
        }
        "steps" | "key" if map.get("each").is_some() => {
            let item = map.get("item").and_then(|entry| Some((entry.value.as_text()?, entry.value.span)));
            let list = map.get("each").map(|entry| &entry.value);
            let means = list.map_or(Meaning::Value, |list| item_of(list, names));
            let made_at = item.map(|(_, span)| span).or_else(|| map.get("each").map(|entry| entry.key.span));
            names.push(Name { text: item.map_or("item", |(text, _)| text).to_owned(), means, made_at });
        }
        _ => {}
    }
}

/// What an item of a list is: a record, where the list is what a look-up found.
fn item_of<'a>(list: &Node, names: &[Name<'a>]) -> Meaning<'a> {
    let whole = list.as_text().and_then(|text| Some(text.trim().strip_prefix("${")?.strip_suffix('}')?.trim()));
    match whole.and_then(|name| find(names, name)).map(|name| &name.means) {
        Some(Meaning::Records(object)) => Meaning::Record(object.clone()),
        Some(_) | None => Meaning::Value,
    }
}

fn named<'a>(entry: &Entry) -> Name<'a> {
    Name { text: entry.key.text.clone(), means: Meaning::Value, made_at: Some(entry.key.span) }
}
