//! Discovering a table: the only place that names in SQL come from.

use std::collections::{BTreeMap, BTreeSet};

use sdk::{Class, Error, Field, FieldOption, IdOrder, ObjectSchema, RecordId};
use serde::Deserialize;

use super::kind::Kind;
use super::pool::Session;
use super::sql::{Statement, quoted};

/// A table or view as it was a moment ago.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// The name by which flows call it.
    pub(super) name: String,
    /// Quoted, with its schema, ready for SQL.
    pub(super) sql: String,
    pub(super) columns: BTreeMap<String, Column>,
    /// Sets of columns whose values together occur once, and by which an insert may find what it conflicts with.
    pub(super) unique: BTreeSet<BTreeSet<String>>,
    /// Whether a row of it tells which transaction made it.
    pub(super) tells_creation: bool,
    /// What a row's id is, or why it has none.
    id: Result<Id, String>,
    is_writable: bool,
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The type that a bound text is turned into; a length is checked when it is stored, not cut before.
    pub(super) cast: String,
    /// The type as it is declared: what a number or a moment is rounded to when it is stored.
    declared: String,
    options: Vec<String>,
    /// What `COMMENT ON COLUMN` says of it.
    comment: Option<String>,
    is_computed: bool,
    is_required: bool,
    /// Whether its collation sorts texts byte by byte.
    sorts_by_bytes: bool,
}

/// What a row's id is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Id {
    column: Column,
    /// The column with its table's name before it: alone, an order would take it for what is selected under its name.
    order: String,
    sorting: Sorting,
}

/// How rows are sorted by their ids: as the key's own index does, where that is one of the orders that a page can have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sorting {
    /// As the whole numbers that they are, compared as this type.
    Numbers(&'static str),
    /// As what they are, which is the order of their texts.
    Itself,
    /// As texts, byte by byte: no index of the column serves, only one that sorts so too.
    Text,
}

impl Id {
    fn new(table: &str, column: &Column, is_stored_here: bool) -> Self {
        let sorting = match &column.kind {
            // No operator compares an `oid` with a number of another size.
            Kind::Whole if column.cast != "oid" => Sorting::Numbers("bigint"),
            Kind::Numeric if column.holds_whole_numbers() => Sorting::Numbers("numeric"),
            // Bytes, and each of them is shown by two digits of rising order.
            Kind::Uuid => Sorting::Itself,
            // What another server keeps may be sorted there by other rules.
            Kind::Text if column.sorts_by_bytes && is_stored_here && column.is_plain_text() => Sorting::Itself,
            Kind::Whole
            | Kind::Float
            | Kind::Numeric
            | Kind::Boolean
            | Kind::Text
            | Kind::Date
            | Kind::Moment { .. }
            | Kind::Choice
            | Kind::Json
            | Kind::List(_)
            | Kind::Bytes
            | Kind::Other => Sorting::Text,
        };
        Self { column: column.clone(), order: format!("{table}.{}", column.sql()), sorting }
    }

    /// The order of pages that are sorted by id.
    pub(super) fn id_order(&self) -> IdOrder {
        match self.sorting {
            Sorting::Numbers(_) => IdOrder::Numbers,
            Sorting::Itself | Sorting::Text => IdOrder::Text,
        }
    }

    /// What such pages are sorted by.
    pub(super) fn sorted(&self) -> String {
        match self.sorting {
            Sorting::Numbers(_) | Sorting::Itself => self.order.clone(),
            Sorting::Text => self.text(),
        }
    }

    /// The condition that a row stands behind this one in such a page. `None` where no row of this order can have been
    /// read as `after`, so that the reading has to begin anew.
    pub(super) fn above(&self, statement: &mut Statement, after: &RecordId) -> Option<String> {
        match self.sorting {
            Sorting::Numbers(cast) => {
                // Written as itself, a number is one that the type can read.
                after.as_number().filter(|number| number.to_string() == after.as_str())?;
                Some(format!("{} > {}::{cast}", self.order, statement.text(after.as_str())))
            }
            Sorting::Itself if self.column.kind == Kind::Uuid && !is_uuid(after.as_str()) => {
                Some(format!("{} > {}", self.text(), statement.text(after.as_str())))
            }
            Sorting::Itself => {
                Some(format!("{} > {}::{}", self.order, statement.text(after.as_str()), self.column.cast))
            }
            Sorting::Text => Some(format!("{} > {}", self.text(), statement.text(after.as_str()))),
        }
    }

    /// The id as text, which is how records carry it, and compared byte by byte whatever collation the column has.
    pub(super) fn text(&self) -> String {
        format!("{}::text COLLATE \"C\"", self.column.sql())
    }

    /// The column, in whose own order rows are first, or oldest.
    pub(super) fn column(&self) -> &str {
        &self.order
    }

    /// The type that an id's text is turned into.
    pub(super) fn cast(&self) -> &str {
        &self.column.cast
    }

    /// The condition that the row has this id, by an index where that can be; `None` where no row can have it.
    pub(super) fn equals(&self, statement: &mut Statement, id: &RecordId) -> Option<String> {
        let text = id.as_str();
        let is_possible = match self.column.kind {
            Kind::Whole => text.parse::<i64>().is_ok_and(|number| number.to_string() == text),
            Kind::Uuid => is_uuid(text),
            _ => !text.contains('\0'),
        };
        if !is_possible {
            return None;
        }
        let parameter = statement.text(text);
        let exactly = format!("{} = {parameter}", self.text());
        // Other types may refuse the text as none of theirs.
        let cast = match self.column.kind {
            // A smaller type would refuse a number that is too large for it.
            Kind::Whole if self.column.cast != "oid" => "bigint",
            Kind::Uuid | Kind::Text => &self.column.cast,
            _ => return Some(exactly),
        };
        Some(format!("({} = {parameter}::{cast} AND {exactly})", self.column.sql()))
    }
}

impl Table {
    /// What a row's id is; a table without any cannot be read by records.
    pub(super) fn id(&self) -> Result<&Id, Error> {
        self.id.as_ref().map_err(|reason| Error::new(Class::Invalid, reason.clone()))
    }

    /// The column of this name; a name the table does not have is a mistake of the author's.
    pub(super) fn column(&self, name: &str) -> Result<&Column, Error> {
        let column = self.columns.get(name).ok_or_else(|| {
            let known: Vec<_> = self.fields().map(|column| column.name.as_str()).collect();
            let message = format!("`{}` has no column `{name}`; it has {}", self.name, known.join(", "));
            Error::new(Class::Invalid, message)
        })?;
        if column.kind == Kind::Bytes {
            let message =
                format!("`{name}` of `{}` holds bytes (bytea), which flows neither read nor write", self.name);
            return Err(Error::new(Class::Invalid, message));
        }
        Ok(column)
    }

    /// The column, if a write may set it.
    pub(super) fn writable(&self, name: &str) -> Result<&Column, Error> {
        let column = self.column(name)?;
        if column.is_computed {
            return Err(Error::new(Class::Invalid, format!("`{name}` is computed by the table, and cannot be set")));
        }
        Ok(column)
    }

    /// Whether rows can be written at all.
    pub(super) fn must_be_writable(&self) -> Result<(), Error> {
        if self.is_writable {
            return Ok(());
        }
        Err(Error::new(Class::Invalid, format!("`{}` is a view, and cannot be written to", self.name)))
    }

    /// As flows see it.
    pub(super) fn schema(&self) -> ObjectSchema {
        let field = |column: &Column| Field {
            name: column.name.clone(),
            label: column.name.clone(),
            description: column.comment.clone(),
            group: None,
            field_type: column.kind.field_type(),
            options: column
                .options
                .iter()
                .map(|word| FieldOption { value: word.clone(), label: word.clone() })
                .collect(),
            read_only: !self.is_writable || column.is_computed,
            unique: self.unique.contains(&BTreeSet::from([column.name.clone()])),
            required: column.is_required,
        };
        let of_set = |columns: &BTreeSet<String>| columns.iter().cloned().collect();
        ObjectSchema {
            name: self.name.clone(),
            fields: self.fields().map(|column| (column.name.clone(), field(column))).collect(),
            required_one_of: Vec::new(),
            unique_together: self.unique.iter().filter(|set| set.len() > 1).map(of_set).collect(),
            modified_field: None,
            created_field: None,
        }
    }

    fn fields(&self) -> impl Iterator<Item = &Column> {
        self.columns.values().filter(|column| column.kind != Kind::Bytes)
    }
}

impl Column {
    /// Its name for SQL.
    pub(super) fn sql(&self) -> String {
        quoted(&self.name)
    }

    /// Whether every number it can hold is whole and no longer than what we compare exactly.
    fn holds_whole_numbers(&self) -> bool {
        let digits = self.declared.strip_prefix("numeric(").and_then(|rest| rest.strip_suffix(",0)"));
        digits.and_then(|digits| digits.parse().ok()).is_some_and(|digits: u32| digits <= MOST_DIGITS)
    }

    /// Whether it is compared as the text that it holds: `citext` knows no case, and `char` no blanks at its end.
    fn is_plain_text(&self) -> bool {
        ["text", "character varying"].contains(&&self.cast[..])
    }

    /// The condition that a column's value is not this other one: after the rounding that storing would make, and to
    /// the byte whatever the column's collation. `other` is a bound text, or an expression of the column's own type.
    pub(super) fn differs(&self, column: &str, other: &str) -> String {
        let other = match self.kind {
            // A text that is too long must be refused, not found to be the same once it is cut.
            Kind::Text => format!("{other}::{}", self.cast),
            _ => format!("{other}::{}", self.declared),
        };
        if self.kind.is_number() {
            return format!("{column} IS DISTINCT FROM {other}");
        }
        format!("{column}::text COLLATE \"C\" IS DISTINCT FROM ({other})::text COLLATE \"C\"")
    }
}

/// The number of digits that an `i128` can have, whatever they are.
const MOST_DIGITS: u32 = i128::MAX.ilog10();

/// Whether it is written as PostgreSQL shows it.
fn is_uuid(text: &str) -> bool {
    let is_digit = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_digit)
}

/// Every table and view of the schema.
pub(super) async fn names(session: &Session<'_>, schema: &str) -> Result<Vec<String>, Error> {
    let mut statement = Statement::default();
    let schema = statement.text(schema);
    statement.text = format!(
        "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1"
    );
    Ok(session.rows(&statement).await?.iter().map(|row| row.get(0)).collect())
}

/// Looks a table up by its exact name, alone or behind its schema's and a dot.
pub(super) async fn discover(session: &Session<'_>, schema: &str, name: &str) -> Result<Table, Error> {
    let mut found = if name.contains('\0') { Vec::new() } else { find(session, schema, name).await? };
    match (found.pop(), found.pop()) {
        (Some(only), None) => Ok(only.understood(name)),
        (Some(_), Some(_)) => Err(Error::new(Class::Invalid, format!("`{name}` is the name of several tables"))),
        (None, _) => {
            let names = names(session, schema).await?;
            let known =
                if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
            let message = format!("the schema `{schema}` has no table `{}`; {known}", name.escape_debug());
            Err(Error::new(Class::NotFound, message))
        }
    }
}

async fn find(session: &Session<'_>, schema: &str, name: &str) -> Result<Vec<Found>, Error> {
    let mut statement = Statement::default();
    let (schema, name) = (statement.text(schema), statement.text(name));
    // A table of the schema itself comes before one whose schema and name only read alike.
    statement.text = format!(
        "WITH c AS (SELECT c.*, n.nspname, n.nspname = {schema} AND c.relname = {name} AS is_own \
           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
           WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
             AND ((n.nspname = {schema} AND c.relname = {name}) OR n.nspname || '.' || c.relname = {name})) \
         SELECT json_build_object('schema', c.nspname, 'name', c.relname, 'kind', c.relkind, \
           'columns', coalesce(columns.list, '[]'), 'indices', coalesce(indices.list, '[]'))::text \
         FROM c CROSS JOIN LATERAL ({COLUMNS}) columns CROSS JOIN LATERAL ({INDICES}) indices \
         WHERE c.is_own OR NOT EXISTS (SELECT FROM c AS own WHERE own.is_own)"
    );
    let rows = session.rows(&statement).await?;
    rows.iter()
        .map(|row| {
            serde_json::from_str(row.get(0)).map_err(|error| {
                Error::new(Class::Permanent, format!("PostgreSQL's catalogue cannot be read: {error}"))
            })
        })
        .collect()
}

/// A domain is what lies under it; an array is known by its element. A collation sorts byte by byte where it is C by
/// another name, which the database's own may be (`d`), or the server's own (`b`), which all go by code points.
const COLUMNS: &str = "\
    SELECT json_agg(json_build_object('name', a.attname, 'type', t.typname, 'type_kind', t.typtype, \
      'element', e.typname, 'element_kind', e.typtype, 'cast', pg_catalog.format_type(t.oid, -1), \
      'declared', pg_catalog.format_type(t.oid, CASE WHEN t.oid = a.atttypid THEN a.atttypmod ELSE -1 END), \
      'not_null', a.attnotnull, 'has_default', a.atthasdef, 'identity', a.attidentity, 'generated', a.attgenerated, \
      'options', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l \
        WHERE l.enumtypid = coalesce(e.oid, t.oid)), \
      'by_bytes', (SELECT CASE l.collprovider \
          WHEN 'c' THEN l.collcollate IN ('C', 'POSIX') WHEN 'b' THEN true WHEN 'd' THEN \
            (SELECT CASE to_json(d) ->> 'datlocprovider' WHEN 'i' THEN false WHEN 'b' THEN true \
               ELSE d.datcollate IN ('C', 'POSIX') END \
             FROM pg_catalog.pg_database d WHERE d.datname = current_database()) END \
        FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation), \
      'comment', pg_catalog.col_description(c.oid, a.attnum))) AS list \
    FROM pg_catalog.pg_attribute a \
    JOIN LATERAL (WITH RECURSIVE under AS ( \
        SELECT d.oid, d.typtype, d.typbasetype FROM pg_catalog.pg_type d WHERE d.oid = a.atttypid \
        UNION ALL SELECT d.oid, d.typtype, d.typbasetype FROM pg_catalog.pg_type d \
          JOIN under ON under.typtype = 'd' AND d.oid = under.typbasetype) \
      SELECT oid FROM under WHERE typtype <> 'd') base ON true \
    JOIN pg_catalog.pg_type t ON t.oid = base.oid \
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' \
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped";

/// Indices that keep their columns unique for every row and by the columns alone.
const INDICES: &str = "\
    SELECT json_agg(json_build_object('primary', i.indisprimary, 'immediate', i.indimmediate, \
      'columns', (SELECT json_agg(a.attname ORDER BY k.place) \
        FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
        WHERE k.place <= i.indnkeyatts))) AS list \
    FROM pg_catalog.pg_index i \
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL";

/// A table in the catalogue's words.
#[derive(Deserialize)]
struct Found {
    schema: String,
    name: String,
    kind: String,
    columns: Vec<FoundColumn>,
    indices: Vec<FoundIndex>,
}

#[derive(Deserialize)]
struct FoundColumn {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    type_kind: String,
    element: Option<String>,
    element_kind: Option<String>,
    cast: String,
    declared: String,
    not_null: bool,
    has_default: bool,
    identity: String,
    generated: String,
    options: Option<Vec<String>>,
    by_bytes: Option<bool>,
    comment: Option<String>,
}

#[derive(Deserialize)]
struct FoundIndex {
    primary: bool,
    immediate: bool,
    columns: Vec<String>,
}

impl Found {
    fn understood(self, name: &str) -> Table {
        let columns: BTreeMap<_, _> =
            self.columns.into_iter().map(|column| (column.name.clone(), column.understood())).collect();
        let primary = self.indices.iter().find(|index| index.primary).map(|index| &index.columns[..]);
        let sql = format!("{}.{}", quoted(&self.schema), quoted(&self.name));
        let id = row_id(name, &self.kind, primary, &columns)
            .map(|column| Id::new(&sql, column, ["r", "p", "m"].contains(&self.kind.as_str())));
        let unique = self.indices.iter().filter(|index| index.immediate);
        Table {
            name: name.to_owned(),
            sql,
            unique: unique.map(|index| index.columns.iter().cloned().collect()).collect(),
            tells_creation: self.kind == "r",
            is_writable: !["v", "m"].contains(&self.kind.as_str()),
            columns,
            id,
        }
    }
}

impl FoundColumn {
    fn understood(self) -> Column {
        let element = self.element.map(|name| Kind::of(&name, &self.element_kind.unwrap_or_default(), None));
        let is_computed = self.identity == "a" || !self.generated.is_empty();
        Column {
            kind: Kind::of(&self.type_name, &self.type_kind, element),
            name: self.name,
            cast: self.cast,
            declared: self.declared,
            options: self.options.unwrap_or_default(),
            comment: self.comment,
            is_computed,
            is_required: self.not_null && !self.has_default && self.identity.is_empty(),
            sorts_by_bytes: self.by_bytes.unwrap_or(false),
        }
    }
}

/// The primary key where it is one column; of what has no keys at all, the column `id`.
fn row_id<'a>(
    table: &str,
    kind: &str,
    primary: Option<&[String]>,
    columns: &'a BTreeMap<String, Column>,
) -> Result<&'a Column, String> {
    let (name, is_view) = match (primary, kind) {
        (Some([only]), _) => (only.as_str(), false),
        (Some(several), _) => {
            return Err(format!(
                "the primary key of `{table}` has several columns, {}: its rows have no single id; give it a key of one column",
                several.join(" and ")
            ));
        }
        (None, "v" | "m" | "f") => ("id", true),
        (None, _) => return Err(format!("the table `{table}` has no primary key, so its rows have no id; add one")),
    };
    match columns.get(name) {
        Some(column) => Ok(column),
        None if is_view => Err(format!("`{table}` is a view without a column `id`, so its rows have no id")),
        None => Err(format!("the key of `{table}` is no column of it")),
    }
}
