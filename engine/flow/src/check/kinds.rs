//! What expressions give fits where it goes: a question is true or false, `each` goes through a list, functions are
//! given what they take, and a field is set to what it holds.
//!
//! All of it goes by what is known. What may be right is not complained about.

use sdk::{Field, FieldType, Value};
use text::{Diagnostic, Node};

use super::Checker;
use super::known::Holds;
use super::literal::held;
use super::names::Named;
use crate::codes;
use crate::expr::{Expression, Kind, Template};

impl<'a> Checker<'a> {
    /// What the expression gives, where that is known.
    pub(super) fn kind_of(&self, expression: &Expression) -> Option<Kind> {
        expression.infer(&|path| self.kind_of_path(path)).kind
    }

    /// Reports what in an expression that begins at `offset` of the node's text could only fail.
    pub(super) fn check_kinds(&mut self, node: &Node, offset: usize, expression: &Expression) {
        let mistakes = expression.infer(&|path| self.kind_of_path(path)).mistakes;
        for mistake in mistakes {
            self.mistake(node, offset, expression.source(), mistake);
        }
    }

    /// The answer to a question is true or false.
    pub(super) fn check_answer(&mut self, node: &Node, question: &Expression) {
        let kind = self.kind_of(question);
        if let Some(found) = kind.filter(|kind| *kind != Kind::Boolean) {
            let mistake = question.no_question(found);
            self.mistake(node, 0, question.source(), mistake);
        }
    }

    /// `each` goes through a list; there is nothing to go through where it is empty.
    pub(super) fn check_list(&mut self, node: &Node, list: &Template) {
        // What is plain was looked at when it was read.
        let Template::Expression(expression) = list else { return };
        let found = self.kind_of(expression).filter(|kind| !matches!(kind, Kind::List | Kind::Nothing));
        let Some(found) = found else { return };
        let written = expression.reads().path.as_ref().map(|path| path.join("."));
        let what = written.as_ref().map_or("this".to_owned(), |written| format!("`{written}`"));
        let message = format!("`each` goes through a list, and {what} is {}", found.described());
        let name = written.as_deref().unwrap_or("…");
        let help = match found {
            Kind::Text => format!("make a list of it, such as `${{ {name}.split(\";\") }}`"),
            Kind::Map => format!("go through its entries: `${{ {name}.values() }}`"),
            Kind::Nothing
            | Kind::Boolean
            | Kind::Number
            | Kind::Date
            | Kind::Moment
            | Kind::List
            | Kind::Range
            | Kind::Function
            | Kind::TooLarge => format!("put it into a list: `${{ [{name}] }}`"),
        };
        self.report(Diagnostic::error(codes::NOT_A_LIST, message).help(help), node.span, "");
    }

    /// What is computed for a field can be what the field holds. Text that reads as a date is one to services, and
    /// anything is a text.
    pub(super) fn check_computed_for(&mut self, value: &Template, node: &Node, field: &Field, target: &str) {
        let Template::Expression(expression) = value else { return };
        // Plain fields are compared by their own types.
        if expression.reads().path.is_some() {
            return;
        }
        let Some(found) = self.kind_of(expression) else { return };
        let is_number_as_text = found == Kind::Text && expression.made_by() == Some("to_fixed");
        if can_be(found, field.field_type) || is_number_as_text {
            return;
        }
        let (name, takes) = (&field.name, held(field.field_type));
        let message = format!("`{name}` of `{target}` takes {takes}, and this is {}", found.described());
        let help = match (found, field.field_type) {
            (Kind::Text, FieldType::Number) => "convert it with `to_number( … )`".to_owned(),
            (_, FieldType::Boolean) => "ask something of it, such as `… == \"yes\"`".to_owned(),
            (Kind::List, _) => "take one of its items, such as `first( … )`".to_owned(),
            (Kind::Date | Kind::Moment, FieldType::Number) => {
                "take a part of it, such as `….year()`, or `to_millis( … )`".to_owned()
            }
            _ => format!("compute what is one of {takes}"),
        };
        self.report(Diagnostic::error(codes::WRONG_FIELD_TYPE, message).help(help), node.span, "");
    }

    /// What a name made by `let` stands for.
    pub(super) fn let_name(&self, value: &Template, node: &'a Node) -> Named<'a> {
        if let (Template::Literal(Value::Text(said)), text::Kind::Text(written)) = (value, &node.kind)
            && *said == written.value
        {
            return Named::Value(Some(Holds::said(&written.value)));
        }
        let known = self.known_of_template(value);
        let kind = match value {
            Template::Expression(expression) if known.is_none() => self.kind_of(expression),
            Template::Literal(Value::List(_)) | Template::List(_) => Some(Kind::List),
            Template::Expression(_) | Template::Literal(_) | Template::Text(_) | Template::Map(_) => None,
        };
        match kind {
            Some(Kind::List) => Named::List,
            Some(kind) => Named::Value(known.or(field_type_of(kind).map(Holds::plain))),
            None => Named::Value(known),
        }
    }

    /// What the value of a path is, where it is known.
    fn kind_of_path(&self, path: &[String]) -> Option<Kind> {
        if let Some(holds) = self.known(path) {
            return kind_of_type(holds.field_type);
        }
        let [root] = path else { return None };
        match root.as_str() {
            "record" if self.has_record() => Some(Kind::Map),
            "run" | "flow" | "inputs" => Some(Kind::Map),
            name => match self.names.find(name)?.what {
                Named::FoundList(_) | Named::List => Some(Kind::List),
                Named::Written | Named::Deleted | Named::Found(_) => Some(Kind::Map),
                Named::Value(_) | Named::Acted(_) => None,
            },
        }
    }
}

/// What fields of this type hold.
fn kind_of_type(field_type: FieldType) -> Option<Kind> {
    match field_type {
        FieldType::Text | FieldType::Choice => Some(Kind::Text),
        FieldType::Number => Some(Kind::Number),
        FieldType::Boolean => Some(Kind::Boolean),
        FieldType::Date => Some(Kind::Date),
        FieldType::Moment => Some(Kind::Moment),
        FieldType::Choices => Some(Kind::List),
        FieldType::Any => None,
    }
}

fn field_type_of(kind: Kind) -> Option<FieldType> {
    match kind {
        Kind::Boolean => Some(FieldType::Boolean),
        Kind::Number => Some(FieldType::Number),
        Kind::Text => Some(FieldType::Text),
        Kind::Date => Some(FieldType::Date),
        Kind::Moment => Some(FieldType::Moment),
        Kind::Nothing | Kind::List | Kind::Map | Kind::Range | Kind::Function | Kind::TooLarge => None,
    }
}

/// Whether a computed value of this kind can be what a field of this type holds, in whatever way it is written down.
fn can_be(found: Kind, field_type: FieldType) -> bool {
    match field_type {
        FieldType::Number => matches!(found, Kind::Number | Kind::Nothing),
        FieldType::Boolean => matches!(found, Kind::Boolean | Kind::Number | Kind::Nothing),
        FieldType::Date | FieldType::Moment => !matches!(found, Kind::Boolean | Kind::List | Kind::Map),
        FieldType::Text | FieldType::Choice | FieldType::Choices | FieldType::Any => true,
    }
}
