//! A service that answers as a test's script says, and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sdk::{
    Account, Ask, Connection, Cost, Error, Find, IdOrder, Limit, ObjectSchema, PollPage, PollQuery, PollRequest,
    Record, RecordId, Repeat, StampKind, Timestamp, Value, Verb, WalkRequest, Write, WriteOutcome, Written,
};

use super::SimulatedClock;

/// How long every answer takes, unless a script says otherwise.
const USUAL: Duration = Duration::from_millis(10);

/// One service. Unscripted, it shows its rows, has no record that is looked up, and applies every write.
pub(crate) struct Service {
    /// Whether a poll is answered with rows.
    pub polls: Script<PollRequest, ()>,
    /// Whether a page of a walk is answered with rows.
    pub walks: Script<WalkRequest, ()>,
    /// Look-ups by id.
    pub gets: Script<RecordId, Option<Record>>,
    /// Look-ups by a filter.
    pub finds: Script<Find, Vec<Record>>,
    /// Writes.
    pub writes: Script<Write, WriteOutcome>,
    clock: Arc<SimulatedClock>,
    rows: Mutex<Vec<Record>>,
    page_size: AtomicUsize,
    has_no_stamps: AtomicBool,
    id_order: Mutex<IdOrder>,
    repeat: Mutex<Repeat>,
    limits: Mutex<Vec<Limit>>,
    /// What each kind of request costs: `poll`, `get`, `find`, `write`.
    costs: Mutex<BTreeMap<&'static str, Vec<Cost>>>,
    account: Mutex<String>,
    /// The emails that writes under way are about.
    at_work: Mutex<Vec<Option<Value>>>,
    n_overlaps: AtomicUsize,
}

impl Service {
    pub fn new(clock: Arc<SimulatedClock>, account: &str) -> Self {
        Self {
            polls: Script::new(&clock, |_, _| Ok(())),
            walks: Script::new(&clock, |_, _| Ok(())),
            gets: Script::new(&clock, |_, _| Ok(None)),
            finds: Script::new(&clock, |_, _| Ok(Vec::new())),
            writes: Script::new(&clock, |_, _| Ok(applied())),
            clock,
            rows: Mutex::default(),
            page_size: AtomicUsize::new(100),
            has_no_stamps: AtomicBool::new(false),
            id_order: Mutex::new(IdOrder::Numbers),
            repeat: Mutex::new(Repeat::Safe),
            limits: Mutex::default(),
            costs: Mutex::default(),
            account: Mutex::new(account.to_owned()),
            at_work: Mutex::default(),
            n_overlaps: AtomicUsize::new(0),
        }
    }

    /// These are its rows from now on.
    pub fn show(&self, rows: impl IntoIterator<Item = Record>) {
        *lock(&self.rows) = rows.into_iter().collect();
    }

    /// This row is there as well from now on.
    pub fn add(&self, row: Record) {
        lock(&self.rows).push(row);
    }

    /// Pages are so small from now on.
    pub fn page_size(&self, n_rows: usize) {
        self.page_size.store(n_rows, Ordering::Relaxed);
    }

    /// Nothing stamps its rows: what they say of it is taken from them.
    pub fn has_no_stamps(&self) {
        self.has_no_stamps.store(true, Ordering::Relaxed);
    }

    /// Its ids rise in this order from now on.
    pub fn orders_ids(&self, order: IdOrder) {
        *lock(&self.id_order) = order;
    }

    /// From now on, sending a create or upsert twice may make two records.
    pub fn is_unsafe_to_repeat(&self) {
        *lock(&self.repeat) = Repeat::Unsafe;
    }

    /// Whose account this is, for those who ask.
    pub fn is_account(&self, id: &str) {
        *lock(&self.account) = id.to_owned();
    }

    /// Keeps this budget, of which these kinds of requests take one each.
    pub fn allows(&self, limit: Limit, kinds: &[&'static str]) {
        for kind in kinds {
            let cost = Cost { limit: limit.name.clone(), units: 1 };
            lock(&self.costs).entry(kind).or_default().push(cost);
        }
        lock(&self.limits).push(limit);
    }

    async fn pay(&self, kind: &str) {
        let costs = lock(&self.costs).get(kind).cloned().unwrap_or_default();
        sdk::budget::pay(&costs).await;
    }

    /// What was written, in words.
    pub fn verbs(&self) -> Vec<String> {
        let word = |write: Write| match write.verb {
            Verb::Create => "create".to_owned(),
            Verb::Update { id } => format!("update {id}"),
            Verb::Upsert { .. } => "upsert".to_owned(),
            Verb::Delete { id } => format!("delete {id}"),
        };
        self.writes.asked().into_iter().map(word).collect()
    }

    /// Writes that came while another one about the same email was under way.
    pub fn n_overlaps(&self) -> usize {
        self.n_overlaps.load(Ordering::Relaxed)
    }
}

fn by_id(order: IdOrder, left: &RecordId, right: &RecordId) -> std::cmp::Ordering {
    match order {
        IdOrder::Text => left.cmp(right),
        IdOrder::Numbers => left.as_number().cmp(&right.as_number()),
    }
}

/// That a write made record 1.
pub(crate) fn applied() -> WriteOutcome {
    WriteOutcome::Written(Written { id: "1".into(), created: true, changed: true })
}

#[async_trait]
impl Connection for Service {
    async fn check(&self) -> Result<Account, Error> {
        let id = lock(&self.account).clone();
        Ok(Account { title: format!("account {id}"), id })
    }

    async fn server_time(&self) -> Result<Timestamp, Error> {
        Ok(self.clock.true_now())
    }

    fn objects(&self) -> Option<Vec<String>> {
        None
    }

    async fn discover(&self, _object: &str) -> Result<ObjectSchema, Error> {
        unreachable!("an engine is given flows that were checked")
    }

    fn is_loopback(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        self.page_size.load(Ordering::Relaxed)
    }

    fn is_compared(&self, _object: &str, _stamp: &StampKind) -> bool {
        self.has_no_stamps.load(Ordering::Relaxed)
    }

    async fn poll(&self, request: &PollRequest) -> Result<PollPage, Error> {
        self.pay("poll").await;
        self.polls.ask(request).await?;
        let (mut records, order) = (lock(&self.rows).clone(), *lock(&self.id_order));
        if self.has_no_stamps.load(Ordering::Relaxed) {
            let PollQuery::Drain { at, .. } = &request.query else { unreachable!("rows without stamps are drained") };
            records.iter_mut().for_each(|row| row.modified = *at);
        }
        records.retain(|row| match &request.query {
            PollQuery::From(from) => row.modified >= *from,
            PollQuery::Drain { at, after } => {
                row.modified == *at && after.as_ref().is_none_or(|after| by_id(order, &row.id, after).is_gt())
            }
        });
        records.sort_by(|a, b| a.modified.cmp(&b.modified).then(by_id(order, &a.id, &b.id)));
        records.truncate(request.limit);
        Ok(PollPage { records, server_time: Some(self.clock.true_now()), order })
    }

    async fn walk(&self, request: &WalkRequest) -> Result<PollPage, Error> {
        self.walks.ask(request).await?;
        let (mut records, order) = (lock(&self.rows).clone(), *lock(&self.id_order));
        records.retain(|row| request.after.as_ref().is_none_or(|after| by_id(order, &row.id, after).is_gt()));
        records.sort_by(|a, b| by_id(order, &a.id, &b.id));
        records.truncate(request.limit);
        Ok(PollPage { records, server_time: Some(self.clock.true_now()), order })
    }

    async fn get(&self, _object: &str, id: &RecordId, _fields: &[String]) -> Result<Option<Record>, Error> {
        self.pay("get").await;
        self.gets.ask(id).await
    }

    async fn find(&self, find: &Find) -> Result<Vec<Record>, Error> {
        self.pay("find").await;
        self.finds.ask(find).await
    }

    fn repeat(&self, write: &Write) -> Repeat {
        match write.verb {
            Verb::Update { .. } | Verb::Delete { .. } => Repeat::Safe,
            Verb::Create | Verb::Upsert { .. } => *lock(&self.repeat),
        }
    }

    async fn write(&self, write: &Write) -> Result<WriteOutcome, Error> {
        self.pay("write").await;
        let email = write.fields.get("email").cloned();
        if lock(&self.at_work).contains(&email) {
            self.n_overlaps.fetch_add(1, Ordering::Relaxed);
        }
        lock(&self.at_work).push(email.clone());
        let answer = self.writes.ask(write).await;
        lock(&self.at_work).retain(|other| *other != email);
        answer
    }

    fn limits(&self) -> Vec<Limit> {
        lock(&self.limits).clone()
    }

    fn costs(&self, ask: &Ask<'_>) -> Vec<Cost> {
        let kind = match ask {
            Ask::ServerTime => return Vec::new(),
            Ask::Poll(_) | Ask::Walk(_) => "poll",
            Ask::Get(_) => "get",
            Ask::Find(_) => "find",
            Ask::Write(_) | Ask::Act(_) => "write",
        };
        lock(&self.costs).get(kind).cloned().unwrap_or_default()
    }
}

/// What one kind of request is answered, and which of them came.
pub(crate) struct Script<Request, Answer> {
    clock: Arc<SimulatedClock>,
    answer: Mutex<Answers<Request, Answer>>,
    takes: Mutex<Duration>,
    asked: Mutex<Vec<(Duration, Request)>>,
    answered: Mutex<Vec<Duration>>,
}

/// The answer to a request, and how many of its kind it makes with this script, from 1.
type Answers<Request, Answer> = Arc<dyn Fn(usize, &Request) -> Result<Answer, Error> + Send + Sync>;

impl<Request: Clone, Answer> Script<Request, Answer> {
    fn new(
        clock: &Arc<SimulatedClock>,
        answer: impl Fn(usize, &Request) -> Result<Answer, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock: clock.clone(),
            answer: Mutex::new(Arc::new(answer)),
            takes: Mutex::new(USUAL),
            asked: Mutex::default(),
            answered: Mutex::default(),
        }
    }

    /// Forgets what came before, and from now on answers the n-th request, counted from 1, like this.
    pub fn answer(&self, answer: impl Fn(usize, &Request) -> Result<Answer, Error> + Send + Sync + 'static) {
        lock(&self.asked).clear();
        *lock(&self.answer) = Arc::new(answer);
    }

    /// From now on, every answer takes so long.
    pub fn takes(&self, seconds: u64) {
        *lock(&self.takes) = Duration::from_secs(seconds);
    }

    /// What was asked.
    pub fn asked(&self) -> Vec<Request> {
        lock(&self.asked).iter().map(|(_, request)| request.clone()).collect()
    }

    /// How often it was asked.
    pub fn count(&self) -> usize {
        lock(&self.asked).len()
    }

    /// When each request came, and when each was answered: a service counts it somewhere in between.
    pub fn moments(&self) -> [Vec<Duration>; 2] {
        [lock(&self.asked).iter().map(|(at, _)| *at).collect(), lock(&self.answered).clone()]
    }

    /// In which second of the world each request came.
    pub fn seconds(&self) -> Vec<u64> {
        lock(&self.asked).iter().map(|(at, _)| at.as_secs()).collect()
    }

    async fn ask(&self, request: &Request) -> Result<Answer, Error> {
        let n = {
            let mut asked = lock(&self.asked);
            asked.push((self.clock.elapsed(), request.clone()));
            asked.len()
        };
        let takes = *lock(&self.takes);
        tokio::time::sleep(takes).await;
        lock(&self.answered).push(self.clock.elapsed());
        let answer = lock(&self.answer).clone();
        answer(n, request)
    }
}

/// A script that panicked, because its test wished so, leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
