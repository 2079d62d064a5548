//! The tree of a file that is being typed: whatever its lines say is taken for what it was probably meant as.
//!
//! Where a file is good YAML, the tree is the one that [`parse_yaml`](super::parse_yaml) gives. Where it is not, lines
//! go by their indentation: a word without its colon among keys is a key, a bracket that is never closed ends with what
//! is indented more than its key, a quote with its line. No mistake in one place takes anything from another.

mod brackets;
#[cfg(test)]
mod tests;
mod words;

use self::brackets::Inside;
use self::words::{KeyFound, is_item, is_word, key_of, quoted_len, unquoted, without_comment};
use super::MAX_DEPTH;
use super::scalar::{self, Resolved};
use crate::node::{Entry, Key, Kind, Map, Node, Text, TextStyle};
use crate::source::{MAX_FILE_SIZE, SourceFile, Span};

/// The tree of a file; `None` where nothing stands in it.
pub fn outline(file: &SourceFile) -> Option<Node> {
    if file.text.len() > MAX_FILE_SIZE {
        return None;
    }
    let mut reader = Reader { text: &file.text, lines: lines(&file.text), at: 0 };
    let node = reader.block(Parent::Nothing, 0);
    (node.kind != Kind::Null).then_some(node)
}

/// What is still to be read of a line: all of it, or what follows a dash.
#[derive(Clone, Copy)]
struct Line {
    /// In which column it begins.
    column: usize,
    start: usize,
    /// Its end, comments included.
    end: usize,
}

/// What a block belongs to.
#[derive(Clone, Copy)]
enum Parent {
    /// It is the document.
    Nothing,
    /// An item of the list whose dashes stand in this column.
    Item(usize),
    /// The value of a key in this column.
    Key(usize),
}

struct Reader<'a> {
    text: &'a str,
    lines: Vec<Line>,
    at: usize,
}

/// The lines that hold anything.
fn lines(text: &str) -> Vec<Line> {
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let written = line.trim_end_matches(['\n', '\r']);
        let content = written.trim_start_matches([' ', '\t']);
        let column = written.len() - content.len();
        let is_marker = column == 0 && (content == "---" || content == "...");
        if !content.trim_end().is_empty() && !content.starts_with('#') && !is_marker {
            lines.push(Line { column, start: start + column, end: start + written.trim_end().len() });
        }
        start += line.len();
    }
    lines
}

impl Parent {
    /// Whether a line that begins in this column can belong to it.
    fn owns(self, column: usize) -> bool {
        match self {
            Self::Nothing => true,
            Self::Item(of) | Self::Key(of) => column > of,
        }
    }
}

impl<'a> Reader<'a> {
    fn line(&self) -> Option<Line> {
        self.lines.get(self.at).copied()
    }

    fn written(&self, line: Line) -> &'a str {
        &self.text[line.start.min(line.end)..line.end]
    }

    /// Goes on behind a place of this line; to the next line where only a comment follows.
    fn go_on(&mut self, line: Line, to: usize) {
        let rest = &self.text[to.min(line.end)..line.end];
        let content = rest.trim_start();
        if content.is_empty() || content.starts_with('#') {
            self.at += 1;
            return;
        }
        let start = line.end - content.len();
        if let Some(current) = self.lines.get_mut(self.at) {
            *current = Line { column: line.column + (start - line.start), start, end: line.end };
        }
    }

    /// What belongs to the parent, from the line that is reached.
    fn block(&mut self, parent: Parent, depth: usize) -> Node {
        let Some(line) = self.line().filter(|line| parent.owns(line.column)) else { return nothing(self.here()) };
        if depth >= MAX_DEPTH {
            self.skip(parent);
            return Node { span: Span::new(line.start, line.end), kind: Kind::Broken };
        }
        if is_item(self.written(line)) {
            return self.list(line, parent, depth);
        }
        if self.begins_map(line) { self.map(line, parent, depth) } else { self.value(line, parent, depth) }
    }

    /// Where an empty value would stand.
    fn here(&self) -> usize {
        self.line().map_or(self.text.len(), |line| line.start)
    }

    fn skip(&mut self, parent: Parent) {
        while self.line().is_some_and(|line| parent.owns(line.column)) {
            self.at += 1;
        }
    }

    fn list(&mut self, first: Line, parent: Parent, depth: usize) -> Node {
        let mut items: Vec<Node> = Vec::new();
        while let Some(line) = self.line() {
            let is_item = is_item(self.written(line));
            let is_beside = line.column == first.column;
            if !(parent.owns(line.column) || is_beside && is_item) {
                break;
            }
            if is_item {
                self.go_on(line, line.start + 1);
                let item = self.block(Parent::Item(line.column), depth + 1);
                // An item that holds nothing stands at its dash.
                let is_nothing = item.kind == Kind::Null && item.span.is_empty();
                items.push(if is_nothing { nothing(line.start + 1) } else { item });
            } else if is_beside {
                items.push(self.item_without_dash(line, depth + 1));
            } else {
                self.continue_item(items.last_mut(), line, Parent::Item(first.column), depth + 1);
            }
        }
        let end = items.last().map_or(first.end, |item| item.span.end);
        Node { span: Span::new(first.start, end), kind: Kind::List(items) }
    }

    /// What stands in the column of the dashes was meant as a further item.
    fn item_without_dash(&mut self, line: Line, depth: usize) -> Node {
        let Some(found) = key_of(self.written(line)) else {
            return self.value(line, Parent::Item(line.column), depth);
        };
        let entry = self.entry(line, found, depth);
        let span = entry.key.span.join(entry.value.span);
        Node { span, kind: Kind::Map(Map { entries: vec![entry] }) }
    }

    /// What is indented a little less than the item above, and still more than what holds the list, belongs to the
    /// item.
    fn continue_item(&mut self, item: Option<&mut Node>, line: Line, parent: Parent, depth: usize) {
        match item {
            Some(Node { kind: Kind::Map(map), span }) if self.begins_map(line) => {
                let more = self.map(line, parent, depth);
                *span = span.join(more.span);
                if let Kind::Map(more) = more.kind {
                    map.entries.extend(more.entries);
                }
            }
            Some(_) | None => self.at += 1,
        }
    }

    /// Whether a key stands on this line, with its colon or, where the next line is one of the same map, without.
    fn begins_map(&self, line: Line) -> bool {
        if key_of(self.written(line)).is_some() {
            return true;
        }
        let is_word = is_word(without_comment(self.written(line)));
        let next = self.lines.get(self.at + 1);
        is_word && next.is_some_and(|next| next.column == line.column && key_of(self.written(*next)).is_some())
    }

    /// A line further left than the first key that is still right of what holds the map was meant as a key, too.
    fn map(&mut self, first: Line, parent: Parent, depth: usize) -> Node {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(line) = self.line().filter(|line| line.column == first.column || parent.owns(line.column)) {
            let written = self.written(line);
            if is_item(written) {
                let list = self.list(line, Parent::Key(line.column), depth + 1);
                if let Some(last) = entries.last_mut() {
                    continue_list(last, list);
                }
                continue;
            }
            let entry = match key_of(written) {
                Some(found) => self.entry(line, found, depth),
                None => self.half_entry(line, depth),
            };
            entries.push(entry);
        }
        let end = entries.last().map_or(first.end, |entry| entry.key.span.join(entry.value.span).end);
        Node { span: Span::new(first.start, end), kind: Kind::Map(Map { entries }) }
    }

    fn entry(&mut self, line: Line, found: KeyFound, depth: usize) -> Entry {
        let behind = line.start + found.colon + 1;
        let key = Key { text: found.text, span: Span::new(line.start, line.start + found.len) };
        let rest = self.text[behind.min(line.end)..line.end].trim_start();
        if !(rest.is_empty() || rest.starts_with('#')) {
            let start = line.end - rest.len();
            let value = Line { column: line.column + (start - line.start), start, end: line.end };
            return Entry { key, value: self.value(value, Parent::Key(line.column), depth) };
        }
        self.at += 1;
        let value = match self.line() {
            // A list may stand in the column of its key.
            Some(next) if next.column == line.column && is_item(self.written(next)) => {
                self.list(next, Parent::Key(line.column), depth + 1)
            }
            Some(_) | None => self.block(Parent::Key(line.column), depth + 1),
        };
        let is_nothing = value.kind == Kind::Null && value.span.is_empty();
        Entry { key, value: if is_nothing { nothing(behind) } else { value } }
    }

    /// A word among keys that has no colon yet; what is indented below it is its value already.
    fn half_entry(&mut self, line: Line, depth: usize) -> Entry {
        let written = without_comment(self.written(line));
        let span = Span::new(line.start, line.start + written.len());
        self.at += 1;
        let has_value = self.line().is_some_and(|next| next.column > line.column);
        let value = if has_value { self.block(Parent::Key(line.column), depth + 1) } else { nothing(span.end) };
        Entry { key: Key { text: written.to_owned(), span }, value }
    }

    /// A value that begins on this line.
    fn value(&mut self, line: Line, parent: Parent, depth: usize) -> Node {
        let written = self.written(line);
        match written.as_bytes().first() {
            Some(b'|' | b'>') => self.literal(line, parent),
            Some(quote @ (b'"' | b'\'')) => self.quoted(line, *quote, parent),
            Some(b'{' | b'[') => self.brackets(line, parent, depth),
            Some(_) | None => self.plain(line, parent, depth),
        }
    }

    fn literal(&mut self, line: Line, parent: Parent) -> Node {
        self.at += 1;
        let mut end = line.end;
        while let Some(next) = self.line().filter(|next| parent.owns(next.column)) {
            end = next.end;
            self.at += 1;
        }
        let value = self.text[line.end..end].lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let value = value.trim_start_matches('\n').to_owned() + "\n";
        Node { span: Span::new(line.start, end), kind: Kind::Text(Text { value, style: TextStyle::Block }) }
    }

    fn quoted(&mut self, line: Line, quote: u8, parent: Parent) -> Node {
        let style = if quote == b'"' { TextStyle::DoubleQuoted } else { TextStyle::SingleQuoted };
        let mut last = line;
        let mut n_lines = 1;
        loop {
            let written = &self.text[line.start..last.end];
            if let Some(len) = quoted_len(written) {
                let value = unquoted(&written[..len]);
                self.at += n_lines;
                return Node { span: Span::new(line.start, line.start + len), kind: Kind::Text(Text { value, style }) };
            }
            match self.lines.get(self.at + n_lines) {
                // What looks like the next key was not meant to be within quotes.
                Some(next) if parent.owns(next.column) && key_of(self.written(*next)).is_none() => {
                    last = *next;
                    n_lines += 1;
                }
                Some(_) | None => break,
            }
        }
        self.at += 1;
        let value = self.text[line.start + 1..line.end].to_owned();
        Node { span: Span::new(line.start, line.end), kind: Kind::Text(Text { value, style }) }
    }

    fn plain(&mut self, line: Line, parent: Parent, depth: usize) -> Node {
        let first = without_comment(self.written(line));
        let has_comment = first.len() < self.written(line).len();
        let mut value = first.to_owned();
        let mut end = line.start + first.len();
        self.at += 1;
        // Text goes on in lines that are indented more, unless they look like keys, which they were then meant as.
        while let Some(next) = self.line().filter(|next| parent.owns(next.column) && !has_comment) {
            let written = without_comment(self.written(next));
            if key_of(written).is_some() || is_item(written) {
                return self.key_meant(line, first, next, depth);
            }
            value.push(' ');
            value.push_str(written);
            end = next.start + written.len();
            self.at += 1;
        }
        let span = Span::new(line.start, end);
        let kind = match scalar::resolve(&value) {
            Resolved::Null => Kind::Null,
            Resolved::Bool(flag) => Kind::Bool(flag),
            Resolved::Int(number) => Kind::Int(number),
            Resolved::Float(number) => Kind::Float(number),
            Resolved::Text | Resolved::Ambiguous(_) | Resolved::OutOfRange(_) => {
                Kind::Text(Text { value, style: TextStyle::Plain })
            }
        };
        Node { span, kind }
    }

    /// A word with keys below it lacks its colon.
    fn key_meant(&mut self, line: Line, word: &str, next: Line, depth: usize) -> Node {
        let span = Span::new(line.start, line.start + word.len());
        let value = self.block(Parent::Key(next.column.saturating_sub(1)), depth + 1);
        let whole = span.join(value.span);
        let key = Key { text: word.to_owned(), span };
        Node { span: whole, kind: Kind::Map(Map { entries: vec![Entry { key, value }] }) }
    }

    /// `{…}` or `[…]`, over as many lines as are indented more than the key.
    fn brackets(&mut self, line: Line, parent: Parent, depth: usize) -> Node {
        let mut limit = line.end;
        for next in &self.lines[(self.at + 1).min(self.lines.len())..] {
            if !parent.owns(next.column) && !self.written(*next).starts_with(['}', ']']) {
                break;
            }
            limit = next.end;
        }
        let mut inside = Inside { text: &self.text[..limit], at: line.start };
        let node = inside.value(depth);
        let end = inside.at;
        while self.line().is_some_and(|next| next.start < end) {
            self.at += 1;
        }
        // What follows a closing bracket on its line is a mistake, and none of our business.
        if self.lines.get(self.at).is_some_and(|next| next.start == line.start) {
            self.at += 1;
        }
        node
    }
}

/// Takes items into the list that an entry holds, or that it was to hold.
fn continue_list(entry: &mut Entry, list: Node) {
    match (&mut entry.value.kind, list.kind) {
        (Kind::List(items), Kind::List(more)) => {
            items.extend(more);
            entry.value.span = entry.value.span.join(list.span);
        }
        (Kind::Null, kind) => entry.value = Node { span: list.span, kind },
        (
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) | Kind::Broken,
            _,
        ) => {}
    }
}

fn nothing(at: usize) -> Node {
    Node { span: Span::new(at, at), kind: Kind::Null }
}
