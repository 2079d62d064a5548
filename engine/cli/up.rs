//! `millrace up`: a project's flows at work, until told to stop.

use std::path::PathBuf;

use clap::Args;

use crate::accounts::{self, Account};
use crate::assemble::{self, Environment, Setup};
use crate::place::PlaceArguments;
use crate::tables::{self, counted};
use crate::{Failure, screen, signals};

/// Arguments of `up`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  millrace up my-flows --env production")]
pub struct Arguments {
    /// The project's folder
    #[arg(conflicts_with = "dir")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
}

/// Does it.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut place = arguments.place;
    place.dir = arguments.folder.or(place.dir);
    let stop = signals::graceful_stop_token();
    let assembled =
        assemble::assemble(Setup::new(place.place()?, arguments.env, Environment::of_process()), &stop).await?;
    screen::say(&greeting(&assembled));
    let worked = assembled.work(None, stop).await?;
    screen::say(&farewell(&worked.accounts));
    Ok(())
}

/// What an engine says when it begins.
pub fn greeting(assembled: &assemble::Assembled) -> String {
    let mut text = format!(
        "{} at work, as process {}; state is kept in `{}`.\n",
        counted(assembled.flows.len() as u64, "flow"),
        std::process::id(),
        assembled.data.display(),
    );
    for flow in &assembled.flows {
        text.push_str(&tables::marked(&format!("  ● {}  {}\n", flow.id, assemble::sentence_of(flow))));
    }
    for (flow, reason) in &assembled.left_out {
        text.push_str(&tables::marked(&format!("  ■ {flow}  {reason}\n")));
    }
    text.push_str("Flows that you edit are taken up by the next start.\n");
    text.push_str("Ctrl-C stops it; what is at work comes to its end first.\n");
    text
}

fn farewell(accounts: &[Account]) -> String {
    match accounts::total(accounts).open() {
        0 => "Stopped; every run is at its end.\n".to_owned(),
        open => format!("Stopped; the next start goes on with {} that the store keeps.\n", counted(open, "run")),
    }
}
