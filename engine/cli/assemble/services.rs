//! The services that a project's flows use: opened, and asked for the objects that flows name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use runtime::Connections;
use runtime::budgets::Caps;
use runtime::connections::Opened;
use sdk::budget::{Tally, paid_from};
use sdk::{
    Catalog, Class, Clock, Connection, ConnectionName, ConnectorFacts, Error, FlowId, ObjectSchema, Redactor, Secret,
    SystemClock,
};
use text::Diagnostic;

use super::configured::{self, Environment, Ready};
use super::shares;
use super::told::{Described, Trouble};
use super::understood::Understood;

/// An object of a connection.
pub type Use = (ConnectionName, String);

/// Open connections, and what was discovered there.
pub struct Services {
    /// Mistakes in how connections are configured.
    pub diagnostics: Vec<Diagnostic>,
    described: BTreeMap<ConnectionName, Described>,
    /// What no log may show.
    secrets: Vec<Secret>,
    facts: BTreeMap<ConnectionName, ConnectorFacts>,
    /// The names of all connectors.
    connectors: Vec<String>,
    open: BTreeMap<ConnectionName, Arc<dyn Connection>>,
    /// What was spent of each service's limits.
    tallies: BTreeMap<ConnectionName, Arc<Tally>>,
    /// How much of each service's limits may be used.
    caps: BTreeMap<ConnectionName, Caps>,
    /// What flows can do with the objects of each.
    offers: BTreeMap<ConnectionName, Vec<sdk::Offer>>,
    /// Connections that cannot be opened, and why.
    broken: BTreeMap<ConnectionName, String>,
    /// Those among them of which no diagnostic tells.
    unopened: Vec<String>,
    discovered: BTreeMap<Use, Result<ObjectSchema, Error>>,
}

/// What is asked again once its services have time for us.
pub struct PutOff {
    /// What was not answered.
    pub uses: BTreeSet<Use>,
    /// The longest that one of them asked us to wait.
    pub wait: Duration,
    /// What they said, once for each sentence.
    pub told: BTreeSet<String>,
}

/// How long a service is left alone that does not say how long.
const UNSAID: Duration = Duration::from_secs(5);
/// A service that says less is asked again no sooner.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// How long a service wants to be left alone; `None` for what does not pass so soon by itself, such as a day's quota.
fn asked_to_wait(error: &Error) -> Option<Duration> {
    let wait = match error.class {
        Class::RateLimited => error.retry_after.unwrap_or(UNSAID),
        Class::QuotaExhausted => error.retry_after?,
        Class::Transient
        | Class::Auth
        | Class::Forbidden { .. }
        | Class::NotFound
        | Class::Conflict
        | Class::Invalid
        | Class::Permanent => return None,
    };
    Some(wait.max(SHORTEST_WAIT))
}

impl Services {
    /// Opens every connection among `uses`, and discovers, all at the same time, every object.
    pub async fn open(understood: &Understood, uses: BTreeSet<Use>, environment: &Environment, folder: &Path) -> Self {
        let mut services = Self {
            diagnostics: Vec::new(),
            described: BTreeMap::new(),
            secrets: Vec::new(),
            facts: BTreeMap::new(),
            connectors: understood.connectors.names(),
            open: BTreeMap::new(),
            tallies: BTreeMap::new(),
            caps: shares::caps(&understood.project),
            offers: BTreeMap::new(),
            broken: BTreeMap::new(),
            unopened: Vec::new(),
            discovered: BTreeMap::new(),
        };
        services.open_more(understood, &uses, environment, folder);
        services.discover(uses, &Connections::default()).await;
        services
    }

    /// Opens what is not open of the connections among `uses`, and gives what it opened. Mistakes are those of this
    /// time.
    pub fn open_more(
        &mut self,
        understood: &Understood,
        uses: &BTreeSet<Use>,
        environment: &Environment,
        folder: &Path,
    ) -> Vec<ConnectionName> {
        self.diagnostics.clear();
        self.unopened.clear();
        // Of one that is gone nothing is known any more, unless it is open.
        let is_there = |name: &ConnectionName| {
            self.open.contains_key(name) || understood.connections.iter().any(|one| one.name.value == *name)
        };
        self.facts.retain(|name, _| is_there(name));
        self.broken.retain(|name, _| is_there(name));
        let mut newly_open = Vec::new();
        for definition in &understood.connections {
            if self.is_open(&definition.name.value) {
                continue;
            }
            let name = definition.name.value.clone();
            let mut described = Described::of(&understood.connectors, definition);
            self.facts.insert(name.clone(), configured::unknown_facts(definition));
            self.broken.remove(&name);
            // An action names no object, so what it is of is not among the uses.
            let acts = understood.definitions.iter().any(|flow| flow.is_enabled() && flow.acts_at(&name));
            if !acts && !uses.iter().any(|(used, _)| *used == name) {
                continue;
            }
            let (ready, diagnostics) = configured::resolve(&understood.connectors, definition, environment, folder);
            self.diagnostics.extend(diagnostics);
            if let Some(ready) = &ready {
                described = described.with(ready);
                self.secrets.extend(ready.secrets().cloned());
            }
            match ready.map(|ready| (ready.open(folder), ready)) {
                Some((Ok(connection), ready)) => {
                    newly_open.push(name.clone());
                    self.opened(name, connection, &ready);
                }
                Some((Err(error), _)) => {
                    let reason = described.unopened(&error);
                    self.unopened.push(reason.clone());
                    self.broken.insert(name.clone(), reason);
                }
                None => {
                    let reason = configured::unusable(&understood.connectors, definition);
                    self.broken.insert(name.clone(), reason);
                }
            }
            self.described.insert(definition.name.value.clone(), described);
        }
        newly_open
    }

    /// Discovers these objects, all at the same time. What an engine has at work pays for it by its budgets.
    pub async fn discover(&mut self, uses: BTreeSet<Use>, at_work: &Connections) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let asked = uses.into_iter().filter_map(|(name, object)| {
            let connection = self.open.get(&name)?.clone();
            let tally = self.tallies.get(&name)?.clone();
            let (clock, open) = (&clock, at_work.get(&name).cloned());
            Some(async move {
                let discovered = connection.discover(&object);
                let schema = match open {
                    Some(open) => open.at_once(clock, &FlowId::new(""), &object, discovered).await,
                    None => paid_from(tally, discovered).await,
                };
                ((name, object), schema)
            })
        });
        let discovered = join_all(asked.collect::<Vec<_>>()).await;
        self.discovered.extend(discovered);
    }

    /// What is to be asked again, and when; `None` where nothing is, or where that would be in vain, because something
    /// else is missing as well.
    pub fn put_off(&self) -> Option<PutOff> {
        let busy: Vec<(&Use, &Error)> =
            self.discovered.iter().filter_map(|(used, schema)| Some((used, schema.as_ref().err()?))).collect();
        let waits = busy.iter().map(|(_, error)| asked_to_wait(error)).collect::<Option<Vec<Duration>>>()?;
        let wait = waits.into_iter().max().filter(|_| self.broken.is_empty())?;
        let told = busy.iter().filter_map(|(used, error)| Some(self.trouble(used, error)?.into_words())).collect();
        Some(PutOff { uses: busy.into_iter().map(|(used, _)| used.clone()).collect(), wait, told })
    }

    /// Whether a connection is open.
    pub fn is_open(&self, name: &ConnectionName) -> bool {
        self.open.contains_key(name)
    }

    /// Whether an object was discovered.
    pub fn knows(&self, used: &Use) -> bool {
        matches!(self.discovered.get(used), Some(Ok(_)))
    }

    fn opened(&mut self, name: ConnectionName, connection: Arc<dyn Connection>, ready: &Ready) {
        let descriptor = ready.connector.descriptor();
        let facts = ConnectorFacts {
            connector: descriptor.name.to_owned(),
            min_interval: descriptor.min_interval,
            loopback: connection.is_loopback(),
            objects: connection.objects(),
        };
        self.facts.insert(name.clone(), facts);
        self.offers.insert(name.clone(), ready.connector.offers());
        self.tallies.insert(name.clone(), Arc::default());
        self.open.insert(name, connection);
    }

    /// What check must know.
    pub fn catalog(&self) -> Catalog {
        Catalog {
            connections: self.facts.clone(),
            objects: self
                .discovered
                .iter()
                .filter_map(|(used, schema)| Some((used.clone(), schema.as_ref().ok()?.clone())))
                .collect(),
            actions: self.open.iter().map(|(name, connection)| (name.clone(), connection.actions())).collect(),
            offers: self.offers.clone(),
            connectors: self.connectors.clone(),
        }
    }

    /// Why a flow that names these cannot work, if it cannot. What only a person can mend goes before what passes.
    pub fn trouble_of(&self, uses: &BTreeSet<Use>) -> Option<Trouble> {
        let troubles = uses.iter().filter_map(|used| match (self.broken.get(&used.0), self.discovered.get(used)) {
            (Some(reason), _) => Some(Trouble::Broken(reason.clone())),
            (None, Some(Err(error))) => self.trouble(used, error),
            (None, Some(Ok(_)) | None) => None,
        });
        troubles.min_by_key(|trouble| match trouble {
            Trouble::Broken(_) => 0,
            Trouble::Unfit(_) => 1,
            Trouble::Refused(_) => 2,
            Trouble::Away(_) => 3,
        })
    }

    /// What takes the connections' secrets out of whatever is kept for people.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(&self.secrets)
    }

    /// What every service said that did not answer as wished, once for each sentence.
    pub fn problems(&self) -> BTreeSet<String> {
        let refused = self.discovered.iter().filter_map(|(used, schema)| self.trouble(used, schema.as_ref().err()?));
        let told = |trouble: Trouble| match trouble {
            Trouble::Broken(_) | Trouble::Unfit(_) | Trouble::Refused(_) => trouble.into_words(),
            Trouble::Away(reason) => format!("{reason}; it is tried again"),
        };
        self.unopened.iter().cloned().chain(refused.map(told)).collect()
    }

    fn trouble(&self, (name, object): &Use, error: &Error) -> Option<Trouble> {
        Some(self.described.get(name)?.trouble(Some(object), error))
    }

    /// The open connections, for the engine.
    pub fn for_engine(&self) -> Vec<Opened> {
        self.open.keys().filter_map(|name| self.one_for_engine(name)).collect()
    }

    /// One of them.
    pub fn one_for_engine(&self, name: &ConnectionName) -> Option<Opened> {
        Some(Opened {
            connector: self.facts.get(name).map(|facts| facts.connector.clone()),
            spent: self.tallies.get(name).map(|tally| tally.spent()).unwrap_or_default(),
            caps: self.caps.get(name).cloned().unwrap_or_default(),
            service: self.open.get(name)?.clone(),
            name: name.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_soon_is_waited_for() {
        let waits = |class: Class, asked: Option<u64>| {
            asked_to_wait(&Error::new(class, "busy").retry_after(asked.map(Duration::from_secs)))
        };
        assert_eq!(waits(Class::RateLimited, Some(7)), Some(Duration::from_secs(7)));
        assert_eq!(waits(Class::RateLimited, Some(0)), Some(SHORTEST_WAIT), "else it is asked without a pause");
        assert_eq!(waits(Class::RateLimited, None), Some(UNSAID));
        assert_eq!(waits(Class::QuotaExhausted, None), None, "a day's quota is not back in a minute");
        assert_eq!(waits(Class::QuotaExhausted, Some(30)), Some(Duration::from_secs(30)));
        assert_eq!(waits(Class::Transient, Some(5)), None);
    }
}
