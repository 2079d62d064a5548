//! Section 4: a hundred records in one request.

use super::*;

const BATCH: &str = "/crm/v3/objects/contacts/batch";

fn batch(client: &mut Client, verb: &str, inputs: Value) -> Reply {
    client.post(&format!("{BATCH}/{verb}"), json!({"inputs": inputs}))
}

fn addresses(n: usize) -> Value {
    (0..n).map(|n| json!({"properties": {"email": format!("a{n}@example.org")}})).collect()
}

#[test]
fn s4_a_batch_has_at_most_a_hundred_inputs() {
    let mut client = Client::new();
    assert_eq!(batch(&mut client, "create", addresses(101)).status, 400);
    let made = batch(&mut client, "create", addresses(100));
    assert_eq!((made.status, made.results().len()), (201, 100));
    assert_eq!(batch(&mut client, "create", json!([])).status, 400);
}

#[test]
fn s4_a_read_with_history_has_at_most_fifty() {
    let mut client = Client::new();
    let inputs: Vec<Value> = (0..51).map(|id| json!({"id": id.to_string()})).collect();
    let body = json!({"inputs": inputs, "propertiesWithHistory": ["email"]});
    let message = "The maximum number of inputs supported in a batch request for property histories is 50";
    assert_eq!(client.post(&format!("{BATCH}/read"), body).message(), message);
}

#[test]
fn s4_read_finds_by_id_or_address_and_tells_who_is_missing() {
    let mut client = Client::new();
    let ann = client.contact(json!({"email": "ann@example.org", "city": "Bonn"}));
    let bob = client.contact(json!({"email": "bob@example.org"}));
    let body = json!({"properties": ["city", "no_such"], "inputs": [{"id": ann}, {"id": bob}]});
    let both = client.post(&format!("{BATCH}/read"), body);
    assert_eq!((both.status, both.results().len()), (200, 2));
    assert!(both.body.get("numErrors").is_none());
    let by_address = json!({"idProperty": "email", "inputs": [{"id": "ANN@example.org"}, {"id": "no@example.org"}]});
    let some = client.post(&format!("{BATCH}/read"), by_address);
    assert_eq!((some.status, some.ids()), (207, vec![ann]));
    assert_eq!(some.body["numErrors"], 1);
    let error = &some.body["errors"][0];
    assert_eq!(
        (&error["category"], &error["context"]["ids"]),
        (&json!("OBJECT_NOT_FOUND"), &json!(["no@example.org"]))
    );
}

#[test]
fn s4_without_trace_ids_one_clash_rejects_all_and_its_message_has_no_id() {
    let mut client = Client::new();
    client.contact(json!({"email": "a1@example.org"}));
    let reply = batch(&mut client, "create", addresses(3));
    assert_eq!(reply.refusal(), (409, "CONFLICT", "Contact already exists"));
    let twice = json!([{"properties": {"email": "x@example.org"}}, {"properties": {"email": "X@example.org"}}]);
    assert_eq!(batch(&mut client, "create", twice).status, 409);
    assert_eq!(client.get("/crm/v3/objects/contacts").ids().len(), 1);
    assert_eq!(client.hubspot.writes().len(), 1);
}

#[test]
fn s4_without_trace_ids_all_bad_properties_are_listed() {
    let mut client = Client::new();
    let inputs = json!([
        {"properties": {"email": "ann"}},
        {"properties": {"email": "ok@example.org"}},
        {"properties": {"lastname": "B", "closedate": "soon"}},
    ]);
    let reply = batch(&mut client, "create", inputs);
    assert_eq!((reply.status, reply.body["errors"].as_array().map(Vec::len)), (400, Some(2)));
    assert!(client.hubspot.writes().is_empty());
}

#[test]
fn s4_with_trace_ids_the_good_rows_are_made() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "a1@example.org"}));
    let inputs = json!([
        {"objectWriteTraceId": "t0", "properties": {"email": "a0@example.org"}},
        {"objectWriteTraceId": "t1", "properties": {"email": "a1@example.org"}},
        {"objectWriteTraceId": "t2", "properties": {"email": "nobody"}},
        {"objectWriteTraceId": "t3", "properties": {"email": "A0@example.org"}},
    ]);
    let reply = batch(&mut client, "create", inputs);
    assert_eq!((reply.status, &reply.body["numErrors"], reply.results().len()), (207, &json!(3), 1));
    assert_eq!(reply.results()[0]["objectWriteTraceId"], "t0");
    let error = |trace: &str| {
        let errors = reply.body["errors"].as_array().expect("errors");
        let of_trace = |it: &&Value| it["context"]["objectWriteTraceId"] == json!([trace]);
        errors.iter().find(of_trace).expect("an error of that row").clone()
    };
    let clash = error("t1");
    assert_eq!(clash["category"], "CONFLICT");
    assert_eq!(clash["message"], format!("Contact already exists. Existing ID: {id}"));
    assert_eq!(clash["context"]["existingId"], json!([id]));
    let bad = error("t2");
    assert!(bad["message"].as_str().expect("a text").starts_with("Property values were not valid: [{"));
    assert!(bad.get("errors").is_none(), "in a 207 there is only the text");
    assert_eq!(error("t3")["category"], "CONFLICT", "the first row of the batch took the address");
}

#[test]
fn s4_trace_ids_count_only_if_every_row_has_its_own() {
    let mut client = Client::new();
    let inputs = |second: &str| {
        json!([
            {"objectWriteTraceId": "t0", "properties": {"email": "a0@example.org"}},
            {"objectWriteTraceId": second, "properties": {"email": "nobody"}},
        ])
    };
    assert_eq!(batch(&mut client, "create", inputs("t0")).status, 400);
    assert_eq!(batch(&mut client, "create", inputs("t1")).status, 207);
}

#[test]
fn s4_updates_tell_unknown_ids_and_apply_the_others() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    let inputs = json!([
        {"id": id, "properties": {"city": "Bonn"}},
        {"id": "17", "properties": {"city": "Bonn"}},
    ]);
    let reply = batch(&mut client, "update", inputs);
    assert_eq!((reply.status, reply.ids()), (207, vec![id]));
    let error = &reply.body["errors"][0];
    assert_eq!(
        error["message"],
        "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid."
    );
    assert_eq!(error["context"]["ids"], json!(["17"]));
}

#[test]
fn s4_updates_of_contacts_take_no_addresses() {
    let mut client = Client::new();
    client.contact(json!({"email": "ann@example.org", "customer_number": "C-1"}));
    let row = |name: &str, id: &str| json!([{"id": id, "idProperty": name, "properties": {"city": "Bonn"}}]);
    assert_eq!(batch(&mut client, "update", row("email", "ann@example.org")).status, 400);
    assert_eq!(batch(&mut client, "update", row("customer_number", "C-1")).status, 200);
}

#[test]
fn s4_one_id_twice_rejects_the_batch() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    let row = |trace: &str| json!({"id": id, "properties": {"city": "Bonn"}, "objectWriteTraceId": trace});
    let reply = batch(&mut client, "update", json!([row("a"), row("b")]));
    let message = format!("Duplicate IDs found in batch input: [{id}]. IDs must be unique");
    assert_eq!(reply.refusal(), (400, "VALIDATION_ERROR", message.as_str()));
    assert_eq!(reply.body["context"]["ids"], json!([id]));
    let row = |id: &str| json!({"id": id, "idProperty": "email", "properties": {"city": "Bonn"}});
    assert_eq!(batch(&mut client, "upsert", json!([row("b@example.org"), row("B@example.org")])).status, 400);
}

#[test]
fn s4_upsert_says_what_is_new_and_sets_its_key() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    let row = |email: &str| json!({"id": email, "idProperty": "email", "properties": {"city": "Bonn"}});
    let reply = batch(&mut client, "upsert", json!([row("ann@example.org"), row("bob@example.org")]));
    assert_eq!(reply.status, 200);
    for result in reply.results() {
        let is_old = result["id"] == json!(id);
        assert_eq!(result["new"], json!(!is_old));
        assert_eq!(result["properties"]["email"], if is_old { "ann@example.org" } else { "bob@example.org" });
        assert_eq!(result["properties"]["city"], "Bonn");
    }
    let writes = client.hubspot.writes();
    assert_eq!(writes.iter().map(|it| it.created).collect::<Vec<_>>(), [true, false, true]);
    let row = json!([{"id": "Bonn", "idProperty": "city", "properties": {}}]);
    assert_eq!(batch(&mut client, "upsert", row).status, 400, "only unique properties");
}

#[test]
fn s4_an_upsert_by_address_is_never_partial() {
    let mut client = Client::new();
    let row = |name: &str, id: &str, stage: &str| json!({"id": id, "idProperty": name, "objectWriteTraceId": id, "properties": {"lastname": "A", "lifecyclestage": stage}});
    let by_address = json!([row("email", "a@example.org", "lead"), row("email", "b@example.org", "Lead")]);
    assert_eq!(batch(&mut client, "upsert", by_address).status, 400);
    assert!(client.hubspot.writes().is_empty());
    let by_number = json!([row("customer_number", "C-1", "lead"), row("customer_number", "C-2", "Lead")]);
    let reply = batch(&mut client, "upsert", by_number);
    assert_eq!((reply.status, reply.results().len()), (207, 1));
}

#[test]
fn s4_results_come_in_an_order_of_their_own() {
    let mut client = Client::new();
    let reply = batch(&mut client, "create", addresses(20));
    let mut sorted = reply.ids();
    sorted.sort();
    assert_ne!(reply.ids(), sorted);
}

#[test]
fn s4_archive_passes_over_ids_that_nobody_has() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org"}));
    assert_eq!(batch(&mut client, "archive", json!([{"id": id}, {"id": "17"}])).status, 204);
    assert_eq!(client.get(&format!("/crm/v3/objects/contacts/{id}")).status, 404);
}
