//! Local stand-ins of remote services, as strict as the real ones.
