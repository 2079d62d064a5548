//! The texts that mistakes are made in: everything that is shipped and right, with what is known of its services.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow::Memory;
use flow::language::{CONNECTIONS, FLOW, INSTANCE, Mapping, SETTINGS, SYNC, TEST};
use millrace::assemble::Understood;
use millrace::project::ProjectFiles;
use text::{Diagnostic, SourceFile};

use crate::world::World;

/// A project in a folder of its own.
pub struct Project {
    pub files: ProjectFiles,
    folder: tempfile::TempDir,
}

/// A text that is right, in its project.
pub struct Seed {
    pub project: Arc<Project>,
    pub world: Arc<World>,
    /// What it is called in messages.
    pub name: String,
    /// Its path within the project.
    pub path: Arc<str>,
    pub text: String,
    /// What the language says it is.
    pub mapping: &'static Mapping,
}

/// Seeds that are drawn from as one, so that many short ones do not drown a few long ones.
pub struct Group {
    pub seeds: Vec<Seed>,
}

/// All of them.
pub fn all() -> Vec<Group> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schemas = |name: &str| (root.join("tests/mistakes/schemas").join(name), "schemas");
    let init = [(root.join("engine/cli/init"), ""), schemas("init")];
    vec![
        Group {
            seeds: seeds(
                "quickstart",
                project(vec![(root.join("examples/quickstart"), ""), schemas("quickstart")], &[]),
            ),
        },
        Group { seeds: seeds("nightly", project(vec![(root.join("examples/nightly"), ""), schemas("nightly")], &[])) },
        Group { seeds: [seeds("init", project(init.to_vec(), &[])), shown(&init)].into_iter().flatten().collect() },
        house(),
        Group { seeds: pages(&root.join("tests/mistakes/house")) },
    ]
}

/// A project with something of everything that the language has.
pub fn house() -> Group {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes/house");
    Group { seeds: seeds("house", project(vec![(folder, "")], &[])) }
}

impl Group {
    /// The one at this path of its project.
    pub fn seed(&self, path: &str) -> &Seed {
        self.seeds.iter().find(|seed| &*seed.path == path).expect("there is such a file")
    }
}

impl Seed {
    /// What a check without any service says where this text stands in the place of the right one.
    pub fn check(&self, text: &str, memory: &mut Memory) -> Vec<Diagnostic> {
        let files = self.project.files.with_texts(&[SourceFile::new(self.path.clone(), text)]);
        let folder = self.project.folder.path();
        Understood::remembered(&files, memory).check_remembered(folder, &files.schemas, memory).diagnostics
    }
}

/// A project of these folders' files, each below a folder of the project, and of these texts over them.
fn project(folders: Vec<(PathBuf, &str)>, texts: &[(&str, String)]) -> Arc<Project> {
    let folder = tempfile::tempdir().expect("a folder");
    for (from, below) in folders {
        copy(&from, &folder.path().join(below));
    }
    for (path, text) in texts {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("make the folder");
        fs::write(path, text).expect("write the text");
    }
    let files = ProjectFiles::read(folder.path(), None).and_then(ProjectFiles::with_schemas).expect("it can be read");
    Arc::new(Project { files, folder })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make the folder");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("it has a name");
        // What somebody's own runs left there is none of it.
        let is_written = path.extension().is_some_and(|kind| kind == "yaml" || kind == "sql");
        if path.is_dir() && (name == "flows" || name == "schemas") {
            copy(&path, &to.join(name));
        } else if is_written {
            fs::copy(&path, to.join(name)).expect("copy the file");
        }
    }
}

/// All that an author writes in a project.
fn seeds(name: &str, project: Arc<Project>) -> Vec<Seed> {
    let world = Arc::new(World::of(&project));
    let files = &project.files;
    let written = files.flows.iter().chain(&files.tests).chain(&files.connections).chain(&files.project);
    let seed = |file: &SourceFile| Seed {
        project: project.clone(),
        world: world.clone(),
        name: format!("{name}/{}", file.path),
        path: file.path.clone(),
        text: file.text.to_string(),
        mapping: mapping_of(file),
    };
    written.map(seed).collect()
}

/// What the language says that a file is.
fn mapping_of(file: &SourceFile) -> &'static Mapping {
    let has = |key: &str| file.text.lines().any(|line| line.starts_with(key));
    match &*file.path {
        "millrace.yaml" => &SETTINGS,
        path if path.starts_with("connections") => &CONNECTIONS,
        path if path.ends_with(".test.yaml") => &TEST,
        _ if has("sync:") => &SYNC,
        _ if has("from:") => &INSTANCE,
        _ => &FLOW,
    }
}

/// The whole flows of our pages, but for those that another connection is added for.
fn shown(init: &[(PathBuf, &'static str)]) -> Vec<Seed> {
    let mut seeds_of_pages = Vec::new();
    for page in ["README.md", "docs/tutorial.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("it is there");
        for block in blocks(&text).into_iter().filter(|block| !block.contains("postgres")) {
            let of_block = seeds(page, project(init.to_vec(), &[("flows/block.yaml", block)]));
            seeds_of_pages.extend(of_block.into_iter().filter(|seed| &*seed.path == "flows/block.yaml"));
        }
    }
    assert!(seeds_of_pages.len() > 1, "our pages show whole flows");
    seeds_of_pages
}

/// The mended examples of the codes' pages that need no connections of their own.
fn pages(house: &Path) -> Vec<Seed> {
    let mut seeds_of_pages = Vec::new();
    for code in flow::codes::all() {
        let Some((_, mended)) = code.page.split_once("\n## Mended\n") else { continue };
        let texts: Vec<(String, String)> = blocks(mended.split("\n## ").next().unwrap_or_default())
            .into_iter()
            .map(|text| {
                let path = text.lines().next().and_then(|line| line.strip_prefix("# "));
                let path = path.filter(|path| path.ends_with(".yaml")).unwrap_or("flows/example.yaml").to_owned();
                (path, text)
            })
            .collect();
        if texts.is_empty() || !texts.iter().all(|(path, _)| path.starts_with("flows/")) {
            continue;
        }
        let world = [
            "connections.yaml",
            "schemas/crm.contacts.yaml",
            "schemas/crm.deals.yaml",
            "schemas/warehouse.customers.yaml",
        ];
        let world = world.map(|path| (path, fs::read_to_string(house.join(path)).expect("it is there")));
        let files: Vec<(&str, String)> =
            world.into_iter().chain(texts.iter().map(|(path, text)| (path.as_str(), text.clone()))).collect();
        let of_page = seeds(code.code, project(Vec::new(), &files));
        seeds_of_pages.extend(of_page.into_iter().filter(|seed| seed.path.starts_with("flows/")));
    }
    assert!(seeds_of_pages.len() > 50, "the pages show flows that are right");
    seeds_of_pages
}

/// The whole documents that a page shows.
fn blocks(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block.to_owned()).collect()
}
