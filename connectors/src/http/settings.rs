//! What a connection says about its way to the network, whatever its service is.

use reqwest::{NoProxy, Proxy, Url};
use sdk::{Class, Error, Setting, SettingKind, Settings};

use super::Reach;

/// The settings that every connection over HTTP takes, beside those of its connector.
pub const SETTINGS: [Setting; 2] = [
    Setting {
        name: ALLOW_PRIVATE,
        kind: SettingKind::Choice(&["true", "false"]),
        required: false,
        help: "Whether its address may be inside of a network; usually that is a mistake, or an attack.",
    },
    Setting {
        name: PROXY,
        kind: SettingKind::Text,
        required: false,
        help: "The address of a proxy to go through. The environment's proxies are never asked.",
    },
];

const ALLOW_PRIVATE: &str = "allow_private";
const PROXY: &str = "proxy";

impl Reach {
    /// How far a connection with these settings reaches.
    pub fn of(settings: &Settings) -> Self {
        match settings.text(ALLOW_PRIVATE) {
            Some("true") => Self::Private,
            Some(_) | None => Self::Public,
        }
    }
}

/// The proxy that the settings name. This machine is reached without it.
pub(super) fn proxy(settings: &Settings) -> Result<Option<Proxy>, Error> {
    let Some(text) = settings.text(PROXY) else { return Ok(None) };
    let invalid = |reason: &str| Error::new(Class::Invalid, format!("`{PROXY}` {reason}"));
    let no_address = || invalid("is no address of a proxy; write it like `http://proxy.example.com:3128`");
    let url = Url::parse(text.trim()).map_err(|_| no_address())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("holds a user name or a password, and proxies that ask for one cannot be used"));
    }
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.path() != "/" || url.query().is_some() {
        return Err(no_address());
    }
    let proxy = Proxy::https(url).map_err(|_| no_address())?;
    Ok(Some(proxy.no_proxy(NoProxy::from_string("localhost, 127.0.0.0/8, ::1"))))
}
