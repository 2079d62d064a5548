//! Where the log goes, how much of it, and what a person reads when the program itself fails.

use std::fs::OpenOptions;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{Failure, screen};

/// Overrides the level, in the words of `tracing`'s filters.
const VARIABLE: &str = "MILLRACE_LOG";

/// The log goes to standard error, in colour only on a terminal.
pub fn to_stderr(verbose: u8) {
    tracing_subscriber::fmt()
        .with_env_filter(filter(verbose))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
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
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .finish()
        .with(filter_fn(move |metadata| !is_of_a_run(metadata)))
        .init();
}

/// The log goes to a file, for a command that owns the screen.
pub fn to_file(verbose: u8, path: &Path) -> Result<(), Failure> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(Failure::file("open", path))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter(verbose))
        .with_writer(Mutex::new(file))
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

/// A failure of the program itself is told as such: where it happened, and that nothing stored is lost.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        screen::restore();
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        screen::complain(&format!(
            "millrace met a mistake of its own{place}: {}\n\
             What was stored is safe: start again, and it goes on from there. Please report this line.\n",
            message(panic.payload())
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
