//! The places of flows that a change of a field hits.
//!
//! `check` knows every place that uses a field: it complains there where the field is taken away. What a change causes is
//! what it complains of with today's field and not with yesterday's. So nothing here knows the language.

use std::collections::BTreeSet;

use sdk::{Catalog, ConnectionName, FlowId, ObjectSchema};
use text::Diagnostic;

use super::change::{Change, What};
use crate::assemble::Understood;

/// A place that a change hits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The flow's file.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The flow.
    pub flow: FlowId,
    /// What `check` says of it now; none where it only uses the field.
    pub mistake: Option<String>,
}

/// Flows, and what is known of the objects of today.
pub struct Today<'a> {
    understood: &'a Understood,
    catalog: Catalog,
    /// What `check` says with today's fields.
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Today<'a> {
    /// By what is known now.
    pub fn new(understood: &'a Understood, catalog: Catalog) -> Self {
        let diagnostics = understood.check(&catalog, Vec::new()).diagnostics;
        Self { understood, catalog, diagnostics }
    }

    /// The places that a change of an object hits, which was like this before.
    pub fn hits(&self, connection: &ConnectionName, before: &ObjectSchema, change: &Change) -> Vec<Hit> {
        if change.what.consequence().is_none() || !self.may_hit(connection, before, change) {
            return Vec::new();
        }
        let key = (connection.clone(), before.name.clone());
        let Some(now) = self.catalog.objects.get(&key) else { return Vec::new() };
        let without_change = self.check_with(&key, restored(now, before, change));
        let caused = difference(&self.diagnostics, &without_change);
        let mut uses: Vec<&Diagnostic> = Vec::new();
        let without_field = match &change.field {
            Some(field) if change.what.hits_every_use() && now.fields.contains_key(field) => {
                let mut without = now.clone();
                without.fields.remove(field);
                self.check_with(&key, without)
            }
            Some(_) | None => Vec::new(),
        };
        uses.extend(difference(&without_field, &self.diagnostics));
        let mistakes: BTreeSet<Hit> = caused.iter().filter_map(|one| self.hit(one, true)).collect();
        let is_told = |hit: &Hit| mistakes.iter().any(|known| (&known.file, known.line) == (&hit.file, hit.line));
        let uses: BTreeSet<Hit> =
            uses.into_iter().filter_map(|one| self.hit(one, false)).filter(|hit| !is_told(hit)).collect();
        mistakes.iter().cloned().chain(uses).collect::<BTreeSet<Hit>>().into_iter().collect()
    }

    /// Whether it is worth a check: an account may have changed hundreds of fields that no flow names.
    fn may_hit(&self, connection: &ConnectionName, before: &ObjectSchema, change: &Change) -> bool {
        let used = (connection.clone(), before.name.clone());
        let mut flows = self.understood.definitions.iter().filter(|flow| flow.uses().contains(&used));
        match (&change.field, &change.what) {
            (_, What::Required(true)) | (None, _) => flows.next().is_some(),
            (Some(field), _) => flows.any(|flow| flow.text().contains(field.as_str())),
        }
    }

    fn check_with(&self, key: &(ConnectionName, String), schema: ObjectSchema) -> Vec<Diagnostic> {
        let mut catalog = self.catalog.clone();
        catalog.objects.insert(key.clone(), schema);
        self.understood.check(&catalog, Vec::new()).diagnostics
    }

    fn hit(&self, diagnostic: &Diagnostic, is_mistake: bool) -> Option<Hit> {
        Hit::of(self.understood, diagnostic, is_mistake)
    }
}

impl Hit {
    /// The place of a diagnostic, where that is in a flow; in a template, the first flow that is made of it counts.
    pub fn of(understood: &Understood, diagnostic: &Diagnostic, is_mistake: bool) -> Option<Self> {
        let label = diagnostic.labels.first()?;
        let file = understood.definitions.iter().map(|flow| flow.file()).find(|file| file.path == label.file)?;
        let mut flows = understood.definitions.iter().filter(|flow| flow.is_of_file(&label.file));
        let definition = flows.clone().find(|flow| !flow.is_template()).or_else(|| flows.next())?;
        let at = file.position(label.span.start);
        let mistake = is_mistake.then(|| diagnostic.message.clone());
        let (file, flow) = (label.file.to_string(), definition.id().clone());
        Some(Self { file, line: at.line, column: at.column, flow, mistake })
    }
}

/// Today's object as it would be without the change.
fn restored(now: &ObjectSchema, before: &ObjectSchema, change: &Change) -> ObjectSchema {
    let mut restored = now.clone();
    match (&change.field, &change.what) {
        (None, What::RequiredOneOf) => restored.required_one_of.clone_from(&before.required_one_of),
        (None, What::UniqueTogether) => restored.unique_together.clone_from(&before.unique_together),
        (None, _) => {
            restored.modified_field.clone_from(&before.modified_field);
            restored.created_field.clone_from(&before.created_field);
        }
        (Some(field), what) => {
            let Some(was) = before.fields.get(field) else { return restored };
            let field = restored.fields.entry(field.clone()).or_insert_with(|| was.clone());
            match what {
                What::Type { .. } => {
                    field.field_type = was.field_type;
                    field.options.clone_from(&was.options);
                }
                What::OptionsRemoved(_) | What::OptionsAdded(_) => field.options.clone_from(&was.options),
                What::ReadOnly(_) => field.read_only = was.read_only,
                What::Unique(_) => field.unique = was.unique,
                What::Required(_) => field.required = was.required,
                What::Added(_)
                | What::Gone { .. }
                | What::Label { .. }
                | What::RequiredOneOf
                | What::UniqueTogether
                | What::Stamps => {}
            }
        }
    }
    restored
}

/// What is among these and not among those.
fn difference<'d>(these: &'d [Diagnostic], those: &[Diagnostic]) -> Vec<&'d Diagnostic> {
    let key = |one: &Diagnostic| {
        let label = one.labels.first();
        (one.code, one.message.clone(), label.map(|label| (label.file.clone(), label.span.start)))
    };
    let known: BTreeSet<_> = those.iter().map(key).collect();
    these.iter().filter(|one| !known.contains(&key(one))).collect()
}
