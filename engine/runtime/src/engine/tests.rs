//! The loop over scripted services: most tests here were born of a bug, and say what went wrong.

mod commands;
mod draining;
mod polling;
mod renaming;
mod repairing;
mod trouble;
