//! Tokens that are asked for: when, where, and what is done where they are refused.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sdk::{ActionCall, Applied, Class, Connection, EffectId, Error, Reach, Response, TransportError};
use serde_json::{Value as Json, json};

use super::service::{Asked, Service, json};

const SECRET: &str = "s3cret-of-the-app";

fn manifest(auth: &str) -> String {
    format!(
        r#"connector: bank
title: The bank
base_url: https://api.bank.example.com
config:
  client_id: {{required: true}}
  client_secret: {{secret: true}}
  refresh_token: {{secret: true}}
auth:
  app: {{kind: oauth2, {auth}}}
check: {{get: /me, id: "${{body.id}}"}}
errors: {{message: "${{body.message}}"}}
resources: {{}}
actions:
  pay: {{post: /payments, retry: unsafe, result: {{id: "${{body.id}}"}}}}
"#
    )
}

const APP: &str = r#"grant: client_credentials, token_url: "https://login.bank.example.com/oauth/token",
        client_id: "${config.client_id}", client_secret: "${secret.client_secret}", scopes: [read, pay], form: {audience: us}"#;
const PERSON: &str = r#"grant: refresh_token, token_url: /oauth/token, client_id: "${config.client_id}",
        client_secret: "${secret.client_secret}", client_in: header, refresh_token: "${secret.refresh_token}""#;

const SETTINGS: &[(&str, &str)] =
    &[("client_id", "app 1"), ("client_secret", SECRET), ("refresh_token", "refresh-0-of-ada")];

/// A bank whose tokens are good until it forgets them.
#[derive(Clone, Default)]
struct Bank {
    given: Arc<Mutex<Vec<String>>>,
    /// What is said when a token is asked for, instead of giving one.
    says: Arc<Mutex<Option<(u16, Json)>>>,
    /// How long a token lives, as it is told.
    lifetime: Arc<Mutex<Json>>,
}

impl Bank {
    fn service(&self) -> Service {
        let bank = self.clone();
        Service::new(move |asked: &Asked| bank.answer(asked))
    }

    fn answer(&self, asked: &Asked) -> Result<Response, TransportError> {
        let mut given = self.given.lock().unwrap();
        if asked.line == "POST /oauth/token" {
            if let Some((status, body)) = self.says.lock().unwrap().clone() {
                return json(status, body);
            }
            let number = asked.body.matches("refresh-").count() + given.len();
            let token = format!("access-{}-token", given.len() + 1);
            given.push(token);
            let lifetime = self.lifetime.lock().unwrap().clone();
            let refresh = format!("refresh-{number}-of-ada");
            return json(
                200,
                json!({ "access_token": given.last(), "token_type": "Bearer", "expires_in": lifetime, "refresh_token": refresh }),
            );
        }
        let wanted = given.last().map(|token| format!("Bearer {token}"));
        match wanted.is_some() && asked.headers.get("authorization") == wanted.as_ref() {
            true => json(200, json!({ "id": "7" })),
            false => json(401, json!({ "message": format!("{:?} is no token", asked.headers.get("authorization")) })),
        }
    }

    /// No token that was given is good any longer.
    fn forget(&self) {
        self.given.lock().unwrap().push("nobody's".to_owned());
    }
}

async fn pay(connection: &Arc<dyn Connection>) -> Result<(), Error> {
    let call = ActionCall { effect_id: EffectId::new("e"), action: "pay".to_owned(), with: Default::default() };
    connection.act(&call).await.map(|_| ())
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_before_it_ends() {
    let bank = Bank::default();
    *bank.lifetime.lock().unwrap() = json!(1800);
    let service = bank.service();
    let connection = service.connect(&manifest(APP), SETTINGS);
    assert_eq!(service.asked().len(), 0, "opening asks nothing");
    let both = futures::join!(pay(&connection), pay(&connection));
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(service.lines(), ["POST /oauth/token", "POST /payments", "POST /payments"]);
    let asked = &service.asked()[0];
    let body =
        "grant_type=client_credentials&client_id=app+1&client_secret=s3cret-of-the-app&scope=read+pay&audience=us";
    assert_eq!(asked.body, body);
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!asked.headers.contains_key("authorization"));

    service.pass(Duration::from_secs(1739));
    pay(&connection).await.unwrap();
    assert_eq!(service.lines().len(), 4, "it is good for a minute and a second yet");
    service.pass(Duration::from_secs(1));
    pay(&connection).await.unwrap();
    assert_eq!(service.lines()[4..], ["POST /oauth/token", "POST /payments"]);

    // One that does not say how long it lives is used until it is refused.
    *bank.lifetime.lock().unwrap() = Json::Null;
    bank.forget();
    pay(&connection).await.unwrap();
    service.pass(Duration::from_secs(90 * 86_400));
    pay(&connection).await.unwrap();
    assert_eq!(service.lines().iter().filter(|line| *line == "POST /oauth/token").count(), 3);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_the_request_sent_again() {
    let bank = Bank::default();
    let service = bank.service();
    let connection = service.connect(&manifest(PERSON), SETTINGS);
    pay(&connection).await.unwrap();
    bank.forget();
    pay(&connection).await.unwrap();
    let pay_again = ["POST /payments", "POST /oauth/token", "POST /payments"];
    assert_eq!(service.lines()[2..], pay_again);
    let tokens: Vec<_> = service.asked().into_iter().filter(|asked| asked.line == "POST /oauth/token").collect();
    assert_eq!(tokens[0].body, "grant_type=refresh_token&refresh_token=refresh-0-of-ada");
    assert_eq!(tokens[1].body, "grant_type=refresh_token&refresh_token=refresh-1-of-ada", "the newest is used");
    // `app+1:s3cret-of-the-app`
    assert_eq!(tokens[0].headers["authorization"], "Basic YXBwKzE6czNjcmV0LW9mLXRoZS1hcHA=");

    // A service that refuses whatever it gave is asked twice and no more, and its echo shows no token.
    let bank = Bank::default();
    let refusing = bank.clone();
    let service = Service::new(move |asked: &Asked| {
        let answer = refusing.answer(asked);
        refusing.forget();
        answer
    });
    let connection = service.connect(&manifest(PERSON), SETTINGS);
    let error = pay(&connection).await.expect_err("refused");
    assert_eq!((error.class.clone(), error.applied), (Class::Auth, Applied::No));
    assert_eq!(service.lines().len(), 4);
    assert!(!error.message.contains("access-") && error.message.contains("***"), "{error}");
}

#[tokio::test]
async fn why_there_is_no_token_is_said_with_what_to_do_and_without_a_secret() {
    let cases = [
        (
            400,
            json!({ "error": "invalid_grant", "error_description": "Token expired." }),
            Class::Auth,
            "authorize the app again",
        ),
        (401, json!({ "error": "invalid_client" }), Class::Auth, "does not know this client id"),
        (400, json!({ "error": "invalid_scope" }), Class::Auth, "does not grant the scopes"),
        (400, json!({ "error": "odd", "error_description": format!("not {SECRET}") }), Class::Auth, "odd (not ***"),
        (400, json!({ "error": "temporarily_unavailable" }), Class::Transient, "temporarily_unavailable"),
        (429, json!({}), Class::RateLimited, "status 429"),
        (503, json!({}), Class::Transient, "status 503"),
        (302, json!({}), Class::Permanent, "status 302"),
        (200, json!({}), Class::Transient, "holds none that can be sent"),
        (200, json!({ "access_token": "" }), Class::Transient, "holds none that can be sent"),
        (200, json!({ "access_token": "a b" }), Class::Transient, "holds none that can be sent"),
        (200, json!({ "access_token": 5 }), Class::Transient, "holds none that can be sent"),
        (200, json!({ "access_token": "a", "token_type": "mac" }), Class::Transient, "holds none that can be sent"),
        (200, json!([]), Class::Transient, "holds none that can be sent"),
    ];
    for (status, body, class, says) in cases {
        let bank = Bank::default();
        *bank.says.lock().unwrap() = Some((status, body));
        let service = bank.service();
        let error = pay(&service.connect(&manifest(PERSON), SETTINGS)).await.expect_err("no token");
        let reach = if status == 503 { Reach::Away } else { Reach::Answered };
        assert_eq!((error.class.clone(), error.applied, error.reach), (class, Applied::No, reach), "{error}");
        assert!(error.message.contains(says) && error.message.starts_with("The bank"), "{error}");
        assert!(!error.message.contains(SECRET), "{error}");
        assert_eq!(service.lines(), ["POST /oauth/token"], "nothing else is sent");
    }
    let service = Service::new(|_: &Asked| Err(TransportError::MaybeSent("the line broke".to_owned())));
    let error = pay(&service.connect(&manifest(PERSON), SETTINGS)).await.expect_err("no token");
    assert_eq!((error.class, error.applied, error.reach), (Class::Transient, Applied::No, Reach::Away));
}

#[tokio::test]
async fn an_address_of_the_connections_own_gives_the_tokens_too() {
    // The service under test shows paths alone, so the stand-in's prefix tells the two apart.
    let bank = Bank::default();
    let service = bank.service();
    let own = [SETTINGS, &[("base_url", "http://127.0.0.1:9/stand-in")]].concat();
    let error = pay(&service.connect(&manifest(APP), &own)).await.expect_err("this bank has no such path");
    assert_eq!(service.lines(), ["POST /stand-in/oauth/token"], "{error}");
    let missing = service.try_connect(&manifest(APP), &[("client_id", "x")]).err().expect("refused");
    assert_eq!(missing.message, "`client_secret` is empty: ");
    let inside = APP.replace("https://login.bank.example.com", "https://10.0.0.1");
    let refused = service.try_connect(&manifest(&inside), SETTINGS).err().expect("refused");
    assert_eq!(refused.class, Class::Invalid);
}
