//! What operators ask of a running engine, at bad moments too.

use sdk::Class;
use store::FlowState;

use crate::Command;
use crate::testing::{FLOW, World, record, refusal, status, wait};

/// A paused flow makes no calls, also after a restart, until it is resumed; then it goes on from where it stood.
#[tokio::test(start_paused = true)]
async fn a_paused_flow_does_nothing_until_it_is_resumed() {
    let world = World::new();
    world
        .live(&[FLOW], async |handle| {
            wait(20).await;
            handle.ask(Command::Pause("f".into())).await.unwrap();
            world.crm.show([record(1, 25_000)]);
            world.crm.polls.answer(|_, _| Ok(()));
            wait(600).await;
            assert_eq!(status(&handle, "f").state, FlowState::Paused);
            assert_eq!(handle.ask(Command::Pause("f".into())).await.unwrap(), "`f` is paused already");
            assert!(handle.ask(Command::Pause("g".into())).await.is_err());
        })
        .await;
    world
        .live(&[FLOW], async |handle| {
            wait(600).await;
            assert_eq!((world.crm.polls.count(), world.runs().await.len()), (0, 0));
            handle.ask(Command::Resume("f".into())).await.unwrap();
            wait(5).await;
            assert_eq!(world.runs().await, ["1 succeeded"]);
            assert_eq!(status(&handle, "f").state, FlowState::Active);
        })
        .await;
}

/// Pausing or resuming that could not be kept had half happened: the engine did one thing and the store said another.
#[tokio::test(start_paused = true)]
async fn a_pause_or_resume_that_cannot_be_kept_changes_nothing() {
    let world = World::new();
    world
        .live(&[FLOW], async |handle| {
            wait(20).await;
            let polls_in_a_minute = async || {
                let before = world.crm.polls.count();
                wait(60).await;
                world.crm.polls.count() - before
            };
            world.fill_disk(true);
            let refused = handle.ask(Command::Pause("f".into())).await.unwrap_err();
            assert!(refused.contains("the disk is full"), "{refused}");
            assert_eq!((status(&handle, "f").state, polls_in_a_minute().await), (FlowState::Active, 4));

            world.fill_disk(false);
            handle.ask(Command::Pause("f".into())).await.unwrap();
            world.fill_disk(true);
            handle.ask(Command::Resume("f".into())).await.unwrap_err();
            assert_eq!((status(&handle, "f").state, polls_in_a_minute().await), (FlowState::Paused, 0));
            assert_eq!(world.stored_state("f").await, FlowState::Paused);

            world.fill_disk(false);
            handle.ask(Command::Resume("f".into())).await.unwrap();
            assert_eq!((status(&handle, "f").state, polls_in_a_minute().await), (FlowState::Active, 4));
        })
        .await;
}

/// A poll that was under way when its flow was paused, and was then refused, made the flow blocked, so that it polled
/// again after the next start.
#[tokio::test(start_paused = true)]
async fn a_refused_poll_does_not_overwrite_a_pause() {
    let world = World::new();
    world.crm.polls.answer(|_, _| Err(refusal(Class::Auth)));
    world.crm.polls.takes(5);
    world
        .live(&[FLOW], async |handle| {
            wait(1).await;
            assert_eq!(world.crm.polls.count(), 1, "it is under way");
            handle.ask(Command::Pause("f".into())).await.unwrap();
            wait(120).await;
            assert_eq!(status(&handle, "f").state, FlowState::Paused);
        })
        .await;
    assert_eq!(world.stored_state("f").await, FlowState::Paused);
    world.live_for(&[FLOW], 120).await;
    assert_eq!(world.crm.polls.count(), 1);
}

/// A flow that was blocked was said to be active already, by which nobody learned that it waits for a mended
/// connection.
#[tokio::test(start_paused = true)]
async fn resuming_a_blocked_flow_tells_what_it_waits_for() {
    let world = World::new();
    world.crm.polls.answer(|_, _| Err(refusal(Class::Auth)));
    world
        .live(&[FLOW], async |handle| {
            wait(5).await;
            let answer = handle.ask(Command::Resume("f".into())).await.unwrap();
            assert_eq!(answer, "`f` is not paused; it goes on by itself once this is mended: as scripted");
            handle.ask(Command::Pause("f".into())).await.unwrap();
            let answer = handle.ask(Command::Resume("f".into())).await.unwrap();
            assert_eq!(answer, "resumed `f`; it continues from its cursor");
        })
        .await;
}

/// A run that an operator asked for and those of polls superseded each other, by a stamp that the two read in
/// different ways.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_asked_for_and_those_of_polls_leave_each_other_alone() {
    for looked_up_stamp in [i64::from(i32::MIN), i64::from(i32::MAX)] {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        world.crm.gets.answer(move |_, _| Ok(Some(record(1, looked_up_stamp))));
        world
            .live(&[FLOW], async |handle| {
                wait(20).await;
                handle.ask(Command::RunRecord { flow: "f".into(), record: "1".into() }).await.unwrap();
                wait(20).await;
                world.crm.show([record(1, 40_000)]);
                wait(60).await;
                let told = status(&handle, "f");
                assert_eq!((told.records, told.asked, told.runs), (2, 1, 3));
                assert!(told.adds_up(), "{told:?}");
            })
            .await;
        assert_eq!(world.runs().await, ["1 succeeded"; 3], "looked up with stamp {looked_up_stamp}");
        assert_eq!(world.copy.writes.count(), 3);
    }
}

/// Looking up the record to run held the loop up: no polls, and no stopping, until the service had answered.
#[tokio::test(start_paused = true)]
async fn a_slow_look_up_holds_up_neither_polls_nor_stopping() {
    let world = World::new();
    world.crm.gets.takes(3_600);
    let mut answer = None;
    world
        .live(&[FLOW], async |handle| {
            wait(1).await;
            answer = Some(tokio::spawn({
                let handle = handle.clone();
                async move { handle.ask(Command::RunRecord { flow: "f".into(), record: "1".into() }).await }
            }));
            wait(60).await;
            assert_eq!((world.crm.gets.count(), world.crm.polls.count()), (1, 5));
        })
        .await;
    assert_eq!(world.clock.elapsed().as_secs(), 61, "it stopped when it was told to");
    assert_eq!(answer.unwrap().await.unwrap().unwrap_err(), "the engine has stopped");
}

/// Whoever puts flows to work may forget to ask what is not run: the engine does not begin what it could do in part
/// only.
#[tokio::test(start_paused = true)]
async fn a_flow_that_says_what_is_not_run_is_left_out() {
    let world = World::new();
    world.crm.show([record(1, 0)]);
    let held = FLOW.replace("flow: f", "flow: held\nbrakes: {creates: 1 per day}");
    let (left_out, sound) = world
        .live(&[&held, FLOW], async |handle| {
            wait(30).await;
            (status(&handle, "held"), status(&handle, "f"))
        })
        .await;
    assert_eq!((left_out.state, left_out.polls, left_out.runs), (FlowState::Invalid, 0, 0));
    let reason = left_out.reason.unwrap();
    assert!(reason.ends_with("this version does not run `brakes` yet"), "{reason}");
    assert_eq!((sound.state, sound.runs), (FlowState::Active, 1));
}

/// A panic of a connector, while it looked a record up for somebody at a terminal, ended the engine with all its flows.
#[tokio::test(start_paused = true)]
async fn a_panic_while_looking_a_record_up_is_told_and_stops_nothing() {
    let world = World::new();
    world.crm.gets.answer(|_, _| panic!("while reading the answer"));
    world
        .live(&[FLOW], async |handle| {
            wait(1).await;
            let asked = handle.ask(Command::RunRecord { flow: "f".into(), record: "1".into() }).await;
            assert!(asked.unwrap_err().contains("while reading the answer"));
            wait(60).await;
            assert_eq!(world.crm.polls.count(), 5);
        })
        .await;
}

/// Looking records up was free, so that those who asked for many took more than the account allows.
#[tokio::test(start_paused = true)]
async fn looking_a_record_up_counts_against_the_budget() {
    let world = World::new();
    let limit = sdk::Limit {
        name: "minute".to_owned(),
        scope: sdk::LimitScope::Account,
        max: 3,
        per: std::time::Duration::from_secs(60),
        reserve: 0,
    };
    world.crm.allows(limit, &["poll", "get"]);
    world
        .live(&[FLOW], async |handle| {
            wait(1).await;
            for id in ["1", "2"] {
                handle.ask(Command::RunRecord { flow: "f".into(), record: id.into() }).await.unwrap_err();
            }
            wait(40).await;
            assert_eq!((world.crm.gets.count(), world.crm.polls.count()), (2, 1), "no more than three in a minute");
        })
        .await;
}
