//! HubSpot's refusals in the engine's words: a status, headers and a body become a class, whether the write may have
//! been applied, and one sentence.
//!
//! What decides is the status, and for 429 which limit it was. Texts are read only for what is nowhere else: who
//! holds a value that must be unique, and which property was refused for what.

use std::time::Duration;

use sdk::{Class, Error, RecordId, Response};
use serde_json::Value as Json;

use super::client::Purpose;
use super::values::plain_text;
use crate::http::Redactor;

/// A refused call.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// Who holds the value that the write wanted for itself.
    holder: Option<Box<Holder>>,
}

/// The record that a unique value belongs to already.
#[derive(Debug, PartialEq)]
struct Holder {
    property: String,
    id: RecordId,
}

impl Failure {
    /// The record that holds this property's value, where that is why the write was refused.
    pub(super) fn holder_of(&self, property: &str) -> Option<&RecordId> {
        self.holder.as_ref().filter(|holder| holder.property == property).map(|holder| &holder.id)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, holder: None }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// The burst limit's window, where a 429 does not say how long to wait.
const BURST_WINDOW: Duration = Duration::from_secs(10);
/// The search limit's window.
const SEARCH_WINDOW: Duration = Duration::from_secs(1);
/// A record locked by another write is free again soon.
const LOCK: Duration = Duration::from_secs(2);
/// No service makes us wait longer than this by a header.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What an answer outside 2xx means.
pub(super) fn of(response: &Response, purpose: Purpose, redactor: &Redactor) -> Failure {
    let body: Json = serde_json::from_slice(&response.body).unwrap_or_default();
    let said = said(response, &body, redactor);
    let wait = retry_after(response);
    let holder = holder(&body);

    let error = match response.status {
        400 if holder.is_some() => Error::new(Class::Conflict, format!("HubSpot refuses the record: {said}")),
        400 | 413 | 414 | 415 | 422 => Error::new(Class::Invalid, format!("HubSpot refuses the request: {said}")),
        401 => Error::new(Class::Auth, format!("HubSpot refuses the token of this connection: {said}")),
        403 => forbidden(&body, &said),
        404 => Error::new(Class::NotFound, format!("HubSpot does not find it: {said}")),
        408 => Error::new(Class::Transient, format!("HubSpot gave up waiting: {said}")),
        409 => Error::new(Class::Conflict, format!("HubSpot refuses the record: {said}")),
        423 => Error::new(Class::Transient, format!("HubSpot has locked the record: {said}"))
            .retry_after(wait.or(Some(LOCK))),
        429 => too_many(&body, &said, wait),
        477 => Error::new(Class::Transient, format!("HubSpot is moving the account: {said}")).retry_after(wait),
        300..=399 => Error::new(Class::Permanent, redirect(response)),
        500..=599 => Error::new(Class::Transient, format!("HubSpot fails: {said}")).retry_after(wait),
        _ => Error::new(Class::Permanent, format!("HubSpot refuses the request: {said}")),
    };
    let error = match purpose {
        Purpose::Write if may_be_applied(response.status, wait) => error.maybe_applied(),
        Purpose::Write | Purpose::Read => error,
    };
    Failure { error, holder: holder.map(Box::new) }
}

/// An answer of 2xx that is not what it should be; the message says what came instead.
pub(super) fn unusable(response: &Response, purpose: Purpose, redactor: &Redactor) -> Error {
    let what = described(response);
    let beginning: String = String::from_utf8_lossy(&response.body).chars().take(60).collect();
    let error = Error::new(
        Class::Transient,
        format!("HubSpot's answer is not the JSON it should be: {what}, `{}`", redactor.clean(&beginning)),
    );
    match purpose {
        Purpose::Write => error.maybe_applied(),
        Purpose::Read => error,
    }
}

/// Whether a write that ended with this status may have been applied. A proxy that waited for HubSpot in vain knows
/// nothing; one that could not reach it, or asks us to come back, knows that nothing happened.
fn may_be_applied(status: u16, wait: Option<Duration>) -> bool {
    match status {
        503 => wait.is_none(),
        521 | 523 => false,
        408 | 300..=399 | 500..=599 => true,
        _ => false,
    }
}

fn too_many(body: &Json, said: &str, wait: Option<Duration>) -> Error {
    let message = text(body, "message").to_lowercase();
    if text(body, "policyName") == "DAILY" || message.contains("daily limit") {
        return Error::new(Class::QuotaExhausted, format!("HubSpot's daily limit is used up: {said}"))
            .retry_after(wait);
    }
    // "your secondly limit" is the search's; "your ten_secondly_rolling limit" is everybody's.
    let window = if message.contains(" secondly limit") { SEARCH_WINDOW } else { BURST_WINDOW };
    Error::new(Class::RateLimited, format!("HubSpot asks for fewer requests: {said}"))
        .retry_after(Some(wait.unwrap_or(window)))
}

/// Any one of the scopes would do. Most endpoints name them in an error's context, some at the top.
fn forbidden(body: &Json, said: &str) -> Error {
    let mut scopes: Vec<String> = errors(body)
        .chain([body])
        .filter_map(|place| place.get("context")?.get("requiredGranularScopes")?.as_array())
        .flatten()
        .filter_map(|scope| scope.as_str().map(str::to_owned))
        .collect();
    scopes.sort();
    scopes.dedup();
    let message = match &*scopes {
        [] => format!("HubSpot forbids it: {said}"),
        [scope] => format!("the token lacks the scope {scope}"),
        several => format!("the token lacks a scope; any one of these would do: {}", several.join(", ")),
    };
    Error::new(Class::Forbidden { scopes }, message)
}

fn redirect(response: &Response) -> String {
    let target = response.header("location").and_then(|target| reqwest::Url::parse(target).ok());
    let host = target.as_ref().and_then(|target| target.host_str()).unwrap_or("another address");
    format!("HubSpot's address answers with a redirect to {host}, which is not followed")
}

/// Seconds, or a date to be compared with the answer's own; anything else is not an answer.
fn retry_after(response: &Response) -> Option<Duration> {
    let asked = response.header("retry-after")?.trim();
    let seconds = match asked.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let parse = |date: &str| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok();
            let wait = parse(asked)?.as_second() - parse(response.header("date")?)?.as_second();
            u64::try_from(wait).ok()?
        }
    };
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// What HubSpot says, with each refused property and why.
fn said(response: &Response, body: &Json, redactor: &Redactor) -> String {
    let refused = refused_properties(body);
    if !refused.is_empty() {
        return without_stop(redactor.clean(&refused.join("; ")));
    }
    match text(body, "message") {
        "" => described(response),
        message => without_stop(redactor.clean(message)),
    }
}

/// Messages of ours end without one.
fn without_stop(text: String) -> String {
    text.trim_end_matches('.').to_owned()
}

fn described(response: &Response) -> String {
    let kind = response.header("content-type").map_or("of no type", |kind| kind.split(';').next().unwrap_or(kind));
    let kind: String = kind.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(60).collect();
    format!("status {} with {} bytes {kind}", response.status, response.body.len())
}

/// Validation failures stand as JSON inside the message's text, and again under `errors`, with the code.
fn refused_properties(body: &Json) -> Vec<String> {
    let inside = text(body, "message")
        .strip_prefix("Property values were not valid:")
        .and_then(|list| serde_json::from_str::<Vec<Json>>(list.trim()).ok())
        .unwrap_or_default();
    let mut refused: Vec<String> = inside
        .iter()
        .filter_map(|entry| Some(refusal(entry.get("name")?.as_str()?, text(entry, "error"), text(entry, "message"))))
        .collect();
    if refused.is_empty() {
        refused = errors(body)
            .filter_map(|entry| {
                let name = entry.get("context")?.get("propertyName")?;
                let name = name.as_str().or_else(|| name.get(0)?.as_str())?;
                Some(refusal(name, text(entry, "code"), text(entry, "message")))
            })
            .collect();
    }
    refused
}

fn refusal(property: &str, code: &str, message: &str) -> String {
    match (code, message) {
        ("", message) => format!("`{property}`: {message}"),
        (code, "") => format!("`{property}`: {code}"),
        (code, message) => format!("`{property}`: {message} ({code})"),
    }
}

/// Who holds the value, by the two texts that say so: a clash found at once, and one found when writing raced.
fn holder(body: &Json) -> Option<Holder> {
    let message = text(body, "message");
    let errors: Vec<&str> = errors(body).map(|entry| text(entry, "message")).collect();
    std::iter::once(message)
        .chain(errors)
        .find_map(|message| existing_contact(message).or_else(|| coordinates(message)))
}

/// `Contact already exists. Existing ID: 512`
fn existing_contact(message: &str) -> Option<Holder> {
    let (_, rest) = message.strip_prefix("Contact already exists")?.split_once("Existing ID:")?;
    Some(Holder { property: "email".to_owned(), id: leading_id(rest.trim_start())? })
}

/// `Cannot set PropertyValueCoordinates{…, propertyName=email, value=x} on 11. 12 already has that value.`
fn coordinates(message: &str) -> Option<Holder> {
    let (before, _) = message.split_once(" already has that value")?;
    let (_, name) = before.split_once("propertyName=")?;
    let property = name.split([',', '}']).next()?.trim().to_owned();
    let id = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
    Some(Holder { property, id: leading_id(id)? })
}

fn leading_id(text: &str) -> Option<RecordId> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| RecordId::from(&text[..digits]))
}

fn errors(body: &Json) -> impl Iterator<Item = &Json> {
    body.get("errors").and_then(Json::as_array).into_iter().flatten()
}

fn text<'a>(body: &'a Json, key: &str) -> &'a str {
    body.get(key).and_then(Json::as_str).unwrap_or_default()
}

/// An id as services write it: text, or a number.
pub(super) fn id_of(record: &Json) -> Option<RecordId> {
    let id = plain_text(record.get("id")?)?;
    (!id.is_empty()).then(|| RecordId::new(id))
}
