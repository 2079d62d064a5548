//! `millrace check`: all mistakes of a project's files, without asking any service and without any secret.

pub mod cost;
mod fixing;
mod github;
mod online;
mod report;
mod sarif;
pub mod unchecked;
mod watch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use flow::{Checked, Memory};
use text::{Diagnostic, SourceFile};

use crate::assemble::{self, Understood};
use crate::place::PlaceArguments;
use crate::project::{self, ProjectFiles};
use crate::tables::{Format, counted};
use crate::{Failure, problems, screen};
use report::{CheckFormat, Report};
use unchecked::Unchecked;

/// Arguments of `check`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    millrace check\n  \
    millrace check my-flows\n  \
    millrace check --diff\n  \
    millrace check --fix\n  \
    millrace check --watch\n  \
    millrace check --cost --records-per-day 2000\n  \
    millrace check flows/new-leads.yaml --format json")]
pub struct Arguments {
    /// Flows, folders of flows, or a project's folder; all flows of this project where nothing is named. With `--cost`
    /// also flows by their ids
    paths: Vec<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Write the corrections that are offered into the files, and tell what is left; not with --diff or --watch
    #[arg(long)]
    fix: bool,
    /// Show what `--fix` would change, and change nothing; in place of --fix, and not with --format
    #[arg(long, conflicts_with_all = ["fix", "format"])]
    diff: bool,
    /// Check again whenever a file changes, until Ctrl-C; not with --fix, --diff or --format
    #[arg(long, conflicts_with_all = ["fix", "diff", "format"])]
    watch: bool,
    /// Ask services for today's fields and scopes, instead of taking them as they were pulled; nothing is kept
    #[arg(long, conflicts_with_all = ["fix", "diff", "watch", "cost"])]
    online: bool,
    /// Tell what flows will ask of their services, and fail above what `millrace.yaml` allows
    #[arg(long, conflicts_with_all = ["fix", "diff", "watch"])]
    cost: bool,
    /// With `--cost`: so many records match each flow in a day, whatever was measured
    #[arg(long, value_name = "N", requires = "cost")]
    records_per_day: Option<u64>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
}

/// Does it.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.watch {
        return watch::run(arguments).await;
    }
    if arguments.cost {
        return cost::run(arguments, arguments.records_per_day).await;
    }
    if arguments.online {
        return online::run(arguments).await;
    }
    let files = arguments.files()?;
    if arguments.fix || arguments.diff {
        return fixing::run(arguments, files);
    }
    let checked = checked(&files, &mut Memory::default())?;
    tell_all(&files, &checked, arguments.format)
}

/// What came of a check, and what it did not look at.
struct Looked {
    checked: Checked,
    unchecked: Unchecked,
}

impl Arguments {
    /// Reads what is to be checked.
    fn files(&self) -> Result<ProjectFiles, Failure> {
        let env = self.env.as_deref();
        let files = match &self.paths[..] {
            // As `up my-flows` takes it.
            [dir] if self.place.named().is_none() && project::is_one(dir) => ProjectFiles::read(dir, env)?,
            [] => ProjectFiles::read(&self.place.place()?.dir, env)?,
            paths => ProjectFiles::read_paths(&self.place.place()?.dir, env, paths)?,
        };
        files.with_schemas()
    }

    /// Reads all flows of the project, and says which of them were named: what one costs depends on the others.
    fn whole_project(&self) -> Result<(ProjectFiles, Vec<String>), Failure> {
        let env = self.env.as_deref();
        let (dir, named) = match &self.paths[..] {
            [dir] if self.place.named().is_none() && project::is_one(dir) => (dir.clone(), &[][..]),
            paths => (self.place.place()?.dir, paths),
        };
        let files = ProjectFiles::read(&dir, env)?.with_schemas()?;
        Ok((files, named.iter().map(|path| path.display().to_string()).collect()))
    }
}

/// Everything that can be said of files without a service.
fn checked(files: &ProjectFiles, memory: &mut Memory) -> Result<Looked, Failure> {
    let folder = std::path::absolute(&files.dir).map_err(Failure::file("find", &files.dir))?;
    let understood = Understood::remembered(files, memory);
    let known = understood.known_offline(&folder, &files.schemas);
    let unchecked = Unchecked::of(&understood, &known.catalog);
    Ok(Looked { checked: understood.check_known(known, memory), unchecked })
}

/// The same without what it did not look at, for the project's folder as an absolute path.
fn checked_in(files: &ProjectFiles, folder: &Path, memory: &mut Memory) -> Checked {
    Understood::remembered(files, memory).check_remembered(folder, &files.schemas, memory)
}

/// Tells what came of checking, and fails where a file cannot be used.
fn tell_all(files: &ProjectFiles, looked: &Looked, format: CheckFormat) -> Result<(), Failure> {
    let Looked { checked, unchecked } = looked;
    let mut diagnostics = checked.diagnostics.clone();
    match format {
        CheckFormat::Json => diagnostics.extend(unchecked.notes()),
        // People are told in the last line, and code hosts show places, of which it has none.
        CheckFormat::Text | CheckFormat::Sarif | CheckFormat::Github => {}
    }
    let diagnostics = &diagnostics;
    let n_files =
        files.flows.len() + files.tests.len() + files.connections.len() + files.connectors.len() + files.schemas.len();
    let told = report::tell(&Report {
        diagnostics,
        sources: &files.sources(),
        unreadable: &files.unreadable,
        places: &files.places,
        n_files: n_files as u64,
        format,
    });
    let is_unknown = |one: &Diagnostic| one.code == flow::codes::UNKNOWN_FIELD;
    if format == CheckFormat::Text && !files.schemas.is_empty() && diagnostics.iter().any(is_unknown) {
        screen::complain(
            "Fields are known from `schemas/`, as they were pulled; `millrace schema pull` asks for new ones.\n",
        );
    }
    told?;
    if format == CheckFormat::Text {
        let checked_too =
            [(checked.n_templates, "template"), (checked.syncs.len(), "sync"), (files.tests.len(), "file of tests")];
        let others = checked_too.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| counted_files(n, what));
        let counts: Vec<String> = std::iter::once(counted(checked.flows.len() as u64, "flow")).chain(others).collect();
        let counts = listed(&counts);
        let warnings =
            if diagnostics.is_empty() { String::new() } else { format!(", {}", problems::summary(diagnostics)) };
        let rest = unchecked.in_short();
        screen::tell(&format!("{counts} checked, no mistakes{warnings}{rest}.\n"));
        for flow in &checked.flows {
            flow.not_run().iter().for_each(|word| screen::tell(&format!("{word}; `up` leaves `{}` out.\n", flow.id)));
        }
        if !files.tests.is_empty() {
            screen::tell("This version does not run tests of flows yet; they were checked like everything else.\n");
        }
        for sync in &checked.syncs {
            screen::tell(&format!("{}; `up` leaves `{}` out.\n", sync.not_run, sync.id));
        }
    }
    Ok(())
}

/// `2 syncs`, `2 files of tests`.
fn counted_files(n: usize, what: &str) -> String {
    match what.split_once(" of ") {
        Some((what, of)) => format!("{} of {of}", counted(n as u64, what)),
        None => counted(n as u64, what),
    }
}

/// `6 flows, 1 template and 1 sync`.
fn listed(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Shows what is wrong with some files, and fails where any of them cannot be used.
pub fn tell(
    diagnostics: &[Diagnostic],
    files: &[SourceFile],
    unreadable: &[Failure],
    n_files: u64,
    format: Format,
) -> Result<(), Failure> {
    let format = match format {
        Format::Table => CheckFormat::Text,
        Format::Json => CheckFormat::Json,
    };
    let places = &std::collections::BTreeMap::new();
    report::tell(&Report { diagnostics, sources: files, unreadable, places, n_files, format })
}

/// Where to read about what was told, once for all of it.
fn more_about(diagnostics: &[Diagnostic]) -> String {
    let codes: BTreeSet<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    match codes.first() {
        None => String::new(),
        Some(code) if codes.len() == 1 => format!("`millrace explain {code}` tells more about it.\n"),
        Some(_) => "`millrace explain CODE` tells more about each code.\n".to_owned(),
    }
}

/// That files cannot be used: how many mistakes there are, in how many.
fn mistakes(diagnostics: &[Diagnostic], n_unreadable: u64, n_files: u64) -> Failure {
    let summary = assemble::summary(diagnostics, n_unreadable);
    // Where nothing was found but that files cannot be read, how many of how many says nothing.
    if n_files == 0 || diagnostics.is_empty() {
        return Failure::Mistakes { summary };
    }
    Failure::Mistakes { summary: format!("{summary} in {}", counted(n_files, "file")) }
}
