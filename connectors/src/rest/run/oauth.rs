//! Access tokens that are asked for: once, then again before they end, and once more where one is refused early.
//!
//! They are kept in memory alone. A service that gives a new refresh token with each access token is followed as long
//! as this process lives; after that the one in the connection's settings must still be good.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use sdk::{Class, Clock, Error, Method, Request, Response, Secret, Timestamp, Transport, TransportError};
use serde_json::Value as Json;
use tokio::sync::Mutex;

use super::client::form;
use super::failure::{reached, retry_after};
use crate::http::{Redactor, read_json};

/// The total time for one call.
const DEADLINE: Duration = Duration::from_secs(60);
/// So long before its end a token is replaced, or at the last tenth of a short life.
const MARGIN: Duration = Duration::from_secs(60);
/// So many secrets are remembered to be taken out of texts.
const MOST_HIDDEN: usize = 8;

/// What tokens are asked for with.
pub(super) struct Asking {
    /// What messages call the service.
    pub(super) service: String,
    pub(super) address: String,
    pub(super) client_id: Secret,
    pub(super) client_secret: Option<Secret>,
    /// Whether the two stand in a header.
    pub(super) in_header: bool,
    pub(super) scopes: Vec<String>,
    pub(super) form: Vec<(String, Secret)>,
}

/// The tokens of one connection.
pub(super) struct Tokens {
    asking: Asking,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// Held while one is asked for, so that many requests ask for one.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    refresh_token: Option<Secret>,
    n_given: u64,
    hidden: Vec<Secret>,
}

/// One access token.
#[derive(Clone)]
pub(super) struct Token {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) value: Secret,
    /// What must not be shown by now: this token, those before it, and whatever came with them.
    pub(super) hidden: Arc<[Secret]>,
    /// When it should be replaced.
    until: Option<Timestamp>,
}

impl Tokens {
    pub(super) fn new(
        asking: Asking,
        refresh_token: Option<Secret>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { asking, transport, clock, state: Mutex::new(State { refresh_token, ..State::default() }) }
    }

    /// A token that is good for a while yet.
    pub(super) async fn current(&self, redactor: &Redactor) -> Result<Token, Error> {
        let mut state = self.state.lock().await;
        self.current_in(&mut state, redactor).await
    }

    /// Another one than this, which was refused.
    pub(super) async fn instead_of(&self, refused: &Token, redactor: &Redactor) -> Result<Token, Error> {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.number == refused.number) {
            state.token = None;
        }
        self.current_in(&mut state, redactor).await
    }

    async fn current_in(&self, state: &mut State, redactor: &Redactor) -> Result<Token, Error> {
        let now = self.clock.now();
        if let Some(token) = state.token.as_ref().filter(|token| token.until.is_none_or(|until| now < until)) {
            return Ok(token.clone());
        }
        let response = self.transport.send(self.request(state.refresh_token.as_ref())).await;
        let service = &self.asking.service;
        let response = response.map_err(|error| {
            let of = |reason: &str| {
                let reason = redactor.clean(reason);
                Error::new(Class::Transient, format!("{service} did not answer when asked for a token: {reason}"))
            };
            match error {
                TransportError::NotSent(reason) | TransportError::MaybeSent(reason) => of(&reason).not_reached(),
                TransportError::Unreadable(reason) => of(&reason).answered(),
            }
        })?;
        if !(200..300).contains(&response.status) {
            return Err(self.refused(&response, redactor));
        }
        let given = read_json(&response.body).as_ref().and_then(Given::of);
        let given = given.ok_or_else(|| {
            Error::new(
                Class::Transient,
                format!("{service}'s answer to being asked for a token holds none that can be sent"),
            )
            .answered()
        })?;
        state.hidden.push(given.token.clone());
        if let Some(next) = given.refresh_token {
            if state.refresh_token.as_ref().is_some_and(|known| known.expose() != next.expose()) {
                tracing::debug!(
                    service,
                    "a new refresh token came with the access token; it is kept while this process lives"
                );
            }
            state.hidden.push(next.clone());
            state.refresh_token = state.refresh_token.is_some().then_some(next);
        }
        let n_too_many = state.hidden.len().saturating_sub(MOST_HIDDEN);
        state.hidden.drain(..n_too_many);
        state.n_given += 1;
        // Counted from before it was asked for: the answer took its time.
        let until = given.lifetime.map(|lifetime| now + lifetime.saturating_sub(MARGIN.min(lifetime / 10)));
        let hidden = state.hidden.clone().into();
        let token = Token { number: state.n_given, value: given.token, hidden, until };
        state.token = Some(token.clone());
        Ok(token)
    }

    fn request(&self, refresh_token: Option<&Secret>) -> Request {
        let Asking { address, client_id, client_secret, in_header, scopes, form: more, .. } = &self.asking;
        let mut pairs: Vec<(&str, &str)> = match refresh_token {
            Some(token) => vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())],
            None => vec![("grant_type", "client_credentials")],
        };
        let secret = client_secret.as_ref().map_or("", Secret::expose);
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        if *in_header {
            // Each is encoded as in a form before the two are joined.
            let encoded = |text: &str| form(&[("", text)]).trim_start_matches('=').to_owned();
            let pair = Secret::new(format!("{}:{}", encoded(client_id.expose()), encoded(secret)));
            headers.push(("authorization".to_owned(), format!("Basic {}", BASE64.encode(pair.expose().as_bytes()))));
        } else {
            pairs.push(("client_id", client_id.expose()));
            pairs.extend(client_secret.as_ref().map(|_| ("client_secret", secret)));
        }
        let scopes = scopes.join(" ");
        if !scopes.is_empty() {
            pairs.push(("scope", &scopes));
        }
        pairs.extend(more.iter().map(|(name, value)| (name.as_str(), value.expose())));
        let body = form(&pairs).into_bytes();
        Request { method: Method::Post, url: address.clone(), headers, body, deadline: DEADLINE }
    }

    /// Why there is no token, and what a person can do.
    fn refused(&self, response: &Response, redactor: &Redactor) -> Error {
        let service = &self.asking.service;
        let body = read_json(&response.body).unwrap_or_default();
        let code = body["error"].as_str().unwrap_or_default();
        let passes = matches!(code, "temporarily_unavailable" | "server_error");
        let class = match response.status {
            _ if passes => Class::Transient,
            400 | 401 | 403 => Class::Auth,
            429 => Class::RateLimited,
            408 | 500..=599 => Class::Transient,
            _ => Class::Permanent,
        };
        let why = match code {
            "invalid_client" => "it does not know this client id, or its secret is another".to_owned(),
            "invalid_grant" => {
                "the refresh token is no longer good; authorize the app again, and put the new one into \
                                the connection"
                    .to_owned()
            }
            "unauthorized_client" | "unsupported_grant_type" => "this app may not ask in this way".to_owned(),
            "invalid_scope" => "it does not grant the scopes that are asked for".to_owned(),
            "" => format!("status {}", response.status),
            other => redactor.clean(other),
        };
        let said = body["error_description"].as_str().map(|said| redactor.clean(said)).unwrap_or_default();
        let said = if said.is_empty() { said } else { format!(" ({})", said.trim_end_matches('.')) };
        let error = Error::new(class, format!("{service} gives no access token: {why}{said}"));
        reached(error, response.status).retry_after(retry_after(response))
    }
}

/// A token as it was given.
struct Given {
    token: Secret,
    refresh_token: Option<Secret>,
    lifetime: Option<Duration>,
}

impl Given {
    /// `None` where the answer holds no token of a kind that can be sent.
    fn of(body: &Json) -> Option<Self> {
        let is_bearer = body["token_type"].as_str().is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        let secret = |name: &str| {
            let text = body[name].as_str()?.trim();
            let is_one = !text.is_empty() && text.len() <= 8000 && text.bytes().all(|byte| byte.is_ascii_graphic());
            is_one.then(|| Secret::new(text.to_owned()))
        };
        let seconds = match &body["expires_in"] {
            Json::String(text) => text.parse().ok(),
            number => number.as_u64(),
        };
        let lifetime = seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        Some(Self {
            token: secret("access_token").filter(|_| is_bearer)?,
            refresh_token: secret("refresh_token"),
            lifetime,
        })
    }
}
