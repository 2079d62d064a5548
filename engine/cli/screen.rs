//! The one place that writes to the terminal: in colour only where there is one, quietly where nobody reads on.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};

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
    write(anstream::stdout().write_all(text.as_bytes()));
}

/// Writes what a person should know beside the answer to standard error.
pub fn complain(text: &str) {
    write(anstream::stderr().write_all(text.as_bytes()));
}

/// Writes data to standard output, indented.
pub fn say_json(value: &serde_json::Value) {
    say(&format!("{value:#}\n"));
}

/// Whether standard output can be redrawn in place.
pub fn is_live() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
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
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: usize::from(size.ws_col), rows: usize::from(size.ws_row) }
        }
        Ok(_) | Err(_) => USUAL,
    }
}

/// How wide an answer may be: a terminal's width, and `None` for a file or a pipe, where nothing is to be cut.
pub fn width_of_answers() -> Option<usize> {
    io::stdout().is_terminal().then(|| size().columns)
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
