//! What a service answered, in the words the engine acts on.

use std::fmt;
use std::time::Duration;

/// What kind of failure; it alone decides what happens next, never a message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Too many requests just now; worth another try soon.
    RateLimited,
    /// A long quota, usually a day's, is used up.
    QuotaExhausted,
    /// Broken for the moment: network, time-out, 5xx.
    Transient,
    /// The credentials are refused.
    Auth,
    /// The credentials are fine and lack a right.
    Forbidden {
        /// Any one of these scopes would do; empty where the service did not say.
        scopes: Vec<String>,
    },
    /// What it names does not exist.
    NotFound,
    /// It exists already, or is held by another.
    Conflict,
    /// The service refuses the content.
    Invalid,
    /// Anything else that no repetition will cure.
    Permanent,
}

impl Class {
    /// The stable word, as in history, JSON and SQL.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Transient => "transient",
            Self::Auth => "auth",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Permanent => "permanent",
        }
    }

    /// Whether the same request may succeed later without anybody's help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::RateLimited | Self::QuotaExhausted | Self::Transient => true,
            Self::Auth | Self::Forbidden { .. } | Self::NotFound | Self::Conflict | Self::Invalid | Self::Permanent => {
                false
            }
        }
    }
}

/// Whether the effect may have been applied at the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Certainly not: it may be sent again.
    No,
    /// Perhaps: only a repeatable write may be sent again.
    Maybe,
}

/// Whether the service was there to answer: while nobody does, what waits for it has done nothing wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nobody can tell, such as of a request that was never sent: nothing is learned of the service.
    #[default]
    Unsaid,
    /// It answered, if only with a refusal.
    Answered,
    /// Nobody answered: no way to it, no whole answer in time, or a gateway that found nobody behind it.
    Away,
}

/// A failed call.
#[derive(Debug, Clone)]
pub struct Error {
    /// Decides what happens next: retry, block the flow, fail the run.
    pub class: Class,
    /// Whether a write may have reached the service.
    pub applied: Applied,
    /// Whether the service was there.
    pub reach: Reach,
    /// How long the service asked us to wait.
    pub retry_after: Option<Duration>,
    /// Which of [`crate::Connection::limits`] was reached, where the service said; boxed, for few errors have one.
    pub limit: Option<Box<str>>,
    /// A lower-case sentence without a final stop; never contains a secret.
    pub message: String,
}

impl Error {
    /// A failure that certainly applied nothing.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            applied: Applied::No,
            reach: Reach::Unsaid,
            retry_after: None,
            limit: None,
            message: message.into(),
        }
    }

    /// The same failure, of a service that answered.
    pub fn answered(mut self) -> Self {
        self.reach = Reach::Answered;
        self
    }

    /// The same failure, of a service where nobody answered.
    pub fn not_reached(mut self) -> Self {
        self.reach = Reach::Away;
        self
    }

    /// The same failure, of a write that may have been applied.
    pub fn maybe_applied(mut self) -> Self {
        self.applied = Applied::Maybe;
        self
    }

    /// The same failure, with the time that the service asked us to wait.
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// The same failure, of a service that said which limit was reached.
    pub fn of_limit(mut self, limit: Option<&str>) -> Self {
        self.limit = limit.map(Into::into);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
