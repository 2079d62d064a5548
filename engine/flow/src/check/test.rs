//! Tests of flows: the flow, its steps and their fields exist, values are of their fields' types, and what is expected
//! can come about at all.

use std::collections::BTreeMap;

use sdk::{Catalog, Field, ObjectSchema};
use text::{Diagnostic, Entry, Kind, Span, did_you_mean, did_you_mean_name, shown};

use super::call::field_of;
use super::connection::listed;
use super::{Checker, DefinedIds};
use crate::codes;
use crate::definition::{
    About, AboutKind, At, CaseDefinition, ExpectDefinition, ExpectedSet, ExpectedStep, FlowDefinition, Reached,
    StepDefinition, StepReference, TestDefinition, TriggerDefinition, Verb, WriteDefinition,
};
use crate::expr::Template;
use crate::model::{Policy, Target};

/// Checks tests against the flows that they name, and what is known of their connections.
pub fn check_tests(tests: &[TestDefinition], flows: &[FlowDefinition], catalog: &Catalog) -> Vec<Diagnostic> {
    tests.iter().flat_map(|test| check_one(test, flows, catalog)).collect()
}

fn check_one(test: &TestDefinition, flows: &[FlowDefinition], catalog: &Catalog) -> Vec<Diagnostic> {
    let Some(flow) = flows.iter().find(|flow| *flow.id() == test.flow.value) else {
        return vec![unknown_flow(test, flows)];
    };
    // Its own places are those of the test's file, and its names those of no flow.
    let asks = FlowDefinition::of(&test.file, test.flow.clone());
    let ids = DefinedIds(BTreeMap::new());
    let mut checker = Checker::new(&asks, &ids, catalog);
    let steps = steps_of(flow);
    test.cases.iter().for_each(|case| checker.case(case, flow, &steps));
    checker.diagnostics.into_vec()
}

fn unknown_flow(test: &TestDefinition, flows: &[FlowDefinition]) -> Diagnostic {
    let id = test.flow.value.as_str();
    let known = || flows.iter().map(|flow| flow.id().as_str());
    Diagnostic::error(codes::UNKNOWN_FLOW, format!("there is no flow `{}` to test", shown(id)))
        .at(&test.file.path, test.flow.span, "")
        .help(listed("there are", known()))
        .did_you_mean(test.flow.span, did_you_mean_name(id, known()))
}

/// A step of the flow that a test may name.
struct TestedStep<'a> {
    verb: &'static str,
    object: String,
    names: Vec<&'a str>,
    step: &'a StepDefinition,
}

impl<'a> TestedStep<'a> {
    fn write(&self) -> Option<&'a WriteDefinition> {
        match &self.step.verb {
            Verb::Create(write) | Verb::Update { write, .. } | Verb::Upsert { write, .. } => Some(write),
            Verb::Delete { .. }
            | Verb::Find(_)
            | Verb::Let(_)
            | Verb::If { .. }
            | Verb::Route { .. }
            | Verb::Each(_)
            | Verb::Wait(_)
            | Verb::Do(_)
            | Verb::Run(_)
            | Verb::Skip(_)
            | Verb::Stop(_)
            | Verb::Fail(_)
            | Verb::Unread => None,
        }
    }
}

/// Every step that asks something of a service or calls a flow, however deep it stands.
fn steps_of(flow: &FlowDefinition) -> Vec<TestedStep<'_>> {
    let mut found = Vec::new();
    gather(&flow.steps, &mut found);
    gather(&flow.on_failure, &mut found);
    found
}

fn gather<'a>(steps: &'a [StepDefinition], into: &mut Vec<TestedStep<'a>>) {
    for step in steps {
        let verb = match &step.verb {
            Verb::Create(_) => Some("create"),
            Verb::Update { .. } => Some("update"),
            Verb::Upsert { .. } => Some("upsert"),
            Verb::Delete { .. } => Some("delete"),
            Verb::Find(_) => Some("find"),
            Verb::Do(_) => Some("do"),
            Verb::Run(_) => Some("run"),
            Verb::Let(_)
            | Verb::If { .. }
            | Verb::Route { .. }
            | Verb::Each(_)
            | Verb::Wait(_)
            | Verb::Skip(_)
            | Verb::Stop(_)
            | Verb::Fail(_)
            | Verb::Unread => None,
        };
        if let Some(verb) = verb {
            let object = match step.verb.reaches() {
                Some(Reached::Object(target) | Reached::Action(target)) => target.value.to_string(),
                Some(Reached::Flow(flow)) => flow.value.to_string(),
                None => String::new(),
            };
            let names = [&step.name, &step.result].into_iter().flatten().map(|name| name.value.as_str()).collect();
            into.push(TestedStep { verb, object, names, step });
        }
        step.verb.inner().into_iter().for_each(|steps| gather(steps, into));
    }
}

impl<'a> Checker<'a> {
    fn case(&mut self, case: &'a CaseDefinition, flow: &'a FlowDefinition, steps: &[TestedStep<'a>]) {
        if let Some(about) = &case.about {
            self.about(about, flow);
        }
        for given in &case.given {
            let found = self.tested(&given.step, steps);
            if let (Some(gives), Some(found)) = (&given.gives, found.first()) {
                self.given_answer(gives, found);
            }
        }
        match &case.expect {
            ExpectDefinition::Steps(expected) => {
                expected.iter().for_each(|expected| self.expected(expected, steps));
            }
            ExpectDefinition::End | ExpectDefinition::Unread => {}
        }
    }

    /// What the run is about is what the flow's runs are about, with values of its fields' types.
    fn about(&mut self, about: &'a About, flow: &'a FlowDefinition) {
        let Some(trigger) = &flow.trigger else { return };
        let (wanted, help) = match trigger {
            TriggerDefinition::Manual(_) => (Some(AboutKind::Inputs), "its runs are asked for: write `inputs`"),
            TriggerDefinition::Webhook(_) => (Some(AboutKind::Body), "its runs are told of by a service: write `body`"),
            TriggerDefinition::Poll(_) => (Some(AboutKind::Record), "its runs are about a `record`"),
            TriggerDefinition::Schedule(schedule) if schedule.walk.is_some() => {
                (Some(AboutKind::Record), "its runs are about a `record`")
            }
            TriggerDefinition::Schedule(_) => (None, "its runs start by the clock, and are about nothing"),
        };
        if wanted != Some(about.kind) {
            let message = format!("the runs of `{}` are not about this", flow.id());
            self.report(Diagnostic::error(codes::MISPLACED_KEY, message).help(help), about.span, "");
            return;
        }
        match about.kind {
            AboutKind::Record => {
                let target = trigger.source().and_then(|source| source.target.as_ref());
                let (schema, name) = self.tested_object(target);
                self.values(&about.values, schema, &name);
            }
            AboutKind::Inputs => self.inputs_of_case(about, flow),
            AboutKind::Body => about.values.iter().for_each(|entry| drop(self.plain(entry))),
        }
    }

    fn inputs_of_case(&mut self, about: &'a About, flow: &FlowDefinition) {
        let inputs = flow.trigger.as_ref().and_then(TriggerDefinition::inputs).unwrap_or_default();
        for entry in &about.values {
            let Some(value) = self.plain(entry) else { continue };
            match inputs.iter().find(|known| known.input.name == entry.key.text) {
                Some(known) => drop(self.literal(value, &entry.value, &field_of(&known.input))),
                None => {
                    let known = || inputs.iter().map(|known| known.input.name.as_str());
                    let message = format!("`{}` takes no input `{}`", flow.id(), shown(&entry.key.text));
                    let diagnostic = Diagnostic::error(codes::UNKNOWN_INPUT, message)
                        .help(listed("it takes", known()))
                        .did_you_mean(entry.key.span, did_you_mean(&entry.key.text, known()));
                    self.report(diagnostic, entry.key.span, "");
                }
            }
        }
    }

    /// What a look-up gives are records of its object.
    fn given_answer(&mut self, gives: &'a text::Node, found: &TestedStep<'a>) {
        let Verb::Find(find) = &found.step.verb else { return };
        let (schema, name) = self.tested_object(find.target.as_ref());
        let records = match &gives.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![gives],
        };
        for record in records {
            match &record.kind {
                Kind::Map(map) => self.values(&map.entries, schema, &name),
                Kind::Null | Kind::Broken => {}
                Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) => {
                    let message = format!("a look-up gives records, and this is {}", record.describe());
                    let diagnostic = Diagnostic::error(codes::WRONG_TYPE, message)
                        .help("write a map such as `{id: \"1\", email: ann@x.com}`, or a list of them");
                    self.report(diagnostic, record.span, "");
                }
            }
        }
    }

    fn expected(&mut self, expected: &'a ExpectedStep, steps: &[TestedStep<'a>]) {
        let found = self.tested(&expected.step, steps);
        let targets: Vec<&At<Target>> =
            found.iter().filter_map(|step| step.write()).filter_map(|write| write.target.as_ref()).collect();
        if let Some(set) = &expected.set {
            let (schema, name) = self.tested_object(targets.first().copied());
            self.values(&set.fields, schema, &name);
            self.can_be_set(set, schema, &found);
        }
        expected.id.iter().for_each(|id| drop(self.value(id)));
        for entry in &expected.with {
            self.plain(entry);
        }
    }

    /// The steps that are meant; where there are none, what is said of them can never be so.
    fn tested<'s>(&mut self, reference: &StepReference, steps: &'s [TestedStep<'a>]) -> Vec<&'s TestedStep<'a>> {
        let (found, written, span): (Vec<_>, String, Span) = match reference {
            StepReference::Verb { verb, object } => {
                let is_it = |step: &&TestedStep<'_>| step.verb == verb.value && step.object == object.value;
                let written = format!("{}: {}", verb.value, object.value);
                (steps.iter().filter(is_it).collect(), written, verb.span.join(object.span))
            }
            StepReference::Name(name) => {
                let is_it = |step: &&TestedStep<'_>| step.names.contains(&name.value.as_str());
                (steps.iter().filter(is_it).collect(), name.value.clone(), name.span)
            }
            StepReference::Unread => return Vec::new(),
        };
        if found.is_empty() {
            let known: Vec<String> = match reference {
                StepReference::Verb { .. } | StepReference::Unread => {
                    steps.iter().map(|step| format!("{}: {}", step.verb, step.object)).collect()
                }
                StepReference::Name(_) => {
                    steps.iter().flat_map(|step| &step.names).map(|name| (*name).to_owned()).collect()
                }
            };
            let names = || known.iter().map(String::as_str);
            let diagnostic =
                Diagnostic::error(codes::NO_SUCH_STEP, format!("the flow has no step `{}`", shown(&written)))
                    .help(listed("its steps are", names()))
                    .did_you_mean(span, did_you_mean_name(&written, names()));
            self.report(diagnostic, span, "");
        }
        found
    }

    /// Fields that no such step sets are never written, and what a step sets always is not left out of all that it
    /// sets.
    fn can_be_set(&mut self, set: &ExpectedSet, schema: Option<&ObjectSchema>, steps: &[&TestedStep<'a>]) {
        let writes: Vec<&WriteDefinition> = steps.iter().filter_map(|step| step.write()).collect();
        // What a mistake has hidden of the flow is not known.
        if writes.is_empty() || writes.iter().any(|write| write.written().next().is_none()) {
            return;
        }
        let written = || writes.iter().flat_map(|write| write.written());
        for entry in &set.fields {
            let name = entry.key.text.as_str();
            let is_field = schema.is_none_or(|schema| schema.fields.contains_key(name));
            if is_field && !written().any(|written| written == name) {
                let diagnostic = Diagnostic::error(codes::NEVER_SO, format!("the step never sets `{}`", shown(name)))
                    .help(listed("it sets", written()))
                    .did_you_mean(entry.key.span, did_you_mean_name(name, written()));
                self.report(diagnostic, entry.key.span, "");
            }
        }
        let ([write], true) = (writes.as_slice(), set.is_exact) else { return };
        let is_said = |name: &&str| !set.fields.iter().any(|entry| entry.key.text == *name);
        let missing: Vec<&str> = write.written().filter(|name| !may_be_left_out(write, name)).filter(is_said).collect();
        if !missing.is_empty() {
            let message = format!("the step sets {} as well", listed("", missing.iter().copied()).trim());
            let diagnostic = Diagnostic::error(codes::NEVER_SO, message)
                .help("`set` is all that is written: add it, or write `set_includes`");
            self.report(diagnostic, set.span, "");
        }
    }

    /// Values of an object's fields.
    fn values(&mut self, entries: &'a [Entry], schema: Option<&'a ObjectSchema>, target: &str) {
        let around = self.stand_beside(entries.iter().map(|entry| entry.key.text.as_str()));
        for entry in entries {
            let Some(value) = self.plain(entry) else { continue };
            let name = entry.key.text.as_str();
            if name == "id" || name == "meta" {
                continue;
            }
            let field: Option<&Field> = schema.and_then(|schema| self.field(schema, target, name, entry.key.span));
            if let Some(field) = field {
                self.literal(value, &entry.value, field);
            }
        }
        self.beside = around;
    }

    /// A plain value; a test computes nothing, so that nobody has to ask what it means.
    fn plain(&mut self, entry: &Entry) -> Option<sdk::Value> {
        if let Some(span) = super::trigger::first_expression(&entry.value) {
            let diagnostic = Diagnostic::error(codes::NO_EXPRESSION, "a test's values must be plain, without `${ }`")
                .help("write what the expression gives");
            self.report(diagnostic, span, "");
            return None;
        }
        match self.value(&entry.value) {
            Some(Template::Literal(value)) => Some(value),
            Some(Template::Expression(_) | Template::Text(_) | Template::List(_) | Template::Map(_)) | None => None,
        }
    }

    fn tested_object(&self, target: Option<&At<Target>>) -> (Option<&'a ObjectSchema>, String) {
        let schema = target.and_then(|target| {
            self.catalog.objects.get(&(target.value.connection.clone(), target.value.object.clone()))
        });
        (schema, target.map(|target| target.value.to_string()).unwrap_or_default())
    }
}

/// Whether a write may leave a field out that it has.
fn may_be_left_out(write: &WriteDefinition, name: &str) -> bool {
    let mapped = write.mapping.iter().flat_map(|mapping| &mapping.fields);
    mapped.into_iter().any(|mapped| mapped.target.value == name && mapped.policy != Policy::Overwrite)
}
