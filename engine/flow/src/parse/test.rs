//! A test document: cases of a flow, and what comes of them.

use sdk::FlowId;
use text::{Diagnostic, Diagnostics, Entry, Kind, Map, Node, SourceFile, did_you_mean, shown};

use super::reader::Reader;
use super::step::step_name;
use crate::codes;
use crate::definition::{
    About, AboutKind, At, CaseDefinition, ExpectDefinition, ExpectedSet, ExpectedStep, GivenDefinition, StepReference,
    TestDefinition,
};
use crate::language::words::{CLASSES, ENDS};
use crate::language::{CASE, EXPECTED, GIVEN, KindOfMap, Kinds, TEST};

/// Words for what a run is about.
const ABOUT: [(&str, AboutKind); 3] =
    [("record", AboutKind::Record), ("inputs", AboutKind::Inputs), ("body", AboutKind::Body)];

/// Reads a test; `None` where it cannot be told which flow is tested.
pub(super) fn read(file: &SourceFile, map: &Map, diagnostics: &mut Diagnostics) -> Option<TestDefinition> {
    let mut reader = Reader::new(diagnostics);
    reader.keys(map, &TEST);
    let flow = map.get("test").and_then(|entry| reader.id(entry));
    map.get("description").and_then(|entry| reader.text(entry));
    let cases = match map.get("cases") {
        Some(entry) => {
            let items = reader.list(entry, "a list of cases").unwrap_or_default();
            if items.is_empty() && matches!(entry.value.kind, Kind::List(_)) {
                reader.report(Diagnostic::error(codes::WRONG_VALUE, "`cases` has no case"), entry.key.span);
            }
            let mut names: Vec<At<String>> = Vec::new();
            items.iter().filter_map(|item| case(&mut reader, entry, item, &mut names)).collect()
        }
        None => {
            reader.missing_key(
                map,
                "cases",
                &TEST,
                "the test has no `cases`",
                "say what is tried, and what comes of it",
            );
            Vec::new()
        }
    };
    let flow = flow?;
    Some(TestDefinition { file: file.clone(), flow: At { value: FlowId::new(flow.value), span: flow.span }, cases })
}

fn case(reader: &mut Reader<'_>, cases: &Entry, node: &Node, names: &mut Vec<At<String>>) -> Option<CaseDefinition> {
    let Kind::Map(map) = &node.kind else {
        reader.wrong_type(node, cases.key.span, "a case", "a map such as `{name: …, record: …, expect: skipped}`");
        return None;
    };
    reader.keys(map, &CASE);
    match map.get("name").map(|entry| reader.text(entry)) {
        Some(Some(name)) => case_name(reader, name, names),
        Some(None) => {}
        None => reader.missing_key(map, "name", &CASE, "the case has no `name`", "say in a sentence what it shows"),
    }
    let mut about = ABOUT.into_iter().filter_map(|(word, kind)| Some((kind, map.get(word)?)));
    let first = about.next();
    if let Some((_, second)) = about.next() {
        let message = format!("a run is about one thing, and this one has `{}` as well", second.key.text);
        let help = "a flow that polls has `record`, one with `manual` has `inputs`, one with `webhook` has `body`";
        reader.report(Diagnostic::error(codes::MISPLACED_KEY, message).help(help), second.key.span);
    }
    let about = first.and_then(|(kind, entry)| {
        let values = reader.map(entry)?.entries.clone();
        Some(About { kind, span: entry.key.span, values })
    });
    let given = map.get("given").and_then(|entry| reader.list(entry, "a list of what services do"));
    let given = given.unwrap_or_default().iter().filter_map(|item| given_line(reader, item)).collect();
    let expect = match map.get("expect") {
        Some(entry) => expect(reader, entry),
        None => {
            let help = "say how the run ends, such as `expect: skipped`, or what it writes";
            reader.missing_key(map, "expect", &CASE, "the case does not say what comes of it", help);
            ExpectDefinition::Unread
        }
    };
    Some(CaseDefinition { about, given, expect })
}

fn case_name(reader: &mut Reader<'_>, name: At<String>, names: &mut Vec<At<String>>) {
    if let Some(earlier) = names.iter().find(|earlier| earlier.value == name.value) {
        let message = format!("two cases are called `{}`", shown(&name.value));
        let diagnostic = Diagnostic::error(codes::BAD_NAME, message).help("say what is different");
        let diagnostic = reader.diagnostics.at(diagnostic, name.span, "this one");
        let diagnostic = reader.diagnostics.at(diagnostic, earlier.span, "and this one");
        reader.diagnostics.push(diagnostic);
    }
    names.push(name);
}

fn given_line(reader: &mut Reader<'_>, node: &Node) -> Option<GivenDefinition> {
    let (map, step) = step_of(reader, node, &GIVEN)?;
    map.get("fails").and_then(|entry| reader.word(entry, &CLASSES));
    let gives = map.get("gives").map(|entry| entry.value.clone());
    match (map.get("fails"), &gives) {
        (Some(fails), Some(_)) => {
            let diagnostic = Diagnostic::error(codes::MISPLACED_KEY, "what fails gives no answer")
                .help("keep `fails` or `gives`; two lines for one step are taken one after the other");
            reader.report(diagnostic, fails.key.span);
        }
        (None, None) => {
            let first = map.entries.first().map(|entry| entry.key.span).unwrap_or(node.span);
            let diagnostic = Diagnostic::error(codes::MISSING_KEY, "the line does not say what the service does")
                .help("add `fails: transient`, or `gives` with its answer");
            reader.report(diagnostic, first);
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
    Some(GivenDefinition { step, gives })
}

fn expect(reader: &mut Reader<'_>, entry: &Entry) -> ExpectDefinition {
    match &entry.value.kind {
        Kind::Text(_) => reader.word(entry, &ENDS).map_or(ExpectDefinition::Unread, |_| ExpectDefinition::End),
        Kind::List(items) => {
            ExpectDefinition::Steps(items.iter().filter_map(|item| expected_step(reader, item)).collect())
        }
        _ => {
            let ends = ENDS.words.iter().map(|word| format!("`{}`", word.word)).collect::<Vec<_>>().join(", ");
            let wanted = format!("{ends}, or a list of what the run writes and calls");
            reader.wrong_type(&entry.value, entry.key.span, "expect", &wanted);
            ExpectDefinition::Unread
        }
    }
}

fn expected_step(reader: &mut Reader<'_>, node: &Node) -> Option<ExpectedStep> {
    let (map, step) = step_of(reader, node, &EXPECTED)?;
    let set = match (map.get("set"), map.get("set_includes")) {
        (Some(_), Some(second)) => {
            let diagnostic = Diagnostic::error(
                codes::MISPLACED_KEY,
                "`set` is all that is written, so `set_includes` says nothing more",
            );
            reader.report(diagnostic.help("keep one of them"), second.key.span);
            None
        }
        (Some(entry), None) => expected_set(reader, entry, true),
        (None, Some(entry)) => expected_set(reader, entry, false),
        (None, None) => None,
    };
    let with = map.get("with").and_then(|entry| reader.map(entry));
    Some(ExpectedStep {
        step,
        set,
        id: map.get("id").map(|entry| entry.value.clone()),
        with: with.map(|with| with.entries.clone()).unwrap_or_default(),
    })
}

fn expected_set(reader: &mut Reader<'_>, entry: &Entry, is_exact: bool) -> Option<ExpectedSet> {
    let fields = reader.map(entry)?.entries.clone();
    Some(ExpectedSet { span: entry.key.span, is_exact, fields })
}

/// The step that a line is about, its keys looked at.
fn step_of<'n>(reader: &mut Reader<'_>, node: &'n Node, kinds: &'static Kinds) -> Option<(&'n Map, StepReference)> {
    let Kind::Map(map) = &node.kind else {
        reader.wrong_type(node, node.span, kinds.what, "a map such as `{upsert: warehouse.customers}`");
        return None;
    };
    let told = |kind: &&KindOfMap| map.get(kind.told_by[0]).is_some();
    let Some(kind) = kinds.kinds.iter().find(told) else {
        let words = || kinds.kinds.iter().map(|kind| kind.told_by[0]);
        let list = words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let diagnostic = Diagnostic::error(codes::VERB, format!("{} does not say which step it is about", kinds.what))
            .help(format!("it has one of {list}"));
        let meant = map.entries.iter().find_map(|entry| {
            let is_known = kinds.kinds.iter().any(|kind| kind.mapping.knows(&entry.key.text));
            let meant = did_you_mean(&entry.key.text, words()).filter(|_| !is_known)?;
            Some((entry.key.span, meant))
        });
        let first = map.entries.first().map_or(node.span, |entry| entry.key.span);
        let (diagnostic, span) = match meant {
            Some((span, meant)) => (diagnostic.did_you_mean(span, Some(meant)), span),
            None => (diagnostic, first),
        };
        reader.report(diagnostic, span);
        return None;
    };
    reader.keys(map, kind.mapping);
    let word = kind.told_by[0];
    let entry = map.get(word)?;
    let reference = match word {
        "step" => step_name(reader, entry).map(StepReference::Name),
        "run" => reader.id(entry).map(|object| verb(entry, object)),
        "do" => action(reader, entry).map(|object| verb(entry, object)),
        _ => reader.target(entry).map(|target| {
            let object = At { value: target.value.to_string(), span: target.span };
            verb(entry, object)
        }),
    };
    Some((map, reference.unwrap_or(StepReference::Unread)))
}

fn verb(entry: &Entry, object: At<String>) -> StepReference {
    StepReference::Verb { verb: At { value: entry.key.text.clone(), span: entry.key.span }, object }
}

fn action(reader: &mut Reader<'_>, entry: &Entry) -> Option<At<String>> {
    let wanted = "a connection and its action, such as `crm.associate`";
    reader.fixed_text(&entry.value, entry.key.span, "do", wanted)
}
