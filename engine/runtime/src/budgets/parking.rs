//! Runs that wait for their turn at a service. They are not at work: other runs may be, so that a slow account does not
//! keep everybody from writing elsewhere.
//!
//! Each takes room in memory, so there is a bound in bytes; a run beyond it counts as at work while it waits.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sdk::{Fields, RunId, Value};
use store::ClaimedRun;
use tokio::sync::Notify;

/// What a run takes besides its record.
const RUN_BYTES: usize = 4 * 1024;

/// Which runs wait. Cheap to clone.
#[derive(Clone)]
pub struct Parking(Arc<Shared>);

struct Shared {
    most_bytes: usize,
    parked: Mutex<Parked>,
    more_room: Notify,
}

#[derive(Default)]
struct Parked {
    runs: BTreeMap<RunId, ParkedRun>,
    n_bytes: usize,
    n_excused: usize,
}

struct ParkedRun {
    /// So many of its steps wait.
    n_waiting: usize,
    /// What it takes of the bound; `None` where it was full.
    bytes: Option<usize>,
}

impl Parking {
    /// Parking for so many bytes.
    pub fn new(most_bytes: usize) -> Self {
        Self(Arc::new(Shared { most_bytes, parked: Mutex::default(), more_room: Notify::new() }))
    }

    /// Waits for something, as a run that is not at work meanwhile.
    pub async fn while_waiting<T>(&self, run: &ClaimedRun, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        if let std::task::Poll::Ready(done) = futures::poll!(wait.as_mut()) {
            return done;
        }
        let _leave = self.enter(run);
        wait.await
    }

    /// So many runs wait and are not at work.
    pub fn count(&self) -> usize {
        self.parked().n_excused
    }

    /// What they take.
    pub fn bytes(&self) -> usize {
        self.parked().n_bytes
    }

    /// Resolves once a run has come that makes room for another.
    pub async fn more_room(&self) {
        self.0.more_room.notified().await;
    }

    fn enter(&self, run: &ClaimedRun) -> Leave<'_> {
        let mut parked = self.parked();
        let left = self.0.most_bytes.saturating_sub(parked.n_bytes);
        match parked.runs.get_mut(&run.id) {
            Some(known) => known.n_waiting += 1,
            None => {
                let bytes = Some(RUN_BYTES + fields_bytes(&run.record.fields)).filter(|bytes| *bytes <= left);
                if let Some(bytes) = bytes {
                    parked.n_bytes += bytes;
                    parked.n_excused += 1;
                    self.0.more_room.notify_one();
                }
                parked.runs.insert(run.id, ParkedRun { n_waiting: 1, bytes });
            }
        }
        Leave { parking: self, run: run.id }
    }

    fn leave(&self, run: RunId) {
        let mut parked = self.parked();
        let Some(known) = parked.runs.get_mut(&run) else { return };
        known.n_waiting -= 1;
        if known.n_waiting > 0 {
            return;
        }
        if let Some(ParkedRun { bytes: Some(bytes), .. }) = parked.runs.remove(&run) {
            parked.n_bytes -= bytes;
            parked.n_excused -= 1;
        }
    }

    fn parked(&self) -> MutexGuard<'_, Parked> {
        self.0.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped where the wait is over, or its run was stopped.
struct Leave<'a> {
    parking: &'a Parking,
    run: RunId,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.parking.leave(self.run);
    }
}

fn fields_bytes(fields: &Fields) -> usize {
    fields.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.len(),
            Value::List(items) => items.iter().map(value_bytes).sum(),
            Value::Map(fields) => fields_bytes(fields),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Date(_) | Value::Moment(_) => 0,
        }
}
