use std::sync::Arc;

use flow::Trigger;
use sdk::{Clock, IdOrder, Record, RecordId, Timestamp, Value};
use store::RunFilter;

use super::super::{PollFailed, PollOptions, Polled, Poller, PollerParts};
use crate::Command;
use crate::connections::OpenConnection;
use crate::testing::{World, checked, record, refusal, wait};

const TAGS: &str = r#"
flow: tags
connections: {crm: hubspot, copy: hubspot}
trigger: {poll: crm.tags, on: new_or_updated, every: 15s, start: now}
steps:
  - upsert: copy.tags
    match: name
    set: {name: "${ record.name }"}
"#;

/// A list that nothing stamps, and pollers of it that come and go.
struct List {
    world: World,
    options: PollOptions,
}

impl List {
    fn new() -> Self {
        let world = World::new();
        world.crm.has_no_stamps();
        Self { world, options: PollOptions::default() }
    }

    /// It holds these from now on: ids and names.
    fn holds(&self, rows: &[(u64, &str)]) {
        self.world.crm.show(rows.iter().map(|(id, name)| tag(*id, name)));
    }

    /// One poll of a process that has just begun.
    async fn poll(&self, flow: &str) -> Polled {
        self.try_poll(flow).await.unwrap()
    }

    async fn try_poll(&self, flow: &str) -> Result<Polled, PollFailed> {
        let flow = checked(&[flow]).remove(0);
        let Trigger::Poll(poll) = &flow.trigger else { unreachable!("it polls") };
        let now = self.world.clock.now();
        let parts = PollerParts {
            store: self.world.store.clone(),
            clock: self.world.clock.clone(),
            ids: self.world.ids(),
            options: self.options,
            epoch: self.world.store.take_over(now).await.unwrap().epoch,
        };
        let open = Arc::new(OpenConnection::new("crm".into(), self.world.crm.clone()));
        let polled = Poller::new(flow.clone(), poll.clone(), open, parts).poll().await;
        wait(15).await;
        polled
    }

    /// What the runs are for, in the order in which they will be executed: `1 red`.
    async fn runs(&self) -> Vec<String> {
        let filter = RunFilter { limit: 10_000, ..RunFilter::default() };
        let mut rows = self.world.store.runs(filter).await.unwrap();
        rows.sort_by_key(|row| (row.version.stamp, row.id));
        let mut runs = Vec::new();
        for row in rows {
            let record = self.world.store.run(&row.id.to_string()).await.unwrap().record.unwrap();
            assert_eq!(record.modified, row.version.stamp, "the moment of its pass");
            runs.push(format!("{} {}", record.id, record.fields["name"].to_text()));
        }
        runs
    }

    /// How far it was read, and the moment of the pass under way.
    async fn cursor(&self) -> store::SourceRow {
        self.world.store.cursors(&"tags".into()).await.unwrap().remove(0)
    }
}

fn tag(id: u64, name: &str) -> Record {
    let note = Value::from(format!("note {id}").as_str());
    let fields = [("name".to_owned(), Value::from(name)), ("note".to_owned(), note)];
    Record { fields: fields.into(), ..record(id, 0) }
}

#[tokio::test(start_paused = true)]
async fn what_is_there_at_first_counts_as_seen_and_what_changes_makes_a_run() {
    let list = List::new();
    list.holds(&[(1, "red"), (2, "green")]);
    let first = list.poll(TAGS).await;
    assert_eq!((first.rows, first.left_out, first.runs, first.finished), (2, 2, 0, true));

    list.holds(&[(1, "red"), (2, "lime"), (3, "blue")]);
    assert_eq!(list.poll(TAGS).await.runs, 2);
    for _ in 0..3 {
        assert_eq!(list.poll(TAGS).await.fresh, 0, "nothing is new");
    }
    assert_eq!(list.runs().await, ["2 lime", "3 blue"]);
    let tally = list.cursor().await.tally;
    assert_eq!((tally.records, tally.before_start, tally.late), (4, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn from_the_beginning_each_record_makes_a_run() {
    let list = List::new();
    list.holds(&[(1, "red"), (2, "green")]);
    let flow = TAGS.replace("start: now", "start: beginning");
    assert_eq!(list.poll(&flow).await.runs, 2);
    assert_eq!(list.poll(&flow).await.runs, 0);
}

/// What a first look finds empty would be taken for never looked at, and the next one's records for old ones.
#[tokio::test(start_paused = true)]
async fn an_empty_list_is_a_list_that_was_read() {
    let list = List::new();
    assert!(list.poll(TAGS).await.finished);
    list.holds(&[(1, "red")]);
    assert_eq!(list.poll(TAGS).await.runs, 1);
}

#[tokio::test(start_paused = true)]
async fn there_and_back_again_are_three_versions_in_their_order() {
    let list = List::new();
    let flow = TAGS.replace("start: now", "start: beginning");
    for name in ["red", "green", "red"] {
        list.holds(&[(1, name)]);
        assert_eq!(list.poll(&flow).await.runs, 1, "{name}");
    }
    assert_eq!(list.runs().await, ["1 red", "1 green", "1 red"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_keeps_the_order_of_versions() {
    let list = List::new();
    let flow = TAGS.replace("start: now", "start: beginning");
    for name in ["red", "green", "blue", "white"] {
        list.holds(&[(1, name)]);
        list.poll(&flow).await;
        list.world.clock.set_back(std::time::Duration::from_secs(7 * 24 * 3600));
    }
    assert_eq!(list.runs().await, ["1 red", "1 green", "1 blue", "1 white"]);
}

#[tokio::test(start_paused = true)]
async fn new_is_once_for_each_id() {
    let list = List::new();
    let flow = TAGS.replace("on: new_or_updated", "on: new");
    list.holds(&[(1, "red")]);
    list.poll(&flow).await;
    for rows in [&[(1, "green"), (2, "blue")][..], &[(1, "red")], &[(1, "red"), (2, "white")]] {
        list.holds(rows);
        list.poll(&flow).await;
    }
    assert_eq!(list.runs().await, ["2 blue"], "also where it was gone for a while");
}

/// Every row of a pass has its moment, so nothing but ids leads from page to page.
#[tokio::test(start_paused = true)]
async fn pages_go_on_by_id_over_polls_and_crashes() {
    let mut list = List::new();
    list.options.pages = 1;
    list.world.crm.page_size(2);
    let flow = TAGS.replace("start: now", "start: beginning");
    list.holds(&[(9, "a"), (10, "b"), (11, "c"), (95, "d"), (100, "e"), (1000, "f")]);
    let polls = [list.poll(&flow).await, list.poll(&flow).await];
    assert_eq!(polls.map(|polled| (polled.runs, polled.finished)), [(2, false), (2, false)]);

    // The third page is read, and the process ends before it is stored.
    sdk::faults::set_hook(Some(Box::new(|point| {
        if point == "poll.checkpoint.before" {
            std::panic::resume_unwind(Box::new(sdk::faults::Crash));
        }
    })));
    let moment = list.cursor().await.cursor.pass.unwrap().started_at;
    let crashed = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(list.poll(&flow))).await;
    assert!(crashed.is_err());
    sdk::faults::set_hook(None);
    wait(60).await;

    let rest = [list.poll(&flow).await, list.poll(&flow).await];
    assert_eq!(
        rest.map(|polled| (polled.runs, polled.finished)),
        [(2, false), (0, true)],
        "a full page may be the last"
    );
    assert_eq!(list.runs().await, ["9 a", "10 b", "11 c", "95 d", "100 e", "1000 f"]);
    assert_eq!(list.cursor().await.cursor.watermark, moment, "the pass kept its moment");
    assert_eq!(list.poll(&flow).await.fresh, 0);
}

/// As where a column of text became one of numbers: behind 100 there is 1000 alone.
#[tokio::test(start_paused = true)]
async fn a_drain_whose_ids_rise_in_another_order_than_before_begins_anew() {
    let mut list = List::new();
    list.options.pages = 1;
    list.world.crm.page_size(2);
    list.world.crm.orders_ids(IdOrder::Text);
    let flow = TAGS.replace("start: now", "start: beginning");
    list.holds(&[(9, "a"), (10, "b"), (11, "c"), (95, "d"), (100, "e"), (1000, "f")]);
    list.poll(&flow).await;
    assert_eq!(list.runs().await, ["10 b", "100 e"]);

    list.world.crm.orders_ids(IdOrder::Numbers);
    while !list.poll(&flow).await.finished {}
    assert_eq!(list.runs().await, ["10 b", "100 e", "9 a", "11 c", "95 d", "1000 f"]);
    assert_eq!(list.poll(&flow).await.fresh, 0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_the_middle_keeps_what_was_read() {
    let list = List::new();
    list.world.crm.page_size(2);
    let flow = TAGS.replace("start: now", "start: beginning");
    list.holds(&[(1, "a"), (2, "b"), (3, "c")]);
    list.world.crm.polls.answer(|n, _| if n == 2 { Err(refusal(sdk::Class::Transient)) } else { Ok(()) });
    let failed = list.try_poll(&flow).await.unwrap_err();
    assert_eq!(failed.polled.runs, 2);
    assert_eq!(list.poll(&flow).await.runs, 1);
    let after: Vec<_> = list.world.crm.polls.asked().into_iter().map(|request| request.query).collect();
    let sdk::PollQuery::Drain { after: Some(after), .. } = &after[2] else { panic!("{after:?}") };
    assert_eq!(*after, RecordId::from("2"));
}

/// Hashes over other fields say nothing of each other: the first look by other fields makes no runs, and the next
/// change does.
#[tokio::test(start_paused = true)]
async fn other_fields_are_compared_from_the_next_look_on() {
    let list = List::new();
    list.holds(&[(1, "red"), (2, "green")]);
    list.poll(TAGS).await;
    let edited = TAGS.replace("record.name", "record.note + record.name");
    list.holds(&[(1, "red"), (2, "lime"), (3, "blue")]);
    let polled = list.poll(&edited).await;
    assert_eq!((polled.fresh, polled.left_out, polled.runs), (1, 0, 1), "only what was never seen");
    list.holds(&[(1, "pink"), (2, "lime"), (3, "blue")]);
    assert_eq!(list.poll(&edited).await.runs, 1);
    assert_eq!(list.runs().await, ["3 blue", "1 pink"]);
}

/// Such a pass reads everything, so nothing has to be read beside it, and nothing that was seen grows old.
#[tokio::test(start_paused = true)]
async fn no_pass_is_wide_and_nothing_is_forgotten() {
    let list = List::new();
    list.holds(&[(1, "red")]);
    for _ in 0..4 {
        list.poll(TAGS).await;
        wait(20 * 24 * 3600).await;
    }
    assert_eq!((list.runs().await, list.world.crm.polls.count()), (Vec::<String>::new(), 4));
    let cursor = list.cursor().await.cursor;
    assert!(cursor.watermark > cursor.floor && cursor.overlap.is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_start_at_a_time_is_refused_in_words() {
    let list = List::new();
    let flow = TAGS.replace("start: now", "start: \"2026-01-02T10:00:00Z\"");
    let refused = list.try_poll(&flow).await.unwrap_err().to_string();
    assert!(refused.contains("nothing stamps the records of `crm.tags`"), "{refused}");
}

/// A run that somebody asks for had no stamp: each write of a poll was newer, and it wrote nothing.
#[tokio::test(start_paused = true)]
async fn a_run_that_somebody_asks_for_is_of_the_newest_pass() {
    let list = List::new();
    list.holds(&[(1, "red")]);
    list.world
        .crm
        .gets
        .answer(|_, id| Ok(Some(Record { modified: Timestamp::EPOCH, ..tag(id.as_str().parse().unwrap(), "red") })));
    let flow = TAGS.replace("start: now", "start: beginning");
    list.world
        .live(&[&flow], async |handle| {
            wait(60).await;
            let record = Command::RunRecord { flow: "tags".into(), record: "1".into() };
            handle.ask(record).await.unwrap();
            wait(60).await;
        })
        .await;
    assert_eq!(list.world.runs().await, ["1 succeeded", "1 succeeded"]);
    assert_eq!(list.world.copy.writes.count(), 2, "nothing newer was in its way");
}
