//! Records as HubSpot answers them, and as the engine sees them.

use std::sync::Arc;

use sdk::{Class, Error, Fields, Record, Timestamp};
use serde_json::Value as Json;

use super::HubSpotConnection;
use super::failure::id_of;
use super::objects::{CREATED, Object};
use super::values;

/// What is read of an object: the wanted fields, and what a record needs besides.
pub(super) struct Selection {
    pub(super) object: Arc<Object>,
    fields: Vec<String>,
    /// The property that stamps the records.
    stamp: String,
    /// Every property to ask for; without asking, only HubSpot's defaults come.
    pub(super) properties: Vec<String>,
}

impl HubSpotConnection {
    /// Selects these fields, with records stamped by this property, or by their modification.
    pub(super) async fn select<'a>(
        &self,
        object: &str,
        fields: impl Iterator<Item = &'a str> + Clone,
        stamp: Option<&'a str>,
    ) -> Result<Selection, Error> {
        // A record's id is no property, and always comes.
        let fields = fields.filter(|field| *field != "id");
        let object = self.objects.with_fields(&self.client, object, fields.clone().chain(stamp)).await?;
        let stamp = stamp.unwrap_or(object.modified).to_owned();
        let fields: Vec<String> = fields.map(str::to_owned).collect();
        let mut properties = fields.clone();
        properties.extend([stamp.clone(), CREATED.to_owned()]);
        properties.sort();
        properties.dedup();
        Ok(Selection { object, fields, stamp, properties })
    }
}

impl Selection {
    /// A record of an answer. A stamp that is missing is taken from what HubSpot says beside the properties.
    pub(super) fn record(&self, json: &Json) -> Result<Record, Error> {
        let id =
            id_of(json).ok_or_else(|| Error::new(Class::Transient, "HubSpot's answer has a record without an id"))?;
        let property = |name: &str| json.get("properties").and_then(|properties| properties.get(name));
        let beside = |key: &str| Timestamp::parse(json.get(key)?.as_str()?);
        let created = property(CREATED).and_then(values::stamp).or_else(|| beside("createdAt"));
        let modified = property(&self.stamp).and_then(values::stamp).or_else(|| match &*self.stamp {
            CREATED => created,
            stamp if stamp == self.object.modified => beside("updatedAt"),
            _ => None,
        });
        let modified = modified.ok_or_else(|| {
            Error::new(Class::Transient, format!("HubSpot's answer has record {id} without its `{}`", self.stamp))
        })?;
        let mut fields = Fields::new();
        for name in &self.fields {
            let field = self.object.field(name)?;
            fields.insert(name.clone(), property(name).map_or(sdk::Value::Null, |json| values::read(field, json)));
        }
        Ok(Record { id, created, modified, fields })
    }
}
