//! Answers: a body of JSON, or the error envelope that all of the service's refusals share.

use serde_json::{Map, Value, json};

/// A 2xx answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `None` where the answer has no body.
    pub(super) body: Option<Value>,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }

    pub(super) fn created(body: Value) -> Self {
        Self { status: 201, body: Some(body) }
    }

    pub(super) fn no_content() -> Self {
        Self { status: 204, body: None }
    }
}

/// A refusal. Every member but the message may be absent, as it is in the service's own answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) category: Option<&'static str>,
    /// The whole answer is a page of HTML: some 404s are.
    pub(super) html: bool,
    /// What few refusals have, apart so that the many that pass it on stay small.
    pub(super) more: Box<More>,
}

/// The rarer members of a refusal.
#[derive(Clone, Debug, Default)]
pub(super) struct More {
    pub(super) sub_category: Option<&'static str>,
    pub(super) context: Map<String, Value>,
    pub(super) errors: Vec<Value>,
    pub(super) links: Map<String, Value>,
    /// Which limit was reached; the body then has `errorType`, `policyName` and `requestId`.
    pub(super) policy: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), category: Some(category), ..Self::default() }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    /// A numeric id that nobody has: this one body comes without a category.
    pub(super) fn resource_not_found() -> Self {
        Self { status: 404, message: "resource not found".to_owned(), ..Self::default() }
    }

    pub(super) fn no_such_route() -> Self {
        Self { status: 404, html: true, ..Self::default() }
    }

    pub(super) fn method_not_allowed() -> Self {
        Self { status: 405, message: "HTTP 405 Method Not Allowed".to_owned(), ..Self::default() }
    }

    pub(super) fn with_context(mut self, key: &str, values: Vec<String>) -> Self {
        self.more.context.insert(key.to_owned(), json!(values));
        self
    }

    /// The envelope as it goes over the wire.
    pub(super) fn body(&self, correlation_id: &str) -> Value {
        let more = &self.more;
        let mut body = Map::new();
        body.insert("status".to_owned(), json!("error"));
        body.insert("message".to_owned(), json!(self.message));
        body.insert("correlationId".to_owned(), json!(correlation_id));
        if let Some(category) = self.category {
            body.insert("category".to_owned(), json!(category));
        }
        if let Some(sub_category) = more.sub_category {
            body.insert("subCategory".to_owned(), json!(sub_category));
        }
        if !more.context.is_empty() {
            body.insert("context".to_owned(), Value::Object(more.context.clone()));
        }
        if !more.errors.is_empty() {
            body.insert("errors".to_owned(), Value::Array(more.errors.clone()));
        }
        if !more.links.is_empty() {
            body.insert("links".to_owned(), Value::Object(more.links.clone()));
        }
        if let Some(policy) = more.policy {
            body.insert("errorType".to_owned(), json!("RATE_LIMIT"));
            body.insert("policyName".to_owned(), json!(policy));
            body.insert("requestId".to_owned(), json!(correlation_id.replace('-', "")));
        }
        Value::Object(body)
    }

    /// The same refusal as one row of a 207: there only the text and the context survive.
    pub(super) fn row(&self, trace_id: Option<&str>) -> Value {
        let mut context = self.more.context.clone();
        if let Some(trace_id) = trace_id {
            context.insert("objectWriteTraceId".to_owned(), json!([trace_id]));
        }
        json!({"status": "error", "category": self.category, "message": self.message, "context": context})
    }
}
