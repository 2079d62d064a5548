//! How a service's refusal is told: which connection, where it is configured, and what mends it.
//!
//! A connector says what its service answered. Which line of which file and which variable that concerns is known
//! here alone.

use std::path::Path;

use flow::project::{ConnectionDefinition, SettingText};
use sdk::{Class, ConnectionName, Error, Reach, SettingKind, SettingValue};

use super::configured::{self, Ready};
use super::registry::Registry;
use crate::durations;

/// Why a flow cannot work as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its files must be changed first.
    Broken(String),
    /// A service is not as it must be; once somebody has mended that there, the next start works.
    Unfit(String),
    /// A service refuses it; once somebody has mended that, it works.
    Refused(String),
    /// A service is not reached, or has no time for us now.
    Away(String),
}

impl Trouble {
    /// The sentence.
    pub fn into_words(self) -> String {
        match self {
            Self::Broken(told) | Self::Unfit(told) | Self::Refused(told) | Self::Away(told) => told,
        }
    }
}

/// A connection as people find it again.
#[derive(Clone, Debug)]
pub struct Described {
    name: ConnectionName,
    /// Where it begins: `connections.yaml:7`.
    place: String,
    /// What it logs in with, in a word: a token, or an address with a password in it.
    login: &'static str,
    /// Where that stands: `HUBSPOT_TOKEN` and where that is named.
    token: Option<String>,
    /// Its address, and where that comes from.
    address: Option<String>,
    /// Whether the address is a secret, so that what is told of it comes from the connector alone.
    is_address_secret: bool,
    /// What can be changed about its file, where it is one and cannot be made.
    file: Option<String>,
    /// The script that made its file, and where that is named.
    script: Option<String>,
}

impl Described {
    /// By its definition alone.
    pub fn of(connectors: &Registry, definition: &ConnectionDefinition) -> Self {
        let kind_of = |name: &str| configured::setting_kind(connectors, definition, name);
        let first = |wanted: &dyn Fn(&str) -> bool| {
            let found = definition.settings.iter().find(|(key, _)| wanted(&key.name));
            found.map(|(_, written)| source(definition, written))
        };
        let is_secret_address = |name: &str| is_address(name) && kind_of(name) == Some(SettingKind::Secret);
        let is_address_secret = definition.settings.iter().any(|(key, _)| is_secret_address(&key.name));
        Self {
            name: definition.name.value.clone(),
            login: if is_address_secret { "login" } else { "token" },
            is_address_secret,
            place: place(definition, definition.name.span.start),
            token: first(&|name| kind_of(name) == Some(SettingKind::Secret)),
            address: first(&is_address),
            file: None,
            script: first(&|name| name == "init" && kind_of(name) == Some(SettingKind::Path)),
        }
    }

    /// With what its settings say.
    pub fn with(mut self, ready: &Ready) -> Self {
        let value = |(_, value): (&String, &SettingValue)| match value {
            SettingValue::Text(text) => Some(text.clone()),
            SettingValue::Secret(_) => None,
        };
        let settings = || ready.settings.0.iter();
        if let Some(url) = settings().find(|(name, _)| is_address(name)).and_then(value) {
            let from = self.address.take().map(|from| format!(" ({from})")).unwrap_or_default();
            self.address = Some(format!("{url}{from}"));
        }
        let path = settings().find(|(name, _)| *name == "path").and_then(value);
        self.file = path.and_then(|path| cannot_be_made(Path::new(&path)));
        self
    }

    /// That it cannot be opened at all.
    pub fn unopened(&self, error: &Error) -> String {
        let Self { name, place, address, .. } = self;
        match address {
            Some(address) => format!("`{name}` cannot be opened at {address}: {error}"),
            None => format!("`{name}` ({place}) cannot be opened: {error}"),
        }
    }

    /// What it said when it was asked for an object, or for its account where none is named.
    pub fn trouble(&self, object: Option<&str>, error: &Error) -> Trouble {
        let Self { name, place, login, .. } = self;
        let reading = object.map_or("the account".to_owned(), |object| format!("`{object}`"));
        let asked = object.map_or(format!("`{name}`"), |object| format!("`{name}.{object}`"));
        let token = self.token.as_ref().map(|token| format!(", {token}")).unwrap_or_default();
        match &error.class {
            Class::Auth => Trouble::Refused(format!("`{name}` refuses our {login}{token}: {}", innermost(error))),
            Class::Forbidden { scopes } if scopes.is_empty() => {
                Trouble::Refused(format!("`{name}` forbids us to read {reading}: {error}"))
            }
            Class::Forbidden { scopes } => {
                let scopes = scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" or ");
                Trouble::Refused(format!(
                    "`{name}` forbids us to read {reading}: grant {scopes} to our {login}{token}, then start again"
                ))
            }
            Class::NotFound => {
                let script = self.script.as_ref().map(|script| {
                    format!(
                        "; the script of `init:` ({script}) runs only when the file is made, so make it there yourself"
                    )
                });
                Trouble::Broken(format!(
                    "`{name}` has no {}: {error}{}",
                    reading.trim_start_matches("the "),
                    script.unwrap_or_default()
                ))
            }
            Class::Invalid | Class::Permanent => match &self.file {
                Some(why) => Trouble::Broken(format!("`{name}` ({place}) has no database: {why}")),
                // Such as a database that does not exist: no file of ours need be changed for it to be made.
                None => Trouble::Unfit(format!("{asked} ({place}) cannot be used: {error}")),
            },
            Class::Transient => {
                let address = self.address.as_ref().map(|address| format!(" at {address}")).unwrap_or_default();
                let why = if self.is_address_secret { &error.message } else { innermost(error) };
                Trouble::Away(match error.reach {
                    // Its own words begin with what it is, and say what it answered.
                    Reach::Answered => format!("`{name}`{address} does not answer as it should: {error}"),
                    Reach::Unsaid | Reach::Away => format!("`{name}` is not reached{address}: {why}"),
                })
            }
            Class::RateLimited | Class::QuotaExhausted => {
                let when = match error.retry_after {
                    Some(wait) => format!("asks us to come back in {}", durations::short(wait)),
                    None => "has had enough of us for now".to_owned(),
                };
                Trouble::Away(format!("`{name}` {when}, and this passes by itself: {error}"))
            }
            Class::Conflict => Trouble::Away(format!("`{name}` has no time for us: {error}")),
        }
    }
}

fn is_address(setting: &str) -> bool {
    matches!(setting, "base_url" | "url" | "host")
}

/// `connections.yaml:7`.
fn place(definition: &ConnectionDefinition, offset: usize) -> String {
    format!("{}:{}", definition.file.path, definition.file.position(offset).line)
}

/// Where a setting's value comes from: `HUBSPOT_TOKEN in connections.yaml:3`.
fn source(definition: &ConnectionDefinition, written: &SettingText) -> String {
    let place = place(definition, written.span().start);
    match written {
        SettingText::Plain { .. } => place,
        SettingText::Environment { variable, .. } => format!("`{variable}` in {place}"),
        SettingText::File { path, .. } => format!("`{path}` in {place}"),
    }
}

/// What the innermost layer said, where a transport has told each of its own: only that one knows more than "no".
fn innermost(error: &Error) -> &str {
    let message = &error.message;
    if message.matches(": ").count() < 1 {
        return message;
    }
    message.rsplit(": ").next().unwrap_or(message)
}

/// Why a file that is not there cannot be made, if it cannot.
fn cannot_be_made(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    if path.exists() {
        return None;
    }
    if !folder.is_dir() {
        return Some(format!("there is no folder `{}` to make it in", folder.display()));
    }
    #[cfg(unix)]
    if let Err(error) = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK) {
        let why = std::io::Error::from(error);
        return Some(format!("nothing can be written in `{}` ({why})", folder.display()));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use text::SourceFile;

    use super::*;

    const CRM: &str = "crm:\n  connector: hubspot\n  token: ${ env.TOKEN }\n  base_url: http://127.0.0.1:8091\n";
    const SALES: &str = "sales:\n  connector: postgres\n  url: ${ env.PG_URL }\n";
    const WAREHOUSE: &str = "w:\n  connector: sqlite\n  path: w.db\n  init: w.sql\n";

    fn described(text: &str) -> Described {
        let (connections, mistakes) = flow::project::parse_connections(&SourceFile::new("connections.yaml", text));
        assert!(mistakes.is_empty(), "{mistakes:?}");
        Described::of(&Registry::default(), &connections[0])
    }

    fn told(text: &str, class: Class, message: &str) -> String {
        described(text).trouble(Some("companies"), &Error::new(class, message)).into_words()
    }

    #[test]
    fn a_refusal_names_the_variable_and_the_line() {
        let refused = told(CRM, Class::Auth, "HubSpot refuses the token of this connection: not valid");
        assert_eq!(refused, "`crm` refuses our token, `TOKEN` in connections.yaml:3: not valid");
        let scopes = vec!["a.read".to_owned(), "b.read".to_owned()];
        let forbidden = told(CRM, Class::Forbidden { scopes }, "HubSpot forbids it");
        assert_eq!(
            forbidden,
            "`crm` forbids us to read `companies`: grant `a.read` or `b.read` to our token, \
             `TOKEN` in connections.yaml:3, then start again"
        );
    }

    #[test]
    fn of_many_layers_the_innermost_is_told_once() {
        let away = told(CRM, Class::Transient, "HubSpot did not answer: error sending: tcp: connection refused");
        assert_eq!(away, "`crm` is not reached at connections.yaml:4: connection refused");
    }

    /// A database that does not exist was told as "`sales.the account`", a wrong password as a refused token, and of an
    /// address that is a secret nothing was told, not even the server that was not reached.
    #[test]
    fn an_address_that_is_a_secret_is_told_in_the_connector_s_words() {
        let refused = told(SALES, Class::Auth, "PostgreSQL: password authentication failed for user \"rosa\"");
        assert_eq!(
            refused,
            "`sales` refuses our login, `PG_URL` in connections.yaml:3: password authentication failed for user \"rosa\""
        );
        let away = told(SALES, Class::Transient, "no connection to `rosa@h:1/sales`: connection refused");
        let address = "`PG_URL` in connections.yaml:3";
        assert_eq!(
            away,
            format!("`sales` is not reached at {address}: no connection to `rosa@h:1/sales`: connection refused")
        );

        let error = Error::new(Class::Invalid, "PostgreSQL: database \"sale\" does not exist");
        let expected = "`sales` (connections.yaml:1) cannot be used: PostgreSQL: database \"sale\" does not exist";
        assert_eq!(described(SALES).trouble(None, &error), Trouble::Unfit(expected.to_owned()));
    }

    /// A service that answered with a 500 was told as one that is not reached.
    #[test]
    fn a_service_that_answers_wrongly_is_reached() {
        let failed = Error::new(Class::Transient, "HubSpot fails with status 500: internal error").answered();
        let expected = "`crm` at connections.yaml:4 does not answer as it should: \
                        HubSpot fails with status 500: internal error";
        assert_eq!(described(CRM).trouble(Some("companies"), &failed), Trouble::Away(expected.to_owned()));
    }

    #[test]
    fn who_asks_us_to_come_back_is_told_with_when() {
        let busy = |wait| {
            let error = Error::new(Class::RateLimited, "HubSpot asks for fewer requests").retry_after(wait);
            described(CRM).trouble(Some("companies"), &error).into_words()
        };
        assert_eq!(
            busy(Some(Duration::from_secs(5))),
            "`crm` asks us to come back in 5 s, and this passes by itself: HubSpot asks for fewer requests"
        );
        assert!(busy(None).starts_with("`crm` has had enough of us for now, and this passes by itself"));
    }

    #[test]
    fn a_table_that_came_later_is_explained() {
        let missing = told(WAREHOUSE, Class::NotFound, "the database has no table `companies`");
        assert!(missing.contains("`init:` (connections.yaml:4) runs only when the file is made"), "{missing}");
    }

    #[test]
    fn a_file_that_cannot_be_made_names_its_folder() {
        let why = cannot_be_made(Path::new("/no/such/folder/w.db")).expect("there is no such folder");
        assert!(why.contains("`/no/such/folder`"), "{why}");
        let there = tempfile::tempdir().unwrap();
        assert_eq!(cannot_be_made(&there.path().join("w.db")), None);
    }
}
