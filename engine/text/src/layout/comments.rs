//! What stands between two values of a file: comments, and the dashes of list items.

use crate::source::SourceFile;

/// A comment, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment<'a> {
    /// With its `#`, without spaces at its end.
    pub text: &'a str,
    /// Its first byte.
    pub start: usize,
    /// How many characters stand before it on its line.
    pub column: usize,
    /// Whether nothing but spaces stands before it.
    pub has_own_line: bool,
    /// How many spaces stand directly before it.
    pub gap: usize,
}

impl Comment<'_> {
    /// The byte after it.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// What stands between two values.
pub(super) struct Gap<'a> {
    /// The comments up to its end, or up to its dash.
    pub comments: Vec<Comment<'a>>,
    /// Where the first dash stands, if there is one.
    pub dash: Option<usize>,
}

/// Looks through a gap. Nothing stands in it but white space, comments and YAML's own signs.
pub(super) fn gap(file: &SourceFile, from: usize, to: usize) -> Gap<'_> {
    let text = &*file.text;
    let bytes = text.as_bytes();
    let is_blank = |at: Option<&u8>| at.is_none_or(|byte| byte.is_ascii_whitespace());
    let mut comments = Vec::new();
    let mut at = from;
    while at < to {
        let stands_apart = at == 0 || is_blank(bytes.get(at - 1));
        match bytes[at] {
            b'#' if stands_apart => {
                let line = file.line(at);
                comments.push(comment(text, line.start, at, line.end));
                at = line.end.max(at + 1);
            }
            b'-' if stands_apart && is_blank(bytes.get(at + 1)) => return Gap { comments, dash: Some(at) },
            _ => at += 1,
        }
    }
    Gap { comments, dash: None }
}

/// The comment behind a value on the same line, if there is one. `signs` may stand between the two.
pub(super) fn behind<'a>(file: &'a SourceFile, at: usize, signs: &[char]) -> Option<Comment<'a>> {
    let line = file.line(at);
    let rest = &file.text[at..line.end.max(at)];
    let start = at + rest.len() - rest.trim_start_matches([' ', '\t']).trim_start_matches(signs).trim_start().len();
    let is_one = file.text[start..].starts_with('#') && start > at;
    is_one.then(|| comment(&file.text, line.start, start, line.end))
}

/// Whether an empty line stands between two places.
pub(super) fn is_blank_between(file: &SourceFile, from: usize, to: usize) -> bool {
    let between = &file.text[from.min(to)..to];
    // The first piece ends a line, and the last begins one.
    let lines: Vec<&str> = between.split('\n').skip(1).collect();
    lines.split_last().is_some_and(|(_, whole)| whole.iter().any(|line| line.trim().is_empty()))
}

/// How many characters stand before this place on its line.
pub(super) fn column(file: &SourceFile, at: usize) -> usize {
    file.text[file.line(at).start..at].chars().count()
}

fn comment(text: &str, line_start: usize, start: usize, line_end: usize) -> Comment<'_> {
    let before = &text[line_start..start];
    Comment {
        text: text[start..line_end].trim_end(),
        start,
        column: before.chars().count(),
        has_own_line: before.trim().is_empty(),
        gap: before.len() - before.trim_end().len(),
    }
}
