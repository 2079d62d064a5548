//! One call: from a manifest's request to JSON and the server's time, or to a failure in the engine's words.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use sdk::{
    Class, ConnectContext, Error, Request as Sent, Response, Secret, Settings, Timestamp, Transport, TransportError,
};
use serde_json::Value as Json;
use tokio::sync::OnceCell;

use super::credentials::{Credentials, Whereto};
use super::failure::{self, Failure, Purpose};
use super::oauth::{Token, Tokens};
use super::shape::form_pairs;
use crate::http::{BaseUrl, Reach, Redactor, read_json};
use crate::rest::manifest::{Check, Content, Manifest, Request, SettingKind};
use crate::rest::template::{Root, Scope, plain_text};

/// Under this name a page has its whole address, where a link led to it.
pub(super) const LINK: &str = "link";
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
    tokens: Option<Tokens>,
    /// With the number of the newest token that it knows.
    redactor: Mutex<(u64, Arc<Redactor>)>,
    /// What the calls under `vars` told.
    learned: OnceCell<Json>,
}

/// What an answered call brought.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Json,
    headers: Vec<(String, String)>,
    /// By the answer's own header, in whole seconds.
    pub(super) server_time: Option<Timestamp>,
}

impl Answer {
    /// Its headers, as templates see them.
    pub(super) fn headers(&self) -> Json {
        self.headers.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect()
    }
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
        let whereto = Whereto { base: &base, is_own: settings.text("base_url").is_some(), reach };
        let mut credentials = Credentials::of(&manifest, &config, &secrets, &whereto)?;
        let asking = credentials.asking.take();
        let ConnectContext { transport, clock, .. } = context;
        let tokens = asking.map(|(asking, refresh)| Tokens::new(asking, refresh, Arc::clone(&transport), clock));
        let client = Self {
            manifest,
            transport,
            base,
            config,
            secrets,
            credentials,
            tokens,
            redactor: Mutex::new((0, Arc::default())),
            learned: OnceCell::new(),
        };
        client.hide(0, &[]);
        Ok(client)
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
        self.redactor().clean(text)
    }

    fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// From now on these are taken out of what the service says, besides what the settings hold.
    fn hide(&self, number: u64, tokens: &[Secret]) {
        let sent = self.credentials.headers.iter().chain(&self.credentials.query).map(|(_, value)| value);
        let redactor = Redactor::new(self.secrets.values().chain(sent).chain(tokens));
        *self.redactor.lock().unwrap_or_else(PoisonError::into_inner) = (number, Arc::new(redactor));
    }

    /// The token to send, where one has to be asked for; another one than what was refused.
    async fn token(&self, refused: Option<&Token>) -> Result<Option<Token>, Error> {
        let Some(tokens) = &self.tokens else { return Ok(None) };
        let redactor = self.redactor();
        let token = match refused {
            Some(refused) => tokens.instead_of(refused, &redactor).await?,
            None => tokens.current(&redactor).await?,
        };
        let is_known = self.redactor.lock().unwrap_or_else(PoisonError::into_inner).0 >= token.number;
        if !is_known {
            self.hide(token.number, &token.hidden);
        }
        Ok(Some(token))
    }

    /// What the calls under `vars` tell, each asked once.
    fn learned(&self) -> BoxFuture<'_, Result<&Json, Error>> {
        Box::pin(self.learned.get_or_try_init(async || {
            let mut learned = serde_json::Map::new();
            for var in &self.manifest.vars {
                let answer = self.call(&var.request, Scope::default(), Purpose::Read, &[]).await?;
                let value = var.value.render(&Scope::default().with(Root::Body, &answer.body));
                if value.is_null() {
                    let (service, name) = (&self.manifest.service, &var.name);
                    let message = format!("{service}'s answer does not tell the `{name}` that every request needs");
                    return Err(Error::new(Class::Transient, message).answered());
                }
                learned.insert(var.name.clone(), value);
            }
            Ok(Json::Object(learned))
        }))
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
        let mut scope = scope.with(Root::Config, &self.config);
        if request.uses(Root::Vars) {
            scope = scope.with(Root::Vars, self.learned().await?);
        }
        let token = self.token(None).await?;
        let mut response = self.send(request, &scope, purpose, headers, token.as_ref()).await?;
        // A request that is refused for its token alone has done nothing.
        if let (401, Some(refused)) = (response.status, &token) {
            let other = self.token(Some(refused)).await?;
            response = self.send(request, &scope, purpose, headers, other.as_ref()).await?;
        }
        let redactor = self.redactor();
        if !(200..300).contains(&response.status) {
            return Err(self.explain(failure::of(&self.manifest, &response, purpose, &redactor)));
        }
        let body = match read_json(&response.body) {
            Some(body) => body,
            None if response.status == 204 && response.body.is_empty() => Json::Null,
            None => return Err(failure::unusable(&self.manifest, &response, purpose, &redactor).into()),
        };
        // Some services refuse by a body alone.
        if let Some(refused) = failure::in_success(&self.manifest, &response, &body, purpose, &redactor) {
            return Err(self.explain(refused));
        }
        let server_time = server_time(&response);
        Ok(Answer { body, headers: response.headers, server_time })
    }

    async fn send(
        &self,
        request: &Request,
        scope: &Scope<'_>,
        purpose: Purpose,
        headers: &[(&str, &str)],
        token: Option<&Token>,
    ) -> Result<Response, Failure> {
        let mut sent = self.request(request, scope, headers)?;
        if let Some(token) = token {
            sent.headers.push(("authorization".to_owned(), format!("Bearer {}", token.value.expose())));
        }
        sdk::budget::pay(&request.costs).await;
        let response = self.transport.send(sent).await.map_err(|error| self.no_answer(error, purpose))?;
        for limit in self.manifest.limits.iter().filter(|limit| limit.is_observed()) {
            sdk::budget::observed(&limit.name, limit.observe(&response));
        }
        Ok(response)
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
        let mut url = self.base.join(&segments, &shown.chain(secret).collect::<Vec<_>>())?;
        if let Some(link) = scope.get(Root::Page).and_then(|page| page[LINK].as_str()) {
            url = self.linked(&url, link)?;
        }

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

    /// The address that a link means, which must not lead anywhere else with our credentials.
    fn linked(&self, from: &str, link: &str) -> Result<String, Error> {
        let service = &self.manifest.service;
        let odd = |what: &str| Error::new(Class::Permanent, format!("{service}'s link to the next page {what}"));
        let from = reqwest::Url::parse(from).map_err(|_| odd("begins nowhere"))?;
        let mut url = from.join(link).map_err(|_| odd("is no address"))?;
        if url.origin() != from.origin() || !url.username().is_empty() || url.password().is_some() {
            return Err(odd("leads to another address than the connection's, so it is not followed"));
        }
        for (name, value) in &self.credentials.query {
            if !url.query_pairs().any(|(known, _)| known == name.as_str()) {
                url.query_pairs_mut().append_pair(name, value.expose());
            }
        }
        Ok(url.into())
    }

    fn no_answer(&self, error: TransportError, purpose: Purpose) -> Error {
        let service = &self.manifest.service;
        let of = |reason: &str| {
            Error::new(Class::Transient, format!("{service} did not answer: {}", self.redactor().clean(reason)))
        };
        match (error, purpose) {
            (TransportError::MaybeSent(reason), Purpose::Write) => of(&reason).maybe_applied().not_reached(),
            (TransportError::MaybeSent(reason), Purpose::Read) => of(&reason).not_reached(),
            (TransportError::NotSent(reason), Purpose::Read | Purpose::Write) => of(&reason).not_reached(),
            (TransportError::Unreadable(reason), Purpose::Write) => of(&reason).maybe_applied().answered(),
            (TransportError::Unreadable(reason), Purpose::Read) => of(&reason).answered(),
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

/// Secrets as templates see them.
pub(super) fn secrets_json(secrets: &BTreeMap<String, Secret>) -> Json {
    secrets.iter().map(|(name, secret)| (name.clone(), Json::from(secret.expose()))).collect()
}

/// Pairs as browsers send them.
pub(super) fn form<T: AsRef<str>>(pairs: &[(T, T)]) -> String {
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
