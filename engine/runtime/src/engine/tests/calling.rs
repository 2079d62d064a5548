//! `run`: flows that call flows, and what becomes of the caller.

use sdk::Class;
use store::{Doubt, FailureFilter, Repair, RunState};

use crate::Command;
use crate::testing::{World, applied, record, refusal, wait};

/// Calls `greet` with the record's address and writes down what it returned.
const CALLER: &str = r#"
flow: f
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.contacts, every: 15s, start: beginning}
steps:
  - run: greet
    with: {email: "${ record.email }"}
    as: greeted
  - update: copy.notes
    id: ${ record.id }
    set: {text: "${ greeted }"}
"#;

const CALLEE: &str = r#"
flow: greet
connections: {copy: hubspot}
trigger: {manual: {inputs: {email: {type: text, required: true}}}}
steps:
  - update: copy.contacts
    id: ${ inputs.email }
    set: {greeted: true}
  - stop: {return: "hello ${ inputs.email }"}
"#;

#[tokio::test(start_paused = true)]
async fn a_caller_goes_on_with_what_it_was_returned() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.live_for(&[CALLER, CALLEE], 60).await;
    assert_eq!(world.runs().await, ["1 succeeded"; 2]);
    let written: Vec<_> = world.copy.writes.asked().iter().map(|write| format!("{:?}", write.fields)).collect();
    assert_eq!(written.len(), 2, "each once: {written:?}");
    assert!(written[1].contains("hello 1@example.com"), "{written:?}");
}

/// The caller's failure says which flow, which run and which step; its own steps after the call are not taken.
#[tokio::test(start_paused = true)]
async fn a_caller_fails_as_what_it_called_did() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|_, _| Err(refusal(Class::Invalid)));
    world.live_for(&[CALLER, CALLEE], 60).await;
    assert_eq!(world.runs().await, ["1 failed: invalid, attempt 1"; 2]);
    let caller = world.run_of("f").await;
    let failure = caller.row.failure.unwrap();
    assert_eq!(failure.step, "greeted");
    let said = format!("the flow `greet` failed at update_contacts: as scripted (run {})", caller.called[0]);
    assert_eq!(failure.message, said);
    assert_eq!(world.copy.writes.count(), 1);
}

/// A restart between the call and its end must neither call again nor forget the caller.
#[tokio::test(start_paused = true)]
async fn a_call_outlives_its_engine() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|_, _| Err(refusal(Class::Transient)));
    world.live_for(&[CALLER, CALLEE], 30).await;
    let states = |runs: Vec<String>| runs.into_iter().filter(|run| run.contains("succeeded")).count();
    assert_eq!(states(world.runs().await), 0);
    world.copy.writes.answer(|_, _| Ok(applied()));
    world.live_for(&[CALLER, CALLEE], 600).await;
    assert_eq!(world.runs().await, ["1 succeeded"; 2]);
    assert_eq!(world.copy.writes.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_while_what_it_calls_is_paused_or_away() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world
        .live(&[CALLER, CALLEE], async |handle| {
            handle.ask(Command::Pause("greet".into())).await.unwrap();
            wait(300).await;
            assert_eq!(world.run_of("f").await.row.state, RunState::Waiting);
            handle.ask(Command::Resume("greet".into())).await.unwrap();
            wait(30).await;
        })
        .await;
    assert_eq!(world.runs().await, ["1 succeeded"; 2]);
}

/// Calls from a loop are runs of their own, told apart by their items.
#[tokio::test(start_paused = true)]
async fn every_item_of_a_loop_has_a_call_of_its_own() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let looping = r#"
flow: f
connections: {crm: hubspot}
trigger: {poll: crm.contacts, every: 15s, start: beginning, fields: [email]}
steps:
  - each: ${ ["a", "b", "c"] }
    steps:
      - run: greet
        with: {email: "${ item }"}
"#;
    world.live_for(&[looping, CALLEE], 60).await;
    let mut runs = world.runs().await;
    runs.sort();
    assert_eq!(runs, ["1 succeeded", "1[a] succeeded", "1[b] succeeded", "1[c] succeeded"]);
    assert_eq!(world.copy.writes.count(), 3);
}

/// A flow that was renamed while a run of it was waited for was called again under its new name, and wrote everything
/// a second time.
#[tokio::test(start_paused = true)]
async fn a_called_flow_that_is_renamed_is_not_called_again() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let pausing = CALLEE.replace("  - stop", "  - wait: 1h\n  - stop");
    world.live_for(&[CALLER, &pausing], 60).await;
    assert_eq!(world.run_of("f").await.row.state, RunState::Waiting);
    let caller = CALLER.replace("run: greet", "run: welcome");
    let callee = pausing.replace("flow: greet", "flow: welcome\nwas: greet");
    world.live_for(&[&caller, &callee], 7_200).await;
    assert_eq!(world.runs().await, ["1 succeeded"; 2]);
    assert_eq!(world.copy.writes.count(), 2);
}

/// Runs without a record that a flow's times start have nothing newer than each other. What they called in a loop was
/// taken for versions of one record, so that a retry of what had failed yesterday was left out.
#[tokio::test(start_paused = true)]
async fn calls_of_different_times_do_not_supersede_each_other() {
    let world = World::new();
    let hourly = r#"
flow: f
connections: {copy: hubspot}
trigger: {schedule: "0 * * * *"}
steps:
  - each: ${ ["a"] }
    steps:
      - run: greet
        with: {email: "${ item }"}
"#;
    world.copy.writes.answer(|n, _| if n == 1 { Err(refusal(Class::Invalid)) } else { Ok(applied()) });
    world
        .live(&[hourly, CALLEE], async |handle| {
            wait(2 * 3_600 + 60).await;
            let failed = world.store.failures(FailureFilter::default(), None, 9).await.unwrap();
            let caller = failed.iter().find(|run| run.flow == "f".into()).unwrap().id;
            let repair = Repair::Retry(Doubt::Undecided);
            handle.ask(Command::Repair { runs: vec![caller], repair }).await.unwrap();
            wait(60).await;
        })
        .await;
    let runs = world.runs().await;
    assert!(runs.iter().all(|run| run.ends_with("succeeded")), "{runs:?}");
    assert_eq!(world.copy.writes.count(), 3);
}
