//! Templates at work: JSON of a shape, the first of several texts, and tests of an answer.

use serde_json::Value as Json;

use crate::rest::manifest::{Condition, Conditions, FirstOf, Shape};
use crate::rest::template::{Scope, plain_text};

impl Shape {
    /// The JSON that it becomes; keys and items that refer to nothing are left out.
    pub(super) fn render(&self, scope: &Scope<'_>) -> Json {
        match self {
            Self::Fixed(json) => json.clone(),
            Self::Text(template) => template.render(scope),
            Self::List(items) => items.iter().map(|item| item.render(scope)).filter(|item| !item.is_null()).collect(),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), value.render(scope)))
                .filter(|(_, value)| !value.is_null())
                .collect(),
        }
    }
}

impl FirstOf {
    /// The first that is something.
    pub(super) fn text(&self, scope: &Scope<'_>) -> Option<String> {
        self.0.iter().filter_map(|template| template.text(scope)).find(|text| !text.is_empty())
    }
}

impl Conditions {
    /// Whether all of them hold.
    pub(super) fn hold(&self, scope: &Scope<'_>) -> bool {
        self.0.iter().all(|(what, condition)| condition.holds(&what.render(scope)))
    }
}

impl Condition {
    fn holds(&self, json: &Json) -> bool {
        match self {
            Self::Is(values) => plain_text(json).is_some_and(|text| values.contains(&text)),
            Self::Contains(part) => json.as_str().is_some_and(|text| text.contains(part.as_str())),
            Self::Exists(wanted) => {
                let is_there = match json {
                    Json::Null => false,
                    Json::String(text) => !text.is_empty(),
                    Json::Array(items) => !items.is_empty(),
                    Json::Bool(_) | Json::Number(_) | Json::Object(_) => true,
                };
                is_there == *wanted
            }
        }
    }
}

/// Pairs of a form: `{a: {b: 1}, c: [2]}` becomes `a[b]=1` and `c[0]=2`.
pub(super) fn form_pairs(json: &Json) -> Vec<(String, String)> {
    fn add(name: String, json: &Json, pairs: &mut Vec<(String, String)>) {
        match json {
            Json::Object(map) => {
                for (key, value) in map {
                    let inner = if name.is_empty() { key.clone() } else { format!("{name}[{key}]") };
                    add(inner, value, pairs);
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    add(format!("{name}[{index}]"), item, pairs);
                }
            }
            // In a form, empty text is how a field is cleared.
            Json::Null => pairs.push((name, String::new())),
            Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                pairs.push((name, plain_text(json).unwrap_or_default()));
            }
        }
    }
    let mut pairs = Vec::new();
    add(String::new(), json, &mut pairs);
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_nests_by_brackets() {
        let pairs = form_pairs(&json!({ "a": { "b": 1, "c": null }, "d": [true, "x"] }));
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(pairs, ["a[b]=1", "a[c]=", "d[0]=true", "d[1]=x"]);
    }

    #[test]
    fn something_is_neither_null_nor_empty() {
        for (json, there) in [
            (json!(null), false),
            (json!(""), false),
            (json!([]), false),
            (json!(0), true),
            (json!(false), true),
            (json!("x"), true),
        ] {
            assert_eq!(Condition::Exists(true).holds(&json), there, "{json}");
            assert_eq!(Condition::Exists(false).holds(&json), !there, "{json}");
        }
        assert!(Condition::Is(vec!["1".to_owned(), "true".to_owned()]).holds(&json!(1)));
        assert!(!Condition::Is(vec!["null".to_owned()]).holds(&json!(null)));
    }
}
