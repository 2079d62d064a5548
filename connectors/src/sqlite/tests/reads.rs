//! Polling, draining, getting and finding.

use sdk::{
    Class, Connection, Filter, Find, PollQuery, PollRequest, Record, RecordId, StampKind, Test, Timestamp, Value,
};

use super::place::Place;

fn poll(object: &str, by: &str, query: PollQuery) -> PollRequest {
    PollRequest {
        object: object.to_owned(),
        stamp: StampKind::Field(by.to_owned()),
        fields: Vec::new(),
        filter: None,
        query,
        limit: 100,
    }
}

async fn ids(connection: &dyn Connection, request: PollRequest) -> Vec<String> {
    let page = connection.poll(&request).await.expect("a page");
    page.records.iter().map(|record| record.id.to_string()).collect()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

/// Every form of one and of neighbouring moments, in a column of this type.
fn stamps(declared: &str) -> Place {
    Place::with(&format!(
        "CREATE TABLE t (id TEXT PRIMARY KEY, at {declared}); CREATE INDEX t_at ON t (at); \
         INSERT INTO t VALUES \
           ('a', '2026-01-02T10:00:00Z'), ('b', '2026-01-02 10:00:00'), ('c', 1767348000000), \
           ('d', '2026-01-02T12:00:00.000+02:00'), ('e', '2026-01-01T23:00:00-11:00'), ('f', '2026-01-02 10:00:00.001'), \
           ('g', '2026-01-02T09:59:59.999Z'), ('h', 1767347999999), ('i', 1767348000001), ('j', '2026-01-03'), \
           ('k', '2026-01-03T00:30:00+14:00'), \
           ('null', NULL), ('now', 'now'), ('time', '10:00:00'), ('word', 'later'), ('blob', x'00'), ('empty', ''), \
           ('julian', '2461043.5');",
    ))
}

#[tokio::test]
async fn both_forms_of_stamps_are_selected_and_sorted_by_one_number() {
    // A column that prefers text keeps the numbers as text, which is no stamp: 1767348000000 begins with no day.
    for (declared, numbers) in [("", true), ("DATETIME", true), ("INTEGER", true), ("TEXT", false)] {
        let place = stamps(declared);
        let connection = place.connect();
        let only = |ids: &str| -> Vec<String> {
            ids.split(' ').filter(|id| numbers || !["c", "h", "i"].contains(id)).map(str::to_owned).collect()
        };
        let from = |text: &str| poll("t", "at", PollQuery::From(at(text)));
        assert_eq!(ids(&*connection, from("2026-01-02T10:00:00Z")).await, only("a b c d e f i k j"), "{declared}");
        assert_eq!(
            ids(&*connection, from("2026-01-02T09:59:59.999Z")).await,
            only("g h a b c d e f i k j"),
            "{declared}"
        );
        assert_eq!(ids(&*connection, from("2026-01-02T10:00:00.001Z")).await, only("f i k j"), "{declared}");
        assert_eq!(ids(&*connection, from("1970-01-01T00:00:00Z")).await.len(), only("g h a b c d e f i k j").len());

        let drain = |after: Option<&str>| {
            poll("t", "at", PollQuery::Drain { at: at("2026-01-02T10:00:00Z"), after: after.map(RecordId::from) })
        };
        assert_eq!(ids(&*connection, drain(None)).await, only("a b c d e"), "{declared}");
        assert_eq!(ids(&*connection, drain(Some("b"))).await, only("c d e"), "{declared}");

        let page = connection.poll(&from("2026-01-02T10:00:00Z")).await.unwrap();
        let stamps: Vec<_> = page.records.iter().map(|record| record.modified.to_string()).collect();
        assert_eq!(stamps[0], "2026-01-02T10:00:00.000Z");
        assert!(stamps.is_sorted());
        assert!(page.server_time.is_some());
    }
}

#[tokio::test]
async fn an_index_on_the_stamp_serves_the_poll() {
    let place = stamps("DATETIME");
    let connection = place.direct();
    let column = crate::sqlite::table::discover(&connection, "t").unwrap().column("at").unwrap().clone();
    let sql = format!(
        "EXPLAIN QUERY PLAN SELECT id FROM t WHERE {} AND {} >= ?1",
        crate::sqlite::stamps::window(&column, 1),
        crate::sqlite::stamps::millis(&column)
    );
    let plan: Vec<String> = connection
        .prepare(&sql)
        .unwrap()
        .query_map([1, 2, 3, 4], |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(plan.iter().all(|step| !step.contains("SCAN")), "{plan:?}");
}

#[tokio::test]
async fn ids_are_ordered_as_numbers_or_as_text_byte_by_byte_whatever_the_column_is() {
    let same = "2026-01-02T10:00:00Z";
    for (declared, all) in [
        ("INTEGER PRIMARY KEY", ["9", "10", "100"]),
        ("INTEGER PRIMARY KEY DESC", ["10", "100", "9"]),
        ("INT PRIMARY KEY", ["10", "100", "9"]),
        ("TEXT PRIMARY KEY", ["10", "9", "B"]),
        ("TEXT COLLATE NOCASE PRIMARY KEY", ["B", "a", "ä"]),
        ("PRIMARY KEY", ["10", "9", "B"]),
    ] {
        let place = Place::with(&format!("CREATE TABLE t (k {declared}, at TEXT);"));
        for id in all.iter().rev() {
            place.direct().execute("INSERT INTO t VALUES (?1, ?2)", [id, same]).unwrap();
        }
        let connection = place.connect();
        assert_eq!(ids(&*connection, poll("t", "at", PollQuery::From(at(same)))).await, all, "{declared}");
        let mut after = None;
        for id in all {
            let request = PollRequest { limit: 1, ..poll("t", "at", PollQuery::Drain { at: at(same), after }) };
            assert_eq!(ids(&*connection, request).await, [id], "{declared}");
            after = Some(RecordId::from(id));
        }
        let request = poll("t", "at", PollQuery::Drain { at: at(same), after });
        assert_eq!(ids(&*connection, request).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_table_without_a_key_has_rowids_and_one_that_hides_them_says_so() {
    let place = Place::with(
        "CREATE TABLE bare (name TEXT, at TEXT); INSERT INTO bare VALUES ('x', '2026-01-01'), ('y', '2026-01-01'); \
         CREATE TABLE pairs (a TEXT, b TEXT, at TEXT, PRIMARY KEY (a, b)); INSERT INTO pairs VALUES ('x', 'y', '2026-01-01'); \
         CREATE TABLE taken (rowid TEXT, at TEXT); INSERT INTO taken VALUES ('z', '2026-01-01'); \
         CREATE TABLE hidden (rowid, oid, _rowid_, at TEXT); \
         CREATE TABLE strict_pairs (a TEXT, b TEXT, at TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID; \
         CREATE VIEW v AS SELECT name, at FROM bare; CREATE VIEW w AS SELECT name AS id, at FROM bare; \
         CREATE TABLE holes (k TEXT PRIMARY KEY, at TEXT); INSERT INTO holes VALUES (NULL, '2026-01-01'), ('k', '2026-01-01');",
    );
    let connection = place.connect();
    let all = |object: &str| poll(object, "at", PollQuery::From(Timestamp::EPOCH));
    for (object, expected) in
        [("bare", &["1", "2"][..]), ("pairs", &["1"]), ("taken", &["1"]), ("w", &["x", "y"]), ("holes", &["k"])]
    {
        assert_eq!(ids(&*connection, all(object)).await, expected, "{object}");
    }
    for (object, says) in [("hidden", "hide its rowid"), ("strict_pairs", "a and b"), ("v", "no column `id`")] {
        let error = connection.poll(&all(object)).await.expect_err(object);
        assert_eq!(error.class, Class::Invalid);
        assert!(error.message.contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_poll_without_a_usable_column_says_what_to_do() {
    let place = Place::with("CREATE TABLE t (id INTEGER PRIMARY KEY, amount REAL);");
    let connection = place.connect();
    let query = || PollQuery::From(Timestamp::EPOCH);
    for stamp in [StampKind::Modified, StampKind::Created] {
        let error = connection.poll(&PollRequest { stamp, ..poll("t", "", query()) }).await.expect_err("no column");
        assert!(error.class == Class::Invalid && error.message.contains("add `by:`"), "{error}");
    }
    for (object, by, says) in [
        ("t", "amount", "numbers with fractions"),
        ("t", "nope", "no column `nope`; it has amount, id"),
        ("u", "at", "no table `u`"),
    ] {
        let error = connection.poll(&poll(object, by, query())).await.expect_err(says);
        assert!(error.class == Class::Invalid && error.message.contains(says), "{error}");
    }
    let unknown = PollRequest { fields: vec!["nope".to_owned()], ..poll("t", "id", query()) };
    assert_eq!(connection.poll(&unknown).await.expect_err("unknown").class, Class::Invalid);
}

#[tokio::test]
async fn values_are_read_by_the_declared_type_and_kept_where_they_are_not_of_it() {
    let place = Place::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, stamp DATETIME, day DATE, flag BOOLEAN, n REAL, raw BLOB, \"or\"\"der\" TEXT); \
         INSERT INTO t VALUES (1, '2026-01-02 10:00:00', '2026-01-02', 1, 1.5, x'00ff', 'a'), \
                              (2, 1767348000000, 'soon', 7, 9e999, 'text', NULL), (3, 'x', 5, 0, 2, 3, '');",
    );
    let connection = place.connect();
    let fields = ["stamp", "day", "flag", "n", "raw", "or\"der"].map(str::to_owned);
    let mut read = Vec::new();
    for id in ["1", "2", "3"] {
        read.push(connection.get("t", &id.into(), &fields).await.unwrap().expect("there").fields);
    }
    let moment = Value::Moment(at("2026-01-02T10:00:00Z"));
    let expected = [
        [
            moment.clone(),
            Value::Date("2026-01-02".parse().unwrap()),
            Value::Bool(true),
            Value::Float(1.5),
            "00ff".into(),
            "a".into(),
        ],
        [moment, "soon".into(), Value::Int(7), "inf".into(), "text".into(), Value::Null],
        ["x".into(), Value::Int(5), Value::Bool(false), Value::Float(2.0), Value::Int(3), "".into()],
    ];
    for (read, expected) in read.into_iter().zip(expected) {
        assert_eq!(read, fields.iter().cloned().zip(expected).collect());
    }
    for id in ["4", "1.0", " 1", "01", "1 OR 1=1", ""] {
        assert_eq!(connection.get("t", &id.into(), &[]).await.unwrap(), None, "{id}");
    }
    // A column called as the poll's own is itself.
    let request =
        PollRequest { fields: vec!["stamp".to_owned()], ..poll("t", "stamp", PollQuery::From(Timestamp::EPOCH)) };
    assert_eq!(ids(&*connection, request).await, ["1", "2"]);
}

#[tokio::test]
async fn a_find_returns_what_the_filter_matches_and_never_less() {
    let place = Place::with(
        "CREATE TABLE t (id TEXT PRIMARY KEY, name TEXT COLLATE NOCASE, n INTEGER, flag BOOLEAN); \
         INSERT INTO t VALUES ('1', 'Ada', 5, 1), ('2', 'ada', 5, 0), ('3', x'ab', 6, 1), ('4', NULL, 5.5, NULL), ('5', 'ab', 'five', 2);",
    );
    let connection = place.connect();
    let test = |field: &str, test: Test| Filter::Field { field: field.to_owned(), test };
    for (filter, expected) in [
        (test("name", Test::Eq("Ada".into())), vec!["1"]),
        (test("name", Test::Eq("ab".into())), vec!["3", "5"]),
        (test("name", Test::Not("Ada".into())), vec!["2", "3", "4", "5"]),
        (test("name", Test::Eq(Value::Null)), vec!["4"]),
        (test("n", Test::Eq(Value::Int(5))), vec!["1", "2"]),
        (test("n", Test::Eq(Value::Float(5.5))), vec!["4"]),
        (test("n", Test::Eq("five".into())), vec!["5"]),
        (test("flag", Test::Eq(Value::Bool(true))), vec!["1", "3"]),
        (test("id", Test::Eq("2".into())), vec!["2"]),
        (test("id", Test::In(vec!["2".into(), "4".into()])), vec!["2", "4"]),
        (
            Filter::All(vec![test("n", Test::Gte(Value::Int(5))), test("name", Test::Contains("d".into()))]),
            vec!["1", "2"],
        ),
        (Filter::Any(vec![test("id", Test::Eq("1".into())), test("n", Test::Gt(Value::Int(5)))]), vec!["1", "3", "4"]),
    ] {
        let shown = format!("{filter:?}");
        let find = Find { object: "t".to_owned(), filter, fields: Vec::new(), limit: 10 };
        let found: Vec<Record> = connection.find(&find).await.unwrap();
        assert_eq!(found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), expected, "{shown}");
        let two = Find { limit: 1, ..find };
        assert!(connection.find(&two).await.unwrap().len() <= 1);
    }
    let unknown =
        Find { object: "t".to_owned(), filter: test("nope", Test::Exists(true)), fields: Vec::new(), limit: 1 };
    assert_eq!(connection.find(&unknown).await.expect_err("unknown").class, Class::Invalid);
}
