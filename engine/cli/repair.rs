//! Repairing runs from the command line: which ones, with whose consent, and what became of them.
//!
//! A running engine does it itself; where none runs, the store is opened, and the next engine finds what was done.

mod stopping;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clap::Args;
use flow::language::words::CLASSES;
use runtime::Command;
use sdk::{Clock as _, FlowId, RecordId, RunId, SystemClock, Timestamp};
use store::{Doubt, EngineLock, FailureFilter, GroupId, Repair, Repaired, RepairedRun, Store};

use crate::place::{Place, PlaceArguments, program};
use crate::tables::{self, count, counted};
use crate::{Failure, control, durations, problems, runs, screen};

/// Arguments of `runs retry` and `failures retry`.
#[derive(Args, Debug)]
pub struct RetryArguments {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    decision: Decision,
}

/// Which runs are meant.
#[derive(Args, Debug)]
pub struct Chosen {
    /// Runs, by ids as `runs list` shows them, or groups as `failures list` shows them
    #[arg(value_name = "RUN|GROUP")]
    ids: Vec<String>,
    #[command(flatten)]
    filter: FilterArguments,
    /// Do it even for more than a hundred
    #[arg(long)]
    yes: bool,
}

/// Which failures are meant.
#[derive(Args, Debug)]
pub struct FilterArguments {
    /// All failures of this flow
    #[arg(long)]
    pub flow: Option<String>,
    /// All failures of this class, such as transient or invalid
    #[arg(long, value_parser = class)]
    pub class: Option<String>,
    /// All that failed since then: a time such as 2026-01-31T08:00:00Z, or so long ago, such as 2h or 7d
    #[arg(long, value_parser = durations::since, value_name = "TIME")]
    pub since: Option<Timestamp>,
}

/// What is to become of writes that may or may not have been applied.
#[derive(Args, Debug)]
pub struct Decision {
    /// Send a write again that may have been applied; that can make a second record
    #[arg(long, conflicts_with_all = ["assume_applied", "skip"])]
    resend: bool,
    /// Take a write for applied that may have been; its record's id, where a later step needs it
    #[arg(long, num_args = 0..=1, default_missing_value = "", value_name = "ID", conflicts_with = "skip")]
    assume_applied: Option<String>,
    /// Leave a write out that may have been applied, and end its run as skipped
    #[arg(long)]
    skip: bool,
}

/// More than so many need a `--yes`.
const MANY: usize = 100;
/// So many are done in one transaction.
const AT_ONCE: usize = 250;
/// How many failures are read at once.
const PAGE: usize = 5_000;
/// After so long, and as often, it is told how far it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// No more reasons than these are told.
const MOST_REASONS: usize = 8;

impl FilterArguments {
    /// The same for the store.
    pub fn filter(&self) -> FailureFilter {
        FailureFilter {
            flow: self.flow.as_deref().map(FlowId::from),
            class: self.class.clone(),
            since: self.since,
            group: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.flow.is_none() && self.class.is_none() && self.since.is_none()
    }
}

/// The classes that no service's refusal has: the engine's own.
const OWN_CLASSES: [&str; 4] = ["unknown", "expression", "flow", "store"];

fn class(word: &str) -> Result<String, String> {
    let known: Vec<&str> = CLASSES.words.iter().map(|known| known.word).chain(OWN_CLASSES).collect();
    match known.contains(&word) {
        true => Ok(word.to_owned()),
        false => Err(format!("no class is called so; there are {}", known.join(", "))),
    }
}

impl Decision {
    fn doubt(&self) -> Doubt {
        match (self.resend, &self.assume_applied, self.skip) {
            (true, ..) => Doubt::Resend,
            (false, Some(id), _) => Doubt::Applied(Some(id.as_str()).filter(|id| !id.is_empty()).map(RecordId::from)),
            (false, None, true) => Doubt::Skip,
            (false, None, false) => Doubt::Undecided,
        }
    }
}

impl Chosen {
    /// The runs, oldest first, after a look at how many they are.
    pub async fn runs(&self, place: &Place, verb: &str) -> Result<Vec<RunId>, Failure> {
        let store = place.read()?;
        if self.ids.is_empty() && self.filter.is_empty() {
            return Err(Failure::NothingChosen { verb: verb.to_owned() });
        }
        let filter = self.filter.filter();
        runs::known_flow(&store, &filter.flow).await?;
        let mut chosen = Vec::new();
        let mut is_bulk = self.ids.is_empty();
        if is_bulk {
            chosen = failures(&store, &filter).await?;
        }
        for id in &self.ids {
            match GroupId::parse(id) {
                Some(group) => {
                    is_bulk = true;
                    let found = failures(&store, &FailureFilter { group: Some(group), ..filter.clone() }).await?;
                    if found.is_empty() {
                        return Err(Failure::NoGroup { id: id.clone() });
                    }
                    chosen.extend(found);
                }
                None => chosen.push(store.run(id).await?.row.id),
            }
        }
        chosen.sort();
        chosen.dedup();
        let n = chosen.len() as u64;
        if is_bulk {
            screen::complain(&format!("{} to {verb}.\n", counted(n, "failure")));
        }
        if chosen.len() > MANY && !self.yes {
            return Err(Failure::Unconfirmed { verb: verb.to_owned(), n_runs: n });
        }
        Ok(chosen)
    }
}

/// The runs of these ids.
pub async fn named(store: &Store, ids: &[String]) -> Result<Vec<RunId>, Failure> {
    let mut named = Vec::new();
    for id in ids {
        named.push(store.run(id).await?.row.id);
    }
    Ok(named)
}

/// `runs retry` and `failures retry`.
pub async fn retry(arguments: &RetryArguments) -> Result<(), Failure> {
    let runs = arguments.chosen.runs(&arguments.place.place()?, "retry").await?;
    let doubt = arguments.decision.doubt();
    if let Doubt::Applied(Some(id)) = &doubt
        && runs.len() > 1
    {
        return Err(Failure::Refused(format!(
            "`{id}` cannot be the record of {}: tell it for one run at a time, or say `--assume-applied` without an id",
            counted(runs.len() as u64, "run")
        )));
    }
    carry_out(&arguments.place, &runs, Repair::Retry(doubt)).await
}

/// Repairs the runs, a few at a time, and tells what became of them. Fails where one was left alone.
pub async fn carry_out(arguments: &PlaceArguments, runs: &[RunId], repair: Repair) -> Result<(), Failure> {
    let place = arguments.place()?;
    let (verb, done) = match &repair {
        Repair::Retry(_) => ("retry", "retried"),
        Repair::Cancel { .. } => ("cancel", "cancelled"),
        Repair::Dismiss => ("dismiss", "dismissed"),
    };
    if runs.is_empty() {
        screen::complain(&format!("Nothing to {verb}.\n"));
        return Ok(());
    }
    let began_at = SystemClock.now();
    let mut told_at = began_at;
    let mut gathered = Gathered::default();
    let mut offline: Option<Offline> = None;
    for (number, part) in runs.chunks(AT_ONCE).enumerate() {
        let part = gathered.not_met(part);
        let more = match &offline {
            None => match asked(&place, &part, &repair).await? {
                Some(more) => more,
                None => offline.insert(Offline::open(&place).await?).repair(part, &repair).await?,
            },
            Some(open) => open.repair(part, &repair).await?,
        };
        gathered.add(more);
        let now = SystemClock.now();
        if now.since(told_at) >= PATIENCE {
            told_at = now;
            let so_far = (number + 1) * AT_ONCE;
            screen::complain(&format!("{} of {} …\n", count(so_far as u64), count(runs.len() as u64)));
        }
    }
    let engine_runs = offline.is_none();
    if let Some(open) = offline {
        open.close().await?;
    }
    let mut repaired = gathered.repaired;
    let waited = stopping::wait(&place, runs, &mut repaired).await;
    if matches!(repair, Repair::Cancel { .. }) {
        stopping::sort_out_doubt(&mut repaired);
    }
    let told = Told { place: arguments, repaired: &repaired, repair: &repair, named: runs, done };
    match waited {
        Ok(()) => told.tell(engine_runs),
        // Whoever waits no longer is told what there is.
        Err(failure) => {
            told.tell_done(engine_runs);
            told.tell_refused();
            Err(failure)
        }
    }
}

/// What became of the runs so far, part by part.
#[derive(Default)]
struct Gathered {
    repaired: Repaired,
    /// Those of them that were done or asked.
    met: BTreeSet<RunId>,
}

impl Gathered {
    /// The runs of a part that did not go with one of an earlier part.
    fn not_met(&self, part: &[RunId]) -> Vec<RunId> {
        part.iter().copied().filter(|run| !self.met.contains(run)).collect()
    }

    /// Adds what became of a part. Whoever was asked in an earlier one is asked again by its caller, and is one run.
    fn add(&mut self, more: Repaired) {
        let met = &mut self.met;
        self.repaired.done.extend(more.done.into_iter().filter(|run| met.insert(run.run)));
        self.repaired.asked.extend(more.asked.into_iter().filter(|run| met.insert(run.run)));
        self.repaired.refused.extend(more.refused);
    }
}

/// What is told of a repair.
struct Told<'a> {
    place: &'a PlaceArguments,
    repaired: &'a Repaired,
    repair: &'a Repair,
    /// The runs that were named; others went with them.
    named: &'a [RunId],
    /// Such as `retried`.
    done: &'a str,
}

impl Told<'_> {
    fn tell(&self, engine_runs: bool) -> Result<(), Failure> {
        self.tell_done(engine_runs);
        self.tell_asked();
        self.tell_refused();
        let refused = &self.repaired.refused;
        let Some(first) = refused.first() else { return Ok(()) };
        let help = match (refused.iter().find(|refused| refused.in_doubt), self.repair) {
            (Some(run), Repair::Cancel { .. }) => format!(
                "look for the record at its service ({} tells which); then cancel it again, or retry it with what you found",
                self.show(run.run)
            ),
            (Some(run), Repair::Retry(_) | Repair::Dismiss) => format!(
                "look for the record at its service ({} tells which), then say --assume-applied ID if it is there, --resend if it is not, or --skip",
                self.show(run.run)
            ),
            (None, _) => format!("{} tells more", self.show(first.run)),
        };
        Err(Failure::LeftAlone { done: self.done.to_owned(), n_refused: refused.len() as u64, help })
    }

    /// Of runs that were left alone, and why.
    fn tell_refused(&self) {
        // A reason names its run, so many runs are told by what is behind the name.
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for refused in &self.repaired.refused {
            let reason = refused.reason.replace(&refused.run.to_string(), &runs::short_id(refused.run));
            *reasons.entry(reason).or_default() += 1;
        }
        for reason in reasons.keys().take(MOST_REASONS) {
            problems::warn(&tables::cut(reason, 300));
        }
    }

    fn tell_done(&self, engine_runs: bool) {
        let n_done = self.repaired.done.len() as u64;
        if n_done == 0 {
            return;
        }
        let then = match (self.repair, engine_runs) {
            (Repair::Retry(_), true) => "; the engine takes them up now",
            (Repair::Retry(_), false) => "; no engine runs now, and the next one takes them up",
            (Repair::Cancel { .. } | Repair::Dismiss, _) => "",
        };
        let then = if n_done == 1 { then.replace("them", "it") } else { then.to_owned() };
        let n_called = self.repaired.done.iter().filter(|run| !self.named.contains(&run.run)).count() as u64;
        let what = match (self.repair, n_done - n_called, n_called) {
            (Repair::Cancel { .. }, 0, n) => format!("{} that it called", counted(n, "run")),
            (Repair::Cancel { .. }, n, 1..) => {
                format!("{}, and {} called from there", counted(n, "run"), count(n_called))
            }
            (Repair::Retry(_) | Repair::Cancel { .. } | Repair::Dismiss, ..) => counted(n_done, "run"),
        };
        screen::tell(&format!("{} {what}{then}\n", self.done));
    }

    /// Of runs that will stop, whatever comes.
    fn tell_asked(&self) {
        let asked = &self.repaired.asked;
        let Some(first) = asked.first() else { return };
        let they = if asked.len() == 1 { "it stops" } else { "they stop" };
        screen::tell(&format!(
            "asked {} to stop; {they} before the next write, also after a restart, once what was sent has come to its end \
             ({} tells)\n",
            counted(asked.len() as u64, "run"),
            self.show(first.run),
        ));
    }

    fn show(&self, run: RunId) -> String {
        format!("`{} runs show{} {}`", program(), self.place.as_written(), runs::short_id(run))
    }
}

/// All failures that fulfil the filter.
async fn failures(store: &Store, filter: &FailureFilter) -> Result<Vec<RunId>, Failure> {
    let mut found: Vec<RunId> = Vec::new();
    loop {
        let page = store.failures(filter.clone(), found.last().copied(), PAGE).await?;
        let is_full = page.len() == PAGE;
        found.extend(page.into_iter().map(|row| row.id));
        if !is_full {
            return Ok(found);
        }
    }
}

/// What the running engine did; `None` where none runs.
async fn asked(place: &Place, runs: &[RunId], repair: &Repair) -> Result<Option<Repaired>, Failure> {
    let command = Command::Repair { runs: runs.to_vec(), repair: repair.clone() };
    let Some(answer) = control::ask(&place.data, &command).await? else { return Ok(None) };
    let repaired = serde_json::from_str(&answer)
        .map_err(|error| Failure::Refused(format!("the running engine answers nothing that we know: {error}")))?;
    Ok(Some(repaired))
}

/// A store that no engine works on.
struct Offline {
    store: Store,
    /// Runs that the last engine was to stop, and that have stopped as it was found to be gone.
    stopped: Vec<RepairedRun>,
    _lock: EngineLock,
}

impl Offline {
    async fn open(place: &Place) -> Result<Self, Failure> {
        let lock = EngineLock::take(&place.data)?;
        let store = Store::open(&place.data)?;
        // Nothing is at work where no engine is, whatever the last one left.
        let stopped = store.take_over(SystemClock.now()).await?.stopped;
        Ok(Self { store, stopped, _lock: lock })
    }

    async fn repair(&self, mut runs: Vec<RunId>, repair: &Repair) -> Result<Repaired, Failure> {
        let mut stopped: Vec<RepairedRun> = Vec::new();
        if matches!(repair, Repair::Cancel { .. }) {
            // A caller is older than what it called, and so it comes first.
            for run in &self.stopped {
                let caller = self.store.run(&run.run.to_string()).await?.caller;
                let went_with = |caller| runs.contains(&caller) || stopped.iter().any(|other| other.run == caller);
                if runs.contains(&run.run) || caller.is_some_and(went_with) {
                    stopped.push(run.clone());
                }
            }
            // To cancel those once more would put aside a doubt that nobody was told of.
            runs.retain(|run| !stopped.iter().any(|stopped| stopped.run == *run));
        }
        let mut repaired = self.store.repair(runs, repair.clone(), SystemClock.now()).await?;
        repaired.done.extend(stopped);
        Ok(repaired)
    }

    async fn close(self) -> Result<(), Failure> {
        Ok(self.store.close().await?)
    }
}

#[cfg(test)]
mod tests {
    use store::RunState;

    use super::*;

    /// A run that went with its caller was refused in a later part, and one that was asked before it counted twice.
    #[test]
    fn a_run_that_is_named_beside_its_caller_is_one_run() {
        let id = |number: u128| RunId(uuid::Uuid::from_u128(number));
        let (before, after) = (RunState::Running, RunState::Running);
        let run = |number| RepairedRun { run: id(number), flow: FlowId::from("f"), before, after };
        let mut gathered = Gathered::default();
        let (done, asked) = (vec![run(1), run(2)], vec![run(3)]);
        gathered.add(Repaired { done, asked, refused: Vec::new() });
        assert_eq!(gathered.not_met(&[id(2), id(3), id(4)]), [id(4)]);
        gathered.add(Repaired { done: vec![run(4)], asked: vec![run(3), run(5)], refused: Vec::new() });
        let numbers = |runs: &[RepairedRun]| runs.iter().map(|run| run.run.0.as_u128()).collect::<Vec<_>>();
        assert_eq!((numbers(&gathered.repaired.done), numbers(&gathered.repaired.asked)), (vec![1, 2, 4], vec![3, 5]));
    }
}
