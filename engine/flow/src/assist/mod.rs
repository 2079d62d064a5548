//! Help while a document is being written: what may stand at the cursor, what stands there, and where it comes from.
//!
//! It goes by [`text::outline`] and the [declared language](crate::language), so a file need not be good, nor even
//! YAML. Nothing here reports a mistake; where too little is known, little is offered.

mod about;
mod describe;
mod expression;
mod lead;
mod members;
mod names;
mod place;
mod propose;
#[cfg(test)]
mod tests;
mod thing;
mod values;

use sdk::{Catalog, ConnectionName, FlowId, Setting};
use text::{SourceFile, Span};

use crate::definition::{FlowDefinition, SyncDefinition};
use crate::language::Document;

pub use describe::describe;
pub use lead::leads_to;
pub use propose::propose;

/// What is known around a document.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Connections, and what they have.
    pub catalog: &'a Catalog,
    /// The project's flows.
    pub flows: &'a [FlowDefinition],
    /// The project's syncs.
    pub syncs: &'a [SyncDefinition],
    /// What a connector of this name is configured with.
    pub settings: &'a dyn Fn(&str) -> &'static [Setting],
    /// The names of a connection's limits, of which a project may have shares.
    pub limits: &'a dyn Fn(&ConnectionName) -> Vec<String>,
}

/// A place in a document.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    /// The text.
    pub file: &'a SourceFile,
    /// What it is written in.
    pub document: Document,
    /// The byte before which the cursor stands.
    pub offset: usize,
}

/// What may stand at a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposals {
    /// What a proposal replaces.
    pub span: Span,
    /// The best first.
    pub list: Vec<Proposal>,
}

/// One thing that may stand at a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What is typed to find it, and shown.
    pub label: String,
    /// What is written in place of [`Proposals::span`].
    pub insert: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// A few words beside it.
    pub detail: String,
    /// More about it, in Markdown.
    pub doc: String,
}

/// What kind of thing is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key of the language.
    Key,
    /// A word of the language.
    Word,
    /// A step's verb, or what else tells the kind of a map.
    Verb,
    /// A connection, or its connector.
    Connection,
    /// An object of a connection.
    Object,
    /// An action of a connection.
    Action,
    /// A flow.
    Flow,
    /// A field of an object, or a part of another value.
    Field,
    /// An option of a field.
    Option,
    /// A name that expressions see.
    Name,
    /// A function.
    Function,
    /// An input of what is called.
    Input,
    /// A value that is often written.
    Example,
}

/// What stands at a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Where it stands.
    pub span: Span,
    /// What it is, in Markdown.
    pub markdown: String,
}

/// Where something is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// In this document.
    Here(Span),
    /// A connection, in `connections.yaml`.
    Connection(ConnectionName),
    /// A flow, in its file.
    Flow(FlowId),
    /// An object, in what was pulled of it; one of its fields, where one is meant.
    Object {
        /// The connection.
        connection: ConnectionName,
        /// The object.
        object: String,
        /// The field.
        field: Option<String>,
    },
}
