//! Filters as data. Their meaning is ours and the same for every service: what is sent to a service may return
//! more, never less, and every row is checked again here.

use std::cmp::Ordering;

use crate::{Record, Value};

/// A condition on a record's fields. The field `id` is the record's id.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every one holds; an empty list always does.
    All(Vec<Filter>),
    /// At least one holds.
    Any(Vec<Filter>),
    /// One field's test.
    Field {
        /// The field's name.
        field: String,
        /// What is asked of it.
        test: Test,
    },
}

/// What is asked of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Equal; text exactly, numbers by value.
    Eq(Value),
    /// Not equal; an empty field is not equal to any value.
    Not(Value),
    /// Greater.
    Gt(Value),
    /// Greater or equal.
    Gte(Value),
    /// Less.
    Lt(Value),
    /// Less or equal.
    Lte(Value),
    /// Between two values, both included.
    Between(Value, Value),
    /// One of these.
    In(Vec<Value>),
    /// Text that contains this text, or a list that has this item.
    Contains(Value),
    /// Whether the field has a value.
    Exists(bool),
}

impl Filter {
    /// Whether the record fulfils it.
    pub fn matches(&self, record: &Record) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.matches(record)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(record)),
            Self::Field { field, test } if field == "id" => test.matches(&Value::from(record.id.as_str())),
            Self::Field { field, test } => test.matches(record.fields.get(field).unwrap_or(&Value::Null)),
        }
    }

    /// Visits the name of every field it asks about.
    pub fn for_each_field<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().for_each(|filter| filter.for_each_field(visit)),
            Self::Field { field, .. } => visit(field),
        }
    }
}

impl Test {
    fn matches(&self, value: &Value) -> bool {
        let is = |other: &Value, wanted: fn(Ordering) -> bool| compare(value, other).is_some_and(wanted);
        match self {
            Self::Eq(other) => equal(value, other),
            Self::Not(other) => !equal(value, other),
            Self::Gt(other) => is(other, Ordering::is_gt),
            Self::Gte(other) => is(other, Ordering::is_ge),
            Self::Lt(other) => is(other, Ordering::is_lt),
            Self::Lte(other) => is(other, Ordering::is_le),
            Self::Between(low, high) => is(low, Ordering::is_ge) && is(high, Ordering::is_le),
            Self::In(values) => values.iter().any(|other| equal(value, other)),
            Self::Contains(part) => match (value, part) {
                (Value::Text(text), Value::Text(part)) => text.contains(part.as_str()),
                (Value::List(items), part) => items.iter().any(|item| equal(item, part)),
                _ => false,
            },
            Self::Exists(wanted) => value.is_null() != *wanted,
        }
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    left == right || compare(left, right).is_some_and(Ordering::is_eq)
}

/// The order of two values of one type; `None` for values that have none between them.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Float(right)) => (*left as f64).partial_cmp(right),
        (Value::Float(left), Value::Int(right)) => left.partial_cmp(&(*right as f64)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::Moment(left), Value::Moment(right)) => Some(left.cmp(right)),
        _ => None,
    }
}
