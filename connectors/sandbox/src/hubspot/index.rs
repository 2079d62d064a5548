//! What search knows: for each record the version that has been indexed, which may be older than the record.
//!
//! A change waits for its own lag, so changes become visible in another order than they were made in. A version that
//! arrives after a newer one of its record is dropped. Filters and sorting see only the versions in here, stamps
//! included.

use std::collections::BTreeMap;
use std::sync::Arc;

use sdk::Timestamp;

use super::dice::{Purpose, draw};
use super::ordered::{Key, Ordered};
use super::table::Version;

/// The search index of one object.
#[derive(Debug)]
pub(super) struct Index {
    seed: u64,
    pub(super) versions: BTreeMap<u64, Arc<Version>>,
    pub(super) by_modified: Ordered,
    pub(super) by_created: Ordered,
    pub(super) by_id: Ordered,
    /// Changes on their way here, by the moment they arrive.
    pub(super) pending: BTreeMap<(Timestamp, u64), Arc<Version>>,
}

impl Index {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            versions: BTreeMap::new(),
            by_modified: Ordered::default(),
            by_created: Ordered::default(),
            by_id: Ordered::default(),
            pending: BTreeMap::new(),
        }
    }

    /// Begins again with these versions, all visible.
    pub(super) fn fill(&mut self, versions: BTreeMap<u64, Arc<Version>>) {
        let seed = self.seed;
        let keys = |key: fn(u64, &Version) -> Key| Ordered::of(versions.values().map(|it| key(seed, it)).collect());
        self.by_modified = keys(modified_key);
        self.by_created = keys(created_key);
        self.by_id = keys(id_key);
        self.versions = versions;
    }

    /// The version will be visible at this moment.
    pub(super) fn announce(&mut self, visible_at: Timestamp, version: Arc<Version>) {
        self.pending.insert((visible_at, version.sequence), version);
    }

    /// Shows everything whose moment has come.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        while let Some(next) = self.pending.first_entry()
            && next.key().0 <= now
        {
            let version = next.remove();
            self.show(version);
        }
    }

    /// The record leaves search, and nothing that is still on its way brings it back: archived records never appear.
    pub(super) fn forget(&mut self, id: u64) {
        self.pending.retain(|_, version| version.id != id);
        self.hide(id);
    }

    /// The key that places this version among equal stamps.
    pub(super) fn tie(&self, id: u64) -> u64 {
        tie(self.seed, id)
    }

    fn show(&mut self, version: Arc<Version>) {
        if self.versions.get(&version.id).is_some_and(|known| known.sequence > version.sequence) {
            return;
        }
        self.hide(version.id);
        self.by_modified.insert(modified_key(self.seed, &version));
        self.by_created.insert(created_key(self.seed, &version));
        self.by_id.insert(id_key(self.seed, &version));
        self.versions.insert(version.id, version);
    }

    fn hide(&mut self, id: u64) {
        if let Some(known) = self.versions.remove(&id) {
            self.by_modified.remove(modified_key(self.seed, &known));
            self.by_created.remove(created_key(self.seed, &known));
            self.by_id.remove(id_key(self.seed, &known));
        }
    }
}

fn tie(seed: u64, id: u64) -> u64 {
    draw(seed, Purpose::Tie, id)
}

fn modified_key(seed: u64, version: &Version) -> Key {
    (version.modified_at.millis(), tie(seed, version.id), version.id)
}

fn created_key(_seed: u64, version: &Version) -> Key {
    // Creation order is what an unsorted search promises; ids rise with it.
    (version.created_at.millis(), 0, version.id)
}

fn id_key(_seed: u64, version: &Version) -> Key {
    (i64::try_from(version.id).unwrap_or(i64::MAX), 0, version.id)
}
