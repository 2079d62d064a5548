//! The four objects, and their properties as the account has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use sdk::{Class, Error, Field, FieldOption, FieldType, Method, ObjectSchema};
use serde_json::Value as Json;

use super::client::{Call, Client};

/// What is the same in every account.
struct Kind {
    name: &'static str,
    /// Contacts alone are stamped by `lastmodifieddate`: searched by the others' name they answer nothing, silently.
    modified: &'static str,
    required: &'static [&'static str],
    required_one_of: &'static [&'static str],
    /// Unique although its property does not say so.
    unique: &'static [&'static str],
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "companies",
        modified: "hs_lastmodifieddate",
        required: &[],
        required_one_of: &["name", "domain"],
        unique: &[],
    },
    Kind {
        name: "contacts",
        modified: "lastmodifieddate",
        required: &[],
        required_one_of: &["email", "firstname", "lastname"],
        unique: &["email"],
    },
    Kind {
        name: "deals",
        modified: "hs_lastmodifieddate",
        required: &["dealname", "dealstage", "pipeline"],
        required_one_of: &[],
        unique: &[],
    },
    Kind {
        name: "tickets",
        modified: "hs_lastmodifieddate",
        required: &["subject", "hs_pipeline", "hs_pipeline_stage"],
        required_one_of: &[],
        unique: &[],
    },
];

/// When a record was made, the same for all four.
pub(super) const CREATED: &str = "createdate";
/// A record's id as a property, for sorting and selecting by it.
pub(super) const ID: &str = "hs_object_id";

/// The names of the objects.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// An object as it was discovered.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) schema: ObjectSchema,
    /// The property that stamps changes.
    pub(super) modified: &'static str,
    /// Properties that search compares by other rules than equality: telephone numbers.
    phones: BTreeSet<String>,
}

impl Object {
    /// The field of this name; a name the object does not have is a mistake of the author's.
    pub(super) fn field(&self, name: &str) -> Result<&Field, Error> {
        self.schema.fields.get(name).ok_or_else(|| {
            let message = format!("HubSpot's {} have no property `{name}`", self.schema.name);
            Error::new(Class::Invalid, message)
        })
    }

    /// Whether search finds this property's exact values.
    pub(super) fn is_searchable(&self, name: &str) -> bool {
        !self.phones.contains(name)
    }
}

/// What was discovered so far, by which later values are typed.
#[derive(Default)]
pub(super) struct Objects(Mutex<BTreeMap<&'static str, Arc<Object>>>);

impl Objects {
    /// Asks the service, and keeps what it says.
    pub(super) async fn discover(&self, client: &Client, name: &str) -> Result<Arc<Object>, Error> {
        let kind = kind(name)?;
        let answer = client.call(Call::read(Method::Get, &["crm", "v3", "properties", kind.name])).await?;
        let properties = answer.body.get("results").and_then(Json::as_array).ok_or_else(|| {
            Error::new(Class::Transient, format!("HubSpot's answer lists no properties of {}", kind.name))
        })?;
        let object = Arc::new(object(kind, properties));
        self.known().insert(kind.name, Arc::clone(&object));
        Ok(object)
    }

    /// The object with all of these properties: as kept, or asked anew where it is not known or lacks one that may
    /// have been added since.
    pub(super) async fn with_fields<'a>(
        &self,
        client: &Client,
        name: &str,
        fields: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Arc<Object>, Error> {
        let missing = |object: &Object| fields.clone().find_map(|field| object.field(field).err());
        if let Some(object) = self.peek(name)
            && missing(&object).is_none()
        {
            return Ok(object);
        }
        let object = self.discover(client, name).await?;
        match missing(&object) {
            Some(error) => Err(error),
            None => Ok(object),
        }
    }

    /// What is known without asking.
    pub(super) fn peek(&self, name: &str) -> Option<Arc<Object>> {
        self.known().get(name).map(Arc::clone)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Arc<Object>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a property is unique in every account, discovered or not.
pub(super) fn is_always_unique(object: &str, property: &str) -> bool {
    kind(object).is_ok_and(|kind| kind.unique.contains(&property))
}

fn kind(name: &str) -> Result<&'static Kind, Error> {
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let known: Vec<_> = names().collect();
        Error::new(Class::NotFound, format!("HubSpot has no object `{name}` here; there are {}", known.join(", ")))
    })
}

fn object(kind: &'static Kind, properties: &[Json]) -> Object {
    let mut fields = BTreeMap::new();
    let mut phones = BTreeSet::new();
    for property in properties {
        let Some(field) = field(kind, property) else { continue };
        if text(property, "type") == "phone_number" || text(property, "fieldType") == "phonenumber" {
            phones.insert(field.name.clone());
        }
        fields.insert(field.name.clone(), field);
    }
    let schema = ObjectSchema {
        name: kind.name.to_owned(),
        fields,
        required_one_of: match kind.required_one_of {
            [] => Vec::new(),
            group => vec![group.iter().map(|name| (*name).to_owned()).collect()],
        },
        modified_field: Some(kind.modified.to_owned()),
        created_field: Some(CREATED.to_owned()),
    };
    Object { schema, modified: kind.modified, phones }
}

fn field(kind: &Kind, property: &Json) -> Option<Field> {
    let name = property.get("name")?.as_str()?;
    let flag = |place: &Json, key: &str| place.get(key).and_then(Json::as_bool).unwrap_or(false);
    let kept = property.get("modificationMetadata").is_some_and(|metadata| flag(metadata, "readOnlyValue"));
    let options = options(property);
    let field_type = match text(property, "type") {
        "bool" => FieldType::Boolean,
        // Without options nothing could be chosen: they live elsewhere, as owners do.
        "enumeration" if options.is_empty() || flag(property, "externalOptions") => FieldType::Text,
        "enumeration" if text(property, "fieldType") == "checkbox" => FieldType::Choices,
        "enumeration" => FieldType::Choice,
        "date" => FieldType::Date,
        "datetime" => FieldType::Moment,
        "number" => FieldType::Number,
        "string" | "phone_number" => FieldType::Text,
        _ => FieldType::Any,
    };
    let options = match field_type {
        FieldType::Choice | FieldType::Choices => options,
        FieldType::Text
        | FieldType::Number
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::Moment
        | FieldType::Any => Vec::new(),
    };
    Some(Field {
        name: name.to_owned(),
        label: Some(text(property, "label")).filter(|label| !label.is_empty()).unwrap_or(name).to_owned(),
        field_type,
        options,
        read_only: kept || flag(property, "calculated"),
        unique: flag(property, "hasUniqueValue") || kind.unique.contains(&name),
        required: kind.required.contains(&name),
    })
}

fn options(property: &Json) -> Vec<FieldOption> {
    let options = property.get("options").and_then(Json::as_array).into_iter().flatten();
    options
        .filter_map(|option| {
            let value = option.get("value")?.as_str()?.to_owned();
            let label = option.get("label").and_then(Json::as_str).unwrap_or(&value).to_owned();
            Some(FieldOption { value, label })
        })
        .collect()
}

fn text<'a>(property: &'a Json, key: &str) -> &'a str {
    property.get(key).and_then(Json::as_str).unwrap_or_default()
}
