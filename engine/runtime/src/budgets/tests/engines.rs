//! Whole engines over scripted services that allow only so much.

use std::time::Duration;

use sdk::{Class, Limit, faults};
use store::EffectState;

use super::{limit, most_within};
use crate::budgets::Caps;
use crate::testing::{FLOW, World, record, refusal, wait};

/// `FLOW` under other names.
fn flows(n: usize) -> Vec<String> {
    (0..n).map(|index| FLOW.replace("flow: f", &format!("flow: f{index}"))).collect()
}

fn shown(flows: &[String]) -> Vec<&str> {
    flows.iter().map(String::as_str).collect()
}

async fn n_succeeded(world: &World) -> usize {
    world.runs().await.iter().filter(|run| run.ends_with("succeeded")).count()
}

/// Wherever between its coming and its answer the service counts a request, it never counts too many.
#[tokio::test(start_paused = true)]
async fn no_stretch_of_time_holds_more_than_the_budget_allows() {
    for (plant, is_kept) in [(None, true), (Some("what was spent is forgotten"), false)] {
        for takes in [0, 3] {
            let world = World::new();
            world.copy.allows(limit("calls", 19, 10), &["write"]);
            world.copy.writes.takes(takes);
            world.crm.show((1..=40).map(|id| record(id, -5_000)));
            faults::plant(plant);
            let flows = flows(6);
            world.live_for(&shown(&flows), 400).await;
            for moments in world.copy.writes.moments() {
                let most = most_within(moments, 10);
                assert_eq!(most <= 19, is_kept, "{most} with {plant:?}, answers after {takes} s");
            }
            assert_eq!(n_succeeded(&world).await, 240, "{plant:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_used_to_the_full() {
    let world = World::new();
    world.copy.allows(limit("calls", 19, 10), &["write"]);
    world.crm.show((1..=190).map(|id| record(id, -5_000)));
    world.live_for(&[FLOW], 105).await;
    assert_eq!(n_succeeded(&world).await, 190);
}

/// Forty flows poll one account all the time, and one of them has something to write there.
#[tokio::test(start_paused = true)]
async fn an_account_that_is_polled_all_the_time_is_written_to() {
    let world = World::new();
    world.crm.allows(limit("calls", 2, 1), &["poll", "write"]);
    let polling = FLOW.replace("copy.contacts", "crm.contacts");
    let mut flows: Vec<String> =
        (0..40).map(|index| polling.replace("flow: f", &format!("flow: f{index}\nenabled: true"))).collect();
    for flow in &mut flows[1..] {
        *flow = flow.replace("start: beginning", "start: now");
    }
    world.crm.show((1..=30).map(|id| record(id, -5_000)));
    world
        .live(&shown(&flows), async |_| {
            wait(60).await;
            // Forty polls take twenty seconds of everything there is, and are due every fifteen.
            assert_eq!(n_succeeded(&world).await, 30);
            let n_polls = world.crm.polls.count();
            wait(60).await;
            assert!(world.crm.polls.count() >= n_polls + 100, "and polls go on");
        })
        .await;
    let [mut moments, _] = world.crm.polls.moments();
    let [writes, _] = world.crm.writes.moments();
    moments.extend(writes);
    assert_eq!(most_within(moments, 1), 2);
}

/// A refusal held back the writes of one connection: those of the account's other one, and all polls, asked on.
#[tokio::test(start_paused = true)]
async fn a_refusal_holds_polls_and_writes_of_every_connection_of_the_account() {
    for (plant, is_held) in [(None, true), (Some("polls pass a hold"), false)] {
        let world = World::new();
        for service in [&world.crm, &world.copy] {
            service.is_account("7");
            service.allows(limit("calls", 1_000, 1), &["poll", "write"]);
        }
        let back = FLOW.replace("flow: f", "flow: back").replace("copy.contacts", "crm.contacts");
        world.crm.show([record(1, -5_000)]);
        world.copy.writes.answer(|n, _| match n {
            1 => Err(refusal(Class::RateLimited).retry_after(Some(Duration::from_secs(600)))),
            _ => Ok(crate::testing::applied()),
        });
        faults::plant(plant);
        world
            .live(&[FLOW, &back], async |_| {
                wait(5).await;
                assert_eq!(world.copy.writes.count(), 1);
                let before = (world.crm.polls.count(), world.crm.writes.count());
                world.crm.show([record(2, 5_000)]);
                wait(585).await;
                let asked = world.crm.polls.count() > before.0;
                assert_eq!(asked, !is_held, "{plant:?}");
                if is_held {
                    assert_eq!((world.crm.writes.count(), world.copy.writes.count()), (before.1, 1));
                }
                wait(400).await;
                assert!(world.copy.writes.count() >= 2 && world.crm.polls.count() > before.0, "and then they go on");
            })
            .await;
    }
}

/// Eight flows, of more runs than there may be at work, waited for a slow account, and a ninth could not write
/// elsewhere.
#[tokio::test(start_paused = true)]
async fn flows_that_wait_for_a_slow_account_keep_no_other_from_its_work() {
    for (parked_bytes, n_written) in [(64 << 20, 20..=20), (0, 0..=0)] {
        let mut world = World::new();
        world.options.parked_bytes = parked_bytes;
        world.options.runs_at_once = 200;
        world.copy.allows(limit("calls", 1, 10), &["write"]);
        world.crm.show((1..=40).map(|id| record(id, -5_000)));
        let mut flows = flows(8);
        let ninth = FLOW.replace("flow: f", "flow: z").replace("copy.contacts", "crm.contacts");
        flows.push(ninth.replace("start: beginning", "start: now"));
        world
            .live(&shown(&flows), async |_| {
                wait(5).await;
                (101..=120).for_each(|id| world.crm.add(record(id, 5_000)));
                wait(20).await;
                assert!(n_written.contains(&world.crm.writes.count()), "{}", world.crm.writes.count());
                assert_eq!(world.copy.writes.count(), 3);
            })
            .await;
    }
}

/// Runs that wait take memory, so only so many of them leave their place to others.
#[tokio::test(start_paused = true)]
async fn runs_that_wait_are_bounded_in_bytes() {
    let mut world = World::new();
    let bound = 100_000;
    world.options.parked_bytes = bound;
    world.options.runs_at_once = 10;
    world.copy.allows(limit("calls", 1, 10), &["write"]);
    world.crm.show((1..=100).map(|id| record(id, -5_000)));
    let flows = flows(8);
    world
        .live(&shown(&flows), async |_| {
            wait(20).await;
            let n_running = world.runs().await.iter().filter(|run| run.ends_with("running")).count();
            // A run takes a little more than 4 KiB.
            assert!((bound / 4_400 + 10..bound / 4_096 + 10 + 1).contains(&n_running), "{n_running}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_says_sent_while_it_waits() {
    let world = World::new();
    world.copy.allows(limit("calls", 1, 20), &["write"]);
    world.crm.show((1..=20).map(|id| record(id, -5_000)));
    world
        .live(&[FLOW], async |_| {
            for _ in 0..100 {
                // In no step with anything else.
                tokio::time::sleep(Duration::from_millis(333)).await;
                let n_sent = world.store.effects_in_state(EffectState::Sent, 100).await.unwrap().len();
                let [asked, answered] = world.copy.writes.moments();
                assert!(n_sent <= asked.len() - answered.len(), "{n_sent} sent, and nothing is under way");
            }
            assert_eq!(world.copy.writes.count(), 2);
        })
        .await;
}

/// A day's budget is used up: its runs wait in the store, which a stop and a crash leave as it is, and no attempt of
/// theirs has failed.
#[tokio::test(start_paused = true)]
async fn a_long_wait_is_one_in_the_store() {
    let world = World::new();
    world.copy.allows(limit("calls", 3, 86_400), &["write"]);
    world.crm.show((1..=5).map(|id| record(id, -5_000)));
    world
        .live(&[FLOW], async |_| {
            wait(10 * 3_600).await;
            let runs = world.runs().await;
            assert_eq!(runs.iter().filter(|run| run.ends_with("pending: rate_limited, attempt 0")).count(), 2);
            assert_eq!(world.copy.writes.count(), 3);
            wait(15 * 3_600).await;
        })
        .await;
    assert_eq!(n_succeeded(&world).await, 5);
}

/// An engine that stops does not wait for budgets: what waits for them does so in the store.
#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_no_budget() {
    let world = World::new();
    world.copy.allows(limit("calls", 1, 20), &["write"]);
    world.crm.show((1..=20).map(|id| record(id, -5_000)));
    world.live_for(&[FLOW], 5).await;
    assert_eq!(world.clock.elapsed().as_secs(), 5);
    let runs = world.runs().await;
    assert_eq!(runs.iter().filter(|run| run.contains("pending")).count(), 19, "{runs:?}");
    world.live_for(&[FLOW], 500).await;
    assert_eq!(n_succeeded(&world).await, 20);
}

/// A find of a run waits as its writes do, also where a poll would be let go.
#[tokio::test(start_paused = true)]
async fn look_ups_of_runs_take_from_the_same_budget() {
    let world = World::new();
    let find = FLOW.replace("steps:", "steps:\n  - find: copy.contacts\n    filter: {email: x}\n    as: known");
    let calls = Limit { reserve: 50, ..limit("calls", 10, 10) };
    world.copy.allows(calls, &["find", "write"]);
    world.crm.show((1..=50).map(|id| record(id, -5_000)));
    world.live_for(&[&find], 130).await;
    assert_eq!(n_succeeded(&world).await, 50);
    let [mut moments, _] = world.copy.finds.moments();
    let [writes, _] = world.copy.writes.moments();
    moments.extend(writes);
    assert_eq!(most_within(moments, 10), 10);
}

/// A project that may use half of an account's budget leaves the other half to whoever else asks there.
#[tokio::test(start_paused = true)]
async fn a_capped_budget_is_used_to_its_cap_and_no_further() {
    for (percent, most) in [(50, 10), (100, 20)] {
        let mut world = World::new();
        world.caps = Caps::new(None, [("calls".to_owned(), percent)].into());
        world.copy.allows(limit("calls", 20, 10), &["write"]);
        world.crm.show((1..=100).map(|id| record(id, -5_000)));
        world.live_for(&[FLOW], 150).await;
        let [asked, _] = world.copy.writes.moments();
        assert_eq!(most_within(asked, 10), most, "at {percent} %");
        assert_eq!(n_succeeded(&world).await, 100);
    }
}
