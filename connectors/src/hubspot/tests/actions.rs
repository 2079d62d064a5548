//! Associations, lists and notes, against the stand-in.

use sandbox::hubspot::WriteVerb;
use sdk::{ActionCall, Applied, Class, EffectId, Error, Fields, Method, Repeat, Verb};
use serde_json::{Value as Json, json};

use super::sandbox::{World, id};

impl World {
    async fn act(&self, action: &str, with: &[(&str, &str)]) -> Result<Fields, Error> {
        Ok(self.connection.act(&call(action, with)).await?.result)
    }

    async fn made(&self, object: &str, fields: &[(&str, &str)]) -> String {
        id(self.write(object, Verb::Create, fields).await).0
    }
}

fn call(action: &str, with: &[(&str, &str)]) -> ActionCall {
    let with = with.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    ActionCall { effect_id: EffectId::new("effect"), action: action.to_owned(), with }
}

#[tokio::test]
async fn two_records_are_associated_once_however_often_they_are() {
    let world = World::quick();
    let ada = world.made("contacts", &[("email", "ada@example.com")]).await;
    let acme = world.made("companies", &[("name", "Acme")]).await;
    let with = [("from", "contacts"), ("from_id", &*ada), ("to", "companies"), ("to_id", &*acme)];
    for _ in 0..2 {
        assert_eq!(world.act("associate", &with).await.unwrap(), Fields::new());
    }
    assert_eq!(world.connection.repeat_action(&call("associate", &with)), Repeat::Safe);
    let path = format!("/crm/v4/objects/companies/{acme}/associations/contacts");
    let found = world.ask(Method::Get, &path, Json::Null);
    let number: u64 = ada.parse().unwrap();
    let types = json!([{ "category": "HUBSPOT_DEFINED", "typeId": 280, "label": null }]);
    assert_eq!(found["results"], json!([{ "toObjectId": number, "associationTypes": types }]));

    let gone = [("from", "contacts"), ("from_id", "1"), ("to", "companies"), ("to_id", &*acme)];
    let error = world.act("associate", &gone).await.expect_err("nobody");
    assert_eq!((error.class, error.applied), (Class::NotFound, Applied::No));
}

#[tokio::test]
async fn a_list_takes_a_record_once_and_says_whether_it_was_new() {
    let world = World::quick();
    let ada = world.made("contacts", &[("email", "ada@example.com")]).await;
    let list = |name: &str, kind: &str| json!({ "name": name, "objectTypeId": "0-1", "processingType": kind, "filterBranch": {} });
    let made = world.ask(Method::Post, "/crm/v3/lists", list("Guests", "MANUAL"));
    let guests = made["list"]["listId"].as_str().expect("an id").to_owned();
    let with = [("list", &*guests), ("record", &*ada)];
    for (action, result, changed) in [
        ("add_to_list", "added", true),
        ("add_to_list", "added", false),
        ("remove_from_list", "removed", true),
        ("remove_from_list", "removed", false),
    ] {
        assert_eq!(world.act(action, &with).await.unwrap()[result], sdk::Value::Bool(changed), "{action}");
        assert_eq!(world.connection.repeat_action(&call(action, &with)), Repeat::Safe);
    }

    // A list says that all is well, and that it knows no such record.
    let error = world.act("add_to_list", &[("list", &*guests), ("record", "404")]).await.expect_err("nobody");
    assert_eq!((error.class, error.applied), (Class::NotFound, Applied::No));
    assert_eq!(error.message, "HubSpot has no such record: 404");
    let error = world.act("add_to_list", &[("list", "99"), ("record", &*ada)]).await.expect_err("no such list");
    assert_eq!(error.class, Class::NotFound);
    let made = world.ask(Method::Post, "/crm/v3/lists", list("All", "DYNAMIC"));
    let dynamic = made["list"]["listId"].as_str().expect("an id").to_owned();
    let error = world.act("add_to_list", &[("list", &*dynamic), ("record", &*ada)]).await.expect_err("dynamic");
    assert_eq!((error.class, error.applied), (Class::Invalid, Applied::No));
}

#[tokio::test]
async fn a_note_stands_at_its_record_and_another_try_would_make_another() {
    let world = World::quick();
    for (object, fields) in [("contacts", ("email", "ada@example.com")), ("companies", ("name", "Acme"))] {
        let record = world.made(object, &[fields]).await;
        let with = [("object", object), ("record", &*record), ("body", "Called."), ("at", "2026-10-30T09:00:00Z")];
        let note = world.act("log_note", &with).await.unwrap()["id"].to_text();
        let path = format!("/crm/v4/objects/{object}/{record}/associations/notes");
        assert_eq!(world.ask(Method::Get, &path, Json::Null)["results"][0]["toObjectId"].to_string(), note);
        let path = format!("/crm/v3/objects/notes/{note}?properties=hs_note_body,hs_timestamp");
        let kept = world.ask(Method::Get, &path, Json::Null);
        assert_eq!(kept["properties"]["hs_note_body"], "Called.");
        assert_eq!(kept["properties"]["hs_timestamp"], "2026-10-30T09:00:00.000Z");
        assert_eq!(world.connection.repeat_action(&call("log_note", &with)), Repeat::Unsafe);
    }
    // One that belongs to nobody is not made.
    let with = [("object", "contacts"), ("record", "1"), ("body", "Called."), ("at", "2026-10-30T09:00:00Z")];
    let error = world.act("log_note", &with).await.expect_err("nobody");
    assert_eq!((error.class, error.applied), (Class::Invalid, Applied::No));
    let account = world.account();
    let notes = account.writes().iter().filter(|write| write.object == "notes" && write.verb == WriteVerb::Create);
    assert_eq!(notes.count(), 2);
}
