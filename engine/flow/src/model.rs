//! A checked flow. Whoever holds a [`Flow`] has nothing left to look up and nothing to doubt.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use sdk::{Ambiguous, ConnectionName, FlowId, StepName, Timestamp};

use crate::expr::{Expression, FilterTemplate, Place, Template};

mod safety;
mod sync;
mod template;
mod webhook;

pub use safety::{AtLeast, Brake, Brakes, Expect, Most, Period};
pub use sync::{Conflict, Deleted, Direction, Side, Sync, SyncField, SyncOf, Way};
pub use template::InputType;
pub use webhook::{Accepts, Hmac, HmacAlgorithm, HmacEncoding, Verify, Webhook};

/// A flow, ready to run.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its id.
    pub id: FlowId,
    /// The id it had before, whose cursor and history it continues.
    pub was: Option<FlowId>,
    /// One sentence for people.
    pub description: Option<String>,
    /// The file it came from, as the author names it.
    pub file: PathBuf,
    /// Whether it runs at all.
    pub enabled: bool,
    /// The zone of its calendar.
    pub timezone: jiff::tz::TimeZone,
    /// What starts its runs.
    pub trigger: Trigger,
    /// False ends a run as skipped.
    pub when: Option<Expression>,
    /// Business keys by which operators search its runs.
    pub keys: Vec<(String, Template)>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What is done where a run failed; these steps see `failure`.
    pub on_failure: Vec<Step>,
    /// What was filled in for its template's inputs: what `inputs` holds in every run.
    pub inputs: sdk::Fields,
    /// Its limits.
    pub limits: Limits,
    /// Bounds beyond which it is held.
    pub brakes: Brakes,
    /// What it does at least where it works well.
    pub expect: Expect,
    /// What it says that this version does not run: see [`Flow::not_run`].
    pub not_run: Vec<NotRun>,
}

/// A word of a flow that is understood and checked, and that this version does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRun {
    /// The word.
    pub word: String,
    /// Where it stands.
    pub place: Place,
}

impl std::fmt::Display for NotRun {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}: this version does not run `{}` yet", self.place.file, self.place.line, self.word)
    }
}

impl Flow {
    /// What it says that this version does not run. A flow with any is not run at all, for doing the rest of what it
    /// says would be something else than its author means: whoever puts flows to work asks this before.
    pub fn not_run(&self) -> &[NotRun] {
        &self.not_run
    }
}

/// What starts a flow's runs.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// Looks for new or changed records at an interval.
    Poll(Poll),
    /// Starts at certain times.
    Schedule(Schedule),
    /// Starts when somebody, or another flow, asks.
    Manual(Manual),
    /// Starts when a service tells.
    Webhook(Webhook),
}

impl Trigger {
    /// The poll, where it is one.
    pub fn poll(&self) -> Option<&Poll> {
        match self {
            Self::Poll(poll) => Some(poll),
            Self::Schedule(_) | Self::Manual(_) | Self::Webhook(_) => None,
        }
    }

    /// The object whose records make its runs, where records do.
    pub fn source(&self) -> Option<&Target> {
        match self {
            Self::Poll(poll) => Some(&poll.target),
            Self::Schedule(schedule) => schedule.walk.as_ref().map(|walk| &walk.target),
            Self::Manual(_) | Self::Webhook(_) => None,
        }
    }

    /// Records of the source that do not match make no run.
    pub fn filter(&self) -> Option<&sdk::Filter> {
        match self {
            Self::Poll(poll) => poll.filter.as_ref(),
            Self::Schedule(schedule) => schedule.walk.as_ref()?.filter.as_ref(),
            Self::Manual(_) | Self::Webhook(_) => None,
        }
    }

    /// Records of the source for which it is false make no run.
    pub fn condition(&self) -> Option<&Expression> {
        match self {
            Self::Poll(poll) => poll.condition.as_ref(),
            Self::Schedule(schedule) => schedule.walk.as_ref()?.condition.as_ref(),
            Self::Manual(_) | Self::Webhook(_) => None,
        }
    }

    /// The fields that are read of the source's records. Sorted.
    pub fn fields(&self) -> &[String] {
        match self {
            Self::Poll(poll) => &poll.fields,
            Self::Schedule(schedule) => schedule.walk.as_ref().map_or(&[], |walk| &walk.fields),
            Self::Manual(_) | Self::Webhook(_) => &[],
        }
    }
}

/// A polling trigger.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Where it looks.
    pub target: Target,
    /// Which changes count.
    pub on: On,
    /// How often it looks.
    pub every: Every,
    /// Which records count at first.
    pub start: Start,
    /// Records that do not match make no run.
    pub filter: Option<sdk::Filter>,
    /// Records for which it is false make no run.
    pub condition: Option<Expression>,
    /// The fields to read: those that the flow reads, or those that the author listed. Sorted.
    pub fields: Vec<String>,
    /// The stamp's field, where the author names one.
    pub by: Option<String>,
    /// What else its connector is told.
    pub with: sdk::Fields,
}

/// How often a poll looks: always after the same time, or less often while nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    /// The time after a poll that found something.
    pub min: Duration,
    /// The longest time, after many that found nothing. As long as `min` for a fixed interval.
    pub max: Duration,
}

impl Every {
    /// Always after this time.
    pub fn fixed(every: Duration) -> Self {
        Self { min: every, max: every }
    }
}

/// Which changes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Once per record.
    New,
    /// Once per version of a record.
    NewOrUpdated,
    /// Once per record that was archived.
    Archived,
}

/// A trigger that goes by the clock.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// When it starts.
    pub times: Times,
    /// What becomes of times that passed while nothing ran.
    pub missed: Missed,
    /// The records that it walks, one run each; without it, each time makes one run.
    pub walk: Option<Walk>,
}

/// When a schedule starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Times {
    /// By a cron expression, in the flow's time zone.
    Cron(String),
    /// At this interval, counted from the first start.
    Every(Duration),
}

/// What becomes of times that passed while nothing ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// One run makes up for all of them.
    #[default]
    RunOnce,
    /// Nothing: the next time comes.
    Skip,
}

/// All records of an object, walked at each time of a schedule.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The object.
    pub target: Target,
    /// Records that do not match make no run.
    pub filter: Option<sdk::Filter>,
    /// Records for which it is false make no run.
    pub condition: Option<Expression>,
    /// The fields to read. Sorted.
    pub fields: Vec<String>,
}

/// A trigger that waits to be asked.
#[derive(Clone, Debug)]
pub struct Manual {
    /// What a caller gives, in the author's order.
    pub inputs: Vec<Input>,
}

/// One value that a caller gives.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in `inputs`.
    pub name: String,
    /// What it holds.
    pub field_type: sdk::FieldType,
    /// The values allowed of a choice; empty for other types.
    pub options: Vec<String>,
    /// Whether it must be given.
    pub required: bool,
    /// What it is where it is not given.
    pub default: Option<sdk::Value>,
    /// What people call it.
    pub label: Option<String>,
    /// A sentence on what to give.
    pub help: Option<String>,
}

/// Which records count at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Those that change from now on.
    Now,
    /// All there are.
    Beginning,
    /// Those stamped at or after this moment.
    At(Timestamp),
}

/// A connection's object: `crm.contacts`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The configured connection.
    pub connection: ConnectionName,
    /// The object there.
    pub object: String,
}

impl std::fmt::Display for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}", self.connection, self.object)
    }
}

/// Bounds that the author sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Runs at work at once. Each commit serves all that wait for one, so many at once cost less each; how fast a
    /// service is asked is for its budgets to say.
    pub runs: usize,
    /// Records read by one poll; `None` for as many as there are.
    pub records_per_poll: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { runs: 128, records_per_poll: None }
    }
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name, unique in the flow and stable over edits: part of every effect id.
    pub name: StepName,
    /// False leaves it out.
    pub when: Option<Expression>,
    /// The name under which later steps see its result.
    pub result: Option<String>,
    /// How often a failed attempt is repeated.
    pub retry: Retry,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// What a failure means for the run.
    pub on_error: OnError,
    /// What it does.
    pub kind: StepKind,
}

/// What a step's failure means for its run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The run fails.
    #[default]
    Fail,
    /// The failure is kept as `errors.<name>`, and the run goes on.
    Continue,
}

/// How attempts that failed for a passing reason are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all.
    pub attempts: u32,
    /// Whether the author wrote `attempts` himself: then those at a service that is away are among them.
    pub attempts_written: bool,
    /// The wait after the first; it doubles from there.
    pub initial: Duration,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Retry {
    /// Ten attempts over about eight minutes.
    fn default() -> Self {
        Self { attempts: 10, attempts_written: false, initial: Duration::from_secs(1), max: Duration::from_secs(300) }
    }
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Makes a record.
    Create(WriteStep),
    /// Changes a record by its id.
    Update {
        /// Which.
        id: Template,
        /// What.
        write: WriteStep,
    },
    /// Changes what is found, or makes it.
    Upsert {
        /// By what it is found.
        key: UpsertKey,
        /// What to do where several are found.
        ambiguous: Ambiguous,
        /// What.
        write: WriteStep,
    },
    /// Removes a record by its id.
    Delete {
        /// Where.
        target: Target,
        /// Which.
        id: Template,
    },
    /// Looks a record up.
    Find(FindStep),
    /// Names values, in order.
    Let(Vec<(String, Template)>),
    /// One of two branches.
    If {
        /// The question.
        condition: Expression,
        /// Where it is true.
        then: Vec<Step>,
        /// Where it is false.
        otherwise: Vec<Step>,
    },
    /// The steps of the first rule that holds.
    Route {
        /// The rules, in order.
        rules: Vec<Rule>,
        /// Where none holds.
        default: Vec<Step>,
    },
    /// Steps for every item of a list.
    Each(EachStep),
    /// Goes on later.
    Wait(Wait),
    /// Any other action of a connector.
    Do(DoStep),
    /// Another flow, as a run of its own.
    Run(RunStep),
    /// Ends the run as skipped.
    Skip(Template),
    /// Ends the run as succeeded.
    Stop(Option<Template>),
    /// Ends the run as failed.
    Fail(Template),
}

/// One rule of a `route`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The author's name of it, else its number: what a run records.
    pub name: String,
    /// Whether it holds.
    pub question: RuleQuestion,
    /// What is done then.
    pub steps: Vec<Step>,
}

/// Whether a rule holds.
#[derive(Clone, Debug)]
pub enum RuleQuestion {
    /// Where this is true.
    When(Expression),
    /// Where the record fulfils this.
    Filter(FilterTemplate),
}

/// Steps for every item of a list.
#[derive(Clone, Debug)]
pub struct EachStep {
    /// The list.
    pub list: Template,
    /// What an item is called in the steps.
    pub item: String,
    /// What tells an item from the others, in every version of the list; `None` for its `id`, or itself.
    pub key: Option<Template>,
    /// A longer list is an error.
    pub limit: usize,
    /// What is done with each.
    pub steps: Vec<Step>,
}

/// How long a `wait` waits.
#[derive(Clone, Debug)]
pub enum Wait {
    /// So long, from when the step is reached.
    For(Duration),
    /// Until a moment, a day's beginning, or for a duration.
    Until(Template),
}

/// An action of a connector that is neither a write nor a look-up.
#[derive(Clone, Debug)]
pub struct DoStep {
    /// Where.
    pub connection: ConnectionName,
    /// Which, by the connector's name of it.
    pub action: String,
    /// What it is given.
    pub with: Assignments,
}

/// A call of another flow, whose end it waits for.
#[derive(Clone, Debug)]
pub struct RunStep {
    /// The flow, one with a `manual` trigger.
    pub flow: FlowId,
    /// Its inputs.
    pub with: Assignments,
}

impl StepKind {
    /// The lists of steps that it holds, to be changed.
    pub(crate) fn inner_mut(&mut self) -> Vec<&mut Vec<Step>> {
        match self {
            Self::If { then, otherwise, .. } => vec![then, otherwise],
            Self::Route { rules, default } => rules.iter_mut().map(|rule| &mut rule.steps).chain([default]).collect(),
            Self::Each(each) => vec![&mut each.steps],
            Self::Create(_)
            | Self::Update { .. }
            | Self::Upsert { .. }
            | Self::Delete { .. }
            | Self::Find(_)
            | Self::Let(_)
            | Self::Wait(_)
            | Self::Do(_)
            | Self::Run(_)
            | Self::Skip(_)
            | Self::Stop(_)
            | Self::Fail(_) => Vec::new(),
        }
    }

    /// The lists of steps that it holds.
    pub fn inner(&self) -> Vec<&[Step]> {
        match self {
            Self::If { then, otherwise, .. } => vec![then, otherwise],
            Self::Route { rules, default } => {
                rules.iter().map(|rule| rule.steps.as_slice()).chain([default.as_slice()]).collect()
            }
            Self::Each(each) => vec![&each.steps],
            Self::Create(_)
            | Self::Update { .. }
            | Self::Upsert { .. }
            | Self::Delete { .. }
            | Self::Find(_)
            | Self::Let(_)
            | Self::Wait(_)
            | Self::Do(_)
            | Self::Run(_)
            | Self::Skip(_)
            | Self::Stop(_)
            | Self::Fail(_) => Vec::new(),
        }
    }
}

/// What a write sets, and where.
#[derive(Clone, Debug)]
pub struct WriteStep {
    /// Where.
    pub target: Target,
    /// Which fields get which values.
    pub set: Assignments,
    /// The fields that are not simply overwritten.
    pub policies: BTreeMap<String, Policy>,
}

/// When a mapped field is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Always.
    #[default]
    Overwrite,
    /// Where the target has no value yet; it is looked up before.
    FillIfEmpty,
    /// Where the source has a value.
    NeverBlank,
}

/// Fields and the values they get, in the author's order.
pub type Assignments = Vec<(String, Template)>;

/// By what an upsert finds its record.
#[derive(Clone, Debug)]
pub enum UpsertKey {
    /// `match: id`, with the step's `id`.
    Id(Template),
    /// `match: email`, or a list of fields; each is set by the step.
    Fields(Vec<String>),
}

/// A look-up.
#[derive(Clone, Debug)]
pub struct FindStep {
    /// Where.
    pub target: Target,
    /// What for; `id` is a filter on the field `id`.
    pub filter: FilterTemplate,
    /// The fields to read: those that later expressions read of its result, or those that the author listed. Sorted.
    pub fields: Vec<String>,
    /// One record or a list.
    pub many: Many,
    /// What to do where none is found.
    pub none: OnMissing,
    /// What to do where several are found and one is wanted.
    pub ambiguous: Ambiguous,
}

/// How many records a look-up gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Many {
    /// One, or nothing.
    One,
    /// A list of at most this many.
    List(usize),
}

/// What a look-up does where nothing is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMissing {
    /// Its result is empty and the run goes on.
    #[default]
    Continue,
    /// The run ends as skipped.
    Skip,
    /// The run fails as `not_found`.
    Fail,
}
