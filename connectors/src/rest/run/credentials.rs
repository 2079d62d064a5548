//! What every request carries to show who we are.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use sdk::{Class, Error, Secret};
use serde_json::Value as Json;

use super::client::secrets_json;
use super::oauth::Asking;
use crate::http::{BaseUrl, Reach};
use crate::rest::manifest::{Auth, AuthKind, ClientIn, Grant, Manifest, OAuth2};
use crate::rest::template::{Root, Scope, Template};

/// Headers and parameters of every request, and what tokens are asked for with.
#[derive(Default)]
pub(super) struct Credentials {
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) query: Vec<(String, Secret)>,
    /// Said where they are refused.
    pub(super) hint: Option<String>,
    /// With the refresh token, where that is what tokens are asked for by.
    pub(super) asking: Option<(Asking, Option<Secret>)>,
}

/// Where a connection's requests go.
pub(super) struct Whereto<'a> {
    pub(super) base: &'a BaseUrl,
    /// Whether the connection says so, and not the manifest.
    pub(super) is_own: bool,
    pub(super) reach: Reach,
}

impl Credentials {
    /// By the first way whose secrets are all there.
    pub(super) fn of(
        manifest: &Manifest,
        config: &Json,
        secrets: &BTreeMap<String, Secret>,
        whereto: &Whereto<'_>,
    ) -> Result<Self, Error> {
        let complete = |auth: &&Auth| auth.secrets.iter().all(|name| secrets.contains_key(name));
        let Some(auth) = manifest.auth.iter().find(complete) else {
            let Some(first) = manifest.auth.first() else { return Ok(Self::default()) };
            let missing = first.secrets.iter().find(|name| !secrets.contains_key(*name)).map_or("", String::as_str);
            let help = manifest.config.iter().find(|setting| setting.name == missing).map_or("", |known| &*known.help);
            return Err(invalid(format!("`{missing}` is empty: {}", help.trim_end_matches('.'))));
        };
        let values = secrets_json(secrets);
        let scope = Scope::default().with(Root::Secret, &values).with(Root::Config, config);
        let text = |template: &Template| secret(template, &scope);
        let mut credentials = Self::default();
        match &auth.kind {
            AuthKind::Bearer(token) => {
                let header = Secret::new(format!("Bearer {}", text(token)?.expose()));
                credentials.headers.push(("authorization".to_owned(), header));
            }
            AuthKind::Header { name, value } => credentials.headers.push((name.clone(), text(value)?)),
            AuthKind::Query { name, value } => credentials.query.push((name.clone(), text(value)?)),
            AuthKind::Basic { user, password } => {
                let pair = Secret::new(format!("{}:{}", text(user)?.expose(), text(password)?.expose()));
                let header = Secret::new(format!("Basic {}", BASE64.encode(pair.expose().as_bytes())));
                credentials.headers.push(("authorization".to_owned(), header));
            }
            AuthKind::OAuth2(oauth) => credentials.asking = Some(asking(manifest, oauth, &scope, whereto)?),
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
}

fn asking(
    manifest: &Manifest,
    oauth: &OAuth2,
    scope: &Scope<'_>,
    whereto: &Whereto<'_>,
) -> Result<(Asking, Option<Secret>), Error> {
    let text = |template: &Template| secret(template, scope);
    let refresh_token = match &oauth.grant {
        Grant::ClientCredentials => None,
        Grant::RefreshToken(token) => Some(text(token)?),
    };
    let form = oauth.form.iter().map(|(name, value)| Ok((name.clone(), text(value)?)));
    let asking = Asking {
        service: manifest.service.clone(),
        address: token_address(text(&oauth.token_url)?.expose(), whereto)?,
        client_id: text(&oauth.client_id)?,
        client_secret: oauth.client_secret.as_ref().map(text).transpose()?,
        in_header: oauth.client_in == ClientIn::Header,
        scopes: oauth.scopes.clone(),
        form: form.collect::<Result<_, Error>>()?,
    };
    Ok((asking, refresh_token))
}

/// Where tokens are asked for: at the service's own address, unless the manifest names another. A connection that has
/// an address of its own gets them there as well, for what stands there stands in for the whole service.
fn token_address(written: &str, whereto: &Whereto<'_>) -> Result<String, Error> {
    let path = if written.starts_with('/') {
        written.to_owned()
    } else {
        let whole = BaseUrl::parse(written, whereto.reach)?.join(&[], &[])?;
        if !whereto.is_own {
            return Ok(whole);
        }
        reqwest::Url::parse(&whole).map_or_else(|_| String::new(), |url| url.path().to_owned())
    };
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    whereto.base.join(&segments, &[])
}

fn secret(template: &Template, scope: &Scope<'_>) -> Result<Secret, Error> {
    let text = template.text(scope).filter(|text| !text.is_empty());
    text.map(Secret::new).ok_or_else(|| invalid("a setting is missing that shows who we are".to_owned()))
}

fn invalid(message: String) -> Error {
    Error::new(Class::Invalid, message)
}
