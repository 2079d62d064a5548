//! The whole account as one JSON file, so that a demo goes on where it stopped.
//!
//! The file appears whole or not at all. Options are not in it: whoever loads brings them. The write log is not in it
//! either, only how far it has counted; nor are requests still on their way, which a network may lose.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use sdk::Timestamp;
use serde::{Deserialize, Serialize};

use super::HubSpot;
use super::associations::End;
use super::definitions::Definitions;
use super::kinds::Object;
use super::lists::Lists;
use super::log::WriteLog;
use super::options::Options;
use super::table::{Values, Version};

const STATE_VERSION: u32 = 1;

/// The state could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The disk said no.
    #[error("access the state file")]
    File(#[from] std::io::Error),
    /// The file is not a state.
    #[error("read the state file")]
    Json(#[from] serde_json::Error),
    /// The file was written by another version of this program.
    #[error("the state file has version {0}, and only version {STATE_VERSION} can be read")]
    Version(u32),
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    n_calls: u64,
    n_churns: u64,
    sequence: u64,
    n_writes: u64,
    skew_millis: i64,
    newest_stamp: Timestamp,
    day: i64,
    used_today: u64,
    tables: Vec<SavedTable>,
    #[serde(default)]
    pairs: Vec<SavedPair>,
    #[serde(default)]
    lists: Lists,
}

/// Two associated records, in one direction.
#[derive(Serialize, Deserialize)]
struct SavedPair {
    from: (String, u64),
    to: (String, u64),
}

#[derive(Serialize, Deserialize)]
struct SavedTable {
    object: String,
    next_id: u64,
    definitions: Definitions,
    live: Vec<Arc<Version>>,
    archived: Vec<Arc<Version>>,
    merged: BTreeMap<u64, u64>,
    /// What search knows of records with changes on their way to it; `None` where it knows nothing yet.
    behind: Vec<(u64, Option<Arc<Version>>)>,
    pending: Vec<(Timestamp, Arc<Version>)>,
}

impl HubSpot {
    /// Writes the account to a file, replacing it whole.
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        let unfinished = path.with_extension("unfinished");
        let mut file = BufWriter::new(File::create(&unfinished)?);
        serde_json::to_writer(&mut file, &self.saved())?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&unfinished, path)?;
        Ok(())
    }

    /// The account of a file under these options; their `records` are not made again.
    pub fn load(path: &Path, options: Options) -> Result<Self, StateError> {
        let saved: Saved = serde_json::from_slice(&fs::read(path)?)?;
        if saved.version != STATE_VERSION {
            return Err(StateError::Version(saved.version));
        }
        Ok(Self::restored(saved, options))
    }

    /// The account of a file, or a new one where there is no such file.
    pub fn load_or_new(path: &Path, options: Options) -> Result<Self, StateError> {
        if path.try_exists()? { Self::load(path, options) } else { Ok(Self::new(options)) }
    }

    fn saved(&self) -> Saved {
        Saved {
            version: STATE_VERSION,
            n_calls: self.n_calls,
            n_churns: self.n_churns,
            sequence: self.sequence,
            n_writes: self.log.sequence,
            skew_millis: self.skew_millis,
            newest_stamp: self.newest_stamp,
            day: self.limits.day,
            used_today: self.limits.used_today,
            pairs: self.pairs.iter().map(|(from, to)| SavedPair { from: named(*from), to: named(*to) }).collect(),
            lists: self.lists.clone(),
            tables: self
                .tables
                .iter()
                .map(|table| {
                    let index = &table.index;
                    let pending = index.pending.iter().map(|((at, _), version)| (*at, version.clone()));
                    let ids: std::collections::BTreeSet<u64> = index.pending.values().map(|it| it.id).collect();
                    SavedTable {
                        object: table.kind().plural.to_owned(),
                        next_id: table.next_id,
                        definitions: table.definitions.clone(),
                        live: table.live.values().cloned().collect(),
                        archived: table.archived.values().cloned().collect(),
                        merged: table.merged.clone(),
                        behind: ids.into_iter().map(|id| (id, index.versions.get(&id).cloned())).collect(),
                        pending: pending.collect(),
                    }
                })
                .collect(),
        }
    }

    fn restored(saved: Saved, options: Options) -> Self {
        let mut account = Self::empty(options);
        account.log = WriteLog::new(account.options.log_path.clone(), saved.n_writes);
        account.n_calls = saved.n_calls;
        account.n_churns = saved.n_churns;
        account.sequence = saved.sequence;
        account.skew_millis = saved.skew_millis;
        account.newest_stamp = saved.newest_stamp;
        account.limits.day = saved.day;
        account.limits.used_today = saved.used_today;
        account.lists = saved.lists;
        account.pairs = saved.pairs.iter().filter_map(|pair| Some((end(&pair.from)?, end(&pair.to)?))).collect();
        for saved in saved.tables {
            let Some(object) = Object::named(&saved.object) else { continue };
            let table = account.table_mut(object);
            table.next_id = saved.next_id;
            table.definitions = saved.definitions;
            let names = table.definitions.clone();
            let by_id =
                |versions: Vec<Arc<Version>>| versions.into_iter().map(|it| (it.id, shared(it, &names))).collect();
            table.live = by_id(saved.live);
            table.archived = by_id(saved.archived);
            table.merged = saved.merged;
            let mut known = table.live.clone();
            for (id, version) in saved.behind {
                match version {
                    Some(version) => drop(known.insert(id, version)),
                    None => drop(known.remove(&id)),
                }
            }
            table.index.fill(known);
            for (at, version) in saved.pending {
                table.index.announce(at, version);
            }
            table.hold_all();
        }
        account
    }
}

fn named(end: End) -> (String, u64) {
    (end.object.kind().plural.to_owned(), end.id)
}

fn end((object, id): &(String, u64)) -> Option<End> {
    Some(End { object: Object::named(object)?, id: *id })
}

/// The version with the names that the definitions hold, instead of a copy of each for each record.
fn shared(mut version: Arc<Version>, definitions: &Definitions) -> Arc<Version> {
    let mut values = Values::default();
    for (name, value) in version.values.iter() {
        match definitions.properties.get_key_value(name) {
            Some((name, _)) => values.set(name, value),
            None => values.set(&Arc::from(name), value),
        }
    }
    Arc::make_mut(&mut version).values = values;
    version
}
