//! What the YAML parser stumbled over, in the author's words.

use serde_yaml::granit_parser::{ErrorKind, ScanError};

use super::open::open_at;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::{SourceFile, Span};
use crate::suggest::{quoted, shown};

/// The tab before the first word of a line, in the line of `offset` or the next that has one: the parser notices it
/// anywhere between the value before it and the word after it.
fn indenting_tab(file: &SourceFile, offset: usize) -> Option<Span> {
    let mut start = file.line(offset).start;
    for line in file.text[start..].split_inclusive('\n') {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indentation].find('\t') {
            return Some(Span::new(start + tab, start + tab + 1));
        }
        start += line.len();
    }
    None
}

/// The diagnostic for a parser's error.
pub(super) fn explain(file: &SourceFile, error: &ScanError) -> Diagnostic {
    let offset = error.marker().byte_offset().unwrap_or(file.text.len()).min(file.text.len());
    let at = here(file, offset);
    let say = |message: &str, label: &str| Diagnostic::error(codes::SYNTAX, message).at(&file.path, at, label);
    match error.kind() {
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            after_quote(file, offset)
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement | ErrorKind::InvalidSimpleKey => {
            colon_in_value(file, offset).unwrap_or_else(|| {
                say("a `key: value` cannot stand here", "")
                    .help("check the indentation of this line, and whether the line above lacks its colon")
            })
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::ExpectedBlockMappingKey => colon_in_value(file, offset)
            .unwrap_or_else(|| {
                say("expected `key: value`", "")
                    .help("a key ends with a colon and a space; a value that runs over several lines is indented more")
            }),
        ErrorKind::RecursionLimitExceeded => {
            Diagnostic::error(codes::TOO_DEEP, "lists and maps stand too deep in each other")
                .at(&file.path, at, "")
                .help(format!("{} levels are the most", super::MAX_DEPTH))
        }
        ErrorKind::DirectiveDisallowed => Diagnostic::error(codes::DIRECTIVE, "directives are not allowed")
            .at(&file.path, at, "")
            .help("remove the line; a value that begins with `%` needs quotes"),
        ErrorKind::UndeclaredTagHandle
        | ErrorKind::ExpectedTagBang
        | ErrorKind::InvalidGlobalTagCharacter
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::MissingTagUri
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::InvalidTagEscape
        | ErrorKind::InvalidTagUtf8LeadingByte
        | ErrorKind::InvalidTagUtf8TrailingByte
        | ErrorKind::InvalidTagUtf8 => tag(file, offset),
        ErrorKind::MissingAnchorOrAliasName | ErrorKind::UnknownAnchor => {
            Diagnostic::error(codes::ANCHOR, "anchors and aliases are not allowed")
                .at(&file.path, at, "")
                .help("a value that begins with `*` or `&` needs quotes")
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => Diagnostic::error(codes::SYNTAX, "a tab cannot indent in YAML")
            .at(&file.path, indenting_tab(file, offset).unwrap_or(at), "")
            .help("use spaces"),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent => {
            let message = "a quote is never closed, or its text goes on with too little indentation";
            let opening = open_at(&file.text, offset).quote.map(|quote| Span::new(quote, quote + 1));
            Diagnostic::error(codes::SYNTAX, message)
                .at(&file.path, opening.unwrap_or(at), "")
                .help("add the closing quote")
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            let close = if *open == '{' { '}' } else { ']' };
            say(&format!("`{open}` is never closed"), "").help(format!("add the closing `{close}`"))
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => say(&format!("`{open}` is closed by `{close}`"), ""),
        ErrorKind::MisplacedFlowCollectionEnd => say("a bracket is closed that was not opened", ""),
        ErrorKind::UnexpectedEofFlowSequence | ErrorKind::ExpectedFlowSequenceSeparator => {
            opened_above(say("expected `,` or `]`", ""), file, offset)
                .help("a value that holds `[`, `]`, `{`, `}` or `,` needs quotes inside of brackets")
        }
        ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::FlowMappingValueAdjacentCollection
        | ErrorKind::ExpectedFlowMappingSeparator => opened_above(say("expected `,` or `}`", ""), file, offset)
            .help("a value that holds `[`, `]`, `{`, `}` or `,` needs quotes inside of brackets"),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidFlowScalarIndent => {
            say("the indentation fits nothing above", "").help("entries of one list or map begin in the same column")
        }
        ErrorKind::ExpectedDocumentStart => left_of_the_first(file, offset)
            .unwrap_or_else(|| say("this belongs to nothing above", "").help("a file is one map of keys and values")),
        ErrorKind::UnexpectedCharacter { character } => {
            let written = shown(&character.to_string());
            say(&format!("`{written}` cannot begin a value"), "").help("put the value in quotes")
        }
        ErrorKind::UnknownQuotedScalarEscape => say("unknown escape in double quotes", "")
            .help("write `\\\\` for a backslash, or use single quotes, which have no escapes"),
        // Every other kind is rare, and the parser's own words are good enough.
        other => say(&format!("this is not YAML: {other}"), ""),
    }
}

/// Where the first line of a file is indented, the first that is not ends the document: most often it is the first that
/// is wrong, or the line above it is gone.
fn left_of_the_first(file: &SourceFile, offset: usize) -> Option<Diagnostic> {
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let written = line.trim_start();
        if !written.is_empty() && !written.starts_with('#') {
            let indentation = line.len() - written.len();
            let first = Span::new(start, start + indentation);
            let message = "the first key is indented, and a later one is not";
            let diagnostic = Diagnostic::error(codes::SYNTAX, message).at(&file.path, first, "indented here");
            let diagnostic = diagnostic.at(&file.path, here(file, offset), "not indented here");
            let help = "begin both in the same column, or write the key that the first ones belong to above them";
            return (indentation > 0).then(|| diagnostic.help(help));
        }
        start += line.len();
    }
    None
}

/// The rest of the line, where there is one, else the place.
fn here(file: &SourceFile, offset: usize) -> Span {
    let line = file.line(offset);
    let width = file.text[offset..line.end.max(offset)].chars().next().map_or(0, char::len_utf8);
    Span::new(offset, offset + width)
}

/// Shows the bracket that is open here, where it stands on an earlier line: most often that is the line that lacks its
/// end.
fn opened_above(diagnostic: Diagnostic, file: &SourceFile, offset: usize) -> Diagnostic {
    match open_at(&file.text, offset).bracket {
        Some(bracket) if bracket < file.line(offset).start => {
            diagnostic.at(&file.path, Span::new(bracket, bracket + 1), "opened here, and not closed yet")
        }
        Some(_) | None => diagnostic,
    }
}

fn after_quote(file: &SourceFile, offset: usize) -> Diagnostic {
    let value = value_of_line(file, offset);
    let end = value.map(|value| value.end).filter(|end| *end > offset).unwrap_or(file.line(offset).end);
    let diagnostic = Diagnostic::error(codes::AFTER_QUOTE, "text follows after a closing quote").at(
        &file.path,
        Span::new(offset, end),
        "to YAML, the value ended before this",
    );
    with_quotes(diagnostic, value, file)
}

/// Where a line reads `key: value` and its value holds another `: `.
fn colon_in_value(file: &SourceFile, offset: usize) -> Option<Diagnostic> {
    let value = value_of_line(file, offset)?;
    let written = file.slice(value);
    let colon = written.find(": ").or_else(|| written.strip_suffix(':').map(str::len))?;
    let at = Span::new(value.start + colon, value.start + colon + 1);
    let diagnostic = Diagnostic::error(
        codes::COLON_IN_VALUE,
        "a colon followed by a space inside of an unquoted value",
    )
    .at(&file.path, at, "to YAML, a value begins after this");
    Some(with_quotes(diagnostic, Some(value), file))
}

fn tag(file: &SourceFile, offset: usize) -> Diagnostic {
    let line = file.line(offset);
    let start = file.text[line.start..line.end].find('!').map_or(offset, |bang| line.start + bang);
    let span = Span::new(start, start + without_comment(&file.text[start..line.end.max(start)]).len());
    let diagnostic =
        Diagnostic::error(codes::TAG, "tags are not allowed").at(&file.path, span, "to YAML, this is a tag");
    with_quotes(diagnostic, Some(span), file)
}

fn with_quotes(diagnostic: Diagnostic, value: Option<Span>, file: &SourceFile) -> Diagnostic {
    match value {
        Some(span) => {
            let replacement = quoted(file.slice(span));
            diagnostic.help(format!("put the whole value in quotes: {replacement}")).fix(span, replacement)
        }
        None => diagnostic.help("put the whole value in quotes"),
    }
}

/// The value of the `key: value` on this line.
fn value_of_line(file: &SourceFile, offset: usize) -> Option<Span> {
    let line = file.line(offset);
    let text = &file.text[line.clone()];
    let colon = text.find(": ")?;
    let key = text[..colon].trim_start().trim_start_matches("- ").trim_start();
    if key.is_empty() || key.starts_with(['"', '\'', '{', '[', '#']) {
        return None;
    }
    let value = without_comment(text[colon + 2..].trim());
    let start = line.start + colon + 2 + (text[colon + 2..].len() - text[colon + 2..].trim_start().len());
    (!value.is_empty()).then(|| Span::new(start, start + value.len()))
}

/// What stands before the comment on the rest of a line. A `#` in a text in quotes begins none: put into other quotes,
/// the whole value says what its author meant.
pub(super) fn without_comment(rest: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in rest.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '#') if before.is_whitespace() => return rest[..at].trim_end(),
            // An apostrophe within a word opens nothing, and neither does what is never closed.
            (None, '"' | '\'') if !before.is_alphanumeric() => {
                quote = rest[at + 1..].contains(character).then_some(character);
            }
            (None, _) => {}
        }
        before = character;
    }
    rest.trim_end()
}
