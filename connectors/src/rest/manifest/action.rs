//! Actions under names of a service's own.

use serde_json::Value as Json;

use super::{Conditions, Request, Retry};
use crate::rest::template::Template;

/// One action.
#[derive(Debug)]
pub(in crate::rest) struct Action {
    /// What flows are told of it.
    pub(in crate::rest) schema: sdk::ActionSchema,
    /// What the service calls the words of its choices: of each input in the schema's order, and of each word in order.
    pub(in crate::rest) words: Vec<Vec<Json>>,
    pub(in crate::rest) request: Request,
    pub(in crate::rest) retry: Retry,
    /// The header that carries the effect's id.
    pub(in crate::rest) idempotency: Option<String>,
    /// Where each result stands, in the schema's order.
    pub(in crate::rest) results: Vec<ResultOf>,
}

/// Where a result stands in the answer.
#[derive(Debug)]
pub(in crate::rest) enum ResultOf {
    /// Here; without it, nobody could say that anything was done.
    Value(Template),
    /// Here, where the service tells it.
    MaybeValue(Template),
    /// True where all of these hold.
    Test(Conditions),
}
