//! The command as people meet it: the real binary, on real files, against a stand-in of HubSpot over real HTTP,
//! files of SQLite, and a real PostgreSQL.
//!
//! Nothing sleeps: a test waits for a command to end, or for a line that it prints.

mod bad_calls;
mod bad_input;
#[cfg(unix)]
mod canary;
#[cfg(unix)]
mod cancelling;
mod checking;
mod connections;
mod connectors;
mod cost;
#[path = "../support/database.rs"]
mod database;
mod databases;
mod demo;
mod drift;
mod editing;
mod editor;
mod formatting;
mod help;
#[cfg(unix)]
mod hostile;
mod language;
mod once;
mod packaging;
mod project;
mod reloading;
mod repairing;
mod running;
mod schemas;
mod shells;
mod shop;
mod starting;
mod steps;
mod triggers;
#[path = "../support/wire.rs"]
mod wire;
