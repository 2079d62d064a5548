//! Simulated time: the service's true clock, and ours, which stands apart from it and may jump.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sdk::{Clock, Ids, RunId, Timestamp};

/// Both clocks of a world. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WorldClock(Arc<Clocks>);

#[derive(Debug)]
struct Clocks {
    true_millis: AtomicI64,
    local_skew_millis: AtomicI64,
}

impl WorldClock {
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Clocks { true_millis: AtomicI64::new(start.millis()), local_skew_millis: AtomicI64::new(0) }))
    }

    /// The service's time.
    pub fn true_now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.true_millis.load(Ordering::Relaxed))
    }

    pub fn advance(&self, by: Duration) {
        self.0.true_millis.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// How far our clock stands ahead of the service's.
    pub fn set_local_skew(&self, millis: i64) {
        self.0.local_skew_millis.store(millis, Ordering::Relaxed);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.true_now().millis() + self.0.local_skew_millis.load(Ordering::Relaxed))
    }

    /// Nobody else is at work, so waiting is moving on.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.advance(duration);
        Box::pin(std::future::ready(()))
    }
}

/// Run ids in a row.
#[derive(Debug, Default)]
pub struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn run_id(&self) -> RunId {
        RunId(uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1)))
    }
}
