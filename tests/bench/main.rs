//! What the engine costs, beside a bare loop that does the same durable work: printed, never asserted.
//!
//! `cargo bench` measures everything and writes the table into `tests/bench/README.md`; `cargo bench -- backlog idle`
//! only prints these parts, and with `write` among them writes them, too. Each thing that is measured is a process of
//! its own, so that its memory and its processor time are its own: this program starts itself again under a role's
//! name.

mod backlog;
mod bare;
mod check;
mod editor;
mod idle;
mod process;
mod report;
mod site;
mod starting;
#[path = "../support/wire.rs"]
mod wire;

use report::Report;

const PARTS: [&str; 6] = ["backlog", "memory", "idle", "starting", "editor", "check"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [role, rest @ ..] = arguments.as_slice()
        && let Some(role) = role.strip_prefix("role=")
    {
        return play(role, rest);
    }
    let (writes, parts): (Vec<String>, Vec<String>) = arguments.into_iter().partition(|argument| argument == "write");
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        anyhow::bail!("there is no part `{unknown}`; the parts are {}", PARTS.join(", "));
    }
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let mut report = Report::default();
    if is_wanted("backlog") {
        backlog::compare(&mut report)?;
    }
    if is_wanted("memory") {
        backlog::grow(&mut report)?;
    }
    if is_wanted("idle") {
        idle::measure(&mut report)?;
    }
    if is_wanted("starting") {
        starting::measure(&mut report)?;
    }
    if is_wanted("editor") {
        editor::measure(&mut report)?;
    }
    if is_wanted("check") {
        check::measure(&mut report)?;
    }
    report.left_out = PARTS.into_iter().filter(|part| !is_wanted(part)).collect();
    report.print();
    if parts.is_empty() || !writes.is_empty() { report.write() } else { Ok(()) }
}

/// What this process is, where another one of this program started it.
fn play(role: &str, arguments: &[String]) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(8 << 20).build()?;
    match role {
        "engine" => runtime.block_on(backlog::work(arguments)),
        "bare" => runtime.block_on(bare::work(arguments)),
        "flows" => runtime.block_on(idle::work(arguments)),
        other => anyhow::bail!("there is no role `{other}`"),
    }
}
