//! Mappings: each line becomes a value as `set` has them, once the types of both ends are known to fit.

use sdk::{Field, FieldType, ObjectSchema};
use text::{Diagnostic, Kind, Node};

use super::Checker;
use super::literal::held;
use super::names::{Sees, Site};
use crate::codes;
use crate::definition::{At, MappedFrom, MappingDefinition};
use crate::expr::{Expression, Reads, Template};
use crate::model::Assignments;

/// What is mapped where the author does not say.
const RECORD: &str = "record";

impl<'a> Checker<'a> {
    /// What the mapping sets; `None` where a mistake was reported.
    pub(super) fn mapping(
        &mut self,
        mapping: &'a MappingDefinition,
        schema: Option<&'a ObjectSchema>,
        target: &str,
    ) -> Option<Assignments> {
        let source = match &mapping.source {
            Some(node) => self.mapping_source(node),
            None if !self.has_record() => {
                let mapped = mapping.fields.iter().find(|mapped| matches!(mapped.from, MappedFrom::Field { .. }));
                if let Some(mapped) = mapped {
                    let diagnostic = Diagnostic::error(codes::MISSING_KEY, "the mapping does not say what it maps")
                        .help("add `source`, such as `source: ${ item }`; this flow has no `record`");
                    self.report(diagnostic, mapped.target.span, "");
                }
                None
            }
            None => Some(RECORD.to_owned()),
        };
        let mut set = Vec::new();
        let mut complete = true;
        for mapped in &mapping.fields {
            let field = self.written_field(schema, target, &mapped.target.value, mapped.target.span);
            let value = match (&mapped.from, &source) {
                (MappedFrom::Field { name, as_type }, Some(source)) => {
                    if let Some(field) = field {
                        self.check_pair(source, name, *as_type, field, target);
                    }
                    self.mapped_field(source, name, *as_type)
                }
                (MappedFrom::Value(node), _) => {
                    let value = self.value(node);
                    if let (Some(value), Some(field)) = (&value, field) {
                        self.check_computed_for(value, node, field, target);
                    }
                    value
                }
                (MappedFrom::Field { .. }, None) | (MappedFrom::Unread, _) => None,
            };
            match value {
                Some(value) => set.push((mapped.target.value.clone(), value)),
                None => complete = false,
            }
        }
        complete.then_some(set)
    }

    /// The expression that is mapped, its names looked up; `None` where a mistake was reported.
    fn mapping_source(&mut self, node: &Node) -> Option<String> {
        let inner = match &node.kind {
            Kind::Text(text) => super::expression::wrapped(&text.value),
            _ => None,
        };
        let Some((inner, offset)) = inner else {
            let diagnostic = Diagnostic::error(codes::WRONG_TYPE, "`source` must be one expression")
                .help("write it as `source: ${ item }`");
            self.report(diagnostic, node.span, "");
            return None;
        };
        let expression = self.compiled(node, offset, inner)?;
        // Which of its fields are read is said by the mapping.
        let reads = without_whole(expression.reads());
        let known = self.check_reads(Site::Text { node, offset }, inner, &reads, Sees::Run);
        let is_path = inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
        known.then(|| if is_path { inner.to_owned() } else { format!("({inner})") })
    }

    /// `record["field"]`, converted where the author asks for it and it is not empty.
    fn mapped_field(&mut self, source: &str, name: &At<String>, as_type: Option<FieldType>) -> Option<Template> {
        let read = format!("{source}[\"{}\"]", name.value.replace('\\', "\\\\").replace('"', "\\\""));
        let converted = match as_type.and_then(converter) {
            Some(function) => format!("if is_blank({read}) {{ () }} else {{ {function}({read}) }}"),
            None => read,
        };
        let expression = Expression::compile(&converted, &self.place_of(name.span)).ok();
        let Some(expression) = expression else {
            let diagnostic = Diagnostic::error(codes::WRONG_VALUE, "this cannot be the name of a field");
            self.report(diagnostic, name.span, "");
            return None;
        };
        // That the source itself may be empty has been said once.
        let mut reads = expression.reads().clone();
        reads.roots.values_mut().flat_map(|root| &mut root.uses).for_each(|read| read.safe = true);
        self.check_reads(Site::Made(name.span), &converted, &reads, Sees::Run);
        Some(Template::Expression(expression))
    }

    /// A pair whose types do not fit would be refused by the service, record by record.
    fn check_pair(&mut self, source: &str, name: &At<String>, as_type: Option<FieldType>, to: &Field, target: &str) {
        // An id is text, and each database takes it for the number that it is there.
        let is_field = source == RECORD && name.value != "id";
        let mapped = self.field_of_record(&name.value).filter(|_| is_field);
        let (from, what) = match (as_type, mapped) {
            (Some(as_type), _) => (as_type, "this".to_owned()),
            (None, Some(field)) => (field.field_type, format!("`{}` of `{}`", name.value, self.polled_target())),
            (None, None) => return,
        };
        if fits(from, to.field_type) {
            return;
        }
        let message =
            format!("{what} holds {}, and `{}` of `{target}` takes {}", held(from), to.name, held(to.field_type));
        let help = match (to.field_type, converter(to.field_type)) {
            (FieldType::Date, _) if from == FieldType::Moment => {
                format!("write the day that you mean: `\"${{ date({source}.{}) }}\"`", name.value)
            }
            (FieldType::Text | FieldType::Number | FieldType::Date | FieldType::Moment, Some(_)) => {
                format!("convert it: `{{from: {}, type: {}}}`", name.value, word(to.field_type))
            }
            _ => format!("compute it, such as `\"${{ {source}.{} … }}\"`", name.value),
        };
        self.report(Diagnostic::error(codes::WRONG_FIELD_TYPE, message).help(help), name.span, "");
    }
}

/// The same without its uses as a whole.
pub(super) fn without_whole(reads: &Reads) -> Reads {
    let mut reads = reads.clone();
    reads.roots.values_mut().for_each(|root| root.whole = None);
    reads
}

/// Options travel as their values, which are text; a service that has no such option says so.
pub(super) fn fits(from: FieldType, to: FieldType) -> bool {
    match (from, to) {
        (FieldType::Any, _) | (_, FieldType::Any) => true,
        (FieldType::Text | FieldType::Choice, FieldType::Text | FieldType::Choice | FieldType::Choices) => true,
        (from, to) => from == to,
    }
}

/// The function that makes a value one of this type.
pub(super) fn converter(to: FieldType) -> Option<&'static str> {
    match to {
        FieldType::Text => Some("to_string"),
        FieldType::Number => Some("to_number"),
        FieldType::Date => Some("date"),
        FieldType::Moment => Some("moment"),
        FieldType::Boolean | FieldType::Choice | FieldType::Choices | FieldType::Any => None,
    }
}

fn word(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Number => "number",
        FieldType::Date => "date",
        FieldType::Moment => "moment",
        FieldType::Text | FieldType::Boolean | FieldType::Choice | FieldType::Choices | FieldType::Any => "text",
    }
}
