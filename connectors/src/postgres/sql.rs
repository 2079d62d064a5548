//! Statements: text that holds names from the catalogue, and values that are bound.
//!
//! Every value travels as text and is turned into its column's type by the server, whose own rules then decide what
//! is a number, a day or a word of an enum. Every answer travels as text too.

/// One statement.
#[derive(Clone, Debug, Default)]
pub(super) struct Statement {
    pub(super) text: String,
    /// The values of `$1`, `$2`, …
    pub(super) values: Vec<Option<String>>,
}

impl Statement {
    /// A statement without values.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// Binds a value, and gives the name it has in the text.
    pub(super) fn bind(&mut self, value: Option<String>) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Binds a text.
    pub(super) fn text(&mut self, value: &str) -> String {
        self.bind(Some(value.to_owned()))
    }
}

/// A name as an identifier, whatever stands in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
