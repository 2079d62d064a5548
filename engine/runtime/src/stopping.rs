//! The wish that a run at work stops, as its steps see it.
//!
//! Nothing that has left is cut off: a write that was sent comes to its end and is settled. What did not begin does not
//! begin any more, and whoever waits for its turn stops waiting. The wish itself is in the store; this only makes
//! haste.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sdk::faults::planted;
use tokio_util::sync::CancellationToken;

use crate::durable::Interrupt;

/// Whether a run is to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct StopWish {
    asked: CancellationToken,
    was_told: Arc<AtomicBool>,
}

impl StopWish {
    /// The run is to stop from now on.
    pub fn ask(&self) {
        if !planted("a wish to stop is heard by nobody") {
            self.asked.cancel();
        }
    }

    /// Whether this is the wish of the same attempt.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.was_told, &other.was_told)
    }

    /// Lets nothing begin in a run that is to stop.
    pub fn check(&self) -> Result<(), Interrupt> {
        if self.asked.is_cancelled() { Err(Interrupt::Stopped) } else { Ok(()) }
    }

    /// Waits for something, and not where the run is to stop.
    pub async fn or<T>(&self, wait: impl Future<Output = T>) -> Result<T, Interrupt> {
        tokio::select! {
            biased;
            () = self.asked.cancelled() => Err(Interrupt::Stopped),
            done = wait => Ok(done),
        }
    }

    /// Whether this is the first time that the run meets the wish: of a thousand items, one tells of it.
    pub fn is_first(&self) -> bool {
        !self.was_told.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn who_waits_stops_waiting_and_nothing_begins() {
        let wish = StopWish::default();
        assert!(wish.check().is_ok() && wish.or(ready(1)).now_or_never().unwrap().is_ok());
        let waits = wish.or(pending::<()>());
        let mut waits = std::pin::pin!(waits);
        assert!(waits.as_mut().now_or_never().is_none());
        wish.ask();
        assert!(matches!(waits.now_or_never(), Some(Err(Interrupt::Stopped))));
        assert!(wish.check().is_err());
        assert!(wish.or(ready(1)).now_or_never().unwrap().is_err(), "not even where its turn has come");
        assert!(wish.is_first() && !wish.is_first());
    }
}
