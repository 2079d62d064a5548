//! A SQLite database file: its tables are the objects, their columns the fields.
//!
//! - `database` opens the file, and makes it from the `init` script where there is none.
//! - `table` discovers a table: its columns, what is unique, what a row's id is.
//! - `values` turns SQLite's values into typed ones and back; `stamps` reads moments in SQL.
//! - `worker` runs reads one after the other; `writer` writes in groups, each group one commit.
//! - `read` is polling and finding, `write` one write; `failure` says why SQLite refuses.
//!
//! A record's id is the table's primary key where that is one column, else its rowid. Ids are ordered as numbers where
//! SQLite promises that all of them are whole ones, else as text.
//! Names in SQL come from the discovered schema alone and are quoted; values are always bound.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sdk::{
    Account, Class, Clock, ConnectContext, Connection, Connector, Descriptor, Error, Find, Match, ObjectSchema, Offer,
    PollPage, PollRequest, Record, RecordId, Repeat, Setting, SettingKind, Settings, StampKind, Timestamp, Verb,
    WalkRequest, Write, WriteOutcome,
};

mod database;
mod failure;
mod read;
mod stamps;
mod table;
mod values;
mod worker;
mod write;
mod writer;

#[cfg(test)]
mod tests;

use database::Database;
use worker::Reader;
use writer::Writer;

/// The connector.
pub struct Sqlite;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "sqlite",
    title: "SQLite",
    settings: &[
        Setting { name: "path", kind: SettingKind::Path, required: true, help: "The database file." },
        Setting {
            name: "init",
            kind: SettingKind::Path,
            required: false,
            help: "An SQL script that makes the database where the file does not exist yet.",
        },
    ],
    min_interval: Duration::from_secs(1),
};

/// The most rows of one page.
const PAGE: usize = 500;

impl Connector for Sqlite {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn connect(&self, settings: &Settings, context: ConnectContext) -> Result<Arc<dyn Connection>, Error> {
        let path = settings.text("path").unwrap_or_default().trim();
        if path.is_empty() {
            return Err(Error::new(Class::Invalid, "`path` is empty; it names the database file"));
        }
        let init = settings.text("init").map(|init| context.folder.join(init));
        let database = Arc::new(Database::new(context.folder.join(path), init));
        Ok(Arc::new(SqliteConnection {
            reader: Reader::start(Arc::clone(&database))?,
            writer: Writer::start(Arc::clone(&database))?,
            database,
            clock: context.clock,
        }))
    }

    fn offers(&self) -> Vec<Offer> {
        vec![Offer::tables()]
    }
}

/// One database file.
struct SqliteConnection {
    database: Arc<Database>,
    reader: Reader,
    writer: Writer,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Connection for SqliteConnection {
    async fn check(&self) -> Result<Account, Error> {
        let n_tables = self.reader.run(|connection| Ok(table::names(connection)?.len())).await?;
        let id = self.database.identity();
        let tables = if n_tables == 1 { "table" } else { "tables" };
        Ok(Account { title: format!("SQLite database {id} with {n_tables} {tables}"), id })
    }

    async fn server_time(&self) -> Result<Timestamp, Error> {
        Ok(self.clock.now())
    }

    fn objects(&self) -> Option<Vec<String>> {
        None
    }

    /// A table whose rows have no id is of no use to flows, and is refused before one of them runs.
    async fn discover(&self, object: &str) -> Result<ObjectSchema, Error> {
        let object = object.to_owned();
        let discovered = self.reader.run(move |connection| {
            let table = table::discover(connection, &object)?;
            table.id()?;
            Ok(table.schema())
        });
        discovered.await
    }

    fn is_loopback(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }

    async fn poll(&self, request: &PollRequest) -> Result<PollPage, Error> {
        let StampKind::Field(_) = &request.stamp else {
            return Err(Error::new(
                Class::Invalid,
                format!(
                    "the table `{}` does not say which column stamps its rows; add `by:` with that column",
                    request.object
                ),
            ));
        };
        let request = request.clone();
        // Asked before the rows are read: no row that is missing among them was there at this time.
        let server_time = Some(self.clock.now());
        let page = self.reader.run(move |connection| read::poll(connection, &request)).await?;
        Ok(PollPage { server_time, ..page })
    }

    async fn walk(&self, request: &WalkRequest) -> Result<PollPage, Error> {
        let request = request.clone();
        let server_time = Some(self.clock.now());
        let page = self.reader.run(move |connection| read::walk(connection, &request)).await?;
        Ok(PollPage { server_time, ..page })
    }

    async fn get(&self, object: &str, id: &RecordId, fields: &[String]) -> Result<Option<Record>, Error> {
        let (object, id, fields) = (object.to_owned(), id.clone(), fields.to_vec());
        self.reader.run(move |connection| read::get(connection, &object, &id, &fields)).await
    }

    async fn find(&self, find: &Find) -> Result<Vec<Record>, Error> {
        let find = find.clone();
        self.reader.run(move |connection| read::find(connection, &find)).await
    }

    /// An upsert looks and writes in one transaction, so a second try finds what the first one left.
    fn repeat(&self, write: &Write) -> Repeat {
        match &write.verb {
            Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => Repeat::Unsafe,
            Verb::Update { .. }
            | Verb::Upsert { by: Match::Id(Some(_)) | Match::Fields(_), .. }
            | Verb::Delete { .. } => Repeat::Safe,
        }
    }

    async fn write(&self, write: &Write) -> Result<WriteOutcome, Error> {
        self.writer.write(write.clone()).await
    }
}
