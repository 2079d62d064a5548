//! Actions under names of a service's own.

use text::grammar::{Mapping, Naming, Shape, key};

use super::request::{CONDITIONS, REFERENCES, requesting};
use super::resource::{IDEMPOTENCY, RETRY};
use super::{SEVERAL_TEXTS, flag, words};

pub(in crate::rest) static ACTION: Mapping = Mapping::new(
    "an action",
    "Something that flows can `do` at the service: its inputs, a request, and what is made of the answer.",
    requesting![
        key("title", Shape::Text, "What people call it.").default("its name"),
        key("help", Shape::Text, "One sentence for authors."),
        key(
            "inputs",
            Shape::MapOf(Naming::Name, &Shape::Map(&INPUT)),
            "What it is given; requests have it as `${input.name}`."
        ),
        key(
            "result",
            Shape::MapOf(Naming::Name, &Shape::OneOf(&[REFERENCES, Shape::Map(&RESULT), Shape::Map(&TEST_RESULT)])),
            "What flows see of the answer."
        ),
        RETRY,
        IDEMPOTENCY,
        key("scopes", SEVERAL_TEXTS, "What a token must be granted for it; any one of these suffices."),
    ],
);

pub(in crate::rest) static INPUT: Mapping = Mapping::new(
    "an input",
    "One value that an action is given.",
    &[
        key("type", Shape::Word(words::INPUT_TYPES.words), "Its type; in place of `choice`.").default("`text`"),
        key(
            "choice",
            Shape::OneOf(&[Shape::ListOf(&Shape::Text), Shape::MapOf(Naming::Text, &OWN_WORD)]),
            "The words to choose from, or a map of them to what the service calls them.",
        ),
        flag("required", "Whether it must be given."),
        key("help", Shape::Text, "One sentence for authors."),
    ],
);

pub(in crate::rest) static RESULT: Mapping = Mapping::new(
    "a result",
    "A value of the answer.",
    &[
        key("value", REFERENCES, "Where it stands.").required(),
        key("type", Shape::Word(words::TYPES.words), "Its type.").default("`text`"),
        flag("optional", "Whether it may be missing."),
    ],
);

/// A result that says whether something holds.
pub(in crate::rest) static TEST_RESULT: Mapping = Mapping::new(
    "a result",
    "Whether the answer is like this.",
    &[key("where", CONDITIONS, "What it must be like.").required()],
);

const OWN_WORD: Shape = Shape::OneOf(&[Shape::Text, Shape::Count(i64::MAX)]);
