//! When an engine that drains is done, and when it is not.

use sdk::Class;
use store::FlowState;

use crate::testing::{FLOW, World, applied, checked, record, refusal, status, wait};

/// Runs stored by a poll whose second page failed were not known to wait, so the engine said that all was done.
#[tokio::test(start_paused = true)]
async fn it_is_not_done_while_runs_of_a_failed_poll_wait() {
    let world = World::new();
    world.crm.show([record(1, -5_000), record(2, -4_000)]);
    world.crm.page_size(2);
    world.crm.polls.answer(|n, _| if n == 2 { Err(refusal(Class::RateLimited)) } else { Ok(()) });
    world.copy.writes.takes(300);
    let handle = world.drain(&[FLOW]).await;
    assert_eq!(world.runs().await, ["1 succeeded", "2 succeeded"]);
    assert!(status(&handle, "f").adds_up());
}

/// The end of a pass that a dead process had begun counted as a pass of this one, so a record that had shown behind
/// it in the meantime was not read.
#[tokio::test(start_paused = true)]
async fn it_is_not_done_by_the_end_of_a_dead_process_s_pass() {
    let world = World::new();
    world.crm.show((1..=20).map(|id| record(id, -5_000 + 10 * i64::try_from(id).unwrap())));
    world.crm.page_size(2);
    world.crm.polls.answer(|n, _| if n == 4 { Err(refusal(Class::Transient)) } else { Ok(()) });
    world.live_for(&[FLOW], 5).await;
    assert!(world.runs().await.len() < 20, "the pass is under way");

    world.crm.add(record(21, -4_999));
    world.drain(&[FLOW]).await;
    let runs = world.runs().await;
    assert!(runs.contains(&"21 succeeded".to_owned()), "{runs:?}");
    assert_eq!(runs.len(), 21);
}

/// Where the target refused the token, draining went on for ever, and the flow was shown as active. Once it is
/// blocked, it is active again as soon as a run succeeds, and not only after its next poll.
#[tokio::test(start_paused = true)]
async fn it_ends_where_the_target_refuses_the_token_and_shows_so() {
    let world = World::new();
    let rarely = FLOW.replace("every: 15s", "every: 10m");
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|_, _| Err(refusal(Class::Auth)));
    let blocked = status(&world.drain(&[&rarely]).await, "f");
    assert_eq!((blocked.state, blocked.reason.as_deref()), (FlowState::Blocked, Some("as scripted")));
    assert_eq!(world.stored_state("f").await, FlowState::Blocked);
    assert_eq!(world.runs().await, ["1 pending: auth, attempt 0"]);

    world.copy.writes.answer(|n, _| if n == 1 { Err(refusal(Class::Auth)) } else { Ok(applied()) });
    world
        .live(&[&rarely], async |handle| {
            wait(35).await;
            assert_eq!(status(&handle, "f").state, FlowState::Blocked);
            wait(35).await;
            assert_eq!(world.runs().await, ["1 succeeded"]);
            assert_eq!(status(&handle, "f").state, FlowState::Active);
        })
        .await;
    assert_eq!(world.stored_state("f").await, FlowState::Active);
}

/// `run --once` of a flow that polls every hour and writes to the service that it polls stayed for that hour, only to look
/// once more; and where its first poll failed, it tried again an hour later.
#[tokio::test(start_paused = true)]
async fn it_looks_again_soon_however_rarely_its_author_does() {
    let world = World::new();
    let hourly = FLOW.replace("every: 15s", "every: 1h").replace("copy.contacts", "crm.contacts");
    world.crm.show([record(1, -5_000)]);
    world.crm.polls.answer(|n, _| if n == 1 { Err(refusal(Class::Transient)) } else { Ok(()) });
    world.drain(&[&hourly]).await;
    assert!(world.runs().await.contains(&"1 succeeded".to_owned()), "{:?}", world.runs().await);
    assert!(world.crm.polls.count() >= 3, "one that failed, one that read, and one after the write");
    assert!(world.clock.elapsed().as_secs() < 120, "it stayed for {:?}", world.clock.elapsed());
}

/// `run --once` of a source that was down stayed until it was up again, however long.
#[tokio::test(start_paused = true)]
async fn it_leaves_a_source_that_fails_again_and_again_to_the_next_engine() {
    let world = World::new();
    world.crm.polls.answer(|_, _| Err(refusal(Class::Transient)));
    let drain = crate::Drain { settle: std::time::Duration::ZERO, waits: false };
    let told = status(&world.drain_as(&checked(&[FLOW]), drain).await, "f");
    assert_eq!((told.state, told.is_left_unread, world.crm.polls.count()), (FlowState::Active, true, 4));
    assert!(told.reason.is_some(), "what is in the way is told");

    // However often it is tried, it is some minutes.
    let often = FLOW.replace("every: 15s", "every: 1s");
    let before = world.clock.elapsed();
    world.drain_as(&checked(&[&often]), drain).await;
    let stayed = world.clock.elapsed() - before;
    assert!((180..300).contains(&stayed.as_secs()), "it stayed for {stayed:?}");
}

/// All was read, and a later look failed while the last run was at work: nothing is left.
#[tokio::test(start_paused = true)]
async fn a_look_that_fails_after_all_was_read_leaves_nothing_unread() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.takes(50);
    world.crm.polls.answer(|n, _| if n == 1 { Ok(()) } else { Err(refusal(Class::Transient)) });
    let drain = crate::Drain { settle: std::time::Duration::ZERO, waits: false };
    let told = status(&world.drain_as(&checked(&[FLOW]), drain).await, "f");
    assert_eq!((told.is_left_unread, world.runs().await), (false, vec!["1 succeeded".to_owned()]));
    assert!(world.crm.polls.count() > 1 && told.reason.is_some(), "it failed, and the status tells of it");
}

/// Brought forward, a page for which there is no room, of a pass that a dead process had begun, would be asked for
/// again and again without a pause.
#[tokio::test(start_paused = true)]
async fn it_waits_for_room_before_it_looks_again() {
    let world = World::new();
    world.crm.show((1..=6).map(|id| record(id, -5_000 + 10 * i64::try_from(id).unwrap())));
    world.crm.page_size(2);
    world.crm.polls.answer(|n, _| if n == 2 { Err(refusal(Class::Transient)) } else { Ok(()) });
    world.live_for(&[FLOW], 5).await;
    assert!(world.runs().await.len() < 6, "the pass is under way");

    let hour = std::time::Duration::from_secs(3_600);
    let scope = sdk::LimitScope::Account;
    world.crm.allows(sdk::Limit { name: "hour".to_owned(), scope, max: 1, per: hour, reserve: 0 }, &["poll"]);
    let told = status(&world.drain(&[FLOW]).await, "f");
    assert_eq!(world.runs().await.len(), 6);
    assert!(told.polls < 50, "it was tried {} times", told.polls);
}

/// `run --once` of a flow with `wait: 3d` stayed for three days.
#[tokio::test(start_paused = true)]
async fn it_does_not_stay_for_waits_unless_it_is_told_to() {
    let world = World::new();
    let waits = FLOW.replace("steps:", "steps:\n  - wait: 3d");
    world.crm.show([record(1, -5_000)]);
    let drain = |waits: bool| crate::Drain { settle: std::time::Duration::ZERO, waits };
    world.drain_as(&checked(&[&waits]), drain(false)).await;
    assert_eq!(world.runs().await, ["1 waiting"]);
    assert!(world.clock.elapsed().as_secs() < 3_600, "it stayed for {:?}", world.clock.elapsed());

    // Beside a run that waits for its connection, too.
    world.crm.show([record(2, -4_000)]);
    world.copy.writes.answer(|_, _| Err(refusal(Class::Auth)));
    world.drain_as(&checked(&[&waits, &FLOW.replace("flow: f", "flow: g")]), drain(false)).await;
    assert!(world.clock.elapsed().as_secs() < 7_200);

    world.copy.writes.answer(|_, _| Ok(applied()));
    wait(3 * 24 * 3600).await;
    world.drain_as(&checked(&[&waits]), drain(false)).await;
    let ended = world.runs().await.iter().filter(|run| run.contains("succeeded")).count();
    assert!(ended >= 1, "the next one goes on with them: {:?}", world.runs().await);
}

/// A flow that was blocked when its process ended stayed so in the store for ever, although its connection had been
/// mended and its runs succeeded.
#[tokio::test(start_paused = true)]
async fn a_flow_whose_connection_was_mended_between_two_processes_is_active_again() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|_, _| Err(refusal(Class::Auth)));
    world.drain(&[FLOW]).await;
    assert_eq!(world.stored_state("f").await, FlowState::Blocked);

    world.copy.writes.answer(|_, _| Ok(applied()));
    wait(60).await;
    world.drain(&[FLOW]).await;
    assert_eq!(world.runs().await, ["1 succeeded"]);
    assert_eq!(world.stored_state("f").await, FlowState::Active);
}
