//! `millrace up`: a project's flows at work, until told to stop.

mod reloading;

use std::path::PathBuf;

use clap::Args;
use flow::Flow;
use sdk::Timestamp;

use crate::accounts::{self, Account};
use crate::assemble::{self, Environment, Setup};
use crate::place::PlaceArguments;
use crate::tables::{self, counted};
use crate::{Failure, screen, signals};

/// Arguments of `up`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    millrace up my-flows --env production\n  \
    millrace up --no-reload")]
pub struct Arguments {
    /// The project's folder
    #[arg(conflicts_with = "dir")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Leave flows as they are when their files change, until SIGHUP asks to read them again
    #[arg(long)]
    no_reload: bool,
}

/// Does it.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut place = arguments.place;
    place.dir = arguments.folder.or(place.dir);
    let stop = signals::graceful_stop_token();
    // From now on it ends nobody: what comes while services are asked is heard once they have answered.
    let hang_ups = signals::HangUps::listen();
    let mut assembled =
        assemble::assemble(Setup::new(place.place()?, arguments.env, Environment::of_process()), &stop).await?;
    screen::tell(&greeting(&assembled));
    screen::tell(if arguments.no_reload {
        "Flows that you edit are taken up by the next start, or when SIGHUP asks for it.\n"
    } else {
        "Flows that you edit are taken up as soon as they have no mistakes.\n"
    });
    screen::tell(ENDING);
    let watches = !arguments.no_reload;
    let reloader = assembled.reloader.take();
    let reloading =
        reloader.map(|reloader| tokio::spawn(reloading::keep_up(reloader, hang_ups, watches, stop.clone())));
    let worked = assembled.work(None, stop).await;
    reloading.iter().for_each(|reloading| reloading.abort());
    let worked = worked?;
    screen::tell(&farewell(&worked.accounts));
    Ok(())
}

/// How an engine is ended.
pub const ENDING: &str = "Ctrl-C stops it; what is at work comes to its end first.\n";

/// What an engine says when it begins.
pub fn greeting(assembled: &assemble::Assembled) -> String {
    let mut text = format!(
        "{} at work, as process {}; state is kept in `{}`.\n",
        counted(assembled.flows.len() as u64, "flow"),
        std::process::id(),
        assembled.data.display(),
    );
    let statuses = assembled.handle.statuses();
    for flow in &assembled.flows {
        let next = statuses.iter().find(|status| status.flow == flow.id).and_then(|status| status.next_start);
        let next = next.map(|at| next_start(flow, at)).unwrap_or_default();
        text.push_str(&tables::marked(&format!("  ● {}  {}{next}\n", flow.id, assemble::sentence_of(flow))));
    }
    for (flow, reason) in &assembled.left_out {
        text.push_str(&tables::marked(&format!("  ■ {flow}  {reason}\n")));
    }
    text
}

/// `, next 2026-11-22 02:00 Europe/Berlin`: the flow's own time.
fn next_start(flow: &Flow, at: Timestamp) -> String {
    let local = at.to_jiff().to_zoned(flow.timezone.clone());
    let zone = flow.timezone.iana_name().unwrap_or("in the flow's zone");
    format!(", next {} {zone}", local.strftime("%Y-%m-%d %H:%M"))
}

fn farewell(accounts: &[Account]) -> String {
    match accounts::total(accounts).open() {
        0 => "Stopped; every run is at its end.\n".to_owned(),
        open => format!("Stopped; the next start goes on with {} that the store keeps.\n", counted(open, "run")),
    }
}
