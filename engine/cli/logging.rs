//! Where the log goes, how much of it, and what a person reads when the program itself fails.
//!
//! Whatever a service or a record says may end up in an event. Each event is one line of bounded length, without
//! secrets and without characters that have power over a terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{Failure, screen, secrets};

/// Overrides the level, in the words of `tracing`'s filters.
const VARIABLE: &str = "MILLRACE_LOG";
/// So many bytes of one event are written.
const LONGEST_LINE: usize = 8 * 1024;

/// The log goes to standard error, in colour only on a terminal.
pub fn to_stderr(verbose: u8) {
    tracing_subscriber::fmt()
        .with_env_filter(filter(verbose))
        .with_writer(|| Lines { sink: io::stderr(), in_colour: is_in_colour() })
        .with_ansi(is_in_colour())
        .with_target(false)
        .init();
}

/// The same for a command that tells itself how runs ended: their lines come only with `-v`.
pub fn to_stderr_but_runs(verbose: u8) {
    if verbose > 0 || std::env::var_os(VARIABLE).is_some() {
        return to_stderr(verbose);
    }
    let is_of_a_run = |metadata: &tracing::Metadata<'_>| metadata.fields().field("run").is_some();
    tracing_subscriber::fmt()
        .with_env_filter(filter(verbose))
        .with_writer(|| Lines { sink: io::stderr(), in_colour: is_in_colour() })
        .with_ansi(is_in_colour())
        .with_target(false)
        .finish()
        .with(filter_fn(move |metadata| !is_of_a_run(metadata)))
        .init();
}

/// The same for a command that tells itself which changes of files it took up: on a terminal they are told once.
pub fn to_stderr_but_reloads(verbose: u8) {
    let tells_itself =
        verbose == 0 && std::env::var_os(VARIABLE).is_none() && screen::is_live() && screen::is_watched();
    if !tells_itself {
        return to_stderr(verbose);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter(verbose))
        .with_writer(|| Lines { sink: io::stderr(), in_colour: is_in_colour() })
        .with_ansi(is_in_colour())
        .with_target(false)
        .finish()
        .with(filter_fn(|metadata| metadata.target() != runtime::events::EXCHANGED))
        .init();
}

/// The log goes to a file, for a command that owns the screen.
pub fn to_file(verbose: u8, path: &Path) -> Result<(), Failure> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(Failure::file("open", path))?;
    let file = Arc::new(file);
    tracing_subscriber::fmt()
        .with_env_filter(filter(verbose))
        .with_writer(move || Lines { sink: Shared(file.clone()), in_colour: false })
        .with_ansi(false)
        .with_target(false)
        .init();
    Ok(())
}

fn filter(verbose: u8) -> EnvFilter {
    let level = match verbose {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    // A filter that cannot be read is no reason to log nothing.
    EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| {
        let ours = ["millrace", "millrace_runtime", "millrace_store", "millrace_connectors", "millrace_sandbox"];
        EnvFilter::new(ours.iter().fold("warn".to_owned(), |filter, name| format!("{filter},{name}={level}")))
    })
}

fn is_in_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Events on their way to where the log goes, each written at once.
struct Lines<W> {
    sink: W,
    in_colour: bool,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        screen::clear_line();
        self.sink.write_all(line(&String::from_utf8_lossy(event), self.in_colour).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// The colours and weights that levels, names and times are written in.
const STYLES: [&str; 9] = ["[0m", "[1m", "[2m", "[3m", "[31m", "[32m", "[33m", "[34m", "[35m"];

/// One event as one line. In colour, only what the log itself draws with is left as it is.
fn line(event: &str, in_colour: bool) -> String {
    let event = secrets::hidden(event.strip_suffix('\n').unwrap_or(event));
    let mut line = String::with_capacity(event.len() + 1);
    for (at, character) in event.char_indices() {
        if line.len() >= LONGEST_LINE {
            line.push('…');
            break;
        }
        let is_style = || in_colour && STYLES.iter().any(|style| event[at + 1..].starts_with(style));
        match character {
            '\u{1b}' if is_style() => line.push(character),
            character if text::is_hidden(character) => {
                line.push_str(&text::visible(character.encode_utf8(&mut [0; 4])))
            }
            character => line.push(character),
        }
    }
    line.push('\n');
    line
}

/// A file that each event is appended to.
struct Shared(Arc<File>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

/// A failure of the program itself is told as such: where it happened, and that nothing stored is lost.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        screen::restore();
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        screen::complain(&format!(
            "millrace met a mistake of its own{place}: {}\n\
             What was stored is safe: start again, and it goes on from there. Please report this line.\n",
            text::visible(&secrets::hidden(message(panic.payload())))
        ));
    }));
}

fn message(payload: &dyn std::any::Any) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "(no message)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_without_power_over_a_terminal() {
        assert_eq!(line("a\n2026-01-01 INFO fake\r\n", false), "a\\u{a}2026-01-01 INFO fake\\u{d}\n");
        assert_eq!(line("\u{1b}[2J\u{9b}31m\u{202e}\u{2028}", false), "\\u{1b}[2J\\u{9b}31m\\u{202e}\\u{2028}\n");
        assert_eq!(line("\u{1b}[32mINFO\u{1b}[0m x\u{202e}", true), "\u{1b}[32mINFO\u{1b}[0m x\\u{202e}\n");
        let long = line(&"ü".repeat(1_000_000), false);
        assert!(long.ends_with("ü…\n") && long.len() < LONGEST_LINE + 8, "{}", long.len());
    }

    #[test]
    fn what_an_event_says_is_relieved_of_colours_of_its_own() {
        let written = Arc::new(std::sync::Mutex::new(Vec::new()));
        struct Sink(Arc<std::sync::Mutex<Vec<u8>>>);
        impl Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sink = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || Lines { sink: Sink(sink.clone()), in_colour: true })
            .with_ansi(true)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let evil = "\u{1b}[2Jgone\u{9b}31m";
            tracing::info!(display = %evil, debug = ?evil, text = evil, "a message with {evil}");
        });
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1);
        assert!(
            written.contains("gone") && !written.contains("\u{1b}[2J") && !written.contains('\u{9b}'),
            "{written:?}"
        );
    }
}
