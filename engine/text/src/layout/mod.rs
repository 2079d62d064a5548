//! The canonical layout of a YAML file: the same tree, the same comments, and one way to write them.
//!
//! The file is read into a tree of lines ([`read`]) that keeps what the author wrote for each value, and is written
//! anew ([`write`]): keys in their order, two spaces for each level, list items below their key, quotes only where text
//! needs them ([`quotes`]), at most one blank line. Long texts, blocks and lists in brackets over several lines keep
//! their lines. What comes out is read again and compared, so a layout never changes what a file means.

mod comments;
mod order;
mod quotes;
mod read;
mod same;
mod spaces;
#[cfg(test)]
mod tests;
mod write;

pub use order::Declared;

use crate::diagnostic::Diagnostic;
use crate::node::Map;
use crate::source::SourceFile;
use crate::yaml::parse_yaml;

/// A step on the way from the top of a file to one of its maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Into the value of this key.
    Key(String),
    /// Into an item of a list.
    Item,
}

/// In which order the keys of maps stand.
pub trait KeyOrder {
    /// The keys of the map at this place, in their order. Keys that it does not name stand behind them, as the author
    /// wrote them; a map that belongs to the author has none.
    fn keys(&self, place: &[Part], map: &Map) -> Vec<&'static str>;

    /// Whether only a name of the language stands at this place, such as `crm.contacts` or `15m`, of which quotes tell
    /// nothing.
    fn is_name(&self, _place: &[Part]) -> bool {
        false
    }

    /// Whether texts may hold expressions, `${ … }`.
    fn has_expressions(&self) -> bool {
        false
    }
}

/// Every key stays where its author put it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsWritten;

impl KeyOrder for AsWritten {
    fn keys(&self, _place: &[Part], _map: &Map) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Why a file is left as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum LayoutError {
    /// It is no YAML, or none of ours.
    Mistakes(Vec<Diagnostic>),
    /// Laid out, it would not be the same any more: a mistake of ours, which nobody is to suffer from.
    NotTheSame,
}

/// The file's text in canonical layout.
pub fn lay_out(file: &SourceFile, order: &dyn KeyOrder) -> Result<String, LayoutError> {
    let is_dos = file.text.contains("\r\n");
    let unix = if is_dos { SourceFile::new(file.path.clone(), &file.text.replace("\r\n", "\n")) } else { file.clone() };
    let text = lay_out_unix(&unix, order)?;
    Ok(if is_dos { text.replace('\n', "\r\n") } else { text })
}

fn lay_out_unix(file: &SourceFile, order: &dyn KeyOrder) -> Result<String, LayoutError> {
    let document = parse_yaml(file);
    let root = match document.root {
        Some(root) if document.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()) => root,
        Some(_) | None => return Err(LayoutError::Mistakes(document.diagnostics)),
    };
    let laid = read::read(file, &root, order);
    let text = write::write(&laid);

    let after = SourceFile::new(file.path.clone(), &text);
    let Some(again) = parse_yaml(&after).root else { return Err(LayoutError::NotTheSame) };
    let remarks_again = read::read(&after, &again, &AsWritten).all_remarks();
    if same::is_same(&root, &again) && laid.all_remarks() == remarks_again {
        Ok(text)
    } else {
        Err(LayoutError::NotTheSame)
    }
}
