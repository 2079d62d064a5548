//! The address that a connection names, and how it may be spoken to.
//!
//! Whatever leaves this machine is encrypted, and the server's certificate must be valid for its name. Only a server
//! on this machine, by a loopback address or a socket file, is spoken to in the clear, unless the address asks for
//! more with `sslmode=require`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use sdk::{Class, Error, Secret};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::http::Redactor;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After so long without a sign of life, the network is asked whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Where the server is, and what to say to it.
pub(super) struct Address {
    pub(super) config: Config,
    /// How the connection is encrypted; `None` where it stays on this machine.
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) is_loopback: bool,
    /// Server and database, as people write them; no secret is in it.
    pub(super) name: String,
    pub(super) redactor: Redactor,
}

impl Address {
    /// Reads `postgres://user:password@host:5432/database?sslmode=require`, and the words `host=… dbname=…` as well.
    pub(super) fn parse(url: &Secret, authority: Option<&Path>) -> Result<Self, Error> {
        // What is wrong with an address is told without it: a password may stand anywhere in a mistyped one.
        let mut config: Config = understood(url.expose()).expose().parse().map_err(|_| {
            invalid("`url` is no address of a PostgreSQL database; it reads postgres://USER:PASSWORD@HOST/DATABASE")
        })?;
        let has_place = !config.get_hosts().is_empty() || !config.get_hostaddrs().is_empty();
        if !has_place || config.get_dbname().is_none_or(str::is_empty) || config.get_user().is_none_or(str::is_empty) {
            return Err(invalid(
                "`url` lacks the user, the host or the database; it reads postgres://USER:PASSWORD@HOST/DATABASE",
            ));
        }
        let is_loopback = is_loopback(&config);
        let is_encrypted = match (is_loopback, config.get_ssl_mode()) {
            (_, SslMode::Require) => true,
            (true, _) => false,
            (false, SslMode::Disable) => {
                return Err(invalid(
                    "`url` says sslmode=disable, and its server is not on this machine; only encrypted connections leave it",
                ));
            }
            (false, _) => true,
        };
        let tls = if is_encrypted { Some(MakeRustlsConnect::new(client_config(authority)?)) } else { None };
        config
            .ssl_mode(if is_encrypted { SslMode::Require } else { SslMode::Disable })
            .application_name("millrace")
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(KEEPALIVE)
            .tcp_user_timeout(KEEPALIVE);
        let password = config.get_password().map(|bytes| Secret::new(String::from_utf8_lossy(bytes).into_owned()));
        Ok(Self { tls, is_loopback, name: name(&config), redactor: Redactor::new(&password), config })
    }
}

/// The address with the two `sslmode`s that we always mean, and that the driver has no words for.
fn understood(url: &str) -> Secret {
    let url = url.trim();
    let (place, options) = match url.rsplit_once('?') {
        Some((place, options)) if url.contains("://") => (format!("{place}?"), options),
        _ if url.contains("://") => (url.to_owned(), ""),
        _ => (String::new(), url),
    };
    let options =
        options.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
    Secret::new(place + &options)
}

/// Whether every server it may reach is on this machine. Where an address of numbers is given, the name is not asked.
fn is_loopback(config: &Config) -> bool {
    if !config.get_hostaddrs().is_empty() {
        return config.get_hostaddrs().iter().all(|address| address.is_loopback());
    }
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            let number = name.trim_matches(['[', ']']).parse().map(|address: std::net::IpAddr| address.is_loopback());
            number.unwrap_or_else(|_| name.eq_ignore_ascii_case("localhost"))
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn name(config: &Config) -> String {
    let hosts: Vec<_> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let numbers: Vec<_> = config.get_hostaddrs().iter().map(ToString::to_string).collect();
    let places = if hosts.is_empty() { numbers } else { hosts };
    let ports: Vec<_> = config.get_ports().iter().map(ToString::to_string).collect();
    let ports = if ports.is_empty() { "5432".to_owned() } else { ports.join(",") };
    format!("{}:{ports}/{}", places.join(","), config.get_dbname().unwrap_or_default())
}

/// Trusts the given authority alone, else those that this machine trusts.
fn client_config(authority: Option<&Path>) -> Result<ClientConfig, Error> {
    let refused = |reason: String| Error::new(Class::Invalid, reason);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(format!("no encryption: {error}")))?;
    let builder = match authority {
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                refused(format!("the certificates in {} cannot be read: {error}", path.display()))
            };
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            if roots.is_empty() {
                return Err(unreadable(&"there is none in it"));
            }
            builder.with_root_certificates(roots)
        }
        None => builder.with_platform_verifier().map_err(|error| {
            refused(format!("this machine knows no certificate authorities; install `ca-certificates`: {error}"))
        })?,
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(config)
}

fn invalid(message: &str) -> Error {
    Error::new(Class::Invalid, message)
}
