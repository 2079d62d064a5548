//! The house as the layering test sees it: every manifest and every source file, read once.

#![expect(clippy::panic, reason = "this is a test's own reading: what it cannot read fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Every crate and every source file of ours.
#[derive(Clone, Debug)]
pub struct House {
    /// Where it stands.
    pub folder: PathBuf,
    /// The root manifest, which names the members and every dependency.
    pub root: toml::Table,
    /// The crates, the root package among them, sorted by folder.
    pub crates: Vec<Crate>,
    /// Rust files under `connectors/`, `engine/` and `tests/`.
    pub sources: Vec<Source>,
    /// The page that describes the house.
    pub page: String,
}

/// One crate.
#[derive(Clone, Debug)]
pub struct Crate {
    /// Its folder, `.` for the root package.
    pub folder: String,
    /// Its `Cargo.toml`.
    pub manifest: toml::Table,
}

/// One Rust file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path from the root of the checkout.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// One entry of a manifest's dependencies.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The name that the code uses.
    pub name: String,
    /// The name that the registry uses, and the package's name for crates of ours.
    pub package: String,
    /// Its folder, if it is one of ours.
    pub folder: Option<String>,
    /// Whether tests alone use it.
    pub is_dev: bool,
    /// Whether it is taken over from the workspace.
    pub is_inherited: bool,
}

impl House {
    /// Reads the checkout at `root`.
    pub fn read(root: &Path) -> Self {
        let mut crates = Vec::new();
        for path in files(root, root, "Cargo.toml") {
            let folder = path.parent().map_or(String::new(), |folder| folder.to_string_lossy().into_owned());
            let folder = if folder.is_empty() { ".".to_owned() } else { folder };
            let text = fs::read_to_string(root.join(&path)).expect("a manifest is readable");
            let manifest = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            crates.push(Crate { folder, manifest });
        }
        let mut sources = Vec::new();
        for folder in ["connectors", "engine", "tests"] {
            for path in files(root, &root.join(folder), ".rs") {
                let text = fs::read_to_string(root.join(&path)).expect("a source file is UTF-8");
                sources.push(Source { path: path.to_string_lossy().into_owned(), text });
            }
        }
        let manifest =
            &crates.iter().find(|each| each.folder == ".").expect("the checkout has a root package").manifest;
        let page = fs::read_to_string(root.join("engine/ARCHITECTURE.md")).expect("the house has a page");
        Self { folder: root.to_owned(), root: manifest.clone(), crates, sources, page }
    }

    /// All dependencies of a crate: of every kind, for every platform, optional ones included.
    pub fn dependencies(&self, of: &Crate) -> Vec<Dependency> {
        let mut found = self.dependencies_in(&of.manifest);
        for (_, platform) in table(&of.manifest, "target").into_iter().flatten() {
            found.extend(platform.as_table().map(|table| self.dependencies_in(table)).into_iter().flatten());
        }
        found
    }

    /// The members that the workspace names, and the root.
    pub fn members(&self) -> Vec<String> {
        let members = table(&self.root, "workspace").and_then(|table| table.get("members")?.as_array());
        let named = members.into_iter().flatten().filter_map(|member| member.as_str().map(str::to_owned));
        named.chain([".".to_owned()]).collect()
    }

    fn dependencies_in(&self, manifest: &toml::Table) -> Vec<Dependency> {
        let kinds = [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)];
        let mut found = Vec::new();
        for (kind, is_dev) in kinds {
            for (name, entry) in table(manifest, kind).into_iter().flatten() {
                let is_inherited = entry.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                let entry = if is_inherited { self.shared(name) } else { entry };
                let text = |key: &str| entry.get(key).and_then(toml::Value::as_str).map(str::to_owned);
                let package = text("package").unwrap_or_else(|| name.clone());
                found.push(Dependency { name: name.clone(), package, folder: text("path"), is_dev, is_inherited });
            }
        }
        found
    }

    fn shared(&self, name: &str) -> &toml::Value {
        table(&self.root, "workspace")
            .and_then(|workspace| workspace.get("dependencies")?.get(name))
            .unwrap_or_else(|| panic!("`{name}` is not in [workspace.dependencies]"))
    }
}

impl Source {
    /// Its lines of code with their numbers from 1: no comments, and no test module where `tests` is false.
    pub fn code(&self, tests: bool) -> Vec<(usize, &str)> {
        let mut code = Vec::new();
        let mut lines = self.text.lines().enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let opens_tests = line == "#[cfg(test)]"
                && lines.peek().is_some_and(|(_, next)| next.starts_with("mod ") && next.ends_with('{'));
            if opens_tests && !tests {
                // Formatted code ends a module with a brace of its own at the margin.
                lines.by_ref().find(|(_, line)| *line == "}");
            } else if !line.trim_start().starts_with("//") {
                code.push((index + 1, line));
            }
        }
        code
    }

    /// Whether the whole file is a test.
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

fn table<'a>(parent: &'a toml::Table, key: &str) -> Option<&'a toml::Table> {
    parent.get(key)?.as_table()
}

/// Files under `folder` whose name ends so, as paths from `root`, sorted. Built and hidden folders are not entered.
fn files(root: &Path, folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder's entry is readable").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(root, &path, ending));
        } else if path.is_file() && name.ends_with(ending) {
            found.push(path.strip_prefix(root).expect("it was found below the root").to_owned());
        }
    }
    found.sort();
    found
}
