//! Whether a written rule of the language calls a text wrong, decided without the checker.
//!
//! The text is read by another YAML parser, and held against what the language declares and what the project knows:
//! keys and words, kinds of values, what a map may not lack, fields with their types and options, and names that
//! nothing declares. What none of these rules speaks about stays open: it may be wrong and it may not.

use std::collections::BTreeSet;

use flow::language::{FILTER, Mapping, Naming, Notation, RULE, STEP, Shape, TRIGGER};
use yaml_serde::Value;

use crate::names::{self, Names};
use crate::world::{Field, Object, World};

/// A rule that a text breaks.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The rule, with what breaks it.
    pub rule: String,
    /// A name that is told wherever it is used.
    pub name: Option<String>,
}

/// The rules that a text breaks; none where it is right or open.
pub fn judge(text: &str, mapping: &'static Mapping, world: &World) -> Vec<Broken> {
    let value: Value = match yaml_serde::from_str(text) {
        Ok(value) => value,
        Err(error) => return vec![Broken { rule: format!("it is no YAML: {error}"), name: None }],
    };
    let names = Names::of(&value, world);
    let mut judge = Judge { world, names, broken: Vec::new() };
    judge.shape(Shape::Map(mapping), "the document", &value, None);
    judge.broken
}

struct Judge<'a> {
    world: &'a World,
    names: Names<'a>,
    broken: Vec<Broken>,
}

impl<'a> Judge<'a> {
    fn broken(&mut self, rule: impl Into<String>) {
        self.broken.push(Broken { rule: rule.into(), name: None });
    }

    fn undeclared(&mut self, what: &str, name: &str) {
        let rule = format!("there is no {what} `{name}`");
        self.broken.push(Broken { rule, name: Some(name.to_owned()) });
    }

    /// A map of declared keys. `object` is the one whose fields are named, by the maps around.
    fn mapping(&mut self, mapping: &'static Mapping, value: &Value, object: Option<&'a Object>) {
        let Value::Mapping(map) = value else {
            return self.broken(format!("{} is no map", mapping.what));
        };
        let object = match self.object_of(value) {
            Some(named) => named,
            None if std::ptr::eq(mapping, &raw const RULE) => self.names.record,
            None => object,
        };
        for (key, value) in map {
            let Value::String(key) = key else {
                self.broken("a key is no text");
                continue;
            };
            match (mapping.key(key), mapping.others) {
                (Some(known), _) => self.shape(known.shape, key, value, object),
                (None, Some(others)) => self.own(others.naming, others.shape, key, value, object),
                (None, None) => self.broken(format!("{} has no key `{key}`", mapping.what)),
            }
        }
        for key in mapping
            .keys
            .iter()
            .filter(|key| key.required && !value.as_mapping().is_some_and(|map| map.contains_key(key.name)))
        {
            self.broken(format!("{} has no `{}`", mapping.what, key.name));
        }
        self.set_of_match(value);
    }

    /// A key of the author's own.
    fn own(&mut self, naming: Naming, shape: Shape, key: &str, value: &Value, object: Option<&'a Object>) {
        match naming {
            Naming::Name if !is_name(key, '_') => self.broken(format!("`{key}` is no name")),
            Naming::Id if !is_name(key, '-') => self.broken(format!("`{key}` is no id")),
            Naming::Field => self.field(key, value, object),
            Naming::Name | Naming::Id | Naming::Input | Naming::Setting | Naming::Text | Naming::Reference => {}
        }
        self.shape(shape, key, value, object);
    }

    /// A field that is named as a key, with what stands behind it.
    fn field(&mut self, name: &str, value: &Value, object: Option<&'a Object>) {
        let Some(object) = object else { return };
        match object.fields.get(name) {
            Some(field) => self.literal(name, field, value),
            // What a template's form fills in may name one, too.
            None if name == "id" || name.contains("${") => {}
            None => self.broken(format!("there is no field `{name}`")),
        }
    }

    /// A plain value must be one that the field can hold.
    fn literal(&mut self, name: &str, field: &Field, value: &Value) {
        let fits = match (value, field.kind.as_str()) {
            (Value::String(text), _) if text.contains("${") => true,
            (Value::String(text), "number") => text.trim().parse::<f64>().is_ok(),
            (Value::String(_), "boolean") => false,
            (Value::String(text), "date" | "moment") => text.starts_with(|first: char| first.is_ascii_digit()),
            (Value::String(text), "choice") => field.options.is_empty() || field.options.contains(text),
            (Value::Number(_), "boolean" | "date" | "moment" | "text") => false,
            (Value::Bool(_), "number" | "date" | "moment" | "text") => false,
            (Value::Mapping(map), _) => {
                // A comparison of a filter, or what is wrong by its shape.
                for (word, value) in map {
                    let is_compared = matches!(word.as_str(), Some("eq" | "not" | "gt" | "gte" | "lt" | "lte"));
                    let values = match value {
                        Value::Sequence(values) if matches!(word.as_str(), Some("in" | "between")) => &values[..],
                        other if is_compared => std::slice::from_ref(other),
                        _ => &[],
                    };
                    values.iter().for_each(|value| self.literal(name, field, value));
                }
                true
            }
            _ => true,
        };
        if !fits {
            self.broken(format!("`{name}` holds no {value:?}"));
        }
    }

    fn shape(&mut self, shape: Shape, key: &str, value: &Value, object: Option<&'a Object>) {
        if let Value::String(text) = value
            && text.contains("${")
        {
            return self.template(shape, key, text);
        }
        let wrong = format!("`{key}` cannot be {value:?}");
        match shape {
            Shape::Nothing => {
                if !value.is_null() {
                    self.broken(wrong);
                }
            }
            Shape::Boolean => {
                if !value.is_bool() {
                    self.broken(wrong);
                }
            }
            Shape::Count(most) => {
                if !value.as_i64().is_some_and(|number| (1..=most).contains(&number)) {
                    self.broken(wrong);
                }
            }
            Shape::Number => {
                if !value.is_number() {
                    self.broken(wrong);
                }
            }
            Shape::Text => {
                if value.is_sequence() || value.is_mapping() {
                    self.broken(wrong);
                }
            }
            Shape::Noted(notation) => self.noted(notation, key, value, object),
            Shape::Word(words) => {
                if !value.as_str().is_some_and(|text| words.iter().any(|word| word.word == text)) {
                    self.broken(wrong);
                }
            }
            Shape::Question => match value {
                Value::String(text) => self.expression(text),
                Value::Bool(_) => {}
                Value::Null | Value::Number(_) | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => {
                    self.broken(wrong);
                }
            },
            Shape::Value => self.value(value),
            Shape::Map(mapping) => self.mapping(mapping, value, object.filter(|_| names_fields(mapping))),
            Shape::Kinds(kinds) => {
                let told = |kind: &&flow::language::KindOfMap| kind.told_by.iter().any(|key| value.get(key).is_some());
                let told: Vec<_> = kinds.kinds.iter().filter(told).collect();
                let is_one = told.len() == 1 || !std::ptr::eq(kinds, &raw const STEP);
                match told.first() {
                    Some(kind) if is_one => self.mapping(kind.mapping, value, object),
                    Some(_) => self.broken("a step has two verbs"),
                    None => self.broken(format!("`{key}` has no {} in it", kinds.what)),
                }
            }
            Shape::MapOf(naming, inner) => match value {
                Value::Mapping(map) => {
                    for (own, value) in map {
                        match own {
                            Value::String(own) => self.own(naming, *inner, own, value, object),
                            _ => self.broken("a key is no text"),
                        }
                    }
                    self.connections(key, value);
                }
                _ => self.broken(wrong),
            },
            Shape::ListOf(inner) => match value {
                Value::Sequence(items) => items.iter().for_each(|item| self.shape(*inner, key, item, object)),
                _ => self.broken(wrong),
            },
            Shape::OneOf(shapes) => {
                let before = std::mem::take(&mut self.broken);
                let mut least: Option<Vec<Broken>> = None;
                for shape in shapes {
                    self.shape(*shape, key, value, object);
                    let found = std::mem::take(&mut self.broken);
                    if least.as_ref().is_none_or(|least| found.len() < least.len()) {
                        least = Some(found);
                    }
                }
                self.broken = before;
                self.broken.extend(least.unwrap_or_default());
            }
        }
        if key == "mapping" {
            self.sources(value);
        }
    }

    /// Text with expressions in it, where it may have some.
    fn template(&mut self, shape: Shape, key: &str, text: &str) {
        match shape {
            Shape::Question => self.broken(format!("`{key}` is a bare question")),
            Shape::OneOf(_) | Shape::Text | Shape::Value => self.templates_in(text),
            // What a template's form fills in may stand for anything, and a secret for itself.
            _ if text.contains("inputs.") => {}
            Shape::Noted(Notation::Setting | Notation::Recipient | Notation::References | Notation::Path) => {}
            Shape::Noted(_)
            | Shape::Nothing
            | Shape::Boolean
            | Shape::Count(_)
            | Shape::Number
            | Shape::Word(_)
            | Shape::Map(_)
            | Shape::Kinds(_)
            | Shape::MapOf(..)
            | Shape::ListOf(_) => self.broken(format!("`{key}` takes no expression")),
        }
    }

    /// Text in a notation of its own.
    fn noted(&mut self, notation: Notation, key: &str, value: &Value, object: Option<&'a Object>) {
        let wrong = format!("`{key}` cannot be {value:?}");
        let Value::String(text) = value else {
            let may_be_else = matches!(notation, Notation::Setting | Notation::Field | Notation::StepName);
            if !may_be_else || value.is_sequence() || value.is_mapping() {
                self.broken(wrong);
            }
            return;
        };
        let fits = match notation {
            Notation::Duration => {
                let is_unit = |letter: char| "smhdw".contains(letter);
                text.starts_with(|first: char| first.is_ascii_digit())
                    && text.ends_with(is_unit)
                    && text.chars().all(|letter| letter.is_ascii_digit() || is_unit(letter))
            }
            Notation::Id => is_name(text, '-'),
            Notation::Name => is_name(text, '_'),
            Notation::Cron => text.starts_with('@') || text.split_whitespace().count() == 5,
            Notation::Moment => text.parse::<jiff::Timestamp>().is_ok(),
            Notation::TimeZone => jiff::tz::TimeZone::get(text).is_ok(),
            Notation::Connector => self.world.connectors.contains(&text.as_str()),
            Notation::Field => object.is_none_or(|object| text == "id" || object.fields.contains_key(text)),
            Notation::Object | Notation::Action => {
                let connection = text.split_once('.').map(|(connection, _)| connection);
                match connection {
                    Some("sync") if matches!(notation, Notation::Action) => text == "sync.enrol",
                    Some(connection) if !self.names.connections.contains(connection) => {
                        return self.undeclared("connection", connection);
                    }
                    Some(_) => true,
                    None => false,
                }
            }
            Notation::Flow => self.world.flows.contains_key(text),
            Notation::Sync => self.world.syncs.contains(text),
            Notation::Address => {
                text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
            }
            Notation::StepName
            | Notation::Size
            | Notation::Share
            | Notation::Setting
            | Notation::Path
            | Notation::Status
            | Notation::Recipient
            | Notation::References => true,
        };
        if !fits {
            self.broken(wrong);
        }
    }

    /// A flow's names of connections must be those of the project, unless another stands for one.
    fn connections(&mut self, key: &str, value: &Value) {
        if key != "connections" || self.names.is_bound {
            return;
        }
        for (name, connector) in value.as_mapping().into_iter().flatten() {
            let (Some(name), Some(connector)) = (name.as_str(), connector.as_str()) else { continue };
            match self.world.connections.get(name) {
                Some(known) if known != connector => self.broken(format!("`{name}` is a {known}")),
                Some(_) => {}
                None => self.undeclared("connection", name),
            }
        }
    }

    /// What a step's records are found by, the step sets.
    fn set_of_match(&mut self, step: &Value) {
        let (Some(by), Some(Value::Mapping(set))) = (step.get("match"), step.get("set").or(step.get("mapping"))) else {
            return;
        };
        if step.get("upsert").is_none() {
            return;
        }
        let fields = by.as_sequence().map_or(std::slice::from_ref(by), |fields| &fields[..]);
        for field in fields.iter().filter_map(Value::as_str).filter(|field| *field != "id" && !field.contains("${")) {
            if !set.contains_key(field) {
                let rule = format!("the step does not set `{field}`, which it matches by");
                self.broken.push(Broken { rule, name: Some(field.to_owned()) });
            }
        }
    }

    /// In a mapping, a bare word is a field of the record.
    fn sources(&mut self, mapping: &Value) {
        let Some(record) = self.names.record.filter(|_| !self.names.has_other_sources) else { return };
        for (_, source) in mapping.as_mapping().into_iter().flatten() {
            let source = source.get("from").unwrap_or(source);
            let Some(source) = source.as_str().filter(|source| !source.contains("${")) else { continue };
            if source != "id" && !record.fields.contains_key(source) {
                self.broken(format!("the record has no field `{source}`"));
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.templates_in(text),
            Value::Sequence(items) => items.iter().for_each(|item| self.value(item)),
            Value::Mapping(map) => map.values().for_each(|value| self.value(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Tagged(_) => {}
        }
    }

    fn templates_in(&mut self, text: &str) {
        for expression in names::expressions_in(text) {
            self.expression(&expression);
        }
    }

    fn expression(&mut self, source: &str) {
        for (what, name) in self.names.undeclared_in(source) {
            self.undeclared(what, &name);
        }
    }

    /// The object that a map names by its verb or trigger: `Some(None)` where nothing is known of that one.
    fn object_of(&self, map: &Value) -> Option<Option<&'a Object>> {
        let words = ["create", "update", "upsert", "find", "delete", "poll", "each"];
        let named = words.into_iter().find_map(|word| map.get(word)?.as_str()).filter(|named| !named.contains("${"))?;
        Some(self.world.objects.get(named))
    }
}

/// Whether a map's keys and values are about the fields of the object around it.
fn names_fields(mapping: &'static Mapping) -> bool {
    std::ptr::eq(mapping, &raw const FILTER)
        || TRIGGER.kinds.iter().any(|kind| std::ptr::eq(kind.mapping, mapping))
        || mapping.what == "a comparison"
}

/// A letter, then letters, digits and joints; at most 64.
fn is_name(text: &str, joint: char) -> bool {
    let is_letter = |letter: char| letter.is_ascii_lowercase();
    text.len() <= 64
        && text.starts_with(is_letter)
        && text.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit() || letter == joint)
}

/// The names of an expression's functions.
pub fn functions() -> BTreeSet<&'static str> {
    flow::expr::helpers::all().map(|helper| helper.name).collect()
}
