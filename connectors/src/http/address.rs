//! Addresses that cannot leave their origin.

use reqwest::Url;
use sdk::{Class, Error};

use super::reach::{self, Reach};

/// The address under which a service is reached: `https`, or `http` on this machine.
#[derive(Clone, Debug)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a `base_url` setting of a connection that reaches so far. What can never work is [`Class::Invalid`].
    pub fn parse(text: &str, reach: Reach) -> Result<Self, Error> {
        let text = text.trim();
        let invalid = |reason: &str| Error::new(Class::Invalid, format!("`base_url` is `{}`: {reason}", shown(text)));

        let url = reach::address(text, reach).map_err(|reason| invalid(&reason))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("an address to build upon ends with its path; leave out `?` and `#`"));
        }
        Ok(Self(url))
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        reach::is_loopback(&self.0)
    }

    /// The address of a resource: each segment and each query value percent-encoded, so that none can mean anything
    /// else.
    pub fn join(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<String, Error> {
        let mut url = self.0.clone();
        // Each of these would be dropped or followed instead of sent.
        let is_lost = |segment: &&&str| matches!(**segment, "" | "." | "..") || segment.contains(char::is_control);
        if let Some(segment) = segments.iter().find(is_lost) {
            return Err(Error::new(Class::Invalid, format!("{segment:?} cannot be a part of an address")));
        }
        let mut path = url.path().trim_end_matches('/').to_owned();
        for segment in segments {
            path.push('/');
            path.push_str(&encoded(segment));
        }
        url.set_path(&path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        if url.origin() != self.0.origin() {
            return Err(Error::new(Class::Invalid, "the address leaves the connection's `base_url`"));
        }
        Ok(url.into())
    }
}

/// A segment, every byte percent-encoded that anything could take for more than a character: some servers read `;` or
/// `+` in a path as one.
fn encoded(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// An address as it may be shown: on one line, and without what stands before an `@`, which may be a password.
fn shown(text: &str) -> String {
    text::shown(text.rsplit_once('@').map_or(text, |(_, host)| host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reason_within(text: &str, reach: Reach) -> String {
        BaseUrl::parse(text, reach).expect_err(text).message
    }

    #[track_caller]
    fn reason(text: &str) -> String {
        reason_within(text, Reach::Public)
    }

    #[test]
    fn https_anywhere_and_http_on_this_machine() {
        for (text, loopback) in [
            ("https://api.hubapi.com", false),
            ("https://api.hubapi.com/v3/ ", false),
            ("http://127.0.0.1:8080", true),
            ("http://localhost", true),
            ("http://LOCALHOST:80", true),
            ("http://[::1]:1", true),
            ("https://localhost", true),
            ("https://1.1.1.1:8443/x", false),
        ] {
            assert_eq!(BaseUrl::parse(text, Reach::Public).expect(text).is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn other_schemes_are_refused_with_a_sentence() {
        assert!(reason("http://api.hubapi.com").contains("`https://`"));
        assert!(reason("file:///etc/passwd").contains("`https://`"));
        assert!(reason("gopher://x").contains("`https://`"));
        assert!(reason("http://localhost.").contains("`https://`"), "only `localhost` itself is this machine");
        assert!(reason_within("http://10.0.0.1", Reach::Private).contains("`https://`"), "a token needs a cover there");
        assert!(reason("https://user:hunter2@x.com").contains("user name"));
        assert!(!reason("https://user:hunter2@x.com").contains("hunter2"));
        assert!(reason("https://x.com/?a=1").contains("leave out"));
    }

    #[test]
    fn an_address_inside_a_network_is_refused_in_every_spelling() {
        for inner in [
            "https://169.254.1.1",
            "https://0",
            "https://10.0.0.1",
            "https://10.0.0.1.",
            "https://100.64.0.1",
            "https://172.31.255.255",
            "https://192.168.1.1",
            "https://0300.0250.1.1",
            "https://0xac.16.0x1",
            "https://167772161",
            "https://[fd00::1]",
            "https://[fe80::1]",
            "https://[fec0::1]",
            "https://[::ffff:10.0.0.1]",
            "https://[::ffff:a00:1]",
            "https://[::ffff:0:10.0.0.1]",
            "https://[::10.0.0.1]",
            "https://[64:ff9b::a00:1]",
            "https://[64:ff9b:1::a00:1]",
            "https://[2002:a00:1::]",
            "https://[2001:0:a00:1::]",
            "https://[::]",
            "https://255.255.255.255",
            "https://224.0.0.1",
            "https://１０.0.0.1",
        ] {
            assert!(reason(inner).contains("is not reached"), "{inner}: {}", reason(inner));
        }
        assert!(reason("https://10.0.0.1").contains("`allow_private: true`"), "the remedy is named");
    }

    #[test]
    fn this_machine_is_reached_in_plain_sight_only() {
        for disguise in [
            "http://2130706433",
            "http://0x7f.1",
            "http://0x7f000001:8080/x",
            "http://017700000001",
            "http://0177.0.0.1",
            "http://127.1",
            "http://127.0.0.1.",
            "http://１２７.0.0.1",
            "https://127.1",
            "https://[::ffff:127.0.0.1]",
            "https://[::ffff:7f00:1]",
            "https://[::127.0.0.1]",
        ] {
            for reach in [Reach::Public, Reach::Private] {
                let reason = reason_within(disguise, reach);
                assert!(reason.contains("is not reached"), "{disguise}: {reason}");
            }
        }
    }

    #[test]
    fn allow_private_opens_a_network_and_nothing_else() {
        for inner in ["https://10.0.0.1", "https://192.168.1.1:8443", "https://[fd00::1]", "https://169.254.1.1"] {
            BaseUrl::parse(inner, Reach::Private).expect(inner);
        }
        for inner in
            ["https://0xa.1", "https://167772161", "https://0.0.0.0", "https://224.0.0.1", "https://[::10.0.0.1]"]
        {
            let reason = reason_within(inner, Reach::Private);
            assert!(reason.contains("is not reached"), "{inner}: {reason}");
        }
    }

    #[test]
    fn where_clouds_keep_credentials_is_refused_even_with_allow_private() {
        for metadata in [
            "https://169.254.169.254",
            "https://2852039166",
            "https://0xa9.0xfe.0xa9.0xfe",
            "https://[::ffff:169.254.169.254]",
            "https://[64:ff9b::169.254.169.254]",
            "https://169.254.170.2",
            "https://100.100.100.200",
            "https://168.63.129.16",
            "https://[fd00:ec2::254]",
            "https://metadata.google.internal",
            "https://METADATA.google.internal.",
        ] {
            for reach in [Reach::Public, Reach::Private] {
                let reason = reason_within(metadata, reach);
                assert!(reason.contains("credentials, which is not reached"), "{metadata}: {reason}");
            }
        }
    }

    #[test]
    fn what_is_read_is_what_is_written() {
        for odd in [
            "https:\\\\evil.com",
            "https://api.hubapi.com\\@evil.com",
            "https://api.hubapi.com\\.evil.com",
            "https://api.hub\napi.com",
            "https://api.hub\tapi.com",
            "https://a b.com",
            "https://api.hubapi.com/\r\nX-Evil: 1",
            "//evil.com",
            "",
        ] {
            let reason = reason(odd);
            assert!(reason.contains("no address") || reason.contains("user name"), "{odd:?}: {reason}");
            assert!(!reason.contains(['\n', '\r']), "{reason:?}");
        }
    }

    #[test]
    fn no_segment_leaves_the_origin_or_its_place() {
        let base = BaseUrl::parse("https://api.hubapi.com/base/", Reach::Public).unwrap();
        for (segment, path) in [
            ("//evil.com/x", "/base/%2F%2Fevil.com%2Fx"),
            ("https://evil.com", "/base/https%3A%2F%2Fevil.com"),
            ("/../../admin", "/base/%2F..%2F..%2Fadmin"),
            ("..\\..\\admin", "/base/..%5C..%5Cadmin"),
            ("@evil.com", "/base/%40evil.com"),
            (":443@evil.com", "/base/%3A443%40evil.com"),
            ("\\evil.com", "/base/%5Cevil.com"),
            ("?a#b", "/base/%3Fa%23b"),
            ("%2e%2e", "/base/%252e%252e"),
            ("%0d%0aX-Evil: 1", "/base/%250d%250aX-Evil%3A%201"),
            ("\u{ff0f}..", "/base/%EF%BC%8F.."),
            ("a;1+2,3=4", "/base/a%3B1%2B2%2C3%3D4"),
        ] {
            let joined = base.join(&[segment], &[]).expect(segment);
            assert_eq!(joined.strip_prefix("https://api.hubapi.com"), Some(path), "{segment}");
        }
        for segment in ["", ".", "..", "a\r\nX-Evil: 1", "a\0", ".\t.", "\u{85}"] {
            assert_eq!(base.join(&["a", segment], &[]).expect_err("refused").class, Class::Invalid);
        }
        assert_eq!(
            base.join(&["a"], &[("q", "x&y=z#/?\r\n")]).unwrap(),
            "https://api.hubapi.com/base/a?q=x%26y%3Dz%23%2F%3F%0D%0A"
        );
    }
}
