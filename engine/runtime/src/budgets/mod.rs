//! Budgets: how much may be asked of a remote account, over all flows and connections of it.
//!
//! Whoever asks a service takes a [`Grant`] first and makes the call with it. A grant waits until there is room in
//! every budget that the call costs, and no stretch of time ever holds more than a budget allows, as the service counts
//! ([`window`]). Flows get equal shares, runs go before polls, and polls leave a reserve to runs ([`account`]). A
//! service that refuses holds its whole account, for every flow, connection and kind of request.
//!
//! Nothing of this is stored. After a restart a day's budget seems unused, until the service's first answer says what
//! is left of it; shorter budgets are full again by the time an engine has started.

mod account;
mod parking;
#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sdk::budget::Purse;
use sdk::{Clock, ConnectionName, Cost, FlowId, Limit, LimitScope, Observed, Timestamp};
use tokio::sync::{Notify, oneshot};

use account::{Account, LaneKey, Places, Told, WindowKey};
use window::{Moment, Window, millis};

pub use parking::Parking;

/// How many requests of runs may be under way at one connection.
const REQUESTS_IN_FLIGHT: usize = 16;

/// Who asks, for what, and what it costs.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Of which connection.
    pub connection: ConnectionName,
    /// For which flow.
    pub flow: FlowId,
    /// For what.
    pub kind: Kind,
    /// About which object; empty for none.
    pub object: String,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A run's write.
    Write,
    /// A run's look-up.
    Find,
    /// A flow's trigger.
    Poll,
}

impl Kind {
    fn is_poll(self) -> bool {
        match self {
            Self::Poll => true,
            Self::Write | Self::Find => false,
        }
    }
}

/// There is no room for so long that it is not worth waiting here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    /// After this time it is worth asking again.
    pub wait: Duration,
    /// Whether the engine stops; else there is no room.
    pub is_closed: bool,
}

impl Later {
    fn after(wait: u64) -> Self {
        Self { wait: Duration::from_millis(wait), is_closed: false }
    }

    fn closed() -> Self {
        Self { wait: Duration::ZERO, is_closed: true }
    }

    /// Why, in one sentence.
    pub fn reason(&self) -> &'static str {
        match self.is_closed {
            true => "the engine stopped before it was this request's turn",
            false => "the service's budget leaves no room for now",
        }
    }
}

/// Everybody's budgets. Cheap to clone.
#[derive(Clone, Default)]
pub struct Budgets(Arc<Shared>);

#[derive(Default)]
struct Shared {
    books: Mutex<Books>,
    /// Whoever holds this among those who wait looks at the clock for all of them.
    watch: tokio::sync::Mutex<()>,
    /// Something changed that time alone did not.
    changed: Notify,
}

#[derive(Default)]
struct Books {
    /// By the service's id where it is known, else by the connection's name.
    accounts: BTreeMap<String, Account>,
    connections: BTreeMap<ConnectionName, Known>,
    places: Places,
    now: Steady,
    is_closed: bool,
}

/// What is known of a connection.
struct Known {
    limits: Vec<Limit>,
    account: String,
    is_learned: bool,
}

/// A clock that never goes back, made of one that may.
#[derive(Default)]
struct Steady {
    last: Option<Timestamp>,
    elapsed: Moment,
}

impl Steady {
    fn at(&mut self, now: Timestamp) -> Moment {
        let last = self.last.replace(now).unwrap_or(now);
        self.elapsed += millis(now.since(last));
        self.elapsed
    }
}

impl Budgets {
    /// Keeps a connection's budgets from now on. Until its account is known it is taken for one of its own.
    pub fn open(&self, connection: &ConnectionName, limits: Vec<Limit>) {
        let mut books = self.books();
        let account = format!("connection {connection}");
        let known = Known { limits, account, is_learned: false };
        books.add_windows(connection, &known);
        books.places.insert(connection.clone(), REQUESTS_IN_FLIGHT);
        books.connections.insert(connection.clone(), known);
    }

    /// Whose account a connection speaks for. Connections of one account share what it may ask from now on, and what
    /// each of them used so far.
    pub fn learn(&self, connection: &ConnectionName, account: &str) {
        let mut books = self.books();
        let Some(known) = books.connections.get_mut(connection).filter(|known| !known.is_learned) else { return };
        known.is_learned = true;
        let shared = format!("account {account}");
        let alone = std::mem::replace(&mut known.account, shared.clone());
        if let Some(alone) = books.accounts.remove(&alone) {
            books.accounts.entry(shared).or_default().absorb(alone);
        }
        drop(books);
        self.0.changed.notify_one();
    }

    /// Waits for room, in a fair order; answers at once where it would take long.
    pub async fn take(&self, clock: &Arc<dyn Clock>, asker: Asker, costs: Vec<Cost>) -> Result<Grant, Later> {
        let takes_place = !asker.kind.is_poll();
        let taken = self.wait(clock, &asker, costs, takes_place).await?;
        Ok(Grant(Arc::new(Paying {
            budgets: self.clone(),
            clock: clock.clone(),
            asker,
            spending: Mutex::new(Spending { taken: vec![taken] }),
        })))
    }

    async fn wait(
        &self,
        clock: &Arc<dyn Clock>,
        asker: &Asker,
        costs: Vec<Cost>,
        takes_place: bool,
    ) -> Result<Taken, Later> {
        let (tell, mut told) = oneshot::channel();
        {
            let mut books = self.books();
            if books.is_closed {
                return Err(Later::closed());
            }
            let units = books.units(asker, &costs);
            let Asker { connection, flow, kind, .. } = asker;
            let lane = LaneKey { kind: *kind, flow: flow.clone(), connection: connection.clone(), takes_place, units };
            if let Some(account) = books.account(connection) {
                account.enqueue(lane, Waiting { tell, costs });
            }
        }
        self.pump(clock);
        tokio::select! {
            biased;
            // Nobody who waits is forgotten, so a channel that closed means that its connection was never opened.
            told = &mut told => told.unwrap_or(Err(Later::closed())),
            never = self.keep_time(clock) => match never {},
        }
    }

    /// Looks at the clock for all who wait, until whoever does is told.
    async fn keep_time(&self, clock: &Arc<dyn Clock>) -> Infallible {
        let _watch = self.0.watch.lock().await;
        loop {
            let wait = self.pump(clock);
            tokio::select! {
                biased;
                () = self.0.changed.notified() => {}
                () = async { match wait { Some(wait) => clock.sleep(wait).await, None => std::future::pending().await } } => {}
            }
        }
    }
}
