//! A store that cannot keep anything for a while.

use sdk::{Class, faults};

use crate::testing::{FLOW, World, applied, record, refusal, wait};

/// A create whose outcome could not be kept at once ended as unknown, although its outcome was known.
#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_kept_at_once_is_kept_later() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.is_unsafe_to_repeat();
    world.copy.writes.answer(|_, _| {
        faults::plant(Some("full disk"));
        Ok(applied())
    });
    let create = FLOW.replace("upsert: copy.contacts\n    match: email", "create: copy.contacts");
    world
        .live(&[&create], async |_| {
            wait(60).await;
            assert_eq!(world.runs().await, ["1 running"]);
            world.fill_disk(false);
            wait(10).await;
        })
        .await;
    assert_eq!(world.runs().await, ["1 succeeded"]);
    assert_eq!(world.copy.writes.count(), 1);
}

/// A run whose end could not be kept is at work in the store and nowhere else: it is put back once the store can keep
/// things again, and its write is not sent a second time. Until then nothing is polled.
#[tokio::test(start_paused = true)]
async fn a_run_whose_end_could_not_be_kept_is_put_back() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.is_unsafe_to_repeat();
    faults::set_hook(Some(Box::new(|point| {
        if point == "effect.settled" {
            faults::plant(Some("full disk"));
        }
    })));
    world
        .live(&[FLOW], async |_| {
            wait(5).await;
            world.crm.polls.answer(|_, _| Ok(()));
            wait(600).await;
            assert_eq!(world.runs().await, ["1 running"]);
            assert_eq!(world.crm.polls.count(), 0, "what it finds could not be kept");
            world.fill_disk(false);
            wait(30).await;
            assert!(world.crm.polls.count() > 0);
        })
        .await;
    assert_eq!(world.runs().await, ["1 succeeded"]);
    assert_eq!(world.copy.writes.count(), 1);
}

/// What could not be claimed while the disk was full is claimed once it is not.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_nothing_can_be_kept() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    faults::set_hook(Some(Box::new(|point| {
        if point == "poll.checkpoint.after" {
            faults::plant(Some("full disk"));
        }
    })));
    world
        .live(&[FLOW], async |_| {
            wait(600).await;
            assert_eq!((world.runs().await, world.copy.writes.count()), (vec!["1 pending".to_owned()], 0));
            faults::set_hook(None);
            world.fill_disk(false);
            wait(30).await;
        })
        .await;
    assert_eq!(world.runs().await, ["1 succeeded"]);
}

/// Of the runs that a dead engine had parked, all but the first to be due were found only once nothing else was at
/// work.
#[tokio::test(start_paused = true)]
async fn what_a_dead_engine_parked_is_taken_up_while_others_work() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let first = FLOW.replace("  start: beginning", "  start: beginning\n  where: record.email == \"1@example.com\"");
    let busy = FLOW.replace("flow: f", "flow: busy").replace("set: {", "set: {note: x, ");
    world.copy.writes.answer(move |_, write| {
        let seconds = if write.fields.contains_key("note") { 60 } else { 300 };
        Err(refusal(Class::Transient).retry_after(Some(std::time::Duration::from_secs(seconds))))
    });
    world.live_for(&[&first, &busy], 30).await;
    world.copy.writes.answer(|_, _| Ok(applied()));
    world.copy.writes.takes(50);
    world
        .live(&[&first, &busy], async |_| {
            for id in 2..60 {
                world.crm.show([record(1, -5_000), record(id, i64::try_from(id).unwrap() * 20_000)]);
                wait(20).await;
            }
            assert_eq!(world.run_of("f").await.row.state, store::RunState::Succeeded);
        })
        .await;
}
