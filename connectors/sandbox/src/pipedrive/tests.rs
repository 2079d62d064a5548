//! What the stand-in answers.

use std::time::Duration;

use super::*;

fn ask(account: &mut Pipedrive, method: Method, path: &str, body: Json) -> (u16, Json) {
    let request = Request {
        method,
        url: format!("https://x.pipedrive.com{path}"),
        headers: vec![("x-api-token".to_owned(), DEFAULT_TOKEN.to_owned())],
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
        deadline: Duration::from_secs(1),
    };
    let response = account.handle(&request, Timestamp::from_millis(1_763_719_200_500));
    (response.status, serde_json::from_slice(&response.body).unwrap())
}

#[test]
fn records_are_made_found_listed_and_changed_and_each_call_costs() {
    let mut account = Pipedrive::default();
    let person = json!({ "name": "Ada", "emails": [{ "value": "Ada@example.com", "primary": true }] });
    let (status, made) = ask(&mut account, Method::Post, "/api/v2/persons", person);
    assert_eq!(
        (status, &made["data"]["id"], &made["data"]["add_time"]),
        (201, &json!(1), &json!("2025-11-21T10:00:00Z"))
    );
    let path = "/api/v2/persons/search?term=ada%40example.com&fields=email&exact_match=true";
    let (_, found) = ask(&mut account, Method::Get, path, Json::Null);
    assert_eq!(found["data"]["items"][0]["item"]["id"], 1);
    let custom = json!({ "custom_fields": { FAVOURITE_COLOUR: 27 } });
    assert_eq!(ask(&mut account, Method::Patch, "/api/v2/persons/1", custom).0, 200);
    let (_, listed) = ask(&mut account, Method::Get, "/api/v2/persons?updated_since=2025-11-21T10:00:01Z", Json::Null);
    assert_eq!(listed["data"], json!([]));
    assert_eq!(account.tokens, 30_000 - 10 - 40 - 10 - 20);
    assert_eq!(account.calls(), 4);
}

#[test]
fn what_the_service_would_refuse_is_refused() {
    let mut account = Pipedrive::default();
    for body in [
        json!({}),
        json!({ "name": "Ada", "email": "a@b.co" }),
        json!({ "name": "Ada", "emails": "a@b.co" }),
        json!({ "name": "Ada", FAVOURITE_COLOUR: 27 }),
        json!({ "name": "Ada", "custom_fields": { FAVOURITE_COLOUR: "Red" } }),
        json!({ "name": "Ada", "nonsense": 1 }),
    ] {
        assert_eq!(ask(&mut account, Method::Post, "/api/v2/persons", body.clone()).0, 400, "{body}");
    }
    assert_eq!(ask(&mut account, Method::Patch, "/api/v2/persons/9", json!({ "name": "x" })).0, 404);
    account.tokens = 5;
    assert_eq!(ask(&mut account, Method::Get, "/api/v2/persons", Json::Null).0, 429);
}
