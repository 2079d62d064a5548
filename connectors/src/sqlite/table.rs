//! Discovering a table: the only place that names in SQL come from.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _};
use sdk::{Class, Error, Field, FieldType, IdOrder, ObjectSchema, RecordId};

use super::failure;

/// A table or view as it is just now.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: BTreeMap<String, Column>,
    /// Sets of columns whose values together occur once.
    pub(super) unique: BTreeSet<BTreeSet<String>>,
    /// What a row's id is, or why it has none.
    id: Result<Id, String>,
    is_view: bool,
}

/// One column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) field_type: FieldType,
    /// Declared as `REAL` or without a type that could hold a stamp.
    pub(super) holds_reals: bool,
    is_generated: bool,
    is_required: bool,
}

/// What a row's id is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// Quoted, ready for SQL.
    sql: String,
    /// Whether comparing it with a text finds the number that the text spells, so that an index serves.
    converts: bool,
    holds: Holds,
}

/// What can stand in an id's column, as far as SQLite promises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Integers,
    Texts,
    /// A column that prefers text keeps bytes as they are.
    TextsOrBytes,
    Anything,
}

/// How rows are sorted by their ids: as the key's own index does, where that is one of the orders that a page can have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sorting {
    /// What they are sorted by.
    pub(super) sql: String,
    /// The order of pages that are.
    pub(super) order: IdOrder,
    /// Whether it is the column itself, so that an index can serve.
    pub(super) is_native: bool,
}

impl Sorting {
    /// What a row's id is compared with so as to stand behind this one. `None` where no row of this order can have been
    /// read as `after`, so that the reading has to begin anew.
    pub(super) fn above(&self, after: &RecordId) -> Option<Sql> {
        match self.order {
            IdOrder::Text => Some(Sql::Text(after.as_str().to_owned())),
            IdOrder::Numbers => after.as_str().parse().ok().map(Sql::Integer),
        }
    }
}

impl Id {
    fn new(sql: String, affinity: Affinity, holds: Holds) -> Self {
        Self { sql, converts: affinity != Affinity::Blob, holds }
    }

    /// How rows are sorted just now. Whether there are bytes among texts is asked of the index, where they stand last.
    pub(super) fn sorting(&self, connection: &Connection, table: &Table) -> Result<Sorting, Error> {
        let sql = &self.sql;
        let has_only_texts = match self.holds {
            Holds::Texts => true,
            Holds::TextsOrBytes => {
                let bytes = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {sql} >= x'')", table.sql());
                let mut statement = connection.prepare_cached(&bytes).map_err(|error| failure::of(&error))?;
                !statement.query_row([], |row| row.get::<_, bool>(0)).map_err(|error| failure::of(&error))?
            }
            Holds::Integers => return Ok(Sorting { sql: sql.clone(), order: IdOrder::Numbers, is_native: true }),
            Holds::Anything => false,
        };
        let sql = if has_only_texts { format!("{sql} COLLATE BINARY") } else { self.text() };
        Ok(Sorting { sql, order: IdOrder::Text, is_native: has_only_texts })
    }

    /// The id as text, which is how records carry it, and compared byte by byte whatever collation the column has.
    pub(super) fn text(&self) -> String {
        format!("CAST({} AS TEXT) COLLATE BINARY", self.sql)
    }

    /// The column, in whose own order rows are first, or oldest.
    pub(super) fn column(&self) -> &str {
        &self.sql
    }

    /// The condition that the id is the parameter of this number, by an index where that can be.
    pub(super) fn equals(&self, parameter: usize) -> String {
        let exactly = format!("{} = ?{parameter}", self.text());
        if self.converts { format!("({} = ?{parameter} AND {exactly})", self.sql) } else { exactly }
    }
}

impl Table {
    /// What a row's id is; a table without any cannot be read by records.
    pub(super) fn id(&self) -> Result<&Id, Error> {
        self.id.as_ref().map_err(|reason| Error::new(Class::Invalid, reason.clone()))
    }

    /// The column of this name; a name the table does not have is a mistake of the author's.
    pub(super) fn column(&self, name: &str) -> Result<&Column, Error> {
        self.columns.get(name).ok_or_else(|| {
            let known: Vec<_> = self.columns.keys().map(String::as_str).collect();
            let message = format!("`{}` has no column `{name}`; it has {}", self.name, known.join(", "));
            Error::new(Class::Invalid, message)
        })
    }

    /// The column, if a write may set it.
    pub(super) fn writable(&self, name: &str) -> Result<&Column, Error> {
        let column = self.column(name)?;
        if column.is_generated {
            return Err(Error::new(Class::Invalid, format!("`{name}` is computed by the table, and cannot be set")));
        }
        Ok(column)
    }

    /// Whether rows can be written at all.
    pub(super) fn must_be_writable(&self) -> Result<(), Error> {
        if self.is_view {
            return Err(Error::new(Class::Invalid, format!("`{}` is a view, and cannot be written to", self.name)));
        }
        Ok(())
    }

    /// Its name for SQL.
    pub(super) fn sql(&self) -> String {
        quoted(&self.name)
    }

    /// As flows see it.
    pub(super) fn schema(&self) -> ObjectSchema {
        let field = |column: &Column| Field {
            name: column.name.clone(),
            label: column.name.clone(),
            description: None,
            group: None,
            field_type: column.field_type,
            options: Vec::new(),
            read_only: self.is_view || column.is_generated,
            unique: self.unique.contains(&BTreeSet::from([column.name.clone()])),
            required: column.is_required,
        };
        let of_set = |columns: &BTreeSet<String>| columns.iter().cloned().collect();
        ObjectSchema {
            name: self.name.clone(),
            fields: self.columns.iter().map(|(name, column)| (name.clone(), field(column))).collect(),
            required_one_of: Vec::new(),
            unique_together: self.unique.iter().filter(|set| set.len() > 1).map(of_set).collect(),
            modified_field: None,
            created_field: None,
        }
    }
}

impl Column {
    /// Its name for SQL.
    pub(super) fn sql(&self) -> String {
        quoted(&self.name)
    }
}

/// The tables that one transaction has met; nobody changes them while it lasts.
#[derive(Default)]
pub(super) struct Tables(BTreeMap<String, Table>);

impl Tables {
    /// The table, discovered when it is first met.
    pub(super) fn get(&mut self, connection: &Connection, name: &str) -> Result<&Table, Error> {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), discover(connection, name)?);
        }
        Ok(&self.0[name])
    }
}

/// Every table and view that flows can name.
pub(super) fn names(connection: &Connection) -> Result<Vec<String>, Error> {
    let sql = "SELECT name FROM sqlite_schema \
               WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name";
    let names = || -> rusqlite::Result<Vec<String>> {
        connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
    };
    names().map_err(|error| failure::of(&error))
}

/// Looks a table up by its exact name.
pub(super) fn discover(connection: &Connection, name: &str) -> Result<Table, Error> {
    let names = names(connection)?;
    if !names.iter().any(|known| known == name) {
        let known = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
        return Err(Error::new(Class::NotFound, format!("the database has no table `{name}`; {known}")));
    }
    read(connection, name).map_err(|error| failure::of(&error))
}

fn read(connection: &Connection, name: &str) -> rusqlite::Result<Table> {
    let made = connection
        .prepare_cached("SELECT type, wr, strict FROM pragma_table_list(?1) WHERE schema = 'main'")?
        .query_row([name], |row| {
        let (as_what, without_rowid, is_strict) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Made { as_what, without_rowid, is_strict, key_collation: key_collation(connection, name)? })
    })?;

    let mut columns = BTreeMap::new();
    let mut key = Vec::new();
    let mut statement = connection
        .prepare_cached("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)")?;
    let mut rows = statement.query([name])?;
    while let Some(row) = rows.next()? {
        let column = Declared {
            name: row.get(0)?,
            declared: row.get::<_, String>(1)?.to_uppercase(),
            not_null: row.get(2)?,
            has_default: row.get::<_, Option<String>>(3)?.is_some(),
            key_place: row.get(4)?,
            hidden: row.get(5)?,
        };
        if column.hidden == HIDDEN {
            continue;
        }
        if column.key_place > 0 {
            key.push((column.key_place, column.name.clone(), affinity(&column.declared)));
        }
        columns.insert(column.name.clone(), column);
    }
    key.sort_by_key(|(place, ..)| *place);

    let mut unique = unique_indices(connection, name)?;
    if !key.is_empty() {
        unique.insert(key.iter().map(|(_, name, _)| name.clone()).collect());
    }
    let counted = match (&key[..], &made.key_collation) {
        ([(_, only, _)], None) if made.as_what == "table" => Some(only.clone()),
        _ => None,
    };
    let id = row_id(name, &made, &key, &columns);
    let columns = columns
        .into_iter()
        .map(|(name, column)| {
            let is_counted = counted.as_ref() == Some(&name);
            (name, column.understood(is_counted))
        })
        .collect();
    Ok(Table { name: name.to_owned(), columns, unique, id, is_view: made.is_view() })
}

/// How a table was made, in SQLite's words.
struct Made {
    /// `table`, `view`, `virtual` or `shadow`.
    as_what: String,
    without_rowid: bool,
    is_strict: bool,
    /// What the index of the primary key sorts texts by. A table's key without an index is the rowid itself.
    key_collation: Option<String>,
}

impl Made {
    fn is_view(&self) -> bool {
        self.as_what == "view"
    }

    /// What the only column of the primary key can hold. Only a strict table refuses what its columns do not prefer;
    /// views and virtual tables promise nothing.
    fn holds(&self, affinity: Affinity) -> Holds {
        let is_by_bytes = self.key_collation.as_deref() == Some("BINARY");
        match affinity {
            _ if self.as_what != "table" => Holds::Anything,
            Affinity::Integer if self.is_strict || self.key_collation.is_none() => Holds::Integers,
            Affinity::Text if is_by_bytes && self.is_strict => Holds::Texts,
            Affinity::Text if is_by_bytes => Holds::TextsOrBytes,
            Affinity::Integer | Affinity::Text | Affinity::Blob | Affinity::Real | Affinity::Numeric => Holds::Anything,
        }
    }
}

/// A column of a virtual table that is not part of a row.
const HIDDEN: i64 = 1;

/// A column in SQLite's words.
struct Declared {
    name: String,
    declared: String,
    not_null: bool,
    has_default: bool,
    key_place: i64,
    hidden: i64,
}

impl Declared {
    fn understood(self, is_counted: bool) -> Column {
        let is_generated = self.hidden != 0;
        Column {
            field_type: field_type(&self.declared),
            holds_reals: affinity(&self.declared) == Affinity::Real,
            is_required: self.not_null && !self.has_default && !is_counted && !is_generated,
            name: self.name,
            is_generated,
        }
    }
}

/// The primary key where it is one column, else the rowid under a name that no column has taken.
fn row_id(
    table: &str,
    made: &Made,
    key: &[(i64, String, Affinity)],
    columns: &BTreeMap<String, Declared>,
) -> Result<Id, String> {
    if made.is_view() {
        return match columns.get("id") {
            Some(id) => Ok(Id::new(quoted("id"), affinity(&id.declared), Holds::Anything)),
            None => Err(format!("the view `{table}` has no column `id`, so its rows have no id")),
        };
    }
    if let [(_, only, affinity)] = key {
        return Ok(Id::new(quoted(only), *affinity, made.holds(*affinity)));
    }
    if made.without_rowid {
        let names: Vec<_> = key.iter().map(|(_, name, _)| name.as_str()).collect();
        return Err(format!(
            "the table `{table}` is WITHOUT ROWID and its primary key has several columns, {}: its rows have no id",
            names.join(" and ")
        ));
    }
    let is_free = |alias: &&str| !columns.keys().any(|name| name.eq_ignore_ascii_case(alias));
    match ["rowid", "_rowid_", "oid"].iter().find(|alias| is_free(alias)) {
        Some(alias) => Ok(Id::new((*alias).to_owned(), Affinity::Integer, Holds::Integers)),
        None => Err(format!("the columns of `{table}` hide its rowid, so its rows have no id")),
    }
}

fn key_collation(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT of_column.coll FROM pragma_index_list(?1) AS key, pragma_index_xinfo(key.name) AS of_column \
               WHERE key.origin = 'pk' AND of_column.seqno = 0";
    connection.prepare_cached(sql)?.query_row([table], |row| row.get(0)).optional()
}

/// Sets of columns with an index that keeps them unique, for every row and by the columns alone.
fn unique_indices(connection: &Connection, table: &str) -> rusqlite::Result<BTreeSet<BTreeSet<String>>> {
    let mut indices =
        connection.prepare_cached("SELECT name FROM pragma_index_list(?1) WHERE \"unique\" = 1 AND partial = 0")?;
    let names: Vec<String> = indices.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut unique = BTreeSet::new();
    for name in names {
        let mut columns = connection.prepare_cached("SELECT name FROM pragma_index_info(?1)")?;
        let columns: Vec<Option<String>> = columns.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        // An expression has no name, and no upsert can match by it.
        if let Some(columns) = columns.into_iter().collect::<Option<BTreeSet<_>>>() {
            unique.insert(columns);
        }
    }
    Ok(unique)
}

/// SQLite's own rules for what a column prefers to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

fn affinity(declared: &str) -> Affinity {
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if declared.is_empty() || has(&["BLOB"]) {
        Affinity::Blob
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// What authors mean by a declared type; SQLite itself knows neither days, moments nor truth.
fn field_type(declared: &str) -> FieldType {
    let word = declared.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    match word {
        "BOOLEAN" | "BOOL" => return FieldType::Boolean,
        "DATE" => return FieldType::Date,
        "DATETIME" | "TIMESTAMP" | "TIMESTAMPTZ" => return FieldType::Moment,
        "NUMERIC" | "DECIMAL" | "NUMBER" => return FieldType::Number,
        _ => {}
    }
    match affinity(declared) {
        Affinity::Integer | Affinity::Real => FieldType::Number,
        Affinity::Text => FieldType::Text,
        Affinity::Blob | Affinity::Numeric => FieldType::Any,
    }
}

/// A name as an identifier, whatever stands in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
