//! How what went wrong is told: the chain of causes once, then the remedy.

use std::error::Error;

use owo_colors::OwoColorize as _;
use text::{Colour, Diagnostic, Severity, SourceFile};

use crate::{Failure, screen, tables};

/// Tells why a command ended, on standard error.
pub fn show(failure: &Failure) {
    screen::complain(&told(failure));
}

/// The sentence, its causes, and what to do.
fn told(failure: &Failure) -> String {
    let mut text = format!("{} {}\n", "error:".red().bold(), lines(&sentence(failure)));
    if let Some(remedy) = failure.remedy() {
        text.push_str(&format!("{} {}\n", "  help:".cyan().bold(), lines(&remedy)));
    }
    text
}

/// A sentence and what caused it, on one line.
pub fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}

/// Something a person should know though the work goes on.
pub fn warn(text: &str) {
    screen::complain(&format!("{} {}\n", "warning:".yellow().bold(), lines(text)));
}

/// What others say within our sentences has no power over a terminal.
fn lines(text: &str) -> String {
    text.split('\n').map(text::visible).collect::<Vec<_>>().join("\n")
}

/// Shows diagnostics with their places, on standard error.
pub fn show_diagnostics(diagnostics: &[Diagnostic], files: &[SourceFile]) {
    let colour = if screen::complaints_in_colour() { Colour::Always } else { Colour::Never };
    // What is read later, in a log, is not cut to somebody's screen.
    screen::complain(&match screen::width_of_complaints() {
        Some(width) => text::render_within(diagnostics, files, colour, width),
        None => text::render(diagnostics, files, colour),
    });
}

/// How many mistakes and warnings: `2 mistakes and 1 warning`.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let n_errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count() as u64;
    let n_warnings = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning).count() as u64;
    match (n_errors, n_warnings) {
        (_, 0) => tables::counted(n_errors, "mistake"),
        (0, _) => tables::counted(n_warnings, "warning"),
        (_, _) => format!("{} and {}", tables::counted(n_errors, "mistake"), tables::counted(n_warnings, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn causes_are_told_once_and_the_remedy_last() {
        let failure = Failure::File {
            doing: "read",
            path: "flows/a.yaml".into(),
            source: io::Error::new(io::ErrorKind::PermissionDenied, "permission denied"),
        };
        assert_eq!(sentence(&failure), "read `flows/a.yaml`: permission denied");
        let told = anstream::adapter::strip_str(&told(&Failure::NoFlows { dir: "flows".into() })).to_string();
        assert!(told.starts_with("error: there are no flows in `flows`\n  help: "), "{told}");
    }
}
