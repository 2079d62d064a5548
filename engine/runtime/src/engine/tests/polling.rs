//! Polls that fail, panic, or meet a clock that is set back.

use std::time::Duration;

use sdk::Class;
use store::FlowState;

use crate::testing::{FLOW, World, record, refusal, status, wait};

/// Runs that a poll had stored before its second page failed lay there until the process was started again, and the
/// flow's counts did not know of them.
#[tokio::test(start_paused = true)]
async fn runs_of_a_poll_that_failed_half_way_are_started_and_counted() {
    let world = World::new();
    world.crm.show([record(1, -5_000), record(2, -4_000)]);
    world.crm.page_size(2);
    world.crm.polls.answer(|n, _| if n == 2 { Err(refusal(Class::RateLimited)) } else { Ok(()) });
    let told = world
        .live(&[FLOW], async |handle| {
            wait(10).await;
            status(&handle, "f")
        })
        .await;
    assert_eq!(world.crm.polls.count(), 2, "nothing but the failed poll has started them");
    assert_eq!(world.runs().await, ["1 succeeded", "2 succeeded"]);
    assert_eq!((told.records, told.runs), (2, 2));
    assert!(told.adds_up(), "{told:?}");
}

/// It counted as a failed poll: it was tried in ever longer times, up to five minutes after there was room again.
#[tokio::test(start_paused = true)]
async fn a_poll_without_room_in_the_budget_waits_and_has_not_failed() {
    let world = World::new();
    let limit = sdk::Limit {
        name: "hour".to_owned(),
        scope: sdk::LimitScope::Account,
        max: 4,
        per: Duration::from_secs(3_600),
        reserve: 0,
    };
    world.crm.allows(limit, &["poll"]);
    world
        .live(&[FLOW], async |handle| {
            wait(1_200).await;
            let told = status(&handle, "f");
            let reason = told.reason.unwrap_or_default();
            assert!(reason.starts_with("its next poll waits until ") && reason.contains("limits of `crm`"), "{reason}");
            assert_eq!((told.state, world.crm.polls.count()), (FlowState::Active, 4));
            world.crm.show([record(1, 1_200_000)]);
            wait(2_420).await;
            assert_eq!(status(&handle, "f").reason, None);
        })
        .await;
    assert_eq!(world.runs().await, ["1 succeeded"], "it is read as soon as there is room");
}

/// A panic in one flow's poll ended the engine, and with it every other flow.
#[tokio::test(start_paused = true)]
async fn a_panic_in_a_poll_blocks_its_own_flow_only() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.crm.polls.answer(|_, request| match request.object.as_str() {
        "deals" => panic!("a connector's bug"),
        _ => Ok(()),
    });
    let broken = FLOW.replace("flow: f", "flow: broken").replace("poll: crm.contacts", "poll: crm.deals");
    let (broken, sound) = world
        .live(&[FLOW, &broken], async |handle| {
            wait(60).await;
            (status(&handle, "broken"), status(&handle, "f"))
        })
        .await;
    assert_eq!(broken.state, FlowState::Blocked);
    assert_eq!(broken.reason.unwrap(), "the engine failed inside: a connector's bug");
    assert_eq!(sound.state, FlowState::Active);
    assert!(sound.polls >= 4, "it goes on polling: {}", sound.polls);
    assert_eq!(world.runs().await, ["1 succeeded"]);
}

/// A clock that was set back put the next due time out of reach: no polls until it had caught up. One set back by
/// years made the loop panic.
#[tokio::test(start_paused = true)]
async fn polls_go_on_at_their_interval_when_the_clock_is_set_back() {
    const HOUR: Duration = Duration::from_secs(3_600);
    for set_back in [HOUR, 3 * 365 * 24 * HOUR] {
        let world = World::new();
        let n_polls = world
            .live(&[FLOW], async |_| {
                wait(40).await;
                let before = world.crm.polls.count();
                world.clock.set_back(set_back);
                wait(600).await;
                world.crm.polls.count() - before
            })
            .await;
        assert!((39..=41).contains(&n_polls), "set back by {set_back:?}: {n_polls} polls in ten minutes");
    }
}

/// A pass over rows it had seen kept no point to go on from, so at a service that refuses every tenth request it
/// began anew each time and never reached what was new.
#[tokio::test(start_paused = true)]
async fn a_pass_over_seen_rows_makes_progress_although_every_tenth_request_fails() {
    let world = World::new();
    world.crm.show((1..=60).map(|id| record(id, -5_000 + i64::try_from(id).unwrap())));
    world.crm.page_size(2);
    world.live_for(&[FLOW], 60).await;
    assert_eq!(world.runs().await.len(), 60);

    world.crm.polls.answer(|n, _| if n % 10 == 0 { Err(refusal(Class::RateLimited)) } else { Ok(()) });
    world.crm.add(record(61, 60_000));
    world.live_for(&[FLOW], 3_600).await;
    assert_eq!(world.runs().await.last().unwrap(), "61 succeeded");
}

/// Polls that fail wait longer each time, and are back at their interval after the first that succeeds.
#[tokio::test(start_paused = true)]
async fn failing_polls_wait_longer_each_time() {
    let world = World::new();
    world.crm.polls.answer(|n, _| if n <= 5 { Err(refusal(Class::Transient)) } else { Ok(()) });
    let reason = world
        .live(&[FLOW], async |handle| {
            wait(100).await;
            let reason = status(&handle, "f").reason;
            wait(700).await;
            assert_eq!(status(&handle, "f").reason, None, "mended");
            reason
        })
        .await;
    assert_eq!(reason.unwrap(), "as scripted");
    assert_eq!(world.crm.polls.seconds(), [0, 30, 90, 210, 450, 750, 765, 780, 795]);
}

/// With `by`, the record's creation was compared with the flow's start, so a record that got its stamp after the
/// start and had been created before made no run.
#[tokio::test(start_paused = true)]
async fn new_by_a_field_counts_that_field_and_not_the_creation() {
    let world = World::new();
    let flow = FLOW.replace("on: new_or_updated", "on: new\n  by: closedate").replace("start: beginning", "start: now");
    let created_before = |id, changed_millis| sdk::Record {
        created: Some(record(id, -30 * 24 * 3_600_000).modified),
        ..record(id, changed_millis)
    };
    world.crm.show([created_before(1, -1_000)]);
    world
        .live(&[&flow], async |_| {
            wait(60).await;
            world.crm.add(created_before(2, 61_000));
            wait(60).await;
        })
        .await;
    assert_eq!(world.runs().await, ["2 succeeded"], "the first closed before the flow's start");
    let tally = world.store.cursors(&"f".into()).await.unwrap()[0].tally;
    assert_eq!((tally.records, tally.before_start, tally.late), (1, 0, 0));
}

/// An interval with a longest time doubles while polls find nothing, and is at its shortest after one that does.
#[tokio::test(start_paused = true)]
async fn an_adaptive_interval_grows_while_nothing_happens() {
    let world = World::new();
    let adaptive = FLOW.replace("every: 15s", "every: {min: 15s, max: 2m}");
    let after_fresh = world
        .live(&[&adaptive], async |handle| {
            wait(700).await;
            assert_eq!(world.crm.polls.seconds(), [0, 30, 90, 210, 330, 450, 570, 690]);
            world.crm.add(record(1, 700_000));
            wait(112).await;
            assert_eq!(world.runs().await.len(), 1, "found at 810");
            status(&handle, "f").next_poll.unwrap().millis() - record(0, 810_000).modified.millis()
        })
        .await;
    assert_eq!(after_fresh / 1_000, 15, "something happens, so it looks again soon");
}

/// Polls of an adaptive interval that fail wait as long as those of any other, and a drain waits for no long interval.
#[tokio::test(start_paused = true)]
async fn failures_back_off_from_an_adaptive_interval_too() {
    let world = World::new();
    let adaptive = FLOW.replace("every: 15s", "every: {min: 15s, max: 10m}");
    world.crm.polls.answer(|n, _| if (2..=3).contains(&n) { Err(refusal(Class::Transient)) } else { Ok(()) });
    world.live_for(&[&adaptive], 400).await;
    // Thirty seconds after each of the first two; then twice as long.
    assert_eq!(world.crm.polls.seconds(), [0, 30, 60, 120, 180, 300]);
}
