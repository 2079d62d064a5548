//! Runs that are cancelled while they are at work: what was sent comes to its end, and nothing else begins.

use std::time::Duration;

use sdk::{Class, Limit, LimitScope, Record, RunId, Value, faults};
use store::{EffectState, FlowState, Repair, Repaired, RunState};
use tokio_util::sync::CancellationToken;

use crate::engine::Event;
use crate::testing::{FLOW, World, applied, checked, record, refusal, status, wait};
use crate::{Command, Engine, Exchange, Handle};

/// Writes for every item of a long list.
const LONG: &str = r#"
flow: f
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.contacts, every: 15s, start: beginning, fields: [numbers]}
steps:
  - each: ${ record.numbers }
    name: numbers
    limit: 1000
    steps:
      - update: copy.contacts
        name: mark
        id: ${ item }
        set: {marked: true}
"#;

#[tokio::test(start_paused = true)]
async fn a_loop_under_way_writes_nothing_more() {
    let (world, n_writes) = cancelled_in_the_middle().await;
    assert_eq!(world.copy.writes.count(), n_writes, "nothing was sent after the wish");
    let run = world.run_of("f").await;
    assert_eq!((run.row.state, run.row.reason.as_deref()), (RunState::Cancelled, Some("wrong")));
    assert!(run.effects.iter().all(|effect| effect.state == EffectState::Done), "what was sent is settled");
    assert_eq!(run.effects.len(), n_writes);
    let told = run.log.iter().rev().map(|line| (line.step.as_str(), line.message.as_str())).collect::<Vec<_>>();
    let last = format!("cancelled while at work, after {n_writes} writes, the last of them in `mark`");
    assert_eq!(told[0], ("", last.as_str()));
    let not_begun = told.iter().filter(|(_, message)| *message == "not begun: the run is to stop");
    assert_eq!(
        not_begun.map(|(step, _)| step.starts_with("mark[")).collect::<Vec<_>>(),
        [true],
        "one item tells of it"
    );
}

/// The check above must be able to fail.
#[tokio::test(start_paused = true)]
async fn a_wish_that_nobody_hears_is_found_out() {
    faults::plant(Some("a wish to stop is heard by nobody"));
    let (world, n_writes) = cancelled_in_the_middle().await;
    assert!(world.copy.writes.count() > n_writes);
}

/// The world after a run of `LONG` was cancelled, and how many writes had been sent when it was.
async fn cancelled_in_the_middle() -> (World, usize) {
    let world = World::new();
    world.crm.show([of_numbers(1_000)]);
    world.copy.writes.takes(1);
    let mut n_writes = 0;
    world
        .live(&[LONG], async |handle| {
            while world.copy.writes.count() < 100 {
                wait(1).await;
            }
            n_writes = world.copy.writes.count();
            let asked = cancel(&handle, &world, "f").await;
            assert_eq!((asked.done.len(), asked.asked.len()), (0, 1));
            wait(60).await;
            assert!(status(&handle, "f").adds_up());
        })
        .await;
    (world, n_writes)
}

/// One item failed while others were under way; of those that did not begin nobody knows how they would have ended.
#[tokio::test(start_paused = true)]
async fn a_loop_that_stops_is_cancelled_whatever_became_of_its_items() {
    let world = slow();
    world.crm.show([of_numbers(1_000)]);
    world.copy.writes.answer(|n, _| if n == 1 { Err(refusal(Class::Invalid)) } else { Ok(applied()) });
    world
        .live(&[LONG], async |handle| {
            while world.copy.writes.count() == 0 {
                wait(1).await;
            }
            cancel(&handle, &world, "f").await;
            wait(60).await;
            assert!(status(&handle, "f").adds_up());
        })
        .await;
    let run = world.run_of("f").await;
    assert_eq!((run.row.state, run.effects[0].state), (RunState::Cancelled, EffectState::Failed));
    assert_eq!(world.copy.writes.count(), run.effects.len());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_came_to_its_end_first_has_that_end() {
    let world = under_way(slow(), FLOW, async |handle, world| {
        cancel(handle, world, "f").await;
        wait(60).await;
        assert!(status(handle, "f").adds_up());
    })
    .await;
    let run = world.run_of("f").await;
    assert_eq!((run.row.state, run.row.stop_reason.as_deref()), (RunState::Succeeded, Some("wrong")));
}

/// What would be tried again, or would wait, is not.
#[tokio::test(start_paused = true)]
async fn no_other_try_and_no_wait_begins() {
    let waits = format!("{FLOW}  - wait: 1h\n");
    for (flow, fails, left_out) in [(FLOW, true, EffectState::Skipped), (&waits, false, EffectState::Done)] {
        let world = slow();
        world.copy.writes.answer(move |_, _| if fails { Err(refusal(Class::Transient)) } else { Ok(applied()) });
        let world = under_way(world, flow, async |handle, world| {
            cancel(handle, world, "f").await;
            wait(7_200).await;
            assert!(status(handle, "f").adds_up());
        })
        .await;
        let run = world.run_of("f").await;
        assert_eq!((run.row.state, run.effects[0].state), (RunState::Cancelled, left_out));
        assert_eq!(world.copy.writes.count(), 1);
    }
}

/// Where nobody knows whether the write was applied, somebody must look; it is not sent again to find out.
#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_been_applied_is_unknown() {
    let world = slow();
    world.copy.writes.answer(|_, _| Err(refusal(Class::Transient).maybe_applied()));
    let world = under_way(world, FLOW, async |handle, world| {
        cancel(handle, world, "f").await;
        wait(7_200).await;
        assert!(status(handle, "f").adds_up());
    })
    .await;
    let run = world.run_of("f").await;
    assert_eq!((run.row.state, run.effects[0].state), (RunState::Unknown, EffectState::Unknown));
    assert_eq!(world.copy.writes.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_later_version_of_its_record_goes_on() {
    let flow = format!("{FLOW}  - wait: 1h\n");
    let world = under_way(slow(), &flow, async |handle, world| {
        cancel(handle, world, "f").await;
        world.crm.show([record(1, 16_000)]);
        wait(30).await;
        assert_eq!(world.copy.writes.count(), 1, "what was sent comes to its end first");
        wait(7_200).await;
    })
    .await;
    assert_eq!(world.runs().await, ["1 cancelled", "1 succeeded"]);
}

/// A run that waited for room in a budget was deaf until there was some.
#[tokio::test(start_paused = true)]
async fn who_waits_for_room_in_a_budget_stops_at_once() {
    let world = World::new();
    world.crm.show([of_numbers(1_000)]);
    let slow =
        Limit { name: "slow".to_owned(), scope: LimitScope::Account, max: 1, per: Duration::from_secs(25), reserve: 0 };
    world.copy.allows(slow, &["write"]);
    world
        .live(&[LONG], async |handle| {
            wait(20).await;
            assert_eq!(world.copy.writes.count(), 1);
            cancel(&handle, &world, "f").await;
            wait(1).await;
            assert_eq!(world.runs().await, ["1 cancelled"]);
            wait(600).await;
            assert_eq!(world.copy.writes.count(), 1);
        })
        .await;
}

/// Two runs write to one record; the second waits for its turn.
#[tokio::test(start_paused = true)]
async fn who_waits_for_its_turn_at_a_key_stops_at_once() {
    let world = World::new();
    let [first, mut second] = [record(1, -5_000), record(2, -4_000)];
    second.fields = first.fields.clone();
    world.crm.show([first, second]);
    world.copy.writes.takes(40);
    world
        .live(&[FLOW], async |handle| {
            wait(20).await;
            assert_eq!(
                (world.runs().await, world.copy.writes.count()),
                (vec!["1 running".to_owned(), "2 running".to_owned()], 1)
            );
            cancel(&handle, &world, "f").await;
            wait(1).await;
            assert_eq!(world.runs().await, ["1 running", "2 cancelled"]);
            wait(60).await;
        })
        .await;
    assert_eq!(
        (world.runs().await, world.copy.writes.count()),
        (vec!["1 succeeded".to_owned(), "2 cancelled".to_owned()], 1)
    );
}

/// A caller waits in the store; what it called is at work, has not begun, or has ended.
#[tokio::test(start_paused = true)]
async fn what_it_called_stops_with_it() {
    let caller = r#"
flow: f
connections: {crm: hubspot}
trigger: {poll: crm.contacts, every: 15s, start: beginning, fields: [numbers]}
steps:
  - each: ${ record.numbers }
    steps:
      - run: mark
        with: {id: "${ item }"}
"#;
    let callee = r#"
flow: mark
connections: {copy: hubspot}
trigger: {manual: {inputs: {id: {type: number, required: true}}}}
limits: {runs: 1}
steps:
  - update: copy.contacts
    id: ${ inputs.id }
    set: {marked: true}
  - update: copy.notes
    id: ${ inputs.id }
    set: {marked: true}
"#;
    let world = World::new();
    world.crm.show([of_numbers(3)]);
    world.copy.writes.takes(10);
    world
        .live(&[caller, callee], async |handle| {
            while world.copy.writes.count() < 3 {
                wait(1).await;
            }
            let cancelled = cancel(&handle, &world, "f").await;
            assert_eq!((cancelled.done.len(), cancelled.asked.len()), (2, 1), "the caller, the third, and the second");
            wait(600).await;
            assert!(status(&handle, "f").adds_up() && status(&handle, "mark").adds_up());
        })
        .await;
    let mut runs = world.runs().await;
    runs.sort();
    assert_eq!(runs, ["1 cancelled", "1[0] succeeded", "1[1] cancelled", "1[2] cancelled"]);
    assert_eq!(world.copy.writes.count(), 3);
}

/// The engine stops before the run did; the next one must not take it up again.
#[tokio::test(start_paused = true)]
async fn the_wish_outlives_its_engine() {
    let mut world = World::new();
    world.options.grace = Duration::from_secs(1);
    world.copy.writes.takes(300);
    let world = under_way(world, FLOW, async |handle, world| {
        cancel(handle, world, "f").await;
    })
    .await;
    assert_eq!(world.run_of("f").await.row.state, RunState::Running);
    world.live_for(&[FLOW], 7_200).await;
    let run = world.run_of("f").await;
    assert_eq!((run.row.state, run.effects[0].state), (RunState::Unknown, EffectState::Unknown), "it was cut off");
    assert_eq!(world.copy.writes.count(), 1, "not sent again");
}

/// A run was at work again before the end of its earlier attempt was taken note of. That end was taken for the new
/// attempt's, and nobody could stop that any more.
#[tokio::test(start_paused = true)]
async fn the_end_of_an_earlier_attempt_takes_no_wish_from_the_next() {
    let twice = format!("{FLOW}  - upsert: copy.notes\n    match: email\n    set: {{email: x}}\n");
    let (world, mut engine, _, run) = parked(&twice, Class::Transient).await;
    wait(400).await;
    world.copy.writes.takes(50);
    engine.all_may_have_work();
    engine.dispatch().await.unwrap();
    wait(1).await;
    assert_eq!((world.runs().await[0].as_str(), world.copy.writes.count()), ("1 running: transient, attempt 2", 3));
    take_end(&mut engine).await;
    engine.repair(vec![run], wrong()).await.unwrap();
    wait(600).await;
    assert_eq!(world.runs().await, ["1 cancelled"]);
    assert_eq!(world.copy.writes.count(), 3, "the second step does not begin");
}

/// A run was cancelled before the engine had taken note that it was parked, and then blocked its flow for good.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_as_it_parks_blocks_nothing() {
    let (world, mut engine, handle, run) = parked(FLOW, Class::Auth).await;
    engine.repair(vec![run], wrong()).await.unwrap();
    take_end(&mut engine).await;
    assert_eq!(world.runs().await, ["1 cancelled"]);
    let told = status(&handle, "f");
    assert_eq!((told.state, told.reason.as_deref(), told.adds_up()), (FlowState::Active, None, true));
}

/// A run whose end could not be kept stopped as it was put back, and its flow kept the version that it began on.
#[tokio::test(start_paused = true)]
async fn a_run_that_stops_as_it_is_put_back_is_let_go() {
    let world = under_way(slow(), FLOW, async |handle, world| {
        cancel(handle, world, "f").await;
        let put = checked(&[&format!("{FLOW}  - wait: 1h\n")]);
        handle.exchange(Exchange { put, ..Exchange::default() }).await.unwrap();
        assert_eq!(status(handle, "f").earlier, 1);
        faults::set_hook(Some(Box::new(|point| {
            if point == "effect.settled" {
                faults::plant(Some("full disk"));
            }
        })));
        wait(60).await;
        assert_eq!(world.runs().await, ["1 running"]);
        faults::set_hook(None);
        world.fill_disk(false);
        wait(30).await;
        let told = status(handle, "f");
        assert_eq!((told.earlier, told.adds_up()), (0, true), "{told:?}");
    })
    .await;
    assert_eq!(world.runs().await, ["1 cancelled"]);
}

/// An engine that has not taken note yet that its run, which was refused so, is parked.
async fn parked(flow: &str, class: Class) -> (World, Engine, Handle, RunId) {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(move |n, _| match n {
        1 => Err(refusal(Class::Transient).retry_after(Some(Duration::from_secs(300)))),
        2 => Err(refusal(class.clone())),
        _ => Ok(applied()),
    });
    world.live_for(&[flow], 30).await;
    let run = world.run_of("f").await.row.id;
    let (mut engine, handle) = world.start(&checked(&[flow])).await;
    wait(400).await;
    engine.dispatch().await.unwrap();
    wait(1).await;
    assert!(world.runs().await[0].starts_with("1 pending"));
    (world, engine, handle, run)
}

/// Takes note of the end of one attempt.
async fn take_end(engine: &mut Engine) {
    let event = engine.next_event(None, &CancellationToken::new()).await;
    let Event::RunEnded(ended) = event else { panic!("no attempt has ended") };
    engine.run_ended(ended).await.unwrap();
}

/// A world in which a write takes a while.
fn slow() -> World {
    let world = World::new();
    world.copy.writes.takes(50);
    world
}

/// The same world after a script that begins when the first write of a run of `flow` is under way.
async fn under_way(world: World, flow: &str, script: impl AsyncFnOnce(&Handle, &World)) -> World {
    world.crm.show([record(1, -5_000)]);
    world
        .live(&[flow], async |handle| {
            while world.copy.writes.count() == 0 {
                wait(1).await;
            }
            script(&handle, &world).await;
        })
        .await;
    world
}

/// A record with a list of so many numbers.
fn of_numbers(n: i64) -> Record {
    let mut record = record(1, -5_000);
    record.fields.insert("numbers".to_owned(), Value::List((0..n).map(Value::Int).collect()));
    record
}

/// Cancels the newest run of a flow.
async fn cancel(handle: &Handle, world: &World, flow: &str) -> Repaired {
    let run = world.run_of(flow).await.row.id;
    let answer = handle.ask(Command::Repair { runs: vec![run], repair: wrong() }).await.unwrap();
    serde_json::from_str(&answer).unwrap()
}

fn wrong() -> Repair {
    Repair::Cancel { reason: "wrong".to_owned() }
}
