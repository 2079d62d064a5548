//! What a question compares is comparable, and can be so: a number is no text, a choice has only its options, and
//! nothing is two things at once.

use std::collections::BTreeSet;

use sdk::FieldType;
use text::{Diagnostic, did_you_mean, quoted, shown};

use super::Checker;
use super::known::{Holds, Options};
use super::literal::held;
use super::names::Site;
use crate::codes;
use crate::expr::{Compared, Comparison, Expression, LookUp, Operand, Operator, Reads};

/// A side of a comparison of which it is known what it holds.
struct Side<'c, 'a> {
    operand: &'c Operand,
    holds: Holds<'a>,
}

impl<'a> Checker<'a> {
    /// Looks at every comparison of what is known. At run time different types are refused, record by record; an option
    /// that there is not is never met.
    pub(super) fn check_comparisons(&mut self, site: Site<'_>, reads: &Reads) {
        for comparison in &reads.comparisons {
            self.check_comparison(site, &comparison.clone().path_first());
        }
        for look_up in &reads.look_ups {
            self.check_look_up(site, look_up);
        }
        let mut told = BTreeSet::new();
        for comparisons in &reads.together {
            self.check_together(site, comparisons, &mut told);
        }
    }

    fn check_comparison(&mut self, site: Site<'_>, comparison: &Comparison) {
        let Comparison { left, right, operator } = comparison;
        let (Some(of_left), Some(of_right)) = (self.side(left), self.side(right)) else { return };
        if *operator == Operator::Within {
            match (of_right.holds.field_type, &left.what) {
                (FieldType::Choices, Compared::Number(_) | Compared::Boolean(_)) => {
                    self.other_type(site, &of_right, &of_left);
                }
                (FieldType::Choices, _) => self.check_option(site, &of_right, left, *operator),
                // Whatever else is asked to have something in it may be text, which has parts.
                _ => {}
            }
            return;
        }
        // Two plain values say what they say.
        if !matches!(left.what, Compared::Path(_)) {
            return;
        }
        let (Some(kind), Some(other)) = (kind(of_left.holds.field_type), kind(of_right.holds.field_type)) else {
            return;
        };
        if kind != other {
            self.other_type(site, &of_left, &of_right);
        } else if operator.is_order() && kind == FieldType::Boolean {
            let message = format!("`{}` is true or false, which has no order", of_left.name());
            let help = format!("ask `{}` itself, or `not({})`", of_left.written(), of_left.written());
            let span = self.site_span(site, &right.span);
            self.report(Diagnostic::error(codes::OTHER_TYPE, message).help(help), span, "");
        } else if of_left.holds.field_type == FieldType::Choice {
            self.check_option(site, &of_left, right, *operator);
        } else if of_right.holds.field_type == FieldType::Choice {
            self.check_option(site, &of_right, left, *operator);
        }
    }

    /// What a choice is looked up among is its values: an entry under a label is never found.
    fn check_look_up(&mut self, site: Site<'_>, look_up: &LookUp) {
        let Some(holds) = self.known(&look_up.by) else { return };
        if holds.field_type != FieldType::Choice || holds.options.values().is_empty() {
            return;
        }
        let name = path_name(&look_up.by);
        for (entry, span) in &look_up.entries {
            let value = holds.options.value_of(entry);
            if value == Some(entry) {
                continue;
            }
            let span = self.site_span(site, span);
            let shown = shown(entry);
            let diagnostic = match value {
                Some(value) => {
                    let message = format!("`{name}` is never `{shown}`: that is a label, and records hold the value");
                    let written = if crate::expr::is_reserved(value) { quoted(value) } else { value.to_owned() };
                    Diagnostic::error(codes::NEVER_TRUE, message).help(format!("write its value, `{written}`"))
                }
                // An option that there was, or will be, does no harm in a table.
                None => {
                    let message = format!("`{name}` is never `{shown}`: there is no such option");
                    let help = super::connection::listed("its options are", holds.options.values().into_iter());
                    Diagnostic::warning(codes::NEVER_TRUE, message).help(help)
                }
            };
            self.report(diagnostic, span, "");
        }
    }

    fn side<'c>(&self, operand: &'c Operand) -> Option<Side<'c, 'a>> {
        let plain = |field_type| Some(Holds::plain(field_type));
        let holds = match &operand.what {
            Compared::Path(path) => self.known(path),
            Compared::Text(_) => plain(FieldType::Text),
            Compared::Number(_) => plain(FieldType::Number),
            Compared::Boolean(_) => plain(FieldType::Boolean),
            Compared::Date => plain(FieldType::Date),
            Compared::Moment => plain(FieldType::Moment),
            Compared::Nothing => None,
        };
        Some(Side { operand, holds: holds? })
    }

    fn other_type(&mut self, site: Site<'_>, left: &Side<'_, '_>, right: &Side<'_, '_>) {
        let with = match &right.operand.what {
            Compared::Path(_) => format!("`{}`, which holds {}", right.name(), held(right.holds.field_type)),
            Compared::Text(_) => "text".to_owned(),
            Compared::Number(_) => "a number".to_owned(),
            Compared::Boolean(_) => "true or false".to_owned(),
            Compared::Date => "a date".to_owned(),
            Compared::Moment => "a moment".to_owned(),
            Compared::Nothing => "nothing".to_owned(),
        };
        let message = format!("`{}` holds {}, and is compared with {with}", left.name(), held(left.holds.field_type));
        let span = self.site_span(site, &right.operand.span);
        let diagnostic = Diagnostic::error(codes::OTHER_TYPE, message).maybe_help(remedy(left, right));
        self.report(diagnostic, span, "");
    }

    /// What a choice is compared with is one of its options.
    fn check_option(&mut self, site: Site<'_>, choice: &Side<'_, '_>, with: &Operand, operator: Operator) {
        let options = choice.holds.options;
        let written = match &with.what {
            Compared::Text(written) => written.as_str(),
            Compared::Path(path) => match self.known(path).map(|holds| holds.options) {
                Some(Options::Always(said)) => said,
                Some(Options::Unknown | Options::OfField(_) | Options::OfInput(_)) | None => return,
            },
            Compared::Number(_) | Compared::Boolean(_) | Compared::Nothing | Compared::Date | Compared::Moment => {
                return;
            }
        };
        if options == Options::Unknown {
            return;
        }
        if let Some(value) = options.value_of(written) {
            // In the comparison itself, a label becomes its value.
            if let (Compared::Path(path), true) = (&with.what, value != written) {
                let (name, made) = (choice.name(), path.join("."));
                let message =
                    format!("`{name}` is never `{}`: `{made}` is a label, and records hold the value", shown(written));
                let help = format!("give `{made}` the value: `{}`", shown(value));
                let span = self.site_span(site, &with.span);
                self.report(Diagnostic::error(codes::NEVER_TRUE, message).help(help), span, "");
            }
            return;
        }
        let (name, shown) = (choice.name(), shown(written));
        let message = match operator {
            Operator::Same | Operator::Among => format!("`{name}` is never `{shown}`: there is no such option"),
            Operator::Within
            | Operator::Other
            | Operator::Less
            | Operator::AtMost
            | Operator::More
            | Operator::AtLeast => {
                format!("`{name}` has no option `{shown}`")
            }
        };
        let (values, labels) = (options.values(), options.labels());
        let meant = did_you_mean(written, values.iter().chain(&labels).copied());
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => super::connection::listed("its options are", values.into_iter()),
        };
        let span = self.site_span(site, &with.span);
        self.report(Diagnostic::error(codes::NEVER_TRUE, message).help(help), span, "");
    }

    /// Comparisons that must all hold can do so. Each contradiction is told once.
    fn check_together(&mut self, site: Site<'_>, comparisons: &[Comparison], told: &mut BTreeSet<usize>) {
        let comparisons: Vec<Comparison> = comparisons.iter().cloned().map(Comparison::path_first).collect();
        for (number, later) in comparisons.iter().enumerate() {
            let Compared::Path(path) = &later.left.what else { continue };
            let holds = self.known(path);
            let earlier = comparisons[..number].iter().find(|earlier| {
                earlier.left.what == later.left.what && contradict(earlier, later, holds.map(|holds| holds.options))
            });
            let Some(earlier) = earlier.filter(|_| told.insert(later.right.span.start)) else { continue };
            let name = path_name(path);
            let (message, help) = match (&earlier.right.what, &later.right.what, earlier.operator, later.operator) {
                (Compared::Text(one), Compared::Text(other), Operator::Same, Operator::Same) => (
                    format!("`{name}` is never both `{}` and `{}`", shown(one), shown(other)),
                    format!(
                        "ask whether it is one of them: `{} in [{:?}, {:?}]`",
                        path.join("."),
                        shown(one),
                        shown(other)
                    ),
                ),
                _ => (
                    format!("what is asked of `{name}` before leaves no room for this"),
                    "write `||` where one of them is enough".to_owned(),
                ),
            };
            let (span, before) = (self.site_span(site, &later.right.span), self.site_span(site, &earlier.right.span));
            let diagnostic = Diagnostic::error(codes::NEVER_TRUE, message).help(help);
            let diagnostic = self.diagnostics.at(diagnostic, span, "");
            let diagnostic = self.diagnostics.at(diagnostic, before, "asked before");
            self.diagnostics.push(diagnostic);
        }
    }

    /// The source with options written as their labels in place of their values, which is what records hold; `None`
    /// where there is nothing to replace.
    pub(super) fn with_values_of_labels(&self, expression: &Expression) -> Option<String> {
        let mut replaced: Vec<(std::ops::Range<usize>, &str)> = Vec::new();
        for comparison in &expression.reads().comparisons {
            let Comparison { left, right, operator } = comparison.clone().path_first();
            let (choice, with) = if operator == Operator::Within { (right, left) } else { (left, right) };
            let (Compared::Path(path), Compared::Text(written)) = (&choice.what, &with.what) else { continue };
            let Some(holds) = self.known(path) else { continue };
            let is_choice = matches!(holds.field_type, FieldType::Choice | FieldType::Choices);
            let value = holds.options.value_of(written).filter(|value| *value != written && is_choice);
            replaced.extend(value.map(|value| (with.span, value)));
        }
        replaced.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        replaced.dedup_by_key(|(span, _)| span.start);
        let mut source = expression.source().to_owned();
        for (span, value) in &replaced {
            if span.end <= expression.source().len() {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                source.replace_range(span.clone(), &format!("\"{value}\""));
            }
        }
        (!replaced.is_empty()).then_some(source)
    }
}

impl Side<'_, '_> {
    /// What messages call it: a record's field by its own name.
    fn name(&self) -> String {
        match &self.operand.what {
            Compared::Path(path) => path_name(path),
            Compared::Text(_)
            | Compared::Number(_)
            | Compared::Boolean(_)
            | Compared::Nothing
            | Compared::Date
            | Compared::Moment => String::new(),
        }
    }

    /// How an expression reads it.
    fn written(&self) -> String {
        match &self.operand.what {
            Compared::Path(path) => path.join("."),
            Compared::Text(_)
            | Compared::Number(_)
            | Compared::Boolean(_)
            | Compared::Nothing
            | Compared::Date
            | Compared::Moment => String::new(),
        }
    }
}

/// What messages call a path: a record's field by its own name.
pub(super) fn path_name(path: &[String]) -> String {
    match path {
        [root, rest @ ..] if root == "record" && !rest.is_empty() => rest.join("."),
        path => path.join("."),
    }
}

/// Whether values of two types can be compared: options are text.
pub(super) fn is_comparable(one: FieldType, other: FieldType) -> bool {
    kind(one).zip(kind(other)).is_none_or(|(one, other)| one == other)
}

/// What is compared as one type; `None` for what may be several.
fn kind(field_type: FieldType) -> Option<FieldType> {
    match field_type {
        FieldType::Text | FieldType::Choice => Some(FieldType::Text),
        FieldType::Number | FieldType::Boolean | FieldType::Date | FieldType::Moment | FieldType::Choices => {
            Some(field_type)
        }
        FieldType::Any => None,
    }
}

/// Whether two comparisons of the same value cannot both hold. `()` is other than everything.
fn contradict(one: &Comparison, other: &Comparison, options: Option<Options<'_>>) -> bool {
    let value = |written: &str| options.and_then(|options| options.value_of(written)).unwrap_or(written).to_owned();
    let are_same = match (&one.right.what, &other.right.what) {
        (Compared::Text(one), Compared::Text(other)) => value(one) == value(other),
        (Compared::Boolean(one), Compared::Boolean(other)) => one == other,
        (Compared::Nothing, Compared::Nothing) => true,
        (Compared::Number(left), Compared::Number(right)) => {
            return !leaves_room((one.operator, *left), (other.operator, *right));
        }
        (Compared::Nothing, Compared::Text(_) | Compared::Boolean(_) | Compared::Number(_))
        | (Compared::Text(_) | Compared::Boolean(_) | Compared::Number(_), Compared::Nothing) => false,
        // What they give, and which of two types is meant, is not known here.
        _ => return false,
    };
    match (one.operator, other.operator) {
        (Operator::Same, Operator::Same) => !are_same,
        (Operator::Same, Operator::Other) | (Operator::Other, Operator::Same) => are_same,
        _ => false,
    }
}

/// Whether some number fulfils both.
fn leaves_room(one: (Operator, f64), other: (Operator, f64)) -> bool {
    let fulfils = |number: f64, (operator, bound): (Operator, f64)| match operator {
        Operator::Same | Operator::Among => number == bound,
        Operator::Other => number != bound,
        Operator::Less => number < bound,
        Operator::AtMost => number <= bound,
        Operator::More => number > bound,
        Operator::AtLeast => number >= bound,
        Operator::Within => true,
    };
    // Both bounds, what lies between them and what lies beyond: one of these, if any.
    let (least, most) = (one.1.min(other.1), one.1.max(other.1));
    let step = 1.0 + most.abs() + least.abs();
    [least - step, least, (least + most) / 2.0, most, most + step]
        .into_iter()
        .any(|number| fulfils(number, one) && fulfils(number, other))
}

/// What would make the two comparable.
fn remedy(left: &Side<'_, '_>, right: &Side<'_, '_>) -> Option<String> {
    let name = left.written();
    match (left.holds.field_type, &right.operand.what) {
        (FieldType::Number, Compared::Text(text)) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            Some("without the quotes it is a number".to_owned())
        }
        (FieldType::Text, Compared::Number(_)) => {
            Some(format!("compare `to_number({name})`, or put the number in quotes"))
        }
        (FieldType::Boolean, Compared::Text(_)) => Some(format!("ask `{name}` itself, or `not({name})`")),
        (FieldType::Date, Compared::Text(text)) if is_dated(text) => Some(format!("write `date(\"{}\")`", shown(text))),
        (FieldType::Moment, Compared::Text(text)) if is_dated(text) => {
            Some(format!("write `moment(\"{}\")`", shown(text)))
        }
        (FieldType::Choices, Compared::Text(text)) => Some(format!("ask `\"{}\" in {name}`", shown(text))),
        (FieldType::Choice | FieldType::Choices, Compared::Number(_)) => {
            Some("an option is text: put it in quotes".to_owned())
        }
        (FieldType::Moment, Compared::Date) => Some(format!("compare the day: `date({name})`")),
        (FieldType::Date, Compared::Moment) => Some("compare with a day: `date( … )`".to_owned()),
        (_, Compared::Path(_)) => remedy_of_two(left, right).or_else(|| remedy_of_two(right, left)),
        _ => None,
    }
}

/// Whether a text begins as a day does.
fn is_dated(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

fn remedy_of_two(left: &Side<'_, '_>, right: &Side<'_, '_>) -> Option<String> {
    let name = left.written();
    match (left.holds.field_type, right.holds.field_type) {
        (FieldType::Text, FieldType::Number) => Some(format!("compare `to_number({name})`")),
        (FieldType::Text, FieldType::Date) | (FieldType::Moment, FieldType::Date) => {
            Some(format!("compare `date({name})`"))
        }
        (FieldType::Text, FieldType::Moment) => Some(format!("compare `moment({name})`")),
        _ => None,
    }
}
