//! Calls: an action that a connector declares, another flow, and what either is given.

use sdk::{ActionInput, ActionResult, Field, FieldOption, FieldType};
use text::{Diagnostic, Entry, Kind, Span, did_you_mean, did_you_mean_name, shown};

use super::connection::listed;
use super::{Checker, enrol};
use crate::codes;
use crate::definition::{At, DoDefinition, FlowDefinition, RunDefinition, TriggerDefinition};
use crate::expr::Template;
use crate::language::words::SIDES;
use crate::language::{ENROL, Key};
use crate::model::{Assignments, DoStep, Input, RunStep, StepKind, Target};

/// What is called.
struct Callee {
    /// What it is called in messages: `crm.associate`.
    name: String,
    inputs: Vec<Wanted>,
}

/// An input of what is called.
struct Wanted {
    field: Field,
    required: bool,
    help: Option<String>,
}

impl<'a> Checker<'a> {
    /// A `do`; `None` where a mistake was reported.
    pub(super) fn action(&mut self, call: &'a DoDefinition, verb: Span) -> Option<StepKind> {
        let mut is_good = true;
        let callee = call.action.as_ref().and_then(|action| {
            if enrol::is_of_language(&action.value) {
                is_good = self.enrolment(action, call);
                return enrol::is_known(&action.value).then(|| Callee::of_enrolment(action));
            }
            self.connection(action)?;
            let actions = self.catalog.actions.get(&action.value.connection)?;
            let Some(known) = actions.iter().find(|known| known.name == action.value.object) else {
                let (_, span) = self.parts(action);
                let names = actions.iter().map(|known| known.name.as_str());
                self.unknown_action(&action.value.object, action.value.connection.as_str(), names, span);
                return None;
            };
            let inputs = known.inputs.iter().map(Wanted::of_action).collect();
            Some(Callee { name: action.value.to_string(), inputs })
        });
        let with = self.with(&call.with, callee.as_ref(), verb);
        let action = &call.action.as_ref().filter(|_| is_good)?.value;
        Some(StepKind::Do(DoStep { connection: action.connection.clone(), action: action.object.clone(), with: with? }))
    }

    /// What an action leaves behind, where its connector tells.
    pub(super) fn results(&self, call: &DoDefinition) -> Option<&'a [ActionResult]> {
        let action = &call.action.as_ref()?.value;
        let known = self.catalog.actions.get(&action.connection)?.iter().find(|known| known.name == action.object)?;
        Some(&known.results)
    }

    fn unknown_action<'n>(
        &mut self,
        action: &str,
        connection: &str,
        names: impl Iterator<Item = &'n str> + Clone,
        span: Span,
    ) {
        const VERBS: [&str; 5] = ["create", "update", "upsert", "find", "delete"];
        let message = format!("`{connection}` has no action `{}`", shown(action));
        let help = match (VERBS.contains(&action), names.clone().next()) {
            (true, _) => format!("`{action}` is a verb of its own: `{action}: {connection}.contacts`"),
            (false, Some(_)) => listed("its actions are", names.clone()),
            (false, None) => "its connector declares no actions".to_owned(),
        };
        let diagnostic = Diagnostic::error(codes::UNKNOWN_ACTION, message).help(help);
        self.report(diagnostic.did_you_mean(span, did_you_mean(action, names)), span, "");
    }

    /// A `run`; `None` where a mistake was reported.
    pub(super) fn call(&mut self, call: &'a RunDefinition, verb: Span) -> Option<StepKind> {
        let callee = call.flow.as_ref().and_then(|flow| {
            let Some(callee) = self.ids.get(&flow.value) else {
                let known = self.ids.0.keys().map(|id| id.as_str());
                let others = known.clone().filter(|id| *id != self.definition.id().as_str());
                let diagnostic = Diagnostic::error(
                    codes::UNKNOWN_FLOW,
                    format!("there is no flow `{}`", shown(flow.value.as_str())),
                )
                .help(listed("there are", others))
                .did_you_mean(flow.span, did_you_mean_name(flow.value.as_str(), known));
                self.report(diagnostic, flow.span, "");
                return None;
            };
            self.check_callable(callee, flow.span);
            let inputs = callee.trigger.as_ref()?.inputs()?;
            let inputs = inputs.iter().map(|input| Wanted::of_flow(&input.input)).collect();
            Some(Callee { name: flow.value.to_string(), inputs })
        });
        let with = self.with(&call.with, callee.as_ref(), verb);
        Some(StepKind::Run(RunStep { flow: call.flow.as_ref()?.value.clone(), with: with? }))
    }

    /// Whether a flow can be called at all.
    fn check_callable(&mut self, callee: &FlowDefinition, span: Span) {
        let id = callee.id();
        if callee.is_template() {
            let message = format!("`{id}` cannot be called: it is a template");
            let diagnostic = Diagnostic::error(codes::NOT_CALLABLE, message)
                .help("make a flow of it with `from`, and call that one");
            let diagnostic = self.diagnostics.at(diagnostic, span, "");
            self.diagnostics.push(diagnostic.at(&callee.file.path, callee.id.span, "the template"));
            return;
        }
        let starts_by = match &callee.trigger {
            Some(TriggerDefinition::Poll(_)) => Some("a `poll`"),
            Some(TriggerDefinition::Schedule(_)) => Some("a `schedule`"),
            Some(TriggerDefinition::Webhook(_)) => Some("a `webhook`"),
            // A trigger that cannot be read was reported where it stands.
            Some(TriggerDefinition::Manual(_)) | None => None,
        };
        let (message, help) = match starts_by {
            Some(trigger) => (
                format!("`{id}` cannot be called: its trigger is {trigger}"),
                "move what both do into a flow with `trigger: {manual: {inputs: …}}`, and call that one",
            ),
            None if !callee.enabled => {
                (format!("`{id}` cannot be called: it has `enabled: false`"), "enable it, or leave the step out")
            }
            None => return,
        };
        let diagnostic = Diagnostic::error(codes::NOT_CALLABLE, message).help(help);
        let diagnostic = self.diagnostics.at(diagnostic, span, "");
        let (path, place) = callee.source.label(callee.id.span);
        let diagnostic = diagnostic.at(&path, place, "the flow that is called");
        self.diagnostics.push(diagnostic);
    }

    /// What a call gives: each input known, of its type, and none missing that must be there.
    fn with(&mut self, with: &'a [Entry], callee: Option<&Callee>, verb: Span) -> Option<Assignments> {
        let mut given = Assignments::new();
        let mut complete = true;
        for entry in with {
            let value = self.value(&entry.value);
            let value = match callee {
                Some(callee) => self.given(entry, value, callee),
                None => value,
            };
            match value {
                Some(value) => given.push((entry.key.text.clone(), value)),
                None => complete = false,
            }
        }
        for wanted in callee.iter().flat_map(|callee| &callee.inputs).filter(|wanted| wanted.required) {
            let name = &wanted.field.name;
            // One that was probably meant has been pointed at.
            let is_meant = |entry: &Entry| {
                let inputs = callee.iter().flat_map(|callee| &callee.inputs);
                let mut names = inputs.map(|wanted| wanted.field.name.as_str());
                let written = entry.key.text.as_str();
                !names.clone().any(|known| known == written)
                    && did_you_mean(written, &mut names).is_some_and(|meant| meant.word == name)
            };
            let is_given = |entry: &Entry| entry.key.text == *name && entry.value.kind != Kind::Null;
            if !with.iter().any(|entry| is_given(entry) || is_meant(entry)) {
                let callee = callee.map(|callee| callee.name.as_str()).unwrap_or_default();
                let message = format!("`{callee}` needs the input `{name}`");
                let meant = wanted.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
                let diagnostic =
                    Diagnostic::error(codes::MISSING_INPUT, message).help(format!("add `{name}` under `with`{meant}"));
                self.report(diagnostic, verb, "");
            }
        }
        complete.then_some(given)
    }

    fn given(&mut self, entry: &Entry, value: Option<Template>, callee: &Callee) -> Option<Template> {
        let name = entry.key.text.as_str();
        let Some(wanted) = callee.inputs.iter().find(|wanted| wanted.field.name == name) else {
            let known = callee.inputs.iter().map(|wanted| wanted.field.name.as_str());
            let message = format!("`{}` takes no input `{}`", callee.name, shown(name));
            let diagnostic = Diagnostic::error(codes::UNKNOWN_INPUT, message)
                .help(listed("it takes", known.clone()))
                .did_you_mean(entry.key.span, did_you_mean_name(name, known));
            self.report(diagnostic, entry.key.span, "");
            return None;
        };
        match value? {
            Template::Literal(value) => self.literal(value, &entry.value, &wanted.field).map(Template::Literal),
            computed @ (Template::Expression(_) | Template::Text(_) | Template::List(_) | Template::Map(_)) => {
                self.check_computed_for(&computed, &entry.value, &wanted.field, &callee.name);
                Some(computed)
            }
        }
    }
}

impl Callee {
    /// What a `sync.enrol` is given.
    fn of_enrolment(action: &At<Target>) -> Self {
        let sides: Vec<String> = SIDES.words.iter().map(|side| side.word.to_owned()).collect();
        let wanted = |key: &Key| {
            let (field_type, options) = match key.name {
                "sync" => (FieldType::Text, &[][..]),
                "side" => (FieldType::Choice, sides.as_slice()),
                _ => (FieldType::Any, &[][..]),
            };
            Wanted { field: field(key.name, field_type, options), required: key.required, help: Some(lower(key.doc)) }
        };
        Self { name: action.value.to_string(), inputs: ENROL.keys.iter().map(wanted).collect() }
    }
}

/// A sentence as the rest of another one.
fn lower(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

impl Wanted {
    fn of_action(input: &ActionInput) -> Self {
        Self {
            field: field(&input.name, input.field_type, &input.options),
            required: input.required,
            help: Some(input.help.clone()).filter(|help| !help.is_empty()),
        }
    }

    fn of_flow(input: &Input) -> Self {
        Self { field: field_of(input), required: input.required, help: input.help.clone() }
    }
}

/// A flow's input as a field, so that plain values are checked as those of `set` are.
pub(super) fn field_of(input: &Input) -> Field {
    field(&input.name, input.field_type, &input.options)
}

fn field(name: &str, field_type: FieldType, options: &[String]) -> Field {
    let option = |option: &String| FieldOption { value: option.clone(), label: option.clone() };
    Field {
        name: name.to_owned(),
        label: name.to_owned(),
        description: None,
        group: None,
        field_type,
        options: options.iter().map(option).collect(),
        read_only: false,
        unique: false,
        required: false,
    }
}
