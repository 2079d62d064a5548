//! The canonical text of a file that was read.

use super::read::{Behind, Collection, Item, Laid, Remark, Value};

/// The spaces of one level.
const LEVEL: usize = 2;
/// So many spaces before a comment are a gap; more of them put it into a column, in which it stays where it can.
const WIDEST_GAP: usize = 2;

/// Writes a file.
pub(super) fn write(laid: &Laid<'_>) -> String {
    let mut writer = Writer { out: String::new(), opening: None, keeps_blanks: false };
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
    writer.remarks(&laid.footer, 0, writer.out.is_empty());
    writer.out
}

struct Writer {
    out: String,
    /// What stands before the first key of an item of a list, on the same line.
    opening: Option<String>,
    /// Whether an empty line would be taken for part of the text above it.
    keeps_blanks: bool,
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
        let behind = item.behind.as_ref().map(|behind| behind.moved(item.column, indentation));
        match &item.value {
            Value::Nothing => self.push_with(begin, behind.as_ref()),
            Value::Line(line) => self.push_with(format!("{begin} {line}"), behind.as_ref()),
            Value::Lines { first, rest } => {
                let begin = if first.is_empty() { begin } else { format!("{begin} {first}") };
                let rest = rest.iter().map(|line| shifted(line, item.column, indentation));
                let mut lines: Vec<String> = std::iter::once(begin).chain(rest).collect();
                let last = lines.pop().unwrap_or_default();
                lines.into_iter().for_each(|line| self.push(line));
                self.push_with(last, behind.as_ref());
                self.keeps_blanks = is_keeping(first);
            }
            Value::Map(inner) | Value::List(inner) => {
                match item.key {
                    Some(_) => self.push_with(begin, behind.as_ref()),
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
        let Some(behind) = behind else { return self.push(line) };
        let width = line.chars().count();
        let gap = match behind.gap > WIDEST_GAP {
            true => behind.column.saturating_sub(width).max(1),
            false => behind.gap.max(1),
        };
        self.push(format!("{line}{}{}", " ".repeat(gap), behind.text));
    }

    fn blank(&mut self, wanted: bool) {
        if wanted && !self.out.is_empty() && !self.keeps_blanks {
            self.out.push('\n');
        }
    }

    fn push(&mut self, line: String) {
        self.out.push_str(&line);
        self.out.push('\n');
        self.keeps_blanks = false;
    }
}

impl<'a> Behind<'a> {
    /// The same, as its lines move.
    fn moved(&self, from: usize, to: usize) -> Behind<'a> {
        Behind { text: self.text, column: (self.column + to).saturating_sub(from), gap: self.gap }
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
