//! The `millrace` command: one file per command, and what they share.
//!
//! A command reads its arguments, finds its [`place`], and answers with `Ok` or with a [`Failure`]; [`exit`] says
//! which status that is. [`project`] reads an author's files, [`assemble`] makes a working engine of them, and
//! [`control`] reaches an engine that works already.

pub mod exit;
pub mod place;
pub mod project;

pub mod assemble;
pub mod control;
pub mod problems;

pub mod check;
pub mod completions;
pub mod connections;
pub mod connectors;
pub mod cursor;
pub mod demo;
pub mod explain;
pub mod failures;
pub mod fmt;
pub mod init;
pub mod language;
pub mod lsp;
pub mod manual;
pub mod pause;
pub mod repair;
pub mod run;
pub mod runs;
pub mod sandbox;
pub mod schema;
pub mod status;
pub mod up;

pub mod accounts;
pub mod codes;
pub mod durations;
pub mod folding;
pub mod logging;
pub mod progress;
pub mod rewriting;
pub mod screen;
pub mod secrets;
pub mod signals;
pub mod tables;
pub mod watching;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

pub use exit::Failure;

/// Flows that carry records from one service to another: none lost, none written twice, every one accounted for.
#[derive(Parser, Debug)]
#[command(name = "millrace", version, after_help = exit::help())]
pub struct Arguments {
    /// Say more: decisions with -v, everything with -vv. `MILLRACE_LOG` takes a filter such as `millrace_runtime=debug`
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// The project's folder, where it is not the current one
    #[arg(short = 'C', long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show it all at work: a stand-in of HubSpot, three flows, and a warehouse of their own
    Demo(demo::Arguments),
    /// Begin a project of your own
    Init(init::Arguments),
    /// Look for mistakes in flows, without asking any service
    Check(check::Arguments),
    /// Write files in their canonical layout, with all their comments
    Fmt(fmt::Arguments),
    /// Tell what a code of `check` means and how it is mended
    Explain(explain::Arguments),
    /// Look at the language that flows are written in
    #[command(subcommand)]
    Language(language::Command),
    /// Tell editors what is wrong, what may stand at the cursor, and what stands there
    Lsp(lsp::Arguments),
    /// Run a project's flows until told to stop
    Up(up::Arguments),
    /// Run one flow, perhaps only once or for one record
    Run(run::Arguments),
    /// Show how the flows stand
    Status(status::Arguments),
    /// Stop polling and starting runs of a flow
    Pause(pause::Arguments),
    /// Go on with a paused flow from where it was
    Resume(pause::Arguments),
    /// Look at runs, what happened to which record, and repair them
    #[command(subcommand)]
    Runs(runs::Command),
    /// Look at what gave up and why, and try it again or put it aside
    #[command(subcommand)]
    Failures(failures::Command),
    /// Look at how far a flow has read
    #[command(subcommand)]
    Cursor(cursor::Command),
    /// Look at the services that flows can speak to
    #[command(subcommand)]
    Connectors(connectors::Command),
    /// Look at the accounts that this project's flows work with
    #[command(subcommand)]
    Connections(connections::Command),
    /// Look at the fields of objects, and keep them for `check`
    #[command(subcommand)]
    Schema(schema::Command),
    /// Serve a stand-in of a remote service on this machine
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Print what a shell needs to complete these commands
    Completions(completions::Arguments),
    /// Write a manual page for every command
    Man(manual::Arguments),
}

impl Command {
    /// Whether it works on a project, which can be named before it.
    fn takes_a_project(&self) -> bool {
        !matches!(
            self,
            Self::Demo(_)
                | Self::Init(_)
                | Self::Explain(_)
                | Self::Language(_)
                | Self::Lsp(_)
                | Self::Sandbox(_)
                | Self::Completions(_)
                | Self::Man(_)
        )
    }
}

/// Reads the command line, does what it says, and answers with the exit status.
pub fn main() -> ExitCode {
    secrets::keep_out_of_dumps();
    let arguments = match Arguments::try_parse() {
        Ok(Arguments { dir: Some(_), command, .. }) if !command.takes_a_project() => {
            let message = "this command works on no project, so `-C` means nothing before it";
            let _ = Arguments::command().error(ErrorKind::ArgumentConflict, message).print();
            return exit::Status::Usage.into();
        }
        Ok(arguments) => arguments,
        // What clap has to say, `--help` included, goes where it belongs; its status is ours.
        Err(said) => {
            let _ = said.print();
            return if said.use_stderr() { exit::Status::Usage.into() } else { exit::Status::Done.into() };
        }
    };
    logging::install_panic_hook();
    match run(arguments) {
        Ok(()) => exit::Status::Done.into(),
        Err(failure) => {
            problems::show(&failure);
            failure.status().into()
        }
    }
}

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { verbose, dir, command } = arguments;
    if let Some(dir) = dir {
        place::named_before(dir);
    }
    // The demo owns the screen; its log goes to a file unless somebody asks for more.
    match command {
        Command::Demo(_) => {}
        // It tells itself, in its own words, which runs failed.
        Command::Run(ref arguments) if arguments.ends_by_itself() => logging::to_stderr_but_runs(verbose),
        Command::Up(_) => logging::to_stderr_but_reloads(verbose),
        _ => logging::to_stderr(verbose),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Expressions are evaluated by recursion, to a depth that is bounded and still wants more than two megabytes.
        .thread_stack_size(8 << 20)
        .build()
        .map_err(Failure::system("start the threads"))?;
    let done = runtime.block_on(async move {
        match command {
            Command::Demo(arguments) => demo::run(arguments, verbose).await,
            Command::Init(arguments) => init::run(&arguments),
            Command::Check(arguments) => check::run(&arguments).await,
            Command::Fmt(arguments) => fmt::run(&arguments),
            Command::Explain(arguments) => explain::run(&arguments),
            Command::Language(command) => language::run(&command),
            Command::Lsp(arguments) => lsp::run(arguments),
            Command::Up(arguments) => up::run(arguments).await,
            Command::Run(arguments) => run::run(arguments).await,
            Command::Status(arguments) => status::run(&arguments).await,
            Command::Pause(arguments) => pause::pause(arguments).await,
            Command::Resume(arguments) => pause::resume(arguments).await,
            Command::Runs(command) => runs::run(command).await,
            Command::Failures(command) => failures::run(command).await,
            Command::Cursor(command) => cursor::run(command).await,
            Command::Connectors(command) => connectors::run(command),
            Command::Connections(command) => connections::run(command).await,
            Command::Schema(command) => schema::run(command).await,
            Command::Sandbox(command) => sandbox::run(command).await,
            Command::Completions(arguments) => {
                completions::run(&arguments);
                Ok(())
            }
            Command::Man(arguments) => manual::run(&arguments),
        }
    });
    // Whatever still runs on its threads is in the store; nobody waits for a reader of standard input.
    runtime.shutdown_background();
    done
}
