//! What a question compares is comparable, and can be so: a number is no text, and a choice has only its options.

use sdk::{Field, FieldType};
use text::{Diagnostic, Span, did_you_mean, shown};

use super::Checker;
use super::field::seen_field;
use super::literal::held;
use super::mapping::converter;
use super::names::{Named, Site};
use crate::codes;
use crate::expr::{Asks, Compared, Comparison, Expression, Reads};

impl<'a> Checker<'a> {
    /// Looks at every comparison of a record's field with a plain value. At run time different types are refused, record
    /// by record; an option that there is not is never met.
    pub(super) fn check_comparisons(&mut self, site: Site<'_>, reads: &Reads) {
        for comparison in &reads.comparisons {
            if let Some(field) = self.compared_field(&comparison.root, &comparison.property) {
                self.check_comparison(site, comparison, field);
            }
        }
    }

    /// The field that is compared, where it is known: of the flow's records, or of those that a look-up found.
    fn compared_field(&self, root: &str, property: &str) -> Option<&'a Field> {
        if root == "record" {
            return self.field_of_record(property);
        }
        match self.names.find(root)?.what {
            Named::Found(number) => seen_field(self.found_schemas.get(number).copied().flatten(), property),
            Named::Value | Named::Written | Named::Deleted | Named::FoundList(_) => None,
        }
    }

    fn check_comparison(&mut self, site: Site<'_>, comparison: &Comparison, field: &Field) {
        let span = self.site_span(site, &comparison.span);
        let (is_comparable, what) = match &comparison.with {
            Compared::Property { root, property } => return self.check_both(comparison, (root, property), field, span),
            // Whatever else is asked to have something in it may be text, which has parts.
            _ if comparison.asks == Asks::Has && field.field_type != FieldType::Choices => return,
            Compared::Text(_) if comparison.asks == Asks::Has => (true, "text"),
            Compared::Text(_) => (matches!(field.field_type, FieldType::Text | FieldType::Choice), "text"),
            Compared::Number => (field.field_type == FieldType::Number, "a number"),
            Compared::Boolean => (field.field_type == FieldType::Boolean, "true or false"),
        };
        if !is_comparable && field.field_type != FieldType::Any {
            let message = format!("`{}` holds {}, and is compared with {what}", field.name, held(field.field_type));
            let diagnostic = Diagnostic::error(codes::OTHER_TYPE, message).maybe_help(remedy(field, comparison));
            self.report(diagnostic, span, "");
            return;
        }
        let Some(written) = option_of(comparison, field) else { return };
        let has_it = field.options.iter().any(|option| option.value == written || option.label == written);
        if field.options.is_empty() || has_it {
            return;
        }
        let message = match comparison.asks {
            Asks::Same => format!("`{}` is never `{}`: there is no such option", field.name, shown(written)),
            Asks::Other | Asks::Has => format!("`{}` has no option `{}`", field.name, shown(written)),
        };
        let values = || field.options.iter().map(|option| option.value.as_str());
        let labels = field.options.iter().map(|option| option.label.as_str());
        let meant = did_you_mean(written, values().chain(labels));
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => super::connection::listed("its options are", values()),
        };
        self.report(Diagnostic::error(codes::NEVER_TRUE, message).help(help), span, "");
    }

    /// Two fields that are compared hold the same.
    fn check_both(&mut self, comparison: &Comparison, other: (&str, &str), field: &Field, span: Span) {
        let Some(second) = self.compared_field(other.0, other.1) else { return };
        if is_comparable(field.field_type, second.field_type) {
            return;
        }
        let message = format!(
            "`{}` holds {}, and is compared with `{}`, which holds {}",
            field.name,
            held(field.field_type),
            second.name,
            held(second.field_type)
        );
        let (first, second) =
            ((format!("{}.{}", comparison.root, field.name), field), (format!("{}.{}", other.0, second.name), second));
        let convert = |(path, of): &(String, &Field), to: &Field| {
            let is_made =
                matches!((of.field_type, to.field_type), (FieldType::Text, _) | (FieldType::Moment, FieldType::Date));
            converter(to.field_type).filter(|_| is_made).map(|function| format!("compare `{function}({path})`"))
        };
        let help = convert(&first, second.1).or_else(|| convert(&second, first.1));
        self.report(Diagnostic::error(codes::OTHER_TYPE, message).maybe_help(help), span, "");
    }

    /// The source with options written as their labels in place of their values, which is what records hold; `None` where
    /// there is nothing to replace.
    pub(super) fn with_values_of_labels(&self, expression: &Expression) -> Option<String> {
        let mut source = expression.source().to_owned();
        let mut comparisons: Vec<&Comparison> = expression.reads().comparisons.iter().collect();
        comparisons.sort_by_key(|comparison| std::cmp::Reverse(comparison.span.start));
        let before = source.len();
        let mut is_changed = false;
        for comparison in comparisons {
            let Some(field) = self.compared_field(&comparison.root, &comparison.property) else { continue };
            let Some(written) = option_of(comparison, field) else { continue };
            let is_value = field.options.iter().any(|option| option.value == written);
            let by_label = field.options.iter().find(|option| option.label == written);
            if let (false, Some(option)) = (is_value, by_label)
                && comparison.span.end <= before
            {
                let value = option.value.replace('\\', "\\\\").replace('"', "\\\"");
                source.replace_range(comparison.span.clone(), &format!("\"{value}\""));
                is_changed = true;
            }
        }
        is_changed.then_some(source)
    }
}

/// Whether values of two types can be compared: options are text.
pub(super) fn is_comparable(one: FieldType, other: FieldType) -> bool {
    match (one, other) {
        (FieldType::Any, _) | (_, FieldType::Any) => true,
        (FieldType::Text | FieldType::Choice, FieldType::Text | FieldType::Choice) => true,
        (one, other) => one == other,
    }
}

/// The option that a comparison asks for, where it can only be one.
fn option_of<'c>(comparison: &'c Comparison, field: &Field) -> Option<&'c str> {
    match (&comparison.with, field.field_type, comparison.asks) {
        (Compared::Text(written), FieldType::Choice, Asks::Same | Asks::Other)
        | (Compared::Text(written), FieldType::Choices, Asks::Has) => Some(written),
        (Compared::Text(_) | Compared::Number | Compared::Boolean | Compared::Property { .. }, ..) => None,
    }
}

fn remedy(field: &Field, comparison: &Comparison) -> Option<String> {
    let name = format!("{}.{}", comparison.root, field.name);
    match (field.field_type, &comparison.with) {
        (FieldType::Number, Compared::Text(text)) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            Some("without the quotes it is a number".to_owned())
        }
        (FieldType::Text, Compared::Number) => {
            Some(format!("compare `to_number({name})`, or put the number in quotes"))
        }
        (FieldType::Boolean, Compared::Text(_)) => Some(format!("ask `{name}` itself, or `not({name})`")),
        (FieldType::Date, Compared::Text(text)) => Some(format!("write `date(\"{}\")`", shown(text))),
        (FieldType::Moment, Compared::Text(text)) => Some(format!("write `moment(\"{}\")`", shown(text))),
        (FieldType::Choices, Compared::Text(text)) => Some(format!("ask `\"{}\" in {name}`", shown(text))),
        (FieldType::Choice | FieldType::Choices, Compared::Number) => {
            Some("an option is text: put it in quotes".to_owned())
        }
        _ => None,
    }
}
