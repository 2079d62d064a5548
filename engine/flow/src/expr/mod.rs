//! Expressions: small questions and values in Rhai, without any power beyond their inputs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use sdk::{Filter, Value};

/// A compiled expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expression {
    source: Arc<str>,
    reads: Arc<Reads>,
}

/// Where an expression starts in its file, for messages at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The flow's file as the author names it.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
}

/// Why an expression cannot be used, in the author's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionMistake {
    /// Which kind of mistake.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Bytes of the source that it is about.
    pub span: Option<Range<usize>>,
    /// What to write there instead.
    pub replacement: Option<String>,
}

/// What an expression reads of the names around it, by root name; names of closure parameters are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// By root name: `record`, `customer`, `now`, ….
    pub roots: BTreeMap<String, RootReads>,
}

/// What is read of one root name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootReads {
    /// Each use, in the order of the source.
    pub uses: Vec<Read>,
    /// Where the root is used as a whole value other than in a comparison with `()`: which of its fields are read is unknown.
    pub whole: Option<Range<usize>>,
    /// Where it is indexed with a computed key: which of its fields are read is unknown.
    pub computed: Option<Range<usize>>,
}

/// One use of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The properties read in turn: `["owner", "email"]` of `record.owner.email`; empty for the root itself.
    pub path: Vec<String>,
    /// Bytes of the source that the root's name takes.
    pub span: Range<usize>,
    /// Whether it is fine for the root to be `()`: `?.`, `??`, or a comparison with `()`.
    pub safe: bool,
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
    /// Compiles and checks the source; names are the flow checker's part, through [`Expression::reads`].
    pub fn compile(_source: &str, _place: &Place) -> Result<Self, ExpressionMistake> {
        todo!("expr helper")
    }
    /// What it reads.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }
    /// As the author wrote it.
    pub fn source(&self) -> &str {
        &self.source
    }
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
