//! A `webhook`: deliveries of a service, which prove where they come from.

use text::{Diagnostic, Entry, Kind, Map};

use super::reader::Reader;
use crate::codes;
use crate::definition::WebhookDefinition;
use crate::language::words::{ACCEPTS, ALGORITHMS, ENCODINGS};
use crate::language::{HMAC, TriggerKind, VERIFY};
use crate::model::{Hmac, Verify};
use crate::project::{SettingText, secret};

/// Reads a webhook, whose keys were looked at.
pub(super) fn read(reader: &mut Reader<'_>, map: &Map) -> Option<WebhookDefinition> {
    let webhook = map.get("webhook")?;
    if webhook.value.kind != Kind::Null {
        let wanted = "empty: its keys, such as `verify`, stand beside it";
        reader.wrong_type(&webhook.value, webhook.key.span, "webhook", wanted);
    }
    let verify = match map.get("verify") {
        Some(entry) => verify(reader, entry),
        // Below `webhook`, it was told to stand beside it.
        None if matches!(&webhook.value.kind, Kind::Map(below) if below.get("verify").is_some()) => None,
        None => {
            let message = "the webhook does not say how a delivery proves where it comes from";
            let help = "add `verify: {hmac: {secret: \"${ env.NAME }\", header: X-Signature}}`, or `verify: {bearer: \"${ env.NAME }\"}`; without one, everybody could start runs";
            reader.missing_key(map, "verify", TriggerKind::Webhook.mapping(), message, help);
            None
        }
    };
    Some(WebhookDefinition {
        span: webhook.key.span,
        verify,
        id: map.get("id").map(|entry| entry.value.clone()),
        accepts: map.get("accepts").and_then(|entry| reader.word(entry, &ACCEPTS)).unwrap_or_default(),
    })
}

fn verify(reader: &mut Reader<'_>, entry: &Entry) -> Option<Verify> {
    let map = reader.map(entry)?;
    reader.keys(map, &VERIFY);
    match (map.get("hmac"), map.get("bearer")) {
        (Some(entry), None) => hmac(reader, entry).map(Verify::Hmac),
        (None, Some(entry)) => secret(reader, entry).map(Verify::Bearer),
        (Some(_), Some(bearer)) => {
            let diagnostic = Diagnostic::error(codes::UNKNOWN_KEY, "`verify` takes `hmac` or `bearer`, not both");
            reader.report(diagnostic.help("keep the one that the service sends"), bearer.key.span);
            None
        }
        (None, None) => {
            let help =
                "write `{hmac: {secret: \"${ env.NAME }\", header: X-Signature}}`, or `{bearer: \"${ env.NAME }\"}`";
            reader.missing_key(map, "hmac", &VERIFY, "`verify` needs `hmac` or `bearer`", help);
            None
        }
    }
}

fn hmac(reader: &mut Reader<'_>, entry: &Entry) -> Option<Hmac> {
    let map = reader.map(entry)?;
    reader.keys(map, &HMAC);
    let key: Option<SettingText> = match map.get("secret") {
        Some(entry) => secret(reader, entry),
        None => {
            let help = "add what both sides know, such as `secret: \"${ env.WEBHOOK_SECRET }\"`";
            reader.missing_key(map, "secret", &HMAC, "`hmac` needs `secret`", help);
            None
        }
    };
    let header = match map.get("header") {
        Some(entry) => header(reader, entry),
        None => {
            let help = "name the header that brings the signature, such as `header: X-Signature`";
            reader.missing_key(map, "header", &HMAC, "`hmac` needs `header`", help);
            None
        }
    };
    let prefix = map.get("prefix").and_then(|entry| reader.text(entry));
    Some(Hmac {
        algorithm: map.get("algorithm").and_then(|entry| reader.word(entry, &ALGORITHMS)).unwrap_or_default(),
        encoding: map.get("encoding").and_then(|entry| reader.word(entry, &ENCODINGS)).unwrap_or_default(),
        prefix: prefix.map(|prefix| prefix.value).unwrap_or_default(),
        secret: key?,
        header: header?,
    })
}

/// The name of a header of HTTP.
fn header(reader: &mut Reader<'_>, entry: &Entry) -> Option<String> {
    let name = reader.text(entry)?;
    let is_good = (1..=100).contains(&name.value.len())
        && name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !is_good {
        let message = format!("`{}` is no name of a header", text::shown(&name.value));
        let diagnostic = Diagnostic::error(codes::WRONG_VALUE, message).help("write it as `X-Signature`");
        reader.report(diagnostic, name.span);
    }
    is_good.then_some(name.value)
}
