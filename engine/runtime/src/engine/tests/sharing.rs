//! Several flows with more work than there is room for.

use sdk::FlowId;
use store::RunState;

use crate::testing::{FLOW, World, record};

/// Room was handed out in the order of the flows' names, so that the first of them took all there was.
#[tokio::test(start_paused = true)]
async fn flows_take_turns_where_there_is_not_room_for_all() {
    let mut world = World::new();
    world.options.runs_at_once = 4;
    world.crm.show((1..=400).map(|id| record(id, -5_000)));
    world.copy.writes.takes(10);
    let names = ["f", "g", "h"];
    // Each looks for its contact by another field, so that none waits for another's write.
    let flows = names.map(|name| {
        FLOW.replace("flow: f", &format!("flow: {name}"))
            .replace("match: email", &format!("match: {name}"))
            .replace("set: {", &format!("set: {{{name}: \"{name} ${{ record.id }}\", "))
    });
    world.live_for(&flows.each_ref().map(String::as_str), 600).await;
    let mut done = Vec::new();
    for name in names {
        let counts = world.store.counts_by_state(&FlowId::from(name)).await.unwrap();
        let succeeded = counts.iter().find(|(state, _)| *state == RunState::Succeeded);
        done.push(succeeded.map_or(0, |(_, n)| *n));
    }
    let (most, least) = (done.iter().max().unwrap(), done.iter().min().unwrap());
    assert!(*least > 60 && most - least <= 8, "{done:?}");
}
