//! What every write goes through, whichever endpoint it came by: stamps, unique values, the index, the log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sdk::Timestamp;

use super::HubSpot;
use super::dice::{Purpose, draw_below};
use super::envelope::Problem;
use super::faults::Fault;
use super::kinds::{Object, Required};
use super::log::{WriteEntry, WriteVerb};
use super::table::{Table, Values, Version};
use super::values::{Accepted, BadValue, accept, as_sent, merged_value};

/// A unique value that someone else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clash {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) holder: u64,
}

/// Unique values that earlier rows of the same batch will have taken.
pub(super) type Taken = BTreeSet<(String, String)>;

impl HubSpot {
    pub(super) fn table(&self, object: Object) -> &Table {
        &self.tables[object.0]
    }

    pub(super) fn table_mut(&mut self, object: Object) -> &mut Table {
        &mut self.tables[object.0]
    }

    /// The values in stored form, or every one that is bad.
    pub(super) fn accept(&self, object: Object, given: &[(String, String)]) -> Result<Accepted, Vec<BadValue>> {
        accept(&self.table(object).definitions, &self.owner_ids(), given)
    }

    /// Refuses a create that says too little.
    pub(super) fn require(&self, object: Object, values: &Accepted) -> Result<(), Problem> {
        let has = |name: &&str| values.iter().any(|(key, value)| **key == **name && !value.is_empty());
        let missing: Vec<String> = match &object.kind().required {
            Required::AnyOf(names) if names.iter().any(has) => Vec::new(),
            Required::AnyOf(names) => names.iter().map(|name| (*name).to_owned()).collect(),
            Required::AllOf(names) => names.iter().filter(|name| !has(name)).map(|name| (*name).to_owned()).collect(),
        };
        if missing.is_empty() {
            return Ok(());
        }
        let upper = object.kind().upper;
        Err(Problem::validation(format!("Error creating {upper}. Some required properties were not set."))
            .with_context("properties", missing))
    }

    /// The first value of these that another record holds.
    pub(super) fn clash(&self, object: Object, values: &Accepted, own: Option<u64>) -> Option<Clash> {
        let table = self.table(object);
        unique_values(table, values).into_iter().find_map(|(name, value)| {
            let holder = table.holder(&name, &value).filter(|holder| Some(*holder) != own)?;
            Some(Clash { name, value, holder })
        })
    }

    /// Notes the unique values of a row, and tells the first that an earlier row took.
    pub(super) fn take_values(&self, object: Object, values: &Accepted, taken: &mut Taken) -> Option<(String, String)> {
        unique_values(self.table(object), values)
            .into_iter()
            .map(|(name, value)| (name, value.to_lowercase()))
            .find(|pair| !taken.insert(pair.clone()))
    }

    /// How a clash is told: a contact's address that exists is 409 on create, everything else 400 with both ids in the
    /// text.
    pub(super) fn clash_problem(&mut self, object: Object, clash: &Clash, own: Option<u64>) -> Problem {
        let kind = object.kind();
        let raced = self.fault == Some(Fault::RacedConflict);
        if own.is_none() && clash.name == "email" && !raced {
            return Problem::new(
                409,
                "CONFLICT",
                format!("{} already exists. Existing ID: {}", kind.title, clash.holder),
            );
        }
        // The refused record has used up an id: the text names it first, and the holder second.
        let id = own.unwrap_or_else(|| self.fresh_id(object));
        Problem::validation(format!(
            "Cannot set PropertyValueCoordinates{{portalId={}, objectTypeId=ObjectTypeId{{legacyObjectType={}}}, \
             propertyName={}, value={}}} on {id}. {} already has that value.",
            self.options.portal_id, kind.upper, clash.name, clash.value, clash.holder
        ))
    }

    /// Makes the record; the caller has checked the values.
    pub(super) fn create(
        &mut self,
        object: Object,
        now: Timestamp,
        values: &Accepted,
        sent: &[(String, String)],
        verb: WriteVerb,
    ) -> u64 {
        let stamp = self.stamp(now);
        let id = self.fresh_id(object);
        let mut kept = Values::default();
        for (name, value) in values {
            if let Some(property) = self.table(object).definitions.get(name) {
                kept.set(name, &merged_value(property, None, value));
            }
        }
        let version =
            Version { id, created_at: stamp, modified_at: stamp, archived_at: None, sequence: 0, values: kept };
        self.commit(object, now, version);
        self.note(object, stamp, verb, id, sent, true);
        id
    }

    /// Changes the record; the caller has checked the values and that it is live. Its stamp moves even when no value
    /// does.
    pub(super) fn update(
        &mut self,
        object: Object,
        id: u64,
        now: Timestamp,
        values: &Accepted,
        sent: &[(String, String)],
        verb: WriteVerb,
    ) {
        let stamp = self.stamp(now);
        let table = self.table(object);
        let Some(before) = table.live.get(&id) else { return };
        let mut version = (**before).clone();
        for (name, value) in values {
            if let Some(property) = table.definitions.get(name) {
                let merged = merged_value(property, version.values.get(name), value);
                version.values.set(name, &merged);
            }
        }
        // A record stamped in the future keeps that stamp: stamps of one record never fall.
        version.modified_at = version.modified_at.max(stamp);
        self.commit(object, now, version);
        self.note(object, stamp, verb, id, sent, false);
    }

    /// Archives the record for a client; the caller has checked that it is live.
    pub(super) fn archive(&mut self, object: Object, id: u64, now: Timestamp) {
        let stamp = self.take_away(object, id, now);
        self.note(object, stamp, WriteVerb::Archive, id, &[], false);
    }

    /// Moves the record to the archive, out of reads and search, and tells when.
    pub(super) fn take_away(&mut self, object: Object, id: u64, now: Timestamp) -> Timestamp {
        let stamp = self.stamp(now);
        self.sequence += 1;
        let sequence = self.sequence;
        let table = self.table_mut(object);
        if let Some(version) = table.take(id) {
            let archived = Version { archived_at: Some(stamp), sequence, ..(*version).clone() };
            table.archived.insert(id, Arc::new(archived));
        }
        stamp
    }

    /// The newest version of a record, visible to reads at once and to search after its lag.
    pub(super) fn commit(&mut self, object: Object, now: Timestamp, mut version: Version) {
        self.sequence += 1;
        version.sequence = self.sequence;
        let longest = u64::try_from(self.options.lag.as_millis()).unwrap_or(u64::MAX - 1);
        let lag = draw_below(self.options.seed, Purpose::Lag, self.sequence, longest + 1);
        let version = Arc::new(version);
        let table = self.table_mut(object);
        table.put(version.clone());
        table.index.announce(now + Duration::from_millis(lag), version);
    }

    /// The server's time, given out as a stamp: from now on it never falls behind it.
    pub(super) fn stamp(&mut self, now: Timestamp) -> Timestamp {
        let stamp = self.server_time(now);
        self.newest_stamp = stamp;
        stamp
    }

    /// Twelve digits, rising, with gaps as other objects' records leave them.
    pub(super) fn fresh_id(&mut self, object: Object) -> u64 {
        let seed = self.options.seed;
        let table = self.table_mut(object);
        let id = table.next_id;
        table.next_id += 1 + draw_below(seed, Purpose::IdGap, id, 7);
        id
    }

    pub(super) fn note(
        &mut self,
        object: Object,
        at: Timestamp,
        verb: WriteVerb,
        id: u64,
        sent: &[(String, String)],
        created: bool,
    ) {
        self.log.append(WriteEntry {
            sequence: 0,
            at,
            object: object.kind().plural.to_owned(),
            verb,
            id: id.to_string(),
            values: as_sent(sent),
            created,
        });
    }
}

/// The unique values of a write; each secondary e-mail address counts as one.
fn unique_values(table: &Table, values: &Accepted) -> Vec<(String, String)> {
    let mut unique = Vec::new();
    for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        if table.is_unique(name) {
            unique.push((name.to_string(), value.clone()));
        } else if &**name == "hs_additional_emails" {
            unique.extend(value.split(';').map(|address| ("email".to_owned(), address.to_owned())));
        }
    }
    unique
}
