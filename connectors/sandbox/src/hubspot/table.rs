//! All records of one object: the newest version of each, what search knows of it, and who holds which unique value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use sdk::Timestamp;
use serde::{Deserialize, Serialize};

use super::definitions::Definitions;
use super::index::Index;
use super::kinds::{Kind, Object};

/// The values of one version, without the empty ones, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Values(Vec<(Arc<str>, Box<str>)>);

impl Values {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let place = self.0.binary_search_by(|(key, _)| (**key).cmp(name)).ok()?;
        Some(&self.0[place].1)
    }

    /// An empty text clears the value, as it does in the service.
    pub(super) fn set(&mut self, name: &Arc<str>, value: &str) {
        match (self.0.binary_search_by(|(key, _)| (**key).cmp(name)), value.is_empty()) {
            (Ok(place), false) => self.0[place].1 = value.into(),
            (Ok(place), true) => drop(self.0.remove(place)),
            (Err(place), false) => self.0.insert(place, (name.clone(), value.into())),
            (Err(_), true) => {}
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// One state of one record. Shared between the records and the search index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) id: u64,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
    /// Rises with every change of the account: tells which of two versions is newer, whatever their stamps say.
    pub(super) sequence: u64,
    pub(super) values: Values,
}

impl Version {
    /// The value of a property as it is shown, also of those that no one sets.
    pub(super) fn text(&self, kind: &Kind, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "hs_object_id" => Some(Cow::Owned(self.id.to_string())),
            _ if name == kind.created => Some(Cow::Owned(self.created_at.to_string())),
            _ if name == kind.modified => Some(Cow::Owned(self.modified_at.to_string())),
            "hs_email_domain" => self.values.get("email")?.split_once('@').map(|(_, domain)| Cow::Borrowed(domain)),
            "hs_searchable_calculated_phone_number" => searchable_phone(self.values.get("phone")?).map(Cow::Owned),
            "hs_is_contact" if kind.plural == "contacts" => Some(Cow::Borrowed("true")),
            _ => self.values.get(name).map(Cow::Borrowed),
        }
    }

    /// The names of all properties that have a value, the calculated ones included.
    pub(super) fn names<'a>(&'a self, kind: &'a Kind, definitions: &'a Definitions) -> impl Iterator<Item = &'a str> {
        definitions
            .properties
            .values()
            .filter(|property| !property.archived)
            .map(|property| &*property.name)
            .filter(|name| self.text(kind, name).is_some())
    }
}

/// Area code and local number: what filters on phone numbers are compared with. The country code is left out.
pub(super) fn searchable_phone(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let country = match (phone.trim_start().starts_with('+'), digits.starts_with(['1', '7'])) {
        (true, true) => 1,
        (true, false) => 2,
        (false, _) => 0,
    };
    digits.get(country..).filter(|rest| !rest.is_empty()).map(str::to_owned)
}

/// The records of one object.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) object: Object,
    pub(super) definitions: Definitions,
    pub(super) live: BTreeMap<u64, Arc<Version>>,
    pub(super) archived: BTreeMap<u64, Arc<Version>>,
    /// Merged-away id to its survivor.
    pub(super) merged: BTreeMap<u64, u64>,
    pub(super) index: Index,
    /// Property to value in lower case to the record that holds it; live records only.
    unique: BTreeMap<Arc<str>, BTreeMap<Box<str>, u64>>,
    pub(super) next_id: u64,
}

impl Table {
    pub(super) fn new(object: Object, definitions: Definitions, seed: u64, first_id: u64) -> Self {
        Self {
            object,
            definitions,
            live: BTreeMap::new(),
            archived: BTreeMap::new(),
            merged: BTreeMap::new(),
            index: Index::new(seed),
            unique: BTreeMap::new(),
            next_id: first_id,
        }
    }

    pub(super) fn kind(&self) -> &'static Kind {
        self.object.kind()
    }

    /// Whether no two records may share a value of this property.
    pub(super) fn is_unique(&self, name: &str) -> bool {
        (name == "email" && self.kind().plural == "contacts")
            || self.definitions.get(name).is_some_and(|property| property.unique)
    }

    /// Who holds this value; secondary e-mail addresses count.
    pub(super) fn holder(&self, name: &str, value: &str) -> Option<u64> {
        self.unique.get(name)?.get(value.to_lowercase().as_str()).copied()
    }

    /// Makes this the record's newest version and gives back the one it replaces.
    pub(super) fn put(&mut self, version: Arc<Version>) -> Option<Arc<Version>> {
        self.hold(&version);
        let replaced = self.live.insert(version.id, version.clone());
        if let Some(replaced) = &replaced {
            let kept = self.held(&version);
            for (name, value) in self.held(replaced) {
                if !kept.contains(&(name.clone(), value.clone())) {
                    self.release(&name, &value, version.id);
                }
            }
        }
        replaced
    }

    /// Takes the record out of the live ones.
    pub(super) fn take(&mut self, id: u64) -> Option<Arc<Version>> {
        let version = self.live.remove(&id)?;
        for (name, value) in self.held(&version) {
            self.release(&name, &value, id);
        }
        self.index.forget(id);
        Some(version)
    }

    /// Learns anew who holds which value: after loading, and when a property came back.
    pub(super) fn hold_all(&mut self) {
        self.unique.clear();
        let versions: Vec<Arc<Version>> = self.live.values().cloned().collect();
        for version in versions {
            self.hold(&version);
        }
    }

    /// The record that an id leads to, through merges.
    pub(super) fn survivor(&self, mut id: u64) -> u64 {
        while let Some(next) = self.merged.get(&id) {
            id = *next;
        }
        id
    }

    fn hold(&mut self, version: &Version) {
        for (name, value) in self.held(version) {
            self.unique.entry(name).or_default().insert(value, version.id);
        }
    }

    fn release(&mut self, name: &str, value: &str, id: u64) {
        if let Some(holders) = self.unique.get_mut(name)
            && holders.get(value) == Some(&id)
        {
            holders.remove(value);
        }
    }

    /// The unique values of a version, in lower case.
    fn held(&self, version: &Version) -> Vec<(Arc<str>, Box<str>)> {
        let mut held = Vec::new();
        for (name, value) in &version.values.0 {
            if self.is_unique(name) {
                held.push((name.clone(), value.to_lowercase().into()));
            } else if &**name == "hs_additional_emails" {
                let addresses = value.split(';').filter(|address| !address.is_empty());
                held.extend(addresses.map(|address| (Arc::from("email"), address.trim().to_lowercase().into())));
            }
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s5_the_searchable_phone_number_has_no_country_code() {
        assert_eq!(searchable_phone("+1 (617) 555-0101").as_deref(), Some("6175550101"));
        assert_eq!(searchable_phone("+49 711 5550101").as_deref(), Some("7115550101"));
        assert_eq!(searchable_phone("0711 5550101").as_deref(), Some("07115550101"));
        assert_eq!(searchable_phone("unknown"), None);
    }
}
