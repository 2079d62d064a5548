//! `millrace demo`: the quickstart project at work on a stand-in of HubSpot, on this machine alone.
//!
//! The sandbox is served in this process, over real HTTP on a loopback port, and an ordinary engine works on it.
//! Everything lies in one folder, so a second demo over the same folder goes on where the first one stopped.

mod quickstart;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use ::sandbox::hubspot::{DEFAULT_TOKEN, Options, ServeOptions};
use clap::Args;
use runtime::{Drain, FlowStatus, Handle};
use sdk::{Clock as _, FlowId, SystemClock, Timestamp};
use store::{EngineLock, RunRow, Store};
use tokio_util::sync::CancellationToken;

use crate::accounts::{self, Account};
use crate::assemble::{self, Assembled, Environment, Setup};
use crate::place::{Place, program, shown};
use crate::sandbox::{self, AccountArguments, Served};
use crate::screen::{self, Canvas};
use crate::tables::{count, counted, time_of_day};
use crate::{Failure, durations, logging, signals};

/// Arguments of `demo`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  millrace demo\n  millrace demo --once --data /tmp/mill\n  millrace demo --for 30s --churn 5"
)]
pub struct Arguments {
    /// Do what there is to do while nothing changes, show what became of every record, and stop
    #[arg(long)]
    once: bool,
    /// Keep everything in this folder, and go on from it; else a new one is made and kept
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Stop after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = durations::parse)]
    duration: Option<Duration>,
    #[command(flatten)]
    account: AccountArguments,
    /// Records made or changed in a second
    #[arg(long, default_value_t = 1.0, value_name = "RATE", value_parser = sandbox::rate, conflicts_with = "once")]
    churn: f64,
}

/// How often the picture is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// How often there are lines where no picture can be drawn.
const LINES_EVERY: Duration = Duration::from_secs(2);
/// How many ended runs are remembered for the picture.
const REMEMBERED: usize = 12;

/// Does it.
pub async fn run(arguments: Arguments, verbose: u8) -> Result<(), Failure> {
    let place = place(arguments.data.as_deref())?;
    let lock = EngineLock::take(&place.data)?;
    logging::to_file(verbose, &place.data.join("millrace.log"))?;
    quickstart::write(&place.dir)?;

    let stop = signals::graceful_stop_token();
    let served = serve(&arguments, &place.data).await?;
    let mut setup = Setup::new(place.clone(), None, environment(&served));
    setup.lock = Some(lock);
    setup.waits_for_services = false;
    let assembled = assemble::assemble(setup, &stop).await?;
    some_of_ours(&assembled)?;

    // A picture until the engine stops, by itself or because somebody wishes it.
    let pictures = CancellationToken::new();
    let watcher = Watcher::new(&assembled, &served, &place, arguments.once).await?;
    let drawing = tokio::spawn(watcher.watch(pictures.clone(), stop.clone()));
    if let Some(duration) = arguments.duration {
        let stop = stop.clone();
        tokio::spawn(async move {
            SystemClock.sleep(duration).await;
            stop.cancel();
        });
    }
    let before = assembled.accounts().await?;
    // What search does not show yet is not there yet: the engine looks again once it must be.
    let settle = arguments.account.lag + Duration::from_millis(100);
    let worked = assembled.work(arguments.once.then_some(Drain { settle, waits: false }), stop.clone()).await;
    pictures.cancel();
    // The picture is only a picture; what counts comes after it.
    let _ = drawing.await;
    served.server.stop().await.map_err(Failure::system("stop the sandbox"))?;
    let worked = worked?;

    screen::say(&closing(&worked.accounts, &before, &place));
    match (arguments.once, stop.is_cancelled()) {
        // Without `--once`, being stopped is how it ends.
        (false, _) => Ok(()),
        (true, true) => Err(Failure::Stopped),
        (true, false) => accounts::balance(&worked.accounts, how_to_look(&place)),
    }
}

/// Fails where none of the demo's own flows can work, whatever others somebody has put beside them.
fn some_of_ours(assembled: &Assembled) -> Result<(), Failure> {
    let is_ours = |flow: &FlowId| quickstart::flows().any(|ours| ours == flow.as_str());
    if assembled.flows.iter().any(|flow| is_ours(&flow.id)) {
        return Ok(());
    }
    let reason = assembled.left_out.iter().find(|(flow, _)| is_ours(flow));
    let reason = reason.map_or_else(String::new, |(flow, reason)| format!("`{flow}`: {reason}"));
    Err(Failure::NoneCouldWork { reason })
}

fn how_to_look(place: &Place) -> String {
    format!("`{} runs list --data {} --state pending` shows what waits", program(), shown(&place.data))
}

/// The folder in which everything lies: project, state, sandbox and warehouse.
fn place(data: Option<&Path>) -> Result<Place, Failure> {
    let dir = match data {
        Some(dir) => {
            quickstart::claim(dir)?;
            std::path::absolute(dir).map_err(Failure::file("find", dir))?
        }
        None => {
            let dir = fresh_folder(&std::env::temp_dir())?;
            quickstart::claim(&dir)?;
            dir
        }
    };
    Ok(Place { data: dir.clone(), dir })
}

/// A folder that nobody had before us, under a name that is short to type.
fn fresh_folder(parent: &Path) -> Result<PathBuf, Failure> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let mut number = std::process::id();
    loop {
        let dir = parent.join(format!("millrace-demo-{number}"));
        match builder.create(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Failure::file("create", &dir)(error)),
        }
    }
}

async fn serve(arguments: &Arguments, data: &Path) -> Result<Served, Failure> {
    let options = Options { log_path: Some(data.join("hubspot-writes.jsonl")), ..arguments.account.options() };
    let serving = ServeOptions {
        churn_per_second: if arguments.once { 0.0 } else { arguments.churn },
        state_path: Some(data.join("hubspot.json")),
        ..ServeOptions::default()
    };
    sandbox::start(options, serving, 0).await
}

/// What the project's `${ env.X }` say here; the process's own environment is not touched.
fn environment(served: &Served) -> Environment {
    Environment::with(BTreeMap::from([
        ("HUBSPOT_URL", served.server.url()),
        ("HUBSPOT_TOKEN", DEFAULT_TOKEN.to_owned()),
    ]))
}

/// Shows what happens while it happens.
struct Watcher {
    handle: Handle,
    store: Store,
    hubspot: std::sync::Arc<std::sync::Mutex<::sandbox::hubspot::HubSpot>>,
    url: String,
    warehouse: PathBuf,
    once: bool,
    began_at: Timestamp,
    /// Up to which change of a run the picture knows.
    seen: i64,
    lately: VecDeque<RunRow>,
    told: BTreeMap<FlowId, String>,
}

impl Watcher {
    async fn new(assembled: &Assembled, served: &Served, place: &Place, once: bool) -> Result<Self, Failure> {
        Ok(Self {
            handle: assembled.handle.clone(),
            seen: assembled.store.latest_ending().await?,
            store: assembled.store.clone(),
            hubspot: served.hubspot.clone(),
            url: served.server.url(),
            warehouse: warehouse(place),
            once,
            began_at: SystemClock.now(),
            lately: VecDeque::new(),
            told: BTreeMap::new(),
        })
    }

    async fn watch(mut self, pictures: CancellationToken, stop: CancellationToken) {
        let is_live = screen::is_live();
        let mut canvas = Canvas::default();
        loop {
            if is_live {
                self.look().await;
                self.draw(&mut canvas, stop.is_cancelled());
            } else {
                self.tell();
            }
            let pause = if is_live { DRAW_EVERY } else { LINES_EVERY };
            tokio::select! {
                () = pictures.cancelled() => break,
                () = SystemClock.sleep(pause) => {}
            }
        }
        // The closing account says it all again, and better.
        if is_live {
            canvas.clear();
        }
    }

    /// Remembers runs that ended since the last look.
    async fn look(&mut self) {
        // A store that cannot be read at the moment is the engine's to report.
        for row in self.store.ended_since(self.seen, 500).await.unwrap_or_default() {
            self.seen = row.ending;
            self.lately.push_front(row);
        }
        self.lately.truncate(REMEMBERED);
    }

    fn draw(&mut self, canvas: &mut Canvas, is_stopping: bool) {
        let (n_contacts, n_companies) = self.counts();
        let facts = [
            (
                "HubSpot",
                format!("{} (a stand-in) · {} contacts, {} companies", self.url, count(n_contacts), count(n_companies)),
            ),
            ("warehouse", self.warehouse.display().to_string()),
        ];
        let note = match (is_stopping, self.once) {
            (true, _) => "stopping; Ctrl-C again stops at once",
            (false, true) => "until every record has an outcome",
            (false, false) => "Ctrl-C stops it",
        };
        let scene = view::Scene {
            now: SystemClock.now(),
            began_at: self.began_at,
            note,
            facts: &facts,
            flows: &self.handle.statuses(),
            lately: self.lately.make_contiguous(),
        };
        canvas.draw(&view::picture(&scene, screen::size()));
    }

    /// A line for each flow of which there is something new to tell.
    fn tell(&mut self) {
        let now = time_of_day(SystemClock.now());
        for flow in self.handle.statuses() {
            let FlowStatus { records, runs, ended, reason, .. } = &flow;
            let facts = format!("{records} {runs} {ended:?} {reason:?}");
            if self.told.get(&flow.flow) != Some(&facts) {
                screen::say(&format!("{now}  {}\n", view::plain(&flow)));
                self.told.insert(flow.flow, facts);
            }
        }
    }

    fn counts(&self) -> (u64, u64) {
        let hubspot = self.hubspot.lock().unwrap_or_else(PoisonError::into_inner);
        let n = |object: &str| hubspot.records(object).map(|records| records.count() as u64).unwrap_or_default();
        (n("contacts"), n("companies"))
    }
}

fn warehouse(place: &Place) -> PathBuf {
    place.dir.join("warehouse.db")
}

/// What became of every record, and where to look further.
fn closing(accounts: &[Account], before: &[Account], place: &Place) -> String {
    let (total, earlier) = (accounts::total(accounts), accounts::total(before));
    let missing: u64 = accounts.iter().map(Account::missing).sum();
    let verdict = match (missing, total.records - earlier.records) {
        (0, 0) if total.records > 0 => format!(
            "Nothing was new, and nothing was written. All {} have an outcome.",
            counted(total.records, "record")
        ),
        (0, _) => format!("All {} that were read have an outcome.", counted(total.records, "record")),
        (missing, _) => format!("{} of {} have no outcome yet.", count(missing), counted(total.records, "record")),
    };
    let (data, program, warehouse) = (shown(&place.data), program(), shown(&warehouse(place)));
    format!(
        "\n{}\n{verdict}\n\n\
         The warehouse is {warehouse}. Look into it:\n  \
         sqlite3 {warehouse} 'SELECT * FROM customers LIMIT 9'\n\
         Look at what became of each record:\n  \
         {program} runs list --data {data}\n\
         Go on from here:\n  \
         {program} demo --data {data}\n\
         Everything stays in {data} until you remove it.\n",
        accounts::table(accounts),
    )
}
