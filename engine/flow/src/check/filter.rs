//! Filters: data with a meaning of our own, checked against the object's fields.

use sdk::{Field, FieldType, Filter, ObjectSchema, Test, Value};
use text::{Diagnostic, Entry, Kind, Map, Meant, Node, did_you_mean, quoted, shown};

use super::Checker;
use super::comparison::{is_comparable, path_name};
use super::field::ID;
use super::literal::held;
use super::mapping::converter;
use crate::codes;
use crate::expr::{FilterTemplate, Template, TestTemplate};
use crate::language::COMPARISONS;

/// What a test asks about.
#[derive(Clone, Copy)]
enum Asked<'a> {
    /// The record's id, which is text, whatever a field of that name holds.
    Id,
    /// A field, where it is known.
    Field(Option<&'a Field>),
}

impl<'a> Checker<'a> {
    /// A filter; `None` where a mistake was reported.
    pub(super) fn filter(
        &mut self,
        node: &Node,
        schema: Option<&'a ObjectSchema>,
        target: &str,
    ) -> Option<FilterTemplate> {
        let Kind::Map(map) = &node.kind else {
            self.filter_mistake(
                node,
                format!("a filter must be a map such as `{{stage: won}}`, and this is {}", node.describe()),
                None,
            );
            return None;
        };
        let mut filters = Vec::new();
        let mut complete = true;
        let around = self.stand_beside(map.entries.iter().map(|entry| entry.key.text.as_str()));
        for entry in &map.entries {
            match self.filter_entry(entry, schema, target) {
                Some(filter) => filters.push(filter),
                None => complete = false,
            }
        }
        self.beside = around;
        complete.then(|| match filters.pop() {
            Some(only) if filters.is_empty() => only,
            Some(last) => {
                filters.push(last);
                FilterTemplate::All(filters)
            }
            None => FilterTemplate::All(filters),
        })
    }

    fn filter_entry(
        &mut self,
        entry: &Entry,
        schema: Option<&'a ObjectSchema>,
        target: &str,
    ) -> Option<FilterTemplate> {
        let name = entry.key.text.as_str();
        if name == "all" || name == "any" {
            let Kind::List(items) = &entry.value.kind else {
                self.filter_mistake(
                    &entry.value,
                    format!("`{name}` must be a list of filters, and this is {}", entry.value.describe()),
                    None,
                );
                return None;
            };
            let filters: Vec<_> = items.iter().map(|item| self.filter(item, schema, target)).collect();
            let filters = filters.into_iter().collect::<Option<Vec<_>>>()?;
            return Some(if name == "all" { FilterTemplate::All(filters) } else { FilterTemplate::Any(filters) });
        }
        if let Some(ours) = joined(name, entry, schema) {
            let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, format!("`{name}` is written `{ours}` in a filter"));
            let diagnostic = diagnostic.did_you_mean(entry.key.span, Some(Meant::synonym(ours)));
            self.report(diagnostic, entry.key.span, "");
            return None;
        }
        let asked = match schema {
            _ if name == "id" => Asked::Id,
            Some(schema) => Asked::Field(Some(self.field(schema, target, name, entry.key.span)?)),
            None => Asked::Field(None),
        };
        let of_field = |test| FilterTemplate::Field { field: name.to_owned(), test };
        match &entry.value.kind {
            Kind::Map(tests) if tests.entries.is_empty() => {
                let help = format!("write `{{{name}: value}}`, or `{{{name}: {{exists: true}}}}`");
                self.filter_mistake(&entry.value, format!("nothing is asked of `{name}`"), Some(help));
                None
            }
            Kind::Map(tests) => {
                let tests = self.tests(tests, asked)?;
                Some(match <[TestTemplate; 1]>::try_from(tests) {
                    Ok([only]) => of_field(only),
                    Err(tests) => FilterTemplate::All(tests.into_iter().map(of_field).collect()),
                })
            }
            Kind::List(_) => {
                let help = format!("write `{{{name}: {{in: […]}}}}` for one of several values");
                self.filter_mistake(&entry.value, "a field is not compared with a list".to_owned(), Some(help));
                None
            }
            Kind::Null => Some(of_field(TestTemplate::Exists(false))),
            Kind::Text(text) if comparison(&text.value).is_some() => {
                let help = comparison(&text.value).map(|ours| {
                    format!("write `{name}: {ours}`; for the text, `{name}: {{in: [{}]}}`", quoted(&text.value))
                });
                self.filter_mistake(
                    &entry.value,
                    format!("`{}` is a text here, and no comparison", shown(&text.value)),
                    help,
                );
                None
            }
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Broken => {
                Some(of_field(TestTemplate::Eq(self.same(&entry.value, asked)?)))
            }
        }
    }

    fn tests(&mut self, map: &Map, asked: Asked<'_>) -> Option<Vec<TestTemplate>> {
        let mut tests = Vec::new();
        let mut complete = true;
        for entry in &map.entries {
            match self.test(entry, asked) {
                Some(test) => tests.push(test),
                None => complete = false,
            }
        }
        complete.then_some(tests)
    }

    fn test(&mut self, entry: &Entry, asked: Asked<'_>) -> Option<TestTemplate> {
        let value = &entry.value;
        match entry.key.text.as_str() {
            "eq" => Some(TestTemplate::Eq(self.same(value, asked)?)),
            "not" => Some(TestTemplate::Not(self.same(value, asked)?)),
            "gt" => Some(TestTemplate::Gt(self.bound(value, asked)?)),
            "gte" => Some(TestTemplate::Gte(self.bound(value, asked)?)),
            "lt" => Some(TestTemplate::Lt(self.bound(value, asked)?)),
            "lte" => Some(TestTemplate::Lte(self.bound(value, asked)?)),
            "contains" => Some(TestTemplate::Contains(self.part(value, asked)?)),
            "between" => match &value.kind {
                Kind::List(ends) if ends.len() == 2 => {
                    let (low, high) = (self.bound(&ends[0], asked), self.bound(&ends[1], asked));
                    Some(TestTemplate::Between(low?, high?))
                }
                _ => {
                    self.filter_mistake(
                        value,
                        "`between` takes two values".to_owned(),
                        Some("write `between: [1, 10]`".to_owned()),
                    );
                    None
                }
            },
            "in" => match &value.kind {
                Kind::List(items) => {
                    let items: Vec<_> = items.iter().map(|item| self.same(item, asked)).collect();
                    Some(TestTemplate::In(Template::List(items.into_iter().collect::<Option<_>>()?)))
                }
                Kind::Text(_) => Some(TestTemplate::In(self.value(value)?)),
                _ => {
                    self.filter_mistake(value, "`in` takes a list".to_owned(), Some("write `in: [a, b]`".to_owned()));
                    None
                }
            },
            "exists" => match value.kind {
                Kind::Bool(wanted) => Some(TestTemplate::Exists(wanted)),
                _ => {
                    self.filter_mistake(value, "`exists` is true or false".to_owned(), None);
                    None
                }
            },
            other => {
                let known = COMPARISONS.known();
                let diagnostic =
                    Diagnostic::error(codes::UNKNOWN_KEY, format!("unknown comparison `{}`", shown(other)))
                        .help(super::connection::listed("a field is compared with", known.clone()))
                        .did_you_mean(entry.key.span, did_you_mean(other, known));
                self.report(diagnostic, entry.key.span, "");
                None
            }
        }
    }

    /// A value that is to be the same as a field's.
    fn same(&mut self, node: &Node, asked: Asked<'_>) -> Option<Template> {
        match (asked, &node.kind) {
            (Asked::Field(Some(field)), Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_))
                if field.field_type == FieldType::Choices =>
            {
                let help = format!("write `{{{}: {{contains: …}}}}`", field.name);
                self.filter_mistake(node, format!("`{}` holds a list of its options", field.name), Some(help));
                None
            }
            (Asked::Field(_) | Asked::Id, _) => self.operand(node, asked),
        }
    }

    /// An end of an order: without one, the answer would be no for every record.
    fn bound(&mut self, node: &Node, asked: Asked<'_>) -> Option<Template> {
        if node.kind == Kind::Null {
            let help = "an empty field is asked for by `exists: false`".to_owned();
            self.filter_mistake(node, "an empty value has no order".to_owned(), Some(help));
            return None;
        }
        match asked {
            Asked::Field(Some(field)) if matches!(field.field_type, FieldType::Boolean | FieldType::Choices) => {
                let held = held(field.field_type);
                self.filter_mistake(node, format!("`{}` holds {held}, which has no order", field.name), None);
                None
            }
            Asked::Field(_) | Asked::Id => self.operand(node, asked),
        }
    }

    /// A part of a text, or an item of a list: either may be of another type than the field.
    fn part(&mut self, node: &Node, asked: Asked<'_>) -> Option<Template> {
        let part = self.value(node)?;
        let Asked::Field(Some(field)) = asked else { return Some(part) };
        match (field.field_type, part) {
            (FieldType::Choices, Template::Literal(value)) => self.literal(value, node, field).map(Template::Literal),
            (FieldType::Text | FieldType::Choice | FieldType::Choices | FieldType::Any, part) => Some(part),
            (FieldType::Number | FieldType::Boolean | FieldType::Date | FieldType::Moment, _) => {
                let held = held(field.field_type);
                self.filter_mistake(node, format!("`{}` holds {held}, which have no parts", field.name), None);
                None
            }
        }
    }

    /// A value to compare with, of the type of what is asked about where it is plain.
    fn operand(&mut self, node: &Node, asked: Asked<'_>) -> Option<Template> {
        match (self.value(node)?, asked) {
            (Template::Literal(value), Asked::Field(Some(field))) => {
                self.literal(value, node, field).map(Template::Literal)
            }
            (Template::Literal(value), Asked::Id) => self.literal(value.into_id(), node, &ID).map(Template::Literal),
            (template, Asked::Field(Some(field))) => {
                self.check_computed(&template, node, field);
                Some(template)
            }
            (template, Asked::Field(None) | Asked::Id) => Some(template),
        }
    }

    /// A field of the record that another one is compared with holds the same: else no record would be met.
    fn check_computed(&mut self, template: &Template, node: &Node, field: &Field) {
        let Template::Expression(expression) = template else { return };
        let Some(path) = &expression.reads().path else { return };
        let Some(other) = self.known(path).map(|holds| holds.field_type) else { return };
        if is_comparable(field.field_type, other) {
            return;
        }
        let (name, held_by_other) = (&field.name, held(other));
        let message = format!(
            "`{name}` holds {}, and is compared with `{}`, which holds {held_by_other}",
            held(field.field_type),
            path_name(path)
        );
        let read = expression.source().trim();
        let help = converter(field.field_type).map(|function| format!("write `${{ {function}({read}) }}`"));
        self.report(Diagnostic::error(codes::OTHER_TYPE, message).maybe_help(help), node.span, "");
    }

    fn filter_mistake(&mut self, node: &Node, message: String, help: Option<String>) {
        if node.kind != Kind::Broken {
            let diagnostic = Diagnostic::error(codes::WRONG_TYPE, message).maybe_help(help);
            self.report(diagnostic, node.span, "");
        }
    }
}

/// Our word for what others join filters by, where it is no field.
fn joined(name: &str, entry: &Entry, schema: Option<&ObjectSchema>) -> Option<&'static str> {
    let is_field = schema.is_some_and(|schema| schema.fields.contains_key(name));
    match name {
        "or" if !is_field && matches!(entry.value.kind, Kind::List(_)) => Some("any"),
        "and" if !is_field && matches!(entry.value.kind, Kind::List(_)) => Some("all"),
        _ => None,
    }
}

/// A comparison that is written as text, such as `>= 5` or `!= null`, as a filter has it.
fn comparison(text: &str) -> Option<String> {
    const OPERATORS: [(&str, &str); 7] =
        [(">=", "gte"), ("<=", "lte"), ("!=", "not"), ("<>", "not"), ("==", "eq"), (">", "gt"), ("<", "lt")];
    let (operator, ours) = OPERATORS.into_iter().find(|(operator, _)| text.trim_start().starts_with(operator))?;
    let value = text.trim_start()[operator.len()..].trim();
    match (ours, value) {
        ("not", "null" | "()" | "nil" | "None") => Some("{exists: true}".to_owned()),
        ("eq", "null" | "()" | "nil" | "None") => Some("{exists: false}".to_owned()),
        (_, number) if number.parse::<f64>().is_ok() => Some(format!("{{{ours}: {number}}}")),
        _ => None,
    }
}

/// The filter, where nothing in it is computed.
pub(super) fn plain(filter: &FilterTemplate) -> Option<Filter> {
    match filter {
        FilterTemplate::All(filters) => Some(Filter::All(filters.iter().map(plain).collect::<Option<_>>()?)),
        FilterTemplate::Any(filters) => Some(Filter::Any(filters.iter().map(plain).collect::<Option<_>>()?)),
        FilterTemplate::Field { field, test } => Some(Filter::Field { field: field.clone(), test: plain_test(test)? }),
    }
}

fn plain_test(test: &TestTemplate) -> Option<Test> {
    Some(match test {
        TestTemplate::Eq(value) => Test::Eq(plain_value(value)?),
        TestTemplate::Not(value) => Test::Not(plain_value(value)?),
        TestTemplate::Gt(value) => Test::Gt(plain_value(value)?),
        TestTemplate::Gte(value) => Test::Gte(plain_value(value)?),
        TestTemplate::Lt(value) => Test::Lt(plain_value(value)?),
        TestTemplate::Lte(value) => Test::Lte(plain_value(value)?),
        TestTemplate::Between(low, high) => Test::Between(plain_value(low)?, plain_value(high)?),
        TestTemplate::In(values) => match plain_value(values)? {
            Value::List(values) => Test::In(values),
            _ => return None,
        },
        TestTemplate::Contains(value) => Test::Contains(plain_value(value)?),
        TestTemplate::Exists(wanted) => Test::Exists(*wanted),
    })
}

fn plain_value(template: &Template) -> Option<Value> {
    match template {
        Template::Literal(value) => Some(value.clone()),
        Template::List(items) => Some(Value::List(items.iter().map(plain_value).collect::<Option<_>>()?)),
        Template::Expression(_) | Template::Text(_) | Template::Map(_) => None,
    }
}
