//! What time it is at a service, as far as its answers told.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

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
    /// Takes in what an answer said, and says whether the clocks stand too far apart, which they did not before.
    pub fn learn(&self, clock: &dyn Clock, server_time: Timestamp) -> bool {
        let ahead = server_time.millis().saturating_sub(clock.now().millis());
        let before = self.ahead_millis.lock().unwrap_or_else(PoisonError::into_inner).replace(ahead);
        is_far(ahead) && !before.is_some_and(is_far)
    }

    /// The service's time now; `None` before its first answer.
    pub fn estimate(&self, clock: &dyn Clock) -> Option<Timestamp> {
        let ahead = (*self.ahead_millis.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(Timestamp::from_millis(clock.now().millis().saturating_add(ahead)))
    }
}

/// Beyond this a person should look at the clocks, although nothing is lost by it.
const FAR_APART: Duration = Duration::from_secs(600);

fn is_far(ahead_millis: i64) -> bool {
    u128::from(ahead_millis.unsigned_abs()) > FAR_APART.as_millis()
}
