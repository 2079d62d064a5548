//! Steps, in order: each sees what the earlier ones made.

use std::collections::BTreeSet;

use sdk::StepName;
use text::{Diagnostic, Span};

use super::Checker;
use super::field::ReadFields;
use super::names::{Name, Named, Names, Sees};
use super::write::Creates;
use crate::codes;
use crate::definition::{FindBy, FindDefinition, MatchDefinition, StepDefinition, Verb, WaitDefinition};
use crate::expr::{FilterTemplate, TestTemplate};
use crate::model::{FindStep, Many, OnError, OnMissing, Step, StepKind, Target, UpsertKey, Wait};

const HAS_CONDITION: &str = "its step has `when`";
const MAY_FAIL: &str = "its step may fail and go on";
const MAY_HAVE_SUCCEEDED: &str = "its step may not have failed";
const MAY_FIND_NOTHING: &str = "its step may find nothing";
const MAY_GIVE_NOTHING: &str = "the steps taken may give nothing";

impl<'a> Checker<'a> {
    /// The steps that have no mistake.
    pub(super) fn steps(&mut self, steps: &'a [StepDefinition]) -> Vec<Step> {
        self.check_reachable(steps);
        let checked: Vec<Step> = steps.iter().filter_map(|step| self.step(step)).collect();
        self.lacks_steps |= checked.len() < steps.len();
        checked
    }

    /// The steps of `on_failure`. They see none of the names that the flow's own steps made, as any of them may be the
    /// one that failed.
    pub(super) fn failure_steps(&mut self, steps: &'a [StepDefinition]) -> Vec<Step> {
        self.on_failure = true;
        self.names = Names::default();
        self.continued.clear();
        self.add_inputs();
        self.steps(steps)
    }

    /// Whatever stands behind a step that always ends the run is never done.
    fn check_reachable(&mut self, steps: &[StepDefinition]) {
        let Some(last) = steps.iter().position(|step| step.when.is_none() && always_ends(&step.verb)) else { return };
        if let Some(next) = steps.get(last + 1) {
            let diagnostic = Diagnostic::warning(codes::UNREACHABLE, "this step is never reached")
                .help("give the step before it a `when`, or take out what stands behind it");
            let diagnostic = self.diagnostics.at(diagnostic, next.span, "");
            let diagnostic = self.diagnostics.at(diagnostic, steps[last].span, "the run always ends here");
            self.diagnostics.push(diagnostic);
        }
    }

    fn step(&mut self, step: &'a StepDefinition) -> Option<Step> {
        if self.on_failure && ends_run(&step.verb) {
            self.report_end(step);
        }
        let name = self.step_name(step);
        let when = step.when.as_ref().map(|node| self.question(node, Sees::Run));
        let asked = when.iter().flatten().map(|question| question.reads().clone()).next().unwrap_or_default();
        let assumed = self.names.assume_set(&asked.set_where_true);
        let mark = self.names.mark();
        let kind = self.kind(step);
        self.names.restore(assumed);
        if ends_run(&step.verb) {
            // Where the answer was true the run has ended, so it is false from here to the end of this branch.
            self.names.assume_set(&asked.set_where_false);
        }
        if step.when.is_none() {
            self.learn_from_ended_branch(&step.verb, kind.as_ref());
        }
        self.add_result(step, mark);
        if step.on_error == OnError::Continue {
            self.continued.push(name.to_string());
            self.names.add(Name {
                text: format!("errors.{name}"),
                unset: Some(MAY_HAVE_SUCCEEDED),
                what: Named::Value(None),
            });
        }
        Some(Step {
            name,
            when: match when {
                Some(when) => Some(when?),
                None => None,
            },
            result: step.result.as_ref().map(|result| result.value.clone()),
            retry: step.retry,
            timeout: step.timeout,
            on_error: step.on_error,
            kind: kind?,
        })
    }

    fn report_end(&mut self, step: &StepDefinition) {
        let verb = self.definition.source.text.slice(step.span).to_owned();
        let message = format!("`{verb}` stands in `on_failure`, and the run has ended already");
        let diagnostic = Diagnostic::error(codes::NOT_ON_FAILURE, message)
            .help("to take some steps only sometimes, give them a `when` or put them into an `if`");
        self.report(diagnostic, step.span, "");
    }

    fn kind(&mut self, step: &'a StepDefinition) -> Option<StepKind> {
        match &step.verb {
            Verb::Create(write) => self.write(write, Creates::Always, step.span).map(StepKind::Create),
            Verb::Update { id, write } => {
                let id = id.as_ref().map(|node| self.value(node));
                let write = self.write(write, Creates::Never, step.span);
                Some(StepKind::Update { id: id??, write: write? })
            }
            Verb::Upsert { key, id, ambiguous, write } => {
                let id = id.as_ref().map(|node| self.value(node));
                if let Some(key) = key {
                    self.check_match(key, write, *ambiguous);
                }
                let write = self.write(write, Creates::WhereMissing, step.span);
                let key = match key.as_ref()? {
                    MatchDefinition::Id(_) => UpsertKey::Id(id??),
                    MatchDefinition::Fields(fields) => {
                        UpsertKey::Fields(fields.iter().map(|field| field.value.clone()).collect())
                    }
                };
                Some(StepKind::Upsert { key, ambiguous: *ambiguous, write: write? })
            }
            Verb::Delete { target, id } => {
                if let Some(target) = target {
                    self.object(target);
                }
                let id = id.as_ref().map(|node| self.value(node));
                Some(StepKind::Delete { target: target.as_ref()?.value.clone(), id: id?? })
            }
            Verb::Find(find) => self.find(find).map(StepKind::Find),
            Verb::Let(entries) => {
                let mut values = Vec::new();
                let mut complete = true;
                for entry in entries {
                    let value = self.value(&entry.value);
                    let what = value.as_ref().map(|value| self.let_name(value, &entry.value));
                    let what = what.unwrap_or(Named::Value(None));
                    match value {
                        Some(value) => values.push((entry.key.text.clone(), value)),
                        None => complete = false,
                    }
                    self.names.add(Name { text: entry.key.text.clone(), unset: None, what });
                }
                complete.then_some(StepKind::Let(values))
            }
            Verb::If { condition, then, otherwise } => self.branches(condition, then, otherwise),
            Verb::Route { rules, default } => self.route(rules, default),
            Verb::Each(each) => self.each(each),
            Verb::Wait(WaitDefinition::For(duration)) => Some(StepKind::Wait(Wait::For(*duration))),
            Verb::Wait(WaitDefinition::Until(node)) => self.value(node).map(|until| StepKind::Wait(Wait::Until(until))),
            Verb::Wait(WaitDefinition::Unread) => None,
            Verb::Do(call) => self.action(call, step.span),
            Verb::Run(call) => self.call(call, step.span),
            Verb::Skip(reason) => self.value(reason).map(StepKind::Skip),
            Verb::Stop(None) => Some(StepKind::Stop(None)),
            Verb::Stop(Some(value)) => self.value(value).map(|value| StepKind::Stop(Some(value))),
            Verb::Fail(message) => self.value(message).map(StepKind::Fail),
            Verb::Unread => None,
        }
    }

    fn find(&mut self, find: &'a FindDefinition) -> Option<FindStep> {
        let schema = find.target.as_ref().and_then(|target| self.object(target));
        let target_name = find.target.as_ref().map(|target| target.value.to_string()).unwrap_or_default();
        self.found.push(ReadFields::default());
        self.found_schemas.push(schema);
        let filter = match find.by.as_ref() {
            Some(FindBy::Id(node)) => {
                let id = self.value(node);
                id.map(|id| FilterTemplate::Field { field: "id".to_owned(), test: TestTemplate::Eq(id) })
            }
            Some(FindBy::Filter(node)) => self.filter(node, schema, &target_name),
            None => None,
        };
        let target: Target = find.target.as_ref()?.value.clone();
        Some(FindStep {
            target,
            filter: filter?,
            fields: Vec::new(),
            many: find.many,
            none: find.none,
            ambiguous: find.ambiguous,
        })
    }

    /// Makes the step's `as` visible, or marks what its `let` made where it may be left out.
    fn add_result(&mut self, step: &StepDefinition, mark: usize) {
        let may_fail = (step.on_error == OnError::Continue).then_some(MAY_FAIL);
        let conditional = step.when.is_some().then_some(HAS_CONDITION).or(may_fail);
        if let Some(why) = conditional {
            self.names.mark_unset(mark, why);
        }
        let Some(result) = &step.result else { return };
        let last_find = self.found.len().saturating_sub(1);
        let (what, unset) = match &step.verb {
            // Where several are found, the run fails or is skipped: no later step sees that.
            Verb::Create(_) | Verb::Update { .. } | Verb::Upsert { .. } => (Named::Written, None),
            Verb::Delete { .. } => (Named::Deleted, None),
            Verb::Find(find) => match find.many {
                Many::List(_) => (Named::FoundList(last_find), None),
                Many::One => (Named::Found(last_find), (find.none == OnMissing::Continue).then_some(MAY_FIND_NOTHING)),
            },
            Verb::If { .. } | Verb::Route { .. } => (Named::Value(None), Some(MAY_GIVE_NOTHING)),
            Verb::Do(call) => (self.results(call).map_or(Named::Value(None), Named::Acted), None),
            Verb::Let(_)
            | Verb::Each(_)
            | Verb::Wait(_)
            | Verb::Run(_)
            | Verb::Skip(_)
            | Verb::Stop(_)
            | Verb::Fail(_)
            | Verb::Unread => (Named::Value(None), None),
        };
        self.names.add(Name { text: result.value.clone(), unset: conditional.or(unset), what });
    }

    /// The step's name: its own, else its `as`, else what it does. It is part of the identity of what is written, so
    /// two alike are a mistake; steps of which a run keeps nothing are numbered instead, as nothing depends on them.
    fn step_name(&mut self, step: &StepDefinition) -> StepName {
        let given = step.name.as_ref().or(step.result.as_ref());
        let name = given.map_or_else(|| default_name(&step.verb), |given| given.value.clone());
        let span = given.map_or(step.span, |given| given.span);
        let Some(earlier) = self.step_names.get(&name).copied() else {
            self.step_names.insert(name.clone(), span);
            return StepName::new(name);
        };
        let effectless = match &step.verb {
            Verb::Let(_) | Verb::If { .. } | Verb::Skip(_) | Verb::Stop(_) | Verb::Fail(_) | Verb::Unread => true,
            Verb::Create(_)
            | Verb::Update { .. }
            | Verb::Upsert { .. }
            | Verb::Delete { .. }
            | Verb::Find(_)
            | Verb::Route { .. }
            | Verb::Each(_)
            | Verb::Wait(_)
            | Verb::Do(_)
            | Verb::Run(_) => false,
        };
        if effectless && step.name.is_none() {
            let number = self.n_numbered.entry(name.clone()).or_insert(1);
            let name = loop {
                *number += 1;
                let numbered = format!("{name}_{number}");
                if !self.step_names.contains_key(&numbered) {
                    break numbered;
                }
            };
            self.step_names.insert(name.clone(), span);
            return StepName::new(name);
        }
        self.name_taken(&name, span, earlier, step);
        StepName::new(name)
    }

    fn name_taken(&mut self, name: &str, span: Span, earlier: Span, step: &StepDefinition) {
        let diagnostic = Diagnostic::error(codes::STEP_NAME_TAKEN, format!("two steps are called `{name}`"));
        let diagnostic = self.diagnostics.at(diagnostic, span, "this one");
        let diagnostic = self.diagnostics.at(diagnostic, earlier, "and this one");
        let help = match (&step.name, &step.result) {
            (Some(_), _) => "give one of them another `name`",
            (None, Some(_)) => "give one of them another `as`, or a `name`",
            (None, None) => "give one of them a `name`",
        };
        let diagnostic = diagnostic.help(help);
        self.diagnostics.push(match (&step.name, &step.result) {
            (None, None) => self.offer_name(diagnostic, name, step.span),
            (Some(_), _) | (None, Some(_)) => diagnostic,
        });
    }

    /// Offers a `name` before the verb that stands at `verb`.
    fn offer_name(&self, diagnostic: Diagnostic, name: &str, verb: Span) -> Diagnostic {
        let file = &self.definition.source.text;
        let before = &file.text[file.line(verb.start).start..verb.start];
        let number = (2..).find(|number| !self.step_names.contains_key(&format!("{name}_{number}"))).unwrap_or(2);
        // Within brackets a comma parts keys, and a line's end elsewhere.
        let parted = match before.trim_end().ends_with(['{', ',']) {
            true => ", ".to_owned(),
            false => format!("\n{}", " ".repeat(before.chars().count())),
        };
        diagnostic.offer(Span::new(verb.start, verb.start), format!("name: {name}_{number}{parted}"))
    }

    /// Gives every look-up the fields that are read of its result, in the same order in which they were numbered.
    pub(super) fn fill_found_fields(&mut self, steps: &mut [Step], on_failure: &mut [Step]) {
        let definition = self.definition;
        let mut fields = Vec::new();
        let mut number = 0;
        self.found_fields(&definition.steps, &mut number, &mut fields);
        self.found_fields(&definition.on_failure, &mut number, &mut fields);
        let mut fields = fields.into_iter().flatten();
        fill(steps, &mut fields);
        fill(on_failure, &mut fields);
    }

    fn found_fields(
        &mut self,
        definitions: &'a [StepDefinition],
        number: &mut usize,
        into: &mut Vec<Option<Vec<String>>>,
    ) {
        for step in definitions {
            match &step.verb {
                Verb::Find(find) => {
                    let read = self.found.get(*number).cloned().unwrap_or_default();
                    *number += 1;
                    let schema = find.target.as_ref().and_then(|target| {
                        self.catalog.objects.get(&(target.value.connection.clone(), target.value.object.clone()))
                    });
                    let target = find.target.as_ref().map(|target| target.value.to_string()).unwrap_or_default();
                    if let Some(schema) = schema {
                        for (name, span) in &read.fields {
                            self.field(schema, &target, name, *span);
                        }
                    }
                    let mut filtered = BTreeSet::new();
                    if let Some(FindBy::Filter(node)) = &find.by {
                        super::trigger::gather_fields(Some(node), &mut filtered);
                    }
                    into.push(self.fields_to_read(&read, &filtered, find.fields.as_ref(), schema, &target));
                }
                Verb::Create(_)
                | Verb::Update { .. }
                | Verb::Upsert { .. }
                | Verb::Delete { .. }
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
                | Verb::Unread => {}
            }
            for inner in step.verb.inner() {
                self.found_fields(inner, number, into);
            }
        }
    }
}

/// Steps with a mistake are missing here, but then no flow is made of them, so it does not matter who gets what.
fn fill(steps: &mut [Step], fields: &mut impl Iterator<Item = Vec<String>>) {
    for step in steps {
        if let StepKind::Find(find) = &mut step.kind {
            find.fields = fields.next().unwrap_or_default();
        }
        for inner in step.kind.inner_mut() {
            fill(inner, fields);
        }
    }
}

fn ends_run(verb: &Verb) -> bool {
    match verb {
        Verb::Skip(_) | Verb::Stop(_) | Verb::Fail(_) => true,
        Verb::Create(_)
        | Verb::Update { .. }
        | Verb::Upsert { .. }
        | Verb::Delete { .. }
        | Verb::Find(_)
        | Verb::Let(_)
        | Verb::If { .. }
        | Verb::Route { .. }
        | Verb::Each(_)
        | Verb::Wait(_)
        | Verb::Do(_)
        | Verb::Run(_)
        | Verb::Unread => false,
    }
}

/// Whether it ends the run whichever way it goes.
fn always_ends(verb: &Verb) -> bool {
    match verb {
        Verb::If { then, otherwise, .. } => always_ends_run(then) && always_ends_run(otherwise),
        Verb::Route { rules, default } => {
            always_ends_run(default) && rules.iter().all(|rule| always_ends_run(&rule.steps))
        }
        other => ends_run(other),
    }
}

pub(super) fn always_ends_run(steps: &[StepDefinition]) -> bool {
    steps.iter().any(|step| step.when.is_none() && ends_run(&step.verb))
}

fn default_name(verb: &Verb) -> String {
    let of = |verb: &str, target: Option<&crate::definition::At<Target>>| match target {
        Some(target) => format!("{verb}_{}", target.value.object),
        None => verb.to_owned(),
    };
    match verb {
        Verb::Create(write) => of("create", write.target.as_ref()),
        Verb::Update { write, .. } => of("update", write.target.as_ref()),
        Verb::Upsert { write, .. } => of("upsert", write.target.as_ref()),
        Verb::Delete { target, .. } => of("delete", target.as_ref()),
        Verb::Find(find) => of("find", find.target.as_ref()),
        Verb::Let(_) => "let".to_owned(),
        Verb::If { .. } => "if".to_owned(),
        Verb::Route { .. } => "route".to_owned(),
        Verb::Each(_) => "each".to_owned(),
        Verb::Wait(_) => "wait".to_owned(),
        Verb::Do(call) => of("do", call.action.as_ref()),
        Verb::Run(call) => call.flow.as_ref().map_or_else(
            || "run".to_owned(),
            |flow| {
                // Hyphens would hide it from `errors.run_…`.
                format!("run_{}", flow.value.as_str().replace('-', "_"))
            },
        ),
        Verb::Skip(_) => "skip".to_owned(),
        Verb::Stop(_) => "stop".to_owned(),
        Verb::Fail(_) => "fail".to_owned(),
        Verb::Unread => "unread".to_owned(),
    }
}
