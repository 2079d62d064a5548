//! One poll of one source.
//!
//! Reads pages from the service, oldest record first, and checkpoints each page: the runs it caused, the rows it saw
//! and the point it reached become visible together or not at all. Polling twice is harmless: rows that were seen
//! make no second run.
//!
//! A **pass** reads from a start to the end of the source and may take many polls. Most passes are quick: they read
//! back by the short overlap. Every ten minutes one is wide: it reads back by the lag allowance from the last wide
//! pass's beginning, so that whatever the service's index shows late, within the allowance, is read once it shows.
//! Once a day a sweep looks for what came later still, and widens the allowance.
//!
//! A page never continues by offset. It restarts at the last stamp read, included; a full page of one single stamp is
//! drained by id instead. So rows that change while we read can only move ahead of us, never past us.
//!
//! Where nothing stamps the records, `snapshot` says what is done instead.

mod lag;
pub(crate) mod page;
pub(crate) mod snapshot;
mod source;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flow::{Flow, On, Poll, Start};
use sdk::faults::planted;
use sdk::{Ask, Clock, ConnectionName, IdOrder, Ids, PollPage, PollQuery, PollRequest, Record, Timestamp, Version};
use store::{
    Checkpoint, Checkpointed, Cursor, Freshness, NewRun, Novelty, Pass, PassKind, SeenRow, SourceKey, Store, Tally,
};

use crate::budgets::{Kind, Later};
use crate::connections::OpenConnection;
use crate::offload::offload;
use lag::LagMeter;
use source::stamp_kind;
pub use source::{is_compared, source_key};

/// How a source is read. The defaults are the promise; an author may ask for more, never for less.
#[derive(Clone, Copy, Debug)]
pub struct PollOptions {
    /// Pages read by one poll.
    pub pages: usize,
    /// How far back quick passes read.
    pub overlap: Duration,
    /// How late the service's index may be at first; widened when it proves later.
    pub allowance: Duration,
    /// How often a pass is wide.
    pub wide_every: Duration,
    /// How often a pass is a sweep, and how far back it reads.
    pub sweep_every: Duration,
}

impl Default for PollOptions {
    fn default() -> Self {
        Self {
            pages: 25,
            overlap: Duration::from_secs(90),
            allowance: Duration::from_secs(600),
            wide_every: Duration::from_secs(600),
            sweep_every: Duration::from_secs(24 * 3600),
        }
    }
}

/// The allowance never grows beyond a day: the seen-map is kept for that and an hour more.
const WIDEST_ALLOWANCE: Duration = Duration::from_secs(24 * 3600);
/// How long a seen row outlives the point that any pass can still read back to.
const SEEN_RETENTION: Duration = Duration::from_secs(25 * 3600);

/// What one poll did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Pages read.
    pub pages: usize,
    /// Rows read, seen ones included.
    pub rows: usize,
    /// Rows that were fresh.
    pub fresh: usize,
    /// Of those, refused by the trigger's filter or `where`, or stamped before the flow's start.
    pub left_out: usize,
    /// Runs stored.
    pub runs: u64,
    /// Runs that were stored before although their rows counted as fresh: those of another source of the same flow.
    pub known: u64,
    /// Whether it reached the source's end; else the pass goes on with the next poll.
    pub finished: bool,
    /// Whether the author's `records_per_poll` ended it.
    pub limited: bool,
    /// Whether it began its pass, rather than going on with one that was begun before.
    pub began: bool,
}

/// A poll that failed, with what it had done by then.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct PollFailed {
    /// What is stored all the same.
    pub polled: Polled,
    /// Why it went no further.
    pub error: PollError,
}

/// Why a poll failed. The cursor has not moved past anything that was not stored.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The service did not answer as wished.
    #[error("{0}")]
    Service(#[from] sdk::Error),
    /// It was not asked: its budget leaves no room for so long. Nothing is wrong.
    #[error("the limits of `{connection}` leave no room for a poll now")]
    NoRoom {
        /// Whose budget.
        connection: ConnectionName,
        /// After this time it is worth asking again.
        wait: Duration,
    },
    /// The service answered, and what it answered cannot be trusted: nothing moves.
    #[error("{0}")]
    Untrusted(String),
    /// A connector or an expression failed inside.
    #[error("the engine failed inside: {0}")]
    Panicked(String),
    /// The state could not be kept.
    #[error("{0}")]
    Store(#[from] store::Error),
}

/// Polls for one flow.
pub struct Poller {
    flow: Arc<Flow>,
    poll: Poll,
    connection: Arc<OpenConnection>,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    options: PollOptions,
    epoch: i64,
    key: SourceKey,
    projection: u64,
    /// Whether everything is read each time, and compared with what was seen.
    is_compared: bool,
    lag: Mutex<LagMeter>,
}

/// What a poller speaks to.
#[derive(Clone)]
pub struct PollerParts {
    /// Where state is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where run ids come from.
    pub ids: Arc<dyn Ids>,
    /// How sources are read.
    pub options: PollOptions,
    /// The ownership under which checkpoints are made.
    pub epoch: i64,
}

impl Poller {
    /// A poller of this trigger of the flow.
    pub fn new(flow: Arc<Flow>, poll: Poll, connection: Arc<OpenConnection>, parts: PollerParts) -> Self {
        let PollerParts { store, clock, ids, options, epoch } = parts;
        let is_compared = is_compared(&poll, &connection);
        let key = source_key(&flow, &poll, &connection);
        let projection = page::projection(&poll.fields);
        let lag = Mutex::default();
        Self { flow, poll, connection, store, clock, ids, options, epoch, key, projection, is_compared, lag }
    }

    /// Under which key its cursor is kept.
    pub fn key(&self) -> &SourceKey {
        &self.key
    }

    /// Reads on from where the last poll stopped, until the source's end or a bound.
    pub async fn poll(&self) -> Result<Polled, PollFailed> {
        let mut polled = Polled::default();
        match self.poll_into(&mut polled).await {
            Ok(()) => Ok(polled),
            Err(error) => Err(PollFailed { polled, error }),
        }
    }

    async fn poll_into(&self, polled: &mut Polled) -> Result<(), PollError> {
        let stored = self.cursor().await?;
        let mut reading = match stored.pass.clone() {
            Some(pass) if !planted("every poll starts over at the watermark") => {
                Reading { cursor: stored.clone(), saved: stored, pass, is_new: false }
            }
            _ => {
                let pass = self.begin_pass(&stored).await?;
                polled.began = true;
                Reading { cursor: stored.clone(), saved: stored, pass, is_new: true }
            }
        };
        let read = self.read_pages(&mut reading, polled).await;
        if let Err(PollError::Service(_) | PollError::NoRoom { .. }) = &read
            && reading.cursor != reading.saved
        {
            // What was read without finding anything fresh is read: else a service that fails now and then would be
            // read from the same point for ever.
            self.checkpoint(&mut reading, Fresh::default(), None).await?;
        }
        read
    }

    async fn read_pages(&self, reading: &mut Reading, polled: &mut Polled) -> Result<(), PollError> {
        loop {
            let Read { query, rows, order, began_at: answered_at } = self.read(&reading.pass).await?;
            reading.pass.order = Some(order);
            if reading.is_new || planted("watermark clamped to the last poll's clock") {
                // A snapshot's moment is that of its rows, and was asked for.
                if !self.is_compared {
                    reading.pass.started_at = answered_at;
                }
                reading.is_new = false;
            }
            polled.pages += 1;
            polled.rows += rows.len();
            reading.pass.newest = reading.pass.newest.max(rows.iter().map(|row| row.modified).max());

            let page_size = self.connection.service.page_size();
            let next = match self.is_compared {
                true => snapshot::next(&query, &rows, page_size),
                false => page::next(&query, &rows, page_size),
            };
            let fresh = self.fresh(&reading.cursor, &rows, &query, next.as_ref()).await?;
            polled.fresh += fresh.rows.len() - fresh.n_hashed_anew;
            polled.left_out += fresh.rows.iter().filter(|row| row.run.is_none()).count() - fresh.n_hashed_anew;
            self.widen(&mut reading.cursor, fresh.late_by);
            let mut forget_before = None;
            match next {
                Some(resume) => {
                    reading.pass.resume = resume;
                    reading.cursor.pass = Some(reading.pass.clone());
                }
                None => {
                    forget_before = self.end_pass(&mut reading.cursor, &reading.pass);
                    polled.finished = true;
                }
            }

            // A page without fresh rows is worth a commit only where the poll ends: until then, reading it again is
            // free.
            polled.limited =
                !polled.finished && self.flow.limits.records_per_poll.is_some_and(|limit| polled.fresh >= limit);
            let ends = polled.finished || polled.limited || polled.pages >= self.options.pages;
            if !fresh.rows.is_empty() || (ends && reading.cursor != reading.saved) {
                let checkpointed = self.checkpoint(reading, fresh, forget_before).await?;
                polled.runs += checkpointed.runs;
                polled.known += checkpointed.known;
            }
            if ends {
                return Ok(());
            }
        }
    }

    /// Keeps a page's fresh rows and the point that was reached, together.
    async fn checkpoint(
        &self,
        reading: &mut Reading,
        fresh: Fresh,
        forget_before: Option<Timestamp>,
    ) -> Result<Checkpointed, PollError> {
        sdk::faults::point("poll.checkpoint.before");
        let checkpointed = self
            .store
            .checkpoint(Checkpoint {
                key: self.key.clone(),
                epoch: self.epoch,
                projection: self.projection,
                rows: fresh.rows,
                cursor: reading.cursor.clone(),
                forget_before,
                tally: fresh.tally,
                now: self.clock.now(),
            })
            .await?;
        reading.saved = reading.cursor.clone();
        sdk::faults::point("poll.checkpoint.after");
        Ok(checkpointed)
    }

    /// The stored cursor, or a new one that stands where the author said to start.
    async fn cursor(&self) -> Result<Cursor, PollError> {
        if let Some(cursor) = self.store.cursor(&self.key).await? {
            return Ok(cursor);
        }
        if self.is_compared {
            let cursor = snapshot::begin(&self.poll, self.about_now())?;
            return Ok(self.store.start_cursor(&self.key, cursor).await?);
        }
        // Asked, not estimated: what is stamped before this moment never makes a run.
        let now = self.ask_server_time().await?;
        let poll = &self.poll;
        let floor = match poll.start {
            Start::Now => now,
            Start::Beginning => Timestamp::EPOCH,
            Start::At(moment) => moment,
        };
        let cursor = Cursor {
            floor,
            watermark: floor,
            wide_at: now,
            swept_at: now,
            overlap: self.options.overlap,
            allowance: self.options.allowance,
            pass: None,
        };
        Ok(self.store.start_cursor(&self.key, cursor).await?)
    }

    /// The service's time: by its last answer, else by asking.
    async fn server_time(&self) -> Result<Timestamp, PollError> {
        match self.connection.server_clock.estimate(&*self.clock) {
            Some(estimate) => Ok(estimate),
            None => self.ask_server_time().await,
        }
    }

    /// The service's time as far as it is known without asking. What is compared needs no more: its order is all that
    /// counts, and `snapshot` sees to that.
    fn about_now(&self) -> Timestamp {
        self.connection.server_clock.estimate(&*self.clock).unwrap_or_else(|| self.clock.now())
    }

    async fn ask_server_time(&self) -> Result<Timestamp, PollError> {
        let server_time = self.ask("", Ask::ServerTime, self.connection.service.server_time()).await?.answer;
        self.connection.server_clock.learn(&*self.clock, server_time);
        Ok(server_time)
    }

    /// Decides how far back a new pass reads. Its beginning is an estimate until the first page answers.
    async fn begin_pass(&self, cursor: &Cursor) -> Result<Pass, PollError> {
        if self.is_compared {
            return Ok(snapshot::pass(cursor, self.about_now()));
        }
        let now = self.server_time().await?;
        let quick = cursor.watermark - if planted("no overlap") { Duration::ZERO } else { cursor.overlap };
        let allowance = if planted("wide passes with an allowance shorter than the lag") {
            cursor.allowance / 8
        } else {
            cursor.allowance
        };
        let (kind, from) = if planted("quick passes alone") || planted("no overlap") {
            (PassKind::Quick, quick)
        } else if now.since(cursor.swept_at) >= self.options.sweep_every {
            (PassKind::Sweep, quick.min(cursor.wide_at - allowance).min(now - self.options.sweep_every))
        } else if now.since(cursor.wide_at) >= self.options.wide_every {
            (PassKind::Wide, quick.min(cursor.wide_at - allowance))
        } else {
            (PassKind::Quick, quick)
        };
        // Nothing before the flow's start makes a run, so nothing before it is read.
        let resume = PollQuery::From(from.max(cursor.floor));
        Ok(Pass { started_at: now, kind, resume, order: None, newest: None })
    }

    /// The next page of a pass, verified.
    async fn read(&self, pass: &Pass) -> Result<Read, PollError> {
        let query = &pass.resume;
        let read = self.ask_for(query).await?;
        let (query, (page, began_at)) = match page::anew(query, pass.order, &read.0) {
            // Rows that were seen are no news when they come again.
            Some(anew) => {
                let read = self.ask_for(&anew).await?;
                (anew, read)
            }
            None => (query.clone(), read),
        };
        page::verify(&query, &page).map_err(PollError::Untrusted)?;
        sdk::faults::point("poll.page.read");
        Ok(Read { query, rows: page.records, order: page.order, began_at })
    }

    /// One page, and the service's time when the request for it left at the latest.
    async fn ask_for(&self, query: &PollQuery) -> Result<(PollPage, Timestamp), PollError> {
        let poll = &self.poll;
        let request = PollRequest {
            object: poll.target.object.clone(),
            stamp: stamp_kind(poll),
            fields: poll.fields.clone(),
            filter: poll.filter.clone(),
            query: query.clone(),
            limit: self.connection.service.page_size(),
        };
        let Answered { answer: page, asked_at, took } =
            self.ask(&request.object, Ask::Poll(&request), self.connection.service.poll(&request)).await?;
        let server_time = page.server_time.unwrap_or(asked_at + took);
        if self.connection.server_clock.learn(&*self.clock, server_time) {
            crate::events::ClocksApart { connection: &self.connection.name, server_time, now: self.clock.now() }.emit();
        }
        let began_at = if planted("watermark from the local clock") { self.clock.now() } else { server_time - took };
        Ok((page, began_at))
    }

    /// Asks the service once there is leave to, and heeds a refusal.
    async fn ask<T>(
        &self,
        object: &str,
        ask: Ask<'_>,
        call: impl Future<Output = Result<T, sdk::Error>>,
    ) -> Result<Answered<T>, PollError> {
        let grant = self
            .connection
            .take(&self.clock, &self.flow.id, Kind::Poll, &[ask])
            .await
            .map_err(|Later { wait, .. }| PollError::NoRoom { connection: self.connection.name.clone(), wait })?;
        let asked_at = self.clock.now();
        let answer = grant.spend(call).await;
        drop(grant);
        let took = self.clock.now().since(asked_at);
        self.connection.heard(&*self.clock, &answer);
        match answer {
            Ok(answer) => Ok(Answered { answer, asked_at, took }),
            Err(error) => {
                self.connection.refused(&*self.clock, (&self.flow.id, Kind::Poll, object), &error);
                Err(error.into())
            }
        }
    }

    /// The rows of a page that were not seen before, each with the run it causes.
    async fn fresh(
        &self,
        cursor: &Cursor,
        rows: &[Record],
        query: &PollQuery,
        next: Option<&PollQuery>,
    ) -> Result<Fresh, PollError> {
        if rows.is_empty() || page::is_thrown_away(query, next) {
            return Ok(Fresh::default());
        }
        let poll = &self.poll;
        let freshness = match poll.on {
            On::New => Freshness::ById,
            On::NewOrUpdated if planted("seen by id only") => Freshness::ById,
            On::NewOrUpdated if self.is_compared => Freshness::ByContent,
            // A record may be restored and archived again.
            On::NewOrUpdated | On::Archived => Freshness::ByVersion,
        };
        let versions: Vec<_> = rows.iter().map(|row| (row.id.clone(), version(row, poll.on))).collect();
        let novelties = if planted("no seen set") {
            vec![Novelty::Version; rows.len()]
        } else {
            self.store.fresh(&self.key, self.projection, freshness, &versions).await?
        };
        let mut candidates = Vec::new();
        let mut fresh = Fresh::default();
        let tally = &mut fresh.tally;
        for ((row, (id, version)), novelty) in rows.iter().zip(versions).zip(novelties) {
            match novelty {
                Novelty::Known => continue,
                Novelty::Projection => {
                    fresh.n_hashed_anew += 1;
                    candidates.push((SeenRow { id, version, run: None }, None));
                    continue;
                }
                // A content that changed under a stamp that was read says nothing of how late the index is.
                Novelty::Content => {}
                // Nor do stamps that are ours.
                Novelty::Version if self.is_compared => {}
                Novelty::Version => {
                    // It was not there when the watermark was read, or that pass would have read it.
                    fresh.late_by = fresh.late_by.max(cursor.watermark.since(version.stamp));
                    self.lag.lock().unwrap_or_else(PoisonError::into_inner).count(version.stamp, cursor.watermark);
                    if version.stamp < cursor.watermark - cursor.overlap {
                        tally.late += 1;
                    }
                }
            }
            tally.records += 1;
            if version.stamp < cursor.floor {
                tally.before_start += 1;
                candidates.push((SeenRow { id, version, run: None }, None));
            } else {
                candidates.push((SeenRow { id, version, run: None }, Some((row.clone(), self.ids.run_id()))));
            }
        }
        if candidates.is_empty() {
            return Ok(Fresh::default());
        }
        tally.polls = 1;
        let (flow, now) = (self.flow.clone(), self.clock.now());
        Ok(offload(move || {
            fresh.rows.reserve(candidates.len());
            for (mut seen, candidate) in candidates {
                if let Some((record, id)) = candidate {
                    seen.run = page::accepted(&flow, &record, id, now).map(|keys| NewRun { id, record, keys });
                    if seen.run.is_none() {
                        fresh.tally.filtered += 1;
                    }
                }
                fresh.rows.push(seen);
            }
            fresh
        })
        .await)
    }

    /// Widens the allowance where a fresh row proves the index later than half of it.
    fn widen(&self, cursor: &mut Cursor, late_by: Duration) {
        if cursor.watermark > cursor.floor && late_by > cursor.allowance / 2 && cursor.allowance < WIDEST_ALLOWANCE {
            cursor.allowance = (late_by * 2).min(WIDEST_ALLOWANCE);
            crate::events::LagWidened { source: &self.key, late_by, allowance: cursor.allowance }.emit();
        }
    }

    /// Moves the watermark to what the pass reached, and says which seen rows can be forgotten.
    fn end_pass(&self, cursor: &mut Cursor, pass: &Pass) -> Option<Timestamp> {
        // Clamped to the service's time at the pass's beginning: what became visible behind us while a long pass ran
        // is read by the next one, and a record stamped in the future does not carry the watermark there.
        let reached = pass.newest.map(|newest| if planted("no clamp") { newest } else { newest.min(pass.started_at) });
        cursor.watermark = cursor.watermark.max(reached.unwrap_or(cursor.watermark));
        cursor.pass = None;
        if matches!(pass.kind, PassKind::Wide | PassKind::Sweep)
            && let Some(overlap) = self.lag.lock().unwrap_or_else(PoisonError::into_inner).overlap(cursor.allowance)
        {
            cursor.overlap = overlap;
        }
        match pass.kind {
            PassKind::Quick => return None,
            PassKind::Whole => {
                // Also where there was nothing to read: the next pass is another moment.
                cursor.watermark = cursor.watermark.max(pass.started_at);
                return planted("a snapshot forgets what it saw").then_some(cursor.watermark + SEEN_RETENTION);
            }
            PassKind::Wide => cursor.wide_at = pass.started_at,
            PassKind::Sweep => {
                cursor.wide_at = pass.started_at;
                cursor.swept_at = pass.started_at;
            }
        }
        Some(cursor.watermark.min(cursor.wide_at) - SEEN_RETENTION)
    }
}

/// One poll's reading: what is stored, and what it has reached since.
struct Reading {
    saved: Cursor,
    cursor: Cursor,
    pass: Pass,
    /// Whether the pass's beginning is still an estimate.
    is_new: bool,
}

/// One page that can be trusted.
struct Read {
    /// Which it is: the one that was wanted, or the first of a drain that begins anew.
    query: PollQuery,
    rows: Vec<Record>,
    order: IdOrder,
    /// The service's time when the request for it left at the latest.
    began_at: Timestamp,
}

/// What the service answered, when it was asked, and how long it took.
struct Answered<T> {
    answer: T,
    asked_at: Timestamp,
    took: Duration,
}

/// A page's fresh rows.
#[derive(Default)]
struct Fresh {
    rows: Vec<SeenRow>,
    /// Of those, seen before by other fields: they are no news, but are compared by these from now on.
    n_hashed_anew: usize,
    tally: Tally,
    /// How far the latest of them stood behind the watermark.
    late_by: Duration,
}

/// Which version of its record a row is. A flow on new records knows one version of each.
pub fn version(row: &Record, on: On) -> Version {
    match on {
        On::New | On::Archived => Version { stamp: row.modified, hash: 0 },
        On::NewOrUpdated => Version { stamp: row.modified, hash: page::content_hash(row) },
    }
}
