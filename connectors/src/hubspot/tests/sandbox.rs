//! The connector against the stand-in, which was written from the same facts by other eyes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use sandbox::hubspot::{DEFAULT_TOKEN, Fault, HubSpot as Account, Options, SandboxTransport, Tier};
use sdk::{
    Ambiguous, Applied, Class, Clock, ConnectContext, Connection, Connector as _, EffectId, Error, FieldType, Fields,
    Filter, Find, Match, PollQuery, PollRequest, Record, RecordId, Repeat, Secret, SettingValue, Settings, StampKind,
    Test, Timestamp, Value, Verb, WalkRequest, Write, WriteOutcome,
};

use crate::hubspot::HubSpot;

/// A clock that stands until someone sleeps.
struct Standing(Mutex<Timestamp>);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut now = self.0.lock().unwrap();
        *now = *now + duration;
        Box::pin(std::future::ready(()))
    }
}

pub(super) struct World {
    pub(super) account: Arc<Mutex<Account>>,
    clock: Arc<Standing>,
    pub(super) connection: Arc<dyn Connection>,
}

impl World {
    fn new(options: Options) -> Self {
        let clock = Arc::new(Standing(Mutex::new(options.started_at)));
        let account = Arc::new(Mutex::new(Account::new(options)));
        let clock_of_all: Arc<dyn Clock> = clock.clone();
        let transport = SandboxTransport::new(Arc::clone(&account), Arc::clone(&clock_of_all));
        let mut settings = Settings::default();
        settings.0.insert("token".to_owned(), SettingValue::Secret(Secret::new(DEFAULT_TOKEN.to_owned())));
        let context =
            ConnectContext { transport: Arc::new(transport), clock: clock_of_all, folder: std::env::temp_dir() };
        let connection = HubSpot.connect(&settings, context).expect("the settings are right");
        Self { account, clock, connection }
    }

    pub(super) fn quick() -> Self {
        Self::new(Options { tier: Tier::Unlimited, lag: Duration::ZERO, ..Options::default() })
    }

    fn with_records(records: usize) -> Self {
        Self::new(Options { tier: Tier::Unlimited, lag: Duration::ZERO, records, ..Options::default() })
    }

    /// Asks the account itself, as somebody beside the connector.
    pub(super) fn ask(&self, method: sdk::Method, path: &str, body: serde_json::Value) -> serde_json::Value {
        let request = sdk::Request {
            method,
            url: format!("https://api.hubapi.com{path}"),
            headers: vec![("authorization".to_owned(), format!("Bearer {DEFAULT_TOKEN}"))],
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
            deadline: Duration::from_secs(30),
        };
        let response = self.account().handle(&request, self.clock.now());
        assert!(response.status < 300, "{path}: {}", String::from_utf8_lossy(&response.body));
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    pub(super) fn account(&self) -> std::sync::MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    /// Lets this go wrong with the next call.
    fn next_call(&self, fault: Fault) {
        let mut account = self.account();
        let next = account.calls() + 1;
        account.faults_mut().forced.insert(next, fault);
    }

    pub(super) async fn write(&self, object: &str, verb: Verb, fields: &[(&str, &str)]) -> Result<WriteOutcome, Error> {
        self.connection.write(&write(object, verb, fields)).await
    }
}

fn write(object: &str, verb: Verb, fields: &[(&str, &str)]) -> Write {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect::<Fields>();
    Write { effect_id: EffectId::new("effect"), object: object.to_owned(), verb, fields }
}

fn upsert(key: &str, ambiguous: Ambiguous) -> Verb {
    Verb::Upsert { by: Match::Fields(vec![key.to_owned()]), ambiguous }
}

pub(super) fn id(outcome: Result<WriteOutcome, Error>) -> (String, bool) {
    match outcome.expect("written") {
        WriteOutcome::Written(written) => (written.id.to_string(), written.created),
        WriteOutcome::Skipped(reason) => panic!("skipped: {reason}"),
    }
}

const FAULTS: [Fault; 23] = [
    Fault::RateLimited,
    Fault::RateLimitedRetryAfter,
    Fault::RateLimitedOddRetryAfter,
    Fault::ServerErrorBefore,
    Fault::ServerErrorAfter,
    Fault::NotConnected,
    Fault::TimeoutBefore,
    Fault::TimeoutAfter,
    Fault::AppliedLate,
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::DeliveredTwice,
    Fault::TokenExpired,
    Fault::ScopeLost,
    Fault::BrokenJson,
    Fault::HtmlPage,
    Fault::WrongContentType,
    Fault::PageReordered,
    Fault::RowRepeated,
    Fault::FilterIgnored,
    Fault::EmptyPageWithNext,
    Fault::LoopingNext,
    Fault::RacedConflict,
];

#[tokio::test]
async fn every_object_is_discovered_with_its_stamps() {
    let world = World::quick();
    let account = world.connection.check().await.unwrap();
    assert_eq!(account.id, "48210377");
    assert_eq!(world.connection.server_time().await.unwrap(), world.clock.now());
    for object in world.connection.objects().unwrap() {
        let schema = world.connection.discover(&object).await.unwrap();
        for stamp in [schema.modified_field, schema.created_field] {
            let field = &schema.fields[&stamp.expect("each has both")];
            assert!(field.field_type == FieldType::Moment && field.read_only, "{object}: {field:?}");
        }
        for name in schema.required_one_of.iter().flatten() {
            assert!(!schema.fields[name].read_only, "{object}.{name}");
        }
    }
}

#[tokio::test]
async fn a_whole_object_is_read_page_by_page_with_a_stamp_that_many_share() {
    let world = World::with_records(500);
    let now = world.clock.now();
    for at in 0..450 {
        let name = format!("bulk {at}");
        world.account().insert("contacts", now, &[("firstname", &name)], now).unwrap();
    }
    let mut request = PollRequest {
        object: "contacts".to_owned(),
        stamp: StampKind::Modified,
        fields: vec!["firstname".to_owned(), "email".to_owned()],
        filter: None,
        query: PollQuery::From(Timestamp::EPOCH),
        limit: 200,
    };
    let mut read = BTreeSet::new();
    loop {
        let page = world.connection.poll(&request).await.unwrap();
        let full = page.records.len() == request.limit;
        let sorted = page.records.windows(2).all(|pair| pair[0].modified <= pair[1].modified);
        assert!(sorted || matches!(request.query, PollQuery::Drain { .. }));
        read.extend(page.records.iter().map(|record| record.id.clone()));
        let Some(last) = page.records.last() else { break };
        request.query = match &request.query {
            PollQuery::From(from) if full && last.modified == *from => PollQuery::Drain { at: *from, after: None },
            PollQuery::From(_) if full => PollQuery::From(last.modified),
            PollQuery::Drain { at, .. } if full => PollQuery::Drain { at: *at, after: Some(last.id.clone()) },
            PollQuery::From(_) => break,
            PollQuery::Drain { at, .. } => PollQuery::From(*at + Duration::from_millis(1)),
        };
    }
    assert_eq!(read.len(), 950);
}

#[tokio::test]
async fn contacts_are_upserted_by_email_and_seen_at_once() {
    // Search shows nothing for a while; reading by e-mail does.
    let world = World::new(Options { tier: Tier::Unlimited, lag: Duration::from_secs(60), ..Options::default() });
    let by_email = |name: &'static str| {
        let fields = [("email", "Ada@Example.com"), ("firstname", name)];
        write("contacts", upsert("email", Ambiguous::Fail), &fields)
    };
    let (first, created) = id(world.connection.write(&by_email("Ada")).await);
    assert!(created);
    assert_eq!(id(world.connection.write(&by_email("Countess")).await), (first.clone(), false));
    let filter = Filter::Field { field: "email".to_owned(), test: Test::Eq("ada@example.com".into()) };
    let find = Find { object: "contacts".to_owned(), filter, fields: vec!["firstname".to_owned()], limit: 2 };
    let found = world.connection.find(&find).await.unwrap();
    assert_eq!(found[0].fields["firstname"], "Countess".into());
    assert_eq!(world.connection.get("contacts", &RecordId::from("1"), &[]).await.unwrap(), None);

    let error = world.write("contacts", Verb::Create, &[("email", "ada@example.com")]).await.expect_err("exists");
    assert_eq!((error.class.clone(), error.applied), (Class::Conflict, Applied::No));
    assert!(error.message.contains(&first), "{error}");
}

#[tokio::test]
async fn companies_are_matched_by_domain_through_the_search() {
    let world = World::quick();
    let fields = [("domain", "Acme.Example"), ("name", "Acme")];
    let (first, created) = id(world.write("companies", upsert("domain", Ambiguous::Fail), &fields).await);
    assert!(created);
    world.clock.sleep(Duration::from_secs(5)).await;
    assert_eq!(id(world.write("companies", upsert("domain", Ambiguous::Fail), &fields).await), (first.clone(), false));

    world.clock.sleep(Duration::from_secs(5)).await;
    let second = id(world.write("companies", Verb::Create, &fields).await).0;
    world.clock.sleep(Duration::from_secs(5)).await;
    let error = world.write("companies", upsert("domain", Ambiguous::Fail), &fields).await.expect_err("two");
    assert!(error.class == Class::Conflict && error.message.ends_with(&format!("{first}, {second}")), "{error}");
    assert_eq!(id(world.write("companies", upsert("domain", Ambiguous::Oldest), &fields).await).0, first);
}

#[tokio::test]
async fn refused_values_are_named() {
    let world = World::quick();
    let fields = [("emial", "x"), ("lifecyclestage", "nonsense")];
    let error = world.write("contacts", Verb::Create, &fields).await.expect_err("refused");
    assert_eq!((error.class.clone(), error.applied), (Class::Invalid, Applied::No));
    assert!(error.message.contains("`emial`") && error.message.contains("`lifecyclestage`"), "{error}");
    let label = [("firstname", "Ada"), ("lifecyclestage", "Customer")];
    let (made, _) = id(world.write("contacts", Verb::Create, &label).await);
    assert_eq!(world.account().record("contacts", &made).unwrap().values["lifecyclestage"], "customer");
    let gone = Verb::Update { id: "999".into() };
    assert_eq!(world.write("contacts", gone, &[("firstname", "x")]).await.expect_err("gone").class, Class::NotFound);
}

#[tokio::test]
async fn what_is_said_not_to_be_applied_never_is() {
    for fault in FAULTS {
        for verb in [Verb::Create, upsert("email", Ambiguous::Fail)] {
            for at_call in 0..2 {
                let world = World::quick();
                world.connection.discover("contacts").await.unwrap();
                if at_call == 0 {
                    world.next_call(fault);
                } else {
                    let next = world.account().calls() + 2;
                    world.account().faults_mut().forced.insert(next, fault);
                }
                let outcome = world.write("contacts", verb.clone(), &[("email", "ada@example.com")]).await;
                // Late requests arrive at last.
                world.clock.sleep(Duration::from_secs(3600)).await;
                world.account().faults_mut().forced.clear();
                world.connection.server_time().await.unwrap();
                let n_written = world.account().writes().len();
                match outcome {
                    Ok(_) => assert!(n_written > 0, "{fault:?} {verb:?}"),
                    Err(error) if error.applied == Applied::No && error.class != Class::Conflict => {
                        assert_eq!(n_written, 0, "{fault:?} {verb:?}: {error}");
                    }
                    Err(_) => {}
                }
            }
        }
    }
}

#[tokio::test]
async fn an_upsert_that_is_tried_until_it_succeeds_leaves_one_record() {
    for fault in FAULTS {
        for at_call in 1..=3 {
            let world = World::quick();
            world.connection.discover("contacts").await.unwrap();
            let next = world.account().calls() + at_call;
            world.account().faults_mut().forced.insert(next, fault);
            let upsert =
                write("contacts", upsert("email", Ambiguous::Fail), &[("email", "a@b.co"), ("firstname", "Ada")]);
            assert_eq!(world.connection.repeat(&upsert), Repeat::Safe);
            let mut outcome = world.connection.write(&upsert).await;
            for _ in 0..3 {
                if outcome.is_err() {
                    outcome = world.connection.write(&upsert).await;
                }
            }
            id(outcome);
            world.account().faults_mut().forced.clear();
            world.clock.sleep(Duration::from_secs(3600)).await;
            world.connection.server_time().await.unwrap();
            let account = world.account();
            let n_contacts = account.records("contacts").unwrap().count();
            assert_eq!(n_contacts, 1, "{fault:?} at call {at_call}");
        }
    }
}

#[tokio::test]
async fn a_held_address_names_its_holder_in_both_texts() {
    for raced in [false, true] {
        let world = World::quick();
        world.connection.discover("contacts").await.unwrap();
        let holder = id(world.write("contacts", Verb::Create, &[("email", "a@b.co")]).await).0;
        let create = write("contacts", Verb::Create, &[("email", "a@b.co")]);
        if raced {
            world.next_call(Fault::RacedConflict);
        }
        let error = world.connection.write(&create).await.expect_err("held");
        assert_eq!(error.class, Class::Conflict, "{error}");
        assert!(error.message.contains(&holder), "{error}");
    }
}

#[tokio::test]
async fn a_deleted_record_is_gone_and_deleting_it_again_is_no_mistake() {
    let world = World::quick();
    let made = id(world.write("contacts", Verb::Create, &[("email", "a@b.co")]).await).0;
    let delete = |id: &str| write("contacts", Verb::Delete { id: id.into() }, &[]);
    assert_eq!(world.connection.repeat(&delete(&made)), Repeat::Safe);
    let changed = async |id: &str| match world.connection.write(&delete(id)).await.expect("no mistake") {
        WriteOutcome::Written(written) => written.changed,
        WriteOutcome::Skipped(reason) => panic!("skipped: {reason}"),
    };
    assert!(changed(&made).await);
    assert_eq!(world.connection.get("contacts", &made.as_str().into(), &[]).await.unwrap(), None);
    changed(&made).await;
    for nonsense in ["", "nonsense", "../x"] {
        assert!(!changed(nonsense).await, "{nonsense}");
    }
}

#[tokio::test]
async fn what_was_archived_is_polled_by_its_moment_whatever_its_id() {
    let world = World::quick();
    let mut made = Vec::new();
    for at in 0..250 {
        let now = world.clock.now();
        made.push(world.account().insert("contacts", now, &[("firstname", &format!("n{at}"))], now).unwrap());
    }
    let before = world.clock.now();
    // The youngest first: the list of what is archived is in the order of ids, and the poll's is that of the moments.
    for chunk in made.rchunks(60) {
        world.clock.sleep(Duration::from_secs(1)).await;
        for id in chunk {
            world.write("contacts", Verb::Delete { id: id.as_str().into() }, &[]).await.unwrap();
        }
    }
    let mut request = PollRequest {
        object: "contacts".to_owned(),
        stamp: StampKind::Archived,
        fields: vec!["firstname".to_owned()],
        filter: None,
        query: PollQuery::From(before),
        limit: 200,
    };
    let page = world.connection.poll(&request).await.unwrap();
    assert_eq!(page.records.len(), 200);
    assert!(page.records.is_sorted_by_key(|record| record.modified));
    assert_eq!(page.records[0].modified, before + Duration::from_secs(1));
    assert!(page.records[..60].iter().any(|record| record.fields["firstname"] == "n249".into()));
    let last = page.records.last().unwrap().modified;
    assert_eq!(last, before + Duration::from_secs(4));

    request.query = PollQuery::From(last + Duration::from_millis(1));
    let rest: Vec<_> = world.connection.poll(&request).await.unwrap().records;
    assert_eq!(rest.len(), 10, "the oldest ten, archived last");
    request.query = PollQuery::Drain { at: last, after: Some(made[10].as_str().into()) };
    let drained = world.connection.poll(&request).await.unwrap().records;
    let ids: Vec<_> = drained.iter().map(|record| record.id.to_string()).collect();
    assert_eq!(ids, made[11..70]);

    // Behind pages of what was archived long before.
    world.clock.sleep(Duration::from_secs(60)).await;
    let now = world.clock.now();
    let newest = world.account().insert("contacts", now, &[("firstname", "newest")], now).unwrap();
    world.write("contacts", Verb::Delete { id: newest.as_str().into() }, &[]).await.unwrap();
    request.query = PollQuery::From(now);
    let found = world.connection.poll(&request).await.unwrap().records;
    assert_eq!(found.iter().map(|record| record.id.to_string()).collect::<Vec<_>>(), [newest]);
}

#[tokio::test]
async fn a_walk_meets_every_record_once_in_the_order_of_ids() {
    let world = World::with_records(450);
    let walked = async |filter: Option<Filter>| {
        let fields = vec!["lifecyclestage".to_owned()];
        let mut request = WalkRequest { object: "contacts".to_owned(), fields, filter, after: None, limit: 200 };
        let mut read: Vec<Record> = Vec::new();
        loop {
            let page = world.connection.walk(&request).await.unwrap().records;
            let is_last = page.len() < request.limit;
            read.extend(page);
            if is_last {
                return read;
            }
            request.after = read.last().map(|record| record.id.clone());
        }
    };
    let all = walked(None).await;
    assert_eq!(all.len(), 450);
    assert!(all.windows(2).all(|pair| pair[0].id.as_number() < pair[1].id.as_number()));
    let customer = Filter::Field { field: "lifecyclestage".to_owned(), test: Test::Eq("customer".into()) };
    let customers = walked(Some(customer.clone())).await;
    assert_eq!(customers.len(), all.iter().filter(|record| customer.matches(record)).count());
    assert!(!customers.is_empty() && customers.len() < all.len());
    let nobody = walked(Some(Filter::Field { field: "lifecyclestage".to_owned(), test: Test::In(Vec::new()) })).await;
    assert_eq!(nobody, []);
}
