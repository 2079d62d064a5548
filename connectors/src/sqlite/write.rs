//! One write, inside a transaction that nobody else writes in.
//!
//! Called twice, an update or an upsert finds the row as it left it and changes nothing; a create makes a second row,
//! unless the table keeps one of its values unique. A write whose values are all there already does not touch the
//! row, so that no trigger fires and no stamp moves.

use std::collections::BTreeSet;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use sdk::{Ambiguous, Class, Error, Fields, Match, RecordId, Verb, Write, WriteOutcome, Written};

use super::table::{Id, Table};
use super::{failure, values};

/// So many candidates are named.
const MOST_NAMED: usize = 5;

/// Applies the write.
pub(super) fn apply(connection: &Connection, table: &Table, write: &Write) -> Result<WriteOutcome, Error> {
    table.must_be_writable()?;
    for name in write.fields.keys() {
        table.writable(name)?;
    }
    let writer = Writer { connection, table, id: table.id()?, fields: &write.fields };
    let written = match &write.verb {
        Verb::Create | Verb::Upsert { by: Match::Id(None), .. } => writer.insert(&[])?,
        Verb::Update { id } | Verb::Upsert { by: Match::Id(Some(id)), .. } => writer.update_by_id(id)?,
        Verb::Delete { id } => writer.delete(id)?,
        Verb::Upsert { by: Match::Fields(keys), ambiguous } => return writer.upsert(keys, *ambiguous),
    };
    Ok(WriteOutcome::Written(written))
}

struct Writer<'a> {
    connection: &'a Connection,
    table: &'a Table,
    id: &'a Id,
    fields: &'a Fields,
}

impl Writer<'_> {
    /// Makes a row. Where a row with these unique keys appears nevertheless, by a collation under which they are equal,
    /// that one is updated.
    fn insert(&self, keys: &[String]) -> Result<Written, Error> {
        let names: Vec<_> = self.fields.keys().map(|name| self.sql(name)).collect::<Result<_, _>>()?;
        let values = match &names[..] {
            [] => "DEFAULT VALUES".to_owned(),
            names => format!("({}) VALUES ({})", names.join(", "), parameters(names.len())),
        };
        let conflict = match keys {
            [] => String::new(),
            keys => {
                let keys: Vec<_> = keys.iter().map(|key| self.sql(key)).collect::<Result<_, _>>()?;
                let set: Vec<_> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
                format!(" ON CONFLICT ({}) DO UPDATE SET {}", keys.join(", "), set.join(", "))
            }
        };
        let sql = format!("INSERT INTO {} {values}{conflict} RETURNING {}", self.table.sql(), self.id.text());
        let id = self.one_text(&sql, &self.bound())?;
        let id = id.ok_or_else(|| Error::new(Class::Invalid, "the new row has no id: its primary key is empty"))?;
        Ok(Written { id, created: true, changed: true })
    }

    fn update_by_id(&self, id: &RecordId) -> Result<Written, Error> {
        let missing = || Error::new(Class::NotFound, format!("`{}` has no row with the id {id}", self.table.name));
        let same: Vec<_> =
            self.fields.keys().enumerate().map(|(at, name)| self.same(name, at + 2)).collect::<Result<_, _>>()?;
        let same = if same.is_empty() { "1".to_owned() } else { same.join(" AND ") };
        let sql = format!("SELECT {same} FROM {} WHERE {}", self.table.sql(), self.id.equals(1));
        let bound = [vec![Sql::Text(id.as_str().to_owned())], self.bound()].concat();
        let is_same: bool = self
            .connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row(params_from_iter(&bound), |row| row.get(0)).optional())
            .map_err(|error| failure::of(&error))?
            .ok_or_else(missing)?;
        if is_same {
            return Ok(Written { id: id.clone(), created: false, changed: false });
        }
        let set: Vec<_> = self
            .fields
            .keys()
            .enumerate()
            .map(|(at, name)| Ok(format!("{} = ?{}", self.sql(name)?, at + 2)))
            .collect::<Result<_, Error>>()?;
        let sql = format!(
            "UPDATE {} SET {} WHERE {} RETURNING {}",
            self.table.sql(),
            set.join(", "),
            self.id.equals(1),
            self.id.text()
        );
        let id = self.one_text(&sql, &bound)?.ok_or_else(missing)?;
        Ok(Written { id, created: false, changed: true })
    }

    /// Removes the row, if it is there.
    fn delete(&self, id: &RecordId) -> Result<Written, Error> {
        let sql = format!("DELETE FROM {} WHERE {} RETURNING {}", self.table.sql(), self.id.equals(1), self.id.text());
        let removed = self.one_text(&sql, &[Sql::Text(id.as_str().to_owned())])?;
        Ok(Written { id: id.clone(), created: false, changed: removed.is_some() })
    }

    /// Looks for the rows with these values, and updates the one or makes it.
    fn upsert(&self, keys: &[String], ambiguous: Ambiguous) -> Result<WriteOutcome, Error> {
        let found = self.candidates(keys)?;
        let distinct: BTreeSet<String> = keys.iter().cloned().collect();
        let written = match (&found[..], ambiguous) {
            ([], _) if self.table.unique.contains(&distinct) => self.insert(keys)?,
            ([], _) => self.insert(&[])?,
            ([only], _) => self.update_by_id(only)?,
            // The lowest id stands first; SQLite counts upwards, and tells no other age.
            ([first, ..], Ambiguous::First | Ambiguous::Oldest) => self.update_by_id(first)?,
            (several, Ambiguous::Skip) => return Ok(WriteOutcome::Skipped(self.named(several, keys))),
            (several, Ambiguous::Fail) => return Err(Error::new(Class::Conflict, self.named(several, keys))),
        };
        Ok(WriteOutcome::Written(written))
    }

    /// The ids of the rows that have the keys' values, lowest first, and one more than are named.
    fn candidates(&self, keys: &[String]) -> Result<Vec<RecordId>, Error> {
        let mut conditions = Vec::new();
        let mut bound = Vec::new();
        for key in keys {
            let column = self.table.column(key)?;
            let value = self.fields.get(key).filter(|value| !value.is_null()).ok_or_else(|| {
                Error::new(Class::Invalid, format!("`{key}` is empty, so no row can be matched by it"))
            })?;
            bound.push(values::write(value));
            conditions.push(format!("{} = ?{}", column.sql(), bound.len()));
        }
        let sql = format!(
            "SELECT {} FROM {} WHERE {} AND {} IS NOT NULL ORDER BY {} LIMIT {}",
            self.id.text(),
            self.table.sql(),
            conditions.join(" AND "),
            self.id.column(),
            self.id.column(),
            MOST_NAMED + 1,
        );
        let ids = || -> rusqlite::Result<Vec<String>> {
            self.connection.prepare_cached(&sql)?.query_map(params_from_iter(&bound), |row| row.get(0))?.collect()
        };
        Ok(ids().map_err(|error| failure::of(&error))?.into_iter().map(RecordId::new).collect())
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

    fn bound(&self) -> Vec<Sql> {
        self.fields.values().map(values::write).collect()
    }

    fn sql(&self, name: &str) -> Result<String, Error> {
        Ok(self.table.writable(name)?.sql())
    }

    /// The condition that a column holds the parameter already: after the conversion that storing would make, and to
    /// the byte whatever the column's collation.
    fn same(&self, name: &str, parameter: usize) -> Result<String, Error> {
        Ok(format!("({} IS ?{parameter} COLLATE BINARY)", self.sql(name)?))
    }

    /// The id that a statement returns: by then every row is written, and every constraint looked at.
    fn one_text(&self, sql: &str, bound: &[Sql]) -> Result<Option<RecordId>, Error> {
        let run = || -> rusqlite::Result<Option<Option<String>>> {
            self.connection.prepare_cached(sql)?.query_row(params_from_iter(bound), |row| row.get(0)).optional()
        };
        Ok(run().map_err(|error| failure::of(&error))?.flatten().map(RecordId::new))
    }
}

fn parameters(n: usize) -> String {
    (1..=n).map(|at| format!("?{at}")).collect::<Vec<_>>().join(", ")
}
