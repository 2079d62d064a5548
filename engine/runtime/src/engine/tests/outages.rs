//! A service is away for long: no run is to blame, so none of them fails, and each goes on when it is back.

use std::collections::BTreeMap;
use std::time::Duration;

use sdk::{Class, Error, Value};
use store::{FlowState, RunFilter};

use crate::testing::{FLOW, World, applied, record, refusal, status, wait};
use crate::{Drain, testing};

const HOUR: u64 = 3_600;

/// Nobody answers.
fn nobody() -> Error {
    refusal(Class::Transient).not_reached()
}

/// `copy` is away in these seconds of the world.
fn away(world: &World, from: u64, until: u64) {
    let clock = world.clock.clone();
    let is_away = move || (from..until).contains(&clock.elapsed().as_secs());
    let asked = is_away.clone();
    world.copy.writes.answer(move |_, _| if is_away() { Err(nobody()) } else { Ok(applied()) });
    world.copy.finds.answer(move |_, _| if asked() { Err(nobody()) } else { Ok(Vec::new()) });
}

/// How often each record was asked to be written at this second of the world or later.
fn n_written(world: &World, from: u64) -> BTreeMap<String, usize> {
    let mut written = BTreeMap::new();
    for (second, write) in world.copy.writes.seconds().into_iter().zip(world.copy.writes.asked()) {
        if second >= from {
            *written.entry(write.fields.get("email").map(Value::to_text).unwrap_or_default()).or_default() += 1;
        }
    }
    written
}

async fn n_succeeded(world: &World) -> usize {
    world.runs().await.iter().filter(|run| run.ends_with(" succeeded")).count()
}

/// Ten attempts are used up within minutes, so an outage of an hour left every run that waited as failed, to be retried
/// by hand.
#[tokio::test(start_paused = true)]
async fn an_hour_without_a_target_fails_no_run() {
    let world = World::new();
    world.crm.show((1..=50).map(|id| record(id, -5_000)));
    away(&world, 0, HOUR);
    world
        .live(&[FLOW], async |handle| {
            wait(HOUR / 2).await;
            let told = status(&handle, "f");
            let reason = told.reason.unwrap_or_default();
            let says = "its runs are held up because the connection `copy` has been away since 2026-11-01T00:00:0";
            assert!(told.state == FlowState::Active && reason.starts_with(says), "{reason}");
            assert!(reason.ends_with(": as scripted"), "{reason}");
            assert!(world.runs().await.iter().all(|run| run.contains("pending: transient")));
            wait(HOUR / 2 + 45).await;
            assert_eq!(n_succeeded(&world).await, 50, "all went on within the longest wait");
            assert_eq!(status(&handle, "f").reason, None);
        })
        .await;
    let written = n_written(&world, HOUR);
    assert!(written.len() == 50 && written.values().all(|n| *n == 1), "{written:?}");
    let log = world.run_of("f").await.log;
    let told = log.iter().any(|line| {
        line.message.contains("and this try does not count, because `copy` has been away since 2026-11-01T00:00:0")
    });
    assert!(told, "{log:?}");
}

/// Hundreds of runs that wait are no reason to ask hundreds of times.
#[tokio::test(start_paused = true)]
async fn a_target_that_is_away_is_asked_once_a_second() {
    let world = World::new();
    world.crm.show((1..=128).map(|id| record(id, -5_000)));
    away(&world, 0, HOUR);
    world.live_for(&[FLOW], 700).await;
    let mut asked = BTreeMap::<u64, usize>::new();
    for second in world.copy.writes.seconds().into_iter().filter(|second| *second > 100) {
        *asked.entry(second).or_default() += 1;
    }
    assert!(asked.values().all(|n| *n <= 2), "{asked:?}");
    assert!(asked.len() > 400, "somebody asks: {}", asked.len());
}

/// A run's own look-up is due to the same outage as its write.
#[tokio::test(start_paused = true)]
async fn a_look_up_waits_as_well() {
    let world = World::new();
    world.crm.show((1..=20).map(|id| record(id, -5_000)));
    away(&world, 0, HOUR);
    let find = FLOW.replace("steps:", "steps:\n  - find: copy.contacts\n    filter: {email: x}\n    as: known");
    world.live_for(&[&find], HOUR + 45).await;
    assert_eq!(n_succeeded(&world).await, 20);
    assert_eq!(world.copy.writes.count(), 20);
}

/// A service that answers now and then, and fails this run each time: it may be the run's fault.
#[tokio::test(start_paused = true)]
async fn within_the_first_minute_failures_count() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.crm.writes.answer(|_, _| Err(nobody()));
    // Each poll is answered in between.
    let same = FLOW.replace("upsert: copy.contacts", "upsert: crm.contacts");
    world.live_for(&[&same], 2 * HOUR).await;
    assert_eq!(world.runs().await, ["1 failed: transient, attempt 10"]);
    assert_eq!(world.crm.writes.count(), 10);

    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    away(&world, 0, HOUR);
    world
        .live(&[FLOW], async |_| {
            wait(61).await;
            let left = world.runs().await;
            let counted = ["1 pending: transient, attempt 6", "1 pending: transient, attempt 7"];
            assert!(counted.contains(&left[0].as_str()), "after 1, 2, 4, 8, 16 and 32 seconds: {left:?}");
            wait(900).await;
            assert_eq!(world.runs().await, left);
        })
        .await;
}

/// Whoever wrote how often a step is tried meant it.
#[tokio::test(start_paused = true)]
async fn attempts_that_the_author_wrote_count_whatever_they_meet() {
    for (retry, left) in [("{attempts: 9}", "1 failed: transient, attempt 9"), ("{max: 2m}", "1 pending: transient")] {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        away(&world, 0, HOUR);
        world.live_for(&[&format!("{FLOW}    retry: {retry}\n")], HOUR / 2).await;
        let runs = world.runs().await;
        assert!(runs[0].starts_with(left), "{runs:?}");
    }
}

/// A run that goes on without its step does so, also where the step is inside of the one that says so.
#[tokio::test(start_paused = true)]
async fn a_step_whose_failure_is_ignored_is_given_up() {
    let outer = format!(
        "{}  - each: ${{ [1] }}\n    as: one\n    on_error: continue\n    steps:\n{}",
        &FLOW[..FLOW.find("  - upsert").unwrap()],
        FLOW[FLOW.find("  - upsert").unwrap()..].replace("  -", "      -").replace("\n    ", "\n        "),
    );
    let inner = format!("{FLOW}    on_error: continue\n");
    for flow in [inner, outer] {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        away(&world, 0, HOUR);
        world.live_for(&[&flow], HOUR / 2).await;
        assert_eq!(world.runs().await, ["1 succeeded"], "{flow}");
    }
}

/// A service that says that it failed was there; it may have failed because of this record.
#[tokio::test(start_paused = true)]
async fn failures_with_an_answer_count() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|_, _| Err(refusal(Class::Transient).answered()));
    world.live_for(&[FLOW], HOUR).await;
    assert_eq!(world.runs().await, ["1 failed: transient, attempt 10"]);

    // Each of them ends what would else become an outage.
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|n, _| Err(if n % 2 == 1 { nobody() } else { refusal(Class::Transient).answered() }));
    world.live_for(&[FLOW], HOUR).await;
    assert_eq!(world.runs().await, ["1 failed: transient, attempt 10"]);
    assert_eq!(world.copy.writes.count(), 10);

    // Also after an outage, which they end.
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|n, _| if n <= 30 { Err(nobody()) } else { Err(refusal(Class::Transient).answered()) });
    world
        .live(&[FLOW], async |handle| {
            wait(600).await;
            assert!(status(&handle, "f").reason.unwrap_or_default().contains("has been away since"));
            wait(HOUR).await;
            assert_eq!(status(&handle, "f").reason, None);
        })
        .await;
    assert_eq!(world.runs().await, ["1 failed: transient, attempt 10"]);
    assert!((33..=34).contains(&world.copy.writes.count()), "{}", world.copy.writes.count());
}

/// An engine that is started again does not know since when a service is away, and each start used up another try.
#[tokio::test(start_paused = true)]
async fn starting_again_in_the_middle_of_an_outage_fails_no_run() {
    let world = World::new();
    world.crm.show((1..=20).map(|id| record(id, -5_000)));
    away(&world, 0, 1_000);
    for _ in 0..12 {
        world.live_for(&[FLOW], 80).await;
    }
    assert_eq!(n_succeeded(&world).await, 0);
    world.live_for(&[FLOW], 100).await;
    assert_eq!(n_succeeded(&world).await, 20);
    let written = n_written(&world, 1_000);
    assert!(written.len() == 20 && written.values().all(|n| *n == 1), "{written:?}");
}

/// What may be there already is for a person to look at, however the answer was lost.
#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_been_applied_and_cannot_be_repeated_stays_unknown() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.is_unsafe_to_repeat();
    world.copy.writes.answer(|_, _| Err(nobody().maybe_applied()));
    world.live_for(&[FLOW], HOUR).await;
    assert_eq!(world.runs().await, ["1 unknown: unknown, attempt 1"]);

    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|n, _| if n <= 90 { Err(nobody().maybe_applied()) } else { Ok(applied()) });
    world.live_for(&[FLOW], 2 * HOUR).await;
    assert_eq!(world.runs().await, ["1 succeeded"], "an upsert may be sent again, for as long as it takes");
}

/// An engine that works off what is there would have waited for the service for ever.
#[tokio::test(start_paused = true)]
async fn who_drains_leaves_what_waits_for_a_service_that_is_away() {
    let world = World::new();
    world.crm.show([record(1, -5_000), record(2, -4_000)]);
    away(&world, 0, 1_000 * HOUR);
    let flows = testing::checked(&[FLOW]);
    let handle = world.drain_as(&flows, Drain { settle: Duration::ZERO, waits: true }).await;
    assert!(world.clock.elapsed() < Duration::from_secs(180), "{:?}", world.clock.elapsed());
    assert_eq!(world.store.runs(RunFilter { limit: 10, ..RunFilter::default() }).await.unwrap().len(), 2);
    assert!(world.runs().await.iter().all(|run| run.contains("pending")));
    assert!(status(&handle, "f").reason.unwrap_or_default().contains("has been away since"));
}

/// A service that was away and then refuses us is waited for once, not twice.
#[tokio::test(start_paused = true)]
async fn who_drains_leaves_what_was_away_and_is_refused_now() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let clock = world.clock.clone();
    let refused = move || if clock.elapsed().as_secs() < 200 { nobody() } else { refusal(Class::Auth) };
    world.copy.writes.answer(move |_, _| Err(refused()));
    let handle =
        world.drain_as(&testing::checked(&[FLOW]), Drain { settle: Duration::from_secs(400), waits: true }).await;
    assert_eq!(status(&handle, "f").state, FlowState::Blocked);
    assert!(world.clock.elapsed() < Duration::from_secs(600), "{:?}", world.clock.elapsed());
}
