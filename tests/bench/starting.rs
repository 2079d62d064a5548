//! What a person notices first: how long it takes to begin, and what it takes up while nothing happens.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::process::{Stopwatch, memory_mib};
use crate::report::{Report, median};
use crate::site::{self, MILLRACE, Sandbox};

const STARTS: usize = 5;
/// After this time nothing of the start is left to do.
const SETTLED: Duration = Duration::from_secs(20);

/// The shipped binary: from its start to its first poll, its memory when idle, its size.
pub fn measure(report: &mut Report) -> anyhow::Result<()> {
    let mut millis = Vec::new();
    for _ in 0..STARTS {
        millis.push(to_first_poll()?.as_secs_f64() * 1000.0);
    }
    report.figure("Start to first poll", format!("{:.0} ms", median(millis.into_iter())), "under 200 ms");

    let (crm, copy, dir) = (Sandbox::start(0)?, Sandbox::start(0)?, tempfile::tempdir()?);
    site::write_project(dir.path(), &crm.url, &copy.url)?;
    let engine = Engine::start(dir.path())?;
    site::pause(SETTLED);
    report.figure("Idle, resident memory", format!("{:.1} MiB", memory_mib(engine.0.id(), "VmRSS")?), "under 30 MiB");
    let size = std::fs::metadata(MILLRACE)?.len() as f64 / 1e6;
    report.figure("The release binary", format!("{size:.1} MB"), "under 30 MB");
    Ok(())
}

/// The time until the first search reaches the service. What it answers is the sandbox's, through a listener that
/// watches.
fn to_first_poll() -> anyhow::Result<Duration> {
    let (crm, copy, dir) = (Sandbox::start(10)?, Sandbox::start(0)?, tempfile::tempdir()?);
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", door.local_addr()?);
    site::write_project(dir.path(), &url, &copy.url)?;
    let watch = Stopwatch::start();
    let _engine = Engine::start(dir.path())?;
    let target = crm.url.trim_start_matches("http://").to_owned();
    let (seen, first) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for incoming in door.incoming().map_while(Result::ok) {
            let (target, seen) = (target.clone(), seen.clone());
            std::thread::spawn(move || pass_on(incoming, &target, &seen, watch));
        }
    });
    Ok(first.recv_timeout(Duration::from_secs(30))?)
}

/// Hands bytes on both ways, and tells when a search passes.
fn pass_on(
    mut incoming: std::net::TcpStream,
    target: &str,
    seen: &std::sync::mpsc::Sender<Duration>,
    watch: Stopwatch,
) -> Option<()> {
    use std::io::Write as _;
    let mut outgoing = std::net::TcpStream::connect(target).ok()?;
    let (mut back_from, mut back_to) = (outgoing.try_clone().ok()?, incoming.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
    let mut buffer = [0; 16_384];
    loop {
        let n = incoming.read(&mut buffer).ok().filter(|n| *n > 0)?;
        if buffer[..n].windows(7).any(|window| window == b"/search") {
            // Nobody listens any more after the first.
            let _ = seen.send(watch.elapsed());
        }
        outgoing.write_all(&buffer[..n]).ok()?;
    }
}

/// `millrace up`, which ends with this value.
struct Engine(Child);

impl Engine {
    fn start(dir: &std::path::Path) -> anyhow::Result<Self> {
        let child =
            Command::new(MILLRACE).arg("up").arg("-C").arg(dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self(child))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
