//! What was found, told to people, to programs, and to the services that run checks on every change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use text::{Diagnostic, SourceFile};

use super::{github, mistakes, more_about, sarif};
use crate::{Failure, problems, screen};

/// How `check` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckFormat {
    /// For people
    #[default]
    // What other commands call it.
    #[value(alias = "table")]
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, which code hosts and editors read
    Sarif,
    /// Workflow commands of GitHub Actions, which become annotations of a change
    Github,
}

/// What is to be told.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// All mistakes and warnings.
    pub diagnostics: &'a [Diagnostic],
    /// The texts that they are of.
    pub sources: &'a [SourceFile],
    /// What could not be read.
    pub unreadable: &'a [Failure],
    /// Where files lie that are shown by another path.
    pub places: &'a BTreeMap<Arc<str>, PathBuf>,
    /// How many files were looked at.
    pub n_files: u64,
    /// In which form.
    pub format: CheckFormat,
}

impl Report<'_> {
    /// The text of a file, where it could be read.
    pub fn source(&self, path: &str) -> Option<&SourceFile> {
        self.sources.iter().find(|file| &*file.path == path)
    }

    /// A file's path within the repository, with slashes; an absolute one where it lies outside.
    pub fn in_repository(&self, shown: &str) -> String {
        let path = self.places.get(shown).map_or(Path::new(shown), PathBuf::as_path);
        let here = std::env::current_dir().unwrap_or_default();
        // A workflow may work in a folder of the repository; annotations are found by the path from its root.
        let workspace = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from).filter(|root| here.starts_with(root));
        within(&here.join(path), &workspace.unwrap_or(here))
    }
}

/// Tells it all; fails where a file cannot be used.
pub fn tell(report: &Report<'_>) -> Result<(), Failure> {
    let Report { diagnostics, sources, .. } = *report;
    match report.format {
        CheckFormat::Text => {
            problems::show_diagnostics(diagnostics, sources);
            screen::complain(&more_about(diagnostics));
        }
        CheckFormat::Json => screen::say_json(&text::to_json(diagnostics, sources)),
        CheckFormat::Sarif => screen::say_json(&sarif::log(report)),
        CheckFormat::Github => screen::say(&github::commands(report)),
    }
    verdict(report)
}

/// Tells what could not be read; fails where a file cannot be used.
pub fn verdict(report: &Report<'_>) -> Result<(), Failure> {
    let Report { diagnostics, unreadable, n_files, .. } = *report;
    unreadable.iter().for_each(problems::show);
    if diagnostics.iter().any(Diagnostic::is_error) || !unreadable.is_empty() {
        return Err(mistakes(diagnostics, unreadable.len() as u64, n_files));
    }
    Ok(())
}

/// A path from a folder, without `.` and `..` in it.
fn within(path: &Path, root: &Path) -> String {
    use std::path::Component;
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => clean.push(component),
        }
    }
    let path = clean.strip_prefix(root).unwrap_or(&clean);
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_the_root_of_the_repository() {
        for (path, wanted) in [
            ("/repo/flows/a.yaml", "flows/a.yaml"),
            ("/repo/./sub/../flows/a.yaml", "flows/a.yaml"),
            ("/other/a.yaml", "/other/a.yaml"),
        ] {
            assert_eq!(within(Path::new(path), Path::new("/repo")), wanted);
        }
    }
}
