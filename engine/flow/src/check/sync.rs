//! Syncs: both sides exist, every field that follows another can be written and holds the same, and each record finds
//! its counterpart by a value that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use sdk::{Catalog, FlowId, ObjectSchema};
use text::{Diagnostic, Span};

use super::enrol::{CheckedEnrolments, check_enrolments};
use super::literal::held;
use super::mapping::fits;
use super::names::Sees;
use super::write::Creates;
use super::{Checker, DefinedIds};
use crate::codes;
use crate::definition::{
    At, DirectionDefinition, EveryDefinition, FlowDefinition, MappedDefinition, MappedFrom, MappingDefinition,
    PairDefinition, PollDefinition, SourceDefinition, SyncDefinition, TriggerDefinition, WriteDefinition,
};
use crate::model::{Direction, NotRun, On, Policy, Start, Sync, SyncField, Target, Way};

/// What came of checking syncs.
#[derive(Clone, Debug, Default)]
pub struct CheckedSyncs {
    /// Syncs without a mistake.
    pub syncs: Vec<Arc<Sync>>,
    /// Flows that enrol records where they cannot: they are not good, whatever else was said of them.
    pub mistaken: BTreeSet<FlowId>,
    /// All mistakes and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks syncs against what is known of their connections, their ids against those of flows, and what flows enrol in
/// them.
pub fn check_syncs(syncs: &[SyncDefinition], flows: &[FlowDefinition], catalog: &Catalog) -> CheckedSyncs {
    let CheckedEnrolments { diagnostics, mistaken } = check_enrolments(syncs, flows);
    let mut checked = CheckedSyncs { mistaken, diagnostics, ..CheckedSyncs::default() };
    for (number, sync) in syncs.iter().enumerate() {
        let taken = taken_id(sync, &syncs[..number], flows);
        let is_free = taken.is_none();
        let (flow, diagnostics) = check_one(sync, catalog);
        let has_errors = diagnostics.iter().any(Diagnostic::is_error);
        checked.diagnostics.extend(taken.into_iter().chain(diagnostics));
        checked.syncs.extend(flow.filter(|_| is_free && sync.sound && !has_errors).map(Arc::new));
    }
    checked
}

/// A side of a sync, as the other side's records come to it.
struct Side<'a> {
    target: &'a At<Target>,
    schema: Option<&'a ObjectSchema>,
}

/// One way that records go.
struct Course<'a, 's> {
    from: &'s Side<'a>,
    to: &'s Side<'a>,
    /// `to_right` or `to_left`.
    word: &'static str,
    is_right: bool,
}

/// Another sync or a flow that has the same id.
fn taken_id(sync: &SyncDefinition, earlier: &[SyncDefinition], flows: &[FlowDefinition]) -> Option<Diagnostic> {
    let flow = flows.iter().find(|flow| *flow.id() == sync.id.value).map(|flow| flow.source.label(flow.id.span));
    let other = earlier.iter().find(|other| other.id.value == sync.id.value);
    let (path, span) = flow.or_else(|| other.map(|other| (Arc::clone(&other.file.path), other.id.span)))?;
    let message = format!("`{}` is defined in `{path}` as well", sync.id.value);
    let diagnostic = Diagnostic::error(codes::DUPLICATE_FLOW, message)
        .at(&sync.file.path, sync.id.span, "defined here")
        .at(&path, span, "and here");
    Some(diagnostic.help("give one of them another id"))
}

fn check_one(sync: &SyncDefinition, catalog: &Catalog) -> (Option<Sync>, Vec<Diagnostic>) {
    // Names in questions are those of a flow that polls the side that they are asked of.
    let [asks_left, asks_right] = [&sync.left, &sync.right].map(|side| poller(sync, side.clone()));
    let ids = DefinedIds(BTreeMap::new());
    let mut checker = Checker::new(&asks_left, &ids, catalog);
    checker.check_connections();
    let sides = [&sync.left, &sync.right]
        .map(|side| side.as_ref().map(|target| Side { target, schema: checker.object(target) }));
    let mut directions = [None, None];
    if let [Some(left), Some(right)] = &sides {
        checker.check_sides(left, right);
        checker.check_pairs(sync, left, right);
        let right_course = Course { from: left, to: right, word: "to_right", is_right: true };
        let left_course = Course { from: right, to: left, word: "to_left", is_right: false };
        directions[0] = checker.direction(sync, sync.to_right.as_ref(), &right_course);
        directions[1] = checker.direction(sync, sync.to_left.as_ref(), &left_course);
    }
    checker.check_conflict(sync);
    let mut diagnostics = std::mem::replace(&mut checker.diagnostics, text::Diagnostics::new(&sync.file)).into_vec();
    // What goes right is asked of the left side's records, and the other way round.
    let asked = [(&asks_left, &sync.to_right), (&asks_right, &sync.to_left)];
    for (direction, (asks, definition)) in directions.iter_mut().zip(asked) {
        let (skip_if, told) = question(asks, definition.as_ref(), &ids, catalog);
        diagnostics.extend(told);
        if let Some(direction) = direction {
            direction.skip_if = skip_if;
        }
    }
    (complete(sync, directions), diagnostics)
}

/// The sync, where nothing is missing of it.
fn complete(sync: &SyncDefinition, [to_right, to_left]: [Option<Direction>; 2]) -> Option<Sync> {
    let field = |pair: &PairDefinition| SyncField {
        left: pair.left.value.clone(),
        right: pair.right.value.clone(),
        way: pair.way.value,
        policy: pair.policy,
    };
    let position = sync.file.position(sync.id.span.start);
    let place = crate::expr::Place { file: sync.file.path.to_string(), line: position.line, column: position.column };
    Some(Sync {
        id: sync.id.value.clone(),
        file: PathBuf::from(sync.file.path.as_ref()),
        description: sync.description.clone(),
        enabled: sync.enabled,
        left: sync.left.as_ref()?.value.clone(),
        right: sync.right.as_ref()?.value.clone(),
        every: sync.every.as_ref()?.value,
        fields: sync.pairs.iter().map(field).collect(),
        to_right,
        to_left,
        conflict: sync.conflict.as_ref().map(|conflict| conflict.value).unwrap_or_default(),
        deleted: sync.deleted,
        not_run: NotRun { word: "sync".to_owned(), place },
    })
}

/// A flow that polls one side, which is what the sync's questions are asked of.
fn poller(sync: &SyncDefinition, side: Option<At<Target>>) -> FlowDefinition {
    let span = side.as_ref().map_or(sync.id.span, |side| side.span);
    let every = sync.every.as_ref().map(|every| EveryDefinition { min: every.clone(), max: every.value });
    let source = SourceDefinition { span, target: side, filter: None, condition: None, fields: None };
    let on = At { value: On::NewOrUpdated, span };
    let poll = PollDefinition { source, on, every, start: At { value: Start::Now, span }, by: None, with: None };
    FlowDefinition {
        connections: sync.connections.clone(),
        trigger: Some(TriggerDefinition::Poll(poll)),
        ..FlowDefinition::of(&sync.file, At { value: FlowId::new(sync.id.value.as_str()), span: sync.id.span })
    }
}

/// What a direction asks of each record.
fn question(
    asks: &FlowDefinition,
    direction: Option<&DirectionDefinition>,
    ids: &DefinedIds<'_>,
    catalog: &Catalog,
) -> (Option<Arc<crate::Expression>>, Vec<Diagnostic>) {
    let mut checker = Checker::new(asks, ids, catalog);
    let target = asks.trigger.as_ref().and_then(TriggerDefinition::source).and_then(|source| source.target.as_ref());
    checker.polled =
        target.and_then(|target| catalog.objects.get(&(target.value.connection.clone(), target.value.object.clone())));
    if let Some(TriggerDefinition::Poll(poll)) = &asks.trigger {
        checker.check_interval(poll);
    }
    let node = direction.and_then(|direction| direction.skip_if.as_ref());
    let question = node.and_then(|node| checker.question(node, Sees::Poll)).map(Arc::new);
    (question, checker.diagnostics.into_vec())
}

impl<'a> Checker<'a> {
    fn check_sides(&mut self, left: &Side<'a>, right: &Side<'a>) {
        if left.target.value == right.target.value {
            let message = format!("both sides are `{}`", left.target.value);
            self.report(Diagnostic::error(codes::WRONG_VALUE, message).help("name two objects"), right.target.span, "");
        }
    }

    /// Each line's fields exist, hold the same, and can be written where they follow; none follows two others.
    fn check_pairs(&mut self, sync: &SyncDefinition, left: &Side<'a>, right: &Side<'a>) {
        let mut followed: BTreeMap<(bool, &str), Span> = BTreeMap::new();
        for pair in &sync.pairs {
            self.check_pair_of(pair, left, right);
            let ends =
                [(pair.way.value.goes_right(), true, &pair.right), (pair.way.value.goes_left(), false, &pair.left)];
            for (_, is_right, field) in ends.into_iter().filter(|(goes, ..)| *goes) {
                let Some(earlier) = followed.insert((is_right, &field.value), field.span) else { continue };
                let side = if is_right { right } else { left };
                let message = format!("`{}` of `{}` follows two fields", field.value, side.target.value);
                let diagnostic = Diagnostic::error(codes::FOLLOWS_TWO, message)
                    .help("the second would overwrite the first at every turn; keep one of the lines");
                let diagnostic = self.diagnostics.at(diagnostic, field.span, "here");
                let diagnostic = self.diagnostics.at(diagnostic, earlier, "and here");
                self.diagnostics.push(diagnostic);
            }
        }
    }

    fn check_pair_of(&mut self, pair: &PairDefinition, left: &Side<'a>, right: &Side<'a>) {
        let field = |checker: &mut Self, side: &Side<'a>, name: &At<String>| {
            checker.field(side.schema?, &side.target.value.to_string(), &name.value, name.span)
        };
        let (of_left, of_right) = (field(self, left, &pair.left), field(self, right, &pair.right));
        let ends = [
            (pair.way.value.goes_right(), of_right, right, &pair.right, Way::Left),
            (pair.way.value.goes_left(), of_left, left, &pair.left, Way::Right),
        ];
        for (_, field, side, name, other_way) in ends.into_iter().filter(|(goes, ..)| *goes) {
            if name.value == "id" {
                let diagnostic = Diagnostic::error(codes::READ_ONLY_FIELD, "`id` is given by the service")
                    .help("which record is written is said by `match`");
                self.report(diagnostic, name.span, "");
            }
            if field.is_some_and(|field| field.read_only) {
                let message = format!("`{}` of `{}` cannot be written", name.value, side.target.value);
                let diagnostic = Diagnostic::error(codes::READ_ONLY_FIELD, message);
                let diagnostic = match pair.way.value {
                    Way::Both => one_way(diagnostic, pair, other_way),
                    Way::Left | Way::Right => diagnostic.help("leave the line out"),
                };
                self.report(diagnostic, name.span, "the service keeps it itself");
            }
        }
        let (Some(of_left), Some(of_right)) = (of_left, of_right) else { return };
        let (from, to) = match pair.way.value {
            Way::Both | Way::Right => (of_left, of_right),
            Way::Left => (of_right, of_left),
        };
        let back_fits = pair.way.value != Way::Both || fits(to.field_type, from.field_type);
        if !fits(from.field_type, to.field_type) || !back_fits {
            let message = format!(
                "`{}` of `{}` holds {}, and `{}` of `{}` holds {}",
                pair.left.value,
                left.target.value,
                held(of_left.field_type),
                pair.right.value,
                right.target.value,
                held(of_right.field_type)
            );
            let diagnostic = Diagnostic::error(codes::WRONG_FIELD_TYPE, message)
                .help("pair fields that hold the same; a flow can convert one into the other");
            let diagnostic = self.diagnostics.at(diagnostic, pair.left.span, "");
            self.diagnostics.push(self.diagnostics.at(diagnostic, pair.right.span, ""));
        }
    }

    /// How records get to one side: said where any field goes there, and only there.
    fn direction(
        &mut self,
        sync: &'a SyncDefinition,
        definition: Option<&'a DirectionDefinition>,
        course: &Course<'a, '_>,
    ) -> Option<Direction> {
        let goes = |pair: &&PairDefinition| match course.is_right {
            true => pair.way.value.goes_right(),
            false => pair.way.value.goes_left(),
        };
        let first = sync.pairs.iter().find(goes);
        let word = course.word;
        let definition = match (first, definition) {
            (Some(_), Some(definition)) => definition,
            (Some(pair), None) => {
                let message = format!("the sync does not say how records get to `{}`", course.to.target.value);
                let diagnostic = Diagnostic::error(codes::MISSING_KEY, message)
                    .help(format!("add `{word}`, such as `{word}: {{match: email, create: false}}`"));
                self.report(diagnostic, pair.way.span, "a field goes there");
                return None;
            }
            (None, Some(definition)) => {
                // A line that could not be read may well be the one.
                if !sync.pairs.is_empty() {
                    let message = format!("no field goes to `{}`", course.to.target.value);
                    let diagnostic = Diagnostic::error(codes::MISPLACED_KEY, message)
                        .help(format!("remove `{word}`, or let a line of `fields` go that way"));
                    self.report(diagnostic, definition.span, "");
                }
                return None;
            }
            (None, None) => return None,
        };
        let key = definition.key.as_ref()?;
        let key_from = self.counterpart(sync, key, course);
        let write = written(sync, key, course);
        let (creates, span) = (if definition.create { Creates::Always } else { Creates::Never }, definition.span);
        if let Some(schema) = course.to.schema {
            let target = course.to.target.value.to_string();
            self.check_required(&write, schema, creates, span, &target, "to `fields`");
            let field = self.field(schema, &target, &key.value, key.span);
            if key_from.is_some() && field.is_some_and(|field| !field.unique) {
                let message = format!("several `{target}` may have the same `{}`", key.value);
                let diagnostic = Diagnostic::warning(codes::MATCH_NOT_UNIQUE, message)
                    .help("a record with several candidates is skipped and told with them; the others go on");
                self.report(diagnostic, key.span, "the service does not keep it unique");
            }
        }
        let (create, of) = (definition.create, definition.of);
        Some(Direction { key: key.value.clone(), key_from: key_from?, create, of, skip_if: None })
    }

    /// The source's field that holds the value by which its record is found: what a line pairs with it, else the one of
    /// the same name.
    fn counterpart(&mut self, sync: &SyncDefinition, key: &At<String>, course: &Course<'a, '_>) -> Option<String> {
        let paired = sync.pairs.iter().find_map(|pair| {
            let (from, to) = if course.is_right { (&pair.left, &pair.right) } else { (&pair.right, &pair.left) };
            (to.value == key.value).then(|| from.value.clone())
        });
        if let Some(paired) = paired {
            return Some(paired);
        }
        let is_there = course.from.schema.is_none_or(|schema| schema.fields.contains_key(&key.value));
        // One that the target does not have either is told as that.
        let exists = course.to.schema.is_none_or(|schema| schema.fields.contains_key(&key.value));
        if !is_there && exists {
            let (from, to) = (&course.from.target.value, &course.to.target.value);
            let name = &key.value;
            let message = format!("no record of `{from}` has a value for `match: {name}`");
            let diagnostic = Diagnostic::error(codes::NO_COUNTERPART, message)
                .help(format!("pair a field with `{name}` of `{to}` under `fields`; `{from}` has none of that name"));
            self.report(diagnostic, key.span, "");
        }
        is_there.then(|| key.value.clone())
    }

    /// Which side holds is a question only where a field follows both ways.
    fn check_conflict(&mut self, sync: &SyncDefinition) {
        let Some(conflict) = &sync.conflict else { return };
        let goes_both_ways = sync.pairs.iter().any(|pair| pair.way.value == Way::Both);
        if !goes_both_ways && !sync.pairs.is_empty() {
            let diagnostic = Diagnostic::error(
                codes::MISPLACED_KEY,
                "`conflict` decides between two sides, and no field goes both ways",
            )
            .help("remove it, or write `<->` in a line of `fields`");
            self.report(diagnostic, conflict.span, "");
        }
    }
}

/// The diagnostic, with the line as it could be.
fn one_way(diagnostic: Diagnostic, pair: &PairDefinition, way: Way) -> Diagnostic {
    let arrow = match way {
        Way::Both => "<->",
        Way::Right => "->",
        Way::Left => "<-",
    };
    let help = format!("let it go one way: `{} {arrow} {}`", pair.left.value, pair.right.value);
    let is_line = pair.way.span.end - pair.way.span.start == "<->".len();
    if is_line { diagnostic.help(help).fix(pair.way.span, arrow) } else { diagnostic.help(help) }
}

/// What is written to one side, as a flow's step would write it.
fn written(sync: &SyncDefinition, key: &At<String>, course: &Course<'_, '_>) -> WriteDefinition {
    let mut seen = BTreeSet::new();
    let of_pairs = sync.pairs.iter().filter_map(|pair| match course.is_right {
        true => pair.way.value.goes_right().then_some(&pair.right),
        false => pair.way.value.goes_left().then_some(&pair.left),
    });
    let names: Vec<&At<String>> = of_pairs.chain([key]).filter(|name| seen.insert(name.value.clone())).collect();
    let mapped = |name: &&At<String>| MappedDefinition {
        target: (*name).clone(),
        from: MappedFrom::Unread,
        policy: Policy::default(),
    };
    let mapping = MappingDefinition { source: None, fields: names.iter().map(mapped).collect() };
    WriteDefinition { target: Some(course.to.target.clone()), set: Vec::new(), mapping: Some(mapping) }
}
