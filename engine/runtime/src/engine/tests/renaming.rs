//! `was`: a flow under another name.

use store::FlowState;

use crate::Command;
use crate::testing::{FLOW, World, record, status, wait};

/// A paused flow was active again under its new name.
#[tokio::test(start_paused = true)]
async fn a_paused_flow_stays_paused_under_its_new_name() {
    let world = World::new();
    world.live(&[FLOW], async |handle| handle.ask(Command::Pause("f".into())).await.unwrap()).await;
    world.crm.polls.answer(|_, _| Ok(()));
    let renamed = FLOW.replace("flow: f", "flow: g\nwas: f");
    let told = world
        .live(&[&renamed], async |handle| {
            wait(120).await;
            status(&handle, "g")
        })
        .await;
    assert_eq!((told.state, world.crm.polls.count()), (FlowState::Paused, 0));
    assert_eq!(world.stored_state("g").await, FlowState::Paused);
}

/// A `was` that cannot be followed, because both names have a history, kept every flow from starting.
#[tokio::test(start_paused = true)]
async fn a_refused_renaming_leaves_out_its_own_flow_only() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let named = |name: &str| FLOW.replace("flow: f", &format!("flow: {name}"));
    world.live_for(&[FLOW], 30).await;
    world.live_for(&[&named("g")], 30).await;
    assert_eq!(world.runs().await.len(), 2, "both have a history");

    let (left_out, sound) = world
        .live(&[&named("g\nwas: f"), &named("h")], async |handle| {
            wait(30).await;
            (status(&handle, "g"), status(&handle, "h"))
        })
        .await;
    assert_eq!(left_out.state, FlowState::Invalid);
    let reason = left_out.reason.unwrap();
    assert!(reason.contains("`f` cannot be renamed to `g`") && reason.contains("take `was` out"), "{reason}");
    assert_eq!((sound.state, sound.runs), (FlowState::Active, 1));
    assert_eq!(world.runs().await, ["1 succeeded"; 3]);
}
