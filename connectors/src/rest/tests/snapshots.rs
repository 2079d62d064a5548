//! Lists that nothing stamps: read whole, in the order of ids, however the service orders and pages them.

use std::sync::{Arc, Mutex};

use sdk::{
    Ability, Ask, Class, Connection, Connector as _, Error, PollPage, PollQuery, PollRequest, RecordId, StampKind,
    Timestamp,
};
use serde_json::json;
use text::SourceFile;

use super::service::{Asked, Service, json};
use crate::rest::RestConnector;

const AT: Timestamp = Timestamp::from_millis(1_793_491_200_000);

/// A shop whose tags have no stamps, polled like this.
fn manifest(poll: &str) -> String {
    format!(
        r#"connector: shop
title: A shop
base_url: https://shop.example.com
ids: numbers
check: {{get: /me, id: "${{body.id}}"}}
limits: {{calls: {{max: 10, per: 1s}}}}
default_limits: [calls]
resources:
  tags:
    id: "${{record.id}}"
    fields: {{static: {{name: text, colour: text}}}}
    list:
      get: /by-id
      query: {{offset: "${{page.offset}}"}}
      items: "${{body.data}}"
      page: {{kind: offset}}
      order: by_id
    search:
      post: /search
      json: {{tests: "${{search.groups[0]}}", limit: "${{search.limit}}", sort: "${{search.sort}}"}}
      items: "${{body.data}}"
      page_size: 4
      id_field: id
      tests: {{gt: {{above: "${{test.value}}"}}}}
    poll:
      serves: [new, new_or_updated]
      mode: snapshot
      {poll}
"#
    )
}

const OWN: &str = r#"get: /tags
      query: {token: "${page.token}", number: "${page.number}", offset: "${page.offset}"}
      items: "${body.data}"
      page: "#;

/// The tags, in no order; ids of unequal length, which text would order wrongly.
type Tags = Arc<Mutex<Vec<(u64, &'static str)>>>;

fn tags() -> Tags {
    let ids = [95, 1000, 9, 10, 100, 7, 220, 96, 8, 11];
    Arc::new(Mutex::new(ids.map(|id| (id, "red")).to_vec()))
}

/// Three tags on a page, by whichever way is asked for one.
fn answer(tags: &[(u64, &str)], asked: &Asked) -> serde_json::Value {
    let number = |name: &str| {
        let (_, behind) = asked.line.split_once(&format!("{name}="))?;
        behind.split('&').next()?.parse::<usize>().ok()
    };
    let mut tags = tags.to_vec();
    if asked.line.contains("/by-id") || asked.line.contains("/search") {
        tags.sort_unstable();
    }
    if asked.line.contains("/search") {
        let above = asked.json()["tests"][0]["above"].as_str().map_or(0, |id| id.parse().unwrap());
        tags.retain(|(id, _)| *id > above);
        tags.truncate(usize::try_from(asked.json()["limit"].as_u64().unwrap()).unwrap());
        return json!({ "data": rows(&tags) });
    }
    let at = number("token").or(number("offset").filter(|at| *at > 0));
    let at = at.or(number("number").map(|number| (number - 1) * 3)).unwrap_or(0);
    let page: Vec<_> = tags.iter().skip(at).take(3).copied().collect();
    let next = (at + 3 < tags.len()).then_some(at + 3);
    json!({ "data": rows(&page), "all": rows(&tags), "wrapped": { "items": [{ "tag": rows(&tags)[0] }] }, "next": next })
}

fn rows(tags: &[(u64, &str)]) -> Vec<serde_json::Value> {
    tags.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect()
}

fn shop(tags: &Tags) -> Service {
    let tags = Arc::clone(tags);
    Service::new(move |asked: &Asked| json(200, answer(&tags.lock().unwrap(), asked)))
}

fn request(after: Option<&str>, limit: usize) -> PollRequest {
    PollRequest {
        object: "tags".to_owned(),
        stamp: StampKind::Modified,
        fields: vec!["name".to_owned()],
        filter: None,
        query: PollQuery::Drain { at: AT, after: after.map(RecordId::from) },
        limit,
    }
}

async fn page(connection: &Arc<dyn Connection>, after: Option<&str>, limit: usize) -> Result<PollPage, Error> {
    connection.poll(&request(after, limit)).await
}

/// The ids of a whole pass, so many on each of our pages.
async fn pass(connection: &Arc<dyn Connection>, limit: usize) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let rows = page(connection, ids.last().map(String::as_str), limit).await.unwrap().records;
        assert!(rows.iter().all(|row| row.modified == AT), "each is of the moment that was asked for");
        let is_last = rows.len() < limit;
        ids.extend(rows.into_iter().map(|row| row.id.to_string()));
        if is_last {
            return ids;
        }
    }
}

const IN_ORDER: [&str; 10] = ["7", "8", "9", "10", "11", "95", "96", "100", "220", "1000"];

#[tokio::test]
async fn every_kind_of_list_is_read_whole_and_by_id() {
    for (poll, limit, requests) in [
        (format!("{OWN}{{kind: offset}}"), 4, 5),
        (format!("{OWN}{{kind: number}}"), 4, 5),
        (format!("{OWN}{{kind: token, next: \"${{body.next}}\"}}"), 4, 4),
        (format!("{OWN}{{kind: token, next: \"${{body.next}}\"}}"), 200, 4),
        // Its last page of ours is full.
        (format!("{OWN}{{kind: token, next: \"${{body.next}}\"}}"), 5, 4),
        ("get: /tags\n      items: \"${body.all}\"".to_owned(), 3, 1),
        // A page of ours ends within one of theirs, which is asked for again.
        ("by: list".to_owned(), 4, 7),
        ("by: search".to_owned(), 4, 3),
    ] {
        let service = shop(&tags());
        let connection = service.connect(&manifest(&poll), &[]);
        assert!(connection.is_compared("tags", &StampKind::Modified), "{poll}");
        assert!(!connection.is_compared("tags", &StampKind::Archived), "{poll}");
        assert_eq!(pass(&connection, limit).await, IN_ORDER, "{poll}");
        assert_eq!(service.lines().len(), requests, "{poll}: {:#?}", service.lines());
        // What was held is not what the next pass sees.
        assert_eq!(pass(&connection, limit).await, IN_ORDER);
        assert_eq!(service.lines().len(), 2 * requests, "{poll}");
    }
}

#[tokio::test]
async fn a_pass_sees_the_list_as_it_was_read_and_another_process_as_it_is() {
    let tags = tags();
    let service = shop(&tags);
    let yaml = manifest(&format!("{OWN}{{kind: offset}}"));
    let connection = service.connect(&yaml, &[]);
    let first = page(&connection, None, 4).await.unwrap();
    assert!(first.records.iter().any(|row| row.id == RecordId::from("7")));
    let names = |page: PollPage| -> Vec<(String, String)> {
        page.records.iter().map(|row| (row.id.to_string(), row.fields["name"].to_text())).collect()
    };
    *tags.lock().unwrap() = vec![(8, "blue"), (500, "blue"), (11, "blue")];

    let went_on = names(page(&connection, Some("10"), 4).await.unwrap());
    assert_eq!(went_on[0], ("11".to_owned(), "red".to_owned()), "it was read before");
    let restarted = service.connect(&yaml, &[]);
    let anew = names(page(&restarted, Some("10"), 4).await.unwrap());
    assert_eq!(anew, [("11".to_owned(), "blue".to_owned()), ("500".to_owned(), "blue".to_owned())]);
    assert_eq!(pass(&connection, 4).await, ["8", "11", "500"], "a pass that begins reads anew");
}

/// Rows move while pages are turned: of a record that is read twice, the last reading counts.
#[tokio::test]
async fn a_record_that_moved_is_read_once() {
    let mut n = 0;
    let service = Service::new(move |_: &Asked| {
        n += 1;
        let data = match n {
            1 => rows(&[(2, "red"), (1, "red")]),
            2 => rows(&[(1, "blue"), (3, "red")]),
            _ => Vec::new(),
        };
        json(200, json!({ "data": data }))
    });
    let connection = service.connect(&manifest(&format!("{OWN}{{kind: number}}")), &[]);
    let rows = page(&connection, None, 10).await.unwrap().records;
    let seen: Vec<_> = rows.iter().map(|row| format!("{} {}", row.id, row.fields["name"].to_text())).collect();
    assert_eq!(seen, ["1 blue", "2 red", "3 red"]);
}

#[tokio::test]
async fn a_record_may_stand_inside_of_an_item() {
    let poll = "get: /tags\n      items: \"${body.wrapped.items}\"\n      record: \"${item.tag}\"";
    let connection = shop(&tags()).connect(&manifest(poll), &[]);
    assert_eq!(pass(&connection, 4).await, ["95"]);
    let poll = "get: /tags\n      items: \"${body.wrapped.items}\"\n      record: \"${item.tga}\"";
    let connection = shop(&tags()).connect(&manifest(poll), &[]);
    let odd = page(&connection, None, 4).await.unwrap_err();
    assert!(odd.message.contains("an item without its record"), "{odd}");
}

/// What cannot be read to its end must not look as if it had been.
#[tokio::test]
async fn a_list_without_an_end_and_one_that_fails_are_no_snapshot() {
    let service = Service::new(|_: &Asked| json(200, json!({ "data": rows(&[(1, "red")]) })));
    let connection = service.connect(&manifest(&format!("{OWN}{{kind: number}}")), &[]);
    let endless = page(&connection, None, 10).await.unwrap_err();
    assert_eq!(endless.class, Class::Invalid);
    assert!(endless.message.contains("pages of tags were read, and they do not end"), "{endless}");

    let tags = tags();
    let mut n = 0;
    let service = Service::new(move |asked: &Asked| {
        n += 1;
        if n == 2 { json(503, json!({})) } else { json(200, answer(&tags.lock().unwrap(), asked)) }
    });
    let connection = service.connect(&manifest(&format!("{OWN}{{kind: offset}}")), &[]);
    assert_eq!(page(&connection, None, 4).await.unwrap_err().class, Class::Transient);
    assert_eq!(pass(&connection, 4).await, IN_ORDER);

    let by_stamp = PollRequest { query: PollQuery::From(AT), ..request(None, 4) };
    let refused = connection.poll(&by_stamp).await.unwrap_err();
    assert!(refused.message.contains("nothing stamps tags"), "{refused}");
}

#[test]
fn what_is_compared_is_told_beforehand() {
    let yaml = manifest(&format!("{OWN}{{kind: offset}}"));
    let connector = RestConnector::from_manifest(&SourceFile::new("shop.yaml", &yaml)).ok().unwrap();
    let offer = connector.offers().remove(0);
    assert_eq!(offer.compared, [Ability::PollNew, Ability::PollNewOrUpdated]);
    assert!(offer.abilities.starts_with(&offer.compared) && !offer.abilities.contains(&Ability::PollBy));
    assert_eq!(connector.poll_costs("tags")[0][0].limit, "calls");
    let connection = shop(&tags()).connect(&yaml, &[]);
    let costs = connection.costs(&Ask::Poll(&request(None, 4)));
    assert_eq!((costs.len(), costs[0].units), (1, 1), "of its first page; the others are paid as they are turned");
}
