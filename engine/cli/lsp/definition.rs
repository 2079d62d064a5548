//! Where what stands at the cursor is defined: in this file, in another flow, in `connections.yaml`, in what was
//! pulled.

use flow::assist::{self, Definition};
use lsp_types::{Definition as Shown, DefinitionResponse, Location, Position, Range, Uri};
use sdk::ConnectionName;
use text::{Kind, SourceFile, Span};

use super::documents::{self, Buffer};
use super::projects::Project;
use crate::project::SCHEMAS;
use crate::schema::snapshot;

/// Where the thing at a place of a buffer is defined.
pub fn at(project: &Project, buffer: &Buffer, position: Position) -> Option<DefinitionResponse> {
    let (_, definition) = project.ask(buffer, position, assist::leads_to).flatten()?;
    let (shown, span) = match definition {
        Definition::Here(span) => {
            let location = Location { uri: buffer.uri.clone(), range: buffer.range(span) };
            return Some(DefinitionResponse::Definition(Shown::Location(location)));
        }
        Definition::Connection(name) => {
            let definition = project.understood.connections.iter().find(|one| one.name.value == name)?;
            (definition.file.path.to_string(), definition.name.span)
        }
        Definition::Flow(id) => {
            let understood = &project.understood;
            let flow = understood.definitions.iter().find(|flow| *flow.id() == id);
            let flow = flow.map(|flow| (flow.file().path.to_string(), flow.id_span()));
            let sync = understood.syncs.iter().find(|sync| *sync.id() == id);
            flow.or_else(|| sync.map(|sync| (sync.file().path.to_string(), sync.id_span())))?
        }
        Definition::Object { connection, object, field } => {
            let shown = schema_file(project, &connection, &object)?;
            let file = project.source(&shown)?;
            let span =
                field.and_then(|field| key_in(&file, &["fields", &field])).or_else(|| key_in(&file, &["schema"]));
            (shown, span.unwrap_or_default())
        }
    };
    let uri = Uri::from_file_path(project.path(&shown)).ok()?;
    let range = project.source(&shown).map_or_else(Range::default, |file| documents::range(&file, span));
    Some(DefinitionResponse::Definition(Shown::Location(Location { uri, range })))
}

/// The file that holds an object's fields: the one of its usual name, or whichever says that it does.
fn schema_file(project: &Project, connection: &ConnectionName, object: &str) -> Option<String> {
    let usual = format!("{SCHEMAS}/{}", snapshot::file_name(connection, object));
    let schemas = &project.files.schemas;
    if schemas.iter().any(|file| *file.path == *usual) {
        return Some(usual);
    }
    let wanted = format!("schema: {connection}.{object}");
    schemas
        .iter()
        .find(|file| file.text.lines().any(|line| line.trim_end() == wanted))
        .map(|file| file.path.to_string())
}

/// Where a key stands, by those that lead to it.
fn key_in(file: &SourceFile, keys: &[&str]) -> Option<Span> {
    let mut node = text::outline(file)?;
    let mut span = None;
    for key in keys {
        let Kind::Map(map) = node.kind else { return None };
        let entry = map.entries.into_iter().find(|entry| entry.key.text == *key)?;
        span = Some(entry.key.span);
        node = entry.value;
    }
    span
}
