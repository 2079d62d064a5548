//! Writes and look-ups over a scripted service: refused, cut off, out of order.

use std::time::Duration;

use sdk::{Class, faults};
use store::EffectState;

use crate::testing::{FLOW, World, applied, record, refusal, wait};

/// `FLOW` with a create in place of its upsert.
fn create() -> String {
    FLOW.replace("upsert: copy.contacts\n    match: email", "create: copy.contacts")
}

/// Being asked for less and having a bad token counted as attempts, so that after a dozen of those the first failure
/// of the service was the run's last.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_the_record_s_fault_does_not_count_against_its_write() {
    for class in [Class::RateLimited, Class::QuotaExhausted, Class::Auth] {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        let refused = class.clone();
        world.copy.writes.answer(move |n, _| match n {
            1..=12 => Err(refusal(refused.clone())),
            13 => Err(refusal(Class::Transient)),
            _ => Ok(applied()),
        });
        // A used-up quota is asked about four times an hour.
        world.live_for(&[FLOW], 4 * 3_600).await;
        assert_eq!(world.runs().await, ["1 succeeded"], "{class:?}");
        assert_eq!(world.copy.writes.count(), 14, "{class:?}");
    }
}

/// A service that asks for no wait at all, or that has no quota left, was asked again at once and without end.
#[tokio::test(start_paused = true)]
async fn a_service_that_had_enough_is_left_alone_for_a_while() {
    for (class, most) in [(Class::RateLimited, 3_600), (Class::QuotaExhausted, 5)] {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        let refused = class.clone();
        world.copy.writes.answer(move |_, _| Err(refusal(refused.clone()).retry_after(None)));
        world.live_for(&[FLOW], 3_600).await;
        let n = world.copy.writes.count();
        assert!((2..=most).contains(&n), "{class:?} was asked {n} times within an hour");
    }
}

/// Two spellings of one e-mail address were two keys, and the second made a record of its own.
#[tokio::test(start_paused = true)]
async fn a_key_is_the_same_in_another_case() {
    let [one, other] = ["Ann@X.com", " ann@x.com"].map(sdk::Value::from);
    assert_eq!(super::identity::key_text(Some(&one)), super::identity::key_text(Some(&other)));
    assert_ne!(super::identity::key_text(Some(&one)), super::identity::key_text(None));
}

/// The same, of look-ups.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_the_record_s_fault_does_not_count_against_its_look_up() {
    let find = FLOW.replace("steps:", "steps:\n  - find: copy.contacts\n    filter: {email: x}\n    as: known");
    for class in [Class::RateLimited, Class::Auth] {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        let refused = class.clone();
        world.copy.finds.answer(move |n, _| match n {
            1..=12 => Err(refusal(refused.clone())),
            13 => Err(refusal(Class::Transient)),
            _ => Ok(Vec::new()),
        });
        world.live_for(&[&find], 3_600).await;
        assert_eq!(world.runs().await, ["1 succeeded"], "{class:?}");
        assert_eq!(world.copy.finds.count(), 14, "{class:?}");
    }
}

/// Failures of the service do count: ten attempts, and the run has failed.
#[tokio::test(start_paused = true)]
async fn attempts_that_fail_are_counted_and_end() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|_, _| Err(refusal(Class::Transient)));
    world.live_for(&[FLOW], 36_000).await;
    assert_eq!(world.runs().await, ["1 failed: transient, attempt 10"]);
    assert_eq!(world.copy.writes.count(), 10);
}

/// Where the record written last could not be looked at, its newer version was upserted by the service's own search,
/// which may not show it yet: a second record.
#[tokio::test(start_paused = true)]
async fn a_known_target_that_cannot_be_looked_at_is_not_written_past() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.is_unsafe_to_repeat();
    world.copy.gets.answer(|n, _| if n == 1 { Err(refusal(Class::Transient)) } else { Ok(Some(record(1, 0))) });
    world
        .live(&[FLOW], async |_| {
            wait(20).await;
            assert_eq!((world.copy.verbs(), world.copy.gets.count()), (vec!["upsert".to_owned()], 0));
            world.crm.show([record(1, 20_000)]);
            wait(60).await;
        })
        .await;
    assert_eq!(world.copy.verbs(), ["upsert", "update 1"]);
    assert_eq!(world.copy.gets.count(), 2);
    assert_eq!(world.runs().await, ["1 succeeded"; 2]);
}

/// A panic while a write was under way ended its run as failed, as if nothing had been sent, and left its row of the
/// ledger open for ever.
#[tokio::test(start_paused = true)]
async fn a_panic_while_a_write_is_under_way_leaves_its_outcome_unknown() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.is_unsafe_to_repeat();
    world.copy.writes.answer(|_, _| panic!("while reading the answer"));
    world.live_for(&[&create()], 60).await;
    assert_eq!(world.runs().await, ["1 unknown: unknown, attempt 1"]);
    assert_eq!(world.copy.writes.count(), 1);
    let in_state = async |state| world.store.effects_in_state(state, 10).await.unwrap().len();
    assert_eq!((in_state(EffectState::Sent).await, in_state(EffectState::Unknown).await), (0, 1));
}

/// A write that was perhaps applied and then refused until it gave up ended as failed, which says that nothing is
/// there.
#[tokio::test(start_paused = true)]
async fn perhaps_applied_and_then_refused_ends_unknown() {
    for refused in [Class::Transient, Class::Invalid] {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        world.copy.writes.answer(move |n, _| match n {
            1..=5 => Err(refusal(Class::Transient).maybe_applied()),
            _ => Err(refusal(refused.clone())),
        });
        world.live_for(&[FLOW], 36_000).await;
        let runs = world.runs().await;
        assert!(runs[0].starts_with("1 unknown: unknown"), "{runs:?}");
        assert_eq!(world.store.effects_in_state(EffectState::Unknown, 10).await.unwrap().len(), 1);
    }
}

/// Writes that had waited for a permit left after the service had said that it had enough.
#[tokio::test(start_paused = true)]
async fn writes_that_wait_for_a_permit_respect_a_hold() {
    let world = World::new();
    world.crm.show((1..=100).map(|id| record(id, -5_000)));
    let ten_minutes = Some(Duration::from_secs(600));
    world.copy.writes.answer(move |n, _| match n {
        1..=16 => Err(refusal(Class::RateLimited).retry_after(ten_minutes)),
        _ => Ok(applied()),
    });
    world
        .live(&[FLOW], async |_| {
            wait(590).await;
            assert_eq!(world.copy.writes.count(), 16, "those that were under way when the first was refused");
            wait(120).await;
        })
        .await;
    assert_eq!(world.runs().await.iter().filter(|run| run.ends_with("succeeded")).count(), 100);
}

/// Writes about one target key never overlap. Planting the bug that lets them shows that this would be seen.
#[tokio::test(start_paused = true)]
async fn writes_to_one_target_key_go_one_at_a_time() {
    for (plant, n_overlaps) in [(None, 0), (Some("no order per target key"), 2)] {
        let world = World::new();
        let same_email = |id| sdk::Record { fields: record(1, 0).fields, ..record(id, -5_000) };
        world.crm.show([same_email(1), same_email(2), same_email(3), record(4, -5_000)]);
        world.copy.writes.takes(30);
        faults::plant(plant);
        world.live_for(&[FLOW], 20).await;
        assert_eq!(world.copy.n_overlaps(), n_overlaps, "{plant:?}");
        world.live_for(&[FLOW], 200).await;
        assert_eq!(world.runs().await.len(), 4);
    }
}
