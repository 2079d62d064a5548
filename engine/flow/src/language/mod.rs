//! The flow language, declared once: which keys each map takes, what stands behind them, and what they mean.
//!
//! The parser takes its keys and words from here, so that it cannot accept one that is not declared. JSON Schemas, the
//! language's reference, completions and the order in which `millrace fmt` writes keys come from here as well.

pub(crate) mod elsewhere;
mod filter;
mod flow;
mod project;
mod step;
mod sync;
mod test;
mod trigger;
pub mod words;

pub use filter::{COMPARISONS, FILTER};
pub use flow::{BEGINNING, BRAKES, DOCUMENT, EXPECT, FLOW, FLOW_DOCUMENT, INSTANCE, LIMITS, TEMPLATE_INPUT};
pub use project::{CONNECTION, CONNECTIONS, NOTIFY, RETENTION, SETTINGS};
pub use step::{ENROL, MAPPED, RETRY, RULE, STEP, STOP, StepVerb};
pub use sync::{DIRECTION, SYNC, SYNC_FIELD};
pub use test::{CASE, EXPECTED, GIVEN, TEST};
pub use text::grammar::{
    Key, KindOfMap, Kinds, Mapping, Naming, Notation, Others, Shape, Standing, Word, Words, json_schema,
};
pub use trigger::{EVERY, HMAC, INPUT, MANUAL, TRIGGER, TriggerKind, VERIFY};

use text::grammar::key;

/// The kinds of documents that a project is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// `flows/*.yaml`
    Flow,
    /// A sync, in `flows/*.yaml`
    Sync,
    /// `flows/*.test.yaml`
    Test,
    /// `connections.yaml`
    Connections,
    /// `millrace.yaml`
    Settings,
}

impl Document {
    /// All of them, in the order of a first reading.
    pub const ALL: [Self; 5] = [Self::Flow, Self::Sync, Self::Test, Self::Connections, Self::Settings];

    /// What it is called on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Sync => "sync",
            Self::Test => "test",
            Self::Connections => "connections",
            Self::Settings => "settings",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Flow => "A flow",
            Self::Sync => "A sync",
            Self::Test => "A test of a flow",
            Self::Connections => "The connections of a project",
            Self::Settings => "The settings of a project",
        }
    }

    /// What it is, for a schema: flows are of more than one kind.
    pub fn shape(self) -> Shape {
        match self {
            Self::Flow => Shape::Kinds(&FLOW_DOCUMENT),
            Self::Sync | Self::Test | Self::Connections | Self::Settings => Shape::Map(self.mapping()),
        }
    }

    /// The map that it is; of a flow, the whole one.
    pub fn mapping(self) -> &'static Mapping {
        match self {
            Self::Flow => &FLOW,
            Self::Sync => &SYNC,
            Self::Test => &TEST,
            Self::Connections => &CONNECTIONS,
            Self::Settings => &SETTINGS,
        }
    }
}

#[cfg(test)]
mod tests;
