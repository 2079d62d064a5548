//! A PostgreSQL database: the tables and views of one schema are the objects, their columns the fields.
//!
//! - `address` reads the address, and decides how the server may be spoken to; `pool` keeps a few connections open.
//! - `table` discovers a table: its columns, what is unique, what a row's id is.
//! - `kind` says what columns hold, and turns values into text and back; `stamps` reads moments in SQL.
//! - `read` is polling and finding, with the part of a filter that `narrow` can ask; `write` is one write.
//! - `sql` is a statement and its bound values; `failure` says why PostgreSQL refuses.
//!
//! A record's id is the table's primary key, which is one column; a view's is its column `id`. Whole numbers are
//! ordered as numbers, and all other ids as text. `other.orders` is the table `orders` of the schema `other`. Names in
//! SQL come from the catalogue alone and are quoted; values are always bound.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sdk::{
    Account, Applied, Class, Clock, ConnectContext, Connection, Connector, Descriptor, Error, Find, Match,
    ObjectSchema, Offer, PollPage, PollRequest, Record, RecordId, Repeat, Setting, SettingKind, Settings, Timestamp,
    Verb, WalkRequest, Write, WriteOutcome,
};

mod address;
mod failure;
mod kind;
mod narrow;
mod pool;
mod read;
mod sql;
mod stamps;
mod table;
mod write;

#[cfg(test)]
mod tests;

use address::Address;
use pool::{Pool, Session};
use sql::Statement;
use table::Table;

/// The connector.
pub struct Postgres;

static DESCRIPTOR: Descriptor = Descriptor {
    name: "postgres",
    title: "PostgreSQL",
    settings: &[
        Setting {
            name: "url",
            kind: SettingKind::Secret,
            required: true,
            help: "The database's address: postgres://user:password@host:5432/database. It leaves this machine encrypted only.",
        },
        Setting {
            name: "schema",
            kind: SettingKind::Text,
            required: false,
            help: "The schema whose tables are meant by their bare names; `public` where it is left out.",
        },
        Setting {
            name: "authority",
            kind: SettingKind::Path,
            required: false,
            help: "A PEM file with the certificates to trust, where the server's is signed by none that this machine knows.",
        },
    ],
    min_interval: Duration::from_secs(1),
};

/// The most rows of one page.
const PAGE: usize = 500;
/// For so long a table is taken to be as it was discovered, until something shows that it is not.
const REMEMBERED: Duration = Duration::from_secs(60);

impl Connector for Postgres {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn connect(&self, settings: &Settings, context: ConnectContext) -> Result<Arc<dyn Connection>, Error> {
        let url = settings.secret("url").filter(|url| !url.expose().trim().is_empty()).ok_or_else(|| {
            Error::new(Class::Invalid, "`url` is empty; it reads postgres://USER:PASSWORD@HOST/DATABASE")
        })?;
        let authority = settings.text("authority").map(|path| context.folder.join(path));
        let address = Address::parse(url, authority.as_deref().map(Path::new))?;
        let schema = settings.text("schema").map(str::trim).filter(|schema| !schema.is_empty()).unwrap_or("public");
        Ok(Arc::new(PostgresConnection {
            pool: Pool::new(address, Arc::clone(&context.clock)),
            schema: schema.to_owned(),
            clock: context.clock,
            tables: Mutex::default(),
        }))
    }

    fn offers(&self) -> Vec<Offer> {
        vec![Offer::tables()]
    }
}

/// One database.
struct PostgresConnection {
    pool: Pool,
    schema: String,
    clock: Arc<dyn Clock>,
    tables: Mutex<BTreeMap<String, Remembered>>,
}

/// A table, and when it was discovered.
#[derive(Clone)]
struct Remembered {
    table: Arc<Table>,
    at: Timestamp,
}

impl PostgresConnection {
    /// Discovers a table as it is now.
    async fn discovered(&self, session: &Session<'_>, object: &str) -> Result<Arc<Table>, Error> {
        let at = self.clock.now();
        let discovered = table::discover(session, &self.schema, object).await;
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        match discovered {
            Ok(table) => {
                let table = Arc::new(table);
                tables.insert(object.to_owned(), Remembered { table: Arc::clone(&table), at });
                Ok(table)
            }
            Err(error) => {
                tables.remove(object);
                Err(error)
            }
        }
    }

    /// A table as it was discovered lately.
    async fn table(&self, session: &Session<'_>, object: &str) -> Result<Arc<Table>, Error> {
        let now = self.clock.now();
        let known = {
            let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            tables.get(object).filter(|known| now.since(known.at) < REMEMBERED).map(|known| Arc::clone(&known.table))
        };
        match known {
            Some(table) => Ok(table),
            None => self.discovered(session, object).await,
        }
    }

    /// The outcome of what was done with a table, unless it failed because the table is no longer as it was
    /// remembered: then another try is worth while.
    async fn settled<T>(&self, session: &Session<'_>, table: &Table, outcome: Result<T, Error>) -> Result<T, Error> {
        let Err(error) = outcome else { return outcome };
        let may_come_of_it = match error.class {
            Class::Invalid | Class::NotFound | Class::Permanent => error.applied == Applied::No,
            Class::RateLimited
            | Class::QuotaExhausted
            | Class::Transient
            | Class::Auth
            | Class::Forbidden { .. }
            | Class::Conflict => false,
        };
        if may_come_of_it && self.discovered(session, &table.name).await.is_ok_and(|now| *now != *table) {
            let message = format!("the table `{}` has just changed; it was looked at anew", table.name);
            return Err(Error::new(Class::Transient, message).answered());
        }
        Err(error)
    }
}

#[async_trait]
impl Connection for PostgresConnection {
    async fn check(&self) -> Result<Account, Error> {
        let session = self.pool.session().await?;
        let mut statement = Statement::default();
        let schema = statement.text(&self.schema);
        statement.text = format!(
            "SELECT current_setting('server_version'), current_user::text, \
             EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {schema})::text"
        );
        let rows = session.rows(&statement).await?;
        let names = table::names(&session, &self.schema).await?;
        session.give_back();
        let told = |at: usize| rows.first().and_then(|row| row.get::<_, Option<String>>(at)).unwrap_or_default();
        if told(2) != "true" {
            return Err(Error::new(Class::Invalid, format!("the database has no schema `{}`", self.schema)));
        }
        let tables = if names.len() == 1 { "table" } else { "tables" };
        let id = format!("{}@{}", told(1), self.pool.address.name);
        let title = format!("PostgreSQL {} at {id} with {} {tables} in `{}`", told(0), names.len(), self.schema);
        Ok(Account { id, title })
    }

    async fn server_time(&self) -> Result<Timestamp, Error> {
        let session = self.pool.session().await?;
        let time = read::server_time(&session).await;
        session.give_back();
        time
    }

    fn objects(&self) -> Option<Vec<String>> {
        None
    }

    /// A table whose rows have no id is of no use to flows, and is refused before one of them runs.
    async fn discover(&self, object: &str) -> Result<ObjectSchema, Error> {
        let session = self.pool.session().await?;
        let table = self.discovered(&session, object).await;
        session.give_back();
        let table = table?;
        table.id()?;
        Ok(table.schema())
    }

    fn is_loopback(&self) -> bool {
        self.pool.address.is_loopback
    }

    fn page_size(&self) -> usize {
        PAGE
    }

    /// A poll looks at the table anew: a column that changed its type must not be read by the old one.
    async fn poll(&self, request: &PollRequest) -> Result<PollPage, Error> {
        let session = self.pool.session().await?;
        let page = match self.discovered(&session, &request.object).await {
            Ok(table) => read::poll(&session, &table, request).await,
            Err(error) => Err(error),
        };
        session.give_back();
        page.map_err(|error| match error.class {
            Class::NotFound => Error { class: Class::Invalid, ..error },
            _ => error,
        })
    }

    async fn walk(&self, request: &WalkRequest) -> Result<PollPage, Error> {
        let session = self.pool.session().await?;
        let page = match self.discovered(&session, &request.object).await {
            Ok(table) => read::walk(&session, &table, request).await,
            Err(error) => Err(error),
        };
        session.give_back();
        page.map_err(|error| match error.class {
            Class::NotFound => Error { class: Class::Invalid, ..error },
            _ => error,
        })
    }

    async fn get(&self, object: &str, id: &RecordId, fields: &[String]) -> Result<Option<Record>, Error> {
        let session = self.pool.session().await?;
        let outcome = async {
            let table = self.table(&session, object).await?;
            let outcome = read::get(&session, &table, id, fields).await;
            self.settled(&session, &table, outcome).await
        };
        let outcome = outcome.await;
        session.give_back();
        outcome
    }

    async fn find(&self, find: &Find) -> Result<Vec<Record>, Error> {
        let session = self.pool.session().await?;
        let outcome = async {
            let table = self.table(&session, &find.object).await?;
            let outcome = read::find(&session, &table, find).await;
            self.settled(&session, &table, outcome).await
        };
        let outcome = outcome.await;
        session.give_back();
        outcome
    }

    /// An upsert finds what an earlier try left, by an index or under a lock.
    fn repeat(&self, write: &Write) -> Repeat {
        match &write.verb {
            Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => Repeat::Unsafe,
            Verb::Update { .. }
            | Verb::Upsert { by: Match::Id(Some(_)) | Match::Fields(_), .. }
            | Verb::Delete { .. } => Repeat::Safe,
        }
    }

    async fn write(&self, write: &Write) -> Result<WriteOutcome, Error> {
        let session = self.pool.session().await?;
        let outcome = async {
            let table = self.table(&session, &write.object).await?;
            let outcome = write::apply(&session, &table, write).await;
            self.settled(&session, &table, outcome).await
        };
        let outcome = outcome.await;
        session.give_back();
        outcome
    }
}
