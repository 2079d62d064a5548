//! What stands within brackets: indentation means nothing there, and commas tell things apart.

use super::super::MAX_DEPTH;
use super::super::scalar::{self, Resolved};
use super::nothing;
use super::words::{quoted_len, unquoted};
use crate::node::{Entry, Key, Kind, Map, Node, Text, TextStyle};
use crate::source::Span;

/// Within brackets, where indentation means nothing.
pub(super) struct Inside<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Inside<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at.min(self.text.len())..]
    }

    /// Goes to what comes next, over white space and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let content = rest.trim_start();
            let blank = rest.len() - content.len();
            self.at += blank;
            let is_comment = self.rest().starts_with('#') && (blank > 0 || self.at == 0);
            if !is_comment {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    pub(super) fn value(&mut self, depth: usize) -> Node {
        match self.rest().as_bytes().first() {
            Some(b'{' | b'[') if depth < MAX_DEPTH => self.collection(depth),
            Some(b'"' | b'\'') => {
                let start = self.at;
                let line = self.rest().find('\n').unwrap_or(self.rest().len());
                let len = quoted_len(self.rest()).unwrap_or(line);
                let written = &self.text[start..start + len];
                let style = if written.starts_with('"') { TextStyle::DoubleQuoted } else { TextStyle::SingleQuoted };
                let value = unquoted(written);
                self.at += len.max(1);
                Node { span: Span::new(start, start + len), kind: Kind::Text(Text { value, style }) }
            }
            Some(_) | None => self.plain(),
        }
    }

    fn plain(&mut self) -> Node {
        let start = self.at;
        let mut end = start;
        let mut in_expression = 0_usize;
        let mut before = ' ';
        for (offset, character) in self.rest().char_indices() {
            let after = self.rest()[offset + character.len_utf8()..].chars().next();
            let ends_key =
                character == ':' && after.is_none_or(|after| after.is_whitespace() || ",[]{}".contains(after));
            match character {
                // Half typed without its quotes; its braces are not YAML's.
                '{' if before == '$' => in_expression += 1,
                '}' if in_expression > 0 => in_expression -= 1,
                ',' | '[' | ']' | '{' | '}' if in_expression == 0 => break,
                '\n' if in_expression > 0 => break,
                '#' if before.is_whitespace() => break,
                ':' if ends_key && in_expression == 0 => break,
                _ => {}
            }
            before = character;
            if !character.is_whitespace() {
                end = start + offset + character.len_utf8();
            }
        }
        let written = &self.text[start..end];
        let kind = match scalar::resolve(written) {
            Resolved::Null => Kind::Null,
            Resolved::Bool(flag) => Kind::Bool(flag),
            Resolved::Int(number) => Kind::Int(number),
            Resolved::Float(number) => Kind::Float(number),
            Resolved::Text | Resolved::Ambiguous(_) | Resolved::OutOfRange(_) => Kind::Text(Text {
                value: written.split_whitespace().collect::<Vec<_>>().join(" "),
                style: TextStyle::Plain,
            }),
        };
        self.at = end;
        Node { span: Span::new(start, end), kind }
    }

    fn collection(&mut self, depth: usize) -> Node {
        let start = self.at;
        let is_map = self.rest().starts_with('{');
        let close = if is_map { '}' } else { ']' };
        self.at += 1;
        let (mut entries, mut items) = (Vec::new(), Vec::new());
        loop {
            self.skip();
            let Some(next) = self.rest().chars().next() else { break };
            if next == close {
                self.at += 1;
                break;
            }
            if next == ',' || next == ':' || next == '}' || next == ']' {
                self.at += 1;
                continue;
            }
            let before = self.at;
            if is_map {
                entries.extend(self.entry(depth));
            } else {
                items.push(self.value(depth + 1));
            }
            if self.at == before {
                self.at += next.len_utf8();
            }
        }
        let kind = if is_map { Kind::Map(Map { entries }) } else { Kind::List(items) };
        Node { span: Span::new(start, self.at), kind }
    }

    fn entry(&mut self, depth: usize) -> Option<Entry> {
        let key = self.value(depth + 1);
        let text = match &key.kind {
            Kind::Text(text) => text.value.clone(),
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {
                self.text[key.span.start..key.span.end].to_owned()
            }
            Kind::List(_) | Kind::Map(_) | Kind::Broken => return None,
        };
        self.skip();
        let value = if self.rest().starts_with(':') {
            self.at += 1;
            let behind = self.at;
            self.skip();
            match self.rest().chars().next() {
                Some(',' | '}' | ']') | None => nothing(behind),
                Some(_) => self.value(depth + 1),
            }
        } else {
            nothing(key.span.end)
        };
        Some(Entry { key: Key { text, span: key.span }, value })
    }
}
