//! One write.
//!
//! Called twice, an update or an upsert finds the row as it left it and changes nothing; a create makes a second row,
//! unless the table keeps one of its values unique. A write whose values are all there already does not touch the
//! row, so that no trigger fires and no stamp moves.
//!
//! An upsert by columns that an index keeps unique looks first, and inserts with `ON CONFLICT`, so that a row which
//! another made meanwhile is updated. By other columns it looks and writes in one transaction that holds a lock for
//! these values: two such upserts of ours make one row. Others who insert at that moment do not ask for the lock.

use std::collections::BTreeSet;

use sdk::{Ambiguous, Class, Error, Fields, Match, RecordId, Verb, Write, WriteOutcome, Written, faults};
use tokio_postgres::Row;

use super::pool::Session;
use super::sql::Statement;
use super::table::{Column, Id, Table};

/// So many candidates are named.
const MOST_NAMED: usize = 5;

/// Applies the write; it is on the disk once this returns.
pub(super) async fn apply(session: &Session<'_>, table: &Table, write: &Write) -> Result<WriteOutcome, Error> {
    table.must_be_writable()?;
    for (name, value) in &write.fields {
        let column = table.writable(name)?;
        if column.kind.write(value).is_some_and(|text| text.contains('\0')) {
            let message = format!("`{name}` holds the character NUL, which PostgreSQL does not store");
            return Err(Error::new(Class::Invalid, message));
        }
    }
    let writer = Writer { session, table, id: table.id()?, fields: &write.fields, ends: Ends::ByItself };
    let written = match &write.verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => writer.insert().await?,
        Verb::Update { id } | Verb::Upsert { by: Match::Id(Some(id)), .. } => writer.update(id).await?,
        Verb::Delete { id } => writer.delete(id).await?,
        Verb::Upsert { by: Match::Fields(keys), ambiguous } => {
            let distinct: BTreeSet<String> = keys.iter().cloned().collect();
            // A row of several tables in one does not tell whether it is new.
            if table.tells_creation && table.unique.contains(&distinct) {
                writer.upsert_unique(keys).await?
            } else {
                return writer.upsert_locked(keys, *ambiguous).await;
            }
        }
    };
    faults::point("postgres.write.committed");
    Ok(WriteOutcome::Written(written))
}

struct Writer<'a> {
    session: &'a Session<'a>,
    table: &'a Table,
    id: &'a Id,
    fields: &'a Fields,
    ends: Ends,
}

/// What ends the transaction that a statement is in.
#[derive(Clone, Copy)]
enum Ends {
    /// The statement, which is all of it.
    ByItself,
    /// A commit of its own.
    ByCommit,
}

impl Writer<'_> {
    /// Makes a row.
    async fn insert(&self) -> Result<Written, Error> {
        let mut statement = Statement::default();
        let values = self.values(&mut statement)?;
        statement.text = format!("INSERT INTO {} {values} RETURNING {}", self.table.sql, self.id.text());
        let rows = self.write(&statement).await?;
        let row = rows.first().ok_or_else(|| self.left_out())?;
        Ok(Written { id: id_of(row)?, created: true, changed: true })
    }

    /// Changes the row of this id.
    async fn update(&self, id: &RecordId) -> Result<Written, Error> {
        let missing = || Error::new(Class::NotFound, format!("`{}` has no row with the id {id}", self.table.name));
        let mut statement = Statement::default();
        let is_it = self.id.equals(&mut statement, id).ok_or_else(missing)?;
        if !self.fields.is_empty() {
            let mut set = Vec::new();
            let mut differs = Vec::new();
            for (column, value) in self.bound(&mut statement)? {
                set.push(format!("{} = {value}::{}", column.sql(), column.cast));
                differs.push(column.differs(&column.sql(), &value));
            }
            statement.text = format!(
                "UPDATE {} SET {} WHERE {is_it} AND ({}) RETURNING {}",
                self.table.sql,
                set.join(", "),
                differs.join(" OR "),
                self.id.text()
            );
            if let Some(row) = self.write(&statement).await?.first() {
                return Ok(Written { id: id_of(row)?, created: false, changed: true });
            }
        }
        let mut statement = Statement::default();
        let is_it = self.id.equals(&mut statement, id).ok_or_else(missing)?;
        statement.text = format!("SELECT {} FROM {} WHERE {is_it}", self.id.text(), self.table.sql);
        let rows = self.session.rows(&statement).await?;
        let row = rows.first().ok_or_else(missing)?;
        Ok(Written { id: id_of(row)?, created: false, changed: false })
    }

    /// Removes the row of this id, if it is there.
    async fn delete(&self, id: &RecordId) -> Result<Written, Error> {
        let mut statement = Statement::default();
        let existed = match self.id.equals(&mut statement, id) {
            Some(is_it) => {
                statement.text = format!("DELETE FROM {} WHERE {is_it} RETURNING {}", self.table.sql, self.id.text());
                !self.write(&statement).await?.is_empty()
            }
            // No row can have such an id.
            None => false,
        };
        Ok(Written { id: id.clone(), created: false, changed: existed })
    }

    /// Looks for the one row with these values and changes it, or makes it. An insert would have to name every column
    /// that must not be empty, and would take a number from the key's sequence: so it comes last.
    async fn upsert_unique(&self, keys: &[String]) -> Result<Written, Error> {
        if let Some(found) = self.candidates(keys).await?.first() {
            match self.update(found).await {
                Err(error) if error.class == Class::NotFound => {}
                outcome => return outcome,
            }
        }
        let mut statement = Statement::default();
        let values = self.values(&mut statement)?;
        let columns: Vec<&Column> =
            self.fields.keys().map(|name| self.table.writable(name)).collect::<Result<_, _>>()?;
        let set: Vec<_> = columns.iter().map(|column| format!("{0} = excluded.{0}", column.sql())).collect();
        let differs: Vec<_> = columns
            .iter()
            .map(|column| column.differs(&format!("old.{}", column.sql()), &format!("excluded.{}", column.sql())))
            .collect();
        statement.text = format!(
            "INSERT INTO {} AS old {values} ON CONFLICT ({}) DO UPDATE SET {} WHERE {} RETURNING old.{}, (old.xmax = 0)::text",
            self.table.sql,
            self.names(keys)?.join(", "),
            set.join(", "),
            differs.join(" OR "),
            self.id.text()
        );
        if let Some(row) = self.write(&statement).await?.first() {
            let created = row.get::<_, Option<&str>>(1) == Some("true");
            return Ok(Written { id: id_of(row)?, created, changed: true });
        }
        // Another made the very same row meanwhile.
        let id = self.candidates(keys).await?.into_iter().next().ok_or_else(|| self.left_out())?;
        Ok(Written { id, created: false, changed: false })
    }

    /// Looks for the rows with these values, and changes the one or makes it, while no other of our upserts of these
    /// values does.
    async fn upsert_locked(self, keys: &[String], ambiguous: Ambiguous) -> Result<WriteOutcome, Error> {
        let inside = Writer { ends: Ends::ByCommit, ..self };
        inside.session.begin().await?;
        match inside.look_and_write(keys, ambiguous).await {
            Ok(outcome) => {
                inside.session.commit().await?;
                faults::point("postgres.write.committed");
                Ok(outcome)
            }
            Err(error) => {
                inside.session.roll_back().await;
                Err(error)
            }
        }
    }

    async fn look_and_write(&self, keys: &[String], ambiguous: Ambiguous) -> Result<WriteOutcome, Error> {
        let mut statement = Statement::default();
        let mut parts = vec![format!("{}::text", statement.text(&self.table.sql))];
        let mut sorted: Vec<&String> = keys.iter().collect();
        sorted.sort();
        for key in sorted {
            parts.push(format!("{}::text", statement.text(key)));
            parts.push(format!("({})::text", self.key(key, &mut statement)?));
        }
        statement.text = format!(
            "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended(json_build_array({})::text, 0))) held",
            parts.join(", ")
        );
        self.session.rows(&statement).await?;

        let found = self.candidates(keys).await?;
        let written = match (&found[..], ambiguous) {
            ([], _) => self.insert().await?,
            ([only], _) => self.update(only).await?,
            // The lowest id stands first; PostgreSQL tells no other age.
            ([first, ..], Ambiguous::First | Ambiguous::Oldest) => self.update(first).await?,
            (several, Ambiguous::Skip) => return Ok(WriteOutcome::Skipped(self.named(several, keys))),
            (several, Ambiguous::Fail) => return Err(Error::new(Class::Conflict, self.named(several, keys))),
        };
        Ok(WriteOutcome::Written(written))
    }

    /// The ids of the rows that have the keys' values, lowest first, and one more than are named.
    async fn candidates(&self, keys: &[String]) -> Result<Vec<RecordId>, Error> {
        let mut statement = Statement::default();
        let mut conditions = vec![format!("{} IS NOT NULL", self.id.column())];
        for key in keys {
            let value = self.key(key, &mut statement)?;
            conditions.push(format!("{} = {value}", self.table.column(key)?.sql()));
        }
        statement.text = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}",
            self.id.text(),
            self.table.sql,
            conditions.join(" AND "),
            self.id.column(),
            MOST_NAMED + 1,
        );
        self.session.rows(&statement).await?.iter().map(id_of).collect()
    }

    fn named(&self, candidates: &[RecordId], keys: &[String]) -> String {
        let named: Vec<_> = candidates.iter().take(MOST_NAMED).map(RecordId::as_str).collect();
        let more = if candidates.len() > MOST_NAMED { ", …" } else { "" };
        format!(
            "several rows of `{}` have this `{}`: {}{more}",
            self.table.name,
            keys.join("` and `"),
            named.join(", ")
        )
    }

    /// The bound value that a key has in the write.
    fn key(&self, key: &str, statement: &mut Statement) -> Result<String, Error> {
        let column = self.table.column(key)?;
        let text = self.fields.get(key).and_then(|value| column.kind.write(value));
        let text = text
            .ok_or_else(|| Error::new(Class::Invalid, format!("`{key}` is empty, so no row can be matched by it")))?;
        Ok(format!("{}::{}", statement.bind(Some(text)), column.cast))
    }

    /// Each column that is written, and its bound value.
    fn bound(&self, statement: &mut Statement) -> Result<Vec<(&Column, String)>, Error> {
        self.fields
            .iter()
            .map(|(name, value)| {
                let column = self.table.writable(name)?;
                Ok((column, statement.bind(column.kind.write(value))))
            })
            .collect()
    }

    /// What follows the table's name in an insert.
    fn values(&self, statement: &mut Statement) -> Result<String, Error> {
        let bound = self.bound(statement)?;
        if bound.is_empty() {
            return Ok("DEFAULT VALUES".to_owned());
        }
        let names: Vec<_> = bound.iter().map(|(column, _)| column.sql()).collect();
        let values: Vec<_> = bound.iter().map(|(column, value)| format!("{value}::{}", column.cast)).collect();
        Ok(format!("({}) VALUES ({})", names.join(", "), values.join(", ")))
    }

    fn names(&self, keys: &[String]) -> Result<Vec<String>, Error> {
        keys.iter().map(|key| Ok(self.table.writable(key)?.sql())).collect()
    }

    async fn write(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        match self.ends {
            Ends::ByItself => self.session.commit_rows(statement).await,
            Ends::ByCommit => self.session.rows(statement).await,
        }
    }

    fn left_out(&self) -> Error {
        Error::new(Class::Invalid, format!("a trigger of `{}` left the row out", self.table.name))
    }
}

fn id_of(row: &Row) -> Result<RecordId, Error> {
    let id = row.get::<_, Option<&str>>(0).map(RecordId::new);
    id.ok_or_else(|| Error::new(Class::Invalid, "the row has no id: its key is empty"))
}
