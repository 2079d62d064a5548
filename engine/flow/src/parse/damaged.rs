//! Expressions that YAML took for something else.
//!
//! A value that begins with `!` or a quote, holds `: `, or stands unquoted inside of `{ }` or `[ ]` never arrives as
//! the author wrote it. YAML's own complaint is about YAML; here it is told as what it means for the expression.

use text::{Diagnostic, Diagnostics, Entry, Kind, Node, SourceFile, Span, quoted};

use crate::codes;
use crate::template::{self, Piece};

/// Keys whose whole value is an expression.
pub(crate) const QUESTIONS: [&str; 4] = ["when", "if", "where", "skip_if"];
/// The key whose value is a cron expression.
const SCHEDULE: &str = "schedule:";
/// What authors write between a key and its value who come from elsewhere.
const OTHER_SIGNS: [&str; 3] = ["=>", ":", "="];

/// A key and its value, with something else between them than a colon and a space.
pub(super) struct Pair<'t> {
    pub(super) key: &'t str,
    pub(super) sign: &'static str,
    pub(super) value: &'t str,
}

/// What stands in an unquoted text, where it is meant as a key with its value.
pub(super) fn pair(text: &str) -> Option<Pair<'_>> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let key = &text[..text.bytes().take_while(|byte| is_word(*byte)).count()];
    let rest = text[key.len()..].trim_start_matches(' ');
    let sign = OTHER_SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
    let value = rest[sign.len()..].trim();
    // `==` asks, and `https://…` is an address.
    let is_other = key.is_empty() || value.is_empty() || value.starts_with(['=', '/']);
    (!is_other).then_some(Pair { key, sign, value })
}

/// Takes pairs without a colon for what they are meant as, each reported, so that nothing else is said of them.
pub(super) fn mend_pairs(node: &mut Node, diagnostics: &mut Diagnostics) {
    match &mut node.kind {
        Kind::Map(map) => {
            for entry in &mut map.entries {
                mend_pair(entry, diagnostics);
                mend_pairs(&mut entry.value, diagnostics);
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| mend_pairs(item, diagnostics)),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Broken => {}
    }
}

fn mend_pair(entry: &mut Entry, diagnostics: &mut Diagnostics) {
    // `{email => x}` is a key without a value.
    if entry.value.kind != Kind::Null || !entry.value.span.is_empty() {
        return;
    }
    let span = entry.key.span;
    let is_quoted = diagnostics.file().slice(span).starts_with(['"', '\'']);
    let Some(Pair { key, sign, value }) = pair(&entry.key.text).filter(|_| !is_quoted) else { return };
    let (key, replacement) = (key.to_owned(), format!("{key}: {value}"));
    let diagnostic = without_colon(sign, &replacement).fix(span, replacement);
    let diagnostic = diagnostics.at(diagnostic, span, "to YAML, this is one text");
    diagnostics.push(diagnostic);
    entry.key.span = Span::new(span.start, span.start + key.len());
    entry.key.text = key;
    entry.value = Node { span, kind: Kind::Broken };
}

/// The mistake of writing a pair without a colon and a space.
pub(super) fn without_colon(sign: &str, replacement: &str) -> Diagnostic {
    let message = match sign {
        ":" => "a space is missing after the colon".to_owned(),
        sign => format!("a key and its value are joined by `: `, not by `{sign}`"),
    };
    Diagnostic::error(codes::PAIR_WITHOUT_COLON, message).help(format!("write `{replacement}`"))
}

/// The diagnostic as it is best told.
pub(crate) fn explain(file: &SourceFile, diagnostic: Diagnostic) -> Diagnostic {
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
        text::codes::ANCHOR => whole_schedule(file, line.start, written).unwrap_or(diagnostic),
        text::codes::SYNTAX => unquoted_in_brackets(file, line.start, written).unwrap_or(diagnostic),
        _ => diagnostic,
    }
}

fn damaged(diagnostic: Diagnostic, message: &str) -> Diagnostic {
    Diagnostic { code: codes::DAMAGED, message: message.to_owned(), ..diagnostic }
}

/// The cron expression of a line that begins with `*`, which is an alias to YAML.
fn whole_schedule(file: &SourceFile, line_start: usize, line: &str) -> Option<Diagnostic> {
    let value = line.find(SCHEDULE)? + SCHEDULE.len();
    let start = line.len() - line[value..].trim_start().len();
    let written = line[start..].starts_with('*').then(|| &line[start..])?;
    // In brackets, a comma ends the value for YAML, and hardly for the author.
    let end = ["}", ", ", " #"].iter().filter_map(|end| written.find(end)).min().unwrap_or(written.len());
    let written = written[..end].trim_end();
    let span = Span::new(line_start + start, line_start + start + written.len());
    let replacement = format!("\"{written}\"");
    Some(
        Diagnostic::error(codes::DAMAGED, "YAML takes the leading `*` of this schedule for an alias")
            .at(&file.path, span, "this needs quotes")
            .help(format!("write `schedule: {replacement}`"))
            .fix(span, replacement),
    )
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
