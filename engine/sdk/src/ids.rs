//! Names and ids, each a type of its own so that none is taken for another.

use std::fmt;
use std::sync::Arc;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; whoever reads it from a file has checked it.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

name_type!(
    /// A flow's id: `[a-z][a-z0-9-]*`, at most 64 characters.
    FlowId
);
name_type!(
    /// A connection's name: `[a-z][a-z0-9-]*`, at most 64 characters.
    ConnectionName
);
name_type!(
    /// A step's name, unique in its flow: its `name`, else its `as`, else `verb_object`.
    StepName
);
name_type!(
    /// The same for every attempt, restart and replay of one write; also the idempotency key sent along.
    EffectId
);

impl EffectId {
    /// The id of a write: a hash over what makes it this write and no other, as lower-case base32.
    ///
    /// No run id, no attempt and no clock goes in, so that a retry after a crash asks the ledger about the same row.
    pub fn derive(
        flow: &FlowId,
        step_path: &str,
        connection: &ConnectionName,
        item: &str,
        occasion: &str,
        nonce: &str,
    ) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [flow.as_str(), step_path, connection.as_str(), item, occasion, nonce] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self::new(data_encoding::BASE32_DNSSEC.encode(&hasher.finalize().as_bytes()[..20]))
    }
}

/// One execution of a flow for one record: a UUIDv7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RunId(pub uuid::Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Where fresh ids come from; a simulation brings its own, so that a seed replays a run.
pub trait Ids: Send + Sync + 'static {
    /// A fresh id, greater than every one given before.
    fn run_id(&self) -> RunId;
}

/// Ids from the machine's clock and its random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids from the machine's clock")]
    fn run_id(&self) -> RunId {
        RunId(uuid::Uuid::now_v7())
    }
}
