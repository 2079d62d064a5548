//! The layout of `millrace fmt`, for a buffer as it is.

use lsp_types::TextEdit;

use super::documents::Buffer;
use super::projects::{Project, Role};

/// What lays a buffer out; nothing where it has mistakes, which the editor shows already, or is laid out.
pub fn edits(project: &Project, buffer: &Buffer) -> Option<Vec<TextEdit>> {
    Role::of(&project.dir, &buffer.path, &buffer.file.text)?;
    let laid_out = flow::lay_out(&buffer.file).ok()?;
    Some(buffer.edit_to(&laid_out).into_iter().collect())
}
