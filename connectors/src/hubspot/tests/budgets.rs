//! What calls cost of HubSpot's limits, and what refusals say of them.

use std::sync::Arc;

use sdk::budget::{Tally, paid_from};
use sdk::{Ambiguous, Ask, Class, Cost, EffectId, Fields, Filter, Find, Match, Response, Test, Value, Verb, Write};
use serde_json::json;

use super::script::{Script, found};

fn in_words(costs: Vec<Cost>) -> String {
    let mut words: Vec<String> = costs.into_iter().map(|cost| format!("{} {}", cost.units, cost.limit)).collect();
    words.sort();
    words.join(", ")
}

fn upsert(object: &str, key: &str) -> Write {
    let by = Match::Fields(vec![key.to_owned()]);
    let verb = Verb::Upsert { by, ambiguous: Ambiguous::Fail };
    let fields = Fields::from([(key.to_owned(), Value::from("ann@example.com"))]);
    Write { effect_id: EffectId::new("effect"), object: object.to_owned(), verb, fields }
}

fn find(field: &str) -> Find {
    let filter = Filter::Field { field: field.to_owned(), test: Test::Eq(Value::from("ann@example.com")) };
    Find { object: "contacts".to_owned(), filter, fields: Vec::new(), limit: 2 }
}

#[test]
fn limits_are_those_of_the_tier() {
    let of = |tier: &[(&str, &str)]| {
        let limits = Script::default().connect_with(tier).unwrap().limits();
        limits.iter().map(|limit| (limit.name.clone(), limit.max, limit.per.as_secs())).collect::<Vec<_>>()
    };
    let day = 86_400;
    let named =
        |burst, daily| [("burst".to_owned(), burst, 10), ("search".to_owned(), 5, 1), ("daily".to_owned(), daily, day)];
    assert_eq!(of(&[]), named(100, 250_000));
    assert_eq!(of(&[("tier", "enterprise")]), named(190, 1_000_000));
}

#[tokio::test]
async fn a_write_that_looks_first_costs_both_requests() {
    let script = Script::of(&["properties_contacts"]);
    let connection = script.connect();
    assert_eq!(in_words(connection.costs(&Ask::Find(&find("email")))), "1 burst, 1 daily, 1 search", "or so it may");
    connection.discover("contacts").await.unwrap();
    let costs = |ask: Ask<'_>| in_words(connection.costs(&ask));
    assert_eq!(costs(Ask::Get("contacts")), "1 burst, 1 daily");
    assert_eq!(costs(Ask::Find(&find("email"))), "1 burst, 1 daily", "read past the search");
    assert_eq!(costs(Ask::Find(&find("firstname"))), "1 daily, 1 search");
    assert_eq!(costs(Ask::Write(&upsert("contacts", "email"))), "2 burst, 2 daily", "changed, or else made");
    assert_eq!(costs(Ask::Write(&upsert("companies", "domain"))), "1 burst, 1 search, 2 daily");
    assert_eq!(costs(Ask::Write(&Write { verb: Verb::Create, ..upsert("contacts", "email") })), "1 burst, 1 daily");
    assert_eq!(costs(Ask::Write(&upsert("leads", "email"))), "", "it is refused without a request");
}

#[tokio::test]
async fn every_request_is_paid_as_it_leaves() {
    let script = Script::of(&["properties_contacts"]).then(200, found(&[]));
    let connection = script.connect();
    let tally = Arc::new(Tally::default());
    paid_from(tally.clone(), connection.find(&find("firstname"))).await.unwrap();
    assert_eq!(in_words(tally.spent()), "1 burst, 1 search, 2 daily", "its fields were not known yet");
}

/// A refused search held whoever wanted anything of the account.
#[tokio::test]
async fn a_refusal_names_the_limit_that_was_reached() {
    let search =
        json!({ "status": "error", "message": "You have reached your secondly limit.", "category": "RATE_LIMITS" });
    let policy = |policy: &str| json!({ "status": "error", "message": "Too many.", "policyName": policy });
    for (body, limit, class) in [
        (search, Some("search"), Class::RateLimited),
        (policy("TEN_SECONDLY_ROLLING"), Some("burst"), Class::RateLimited),
        (policy("DAILY"), Some("daily"), Class::QuotaExhausted),
        (json!({ "message": "Slow down." }), None, Class::RateLimited),
    ] {
        let script = Script::default();
        script.add([Ok(Response { status: 429, headers: Vec::new(), body: body.to_string().into_bytes() })]);
        let error = script.connect().check().await.expect_err("refused");
        assert_eq!((error.limit.as_deref(), error.class), (limit, class), "{body}");
    }
}
