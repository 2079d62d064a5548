//! What the author wrote: a test of a flow.

use sdk::FlowId;
use text::{Entry, Node, SourceFile, Span};

use super::At;

/// A test as its author wrote it, with the place of everything in it.
#[derive(Clone, Debug)]
pub struct TestDefinition {
    pub(crate) file: SourceFile,
    /// The flow that it tests.
    pub(crate) flow: At<FlowId>,
    pub(crate) cases: Vec<CaseDefinition>,
}

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct CaseDefinition {
    pub(crate) about: Option<About>,
    pub(crate) given: Vec<GivenDefinition>,
    pub(crate) expect: ExpectDefinition,
}

/// What a run is about.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) kind: AboutKind,
    /// The word for it.
    pub(crate) span: Span,
    pub(crate) values: Vec<Entry>,
}

/// What kind of thing a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AboutKind {
    Record,
    Inputs,
    Body,
}

/// What a service does in a case.
#[derive(Clone, Debug)]
pub(crate) struct GivenDefinition {
    pub(crate) step: StepReference,
    /// What it answers with, where it does not fail.
    pub(crate) gives: Option<Node>,
}

/// What comes of a case.
#[derive(Clone, Debug)]
pub(crate) enum ExpectDefinition {
    /// How the run ends.
    End,
    /// What it does, in order.
    Steps(Vec<ExpectedStep>),
    /// It was reported.
    Unread,
}

/// Something that a run does.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedStep {
    pub(crate) step: StepReference,
    pub(crate) set: Option<ExpectedSet>,
    pub(crate) id: Option<Node>,
    pub(crate) with: Vec<Entry>,
}

/// What a write sets.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedSet {
    /// The word for it.
    pub(crate) span: Span,
    /// Whether nothing else is set.
    pub(crate) is_exact: bool,
    pub(crate) fields: Vec<Entry>,
}

/// A step of the flow, as a test names it.
#[derive(Clone, Debug)]
pub(crate) enum StepReference {
    /// By its verb and what it works on: `upsert: warehouse.customers`.
    Verb { verb: At<String>, object: At<String> },
    /// By its name.
    Name(At<String>),
    /// It was reported.
    Unread,
}

impl TestDefinition {
    /// The flow that it tests.
    pub fn flow(&self) -> &FlowId {
        &self.flow.value
    }

    /// The file it stands in.
    pub fn file(&self) -> &SourceFile {
        &self.file
    }
}
