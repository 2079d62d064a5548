//! A walk over all records of an object, begun by a time of its flow.
//!
//! Reads pages in order of id and stores each: the runs it caused and the point it reached become visible together or
//! not at all. So a walk goes on after a crash from where it stood, and no record is run twice for one time.
//!
//! A walk pauses while many of its flow's runs are pending: an account of a million records must not become a million
//! stored runs before the first of them has begun.

use std::sync::Arc;

use flow::{Flow, Walk};
use sdk::{Ask, Clock, Ids, PollPage, WalkRequest};
use store::{NewRun, RunState, Store, WalkPage, WalkPoint};

use crate::budgets::{Kind, Later};
use crate::connections::OpenConnection;
use crate::offload::offload;
use crate::poller::page;
use crate::poller::{PollError, PollFailed, Polled};

/// While more of a flow's runs than these are pending, its walk reads nothing.
const MOST_PENDING: u64 = 4_000;

/// Walks for one flow.
pub(crate) struct Walker {
    flow: Arc<Flow>,
    walk: Walk,
    connection: Arc<OpenConnection>,
    parts: WalkerParts,
}

/// What a walker works with.
#[derive(Clone)]
pub(crate) struct WalkerParts {
    /// Where state is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where run ids come from.
    pub ids: Arc<dyn Ids>,
    /// Pages read in one go; then others have their turn.
    pub pages: usize,
    /// The ownership under which pages are stored.
    pub epoch: i64,
}

/// One page, and what it brings.
struct Page {
    runs: Vec<NewRun>,
    n_rows: usize,
    n_filtered: u64,
    next: Option<sdk::RecordId>,
    order: sdk::IdOrder,
}

impl Walker {
    /// A walker of this trigger of the flow.
    pub fn new(flow: Arc<Flow>, walk: Walk, connection: Arc<OpenConnection>, parts: WalkerParts) -> Self {
        Self { flow, walk, connection, parts }
    }

    /// Goes on with the walk that the store knows, until its end or a bound. It is `limited` where too many runs of it
    /// are pending.
    pub async fn go_on(&self) -> Result<Polled, PollFailed> {
        let mut walked = Polled::default();
        match self.walk_into(&mut walked).await {
            Ok(()) => Ok(walked),
            Err(error) => Err(PollFailed { polled: walked, error }),
        }
    }

    async fn walk_into(&self, walked: &mut Polled) -> Result<(), PollError> {
        let store = &self.parts.store;
        let mut walk = store.schedule(&self.flow.id).await?.and_then(|row| row.walk);
        while let Some(from) = walk {
            if self.n_pending().await? > MOST_PENDING {
                walked.limited = true;
                return Ok(());
            }
            let page = self.read(&from).await?;
            walked.pages += 1;
            walked.rows += page.n_rows;
            walked.left_out += usize::try_from(page.n_filtered).unwrap_or(usize::MAX);
            sdk::faults::point("walk.page.before");
            let stored = store
                .walk_page(WalkPage {
                    flow: self.flow.id.clone(),
                    epoch: self.parts.epoch,
                    from,
                    next: page.next,
                    order: page.order,
                    runs: page.runs,
                    n_filtered: page.n_filtered,
                    now: self.parts.clock.now(),
                })
                .await?;
            sdk::faults::point("walk.page.after");
            walked.runs += stored.runs;
            // What another attempt has counted is not counted again.
            walked.fresh += usize::try_from(stored.runs + page.n_filtered).unwrap_or(usize::MAX);
            walk = stored.row.walk;
            if walk.is_some() && walked.pages >= self.parts.pages {
                return Ok(());
            }
        }
        walked.finished = true;
        Ok(())
    }

    async fn n_pending(&self) -> Result<u64, PollError> {
        let counts = self.parts.store.counts_by_state(&self.flow.id).await?;
        Ok(counts.iter().filter(|(state, _)| *state == RunState::Pending).map(|(_, n)| n).sum())
    }

    /// One page, verified, with the runs of its records.
    async fn read(&self, from: &WalkPoint) -> Result<Page, PollError> {
        let limit = self.connection.service.page_size();
        let mut request = WalkRequest {
            object: self.walk.target.object.clone(),
            fields: self.walk.fields.clone(),
            filter: self.walk.filter.clone(),
            after: from.after.clone(),
            limit,
        };
        let mut page = self.ask(&request).await?;
        if page::is_of_another_order(request.after.as_ref(), from.order, &page) {
            // Records that have their run at this time get no second one.
            request.after = None;
            page = self.ask(&request).await?;
        }
        page::verify_walk(request.after.as_ref(), &page).map_err(PollError::Untrusted)?;
        let PollPage { records: rows, order, .. } = page;
        let (n_rows, is_last) = (rows.len(), rows.len() < limit);
        let next = rows.last().map(|row| row.id.clone()).filter(|_| !is_last);
        let candidates: Vec<_> = rows.into_iter().map(|row| (self.parts.ids.run_id(), row)).collect();
        let (flow, now) = (self.flow.clone(), self.parts.clock.now());
        let runs: Vec<NewRun> = offload(move || {
            let accepted =
                |(id, record)| page::accepted(&flow, &record, id, now).map(|keys| NewRun { id, record, keys });
            candidates.into_iter().filter_map(accepted).collect()
        })
        .await;
        let n_filtered = (n_rows - runs.len()) as u64;
        Ok(Page { runs, n_rows, n_filtered, next, order })
    }

    /// Asks the service once there is leave to, and heeds a refusal.
    async fn ask(&self, request: &WalkRequest) -> Result<PollPage, PollError> {
        let (clock, flow) = (&self.parts.clock, &self.flow.id);
        let grant = self
            .connection
            .take(clock, flow, Kind::Poll, &[Ask::Walk(request)])
            .await
            .map_err(|Later { wait, .. }| PollError::NoRoom { connection: self.connection.name.clone(), wait })?;
        let answer = grant.spend(self.connection.service.walk(request)).await;
        drop(grant);
        self.connection.heard(&**clock, &answer);
        match answer {
            Ok(page) => Ok(page),
            Err(error) => {
                self.connection.refused(&**clock, (flow, Kind::Poll, &request.object), &error);
                Err(error.into())
            }
        }
    }
}
