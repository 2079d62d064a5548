//! A connection that holds few rows a page, so that a small world has many pages. Everything else is the shipped one.

use std::sync::Arc;

use async_trait::async_trait;
use sdk::{
    Account, Connection, Error, Find, ObjectSchema, PollPage, PollRequest, Record, RecordId, Repeat, StampKind,
    Timestamp, Write, WriteOutcome,
};

pub struct SmallPages {
    pub inner: Arc<dyn Connection>,
    pub page_size: usize,
}

#[async_trait]
impl Connection for SmallPages {
    async fn check(&self) -> Result<Account, Error> {
        self.inner.check().await
    }
    async fn server_time(&self) -> Result<Timestamp, Error> {
        self.inner.server_time().await
    }
    fn objects(&self) -> Option<Vec<String>> {
        self.inner.objects()
    }
    async fn discover(&self, object: &str) -> Result<ObjectSchema, Error> {
        self.inner.discover(object).await
    }
    fn is_loopback(&self) -> bool {
        self.inner.is_loopback()
    }
    fn page_size(&self) -> usize {
        self.page_size
    }
    fn is_compared(&self, object: &str, stamp: &StampKind) -> bool {
        self.inner.is_compared(object, stamp)
    }
    async fn poll(&self, request: &PollRequest) -> Result<PollPage, Error> {
        self.inner.poll(request).await
    }
    async fn get(&self, object: &str, id: &RecordId, fields: &[String]) -> Result<Option<Record>, Error> {
        self.inner.get(object, id, fields).await
    }
    async fn find(&self, find: &Find) -> Result<Vec<Record>, Error> {
        self.inner.find(find).await
    }
    fn repeat(&self, write: &Write) -> Repeat {
        self.inner.repeat(write)
    }
    async fn write(&self, write: &Write) -> Result<WriteOutcome, Error> {
        self.inner.write(write).await
    }
}
