//! A file as its author sees it: a path, text, lines and columns.

use std::ops::Range;
use std::sync::Arc;

use crate::codes;
use crate::diagnostic::Diagnostic;

/// No file is larger than this; it is checked before anything looks inside.
pub const MAX_FILE_SIZE: usize = 256 * 1024;

/// One file's text. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as it is shown to people: relative to the project's folder.
    pub path: Arc<str>,
    /// The text, without a byte order mark.
    pub text: Arc<str>,
    /// Where each line begins, so that places are found without reading the whole file again.
    line_starts: Arc<[usize]>,
}

/// A range of bytes in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// A place in a file, as people count: from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A place in a file, as editors count: from 0, in units of UTF-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EditorPosition {
    /// The line.
    pub line: usize,
    /// The unit within it; a character outside of the basic plane takes two.
    pub unit: usize,
}

impl SourceFile {
    /// Takes text that is known to be text. A leading byte order mark is dropped: some editors write one, and it means
    /// nothing.
    pub fn new(path: impl Into<Arc<str>>, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        Self { path: path.into(), text: Arc::from(text), line_starts }
    }

    /// Takes a file's bytes, which must be UTF-8 and not too many. On a mistake, the diagnostic names the path only.
    pub fn from_bytes(path: impl Into<Arc<str>>, bytes: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let path = path.into();
        let at_start = |diagnostic: Diagnostic| Box::new(diagnostic.at(&path, Span::default(), ""));
        if bytes.len() > MAX_FILE_SIZE {
            return Err(at_start(too_large(bytes.len())));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(path, text)),
            Err(error) => {
                let message = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
                    "the file is UTF-16, and only UTF-8 is read".to_owned()
                } else {
                    format!("the file is not UTF-8: byte {} is part of no character", error.valid_up_to() + 1)
                };
                Err(at_start(Diagnostic::error(codes::NOT_UTF8, message).help("save it again as UTF-8")))
            }
        }
    }

    /// Line and column of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.boundary(offset);
        let line = self.line_number(offset);
        Position { line: line + 1, column: self.text[self.line_starts[line]..offset].chars().count() + 1 }
    }

    /// Line and unit of a byte.
    pub fn editor_position(&self, offset: usize) -> EditorPosition {
        let offset = self.boundary(offset);
        let line = self.line_number(offset);
        EditorPosition { line, unit: self.text[self.line_starts[line]..offset].encode_utf16().count() }
    }

    /// The byte at a line and a unit; the nearest one before it where there is no such place.
    pub fn offset_of(&self, position: EditorPosition) -> usize {
        let Some(start) = self.line_starts.get(position.line) else { return self.text.len() };
        let line = self.line(*start);
        let mut units = 0;
        for (offset, character) in self.text[line.clone()].char_indices() {
            units += character.len_utf16();
            if units > position.unit {
                return line.start + offset;
            }
        }
        line.end
    }

    /// The text of a span; what lies outside of the file is left out.
    pub fn slice(&self, span: Span) -> &str {
        let start = self.boundary(span.start);
        &self.text[start..self.boundary(span.end).max(start)]
    }

    /// The line in which a byte stands, without its line break.
    pub fn line(&self, offset: usize) -> Range<usize> {
        let line = self.line_number(self.boundary(offset));
        let start = self.line_starts[line];
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let end = if self.text[start..end].ends_with('\r') { end - 1 } else { end };
        start..end.max(start)
    }

    /// A text of ours with the line breaks that the file has.
    pub fn with_its_breaks(&self, text: &str) -> String {
        if self.text.contains("\r\n") { text.replace('\n', "\r\n") } else { text.to_owned() }
    }

    /// Which line a byte stands in, counted from 0.
    fn line_number(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset) - 1
    }

    /// The nearest beginning of a character at or before `offset`, inside the file.
    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

pub(crate) fn too_large(size: usize) -> Diagnostic {
    let limit = MAX_FILE_SIZE / 1024;
    Diagnostic::error(
        codes::TOO_LARGE,
        format!("the file has {} KiB, and {limit} KiB is the most", size.div_ceil(1024)),
    )
    .help("divide it into several files")
}

impl Span {
    /// From one byte to another.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The smallest span that holds both.
    pub fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let file = SourceFile::new("a.yaml", "\u{feff}é: 1\r\nbé: 2\n");
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        assert_eq!(file.position(2), Position { line: 1, column: 2 });
        let second = file.text.find("bé").unwrap();
        assert_eq!(file.position(second + 3), Position { line: 2, column: 3 });
        assert_eq!(&file.text[file.line(2)], "é: 1");
        assert_eq!(file.position(9_999).line, 3);
    }

    #[test]
    fn editors_count_units_of_utf_16() {
        let file = SourceFile::new("a.yaml", "a: 😀x\r\né\n");
        let x = file.text.find('x').unwrap();
        assert_eq!(file.editor_position(x), EditorPosition { line: 0, unit: 5 });
        for offset in file.text.char_indices().map(|(offset, _)| offset).filter(|offset| !(8..10).contains(offset)) {
            assert_eq!(file.offset_of(file.editor_position(offset)), offset, "{offset}");
        }
        let at = |line, unit| file.offset_of(EditorPosition { line, unit });
        assert_eq!(at(0, 4), x - 4, "the middle of a character is its beginning");
        assert_eq!((at(0, 99), at(1, 1), at(9, 0)), (x + 1, x + 5, file.text.len()));
    }

    #[test]
    fn other_encodings_are_named() {
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("flow".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let error = SourceFile::from_bytes("a.yaml", &utf16).unwrap_err();
        assert_eq!(error.code, codes::NOT_UTF8);
        assert!(error.message.contains("UTF-16"), "{}", error.message);
        let latin = SourceFile::from_bytes("a.yaml", b"name: J\xf6rg").unwrap_err();
        assert!(latin.message.contains("byte 8"), "{}", latin.message);
        let large = SourceFile::from_bytes("a.yaml", &vec![b'a'; MAX_FILE_SIZE + 1]).unwrap_err();
        assert_eq!(large.code, codes::TOO_LARGE);
        assert!(SourceFile::from_bytes("a.yaml", &vec![b'a'; MAX_FILE_SIZE]).is_ok());
    }
}
