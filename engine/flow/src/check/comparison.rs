//! What a question compares is comparable, and can be so: a number is no text, and a choice has only its options.

use sdk::{Field, FieldType};
use text::{Diagnostic, did_you_mean, shown};

use super::Checker;
use super::literal::held;
use super::names::Site;
use crate::codes;
use crate::expr::{Compared, Comparison, Expression, Reads};

impl Checker<'_> {
    /// Looks at every comparison of a record's field with a plain value. At run time different types are refused, record
    /// by record; an option that there is not is never met.
    pub(super) fn check_comparisons(&mut self, site: Site<'_>, reads: &Reads) {
        for comparison in reads.comparisons.iter().filter(|comparison| comparison.root == "record") {
            let field = self.field_of_record(&comparison.property);
            if let Some(field) = field {
                self.check_comparison(site, comparison, field);
            }
        }
    }

    fn check_comparison(&mut self, site: Site<'_>, comparison: &Comparison, field: &Field) {
        let span = self.site_span(site, &comparison.span);
        let (is_comparable, what) = match &comparison.with {
            Compared::Text(_) => (matches!(field.field_type, FieldType::Text | FieldType::Choice), "text"),
            Compared::Number => (field.field_type == FieldType::Number, "a number"),
            Compared::Boolean => (field.field_type == FieldType::Boolean, "true or false"),
        };
        if !is_comparable && !matches!(field.field_type, FieldType::Any | FieldType::Choices) {
            let message = format!("`{}` holds {}, and is compared with {what}", field.name, held(field.field_type));
            let diagnostic = Diagnostic::error(codes::OTHER_TYPE, message).maybe_help(remedy(field, &comparison.with));
            self.report(diagnostic, span, "");
            return;
        }
        let (Compared::Text(written), FieldType::Choice) = (&comparison.with, field.field_type) else { return };
        let has_it = field.options.iter().any(|option| option.value == *written || option.label == *written);
        if field.options.is_empty() || has_it {
            return;
        }
        let message = match comparison.asks_same {
            true => format!("`{}` is never `{}`: there is no such option", field.name, shown(written)),
            false => format!("`{}` has no option `{}`", field.name, shown(written)),
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

    /// The source with options written as their labels in place of their values, which is what records hold; `None` where
    /// there is nothing to replace.
    pub(super) fn with_values_of_labels(&self, expression: &Expression) -> Option<String> {
        let mut source = expression.source().to_owned();
        let mut comparisons: Vec<&Comparison> = expression.reads().comparisons.iter().collect();
        comparisons.sort_by_key(|comparison| std::cmp::Reverse(comparison.span.start));
        let before = source.len();
        let mut is_changed = false;
        for comparison in comparisons.into_iter().filter(|comparison| comparison.root == "record") {
            let field = self.field_of_record(&comparison.property);
            let (Some(field), Compared::Text(written)) = (field, &comparison.with) else { continue };
            let is_value = field.options.iter().any(|option| option.value == *written);
            let by_label = field.options.iter().find(|option| option.label == *written);
            if let (FieldType::Choice, false, Some(option)) = (field.field_type, is_value, by_label)
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

fn remedy(field: &Field, compared: &Compared) -> Option<String> {
    let name = &field.name;
    match (field.field_type, compared) {
        (FieldType::Number, Compared::Text(text)) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            Some("without the quotes it is a number".to_owned())
        }
        (FieldType::Text, Compared::Number) => {
            Some(format!("compare `to_number(record.{name})`, or put the number in quotes"))
        }
        (FieldType::Boolean, Compared::Text(_)) => Some(format!("ask `record.{name}` itself, or `not(record.{name})`")),
        (FieldType::Date, Compared::Text(text)) => Some(format!("write `date(\"{}\")`", shown(text))),
        (FieldType::Moment, Compared::Text(text)) => Some(format!("write `moment(\"{}\")`", shown(text))),
        (FieldType::Choice, Compared::Number) => Some("an option is text: put it in quotes".to_owned()),
        _ => None,
    }
}
