//! Flows that start themselves: what they write is what they look for.
//!
//! Only such writes are told as no condition stands before: a condition may well be what ends the circle.

use text::Diagnostic;

use super::Checker;
use crate::codes;
use crate::definition::{PollDefinition, StepDefinition, TriggerDefinition, Verb, WriteDefinition};
use crate::model::On;

impl Checker<'_> {
    /// Warns of steps by which each run makes a record that the flow's poll takes for new again.
    pub(super) fn check_circles(&mut self) {
        let definition = self.definition;
        let Some(TriggerDefinition::Poll(poll)) = &definition.trigger else { return };
        let source = &poll.source;
        let Some(polled) = &source.target else { return };
        if source.filter.is_some() || source.condition.is_some() || definition.when.is_some() {
            return;
        }
        for step in definition.steps.iter().filter(|step| step.when.is_none()) {
            let is_polled =
                |write: &&WriteDefinition| write.target.as_ref().is_some_and(|one| one.value == polled.value);
            if renewed(step, poll).filter(is_polled).is_some() {
                let message = format!("each run writes to `{}`, whose changes start the next one", polled.value);
                let diagnostic = Diagnostic::warning(codes::STARTS_ITSELF, message)
                    .help("say with `when` which records have anything to change, so that one that has been written is left out");
                self.report(diagnostic, step.span, "where the service notes each write, this never comes to rest");
            }
        }
    }
}

/// What a step writes, where a poll would find it.
fn renewed<'a>(step: &'a StepDefinition, poll: &PollDefinition) -> Option<&'a WriteDefinition> {
    match (&step.verb, poll.on.value) {
        (Verb::Create(write), On::New | On::NewOrUpdated) => Some(write),
        (Verb::Update { write, .. } | Verb::Upsert { write, .. }, On::NewOrUpdated) => Some(write),
        (Verb::Update { .. } | Verb::Upsert { .. }, On::New) | (_, On::Archived) => None,
        (_, On::New | On::NewOrUpdated) => None,
    }
}
