//! Bugs planted in the shipped poller and store: each must be caught, or the seeds prove nothing.

use crate::polling::simulate;
use crate::scenario::Scenario;

/// Every planted bug.
const PLANTS: &[&str] = &[
    "no clamp",
    "no overlap",
    "quick passes alone",
    "wide passes with an allowance shorter than the lag",
    "greater than instead of greater or equal",
    "seen by id only",
    "no seen set",
    "a full page of one stamp restarts at that stamp",
    "a full page of one stamp is skipped",
    "watermark from the local clock",
    "watermark clamped to the last poll's clock",
    "every poll starts over at the watermark",
    "seen in its own transaction",
    "cursor before events",
];

/// A plant that no seed up to here catches is not caught.
const SEEDS: u64 = 500;

#[test]
fn every_planted_bug_is_caught() {
    let mut missed = Vec::new();
    for plant in PLANTS {
        sdk::faults::plant(Some(plant));
        let caught = (0..SEEDS).find_map(|seed| {
            let verdict = simulate(&Scenario::draw(seed));
            (!verdict.is_kept()).then_some((seed, verdict))
        });
        sdk::faults::plant(None);
        match caught {
            Some((seed, verdict)) => {
                let verdict: String = verdict.to_string().chars().take(90).collect();
                println!("caught by seed {seed:>3}: {plant} ({verdict})");
            }
            None => missed.push(*plant),
        }
    }
    assert!(missed.is_empty(), "no seed of {SEEDS} caught {missed:?}");
}
