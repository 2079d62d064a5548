//! What a connector does for the engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    ActionCall, ActionOutcome, ActionSchema, Ask, Calls, Clock, Cost, Error, Expected, Filter, Find, IdOrder, Limit,
    ObjectSchema, Offer, Record, RecordId, Repeat, Setting, Settings, Timestamp, Transport, Write, WriteOutcome,
};

/// One kind of service.
pub trait Connector: Send + Sync + 'static {
    /// What it is and what its connections are configured with.
    fn descriptor(&self) -> &'static Descriptor;

    /// Opens a connection. It asks the service nothing yet; a setting that can never work is [`crate::Class::Invalid`].
    fn connect(&self, settings: &Settings, context: ConnectContext) -> Result<Arc<dyn Connection>, Error>;

    /// What flows can do with its objects, as far as it is known without a connection.
    fn offers(&self) -> Vec<Offer> {
        Vec::new()
    }

    /// The objects whose fields are the same for every account, so that they are known without a connection.
    fn schemas(&self) -> Vec<ObjectSchema> {
        Vec::new()
    }

    /// The actions that it declares, beyond those that every connector has a word for.
    fn actions(&self) -> Vec<ActionSchema> {
        Vec::new()
    }
}

/// What is known of a connector without a connection.
#[derive(Debug)]
pub struct Descriptor {
    /// Its name in `connections.yaml`: `[a-z][a-z0-9-]*`.
    pub name: &'static str,
    /// What people call the service.
    pub title: &'static str,
    /// What a connection is configured with.
    pub settings: &'static [Setting],
    /// The shortest `every` allowed, except for addresses on this machine.
    pub min_interval: Duration,
}

/// The capabilities a connection is given; it has no others.
#[derive(Clone)]
pub struct ConnectContext {
    /// Its way to the network.
    pub transport: Arc<dyn Transport>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// The project's folder, against which paths were resolved.
    pub folder: PathBuf,
}

/// Who a connection speaks for at its service. Budgets belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The service's id of the account.
    pub id: String,
    /// One sentence for people.
    pub title: String,
}

/// By which stamp a poll sorts and selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StampKind {
    /// Creation: `on: new`.
    Created,
    /// Change: `on: new_or_updated`.
    Modified,
    /// Archiving: `on: archived`. [`Record::modified`] is the moment at which it was archived.
    Archived,
    /// This field, named by the author (`by`).
    Field(String),
}

/// One page's worth of a poll.
#[derive(Clone, Debug)]
pub struct PollRequest {
    /// The object polled.
    pub object: String,
    /// By which stamp.
    pub stamp: StampKind,
    /// The fields to read.
    pub fields: Vec<String>,
    /// What the author filters by. May be sent along where the service can; the engine checks every row again.
    pub filter: Option<Filter>,
    /// Which rows.
    pub query: PollQuery,
    /// At most this many rows, and never more than [`Connection::page_size`].
    pub limit: usize,
}

/// Which rows a page holds. There is no offset: a page restarts from the last value, so that rows which move do no
/// harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollQuery {
    /// Stamps at or after this one, sorted by stamp.
    From(Timestamp),
    /// Exactly this stamp and ids above `after` (all where `None`), sorted by id, in the order that the page tells.
    Drain {
        /// The stamp shared by more rows than a page holds.
        at: Timestamp,
        /// The last id read.
        after: Option<RecordId>,
    },
}

/// One page's worth of a walk over all records of an object.
#[derive(Clone, Debug)]
pub struct WalkRequest {
    /// The object walked.
    pub object: String,
    /// The fields to read.
    pub fields: Vec<String>,
    /// What the author filters by. May be sent along where the service can; the engine checks every row again.
    pub filter: Option<Filter>,
    /// The last id read; `None` at the walk's beginning. Only ids above it are wanted.
    pub after: Option<RecordId>,
    /// At most this many rows, and never more than [`Connection::page_size`].
    pub limit: usize,
}

/// The rows of one page.
#[derive(Clone, Debug, Default)]
pub struct PollPage {
    /// In the order the query asks for. [`Record::modified`] is the stamp that the query sorts by.
    pub records: Vec<Record>,
    /// The service's own time when it answered, not later than the answer; `None` where it does not tell.
    pub server_time: Option<Timestamp>,
    /// In which order this object's ids rise. Where it is another one than on the page that `after` is from, what lies
    /// behind `after` is not what was left to read: whoever asked begins anew.
    pub order: IdOrder,
}

/// One configured account at a service.
#[async_trait]
pub trait Connection: Send + Sync + 'static {
    /// Asks who we are, with a call that needs no particular scope.
    async fn check(&self) -> Result<Account, Error>;

    /// The service's own clock, by one cheap call.
    async fn server_time(&self) -> Result<Timestamp, Error>;

    /// The scopes that our credentials were granted; `None` where the service has none or does not tell.
    async fn scopes(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(None)
    }

    /// Objects that flows can name; `None` where any name may exist.
    fn objects(&self) -> Option<Vec<String>>;

    /// Discovers one object; an unknown one is [`crate::Class::NotFound`]. Later polls and writes type their values by
    /// it.
    async fn discover(&self, object: &str) -> Result<ObjectSchema, Error>;

    /// Whether the address is on this machine.
    fn is_loopback(&self) -> bool;

    /// The most rows one page can hold.
    fn page_size(&self) -> usize;

    /// Whether nothing stamps these records, so that what is new is found by comparing all of them with what was seen.
    /// Polls then ask for [`PollQuery::Drain`] alone, from the lowest id to the end of the list, and each row's
    /// [`Record::modified`] is the moment that they drain.
    fn is_compared(&self, _object: &str, _stamp: &StampKind) -> bool {
        false
    }

    /// One page. Unknown objects and fields are [`crate::Class::Invalid`].
    async fn poll(&self, request: &PollRequest) -> Result<PollPage, Error>;

    /// One page of all records, sorted by id in the order that the page tells; fewer rows than asked for mean the
    /// end. [`Record::modified`] is whatever stamp is known, else the epoch. Connections that cannot be walked
    /// are [`crate::Class::Invalid`].
    async fn walk(&self, request: &WalkRequest) -> Result<PollPage, Error> {
        Err(Error::new(crate::Class::Invalid, format!("`{}` cannot be walked record by record", request.object)))
    }

    /// One record by id, `None` where there is none: `run --record`, and look-ups by id.
    async fn get(&self, object: &str, id: &RecordId, fields: &[String]) -> Result<Option<Record>, Error>;

    /// Records that may fulfil a filter.
    async fn find(&self, find: &Find) -> Result<Vec<Record>, Error>;

    /// Whether this write may be sent again after an attempt whose outcome is not known.
    fn repeat(&self, write: &Write) -> Repeat;

    /// Applies one write, with one attempt. The error says whether it may have been applied.
    async fn write(&self, write: &Write) -> Result<WriteOutcome, Error>;

    /// The actions that its connector declares: [`Connector::actions`].
    fn actions(&self) -> Vec<ActionSchema> {
        Vec::new()
    }

    /// Whether this call may be sent again after an attempt whose outcome is not known.
    fn repeat_action(&self, _call: &ActionCall) -> Repeat {
        Repeat::Unsafe
    }

    /// Runs a declared action, with one attempt. The error says whether it may have been applied. An unknown action, an
    /// unknown input and a missing one are [`crate::Class::Invalid`].
    async fn act(&self, call: &ActionCall) -> Result<ActionOutcome, Error> {
        Err(Error::new(crate::Class::Invalid, format!("there is no action `{}`: this connector has none", call.action)))
    }

    /// The budgets that the service keeps for this account, at this connection's tier.
    fn limits(&self) -> Vec<Limit> {
        Vec::new()
    }

    /// What this takes of them, as far as it is known beforehand. The connection pays for each request as it leaves,
    /// see [`crate::budget`]; what was taken and not paid is given back.
    fn costs(&self, _ask: &Ask<'_>) -> Vec<Cost> {
        Vec::new()
    }

    /// The requests that this is expected to make, for estimates: [`Connection::costs`] is what must be there at most.
    fn expected(&self, ask: &Ask<'_>) -> Expected {
        Expected::always(Calls::one(self.costs(ask)))
    }

    /// Takes these fields for what the service would say of an object, where it is asked for estimates alone: which
    /// fields are unique decides how many requests some calls take. Nothing may be read or written by them.
    fn assume(&self, _schema: &ObjectSchema) {}
}
