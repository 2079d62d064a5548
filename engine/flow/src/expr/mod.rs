//! Expressions: small questions and values in Rhai, without any power beyond their inputs.
//!
//! An expression sees the names in its [`Scope`] and may call the functions of [`helpers`]; it changes nothing, knows
//! no clock and no chance, and ends soon. Whatever it is given, it gives a value or an [`EvaluationError`] that says to
//! its author what to do. Values of different types never compare silently.

mod compare;
mod compared;
mod compile;
mod convert;
mod engine;
mod evaluate;
mod failure;
pub mod helpers;
mod infer;
mod limits;
mod mistake;
mod scope;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use sdk::Value;

pub use compare::Kind;
pub use compared::{Compared, Comparison, LookUp, Operand, Operator};
pub use infer::Inferred;
pub use mistake::code;
pub use scope::Scope;

/// A compiled expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expression {
    compiled: Arc<compile::Compiled>,
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
    /// How sure that is.
    pub confidence: text::Confidence,
}

/// What an expression reads of the names around it, by root name; names of closure parameters are not among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reads {
    /// By root name: `record`, `customer`, `now`, ….
    pub roots: BTreeMap<String, RootReads>,
    /// Names that are certainly set where the answer is true, such as `customer` after `customer != ()`; properties of
    /// names too, such as `inputs.note`.
    pub set_where_true: Vec<String>,
    /// Names that are certainly set where the answer is false.
    pub set_where_false: Vec<String>,
    /// What is compared.
    pub comparisons: Vec<Comparison>,
    /// What is looked up by a name in a plain map.
    pub look_ups: Vec<LookUp>,
    /// Comparisons of which all must hold for a condition to be true, for each condition.
    pub together: Vec<Vec<Comparison>>,
    /// The name and the properties read of it in turn, where the expression is no more than that.
    pub path: Option<Vec<String>>,
}

/// What is read of one root name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootReads {
    /// Each use, in the order of the source.
    pub uses: Vec<Read>,
    /// Where the root is used as a whole value other than in a comparison with `()`: which of its fields are read is
    /// unknown.
    pub whole: Option<Range<usize>>,
    /// Where it is indexed with a computed key: which of its fields are read is unknown.
    pub computed: Option<Range<usize>>,
    /// Where it is used as a list of which only so much is read.
    pub items: Vec<ItemsRead>,
}

/// A use of a list: how many items it has, or one field of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemsRead {
    /// Bytes of the source that the list's name takes.
    pub span: Range<usize>,
    /// The field that is read of its items; none where they are only counted.
    pub field: Option<String>,
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
    /// Whether it is fine for the first property to be `()`, for the same reasons.
    pub property_safe: bool,
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

/// An expression that failed on a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluationError {
    /// One sentence, with the place in the flow's file (`flows/x.yaml:14:7`).
    pub message: String,
}

/// Whether expressions keep the word for themselves, so that no name made in a flow can be read by it.
pub fn is_reserved(word: &str) -> bool {
    !compile::is_name(word)
}

impl Expression {
    /// Compiles and checks the source; names are the flow checker's part, through [`Expression::reads`].
    pub fn compile(source: &str, place: &Place) -> Result<Self, ExpressionMistake> {
        Ok(Self { compiled: Arc::new(compile::compile(source, place)?) })
    }

    /// What it reads.
    pub fn reads(&self) -> &Reads {
        &self.compiled.reads
    }

    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.compiled.place
    }

    /// As the author wrote it, with options by their values.
    pub fn source(&self) -> &str {
        &self.compiled.source
    }
}
