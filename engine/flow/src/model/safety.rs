//! What holds a flow before damage is done, and what is told where it does too little.

use std::time::Duration;

/// Bounds beyond which a flow is held until a person has looked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Brakes {
    /// On the records that it makes.
    pub creates: Option<Brake>,
    /// On the records that it changes.
    pub changes: Option<Brake>,
    /// On the fields that it empties.
    pub blanks: Option<Brake>,
}

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brake {
    /// How much is allowed.
    pub most: Most,
    /// In how much time.
    pub per: Period,
    /// A share says nothing of few records: it is looked at once there were so many.
    pub after: u64,
}

/// How much is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Most {
    /// This many.
    Count(u64),
    /// This share of the records that the flow meets, above 0 and at most 1.
    Share(f64),
}

/// How long is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// An hour.
    Hour,
    /// A day of the flow's calendar.
    Day,
    /// A day of its calendar from Monday to Friday.
    Workday,
    /// A week of its calendar.
    Week,
}

/// Proof of life: what a flow that works well does at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// So many runs in each period.
    pub at_least: Option<AtLeast>,
    /// No record is met later than this after its change.
    pub delay_below: Option<Duration>,
}

/// Runs that are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtLeast {
    /// How many.
    pub count: u64,
    /// In how much time.
    pub per: Period,
}
