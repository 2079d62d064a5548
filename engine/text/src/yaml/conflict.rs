//! What Git leaves in a file that it could not merge. Nothing else begins a line like this, so the rest of the file is
//! not blamed for it.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::source::{SourceFile, Span};

/// How the lines begin that Git writes around two versions: before the first, before what both came from, between them,
/// and after the second.
const MARKERS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// Every conflict in a file; where its first line was taken out already, the first line that is left of it.
pub(super) fn conflicts(file: &SourceFile) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let mut is_open = false;
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let written = line.trim_end_matches(['\n', '\r']);
        if let Some(marker) = MARKERS.into_iter().find(|marker| is_marker(written, marker)) {
            if marker == MARKERS[0] || !is_open {
                told.push(conflict(file, Span::new(start, start + written.len())));
            }
            is_open = marker != MARKERS[3];
        }
        start += line.len();
    }
    told
}

/// Whether it is the marker, with nothing but a name behind it.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn conflict(file: &SourceFile, span: Span) -> Diagnostic {
    Diagnostic::error(codes::CONFLICT, "Git could not merge this, and has left both versions in the file")
        .at(&file.path, span, "a conflict marker")
        .help(
            "keep what is right of the two, and take out the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`",
        )
}
