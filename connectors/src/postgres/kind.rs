//! What a column holds, and its values as text in both directions.
//!
//! Reading loses nothing but parts of a millisecond:
//! - `smallint`, `integer`, `bigint` and `oid` are whole numbers; `real` and `double precision` numbers with fractions;
//! - `numeric` is a whole number where it is one that fits, a number with a fraction where that says exactly the same
//!   digits, and else the text of its digits;
//! - `timestamptz` is a moment, and so is `timestamp`, which is taken for UTC; `date` is a date;
//! - an enum is a choice of its words, and a list of them several choices;
//! - `json` and `jsonb` are what stands in them; an array is a list, and so is each row of one with several dimensions;
//! - everything else, `uuid` and `interval` among it, is the text that PostgreSQL shows;
//! - `bytea` is neither read nor written.
//!
//! What is not what its type promises, `infinity` or `NaN`, is read as text.

use jiff::tz::TimeZone;
use sdk::{FieldType, Timestamp, Value};
use serde_json::Value as Json;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Whole,
    Float,
    Numeric,
    Boolean,
    Text,
    Uuid,
    Date,
    /// A moment; whether the column knows about time zones.
    Moment {
        zoned: bool,
    },
    Choice,
    Json,
    List(Box<Kind>),
    Bytes,
    Other,
}

impl Kind {
    /// By the type's name in the catalogue and what kind of type it is there; `element` is an array's.
    pub(super) fn of(name: &str, type_kind: &str, element: Option<Self>) -> Self {
        match (element, type_kind) {
            (Some(Self::Bytes), _) => return Self::Bytes,
            (Some(element), _) => return Self::List(Box::new(element)),
            (None, "e") => return Self::Choice,
            (None, "b") => {}
            (None, _) => return Self::Other,
        }
        match name {
            "int2" | "int4" | "int8" | "oid" => Self::Whole,
            "float4" | "float8" => Self::Float,
            "numeric" => Self::Numeric,
            "bool" => Self::Boolean,
            "text" | "varchar" | "bpchar" | "name" | "citext" => Self::Text,
            "uuid" => Self::Uuid,
            "date" => Self::Date,
            "timestamptz" => Self::Moment { zoned: true },
            "timestamp" => Self::Moment { zoned: false },
            "json" | "jsonb" => Self::Json,
            "bytea" => Self::Bytes,
            _ => Self::Other,
        }
    }

    /// As authors know it.
    pub(super) fn field_type(&self) -> FieldType {
        match self {
            Self::Whole | Self::Float | Self::Numeric => FieldType::Number,
            Self::Boolean => FieldType::Boolean,
            Self::Text | Self::Uuid | Self::Other => FieldType::Text,
            Self::Date => FieldType::Date,
            Self::Moment { .. } => FieldType::Moment,
            Self::Choice => FieldType::Choice,
            Self::List(element) if **element == Self::Choice => FieldType::Choices,
            Self::Json | Self::List(_) | Self::Bytes => FieldType::Any,
        }
    }

    /// Whether two values are the same by their number, not by their text: 1.5 and 1.50.
    pub(super) fn is_number(&self) -> bool {
        match self {
            Self::Whole | Self::Float | Self::Numeric => true,
            Self::Boolean
            | Self::Text
            | Self::Uuid
            | Self::Date
            | Self::Moment { .. }
            | Self::Choice
            | Self::Json
            | Self::List(_)
            | Self::Bytes
            | Self::Other => false,
        }
    }

    /// The text by which a column of this kind is read.
    pub(super) fn shown(&self, column: &str) -> String {
        match self {
            Self::List(_) => format!("to_json({column}::text[])::text"),
            _ => format!("{column}::text"),
        }
    }

    /// The value that the column's text means.
    pub(super) fn read(&self, text: Option<&str>) -> Value {
        let Some(text) = text else { return Value::Null };
        let read = match self {
            Self::Whole => text.parse().ok().map(Value::Int),
            Self::Float => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
            Self::Numeric => numeric(text),
            Self::Boolean => text.parse().ok().map(Value::Bool),
            Self::Date => text.parse().ok().map(Value::Date),
            Self::Moment { zoned: true } => text.parse().ok().map(moment),
            Self::Moment { zoned: false } => text
                .parse()
                .ok()
                .and_then(|civil: jiff::civil::DateTime| civil.to_zoned(TimeZone::UTC).ok())
                .map(|zoned| moment(zoned.timestamp())),
            Self::Json => serde_json::from_str(text).ok().map(|json| Value::from_plain_json(&json)),
            Self::List(element) => serde_json::from_str(text).ok().map(|json| list(element, &json)),
            Self::Text | Self::Uuid | Self::Choice | Self::Bytes | Self::Other => None,
        };
        read.unwrap_or_else(|| Value::from(text))
    }

    /// The text that is sent for a value.
    pub(super) fn write(&self, value: &Value) -> Option<String> {
        match (self, value) {
            (_, Value::Null) => None,
            (Self::Json, value) => Some(value.to_plain_json().to_string()),
            (Self::List(element), Value::List(items)) => Some(array(element, items)),
            (_, Value::Moment(at)) => Some(moment_text(*at)),
            (_, value) => Some(value.to_text()),
        }
    }
}

/// A moment as PostgreSQL reads it.
pub(super) fn moment_text(at: Timestamp) -> String {
    let day = at.to_jiff().to_zoned(TimeZone::UTC).datetime();
    if day.year() > 0 {
        return at.to_string();
    }
    // The year 0 is the first one before Christ.
    format!("{:04}-{:02}-{:02}T{:.3}Z BC", 1 - day.year(), day.month(), day.day(), day.time())
}

/// Parts of a millisecond are dropped downwards, as the poll's SQL does.
fn moment(at: jiff::Timestamp) -> Value {
    let millis = at.as_microsecond().div_euclid(1_000);
    Value::Moment(Timestamp::from_millis(millis))
}

fn numeric(text: &str) -> Option<Value> {
    let digits = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    if let Ok(whole) = digits.parse() {
        return Some(Value::Int(whole));
    }
    let number: f64 = digits.parse().ok().filter(|number: &f64| number.is_finite())?;
    // A float shows the fewest digits that mean it; where these are ours, it says the same.
    (number.to_string() == digits).then_some(Value::Float(number))
}

fn list(element: &Kind, json: &Json) -> Value {
    match json {
        Json::Array(items) => Value::List(items.iter().map(|item| list(element, item)).collect()),
        Json::String(text) => element.read(Some(text)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => Value::Null,
    }
}

/// `{"a","b",NULL}`
fn array(element: &Kind, items: &[Value]) -> String {
    let item = |item: &Value| match item {
        Value::List(inner) if *element != Kind::Json => array(element, inner),
        item => match element.write(item) {
            None => "NULL".to_owned(),
            Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        },
    };
    format!("{{{}}}", items.iter().map(item).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_is_a_number_only_where_that_says_the_same_digits() {
        for (text, expected) in [
            ("12", Value::Int(12)),
            ("12.00", Value::Int(12)),
            ("-0.50", Value::Float(-0.5)),
            ("0.1", Value::Float(0.1)),
            ("1234567890.12", Value::Float(1_234_567_890.12)),
            ("100000000000000000000", Value::Float(1e20)),
            ("0.12345678901234567890123", "0.12345678901234567890123".into()),
            ("123456789012345678901", "123456789012345678901".into()),
            ("9007199254740993.5", "9007199254740993.5".into()),
            ("NaN", "NaN".into()),
            ("Infinity", "Infinity".into()),
        ] {
            assert_eq!(Kind::Numeric.read(Some(text)), expected, "{text}");
        }
    }

    #[test]
    fn moments_before_christ_and_before_1970_are_themselves() {
        let text = |millis| moment_text(Timestamp::from_millis(millis));
        assert_eq!(text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(-62_167_219_200_000), "0001-01-01T00:00:00.000Z BC");
        let read = Kind::Moment { zoned: true }.read(Some("1969-12-31 23:59:59.9995+00"));
        assert_eq!(read, Value::Moment(Timestamp::from_millis(-1)));
    }
}
