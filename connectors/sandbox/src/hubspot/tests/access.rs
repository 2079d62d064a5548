//! Sections 2, 6 and 11: tokens, scopes, limits, owners and the account about itself.

use super::*;
use crate::hubspot::AccessToken;

const CONTACTS: &str = "/crm/v3/objects/contacts";

fn of_tier(tier: Tier) -> Client {
    Client::with(Options { tier, ..Options::default() })
}

fn with_scopes(scopes: &[&str]) -> Client {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let tokens = vec![AccessToken { token: "pat-eu1-narrow".to_owned(), scopes: Some(scopes) }];
    let mut client = Client::with(Options { tokens, ..Options::default() });
    client.token = Some("pat-eu1-narrow".to_owned());
    client
}

#[test]
fn s2_without_a_good_token_everything_is_401() {
    let mut client = Client::new();
    for token in [None, Some("pat-na1-other"), Some("")] {
        client.token = token.map(str::to_owned);
        for path in [CONTACTS, "/crm/v3/owners", "/account-info/v3/details", "/nowhere"] {
            let reply = client.get(path);
            let (status, category, message) = reply.refusal();
            assert_eq!((status, category), (401, "INVALID_AUTHENTICATION"), "{path}");
            assert!(message.starts_with("Authentication credentials not found. This API supports OAuth 2.0"));
        }
    }
    let mut named = with_scopes(&[]);
    named.token = Some(DEFAULT_TOKEN.to_owned());
    assert_eq!(named.get(CONTACTS).status, 401, "the default token opens only accounts without tokens of their own");
}

#[test]
fn s2_a_missing_scope_is_403_and_named() {
    let mut client = with_scopes(&["crm.objects.contacts.read"]);
    assert_eq!(client.get(CONTACTS).status, 200);
    assert_eq!(client.search(json!({})).status, 200, "search only reads");
    assert_eq!(client.post(&format!("{CONTACTS}/batch/read"), json!({"inputs": [{"id": "1"}]})).status, 207);
    let refused = client.post(CONTACTS, json!({"properties": {"email": "a@b.cd"}}));
    assert_eq!((refused.status, &refused.body["category"]), (403, &json!("MISSING_SCOPES")));
    assert!(refused.message().starts_with("This app hasn't been granted all required scopes to make this call."));
    assert_eq!(refused.body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.write"]));
    assert!(refused.body["links"]["scopes"].is_string());
    assert_eq!(client.get("/crm/v3/objects/companies").status, 403);
    assert_eq!(client.get("/crm/v3/properties/contacts").status, 403, "definitions have scopes of their own");
}

#[test]
fn s2_some_endpoints_name_the_scopes_at_the_top() {
    let mut client = with_scopes(&["crm.objects.contacts.read"]);
    let refused = client.get("/crm/v3/owners");
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body["context"]["requiredGranularScopes"], json!(["crm.objects.owners.read"]));
    assert!(refused.body.get("errors").is_none());
}

#[test]
fn s2_any_one_of_the_scopes_suffices() {
    assert_eq!(with_scopes(&["tickets"]).get("/crm/v3/objects/tickets").status, 200);
    assert_eq!(with_scopes(&["crm.objects.tickets.read"]).get("/crm/v3/objects/tickets").status, 200);
}

#[test]
fn s2_a_token_tells_its_scopes() {
    let mut client = with_scopes(&["crm.objects.contacts.read"]);
    let reply = client.post("/oauth/v2/private-apps/get/access-token-info", json!({"tokenKey": "pat-eu1-narrow"}));
    assert_eq!(reply.body["scopes"], json!(["crm.objects.contacts.read"]));
    assert!(reply.body["hubId"].is_u64());
}

#[test]
fn s6_a_tier_bounds_ten_seconds() {
    for (tier, burst) in [(Tier::Free, 100), (Tier::Professional, 190), (Tier::Enterprise, 190)] {
        let mut client = of_tier(tier);
        for n in 0..burst {
            let reply = client.get(CONTACTS);
            assert_eq!(reply.status, 200);
            let header = |name: &str| reply.response.header(name).expect("a header").to_owned();
            assert_eq!(header("x-hubspot-ratelimit-max"), burst.to_string());
            assert_eq!(header("x-hubspot-ratelimit-remaining"), (burst - n - 1).to_string());
            assert_eq!(header("x-hubspot-ratelimit-interval-milliseconds"), "10000");
        }
        let refused = client.get(CONTACTS);
        assert_eq!(refused.status, 429);
        assert_eq!(refused.message(), "You have reached your ten_secondly_rolling limit.");
        assert_eq!(refused.body["errorType"], "RATE_LIMIT");
        assert_eq!(refused.body["policyName"], "TEN_SECONDLY_ROLLING");
        assert!(refused.body["requestId"].is_string() && refused.body.get("category").is_none());
        assert_eq!(refused.response.header("retry-after"), None);
        client.pass(Duration::from_millis(9_999));
        assert_eq!(client.get(CONTACTS).status, 429);
        client.pass(Duration::from_millis(1));
        assert_eq!(client.get(CONTACTS).status, 200);
    }
}

#[test]
fn s6_the_window_rolls() {
    let mut client = of_tier(Tier::Free);
    (0..60).for_each(|_| drop(client.get(CONTACTS)));
    client.pass(Duration::from_secs(6));
    (0..40).for_each(|_| drop(client.get(CONTACTS)));
    client.pass(Duration::from_secs(4));
    let open = (0..100).filter(|_| client.get(CONTACTS).status == 200).count();
    assert_eq!(open, 60, "the forty of four seconds ago still count");
}

#[test]
fn s6_the_burst_is_per_app_and_the_day_is_per_account() {
    let token = |token: &str| AccessToken { token: token.to_owned(), scopes: None };
    let tokens = vec![token("one"), token("two")];
    let mut client = Client::with(Options { tier: Tier::Free, tokens, ..Options::default() });
    client.token = Some("one".to_owned());
    (0..100).for_each(|_| drop(client.get(CONTACTS)));
    assert_eq!(client.get(CONTACTS).status, 429);
    client.token = Some("two".to_owned());
    let reply = client.get(CONTACTS);
    assert_eq!(reply.response.header("x-hubspot-ratelimit-daily-remaining"), Some("249899"));
}

#[test]
fn s6_the_day_ends_at_midnight_of_the_account() {
    let mut client = of_tier(Tier::Free);
    client.hubspot.limits.take(Tier::Free, "x", false, client.now).expect("the first of the day");
    client.hubspot.limits.used_today = 250_000;
    let refused = client.get(CONTACTS);
    assert_eq!((refused.status, refused.message()), (429, "You have reached your daily limit."));
    assert_eq!(refused.body["policyName"], "DAILY");
    // NOW is 02:26 UTC, 21:26 of the day before in the account's zone.
    client.now = Timestamp::parse("2026-11-01T04:59:59Z").expect("a moment");
    assert_eq!(client.get(CONTACTS).status, 429);
    client.now = Timestamp::parse("2026-11-01T05:00:00Z").expect("a moment");
    assert_eq!(client.get(CONTACTS).status, 200);
}

#[test]
fn s5_search_has_five_a_second_and_no_rate_headers() {
    let mut client = of_tier(Tier::Enterprise);
    for _ in 0..5 {
        let reply = client.search(json!({}));
        assert_eq!(reply.status, 200);
        assert!(reply.response.headers.iter().all(|(name, _)| !name.contains("ratelimit")));
    }
    let refused = client.search(json!({}));
    assert_eq!(refused.refusal(), (429, "RATE_LIMITS", "You have reached your secondly limit."));
    assert!(refused.body.get("policyName").is_none() && refused.body.get("errorType").is_none());
    assert!(refused.response.headers.iter().all(|(name, _)| !name.contains("ratelimit") && name != "retry-after"));
    let other = client.get(CONTACTS);
    assert_eq!(other.response.header("x-hubspot-ratelimit-remaining"), Some("189"), "searches are no burst");
    client.pass(Duration::from_secs(1));
    assert_eq!(client.search(json!({})).status, 200);
    let mut unlimited = of_tier(Tier::Unlimited);
    assert!((0..500).all(|_| unlimited.search(json!({})).status == 200 && unlimited.get(CONTACTS).status == 200));
}

#[test]
fn s6_the_account_tells_its_usage_and_details() {
    let mut client = of_tier(Tier::Professional);
    client.get(CONTACTS);
    let usage = client.get("/account-info/v3/api-usage/daily/private-apps");
    assert_eq!(usage.body["results"][0]["usageLimit"], 625_000);
    assert_eq!(usage.body["results"][0]["currentUsage"], 2);
    assert_eq!(usage.body["results"][0]["resetsAt"], "2026-11-01T05:00:00.000Z");
    let details = client.get("/account-info/v3/details");
    assert_eq!((&details.body["portalId"], &details.body["timeZone"]), (&json!(48_210_377), &json!("US/Eastern")));
}

#[test]
fn s11_owners_are_listed_found_and_never_written() {
    let mut client = Client::new();
    let all = client.get("/crm/v3/owners/?limit=100");
    assert_eq!(all.ids().len(), 3);
    let first = &all.results()[0];
    assert!(first["id"].is_string() && first["userId"].is_u64());
    let archived = client.get("/crm/v3/owners?archived=true");
    assert_eq!(archived.results()[0]["userId"], Value::Null);
    assert!(archived.results()[0]["userIdIncludingInactive"].is_u64());
    let one = client.get("/crm/owners/2026-09/?email=MARA.LIND@sandbox.example");
    assert_eq!(one.ids(), [first["id"].as_str().expect("a string")]);
    let page = client.get("/crm/v3/owners?limit=2");
    let after = page.body["paging"]["next"]["after"].as_str().expect("more").to_owned();
    assert_eq!(client.get(&format!("/crm/v3/owners?limit=2&after={after}")).ids().len(), 1);
    assert_eq!(client.get(&format!("/crm/v3/owners/{}", one.ids()[0])).id(), one.ids()[0]);
    assert_eq!(client.get("/crm/v3/owners/51770213?idProperty=userId").id(), one.ids()[0]);
    assert_eq!(client.get("/crm/v3/owners/51770213").status, 404);
    assert_eq!(client.post("/crm/v3/owners", json!({})).status, 405);
}

#[test]
fn s8_an_owner_is_assigned_by_its_id_not_its_user_id() {
    let mut client = Client::new();
    let mut status =
        |owner: &str| client.post(CONTACTS, json!({"properties": {"lastname": "A", "hubspot_owner_id": owner}})).status;
    assert_eq!(status("118205471"), 201);
    assert_eq!(status("51770213"), 400);
}
