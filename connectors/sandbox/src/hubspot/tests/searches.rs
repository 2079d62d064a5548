//! Section 5: search.

use super::*;

/// Three people who differ where filters look.
fn people() -> Client {
    let mut client = Client::new();
    client.contact(json!({
        "email": "ann@example.org", "firstname": "Ann", "city": "Bonn", "lifecyclestage": "customer", "loyalty_points": "10",
        "closedate": "2026-03-01T10:00:00Z", "newsletter": "true", "phone": "+1 617 5550101", "hs_lead_status": "NEW",
    }));
    client.pass(Duration::from_secs(1));
    client.contact(json!({
        "email": "bob@example.org", "firstname": "Bob", "city": "bonn", "lifecyclestage": "lead", "loyalty_points": "9",
        "closedate": "2026-04-01T10:00:00Z",
    }));
    client.pass(Duration::from_secs(1));
    client.contact(json!({"email": "cem@other.net", "firstname": "Cem", "city": "New York"}));
    client
}

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";
const CEM: &str = "cem@other.net";

#[test]
fn s5_each_operator() {
    let mut client = people();
    let mut found = |name: &str, operator: &str, operands: Value| client.found(name, operator, operands);
    assert_eq!(found("loyalty_points", "EQ", json!({"value": "9"})), [BOB]);
    assert_eq!(found("loyalty_points", "LT", json!({"value": "10"})), [BOB], "numbers, not text");
    assert_eq!(found("loyalty_points", "LTE", json!({"value": "10"})), [ANN, BOB]);
    assert_eq!(found("loyalty_points", "GT", json!({"value": "9"})), [ANN]);
    assert_eq!(found("loyalty_points", "GTE", json!({"value": "9"})), [ANN, BOB]);
    assert_eq!(found("loyalty_points", "BETWEEN", json!({"value": "9", "highValue": "10"})), [ANN, BOB], "inclusive");
    assert_eq!(found("loyalty_points", "IN", json!({"values": ["9", "11"]})), [BOB]);
    assert_eq!(found("lifecyclestage", "IN", json!({"values": ["customer", "other"]})), [ANN]);
    assert_eq!(found("city", "HAS_PROPERTY", json!({})), [ANN, BOB, CEM]);
    assert_eq!(found("newsletter", "NOT_HAS_PROPERTY", json!({})), [BOB, CEM]);
    assert_eq!(found("email", "CONTAINS_TOKEN", json!({"value": "*@example.org"})), [ANN, BOB]);
    assert_eq!(found("city", "CONTAINS_TOKEN", json!({"value": "york"})), [CEM]);
    assert_eq!(found("city", "NOT_CONTAINS_TOKEN", json!({"value": "york"})), [ANN, BOB]);
    assert_eq!(found("newsletter", "EQ", json!({"value": "true"})), [ANN]);
}

#[test]
fn s5_text_has_no_case_except_for_in_and_enumerations_always_have() {
    let mut client = people();
    let mut found = |name: &str, operator: &str, operands: Value| client.found(name, operator, operands);
    assert_eq!(found("city", "EQ", json!({"value": "BONN"})), [ANN, BOB]);
    assert_eq!(found("city", "NEQ", json!({"value": "BONN"})), [CEM]);
    assert_eq!(found("city", "IN", json!({"values": ["bonn"]})), [ANN, BOB]);
    assert_eq!(found("city", "IN", json!({"values": ["Bonn"]})), [""; 0], "upper case never matches");
    assert_eq!(found("city", "NOT_IN", json!({"values": ["Bonn"]})), [ANN, BOB, CEM]);
    assert_eq!(found("hs_lead_status", "EQ", json!({"value": "new"})), [""; 0]);
    assert_eq!(found("hs_lead_status", "EQ", json!({"value": "NEW"})), [ANN]);
    assert_eq!(found("hs_lead_status", "IN", json!({"values": ["NEW"]})), [ANN]);
}

#[test]
fn s5_negations_match_records_without_the_property() {
    let mut client = people();
    assert_eq!(client.found("lifecyclestage", "NEQ", json!({"value": "lead"})), [ANN, CEM]);
    assert_eq!(client.found("lifecyclestage", "NOT_IN", json!({"values": ["lead"]})), [ANN, CEM]);
}

#[test]
fn s5_stamps_are_asked_for_in_milliseconds_or_iso() {
    let mut client = people();
    let at = |text: &str| Timestamp::parse(text).expect("a moment").millis();
    let march = at("2026-03-15T00:00:00Z");
    assert_eq!(client.found("closedate", "LT", json!({"value": march.to_string()})), [ANN]);
    assert_eq!(client.found("closedate", "GTE", json!({"value": "2026-03-15T00:00:00.000Z"})), [BOB]);
    assert_eq!(
        client.found("closedate", "LT", json!({"value": (march / 1_000).to_string()})),
        [""; 0],
        "seconds are 1970"
    );
}

#[test]
fn s5_groups_are_or_and_filters_are_and() {
    let mut client = people();
    let filter = |name: &str, value: &str| json!({"propertyName": name, "operator": "EQ", "value": value});
    let both = json!([{"filters": [filter("city", "bonn"), filter("firstname", "ann")]}]);
    assert_eq!(client.search(json!({"filterGroups": both})).column("email"), [ANN]);
    let either = json!([{"filters": [filter("firstname", "cem")]}, {"filters": [filter("firstname", "ann")]}]);
    let reply = client.search(json!({"filterGroups": either}));
    assert_eq!(reply.column("email"), [ANN, CEM], "in creation order");
    assert_eq!(reply.body["total"], 2);
    let top = json!([filter("firstname", "cem")]);
    assert_eq!(client.search(json!({"filters": top})).column("email"), [CEM], "a top-level list works too");
}

#[test]
fn s5_the_query_looks_at_the_beginnings_of_words() {
    let mut client = people();
    assert_eq!(client.search(json!({"query": "EXAMPLE ann"})).column("email"), [ANN]);
    assert_eq!(client.search(json!({"query": "xample"})).column("email"), [""; 0]);
}

#[test]
fn s5_sorts_by_one_property_either_way() {
    let mut client = people();
    let up = json!([{"propertyName": "loyalty_points", "direction": "ASCENDING"}]);
    assert_eq!(client.search(json!({"sorts": up})).column("email"), [BOB, ANN, CEM], "without a value last");
    assert_eq!(client.search(json!({"sorts": ["-createdate"]})).column("email"), [CEM, BOB, ANN]);
    assert_eq!(client.search(json!({"sorts": ["-firstname"]})).column("email"), [CEM, BOB, ANN]);
    assert_eq!(client.search(json!({"sorts": ["city", "email"]})).status, 400, "one sort only");
    assert_eq!(client.search(json!({"sorts": ["no_such"]})).status, 400);
}

#[test]
fn s5_too_many_groups_or_filters_are_400() {
    let mut client = Client::new();
    let filter = json!({"propertyName": "city", "operator": "EQ", "value": "x"});
    let mut status = |sizes: &[usize]| {
        let groups: Vec<Value> = sizes.iter().map(|n| json!({"filters": vec![filter.clone(); *n]})).collect();
        let reply = client.search(json!({"filterGroups": groups}));
        if reply.status != 200 {
            assert_eq!(reply.body["category"], "VALIDATION_ERROR");
        }
        reply.status
    };
    assert_eq!(status(&[1; 5]), 200);
    assert_eq!(status(&[1; 6]), 400);
    assert_eq!(status(&[6]), 200);
    assert_eq!(status(&[7]), 400);
    assert_eq!(status(&[6, 6, 6]), 200);
    assert_eq!(status(&[6, 6, 6, 1]), 400);
}

#[test]
fn s5_a_body_has_at_most_three_thousand_characters() {
    let mut client = Client::new();
    let body = |n: usize| json!({"query": "ü".repeat(n)});
    let bare = body(0).to_string().len();
    assert_eq!(client.search(body(3_000 - bare)).status, 200, "characters, not bytes");
    assert_eq!(client.search(body(3_001 - bare)).status, 400);
}

#[test]
fn s5_pages_have_ten_rows_and_at_most_two_hundred() {
    let mut client = Client::with(Options { records: 450, tier: Tier::Unlimited, ..Options::default() });
    let first = client.search(json!({}));
    assert_eq!((first.results().len(), &first.body["total"]), (10, &json!(450)));
    assert_eq!(first.body["paging"]["next"]["after"], "10", "an integer offset, as text");
    assert_eq!(client.search(json!({"limit": 201})).status, 400);
    let mut seen = Vec::new();
    let mut after = json!(0);
    loop {
        let page = client.search(json!({"limit": 200, "after": after, "sorts": ["createdate"]}));
        seen.extend(page.ids());
        match page.body["paging"]["next"]["after"].as_str() {
            Some(next) => after = json!(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), 450);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 450);
}

#[test]
fn s5_search_sees_at_most_ten_thousand_results() {
    let mut client = Client::with(Options { records: 10_300, tier: Tier::Unlimited, ..Options::default() });
    let last = client.search(json!({"limit": 200, "after": "9800"}));
    assert_eq!((last.status, last.results().len()), (200, 200));
    assert_eq!(last.body["total"], 10_300, "the total may be more");
    assert_eq!(last.body["paging"]["next"]["after"], "10000", "and the next page is refused");
    assert_eq!(client.search(json!({"limit": 200, "after": "10000"})).status, 400);
    assert_eq!(client.search(json!({"limit": 200, "after": "9801"})).status, 400, "the stricter boundary");
}

#[test]
fn s5_search_is_behind_and_reads_are_not() {
    let mut client = Client::with(Options { tier: Tier::Unlimited, lag: Duration::from_secs(5), ..Options::default() });
    let ids: Vec<String> = (0..40).map(|n| client.contact(json!({"lastname": format!("N{n}")}))).collect();
    assert_eq!(client.get("/crm/v3/objects/contacts?limit=100").ids(), ids, "reads see their own writes");
    assert!(client.search(json!({"limit": 200})).ids().len() < 10);
    client.pass(Duration::from_millis(2_500));
    let some = client.search(json!({"limit": 200})).ids();
    assert!((5..35).contains(&some.len()), "about half are visible: {}", some.len());
    let newest_seen = ids.iter().rposition(|id| some.contains(id)).expect("some are visible");
    assert!(ids[..newest_seen].iter().any(|id| !some.contains(id)), "later changes overtake earlier ones");
    client.pass(Duration::from_millis(2_500));
    assert_eq!(client.search(json!({"limit": 200})).ids(), ids);
}

#[test]
fn s5_filters_and_order_see_the_indexed_version() {
    let mut client =
        Client::with(Options { tier: Tier::Unlimited, lag: Duration::from_secs(60), ..Options::default() });
    let id = client.contact(json!({"lastname": "A", "city": "Bonn"}));
    client.hubspot.index_everything();
    let stamp = client.now;
    client.pass(Duration::from_millis(1));
    client.patch(&format!("/crm/v3/objects/contacts/{id}"), json!({"properties": {"city": "Ulm"}}));
    let eq = |name: &str, value: String| json!({"filters": [{"propertyName": name, "operator": "EQ", "value": value}], "properties": ["city"]});
    let old = client.search(eq("city", "bonn".to_owned()));
    assert_eq!((old.ids(), old.column("city")), (vec![id.clone()], vec!["Bonn".to_owned()]));
    assert_eq!(client.search(eq("city", "ulm".to_owned())).ids().len(), 0);
    assert_eq!(client.search(eq("lastmodifieddate", stamp.millis().to_string())).ids(), std::slice::from_ref(&id));
    client.hubspot.index_everything();
    assert_eq!(client.search(eq("city", "bonn".to_owned())).ids().len(), 0);
    assert_eq!(client.search(eq("city", "ulm".to_owned())).ids(), [id]);
}

#[test]
fn s5_archived_records_never_appear() {
    let mut client =
        Client::with(Options { tier: Tier::Unlimited, lag: Duration::from_secs(60), ..Options::default() });
    let id = client.contact(json!({"lastname": "A"}));
    client.hubspot.index_everything();
    client.patch(&format!("/crm/v3/objects/contacts/{id}"), json!({"properties": {"city": "Ulm"}}));
    client.delete(&format!("/crm/v3/objects/contacts/{id}"));
    assert_eq!(client.search(json!({})).ids().len(), 0);
    client.pass(Duration::from_secs(90));
    assert_eq!(client.search(json!({})).ids().len(), 0, "nor does a change on its way bring them back");
}

#[test]
fn s5_contacts_have_their_stamp_in_a_property_of_their_own() {
    let mut client = people();
    client.record("companies", json!({"name": "A"}));
    let since = |name: &str| json!({"filters": [{"propertyName": name, "operator": "GTE", "value": "0"}]});
    assert_eq!(client.search(since("lastmodifieddate")).body["total"], 3);
    let trap = client.search(since("hs_lastmodifieddate"));
    assert_eq!((trap.status, &trap.body["total"]), (200, &json!(0)), "no rows and no error");
    let companies = client.post("/crm/v3/objects/companies/search", since("hs_lastmodifieddate"));
    assert_eq!(companies.body["total"], 1);
    assert_eq!(client.post("/crm/v3/objects/companies/search", since("lastmodifieddate")).status, 400);
}

#[test]
fn s5_phone_filters_leave_out_the_country_code() {
    let mut client = people();
    assert_eq!(client.found("phone", "EQ", json!({"value": "6175550101"})), [ANN]);
    assert_eq!(client.found("phone", "EQ", json!({"value": "+16175550101"})), [""; 0]);
    assert_eq!(client.found("phone", "CONTAINS_TOKEN", json!({"value": "*5550101"})), [ANN]);
}

#[test]
fn s5_equal_stamps_can_be_drained_by_id_and_stand_in_no_order() {
    let mut client = Client::new();
    let stamp = NOW;
    let ids: Vec<String> = (0..300)
        .map(|n| {
            client.hubspot.insert("contacts", stamp, &[("lastname", &n.to_string())], NOW).expect("contacts exist")
        })
        .collect();
    let since = json!([{"propertyName": "lastmodifieddate", "operator": "GTE", "value": stamp.millis().to_string()}]);
    let by_stamp = client.search(json!({"filters": since, "sorts": ["lastmodifieddate"], "limit": 200}));
    assert_eq!(by_stamp.body["total"], 300);
    assert_ne!(by_stamp.ids(), ids[..200], "the order among equals is nobody's to rely on");
    let mut drained = Vec::new();
    loop {
        let last = drained.last().cloned().unwrap_or_else(|| "0".to_owned());
        let filters = json!([
            {"propertyName": "lastmodifieddate", "operator": "EQ", "value": stamp.millis().to_string()},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last},
        ]);
        let page = client.search(json!({"filters": filters, "sorts": ["hs_object_id"], "limit": 100}));
        drained.extend(page.ids());
        if page.ids().len() < 100 {
            break;
        }
    }
    assert_eq!(drained, ids);
}

#[test]
fn s14_what_is_not_known_of_filters_is_refused() {
    let mut client = Client::new();
    let mut status = |filter: Value| client.search(json!({"filters": [filter]})).status;
    assert_eq!(status(json!({"propertyName": "no_such", "operator": "EQ", "value": "1"})), 400);
    assert_eq!(status(json!({"propertyName": "city", "operator": "eq", "value": "1"})), 400);
    assert_eq!(status(json!({"propertyName": "city", "operator": "GT", "value": "a"})), 400);
    assert_eq!(status(json!({"propertyName": "city", "operator": "EQ"})), 400);
    assert_eq!(status(json!({"propertyName": "city", "operator": "IN", "value": "a"})), 400);
    assert_eq!(status(json!({"propertyName": "loyalty_points", "operator": "EQ", "value": "many"})), 400);
    assert_eq!(status(json!({"propertyName": "loyalty_points", "operator": "BETWEEN", "value": "1"})), 400);
}

/// The walk by position must find what a look at every record finds, whatever the filters and the order.
#[test]
fn every_way_through_the_index_finds_the_same() {
    let mut client = Client::with(Options { records: 2_000, tier: Tier::Unlimited, ..Options::default() });
    let all: Vec<(i64, u64)> = client
        .hubspot
        .records("contacts")
        .expect("contacts exist")
        .map(|it| (it.modified_at.millis(), it.id.parse().expect("a number")))
        .collect();
    let from = all[all.len() / 2].0;
    let expected = all.iter().filter(|(stamp, _)| *stamp >= from).count();
    let bound = json!({"propertyName": "lastmodifieddate", "operator": "GTE", "value": from.to_string()});
    // Always true, but nothing that the index knows by position.
    let slow = json!({"propertyName": "lastname", "operator": "HAS_PROPERTY"});
    for sort in ["lastmodifieddate", "-lastmodifieddate", "createdate", "-createdate", "hs_object_id", "-hs_object_id"]
    {
        for after in [0, 150, 900] {
            let mut page = |filters: Value| {
                client.search(json!({"filters": filters, "sorts": [sort], "limit": 100, "after": after}))
            };
            let (quick, slow) = (page(json!([bound])), page(json!([bound, slow])));
            assert_eq!(quick.body["total"], json!(expected));
            if sort.contains("lastmodified") {
                assert_eq!(quick.column("lastmodifieddate"), slow.column("lastmodifieddate"), "{sort} after {after}");
            }
            assert_eq!(quick.ids(), slow.ids(), "{sort} after {after}");
        }
    }
}

/// A change that arrives in the index after a newer one of its record must not bring the old values back.
#[test]
fn s5_search_never_goes_back_to_an_older_version() {
    let mut client = Client::with(Options { tier: Tier::Unlimited, lag: Duration::from_secs(5), ..Options::default() });
    let id = client.contact(json!({"lastname": "A", "loyalty_points": 0}));
    client.hubspot.index_everything();
    let mut seen = 0;
    for step in 0..80 {
        if step < 60 {
            let body = json!({"properties": {"loyalty_points": step + 1}});
            client.patch(&format!("/crm/v3/objects/contacts/{id}"), body);
        }
        client.pass(Duration::from_millis(400));
        let points = client.search(json!({"properties": ["loyalty_points"]})).column("loyalty_points");
        let now: i64 = points[0].parse().expect("a number");
        assert!(now >= seen, "{now} after {seen}");
        seen = now;
    }
    assert_eq!(seen, 60);
}
