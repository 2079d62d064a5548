//! `millrace.yaml`: what holds for the whole project.

use std::net::SocketAddr;
use std::time::Duration;

use text::{Diagnostic, Diagnostics, Entry, Kind, SourceFile, shown};

use super::notify::{NotifyDefinition, notify};
use super::shares::{Shares, shares};
use crate::check::ProjectDefaults;
use crate::codes;
use crate::language::{RETENTION, SETTINGS};
use crate::parse::reader::Reader;

/// What `millrace.yaml` says.
#[derive(Clone, Debug, Default)]
pub struct ProjectFile {
    /// The zone of flows that name none.
    pub timezone: Option<jiff::tz::TimeZone>,
    /// The folder of durable state, relative to the project's.
    pub data: Option<String>,
    /// How much history is kept.
    pub retention: RetentionSettings,
    /// Where the engine is to be served.
    pub listen: Option<SocketAddr>,
    /// Who is told of what.
    pub notify: Vec<NotifyDefinition>,
    /// How much of each connection's budgets may be used.
    pub budgets: Vec<Shares>,
    /// How much of them flows may plan to use; more is a mistake to `check --cost`.
    pub cost: Vec<Shares>,
}

/// How much history a project keeps. What it does not say, the engine decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionSettings {
    /// How long records and logs of runs that ended are kept.
    pub age: Option<Duration>,
    /// How many bytes the database may take up.
    pub size: Option<u64>,
}

impl ProjectFile {
    /// What flows take from it.
    pub fn defaults(&self) -> ProjectDefaults {
        let usual = ProjectDefaults::default();
        ProjectDefaults { timezone: self.timezone.clone().unwrap_or(usual.timezone) }
    }
}

/// Reads `millrace.yaml`. A project needs none, so an empty one is fine.
pub fn parse_project(file: &SourceFile) -> (ProjectFile, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::new(file);
    let document = text::parse_yaml(file);
    for diagnostic in document.diagnostics.into_iter().filter(|diagnostic| diagnostic.code != text::codes::EMPTY) {
        diagnostics.push(diagnostic);
    }
    let mut project = ProjectFile::default();
    let mut reader = Reader::new(&mut diagnostics);
    match document.root.as_ref().map(|root| (&root.kind, root.span)) {
        Some((Kind::Map(map), _)) => {
            reader.keys(map, &SETTINGS);
            project.timezone = map.get("timezone").and_then(|entry| reader.timezone(entry));
            project.data = map.get("data").and_then(|entry| reader.text(entry)).map(|data| data.value);
            if let Some(map) = map.get("retention").and_then(|entry| reader.map(entry)) {
                reader.keys(map, &RETENTION);
                let age = map.get("age").and_then(|entry| reader.duration(entry)).map(|age| age.value);
                let size = map.get("size").and_then(|entry| size(&mut reader, entry));
                project.retention = RetentionSettings { age, size };
            }
            project.listen = map.get("listen").and_then(|entry| listen(&mut reader, entry));
            if let Some(entry) = map.get("notify") {
                project.notify = notify(&mut reader, entry);
                reader.not_used(entry);
            }
            let budgets = map.get("budgets").and_then(|entry| reader.map(entry));
            project.budgets = shares(&mut reader, budgets);
            let cost = map.get("cost").and_then(|entry| reader.map(entry));
            project.cost = shares(&mut reader, cost);
        }
        Some((_, span)) => {
            reader.report(Diagnostic::error(codes::WRONG_TYPE, "the project's file is a map of keys and values"), span);
        }
        None => {}
    }
    (project, diagnostics.into_vec())
}

/// An address and a port: `127.0.0.1:8080`.
fn listen(reader: &mut Reader<'_>, entry: &Entry) -> Option<SocketAddr> {
    const HELP: &str = "write `127.0.0.1:8080` for this machine alone, `0.0.0.0:8080` for all networks that it is in";
    if let Kind::Int(port) = entry.value.kind {
        let diagnostic = Diagnostic::error(codes::WRONG_TYPE, "`listen` needs an address before the port");
        let is_port = u16::try_from(port).is_ok_and(|port| port > 0);
        reader.report(
            match is_port {
                true => diagnostic.help(HELP).offer(entry.value.span, format!("127.0.0.1:{port}")),
                false => diagnostic.help(HELP),
            },
            entry.value.span,
        );
        return None;
    }
    let text = reader.fixed_text(&entry.value, entry.key.span, &entry.key.text, "an address and a port")?;
    // Which port a 0 becomes, nobody would know.
    let address = text.value.parse::<SocketAddr>().ok().filter(|address| address.port() > 0);
    match address {
        Some(_) => reader.not_used(entry),
        None => {
            let message = format!("`{}` is no address with a port", shown(&text.value));
            reader.report(Diagnostic::error(codes::WRONG_VALUE, message).help(HELP), text.span);
        }
    }
    address
}

/// A number of bytes: `500MB`, `2GB`.
fn size(reader: &mut Reader<'_>, entry: &Entry) -> Option<u64> {
    // Below this, runs would lose what they are made of while an operator still looks at them.
    const LEAST: u64 = 10_000_000;
    let text = reader.fixed_text(&entry.value, entry.key.span, &entry.key.text, "a size such as 2GB")?;
    let digits = text.value.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match text.value[digits.len()..].trim() {
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "TB" => Some(1_000_000_000_000),
        _ => None,
    };
    let bytes = unit.and_then(|unit| digits.parse::<u64>().ok()?.checked_mul(unit)).filter(|bytes| *bytes >= LEAST);
    if bytes.is_none() {
        let diagnostic =
            Diagnostic::error(codes::WRONG_VALUE, format!("`{}` is no size for a database", shown(&text.value)))
                .help("write a number and its unit, at least `10MB`: `500MB`, `2GB`");
        reader.report(diagnostic, text.span);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::notify::{Notice, Recipient};
    use super::*;

    #[test]
    fn what_a_project_says() {
        let (project, diagnostics) =
            parse_project(&SourceFile::new("millrace.yaml", "timezone: Europe/Berlin\ndata: state\n"));
        assert_eq!(diagnostics, []);
        assert_eq!(project.defaults().timezone.iana_name(), Some("Europe/Berlin"));
        assert_eq!(project.data.as_deref(), Some("state"));
        assert_eq!(project.retention, RetentionSettings::default());
        let (project, diagnostics) =
            parse_project(&SourceFile::new("millrace.yaml", "retention: {age: 90d, size: 500MB}\n"));
        assert_eq!(diagnostics, []);
        let age = Some(Duration::from_secs(90 * 24 * 3600));
        assert_eq!(project.retention, RetentionSettings { age, size: Some(500_000_000) });
        assert_eq!(parse_project(&SourceFile::new("millrace.yaml", "# nothing\n")).1, []);
        for (yaml, code) in [
            ("timezon: UTC", codes::UNKNOWN_KEY),
            ("timezone: Mars/Base", codes::WRONG_VALUE),
            ("notify: {}", codes::WRONG_TYPE),
            ("listen: 8080", codes::WRONG_TYPE),
            ("listen: localhost", codes::WRONG_VALUE),
            ("listen: 127.0.0.1:0", codes::WRONG_VALUE),
            ("listen: 127.0.0.1:80800", codes::WRONG_VALUE),
            ("data: [a]", codes::WRONG_TYPE),
            ("retention: {age: 90}", codes::WRONG_TYPE),
            ("retention: {size: 2 gigs}", codes::WRONG_VALUE),
            ("retention: {size: 1MB}", codes::WRONG_VALUE),
            ("retention: {days: 3}", codes::UNKNOWN_KEY),
        ] {
            let (_, diagnostics) = parse_project(&SourceFile::new("millrace.yaml", yaml));
            let told: Vec<&str> = diagnostics.iter().map(|one| one.code).filter(|one| *one != codes::NOT_YET).collect();
            assert_eq!(told, [code], "{yaml}");
        }
    }

    #[test]
    fn who_is_told_and_where_it_is_served_is_read_and_not_used_yet() {
        let yaml = "listen: \"[::1]:8080\"\nnotify:\n  - {to: ann@example.com, on: [failed, blocked]}\n  - to: https://example.com/hook\n  - {to: \"${ env.HOOK }\", on: [held]}\n";
        let (project, diagnostics) = parse_project(&SourceFile::new("millrace.yaml", yaml));
        assert_eq!(project.listen.map(|address| address.port()), Some(8080));
        let [mail, url, elsewhere] = project.notify.as_slice() else { panic!("{:?}", project.notify) };
        assert_eq!(mail.to, Recipient::Mail("ann@example.com".to_owned()));
        assert_eq!(mail.on, [Notice::Failed, Notice::Blocked]);
        assert_eq!((&url.to, url.on.len()), (&Recipient::Url("https://example.com/hook".to_owned()), 6));
        assert!(matches!(&elsewhere.to, Recipient::Elsewhere(_)));
        let told: Vec<_> = diagnostics.iter().map(|one| (one.code, one.is_error(), one.message.as_str())).collect();
        assert_eq!(
            told,
            [
                (codes::NOT_YET, false, "`listen` is part of the language, but this version does not use it yet"),
                (codes::NOT_YET, false, "`notify` is part of the language, but this version does not use it yet"),
            ]
        );
    }

    #[test]
    fn nobody_is_told_where_nobody_is() {
        for (line, code) in [
            ("{to: ann}", codes::WRONG_VALUE),
            ("{to: http://example.com/hook}", codes::WRONG_VALUE),
            ("{to: \"ann@example.com, bob@example.com\"}", codes::WRONG_VALUE),
            ("{to: a@b.com, on: []}", codes::WRONG_VALUE),
            ("{to: a@b.com, on: [faild]}", codes::WRONG_VALUE),
            ("{to: a@b.com, on: failed}", codes::WRONG_TYPE),
            ("{on: [failed]}", codes::MISSING_KEY),
            ("{to: a@b.com, at: noon}", codes::UNKNOWN_KEY),
            ("ann@example.com", codes::WRONG_TYPE),
        ] {
            let (_, diagnostics) = parse_project(&SourceFile::new("millrace.yaml", &format!("notify: [{line}]")));
            let told: Vec<&str> = diagnostics.iter().map(|one| one.code).filter(|one| *one != codes::NOT_YET).collect();
            assert_eq!(told, [code], "{line}: {diagnostics:?}");
        }
        let (project, _) = parse_project(&SourceFile::new("millrace.yaml", "notify: [{to: http://127.0.0.1:9/x}]"));
        assert_eq!(project.notify.len(), 1, "this machine is not in the open");
    }
}
