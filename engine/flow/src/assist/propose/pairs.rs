//! Lines of a sync's `fields`: two fields, and which of them follows the other.

use std::ops::Range;

use text::Span;

use super::super::about::{self, Side};
use super::super::members::{self, Member};
use super::super::names::Object;
use super::super::place::{Place, Slot};
use super::super::values::written;
use super::super::{Kind, Proposal, Proposals};
use super::{Asked, of_member, proposal};

/// A field's name in such a line.
pub(in super::super) struct Named {
    pub(in super::super) object: Object,
    pub(in super::super) span: Span,
    /// Whether no arrow stands in the line yet.
    is_alone: bool,
}

/// The name at a place of a line; `None` elsewhere.
pub(in super::super) fn named(place: &Place<'_>, text: &str, offset: usize) -> Option<Named> {
    let Slot::Value { node, .. } = place.slot else { return None };
    let mut entries = place.entries();
    let is_line = entries.next().is_some_and(|entry| entry.key.text == "fields") && entries.next().is_none();
    let left = about::on(place.root, Side::Left).filter(|_| is_line)?;
    let begin = node.span.start + usize::from(text[node.span.start..].starts_with(['"', '\'']));
    let line = text.get(begin..node.span.end).map(|line| line.trim_end_matches(['"', '\'']))?;
    let arrow = arrow(line);
    let is_right = arrow.as_ref().is_some_and(|arrow| begin + arrow.end <= offset);
    let (object, part) = match (arrow.clone(), is_right) {
        (Some(arrow), true) => (about::on(place.root, Side::Right)?, arrow.end..line.len()),
        (Some(arrow), false) => (left, 0..arrow.start),
        (None, _) => (left, 0..line.len()),
    };
    let written = &line[part.clone()];
    let start = begin + part.start + (written.len() - written.trim_start().len());
    Some(Named { object, span: Span::new(start, start + written.trim().len()), is_alone: arrow.is_none() })
}

/// Where the arrow of a line stands.
fn arrow(line: &str) -> Option<Range<usize>> {
    let found =
        ["<->", "->", "<-"].into_iter().filter_map(|arrow| Some(line.find(arrow)?..line.find(arrow)? + arrow.len()));
    // Both `->` and `<-` are found in `<->`, which begins no later and ends no earlier.
    found.min_by_key(|at| (at.start, std::cmp::Reverse(at.end)))
}

impl Asked<'_> {
    /// What may stand in a line of a sync's `fields`, where the cursor stands in one.
    pub(super) fn pair(&self) -> Option<Proposals> {
        let named = named(self.place, &self.file.text, self.offset)?;
        let of =
            |object: &Object| self.around.schema(object).map(members::fields).into_iter().flatten().collect::<Vec<_>>();
        let fields = of(&named.object);
        let mut list: Vec<Proposal> = Vec::new();
        if named.is_alone {
            let others = about::on(self.place.root, Side::Right).map(|object| of(&object)).unwrap_or_default();
            let is_writable = |member: &Member<'_>| member.field.is_some_and(|field| !field.read_only);
            let is_on_both = |member: &&Member<'_>| {
                is_writable(member) && others.iter().any(|other| other.text == member.text && is_writable(other))
            };
            list.extend(fields.iter().filter(is_on_both).map(|member| {
                let line = format!("{name} <-> {name}", name = member.text);
                proposal(Kind::Field, &line, &line, "kept alike both ways", &member.doc)
            }));
        }
        list.extend(fields.iter().map(|member| of_member(member, written(&member.text))));
        Some(Proposals { span: named.span, list })
    }
}
