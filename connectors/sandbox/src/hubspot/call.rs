//! A request taken apart: path segments, query and body, decoded once.

use sdk::{Method, Request};
use serde_json::Value;

use super::envelope::Problem;

/// A URL longer than this is 414. The service's own limit is not documented; lists of properties do reach it.
const LONGEST_URL: usize = 8_000;

/// One request, ready to be routed.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Decoded segments; a trailing slash leaves no trace.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) token: Option<String>,
    /// Scheme and host, for links.
    pub(super) origin: String,
    pub(super) path_text: String,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// Takes the request apart. Any byte sequence is a call of some kind; whether it is a good one is seen later.
    pub(super) fn of(request: &Request) -> Self {
        let url = request.url.split('#').next().unwrap_or_default();
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (origin, path) = match address.find("://").map(|at| at + 3) {
            Some(host) => address.split_at(address[host..].find('/').map_or(address.len(), |at| host + at)),
            None => ("", address),
        };
        let authorization = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        Self {
            method: request.method,
            path: path.split('/').filter(|segment| !segment.is_empty()).map(|segment| decode(segment, false)).collect(),
            query: query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name, true), decode(value, true)))
                .collect(),
            token: authorization.and_then(|(_, value)| bearer(value)).map(str::to_owned),
            origin: origin.to_owned(),
            path_text: path.to_owned(),
            body: request.body.clone(),
        }
    }

    /// Whether the URL is longer than the service reads.
    pub(super) fn is_too_long(request: &Request) -> bool {
        request.url.len() > LONGEST_URL
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A list given as `a,b` or as the parameter repeated; `None` where it is absent.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let values: Vec<&str> =
            self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| {
            values
                .iter()
                .flat_map(|value| value.split(','))
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        })
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.parameter(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Problem::validation(format!("Invalid boolean '{other}' for parameter '{name}'"))),
        }
    }

    /// A page size: the documented default where it is absent, 400 outside 1 to `largest` (whether the service clamps
    /// instead is not known; refusing is the stricter).
    pub(super) fn limit(&self, default: usize, largest: usize) -> Result<usize, Problem> {
        let Some(text) = self.parameter("limit") else { return Ok(default) };
        match text.parse::<usize>() {
            Ok(limit) if (1..=largest).contains(&limit) => Ok(limit),
            _ => Err(Problem::validation(format!("limit must be between 1 and {largest}, but was '{text}'"))),
        }
    }

    /// The body as a JSON object.
    pub(super) fn json(&self) -> Result<serde_json::Map<String, Value>, Problem> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) => Err(Problem::validation("Invalid input JSON on line 1, column 1: expected an object")),
            Err(error) => Err(Problem::validation(format!(
                "Invalid input JSON on line {}, column {}: {error}",
                error.line(),
                error.column()
            ))),
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped =
            (first == b'%').then(|| tail.get(..2)).flatten().and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if first == b'+' && plus_is_space { b' ' } else { first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn call(url: &str) -> Call {
        Call::of(&Request {
            method: Method::Get,
            url: url.to_owned(),
            headers: vec![("authorization".to_owned(), "Bearer abc".to_owned())],
            body: Vec::new(),
            deadline: Duration::from_secs(1),
        })
    }

    #[test]
    fn a_url_comes_apart_with_or_without_a_host_and_a_trailing_slash() {
        let with = call(
            "https://api.hubapi.com/crm/v3/objects/contacts/a%40b.c/?properties=email,phone&properties=city&q=a+b",
        );
        assert_eq!(with.path, ["crm", "v3", "objects", "contacts", "a@b.c"]);
        assert_eq!(with.list("properties").expect("given"), ["email", "phone", "city"]);
        assert_eq!(with.parameter("q"), Some("a b"));
        assert_eq!(with.origin, "https://api.hubapi.com");
        assert_eq!(with.token.as_deref(), Some("abc"));
        assert_eq!(call("/crm/v3/owners/").path, ["crm", "v3", "owners"]);
    }
}
