//! The handle by which all others reach the store: verbs, each with what is true once it has returned.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use sdk::{ConnectionName, EffectId, FlowId, RecordId, RunId, Timestamp, Version};

use crate::core::{Answered, Op};
use crate::driver::{Driver, Readers};
use crate::error::Result;
use crate::{
    AttemptEnd, Call, Called, Checkpoint, Checkpointed, ClaimedRun, Cursor, EffectRow, EffectState, Ending, Error,
    Failure, FailureFilter, FailureGroup, Fired, Firing, FlowRow, FlowState, Freshness, Intent, JournalEntry,
    ManualRun, Measured, Novelty, Only, Planned, Pruned, Repair, Repaired, Retention, RunDetail, RunFilter, RunLog,
    RunRow, RunState, ScheduleRow, Settlement, SourceKey, SourceRow, Tally, Timetable, TookOver, WalkPage,
};
use crate::{cursors, failures, flows, history, ledger, measured, retention, runs, schedules, schema};

/// A handle to the engine's database; cloning it is cheap, and all clones are the same store.
///
/// A verb that changes something has returned only after its commit is on disk. A verb that failed has stored nothing
/// and may be called again. Dropping a verb's future leaves the verb done or not done, never half done.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    driver: Driver,
    target_key_secret: [u8; 32],
}

/// Opening and closing.
impl Store {
    /// Opens `dir/millrace.db` with a writer thread, creating and migrating it as needed. Refuses a file that is not
    /// ours or is newer, and a network filesystem. Taking the [`crate::EngineLock`] is the caller's part.
    pub fn open(dir: &Path) -> Result<Self> {
        schema::create_dir(dir)?;
        if let Some(kind) = schema::network_filesystem(dir) {
            return Err(Error::NetworkFilesystem { path: dir.to_owned(), kind });
        }
        Self::open_on_any_filesystem(dir)
    }

    /// Like [`Store::open`], for an operator who vouches for the filesystem.
    pub fn open_on_any_filesystem(dir: &Path) -> Result<Self> {
        let connection = schema::open_writer(dir)?;
        let target_key_secret = target_key_secret(&connection)?;
        let driver = Driver::thread(connection, dir.join(schema::FILE))?;
        Ok(Self::over(driver, target_key_secret))
    }

    /// Opens an existing database for reading, while an engine runs or while none does. Every verb that changes
    /// something answers [`Error::ReadOnly`].
    pub fn open_read_only(dir: &Path) -> Result<Self> {
        let path: PathBuf = dir.join(schema::FILE);
        let connection = schema::open_reader(&path)?;
        let target_key_secret = target_key_secret(&connection)?;
        let readers = Readers::new(path);
        readers.give(connection);
        Ok(Self::over(Driver::ReadOnly(readers), target_key_secret))
    }

    /// Opens `dir/millrace.db` without a thread: every verb runs within its call. For simulation.
    pub fn inline(dir: &Path) -> Result<Self> {
        Self::over_connection(schema::open_writer(dir)?)
    }

    /// A database in memory, which ends with its last handle; every verb runs within its call. For simulation.
    pub fn in_memory() -> Result<Self> {
        Self::over_connection(schema::open_memory()?)
    }

    /// Everything handed over before is committed, the log is folded into the database, and later changes are refused
    /// with [`Error::Stopped`].
    pub async fn close(&self) -> Result<()> {
        match &self.inner.driver {
            Driver::Thread { .. } => self.write(Op::Close).await,
            Driver::Inline(_) | Driver::ReadOnly(_) => Ok(()),
        }
    }

    /// Commits since the store was opened: a measure of how well callers are grouped.
    pub fn commits(&self) -> u64 {
        self.inner.driver.commits()
    }

    /// A complete copy of the database is at `to`, which was replaced at once if it was there. Work goes on meanwhile.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        let to = to.to_owned();
        self.inner.driver.copy(move |connection| schema::back_up(connection, &to)).await
    }

    /// Every page was read and holds together; otherwise the error says what was found.
    pub async fn check(&self) -> Result<()> {
        self.inner.driver.copy(schema::check).await
    }

    fn over_connection(connection: Connection) -> Result<Self> {
        let target_key_secret = target_key_secret(&connection)?;
        Ok(Self::over(Driver::Inline(Mutex::new(connection)), target_key_secret))
    }

    fn over(driver: Driver, target_key_secret: [u8; 32]) -> Self {
        Self { inner: Arc::new(Inner { driver, target_key_secret }) }
    }

    async fn write<T: Answered>(&self, op: Op) -> Result<T> {
        let answer = self.inner.driver.write(op).await?;
        Ok(T::of(answer).expect("the core answers each operation with its own kind"))
    }

    async fn read<T: Send + 'static>(&self, read: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        self.inner.driver.read(read).await
    }
}

/// Ownership and flows.
impl Store {
    /// The caller is the owner: checkpoints of every earlier epoch are refused, and runs that were at work under one
    /// are pending again.
    pub async fn take_over(&self, now: Timestamp) -> Result<TookOver> {
        self.write(Op::TakeOver { now }).await
    }

    /// The flow has this state, and the reason that an operator is shown. A flow that was not known is known now.
    pub async fn set_flow_state(
        &self,
        flow: &FlowId,
        state: FlowState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        self.write(Op::SetFlowState { flow: flow.clone(), state, reason: reason.map(str::to_owned), now }).await
    }

    /// Every flow that the store knows, by name.
    pub async fn flow_states(&self) -> Result<Vec<FlowRow>> {
        self.read(flows::all).await
    }

    /// All that was stored under `from` is under `to`. False where the store does not know `from`, so that starting
    /// twice with the same `was` is harmless. Refused where `to` has runs or cursors of its own.
    pub async fn rename_flow(&self, from: &FlowId, to: &FlowId) -> Result<bool> {
        self.write(Op::RenameFlow { from: from.clone(), to: to.clone() }).await
    }

    /// The name that effect ids of this flow are made from: its first one, which no renaming changes, so that a write
    /// begun under an old name is known under the new one.
    pub async fn flow_identity(&self, flow: &FlowId) -> Result<FlowId> {
        let flow = flow.clone();
        self.read(move |connection| flows::identity(connection, &flow)).await
    }
}

/// Reading a source.
impl Store {
    /// The source's cursor, `None` before [`Store::start_cursor`].
    pub async fn cursor(&self, key: &SourceKey) -> Result<Option<Cursor>> {
        // One row by its key, asked for by each poll of each flow.
        self.inner.driver.read_in_place(|connection| cursors::cursor(connection, key)).await
    }

    /// The source has a cursor: this one, unless it had one before. Answers the one that holds.
    pub async fn start_cursor(&self, key: &SourceKey, cursor: Cursor) -> Result<Cursor> {
        self.write(Op::StartCursor { key: key.clone(), cursor }).await
    }

    /// For each row, what is new about it: not seen at all, or under [`Freshness::ByVersion`] seen only with an older
    /// stamp, or with the same stamp and another hash of the same projection. [`Freshness::ByContent`] goes by the hash
    /// alone, and tells where another projection leaves nothing to compare.
    pub async fn fresh(
        &self,
        key: &SourceKey,
        projection: u64,
        freshness: Freshness,
        rows: &[(RecordId, Version)],
    ) -> Result<Vec<Novelty>> {
        let (key, rows) = (key.clone(), rows.to_vec());
        self.read(move |connection| cursors::fresh(connection, &key, projection, freshness, &rows)).await
    }

    /// Runs, seen rows, counts and cursor of one page are stored together. A run of a record and version that the flow
    /// has a run for already is not stored again. Refused with [`Error::Fenced`] once another owner has taken over.
    pub async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<Checkpointed> {
        self.write(Op::Checkpoint(checkpoint)).await
    }

    /// The source's counts since its beginning; zeros for a source that is not known.
    pub async fn tally(&self, key: &SourceKey) -> Result<Tally> {
        let key = key.clone();
        self.read(move |connection| cursors::tally(connection, &key)).await
    }

    /// Every source that the flow reads or has read, with cursor and counts.
    pub async fn cursors(&self, flow: &FlowId) -> Result<Vec<SourceRow>> {
        let flow = flow.clone();
        self.read(move |connection| cursors::of_flow(connection, &flow)).await
    }
}

/// Flows that go by the clock.
impl Store {
    /// The flow goes by these times, and starts next at `next_due`; where it went by the same before, what it had
    /// holds. A walk of another object is dropped. Answers how it stands.
    pub async fn start_schedule(&self, timetable: Timetable, next_due: Option<Timestamp>) -> Result<ScheduleRow> {
        self.write(Op::StartSchedule { timetable, next_due }).await
    }

    /// What the time starts is stored, and the next time is known, together; nothing is, where the store knows another
    /// time as the next. Refused with [`Error::Fenced`] once another owner has taken over.
    pub async fn fire(&self, firing: Firing) -> Result<Fired> {
        self.write(Op::Fire(firing)).await
    }

    /// The runs of one page of a walk and the point that it reached are stored together; nothing is, where the walk
    /// stands elsewhere. Refused with [`Error::Fenced`] once another owner has taken over.
    pub async fn walk_page(&self, page: WalkPage) -> Result<Fired> {
        self.write(Op::WalkPage(page)).await
    }

    /// How the flow's times stand; `None` where it never went by the clock.
    pub async fn schedule(&self, flow: &FlowId) -> Result<Option<ScheduleRow>> {
        let flow = flow.clone();
        self.read(move |connection| schedules::of_flow(connection, &flow)).await
    }
}

/// Working on runs.
impl Store {
    /// The answered runs are `running`, one attempt further, and nobody else gets them: for each flow at most as many
    /// as wanted, the longest due first, and of one record only the earliest version while none is at work. A run whose
    /// body cannot be read is not answered: it has failed, with the class `store`.
    pub async fn claim(&self, now: Timestamp, wanted: &[(FlowId, usize)]) -> Result<Vec<ClaimedRun>> {
        self.write(Op::Claim { now, wanted: wanted.to_vec(), only: Only::All }).await
    }

    /// The same for flows that begin nothing any more: only runs that an attempt has begun before, or that another run
    /// calls and waits for.
    pub async fn claim_begun(&self, now: Timestamp, wanted: &[(FlowId, usize)]) -> Result<Vec<ClaimedRun>> {
        self.write(Op::Claim { now, wanted: wanted.to_vec(), only: Only::Begun }).await
    }

    /// The runs of a flow that have not ended.
    pub async fn open_runs(&self, flow: &FlowId, only: Only) -> Result<Vec<RunId>> {
        let flow = flow.clone();
        self.read(move |connection| runs::open(connection, &flow, only)).await
    }

    /// Whether any run of any flow is pending or waiting.
    pub async fn any_open(&self) -> Result<bool> {
        self.read(runs::any_open).await
    }

    /// When the next pending or waiting run of these flows becomes due after `now`; `None` where none waits.
    pub async fn next_due(&self, now: Timestamp, flows: &[FlowId]) -> Result<Option<Timestamp>> {
        let flows = flows.to_vec();
        self.read(move |connection| runs::next_due(connection, now, &flows)).await
    }

    /// What the attempt came to, by [`Store::finish`], [`Store::park`] or [`Store::wait`], and what it noted of itself
    /// are stored together. A run that was asked to stop, and did not come to an end of its own, is cancelled instead;
    /// or unknown, where a write of it may have been applied. Answers the state in which the run is; `None` where it
    /// was not at work any more, and nothing changed.
    pub async fn end_attempt(
        &self,
        run: RunId,
        end: AttemptEnd,
        log: RunLog,
        now: Timestamp,
    ) -> Result<Option<RunState>> {
        self.write(Op::EndAttempt { run, end, log, now }).await
    }

    /// When the first run of these flows that is in a `wait` goes on; `None` where none is.
    pub async fn next_wake(&self, flows: &[FlowId]) -> Result<Option<Timestamp>> {
        let flows = flows.to_vec();
        self.read(move |connection| runs::next_wake(connection, &flows)).await
    }

    /// The run has ended so, and the next version of its record may be claimed. False where it was not at work any
    /// more, and nothing changed: an ending is never overwritten.
    pub async fn finish(&self, run: RunId, ending: Ending, now: Timestamp) -> Result<bool> {
        Ok(self.end_attempt(run, AttemptEnd::Finished(ending), RunLog::default(), now).await?.is_some())
    }

    /// The run is pending again and due at `due_at`; it still holds back later versions of its record. The failure is
    /// kept as its last one. False where it was not at work any more, and nothing changed.
    pub async fn park(&self, run: RunId, due_at: Timestamp, failure: Failure) -> Result<bool> {
        let end = AttemptEnd::Parked { due_at, failure };
        Ok(self.end_attempt(run, end, RunLog::default(), due_at).await?.is_some())
    }

    /// The run is waiting until `due_at`, and holds nobody back: later versions of its record may be claimed before it.
    /// That it waited is no attempt. False where it was not at work any more, and nothing changed.
    pub async fn wait(&self, run: RunId, due_at: Timestamp) -> Result<bool> {
        Ok(self.end_attempt(run, AttemptEnd::Waits { due_at }, RunLog::default(), due_at).await?.is_some())
    }

    /// Later attempts of the run are told this outcome. An outcome journaled before under the same key stays.
    pub async fn journal(&self, run: RunId, entry: JournalEntry) -> Result<()> {
        self.write(Op::Journal { run, entry }).await
    }

    /// As [`Store::journal`], of a failure after which the run goes on; the run counts it, once.
    pub async fn ignore(&self, run: RunId, entry: JournalEntry) -> Result<()> {
        self.write(Op::Ignore { run, entry }).await
    }

    /// The run is stored and due now. False where the flow has a run of this record, version and nonce already.
    pub async fn insert_manual_run(&self, run: ManualRun) -> Result<bool> {
        self.write(Op::InsertManual(run)).await
    }

    /// The run that another calls is stored and due now, unless the same call stored it before; answers how it stands.
    /// A caller that was asked to stop calls nothing any more.
    /// Its caller, if it waits by then, goes on when it has ended.
    pub async fn call(&self, call: Call) -> Result<Called> {
        self.write(Op::Call(call)).await
    }

    /// Each of these runs is repaired, or left alone with the reason. A run that is tried again is pending and due now:
    /// what it wrote stays written, what failed is planned again, and runs that it called and that gave up are tried
    /// again with it. A cancelled one will not be worked on again, nor what it called;
    /// one at work is asked to stop, and its next end of an attempt is its last, in whatever engine. A dismissed one is
    /// listed as a failure no longer.
    pub async fn repair(&self, runs: Vec<RunId>, repair: Repair, now: Timestamp) -> Result<Repaired> {
        self.write(Op::Repair { runs, repair, now }).await
    }
}

/// The ledger of writes.
impl Store {
    /// The write is in the ledger. A new one is `planned`, or `superseded` where a newer write of the same flow, step,
    /// item and record is done; a planned one that this happened to in the meantime is `superseded` as well.
    pub async fn plan(&self, intent: Intent) -> Result<Planned> {
        self.write(Op::Plan(intent)).await
    }

    /// The write is `sent`, with one attempt more: from here on it may have reached the service. Only a planned or
    /// a sent one may be; others are refused with [`Error::NotSendable`].
    pub async fn mark_sent(&self, effect: &EffectId, now: Timestamp) -> Result<()> {
        self.write(Op::MarkSent { effect: effect.clone(), now }).await
    }

    /// The attempt's outcome is stored; answers the state in which the write is now. One that is done, unchanged or
    /// superseded stays as it is. [`Settlement::Again`] makes it `planned`, or `superseded` where a newer one is done.
    pub async fn settle(&self, effect: &EffectId, settlement: Settlement, now: Timestamp) -> Result<EffectState> {
        self.write(Op::Settle { effect: effect.clone(), settlement, now }).await
    }

    /// One write of the ledger.
    pub async fn effect(&self, effect: &EffectId) -> Result<Option<EffectRow>> {
        let effect = effect.clone();
        self.read(move |connection| ledger::effect(connection, &effect)).await
    }

    /// At most `limit` writes in this state, in no particular order: what a restart or an operator has to look at.
    pub async fn effects_in_state(&self, state: EffectState, limit: usize) -> Result<Vec<EffectRow>> {
        self.read(move |connection| ledger::in_state(connection, state, limit)).await
    }

    /// The record that the newest applied write to this key of the object reached.
    pub async fn known_target(
        &self,
        connection: &ConnectionName,
        object: &str,
        target_key: &str,
    ) -> Result<Option<RecordId>> {
        let (name, object, target_key) = (connection.clone(), object.to_owned(), target_key.to_owned());
        self.read(move |connection| ledger::known_target(connection, &name, &object, &target_key)).await
    }

    /// A target's key as the ledger keeps it: the same for the same text, and telling nothing without this database.
    pub fn hash_target_key(&self, text: &str) -> String {
        let hash = blake3::keyed_hash(&self.inner.target_key_secret, text.as_bytes());
        hash.to_hex()[..32].to_owned()
    }
}

/// History.
impl Store {
    /// The runs that fulfil the filter, newest first.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>> {
        self.read(move |connection| history::runs(connection, &filter)).await
    }

    /// All about one run, by its id, by four or more of its first digits, or by eight or more of its last. A shortened
    /// id that several runs have is [`Error::AmbiguousRun`].
    pub async fn run(&self, id: &str) -> Result<RunDetail> {
        let id = id.to_owned();
        self.read(move |connection| history::run(connection, &id)).await
    }

    /// The states of these runs, in their order; `None` for one that is not there.
    pub async fn states_of(&self, runs: Vec<RunId>) -> Result<Vec<Option<RunState>>> {
        self.read(move |connection| runs::states_of(connection, &runs)).await
    }

    /// Runs that gave up and were not dismissed, by cause; the cause that was met last comes first.
    pub async fn failure_groups(&self, filter: FailureFilter) -> Result<Vec<FailureGroup>> {
        self.read(move |connection| failures::groups(connection, &filter)).await
    }

    /// Runs that gave up and were not dismissed, newest first: those stored before this one, at most so many.
    pub async fn failures(&self, filter: FailureFilter, before: Option<RunId>, limit: usize) -> Result<Vec<RunRow>> {
        self.read(move |connection| failures::runs(connection, &filter, before, limit)).await
    }

    /// How many runs of the flow are in each state; states without runs are left out.
    pub async fn counts_by_state(&self, flow: &FlowId) -> Result<Vec<(RunState, u64)>> {
        let flow = flow.clone();
        self.read(move |connection| history::counts_by_state(connection, &flow)).await
    }

    /// What the flow's runs since this moment did, counted.
    pub async fn measured(&self, flow: &FlowId, since: Timestamp) -> Result<Measured> {
        let flow = flow.clone();
        self.read(move |connection| measured::since(connection, &flow, since)).await
    }

    /// Runs that ended after the ending `after`, in the order in which they did; the last one's is where to go on.
    pub async fn ended_since(&self, after: i64, limit: usize) -> Result<Vec<RunRow>> {
        self.read(move |connection| history::ended_since(connection, after, limit)).await
    }

    /// The number of the latest ending of a run: where a reader begins who wants only what comes.
    pub async fn latest_ending(&self) -> Result<i64> {
        self.read(runs::latest_ending).await
    }

    /// What is older than the retention says is gone, at most [`Retention::limit`] of each kind: call it again while it
    /// answers that there was something.
    pub async fn prune(&self, retention: Retention) -> Result<Pruned> {
        self.write(Op::Prune(retention)).await
    }
}

/// Its size.
impl Store {
    /// Bytes that the database takes up, without pages that wait to be used again.
    pub async fn size(&self) -> Result<u64> {
        self.read(retention::size).await
    }

    /// The log of changes is folded into the database and takes up no space, where no reader needs it.
    pub async fn fold(&self) -> Result<()> {
        self.write(Op::Fold).await
    }
}

#[cfg(test)]
impl Store {
    /// A store over a connection that a test has prepared, with a writer thread.
    pub(crate) fn threaded_over(connection: Connection, path: PathBuf) -> Result<Self> {
        let target_key_secret = target_key_secret(&connection)?;
        Ok(Self::over(Driver::thread(connection, path)?, target_key_secret))
    }

    /// What `look` sees on the inline driver's own connection.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Connection) -> T) -> T {
        match &self.inner.driver {
            Driver::Inline(connection) => look(&connection.lock().expect("no test panics while it looks")),
            Driver::Thread { .. } | Driver::ReadOnly(_) => panic!("only an inline store has a connection to look at"),
        }
    }
}

fn target_key_secret(connection: &Connection) -> Result<[u8; 32]> {
    Ok(connection.query_row("SELECT value FROM meta WHERE name = 'target_key_secret'", [], |row| row.get(0))?)
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let driver = match &self.inner.driver {
            Driver::Thread { .. } => "writer thread",
            Driver::Inline(_) => "inline",
            Driver::ReadOnly(_) => "read only",
        };
        write!(out, "Store({driver})")
    }
}
