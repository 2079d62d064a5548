//! Plain values fit the fields they are written to or compared with.
//!
//! Comparing different types would silently be false, and writing them would be refused when it is too late. An
//! option may be written as its label, and becomes its internal value; dates and moments become what they say.

use sdk::{Field, FieldType, Timestamp, Value};
use text::{Diagnostic, Kind, Node, Span, did_you_mean_name, quoted, shown};

use super::Checker;
use crate::codes;

impl Checker<'_> {
    /// The value as one of the field's type; `None` where it cannot be, which is reported.
    pub(super) fn literal(&mut self, value: Value, node: &Node, field: &Field) -> Option<Value> {
        if value.is_null() {
            return Some(value);
        }
        match field.field_type {
            FieldType::Any => Some(value),
            FieldType::Text => match value {
                Value::Text(_) => Some(value),
                Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
                    let written = quoted(self.definition.source.text.slice(node.span));
                    let help = format!("to write it as text, put it in quotes: {written}");
                    self.wrong_field_type(&value, node.span, field, Some((help, written)))
                }
                _ => self.wrong_field_type(&value, node.span, field, None),
            },
            FieldType::Number => match value {
                Value::Int(_) | Value::Float(_) => Some(value),
                Value::Text(ref text) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
                    let help = "without the quotes it is a number".to_owned();
                    let written = text.clone();
                    self.wrong_field_type(&value, node.span, field, Some((help, written)))
                }
                _ => self.wrong_field_type(&value, node.span, field, None),
            },
            FieldType::Boolean => match value {
                Value::Bool(_) => Some(value),
                _ => self.wrong_field_type(&value, node.span, field, None),
            },
            FieldType::Date => match value.as_text().and_then(|text| text.parse().ok()) {
                Some(date) => Some(Value::Date(date)),
                None => {
                    let help = ("write it as `2026-01-31`".to_owned(), String::new());
                    self.wrong_field_type(&value, node.span, field, Some(help))
                }
            },
            FieldType::Moment => match value.as_text().and_then(Timestamp::parse) {
                Some(moment) => Some(Value::Moment(moment)),
                None => {
                    let help = ("write it as `2026-01-31T09:00:00Z`".to_owned(), String::new());
                    self.wrong_field_type(&value, node.span, field, Some(help))
                }
            },
            FieldType::Choice => self.option(&value, node.span, field),
            FieldType::Choices => match (value, &node.kind) {
                (Value::List(items), Kind::List(nodes)) => {
                    let items: Vec<_> =
                        items.iter().zip(nodes).map(|(item, node)| self.option(item, node.span, field)).collect();
                    Some(Value::List(items.into_iter().collect::<Option<_>>()?))
                }
                (value, _) => self.option(&value, node.span, field),
            },
        }
    }

    fn option(&mut self, value: &Value, span: Span, field: &Field) -> Option<Value> {
        let written = match value {
            Value::Text(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_) => value.to_text(),
            _ => return self.wrong_field_type(value, span, field, None),
        };
        if field.options.is_empty() {
            return Some(Value::Text(written));
        }
        let by_value = field.options.iter().find(|option| option.value == written);
        if let Some(option) = by_value.or_else(|| field.options.iter().find(|option| option.label == written)) {
            return Some(Value::Text(option.value.clone()));
        }
        let words = field.options.iter().flat_map(|option| [option.value.as_str(), option.label.as_str()]);
        let meant = did_you_mean_name(&written, words);
        let message = format!("`{}` has no option `{}`", field.name, shown(&written));
        let diagnostic = Diagnostic::error(codes::UNKNOWN_OPTION, message);
        let diagnostic = match meant {
            Some(_) => diagnostic.did_you_mean(span, meant),
            None => {
                let values = field.options.iter().map(|option| option.value.as_str());
                diagnostic.help(super::connection::listed("its options are", values))
            }
        };
        self.report(diagnostic, span, "");
        None
    }

    fn wrong_field_type(
        &mut self,
        value: &Value,
        span: Span,
        field: &Field,
        help: Option<(String, String)>,
    ) -> Option<Value> {
        let wanted = held(field.field_type);
        let message = format!("`{}` holds {wanted}, and this is {}", field.name, article(value));
        let mut diagnostic = Diagnostic::error(codes::WRONG_FIELD_TYPE, message);
        if let Some((help, replacement)) = help {
            diagnostic = diagnostic.help(help);
            if !replacement.is_empty() {
                diagnostic = diagnostic.fix(span, replacement);
            }
        }
        self.report(diagnostic, span, "");
        None
    }
}

/// What fields of this type hold, for messages.
pub(super) fn held(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text => "text",
        FieldType::Number => "numbers",
        FieldType::Boolean => "true or false",
        FieldType::Date => "dates",
        FieldType::Moment => "moments",
        FieldType::Choice => "one of its options",
        FieldType::Choices => "a list of its options",
        FieldType::Any => "anything",
    }
}

fn article(value: &Value) -> String {
    match value {
        Value::Text(_) => "text".to_owned(),
        Value::Null => "nothing".to_owned(),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Date(_)
        | Value::Moment(_)
        | Value::List(_)
        | Value::Map(_) => format!("a {}", value.type_name()),
    }
}
