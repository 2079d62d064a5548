//! Records as the service answers them, and as the engine sees them.

use std::sync::Arc;

use sdk::{Error, Fields, Record, RecordId, Timestamp, Value};
use serde_json::Value as Json;

use super::RestConnection;
use super::objects::Object;
use super::values;
use crate::rest::manifest::{Resource, Stamp};
use crate::rest::template::{Root, Scope, Template, plain_text};

/// What is read of a resource: the wanted fields, and what a record needs besides.
pub(super) struct Selection<'a> {
    pub(super) resource: &'a Resource,
    pub(super) object: Arc<Object>,
    fields: Vec<String>,
    /// The field that stamps the records, by its name in flows.
    stamp: Option<String>,
    /// Every field to ask for, as the service knows it; without asking, many services answer their defaults only.
    pub(super) keys: Json,
}

impl RestConnection {
    /// Selects these fields, with records stamped by this field, or by their modification.
    pub(super) async fn select<'a>(
        &'a self,
        object: &str,
        fields: impl Iterator<Item = &'a str> + Clone,
        stamp: Option<&'a str>,
    ) -> Result<Selection<'a>, Error> {
        let resource = self.resource(object)?;
        // A record's id is no field, and always comes.
        let fields = fields.filter(|field| *field != "id");
        let object = self.with_fields(object, fields.clone().chain(stamp)).await?;
        let of = |stamp: &Option<Stamp>| stamp.as_ref().map(|stamp| stamp.field.clone());
        let created = of(&resource.stamps.created);
        let stamp = stamp.map(str::to_owned).or_else(|| of(&resource.stamps.modified)).or_else(|| created.clone());
        let fields: Vec<String> = fields.map(str::to_owned).collect();
        let mut keys: Vec<&str> = fields.iter().map(|name| object.key(name)).collect();
        keys.extend(stamp.iter().chain(&created).map(|name| object.key(name)));
        keys.sort_unstable();
        keys.dedup();
        let keys = keys.into();
        Ok(Selection { resource, object, fields, stamp, keys })
    }

    /// A record of an answer. A stamp that is missing is taken from what the record says beside its fields.
    pub(super) fn record(&self, selection: &Selection<'_>, json: &Json) -> Result<Record, Error> {
        let Selection { resource, object, stamp, .. } = selection;
        let id = id_of(resource, json).ok_or_else(|| self.odd_answer("has a record without an id"))?;
        let created = resource.stamps.created.as_ref();
        let modified = resource.stamps.modified.as_ref();
        let created_at = created.and_then(|created| stamp_of(selection, &created.field, Some(created), json));
        let modified_at = stamp.as_ref().and_then(|name| {
            let own = [modified, created].into_iter().flatten().find(|own| own.field == *name);
            stamp_of(selection, name, own, json)
        });
        let modified_at = match (stamp, modified_at) {
            (_, Some(at)) => at,
            (Some(name), None) => return Err(self.odd_answer(&format!("has record {id} without its `{name}`"))),
            (None, None) => Timestamp::EPOCH,
        };
        let mut fields = Fields::new();
        for name in &selection.fields {
            let field = object.field(name)?;
            let value = value_at(selection, name, json);
            let value = value.map_or(Value::Null, |json| values::read(&resource.fields, field, json));
            fields.insert(name.clone(), value);
        }
        Ok(Record { id, created: created_at, modified: modified_at, fields })
    }
}

/// A record's id: text, or a number.
pub(super) fn id_of(resource: &Resource, json: &Json) -> Option<RecordId> {
    id_in(&resource.id, &Scope::default().with(Root::Record, json))
}

/// An id where a template says that it stands.
pub(super) fn id_in(template: &Template, scope: &Scope<'_>) -> Option<RecordId> {
    let text = plain_text(&template.render(scope))?;
    (!text.is_empty()).then(|| RecordId::new(text))
}

/// A field's value as it stands in the record.
fn value_at<'a>(selection: &Selection<'_>, name: &str, record: &'a Json) -> Option<&'a Json> {
    let of = &selection.resource.fields;
    if let Some(shaped) = of.shaped.get(name) {
        return shaped.read.place(&Scope::default().with(Root::Record, record));
    }
    let at = match selection.object.is_custom(name) {
        true => of.custom_at.as_ref().or(of.at.as_ref()),
        false => of.at.as_ref(),
    };
    let place = match at {
        Some(at) => at.place(&Scope::default().with(Root::Record, record))?,
        None => record,
    };
    place.get(selection.object.key(name))
}

fn stamp_of(selection: &Selection<'_>, name: &str, own: Option<&Stamp>, record: &Json) -> Option<Timestamp> {
    value_at(selection, name, record).and_then(values::stamp).or_else(|| {
        let beside = own?.beside.as_ref()?;
        values::stamp(&beside.render(&Scope::default().with(Root::Record, record)))
    })
}
