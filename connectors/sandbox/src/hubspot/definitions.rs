//! Property definitions: what a record of an object may hold, and what the account says about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sdk::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The data types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PropertyType {
    Bool,
    Date,
    Datetime,
    Enumeration,
    Number,
    String,
    PhoneNumber,
}

impl PropertyType {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "bool" => Self::Bool,
            "date" => Self::Date,
            "datetime" => Self::Datetime,
            "enumeration" => Self::Enumeration,
            "number" => Self::Number,
            "string" => Self::String,
            "phone_number" => Self::PhoneNumber,
            _ => return None,
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Enumeration => "enumeration",
            Self::Number => "number",
            Self::String => "string",
            Self::PhoneNumber => "phone_number",
        }
    }
}

/// One choice of an enumeration: the internal value is what the API speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PropertyOption {
    pub(super) label: String,
    pub(super) value: String,
}

/// One property.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Property {
    pub(super) name: Arc<str>,
    pub(super) label: String,
    pub(super) data_type: PropertyType,
    pub(super) field_type: String,
    pub(super) group: String,
    pub(super) description: String,
    pub(super) options: Vec<PropertyOption>,
    /// Set by the account itself; never by a client.
    pub(super) read_only: bool,
    pub(super) calculated: bool,
    pub(super) unique: bool,
    /// Part of every account, as against made by this one's people.
    pub(super) built_in: bool,
    /// Its choices live elsewhere: owners.
    pub(super) external_options: bool,
    pub(super) hidden: bool,
    pub(super) form_field: bool,
    pub(super) archived: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl Property {
    pub(super) fn is_writable(&self) -> bool {
        !self.read_only && !self.calculated
    }

    /// Several choices in one value, `a;b`.
    pub(super) fn holds_many(&self) -> bool {
        self.data_type == PropertyType::Enumeration && self.field_type == "checkbox"
    }

    /// As the properties endpoints show it.
    pub(super) fn body(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .enumerate()
            .map(|(place, option)| {
                json!({"label": option.label, "value": option.value, "description": "", "displayOrder": place, "hidden": false})
            })
            .collect();
        let mut metadata = json!({
            "archivable": !self.built_in,
            "readOnlyDefinition": self.built_in,
            "readOnlyValue": self.read_only,
        });
        if self.data_type == PropertyType::Enumeration {
            metadata["readOnlyOptions"] = json!(self.external_options);
        }
        let mut body = json!({
            "name": &*self.name,
            "label": self.label,
            "type": self.data_type.as_str(),
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": options,
            "displayOrder": -1,
            "calculated": self.calculated,
            "externalOptions": self.external_options,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "formField": self.form_field,
            "dataSensitivity": "non_sensitive",
            "createdAt": self.created_at.to_string(),
            "updatedAt": self.updated_at.to_string(),
            "modificationMetadata": metadata,
        });
        // `archived` may be absent: definitions that ship with every account come without it.
        if !self.built_in || self.archived {
            body["archived"] = json!(self.archived);
        }
        if self.built_in {
            body["hubspotDefined"] = json!(true);
        }
        if self.external_options {
            body["referencedObjectType"] = json!("OWNER");
        }
        body
    }
}

/// The definitions of one object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Definitions {
    /// Archived ones too: creating an archived name again restores it.
    pub(super) properties: BTreeMap<Arc<str>, Property>,
    /// Group name to label.
    pub(super) groups: BTreeMap<String, String>,
}

impl Definitions {
    /// A property that is not archived.
    pub(super) fn get(&self, name: &str) -> Option<&Property> {
        self.properties.get(name).filter(|property| !property.archived)
    }
}
