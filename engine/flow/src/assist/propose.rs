//! What may stand at a cursor, the best first.

mod expressions;
mod keys;
pub(super) mod pairs;
mod values;

use std::collections::BTreeSet;

use sdk::ActionInput;
use text::{Entry, SourceFile, Span};

use super::about::{self, Template};
use super::members::{self, Member};
use super::names::{self, Object};
use super::place::{self, Holds, Place, Shapes, Slot, Stop};
use super::{Cursor, Kind, Proposal, Proposals, Surroundings, expression};
use crate::definition::InputDefinition;
use crate::language::{COMPARISONS, Document, Key, Notation, Shape, Standing, Word};

/// Stands in the text for the cursor, so that the word that is to be typed has a place already.
pub(super) const MARK: char = '\u{e000}';

/// What may stand at a cursor; nothing, where that cannot be told.
pub fn propose(cursor: Cursor<'_>, around: &Surroundings<'_>) -> Proposals {
    let mut text = cursor.file.text.to_string();
    if text.contains(MARK) || !text.is_char_boundary(cursor.offset) {
        return Proposals::default();
    }
    text.insert(cursor.offset, MARK);
    let file = SourceFile::new(cursor.file.path.clone(), &text);
    let cursor = Cursor { file: &file, ..cursor };
    let Some(outline) = text::outline(&file) else { return Proposals::default() };
    let Some(place) = place::find(&outline, cursor) else { return Proposals::default() };
    let asked = Asked { file: &file, document: cursor.document, offset: cursor.offset, place: &place, around };
    let Some(mut found) = asked.proposals() else { return Proposals::default() };
    // By mistake, two files may define one flow.
    let mut flows = BTreeSet::new();
    found.list.retain(|one| one.kind != Kind::Flow || flows.insert(one.label.clone()));
    // Places behind the mark are where they were without it.
    let unmarked = |at: usize| if at > cursor.offset { at - MARK.len_utf8() } else { at };
    Proposals { span: Span::new(unmarked(found.span.start), unmarked(found.span.end)), ..found }
}

/// What is asked for.
struct Asked<'a> {
    file: &'a SourceFile,
    document: Document,
    offset: usize,
    place: &'a Place<'a>,
    around: &'a Surroundings<'a>,
}

impl Asked<'_> {
    fn proposals(&self) -> Option<Proposals> {
        match self.place.slot {
            Slot::Key { span, holds, map } => {
                let list = self.keys(span, holds, map);
                Some(Proposals { span, list })
            }
            Slot::Value { node, shapes } => {
                if let Some(range) = expression::range(self.file, self.place, self.offset) {
                    let here = expression::around(self.file, &range, self.offset);
                    let list = match self.document {
                        Document::Flow | Document::Sync | Document::Test => self.in_expression(&here),
                        Document::Connections | Document::Settings => self.of_environment(&here),
                    };
                    return Some(Proposals { span: here.word, list });
                }
                if let Some(found) = self.pair() {
                    return Some(found);
                }
                Some(Proposals { span: node.span, list: self.values(shapes, self.file.slice(node.span)) })
            }
        }
    }

    /// The entry of this key in the innermost map that has one.
    fn innermost(&self, key: &str) -> Option<&Entry> {
        self.place.trail.iter().rev().find_map(|stop| match stop {
            Stop::Map { map, .. } => map.get(key),
            Stop::List { .. } => None,
        })
    }

    /// The object whose fields are meant here.
    fn target(&self) -> Option<Object> {
        target(self.place, self.around)
    }

    /// The fields of the object that is meant here.
    fn fields(&self) -> Vec<Member<'_>> {
        let schema = self.target().and_then(|target| self.around.schema(&target));
        schema.map(|schema| members::fields(schema).collect()).unwrap_or_default()
    }

    /// What the action or the flow that is called here is given.
    fn inputs(&self) -> Vec<Member<'_>> {
        if let Some(action) = self.innermost("do").and_then(|entry| Object::read(entry.value.as_text()?)) {
            let inputs = self.around.action(&action).map(|action| action.inputs.as_slice()).unwrap_or_default();
            let input = |input: &ActionInput| {
                let kind = members::kind_of(input.field_type);
                let detail = if input.required { format!("{kind}, required") } else { kind.to_owned() };
                members::part(&input.name, &detail, &input.help)
            };
            return inputs.iter().map(input).collect();
        }
        if let Some(template) = Template::of(self.place.root, self.around) {
            return template.inputs().map(|(name, declared)| members::input(name, declared)).collect();
        }
        let called = self.innermost("run").and_then(|entry| entry.value.as_text());
        let called = called.and_then(|called| self.around.flows.iter().find(|flow| flow.id().as_str() == called));
        let Some(flow) = called.or_else(|| about::tested(self.place.root, self.around)) else { return Vec::new() };
        let inputs = flow.trigger.as_ref().and_then(|trigger| trigger.inputs()).unwrap_or_default();
        let input = |definition: &InputDefinition| {
            let input = &definition.input;
            let kind = members::kind_of(input.field_type);
            let detail = if input.required { format!("{kind}, required") } else { kind.to_owned() };
            let told: Vec<&str> = [input.label.as_deref(), input.help.as_deref()].into_iter().flatten().collect();
            members::part(&input.name, &detail, &told.join(": "))
        };
        inputs.iter().map(input).collect()
    }

    /// What an input of the action that is called here can be, where that is a choice.
    fn called_input(&self, name: &str) -> Option<Vec<String>> {
        let action = self.innermost("do").and_then(|entry| Object::read(entry.value.as_text()?))?;
        let input = self.around.action(&action)?.input(name)?;
        Some(input.options.clone())
    }

    /// The connections that the flow lists.
    fn declared(&self) -> BTreeSet<&str> {
        let map = self.place.root.get("connections").and_then(|entry| place::map_of(&entry.value));
        map.into_iter().flat_map(|map| map.entries.iter().map(|entry| entry.key.text.as_str())).collect()
    }
}

/// The object whose fields are meant at a place: that of the innermost map that names one, else what the document is
/// about.
pub(super) fn target(place: &Place<'_>, around: &Surroundings<'_>) -> Option<Object> {
    let named = place.trail.iter().rev().find_map(|stop| match stop {
        Stop::Map { map, holds: Holds::Keys(mapping), .. } => {
            let is_object = |key: &&Key| matches!(key.shape, Shape::Noted(Notation::Object));
            let mut keys = mapping.keys.iter().filter(is_object);
            keys.find_map(|key| Object::read(map.get(key.name)?.value.as_text()?))
        }
        Stop::Map { .. } | Stop::List { .. } => None,
    });
    let of_document = || about::named_side(place).or_else(|| about::sample(place, around));
    named.or_else(of_document).or_else(|| names::source(place.root))
}

/// Whether a key compares a field rather than being one.
pub(super) fn is_comparison(key: &str) -> bool {
    COMPARISONS.knows(key) || ["all", "any"].contains(&key)
}

/// What a key is for, in Markdown.
pub(super) fn key_doc(key: &Key) -> String {
    let mut doc = key.doc.to_owned();
    if let Some(default) = key.default {
        doc.push_str(&format!("\n\nLeft out: {default}."));
    }
    let mut words: Vec<&Word> = Vec::new();
    for shape in Shapes(Some(key.shape)).each() {
        if let Shape::Word(more) = shape {
            words.extend(more);
        }
    }
    for (number, word) in words.iter().enumerate() {
        doc.push_str(if number == 0 { "\n\n" } else { "\n" });
        doc.push_str(&format!("- `{}`: {}", word.word, word.doc));
    }
    if key.standing == Standing::Checked {
        doc.push_str("\n\nThis version checks it, and does not act on it yet.");
    }
    doc
}

fn proposal(kind: Kind, label: &str, insert: &str, detail: &str, doc: &str) -> Proposal {
    Proposal {
        label: label.to_owned(),
        insert: insert.to_owned(),
        kind,
        detail: detail.to_owned(),
        doc: doc.to_owned(),
    }
}

fn of_member(member: &Member<'_>, insert: String) -> Proposal {
    proposal(Kind::Field, &member.text, &insert, &member.detail, &member.doc)
}
