//! Keys that may stand at a cursor.

use sdk::{ConnectionName, ConnectorFacts};
use text::{Map, Span};

use super::super::about::Template;
use super::super::place::{Holds, Shapes, Stop};
use super::super::values::written;
use super::super::{Kind, Proposal};
use super::{Asked, key_doc};
use crate::language::{Document, Key, Kinds, Naming, Notation, Shape};

impl Asked<'_> {
    pub(super) fn keys(&self, span: Span, holds: Holds, map: Option<&Map>) -> Vec<Proposal> {
        let is_there = |key: &str| {
            map.is_some_and(|map| map.entries.iter().any(|entry| entry.key.text == key && entry.key.span != span))
        };
        let write = |key: &str, shape: Shape| self.key_text(span, key, shape);
        match holds {
            Holds::Keys(mapping) => {
                let known = mapping.keys.iter().filter(|key| !is_there(key.name));
                let mut known: Vec<&Key> = known.collect();
                // What is missing comes first; beyond that it is the order in which keys are best written.
                known.sort_by_key(|key| !key.required);
                let mut list: Vec<_> = known.into_iter().map(|key| proposed(key, write(key.name, key.shape))).collect();
                if let Some(others) = mapping.others {
                    let own = self.own_keys(others.naming, others.shape, span, &is_there);
                    list.splice(0..0, own);
                }
                list
            }
            Holds::Kinds(kinds) => self.kinds(kinds, span, &is_there),
            Holds::Names(naming, shape) => self.own_keys(naming, *shape, span, &is_there),
            Holds::Anything => Vec::new(),
        }
    }

    /// The words that tell what kind of map it is.
    fn kinds(&self, kinds: &Kinds, span: Span, is_there: &dyn Fn(&str) -> bool) -> Vec<Proposal> {
        let mut list: Vec<Proposal> = Vec::new();
        for kind in kinds.kinds {
            for key in kind.told_by.iter().filter_map(|name| kind.mapping.key(name)) {
                if is_there(key.name) || list.iter().any(|one| one.label == key.name) {
                    continue;
                }
                list.push(Proposal {
                    label: key.name.to_owned(),
                    insert: self.key_text(span, key.name, key.shape),
                    kind: Kind::Verb,
                    detail: String::new(),
                    doc: format!("{}\n\n{}", kind.mapping.doc, key.doc),
                });
            }
        }
        list
    }

    /// Keys that the language does not name, but what they stand for does.
    fn own_keys(&self, naming: Naming, shape: Shape, span: Span, is_there: &dyn Fn(&str) -> bool) -> Vec<Proposal> {
        let key = |name: &str, kind, detail: &str, doc: &str| Proposal {
            label: name.to_owned(),
            insert: self.key_text(span, &written(name), shape),
            kind,
            detail: detail.to_owned(),
            doc: doc.to_owned(),
        };
        let list: Vec<Proposal> = match naming {
            Naming::Field => {
                let mut fields = self.fields();
                let is_sample = self.place.entries().next().is_some_and(|entry| entry.key.text == "record");
                if !self.is_in_filter() && !is_sample {
                    fields.retain(|member| member.field.is_none_or(|field| !field.read_only));
                }
                fields.sort_by_key(|member| !member.field.is_some_and(|field| field.required));
                fields.iter().map(|member| key(&member.text, Kind::Field, &member.detail, &member.doc)).collect()
            }
            Naming::Input => {
                self.inputs().iter().map(|member| key(&member.text, Kind::Input, &member.detail, &member.doc)).collect()
            }
            Naming::Setting => {
                let connector = self.innermost("connector").and_then(|entry| entry.value.as_text().map(str::to_owned));
                let settings = connector.map_or(&[][..], |connector| (self.around.settings)(&connector));
                let detail = |required| if required { "required" } else { "" };
                settings
                    .iter()
                    .map(|setting| key(setting.name, Kind::Key, detail(setting.required), setting.help))
                    .collect()
            }
            // The connections of a flow: those that there are, each with its connector.
            Naming::Id if matches!(shape, Shape::Noted(Notation::Connector)) => {
                let configured = self.around.catalog.connections.iter();
                let connection = |(name, facts): (&ConnectionName, &ConnectorFacts)| Proposal {
                    insert: match self.has_colon(span) {
                        true => name.to_string(),
                        false => format!("{name}: {}", facts.connector),
                    },
                    ..key(name.as_str(), Kind::Connection, &facts.connector, "")
                };
                configured.map(connection).collect()
            }
            // A template's connections, for which an instance says which ones of the project stand.
            Naming::Id if matches!(shape, Shape::Noted(Notation::Id)) => {
                let template = Template::of(self.place.root, self.around);
                let connections = template.as_ref().map(|template| template.connections().collect::<Vec<_>>());
                let connection = |(name, connector): (&str, &str)| key(name, Kind::Connection, connector, "");
                connections.into_iter().flatten().map(connection).collect()
            }
            Naming::Id if self.document == Document::Settings => {
                let configured = self.around.catalog.connections.iter();
                configured.map(|(name, facts)| key(name.as_str(), Kind::Connection, &facts.connector, "")).collect()
            }
            // Shares of a connection's limits, by their names.
            Naming::Text if self.document == Document::Settings => {
                let connection = self.place.entries().next().map(|entry| ConnectionName::new(entry.key.text.as_str()));
                let limits = connection.map(|connection| (self.around.limits)(&connection)).unwrap_or_default();
                limits.iter().map(|limit| key(limit, Kind::Key, "a limit of the service", "")).collect()
            }
            Naming::Id | Naming::Name | Naming::Text | Naming::Reference => Vec::new(),
        };
        list.into_iter().filter(|proposal| !is_there(&proposal.label)).collect()
    }

    /// A key as it is written here: with its colon unless that stands there, and with the dash that a list item lacks.
    fn key_text(&self, span: Span, key: &str, shape: Shape) -> String {
        if self.has_colon(span) {
            return key.to_owned();
        }
        let line = self.file.line(span.start);
        let is_alone = self.file.text[line.start..span.start].trim().is_empty();
        let is_item = matches!(self.place.trail.last(), Some(Stop::List { .. }));
        let dash = if is_item && is_alone { "- " } else { "" };
        // Behind a key of maps and lists alone nothing follows on its line.
        let is_block = Shapes(Some(shape))
            .each()
            .iter()
            .all(|shape| matches!(shape, Shape::Map(_) | Shape::Kinds(_) | Shape::MapOf(..) | Shape::ListOf(_)));
        let space = if is_block && !self.is_in_brackets() { "" } else { " " };
        format!("{dash}{key}:{space}")
    }

    fn has_colon(&self, span: Span) -> bool {
        self.file.text[span.end..].starts_with(':')
    }
}

fn proposed(key: &Key, insert: String) -> Proposal {
    let detail = if key.required { "required" } else { "" };
    Proposal { label: key.name.to_owned(), insert, kind: Kind::Key, detail: detail.to_owned(), doc: key_doc(key) }
}
