//! The open connections of a project, with what the engine learned of each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sdk::budget::sum;
use sdk::{Ask, Class, Clock, Connection, ConnectionName, Cost, FlowId, Reach, Redactor, Timestamp};

use crate::budgets::{Asker, Budgets, Caps, Grant, Kind, Later};
use crate::presence::{Away, Presence};
use crate::server_clock::ServerClock;

/// How long an account is left alone that asked for less and did not say for how long.
const DEFAULT_HOLD: Duration = Duration::from_secs(1);
/// The same where a day's quota is used up: asking sooner only asks for more refusals.
const QUOTA_HOLD: Duration = Duration::from_secs(15 * 60);
/// No service holds us longer than this, whatever it says.
pub(crate) const LONGEST_HOLD: Duration = Duration::from_secs(3600);
/// How long until a service is asked again that did not say whose account it is.
const INTRODUCE_AGAIN: Duration = Duration::from_secs(60);

/// One open connection.
pub struct OpenConnection {
    /// Its name.
    pub name: ConnectionName,
    /// Which connector made it, where it may be of the same account as another.
    connector: Option<String>,
    /// What speaks to the service.
    pub service: Arc<dyn Connection>,
    /// What time it is there.
    pub server_clock: ServerClock,
    budgets: Budgets,
    presence: Presence,
    last_write_at: Mutex<Option<Timestamp>>,
    introduction: tokio::sync::Mutex<Introduction>,
}

/// Whether we know whose account it is.
enum Introduction {
    /// We do, or nothing depends on it.
    Done,
    /// Another connection of this connector may be of the same account. It is asked from this moment on.
    Due { connector: String, at: Timestamp },
}

impl OpenConnection {
    /// A connection alone, of an account of its own.
    pub fn new(name: ConnectionName, service: Arc<dyn Connection>) -> Self {
        Self::within(
            Budgets::default(),
            &Opened { name, connector: None, spent: Vec::new(), caps: Caps::default(), service },
            Introduction::Done,
        )
    }

    fn within(budgets: Budgets, opened: &Opened, introduction: Introduction) -> Self {
        let Opened { name, connector, service, spent, caps } = opened;
        let limits = service.limits().into_iter().map(|limit| caps.applied_to(limit)).collect();
        budgets.open(name, limits, spent);
        Self {
            name: name.clone(),
            connector: connector.clone(),
            service: service.clone(),
            server_clock: ServerClock::default(),
            budgets,
            presence: Presence::default(),
            last_write_at: Mutex::default(),
            introduction: tokio::sync::Mutex::new(introduction),
        }
    }

    /// Waits until this may be asked: until its account's budgets have room for all of it, and it is this flow's turn.
    pub async fn take(
        &self,
        clock: &Arc<dyn Clock>,
        flow: &FlowId,
        kind: Kind,
        asks: &[Ask<'_>],
    ) -> Result<Grant, Later> {
        self.introduce(clock, flow).await;
        let costs = sum(asks.iter().flat_map(|ask| self.service.costs(ask)));
        let object = asks.iter().find_map(Ask::object).unwrap_or_default();
        self.budgets.take(clock, self.asker(flow, kind, object), costs).await
    }

    /// Asks for somebody who is not to wait: it takes no turn, and what it sends is counted all the same.
    pub async fn at_once<T>(
        &self,
        clock: &Arc<dyn Clock>,
        flow: &FlowId,
        object: &str,
        call: impl Future<Output = T>,
    ) -> T {
        self.budgets.take_unasked(clock, self.asker(flow, Kind::Find, object)).spend(call).await
    }

    /// Where a service refused to be asked so much, its account is left alone for a while by everybody. Says how long.
    pub fn refused(
        &self,
        clock: &dyn Clock,
        (flow, kind, object): (&FlowId, Kind, &str),
        error: &sdk::Error,
    ) -> Option<Duration> {
        let least = match &error.class {
            Class::RateLimited => DEFAULT_HOLD,
            Class::QuotaExhausted => QUOTA_HOLD,
            Class::Transient
            | Class::Auth
            | Class::Forbidden { .. }
            | Class::NotFound
            | Class::Conflict
            | Class::Invalid
            | Class::Permanent => return None,
        };
        let wait = error.retry_after.unwrap_or(least).clamp(DEFAULT_HOLD, LONGEST_HOLD);
        self.budgets.penalise(clock, &self.asker(flow, kind, object), error.limit.as_deref(), wait);
        crate::events::ConnectionHeld { connection: &self.name, limit: error.limit.as_deref(), wait }.emit();
        Some(wait)
    }

    /// Learns from what a call came to whether anybody is there.
    pub fn heard<T>(&self, clock: &dyn Clock, answer: &Result<T, sdk::Error>) {
        let now = clock.now();
        let back = match answer {
            Ok(_) => self.presence.answers(),
            Err(error) => match error.reach {
                Reach::Unsaid => None,
                Reach::Answered => self.presence.answers(),
                Reach::Away => {
                    if let Some(since) = self.presence.misses(now, &error.message) {
                        crate::events::ConnectionAway { connection: &self.name, since, error }.emit();
                    }
                    None
                }
            },
        };
        if let Some(since) = back {
            crate::events::ConnectionBack { connection: &self.name, away_for: now.since(since) }.emit();
        }
    }

    /// What is known while nobody answers there.
    pub fn away(&self, now: Timestamp) -> Option<Away> {
        self.presence.away(now)
    }

    /// The same, for a run that would ask in vain: nobody answers for long, and another run has asked just now.
    pub fn left_alone(&self, now: Timestamp) -> Option<Away> {
        self.presence.left_alone(now)
    }

    /// Notes that something was written at `now`.
    pub fn wrote(&self, now: Timestamp) {
        *lock(&self.last_write_at) = Some(now);
    }

    /// When this process last wrote there.
    pub fn last_write_at(&self) -> Option<Timestamp> {
        *lock(&self.last_write_at)
    }

    /// Learns whose account it is. Whoever comes meanwhile waits as well: two connections of one account could together
    /// ask too much. Where the service does not say, the connection is taken for an account of its own for a while.
    async fn introduce(&self, clock: &Arc<dyn Clock>, flow: &FlowId) {
        let mut introduction = self.introduction.lock().await;
        let now = clock.now();
        let connector = match &mut *introduction {
            Introduction::Due { connector, at } if *at <= now => {
                *at = now + INTRODUCE_AGAIN;
                connector.clone()
            }
            Introduction::Due { .. } | Introduction::Done => return,
        };
        if let Ok(account) = self.at_once(clock, flow, "", self.service.check()).await {
            self.budgets.learn(&self.name, &format!("{} of {connector}", account.id));
            *introduction = Introduction::Done;
        }
    }

    /// That another connection may be of this one's account.
    fn is_shared_now(&self) {
        // Where it is being asked already, it was shared before.
        if let (Some(connector), Ok(mut introduction)) = (&self.connector, self.introduction.try_lock())
            && matches!(*introduction, Introduction::Done)
            && !self.service.limits().is_empty()
        {
            *introduction = Introduction::Due { connector: connector.clone(), at: Timestamp::EPOCH };
        }
    }

    fn asker(&self, flow: &FlowId, kind: Kind, object: &str) -> Asker {
        Asker { connection: self.name.clone(), flow: flow.clone(), kind, object: object.to_owned() }
    }
}

/// A connection that is to be open.
pub struct Opened {
    /// Its name.
    pub name: ConnectionName,
    /// Which connector made it, where it may be of the same account as another; else it is one of its own.
    pub connector: Option<String>,
    /// What was spent there of its limits to open and discover it.
    pub spent: Vec<Cost>,
    /// The part of its account's budgets that may be used.
    pub caps: Caps,
    /// What speaks to the service.
    pub service: Arc<dyn Connection>,
}

/// All open connections by name, with the budgets of their accounts. Cheap to clone.
#[derive(Clone, Default)]
pub struct Connections {
    open: Arc<BTreeMap<ConnectionName, Arc<OpenConnection>>>,
    budgets: Budgets,
    redactor: Arc<Redactor>,
}

impl Connections {
    /// From connections of which each is an account of its own.
    pub fn new(open: impl IntoIterator<Item = (ConnectionName, Arc<dyn Connection>)>) -> Self {
        Self::opened(open.into_iter().map(|(name, service)| Opened {
            name,
            connector: None,
            spent: Vec::new(),
            caps: Caps::default(),
            service,
        }))
    }

    /// From the connections that were opened. Those of one connector are asked whose account they are.
    pub fn opened(opened: impl IntoIterator<Item = Opened>) -> Self {
        Self::default().and(opened)
    }

    /// These connections, and others beside them.
    #[must_use]
    pub fn and(&self, opened: impl IntoIterator<Item = Opened>) -> Self {
        let all: Vec<Opened> = opened.into_iter().collect();
        let budgets = self.budgets.clone();
        let mut open = (*self.open).clone();
        for opened in &all {
            let Opened { name, connector, service, .. } = opened;
            let older = self.open.values().filter(|other| connector.is_some() && other.connector == *connector);
            let n_older = older.inspect(|other| other.is_shared_now()).count();
            let is_shared = n_older + all.iter().filter(|other| other.connector == *connector).count() > 1;
            let introduction = match connector {
                Some(connector) if is_shared && !service.limits().is_empty() => {
                    Introduction::Due { connector: connector.clone(), at: Timestamp::EPOCH }
                }
                Some(_) | None => Introduction::Done,
            };
            let connection = OpenConnection::within(budgets.clone(), opened, introduction);
            open.insert(name.clone(), Arc::new(connection));
        }
        Self { open: Arc::new(open), budgets, redactor: self.redactor.clone() }
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

    /// Nobody waits for leave to ask any more, and none is given: the engine stops.
    pub fn close(&self) {
        self.budgets.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
