//! The shipped poller and store against the HubSpot sandbox, in simulated time: a seed decides everything.
//!
//! Each seed draws a world (how late its index is, how skewed our clock, how often we crash) and lets it change while
//! the poller reads. Afterwards the sandbox's records are compared with the runs in the store: none lost, none doubled.
//! The same seeds with a bug planted in the shipped code must fail, or this check is none.
//!
//! `SEED=17 cargo test --features faults --test simulation` replays one seed and prints its trace.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the verdict")]

mod budgets;
mod clock;
mod cost;
mod plants;
mod polling;
mod scenario;
mod small_pages;
mod snapshots;
mod stepping;
mod timekeeping;
mod verdict;
mod world;
mod writing;

/// How many seeds a run tries: a sample, or with `MILLRACE_TESTS=all` those of a release.
fn n_seeds(sample: u64, all: u64) -> u64 {
    if std::env::var("MILLRACE_TESTS").as_deref() == Ok("all") { all } else { sample }
}

/// The seeds to try: all up to `n`, or the one that `SEED` names.
fn seeds(n: u64) -> std::ops::Range<u64> {
    match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..n,
    }
}
