//! One call: from a manifest's request to JSON and the server's time, or to a failure in the engine's words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use sdk::{
    Class, ConnectContext, Error, Request as Sent, Response, Secret, Settings, Timestamp, Transport, TransportError,
};
use serde_json::Value as Json;

use super::failure::{self, Failure, Purpose};
use super::shape::form_pairs;
use crate::http::{BaseUrl, Reach, Redactor, read_json};
use crate::rest::manifest::{Auth, AuthKind, Check, Content, Manifest, Request, SettingKind};
use crate::rest::template::{Root, Scope, Template, plain_text};

/// The total time for one call.
const DEADLINE: Duration = Duration::from_secs(60);

/// Speaks to one account.
pub(super) struct Client {
    manifest: Arc<Manifest>,
    transport: Arc<dyn Transport>,
    base: BaseUrl,
    /// The settings that may be shown.
    config: Json,
    secrets: BTreeMap<String, Secret>,
    credentials: Credentials,
    redactor: Redactor,
}

/// What every request carries to show who we are.
#[derive(Default)]
struct Credentials {
    headers: Vec<(String, Secret)>,
    query: Vec<(String, Secret)>,
    /// Said where they are refused.
    hint: Option<String>,
}

/// What an answered call brought.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Json,
    /// By the answer's own header, in whole seconds.
    pub(super) server_time: Option<Timestamp>,
}

impl Client {
    pub(super) fn new(manifest: Arc<Manifest>, settings: &Settings, context: ConnectContext) -> Result<Self, Error> {
        let config = config(&manifest, settings)?;
        let secrets = secrets(&manifest, settings)?;
        let reach = Reach::of(settings);
        let base = match settings.text("base_url") {
            Some(other) => BaseUrl::parse(other, reach)?,
            None => {
                let address = manifest.base_url.text(&Scope::default().with(Root::Config, &config));
                BaseUrl::parse(&address.ok_or_else(|| invalid("the address of the service needs a setting"))?, reach)?
            }
        };
        let credentials = credentials(&manifest, &config, &secrets)?;
        let sent = credentials.headers.iter().chain(&credentials.query).map(|(_, value)| value);
        let redactor = Redactor::new(secrets.values().chain(sent));
        Ok(Self { manifest, transport: context.transport, base, config, secrets, credentials, redactor })
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.base.is_loopback()
    }

    /// The account's subscription, where it is configured.
    pub(super) fn tier(&self) -> Option<&str> {
        self.config.get("tier")?.as_str()
    }

    /// What a service says of itself, without our secrets.
    pub(super) fn clean(&self, text: &str) -> String {
        self.redactor.clean(text)
    }

    /// Asks who we are. Only here may a secret stand elsewhere than in what shows who we are.
    pub(super) async fn check(&self, check: &Check) -> Result<Answer, Error> {
        let secrets = secrets_json(&self.secrets);
        let scope = Scope::default().with(Root::Secret, &secrets);
        Ok(self.call(&check.request, scope, Purpose::Read, &[]).await?)
    }

    /// One attempt. An answer is JSON, or it is a failure.
    pub(super) async fn call(
        &self,
        request: &Request,
        scope: Scope<'_>,
        purpose: Purpose,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let sent = self.request(request, &scope.with(Root::Config, &self.config), headers)?;
        sdk::budget::pay(&request.costs).await;
        let response = self.transport.send(sent).await.map_err(|error| self.no_answer(error, purpose))?;
        for limit in self.manifest.limits.iter().filter(|limit| limit.is_observed()) {
            sdk::budget::observed(&limit.name, limit.observe(&response));
        }
        if !(200..300).contains(&response.status) {
            return Err(self.explain(failure::of(&self.manifest, &response, purpose, &self.redactor)));
        }
        let body = match read_json(&response.body) {
            Some(body) => body,
            None if response.status == 204 && response.body.is_empty() => Json::Null,
            None => return Err(failure::unusable(&self.manifest, &response, purpose, &self.redactor).into()),
        };
        // Some services refuse by a body alone.
        if let Some(refused) = failure::in_success(&self.manifest, &response, &body, purpose, &self.redactor) {
            return Err(self.explain(refused));
        }
        Ok(Answer { body, server_time: server_time(&response) })
    }

    fn request(&self, request: &Request, scope: &Scope<'_>, more: &[(&str, &str)]) -> Result<Sent, Error> {
        let segments = request.segments.iter().map(|part| {
            part.text(scope).ok_or_else(|| invalid("a part of the address is missing, so the request is not sent"))
        });
        let segments = segments.collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let mut query: Vec<(&str, String)> = Vec::new();
        for (name, template) in &request.query {
            match template.render(scope) {
                Json::Array(items) => query.extend(items.iter().filter_map(plain_text).map(|item| (&**name, item))),
                value => query.extend(plain_text(&value).map(|value| (&**name, value))),
            }
        }
        let shown = query.iter().map(|(name, value)| (*name, value.as_str()));
        let secret = self.credentials.query.iter().map(|(name, value)| (&**name, value.expose()));
        let url = self.base.join(&segments, &shown.chain(secret).collect::<Vec<_>>())?;

        let mut headers: Vec<(String, String)> = Vec::new();
        headers.extend(self.credentials.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
        headers.push(("accept".to_owned(), "application/json".to_owned()));
        for (name, template) in self.manifest.headers.iter().chain(&request.headers) {
            if let Some(value) = template.text(scope) {
                headers.push((name.clone(), value));
            }
        }
        headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let body = match &request.body {
            Some(Content::Json(shape)) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                shape.render(scope).to_string().into_bytes()
            }
            Some(Content::Form(shape)) => {
                headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
                form(&form_pairs(&shape.render(scope))).into_bytes()
            }
            None => Vec::new(),
        };
        if let Some((name, _)) = headers.iter().find(|(_, value)| !is_header_value(value)) {
            return Err(invalid(&format!("the header `{name}` would hold a character that no header may have")));
        }
        Ok(Sent { method: request.method, url, headers, body, deadline: DEADLINE })
    }

    fn no_answer(&self, error: TransportError, purpose: Purpose) -> Error {
        let service = &self.manifest.service;
        let of = |reason: &str| {
            Error::new(Class::Transient, format!("{service} did not answer: {}", self.redactor.clean(reason)))
        };
        match (error, purpose) {
            (TransportError::MaybeSent(reason), Purpose::Write) => of(&reason).maybe_applied(),
            (TransportError::MaybeSent(reason), Purpose::Read) => of(&reason),
            (TransportError::NotSent(reason), Purpose::Read | Purpose::Write) => of(&reason),
        }
    }

    /// Adds what only we can know: how the refused token looks.
    fn explain(&self, mut failure: Failure) -> Failure {
        if failure.error.class == Class::Auth
            && let Some(hint) = &self.credentials.hint
        {
            failure.error.message.push_str(hint);
        }
        failure
    }
}

/// The settings that may be shown, as templates see them.
fn config(manifest: &Manifest, settings: &Settings) -> Result<Json, Error> {
    let mut config = serde_json::Map::new();
    for setting in manifest.config.iter().filter(|setting| setting.kind != SettingKind::Secret) {
        let Some(value) = settings.text(&setting.name).map(str::trim) else { continue };
        let is_label = !value.is_empty()
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !value.starts_with('-')
            && !value.ends_with('-');
        if setting.kind == SettingKind::HostLabel && !is_label {
            return Err(invalid(&format!("`{}` is one part of an address: letters, digits and hyphens", setting.name)));
        }
        config.insert(setting.name.clone(), value.into());
    }
    Ok(Json::Object(config))
}

/// The secrets that are set, without the white space that copying leaves around them.
fn secrets(manifest: &Manifest, settings: &Settings) -> Result<BTreeMap<String, Secret>, Error> {
    let mut secrets = BTreeMap::new();
    for setting in manifest.config.iter().filter(|setting| setting.kind == SettingKind::Secret) {
        let name = &setting.name;
        let value = settings.secret(name).map_or("", |secret| secret.expose()).trim();
        if value.is_empty() {
            continue;
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!(
                "`{name}` holds a space or a character that no credential has; copy it alone, without `Bearer`"
            );
            return Err(invalid(&message));
        }
        secrets.insert(name.clone(), Secret::new(value.to_owned()));
    }
    Ok(secrets)
}

/// By the first way whose secrets are all there.
fn credentials(manifest: &Manifest, config: &Json, secrets: &BTreeMap<String, Secret>) -> Result<Credentials, Error> {
    let complete = |auth: &&Auth| auth.secrets.iter().all(|name| secrets.contains_key(name));
    let Some(auth) = manifest.auth.iter().find(complete) else {
        let Some(first) = manifest.auth.first() else { return Ok(Credentials::default()) };
        let missing = first.secrets.iter().find(|name| !secrets.contains_key(*name)).map_or("", String::as_str);
        let help = manifest.config.iter().find(|setting| setting.name == missing).map_or("", |known| &*known.help);
        return Err(invalid(&format!("`{missing}` is empty: {}", help.trim_end_matches('.'))));
    };
    let values = secrets_json(secrets);
    let scope = Scope::default().with(Root::Secret, &values).with(Root::Config, config);
    let text = |template: &Template| {
        template.text(&scope).ok_or_else(|| invalid("a setting is missing that shows who we are"))
    };
    let mut credentials = Credentials::default();
    match &auth.kind {
        AuthKind::Bearer(token) => {
            let header = Secret::new(format!("Bearer {}", text(token)?));
            credentials.headers.push(("authorization".to_owned(), header));
        }
        AuthKind::Header { name, value } => credentials.headers.push((name.clone(), Secret::new(text(value)?))),
        AuthKind::Query { name, value } => credentials.query.push((name.clone(), Secret::new(text(value)?))),
        AuthKind::Basic { user, password } => {
            let pair = Secret::new(format!("{}:{}", text(user)?, text(password)?));
            let header = Secret::new(format!("Basic {}", BASE64.encode(pair.expose().as_bytes())));
            credentials.headers.push(("authorization".to_owned(), header));
        }
    }
    if let Some(begins) = &auth.begins {
        let odd = auth
            .secrets
            .iter()
            .find(|name| secrets.get(*name).is_some_and(|secret| !secret.expose().starts_with(begins.as_str())));
        credentials.hint = odd.map(|name| format!("; a `{name}` begins with `{begins}`, and this one does not"));
    }
    Ok(credentials)
}

fn secrets_json(secrets: &BTreeMap<String, Secret>) -> Json {
    secrets.iter().map(|(name, secret)| (name.clone(), Json::from(secret.expose()))).collect()
}

fn form(pairs: &[(String, String)]) -> String {
    let mut url = reqwest::Url::parse("https://form.invalid").expect("the text is an address");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// Whether it stays one header: no line break, nothing invisible, no novel.
fn is_header_value(value: &str) -> bool {
    value.len() <= 8192 && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn invalid(message: &str) -> Error {
    Error::new(Class::Invalid, message)
}

fn server_time(response: &Response) -> Option<Timestamp> {
    let date = response.header("date")?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(date.into())
}
