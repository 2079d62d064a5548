//! An author's files, read from a project's folder: text only, nothing is understood yet.
//!
//! A file that cannot be read is told and hides no other. Links that lead out of the project are not followed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use text::{Diagnostic, MAX_FILE_SIZE, SourceFile};

use crate::Failure;

/// The files of a project.
#[derive(Debug, Default)]
pub struct ProjectFiles {
    /// Its folder.
    pub dir: PathBuf,
    /// Its flows, by name.
    pub flows: Vec<SourceFile>,
    /// Tests of its flows, by name; read where they are asked for.
    pub tests: Vec<SourceFile>,
    /// `connections.yaml`, then `connections.<env>.yaml`: what is there of the two.
    pub connections: Vec<SourceFile>,
    /// Its own connectors' manifests, by name.
    pub connectors: Vec<SourceFile>,
    /// `millrace.yaml`, if there is one.
    pub project: Option<SourceFile>,
    /// What was known of its objects when somebody pulled it, by name; read where it is asked for.
    pub schemas: Vec<SourceFile>,
    /// What is not text.
    pub diagnostics: Vec<Diagnostic>,
    /// What could not be read.
    pub unreadable: Vec<Failure>,
    /// Whether all of its flows were read, and not only some.
    is_whole: bool,
    /// Where each file lies, by the path that it is shown with.
    pub places: BTreeMap<Arc<str>, PathBuf>,
}

/// The folder of flows.
pub const FLOWS: &str = "flows";
/// The folder of manifests.
pub const CONNECTORS: &str = "connectors";
/// The folder of pulled schemas.
pub const SCHEMAS: &str = "schemas";
/// What holds for the whole project.
pub const PROJECT: &str = "millrace.yaml";

impl ProjectFiles {
    /// Reads a project. Fails where there is no flow at all.
    pub fn read(dir: &Path, env: Option<&str>) -> Result<Self, Failure> {
        let files = Self::read_whatever_there_is(dir, env)?;
        if files.flows.is_empty() && files.diagnostics.is_empty() && files.unreadable.is_empty() {
            return Err(Failure::NoFlows { dir: dir.join(FLOWS) });
        }
        Ok(files)
    }

    /// Reads a project that may have no flow yet.
    pub fn read_whatever_there_is(dir: &Path, env: Option<&str>) -> Result<Self, Failure> {
        let mut files = Self { is_whole: true, ..Self::with_connections(dir, env)? };
        for path in flow_files(&dir.join(FLOWS))? {
            files.read_own(&path, |files, file| files.flows.push(file));
        }
        Ok(files)
    }

    /// Reads only these flows, or the flows of these folders, beside a project's connections.
    pub fn read_paths(dir: &Path, env: Option<&str>, paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut files = Self::with_connections(dir, env)?;
        for path in paths {
            if path.is_dir() {
                let found = flow_files(path)?;
                if found.is_empty() {
                    return Err(Failure::NoFlows { dir: path.clone() });
                }
                found.iter().for_each(|path| files.read_own(path, |files, file| files.flows.push(file)));
            } else {
                // A test says nothing without its flow.
                let flow = flow_beside(path).filter(|flow| !paths.contains(flow));
                for path in flow.iter().chain([path]) {
                    files.read_own(path, |files, file| files.flows.push(file));
                }
            }
        }
        Ok(files)
    }

    /// Reads what only checking asks for: the pulled schemas, and the tests of the flows that were read.
    pub fn with_schemas(mut self) -> Result<Self, Failure> {
        for path in yaml_files(&self.dir.join(SCHEMAS))? {
            self.read_own(&path, |files, file| files.schemas.push(file));
        }
        let places = self.flows.iter().filter_map(|flow| self.places.get(&flow.path));
        let tests: Vec<PathBuf> = match self.is_whole {
            true => all_below(&self.dir.join(FLOWS))?.into_iter().filter(|path| is_test(path)).collect(),
            false => places.filter_map(|flow| test_beside(flow)).collect(),
        };
        for path in tests {
            if !self.flows.iter().any(|file| self.places.get(&file.path) == Some(&path)) {
                self.read_own(&path, |files, file| files.tests.push(file));
            }
        }
        Ok(self)
    }

    /// All files whose text is known, for showing places in them.
    pub fn sources(&self) -> Vec<SourceFile> {
        let theirs = self.connections.iter().chain(&self.connectors).chain(&self.project).chain(&self.schemas);
        self.flows.iter().chain(&self.tests).chain(theirs).cloned().collect()
    }

    /// The same files with other texts, as they would be if these were written.
    pub fn with_texts(&self, texts: &[SourceFile]) -> Self {
        let texts: BTreeMap<&str, &SourceFile> = texts.iter().map(|text| (&*text.path, text)).collect();
        let other = |file: &SourceFile| texts.get(&*file.path).copied().unwrap_or(file).clone();
        let all = |files: &[SourceFile]| files.iter().map(other).collect();
        Self {
            dir: self.dir.clone(),
            flows: all(&self.flows),
            tests: all(&self.tests),
            connections: all(&self.connections),
            connectors: all(&self.connectors),
            project: self.project.as_ref().map(other),
            schemas: all(&self.schemas),
            is_whole: self.is_whole,
            diagnostics: self.diagnostics.clone(),
            // They were told, and no text changes them.
            unreadable: Vec::new(),
            places: self.places.clone(),
        }
    }

    fn with_connections(dir: &Path, env: Option<&str>) -> Result<Self, Failure> {
        let mut files = Self { dir: dir.to_owned(), ..Self::default() };
        let named = env.map(|env| format!("connections.{env}.yaml"));
        for name in ["connections.yaml"].into_iter().chain(named.as_deref()) {
            let path = dir.join(name);
            // One that was asked for by name must be there: without it, the flows would work on other accounts.
            if Some(name) == named.as_deref() && fs::symlink_metadata(&path).is_err() {
                return Err(Failure::NoEnvironment { file: name.to_owned(), help: environments(dir) });
            }
            if path.exists() || Some(name) == named.as_deref() {
                let read = read_file(&path, &files.shown(&path));
                files.keep(&path, read, |files, file| files.connections.push(file));
            }
        }
        for path in yaml_files(&dir.join(CONNECTORS))? {
            files.read_own(&path, |files, file| files.connectors.push(file));
        }
        let path = dir.join(PROJECT);
        if path.exists() {
            let read = read_file(&path, PROJECT);
            files.keep(&path, read, |files, file| files.project = Some(file));
        }
        Ok(files)
    }

    /// Reads a file that must lie within the project.
    fn read_own(&mut self, path: &Path, place: impl FnOnce(&mut Self, SourceFile)) {
        let read = if leads_out(&self.dir, path) {
            Err(Mistake::Unreadable(Failure::LeadsOut { path: path.to_owned() }))
        } else {
            read_file(path, &self.shown(path))
        };
        self.keep(path, read, place);
    }

    fn keep(&mut self, path: &Path, read: Result<SourceFile, Mistake>, place: impl FnOnce(&mut Self, SourceFile)) {
        self.places.insert(self.shown(path).into(), path.to_owned());
        match read {
            Ok(file) => place(self, file),
            Err(Mistake::NotText(diagnostic)) => self.diagnostics.push(*diagnostic),
            Err(Mistake::Unreadable(failure)) => self.unreadable.push(failure),
        }
    }

    /// A path as it is shown: within the project where it lies there.
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.dir).unwrap_or(path).display().to_string()
    }
}

/// Which environments a project has, for one who named another.
fn environments(dir: &Path) -> String {
    let name_of = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some(format!("`--env {}`", name.strip_prefix("connections.")?.strip_suffix(".yaml")?))
    };
    let mut names: Vec<String> = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(name_of).collect();
    names.sort();
    if names.is_empty() {
        return "write that file, or leave `--env` out and take `connections.yaml` alone".to_owned();
    }
    format!("there is {}", names.join(", "))
}

/// Why a file has no text.
enum Mistake {
    NotText(Box<Diagnostic>),
    Unreadable(Failure),
}

/// Whether a folder is a project and not one of flows.
pub fn is_one(dir: &Path) -> bool {
    dir.join(FLOWS).is_dir() || dir.join("connections.yaml").is_file()
}

fn read_file(path: &Path, shown: &str) -> Result<SourceFile, Mistake> {
    use std::io::Read as _;
    // No more than one byte too many is read, however large the file is.
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_SIZE as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| Mistake::Unreadable(Failure::file("read", path)(error)))?;
    SourceFile::from_bytes(shown, &bytes).map_err(Mistake::NotText)
}

/// One file that somebody named, wherever it lies.
pub fn read_named(path: &Path) -> Result<Result<SourceFile, Diagnostic>, Failure> {
    match read_file(path, &path.display().to_string()) {
        Ok(file) => Ok(Ok(file)),
        Err(Mistake::NotText(diagnostic)) => Ok(Err(*diagnostic)),
        Err(Mistake::Unreadable(failure)) => Err(failure),
    }
}

/// The folders in which files of a project may appear: its own, and those in it.
pub fn folders(dir: &Path) -> Vec<PathBuf> {
    // A folder that cannot be looked into is told by whoever reads it.
    let of_flows = with_all_below(&dir.join(FLOWS)).unwrap_or_default();
    let others = [dir.to_owned(), dir.join(FLOWS), dir.join(CONNECTORS), dir.join(SCHEMAS)];
    others.into_iter().chain(of_flows).collect()
}

/// Every document of a folder that authors write: of a project's, its flows with their tests, connections, connectors
/// and settings; else those that lie in it. What leads out of the folder is left alone.
pub fn documents(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut documents = Vec::new();
    if is_one(dir) {
        documents.extend(all_below(&dir.join(FLOWS))?);
        documents.extend(all_yaml_files(&dir.join(CONNECTORS))?);
        let is_ours = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name == PROJECT || name.starts_with("connections.")
        };
        documents.extend(all_yaml_files(dir)?.into_iter().filter(is_ours));
    } else {
        documents.extend(all_yaml_files(dir)?);
    }
    documents.retain(|path| !leads_out(dir, path));
    Ok(documents)
}

/// The flows of a folder and of those in it, by name.
fn flow_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    Ok(all_below(folder)?.into_iter().filter(|path| !is_test(path)).collect())
}

/// The documents of a folder and of those in it, tests included, by name.
fn all_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for folder in with_all_below(folder)? {
        paths.extend(all_yaml_files(&folder)?);
    }
    paths.sort();
    Ok(paths)
}

/// A folder and all in it, but for hidden ones, and for links, which may lead in a circle. None where it is not there.
fn with_all_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut unread: Vec<PathBuf> = folder.is_dir().then(|| folder.to_owned()).into_iter().collect();
    while let Some(folder) = unread.pop() {
        for entry in fs::read_dir(&folder).map_err(Failure::file("look into", &folder))? {
            let entry = entry.map_err(Failure::file("look into", &folder))?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !entry.file_name().to_string_lossy().starts_with('.') {
                unread.push(entry.path());
            }
        }
        found.push(folder);
    }
    Ok(found)
}

/// The documents of a folder, by name: `*.yaml`, without tests of flows. A folder that is not there has none.
fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    Ok(all_yaml_files(folder)?.into_iter().filter(|path| !is_test(path)).collect())
}

/// Whether a file is a test of a flow.
fn is_test(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(".test.yaml"))
}

/// The same, with tests.
fn all_yaml_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Failure::file("look into", folder))? {
        let path = entry.map_err(Failure::file("look into", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_document = (name.ends_with(".yaml") || name.ends_with(".yml")) && !name.starts_with('.');
        if is_document && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The test of a flow that lies beside it, where there is one.
fn test_beside(flow: &Path) -> Option<PathBuf> {
    let name = flow.file_name()?.to_str()?.strip_suffix(".yaml")?;
    let path = flow.with_file_name(format!("{name}.test.yaml"));
    (!name.ends_with(".test") && path.is_file()).then_some(path)
}

/// The flow of a test that lies beside it, where there is one.
fn flow_beside(test: &Path) -> Option<PathBuf> {
    let name = test.file_name()?.to_str()?.strip_suffix(".test.yaml")?;
    let path = test.with_file_name(format!("{name}.yaml"));
    path.is_file().then_some(path)
}

/// Whether a link takes the path to somewhere outside of the project.
fn leads_out(dir: &Path, path: &Path) -> bool {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    match (is_link, fs::canonicalize(dir), fs::canonicalize(path)) {
        (false, _, _) => false,
        (true, Ok(dir), Ok(path)) => !path.starts_with(dir),
        // A link to nowhere is told as unreadable.
        (true, _, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn flows_are_read_in_order_and_tests_of_flows_are_not() {
        let dir = project(&[
            ("flows/b.yaml", b"b"),
            ("flows/a.yaml", b"a"),
            ("flows/a.test.yaml", b"t"),
            ("flows/x.txt", b"x"),
            ("flows/sales/c.yaml", b"c"),
            ("flows/sales/c.test.yaml", b"t"),
            ("flows/.git/d.yaml", b"d"),
        ]);
        let files = ProjectFiles::read(dir.path(), None).and_then(ProjectFiles::with_schemas).unwrap();
        let names = |files: &[SourceFile]| -> Vec<String> { files.iter().map(|file| file.path.to_string()).collect() };
        assert_eq!(names(&files.flows), ["flows/a.yaml", "flows/b.yaml", "flows/sales/c.yaml"]);
        assert_eq!(names(&files.tests), ["flows/a.test.yaml", "flows/sales/c.test.yaml"]);
        assert!(folders(dir.path()).contains(&dir.path().join("flows/sales")));
    }

    #[test]
    fn a_folder_without_flows_is_told() {
        for dir in [project(&[]), project(&[("flows/readme.txt", b"")])] {
            assert!(matches!(ProjectFiles::read(dir.path(), None), Err(Failure::NoFlows { .. })));
        }
    }

    #[test]
    fn what_cannot_be_read_hides_nothing() {
        let dir = project(&[("flows/a.yaml", b"flow: a"), ("flows/b.yaml", b"\xff\xfe\x00")]);
        let files = ProjectFiles::read(dir.path(), None).unwrap();
        assert_eq!((files.flows.len(), files.diagnostics.len()), (1, 1));
    }

    #[test]
    fn an_environment_that_is_not_there_stops_everything() {
        let dir = project(&[("flows/a.yaml", b"flow: a"), ("connections.staging.yaml", b"")]);
        let refused = ProjectFiles::read(dir.path(), Some("production")).expect_err("there is none");
        assert!(refused.to_string().contains("no `connections.production.yaml`"), "{refused}");
        assert_eq!(refused.remedy().as_deref(), Some("there is `--env staging`"));
        assert!(ProjectFiles::read(dir.path(), Some("staging")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn links_out_of_the_project_are_not_followed() {
        use std::os::unix::fs::symlink;
        let outside = project(&[("secret.yaml", b"flow: secret")]);
        let dir = project(&[("flows/a.yaml", b"flow: a"), ("shared/b.yaml", b"flow: b")]);
        symlink(outside.path().join("secret.yaml"), dir.path().join("flows/out.yaml")).unwrap();
        symlink(dir.path().join("shared/b.yaml"), dir.path().join("flows/in.yaml")).unwrap();
        let files = ProjectFiles::read(dir.path(), None).unwrap();
        assert_eq!(files.flows.len(), 2, "a link within the project is fine");
        assert!(matches!(&files.unreadable[..], [Failure::LeadsOut { .. }]));
    }
}
