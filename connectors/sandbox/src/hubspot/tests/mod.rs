//! What is known of the service, sentence by sentence: the number in a test's name is the section of the fact sheet.

mod access;
mod associating;
mod batches;
mod faulty;
mod life;
mod mounts;
mod property_definitions;
mod records;
mod searches;

use std::time::Duration;

use sdk::{Method, Request, Response, Timestamp};
use serde_json::{Value, json};

use super::{DEFAULT_TOKEN, Fault, HubSpot, Options, Tier};

/// A moment after the seed.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_793_500_000_000);

/// An account and someone who asks it, at a moment of their own choice.
pub(super) struct Client {
    pub(super) hubspot: HubSpot,
    pub(super) now: Timestamp,
    pub(super) token: Option<String>,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) response: Response,
}

impl Client {
    /// An account without records, without limits and without lag.
    pub(super) fn new() -> Self {
        Self::with(Options { tier: Tier::Unlimited, lag: Duration::ZERO, ..Options::default() })
    }

    pub(super) fn with(options: Options) -> Self {
        Self { hubspot: HubSpot::new(options), now: NOW, token: Some(DEFAULT_TOKEN.to_owned()) }
    }

    pub(super) fn pass(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    pub(super) fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Request {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(self.token.as_ref().map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
        Request {
            method,
            url: format!("https://api.hubapi.com{path}"),
            headers,
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            deadline: Duration::from_secs(30),
        }
    }

    pub(super) fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let request = self.request(method, path, body);
        let response = self.hubspot.handle(&request, self.now);
        Reply { status: response.status, body: serde_json::from_slice(&response.body).unwrap_or(Value::Null), response }
    }

    pub(super) fn get(&mut self, path: &str) -> Reply {
        self.send(Method::Get, path, None)
    }

    pub(super) fn post(&mut self, path: &str, body: Value) -> Reply {
        self.send(Method::Post, path, Some(&body))
    }

    pub(super) fn patch(&mut self, path: &str, body: Value) -> Reply {
        self.send(Method::Patch, path, Some(&body))
    }

    pub(super) fn delete(&mut self, path: &str) -> Reply {
        self.send(Method::Delete, path, None)
    }

    /// Creates a contact, which must work, and gives its id.
    pub(super) fn contact(&mut self, properties: Value) -> String {
        self.record("contacts", properties)
    }

    pub(super) fn record(&mut self, object: &str, properties: Value) -> String {
        let reply = self.post(&format!("/crm/v3/objects/{object}"), json!({"properties": properties}));
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.id()
    }

    /// Searches contacts and gives the reply.
    pub(super) fn search(&mut self, body: Value) -> Reply {
        self.post("/crm/v3/objects/contacts/search", body)
    }

    /// The e-mail addresses of the contacts that one filter finds, sorted.
    pub(super) fn found(&mut self, name: &str, operator: &str, operands: Value) -> Vec<String> {
        let mut filter = json!({"propertyName": name, "operator": operator});
        if let (Some(filter), Some(operands)) = (filter.as_object_mut(), operands.as_object()) {
            filter.extend(operands.clone());
        }
        let reply = self.search(json!({"filterGroups": [{"filters": [filter]}], "limit": 200}));
        assert_eq!(reply.status, 200, "{}", reply.body);
        let mut found = reply.column("email");
        assert_eq!(reply.body["total"], json!(found.len()));
        found.sort();
        found
    }

    pub(super) fn force(&mut self, fault: Fault) {
        let next = self.hubspot.calls() + 1;
        self.hubspot.faults_mut().forced.insert(next, fault);
    }
}

impl Reply {
    pub(super) fn id(&self) -> String {
        self.body["id"].as_str().expect("ids are strings").to_owned()
    }

    pub(super) fn results(&self) -> &[Value] {
        self.body["results"].as_array().expect("a list of results")
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.results().iter().map(|row| row["id"].as_str().expect("ids are strings").to_owned()).collect()
    }

    pub(super) fn column(&self, name: &str) -> Vec<String> {
        let text = |row: &Value| row["properties"][name].as_str().unwrap_or("-").to_owned();
        self.results().iter().map(text).collect()
    }

    /// Status, category and message of a refusal.
    pub(super) fn refusal(&self) -> (u16, &str, &str) {
        assert_eq!(self.body["status"], "error", "{}", self.body);
        let text = |name: &str| self.body[name].as_str().unwrap_or_default();
        (self.status, text("category"), text("message"))
    }

    pub(super) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// The fact sheet says nothing of it, but everything else rests on it.
#[test]
fn equal_requests_at_equal_moments_are_answered_equally() {
    let play = || {
        let mut client = Client::with(Options { records: 300, seed: 9, ..Options::default() });
        let mut replies = Vec::new();
        for step in 0..20 {
            client.pass(Duration::from_millis(700));
            client.hubspot.churn(3, client.now);
            replies.push(client.search(json!({"sorts": ["-lastmodifieddate"], "limit": 20})).response);
            let body = json!({"properties": {"email": format!("a{step}@example.org")}});
            replies.push(client.post("/crm/v3/objects/contacts", body).response);
        }
        replies
    };
    assert_eq!(play(), play());
}
