//! What the interpreter sees of the world: effects that happen once, however often it asks.
//!
//! The interpreter may be stopped at any point and started again from the first step. An effect whose outcome is
//! journaled answers with that outcome; one that is not happens now. A step's key is its name (and the loop items'
//! keys), never a position, so that a flow can be edited while its runs wait.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flow::Retry;
use sdk::{Ask, Clock, ConnectionName, Fields, Filter, Find, FlowId, Record, StepName, Timestamp, Value};
use store::{ClaimedRun, EffectState, Failure, JournalEntry, Store};

use crate::budgets::Kind;
use crate::calls::Calls;
use crate::connections::{Connections, OpenConnection};
use crate::effects::{Asked, Change, Effects};
use crate::run_log::{AttemptLog, Note, Told};
use crate::stopping::StopWish;

/// Which step it is, and in which items of which loops: what its outcome is journaled under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepKey {
    /// The step's name, or a part of it.
    pub step: String,
    /// The loop items' keys, each in brackets, outermost first; empty outside of loops.
    pub item: String,
}

impl StepKey {
    /// Of a step in these items.
    pub fn new(step: &StepName, item: &str) -> Self {
        Self { step: step.to_string(), item: item.to_owned() }
    }

    /// Of something that belongs to the step and is journaled beside it. No step's name has a space in it.
    pub fn part(&self, word: &str) -> Self {
        Self { step: format!("{} {word}", self.step), item: self.item.clone() }
    }
}

impl std::fmt::Display for StepKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}{}", self.step, self.item)
    }
}

/// How often and for how long a step tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// How often a failed attempt is repeated.
    pub retry: Retry,
    /// How long one may take.
    pub timeout: Option<Duration>,
    /// Whether those count that meet a service which is away: the author wrote how many there are, or goes on without.
    pub counts_absence: bool,
}

/// Something that a step asks of the world.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Changes something there.
    Change {
        /// Where.
        connection: ConnectionName,
        /// What; its effect id is given here.
        change: Change,
        /// How often and for how long it is tried.
        attempts: Attempts,
    },
    /// Looks records up. Rows that do not fulfil the filter are dropped here, whatever the service sent.
    Find {
        /// Where.
        connection: ConnectionName,
        /// What for.
        find: Find,
        /// How often and for how long it is tried.
        attempts: Attempts,
    },
}

/// What came of it. The same every time the same run asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// What the step's `as` sees.
    Value(Value),
    /// Left out, with the reason.
    Skipped(String),
    /// A newer version's write came first.
    Superseded,
    /// Refused for good.
    Failed(Failure),
    /// May or may not have been applied.
    Unknown(Failure),
}

/// When a run that waits goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// So long after the step was first reached.
    After(Duration),
    /// At this moment.
    At(Timestamp),
}

/// What keeps a run that is to be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Its next try alone.
    Shortly,
    /// Somebody must mend its connection.
    Blocked,
    /// Nobody answers at this connection.
    Away {
        /// Which.
        connection: ConnectionName,
        /// Since when.
        since: Timestamp,
    },
}

/// Why there is no outcome yet. The run goes on another time, from its first step.
#[derive(Debug)]
pub enum Interrupt {
    /// To be tried again.
    Park {
        /// Not before.
        due_at: Timestamp,
        /// What went wrong this time.
        failure: Failure,
        /// What keeps it.
        held: Held,
    },
    /// To go on then; nothing went wrong.
    Wait {
        /// Not before.
        due_at: Timestamp,
    },
    /// The run was asked to stop, so nothing further begins.
    Stopped,
    /// The outcome could not be kept, so nothing further may happen.
    Store(store::Error),
}

impl From<store::Error> for Interrupt {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// A run's durable world.
#[async_trait]
pub trait Durable: Send + Sync {
    /// The journaled outcome of `key` if there is one; else makes the effect happen and journals its outcome.
    async fn step(&self, key: &StepKey, effect: Effect) -> Result<Outcome, Interrupt>;

    /// Calls another flow, unless that was done under `key` before, and gives what it returned once its run has ended.
    async fn call(&self, key: &StepKey, flow: &FlowId, inputs: Fields) -> Result<Outcome, Interrupt>;

    /// What earlier attempts journaled under this key, if they did.
    fn kept(&self, key: &StepKey) -> Option<Value>;

    /// The value journaled under this key: an earlier attempt's where there is one, else this.
    async fn keep(&self, key: &StepKey, value: Value) -> Result<Value, Interrupt>;

    /// The failure is journaled under this key, and the run counts it as one that did not stop it.
    async fn ignore(&self, key: &StepKey, failure: Value) -> Result<(), Interrupt>;

    /// Goes on once the wake time has come, which is journaled under this key when it is first asked for. Answers it.
    async fn sleep(&self, key: &StepKey, wake: Wake) -> Result<Timestamp, Interrupt>;

    /// Whether this step may begin. A world that nobody stops lets every step.
    fn go_on(&self, _before: &StepKey) -> Result<(), Interrupt> {
        Ok(())
    }

    /// What `now` is in this run: the moment at which it was stored, on every attempt.
    fn now(&self) -> Timestamp;

    /// The run's own log has this line, once the attempt's end is stored. A world without a log drops it.
    fn note(&self, _step: Option<&StepKey>, _note: Note) {}
}

/// The durable world over our own store.
pub struct StoredWorld {
    /// Whose world it is.
    pub run: Arc<ClaimedRun>,
    /// The name that effect ids are made from, which no renaming changes.
    pub flow_identity: FlowId,
    /// Where outcomes are kept.
    pub store: Store,
    /// The services.
    pub connections: Connections,
    /// Where writes are submitted.
    pub effects: Effects,
    /// Where flows are called.
    pub calls: Calls,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What this attempt notes of itself.
    pub log: Arc<AttemptLog>,
    /// Whether it is to stop.
    pub stop: StopWish,
}

impl StoredWorld {
    /// Whether an earlier attempt has had this outcome, and noted it.
    fn is_known(&self, key: &StepKey, effect: &Effect) -> bool {
        match effect {
            Effect::Find { .. } => self.kept(key).is_some(),
            Effect::Change { .. } => self.run.effects.iter().any(|row| {
                let is_open = matches!(row.state, EffectState::Planned | EffectState::Sent);
                row.step == key.step && row.item == key.item && !is_open
            }),
        }
    }

    async fn happen(&self, key: &StepKey, effect: Effect) -> Result<Outcome, Interrupt> {
        match effect {
            Effect::Find { connection, find, attempts } => self.find(key, &connection, &find, attempts).await,
            Effect::Change { connection, change, attempts } => match self.connections.get(&connection) {
                Some(open) => self.effects.submit(&self.request(key, open, attempts), change).await,
                None => Ok(Outcome::Failed(missing_connection(key, &connection))),
            },
        }
    }

    fn request<'a>(&'a self, key: &'a StepKey, open: &Arc<OpenConnection>, attempts: Attempts) -> Asked<'a> {
        let Attempts { retry, timeout, counts_absence } = attempts;
        Asked {
            run: &self.run,
            flow_identity: &self.flow_identity,
            key,
            connection: open.clone(),
            retry,
            timeout,
            counts_absence,
            stop: &self.stop,
        }
    }

    async fn find(
        &self,
        key: &StepKey,
        connection: &ConnectionName,
        find: &Find,
        attempts: Attempts,
    ) -> Result<Outcome, Interrupt> {
        if let Some(outcome) = self.kept(key) {
            return Ok(Outcome::Value(outcome));
        }
        let Some(open) = self.connections.get(connection) else {
            return Ok(Outcome::Failed(missing_connection(key, connection)));
        };
        let asked = self.request(key, open, attempts);
        let answer = {
            let ask = match id_asked(find) {
                Some(_) => Ask::Get(&find.object),
                None => Ask::Find(find),
            };
            let grant = self.effects.take(&asked, Kind::Find, &[ask]).await?;
            grant.spend(within(self.clock.as_ref(), attempts.timeout, read(open, find))).await
        };
        asked.connection.heard(&*self.clock, &answer);
        match answer {
            Ok(records) => {
                let found = records.iter().filter(|record| find.filter.matches(record)).map(as_value).collect();
                let outcome = Value::List(found);
                Ok(Outcome::Value(self.keep(key, outcome).await?))
            }
            Err(error) => self.effects.read_failed(&asked, &find.object, &error),
        }
    }
}

#[async_trait]
impl Durable for StoredWorld {
    async fn step(&self, key: &StepKey, effect: Effect) -> Result<Outcome, Interrupt> {
        let (is_known, told) = (self.is_known(key, &effect), Told::of(&effect));
        let outcome = self.happen(key, effect).await;
        if !is_known && let Some(note) = told.note(&outcome, self.clock.now()) {
            self.note(Some(key), note);
        }
        outcome
    }

    async fn call(&self, key: &StepKey, flow: &FlowId, inputs: Fields) -> Result<Outcome, Interrupt> {
        if let Some(outcome) = self.kept(key) {
            return Ok(Outcome::Value(outcome));
        }
        let outcome = self.calls.call(&self.run, &self.flow_identity, key, flow, inputs).await;
        if let Some(note) = Told::of_call(flow).note(&outcome, self.clock.now()) {
            self.note(Some(key), note);
        }
        let outcome = outcome?;
        // Kept here as well: the called run may be forgotten before this one is.
        if let Outcome::Value(value) = &outcome {
            self.keep(key, value.clone()).await?;
        }
        Ok(outcome)
    }

    fn kept(&self, key: &StepKey) -> Option<Value> {
        let key = key.to_string();
        self.run.journal.iter().find(|entry| entry.key == key).map(|entry| entry.outcome.clone())
    }

    async fn keep(&self, key: &StepKey, value: Value) -> Result<Value, Interrupt> {
        if let Some(kept) = self.kept(key) {
            return Ok(kept);
        }
        self.store.journal(self.run.id, JournalEntry { key: key.to_string(), outcome: value.clone() }).await?;
        sdk::faults::point("step.kept");
        Ok(value)
    }

    async fn ignore(&self, key: &StepKey, failure: Value) -> Result<(), Interrupt> {
        self.note(Some(key), Note::warn("the run goes on after this failure"));
        self.store.ignore(self.run.id, JournalEntry { key: key.to_string(), outcome: failure }).await?;
        sdk::faults::point("step.ignored");
        Ok(())
    }

    async fn sleep(&self, key: &StepKey, wake: Wake) -> Result<Timestamp, Interrupt> {
        let now = self.clock.now();
        let asked = match wake {
            Wake::After(duration) => now + duration,
            Wake::At(moment) => moment,
        };
        let due_at = match self.keep(key, Value::Moment(asked)).await? {
            Value::Moment(kept) => kept,
            _ => asked,
        };
        let is_over = due_at <= now || sdk::faults::planted("a wait is over at once");
        if is_over {
            return Ok(due_at);
        }
        self.note(Some(key), Note::info("waits").with("until", due_at));
        Err(Interrupt::Wait { due_at })
    }

    fn go_on(&self, before: &StepKey) -> Result<(), Interrupt> {
        let may_begin = self.stop.check();
        if may_begin.is_err() && self.stop.is_first() {
            self.note(Some(before), Note::warn("not begun: the run is to stop"));
        }
        may_begin
    }

    fn now(&self) -> Timestamp {
        self.run.created_at
    }

    fn note(&self, step: Option<&StepKey>, note: Note) {
        self.log.note(step, note);
    }
}

/// What a call gives, unless it takes longer than allowed. What was asked may be done all the same.
pub async fn within<T>(
    clock: &dyn Clock,
    timeout: Option<Duration>,
    call: impl Future<Output = Result<T, sdk::Error>>,
) -> Result<T, sdk::Error> {
    let Some(timeout) = timeout else { return call.await };
    tokio::select! {
        biased;
        answer = call => answer,
        () = clock.sleep(timeout) => {
            let message = format!("no answer within {timeout:?}, the step's `timeout`");
            Err(sdk::Error::new(sdk::Class::Transient, message).maybe_applied().not_reached())
        }
    }
}

async fn read(open: &OpenConnection, find: &Find) -> Result<Vec<Record>, sdk::Error> {
    match id_asked(find) {
        Some(id) => Ok(open.service.get(&find.object, &id.into(), &find.fields).await?.into_iter().collect()),
        None => open.service.find(find).await,
    }
}

/// The id that is looked for, where it is one: for it there is a way that sees its own writes, which searches often do
/// not.
fn id_asked(find: &Find) -> Option<&str> {
    match &find.filter {
        Filter::Field { field, test: sdk::Test::Eq(Value::Text(id)) } if field == "id" => Some(id),
        Filter::Field { .. } | Filter::All(_) | Filter::Any(_) => None,
    }
}

fn as_value(record: &Record) -> Value {
    let mut fields = record.fields.clone();
    fields.insert("id".to_owned(), Value::from(record.id.as_str()));
    Value::Map(fields)
}

fn missing_connection(key: &StepKey, connection: &ConnectionName) -> Failure {
    Failure {
        step: key.to_string(),
        class: sdk::Class::Permanent.as_str().to_owned(),
        message: format!("connection `{connection}` is no longer configured"),
        attempt: 0,
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{BoxFuture, pending, ready};

    use super::*;

    /// Every wait is over at once.
    struct Hasty;

    impl Clock for Hasty {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(ready(()))
        }
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_may_have_been_applied() {
        let timeout = Some(Duration::from_secs(5));
        let error = within(&Hasty, timeout, pending::<Result<(), sdk::Error>>()).await.unwrap_err();
        assert_eq!((error.class, error.applied), (sdk::Class::Transient, sdk::Applied::Maybe));
        assert_eq!(error.message, "no answer within 5s, the step's `timeout`");
        assert_eq!(within(&Hasty, timeout, ready(Ok(1))).await.unwrap(), 1, "an answer that is there counts");
        assert_eq!(within(&Hasty, None, ready(Ok(1))).await.unwrap(), 1);
    }

    #[test]
    fn no_two_keys_are_written_alike() {
        let key = |step: &str, item: &str| StepKey { step: step.to_owned(), item: item.to_owned() };
        assert_eq!(key("write", "[a]").part("before").to_string(), "write before[a]");
        assert_eq!(key("write", "").to_string(), "write");
    }
}
