//! One life of the real binary.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How a life ends.
#[derive(Clone, Debug)]
pub enum Kill {
    /// By its own hand, at the n-th visit of a named point.
    AtPoint { name: &'static str, visit: u32 },
    /// From outside, after this long.
    After(Duration),
}

/// How a life ended.
pub struct Death {
    pub by_sigkill: bool,
    pub output: String,
}

/// Longer than any life needs to reach its point.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary with its project, ready to start.
pub fn millrace(project: &Path, environment: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
    command.current_dir(project).envs(environment.iter().cloned()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Starts `millrace up` and waits for its death.
pub async fn live(mut up: Command, kill: &Kill) -> Death {
    up.arg("up").stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Kill::AtPoint { name, visit } = kill {
        up.env("MILLRACE_CRASH", format!("{name}:{visit}"));
    }
    let child = up.spawn().expect("the binary was built");
    let pid = child.id().and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?));
    let end = tokio::time::Instant::now()
        + match kill {
            Kill::AtPoint { .. } => PATIENCE,
            Kill::After(delay) => *delay,
        };
    let waiting = child.wait_with_output();
    tokio::pin!(waiting);
    let output = tokio::select! {
        output = &mut waiting => output,
        () = tokio::time::sleep_until(end) => {
            if let (Kill::After(_), Some(pid)) = (kill, pid) {
                // It may have died by itself just now.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                (&mut waiting).await
            } else {
                return Death { by_sigkill: false, output: format!("still alive after {PATIENCE:?}") };
            }
        }
    };
    let output = output.expect("a child that was started can be waited for");
    let by_sigkill = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Death { by_sigkill, output: format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr)) }
}
