//! The connector against a server of our own: opening, discovering, reading and writing.

mod opening;
mod order;
mod place;
mod reads;
mod server;
mod writes;
