//! From files to definitions: the shape of every document, without looking anything up.
//!
//! Reading goes on after every mistake, in the same file and in the next one.

mod call;
mod control;
mod damaged;
mod duration;
pub(crate) mod flow;
pub(crate) mod manual;
mod poll;
pub(crate) mod reader;
mod safety;
mod schedule;
mod step;
mod sync;
mod test;
mod trigger;
mod value;
mod webhook;
mod write;

use text::{Diagnostic, Diagnostics, Kind, Map, SourceFile, Span};

use crate::codes;
use crate::definition::{FlowDefinition, SyncDefinition, TestDefinition};
use crate::instance::{self, InstanceDefinition, TemplateDefinition};
pub(crate) use damaged::{QUESTIONS, explain};
pub use duration::duration;
pub(crate) use duration::meant as meant_duration;
pub(crate) use value::{is_id, is_name, target};

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// Every flow whose id could be read.
    pub definitions: Vec<FlowDefinition>,
    /// Every sync whose id could be read.
    pub syncs: Vec<SyncDefinition>,
    /// Every test whose flow is named.
    pub tests: Vec<TestDefinition>,
    /// All mistakes of shape.
    pub diagnostics: Vec<Diagnostic>,
}

/// What one file holds.
#[derive(Clone, Debug)]
pub(crate) enum Document {
    Flow(Box<FlowDefinition>),
    Template(Box<TemplateDefinition>),
    Instance(Box<InstanceDefinition>),
    Sync(Box<SyncDefinition>),
    Test(Box<TestDefinition>),
}

/// Reads flow files.
pub fn parse(files: &[SourceFile]) -> Parsed {
    let mut documents = Vec::new();
    let mut diagnostics = Vec::new();
    for file in files {
        let (document, told) = parse_file(file);
        documents.extend(document);
        diagnostics.extend(told);
    }
    Parsed::of(documents, diagnostics)
}

impl Parsed {
    /// What documents hold together: instances become flows by their templates.
    pub(crate) fn of(documents: Vec<Document>, mut diagnostics: Vec<Diagnostic>) -> Self {
        let (mut definitions, mut templates, mut instances) = (Vec::new(), Vec::new(), Vec::new());
        let (mut syncs, mut tests) = (Vec::new(), Vec::new());
        for document in documents {
            match document {
                Document::Flow(flow) => definitions.push(*flow),
                Document::Template(template) => templates.push(*template),
                Document::Instance(instance) => instances.push(*instance),
                Document::Sync(sync) => syncs.push(*sync),
                Document::Test(test) => tests.push(*test),
            }
        }
        let (made, told) = instance::assemble(&templates, &instances, &definitions);
        definitions.extend(made);
        diagnostics.extend(told);
        Self { definitions, syncs, tests, diagnostics }
    }
}

/// Reads one file.
pub(crate) fn parse_file(file: &SourceFile) -> (Option<Document>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::new(file);
    let document = parse_one(file, &mut diagnostics).map(|document| match document {
        Document::Flow(flow) => Document::Flow(Box::new(FlowDefinition { sound: !diagnostics.has_errors(), ..*flow })),
        // What is wrong with these was noted where they were read.
        other @ (Document::Template(_) | Document::Instance(_) | Document::Sync(_) | Document::Test(_)) => other,
    });
    (document, diagnostics.into_vec())
}

fn parse_one(file: &SourceFile, diagnostics: &mut Diagnostics) -> Option<Document> {
    let document = text::parse_yaml(file);
    for diagnostic in document.diagnostics {
        diagnostics.push(damaged::explain(file, diagnostic));
    }
    let mut root = document.root?;
    damaged::mend_pairs(&mut root, diagnostics);
    let Kind::Map(map) = &root.kind else {
        diagnostics.error(
            codes::UNKNOWN_DOCUMENT,
            root.span,
            format!("a flow is a map that begins with `flow: its-id`, and this is {}", root.describe()),
            "",
        );
        return None;
    };
    let first = map.entries.first()?;
    match first.key.text.as_str() {
        "flow" => read_flow(file, map, diagnostics),
        "sync" => sync::read(file, map, diagnostics).map(|sync| Document::Sync(Box::new(sync))),
        "test" => test::read(file, map, diagnostics).map(|test| Document::Test(Box::new(test))),
        "connector" => {
            let message = "a connector's manifest stands in `connectors/`, and not among the flows";
            let diagnostic = Diagnostic::error(codes::UNKNOWN_DOCUMENT, message).help("move the file there");
            diagnostics.push(diagnostic.at(&file.path, first.key.span, ""));
            None
        }
        other => {
            let diagnostic = Diagnostic::error(
                codes::UNKNOWN_DOCUMENT,
                format!("a document cannot begin with `{}`", text::shown(other)),
            )
            .at(&file.path, first.key.span, "the first key says what the document is");
            let kinds = ["flow", "sync", "test", "connector"];
            diagnostics.push(match (map.get("flow"), crate::language::FLOW.knows(other)) {
                (Some(_), _) => diagnostic.help("move `flow:` to the top"),
                (None, true) => {
                    let start = Span::new(first.key.span.start, first.key.span.start);
                    let line = format!("flow: {}\n", proposed_id(file));
                    let help =
                        format!("this looks like a flow without its first line; begin with `{}`", line.trim_end());
                    diagnostic.help(help).fix(start, line)
                }
                (None, false) => diagnostic
                    .help("begin with `flow:` and the flow's id")
                    .did_you_mean(first.key.span, text::did_you_mean(other, kinds)),
            });
            // With `flow` further down, the rest can be read all the same.
            map.get("flow").and_then(|_| read_flow(file, map, diagnostics))
        }
    }
}

/// A flow, a template that flows are made of, or a flow that is made of one.
fn read_flow(file: &SourceFile, map: &Map, diagnostics: &mut Diagnostics) -> Option<Document> {
    if map.get("from").is_some() {
        return instance::read_instance(file, map, diagnostics).map(|instance| Document::Instance(Box::new(instance)));
    }
    if map.get("inputs").is_some() {
        return instance::read_template(file, map, diagnostics).map(|template| Document::Template(Box::new(template)));
    }
    let source = instance::Source::of_file(file);
    flow::read(file, source, map, diagnostics).map(|flow| Document::Flow(Box::new(flow)))
}

/// The id that a flow of this file would have by the file's name.
fn proposed_id(file: &SourceFile) -> &str {
    let name = file.path.rsplit('/').next().and_then(|name| name.split('.').next());
    name.filter(|name| value::is_id(name)).unwrap_or("new-leads")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_file_does_not_hide_another() {
        let files = [
            SourceFile::new("a.yaml", "flow: [\n"),
            SourceFile::new(
                "b.yaml",
                "flow: good\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - skip: done\n",
            ),
            SourceFile::new("c.yaml", ""),
            SourceFile::new("d.yaml", "flow: ../../etc\n"),
        ];
        let parsed = parse(&files);
        let good: Vec<_> = parsed.definitions.iter().filter(|definition| definition.sound).collect();
        assert_eq!(good.len(), 1);
        assert_eq!(good[0].id().as_str(), "good");
        for file in [0, 2, 3] {
            assert!(parsed.diagnostics.iter().any(|one| one.labels[0].file == files[file].path), "{file}");
        }
    }

    #[test]
    fn what_must_be_discovered() {
        let file = SourceFile::new(
            "a.yaml",
            "flow: a\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n  - if: true\n    then:\n      - create: db.public.t\n        set: {a: 1}\n",
        );
        let parsed = parse(&[file]);
        assert_eq!(parsed.diagnostics, []);
        let uses: Vec<_> =
            parsed.definitions[0].uses().into_iter().map(|(name, object)| format!("{name} {object}")).collect();
        assert_eq!(uses, ["crm contacts", "db public.t"]);
        assert_eq!(parsed.definitions[0].connections(), [("crm".into(), "hubspot".to_owned())]);
    }
}
