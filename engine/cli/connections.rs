//! `millrace connections`: the accounts that a project's flows work with.

pub mod scopes;
pub mod test;

use clap::{Args, Subcommand};
use sdk::FlowId;
use serde_json::json;

use crate::assemble::{ConnectionPlace, Environment, Understood};
use crate::place::PlaceArguments;
use crate::project::ProjectFiles;
use crate::tables::{self, Format};
use crate::{Failure, problems, screen};

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List them: where each leads, and which flows use it; never a secret
    #[command(after_help = "Example:\n  millrace connections list -C my-flows")]
    List(Arguments),
    /// Ask each who we are, what time it is there, and whether we may read what flows use
    #[command(after_help = "Examples:\n  millrace connections test\n  millrace connections test crm --env production")]
    Test(NamedArguments),
    /// Show which rights flows need, and which of them our tokens have
    #[command(after_help = "Example:\n  millrace connections scopes crm")]
    Scopes(NamedArguments),
}

/// Arguments of `connections list`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of what can look at one connection alone.
#[derive(Args, Debug)]
pub struct NamedArguments {
    /// This connection only
    name: Option<String>,
    #[command(flatten)]
    rest: Arguments,
}

/// A project as these commands see it.
struct Project {
    files: ProjectFiles,
    understood: Understood,
    folder: std::path::PathBuf,
    environment: Environment,
}

/// Does it.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List(arguments) => list(&arguments),
        Command::Test(arguments) => test::run(&arguments).await,
        Command::Scopes(arguments) => scopes::run(&arguments).await,
    }
}

impl Project {
    fn read(arguments: &Arguments) -> Result<Self, Failure> {
        let dir = arguments.place.place()?.dir;
        let files = ProjectFiles::read_whatever_there_is(&dir, arguments.env.as_deref())?;
        let folder = std::path::absolute(&dir).map_err(Failure::file("find", &dir))?;
        let understood = Understood::of(&files);
        files.unreadable.iter().for_each(problems::show);
        Ok(Self { files, understood, folder, environment: Environment::of_process() })
    }

    /// The connections that are meant; there is at least one.
    fn places(&self, only: Option<&str>) -> Result<Vec<ConnectionPlace<'_>>, Failure> {
        let places = self.understood.places(only);
        match only {
            Some(name) if places.is_empty() => {
                let known = self.understood.connections.iter().map(|one| one.name.value.to_string()).collect();
                Err(Failure::unknown("connection", name, known))
            }
            _ => Ok(places),
        }
    }

    /// Mistakes in the files of connections and connectors: what they do not say is missing here.
    fn show_mistakes(&self) -> Result<(), Failure> {
        let is_of_a_flow = |one: &text::Diagnostic| {
            let file = one.labels.first().map(|label| &label.file);
            file.is_some_and(|file| self.files.flows.iter().any(|flow| flow.path == *file))
        };
        let mistakes: Vec<_> =
            self.understood.diagnostics.iter().filter(|one| one.is_error() && !is_of_a_flow(one)).cloned().collect();
        problems::show_diagnostics(&mistakes, &self.files.sources());
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(Failure::Mistakes { summary: problems::summary(&mistakes) }),
        }
    }
}

fn list(arguments: &Arguments) -> Result<(), Failure> {
    let project = Project::read(arguments)?;
    let places = project.places(None)?;
    let facts = places.iter().map(|place| {
        let address = place.address(&project.understood.connectors, &project.environment, &project.folder);
        (place, address, project.understood.flows_of(place.name()))
    });
    match arguments.format {
        Format::Json => {
            let all = facts.map(|(place, address, flows)| {
                json!({
                    "name": place.name(),
                    "title": place.definition.title,
                    "connector": place.definition.connector.value,
                    "address": address,
                    "flows": flows,
                })
            });
            screen::say_json(&all.collect());
        }
        Format::Table if places.is_empty() => {
            screen::tell("There is no connection yet; `connections.yaml` names them.\n");
        }
        Format::Table => {
            let columns = [
                tables::text("connection"),
                tables::text("connector"),
                tables::text("address"),
                tables::cuttable("flows"),
            ];
            let rows = facts.map(|(place, address, flows)| {
                let flows: Vec<&str> = flows.iter().map(FlowId::as_str).collect();
                let flows = if flows.is_empty() { "none".to_owned() } else { flows.join(", ") };
                let connector = place.definition.connector.value.clone();
                vec![place.name().to_string(), connector, address.unwrap_or_default(), flows]
            });
            screen::say(&tables::table(&columns, rows.collect(), None));
        }
    }
    project.show_mistakes()
}
