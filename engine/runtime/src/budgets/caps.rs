//! Caps: the part of an account's budgets that a project may use, so that others of the account keep theirs.
//!
//! A capped budget is a smaller one, and nothing else changes: what the service says is left counts as before.

use std::collections::BTreeMap;

use sdk::Limit;

/// The part of each budget that may be used, in percent. The default leaves all of them whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    of_all: Option<u8>,
    of: BTreeMap<String, u8>,
}

impl Caps {
    /// This part of every budget that is not among the named ones.
    pub fn new(of_all: Option<u8>, of: BTreeMap<String, u8>) -> Self {
        Self { of_all, of }
    }

    /// The part of a budget, in percent.
    pub fn percent_of(&self, limit: &str) -> u8 {
        self.of.get(limit).copied().or(self.of_all).unwrap_or(100).clamp(1, 100)
    }

    /// A budget as it is under these caps; of the smallest, one unit is left.
    #[must_use]
    pub fn applied_to(&self, limit: Limit) -> Limit {
        let max = u128::from(limit.max) * u128::from(self.percent_of(&limit.name)) / 100;
        Limit { max: u64::try_from(max).unwrap_or(limit.max).max(1), ..limit }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sdk::LimitScope;

    use super::*;

    #[test]
    fn a_cap_leaves_its_part_and_never_nothing() {
        let caps = Caps::new(Some(50), [("daily".to_owned(), 10)].into());
        let left = |caps: &Caps, name: &str, max| {
            let (name, scope) = (name.to_owned(), LimitScope::Account);
            caps.applied_to(Limit { name, scope, max, per: Duration::from_secs(1), reserve: 0 }).max
        };
        assert_eq!(
            [left(&caps, "daily", 250_000), left(&caps, "burst", 101), left(&caps, "search", 1)],
            [25_000, 50, 1]
        );
        assert_eq!(left(&Caps::default(), "daily", u64::MAX), u64::MAX);
    }
}
