//! Values that may stand at a cursor, outside of expressions.

use std::collections::BTreeSet;

use sdk::{Ability, ActionSchema, ConnectionName, Field, FieldOption, FieldType, SettingKind};
use text::Kind as NodeKind;

use super::super::about::Template;
use super::super::members::{Member, fields};
use super::super::names::Object;
use super::super::place::{self, Holds, Shapes, Slot, Stop};
use super::super::values::{CRONS, DURATIONS, written};
use super::super::{Kind, Proposal, names, thing};
use super::{Asked, is_comparison, of_member, proposal};
use crate::check::{ENROL_ACTION, SYNC_CONNECTION};
use crate::language::{Document, ENROL, FILTER, Naming, Notation, Shape, Word};
use crate::{FlowDefinition, SyncDefinition};

impl Asked<'_> {
    pub(super) fn values(&self, shapes: Shapes, so_far: &str) -> Vec<Proposal> {
        if self.is_filtered_field() {
            return self.of_field();
        }
        let mut list = Vec::new();
        for shape in shapes.each() {
            match shape {
                Shape::Boolean => list.extend(booleans()),
                Shape::Word(words) => list.extend(words.iter().map(word)),
                Shape::Noted(notation) => list.extend(self.noted(notation, so_far)),
                Shape::Text if thing::is_mapped(self.place) => list.extend(self.source_fields()),
                Shape::Text if self.is_at("from") && self.place.root.get("flow").is_some() => {
                    list.extend(self.templates());
                }
                Shape::Value => list.extend(self.of_field()),
                Shape::Text
                | Shape::Nothing
                | Shape::Count(_)
                | Shape::Number
                | Shape::Question
                | Shape::Map(_)
                | Shape::Kinds(_)
                | Shape::MapOf(..)
                | Shape::ListOf(_)
                | Shape::OneOf(_) => {}
            }
        }
        list
    }

    fn noted(&self, notation: Notation, so_far: &str) -> Vec<Proposal> {
        let examples = |list: &[(&str, &str)]| {
            list.iter()
                .map(|(value, means)| proposal(Kind::Example, value, &written_example(value), means, ""))
                .collect()
        };
        match notation {
            Notation::Duration => examples(&DURATIONS),
            Notation::Cron => examples(&CRONS),
            Notation::Object => self.objects(so_far),
            Notation::Action => self.actions(),
            Notation::Flow if self.is_at("test") => self.tested(),
            Notation::Flow => self.flows(),
            Notation::Sync => self.syncs(),
            Notation::Address => examples(&[("127.0.0.1:8080", "this machine alone")]),
            Notation::Connector => self
                .around
                .catalog
                .connectors
                .iter()
                .map(|name| proposal(Kind::Connection, name, name, "", ""))
                .collect(),
            Notation::Field => {
                let mut fields = self.fields();
                // What a record is found by is best something that only one has.
                let is_match = self.is_at("match");
                fields.sort_by_key(|member| is_match && !member.field.is_some_and(|field| field.unique));
                fields.iter().map(|member| of_member(member, written(&member.text))).collect()
            }
            Notation::TimeZone => {
                let zones = jiff::tz::db().available();
                zones.map(|zone| proposal(Kind::Example, zone.as_str(), zone.as_str(), "", "")).collect()
            }
            Notation::Id if self.place.entries().any(|entry| entry.key.text == "bind") => self.bound(),
            Notation::Id => {
                let stem = self.file.path.rsplit(['/', '\\']).next().and_then(|name| name.split('.').next());
                let is_own = self.is_at("flow") || self.is_at("sync");
                stem.filter(|_| is_own)
                    .map(|id| proposal(Kind::Example, id, id, "as the file is called", ""))
                    .into_iter()
                    .collect()
            }
            Notation::Setting => self.setting_values(),
            Notation::Name
            | Notation::StepName
            | Notation::Moment
            | Notation::Size
            | Notation::Recipient
            | Notation::Share
            | Notation::Path
            | Notation::Status
            | Notation::References => Vec::new(),
        }
    }

    fn objects(&self, so_far: &str) -> Vec<Proposal> {
        let catalog = self.around.catalog;
        let declared = self.declared();
        let mut list = Vec::new();
        for (connection, facts) in &catalog.connections {
            let is_declared = declared.is_empty() || declared.contains(connection.as_str());
            let known =
                catalog.objects.keys().filter(|(name, _)| name == connection).map(|(_, object)| object.as_str());
            let objects: BTreeSet<&str> = facts.objects.iter().flatten().map(String::as_str).chain(known).collect();
            let offers = catalog.offers.get(connection).map(Vec::as_slice).unwrap_or_default();
            let is_begun = so_far.starts_with(&format!("{connection}."));
            if objects.is_empty() && !is_begun {
                let name = format!("{connection}.");
                list.push((is_declared, proposal(Kind::Connection, &name, &name, &facts.connector, "")));
            }
            for object in objects {
                let name = format!("{connection}.{object}");
                let offer = offers.iter().find(|offer| offer.object.as_deref() == Some(object));
                let (detail, doc) = match offer {
                    Some(offer) => (format!("{} of {}", offer.title, facts.connector), can(&offer.abilities)),
                    None => (facts.connector.clone(), String::new()),
                };
                list.push((is_declared, proposal(Kind::Object, &name, &written(&name), &detail, &doc)));
            }
        }
        list.sort_by_key(|(is_declared, _)| !is_declared);
        list.into_iter().map(|(_, proposal)| proposal).collect()
    }

    fn actions(&self) -> Vec<Proposal> {
        let of_connection = |(connection, actions): (&ConnectionName, &Vec<ActionSchema>)| {
            let action = |action: &ActionSchema| {
                let name = format!("{connection}.{}", action.name);
                proposal(Kind::Action, &name, &name, &action.title, &action.help)
            };
            actions.iter().map(action).collect::<Vec<_>>()
        };
        let mut list: Vec<Proposal> = self.around.catalog.actions.iter().flat_map(of_connection).collect();
        if !self.around.syncs.is_empty() {
            let name = format!("{SYNC_CONNECTION}.{ENROL_ACTION}");
            list.push(proposal(Kind::Action, &name, &name, "the language's own", ENROL.doc));
        }
        list
    }

    fn syncs(&self) -> Vec<Proposal> {
        let sync = |sync: &SyncDefinition| {
            let doc = sync.description.clone().unwrap_or_default();
            proposal(Kind::Flow, sync.id().as_str(), sync.id().as_str(), &sync.file().path, &doc)
        };
        self.around.syncs.iter().map(sync).collect()
    }

    fn flows(&self) -> Vec<Proposal> {
        let called = self.around.flows.iter().filter(|flow| flow.waits_to_be_asked());
        let flow = |flow: &FlowDefinition| {
            let doc = flow.description.clone().unwrap_or_default();
            proposal(Kind::Flow, flow.id().as_str(), flow.id().as_str(), &flow.file().path, &doc)
        };
        called.map(flow).collect()
    }

    /// Templates, as instances name them.
    fn templates(&self) -> Vec<Proposal> {
        let template = |template: Template<'_>| {
            let (name, definition) = (template.reference(), template.definition);
            let doc = definition.description.clone().unwrap_or_default();
            proposal(Kind::Flow, &name, &name, &definition.file().path, &doc)
        };
        Template::all(self.around).map(template).collect()
    }

    /// Flows that can be tested.
    fn tested(&self) -> Vec<Proposal> {
        let flow = |flow: &FlowDefinition| {
            let doc = flow.description.clone().unwrap_or_default();
            proposal(Kind::Flow, flow.id().as_str(), flow.id().as_str(), &flow.file().path, &doc)
        };
        self.around.flows.iter().filter(|flow| !flow.is_template()).map(flow).collect()
    }

    /// The connections that can stand for one of a template's: those of its connector.
    fn bound(&self) -> Vec<Proposal> {
        let Some(entry) = self.place.entries().next() else { return Vec::new() };
        let template = Template::of(self.place.root, self.around);
        let connections = template.iter().flat_map(Template::connections);
        let wanted = connections.into_iter().find(|(name, _)| *name == entry.key.text).map(|(_, connector)| connector);
        let configured = self.around.catalog.connections.iter();
        configured
            .filter(|(_, facts)| wanted.is_none_or(|wanted| wanted == facts.connector))
            .map(|(name, facts)| proposal(Kind::Connection, name.as_str(), name.as_str(), &facts.connector, ""))
            .collect()
    }

    /// What an input of a template can be filled in with.
    fn filled(&self, name: &str) -> Vec<Proposal> {
        let Some(template) = Template::of(self.place.root, self.around) else { return Vec::new() };
        let Some(declared) = template.inputs().find(|(input, _)| *input == name).and_then(|(_, declared)| declared)
        else {
            return Vec::new();
        };
        let word = |key: &str| declared.get(key).and_then(|entry| entry.value.as_text());
        let of = word("of").and_then(|of| self.as_bound(of));
        match word("type") {
            Some("boolean") => booleans().to_vec(),
            Some("duration") => {
                let example = |(value, means): &(&str, &str)| proposal(Kind::Example, value, value, means, "");
                DURATIONS.iter().map(example).collect()
            }
            Some("choice") => {
                let options = declared.get("options").map(|entry| &entry.value.kind);
                let options = if let Some(NodeKind::List(options)) = options { options.as_slice() } else { &[] };
                let option = |option: &str| proposal(Kind::Option, option, &written(option), "", "");
                options.iter().filter_map(|node| node.as_text()).map(option).collect()
            }
            Some("field") => {
                let object = of.and_then(|of| Object::read(&of));
                let schema = object.and_then(|object| self.around.schema(&object));
                let field = |member: Member<'_>| of_member(&member, written(&member.text));
                schema.map(|schema| fields(schema).map(field).collect()).unwrap_or_default()
            }
            Some("option") => {
                let named = of.as_deref().and_then(|of| of.rsplit_once('.'));
                let field =
                    named.and_then(|(object, field)| self.around.schema(&Object::read(object)?)?.fields.get(field));
                field.map(|field| options(field, &written)).unwrap_or_default()
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// What a template's `of` says, by the connections that the instance binds.
    fn as_bound(&self, of: &str) -> Option<String> {
        let (connection, rest) = of.split_once('.')?;
        let bind = self.place.root.get("bind").and_then(|entry| place::map_of(&entry.value));
        let bound = bind.and_then(|map| map.get(connection)?.value.as_text()).unwrap_or(connection);
        Some(format!("{bound}.{rest}"))
    }

    fn setting_values(&self) -> Vec<Proposal> {
        let Some(entry) = self.place.entries().next() else { return Vec::new() };
        let connector = self.innermost("connector").and_then(|entry| entry.value.as_text());
        let settings = connector.map_or(&[][..], |connector| (self.around.settings)(connector));
        let Some(setting) = settings.iter().find(|setting| setting.name == entry.key.text) else { return Vec::new() };
        match setting.kind {
            SettingKind::Choice(words) => {
                words.iter().map(|word| proposal(Kind::Word, word, &written(word), "", "")).collect()
            }
            SettingKind::Secret => {
                let name =
                    format!("{}_{}", connector.unwrap_or_default(), setting.name).to_uppercase().replace('-', "_");
                let variable = format!("${{ env.{name} }}");
                vec![proposal(Kind::Example, &variable, &variable, "a variable of the environment", "")]
            }
            SettingKind::Text | SettingKind::Path => Vec::new(),
        }
    }

    /// What may be written into a field, or compared with it.
    fn of_field(&self) -> Vec<Proposal> {
        let mut list = Vec::new();
        if self.place.root.get("from").is_some() {
            return self.place.entries().next().map(|entry| self.filled(&entry.key.text)).unwrap_or_default();
        }
        let name = self.place.entries().map(|entry| entry.key.text.as_str()).find(|key| !is_comparison(key));
        let target = self.target();
        let schema = target.as_ref().and_then(|target| self.around.schema(target));
        if let (Some(name), true) = (name, self.is_field_value()) {
            if let Some(field) = schema.and_then(|schema| schema.fields.get(name)) {
                list.extend(options(field, &written));
            }
            let input = self.called_input(name);
            list.extend(input.iter().flatten().map(|option| proposal(Kind::Option, option, &written(option), "", "")));
            // In a filter of the source there is no record yet; a test is plain.
            let is_plain = self.document == Document::Test;
            if !is_plain && (!self.is_in_filter() || self.target() != names::source(self.place.root)) {
                list.extend(self.values_of_names(name));
            }
        }
        list
    }

    /// Whole expressions: the field of the same name first.
    fn values_of_names(&self, wanted: &str) -> Vec<Proposal> {
        let mut list = Vec::new();
        let is_in_brackets = self.is_in_brackets();
        for name in names::seen(self.place).iter().rev() {
            for member in self.around.members(&name.means, &[]) {
                if member.text != wanted && !(member.text == "id" && wanted.ends_with("id")) {
                    continue;
                }
                let label = format!("${{ {}.{} }}", name.text, member.text);
                let insert = if is_in_brackets { format!("\"{label}\"") } else { label.clone() };
                list.push(Proposal { insert, ..of_member(&Member { text: label, ..member }, String::new()) });
            }
        }
        list
    }

    /// Whether the place is the value of a field or an input, or of a comparison with one.
    fn is_field_value(&self) -> bool {
        self.place.trail.iter().any(|stop| match stop {
            Stop::Map { holds: Holds::Names(Naming::Field | Naming::Input, _), .. } => true,
            Stop::Map { holds: Holds::Keys(mapping), .. } => std::ptr::eq(*mapping, &FILTER),
            Stop::Map { holds: Holds::Names(..) | Holds::Kinds(_) | Holds::Anything, .. } | Stop::List { .. } => false,
        })
    }

    /// Whether the place is the value of a field in a filter, rather than a comparison of it.
    fn is_filtered_field(&self) -> bool {
        match self.place.trail.last() {
            Some(Stop::Map { holds: Holds::Keys(mapping), entry: Some(entry), .. }) => {
                std::ptr::eq(*mapping, &FILTER) && !is_comparison(&entry.key.text)
            }
            Some(Stop::Map { .. } | Stop::List { .. }) | None => false,
        }
    }

    /// Whether the place is the value of this key.
    fn is_at(&self, key: &str) -> bool {
        self.place.entries().next().is_some_and(|entry| entry.key.text == key)
    }

    pub(super) fn is_in_filter(&self) -> bool {
        let is_filter = |stop: &Stop<'_>| matches!(stop, Stop::Map { holds: Holds::Keys(mapping), .. } if std::ptr::eq(*mapping, &FILTER));
        self.place.trail.iter().any(is_filter)
            || matches!(self.place.slot, Slot::Key { holds: Holds::Keys(mapping), .. } if std::ptr::eq(mapping, &FILTER))
    }

    pub(super) fn is_in_brackets(&self) -> bool {
        let line = self.file.line(self.offset);
        let before = &self.file.text[line.start..self.offset];
        before.matches(['{', '[']).count() > before.matches(['}', ']']).count()
    }

    /// The fields of what is mapped.
    fn source_fields(&self) -> Vec<Proposal> {
        let Some(name) = thing::mapped(self.place) else { return Vec::new() };
        self.around.members(&name.means, &[]).iter().map(|member| of_member(member, written(&member.text))).collect()
    }
}

/// What there is to choose from for a field.
pub(super) fn options(field: &Field, write: &dyn Fn(&str) -> String) -> Vec<Proposal> {
    if field.field_type == FieldType::Boolean {
        return booleans().to_vec();
    }
    let option = |option: &FieldOption| {
        let detail = if option.label == option.value { "" } else { &option.label };
        proposal(Kind::Option, &option.value, &write(&option.value), detail, "")
    };
    field.options.iter().map(option).collect()
}

fn word(word: &Word) -> Proposal {
    proposal(Kind::Word, word.word, &written(word.word), "", word.doc)
}

fn booleans() -> [Proposal; 2] {
    [proposal(Kind::Word, "true", "true", "", ""), proposal(Kind::Word, "false", "false", "", "")]
}

/// A value that is an example, with the quotes that it is best read with.
fn written_example(value: &str) -> String {
    if value.contains(['*', ' ']) { format!("\"{value}\"") } else { value.to_owned() }
}

fn can(abilities: &[Ability]) -> String {
    let words = |is_trigger| {
        let words: Vec<String> = abilities
            .iter()
            .filter(|ability| ability.is_trigger() == is_trigger)
            .map(|ability| format!("`{}`", ability.word()))
            .collect();
        words.join(", ")
    };
    let (polls, steps) = (words(true), words(false));
    [("Polled for", polls), ("Steps", steps)]
        .iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|(what, words)| format!("{what}: {words}."))
        .collect::<Vec<_>>()
        .join("\n\n")
}
