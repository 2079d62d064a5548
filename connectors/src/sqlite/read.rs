//! Reading rows as records: pages of a poll, one by its id, and those that fulfil a filter.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use sdk::{
    Class, Error, FieldType, Fields, Filter, Find, PollPage, PollQuery, PollRequest, Record, RecordId, Test, Timestamp,
    Value, WalkRequest,
};

use super::PAGE;
use super::stamps::{self, Bounds};
use super::table::{Column, Sorting, Table, discover};
use super::{failure, values};

/// So many rows are looked at in the order of the key for a page of a drain, before an index on the stamp is asked.
const NEARBY: usize = 20_000;

/// One page of a poll.
pub(super) fn poll(connection: &Connection, request: &PollRequest) -> Result<PollPage, Error> {
    let table = named(connection, &request.object)?;
    let by = stamps::column_name(&request.stamp)
        .ok_or_else(|| Error::new(Class::Invalid, format!("`{}` is polled by a column: add `by:`", table.name)))?;
    let by = table.column(by)?;
    if by.holds_reals {
        let message = format!(
            "`by: {}` holds numbers with fractions; a stamp is an INTEGER of milliseconds, or TEXT like 2026-01-02T10:00:00Z",
            by.name
        );
        return Err(Error::new(Class::Invalid, message));
    }
    let sorting = table.id()?.sorting(connection, &table)?;
    let stamp = stamps::millis(by);
    let select = Select { table: &table, stamp: Some(&stamp), fields: fields(&table, &request.fields)? };
    let limit = request.limit.min(PAGE);
    if let PollQuery::Drain { at, after } = &request.query
        && let Some(records) = drain_nearby(connection, &select, &sorting, (*at, after.as_ref()), limit)?
    {
        return Ok(PollPage { records, server_time: None, order: sorting.order });
    }

    let (window, id) = (stamps::window(by, 1), &sorting.sql);
    let (mut condition, order, bounds, after) = match &request.query {
        PollQuery::From(from) => (format!("{stamp} >= ?1"), format!("2, {id}"), Bounds::from(*from), None),
        PollQuery::Drain { at, after } => (format!("{stamp} = ?1"), id.clone(), Bounds::at(*at), after.as_ref()),
    };
    let mut bound = vec![
        Sql::Integer(bounds.low),
        Sql::Integer(bounds.high),
        Sql::Text(bounds.first_day),
        Sql::Text(bounds.last_day),
    ];
    if let Some(after) = after.and_then(|after| sorting.above(after)) {
        condition = format!("{condition} AND {id} > ?5");
        bound.push(after);
    }
    let is_there = format!("{} IS NOT NULL", table.id()?.column());
    let tail = format!("{window} AND {condition} AND {is_there} ORDER BY {order} LIMIT {limit}");
    let statement = Statement { sql: select.sql(&tail)?, bound };
    let records = select.all(connection, &statement, |_| true, usize::MAX)?;
    Ok(PollPage { records, server_time: None, order: sorting.order })
}

/// A page of a drain, where one is found among the next rows in the order of the key, which need no sorting. Of a stamp
/// that very many rows share, an index on the stamp would read all of them for each page.
///
/// `None` where the page's rows may be further away than that: then an index on the stamp finds them.
fn drain_nearby(
    connection: &Connection,
    select: &Select<'_>,
    sorting: &Sorting,
    (at, after): (Timestamp, Option<&RecordId>),
    limit: usize,
) -> Result<Option<Vec<Record>>, Error> {
    if !sorting.is_native {
        return Ok(None);
    }
    let (after, id) = (after.and_then(|after| sorting.above(after)), &sorting.sql);
    let is_behind = if after.is_some() { format!("{id} > ?1") } else { format!("{id} IS NOT NULL") };
    let reach = format!("SELECT {id} FROM {} WHERE {is_behind} ORDER BY {id}", select.table.sql());
    let furthest = || -> rusqlite::Result<Option<Sql>> {
        let mut statement = connection.prepare_cached(&format!("{reach} LIMIT 1 OFFSET {NEARBY}"))?;
        statement.query_row(params_from_iter(&after), |row| row.get(0)).optional()
    };
    let furthest = furthest().map_err(|error| failure::of(&error))?;
    let is_all = furthest.is_none();
    let statement = nearby(select, sorting, at, (after, furthest), limit)?;
    let records = select.all(connection, &statement, |_| true, usize::MAX)?;
    Ok((is_all || records.len() == limit).then_some(records))
}

/// The rows of a stamp from one row, without it, to another.
pub(super) fn nearby(
    select: &Select<'_>,
    sorting: &Sorting,
    at: Timestamp,
    (after, furthest): (Option<Sql>, Option<Sql>),
    limit: usize,
) -> Result<Statement, Error> {
    let id = &sorting.sql;
    let mut conditions = vec![format!("{} = ?1", select.stamp.unwrap_or("NULL")), format!("{id} IS NOT NULL")];
    let mut bound = vec![Sql::Integer(at.millis())];
    for (comparison, value) in [(">", after), ("<=", furthest)] {
        let Some(value) = value else { continue };
        bound.push(value);
        conditions.push(format!("{id} {comparison} ?{}", bound.len()));
    }
    let sql = select.sql(&format!("{} ORDER BY {id} LIMIT {limit}", conditions.join(" AND ")))?;
    Ok(Statement { sql, bound })
}

/// One page of all rows, in the order of their ids.
pub(super) fn walk(connection: &Connection, request: &WalkRequest) -> Result<PollPage, Error> {
    let table = named(connection, &request.object)?;
    let sorting = table.id()?.sorting(connection, &table)?;
    let select = Select { table: &table, stamp: None, fields: fields(&table, &request.fields)? };
    let statement = step(&select, &sorting, request)?;
    let records = select.all(connection, &statement, |_| true, usize::MAX)?;
    Ok(PollPage { records, server_time: None, order: sorting.order })
}

/// The statement of a walk's page.
pub(super) fn step(select: &Select<'_>, sorting: &Sorting, request: &WalkRequest) -> Result<Statement, Error> {
    let id = &sorting.sql;
    let mut conditions = vec![format!("{} IS NOT NULL", select.table.id()?.column())];
    let mut bound = Vec::new();
    if let Some(filter) = &request.filter {
        narrow(select.table, filter, &mut conditions, &mut bound)?;
    }
    if let Some(after) = request.after.as_ref().and_then(|after| sorting.above(after)) {
        bound.push(after);
        conditions.push(format!("{id} > ?{}", bound.len()));
    }
    let tail = format!("{} ORDER BY {id} LIMIT {}", conditions.join(" AND "), request.limit.min(PAGE));
    Ok(Statement { sql: select.sql(&tail)?, bound })
}

/// The table that a flow names: where there is none, the flow is wrong.
fn named(connection: &Connection, object: &str) -> Result<Table, Error> {
    discover(connection, object).map_err(|error| match error.class {
        Class::NotFound => Error { class: Class::Invalid, ..error },
        _ => error,
    })
}

/// One record by its id. Its stamp is not known: a table has one only where a flow names it.
pub(super) fn get(
    connection: &Connection,
    object: &str,
    id: &RecordId,
    wanted: &[String],
) -> Result<Option<Record>, Error> {
    let table = discover(connection, object)?;
    let select = Select { table: &table, stamp: None, fields: fields(&table, wanted)? };
    let sql = select.sql(&table.id()?.equals(1))?;
    let statement = Statement { sql, bound: vec![Sql::Text(id.as_str().to_owned())] };
    Ok(select.all(connection, &statement, |_| true, 1)?.pop())
}

/// The first rows that fulfil the filter, in the order of their ids. Equalities of texts and numbers are asked of an
/// index; everything else is asked of each row here.
pub(super) fn find(connection: &Connection, find: &Find) -> Result<Vec<Record>, Error> {
    let table = discover(connection, &find.object)?;
    let mut wanted = find.fields.clone();
    find.filter.for_each_field(&mut |field| wanted.push(field.to_owned()));
    let select = Select { table: &table, stamp: None, fields: fields(&table, &wanted)? };
    let id = table.id()?;

    let mut conditions = vec![format!("{} IS NOT NULL", id.column())];
    let mut bound = Vec::new();
    narrow(&table, &find.filter, &mut conditions, &mut bound)?;
    let sql = select.sql(&format!("{} ORDER BY {}", conditions.join(" AND "), id.column()))?;
    select.all(connection, &Statement { sql, bound }, |record| find.filter.matches(record), find.limit)
}

/// Adds conditions that every matching row fulfils.
fn narrow(table: &Table, filter: &Filter, conditions: &mut Vec<String>, bound: &mut Vec<Sql>) -> Result<(), Error> {
    match filter {
        Filter::All(filters) => filters.iter().try_for_each(|filter| narrow(table, filter, conditions, bound)),
        Filter::Field { field, test: Test::Eq(Value::Text(text)) } if field == "id" => {
            bound.push(Sql::Text(text.clone()));
            conditions.push(table.id()?.equals(bound.len()));
            Ok(())
        }
        Filter::Field { field, test: Test::Eq(value) } if field != "id" => {
            let column = table.column(field)?;
            let forms = match (column.field_type, value) {
                (FieldType::Text, Value::Text(text)) => values::stored_as(text),
                (FieldType::Number, Value::Int(_) | Value::Float(_)) => vec![values::write(value)],
                _ => return Ok(()),
            };
            let first = bound.len() + 1;
            bound.extend(forms);
            let parameters: Vec<_> = (first..=bound.len()).map(|at| format!("?{at}")).collect();
            conditions.push(format!("{} IN ({})", column.sql(), parameters.join(", ")));
            Ok(())
        }
        Filter::Field { .. } | Filter::Any(_) => Ok(()),
    }
}

/// Columns by name, each once. `id` is the record's own where no column is called so.
fn fields<'a>(table: &'a Table, names: &[String]) -> Result<Vec<&'a Column>, Error> {
    let mut names: Vec<&String> =
        names.iter().filter(|name| *name != "id" || table.columns.contains_key(*name)).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| table.column(name)).collect()
}

/// One statement, and the values of its parameters.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) bound: Vec<Sql>,
}

/// What is read of each row.
pub(super) struct Select<'a> {
    pub(super) table: &'a Table,
    /// The stamp as an SQL expression; it is the second column, and called so in the order.
    pub(super) stamp: Option<&'a str>,
    pub(super) fields: Vec<&'a Column>,
}

impl Select<'_> {
    /// The statement that reads the rows under a condition, in its order.
    fn sql(&self, tail: &str) -> Result<String, Error> {
        let mut columns =
            vec![format!("CAST({} AS TEXT)", self.table.id()?.column()), self.stamp.unwrap_or("NULL").to_owned()];
        columns.extend(self.fields.iter().map(|column| column.sql()));
        Ok(format!("SELECT {} FROM {} WHERE {tail}", columns.join(", "), self.table.sql()))
    }

    /// The records of a statement of ours, of those that are kept at most as many as wanted.
    fn all(
        &self,
        connection: &Connection,
        Statement { sql, bound }: &Statement,
        keep: impl Fn(&Record) -> bool,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let read = || -> rusqlite::Result<Vec<Record>> {
            let mut records = Vec::new();
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(params_from_iter(bound))?;
            while records.len() < limit
                && let Some(row) = rows.next()?
            {
                records.extend(Some(self.record(row)?).filter(&keep));
            }
            Ok(records)
        };
        read().map_err(|error| failure::of(&error))
    }

    fn record(&self, row: &Row<'_>) -> rusqlite::Result<Record> {
        let mut fields = Fields::new();
        for (at, column) in self.fields.iter().enumerate() {
            fields.insert(column.name.clone(), values::read(column.field_type, row.get_ref(at + 2)?));
        }
        let modified = Timestamp::from_millis(row.get::<_, Option<i64>>(1)?.unwrap_or_default());
        Ok(Record { id: RecordId::new(row.get::<_, String>(0)?), created: None, modified, fields })
    }
}
