//! Steps that call something by its name: `do`, an action of a connector, and `run`, another flow.

use sdk::FlowId;
use text::{Diagnostic, Entry, Map, shown};

use super::reader::Reader;
use crate::codes;
use crate::definition::{At, DoDefinition, RunDefinition, Verb};

/// A `do`.
pub(super) fn action(reader: &mut Reader<'_>, map: &Map, verb: &Entry) -> Verb {
    let text =
        reader.fixed_text(&verb.value, verb.key.span, "do", "a connection and its action, such as `crm.associate`");
    let action = text.and_then(|text| match super::value::target(&text.value) {
        Some(value) => Some(At { value: reader.bound(value), span: text.span }),
        None => {
            let message = format!("`{}` does not name a connection and its action", shown(&text.value));
            let diagnostic = Diagnostic::error(codes::WRONG_VALUE, message).help("write it as `crm.associate`");
            reader.report(diagnostic, text.span);
            None
        }
    });
    Verb::Do(DoDefinition { action, with: with(reader, map) })
}

/// A `run`.
pub(super) fn flow(reader: &mut Reader<'_>, map: &Map, verb: &Entry) -> Verb {
    let flow = reader.id(verb).map(|id| At { value: FlowId::new(id.value), span: id.span });
    Verb::Run(RunDefinition { flow, with: with(reader, map) })
}

fn with(reader: &mut Reader<'_>, map: &Map) -> Vec<Entry> {
    map.get("with").and_then(|entry| reader.map(entry)).map(|with| with.entries.clone()).unwrap_or_default()
}
