//! Objects and their fields, as discovered at a service.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{ActionSchema, ConnectionName, Offer};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Text.
    Text,
    /// A whole or fractional number.
    Number,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// A moment.
    Moment,
    /// One of the field's options, as its internal value.
    Choice,
    /// Several of the field's options.
    Choices,
    /// Whatever the service keeps there; not checked.
    Any,
}

/// One option of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOption {
    /// What is stored and sent.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// One field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name used in flows.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// What it is for, as the service or the account's people say.
    pub description: Option<String>,
    /// What the service shows it together with, such as `contactinformation`.
    pub group: Option<String>,
    /// What it holds.
    pub field_type: FieldType,
    /// The options of a choice; empty for other types.
    pub options: Vec<FieldOption>,
    /// Whether writes to it are refused: calculated, or kept by the service.
    pub read_only: bool,
    /// Whether the service keeps its values unique, so that an upsert may match on it safely.
    pub unique: bool,
    /// Whether a create must set it.
    pub required: bool,
}

/// One object of a connection: a table, or a CRM's contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectSchema {
    /// The name used in flows.
    pub name: String,
    /// Its fields, sorted by name.
    pub fields: BTreeMap<String, Field>,
    /// Groups of fields of which a create must set at least one, such as a contact's e-mail or names.
    pub required_one_of: Vec<Vec<String>>,
    /// Groups of several fields whose values no two records share all of, so that an upsert may match on them safely.
    pub unique_together: Vec<Vec<String>>,
    /// The field that stamps changes, by which new or updated records are polled; `None` where the author must say
    /// (`by`) or none exists.
    pub modified_field: Option<String>,
    /// The field that stamps creation, by which new records are polled.
    pub created_field: Option<String>,
}

/// What check must know of a connector without asking its service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorFacts {
    /// Its name in `connections.yaml`.
    pub connector: String,
    /// The shortest `every` it allows.
    pub min_interval: Duration,
    /// Whether the connection's address is on this machine, where the shortest interval does not apply.
    pub loopback: bool,
    /// Every object that can be named; `None` where it is not known before asking.
    pub objects: Option<Vec<String>>,
}

/// What is known of the connections when flows are checked: plain data, filled by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Each configured connection.
    pub connections: BTreeMap<ConnectionName, ConnectorFacts>,
    /// Each discovered object, by connection and object name. One that is missing here is not checked.
    pub objects: BTreeMap<(ConnectionName, String), ObjectSchema>,
    /// The actions that each connection's connector declares. Those of a connection that is missing here are not
    /// checked.
    pub actions: BTreeMap<ConnectionName, Vec<ActionSchema>>,
    /// What each connection's connector offers. That of a connection that is missing here is not checked.
    pub offers: BTreeMap<ConnectionName, Vec<Offer>>,
    /// Names of all connectors that exist, for "did you mean".
    pub connectors: Vec<String>,
}
