//! Opening, making and discovering.

use sdk::{Class, FieldType};

use super::place::Place;

#[tokio::test]
async fn a_missing_file_is_said_with_its_remedy_and_not_created() {
    let place = Place::empty();
    let error = place.connect().check().await.expect_err("no file");
    assert_eq!(error.class, Class::Invalid);
    assert!(
        error.message.starts_with("no database at ") && error.message.contains("name a script as `init:`"),
        "{error}"
    );
    assert_eq!(place.files(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_as_it_is() {
    let place = Place::empty();
    std::fs::write(place.path("x.db"), "id,name\n".repeat(200)).unwrap();
    let error = place.connect_with(Some("CREATE TABLE t (a)")).unwrap().check().await.expect_err("no database");
    assert_eq!(error.class, Class::Invalid);
    assert!(error.message.ends_with("x.db: this file is no SQLite database"), "{error}");
    assert_eq!(std::fs::metadata(place.path("x.db")).unwrap().len(), 1600);
}

#[tokio::test]
async fn the_script_makes_the_database_once() {
    let place = Place::empty();
    let script = "CREATE TABLE t (a); INSERT INTO t VALUES (1);";
    let account = place.connect_with(Some(script)).unwrap().check().await.unwrap();
    assert!(account.title.ends_with("x.db with 1 table"), "{}", account.title);
    place.connect_with(Some(script)).unwrap().check().await.unwrap();
    assert_eq!(place.rows("SELECT count(*) FROM t"), ["1"]);
    assert_eq!(place.rows("PRAGMA journal_mode"), ["wal"]);
    assert!(place.files().iter().all(|name| !name.contains("new")), "{:?}", place.files());
}

#[tokio::test]
async fn a_script_that_fails_leaves_no_file() {
    for (script, says) in [
        ("CREATE TABLE t (a); INSERT INTO nowhere VALUES (1);", "no such table: nowhere"),
        ("CREATE TABLE t (a); CREATE TABEL u (a);", "near \"TABEL\": syntax error"),
        ("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1), (1);", "UNIQUE constraint failed: t.a"),
        ("BEGIN; CREATE TABLE t (a); COMMIT;", "begins and ends none"),
        ("CREATE TABLE t (a); COMMIT; CREATE TABLE u (a);", "no transaction is active"),
        ("ATTACH '/tmp/other.db' AS other;", "too many attached databases"),
    ] {
        let place = Place::empty();
        let error = place.connect_with(Some(script)).unwrap().check().await.expect_err(script);
        assert_eq!(error.class, Class::Invalid);
        assert!(error.message.contains(says), "{error}");
        assert_eq!(place.files(), ["init.sql"], "{script}");
    }
    let place = Place::empty();
    let connection = place.connect_with(Some("x")).unwrap();
    std::fs::remove_file(place.path("init.sql")).unwrap();
    assert!(connection.check().await.expect_err("no script").message.contains("cannot be read"));
}

#[tokio::test]
async fn a_file_that_was_replaced_is_opened_anew() {
    let place = Place::with("CREATE TABLE old (a);");
    let connection = place.connect();
    connection.discover("old").await.unwrap();
    std::fs::remove_file(place.path("x.db")).unwrap();
    let error = connection.discover("old").await.expect_err("removed");
    assert!(error.message.starts_with("no database at "), "{error}");
    place.direct().execute_batch("CREATE TABLE fresh (a);").unwrap();
    connection.discover("fresh").await.unwrap();
}

#[tokio::test]
async fn columns_become_fields() {
    let place = Place::with(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name VARCHAR(50) NOT NULL DEFAULT '', \
           amount REAL, price NUMERIC(10, 2), vip BOOLEAN, born DATE, seen_at DATETIME, changed TIMESTAMP, data JSON, raw BLOB, \
           bare, shout TEXT AS (upper(name)), country TEXT, no INTEGER, UNIQUE (country, no)); \
         CREATE UNIQUE INDEX partly ON customers (name) WHERE vip; \
         CREATE VIEW some AS SELECT id, email FROM customers;",
    );
    let connection = place.connect();
    let schema = connection.discover("customers").await.unwrap();
    let types: Vec<_> = schema.fields.values().map(|field| (field.name.as_str(), field.field_type)).collect();
    use FieldType::{Any, Boolean, Date, Moment, Number, Text};
    assert_eq!(
        types,
        [
            ("amount", Number),
            ("bare", Any),
            ("born", Date),
            ("changed", Moment),
            ("country", Text),
            ("data", Any),
            ("email", Text),
            ("id", Number),
            ("name", Text),
            ("no", Number),
            ("price", Number),
            ("raw", Any),
            ("seen_at", Moment),
            ("shout", Text),
            ("vip", Boolean),
        ]
    );
    let named = |wanted: fn(&sdk::Field) -> bool| -> Vec<_> {
        schema.fields.values().filter(|field| wanted(field)).map(|field| field.name.as_str()).collect()
    };
    assert_eq!(named(|field| field.unique), ["email", "id"], "neither a part of a key nor some of the rows");
    assert_eq!(schema.unique_together, [["country", "no"]], "which are unique together");
    assert_eq!(named(|field| field.required), ["email"]);
    assert_eq!(named(|field| field.read_only), ["shout"]);
    assert!(connection.discover("some").await.unwrap().fields["email"].read_only);

    for unknown in ["custommers", "Customers", "sqlite_schema", "customers\"; DROP TABLE customers; --", ""] {
        let error = connection.discover(unknown).await.expect_err(unknown);
        assert_eq!(error.class, Class::NotFound);
        assert!(error.message.contains("it has customers, some"), "{error}");
    }
}
