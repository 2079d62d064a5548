//! A checked sync: two objects that are kept alike.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sdk::FlowId;

use super::{NotRun, Policy, Target};
use crate::expr::Expression;

/// A sync, with nothing left to look up.
#[derive(Clone, Debug)]
pub struct Sync {
    /// Its id.
    pub id: FlowId,
    /// The file it came from, as the author names it.
    pub file: PathBuf,
    /// One sentence for people.
    pub description: Option<String>,
    /// Whether it runs at all.
    pub enabled: bool,
    /// One side.
    pub left: Target,
    /// The other.
    pub right: Target,
    /// How often it looks at both.
    pub every: Duration,
    /// The fields that are kept alike.
    pub fields: Vec<SyncField>,
    /// How records get to the right, where any field goes there.
    pub to_right: Option<Direction>,
    /// How records get to the left, where any field goes there.
    pub to_left: Option<Direction>,
    /// Which side holds where both have changed.
    pub conflict: Conflict,
    /// What becomes of a record whose counterpart is gone.
    pub deleted: Deleted,
    /// That this version does not run it.
    pub not_run: NotRun,
}

/// Two fields that are kept alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncField {
    /// The left one.
    pub left: String,
    /// The right one.
    pub right: String,
    /// Which of them follows the other.
    pub way: Way,
    /// When the one that follows is written.
    pub policy: Policy,
}

/// Which of two fields follows the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Each the other.
    Both,
    /// The right one the left one.
    Right,
    /// The left one the right one.
    Left,
}

/// A side of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first object of its `between`.
    Left,
    /// The second.
    Right,
}

/// How records get to one side.
#[derive(Clone, Debug)]
pub struct Direction {
    /// The target's field by which a record is found there.
    pub key: String,
    /// The source's field that holds its value.
    pub key_from: String,
    /// Whether one that is not found is created.
    pub create: bool,
    /// Which records go.
    pub of: SyncOf,
    /// True leaves a record of the source out.
    pub skip_if: Option<Arc<Expression>>,
}

/// Which records go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncOf {
    /// Every one.
    #[default]
    All,
    /// Those that a flow enrolled, or that somebody chose.
    Enrolled,
}

/// Which side holds where both have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflict {
    /// The one that changed last.
    #[default]
    Newest,
    /// The left one.
    Left,
    /// The right one.
    Right,
    /// Neither: somebody is told.
    Report,
}

/// What becomes of a record whose counterpart is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// It stays.
    #[default]
    Ignore,
    /// It stays, and somebody is told.
    Report,
    /// It goes as well.
    Propagate,
}

impl Way {
    /// Whether the right field follows.
    pub fn goes_right(self) -> bool {
        match self {
            Self::Both | Self::Right => true,
            Self::Left => false,
        }
    }

    /// Whether the left field follows.
    pub fn goes_left(self) -> bool {
        match self {
            Self::Both | Self::Left => true,
            Self::Right => false,
        }
    }
}
