//! A service that answers from a list of recorded answers, and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sdk::{
    ConnectContext, Connection, Connector as _, Error, Request, Response, Secret, SettingValue, Settings, SystemClock,
    Transport, TransportError,
};
use serde_json::{Value as Json, json};

use crate::hubspot::HubSpot;

pub(super) const TOKEN: &str = "pat-na1-8f31c2aa-77e0-4d19-b9a4-c0ffee123456";

/// The service, shared between a connection and its test.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: VecDeque<Result<Response, TransportError>>,
    asked: Vec<Asked>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    /// Method, path and query: `GET /crm/v3/properties/contacts`.
    pub(super) line: String,
    /// Null where there was none.
    pub(super) body: Json,
}

impl Script {
    /// A service that will give these answers, one for each request, each a file of `testdata`.
    pub(super) fn of(names: &[&str]) -> Self {
        let script = Self::default();
        script.add(names.iter().map(|name| Ok(recorded(name))));
        script
    }

    pub(super) fn add(&self, answers: impl IntoIterator<Item = Result<Response, TransportError>>) {
        self.0.lock().unwrap().answers.extend(answers);
    }

    /// Answers with this JSON next.
    pub(super) fn then(self, status: u16, body: Json) -> Self {
        self.add([Ok(Response { status, headers: Vec::new(), body: body.to_string().into_bytes() })]);
        self
    }

    pub(super) fn connect(&self) -> Arc<dyn Connection> {
        self.connect_with(&[]).expect("the settings are right")
    }

    pub(super) fn connect_with(&self, settings: &[(&str, &str)]) -> Result<Arc<dyn Connection>, Error> {
        let mut all = Settings::default();
        all.0.insert("token".to_owned(), SettingValue::Secret(Secret::new(format!(" {TOKEN}\n"))));
        for (name, value) in settings {
            let value = match *name {
                "token" => SettingValue::Secret(Secret::new((*value).to_owned())),
                _ => SettingValue::Text((*value).to_owned()),
            };
            all.0.insert((*name).to_owned(), value);
        }
        let context = ConnectContext {
            transport: Arc::new(self.clone()),
            clock: Arc::new(SystemClock),
            folder: std::env::temp_dir(),
        };
        HubSpot.connect(&all, context)
    }

    /// Everything that was asked, and that nothing was asked too few.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let state = self.0.lock().unwrap();
        assert!(state.answers.is_empty(), "{} answers were not asked for", state.answers.len());
        state.asked.clone()
    }

    /// The lines of what was asked.
    pub(super) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// The body of the last request.
    pub(super) fn last_body(&self) -> Json {
        self.asked().pop().expect("something was asked").body
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let header = |name: &str| request.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(header("authorization"), Some(format!("Bearer {TOKEN}").as_str()), "the token is trimmed");
        assert!(request.deadline <= Duration::from_secs(60));
        let path = request.url.strip_prefix("https://api.hubapi.com").expect("the default address");
        let body = if request.body.is_empty() { Json::Null } else { serde_json::from_slice(&request.body).unwrap() };
        let line = format!("{} {path}", request.method.as_str());
        let mut state = self.0.lock().unwrap();
        state.asked.push(Asked { line: line.clone(), body });
        state.answers.pop_front().unwrap_or_else(|| panic!("nobody expected {line}"))
    }
}

/// An answer as it was recorded.
pub(super) fn recorded(name: &str) -> Response {
    let path = format!("{}/src/hubspot/testdata/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let answer: Json = serde_json::from_str(&text).expect(&path);
    let headers = answer["headers"].as_object().expect("headers");
    let body = match answer["text"].as_str() {
        Some(text) => text.to_owned(),
        None => answer["body"].to_string(),
    };
    Response {
        status: answer["status"].as_u64().expect("a status") as u16,
        headers: headers.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect(),
        body: body.into_bytes(),
    }
}

/// A search's answer with records of these ids and properties.
pub(super) fn found(records: &[(&str, Json)]) -> Json {
    let result = |(id, properties): &(&str, Json)| json!({ "id": id, "properties": properties, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z" });
    json!({ "total": records.len(), "results": records.iter().map(result).collect::<Vec<_>>() })
}
