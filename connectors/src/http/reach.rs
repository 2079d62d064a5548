//! Which addresses a connection may reach.
//!
//! A host is `https`, or it is this machine. A name is resolved once, and the connection is made to the very
//! addresses that were checked, so that a name server which changes its mind gains nothing. What is inside a network is
//! reached only where the connection says `allow_private: true`, and where clouds hand out credentials, never.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How far a connection reaches. This machine is always within reach, under its own name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// What everybody can reach.
    #[default]
    Public,
    /// Addresses inside a network as well.
    Private,
}

/// Resolves names, and hands on only addresses that may be reached.
pub(super) struct Resolver {
    /// How far.
    pub(super) reach: Reach,
}

/// Whose an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Public,
    Loopback,
    Private,
    /// Where clouds tell their machines who they are, credentials included.
    Metadata,
    /// Nobody's: broadcasts, tunnels, addresses in disguise.
    Odd,
}

const LOCALHOST: &str = "localhost";
/// Names of what is in [`Zone::Metadata`]; a proxy would resolve them where we do not see it.
const METADATA: [&str; 4] = ["metadata.google.internal", "metadata.goog", "metadata", "instance-data"];

/// Reads an address, and says why it is not asked where it may not be.
pub(super) fn address(text: &str, reach: Reach) -> Result<Url, String> {
    let text = text.trim();
    let no_address = || "this is no address; write it like `https://api.example.com`".to_owned();
    let url = Url::parse(text).map_err(|_| no_address())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("user name and password do not belong into an address; use the connection's settings".to_owned());
    }
    // What stands there is what is asked: the reader of addresses drops some characters and turns others.
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(no_address());
    }
    let loopback = is_loopback(&url);
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err("it must begin with `https://`; `http://` is for addresses on this machine only".to_owned()),
    }
    match literal(&url) {
        Some(address) => {
            check(address, loopback, reach)?;
            if !written_host(text).is_some_and(|host| host.eq_ignore_ascii_case(url.host_str().unwrap_or_default())) {
                return Err(format!("its host is {address} in disguise, which is not reached; write it like that"));
            }
        }
        None => {
            let name = url.host_str().unwrap_or_default().trim_end_matches('.');
            if METADATA.contains(&name) {
                return Err(format!("`{name}` {}", sentence(Zone::Metadata)));
            }
        }
    }
    Ok(url)
}

/// Whether the host is this machine: `localhost`, or an address of the loopback.
pub(super) fn is_loopback(url: &Url) -> bool {
    match literal(url) {
        Some(address) => address.is_loopback(),
        None => url.host_str() == Some(LOCALHOST),
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<_> = tokio::net::lookup_host((name, 0)).await?.collect();
            let mut refused = None;
            let mut reachable = Vec::new();
            for address in found {
                match check(address.ip(), name == LOCALHOST, reach) {
                    Ok(()) => reachable.push(address),
                    Err(reason) => refused = Some(reason),
                }
            }
            match refused {
                Some(reason) if reachable.is_empty() => Err(format!("`{name}` leads inside: {reason}").into()),
                _ => Ok(Box::new(reachable.into_iter()) as Addrs),
            }
        })
    }
}

/// The host as it is written: an address has many spellings, and only the plain one is taken.
fn written_host(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some(host),
        Some(_) | None => Some(authority),
    }
}

fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn check(address: IpAddr, loopback_wanted: bool, reach: Reach) -> Result<(), String> {
    let zone = match address {
        IpAddr::V4(address) => zone_of_v4(address),
        IpAddr::V6(address) => zone_of_v6(address),
    };
    match (zone, loopback_wanted, reach) {
        (Zone::Loopback, true, _) | (Zone::Public, false, _) | (Zone::Private, false, Reach::Private) => Ok(()),
        (Zone::Public | Zone::Private | Zone::Metadata | Zone::Odd, true, _) => {
            Err(format!("`{LOCALHOST}` is {address} here, which is not reached: it should be this machine"))
        }
        (Zone::Loopback | Zone::Private | Zone::Metadata | Zone::Odd, false, _) => {
            Err(format!("{address} {}", sentence(zone)))
        }
    }
}

fn sentence(zone: Zone) -> &'static str {
    match zone {
        Zone::Public => "is public",
        Zone::Loopback => "is this machine, which is not reached but as `localhost` or by its plain address",
        Zone::Private => {
            "is an address inside a network, which is not reached; where it is meant, say `allow_private: true`"
        }
        Zone::Metadata => "is where a cloud hands out its machines' credentials, which is not reached from any flow",
        Zone::Odd => "is an address of no service, which is not reached",
    }
}

fn zone_of_v4(address: Ipv4Addr) -> Zone {
    match address.octets() {
        [127, ..] => Zone::Loopback,
        [169, 254, 169 | 170, _] | [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => Zone::Metadata,
        [0 | 224.., ..] | [192, 0, 0, _] | [198, 18 | 19, ..] => Zone::Odd,
        [10, ..] | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] => Zone::Private,
        _ => Zone::Public,
    }
}

fn zone_of_v6(address: Ipv6Addr) -> Zone {
    if let Some(inner) = embedded_v4(address) {
        return match zone_of_v4(inner) {
            Zone::Public => Zone::Public,
            Zone::Metadata => Zone::Metadata,
            Zone::Loopback | Zone::Private | Zone::Odd => Zone::Odd,
        };
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Zone::Loopback,
        [0xfd00, 0xec2, .., 0x254] | [0xfd20, 0xce, .., 0x254] | [0xfd00, 0x42, .., 0x42] => Zone::Metadata,
        // Unspecified and IPv4-compatible; local translation; Teredo; discard; multicast.
        [0, 0, 0, 0, 0, 0, ..]
        | [0x64, 0xff9b, 1, ..]
        | [0x2001, 0, ..]
        | [0x100, 0, 0, 0, ..]
        | [0xff00..=0xffff, ..] => Zone::Odd,
        // Unique local; link local, and the former site local.
        [0xfc00..=0xfdff, ..] | [0xfe80..=0xfeff, ..] => Zone::Private,
        _ => Zone::Public,
    }
}

/// An IPv4 address in IPv6 clothes: mapped, translated, or behind the well-known prefixes.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_unless_it_is_localhost() {
        let resolve = |name: &str, reach| Resolver { reach }.resolve(name.parse().expect("a name"));
        let addresses: Vec<_> = resolve("localhost", Reach::Public).await.expect("this machine").collect();
        assert!(!addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()));
        // The resolver of this machine answers a literal with itself, as a hostile name server would.
        for (name, reach) in [
            ("127.0.0.1", Reach::Public),
            ("127.0.0.1", Reach::Private),
            ("10.0.0.1", Reach::Public),
            ("169.254.169.254", Reach::Private),
        ] {
            let Err(error) = resolve(name, reach).await else { panic!("a name that leads to {name} was accepted") };
            assert!(error.to_string().contains("is not reached"), "{error}");
        }
        let addresses: Vec<_> = resolve("10.0.0.1", Reach::Private).await.expect("a private one").collect();
        assert_eq!(addresses.len(), 1);
    }

    #[test]
    fn public_addresses_are_reached() {
        for address in ["1.1.1.1", "104.16.0.1", "172.32.0.1", "2606:4700::1", "2002:101:101::1", "64:ff9b::1.1.1.1"] {
            assert_eq!(check(address.parse().unwrap(), false, Reach::Public), Ok(()), "{address}");
        }
        let elsewhere = check("1.1.1.1".parse().unwrap(), true, Reach::Private);
        assert!(elsewhere.is_err(), "`localhost` is this machine and nothing else");
    }
}
