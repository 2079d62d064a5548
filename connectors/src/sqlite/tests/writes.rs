//! Creating, updating and upserting; groups, and what fails alone.

use std::sync::Arc;

use sdk::{
    Ambiguous, Applied, Class, EffectId, Fields, Match, Repeat, Timestamp, Value, Verb, Write, WriteOutcome, Written,
};

use super::place::Place;
use crate::sqlite::writer::commit;

fn write(object: &str, verb: Verb, fields: &[(&str, Value)]) -> Write {
    Write {
        effect_id: EffectId::new("effect"),
        object: object.to_owned(),
        verb,
        fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Fields>(),
    }
}

fn upsert(keys: &[&str], ambiguous: Ambiguous) -> Verb {
    Verb::Upsert { by: Match::Fields(keys.iter().map(|&key| key.to_owned()).collect()), ambiguous }
}

fn by_id(id: Option<&str>) -> Verb {
    Verb::Upsert { by: Match::Id(id.map(Into::into)), ambiguous: Ambiguous::Fail }
}

fn written(id: &str, created: bool, changed: bool) -> WriteOutcome {
    WriteOutcome::Written(Written { id: id.into(), created, changed })
}

fn customers() -> Place {
    Place::with(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE COLLATE NOCASE, name TEXT NOT NULL DEFAULT '', \
           age INTEGER CHECK (age >= 0), country TEXT, no INTEGER, log INTEGER DEFAULT 0, twice INTEGER AS (age * 2), UNIQUE (country, no)); \
         CREATE TRIGGER moved AFTER UPDATE OF name ON customers BEGIN UPDATE customers SET log = log + 1 WHERE id = new.id; END; \
         CREATE TRIGGER bomb BEFORE INSERT ON customers WHEN new.name = 'bomb' BEGIN SELECT raise(ROLLBACK, 'no bombs'); END; \
         CREATE VIEW v AS SELECT * FROM customers;",
    )
}

#[tokio::test]
async fn an_upsert_by_a_unique_column_tells_what_it_did() {
    let place = customers();
    let connection = place.connect();
    let ada = |name: &str| {
        write("customers", upsert(&["email"], Ambiguous::Fail), &[("email", "ada@x.com".into()), ("name", name.into())])
    };
    assert_eq!(connection.write(&ada("Ada")).await.unwrap(), written("1", true, true));
    assert_eq!(connection.write(&ada("Ada")).await.unwrap(), written("1", false, false), "twice is once");
    assert_eq!(place.rows("SELECT log FROM customers"), ["0"], "no trigger fired");
    assert_eq!(connection.write(&ada("ADA")).await.unwrap(), written("1", false, true));
    assert_eq!(place.rows("SELECT name, log FROM customers"), ["ADA|1"]);

    let both = |no: i64| {
        let fields = [("country", "de".into()), ("no", Value::Int(no)), ("name", "n".into())];
        write("customers", upsert(&["no", "country"], Ambiguous::Fail), &fields)
    };
    assert_eq!(connection.write(&both(7)).await.unwrap(), written("2", true, true));
    assert_eq!(connection.write(&both(7)).await.unwrap(), written("2", false, false));
    assert_eq!(connection.write(&both(8)).await.unwrap(), written("3", true, true));
}

#[tokio::test]
async fn a_unique_index_of_another_collation_updates_instead_of_failing() {
    let place = Place::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT, v TEXT); CREATE UNIQUE INDEX i ON t (k COLLATE NOCASE);",
    );
    let connection = place.connect();
    for (key, value) in [("a", "1"), ("A", "2")] {
        let fields = [("k", key.into()), ("v", value.into())];
        connection.write(&write("t", upsert(&["k"], Ambiguous::Fail), &fields)).await.unwrap();
    }
    assert_eq!(place.rows("SELECT * FROM t"), ["1|A|2"]);
}

#[tokio::test]
async fn a_row_is_deleted_once_and_missing_ever_after() {
    let place = customers();
    let connection = place.connect();
    connection.write(&write("customers", Verb::Create, &[])).await.unwrap();
    connection.write(&write("customers", Verb::Create, &[])).await.unwrap();
    let delete = write("customers", Verb::Delete { id: "1".into() }, &[]);
    assert_eq!(connection.repeat(&delete), Repeat::Safe);
    assert_eq!(connection.write(&delete).await.unwrap(), written("1", false, true));
    assert_eq!(connection.write(&delete).await.unwrap(), written("1", false, false), "twice");
    assert_eq!(place.rows("SELECT id, age FROM customers"), ["2|-"]);
    let view = connection.write(&write("v", Verb::Delete { id: "1".into() }, &[])).await.expect_err("a view");
    assert!(view.message.contains("is a view"), "{view}");
}

#[tokio::test]
async fn creates_and_updates_by_id() {
    let place = customers();
    let connection = place.connect();
    assert_eq!(connection.write(&write("customers", Verb::Create, &[])).await.unwrap(), written("1", true, true));
    assert_eq!(
        connection.write(&write("customers", by_id(None), &[("age", Value::Int(3))])).await.unwrap(),
        written("2", true, true)
    );
    let update = |id: &str, age: Value| write("customers", Verb::Update { id: id.into() }, &[("age", age)]);
    assert_eq!(connection.write(&update("2", Value::Int(3))).await.unwrap(), written("2", false, false));
    assert_eq!(
        connection.write(&update("2", "3".into())).await.unwrap(),
        written("2", false, false),
        "as it would be stored"
    );
    assert_eq!(connection.write(&update("2", Value::Null)).await.unwrap(), written("2", false, true));
    assert_eq!(place.rows("SELECT id, age FROM customers"), ["1|-", "2|-"]);
    assert_eq!(
        connection.write(&write("customers", by_id(Some("1")), &[("age", Value::Int(9))])).await.unwrap(),
        written("1", false, true)
    );
    let email = |text: &str| write("customers", Verb::Update { id: "1".into() }, &[("email", text.into())]);
    assert_eq!(connection.write(&email("ada@x")).await.unwrap(), written("1", false, true));
    let capitals = connection.write(&email("ADA@x")).await.unwrap();
    assert_eq!(capitals, written("1", false, true), "equal to the column's collation, and yet another text");
    let moved = write("customers", Verb::Update { id: "1".into() }, &[("id", Value::Int(70))]);
    assert_eq!(connection.write(&moved).await.unwrap(), written("70", false, true));
    for id in ["71", "x", "70.0", "070"] {
        assert_eq!(connection.write(&update(id, Value::Int(1))).await.expect_err(id).class, Class::NotFound);
    }
}

#[tokio::test]
async fn values_are_bound_and_stored_in_their_plain_forms() {
    let place = Place::with("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c, d, e, f, g);");
    let fields = [
        ("a", Value::Bool(true)),
        ("b", Value::Float(1.5)),
        ("c", Value::Date("2026-01-02".parse().unwrap())),
        ("d", Value::Moment(Timestamp::from_millis(1))),
        ("e", Value::List(vec![Value::Int(1), "x".into()])),
        ("f", Value::Map(Fields::from([("k".to_owned(), Value::Null)]))),
        ("g", "'); DROP TABLE t; --\0".into()),
    ];
    place.connect().write(&write("t", Verb::Create, &fields)).await.unwrap();
    let row = "1|1|1.5|2026-01-02|1970-01-01T00:00:00.001Z|[1,\"x\"]|{\"k\":null}|'); DROP TABLE t; --\0";
    assert_eq!(place.rows("SELECT * FROM t"), [row]);
}

#[tokio::test]
async fn names_of_any_shape_are_names_and_unknown_ones_are_refused() {
    let names = ["select", "a b", "a\"b", "a;b", "--", "ä", "x'y", "a.b", "[c]", "ID "];
    for name in names {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let place =
            Place::with(&format!("CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, {quoted} TEXT UNIQUE, at TEXT);"));
        let connection = place.connect();
        let fields = [(name, "v".into()), ("at", "2026-01-01".into())];
        let write = write(name, upsert(&[name], Ambiguous::Fail), &fields);
        assert_eq!(connection.write(&write).await.unwrap(), written("1", true, true), "{name}");
        assert_eq!(connection.write(&write).await.unwrap(), written("1", false, false), "{name}");
        let record = connection.get(name, &"1".into(), &[name.to_owned()]).await.unwrap().expect("there");
        assert_eq!(record.fields[name], "v".into());
    }
    let place = customers();
    let connection = place.connect();
    for name in ["nope", "name\" = 'x' --", "Name", "", "rowid", "name\0"] {
        let error = connection.write(&write("customers", Verb::Create, &[(name, "x".into())])).await.expect_err(name);
        assert_eq!(error.class, Class::Invalid);
        assert!(error.message.contains("it has age, country"), "{error}");
    }
    assert_eq!(
        connection.write(&write("customers; --", Verb::Create, &[])).await.expect_err("no table").class,
        Class::NotFound
    );
    let computed = write("customers", Verb::Create, &[("twice", Value::Int(1))]);
    assert!(connection.write(&computed).await.expect_err("computed").message.contains("computed by the table"));
    assert!(connection.write(&write("v", Verb::Create, &[])).await.expect_err("a view").message.contains("is a view"));
    assert_eq!(place.rows("SELECT count(*) FROM customers"), ["0"]);
}

#[tokio::test]
async fn an_upsert_by_a_column_that_is_not_unique_obeys_ambiguous() {
    let place = customers();
    let connection = place.connect();
    let by_name = |ambiguous, age: i64| {
        write("customers", upsert(&["name"], ambiguous), &[("name", "Ada".into()), ("age", Value::Int(age))])
    };
    assert_eq!(connection.write(&by_name(Ambiguous::Fail, 1)).await.unwrap(), written("1", true, true));
    assert_eq!(connection.write(&by_name(Ambiguous::Fail, 2)).await.unwrap(), written("1", false, true));
    place.direct().execute_batch("INSERT INTO customers (name) VALUES ('Ada'), ('ada'), ('Ada')").unwrap();
    let error = connection.write(&by_name(Ambiguous::Fail, 3)).await.expect_err("three");
    assert_eq!(
        (error.class, &*error.message),
        (Class::Conflict, "several rows of `customers` have this `name`: 1, 2, 4")
    );
    let WriteOutcome::Skipped(reason) = connection.write(&by_name(Ambiguous::Skip, 3)).await.unwrap() else { panic!() };
    assert!(reason.ends_with("1, 2, 4"), "{reason}");
    for ambiguous in [Ambiguous::First, Ambiguous::Oldest] {
        assert_eq!(connection.write(&by_name(ambiguous, 2)).await.unwrap(), written("1", false, false));
    }
    let empty = write("customers", upsert(&["name"], Ambiguous::First), &[("name", Value::Null)]);
    assert_eq!(connection.write(&empty).await.expect_err("empty").class, Class::Invalid);
}

#[tokio::test]
async fn refusals_name_the_column_and_apply_nothing() {
    let place = customers();
    let connection = place.connect();
    let create = |fields: &[(&str, Value)]| write("customers", Verb::Create, fields);
    connection
        .write(&create(&[("email", "a@x".into()), ("country", "de".into()), ("no", Value::Int(1))]))
        .await
        .unwrap();
    for (fields, class, says) in [
        (vec![("email", "A@X".into())], Class::Conflict, "another row has this `email` already"),
        (vec![("country", "de".into()), ("no", Value::Int(1))], Class::Conflict, "this `country` and `no` already"),
        (vec![("id", Value::Int(1))], Class::Conflict, "this `id` already"),
        (vec![("name", Value::Null)], Class::Invalid, "`name` must not be empty"),
        (vec![("age", Value::Int(-1))], Class::Invalid, "the table's check refuses it: age >= 0"),
        (vec![("id", "x".into())], Class::Invalid, "of a type that its column refuses"),
        (vec![("name", "bomb".into())], Class::Invalid, "no bombs"),
    ] {
        let error = connection.write(&create(&fields)).await.expect_err(says);
        assert_eq!((error.class.clone(), error.applied), (class, Applied::No), "{error}");
        assert!(error.message.contains(says), "{error}");
    }
    assert_eq!(place.rows("SELECT count(*) FROM customers"), ["1"]);
}

#[tokio::test]
async fn a_locked_database_is_passing_and_applies_nothing() {
    let place = customers();
    let holder = place.direct();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut connection = place.direct();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let writes = [write("customers", Verb::Create, &[]), write("customers", Verb::Create, &[])];
    for outcome in commit(&mut connection, &writes) {
        let error = outcome.expect_err("locked");
        assert_eq!((error.class, error.applied), (Class::Transient, Applied::No));
        assert_ne!(error.reach, sdk::Reach::Away, "somebody holds it, so it is there");
    }
    holder.execute_batch("COMMIT").unwrap();
    assert!(commit(&mut connection, &writes).iter().all(Result::is_ok));
}

#[test]
fn a_group_is_one_commit_and_a_write_that_fails_undoes_itself_alone() {
    let place = customers();
    let mut connection = place.direct();
    connection.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let create = |name: &str| write("customers", Verb::Create, &[("name", name.into())]);
    let refused = write("customers", Verb::Create, &[("name", "x".into()), ("age", Value::Int(-1))]);
    let writes: Vec<Write> = (0..100).flat_map(|n| [create(&n.to_string()), refused.clone()]).collect();

    let before = change_counter(&place);
    let outcomes = commit(&mut connection, &writes);
    assert_eq!(change_counter(&place) - before, 1, "one transaction");
    for (at, outcome) in outcomes.into_iter().enumerate() {
        match at % 2 {
            0 => assert_eq!(outcome.unwrap(), written(&(at / 2 + 1).to_string(), true, true)),
            _ => assert_eq!(outcome.expect_err("refused").class, Class::Invalid),
        }
    }
    assert_eq!(place.rows("SELECT count(*) FROM customers"), ["100"]);
}

/// How many transactions were committed to the file, by its own header.
fn change_counter(place: &Place) -> u32 {
    let file = std::fs::read(place.path("x.db")).unwrap();
    u32::from_be_bytes(file[24..28].try_into().unwrap())
}

#[test]
fn a_write_that_takes_the_transaction_with_it_fails_alone() {
    let place = customers();
    place
        .direct()
        .execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id) DEFERRABLE INITIALLY DEFERRED)")
        .unwrap();
    let mut connection = place.direct();
    let create = |name: &str| write("customers", Verb::Create, &[("name", name.into())]);
    let order = |customer: i64| write("orders", Verb::Create, &[("customer", Value::Int(customer))]);

    let outcomes = commit(&mut connection, &[create("a"), create("bomb"), create("b")]);
    assert_eq!(outcomes[0].as_ref().unwrap(), &written("1", true, true));
    assert!(outcomes[1].as_ref().expect_err("refused").message.contains("no bombs"));
    assert_eq!(outcomes[2].as_ref().unwrap(), &written("2", true, true));

    // Only the commit sees that the customer is missing.
    let outcomes = commit(&mut connection, &[order(1), order(99), order(2)]);
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    let error = outcomes[1].as_ref().expect_err("refused");
    assert_eq!((error.class.clone(), error.applied), (Class::Invalid, Applied::No));
    assert_eq!(place.rows("SELECT customer FROM orders ORDER BY id"), ["1", "2"]);
    assert!(connection.is_autocommit());
}

#[tokio::test]
async fn a_reference_is_looked_at_before_the_answer() {
    let place = customers();
    place
        .direct()
        .execute_batch(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, no INTEGER UNIQUE, customer INTEGER REFERENCES customers (id)); \
             CREATE TABLE log (id INTEGER PRIMARY KEY, n INTEGER); \
             CREATE TRIGGER logged AFTER INSERT ON orders BEGIN INSERT INTO log (n) VALUES (new.no); END;",
        )
        .unwrap();
    let fields = [("no", Value::Int(1)), ("customer", Value::Int(99))];
    for verb in [Verb::Create, upsert(&["no"], Ambiguous::Fail)] {
        // With a trigger SQLite looks at references late; it must be before it gives the new row's id.
        let error = place.connect().write(&write("orders", verb, &fields)).await.expect_err("no such customer");
        assert_eq!((error.class, &*error.message), (Class::Invalid, "it refers to a row that does not exist"));
    }
}

#[tokio::test]
async fn writes_that_wait_share_a_commit() {
    let place = customers();
    let connection = place.connect();
    let holder = place.direct();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = change_counter(&place);
    let writes: Vec<_> = (0..150)
        .map(|_| {
            let connection = Arc::clone(&connection);
            tokio::spawn(async move { connection.write(&write("customers", Verb::Create, &[])).await })
        })
        .collect();
    // On this one thread, each of them queues its write before we go on.
    tokio::task::yield_now().await;
    holder.execute_batch("COMMIT").unwrap();
    for outcome in futures::future::join_all(writes).await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(place.rows("SELECT count(*) FROM customers"), ["150"]);
    let n_commits = change_counter(&place) - before;
    assert!(n_commits <= 2, "those that came first, and the rest: {n_commits}");
}

#[tokio::test]
async fn many_writers_at_once_are_all_answered_after_their_commit() {
    let place = customers();
    let connection = place.connect();
    let writes = (0..500).map(|n: i64| {
        let connection = Arc::clone(&connection);
        let fields = [("email", format!("{}@x", n % 250).as_str().into()), ("age", Value::Int(n))];
        let write = write("customers", upsert(&["email"], Ambiguous::Fail), &fields);
        tokio::spawn(async move { connection.write(&write).await })
    });
    let mut n_created = 0;
    for outcome in futures::future::join_all(writes).await {
        let WriteOutcome::Written(written) = outcome.unwrap().unwrap() else { panic!("skipped") };
        n_created += usize::from(written.created);
    }
    assert_eq!(n_created, 250);
    assert_eq!(place.rows("SELECT count(*), sum(age >= 250) FROM customers"), ["250|250"]);
}

#[tokio::test]
async fn a_removed_file_takes_no_write_with_it() {
    let place = customers();
    let connection = place.connect();
    let create = write("customers", Verb::Create, &[]);
    connection.write(&create).await.unwrap();
    for file in place.files() {
        std::fs::remove_file(place.path(&file)).unwrap();
    }
    let error = connection.write(&create).await.expect_err("removed");
    assert_eq!((error.class, error.applied), (Class::Invalid, Applied::No));
}

#[tokio::test]
async fn a_create_alone_may_not_be_repeated() {
    let place = customers();
    let connection = place.connect();
    for (verb, repeat) in [
        (Verb::Create, Repeat::Unsafe),
        (by_id(None), Repeat::Unsafe),
        (by_id(Some("1")), Repeat::Safe),
        (Verb::Update { id: "1".into() }, Repeat::Safe),
        (upsert(&["email"], Ambiguous::Fail), Repeat::Safe),
        (upsert(&["name"], Ambiguous::Fail), Repeat::Safe),
    ] {
        assert_eq!(connection.repeat(&write("customers", verb, &[])), repeat);
    }
}
