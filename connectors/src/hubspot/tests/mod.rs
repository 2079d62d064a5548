//! The connector against recorded answers: what it sends, what it makes of what comes back, and how it fails.

mod failures;
mod reads;
mod script;
mod writes;
