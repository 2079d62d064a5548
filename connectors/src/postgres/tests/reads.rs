//! Discovering, polling, draining, getting and finding.

use sdk::{
    Class, Connection, FieldType, Fields, Filter, Find, PollQuery, PollRequest, Record, RecordId, StampKind, Test,
    Timestamp, Value,
};

use super::place::{Place, connect};
use crate::postgres::{read, table};

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

const STAMPS: &str = "\
    CREATE TABLE t (id text PRIMARY KEY, at timestamptz, bare timestamp, day date, n numeric); CREATE INDEX ON t (at); \
    INSERT INTO t (id, at) VALUES \
      ('before', '2026-01-02T09:59:59.999999Z'), ('b', '2026-01-02T10:00:00Z'), ('a', '2026-01-02T10:00:00.000001Z'), \
      ('Z', '2026-01-02T12:00:00.000999+02'), ('next', '2026-01-02T10:00:00.001Z'), ('null', NULL), \
      ('never', 'infinity'), ('always', '-infinity'), ('old', '1969-12-31T23:59:59.9995Z'); \
    UPDATE t SET bare = at AT TIME ZONE 'UTC', day = (at AT TIME ZONE 'UTC')::date";

#[tokio::test]
async fn microseconds_belong_to_their_millisecond_in_pages_and_in_drains() {
    let place = Place::with(STAMPS).await;
    let connection = place.connect();
    for by in ["at", "bare"] {
        let from = |text: &str| poll("t", by, PollQuery::From(at(text)));
        assert_eq!(ids(&*connection, from("2026-01-02T10:00:00Z")).await, ["b", "a", "Z", "next"], "{by}");
        assert_eq!(
            ids(&*connection, from("2026-01-02T09:59:59.999Z")).await,
            ["before", "b", "a", "Z", "next"],
            "{by}"
        );
        assert_eq!(ids(&*connection, from("2026-01-02T10:00:00.001Z")).await, ["next"], "{by}");
        assert_eq!(ids(&*connection, from("1970-01-01T00:00:00Z")).await.len(), 5, "{by}");
        assert_eq!(ids(&*connection, from("-000044-01-01T00:00:00Z")).await.len(), 6, "{by}");

        let drain = |text: &str, after: Option<&str>| {
            poll("t", by, PollQuery::Drain { at: at(text), after: after.map(RecordId::from) })
        };
        assert_eq!(ids(&*connection, drain("2026-01-02T10:00:00Z", None)).await, ["Z", "a", "b"], "{by}");
        assert_eq!(ids(&*connection, drain("2026-01-02T10:00:00Z", Some("Z"))).await, ["a", "b"], "{by}");
        assert_eq!(ids(&*connection, drain("1969-12-31T23:59:59.999Z", None)).await, ["old"], "{by}");

        // What a page says a record's stamp is, is the stamp that finds it again.
        let page = connection.poll(&from("1960-01-01T00:00:00Z")).await.unwrap();
        assert!(page.records.is_sorted_by_key(|record| record.modified) && page.server_time.is_some());
        for record in &page.records {
            let again = poll("t", by, PollQuery::Drain { at: record.modified, after: None });
            assert!(ids(&*connection, again).await.contains(&record.id.to_string()), "{by} {record:?}");
        }
    }
    // What is read as text, the id and the stamp among it, is sorted as what it is all the same.
    place.run("INSERT INTO t (id, at) VALUES ('far', '10000-01-01')").await;
    let all = poll("t", "at", PollQuery::From(at("2026-01-02T10:00:00.001Z")));
    let all = PollRequest { fields: vec!["at".to_owned(), "id".to_owned()], ..all };
    assert_eq!(ids(&*connection, all).await, ["next", "far"]);
    let day = poll("t", "day", PollQuery::From(at("2026-01-02T00:00:00Z")));
    assert_eq!(ids(&*connection, day).await, ["Z", "a", "b", "before", "next"]);
    let later = poll("t", "day", PollQuery::From(at("2026-01-02T00:00:00.001Z")));
    assert_eq!(ids(&*connection, later).await, [""; 0]);
    let day = poll("t", "day", PollQuery::Drain { at: at("2026-01-02T00:00:00Z"), after: Some("a".into()) });
    assert_eq!(ids(&*connection, day).await, ["b", "before", "next"]);
}

#[tokio::test]
async fn an_index_on_the_stamp_serves_pages_and_drains_and_its_order() {
    let place = Place::with(STAMPS).await;
    place.run("SET enable_seqscan = off; SET enable_bitmapscan = off").await;
    let pool = super::place::pool(&place.url());
    let session = pool.session().await.unwrap();
    let table = table::discover(&session, "public", "t").await.unwrap();
    for (query, sorts) in [
        (PollQuery::From(at("2026-01-02T10:00:00Z")), "Presorted Key: at"),
        (PollQuery::Drain { at: at("2026-01-02T10:00:00Z"), after: Some("a".into()) }, "Sort Key: ((id)::text)"),
    ] {
        let statement = read::page(&table, &poll("t", "at", query)).unwrap();
        let mut text = statement.text.clone();
        for (at, value) in statement.values.iter().enumerate().rev() {
            text = text.replace(&format!("${}", at + 1), &format!("'{}'", value.as_deref().unwrap()));
        }
        let plan = place.rows(&format!("EXPLAIN {text}")).await.join("\n");
        assert!(plan.contains("Index Cond: (") && plan.contains("(at >= ") && plan.contains(sorts), "{plan}");
    }
}

#[tokio::test]
async fn ids_are_ordered_as_numbers_or_as_text_byte_by_byte_whatever_the_column_is() {
    let same = "2026-01-02T10:00:00Z";
    for (declared, all) in [
        ("int", ["9", "10", "100"]),
        ("smallint", ["-1", "9", "10"]),
        ("numeric(38, 0)", ["-1", "9", "99999999999999999999999999999999999999"]),
        ("numeric(39, 0)", ["-1", "10", "9"]),
        ("oid", ["10", "100", "9"]),
        ("text", ["10", "9", "B"]),
        ("text COLLATE \"und-x-icu\"", ["B", "a", "ä"]),
        (
            "uuid",
            [
                "018f0000-0000-7000-8000-000000000009",
                "018f0000-0000-7000-8000-00000000000a",
                "a18f0000-0000-7000-8000-000000000000",
            ],
        ),
        ("timestamptz", ["2026-01-01 00:00:00+00", "2026-01-01 00:00:00.5+00", "2026-02-01 00:00:00+00"]),
        ("numeric", ["1.50", "10", "9"]),
    ] {
        let place = Place::with(&format!("CREATE TABLE t (k {declared} PRIMARY KEY, at timestamptz)")).await;
        for id in all.iter().rev() {
            place.run(&format!("INSERT INTO t VALUES ('{id}', '{same}')")).await;
        }
        let connection = place.connect();
        assert_eq!(ids(&*connection, poll("t", "at", PollQuery::From(at(same)))).await, all, "{declared}");
        let mut after = None;
        for id in all {
            let request = PollRequest { limit: 1, ..poll("t", "at", PollQuery::Drain { at: at(same), after }) };
            assert_eq!(ids(&*connection, request).await, [id], "{declared}");
            assert!(connection.get("t", &id.into(), &[]).await.unwrap().is_some(), "{declared} {id}");
            after = Some(RecordId::from(id));
        }
        let request = poll("t", "at", PollQuery::Drain { at: at(same), after });
        assert_eq!(ids(&*connection, request).await, [""; 0]);
        for id in
            ["", "x", "01", "1.0", " 9", "9' OR '1'='1", "99999999999", "a\0b", "018F0000-0000-7000-8000-000000000009"]
        {
            assert_eq!(connection.get("t", &id.into(), &[]).await.unwrap(), None, "{declared} {id:?}");
        }
    }
}

#[tokio::test]
async fn tables_without_a_single_key_say_so_and_views_have_their_own_id() {
    let place = Place::with(
        "CREATE TABLE bare (name text, at date); CREATE TABLE pairs (a text, b text, at date, PRIMARY KEY (b, a)); \
         CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, at date); INSERT INTO late VALUES (1, '2026-01-01'); \
         CREATE VIEW v AS SELECT at FROM bare; CREATE VIEW w AS SELECT id, at FROM late UNION ALL SELECT NULL, '2026-01-01'; \
         CREATE MATERIALIZED VIEW m AS SELECT id, at FROM late; \
         CREATE SCHEMA other; CREATE TABLE other.orders (id int PRIMARY KEY, at date); INSERT INTO other.orders VALUES (7, '2026-01-01'); \
         CREATE TABLE \"other.late\" (id int PRIMARY KEY, at date); CREATE TABLE other.late (id int PRIMARY KEY, at date); \
         CREATE SCHEMA \"a.b\"; CREATE TABLE \"a.b\".c (id int PRIMARY KEY); CREATE SCHEMA a; CREATE TABLE a.\"b.c\" (id int PRIMARY KEY); \
         CREATE TABLE parts (id int PRIMARY KEY, at date) PARTITION BY RANGE (id); \
         CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (100); INSERT INTO parts VALUES (3, '2026-01-01')",
    )
    .await;
    let connection = place.connect();
    let all = |object: &str| poll(object, "at", PollQuery::From(Timestamp::EPOCH));
    for (object, expected) in [
        ("late", &["1"][..]),
        ("w", &["1"]),
        ("m", &["1"]),
        ("other.orders", &["7"]),
        ("public.late", &["1"]),
        ("other.late", &[]),
        ("parts", &["3"]),
    ] {
        assert_eq!(ids(&*connection, all(object)).await, expected, "{object}");
    }
    for (object, says) in [
        ("bare", "no primary key"),
        ("pairs", "b and a"),
        ("v", "without a column `id`"),
        ("nope", "no table `nope`; it has bare, late, m, other.late"),
        ("orders", "no table `orders`"),
        ("a.b.c", "the name of several tables"),
        ("late; DROP TABLE late", "no table"),
        ("late\0", "no table `late\\0`"),
        ("\"late\"", "no table"),
        ("Late", "no table"),
    ] {
        let error = connection.poll(&all(object)).await.expect_err(object);
        assert_eq!(error.class, Class::Invalid);
        assert!(error.message.contains(says), "{error}");
        let error = connection.discover(object).await.expect_err(object);
        assert!(error.message.contains(says), "{object} is refused before anything reads it: {error}");
    }
    assert_eq!(connection.discover("nope").await.expect_err("unknown").class, Class::NotFound);
    let other = connect(&place.url(), &[("schema", "other")]).unwrap();
    assert_eq!(ids(&*other, all("orders")).await, ["7"]);
    assert_eq!(ids(&*other, all("public.late")).await, ["1"]);
}

#[tokio::test]
async fn a_poll_without_a_usable_column_says_what_to_do() {
    let place = Place::with("CREATE TABLE t (id int PRIMARY KEY, amount numeric, at date)").await;
    let connection = place.connect();
    let query = || PollQuery::From(Timestamp::EPOCH);
    for stamp in [StampKind::Modified, StampKind::Created] {
        let error = connection.poll(&PollRequest { stamp, ..poll("t", "", query()) }).await.expect_err("no column");
        assert!(error.class == Class::Invalid && error.message.contains("add `by:`"), "{error}");
    }
    for (by, says) in [("amount", "holds no moments"), ("nope", "no column `nope`; it has amount, at, id")] {
        let error = connection.poll(&poll("t", by, query())).await.expect_err(says);
        assert!(error.class == Class::Invalid && error.message.contains(says), "{error}");
    }
    let unknown = PollRequest { fields: vec!["nope".to_owned()], ..poll("t", "at", query()) };
    assert_eq!(connection.poll(&unknown).await.expect_err("unknown").class, Class::Invalid);
}

const KINDS: &str = "\
    CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy'); CREATE DOMAIN short AS varchar(5); CREATE DOMAIN shorter AS short NOT NULL; \
    CREATE TYPE pair AS (a int, b text); \
    CREATE TABLE kinds (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, whole int, real real, double float8, exact numeric, \
      money numeric(10, 2) NOT NULL DEFAULT 0, flag boolean NOT NULL, name varchar(10) UNIQUE, domain shorter, key uuid, day date, \
      zoned timestamptz, bare timestamp, doc json, docb jsonb, mood mood, moods mood[], words text[], days date[], \
      grid int[][], span interval, range int4range, pair pair, raw bytea, twice int GENERATED ALWAYS AS (whole * 2) STORED, \
      a text, b text, UNIQUE (a, b)); \
    CREATE UNIQUE INDEX ON kinds (lower(a)); CREATE UNIQUE INDEX ON kinds (b) WHERE flag; \
    COMMENT ON COLUMN kinds.day IS 'When it''s due'";

#[tokio::test]
async fn types_are_discovered() {
    let place = Place::with(KINDS).await;
    let connection = place.connect();
    let schema = connection.discover("kinds").await.unwrap();
    let type_of = |name: &str| schema.fields[name].field_type;
    for (names, expected) in [
        ("id whole real double exact money twice", FieldType::Number),
        ("flag", FieldType::Boolean),
        ("name domain key span range pair a b", FieldType::Text),
        ("day", FieldType::Date),
        ("zoned bare", FieldType::Moment),
        ("mood", FieldType::Choice),
        ("moods", FieldType::Choices),
        ("doc docb words days grid", FieldType::Any),
    ] {
        for name in names.split(' ') {
            assert_eq!(type_of(name), expected, "{name}");
        }
    }
    let with = |wanted: fn(&sdk::Field) -> bool| -> Vec<&str> {
        schema.fields.values().filter(|field| wanted(field)).map(|field| field.name.as_str()).collect()
    };
    assert_eq!(with(|field| field.read_only), ["id", "twice"]);
    assert_eq!(with(|field| field.unique), ["id", "name"]);
    assert_eq!(with(|field| field.required), ["flag"]);
    assert_eq!(schema.unique_together, [["a", "b"]]);
    assert_eq!(with(|field| field.description.is_some()), ["day"]);
    assert_eq!(schema.fields["day"].description.as_deref(), Some("When it's due"));
    for name in ["mood", "moods"] {
        let options: Vec<_> = schema.fields[name].options.iter().map(|option| option.value.as_str()).collect();
        assert_eq!(options, ["sad", "it's ok", "happy"]);
    }
    assert!(!schema.fields.contains_key("raw"), "bytes are no field");
    let error = connection.get("kinds", &"1".into(), &["raw".to_owned()]).await.expect_err("bytes");
    assert!(error.class == Class::Invalid && error.message.contains("holds bytes (bytea)"), "{error}");
}

#[tokio::test]
async fn values_are_read_by_their_type_and_kept_where_they_are_not_of_it() {
    let place = Place::with(KINDS).await;
    place
        .run(
            "SET TimeZone = 'UTC'; INSERT INTO kinds (whole, real, double, exact, money, flag, name, domain, key, day, zoned, bare, doc, docb, mood, \
               moods, words, days, grid, span, range, pair) VALUES \
             (-5, 0.1, 1e300, 12345678901234567890.5, 1.50, true, 'Ada', 'x', 'A18F0000-0000-7000-8000-000000000000', '2026-01-02', \
              '2026-01-02 12:00:00.123999+02', '2026-01-02 10:00:00', '{\"$date\": \"2026-01-02\", \"n\": [1, 1.5, null]}', '\"x\"', 'happy', \
              '{sad,\"it''s ok\"}', '{\"a,b\",NULL,\"\\\"q\\\\\"}', '{2026-01-02}', '{{1,2},{3,4}}', '1 day 02:00', '[1,3)', '(1,x)'), \
             (NULL, 'NaN', 'infinity', 'NaN', 0, false, NULL, 'y', NULL, 'infinity', '-infinity', '12026-01-02', 'null', NULL, NULL, \
              '{}', NULL, NULL, NULL, NULL, NULL, NULL)",
        )
        .await;
    let connection = place.connect();
    let names = "whole real double exact money flag name domain key day zoned bare doc docb mood moods words days grid span range pair twice id";
    let fields: Vec<String> = names.split(' ').map(str::to_owned).collect();
    let date = |text: &str| Value::Date(text.parse().unwrap());
    let list = |items: &[Value]| Value::List(items.to_vec());
    let doc = Fields::from([
        ("$date".to_owned(), "2026-01-02".into()),
        ("n".to_owned(), list(&[Value::Int(1), Value::Float(1.5), Value::Null])),
    ]);
    let first = [
        Value::Int(-5),
        Value::Float(0.1),
        Value::Float(1e300),
        "12345678901234567890.5".into(),
        Value::Float(1.5),
        Value::Bool(true),
        "Ada".into(),
        "x".into(),
        "a18f0000-0000-7000-8000-000000000000".into(),
        date("2026-01-02"),
        Value::Moment(at("2026-01-02T10:00:00.123Z")),
        Value::Moment(at("2026-01-02T10:00:00Z")),
        Value::Map(doc),
        "x".into(),
        "happy".into(),
        list(&["sad".into(), "it's ok".into()]),
        list(&["a,b".into(), Value::Null, "\"q\\".into()]),
        list(&[date("2026-01-02")]),
        list(&[list(&[Value::Int(1), Value::Int(2)]), list(&[Value::Int(3), Value::Int(4)])]),
        "P1DT2H".into(),
        "[1,3)".into(),
        "(1,x)".into(),
        Value::Int(-10),
        Value::Int(1),
    ];
    let mut second = vec![Value::Null; 24];
    for (at, value) in [
        (1, "NaN".into()),
        (2, "Infinity".into()),
        (3, "NaN".into()),
        (4, Value::Int(0)),
        (5, Value::Bool(false)),
        (7, "y".into()),
        (9, "infinity".into()),
        (10, "-infinity".into()),
        (11, "12026-01-02 00:00:00".into()),
        (15, list(&[])),
        (23, Value::Int(2)),
    ] {
        second[at] = value;
    }
    for (id, expected) in [("1", first.to_vec()), ("2", second)] {
        let record = connection.get("kinds", &id.into(), &fields).await.unwrap().expect("there");
        assert_eq!(record.fields, fields.iter().cloned().zip(expected).collect::<Fields>());
    }
}

#[tokio::test]
async fn a_find_returns_what_the_filter_matches_and_never_less() {
    let place = Place::with(
        "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
         CREATE TABLE t (id int PRIMARY KEY, name text COLLATE nocase, n numeric, i int, f real, flag boolean, at timestamptz, day date, doc jsonb, \
           mood text[]); \
         INSERT INTO t VALUES \
           (1, 'Ada', 5, 5, 0.1, true, '2026-01-02T10:00:00.0005Z', '2026-01-02', '1', '{a}'), \
           (2, 'ada', 5.00, 6, 0.2, false, '2026-01-02T10:00:00.001Z', '2026-01-03', 'null', '{b}'), \
           (10, NULL, 5.5, NULL, 'NaN', NULL, 'infinity', 'infinity', NULL, NULL), \
           (3, 'a''b', 12345678901234567890.5, 2147483647, -0.1, true, NULL, NULL, '{\"k\": 1}', '{}')",
    )
    .await;
    let connection = place.connect();
    let test = |field: &str, test: Test| Filter::Field { field: field.to_owned(), test };
    let moment = |text: &str| Value::Moment(at(text));
    let day = |text: &str| Value::Date(text.parse().unwrap());
    let (int, float) = (Value::Int, Value::Float);
    for (filter, expected) in [
        (Filter::All(Vec::new()), vec!["1", "2", "3", "10"]),
        (Filter::Any(Vec::new()), vec![]),
        (test("name", Test::Eq("Ada".into())), vec!["1"]),
        (test("name", Test::Not("Ada".into())), vec!["2", "3", "10"]),
        (test("name", Test::Eq(Value::Null)), vec!["10"]),
        (test("name", Test::Contains("'".into())), vec!["3"]),
        (test("name", Test::Contains("d".into())), vec!["1", "2"]),
        (test("name", Test::Eq("a\0".into())), vec![]),
        (test("name", Test::Gt("Zoe".into())), vec!["2", "3"]),
        (test("name", Test::In(vec!["ada".into(), "a'b".into(), int(5)])), vec!["2", "3"]),
        (test("n", Test::Eq(int(5))), vec!["1", "2"]),
        (test("n", Test::Eq(float(5.5))), vec!["10"]),
        (test("n", Test::Eq("12345678901234567890.5".into())), vec!["3"]),
        (test("n", Test::Gt(int(5))), vec!["10"]),
        (test("i", Test::Eq(float(5.0))), vec!["1"]),
        (test("i", Test::Eq(float(5.5))), vec![]),
        (test("i", Test::Gte(float(5.5))), vec!["2", "3"]),
        (test("i", Test::Lt(int(9_000_000_000))), vec!["1", "2", "3"]),
        (test("f", Test::Eq(float(0.1))), vec!["1"]),
        (test("f", Test::Gt(float(0.099_999_999_9))), vec!["1", "2"]),
        (test("f", Test::Between(float(-0.1), float(0.1))), vec!["1", "3"]),
        (test("f", Test::Gt(float(1e-300))), vec!["1", "2"]),
        (test("f", Test::Lt(float(1e300))), vec!["1", "2", "3"]),
        (test("flag", Test::Eq(Value::Bool(true))), vec!["1", "3"]),
        (test("at", Test::Eq(moment("2026-01-02T10:00:00Z"))), vec!["1"]),
        (test("at", Test::Gt(moment("2026-01-02T10:00:00Z"))), vec!["2"]),
        (test("at", Test::Gte(moment("2026-01-02T10:00:00Z"))), vec!["1", "2"]),
        (test("at", Test::Lte(moment("2026-01-02T10:00:00Z"))), vec!["1"]),
        (test("at", Test::Lt(moment("2026-01-02T10:00:00.001Z"))), vec!["1"]),
        (test("at", Test::Eq("infinity".into())), vec!["10"]),
        (test("day", Test::Eq(day("2026-01-02"))), vec!["1"]),
        (test("day", Test::Between(day("2026-01-02"), day("2026-01-03"))), vec!["1", "2"]),
        (test("day", Test::Exists(true)), vec!["1", "2", "10"]),
        (test("doc", Test::Exists(false)), vec!["2", "10"]),
        (test("doc", Test::Eq(int(1))), vec!["1"]),
        (test("mood", Test::Contains("b".into())), vec!["2"]),
        (test("id", Test::Eq("2".into())), vec!["2"]),
        (test("id", Test::Eq("x".into())), vec![]),
        (test("id", Test::In(vec!["2".into(), "10".into()])), vec!["2", "10"]),
        (Filter::All(vec![test("n", Test::Gte(int(5))), test("name", Test::Contains("d".into()))]), vec!["1", "2"]),
        (Filter::Any(vec![test("id", Test::Eq("1".into())), test("n", Test::Gt(int(5)))]), vec!["1", "10"]),
        (
            Filter::Any(vec![test("id", Test::Eq("1".into())), test("name", Test::Not("Ada".into()))]),
            vec!["1", "2", "3", "10"],
        ),
    ] {
        let shown = format!("{filter:?}");
        let find = Find { object: "t".to_owned(), filter: filter.clone(), fields: Vec::new(), limit: 10 };
        let found: Vec<Record> = connection.find(&find).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), expected, "{shown}");
        assert_eq!(connection.find(&Find { limit: 1, ..find }).await.unwrap().len(), expected.len().min(1));
    }
    let unknown =
        Find { object: "t".to_owned(), filter: test("nope", Test::Exists(true)), fields: Vec::new(), limit: 1 };
    assert_eq!(connection.find(&unknown).await.expect_err("unknown").class, Class::Invalid);
}

#[tokio::test]
async fn a_find_reads_on_where_a_page_holds_too_few() {
    let place = Place::with(
        "CREATE TABLE t (id int PRIMARY KEY, mood text[]); \
         INSERT INTO t SELECT n, CASE WHEN n % 400 = 0 THEN '{x}'::text[] END FROM generate_series(1, 1700) n",
    )
    .await;
    let connection = place.connect();
    let filter = Filter::Field { field: "mood".to_owned(), test: Test::Contains("x".into()) };
    for (limit, expected) in [(10, &["400", "800", "1200", "1600"][..]), (3, &["400", "800", "1200"]), (0, &[])] {
        let find = Find { object: "t".to_owned(), filter: filter.clone(), fields: Vec::new(), limit };
        let found = connection.find(&find).await.unwrap();
        assert_eq!(found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn a_polls_filter_is_asked_of_the_server() {
    let place = Place::with(
        "CREATE TABLE t (id int PRIMARY KEY, n int, at date); INSERT INTO t SELECT n, n % 100, '2026-01-01' FROM generate_series(1, 900) n",
    )
    .await;
    let filter = Some(Filter::Field { field: "n".to_owned(), test: Test::Eq(Value::Int(7)) });
    let request = PollRequest { filter, limit: 5000, ..poll("t", "at", PollQuery::From(Timestamp::EPOCH)) };
    let found = ids(&*place.connect(), request.clone()).await;
    assert_eq!(found, ["7", "107", "207", "307", "407", "507", "607", "707", "807"]);
    assert_eq!(
        ids(&*place.connect(), PollRequest { filter: None, ..request }).await.len(),
        500,
        "never more than a page"
    );
}

#[tokio::test]
async fn a_column_that_changes_its_type_is_read_by_the_new_one() {
    let place =
        Place::with("CREATE TABLE t (id int PRIMARY KEY, v int, at date); INSERT INTO t VALUES (1, 5, '2026-01-01')")
            .await;
    let connection = place.connect();
    let request = PollRequest { fields: vec!["v".to_owned()], ..poll("t", "at", PollQuery::From(Timestamp::EPOCH)) };
    assert_eq!(connection.poll(&request).await.unwrap().records[0].fields["v"], Value::Int(5));
    place.run("ALTER TABLE t ALTER v TYPE text").await;
    assert_eq!(connection.poll(&request).await.unwrap().records[0].fields["v"], "5".into());
}
