//! The account from inside: what its own people, a simulation or a test do to it without a request.
//!
//! Nothing here is a client's write, so nothing of it is in the write log. Values are not checked; their properties
//! must exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use sdk::Timestamp;

use super::HubSpot;
use super::kinds::Object;
use super::table::{Values, Version};

/// A record as it is now, whatever search knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordView {
    /// The id.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
    /// Its values, without the empty and the calculated ones.
    pub values: BTreeMap<String, String>,
}

/// No such object, property or record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the account has no {0}")]
pub struct Unknown(pub String);

impl HubSpot {
    /// Makes a record stamped `stamp`, which may lie in the past, in the future, or where many others are.
    pub fn insert(
        &mut self,
        object: &str,
        stamp: Timestamp,
        values: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<String, Unknown> {
        let object = known(object)?;
        let values = self.values(object, Values::default(), values)?;
        let id = self.fresh_id(object);
        let version = Version { id, created_at: stamp, modified_at: stamp, archived_at: None, sequence: 0, values };
        self.commit(object, now, version);
        Ok(id.to_string())
    }

    /// Changes a record and stamps it `stamp`; `""` clears a value, no values only stamp it, as a calculation does. A
    /// stamp that lies before the record's own breaks what the service keeps: stamps of one record never fall.
    pub fn edit(
        &mut self,
        object: &str,
        id: &str,
        stamp: Timestamp,
        values: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<(), Unknown> {
        let object = known(object)?;
        let before = self.live(object, id)?;
        let values = self.values(object, before.values.clone(), values)?;
        self.commit(object, now, Version { modified_at: stamp, values, ..(*before).clone() });
        Ok(())
    }

    /// Archives a record.
    pub fn remove(&mut self, object: &str, id: &str, now: Timestamp) -> Result<(), Unknown> {
        let object = known(object)?;
        let id = self.live(object, id)?.id;
        self.take_away(object, id, now);
        Ok(())
    }

    /// Takes a property away, as an account's people can, even one that every account has.
    pub fn remove_property(&mut self, object: &str, name: &str) -> Result<(), Unknown> {
        let object = known(object)?;
        let properties = &mut self.table_mut(object).definitions.properties;
        properties.remove(name).map(drop).ok_or_else(|| Unknown(format!("property {name}")))
    }

    /// Sets how far the server's clock is ahead of the moments it is told; negative is behind.
    pub fn set_skew(&mut self, millis: i64) {
        self.skew_millis = millis;
    }

    /// Every live record of an object, in the order of ids.
    pub fn records(&self, object: &str) -> Result<impl Iterator<Item = RecordView> + '_, Unknown> {
        let table = self.table(known(object)?);
        Ok(table.live.values().map(|version| view(version)))
    }

    /// One live record.
    pub fn record(&self, object: &str, id: &str) -> Result<RecordView, Unknown> {
        Ok(view(&*self.live(known(object)?, id)?))
    }

    /// When search will know of every change made so far; `None` where it does already.
    pub fn visible_at(&self) -> Option<Timestamp> {
        self.tables.iter().filter_map(|table| table.index.pending.last_key_value()).map(|((at, _), _)| *at).max()
    }

    /// Shows search every change at once.
    pub fn index_everything(&mut self) {
        self.catch_up(Timestamp::from_millis(i64::MAX));
    }

    fn live(&self, object: Object, id: &str) -> Result<Arc<Version>, Unknown> {
        let found = id.parse().ok().and_then(|id: u64| self.table(object).live.get(&id).cloned());
        found.ok_or_else(|| Unknown(format!("{} {id}", object.kind().singular)))
    }

    fn values(&self, object: Object, mut values: Values, changes: &[(&str, &str)]) -> Result<Values, Unknown> {
        for (name, value) in changes {
            let property = self.table(object).definitions.get(name);
            values.set(&property.ok_or_else(|| Unknown(format!("property {name}")))?.name, value);
        }
        Ok(values)
    }
}

fn known(object: &str) -> Result<Object, Unknown> {
    Object::named(object).ok_or_else(|| Unknown(format!("object {object}")))
}

fn view(version: &Version) -> RecordView {
    RecordView {
        id: version.id.to_string(),
        created_at: version.created_at,
        modified_at: version.modified_at,
        values: version.values.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}
