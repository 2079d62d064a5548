//! Which addresses a connection may reach.
//!
//! A host is `https`, or it is this machine. A name is resolved once, and the connection is made to the very
//! addresses that were checked, so that a name server which changes its mind gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether an address may be asked at all; the reason if not.
pub(super) fn check_address(url: &Url) -> Result<(), String> {
    let loopback = is_loopback(url);
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err("it must begin with `https://`; `http://` is for addresses on this machine only".to_owned()),
    }
    match literal(url) {
        Some(address) => check(address, loopback),
        None => Ok(()),
    }
}

/// Whether the host is this machine: `localhost`, or an address of the loopback.
pub(super) fn is_loopback(url: &Url) -> bool {
    match literal(url) {
        Some(address) => address.is_loopback(),
        None => url.host_str() == Some(LOCALHOST),
    }
}

/// Resolves names, and hands on only addresses that may be reached.
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<_> = tokio::net::lookup_host((name, 0)).await?.collect();
            let mut refused = None;
            let mut reachable = Vec::new();
            for address in found {
                match check(address.ip(), name == LOCALHOST) {
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

const LOCALHOST: &str = "localhost";

fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn check(address: IpAddr, loopback_wanted: bool) -> Result<(), String> {
    if loopback_wanted && address.is_loopback() {
        return Ok(());
    }
    let inner = match address {
        IpAddr::V4(address) => is_inner_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(address) => is_inner_v4(address),
            None => is_inner_v6(address),
        },
    };
    if inner || loopback_wanted {
        return Err(format!("{address} is an address inside a network, which is not reached"));
    }
    Ok(())
}

/// An IPv4 address in IPv6 clothes: mapped, or behind the well-known translation prefixes.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(v4(g, h)),
        (0x2002, high, low, ..) => Some(v4(high, low)),
        _ => None,
    }
}

fn is_inner_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0)
            | (198, 18 | 19, _)
    )
}

fn is_inner_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || first & 0xfe00 == 0xfc00 // unique local
        || first & 0xff80 == 0xfe80 // link local, and the former site local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_unless_it_is_localhost() {
        let resolve = |name: &str| Resolver.resolve(name.parse().expect("a name"));
        let addresses: Vec<_> = resolve("localhost").await.expect("this machine").collect();
        assert!(!addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()));
        // The resolver of this machine answers a literal with itself, as a hostile name server would.
        let Err(error) = resolve("127.0.0.1").await else { panic!("a name that leads to this machine was accepted") };
        assert!(error.to_string().contains("is not reached"), "{error}");
    }

    #[test]
    fn public_addresses_are_reached() {
        for address in ["1.1.1.1", "104.16.0.1", "172.32.0.1", "2606:4700::1", "2002:101:101::1"] {
            assert_eq!(check(address.parse().unwrap(), false), Ok(()), "{address}");
        }
        assert!(check("1.1.1.1".parse().unwrap(), true).is_err(), "`localhost` is this machine and nothing else");
    }
}
