//! What the interpreter sees of the world: effects that happen once, however often it asks.
//!
//! The interpreter may be stopped at any point and started again from the first step. An effect whose outcome is
//! journaled answers with that outcome; one that is not happens now. A step's key is its name (and the loop items'
//! keys), never a position, so that a flow can be edited while its runs wait.

use std::sync::Arc;

use async_trait::async_trait;
use flow::Retry;
use sdk::{ConnectionName, Filter, Find, FlowId, Record, Timestamp, Value, Write};
use store::{ClaimedRun, Failure, JournalEntry, Store};

use crate::connections::{Connections, OpenConnection};
use crate::effects::{Asked, Effects};

/// Something that a step asks of the world.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Writes a record.
    Write {
        /// Where.
        connection: ConnectionName,
        /// What; its effect id is given here.
        write: Write,
        /// How often a failed attempt is repeated.
        retry: Retry,
    },
    /// Looks records up. Rows that do not fulfil the filter are dropped here, whatever the service sent.
    Find {
        /// Where.
        connection: ConnectionName,
        /// What for.
        find: Find,
        /// How often a failed attempt is repeated.
        retry: Retry,
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

/// Why there is no outcome yet. The run goes on another time, from its first step.
#[derive(Debug)]
pub enum Interrupt {
    /// To be tried again.
    Park {
        /// Not before.
        due_at: Timestamp,
        /// What went wrong this time.
        failure: Failure,
        /// Whether nothing will change until somebody mends the connection.
        blocked: bool,
    },
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
    async fn step(&self, key: &str, effect: Effect) -> Result<Outcome, Interrupt>;

    /// What `now` is in this run: the moment at which it was stored, on every attempt.
    fn now(&self) -> Timestamp;
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
}

impl StoredWorld {
    fn request<'a>(&'a self, key: &'a str, open: &Arc<OpenConnection>, retry: Retry) -> Asked<'a> {
        Asked { run: &self.run, flow_identity: &self.flow_identity, key, connection: open.clone(), retry }
    }

    async fn find(
        &self,
        key: &str,
        connection: &ConnectionName,
        find: &Find,
        retry: &Retry,
    ) -> Result<Outcome, Interrupt> {
        if let Some(entry) = self.run.journal.iter().find(|entry| entry.key == key) {
            return Ok(Outcome::Value(entry.outcome.clone()));
        }
        let Some(open) = self.connections.get(connection) else {
            return Ok(Outcome::Failed(missing_connection(key, connection)));
        };
        let answer = {
            let _permit = open.permits.acquire().await;
            self.effects.ask_whether_held(&self.request(key, open, *retry))?;
            read(open, find).await
        };
        match answer {
            Ok(records) => {
                let found = records.iter().filter(|record| find.filter.matches(record)).map(as_value).collect();
                let outcome = Value::List(found);
                self.store.journal(self.run.id, JournalEntry { key: key.to_owned(), outcome: outcome.clone() }).await?;
                Ok(Outcome::Value(outcome))
            }
            Err(error) => self.effects.read_failed(&self.request(key, open, *retry), &error),
        }
    }
}

#[async_trait]
impl Durable for StoredWorld {
    async fn step(&self, key: &str, effect: Effect) -> Result<Outcome, Interrupt> {
        match effect {
            Effect::Find { connection, find, retry } => self.find(key, &connection, &find, &retry).await,
            Effect::Write { connection, write, retry } => match self.connections.get(&connection) {
                Some(open) => self.effects.submit(&self.request(key, open, retry), write).await,
                None => Ok(Outcome::Failed(missing_connection(key, &connection))),
            },
        }
    }

    fn now(&self) -> Timestamp {
        self.run.created_at
    }
}

async fn read(open: &OpenConnection, find: &Find) -> Result<Vec<Record>, sdk::Error> {
    // By id there is a way that sees its own writes, which searches often do not.
    if let Filter::Field { field, test: sdk::Test::Eq(Value::Text(id)) } = &find.filter
        && field == "id"
    {
        let record = open.service.get(&find.object, &id.as_str().into(), &find.fields).await?;
        return Ok(record.into_iter().collect());
    }
    open.service.find(find).await
}

fn as_value(record: &Record) -> Value {
    let mut fields = record.fields.clone();
    fields.insert("id".to_owned(), Value::from(record.id.as_str()));
    Value::Map(fields)
}

fn missing_connection(key: &str, connection: &ConnectionName) -> Failure {
    Failure {
        step: key.to_owned(),
        class: sdk::Class::Permanent.as_str().to_owned(),
        message: format!("connection `{connection}` is no longer configured"),
        attempt: 0,
    }
}
