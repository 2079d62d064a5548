//! The figures as a table: on the terminal, and in the README beside this file.

use std::fmt::Write as _;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/README.md");
const INTRODUCTION: &str = "\
# What it costs

Written by `cargo bench`, on the machine described at the end. Absolute figures drift from machine to machine and from
hour to hour; those side by side were taken in turns, in one run, and their ratios hold.

## A backlog of contacts

Contacts read by HubSpot's search in pages of 200; half of them meet the condition, and of each of those five fields are
mapped and written by one upsert into a second account. Both accounts are sandboxes without limits, each a process of
its own. Every contact gets a durable run. The bare loop makes the same calls, sixteen at once, and stores the same rows
with `synchronous=FULL`; it has no flows, no retries and no history to look at.

";

/// What was measured.
#[derive(Default)]
pub struct Report {
    backlog: Vec<String>,
    figures: Vec<String>,
    /// Parts that were not measured this time.
    pub left_out: Vec<&'static str>,
}

impl Report {
    /// One contestant of the backlog.
    pub fn backlog_row(&mut self, name: &str, speed: f64, of_bare: f64, cpu: f64, cpu_of_bare: f64, peak: f64) {
        let row = format!("| {name} | {speed:.0} | {of_bare:.2} | {cpu:.0} | {cpu_of_bare:.2} | {peak:.1} |");
        say(&row);
        self.backlog.push(row);
    }

    /// One figure, with what it should be, if anything.
    pub fn figure(&mut self, what: &str, figure: String, aim: &str) {
        let row = format!("| {what} | {figure} | {aim} |");
        say(&row);
        self.figures.push(row);
    }

    pub fn print(&self) {
        say(&self.text());
    }

    pub fn write(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(README, self.text())?)
    }

    fn text(&self) -> String {
        let mut text = INTRODUCTION.to_owned();
        text.push_str("| | records/s | of the bare loop | processor µs a record | of the bare loop | peak MiB |\n");
        text.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
        for row in &self.backlog {
            let _ = writeln!(text, "{row}");
        }
        text.push_str("\n## Figures\n\n| what | measured | aim |\n| --- | --- | --- |\n");
        for row in &self.figures {
            let _ = writeln!(text, "{row}");
        }
        if !self.left_out.is_empty() {
            let _ = writeln!(text, "\nNot measured this time: {}.", self.left_out.join(", "));
        }
        let _ = writeln!(text, "\nThe machine: {}.", machine());
        text
    }
}

/// The middle one.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map(|(_, model)| model.to_owned());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = read("/proc/meminfo");
    let kib: f64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or(0.0);
    format!("{cores} cores ({}), {:.0} GiB of memory", model.unwrap_or_default(), kib / 1_048_576.0)
}

#[expect(clippy::print_stderr, reason = "the figures are shown as they come; standard output is what roles answer on")]
fn say(text: &str) {
    eprintln!("{text}");
}
