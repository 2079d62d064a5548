//! What goes wrong on request, and what is true of the account afterwards.

use super::*;
use crate::hubspot::{FaultPlan, Lost};

const CONTACTS: &str = "/crm/v3/objects/contacts";

fn create(client: &mut Client, fault: Fault) -> (Result<Response, Lost>, usize) {
    client.force(fault);
    let body = json!({"properties": {"email": "ann@example.org"}});
    let request = client.request(Method::Post, CONTACTS, Some(&body));
    let outcome = client.hubspot.exchange(&request, client.now);
    (outcome, client.hubspot.writes().len())
}

#[test]
fn before_leaves_the_account_untouched_and_after_does_not() {
    let expected = [
        (Fault::RateLimited, Ok(429), 0),
        (Fault::RateLimitedRetryAfter, Ok(429), 0),
        (Fault::RateLimitedOddRetryAfter, Ok(429), 0),
        (Fault::NotConnected, Err(Lost::NotConnected), 0),
        (Fault::TimeoutBefore, Err(Lost::Timeout), 0),
        (Fault::TimeoutAfter, Err(Lost::Timeout), 1),
        (Fault::AppliedLate, Err(Lost::Timeout), 0),
        (Fault::ResetBefore, Err(Lost::Reset), 0),
        (Fault::ResetAfter, Err(Lost::Reset), 1),
        (Fault::DeliveredTwice, Ok(409), 1),
        (Fault::TokenExpired, Ok(401), 0),
        (Fault::ScopeLost, Ok(403), 0),
        (Fault::BrokenJson, Ok(201), 1),
        (Fault::HtmlPage, Ok(200), 1),
        (Fault::WrongContentType, Ok(201), 1),
    ];
    for (fault, outcome, n_writes) in expected {
        let (seen, n) = create(&mut Client::new(), fault);
        assert_eq!((seen.map(|it| it.status), n), (outcome, n_writes), "{fault:?}");
    }
    for (fault, n_writes) in [(Fault::ServerErrorBefore, 0), (Fault::ServerErrorAfter, 1)] {
        let (seen, n) = create(&mut Client::new(), fault);
        assert!(seen.is_ok_and(|it| matches!(it.status, 500 | 502 | 503 | 504)), "{fault:?}");
        assert_eq!(n, n_writes, "{fault:?}");
    }
}

#[test]
fn a_late_request_is_applied_after_its_client_gave_up() {
    let mut client = Client::new();
    create(&mut client, Fault::AppliedLate).0.expect_err("no answer");
    client.pass(Duration::from_secs(29));
    assert_eq!(client.get(CONTACTS).ids().len(), 0);
    client.pass(Duration::from_secs(301));
    assert_eq!(client.get(CONTACTS).ids().len(), 1);
    let at = client.hubspot.writes()[0].at;
    assert!(at > NOW + Duration::from_secs(29) && at < client.now, "{at}");
}

#[test]
fn retry_after_comes_as_asked() {
    let retry_after = |fault| {
        let mut client = Client::new();
        create(&mut client, fault).0.expect("an answer").header("retry-after").map(str::to_owned)
    };
    assert_eq!(retry_after(Fault::RateLimited), None);
    assert_eq!(retry_after(Fault::RateLimitedRetryAfter).as_deref(), Some("3"));
    assert!(retry_after(Fault::RateLimitedOddRetryAfter).is_some_and(|it| it.parse::<u64>().is_err()));
}

#[test]
fn bodies_that_are_no_answer() {
    let broken = create(&mut Client::new(), Fault::BrokenJson).0.expect("an answer");
    assert!(serde_json::from_slice::<Value>(&broken.body).is_err() && !broken.body.is_empty());
    let html = create(&mut Client::new(), Fault::HtmlPage).0.expect("an answer");
    assert_eq!(html.header("content-type"), Some("text/html"));
    let plain = create(&mut Client::new(), Fault::WrongContentType).0.expect("an answer");
    assert_eq!(plain.header("content-type"), Some("text/plain"));
}

#[test]
fn pages_that_lie() {
    let mut client = Client::new();
    for n in 0..6 {
        client.contact(json!({"lastname": format!("N{n}"), "city": if n < 4 { "Bonn" } else { "Ulm" }}));
    }
    let filters = json!([{"propertyName": "city", "operator": "EQ", "value": "bonn"}]);
    let body = json!({"filters": filters, "sorts": ["hs_object_id"], "limit": 3});
    let honest = client.search(body.clone()).ids();
    let mut lie = |fault| {
        client.force(fault);
        client.search(body.clone())
    };
    let backwards: Vec<String> = honest.iter().rev().cloned().collect();
    assert_eq!(lie(Fault::PageReordered).ids(), backwards);
    let repeated = lie(Fault::RowRepeated).ids();
    assert_eq!((repeated.len(), &repeated[0]), (4, &repeated[3]));
    assert_eq!(lie(Fault::FilterIgnored).body["total"], 6);
    let empty = lie(Fault::EmptyPageWithNext);
    assert_eq!((empty.ids().len(), &empty.body["paging"]["next"]["after"]), (0, &json!("3")));
    assert_eq!(lie(Fault::LoopingNext).body["paging"]["next"]["after"], "0");
}

#[test]
fn a_rate_hits_its_share_and_the_same_calls_again() {
    let hits = |seed| {
        let mut client = Client::new();
        *client.hubspot.faults_mut() = FaultPlan::rate(seed, Fault::RateLimited, 0.2);
        (0..1_000).map(|_| client.get(CONTACTS).status == 429).collect::<Vec<bool>>()
    };
    let first = hits(1);
    let share = first.iter().filter(|hit| **hit).count();
    assert!((150..250).contains(&share), "{share} of 1000");
    assert_eq!(first, hits(1));
    assert_ne!(first, hits(2));
}

#[test]
fn a_gateway_tells_what_the_network_lost() {
    let mut client = Client::new();
    client.force(Fault::TimeoutBefore);
    assert_eq!(client.get(CONTACTS).status, 504);
}
