//! Time as a capability: whoever holds the clock owns time, and a simulation holds its own.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::Timestamp;

/// Where the engine and its connectors learn the time and wait.
pub trait Clock: Send + Sync + 'static {
    /// The time of day by this machine, which may be wrong and may jump.
    fn now(&self) -> Timestamp;

    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
