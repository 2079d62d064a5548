//! YAML text as a tree with spans; diagnostics and how they are shown.
//!
//! A [`SourceFile`] is read into a [`Node`] tree by [`parse_yaml`], which finds every mistake that is YAML's own.
//! What is wrong with a file is said by a [`Diagnostic`]; [`render()`] shows diagnostics to people, [`to_json`] to
//! programs, and [`mend()`] puts the fixes that they offer into files. [`lay_out`] writes a file in its canonical
//! layout. Nothing here knows what a flow is, and nothing here can be made to panic or hang by what an author writes.

pub mod codes;
pub mod diagnostic;
pub mod diff;
pub mod grammar;
pub mod layout;
pub mod mend;
pub mod node;
pub mod render;
pub mod source;
pub mod suggest;
pub mod yaml;

pub use codes::Code;
pub use diagnostic::{Confidence, Diagnostic, Diagnostics, Fix, Label, Severity};
pub use diff::unified;
pub use layout::{AsWritten, Declared, KeyOrder, LayoutError, lay_out};
pub use mend::{Change, Mended, mend};
pub use node::{Entry, Key, Kind, Map, Node, Text, TextMap, TextStyle};
pub use render::{Colour, render, render_within, to_json};
pub use source::{EditorPosition, MAX_FILE_SIZE, Position, SourceFile, Span};
pub use suggest::{Meant, did_you_mean, did_you_mean_name, is_hidden, quoted, shown, visible};
pub use yaml::{Document, outline, parse_yaml};
