//! A flow document.

use super::words::TEMPLATE_INPUT_TYPES;
use super::{Key, KindOfMap, Kinds, Mapping, Naming, Notation, STEP, SYNC, Shape, Standing, TEST, TRIGGER, key};

/// Whatever lies in `flows/`: its first key tells what it is.
pub static DOCUMENT: Kinds = Kinds {
    what: "a document",
    doc: "A flow, a template of flows, a flow that is made of one, a sync, or a test of a flow.",
    kinds: &[
        KindOfMap::new(&["sync"], &SYNC),
        KindOfMap::new(&["test"], &TEST),
        KindOfMap::new(&["from"], &INSTANCE),
        KindOfMap::new(&["inputs"], &FLOW).stand_in("inputs"),
        KindOfMap::new(&["flow"], &FLOW),
    ],
};

/// The first keys, one of which tells what a document is that has none yet.
pub static BEGINNING: Mapping = Mapping::new(
    "a document",
    "Its first key tells what it is.",
    &[
        key("flow", Shape::Noted(Notation::Id), "Begins a flow: what starts runs, and what each run does."),
        key("sync", Shape::Noted(Notation::Id), "Begins a sync: two objects that are kept alike."),
        key(
            "test",
            Shape::Noted(Notation::Flow),
            "Begins a test of the flow of this id, in a file of its own called `<name>.test.yaml`.",
        ),
    ],
);

/// A document that begins with `flow`.
pub static FLOW_DOCUMENT: Kinds = Kinds {
    what: "a flow's file",
    doc: "A flow, a template of flows, or a flow that is made of a template by `from`.",
    kinds: &[
        KindOfMap::new(&["from"], &INSTANCE),
        KindOfMap::new(&["inputs"], &FLOW).stand_in("inputs"),
        KindOfMap::new(&["flow"], &FLOW),
    ],
};

/// A flow.
pub static FLOW: Mapping = Mapping::new(
    "a flow",
    "What starts runs, and what each run does. One flow stands in one file.",
    &[
        key(
            "flow",
            Shape::Noted(Notation::Id),
            "The flow's id. Its cursor and its history belong to it, so renaming a flow needs `was`.",
        )
        .required(),
        key(
            "was",
            Shape::Noted(Notation::Id),
            "The id it had before; the flow goes on with that one's cursor and history.",
        ),
        key("version", Shape::Count(u32::MAX as i64), "The author's number of this version."),
        key("description", Shape::Text, "One sentence for people, shown wherever the flow is."),
        key(
            "labels",
            Shape::MapOf(Naming::Text, &LABEL),
            "Words by which people sort flows, such as `{team: revops}`.",
        ),
        key("enabled", Shape::Boolean, "`false` keeps the flow from running; it is still checked.").default("`true`"),
        key(
            "timezone",
            Shape::Noted(Notation::TimeZone),
            "The time zone of its schedule and its dates, such as `Europe/Berlin`.",
        )
        .default("the project's, else `UTC`"),
        key(
            "inputs",
            Shape::MapOf(Naming::Name, &Shape::Map(&TEMPLATE_INPUT)),
            "Makes the flow a template: what is filled in by those who make flows of it. `${ inputs.<name> }` stands for it anywhere, as a whole value also in keys that take no other expression.",
        ),
        BIND,
        key(
            "connections",
            Shape::MapOf(Naming::Id, &Shape::Noted(Notation::Connector)),
            "The connections that it uses, each with the connector it must be of, such as `{crm: hubspot}`.",
        ),
        key("trigger", Shape::Kinds(&TRIGGER), "What starts its runs.").required(),
        key("when", Shape::Question, "Asked first in every run: where it is false, the run ends as skipped."),
        key(
            "keys",
            Shape::MapOf(Naming::Name, &Shape::Value),
            "Business keys by which people find runs, such as `{email: \"${ record.email }\"}`. The record's id always is one.",
        ),
        key("limits", Shape::Map(&LIMITS), "Bounds on how much it does at once."),
        key(
            "brakes",
            Shape::Map(&BRAKES),
            "Holds the flow before it does damage: more than these bounds, and somebody must look.",
        )
        .standing(Standing::Checked),
        key("expect", Shape::Map(&EXPECT), "What shows that the flow is alive; less than that, and somebody is told.")
            .standing(Standing::Checked),
        key("steps", Shape::ListOf(&Shape::Kinds(&STEP)), "What each run does, in order.").required(),
        key(
            "on_failure",
            Shape::ListOf(&Shape::Kinds(&STEP)),
            "Steps for a run that failed for good. They see `failure.step`, `failure.class`, `failure.message` and `failure.attempt`.",
        ),
    ],
);

/// A flow that is made of a template.
pub static INSTANCE: Mapping = Mapping::new(
    "an instance of a template",
    "A flow that is made of a template: which one, and what is filled in.",
    &[
        key("flow", Shape::Noted(Notation::Id), "The flow's id, which its cursor and its history belong to.")
            .required(),
        key(
            "was",
            Shape::Noted(Notation::Id),
            "The id it had before; the flow goes on with that one's cursor and history.",
        ),
        key("from", Shape::Text, "The template and its version, such as `customers-to-warehouse@1`.").required(),
        BIND,
        key(
            "inputs",
            Shape::MapOf(Naming::Input, &Shape::Value),
            "What is filled in for the template's inputs. It is plain, and of the types that the template gives to them.",
        ),
        key("description", Shape::Text, "One sentence for people, in place of the template's."),
        key(
            "labels",
            Shape::MapOf(Naming::Text, &LABEL),
            "Words by which people sort flows, in place of the template's.",
        ),
        key("enabled", Shape::Boolean, "`false` keeps the flow from running; it is still checked.").default("`true`"),
        key("timezone", Shape::Noted(Notation::TimeZone), "The time zone of its schedule and its dates.")
            .default("the template's, else the project's"),
    ],
);

/// One value that the flows of a template fill in.
pub static TEMPLATE_INPUT: Mapping = Mapping::new(
    "an input",
    "One value that is filled in by those who make flows of the template.",
    &[
        key("type", Shape::Word(TEMPLATE_INPUT_TYPES.words), "What it holds.").required(),
        key("label", Shape::Text, "What people call it."),
        key("help", Shape::Text, "A sentence on what to fill in."),
        key("default", Shape::Value, "What it is where nobody fills it in.")
            .default("nothing: the keys that ask for it are left out"),
        key("required", Shape::Boolean, "Whether it must be filled in.").default("`false`"),
        key("options", Shape::ListOf(&Shape::Text), "What there is to choose from, for a `choice`."),
        key(
            "of",
            Shape::Text,
            "From where a form offers values: `crm.contacts` for a `field`, `filter` or `mapping`, `crm.contacts.stage` for an `option`, `crm` for an `owner` or `list`.",
        ),
    ],
);

const BIND: Key = key(
    "bind",
    Shape::MapOf(Naming::Id, &Shape::Noted(Notation::Id)),
    "Which connection stands for each name under `connections`, such as `{crm: hubspot-acme}`.",
)
.default("the connections of the same names");

/// Bounds that the author sets.
pub static LIMITS: Mapping = Mapping::new(
    "`limits`",
    "Bounds on how much a flow does at once.",
    &[
        key("runs", Shape::Count(10_000), "How many of its runs are at work at once.").default("`128`"),
        key(
            "records_per_poll",
            Shape::Count(10_000_000),
            "How many records one poll reads at most; the next poll goes on from there.",
        )
        .default("as many as there are"),
    ],
);

/// Bounds beyond which a flow is held.
pub static BRAKES: Mapping = Mapping::new(
    "`brakes`",
    "How much a flow may do before it is held: a number or a share, per hour, day, workday or week.",
    &[
        key("creates", BOUND, "How many records it may create, such as `500 per day`."),
        key(
            "changes",
            BOUND,
            "How many records it may change, such as `20% of matched per day after 50`, which looks once there were fifty.",
        ),
        key("blanks", BOUND, "How many values it may clear, such as `1%`."),
    ],
);

/// What shows that a flow is alive.
pub static EXPECT: Mapping = Mapping::new(
    "`expect`",
    "What a flow does at least while all is well.",
    &[
        key("at_least", Shape::Text, "How many runs there are, such as `1 per workday`."),
        key(
            "delay_below",
            Shape::Noted(Notation::Duration),
            "How long after a change its run has ended, such as `10m`.",
        ),
    ],
);

const BOUND: Shape = Shape::OneOf(&[Shape::Count(999_999_999_999), Shape::Text]);
const LABEL: Shape = Shape::OneOf(&[Shape::Text, Shape::Number, Shape::Boolean]);
