//! Local stand-ins of remote services, as strict as the real ones.
//!
//! [`hubspot::HubSpot`] is a state machine without a clock and without a network: a request and a moment go in, an
//! answer comes out. [`hubspot::SandboxTransport`] mounts it in process, [`hubspot::serve`] on HTTP; a client cannot
//! tell it from the service, except that here it can be made to fail. [`pipedrive::Pipedrive`] is a small one of
//! another shape.

pub mod hubspot;
pub mod pipedrive;

pub use hubspot::{HubSpot, Options, SandboxTransport};
