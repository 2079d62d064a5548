//! Section 8: what records may hold.

use super::*;

const PROPERTIES: &str = "/crm/v3/properties/contacts";

fn marker() -> Value {
    json!({
        "name": "effect_marker", "label": "Effect", "type": "string", "fieldType": "text",
        "groupName": "contactinformation", "hasUniqueValue": true,
    })
}

fn changed(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[test]
fn s8_the_list_is_unpaged_and_each_tells_whether_it_is_writable() {
    let mut client = Client::new();
    let list = client.get(PROPERTIES);
    assert!(list.body.get("paging").is_none() && list.results().len() > 30);
    let of = |name: &str| list.results().iter().find(|it| it["name"] == name).expect("a property").clone();
    assert_eq!(of("hs_object_id")["modificationMetadata"]["readOnlyValue"], true);
    assert_eq!(of("hs_is_contact")["calculated"], true);
    assert_eq!(of("email")["modificationMetadata"]["readOnlyValue"], false);
    assert_eq!(of("customer_number")["hasUniqueValue"], true);
    let stage = of("lifecyclestage");
    assert_eq!((&stage["type"], &stage["fieldType"]), (&json!("enumeration"), &json!("radio")));
    assert_eq!(
        stage["options"][5],
        json!({"label": "Customer", "value": "customer", "description": "", "displayOrder": 5, "hidden": false})
    );
    assert_eq!(of("closedate")["fieldType"], "date", "a datetime has the widget of a date");
    assert!(stage.get("archived").is_none(), "it may be absent");
    assert_eq!(client.get("/crm/properties/2026-09/0-2").status, 200);
    let one = client.get(&format!("{PROPERTIES}/email"));
    assert_eq!((one.status, &one.body), (200, &of("email")));
    assert_eq!(client.get(&format!("{PROPERTIES}/no_such")).status, 404);
    assert_eq!(client.get(&format!("{PROPERTIES}?dataSensitivity=sensitive")).results().len(), 0);
}

#[test]
fn s8_a_made_property_works_at_once() {
    let mut client = Client::new();
    let made = client.post(PROPERTIES, marker());
    assert_eq!((made.status, &made.body["hasUniqueValue"]), (201, &json!(true)));
    let row = json!({"inputs": [{"id": "e-1", "idProperty": "effect_marker", "properties": {"lastname": "A"}}]});
    let first = client.post("/crm/v3/objects/contacts/batch/upsert", row.clone());
    let second = client.post("/crm/v3/objects/contacts/batch/upsert", row);
    assert_eq!((&first.results()[0]["new"], &second.results()[0]["new"]), (&json!(true), &json!(false)));
    assert_eq!(first.ids(), second.ids());
}

#[test]
fn s8_a_create_needs_its_five_members() {
    let mut client = Client::new();
    for name in ["name", "label", "type", "fieldType", "groupName"] {
        let mut body = marker();
        body.as_object_mut().expect("an object").remove(name);
        assert_eq!(client.post(PROPERTIES, body).status, 400, "{name}");
    }
    for (name, value) in [("type", "text"), ("fieldType", "number"), ("name", "Effect Marker"), ("name", "1st")] {
        assert_eq!(client.post(PROPERTIES, changed(marker(), name, json!(value))).status, 400, "{name} {value}");
    }
}

#[test]
fn s8_refusals_of_a_create() {
    let mut client = Client::new();
    client.post(PROPERTIES, marker());
    let twice = client.post(PROPERTIES, marker());
    assert_eq!(twice.refusal(), (409, "OBJECT_ALREADY_EXISTS", "A property named 'effect_marker' already exists."));
    assert_eq!(twice.body["subCategory"], "Properties.PROPERTY_WITH_NAME_EXISTS");
    let other = changed(marker(), "name", json!("other"));
    let group = client.post(PROPERTIES, changed(other.clone(), "groupName", json!("nowhere")));
    assert_eq!((group.status, &group.body["category"]), (400, &json!("GROUP_DOES_NOT_EXIST")));
    let flag = changed(changed(other, "type", json!("bool")), "fieldType", json!("booleancheckbox"));
    let no_options = client.post(PROPERTIES, flag.clone());
    assert_eq!((no_options.status, &no_options.body["category"]), (400, &json!("INVALID_BOOLEAN_OPTION")));
    let options = json!([{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}]);
    assert_eq!(client.post(PROPERTIES, changed(flag, "options", options)).status, 201);
}

#[test]
fn s8_at_most_ten_unique_properties() {
    let mut client = Client::new();
    // The account has one already.
    for n in 0..9 {
        assert_eq!(client.post(PROPERTIES, changed(marker(), "name", json!(format!("unique_{n}")))).status, 201);
    }
    assert_eq!(client.post(PROPERTIES, marker()).status, 400);
    assert_eq!(client.post(PROPERTIES, changed(marker(), "hasUniqueValue", json!(false))).status, 201);
    let later = client.patch(&format!("{PROPERTIES}/effect_marker"), json!({"hasUniqueValue": true}));
    assert_eq!(later.status, 400, "only settable at creation");
}

#[test]
fn s8_an_archived_name_comes_back_with_its_values() {
    let mut client = Client::new();
    client.post(PROPERTIES, marker());
    let id = client.contact(json!({"lastname": "A", "effect_marker": "e-1"}));
    assert_eq!(client.delete(&format!("{PROPERTIES}/effect_marker")).status, 204);
    assert_eq!(client.get(&format!("{PROPERTIES}/effect_marker")).status, 404);
    assert_eq!(client.get(&format!("{PROPERTIES}/effect_marker?archived=true")).status, 200);
    let path = format!("/crm/v3/objects/contacts/{id}?properties=effect_marker");
    assert_eq!(client.get(&path).body["properties"], json!({}));
    assert_eq!(client.post(PROPERTIES, marker()).status, 201);
    assert_eq!(client.get(&path).body["properties"]["effect_marker"], "e-1");
    let again = json!({"properties": {"lastname": "B", "effect_marker": "e-1"}});
    assert_eq!(client.post("/crm/v3/objects/contacts", again).status, 400, "and with them, who holds them");
}

#[test]
fn s8_a_patch_keeps_options_or_replaces_them() {
    let mut client = Client::new();
    let label = client.patch(&format!("{PROPERTIES}/interests"), json!({"label": "Hobbies"}));
    assert_eq!((label.status, label.body["options"].as_array().map(Vec::len)), (200, Some(4)));
    let options = json!([{"label": "Go", "value": "go"}]);
    let replaced = client.patch(&format!("{PROPERTIES}/interests"), json!({"options": options}));
    assert_eq!(replaced.body["options"].as_array().map(Vec::len), Some(1));
    let refused =
        client.post("/crm/v3/objects/contacts", json!({"properties": {"lastname": "A", "interests": "chess"}}));
    assert_eq!(refused.body["errors"][0]["code"], "INVALID_OPTION");
    assert!(refused.message().contains("chess was not one of the allowed options: [go]"));
}

#[test]
fn s8_groups_are_listed_and_made() {
    let mut client = Client::new();
    assert_eq!(client.get(&format!("{PROPERTIES}/groups")).results()[0]["name"], "contactinformation");
    let group = json!({"name": "millrace", "label": "Millrace"});
    assert_eq!(client.post(&format!("{PROPERTIES}/groups"), group).status, 201);
    assert_eq!(client.post(PROPERTIES, changed(marker(), "groupName", json!("millrace"))).status, 201);
}
