//! Files that change under a running engine: what is good is taken up, and the engine goes on as it was for the rest.
//!
//! Flows are checked as at a start, against the same connections. Services are asked anew only for what flows that have
//! changed use. A connection that is new is opened; one that is open stays what it is, for to exchange an account under
//! a cursor could miss records or write them to a stranger. So do connectors and settings: the next start takes them
//! up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flow::project::{ConnectionDefinition, SettingText};
use flow::{Checked, Flow, FlowDefinition};
use runtime::{Connections, Exchange, Exchanged, Handle, Removal};
use sdk::FlowId;
use text::{Diagnostic, SourceFile};

use super::configured::Environment;
use super::services::{Services, Use};
use super::told::Trouble;
use super::understood::{self, SWITCHED_OFF, Understood};
use crate::project::ProjectFiles;
use crate::watching::{Texts, Watch};
use crate::{Failure, problems};

/// Takes changes of files up.
pub struct Reloader {
    dir: PathBuf,
    env: Option<String>,
    environment: Environment,
    /// The project's folder, as an absolute path.
    folder: PathBuf,
    handle: Handle,
    /// What the engine works with; its definitions are those that were read last.
    understood: Understood,
    services: Services,
    connections: Connections,
    /// The files as the engine began with them.
    begun: Texts,
    /// The files as they were read last.
    read: Texts,
    /// What was said of the files when they were read last.
    told: Vec<Diagnostic>,
    notes: Vec<String>,
    /// The flows at work, with the text of the version that they go by.
    at_work: BTreeMap<FlowId, AtWork>,
    behind: BehindList,
}

/// A flow at work, as it was written.
struct AtWork {
    path: Arc<str>,
    text: String,
}

impl AtWork {
    fn of(definition: &FlowDefinition) -> Self {
        Self { path: definition.file().path.clone(), text: definition.text().to_owned() }
    }
}

/// What an engine begins with.
pub(super) struct Begun {
    pub files: ProjectFiles,
    pub understood: Understood,
    pub services: Services,
    pub connections: Connections,
    pub told: Vec<Diagnostic>,
    pub left_out: Vec<(FlowId, String)>,
    pub at_work: BTreeSet<FlowId>,
}

/// What came of reading the files again.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// What is to be said of the files, and was not said before.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that this is said of.
    pub sources: Vec<SourceFile>,
    /// What could not be read.
    pub unreadable: Vec<Failure>,
    /// What only a start takes up, where that was not said before.
    pub notes: Vec<String>,
    /// What became of flows.
    pub done: Vec<(FlowId, Exchanged)>,
    /// Files that say something else than what runs, where that was not so before.
    pub behind: Vec<Behind>,
    /// Files that did so before and do not any more, with nothing done about it: whether each is still there.
    pub caught_up: Vec<(String, bool)>,
}

/// A file that says something else than what runs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Behind {
    /// The file, as it is shown.
    pub file: Option<String>,
    /// The flow, where it is known.
    pub flow: Option<FlowId>,
    /// Why it is not taken up, and what happens meanwhile.
    pub told: String,
}

/// The files that say something else than what runs. Cheap to clone; all clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct BehindList(Arc<Mutex<Vec<Behind>>>);

impl BehindList {
    /// All of them.
    pub fn all(&self) -> Vec<Behind> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// These and no others, from now on; gives those that were there before.
    fn replace(&self, now: Vec<Behind>) -> Vec<Behind> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

impl Reloaded {
    /// Whether there is nothing to tell.
    pub fn is_nothing(&self) -> bool {
        let Self { diagnostics, sources: _, unreadable, notes, done, behind, caught_up } = self;
        let is_silent = diagnostics.is_empty() && unreadable.is_empty() && notes.is_empty();
        is_silent && done.is_empty() && behind.is_empty() && caught_up.is_empty()
    }
}

impl Reloader {
    pub(super) fn new(
        dir: &Path,
        env: Option<String>,
        environment: Environment,
        folder: PathBuf,
        handle: Handle,
        begun: Begun,
    ) -> Self {
        let Begun { files, understood, services, connections, told, left_out, at_work } = begun;
        let texts = Texts::of_files(&files);
        let definitions = understood.definitions.iter().filter(|definition| at_work.contains(definition.id()));
        let at_work = definitions.map(|one| (one.id().clone(), AtWork::of(one))).collect();
        let reloader = Self {
            dir: dir.to_owned(),
            env,
            environment,
            folder,
            handle,
            understood,
            services,
            connections,
            begun: texts.clone(),
            read: texts,
            told,
            notes: Vec::new(),
            at_work,
            behind: BehindList::default(),
        };
        // What a start leaves out is not what runs either, and was told by it.
        let left_out = left_out.into_iter().filter(|(_, reason)| reason != SWITCHED_OFF);
        reloader.behind.replace(left_out.map(|(flow, reason)| reloader.flow_behind(&flow, &reason)).collect());
        reloader
    }

    /// What is behind, for those who tell how the engine stands.
    pub fn behind(&self) -> BehindList {
        self.behind.clone()
    }

    /// Watches the files, from what the engine began with.
    pub fn watch(&self) -> Watch {
        Watch::new(&self.dir, self.env.as_deref(), self.read.clone())
    }

    /// Reads the files again, and has the engine take up what is good of them.
    pub async fn reload(&mut self) -> Reloaded {
        let files = match ProjectFiles::read_whatever_there_is(&self.dir, self.env.as_deref()) {
            Ok(files) => files,
            Err(failure) => return Reloaded { unreadable: vec![failure], ..Reloaded::default() },
        };
        let texts = Texts::of_files(&files);
        let notes = self.take_in(Understood::of(&files), &texts);

        let changed = |definition: &&FlowDefinition| {
            definition.is_enabled() && !definition.is_template() && !self.is_at_work_as(definition)
        };
        let of_changed = self.understood.definitions.iter().filter(changed).flat_map(FlowDefinition::uses);
        let unknown = self.understood.uses(None).into_iter().filter(|used| !self.services.knows(used));
        let uses: BTreeSet<Use> = of_changed.chain(unknown).collect();
        let opened = self.services.open_more(&self.understood, &uses, &self.environment, &self.folder);
        let connections = (!opened.is_empty()).then(|| {
            let opened = opened.iter().filter_map(|name| self.services.one_for_engine(name));
            self.connections.and(opened).redacted_by(self.services.redactor())
        });
        self.connections = connections.clone().unwrap_or_else(|| self.connections.clone());
        self.services.discover(uses, &self.connections).await;
        let mut so_far = self.understood.diagnostics.clone();
        so_far.extend(self.services.diagnostics.iter().cloned());
        let checked = self.understood.check(&self.services.catalog(), so_far);

        let Decided { put, remove, mut behind } = self.decide(&checked, &files);
        let exchange = Exchange { put, remove, connections };
        let done = match exchange.is_nothing() {
            true => Vec::new(),
            // It has stopped; there is nothing to tell any more.
            false => self.handle.exchange(exchange).await.unwrap_or_default(),
        };
        for (flow, exchanged) in &done {
            behind.extend(self.note(flow, exchanged));
        }
        let is_new = |one: &Diagnostic| {
            let is_changed = |path: &str| texts.find(path) != self.read.find(path);
            !self.told.contains(one) || one.labels.iter().any(|label| is_changed(&label.file))
        };
        let diagnostics = checked.diagnostics.iter().filter(|one| is_new(one)).cloned().collect();
        let before = self.behind.replace(behind.clone());
        let is_done = |one: &Behind| done.iter().any(|(flow, _)| Some(flow) == one.flow.as_ref());
        let caught_up = before.iter().filter(|one| !is_done(one)).filter_map(|one| one.file.clone());
        let mut caught_up: Vec<String> =
            caught_up.filter(|file| !behind.iter().any(|one| one.file.as_ref() == Some(file))).collect();
        caught_up.dedup();
        behind.retain(|one| !before.contains(one));
        let new_notes = notes.iter().filter(|note| !self.notes.contains(note)).cloned().collect();
        (self.read, self.told, self.notes) = (texts, checked.diagnostics, notes);
        Reloaded {
            diagnostics,
            sources: files.sources(),
            unreadable: files.unreadable,
            notes: new_notes,
            done,
            behind,
            caught_up: caught_up
                .into_iter()
                .map(|file| (file.clone(), files.places.contains_key(file.as_str())))
                .collect(),
        }
    }

    /// Takes in what may change under a running engine, and tells what may not.
    fn take_in(&mut self, now: Understood, texts: &Texts) -> Vec<String> {
        let mut notes = Vec::new();
        let has_sound_connections = !now.diagnostics.iter().any(understood::is_of_connections);
        if has_sound_connections {
            let mut connections = Vec::new();
            for definition in now.connections {
                let name = &definition.name.value;
                let before = self.understood.connections.iter().find(|known| known.name.value == *name);
                match before.filter(|_| self.services.is_open(name)) {
                    Some(before) => {
                        if !is_same(before, &definition) {
                            notes.push(format!("the connection `{name}` has changed; {NEXT_START}"));
                        }
                        connections.push(before.clone());
                    }
                    None => connections.push(definition),
                }
            }
            for gone in &self.understood.connections {
                let name = &gone.name.value;
                if self.services.is_open(name) && !connections.iter().any(|known| known.name.value == *name) {
                    notes.push(format!("the connection `{name}` is gone; {NEXT_START}"));
                    connections.push(gone.clone());
                }
            }
            self.understood.connections = connections;
        }
        let is_setting = |path: &str| path == crate::project::PROJECT || path.starts_with("connectors");
        for changed in texts.changed_paths(&self.begun).into_iter().filter(|path| is_setting(path)) {
            notes.push(format!("`{}` has changed; {NEXT_START}", text::visible(&changed)));
        }
        self.understood.definitions = now.definitions;
        self.understood.diagnostics = now.diagnostics;
        for definition in &self.understood.definitions {
            // A file that only got another name holds the flow as it is at work.
            if let Some(at_work) = self.at_work.get_mut(definition.id())
                && at_work.text == definition.text()
            {
                at_work.path = Arc::clone(&definition.file().path);
            }
        }
        notes
    }

    /// Whether it is at work as it is written now.
    fn is_at_work_as(&self, definition: &FlowDefinition) -> bool {
        self.at_work.get(definition.id()).is_some_and(|at_work| at_work.text == definition.text())
    }

    /// What is to be done about each flow.
    fn decide(&self, checked: &Checked, files: &ProjectFiles) -> Decided {
        let mut decided = Decided::default();
        let mut meant = BTreeSet::new();
        for (flow, reason) in self.understood.left_out(checked) {
            meant.insert(flow.clone());
            match (reason == SWITCHED_OFF, self.at_work.contains_key(&flow)) {
                (true, true) => decided.remove.push(Removal { flow, reason }),
                (true, false) => {}
                (false, _) => decided.behind.push(self.flow_behind(&flow, &reason)),
            }
        }
        let is_good = |flow: &&Arc<Flow>| flow.enabled && flow.not_run().is_empty();
        for flow in checked.flows.iter().filter(is_good) {
            meant.insert(flow.id.clone());
            let definition = self.understood.definitions.iter().find(|one| *one.id() == flow.id);
            if definition.is_none_or(|definition| self.is_at_work_as(definition)) {
                continue;
            }
            if let Some(old) = flow.was.as_ref().filter(|old| self.at_work.contains_key(*old)) {
                let reason = format!("`{old}` is at work, and a flow is renamed by a start only");
                decided.behind.push(self.flow_behind(&flow.id, &reason));
                meant.insert(old.clone());
                continue;
            }
            if let Some(old) = self.in_place_of(definition) {
                let reason = format!(
                    "its file held `{old}`, which goes on; if it was renamed, write `was: {old}` and start again, else \
                     give it a file of its own"
                );
                decided.behind.push(self.flow_behind(&flow.id, &reason));
                meant.insert(old.clone());
                continue;
            }
            match self.services.trouble_of(&self.understood.uses_of(&flow.id)) {
                None | Some(Trouble::Away(_)) => decided.put.push(flow.clone()),
                Some(Trouble::Refused(reason) | Trouble::Unfit(reason) | Trouble::Broken(reason)) => {
                    decided.behind.push(self.flow_behind(&flow.id, &reason));
                }
            }
        }
        self.decide_on_gone(&meant, files, checked, &mut decided);
        decided
    }

    /// The flow at work whose file now holds this one, and nothing that is called as it was. Taken for another flow,
    /// one that was only renamed would begin anew.
    fn in_place_of(&self, definition: Option<&FlowDefinition>) -> Option<&FlowId> {
        let path = &definition.filter(|definition| !self.at_work.contains_key(definition.id()))?.file().path;
        let is_gone = |flow: &FlowId| !self.understood.definitions.iter().any(|one| one.id() == flow);
        self.at_work.iter().find(|(flow, at_work)| at_work.path == *path && is_gone(flow)).map(|(flow, _)| flow)
    }

    /// What is to be done about flows that are at work and that no file defines as it is now.
    fn decide_on_gone(&self, meant: &BTreeSet<FlowId>, files: &ProjectFiles, checked: &Checked, decided: &mut Decided) {
        for (flow, at_work) in self.at_work.iter().filter(|(flow, _)| !meant.contains(*flow)) {
            let is_there = files.places.contains_key(&at_work.path);
            let defines = self.understood.definitions.iter().find(|one| one.file().path == at_work.path);
            match (is_there, defines) {
                (false, _) => {
                    let reason = format!("`{}` is gone", at_work.path);
                    decided.remove.push(Removal { flow: flow.clone(), reason });
                }
                (true, Some(other)) if other.is_template() || self.at_work.contains_key(other.id()) => {
                    let what = if other.is_template() { "a template" } else { "another flow" };
                    let reason = format!("`{}` is {what} now", at_work.path);
                    decided.remove.push(Removal { flow: flow.clone(), reason });
                }
                // Half written, or with mistakes that hide its id; or another that has mistakes.
                (true, _) => decided.behind.push(self.flow_behind(flow, &of_file(&at_work.path, checked))),
            }
        }
        // New files of which not even the id can be read.
        for file in &files.flows {
            let is_known = self.understood.definitions.iter().any(|one| one.is_of_file(&file.path))
                || self.at_work.values().any(|at_work| at_work.path == file.path);
            let has_errors = checked.diagnostics.iter().any(|one| one.is_error() && is_of(one, &file.path));
            if !is_known && has_errors {
                let told = format!("{}; nothing of it runs", of_file(&file.path, checked));
                decided.behind.push(Behind { file: Some(file.path.to_string()), flow: None, told });
            }
        }
    }

    /// Notes what became of a flow; one that was refused is behind.
    fn note(&mut self, flow: &FlowId, exchanged: &Exchanged) -> Option<Behind> {
        match exchanged {
            Exchanged::Added | Exchanged::Replaced { .. } | Exchanged::AfterPoll => {
                let definition = self.understood.definitions.iter().find(|one| one.id() == flow)?;
                self.at_work.insert(flow.clone(), AtWork::of(definition));
                None
            }
            Exchanged::Removed { .. } => {
                self.at_work.remove(flow);
                None
            }
            Exchanged::Refused(reason) => Some(self.flow_behind(flow, reason)),
        }
    }

    fn flow_behind(&self, flow: &FlowId, reason: &str) -> Behind {
        let definition = self.understood.definitions.iter().find(|one| one.id() == flow);
        let at_work = self.at_work.get(flow);
        let path = definition.map(|one| one.file().path.clone()).or(at_work.map(|at_work| at_work.path.clone()));
        let meanwhile = match (at_work, definition) {
            (None, _) => "it does not run",
            // What it runs is what its file says; only a start would find out that it does not fit any more.
            (Some(at_work), Some(definition)) if at_work.text == definition.text() => {
                "what runs goes on, and a start would leave it out"
            }
            (Some(_), _) => "the version before goes on",
        };
        let says_so = at_work.is_none() && reason.contains("does not run");
        let told = if says_so { format!("{flow}: {reason}") } else { format!("{flow}: {reason}; {meanwhile}") };
        Behind { file: path.map(|path| path.to_string()), flow: Some(flow.clone()), told }
    }
}

/// What only a start can do.
const NEXT_START: &str = "start again to take this up";

/// What is to be done.
#[derive(Default)]
struct Decided {
    put: Vec<Arc<Flow>>,
    remove: Vec<Removal>,
    behind: Vec<Behind>,
}

/// How many mistakes a file has.
fn of_file(path: &str, checked: &Checked) -> String {
    let mistakes: Vec<Diagnostic> = checked.diagnostics.iter().filter(|one| is_of(one, path)).cloned().collect();
    match mistakes.is_empty() {
        true => format!("`{}` cannot be read", text::visible(path)),
        false => format!("{} in `{}`", problems::summary(&mistakes), text::visible(path)),
    }
}

fn is_of(one: &Diagnostic, path: &str) -> bool {
    one.labels.first().is_some_and(|label| *label.file == *path)
}

/// Whether two connections lead to the same account in the same way, wherever they stand.
fn is_same(one: &ConnectionDefinition, other: &ConnectionDefinition) -> bool {
    let settings = |definition: &ConnectionDefinition| -> Vec<(String, String)> {
        let written = |text: &SettingText| match text {
            SettingText::Plain { text, .. } => format!("plain {text}"),
            SettingText::Environment { variable, .. } => format!("variable {variable}"),
            SettingText::File { path, .. } => format!("file {path}"),
        };
        let mut settings: Vec<_> =
            definition.settings.iter().map(|(key, text)| (key.name.clone(), written(text))).collect();
        settings.sort();
        settings
    };
    one.connector.value == other.connector.value && settings(one) == settings(other)
}
