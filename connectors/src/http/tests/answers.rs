//! Answers that no service should give, through the engine of manifests and over a real socket.

use ::text::SourceFile;
use sdk::{
    Applied, Class, ConnectContext, Connection, Connector as _, EffectId, Error, Fields, PollQuery, PollRequest,
    Secret, SettingValue, StampKind, SystemClock, Timestamp, Value, Verb, Write,
};

use super::*;
use crate::rest::RestConnector;

const TOKEN: &str = "tok-8f31c2aa-77e0-4d19-b9a4-c0ffee123456";

const MANIFEST: &str = r#"connector: shop
title: A shop
base_url: https://shop.example.com
config:
  token: {secret: true, required: true, help: The key.}
auth:
  key: {kind: bearer, token: "${secret.token}"}
check: {get: /me, id: "${body.id}", title: "${body.name}"}
errors:
  message: "${body.message}"
  rules:
    - {status: 403, is: forbidden, scopes: ["${body.scopes}"]}
resources:
  orders:
    title: Order
    id: "${record.id}"
    fields: {static: {name: text, changed_at: {type: moment, read_only: true}}}
    stamps: {modified: {field: changed_at}}
    poll:
      - serves: new_or_updated
        mode: cursor
        get: /orders
        query: {page: "${page.token}"}
        items: "${body.data}"
        page: {kind: token, next: "${body.next}"}
        stamp: "${item.changed_at}"
    write:
      create: {post: /orders, json: "${input}", id: "${body.id}", retry: unsafe}
"#;

fn connect(port: u16) -> Arc<dyn Connection> {
    let Ok(shop) = RestConnector::from_manifest(&SourceFile::new("shop.yaml", MANIFEST)) else {
        panic!("the manifest has a mistake")
    };
    let mut settings = Settings::default();
    settings.0.insert("token".to_owned(), SettingValue::Secret(Secret::new(TOKEN.to_owned())));
    settings.0.insert("base_url".to_owned(), SettingValue::Text(format!("http://127.0.0.1:{port}")));
    let transport = Arc::new(HttpTransport::open(&settings).expect("a client"));
    let context = ConnectContext { transport, clock: Arc::new(SystemClock), folder: std::env::temp_dir() };
    shop.connect(&settings, context).expect("the settings are right")
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

async fn poll(port: u16) -> Result<sdk::PollPage, Error> {
    let request = PollRequest {
        object: "orders".to_owned(),
        stamp: StampKind::Modified,
        fields: vec!["name".to_owned()],
        filter: None,
        query: PollQuery::From(Timestamp::EPOCH),
        limit: 100,
    };
    connect(port).poll(&request).await
}

async fn create(port: u16) -> Error {
    let write = Write {
        effect_id: EffectId::new("effect-1"),
        object: "orders".to_owned(),
        verb: Verb::Create,
        fields: Fields::from([("name".to_owned(), Value::from("x"))]),
    };
    connect(port).write(&write).await.expect_err("nothing says that it was written")
}

#[tokio::test]
async fn json_that_we_cannot_carry_is_a_failure_that_passes_and_no_page() {
    let deep = format!("{{\"data\":[{{\"id\":1,\"name\":{}{}}}]}}", "[".repeat(100_000), "]".repeat(100_000));
    let rather_deep = format!("{{\"data\":[{{\"id\":1,\"name\":{}{}}}]}}", "[".repeat(70), "]".repeat(70));
    let huge_number = r#"{"data":[{"id":1e400}]}"#;
    let half_a_character = r#"{"data":[{"id":1,"name":"\ud800"}]}"#;
    for body in [&*deep, &*rather_deep, huge_number, half_a_character, "{\"data\":[", "\u{feff}{}", "<htm"] {
        let server = Server::saying(answer(200, "", body)).await;
        let error = poll(server.port).await.expect_err("no page");
        assert_eq!((error.class, error.applied), (Class::Transient, Applied::No), "{}", error.message);
        assert!(error.message.contains("not the JSON it should be") && error.message.len() < 300, "{}", error.message);
    }
}

#[tokio::test]
async fn a_create_without_an_id_is_not_known_to_be_done() {
    let page = "<html><body><form action=/login>";
    for (status, headers, body) in [
        (200, "Content-Type: text/html\r\n", page),
        (200, "", "{}"),
        (201, "", "{\"id\":null}"),
        (201, "", "{\"id\":\"\"}"),
        (204, "", ""),
        (200, "", ""),
        (202, "", "[]"),
    ] {
        let server = Server::saying(answer(status, headers, body)).await;
        let error = create(server.port).await;
        assert_eq!(error.applied, Applied::Maybe, "{status} `{body}`: {error}");
        assert_eq!(server.n_requests(), 1, "{status} `{body}`");
    }
}

#[tokio::test]
async fn a_link_to_the_next_page_leads_nowhere_else() {
    let target = Server::saying(answer(200, "", "{\"data\":[]}")).await;
    let next = format!("http://127.0.0.1:{}/steal", target.port);
    let body = format!("{{\"data\":[],\"next\":\"{next}\"}}");
    let (heads, mut seen) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            heads.send(read_head(&mut socket).await).expect("the test listens");
            let _ = socket.write_all(answer(200, "Connection: close\r\n", &body).as_bytes()).await;
        }
    });
    poll(port).await.expect("a page");
    assert!(seen.recv().await.expect("a request").starts_with("GET /orders HTTP/1.1\r\n"));
    let second = seen.recv().await.expect("a second request");
    assert!(second.starts_with("GET /orders?page=http%3A%2F%2F127.0.0.1%3A"), "{second}");
    assert_eq!(target.n_requests(), 0);
}

#[tokio::test]
async fn an_absurd_wait_is_cut_and_nonsense_is_none() {
    for (asked, wait) in [
        ("999999999", Some(3600)),
        ("99999999999999999999999999", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("7", Some(7)),
    ] {
        let server = Server::saying(answer(429, &format!("Retry-After: {asked}\r\n"), "{}")).await;
        let error = poll(server.port).await.expect_err("refused");
        assert_eq!(error.class, Class::RateLimited);
        assert_eq!(error.retry_after, wait.map(Duration::from_secs), "{asked}");
    }
}

#[tokio::test]
async fn no_part_of_a_refusal_shows_the_token_wherever_it_is_echoed() {
    let host = TOKEN.to_lowercase();
    for (status, headers, body) in [
        (400, String::new(), format!("{{\"message\":\"no {TOKEN}\"}}")),
        (403, String::new(), format!("{{\"scopes\":[\"{TOKEN}\",\"orders {}\"]}}", TOKEN.to_uppercase())),
        (302, format!("Location: https://{host}.evil.example/?t={TOKEN}\r\n"), String::new()),
        (500, format!("Content-Type: {TOKEN}\r\n"), String::new()),
        (200, format!("Content-Type: text/{TOKEN}\r\n"), format!("<html>{TOKEN}")),
        (200, format!("Content-Encoding: {TOKEN}\r\n"), "x".to_owned()),
    ] {
        let server = Server::saying(answer(status, &headers, &body)).await;
        let error = poll(server.port).await.expect_err("refused");
        let shown = format!("{error} {error:?}").to_lowercase();
        assert!(!shown.contains("c0ffee") && !shown.contains("8f31c2aa"), "{status} {headers}{body}: {shown}");
        assert!(shown.contains("***"), "{status} {headers}{body}: {shown}");
    }
    let server = Server::saying(answer(200, "", &format!("{{\"id\":\"{TOKEN}\",\"name\":\"of {TOKEN}\"}}"))).await;
    let account = format!("{:?}", connect(server.port).check().await.expect("an account"));
    assert!(!account.contains("c0ffee") && account.contains("***"), "{account}");
}
