//! The grammar of manifests, declared once: which keys each map takes, what stands behind them, and what they mean.
//!
//! The reader takes its keys and words from here, so that it cannot accept one that is not declared. The JSON Schema
//! that editors complete manifests by comes from here as well.

mod action;
mod auth;
mod errors;
mod fields;
mod request;
mod resource;
pub(super) mod words;

pub(super) use action::{ACTION, INPUT, RESULT, TEST_RESULT};
pub(super) use auth::{BASIC, BEARER, HEADER, OAUTH2, QUERY};
pub(super) use errors::{DETAIL, ERRORS, HOLDER, PATTERN, RULE};
pub(super) use fields::{DISCOVER, FIELD, FIELDS, OPTIONS, SHAPED, TYPE};
pub(super) use request::{CONDITION, PAGE};
pub(super) use resource::{
    CREATE, DELETE, FIND, GET, GROUPS, LIST, NATIVE_UPSERT, POLL, RESOURCE, SCOPES, SEARCH, STAMP, STAMPS, TESTS,
    UPDATE, UPSERT, USED, WRITE,
};

use text::grammar::{Key, KindOfMap, Kinds, Mapping, Naming, Notation, Others, Shape, key};

use request::{REFERENCES, SEVERAL_REFERENCES, requesting};

/// What a whole manifest takes.
pub fn manifest() -> &'static Mapping {
    &MANIFEST
}

pub(super) static MANIFEST: Mapping = Mapping::new(
    "a manifest",
    "How a REST service is spoken to: one file, which the engine runs as a connector like any other.",
    &[
        key("connector", Shape::Noted(Notation::Id), "The connector's name, by which connections are of it.")
            .required(),
        key("title", Shape::Text, "What people call the service, in full.").default("its name"),
        key("service", Shape::Text, "What messages call the service, in short.").default("its title"),
        key("docs", Shape::Text, "Where the service's own documentation is."),
        key(
            "base_url",
            REFERENCES,
            "The address that every path is below; a connection may name another by its own `base_url`.",
        )
        .required(),
        key("min_interval", Shape::Noted(Notation::Duration), "The shortest `every` of a poll.").default("`15s`"),
        key("ids", Shape::Word(words::ID_ORDERS.words), "How the service orders its ids.").default("`text`"),
        key(
            "config",
            Shape::MapOf(Naming::Setting, &Shape::Map(&SETTING)),
            "What a connection is configured with, besides what every connection takes.",
        ),
        key(
            "auth",
            Shape::MapOf(Naming::Text, &Shape::OneOf(auth::WAYS)),
            "How requests show who we are. The first whose secrets a connection has is used.",
        ),
        request::HEADERS,
        key(
            "check",
            Shape::OneOf(&[Shape::Map(&CHECK), Shape::ListOf(&Shape::Map(&CHECK))]),
            "How the service is asked who we are; the next is asked where one is forbidden.",
        )
        .required(),
        key(
            "vars",
            Shape::MapOf(Naming::Text, &Shape::Map(&VAR)),
            "What is learned by a call of its own, before the first request that needs it.",
        ),
        key(
            "limits",
            Shape::MapOf(Naming::Text, &Shape::Map(&LIMIT)),
            "The budgets of requests that the service gives an account, by names of your own.",
        ),
        key("default_limits", request::COSTS, "What a request costs that says nothing else."),
        key("errors", Shape::Map(&ERRORS), "How refusals are read."),
        key(
            "templates",
            Shape::MapOf(Naming::Text, &Shape::Map(&TEMPLATE)),
            "What several resources have in common, with parameters.",
        ),
        key(
            "resources",
            Shape::MapOf(Naming::Text, &Shape::Kinds(&ANY_RESOURCE)),
            "What flows read and write: each kind of record, by its name in flows.",
        )
        .required(),
        key(
            "actions",
            Shape::MapOf(Naming::Name, &Shape::Map(&ACTION)),
            "What flows can `do` besides reading and writing records.",
        ),
    ],
);

pub(super) static SETTING: Mapping = Mapping::new(
    "a setting",
    "Something that a connection is configured with. It is text, where nothing else is said.",
    &[
        flag("secret", "Whether it is a credential, which is never shown."),
        key("choice", SEVERAL_TEXTS, "The words to choose from."),
        flag("host_label", "Whether it is one part of a host's name."),
        flag("required", "Whether a connection must have it."),
        key("help", Shape::Text, "One sentence for whoever configures a connection."),
    ],
);

pub(super) static CHECK: Mapping = Mapping::new(
    "a check",
    "A request that tells who we are.",
    requesting![
        key("id", SEVERAL_REFERENCES, "The account's id: the first of these that is something.").required(),
        key("title", SEVERAL_REFERENCES, "One sentence that tells people which account it is."),
        key("scopes", REFERENCES, "What we were granted, where the answer says so."),
    ],
);

pub(super) static VAR: Mapping = Mapping::new(
    "a value to learn",
    "A request, and what is kept of its answer as `vars.<name>`.",
    requesting![key("value", REFERENCES, "The value, in the answer.").required()],
);

pub(super) static LIMIT: Mapping = Mapping::new(
    "a limit",
    "So many requests in so much time.",
    &[
        key("max", WHOLE, "How many.").required(),
        key("per", Shape::Noted(Notation::Duration), "In how much time.").required(),
        key("scope", Shape::Word(words::SCOPES.words), "Who shares it.").default("`account`"),
        key("tiers", Shape::MapOf(Naming::Text, &WHOLE), "Other maxima, by the words of the setting `tier`."),
        key("reserve", Shape::Count(99), "How many percent of it are left to others.").default("none"),
        key("remaining", REFERENCES, "Where an answer tells what is left."),
        key("reset_in", REFERENCES, "Where an answer tells in how many seconds it is whole again."),
    ],
);

static TEMPLATE: Mapping = Mapping {
    what: "a template of resources",
    doc: "A resource with parameters: `${param.name}` stands for what a resource gives under `with`.",
    keys: &[key("params", SEVERAL_TEXTS, "The parameters.")],
    others: Some(Others { naming: Naming::Text, shape: Shape::Value }),
};

static ANY_RESOURCE: Kinds = Kinds {
    what: "any resource",
    doc: "One kind of record: written out, or made of a template by `use`.",
    kinds: &[KindOfMap::new(&["use"], &USED), KindOfMap::new(&["id"], &RESOURCE)],
};

const WHOLE: Shape = Shape::Count(i64::MAX);
const SEVERAL_TEXTS: Shape = Shape::OneOf(&[Shape::Text, Shape::ListOf(&Shape::Text)]);

/// A flag that is false where it is left out.
const fn flag(name: &'static str, doc: &'static str) -> Key {
    key(name, Shape::Boolean, doc).default("`false`")
}

#[cfg(test)]
mod tests;
