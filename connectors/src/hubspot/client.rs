//! One call to HubSpot: from a path and a body to JSON and the server's time, or to a failure in the engine's words.

use std::sync::Arc;
use std::time::Duration;

use sdk::{
    Class, ConnectContext, Error, Method, Request, Response, Secret, Settings, Timestamp, Transport, TransportError,
};
use serde_json::{Value as Json, json};

use super::failure::{self, Failure};
use crate::http::{BaseUrl, Redactor};

const BASE_URL: &str = "https://api.hubapi.com";
/// The total time for one call; HubSpot's own gateway gives up after 100 seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// Speaks to one account.
pub(super) struct Client {
    transport: Arc<dyn Transport>,
    base: BaseUrl,
    token: Secret,
    redactor: Redactor,
}

/// Whether a call changes anything: only then can its failure leave something behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) segments: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<Json>,
    pub(super) purpose: Purpose,
}

/// What an answered call brought.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Json,
    /// By the answer's own header, in whole seconds.
    pub(super) server_time: Option<Timestamp>,
}

impl<'a> Call<'a> {
    pub(super) const fn read(method: Method, segments: &'a [&'a str]) -> Self {
        Self { method, segments, query: &[], body: None, purpose: Purpose::Read }
    }

    pub(super) const fn write(method: Method, segments: &'a [&'a str]) -> Self {
        Self { method, segments, query: &[], body: None, purpose: Purpose::Write }
    }

    pub(super) fn query(self, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    pub(super) fn body(self, body: Json) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Client {
    pub(super) fn new(settings: &Settings, context: ConnectContext) -> Result<Self, Error> {
        let token = settings.secret("token").map_or("", |token| token.expose()).trim().to_owned();
        if token.is_empty() {
            return Err(Error::new(Class::Invalid, "`token` is empty; it is a private app's access token"));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(
                Class::Invalid,
                "`token` holds a space or a character that no token has; copy the token alone, without `Bearer`",
            ));
        }
        let token = Secret::new(token);
        let base = BaseUrl::parse(settings.text("base_url").unwrap_or(BASE_URL))?;
        let redactor = Redactor::new([&token]);
        Ok(Self { transport: context.transport, base, token, redactor })
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.base.is_loopback()
    }

    /// What the token says of itself.
    pub(super) async fn introspect(&self) -> Result<Json, Error> {
        let call = Call::read(Method::Post, &["oauth", "v2", "private-apps", "get", "access-token-info"])
            .body(json!({ "tokenKey": self.token.expose() }));
        Ok(self.call(call).await?.body)
    }

    /// One attempt. An answer is JSON, or it is a failure.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Answer, Failure> {
        let purpose = call.purpose;
        let request = self.request(call)?;
        let response = self.transport.send(request).await.map_err(|error| self.no_answer(error, purpose))?;
        if !(200..300).contains(&response.status) {
            return Err(self.explain(failure::of(&response, purpose, &self.redactor)));
        }
        match serde_json::from_slice(&response.body) {
            Ok(body) => Ok(Answer { body, server_time: server_time(&response) }),
            Err(_) => Err(failure::unusable(&response, purpose, &self.redactor).into()),
        }
    }

    fn request(&self, call: Call<'_>) -> Result<Request, Error> {
        let mut headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", self.token.expose())),
            ("accept".to_owned(), "application/json".to_owned()),
        ];
        let body = match &call.body {
            Some(body) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                body.to_string().into_bytes()
            }
            None => Vec::new(),
        };
        let url = self.base.join(call.segments, call.query)?;
        Ok(Request { method: call.method, url, headers, body, deadline: DEADLINE })
    }

    fn no_answer(&self, error: TransportError, purpose: Purpose) -> Error {
        let of = |reason: &str| {
            Error::new(Class::Transient, format!("HubSpot did not answer: {}", self.redactor.clean(reason)))
        };
        match (error, purpose) {
            (TransportError::MaybeSent(reason), Purpose::Write) => of(&reason).maybe_applied(),
            (TransportError::MaybeSent(reason), Purpose::Read) => of(&reason),
            (TransportError::NotSent(reason), Purpose::Read | Purpose::Write) => of(&reason),
        }
    }

    /// Adds what only we can know: how the refused token looks.
    fn explain(&self, mut failure: Failure) -> Failure {
        if failure.error.class == Class::Auth && !self.token.expose().starts_with("pat-") {
            failure.error.message.push_str("; a private app's token begins with `pat-`, and this one does not");
        }
        failure
    }
}

fn server_time(response: &Response) -> Option<Timestamp> {
    let date = response.header("date")?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(date.into())
}
