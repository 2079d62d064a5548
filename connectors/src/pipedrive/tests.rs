//! The connector against the stand-in: another shape of service, told by the same words.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use sandbox::pipedrive::{DEFAULT_TOKEN, FAVOURITE_COLOUR, Pipedrive as Account, PipedriveTransport};
use sdk::{
    ActionCall, Ambiguous, Applied, Class, Clock, ConnectContext, Connection, Connector as _, EffectId, Error,
    FieldType, Fields, Filter, Find, Match, PollQuery, PollRequest, Repeat, Secret, SettingValue, Settings, StampKind,
    Test, Timestamp, Value, Verb, WalkRequest, Write, WriteOutcome,
};
use serde_json::json;

use super::Pipedrive;

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

struct World {
    account: Arc<Mutex<Account>>,
    clock: Arc<Standing>,
    connection: Arc<dyn Connection>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(Standing(Mutex::new(Timestamp::parse("2026-11-21T10:00:00Z").unwrap())));
        let account = Arc::new(Mutex::new(Account::default()));
        let transport = PipedriveTransport { account: Arc::clone(&account), clock: clock.clone() };
        let context =
            ConnectContext { transport: Arc::new(transport), clock: clock.clone(), folder: std::env::temp_dir() };
        let connection = Pipedrive.connect(&settings("acme"), context).expect("the settings are right");
        Self { account, clock, connection }
    }

    fn account(&self) -> std::sync::MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    fn person(&self, name: &str) -> u64 {
        let now = self.clock.now();
        self.account().insert("persons", json!({ "name": name }), now)
    }

    async fn write(&self, verb: Verb, fields: &[(&str, Value)]) -> Result<WriteOutcome, Error> {
        self.connection.write(&write(verb, fields)).await
    }

    async fn poll(&self, stamp: StampKind, query: PollQuery, limit: usize) -> Result<Vec<(u64, Timestamp)>, Error> {
        let request = PollRequest {
            object: "persons".to_owned(),
            stamp,
            fields: vec!["name".to_owned(), "favourite_colour".to_owned()],
            filter: None,
            query,
            limit,
        };
        let page = self.connection.poll(&request).await?;
        Ok(page.records.iter().map(|record| (record.id.as_str().parse().unwrap(), record.modified)).collect())
    }
}

fn settings(company: &str) -> Settings {
    let mut settings = Settings::default();
    settings.0.insert("token".to_owned(), SettingValue::Secret(Secret::new(DEFAULT_TOKEN.to_owned())));
    settings.0.insert("company".to_owned(), SettingValue::Text(company.to_owned()));
    settings
}

fn write(verb: Verb, fields: &[(&str, Value)]) -> Write {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Fields>();
    Write { effect_id: EffectId::new("effect"), object: "persons".to_owned(), verb, fields }
}

fn by_email(ambiguous: Ambiguous) -> Verb {
    Verb::Upsert { by: Match::Fields(vec!["email".to_owned()]), ambiguous }
}

fn id(outcome: Result<WriteOutcome, Error>) -> (String, bool) {
    match outcome.expect("written") {
        WriteOutcome::Written(written) => (written.id.to_string(), written.created),
        WriteOutcome::Skipped(reason) => panic!("skipped: {reason}"),
    }
}

#[tokio::test]
async fn the_account_and_its_fields_are_discovered_by_their_labels() {
    let world = World::new();
    let account = world.connection.check().await.unwrap();
    assert_eq!((&*account.id, &*account.title), ("5512", "Pipedrive of Analytical"));
    let schema = world.connection.discover("persons").await.unwrap();
    let colour = &schema.fields["favourite_colour"];
    assert_eq!((colour.field_type, colour.options[0].label.as_str()), (FieldType::Choice, "Red"));
    assert_eq!(schema.fields["score"].field_type, FieldType::Number, "the third page of definitions is read too");
    assert!(schema.fields["update_time"].read_only && schema.fields["name"].required);
    assert!(!schema.fields.contains_key(FAVOURITE_COLOUR));
}

#[tokio::test]
async fn a_company_is_one_part_of_a_host_and_nothing_else() {
    let world = World::new();
    for company in ["evil.com/", "a.b", "", "-a", "a@b", "a:1"] {
        let transport = PipedriveTransport { account: Arc::clone(&world.account), clock: world.clock.clone() };
        let clock = world.clock.clone();
        let context = ConnectContext { transport: Arc::new(transport), clock, folder: std::env::temp_dir() };
        let Err(error) = Pipedrive.connect(&settings(company), context) else { panic!("accepted {company:?}") };
        assert_eq!(error.class, Class::Invalid, "{company}");
    }
}

#[tokio::test]
async fn values_go_under_the_services_own_names_and_come_back() {
    let world = World::new();
    let fields = [
        ("name", "Ada".into()),
        ("email", "ada@example.com".into()),
        ("favourite_colour", "green".into()),
        ("score", Value::Int(7)),
    ];
    let (made, created) = id(world.write(Verb::Create, &fields).await);
    assert!(created);
    let kept = world.account().records("persons").next().unwrap().clone();
    assert_eq!(kept["emails"], json!([{ "value": "ada@example.com", "primary": true }]));
    assert_eq!(kept["custom_fields"][FAVOURITE_COLOUR], 28);

    let wanted = ["email", "favourite_colour", "score", "phone"].map(str::to_owned);
    let record = world.connection.get("persons", &made.as_str().into(), &wanted).await.unwrap().expect("there");
    assert_eq!(record.fields["email"], "ada@example.com".into());
    assert_eq!((&record.fields["favourite_colour"], &record.fields["score"]), (&"28".into(), &Value::Int(7)));
    assert_eq!(record.fields["phone"], Value::Null);
    assert_eq!(world.connection.get("persons", &"99".into(), &wanted).await.unwrap(), None);

    id(world.write(Verb::Update { id: made.as_str().into() }, &[("email", Value::Null)]).await);
    assert_eq!(world.account().records("persons").next().unwrap()["emails"], json!([]));

    for changed in [true, false] {
        let outcome = world.write(Verb::Delete { id: made.as_str().into() }, &[]).await.unwrap();
        assert!(matches!(outcome, WriteOutcome::Written(written) if written.changed == changed));
    }
    assert_eq!(world.account().records("persons").count(), 0);
}

#[tokio::test]
async fn an_upsert_looks_first_and_is_not_repeated_blindly() {
    let world = World::new();
    let fields = |name: &'static str| [("name", name.into()), ("email", Value::from("Ada@Example.com"))];
    let (first, created) = id(world.write(by_email(Ambiguous::Fail), &fields("Ada")).await);
    assert!(created);
    assert_eq!(id(world.write(by_email(Ambiguous::Fail), &fields("Countess")).await), (first.clone(), false));
    let (second, _) = id(world.write(Verb::Create, &fields("Twin")).await);
    let error = world.write(by_email(Ambiguous::Fail), &fields("x")).await.expect_err("two");
    assert_eq!(error.message, format!("2 persons have this `email`: {first}, {second}"));
    assert_eq!(id(world.write(by_email(Ambiguous::Oldest), &fields("x")).await).0, first);
    assert_eq!(world.connection.repeat(&write(by_email(Ambiguous::Fail), &[])), Repeat::Unsafe);
    let empty = world.write(by_email(Ambiguous::Fail), &[("email", " ".into())]).await.expect_err("empty");
    assert_eq!(empty.class, Class::Invalid);

    // The answer of the create is lost: nobody knows.
    let next = world.account().calls() + 2;
    world.account().lose_answer_of = Some(next);
    let lost = world.write(by_email(Ambiguous::Fail), &[("name", "B".into()), ("email", "b@c.co".into())]).await;
    assert_eq!(lost.expect_err("lost").applied, Applied::Maybe);
}

#[tokio::test]
async fn updated_records_are_read_from_a_stamp_and_one_stamp_is_drained_by_id() {
    let world = World::new();
    let start = world.clock.now();
    let crowd: Vec<u64> = (0..450).map(|at| world.person(&format!("bulk {at}"))).collect();
    world.clock.sleep(Duration::from_secs(5)).await;
    let late = world.person("late");
    let page = world.poll(StampKind::Modified, PollQuery::From(start), 200).await.unwrap();
    assert_eq!((page.len(), page[199].1), (200, start), "one stamp fills the page");
    let mut read = Vec::new();
    let mut after = None;
    loop {
        let query = PollQuery::Drain { at: start, after: after.clone() };
        let page = world.poll(StampKind::Modified, query, 200).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.to_string().as_str().into());
        read.extend(page.iter().map(|(id, _)| *id));
    }
    assert_eq!(read, crowd);
    let behind = PollQuery::From(start + Duration::from_secs(1));
    assert_eq!(world.poll(StampKind::Modified, behind, 200).await.unwrap(), [(late, start + Duration::from_secs(5))]);
}

#[tokio::test]
async fn new_records_are_scanned_backwards_and_handed_on_oldest_first() {
    let world = World::new();
    let mut made = Vec::new();
    for at in 0..250 {
        world.clock.sleep(Duration::from_secs(1)).await;
        made.push((world.person(&format!("{at}")), world.clock.now()));
    }
    // A change of an old one makes nothing new.
    id(world.write(Verb::Update { id: "1".into() }, &[("name", "changed".into())]).await);
    let from = made[100].1;
    assert_eq!(world.poll(StampKind::Created, PollQuery::From(from), 60).await.unwrap(), made[100..160]);
    assert_eq!(world.poll(StampKind::Created, PollQuery::From(from), 200).await.unwrap(), made[100..]);
}

#[tokio::test]
async fn what_the_service_cannot_be_asked_is_looked_for_here() {
    let world = World::new();
    for name in ["Ada", "Bob", "Adam"] {
        world.person(name);
    }
    let find = |field: &str, test: Test| Find {
        object: "persons".to_owned(),
        filter: Filter::Field { field: field.to_owned(), test },
        fields: vec!["name".to_owned()],
        limit: 5,
    };
    let ids = async |find: Find| {
        let found = world.connection.find(&find).await.unwrap();
        found.iter().map(|record| record.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(find("name", Test::Contains("Ada".into()))).await, ["1", "3"]);
    assert_eq!(ids(find("name", Test::Eq("Bob".into()))).await, ["2"]);
    assert_eq!(ids(find("id", Test::Eq("3".into()))).await, ["3"]);
}

#[tokio::test]
async fn a_spent_budget_is_told_from_a_burst() {
    let world = World::new();
    world.account().tokens = 5;
    let error = world.connection.check().await.expect_err("spent");
    assert_eq!(error.class, Class::QuotaExhausted, "{error}");
    let limits = super::MANIFEST.limits();
    let daily = limits.iter().find(|limit| limit.name == "daily").unwrap();
    let header = ("x-daily-requests-left".to_owned(), "12".to_owned());
    let answer = sdk::Response { headers: vec![header], ..sdk::Response::default() };
    assert_eq!(daily.observe(&answer).remaining, Some(12));
    assert!(super::MANIFEST.poll_costs("persons").iter().flat_map(|costs| costs.iter()).any(|cost| cost.units == 20));
}

#[test]
fn what_runs_can_be_shown_and_is_a_manifest_itself() {
    let shown = super::MANIFEST.expanded();
    let again = crate::rest::RestConnector::from_manifest(&text::SourceFile::new("shown.yaml", shown));
    assert_eq!(again.unwrap_or_else(|mistakes| panic!("{shown}\n{mistakes:#?}")).expanded(), shown);
}

#[tokio::test]
async fn a_note_is_added_to_a_person_or_refused_where_it_belongs_to_nobody() {
    let world = World::new();
    let ada = world.person("Ada");
    let call = |with: &[(&str, Value)]| ActionCall {
        effect_id: EffectId::new("effect"),
        action: "add_note".to_owned(),
        with: with.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
    };
    let with = [("content", "Called."), ("person", &ada.to_string())].map(|(name, value)| (name, value.into()));
    let outcome = world.connection.act(&call(&with)).await.unwrap();
    assert_eq!(outcome.result["id"], "2".into());
    let note = json!({ "content": "Called.", "person_id": ada, "id": 2 });
    assert_eq!(world.account().notes(), [note]);
    let nobody = world.connection.act(&call(&[("content", "Called.".into())])).await.expect_err("nobody's");
    assert_eq!((nobody.class, nobody.applied), (Class::Invalid, Applied::No));
    assert_eq!(world.connection.repeat_action(&call(&with)), Repeat::Unsafe);
}

#[tokio::test]
async fn a_walk_goes_on_where_it_was_and_begins_anew_after_an_interruption() {
    let world = World::new();
    let ids: Vec<u64> = (0..1200).map(|at| world.person(&format!("person {at}"))).collect();
    let page = async |connection: &Arc<dyn Connection>, after: Option<u64>| {
        let request = WalkRequest {
            object: "persons".to_owned(),
            fields: vec!["name".to_owned()],
            filter: None,
            after: after.map(|id| id.to_string().as_str().into()),
            limit: 200,
        };
        let records = connection.walk(&request).await.unwrap().records;
        records.iter().map(|record| record.id.as_str().parse().unwrap()).collect::<Vec<u64>>()
    };
    world.connection.discover("persons").await.unwrap();
    let before = world.account().calls();
    let mut read: Vec<u64> = Vec::new();
    loop {
        let rows = page(&world.connection, read.last().copied()).await;
        read.extend(&rows);
        if rows.len() < 200 {
            break;
        }
    }
    assert_eq!(read, ids);
    // Pages of 500 rows: the first is asked for three times, and the next two by their own cursors.
    assert_eq!(world.account().calls() - before, 9);

    // Another process does not know the cursor; it passes over what was read.
    let transport = PipedriveTransport { account: Arc::clone(&world.account), clock: world.clock.clone() };
    let context =
        ConnectContext { transport: Arc::new(transport), clock: world.clock.clone(), folder: std::env::temp_dir() };
    let connection = Pipedrive.connect(&settings("acme"), context).expect("the settings are right");
    assert_eq!(page(&connection, Some(ids[999])).await, ids[1000..]);
}
