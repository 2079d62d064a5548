//! HubSpot keeps every value as text. Here it becomes typed, and text again.

use sdk::{Field, FieldType, Timestamp, Value};
use serde_json::Value as Json;

/// What a property holds, by its type. Text that is not what its type promises stays text: nothing is lost by reading.
pub(super) fn read(field: &Field, json: &Json) -> Value {
    let Some(text) = plain_text(json).filter(|text| !text.is_empty()) else { return Value::Null };
    let typed = match field.field_type {
        FieldType::Boolean => text.parse().ok().map(Value::Bool),
        FieldType::Number => number(&text),
        FieldType::Date => date(&text).map(Value::Date),
        FieldType::Moment => moment(&text).map(Value::Moment),
        FieldType::Choices => {
            let items = text.split(';').map(str::trim).filter(|item| !item.is_empty());
            Some(Value::List(items.map(Value::from).collect()))
        }
        FieldType::Text | FieldType::Choice | FieldType::Any => None,
    };
    typed.unwrap_or(Value::Text(text))
}

/// The text that HubSpot takes for a value; empty clears.
pub(super) fn write(field: Option<&Field>, value: &Value) -> String {
    let field_type = field.map_or(FieldType::Any, |field| field.field_type);
    match (field_type, value) {
        (_, Value::List(items)) => {
            items.iter().map(|item| write(field, item)).filter(|item| !item.is_empty()).collect::<Vec<_>>().join(";")
        }
        (FieldType::Date, Value::Moment(moment)) => moment.to_jiff().strftime("%Y-%m-%d").to_string(),
        (FieldType::Moment, Value::Date(date)) => format!("{date}T00:00:00.000Z"),
        (FieldType::Choice, value) => option(field, &value.to_text()),
        (FieldType::Choices, value) => {
            // A leading `;` would add to what is there, and adding again would not be the same: the whole set is sent.
            let items = value.to_text();
            let items = items.split(';').map(str::trim).filter(|item| !item.is_empty());
            items.map(|item| option(field, item)).collect::<Vec<_>>().join(";")
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

/// The moment in a property that stamps a record.
pub(super) fn stamp(json: &Json) -> Option<Timestamp> {
    let text = plain_text(json)?;
    moment(&text).or_else(|| midnight(date(&text)?))
}

/// Midnight UTC of a day, which is how HubSpot stamps days.
pub(super) fn midnight(date: jiff::civil::Date) -> Option<Timestamp> {
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|start| start.timestamp().into())
}

/// A scalar as text, whether it came as text or not.
pub(super) fn plain_text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
}

fn date(text: &str) -> Option<jiff::civil::Date> {
    if let Ok(millis) = text.parse() {
        return Some(Timestamp::from_millis(millis).to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date());
    }
    // Only a day: jiff would read one out of a moment as well, and drop its time.
    (text.len() == "2026-01-02".len()).then(|| text.parse().ok()).flatten()
}

fn moment(text: &str) -> Option<Timestamp> {
    match text.parse() {
        Ok(millis) => Some(Timestamp::from_millis(millis)),
        Err(_) => Timestamp::parse(text),
    }
}

/// The internal value: as it is, or by the label that people see. What is neither is sent as it is, for HubSpot to judge.
fn option(field: Option<&Field>, text: &str) -> String {
    let options = field.map_or(&[][..], |field| &field.options);
    let by_value = options.iter().find(|option| option.value == text);
    let same_word = |option: &&sdk::FieldOption| option.label.to_lowercase() == text.to_lowercase();
    by_value.or_else(|| options.iter().find(same_word)).map_or(text, |option| &option.value).to_owned()
}
