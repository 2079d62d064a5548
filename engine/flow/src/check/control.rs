//! Steps that hold others: what is known in each branch, and what is forgotten at its end.

use std::collections::BTreeSet;

use text::{Diagnostic, Kind, Node, Span};

use super::mapping::without_whole;
use super::names::{Name, Named, Sees, Site};
use super::step::always_ends_run;
use super::{Checker, known};
use crate::codes;
use crate::definition::{EachDefinition, RuleAsks, RuleDefinition, StepDefinition, Verb};
use crate::expr::{Reads, Template};
use crate::model::{EachStep, Rule, RuleQuestion, Step, StepKind};

impl<'a> Checker<'a> {
    /// An `if`.
    pub(super) fn branches(
        &mut self,
        condition: &Node,
        then: &'a [StepDefinition],
        otherwise: &'a [StepDefinition],
    ) -> Option<StepKind> {
        let condition = self.question(condition, Sees::Run);
        let asked = condition.as_ref().map(|question| question.reads().clone()).unwrap_or_default();
        let then = self.branch(then, &asked.set_where_true);
        let otherwise = self.branch(otherwise, &asked.set_where_false);
        Some(StepKind::If { condition: condition?, then, otherwise })
    }

    /// Where one branch always ends the run, whatever comes later follows from the other answer.
    pub(super) fn learn_from_ended_branch(&mut self, verb: &Verb, kind: Option<&StepKind>) {
        let (Verb::If { then, otherwise, .. }, Some(StepKind::If { condition, .. })) = (verb, kind) else { return };
        if always_ends_run(then) {
            self.names.assume_set(&condition.reads().set_where_false);
        }
        if always_ends_run(otherwise) {
            self.names.assume_set(&condition.reads().set_where_true);
        }
    }

    fn branch(&mut self, steps: &'a [StepDefinition], known_set: &[String]) -> Vec<Step> {
        let before = self.names.learned();
        let mark = self.names.mark();
        let n_continued = self.continued.len();
        self.names.assume_set(known_set);
        let steps = self.steps(steps);
        self.names.end_branch(mark);
        self.continued.truncate(n_continued);
        // What a branch learned of earlier names holds in it only.
        self.names.forget_learned(before);
        steps
    }

    /// A `route`: in each rule, all earlier ones are known not to hold.
    pub(super) fn route(&mut self, rules: &'a [RuleDefinition], default: &'a [StepDefinition]) -> Option<StepKind> {
        self.check_rules(rules, default);
        let before = self.names.learned();
        let mut checked = Vec::new();
        for rule in rules {
            let question = self.rule_question(&rule.asks);
            let asked = match &question {
                Some(RuleQuestion::When(when)) => when.reads().clone(),
                Some(RuleQuestion::Filter(_)) | None => Reads::default(),
            };
            let steps = self.branch(&rule.steps, &asked.set_where_true);
            self.names.assume_set(&asked.set_where_false);
            checked.push(question.map(|question| Rule { name: rule.name.value.clone(), question, steps }));
        }
        let default = self.branch(default, &[]);
        self.names.forget_learned(before);
        Some(StepKind::Route { rules: checked.into_iter().collect::<Option<_>>()?, default })
    }

    /// A rule behind one that always holds, or that asks what an earlier one has asked, never holds.
    fn check_rules(&mut self, rules: &[RuleDefinition], default: &[StepDefinition]) {
        let mut earlier: Vec<(&str, Span)> = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let RuleAsks::When(node) = &rule.asks else { continue };
            let asked = match &node.kind {
                Kind::Bool(true) => "true",
                Kind::Text(text) => text.value.trim(),
                Kind::Null
                | Kind::Bool(false)
                | Kind::Int(_)
                | Kind::Float(_)
                | Kind::List(_)
                | Kind::Map(_)
                | Kind::Broken => continue,
            };
            if let Some((_, span)) = earlier.iter().find(|(known, _)| *known == asked) {
                self.unreachable("this rule never holds", node.span, *span, "an earlier one asks the same");
            }
            if asked == "true" {
                let next = rules.get(number + 1).map(|next| next.name.span);
                let next = next.or(default.first().map(|step| step.span));
                if let Some(next) = next {
                    self.unreachable("this is never reached", next, node.span, "this rule always holds");
                }
                return;
            }
            earlier.push((asked, node.span));
        }
    }

    fn unreachable(&mut self, message: &str, span: Span, why: Span, label: &str) {
        let diagnostic = Diagnostic::warning(codes::UNREACHABLE, message)
            .help("the first rule that holds is taken, and `default` where none does");
        let diagnostic = self.diagnostics.at(diagnostic, span, "");
        self.diagnostics.push(self.diagnostics.at(diagnostic, why, label));
    }

    fn rule_question(&mut self, asks: &'a RuleAsks) -> Option<RuleQuestion> {
        match asks {
            RuleAsks::When(node) => self.question(node, Sees::Run).map(RuleQuestion::When),
            RuleAsks::Filter(node) if !self.has_record() => {
                self.no_record(node.span);
                None
            }
            RuleAsks::Filter(node) => {
                let mut fields = BTreeSet::new();
                super::trigger::gather_fields(Some(node), &mut fields);
                fields.iter().for_each(|field| self.record.add(field, node.span));
                let (polled, target) = (self.polled, self.polled_target());
                self.filter(node, polled, &target).map(RuleQuestion::Filter)
            }
            RuleAsks::Unread => None,
        }
    }

    /// An `each`. Items of a look-up's list are records of that look-up, so that their fields are read too.
    pub(super) fn each(&mut self, each: &'a EachDefinition) -> Option<StepKind> {
        let (list, what) = self.each_list(&each.list);
        let before = self.names.learned();
        let mark = self.names.mark();
        let n_continued = self.continued.len();
        self.names.add(Name { text: each.item.clone(), unset: None, what });
        let key = each.key.as_ref().map(|node| self.value(node));
        let steps = self.steps(&each.steps);
        self.names.end_branch(mark);
        self.continued.truncate(n_continued);
        self.names.forget_learned(before);
        Some(StepKind::Each(EachStep {
            list: list?,
            item: each.item.clone(),
            key: match key {
                Some(key) => Some(key?),
                None => None,
            },
            limit: each.limit,
            steps,
        }))
    }

    fn each_list(&mut self, node: &'a Node) -> (Option<Template>, Named<'a>) {
        let found = match &node.kind {
            Kind::Text(text) => super::expression::wrapped(&text.value).and_then(|(inner, offset)| {
                match self.names.find(inner).map(|name| name.what) {
                    Some(Named::FoundList(number)) => Some((inner, offset, number)),
                    Some(
                        Named::Value(_)
                        | Named::Written
                        | Named::Deleted
                        | Named::Found(_)
                        | Named::List
                        | Named::Acted(_),
                    )
                    | None => None,
                }
            }),
            _ => None,
        };
        let Some((inner, offset, number)) = found else {
            let list = self.value(node);
            if let Some(list) = &list {
                self.check_list(node, list);
            }
            let holds = list.as_ref().and_then(known::of_items);
            return (list, Named::Value(holds));
        };
        let expression = self.compiled(node, offset, inner);
        if let Some(expression) = &expression {
            let reads = without_whole(expression.reads());
            self.check_reads(Site::Text { node, offset }, inner, &reads, Sees::Run);
        }
        (expression.map(Template::Expression), Named::Found(number))
    }
}
