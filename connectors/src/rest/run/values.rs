//! From what a service writes to typed values, and back.

use sdk::{Field, FieldType, Timestamp, Value};
use serde_json::Value as Json;

use crate::rest::manifest::{FieldsOf, MomentForm, ValueForm};
use crate::rest::template::plain_text;

/// What a field holds, by its type. What is not what its type promises stays as it is: nothing is lost by reading.
pub(super) fn read(of: &FieldsOf, field: &Field, json: &Json) -> Value {
    match (field.field_type, json) {
        (FieldType::Choices, Json::Array(items)) => {
            return Value::List(items.iter().map(|item| plain_text(item).map_or(Value::Null, Value::Text)).collect());
        }
        (_, Json::Array(_) | Json::Object(_)) => return Value::from_plain_json(json),
        _ => {}
    }
    let Some(text) = plain_text(json).filter(|text| !text.is_empty()) else { return Value::Null };
    let typed = match field.field_type {
        FieldType::Choices => {
            let items = text.split(of.separator).map(str::trim).filter(|item| !item.is_empty());
            Some(Value::List(items.map(Value::from).collect()))
        }
        FieldType::Any if of.values == ValueForm::Json => Some(Value::from_plain_json(json)),
        FieldType::Text
        | FieldType::Number
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::Moment
        | FieldType::Choice
        | FieldType::Any => scalar(field.field_type, &text),
    };
    typed.unwrap_or(Value::Text(text))
}

/// What a result of an action holds, by its type. What is not what its type promises stays as it is.
pub(super) fn typed(field_type: FieldType, json: &Json) -> Value {
    match (field_type, plain_text(json)) {
        (FieldType::Any, _) | (_, None) => Value::from_plain_json(json),
        (_, Some(text)) if text.is_empty() => Value::Null,
        (other, Some(text)) => scalar(other, &text).unwrap_or(Value::Text(text)),
    }
}

/// Text as what it says, where its type is not text anyway and it says such a thing.
fn scalar(field_type: FieldType, text: &str) -> Option<Value> {
    match field_type {
        FieldType::Boolean => text.parse().ok().map(Value::Bool),
        FieldType::Number => number(text),
        FieldType::Date => date(text).map(Value::Date),
        FieldType::Moment => moment(text).map(Value::Moment),
        FieldType::Text | FieldType::Choice | FieldType::Choices | FieldType::Any => None,
    }
}

/// A value as it is sent.
pub(super) fn write(of: &FieldsOf, field: Option<&Field>, value: &Value) -> Json {
    match of.values {
        ValueForm::Text => Json::String(write_text(of, field, value)),
        ValueForm::Json => write_json(of, field, value),
    }
}

/// The text for a value; empty clears.
pub(super) fn write_text(of: &FieldsOf, field: Option<&Field>, value: &Value) -> String {
    let field_type = field.map_or(FieldType::Any, |field| field.field_type);
    let joined = |items: &mut dyn Iterator<Item = String>| {
        items.filter(|item| !item.is_empty()).collect::<Vec<_>>().join(&of.separator.to_string())
    };
    match (field_type, value) {
        (_, Value::List(items)) => joined(&mut items.iter().map(|item| write_text(of, field, item))),
        (FieldType::Date, Value::Moment(moment)) => moment.to_jiff().strftime("%Y-%m-%d").to_string(),
        (FieldType::Moment, Value::Date(date)) => format!("{date}T00:00:00.000Z"),
        (FieldType::Choice, value) => option(field, &value.to_text()),
        (FieldType::Choices, value) => {
            // A separator in front could mean "add to what is there": the whole set is sent, so that again is the same.
            joined(&mut value.to_text().split(of.separator).map(|item| option(field, item.trim())))
        }
        (
            FieldType::Text
            | FieldType::Number
            | FieldType::Boolean
            | FieldType::Date
            | FieldType::Moment
            | FieldType::Any,
            value,
        ) => value.to_text(),
    }
}

fn write_json(of: &FieldsOf, field: Option<&Field>, value: &Value) -> Json {
    let field_type = field.map_or(FieldType::Any, |field| field.field_type);
    match (field_type, value) {
        (_, Value::Null) => Json::Null,
        (FieldType::Choices, Value::List(items)) => {
            items.iter().map(|item| Json::from(option(field, &item.to_text()))).collect()
        }
        (FieldType::Choices, Value::Text(text)) => {
            let items = text.split(of.separator).map(str::trim).filter(|item| !item.is_empty());
            items.map(|item| Json::from(option(field, item))).collect()
        }
        // Options may be numbers, and are then sent as such.
        (FieldType::Choice, value) => {
            let text = option(field, &value.to_text());
            text.parse::<i64>().map_or_else(|_| Json::from(text), Json::from)
        }
        (FieldType::Text, Value::Int(_) | Value::Float(_) | Value::Bool(_)) => value.to_text().into(),
        (FieldType::Number, Value::Text(text)) => {
            number(text).map_or_else(|| Json::from(text.as_str()), |number| number.to_plain_json())
        }
        (FieldType::Date | FieldType::Moment, value) => write_text(of, field, value).into(),
        (_, value) => value.to_plain_json(),
    }
}

/// The moment in a field that stamps a record.
pub(super) fn stamp(json: &Json) -> Option<Timestamp> {
    let text = plain_text(json)?;
    moment(&text).or_else(|| midnight(date(&text)?))
}

/// The moment that a list's item says, in its own form.
pub(super) fn stamp_in(form: MomentForm, json: &Json) -> Option<Timestamp> {
    match form {
        MomentForm::UnixMillis | MomentForm::Rfc3339 => stamp(json),
        MomentForm::UnixSeconds => {
            let seconds: i64 = plain_text(json)?.parse().ok()?;
            Some(Timestamp::from_millis(seconds.checked_mul(1000)?))
        }
    }
}

/// A moment in the form that a search takes.
pub(super) fn moment_text(form: MomentForm, at: Timestamp) -> String {
    match form {
        MomentForm::UnixMillis => at.millis().to_string(),
        MomentForm::UnixSeconds => at.millis().div_euclid(1000).to_string(),
        MomentForm::Rfc3339 => at.to_string(),
    }
}

/// Midnight UTC of a day, which is how days are stamped.
pub(super) fn midnight(date: jiff::civil::Date) -> Option<Timestamp> {
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|start| start.timestamp().into())
}

pub(super) fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
}

pub(super) fn date(text: &str) -> Option<jiff::civil::Date> {
    if let Ok(millis) = text.parse() {
        return Some(Timestamp::from_millis(millis).to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date());
    }
    // Only a day: jiff would read one out of a moment as well, and drop its time.
    (text.len() == "2026-01-02".len()).then(|| text.parse().ok()).flatten()
}

pub(super) fn moment(text: &str) -> Option<Timestamp> {
    match text.parse() {
        Ok(millis) => Some(Timestamp::from_millis(millis)),
        Err(_) => Timestamp::parse(text),
    }
}

/// The internal value: as it is, or by the label that people see. What is neither is sent as it is, for the service to
/// judge.
fn option(field: Option<&Field>, text: &str) -> String {
    let options = field.map_or(&[][..], |field| &field.options);
    let by_value = options.iter().find(|option| option.value == text);
    let same_word = |option: &&sdk::FieldOption| option.label.to_lowercase() == text.to_lowercase();
    by_value.or_else(|| options.iter().find(same_word)).map_or(text, |option| &option.value).to_owned()
}

#[cfg(test)]
mod tests {
    use sdk::Fields;
    use serde_json::json;

    use super::*;

    /// Keys by which the store keeps dates were taken for such where a service had them: a name lost its `$`, and text
    /// became a day.
    #[test]
    fn a_service_s_own_keys_mean_nothing_to_us() {
        for name in ["$date", "$moment", "$$ref"] {
            let wanted = Value::Map(Fields::from([(name.to_owned(), Value::from("2026-01-02"))]));
            assert_eq!(typed(FieldType::Any, &json!({ name: "2026-01-02" })), wanted);
        }
    }
}
