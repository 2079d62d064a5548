//! A project's own files: `connections.yaml` and `millrace.yaml`.

use super::words::{NOTICES, VISIBLE_TO};
use super::{Mapping, Naming, Notation, Others, Shape, Standing, key};

/// `connections.yaml`.
pub static CONNECTIONS: Mapping = Mapping {
    what: "`connections.yaml`",
    doc: "The accounts that flows use, by the names that they use. `connections.<env>.yaml` stands over it with `--env`.",
    keys: &[],
    others: Some(Others { naming: Naming::Id, shape: Shape::Map(&CONNECTION) }),
};

/// One connection.
pub static CONNECTION: Mapping = Mapping {
    what: "a connection",
    doc: "One configured account at a service. Beside these keys it takes the settings that its connector declares.",
    keys: &[
        key(
            "connector",
            Shape::Noted(Notation::Connector),
            "The connector it is of, such as `hubspot`; `millrace connectors list` names them all.",
        )
        .required(),
        key("title", Shape::Text, "What people call it."),
        key("owner", Shape::Text, "Whose connection it is: a mail address or a name.").standing(Standing::Checked),
        key("visible_to", Shape::Word(VISIBLE_TO.words), "Who may use it.")
            .default("`all`")
            .standing(Standing::Checked),
    ],
    others: Some(Others { naming: Naming::Setting, shape: Shape::Noted(Notation::Setting) }),
};

/// `millrace.yaml`.
pub static SETTINGS: Mapping = Mapping::new(
    "`millrace.yaml`",
    "What holds for the whole project. A project needs no such file.",
    &[
        key("timezone", Shape::Noted(Notation::TimeZone), "The time zone of flows that name none.").default("`UTC`"),
        key("data", Shape::Text, "The folder of durable state, relative to the project's.").default("`.millrace`"),
        key("retention", Shape::Map(&RETENTION), "How much history is kept."),
        key("listen", Shape::Noted(Notation::Address), "Where the engine is served, such as `127.0.0.1:8080`.")
            .standing(Standing::Checked),
        key(
            "budgets",
            Shape::MapOf(Naming::Id, &SHARES),
            "How much of each connection's budgets this project may use.",
        ),
        key(
            "cost",
            Shape::MapOf(Naming::Id, &SHARES),
            "How much of each connection's budgets flows may plan to use; `millrace check --cost` fails above it.",
        ),
        key("notify", Shape::ListOf(&Shape::Map(&NOTIFY)), "Who is told of what.").standing(Standing::Checked),
    ],
);

/// A line of `notify`.
pub static NOTIFY: Mapping = Mapping::new(
    "a line of `notify`",
    "Somebody who is told of what flows cannot settle by themselves.",
    &[
        key(
            "to",
            Shape::Noted(Notation::Recipient),
            "A mail address, or a URL that is told by a `POST`; as `${ env.NAME }` where it is a secret.",
        )
        .required(),
        key("on", Shape::ListOf(&Shape::Word(NOTICES.words)), "What is told.").default("all of it"),
    ],
);

/// Of all budgets of a connection, or of each by its service's name of it: `50%`, or `{daily: 50%, burst: 80%}`.
static SHARES: Shape =
    Shape::OneOf(&[Shape::Noted(Notation::Share), Shape::MapOf(Naming::Text, &Shape::Noted(Notation::Share))]);

/// How much history is kept.
pub static RETENTION: Mapping = Mapping::new(
    "`retention`",
    "How much history a project keeps. Runs that failed or wait are never removed by it.",
    &[
        key(
            "age",
            Shape::Noted(Notation::Duration),
            "How long records and logs of runs that ended are kept, such as `90d`.",
        ),
        key(
            "size",
            Shape::Noted(Notation::Size),
            "How large the database may become, such as `2GB`; the oldest history goes first.",
        ),
    ],
);
