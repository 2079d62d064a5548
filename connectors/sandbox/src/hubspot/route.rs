//! Which request is which: paths of v3 and of the dated version lead to the same places.

use sdk::{Method, Timestamp};

use super::HubSpot;
use super::auth::Access;
use super::call::Call;
use super::envelope::{Answer, Problem};
use super::kinds::Object;

/// The one dated version of this account.
const DATED: &str = "2026-09";

/// What a path means, before it is known who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// The type as it was written, and what follows it.
    Objects(&'a str, &'a [String]),
    Properties(&'a str, &'a [String]),
    /// The type that the pairs begin with, and what follows it.
    Associations(&'a str, &'a [String]),
    Lists(&'a [String]),
    Owners(&'a [String]),
    Account(&'a [String]),
    TokenInfo,
    Nowhere,
}

impl<'a> Place<'a> {
    pub(super) fn of(path: &'a [String]) -> Self {
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["crm", "v3", "objects", name, ..] | ["crm", "objects", DATED, name, ..] => Self::Objects(name, &path[4..]),
            ["crm", "v3", "properties", name, ..] | ["crm", "properties", DATED, name, ..] => {
                Self::Properties(name, &path[4..])
            }
            ["crm", "v4", "objects", name, ..] => Self::Associations(name, &path[4..]),
            ["crm", "v3", "lists", ..] | ["crm", "lists", DATED, ..] => Self::Lists(&path[3..]),
            ["crm", "v3", "owners", ..] | ["crm", "owners", DATED, ..] => Self::Owners(&path[3..]),
            ["account-info", "v3" | DATED, ..] => Self::Account(&path[2..]),
            ["oauth", "v2", "private-apps", "get", "access-token-info"] => Self::TokenInfo,
            _ => Self::Nowhere,
        }
    }

    /// Whether the search limit counts, instead of the burst limit.
    pub(super) fn is_search(&self) -> bool {
        matches!(self, Self::Objects(_, rest) if rest.len() == 1 && rest[0] == "search")
    }
}

impl HubSpot {
    /// The answer to an authenticated, counted request.
    pub(super) fn route(
        &mut self,
        place: Place<'_>,
        token: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        match place {
            Place::Objects(name, rest) => self.route_objects(Object::of_segment(name)?, rest, token, call, now),
            Place::Properties(name, rest) => self.route_properties(Object::of_segment(name)?, rest, token, call, now),
            Place::Associations(name, rest) => {
                self.route_associations(Object::of_segment(name)?, rest, token, call, now)
            }
            Place::Lists(rest) => self.route_lists(rest, token, call, now),
            Place::Owners(rest) => match (call.method, rest) {
                (Method::Get, []) => self.list_owners(token, call),
                (Method::Get, [id]) => self.get_owner(token, id, call),
                (_, [] | [_]) => Err(Problem::method_not_allowed()),
                _ => Err(Problem::no_such_route()),
            },
            Place::Account(rest) => {
                let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
                match (call.method, rest.as_slice()) {
                    (Method::Get, ["details"]) => Ok(self.account_details()),
                    (Method::Get, ["api-usage", "daily", "private-apps"]) => Ok(self.daily_usage(now)),
                    _ => Err(Problem::no_such_route()),
                }
            }
            Place::TokenInfo if call.method == Method::Post => self.token_info(call),
            Place::TokenInfo => Err(Problem::method_not_allowed()),
            Place::Nowhere => Err(Problem::no_such_route()),
        }
    }

    fn route_objects(
        &mut self,
        object: Object,
        rest: &[String],
        token: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let reads = match (call.method, rest.as_slice()) {
            (Method::Get, _) | (Method::Post, ["search"] | ["batch", "read"]) => Access::Read,
            (Method::Post | Method::Put | Method::Patch | Method::Delete, _) => Access::Write,
        };
        self.authorize(token, object, reads)?;
        match (call.method, rest.as_slice()) {
            (Method::Get, []) => self.list_objects(object, call),
            (Method::Post, []) => self.post_object(object, call, now),
            (Method::Post, ["search"]) => self.search(object, call),
            (Method::Post, ["batch", "read"]) => self.batch_read(object, call, now),
            (Method::Post, ["batch", "create"]) => self.batch_create(object, call, now),
            (Method::Post, ["batch", "update"]) => self.batch_update(object, call, now),
            (Method::Post, ["batch", "upsert"]) => self.batch_upsert(object, call, now),
            (Method::Post, ["batch", "archive"]) => self.batch_archive(object, call, now),
            (Method::Post, ["merge"]) => self.merge_objects(object, call, now),
            (Method::Post, ["gdpr-delete"]) => self.gdpr_delete(object, call, now),
            (Method::Get, [id]) => self.get_object(object, id, call),
            (Method::Patch, [id]) => self.patch_object(object, id, call, now),
            (Method::Delete, [id]) => self.delete_object(object, id, now),
            (Method::Post | Method::Put, [_]) | (Method::Put | Method::Patch | Method::Delete, []) => {
                Err(Problem::method_not_allowed())
            }
            _ => Err(Problem::no_such_route()),
        }
    }

    fn route_properties(
        &mut self,
        object: Object,
        rest: &[String],
        token: &str,
        call: &Call,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let access = if call.method == Method::Get { Access::ReadSchema } else { Access::WriteSchema };
        self.authorize(token, object, access)?;
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        match (call.method, rest.as_slice()) {
            (Method::Get, []) => self.list_properties(object, call),
            (Method::Post, []) => self.post_property(object, call, now),
            (Method::Get, ["groups"]) => Ok(self.list_groups(object)),
            (Method::Post, ["groups"]) => self.post_group(object, call),
            (Method::Get, [name]) => self.get_property(object, name, call),
            (Method::Patch, [name]) => self.patch_property(object, name, call, now),
            (Method::Delete, [name]) => self.delete_property(object, name, now),
            _ => Err(Problem::no_such_route()),
        }
    }
}
