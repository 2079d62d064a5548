//! A few connections to the server, opened when they are needed and anew where one was lost.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sdk::{Clock, Error};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Row, Socket};

use super::address::Address;
use super::failure;
use super::sql::Statement;
use crate::http::Redactor;

/// So many statements run at once; PostgreSQL has a process for each.
const MOST_CONNECTIONS: usize = 4;
/// The server stops a statement after a minute; this is for a server that is no longer there.
const DEADLINE: Duration = Duration::from_secs(75);

/// What every session agrees on: moments in UTC, floats to the last digit, writes on the disk before they are answered.
const SETUP: &str = "\
    SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'hex'; \
    SET extra_float_digits = 1; SET standard_conforming_strings = on; SET xmloption = 'content'; \
    SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'; \
    SET default_transaction_isolation = 'read committed'; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// The connections of one account.
pub(super) struct Pool {
    pub(super) address: Address,
    clock: Arc<dyn Clock>,
    permits: Semaphore,
    idle: Mutex<Vec<Client>>,
}

/// One connection, for one caller at a time. Unless it is given back, it is closed.
pub(super) struct Session<'a> {
    pool: &'a Pool,
    client: Client,
    /// Whether a statement of it may still be running.
    is_stuck: AtomicBool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(address: Address, clock: Arc<dyn Clock>) -> Self {
        Self { address, clock, permits: Semaphore::new(MOST_CONNECTIONS), idle: Mutex::default() }
    }

    /// A connection that was alive a moment ago.
    pub(super) async fn session(&self) -> Result<Session<'_>, Error> {
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let kept = loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match kept {
                Some(client) if client.is_closed() => {}
                kept => break kept,
            }
        };
        let client = match kept {
            Some(client) => client,
            None => within(&self.clock, self.open()).await.unwrap_or_else(|| Err(failure::late()))?,
        };
        Ok(Session { pool: self, client, is_stuck: AtomicBool::new(false), _permit: permit })
    }

    async fn open(&self) -> Result<Client, Error> {
        let client = match &self.address.tls {
            Some(tls) => self.connect(tls.clone()).await?,
            None => self.connect(NoTls).await?,
        };
        client.batch_execute(SETUP).await.map_err(|error| failure::of(&error, &self.address.redactor))?;
        Ok(client)
    }

    async fn connect<T>(&self, tls: T) -> Result<Client, Error>
    where
        T: MakeTlsConnect<Socket> + Send,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
    {
        let connected = self.address.config.connect(tls).await;
        let (client, connection) =
            connected.map_err(|error| failure::of_connect(&error, &self.address.name, &self.address.redactor))?;
        // It carries what the client says until the client is dropped or the server goes; whoever asks then is told.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(client)
    }
}

impl Session<'_> {
    /// The rows of a statement that changes nothing by itself, or nothing before its transaction commits.
    pub(super) async fn rows(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        self.answer(self.ask(statement), failure::of, failure::late()).await
    }

    /// The rows of a statement that is a transaction of its own: where its answer is lost, it may have been applied.
    pub(super) async fn commit_rows(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        self.answer(self.ask(statement), failure::of_commit, failure::late().maybe_applied()).await
    }

    /// Begins a transaction in which each statement sees what others have committed before it.
    pub(super) async fn begin(&self) -> Result<(), Error> {
        let begin = self.client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED");
        self.answer(begin, failure::of, failure::late()).await
    }

    /// Ends the transaction; what it wrote is on the disk once this returns.
    pub(super) async fn commit(&self) -> Result<(), Error> {
        self.answer(self.client.batch_execute("COMMIT"), failure::of_commit, failure::late().maybe_applied()).await
    }

    /// Ends the transaction as if it had not begun. Where that fails, so will the connection.
    pub(super) async fn roll_back(&self) {
        let rolled_back = self.answer(self.client.batch_execute("ROLLBACK"), failure::of, failure::late()).await;
        if rolled_back.is_err() {
            self.is_stuck.store(true, Ordering::Relaxed);
        }
    }

    /// Lets the next caller have the connection.
    pub(super) fn give_back(self) {
        if !self.client.is_closed() && !self.is_stuck.into_inner() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.client);
        }
    }

    async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>> + Send,
        failed: fn(&tokio_postgres::Error, &Redactor) -> Error,
        late: Error,
    ) -> Result<T, Error> {
        match within(&self.pool.clock, answer).await {
            Some(answer) => answer.map_err(|error| failed(&error, &self.pool.address.redactor)),
            None => {
                self.is_stuck.store(true, Ordering::Relaxed);
                Err(late)
            }
        }
    }

    async fn ask(&self, statement: &Statement) -> Result<Vec<Row>, tokio_postgres::Error> {
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            statement.values.iter().map(|value| (value as &(dyn ToSql + Sync), Type::TEXT)).collect();
        self.client.query_typed(&statement.text, &values).await
    }
}

/// What comes of it before the deadline.
async fn within<T>(clock: &Arc<dyn Clock>, answer: impl Future<Output = T> + Send) -> Option<T> {
    tokio::select! {
        answer = answer => Some(answer),
        () = clock.sleep(DEADLINE) => None,
    }
}
