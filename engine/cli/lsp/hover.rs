//! What stands at the cursor, in words; where that is a mistake, what its code means.

use flow::assist;
use lsp_types::{Hover, Position};
use text::Span;

use super::documents::Buffer;
use super::projects::Project;
use super::protocol::contents;
use crate::explain;

/// What is to be said of a place of a buffer.
pub fn at(project: &Project, buffer: &Buffer, position: Position) -> Option<Hover> {
    let said = project.ask(buffer, position, assist::describe).flatten();
    let (explained, place) = match mistake(project, buffer, position) {
        Some((text, span)) => (Some(text), Some(span)),
        None => (None, None),
    };
    let span = said.as_ref().map(|said| said.span).or(place)?;
    let parts: Vec<String> = said.map(|said| said.markdown).into_iter().chain(explained).collect();
    Some(Hover { contents: contents(parts.join("\n\n---\n\n")), range: Some(buffer.range(span)) })
}

/// What the code of a mistake at this place means; the mistake itself the editor shows already.
fn mistake(project: &Project, buffer: &Buffer, position: Position) -> Option<(String, Span)> {
    let (shown, offset) = (project.shown(&buffer.path), buffer.offset(position));
    let (code, span) = project.diagnostics.iter().find_map(|one| {
        let label = one.labels.first().filter(|label| *label.file == *shown)?;
        (label.span.start <= offset && offset <= label.span.end).then_some((one.code, label.span))
    })?;
    let code = explain::find_code(code)?;
    let text = format!(
        "**{}: {}**\n\n{}\n\n`millrace explain {}` shows how it is mended.",
        code.code,
        code.title(),
        code.explanation(),
        code.code
    );
    Some((text, span))
}
