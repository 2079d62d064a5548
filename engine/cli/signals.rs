//! Ctrl-C and SIGTERM: the first asks for a graceful stop, the second stops at once. SIGHUP asks to read files again.

use tokio_util::sync::CancellationToken;

use crate::{exit, screen};

/// A token that the first signal cancels, for a command that stops at once.
pub fn stop_token() -> CancellationToken {
    listen(|| {})
}

/// The same for an engine, whose runs at work come to their end first, unless a second signal comes.
pub fn graceful_stop_token() -> CancellationToken {
    listen(|| {
        // A picture says it itself.
        if !screen::is_drawn_upon() {
            screen::complain("Stopping; what is at work comes to its end. Ctrl-C again stops at once.\n");
        }
    })
}

/// SIGHUP, by which supervisors and scripts ask a process to read its files again.
#[cfg(unix)]
pub struct HangUps {
    signals: Option<tokio::signal::unix::Signal>,
    /// Whether somebody's terminal is around, which sends the same when it is closed.
    has_terminal: bool,
}

/// What a SIGHUP meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// To read the files again.
    Asked,
    /// That the terminal is gone.
    TerminalGone,
}

#[cfg(unix)]
impl HangUps {
    /// Listens from now on.
    pub fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = signal(SignalKind::hangup());
        if let Err(error) = &signals {
            tracing::warn!(error = %error, "SIGHUP cannot be heard");
        }
        Self { signals: signals.ok(), has_terminal: has_terminal() }
    }

    /// The next one.
    pub async fn next(&mut self) -> HangUp {
        let Some(signals) = &mut self.signals else { return std::future::pending().await };
        signals.recv().await;
        if self.has_terminal && !has_terminal() { HangUp::TerminalGone } else { HangUp::Asked }
    }
}

#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// There is no such signal here.
#[cfg(not(unix))]
pub struct HangUps;

#[cfg(not(unix))]
impl HangUps {
    /// Listens to nothing.
    pub fn listen() -> Self {
        Self
    }

    /// Never comes.
    pub async fn next(&mut self) -> HangUp {
        std::future::pending().await
    }
}

fn listen(announce: impl FnOnce() + Send + 'static) -> CancellationToken {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        signal().await;
        announce();
        asked.cancel();
        signal().await;
        screen::restore();
        // Whatever is cut off here is in the store, and the next start takes it up again.
        std::process::exit(i32::from(exit::Status::Stopped as u8));
    });
    stop
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            answer = tokio::signal::ctrl_c() => wait_for_ever_if_deaf(answer).await,
        },
        Err(error) => wait_for_ever_if_deaf(Err(error)).await,
    }
}

#[cfg(not(unix))]
async fn signal() {
    wait_for_ever_if_deaf(tokio::signal::ctrl_c().await).await;
}

/// A process that cannot hear signals is still ended by them, only less gently.
async fn wait_for_ever_if_deaf(answer: std::io::Result<()>) {
    if let Err(error) = answer {
        tracing::warn!(error = %error, "signals cannot be heard; a stop will be an abrupt one");
        std::future::pending::<()>().await;
    }
}
