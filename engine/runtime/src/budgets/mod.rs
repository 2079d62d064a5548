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
mod caps;
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

pub use caps::Caps;
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
    /// Keeps a connection's budgets from now on, of which so much was spent just before. Until its account is known it
    /// is taken for one of its own.
    pub fn open(&self, connection: &ConnectionName, limits: Vec<Limit>, spent: &[Cost]) {
        let mut books = self.books();
        let account = format!("connection {connection}");
        let known = Known { limits, account, is_learned: false };
        books.places.insert(connection.clone(), REQUESTS_IN_FLIGHT);
        books.connections.insert(connection.clone(), known);
        let nobody =
            Asker { connection: connection.clone(), flow: FlowId::from(""), kind: Kind::Write, object: String::new() };
        for (key, units) in books.lane(&nobody, spent, false).units {
            if let Some(window) = books.account(connection).and_then(|account| account.windows.get_mut(&key)) {
                window.take(units);
                window.answered(0, units);
            }
        }
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
        let taken = self.wait(clock, &asker, &costs, takes_place).await?;
        let taken = Mutex::new(vec![taken]);
        Ok(Grant(Arc::new(Paying { budgets: self.clone(), clock: clock.clone(), asker, taken })))
    }

    /// The service refused a request: nobody asks for what costs of this limit, or for anything of the account where
    /// it did not say which limit was reached, until so much time has passed.
    pub fn penalise(&self, clock: &dyn Clock, asker: &Asker, limit: Option<&str>, wait: Duration) {
        let mut books = self.books();
        let until = books.now.at(clock.now()).saturating_add(millis(wait));
        let key = limit.and_then(|limit| books.window_key(asker, limit));
        let Some(account) = books.account(&asker.connection) else { return };
        match key.and_then(|key| account.windows.get_mut(&key)) {
            Some(window) => window.hold(until),
            None => account.hold(until),
        }
        drop(books);
        self.0.changed.notify_one();
    }

    /// Leave to ask something without waiting, which is counted all the same.
    pub fn take_unasked(&self, clock: &Arc<dyn Clock>, asker: Asker) -> Grant {
        let taken = Mutex::default();
        let asker = Asker { kind: Kind::Write, ..asker };
        Grant(Arc::new(Paying { budgets: self.clone(), clock: clock.clone(), asker, taken }))
    }

    /// Sends everyone who waits away, and whoever comes: the engine stops.
    pub fn close(&self) {
        self.books().is_closed = true;
        self.0.changed.notify_one();
    }

    async fn wait(
        &self,
        clock: &Arc<dyn Clock>,
        asker: &Asker,
        costs: &[Cost],
        takes_place: bool,
    ) -> Result<Taken, Later> {
        let (waiting, mut told) = oneshot::channel();
        {
            let mut books = self.books();
            let lane = books.lane(asker, costs, takes_place);
            if let Some(account) = books.account(&asker.connection) {
                account.enqueue(lane, waiting);
            }
        }
        self.pump(clock);
        tokio::select! {
            biased;
            // Whoever waits is told, so a channel that closed belongs to a connection that was never opened.
            told = &mut told => told.unwrap_or(Err(Later::closed())),
            never = self.keep_time(clock) => match never {},
        }
    }

    /// Looks at the clock for all who wait, one of them at a time, until it is told itself.
    async fn keep_time(&self, clock: &Arc<dyn Clock>) -> Infallible {
        let _watch = self.0.watch.lock().await;
        loop {
            let wait = self.pump(clock);
            let room = async {
                match wait {
                    Some(wait) => clock.sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.0.changed.notified() => {}
                () = room => {}
            }
        }
    }

    /// Tells whoever may go, and says in what time there may be room for another.
    fn pump(&self, clock: &Arc<dyn Clock>) -> Option<Duration> {
        let mut told = Told::default();
        let now = {
            let Books { accounts, places, now, is_closed, .. } = &mut *self.books();
            let now = now.at(clock.now());
            for account in accounts.values_mut() {
                match is_closed {
                    true => account.close(&mut told),
                    false => account.pump(now, places, &mut told),
                }
            }
            now
        };
        for (lane, waiting) in told.go {
            // Where nobody waits any more, what was taken is given back as it is dropped here.
            let _ = waiting.send(Ok(Taken::new(self, clock, lane)));
        }
        for (later, waiting) in told.later {
            let _ = waiting.send(Err(later));
        }
        told.look_at.map(|at| Duration::from_millis(at.saturating_sub(now).max(1)))
    }

    /// Takes without asking whether there is room.
    fn take_anyway(&self, clock: &Arc<dyn Clock>, asker: &Asker, costs: &[Cost]) -> Taken {
        let mut books = self.books();
        let lane = books.lane(asker, costs, false);
        if let Some(account) = books.account(&asker.connection) {
            account.take(&lane);
        }
        Taken::new(self, clock, lane)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn account(&mut self, connection: &ConnectionName) -> Option<&mut Account> {
        let known = self.connections.get(connection)?;
        Some(self.accounts.entry(known.account.clone()).or_default())
    }

    /// Which window a limit is for whoever asks; made where it is new.
    fn window_key(&mut self, asker: &Asker, limit: &str) -> Option<WindowKey> {
        let known = self.connections.get(&asker.connection)?;
        let limit = known.limits.iter().find(|known| known.name == limit)?.clone();
        let of = match limit.scope {
            LimitScope::Account => String::new(),
            LimitScope::Connection => asker.connection.to_string(),
            LimitScope::Resource => asker.object.clone(),
        };
        let key = WindowKey { limit: limit.name.clone(), of };
        let account = self.account(&asker.connection)?;
        // Two connections of one account may be told different tiers of it; the smaller one is safe.
        account
            .windows
            .entry(key.clone())
            .and_modify(|known| known.narrow(&limit))
            .or_insert_with(|| Window::new(&limit));
        Some(key)
    }

    fn lane(&mut self, asker: &Asker, costs: &[Cost], takes_place: bool) -> LaneKey {
        let mut units: Vec<(WindowKey, u64)> = Vec::new();
        for cost in costs {
            if let Some(key) = self.window_key(asker, &cost.limit) {
                units.push((key, cost.units));
            }
        }
        let Asker { connection, flow, kind, .. } = asker;
        LaneKey { kind: *kind, flow: flow.clone(), connection: connection.clone(), takes_place, units }
    }
}

/// What was taken. Dropped, what was sent of it counts from then on until its time is over, and the rest is there
/// again.
struct Taken {
    budgets: Budgets,
    clock: Arc<dyn Clock>,
    lane: LaneKey,
    /// How much of each was sent, in the lane's order.
    sent: Vec<u64>,
}

impl Taken {
    fn new(budgets: &Budgets, clock: &Arc<dyn Clock>, lane: LaneKey) -> Self {
        let sent = vec![0; lane.units.len()];
        Self { budgets: budgets.clone(), clock: clock.clone(), lane, sent }
    }

    /// What was sent is answered.
    fn settle(&mut self) {
        let mut books = self.budgets.books();
        let now = books.now.at(self.clock.now());
        let Some(account) = books.account(&self.lane.connection) else { return };
        for ((key, left), sent) in self.lane.units.iter_mut().zip(&mut self.sent) {
            if let Some(window) = account.windows.get_mut(key) {
                window.answered(now, *sent);
            }
            *left -= std::mem::take(sent);
        }
    }

    /// Pays as much of this as is left, and says what is not paid.
    fn pay(&mut self, cost: &Cost) -> u64 {
        let mut owed = cost.units;
        for ((key, units), sent) in self.lane.units.iter().zip(&mut self.sent) {
            if key.limit == cost.limit {
                let paid = owed.min(units - *sent);
                *sent += paid;
                owed -= paid;
            }
        }
        owed
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.settle();
        let mut books = self.budgets.books();
        if let Some(account) = books.account(&self.lane.connection) {
            for (key, left) in &self.lane.units {
                if let Some(window) = account.windows.get_mut(key) {
                    window.give_back(*left);
                }
            }
        }
        if self.lane.takes_place
            && let Some(places) = books.places.get_mut(&self.lane.connection)
        {
            *places += 1;
        }
        drop(books);
        self.budgets.0.changed.notify_one();
    }
}

/// Leave to make one call. Dropped once its answer is there, or once it turns out not to be needed.
#[must_use = "what was taken counts until the grant is dropped"]
pub struct Grant(Arc<Paying>);

impl Grant {
    /// Makes the call.
    pub async fn spend<T>(&self, call: impl Future<Output = T>) -> T {
        sdk::budget::paid_from(self.0.clone(), call).await
    }
}

/// A call's purse.
struct Paying {
    budgets: Budgets,
    clock: Arc<dyn Clock>,
    asker: Asker,
    taken: Mutex<Vec<Taken>>,
}

impl Paying {
    fn taken(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pay_from_taken(&self, costs: &[Cost]) -> Vec<Cost> {
        let mut taken = self.taken();
        let owed = costs.iter().map(|cost| {
            let units =
                taken.iter_mut().fold(cost.units, |owed, taken| taken.pay(&Cost { units: owed, ..cost.clone() }));
            Cost { units, ..cost.clone() }
        });
        owed.filter(|cost| cost.units > 0).collect()
    }
}

#[async_trait]
impl Purse for Paying {
    async fn pay(&self, costs: &[Cost]) {
        // Else a look-up of many pages would wait for what it holds itself.
        self.taken().iter_mut().for_each(Taken::settle);
        let owed = self.pay_from_taken(costs);
        if owed.is_empty() {
            return;
        }
        let more = match self.asker.kind {
            // Its row says `sent` by now, so it does not wait.
            Kind::Write => self.budgets.take_anyway(&self.clock, &self.asker, &owed),
            Kind::Find | Kind::Poll => match self.budgets.wait(&self.clock, &self.asker, &owed, false).await {
                Ok(more) => more,
                // Half of a look-up is of no use to anyone, so it goes on; the service has the last word.
                Err(_) => self.budgets.take_anyway(&self.clock, &self.asker, &owed),
            },
        };
        self.taken().push(more);
        self.pay_from_taken(&owed);
    }

    fn observed(&self, limit: &str, observed: Observed) {
        let mut books = self.budgets.books();
        let now = books.now.at(self.clock.now());
        let key = books.window_key(&self.asker, limit);
        if let Some(key) = key
            && let Some(window) =
                books.account(&self.asker.connection).and_then(|account| account.windows.get_mut(&key))
        {
            window.observe(now, observed);
        }
    }
}
