//! `notify` of `millrace.yaml`: who is told of what.

use text::{Diagnostic, Entry, Kind, Map, Node, Span, shown};

use super::SettingText;
use super::connections::setting;
use crate::codes;
use crate::language::NOTIFY;
use crate::language::words::NOTICES;
use crate::parse::reader::Reader;

/// Somebody who is told, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyDefinition {
    /// Who.
    pub to: Recipient,
    /// Of what.
    pub on: Vec<Notice>,
}

/// Where somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// By mail, at this address.
    Mail(String),
    /// By a request to this URL.
    Url(String),
    /// At what a variable or a file says: such URLs are often secrets.
    Elsewhere(SettingText),
}

/// What somebody is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A run gave up.
    Failed,
    /// A run does not know whether it wrote.
    Unknown,
    /// A flow's connection is refused.
    Blocked,
    /// A brake stopped a flow.
    Held,
    /// A flow does less than it is expected to do.
    Late,
    /// A sync found what it reports.
    Reported,
}

/// Reads all lines.
pub(super) fn notify(reader: &mut Reader<'_>, entry: &Entry) -> Vec<NotifyDefinition> {
    let Some(items) = reader.list(entry, "a list, such as `[{to: ann@example.com, on: [failed]}]`") else {
        return Vec::new();
    };
    items.iter().filter_map(|item| line(reader, item, entry.key.span)).collect()
}

fn line(reader: &mut Reader<'_>, item: &Node, list: Span) -> Option<NotifyDefinition> {
    let Kind::Map(map) = &item.kind else {
        reader.wrong_type(item, list, NOTIFY.what, "a map, such as `{to: ann@example.com, on: [failed]}`");
        return None;
    };
    reader.keys(map, &NOTIFY);
    let on = match map.get("on") {
        Some(entry) => notices(reader, entry),
        None => Some(NOTICES.pairs().map(|(_, notice)| notice).collect()),
    };
    let to = recipient(reader, map, item.span);
    Some(NotifyDefinition { to: to?, on: on? })
}

fn recipient(reader: &mut Reader<'_>, map: &Map, line: Span) -> Option<Recipient> {
    let Some(entry) = map.get("to") else {
        let help = "add `to`, such as `to: ann@example.com`";
        reader.missing_key_at(map, line, "to", &NOTIFY, "it does not say who is told", help);
        return None;
    };
    let text = match setting(reader, entry)? {
        SettingText::Plain { text, .. } => text,
        elsewhere @ (SettingText::Environment { .. } | SettingText::File { .. }) => {
            return Some(Recipient::Elsewhere(elsewhere));
        }
    };
    if is_mail(&text) {
        return Some(Recipient::Mail(text));
    }
    if is_url(&text) {
        return Some(Recipient::Url(text));
    }
    let (message, help) = match text.starts_with("http://") {
        true => (
            "what is told would travel in the open".to_owned(),
            "write `https://`; plain `http://` is for this machine alone, such as `http://127.0.0.1:9000`",
        ),
        false => (
            format!("`{}` is neither a mail address nor a URL", shown(&text)),
            "write it as `ann@example.com` or `https://example.com/hook`; a URL that is a secret, as `${ env.NAME }`",
        ),
    };
    reader.report(Diagnostic::error(codes::WRONG_VALUE, message).help(help), entry.value.span);
    None
}

fn notices(reader: &mut Reader<'_>, entry: &Entry) -> Option<Vec<Notice>> {
    let items = reader.list(entry, "a list, such as `[failed, blocked]`")?;
    if items.is_empty() {
        let diagnostic = Diagnostic::error(codes::WRONG_VALUE, "`on` is empty, so nobody would be told of anything");
        reader.report(diagnostic.help("leave it out to be told of all"), entry.value.span);
        return None;
    }
    let notice = |item: &Node| reader.word(&Entry { key: entry.key.clone(), value: item.clone() }, &NOTICES);
    let notices: Vec<Option<Notice>> = items.iter().map(notice).collect();
    notices.into_iter().collect()
}

fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    is_plain(local) && !local.contains(['@', '/', ':', '<']) && is_plain(domain) && !domain.contains(['/', ':', '>'])
}

fn is_url(text: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => !host(rest).is_empty(),
        (None, Some(rest)) => {
            let host = host(rest);
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            ["127.0.0.1", "localhost", "[::1]"].contains(&name)
        }
        (None, None) => false,
    }
}
