//! The canonical text of a file that was read.

use super::read::{Behind, Collection, Item, Laid, Remark, Value};

/// The spaces of one level.
const LEVEL: usize = 2;
/// So many spaces stand before a comment, or before the nearest of a column of comments.
const WIDEST_GAP: usize = 2;

/// Writes a file.
pub(super) fn write(laid: &Laid<'_>) -> String {
    let mut writer = Writer { out: String::new(), opening: None, keeps_blanks: false, column: Vec::new() };
    writer.remarks(&laid.header, 0, true);
    if !laid.header.is_empty() {
        writer.out.push('\n');
    }
    match &laid.root {
        Value::Map(collection) | Value::List(collection) => writer.collection(collection, 0),
        Value::Nothing => {}
        Value::Line(line) => writer.push(line.clone()),
        Value::Lines { first, rest } => {
            writer.push((*first).to_owned());
            rest.iter().for_each(|line| writer.push((*line).to_owned()));
        }
    }
    writer.end_column();
    writer.remarks(&laid.footer, 0, writer.out.is_empty());
    writer.out
}

struct Writer {
    out: String,
    /// What stands before the first key of an item of a list, on the same line.
    opening: Option<String>,
    /// Whether an empty line would be taken for part of the text above it.
    keeps_blanks: bool,
    /// The last lines, whose comments stood in one column: they stand in one again.
    column: Vec<Commented>,
}

/// A line with a comment behind it.
struct Commented {
    line: String,
    comment: String,
    /// Where it stood.
    column: usize,
    gap: usize,
}

impl Writer {
    fn collection(&mut self, collection: &Collection<'_>, indentation: usize) {
        for (index, item) in collection.items.iter().enumerate() {
            self.remarks(&item.above, indentation, index == 0);
            let is_first = index == 0 && item.above.is_empty();
            self.blank(item.after_blank && !is_first);
            self.item(item, indentation);
        }
        self.remarks(&collection.below, indentation, false);
    }

    fn item(&mut self, item: &Item<'_>, indentation: usize) {
        let begin = self.opening.take().unwrap_or_else(|| " ".repeat(indentation));
        let begin = match &item.key {
            Some(key) => format!("{begin}{key}:"),
            None => format!("{begin}-"),
        };
        let behind = item.behind.as_ref();
        match &item.value {
            Value::Nothing => self.push_with(begin, behind),
            Value::Line(line) => self.push_with(format!("{begin} {line}"), behind),
            Value::Lines { first, rest } => {
                let begin = if first.is_empty() { begin } else { format!("{begin} {first}") };
                let rest = rest.iter().map(|line| shifted(line, item.column, indentation));
                let mut lines: Vec<String> = std::iter::once(begin).chain(rest).collect();
                let last = lines.pop().unwrap_or_default();
                lines.into_iter().for_each(|line| self.push(line));
                self.push_with(last, behind);
                self.keeps_blanks = is_keeping(first);
            }
            Value::Map(inner) | Value::List(inner) => {
                match item.key {
                    Some(_) => self.push_with(begin, behind),
                    None => self.opening = Some(format!("{begin} ")),
                }
                self.collection(inner, indentation + LEVEL);
            }
        }
    }

    fn remarks(&mut self, remarks: &[Remark<'_>], indentation: usize, begin: bool) {
        for (index, remark) in remarks.iter().enumerate() {
            self.blank(remark.after_blank && !(begin && index == 0));
            self.push(format!("{}{}", " ".repeat(indentation), remark.text));
        }
    }

    /// A line, and behind it a comment.
    fn push_with(&mut self, line: String, behind: Option<&Behind<'_>>) {
        let Some(Behind { text, column, gap }) = behind else { return self.push(line) };
        if self.column.last().is_some_and(|last| last.column != *column) {
            self.end_column();
        }
        self.column.push(Commented { line, comment: (*text).to_owned(), column: *column, gap: *gap });
        self.keeps_blanks = false;
    }

    /// Writes the lines whose comments share a column, one or two spaces behind the longest of them.
    fn end_column(&mut self) {
        let column = std::mem::take(&mut self.column);
        let widest = column.iter().map(|one| one.line.chars().count()).max().unwrap_or_default();
        let gap = column.iter().map(|one| one.gap).min().unwrap_or_default().clamp(1, WIDEST_GAP);
        for Commented { line, comment, .. } in column {
            let space = widest - line.chars().count() + gap;
            self.out.push_str(&format!("{line}{}{comment}\n", " ".repeat(space)));
        }
    }

    fn blank(&mut self, wanted: bool) {
        if wanted {
            self.end_column();
        }
        if wanted && !self.out.is_empty() && !self.keeps_blanks {
            self.out.push('\n');
        }
    }

    fn push(&mut self, line: String) {
        self.end_column();
        self.out.push_str(&line);
        self.out.push('\n');
        self.keeps_blanks = false;
    }
}

/// Whether a block with this header takes the empty lines below it for its own: `|+`.
fn is_keeping(header: &str) -> bool {
    let sign = header.split(' ').next().unwrap_or_default();
    sign.starts_with(['|', '>']) && sign.contains('+')
}

/// The line as far right of its key as it was.
fn shifted(line: &str, from: usize, to: usize) -> String {
    let content = line.trim_start_matches(' ');
    if content.is_empty() && line.len() <= from {
        return String::new();
    }
    let indentation = (line.len() - content.len() + to).saturating_sub(from);
    format!("{}{content}", " ".repeat(indentation))
}
