//! Why SQLite refuses, in the engine's words.

use rusqlite::{ErrorCode, ffi};
use sdk::{Class, Error};

/// What a failed statement means. Whatever failed inside a transaction that does not commit has applied nothing.
pub(super) fn of(error: &rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            let message = message.clone().unwrap_or_else(|| code.to_string());
            failure(*code, &message)
        }
        rusqlite::Error::SqlInputError { error: code, msg, .. } => failure(*code, msg),
        other => Error::new(Class::Permanent, format!("SQLite: {other}")),
    }
}

fn failure(code: ffi::Error, message: &str) -> Error {
    match code.code {
        ErrorCode::ConstraintViolation => constraint(code.extended_code, message),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Error::new(Class::Transient, "the database is locked by another program")
        }
        ErrorCode::DiskFull => Error::new(Class::Transient, "the disk is full"),
        ErrorCode::SystemIoFailure => Error::new(Class::Transient, format!("the disk fails: {message}")),
        ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted
        | ErrorCode::OperationAborted
        | ErrorCode::SchemaChanged
        | ErrorCode::FileLockingProtocolFailed => Error::new(Class::Transient, format!("SQLite: {message}")),
        ErrorCode::NotADatabase => Error::new(Class::Invalid, "this file is no SQLite database"),
        ErrorCode::CannotOpen => Error::new(Class::Invalid, "the file cannot be opened"),
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied => {
            Error::new(Class::Invalid, format!("the database cannot be written to: {message}"))
        }
        ErrorCode::TypeMismatch => Error::new(Class::Invalid, "a value is of a type that its column refuses"),
        ErrorCode::TooBig => Error::new(Class::Invalid, "a value is too long for SQLite"),
        ErrorCode::DatabaseCorrupt => Error::new(Class::Permanent, format!("the database is damaged: {message}")),
        // `ErrorCode` may grow; the rest are mistakes in a statement, which no repetition will cure.
        _ => Error::new(Class::Invalid, format!("SQLite: {message}")),
    }
}

/// `UNIQUE constraint failed: customers.email, customers.country`
fn constraint(extended_code: i32, message: &str) -> Error {
    let place = message.split_once(": ").map_or("", |(_, place)| place);
    let columns: Vec<_> =
        place.split(", ").map(|column| column.split_once('.').map_or(column, |(_, name)| name)).collect();
    let columns = columns.join("` and `");
    match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Error::new(Class::Conflict, format!("another row has this `{columns}` already"))
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => Error::new(Class::Invalid, format!("`{columns}` must not be empty")),
        ffi::SQLITE_CONSTRAINT_CHECK => Error::new(Class::Invalid, format!("the table's check refuses it: {place}")),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Error::new(Class::Invalid, "it refers to a row that does not exist"),
        _ => Error::new(Class::Invalid, format!("the table refuses it: {message}")),
    }
}
