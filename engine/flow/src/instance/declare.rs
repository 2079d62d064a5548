//! A template's `inputs`: what its instances fill in.

use text::{Diagnostic, Entry, Kind};

use super::{TemplateInput, value};
use crate::codes;
use crate::definition::At;
use crate::language::TEMPLATE_INPUT;
use crate::language::words::TEMPLATE_INPUT_TYPES;
use crate::model::InputType;
use crate::parse::manual;
use crate::parse::reader::Reader;

/// Reads `inputs`.
pub(super) fn inputs(reader: &mut Reader<'_>, entry: &Entry) -> Vec<TemplateInput> {
    let Some(map) = reader.map(entry) else { return Vec::new() };
    if map.entries.is_empty() {
        let diagnostic = Diagnostic::error(codes::BAD_INPUT, "a template without an input has nothing to fill in")
            .help("declare one, such as `interval: {type: duration, default: 15s}`, or leave `inputs` out");
        reader.report(diagnostic, entry.key.span);
    }
    map.entries.iter().filter_map(|entry| input(reader, entry)).collect()
}

fn input(reader: &mut Reader<'_>, entry: &Entry) -> Option<TemplateInput> {
    let name = reader.name(At { value: entry.key.text.clone(), span: entry.key.span });
    let Kind::Map(map) = &entry.value.kind else {
        let wanted = "a map such as `{type: text, required: true}`";
        reader.wrong_type(&entry.value, entry.key.span, &entry.key.text, wanted);
        return None;
    };
    reader.keys(map, &TEMPLATE_INPUT);
    let input_type = match map.get("type") {
        Some(entry) => reader.word(entry, &TEMPLATE_INPUT_TYPES),
        None => {
            let message = format!("the input `{}` has no `type`", entry.key.text);
            let words = TEMPLATE_INPUT_TYPES.words.iter();
            let types = words.map(|word| format!("`{}`", word.word)).collect::<Vec<_>>().join(", ");
            reader.missing_key(map, "type", &TEMPLATE_INPUT, &message, &format!("add `type`, one of {types}"));
            None
        }
    };
    let options = map.get("options").map(|entry| {
        let is_choice = input_type.is_none_or(|known| known == InputType::Choice);
        manual::options(reader, entry, is_choice)
    });
    if let (Some(InputType::Choice), None) = (input_type, &options) {
        let diagnostic = Diagnostic::error(codes::BAD_INPUT, "a choice needs `options`")
            .help("list what there is to choose from, such as `options: [low, high]`");
        reader.report(diagnostic, map.get("type").map_or(entry.key.span, |entry| entry.value.span));
    }
    for key in ["label", "help"] {
        map.get(key).and_then(|entry| reader.text(entry));
    }
    if let Some(entry) = map.get("of") {
        of(reader, entry, input_type);
    }
    let required = map.get("required").and_then(|entry| reader.boolean(entry)).unwrap_or(false);
    let default = map.get("default").filter(|default| default.value.kind != Kind::Null);
    if let (true, Some(default)) = (required, default) {
        manual::report_default(reader, default.key.span);
    }
    let input = TemplateInput {
        name: name?,
        input_type: input_type?,
        type_span: map.get("type").map_or(entry.key.span, |entry| entry.value.span),
        options: options.unwrap_or_default(),
        required,
        default: default.map(|entry| entry.value.clone()),
    };
    if let Some((mut diagnostic, span)) = input.default.as_ref().and_then(|default| value::mistake(&input, default)) {
        diagnostic.code = codes::BAD_INPUT;
        reader.report(diagnostic, span);
    }
    Some(input)
}

/// From where a form offers values: an object, an object's field, or a connection.
fn of(reader: &mut Reader<'_>, entry: &Entry, input_type: Option<InputType>) {
    let Some(written) = reader.text(entry) else { return };
    let (n_parts, wanted) = match input_type {
        Some(InputType::Field | InputType::Filter | InputType::Mapping) => (2, "an object such as `crm.contacts`"),
        Some(InputType::Option) => (3, "a field such as `crm.contacts.lifecyclestage`"),
        Some(InputType::Owner | InputType::List) => (1, "a connection such as `crm`"),
        Some(
            InputType::Text
            | InputType::Number
            | InputType::Boolean
            | InputType::Duration
            | InputType::Choice
            | InputType::Rules
            | InputType::Object,
        ) => {
            let diagnostic = Diagnostic::error(
                codes::BAD_INPUT,
                "`of` says from where values are offered, and nobody offers any for this type",
            )
            .help("remove it; a `choice` has its own `options`");
            reader.report(diagnostic, entry.key.span);
            return;
        }
        None => return,
    };
    let is_good = written.value.split('.').count() == n_parts && written.value.split('.').all(|part| !part.is_empty());
    if !is_good {
        let message = format!("`of` must be {wanted}, and this is `{}`", text::shown(&written.value));
        reader.report(Diagnostic::error(codes::BAD_INPUT, message), written.span);
    }
}
