//! Values on their way in: each is checked against its property and brought into the form in which it is stored.
//!
//! All bad values of a write are found, not only the first, because the service lists them all.

use std::sync::Arc;

use sdk::Timestamp;
use serde_json::{Map, Value, json};

use super::default_properties::LIFECYCLE_STAGES;
use super::definitions::{Definitions, Property, PropertyType};
use super::envelope::Problem;

const LONGEST_STRING: usize = 65_536;

/// A value that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadValue {
    pub(super) name: String,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// A write's values, each fit to be stored; `""` clears.
pub(super) type Accepted = Vec<(Arc<str>, String)>;

/// The `properties` of a request as text by name. JSON numbers and booleans are taken as their text; `null`, lists and
/// objects are not values (how the service takes `null` is not known; it clears with `""`).
pub(super) fn texts(properties: Option<&Value>) -> Result<Vec<(String, String)>, Problem> {
    let map = match properties {
        Some(Value::Object(map)) => map,
        Some(_) => return Err(Problem::validation("Invalid input JSON: 'properties' must be an object")),
        None => return Ok(Vec::new()),
    };
    map.iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                Err(Problem::validation(format!("Invalid input JSON: the value of '{name}' must be a string")))
            }
        })
        .collect()
}

/// The values in stored form, or every one that is bad. `owners` are the ids a record may be assigned to.
pub(super) fn accept(
    definitions: &Definitions,
    owners: &[String],
    given: &[(String, String)],
) -> Result<Accepted, Vec<BadValue>> {
    let mut accepted = Vec::new();
    let mut bad = Vec::new();
    for (name, value) in given {
        match accept_one(definitions, owners, name, value) {
            Ok(value) => accepted.push(value),
            Err((code, message)) => bad.push(BadValue { name: name.clone(), code, message }),
        }
    }
    if bad.is_empty() { Ok(accepted) } else { Err(bad) }
}

fn accept_one(
    definitions: &Definitions,
    owners: &[String],
    name: &str,
    value: &str,
) -> Result<(Arc<str>, String), (&'static str, String)> {
    let property = definitions
        .get(name)
        .ok_or_else(|| ("PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist")))?;
    if !property.is_writable() {
        return Err(("READ_ONLY_VALUE", format!("\"{name}\" is a read only property; its value cannot be set.")));
    }
    let stored = if value.is_empty() { String::new() } else { stored_form(property, owners, value)? };
    Ok((property.name.clone(), stored))
}

fn stored_form(property: &Property, owners: &[String], value: &str) -> Result<String, (&'static str, String)> {
    if value.chars().count() > LONGEST_STRING {
        // The code of this refusal is not recorded anywhere; the limit is.
        return Err(("INVALID_LENGTH", format!("the value is longer than {LONGEST_STRING} characters")));
    }
    match property.data_type {
        PropertyType::Bool => one_of(property, value, &["true", "false"]),
        PropertyType::Date => stored_date(value),
        PropertyType::Datetime => stamp_of(value)
            .map(|stamp| stamp.to_string())
            .ok_or_else(|| ("INVALID_LONG", format!("{value} was not a valid long."))),
        PropertyType::Number => match value.parse::<f64>() {
            Ok(number) if number.is_finite() && value.trim() == value => Ok(value.to_owned()),
            _ => Err(("INVALID_INTEGER", format!("{value} was not a valid number."))),
        },
        PropertyType::Enumeration if property.external_options => {
            let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
            one_of(property, value, &owners)
        }
        PropertyType::Enumeration => {
            let options: Vec<&str> = property.options.iter().map(|option| option.value.as_str()).collect();
            one_of(property, value, &options)
        }
        PropertyType::String if matches!(&*property.name, "email" | "hs_additional_emails") => {
            value.split(';').try_for_each(valid_email)?;
            if &*property.name == "email" && value.contains(';') {
                return Err(invalid_email(value));
            }
            Ok(value.to_owned())
        }
        PropertyType::String | PropertyType::PhoneNumber => Ok(value.to_owned()),
    }
}

/// Internal values, exactly; a checkbox takes several, and a leading `;` appends.
fn one_of(property: &Property, value: &str, options: &[&str]) -> Result<String, (&'static str, String)> {
    let chosen: Vec<&str> =
        if property.holds_many() { value.strip_prefix(';').unwrap_or(value).split(';').collect() } else { vec![value] };
    match chosen.iter().find(|choice| !options.contains(choice)) {
        None => Ok(value.to_owned()),
        Some(stranger) => {
            Err(("INVALID_OPTION", format!("{stranger} was not one of the allowed options: [{}]", options.join(", "))))
        }
    }
}

/// What a value becomes next to the one it replaces: appending checkboxes, and the stage that only moves forward.
pub(super) fn merged_value(property: &Property, before: Option<&str>, value: &str) -> String {
    if let Some(added) = value.strip_prefix(';')
        && property.holds_many()
    {
        let mut choices: Vec<&str> = before.unwrap_or_default().split(';').filter(|it| !it.is_empty()).collect();
        for choice in added.split(';') {
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
        return choices.join(";");
    }
    if &*property.name == "lifecyclestage" {
        let rank = |stage: &str| LIFECYCLE_STAGES.iter().position(|it| *it == stage);
        // Going back is not an error in the service: the answer simply shows the old stage. Clearing it first is
        // allowed.
        if let (Some(from), Some(to)) = (before.and_then(rank), rank(value))
            && to < from
        {
            return LIFECYCLE_STAGES[from].to_owned();
        }
    }
    value.to_owned()
}

/// A moment given as epoch milliseconds or as ISO 8601.
pub(super) fn stamp_of(text: &str) -> Option<Timestamp> {
    if let Ok(millis) = text.parse::<i64>() {
        return Some(Timestamp::from_millis(millis));
    }
    Timestamp::parse(text).or_else(|| text.parse::<jiff::civil::Date>().ok().map(midnight))
}

/// `YYYY-MM-DD`, or midnight UTC as epoch milliseconds.
fn stored_date(value: &str) -> Result<String, (&'static str, String)> {
    if let Ok(millis) = value.parse::<i64>() {
        let moment = Timestamp::from_millis(millis).to_jiff().to_zoned(jiff::tz::TimeZone::UTC);
        let time = moment.time();
        return if time == jiff::civil::Time::midnight() {
            Ok(moment.date().to_string())
        } else {
            Err((
                "INVALID_DATE",
                format!(
                    "{value} is at {}:{}:{}.{} UTC, not midnight!",
                    time.hour(),
                    time.minute(),
                    time.second(),
                    time.millisecond()
                ),
            ))
        };
    }
    match value.parse::<jiff::civil::Date>() {
        Ok(date) if value.len() == 10 => Ok(date.to_string()),
        _ => Err(("INVALID_DATE", format!("{value} was not a valid date."))),
    }
}

fn midnight(date: jiff::civil::Date) -> Timestamp {
    date.to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::EPOCH, |moment| moment.timestamp().into())
}

fn valid_email(address: &str) -> Result<(), (&'static str, String)> {
    let plausible = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !local.starts_with('.')
            && !local.ends_with('.')
            && domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty())
            && !domain.contains('@')
            && !address
                .contains(|letter: char| letter.is_whitespace() || letter.is_control() || ",<>()".contains(letter))
    });
    if plausible { Ok(()) } else { Err(invalid_email(address)) }
}

fn invalid_email(address: &str) -> (&'static str, String) {
    ("INVALID_EMAIL", format!("Email address {address} is invalid"))
}

/// The refusal of bad values: a list as text in the message, and once more as `errors`.
pub(super) fn refusal(bad: &[BadValue], portal_id: u64) -> Problem {
    let listed: Vec<Value> = bad
        .iter()
        .map(|it| {
            json!({
                "isValid": false,
                "message": it.message,
                "error": it.code,
                "name": it.name,
                "localizedErrorMessage": it.message,
                "portalId": portal_id,
            })
        })
        .collect();
    let mut problem = Problem::validation(format!("Property values were not valid: {}", Value::Array(listed)));
    problem.more.errors = bad
        .iter()
        .map(|it| json!({"message": it.message, "code": it.code, "context": {"propertyName": [it.name]}}))
        .collect();
    problem
}

/// The values as a write log keeps them.
pub(super) fn as_sent(given: &[(String, String)]) -> std::collections::BTreeMap<String, String> {
    given.iter().cloned().collect()
}

/// Refuses members that a body of this kind does not have.
pub(super) fn only_members(map: &Map<String, Value>, known: &[&str]) -> Result<(), Problem> {
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(stranger) => Err(Problem::validation(format!(
            "Invalid input JSON on line 1, column 1: Unrecognized field \"{stranger}\", not marked as ignorable"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::default_properties::default_definitions;
    use super::super::kinds::Object;
    use super::*;

    fn code(name: &str, value: &str) -> Result<String, &'static str> {
        let definitions = default_definitions(Object(0), Timestamp::EPOCH);
        accept_one(&definitions, &["77".to_owned()], name, value).map(|(_, value)| value).map_err(|(code, _)| code)
    }

    #[test]
    fn s7_each_bad_value_has_its_code() {
        assert_eq!(code("emial", "a@b.c"), Err("PROPERTY_DOESNT_EXIST"));
        assert_eq!(code("hs_object_id", "1"), Err("READ_ONLY_VALUE"));
        assert_eq!(code("lastmodifieddate", "2026-01-01T00:00:00Z"), Err("READ_ONLY_VALUE"));
        for address in ["ann", "ann@", "@b.c", "a b@c.d", "a@b", "a@b..c", "a@b.c;d@e.f", "<a@b.c>"] {
            assert_eq!(code("email", address), Err("INVALID_EMAIL"), "{address}");
        }
        assert_eq!(code("lifecyclestage", "Customer"), Err("INVALID_OPTION"), "a label is not a value");
        assert_eq!(code("newsletter", "TRUE"), Err("INVALID_OPTION"));
        assert_eq!(code("loyalty_points", "12 points"), Err("INVALID_INTEGER"));
        assert_eq!(code("closedate", "tomorrow"), Err("INVALID_LONG"));
        assert_eq!(code("hubspot_owner_id", "78"), Err("INVALID_OPTION"), "an owner's id, and only of this account");
    }

    #[test]
    fn s8_values_are_stored_in_the_form_they_are_read_in() {
        assert_eq!(code("renewal_date", "2026-03-01").as_deref(), Ok("2026-03-01"));
        assert_eq!(code("renewal_date", "1772323200000").as_deref(), Ok("2026-03-01"));
        assert_eq!(code("renewal_date", "1772323261000"), Err("INVALID_DATE"));
        assert_eq!(code("renewal_date", "2026-03-01T00:00:00Z"), Err("INVALID_DATE"));
        assert_eq!(code("closedate", "1772323261000").as_deref(), Ok("2026-03-01T00:01:01.000Z"));
        assert_eq!(code("closedate", "2026-03-01T01:01:01+01:00").as_deref(), Ok("2026-03-01T00:01:01.000Z"));
        assert_eq!(code("interests", "chess;hiking").as_deref(), Ok("chess;hiking"));
        assert_eq!(code("interests", "chess;golf"), Err("INVALID_OPTION"));
        assert_eq!(code("hubspot_owner_id", "77").as_deref(), Ok("77"));
        assert_eq!(code("city", &"x".repeat(65_536)).map(|text| text.len()), Ok(65_536));
        assert_eq!(code("city", &"x".repeat(65_537)), Err("INVALID_LENGTH"));
    }

    #[test]
    fn s8_a_leading_semicolon_appends_to_a_checkbox() {
        let definitions = default_definitions(Object(0), Timestamp::EPOCH);
        let interests = definitions.get("interests").expect("a property of this account");
        assert_eq!(merged_value(interests, Some("chess"), ";hiking;chess"), "chess;hiking");
        assert_eq!(merged_value(interests, Some("chess"), "hiking"), "hiking");
        assert_eq!(merged_value(interests, None, ";hiking"), "hiking");
    }

    #[test]
    fn s7_the_message_of_a_date_names_the_time_of_day() {
        let (_, message) = stored_date("1579179660000").expect_err("not midnight");
        assert_eq!(message, "1579179660000 is at 13:1:0.0 UTC, not midnight!");
    }
}
