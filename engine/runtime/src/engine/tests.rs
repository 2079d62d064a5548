//! The loop over scripted services: most tests here were born of a bug, and say what went wrong.

mod calling;
mod cancelling;
mod commands;
mod draining;
mod exchanging;
mod failing;
mod holdups;
mod outages;
mod polling;
mod renaming;
mod repairing;
mod sharing;
mod times;
mod trouble;
mod walks;
