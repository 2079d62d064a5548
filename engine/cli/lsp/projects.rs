//! The projects that open buffers belong to: their files as they lie on disk, the buffers over them, and what a check
//! says of both.

use std::path::{Path, PathBuf};

use flow::Memory;
use flow::assist::{Cursor, Surroundings};
use flow::language::Document;
use lsp_types::Position;
use sdk::{Catalog, ConnectionName};
use text::{Diagnostic, SourceFile};

use super::documents::{Buffer, Documents};
use crate::assemble::Understood;
use crate::project::{self, CONNECTORS, FLOWS, PROJECT, ProjectFiles, SCHEMAS};

/// One project, as it was checked last.
#[derive(Debug)]
pub struct Project {
    /// Its folder.
    pub dir: PathBuf,
    /// Its files, with buffers over them.
    pub files: ProjectFiles,
    /// What they say.
    pub understood: Understood,
    /// What is known of its connections.
    pub catalog: Catalog,
    /// Everything that is wrong.
    pub diagnostics: Vec<Diagnostic>,
    env: Option<String>,
    memory: Memory,
}

/// What a file is to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A flow, or a sync.
    Flow,
    /// A test of a flow.
    Test,
    /// `connections.yaml`, or that of an environment.
    Connections,
    /// `millrace.yaml`.
    Settings,
    /// A connector's manifest.
    Manifest,
    /// The pulled fields of an object.
    Schema,
}

impl Role {
    /// What a file is by its place; elsewhere it is a flow where it says so. Other people's YAML is none of our
    /// business.
    pub fn of(dir: &Path, path: &Path, text: &str) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        if !(name.ends_with(".yaml") || name.ends_with(".yml")) || name.starts_with('.') {
            return None;
        }
        let folder = path.parent()?;
        let is_test = name.ends_with(".test.yaml");
        if folder == dir.join(FLOWS) {
            return Some(if is_test { Self::Test } else { Self::Flow });
        }
        if folder == dir.join(CONNECTORS) {
            return Some(Self::Manifest);
        }
        if folder == dir.join(SCHEMAS) {
            return Some(Self::Schema);
        }
        if folder == dir && name == PROJECT {
            return Some(Self::Settings);
        }
        if folder == dir && name.starts_with("connections.") {
            return Some(Self::Connections);
        }
        let is_flow = ["flow:", "sync:"].iter().any(|key| first_line(text).starts_with(key));
        (!is_test && is_flow).then_some(Self::Flow)
    }

    /// The language that it is written in, where an editor can be told about it.
    pub fn document(self, text: &str) -> Option<Document> {
        match self {
            Self::Flow if first_line(text).starts_with("sync:") => Some(Document::Sync),
            Self::Flow => Some(Document::Flow),
            Self::Test => Some(Document::Test),
            Self::Connections => Some(Document::Connections),
            Self::Settings => Some(Document::Settings),
            Self::Manifest | Self::Schema => None,
        }
    }
}

/// The line that says what a document is.
fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or_default()
}

/// The folder of the project that a file belongs to: the nearest one above it, but none above the editor's own folders.
pub fn folder_of(path: &Path, roots: &[PathBuf]) -> PathBuf {
    let parent = path.parent().unwrap_or(path);
    let root = roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.components().count());
    let is_within = |dir: &&Path| root.is_none_or(|root| dir.starts_with(root));
    let found = parent.ancestors().take_while(is_within).find(|dir| project::is_one(dir));
    // A first flow may be typed before its folder is there.
    let of_folder = || parent.parent().filter(|_| parent.file_name().is_some_and(|name| name == FLOWS));
    found.or_else(of_folder).unwrap_or(parent).to_owned()
}

impl Project {
    /// A project that was not looked at yet.
    pub fn new(dir: PathBuf, env: Option<String>) -> Self {
        Self {
            dir,
            files: ProjectFiles::default(),
            understood: Understood::default(),
            catalog: Catalog::default(),
            diagnostics: Vec::new(),
            env,
            memory: Memory::default(),
        }
    }

    /// Reads what lies on disk, takes buffers over it, and checks.
    pub fn check(&mut self, documents: &Documents) {
        self.files = self.read();
        for buffer in documents.all() {
            self.take_in(buffer);
        }
        self.understood = Understood::remembered(&self.files, &mut self.memory);
        let (catalog, diagnostics) = self.understood.catalog_offline(&self.dir, &self.files.schemas);
        self.diagnostics = self.understood.check_in(&catalog, diagnostics, &mut self.memory).diagnostics;
        self.catalog = catalog;
    }

    /// What would be wrong if a file had this text.
    pub fn check_with(&mut self, texts: &[SourceFile]) -> Vec<Diagnostic> {
        let files = self.files.with_texts(texts);
        Understood::remembered(&files, &mut self.memory)
            .check_remembered(&self.dir, &files.schemas, &mut self.memory)
            .diagnostics
    }

    /// Asks about a place of a buffer; `None` where it is written in nothing that can be helped with.
    pub fn ask<T>(
        &self,
        buffer: &Buffer,
        position: Position,
        ask: impl FnOnce(Cursor<'_>, &Surroundings<'_>) -> T,
    ) -> Option<T> {
        let document = Role::of(&self.dir, &buffer.path, &buffer.file.text)?.document(&buffer.file.text)?;
        let settings = |connector: &str| {
            let known = self.understood.connectors.find(connector);
            known.map_or(&[][..], |known| known.connector.descriptor().settings)
        };
        let limits = |connection: &ConnectionName| {
            let definition = self.understood.connections.iter().find(|one| one.name.value == *connection);
            let open = definition.and_then(|definition| self.understood.open_unasked(definition, &self.dir));
            open.map(|open| open.limits().into_iter().map(|limit| limit.name).collect()).unwrap_or_default()
        };
        let around = Surroundings {
            catalog: &self.catalog,
            flows: &self.understood.definitions,
            syncs: &self.understood.syncs,
            settings: &settings,
            limits: &limits,
        };
        let cursor = Cursor { file: &buffer.file, document, offset: buffer.offset(position) };
        Some(ask(cursor, &around))
    }

    /// The path by which the project shows a file.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.dir).unwrap_or(path).display().to_string()
    }

    /// Where a file lies that is shown so.
    pub fn path(&self, shown: &str) -> PathBuf {
        self.files.places.get(shown).cloned().unwrap_or_else(|| self.dir.join(shown))
    }

    /// The text of a file, that of its buffer where it is open.
    pub fn source(&self, shown: &str) -> Option<SourceFile> {
        self.files.sources().into_iter().find(|file| &*file.path == shown)
    }

    /// A folder that cannot be read is as good as none: what is open is checked all the same.
    fn read(&self) -> ProjectFiles {
        let read = |env| ProjectFiles::read_whatever_there_is(&self.dir, env)?.with_schemas();
        let files = read(self.env.as_deref()).or_else(|_| read(None));
        files.unwrap_or_else(|_| {
            let mut nothing = ProjectFiles::default();
            nothing.dir.clone_from(&self.dir);
            nothing
        })
    }

    fn take_in(&mut self, buffer: &Buffer) {
        let Some(role) = Role::of(&self.dir, &buffer.path, &buffer.file.text) else { return };
        let is_in_project = buffer.path.starts_with(&self.dir);
        if !is_in_project {
            return;
        }
        let shown = self.shown(&buffer.path);
        let file = SourceFile::new(shown.as_str(), &buffer.file.text);
        let is_this = |one: &Diagnostic| one.labels.first().is_some_and(|label| *label.file == *shown);
        // What lies on disk may be no text; what is typed is.
        self.files.diagnostics.retain(|one| !is_this(one));
        self.files.places.insert(shown.as_str().into(), buffer.path.clone());
        let files = match role {
            Role::Flow => &mut self.files.flows,
            Role::Test => &mut self.files.tests,
            Role::Manifest => &mut self.files.connectors,
            Role::Schema => &mut self.files.schemas,
            // Those of an environment count only where it was chosen.
            Role::Connections => {
                let chosen = self.env.as_ref().map(|env| format!("connections.{env}.yaml"));
                if shown != "connections.yaml" && Some(&shown) != chosen.as_ref() {
                    return;
                }
                &mut self.files.connections
            }
            Role::Settings => {
                self.files.project = Some(file);
                return;
            }
        };
        match files.iter_mut().find(|known| *known.path == *shown) {
            Some(known) => *known = file,
            None => {
                files.push(file);
                // The usual connections stand before those of an environment by their names, too.
                files.sort_by(|one, other| one.path.cmp(&other.path));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_place_says() {
        let role = |path: &str, text: &str| Role::of(Path::new("/p"), Path::new(path), text);
        assert_eq!(role("/p/flows/a.yaml", ""), Some(Role::Flow));
        assert_eq!(role("/p/connections.staging.yaml", ""), Some(Role::Connections));
        assert_eq!(role("/p/millrace.yaml", ""), Some(Role::Settings));
        assert_eq!(role("/p/schemas/crm.contacts.yaml", ""), Some(Role::Schema));
        assert_eq!(role("/p/docker-compose.yaml", "services: {}\n"), None);
        assert_eq!(role("/p/drafts/a.yaml", "# a draft\nflow: a\n"), Some(Role::Flow));
        assert_eq!(role("/p/flows/a.test.yaml", "test: a\n"), Some(Role::Test));
        assert_eq!(Role::Flow.document("# both ways\nsync: a\n"), Some(Document::Sync));
        assert_eq!(role("/p/flows/notes.md", "flow: a"), None);
    }

    #[test]
    fn a_project_is_the_nearest_one_within_the_editors_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let (outer, inner) = (dir.path().to_owned(), dir.path().join("sub"));
        std::fs::create_dir_all(outer.join("flows")).expect("make a folder");
        std::fs::create_dir_all(inner.join("flows")).expect("make a folder");
        assert_eq!(folder_of(&inner.join("flows/a.yaml"), &[]), inner);
        assert_eq!(folder_of(&outer.join("flows/a.yaml"), &[]), outer);
        let other = inner.join("other");
        assert_eq!(folder_of(&other.join("a.yaml"), std::slice::from_ref(&other)), other);
        assert_eq!(folder_of(&other.join("flows/a.yaml"), std::slice::from_ref(&other)), other);
    }
}
