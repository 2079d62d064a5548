//! Refusals in the engine's words: a status, headers and a body become a class, whether the write may have been
//! applied, and one sentence.
//!
//! The manifest's first rule that fits decides; where none does, what HTTP itself says. Texts are read only where the
//! manifest says that a fact is nowhere else.

use std::time::Duration;

use sdk::{Applied, Class, Error, RecordId, Response};
use serde_json::Value as Json;

use crate::http::{Redactor, read_json};
use crate::rest::manifest::{Errors, Manifest, Rule, When};
use crate::rest::template::{Root, Scope, Template, plain_text};

/// Whether a call changes anything: only then can its failure leave something behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
}

/// A refused call.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Who holds the value that the write wanted for itself.
    holder: Option<Box<Holder>>,
}

/// The record that a unique value belongs to already.
#[derive(Debug, PartialEq)]
struct Holder {
    field: String,
    id: RecordId,
}

impl Failure {
    /// The record that holds this field's value, where that is why the write was refused.
    pub(crate) fn holder_of(&self, field: &str) -> Option<&RecordId> {
        self.holder.as_ref().filter(|holder| holder.field == field).map(|holder| &holder.id)
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

/// No service makes us wait longer than this by a header.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// So many refused fields are named.
const MOST_DETAILS: usize = 20;

/// What an answer outside 2xx means.
pub(in crate::rest) fn of(manifest: &Manifest, response: &Response, purpose: Purpose, redactor: &Redactor) -> Failure {
    let body = read_json(&response.body).unwrap_or_default();
    let headers = headers(response);
    let scope = Scope::default().with(Root::Body, &body).with(Root::Header, &headers);
    let answer = Answer { manifest, response, scope, redactor, holder: None, wait: retry_after(response) };
    answer.failure(purpose)
}

/// What an answer of 2xx means that a rule takes for a refusal.
pub(super) fn in_success(
    manifest: &Manifest,
    response: &Response,
    body: &Json,
    purpose: Purpose,
    redactor: &Redactor,
) -> Option<Failure> {
    if !manifest.errors.rules.iter().any(|rule| rule.covers(response.status)) {
        return None;
    }
    let headers = headers(response);
    let scope = Scope::default().with(Root::Body, body).with(Root::Header, &headers);
    let answer = Answer { manifest, response, scope, redactor, holder: None, wait: retry_after(response) };
    answer.rule()?;
    Some(answer.failure(purpose))
}

/// An answer of 2xx that is not what it should be; the message says what came instead.
pub(super) fn unusable(manifest: &Manifest, response: &Response, purpose: Purpose, redactor: &Redactor) -> Error {
    let (service, what) = (&manifest.service, described(response, redactor));
    // Cut after it was cleaned: half a secret is a secret.
    let beginning = redactor.clean(&String::from_utf8_lossy(&response.body[..response.body.len().min(4096)]));
    let title = title(&beginning).map(|title| format!("titled `{title}`"));
    let is_page = is_page(response, &beginning);
    let beginning: String = beginning.chars().take(60).collect();
    let message = if is_page {
        let seen = title.unwrap_or_else(|| format!("`{beginning}`"));
        format!(
            "{service}'s address answers with a web page such as a proxy's or a login's, and not with JSON: {what}, {seen}"
        )
    } else {
        format!("{service}'s answer is not the JSON it should be: {what}, `{beginning}`")
    };
    let error = Error::new(Class::Transient, message).answered();
    match purpose {
        Purpose::Write => error.maybe_applied(),
        Purpose::Read => error,
    }
}

impl Rule {
    fn covers(&self, status: u16) -> bool {
        self.statuses.iter().any(|(from, to)| (*from..=*to).contains(&status))
    }
}

/// A refusal while it is read.
struct Answer<'a> {
    manifest: &'a Manifest,
    response: &'a Response,
    scope: Scope<'a>,
    redactor: &'a Redactor,
    holder: Option<Holder>,
    wait: Option<Duration>,
}

impl Answer<'_> {
    fn failure(mut self, purpose: Purpose) -> Failure {
        self.holder = holder(&self.manifest.errors, &self.scope);
        let rule = self.rule();
        let status = self.response.status;
        let class = rule.map_or_else(|| class_of(status), |rule| rule.class.clone());
        let class = match class {
            Class::Forbidden { .. } => Class::Forbidden {
                scopes: rule.map(|rule| scopes(&rule.scopes, &self.scope, self.redactor)).unwrap_or_default(),
            },
            other => other,
        };
        let message = match rule.and_then(|rule| rule.says.as_ref()) {
            Some(says) => format!("{} {says}: {}", self.manifest.service, self.said()),
            None => self.sentence(&class),
        };
        let mut error = Error::new(class, message).retry_after(self.wait.or(rule.and_then(|rule| rule.wait)));
        error = reached(error, status).of_limit(rule.and_then(|rule| rule.limit.as_deref()));
        let applied = rule.and_then(|rule| rule.applied).unwrap_or_else(|| may_be_applied(status));
        if purpose == Purpose::Write && applied == Applied::Maybe {
            error = error.maybe_applied();
        }
        Failure { error, holder: self.holder.map(Box::new) }
    }

    /// The first rule that fits.
    fn rule(&self) -> Option<&Rule> {
        self.manifest.errors.rules.iter().find(|rule| {
            let when = match rule.when {
                Some(When::Held) => self.holder.is_some(),
                Some(When::ToldToWait) => self.wait.is_some(),
                None => true,
            };
            when && rule.covers(self.response.status) && rule.conditions.hold(&self.scope)
        })
    }

    fn sentence(&self, class: &Class) -> String {
        let service = &self.manifest.service;
        let said = || self.said();
        match class {
            Class::RateLimited => format!("{service} asks for fewer requests: {}", said()),
            Class::QuotaExhausted => format!("{service}'s daily limit is used up: {}", said()),
            Class::Transient => match self.own_words() {
                Some(words) => format!("{service} fails with status {}: {words}", self.response.status),
                None => format!("{service} fails: {}", described(self.response, self.redactor)),
            },
            Class::Auth => format!("{service} refuses the token of this connection: {}", said()),
            Class::Forbidden { scopes } => match &scopes[..] {
                [] => format!("{service} forbids it: {}", said()),
                [scope] => format!("the token lacks the scope {scope}"),
                several => format!("the token lacks a scope; any one of these would do: {}", several.join(", ")),
            },
            Class::NotFound => format!("{service} does not find it: {}", said()),
            Class::Conflict => format!("{service} refuses the record: {}", said()),
            Class::Permanent if (300..400).contains(&self.response.status) => {
                redirect(service, self.response, self.redactor)
            }
            Class::Invalid | Class::Permanent => format!("{service} refuses the request: {}", said()),
        }
    }

    /// What the service says, and where it says nothing, what its answer is.
    fn said(&self) -> String {
        self.own_words().unwrap_or_else(|| described(self.response, self.redactor))
    }

    /// What the service says, with each refused field and why.
    fn own_words(&self) -> Option<String> {
        let errors = &self.manifest.errors;
        let refused = errors.details.iter().map(|detail| {
            let items = detail.items.list(&self.scope).unwrap_or_default();
            let refusal = |item: &Json| {
                let scope = Scope::default().with(Root::Item, item);
                let field = first_text(&detail.field.render(&scope))?;
                let part = |template: &Option<Template>| {
                    template.as_ref().and_then(|template| template.text(&scope)).unwrap_or_default()
                };
                Some(refusal(&field, &part(&detail.code), &part(&detail.message)))
            };
            items.iter().filter_map(refusal).take(MOST_DETAILS).collect::<Vec<_>>()
        });
        let refused = refused.into_iter().find(|refused| !refused.is_empty());
        let said = match refused {
            Some(refused) => refused.join("; "),
            None => errors.message.text(&self.scope)?,
        };
        // Messages of ours end without one.
        Some(self.redactor.clean(&said).trim_end_matches('.').to_owned())
    }
}

/// What HTTP itself says.
fn class_of(status: u16) -> Class {
    match status {
        400 | 413 | 414 | 415 | 422 => Class::Invalid,
        401 => Class::Auth,
        403 => Class::Forbidden { scopes: Vec::new() },
        404 => Class::NotFound,
        409 => Class::Conflict,
        429 => Class::RateLimited,
        408 | 500..=599 => Class::Transient,
        _ => Class::Permanent,
    }
}

/// Whether a write that ended with this status may have been applied: a proxy that waited in vain knows nothing.
fn may_be_applied(status: u16) -> Applied {
    match status {
        408 | 300..=399 | 500..=599 => Applied::Maybe,
        _ => Applied::No,
    }
}

/// The same failure, with what its status says of the service: some gateways answer for one that is not there.
pub(super) fn reached(error: Error, status: u16) -> Error {
    // 52x are a content network's words for an origin that is down, out of reach, silent or without a good certificate.
    match (&error.class, status) {
        (Class::Transient, 502..=504 | 521..=526) => error.not_reached(),
        _ => error.answered(),
    }
}

fn holder(errors: &Errors, scope: &Scope<'_>) -> Option<Holder> {
    for template in &errors.holder.texts {
        let rendered = template.render(scope);
        let texts: Vec<&str> = match &rendered {
            Json::Array(items) => items.iter().filter_map(Json::as_str).collect(),
            other => other.as_str().into_iter().collect(),
        };
        for text in texts {
            let found = errors.holder.patterns.iter().find_map(|holder| {
                let found = holder.pattern.find(text)?;
                Some(Holder { field: holder.field.clone().or(found.field)?, id: found.id? })
            });
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// Any one of the scopes would do.
fn scopes(templates: &[Template], scope: &Scope<'_>, redactor: &Redactor) -> Vec<String> {
    let mut scopes = Vec::new();
    for template in templates {
        match template.render(scope) {
            Json::Array(items) => scopes.extend(items.iter().filter_map(Json::as_str).map(str::to_owned)),
            other => scopes.extend(other.as_str().map(str::to_owned)),
        }
    }
    // They are names, and they are shown.
    let mut scopes: Vec<String> = scopes.iter().map(|scope| redactor.clean(scope)).collect();
    scopes.sort();
    scopes.dedup();
    scopes
}

/// A scalar, or the first one of a list.
fn first_text(json: &Json) -> Option<String> {
    plain_text(json).or_else(|| plain_text(json.get(0)?))
}

fn refusal(field: &str, code: &str, message: &str) -> String {
    match (code, message) {
        ("", message) => format!("`{field}`: {message}"),
        (code, "") => format!("`{field}`: {code}"),
        (code, message) => format!("`{field}`: {message} ({code})"),
    }
}

fn redirect(service: &str, response: &Response, redactor: &Redactor) -> String {
    let target = response.header("location").and_then(|target| reqwest::Url::parse(target).ok());
    let host = target.as_ref().and_then(|target| target.host_str()).unwrap_or("another address");
    let host = redactor.clean(host);
    format!("{service}'s address answers with a redirect to {host}, which is not followed")
}

/// Seconds, or a date to be compared with the answer's own; anything else is not an answer.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
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

/// Whether an answer is a page for people.
fn is_page(response: &Response, beginning: &str) -> bool {
    let begins =
        |with: &str| beginning.trim_start().get(..with.len()).is_some_and(|own| own.eq_ignore_ascii_case(with));
    response.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
        || begins("<!doctype html")
        || begins("<html")
}

/// The first words of a page's title.
fn title(page: &str) -> Option<String> {
    // As long as the page itself, so places in one are places in the other.
    let small = page.to_ascii_lowercase();
    let opened = small.find("<title")?;
    let from = opened + small[opened..].find('>')? + 1;
    let to = from + small[from..].find("</title")?;
    let title: String = page[from..to].split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
    (!title.is_empty()).then_some(title)
}

fn described(response: &Response, redactor: &Redactor) -> String {
    let kind = response.header("content-type").map_or("of no type", |kind| kind.split(';').next().unwrap_or(kind));
    let kind: String = redactor.clean(kind).chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(60).collect();
    format!("status {} with {} bytes {kind}", response.status, response.body.len())
}

/// As templates see them.
fn headers(response: &Response) -> Json {
    response.headers.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect()
}
