//! What names mean: those that every expression sees, and those that earlier steps made.

use std::collections::BTreeSet;
use std::ops::Range;

use sdk::ActionResult;
use text::{Diagnostic, Kind, Meant, Node, Span, Text, TextStyle, did_you_mean, did_you_mean_name, shown};

use super::Checker;
use super::known::Holds;
use crate::codes;
use crate::definition::{InputDefinition, StepDefinition, TriggerDefinition, Verb};
use crate::expr::{Read, Reads};

/// Which names an expression sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sees {
    /// The record only: no run exists yet.
    Poll,
    /// The record, the run, and what earlier steps made.
    Run,
    /// The body of a webhook's delivery only: whether it makes a run is what is asked.
    Delivery,
}

/// Where an expression stands in the file.
#[derive(Clone, Copy)]
pub(super) enum Site<'n> {
    /// It begins at `offset` of a node's text.
    Text {
        /// The node.
        node: &'n Node,
        /// Where its text begins.
        offset: usize,
    },
    /// It was made of something else that stands here.
    Made(Span),
}

/// The names that steps made, innermost last.
#[derive(Clone, Debug, Default)]
pub(super) struct Names<'a> {
    visible: Vec<Name<'a>>,
    /// Names whose branch has ended, to say so.
    ended: Vec<String>,
}

/// A name that a step made.
#[derive(Clone, Debug)]
pub(super) struct Name<'a> {
    pub(super) text: String,
    /// Why it may be empty, where it may.
    pub(super) unset: Option<&'static str>,
    pub(super) what: Named<'a>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// A value, with what is known of it.
    Value(Option<Holds<'a>>),
    /// The result of a write.
    Written,
    /// The result of a `delete`.
    Deleted,
    /// The record of a look-up.
    Found(usize),
    /// The records of a look-up.
    FoundList(usize),
    /// A list that was computed.
    List,
    /// What an action leaves behind.
    Acted(&'a [ActionResult]),
}

/// Names that every expression of a run sees.
const BUILT_IN: [&str; 3] = ["run", "flow", "now"];
/// What `failure` has.
const FAILURE: [&str; 4] = ["step", "class", "message", "attempt"];
const NOT_GIVEN: &str = "it need not be given, and has no default";
const NOT_FILLED_IN: &str = "it need not be filled in, and has no default";

impl<'a> Names<'a> {
    /// Makes a name; it hides an earlier one.
    pub(super) fn add(&mut self, name: Name<'a>) {
        self.visible.push(name);
    }

    /// A mark to return to at the end of a branch.
    pub(super) fn mark(&self) -> usize {
        self.visible.len()
    }

    /// Forgets the names made since the mark.
    pub(super) fn end_branch(&mut self, mark: usize) {
        self.ended.extend(self.visible.drain(mark..).map(|name| name.text));
    }

    /// Takes some names as set, and gives back what was known before.
    pub(super) fn assume_set(&mut self, names: &[String]) -> Vec<(usize, Option<&'static str>)> {
        let mut before = Vec::new();
        for text in names {
            if let Some(at) = self.visible.iter().rposition(|name| name.text == *text) {
                before.push((at, self.visible[at].unset.take()));
            }
        }
        before
    }

    /// Undoes [`Names::assume_set`].
    pub(super) fn restore(&mut self, before: Vec<(usize, Option<&'static str>)>) {
        for (at, unset) in before {
            if let Some(name) = self.visible.get_mut(at) {
                name.unset = unset;
            }
        }
    }

    /// Marks the names made since the mark as perhaps empty.
    pub(super) fn mark_unset(&mut self, mark: usize, why: &'static str) {
        for name in &mut self.visible[mark..] {
            name.unset.get_or_insert(why);
        }
    }

    /// What is known of every name, for [`Names::forget_learned`].
    pub(super) fn learned(&self) -> Vec<Option<&'static str>> {
        self.visible.iter().map(|name| name.unset).collect()
    }

    /// Takes back what was learned about names in a branch that has ended.
    pub(super) fn forget_learned(&mut self, before: Vec<Option<&'static str>>) {
        for (name, unset) in self.visible.iter_mut().zip(before) {
            name.unset = unset;
        }
    }

    /// What the name means here.
    pub(super) fn find(&self, text: &str) -> Option<&Name<'a>> {
        self.visible.iter().rev().find(|name| name.text == text)
    }
}

impl<'a> Checker<'a> {
    /// Looks up every name that an expression uses; false where one is not known.
    pub(super) fn check_reads(&mut self, site: Site<'_>, source: &str, reads: &Reads, sees: Sees) -> bool {
        let read_here = reads.roots.values().flat_map(|root| &root.uses).filter_map(|read| read.path.first());
        let around = self.stand_beside(read_here.map(String::as_str));
        let all_known = self.check_roots(site, source, reads, sees);
        self.beside = around;
        all_known
    }

    fn check_roots(&mut self, site: Site<'_>, source: &str, reads: &Reads, sees: Sees) -> bool {
        self.check_comparisons(site, reads);
        let mut all_known = true;
        for (root, uses) in &reads.roots {
            let at = |span: &Range<usize>, checker: &mut Self| checker.site_span(site, span);
            let first_use =
                |checker: &mut Self| uses.uses.first().map(|read| at(&read.span, checker)).unwrap_or_default();
            // What is read of the items of a list is known; of anything else it is not.
            let is_list = matches!(self.names.find(root).map(|name| name.what), Some(Named::FoundList(_)));
            let items = uses.items.first().filter(|_| !is_list).map(|read| &read.span);
            let unknown = [
                (uses.whole.as_ref(), "used as a whole here"),
                (uses.computed.as_ref(), "read by a computed key here"),
                (items, "used as a whole here"),
            ]
            .into_iter()
            .find_map(|(span, how)| Some((at(span?, self), how)));
            match root.as_str() {
                "record" if !self.has_record() => {
                    all_known = false;
                    let span = first_use(self);
                    self.no_record(span);
                }
                "record" => {
                    let target = self.polled_target();
                    for read in &uses.uses {
                        let span = self.property_span(site, source, read);
                        if let Some(field) = read.path.first() {
                            self.record.add(field, span);
                        }
                        let polled = self.polled;
                        self.record_read(&read.path, span, polled, &target);
                    }
                    if let Some((span, how)) = unknown {
                        self.record.add_unknown(span, how);
                    }
                }
                "run" if sees != Sees::Run => {
                    let span = first_use(self);
                    let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, "there is no `run` yet").help(match sees {
                        Sees::Delivery => "a webhook's `id` is read before a run is made",
                        Sees::Poll | Sees::Run => "`where` decides whether a record makes a run at all",
                    });
                    self.report(diagnostic, span, "");
                }
                "run" | "flow" => {
                    for read in uses.uses.iter().filter(|read| read.path.first().is_some_and(|part| part != "id")) {
                        let span = self.property_span(site, source, read);
                        let part = shown(&read.path[0]);
                        let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, format!("`{root}` has no `{part}`"))
                            .help(format!("it has `{root}.id`"));
                        self.report(diagnostic, span, "");
                    }
                }
                "now" => {}
                "errors" => self.check_errors(site, source, &uses.uses, sees),
                "inputs" => self.check_inputs(site, source, &uses.uses),
                "failure" => self.check_failure(site, source, &uses.uses),
                // What a service tells is not known before it tells it.
                "body" if self.has_body() => {}
                "body" => {
                    all_known = false;
                    let span = first_use(self);
                    let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, "there is no `body` in this flow")
                        .help("a flow with `trigger: {webhook: , verify: …}` has what the service tells as `body`");
                    self.report(diagnostic, span, "");
                }
                root => match self.names.find(root).cloned() {
                    Some(name) => {
                        for read in &uses.uses {
                            let span = at(&read.span, self);
                            let property = self.property_span(site, source, read);
                            self.check_use(&name, read, (site, span), property);
                        }
                        if let Named::FoundList(number) = name.what {
                            for read in &uses.items {
                                let Some(field) = &read.field else { continue };
                                let span = self.item_field_span(site, source, &read.span, field);
                                self.found[number].add(field, span);
                            }
                        }
                        if let (Some((span, how)), Named::Found(number) | Named::FoundList(number)) =
                            (unknown, name.what)
                        {
                            self.found[number].add_unknown(span, how);
                        }
                    }
                    None => {
                        all_known = false;
                        for read in &uses.uses {
                            let span = at(&read.span, self);
                            self.unknown_name(root, span);
                        }
                    }
                },
            }
        }
        all_known
    }

    /// `errors` has what steps with `on_error: continue` left there.
    fn check_errors(&mut self, site: Site<'_>, source: &str, uses: &[Read], sees: Sees) {
        const ERROR: [&str; 2] = ["class", "message"];
        for read in uses {
            if sees != Sees::Run || self.continued.is_empty() {
                let span = self.site_span(site, &read.span);
                let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, "no step before this one may fail and go on")
                    .help("`errors` has the failures of steps with `on_error: continue`");
                self.report(diagnostic, span, "");
                return;
            }
            let Some(step) = read.path.first() else { continue };
            let span = self.property_span(site, source, read);
            if !self.continued.contains(step) {
                let known: Vec<String> = self.continued.clone();
                let known = known.iter().map(String::as_str);
                let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, format!("`errors` has no `{}`", shown(step)));
                let diagnostic = match did_you_mean_name(step, known.clone()) {
                    Some(meant) => diagnostic.did_you_mean(span, Some(meant)),
                    None => diagnostic
                        .help(super::connection::listed("steps with `on_error: continue` before this one:", known)),
                };
                self.report(diagnostic, span, "");
            } else if let Some(part) = read.path.get(1).filter(|part| !ERROR.contains(&part.as_str())) {
                let message = format!("an error has no `{}`", shown(part));
                let diagnostic = Diagnostic::error(codes::UNKNOWN_RESULT, message).help("it has `class` and `message`");
                self.report(diagnostic, span, "");
            } else if let (Some(part), false) = (read.path.get(1), read.property_safe)
                && let Some(why) = self.names.find(&format!("errors.{step}")).and_then(|name| name.unset)
            {
                let error = format!("errors.{step}");
                let help = format!("write `{error}?.{part}`, or ask `{error} != ()` first");
                let diagnostic = Diagnostic::error(codes::MAY_BE_UNSET, format!("`{error}` may be empty here"));
                self.report(diagnostic.help(help), span, why);
            }
        }
    }

    /// Makes the inputs of a template and of a manual trigger visible, each under its whole name.
    pub(super) fn add_inputs(&mut self) {
        let definition = self.definition;
        let inputs = definition.trigger.as_ref().and_then(|trigger| trigger.inputs()).unwrap_or_default();
        for input in &definition.inputs {
            let unset = input.may_be_unset.then_some(NOT_FILLED_IN);
            // A template's own value is one that others replace.
            let holds = Holds::of_filled(input).filter(|_| !definition.is_template());
            self.names.add(Name { text: format!("inputs.{}", input.name), unset, what: Named::Value(holds) });
        }
        for InputDefinition { input, default, .. } in inputs {
            let unset = (!input.required && default.is_none()).then_some(NOT_GIVEN);
            let what = Named::Value(Some(Holds::of_input(input)));
            self.names.add(Name { text: format!("inputs.{}", input.name), unset, what });
        }
    }

    /// `inputs` has what a caller gives.
    fn check_inputs(&mut self, site: Site<'_>, source: &str, uses: &[Read]) {
        let Some(trigger) = &self.definition.trigger else { return };
        let of_template = &self.definition.inputs;
        let inputs = trigger.inputs();
        if inputs.is_none() && of_template.is_empty() {
            let Some(read) = uses.first() else { return };
            let span = self.site_span(site, &read.span);
            let help = match self.has_record() {
                true => "its runs are about `record`; a flow with `trigger: {manual: {inputs: …}}` has inputs",
                false => "a flow with `trigger: {manual: {inputs: …}}` has inputs",
            };
            let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, "nobody gives this flow `inputs`").help(help);
            self.report(diagnostic, span, "");
            return;
        }
        let of_caller = inputs.unwrap_or_default().iter().map(|known| known.input.name.as_str());
        let all: Vec<&str> = of_template.iter().map(|known| known.name.as_str()).chain(of_caller).collect();
        for read in uses {
            let Some(input) = read.path.first() else { continue };
            let span = self.property_span(site, source, read);
            let Some(name) = self.names.find(&format!("inputs.{input}")) else {
                let known = all.iter().copied();
                let diagnostic =
                    Diagnostic::error(codes::UNKNOWN_NAME, format!("there is no input `{}`", shown(input)))
                        .help(super::connection::listed("the inputs are", known.clone()))
                        .did_you_mean(span, did_you_mean_name(input, known));
                self.report(diagnostic, span, "");
                continue;
            };
            if let (Some(why), false) = (name.unset, read.property_safe) {
                let name = format!("inputs.{input}");
                let instead = or_nothing(site, &name);
                let diagnostic = Diagnostic::error(codes::MAY_BE_UNSET, format!("`{name}` may be empty here"))
                    .help(format!("write {instead}, ask `{name} != ()` first, or give it a `default`"));
                self.report(diagnostic, span, why);
            }
        }
    }

    /// `failure` is why the run failed, in `on_failure`.
    fn check_failure(&mut self, site: Site<'_>, source: &str, uses: &[Read]) {
        for read in uses {
            if !self.on_failure {
                let span = self.site_span(site, &read.span);
                let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, "there is no `failure` here").help(
                    "the steps of `on_failure` see it; in `steps`, `errors.<step>` is the failure of a step with `on_error: continue`",
                );
                self.report(diagnostic, span, "");
                return;
            }
            let Some(part) = read.path.first().filter(|part| !FAILURE.contains(&part.as_str())) else { continue };
            let span = self.property_span(site, source, read);
            let diagnostic = Diagnostic::error(codes::UNKNOWN_RESULT, format!("`failure` has no `{}`", shown(part)))
                .help(super::connection::listed("it has", FAILURE.into_iter()))
                .did_you_mean(span, did_you_mean(part, FAILURE));
            self.report(diagnostic, span, "");
        }
    }

    /// Whether the flow's runs are about a record. A trigger that cannot be read is taken for one that has records.
    pub(super) fn has_record(&self) -> bool {
        self.definition.trigger.as_ref().is_none_or(|trigger| trigger.source().is_some())
    }

    /// Whether somebody who asks for a run gives inputs.
    pub(super) fn has_callers(&self) -> bool {
        self.definition.trigger.as_ref().is_some_and(|trigger| trigger.inputs().is_some())
    }

    /// Whether a service tells what the flow's runs are about.
    pub(super) fn has_body(&self) -> bool {
        matches!(self.definition.trigger, Some(TriggerDefinition::Webhook(_)))
    }

    /// Says why there is no record.
    pub(super) fn no_record(&mut self, span: Span) {
        let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, "there is no `record` in this flow");
        let has_inputs = self.definition.trigger.as_ref().is_some_and(|trigger| trigger.inputs().is_some());
        let diagnostic = diagnostic.help(match has_inputs {
            true => "its runs are asked for: what the caller gives is `inputs`",
            false if self.has_body() => "its runs are told of by a service: what it tells is `body`",
            false => {
                "its runs start by the clock; add `each: crm.contacts` to the trigger for one run per record, or look records up with `find`"
            }
        });
        self.report(diagnostic, span, "");
    }

    /// The place of a part of an expression.
    pub(super) fn site_span(&mut self, site: Site<'_>, part: &Range<usize>) -> Span {
        match site {
            Site::Text { node, offset } => self.span_in(node, offset + part.start, offset + part.end),
            Site::Made(span) => span,
        }
    }

    fn check_use(&mut self, name: &Name<'a>, read: &Read, (site, span): (Site<'_>, Span), property: Span) {
        if let (Some(why), false) = (name.unset, read.safe) {
            let text = &name.text;
            let help = match read.path.first() {
                Some(field) => format!("write `{text}?.{field}`, or ask `{text} != ()` first"),
                None => format!("write {}, or ask `{text} != ()` first", or_nothing(site, text)),
            };
            let diagnostic = Diagnostic::error(codes::MAY_BE_UNSET, format!("`{text}` may be empty here")).help(help);
            self.report(diagnostic, span, why);
        }
        let Some(field) = read.path.first() else { return };
        match name.what {
            Named::Value(_) | Named::List | Named::FoundList(_) | Named::Acted(_) => {}
            Named::Written => self.check_result("a write", &["id", "created", "changed"], field, property),
            Named::Deleted => self.check_result("a `delete`", &["id", "existed"], field, property),
            Named::Found(number) => self.found[number].add(field, property),
        }
    }

    /// Results of writes have few parts, always the same.
    fn check_result(&mut self, of: &str, parts: &[&str], part: &str, span: Span) {
        if !parts.contains(&part) {
            let message = format!("the result of {of} has no `{}`", shown(part));
            let diagnostic = Diagnostic::error(codes::UNKNOWN_RESULT, message)
                .help(super::connection::listed("it has", parts.iter().copied()))
                .did_you_mean(span, did_you_mean(part, parts.iter().copied()));
            self.report(diagnostic, span, "");
        }
    }

    fn unknown_name(&mut self, root: &str, span: Span) {
        let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, format!("unknown name `{}`", shown(root)));
        let made_by_steps = self.makes(false, root);
        let made_here = if self.on_failure { self.makes(true, root) } else { made_by_steps };
        let visible = self.names.visible.iter().map(|name| name.text.as_str());
        let is_field = self.polled.is_some_and(|schema| schema.fields.contains_key(root));
        let input = format!("inputs.{root}");
        let diagnostic = if root == "item" {
            diagnostic.help("there is an `item` in the steps of `each`, unless it is called otherwise there")
        } else if self.on_failure && made_by_steps {
            diagnostic.help(
                "`on_failure` does not see the names that `steps` made: the run may have failed before; look it up again",
            )
        } else if self.names.ended.iter().any(|ended| ended == root) {
            diagnostic.help("names made in a branch or loop end with it")
        } else if is_made_around(self.steps_here(), root, span.start) {
            diagnostic.help("the results of `each` are there after it; in its steps, `item` is the element, or what `item:` calls it")
        } else if made_here {
            diagnostic.help("it is made by a later step")
        } else if is_field {
            let field = format!("record.{root}");
            diagnostic.did_you_mean(span, Some(Meant::synonym(&field)))
        } else if self.names.find(&input).is_some() {
            diagnostic.did_you_mean(span, Some(Meant::synonym(&input)))
        } else {
            let record = self.has_record().then_some("record").or(self.has_body().then_some("body"));
            let failure = self.on_failure.then_some("failure");
            let seen: Vec<&str> = record.into_iter().chain(BUILT_IN).chain(failure).chain(visible).collect();
            let list = super::connection::listed("names seen here:", seen.iter().copied());
            diagnostic.help(list).did_you_mean(span, did_you_mean_name(root, seen))
        };
        self.report(diagnostic, span, "nothing of this name is known here");
    }

    /// Whether one of the flow's steps makes a name, or one of those of `on_failure`.
    fn makes(&mut self, on_failure: bool, name: &str) -> bool {
        let steps = if on_failure { &self.definition.on_failure } else { &self.definition.steps };
        let made = self.made.entry(on_failure).or_insert_with(|| {
            let mut made = BTreeSet::new();
            gather_made(steps, &mut made);
            made
        });
        made.contains(name)
    }

    /// The steps among which an expression stands.
    fn steps_here(&self) -> &[StepDefinition] {
        if self.on_failure { &self.definition.on_failure } else { &self.definition.steps }
    }

    /// The place of the first property that is read, or of the root where it cannot be told.
    fn property_span(&mut self, site: Site<'_>, source: &str, read: &Read) -> Span {
        let root = self.site_span(site, &read.span);
        let Some(name) = read.path.first() else { return root };
        let Some(after) = source.get(read.span.end..) else { return root };
        let Some(distance) = after.find(name.as_str()) else { return root };
        let joint = |character: char| character.is_whitespace() || matches!(character, '?' | '.' | '[' | '"');
        if !after[..distance].chars().all(joint) {
            return root;
        }
        let start = read.span.end + distance;
        self.site_span(site, &(start..start + name.len()))
    }

    /// The place of a field that is read of a list's items: the first after the list's name that is written so.
    fn item_field_span(&mut self, site: Site<'_>, source: &str, list: &Range<usize>, field: &str) -> Span {
        let after = source.get(list.end..).unwrap_or_default();
        let written = [format!(".{field}"), format!("\"{field}\"")];
        let found = written.iter().filter_map(|text| after.find(text.as_str())).min();
        let part = found.map(|at| list.end + at + 1).map_or(list.clone(), |start| start..start + field.len());
        self.site_span(site, &part)
    }

    /// What the trigger polls, for messages.
    pub(super) fn polled_target(&self) -> String {
        let source = self.definition.trigger.as_ref().and_then(|trigger| trigger.source());
        let target = source.and_then(|source| source.target.as_ref());
        target.map_or_else(|| "record".to_owned(), |target| target.value.to_string())
    }
}

/// How an empty text is put in the place of what may be empty, as it can be written there.
fn or_nothing(site: Site<'_>, name: &str) -> String {
    let written = format!("{name} ?? \"\"");
    let quoted = match site {
        Site::Text { node, .. } => match &node.kind {
            Kind::Text(Text { style: TextStyle::DoubleQuoted, value }) => Some(value),
            Kind::Null
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Float(_)
            | Kind::Text(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Broken => None,
        },
        Site::Made(_) => None,
    };
    match quoted {
        Some(value) if value.trim_start_matches("${").trim_end_matches('}').trim() == name => {
            format!("`'${{ {written} }}'`, in single quotes")
        }
        Some(_) => format!("`{written}`, and the whole value in single quotes"),
        None => format!("`{written}`"),
    }
}

/// Whether the place is in the steps of an `each` whose results have this name.
fn is_made_around(steps: &[StepDefinition], name: &str, at: usize) -> bool {
    let n_before = steps.partition_point(|step| step.span.start <= at);
    let Some(around) = steps[..n_before].last() else { return false };
    let inner = around.verb.inner();
    let is_inside = inner.iter().filter_map(|steps| steps.first()).any(|first| first.span.start <= at);
    let makes_it = around.result.as_ref().is_some_and(|result| result.value == name);
    (is_inside && makes_it && matches!(around.verb, Verb::Each { .. }))
        || inner.into_iter().any(|steps| is_made_around(steps, name, at))
}

/// Every name that steps make, however deep they stand.
fn gather_made<'a>(steps: &'a [StepDefinition], into: &mut BTreeSet<&'a str>) {
    for step in steps {
        into.extend(step.result.as_ref().map(|result| result.value.as_str()));
        if let Verb::Let(entries) = &step.verb {
            into.extend(entries.iter().map(|entry| entry.key.text.as_str()));
        }
        step.verb.inner().into_iter().for_each(|steps| gather_made(steps, into));
    }
}
