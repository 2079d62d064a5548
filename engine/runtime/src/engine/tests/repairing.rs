//! Runs that an operator repairs while the engine works, and what they noted of themselves.

use sdk::{Class, RunId};
use store::{Doubt, Repair, Repaired, RunFilter, RunState};

use crate::testing::{FLOW, World, applied, record, refusal, status, wait};
use crate::{Command, Handle};

/// A run that was retried after its service had been mended met its own refusal in the ledger, and failed again without
/// asking.
#[tokio::test(start_paused = true)]
async fn a_failed_run_is_tried_again_and_succeeds_once_its_cause_is_mended() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|n, _| if n == 1 { Err(refusal(Class::Invalid)) } else { Ok(applied()) });
    world
        .live(&[FLOW], async |handle| {
            wait(20).await;
            assert_eq!(world.runs().await, ["1 failed: invalid, attempt 1"]);
            let repaired = repair(&handle, &world, Repair::Retry(Doubt::Undecided)).await;
            assert_eq!((repaired.done.len(), repaired.refused.len()), (1, 0));
            wait(1).await;
            assert_eq!((world.runs().await, world.copy.writes.count()), (vec!["1 succeeded".to_owned()], 2));
            let told = status(&handle, "f");
            assert_eq!(told.ended.get(&RunState::Failed), Some(&0));
            assert!(told.adds_up(), "{told:?}");
            // What is done is never written twice.
            assert_eq!(repair(&handle, &world, Repair::Retry(Doubt::Undecided)).await.refused.len(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_another_attempt_can_be_cancelled() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|_, _| Err(refusal(Class::Auth)));
    world
        .live(&[FLOW], async |handle| {
            wait(20).await;
            let cancel = Repair::Cancel { reason: "not needed".to_owned() };
            assert_eq!(repair(&handle, &world, cancel).await.done.len(), 1);
            let calls = world.copy.writes.count();
            wait(600).await;
            assert_eq!((world.runs().await, world.copy.writes.count()), (vec!["1 cancelled".to_owned()], calls));
            assert!(status(&handle, "f").adds_up());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_tells_what_each_of_its_attempts_did() {
    let world = World::new();
    let flow = FLOW.replace(
        "steps:",
        "steps:\n  - find: copy.contacts\n    name: look\n    filter: {email: \"${ record.email }\"}\n    many: true\n    limit: 5\n    as: known\n  - if: record.email == \"\"\n    name: has_address\n    then: [{skip: no}]\n",
    );
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|n, _| if n == 1 { Err(refusal(Class::Transient)) } else { Ok(applied()) });
    world.live_for(&[&flow], 60).await;
    let id = ids(&world).await[0].to_string();
    let log = world.store.run(&id).await.unwrap().log;
    let told: Vec<String> =
        log.iter().map(|line| format!("{} {} {}: {}", line.attempt, line.level, line.step, line.message)).collect();
    let [looked, condition, again, condition_again, done] = &told[..] else { panic!("{told:#?}") };
    assert_eq!(looked, "1 info look: looked up copy.contacts: 0 found");
    assert_eq!(condition, "1 info has_address: the condition does not hold");
    assert!(again.starts_with("1 warn upsert_contacts: upsert of copy.contacts is tried again in "), "{again}");
    assert!(again.ends_with(" s: as scripted"), "{again}");
    assert_eq!(condition_again, "2 info has_address: the condition does not hold", "what is kept is not told again");
    assert!(done.starts_with("2 info upsert_contacts: ") && done.ends_with(" copy.contacts"), "{done}");
}

async fn repair(handle: &Handle, world: &World, repair: Repair) -> Repaired {
    let runs = ids(world).await;
    let answer = handle.ask(Command::Repair { runs, repair }).await.unwrap();
    serde_json::from_str(&answer).unwrap()
}

async fn ids(world: &World) -> Vec<RunId> {
    let filter = RunFilter { limit: 9, ..RunFilter::default() };
    world.store.runs(filter).await.unwrap().iter().map(|row| row.id).collect()
}
