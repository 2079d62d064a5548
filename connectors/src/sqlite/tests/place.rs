//! A folder with a database, and a connection to it.

use std::path::PathBuf;
use std::sync::Arc;

use sdk::{
    ConnectContext, Connection, Connector as _, Error, Request, Response, SettingValue, Settings, SystemClock,
    Transport, TransportError,
};
use tempfile::TempDir;

use crate::sqlite::Sqlite;

pub(super) struct Place {
    folder: TempDir,
}

impl Place {
    /// A folder with a database that this script made.
    pub(super) fn with(script: &str) -> Self {
        let place = Self::empty();
        place.direct().execute_batch(script).expect("the test's script");
        place
    }

    /// A folder with nothing in it.
    pub(super) fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names of the files in the folder.
    pub(super) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A connection past the connector.
    pub(super) fn direct(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("x.db")).expect("a database")
    }

    pub(super) fn connect(&self) -> Arc<dyn Connection> {
        self.connect_with(None).expect("the settings are right")
    }

    pub(super) fn connect_with(&self, init: Option<&str>) -> Result<Arc<dyn Connection>, Error> {
        let mut settings = Settings::default();
        let text = |path: PathBuf| SettingValue::Text(path.to_str().expect("text").to_owned());
        settings.0.insert("path".to_owned(), text(self.path("x.db")));
        if let Some(script) = init {
            std::fs::write(self.path("init.sql"), script).expect("a script");
            settings.0.insert("init".to_owned(), text(self.path("init.sql")));
        }
        let context = ConnectContext {
            transport: Arc::new(NoNetwork),
            clock: Arc::new(SystemClock),
            folder: self.folder.path().to_owned(),
        };
        Sqlite.connect(&settings, context)
    }

    /// Every row of a query, its values joined by `|`.
    pub(super) fn rows(&self, sql: &str) -> Vec<String> {
        let connection = self.direct();
        let mut statement = connection.prepare(sql).expect(sql);
        let n_columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let values: Result<Vec<_>, _> = (0..n_columns).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect();
            Ok(values?.iter().map(shown).collect::<Vec<_>>().join("|"))
        };
        statement.query_map([], row).expect(sql).collect::<Result<_, _>>().expect(sql)
    }
}

fn shown(value: &rusqlite::types::Value) -> String {
    match value {
        rusqlite::types::Value::Null => "-".to_owned(),
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Real(number) => format!("{number:?}"),
        rusqlite::types::Value::Text(text) => text.clone(),
        rusqlite::types::Value::Blob(bytes) => format!("{bytes:?}"),
    }
}

struct NoNetwork;

#[async_trait::async_trait]
impl Transport for NoNetwork {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        Err(TransportError::NotSent("a database needs no network".to_owned()))
    }
}
