//! How our types stand in columns: closed enums as words, ids as bytes, hashes as the integers SQLite has.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use sdk::{IdOrder, RunId, Timestamp};

use crate::{EffectState, FlowState, LogLevel, RunState};

/// Gives a closed enum its words: in columns, in filters, and wherever a person reads them.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every one there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its word, the same in YAML, SQL, pages and messages.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The one of this word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.word())
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.word()))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let word = value.as_str()?;
                Self::from_word(word).ok_or_else(|| FromSqlError::Other(format!("no state is called `{word}`").into()))
            }
        }
    };
}

words!(RunState {
    Pending = "pending",
    Running = "running",
    Waiting = "waiting",
    Succeeded = "succeeded",
    Failed = "failed",
    Skipped = "skipped",
    Superseded = "superseded",
    Unknown = "unknown",
    Cancelled = "cancelled",
});

words!(EffectState {
    Planned = "planned",
    Sent = "sent",
    Done = "done",
    Unchanged = "unchanged",
    Superseded = "superseded",
    Failed = "failed",
    Unknown = "unknown",
    Skipped = "skipped",
});

words!(FlowState {
    Active = "active",
    Paused = "paused",
    Disabled = "disabled",
    Held = "held",
    Blocked = "blocked",
    Invalid = "invalid",
});

words!(LogLevel {
    Debug = "debug",
    Info = "info",
    Warn = "warn",
    Error = "error",
});

/// A run's id as its sixteen bytes.
pub(crate) struct IdColumn(pub RunId);

impl ToSql for IdColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.0.as_bytes().as_slice()))
    }
}

impl FromSql for IdColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(|bytes| Self(RunId(uuid::Uuid::from_bytes(bytes))))
    }
}

/// A point in time as its milliseconds.
pub(crate) struct TimeColumn(pub Timestamp);

impl ToSql for TimeColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.millis()))
    }
}

impl FromSql for TimeColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(|millis| Self(Timestamp::from_millis(millis)))
    }
}

/// A hash as the signed integer of the same bits, for SQLite has no other.
pub(crate) struct HashColumn(pub u64);

impl ToSql for HashColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.cast_signed()))
    }
}

impl FromSql for HashColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(|bits| Self(bits.cast_unsigned()))
    }
}

/// An order of ids as its word.
pub(crate) struct OrderColumn(pub IdOrder);

impl ToSql for OrderColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(match self.0 {
            IdOrder::Text => "text",
            IdOrder::Numbers => "numbers",
        }))
    }
}

impl FromSql for OrderColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "text" => Ok(Self(IdOrder::Text)),
            "numbers" => Ok(Self(IdOrder::Numbers)),
            other => Err(FromSqlError::Other(format!("no order of ids is called `{other}`").into())),
        }
    }
}

/// Optional times, as they are read from rows.
pub(crate) fn time(column: Option<TimeColumn>) -> Option<Timestamp> {
    column.map(|TimeColumn(at)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_from_its_word() {
        for state in RunState::ALL {
            assert_eq!(RunState::from_word(state.word()), Some(*state));
        }
        for state in EffectState::ALL {
            assert_eq!(EffectState::from_word(state.word()), Some(*state));
        }
        for state in FlowState::ALL {
            assert_eq!(FlowState::from_word(state.word()), Some(*state));
        }
        assert_eq!(RunState::from_word("Pending"), None);
    }
}
