//! A manifest at work.
//!
//! - `client` sends one request and reads one answer; `credentials` and `oauth` show who we are, `failure` reads
//!   refusals.
//! - `objects` discovers and keeps fields; `values` types what a service writes, and writes it back; `records` does so
//!   for whole records.
//! - `costs` says what a call takes of the service's budgets; `client` pays for each request as it leaves. `expected`
//!   says the same for estimates, from the least to the most.
//! - `search` and `listing` are the two ways to read many records, `snapshot` reads all of them that nothing stamps;
//!   `find`, `poll`, `walk`, `write` and `act` are what a flow does.

use std::sync::Arc;

use async_trait::async_trait;
use sdk::{
    Account, ActionCall, ActionOutcome, ActionSchema, Ask, Class, ConnectContext, Connection, Cost, Error, Expected,
    Find, Limit, ObjectSchema, PollPage, PollRequest, Record, RecordId, Repeat, Settings, StampKind, Timestamp,
    WalkRequest, Write, WriteOutcome,
};

use super::manifest::{Manifest, PollSource, Resource};
use super::template::{Root, Scope, plain_text};

mod act;
mod client;
mod costs;
mod credentials;
mod expected;
pub(crate) mod failure;
mod find;
mod listing;
mod oauth;
mod objects;
mod poll;
mod records;
mod search;
mod shape;
mod snapshot;
mod values;
mod walk;
mod write;

use client::Client;
use objects::Objects;
pub(super) use objects::declared;
use snapshot::Held;
use walk::Bookmarks;

/// One account at a service.
pub(super) struct RestConnection {
    manifest: Arc<Manifest>,
    client: Client,
    objects: Objects,
    bookmarks: Bookmarks,
    held: Held,
}

/// The most rows of a page, where no search says so.
const PAGE_SIZE: usize = 200;

impl RestConnection {
    pub(super) fn new(manifest: Arc<Manifest>, settings: &Settings, context: ConnectContext) -> Result<Self, Error> {
        let client = Client::new(Arc::clone(&manifest), settings, context)?;
        Ok(Self {
            manifest,
            client,
            objects: Objects::default(),
            bookmarks: Bookmarks::default(),
            held: Held::default(),
        })
    }

    /// What a resource's name stands for.
    fn resource(&self, name: &str) -> Result<&Resource, Error> {
        self.manifest.resource(name).ok_or_else(|| {
            let known: Vec<_> = self.manifest.resources.iter().map(|resource| resource.name.as_str()).collect();
            let service = &self.manifest.service;
            let message = format!("{service} has no object `{name}` here; there are {}", known.join(", "));
            Error::new(Class::NotFound, message)
        })
    }

    /// A failure of what was answered, not of what was asked.
    fn odd_answer(&self, what: &str) -> Error {
        Error::new(Class::Transient, format!("{}'s answer {what}", self.manifest.service)).answered()
    }
}

#[async_trait]
impl Connection for RestConnection {
    async fn check(&self) -> Result<Account, Error> {
        let mut refused = self.odd_answer("does not say which account this is");
        for check in &self.manifest.check {
            let body = match self.client.check(check).await {
                Ok(answer) => answer.body,
                // Not every token may read the account; the next question asks less.
                Err(error) if matches!(error.class, Class::Forbidden { .. }) => {
                    refused = error;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let scope = Scope::default().with(Root::Body, &body);
            let id = check.id.text(&scope).ok_or_else(|| self.odd_answer("does not say which account this is"))?;
            let title = check.title.text(&scope).unwrap_or_else(|| format!("{} {id}", self.manifest.title));
            return Ok(Account { id: self.client.clean(&id), title: self.client.clean(&title) });
        }
        Err(refused)
    }

    async fn server_time(&self) -> Result<Timestamp, Error> {
        let mut refused = self.odd_answer("carries no date");
        for check in &self.manifest.check {
            match self.client.check(check).await {
                Ok(answer) => return answer.server_time.ok_or_else(|| self.odd_answer("carries no date")),
                // Not every token may read the account; the next question asks less.
                Err(error) if matches!(error.class, Class::Forbidden { .. }) => refused = error,
                Err(error) => return Err(error),
            }
        }
        Err(refused)
    }

    async fn scopes(&self) -> Result<Option<Vec<String>>, Error> {
        let asked = self.manifest.check.iter().find_map(|check| Some((check, check.scopes.as_ref()?)));
        let Some((check, scopes)) = asked else { return Ok(None) };
        let body = self.client.check(check).await?.body;
        let granted = scopes.list(&Scope::default().with(Root::Body, &body));
        let granted = granted.ok_or_else(|| self.odd_answer("does not say what we were granted"))?;
        Ok(Some(granted.iter().filter_map(plain_text).collect()))
    }

    fn objects(&self) -> Option<Vec<String>> {
        Some(self.manifest.resources.iter().map(|resource| resource.name.clone()).collect())
    }

    async fn discover(&self, object: &str) -> Result<ObjectSchema, Error> {
        Ok(self.discovered(object).await?.schema.clone())
    }

    fn is_loopback(&self) -> bool {
        self.client.is_loopback()
    }

    /// As many as every search gives: who asked for more would take its answer for the last page.
    fn page_size(&self) -> usize {
        let searches = self.manifest.resources.iter().filter_map(|resource| resource.search.as_ref());
        searches.map(|search| search.page_size).min().unwrap_or(PAGE_SIZE)
    }

    fn is_compared(&self, object: &str, stamp: &StampKind) -> bool {
        let resource = self.manifest.resource(object);
        let source = resource.and_then(|resource| resource.poll(poll::served(resource, stamp)));
        matches!(source, Some(PollSource::Snapshot(_)))
    }

    async fn poll(&self, request: &PollRequest) -> Result<PollPage, Error> {
        poll::poll(self, request).await
    }

    async fn walk(&self, request: &WalkRequest) -> Result<PollPage, Error> {
        walk::walk(self, request).await
    }

    async fn get(&self, object: &str, id: &RecordId, fields: &[String]) -> Result<Option<Record>, Error> {
        find::get(self, object, id, fields).await
    }

    async fn find(&self, find: &Find) -> Result<Vec<Record>, Error> {
        find::find(self, find).await
    }

    fn repeat(&self, write: &Write) -> Repeat {
        write::repeat(self, write)
    }

    async fn write(&self, write: &Write) -> Result<WriteOutcome, Error> {
        write::write(self, write).await
    }

    fn actions(&self) -> Vec<ActionSchema> {
        self.manifest.actions.iter().map(|action| action.schema.clone()).collect()
    }

    fn repeat_action(&self, call: &ActionCall) -> Repeat {
        act::repeat(self, call)
    }

    async fn act(&self, call: &ActionCall) -> Result<ActionOutcome, Error> {
        act::act(self, call).await
    }

    fn limits(&self) -> Vec<Limit> {
        let tier = self.client.tier();
        self.manifest.limits.iter().map(|limit| limit.at(tier)).collect()
    }

    fn costs(&self, ask: &Ask<'_>) -> Vec<Cost> {
        costs::of(self, ask)
    }

    fn expected(&self, ask: &Ask<'_>) -> Expected {
        expected::of(self, ask)
    }

    fn assume(&self, schema: &ObjectSchema) {
        self.objects.assume(schema);
    }
}
