//! What names and objects have: the fields of records, the parts of results.

use sdk::{ActionSchema, Field, FieldType, ObjectSchema};
use text::{Kind as NodeKind, Map};

use super::Surroundings;
use super::names::{Meaning, Object};
use super::place::map_of;

/// A part of a value.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) text: String,
    /// A few words.
    pub(super) detail: String,
    /// In Markdown.
    pub(super) doc: String,
    /// The field that it is, where it is one.
    pub(super) field: Option<&'a Field>,
}

impl<'a> Surroundings<'a> {
    /// What is known of an object.
    pub(super) fn schema(&self, object: &Object) -> Option<&'a ObjectSchema> {
        self.catalog.objects.get(&(object.connection.clone(), object.object.clone()))
    }

    /// What is known of an action.
    pub(super) fn action(&self, action: &Object) -> Option<&'a ActionSchema> {
        self.catalog.actions.get(&action.connection)?.iter().find(|one| one.name == action.object)
    }

    /// What can be read of a value behind a path.
    pub(super) fn members(&self, means: &Meaning<'_>, path: &[&str]) -> Vec<Member<'a>> {
        match (means, path) {
            (Meaning::Record(object), []) => {
                let schema = object.as_ref().and_then(|object| self.schema(object));
                let mut members: Vec<_> = schema.into_iter().flat_map(fields).collect();
                members.push(part("id", "text", "The record's id."));
                members.push(part("meta", "", "When the record was created and last changed."));
                members
            }
            (Meaning::Record(_), ["meta"]) => vec![
                part("created", "moment", "When the record was created."),
                part("updated", "moment", "When the record was last changed."),
            ],
            (Meaning::Inputs(inputs), []) => inputs.map_or_else(Vec::new, |map| {
                map.entries.iter().map(|entry| input(&entry.key.text, map_of(&entry.value))).collect()
            }),
            (Meaning::Itself, []) => vec![part("id", "text", "Its id.")],
            (Meaning::Errors(steps), []) => {
                steps.iter().map(|step| part(step, "", "The failure of this step, where it failed.")).collect()
            }
            (Meaning::Errors(_), [_]) => vec![
                part("class", "text", "Of which kind the failure is."),
                part("message", "text", "What went wrong, in one sentence."),
            ],
            (Meaning::Failure, []) => vec![
                part("step", "text", "The step that failed."),
                part("class", "text", "Of which kind the failure is."),
                part("message", "text", "What went wrong, in one sentence."),
                part("attempt", "number", "How often it was tried."),
            ],
            (Meaning::Written, []) => vec![
                part("id", "text", "The id of the record that was written."),
                part("created", "boolean", "Whether the write made it."),
                part("changed", "boolean", "Whether the write changed anything."),
            ],
            (Meaning::Deleted, []) => vec![
                part("id", "text", "The id of the record that was removed."),
                part("existed", "boolean", "Whether it was there."),
            ],
            (Meaning::ActionResult(action), []) => {
                let schema = action.as_ref().and_then(|action| self.action(action));
                let results = schema.map(|schema| schema.results.as_slice()).unwrap_or_default();
                results.iter().map(|result| part(&result.name, kind_of(result.field_type), "")).collect()
            }
            (
                Meaning::Record(_)
                | Meaning::Records(_)
                | Meaning::Inputs(_)
                | Meaning::Body
                | Meaning::Itself
                | Meaning::Now
                | Meaning::Errors(_)
                | Meaning::Failure
                | Meaning::Written
                | Meaning::Deleted
                | Meaning::ActionResult(_)
                | Meaning::Value,
                _,
            ) => Vec::new(),
        }
    }
}

/// The fields of an object.
pub(super) fn fields(schema: &ObjectSchema) -> impl Iterator<Item = Member<'_>> {
    schema.fields.values().map(|field| Member {
        text: field.name.clone(),
        detail: in_short(field),
        doc: in_full(field),
        field: Some(field),
    })
}

fn in_short(field: &Field) -> String {
    let kind = kind_of(field.field_type);
    if field.label == field.name { kind.to_owned() } else { format!("{kind}, {}", field.label) }
}

/// All that is known of a field, in Markdown.
pub(super) fn in_full(field: &Field) -> String {
    let mut out = format!("**{}** – {}", plain(&field.label), kind_of(field.field_type));
    let flags = [(field.required, "required to create one"), (field.unique, "unique"), (field.read_only, "read only")];
    for (_, flag) in flags.iter().filter(|(is_so, _)| *is_so) {
        out.push_str(", ");
        out.push_str(flag);
    }
    if let Some(group) = &field.group {
        out.push_str(&format!(", of {}", plain(group)));
    }
    if let Some(description) = &field.description {
        out.push_str(&format!("\n\n{}", plain(description)));
    }
    if !field.options.is_empty() {
        const MOST: usize = 30;
        out.push_str("\n\n| value | label |\n| --- | --- |\n");
        for option in field.options.iter().take(MOST) {
            out.push_str(&format!("| `{}` | {} |\n", text::visible(&option.value), plain(&option.label)));
        }
        if let Some(more) = field.options.len().checked_sub(MOST).filter(|more| *more > 0) {
            out.push_str(&format!("\nand {more} more"));
        }
    }
    out
}

/// What an account's people wrote has no power over Markdown.
fn plain(label: &str) -> String {
    let escape = |character: char| match character {
        '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' => format!("\\{character}"),
        other => other.to_string(),
    };
    text::visible(label).chars().map(escape).collect()
}

/// What a field holds, in a word.
pub(super) fn kind_of(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text => "text",
        FieldType::Number => "number",
        FieldType::Boolean => "boolean",
        FieldType::Date => "date",
        FieldType::Moment => "moment",
        FieldType::Choice => "choice",
        FieldType::Choices => "choices",
        FieldType::Any => "any value",
    }
}

/// An input as its declaration tells it.
pub(super) fn input(name: &str, declared: Option<&Map>) -> Member<'static> {
    let word = |key: &str| declared.and_then(|map| map.get(key)?.value.as_text());
    let is_required =
        declared.and_then(|map| map.get("required")).is_some_and(|entry| entry.value.kind == NodeKind::Bool(true));
    let kind = word("type").unwrap_or("any value");
    let detail = if is_required { format!("{kind}, required") } else { kind.to_owned() };
    let told: Vec<&str> = [word("label"), word("help")].into_iter().flatten().collect();
    part(name, &detail, &told.join(": "))
}

pub(super) fn part<'a>(text: &str, detail: &str, doc: &str) -> Member<'a> {
    Member { text: text.to_owned(), detail: detail.to_owned(), doc: doc.to_owned(), field: None }
}
