//! A flow document.

use super::{Key, Mapping, Naming, Notation, STEP, Shape, Standing, TRIGGER, key};

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
        planned("inputs", "Makes the flow a template, with inputs to fill in."),
        planned("from", "The template that this flow is made of."),
        planned("bind", "Which connection stands for each one that the template names."),
    ],
);

/// Bounds that the author sets.
pub static LIMITS: Mapping = Mapping::new(
    "`limits`",
    "Bounds on how much a flow does at once.",
    &[
        key("runs", Shape::Count(10_000), "How many of its runs are at work at once.").default("`32`"),
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

const fn planned(name: &'static str, doc: &'static str) -> Key {
    key(name, Shape::Value, doc).standing(Standing::Planned)
}
