//! What a caller gives to a flow that waits to be asked: read by the types of its inputs, or refused with what it
//! takes.

use std::collections::BTreeMap;

use flow::{Input, Manual};
use sdk::{FieldType, Fields, FlowId, Timestamp, Value};
use serde_json::Value as Json;

/// The inputs of one start: each that the flow takes, those that were not given as their default or as nothing.
///
/// Text is read by the input's type, so that a command line can give numbers and days.
pub fn read(flow: &FlowId, manual: &Manual, given: &BTreeMap<String, Json>) -> Result<Fields, String> {
    if let Some(unknown) = given.keys().find(|name| !manual.inputs.iter().any(|input| input.name == **name)) {
        return Err(format!("`{flow}` has no input `{unknown}`; {}", takes(manual)));
    }
    let mut fields = Fields::new();
    let mut missing = Vec::new();
    for input in &manual.inputs {
        let value = match given.get(&input.name).filter(|json| !json.is_null()) {
            Some(json) => value(input, json)?,
            None => input.default.clone().unwrap_or_default(),
        };
        if value.is_null() && input.required {
            missing.push(format!("`{}`", input.name));
        }
        fields.insert(input.name.clone(), value);
    }
    if missing.is_empty() {
        Ok(fields)
    } else {
        Err(format!("`{flow}` needs {}; {}", missing.join(", "), takes(manual)))
    }
}

/// What a flow takes, in one sentence: `it takes name (text, required) and count (number)`.
fn takes(manual: &Manual) -> String {
    let inputs: Vec<String> = manual.inputs.iter().map(described).collect();
    match inputs.split_last() {
        None => "it takes no inputs".to_owned(),
        Some((only, [])) => format!("it takes {only}"),
        Some((last, others)) => format!("it takes {} and {last}", others.join(", ")),
    }
}

fn described(input: &Input) -> String {
    let mut facts = vec![match input.field_type {
        FieldType::Choice => input.options.join(" or "),
        other => type_word(other).to_owned(),
    }];
    if let Some(default) = input.default.as_ref().filter(|default| !default.is_null()) {
        facts.push(format!("else {}", default.to_text()));
    } else if input.required {
        facts.push("required".to_owned());
    }
    format!("`{}` ({})", input.name, facts.join(", "))
}

fn type_word(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text => "text",
        FieldType::Number => "number",
        FieldType::Boolean => "true or false",
        FieldType::Date => "a day such as 2026-01-31",
        FieldType::Moment => "a time such as 2026-01-31T08:00:00Z",
        FieldType::Choice => "one of its options",
        FieldType::Choices => "a list of options",
        FieldType::Any => "anything",
    }
}

fn value(input: &Input, json: &Json) -> Result<Value, String> {
    let mistake = || {
        let shown: String = json.as_str().map_or_else(|| json.to_string(), str::to_owned).chars().take(60).collect();
        let wanted = match input.field_type {
            FieldType::Choice | FieldType::Choices => format!("one of {}", input.options.join(", ")),
            FieldType::Number => "a number".to_owned(),
            other => type_word(other).to_owned(),
        };
        format!("the input `{}` cannot be `{shown}`; it must be {wanted}", input.name)
    };
    let text = json.as_str();
    let found = match input.field_type {
        FieldType::Text => text.map(Value::from),
        FieldType::Number => match text {
            None => json.is_number().then(|| Value::from_plain_json(json)),
            Some(text) => number(text.trim()),
        },
        FieldType::Boolean => json.as_bool().or_else(|| text?.trim().parse().ok()).map(Value::Bool),
        FieldType::Date => text.and_then(|text| text.trim().parse().ok()).map(Value::Date),
        FieldType::Moment => text.and_then(|text| Timestamp::parse(text.trim())).map(Value::Moment),
        FieldType::Choice => text.filter(|text| input.options.iter().any(|option| option == text)).map(Value::from),
        FieldType::Choices => choices(input, json),
        FieldType::Any => Some(Value::from_plain_json(json)),
    };
    found.ok_or_else(mistake)
}

fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
}

/// A list, or text with commas between.
fn choices(input: &Input, json: &Json) -> Option<Value> {
    let chosen: Vec<&str> = match json {
        Json::Array(items) => items.iter().map(Json::as_str).collect::<Option<_>>()?,
        Json::String(text) => text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => return None,
    };
    let is_known = |choice: &&str| input.options.iter().any(|option| option == choice);
    chosen.iter().all(is_known).then(|| Value::List(chosen.into_iter().map(Value::from).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(name: &str, field_type: FieldType) -> Input {
        Input {
            name: name.to_owned(),
            field_type,
            options: vec!["red".to_owned(), "green".to_owned()],
            required: false,
            default: None,
            label: None,
            help: None,
        }
    }

    fn given(inputs: &[Input], json: Json) -> Result<Fields, String> {
        let given = json.as_object().unwrap().clone().into_iter().collect();
        read(&"f".into(), &Manual { inputs: inputs.to_vec() }, &given)
    }

    #[test]
    fn text_is_read_by_the_inputs_type_and_json_as_it_is() {
        use FieldType::{Any, Boolean, Choice, Choices, Date, Moment, Number, Text};
        let moment = Timestamp::parse("2026-01-31T08:00:00Z").unwrap();
        let list = Value::List(vec!["red".into(), "green".into()]);
        for (field_type, written, read) in [
            (Text, json!("007"), Value::from("007")),
            (Number, json!("7"), Value::Int(7)),
            (Number, json!(" 7.5"), Value::Float(7.5)),
            (Number, json!(7), Value::Int(7)),
            (Boolean, json!("true"), Value::Bool(true)),
            (Boolean, json!(false), Value::Bool(false)),
            (Date, json!("2026-01-31"), Value::Date("2026-01-31".parse().unwrap())),
            (Moment, json!("2026-01-31T08:00:00Z"), Value::Moment(moment)),
            (Choice, json!("red"), Value::from("red")),
            (Choices, json!("red, green"), list.clone()),
            (Choices, json!(["red", "green"]), list),
            (Any, json!("x"), Value::from("x")),
        ] {
            assert_eq!(given(&[input("a", field_type)], json!({ "a": written })).unwrap()["a"], read, "{written}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        use FieldType::{Boolean, Choice, Choices, Date, Moment, Number, Text};
        for (field_type, written, help) in [
            (Text, json!(7), "it must be text"),
            (Number, json!("seven"), "it must be a number"),
            (Number, json!("inf"), "it must be a number"),
            (Boolean, json!("yes"), "it must be true or false"),
            (Date, json!("31.1.2026"), "it must be a day such as 2026-01-31"),
            (Moment, json!("2026-01-31"), "2026-01-31T08:00:00Z"),
            (Choice, json!("blue"), "it must be one of red, green"),
            (Choices, json!(["blue"]), "it must be one of red, green"),
        ] {
            let refused = given(&[input("a", field_type)], json!({ "a": written })).unwrap_err();
            assert!(refused.starts_with("the input `a` cannot be ") && refused.contains(help), "{refused}");
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_told_with_what_the_flow_takes() {
        let name = Input { required: true, ..input("name", FieldType::Text) };
        let count = Input { default: Some(Value::Int(3)), ..input("count", FieldType::Number) };
        let inputs = [name, count, input("colour", FieldType::Choice)];
        let takes = "it takes `name` (text, required), `count` (number, else 3) and `colour` (red or green)";
        assert_eq!(given(&inputs, json!({})).unwrap_err(), format!("`f` needs `name`; {takes}"));
        assert_eq!(given(&inputs, json!({"name": null})).unwrap_err(), format!("`f` needs `name`; {takes}"));
        assert_eq!(given(&inputs, json!({"nmae": "x"})).unwrap_err(), format!("`f` has no input `nmae`; {takes}"));
        assert_eq!(given(&[], json!({"x": 1})).unwrap_err(), "`f` has no input `x`; it takes no inputs");
        let fields = given(&inputs, json!({"name": "Ann"})).unwrap();
        assert_eq!((&fields["count"], &fields["colour"]), (&Value::Int(3), &Value::Null));
    }
}
