//! What one run asks of its services: step by step, over the ways that it may take.
//!
//! Where runs were measured, each step counts as often as it was taken; else a branch counts from the cheaper to the
//! dearer of its ways. A run is taken to succeed at once: what is tried again and what follows a failure is not in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use flow::expr::{FilterTemplate, TestTemplate};
use flow::{FindStep, Flow, Many, OnMissing, Policy, Step, StepKind, Target, Template, UpsertKey, WriteStep};
use sdk::{
    ActionCall, Ambiguous, Ask, Connection, ConnectionName, EffectId, Fields, Filter, Find, FlowId, Match, RecordId,
    Test, Value, Verb, Write,
};
use store::Measured;

use super::amount::{Asked, Range};

/// Records asked for where one is wanted, as the interpreter does.
const CANDIDATES: usize = 10;
/// Flows call each other no deeper than this; a circle was told by then.
const DEEPEST: usize = 16;

/// Connections and flows by which steps are counted.
pub struct Counter<'a> {
    /// What knows the costs.
    pub connections: &'a BTreeMap<ConnectionName, Arc<dyn Connection>>,
    /// The flows that may be called.
    pub flows: &'a [Arc<Flow>],
}

impl Counter<'_> {
    /// What one run of a flow asks.
    pub fn run(&self, flow: &Flow, measured: Option<&Measured>) -> Asked {
        match measured.filter(|measured| measured.sampled > 0) {
            Some(measured) => self.as_measured(&flow.steps, measured),
            None => self.all_of(flow, 0),
        }
    }

    /// All steps of a flow; none of them, perhaps, where it has a `when`.
    fn all_of(&self, flow: &Flow, depth: usize) -> Asked {
        let is_sure = flow.when.is_none();
        self.steps(&flow.steps, depth).times(if is_sure { 1.0 } else { 0.0 }, 1.0)
    }

    /// Every step as often as it was taken.
    #[expect(clippy::cast_precision_loss, reason = "so many runs are not sampled")]
    fn as_measured(&self, steps: &[Step], measured: &Measured) -> Asked {
        let mut asked = Asked::default();
        for step in steps {
            for inner in step.kind.inner() {
                asked.add(&self.as_measured(inner, measured));
            }
            let name = step.name.as_str();
            let taken = measured.steps.get(name).copied().unwrap_or_default();
            let part = |n: u64, of: u64| if of == 0 { 0.0 } else { n as f64 / of as f64 };
            let times = part(taken.times, measured.sampled);
            // Of a write it was told whether it made its record: then it took all its requests.
            let own = match taken.told > 0 {
                true => self.own(step, 0).between(part(taken.created, taken.told)),
                false => self.own(step, 0),
            };
            asked.add(&own.times(times, times));
            let looked = measured.steps.get(&format!("{name} before")).copied().unwrap_or_default();
            let times = part(looked.times, measured.sampled);
            asked.add(&self.before(step).times(times, times));
        }
        asked
    }

    /// All of these, one after the other.
    fn steps(&self, steps: &[Step], depth: usize) -> Asked {
        let mut asked = Asked::default();
        let mut may_have_ended = false;
        for step in steps {
            let mut one = self.own(step, depth);
            one.add(&self.before(step));
            one.add(&self.inner(&step.kind, depth));
            let is_sure = step.when.is_none() && !may_have_ended;
            asked.add(&one.times(if is_sure { 1.0 } else { 0.0 }, 1.0));
            may_have_ended |= may_end(step);
        }
        asked
    }

    /// What a step's inner steps ask.
    fn inner(&self, kind: &StepKind, depth: usize) -> Asked {
        let either = |ways: Vec<&[Step]>| {
            let mut ways = ways.into_iter().map(|steps| self.steps(steps, depth));
            let first = ways.next().unwrap_or_default();
            ways.fold(first, |all, way| all.or(&way))
        };
        match kind {
            StepKind::If { .. } | StepKind::Route { .. } => either(kind.inner()),
            StepKind::Each(each) => {
                let items = self.steps(&each.steps, depth);
                match n_items(&each.list) {
                    Some(n) => items.times(n, n),
                    // How long the list is only the record says; a note tells what an item costs.
                    None => items.times(0.0, 1.0),
                }
            }
            StepKind::Create(_)
            | StepKind::Update { .. }
            | StepKind::Upsert { .. }
            | StepKind::Delete { .. }
            | StepKind::Find(_)
            | StepKind::Let(_)
            | StepKind::Wait(_)
            | StepKind::Do(_)
            | StepKind::Run(_)
            | StepKind::Skip(_)
            | StepKind::Stop(_)
            | StepKind::Fail(_) => Asked::default(),
        }
    }

    /// What a step asks itself.
    fn own(&self, step: &Step, depth: usize) -> Asked {
        match &step.kind {
            StepKind::Create(write) => self.write(&write.target, Verb::Create, write),
            StepKind::Update { write, .. } => self.write(&write.target, Verb::Update { id: some_id() }, write),
            StepKind::Upsert { key, ambiguous, write } => self.write(&write.target, upsert(key, *ambiguous), write),
            StepKind::Delete { target, .. } => self.written(target, Verb::Delete { id: some_id() }, Fields::new()),
            StepKind::Find(find) => self.found(&find.target, filter(&find.filter), wanted(find)),
            StepKind::Do(call) => {
                let action =
                    ActionCall { effect_id: EffectId::from(""), action: call.action.clone(), with: Fields::new() };
                self.ask(&call.connection, &Ask::Act(&action))
            }
            StepKind::Run(call) => self.called(&call.flow, depth),
            StepKind::Let(_)
            | StepKind::If { .. }
            | StepKind::Route { .. }
            | StepKind::Each(_)
            | StepKind::Wait(_)
            | StepKind::Skip(_)
            | StepKind::Stop(_)
            | StepKind::Fail(_) => Asked::default(),
        }
    }

    /// What a write looks up before it writes, for the fields that it only fills.
    fn before(&self, step: &Step) -> Asked {
        let (write, key) = match &step.kind {
            StepKind::Update { write, .. } => (write, Vec::new()),
            StepKind::Upsert { key: UpsertKey::Id(_), write, .. } => (write, Vec::new()),
            StepKind::Upsert { key: UpsertKey::Fields(fields), write, .. } => (write, fields.clone()),
            StepKind::Create(_)
            | StepKind::Delete { .. }
            | StepKind::Find(_)
            | StepKind::Let(_)
            | StepKind::If { .. }
            | StepKind::Route { .. }
            | StepKind::Each(_)
            | StepKind::Wait(_)
            | StepKind::Do(_)
            | StepKind::Run(_)
            | StepKind::Skip(_)
            | StepKind::Stop(_)
            | StepKind::Fail(_) => return Asked::default(),
        };
        let fills = write.policies.iter().any(|(field, policy)| *policy == Policy::FillIfEmpty && !key.contains(field));
        if !fills {
            return Asked::default();
        }
        let equals = |field: &str| Filter::Field { field: field.to_owned(), test: Test::Eq(some_value()) };
        let filter = match key.is_empty() {
            true => equals("id"),
            false => Filter::All(key.iter().map(|field| equals(field)).collect()),
        };
        self.found(&write.target, filter, CANDIDATES)
    }

    fn write(&self, target: &Target, verb: Verb, write: &WriteStep) -> Asked {
        let fields = write.set.iter().map(|(name, _)| (name.clone(), some_value())).collect();
        self.written(target, verb, fields)
    }

    fn written(&self, target: &Target, verb: Verb, fields: Fields) -> Asked {
        let write = Write { effect_id: EffectId::from(""), object: target.object.clone(), verb, fields };
        self.ask(&target.connection, &Ask::Write(&write))
    }

    fn found(&self, target: &Target, filter: Filter, limit: usize) -> Asked {
        // As the engine asks: an id has a way of its own.
        if matches!(&filter, Filter::Field { field, test: Test::Eq(_) } if field == "id") {
            return self.ask(&target.connection, &Ask::Get(&target.object));
        }
        let find = Find { object: target.object.clone(), filter, fields: Vec::new(), limit };
        self.ask(&target.connection, &Ask::Find(&find))
    }

    fn called(&self, flow: &FlowId, depth: usize) -> Asked {
        match self.flows.iter().find(|other| other.id == *flow) {
            Some(called) if depth < DEEPEST => self.all_of(called, depth + 1),
            Some(_) | None => Asked::default(),
        }
    }

    fn ask(&self, connection: &ConnectionName, ask: &Ask<'_>) -> Asked {
        match self.connections.get(connection) {
            Some(open) => Asked::of(connection, Range::from(open.expected(ask))),
            None => Asked::default(),
        }
    }
}

/// Whether a run may end at this step without having failed.
fn may_end(step: &Step) -> bool {
    match &step.kind {
        StepKind::Skip(_) | StepKind::Stop(_) | StepKind::Fail(_) => true,
        StepKind::Find(find) => match (find.none, find.ambiguous) {
            (OnMissing::Skip | OnMissing::Fail, _) | (OnMissing::Continue, Ambiguous::Skip) => true,
            (OnMissing::Continue, Ambiguous::Fail | Ambiguous::First | Ambiguous::Oldest) => false,
        },
        StepKind::Upsert { ambiguous, .. } => *ambiguous == Ambiguous::Skip,
        StepKind::Create(_)
        | StepKind::Update { .. }
        | StepKind::Delete { .. }
        | StepKind::Let(_)
        | StepKind::If { .. }
        | StepKind::Route { .. }
        | StepKind::Each(_)
        | StepKind::Wait(_)
        | StepKind::Do(_)
        | StepKind::Run(_) => step.kind.inner().into_iter().flatten().any(may_end),
    }
}

/// How long a list is that the author wrote out.
#[expect(clippy::cast_precision_loss, reason = "nobody writes so long a list")]
fn n_items(list: &Template) -> Option<f64> {
    match list {
        Template::List(items) => Some(items.len() as f64),
        Template::Literal(Value::List(items)) => Some(items.len() as f64),
        Template::Literal(_) | Template::Expression(_) | Template::Text(_) | Template::Map(_) => None,
    }
}

/// The loops of a flow whose length only a record says, by the names of their steps.
pub fn open_loops(steps: &[Step]) -> Vec<(&Step, usize)> {
    let mut found = Vec::new();
    for step in steps {
        if let StepKind::Each(each) = &step.kind
            && n_items(&each.list).is_none()
        {
            found.push((step, each.limit));
        }
        found.extend(step.kind.inner().into_iter().flat_map(open_loops));
    }
    found
}

fn wanted(find: &FindStep) -> usize {
    match find.many {
        Many::One => CANDIDATES,
        Many::List(limit) => limit + 1,
    }
}

fn upsert(key: &UpsertKey, ambiguous: Ambiguous) -> Verb {
    let by = match key {
        UpsertKey::Id(_) => Match::Id(Some(some_id())),
        UpsertKey::Fields(fields) => Match::Fields(fields.clone()),
    };
    Verb::Upsert { by, ambiguous }
}

/// The filter with some value wherever one is computed: by which fields it looks is what counts.
fn filter(template: &FilterTemplate) -> Filter {
    match template {
        FilterTemplate::All(filters) => Filter::All(filters.iter().map(filter).collect()),
        FilterTemplate::Any(filters) => Filter::Any(filters.iter().map(filter).collect()),
        FilterTemplate::Field { field, test } => Filter::Field { field: field.clone(), test: some_test(test) },
    }
}

fn some_test(test: &TestTemplate) -> Test {
    match test {
        TestTemplate::Eq(_) => Test::Eq(some_value()),
        TestTemplate::Not(_) => Test::Not(some_value()),
        TestTemplate::Gt(_) => Test::Gt(some_value()),
        TestTemplate::Gte(_) => Test::Gte(some_value()),
        TestTemplate::Lt(_) => Test::Lt(some_value()),
        TestTemplate::Lte(_) => Test::Lte(some_value()),
        TestTemplate::Between(_, _) => Test::Between(some_value(), some_value()),
        TestTemplate::In(_) => Test::In(vec![some_value()]),
        TestTemplate::Contains(_) => Test::Contains(some_value()),
        TestTemplate::Exists(wanted) => Test::Exists(*wanted),
    }
}

/// Good as an id, too.
fn some_value() -> Value {
    Value::from("1")
}

fn some_id() -> RecordId {
    RecordId::new("1")
}
