//! Every recorded refusal, in the engine's words.

use std::collections::BTreeSet;
use std::time::Duration;

use sdk::{Applied, Class, Reach, Response, Secret};

use super::script::{Script, TOKEN, recorded};
use crate::http::Redactor;
use crate::hubspot::MANIFEST;
use crate::rest::run::failure::Purpose;

struct Case {
    file: &'static str,
    class: Class,
    /// Of a write; of a read it is always `No`.
    applied: Applied,
    wait: Option<u64>,
    says: &'static str,
}

const fn case(file: &'static str, class: Class, applied: Applied, wait: Option<u64>, says: &'static str) -> Case {
    Case { file, class, applied, wait, says }
}

#[test]
fn every_recorded_refusal_is_classified() {
    use Applied::{Maybe, No};
    use Class::{Auth, Conflict, Invalid, NotFound, Permanent, QuotaExhausted, RateLimited, Transient};
    let forbidden = |scopes: &[&str]| Class::Forbidden { scopes: scopes.iter().map(|&scope| scope.into()).collect() };
    let cases = [
        case("302_elsewhere", Permanent, Maybe, None, "a redirect to login.example.com, which is not followed"),
        case(
            "400_bad_properties",
            Invalid,
            No,
            None,
            "`emial`: Property \"emial\" does not exist (PROPERTY_DOESNT_EXIST); \
             `colour`: blue was not one of the allowed options: [red, green] (INVALID_OPTION)",
        ),
        case("400_bad_property_in_errors_only", Invalid, No, None, "`birthday`: 1579179660000 is at 13:1:0.0 UTC"),
        case("400_raced_conflict", Conflict, No, None, "220006890315 already has that value"),
        case("401_echo", Auth, No, None, "HubSpot refuses the token of this connection: The token *** (…***)"),
        case("401_expired", Auth, No, None, "expired 3 hour(s) ago"),
        case("401_invalid", Auth, No, None, "Authentication credentials not found"),
        case("402_unknown", Permanent, No, None, "payment required"),
        case(
            "403_scopes_at_top",
            forbidden(&["crm.objects.deals.read"]),
            No,
            None,
            "lacks the scope crm.objects.deals.read",
        ),
        case(
            "403_scopes_in_errors",
            forbidden(&["crm.objects.companies.read", "crm.objects.companies.write"]),
            No,
            None,
            "any one of these would do: crm.objects.companies.read, crm.objects.companies.write",
        ),
        case("403_without_scopes", forbidden(&[]), No, None, "You do not have permissions"),
        case("404_html", Transient, No, None, "status 404 with 48 bytes text/html"),
        case("404_id_not_a_number", NotFound, No, None, "usually numeric"),
        case("404_unknown_id", NotFound, No, None, "resource not found"),
        case("408_timeout", Transient, Maybe, None, "Request timeout"),
        case("409_contact_exists", Conflict, No, None, "Existing ID: 512"),
        case("414_too_long", Invalid, No, None, "status 414"),
        case("423_locked", Transient, No, Some(2), "locked"),
        case("429_burst", RateLimited, No, Some(10), "fewer requests"),
        case("429_daily", QuotaExhausted, No, None, "daily limit is used up"),
        case("429_retry_after", RateLimited, No, Some(3), "fewer requests"),
        case("429_retry_after_date", RateLimited, No, Some(20), "fewer requests"),
        case("429_retry_after_endless", RateLimited, No, Some(3600), "fewer requests"),
        case("429_retry_after_negative", RateLimited, No, Some(10), "fewer requests"),
        case("429_retry_after_past", RateLimited, No, Some(10), "fewer requests"),
        case("429_retry_after_text", RateLimited, No, Some(10), "fewer requests"),
        case("429_search", RateLimited, No, Some(1), "fewer requests"),
        case("477_migrating", Transient, No, Some(120), "moving the account"),
        case("500_internal", Transient, Maybe, None, "HubSpot fails with status 500: internal error"),
        case("502_html", Transient, Maybe, None, "HubSpot fails: status 502 with 37 bytes text/html"),
        case("503_bare", Transient, Maybe, None, "status 503 with 0 bytes text/plain"),
        case("503_gateway", Transient, No, Some(5), "service unavailable"),
        case("504_gateway", Transient, Maybe, None, "status 504"),
        case("521_origin_down", Transient, No, None, "status 521"),
        case("523_unreachable", Transient, No, None, "status 523"),
        case("524_gateway_gave_up", Transient, Maybe, None, "status 524"),
    ];

    let redactor = Redactor::new([&Secret::new(TOKEN.to_owned())]);
    for case in &cases {
        let answer = recorded(case.file);
        let error = MANIFEST.refusal(&answer, Purpose::Write, &redactor).error;
        assert_eq!(error.class, case.class, "{}: {error}", case.file);
        assert_eq!(error.applied, case.applied, "{}", case.file);
        let is_away = ["502", "503", "504", "521", "523", "524"].contains(&&case.file[..3]);
        let reach = if is_away { Reach::Away } else { Reach::Answered };
        assert_eq!(error.reach, reach, "{}: while nobody is there, no run is to blame", case.file);
        assert_eq!(error.retry_after, case.wait.map(Duration::from_secs), "{}", case.file);
        assert!(error.message.contains(case.says), "{}: {error}", case.file);
        assert!(!error.message.contains("c0ffee") && !error.message.ends_with('.'), "{error}");

        let error = MANIFEST.refusal(&answer, Purpose::Read, &redactor).error;
        assert_eq!((error.class, error.applied), (case.class.clone(), Applied::No), "{}, read", case.file);
    }

    let folder = format!("{}/src/hubspot/testdata", env!("CARGO_MANIFEST_DIR"));
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        .map(|name| name.trim_end_matches(".json").to_owned())
        .collect();
    let covered = cases.iter().map(|case| case.file.to_owned()).collect();
    assert_eq!(files, covered, "every recorded refusal is a case");
}

#[test]
fn the_holder_of_a_unique_value_is_read_from_both_texts_and_for_its_property_only() {
    let redactor = Redactor::new([]);
    for (file, holder) in [("409_contact_exists", "512"), ("400_raced_conflict", "220006890315")] {
        let failure = MANIFEST.refusal(&recorded(file), Purpose::Write, &redactor);
        assert_eq!(failure.holder_of("email").map(|id| id.as_str()), Some(holder), "{file}");
        assert_eq!(failure.holder_of("customer_no"), None, "{file}");
    }
    for body in [
        "Contact already exists. Existing ID:",
        "Contact already exists",
        " already has that value",
        "propertyName= on x already has that value.",
        "PropertyValueCoordinates{propertyName=email} on 1. ١٢ already has that value",
    ] {
        let body = serde_json::json!({ "message": body }).to_string().into_bytes();
        let failure =
            MANIFEST.refusal(&Response { status: 409, body, ..Response::default() }, Purpose::Write, &redactor);
        assert!(failure.holder_of("email").is_none());
    }
}

#[test]
fn no_body_makes_it_panic() {
    let redactor = Redactor::new([]);
    let deep = "[".repeat(100_000);
    let bodies = [
        "",
        "null",
        "[]",
        "\"x\"",
        "{\"message\":1,\"errors\":{}}",
        "{\"errors\":[1,null,{\"context\":[]}]}",
        &deep,
        "{\"message\":\"Property values were not valid: {\"}",
        "{\"message\":\"Property values were not valid: [1]\"}",
        "\u{feff}{}",
        "{\"a\":1e400}",
        "{\"message\":\"\\ud800\"}",
    ];
    for status in (100..=599).chain([0, 999]) {
        for body in bodies {
            let answer = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
            let error = MANIFEST.refusal(&answer, Purpose::Write, &redactor).error;
            assert!(error.message.len() < 700, "{error}");
        }
    }
}

#[tokio::test]
async fn an_odd_token_is_hinted_at_only_when_it_is_refused() {
    let script = Script::of(&["401_invalid"]);
    let error = script.connect().check().await.expect_err("refused");
    assert!(!error.message.contains("pat-"), "{error}");
    for token in ["", " ", "a b", "Bearer x", "tok\u{e9}n", "a\nb"] {
        let Err(error) = Script::default().connect_with(&[("token", token)]) else { panic!("accepted {token:?}") };
        assert_eq!(error.class, Class::Invalid);
        assert!(token.trim().is_empty() || !error.message.contains(token), "{error}");
    }
    let Err(error) = Script::default().connect_with(&[("base_url", "http://example.com")]) else { panic!("accepted") };
    assert_eq!(error.class, Class::Invalid);
    assert!(Script::default().connect_with(&[("base_url", "http://127.0.0.1:1")]).unwrap().is_loopback());
}
