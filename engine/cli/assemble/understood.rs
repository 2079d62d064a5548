//! A project's files, understood: flows as written, connections as configured, and every mistake of shape.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use flow::project::{ConnectionDefinition, ProjectFile, overlay, parse_connections, parse_project};
use flow::{Checked, CheckedSyncs, FlowDefinition, Memory, Parsed, SyncDefinition, TestDefinition};
use sdk::{Catalog, Connection, FlowId, ObjectSchema};
use text::{Diagnostic, SourceFile};

use super::registry::Registry;
use super::services::Use;
use super::shares;
use super::{configured, needs};
use crate::project::{PROJECT, ProjectFiles};
use crate::schema::granted::{self, Granted};
use crate::schema::snapshot;
use crate::tables::counted;
use crate::{Failure, problems, runs};

/// What files say, before any name is looked up.
#[derive(Debug, Default)]
pub struct Understood {
    /// Flows whose id could be read.
    pub definitions: Vec<FlowDefinition>,
    /// Syncs whose id could be read.
    pub syncs: Vec<SyncDefinition>,
    /// Tests of flows, where they were read.
    pub tests: Vec<TestDefinition>,
    /// Connections, those of the environment over the usual ones.
    pub connections: Vec<ConnectionDefinition>,
    /// The connectors that there are.
    pub connectors: Registry,
    /// What holds for all flows.
    pub project: ProjectFile,
    /// Mistakes of shape.
    pub diagnostics: Vec<Diagnostic>,
}

/// What is known without asking anybody.
pub struct Offline {
    /// Of connections and, where they were pulled, of their objects.
    pub catalog: Catalog,
    /// The scopes that were granted when somebody pulled.
    pub granted: Vec<Granted>,
    /// What is wrong with the files.
    pub diagnostics: Vec<Diagnostic>,
}

impl Offline {
    /// What flows are checked against, and all that is wrong besides: with the files, and with what was granted.
    fn told(self, understood: &Understood) -> (Catalog, Vec<Diagnostic>) {
        let Self { catalog, granted, mut diagnostics } = self;
        diagnostics.extend(granted.iter().flat_map(|granted| needs::missing(understood, granted)));
        (catalog, diagnostics)
    }
}

impl Understood {
    /// Reads all files; mistakes are kept, and reading goes on.
    pub fn of(files: &ProjectFiles) -> Self {
        Self::remembered(files, &mut Memory::default())
    }

    /// The same, without reading flows again that have not changed.
    pub fn remembered(files: &ProjectFiles, memory: &mut Memory) -> Self {
        let flows: Vec<SourceFile> = files.flows.iter().chain(&files.tests).cloned().collect();
        let parsed = memory.parse(&flows);
        let Parsed { definitions, syncs, tests, diagnostics } = parsed;
        let mut understood = Self { definitions, syncs, tests, ..Self::default() };
        understood.diagnostics.extend(files.diagnostics.iter().cloned());
        understood.diagnostics.extend(diagnostics);
        let (connectors, diagnostics) = Registry::of(&files.connectors);
        understood.connectors = connectors;
        understood.diagnostics.extend(diagnostics);
        for file in &files.connections {
            let (connections, diagnostics) = parse_connections(file);
            understood.connections = overlay(std::mem::take(&mut understood.connections), connections);
            understood.diagnostics.extend(diagnostics);
        }
        if let Some(file) = &files.project {
            let (project, diagnostics) = parse_project(file);
            understood.diagnostics.extend(diagnostics);
            let Self { connections, connectors, .. } = &understood;
            let mistakes = shares::mistakes(&project, connections, connectors, &files.dir);
            understood.diagnostics.extend(mistakes);
            understood.project = project;
        }
        understood
    }

    /// Everything that can be known without asking a service and without a secret; what was pulled of fields is in
    /// `schemas`.
    pub fn check_offline(&self, dir: &Path, schemas: &[SourceFile]) -> Checked {
        self.check_remembered(dir, schemas, &mut Memory::default())
    }

    /// The same, without checking flows again that have not changed.
    pub fn check_remembered(&self, dir: &Path, schemas: &[SourceFile], memory: &mut Memory) -> Checked {
        self.check_known(self.known_offline(dir, schemas), memory)
    }

    /// Everything that can be said of the files by what is known of their connections.
    pub fn check_known(&self, known: Offline, memory: &mut Memory) -> Checked {
        let (catalog, diagnostics) = known.told(self);
        self.check_in(&catalog, diagnostics, memory)
    }

    /// What is known of connections without asking a service, and all that is wrong outside of flows' names.
    pub fn catalog_offline(&self, dir: &Path, schemas: &[SourceFile]) -> (Catalog, Vec<Diagnostic>) {
        self.known_offline(dir, schemas).told(self)
    }

    /// What is known of connections without asking a service and without a secret.
    pub fn known_offline(&self, dir: &Path, schemas: &[SourceFile]) -> Offline {
        let mut catalog = Catalog { connectors: self.connectors.names(), ..Catalog::default() };
        let mut diagnostics = self.diagnostics.clone();
        for definition in &self.connections {
            let (facts, mistakes) = configured::facts_offline(&self.connectors, definition, dir);
            catalog.connections.insert(definition.name.value.clone(), facts);
            if let Ok(connector) = self.connectors.of_connection(definition) {
                catalog.actions.insert(definition.name.value.clone(), connector.actions());
                catalog.offers.insert(definition.name.value.clone(), connector.offers());
                let of_object = |schema: ObjectSchema| ((definition.name.value.clone(), schema.name.clone()), schema);
                catalog.objects.extend(connector.schemas().into_iter().map(of_object));
            }
            diagnostics.extend(mistakes);
        }
        let (pulled, mistakes) = snapshot::read_all(schemas, &self.connections, &self.connectors);
        let (granted, also) = granted::read_all(schemas, &self.connections, &self.connectors);
        // Where connections cannot be read, what was pulled of them belongs to somebody all the same.
        let is_known = !self.diagnostics.iter().any(is_of_connections);
        let blames = |one: &Diagnostic| one.code == crate::codes::SCHEMA_OF_NOBODY;
        diagnostics.extend(mistakes.into_iter().chain(also).filter(|one| is_known || !blames(one)));
        // What an account has goes over what its connector says of all.
        catalog.objects.extend(pulled.into_iter().map(|one| ((one.connection, one.schema.name.clone()), one.schema)));
        Offline { catalog, granted, diagnostics }
    }

    /// The checked flows, and all diagnostics after these, without checking flows again that have not changed.
    pub fn check_in(&self, catalog: &Catalog, diagnostics: Vec<Diagnostic>, memory: &mut Memory) -> Checked {
        let mut checked = memory.check(&self.definitions, catalog, &self.project.defaults());
        checked.diagnostics.extend(flow::check_tests(&self.tests, &self.definitions, catalog));
        self.blamed(self.with_syncs(checked, catalog), diagnostics)
    }

    /// The checked flows, and all diagnostics after these.
    pub fn check(&self, catalog: &Catalog, diagnostics: Vec<Diagnostic>) -> Checked {
        let checked = flow::check(&self.definitions, catalog, &self.project.defaults());
        self.blamed(self.with_syncs(checked, catalog), diagnostics)
    }

    fn with_syncs(&self, mut checked: Checked, catalog: &Catalog) -> Checked {
        let CheckedSyncs { syncs, mistaken, diagnostics } = flow::check_syncs(&self.syncs, &self.definitions, catalog);
        checked.diagnostics.extend(diagnostics);
        checked.flows.retain(|flow| !mistaken.contains(&flow.id));
        Checked { syncs, ..checked }
    }

    fn blamed(&self, mut checked: Checked, mut diagnostics: Vec<Diagnostic>) -> Checked {
        // A file of connections with mistakes may well have those that flows name: they are not the flows' mistakes.
        let is_known = !self.diagnostics.iter().any(is_of_connections);
        let blames = |one: &Diagnostic| one.code == flow::codes::UNKNOWN_CONNECTION;
        diagnostics.extend(std::mem::take(&mut checked.diagnostics).into_iter().filter(|one| is_known || !blames(one)));
        Checked { diagnostics, ..checked }
    }

    /// A connection that is open only to be asked of its limits and costs, which it knows by itself.
    pub fn open_unasked(&self, definition: &ConnectionDefinition, folder: &Path) -> Option<Arc<dyn Connection>> {
        configured::open_unasked(&self.connectors, definition, folder)
    }

    /// The flow of this id as it is written; the one that was meant is offered where there is none.
    pub fn find(&self, flow: &FlowId) -> Result<&FlowDefinition, Failure> {
        let of_id = self.definitions.iter().find(|definition| definition.id() == flow);
        if self.syncs.iter().any(|sync| sync.id() == flow) {
            return Err(Failure::Sync { sync: flow.clone() });
        }
        if of_id.is_some_and(FlowDefinition::is_template) {
            return Err(Failure::Template { flow: flow.clone() });
        }
        of_id.ok_or_else(|| {
            let flows = self.definitions.iter().filter(|definition| !definition.is_template());
            let known: Vec<FlowId> = flows.map(|definition| definition.id().clone()).collect();
            runs::no_flow(flow, &known)
        })
    }

    /// What one flow names.
    pub fn uses_of(&self, flow: &FlowId) -> BTreeSet<Use> {
        self.definitions.iter().filter(|definition| definition.id() == flow).flat_map(FlowDefinition::uses).collect()
    }

    /// A flow, those that it calls, and those that they call: it works only where all of them do.
    pub fn with_called(&self, flow: &FlowId) -> BTreeSet<FlowId> {
        let (mut found, mut unread) = (BTreeSet::new(), vec![flow]);
        while let Some(flow) = unread.pop() {
            if found.insert(flow.clone()) {
                let of_id = self.definitions.iter().filter(|definition| definition.id() == flow);
                unread.extend(of_id.flat_map(FlowDefinition::called));
            }
        }
        found
    }

    /// What all flows that may run name, or these.
    pub fn uses(&self, only: Option<&BTreeSet<FlowId>>) -> BTreeSet<Use> {
        let wanted = |definition: &&FlowDefinition| {
            definition.is_enabled() && only.is_none_or(|only| only.contains(definition.id()))
        };
        self.definitions.iter().filter(wanted).flat_map(FlowDefinition::uses).collect()
    }

    /// Another file that defines a flow of the same id.
    fn also_in(&self, definition: &FlowDefinition) -> Option<&str> {
        let (id, path) = (definition.id(), &definition.file().path);
        let other = self.definitions.iter().find(|other| other.id() == id && other.file().path != *path)?;
        Some(&other.file().path)
    }

    /// Flows that cannot run, and why: those with mistakes, those that this version does not run, and those that are
    /// switched off.
    pub fn left_out(&self, checked: &Checked) -> Vec<(FlowId, String)> {
        let mut left_out: Vec<(FlowId, String)> = Vec::new();
        // A template is no flow, and nothing is wrong with that.
        for definition in self.definitions.iter().filter(|definition| !definition.is_template()) {
            let id = definition.id();
            let good = checked.flows.iter().find(|flow| flow.id == *id && flow.enabled);
            let not_run = good.and_then(|flow| flow.not_run().first());
            if (good.is_some() && not_run.is_none()) || left_out.iter().any(|(known, _)| known == id) {
                continue;
            }
            if let Some(word) = not_run {
                left_out.push((id.clone(), word.to_string()));
                continue;
            }
            let reason = if definition.is_enabled() {
                if let Some(file) = self.also_in(definition) {
                    left_out
                        .push((id.clone(), format!("defined in `{}` and also in `{file}`", definition.file().path)));
                    continue;
                }
                let of_file =
                    |one: &&Diagnostic| one.labels.first().is_some_and(|label| definition.is_of_file(&label.file));
                let mistakes: Vec<Diagnostic> = checked.diagnostics.iter().filter(of_file).cloned().collect();
                format!("{} in `{}`", problems::summary(&mistakes), definition.file().path)
            } else {
                SWITCHED_OFF.to_owned()
            };
            left_out.push((id.clone(), reason));
        }
        left_out.extend(checked.syncs.iter().map(|sync| {
            let reason = if sync.enabled { sync.not_run.to_string() } else { SWITCHED_OFF.to_owned() };
            (sync.id.clone(), reason)
        }));
        left_out
    }
}

/// Whether a mistake is one of `connections.yaml`, or of an environment's.
pub fn is_of_connections(one: &Diagnostic) -> bool {
    one.is_error() && one.labels.first().is_some_and(|label| label.file.starts_with("connections."))
}

/// Whether a mistake is one of `millrace.yaml`: what it says of all flows would not be kept.
pub fn is_of_project(one: &Diagnostic) -> bool {
    one.is_error() && one.labels.first().is_some_and(|label| &*label.file == PROJECT)
}

/// Why a flow with `enabled: false` does not run.
pub const SWITCHED_OFF: &str = "switched off by `enabled: false`";

/// How many mistakes there are in how many files, those that could not be read included.
pub fn summary(diagnostics: &[Diagnostic], n_unreadable: u64) -> String {
    let found = problems::summary(diagnostics);
    match n_unreadable {
        0 => found,
        _ if diagnostics.is_empty() => format!("{} could not be read", counted(n_unreadable, "file")),
        _ => format!("{found}, and {} could not be read", counted(n_unreadable, "file")),
    }
}
