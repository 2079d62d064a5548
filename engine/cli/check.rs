//! `millrace check`: all mistakes of a project's files, without asking any service and without any secret.

use std::path::PathBuf;

use clap::Args;
use text::Severity;

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
        [dir] if arguments.place.dir.is_none() && project::is_one(dir) => (dir.clone(), ProjectFiles::read(dir, env)?),
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
    let folder = std::path::absolute(&dir).map_err(Failure::file("find", &dir))?;
    let checked = Understood::of(&files).check_offline(&folder);
    let diagnostics = &checked.diagnostics;
    match arguments.format {
        Format::Json => screen::say_json(&text::to_json(diagnostics, &files.sources())),
        Format::Table => problems::show_diagnostics(diagnostics, &files.sources()),
    }
    for failure in &files.unreadable {
        problems::show(failure);
    }
    let n_files = (files.flows.len() + files.connections.len()) as u64;
    let n_errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    if n_errors + files.unreadable.len() > 0 {
        let summary = format!("{} in {}", assemble::summary(diagnostics, &files), counted(n_files, "file"));
        return Err(Failure::Mistakes { summary });
    }
    if arguments.format == Format::Table {
        let flows = counted(checked.flows.len() as u64, "flow");
        let warnings =
            if diagnostics.is_empty() { String::new() } else { format!(", {}", problems::summary(diagnostics)) };
        screen::say(&format!("{flows} checked, no mistakes{warnings}.\n"));
    }
    Ok(())
}
