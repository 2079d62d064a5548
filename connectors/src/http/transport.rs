//! One request, one answer.
//!
//! Nothing happens below this that the engine does not know of: no redirect is followed, no request repeated, and no
//! proxy asked but the one that the connection's settings name. An answer is read whole, within its deadline and within
//! its size, or it is not an answer.

use std::error::Error as _;
use std::sync::{Arc, Once};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, redirect, retry};
use sdk::{Class, Error, Method, Request, Response, Settings, Transport, TransportError, faults};

use super::reach::{self, Reach, Resolver};
use super::settings;

/// The most an answer's body may hold, decoded.
const LONGEST_BODY: usize = 16 * 1024 * 1024;
/// The most an answer's headers may hold together.
const LONGEST_HEADERS: usize = 64 * 1024;
/// The headers that hold nothing to hide.
const HARMLESS: [&str; 2] = ["accept", "content-type"];
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection's way to the network; its sockets are kept open between requests.
pub struct HttpTransport {
    client: Client,
    reach: Reach,
    /// Whether this machine knows certificate authorities. Without any, only plain addresses on this machine work.
    knows_authorities: bool,
}

impl HttpTransport {
    /// As the settings say; opens nothing yet. Each connection has one of its own.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let reach = Reach::of(settings);
        let builder = || builder(settings, reach);
        if let Ok(client) = builder()?.build() {
            return Ok(Self { client, reach, knows_authorities: true });
        }
        let client = builder()?.tls_certs_only([]).build().map_err(|error| no_client(&error))?;
        Ok(Self { client, reach, knows_authorities: false })
    }

    /// The usual one, which trusts this certificate authority and no other. There is no way to it from outside of
    /// tests.
    #[cfg(test)]
    pub(super) fn trusting(authority: &[u8]) -> Result<Self, Error> {
        let authority = reqwest::Certificate::from_pem(authority).map_err(|error| no_client(&error))?;
        let builder = builder(&Settings::default(), Reach::Public)?.tls_certs_only([authority]);
        let client = builder.build().map_err(|error| no_client(&error))?;
        Ok(Self { client, reach: Reach::Public, knows_authorities: true })
    }

    fn prepare(&self, request: Request) -> Result<reqwest::Request, TransportError> {
        let refused = |reason: String| TransportError::NotSent(format!("the request was not sent: {reason}"));
        let url =
            reach::address(&request.url, self.reach).map_err(|reason| refused(format!("its address: {reason}")))?;
        if url.scheme() == "https" && !self.knows_authorities {
            return Err(refused("this machine knows no certificate authorities; install `ca-certificates`".to_owned()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let key = HeaderName::try_from(name).map_err(|_| refused("a header's name is not valid".to_owned()))?;
            let mut value = HeaderValue::try_from(value)
                .ok()
                .filter(|value| value.len() <= LONGEST_HEADERS)
                .ok_or_else(|| refused(format!("the header `{key}` holds what a header cannot hold")))?;
            // Whatever logs headers below us then shows a word in its place.
            value.set_sensitive(!HARMLESS.contains(&key.as_str()));
            headers.append(key, value);
        }
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut prepared = reqwest::Request::new(method, url);
        *prepared.headers_mut() = headers;
        *prepared.timeout_mut() = Some(request.deadline);
        if !request.body.is_empty() {
            *prepared.body_mut() = Some(request.body.into());
        }
        Ok(prepared)
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let request = self.prepare(request)?;
        faults::point("http.before");
        panic_with(&request);
        let answer = self.client.execute(request).await.map_err(failed)?;
        let response = read(answer).await?;
        faults::point("http.sent");
        Ok(response)
    }
}

/// A planted bug: a panic of somebody who holds the request, and says what it is.
#[expect(clippy::panic, reason = "a test plants it, to see what is told of it")]
fn panic_with(request: &reqwest::Request) {
    if faults::planted("a panic that tells of its request") {
        let told: Vec<_> = request.headers().values().filter_map(|value| value.to_str().ok()).collect();
        std::panic::panic_any(format!("no answer to {}: {told:?}", request.url()));
    }
}

fn builder(settings: &Settings, reach: Reach) -> Result<ClientBuilder, Error> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Where another has installed one already, that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let proxy = settings::proxy(settings)?;
    // With a proxy, its name is the only one that is looked up here, and proxies stand inside of networks.
    let reach = if proxy.is_some() { Reach::Private } else { reach };
    let builder = Client::builder()
        .user_agent(concat!("millrace/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .gzip(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .http2_max_header_list_size(LONGEST_HEADERS as u32)
        .dns_resolver(Arc::new(Resolver { reach }));
    Ok(match proxy {
        Some(proxy) => builder.proxy(proxy),
        None => builder,
    })
}

fn no_client(error: &reqwest::Error) -> Error {
    Error::new(Class::Permanent, format!("no HTTP client: {}", chain(error)))
}

async fn read(mut answer: reqwest::Response) -> Result<Response, TransportError> {
    let too_long = |what: &str| TransportError::Unreadable(format!("the answer's {what} are too long to be read"));
    let headers: Vec<_> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    if headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LONGEST_HEADERS {
        return Err(too_long("headers"));
    }
    // What was unpacked lost this header; what still has it is packed in another way, or more than once.
    if let Some((_, packed)) = headers.iter().find(|(name, packed)| name == "content-encoding" && packed != "identity")
    {
        let packed = text::shown(packed);
        return Err(TransportError::Unreadable(format!("the answer is packed as `{packed}`, which is not unpacked")));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(too_long("contents"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status: answer.status().as_u16(), headers, body })
}

/// Only a failed connection, or a request that could not even be built, has certainly sent nothing.
fn failed(error: reqwest::Error) -> TransportError {
    let not_sent = error.is_connect() || error.is_builder();
    let timed_out = error.is_timeout();
    // An address may hold an e-mail; the connection's owner knows whom it speaks to.
    let reason = chain(&error.without_url());
    match (not_sent, timed_out) {
        (true, true) => TransportError::NotSent(format!("no connection in time: {reason}")),
        (true, false) => TransportError::NotSent(format!("no connection: {reason}")),
        (false, true) => TransportError::MaybeSent("no whole answer within the time limit".to_owned()),
        (false, false) => TransportError::MaybeSent(format!("the connection broke before the whole answer: {reason}")),
    }
}

/// An error and its causes, each said once.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
