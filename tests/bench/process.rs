//! What a process used, as Linux counts it; and this program, started again as another process.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Ticks of processor time in a second: what Linux tells everybody, whatever its kernel counts by.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a measured process tells of itself, as its only line of output.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Processor time over all threads, in seconds.
    pub cpu: f64,
    /// The most memory that it ever had, in MiB.
    pub peak_mib: f64,
    /// Records read.
    pub records: u64,
    /// Records written.
    pub written: u64,
}

impl Measured {
    pub fn records_per_second(&self) -> f64 {
        self.records as f64 / self.seconds
    }

    pub fn cpu_micros_per_record(&self) -> f64 {
        self.cpu * 1e6 / self.records as f64
    }
}

/// Starts this program again under a role, waits for its end, and gives what it told.
pub fn play<T: DeserializeOwned>(role: &str, arguments: &[&str]) -> anyhow::Result<T> {
    let output = Command::new(std::env::current_exe()?)
        .arg(format!("role={role}"))
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "the {role} ended with {}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("the {role} told nothing that can be read"))
}

/// Tells the one line that [`play`] waits for.
#[expect(clippy::print_stdout, reason = "it is how a measured process answers the one that started it")]
pub fn tell(told: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(told)?);
    Ok(())
}

/// Processor time that this process has used, over all threads.
pub fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The program's name is in brackets and may hold spaces; user and system time are the 12th and 13th after it.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// A line of a process's status that tells memory, in MiB: `VmHWM` for the most it had, `VmRSS` for what it has.
pub fn memory_mib(pid: u32, line: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let found = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
    let kib: f64 =
        found.and_then(|found| found.trim().strip_suffix("kB")?.trim().parse().ok()).context("no such line")?;
    Ok(kib / 1024.0)
}

/// Time as it passes for a person.
#[derive(Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
