//! Where a command works: the project's folder, and the folder in which the engine keeps its state.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::Args;
use store::Store;
use text::SourceFile;

use crate::Failure;
use crate::project::{self, FLOWS, PROJECT};

/// The engine's folder in a project.
const STATE: &str = ".millrace";

/// Arguments of every command that works on a project.
#[derive(Args, Clone, Debug, Default)]
pub struct PlaceArguments {
    /// The project's folder, where it is not the current one
    #[arg(short = 'C', long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where the engine keeps its state, where it is not `.millrace` in the project
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// The folder that was named before the command, for all that it is made of.
static NAMED_BEFORE: OnceLock<PathBuf> = OnceLock::new();

/// Takes the folder that stands before the command, as in `millrace -C my-flows status`; one after it goes over it.
pub fn named_before(dir: PathBuf) {
    // A process has one command line, so nobody has set it before.
    let _ = NAMED_BEFORE.set(dir);
}

/// A project's folder and its engine's.
#[derive(Clone, Debug)]
pub struct Place {
    /// The project's folder.
    pub dir: PathBuf,
    /// The engine's folder.
    pub data: PathBuf,
}

impl PlaceArguments {
    /// The place that is meant. Nothing is created.
    pub fn place(&self) -> Result<Place, Failure> {
        let dir = self.named().cloned().unwrap_or_else(above);
        if !dir.is_dir() {
            return Err(Failure::NoFolder { dir });
        }
        let data = self.data.clone().unwrap_or_else(|| dir.join(configured_state(&dir).as_deref().unwrap_or(STATE)));
        Ok(Place { dir, data })
    }

    /// The project's folder, where one was named.
    pub fn named(&self) -> Option<&PathBuf> {
        self.dir.as_ref().or_else(|| NAMED_BEFORE.get())
    }

    /// The same arguments as a person would write them again, for commands that we suggest.
    pub fn as_written(&self) -> String {
        let option = |name: &str, path: Option<&PathBuf>| {
            path.map(|path| format!(" {name} {}", shown(path))).unwrap_or_default()
        };
        format!("{}{}", option("-C", self.named()), option("--data", self.data.as_ref()))
    }
}

impl Place {
    /// The engine's state, to be read only: while an engine runs, or while none does.
    pub fn read(&self) -> Result<Store, Failure> {
        match Store::open_read_only(&self.data) {
            Ok(store) => Ok(store),
            Err(store::Error::Missing { .. }) => Err(self.nothing_there()),
            Err(error) => Err(error.into()),
        }
    }

    /// Why no database is seen: none was made, or we may not look.
    fn nothing_there(&self) -> Failure {
        if let Err(error) = std::fs::read_dir(&self.data)
            && error.kind() == ErrorKind::PermissionDenied
        {
            return Failure::file("look into", &self.data)(error);
        }
        let dir = if self.dir == Path::new(".") { String::new() } else { format!(" -C {}", shown(&self.dir)) };
        let help = format!("`{} up{dir}` starts one; another project is named with `-C DIR`", program());
        Failure::NeverRan { data: self.data.clone(), help }
    }
}

/// The folder of the project in which we stand: this one, or the nearest above it, as Git finds its own. A repository's
/// folder is the last that is looked at.
fn above() -> PathBuf {
    let here = PathBuf::from(".");
    if project::is_one(&here) {
        return here;
    }
    std::env::current_dir().ok().and_then(|now| project_above(&now)).unwrap_or(here)
}

/// The way to the nearest project above a folder.
fn project_above(now: &Path) -> Option<PathBuf> {
    let mut dir = PathBuf::new();
    for (outer, inner) in now.ancestors().skip(1).zip(now.ancestors()) {
        if inner.join(".git").exists() {
            break;
        }
        dir.push("..");
        // A `flows` beside us is not enough: many a folder is called so.
        let is_one = ["connections.yaml", PROJECT].iter().any(|name| outer.join(name).is_file());
        if is_one || inner.ends_with(FLOWS) {
            return Some(dir);
        }
    }
    None
}

/// What `millrace.yaml` says. Its mistakes are told where the project is read.
fn configured_state(dir: &Path) -> Option<String> {
    let bytes = std::fs::read(dir.join(PROJECT)).ok()?;
    let file = SourceFile::from_bytes(PROJECT, &bytes).ok()?;
    flow::project::parse_project(&file).0.data
}

/// How this program was called, for commands that we suggest: from a checkout that is no plain `millrace`.
pub fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    if called.components().count() > 1 { shown(&called) } else { "millrace".to_owned() }
}

/// A path as it can be pasted into a shell.
pub fn shown(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A word as it can be pasted into a shell.
pub fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+=:@,".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggested_commands_can_be_pasted() {
        let arguments = PlaceArguments { dir: Some("my flows".into()), data: Some("/var/lib/millrace".into()) };
        assert_eq!(arguments.as_written(), " -C 'my flows' --data /var/lib/millrace");
        assert_eq!(PlaceArguments::default().as_written(), "");
    }

    #[test]
    fn a_project_is_looked_for_upwards_but_not_beyond_a_repository() {
        let outer = tempfile::tempdir().expect("a folder");
        let project = outer.path().join("sub");
        let flows = project.join("flows/more");
        std::fs::create_dir_all(&flows).expect("make folders");
        assert_eq!(project_above(&flows), Some(PathBuf::from("../..")));
        std::fs::create_dir_all(project.join("queries")).expect("make a folder");
        assert_eq!(project_above(&project.join("queries")), None, "nothing else tells that it is one");
        std::fs::write(outer.path().join("connections.yaml"), "").expect("write a file");
        assert_eq!(project_above(&project.join("queries")), Some(PathBuf::from("../..")));
        std::fs::create_dir(project.join(".git")).expect("make a folder");
        assert_eq!(project_above(&project.join("queries")), None);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let nowhere = PlaceArguments { dir: Some("no/such/folder".into()), data: None };
        assert!(matches!(nowhere.place(), Err(Failure::NoFolder { dir }) if dir == Path::new("no/such/folder")));
    }
}
