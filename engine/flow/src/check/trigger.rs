//! The poll: an object that can be polled, as often as its connector allows, by a stamp that exists.

use std::collections::BTreeSet;
use std::time::Duration;

use sdk::{ConnectorFacts, ObjectSchema};
use text::{Diagnostic, Kind, Node, Span};

use super::names::Sees;
use super::{Checker, filter};
use crate::codes;
use crate::definition::{At, PollDefinition};
use crate::model::{Every, On, Poll, Trigger};
use crate::template;

impl<'a> Checker<'a> {
    /// The trigger, still without its fields; `None` where a mistake was reported.
    pub(super) fn trigger(&mut self, definition: &'a PollDefinition) -> Option<Poll> {
        let schema = definition.target.as_ref().and_then(|target| self.object(target));
        self.polled = schema;
        let target_name = self.polled_target();
        if let Some(schema) = schema {
            self.check_stamp(definition, schema, &target_name);
        }
        self.check_interval(definition);
        let filter = definition.filter.as_ref().map(|node| self.poll_filter(node, schema, &target_name));
        let condition = definition.condition.as_ref().map(|node| self.question(node, Sees::Poll));
        Some(Poll {
            target: definition.target.as_ref()?.value.clone(),
            on: definition.on,
            every: Every::fixed(definition.every.as_ref()?.value),
            start: definition.start,
            filter: match filter {
                Some(filter) => Some(filter?),
                None => None,
            },
            condition: match condition {
                Some(condition) => Some(condition?),
                None => None,
            },
            fields: Vec::new(),
            by: definition.by.as_ref().map(|by| by.value.clone()),
        })
    }

    /// The fields that the poll asks for, once every expression was seen.
    pub(super) fn polled_fields(&mut self, definition: &'a PollDefinition) -> Option<Vec<String>> {
        let mut filtered = BTreeSet::new();
        if let Some(Kind::Map(_)) = definition.filter.as_ref().map(|node| &node.kind) {
            // What is wrong in the filter has been said; here only its fields matter.
            gather_fields(definition.filter.as_ref(), &mut filtered);
        }
        let target = self.polled_target();
        let (record, schema) = (self.record.clone(), self.polled);
        self.fields_to_read(&record, &filtered, definition.fields.as_ref(), schema, &target)
    }

    fn poll_filter(&mut self, node: &Node, schema: Option<&'a ObjectSchema>, target: &str) -> Option<sdk::Filter> {
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
        let (stamp, what) = match definition.on {
            On::New => (&schema.created_field, "created"),
            On::NewOrUpdated => (&schema.modified_field, "changed"),
            // Not a field of the object: the connector says whether it can.
            On::Archived => return,
        };
        if stamp.is_none() {
            let message = format!("no field of `{target}` is known to say when a record was {what}");
            let likely = schema.fields.values().find(|field| field.field_type == sdk::FieldType::Moment);
            let help = match likely {
                Some(field) => format!("name it with `by`, such as `by: {}`", field.name),
                None => "name it with `by`, such as `by: updated_at`".to_owned(),
            };
            self.report(Diagnostic::error(codes::UNKNOWN_STAMP, message).help(help), definition.span, "");
        }
    }

    /// More calls than the service allows would be refused.
    fn check_interval(&mut self, definition: &PollDefinition) {
        let (Some(At { value: every, span }), Some(facts)) = (&definition.every, self.facts(definition)) else {
            return;
        };
        let least = facts.min_interval;
        if *every < least && !facts.loopback {
            let connector = &facts.connector;
            let message = format!("`{connector}` may not be polled more often than every {}", shown_duration(least));
            let calls = grouped(86_400_000 / least.as_millis().max(1));
            let help = format!("write `every: {}`; that makes {calls} calls a day", shown_duration(least));
            let diagnostic =
                Diagnostic::error(codes::SHORT_INTERVAL, message).help(help).fix(*span, shown_duration(least));
            self.report(diagnostic, *span, "");
        }
    }

    fn facts(&self, definition: &PollDefinition) -> Option<&'a ConnectorFacts> {
        self.catalog.connections.get(&definition.target.as_ref()?.value.connection)
    }
}

/// The trigger, with its fields.
pub(super) fn with_fields(poll: Poll, fields: Vec<String>) -> Trigger {
    Trigger::Poll(Poll { fields, ..poll })
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

fn first_expression(node: &Node) -> Option<Span> {
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
