//! Why a command can end without doing what was asked, and the exit status of each reason.
//!
//! A [`Failure`] tells one sentence and, where there is one, the remedy. Its status stands in one place:
//! [`Failure::status`], a match without a default.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sdk::FlowId;

/// What a command's exit status says to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Done as asked.
    Done = 0,
    /// The project's files have mistakes, or there is nothing in them to run.
    Project = 1,
    /// The command line is not understood.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// A service refuses us or is not reached, so that flows could not do their work.
    Service = 4,
    /// The flows worked, and runs of them failed.
    RunsFailed = 5,
    /// A record that was read has no outcome.
    DoesNotAddUp = 6,
    /// The engine's state cannot be used or kept.
    State = 7,
    /// Another engine works there.
    InUse = 8,
    /// This machine refused: a file, a port, a terminal.
    System = 9,
    /// An account is no longer what flows were checked against.
    Drift = 10,
    /// Stopped by a signal before it was done; as shells say it, 128 and the number of Ctrl-C's signal.
    Stopped = 130,
}

impl Status {
    /// Each with what it says, as `millrace --help` shows them.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Done, "done as asked"),
        (Self::Project, "the project's files have mistakes, or nothing in them can run"),
        (Self::Usage, "the command line is not understood"),
        (Self::NotFound, "no such flow, run, record or project"),
        (Self::Service, "a service refuses us or is not reached, so that flows could not do their work"),
        (Self::RunsFailed, "the flows worked, and runs of them failed"),
        (Self::DoesNotAddUp, "a record that was read has no outcome"),
        (Self::State, "the engine's state cannot be used or kept"),
        (Self::InUse, "another engine works there"),
        (Self::System, "this machine refused a file, a port or a thread"),
        (Self::Drift, "an account has changed, and flows are hit by it"),
        (Self::Stopped, "stopped by a signal before it was done"),
    ];
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// What `millrace --help` says of exit statuses.
pub fn help() -> String {
    let mut help = "Exit status:\n".to_owned();
    for (status, meaning) in Status::ALL {
        help.push_str(&format!("  {:>3}  {meaning}\n", status as u8));
    }
    help.trim_end().to_owned()
}

/// Why a command ended without doing what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Files with mistakes; each mistake was shown with its place.
    #[error("{summary}")]
    Mistakes {
        /// How many, where.
        summary: String,
    },
    /// A folder without a flow.
    #[error("there are no flows in `{}`", dir.display())]
    NoFlows {
        /// Where they were looked for.
        dir: PathBuf,
    },
    /// A folder that is not there.
    #[error("there is no folder `{}`", dir.display())]
    NoFolder {
        /// As it was given.
        dir: PathBuf,
    },
    /// `init` writes only where nothing can be lost.
    #[error("`{}` is not empty, and nothing was written", dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// `demo` writes only where nothing of anybody's can be changed.
    #[error("`{}` is {what} and not a demo's folder; nothing was written", dir.display())]
    NotADemo {
        /// The folder.
        dir: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// An environment without connections of its own.
    #[error("there is no `{file}`, and nothing was opened")]
    NoEnvironment {
        /// The file that was looked for.
        file: String,
        /// Which environments there are.
        help: String,
    },
    /// A link out of the project.
    #[error("`{}` leads out of the project, and is not followed", path.display())]
    LeadsOut {
        /// The link.
        path: PathBuf,
    },
    /// A flow that the project does not have.
    #[error("there is no flow `{flow}`")]
    NoFlow {
        /// As it was given.
        flow: FlowId,
        /// What there is instead.
        help: String,
    },
    /// Something else that is not there under this name.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// What was looked for, such as `connector`.
        what: &'static str,
        /// As it was given.
        name: String,
        /// What there is instead.
        help: String,
    },
    /// Services that do not do what the project needs of them; each reason was shown.
    #[error("{summary}")]
    NotReady {
        /// How many, of how many.
        summary: String,
    },
    /// A template, of which flows are made.
    #[error("`{flow}` is a template, and makes no runs itself")]
    Template {
        /// Which.
        flow: FlowId,
    },
    /// A sync, which this version does not run.
    #[error("`{sync}` is a sync, and this version does not run syncs yet")]
    Sync {
        /// Which.
        sync: FlowId,
    },
    /// Accounts that are no longer what flows were checked against; each place was shown.
    #[error("{summary}")]
    Drift {
        /// How many places of how many flows.
        summary: String,
    },
    /// A flow that is switched off in its file.
    #[error("`{flow}` is switched off by `enabled: false`")]
    Disabled {
        /// Which.
        flow: FlowId,
    },
    /// A flow that an operator stopped.
    #[error("`{flow}` is {state}: `{remedy}`")]
    Held {
        /// Which.
        flow: FlowId,
        /// How it is held, such as `paused`.
        state: &'static str,
        /// What lets it go on.
        remedy: String,
    },
    /// A folder in which no engine has worked.
    #[error("there is no database in `{}`: no engine has run here yet", data.display())]
    NeverRan {
        /// Where its state would be.
        data: PathBuf,
        /// What to do instead.
        help: String,
    },
    /// One project has one engine.
    #[error("another engine{} works here, and a project has only one at a time", process(pid))]
    InUse {
        /// Its process, where it could be read.
        pid: Option<u32>,
    },
    /// What was asked of a running engine, it refused.
    #[error("{0}")]
    Refused(String),
    /// Inputs that cannot be read.
    #[error("`{from}` has no inputs to read: {why}")]
    BadInputs {
        /// Where they were to come from.
        from: String,
        /// Why not.
        why: String,
    },
    /// No flow could work; each reason was shown.
    #[error("no flow could work: {reason}")]
    NoneCouldWork {
        /// The first reason.
        reason: String,
    },
    /// What is left waits for a service that is away.
    #[error("{n_runs} {} left of `{flow}`: {reason}", if *n_runs == 1 { "run is" } else { "runs are" })]
    ServiceAway {
        /// Whose runs.
        flow: FlowId,
        /// How many.
        n_runs: u64,
        /// Which service, and since when.
        reason: String,
    },
    /// A flow's source could not be read, again and again.
    #[error("the source of `{flow}` could not be read: {reason}")]
    SourceNotRead {
        /// Whose source.
        flow: FlowId,
        /// What is in the way.
        reason: String,
    },
    /// No group of failures has this name.
    #[error("there is no group `{id}` of failures")]
    NoGroup {
        /// As it was given.
        id: String,
    },
    /// Neither runs nor a filter were named.
    #[error("which runs to {verb} is not said")]
    NothingChosen {
        /// What was to be done.
        verb: String,
    },
    /// More runs than anybody would do by hand.
    #[error("this would {verb} {n_runs} runs, and nothing was done")]
    Unconfirmed {
        /// What was to be done.
        verb: String,
        /// How many.
        n_runs: u64,
    },
    /// Runs that could not be repaired; each reason was shown.
    #[error("{n_refused} {} not {done}", if *n_refused == 1 { "run was" } else { "runs were" })]
    LeftAlone {
        /// What was to be done.
        done: String,
        /// How many.
        n_refused: u64,
        /// How to go on.
        help: String,
    },
    /// A signal came before runs that were asked to stop had stopped.
    #[error(
        "stopped waiting; {n_runs} {} to stop all the same, before the next write",
        if *n_runs == 1 { "run is asked" } else { "runs are asked" }
    )]
    StillAsked {
        /// How many.
        n_runs: u64,
    },
    /// Runs gave up.
    #[error("{n_failed} of {n_runs} runs did not succeed")]
    RunsFailed {
        /// Failed and unknown runs.
        n_failed: u64,
        /// All that ended.
        n_runs: u64,
        /// How to look at them.
        help: String,
    },
    /// The books do not balance.
    #[error("{missing} of {records} records that were read have no outcome yet")]
    DoesNotAddUp {
        /// Records without an outcome.
        missing: u64,
        /// Records read.
        records: u64,
        /// How to go on.
        help: String,
    },
    /// An editor that ended its server without a word, or died.
    #[error("the editor is gone, and has not said that it would")]
    LeftAloneByEditor,
    /// A signal came first.
    #[error("stopped before it was done; the next start goes on from here")]
    Stopped,
    /// The state cannot be used or kept.
    #[error(transparent)]
    Store(store::Error),
    /// A file could not be read or written.
    #[error("{doing} `{}`", path.display())]
    File {
        /// What was tried, such as `read`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A port of this machine that we may not have.
    #[error("nothing can be served at port {port} of this machine")]
    Port {
        /// Which.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused something that is no file.
    #[error("failed to {doing}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Failure {
    /// The exit status: every reason stands here and nowhere else.
    pub fn status(&self) -> Status {
        match self {
            Self::Mistakes { .. }
            | Self::NoFlows { .. }
            | Self::NoEnvironment { .. }
            | Self::LeadsOut { .. }
            | Self::Disabled { .. }
            | Self::Template { .. }
            | Self::Sync { .. }
            | Self::Held { .. }
            // The editors' protocol asks for a 1, whatever else we say by it.
            | Self::LeftAloneByEditor => Status::Project,
            Self::NothingChosen { .. } | Self::Unconfirmed { .. } | Self::BadInputs { .. } => Status::Usage,
            Self::NoFolder { .. }
            | Self::Unknown { .. }
            | Self::NoFlow { .. }
            | Self::NoGroup { .. }
            | Self::LeftAlone { .. }
            | Self::Refused(_) => Status::NotFound,
            Self::NoneCouldWork { .. }
            | Self::ServiceAway { .. }
            | Self::SourceNotRead { .. }
            | Self::NotReady { .. } => Status::Service,
            Self::Drift { .. } => Status::Drift,
            Self::RunsFailed { .. } => Status::RunsFailed,
            Self::DoesNotAddUp { .. } => Status::DoesNotAddUp,
            Self::Stopped | Self::StillAsked { .. } => Status::Stopped,
            Self::NeverRan { .. } => Status::State,
            Self::InUse { .. } => Status::InUse,
            Self::NotEmpty { .. }
            | Self::NotADemo { .. }
            | Self::Port { .. }
            | Self::File { .. }
            | Self::System { .. } => Status::System,
            Self::Store(error) => match error {
                store::Error::InUse { .. } => Status::InUse,
                store::Error::NoRun { .. } | store::Error::AmbiguousRun { .. } | store::Error::NoEffect { .. } => {
                    Status::NotFound
                }
                store::Error::Missing { .. }
                | store::Error::File { .. }
                | store::Error::NotOurs { .. }
                | store::Error::Newer { .. }
                | store::Error::Older { .. }
                | store::Error::OldSqlite { .. }
                | store::Error::NetworkFilesystem { .. }
                | store::Error::Locked
                | store::Error::DiskFull
                | store::Error::Disk(_)
                | store::Error::ReadOnly
                | store::Error::Fenced { .. }
                | store::Error::Corrupt { .. }
                | store::Error::WrongState { .. }
                | store::Error::InDoubt { .. }
                | store::Error::OneTarget { .. }
                | store::Error::NotSendable { .. }
                | store::Error::FlowExists { .. }
                | store::Error::Stopped
                | store::Error::Database(_) => Status::State,
            },
        }
    }

    /// What to do about it, where the sentence itself does not say.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::NoFlows { dir } => Some(format!(
                "a project keeps its flows in `{}`; `millrace init` writes a first one",
                dir.join("x.yaml").display()
            )),
            Self::NoFolder { .. } => Some("name the project's folder, or make one with `millrace init`".to_owned()),
            Self::NotEmpty { .. } => Some("name a new folder, such as `millrace init my-flows`".to_owned()),
            Self::NotADemo { .. } => Some("name a new folder, such as `millrace demo --data my-demo`".to_owned()),
            Self::Port { .. } => Some("name another with `--port`; without it, any free one is taken".to_owned()),
            Self::InUse { .. } => Some(
                "stop it, or send commands to it: `millrace run FLOW --record ID`, `millrace pause FLOW`".to_owned(),
            ),
            Self::NoEnvironment { help, .. } | Self::NeverRan { help, .. } => Some(help.clone()),
            Self::LeadsOut { .. } => Some("copy the file into the project instead".to_owned()),
            Self::NoFlow { help, .. }
            | Self::Unknown { help, .. }
            | Self::RunsFailed { help, .. }
            | Self::DoesNotAddUp { help, .. }
            | Self::LeftAlone { help, .. } => Some(help.clone()),
            Self::NoGroup { .. } => Some("`millrace failures list` shows those there are".to_owned()),
            Self::BadInputs { .. } => Some("write a JSON object such as `{\"name\": \"Ann\"}`".to_owned()),
            Self::ServiceAway { .. } => Some("the next start goes on with them".to_owned()),
            Self::SourceNotRead { .. } => Some("the next start reads on from where this one stood".to_owned()),
            Self::NothingChosen { .. } => {
                Some("name runs or groups, or all failures of a kind with --flow, --class or --since".to_owned())
            }
            Self::Unconfirmed { .. } => Some("add `--yes` if all of them are meant".to_owned()),
            Self::Template { flow } => {
                Some(format!("make a flow of it: `flow: its-id`, `from: {flow}@1` and `inputs`"))
            }
            Self::Sync { .. } => Some("write a flow for each of its directions".to_owned()),
            Self::Drift { .. } => Some(
                "change these places, then `millrace schema pull`; `millrace check --online` tells the same".to_owned(),
            ),
            Self::Disabled { .. } => Some("take that line out, then try again".to_owned()),
            Self::File { source, .. } => rights(source),
            Self::Store(store::Error::File { source, .. }) => rights(source),
            Self::Mistakes { .. }
            | Self::Held { .. }
            | Self::Refused(_)
            | Self::NoneCouldWork { .. }
            | Self::NotReady { .. }
            | Self::LeftAloneByEditor
            | Self::Stopped
            | Self::StillAsked { .. }
            | Self::Store(_)
            | Self::System { .. } => None,
        }
    }

    /// That nothing has this name, with the names that there are.
    pub fn unknown(what: &'static str, name: &str, known: Vec<String>) -> Self {
        // A longer list helps nobody to choose.
        const MOST: usize = 12;
        let help = match text::did_you_mean(name, known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => "there is none yet".to_owned(),
            None => {
                let list = known.iter().take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let more = known.len().saturating_sub(MOST);
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                format!("there {} {list}{more}", if known.len() == 1 { "is" } else { "are" })
            }
        };
        Self::Unknown { what, name: name.to_owned(), help }
    }

    /// For `map_err` on a file's path.
    pub fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    /// For `map_err` on what is no file.
    pub fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, source }
    }
}

/// What helps where the system does not let us.
fn rights(error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Some("run this as the user whom that belongs to, or let your own user read and write it".to_owned())
        }
        ErrorKind::ReadOnlyFilesystem => {
            Some("nothing can be written there; keep the state elsewhere with `--data DIR`".to_owned())
        }
        _ => None,
    }
}

/// `, process 7,` where it is known.
fn process(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(", process {pid},")).unwrap_or_default()
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            // The store does not know which commands there are to send.
            store::Error::InUse { pid } => Self::InUse { pid },
            other => Self::Store(other),
        }
    }
}

impl From<runtime::engine::EngineError> for Failure {
    fn from(error: runtime::engine::EngineError) -> Self {
        match error {
            runtime::engine::EngineError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_distinct_and_all_are_told() {
        let help = help();
        for (status, meaning) in Status::ALL {
            let told = format!("  {:>3}  {meaning}", status as u8);
            assert_eq!(help.lines().filter(|line| **line == told).count(), 1, "{help}");
        }
        assert!(Status::ALL.windows(2).all(|pair| (pair[0].0 as u8) < pair[1].0 as u8), "in order, none twice");
    }

    #[test]
    fn an_engine_at_work_is_told_from_a_broken_state() {
        let in_use = Failure::from(store::Error::InUse { pid: Some(7) });
        assert_eq!(in_use.status(), Status::InUse);
        assert!(in_use.to_string().contains("another engine, process 7, works here"), "{in_use}");
        // A state of its own would read everything from the beginning.
        assert!(!in_use.remedy().unwrap_or_default().contains("director"));
        assert_eq!(Failure::Store(store::Error::DiskFull).status(), Status::State);
        assert_eq!(Failure::Store(store::Error::NoRun { id: "x".to_owned() }).status(), Status::NotFound);
    }

    #[test]
    fn what_the_system_forbids_has_a_remedy() {
        let denied = || io::Error::from(ErrorKind::PermissionDenied);
        let of_file = Failure::file("create", Path::new(".millrace"))(denied());
        let of_store = Failure::from(store::Error::File {
            doing: "create the directory",
            path: ".millrace".into(),
            source: std::sync::Arc::new(denied()),
        });
        for failure in [of_file, of_store] {
            assert!(failure.remedy().is_some_and(|help| help.contains("the user whom that belongs to")), "{failure}");
        }
    }
}
