//! Functions on values of any type, on JSON, and on e-mail addresses.

use rhai::{Array, Dynamic, Engine, ImmutableString, Map};
use serde_json::Value as Json;

use super::super::compare::Kind;
use super::super::convert::{self, value_of};
use super::super::failure::{Failed, refuse};
use super::super::limits;
use super::takes::{ANY, BOOLEAN, TEXT, TEXT_OR_NOTHING, VALUE};
use super::{Gives, Helper, helper};

pub(super) const HELPERS: &[Helper] = &[
    helper(
        "not",
        "not(question)",
        &[BOOLEAN],
        Gives::Always(Kind::Boolean),
        "The opposite; so that nobody needs `!`, which YAML takes for itself.",
        "not(1 > 2)",
        "true",
    ),
    helper(
        "is_blank",
        "is_blank(value)",
        &[ANY],
        Gives::Always(Kind::Boolean),
        "Whether it is empty: `()`, a text of white space only, a list or map of nothing.",
        r#"is_blank("  ")"#,
        "true",
    ),
    helper(
        "to_json",
        "to_json(value)",
        &[VALUE],
        Gives::Always(Kind::Text),
        "The value as JSON text.",
        r#"to_json(#{ a: [1, ()] })"#,
        r#""{\"a\":[1,null]}""#,
    ),
    helper(
        "parse_json",
        "parse_json(text)",
        &[TEXT],
        Gives::Unknown,
        "The value that a JSON text tells.",
        r#"parse_json("{\"a\": [1, null]}").a"#,
        "[1, ()]",
    ),
    helper(
        "hash",
        "hash(text)",
        &[TEXT],
        Gives::Always(Kind::Text),
        "A BLAKE3 hash of the text, as 64 hexadecimal digits.",
        r#"hash("").sub_string(0, 8)"#,
        r#""af1349b9""#,
    ),
    helper(
        "is_email",
        "is_email(text)",
        &[TEXT_OR_NOTHING],
        Gives::Always(Kind::Boolean),
        "Whether it has the form of an e-mail address; `()` has not.",
        r#"is_email("ann@x.com")"#,
        "true",
    ),
    helper(
        "email_domain",
        "email_domain(text)",
        &[TEXT_OR_NOTHING],
        Gives::Always(Kind::Text),
        "What follows the @, in lower case; `()` where it is no e-mail address.",
        r#"email_domain("Ann@X.com")"#,
        r#""x.com""#,
    ),
];

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("not", |question: bool| !question);
    engine.register_fn("!", |question: bool| !question);
    engine.register_fn("is_blank", |value: Dynamic| is_blank(&value));
    engine.register_fn("to_json", |value: Dynamic| to_json(&value));
    engine.register_fn("parse_json", |text: &str| parse_json(text));
    engine.register_fn("hash", |text: &str| {
        limits::pay(text.len() * 4)?;
        Ok::<_, Failed>(blake3::hash(text.as_bytes()).to_hex().to_string())
    });
    engine.register_fn("is_email", |text: &str| domain(text).is_some());
    engine.register_fn("is_email", |(): ()| false);
    engine.register_fn("email_domain", |text: &str| match domain(text) {
        Some(domain) => Dynamic::from(domain.to_lowercase()),
        None => Dynamic::UNIT,
    });
    engine.register_fn("email_domain", |(): ()| ());
}

fn is_blank(value: &Dynamic) -> bool {
    value.is_unit()
        || value.read_lock::<ImmutableString>().is_some_and(|text| text.trim().is_empty())
        || value.read_lock::<Array>().is_some_and(|list| list.is_empty())
        || value.read_lock::<Map>().is_some_and(|map| map.is_empty())
}

fn to_json(value: &Dynamic) -> Result<String, Failed> {
    let text = value_of(value).map_err(refuse)?.to_plain_json().to_string();
    limits::pay(text.len() * 4)?;
    if text.len() > limits::TEXT {
        return Err(refuse(format!("the JSON text is too large (at most {} KB)", limits::TEXT / 1024)));
    }
    Ok(text)
}

fn parse_json(text: &str) -> Result<Dynamic, Failed> {
    limits::pay(text.len() * 4)?;
    let json: Json =
        serde_json::from_str(text).map_err(|error| refuse(format!("`parse_json`: this is no JSON: {error}")))?;
    let value = sdk::Value::from_plain_json(&json);
    Ok(convert::root("the parsed JSON", &value))
}

/// The part after the @ of what has the form of an address: not a proof that somebody reads it.
fn domain(text: &str) -> Option<&str> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let good_local = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"@,;:<>()[]\\\"".contains(c));
    let good_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    (good_local && domain.len() <= 253 && domain.contains('.') && domain.split('.').all(good_label)).then_some(domain)
}
