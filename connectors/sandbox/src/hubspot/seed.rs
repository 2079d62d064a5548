//! The records an account begins with: as varied, as uneven and as incomplete as real ones.
//!
//! About half the contacts are customers; some lack an address or a phone number; some addresses are in capitals. Every
//! fourth stretch of fifty was imported, so its records share one creation stamp, and bulk edits gave many records one
//! modification stamp.

use std::collections::BTreeMap;
use std::sync::Arc;

use sdk::Timestamp;

use super::HubSpot;
use super::account::OWNERS;
use super::default_properties::LIFECYCLE_STAGES;
use super::dice::{Purpose, draw, draw_below};
use super::kinds::Object;
use super::names::{CITIES, COMPANY_FORMS, COMPANY_WORDS, FIRST_NAMES, JOBS, LAST_NAMES, MAIL_DOMAINS, MAIL_NAMES};
use super::table::{Values, Version};

/// The seed reaches this far back.
const PAST_MILLIS: u64 = 365 * 86_400_000;
/// Nothing seeded is younger than this, so that what happens next is new.
const MARGIN_MILLIS: i64 = 3_600_000;
const IMPORT_LENGTH: u64 = 50;

pub(super) const CONTACTS: Object = Object(0);
pub(super) const COMPANIES: Object = Object(1);

/// Draws for one record: each question has its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    seed: u64,
    n: u64,
}

impl Draws {
    pub(super) fn new(seed: u64, purpose: Purpose, n: u64) -> Self {
        Self { seed: draw(seed, purpose, n), n }
    }

    pub(super) fn below(self, question: &str, below: u64) -> u64 {
        let question = question.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        draw_below(self.seed, Purpose::Seed, question, below)
    }

    pub(super) fn one_of<T: Copy>(self, question: &str, choices: &[T]) -> T {
        choices[self.below(question, choices.len() as u64) as usize]
    }

    fn happens(self, question: &str, percent: u64) -> bool {
        self.below(question, 100) < percent
    }
}

impl HubSpot {
    /// Makes the seeded records, all visible to search.
    pub(super) fn sow(&mut self) {
        let n_contacts = self.options.records as u64;
        self.sow_object(CONTACTS, n_contacts, contact_values);
        self.sow_object(COMPANIES, n_contacts / 5, company_values);
    }

    fn sow_object(&mut self, object: Object, n: u64, values: fn(Draws) -> Vec<(&'static str, String)>) {
        let seed = self.options.seed ^ object.0 as u64;
        let end = self.options.started_at.millis() - MARGIN_MILLIS;
        let start = end - PAST_MILLIS as i64;
        let mut versions = BTreeMap::new();
        for place in 0..n {
            let id = self.fresh_id(object);
            self.sequence += 1;
            let created_at = created_at(seed, place, n, start);
            let version = Version {
                id,
                created_at,
                modified_at: modified_at(seed, place, created_at, end),
                archived_at: None,
                sequence: self.sequence,
                values: self.interned(object, values(Draws::new(seed, Purpose::Seed, place))),
            };
            versions.insert(id, Arc::new(version));
        }
        let table = self.table_mut(object);
        table.live = versions.clone();
        table.index.fill(versions);
        table.hold_all();
    }

    /// Values under the names that their definitions share.
    pub(super) fn interned(&self, object: Object, written: Vec<(&'static str, String)>) -> Values {
        let mut values = Values::default();
        for (name, value) in written {
            if let Some(property) = self.table(object).definitions.get(name) {
                values.set(&property.name, &value);
            }
        }
        values
    }
}

/// Rising with the place, so that ids and stamps agree; an import gives its whole stretch one stamp.
fn created_at(seed: u64, place: u64, n: u64, start: i64) -> Timestamp {
    let stretch = place / IMPORT_LENGTH;
    let imported = draw_below(seed, Purpose::Seed, stretch ^ 0x1111_0000_0000, 4) == 0;
    let (at, jitter) = if imported { (stretch * IMPORT_LENGTH, 0) } else { (place, draw(seed, Purpose::Tie, place)) };
    let step = PAST_MILLIS / n.max(1);
    Timestamp::from_millis(start + (at * step + jitter.checked_rem(step).unwrap_or(0)) as i64)
}

/// Some never since they were made, some in one of a few bulk edits, the others at any time since.
fn modified_at(seed: u64, place: u64, created_at: Timestamp, end: i64) -> Timestamp {
    let rest = u64::try_from(end - created_at.millis()).unwrap_or(0);
    let millis = match draw_below(seed, Purpose::Seed, place ^ 0x2222_0000_0000, 10) {
        0..=3 => created_at.millis(),
        4 => {
            let bulk = end - (draw_below(seed, Purpose::Seed, place ^ 0x3333_0000_0000, 6) as i64 + 1) * 86_400_000;
            bulk.max(created_at.millis())
        }
        _ => created_at.millis() + draw_below(seed, Purpose::Seed, place ^ 0x4444_0000_0000, rest + 1) as i64,
    };
    Timestamp::from_millis(millis)
}

/// A contact's values. Addresses are distinct because each carries its number.
pub(super) fn contact_values(draws: Draws) -> Vec<(&'static str, String)> {
    let (city, country) = draws.one_of("city", &CITIES);
    let name = draws.one_of("mail", &MAIL_NAMES);
    let mut email = format!("{name}.{}@{}", draws.n, draws.one_of("domain", &MAIL_DOMAINS));
    if draws.happens("capitals", 7) {
        email = email.to_uppercase();
    }
    let stage = match draws.below("stage", 100) {
        0..50 => Some("customer"),
        50..95 => Some(draws.one_of("other stage", &LIFECYCLE_STAGES[..5])),
        _ => None,
    };
    let mut values = vec![
        ("lastname", draws.one_of("lastname", &LAST_NAMES).to_owned()),
        ("city", city.to_owned()),
        ("country", country.to_owned()),
    ];
    let mut sometimes = |name: &'static str, percent: u64, value: String| {
        if draws.happens(name, percent) {
            values.push((name, value));
        }
    };
    sometimes("email", 95, email);
    sometimes("firstname", 97, draws.one_of("first", &FIRST_NAMES).to_owned());
    sometimes("phone", 60, format!("+49 711 555{:04}", draws.below("number", 10_000)));
    sometimes("company", 70, company_name(draws));
    sometimes("jobtitle", 50, draws.one_of("job", &JOBS).to_owned());
    sometimes("hs_lead_status", 30, draws.one_of("status", &["NEW", "OPEN", "IN_PROGRESS", "CONNECTED"]).to_owned());
    sometimes("hubspot_owner_id", 40, draws.one_of("owner", &OWNERS.each_ref()[..3]).id.to_owned());
    sometimes("customer_number", 45, format!("C-{:07}", draws.n));
    sometimes("loyalty_points", 40, draws.below("points", 5_000).to_string());
    sometimes("renewal_date", 25, date(draws));
    sometimes("newsletter", 50, (draws.below("news", 2) == 0).to_string());
    sometimes("interests", 20, draws.one_of("interest", &["chess", "hiking;sailing", "cooking"]).to_owned());
    values.extend(stage.map(|stage| ("lifecyclestage", stage.to_owned())));
    values
}

/// A company's values. Two may share a domain: the service does not mind.
pub(super) fn company_values(draws: Draws) -> Vec<(&'static str, String)> {
    let (city, country) = draws.one_of("city", &CITIES);
    let mut values = vec![("name", company_name(draws)), ("city", city.to_owned()), ("country", country.to_owned())];
    let mut sometimes = |name: &'static str, percent: u64, value: String| {
        if draws.happens(name, percent) {
            values.push((name, value));
        }
    };
    sometimes("domain", 90, format!("company-{}.example", draws.below("domain number", draws.n + 1)));
    sometimes("industry", 70, draws.one_of("branch", &["COMPUTER_SOFTWARE", "MACHINERY", "FARMING"]).to_owned());
    sometimes("numberofemployees", 60, (draws.below("size", 900) + 1).to_string());
    sometimes("annualrevenue", 40, (draws.below("revenue", 5_000) * 10_000).to_string());
    sometimes("lifecyclestage", 80, draws.one_of("stage", &["lead", "opportunity", "customer", "customer"]).to_owned());
    sometimes("erp_number", 30, format!("ERP-{:06}", draws.n));
    sometimes("contract_end", 20, date(draws));
    values
}

fn company_name(draws: Draws) -> String {
    format!("{} {}", draws.one_of("company word", &COMPANY_WORDS), draws.one_of("company form", &COMPANY_FORMS))
}

fn date(draws: Draws) -> String {
    format!("2027-{:02}-{:02}", draws.below("month", 12) + 1, draws.below("day", 28) + 1)
}
