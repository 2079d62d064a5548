//! What is wrong with a file: a code, one sentence, the exact place, and help that can be acted on.

use std::sync::Arc;

use crate::source::{SourceFile, Span};
use crate::suggest::Meant;

/// One mistake, or one warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind: `F0203`.
    pub code: &'static str,
    /// Whether the file can be used in spite of it.
    pub severity: Severity,
    /// One sentence, lower case, without a final stop.
    pub message: String,
    /// Where, first the place to change; others only explain.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
    /// A change that would mend it.
    pub fix: Option<Fix>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// What the file describes cannot run.
    Error,
    /// It can run, and may do what the author does not expect.
    Warning,
    /// Nothing is wrong with it, and yet it is good to know.
    Note,
}

/// A place, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The path of the file.
    pub file: Arc<str>,
    /// Where in it.
    pub span: Span,
    /// A few words; may be empty.
    pub text: String,
}

/// A change to the file of the first label.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fix {
    /// What to replace; empty to insert.
    #[serde(skip)]
    pub span: Span,
    /// What to write there.
    pub replacement: String,
    /// Whether it may be put in without asking.
    pub confidence: Confidence,
}

/// How sure it is that a fix is what the author meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// It can hardly be anything else, as with a slip of the finger: put in even where more is wrong at its place.
    Certain,
    /// Put in where it proves itself: its mistake is gone, and nothing new is wrong there.
    IfProven,
    /// It may be something else, and then a flow would do something else: offered, and put in by nobody but the author.
    Guess,
}

impl Diagnostic {
    /// A mistake.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None, fix: None }
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// A note.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, message) }
    }

    /// Adds a place; the first is the one to change.
    pub fn at(mut self, file: &Arc<str>, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { file: Arc::clone(file), span, text: text.into() });
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do, where there is something to say.
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// A change that mends it, where it proves itself.
    pub fn fix(self, span: Span, replacement: impl Into<String>) -> Self {
        self.with_fix(span, replacement, Confidence::IfProven)
    }

    /// Offers a change that the author may have in mind, one among others.
    pub fn offer(self, span: Span, replacement: impl Into<String>) -> Self {
        self.with_fix(span, replacement, Confidence::Guess)
    }

    /// A change, as sure as it is.
    pub fn with_fix(mut self, span: Span, replacement: impl Into<String>, confidence: Confidence) -> Self {
        self.fix = Some(Fix { span, replacement: replacement.into(), confidence });
        self
    }

    /// Offers the word that was probably meant, in place of the one that stands at `span`.
    pub fn did_you_mean(self, span: Span, meant: Option<Meant<'_>>) -> Self {
        match meant {
            Some(Meant { word, confidence }) => {
                self.help(format!("did you mean `{word}`?")).with_fix(span, word, confidence)
            }
            None => self,
        }
    }

    /// Whether it is a mistake.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Diagnostics of one file, gathered while reading goes on.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    file: SourceFile,
    list: Vec<Diagnostic>,
}

/// More than this of one severity help nobody in one file.
const MOST: usize = 100;

impl Diagnostics {
    /// For this file.
    pub fn new(file: &SourceFile) -> Self {
        Self { file: file.clone(), list: Vec::new() }
    }

    /// The file.
    pub fn file(&self) -> &SourceFile {
        &self.file
    }

    /// A mistake at a place of the file; add help to what is returned.
    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, label: impl Into<String>) {
        self.push(self.at(Diagnostic::error(code, message), span, label));
    }

    /// The diagnostic, with one more place in this file.
    pub fn at(&self, diagnostic: Diagnostic, span: Span, label: impl Into<String>) -> Diagnostic {
        diagnostic.at(&self.file.path, span, label)
    }

    /// Takes one in. The same thing at the same place is said once, and beyond a hundred nothing more. Warnings leave
    /// the mistakes their room: a file with a mistake must not pass for a good one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let n_alike = self.list.iter().filter(|known| known.severity == diagnostic.severity).count();
        if n_alike < MOST && !self.list.contains(&diagnostic) {
            self.list.push(diagnostic);
        }
    }

    /// Whether there is a mistake among them.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(Diagnostic::is_error)
    }

    /// All of them, in the order in which they were found.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_warnings_hides_a_mistake() {
        let mut diagnostics = Diagnostics::new(&SourceFile::new("a.yaml", "a: 1\n"));
        (0..200).for_each(|n| diagnostics.push(Diagnostic::warning("F1", format!("warning {n}"))));
        assert!(!diagnostics.has_errors());
        (0..200).for_each(|n| diagnostics.push(Diagnostic::error("F2", format!("mistake {n}"))));
        assert!(diagnostics.has_errors(), "a flow with a mistake was taken for a good one");
        assert_eq!(diagnostics.into_vec().len(), 2 * MOST);
    }
}
