//! What the author wrote: a sync of two objects.

use std::time::Duration;

use sdk::{ConnectionName, FlowId};
use text::{Node, SourceFile, Span};

use super::{At, DeclaredConnection};
use crate::model::{Conflict, Deleted, Policy, SyncOf, Target, Way};

/// A sync as its author wrote it, with the place of everything in it.
#[derive(Clone, Debug)]
pub struct SyncDefinition {
    pub(crate) file: SourceFile,
    pub(crate) id: At<FlowId>,
    pub(crate) description: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) connections: Vec<DeclaredConnection>,
    pub(crate) left: Option<At<Target>>,
    pub(crate) right: Option<At<Target>>,
    pub(crate) every: Option<At<Duration>>,
    pub(crate) pairs: Vec<PairDefinition>,
    pub(crate) to_right: Option<DirectionDefinition>,
    pub(crate) to_left: Option<DirectionDefinition>,
    pub(crate) conflict: Option<At<Conflict>>,
    pub(crate) deleted: Deleted,
    /// Whether reading found no mistake.
    pub(crate) sound: bool,
}

/// Two fields that are kept alike.
#[derive(Clone, Debug)]
pub(crate) struct PairDefinition {
    pub(crate) left: At<String>,
    pub(crate) right: At<String>,
    pub(crate) way: At<Way>,
    pub(crate) policy: Policy,
}

/// How records get to one side.
#[derive(Clone, Debug)]
pub(crate) struct DirectionDefinition {
    /// The word `to_right` or `to_left`.
    pub(crate) span: Span,
    pub(crate) key: Option<At<String>>,
    pub(crate) create: bool,
    pub(crate) of: SyncOf,
    pub(crate) skip_if: Option<Node>,
}

impl SyncDefinition {
    /// Its id.
    pub fn id(&self) -> &FlowId {
        &self.id.value
    }

    /// The objects that it keeps alike, by connection: what must be known for it to be checked.
    pub fn uses(&self) -> Vec<(ConnectionName, String)> {
        let sides = [&self.left, &self.right].into_iter().flatten();
        sides.map(|side| (side.value.connection.clone(), side.value.object.clone())).collect()
    }

    /// Where its id stands in its file.
    pub fn id_span(&self) -> Span {
        self.id.span
    }

    /// The file it stands in.
    pub fn file(&self) -> &SourceFile {
        &self.file
    }
}
