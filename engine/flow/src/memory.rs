//! What came of files that have not changed since: whoever reads and checks a project again and again does only the
//! work that is new.
//!
//! The answers are those of [`parse`](crate::parse()) and [`check`](crate::check()). A flow that calls others, or that
//! has to do with the id of another, is checked each time, for its answer lies in other files as well.

use std::collections::BTreeMap;
use std::sync::Arc;

use sdk::Catalog;
use text::{Diagnostic, SourceFile};

use crate::check::{CheckedOne, DefinedIds, check_each, check_one};
use crate::definition::FlowDefinition;
use crate::instance::Source;
use crate::parse::{Document, parse_file};
use crate::{Checked, Parsed, ProjectDefaults};

/// What is known of files, by their paths.
#[derive(Debug, Default)]
pub struct Memory {
    parsed: BTreeMap<Arc<str>, (SourceFile, Option<Document>, Vec<Diagnostic>)>,
    /// By the paths of definitions' files; what they were read from is an instance's template, too.
    checked: BTreeMap<Arc<str>, (Source, CheckedOne)>,
    /// What the flows were checked against.
    world: Option<(Catalog, ProjectDefaults)>,
    work: Work,
}

/// How much was really done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Files that were read.
    pub n_parsed: usize,
    /// Flows that were checked.
    pub n_checked: usize,
}

impl Memory {
    /// Reads flow files; those that are as they were are not read again.
    pub fn parse(&mut self, files: &[SourceFile]) -> Parsed {
        let mut before = std::mem::take(&mut self.parsed);
        let mut documents = Vec::new();
        let mut diagnostics = Vec::new();
        for file in files {
            let known = before.remove(&file.path).filter(|(known, _, _)| known == file);
            let (_, document, told) = known.unwrap_or_else(|| {
                self.work.n_parsed += 1;
                let (document, told) = parse_file(file);
                (file.clone(), document, told)
            });
            documents.extend(document.clone());
            diagnostics.extend(told.iter().cloned());
            self.parsed.insert(Arc::clone(&file.path), (file.clone(), document, told));
        }
        Parsed::of(documents, diagnostics)
    }

    /// Checks definitions; those that are as they were, in a world that is, are not checked again.
    pub fn check(&mut self, definitions: &[FlowDefinition], catalog: &Catalog, defaults: &ProjectDefaults) -> Checked {
        let is_same = self.world.as_ref().is_some_and(|(known, usual)| known == catalog && usual == defaults);
        if !is_same {
            self.world = Some((catalog.clone(), defaults.clone()));
            self.checked.clear();
        }
        let mut before = std::mem::take(&mut self.checked);
        check_each(definitions, |definition, ids| {
            let file = definition.file();
            let known = before.remove(&file.path).filter(|(known, _)| *known == definition.source);
            let stands_alone = stands_alone(definition, ids);
            if let Some((_, known)) = known.filter(|_| stands_alone) {
                self.checked.insert(Arc::clone(&file.path), (definition.source.clone(), known.clone()));
                return known;
            }
            self.work.n_checked += 1;
            let checked = check_one(definition, ids, catalog, defaults);
            if stands_alone {
                self.checked.insert(Arc::clone(&file.path), (definition.source.clone(), checked.clone()));
            }
            checked
        })
    }

    /// How much was done since it began.
    pub fn work(&self) -> Work {
        self.work
    }
}

/// Whether what is said of a flow follows from its own file.
fn stands_alone(definition: &FlowDefinition, ids: &DefinedIds<'_>) -> bool {
    definition.was.is_none() && ids.is_unique(definition.id()) && definition.calls().next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(path: &str, text: &str) -> SourceFile {
        SourceFile::new(path, text)
    }

    /// Reads and checks, compares with doing so for the first time, and tells how much was done.
    fn told(memory: &mut Memory, files: &[SourceFile], catalog: &Catalog) -> (usize, usize) {
        let defaults = ProjectDefaults::default();
        let before = memory.work();
        let parsed = memory.parse(files);
        let checked = memory.check(&parsed.definitions, catalog, &defaults);
        let afresh = crate::parse(files);
        assert_eq!(parsed.diagnostics, afresh.diagnostics);
        let checked_afresh = crate::check(&afresh.definitions, catalog, &defaults);
        assert_eq!(checked.diagnostics, checked_afresh.diagnostics);
        let ids = |checked: &Checked| checked.flows.iter().map(|flow| flow.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&checked), ids(&checked_afresh));
        (memory.work().n_parsed - before.n_parsed, memory.work().n_checked - before.n_checked)
    }

    #[test]
    fn only_what_changed_is_done_again() {
        let (mut memory, mut catalog) = (Memory::default(), crate::ui::catalog());
        let copies = |step: &str| {
            format!(
                "flow: copies\nconnections: {{crm: hubspot}}\ntrigger: {{poll: crm.contacts, every: 15s}}\nsteps:\n  - {step}\n"
            )
        };
        let good = flow("flows/copies.yaml", &copies("skip: ${ record.email }"));
        let called = flow("flows/called.yaml", "flow: called\ntrigger: {manual: }\nsteps:\n  - skip: done\n");
        let caller = flow("flows/caller.yaml", "flow: caller\ntrigger: {every: 1h}\nsteps:\n  - run: called\n");
        let files = [good.clone(), called, caller.clone()];
        assert_eq!(told(&mut memory, &files, &catalog), (3, 3));
        assert_eq!(told(&mut memory, &files, &catalog), (0, 1), "the caller depends on who is called");

        let bad = flow("flows/copies.yaml", &copies("skip: ${ record.emial }"));
        assert_eq!(told(&mut memory, &[bad, files[1].clone(), caller.clone()], &catalog), (1, 2));
        assert_eq!(told(&mut memory, &[good.clone(), caller], &catalog), (1, 2), "who is called is gone");

        let twin = flow("flows/twin.yaml", &good.text);
        assert_eq!(told(&mut memory, &[good.clone(), twin], &catalog), (1, 2), "two of one id");
        assert_eq!(told(&mut memory, std::slice::from_ref(&good), &catalog), (0, 1));
        catalog.objects.clear();
        assert_eq!(told(&mut memory, std::slice::from_ref(&good), &catalog), (0, 1), "another world");
        assert_eq!(told(&mut memory, &[good], &catalog), (0, 0));
    }
}
