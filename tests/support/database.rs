//! A PostgreSQL database of a test's own, on a real server that starts with the first test that wants one.

#![expect(clippy::panic, reason = "what cannot be made ready for a test, or cannot be asked, fails it")]

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, SimpleQueryMessage};

#[path = "../../connectors/src/postgres/tests/server.rs"]
mod server;

/// A database, and a connection past Millrace.
pub struct Database {
    pub name: String,
    pub port: u16,
    client: Client,
}

impl Database {
    /// A database that this script made.
    pub async fn with(script: &str) -> Self {
        static N_DATABASES: AtomicU32 = AtomicU32::new(0);
        let server = server::server().await;
        let name = format!("test_{}", N_DATABASES.fetch_add(1, Ordering::Relaxed));
        let all = server.direct("postgres").await;
        all.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
        let database = Self { client: server.direct(&name).await, port: server.port, name };
        database.rows(script).await;
        database
    }

    /// Its address, as connections name it.
    pub fn url(&self) -> String {
        format!("postgres://millrace@127.0.0.1:{}/{}", self.port, self.name)
    }

    /// Every row that these statements answer, its values joined by `|`; an empty one is `-`.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        let messages = self.client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|at| row.get(at).unwrap_or("-")).collect::<Vec<_>>().join("|")).collect()
    }
}
