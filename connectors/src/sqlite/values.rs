//! SQLite's five kinds of values and our nine.

use rusqlite::types::{Value as Sql, ValueRef};
use sdk::{FieldType, Value};

use super::stamps;

/// What a column holds, by its declared type. What is not what its type promises is read as what it is: nothing is
/// lost by reading. Bytes are read as text of two hexadecimal digits each.
pub(super) fn read(field_type: FieldType, value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => match (field_type, number) {
            (FieldType::Boolean, 0) => Value::Bool(false),
            (FieldType::Boolean, 1) => Value::Bool(true),
            (FieldType::Moment, millis) => Value::Moment(sdk::Timestamp::from_millis(millis)),
            (_, number) => Value::Int(number),
        },
        ValueRef::Real(number) if number.is_finite() => Value::Float(number),
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(bytes) => text(field_type, String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Value::Text(hex(bytes)),
    }
}

/// What is bound for a value: days and moments as ISO 8601 text, truth as 0 or 1, lists and maps as JSON.
pub(super) fn write(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(flag) => Sql::Integer((*flag).into()),
        Value::Int(number) => Sql::Integer(*number),
        Value::Float(number) => Sql::Real(*number),
        Value::Text(text) => Sql::Text(text.clone()),
        Value::Date(_) | Value::Moment(_) | Value::List(_) | Value::Map(_) => Sql::Text(value.to_text()),
    }
}

/// Every stored value that is read as this text in a column of texts or numbers, for asking an index.
pub(super) fn stored_as(text: &str) -> Vec<Sql> {
    let mut forms = vec![Sql::Text(text.to_owned())];
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
            _ => None,
        })
        .collect();
    forms.extend(bytes.map(Sql::Blob));
    forms
}

fn text(field_type: FieldType, text: String) -> Value {
    let typed = match field_type {
        FieldType::Date => (text.len() == "2026-01-02".len()).then(|| text.parse().ok()).flatten().map(Value::Date),
        FieldType::Moment => stamps::parse(&text).map(Value::Moment),
        FieldType::Text
        | FieldType::Number
        | FieldType::Boolean
        | FieldType::Choice
        | FieldType::Choices
        | FieldType::Any => None,
    };
    typed.unwrap_or(Value::Text(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
