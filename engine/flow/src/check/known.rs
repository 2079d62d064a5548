//! What is known of the values that names stand for: which type they hold where they are not empty, and what there is
//! to choose from. What is not known is not guessed at.

use sdk::{Field, FieldOption, FieldType, ObjectSchema, Value};
use text::Kind;

use super::Checker;
use super::field::seen_field;
use super::names::Named;
use crate::definition::FilledInput;
use crate::expr::Template;
use crate::model::Input;

/// What a value holds where it is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holds<'a> {
    pub(super) field_type: FieldType,
    pub(super) options: Options<'a>,
}

/// What a choice chooses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Options<'a> {
    /// Nothing is known of it.
    Unknown,
    /// Those of a field.
    OfField(&'a [FieldOption]),
    /// Those of an input.
    OfInput(&'a [String]),
    /// There is no choice: it is always this.
    Always(&'a str),
}

impl<'a> Holds<'a> {
    /// A type without a choice.
    pub(super) fn plain(field_type: FieldType) -> Self {
        Self { field_type, options: Options::Unknown }
    }

    /// A text that is always the same.
    pub(super) fn said(text: &'a str) -> Self {
        Self { field_type: FieldType::Text, options: Options::Always(text) }
    }

    fn of_field(field: &'a Field) -> Self {
        let options = if field.options.is_empty() { Options::Unknown } else { Options::OfField(&field.options) };
        Self { field_type: field.field_type, options }
    }

    /// What a caller gives for an input.
    pub(super) fn of_input(input: &'a Input) -> Self {
        let options = if input.options.is_empty() { Options::Unknown } else { Options::OfInput(&input.options) };
        Self { field_type: input.field_type, options }
    }

    /// What was filled in for a template's input.
    pub(super) fn of_filled(input: &FilledInput) -> Option<Self> {
        let field_type = match input.value.as_ref()?.kind {
            Kind::Text(_) => FieldType::Text,
            Kind::Int(_) | Kind::Float(_) => FieldType::Number,
            Kind::Bool(_) => FieldType::Boolean,
            Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Broken => return None,
        };
        Some(Self::plain(field_type))
    }

    fn of_value(value: &Value) -> Option<Self> {
        let field_type = match value {
            Value::Text(_) => FieldType::Text,
            Value::Int(_) | Value::Float(_) => FieldType::Number,
            Value::Bool(_) => FieldType::Boolean,
            Value::Date(_) => FieldType::Date,
            Value::Moment(_) => FieldType::Moment,
            Value::Null | Value::List(_) | Value::Map(_) => return None,
        };
        Some(Self::plain(field_type))
    }
}

impl<'a> Options<'a> {
    /// The value that is stored for what an author wrote, by value or by label; `None` where there is no such option.
    pub(super) fn value_of(self, written: &str) -> Option<&'a str> {
        match self {
            Self::Unknown | Self::Always(_) => None,
            Self::OfField(options) => {
                let by_value = options.iter().find(|option| option.value == written);
                let option = by_value.or_else(|| options.iter().find(|option| option.label == written));
                option.map(|option| option.value.as_str())
            }
            Self::OfInput(options) => options.iter().map(String::as_str).find(|option| *option == written),
        }
    }

    /// The values, as they are stored.
    pub(super) fn values(self) -> Vec<&'a str> {
        match self {
            Self::Unknown | Self::Always(_) => Vec::new(),
            Self::OfField(options) => options.iter().map(|option| option.value.as_str()).collect(),
            Self::OfInput(options) => options.iter().map(String::as_str).collect(),
        }
    }

    /// What people see in place of the values.
    pub(super) fn labels(self) -> Vec<&'a str> {
        match self {
            Self::Unknown | Self::OfInput(_) | Self::Always(_) => Vec::new(),
            Self::OfField(options) => options.iter().map(|option| option.label.as_str()).collect(),
        }
    }
}

impl<'a> Checker<'a> {
    /// What the value of a path holds, where it is known.
    pub(super) fn known(&self, path: &[String]) -> Option<Holds<'a>> {
        let (root, rest) = path.split_first()?;
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let text = Holds::plain(FieldType::Text);
        match (root.as_str(), rest.as_slice()) {
            ("record", rest) if self.has_record() => of_record(self.polled, rest),
            ("run" | "flow", ["id"]) | ("errors", [_, "class" | "message"]) => Some(text),
            ("now", []) => Some(Holds::plain(FieldType::Moment)),
            ("failure", ["step" | "class" | "message"]) if self.on_failure => Some(text),
            ("failure", ["attempt"]) if self.on_failure => Some(Holds::plain(FieldType::Number)),
            ("inputs", [name]) => match self.names.find(&format!("inputs.{name}"))?.what {
                Named::Value(holds) => holds,
                Named::Written
                | Named::Deleted
                | Named::Found(_)
                | Named::FoundList(_)
                | Named::List
                | Named::Acted(_) => None,
            },
            (name, rest) => self.known_of_name(self.names.find(name)?.what, rest),
        }
    }

    /// What the value of a template holds, where it is known.
    pub(super) fn known_of_template(&self, template: &Template) -> Option<Holds<'a>> {
        match template {
            Template::Literal(value) => Holds::of_value(value),
            Template::Expression(expression) => self.known(expression.reads().path.as_ref()?),
            Template::Text(_) => Some(Holds::plain(FieldType::Text)),
            Template::List(_) | Template::Map(_) => None,
        }
    }

    fn known_of_name(&self, what: Named<'a>, rest: &[&str]) -> Option<Holds<'a>> {
        let plain = |field_type| Some(Holds::plain(field_type));
        match (what, rest) {
            (Named::Value(holds), []) => holds,
            (Named::Written, ["id"]) | (Named::Deleted, ["id"]) => plain(FieldType::Text),
            (Named::Written, ["created" | "changed"]) | (Named::Deleted, ["existed"]) => plain(FieldType::Boolean),
            (Named::Found(number), rest) => of_record(*self.found_schemas.get(number)?, rest),
            (Named::Acted(results), [name]) => {
                results.iter().find(|result| result.name == *name).and_then(|result| plain(result.field_type))
            }
            (
                Named::Value(_) | Named::Written | Named::Deleted | Named::FoundList(_) | Named::List | Named::Acted(_),
                _,
            ) => None,
        }
    }
}

/// What an item of a plain list holds, where all of them hold the same.
pub(super) fn of_items<'a>(list: &Template) -> Option<Holds<'a>> {
    let Template::Literal(Value::List(items)) = list else { return None };
    let mut known = items.iter().map(Holds::of_value);
    let first = known.next()??;
    known.all(|one| one == Some(first)).then_some(first)
}

fn of_record<'a>(schema: Option<&'a ObjectSchema>, path: &[&str]) -> Option<Holds<'a>> {
    match path {
        ["meta", "created" | "updated"] => Some(Holds::plain(FieldType::Moment)),
        ["meta", "event"] => Some(Holds::plain(FieldType::Text)),
        ["meta", ..] => None,
        [field] => seen_field(schema, field).map(Holds::of_field),
        _ => None,
    }
}
