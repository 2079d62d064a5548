//! Fields: which exist, which are read, and which must therefore be asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use sdk::{Field, FieldType, ObjectSchema};
use text::{Diagnostic, Meant, Span, did_you_mean_name, shown};

use super::Checker;
use crate::codes;
use crate::definition::At;

/// What expressions read of a record.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadFields {
    /// Each field, with the first place that reads it.
    pub(super) fields: BTreeMap<String, Span>,
    /// Where the record is used in a way that does not tell which fields are read, and how it is said.
    pub(super) unknown: Option<(Span, &'static str)>,
}

/// Names that every record has besides its fields.
const BUILT_IN: [&str; 2] = ["id", "meta"];

/// The id of every record, which hides a field of that name: text, whatever the service counts by.
pub(super) static ID: LazyLock<Field> = LazyLock::new(|| Field {
    name: "id".to_owned(),
    label: "id".to_owned(),
    description: None,
    group: None,
    field_type: FieldType::Text,
    options: Vec::new(),
    read_only: true,
    unique: true,
    required: false,
});

impl ReadFields {
    /// Notes a field that is read.
    pub(super) fn add(&mut self, field: &str, span: Span) {
        if !BUILT_IN.contains(&field) {
            self.fields.entry(field.to_owned()).or_insert(span);
        }
    }

    /// Notes a use that does not tell which fields it reads.
    pub(super) fn add_unknown(&mut self, span: Span, how: &'static str) {
        self.unknown.get_or_insert((span, how));
    }
}

impl<'a> Checker<'a> {
    /// What expressions see as `record.<name>`, where it is known.
    pub(super) fn field_of_record(&self, name: &str) -> Option<&'a Field> {
        seen_field(self.polled, name)
    }

    /// Takes these as the fields of an expression or a map, until what is given back is put in their place: none of
    /// them is what another of it means with a slip.
    pub(super) fn stand_beside<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> BTreeSet<String> {
        std::mem::replace(&mut self.beside, names.map(str::to_owned).collect())
    }

    /// The field of that name; an unknown one is reported.
    pub(super) fn field(
        &mut self,
        schema: &'a ObjectSchema,
        target: &str,
        name: &str,
        span: Span,
    ) -> Option<&'a Field> {
        let field = schema.fields.get(name);
        if field.is_none() && name != "id" {
            let known = schema.fields.keys().map(String::as_str);
            let meant = schema
                .fields
                .values()
                .find(|field| field.label.eq_ignore_ascii_case(name))
                .map(|field| Meant::synonym(&field.name))
                .or_else(|| did_you_mean_name(name, known.clone().chain(BUILT_IN)))
                .map(|meant| if self.beside.contains(meant.word) { meant.only_offered() } else { meant });
            let diagnostic =
                Diagnostic::error(codes::UNKNOWN_FIELD, format!("unknown field `{}` of `{target}`", shown(name)));
            let diagnostic = match meant {
                Some(_) => diagnostic.did_you_mean(span, meant),
                None => diagnostic.help(super::connection::listed("its fields are", known)),
            };
            self.report(diagnostic, span, format!("`{target}` has no such field"));
        }
        field
    }

    /// The fields to ask for: those that are read, or those that the author listed, which must then be enough.
    /// `None` where a mistake was reported.
    pub(super) fn fields_to_read(
        &mut self,
        read: &ReadFields,
        also: &BTreeSet<String>,
        listed: Option<&At<Vec<At<String>>>>,
        schema: Option<&'a ObjectSchema>,
        target: &str,
    ) -> Option<Vec<String>> {
        let Some(listed) = listed else {
            if let Some((span, how)) = read.unknown {
                let diagnostic =
                    Diagnostic::error(codes::FIELDS_UNKNOWN, format!("which fields of `{target}` are read is unknown"))
                        .help("list them where it is read, such as `fields: [email, firstname]`");
                self.report(diagnostic, span, how);
                return None;
            }
            let fields: BTreeSet<&String> = read.fields.keys().chain(also).collect();
            return Some(fields.into_iter().filter(|field| !BUILT_IN.contains(&field.as_str())).cloned().collect());
        };
        if let Some(schema) = schema {
            for field in &listed.value {
                self.field(schema, target, &field.value, field.span);
            }
        }
        let names: BTreeSet<String> = listed.value.iter().map(|field| field.value.clone()).collect();
        let mut enough = true;
        for (field, span) in &read.fields {
            // One that does not exist at all has been reported as that.
            let exists = schema.is_none_or(|schema| schema.fields.contains_key(field));
            if exists && !names.contains(field) {
                enough = false;
                let diagnostic = Diagnostic::error(
                    codes::FIELD_NOT_LISTED,
                    format!("`{}` is read and is not among `fields`", shown(field)),
                );
                let diagnostic = self.diagnostics.at(diagnostic, *span, "read here");
                let diagnostic = self.diagnostics.at(diagnostic, listed.span, "not listed here");
                self.diagnostics.push(diagnostic.help("add it, or remove `fields` and let them be found"));
            }
        }
        let names: BTreeSet<String> = names.union(also).cloned().collect();
        enough.then(|| names.into_iter().filter(|field| !BUILT_IN.contains(&field.as_str())).collect())
    }

    /// Notes and checks the properties read of a record.
    pub(super) fn record_read(&mut self, path: &[String], span: Span, schema: Option<&'a ObjectSchema>, target: &str) {
        let Some(name) = path.first() else { return };
        match name.as_str() {
            "id" => {}
            "meta" => {
                const META: [&str; 3] = ["created", "updated", "event"];
                let Some(part) = path.get(1).map(String::as_str) else { return };
                if part == "event" {
                    self.note_not_run("record.meta.event", span);
                }
                if !META.contains(&part) {
                    let diagnostic =
                        Diagnostic::error(codes::UNKNOWN_FIELD, format!("`meta` has no `{}`", shown(part)))
                            .help("it has `created`, `updated` and `event`");
                    self.report(diagnostic, span, "");
                }
            }
            name => {
                if let Some(schema) = schema {
                    self.field(schema, target, name, span);
                }
            }
        }
    }
}

/// What expressions see of a record under this name, where it is known.
pub(super) fn seen_field<'a>(schema: Option<&'a ObjectSchema>, name: &str) -> Option<&'a Field> {
    match name {
        "id" => Some(&*ID),
        "meta" => None,
        name => schema?.fields.get(name),
    }
}
