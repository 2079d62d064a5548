//! `on_failure`: what a flow does about a run that gave up.

use sdk::Class;

use crate::testing::{World, record, refusal};

const FLOW: &str = r#"
flow: f
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.contacts, every: 15s, start: beginning}
steps:
  - update: copy.contacts
    id: ${ record.id }
    set: {email: "${ record.email }"}
on_failure:
  - create: copy.tickets
    set: {subject: "${ record.id }: ${ failure.class } at ${ failure.step }, ${ failure.message }"}
"#;

#[tokio::test(start_paused = true)]
async fn its_steps_see_the_failure_and_the_run_has_failed_all_the_same() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|n, _| if n == 1 { Err(refusal(Class::Invalid)) } else { Ok(crate::testing::applied()) });
    world.live_for(&[FLOW], 60).await;
    assert_eq!(world.runs().await, ["1 failed: invalid, attempt 1"]);
    let written = world.copy.writes.asked();
    assert_eq!(written.len(), 2);
    let subject = written[1].fields.get("subject").unwrap().to_text();
    assert_eq!(subject, "1: invalid at update_contacts, as scripted");
}

/// Trying its steps again must not try the run's own steps again.
#[tokio::test(start_paused = true)]
async fn its_steps_are_tried_again_and_the_others_are_not() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|n, _| match n {
        1 => Err(refusal(Class::Invalid)),
        2 | 3 => Err(refusal(Class::Transient)),
        _ => Ok(crate::testing::applied()),
    });
    world.live_for(&[FLOW], 600).await;
    assert_eq!(world.runs().await, ["1 failed: invalid, attempt 1"]);
    let objects: Vec<_> = world.copy.writes.asked().into_iter().map(|write| write.object).collect();
    assert_eq!(objects, ["contacts", "tickets", "tickets", "tickets"]);
}

/// A look-up that failed is nowhere in the ledger: tried again, it would find that nothing had failed.
#[tokio::test(start_paused = true)]
async fn a_failure_that_would_not_come_again_stays() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let looking = FLOW
        .replace("update: copy.contacts", "find: copy.contacts")
        .replace("    set: {email: \"${ record.email }\"}\n", "");
    world.copy.gets.answer(|n, _| if n == 1 { Err(refusal(Class::Invalid)) } else { Ok(None) });
    world.copy.writes.answer(|n, _| if n < 3 { Err(refusal(Class::Transient)) } else { Ok(crate::testing::applied()) });
    world.live_for(&[&looking], 600).await;
    assert_eq!(world.runs().await, ["1 failed: invalid, attempt 1"]);
    assert_eq!((world.copy.gets.count(), world.copy.writes.count()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_give_up_takes_none_of_them() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.live_for(&[FLOW], 60).await;
    assert_eq!(world.runs().await, ["1 succeeded"]);
    assert_eq!(world.copy.writes.count(), 1);
}
