//! Manifests: what they say, what is wrong with them, and small services that they run.

mod actions;
mod events;
mod mistakes;
mod neutral;
mod pages;
mod service;
mod snapshots;
mod tokens;
