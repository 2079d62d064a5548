//! What keeps the store small: old bodies, runs and ledger rows go, a few at a time, at the start and every hour.
//!
//! It works beside the engine, on the same store. What it deletes nobody waits for, so it may be stopped anywhere.

use std::sync::Arc;
use std::time::Duration;

use sdk::Clock;
use store::{Pruned, Retention, Store};

/// How long history is kept, and in how much space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Records, look-ups and logs of runs that ended longer ago are dropped; their runs stay as rows.
    pub bodies: Duration,
    /// Runs that ended longer ago are dropped, and writes that were settled longer ago.
    pub runs: Duration,
    /// Where the database is larger than so many bytes, the oldest bodies go sooner.
    pub bytes: u64,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        // The ledger keeps what was written from being written again, so it outlives what it was written from.
        Self { bodies: days(30), runs: days(400), bytes: 2_000_000_000 }
    }
}

/// How often it looks.
const EVERY: Duration = Duration::from_secs(3600);
/// Rows of one transaction, so that nobody waits long for the writer.
const AT_ONCE: usize = 500;
/// Between two transactions, the engine's own get their turn.
const PAUSE: Duration = Duration::from_millis(50);

/// Prunes now and every hour, for ever. What goes wrong is told in the log and tried again the next time.
pub async fn keep_house(store: Store, clock: Arc<dyn Clock>, policy: RetentionPolicy) {
    loop {
        match prune(&store, clock.as_ref(), &policy).await {
            Ok(pruned) if pruned != Pruned::default() => {
                tracing::info!(
                    bodies = pruned.bodies,
                    runs = pruned.runs,
                    effects = pruned.effects,
                    "old history dropped"
                );
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = %error, "old history could not be dropped; it is tried again in an hour")
            }
        }
        clock.sleep(EVERY).await;
    }
}

/// Drops what the policy does not keep, and folds the log of changes into the database.
pub async fn prune(store: &Store, clock: &dyn Clock, policy: &RetentionPolicy) -> Result<Pruned, store::Error> {
    let now = clock.now();
    let by_age = Retention {
        bodies_before: now - policy.bodies,
        runs_before: now - policy.runs,
        effects_before: now - policy.runs,
        limit: AT_ONCE,
    };
    let mut pruned = Pruned::default();
    loop {
        let more = store.prune(by_age.clone()).await?;
        pruned = sum(pruned, more);
        if more == Pruned::default() {
            break;
        }
        clock.sleep(PAUSE).await;
    }
    // The oldest first, until what is left fits; runs that did not end, or that wait for an operator, keep theirs.
    let by_size = Retention { bodies_before: now, ..by_age };
    while store.size().await? > policy.bytes {
        let more = store.prune(by_size.clone()).await?;
        pruned = sum(pruned, more);
        if more == Pruned::default() {
            break;
        }
        clock.sleep(PAUSE).await;
    }
    store.fold().await?;
    Ok(pruned)
}

fn sum(left: Pruned, right: Pruned) -> Pruned {
    Pruned { bodies: left.bodies + right.bodies, runs: left.runs + right.runs, effects: left.effects + right.effects }
}

const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 3600)
}

#[cfg(test)]
mod tests {
    use store::RunFilter;

    use super::*;
    use crate::testing::{FLOW, World, record, wait};

    async fn bodies(world: &World) -> usize {
        let mut n = 0;
        for row in world.store.runs(RunFilter { limit: 1_000, ..RunFilter::default() }).await.unwrap() {
            n += usize::from(world.store.run(&row.id.to_string()).await.unwrap().record.is_some());
        }
        n
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_go_after_a_month_and_runs_after_a_year() {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        world.live_for(&[FLOW], 60).await;
        let policy = RetentionPolicy::default();
        let house = tokio::spawn(keep_house(world.store.clone(), world.clock.clone(), policy));
        wait(29 * 24 * 3600).await;
        assert_eq!(bodies(&world).await, 1);
        wait(2 * 24 * 3600).await;
        assert_eq!((bodies(&world).await, world.runs().await.len()), (0, 1));
        wait(370 * 24 * 3600).await;
        assert_eq!(world.runs().await.len(), 0);
        house.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_too_large_loses_its_oldest_bodies_first() {
        let world = World::new();
        world.crm.show((1..=600).map(|id| record(id, -5_000)));
        world.live_for(&[FLOW], 120).await;
        assert_eq!(bodies(&world).await, 600);
        let policy = RetentionPolicy { bytes: 1, ..RetentionPolicy::default() };
        let pruned = prune(&world.store, world.clock.as_ref(), &policy).await.unwrap();
        assert_eq!((pruned.bodies, pruned.runs, bodies(&world).await), (600, 0, 0));
        let size = world.store.size().await.unwrap();
        let policy = RetentionPolicy { bytes: size, ..policy };
        assert_eq!(prune(&world.store, world.clock.as_ref(), &policy).await.unwrap(), Pruned::default());
    }
}
