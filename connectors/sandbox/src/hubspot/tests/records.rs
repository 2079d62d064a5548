//! Section 3: records one at a time.

use super::*;

const CONTACTS: &str = "/crm/v3/objects/contacts";

#[test]
fn s1_dated_and_numbered_paths_lead_to_the_same_records() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    for path in [
        format!("/crm/v3/objects/contacts/{id}"),
        format!("/crm/v3/objects/contact/{id}/"),
        format!("/crm/v3/objects/CONTACTS/{id}"),
        format!("/crm/v3/objects/0-1/{id}"),
        format!("/crm/objects/2026-09/contacts/{id}"),
        format!("/crm/objects/2026-09/0-1/{id}/"),
    ] {
        assert_eq!(client.get(&path).status, 200, "{path}");
    }
    assert_eq!(client.get("/crm/objects/2025-09/contacts").status, 404);
    assert_eq!(client.get("/crm/v3/owners/").status, 200, "the SDK asks with a trailing slash");
}

#[test]
fn s3_an_unknown_type_cannot_be_inferred() {
    let mut client = Client::new();
    let reply = client.get("/crm/v3/objects/cars");
    assert_eq!(reply.refusal(), (400, "VALIDATION_ERROR", "Unable to infer object type from: cars"));
}

#[test]
fn s3_a_create_must_say_who_it_is() {
    let mut client = Client::new();
    assert_eq!(client.post(CONTACTS, json!({"properties": {"city": "Bonn"}})).status, 400);
    for name in ["email", "firstname", "lastname"] {
        let value = if name == "email" { "a@b.cd" } else { "Ann" };
        assert_eq!(client.post(CONTACTS, json!({"properties": {name: value}})).status, 201, "{name}");
    }
    assert_eq!(client.post("/crm/v3/objects/companies", json!({"properties": {"city": "Bonn"}})).status, 400);
    client.record("companies", json!({"domain": "a.example"}));
    let deal = json!({"properties": {"dealname": "A", "pipeline": "default"}});
    let reply = client.post("/crm/v3/objects/deals", deal);
    assert_eq!((reply.status, &reply.body["context"]["properties"]), (400, &json!(["dealstage"])));
    client.record("deals", json!({"dealname": "A", "pipeline": "default", "dealstage": "closedwon"}));
    client.record("tickets", json!({"subject": "A", "hs_pipeline": "0", "hs_pipeline_stage": "1"}));
}

#[test]
fn s3_a_record_is_strings_or_null_and_iso_stamps() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org", "loyalty_points": 7, "newsletter": true}));
    assert_eq!(id.len(), 12);
    let reply = client
        .get(&format!("{CONTACTS}/{id}?properties=loyalty_points,newsletter,city,no_such&properties=hs_object_id"));
    assert_eq!(
        reply.body["properties"],
        json!({"loyalty_points": "7", "newsletter": "true", "city": null, "hs_object_id": id}),
        "unset is null, undefined is left out"
    );
    assert_eq!(reply.body["createdAt"], NOW.to_string());
    assert_eq!(reply.body["updatedAt"], "2026-11-01T02:26:40.000Z");
    assert_eq!(reply.body["archived"], false);
    assert!(reply.body["url"].as_str().expect("a url").ends_with(&format!("/record/0-1/{id}")));
}

#[test]
fn s3_without_properties_only_the_defaults_are_shown() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org", "city": "Bonn"}));
    let reply = client.get(&format!("{CONTACTS}/{id}"));
    let names: Vec<&String> = reply.body["properties"].as_object().expect("a map").keys().collect();
    assert_eq!(names, ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]);
    assert_eq!(reply.body["properties"]["firstname"], Value::Null);
}

#[test]
fn s3_writes_answer_with_the_wider_set() {
    let mut client = Client::new();
    let reply = client.post(CONTACTS, json!({"properties": {"email": "ann@example.org", "phone": "+49 711 555"}}));
    let properties = &reply.body["properties"];
    assert_eq!(properties["hs_searchable_calculated_phone_number"], "711555");
    assert_eq!(properties["hs_email_domain"], "example.org");
    assert_eq!(properties["hs_is_contact"], "true");
    let changed = client.patch(&format!("{CONTACTS}/{}", reply.id()), json!({"properties": {"city": "Bonn"}}));
    assert_eq!(changed.body["properties"]["hs_email_domain"], "example.org");
}

#[test]
fn s3_ids_are_unique_only_within_a_type_and_rise() {
    let mut client = Client::new();
    let first = client.contact(json!({"lastname": "A"}));
    let second = client.contact(json!({"lastname": "B"}));
    let company = client.record("companies", json!({"name": "A"}));
    assert_eq!(first, company);
    assert!(second.parse::<u64>().expect("a number") > first.parse::<u64>().expect("a number"));
}

#[test]
fn s3_the_list_has_ten_rows_and_its_cursor_is_the_next_id() {
    let mut client = Client::new();
    let ids: Vec<String> = (0..25).map(|n| client.contact(json!({"lastname": format!("N{n}")}))).collect();
    let first = client.get(CONTACTS);
    assert_eq!(first.ids(), ids[..10]);
    assert_eq!(first.body["paging"]["next"]["after"], ids[10]);
    assert!(first.body.get("total").is_none());
    let link = first.body["paging"]["next"]["link"].as_str().expect("a link").to_owned();
    let second = client.get(link.strip_prefix("https://api.hubapi.com").expect("a link to here"));
    assert_eq!(second.ids(), ids[10..20]);
    let last = client.get(&format!("{CONTACTS}?limit=100&after={}", ids[20]));
    assert_eq!(last.ids(), ids[20..]);
    assert!(last.body.get("paging").is_none());
    assert_eq!(client.get(&format!("{CONTACTS}?limit=101")).status, 400);
    assert_eq!(client.get(&format!("{CONTACTS}?limit=0")).status, 400);
}

#[test]
fn s3_long_lists_of_properties_are_414() {
    let mut client = Client::new();
    let names = "a_rather_long_property_name,".repeat(400);
    assert_eq!(client.get(&format!("{CONTACTS}?properties={names}")).status, 414);
}

#[test]
fn s3_an_address_that_exists_is_409_with_the_id_in_the_text_alone() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    let reply = client.post(CONTACTS, json!({"properties": {"email": "ANN@example.org"}}));
    assert_eq!(reply.refusal(), (409, "CONFLICT", format!("Contact already exists. Existing ID: {id}").as_str()));
    assert!(reply.body.get("context").is_none());
    assert_eq!(client.hubspot.writes().len(), 1, "a refused write is not in the log");
}

#[test]
fn s3_under_a_race_the_clash_is_400_and_the_second_id_is_the_holder() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    client.force(Fault::RacedConflict);
    let reply = client.post(CONTACTS, json!({"properties": {"email": "ann@example.org"}}));
    assert_eq!(reply.status, 400);
    let ids: Vec<&str> = reply
        .message()
        .split(['<', '>', ' ', '.'])
        .filter(|word| word.len() == 12 && word.bytes().all(|it| it.is_ascii_digit()))
        .collect();
    assert_eq!((ids.len(), ids[1]), (2, id.as_str()), "{}", reply.message());
    assert!(reply.message().starts_with("Cannot set PropertyValueCoordinates{"));
    assert!(reply.message().contains("propertyName=email, value=ann@example.org} on "));
}

#[test]
fn s3_every_unique_property_clashes_with_that_text() {
    let mut client = Client::new();
    let holder = client.contact(json!({"lastname": "A", "customer_number": "C-1"}));
    let other = client.contact(json!({"lastname": "B"}));
    let reply = client.patch(&format!("{CONTACTS}/{other}"), json!({"properties": {"customer_number": "c-1"}}));
    assert_eq!(reply.status, 400);
    assert!(reply.message().ends_with(&format!("on {other}. {holder} already has that value.")), "{}", reply.message());
    let own = client.patch(&format!("{CONTACTS}/{holder}"), json!({"properties": {"customer_number": "C-1"}}));
    assert_eq!(own.status, 200, "a record may keep its own value");
    client.patch(&format!("{CONTACTS}/{holder}"), json!({"properties": {"customer_number": "C-2"}}));
    let freed = client.patch(&format!("{CONTACTS}/{other}"), json!({"properties": {"customer_number": "C-1"}}));
    assert_eq!(freed.status, 200, "a value given up is free");
}

#[test]
fn s3_secondary_addresses_count_for_uniqueness() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org", "hs_additional_emails": "a@example.org;b@example.org"}));
    let reply = client.post(CONTACTS, json!({"properties": {"email": "b@example.org"}}));
    assert_eq!(reply.message(), format!("Contact already exists. Existing ID: {id}"));
    let patched =
        client.patch(&format!("{CONTACTS}/a@example.org?idProperty=email"), json!({"properties": {"city": "Bonn"}}));
    assert_eq!((patched.status, patched.id()), (200, id));
}

#[test]
fn s3_companies_are_not_deduplicated_by_domain() {
    let mut client = Client::new();
    let first = client.record("companies", json!({"domain": "a.example"}));
    let second = client.record("companies", json!({"domain": "a.example"}));
    assert_ne!(first, second);
}

#[test]
fn s3_a_patch_by_email_is_no_upsert() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org", "customer_number": "C-1"}));
    let body = json!({"properties": {"city": "Bonn"}});
    for path in ["Ann%40Example.org?idProperty=email", "C-1?idProperty=customer_number"] {
        let reply = client.patch(&format!("{CONTACTS}/{path}"), body.clone());
        assert_eq!((reply.status, reply.id()), (200, id.clone()), "{path}");
    }
    assert_eq!(client.patch(&format!("{CONTACTS}/no@example.org?idProperty=email"), body.clone()).status, 404);
    assert_eq!(client.patch(&format!("{CONTACTS}/Bonn?idProperty=city"), body).status, 400);
    assert_eq!(client.get(&format!("{CONTACTS}/ann@example.org?idProperty=email")).id(), id);
}

#[test]
fn s3_a_patch_changes_what_it_names_and_an_empty_text_clears() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org", "city": "Bonn", "firstname": "Ann"}));
    client.pass(Duration::from_secs(1));
    let reply = client.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": ""}}));
    assert_eq!(reply.body["properties"].get("city"), None);
    assert_eq!(reply.body["properties"]["firstname"], "Ann");
    assert_eq!(reply.body["updatedAt"], client.now.to_string());
    assert_eq!(reply.body["createdAt"], NOW.to_string());
}

#[test]
fn s3_an_unknown_property_is_400_and_nothing_is_written() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    let reply = client.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": "Bonn", "emial": "x"}}));
    assert_eq!(reply.status, 400);
    assert_eq!(client.get(&format!("{CONTACTS}/{id}?properties=city")).body["properties"]["city"], Value::Null);
    assert_eq!(client.hubspot.writes().len(), 1);
}

#[test]
fn s3_the_lifecycle_stage_only_moves_forward() {
    let mut client = Client::new();
    let id = client.contact(json!({"lastname": "A", "lifecyclestage": "customer"}));
    let mut set = |stage: &str| {
        let reply = client.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"lifecyclestage": stage}}));
        reply.body["properties"]["lifecyclestage"].as_str().unwrap_or("-").to_owned()
    };
    assert_eq!(set("lead"), "customer");
    assert_eq!(set("evangelist"), "evangelist");
    assert_eq!(set(""), "-");
    assert_eq!(set("lead"), "lead", "cleared first, it may go back");
}

#[test]
fn s3_delete_archives() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    let deleted = client.delete(&format!("{CONTACTS}/{id}"));
    assert_eq!((deleted.status, deleted.response.body.len()), (204, 0));
    assert_eq!(client.get(&format!("{CONTACTS}/{id}")).status, 404);
    let archived = client.get(&format!("{CONTACTS}/{id}?archived=true"));
    assert_eq!((archived.status, &archived.body["archived"]), (200, &json!(true)));
    assert_eq!(archived.body["archivedAt"], NOW.to_string());
    assert_eq!(client.get(CONTACTS).ids().len(), 0);
    assert_eq!(client.get(&format!("{CONTACTS}?archived=true")).ids(), std::slice::from_ref(&id));
    assert_eq!(client.delete(&format!("{CONTACTS}/{id}")).status, 404);
    assert_eq!(client.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": "Bonn"}})).status, 404);
}

#[test]
fn s3_the_bodies_of_404() {
    let mut client = Client::new();
    let numeric = client.get(&format!("{CONTACTS}/17"));
    assert_eq!(numeric.refusal(), (404, "", "resource not found"));
    assert!(numeric.body.get("category").is_none() && numeric.body["correlationId"].is_string());
    let other = client.get(&format!("{CONTACTS}/ann"));
    assert_eq!(other.refusal(), (404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric."));
    assert_eq!(other.body["context"]["id"], json!(["ann"]));
    let nowhere = client.get("/crm/v9/objects");
    assert_eq!((nowhere.status, nowhere.response.header("content-type")), (404, Some("text/html;charset=utf-8")));
}

#[test]
fn s3_a_merge_leaves_one_and_its_old_id_leads_to_it() {
    let mut client = Client::new();
    let winner = client.contact(json!({"email": "ann@example.org"}));
    let loser = client.contact(json!({"email": "bob@example.org", "city": "Bonn"}));
    let body = json!({"primaryObjectId": winner, "objectIdToMerge": loser});
    let merged = client.post(&format!("{CONTACTS}/merge"), body);
    assert_eq!((merged.status, merged.id()), (200, winner.clone()));
    assert_eq!(merged.body["properties"]["hs_merged_object_ids"], loser);
    assert_eq!(merged.body["properties"]["city"], "Bonn");
    assert_eq!(client.get(&format!("{CONTACTS}/{loser}")).id(), winner, "a redirect");
    let patched = client.patch(&format!("{CONTACTS}/{loser}"), json!({"properties": {"city": "Köln"}}));
    assert_eq!((patched.status, patched.id()), (200, winner.clone()));
    let batch = json!({"inputs": [{"id": loser, "properties": {"city": "Ulm"}}]});
    let batch = client.post(&format!("{CONTACTS}/batch/update"), batch);
    assert_eq!((batch.status, batch.results().len()), (207, 0), "batch updates know no old ids");
    assert_eq!(client.search(json!({})).ids(), [winner]);
    assert_eq!(client.get(&format!("{CONTACTS}?archived=true")).ids().len(), 0, "never seen as archived");
}

#[test]
fn s3_gdpr_delete_purges_contacts_alone() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    let body = json!({"objectId": "ann@example.org", "idProperty": "email"});
    assert_eq!(client.post(&format!("{CONTACTS}/gdpr-delete"), body).status, 204);
    assert_eq!(client.get(&format!("{CONTACTS}/{id}?archived=true")).status, 404);
    assert_eq!(client.post("/crm/v3/objects/companies/gdpr-delete", json!({"objectId": "1"})).status, 404);
}

#[test]
fn s7_every_bad_value_is_listed_in_the_text_and_as_errors() {
    let mut client = Client::new();
    let body = json!({"properties": {"email": "ann", "emial": "x", "lifecyclestage": "Lead", "hs_object_id": "1"}});
    let reply = client.post(CONTACTS, body);
    assert_eq!((reply.status, &reply.body["category"]), (400, &json!("VALIDATION_ERROR")));
    let text = reply.message().strip_prefix("Property values were not valid: ").expect("the known beginning");
    let listed: Vec<Value> = serde_json::from_str(text).expect("an array as text");
    assert_eq!(listed.len(), 4);
    assert!(
        listed
            .iter()
            .all(|it| it["isValid"] == false && it["portalId"].is_u64() && it["localizedErrorMessage"].is_string())
    );
    let mut codes: Vec<(String, String)> = reply.body["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|it| (it["context"]["propertyName"][0].to_string(), it["code"].to_string()))
        .collect();
    codes.sort();
    let expected = [
        ("\"email\"", "\"INVALID_EMAIL\""),
        ("\"emial\"", "\"PROPERTY_DOESNT_EXIST\""),
        ("\"hs_object_id\"", "\"READ_ONLY_VALUE\""),
        ("\"lifecyclestage\"", "\"INVALID_OPTION\""),
    ];
    assert_eq!(codes, expected.map(|(name, code)| (name.to_owned(), code.to_owned())));
}

#[test]
fn s7_the_correlation_id_stands_in_body_and_header() {
    let mut client = Client::new();
    let reply = client.get(&format!("{CONTACTS}/17"));
    let header = reply.response.header("x-hubspot-correlation-id");
    assert_eq!(reply.body["correlationId"].as_str(), header);
    assert_eq!(header.map(str::len), Some(36));
    let next = client.get(&format!("{CONTACTS}/17"));
    assert_ne!(next.body["correlationId"], reply.body["correlationId"]);
}

#[test]
fn s7_what_is_no_json_is_400() {
    let mut client = Client::new();
    let mut request = client.request(Method::Post, CONTACTS, None);
    for body in
        ["", "{", "[]", "{\"properties\": {\"city\": null}}", "{\"properties\": {\"city\": [1]}}", "{\"props\": {}}"]
    {
        request.body = body.as_bytes().to_vec();
        assert_eq!(client.hubspot.handle(&request, NOW).status, 400, "{body}");
    }
}

/// Every answer tells the server's time in whole seconds.
#[test]
fn the_date_header_is_the_servers_time() {
    let mut client = Client::new();
    client.hubspot.set_skew(-3_600_000);
    let reply = client.get(CONTACTS);
    assert_eq!(reply.response.header("date"), Some("Sun, 01 Nov 2026 01:26:40 GMT"));
}
