//! Flows that go by the clock: at their times, once each, whatever happens in between.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flow::{Flow, Missed, Schedule, Times, Trigger};
use sdk::{FlowId, Timestamp};
use store::{FlowState, KeyFilter, RunFilter};

use crate::Command;
use crate::scheduler::Alarm;
use crate::status::TriggerKind;
use crate::testing::{World, checked, status, wait};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// A flow that writes one record at each of its times.
fn scheduled(times: Times, zone: &str, missed: Missed) -> Arc<Flow> {
    let [flow] = &checked(&[r#"
flow: f
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.contacts, every: 15s}
steps:
  - create: copy.contacts
    set: {email: report@example.com}
"#])[..]
    else {
        panic!("one flow");
    };
    let trigger = Trigger::Schedule(Schedule { times, missed, walk: None });
    let timezone = jiff::tz::TimeZone::get(zone).unwrap();
    Arc::new(Flow { trigger, timezone, ..(**flow).clone() })
}

fn cron(text: &str, missed: Missed) -> Arc<Flow> {
    scheduled(Times::Cron(text.to_owned()), "UTC", missed)
}

/// When, by the flow's own times, its runs were started, oldest first.
async fn stamps(world: &World) -> Vec<String> {
    let filter = RunFilter { limit: 10_000, ..RunFilter::default() };
    let mut stamps: Vec<Timestamp> =
        world.store.runs(filter).await.unwrap().iter().map(|run| run.version.stamp).collect();
    stamps.reverse();
    stamps.iter().map(|at| at.to_string()[..16].to_owned()).collect()
}

/// The world begins on 2026-11-01 at 00:00 UTC.
#[tokio::test(start_paused = true)]
async fn each_time_makes_one_run_without_a_record() {
    let world = World::new();
    let flow = cron("0 */8 * * *", Missed::RunOnce);
    let told = world
        .live_over(&[flow], async |handle| {
            wait(10).await;
            let before = status(&handle, "f");
            assert_eq!((before.trigger, before.runs), (TriggerKind::Schedule, 0), "nothing is due at a first start");
            assert_eq!(before.next_start.unwrap().to_string(), "2026-11-01T08:00:00.000Z");
            wait(DAY).await;
            status(&handle, "f")
        })
        .await;
    assert_eq!(stamps(&world).await, ["2026-11-01T08:00", "2026-11-01T16:00", "2026-11-02T00:00"]);
    assert_eq!(world.runs().await, [" succeeded"; 3]);
    assert_eq!((told.scheduled, told.runs, told.records, told.polls), (3, 3, 0, 0));
    assert!(told.adds_up(), "{told:?}");
    assert_eq!(world.copy.writes.count(), 3, "no write takes the place of another time's");
}

#[tokio::test(start_paused = true)]
async fn nine_o_clock_in_berlin_is_nine_o_clock_all_year() {
    let world = World::new();
    let flow = scheduled(Times::Cron("0 9 * * *".to_owned()), "Europe/Berlin", Missed::RunOnce);
    world.live_over(&[flow], async |_| wait(365 * DAY).await).await;
    let stamps = stamps(&world).await;
    assert_eq!(stamps.len(), 365);
    for (day, at_utc) in
        [("2027-03-27", "08:00"), ("2027-03-28", "07:00"), ("2027-10-30", "07:00"), ("2027-10-31", "08:00")]
    {
        assert!(stamps.contains(&format!("{day}T{at_utc}")), "{day}: {stamps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interval_counts_from_the_first_start_and_survives_restarts() {
    let world = World::new();
    let flow = scheduled(Times::Every(Duration::from_secs(900)), "UTC", Missed::RunOnce);
    world.live_over(std::slice::from_ref(&flow), async |_| wait(1_000).await).await;
    wait(500).await;
    world.live_over(&[flow], async |_| wait(1_300).await).await;
    assert_eq!(stamps(&world).await, ["2026-11-01T00:15", "2026-11-01T00:30", "2026-11-01T00:45"]);
}

/// What passes while no engine runs.
#[tokio::test(start_paused = true)]
async fn times_that_were_missed_are_made_up_for_once_or_left_out() {
    for (missed, expected) in [
        (Missed::RunOnce, &["2026-11-01T01:00", "2026-11-01T09:00", "2026-11-01T10:00"][..]),
        (Missed::Skip, &["2026-11-01T01:00", "2026-11-01T10:00"]),
    ] {
        let world = World::new();
        let flow = cron("0 * * * *", missed);
        world.live_over(std::slice::from_ref(&flow), async |_| wait(HOUR + 600).await).await;
        wait(8 * HOUR).await;
        world.live_over(&[flow], async |_| wait(HOUR).await).await;
        assert_eq!(stamps(&world).await, expected, "{missed:?}");
    }
}

/// A restart over a time, or a moment's delay, is no reason to leave it out.
#[tokio::test(start_paused = true)]
async fn a_time_that_is_a_little_late_is_not_missed() {
    let world = World::new();
    let flow = cron("0 * * * *", Missed::Skip);
    world.live_over(std::slice::from_ref(&flow), async |_| wait(HOUR - 20).await).await;
    wait(40).await;
    world.live_over(&[flow], async |_| wait(60).await).await;
    assert_eq!(stamps(&world).await, ["2026-11-01T01:00"]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_flow_starts_nothing_until_it_is_resumed() {
    for (missed, n_runs) in [(Missed::RunOnce, 2), (Missed::Skip, 1)] {
        let world = World::new();
        world
            .live_over(&[cron("0 * * * *", missed)], async |handle| {
                handle.ask(Command::Pause("f".into())).await.unwrap();
                wait(5 * HOUR + 600).await;
                assert_eq!((world.runs().await.len(), status(&handle, "f").next_start), (0, None));
                let refused = handle.ask(start("f")).await.unwrap_err();
                assert!(refused.contains("millrace resume f"), "{refused}");
                handle.ask(Command::Resume("f".into())).await.unwrap();
                wait(HOUR).await;
                assert_eq!(world.runs().await.len(), n_runs, "{missed:?}");
                assert!(status(&handle, "f").next_start.is_some());
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_edited_schedule_counts_anew() {
    let world = World::new();
    world.live_over(&[cron("0 3 * * *", Missed::RunOnce)], async |_| wait(60).await).await;
    wait(5 * HOUR).await;
    // Three o'clock has passed, and nobody wants it any more.
    world.live_over(&[cron("0 7 * * *", Missed::RunOnce)], async |_| wait(3 * HOUR).await).await;
    let elsewhere = scheduled(Times::Cron("0 7 * * *".to_owned()), "America/New_York", Missed::RunOnce);
    world.live_over(&[elsewhere], async |_| wait(6 * HOUR).await).await;
    assert_eq!(stamps(&world).await, ["2026-11-01T07:00", "2026-11-01T12:00"]);
}

/// The timers of a machine that sleeps stand still; its clock does not.
#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_through_a_time_makes_up_for_it() {
    let world = World::new();
    world
        .live_over(&[cron("0 8 * * *", Missed::RunOnce)], async |handle| {
            wait(60).await;
            world.clock.set_forward(Duration::from_secs(9 * HOUR));
            // Anything that wakes the loop has it look.
            let _ = handle.ask(Command::Resume("f".into())).await;
            wait(5).await;
            assert_eq!(stamps(&world).await, ["2026-11-01T08:00"]);
        })
        .await;
}

/// A clock that ran years ahead for a moment would have put the next time out of reach; one that is set back a little
/// comes to the same time twice.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_neither_doubles_a_time_nor_puts_it_out_of_reach() {
    let world = World::new();
    world
        .live_over(&[cron("0 * * * *", Missed::RunOnce)], async |handle| {
            wait(HOUR + 60).await;
            world.clock.set_back(Duration::from_secs(600));
            wait(HOUR).await;
            assert_eq!(stamps(&world).await, ["2026-11-01T01:00"], "ten minutes are still to go");
            wait(600).await;
            assert_eq!(stamps(&world).await.len(), 2);

            world.clock.set_forward(Duration::from_secs(3 * 365 * DAY));
            let _ = handle.ask(Command::Resume("f".into())).await;
            wait(10).await;
            assert_eq!(world.runs().await.len(), 3, "it made up for three years at once");
            world.clock.set_back(Duration::from_secs(3 * 365 * DAY));
            let _ = handle.ask(Command::Resume("f".into())).await;
            wait(2 * HOUR).await;
            assert_eq!(world.runs().await.len(), 5);
        })
        .await;
}

/// Ticks may be lost, doubled or early: work is found in the store.
#[tokio::test(start_paused = true)]
async fn an_alarm_that_never_rings_and_one_that_always_does_change_nothing() {
    for every in [None, Some(Duration::from_secs(7))] {
        let world = World::new();
        let (engine, handle) = world.start(&[cron("0 * * * *", Missed::Skip)]).await;
        let engine = engine.with_alarm(Box::new(OddAlarm { every }));
        world.live_as(engine, handle, async |_| wait(3 * HOUR + 60).await).await;
        assert_eq!(stamps(&world).await.len(), 3, "rings: {every:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_is_started_beside_its_times_when_somebody_asks() {
    let world = World::new();
    let told = world
        .live_over(&[cron("0 * * * *", Missed::RunOnce)], async |handle| {
            wait(60).await;
            let said = handle.ask(start("f")).await.unwrap();
            assert!(said.contains("of `f`"), "{said}");
            wait(HOUR).await;
            let refused = handle.ask(Command::RunRecord { flow: "f".into(), record: "1".into() }).await.unwrap_err();
            assert!(refused.contains("`f` reads no records"), "{refused}");
            let inputs = [("a".to_owned(), "1".into())].into();
            let refused = handle.ask(Command::Start { flow: "f".into(), inputs }).await.unwrap_err();
            assert!(refused.contains("takes no inputs"), "{refused}");
            status(&handle, "f")
        })
        .await;
    assert_eq!(stamps(&world).await, ["2026-11-01T00:01", "2026-11-01T01:00"]);
    assert_eq!((told.asked, told.scheduled, told.runs), (1, 1, 2));
    assert!(told.adds_up());
}

/// Draining waits for what is due, and not for what comes.
#[tokio::test(start_paused = true)]
async fn draining_waits_for_no_time_that_is_to_come() {
    let world = World::new();
    let flow = cron("0 3 * * *", Missed::RunOnce);
    world.drain_over(std::slice::from_ref(&flow)).await;
    assert_eq!((world.clock.elapsed().as_secs(), world.runs().await.len()), (0, 0));
    wait(4 * HOUR).await;
    world.drain_over(&[flow]).await;
    assert_eq!(stamps(&world).await, ["2026-11-01T03:00"]);
    assert_eq!(world.runs().await, [" succeeded"]);
}

/// A start that cannot be kept is made when it can.
#[tokio::test(start_paused = true)]
async fn a_full_disk_delays_a_time_and_loses_none() {
    let world = World::new();
    world
        .live_over(&[cron("0 * * * *", Missed::RunOnce)], async |_| {
            wait(HOUR - 60).await;
            world.fill_disk(true);
            wait(600).await;
            world.fill_disk(false);
            wait(60).await;
        })
        .await;
    assert_eq!(stamps(&world).await, ["2026-11-01T01:00"]);
    assert_eq!(world.stored_state("f").await, FlowState::Active);
}

/// A flow that somebody starts has its inputs, its keys and an empty record, and two starts are two occasions.
#[tokio::test(start_paused = true)]
async fn a_flow_with_inputs_starts_when_it_is_asked_and_as_often() {
    let world = World::new();
    let manual = r#"
flow: f
connections: {copy: hubspot}
trigger: {manual: {inputs: {email: {type: text, required: true}}}}
keys: {email: "${ inputs.email }"}
steps:
  - create: copy.contacts
    set: {email: "${ inputs.email }"}
"#;
    let told = world
        .live(&[manual], async |handle| {
            let refused = handle.ask(start("f")).await.unwrap_err();
            assert!(refused.contains("`f` needs `email`"), "{refused}");
            for _ in 0..2 {
                let inputs = [("email".to_owned(), "ann@example.com".into())].into();
                handle.ask(Command::Start { flow: "f".into(), inputs }).await.unwrap();
            }
            wait(60).await;
            status(&handle, "f")
        })
        .await;
    assert_eq!((told.trigger, told.asked, told.runs, told.adds_up()), (TriggerKind::Manual, 2, 2, true));
    assert_eq!(world.runs().await, [" succeeded"; 2]);
    assert_eq!(world.copy.writes.count(), 2);
    let key = KeyFilter { name: Some("email".to_owned()), value: "ann@example.com".to_owned() };
    let found = world.store.runs(RunFilter { key: Some(key), limit: 9, ..RunFilter::default() }).await.unwrap();
    assert_eq!(found.len(), 2, "they are found by their key");
}

pub(super) fn start(flow: &str) -> Command {
    Command::Start { flow: flow.into(), inputs: std::collections::BTreeMap::new() }
}

/// Rings for the flow `f` at this interval, whatever it is told, or never.
struct OddAlarm {
    every: Option<Duration>,
}

#[async_trait]
impl Alarm for OddAlarm {
    fn arm(&mut self, _flow: &FlowId, _at: Option<Timestamp>) {}

    async fn next(&mut self) -> FlowId {
        match self.every {
            Some(every) => tokio::time::sleep(every).await,
            None => std::future::pending().await,
        }
        "f".into()
    }
}
