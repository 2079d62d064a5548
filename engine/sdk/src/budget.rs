//! Budgets: how much a service lets us ask, and what each call takes of it.
//!
//! A connection declares its [`Limit`]s and what an [`Ask`] costs at most. Whoever calls it takes so much first, and
//! makes the call within [`paid_from`] a [`Purse`]. The connection then [`pay`]s for each request as it leaves, and
//! tells with [`observed`] what the service says is left, so that nothing is counted that was not sent, and nothing
//! sent that was not counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::{ActionCall, Find, PollRequest, WalkRequest, Write};

/// A budget: never more than so many units within any stretch of this length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name, as costs have it.
    pub name: String,
    /// Whose it is.
    pub scope: LimitScope,
    /// So many units.
    pub max: u64,
    /// In this time.
    pub per: Duration,
    /// What polls leave to writes, in percent.
    pub reserve: u64,
}

/// Whose a budget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// The remote account's, whoever uses it.
    Account,
    /// One connection's, by its credentials.
    Connection,
    /// One resource's.
    Resource,
}

/// So much of one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The budget's name.
    pub limit: String,
    /// How much.
    pub units: u64,
}

/// The requests of something, and what they take of the budgets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many requests leave.
    pub requests: u64,
    /// What they cost together, each limit once.
    pub costs: Vec<Cost>,
}

/// What something asks of a service, as far as that is known before it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Where it goes as quickly as it can: an upsert that finds its record.
    pub least: Calls,
    /// Where it takes every request that it usually may: an upsert that has to make one.
    pub most: Calls,
}

/// What a service said of a budget when it answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// So many units are left.
    pub remaining: Option<u64>,
    /// After this time all are there again.
    pub reset_in: Option<Duration>,
}

/// What is about to be asked of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// What time it is there.
    ServerTime,
    /// One page.
    Poll(&'a PollRequest),
    /// One page of a walk over all records.
    Walk(&'a WalkRequest),
    /// One record of this object by its id.
    Get(&'a str),
    /// A look-up. What it needs beyond its first request is paid as it goes.
    Find(&'a Find),
    /// A write, with every request that it usually takes: one that looks first also has its look-up here.
    Write(&'a Write),
    /// A declared action.
    Act(&'a ActionCall),
}

impl Ask<'_> {
    /// The object it is about.
    pub fn object(&self) -> Option<&str> {
        match self {
            Self::ServerTime | Self::Act(_) => None,
            Self::Poll(request) => Some(&request.object),
            Self::Walk(request) => Some(&request.object),
            Self::Get(object) => Some(object),
            Self::Find(find) => Some(&find.object),
            Self::Write(write) => Some(&write.object),
        }
    }
}

impl Calls {
    /// One request of this cost.
    pub fn one(costs: Vec<Cost>) -> Self {
        Self { requests: 1, costs }
    }

    /// Both, one after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { requests: self.requests + other.requests, costs: sum(self.costs.into_iter().chain(other.costs)) }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        let costs = self.costs.into_iter().map(|cost| Cost { units: cost.units.saturating_mul(n), ..cost });
        Self { requests: self.requests.saturating_mul(n), costs: costs.collect() }
    }
}

impl Expected {
    /// Always these.
    pub fn always(calls: Calls) -> Self {
        Self { least: calls.clone(), most: calls }
    }
}

/// What a call was given to spend.
#[async_trait]
pub trait Purse: Send + Sync {
    /// Pays for one request that is about to leave, out of what was taken for the call, and beyond that once there is
    /// room. Requests of one call go one after the other: those that were paid before are answered by now.
    async fn pay(&self, costs: &[Cost]);

    /// Notes what the service says is left.
    fn observed(&self, limit: &str, observed: Observed);
}

/// A purse without a bottom, which only notes what is spent: for calls before there is anyone who keeps budgets.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Vec<Cost>>);

impl Tally {
    /// What was spent so far.
    pub fn spent(&self) -> Vec<Cost> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Purse for Tally {
    async fn pay(&self, costs: &[Cost]) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *spent = sum(spent.drain(..).chain(costs.iter().cloned()));
    }

    fn observed(&self, _: &str, _: Observed) {}
}

tokio::task_local! {
    // Beside the call instead of in every signature: a purse is no business of what happens between an action and its
    // request, and a connection without limits never hears of it.
    static PURSE: Arc<dyn Purse>;
}

/// Makes a call whose requests are paid from this purse.
pub async fn paid_from<T>(purse: Arc<dyn Purse>, call: impl Future<Output = T>) -> T {
    PURSE.scope(purse, call).await
}

/// Pays for a request. Outside of [`paid_from`] requests are free: somebody at a terminal asks, and few of them.
pub async fn pay(costs: &[Cost]) {
    if let Ok(purse) = PURSE.try_with(Arc::clone) {
        purse.pay(costs).await;
    }
}

/// Tells what the service says is left of a limit.
pub fn observed(limit: &str, observed: Observed) {
    if let Ok(purse) = PURSE.try_with(Arc::clone) {
        purse.observed(limit, observed);
    }
}

/// All of these costs together, each limit once.
pub fn sum(costs: impl IntoIterator<Item = Cost>) -> Vec<Cost> {
    combined(costs, u64::saturating_add)
}

/// As much as the dearest of these takes of each limit.
pub fn dearest(costs: impl IntoIterator<Item = Cost>) -> Vec<Cost> {
    combined(costs, u64::max)
}

fn combined(costs: impl IntoIterator<Item = Cost>, combine: fn(u64, u64) -> u64) -> Vec<Cost> {
    let mut all: Vec<Cost> = Vec::new();
    for cost in costs {
        match all.iter_mut().find(|known| known.limit == cost.limit) {
            Some(known) => known.units = combine(known.units, cost.units),
            None => all.push(cost),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Noted(Mutex<Vec<String>>);

    #[async_trait]
    impl Purse for Noted {
        async fn pay(&self, costs: &[Cost]) {
            let paid = costs.iter().map(|cost| format!("{} {}", cost.units, cost.limit));
            self.0.lock().unwrap().extend(paid);
        }

        fn observed(&self, limit: &str, observed: Observed) {
            self.0.lock().unwrap().push(format!("{limit}: {:?} left", observed.remaining));
        }
    }

    fn cost(limit: &str, units: u64) -> Cost {
        Cost { limit: limit.to_owned(), units }
    }

    #[tokio::test]
    async fn a_call_pays_from_the_purse_it_was_given_and_from_no_other() {
        let purse = Arc::new(Noted::default());
        pay(&[cost("day", 7)]).await;
        let answer = paid_from(purse.clone(), async {
            pay(&[cost("day", 1), cost("second", 2)]).await;
            observed("day", Observed { remaining: Some(9), reset_in: None });
            "answer"
        });
        assert_eq!(answer.await, "answer");
        pay(&[cost("day", 8)]).await;
        assert_eq!(*purse.0.lock().unwrap(), ["1 day", "2 second", "day: Some(9) left"]);
    }

    #[tokio::test]
    async fn a_tally_adds_up_what_is_spent() {
        let tally = Arc::new(Tally::default());
        for units in [1, 2] {
            paid_from(tally.clone(), async { pay(&[cost("day", units), cost("second", 1)]).await }).await;
        }
        assert_eq!(tally.spent(), [cost("day", 3), cost("second", 2)]);
    }

    #[test]
    fn costs_are_added_up_or_the_dearest_taken() {
        let costs = || [cost("day", 1), cost("second", 2), cost("day", 3)];
        assert_eq!(sum(costs()), [cost("day", 4), cost("second", 2)]);
        assert_eq!(dearest(costs()), [cost("day", 3), cost("second", 2)]);
    }
}
