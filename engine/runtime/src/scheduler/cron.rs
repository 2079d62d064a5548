//! The alarm of a running engine: `tokio-cron-scheduler`, as a thin shell.
//!
//! It goes by the time of day, so it rings at once when a machine wakes that slept through a flow's time. It is given
//! one job for each flow's next time and no cron expression: it would keep a zone's offset from before daylight saving,
//! and replay what it missed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sdk::{Clock, FlowId, Timestamp};
use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use uuid::Uuid;

use super::Alarm;

/// The least room in the scheduler's channels. What does not fit there is lost, and found late.
const LEAST_ROOM: usize = 1024;

/// An alarm by the time of day.
pub struct CronAlarm {
    orders: mpsc::UnboundedSender<Order>,
    ticks: mpsc::UnboundedReceiver<FlowId>,
}

/// When a flow is to be told of.
struct Order {
    flow: FlowId,
    at: Option<Timestamp>,
}

impl CronAlarm {
    /// An alarm for so many flows. It ends when it is dropped.
    pub async fn start(n_flows: usize, clock: Arc<dyn Clock>) -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new_with_channel_size(LEAST_ROOM.max(4 * n_flows)).await?;
        scheduler.start().await?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let (ringing, ticks) = mpsc::unbounded_channel();
        tokio::spawn(keep_armed(scheduler, clock, ordered, ringing));
        Ok(Self { orders, ticks })
    }
}

#[async_trait]
impl Alarm for CronAlarm {
    fn arm(&mut self, flow: &FlowId, at: Option<Timestamp>) {
        // The task that takes orders lives as long as this.
        let _ = self.orders.send(Order { flow: flow.clone(), at });
    }

    async fn next(&mut self) -> FlowId {
        match self.ticks.recv().await {
            Some(flow) => flow,
            None => std::future::pending().await,
        }
    }
}

/// Holds one job for each flow that waits for a time, until the alarm is gone.
async fn keep_armed(
    mut scheduler: JobScheduler,
    clock: Arc<dyn Clock>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    ringing: mpsc::UnboundedSender<FlowId>,
) {
    let mut jobs: BTreeMap<FlowId, Uuid> = BTreeMap::new();
    while let Some(Order { flow, at }) = orders.recv().await {
        if let Some(job) = jobs.remove(&flow) {
            // One that has rung is gone already.
            let _ = scheduler.remove(&job).await;
        }
        let Some(at) = at else { continue };
        match add(&scheduler, &flow, whole_seconds(clock.now(), at), ringing.clone()).await {
            Ok(job) => {
                jobs.insert(flow, job);
            }
            Err(error) => {
                tracing::warn!(flow = %flow, error = %error, "an alarm could not be set; the engine looks by itself");
            }
        }
    }
    // Whoever stops an engine does not wait for its alarm.
    let _ = scheduler.shutdown().await;
}

async fn add(
    scheduler: &JobScheduler,
    flow: &FlowId,
    wait: Duration,
    ringing: mpsc::UnboundedSender<FlowId>,
) -> Result<Uuid, JobSchedulerError> {
    let flow = flow.clone();
    let job = Job::new_one_shot(wait, move |_, _| {
        // An engine that has stopped is told nothing.
        let _ = ringing.send(flow.clone());
    })?;
    scheduler.add(job).await
}

/// The scheduler counts whole seconds from the one that runs: so many that it does not ring before `at`.
fn whole_seconds(now: Timestamp, at: Timestamp) -> Duration {
    let due = at.millis().div_euclid(1_000) + i64::from(at.millis().rem_euclid(1_000) > 0);
    let running = now.millis().div_euclid(1_000);
    Duration::from_secs(u64::try_from(due - running).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use sdk::SystemClock;

    use super::*;

    #[test]
    fn it_never_rings_before_the_time() {
        let wait = |now, at| whole_seconds(Timestamp::from_millis(now), Timestamp::from_millis(at)).as_secs();
        assert_eq!(wait(10_000, 15_000), 5);
        assert_eq!(wait(10_900, 15_000), 5, "counted from the running second");
        assert_eq!(wait(10_900, 15_001), 6);
        assert_eq!(wait(10_900, 9_000), 0);
    }

    /// By the real clock: the scheduler knows no other.
    #[tokio::test]
    async fn each_flow_rings_once_at_its_time_and_one_that_was_disarmed_never() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut alarm = CronAlarm::start(3, clock.clone()).await.unwrap();
        let due = clock.now() + Duration::from_millis(300);
        alarm.arm(&"moved".into(), Some(due + Duration::from_secs(3600)));
        alarm.arm(&"moved".into(), Some(due));
        alarm.arm(&"disarmed".into(), Some(due));
        alarm.arm(&"disarmed".into(), None);
        alarm.arm(&"late".into(), Some(due + Duration::from_secs(2)));
        let mut rung = Vec::new();
        for _ in 0..2 {
            let flow = tokio::time::timeout(Duration::from_secs(20), alarm.next()).await.expect("it rings");
            assert!(clock.now() >= due, "not before its time");
            rung.push(flow.to_string());
        }
        assert_eq!(rung, ["moved", "late"]);
    }
}
