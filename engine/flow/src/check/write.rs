//! Writes: fields that exist and can be written, all that a service demands, and a match that finds one record.

use std::collections::{BTreeMap, BTreeSet};

use sdk::{Field, FieldType, ObjectSchema};
use text::{Diagnostic, Node, Severity, Span, did_you_mean, shown};

use super::Checker;
use super::literal::held;
use super::mapping::{converter, fits};
use crate::codes;
use crate::definition::{MatchDefinition, WriteDefinition};
use crate::expr::Template;
use crate::model::{Assignments, Policy, Target, WriteStep};

/// What a write does where its record does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Creates {
    Always,
    WhereMissing,
    Never,
}

impl<'a> Checker<'a> {
    /// What a write sets; `None` where a mistake was reported.
    pub(super) fn write(&mut self, write: &'a WriteDefinition, creates: Creates, verb: Span) -> Option<WriteStep> {
        let schema = write.target.as_ref().and_then(|target| self.object(target));
        let target_name = write.target.as_ref().map(|target| target.value.to_string()).unwrap_or_default();
        let mut set: Assignments = Vec::new();
        let mut policies = BTreeMap::new();
        let mut complete = true;
        let around = self.stand_beside(write.written());
        for entry in &write.set {
            let value = self.value(&entry.value);
            let field = self.written_field(schema, &target_name, &entry.key.text, entry.key.span);
            let value = match (value, field) {
                (Some(Template::Literal(value)), Some(field)) => {
                    self.literal(value, &entry.value, field).map(Template::Literal)
                }
                (value, Some(field)) => {
                    self.check_written_type(value.as_ref(), &entry.value, field, &target_name);
                    if let Some(value) = &value {
                        self.check_computed_for(value, &entry.value, field, &target_name);
                    }
                    value
                }
                (value, None) => value,
            };
            match value {
                Some(value) => set.push((entry.key.text.clone(), value)),
                None => complete = false,
            }
        }
        if let Some(mapping) = &write.mapping {
            match self.mapping(mapping, schema, &target_name) {
                Some(mapped) => set.extend(mapped),
                None => complete = false,
            }
            let special = mapping.fields.iter().filter(|mapped| mapped.policy != Policy::Overwrite);
            policies.extend(special.map(|mapped| (mapped.target.value.clone(), mapped.policy)));
        }
        self.beside = around;
        if let (Some(schema), true) = (schema, write.written().next().is_some()) {
            self.check_required(write, schema, creates, verb, &target_name, "to `set`");
        }
        let target: Target = write.target.as_ref()?.value.clone();
        complete.then_some(WriteStep { target, set, policies })
    }

    /// A field of the record that is written as it is holds what the other one takes.
    fn check_written_type(&mut self, value: Option<&Template>, node: &Node, field: &Field, target: &str) {
        let Some(Template::Expression(expression)) = value else { return };
        // Whatever a field `id` holds, `record.id` is the record's id, which is text.
        let read = expression.source().trim().strip_prefix("record.").filter(|name| *name != "id");
        let from = read.and_then(|name| self.polled?.fields.get(name));
        let Some(from) = from.filter(|from| !is_taken(from.field_type, field.field_type)) else { return };
        let message = format!(
            "`{}` of `{}` holds {}, and `{}` of `{target}` takes {}",
            from.name,
            self.polled_target(),
            held(from.field_type),
            field.name,
            held(field.field_type)
        );
        let help = match converter(field.field_type) {
            Some(function) => format!("convert it, such as `${{ {function}(record.{}) }}`", from.name),
            None => format!("compute it, such as `${{ record.{} … }}`", from.name),
        };
        self.report(Diagnostic::error(codes::WRONG_FIELD_TYPE, message).help(help), node.span, "");
    }

    /// The field that is written, where it is known; one that cannot be written is reported.
    pub(super) fn written_field(
        &mut self,
        schema: Option<&'a ObjectSchema>,
        target: &str,
        name: &str,
        span: Span,
    ) -> Option<&'a Field> {
        let schema = schema?;
        let field = match schema.fields.contains_key(name) || name != "id" {
            true => self.field(schema, target, name, span),
            false => {
                let diagnostic = Diagnostic::error(codes::READ_ONLY_FIELD, "`id` is given by the service")
                    .help("which record is written is said by the step's own `id` or `match`");
                self.report(diagnostic, span, "");
                None
            }
        }?;
        if field.read_only {
            let message = format!("`{}` of `{target}` cannot be written", field.name);
            let diagnostic = Diagnostic::error(codes::READ_ONLY_FIELD, message).help("leave it out");
            self.report(diagnostic, span, "the service keeps it itself");
        }
        Some(field)
    }

    /// A record without these is refused by its service.
    pub(super) fn check_required(
        &mut self,
        write: &WriteDefinition,
        schema: &ObjectSchema,
        creates: Creates,
        verb: Span,
        target: &str,
        remedy: &str,
    ) {
        let severity = match creates {
            Creates::Always => Severity::Error,
            Creates::WhereMissing => Severity::Warning,
            Creates::Never => return,
        };
        let set: BTreeSet<&str> = write.written().collect();
        let missing = schema
            .fields
            .values()
            .filter(|field| field.required && !field.read_only && !set.contains(field.name.as_str()))
            .map(|field| (format!("`{}`", field.name), format!("add `{}` {remedy}", field.name)));
        let groups = schema
            .required_one_of
            .iter()
            .filter(|group| !group.is_empty() && !group.iter().any(|field| set.contains(field.as_str())))
            .map(|group| {
                let list = group.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
                (format!("one of {list}"), format!("add one of them {remedy}"))
            });
        for (what, help) in missing.chain(groups).collect::<Vec<_>>() {
            let mut diagnostic =
                Diagnostic::error(codes::MISSING_FIELD, format!("`{target}` makes no record without {what}"))
                    .help(help);
            diagnostic.severity = severity;
            self.report(diagnostic, verb, "");
        }
    }

    /// The matched fields are set, exist, and find one record.
    pub(super) fn check_match(&mut self, key: &MatchDefinition, write: &'a WriteDefinition, ambiguous: sdk::Ambiguous) {
        let MatchDefinition::Fields(fields) = key else { return };
        let schema = write.target.as_ref().and_then(|target| {
            self.catalog.objects.get(&(target.value.connection.clone(), target.value.object.clone()))
        });
        let target_name = write.target.as_ref().map(|target| target.value.to_string()).unwrap_or_default();
        let is_matched = |name: &String| fields.iter().any(|field| field.value == *name);
        let groups = schema.map_or(&[][..], |schema| &schema.unique_together[..]);
        let mut any_unique = groups.iter().any(|group| group.iter().all(is_matched));
        let mut all_known = true;
        for field in fields {
            let known = schema.and_then(|schema| self.field(schema, &target_name, &field.value, field.span));
            any_unique |= known.is_some_and(|known| known.unique);
            all_known &= known.is_some();
            let is_set = write.written().any(|written| written == field.value);
            if !is_set && write.written().next().is_some() && (schema.is_none() || known.is_some()) {
                let name = shown(&field.value);
                let diagnostic = Diagnostic::error(
                    codes::MATCH_NOT_SET,
                    format!("`match` names `{name}`, which `set` does not set"),
                )
                .help(match did_you_mean(&field.value, write.written()).filter(|_| schema.is_none()) {
                    // Which of the two is right, only the fields could tell.
                    Some(near) => format!("`set` sets `{}`: one of the two is mistyped", shown(near.word)),
                    None => format!("add `{name}` to `set`: the record is found by that value"),
                });
                self.report(diagnostic, field.span, "");
            }
        }
        if let (true, false, Some(first), Some(last)) = (all_known, any_unique, fields.first(), fields.last()) {
            let names = fields.iter().map(|field| format!("`{}`", field.value)).collect::<Vec<_>>().join(" and ");
            let then = match ambiguous {
                sdk::Ambiguous::Fail => "the step fails and names them (`ambiguous: fail`)",
                sdk::Ambiguous::Skip => "the run is skipped and names them (`ambiguous: skip`)",
                sdk::Ambiguous::First => "the service's first is written (`ambiguous: first`)",
                sdk::Ambiguous::Oldest => "the oldest is written (`ambiguous: oldest`)",
            };
            let message = format!("several `{target_name}` may have the same {names}");
            let diagnostic = Diagnostic::warning(codes::MATCH_NOT_UNIQUE, message).help(format!(
                "each upsert looks first and then writes, under a lock on that value; where several are found, {then}"
            ));
            self.report(diagnostic, first.span.join(last.span), "the service does not keep it unique");
        }
    }
}

/// Whether a service takes values of one type where it keeps the other. A day has a beginning and a moment has a day,
/// so either is taken for the other.
fn is_taken(from: FieldType, to: FieldType) -> bool {
    match (from, to) {
        (FieldType::Date, FieldType::Moment) | (FieldType::Moment, FieldType::Date) => true,
        (from, to) => fits(from, to),
    }
}
