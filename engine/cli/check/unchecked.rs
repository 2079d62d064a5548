//! What a check did not look at: fields of objects of which nothing is known. It is no mistake, and it is said.

use std::collections::BTreeSet;

use sdk::{Catalog, ConnectionName};
use text::Diagnostic;

use crate::assemble::Understood;
use crate::codes;

/// Objects that flows and syncs name, and whose fields are not known.
#[derive(Debug, Default)]
pub struct Unchecked(BTreeSet<(ConnectionName, String)>);

impl Unchecked {
    /// What is missing in what is known.
    pub fn of(understood: &Understood, catalog: &Catalog) -> Self {
        let flows = understood.definitions.iter().filter(|flow| !flow.is_template()).flat_map(|flow| flow.uses());
        let used = flows.chain(understood.syncs.iter().flat_map(|sync| sync.uses()));
        // Of a connection or an object that there is not, more than that was told.
        let exists = |(connection, object): &(ConnectionName, String)| {
            let facts = catalog.connections.get(connection);
            facts.is_some_and(|facts| facts.objects.as_ref().is_none_or(|objects| objects.contains(object)))
        };
        Self(used.filter(exists).filter(|used| !catalog.objects.contains_key(used)).collect())
    }

    /// The end of the sentence that says how much was checked; empty where all was.
    pub fn in_short(&self) -> String {
        const MOST: usize = 4;
        if self.0.is_empty() {
            return String::new();
        }
        let names: Vec<String> = self.0.iter().map(|(connection, object)| format!("`{connection}.{object}`")).collect();
        let more = match names.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = names[..names.len().min(MOST)].join(", ");
        format!("; fields of {names}{more} were not checked, as none were pulled (`{}`)", self.remedy())
    }

    /// The same for programs, object by object.
    pub fn notes(&self) -> Vec<Diagnostic> {
        let note = |(connection, object): &(ConnectionName, String)| {
            let message = format!("fields of `{connection}.{object}` are not known here, and were not checked");
            Diagnostic::note(codes::FIELDS_NOT_CHECKED, message)
                .help(format!("`millrace schema pull {connection}` asks for them"))
        };
        self.0.iter().map(note).collect()
    }

    fn remedy(&self) -> String {
        let mut connections = self.0.iter().map(|(connection, _)| connection);
        match (connections.next(), self.0.last()) {
            (Some(first), Some((last, _))) if first == last => format!("millrace schema pull {first}"),
            _ => "millrace schema pull".to_owned(),
        }
    }
}
