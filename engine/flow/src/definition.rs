//! What the author wrote: one flow document, its shape understood and its names not yet looked up.

mod sync;
mod test;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sdk::{Ambiguous, ConnectionName, FlowId};
use text::{Entry, Node, SourceFile, Span};

use crate::instance::Source;
use crate::model::{
    Accepts, Brakes, Expect, Input, Limits, Many, Missed, On, OnError, OnMissing, Policy, Retry, Start, Target, Times,
    Verify,
};

pub use sync::SyncDefinition;
pub(crate) use sync::{DirectionDefinition, PairDefinition};
pub use test::TestDefinition;
pub(crate) use test::{
    About, AboutKind, CaseDefinition, ExpectDefinition, ExpectedSet, ExpectedStep, GivenDefinition, StepReference,
};

/// A flow as its author wrote it, with the place of everything in it.
#[derive(Clone, Debug)]
pub struct FlowDefinition {
    pub(crate) file: SourceFile,
    /// The text that all places here are in.
    pub(crate) source: Source,
    pub(crate) id: At<FlowId>,
    pub(crate) was: Option<At<FlowId>>,
    pub(crate) description: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) timezone: Option<jiff::tz::TimeZone>,
    pub(crate) connections: Vec<DeclaredConnection>,
    pub(crate) trigger: Option<TriggerDefinition>,
    pub(crate) when: Option<Node>,
    pub(crate) keys: Vec<Entry>,
    pub(crate) steps: Vec<StepDefinition>,
    pub(crate) on_failure: Vec<StepDefinition>,
    pub(crate) limits: Limits,
    /// What was filled in for a template's inputs, or may be.
    pub(crate) inputs: Vec<FilledInput>,
    /// Its version, where it is a template: it is checked, and makes no flow.
    pub(crate) template: Option<u32>,
    pub(crate) brakes: Option<At<Brakes>>,
    pub(crate) expect: Option<At<Expect>>,
    /// Whether reading found no mistake; a definition with one is still checked, and makes no flow.
    pub(crate) sound: bool,
}

/// A value with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A template's input, and what stands for it.
#[derive(Clone, Debug)]
pub(crate) struct FilledInput {
    pub(crate) name: String,
    /// What was filled in, or its default.
    pub(crate) value: Option<Node>,
    pub(crate) may_be_unset: bool,
}

/// A line of a flow's `connections`.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredConnection {
    /// The name, or the connection that `bind` puts in its place.
    pub(crate) name: At<ConnectionName>,
    pub(crate) is_bound: bool,
    pub(crate) connector: At<String>,
}

/// What starts a flow's runs.
#[derive(Clone, Debug)]
pub(crate) enum TriggerDefinition {
    Poll(PollDefinition),
    Schedule(ScheduleDefinition),
    Manual(ManualDefinition),
    Webhook(WebhookDefinition),
}

/// A `poll`.
#[derive(Clone, Debug)]
pub(crate) struct PollDefinition {
    pub(crate) source: SourceDefinition,
    pub(crate) on: At<On>,
    pub(crate) every: Option<EveryDefinition>,
    pub(crate) start: At<Start>,
    pub(crate) by: Option<At<String>>,
    /// What else its connector is told, with the place of the word.
    pub(crate) with: Option<At<Vec<Entry>>>,
}

/// How often a poll looks.
#[derive(Clone, Debug)]
pub(crate) struct EveryDefinition {
    pub(crate) min: At<Duration>,
    /// Where it is as long as `min`, the author wrote one duration.
    pub(crate) max: Duration,
}

/// The records that make runs: those of a `poll`, or of a schedule's `each`.
#[derive(Clone, Debug)]
pub(crate) struct SourceDefinition {
    /// The word `poll` or `each`.
    pub(crate) span: Span,
    pub(crate) target: Option<At<Target>>,
    pub(crate) filter: Option<Node>,
    pub(crate) condition: Option<Node>,
    pub(crate) fields: Option<At<Vec<At<String>>>>,
}

/// A `schedule`, or an `every` of its own.
#[derive(Clone, Debug)]
pub(crate) struct ScheduleDefinition {
    pub(crate) times: Option<Times>,
    pub(crate) missed: Missed,
    pub(crate) walk: Option<SourceDefinition>,
}

/// A `manual`.
#[derive(Clone, Debug)]
pub(crate) struct ManualDefinition {
    pub(crate) inputs: Vec<InputDefinition>,
}

/// A `webhook`.
#[derive(Clone, Debug)]
pub(crate) struct WebhookDefinition {
    /// The word `webhook`.
    pub(crate) span: Span,
    pub(crate) verify: Option<Verify>,
    pub(crate) id: Option<Node>,
    pub(crate) accepts: Accepts,
}

/// One value that a caller gives.
#[derive(Clone, Debug)]
pub(crate) struct InputDefinition {
    /// Still without its default.
    pub(crate) input: Input,
    pub(crate) default: Option<Node>,
}

/// A step.
#[derive(Clone, Debug)]
pub(crate) struct StepDefinition {
    /// The verb, as the place of what concerns the whole step.
    pub(crate) span: Span,
    pub(crate) name: Option<At<String>>,
    pub(crate) result: Option<At<String>>,
    pub(crate) when: Option<Node>,
    pub(crate) retry: Retry,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_error: OnError,
    pub(crate) verb: Verb,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum Verb {
    Create(WriteDefinition),
    Update {
        id: Option<Node>,
        write: WriteDefinition,
    },
    Upsert {
        key: Option<MatchDefinition>,
        id: Option<Node>,
        ambiguous: Ambiguous,
        write: WriteDefinition,
    },
    Delete {
        target: Option<At<Target>>,
        id: Option<Node>,
    },
    Find(FindDefinition),
    Let(Vec<Entry>),
    If {
        condition: Node,
        then: Vec<StepDefinition>,
        otherwise: Vec<StepDefinition>,
    },
    Route {
        rules: Vec<RuleDefinition>,
        default: Vec<StepDefinition>,
    },
    Each(EachDefinition),
    Wait(WaitDefinition),
    Do(DoDefinition),
    Run(RunDefinition),
    Skip(Node),
    Stop(Option<Node>),
    Fail(Node),
    /// It was reported; the names it makes are still known, so that nothing is said twice.
    Unread,
}

/// What a step reaches outside of its flow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reached<'a> {
    /// An object of a connection.
    Object(&'a At<Target>),
    /// An action of a connection.
    Action(&'a At<Target>),
    /// Another flow.
    Flow(&'a At<FlowId>),
}

/// One rule of a `route`.
#[derive(Clone, Debug)]
pub(crate) struct RuleDefinition {
    /// The author's name of it, else its number.
    pub(crate) name: At<String>,
    pub(crate) asks: RuleAsks,
    pub(crate) steps: Vec<StepDefinition>,
}

/// What a rule asks.
#[derive(Clone, Debug)]
pub(crate) enum RuleAsks {
    When(Node),
    Filter(Node),
    /// It was reported.
    Unread,
}

/// An `each`.
#[derive(Clone, Debug)]
pub(crate) struct EachDefinition {
    pub(crate) list: Node,
    pub(crate) item: String,
    pub(crate) key: Option<Node>,
    pub(crate) limit: usize,
    pub(crate) steps: Vec<StepDefinition>,
}

/// How long a `wait` waits.
#[derive(Clone, Debug)]
pub(crate) enum WaitDefinition {
    For(Duration),
    Until(Node),
    /// It was reported.
    Unread,
}

/// A `do`.
#[derive(Clone, Debug)]
pub(crate) struct DoDefinition {
    /// The connection, and the action in the place of an object.
    pub(crate) action: Option<At<Target>>,
    pub(crate) with: Vec<Entry>,
}

/// A `run`.
#[derive(Clone, Debug)]
pub(crate) struct RunDefinition {
    pub(crate) flow: Option<At<FlowId>>,
    pub(crate) with: Vec<Entry>,
}

/// What a write sets.
#[derive(Clone, Debug)]
pub(crate) struct WriteDefinition {
    pub(crate) target: Option<At<Target>>,
    pub(crate) set: Vec<Entry>,
    pub(crate) mapping: Option<MappingDefinition>,
}

/// A write's `mapping`.
#[derive(Clone, Debug)]
pub(crate) struct MappingDefinition {
    /// What is mapped, where it is not the record.
    pub(crate) source: Option<Node>,
    pub(crate) fields: Vec<MappedDefinition>,
}

/// One line of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct MappedDefinition {
    pub(crate) target: At<String>,
    pub(crate) from: MappedFrom,
    pub(crate) policy: Policy,
}

/// Where a mapped value comes from.
#[derive(Clone, Debug)]
pub(crate) enum MappedFrom {
    /// A field of what is mapped, perhaps made another type.
    Field { name: At<String>, as_type: Option<sdk::FieldType> },
    /// Computed, as in `set`.
    Value(Node),
    /// It was reported.
    Unread,
}

/// An upsert's `match`.
#[derive(Clone, Debug)]
pub(crate) enum MatchDefinition {
    Id(Span),
    Fields(Vec<At<String>>),
}

/// A look-up.
#[derive(Clone, Debug)]
pub(crate) struct FindDefinition {
    pub(crate) target: Option<At<Target>>,
    pub(crate) by: Option<FindBy>,
    pub(crate) fields: Option<At<Vec<At<String>>>>,
    pub(crate) many: Many,
    pub(crate) none: OnMissing,
    pub(crate) ambiguous: Ambiguous,
}

/// By what a look-up looks.
#[derive(Clone, Debug)]
pub(crate) enum FindBy {
    Id(Node),
    Filter(Node),
}

impl Verb {
    /// The lists of steps that it holds, in the author's order.
    pub(crate) fn inner(&self) -> Vec<&[StepDefinition]> {
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
            | Self::Fail(_)
            | Self::Unread => Vec::new(),
        }
    }

    /// What it reaches, where that could be read.
    pub(crate) fn reaches(&self) -> Option<Reached<'_>> {
        match self {
            Self::Create(write) | Self::Update { write, .. } | Self::Upsert { write, .. } => {
                write.target.as_ref().map(Reached::Object)
            }
            Self::Delete { target, .. } => target.as_ref().map(Reached::Object),
            Self::Find(find) => find.target.as_ref().map(Reached::Object),
            Self::Do(call) => call.action.as_ref().map(Reached::Action),
            Self::Run(call) => call.flow.as_ref().map(Reached::Flow),
            Self::Let(_)
            | Self::If { .. }
            | Self::Route { .. }
            | Self::Each(_)
            | Self::Wait(_)
            | Self::Skip(_)
            | Self::Stop(_)
            | Self::Fail(_)
            | Self::Unread => None,
        }
    }
}

impl TriggerDefinition {
    /// The records that make its runs, where records do.
    pub(crate) fn source(&self) -> Option<&SourceDefinition> {
        match self {
            Self::Poll(poll) => Some(&poll.source),
            Self::Schedule(schedule) => schedule.walk.as_ref(),
            Self::Manual(_) | Self::Webhook(_) => None,
        }
    }

    /// What its callers give, where it has callers.
    pub(crate) fn inputs(&self) -> Option<&[InputDefinition]> {
        match self {
            Self::Manual(manual) => Some(&manual.inputs),
            Self::Poll(_) | Self::Schedule(_) | Self::Webhook(_) => None,
        }
    }
}

impl EveryDefinition {
    /// Whether the author gave the poll room to look less often.
    pub(crate) fn is_adaptive(&self) -> bool {
        self.min.value != self.max
    }
}

impl WriteDefinition {
    /// The names of the fields that it writes, in order.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        let mapped = self.mapping.iter().flat_map(|mapping| &mapping.fields);
        self.set.iter().map(|entry| entry.key.text.as_str()).chain(mapped.map(|mapped| mapped.target.value.as_str()))
    }
}

impl FlowDefinition {
    /// One that does nothing yet, of a file and with an id.
    pub(crate) fn of(file: &SourceFile, id: At<FlowId>) -> Self {
        Self {
            file: file.clone(),
            source: Source::of_file(file),
            id,
            was: None,
            description: None,
            enabled: true,
            timezone: None,
            connections: Vec::new(),
            trigger: None,
            when: None,
            keys: Vec::new(),
            steps: Vec::new(),
            on_failure: Vec::new(),
            limits: Limits::default(),
            brakes: None,
            expect: None,
            inputs: Vec::new(),
            template: None,
            sound: false,
        }
    }

    /// Its id.
    pub fn id(&self) -> &FlowId {
        &self.id.value
    }

    /// Where its id stands in its file.
    pub fn id_span(&self) -> Span {
        self.label(self.id.span).1
    }

    /// The file in which a place of it is, and where in that: its own, or its template's.
    pub fn label(&self, span: Span) -> (Arc<str>, Span) {
        self.source.label(span)
    }

    /// Whether it is to run at all.
    pub fn is_enabled(&self) -> bool {
        self.enabled && !self.is_template()
    }

    /// Whether it is a template, of which flows are made.
    pub fn is_template(&self) -> bool {
        self.template.is_some()
    }

    /// Whether it and another are versions of one template.
    pub(crate) fn is_another_version_of(&self, other: &Self) -> bool {
        self.template.zip(other.template).is_some_and(|(own, other)| own != other)
    }

    /// Whether others are read from the same text: a template's instances and itself.
    pub(crate) fn shares_its_text(&self) -> bool {
        self.is_template() || self.source.begin_of_instance() > 0
    }

    /// Whether its mistakes may stand in this file: its own, or its template's.
    pub fn is_of_file(&self, path: &str) -> bool {
        *self.file.path == *path || *self.source.text.path == *path
    }

    /// Whether its runs begin only when somebody asks for one.
    pub fn waits_to_be_asked(&self) -> bool {
        matches!(self.trigger, Some(TriggerDefinition::Manual(_)))
    }

    /// The file it stands in.
    pub fn file(&self) -> &SourceFile {
        &self.file
    }

    /// All text that it is made of: its file's, behind its template's where it has one.
    pub fn text(&self) -> &str {
        &self.source.text.text
    }

    /// Every object that it names, by connection: what must be discovered before it is checked.
    pub fn uses(&self) -> BTreeSet<(ConnectionName, String)> {
        self.targets()
            .into_iter()
            .map(|target| (target.value.connection.clone(), target.value.object.clone()))
            .collect()
    }

    /// Whether a step runs an action of this connection, which names no object.
    pub fn acts_at(&self, connection: &ConnectionName) -> bool {
        self.reached().any(|reached| match reached {
            Reached::Action(action) => action.value.connection == *connection,
            Reached::Object(_) | Reached::Flow(_) => false,
        })
    }

    /// The connections that it lists, with the connector that each must be of.
    pub fn connections(&self) -> Vec<(ConnectionName, String)> {
        self.connections
            .iter()
            .map(|declared| (declared.name.value.clone(), declared.connector.value.clone()))
            .collect()
    }

    /// Every object that it names, in order.
    pub(crate) fn targets(&self) -> Vec<&At<Target>> {
        let source = self.trigger.as_ref().and_then(TriggerDefinition::source);
        let objects = self.reached().filter_map(|reached| match reached {
            Reached::Object(target) => Some(target),
            Reached::Action(_) | Reached::Flow(_) => None,
        });
        source.and_then(|source| source.target.as_ref()).into_iter().chain(objects).collect()
    }

    /// Every flow that it calls, in order.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &At<FlowId>> {
        self.reached().filter_map(|reached| match reached {
            Reached::Flow(flow) => Some(flow),
            Reached::Object(_) | Reached::Action(_) => None,
        })
    }

    /// The ids of the flows that it calls, in order.
    pub fn called(&self) -> impl Iterator<Item = &FlowId> {
        self.calls().map(|call| &call.value)
    }

    /// What its steps reach, in order.
    fn reached(&self) -> impl Iterator<Item = Reached<'_>> {
        let mut reached = Vec::new();
        gather(&self.steps, &mut reached);
        gather(&self.on_failure, &mut reached);
        reached.into_iter()
    }
}

fn gather<'a>(steps: &'a [StepDefinition], into: &mut Vec<Reached<'a>>) {
    for step in steps {
        into.extend(step.verb.reaches());
        step.verb.inner().into_iter().for_each(|steps| gather(steps, into));
    }
}
