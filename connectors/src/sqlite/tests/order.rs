//! Walks and drains: every row once, in the order that the page tells, by the key's own index where it has that order.

use rusqlite::params_from_iter;
use sdk::{Class, Filter, IdOrder, RecordId, Test, Timestamp, WalkRequest};

use super::place::Place;
use crate::paging::{MIDNIGHT, drain, drained, ids, step, walked};
use crate::sqlite::read::{self, Select, Statement};
use crate::sqlite::{stamps, table};

/// A table of these rows, all of one stamp.
fn table_of(declared: &str, values: &[&str]) -> Place {
    let (columns, options) = declared.split_once(';').unwrap_or((declared, ""));
    let place = Place::with(&format!("CREATE TABLE t (id {columns}, at TEXT) {options}; CREATE INDEX t_at ON t (at)"));
    for value in values {
        place.direct().execute_batch(&format!("INSERT INTO t VALUES ({value}, '{MIDNIGHT}')")).expect("a row");
    }
    place
}

#[tokio::test]
async fn a_walk_and_a_drain_meet_every_row_once_in_the_order_that_they_tell() {
    let numbers = ["10", "2", "9", "-1", "9007199254740993", "9007199254740992", "-9223372036854775808"];
    let as_numbers = ["-9223372036854775808", "-1", "2", "9", "10", "9007199254740992", "9007199254740993"];
    let as_text = ["-1", "-9223372036854775808", "10", "2", "9", "9007199254740992", "9007199254740993"];
    let texts = ["'b'", "'B'", "'ä'", "'a'", "'10'", "'9'", "''"];
    let by_bytes = ["", "10", "9", "B", "a", "b", "ä"];
    for (declared, values, expected, order) in [
        ("INTEGER PRIMARY KEY", &numbers[..], &as_numbers[..], IdOrder::Numbers),
        ("INT PRIMARY KEY; STRICT", &numbers, &as_numbers, IdOrder::Numbers),
        ("INTEGER PRIMARY KEY; STRICT, WITHOUT ROWID", &numbers, &as_numbers, IdOrder::Numbers),
        // These take other values too: a key without an alias of the rowid promises nothing.
        ("INT PRIMARY KEY", &numbers, &as_text, IdOrder::Text),
        ("INTEGER PRIMARY KEY DESC", &numbers, &as_text, IdOrder::Text),
        ("INTEGER PRIMARY KEY; WITHOUT ROWID", &numbers, &as_text, IdOrder::Text),
        ("INT PRIMARY KEY", &["10", "'nine'", "9.5"], &["10", "9.5", "nine"], IdOrder::Text),
        ("TEXT PRIMARY KEY", &texts, &by_bytes, IdOrder::Text),
        ("TEXT PRIMARY KEY; STRICT", &texts, &by_bytes, IdOrder::Text),
        ("VARCHAR(36) PRIMARY KEY; WITHOUT ROWID", &texts, &by_bytes, IdOrder::Text),
        ("TEXT PRIMARY KEY", &["'c'", "x'62'", "'a'"], &["a", "b", "c"], IdOrder::Text),
        ("TEXT COLLATE NOCASE PRIMARY KEY", &["'b'", "'A'", "'C'", "'a b'"], &["A", "C", "a b", "b"], IdOrder::Text),
        ("PRIMARY KEY", &["10", "'b'", "9.5", "x'61'"], &["10", "9.5", "a", "b"], IdOrder::Text),
        ("INTEGER PRIMARY KEY", &[], &[], IdOrder::Numbers),
    ] {
        let place = table_of(declared, values);
        let connection = place.connect();
        for limit in [1, 2, 100] {
            assert_eq!(walked(&*connection, limit, order).await, expected, "{declared} by {limit}");
            assert_eq!(drained(&*connection, limit, order).await, expected, "{declared} by {limit}");
        }
    }
}

#[tokio::test]
async fn rows_that_go_while_a_walk_is_under_way_take_no_others_along() {
    let place = table_of("INTEGER PRIMARY KEY", &["1", "2", "9", "10", "100"]);
    let connection = place.connect();
    assert_eq!(ids(&connection.walk(&step("t", None, 2)).await.unwrap()), ["1", "2"]);
    place.direct().execute_batch("DELETE FROM t WHERE id IN (2, 9); INSERT INTO t (id) VALUES (0), (11)").unwrap();
    assert_eq!(ids(&connection.walk(&step("t", Some(&"2".into()), 2)).await.unwrap()), ["10", "11"]);
    assert_eq!(ids(&connection.walk(&step("t", Some(&"11".into()), 2)).await.unwrap()), ["100"]);
}

#[tokio::test]
async fn a_walk_asks_for_what_its_filter_wants_and_refuses_a_table_that_is_not_there() {
    let place = Place::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, city TEXT); INSERT INTO t VALUES (9, 'Ulm'), (10, 'Bonn'), (100, 'Ulm'), (-1, 'Ulm')",
    );
    let connection = place.connect();
    let filter = Filter::Field { field: "city".to_owned(), test: Test::Eq("Ulm".into()) };
    let ulm = WalkRequest { filter: Some(filter), ..step("t", Some(&"-1".into()), 2) };
    assert_eq!(ids(&connection.walk(&ulm).await.unwrap()), ["9", "100"]);
    assert_eq!(connection.walk(&step("cities", None, 1)).await.expect_err("no such table").class, Class::Invalid);
}

/// A point of a walk in another order is none here; the page says that its order is another one, and is refused by
/// whoever overlooks it.
#[tokio::test]
async fn what_no_number_can_stand_behind_begins_anew() {
    let place = table_of("INTEGER PRIMARY KEY", &["1", "2"]);
    let connection = place.connect();
    let page = connection.walk(&step("t", Some(&"ann".into()), 9)).await.unwrap();
    assert_eq!((ids(&page), page.order), (vec!["1".to_owned(), "2".to_owned()], IdOrder::Numbers));
    let page = connection.poll(&drain(Some(&"ann".into()), 9)).await.unwrap();
    assert_eq!((ids(&page), page.order), (vec!["1".to_owned(), "2".to_owned()], IdOrder::Numbers));
}

/// Bytes among the texts of a key that prefers text stand last in its index, and elsewhere in the order of texts.
#[tokio::test]
async fn bytes_that_come_into_a_key_of_texts_while_it_is_walked_take_nothing_along() {
    let place = table_of("TEXT PRIMARY KEY", &["'a'", "'c'", "'e'"]);
    let connection = place.connect();
    assert_eq!(ids(&connection.walk(&step("t", None, 1)).await.unwrap()), ["a"]);
    place.direct().execute_batch("INSERT INTO t (id) VALUES (x'62'), (x'64')").unwrap();
    assert_eq!(ids(&connection.walk(&step("t", Some(&"a".into()), 9)).await.unwrap()), ["b", "c", "d", "e"]);
}

/// What SQLite means to do for a page of a walk and for one of a drain.
fn plans(place: &Place) -> [String; 2] {
    let connection = place.direct();
    let table = table::discover(&connection, "t").unwrap();
    let sorting = table.id().unwrap().sorting(&connection, &table).unwrap();
    let after = RecordId::from("5");
    let stamp = stamps::millis(table.column("at").unwrap());
    let select = Select { table: &table, stamp: Some(&stamp), fields: Vec::new() };
    let at = Timestamp::parse(MIDNIGHT).unwrap();
    let nearby = (sorting.above(&after), Some(rusqlite::types::Value::Integer(7)));
    let statements = [
        read::step(&select, &sorting, &step("t", Some(&after), 9)).unwrap(),
        read::nearby(&select, &sorting, at, nearby, 9).unwrap(),
    ];
    statements.map(|Statement { sql, bound }| {
        let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = explained.query_map(params_from_iter(bound), |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    })
}

#[tokio::test]
async fn the_index_of_the_key_serves_walks_and_drains_where_it_has_their_order() {
    for (declared, is_served) in [
        ("INTEGER PRIMARY KEY", true),
        ("INT PRIMARY KEY; STRICT", true),
        ("TEXT PRIMARY KEY", true),
        ("TEXT PRIMARY KEY; STRICT", true),
        ("TEXT PRIMARY KEY; WITHOUT ROWID", true),
        ("INT PRIMARY KEY", false),
        ("TEXT COLLATE NOCASE PRIMARY KEY", false),
    ] {
        for plan in plans(&table_of(declared, &["5", "6", "7"])) {
            assert_eq!(
                plan.contains("SEARCH t USING ") && !plan.contains("TEMP B-TREE"),
                is_served,
                "{declared}: {plan}"
            );
        }
    }
    // Without a key of its own, a row is found by its rowid.
    let place = Place::with("CREATE TABLE t (name TEXT, at TEXT)");
    assert!(
        plans(&place)
            .iter()
            .all(|plan| plan == "SEARCH t USING INTEGER PRIMARY KEY (rowid>?)"
                || plan.ends_with("(rowid>? AND rowid<?)"))
    );
}

/// The rows of a stamp may stand anywhere: near each other, or further apart than a page of a drain looks.
#[tokio::test]
async fn a_drain_finds_rows_however_far_apart_they_are() {
    let place = Place::with(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT); CREATE INDEX t_at ON t (at); \
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50000) \
         INSERT INTO t SELECT n, CASE WHEN n BETWEEN 30000 AND 30004 OR n IN (3, 49999) THEN '{MIDNIGHT}' ELSE '2020-01-01' END FROM n"
    ));
    let connection = place.connect();
    let expected = ["3", "30000", "30001", "30002", "30003", "30004", "49999"];
    for limit in [1, 3, 100] {
        assert_eq!(drained(&*connection, limit, IdOrder::Numbers).await, expected, "by {limit}");
    }
}
