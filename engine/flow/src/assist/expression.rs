//! The expression around a cursor, read backwards from it: it need not be complete.

use std::ops::Range;

use text::{SourceFile, Span};

use super::place::{Place, Slot};
use super::propose::MARK;
use crate::language::Shape;

/// What stands before and after a cursor within an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Around {
    /// The names before the last dot: `record` and `owner` of `record.owner.na`.
    pub(super) path: Vec<String>,
    /// Where the word stands in which the cursor is.
    pub(super) word: Span,
    /// Whether a bracket follows the word, so that it is a function.
    pub(super) is_called: bool,
    /// What is compared with the text in which the cursor stands.
    pub(super) compared: Option<Vec<String>>,
    /// Whether the cursor stands in a text of the expression.
    pub(super) in_text: bool,
}

/// The expression in which a cursor stands, where it does; `question` where the whole value is one.
pub(super) fn range(file: &SourceFile, place: &Place<'_>, offset: usize) -> Option<Range<usize>> {
    let Slot::Value { node, shapes } = place.slot else { return None };
    let written = file.slice(node.span);
    let quote = usize::from(written.starts_with(['"', '\'']));
    let begin = node.span.start + quote;
    let end = if quote == 1 && written.len() > 1 && written.ends_with(['"', '\'']) {
        node.span.end - 1
    } else {
        node.span.end
    };
    if offset < begin || offset > end {
        return None;
    }
    // The last `${` before the cursor that no `}` closes.
    let before = &file.text[begin..offset];
    let open = before.rmatch_indices("${").map(|(at, _)| at).find(|at| !before[..*at].ends_with('$'));
    let from_open = open.filter(|open| !is_closed(&before[open + 2..]));
    match from_open {
        Some(open) => {
            let start = begin + open + 2;
            let rest = &file.text[offset..end];
            Some(start..offset + rest.find('}').unwrap_or(rest.len()))
        }
        None => shapes.each().iter().any(|shape| matches!(shape, Shape::Question)).then_some(begin..end),
    }
}

/// Whether a `}` of the expression's own stands in what follows its beginning.
fn is_closed(written: &str) -> bool {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut before = ' ';
    for character in written.chars() {
        match (quote, character) {
            (Some(open), _) if open == character && before != '\\' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return true,
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
        before = character;
    }
    false
}

/// What stands around the cursor in the expression.
pub(super) fn around(file: &SourceFile, range: &Range<usize>, offset: usize) -> Around {
    let (before, after) = (&file.text[range.start..offset], &file.text[offset..range.end.max(offset)]);
    let in_text = is_in_text(before);
    let is_part = |character: char| is_part(character) || character == MARK;
    let start = offset - (before.len() - before.trim_end_matches(is_part).len());
    let end = offset + (after.len() - after.trim_start_matches(is_part).len());
    let is_called = file.text[end..range.end.max(end)].trim_start().starts_with('(');
    let compared = in_text.then(|| compared(before)).flatten();
    let path = if in_text { Vec::new() } else { path(&file.text[range.start..start]) };
    // A text to choose from is replaced as a whole.
    let word = match (&compared, in_text) {
        (Some(_), _) => {
            let quote = before.rfind('"').map_or(offset, |at| range.start + at + 1);
            let text = after.split('"').next().unwrap_or_default().trim_end_matches('\\');
            Span::new(quote, offset + text.len())
        }
        (None, _) => Span::new(start, end),
    };
    Around { path, word, is_called, compared, in_text }
}

/// Whether it can be a part of a name.
fn is_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_in_text(before: &str) -> bool {
    let mut open = None;
    let mut last = ' ';
    for character in before.chars() {
        match open {
            Some(quote) if quote == character && last != '\\' => open = None,
            Some(_) => {}
            None if matches!(character, '"' | '`') && last != '\\' => open = Some(character),
            // Within a value in double quotes, those of the expression are escaped.
            None if character == '"' => open = Some(character),
            None => {}
        }
        last = character;
    }
    open.is_some()
}

/// The path that is compared with the text that has just begun: `record.stage == "`.
fn compared(before: &str) -> Option<Vec<String>> {
    let begin = before[..before.rfind('"')?].trim_end_matches('\\').trim_end();
    let left = begin.strip_suffix("==").or_else(|| begin.strip_suffix("!="))?.trim_end();
    let start = left.trim_end_matches(is_part).len();
    let mut found = path(&left[..start]);
    found.push(left[start..].to_owned());
    (found.len() > 1).then_some(found)
}

/// The names before a word, where dots join them to it.
fn path(before: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = before;
    while let Some(inner) = rest.strip_suffix('.') {
        let inner = inner.strip_suffix('?').unwrap_or(inner);
        let start = inner.trim_end_matches(is_part).len();
        // The result of a call, of an index, or of brackets: nothing is known of it but that functions take it.
        names.push(inner[start..].to_owned());
        rest = &inner[..start];
    }
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_end(written: &str) -> Around {
        let file = SourceFile::new("a.yaml", written);
        around(&file, &(0..written.len()), written.len())
    }

    #[test]
    fn what_stands_before_the_cursor_is_read_backwards() {
        for (written, path) in [
            (" rec", &[][..]),
            (" record.", &["record"]),
            (" record.owner.na", &["record", "owner"]),
            ("join_words(record?.fir", &["record"]),
            ("record.email.trim().", &[""]),
            ("a[0].", &[""]),
            ("1 + ", &[]),
        ] {
            assert_eq!(at_end(written).path, path, "{written}");
        }
    }

    #[test]
    fn a_text_that_is_compared_is_known_by_what_it_is_compared_with() {
        let found = at_end("record.stage == \"le");
        assert_eq!(found.compared, Some(vec!["record".to_owned(), "stage".to_owned()]));
        assert_eq!(found.word, Span::new(17, 19));
        let escaped = at_end("customer?.stage != \\\"");
        assert_eq!(escaped.compared, Some(vec!["customer".to_owned(), "stage".to_owned()]));
        assert_eq!(at_end("a == \"b\" + ").compared, None);
        assert!(at_end("x(\"le").in_text && !at_end("x(\"le\", ").in_text);
    }
}
