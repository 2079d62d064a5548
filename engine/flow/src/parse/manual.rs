//! A `manual` trigger: the inputs that a caller gives.

use sdk::FieldType;
use text::{Diagnostic, Entry, Kind, Map, Span};

use super::reader::Reader;
use crate::codes;
use crate::definition::{At, InputDefinition, ManualDefinition};
use crate::language::words::INPUT_TYPES;
use crate::language::{INPUT, MANUAL};
use crate::model::Input;

/// Reads a manual trigger, whose keys were looked at.
pub(super) fn read(reader: &mut Reader<'_>, map: &Map) -> Option<ManualDefinition> {
    let manual = map.get("manual")?;
    let map = match &manual.value.kind {
        Kind::Null => return Some(ManualDefinition { inputs: Vec::new() }),
        Kind::Map(map) => map,
        Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) | Kind::Broken => {
            reader.wrong_type(&manual.value, manual.key.span, "manual", "empty, or `{inputs: …}`");
            return None;
        }
    };
    reader.keys(map, &MANUAL);
    let inputs = map.get("inputs").and_then(|entry| reader.map(entry));
    let inputs = inputs.map(|inputs| inputs.entries.iter().filter_map(|entry| input(reader, entry)).collect());
    Some(ManualDefinition { inputs: inputs.unwrap_or_default() })
}

fn input(reader: &mut Reader<'_>, entry: &Entry) -> Option<InputDefinition> {
    let name = reader.name(At { value: entry.key.text.clone(), span: entry.key.span });
    let Kind::Map(map) = &entry.value.kind else {
        let wanted = "a map such as `{type: text, required: true}`";
        reader.wrong_type(&entry.value, entry.key.span, &entry.key.text, wanted);
        return None;
    };
    reader.keys(map, &INPUT);
    let field_type = match map.get("type") {
        Some(entry) => reader.word(entry, &INPUT_TYPES),
        None => {
            let message = format!("the input `{}` has no `type`", entry.key.text);
            let types = INPUT_TYPES.words.iter().map(|word| format!("`{}`", word.word)).collect::<Vec<_>>().join(", ");
            reader.missing_key(map, "type", &INPUT, &message, &format!("add `type`, one of {types}"));
            None
        }
    };
    let options = map.get("options").map(|entry| {
        let is_choice = field_type.is_none_or(|known| known == FieldType::Choice);
        options(reader, entry, is_choice)
    });
    if let (Some(FieldType::Choice), None) = (field_type, &options) {
        let diagnostic = Diagnostic::error(codes::BAD_INPUT, "a choice needs `options`")
            .help("list what there is to choose from, such as `options: [low, high]`");
        reader.report(diagnostic, map.get("type").map_or(entry.key.span, |entry| entry.value.span));
    }
    let required = map.get("required").and_then(|entry| reader.boolean(entry)).unwrap_or(false);
    let default = map.get("default").filter(|default| default.value.kind != Kind::Null);
    if let (true, Some(default)) = (required, default) {
        report_default(reader, default.key.span);
    }
    let text = |reader: &mut Reader<'_>, key: &str| map.get(key).and_then(|entry| reader.text(entry));
    let input = Input {
        name: name?.value,
        // Without a readable type nothing more is said of its values.
        field_type: field_type.unwrap_or(FieldType::Any),
        options: options.unwrap_or_default(),
        required,
        default: None,
        label: text(reader, "label").map(|label| label.value),
        help: text(reader, "help").map(|help| help.value),
    };
    Some(InputDefinition { input, default: default.map(|entry| entry.value.clone()) })
}

/// That an input has a default that it never takes.
pub(crate) fn report_default(reader: &mut Reader<'_>, span: Span) {
    let diagnostic = Diagnostic::error(codes::BAD_INPUT, "an input that must be given needs no `default`")
        .help("remove `default`, or `required: true`");
    reader.report(diagnostic, span);
}

/// The options of a choice.
pub(crate) fn options(reader: &mut Reader<'_>, entry: &Entry, is_choice: bool) -> Vec<String> {
    if !is_choice {
        let diagnostic = Diagnostic::error(codes::BAD_INPUT, "`options` are for a choice")
            .help("write `type: choice`, or remove `options`");
        reader.report(diagnostic, entry.key.span);
        return Vec::new();
    }
    let Some(items) = reader.list(entry, "a list of options such as `[low, high]`") else { return Vec::new() };
    if items.is_empty() {
        let diagnostic = Diagnostic::error(codes::BAD_INPUT, "there is no option to choose");
        reader.report(diagnostic.help("list what there is to choose from"), entry.value.span);
    }
    let mut options: Vec<String> = Vec::new();
    for item in items {
        let Some(option) = reader.fixed_text(item, entry.key.span, "options", "a list of texts") else { continue };
        if options.contains(&option.value) {
            let diagnostic =
                Diagnostic::error(codes::BAD_INPUT, format!("`{}` stands twice", text::shown(&option.value)));
            reader.report(diagnostic.help("keep one of them"), option.span);
        }
        options.push(option.value);
    }
    options
}
