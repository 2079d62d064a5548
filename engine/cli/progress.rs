//! How far a command has come that asks services: one line on a terminal, which goes away with the work.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{screen, tables};

/// Counts what is done.
#[derive(Debug)]
pub struct Progress {
    /// What is counted, such as `object`.
    noun: &'static str,
    total: u64,
    n_done: AtomicU64,
    is_shown: bool,
}

impl Progress {
    /// Nothing of `total` is done yet.
    pub fn new(noun: &'static str, total: usize) -> Self {
        let progress = Self { noun, total: total as u64, n_done: AtomicU64::new(0), is_shown: screen::is_watched() };
        progress.draw(0, "");
        progress
    }

    /// One more is done.
    pub fn done(&self, name: &str) {
        self.draw(self.n_done.fetch_add(1, Ordering::Relaxed) + 1, name);
    }

    fn draw(&self, n_done: u64, name: &str) {
        if self.is_shown {
            let line = format!("{n_done} of {}  {name}", tables::counted(self.total, self.noun));
            screen::complain(&format!("\r\x1b[K{}", tables::cut(&line, screen::size().columns.saturating_sub(1))));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            screen::complain("\r\x1b[K");
        }
    }
}
