//! A file as the layout sees it: entries in their order, each with the comments that belong to it.
//!
//! A comment belongs to the value before it on its line, else to the entry below it. One that stands after the last
//! entry of a list or map, indented as that, belongs there; one that is indented less belongs further out.

use super::comments::{self, Comment};
use super::quotes::{self, Surroundings};
use super::{KeyOrder, Part, spaces};
use crate::node::{Kind, Map, Node, TextStyle};
use crate::source::SourceFile;

/// A whole file.
pub(super) struct Laid<'a> {
    /// What stands above everything, apart from it.
    pub header: Vec<Remark<'a>>,
    /// The document.
    pub root: Value<'a>,
    /// What stands below everything.
    pub footer: Vec<Remark<'a>>,
    remarks: Vec<&'a str>,
}

/// A comment on a line of its own.
pub(super) struct Remark<'a> {
    /// With its `#`.
    pub text: &'a str,
    /// Whether an empty line stands before it.
    pub after_blank: bool,
}

/// A comment behind a value.
pub(super) struct Behind<'a> {
    /// With its `#`.
    pub text: &'a str,
    /// How many characters stood before it on its line.
    pub column: usize,
    /// How many spaces stood directly before it.
    pub gap: usize,
}

/// An entry of a map, or an item of a list.
pub(super) struct Item<'a> {
    /// What stands above it.
    pub above: Vec<Remark<'a>>,
    /// Whether an empty line stands directly before it.
    pub after_blank: bool,
    /// In which column its key or its dash stood.
    pub column: usize,
    /// Its key, where it is an entry of a map.
    pub key: Option<String>,
    /// Its value.
    pub value: Value<'a>,
    /// What stands behind it.
    pub behind: Option<Behind<'a>>,
}

/// A value as it is written.
pub(super) enum Value<'a> {
    /// Left out.
    Nothing,
    /// On its key's line.
    Line(String),
    /// On lines of its own that stay what they are, but for their indentation.
    Lines {
        /// What stands on its key's line.
        first: &'a str,
        /// The others.
        rest: Vec<&'a str>,
    },
    /// A map over several lines.
    Map(Collection<'a>),
    /// A list over several lines.
    List(Collection<'a>),
}

/// The entries of a map or a list, at least one, and what stands below them.
pub(super) struct Collection<'a> {
    /// The entries, in the order in which they are to stand.
    pub items: Vec<Item<'a>>,
    /// Comments below the last.
    pub below: Vec<Remark<'a>>,
}

impl Laid<'_> {
    /// The text of every comment that was met, sorted.
    pub(super) fn all_remarks(&self) -> Vec<String> {
        let mut remarks: Vec<String> = self.remarks.iter().map(|&remark| remark.to_owned()).collect();
        remarks.sort();
        remarks
    }
}

/// Reads a file whose tree is `root`.
pub(super) fn read<'a>(file: &'a SourceFile, root: &Node, order: &dyn KeyOrder) -> Laid<'a> {
    let mut reader = Reader { file, order, at: 0, place: Vec::new(), header: Vec::new(), remarks: Vec::new() };
    let end = file.text.len();
    let read = reader.value(root, None, &[], end);
    let mut header = std::mem::take(&mut reader.header);
    header.extend(read.above);
    header.extend(read.behind.map(|behind| Remark { text: behind.text, after_blank: false }));
    let footer = reader.remarks_until(end);
    Laid { header, root: read.value, footer, remarks: reader.remarks }
}

struct Reader<'a, 'o> {
    file: &'a SourceFile,
    order: &'o dyn KeyOrder,
    /// The byte after what was read last.
    at: usize,
    place: Vec<Part>,
    header: Vec<Remark<'a>>,
    remarks: Vec<&'a str>,
}

/// A value, with the comments around it.
struct ReadValue<'a> {
    value: Value<'a>,
    behind: Option<Behind<'a>>,
    /// Comments between its key and it.
    above: Vec<Remark<'a>>,
}

impl<'a> Reader<'a, '_> {
    /// Reads a value. `column` is that of its key or dash, `signs` stand between that and the value, and nothing of it
    /// stands at `limit` or later.
    fn value(&mut self, node: &Node, column: Option<usize>, signs: &[char], limit: usize) -> ReadValue<'a> {
        let written = self.file.slice(node.span);
        match &node.kind {
            Kind::Map(map) if !map.entries.is_empty() && !written.starts_with('{') => {
                let behind = self.take_behind(signs);
                let first = map.entries.first().map_or(0, |entry| entry.key.span.start);
                let inner = comments::column(self.file, first);
                let items = self.entries(map, inner, limit);
                let below = self.below(inner, column, limit);
                ReadValue { value: Value::Map(Collection { items, below }), behind, above: Vec::new() }
            }
            Kind::List(list) if !list.is_empty() && !written.starts_with('[') => {
                let behind = self.take_behind(signs);
                let dash = comments::gap(self.file, self.at, self.file.text.len()).dash.unwrap_or(node.span.start);
                let inner = comments::column(self.file, dash);
                let items = self.items(list, limit);
                let below = self.below(inner, column, limit);
                ReadValue { value: Value::List(Collection { items, below }), behind, above: Vec::new() }
            }
            Kind::Null if written.is_empty() => {
                ReadValue { value: Value::Nothing, behind: self.take_behind(signs), above: Vec::new() }
            }
            Kind::Text(text) if text.style == TextStyle::Block => self.block(column),
            Kind::Null
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Float(_)
            | Kind::Text(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Broken => self.scalar(node),
        }
    }

    fn entries(&mut self, map: &Map, column: usize, limit: usize) -> Vec<Item<'a>> {
        let is_root = self.place.is_empty();
        let order = self.order.keys(&self.place, map);
        let mut items = Vec::new();
        for (index, entry) in map.entries.iter().enumerate() {
            let start = entry.key.span.start;
            let mut above = self.remarks_until(start);
            let mut after_blank = self.is_after_blank(start);
            if is_root && index == 0 {
                self.header = header_of(&mut above, after_blank);
            }
            if index == 0 {
                // Nothing stands before it here, wherever it goes.
                *above.first_mut().map_or(&mut after_blank, |topmost| &mut topmost.after_blank) = false;
            }
            let key = quotes::canonical_key(&entry.key.text, self.file.slice(entry.key.span));
            self.at = entry.key.span.end;
            self.place.push(Part::Key(entry.key.text.clone()));
            let next = map.entries.get(index + 1).map_or(limit, |next| next.key.span.start);
            let read = self.value(&entry.value, Some(column), &[':'], next);
            self.place.pop();
            above.extend(read.above);
            let rank = order.iter().position(|known| *known == entry.key.text).unwrap_or(order.len());
            items.push((
                rank,
                Item {
                    above,
                    after_blank,
                    column: comments::column(self.file, start),
                    key: Some(key),
                    value: read.value,
                    behind: read.behind,
                },
            ));
        }
        items.sort_by_key(|(rank, _)| *rank);
        items.into_iter().map(|(_, item)| item).collect()
    }

    fn items(&mut self, list: &[Node], limit: usize) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        for (index, node) in list.iter().enumerate() {
            let dash = comments::gap(self.file, self.at, self.file.text.len()).dash.unwrap_or(node.span.start);
            let mut above = self.remarks_until(dash);
            let after_blank = self.is_after_blank(dash);
            self.at = dash + 1;
            self.place.push(Part::Item);
            // What belongs to an item ends before the next dash anyway.
            let next = list.get(index + 1).filter(|next| !next.span.is_empty()).map_or(limit, |next| next.span.start);
            let column = comments::column(self.file, dash);
            let mut read = self.value(node, Some(column), &[], next);
            self.place.pop();
            above.extend(read.above);
            let is_collection = matches!(read.value, Value::Map(_) | Value::List(_));
            if let Some(behind) = read.behind.take_if(|_| is_collection) {
                above.push(Remark { text: behind.text, after_blank: false });
            }
            let mut item = Item { above, after_blank, column, key: None, value: read.value, behind: read.behind };
            item.hoist();
            items.push(item);
        }
        items
    }

    /// A value on one line, or one whose lines stay what they are.
    fn scalar(&mut self, node: &Node) -> ReadValue<'a> {
        let begins_on = self.file.line(self.at);
        let mut above = Vec::new();
        let mut behind = None;
        for comment in comments::gap(self.file, self.at, node.span.start).comments {
            let remark = self.take(&comment);
            match comment.has_own_line || behind.is_some() {
                true => above.push(remark),
                false => behind = Some(as_behind(&comment)),
            }
        }
        let written = self.file.slice(node.span).trim_end();
        let value = if !written.contains('\n') {
            Value::Line(self.line(node, Surroundings::Block))
        } else {
            let starts_below = node.span.start > begins_on.end;
            let start = if starts_below { self.file.line(node.span.start).start } else { node.span.start };
            let mut lines = self.file.text[start..node.span.start + written.len()].split('\n').map(tidy);
            let first = if starts_below { "" } else { lines.next().unwrap_or_default() };
            Value::Lines { first, rest: lines.collect() }
        };
        self.at = node.span.start + written.len();
        if let Some(after) = self.take_behind(&[]) {
            let before = behind.replace(after);
            above.extend(before.map(|before| Remark { text: before.text, after_blank: false }));
        }
        ReadValue { value, behind, above }
    }

    /// A text after `|` or `>`: its lines, as deep in it as they were.
    fn block(&mut self, column: Option<usize>) -> ReadValue<'a> {
        let text = &*self.file.text;
        let mut above = Vec::new();
        // Only white space, a colon and comments stand before its sign.
        let start = loop {
            let rest = text[self.at..].trim_start_matches([' ', '\t', '\n', ':']);
            let at = text.len() - rest.len();
            if !rest.starts_with('#') {
                break at;
            }
            let Some(comment) = comments::gap(self.file, at, at + 1).comments.pop() else { break at };
            above.push(self.take(&comment));
        };
        let header = self.file.line(start);
        let first = text[start..header.end].trim_end();
        let signs = first.split([' ', '\t']).next().unwrap_or_default();
        let parent = column.map_or(0, |column| column + 1);
        let mut depth = signs
            .chars()
            .find_map(|sign| sign.to_digit(10))
            .map(|digit| parent + digit as usize - usize::from(column.is_some()));
        let keeps_blanks = signs.contains('+');
        let (mut rest, mut n_kept, mut end) = (Vec::new(), 0, header.end);
        let mut at = (header.end + 1).min(text.len());
        while at < text.len() {
            let line_end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
            let line = &text[at..line_end];
            let indentation = line.len() - line.trim_start_matches(' ').len();
            let is_blank = indentation == line.len() && depth.is_none_or(|depth| indentation <= depth);
            if !is_blank && indentation < *depth.get_or_insert(indentation.max(parent)) {
                break;
            }
            rest.push(if is_blank { "" } else { line });
            if !is_blank || keeps_blanks {
                (n_kept, end) = (rest.len(), line_end);
            }
            at = line_end + 1;
        }
        rest.truncate(n_kept);
        self.at = end;
        let value = Value::Lines { first, rest };
        ReadValue { value, behind: None, above }
    }

    /// A value on one line, in brackets or not.
    fn line(&mut self, node: &Node, surroundings: Surroundings) -> String {
        let written = self.file.slice(node.span).trim_end();
        match &node.kind {
            Kind::Text(text) if self.order.is_name(&self.place) && quotes::is_name(&text.value) => text.value.clone(),
            Kind::Text(text) if self.order.has_expressions() => {
                spaces::spaced(&quotes::canonical(text, written, surroundings), text.style)
            }
            Kind::Text(text) => quotes::canonical(text, written, surroundings),
            Kind::List(items) => {
                self.place.push(Part::Item);
                let items: Vec<String> = items.iter().map(|item| self.line(item, Surroundings::Brackets)).collect();
                self.place.pop();
                format!("[{}]", items.join(", "))
            }
            Kind::Map(map) => {
                let order = self.order.keys(&self.place, map);
                let mut entries = Vec::new();
                for entry in &map.entries {
                    let key = quotes::canonical_key(&entry.key.text, self.file.slice(entry.key.span));
                    self.place.push(Part::Key(entry.key.text.clone()));
                    let value = self.line(&entry.value, Surroundings::Brackets);
                    self.place.pop();
                    let rank = order.iter().position(|known| *known == entry.key.text).unwrap_or(order.len());
                    entries.push((rank, format!("{key}: {value}")));
                }
                entries.sort_by_key(|(rank, _)| *rank);
                let entries: Vec<String> = entries.into_iter().map(|(_, entry)| entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Broken => written.to_owned(),
        }
    }

    /// The comments below the last entry that are indented as it is.
    fn below(&mut self, column: usize, parent: Option<usize>, limit: usize) -> Vec<Remark<'a>> {
        // Below a list that is not indented, what stands in the column of its key is the next key's.
        let least = parent.map_or(0, |parent| parent + 1).max(column);
        let gap = comments::gap(self.file, self.at, limit);
        let ours = gap.comments.into_iter().take_while(|comment| comment.has_own_line && comment.column >= least);
        ours.collect::<Vec<_>>().iter().map(|comment| self.take(comment)).collect()
    }

    fn remarks_until(&mut self, to: usize) -> Vec<Remark<'a>> {
        let comments = comments::gap(self.file, self.at, to).comments;
        comments.iter().map(|comment| self.take(comment)).collect()
    }

    fn take_behind(&mut self, signs: &[char]) -> Option<Behind<'a>> {
        let comment = comments::behind(self.file, self.at, signs)?;
        self.take(&comment);
        Some(as_behind(&comment))
    }

    fn take(&mut self, comment: &Comment<'a>) -> Remark<'a> {
        let remark = Remark { text: comment.text, after_blank: self.is_after_blank(comment.start) };
        self.at = comment.end();
        self.remarks.push(comment.text);
        remark
    }

    fn is_after_blank(&self, start: usize) -> bool {
        comments::is_blank_between(self.file, self.at, start)
    }
}

impl Item<'_> {
    /// What stands above the first entry of an item is above the item, for both begin on the same line.
    fn hoist(&mut self) {
        let (Value::Map(inner) | Value::List(inner)) = &mut self.value else { return };
        let Some(first) = inner.items.first_mut() else { return };
        let mut hoisted = std::mem::take(&mut first.above);
        if let Some(topmost) = hoisted.first_mut() {
            topmost.after_blank = self.after_blank;
            self.after_blank = first.after_blank;
            self.above.append(&mut hoisted);
        }
    }
}

fn as_behind<'a>(comment: &Comment<'a>) -> Behind<'a> {
    Behind { text: comment.text, column: comment.column, gap: comment.gap }
}

/// What stands apart from the first entry, above it, speaks of the whole file.
fn header_of<'a>(above: &mut Vec<Remark<'a>>, entry_is_after_blank: bool) -> Vec<Remark<'a>> {
    let is_before_blank = |index: usize| above.get(index + 1).map_or(entry_is_after_blank, |next| next.after_blank);
    let n_header = (0..above.len()).rev().find(|index| is_before_blank(*index)).map_or(0, |last| last + 1);
    above.drain(..n_header).collect()
}

/// A line without spaces at its end, unless the last is escaped.
fn tidy(line: &str) -> &str {
    let trimmed = line.trim_end_matches([' ', '\t']);
    if trimmed.ends_with('\\') { line } else { trimmed }
}
