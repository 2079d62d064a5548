//! `millrace.yaml`: what holds for the whole project.

use text::{Diagnostic, Diagnostics, Kind, SourceFile};

use crate::check::ProjectDefaults;
use crate::codes;
use crate::parse::reader::{Reader, Vocabulary};

const PROJECT: Vocabulary = Vocabulary {
    what: "`millrace.yaml`",
    known: &["timezone", "data"],
    later: &["listen", "retention", "budgets", "notify"],
};

/// What `millrace.yaml` says.
#[derive(Clone, Debug, Default)]
pub struct ProjectFile {
    /// The zone of flows that name none.
    pub timezone: Option<jiff::tz::TimeZone>,
    /// The folder of durable state, relative to the project's.
    pub data: Option<String>,
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
            reader.keys(map, &PROJECT);
            project.timezone = map.get("timezone").and_then(|entry| reader.timezone(entry));
            project.data = map.get("data").and_then(|entry| reader.text(entry)).map(|data| data.value);
        }
        Some((_, span)) => {
            reader.report(Diagnostic::error(codes::WRONG_TYPE, "the project's file is a map of keys and values"), span);
        }
        None => {}
    }
    (project, diagnostics.into_vec())
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
        assert_eq!(parse_project(&SourceFile::new("millrace.yaml", "# nothing\n")).1, []);
        for (yaml, code) in [
            ("timezon: UTC", codes::UNKNOWN_KEY),
            ("timezone: Mars/Base", codes::WRONG_VALUE),
            ("notify: {}", codes::NOT_YET),
            ("data: [a]", codes::WRONG_TYPE),
        ] {
            let (_, diagnostics) = parse_project(&SourceFile::new("millrace.yaml", yaml));
            assert_eq!(diagnostics.len(), 1, "{yaml}");
            assert_eq!(diagnostics[0].code, code, "{yaml}");
        }
    }
}
