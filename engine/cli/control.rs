//! The socket through which commands reach a running engine: `control.sock` in its folder, for its owner alone.
//!
//! One JSON line asks, one JSON line answers. The socket is a door and no memory: what changes is in the store.

use std::path::{Path, PathBuf};

use runtime::{Command, FlowStatus, Handle};
use serde_json::{Value as Json, json};

use crate::Failure;
use crate::assemble::BehindList;

/// The socket's file in the engine's folder.
const FILE: &str = "control.sock";
/// A request longer than this is none of ours.
const LONGEST_REQUEST: u64 = 64 * 1024;

/// Something asked of a running engine.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// How every flow stands.
    Status,
    /// To change something.
    Do(Command),
}

/// How a running engine stands, as JSON.
#[derive(Debug)]
pub struct Standing {
    /// Its flows.
    pub flows: Vec<Json>,
    /// Files that say something else than what runs.
    pub behind: Vec<Json>,
}

/// The open door; dropping it closes it.
#[derive(Debug)]
pub struct Door {
    path: PathBuf,
    #[cfg(unix)]
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        #[cfg(unix)]
        self.server.abort();
        // A file that is left behind is replaced by the next engine.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
pub use unix::{ask, open, standing, statuses};

#[cfg(unix)]
mod unix {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{UnixListener, UnixStream};

    use super::*;

    /// Opens the door of an engine that holds the lock on `data`.
    pub fn open(data: &Path, handle: Handle, behind: BehindList) -> Result<Door, Failure> {
        let path = data.join(FILE);
        // We hold the lock, so whoever made this file is dead.
        let _ = std::fs::remove_file(&path);
        let short = ShortPath::of(data);
        let listener = UnixListener::bind(short.path()).map_err(Failure::file("listen at", &path))?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(Failure::file("protect", &path))?;
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handle, behind) = (handle.clone(), behind.clone());
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, handle, behind).await {
                        tracing::debug!(error = %error, "a control request was cut off");
                    }
                });
            }
        });
        Ok(Door { path, server })
    }

    /// Asks the engine that works in `data` to change something; `None` where none works there.
    pub async fn ask(data: &Path, command: &Command) -> Result<Option<String>, Failure> {
        let Some(answer) = exchange(data, &Request::Do(command.clone())).await? else { return Ok(None) };
        match (answer["done"].as_str(), answer["refused"].as_str()) {
            (Some(done), _) => Ok(Some(done.to_owned())),
            (None, Some(refused)) => Err(Failure::Refused(refused.to_owned())),
            (None, None) => Err(Failure::Refused("the running engine answers nothing that we know".to_owned())),
        }
    }

    /// How the engine that works in `data` stands, as JSON; `None` where none works there.
    pub async fn standing(data: &Path) -> Result<Option<Standing>, Failure> {
        let answer = exchange(data, &Request::Status).await?;
        let list = |answer: &Json, name: &str| answer[name].as_array().cloned().unwrap_or_default();
        Ok(answer.map(|answer| Standing { flows: list(&answer, "flows"), behind: list(&answer, "behind") }))
    }

    /// How the flows of the engine that works in `data` stand, as JSON; `None` where none works there.
    pub async fn statuses(data: &Path) -> Result<Option<Vec<Json>>, Failure> {
        Ok(standing(data).await?.map(|standing| standing.flows))
    }

    async fn serve(stream: UnixStream, handle: Handle, behind: BehindList) -> std::io::Result<()> {
        let (reading, mut writing) = stream.into_split();
        let mut line = String::new();
        BufReader::new(reading.take(LONGEST_REQUEST)).read_line(&mut line).await?;
        let answer = match serde_json::from_str(&line) {
            Ok(Request::Status) => json!({
                "flows": handle.statuses().iter().map(status_json).collect::<Vec<_>>(),
                "behind": behind.all(),
            }),
            Ok(Request::Do(command)) => match handle.ask(command).await {
                Ok(done) => json!({ "done": done }),
                Err(refused) => json!({ "refused": refused }),
            },
            Err(error) => json!({ "refused": format!("the running engine does not know this request: {error}") }),
        };
        writing.write_all(format!("{answer}\n").as_bytes()).await
    }

    async fn exchange(data: &Path, request: &Request) -> Result<Option<Json>, Failure> {
        let path = data.join(FILE);
        let short = ShortPath::of(data);
        // No file, or one that nobody listens at: no engine works here.
        let Ok(stream) = UnixStream::connect(short.path()).await else { return Ok(None) };
        let failed = || Failure::file("speak to the engine at", &path);
        let (reading, mut writing) = stream.into_split();
        let request = serde_json::to_string(request).map_err(|error| failed()(error.into()))?;
        writing.write_all(format!("{request}\n").as_bytes()).await.map_err(failed())?;
        let mut line = String::new();
        BufReader::new(reading).read_line(&mut line).await.map_err(failed())?;
        if line.is_empty() {
            let message =
                "the engine stopped before it answered; what was asked may be done already, so look, or ask again";
            return Err(Failure::Refused(message.to_owned()));
        }
        serde_json::from_str(&line).map(Some).map_err(|error| failed()(error.into()))
    }

    /// The socket's path, by way of an open folder where it would be longer than a socket's address may be.
    struct ShortPath {
        path: PathBuf,
        _folder: Option<std::fs::File>,
    }

    /// The longest address that every system takes, with its final NUL.
    const LONGEST_ADDRESS: usize = 104;

    impl ShortPath {
        fn of(data: &Path) -> Self {
            use std::os::fd::AsRawFd as _;
            let path = data.join(FILE);
            if path.as_os_str().len() < LONGEST_ADDRESS {
                return Self { path, _folder: None };
            }
            match std::fs::File::open(data) {
                Ok(folder) => {
                    let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(FILE);
                    Self { path, _folder: Some(folder) }
                }
                Err(_) => Self { path, _folder: None },
            }
        }

        fn path(&self) -> &Path {
            &self.path
        }
    }
}

#[cfg(not(unix))]
pub use elsewhere::{ask, open, standing, statuses};

#[cfg(not(unix))]
mod elsewhere {
    use super::*;

    /// There are no such sockets here: an engine is reached through its own terminal only.
    pub fn open(data: &Path, _handle: Handle, _behind: BehindList) -> Result<Door, Failure> {
        Ok(Door { path: data.join(FILE) })
    }

    /// Never reaches an engine.
    pub async fn ask(_data: &Path, _command: &Command) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Never reaches an engine.
    pub async fn standing(_data: &Path) -> Result<Option<Standing>, Failure> {
        Ok(None)
    }

    /// Never reaches an engine.
    pub async fn statuses(_data: &Path) -> Result<Option<Vec<Json>>, Failure> {
        Ok(None)
    }
}

/// A flow's status as programs read it.
pub fn status_json(status: &FlowStatus) -> Json {
    json!({
        "flow": status.flow,
        "state": status.state,
        "trigger": status.trigger,
        "reason": status.reason,
        "polls": status.polls,
        "records": status.records,
        "left_out": status.left_out,
        "asked": status.asked,
        "scheduled": status.scheduled,
        "runs": status.runs,
        "open": status.open_runs(),
        "ended": status.ended.iter().map(|(state, n)| (state.word().to_owned(), Json::from(*n))).collect::<Json>(),
        "earlier": status.earlier,
        "next_poll": status.next_poll.map(|at| at.to_string()),
        "next_start": status.next_start.map(|at| at.to_string()),
        "last_poll": status.last_poll.map(|poll| poll.began_at.to_string()),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_no_engine_works_nobody_answers() {
        let folder = tempfile::tempdir().unwrap();
        assert!(statuses(folder.path()).await.unwrap().is_none());
        // A file that a dead engine left.
        drop(std::os::unix::net::UnixListener::bind(folder.path().join(FILE)).unwrap());
        assert!(ask(folder.path(), &Command::Pause("a".into())).await.unwrap().is_none());
    }
}
