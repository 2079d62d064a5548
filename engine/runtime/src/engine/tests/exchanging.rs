//! Flows that are added, exchanged and removed while the engine works.

use std::sync::Arc;

use flow::Flow;
use sdk::{Class, Connection, FlowId, RunId};
use store::{Doubt, FlowState, Repair, RunFilter};

use crate::connections::Opened;
use crate::testing::{FLOW, Service, World, applied, checked, record, refusal, status, wait};
use crate::{Command, Exchange, Exchanged, Handle, Removal};

/// Waits for a minute and writes which version it is.
fn versioned(version: &str) -> String {
    FLOW.replace("steps:", "steps:\n  - wait: 60s")
        .replace("${ record.email }\"}", &format!("{version} ${{ record.email }}\"}}"))
}

/// Has these flows taken over, and tells what became of the first.
async fn put(handle: &Handle, flows: &[&str]) -> Exchanged {
    exchange(handle, Exchange { put: checked(flows), ..Exchange::default() }).await
}

async fn remove(handle: &Handle, flow: &str) -> Exchanged {
    let removal = Removal { flow: FlowId::from(flow), reason: "its file is gone".to_owned() };
    exchange(handle, Exchange { remove: vec![removal], ..Exchange::default() }).await
}

async fn exchange(handle: &Handle, exchange: Exchange) -> Exchanged {
    handle.exchange(exchange).await.expect("the engine works").remove(0).1
}

/// What was written, in order.
fn emails(service: &Service) -> Vec<String> {
    let email = |write: &sdk::Write| match write.fields.get("email") {
        Some(sdk::Value::Text(text)) => text.to_string(),
        other => format!("{other:?}"),
    };
    service.writes.asked().iter().map(email).collect()
}

fn has(handle: &Handle, flow: &str) -> bool {
    handle.statuses().iter().any(|status| status.flow == FlowId::from(flow))
}

#[tokio::test(start_paused = true)]
async fn a_run_under_way_finishes_on_its_version_and_new_runs_take_the_new_one() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world
        .live(&[&versioned("old")], async |handle| {
            wait(20).await;
            assert_eq!(world.runs().await, ["1 waiting"]);
            assert_eq!(put(&handle, &[&versioned("new")]).await, Exchanged::Replaced { finishing: 1 });
            assert_eq!(status(&handle, "f").earlier, 1);
            // Once more, while the first still waits: it stays on the version that it began on.
            world.crm.add(record(2, 20_000));
            wait(20).await;
            assert_eq!(put(&handle, &[&versioned("newest")]).await, Exchanged::Replaced { finishing: 2 });
            wait(120).await;
            assert_eq!((status(&handle, "f").earlier, status(&handle, "f").adds_up()), (0, true));
        })
        .await;
    assert_eq!(emails(&world.copy), ["old 1@example.com", "new 2@example.com"]);
    assert_eq!(world.runs().await, ["1 succeeded", "2 succeeded"], "the cursor stayed, and nothing was read twice");
}

#[tokio::test(start_paused = true)]
async fn a_poll_under_way_ends_before_its_flow_is_exchanged() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let asked = |n: usize| world.crm.polls.asked()[n].fields.clone();
    let after = FLOW.replace("${ record.email }", "${ record.phone } ${ record.email }");
    world
        .live(&[FLOW], async |handle| {
            wait(1).await;
            world.crm.polls.takes(10);
            world.crm.add(record(2, 10_000));
            wait(20).await;
            assert_eq!(put(&handle, &[&after]).await, Exchanged::AfterPoll, "a poll is under way");
            world.copy.writes.takes(5);
            wait(60).await;
        })
        .await;
    // What the poll stored was read without the field that the new version wants.
    assert_eq!(emails(&world.copy)[..2], ["1@example.com", "2@example.com"]);
    assert_eq!((asked(0), asked(1)), (vec!["email".to_owned()], vec!["email".to_owned()]));
    assert_eq!(asked(2), ["email", "phone"]);
}

/// A run that has stood in line since before takes the new version, unless its record lacks what that reads.
#[tokio::test(start_paused = true)]
async fn runs_that_have_not_begun_take_the_new_version_where_they_can() {
    for (after, expected) in [
        (FLOW.replace("${ record.email }", "new ${ record.email }"), "new 2@example.com"),
        (FLOW.replace("${ record.email }", "new ${ record.phone }"), "2@example.com"),
    ] {
        let world = World::new();
        let before = FLOW.replace("steps:", "limits: {runs: 1}\nsteps:");
        world.crm.show([record(1, -5_000), record(2, -4_000)]);
        world.copy.writes.takes(20);
        world
            .live(&[&before], async |handle| {
                wait(10).await;
                assert_eq!(world.runs().await, ["1 running", "2 pending"]);
                put(&handle, &[&after]).await;
                wait(10).await;
                world.copy.writes.takes(1);
                wait(10).await;
            })
            .await;
        assert_eq!(emails(&world.copy)[..2], ["1@example.com", expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_was_removed_reads_nothing_and_finishes_what_is_under_way() {
    let world = World::new();
    world.crm.show([record(1, -5_000), record(2, -4_000)]);
    let flow = versioned("old")
        .replace("steps:", "limits: {runs: 1}\nsteps:")
        .replace("- wait: 60s", "- if: record.id == \"1\"\n    then: [{wait: 60s}]");
    world.copy.writes.takes(30);
    world
        .live(&[&flow], async |handle| {
            // The first waits, the second writes.
            wait(10).await;
            world.crm.add(record(3, 10_000));
            wait(15).await;
            assert_eq!(world.runs().await, ["1 waiting", "2 running", "3 pending"]);
            assert_eq!(remove(&handle, "f").await, Exchanged::Removed { finishing: 2 });
            let told = status(&handle, "f");
            assert_eq!((told.state, told.earlier), (FlowState::Disabled, 2));
            assert_eq!(told.reason.as_deref(), Some("its file is gone"));
            assert!(matches!(remove(&handle, "f").await, Exchanged::Refused(_)), "it is gone");
            let refused = handle.ask(Command::Pause("f".into())).await;
            assert_eq!(refused, Err("no flow `f` is running here".to_owned()));
            let n_polls = world.crm.polls.count();
            wait(30).await;
            assert_eq!(status(&handle, "f").reason.as_deref(), Some("its file is gone"), "one has ended, one waits");
            wait(600).await;
            assert_eq!(world.crm.polls.count(), n_polls);
            assert_eq!(world.runs().await, ["1 succeeded", "2 succeeded", "3 pending"]);
            assert!(!has(&handle, "f"), "nothing of it is under way any more");
            assert_eq!(world.stored_state("f").await, FlowState::Disabled);
            // It comes back, and goes on from where it was.
            assert_eq!(put(&handle, &[FLOW]).await, Exchanged::Added);
            wait(60).await;
            assert_eq!(world.stored_state("f").await, FlowState::Active);
        })
        .await;
    assert_eq!(world.runs().await, ["1 succeeded", "2 succeeded", "3 succeeded"]);
    assert_eq!(world.copy.writes.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_removed_while_it_polls_may_come_back_at_once() {
    let world = World::new();
    world.crm.polls.takes(10);
    world.crm.show([record(1, -5_000)]);
    world
        .live(&[FLOW], async |handle| {
            wait(1).await;
            assert_eq!(remove(&handle, "f").await, Exchanged::Removed { finishing: 0 });
            assert_eq!(put(&handle, &[FLOW]).await, Exchanged::AfterPoll);
            wait(60).await;
            assert_eq!(status(&handle, "f").state, FlowState::Active);
            remove(&handle, "f").await;
            wait(60).await;
            assert!(!has(&handle, "f"));
        })
        .await;
    assert_eq!(world.runs().await, ["1 succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_flow_begins_and_a_new_trigger_takes_the_place_of_the_old() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let second = FLOW.replace("flow: f", "flow: g").replace("crm.contacts", "crm.deals");
    let by_the_clock = "flow: f\nconnections: {copy: hubspot}\ntrigger: {every: 1h}\nsteps:\n  - create: copy.notes\n    set: {email: tick}\n";
    world
        .live(&[FLOW], async |handle| {
            wait(20).await;
            assert_eq!(put(&handle, &[&second]).await, Exchanged::Added);
            wait(20).await;
            assert!(status(&handle, "g").polls > 0);
            assert_eq!(put(&handle, &[by_the_clock]).await, Exchanged::Replaced { finishing: 0 });
            assert!(status(&handle, "f").next_start.is_some() && status(&handle, "f").next_poll.is_none());
            let n_polls = status(&handle, "f").polls;
            wait(2 * 3_600).await;
            assert_eq!(status(&handle, "f").polls, n_polls, "it polls no more");
        })
        .await;
    let ticks = emails(&world.copy).iter().filter(|email| *email == "tick").count();
    assert_eq!(ticks, 2);
}

/// Who mends a flow and retries its failures wants them to go by what was mended.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_retried_takes_the_new_version() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world.copy.writes.answer(|n, _| if n == 1 { Err(refusal(Class::Invalid)) } else { Ok(applied()) });
    world
        .live(&[FLOW], async |handle| {
            wait(10).await;
            assert_eq!(world.runs().await, ["1 failed: invalid, attempt 1"]);
            put(&handle, &[&FLOW.replace("${ record.email }", "new ${ record.email }")]).await;
            let filter = RunFilter { limit: 10, ..RunFilter::default() };
            let runs: Vec<RunId> = world.store.runs(filter).await.unwrap().iter().map(|run| run.id).collect();
            handle.ask(Command::Repair { runs, repair: Repair::Retry(Doubt::Undecided) }).await.unwrap();
            wait(10).await;
        })
        .await;
    assert_eq!(emails(&world.copy), ["1@example.com", "new 1@example.com"]);
}

const CALLER: &str = "flow: f\nconnections: {crm: hubspot, copy: hubspot}\ntrigger: {poll: crm.contacts, every: 15s, start: beginning}\nsteps:\n  - wait: 60s\n  - run: greet\n    as: greeted\n  - update: copy.notes\n    id: ${ record.id }\n    set: {email: \"${ greeted }\"}\n";
const CALLEE: &str = "flow: greet\ntrigger: {manual: }\nsteps:\n  - stop: {return: hello}\n";

/// A flow that calls goes on until its own new version is taken up, so what it calls must be there.
#[tokio::test(start_paused = true)]
async fn a_flow_that_is_removed_stays_for_those_who_call_it() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    world
        .live(&[CALLER, CALLEE], async |handle| {
            wait(20).await;
            assert_eq!(remove(&handle, "greet").await, Exchanged::Removed { finishing: 0 });
            assert_eq!(remove(&handle, "f").await, Exchanged::Removed { finishing: 1 });
            assert!(has(&handle, "greet"));
            wait(600).await;
            assert!(!has(&handle, "greet") && !has(&handle, "f"), "{:?}", handle.statuses());
        })
        .await;
    assert_eq!(emails(&world.copy), ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_new_are_opened_beside_the_others() {
    let world = World::new();
    world.crm.show([record(1, -5_000)]);
    let other = Arc::new(Service::new(world.clock.clone(), "3"));
    let flow: Vec<Arc<Flow>> = checked(&[&FLOW.replace("flow: f", "flow: g").replace("copy", "other")]);
    let opened = Opened {
        name: "other".into(),
        connector: Some("hubspot".to_owned()),
        spent: Vec::new(),
        caps: Default::default(),
        service: other.clone() as Arc<dyn Connection>,
    };
    world
        .live(&[FLOW], async |handle| {
            wait(20).await;
            let exchanged = exchange(
                &handle,
                Exchange { put: flow, connections: Some(world.connections().and([opened])), ..Exchange::default() },
            )
            .await;
            assert_eq!(exchanged, Exchanged::Added);
            wait(20).await;
        })
        .await;
    assert_eq!(
        (emails(&world.copy), emails(&other)),
        (vec!["1@example.com".to_owned()], vec!["1@example.com".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_flow_at_work_is_renamed_by_the_next_start_only() {
    let world = World::new();
    let renamed = FLOW.replace("flow: f", "flow: g\nwas: f");
    world
        .live(&[FLOW], async |handle| {
            let Exchanged::Refused(reason) = put(&handle, &[&renamed]).await else { panic!("it is refused") };
            assert!(reason.contains("`f` is at work"), "{reason}");
            assert_eq!(status(&handle, "f").state, FlowState::Active);
        })
        .await;
}
