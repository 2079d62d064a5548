//! A service that a flow's steps ask is away for a while, and what operators see of it.

use sdk::Class;
use store::FlowState;

use crate::testing::{FLOW, World, applied, record, refusal, status, wait};

const HELD_UP: &str = "`upsert_contacts` is tried again: as scripted";

/// While a database was away for minutes, the flow's status told of nothing and no line was logged: its runs were kept
/// and tried again, and nobody knew why nothing arrived.
#[tokio::test(start_paused = true)]
async fn a_target_that_is_away_is_told_until_it_is_back() {
    let world = World::new();
    world.crm.show([record(1, -5_000), record(2, -4_000)]);
    world.copy.writes.answer(|n, _| if n <= 12 { Err(refusal(Class::Transient)) } else { Ok(applied()) });
    world
        .live(&[FLOW], async |handle| {
            wait(1).await;
            assert_eq!(status(&handle, "f").reason, None, "one failure may be a hiccup");
            wait(30).await;
            // The source was polled in the meantime, and that was well.
            let told = status(&handle, "f");
            assert_eq!((told.state, told.reason.as_deref()), (FlowState::Active, Some(HELD_UP)));
            wait(600).await;
            assert_eq!(world.runs().await, ["1 succeeded", "2 succeeded"]);
            assert_eq!(status(&handle, "f").reason, None);
        })
        .await;
}

/// It is over as well where the run gives up, and where it goes on to a step that waits.
#[tokio::test(start_paused = true)]
async fn a_run_that_ended_or_went_on_holds_up_nothing() {
    for (flow, n_failures, left) in [
        (FLOW.to_owned(), 1_000, "1 failed: transient, attempt 10"),
        (format!("{FLOW}  - wait: 3d\n"), 5, "1 waiting: transient, attempt 5"),
    ] {
        let world = World::new();
        world.crm.show([record(1, -5_000)]);
        world
            .copy
            .writes
            .answer(move |n, _| if n <= n_failures { Err(refusal(Class::Transient)) } else { Ok(applied()) });
        world
            .live(&[&flow], async |handle| {
                wait(10).await;
                assert_eq!(status(&handle, "f").reason.as_deref(), Some(HELD_UP));
                wait(3_600).await;
                assert_eq!(world.runs().await, [left]);
                assert_eq!(status(&handle, "f").reason, None);
            })
            .await;
    }
}
