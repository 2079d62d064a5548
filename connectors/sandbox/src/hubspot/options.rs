//! What kind of account the stand-in is: how large, how fast, how late, and who may enter.

use std::path::PathBuf;
use std::time::Duration;

use sdk::Timestamp;

use super::faults::FaultPlan;

/// The token that an account without [`Options::tokens`] accepts, with every scope.
pub const DEFAULT_TOKEN: &str = "pat-na1-sandbox";

/// An account, before its first request. Two accounts with equal options answer equal requests equally.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides every draw: seeded records, churn, index lag, the order of batch results.
    pub seed: u64,
    /// How many contacts to begin with; there are a fifth as many companies.
    pub records: usize,
    /// The seed's today: every seeded record is older. Set it to the clock's time where both matter.
    pub started_at: Timestamp,
    /// The longest time until a change is visible to search; each change draws its own between zero and this.
    pub lag: Duration,
    /// How many requests the account may make.
    pub tier: Tier,
    /// Who may enter; [`DEFAULT_TOKEN`] when empty.
    pub tokens: Vec<AccessToken>,
    /// The account's number.
    pub portal_id: u64,
    /// The id of the first record of each object. Ids are unique only within an object, so all start here.
    pub first_id: u64,
    /// Where applied writes are appended as JSON lines, each before its answer leaves.
    pub log_path: Option<PathBuf>,
    /// What goes wrong.
    pub faults: FaultPlan,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            records: 0,
            started_at: Timestamp::from_millis(1_793_491_200_000),
            lag: Duration::from_secs(5),
            tier: Tier::Professional,
            tokens: Vec::new(),
            portal_id: 48_210_377,
            first_id: 220_006_890_315,
            log_path: None,
            faults: FaultPlan::default(),
        }
    }
}

/// What the account pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// 100 requests in ten seconds, 250,000 a day.
    Free,
    /// 190 requests in ten seconds, 625,000 a day.
    Professional,
    /// 190 requests in ten seconds, 1,000,000 a day.
    Enterprise,
    /// No limit, not even that of search: for tests that are about something else.
    Unlimited,
}

/// One token and what it opens.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// What stands after `Bearer`.
    pub token: String,
    /// The scopes it was granted; `None` is every scope.
    pub scopes: Option<Vec<String>>,
}
