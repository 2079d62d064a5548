//! The part of a filter that PostgreSQL can be asked.
//!
//! A condition is one that every matching row fulfils; rows that do not match may fulfil it too, for every row is
//! checked again. What has no such condition is not asked.

use std::time::Duration;

use sdk::{Error, Filter, RecordId, Test, Timestamp, Value};

use super::kind::Kind;
use super::sql::Statement;
use super::stamps::Stamp;
use super::table::{Column, Table};

const MILLISECOND: Duration = Duration::from_millis(1);
/// Up to here a float means one whole number alone.
const MOST_EXACT: u64 = 1 << 53;
/// Down to here every float of ours is one of the server's; `real` refuses what is closer to nothing.
const LEAST_REAL: f64 = 1e-30;

/// The condition of a filter; `None` where there is none to be asked.
pub(super) fn condition(table: &Table, filter: &Filter, statement: &mut Statement) -> Result<Option<String>, Error> {
    match filter {
        Filter::All(filters) => {
            let mut conditions = Vec::new();
            for filter in filters {
                conditions.extend(condition(table, filter, statement)?);
            }
            Ok((!conditions.is_empty()).then(|| conditions.join(" AND ")))
        }
        Filter::Any(filters) => any(filters.iter().map(|filter| condition(table, filter, statement))),
        // The record's own id, as everywhere in filters.
        Filter::Field { field, test } if field == "id" => of_id(table, test, statement),
        Filter::Field { field, test } => of_column(table.column(field)?, test, statement),
    }
}

fn of_id(table: &Table, test: &Test, statement: &mut Statement) -> Result<Option<String>, Error> {
    let id = table.id()?;
    let mut is = |value: &Value| {
        let text = value.as_text()?;
        Some(id.equals(statement, &RecordId::new(text)).unwrap_or_else(|| "false".to_owned()))
    };
    match test {
        Test::Eq(value) => Ok(is(value)),
        Test::In(values) => any(values.iter().map(|value| Ok(is(value)))),
        _ => Ok(None),
    }
}

fn of_column(column: &Column, test: &Test, statement: &mut Statement) -> Result<Option<String>, Error> {
    let name = column.sql();
    Ok(match test {
        Test::Eq(value) => equals(column, value, statement),
        Test::In(values) => return any(values.iter().map(|value| Ok(equals(column, value, statement)))),
        Test::Gt(low) | Test::Gte(low) => at_least(column, low, statement),
        Test::Lt(high) | Test::Lte(high) => at_most(column, high, statement),
        Test::Between(low, high) => {
            let conditions = [at_least(column, low, statement), at_most(column, high, statement)];
            let conditions: Vec<_> = conditions.into_iter().flatten().collect();
            (!conditions.is_empty()).then(|| conditions.join(" AND "))
        }
        Test::Contains(Value::Text(part)) if column.kind == Kind::Text && !part.contains('\0') => {
            let part = statement.text(part);
            Some(format!("strpos({name}::text COLLATE \"C\", {part} COLLATE \"C\") > 0"))
        }
        // In JSON, empty is a value as well.
        Test::Exists(wanted) if column.kind != Kind::Json => {
            Some(format!("{name} IS {}NULL", if *wanted { "NOT " } else { "" }))
        }
        Test::Contains(_) | Test::Exists(_) | Test::Not(_) => None,
    })
}

fn equals(column: &Column, value: &Value, statement: &mut Statement) -> Option<String> {
    let name = column.sql();
    match (&column.kind, value) {
        (Kind::Json, _) => None,
        (_, Value::Null) => Some(format!("{name} IS NULL")),
        // Equal to the byte is equal under every collation, so an index of any serves.
        (Kind::Text, Value::Text(text)) if !text.contains('\0') => {
            Some(format!("{name} = {}::{}", statement.text(text), column.cast))
        }
        (Kind::Boolean, Value::Bool(flag)) => Some(format!("{name} = {}::boolean", statement.text(&flag.to_string()))),
        (Kind::Moment { .. } | Kind::Date, value) => Some(Stamp::new(column)?.at(statement, moment(column, value)?)),
        (kind, value) if kind.is_number() => Some(format!("{name} = {}", number(column, value, statement)?)),
        _ => None,
    }
}

fn at_least(column: &Column, low: &Value, statement: &mut Statement) -> Option<String> {
    if let Some(at) = moment(column, low) {
        return Some(Stamp::new(column)?.from(statement, at));
    }
    Some(format!("{} >= {}", column.sql(), number(column, low, statement)?))
}

fn at_most(column: &Column, high: &Value, statement: &mut Statement) -> Option<String> {
    if let Some(at) = moment(column, high) {
        return Some(Stamp::new(column)?.before(statement, at + MILLISECOND));
    }
    Some(format!("{} <= {}", column.sql(), number(column, high, statement)?))
}

/// The value as a moment, where the column holds moments, or its day where it holds days.
fn moment(column: &Column, value: &Value) -> Option<Timestamp> {
    match (&column.kind, value) {
        (Kind::Moment { .. }, Value::Moment(at)) => Some(*at),
        (Kind::Date, Value::Date(date)) => {
            let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            Some(midnight.timestamp().into())
        }
        _ => None,
    }
}

/// The bound number, where comparing with it means the same to the server as it does to us.
fn number(column: &Column, value: &Value, statement: &mut Statement) -> Option<String> {
    if !column.kind.is_number() {
        return None;
    }
    let text = match value {
        Value::Int(number) if number.unsigned_abs() < MOST_EXACT => number.to_string(),
        Value::Float(number) if (LEAST_REAL..MOST_EXACT as f64).contains(&number.abs()) => number.to_string(),
        _ => return None,
    };
    let cast = match column.kind {
        // A whole number of another size is compared by the same index; one with a fraction is none.
        Kind::Whole if text.contains('.') => return None,
        Kind::Whole if column.cast == "oid" => return None,
        Kind::Whole => "bigint",
        _ => &column.cast,
    };
    Some(format!("{}::{cast}", statement.text(&text)))
}

/// One of several: all of them must be askable.
fn any(conditions: impl Iterator<Item = Result<Option<String>, Error>>) -> Result<Option<String>, Error> {
    let conditions: Option<Vec<String>> = conditions.collect::<Result<_, _>>()?;
    Ok(conditions.map(|conditions| match &conditions[..] {
        [] => "false".to_owned(),
        several => format!("({})", several.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" OR ")),
    }))
}
