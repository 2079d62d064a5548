//! The one place that writes to the terminal: in colour only where there is one, quietly where nobody reads on.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};

use crate::{folding, secrets, tables};

/// What is assumed of a terminal that does not tell its size, and of a pipe.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// How much fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// Writes a command's answer to standard output.
pub fn say(text: &str) {
    clear_line();
    write(anstream::stdout().write_all(harmless(text).as_bytes()));
}

/// Writes sentences to standard output, broken between words where a terminal ends.
pub fn tell(text: &str) {
    match width_of_answers() {
        Some(width) => say(&folding::folded(text, width)),
        None => say(text),
    }
}

/// Writes what a person should know beside the answer to standard error, broken between words where a terminal ends.
pub fn complain(text: &str) {
    clear_line();
    let text = harmless(&secrets::hidden(text));
    let text = width_of_complaints().map_or(text.clone(), |width| folding::folded(&text, width));
    write(anstream::stderr().write_all(text.as_bytes()));
}

static HAS_LINE: AtomicBool = AtomicBool::new(false);

/// Draws one line where somebody watches standard error, over the one before. It goes away as soon as anything is
/// written.
pub fn draw_line(line: &str) {
    if is_watched() {
        let line = text::visible(&secrets::hidden(line)).to_string();
        let room = size_behind(io::stderr()).columns.saturating_sub(1);
        write(anstream::stderr().write_all(format!("\r\x1b[K{}", tables::cut(&line, room)).as_bytes()));
        HAS_LINE.store(true, Ordering::Relaxed);
    }
}

/// Removes what was drawn so.
pub fn clear_line() {
    if HAS_LINE.swap(false, Ordering::Relaxed) {
        write(io::stderr().write_all(b"\r\x1b[K"));
    }
}

/// Writes data to standard output, indented.
pub fn say_json(value: &serde_json::Value) {
    say(&format!("{}\n", harmless_json(&format!("{value:#}"))));
}

/// Writes data to standard output, on one line.
pub fn say_json_line(value: &serde_json::Value) {
    say(&format!("{}\n", harmless_json(&value.to_string())));
}

/// The text without characters that have power over a terminal, but for those that we draw with. Those are taken out of
/// others' words before they come here.
fn harmless(text: &str) -> String {
    let is_ours = |character| matches!(character, '\n' | '\r' | '\t' | '\u{1b}');
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if text::is_hidden(character) && !is_ours(character) {
            out.push_str(&text::visible(character.encode_utf8(&mut [0; 4])));
        } else {
            out.push(character);
        }
    }
    out
}

/// JSON that means the same, with what its own rules leave as it is and a terminal does not.
fn harmless_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if text::is_hidden(character) && character != '\n' {
            // Each of them is one unit of UTF-16, so one escape is all of it.
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether standard output can be redrawn in place.
pub fn is_live() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Empties the screen, where there is one to redraw.
pub fn clear() {
    if is_live() {
        let mut stdout = io::stdout().lock();
        write(stdout.write_all(b"\x1b[2J\x1b[H").and_then(|()| stdout.flush()));
    }
}

/// Whether somebody watches standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether standard error takes colours.
pub fn complaints_in_colour() -> bool {
    !matches!(AutoStream::choice(&io::stderr()), ColorChoice::Never)
}

/// The size of the terminal behind standard output.
pub fn size() -> Size {
    size_behind(io::stdout())
}

fn size_behind(stream: impl std::os::fd::AsFd) -> Size {
    match rustix::termios::tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: usize::from(size.ws_col), rows: usize::from(size.ws_row) }
        }
        Ok(_) | Err(_) => USUAL,
    }
}

/// How wide an answer may be: a terminal's width, or what `COLUMNS` says of whatever reads a pipe; `None` for a file or
/// a pipe of which nothing is known, where nothing is to be cut.
pub fn width_of_answers() -> Option<usize> {
    let told = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    if io::stdout().is_terminal() { Some(size().columns) } else { told() }
}

/// How wide a complaint may be: a terminal's width, and `None` for a log, which nobody has a width for.
pub fn width_of_complaints() -> Option<usize> {
    is_watched().then(|| size_behind(io::stderr()).columns)
}

/// Lines that are drawn again and again at the same place of a terminal.
#[derive(Debug, Default)]
pub struct Canvas {
    drawn: usize,
    size: Option<Size>,
}

static CURSOR_IS_HIDDEN: AtomicBool = AtomicBool::new(false);

impl Canvas {
    /// Draws over what was drawn before. Lines must fit the width; what does not fit the height is left out.
    pub fn draw(&mut self, lines: &[String]) {
        let size = size();
        let fitting = &lines[..lines.len().min(size.rows.saturating_sub(1))];
        // A synchronised update: terminals that know it show the new picture at once.
        let mut out = "\x1b[?2026h\x1b[?25l".to_owned();
        if self.size.replace(size).is_some_and(|before| before != size) {
            // The terminal has broken our lines anew, and nobody can say where they are now.
            out.push_str("\x1b[2J\x1b[H");
        } else if self.drawn > 0 {
            out.push_str(&format!("\x1b[{}A\r", self.drawn));
        }
        let in_colour = !matches!(AutoStream::choice(&io::stdout()), ColorChoice::Never);
        for line in fitting {
            if in_colour {
                out.push_str(line);
            } else {
                out.push_str(&anstream::adapter::strip_str(line).to_string());
            }
            out.push_str("\x1b[K\n");
        }
        out.push_str("\x1b[J\x1b[?2026l");
        self.drawn = fitting.len();
        CURSOR_IS_HIDDEN.store(true, Ordering::Relaxed);
        let mut stdout = io::stdout().lock();
        write(stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush()));
    }

    /// Removes what was drawn.
    pub fn clear(&mut self) {
        self.draw(&[]);
        restore();
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether a picture is being drawn.
pub fn is_drawn_upon() -> bool {
    CURSOR_IS_HIDDEN.load(Ordering::Relaxed)
}

/// Shows the cursor again if we have hidden it. Whatever ends the process calls this.
pub fn restore() {
    if CURSOR_IS_HIDDEN.swap(false, Ordering::Relaxed) {
        let mut stdout = io::stdout().lock();
        // A terminal that has gone needs no cursor.
        let _ = stdout.write_all(b"\x1b[?25h").and_then(|()| stdout.flush());
    }
}

/// A reader that has seen enough, such as `head`, ends us without a word.
fn write(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() == ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hidden_character_reaches_a_terminal() {
        assert_eq!(harmless("a\u{202e}b\u{9b}c\u{7}\u{8}\u{7f}"), "a\\u{202e}b\\u{9b}c\\u{7}\\u{8}\\u{7f}");
        assert_eq!(harmless("\r\u{1b}[Kour own\n"), "\r\u{1b}[Kour own\n");
        let value = serde_json::json!({ "a": "\u{1b}[2J\r\u{9b}\u{202e}\u{2028}\u{7f}\u{feff}ü" });
        let json = harmless_json(&format!("{value:#}"));
        assert!(json.chars().all(|character| !text::is_hidden(character) || character == '\n'), "{json:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
