//! Sections 9, 10 and 11: which records belong together, notes, and lists.

use super::*;

/// A contact, a company and a deal.
fn three(client: &mut Client) -> [String; 3] {
    let contact = client.contact(json!({"email": "ada@example.org"}));
    let company = client.record("companies", json!({"name": "Acme"}));
    let deal = json!({"dealname": "Big", "dealstage": "contractsent", "pipeline": "default"});
    [contact, company, client.record("deals", deal)]
}

fn default(from: &str, id: &str, to: &str, other: &str) -> String {
    format!("/crm/v4/objects/{from}/{id}/associations/default/{to}/{other}")
}

#[test]
fn s9_a_default_association_has_a_type_in_each_direction_and_stamps_nobody() {
    let mut client = Client::new();
    let [contact, company, deal] = three(&mut client);
    let before = client.get(&format!("/crm/v3/objects/contacts/{contact}")).body["updatedAt"].clone();
    client.pass(Duration::from_secs(5));
    let reply = client.send(Method::Put, &default("contacts", &contact, "companies", &company), None);
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("COMPLETE")));
    assert_eq!(reply.body["results"][0]["associationSpec"]["associationTypeId"], 279);
    assert_eq!(client.send(Method::Put, &default("0-1", &contact, "0-3", &deal), None).status, 200);
    for (path, other, type_id) in [
        (format!("/crm/v4/objects/contacts/{contact}/associations/companies"), &company, 279),
        (format!("/crm/v4/objects/companies/{company}/associations/contacts"), &contact, 280),
        (format!("/crm/v4/objects/contacts/{contact}/associations/deals"), &deal, 4),
        (format!("/crm/v4/objects/deals/{deal}/associations/contacts"), &contact, 3),
    ] {
        let found = client.get(&path);
        assert_eq!(found.results().len(), 1, "{path}");
        assert_eq!(found.results()[0]["toObjectId"].as_u64(), other.parse().ok(), "a number, not a text");
        assert_eq!(found.results()[0]["associationTypes"][0]["typeId"], type_id, "{path}");
    }
    assert_eq!(client.get(&format!("/crm/v3/objects/contacts/{contact}")).body["updatedAt"], before);
}

#[test]
fn s9_associations_end_follow_a_merge_and_leave_with_their_record() {
    let mut client = Client::new();
    let [contact, company, _] = three(&mut client);
    let of_company = format!("/crm/v4/objects/companies/{company}/associations/contacts");
    let path = default("contacts", &contact, "companies", &company);
    client.send(Method::Put, &path, None);
    let survivor = client.contact(json!({"email": "eva@example.org"}));
    let merge = json!({"primaryObjectId": survivor, "objectIdToMerge": contact});
    assert_eq!(client.post("/crm/v3/objects/contacts/merge", merge).status, 200);
    assert_eq!(client.get(&of_company).results()[0]["toObjectId"].to_string(), survivor);
    client.delete(&format!("/crm/v3/objects/contacts/{survivor}"));
    assert_eq!(client.get(&of_company).results(), &[] as &[Value]);

    let other = client.contact(json!({"email": "bob@example.org"}));
    client.send(Method::Put, &default("contacts", &other, "companies", &company), None);
    let one = format!("/crm/v4/objects/companies/{company}/associations/contacts/{other}");
    assert_eq!(client.delete(&one).status, 204);
    assert_eq!(client.get(&of_company).results(), &[] as &[Value]);
}

#[test]
fn s9_what_cannot_be_associated_is_refused() {
    let mut client = Client::new();
    let [contact, company, _] = three(&mut client);
    assert_eq!(client.send(Method::Put, &default("contacts", "1", "companies", &company), None).status, 404);
    assert_eq!(client.send(Method::Put, &default("contacts", &contact, "cars", "1"), None).status, 400);
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/companies");
    assert_eq!(client.post(&path, json!({})).status, 405);
    client.token = Some("pat-na1-other".to_owned());
    assert_eq!(client.get(&path).status, 401);
}

#[test]
fn s9_a_create_may_say_whom_the_record_belongs_to() {
    let mut client = Client::new();
    let [contact, ..] = three(&mut client);
    let mut note = |to: &str, type_id: u64| {
        let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]);
        let properties = json!({"hs_timestamp": "2026-10-30T09:00:00Z", "hs_note_body": "Called."});
        let body = json!({"properties": properties, "associations": [{"to": {"id": to}, "types": types}]});
        client.post("/crm/v3/objects/notes", body)
    };
    let made = note(&contact, 202);
    assert_eq!(made.status, 201, "{}", made.body);
    let reversed = note(&contact, 201);
    assert_eq!(reversed.status, 400);
    assert!(reversed.message().contains("for associations to be created. expected: 0-46"), "{}", reversed.message());
    let nobody = note("1", 202);
    assert_eq!((nobody.status, nobody.message()), (400, "One or more associations are invalid"));
    let notes = client.get(&format!("/crm/v4/objects/contacts/{contact}/associations/notes"));
    assert_eq!(notes.results()[0]["toObjectId"].to_string(), made.id(), "and the refused ones made no note");
    assert_eq!(notes.results().len(), 1);
}

#[test]
fn s10_a_note_needs_its_moment_and_shows_little_unasked() {
    let mut client = Client::new();
    let refused = client.post("/crm/v3/objects/notes", json!({"properties": {"hs_note_body": "x"}}));
    assert_eq!(refused.status, 400);
    let note = client.record("notes", json!({"hs_timestamp": "2026-10-30T09:00:00Z", "hs_note_body": "x"}));
    let shown = client.get(&format!("/crm/v3/objects/notes/{note}"));
    let names: Vec<_> = shown.body["properties"].as_object().expect("properties").keys().collect();
    assert_eq!(names, ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]);
}

#[test]
fn s11_a_manual_list_takes_records_and_says_which_are_missing() {
    let mut client = Client::new();
    let contact = client.contact(json!({"email": "ada@example.org"}));
    let list = |name: &str, kind: &str| json!({"name": name, "objectTypeId": "0-1", "processingType": kind});
    let made = client.post("/crm/v3/lists/", list("Guests", "MANUAL"));
    assert_eq!(made.status, 200, "although it creates");
    let id = made.body["list"]["listId"].as_str().expect("an id").to_owned();
    let twice = client.post("/crm/v3/lists", list("Guests", "MANUAL"));
    assert_eq!((twice.status, &twice.body["subCategory"]), (400, &json!("ILS.DUPLICATE_LIST_NAMES")));
    assert_eq!(client.post("/crm/v3/lists", list("All", "DYNAMIC")).status, 400, "it must have filters");

    let add = format!("/crm/v3/lists/{id}/memberships/add");
    let added = client.send(Method::Put, &add, Some(&json!([contact, "404"])));
    assert_eq!(added.status, 200);
    assert_eq!((&added.body["recordsIdsAdded"], &added.body["recordIdsMissing"]), (&json!([contact]), &json!(["404"])));
    assert_eq!(client.send(Method::Put, &add, Some(&json!([1]))).status, 400, "ids are texts");
    assert_eq!(client.send(Method::Put, &add, Some(&json!({"ids": []}))).status, 400, "a bare list");
    let members = client.get(&format!("/crm/v3/lists/{id}/memberships"));
    assert_eq!(members.results()[0]["recordId"], json!(contact));
    let remove = format!("/crm/v3/lists/{id}/memberships/remove");
    let removed = client.send(Method::Put, &remove, Some(&json!([contact])));
    assert_eq!(removed.body["recordIdsRemoved"], json!([contact]));
    assert_eq!(client.get(&format!("/crm/v3/lists/{id}/memberships")).results(), &[] as &[Value]);

    let dynamic = json!({"name": "All", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": {}});
    let dynamic = client.post("/crm/v3/lists", dynamic).body["list"]["listId"].as_str().expect("an id").to_owned();
    let add = format!("/crm/v3/lists/{dynamic}/memberships/add");
    assert_eq!(client.send(Method::Put, &add, Some(&json!([contact]))).status, 400);
}

#[test]
fn what_belongs_together_and_lists_outlive_a_restart() {
    let mut client = Client::new();
    let [contact, company, _] = three(&mut client);
    client.send(Method::Put, &default("contacts", &contact, "companies", &company), None);
    let made = client.post("/crm/v3/lists", json!({"name": "G", "objectTypeId": "0-1", "processingType": "MANUAL"}));
    let list = made.body["list"]["listId"].as_str().expect("an id").to_owned();
    client.send(Method::Put, &format!("/crm/v3/lists/{list}/memberships/add"), Some(&json!([contact])));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    client.hubspot.save(&path).expect("saved");
    let options = Options { tier: Tier::Unlimited, lag: Duration::ZERO, ..Options::default() };
    client.hubspot = HubSpot::load(&path, options).expect("loaded");
    let found = client.get(&format!("/crm/v4/objects/companies/{company}/associations/contacts"));
    assert_eq!(found.results()[0]["toObjectId"].to_string(), contact);
    let members = client.get(&format!("/crm/v3/lists/{list}/memberships"));
    assert_eq!(members.results()[0]["recordId"], json!(contact));
}
