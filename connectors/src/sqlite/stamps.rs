//! The moments by which a table is polled.
//!
//! The rule, for each value of the column by itself:
//! - a whole number is milliseconds since 1970, UTC; seconds would be moments in January 1970;
//! - text is ISO 8601: `2026-01-02`, `2026-01-02 10:00:00`, `2026-01-02T10:00:00.123Z`, `2026-01-02T10:00:00+02:00`,
//!   with UTC where no zone stands in it;
//! - anything else, and an empty value, is no stamp: a poll does not see the row until it has one.
//!
//! The rule is SQL, so that rows are selected, sorted and read by one and the same number. Both forms may stand in one
//! column.

use sdk::{StampKind, Timestamp};

use super::table::Column;

/// A column's stamp in milliseconds, NULL where it has none.
///
/// SQLite reads more texts as times than we call stamps, `now` among them; only what begins with a day is one. A
/// Julian day holds milliseconds to within a twentieth, so rounding restores them.
pub(super) fn millis(column: &Column) -> String {
    let column = column.sql();
    format!(
        "CASE typeof({column}) WHEN 'integer' THEN {column} \
         WHEN 'text' THEN CASE WHEN {column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' \
         THEN CAST(round((julianday({column}) - 2440587.5) * 86400000.0) AS INTEGER) END END"
    )
}

/// A condition on the bare column that an index serves and that no row with such a stamp fails. The parameters of
/// these numbers hold [`Bounds`].
pub(super) fn window(column: &Column, first: usize) -> String {
    let column = column.sql();
    let [low, high, first_day, last_day] = [first, first + 1, first + 2, first + 3];
    format!("({column} BETWEEN ?{low} AND ?{high} OR {column} BETWEEN ?{first_day} AND ?{last_day})")
}

/// The outermost stored values of stamps between two moments.
pub(super) struct Bounds {
    pub(super) low: i64,
    pub(super) high: i64,
    /// A zone moves the written day by one at most.
    pub(super) first_day: String,
    pub(super) last_day: String,
}

impl Bounds {
    pub(super) fn from(low: Timestamp) -> Self {
        // Greater than every text that begins with a digit.
        Self { low: low.millis(), high: i64::MAX, first_day: day(low, -1), last_day: ":".to_owned() }
    }

    pub(super) fn at(stamp: Timestamp) -> Self {
        Self { low: stamp.millis(), high: stamp.millis(), first_day: day(stamp, -1), last_day: day(stamp, 2) }
    }
}

/// Reads a moment from text as [`millis`] does.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| {
        // A zone's name would be passed over, and its hours be taken for UTC.
        if text.contains('[') {
            return None;
        }
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|moment| moment.timestamp().into())
    })
}

/// The column that the author polls by.
pub(super) fn column_name(stamp: &StampKind) -> Option<&str> {
    match stamp {
        StampKind::Field(name) => Some(name),
        StampKind::Created | StampKind::Modified | StampKind::Archived => None,
    }
}

fn day(stamp: Timestamp, offset: i64) -> String {
    let shifted = Timestamp::from_millis(stamp.millis().saturating_add(offset * 86_400_000));
    shifted.to_jiff().strftime("%Y-%m-%d").to_string()
}
