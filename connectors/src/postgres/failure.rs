//! Why PostgreSQL refuses, in the engine's words.
//!
//! The class follows from the five characters of the SQLSTATE. What a server says may repeat what it was sent, so its
//! sentences pass through the redactor.

use std::error::Error as _;

use sdk::{Class, Error};
use tokio_postgres::error::DbError;

use crate::http::Redactor;

/// What a failed statement means. It has applied nothing, or does not matter: it only read.
pub(super) fn of(error: &tokio_postgres::Error, redactor: &Redactor) -> Error {
    match error.as_db_error() {
        Some(said) => refused(said, redactor),
        None => lost(&chain(error), redactor),
    }
}

/// What a failed statement means that commits: where the answer is missing, it may have been applied.
pub(super) fn of_commit(error: &tokio_postgres::Error, redactor: &Redactor) -> Error {
    let failed = of(error, redactor);
    match error.as_db_error() {
        Some(said) if !is_unsure(said.code().code()) => failed,
        Some(_) | None => failed.maybe_applied(),
    }
}

/// Why there is no connection to the server of this name. Nothing was asked yet.
pub(super) fn of_connect(error: &tokio_postgres::Error, server: &str, redactor: &Redactor) -> Error {
    if let Some(said) = error.as_db_error() {
        return refused(said, redactor);
    }
    let by_network = error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>());
    let reason = redactor.clean(&chain(error));
    if by_network {
        Error::new(Class::Transient, format!("no connection to `{server}`: {reason}")).not_reached()
    } else {
        Error::new(Class::Auth, format!("the database was not let to know who we are: {reason}"))
    }
}

/// Without an answer in time.
pub(super) fn late() -> Error {
    Error::new(Class::Transient, "the database did not answer within the time limit").not_reached()
}

fn lost(reason: &str, redactor: &Redactor) -> Error {
    Error::new(Class::Transient, format!("the connection to the database broke: {}", redactor.clean(reason)))
        .not_reached()
}

/// Whether the server says by this that it is not there for anybody: it starts or goes down, lost its own partner, or
/// has no connection left.
fn is_away(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P") || code == "53300"
}

/// Whether the server may say this after it has committed: it goes down, it lost its own partner, or it does not know.
fn is_unsure(code: &str) -> bool {
    code == "40003" || code.starts_with("08") || code.starts_with("57P")
}

fn refused(said: &DbError, redactor: &Redactor) -> Error {
    let error = in_our_words(said, redactor);
    if is_away(said.code().code()) { error.not_reached() } else { error.answered() }
}

fn in_our_words(said: &DbError, redactor: &Redactor) -> Error {
    let message = redactor.clean(said.message());
    let constraint = said.constraint().unwrap_or_default();
    let code = said.code().code();
    let of_class = |class: Class| Error::new(class, format!("PostgreSQL: {message}"));
    match code {
        "23505" => {
            let columns = keys(said.detail().unwrap_or_default()).unwrap_or_else(|| constraint.to_owned());
            Error::new(Class::Conflict, format!("another row has this `{columns}` already"))
        }
        "23502" => Error::new(Class::Invalid, format!("`{}` must not be empty", said.column().unwrap_or_default())),
        "23503" => {
            Error::new(Class::Invalid, format!("it refers to a row that does not exist, or is referred to: {message}"))
        }
        "23514" => Error::new(Class::Invalid, format!("the table's check refuses it: {constraint}")),
        "42501" => of_class(Class::Forbidden { scopes: Vec::new() }),
        // A server that only follows another: nothing can be written there.
        "25006" => of_class(Class::Forbidden { scopes: Vec::new() }),
        "42P01" => of_class(Class::NotFound),
        "57014" => Error::new(Class::Transient, format!("PostgreSQL stopped the statement: {message}")),
        _ => match code.get(..2).unwrap_or_default() {
            // Connection, deadlock and serialisation, resources, locks, an operator's doing, the machine itself.
            "08" | "40" | "53" | "55" | "57" | "58" => of_class(Class::Transient),
            "28" => of_class(Class::Auth),
            // Values, constraints, names and syntax, views' checks, what a function of the author's raises.
            "0A" | "21" | "22" | "23" | "27" | "3D" | "3F" | "42" | "44" | "P0" => of_class(Class::Invalid),
            _ => of_class(Class::Permanent),
        },
    }
}

/// `Key (country, no)=(de, 7) already exists.`
fn keys(detail: &str) -> Option<String> {
    let (columns, _) = detail.strip_prefix("Key (")?.split_once(")=(")?;
    Some(columns.split(", ").collect::<Vec<_>>().join("` and `"))
}

/// An error and its causes, each said once.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
