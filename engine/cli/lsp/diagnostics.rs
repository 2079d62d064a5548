//! What is wrong, underlined where it stands: the words, codes, places and remedies of `millrace check`.

use std::collections::BTreeMap;

use lsp_types::{
    Code, Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Message, Range, Uri,
};
use serde_json::json;
use text::{Diagnostic, Label, Severity, SourceFile};

use super::documents::{self, Documents};
use super::projects::Project;

/// What is wrong with each file of a project, and with each of its open buffers, if only that there is nothing.
pub fn of_project(project: &Project, documents: &Documents) -> BTreeMap<Uri, Vec<Shown>> {
    let mut of_files: BTreeMap<Uri, Vec<Shown>> = BTreeMap::new();
    let places = Places { project, documents, sources: project.files.sources() };
    for diagnostic in &project.diagnostics {
        let Some(label) = diagnostic.labels.first() else { continue };
        let Some(Location { uri, range }) = places.of(label) else { continue };
        of_files.entry(uri).or_default().push(shown(diagnostic, range, &places));
    }
    of_files
}

/// From places in files to places in the editor.
struct Places<'a> {
    project: &'a Project,
    documents: &'a Documents,
    sources: Vec<SourceFile>,
}

impl Places<'_> {
    fn of(&self, label: &Label) -> Option<Location> {
        let path = self.project.path(&label.file);
        if let Some(buffer) = self.documents.of_path(&path) {
            return Some(Location { uri: buffer.uri.clone(), range: buffer.range(label.span) });
        }
        let uri = Uri::from_file_path(path).ok()?;
        // A file that is no text has no places in it.
        let source = self.sources.iter().find(|file| file.path == label.file);
        let range = source.map_or_else(Range::default, |file| documents::range(file, label.span));
        Some(Location { uri, range })
    }
}

fn shown(diagnostic: &Diagnostic, range: Range, places: &Places<'_>) -> Shown {
    let about = |label: &Label| {
        let message = if label.text.is_empty() { diagnostic.message.clone() } else { label.text.clone() };
        Some(DiagnosticRelatedInformation { location: places.of(label)?, message })
    };
    let related: Vec<_> = diagnostic.labels.iter().skip(1).filter_map(about).collect();
    Shown {
        range,
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
            Severity::Note => DiagnosticSeverity::Information,
        }),
        code: Some(Code::String(diagnostic.code.to_owned())),
        code_description: None,
        source: Some("millrace".to_owned()),
        message: Message::String(words(diagnostic)),
        tags: None,
        related_information: (!related.is_empty()).then_some(related),
        data: Some(json!({"explain": format!("millrace explain {}", diagnostic.code)})),
    }
}

/// What is wrong, and what to do about it.
fn words(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}\nhelp: {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}
