//! The account's own life: its seed, its people, its clock, its log and its file.

use std::collections::BTreeMap;

use super::*;
use crate::hubspot::{WriteEntry, WriteVerb};

const CONTACTS: &str = "/crm/v3/objects/contacts";

fn seeded(records: usize) -> Options {
    Options { records, tier: Tier::Unlimited, ..Options::default() }
}

#[test]
fn the_seed_is_as_uneven_as_real_records_are() {
    let hubspot = HubSpot::new(seeded(2_000));
    let contacts: Vec<_> = hubspot.records("contacts").expect("contacts exist").collect();
    assert_eq!((contacts.len(), hubspot.records("companies").expect("companies exist").count()), (2_000, 400));
    let count =
        |test: &dyn Fn(&BTreeMap<String, String>) -> bool| contacts.iter().filter(|it| test(&it.values)).count();
    let customers = count(&|it| it.get("lifecyclestage").is_some_and(|stage| stage == "customer"));
    assert!((900..1_100).contains(&customers), "about half: {customers}");
    assert!(count(&|it| !it.contains_key("email")) > 50, "some lack an address");
    assert!(count(&|it| it.get("email").is_some_and(|email| email.contains("EXAMPLE"))) > 20, "some shout");
    assert!(count(&|it| it.get("firstname").is_some_and(|name| !name.is_ascii())) > 200, "not all names are English");
    let mut stamps: BTreeMap<Timestamp, usize> = BTreeMap::new();
    contacts.iter().for_each(|it| *stamps.entry(it.modified_at).or_default() += 1);
    assert!(stamps.values().any(|n| *n >= 15), "imports and bulk edits share a millisecond");
    let past = Options::default().started_at;
    assert!(contacts.iter().all(|it| it.created_at <= it.modified_at && it.modified_at < past));
    assert!(contacts.windows(2).all(|pair| pair[0].created_at <= pair[1].created_at), "ids and stamps rise together");
}

#[test]
fn seeded_records_pass_the_accounts_own_rules() {
    let hubspot = HubSpot::new(seeded(500));
    for (place, object) in ["contacts", "companies"].into_iter().enumerate() {
        for record in hubspot.records(object).expect("it exists") {
            let given: Vec<(String, String)> = record.values.into_iter().collect();
            let object = crate::hubspot::kinds::Object(place);
            let accepted = hubspot.accept(object, &given).unwrap_or_else(|bad| panic!("{bad:?}"));
            let own = record.id.parse().ok();
            assert_eq!(hubspot.clash(object, &accepted, own), None);
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_account_and_another_does_not() {
    let records =
        |seed| HubSpot::new(Options { seed, ..seeded(100) }).records("contacts").expect("it").collect::<Vec<_>>();
    assert_eq!(records(1), records(1));
    assert_ne!(records(1), records(2));
}

/// Twenty thousand records in the time of a test, and pages that do not walk past all of them.
#[test]
fn large_accounts_are_quick() {
    let mut client = Client::with(seeded(20_000));
    let mut from = 0;
    let mut pages = 0;
    loop {
        let filters = json!([{"propertyName": "lastmodifieddate", "operator": "GTE", "value": from.to_string()}]);
        let page = client.search(json!({"filters": filters, "sorts": ["lastmodifieddate"], "limit": 200}));
        pages += 1;
        let last = page.column("lastmodifieddate").pop().and_then(|text| Timestamp::parse(&text)).expect("rows");
        if page.results().len() < 200 {
            break;
        }
        from = last.millis().max(from + 1);
    }
    assert!(pages >= 90, "{pages}");
}

#[test]
fn churn_makes_and_changes_records_that_nobody_wrote() {
    let mut client = Client::with(seeded(200));
    let changes = client.hubspot.churn(100, client.now);
    let made = changes.iter().filter(|change| change.created).count();
    assert!((15..60).contains(&made), "about a third are new: {made}");
    assert!(changes.iter().all(|change| change.at == client.now));
    for change in &changes {
        let record = client.hubspot.record(change.object, &change.id).expect("it exists");
        assert_eq!(record.modified_at, client.now);
    }
    assert!(client.hubspot.writes().is_empty());
    let mut again = Client::with(seeded(200));
    assert_eq!(again.hubspot.churn(100, again.now), changes);
    let mut in_two = Client::with(seeded(200));
    let mut parts = in_two.hubspot.churn(40, in_two.now);
    parts.extend(in_two.hubspot.churn(60, in_two.now));
    assert_eq!(parts, changes);
}

#[test]
fn churn_fills_an_empty_account() {
    let mut client = Client::new();
    assert!(client.hubspot.churn(1, client.now)[0].created);
}

#[test]
fn stamps_can_be_given_equal_future_and_past() {
    let mut client = Client::new();
    let future = NOW + Duration::from_secs(86_400);
    let id = client.hubspot.insert("contacts", future, &[("lastname", "A")], NOW).expect("contacts exist");
    let stamp = |client: &Client| client.hubspot.record("contacts", &id).expect("it exists").modified_at;
    assert_eq!(stamp(&client), future);
    client.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": "Bonn"}}));
    assert_eq!(stamp(&client), future, "stamps of one record never fall");
    assert_eq!(client.hubspot.server_time(NOW), NOW, "and the server's clock did not follow");
    client.hubspot.edit("contacts", &id, NOW, &[("city", "")], NOW).expect("it exists");
    let record = client.hubspot.record("contacts", &id).expect("it exists");
    assert_eq!((record.modified_at, record.values.contains_key("city")), (NOW, false));
    assert!(client.hubspot.insert("contacts", NOW, &[("no_such", "A")], NOW).is_err());
    assert!(client.hubspot.edit("contacts", "17", NOW, &[], NOW).is_err());
    client.hubspot.remove("contacts", &id, NOW).expect("it exists");
    assert_eq!(client.get(CONTACTS).ids().len(), 0);
}

#[test]
fn the_server_never_goes_behind_a_stamp_it_gave() {
    let mut client = Client::new();
    client.hubspot.set_skew(60_000);
    client.contact(json!({"lastname": "A"}));
    client.hubspot.set_skew(-60_000);
    let second = client.post(CONTACTS, json!({"properties": {"lastname": "B"}}));
    assert_eq!(second.body["createdAt"], (NOW + Duration::from_secs(60)).to_string());
}

#[test]
fn an_account_tells_when_search_will_know_everything() {
    let mut client = Client::with(Options { lag: Duration::from_secs(5), ..Options::default() });
    assert_eq!(client.hubspot.visible_at(), None);
    client.hubspot.churn(50, client.now);
    let at = client.hubspot.visible_at().expect("changes are on their way");
    assert!(at > NOW && at <= NOW + Duration::from_secs(5));
    client.now = at;
    client.search(json!({}));
    assert_eq!(client.hubspot.visible_at(), None);
}

#[test]
fn a_property_can_vanish_while_clients_use_it() {
    let mut client = Client::with(seeded(50));
    client.hubspot.remove_property("contacts", "lifecyclestage").expect("it exists");
    let filters = json!([{"propertyName": "lifecyclestage", "operator": "EQ", "value": "customer"}]);
    assert_eq!(client.search(json!({"filters": filters})).status, 400);
}

#[test]
fn ids_may_grow_in_length() {
    let mut client = Client::with(Options { first_id: 95, ..seeded(0) });
    let ids: Vec<String> = (0..20).map(|n| client.contact(json!({"lastname": format!("N{n}")}))).collect();
    assert!(ids[0].len() == 2 && ids[19].len() == 3);
    client.hubspot.index_everything();
    assert_eq!(client.search(json!({"sorts": ["hs_object_id"], "limit": 20})).ids(), ids, "ordered as numbers");
}

#[test]
fn the_log_tells_every_applied_write_as_it_was_sent() {
    let mut client = Client::new();
    let id = client.contact(json!({"email": "ann@example.org", "closedate": "0"}));
    client.post(CONTACTS, json!({"properties": {"email": "ann@example.org"}}));
    client.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {"city": ""}}));
    client.delete(&format!("{CONTACTS}/{id}"));
    let entry = |sequence, verb, values: &[(&str, &str)], created| WriteEntry {
        sequence,
        at: NOW,
        object: "contacts".to_owned(),
        verb,
        id: id.clone(),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        created,
    };
    let expected = [
        entry(1, WriteVerb::Create, &[("email", "ann@example.org"), ("closedate", "0")], true),
        entry(2, WriteVerb::Update, &[("city", "")], false),
        entry(3, WriteVerb::Archive, &[], false),
    ];
    assert_eq!(client.hubspot.writes(), expected);
}

#[test]
fn the_log_is_in_its_file_before_the_answer_leaves() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("writes.jsonl");
    let mut client = Client::with(Options { log_path: Some(path.clone()), ..Options::default() });
    let lines = || std::fs::read_to_string(&path).unwrap_or_default();
    client.get(CONTACTS);
    assert_eq!(lines(), "");
    client.contact(json!({"lastname": "A"}));
    client.contact(json!({"lastname": "B"}));
    let read: Vec<WriteEntry> =
        lines().lines().map(|line| serde_json::from_str(line).expect("a line of the log")).collect();
    assert_eq!(read, client.hubspot.writes());
    assert_eq!(read.len(), 2);
}

#[test]
fn a_saved_account_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let options =
        || Options { records: 300, lag: Duration::from_secs(60), tier: Tier::Unlimited, ..Options::default() };
    let mut client = Client::with(options());
    client.hubspot.churn(40, client.now);
    let gone = client.contact(json!({"email": "gone@example.org"}));
    client.delete(&format!("{CONTACTS}/{gone}"));
    client.contact(json!({"email": "ann@example.org"}));
    client.pass(Duration::from_secs(20));
    client.hubspot.save(&path).expect("a folder to write to");
    let mut copy = Client {
        hubspot: HubSpot::load_or_new(&path, options()).expect("a state"),
        now: client.now,
        token: client.token.clone(),
    };
    let play = |client: &mut Client| {
        let mut seen = Vec::new();
        for _ in 0..5 {
            client.pass(Duration::from_secs(10));
            client.hubspot.churn(5, client.now);
            seen.push(client.search(json!({"sorts": ["-lastmodifieddate"], "limit": 100})).response);
            seen.push(client.post(CONTACTS, json!({"properties": {"email": "ann@example.org"}})).response);
            seen.push(client.get(&format!("{CONTACTS}?archived=true")).response);
            seen.push(client.post(CONTACTS, json!({"properties": {"lastname": "A"}})).response);
        }
        seen
    };
    let (original, copied) = (play(&mut client), play(&mut copy));
    for (original, copied) in original.into_iter().zip(copied) {
        assert_eq!(String::from_utf8_lossy(&original.body), String::from_utf8_lossy(&copied.body));
        assert_eq!(original, copied);
    }
    assert_eq!(copy.hubspot.writes()[0].sequence, 4, "the log counts on");
}

#[test]
fn a_loaded_account_never_goes_behind_its_stamps() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.json");
    let mut client = Client::new();
    client.contact(json!({"lastname": "A"}));
    client.hubspot.save(&path).expect("a folder to write to");
    let loaded = HubSpot::load(&path, Options::default()).expect("a state");
    assert_eq!(loaded.server_time(NOW - Duration::from_secs(3_600)), NOW);
    std::fs::write(&path, "{}").expect("a folder to write to");
    assert!(HubSpot::load(&path, Options::default()).is_err());
}
