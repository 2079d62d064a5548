//! What a simulated world may be found guilty of.

use std::fmt;

/// What a seed found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing lost, nothing doubled.
    Kept {
        /// Hash over everything that happened: the same seed gives the same.
        trace: u64,
        /// Versions that had to be seen.
        versions: usize,
        /// Crashes survived.
        crashes: usize,
    },
    /// Records whose last version made no run.
    Lost(Vec<String>),
    /// Versions that made more than one run, or none that ever existed.
    Wrong(Vec<String>),
    /// It never came to the source's end.
    Livelock,
    /// The poller gave up although the service behaves.
    Refused(String),
}

impl Verdict {
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Kept { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept { versions, crashes, .. } => write!(out, "kept {versions} versions over {crashes} crashes"),
            Self::Lost(records) => write!(out, "lost {}: {}", records.len(), records.join(", ")),
            Self::Wrong(runs) => write!(out, "wrong {}: {}", runs.len(), runs.join(", ")),
            Self::Livelock => write!(out, "livelock"),
            Self::Refused(error) => write!(out, "refused: {error}"),
        }
    }
}
