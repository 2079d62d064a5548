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
const AFTER_QUOTE: &str = "YAML ends this value at the closing quote, and the expression goes on";
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
                tell_swallowed(entry, diagnostics);
                if is_in_two_braces(&entry.value, diagnostics) {
                    entry.value.kind = Kind::Broken;
                }
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
        text::codes::AFTER_QUOTE if !is_question && written.contains("${") => {
            let start = label.span.start - line.start;
            quotes_within_quotes(file, line.start, written, start).unwrap_or_else(|| damaged(diagnostic, AFTER_QUOTE))
        }
        text::codes::AFTER_QUOTE if is_question => damaged(diagnostic, AFTER_QUOTE),
        text::codes::COLON_IN_VALUE if is_question || written.contains("${") => {
            damaged(diagnostic, "YAML takes the `: ` inside of this expression for the start of a value")
        }
        text::codes::KEY_NOT_TEXT => two_braces(file, label.span, line.start, written).unwrap_or(diagnostic),
        text::codes::ANCHOR => whole_schedule(file, line.start, written).unwrap_or(diagnostic),
        text::codes::SYNTAX => no_break_space(file, line.start, written)
            .or_else(|| unquoted_in_brackets(file, line.start, written))
            .unwrap_or(diagnostic),
        _ => diagnostic,
    }
}

fn damaged(diagnostic: Diagnostic, message: &str) -> Diagnostic {
    Diagnostic { code: codes::DAMAGED, message: message.to_owned(), ..diagnostic }
}

/// `{{ … }}` without quotes, which YAML takes for a map in a map.
fn two_braces(file: &SourceFile, inner: Span, line_start: usize, line: &str) -> Option<Diagnostic> {
    let at = inner.start.checked_sub(line_start + 1)?;
    let rest = line.get(at..).filter(|rest| rest.starts_with("{{"))?;
    let end = rest.find("}}")? + "}}".len();
    let expression = rest[2..end - 2].trim();
    let start = at - usize::from(line[..at].ends_with('$'));
    let span = Span::new(line_start + start, line_start + at + end);
    let replacement = quoted(&format!("${{ {expression} }}"));
    let message = format!("YAML takes `{}` for a map; an expression is written `${{ }}`", text::shown(&rest[..end]));
    Some(
        Diagnostic::error(codes::DAMAGED, message)
            .at(&file.path, span, "")
            .help(format!("write {replacement}"))
            .fix(span, replacement),
    )
}

/// Tells of a value that is empty because YAML took all of it for a comment: `name: #1 ${ record.name }`.
fn tell_swallowed(entry: &mut Entry, diagnostics: &mut Diagnostics) {
    if entry.value.kind != Kind::Null || !entry.value.span.is_empty() {
        return;
    }
    let file = diagnostics.file();
    let line = file.line(entry.key.span.end);
    let rest = file.text.get(entry.key.span.end..line.end).unwrap_or_default();
    let Some(comment) = rest.trim_start().strip_prefix(':').map(str::trim).filter(|rest| rest.starts_with('#')) else {
        return;
    };
    let (is_expression, word) = (comment.contains("${"), comment[1..].split(' ').next().unwrap_or_default());
    let is_number = word.starts_with(|first: char| first.is_ascii_digit());
    let is_colour = word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !(is_expression || is_number || is_colour) {
        return;
    }
    let start = entry.key.span.end + rest.find('#').unwrap_or_default();
    let span = Span::new(start, start + comment.len());
    let replacement = quoted(comment);
    let message = "YAML takes this for a comment, and the value is empty";
    let diagnostic = match is_expression {
        true => Diagnostic::error(codes::DAMAGED, message),
        false => Diagnostic::warning(codes::DAMAGED, message),
    };
    let help = format!("write {replacement}; where nothing is meant, write `null` before the comment");
    let diagnostic = diagnostics.at(diagnostic.help(help).fix(span, replacement), span, "to YAML, this is a comment");
    diagnostics.push(diagnostic);
    if is_expression {
        entry.value.kind = Kind::Broken;
    }
}

/// Whether a value is `{{ … }}`, of which [`explain`] tells all there is to say.
fn is_in_two_braces(node: &Node, diagnostics: &Diagnostics) -> bool {
    matches!(node.kind, Kind::Map(_)) && diagnostics.file().slice(node.span).starts_with("{{")
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

/// The value of a line whose expression holds the quotes that the value stands in; `end` is where YAML ends it.
fn quotes_within_quotes(file: &SourceFile, line_start: usize, line: &str, end: usize) -> Option<Diagnostic> {
    let expression = line.get(..end)?.rfind("${")?;
    let open = line[..expression].rfind('"')?;
    let inner = &line[open + 1..];
    let Ok(pieces) = template::split(inner) else { return None };
    let expressions: Vec<_> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Expression(range) => Some(range.clone()),
            Piece::Literal(_) => None,
        })
        .collect();
    // The quote that closes it is the first behind that expression which stands in none.
    let first = expressions.iter().find(|range| range.end > expression - open)?;
    let mut quotes = inner.match_indices('"').map(|(at, _)| at).filter(|at| *at > first.end);
    let close = quotes.find(|at| !expressions.iter().any(|range| range.contains(at)))?;
    let span = Span::new(line_start + open, line_start + open + 1 + close + 1);
    let replacement = quoted(&inner[..close]);
    Some(
        Diagnostic::error(codes::DAMAGED, AFTER_QUOTE)
            .at(
                &file.path,
                Span::new(line_start + end, span.end.max(line_start + end)),
                "to YAML, the value ended before this",
            )
            .help(format!("put the value in single quotes: {replacement}"))
            .fix(span, replacement),
    )
}

/// A space behind a colon that is none to YAML; it comes with text that was copied from a page.
fn no_break_space(file: &SourceFile, line_start: usize, line: &str) -> Option<Diagnostic> {
    const SPACE: &str = "\u{a0}";
    let at = line_start + line.find(&format!(":{SPACE}"))? + 1;
    let span = Span::new(at, at + SPACE.len());
    let message = "a no-break space stands behind the colon, and YAML takes it for a letter";
    let diagnostic = Diagnostic::error(text::codes::CONTROL_CHARACTER, message);
    Some(diagnostic.at(&file.path, span, "here").help("write a usual space").fix(span, " "))
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
