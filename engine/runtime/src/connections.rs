//! The open connections of a project, with what the engine learned of each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sdk::{Connection, ConnectionName, Redactor, Timestamp};

use crate::server_clock::ServerClock;

/// How many requests may be under way at one connection.
const REQUESTS_IN_FLIGHT: usize = 16;

/// One open connection.
pub struct OpenConnection {
    /// Its name.
    pub name: ConnectionName,
    /// What speaks to the service.
    pub service: Arc<dyn Connection>,
    /// What time it is there.
    pub server_clock: ServerClock,
    /// Bounds requests in flight.
    pub permits: tokio::sync::Semaphore,
    held: Mutex<Held>,
}

/// What the service told us to do less of, and what we last did there.
#[derive(Default)]
struct Held {
    until: Option<Timestamp>,
    last_write_at: Option<Timestamp>,
}

impl OpenConnection {
    /// Opens a connection under its name.
    pub fn new(name: ConnectionName, service: Arc<dyn Connection>) -> Self {
        Self {
            name,
            service,
            server_clock: ServerClock::default(),
            permits: tokio::sync::Semaphore::new(REQUESTS_IN_FLIGHT),
            held: Mutex::default(),
        }
    }

    /// No write leaves before `until`: the service said that it has had enough.
    pub fn penalise(&self, until: Timestamp) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.until = held.until.max(Some(until));
    }

    /// Until when writes wait, if they do at `now`.
    pub fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).until.filter(|until| *until > now)
    }

    /// Notes that something was written at `now`.
    pub fn wrote(&self, now: Timestamp) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).last_write_at = Some(now);
    }

    /// When this process last wrote there.
    pub fn last_write_at(&self) -> Option<Timestamp> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).last_write_at
    }
}

/// All open connections by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Connections {
    open: Arc<BTreeMap<ConnectionName, Arc<OpenConnection>>>,
    redactor: Arc<Redactor>,
}

impl Connections {
    /// From the connections that were opened.
    pub fn new(open: impl IntoIterator<Item = (ConnectionName, Arc<dyn Connection>)>) -> Self {
        let open = open.into_iter().map(|(name, service)| (name.clone(), Arc::new(OpenConnection::new(name, service))));
        Self { open: Arc::new(open.collect()), redactor: Arc::default() }
    }

    /// The same, with what knows their secrets: nothing that is kept for people may contain one.
    #[must_use]
    pub fn redacted_by(self, redactor: Redactor) -> Self {
        Self { redactor: Arc::new(redactor), ..self }
    }

    /// What takes the connections' secrets out of a text.
    pub fn redactor(&self) -> Arc<Redactor> {
        self.redactor.clone()
    }

    /// The connection of that name.
    pub fn get(&self, name: &ConnectionName) -> Option<&Arc<OpenConnection>> {
        self.open.get(name)
    }
}
