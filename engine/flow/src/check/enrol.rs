//! `do: sync.enrol`: a record that takes part in a sync from now on. Which sync, which of its sides and which record is
//! known before anything runs, and enrolling it there changes something.

use std::collections::BTreeSet;
use std::sync::Arc;

use sdk::FlowId;
use text::{Diagnostic, Diagnostics, Entry, Kind, Span, did_you_mean, did_you_mean_name, shown};

use super::Checker;
use super::connection::listed;
use crate::codes;
use crate::definition::{
    At, DirectionDefinition, DoDefinition, FlowDefinition, StepDefinition, SyncDefinition, TriggerDefinition, Verb,
};
use crate::language::words::SIDES;
use crate::model::{Side, SyncOf, Target};

/// The connection that stands for the project's syncs. None that is configured may have its name.
pub(crate) const CONNECTION: &str = "sync";
/// The only action that it has.
pub(crate) const ACTION: &str = "enrol";

/// Whether an action is one of the language itself.
pub(super) fn is_of_language(action: &Target) -> bool {
    action.connection.as_str() == CONNECTION
}

/// Whether it is one that the language has.
pub(super) fn is_known(action: &Target) -> bool {
    is_of_language(action) && action.object == ACTION
}

impl<'a> Checker<'a> {
    /// What a flow's own file tells of an enrolment: false where a mistake was reported.
    pub(super) fn enrolment(&mut self, action: &At<Target>, call: &'a DoDefinition) -> bool {
        if !is_known(&action.value) {
            let (_, span) = self.parts(action);
            let message = format!("`{CONNECTION}` has no action `{}`", shown(&action.value.object));
            let diagnostic = Diagnostic::error(codes::UNKNOWN_ACTION, message)
                .help(listed("its actions are", [ACTION].into_iter()))
                .did_you_mean(span, did_you_mean(&action.value.object, [ACTION]));
            self.report(diagnostic, span, "");
            return false;
        }
        self.note_not_run(&action.value.to_string(), action.span);
        let mut is_plain = true;
        for entry in call.with.iter().filter(|entry| ["sync", "side"].contains(&entry.key.text.as_str())) {
            if let Some(span) = super::trigger::first_expression(&entry.value) {
                let message = format!("`{}` must be plain, without `${{ }}`", entry.key.text);
                let diagnostic = Diagnostic::error(codes::NO_EXPRESSION, message)
                    .help("where a flow enrols records is known before it runs; which record, says `id`");
                self.report(diagnostic, span, "");
                is_plain = false;
            }
        }
        is_plain
    }
}

/// What came of looking at enrolments.
#[derive(Debug, Default)]
pub(super) struct CheckedEnrolments {
    /// All mistakes.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The flows that made them.
    pub(super) mistaken: BTreeSet<FlowId>,
}

/// Every enrolment of flows, against the syncs that there are.
pub(super) fn check_enrolments(syncs: &[SyncDefinition], flows: &[FlowDefinition]) -> CheckedEnrolments {
    let mut checked = CheckedEnrolments::default();
    for flow in flows {
        let mut desk = Desk { flow, syncs, flows, diagnostics: Diagnostics::new(&flow.source.text) };
        desk.steps(&flow.steps);
        desk.steps(&flow.on_failure);
        for diagnostic in desk.diagnostics.into_vec().into_iter().map(|one| flow.source.told(one)) {
            checked.mistaken.insert(flow.id().clone());
            // What is wrong with a template is told once, and not again for every instance.
            if !flow.shares_its_text() || !checked.diagnostics.contains(&diagnostic) {
                checked.diagnostics.push(diagnostic);
            }
        }
    }
    checked
}

/// Where one flow's enrolments are looked at.
struct Desk<'a> {
    flow: &'a FlowDefinition,
    syncs: &'a [SyncDefinition],
    flows: &'a [FlowDefinition],
    diagnostics: Diagnostics,
}

/// One enrolment.
struct Enrolment<'a> {
    /// The verb.
    span: Span,
    with: &'a [Entry],
}

impl<'a> Desk<'a> {
    fn steps(&mut self, steps: &'a [StepDefinition]) {
        for step in steps {
            if let Verb::Do(DoDefinition { action: Some(action), with }) = &step.verb
                && is_known(&action.value)
            {
                self.enrolment(&Enrolment { span: step.span, with });
            }
            step.verb.inner().into_iter().for_each(|steps| self.steps(steps));
        }
    }

    fn enrolment(&mut self, enrolment: &Enrolment<'a>) {
        let Some((name, span)) = enrolment.plain("sync") else { return };
        let Some(sync) = self.syncs.iter().find(|sync| sync.id.value.as_str() == name) else {
            return self.unknown_sync(name, span);
        };
        let (Some(left), Some(right)) = (&sync.left, &sync.right) else { return };
        let of = |side: Side| match side {
            Side::Left => &left.value,
            Side::Right => &right.value,
        };
        let enrolled = enrolled_sides(sync);
        if enrolled.is_empty() {
            // A direction that could not be read may well be the one.
            if sync.sound {
                self.takes_all(sync, span);
            }
            return;
        }
        let source = self.flow.trigger.as_ref().and_then(TriggerDefinition::source);
        let own_target = source.and_then(|source| source.target.as_ref()).map(|target| &target.value);
        let own = [Side::Left, Side::Right].into_iter().find(|side| own_target == Some(of(*side)));
        let written = enrolment.plain("side");
        let only = enrolled.first().copied().filter(|_| enrolled.len() == 1);
        let Some(side) = written.and_then(|(word, _)| SIDES.value(word)).or(own).or(only) else {
            // A side that there is not was reported with its value.
            if written.is_none() && self.flow.trigger.is_some() {
                let help = format!(
                    "add `side: left` for a record of `{}`, `side: right` for one of `{}`",
                    of(Side::Left),
                    of(Side::Right)
                );
                self.missing("side", &help, enrolment.span);
            }
            return;
        };
        if !enrolled.contains(&side) {
            let at = written.map_or(span, |(_, span)| span);
            return self.not_enrolled(sync, of(side), of(other(side)), at);
        }
        if own != Some(side) && !enrolment.has_id() && self.flow.trigger.is_some() {
            let help = match own_target {
                Some(target) => format!(
                    "the runs are about `{target}`, and a record of `{}` is enrolled: add its id, such as `id: ${{ found.id }}`",
                    of(side)
                ),
                None => format!(
                    "the runs are about no record: add the id of one of `{}`, such as `id: ${{ found.id }}`",
                    of(side)
                ),
            };
            self.missing("id", &help, enrolment.span);
        }
    }

    fn unknown_sync(&mut self, name: &str, span: Span) {
        let known = || self.syncs.iter().map(|sync| sync.id.value.as_str());
        let diagnostic = Diagnostic::error(codes::UNKNOWN_SYNC, format!("there is no sync `{}`", shown(name)));
        let is_flow = self.flows.iter().any(|flow| flow.id().as_str() == name);
        let diagnostic = match is_flow {
            true => diagnostic.help(format!("`{}` is a flow; {}", shown(name), listed("the syncs are", known()))),
            false => diagnostic.help(listed("there are", known())).did_you_mean(span, did_you_mean_name(name, known())),
        };
        self.report(diagnostic, span);
    }

    fn takes_all(&mut self, sync: &SyncDefinition, span: Span) {
        let message = format!("`{}` takes every record, and needs no enrolment", sync.id.value);
        let diagnostic = Diagnostic::error(codes::NOT_ENROLLED, message)
            .help("write `of: enrolled` in the direction that should wait for it, or leave this step out");
        let direction =
            sync.to_right.as_ref().or(sync.to_left.as_ref()).map_or(sync.id.span, |direction| direction.span);
        self.report_with(diagnostic, span, sync, direction);
    }

    fn not_enrolled(&mut self, sync: &SyncDefinition, of: &Target, other: &Target, span: Span) {
        let message = format!("in `{}`, records of `{of}` go without an enrolment, or not at all", sync.id.value);
        let diagnostic = Diagnostic::error(codes::NOT_ENROLLED, message)
            .help(format!("those of `{other}` are enrolled: give the `id` of one and its `side`"));
        let enrolled = [&sync.to_right, &sync.to_left].into_iter().flatten().find(|one| one.of == SyncOf::Enrolled);
        self.report_with(diagnostic, span, sync, enrolled.map_or(sync.id.span, |direction| direction.span));
    }

    fn missing(&mut self, input: &str, help: &str, span: Span) {
        let message = format!("`{CONNECTION}.{ACTION}` needs the input `{input}`");
        self.report(Diagnostic::error(codes::MISSING_INPUT, message).help(help), span);
    }

    fn report(&mut self, diagnostic: Diagnostic, span: Span) {
        let diagnostic = self.diagnostics.at(diagnostic, span, "");
        self.diagnostics.push(diagnostic);
    }

    fn report_with(&mut self, diagnostic: Diagnostic, span: Span, sync: &SyncDefinition, direction: Span) {
        let diagnostic = self.diagnostics.at(diagnostic, span, "");
        self.diagnostics.push(diagnostic.at(&Arc::clone(&sync.file.path), direction, "the sync says so here"));
    }
}

impl<'a> Enrolment<'a> {
    /// The plain text of an input, and where it stands.
    fn plain(&self, input: &str) -> Option<(&'a str, Span)> {
        let entry = self.entry(input)?;
        let is_plain = super::trigger::first_expression(&entry.value).is_none();
        entry.value.as_text().filter(|_| is_plain).map(|text| (text, entry.value.span))
    }

    fn has_id(&self) -> bool {
        self.entry("id").is_some_and(|entry| entry.value.kind != Kind::Null)
    }

    fn entry(&self, input: &str) -> Option<&'a Entry> {
        self.with.iter().find(|entry| entry.key.text == input)
    }
}

/// The sides whose records go to the other when they are enrolled.
fn enrolled_sides(sync: &SyncDefinition) -> Vec<Side> {
    let is_enrolled = |direction: &Option<DirectionDefinition>| {
        direction.as_ref().is_some_and(|direction| direction.of == SyncOf::Enrolled)
    };
    let of_left = is_enrolled(&sync.to_right).then_some(Side::Left);
    of_left.into_iter().chain(is_enrolled(&sync.to_left).then_some(Side::Right)).collect()
}

fn other(side: Side) -> Side {
    match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    }
}
