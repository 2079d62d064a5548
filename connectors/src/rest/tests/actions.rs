//! Declared actions: what they are given, what is sent, and what they leave behind.

use sdk::{ActionCall, Applied, Class, EffectId, Error, FieldType, Fields, Repeat, Response, TransportError, Value};
use serde_json::json;

use super::service::{Asked, Service, json};

const MANIFEST: &str = r#"connector: post
title: The post
base_url: https://post.example.com
check: {get: /me, id: "${body.id}"}
resources: {}
actions:
  send_letter:
    title: Send a letter
    help: Prints it and brings it.
    inputs:
      to: {required: true, help: To whom.}
      how: {choice: {plain: 1, registered: 2}, required: true}
      pages: {type: number}
      colour: {type: boolean}
      on: {type: date}
      at: {type: moment}
    post: /letters/${input.to}
    query: {op: "${op.id}"}
    json: {kind: "${input.how}", pages: "${input.pages}", colour: "${input.colour}", on: "${input.on}", at: "${input.at}"}
    retry: idempotent
    idempotency: X-Key
    result:
      id: "${body.id}"
      price: {value: "${body.price}", type: number, optional: true}
      is_express: {where: {"${body.flags}": {exists: true}}}
  burn_letter: {delete: "/letters/${input.id}", inputs: {id: {required: true}}, retry: unsafe}
"#;

fn call(action: &str, with: &[(&str, Value)]) -> ActionCall {
    let with = with.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Fields>();
    ActionCall { effect_id: EffectId::new("effect-1"), action: action.to_owned(), with }
}

fn answering(answer: impl Fn() -> Result<Response, TransportError> + Send + 'static) -> Service {
    Service::new(move |_: &Asked| answer())
}

async fn refusal(call_of: ActionCall) -> (Error, usize) {
    let service = answering(|| json(200, json!({ "id": "7" })));
    let error = service.connect(MANIFEST, &[]).act(&call_of).await.expect_err("refused");
    (error, service.asked().len())
}

#[tokio::test]
async fn what_a_flow_gives_is_sent_in_the_services_own_words() {
    let service = answering(|| json(200, json!({ "id": 7, "price": "1.5", "flags": ["express"] })));
    let connection = service.connect(MANIFEST, &[]);
    let with = [
        ("to", Value::Int(12)),
        ("how", "registered".into()),
        ("pages", "3".into()),
        ("colour", "true".into()),
        ("on", Value::Moment(sdk::Timestamp::parse("2026-01-02T23:00:00Z").unwrap())),
        ("at", Value::Date("2026-01-02".parse().unwrap())),
    ];
    let outcome = connection.act(&call("send_letter", &with)).await.unwrap();
    let asked = &service.asked()[0];
    assert_eq!(asked.line, "POST /letters/12?op=effect-1");
    assert_eq!(asked.headers["x-key"], "effect-1");
    let sent = json!({ "kind": 2, "pages": 3, "colour": true, "on": "2026-01-02", "at": "2026-01-02T00:00:00.000Z" });
    assert_eq!(asked.json(), sent);
    let left = [("id", "7".into()), ("is_express", Value::Bool(true)), ("price", Value::Float(1.5))];
    assert_eq!(outcome.result, left.map(|(name, value)| (name.to_owned(), value)).into());

    // What is not given is not sent, and what is not told is nothing.
    let service = answering(|| json(200, json!({ "id": "8" })));
    let with = [("to", "x".into()), ("how", "plain".into()), ("pages", Value::Null), ("at", " ".into())];
    let outcome = service.connect(MANIFEST, &[]).act(&call("send_letter", &with)).await.unwrap();
    assert_eq!(service.asked()[0].json(), json!({ "kind": 1 }));
    assert_eq!(
        (outcome.result["price"].clone(), outcome.result["is_express"].clone()),
        (Value::Null, Value::Bool(false))
    );
}

#[tokio::test]
async fn an_action_says_what_it_is_and_whether_it_may_be_repeated() {
    let connection = answering(|| json(204, json!(null))).connect(MANIFEST, &[]);
    let actions = connection.actions();
    let names: Vec<_> = actions.iter().map(|action| (action.name.as_str(), action.title.as_str())).collect();
    assert_eq!(names, [("burn_letter", "burn letter"), ("send_letter", "Send a letter")]);
    let how = actions[1].input("how").unwrap();
    assert_eq!((how.field_type, &how.options[..]), (FieldType::Choice, &["plain".to_owned(), "registered".into()][..]));
    assert_eq!(actions[1].result("price").unwrap().field_type, FieldType::Number);
    assert_eq!(connection.repeat_action(&call("send_letter", &[])), Repeat::Safe);
    assert_eq!(connection.repeat_action(&call("burn_letter", &[])), Repeat::Unsafe);
    assert_eq!(connection.repeat_action(&call("fly", &[])), Repeat::Unsafe);
}

#[tokio::test]
async fn what_an_action_cannot_take_is_said_and_nothing_is_sent() {
    let how = ("how", Value::from("plain"));
    let to = ("to", Value::from("x"));
    for (call_of, says) in [
        (call("send_leter", &[]), "The post has no action `send_leter`; there are burn_letter, send_letter"),
        (call("send_letter", std::slice::from_ref(&to)), "`how` of `send_letter` is empty"),
        (call("send_letter", &[how.clone(), ("to", "".into())]), "`to` of `send_letter` is empty"),
        (call("burn_letter", &[("ids", "1".into())]), "`burn_letter` takes no `ids`; it takes id"),
        (call("send_letter", &[to.clone(), ("how", "fast".into())]), "`how` is one of plain, registered, and `fast`"),
        (call("send_letter", &[to.clone(), how.clone(), ("pages", "many".into())]), "`pages` is a number"),
        (call("send_letter", &[to.clone(), how.clone(), ("colour", "red".into())]), "`colour` is true or false"),
        (call("send_letter", &[to.clone(), how.clone(), ("on", "today".into())]), "`on` is a date"),
        (call("send_letter", &[to.clone(), how.clone(), ("at", "noon".into())]), "`at` is a moment"),
        (call("send_letter", &[("to", Value::List(Vec::new())), how.clone()]), "`to` is text"),
        (call("burn_letter", &[("id", "..".into())]), ""),
    ] {
        let (error, n_asked) = refusal(call_of).await;
        assert_eq!((error.class.clone(), error.applied, n_asked), (Class::Invalid, Applied::No, 0), "{error}");
        assert!(error.message.contains(says), "{error}");
    }
}

#[tokio::test]
async fn what_is_known_after_a_failed_action() {
    let with = [("to", "x".into()), ("how", "plain".into())];
    let lost = || Err(TransportError::MaybeSent("the line broke".to_owned()));
    for (service, class, applied) in [
        (answering(lost), Class::Transient, Applied::Maybe),
        (answering(|| json(404, json!({}))), Class::NotFound, Applied::No),
        (answering(|| json(500, json!({}))), Class::Transient, Applied::Maybe),
        // It says that all is well, and not what it did.
        (answering(|| json(200, json!({ "price": 1 }))), Class::Transient, Applied::Maybe),
    ] {
        let error = service.connect(MANIFEST, &[]).act(&call("send_letter", &with)).await.expect_err("failed");
        assert_eq!((error.class.clone(), error.applied), (class, applied), "{error}");
    }
}
