//! A backlog of contacts: half of them copied into a second account, every one with a durable run.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use millrace::assemble::{Environment, Setup, assemble};
use millrace::place::Place;
use sdk::FlowId;
use store::RunState;
use tokio_util::sync::CancellationToken;

use crate::process::{self, Measured, Stopwatch, cpu_seconds, memory_mib};
use crate::report::{Report, median};
use crate::site::{self, Sandbox};

/// Contacts of the comparison.
const CONTACTS: usize = 5_000;
/// How often each is measured, in turns.
const ROUNDS: usize = 3;
/// Contacts of the measurements of memory.
const GROWING: [usize; 2] = [100_000, 1_000_000];

/// The engine beside the bare loop, in turns, each with accounts of its own.
pub fn compare(report: &mut Report) -> anyhow::Result<()> {
    let mut engine = Vec::new();
    let mut grouped = Vec::new();
    let mut single = Vec::new();
    for _ in 0..ROUNDS {
        engine.push(between(CONTACTS, |dir, _, _| process::play("engine", &[dir, &CONTACTS.to_string()]))?);
        grouped.push(between(CONTACTS, |dir, crm, copy| process::play("bare", &[dir, crm, copy, "grouped"]))?);
        single.push(between(CONTACTS, |dir, crm, copy| process::play("bare", &[dir, crm, copy, "single"]))?);
    }
    let written = grouped[0].written;
    for other in engine.iter().chain(&grouped).chain(&single) {
        anyhow::ensure!(other.written == written, "they did not do the same work: {} and {written}", other.written);
    }
    let bare = &grouped;
    let speed = |measured: &[Measured]| median(measured.iter().map(Measured::records_per_second));
    let cpu = |measured: &[Measured]| median(measured.iter().map(Measured::cpu_micros_per_record));
    let peak = |measured: &[Measured]| median(measured.iter().map(|one| one.peak_mib));
    for (name, measured) in
        [("engine", &engine), ("bare loop, commits grouped", &grouped), ("bare loop, a commit per record", &single)]
    {
        report.backlog_row(
            name,
            speed(measured),
            speed(measured) / speed(bare),
            cpu(measured),
            cpu(measured) / cpu(bare),
            peak(measured),
        );
    }
    report.figure("Contacts, and how many of them were written", format!("{CONTACTS}, {written}"), "");
    Ok(())
}

/// The engine's memory over a backlog, and over one ten times as long.
pub fn grow(report: &mut Report) -> anyhow::Result<()> {
    let mut peaks = Vec::new();
    for contacts in GROWING {
        let measured = between(contacts, |dir, _, _| process::play("engine", &[dir, &contacts.to_string()]))?;
        let aim = if peaks.is_empty() { "under 80 MB" } else { "at most 10 % more" };
        report.figure(
            &format!("Peak memory, a backlog of {contacts} contacts"),
            format!("{:.1} MiB, {:.0} records/s", measured.peak_mib, measured.records_per_second()),
            aim,
        );
        peaks.push(measured.peak_mib);
    }
    if let [small, large] = peaks.as_slice() {
        report.figure("Memory of the long backlog over the short one", format!("{:.2}", large / small), "at most 1.10");
    }
    Ok(())
}

fn between(
    contacts: usize,
    measure: impl FnOnce(&str, &str, &str) -> anyhow::Result<Measured>,
) -> anyhow::Result<Measured> {
    let dir = tempfile::tempdir()?;
    let (crm, copy) = (Sandbox::start(contacts)?, Sandbox::start(0)?);
    site::write_project(dir.path(), &crm.url, &copy.url)?;
    measure(dir.path().to_str().context("a folder has no name")?, &crm.url, &copy.url)
}

/// The engine's role: works on the project until every contact has a run that has ended.
pub async fn work(arguments: &[String]) -> anyhow::Result<()> {
    let [dir, contacts] = arguments else { anyhow::bail!("the engine takes a folder and a number of contacts") };
    let contacts: u64 = contacts.parse()?;
    let dir = Path::new(dir).to_owned();
    let data = dir.join(".millrace");
    let place = Place { data: data.clone(), dir };
    let stop = CancellationToken::new();
    let assembled = assemble(Setup::new(place, None, Environment::of_process()), &stop).await?;
    let handle = assembled.handle.clone();

    let (watch, cpu_before) = (Stopwatch::start(), cpu_seconds()?);
    let mut measured = None;
    let watching = async {
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let ended: u64 = handle.statuses().iter().flat_map(|status| status.ended.values()).sum();
            if ended >= contacts {
                break;
            }
        }
        measured = Some((watch.elapsed(), cpu_seconds()));
        stop.cancel();
    };
    let (worked, ()) = futures::join!(assembled.work(None, stop.clone()), watching);
    worked?;
    let (elapsed, cpu) = measured.context("it ended before its work did")?;
    process::tell(&Measured {
        seconds: elapsed.as_secs_f64(),
        cpu: cpu? - cpu_before,
        peak_mib: memory_mib(std::process::id(), "VmHWM")?,
        records: contacts,
        written: n_written(&data).await?,
    })
}

/// How many runs wrote their contact.
async fn n_written(data: &Path) -> anyhow::Result<u64> {
    let store = store::Store::open_read_only(data)?;
    let counts = store.counts_by_state(&FlowId::from("customers")).await?;
    Ok(counts.into_iter().filter(|(state, _)| *state == RunState::Succeeded).map(|(_, n)| n).sum())
}
