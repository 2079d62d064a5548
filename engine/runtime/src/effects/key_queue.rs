//! One writer at a time per target key, in the order in which they came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

type Turns = HashMap<String, Weak<tokio::sync::Mutex<()>>>;

/// Above this many keys, those that nobody waits for are dropped.
const SWEEP_ABOVE: usize = 1_024;

/// Hands out turns. Cheap to clone.
#[derive(Clone, Default)]
pub struct KeyQueue {
    turns: Arc<Mutex<Turns>>,
}

impl KeyQueue {
    /// Waits for this key's turn, which lasts until the guard is dropped.
    pub async fn turn(&self, key: &str) -> OwnedMutexGuard<()> {
        let lane = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() > SWEEP_ABOVE {
                turns.retain(|_, lane| lane.strong_count() > 0);
            }
            match turns.get(key).and_then(Weak::upgrade) {
                Some(lane) => lane,
                None => {
                    let lane = Arc::new(tokio::sync::Mutex::new(()));
                    turns.insert(key.to_owned(), Arc::downgrade(&lane));
                    lane
                }
            }
        };
        lane.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_has_one_turn_at_a_time_and_others_do_not_wait() {
        let queue = KeyQueue::default();
        let first = queue.turn("a").await;
        let _other = queue.turn("b").await;
        let second = tokio::spawn({
            let queue = queue.clone();
            async move { queue.turn("a").await }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
    }
}
