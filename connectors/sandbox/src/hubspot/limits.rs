//! How many requests an account may make: ten seconds for each app, a day for the account, and a second for search.
//!
//! The windows roll. A refused request does not count, so a client that waits out the window gets in.

use std::collections::{BTreeMap, VecDeque};

use super::envelope::Problem;
use super::options::Tier;
use sdk::Timestamp;

/// The length of the burst window.
const BURST_MILLIS: i64 = 10_000;
const SEARCHES_PER_SECOND: usize = 5;
const DAY_MILLIS: i64 = 86_400_000;

/// The account's time zone, US/Eastern without its summer: where its day, and with it the daily quota, begins.
pub(super) const UTC_OFFSET_MILLIS: i64 = -5 * 3_600_000;

impl Tier {
    fn burst(self) -> Option<usize> {
        match self {
            Self::Free => Some(100),
            Self::Professional | Self::Enterprise => Some(190),
            Self::Unlimited => None,
        }
    }

    pub(super) fn daily(self) -> Option<u64> {
        match self {
            Self::Free => Some(250_000),
            Self::Professional => Some(625_000),
            Self::Enterprise => Some(1_000_000),
            Self::Unlimited => None,
        }
    }
}

/// What has been used of each limit.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Moments of the requests in the window, by app; a token is an app.
    bursts: BTreeMap<String, VecDeque<i64>>,
    searches: VecDeque<i64>,
    /// The account's day, counted from the epoch, and its requests so far.
    pub(super) day: i64,
    pub(super) used_today: u64,
}

impl Limits {
    /// Counts a request, or refuses it.
    pub(super) fn take(&mut self, tier: Tier, app: &str, is_search: bool, now: Timestamp) -> Result<(), Problem> {
        let now = now.millis();
        let day = (now + UTC_OFFSET_MILLIS).div_euclid(DAY_MILLIS);
        if day != self.day {
            (self.day, self.used_today) = (day, 0);
        }
        if tier.daily().is_some_and(|daily| self.used_today >= daily) {
            return Err(rate_limit("You have reached your daily limit.", Some("DAILY")));
        }
        if is_search {
            let window = forget_before(&mut self.searches, now - 1_000);
            if tier != Tier::Unlimited && window >= SEARCHES_PER_SECOND {
                return Err(rate_limit("You have reached your secondly limit.", None));
            }
            self.searches.push_back(now);
        } else if let Some(burst) = tier.burst() {
            let window = self.bursts.entry(app.to_owned()).or_default();
            if forget_before(window, now - BURST_MILLIS) >= burst {
                let message = "You have reached your ten_secondly_rolling limit.";
                return Err(rate_limit(message, Some("TEN_SECONDLY_ROLLING")));
            }
            window.push_back(now);
        }
        self.used_today += 1;
        Ok(())
    }

    /// The headers that every answer but a search's carries.
    pub(super) fn headers(&self, tier: Tier, app: &str) -> Vec<(String, String)> {
        let (Some(burst), Some(daily)) = (tier.burst(), tier.daily()) else { return Vec::new() };
        let used = self.bursts.get(app).map_or(0, VecDeque::len);
        let header = |name: &str, value: u64| (format!("x-hubspot-ratelimit-{name}"), value.to_string());
        vec![
            header("max", burst as u64),
            header("remaining", burst.saturating_sub(used) as u64),
            header("interval-milliseconds", BURST_MILLIS.unsigned_abs()),
            header("daily", daily),
            header("daily-remaining", daily.saturating_sub(self.used_today)),
        ]
    }
}

/// The 429 of each policy. That of search says `category`, the others `errorType` and no category.
pub(super) fn rate_limit(message: &str, policy: Option<&'static str>) -> Problem {
    let Some(policy) = policy else { return Problem::new(429, "RATE_LIMITS", message) };
    let mut problem = Problem { status: 429, message: message.to_owned(), ..Problem::default() };
    problem.more.policy = Some(policy);
    problem
}

/// Drops what lies before the window, and tells how much is left in it.
fn forget_before(window: &mut VecDeque<i64>, start: i64) -> usize {
    while window.front().is_some_and(|moment| *moment <= start) {
        window.pop_front();
    }
    window.len()
}
