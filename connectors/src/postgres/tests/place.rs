//! A database of a test's own, and a connection to it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sdk::{
    ConnectContext, Connection, Connector as _, Error, Request, Response, Secret, SettingValue, Settings, SystemClock,
    Transport, TransportError,
};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::server::{Server, server};
use crate::postgres::Postgres;
use crate::postgres::address::Address;
use crate::postgres::pool::Pool;

pub(super) struct Place {
    pub(super) server: &'static Server,
    pub(super) database: String,
    /// A connection past the connector.
    pub(super) direct: Client,
}

impl Place {
    /// A database that this script made.
    pub(super) async fn with(script: &str) -> Self {
        static N_DATABASES: AtomicU32 = AtomicU32::new(0);
        let server = server().await;
        let database = format!("test_{}", N_DATABASES.fetch_add(1, Ordering::Relaxed));
        server
            .direct("postgres")
            .await
            .batch_execute(&format!("CREATE DATABASE {database}"))
            .await
            .expect("a database");
        let place = Self { server, direct: server.direct(&database).await, database };
        place.run(script).await;
        place
    }

    pub(super) async fn run(&self, script: &str) {
        self.direct.batch_execute(script).await.expect("the test's script");
    }

    /// Asks again until the query has a row.
    pub(super) async fn until(&self, sql: &str) {
        let asked = async { while self.rows(sql).await.is_empty() {} };
        tokio::time::timeout(Duration::from_secs(30), asked).await.expect(sql);
    }

    /// The address by which the server listens for everybody.
    pub(super) fn url(&self) -> String {
        format!("postgres://millrace@127.0.0.1:{}/{}", self.server.port, self.database)
    }

    pub(super) fn connect(&self) -> Arc<dyn Connection> {
        connect(&self.url(), &[]).expect("the settings are right")
    }

    /// Every row of a query, its values joined by `|`.
    pub(super) async fn rows(&self, sql: &str) -> Vec<String> {
        let messages = self.direct.simple_query(sql).await.expect(sql);
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|at| row.get(at).unwrap_or("-")).collect::<Vec<_>>().join("|")).collect()
    }
}

/// A connection to this address, with more settings.
pub(super) fn connect(url: &str, texts: &[(&str, &str)]) -> Result<Arc<dyn Connection>, Error> {
    let mut settings = Settings::default();
    settings.0.insert("url".to_owned(), SettingValue::Secret(Secret::new(url.to_owned())));
    for (name, text) in texts {
        settings.0.insert((*name).to_owned(), SettingValue::Text((*text).to_owned()));
    }
    let context = ConnectContext {
        transport: Arc::new(NoTransport),
        clock: Arc::new(SystemClock),
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres/tests/testdata"),
    };
    Postgres.connect(&settings, context)
}

struct NoTransport;

#[async_trait::async_trait]
impl Transport for NoTransport {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        Err(TransportError::NotSent("a database speaks no HTTP".to_owned()))
    }
}

/// A pool past the connector.
pub(super) fn pool(url: &str) -> Pool {
    let address = Address::parse(&Secret::new(url.to_owned()), None).expect("an address");
    Pool::new(address, Arc::new(SystemClock))
}
