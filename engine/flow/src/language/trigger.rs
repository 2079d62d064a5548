//! What starts a flow's runs.

use super::words::{ACCEPTS, ALGORITHMS, CHANGES, ENCODINGS, INPUT_TYPES, MISSED};
use super::{FILTER, Key, KindOfMap, Kinds, Mapping, Naming, Notation, Shape, Standing, key};

/// The kinds of triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerKind {
    /// Looks for records at an interval.
    Poll,
    /// Goes by the clock.
    Schedule,
    /// Is told by a service.
    Webhook,
    /// Waits to be asked.
    Manual,
}

/// A trigger, of any kind.
pub static TRIGGER: Kinds = Kinds {
    what: "a trigger",
    doc: "What starts the flow's runs. A flow has one kind of trigger.",
    kinds: &[
        KindOfMap::new(&["poll"], &POLL),
        KindOfMap::new(&["webhook"], &WEBHOOK).standing(Standing::Checked),
        KindOfMap::new(&["manual"], &MANUAL_TRIGGER),
        KindOfMap::new(&["schedule", "each", "every"], &SCHEDULE),
    ],
};

static POLL: Mapping = Mapping::new(
    "a poll",
    "Looks for new or changed records at an interval, and starts one run for each, or one for each version of it.",
    &[
        key("poll", Shape::Noted(Notation::Object), "The connection and the object to look at, such as `crm.contacts`.").required(),
        key("on", Shape::Word(CHANGES.words), "Which changes start a run.").default("`new_or_updated`"),
        key("every", Shape::OneOf(&[DURATION, Shape::Map(&EVERY)]), "How often it looks: `15s` makes 5,760 calls a day, `5m` makes 288. `{min: 15s, max: 15m}` looks less often while nothing happens.").required(),
        key("start", Shape::OneOf(&[Shape::Word(STARTS), Shape::Noted(Notation::Moment)]), "Which records count at first: those that change from `now` on, all from the `beginning`, or those from a moment on.").default("`now`"),
        FILTER_KEY,
        WHERE,
        FIELDS,
        key("by", Shape::Noted(Notation::Field), "The field that tells when a record changed, for tables whose connector cannot know it."),
        key("with", Shape::MapOf(Naming::Input, &Shape::Value), "More that the connector needs to know for this poll.").standing(Standing::Checked),
    ],
);

static SCHEDULE: Mapping = Mapping::new(
    "a schedule",
    "Starts by the clock: one run each time, or with `each` one run for each record.",
    &[
        key(
            "schedule",
            Shape::OneOf(&[Shape::Noted(Notation::Cron), Shape::Nothing]),
            "When it starts, as a cron expression in the flow's time zone: `\"0 8 * * MON-FRI\"` is every working day at eight.",
        ),
        key("every", DURATION, "The interval at which it starts, in place of `schedule`."),
        key("missed", Shape::Word(MISSED.words), "What becomes of times that passed while nothing ran.")
            .default("`run_once`"),
        key(
            "each",
            Shape::Noted(Notation::Object),
            "The connection and the object whose records are walked, such as `crm.contacts`: one run for each record.",
        ),
        FILTER_KEY,
        WHERE,
        FIELDS,
    ],
);

static WEBHOOK: Mapping = Mapping::new(
    "a webhook",
    "Starts a run for each delivery that a service sends and proves to be its own. Expressions see it as `body`.",
    &[
        key("webhook", Shape::Nothing, "Makes the flow one that a service calls; its keys stand beside it.").required(),
        key("verify", Shape::Map(&VERIFY), "How a delivery proves where it comes from.").required(),
        key(
            "id",
            Shape::Value,
            "What tells one delivery from another, such as `${ body.id }`: one that comes twice makes one run.",
        ),
        key("accepts", Shape::Word(ACCEPTS.words), "What deliveries are written in.").default("`json`"),
    ],
);

/// How a delivery proves where it comes from.
pub static VERIFY: Mapping = Mapping::new(
    "`verify`",
    "How a delivery proves where it comes from: by a signature or by a token, one of the two.",
    &[
        key("hmac", Shape::Map(&HMAC), "By a signature over its content."),
        key("bearer", Shape::Noted(Notation::Setting), "By a token that it brings, such as `${ env.WEBHOOK_TOKEN }`."),
    ],
);

/// A signature.
pub static HMAC: Mapping = Mapping::new(
    "`hmac`",
    "A signature that only who knows the secret can make.",
    &[
        key("secret", Shape::Noted(Notation::Setting), "What both sides know, such as `${ env.WEBHOOK_SECRET }`.")
            .required(),
        key("header", Shape::Text, "The header that brings the signature, such as `X-Signature`.").required(),
        key("algorithm", Shape::Word(ALGORITHMS.words), "How it is computed.").default("`sha256`"),
        key("encoding", Shape::Word(ENCODINGS.words), "How it is written.").default("`hex`"),
        key("prefix", Shape::Text, "What stands before it in the header, such as `sha256=`."),
    ],
);

static MANUAL_TRIGGER: Mapping = Mapping::new(
    "a manual trigger",
    "Starts when somebody asks for it on the command line, or when another flow calls it by `run`.",
    &[key(
        "manual",
        Shape::OneOf(&[Shape::Nothing, Shape::Map(&MANUAL)]),
        "Runs when it is asked to; the inputs that are asked for stand below it.",
    )
    .required()],
);

/// What stands behind `manual`.
pub static MANUAL: Mapping = Mapping::new(
    "`manual`",
    "What whoever asks for a run is asked for.",
    &[key(
        "inputs",
        Shape::MapOf(Naming::Name, &Shape::Map(&INPUT)),
        "The values that a caller gives; expressions see them as `inputs.<name>`.",
    )],
);

/// An input of a manual trigger.
pub static INPUT: Mapping = Mapping::new(
    "an input",
    "One value that a caller gives.",
    &[
        key("type", Shape::Word(INPUT_TYPES.words), "What it holds.").required(),
        key("label", Shape::Text, "What people call it."),
        key("help", Shape::Text, "A sentence on what to give."),
        key("default", Shape::Value, "What it is where it is not given.").default("empty"),
        key("required", Shape::Boolean, "Whether it must be given.").default("`false`"),
        key("options", Shape::ListOf(&Shape::Text), "What there is to choose from, for a `choice`."),
    ],
);

/// The long form of a poll's `every`.
pub static EVERY: Mapping = Mapping::new(
    "`every`",
    "An interval that grows while nothing happens, and shrinks as soon as something does.",
    &[
        key("min", DURATION, "The time after a poll that found something.").required(),
        key("max", DURATION, "The longest time, after many polls that found nothing.").required(),
    ],
);

/// The words of a poll's `start`, beside moments.
const STARTS: &[super::Word] = &[
    super::Word::new("now", "Records that change from the flow's first start on."),
    super::Word::new("beginning", "All records that there are, the oldest first."),
];

const DURATION: Shape = Shape::Noted(Notation::Duration);
static FILTER_KEY: Key =
    key("filter", Shape::Map(&FILTER), "Which records count. The service decides it itself where it can.");
const WHERE: Key = key(
    "where",
    Shape::Question,
    "Asked of each record before it makes a run: where it is false, there is none; it is counted.",
);
const FIELDS: Key = key(
    "fields",
    Shape::ListOf(&Shape::Noted(Notation::Field)),
    "The fields to read. Only needed where expressions compute a field's name, or use the whole record.",
)
.default("those that the flow reads");

impl TriggerKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Poll, Self::Schedule, Self::Manual, Self::Webhook];

    /// The key that names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Schedule => "schedule",
            Self::Webhook => "webhook",
            Self::Manual => "manual",
        }
    }

    /// The whole map.
    pub fn mapping(self) -> &'static Mapping {
        match self {
            Self::Poll => &POLL,
            Self::Schedule => &SCHEDULE,
            Self::Webhook => &WEBHOOK,
            Self::Manual => &MANUAL_TRIGGER,
        }
    }
}
