//! The way to the network, and the habits that keep it safe.
//!
//! [`HttpTransport`] sends one request and reads one answer: it follows no redirect, asks no proxy, repeats nothing,
//! and reaches no address inside the network it runs in. [`BaseUrl`] builds addresses that cannot leave their origin,
//! and [`Redactor`] takes a connection's secrets out of whatever a service says.

mod address;
mod reach;
mod transport;

pub use address::BaseUrl;
pub use transport::HttpTransport;
// Whatever a service says is cleaned by the same one as what a run notes.
pub use sdk::Redactor;

#[cfg(test)]
mod tests;
