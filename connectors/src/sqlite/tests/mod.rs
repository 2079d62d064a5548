//! The connector on database files: opening, discovering, reading and writing.

mod opening;
mod order;
mod place;
mod reads;
mod writes;
