//! The `millrace` command.
