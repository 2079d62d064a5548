//! How refusals are read.

use text::grammar::{Mapping, Notation, Shape, key};

use super::request::{CONDITIONS, REFERENCES, SEVERAL_REFERENCES};
use super::words;

pub(in crate::rest) static ERRORS: Mapping = Mapping::new(
    "`errors`",
    "How the service's refusals are read: what they say, and what they mean for the write or the read that was refused.",
    &[
        key("message", SEVERAL_REFERENCES, "What the service says: the first of these that is something."),
        key(
            "details",
            Shape::OneOf(&[Shape::Map(&DETAIL), Shape::ListOf(&Shape::Map(&DETAIL))]),
            "Where it says which fields it refuses, and why. The first place that names one counts.",
        ),
        key("holder", Shape::Map(&HOLDER), "Where it says who holds a value that must be unique."),
        key(
            "rules",
            Shape::OneOf(&[Shape::Map(&RULE), Shape::ListOf(&Shape::Map(&RULE))]),
            "What refusals mean; the first that fits decides. What fits none is judged by its status.",
        ),
    ],
);

pub(in crate::rest) static DETAIL: Mapping = Mapping::new(
    "a place of details",
    "Where an answer says which fields are refused.",
    &[
        key("items", REFERENCES, "The list of them.").required(),
        key("field", REFERENCES, "In an item, the field.").required(),
        key("code", REFERENCES, "In an item, the service's word for what is wrong."),
        key("message", REFERENCES, "In an item, its sentence."),
    ],
);

pub(in crate::rest) static HOLDER: Mapping = Mapping::new(
    "`holder`",
    "Where a refusal says which record holds a value that must be unique.",
    &[
        key("texts", SEVERAL_REFERENCES, "The texts to look in."),
        key(
            "patterns",
            Shape::OneOf(&[Shape::Map(&PATTERN), Shape::ListOf(&Shape::Map(&PATTERN))]),
            "How such a text reads.",
        )
        .required(),
    ],
);

pub(in crate::rest) static PATTERN: Mapping = Mapping::new(
    "a pattern",
    "How a text reads that says who holds a value.",
    &[
        key(
            "text",
            Shape::Text,
            "The text: `{id}` stands for the record's id, `{field}` for the field, and `*` for anything.",
        ),
        key("field", Shape::Text, "Which field it is about, where the text does not say."),
    ],
);

pub(in crate::rest) static RULE: Mapping = Mapping::new(
    "a rule",
    "What a refusal means.",
    &[
        key("status", Shape::OneOf(&[STATUS, Shape::ListOf(&STATUS)]), "Its status: `404`, `5xx`, or a list of such.")
            .required(),
        key("where", CONDITIONS, "What else the answer must be like."),
        key("when", Shape::Word(words::WHEN.words), "What else must be known of it."),
        key("is", Shape::Word(words::CLASSES.words), "What it means.").required(),
        key("scopes", SEVERAL_REFERENCES, "Which permissions the answer says are missing."),
        key("wait", Shape::Noted(Notation::Duration), "How long to wait, where the answer does not say."),
        key("limit", Shape::Text, "The limit that is used up."),
        key("applied", Shape::Word(words::APPLIED.words), "Whether a write may have happened all the same."),
        key(
            "says",
            Shape::Text,
            "What messages say of the service, where its own words are none: `has no such record`.",
        ),
    ],
);

const STATUS: Shape = Shape::Noted(Notation::Status);
