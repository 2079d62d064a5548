//! Expressions that YAML took for something else.
//!
//! A value that begins with `!` or a quote, holds `: `, or stands unquoted inside of `{ }` or `[ ]` never arrives as
//! the author wrote it. YAML's own complaint is about YAML; here it is told as what it means for the expression.

use text::{Diagnostic, SourceFile, Span, quoted};

use crate::codes;
use crate::template::{self, Piece};

/// Keys whose whole value is an expression.
const QUESTIONS: [&str; 3] = ["when", "if", "where"];

/// The diagnostic as it is best told.
pub(super) fn explain(file: &SourceFile, diagnostic: Diagnostic) -> Diagnostic {
    let Some(label) = diagnostic.labels.first() else { return diagnostic };
    let line = file.line(label.span.start);
    let written = &file.text[line.clone()];
    let key = written.trim_start().trim_start_matches("- ").split(':').next().unwrap_or_default().trim();
    let is_question = QUESTIONS.contains(&key);
    match diagnostic.code {
        text::codes::TAG if is_question => {
            let mut diagnostic = damaged(diagnostic, "YAML takes the leading `!` for a tag, not for \"not\"");
            diagnostic.help = diagnostic.help.map(|_| {
                let fix = diagnostic.fix.as_ref().map_or("", |fix| fix.replacement.as_str());
                format!("write `not(…)`, or put the whole expression in quotes: {fix}")
            });
            diagnostic
        }
        text::codes::AFTER_QUOTE if is_question || written.contains("${") => {
            damaged(diagnostic, "YAML ends this value at the closing quote, and the expression goes on")
        }
        text::codes::COLON_IN_VALUE if is_question || written.contains("${") => {
            damaged(diagnostic, "YAML takes the `: ` inside of this expression for the start of a value")
        }
        text::codes::SYNTAX => unquoted_in_brackets(file, line.start, written).unwrap_or(diagnostic),
        _ => diagnostic,
    }
}

fn damaged(diagnostic: Diagnostic, message: &str) -> Diagnostic {
    Diagnostic { code: codes::DAMAGED, message: message.to_owned(), ..diagnostic }
}

/// The first `${ … }` of a line that stands in brackets and in no quotes.
fn unquoted_in_brackets(file: &SourceFile, line_start: usize, line: &str) -> Option<Diagnostic> {
    let mut n_brackets = 0_usize;
    let mut quote = None;
    let mut at = 0;
    for (offset, character) in line.char_indices() {
        if offset < at {
            continue;
        }
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '$') if line[offset..].starts_with("${") => {
                // The end of the expression, or of the line where it has none.
                let end = match template::split(&line[offset..]).as_deref() {
                    Ok([Piece::Expression(range), ..]) => offset + range.end + 1,
                    Ok(_) | Err(_) => line.len(),
                };
                if n_brackets > 0 {
                    let span = Span::new(line_start + offset, line_start + end);
                    let replacement = quoted(file.slice(span));
                    return Some(
                        Diagnostic::error(
                            codes::DAMAGED,
                            "YAML takes the `{` of an unquoted `${ }` for a map, because it stands inside of brackets",
                        )
                        .at(&file.path, span, "this needs quotes")
                        .help(format!("put the whole value in quotes, such as {replacement}"))
                        .fix(span, replacement),
                    );
                }
                at = end;
            }
            (None, '{' | '[') => n_brackets += 1,
            (None, '}' | ']') => n_brackets = n_brackets.saturating_sub(1),
            (None, _) => {}
        }
    }
    None
}
