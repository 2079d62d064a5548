//! Typed values: what a connector makes of a service's answers, and what expressions see.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::Timestamp;

/// The fields of a record, or of a write, by name. Ordered, so that nothing depends on a hash map's order.
pub type Fields = BTreeMap<String, Value>;

/// One typed value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Empty: `()` in expressions.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction; never NaN, never infinite.
    Float(f64),
    /// Text.
    Text(String),
    /// A calendar day.
    Date(jiff::civil::Date),
    /// A moment.
    Moment(Timestamp),
    /// A list.
    List(Vec<Value>),
    /// Named values.
    Map(Fields),
}

/// The keys under which dates and moments are kept in JSON, which has no type for them.
const DATE: &str = "$date";
const MOMENT: &str = "$moment";

impl Value {
    /// Whether it is empty.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, where it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The type's name as authors know it: `text`, `number`, `date`, ….
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Float(_) => "number",
            Self::Text(_) => "text",
            Self::Date(_) => "date",
            Self::Moment(_) => "moment",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// As a person reads it, and as it becomes text inside a longer string: empty is nothing, dates and moments are ISO
    /// 8601.
    pub fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(flag) => flag.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Date(date) => date.to_string(),
            Self::Moment(moment) => moment.to_string(),
            Self::List(_) | Self::Map(_) => self.to_plain_json().to_string(),
        }
    }

    /// As the id of a record: ids are text, also where they look like numbers.
    pub fn into_id(self) -> Self {
        match self {
            Self::Int(_) | Self::Float(_) => Self::Text(self.to_text()),
            other @ (Self::Null
            | Self::Bool(_)
            | Self::Text(_)
            | Self::Date(_)
            | Self::Moment(_)
            | Self::List(_)
            | Self::Map(_)) => other,
        }
    }

    /// As JSON for people and services: dates and moments become ISO 8601 text, which loses their type.
    pub fn to_plain_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(flag) => Json::Bool(*flag),
            Self::Int(number) => Json::from(*number),
            Self::Float(number) => Json::from(*number),
            Self::Text(text) => Json::from(text.as_str()),
            Self::Date(_) | Self::Moment(_) => Json::from(self.to_text()),
            Self::List(items) => items.iter().map(Self::to_plain_json).collect(),
            Self::Map(fields) => fields.iter().map(|(name, value)| (name.clone(), value.to_plain_json())).collect(),
        }
    }

    /// As JSON that keeps every type, for the store; [`Value::from_stored_json`] reads it back.
    pub fn to_stored_json(&self) -> Json {
        match self {
            Self::Date(date) => serde_json::json!({ DATE: date.to_string() }),
            Self::Moment(moment) => serde_json::json!({ MOMENT: moment.millis() }),
            Self::List(items) => items.iter().map(Self::to_stored_json).collect(),
            Self::Map(fields) => {
                // A key of the author's that begins like one of ours gets one `$` more, so that it cannot be taken for
                // it.
                let key = |name: &str| if name.starts_with('$') { format!("${name}") } else { name.to_owned() };
                fields.iter().map(|(name, value)| (key(name), value.to_stored_json())).collect()
            }
            _ => self.to_plain_json(),
        }
    }

    /// JSON from elsewhere, as it is: no key of it means anything to us, and its dates are text.
    pub fn from_plain_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => number.as_f64().map_or(Self::Null, Self::Float),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::from_plain_json).collect()),
            Json::Object(map) => {
                Self::Map(map.iter().map(|(name, value)| (name.clone(), Self::from_plain_json(value))).collect())
            }
        }
    }

    /// The inverse of [`Value::to_stored_json`], for what the store has kept.
    pub fn from_stored_json(json: &Json) -> Self {
        match json {
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Self::from_plain_json(json),
            Json::Array(items) => Self::List(items.iter().map(Self::from_stored_json).collect()),
            Json::Object(map) => match map.iter().next() {
                Some((key, Json::String(text))) if map.len() == 1 && key == DATE => {
                    text.parse().map_or_else(|_| Self::Text(text.clone()), Self::Date)
                }
                Some((key, Json::Number(millis))) if map.len() == 1 && key == MOMENT => {
                    Self::Moment(Timestamp::from_millis(millis.as_i64().unwrap_or_default()))
                }
                _ => Self::Map(
                    map.iter()
                        .map(|(name, value)| {
                            let name = if name.starts_with("$$") { &name[1..] } else { name.as_str() };
                            (name.to_owned(), Self::from_stored_json(value))
                        })
                        .collect(),
                ),
            },
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_json_keeps_every_type() {
        let tricky = Fields::from([
            ("$date".to_owned(), Value::from("2026-01-02")),
            ("day".to_owned(), Value::Date("2026-01-02".parse().unwrap())),
            ("at".to_owned(), Value::Moment(Timestamp::from_millis(1_700_000_000_123))),
            ("list".to_owned(), Value::List(vec![Value::Int(1), Value::Float(1.5), Value::Null])),
        ]);
        for value in
            [Value::Map(tricky), Value::Map(Fields::from([("$date".into(), Value::from("x"))])), Value::Bool(true)]
        {
            assert_eq!(Value::from_stored_json(&value.to_stored_json()), value);
        }
    }
}
