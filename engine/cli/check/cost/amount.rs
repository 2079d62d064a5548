//! How much is asked: requests and the units of budgets that they take, from the least to the most. Averages, so not
//! whole numbers.

use std::collections::BTreeMap;

use sdk::{Calls, ConnectionName, Expected};

/// Requests, and what they take of each budget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amount {
    /// Requests.
    pub requests: f64,
    /// Units, by budget.
    pub units: BTreeMap<String, f64>,
}

/// From so much to so much.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    /// Where all goes as quickly as it can.
    pub least: Amount,
    /// Where everything is asked that usually may be.
    pub most: Amount,
}

/// What is asked of each connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked(pub BTreeMap<ConnectionName, Range>);

impl Amount {
    /// The units taken of a budget.
    pub fn of(&self, limit: &str) -> f64 {
        self.units.get(limit).copied().unwrap_or(0.0)
    }

    fn times(&self, n: f64) -> Self {
        let units = self.units.iter().map(|(limit, units)| (limit.clone(), units * n)).collect();
        Self { requests: self.requests * n, units }
    }

    fn combined(&self, other: &Self, combine: fn(f64, f64) -> f64) -> Self {
        let names = self.units.keys().chain(other.units.keys());
        let units = names.map(|name| (name.clone(), combine(self.of(name), other.of(name)))).collect();
        Self { requests: combine(self.requests, other.requests), units }
    }
}

impl From<Calls> for Amount {
    #[expect(clippy::cast_precision_loss, reason = "nobody makes so many requests")]
    fn from(calls: Calls) -> Self {
        let units = calls.costs.into_iter().map(|cost| (cost.limit, cost.units as f64)).collect();
        Self { requests: calls.requests as f64, units }
    }
}

impl From<Expected> for Range {
    fn from(expected: Expected) -> Self {
        Self { least: expected.least.into(), most: expected.most.into() }
    }
}

impl Range {
    /// Both, one after the other.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let add = |left: f64, right: f64| left + right;
        Self { least: self.least.combined(&other.least, add), most: self.most.combined(&other.most, add) }
    }

    /// One or the other.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self { least: self.least.combined(&other.least, f64::min), most: self.most.combined(&other.most, f64::max) }
    }

    /// From so many times to so many times.
    #[must_use]
    pub fn times(&self, least: f64, most: f64) -> Self {
        Self { least: self.least.times(least), most: self.most.times(most) }
    }

    /// The point between the least and the most, so far from the least.
    #[must_use]
    pub fn at(&self, part: f64) -> Self {
        let point = self.times(1.0 - part, part);
        let point = point.least.combined(&point.most, |left, right| left + right);
        Self { least: point.clone(), most: point }
    }
}

impl Asked {
    /// This, of one connection.
    pub fn of(connection: &ConnectionName, range: Range) -> Self {
        Self([(connection.clone(), range)].into())
    }

    /// What is asked of a connection.
    pub fn at(&self, connection: &ConnectionName) -> Range {
        self.0.get(connection).cloned().unwrap_or_default()
    }

    /// Adds what is asked besides.
    pub fn add(&mut self, other: &Self) {
        for (connection, range) in &other.0 {
            let sum = self.at(connection).and(range);
            self.0.insert(connection.clone(), sum);
        }
    }

    /// One or the other.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let names = self.0.keys().chain(other.0.keys());
        Self(names.map(|name| (name.clone(), self.at(name).or(&other.at(name)))).collect())
    }

    /// From so many times to so many times.
    #[must_use]
    pub fn times(&self, least: f64, most: f64) -> Self {
        self.each(|range| range.times(least, most))
    }

    /// The point between the least and the most of each.
    #[must_use]
    pub fn between(&self, part: f64) -> Self {
        self.each(|range| range.at(part))
    }

    fn each(&self, change: impl Fn(&Range) -> Range) -> Self {
        Self(self.0.iter().map(|(connection, range)| (connection.clone(), change(range))).collect())
    }
}

#[cfg(test)]
mod tests {
    use sdk::Cost;

    use super::*;

    fn range(least: u64, most: u64) -> Range {
        let calls = |n: u64| Calls { requests: n, costs: vec![Cost { limit: "daily".to_owned(), units: n }] };
        Expected { least: calls(least), most: calls(most) }.into()
    }

    #[test]
    fn amounts_are_added_chosen_and_measured() {
        let shown = |range: Range| (range.least.of("daily"), range.most.requests);
        assert_eq!(shown(range(1, 2).and(&range(3, 3))), (4.0, 5.0));
        assert_eq!(shown(range(1, 2).or(&range(3, 3))), (1.0, 3.0));
        assert_eq!(shown(range(1, 2).or(&Range::default())), (0.0, 2.0));
        assert_eq!(shown(range(1, 2).times(0.0, 5.0)), (0.0, 10.0));
        assert_eq!(shown(range(1, 3).at(0.25)), (1.5, 1.5));
        let (crm, copy) = ("crm".into(), "copy".into());
        let mut asked = Asked::of(&crm, range(1, 1));
        asked.add(&Asked::of(&copy, range(2, 2)));
        asked.add(&Asked::of(&crm, range(1, 2)));
        assert_eq!((shown(asked.at(&crm)), shown(asked.at(&copy))), ((2.0, 3.0), (2.0, 2.0)));
        assert_eq!(shown(asked.or(&Asked::of(&crm, range(9, 9))).at(&copy)), (0.0, 2.0));
    }
}
