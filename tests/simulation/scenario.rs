//! What a seed draws: the world, how it changes, and how badly we are treated.

use std::time::Duration;

use flow::{On, Start};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// One seed's world.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub seed: u64,
    /// The index shows a change at most this late; within the poller's allowance of ten minutes.
    pub lag: Duration,
    pub page_size: usize,
    pub pages_per_poll: usize,
    pub on: On,
    pub start: Start,
    /// Records before the first poll.
    pub n_records: usize,
    /// Polls while the world changes.
    pub n_polls: usize,
    pub interval: Duration,
    /// Changes between two polls, on average.
    pub edits_per_poll: f64,
    /// The chance of a change while a request is under way.
    pub edit_during_request: f64,
    /// The chance, per poll, that many records change in one millisecond.
    pub bulk: f64,
    /// The chance that a new record is stamped in the future.
    pub future: f64,
    /// The chance of a crash at each crash point.
    pub crash: f64,
    /// The chance that a request fails.
    pub failing: f64,
    /// How far our clock is off; it may jump to another of these.
    pub skews_millis: Vec<i64>,
    /// Ids of unequal length, which text would order wrongly.
    pub first_id: u64,
}

impl Scenario {
    pub fn draw(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let seconds = |list: &[u64], rng: &mut SmallRng| Duration::from_secs(*list.choose(rng).unwrap());
        let skews = [0, 1_500, -5_000, 5_000, 3_600_000, -3_600_000];
        Self {
            seed,
            lag: seconds(&[0, 5, 60, 180, 400, 590, 590], &mut rng),
            page_size: *[3, 5, 5, 8].choose(&mut rng).unwrap(),
            pages_per_poll: *[1, 3, 50].choose(&mut rng).unwrap(),
            on: if rng.random_bool(0.2) { On::New } else { On::NewOrUpdated },
            start: if rng.random_bool(0.5) { Start::Beginning } else { Start::Now },
            n_records: rng.random_range(0..40),
            n_polls: rng.random_range(15..40),
            interval: seconds(&[5, 15, 30, 60, 120, 290, 290], &mut rng),
            edits_per_poll: *[0.3, 1.0, 3.0].choose(&mut rng).unwrap(),
            edit_during_request: *[0.0, 0.1, 0.4].choose(&mut rng).unwrap(),
            bulk: *[0.0, 0.05, 0.15].choose(&mut rng).unwrap(),
            future: *[0.0, 0.0, 0.1].choose(&mut rng).unwrap(),
            crash: *[0.0, 0.0, 0.03, 0.1].choose(&mut rng).unwrap(),
            failing: *[0.0, 0.05].choose(&mut rng).unwrap(),
            skews_millis: (0..2).map(|_| *skews.choose(&mut rng).unwrap()).collect(),
            first_id: *[95, 9_990, 220_006_890_315].choose(&mut rng).unwrap(),
        }
    }
}
