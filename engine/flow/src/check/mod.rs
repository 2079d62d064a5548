//! From definitions to flows: every name looked up, every expression compiled, everything knowable known.
//!
//! Each check reports and goes on; a definition with a mistake makes no flow, and hides no other.

mod call;
mod circle;
mod comparison;
mod connection;
mod control;
mod cycle;
mod enrol;
mod expression;
mod field;
mod filter;
mod foreign;
mod kinds;
mod known;
mod literal;
mod mapping;
mod names;
mod step;
mod sync;
mod test;
mod trigger;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use sdk::{Catalog, FlowId, ObjectSchema};
use text::{Diagnostic, Diagnostics, Node, Span, TextMap};

use self::field::ReadFields;
use self::names::Names;
use crate::codes;
use crate::definition::FlowDefinition;
use crate::expr::Template;
use crate::model::{Flow, NotRun, Sync};

pub(crate) use enrol::{ACTION as ENROL_ACTION, CONNECTION as SYNC_CONNECTION};
pub use sync::{CheckedSyncs, check_syncs};
pub use test::check_tests;

/// What holds for every flow that does not say otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectDefaults {
    /// The zone of flows' calendars.
    pub timezone: jiff::tz::TimeZone,
}

/// What came of checking.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Flows without a mistake, ready to run.
    pub flows: Vec<Arc<Flow>>,
    /// Syncs without a mistake, where they were checked as well.
    pub syncs: Vec<Arc<Sync>>,
    /// Templates that were checked, which make no flows.
    pub n_templates: usize,
    /// All mistakes and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

impl Default for ProjectDefaults {
    fn default() -> Self {
        Self { timezone: jiff::tz::TimeZone::UTC }
    }
}

/// Checks definitions against what is known of their connections.
pub fn check(definitions: &[FlowDefinition], catalog: &Catalog, defaults: &ProjectDefaults) -> Checked {
    check_each(definitions, |definition, ids| check_one(definition, ids, catalog, defaults))
}

/// Checks definitions, each of them by `one`, and what they are to each other.
pub(crate) fn check_each<'a>(
    definitions: &'a [FlowDefinition],
    mut one: impl FnMut(&'a FlowDefinition, &DefinedIds<'a>) -> CheckedOne,
) -> Checked {
    let n_templates = definitions.iter().filter(|definition| definition.is_template()).count();
    let mut checked = Checked { n_templates, ..Checked::default() };
    let ids = DefinedIds::of(definitions);
    let in_circle = cycle::report(definitions, &ids, &mut checked.diagnostics);
    for definition in definitions {
        let CheckedOne { flow, diagnostics } = one(definition, &ids);
        // What is wrong with a template is told once, and not again for every instance.
        let is_shared = definition.shares_its_text();
        for diagnostic in diagnostics {
            if !is_shared || !checked.diagnostics.contains(&diagnostic) {
                checked.diagnostics.push(diagnostic);
            }
        }
        if !in_circle.contains(definition.id()) && ids.is_unique(definition.id()) {
            checked.flows.extend(flow);
        }
    }
    checked
}

/// What came of checking one definition.
#[derive(Clone, Debug)]
pub(crate) struct CheckedOne {
    /// The flow, where the definition has no mistake.
    pub(crate) flow: Option<Arc<Flow>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Checks one definition.
pub(crate) fn check_one(
    definition: &FlowDefinition,
    ids: &DefinedIds<'_>,
    catalog: &Catalog,
    defaults: &ProjectDefaults,
) -> CheckedOne {
    let mut checker = Checker::new(definition, ids, catalog);
    checker.check_ids();
    let flow = checker.flow(defaults);
    let is_whole = definition.sound && !checker.lacks_steps && !definition.is_template();
    let is_good = is_whole && !checker.diagnostics.has_errors();
    let diagnostics = checker.diagnostics.into_vec().into_iter().map(|one| definition.source.told(one)).collect();
    CheckedOne { flow: flow.filter(|_| is_good).map(Arc::new), diagnostics }
}

/// Which ids are defined where.
pub(crate) struct DefinedIds<'a>(BTreeMap<&'a FlowId, Vec<&'a FlowDefinition>>);

impl<'a> DefinedIds<'a> {
    fn of(definitions: &'a [FlowDefinition]) -> Self {
        let mut ids: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for definition in definitions {
            ids.entry(definition.id()).or_default().push(definition);
        }
        Self(ids)
    }

    /// The flow of that id; the first where there are several, which has been reported.
    fn get(&self, id: &FlowId) -> Option<&'a FlowDefinition> {
        self.0.get(id)?.first().copied()
    }

    /// Whether only one definition has that id.
    pub(crate) fn is_unique(&self, id: &FlowId) -> bool {
        self.0.get(id).is_none_or(|definitions| definitions.len() == 1)
    }
}

/// Checks one definition.
struct Checker<'a> {
    definition: &'a FlowDefinition,
    /// All flows of the project.
    ids: &'a DefinedIds<'a>,
    catalog: &'a Catalog,
    diagnostics: Diagnostics,
    /// What names mean at the place that is being checked.
    names: Names<'a>,
    /// All names that the flow's steps make, and those of `on_failure`; gathered when somebody asks.
    made: BTreeMap<bool, BTreeSet<&'a str>>,
    /// The names of the steps so far.
    step_names: BTreeMap<String, Span>,
    /// The steps so far that may fail while the run goes on: what `errors` has.
    continued: Vec<String>,
    /// How many steps without a name of their own were numbered, by what they do.
    n_numbered: BTreeMap<String, usize>,
    /// Where the text that is being checked stands in the file.
    text_map: Option<(Span, TextMap)>,
    /// Whether the steps of `on_failure` are being checked.
    on_failure: bool,
    /// The object whose records make the runs, where it is known.
    polled: Option<&'a ObjectSchema>,
    /// What expressions read of `record`.
    record: ReadFields,
    /// The fields of the expression or map that is looked at.
    beside: BTreeSet<String>,
    /// What expressions read of each look-up's result, in the order of the look-ups.
    found: Vec<ReadFields>,
    /// What is known of the objects that look-ups look in, in the same order.
    found_schemas: Vec<Option<&'a ObjectSchema>>,
    /// Whether a step is missing, so that the flow would do less than it says.
    lacks_steps: bool,
    /// What the flow says that this version does not run.
    not_run: Vec<NotRun>,
    /// Connections that were reported, so that each is reported once.
    reported_connections: BTreeSet<sdk::ConnectionName>,
    /// Connections that are of another connector than the flow wants.
    mistaken_connections: BTreeSet<sdk::ConnectionName>,
}

impl<'a> Checker<'a> {
    fn new(definition: &'a FlowDefinition, ids: &'a DefinedIds<'a>, catalog: &'a Catalog) -> Self {
        Self {
            definition,
            ids,
            catalog,
            diagnostics: Diagnostics::new(&definition.source.text),
            names: Names::default(),
            made: BTreeMap::new(),
            step_names: BTreeMap::new(),
            continued: Vec::new(),
            n_numbered: BTreeMap::new(),
            text_map: None,
            on_failure: false,
            polled: None,
            record: ReadFields::default(),
            beside: BTreeSet::new(),
            found: Vec::new(),
            found_schemas: Vec::new(),
            lacks_steps: false,
            not_run: Vec::new(),
            reported_connections: BTreeSet::new(),
            mistaken_connections: BTreeSet::new(),
        }
    }

    /// Two flows of one id share a cursor and a history; `was` of a flow that still exists would take its away.
    fn check_ids(&mut self) {
        let (id, ids) = (&self.definition.id, self.ids);
        // Told once, at the second and every later one; none of them makes a flow.
        let defined = ids.0.get(&id.value).map(Vec::as_slice).unwrap_or_default();
        let own = self.definition;
        let is_other = |first: &&&FlowDefinition| !std::ptr::eq(**first, own) && !own.is_another_version_of(first);
        if let Some(other) = defined.first().filter(is_other) {
            let message = format!("the flow `{}` is defined in `{}` as well", id.value, other.file.path);
            let diagnostic = Diagnostic::error(codes::DUPLICATE_FLOW, message);
            let diagnostic = self.diagnostics.at(diagnostic, id.span, "defined here");
            let (path, span) = other.source.label(other.id.span);
            self.diagnostics.push(diagnostic.at(&path, span, "and here").help("give one of them another id"));
        }
        if let Some(was) = &self.definition.was
            && was.value != id.value
            && ids.0.contains_key(&was.value)
        {
            let message = format!("`was` names the flow `{}`, which still exists", was.value);
            let diagnostic = Diagnostic::error(codes::WRONG_VALUE, message)
                .help("`was` is the id that this flow had before it was renamed");
            self.report(diagnostic, was.span, "");
        }
    }

    fn flow(&mut self, defaults: &ProjectDefaults) -> Option<Flow> {
        let definition = self.definition;
        self.check_connections();
        let inputs = self.filled_inputs();
        self.add_inputs();
        let trigger = definition.trigger.as_ref().and_then(|trigger| self.trigger(trigger));
        let when = definition.when.as_ref().map(|node| self.question(node, names::Sees::Run));
        let keys: Vec<_> =
            definition.keys.iter().map(|entry| Some((entry.key.text.clone(), self.value(&entry.value)?))).collect();
        let mut steps = self.steps(&definition.steps);
        let mut on_failure = self.failure_steps(&definition.on_failure);
        self.check_circles();
        if let Some(brakes) = &definition.brakes {
            self.note_not_run("brakes", brakes.span);
        }
        if let Some(expect) = &definition.expect {
            self.note_not_run("expect", expect.span);
        }
        // Which fields are read is known once every expression was seen.
        self.fill_found_fields(&mut steps, &mut on_failure);
        let fields = definition.trigger.as_ref().and_then(|trigger| self.source_fields(trigger));
        Some(Flow {
            id: definition.id.value.clone(),
            was: definition.was.as_ref().map(|was| was.value.clone()),
            description: definition.description.clone(),
            file: PathBuf::from(definition.file.path.as_ref()),
            enabled: definition.enabled,
            timezone: definition.timezone.clone().unwrap_or_else(|| defaults.timezone.clone()),
            trigger: trigger::with_fields(trigger?, fields?),
            when: match when {
                Some(when) => Some(when?),
                None => None,
            },
            keys: keys.into_iter().collect::<Option<_>>()?,
            steps,
            on_failure,
            inputs,
            limits: definition.limits,
            brakes: definition.brakes.as_ref().map(|brakes| brakes.value).unwrap_or_default(),
            expect: definition.expect.as_ref().map(|expect| expect.value).unwrap_or_default(),
            not_run: std::mem::take(&mut self.not_run),
        })
    }

    /// What was filled in for a template's inputs.
    fn filled_inputs(&mut self) -> sdk::Fields {
        let mut fields = sdk::Fields::new();
        for input in &self.definition.inputs {
            // It is plain: what is not was reported where it was filled in.
            let value = match input.value.as_ref().map(|node| self.value(node)) {
                Some(Some(Template::Literal(value))) => value,
                Some(_) | None => sdk::Value::Null,
            };
            fields.insert(input.name.clone(), value);
        }
        fields
    }

    /// Notes a word that is checked, and that this version does not run.
    fn note_not_run(&mut self, word: &str, span: Span) {
        let place = self.place_of(span);
        if !self.not_run.iter().any(|known| known.word == word) {
            self.not_run.push(NotRun { word: word.to_owned(), place });
        }
    }

    fn report(&mut self, diagnostic: Diagnostic, span: Span, label: impl Into<String>) {
        let diagnostic = self.diagnostics.at(diagnostic, span, label);
        self.diagnostics.push(diagnostic);
    }

    /// Where a part of a text value stands in the file. A long text with many expressions is measured once.
    fn span_in(&mut self, node: &Node, start: usize, end: usize) -> Span {
        match &self.text_map {
            Some((span, map)) if *span == node.span => map.span(start, end),
            Some(_) | None => {
                let map = node.text_map(&self.definition.source.text);
                let found = map.span(start, end);
                self.text_map = Some((node.span, map));
                found
            }
        }
    }
}
