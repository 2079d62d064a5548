//! The editor's open buffers, and places in them as the editor counts.

use std::path::{Path, PathBuf};

use lsp_types::{Position, Range, TextDocumentContentChangeEvent, TextEdit, Uri};
use text::{EditorPosition, SourceFile, Span};

/// What a byte order mark takes; it is no part of the text, and the editor counts it.
const MARK: char = '\u{feff}';

/// A file as it stands in the editor.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// As the editor names it.
    pub uri: Uri,
    /// Where it lies, or will lie.
    pub path: PathBuf,
    /// The editor's number of this text.
    pub version: i32,
    /// The text, under the path.
    pub file: SourceFile,
    has_mark: bool,
}

/// All open buffers.
#[derive(Debug, Default)]
pub struct Documents {
    buffers: Vec<Buffer>,
}

impl Documents {
    /// Takes in a buffer that was opened; one that was open already is replaced.
    pub fn open(&mut self, uri: Uri, version: i32, text: &str) {
        let Some(path) = path_of(&uri) else { return };
        self.close(&uri);
        let mut buffer = Buffer { file: named(&path, ""), uri, path, version, has_mark: false };
        buffer.replace(text);
        self.buffers.push(buffer);
    }

    /// Takes in changes, each of which counts from the one before it.
    pub fn change(&mut self, uri: &Uri, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        let Some(buffer) = self.buffers.iter_mut().find(|buffer| buffer.uri == *uri) else { return };
        buffer.version = version;
        for change in changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                    buffer.replace_part(part.range, &part.text);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
                    buffer.replace(&whole.text);
                }
            }
        }
    }

    /// Forgets a buffer; what lies on disk counts again.
    pub fn close(&mut self, uri: &Uri) {
        self.buffers.retain(|buffer| buffer.uri != *uri);
    }

    /// The buffer that the editor names.
    pub fn get(&self, uri: &Uri) -> Option<&Buffer> {
        self.buffers.iter().find(|buffer| buffer.uri == *uri)
    }

    /// The buffer of a file.
    pub fn of_path(&self, path: &Path) -> Option<&Buffer> {
        self.buffers.iter().find(|buffer| buffer.path == path)
    }

    /// All of them, in the order in which they were opened.
    pub fn all(&self) -> impl Iterator<Item = &Buffer> {
        self.buffers.iter()
    }
}

impl Buffer {
    fn replace(&mut self, text: &str) {
        self.has_mark = text.starts_with(MARK);
        self.file = named(&self.path, text);
    }

    fn replace_part(&mut self, range: Range, with: &str) {
        let mark = if self.has_mark { MARK.len_utf8() } else { 0 };
        let is_before_mark = |at: Position| at.line == 0 && at.character == 0;
        let raw = |at: Position| if is_before_mark(at) { 0 } else { mark + self.offset(at) };
        let (start, end) = (raw(range.start), raw(range.end));
        let mut text = String::with_capacity(mark + self.file.text.len() + with.len());
        text.extend(self.has_mark.then_some(MARK));
        text.push_str(&self.file.text);
        text.replace_range(start..end.max(start), with);
        self.replace(&text);
    }

    /// The byte at a place of the editor.
    pub fn offset(&self, position: Position) -> usize {
        let shift = u32::from(self.has_mark && position.line == 0);
        let unit = position.character.saturating_sub(shift);
        self.file.offset_of(EditorPosition { line: position.line as usize, unit: unit as usize })
    }

    /// A span as the editor counts.
    pub fn range(&self, span: Span) -> Range {
        let mut range = range(&self.file, span);
        if self.has_mark {
            for end in [&mut range.start, &mut range.end] {
                end.character += u32::from(end.line == 0);
            }
        }
        range
    }

    /// The smallest change that makes this text of the buffer's; `None` where it is that already.
    pub fn edit_to(&self, text: &str) -> Option<TextEdit> {
        let before = &*self.file.text;
        if before == text {
            return None;
        }
        let same_begin = before.bytes().zip(text.bytes()).take_while(|(one, other)| one == other).count();
        let start = (0..=same_begin).rev().find(|at| before.is_char_boundary(*at) && text.is_char_boundary(*at))?;
        let (rest, new) = (&before[start..], &text[start..]);
        let same_end = rest.bytes().rev().zip(new.bytes().rev()).take_while(|(one, other)| one == other).count();
        let is_boundary = |n: &usize| rest.is_char_boundary(rest.len() - n) && new.is_char_boundary(new.len() - n);
        let same_end = (0..=same_end).rev().find(is_boundary)?;
        let range = self.range(Span::new(start, before.len() - same_end));
        Some(TextEdit { range, new_text: new[..new.len() - same_end].to_owned() })
    }
}

/// A span of a file as editors count.
pub fn range(file: &SourceFile, span: Span) -> Range {
    let position = |offset: usize| {
        let EditorPosition { line, unit } = file.editor_position(offset);
        Position { line: line as u32, character: unit as u32 }
    };
    Range { start: position(span.start), end: position(span.end) }
}

/// Where a file of the editor lies; `None` for what is no file.
pub fn path_of(uri: &Uri) -> Option<PathBuf> {
    if uri.scheme() == "file" { uri.to_file_path().ok() } else { None }
}

fn named(path: &Path, text: &str) -> SourceFile {
    SourceFile::new(path.to_string_lossy().into_owned(), text)
}

#[cfg(test)]
mod tests {
    use lsp_types::TextDocumentContentChangePartial;
    use rand::rngs::SmallRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    fn uri() -> Uri {
        Uri::from_file_path("/project/flows/a b.yaml").expect("an absolute path")
    }

    fn opened(text: &str) -> Documents {
        let mut documents = Documents::default();
        documents.open(uri(), 1, text);
        documents
    }

    fn part(from: (u32, u32), to: (u32, u32), text: &str) -> TextDocumentContentChangeEvent {
        let position = |(line, character)| Position { line, character };
        let range = Range { start: position(from), end: position(to) };
        #[expect(deprecated, reason = "the field must be given to make one")]
        let part = TextDocumentContentChangePartial { range, range_length: None, text: text.to_owned() };
        TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part)
    }

    #[test]
    fn changes_follow_each_other_and_count_in_utf_16() {
        let mut documents = opened("a: 😀x\r\nb: 1\r\n");
        documents.change(
            &uri(),
            2,
            vec![part((0, 5), (0, 6), "yz"), part((0, 5), (0, 6), ""), part((1, 3), (1, 4), "2")],
        );
        let buffer = documents.get(&uri()).expect("it is open");
        assert_eq!((&*buffer.file.text, buffer.version), ("a: 😀z\r\nb: 2\r\n", 2));
        assert_eq!(buffer.path, Path::new("/project/flows/a b.yaml"));
        // Beyond the end is the end.
        documents.change(&uri(), 3, vec![part((9, 9), (9, 9), "c: 3")]);
        assert!(documents.get(&uri()).is_some_and(|buffer| buffer.file.text.ends_with("\nc: 3")));
    }

    /// Where the editor says that a byte is.
    fn told(text: &str, offset: usize) -> (u32, u32) {
        let (line, before) = text[..offset].split('\n').enumerate().last().expect("there is a line");
        (line as u32, before.encode_utf16().count() as u32)
    }

    #[test]
    fn whatever_is_typed_the_text_is_the_editors() {
        const SEED: u64 = 7;
        let mut random = SmallRng::seed_from_u64(SEED);
        let mut text = "flow: a\n".to_owned();
        let mut documents = opened(&text);
        let pieces = ["\n", " ", "a", "é", "😀", "\u{feff}", ""];
        for turn in 0..2_000 {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let start = random.random_range(0..places.len());
            let end = (start + random.random_range(0..3)).min(places.len() - 1);
            let (start, end) = (places[start], places[end]);
            let new = pieces[random.random_range(0..pieces.len())];
            documents.change(&uri(), turn, vec![part(told(&text, start), told(&text, end), new)]);
            text.replace_range(start..end, new);
            let buffer = documents.get(&uri()).expect("it is open");
            assert_eq!(*buffer.file.text, *text.strip_prefix(MARK).unwrap_or(&text), "seed {SEED}, turn {turn}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_counted_and_not_read() {
        let mut documents = opened("\u{feff}flow: a\n");
        documents.change(&uri(), 2, vec![part((0, 7), (0, 8), "b")]);
        let buffer = documents.get(&uri()).expect("it is open");
        assert_eq!(&*buffer.file.text, "flow: b\n");
        assert_eq!(buffer.range(Span::new(0, 4)).end.character, 5);
    }

    #[test]
    fn an_edit_is_as_small_as_it_can_be() {
        let documents = opened("a: é\nb: 1\nc: 2\n");
        let buffer = documents.get(&uri()).expect("it is open");
        let edit = buffer.edit_to("a: è\nb: 1\nc: 2\n").expect("they differ");
        assert_eq!((edit.range.start.character, edit.range.end.character, edit.new_text.as_str()), (3, 4, "è"));
        assert_eq!(buffer.edit_to(&buffer.file.text), None);
        let edit = buffer.edit_to("a: é\nb: 1\nb: 1\nc: 2\n").expect("they differ");
        assert_eq!((edit.range.start, edit.new_text.as_str()), (edit.range.end, "b: 1\n"));
    }
}
