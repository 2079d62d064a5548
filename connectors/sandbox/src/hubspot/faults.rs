//! What goes wrong, on request: each fault at a rate, or at the n-th call, always the same for the same seed.

use std::collections::BTreeMap;

use super::dice::{Purpose, unit};

/// One way in which a call goes wrong. "Before" leaves the account untouched; "after" is a write that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429 as documented, without `Retry-After`.
    RateLimited,
    /// 429 with `Retry-After: 3`.
    RateLimitedRetryAfter,
    /// 429 with a `Retry-After` that is no number, or a date gone by.
    RateLimitedOddRetryAfter,
    /// 500, 502, 503 or 504; nothing was applied.
    ServerErrorBefore,
    /// 500, 502, 503 or 504; the request was applied.
    ServerErrorAfter,
    /// The connection is refused: not one byte arrives.
    NotConnected,
    /// The request never arrives, and no answer comes.
    TimeoutBefore,
    /// The request is applied, and no answer comes.
    TimeoutAfter,
    /// No answer comes, and the request is applied up to five minutes later.
    AppliedLate,
    /// The connection is cut before the request was whole.
    ResetBefore,
    /// The request is applied, and the connection is cut in the middle of the answer.
    ResetAfter,
    /// A proxy delivers the request twice; the answer is the second one's.
    DeliveredTwice,
    /// 401: the token expired between two pages.
    TokenExpired,
    /// 403: the token lost its scopes between two pages.
    ScopeLost,
    /// The request is applied; the answer's JSON ends in the middle.
    BrokenJson,
    /// The request is applied; the answer is 200 with a page of HTML.
    HtmlPage,
    /// The request is applied; the answer says it is `text/plain`.
    WrongContentType,
    /// A search page in another order than the one asked for.
    PageReordered,
    /// A search page whose first row stands there twice.
    RowRepeated,
    /// A search that forgets its filters.
    FilterIgnored,
    /// A search page without rows that says there are more.
    EmptyPageWithNext,
    /// A search page whose next page is itself.
    LoopingNext,
    /// A clash over an e-mail address is answered as a race would be: 400 instead of 409.
    RacedConflict,
}

/// When which fault happens. Nothing goes wrong by default.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    /// Decides which calls are hit.
    pub seed: u64,
    /// The share of calls that each fault hits, from 0 to 1. The first that hits wins.
    pub rates: Vec<(Fault, f64)>,
    /// The fault of the n-th call since the account began, counted from 1; it goes before the rates.
    pub forced: BTreeMap<u64, Fault>,
}

impl FaultPlan {
    /// A plan with this one fault at this rate.
    pub fn rate(seed: u64, fault: Fault, rate: f64) -> Self {
        Self { seed, rates: vec![(fault, rate)], forced: BTreeMap::new() }
    }

    /// What happens to the `call`-th call.
    pub(super) fn draw(&self, call: u64) -> Option<Fault> {
        self.forced.get(&call).copied().or_else(|| {
            self.rates
                .iter()
                .find(|(fault, rate)| unit(self.seed.wrapping_add(*fault as u64), Purpose::Fault, call) < *rate)
                .map(|(fault, _)| *fault)
        })
    }
}

/// No answer came back: what the client sees instead of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Not one byte arrived.
    NotConnected,
    /// The client waited until its deadline.
    Timeout,
    /// The connection was cut after bytes were exchanged.
    Reset,
}
