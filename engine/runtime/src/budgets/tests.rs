//! Nobody asks too much, and everybody gets a turn: askers alone first, then whole engines, in simulated time.

mod askers;
mod engines;

use std::time::Duration;

use sdk::{Limit, LimitScope};

/// So many in so many seconds.
fn limit(name: &str, max: u64, seconds: u64) -> Limit {
    let per = Duration::from_secs(seconds);
    Limit { name: name.to_owned(), scope: LimitScope::Account, max, per, reserve: 0 }
}

/// The most of these moments that lie within any stretch of so many seconds.
fn most_within(mut moments: Vec<Duration>, seconds: u64) -> usize {
    moments.sort();
    let per = Duration::from_secs(seconds);
    let within = |(index, first): (usize, &Duration)| {
        moments[index..].iter().take_while(|moment| **moment < *first + per).count()
    };
    moments.iter().enumerate().map(within).max().unwrap_or(0)
}
