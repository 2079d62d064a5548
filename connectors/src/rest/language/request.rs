//! Requests, tests of their answers, and how the next page is found.

use text::grammar::{Key, Mapping, Naming, Notation, Shape, key};

use super::words;

/// Keys, and behind them those that make a request.
macro_rules! requesting {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            $crate::rest::language::request::GET,
            $crate::rest::language::request::POST,
            $crate::rest::language::request::PUT,
            $crate::rest::language::request::PATCH,
            $crate::rest::language::request::DELETE,
            $crate::rest::language::request::QUERY,
            $crate::rest::language::request::HEADERS,
            $crate::rest::language::request::JSON,
            $crate::rest::language::request::FORM,
            $crate::rest::language::request::LIMITS,
        ]
    };
}
pub(super) use requesting;

pub(super) const REFERENCES: Shape = Shape::Noted(Notation::References);
pub(super) const SEVERAL_REFERENCES: Shape = Shape::OneOf(&[REFERENCES, Shape::ListOf(&REFERENCES)]);
/// Tests of an answer, all of which must hold.
pub(super) static CONDITIONS: Shape =
    Shape::MapOf(Naming::Reference, &Shape::OneOf(&[SCALAR, Shape::ListOf(&SCALAR), Shape::Map(&CONDITION)]));
/// Several sets of tests, any of which may hold.
pub(super) static ANY_CONDITIONS: Shape = Shape::OneOf(&[CONDITIONS, Shape::ListOf(&CONDITIONS)]);
/// `[burst, {daily: 20}]`
pub(super) const COSTS: Shape = Shape::OneOf(&[COST, Shape::ListOf(&COST)]);

const PATH: Shape = Shape::Noted(Notation::Path);
const PAIRS: Shape = Shape::MapOf(Naming::Text, &REFERENCES);
const SCALAR: Shape = Shape::OneOf(&[Shape::Text, Shape::Boolean, Shape::Number]);
const COST: Shape = Shape::OneOf(&[Shape::Text, Shape::MapOf(Naming::Text, &Shape::Count(i64::MAX))]);

pub(super) const GET: Key = key("get", PATH, "Asks for this path.");
pub(super) const POST: Key = key("post", PATH, "Sends to this path by `POST`.");
pub(super) const PUT: Key = key("put", PATH, "Sends to this path by `PUT`.");
pub(super) const PATCH: Key = key("patch", PATH, "Sends to this path by `PATCH`.");
pub(super) const DELETE: Key = key("delete", PATH, "Asks to remove what is at this path.");
pub(super) const QUERY: Key = key("query", PAIRS, "What follows the `?`. What is missing is left out.");
pub(super) const HEADERS: Key =
    key("headers", PAIRS, "Headers that are sent along; those that show who we are stand under `auth`.");
pub(super) const JSON: Key =
    key("json", Shape::Value, "What is sent, as JSON. Keys whose value is missing are left out.");
pub(super) const FORM: Key = key("form", Shape::Value, "What is sent, as browsers send forms; in place of `json`.");
pub(super) const LIMITS: Key = key("limits", COSTS, "What it costs of which limits.").default("`default_limits`");

/// A test of a part of an answer.
pub(in crate::rest) static CONDITION: Mapping = Mapping::new(
    "a test",
    "What a part of an answer must be like; one of the two.",
    &[
        key("contains", Shape::Text, "It is text with this in it."),
        key("exists", Shape::Boolean, "Whether it is anything but missing, null, empty text or an empty list."),
    ],
);

/// How the next page is found.
pub(in crate::rest) static PAGE: Mapping = Mapping::new(
    "`page`",
    "How the next page of a list is found.",
    &[
        key("kind", Shape::Word(words::PAGES.words), "By what.").required(),
        key("next", REFERENCES, "The token, the value or the address that leads to the next page."),
        key("more", REFERENCES, "Where the answer says whether there is another page, for `last_item`."),
    ],
);
