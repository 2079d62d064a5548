//! What time it is at a service, as far as its answers told.

use std::sync::Mutex;
use std::sync::PoisonError;

use sdk::{Clock, Timestamp};

/// The difference between a service's clock and ours, learned from its answers.
///
/// An estimate decides only how far back a pass reads, never where a flow starts nor how far its watermark moves: a
/// wrong one costs time, not records.
#[derive(Debug, Default)]
pub struct ServerClock {
    ahead_millis: Mutex<Option<i64>>,
}

impl ServerClock {
    /// Takes in what an answer said.
    pub fn learn(&self, clock: &dyn Clock, server_time: Timestamp) {
        let ahead = server_time.millis().saturating_sub(clock.now().millis());
        *self.ahead_millis.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
    }

    /// The service's time now; `None` before its first answer.
    pub fn estimate(&self, clock: &dyn Clock) -> Option<Timestamp> {
        let ahead = (*self.ahead_millis.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(Timestamp::from_millis(clock.now().millis().saturating_add(ahead)))
    }

    /// How far the two clocks stand apart, in milliseconds; positive where the service is ahead.
    pub fn ahead_millis(&self) -> Option<i64> {
        *self.ahead_millis.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
