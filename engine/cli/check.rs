//! `millrace check`: all mistakes of a project's files, without asking any service and without any secret.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use text::{Diagnostic, SourceFile};

use crate::assemble::{self, Understood};
use crate::place::PlaceArguments;
use crate::project::{self, ProjectFiles};
use crate::tables::{Format, counted};
use crate::{Failure, problems, screen};

/// Arguments of `check`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  millrace check\n  millrace check my-flows\n  millrace check flows/new-leads.yaml --format json"
)]
pub struct Arguments {
    /// Flows, folders of flows, or a project's folder; all flows of this project where nothing is named
    paths: Vec<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let env = arguments.env.as_deref();
    let (dir, files) = match &arguments.paths[..] {
        // As `up my-flows` takes it.
        [dir] if arguments.place.named().is_none() && project::is_one(dir) => {
            (dir.clone(), ProjectFiles::read(dir, env)?)
        }
        [] => {
            let dir = arguments.place.place()?.dir;
            let files = ProjectFiles::read(&dir, env)?;
            (dir, files)
        }
        paths => {
            let dir = arguments.place.place()?.dir;
            let files = ProjectFiles::read_paths(&dir, env, paths)?;
            (dir, files)
        }
    };
    let files = files.with_schemas()?;
    let folder = std::path::absolute(&dir).map_err(Failure::file("find", &dir))?;
    let checked = Understood::of(&files).check_offline(&folder, &files.schemas);
    let diagnostics = &checked.diagnostics;
    let n_files = (files.flows.len() + files.connections.len() + files.connectors.len() + files.schemas.len()) as u64;
    let told = tell(diagnostics, &files.sources(), &files.unreadable, n_files, arguments.format);
    let is_unknown = |one: &Diagnostic| one.code == flow::codes::UNKNOWN_FIELD;
    if arguments.format == Format::Table && !files.schemas.is_empty() && diagnostics.iter().any(is_unknown) {
        screen::complain(
            "Fields are known from `schemas/`, as they were pulled; `millrace schema pull` asks for new ones.\n",
        );
    }
    told?;
    if arguments.format == Format::Table {
        let flows = counted(checked.flows.len() as u64, "flow");
        let warnings =
            if diagnostics.is_empty() { String::new() } else { format!(", {}", problems::summary(diagnostics)) };
        screen::say(&format!("{flows} checked, no mistakes{warnings}.\n"));
    }
    Ok(())
}

/// Shows what is wrong with some files, and fails where any of them cannot be used.
pub fn tell(
    diagnostics: &[Diagnostic],
    files: &[SourceFile],
    unreadable: &[Failure],
    n_files: u64,
    format: Format,
) -> Result<(), Failure> {
    match format {
        Format::Json => screen::say_json(&text::to_json(diagnostics, files)),
        Format::Table => {
            problems::show_diagnostics(diagnostics, files);
            screen::complain(&more_about(diagnostics));
        }
    }
    unreadable.iter().for_each(problems::show);
    if diagnostics.iter().any(Diagnostic::is_error) || !unreadable.is_empty() {
        let summary = assemble::summary(diagnostics, unreadable.len() as u64);
        return Err(Failure::Mistakes { summary: format!("{summary} in {}", counted(n_files, "file")) });
    }
    Ok(())
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
