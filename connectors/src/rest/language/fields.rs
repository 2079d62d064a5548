//! A resource's fields: discovered, or always the same.

use text::grammar::{Mapping, Naming, Shape, key};

use super::request::{ANY_CONDITIONS, CONDITIONS, PAGE, REFERENCES, requesting};
use super::{SEVERAL_TEXTS, flag, words};

pub(in crate::rest) static FIELDS: Mapping = Mapping::new(
    "`fields`",
    "Which fields a record has, and how the service reads and writes them. They are discovered, or `static`.",
    &[
        key("discover", Shape::Map(&DISCOVER), "How the account is asked which fields there are."),
        key(
            "static",
            Shape::MapOf(Naming::Field, &Shape::OneOf(&[TYPE_WORD, Shape::Map(&FIELD)])),
            "The fields, where every account has the same.",
        ),
        key("at", REFERENCES, "Where a record keeps its fields.").default("the record itself"),
        key("custom_at", REFERENCES, "Where it keeps those that the account added, when they are read."),
        key("custom_key", Shape::Text, "The key under which those are written."),
        key(
            "shaped",
            Shape::MapOf(Naming::Field, &Shape::Map(&SHAPED)),
            "Fields that are read and written in a form of the service's own.",
        ),
        key("values", Shape::Word(words::VALUES.words), "How values are written.").default("`json`"),
        key("separator", Shape::Text, "What stands between the items of a list that is written as text.")
            .default("`,`"),
        key("required", SEVERAL_TEXTS, "Fields without which nothing can be created."),
        key(
            "required_one_of",
            Shape::OneOf(&[Shape::Text, Shape::ListOf(&SEVERAL_TEXTS)]),
            "Groups of fields of which a new record needs one each.",
        ),
        key("unique", SEVERAL_TEXTS, "Fields that are unique in every account."),
    ],
);

pub(in crate::rest) static SHAPED: Mapping = Mapping::new(
    "a field in a form of its own",
    "A field that is not simply a value under its name, such as one address out of a list of them.",
    &[
        key("read", REFERENCES, "Where its value stands in a record.").required(),
        key("write", Shape::MapOf(Naming::Text, &Shape::Value), "What is sent to set it.").required(),
        key("clear", Shape::MapOf(Naming::Text, &Shape::Value), "What is sent to clear it.").required(),
    ],
);

pub(in crate::rest) static DISCOVER: Mapping = Mapping::new(
    "`discover`",
    "The request that tells which fields there are, and how its answer is read.",
    requesting![
        key("items", REFERENCES, "The list of fields, in the answer.").required(),
        key("page", Shape::Map(&PAGE), "How its next page is found."),
        key("key", REFERENCES, "What the service calls a field in records.").required(),
        key(
            "custom_name",
            REFERENCES,
            "What flows call a field that the account added, where the service's own name is unreadable."
        ),
        key("label", REFERENCES, "What people call it."),
        key("description", REFERENCES, "What it is for."),
        key("group", REFERENCES, "What the service shows it together with."),
        key(
            "type",
            Shape::OneOf(&[Shape::Map(&TYPE), Shape::ListOf(&Shape::Map(&TYPE))]),
            "Of which type it is: the first that fits; else any."
        )
        .required(),
        key("options", Shape::Map(&OPTIONS), "The options of a choice."),
        key("read_only", ANY_CONDITIONS, "Which fields cannot be written."),
        key("unique", ANY_CONDITIONS, "Which fields are unique."),
        key("custom", ANY_CONDITIONS, "Which fields the account added."),
        key("unsearchable", ANY_CONDITIONS, "Which fields search compares by rules of its own."),
        key("leave_out", ANY_CONDITIONS, "Which are none of the record's fields at all."),
    ],
);

pub(in crate::rest) static TYPE: Mapping = Mapping::new(
    "a type",
    "A type, and which fields are of it.",
    &[
        key("where", CONDITIONS, "What the field's description must be like."),
        key("is", TYPE_WORD, "The type.").required(),
    ],
);

pub(in crate::rest) static OPTIONS: Mapping = Mapping::new(
    "`options`",
    "The options of a choice.",
    &[
        key("items", REFERENCES, "The list of them, in a field's description.").required(),
        key("value", REFERENCES, "What is stored and sent.").required(),
        key("label", REFERENCES, "What people see."),
    ],
);

pub(in crate::rest) static FIELD: Mapping = Mapping::new(
    "a field",
    "A field that every account has.",
    &[key("type", TYPE_WORD, "Its type.").required(), flag("read_only", "Whether it cannot be written.")],
);

const TYPE_WORD: Shape = Shape::Word(words::TYPES.words);
