//! Workflow commands of GitHub Actions: one line for each mistake, shown beside the line that it is of.

use text::{Diagnostic, Severity};

use super::report::Report;
use crate::{explain, problems};

/// All of them.
pub fn commands(report: &Report<'_>) -> String {
    let of_files = report.unreadable.iter().map(|failure| format!("::error::{}\n", data(&problems::sentence(failure))));
    report.diagnostics.iter().map(|diagnostic| command(diagnostic, report)).chain(of_files).collect()
}

fn command(diagnostic: &Diagnostic, report: &Report<'_>) -> String {
    let kind = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(label) = diagnostic.labels.first() {
        properties.push(format!("file={}", property(&report.in_repository(&label.file))));
        if let Some(file) = report.source(&label.file) {
            let (start, end) = (file.position(label.span.start), file.position(label.span.end));
            properties.push(format!("line={}", start.line));
            // Columns mean nothing to it where something goes on in another line.
            if start.line == end.line {
                properties.push(format!("endLine={},col={},endColumn={}", end.line, start.column, end.column));
            }
        }
    }
    let title = explain::find_code(diagnostic.code).map(|code| format!("{}: {}", code.code, code.title()));
    properties.push(format!("title={}", property(&title.unwrap_or_else(|| diagnostic.code.to_owned()))));
    let mut message = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    format!("::{kind} {}::{}\n", properties.join(","), data(&message))
}

/// Text behind the second `::`, where a line break would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text between the two `::`, where a comma or a colon would end the property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use text::{SourceFile, Span};

    use super::super::report::CheckFormat;
    use super::*;

    #[test]
    fn nothing_that_an_author_writes_ends_a_command() {
        let file = SourceFile::new("flows/a,b:c%.yaml", "flow: x\nsteps: ü [\n  ]\n");
        let diagnostic = |start, end, message: &str| {
            Diagnostic::error("F0203", message).at(&file.path, Span::new(start, end), "").help("50%\r\n::error::no")
        };
        let diagnostics = [diagnostic(18, 19, "100%: a,b\n::warning::x"), diagnostic(15, 23, "x")];
        let report = Report {
            diagnostics: &diagnostics,
            sources: std::slice::from_ref(&file),
            unreadable: &[],
            places: &BTreeMap::new(),
            n_files: 1,
            format: CheckFormat::Github,
        };
        let help = "%0Ahelp: 50%25%0D%0A::error::no";
        let title = "title=F0203%3A A field that the object does not have";
        assert_eq!(
            commands(&report),
            format!(
                "::error file=flows/a%2Cb%3Ac%25.yaml,line=2,endLine=2,col=10,endColumn=11,{title}::100%25: a,b%0A::warning::x{help}\n\
                 ::error file=flows/a%2Cb%3Ac%25.yaml,line=2,{title}::x{help}\n"
            )
        );
    }
}
