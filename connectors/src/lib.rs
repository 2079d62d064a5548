//! The services that Millrace speaks to.
