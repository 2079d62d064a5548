//! A made-up service: a manifest, a function that answers, and what was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use sdk::{
    Clock, ConnectContext, Connection, Connector as _, Error, Request, Response, Secret, SettingValue, Settings,
    Timestamp, Transport, TransportError,
};
use serde_json::Value as Json;
use text::{Colour, SourceFile, render};

use crate::rest::RestConnector;

/// What came in.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Method, path and query.
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

type Answers = dyn FnMut(&Asked) -> Result<Response, TransportError> + Send;

/// The service, with a clock that stands until it is moved.
#[derive(Clone)]
pub(super) struct Service {
    answers: Arc<Mutex<Box<Answers>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    now: Arc<Mutex<Timestamp>>,
}

impl Service {
    /// One that answers like this.
    pub(super) fn new(answers: impl FnMut(&Asked) -> Result<Response, TransportError> + Send + 'static) -> Self {
        let now = Timestamp::parse("2026-11-21T10:00:00Z").unwrap();
        Self { answers: Arc::new(Mutex::new(Box::new(answers))), asked: Arc::default(), now: Arc::new(Mutex::new(now)) }
    }

    pub(super) fn connect(&self, manifest: &str, settings: &[(&str, &str)]) -> Arc<dyn Connection> {
        self.try_connect(manifest, settings).expect("the settings are right")
    }

    /// Settings whose name ends in `secret`, `token` or `key` are secrets.
    pub(super) fn try_connect(&self, manifest: &str, settings: &[(&str, &str)]) -> Result<Arc<dyn Connection>, Error> {
        let file = SourceFile::new("service.yaml", manifest);
        let connector = match RestConnector::from_manifest(&file) {
            Ok(connector) => connector,
            Err(mistakes) => panic!("{}", render(&mistakes, &[file], Colour::Never)),
        };
        let mut all = Settings::default();
        for (name, value) in settings {
            let is_secret = ["secret", "token", "key"].iter().any(|end| name.ends_with(end));
            let value = match is_secret {
                true => SettingValue::Secret(Secret::new((*value).to_owned())),
                false => SettingValue::Text((*value).to_owned()),
            };
            all.0.insert((*name).to_owned(), value);
        }
        let service = Arc::new(self.clone());
        connector
            .connect(&all, ConnectContext { transport: service.clone(), clock: service, folder: std::env::temp_dir() })
    }

    /// What was asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    pub(super) fn pass(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = *now + duration;
    }
}

/// An answer of JSON.
pub(super) fn json(status: u16, body: Json) -> Result<Response, TransportError> {
    Ok(Response { status, headers: Vec::new(), body: body.to_string().into_bytes() })
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let path = request.url.split_once("://").map_or("", |(_, rest)| rest);
        let path = path.find('/').map_or("", |at| &path[at..]);
        let asked = Asked {
            line: format!("{} {path}", request.method.as_str()),
            headers: request.headers.iter().cloned().collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        };
        self.asked.lock().unwrap().push(asked.clone());
        (*self.answers.lock().unwrap())(&asked)
    }
}

impl Clock for Service {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.pass(duration);
        Box::pin(std::future::ready(()))
    }
}
