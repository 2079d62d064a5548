//! Creating, updating and upserting; what is sent, and what is known after a failure.

use sdk::{
    Ambiguous, Applied, Class, EffectId, Error, Fields, Match, Reach, Repeat, Timestamp, TransportError, Value, Verb,
    Write, WriteOutcome, Written,
};
use serde_json::{Value as Json, json};

use super::script::{Script, found, recorded};

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

fn by_email() -> Write {
    let fields = [("email", "ada@example.com".into()), ("firstname", "Ada".into())];
    write("contacts", upsert(&["email"], Ambiguous::Fail), &fields)
}

fn by_domain(ambiguous: Ambiguous) -> Write {
    let fields = [("domain", "Example.com".into()), ("name", "Example".into())];
    write("companies", upsert(&["domain"], ambiguous), &fields)
}

fn written(id: &str, created: bool) -> WriteOutcome {
    WriteOutcome::Written(Written { id: id.into(), created, changed: true })
}

/// The lines and bodies after discovery.
fn sent(script: &Script) -> Vec<(String, Json)> {
    script.asked().into_iter().skip(1).map(|asked| (asked.line, asked.body)).collect()
}

async fn fails(script: &Script, write: &Write) -> Error {
    script.connect().write(write).await.expect_err("refused")
}

#[tokio::test]
async fn values_are_sent_as_hubspots_texts() {
    let script = Script::of(&["properties_contacts", "created_contact"]);
    let fields = [
        ("firstname", Value::Null),
        ("vip", Value::Bool(true)),
        ("score", Value::Float(4.5)),
        ("birthday", Value::Moment(Timestamp::parse("2026-01-02T23:59:59Z").unwrap())),
        ("renewal_at", Value::Date("2026-01-02".parse().unwrap())),
        ("lifecyclestage", "CUSTOMER".into()),
        ("interests", Value::List(vec!["Red Wine".into(), "tea".into(), "beer".into()])),
        ("unknown", Value::Int(1)),
    ];
    let outcome = script.connect().write(&write("contacts", Verb::Create, &fields)).await.unwrap();
    assert_eq!(outcome, written("512", true));
    let expected = json!({ "properties": {
        "firstname": "", "vip": "true", "score": "4.5", "birthday": "2026-01-02", "renewal_at": "2026-01-02T00:00:00.000Z",
        "lifecyclestage": "customer", "interests": "wine_red;tea;beer", "unknown": "1",
    } });
    assert_eq!(sent(&script), [("POST /crm/v3/objects/contacts".to_owned(), expected)]);

    let script = Script::of(&["properties_contacts", "created_contact"]);
    let fields = [("interests", ";Tea;".into()), ("renewal_at", Value::Moment(Timestamp::from_millis(1)))];
    let update = Verb::Update { id: "512".into() };
    script.connect().write(&write("contacts", update, &fields)).await.unwrap();
    let expected = json!({ "properties": { "interests": "tea", "renewal_at": "1970-01-01T00:00:00.001Z" } });
    assert_eq!(sent(&script), [("PATCH /crm/v3/objects/contacts/512".to_owned(), expected)], "never appended to");
}

#[tokio::test]
async fn an_update_names_the_record_it_reached_and_an_unknown_one_is_not_found() {
    let update = |id: &str| write("contacts", Verb::Update { id: id.into() }, &[("firstname", "Ada".into())]);
    let script = Script::of(&["properties_contacts", "created_contact", "404_unknown_id"]);
    let connection = script.connect();
    assert_eq!(connection.write(&update("511")).await.unwrap(), written("512", false), "511 was merged into 512");
    assert_eq!(connection.write(&update("513")).await.expect_err("unknown").class, Class::NotFound);
    for id in ["", "..", "search", "512/x"] {
        assert_eq!(connection.write(&update(id)).await.expect_err("unknown").class, Class::NotFound, "{id}");
    }
    assert_eq!(script.lines().len(), 3);
}

#[tokio::test]
async fn an_upsert_by_email_updates_creates_or_adopts() {
    let all = json!({ "properties": { "email": "ada@example.com", "firstname": "Ada" } });
    let others = json!({ "properties": { "firstname": "Ada" } });
    let by_key = || ("PATCH /crm/v3/objects/contacts/ada%40example.com?idProperty=email".to_owned(), others.clone());
    let create = || ("POST /crm/v3/objects/contacts".to_owned(), all.clone());

    let script = Script::of(&["properties_contacts", "created_contact"]);
    assert_eq!(script.connect().write(&by_email()).await.unwrap(), written("512", false));
    assert_eq!(sent(&script), [by_key()]);

    let script = Script::of(&["properties_contacts", "404_unknown_id", "created_contact"]);
    assert_eq!(script.connect().write(&by_email()).await.unwrap(), written("512", true));
    assert_eq!(sent(&script), [by_key(), create()]);

    for (clash, holder) in [("409_contact_exists", "512"), ("400_raced_conflict", "220006890315")] {
        let script = Script::of(&["properties_contacts", "404_unknown_id", clash])
            .then(200, held(holder, "Ada@Example.com"))
            .then(200, json!({ "id": "512" }));
        assert_eq!(script.connect().write(&by_email()).await.unwrap(), written("512", false));
        let look = format!("GET /crm/v3/objects/contacts/{holder}?properties=createdate%2Cemail%2Clastmodifieddate");
        let adopt = (format!("PATCH /crm/v3/objects/contacts/{holder}"), others.clone());
        assert_eq!(sent(&script), [by_key(), create(), (look, Json::Null), adopt]);
    }

    // Nothing but the key: it is sent, for an update must hold something.
    let script = Script::of(&["properties_contacts", "created_contact"]);
    let only = write("contacts", upsert(&["email"], Ambiguous::Fail), &[("email", " a@b.c ".into())]);
    script.connect().write(&only).await.unwrap();
    assert_eq!(sent(&script)[0].1, json!({ "properties": { "email": " a@b.c " } }));
}

/// One contact as it is read.
fn held(id: &str, email: &str) -> Json {
    found(&[(id, json!({ "email": email, "lastmodifieddate": "2026-01-02T00:00:00Z" }))])["results"][0].clone()
}

#[tokio::test]
async fn who_holds_the_address_only_beside_another_is_not_adopted() {
    let clash = || Script::of(&["properties_contacts", "404_unknown_id", "409_contact_exists"]);
    let script = clash().then(200, held("512", "countess@example.com"));
    let error = fails(&script, &by_email()).await;
    assert_eq!((error.class.clone(), error.applied), (Class::Conflict, Applied::No));
    assert!(error.message.contains("record 512") && error.message.contains("its `email` is another"), "{error}");
    assert_eq!(sent(&script).len(), 3, "nobody was changed");

    // Gone again meanwhile: another try makes the record.
    let script = clash();
    script.add([Ok(recorded("404_unknown_id"))]);
    let error = fails(&script, &by_email()).await;
    assert_eq!((error.class, error.applied), (Class::Transient, Applied::No));
}

#[tokio::test]
async fn a_record_that_was_found_and_is_gone_is_not_found() {
    let row =
        |id: &'static str| (id, json!({ "domain": "example.com", "hs_lastmodifieddate": "2026-01-02T00:00:00Z" }));
    let script = Script::of(&["properties_companies"]).then(200, found(&[row("7")]));
    script.add([Ok(recorded("404_unknown_id"))]);
    let script = script.then(201, json!({ "id": "12" }));
    assert_eq!(script.connect().write(&by_domain(Ambiguous::Fail)).await.unwrap(), written("12", true));
    assert_eq!(sent(&script)[1].0, "PATCH /crm/v3/objects/companies/7");

    // Of several, the next oldest.
    let script = Script::of(&["properties_companies"]).then(200, found(&[row("7"), row("9")]));
    script.add([Ok(recorded("404_unknown_id"))]);
    let script = script.then(200, json!({ "id": "9" }));
    assert_eq!(script.connect().write(&by_domain(Ambiguous::Oldest)).await.unwrap(), written("9", false));
}

#[tokio::test]
async fn a_clash_over_another_property_is_a_conflict_and_adopts_nobody() {
    let fields = [("email", "ada@example.com".into()), ("customer_no", "7".into())];
    let upsert = write("contacts", upsert(&["customer_no"], Ambiguous::Fail), &fields);
    for clash in ["409_contact_exists", "400_raced_conflict"] {
        let script = Script::of(&["properties_contacts", "404_unknown_id", clash]);
        let error = fails(&script, &upsert).await;
        assert_eq!((error.class, error.applied), (Class::Conflict, Applied::No));
        assert_eq!(sent(&script).len(), 2);
    }
}

#[tokio::test]
async fn an_empty_key_matches_nothing() {
    for (object, properties, key) in
        [("contacts", "properties_contacts", "email"), ("companies", "properties_companies", "domain")]
    {
        for value in [Value::Null, "".into(), "  ".into()] {
            let script = Script::of(&[properties]);
            let error = fails(&script, &write(object, upsert(&[key], Ambiguous::Fail), &[(key, value)])).await;
            assert_eq!(error.class, Class::Invalid, "{error}");
            assert_eq!(sent(&script), []);
        }
    }
}

#[tokio::test]
async fn an_upsert_by_a_property_that_is_not_unique_searches_without_case_and_obeys_ambiguous() {
    let row = |id: &'static str, domain: &str| {
        (id, json!({ "domain": domain, "hs_lastmodifieddate": "2026-01-02T00:00:00Z" }))
    };
    let two = found(&[row("7", "EXAMPLE.com"), row("9", "example.com"), row("11", "other.example.com")]);

    let script = Script::of(&["properties_companies"]).then(200, found(&[])).then(201, json!({ "id": "12" }));
    assert_eq!(script.connect().write(&by_domain(Ambiguous::Fail)).await.unwrap(), written("12", true));
    assert_eq!(
        sent(&script)[0].1["filterGroups"],
        json!([{ "filters": [{ "propertyName": "domain", "operator": "EQ", "value": "Example.com" }] }])
    );
    assert_eq!(sent(&script)[0].1["sorts"], json!([{ "propertyName": "createdate", "direction": "ASCENDING" }]));

    let script = Script::of(&["properties_companies"])
        .then(200, found(&[row("7", "EXAMPLE.com")]))
        .then(200, json!({ "id": "7" }));
    assert_eq!(script.connect().write(&by_domain(Ambiguous::Fail)).await.unwrap(), written("7", false));

    let script = Script::of(&["properties_companies"]).then(200, two.clone());
    let error = fails(&script, &by_domain(Ambiguous::Fail)).await;
    assert_eq!((error.class, &*error.message), (Class::Conflict, "2 companies have this `domain`: 7, 9"));

    let script = Script::of(&["properties_companies"]).then(200, two.clone());
    let outcome = script.connect().write(&by_domain(Ambiguous::Skip)).await.unwrap();
    assert_eq!(outcome, WriteOutcome::Skipped("2 companies have this `domain`: 7, 9".to_owned()));

    for ambiguous in [Ambiguous::First, Ambiguous::Oldest] {
        let script = Script::of(&["properties_companies"]).then(200, two.clone()).then(200, json!({ "id": "7" }));
        assert_eq!(script.connect().write(&by_domain(ambiguous)).await.unwrap(), written("7", false));
        assert_eq!(sent(&script)[1].0, "PATCH /crm/v3/objects/companies/7");
    }
}

#[tokio::test]
async fn what_is_known_after_a_failed_write() {
    let lost = || TransportError::MaybeSent("the connection broke".to_owned());
    let refused = || TransportError::NotSent("no connection".to_owned());
    let create = || write("contacts", Verb::Create, &[("firstname", "Ada".into())]);

    for (answer, applied) in
        [(Err(lost()), Applied::Maybe), (Err(refused()), Applied::No), (Ok(recorded("502_html")), Applied::Maybe)]
    {
        let script = Script::of(&["properties_contacts"]);
        script.add([answer]);
        let error = fails(&script, &create()).await;
        assert_eq!((error.class, error.applied, error.reach), (Class::Transient, applied, Reach::Away));
    }
    let script = Script::of(&["properties_contacts"]);
    script.add([Err(TransportError::Unreadable("too long".to_owned()))]);
    let error = fails(&script, &create()).await;
    assert_eq!((error.class, error.applied, error.reach), (Class::Transient, Applied::Maybe, Reach::Answered));
    // 2xx without an id is not "done".
    for (status, body) in
        [(200, "<html>"), (200, "{}"), (201, "{\"id\":null}"), (204, ""), (201, "{\"id\":\"5"), (200, "[]")]
    {
        let script = Script::of(&["properties_contacts"]);
        script.add([Ok(sdk::Response { status, headers: Vec::new(), body: body.into() })]);
        let error = fails(&script, &create()).await;
        let told = (error.class, error.applied, error.reach);
        assert_eq!(told, (Class::Transient, Applied::Maybe, Reach::Answered), "{status} {body}");
    }
    // Discovery and search only read: when they fail, nothing was written.
    let script = Script::default();
    script.add([Err(lost())]);
    assert_eq!(fails(&script, &create()).await.applied, Applied::No);
    let script = Script::of(&["properties_companies"]);
    script.add([Err(lost())]);
    assert_eq!(fails(&script, &by_domain(Ambiguous::Fail)).await.applied, Applied::No);
    // The last of an upsert's steps decides.
    let script = Script::of(&["properties_contacts", "404_unknown_id"]);
    script.add([Err(lost())]);
    assert_eq!(fails(&script, &by_email()).await.applied, Applied::Maybe);
}

#[tokio::test]
async fn only_what_is_found_by_id_or_a_unique_property_may_be_repeated() {
    let script = Script::of(&["properties_contacts", "properties_companies"]);
    let connection = script.connect();
    let by_number = write("contacts", upsert(&["customer_no"], Ambiguous::Fail), &[]);
    assert_eq!(connection.repeat(&by_number), Repeat::Unsafe, "not known to be unique before it is discovered");
    assert_eq!(connection.repeat(&by_email()), Repeat::Safe);
    connection.discover("contacts").await.unwrap();
    connection.discover("companies").await.unwrap();
    let by_id = |id: Option<&str>| Verb::Upsert { by: Match::Id(id.map(Into::into)), ambiguous: Ambiguous::Fail };
    for (write, repeat) in [
        (by_number, Repeat::Safe),
        (by_email(), Repeat::Safe),
        (by_domain(Ambiguous::Oldest), Repeat::Unsafe),
        (write("contacts", Verb::Create, &[]), Repeat::Unsafe),
        (write("contacts", Verb::Update { id: "1".into() }, &[]), Repeat::Safe),
        (write("contacts", by_id(Some("1")), &[]), Repeat::Safe),
        (write("contacts", by_id(None), &[]), Repeat::Unsafe),
        (write("contacts", upsert(&["email", "firstname"], Ambiguous::Fail), &[]), Repeat::Unsafe),
    ] {
        assert_eq!(connection.repeat(&write), repeat, "{:?}", write.verb);
    }
}
