//! Who may enter, and what the token opens.

use serde_json::{Value, json};

use super::HubSpot;
use super::call::Call;
use super::envelope::{Answer, Problem};
use super::kinds::Object;
use super::options::DEFAULT_TOKEN;

/// Every scope that something here asks for.
const ALL_SCOPES: [&str; 21] = [
    "oauth",
    "tickets",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.tickets.read",
    "crm.objects.tickets.write",
    "crm.objects.owners.read",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.schemas.tickets.read",
    "crm.schemas.tickets.write",
    "crm.lists.read",
    "crm.lists.write",
];

/// What a request wants to do to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    ReadSchema,
    WriteSchema,
}

impl HubSpot {
    /// The token of a known app; 401 for any other.
    pub(super) fn authenticate<'a>(&self, call: &'a Call) -> Result<&'a str, Problem> {
        let token = call.token.as_deref().ok_or_else(unauthenticated)?;
        self.scopes(token).map(|_| token).ok_or_else(unauthenticated)
    }

    /// 403 unless the token has one of the scopes that this access to the object needs.
    pub(super) fn authorize(&self, token: &str, object: Object, access: Access) -> Result<(), Problem> {
        let scopes = &object.kind().scopes;
        let any_of = match access {
            Access::Read => scopes.read,
            Access::Write => scopes.write,
            Access::ReadSchema => scopes.schema_read,
            Access::WriteSchema => scopes.schema_write,
        };
        if self.has_scope(token, any_of) { Ok(()) } else { Err(missing_scopes(any_of)) }
    }

    /// Whether the token has one of these scopes.
    pub(super) fn has_scope(&self, token: &str, any_of: &[&str]) -> bool {
        self.scopes(token).is_some_and(|scopes| any_of.iter().any(|scope| scopes.iter().any(|it| it == scope)))
    }

    /// `POST /oauth/v2/private-apps/get/access-token-info`
    pub(super) fn token_info(&self, call: &Call) -> Result<Answer, Problem> {
        let body = call.json()?;
        let token = body.get("tokenKey").and_then(Value::as_str).unwrap_or_default();
        let scopes = self.scopes(token).ok_or_else(unauthenticated)?;
        let hub_id = self.options.portal_id;
        Ok(Answer::ok(json!({"userId": 51_770_213, "hubId": hub_id, "appId": 2_871_045, "scopes": scopes})))
    }

    fn scopes(&self, token: &str) -> Option<Vec<String>> {
        let all = || ALL_SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
        if self.options.tokens.is_empty() {
            return (token == DEFAULT_TOKEN).then(all);
        }
        let known = self.options.tokens.iter().find(|known| known.token == token)?;
        Some(known.scopes.clone().unwrap_or_else(all))
    }
}

fn unauthenticated() -> Problem {
    Problem::new(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at \
         https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )
}

/// A token that was good a moment ago.
pub(super) fn expired() -> Problem {
    Problem::new(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired 0 second(s) ago.")
}

/// The refusal most endpoints give: the scopes stand in the first error.
pub(super) fn missing_scopes(any_of: &[&str]) -> Problem {
    let mut problem = missing_scopes_of_account(any_of);
    problem.more.context.clear();
    problem.more.errors = vec![json!({
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": any_of},
    })];
    problem
}

/// The same as some endpoints give it: the scopes stand at the top.
pub(super) fn missing_scopes_of_account(any_of: &[&str]) -> Problem {
    let mut problem = Problem::new(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: \
         https://developers.hubspot.com/scopes.",
    )
    .with_context("requiredGranularScopes", any_of.iter().map(|scope| (*scope).to_owned()).collect());
    problem.more.links.insert("scopes".to_owned(), json!("https://developers.hubspot.com/scopes"));
    problem
}
