//! Reading rows as records: pages of a poll, one by its id, and those that fulfil a filter.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};
use sdk::{
    Class, Error, FieldType, Fields, Filter, Find, PollQuery, PollRequest, Record, RecordId, Test, Timestamp, Value,
    WalkRequest,
};

use super::PAGE;
use super::stamps::{self, Bounds};
use super::table::{Column, Table, discover};
use super::{failure, values};

/// One page of a poll.
pub(super) fn poll(connection: &Connection, request: &PollRequest) -> Result<Vec<Record>, Error> {
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
    let id = table.id()?.text();
    let stamp = stamps::millis(by);
    let window = stamps::window(by, 1);

    let (condition, order, bounds, mut bound) = match &request.query {
        PollQuery::From(from) => (format!("{stamp} >= ?1"), format!("2, {id}"), Bounds::from(*from), Vec::new()),
        PollQuery::Drain { at, after: None } => (format!("{stamp} = ?1"), id.clone(), Bounds::at(*at), Vec::new()),
        PollQuery::Drain { at, after: Some(after) } => {
            let after = Sql::Text(after.as_str().to_owned());
            (format!("{stamp} = ?1 AND {id} > ?5"), id.clone(), Bounds::at(*at), vec![after])
        }
    };
    let mut parameters = vec![
        Sql::Integer(bounds.low),
        Sql::Integer(bounds.high),
        Sql::Text(bounds.first_day),
        Sql::Text(bounds.last_day),
    ];
    parameters.append(&mut bound);

    let select = Select { table: &table, stamp: Some(&stamp), fields: fields(&table, &request.fields)? };
    let tail =
        format!("{window} AND {condition} AND {id} IS NOT NULL ORDER BY {order} LIMIT {}", request.limit.min(PAGE));
    select.all(connection, &tail, &parameters, |_| true, usize::MAX)
}

/// One page of all rows, in the order of their ids as text. Only an index over that text would spare reading them all.
pub(super) fn walk(connection: &Connection, request: &WalkRequest) -> Result<Vec<Record>, Error> {
    let table = named(connection, &request.object)?;
    let id = table.id()?.text();
    let mut conditions = vec![format!("{} IS NOT NULL", table.id()?.column())];
    let mut bound = Vec::new();
    if let Some(filter) = &request.filter {
        narrow(&table, filter, &mut conditions, &mut bound)?;
    }
    if let Some(after) = &request.after {
        bound.push(Sql::Text(after.as_str().to_owned()));
        conditions.push(format!("{id} > ?{}", bound.len()));
    }
    let select = Select { table: &table, stamp: None, fields: fields(&table, &request.fields)? };
    let tail = format!("{} ORDER BY {id} LIMIT {}", conditions.join(" AND "), request.limit.min(PAGE));
    select.all(connection, &tail, &bound, |_| true, usize::MAX)
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
    let condition = table.id()?.equals(1);
    let id = Sql::Text(id.as_str().to_owned());
    Ok(select.all(connection, &condition, &[id], |_| true, 1)?.pop())
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
    let tail = format!("{} ORDER BY {}", conditions.join(" AND "), id.column());
    select.all(connection, &tail, &bound, |record| find.filter.matches(record), find.limit)
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

/// What is read of each row.
struct Select<'a> {
    table: &'a Table,
    /// The stamp as an SQL expression; it is the second column, and called so in the order.
    stamp: Option<&'a str>,
    fields: Vec<&'a Column>,
}

impl Select<'_> {
    /// The records under a condition and its order, of those that are kept at most as many as wanted.
    fn all(
        &self,
        connection: &Connection,
        tail: &str,
        bound: &[Sql],
        keep: impl Fn(&Record) -> bool,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let mut columns =
            vec![format!("CAST({} AS TEXT)", self.table.id()?.column()), self.stamp.unwrap_or("NULL").to_owned()];
        columns.extend(self.fields.iter().map(|column| column.sql()));
        let sql = format!("SELECT {} FROM {} WHERE {tail}", columns.join(", "), self.table.sql());

        let read = || -> rusqlite::Result<Vec<Record>> {
            let mut records = Vec::new();
            let mut statement = connection.prepare_cached(&sql)?;
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
