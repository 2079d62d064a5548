//! All that a connector's author sees.
//!
//! A [`Connector`] makes [`Connection`]s; a connection polls, finds and writes [`Record`]s of typed [`Value`]s,
//! speaks through a [`Transport`], asks the [`Clock`] for the time, and answers failures as an [`Error`] whose
//! class decides what happens next.

pub mod action;
pub mod budget;
pub mod clock;
pub mod connector;
pub mod error;
pub mod faults;
pub mod filter;
pub mod ids;
pub mod offer;
pub mod record;
pub mod redact;
pub mod schema;
pub mod secret;
pub mod settings;
pub mod time;
pub mod transport;
pub mod value;
pub mod write;

pub use action::{ActionCall, ActionInput, ActionOutcome, ActionResult, ActionSchema};
pub use budget::{Ask, Calls, Cost, Expected, Limit, LimitScope, Observed};
pub use clock::{Clock, SystemClock};
pub use connector::{
    Account, ConnectContext, Connection, Connector, Descriptor, PollPage, PollQuery, PollRequest, StampKind,
    WalkRequest,
};
pub use error::{Applied, Class, Error, Reach};
pub use filter::{Filter, Test};
pub use ids::{ConnectionName, EffectId, FlowId, Ids, RandomIds, RunId, StepName};
pub use offer::{Ability, Offer, Scopes};
pub use record::{IdOrder, Record, RecordId, Version};
pub use redact::Redactor;
pub use schema::{Catalog, ConnectorFacts, Field, FieldOption, FieldType, ObjectSchema};
pub use secret::Secret;
pub use settings::{Setting, SettingKind, SettingValue, Settings};
pub use time::Timestamp;
pub use transport::{Method, Request, Response, Transport, TransportError};
pub use value::{Fields, Value};
pub use write::{Ambiguous, Find, Match, Repeat, Verb, Write, WriteOutcome, Written};
