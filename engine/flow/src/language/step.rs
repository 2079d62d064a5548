//! Steps: one verb each, and the keys that belong to it.

use super::words::{AMBIGUOUS, MAPPED_TYPES, MISSING, ON_ERROR, POLICIES, SIDES};
use super::{FILTER, Key, KindOfMap, Kinds, Mapping, Naming, Notation, Shape, Standing, key};

/// The verbs of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is documented where its keys are declared")]
pub enum StepVerb {
    Create,
    Update,
    Upsert,
    Delete,
    Find,
    Let,
    If,
    Route,
    Each,
    Wait,
    Do,
    Run,
    Skip,
    Stop,
    Fail,
}

/// A step, of any verb.
pub static STEP: Kinds = Kinds {
    what: "a step",
    doc: "One thing that a run does. Its verb says what.",
    kinds: &[
        KindOfMap::new(&["create"], &CREATE),
        KindOfMap::new(&["update"], &UPDATE),
        KindOfMap::new(&["upsert"], &UPSERT),
        KindOfMap::new(&["delete"], &DELETE),
        KindOfMap::new(&["find"], &FIND),
        KindOfMap::new(&["let"], &LET),
        KindOfMap::new(&["if"], &IF),
        KindOfMap::new(&["route"], &ROUTE),
        KindOfMap::new(&["each"], &EACH),
        KindOfMap::new(&["wait"], &WAIT),
        KindOfMap::new(&["do"], &DO),
        KindOfMap::new(&["run"], &RUN),
        KindOfMap::new(&["skip"], &SKIP),
        KindOfMap::new(&["stop"], &STOP_STEP),
        KindOfMap::new(&["fail"], &FAIL),
    ],
};

static CREATE: Mapping = Mapping::new(
    "`create`",
    "Creates a record.",
    &[
        key("create", OBJECT, "The connection and the object of which a record is created, such as `crm.contacts`.")
            .required(),
        SET,
        MAPPING,
        SOURCE,
        AS,
        RETRY_KEY,
        TIMEOUT,
        ON_ERROR_KEY,
        NAME,
        WHEN,
    ],
);

static UPDATE: Mapping = Mapping::new(
    "`update`",
    "Changes a record by its id. An id that does not exist fails as `not_found`.",
    &[
        key("update", OBJECT, "The connection and the object of which a record is changed, such as `crm.contacts`.")
            .required(),
        ID,
        SET,
        MAPPING,
        SOURCE,
        AS,
        RETRY_KEY,
        TIMEOUT,
        ON_ERROR_KEY,
        NAME,
        WHEN,
    ],
);

static UPSERT: Mapping = Mapping::new(
    "`upsert`",
    "Changes the record that `match` finds, or creates one.",
    &[
        key("upsert", OBJECT, "The connection and the object to write to, such as `warehouse.customers`.").required(),
        key("match", Shape::OneOf(&[FIELD, Shape::ListOf(&FIELD)]), "The field, or the fields, by which a record is found; the step sets each of them. `id` goes by the step's `id`: empty creates, found changes, not found fails.").required(),
        key("id", Shape::Value, "The record's id, for `match: id`."),
        key("ambiguous", Shape::Word(AMBIGUOUS.words), "What is done where several records are found.").default("`fail`"),
        SET, MAPPING, SOURCE, AS, RETRY_KEY, TIMEOUT, ON_ERROR_KEY, NAME, WHEN,
    ],
);

static DELETE: Mapping = Mapping::new(
    "`delete`",
    "Removes a record by its id, or archives it where the service knows no other way. A missing one is no mistake: the result says `existed: false`.",
    &[
        key("delete", OBJECT, "The connection and the object of which a record is removed, such as `crm.contacts`.")
            .required(),
        ID,
        AS,
        RETRY_KEY,
        TIMEOUT,
        ON_ERROR_KEY,
        NAME,
        WHEN,
    ],
);

static FIND: Mapping = Mapping::new(
    "`find`",
    "Looks up one record, or a list of them.",
    &[
        key("find", OBJECT, "The connection and the object to look in, such as `crm.companies`.").required(),
        key("id", Shape::Value, "The id of the record, in place of `filter`."),
        key("filter", Shape::Map(&FILTER), "Which record is meant, in place of `id`."),
        key("fields", Shape::ListOf(&FIELD), "The fields to read.").default("those that later steps read"),
        key("many", Shape::Boolean, "`true` gives a list of all that are found, in place of one record.")
            .default("`false`"),
        key("limit", Shape::Count(10_000), "How many `many` gives at most.").default("`100`"),
        key("none", Shape::Word(MISSING.words), "What is done where nothing is found.").default("`continue`"),
        key("ambiguous", Shape::Word(AMBIGUOUS.words), "What is done where several are found and one is wanted.")
            .default("`fail`"),
        AS,
        RETRY_KEY,
        TIMEOUT,
        ON_ERROR_KEY,
        NAME,
        WHEN,
    ],
);

static LET: Mapping = Mapping::new(
    "`let`",
    "Names values for later steps.",
    &[
        key(
            "let",
            Shape::MapOf(Naming::Name, &Shape::Value),
            "Names and their values, in order; each sees those before it.",
        )
        .required(),
        ON_ERROR_KEY,
        NAME,
        WHEN,
    ],
);

static IF: Mapping = Mapping::new(
    "`if`",
    "Does one thing or another.",
    &[
        key("if", Shape::Question, "The question, a bare expression such as `record.amount > 1000`.").required(),
        key("then", STEPS, "The steps where it is true.").required(),
        key("else", Shape::OneOf(&[STEPS, Shape::Map(&IF)]), "The steps where it is false, or one nested `if`."),
        AS,
        NAME,
        WHEN,
    ],
);

static ROUTE: Mapping = Mapping::new(
    "`route`",
    "Goes by the first rule that holds; the run records which.",
    &[
        key("route", Shape::ListOf(&Shape::Map(&RULE)), "The rules, in order.").required(),
        key("default", STEPS, "The steps where no rule holds."),
        AS,
        NAME,
        WHEN,
    ],
);

/// A rule of a `route`.
pub static RULE: Mapping = Mapping::new(
    "a rule",
    "A question, and what is done where it holds.",
    &[
        key("name", Shape::Noted(Notation::StepName), "What the run records of it.").default("its number"),
        key("when", Shape::Question, "Whether it holds, as a bare expression; in place of `filter`."),
        key("filter", Shape::Map(&FILTER), "Whether the record is one of these; in place of `when`."),
        key("steps", STEPS, "What is done where it holds.").required(),
    ],
);

static EACH: Mapping = Mapping::new(
    "`each`",
    "Does its steps for every item of a list, several items at once.",
    &[
        key(
            "each",
            Shape::OneOf(&[Shape::ListOf(&Shape::Value), Shape::Text]),
            "The list, such as `${ record.tags }`.",
        )
        .required(),
        key("item", Shape::Noted(Notation::Name), "What an item is called in the steps.").default("`item`"),
        key("key", Shape::Value, "What tells an item from the others in every version of the list.")
            .default("the item's `id`, or the item itself"),
        key("limit", Shape::Count(100_000), "How long the list may be; a longer one is an error that says so.")
            .default("`1000`"),
        key("steps", STEPS, "What is done with each item.").required(),
        AS,
        ON_ERROR_KEY,
        NAME,
        WHEN,
    ],
);

static WAIT: Mapping = Mapping::new(
    "`wait`",
    "Goes on later. It survives restarts, and does not hold back later versions of its record.",
    &[
        key(
            "wait",
            Shape::OneOf(&[Shape::Noted(Notation::Duration), Shape::Text]),
            "How long, such as `30m`, or until when, such as `${ add_days(now, 3) }`.",
        )
        .required(),
        AS,
        NAME,
        WHEN,
    ],
);

static DO: Mapping = Mapping::new(
    "`do`",
    "Any other action that the connector declares; `millrace connectors show` lists them.",
    &[
        key(
            "do",
            Shape::Noted(Notation::Action),
            "The connection and its action, such as `crm.associate`; or `sync.enrol`, which is of no connection.",
        )
        .required(),
        key(
            "with",
            Shape::OneOf(&[Shape::MapOf(Naming::Input, &Shape::Value), Shape::Map(&ENROL)]),
            "What the action is given.",
        ),
        AS,
        RETRY_KEY,
        TIMEOUT,
        ON_ERROR_KEY,
        NAME,
        WHEN,
    ],
);

/// What stands behind `with` of a `do: sync.enrol`.
pub static ENROL: Mapping = Mapping::new(
    "`sync.enrol`",
    "What `do: sync.enrol` is given: the record takes part in a sync that is `of: enrolled`, from now on. Enrolling it twice changes nothing.",
    &[
        key("sync", Shape::Noted(Notation::Sync), "The id of the sync.").required().standing(Standing::Checked),
        key("id", Shape::Value, "The id of the record, such as `${ member.id }`.").default("the run's record"),
        key("side", Shape::Word(SIDES.words), "Which side of the sync the record is of.")
            .default("the side that the flow's records are of, else the one whose records are enrolled"),
    ],
);

static RUN: Mapping = Mapping::new(
    "`run`",
    "Calls another flow and waits for its end. It has a run of its own; `as` is what it returned.",
    &[
        key("run", Shape::Noted(Notation::Flow), "The flow to call, one with a `manual` trigger.").required(),
        key("with", Shape::MapOf(Naming::Input, &Shape::Value), "Its inputs."),
        AS,
        ON_ERROR_KEY,
        NAME,
        WHEN,
    ],
);

static SKIP: Mapping = Mapping::new(
    "`skip`",
    "Ends the run as skipped.",
    &[key("skip", Shape::Text, "Why; it is shown with the run.").required(), NAME, WHEN],
);

static STOP_STEP: Mapping = Mapping::new(
    "`stop`",
    "Ends the run as succeeded.",
    &[
        key("stop", Shape::OneOf(&[Shape::Nothing, Shape::Map(&STOP)]), "Empty, or what the run returns.").required(),
        NAME,
        WHEN,
    ],
);

/// What stands behind `stop`.
pub static STOP: Mapping = Mapping::new(
    "`stop`",
    "How the run ends.",
    &[key("return", Shape::Value, "What a flow that called this one gets.")],
);

static FAIL: Mapping = Mapping::new(
    "`fail`",
    "Ends the run as failed; it is kept, to be looked at and retried.",
    &[key("fail", Shape::Text, "Why; it is shown with the run.").required(), NAME, WHEN],
);

/// The long form of a line of `mapping`.
pub static MAPPED: Mapping = Mapping::new(
    "a mapped field",
    "Where a field's value comes from, and when it is written.",
    &[
        key("from", Shape::Text, "The source's field, or a value such as `${ record.name }`.").required(),
        key("type", Shape::Word(MAPPED_TYPES.words), "The type that the source's value is made first."),
        key("policy", Shape::Word(POLICIES.words), "When it is written.").default("`overwrite`"),
    ],
);

/// How a failed attempt is repeated.
pub static RETRY: Mapping = Mapping::new(
    "`retry`",
    "How an attempt that failed for a passing reason is repeated. A service is away where nobody answers: no connection, no \
     answer in time, or a gateway that finds nobody behind it. A refusal with an answer, such as status 500, always counts.",
    &[
        key(
            "attempts",
            Shape::Count(100),
            "How many attempts there are in all, those at a service that is away included. Left out, those do not count \
             once it has been away for a minute: the run waits until it is back, and is tried about twice a minute.",
        )
        .default("`10`"),
        key(
            "initial",
            Shape::Noted(Notation::Duration),
            "The wait after the first; each further wait is twice as long.",
        )
        .default("`1s`"),
        key("max", Shape::Noted(Notation::Duration), "The longest wait.").default("`5m`"),
    ],
);

const OBJECT: Shape = Shape::Noted(Notation::Object);
const FIELD: Shape = Shape::Noted(Notation::Field);
static STEPS: Shape = Shape::ListOf(&Shape::Kinds(&STEP));

const ID: Key = key("id", Shape::Value, "The id of the record, such as `${ customer.id }`.").required();
static SET: Key = key(
    "set",
    Shape::MapOf(Naming::Field, &Shape::Value),
    "The fields to write and their values; in place of `mapping`.",
);
static MAPPING: Key = key(
    "mapping",
    Shape::MapOf(Naming::Field, &Shape::OneOf(&[Shape::Text, Shape::Map(&MAPPED)])),
    "The fields to write, each with the source's field it comes from; types are checked on both ends. In place of `set`.",
);
const SOURCE: Key =
    key("source", Shape::Value, "What `mapping` takes its fields from, such as `${ item }`.").default("the record");
const AS: Key = key("as", Shape::Noted(Notation::Name), "The name under which later steps see the result.");
static RETRY_KEY: Key =
    key("retry", Shape::Map(&RETRY), "How an attempt that failed for a passing reason is repeated.")
        .default("ten attempts over about eight minutes, not counting those at a service that is away");
const TIMEOUT: Key = key("timeout", Shape::Noted(Notation::Duration), "How long one attempt may take.");
const ON_ERROR_KEY: Key =
    key("on_error", Shape::Word(ON_ERROR.words), "What the step's failure means for the run.").default("`fail`");
const NAME: Key = key(
    "name",
    Shape::Noted(Notation::StepName),
    "The step's name, unique in the flow: two steps with the same verb and object, or two that `wait`, need one. What was written is remembered by it, so keep it when you edit.",
)
.default("`as`, else the verb and its object");
const WHEN: Key = key("when", Shape::Question, "Where it is false, the step is left out, and its result may be unset.");

impl StepVerb {
    /// All of them, in the order of a first reading.
    pub const ALL: [Self; 15] = [
        Self::Create,
        Self::Update,
        Self::Upsert,
        Self::Delete,
        Self::Find,
        Self::Let,
        Self::If,
        Self::Route,
        Self::Each,
        Self::Wait,
        Self::Do,
        Self::Run,
        Self::Skip,
        Self::Stop,
        Self::Fail,
    ];

    /// The verb that is written so.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    /// How it is written.
    pub fn word(self) -> &'static str {
        self.mapping().keys[0].name
    }

    /// The whole step: the verb first.
    pub fn mapping(self) -> &'static Mapping {
        match self {
            Self::Create => &CREATE,
            Self::Update => &UPDATE,
            Self::Upsert => &UPSERT,
            Self::Delete => &DELETE,
            Self::Find => &FIND,
            Self::Let => &LET,
            Self::If => &IF,
            Self::Route => &ROUTE,
            Self::Each => &EACH,
            Self::Wait => &WAIT,
            Self::Do => &DO,
            Self::Run => &RUN,
            Self::Skip => &SKIP,
            Self::Stop => &STOP_STEP,
            Self::Fail => &FAIL,
        }
    }
}
