//! Running one declared action: from what a flow gives to a request, and from the answer to the action's results.

use sdk::{ActionCall, ActionInput, ActionOutcome, Class, Error, FieldType, Repeat, Value};
use serde_json::Value as Json;

use super::RestConnection;
use super::failure::Purpose;
use super::values;
use crate::rest::manifest::{Action, ResultOf, Retry};
use crate::rest::template::{Root, Scope};

/// Whether a second try is harmless, as the manifest says.
pub(super) fn repeat(connection: &RestConnection, call: &ActionCall) -> Repeat {
    match connection.manifest.action(&call.action).map(|action| action.retry) {
        Some(Retry::Safe | Retry::Idempotent) => Repeat::Safe,
        Some(Retry::Unsafe) | None => Repeat::Unsafe,
    }
}

/// Runs the action once.
pub(super) async fn act(connection: &RestConnection, call: &ActionCall) -> Result<ActionOutcome, Error> {
    let service = &connection.manifest.service;
    let action = connection.manifest.action(&call.action).ok_or_else(|| {
        let known: Vec<_> = connection.manifest.actions.iter().map(|action| action.schema.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        invalid(format!("{service} has no action `{}`; there are {known}", call.action))
    })?;
    let input = input(action, call)?;
    let effect = call.effect_id.as_str();
    let op = serde_json::json!({ "id": effect });
    let scope = Scope::default().with(Root::Input, &input).with(Root::Op, &op);
    let headers: Vec<(&str, &str)> = action.idempotency.iter().map(|name| (name.as_str(), effect)).collect();
    let body = connection.client.call(&action.request, scope, Purpose::Write, &headers).await?.body;

    let scope = Scope::default().with(Root::Body, &body);
    let mut outcome = ActionOutcome::default();
    for (result, place) in action.schema.results.iter().zip(&action.results) {
        let value = match place {
            ResultOf::Test(conditions) => Value::Bool(conditions.hold(&scope)),
            ResultOf::Value(template) | ResultOf::MaybeValue(template) => {
                values::typed(result.field_type, &template.render(&scope))
            }
        };
        if value.is_null() && matches!(place, ResultOf::Value(_)) {
            let what = format!("to `{}` does not say its `{}`", call.action, result.name);
            return Err(connection.odd_answer(&what).maybe_applied());
        }
        outcome.result.insert(result.name.clone(), value);
    }
    Ok(outcome)
}

/// What templates see as `input`: only what was given, each as the service takes it.
fn input(action: &Action, call: &ActionCall) -> Result<Json, Error> {
    let name = &call.action;
    if let Some(unknown) = call.with.keys().find(|key| action.schema.input(key).is_none()) {
        let known: Vec<_> = action.schema.inputs.iter().map(|input| input.name.as_str()).collect();
        return Err(invalid(format!("`{name}` takes no `{unknown}`; it takes {}", known.join(", "))));
    }
    let mut given = serde_json::Map::new();
    for (input, words) in action.schema.inputs.iter().zip(&action.words) {
        let value = call.with.get(&input.name).unwrap_or(&Value::Null);
        let is_nothing = value.is_null() || value.as_text().is_some_and(|text| text.trim().is_empty());
        match (is_nothing, input.required) {
            (true, true) => return Err(invalid(format!("`{}` of `{name}` is empty, and it needs one", input.name))),
            (true, false) => {}
            (false, _) => {
                let sent = sent(input, words, value);
                given.insert(input.name.clone(), sent.map_err(|reason| invalid(format!("`{}` {reason}", input.name)))?);
            }
        }
    }
    Ok(Json::Object(given))
}

/// A value as the service takes it, or why it is none.
fn sent(input: &ActionInput, words: &[Json], value: &Value) -> Result<Json, String> {
    let said = value.to_text();
    let is_scalar = !matches!(value, Value::List(_) | Value::Map(_));
    let (found, wanted) = match input.field_type {
        FieldType::Any => (Some(value.to_plain_json()), String::new()),
        FieldType::Text => (is_scalar.then(|| said.as_str().into()), "text".to_owned()),
        FieldType::Choice | FieldType::Choices => {
            let chosen = input.options.iter().position(|option| *option == said);
            let word = chosen.and_then(|at| words.get(at)).cloned();
            (word, format!("one of {}", input.options.join(", ")))
        }
        FieldType::Number => (values::number(&said).map(|it| it.to_plain_json()), "a number".to_owned()),
        FieldType::Boolean => (said.parse::<bool>().ok().map(Json::from), "true or false".to_owned()),
        FieldType::Date => {
            let day = if let Value::Moment(moment) = value {
                Some(moment.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date())
            } else {
                values::date(&said)
            };
            (day.map(|day| day.to_string().into()), "a date such as 2026-01-31".to_owned())
        }
        FieldType::Moment => {
            let day = if let Value::Date(day) = value { values::midnight(*day) } else { None };
            let moment = day.or_else(|| values::moment(&said));
            (moment.map(|at| at.to_string().into()), "a moment such as 2026-01-31T12:00:00Z".to_owned())
        }
    };
    found.ok_or_else(|| format!("is {wanted}, and `{}` is not", text::shown(&said)))
}

fn invalid(message: String) -> Error {
    Error::new(Class::Invalid, message)
}
