//! What the author wrote: one flow document, its shape understood and its names not yet looked up.

use std::collections::BTreeSet;
use std::time::Duration;

use sdk::{Ambiguous, ConnectionName, FlowId};
use text::{Entry, Node, SourceFile, Span};

use crate::model::{Limits, Many, On, OnError, OnMissing, Policy, Retry, Start, Target};

/// A flow as its author wrote it, with the place of everything in it.
#[derive(Clone, Debug)]
pub struct FlowDefinition {
    pub(crate) file: SourceFile,
    pub(crate) id: At<FlowId>,
    pub(crate) was: Option<At<FlowId>>,
    pub(crate) description: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) timezone: Option<jiff::tz::TimeZone>,
    pub(crate) connections: Vec<DeclaredConnection>,
    pub(crate) trigger: Option<PollDefinition>,
    pub(crate) when: Option<Node>,
    pub(crate) keys: Vec<Entry>,
    pub(crate) steps: Vec<StepDefinition>,
    pub(crate) limits: Limits,
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

/// A line of a flow's `connections`.
#[derive(Clone, Debug)]
pub(crate) struct DeclaredConnection {
    pub(crate) name: At<ConnectionName>,
    pub(crate) connector: At<String>,
}

/// A `poll`.
#[derive(Clone, Debug)]
pub(crate) struct PollDefinition {
    /// The word `poll`.
    pub(crate) span: Span,
    pub(crate) target: Option<At<Target>>,
    pub(crate) on: On,
    pub(crate) every: Option<At<Duration>>,
    pub(crate) start: Start,
    pub(crate) filter: Option<Node>,
    pub(crate) condition: Option<Node>,
    pub(crate) fields: Option<At<Vec<At<String>>>>,
    pub(crate) by: Option<At<String>>,
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
    Skip(Node),
    Stop(Option<Node>),
    Fail(Node),
    /// It was reported; the names it makes are still known, so that nothing is said twice.
    Unread,
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
            | Self::Skip(_)
            | Self::Stop(_)
            | Self::Fail(_)
            | Self::Unread => Vec::new(),
        }
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
    /// Its id.
    pub fn id(&self) -> &FlowId {
        &self.id.value
    }

    /// Whether it is to run at all.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The file it stands in.
    pub fn file(&self) -> &SourceFile {
        &self.file
    }

    /// Every object that it names, by connection: what must be discovered before it is checked.
    pub fn uses(&self) -> BTreeSet<(ConnectionName, String)> {
        self.targets()
            .into_iter()
            .map(|target| (target.value.connection.clone(), target.value.object.clone()))
            .collect()
    }

    /// The connections that it lists, with the connector that each must be of.
    pub fn connections(&self) -> Vec<(ConnectionName, String)> {
        self.connections
            .iter()
            .map(|declared| (declared.name.value.clone(), declared.connector.value.clone()))
            .collect()
    }

    /// Every target that it names, in order.
    pub(crate) fn targets(&self) -> Vec<&At<Target>> {
        let mut targets: Vec<_> = self.trigger.iter().filter_map(|poll| poll.target.as_ref()).collect();
        gather_targets(&self.steps, &mut targets);
        targets
    }
}

fn gather_targets<'a>(steps: &'a [StepDefinition], targets: &mut Vec<&'a At<Target>>) {
    for step in steps {
        match &step.verb {
            Verb::Create(write) | Verb::Update { write, .. } | Verb::Upsert { write, .. } => {
                targets.extend(&write.target);
            }
            Verb::Delete { target, .. } => targets.extend(target),
            Verb::Find(find) => targets.extend(&find.target),
            Verb::Let(_)
            | Verb::If { .. }
            | Verb::Route { .. }
            | Verb::Each(_)
            | Verb::Wait(_)
            | Verb::Skip(_)
            | Verb::Stop(_)
            | Verb::Fail(_)
            | Verb::Unread => {}
        }
        step.verb.inner().into_iter().for_each(|steps| gather_targets(steps, targets));
    }
}
