//! The trigger: records that can be had, as often as their connector allows, and inputs that a caller can give.

use std::collections::BTreeSet;
use std::time::Duration;

use sdk::{Ability, ObjectSchema, Offer};
use text::{Diagnostic, Entry, Kind, Node, Span};

use super::names::Sees;
use super::{Checker, call, filter};
use crate::codes;
use crate::definition::{
    At, InputDefinition, PollDefinition, ScheduleDefinition, SourceDefinition, TriggerDefinition, WebhookDefinition,
};
use crate::expr::{Expression, Template};
use crate::model::{Every, Input, Manual, On, Poll, Schedule, Start, Target, Trigger, Walk, Webhook};
use crate::template;

/// The records that make runs, still without the fields that are read of them.
struct Source {
    target: Target,
    filter: Option<sdk::Filter>,
    condition: Option<Expression>,
}

impl<'a> Checker<'a> {
    /// The trigger, still without its fields; `None` where a mistake was reported.
    pub(super) fn trigger(&mut self, definition: &'a TriggerDefinition) -> Option<Trigger> {
        match definition {
            TriggerDefinition::Poll(poll) => self.poll(poll).map(Trigger::Poll),
            TriggerDefinition::Schedule(schedule) => self.schedule(schedule).map(Trigger::Schedule),
            TriggerDefinition::Manual(manual) => {
                let inputs: Vec<_> = manual.inputs.iter().map(|input| self.input(input)).collect();
                Some(Trigger::Manual(Manual { inputs: inputs.into_iter().collect::<Option<_>>()? }))
            }
            TriggerDefinition::Webhook(webhook) => self.webhook(webhook).map(Trigger::Webhook),
        }
    }

    fn poll(&mut self, definition: &'a PollDefinition) -> Option<Poll> {
        let source = self.source(&definition.source);
        if let Some(schema) = self.polled {
            self.check_stamp(definition, schema, &self.polled_target());
        }
        self.check_archived(definition);
        self.check_compared(definition);
        self.check_interval(definition);
        let with = definition.with.as_ref().map(|with| self.poll_with(with));
        let (source, every) = (source?, definition.every.as_ref()?);
        Some(Poll {
            target: source.target,
            on: definition.on.value,
            every: Every { min: every.min.value, max: every.max },
            start: definition.start.value,
            filter: source.filter,
            condition: source.condition,
            fields: Vec::new(),
            by: definition.by.as_ref().map(|by| by.value.clone()),
            with: match with {
                Some(with) => with?,
                None => sdk::Fields::new(),
            },
        })
    }

    fn webhook(&mut self, definition: &'a WebhookDefinition) -> Option<Webhook> {
        self.note_not_run("webhook", definition.span);
        let id = definition.id.as_ref().map(|node| self.value_seeing(node, Sees::Delivery));
        Some(Webhook {
            verify: definition.verify.clone()?,
            id: match id {
                Some(id) => Some(id?),
                None => None,
            },
            accepts: definition.accepts,
        })
    }

    /// What a poll's connector is told besides; it is plain, as no record is there yet.
    fn poll_with(&mut self, with: &'a At<Vec<Entry>>) -> Option<sdk::Fields> {
        self.note_not_run("with", with.span);
        let mut fields = sdk::Fields::new();
        let mut complete = true;
        for entry in &with.value {
            match first_expression(&entry.value) {
                Some(span) => {
                    let diagnostic =
                        Diagnostic::error(codes::NO_EXPRESSION, "a poll's `with` must be plain, without `${ }`")
                            .help("it is sent to the service before any record is there");
                    self.report(diagnostic, span, "");
                    complete = false;
                }
                None => match self.value(&entry.value) {
                    Some(Template::Literal(value)) => drop(fields.insert(entry.key.text.clone(), value)),
                    Some(_) | None => complete = false,
                },
            }
        }
        complete.then_some(fields)
    }

    fn schedule(&mut self, definition: &'a ScheduleDefinition) -> Option<Schedule> {
        let walk = definition.walk.as_ref().map(|walk| self.source(walk));
        let walk = match walk {
            Some(source) => {
                let Source { target, filter, condition } = source?;
                Some(Walk { target, filter, condition, fields: Vec::new() })
            }
            None => None,
        };
        Some(Schedule { times: definition.times.clone()?, missed: definition.missed, walk })
    }

    fn source(&mut self, definition: &'a SourceDefinition) -> Option<Source> {
        let schema = definition.target.as_ref().and_then(|target| self.object(target));
        self.polled = schema;
        let target_name = self.polled_target();
        let filter = definition.filter.as_ref().map(|node| self.source_filter(node, schema, &target_name));
        let condition = definition.condition.as_ref().map(|node| self.question(node, Sees::Poll));
        Some(Source {
            target: definition.target.as_ref()?.value.clone(),
            filter: match filter {
                Some(filter) => Some(filter?),
                None => None,
            },
            condition: match condition {
                Some(condition) => Some(condition?),
                None => None,
            },
        })
    }

    /// An input; its default is one of its type.
    fn input(&mut self, definition: &'a InputDefinition) -> Option<Input> {
        let input = definition.input.clone();
        let Some(node) = &definition.default else { return Some(input) };
        if let Some(span) = first_expression(node) {
            let diagnostic = Diagnostic::error(codes::NO_EXPRESSION, "a default must be plain, without `${ }`")
                .help(format!("leave it out, and write `inputs.{} ?? …` where it is read", input.name));
            self.report(diagnostic, span, "");
            return None;
        }
        let Some(Template::Literal(value)) = self.value(node) else { return None };
        let default = self.literal(value, node, &call::field_of(&input))?;
        Some(Input { default: Some(default), ..input })
    }

    /// The fields that are asked for, once every expression was seen; none where no records make runs.
    pub(super) fn source_fields(&mut self, definition: &'a TriggerDefinition) -> Option<Vec<String>> {
        let Some(source) = definition.source() else { return Some(Vec::new()) };
        let mut filtered = BTreeSet::new();
        if let Some(Kind::Map(_)) = source.filter.as_ref().map(|node| &node.kind) {
            // What is wrong in the filter has been said; here only its fields matter.
            gather_fields(source.filter.as_ref(), &mut filtered);
        }
        let target = self.polled_target();
        let (record, schema) = (self.record.clone(), self.polled);
        self.fields_to_read(&record, &filtered, source.fields.as_ref(), schema, &target)
    }

    fn source_filter(&mut self, node: &Node, schema: Option<&'a ObjectSchema>, target: &str) -> Option<sdk::Filter> {
        if let Some(span) = first_expression(node) {
            let diagnostic =
                Diagnostic::error(codes::NO_EXPRESSION, "a trigger's filter must be plain, without `${ }`")
                    .help("it is sent to the service before any record is there; ask in `where` instead");
            self.report(diagnostic, span, "");
            return None;
        }
        let filter = self.filter(node, schema, target)?;
        filter::plain(&filter)
    }

    /// Reading what is new goes by a stamp, which must be known.
    fn check_stamp(&mut self, definition: &'a PollDefinition, schema: &'a ObjectSchema, target: &str) {
        if let Some(by) = &definition.by {
            self.field(schema, target, &by.value, by.span);
            return;
        }
        let (stamp, what) = match definition.on.value {
            On::New => (&schema.created_field, "created"),
            On::NewOrUpdated => (&schema.modified_field, "changed"),
            // No field says it: the connector tells.
            On::Archived => return,
        };
        if self.is_compared(definition) {
            return;
        }
        if stamp.is_none() {
            let message = format!("no field of `{target}` is known to say when a record was {what}");
            let likely = schema.fields.values().find(|field| field.field_type == sdk::FieldType::Moment);
            let help = match likely {
                Some(field) => format!("name it with `by`, such as `by: {}`", field.name),
                None => "name it with `by`, such as `by: updated_at`".to_owned(),
            };
            self.report(Diagnostic::error(codes::UNKNOWN_STAMP, message).help(help), definition.source.span, "");
        }
    }

    /// A connector that cannot tell what was archived would never find anything.
    fn check_archived(&mut self, definition: &'a PollDefinition) {
        let (On::Archived, Some(At { value: target, .. })) = (definition.on.value, &definition.source.target) else {
            return;
        };
        let offers = self.offers_of(target);
        // Where nothing is known of the object, nothing is said.
        let Some(offer) = self.offer_of(target) else { return };
        if !offer.abilities.contains(&Ability::PollArchived) {
            let able = offers.iter().filter(|offer| offer.abilities.contains(&Ability::PollArchived));
            let able: Vec<_> = able.filter_map(|offer| offer.object.as_deref()).collect();
            let help = match able.as_slice() {
                [] => {
                    format!("no object of `{}` can; look for records that are gone with a schedule", target.connection)
                }
                able => super::connection::listed("these can:", able.iter().copied()),
            };
            let message = format!("`{target}` cannot tell which records were archived");
            self.report(Diagnostic::error(codes::NOT_ARCHIVABLE, message).help(help), definition.on.span, "");
        }
    }

    /// What is compared has no stamps that anything could go by.
    fn check_compared(&mut self, definition: &'a PollDefinition) {
        let Some(At { value: target, .. }) = &definition.source.target else { return };
        if let (Start::At(moment), true) = (definition.start.value, self.is_compared(definition)) {
            let message =
                format!("nothing stamps the records of `{target}`, so none is known to be of {moment} or later");
            let help = "write `now` for what comes after the first look, or `beginning` for everything that is there";
            let diagnostic = Diagnostic::error(codes::NO_STAMPS, message).help(help);
            self.report(diagnostic, definition.start.span, "");
        }
        let has_no_stamps = self.offer_of(target).is_some_and(|offer| {
            let mut polls = offer.abilities.iter().filter(|ability| ability.is_trigger());
            !offer.compared.is_empty() && polls.all(|poll| offer.compared.contains(poll))
        });
        if let (Some(by), true) = (&definition.by, has_no_stamps) {
            let message = format!("nothing stamps the records of `{target}`, so it cannot be polled by `{}`", by.value);
            let help = "leave `by` out: each look compares all of them with those seen before";
            self.report(Diagnostic::error(codes::NO_STAMPS, message).help(help), by.span, "");
        }
    }

    /// Whether each look compares everything with what was seen.
    fn is_compared(&self, definition: &PollDefinition) -> bool {
        let ability = match (&definition.by, definition.on.value) {
            (Some(_), _) | (None, On::Archived) => return false,
            (None, On::New) => Ability::PollNew,
            (None, On::NewOrUpdated) => Ability::PollNewOrUpdated,
        };
        let target = definition.source.target.as_ref();
        let offer = target.and_then(|target| self.offer_of(&target.value));
        offer.is_some_and(|offer| offer.compared.contains(&ability))
    }

    /// What is known of how an object can be used.
    fn offer_of(&self, target: &Target) -> Option<&'a Offer> {
        let offers = self.offers_of(target);
        let of_object = |name: Option<&str>| offers.iter().find(|offer| offer.object.as_deref() == name);
        of_object(Some(&target.object)).or_else(|| of_object(None))
    }

    fn offers_of(&self, target: &Target) -> &'a [Offer] {
        self.catalog.offers.get(&target.connection).map(Vec::as_slice).unwrap_or_default()
    }

    /// More calls than the service allows would be refused.
    pub(super) fn check_interval(&mut self, definition: &PollDefinition) {
        let (Some(every), Some(target)) = (&definition.every, &definition.source.target) else { return };
        let Some(facts) = self.catalog.connections.get(&target.value.connection) else { return };
        let least = facts.min_interval;
        if every.min.value < least && !facts.loopback {
            let (connector, shortest) = (&facts.connector, shown_duration(least));
            let message = format!("`{connector}` may not be polled more often than every {shortest}");
            let calls = grouped(86_400_000 / least.as_millis().max(1));
            let key = if every.is_adaptive() { "min" } else { "every" };
            let help = format!("write `{key}: {shortest}`; that makes {calls} calls a day");
            let diagnostic = Diagnostic::error(codes::SHORT_INTERVAL, message).help(help).fix(every.min.span, shortest);
            self.report(diagnostic, every.min.span, "");
        }
    }
}

/// The trigger, with its fields.
pub(super) fn with_fields(trigger: Trigger, fields: Vec<String>) -> Trigger {
    match trigger {
        Trigger::Poll(poll) => Trigger::Poll(Poll { fields, ..poll }),
        Trigger::Schedule(schedule) => {
            let walk = schedule.walk.map(|walk| Walk { fields, ..walk });
            Trigger::Schedule(Schedule { walk, ..schedule })
        }
        other @ (Trigger::Manual(_) | Trigger::Webhook(_)) => other,
    }
}

/// Every field that a written filter asks about.
pub(super) fn gather_fields(node: Option<&Node>, into: &mut BTreeSet<String>) {
    let Some(Kind::Map(map)) = node.map(|node| &node.kind) else { return };
    for entry in &map.entries {
        match (entry.key.text.as_str(), &entry.value.kind) {
            ("all" | "any", Kind::List(items)) => items.iter().for_each(|item| gather_fields(Some(item), into)),
            (field, _) => {
                into.insert(field.to_owned());
            }
        }
    }
}

pub(super) fn first_expression(node: &Node) -> Option<Span> {
    match &node.kind {
        Kind::Text(text) => template::has_expression(&text.value).then_some(node.span),
        Kind::List(items) => items.iter().find_map(first_expression),
        Kind::Map(map) => map.entries.iter().find_map(|entry| first_expression(&entry.value)),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Broken => None,
    }
}

/// A duration as an author writes it.
fn shown_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]
        .into_iter()
        .find(|(_, unit)| millis.is_multiple_of(*unit))
        .map_or_else(|| format!("{millis}ms"), |(unit, width)| format!("{}{unit}", millis / width))
}

/// A number with its thousands apart.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
