//! Evaluating: expressions, and the templates and filters made of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rhai::{Dynamic, Position};
use sdk::{Filter, Test, Value};

use super::compare::Kind;
use super::convert::value_of;
use super::engine::ENGINE;
use super::{EvaluationError, Expression, FilterTemplate, Scope, Template, TestTemplate, TextPart, failure, limits};

impl Expression {
    /// Answers a question: anything but true or false is an error.
    pub fn ask(&self, scope: &mut Scope) -> Result<bool, EvaluationError> {
        let answer = self.run(scope)?;
        answer.as_bool().map_err(|_| {
            let kind = Kind::of(&answer);
            let hint = match kind {
                Kind::Nothing => {
                    "; compare it, for example `!= ()`, or say what counts where it is empty: `… ?? false`"
                }
                Kind::Text | Kind::Number => "; compare it with something",
                _ => "",
            };
            self.failed(&format!("a question is answered with true or false, and this gives {}{hint}", kind.name()))
        })
    }

    /// The value.
    pub fn evaluate(&self, scope: &mut Scope) -> Result<Value, EvaluationError> {
        value_of(&self.run(scope)?).map_err(|sentence| self.failed(&sentence))
    }

    fn run(&self, scope: &mut Scope) -> Result<Dynamic, EvaluationError> {
        limits::begin(&scope.zone);
        let len = scope.names.len();
        // What a panic leaves behind is a scope that is cut to its length again, and nothing else.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            ENGINE.eval_ast_with_scope::<Dynamic>(&mut scope.names, &self.compiled.tree)
        }));
        scope.names.rewind(len);
        match outcome {
            Ok(Ok(value)) => match limits::noted() {
                None => Ok(value.flatten()),
                Some(sentence) => Err(self.failed(&sentence)),
            },
            Ok(Err(error)) => Err(failure::explain(&self.compiled, &error)),
            Err(_) => Err(self
                .failed("the expression could not be evaluated: this is a mistake of the engine's, please report it")),
        }
    }

    fn failed(&self, sentence: &str) -> EvaluationError {
        failure::placed(&self.compiled, sentence, Position::NONE)
    }
}

impl Template {
    /// The value.
    pub fn evaluate(&self, scope: &mut Scope) -> Result<Value, EvaluationError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Expression(expression) => expression.evaluate(scope),
            Self::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        TextPart::Literal(literal) => text.push_str(literal),
                        TextPart::Expression(expression) => text.push_str(&expression.evaluate(scope)?.to_text()),
                    }
                }
                Ok(Value::Text(text))
            }
            Self::List(items) => {
                items.iter().map(|item| item.evaluate(scope)).collect::<Result<_, _>>().map(Value::List)
            }
            Self::Map(entries) => {
                let entries = entries.iter().map(|(name, value)| Ok((name.clone(), value.evaluate(scope)?)));
                entries.collect::<Result<_, _>>().map(Value::Map)
            }
        }
    }
}

impl FilterTemplate {
    /// The filter.
    pub fn evaluate(&self, scope: &mut Scope) -> Result<Filter, EvaluationError> {
        let mut each = |filters: &[Self]| filters.iter().map(|filter| filter.evaluate(scope)).collect::<Result<_, _>>();
        match self {
            Self::All(filters) => each(filters).map(Filter::All),
            Self::Any(filters) => each(filters).map(Filter::Any),
            Self::Field { field, test } => {
                let test = test.evaluate(scope)?;
                let test = if field == "id" { of_ids(test) } else { test };
                Ok(Filter::Field { field: field.clone(), test })
            }
        }
    }
}

/// The test of a record's id, to which a number is as good as its text.
fn of_ids(test: Test) -> Test {
    match test {
        Test::Eq(value) => Test::Eq(value.into_id()),
        Test::Not(value) => Test::Not(value.into_id()),
        Test::Gt(value) => Test::Gt(value.into_id()),
        Test::Gte(value) => Test::Gte(value.into_id()),
        Test::Lt(value) => Test::Lt(value.into_id()),
        Test::Lte(value) => Test::Lte(value.into_id()),
        Test::Between(low, high) => Test::Between(low.into_id(), high.into_id()),
        Test::In(values) => Test::In(values.into_iter().map(Value::into_id).collect()),
        Test::Contains(part) => Test::Contains(part.into_id()),
        Test::Exists(wanted) => Test::Exists(wanted),
    }
}

impl TestTemplate {
    fn evaluate(&self, scope: &mut Scope) -> Result<Test, EvaluationError> {
        Ok(match self {
            Self::Eq(value) => Test::Eq(value.evaluate(scope)?),
            Self::Not(value) => Test::Not(value.evaluate(scope)?),
            Self::Gt(value) => Test::Gt(value.evaluate(scope)?),
            Self::Gte(value) => Test::Gte(value.evaluate(scope)?),
            Self::Lt(value) => Test::Lt(value.evaluate(scope)?),
            Self::Lte(value) => Test::Lte(value.evaluate(scope)?),
            Self::Between(low, high) => Test::Between(low.evaluate(scope)?, high.evaluate(scope)?),
            Self::In(values) => Test::In(match values.evaluate(scope)? {
                Value::List(values) => values,
                Value::Null => Vec::new(),
                one => vec![one],
            }),
            Self::Contains(part) => Test::Contains(part.evaluate(scope)?),
            Self::Exists(wanted) => Test::Exists(*wanted),
        })
    }
}
