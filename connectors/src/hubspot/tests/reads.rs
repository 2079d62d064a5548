//! Asking who we are, discovering, polling and finding.

use sdk::{
    Account, Class, FieldType, Filter, Find, PollQuery, PollRequest, RecordId, StampKind, Test, Timestamp,
    TransportError, Value,
};
use serde_json::{Value as Json, json};

use super::script::{Script, found, recorded};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

fn request(query: PollQuery) -> PollRequest {
    PollRequest {
        object: "contacts".to_owned(),
        stamp: StampKind::Modified,
        fields: ["id", "email", "score", "vip", "birthday", "renewal_at", "interests"].map(str::to_owned).to_vec(),
        filter: None,
        query,
        limit: 5000,
    }
}

fn eq(field: &str, value: impl Into<Value>) -> Filter {
    test(field, Test::Eq(value.into()))
}

fn test(field: &str, test: Test) -> Filter {
    Filter::Field { field: field.to_owned(), test }
}

fn find(object: &str, filter: Filter) -> Find {
    Find { object: object.to_owned(), filter, fields: Vec::new(), limit: 2 }
}

#[tokio::test]
async fn the_account_is_known_by_its_details_or_by_its_token() {
    let script = Script::of(&["account_details"]);
    let account = Account { id: "48210377".to_owned(), title: "HubSpot account 48210377 (standard)".to_owned() };
    assert_eq!(script.connect().check().await.unwrap(), account);
    assert_eq!(script.lines(), ["GET /account-info/v3/details"]);

    let script = Script::of(&["403_without_scopes", "token_info"]);
    assert_eq!(script.connect().check().await.unwrap().id, "48210377");
    assert_eq!(script.lines()[1], "POST /oauth/v2/private-apps/get/access-token-info");

    let script = Script::of(&["account_details"]);
    assert_eq!(script.connect().server_time().await.unwrap(), at("2026-11-21T10:00:00Z"));
}

#[tokio::test]
async fn properties_become_fields() {
    let script = Script::of(&["properties_contacts"]);
    let connection = script.connect();
    let schema = connection.discover("contacts").await.unwrap();
    let field = |name: &str| &schema.fields[name];
    for (name, field_type) in [
        ("email", FieldType::Text),
        ("phone", FieldType::Text),
        ("lifecyclestage", FieldType::Choice),
        ("interests", FieldType::Choices),
        ("hubspot_owner_id", FieldType::Text),
        ("birthday", FieldType::Date),
        ("renewal_at", FieldType::Moment),
        ("score", FieldType::Number),
        ("vip", FieldType::Boolean),
    ] {
        assert_eq!(field(name).field_type, field_type, "{name}");
    }
    assert_eq!(
        (&*field("interests").options[0].value, &*field("interests").options[0].label),
        ("wine_red", "Red Wine")
    );
    assert!(field("email").unique && field("customer_no").unique && !field("firstname").unique);
    assert!(field("days_open").read_only && field("createdate").read_only && !field("email").read_only);
    assert_eq!(schema.required_one_of, [["email", "firstname", "lastname"]]);
    assert_eq!(
        (schema.modified_field.as_deref(), schema.created_field.as_deref()),
        (Some("lastmodifieddate"), Some("createdate"))
    );

    let error = connection.discover("contact").await.expect_err("unknown");
    assert_eq!(error.class, Class::NotFound);
    assert!(error.message.contains("contacts, deals"), "{error}");
    let companies = Script::of(&["properties_companies"]).connect().discover("companies").await.unwrap();
    assert_eq!(companies.modified_field.as_deref(), Some("hs_lastmodifieddate"));
}

#[tokio::test]
async fn a_page_starts_at_a_stamp_and_is_never_continued_by_offset() {
    let script = Script::of(&["properties_contacts", "search_contacts"]);
    let from = at("2026-11-21T09:59:00Z");
    let page = script.connect().poll(&request(PollQuery::From(from))).await.unwrap();
    assert_eq!(
        script.last_body(),
        json!({
            "filterGroups": [{ "filters": [{ "propertyName": "lastmodifieddate", "operator": "GTE", "value": from.millis().to_string() }] }],
            "sorts": [{ "propertyName": "lastmodifieddate", "direction": "ASCENDING" }],
            "properties": ["birthday", "createdate", "email", "interests", "lastmodifieddate", "renewal_at", "score", "vip"],
            "limit": 200,
        })
    );
    assert_eq!(page.server_time, Some(at("2026-11-21T10:00:00Z")));
    let [ada, other] = &page.records[..] else { panic!("two records") };
    assert_eq!(
        (ada.id.as_str(), ada.modified, ada.created),
        ("512", at("2026-11-21T09:59:58.123Z"), Some(at("2026-11-20T08:00:00.100Z")))
    );
    let wanted = [
        ("birthday", Value::Date("1815-12-10".parse().unwrap())),
        ("email", Value::from("ada@example.com")),
        ("interests", Value::List(vec!["wine_red".into(), "tea".into()])),
        ("renewal_at", Value::Moment(at("2026-12-01T10:00:00Z"))),
        ("score", Value::Float(4.5)),
        ("vip", Value::Bool(true)),
    ];
    assert_eq!(ada.fields, wanted.map(|(name, value)| (name.to_owned(), value)).into());
    assert_eq!(other.id.as_str(), "220006890315");
    assert_eq!(other.modified, at("2026-11-21T09:59:59.456Z"), "a stamp that is missing is `updatedAt`");
    assert_eq!(other.fields["email"], Value::Null, "empty text is empty");
    assert_eq!(other.fields["birthday"], Value::from("not a date"), "nothing is lost by reading");
    assert_eq!((&other.fields["score"], &other.fields["interests"]), (&Value::Int(12), &Value::Null));
}

#[tokio::test]
async fn one_stamp_is_drained_by_id_and_new_records_by_their_creation() {
    let stamp = at("2026-11-21T09:59:58.123Z");
    let script = Script::of(&["properties_contacts"]).then(200, found(&[])).then(200, found(&[]));
    let connection = script.connect();
    let after = Some(RecordId::from("512"));
    connection.poll(&request(PollQuery::Drain { at: stamp, after })).await.unwrap();
    let created = PollRequest { stamp: StampKind::Created, ..request(PollQuery::Drain { at: stamp, after: None }) };
    connection.poll(&created).await.unwrap();

    let bodies: Vec<_> = script.asked().into_iter().skip(1).map(|asked| asked.body).collect();
    let equal = |name: &str| json!({ "propertyName": name, "operator": "EQ", "value": stamp.millis().to_string() });
    let behind = json!({ "propertyName": "hs_object_id", "operator": "GT", "value": "512" });
    assert_eq!(bodies[0]["filterGroups"], json!([{ "filters": [equal("lastmodifieddate"), behind] }]));
    assert_eq!(bodies[1]["filterGroups"], json!([{ "filters": [equal("createdate")] }]));
    for body in bodies {
        assert_eq!(body["sorts"], json!([{ "propertyName": "hs_object_id", "direction": "ASCENDING" }]));
        assert_eq!(body.get("after"), None);
    }
}

/// Rows that the author does not want need not be read, unless asking for fewer would be asking too much.
#[tokio::test]
async fn what_a_trigger_filters_by_is_asked_along() {
    let stamp = at("2026-11-21T09:59:58.123Z");
    let from = || PollQuery::From(stamp);
    let drain = || PollQuery::Drain { at: stamp, after: Some(RecordId::from("512")) };
    let wanted = Filter::Any(vec![eq("vip", Value::Bool(true)), test("score", Test::Gt(Value::Int(5)))]);
    let too_many = Filter::All((0..5).map(|least| test("score", Test::Gte(Value::Int(least)))).collect());
    let nothing = test("score", Test::In(Vec::new()));

    let script = Script::of(&["properties_contacts"]);
    let connection = script.connect();
    let mut groups = Vec::new();
    for (query, filter) in [
        (from(), wanted.clone()),
        (drain(), wanted),
        (from(), too_many.clone()),
        (drain(), too_many),
        (from(), nothing),
    ] {
        script.add([Ok(sdk::Response { status: 200, headers: Vec::new(), body: found(&[]).to_string().into_bytes() })]);
        connection.poll(&PollRequest { filter: Some(filter), ..request(query) }).await.unwrap();
        groups.push(script.last_body()["filterGroups"].clone());
    }
    let later = json!({ "propertyName": "lastmodifieddate", "operator": "GTE", "value": stamp.millis().to_string() });
    let equal = json!({ "propertyName": "lastmodifieddate", "operator": "EQ", "value": stamp.millis().to_string() });
    let behind = json!({ "propertyName": "hs_object_id", "operator": "GT", "value": "512" });
    let vip = json!({ "propertyName": "vip", "operator": "EQ", "value": "true" });
    let high = json!({ "propertyName": "score", "operator": "GT", "value": "5" });
    assert_eq!(groups[0], json!([{ "filters": [later, vip] }, { "filters": [later, high] }]));
    assert_eq!(groups[1], json!([{ "filters": [equal, vip, behind] }, { "filters": [equal, high, behind] }]));
    assert_eq!(groups[2], json!([{ "filters": [later] }]), "six tests and an id are one too many");
    assert_eq!(groups[3], json!([{ "filters": [equal, behind] }]));
    assert_eq!(groups[4], json!([{ "filters": [later] }]), "no group at all would find everything");
}

#[tokio::test]
async fn what_is_no_page_is_a_clear_failure() {
    let html = "<!DOCTYPE html><html><head><title>Log in</title>";
    for (status, body, says) in [
        (
            200,
            html.to_owned(),
            "a web page such as a proxy's or a login's, and not with JSON: status 200 with 48 bytes of no type",
        ),
        (200, html.replace("Log in", "Log\n in"), "titled `Log in`"),
        (200, "{}".to_owned(), "no `results`"),
        (200, "{\"results\": 5}".to_owned(), "no `results`"),
        (200, String::new(), "0 bytes"),
        (200, "{\"results\": [{\"prop".to_owned(), "not the JSON"),
        (200, "[".repeat(100_000), "not the JSON"),
        (200, json!({"results": [{"properties": {}}]}).to_string(), "without an id"),
        (
            200,
            json!({"results": [{"id": "7", "properties": {}}]}).to_string(),
            "record 7 without its `lastmodifieddate`",
        ),
    ] {
        let script = Script::of(&["properties_contacts"]);
        script.add([Ok(sdk::Response { status, headers: Vec::new(), body: body.into_bytes() })]);
        let error = script.connect().poll(&request(PollQuery::From(Timestamp::EPOCH))).await.expect_err(says);
        assert_eq!(error.class, Class::Transient, "{error}");
        assert!(error.message.contains(says), "{error}");
    }
    let script = Script::of(&["properties_contacts"]);
    script.add([Err(TransportError::MaybeSent("the connection broke".to_owned()))]);
    let error = script.connect().poll(&request(PollQuery::From(Timestamp::EPOCH))).await.expect_err("broken");
    assert_eq!((error.class, error.applied), (Class::Transient, sdk::Applied::No));
}

#[tokio::test]
async fn unknown_objects_and_fields_are_the_authors_mistakes_and_new_properties_are_not() {
    let connection = Script::default().connect();
    let unknown = PollRequest { object: "leads".to_owned(), ..request(PollQuery::From(Timestamp::EPOCH)) };
    assert_eq!(connection.poll(&unknown).await.expect_err("unknown").class, Class::Invalid);

    let script = Script::of(&["properties_contacts", "properties_contacts"]);
    let connection = script.connect();
    connection.discover("contacts").await.unwrap();
    let unknown = PollRequest { fields: vec!["emial".to_owned()], ..request(PollQuery::From(Timestamp::EPOCH)) };
    let error = connection.poll(&unknown).await.expect_err("unknown");
    assert_eq!(error.class, Class::Invalid);
    assert!(error.message.contains("`emial`"), "{error}");
    assert_eq!(script.lines().len(), 2, "asked anew, for it may have been added since");

    let by_text =
        PollRequest { stamp: StampKind::Field("email".to_owned()), ..request(PollQuery::From(Timestamp::EPOCH)) };
    assert_eq!(connection.poll(&by_text).await.expect_err("no moment").class, Class::Invalid);
}

#[tokio::test]
async fn ids_and_unique_properties_are_read_past_the_search() {
    let ada = found(&[("512", json!({ "email": "ada@example.com", "lastmodifieddate": "2026-01-02T00:00:00Z" }))]);
    let ada = ada["results"][0].clone();
    let script = Script::of(&["properties_contacts"]).then(200, ada.clone()).then(200, ada.clone()).then(200, ada);
    script.add([Ok(recorded("404_unknown_id"))]);
    let connection = script.connect();
    let both = Filter::All(vec![eq("firstname", "Ada"), eq("email", "ada+x@example.com")]);
    assert_eq!(connection.find(&find("contacts", both)).await.unwrap().len(), 1);
    assert_eq!(connection.find(&find("contacts", eq("customer_no", "a/7"))).await.unwrap().len(), 1);
    let record = connection.get("contacts", &"512".into(), &["email".to_owned()]).await.unwrap().expect("there");
    assert_eq!(record.fields["email"], Value::from("ada@example.com"));
    assert_eq!(connection.get("contacts", &"513".into(), &[]).await.unwrap(), None);
    assert_eq!(connection.get("contacts", &"search".into(), &[]).await.unwrap(), None, "never asked");
    assert_eq!(
        script.lines()[1..],
        [
            "GET /crm/v3/objects/contacts/ada%2Bx%40example.com?properties=createdate%2Cemail%2Cfirstname%2Clastmodifieddate&idProperty=email",
            "GET /crm/v3/objects/contacts/a%2F7?properties=createdate%2Ccustomer_no%2Clastmodifieddate&idProperty=customer_no",
            "GET /crm/v3/objects/contacts/512?properties=createdate%2Cemail%2Clastmodifieddate",
            "GET /crm/v3/objects/contacts/513?properties=createdate%2Clastmodifieddate",
        ]
    );
}

#[tokio::test]
async fn a_filter_is_asked_for_as_far_as_the_answer_cannot_lack_a_row() {
    let day = Value::Date("2026-01-02".parse().unwrap());
    let asks = |operator: &str, value: Json| json!([{ "filters": [{ "propertyName": "p", "operator": operator, "value": value }] }]);
    let everything = json!([]);
    let cases = [
        ("firstname", Test::Eq("Ada".into()), asks("EQ", json!("Ada"))),
        (
            "firstname",
            Test::Eq(Value::Null),
            json!([{ "filters": [{ "propertyName": "p", "operator": "NOT_HAS_PROPERTY" }] }]),
        ),
        (
            "firstname",
            Test::Exists(true),
            json!([{ "filters": [{ "propertyName": "p", "operator": "HAS_PROPERTY" }] }]),
        ),
        (
            "firstname",
            Test::In(vec!["Ada".into(), "Bo".into()]),
            json!([{ "filters": [{ "propertyName": "p", "operator": "IN", "values": ["ada", "bo"] }] }]),
        ),
        (
            "lifecyclestage",
            Test::In(vec!["lead".into()]),
            json!([{ "filters": [{ "propertyName": "p", "operator": "IN", "values": ["lead"] }] }]),
        ),
        ("firstname", Test::Not("Ada".into()), everything.clone()),
        ("firstname", Test::Gt("A".into()), everything.clone()),
        ("firstname", Test::Contains("d".into()), everything.clone()),
        ("firstname", Test::Eq(Value::Int(5)), everything.clone()),
        ("phone", Test::Eq("+49 1".into()), everything.clone()),
        ("interests", Test::Contains("tea".into()), everything.clone()),
        ("score", Test::Gte(Value::Int(5)), asks("GTE", json!("5"))),
        (
            "score",
            Test::Between(Value::Int(1), Value::Float(2.5)),
            json!([{ "filters": [{ "propertyName": "p", "operator": "BETWEEN", "value": "1", "highValue": "2.5" }] }]),
        ),
        ("vip", Test::Eq(Value::Bool(true)), asks("EQ", json!("true"))),
        ("birthday", Test::Lt(day), asks("LT", json!("1767312000000"))),
        ("renewal_at", Test::Gt(Value::Moment(Timestamp::from_millis(5))), asks("GT", json!("5"))),
        ("firstname", Test::Eq(Value::from("{\"operator\":\"GT\"}")), asks("EQ", json!("{\"operator\":\"GT\"}"))),
    ];
    for (field, asked, expected) in cases {
        let script = Script::of(&["properties_contacts"]).then(200, found(&[]));
        let shown = format!("{field} {asked:?}");
        script.connect().find(&find("contacts", test(field, asked))).await.unwrap();
        let expected: Json =
            serde_json::from_str(&expected.to_string().replace("\"p\"", &format!("\"{field}\""))).unwrap();
        assert_eq!(script.last_body()["filterGroups"], expected, "{shown}");
    }

    // Alternatives multiply; what does not fit into a search is left to be checked here.
    let names = |n: i64| Filter::Any((0..n).map(|at| eq("score", Value::Int(at))).collect());
    for (filter, n_groups) in [
        (Filter::All(vec![names(2), names(2)]), 4),
        (Filter::All(vec![names(3), names(3)]), 3),
        (Filter::All(vec![names(6), names(2)]), 2),
        (Filter::Any(vec![eq("firstname", "a"), test("firstname", Test::Contains("b".into()))]), 0),
        (Filter::All(Vec::new()), 0),
    ] {
        let script = Script::of(&["properties_contacts"]).then(200, found(&[]));
        script.connect().find(&find("contacts", filter)).await.unwrap();
        assert_eq!(script.last_body()["filterGroups"].as_array().unwrap().len(), n_groups);
    }
    for never in [Filter::Any(Vec::new()), test("firstname", Test::In(Vec::new()))] {
        let script = Script::of(&["properties_contacts"]);
        assert_eq!(script.connect().find(&find("contacts", never)).await.unwrap(), []);
        script.asked();
    }
}

#[tokio::test]
async fn a_search_goes_on_behind_the_last_id_until_enough_rows_fulfil_the_filter() {
    let ids: Vec<String> = (1..=201).map(|id: u32| id.to_string()).collect();
    let row = |id: &String| (id.clone(), json!({ "firstname": if id == "7" || id == "201" { "xAda" } else { "Bo" } }));
    let rows: Vec<(String, Json)> = ids.iter().map(row).collect();
    let rows: Vec<(&str, Json)> = rows.iter().map(|(id, row)| (&**id, row.clone())).collect();
    let script = Script::of(&["properties_contacts"]).then(200, found(&rows[..200])).then(200, found(&rows[200..]));
    let filter = test("firstname", Test::Contains("Ada".into()));
    let records = script.connect().find(&find("contacts", filter)).await.unwrap();
    assert_eq!(records.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["7", "201"]);
    assert_eq!(
        script.last_body()["filterGroups"],
        json!([{ "filters": [{ "propertyName": "hs_object_id", "operator": "GT", "value": "200" }] }])
    );
}

#[tokio::test]
async fn a_search_without_end_is_refused() {
    let ids: Vec<String> = (1..=200).map(|id: u32| id.to_string()).collect();
    let rows: Vec<(&str, Json)> = ids.iter().map(|id| (&**id, json!({}))).collect();
    let script = Script::of(&["properties_contacts"]).then(200, found(&rows)).then(200, found(&rows));
    let filter = test("firstname", Test::Contains("Ada".into()));
    let error = script.connect().find(&find("contacts", filter)).await.expect_err("no end");
    assert_eq!(error.class, Class::Invalid);
    assert_eq!(script.lines().len(), 3, "the same page twice is no progress");
}
