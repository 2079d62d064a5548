//! `millrace fmt`: an author's files in one layout, with the same meaning and all comments.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use text::{LayoutError, MAX_FILE_SIZE, SourceFile};

use crate::place::PlaceArguments;
use crate::tables::counted;
use crate::{Failure, problems, project, rewriting, screen};

/// Arguments of `fmt`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    millrace fmt\n  \
    millrace fmt --check\n  \
    millrace fmt flows/new-leads.yaml\n  \
    millrace fmt - < flows/new-leads.yaml")]
pub struct Arguments {
    /// Files and folders, or `-` for standard input; all files of this project where nothing is named
    paths: Vec<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Show what would be changed, and fail where anything would be
    #[arg(long)]
    check: bool,
    /// Read a document from standard input and write it to standard output, as editors do; like `-`
    #[arg(long, conflicts_with = "paths")]
    stdin: bool,
}

/// What stands for standard input.
const STDIN: &str = "-";
/// What standard input is called in messages.
const STDIN_NAME: &str = "standard input";

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let names_stdin = |path: &PathBuf| path.as_os_str() == STDIN;
    if arguments.stdin || matches!(&arguments.paths[..], [path] if names_stdin(path)) {
        return lay_out_stdin(arguments.check);
    }
    let mut told = Told::default();
    for path in arguments.documents()? {
        told.lay_out(&path, arguments)?;
    }
    told.end(arguments.check)
}

impl Arguments {
    /// What is to be laid out.
    fn documents(&self) -> Result<Vec<PathBuf>, Failure> {
        if self.paths.is_empty() {
            return project::documents(&self.place.place()?.dir);
        }
        let mut documents = Vec::new();
        for path in &self.paths {
            match path.is_dir() {
                true => documents.extend(project::documents(path)?),
                false => documents.push(path.clone()),
            }
        }
        Ok(documents)
    }

    /// A path as it is shown: within the project where it lies there.
    fn shown(&self, path: &Path) -> String {
        let dir = self.place.named().map_or(Path::new("."), PathBuf::as_path);
        path.strip_prefix(dir).unwrap_or(path).display().to_string()
    }
}

/// What came of it, file by file.
#[derive(Default)]
struct Told {
    n_changed: u64,
    n_same: u64,
    n_left: u64,
}

impl Told {
    fn lay_out(&mut self, path: &Path, arguments: &Arguments) -> Result<(), Failure> {
        let name = arguments.shown(path);
        let file = match project::read_named(path) {
            Ok(Ok(file)) => SourceFile::new(name.as_str(), &file.text),
            Ok(Err(diagnostic)) => {
                problems::show_diagnostics(&[diagnostic], &[]);
                self.n_left += 1;
                return Ok(());
            }
            // One that was named must be there; whatever else cannot be read hides no other.
            Err(failure) if !arguments.paths.is_empty() => return Err(failure),
            Err(failure) => {
                problems::show(&failure);
                self.n_left += 1;
                return Ok(());
            }
        };
        let Some(text) = laid_out(&file) else {
            self.n_left += 1;
            return Ok(());
        };
        if *text == *file.text {
            self.n_same += 1;
            return Ok(());
        }
        self.n_changed += 1;
        let name = text::visible(&name);
        if arguments.check {
            screen::say(&rewriting::coloured_diff(&text::unified(&name, &file.text, &text)));
        } else {
            rewriting::replace(path, &file.text, &text).map_err(Failure::file("write", path))?;
            screen::say(&format!("{name}\n"));
        }
        Ok(())
    }

    fn end(self, is_check: bool) -> Result<(), Failure> {
        let Self { n_changed, n_same, n_left } = self;
        let left = match n_left {
            0 => String::new(),
            _ => format!("{} left as it was, for it has mistakes", counted(n_left, "file"))
                .replace("files left as it was, for it has", "files left as they were, for they have"),
        };
        match (is_check, n_changed) {
            (true, 1..) => {
                let summary = format!("`millrace fmt` lays {} out anew", counted(n_changed, "file"));
                let summary = if left.is_empty() { summary } else { format!("{summary}; {left}") };
                Err(Failure::Mistakes { summary })
            }
            (true, 0) | (false, _) => {
                let were = if n_same == 1 { "was" } else { "were" };
                screen::say(&match (n_changed, n_same) {
                    (0, 0) => String::new(),
                    (0, _) => format!("{} {were} laid out already.\n", counted(n_same, "file")),
                    (_, 0) => format!("{} laid out.\n", counted(n_changed, "file")),
                    (_, _) => format!("{} laid out; {n_same} {were} already.\n", counted(n_changed, "file")),
                });
                if left.is_empty() { Ok(()) } else { Err(Failure::Mistakes { summary: left }) }
            }
        }
    }
}

/// A document from an editor and back; where it has mistakes nothing is answered.
fn lay_out_stdin(is_check: bool) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_FILE_SIZE as u64 + 1).read_to_end(&mut bytes);
    read.map_err(Failure::system("read standard input"))?;
    let unchanged = || Failure::Mistakes { summary: "nothing was laid out".to_owned() };
    let file = SourceFile::from_bytes(STDIN_NAME, &bytes).map_err(|diagnostic| {
        problems::show_diagnostics(&[*diagnostic], &[]);
        unchanged()
    })?;
    let text = laid_out(&file).ok_or_else(unchanged)?;
    if !is_check {
        screen::say(&text);
        return Ok(());
    }
    if *text == *file.text {
        return Ok(());
    }
    screen::say(&rewriting::coloured_diff(&text::unified(STDIN_NAME, &file.text, &text)));
    Err(Failure::Mistakes { summary: "`millrace fmt` lays it out anew".to_owned() })
}

/// The text in its layout. Why there is none is told.
fn laid_out(file: &SourceFile) -> Option<String> {
    match flow::lay_out(file) {
        Ok(text) => Some(text),
        Err(LayoutError::Mistakes(mistakes)) => {
            problems::show_diagnostics(&mistakes, std::slice::from_ref(file));
            None
        }
        Err(LayoutError::NotTheSame) => {
            let path = text::visible(&file.path);
            problems::warn(&format!("`{path}` stays as it is: laid out, it could mean something else"));
            None
        }
    }
}
