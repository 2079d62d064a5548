//! Manifests: what they say, and what is wrong with them.

mod mistakes;
mod neutral;
