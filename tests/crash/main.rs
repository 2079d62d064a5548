//! The real binary, killed with SIGKILL again and again while it reads one HubSpot sandbox over HTTP and writes into a
//! SQLite database and a second sandbox. Judged by the sandbox's write log and the targets alone.

#[path = "../support/database.rs"]
mod database;
mod engine;
mod site;
mod walking;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use engine::{Death, Kill};
use site::{Site, UnderWay};

/// Points at which the engine kills itself, each with how often it may be passed before. Every one must be reached.
const POINTS: &[(&str, u32)] = &[
    ("start_cursor.applied", 1),
    ("take_over.applied", 1),
    ("poll.page.read", 3),
    ("poll.checkpoint.before", 2),
    ("checkpoint.applied", 2),
    ("poll.checkpoint.after", 2),
    ("claim.applied", 3),
    ("dispatch.claimed", 3),
    ("plan.applied", 40),
    ("effect.planned", 40),
    // Only where the record that was written last is looked at between plan and sending, or a write is sent again.
    ("sent.applied", 2),
    ("effect.sent", 40),
    ("http.before", 60),
    ("http.sent", 60),
    ("sqlite.write.committed", 20),
    ("effect.answered", 40),
    ("settle.applied", 40),
    ("effect.settled", 40),
    ("finish.applied", 40),
    ("run.kept", 40),
    ("store.commit.before", 30),
    ("store.commit.after", 30),
];

/// Kills at random times in a usual run; `tests/run --all` makes five times as many of both kinds.
const RANDOM_KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_nothing_is_missing_and_nothing_is_there_twice() {
    let rounds = if std::env::var("MILLRACE_TESTS").as_deref() == Ok("all") { 5 } else { 1 };
    let mut rng = SmallRng::seed_from_u64(20_261_121);
    let site = Site::open().await;
    let mut under_way = BTreeMap::<UnderWay, usize>::new();
    let mut n_kills = 0;
    for round in 0..rounds {
        for (point, most) in POINTS {
            if round > 0 && *point == "start_cursor.applied" {
                continue;
            }
            let kill = Kill::AtPoint { name: point, visit: rng.random_range(1..=*most) };
            n_kills += 1;
            *under_way.entry(site.live(&kill, None).await).or_default() += 1;
        }
        for _ in 0..RANDOM_KILLS {
            let kill = Kill::After(Duration::from_millis(rng.random_range(200..1_500)));
            n_kills += 1;
            *under_way.entry(site.live(&kill, None).await).or_default() += 1;
        }
    }
    site.drain().await;

    println!("{n_kills} kills, by the state of the effects under way:");
    for (state, n) in &under_way {
        println!("  {n:>4} {state}");
    }
    let compared = site.compare().await.unwrap_or_else(|difference| panic!("{difference}"));
    println!("{compared}");
    let in_the_middle = n_kills - under_way.get(&UnderWay::Nothing).copied().unwrap_or(0);
    assert!(in_the_middle * 2 > n_kills, "only {in_the_middle} of {n_kills} kills met a write under way");
}

/// The check above must be able to fail: an engine that notes its intent after it sent makes records twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_intent_noted_after_sending_is_found_out() {
    let site = Site::open().await;
    for visit in [3, 9, 15, 21] {
        site.live(&Kill::AtPoint { name: "effect.answered", visit }, Some("intent after send")).await;
    }
    site.drain().await;
    let difference = site.compare().await.expect_err("the planted bug was not found");
    println!("found: {difference}");
    assert!(difference.contains("times"), "{difference}");
}

/// A kill that never comes would be a check that never fails.
fn assert_killed(kill: &Kill, death: &Death) {
    assert!(death.by_sigkill, "{kill:?} did not happen: {}", death.output);
}
