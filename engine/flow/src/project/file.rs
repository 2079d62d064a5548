//! `millrace.yaml`: what holds for the whole project.

use std::time::Duration;

use text::{Diagnostic, Diagnostics, Entry, Kind, SourceFile, shown};

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
            ("notify: {}", codes::NOT_YET),
            ("data: [a]", codes::WRONG_TYPE),
            ("retention: {age: 90}", codes::WRONG_TYPE),
            ("retention: {size: 2 gigs}", codes::WRONG_VALUE),
            ("retention: {size: 1MB}", codes::WRONG_VALUE),
            ("retention: {days: 3}", codes::UNKNOWN_KEY),
        ] {
            let (_, diagnostics) = parse_project(&SourceFile::new("millrace.yaml", yaml));
            assert_eq!(diagnostics.len(), 1, "{yaml}");
            assert_eq!(diagnostics[0].code, code, "{yaml}");
        }
    }
}
