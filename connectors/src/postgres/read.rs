//! Reading rows as records: pages of a poll, one by its id, and those that fulfil a filter.

use sdk::{
    Class, Error, Fields, Find, PollPage, PollQuery, PollRequest, Record, RecordId, Timestamp, Value, WalkRequest,
};
use tokio_postgres::Row;

use super::PAGE;
use super::narrow;
use super::pool::Session;
use super::sql::Statement;
use super::stamps::{self, Stamp};
use super::table::{Column, Table};

/// One page of a poll. The server's time is asked before the rows: none that is missing among them was there by then.
pub(super) async fn poll(session: &Session<'_>, table: &Table, request: &PollRequest) -> Result<PollPage, Error> {
    let statement = page(table, request)?;
    let select = Select { table, stamp: None, fields: fields(table, &request.fields)? };
    // Both leave at once, and the server answers one after the other.
    let (server_time, rows) = futures::join!(server_time(session), session.rows(&statement));
    let (server_time, rows) = (server_time?, rows?);
    let records = rows.iter().map(|row| select.record(row)).collect();
    Ok(PollPage { records, server_time: Some(server_time), order: table.id()?.id_order() })
}

/// The statement of a page.
pub(super) fn page(table: &Table, request: &PollRequest) -> Result<Statement, Error> {
    let stamp = Stamp::of(table, &request.stamp)?;
    let id = table.id()?;
    let mut statement = Statement::default();

    let mut conditions = vec![stamp.is_there(), format!("{} IS NOT NULL", id.column())];
    let order = match &request.query {
        PollQuery::From(from) => {
            conditions.push(stamp.from(&mut statement, *from));
            format!("{}, {}", stamp.order(table), id.sorted())
        }
        PollQuery::Drain { at, after } => {
            conditions.push(stamp.at(&mut statement, *at));
            conditions.extend(after.as_ref().and_then(|after| id.above(&mut statement, after)));
            id.sorted()
        }
    };
    if let Some(filter) = &request.filter {
        conditions.extend(narrow::condition(table, filter, &mut statement)?);
    }
    let select = Select { table, stamp: Some(&stamp), fields: fields(table, &request.fields)? };
    let tail = format!("WHERE {} ORDER BY {order} LIMIT {}", conditions.join(" AND "), request.limit.min(PAGE));
    statement.text = select.sql(&tail)?;
    Ok(statement)
}

/// One page of all rows, in the order of their ids.
pub(super) async fn walk(session: &Session<'_>, table: &Table, request: &WalkRequest) -> Result<PollPage, Error> {
    let statement = step(table, request)?;
    let select = Select { table, stamp: None, fields: fields(table, &request.fields)? };
    let rows = session.rows(&statement).await?;
    let records = rows.iter().map(|row| select.record(row)).collect();
    Ok(PollPage { records, server_time: None, order: table.id()?.id_order() })
}

/// The statement of a walk's page.
pub(super) fn step(table: &Table, request: &WalkRequest) -> Result<Statement, Error> {
    let id = table.id()?;
    let mut statement = Statement::default();
    let mut conditions = vec![format!("{} IS NOT NULL", id.column())];
    if let Some(filter) = &request.filter {
        conditions.extend(narrow::condition(table, filter, &mut statement)?);
    }
    conditions.extend(request.after.as_ref().and_then(|after| id.above(&mut statement, after)));
    let select = Select { table, stamp: None, fields: fields(table, &request.fields)? };
    let (conditions, limit) = (conditions.join(" AND "), request.limit.min(PAGE));
    statement.text = select.sql(&format!("WHERE {conditions} ORDER BY {} LIMIT {limit}", id.sorted()))?;
    Ok(statement)
}

/// The server's own clock.
pub(super) async fn server_time(session: &Session<'_>) -> Result<Timestamp, Error> {
    let statement = Statement::new(format!("SELECT {}", stamps::millis("clock_timestamp()")));
    let rows = session.rows(&statement).await?;
    let millis = rows.first().and_then(|row| text(row, 0)).and_then(|millis| millis.parse().ok());
    let millis = millis.ok_or_else(|| Error::new(Class::Permanent, "PostgreSQL does not tell the time"))?;
    Ok(Timestamp::from_millis(millis))
}

/// One record by its id. Its stamp is not known: a table has one only where a flow names it.
pub(super) async fn get(
    session: &Session<'_>,
    table: &Table,
    id: &RecordId,
    wanted: &[String],
) -> Result<Option<Record>, Error> {
    let select = Select { table, stamp: None, fields: fields(table, wanted)? };
    let mut statement = Statement::default();
    let Some(is_it) = table.id()?.equals(&mut statement, id) else { return Ok(None) };
    statement.text = select.sql(&format!("WHERE {is_it} LIMIT 1"))?;
    Ok(session.rows(&statement).await?.first().map(|row| select.record(row)))
}

/// The first rows that fulfil the filter, in the order of their ids. What an index may serve is asked of the server,
/// page by page; each row is checked here.
pub(super) async fn find(session: &Session<'_>, table: &Table, find: &Find) -> Result<Vec<Record>, Error> {
    let mut wanted = find.fields.clone();
    find.filter.for_each_field(&mut |field| wanted.push(field.to_owned()));
    let select = Select { table, stamp: None, fields: fields(table, &wanted)? };
    let id = table.id()?;

    let mut found = Vec::new();
    let mut last: Option<String> = None;
    while found.len() < find.limit {
        let mut statement = Statement::default();
        let mut conditions = vec![format!("{} IS NOT NULL", id.column())];
        conditions.extend(narrow::condition(table, &find.filter, &mut statement)?);
        if let Some(last) = &last {
            conditions.push(format!("{} > {}::{}", id.column(), statement.text(last), id.cast()));
        }
        let tail = format!("WHERE {} ORDER BY {} LIMIT {PAGE}", conditions.join(" AND "), id.column());
        statement.text = select.sql(&tail)?;
        let rows = session.rows(&statement).await?;
        let matching = rows.iter().map(|row| select.record(row)).filter(|record| find.filter.matches(record));
        found.extend(matching.take(find.limit - found.len()));
        if rows.len() < PAGE {
            break;
        }
        last = rows.last().and_then(|row| text(row, 0)).map(str::to_owned);
    }
    Ok(found)
}

/// Columns by name, each once. `id` is the record's own where no column is called so.
fn fields<'a>(table: &'a Table, names: &[String]) -> Result<Vec<&'a Column>, Error> {
    let mut names: Vec<&String> =
        names.iter().filter(|name| *name != "id" || table.columns.contains_key(*name)).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| table.column(name)).collect()
}

/// What is read of each row: its id, its stamp, and its fields, all as text.
struct Select<'a> {
    table: &'a Table,
    stamp: Option<&'a Stamp>,
    fields: Vec<&'a Column>,
}

impl Select<'_> {
    fn sql(&self, tail: &str) -> Result<String, Error> {
        let stamp = self.stamp.map_or_else(|| "NULL::text".to_owned(), Stamp::millis);
        let mut columns = vec![self.table.id()?.text(), stamp];
        columns.extend(self.fields.iter().map(|column| column.kind.shown(&column.sql())));
        Ok(format!("SELECT {} FROM {} {tail}", columns.join(", "), self.table.sql))
    }

    fn record(&self, row: &Row) -> Record {
        let mut fields = Fields::new();
        for (at, column) in self.fields.iter().enumerate() {
            let value: Value = column.kind.read(text(row, at + 2));
            fields.insert(column.name.clone(), value);
        }
        let millis = text(row, 1).and_then(|millis| millis.parse().ok()).unwrap_or_default();
        let id = RecordId::new(text(row, 0).unwrap_or_default());
        Record { id, created: None, modified: Timestamp::from_millis(millis), fields }
    }
}

fn text(row: &Row, at: usize) -> Option<&str> {
    row.get(at)
}
