//! A test document: what a flow does with sample records.

use super::words::{CLASSES, ENDS};
use super::{Key, KindOfMap, Kinds, Mapping, Naming, Notation, Shape, Standing, key};

/// A test.
pub static TEST: Mapping = Mapping::new(
    "a test",
    "What a flow does with sample records. It stands beside the flow, in `flows/<name>.test.yaml`.",
    &[
        key("test", Shape::Noted(Notation::Flow), "The id of the flow that is tested.")
            .required()
            .standing(Standing::Checked),
        key("description", Shape::Text, "One sentence for people."),
        key("cases", Shape::ListOf(&Shape::Map(&CASE)), "What is tried, one after the other.").required(),
    ],
);

/// One case of a test.
pub static CASE: Mapping = Mapping::new(
    "a case",
    "One run of the flow: what it is about, what services do, and what comes of it.",
    &[
        key("name", Shape::Text, "What the case shows, as a sentence.").required(),
        key("record", Shape::MapOf(Naming::Field, &Shape::Value), "The record that the run is about."),
        key("inputs", Shape::MapOf(Naming::Input, &Shape::Value), "What the caller gives, for a flow with `manual`."),
        key("body", Shape::MapOf(Naming::Text, &Shape::Value), "What the service tells, for a flow with `webhook`."),
        key(
            "given",
            Shape::ListOf(&Shape::Kinds(&GIVEN)),
            "What services do where they do not simply do as they are told.",
        ),
        key(
            "expect",
            Shape::OneOf(&[Shape::Word(ENDS.words), Shape::ListOf(&Shape::Kinds(&EXPECTED))]),
            "How the run ends, or what it does at services, in order.",
        )
        .required(),
    ],
);

/// What a service does in a case.
pub static GIVEN: Kinds = Kinds {
    what: "a line of `given`",
    doc: "What a service does when the flow comes to a step.",
    kinds: &[
        of(&["create"], &GIVEN_CREATE),
        of(&["update"], &GIVEN_UPDATE),
        of(&["upsert"], &GIVEN_UPSERT),
        of(&["delete"], &GIVEN_DELETE),
        of(&["find"], &GIVEN_FIND),
        of(&["do"], &GIVEN_DO),
        of(&["run"], &GIVEN_RUN),
        of(&["step"], &GIVEN_STEP),
    ],
};

/// What a run does at a service.
pub static EXPECTED: Kinds = Kinds {
    what: "a line of `expect`",
    doc: "Something that the run does at a service.",
    kinds: &[
        of(&["create"], &EXPECTED_CREATE),
        of(&["update"], &EXPECTED_UPDATE),
        of(&["upsert"], &EXPECTED_UPSERT),
        of(&["delete"], &EXPECTED_DELETE),
        of(&["do"], &EXPECTED_DO),
        of(&["run"], &EXPECTED_RUN),
        of(&["step"], &EXPECTED_STEP),
    ],
};

/// Declares the maps of some kinds of lines, which differ in their first key only.
macro_rules! lines {
    ($what:literal, $doc:literal, $keys:tt; $($mapping:ident = $word:literal, $shape:expr, $told:literal;)*) => {
        $(line! { $mapping, $what, $doc, key($word, $shape, $told).required(), $keys })*
    };
}

macro_rules! line {
    ($mapping:ident, $what:literal, $doc:literal, $first:expr, [$($key:ident),*]) => {
        static $mapping: Mapping = Mapping::new($what, $doc, &[$first, $($key),*]);
    };
}

lines! {
    "a line of `given`", "What a service does when the flow comes to this step.", [FAILS, GIVES];
    GIVEN_CREATE = "create", OBJECT, "The step that creates a record of this object.";
    GIVEN_UPDATE = "update", OBJECT, "The step that changes a record of this object.";
    GIVEN_UPSERT = "upsert", OBJECT, "The step that upserts a record of this object.";
    GIVEN_DELETE = "delete", OBJECT, "The step that removes a record of this object.";
    GIVEN_FIND = "find", OBJECT, "The step that looks up records of this object.";
    GIVEN_DO = "do", Shape::Noted(Notation::Action), "The step that runs this action.";
    GIVEN_RUN = "run", Shape::Noted(Notation::Flow), "The step that calls this flow.";
    GIVEN_STEP = "step", Shape::Noted(Notation::StepName), "The step of this name.";
}

lines! {
    "a line of `expect`", "A write that the run makes.", [SET, SET_INCLUDES, ID];
    EXPECTED_CREATE = "create", OBJECT, "The object of which a record is created.";
    EXPECTED_UPDATE = "update", OBJECT, "The object of which a record is changed.";
    EXPECTED_UPSERT = "upsert", OBJECT, "The object of which a record is upserted.";
    EXPECTED_STEP = "step", Shape::Noted(Notation::StepName), "The step of this name.";
}

lines! {
    "a line of `expect`", "A record that the run removes.", [ID];
    EXPECTED_DELETE = "delete", OBJECT, "The object of which a record is removed.";
}

lines! {
    "a line of `expect`", "Something that the run calls.", [WITH];
    EXPECTED_DO = "do", Shape::Noted(Notation::Action), "The action that runs.";
    EXPECTED_RUN = "run", Shape::Noted(Notation::Flow), "The flow that is called.";
}

const OBJECT: Shape = Shape::Noted(Notation::Object);
const FAILS: Key = key("fails", Shape::Word(CLASSES.words), "How the service refuses, in place of an answer.");
const GIVES: Key = key(
    "gives",
    Shape::Value,
    "What the service answers: the record of a look-up, or a list of them; the results of a write or a call.",
);
const SET: Key =
    key("set", Shape::MapOf(Naming::Field, &Shape::Value), "Exactly the fields that are written, with their values.");
const SET_INCLUDES: Key = key(
    "set_includes",
    Shape::MapOf(Naming::Field, &Shape::Value),
    "Some of the fields that are written, with their values.",
);
const ID: Key = key("id", Shape::Value, "The id of the record that is written.");
const WITH: Key = key("with", Shape::MapOf(Naming::Input, &Shape::Value), "What it is given.");

const fn of(word: &'static [&'static str], mapping: &'static Mapping) -> KindOfMap {
    KindOfMap::new(word, mapping).standing(Standing::Checked)
}
