//! Times that walk an object: one run for each record, page by page, over crashes and refusals.

use std::sync::Arc;
use std::time::Duration;

use flow::{Flow, Missed, Schedule, Target, Times, Trigger, Walk};
use sdk::{Class, IdOrder, RecordId};
use store::FlowState;

use super::times::start;
use crate::Command;
use crate::status::TriggerKind;
use crate::testing::{FLOW, World, applied, checked, record, refusal, status, wait};

const HOUR: u64 = 3_600;

/// Copies every contact at each full hour; `condition` is its `where`.
fn walking(condition: Option<&str>) -> Arc<Flow> {
    let condition = condition.map(|condition| format!("\n  where: {condition}")).unwrap_or_default();
    let polling = FLOW.replace("\n  start: beginning", &format!("\n  start: beginning{condition}"));
    let flow = checked(&[&polling])[0].clone();
    let target = Target { connection: "crm".into(), object: "contacts".to_owned() };
    let walk = Walk {
        target,
        filter: None,
        condition: flow.trigger.condition().cloned(),
        fields: flow.trigger.fields().to_vec(),
    };
    let times = Times::Cron("0 * * * *".to_owned());
    let trigger = Trigger::Schedule(Schedule { times, missed: Missed::RunOnce, walk: Some(walk) });
    Arc::new(Flow { trigger, ..(*flow).clone() })
}

fn ids(world: &World) -> Vec<Option<String>> {
    world.crm.walks.asked().iter().map(|request| request.after.as_ref().map(RecordId::to_string)).collect()
}

#[tokio::test(start_paused = true)]
async fn each_time_runs_every_record_once() {
    let world = World::new();
    world.crm.show((1..=12).map(|id| record(id, -5_000)));
    world.crm.page_size(5);
    let told = world
        .live_over(&[walking(Some("record.email != \"3@example.com\""))], async |handle| {
            wait(60).await;
            assert_eq!((world.crm.walks.count(), world.crm.polls.count()), (0, 0), "nothing before its time");
            wait(HOUR).await;
            assert_eq!(ids(&world), [None, Some("5".to_owned()), Some("10".to_owned())]);
            let told = status(&handle, "f");
            assert_eq!((told.records, told.left_out, told.runs, told.scheduled), (12, 1, 11, 0));
            wait(HOUR).await;
            status(&handle, "f")
        })
        .await;
    assert_eq!((told.trigger, told.records, told.left_out, told.runs), (TriggerKind::Walk, 24, 2, 22));
    assert!(told.adds_up(), "{told:?}");
    let tally = world.store.schedule(&"f".into()).await.unwrap().unwrap().tally;
    assert_eq!((tally.started, tally.records, tally.filtered), (0, 24, 2));
    assert_eq!(world.copy.writes.count(), 22, "each time writes anew");
}

/// A page that ends with the last row, exactly, is followed by an empty one.
#[tokio::test(start_paused = true)]
async fn a_last_page_that_is_full_ends_nothing_too_early() {
    let world = World::new();
    world.crm.show((1..=10).map(|id| record(id, -5_000)));
    world.crm.page_size(5);
    world.live_over(&[walking(None)], async |_| wait(HOUR + 60).await).await;
    assert_eq!((world.runs().await.len(), world.crm.walks.count()), (10, 3));
}

#[tokio::test(start_paused = true)]
async fn a_walk_goes_on_after_a_restart_from_where_it_stood() {
    let world = World::new();
    world.crm.show((1..=30).map(|id| record(id, -5_000)));
    world.crm.page_size(5);
    world.crm.walks.takes(10);
    world.live_over(&[walking(None)], async |_| wait(HOUR + 25).await).await;
    assert_eq!(world.runs().await.len(), 10, "two pages are stored");
    world.crm.walks.answer(|_, _| Ok(()));
    let asked = world
        .live_over(&[walking(None)], async |_| {
            wait(120).await;
            ids(&world)
        })
        .await;
    assert_eq!(asked[0].as_deref(), Some("10"));
    assert_eq!(world.runs().await.len(), 30);
    assert_eq!(world.copy.writes.count(), 30);
}

/// A time that comes while a walk is under way begins its own when that has ended: one at a time, and one for all that
/// came meanwhile.
#[tokio::test(start_paused = true)]
async fn one_walk_at_a_time() {
    let world = World::new();
    world.crm.show((1..=8).map(|id| record(id, -5_000)));
    world.crm.page_size(1);
    world.crm.walks.takes(1_000);
    world.live_over(&[walking(None)], async |_| wait(6 * HOUR).await).await;
    let began: Vec<u64> = std::iter::zip(world.crm.walks.seconds(), ids(&world))
        .filter(|(_, after)| after.is_none())
        .map(|(second, _)| second)
        .collect();
    // Nine pages of 1,000 seconds: from one o'clock to half past three. The next begins then, for three o'clock.
    assert_eq!(began, [HOUR, HOUR + 9_000]);
    assert_eq!(world.crm.walks.asked().len(), 9 + 9);
}

#[tokio::test(start_paused = true)]
async fn a_walk_reads_no_further_while_very_many_of_its_runs_are_pending() {
    let world = World::new();
    world.crm.show((1..=6_000).map(|id| record(id, -5_000)));
    world.crm.page_size(500);
    world.copy.writes.takes(5);
    let (most, told) = world
        .live_over(&[walking(None)], async |handle| {
            wait(HOUR).await;
            let mut most = 0;
            for _ in 0..350 {
                wait(10).await;
                most = most.max(status(&handle, "f").open_runs());
            }
            (most, status(&handle, "f"))
        })
        .await;
    assert!((4_000..5_000).contains(&most), "{most} at most");
    assert!(told.runs == 6_000 && told.adds_up(), "{told:?}");
}

/// Pages that fail are asked for again, later each time, and the flow shows why; refusals that only a person can mend
/// block it.
#[tokio::test(start_paused = true)]
async fn a_walk_that_fails_waits_and_goes_on_at_the_same_page() {
    let world = World::new();
    world.crm.show((1..=10).map(|id| record(id, -5_000)));
    world.crm.page_size(5);
    world.crm.walks.answer(|n, _| match n {
        2 | 3 => Err(refusal(Class::Transient)),
        4 => Err(refusal(Class::Auth)),
        _ => Ok(()),
    });
    world
        .live_over(&[walking(None)], async |handle| {
            wait(HOUR + 1).await;
            let told = status(&handle, "f");
            assert_eq!((told.state, told.reason.as_deref()), (FlowState::Active, Some("as scripted")));
            wait(30).await;
            assert_eq!(status(&handle, "f").state, FlowState::Blocked);
            wait(60).await;
            let told = status(&handle, "f");
            assert_eq!((told.state, told.reason), (FlowState::Active, None));
        })
        .await;
    let five = Some("5".to_owned());
    assert_eq!(ids(&world), [None, five.clone(), five.clone(), five.clone(), five, Some("10".to_owned())]);
    assert_eq!(world.runs().await.len(), 10);
}

/// A service that ignores the order would make a walk skip records, or never end.
#[tokio::test(start_paused = true)]
async fn a_walk_over_ids_that_do_not_rise_moves_nothing() {
    let world = World::new();
    world.crm.show([record(1, -5_000), record(2, -5_000), record(2, -4_000)]);
    let told = world
        .live_over(&[walking(None)], async |handle| {
            wait(HOUR + 60).await;
            status(&handle, "f")
        })
        .await;
    assert_eq!(told.state, FlowState::Blocked);
    assert!(told.reason.unwrap().contains("the service ignores the sort"));
    assert_eq!(world.runs().await.len(), 0);
}

/// What stands behind an id in one order is not what stands behind it in another: of twelve records, the walk had read
/// 1, 10, 11 and 12, and behind 12 there is nothing where they are numbers.
#[tokio::test(start_paused = true)]
async fn a_walk_whose_ids_rise_in_another_order_than_before_begins_anew() {
    let world = World::new();
    world.crm.show((1..=12).map(|id| record(id, -5_000)));
    world.crm.page_size(4);
    world.crm.walks.takes(10);
    world.copy.writes.answer(|_, _| Ok(applied()));
    world.crm.orders_ids(IdOrder::Text);
    world.live_over(&[walking(None)], async |_| wait(HOUR + 15).await).await;
    assert_eq!(world.runs().await.len(), 4);
    world.crm.orders_ids(IdOrder::Numbers);
    world.drain_over(&[walking(None)]).await;
    let mut runs = world.runs().await;
    runs.sort_by_key(|run| run.split(' ').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(runs, (1..=12).map(|id| format!("{id} succeeded")).collect::<Vec<_>>(), "each of them once");
    let after: Vec<_> = ids(&world).into_iter().map(|after| after.unwrap_or_default()).collect();
    assert_eq!(after[after.len() - 5..], ["12", "", "4", "8", "12"]);
}

#[tokio::test(start_paused = true)]
async fn a_walk_pauses_with_its_flow_and_can_be_asked_for() {
    let world = World::new();
    world.crm.show((1..=10).map(|id| record(id, -5_000)));
    world.crm.page_size(1);
    world.crm.walks.takes(10);
    world
        .live_over(&[walking(None)], async |handle| {
            let said = handle.ask(start("f")).await.unwrap();
            assert_eq!(said, "`f` walks over crm.contacts");
            let again = handle.ask(start("f")).await.unwrap();
            assert!(again.contains("is walking over crm.contacts already"), "{again}");
            wait(25).await;
            handle.ask(Command::Pause("f".into())).await.unwrap();
            // The poll under way comes to its end, which is that of all pages that it may read.
            wait(600).await;
            handle.ask(Command::Resume("f".into())).await.unwrap();
            wait(200).await;
            assert_eq!(world.runs().await.len(), 10);

            world.crm.gets.answer(|_, _| Ok(Some(record(3, -5_000))));
            handle.ask(Command::RunRecord { flow: "f".into(), record: "3".into() }).await.unwrap();
            wait(10).await;
            let told = status(&handle, "f");
            assert_eq!((told.records, told.asked, told.runs), (10, 1, 11));
            assert!(told.adds_up());
        })
        .await;
}

/// An engine that drains waits for a walk that is under way, also one that a dead engine had begun.
#[tokio::test(start_paused = true)]
async fn draining_brings_a_walk_to_its_end() {
    let world = World::new();
    world.crm.show((1..=10).map(|id| record(id, -5_000)));
    world.crm.page_size(2);
    world.crm.walks.takes(10);
    world.copy.writes.answer(|_, _| Ok(applied()));
    world.live_over(&[walking(None)], async |_| wait(HOUR + 25).await).await;
    assert_eq!(world.runs().await.len(), 4);
    world.drain_over(&[walking(None)]).await;
    assert_eq!(world.runs().await, (1..=10).map(|id| format!("{id} succeeded")).collect::<Vec<_>>());
    assert!(world.clock.elapsed() < Duration::from_secs(HOUR + 120));
}
