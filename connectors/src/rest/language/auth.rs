//! How requests show who we are.

use text::grammar::{Key, Mapping, Naming, Shape, key};

use super::SEVERAL_TEXTS;
use super::request::REFERENCES;
use super::words;

/// Every way, for a schema.
pub(super) static WAYS: &[Shape] =
    &[Shape::Map(&BEARER), Shape::Map(&HEADER), Shape::Map(&QUERY), Shape::Map(&BASIC), Shape::Map(&OAUTH2)];

pub(in crate::rest) static BEARER: Mapping = Mapping::new(
    WHAT,
    "By a token, in the header `Authorization`.",
    &[kind(0), BEGINS, key("token", REFERENCES, "The token.").required()],
);

pub(in crate::rest) static HEADER: Mapping = Mapping::new(
    WHAT,
    "By a header of the service's own.",
    &[
        kind(1),
        BEGINS,
        key("name", Shape::Text, "The header's name.").required(),
        key("value", REFERENCES, "What it holds.").required(),
    ],
);

pub(in crate::rest) static QUERY: Mapping = Mapping::new(
    WHAT,
    "By a part of the address, behind the `?`.",
    &[
        kind(2),
        BEGINS,
        key("name", Shape::Text, "Its name.").required(),
        key("value", REFERENCES, "What it holds.").required(),
    ],
);

pub(in crate::rest) static BASIC: Mapping = Mapping::new(
    WHAT,
    "By a name and a password.",
    &[
        kind(3),
        BEGINS,
        key("user", REFERENCES, "The name.").required(),
        key("password", REFERENCES, "The password.").required(),
    ],
);

pub(in crate::rest) static OAUTH2: Mapping = Mapping::new(
    WHAT,
    "By a token that is fetched, kept and renewed.",
    &[
        kind(4),
        BEGINS,
        key("grant", Shape::Word(words::GRANTS.words), "By what a token is got.").required(),
        key("token_url", REFERENCES, "Where: a path at the service's own address, or a whole address.").required(),
        key("client_id", REFERENCES, "Which application asks.").required(),
        key("client_secret", REFERENCES, "What the application shows."),
        key("client_in", Shape::Word(words::CLIENT_IN.words), "Where it shows that.").default("`body`"),
        key("refresh_token", REFERENCES, "What new tokens are got by, for `grant: refresh_token`."),
        key("scopes", SEVERAL_TEXTS, "What is asked for."),
        key("form", Shape::MapOf(Naming::Text, &REFERENCES), "What is sent besides."),
    ],
);

const WHAT: &str = "this way to authenticate";
const BEGINS: Key =
    key("begins", Shape::Text, "How a good credential begins, to tell one that was put in the wrong place.");

/// The key that tells the way: this one of the words.
const fn kind(at: usize) -> Key {
    let (_, from_it) = words::WAYS.words.split_at(at);
    let (word, _) = from_it.split_at(1);
    key("kind", Shape::Word(word), "By what.").required()
}
