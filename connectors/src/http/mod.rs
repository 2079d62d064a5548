//! The way to the network, and the habits that keep it safe.
//!
//! [`HttpTransport`] sends one request and reads one answer: it follows no redirect, repeats nothing, asks no proxy but
//! the one a connection names, and reaches no address inside a network unless its connection says so ([`Reach`]).
//! [`SETTINGS`] are what connections say about it. [`BaseUrl`] builds addresses that cannot leave their origin,
//! [`read_json`] takes only what we can carry, and [`Redactor`] takes a connection's secrets out of whatever a service
//! says.

mod address;
mod json;
mod reach;
mod settings;
mod transport;

pub use address::BaseUrl;
pub use json::read_json;
pub use reach::Reach;
pub use settings::SETTINGS;
pub use transport::HttpTransport;
// Whatever a service says is cleaned by the same one as what a run notes.
pub use sdk::Redactor;

#[cfg(test)]
mod tests;
