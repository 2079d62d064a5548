//! How late a service's index shows changes, as seen by one process.

use std::time::Duration;

use sdk::Timestamp;

/// Rows that must have been seen before the meter says anything.
const ENOUGH_ROWS: u64 = 1_000;
/// The overlap never falls below this, however prompt the index seems.
const SHORTEST_OVERLAP: Duration = Duration::from_secs(30);
/// How many of the latest rows' lateness may exceed what the meter says: one in a thousand.
const ONE_IN: u64 = 1_000;

/// Counts fresh rows by how late they came, in doubling steps from one second.
///
/// A row is late by how far it lies behind the watermark: it was not there when that was read. What stands before the
/// watermark when a flow was stopped for a while is not late, because the watermark stood still as well.
#[derive(Clone, Debug, Default)]
pub struct LagMeter {
    prompt: u64,
    /// Rows late by less than 1, 2, 4, … seconds.
    late: [u64; 18],
}

impl LagMeter {
    /// Counts a fresh row against the watermark that was read before it.
    pub fn count(&mut self, stamp: Timestamp, watermark: Timestamp) {
        let late_by = watermark.since(stamp);
        if late_by.is_zero() {
            self.prompt += 1;
            return;
        }
        let step = (u64::BITS - late_by.as_secs().leading_zeros()) as usize;
        self.late[step.min(self.late.len() - 1)] += 1;
    }

    /// How late all but one row in a thousand came at most; `None` before enough were seen.
    pub fn lateness(&self) -> Option<Duration> {
        let rows = self.prompt + self.late.iter().sum::<u64>();
        if rows < ENOUGH_ROWS {
            return None;
        }
        let mut later = rows - self.prompt;
        for (step, n) in self.late.iter().enumerate() {
            if later * ONE_IN <= rows {
                return Some(if step == 0 { Duration::ZERO } else { Duration::from_secs(1 << (step - 1)) });
            }
            later -= n;
        }
        Some(Duration::from_secs(1 << self.late.len()))
    }

    /// How far back quick passes should read: three times the lateness, within bounds.
    pub fn overlap(&self, allowance: Duration) -> Option<Duration> {
        Some((self.lateness()? * 3).clamp(SHORTEST_OVERLAP.min(allowance), allowance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATERMARK: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn meter(rows: &[(u64, u64)]) -> LagMeter {
        let mut meter = LagMeter::default();
        for (n, late_by_seconds) in rows {
            for _ in 0..*n {
                meter.count(WATERMARK - Duration::from_secs(*late_by_seconds), WATERMARK);
            }
        }
        meter
    }

    #[test]
    fn few_rows_say_nothing() {
        assert_eq!(meter(&[(999, 5)]).lateness(), None);
    }

    #[test]
    fn one_row_in_a_thousand_may_be_later() {
        assert_eq!(meter(&[(1_000, 0)]).lateness(), Some(Duration::ZERO));
        assert_eq!(meter(&[(9_990, 0), (10, 3_000)]).lateness(), Some(Duration::ZERO));
        assert_eq!(meter(&[(9_900, 0), (100, 50)]).lateness(), Some(Duration::from_secs(64)));
        assert_eq!(meter(&[(9_900, 0), (90, 10), (10, 3_000)]).lateness(), Some(Duration::from_secs(16)));
    }

    #[test]
    fn the_overlap_follows_within_its_bounds() {
        let allowance = Duration::from_secs(600);
        assert_eq!(meter(&[(1_000, 0)]).overlap(allowance), Some(Duration::from_secs(30)));
        assert_eq!(meter(&[(900, 0), (100, 50)]).overlap(allowance), Some(Duration::from_secs(192)));
        assert_eq!(meter(&[(900, 0), (100, 500)]).overlap(allowance), Some(allowance));
    }
}
