//! Expressions: small questions and values in Rhai, without any power beyond their inputs.

use std::sync::Arc;

use sdk::{Filter, Value};

/// A compiled expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expression {
    source: Arc<str>,
}

/// A value of a flow file, with its `${ … }` compiled.
#[derive(Clone, Debug)]
pub enum Template {
    /// A plain value.
    Literal(Value),
    /// One whole `${ … }`: keeps its type.
    Expression(Expression),
    /// Text with expressions inside.
    Text(Vec<TextPart>),
    /// A list.
    List(Vec<Template>),
    /// Named values.
    Map(Vec<(String, Template)>),
}

/// A piece of text.
#[derive(Clone, Debug)]
pub enum TextPart {
    /// As it stands.
    Literal(String),
    /// Computed, then made text.
    Expression(Expression),
}

/// A filter whose values may be computed.
#[derive(Clone, Debug)]
pub enum FilterTemplate {
    /// Every one holds.
    All(Vec<FilterTemplate>),
    /// At least one holds.
    Any(Vec<FilterTemplate>),
    /// One field's test.
    Field {
        /// The field.
        field: String,
        /// What is asked of it.
        test: TestTemplate,
    },
}

/// As [`sdk::Test`], with values that may be computed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each variant is the one of `sdk::Test` with the same name")]
pub enum TestTemplate {
    Eq(Template),
    Not(Template),
    Gt(Template),
    Gte(Template),
    Lt(Template),
    Lte(Template),
    Between(Template, Template),
    In(Template),
    Contains(Template),
    Exists(bool),
}

/// The names that a run's expressions see, with their values, converted once.
pub struct Scope {}

/// An expression that failed on a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluationError {
    /// One sentence, with the place in the flow's file (`flows/x.yaml:14:7`).
    pub message: String,
}

impl Scope {
    /// `record`, `run`, `flow` and `now` of one run.
    pub fn new(_flow: &crate::Flow, _record: &sdk::Record, _run: sdk::RunId, _now: sdk::Timestamp) -> Self {
        todo!("expr helper")
    }
    /// Adds a name made by a step; it hides an earlier one.
    pub fn set(&mut self, _name: &str, _value: &Value) {}
    /// How many names there are, for [`Scope::truncate`].
    pub fn len(&self) -> usize {
        0
    }
    /// Forgets the names made since there were `len`.
    pub fn truncate(&mut self, _len: usize) {}
}

impl Expression {
    /// Answers a question: anything but true or false is an error.
    pub fn ask(&self, _scope: &mut Scope) -> Result<bool, EvaluationError> {
        todo!()
    }
    /// The value.
    pub fn evaluate(&self, _scope: &mut Scope) -> Result<Value, EvaluationError> {
        todo!()
    }
}

impl Template {
    /// The value.
    pub fn evaluate(&self, _scope: &mut Scope) -> Result<Value, EvaluationError> {
        todo!()
    }
}

impl FilterTemplate {
    /// The filter.
    pub fn evaluate(&self, _scope: &mut Scope) -> Result<Filter, EvaluationError> {
        todo!()
    }
}
