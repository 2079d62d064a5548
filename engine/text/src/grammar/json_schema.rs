//! A JSON Schema of a document, by which editors complete, explain and underline.
//!
//! Draft 7, which the editors' YAML servers understand best. A document that a check accepts is valid by it; what only
//! a look at other places can tell, it lets pass.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map as JsonMap, Value as Json, json};

use super::{Key, Kinds, Mapping, Naming, Notation, Shape, Word};

/// The schema of documents of this shape.
pub fn json_schema(title: &str, root: Shape) -> Json {
    let mut schema = Schema::default();
    let root = schema.shape(root);
    let mut definitions = JsonMap::new();
    while let Some(Todo { name, map, stand_in }) = schema.todo.pop_front() {
        schema.stand_in = stand_in;
        let written = match map {
            AnyMap::Mapping(mapping) => schema.mapping(mapping),
            AnyMap::Kinds(kinds) => schema.kinds(kinds),
        };
        definitions.insert(name, written);
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "allOf": [root],
        "definitions": definitions,
    })
}

/// What was referred to so far, and what of it is still to be written.
#[derive(Default)]
struct Schema {
    /// The addresses of what was referred to, with what may stand in for its values, and the names they got.
    names: BTreeMap<(usize, Option<&'static str>), String>,
    todo: VecDeque<Todo>,
    /// The name whose references may stand in place of any value of what is being written.
    stand_in: Option<&'static str>,
}

struct Todo {
    name: String,
    map: AnyMap,
    stand_in: Option<&'static str>,
}

enum AnyMap {
    Mapping(&'static Mapping),
    Kinds(&'static Kinds),
}

impl Schema {
    fn mapping_reference(&mut self, mapping: &'static Mapping) -> Json {
        self.reference(mapping.what, std::ptr::from_ref(mapping).addr(), AnyMap::Mapping(mapping))
    }

    fn reference(&mut self, what: &str, address: usize, map: AnyMap) -> Json {
        let id = (address, self.stand_in);
        if !self.names.contains_key(&id) {
            let name = what.replace('`', "").replace(' ', "-");
            let is_taken = |name: &String| self.names.values().any(|taken| taken == name);
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let name = std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name);
            self.names.insert(id, name.clone());
            self.todo.push_back(Todo { name, map, stand_in: self.stand_in });
        }
        json!({"$ref": format!("#/definitions/{}", self.names[&id])})
    }

    fn mapping(&mut self, mapping: &'static Mapping) -> Json {
        let mut properties = JsonMap::new();
        for key in mapping.keys {
            properties.insert(key.name.to_owned(), self.property(key));
        }
        let required: Vec<&str> = mapping.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
        let mut written = json!({"type": "object", "properties": properties, "additionalProperties": false});
        describe(&mut written, mapping.doc);
        if !required.is_empty() {
            written["required"] = required.into();
        }
        if let Some(others) = mapping.others {
            written["additionalProperties"] = self.shape(others.shape);
            // The declared keys are names, too, unless they are told apart by their form.
            if mapping.keys.is_empty() {
                written["propertyNames"] = naming(others.naming);
            }
        }
        written
    }

    fn property(&mut self, key: &Key) -> Json {
        let mut written = self.shape(key.shape);
        match key.default {
            Some(default) => describe(&mut written, &format!("{} Left out: {default}.", key.doc)),
            None => describe(&mut written, key.doc),
        }
        written
    }

    fn shape(&mut self, shape: Shape) -> Json {
        let written = self.written(shape);
        let takes_text = match shape {
            Shape::Text | Shape::Question | Shape::Value => true,
            Shape::Nothing
            | Shape::Boolean
            | Shape::Count(_)
            | Shape::Number
            | Shape::Noted(_)
            | Shape::Word(_)
            | Shape::Map(_)
            | Shape::Kinds(_)
            | Shape::MapOf(..)
            | Shape::ListOf(_)
            | Shape::OneOf(_) => false,
        };
        match self.stand_in {
            Some(name) if !takes_text => {
                // Not one of two, which would tell no more of a mistake than that it is neither.
                json!({"if": pattern(&format!(r"^\$\{{\s*{name}\.")), "else": written})
            }
            Some(_) | None => written,
        }
    }

    fn written(&mut self, shape: Shape) -> Json {
        match shape {
            Shape::Nothing => json!({"type": "null"}),
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::Count(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
            Shape::Number => json!({"type": "number"}),
            Shape::Text => json!({"type": "string"}),
            Shape::Noted(notation) => noted(notation),
            Shape::Word(words) => of_words(words),
            Shape::Question => json!({"type": ["string", "boolean"]}),
            Shape::Value => json!({}),
            Shape::Map(mapping) => self.mapping_reference(mapping),
            Shape::Kinds(kinds) => self.reference(kinds.what, std::ptr::from_ref(kinds).addr(), AnyMap::Kinds(kinds)),
            Shape::MapOf(names, values) => json!({
                "type": "object",
                "propertyNames": naming(names),
                "additionalProperties": self.shape(*values),
            }),
            Shape::ListOf(items) => json!({"type": "array", "items": self.shape(*items)}),
            Shape::OneOf(shapes) => {
                let shapes: Vec<Json> = shapes.iter().map(|shape| self.shape(*shape)).collect();
                json!({"anyOf": shapes})
            }
        }
    }

    /// What a key tells decides by which schema the rest is judged, so that a mistake is told of the kind that is
    /// meant.
    fn kinds(&mut self, kinds: &'static Kinds) -> Json {
        let mut properties = JsonMap::new();
        let mut told = Vec::new();
        let mut chain = json!({});
        for kind in kinds.kinds.iter().rev() {
            let outer = self.stand_in;
            self.stand_in = kind.stand_in.or(outer);
            let then = self.mapping_reference(kind.mapping);
            self.stand_in = outer;
            let has: Vec<Json> = kind.told_by.iter().map(|key| json!({"required": [key]})).collect();
            chain = json!({"if": {"anyOf": has}, "then": then, "else": chain});
            told.extend(has);
        }
        for kind in kinds.kinds {
            for key in kind.told_by.iter().filter_map(|name| kind.mapping.key(name)) {
                let mut property = json!({});
                describe(&mut property, key.doc);
                properties.entry(key.name.to_owned()).or_insert(property);
            }
        }
        let mut written = json!({"type": "object", "properties": properties, "anyOf": told, "allOf": [chain]});
        describe(&mut written, kinds.doc);
        written
    }
}

/// Both forms: the second keeps its code marks where an editor knows it.
fn describe(schema: &mut Json, doc: &str) {
    schema["description"] = doc.replace('`', "").into();
    schema["markdownDescription"] = doc.into();
}

fn of_words(words: &[Word]) -> Json {
    let written: Vec<&str> = words.iter().map(|word| word.word).collect();
    let docs: Vec<&str> = words.iter().map(|word| word.doc).collect();
    json!({"enum": written, "markdownEnumDescriptions": docs})
}

fn pattern(pattern: &str) -> Json {
    json!({"type": "string", "pattern": pattern})
}

const ID: &str = "^[a-z][a-z0-9-]{0,63}$";
const NAME: &str = "^[a-z][a-z0-9_]{0,63}$";

fn naming(naming: Naming) -> Json {
    match naming {
        Naming::Name => pattern(NAME),
        Naming::Id => pattern(ID),
        Naming::Field | Naming::Input | Naming::Setting | Naming::Text => json!({}),
        Naming::Reference => pattern(r"\$\{"),
    }
}

fn noted(notation: Notation) -> Json {
    match notation {
        Notation::Duration => pattern("^(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"),
        Notation::Id | Notation::Flow | Notation::Sync => pattern(ID),
        Notation::Name => pattern(NAME),
        Notation::StepName => pattern("^[a-z][a-z0-9_-]{0,63}$"),
        Notation::Object | Notation::Action => pattern(r"^[a-z][a-z0-9-]{0,63}\.\S+$"),
        Notation::Connector | Notation::Field | Notation::Cron | Notation::TimeZone => json!({"type": "string"}),
        Notation::Moment => pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        Notation::Share => pattern("^(100|[1-9][0-9]?) *%$"),
        Notation::Size => pattern("^[0-9]+ *(MB|GB|TB)$"),
        Notation::Address => pattern(r"^(\[[0-9A-Fa-f:.%]+\]|[0-9.]+):[0-9]{1,5}$"),
        Notation::Recipient => pattern(r"@|^https?://|\$\{"),
        Notation::Setting => json!({"type": ["string", "number", "boolean"]}),
        Notation::Path => pattern("^/"),
        Notation::Status => json!({"anyOf": [
            {"type": "integer", "minimum": 200, "maximum": 599},
            {"type": "string", "pattern": "^[2-5]xx$"},
        ]}),
        Notation::References => json!({"type": ["string", "integer", "boolean"]}),
    }
}
