//! Addresses that cannot leave their origin.

use reqwest::Url;
use sdk::{Class, Error};

use super::reach;

/// The address under which a service is reached: `https`, or `http` on this machine.
#[derive(Clone, Debug)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a `base_url` setting. What can never work is [`Class::Invalid`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let invalid = |reason: &str| Error::new(Class::Invalid, format!("`base_url` is `{}`: {reason}", shown(text)));

        let url =
            Url::parse(text).map_err(|_| invalid("this is no address; write it like `https://api.example.com`"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("user name and password do not belong into an address; use the connection's settings"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("an address to build upon ends with its path; leave out `?` and `#`"));
        }
        reach::check_address(&url).map_err(|reason| invalid(&reason))?;
        Ok(Self(url))
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        reach::is_loopback(&self.0)
    }

    /// The address of a resource: each segment and each query value percent-encoded, so that none can mean anything else.
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

/// An address as it may be shown: without what stands before an `@`, which may be a password.
fn shown(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        BaseUrl::parse(text).expect_err(text).message
    }

    #[test]
    fn https_anywhere_and_http_on_this_machine() {
        for (text, loopback) in [
            ("https://api.hubapi.com", false),
            ("https://api.hubapi.com/v3/ ", false),
            ("http://127.0.0.1:8080", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("https://localhost", true),
        ] {
            assert_eq!(BaseUrl::parse(text).expect(text).is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn other_schemes_and_inner_addresses_are_refused_with_a_sentence() {
        assert!(reason("http://api.hubapi.com").contains("`https://`"));
        assert!(reason("file:///etc/passwd").contains("`https://`"));
        assert!(reason("gopher://x").contains("`https://`"));
        assert!(reason("http://localhost.").contains("`https://`"), "only `localhost` itself is this machine");
        assert!(reason("https://user:hunter2@x.com").contains("user name"));
        assert!(!reason("https://user:hunter2@x.com").contains("hunter2"));
        assert!(reason("https://x.com/?a=1").contains("leave out"));
        for inner in [
            "https://169.254.169.254",
            "https://[::ffff:169.254.169.254]",
            "https://[::ffff:127.0.0.1]",
            "https://[64:ff9b::a00:1]",
            "https://0",
            "https://10.0.0.1",
            "https://[fd00::1]",
            "https://[fe80::1]",
            "https://192.168.1.1",
            "https://0xa9.0xfe.0xa9.0xfe",
            "https://2852039166",
        ] {
            assert!(reason(inner).contains("is not reached"), "{inner}: {}", reason(inner));
        }
    }

    #[test]
    fn no_segment_leaves_the_origin_or_its_place() {
        let base = BaseUrl::parse("https://api.hubapi.com/base/").unwrap();
        for (segment, path) in [
            ("//evil.com/x", "/base/%2F%2Fevil.com%2Fx"),
            ("https://evil.com", "/base/https%3A%2F%2Fevil.com"),
            ("/../../admin", "/base/%2F..%2F..%2Fadmin"),
            ("@evil.com", "/base/%40evil.com"),
            ("\\evil.com", "/base/%5Cevil.com"),
            ("?a#b", "/base/%3Fa%23b"),
            ("%2e%2e", "/base/%252e%252e"),
            ("a;1+2,3=4", "/base/a%3B1%2B2%2C3%3D4"),
        ] {
            let joined = base.join(&[segment], &[]).expect(segment);
            assert_eq!(joined.strip_prefix("https://api.hubapi.com"), Some(path), "{segment}");
        }
        for segment in ["", ".", "..", "a\r\nX-Evil: 1", "a\0", ".\t."] {
            assert_eq!(base.join(&["a", segment], &[]).expect_err("refused").class, Class::Invalid);
        }
        assert_eq!(
            base.join(&["a"], &[("q", "x&y=z#/?")]).unwrap(),
            "https://api.hubapi.com/base/a?q=x%26y%3Dz%23%2F%3F"
        );
    }
}
