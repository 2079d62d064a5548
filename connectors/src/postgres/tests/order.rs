//! Walks and drains: every row once, in the order that the page tells, by the key's own index where it has that order.

use sdk::{Class, Filter, IdOrder, RecordId, Test, WalkRequest};

use super::place::{Place, connect, pool};
use crate::paging::{MIDNIGHT, drain, drained, ids, step, walked};
use crate::postgres::sql::Statement;
use crate::postgres::{read, table};

/// A table of these rows, all of one stamp.
async fn table_of(declared: &str, values: &[&str]) -> Place {
    let place = Place::with(&format!("CREATE TABLE t (id {declared} PRIMARY KEY, at timestamptz)")).await;
    for value in values {
        place.run(&format!("INSERT INTO t VALUES ('{value}', '{MIDNIGHT}')")).await;
    }
    place
}

#[tokio::test]
async fn a_walk_and_a_drain_meet_every_row_once_in_the_order_that_they_tell() {
    let texts = ["b", "B", "ä", "a", "10", "9", "a b", ""];
    let by_bytes = ["", "10", "9", "B", "a", "a b", "b", "ä"];
    for (declared, values, expected, order) in [
        ("smallint", &["10", "2", "9", "-1"][..], &["-1", "2", "9", "10"][..], IdOrder::Numbers),
        ("int", &["10", "2", "9", "-1", "-2147483648"], &["-2147483648", "-1", "2", "9", "10"], IdOrder::Numbers),
        (
            "bigint",
            &["9007199254740993", "9007199254740992", "9223372036854775807", "10", "9", "-9223372036854775808"],
            &["-9223372036854775808", "9", "10", "9007199254740992", "9007199254740993", "9223372036854775807"],
            IdOrder::Numbers,
        ),
        (
            "numeric(30)",
            &["100000000000000000000000000001", "100000000000000000000000000000", "9", "10", "-1"],
            &["-1", "9", "10", "100000000000000000000000000000", "100000000000000000000000000001"],
            IdOrder::Numbers,
        ),
        ("numeric", &["10", "9", "1.50"], &["1.50", "10", "9"], IdOrder::Text),
        ("oid", &["10", "9"], &["10", "9"], IdOrder::Text),
        ("text", &texts, &by_bytes, IdOrder::Text),
        ("varchar(9)", &texts, &by_bytes, IdOrder::Text),
        ("text COLLATE \"C\"", &texts, &by_bytes, IdOrder::Text),
        ("text COLLATE ucs_basic", &texts, &by_bytes, IdOrder::Text),
        ("text COLLATE \"und-x-icu\"", &texts, &by_bytes, IdOrder::Text),
        ("char(3)", &["b", "B", "a"], &["B", "a", "b"], IdOrder::Text),
        ("bigint", &[], &[], IdOrder::Numbers),
        ("uuid", &[], &[], IdOrder::Text),
    ] {
        let place = table_of(declared, values).await;
        let connection = place.connect();
        for limit in [1, 2, 100] {
            assert_eq!(walked(&*connection, limit, order).await, expected, "{declared} by {limit}");
            assert_eq!(drained(&*connection, limit, order).await, expected, "{declared} by {limit}");
        }
    }
}

/// The server compares the bytes of a uuid, and we the text that it shows.
#[tokio::test]
async fn uuids_stand_in_the_order_of_their_texts() {
    let place = Place::with(
        "CREATE TABLE t (id uuid PRIMARY KEY, at timestamptz); INSERT INTO t SELECT md5(n::text)::uuid FROM generate_series(1, 2000) n",
    )
    .await;
    let walked = walked(&*place.connect(), 137, IdOrder::Text).await;
    assert!(walked.len() == 2000 && walked.is_sorted());
    assert_eq!(place.rows("SELECT id FROM t ORDER BY id").await, walked);
}

#[tokio::test]
async fn rows_that_go_while_a_walk_is_under_way_take_no_others_along() {
    let place = table_of("int", &["1", "2", "9", "10", "100"]).await;
    let connection = place.connect();
    assert_eq!(ids(&connection.walk(&step("t", None, 2)).await.unwrap()), ["1", "2"]);
    place.run("DELETE FROM t WHERE id IN (2, 9); INSERT INTO t (id) VALUES (0), (11)").await;
    assert_eq!(ids(&connection.walk(&step("t", Some(&"2".into()), 2)).await.unwrap()), ["10", "11"]);
    assert_eq!(ids(&connection.walk(&step("t", Some(&"11".into()), 2)).await.unwrap()), ["100"]);
}

#[tokio::test]
async fn a_walk_asks_for_what_its_filter_wants_and_refuses_a_table_that_is_not_there() {
    let place = Place::with("CREATE TABLE t (id int PRIMARY KEY, city text); INSERT INTO t VALUES (9, 'Ulm'), (10, 'Bonn'), (100, 'Ulm'), (-1, 'Ulm')").await;
    let connection = place.connect();
    let filter = Filter::Field { field: "city".to_owned(), test: Test::Eq("Ulm".into()) };
    let ulm = WalkRequest { filter: Some(filter), ..step("t", Some(&"-1".into()), 2) };
    assert_eq!(ids(&connection.walk(&ulm).await.unwrap()), ["9", "100"]);
    let cities = WalkRequest { object: "cities".to_owned(), ..step("t", None, 1) };
    assert_eq!(connection.walk(&cities).await.expect_err("no such table").class, Class::Invalid);
}

/// A walk whose table changed the type of its key meanwhile: what the new type cannot read is asked for in another way,
/// and the page tells its order.
#[tokio::test]
async fn a_point_that_the_key_cannot_hold_is_no_error_and_skips_nothing() {
    let place = table_of("int", &["1", "2"]).await;
    let connection = place.connect();
    for after in ["ann", "1.5", "01", ""] {
        for page in [
            connection.walk(&step("t", Some(&after.into()), 9)).await.unwrap(),
            connection.poll(&drain(Some(&after.into()), 9)).await.unwrap(),
        ] {
            assert_eq!((ids(&page), page.order), (vec!["1".to_owned(), "2".to_owned()], IdOrder::Numbers), "{after}");
        }
    }
    let uuids = ["018f0000-0000-7000-8000-000000000009", "a18f0000-0000-7000-8000-000000000000"];
    let place = table_of("uuid", &uuids).await;
    let connection = place.connect();
    for (after, expected) in [("0", &uuids[..]), ("9", &uuids[1..]), ("ann", &[])] {
        assert_eq!(ids(&connection.walk(&step("t", Some(&after.into()), 9)).await.unwrap()), expected, "{after}");
    }
}

/// What the server means to do for a page of a walk and for one of a drain.
async fn plans(place: &Place, after: &str) -> [String; 2] {
    let pool = pool(&place.url());
    let session = pool.session().await.unwrap();
    let table = table::discover(&session, "public", "t").await.unwrap();
    let after = RecordId::from(after);
    let walk = read::step(&table, &step("t", Some(&after), 9)).unwrap();
    [plan(place, walk).await, plan(place, read::page(&table, &drain(Some(&after), 9)).unwrap()).await]
}

async fn plan(place: &Place, statement: Statement) -> String {
    let mut text = statement.text;
    for (at, value) in statement.values.iter().enumerate().rev() {
        text = text.replace(&format!("${}", at + 1), &format!("'{}'", value.as_deref().unwrap()));
    }
    place.rows(&format!("EXPLAIN (COSTS off) {text}")).await.join("\n")
}

#[tokio::test]
async fn the_index_of_the_key_serves_walks_and_drains_where_it_has_their_order() {
    for (declared, is_served) in [
        ("smallint", true),
        ("int", true),
        ("bigint", true),
        ("numeric(9)", true),
        ("uuid", true),
        ("text", true),
        ("varchar(40)", true),
        ("text COLLATE \"C\"", true),
        ("text COLLATE \"POSIX\"", true),
        ("text COLLATE ucs_basic", true),
        ("text COLLATE \"und-x-icu\"", false),
        ("varchar(40) COLLATE \"und-x-icu\"", false),
        ("numeric", false),
    ] {
        let value = if declared == "uuid" { "md5(n::text)::uuid" } else { "n" };
        let place = Place::with(&format!(
            "CREATE TABLE t (id {declared} PRIMARY KEY, at timestamptz); \
             INSERT INTO t SELECT {value}, '{MIDNIGHT}' FROM generate_series(1, 5000) n; CREATE INDEX ON t (at); ANALYZE t"
        ))
        .await;
        let after = place.rows("SELECT id FROM t ORDER BY id LIMIT 1 OFFSET 100").await[0].clone();
        for plan in plans(&place, &after).await {
            let is_by_key = plan.contains("using t_pkey") && !plan.contains("Sort");
            assert_eq!(is_by_key, is_served, "{declared}:\n{plan}");
        }
        if declared.contains("icu") {
            place.run("CREATE INDEX by_bytes ON t (id COLLATE \"C\"); ANALYZE t").await;
            for plan in plans(&place, &after).await {
                assert!(plan.contains("using by_bytes") && !plan.contains("Sort"), "{declared}:\n{plan}");
            }
        }
    }
}

/// The collation that a column does not name is its database's.
#[tokio::test]
async fn a_database_that_sorts_by_other_rules_is_read_byte_by_byte_all_the_same() {
    let place = Place::with("").await;
    if place.rows("SELECT WHERE current_setting('server_version_num')::int < 150000").await.len() == 1 {
        return;
    }
    let name = format!("{}_icu", place.database);
    place
        .run(&format!("CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und' LOCALE 'C'"))
        .await;
    let direct = place.server.direct(&name).await;
    let rows = "CREATE TABLE t (id text PRIMARY KEY, at timestamptz); INSERT INTO t VALUES ('a'), ('B'), ('c')";
    direct.batch_execute(rows).await.unwrap();
    let url = place.url().replace(&place.database, &name);
    let connection = connect(&url, &[]).unwrap();
    for limit in [1, 9] {
        assert_eq!(walked(&*connection, limit, IdOrder::Text).await, ["B", "a", "c"]);
    }
}
