//! The words that some keys of a manifest choose from.

use sdk::{Applied, FieldType, IdOrder, LimitScope};
use text::words;

use crate::rest::manifest::{ClientIn, MomentForm, Order, Retry, Serves, TestKind, ValueForm, When};

/// How one shows who one is, before what it takes is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum Way {
    Bearer,
    Header,
    Query,
    Basic,
    OAuth2,
}

/// How a poll reads. A cursor's list begins at a stamp; a scan's and an event feed's end there; a snapshot knows none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum Mode {
    Cursor,
    Scan,
    Events,
    Snapshot,
}

/// What a poll reads in place of a request of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum PollBy {
    Search,
    List,
}

/// By what the next page is found, before what it takes is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum PageKind {
    None,
    Token,
    LastItem,
    Number,
    Offset,
    Link,
}

/// How an upsert is done, before what it takes is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum UpsertWay {
    UpdateByKey,
    Search,
    Find,
    Native,
}

/// What a refusal means; scopes are read from the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rest) enum ClassWord {
    RateLimited,
    QuotaExhausted,
    Transient,
    Auth,
    Forbidden,
    NotFound,
    Conflict,
    Invalid,
    Permanent,
}

words! {
    pub(in crate::rest) const ID_ORDERS: IdOrder = {
        "numbers" => IdOrder::Numbers, "As numbers.";
        "text" => IdOrder::Text, "As text.";
    };

    pub(in crate::rest) const SCOPES: LimitScope = {
        "account" => LimitScope::Account, "Everybody who speaks to the account.";
        "connection" => LimitScope::Connection, "Whoever has the same credential.";
        "resource" => LimitScope::Resource, "Requests for the same kind of record.";
    };

    pub(in crate::rest) const WAYS: Way = {
        "bearer" => Way::Bearer, "By a token, in the header `Authorization`.";
        "header" => Way::Header, "By a header of the service's own.";
        "query" => Way::Query, "By a part of the address, behind the `?`.";
        "basic" => Way::Basic, "By a name and a password.";
        "oauth2" => Way::OAuth2, "By a token that is fetched, kept and renewed.";
    };

    /// Whether there is a token to refresh by.
    pub(in crate::rest) const GRANTS: bool = {
        "client_credentials" => false, "By the application's own credentials.";
        "refresh_token" => true, "By a token that a person's consent gave.";
    };

    pub(in crate::rest) const CLIENT_IN: ClientIn = {
        "body" => ClientIn::Body, "In what is sent.";
        "header" => ClientIn::Header, "In the header `Authorization`.";
    };

    pub(in crate::rest) const CLASSES: ClassWord = {
        "rate_limited" => ClassWord::RateLimited, "Too many requests in a short time: it is tried again after a wait.";
        "quota_exhausted" => ClassWord::QuotaExhausted, "No requests are left, for hours perhaps.";
        "transient" => ClassWord::Transient, "Something passed; it is tried again.";
        "auth" => ClassWord::Auth, "The credential is not accepted.";
        "forbidden" => ClassWord::Forbidden, "The credential may not do this.";
        "not_found" => ClassWord::NotFound, "There is no such record.";
        "conflict" => ClassWord::Conflict, "Another record holds a value that must be unique.";
        "invalid" => ClassWord::Invalid, "What was sent is not accepted; it never will be.";
        "permanent" => ClassWord::Permanent, "It cannot be done, and trying again does not help.";
    };

    pub(in crate::rest) const WHEN: When = {
        "held" => When::Held, "It says who holds a unique value.";
        "told_to_wait" => When::ToldToWait, "It says how long to wait.";
    };

    pub(in crate::rest) const APPLIED: Applied = {
        "no" => Applied::No, "Nothing was written.";
        "maybe" => Applied::Maybe, "It may have been written.";
    };

    pub(in crate::rest) const TYPES: FieldType = {
        "text" => FieldType::Text, "Text.";
        "number" => FieldType::Number, "A whole or fractional number.";
        "boolean" => FieldType::Boolean, "True or false.";
        "date" => FieldType::Date, "A calendar day.";
        "moment" => FieldType::Moment, "A moment.";
        "choice" => FieldType::Choice, "One of the field's options.";
        "choices" => FieldType::Choices, "Several of the field's options.";
        "any" => FieldType::Any, "Whatever the service keeps there; it is not checked.";
    };

    /// A choice among inputs is said by `choice`.
    pub(in crate::rest) const INPUT_TYPES: FieldType = {
        "text" => FieldType::Text, "Text.";
        "number" => FieldType::Number, "A whole or fractional number.";
        "boolean" => FieldType::Boolean, "True or false.";
        "date" => FieldType::Date, "A calendar day.";
        "moment" => FieldType::Moment, "A moment.";
        "any" => FieldType::Any, "Whatever is given; it is not checked.";
    };

    pub(in crate::rest) const VALUES: ValueForm = {
        "text" => ValueForm::Text, "Each as text, and empty text for nothing.";
        "json" => ValueForm::Json, "As JSON has them, dates and moments as text.";
    };

    /// Whether unique fields are keys too.
    pub(in crate::rest) const GET_BY: bool = {
        "id" => false, "By its id.";
        "unique" => true, "By its id, or by any field that is unique.";
    };

    /// Whether it is in the order of the ids.
    pub(in crate::rest) const LIST_ORDERS: bool = {
        "by_id" => true, "By rising id.";
        "none" => false, "In no order that could be relied on.";
    };

    pub(in crate::rest) const MOMENTS: MomentForm = {
        "unix_ms" => MomentForm::UnixMillis, "Milliseconds since 1970.";
        "unix_s" => MomentForm::UnixSeconds, "Seconds since 1970.";
        "rfc3339" => MomentForm::Rfc3339, "As `2026-01-02T10:00:00Z`.";
    };

    pub(in crate::rest) const TEST_KINDS: TestKind = {
        "eq" => TestKind::Eq, "Equal.";
        "gt" => TestKind::Gt, "Greater.";
        "gte" => TestKind::Gte, "Greater or equal.";
        "lt" => TestKind::Lt, "Less.";
        "lte" => TestKind::Lte, "Less or equal.";
        "between" => TestKind::Between, "Between two values.";
        "in" => TestKind::In, "One of several.";
        "exists" => TestKind::Exists, "With a value.";
        "empty" => TestKind::Empty, "Without one.";
    };

    pub(in crate::rest) const SERVES: Serves = {
        "new" => Serves::New, "Records that are created.";
        "new_or_updated" => Serves::NewOrUpdated, "Records that are created or changed.";
        "archived" => Serves::Archived, "Records that are archived.";
        "any_stamp" => Serves::AnyStamp, "Records by any field that is a date or a moment.";
    };

    pub(in crate::rest) const MODES: Mode = {
        "cursor" => Mode::Cursor, "From a stamp on, the oldest first.";
        "scan" => Mode::Scan, "From the newest back to what is known already.";
        "events" => Mode::Events, "A feed of events, in each of which a record stands.";
        "snapshot" => Mode::Snapshot, "All records, each time; what is new or changed is told by comparing them with those seen before. For records that nothing stamps.";
    };

    pub(in crate::rest) const POLL_BY: PollBy = {
        "search" => PollBy::Search, "The resource's search, sorted by the stamp; by the id for a snapshot.";
        "list" => PollBy::List, "The resource's list, for a snapshot.";
    };

    pub(in crate::rest) const ORDERS: Order = {
        "oldest_first" => Order::OldestFirst, "The oldest first.";
        "newest_first" => Order::NewestFirst, "The newest first.";
        "none" => Order::None, "In no order: it is read whole, each time.";
    };

    pub(in crate::rest) const PAGES: PageKind = {
        "none" => PageKind::None, "There is only one page.";
        "token" => PageKind::Token, "By a token in the answer.";
        "last_item" => PageKind::LastItem, "By a value of the last item.";
        "number" => PageKind::Number, "By the page's number.";
        "offset" => PageKind::Offset, "By how many items came before.";
        "link" => PageKind::Link, "By an address in the answer.";
    };

    pub(in crate::rest) const RETRIES: Retry = {
        "idempotent" => Retry::Idempotent, "Nothing: the service knows it by its key, which `idempotency` carries.";
        "safe" => Retry::Safe, "It leaves the same record in the same state.";
        "unsafe" => Retry::Unsafe, "It may make a second record, so it is never sent again blindly.";
    };

    pub(in crate::rest) const UPSERTS: UpsertWay = {
        "update_by_key" => UpsertWay::UpdateByKey, "The update takes the key in place of an id; not found, a record is created.";
        "search" => UpsertWay::Search, "The record is looked for by the resource's search.";
        "find" => UpsertWay::Find, "The record is looked for by one of the resource's finds.";
        "native" => UpsertWay::Native, "The service does it in one request, which stands here.";
    };
}
