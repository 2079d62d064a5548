//! A request, taken apart, and what it costs.

use sdk::{Method, Request};
use serde_json::Value as Json;

/// One call.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) segments: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) body: Json,
    pub(super) token: Option<String>,
}

impl Call {
    pub(super) fn read(request: &Request) -> Self {
        let behind_scheme = request.url.split_once("://").map_or(&*request.url, |(_, rest)| rest);
        let path = behind_scheme.find('/').map_or("", |at| &behind_scheme[at..]);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
        };
        Self {
            method: request.method,
            segments: path.split('/').filter(|part| !part.is_empty()).map(decoded).collect(),
            query: query.split('&').filter(|part| !part.is_empty()).map(pair).collect(),
            body: serde_json::from_slice(&request.body).unwrap_or_default(),
            token: request.headers.iter().find(|(name, _)| name == "x-api-token").map(|(_, value)| value.clone()),
        }
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// In tokens of the day's budget.
    pub(super) fn cost(&self) -> u64 {
        match (self.method, self.segments.last().map(String::as_str)) {
            (Method::Get, Some("search")) => 40,
            (Method::Get, Some(last)) if last.parse::<u64>().is_ok() => 2,
            (Method::Get, _) => 20,
            (Method::Post | Method::Put | Method::Patch | Method::Delete, _) => 10,
        }
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let code = (byte == b'%').then(|| {
            let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
            std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok())
        });
        bytes.push(code.flatten().unwrap_or(byte));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
