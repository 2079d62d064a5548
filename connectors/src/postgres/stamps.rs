//! The moments by which a table is polled.
//!
//! A stamp is a `timestamptz`, a `timestamp` taken for UTC, or a `date` taken for its first moment. PostgreSQL counts
//! microseconds and the engine milliseconds: a stamp is the millisecond that its moment lies in, in the poll's
//! condition, in its order and in what it returns. Conditions stand on the bare column, so that an index serves them.
//! An empty stamp and an infinite one are none: a poll does not see the row until it has one.
//!
//! A row that is committed late with an earlier stamp, as one stamped by `now()` in a long transaction is, stands
//! behind what was read already. The engine reads the last stretch again on each poll, so it is seen as long as the
//! transaction is shorter than that allowance; what takes longer is seen when its stamp moves next.

use sdk::{Class, Error, StampKind, Timestamp};

use super::kind::{Kind, moment_text};
use super::sql::Statement;
use super::table::{Column, Table};

/// The column that a table is polled by.
pub(super) struct Stamp {
    column: String,
    /// The type of the moments that it is compared with.
    cast: &'static str,
}

impl Stamp {
    /// The column that the author polls by.
    pub(super) fn of(table: &Table, stamp: &StampKind) -> Result<Self, Error> {
        let name = match stamp {
            StampKind::Field(name) => name,
            StampKind::Created | StampKind::Modified | StampKind::Archived => {
                let message = format!(
                    "the table `{}` does not say which column stamps its rows; add `by:` with that column",
                    table.name
                );
                return Err(Error::new(Class::Invalid, message));
            }
        };
        let column = table.column(name)?;
        Self::new(column).ok_or_else(|| {
            let message =
                format!("`by: {name}` holds no moments; a stamp is a timestamptz, a timestamp or a date column");
            Error::new(Class::Invalid, message)
        })
    }

    /// `None` where the column holds no moments.
    pub(super) fn new(column: &Column) -> Option<Self> {
        let cast = match column.kind {
            Kind::Moment { zoned: true } => "timestamptz",
            Kind::Moment { zoned: false } | Kind::Date => "timestamp",
            _ => return None,
        };
        Some(Self { column: column.sql(), cast })
    }

    /// The stamp in milliseconds, as text.
    pub(super) fn millis(&self) -> String {
        format!("CASE WHEN isfinite({0}) THEN {1} END", self.column, millis(&self.column))
    }

    /// The column, in whose order stamps rise. Without its table's name, an order would take it for what is selected
    /// under its own.
    pub(super) fn order(&self, table: &Table) -> String {
        format!("{}.{}", table.sql, self.column)
    }

    /// The condition of stamps at or after this one.
    pub(super) fn from(&self, statement: &mut Statement, at: Timestamp) -> String {
        format!("{} >= {}", self.column, self.moment(statement, at))
    }

    /// The condition of stamps before this one.
    pub(super) fn before(&self, statement: &mut Statement, at: Timestamp) -> String {
        format!("{} < {}", self.column, self.moment(statement, at))
    }

    /// The condition of exactly this stamp.
    pub(super) fn at(&self, statement: &mut Statement, at: Timestamp) -> String {
        let moment = self.moment(statement, at);
        format!("{0} >= {moment} AND {0} < {moment} + interval '1 millisecond'", self.column)
    }

    /// The condition that there is a stamp.
    pub(super) fn is_there(&self) -> String {
        format!("isfinite({})", self.column)
    }

    fn moment(&self, statement: &mut Statement, at: Timestamp) -> String {
        format!("{}::{}", statement.text(&moment_text(at)), self.cast)
    }
}

/// The millisecond that a moment lies in, counted from 1970, as text.
pub(super) fn millis(moment: &str) -> String {
    format!("(extract(epoch FROM date_trunc('milliseconds', {moment})) * 1000)::bigint::text")
}
