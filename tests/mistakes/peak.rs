//! How much memory something asks for, and how long it takes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Every test of this program holds it: what one asks for would be counted against another.
static ALONE: Mutex<()> = Mutex::new(());

/// What something took.
pub struct Took {
    /// Bytes, above what was in use before.
    pub peak: usize,
    pub time: Duration,
}

/// Waits until no other test is at work.
pub fn alone() -> MutexGuard<'static, ()> {
    // Another test that failed is no reason for this one.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something, and says what it took. Only one who is [`alone`] learns something by it.
#[expect(clippy::disallowed_methods, reason = "what is measured is how long it really takes")]
pub fn measured<T>(work: impl FnOnce() -> T) -> (T, Took) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let start = Instant::now();
    let done = work();
    let took = Took { peak: MEMORY.peak_usage().saturating_sub(before), time: start.elapsed() };
    (done, took)
}
