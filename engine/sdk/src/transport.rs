//! One HTTP request and its answer, as data. The real one speaks to the network, the sandbox's to a function.

use std::time::Duration;

use async_trait::async_trait;

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "HTTP's own words")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As it stands in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One request. No redirect is followed and nothing is retried below this.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute address, path segments percent-encoded.
    pub url: String,
    /// Header names in lower case. May hold credentials, so `Request` has no `Debug`.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// The total time until the whole answer is read.
    pub deadline: Duration,
}

/// One answer, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// No usable answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// Not one byte of the request left: name not found, connection or TLS refused.
    #[error("{0}")]
    NotSent(String),
    /// The request, or part of it, left, and no whole answer came back.
    #[error("{0}")]
    MaybeSent(String),
    /// An answer came that cannot be read: it is too long, or packed in a way that nobody here unpacks.
    #[error("{0}")]
    Unreadable(String),
}

/// Sends one request.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// The answer to one attempt.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}
