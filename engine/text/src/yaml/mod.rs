//! YAML 1.2, strictly: one document, no anchors, no tags, no key twice, and scalars resolved by rules of our own.
//!
//! The parser's events are built into a tree here, rather than deserialised, because only events tell how a scalar
//! was written, and because a mistake inside a value must not hide the next one. A mistake of syntax ends the
//! reading of its file; what was read up to there is not used.

mod build;
mod conflict;
mod open;
mod outline;
mod scalar;
mod syntax;

use serde_yaml::granit_parser::{Parser, options};

use crate::codes;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::node::Node;
use crate::source::{MAX_FILE_SIZE, SourceFile, Span, too_large};
use crate::suggest::is_hidden;

pub use outline::outline;

/// Lists and maps may stand this deep in each other.
pub(crate) const MAX_DEPTH: usize = 64;
/// A file may have this many values and keys.
pub(crate) const MAX_NODES: usize = 50_000;

/// What was read of one file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The tree; `None` where the file is no YAML or holds nothing.
    pub root: Option<Node>,
    /// All mistakes that are YAML's own.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads one file.
pub fn parse_yaml(file: &SourceFile) -> Document {
    let mut diagnostics = Diagnostics::new(file);
    let root = read(file, &mut diagnostics);
    Document { root, diagnostics: diagnostics.into_vec() }
}

/// Whether this, without quotes, is read as text and as nothing else.
pub(crate) fn is_plain_text(text: &str) -> bool {
    scalar::resolve(text) == scalar::Resolved::Text
}

fn read(file: &SourceFile, diagnostics: &mut Diagnostics) -> Option<Node> {
    if file.text.len() > MAX_FILE_SIZE {
        diagnostics.push(too_large(file.text.len()).at(&file.path, Span::default(), ""));
        return None;
    }
    if let Some(hidden) = hidden_character(file) {
        diagnostics.push(hidden);
        return None;
    }
    let conflicts = conflict::conflicts(file);
    if !conflicts.is_empty() {
        conflicts.into_iter().for_each(|conflict| diagnostics.push(conflict));
        return None;
    }
    let options = options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut parser = Parser::new_from_str_with_options(&file.text, options);
    let mut builder = build::Builder::new(diagnostics);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => {
                let span = span.byte_range().map_or_else(Span::default, Span::from);
                if builder.take(event, span).is_break() {
                    return None;
                }
            }
            Err(error) => {
                let diagnostic = syntax::explain(file, &error);
                builder.into_diagnostics().push(diagnostic);
                return None;
            }
        }
    }
    let root = builder.finish();
    if root.is_none() && !diagnostics.has_errors() {
        diagnostics.push(
            Diagnostic::error(codes::EMPTY, "the file is empty")
                .at(&file.path, Span::default(), "")
                .help("begin with the key that says what it is, or remove the file"),
        );
    }
    root
}

/// The first character that a reader could not see, tabs and line breaks excepted.
fn hidden_character(file: &SourceFile) -> Option<Diagnostic> {
    let (offset, character) = file.text.char_indices().find(|(offset, character)| match character {
        '\n' | '\t' => false,
        '\r' => file.text.as_bytes().get(offset + 1) != Some(&b'\n'),
        _ => is_hidden(*character),
    })?;
    let code = u32::from(character);
    let span = Span::new(offset, offset + character.len_utf8());
    Some(
        Diagnostic::error(codes::CONTROL_CHARACTER, format!("the file holds the hidden character U+{code:04X}"))
            .at(&file.path, span, "it stands here")
            .help("remove it; inside double quotes it can be written as an escape"),
    )
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
