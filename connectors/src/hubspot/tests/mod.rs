//! The connector against recorded answers, and against the stand-in: what it sends, what it makes of what comes back,
//! and how it fails.

mod failures;
mod reads;
mod sandbox;
mod script;
mod writes;
