//! Life in the account: its people make and change records while the client reads and writes.

use std::sync::Arc;

use sdk::Timestamp;

use super::HubSpot;
use super::default_properties::LIFECYCLE_STAGES;
use super::dice::Purpose;
use super::names::{CITIES, JOBS};
use super::seed::{COMPANIES, CONTACTS, Draws, company_values, contact_values};
use super::table::Version;
use super::values::merged_value;

/// Churned records count on from here, so that no address is given twice.
const FIRST_CHURNED: u64 = 1_000_000_000;

/// One record that was made or changed by the account's own people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The object's plural name.
    pub object: &'static str,
    /// The record.
    pub id: String,
    /// Whether it is new.
    pub created: bool,
    /// Its stamp, which is the server's time.
    pub at: Timestamp,
}

impl HubSpot {
    /// Makes or changes `n` records at this moment, always the same ones for the same seed and history. One in three is
    /// new; all of one call share one stamp.
    pub fn churn(&mut self, n: usize, now: Timestamp) -> Vec<Change> {
        self.settle(now);
        (0..n).map(|_| self.churn_one(now)).collect()
    }

    fn churn_one(&mut self, now: Timestamp) -> Change {
        self.n_churns += 1;
        let draws = Draws::new(self.options.seed, Purpose::Churn, FIRST_CHURNED + self.n_churns);
        let object = if draws.below("object", 6) == 0 { COMPANIES } else { CONTACTS };
        let stamp = self.stamp(now);
        let chosen = self.some_record(object, draws).filter(|_| draws.below("new", 3) != 0);
        let created = chosen.is_none();
        let version = match chosen {
            Some(before) => {
                let mut version = (*before).clone();
                for (name, value) in changes(object.kind().plural, draws) {
                    if let Some(property) = self.table(object).definitions.get(name) {
                        let merged = merged_value(property, version.values.get(name), &value);
                        version.values.set(&property.name, &merged);
                    }
                }
                version.modified_at = version.modified_at.max(stamp);
                version
            }
            None => {
                let written = if object == COMPANIES { company_values(draws) } else { contact_values(draws) };
                let values = self.interned(object, written);
                let id = self.fresh_id(object);
                Version { id, created_at: stamp, modified_at: stamp, archived_at: None, sequence: 0, values }
            }
        };
        let (id, at) = (version.id.to_string(), version.modified_at);
        self.commit(object, now, version);
        Change { object: object.kind().plural, id, created, at }
    }

    /// Some live record, found without walking past all the others.
    fn some_record(&self, object: super::kinds::Object, draws: Draws) -> Option<Arc<Version>> {
        let live = &self.table(object).live;
        let (first, last) = (*live.first_key_value()?.0, *live.last_key_value()?.0);
        let at = first + draws.below("record", last - first + 1);
        live.range(at..).next().map(|(_, version)| version.clone())
    }
}

/// What people change.
fn changes(object: &str, draws: Draws) -> Vec<(&'static str, String)> {
    let (city, country) = draws.one_of("new city", &CITIES);
    match (object, draws.below("change", 4)) {
        (_, 0) => vec![("city", city.to_owned()), ("country", country.to_owned())],
        (_, 1) => vec![("lifecyclestage", draws.one_of("new stage", &LIFECYCLE_STAGES[1..6]).to_owned())],
        ("contacts", 2) => vec![("jobtitle", draws.one_of("new job", &JOBS).to_owned())],
        ("contacts", _) => vec![("loyalty_points", draws.below("new points", 9_000).to_string())],
        (_, _) => vec![("numberofemployees", (draws.below("new size", 2_000) + 1).to_string())],
    }
}
