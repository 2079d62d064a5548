//! Every way to find the next page, and values that are learned first.

use sdk::{ActionCall, Class, Connection, EffectId, Error, Filter, Find, Response, Test, TransportError, WalkRequest};
use serde_json::json;
use std::sync::Arc;

use super::service::{Asked, Service, json};

/// A shop that lists five orders, two on a page.
fn manifest(page: &str) -> String {
    format!(
        r#"connector: shop
title: A shop
base_url: https://shop.example.com
config: {{api_key: {{secret: true, required: true}}}}
auth: {{key: {{kind: query, name: key, value: "${{secret.api_key}}"}}}}
check: {{get: /me, id: "${{body.id}}"}}
resources:
  orders:
    id: "${{record.id}}"
    fields: {{static: {{name: text}}}}
    list:
      get: /orders
      query: {{token: "${{page.token}}", number: "${{page.number}}", offset: "${{page.offset}}"}}
      items: "${{body.data}}"
      page: {{{page}}}
"#
    )
}

/// How many orders were found, and what was asked.
async fn found(page: &str, answers: fn(&Asked) -> Response) -> (Result<usize, Error>, Vec<String>) {
    let service = Service::new(move |asked: &Asked| Ok(answers(asked)));
    let connection = service.connect(&manifest(page), &[("api_key", "k3y-of-the-shop")]);
    let filter = Filter::Field { field: "name".to_owned(), test: Test::Exists(true) };
    let find = Find { object: "orders".to_owned(), filter, fields: vec!["name".to_owned()], limit: 100 };
    (connection.find(&find).await.map(|records| records.len()), service.lines())
}

/// The page of this number, from 0; the next one as the service tells it.
fn page(number: usize, next: serde_json::Value, link: Option<String>) -> Response {
    let data: Vec<_> = (number * 2..5.min(number * 2 + 2)).map(|id| json!({ "id": id + 1, "name": "x" })).collect();
    let body = json!({ "data": data, "next": next, "more": number < 2 });
    let headers = link.map(|link| ("link".to_owned(), link)).into_iter().collect();
    Response { status: 200, headers, body: body.to_string().into_bytes() }
}

/// The number behind this name in what was asked.
fn asked_for(asked: &Asked, name: &str) -> Option<usize> {
    let (_, behind) = asked.line.split_once(&format!("{name}="))?;
    behind.split('&').next()?.parse().ok()
}

#[tokio::test]
async fn each_kind_of_page_leads_to_the_last() {
    let (n, lines) = found("kind: token, next: \"${body.next}\"", |asked| {
        let at = asked_for(asked, "token").unwrap_or(0);
        page(at, if at < 2 { json!(at + 1) } else { json!(null) }, None)
    })
    .await;
    assert_eq!((n.unwrap(), lines.len()), (5, 3));

    let (n, lines) = found("kind: last_item, next: \"${item.id}\", more: \"${body.more}\"", |asked| {
        page(asked_for(asked, "token").unwrap_or(0) / 2, json!(null), None)
    })
    .await;
    assert_eq!((n.unwrap(), lines.len()), (5, 3));

    let (n, lines) =
        found("kind: number", |asked| page(asked_for(asked, "number").unwrap() - 1, json!(null), None)).await;
    assert_eq!((n.unwrap(), lines.len()), (5, 4), "until a page is empty");

    let (n, lines) =
        found("kind: offset", |asked| page(asked_for(asked, "offset").unwrap().div_ceil(2), json!(null), None)).await;
    assert_eq!((n.unwrap(), lines.len()), (5, 4), "until a page is empty");
}

#[tokio::test]
async fn a_link_is_followed_as_it_stands_and_nowhere_else() {
    let (n, lines) = found("kind: link, next: \"${header.link | rel: 'next'}\"", |asked| {
        let at = asked_for(asked, "cursor").unwrap_or(0);
        let next = format!("<https://shop.example.com/more?cursor={}&key=k3y-of-the-shop>; rel=\"next\"", at + 1);
        let first = "<https://shop.example.com/orders>; rel=\"first\"";
        page(at, json!(null), Some(if at < 2 { format!("{first}, {next}") } else { first.to_owned() }))
    })
    .await;
    assert_eq!(n.unwrap(), 5);
    let key = "key=k3y-of-the-shop";
    assert_eq!(lines[1], format!("GET /more?cursor=1&{key}"), "with the credentials it had");

    // In the body, and from the page that it stands on; the credentials are added.
    let (n, lines) = found("kind: link, next: \"${body.next}\"", |asked| {
        let at = asked_for(asked, "cursor").unwrap_or(0);
        page(at, if at < 2 { json!(format!("?cursor={}", at + 1)) } else { json!(null) }, None)
    })
    .await;
    assert_eq!((n.unwrap(), &*lines[2]), (5, &*format!("GET /orders?cursor=2&{key}")));

    for elsewhere in [
        "https://evil.example.com/orders",
        "http://shop.example.com/orders",
        "//evil.example.com",
        "https://a:b@shop.example.com/x",
    ] {
        // A function of its own has no surroundings, so the address is taken from the list of all.
        static ELSEWHERE: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
        *ELSEWHERE.lock().unwrap() = elsewhere.to_owned();
        let (refused, lines) =
            found("kind: link, next: \"${body.next}\"", |_| page(0, json!(*ELSEWHERE.lock().unwrap()), None)).await;
        let refused = refused.expect_err("it leads elsewhere");
        assert_eq!((refused.class.clone(), lines.len()), (Class::Permanent, 1), "{refused}");
        assert!(refused.message.contains("is not followed"), "{refused}");
    }
}

/// A list whose next page was read before counted as read to its end, and what stood behind it was never seen.
#[tokio::test]
async fn a_list_that_leads_in_a_circle_is_no_whole_list() {
    for next in ["kind: link, next: \"${body.next}\"", "kind: token, next: \"${body.next}\""] {
        let (circle, lines) = found(next, |_| page(0, json!("/orders?again=1"), None)).await;
        let circle = circle.expect_err("there may be more");
        assert_eq!(
            (circle.message.as_str(), lines.len()),
            ("A shop's answer leads back to a page that was read before", 2)
        );

        // Some services name their last page for ever.
        let (n, lines) =
            found(next, |asked| page(if asked.line.contains("again") { 9 } else { 0 }, json!("/orders?again=1"), None))
                .await;
        assert_eq!((n.unwrap(), lines.len()), (2, 2), "no rows, so nothing is behind them");
    }
}

/// Only searches that polls use were looked at. A walk asked another one for more rows than it gives, took what it got
/// for the last page, and left the rest out.
#[tokio::test]
async fn no_page_is_larger_than_what_any_search_gives() {
    let service = Service::new(|asked: &Asked| {
        let after = asked.json()["tests"][0]["above"].as_str().map_or(0, |id| id.parse().unwrap());
        let data: Vec<_> = (after + 1..=5).take(2).map(|id| json!({ "id": id, "name": "x" })).collect();
        json(200, json!({ "data": data }))
    });
    let search = r#"    search:
      post: /search
      json: {tests: "${search.groups[0]}", limit: "${search.limit}"}
      items: "${body.data}"
      page_size: 2
      id_field: id
      tests: {gt: {above: "${test.value}"}}
"#;
    let (head, _) = manifest("kind: none").split_once("    list:").map(|(head, _)| (head.to_owned(), ())).unwrap();
    let connection = service.connect(&format!("{head}{search}"), &[("api_key", "k3y-of-the-shop")]);
    let limit = connection.page_size();
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let object = "orders".to_owned();
        let request =
            WalkRequest { object, fields: vec!["name".to_owned()], filter: None, after: after.clone(), limit };
        let rows = connection.walk(&request).await.unwrap().records;
        let is_last = rows.len() < limit;
        walked.extend(rows.into_iter().map(|row| row.id.to_string()));
        after = walked.last().map(|id| id.as_str().into());
        if is_last {
            break;
        }
    }
    assert_eq!(walked, ["1", "2", "3", "4", "5"]);
}

const CLOUD: &str = r#"connector: cloud
title: The cloud
base_url: https://api.cloud.example.com
check: {get: /me, id: "${body.id}"}
vars:
  site: {get: /sites, value: "${body[0].id}"}
resources: {}
actions:
  ring: {post: "/ex/${vars.site}/bell", json: {site: "${vars.site}"}, retry: unsafe}
"#;

#[tokio::test]
async fn a_value_is_learned_once_before_the_first_request_that_needs_it() {
    let answers = |asked: &Asked| match asked.line.as_str() {
        "GET /sites" => json(200, json!([{ "id": "s-1" }, { "id": "s-2" }])),
        "GET /me" => json(200, json!({ "id": 1 })),
        _ => json(200, json!({})),
    };
    let service = Service::new(answers);
    let connection = service.connect(CLOUD, &[]);
    connection.check().await.unwrap();
    assert_eq!(service.lines(), ["GET /me"], "which needs none");
    for _ in 0..2 {
        ring(&connection).await.unwrap();
    }
    assert_eq!(service.lines()[1..], ["GET /sites", "POST /ex/s-1/bell", "POST /ex/s-1/bell"]);
    assert_eq!(service.asked()[2].json(), json!({ "site": "s-1" }));

    // What could not be learned is asked for again, and nothing is written without it.
    let mut answers = vec![json(200, json!({})), json(200, json!([])), json(503, json!({})), lost()];
    let service = Service::new(move |_: &Asked| answers.pop().unwrap());
    let connection = service.connect(CLOUD, &[]);
    for _ in 0..3 {
        let error = ring(&connection).await.expect_err("not learned");
        assert_eq!((error.class.clone(), error.applied), (Class::Transient, sdk::Applied::No), "{error}");
    }
    assert_eq!(service.lines(), ["GET /sites"; 3]);
}

fn lost() -> Result<Response, TransportError> {
    Err(TransportError::MaybeSent("the line broke".to_owned()))
}

async fn ring(connection: &Arc<dyn Connection>) -> Result<(), Error> {
    let call = ActionCall { effect_id: EffectId::new("e"), action: "ring".to_owned(), with: Default::default() };
    connection.act(&call).await.map(|_| ())
}
