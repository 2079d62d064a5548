//! What wakes the loop when a flow's time has come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use sdk::{Clock, FlowId, Timestamp};
use tokio_util::time::{DelayQueue, delay_queue};

/// Wakes the loop when the time of a flow has come. A tick carries no data and may come early, late, twice or not at
/// all: whoever is woken looks at the store.
#[async_trait]
pub trait Alarm: Send + Sync {
    /// From now on there is one tick for this flow, at this moment; `None` for no tick.
    fn arm(&mut self, flow: &FlowId, at: Option<Timestamp>);

    /// The next tick. Dropping the future loses none.
    async fn next(&mut self) -> FlowId;
}

/// An alarm by the runtime's own timer: exact, and in a simulation as fast as it is. It stands still while the machine
/// sleeps.
pub struct QueueAlarm {
    clock: Arc<dyn Clock>,
    queue: DelayQueue<FlowId>,
    keys: BTreeMap<FlowId, delay_queue::Key>,
}

/// No tick is further away than this: timers have an end. A tick that comes early is armed again.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

impl QueueAlarm {
    /// An alarm by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, queue: DelayQueue::new(), keys: BTreeMap::new() }
    }
}

#[async_trait]
impl Alarm for QueueAlarm {
    fn arm(&mut self, flow: &FlowId, at: Option<Timestamp>) {
        if let Some(key) = self.keys.remove(flow) {
            self.queue.try_remove(&key);
        }
        if let Some(at) = at {
            let wait = at.since(self.clock.now()).min(LONGEST_WAIT);
            self.keys.insert(flow.clone(), self.queue.insert(flow.clone(), wait));
        }
    }

    async fn next(&mut self) -> FlowId {
        match self.queue.next().await {
            Some(due) => {
                let flow = due.into_inner();
                self.keys.remove(&flow);
                flow
            }
            // Nothing is armed, and nothing can be while this future is held.
            None => std::future::pending().await,
        }
    }
}
