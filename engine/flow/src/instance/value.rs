//! What is filled in for an input is plain, and of the input's type.

use text::{Diagnostic, Kind, Node, Span, did_you_mean_name, shown};

use super::TemplateInput;
use crate::codes;
use crate::model::InputType;
use crate::template;

/// What is wrong with a value, and where.
pub(super) type Mistake = (Diagnostic, Span);

/// What is wrong with a value for this input.
pub(super) fn mistake(input: &TemplateInput, node: &Node) -> Option<Mistake> {
    if let Some(span) = first_expression(node) {
        let diagnostic =
            Diagnostic::error(codes::NO_EXPRESSION, format!("`{}` must be plain, without `${{ }}`", input.name.value))
                .help("what is filled in is put into the flow before it runs; for a literal `${`, write `$${`");
        return Some((diagnostic, span));
    }
    let wanted = wanted(input.input_type);
    let is_good = match (input.input_type, &node.kind) {
        (_, Kind::Broken)
        | (InputType::Text | InputType::Owner | InputType::List, Kind::Text(_))
        | (InputType::Number, Kind::Int(_) | Kind::Float(_))
        | (InputType::Boolean, Kind::Bool(_))
        // An owner and a list may be named by a number.
        | (InputType::Owner | InputType::List, Kind::Int(_))
        | (InputType::Field | InputType::Option, Kind::Text(_))
        | (InputType::Mapping | InputType::Filter | InputType::Object, Kind::Map(_)) => true,
        (InputType::Duration, Kind::Text(text)) => return duration(input, &text.value, node.span),
        (InputType::Choice, Kind::Text(_) | Kind::Int(_) | Kind::Float(_) | Kind::Bool(_)) => return choice(input, node),
        (InputType::Rules, Kind::List(items)) => return items.iter().find_map(|item| rule(input, item)),
        (InputType::Option, Kind::Bool(_) | Kind::Int(_)) => true,
        (
            InputType::Text
            | InputType::Number
            | InputType::Boolean
            | InputType::Duration
            | InputType::Choice
            | InputType::Field
            | InputType::Option
            | InputType::Mapping
            | InputType::Filter
            | InputType::Rules
            | InputType::Owner
            | InputType::List
            | InputType::Object,
            _,
        ) => false,
    };
    if is_good {
        return None;
    }
    let message = format!("`{}` must be {wanted}, and this is {}", input.name.value, node.describe());
    let diagnostic = Diagnostic::error(codes::WRONG_TEMPLATE_INPUT, message);
    Some((diagnostic.maybe_help(remedy(input.input_type, node)), node.span))
}

fn wanted(input_type: InputType) -> &'static str {
    match input_type {
        InputType::Text => "text",
        InputType::Number => "a number",
        InputType::Boolean => "true or false",
        InputType::Duration => "a duration such as `15s`",
        InputType::Choice => "one of its options",
        InputType::Field => "the name of a field",
        InputType::Option => "an option of a field",
        InputType::Mapping => "a map such as `{email: mail}`",
        InputType::Filter => "a filter such as `{stage: won}`",
        InputType::Rules => "a list of rules",
        InputType::Owner => "an owner's e-mail address or id",
        InputType::List => "the id of a list",
        InputType::Object => "a map of names and values",
    }
}

fn remedy(input_type: InputType, node: &Node) -> Option<String> {
    match (input_type, &node.kind) {
        (InputType::Duration, Kind::Int(number)) => {
            Some(format!("write `{number}s` for seconds, `{number}m` for minutes, `{number}h` for hours"))
        }
        (InputType::Text, Kind::Int(_) | Kind::Float(_) | Kind::Bool(_)) => Some("put it in quotes".to_owned()),
        (InputType::Number, Kind::Text(text)) if text.value.parse::<f64>().is_ok() => {
            Some("without the quotes it is a number".to_owned())
        }
        _ => None,
    }
}

fn duration(input: &TemplateInput, text: &str, span: Span) -> Option<Mistake> {
    if crate::parse::duration(text).is_some() {
        return None;
    }
    let message =
        format!("`{}` must be {}, and this is `{}`", input.name.value, wanted(InputType::Duration), shown(text));
    let help = crate::parse::meant_duration(text).help;
    Some((Diagnostic::error(codes::WRONG_TEMPLATE_INPUT, message).help(help), span))
}

fn choice(input: &TemplateInput, node: &Node) -> Option<Mistake> {
    let written = match &node.kind {
        Kind::Text(text) => text.value.clone(),
        Kind::Int(number) => number.to_string(),
        Kind::Float(number) => number.to_string(),
        Kind::Bool(flag) => flag.to_string(),
        Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Broken => return None,
    };
    if input.options.contains(&written) {
        return None;
    }
    let list = input.options.iter().map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ");
    let message = format!("`{}` cannot be `{}`", input.name.value, shown(&written));
    let diagnostic = Diagnostic::error(codes::WRONG_TEMPLATE_INPUT, message).help(format!("it is one of {list}"));
    let meant = did_you_mean_name(&written, input.options.iter().map(String::as_str));
    Some((diagnostic.did_you_mean(node.span, meant), node.span))
}

/// A rule says when it holds; what else it has is the template's business.
fn rule(input: &TemplateInput, node: &Node) -> Option<Mistake> {
    let asks = match &node.kind {
        Kind::Map(map) => map.get("when").or(map.get("filter")).is_some(),
        Kind::Broken => true,
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::List(_) => false,
    };
    if asks {
        return None;
    }
    let message = format!("a rule of `{}` does not say when it holds", input.name.value);
    let help = "write it as a map with `filter` or `when`, such as `{filter: {stage: won}}`";
    Some((Diagnostic::error(codes::WRONG_TEMPLATE_INPUT, message).help(help), node.span))
}

fn first_expression(node: &Node) -> Option<Span> {
    match &node.kind {
        Kind::Text(text) => template::has_expression(&text.value).then_some(node.span),
        Kind::List(items) => items.iter().find_map(first_expression),
        Kind::Map(map) => map.entries.iter().find_map(|entry| {
            let key = template::has_expression(&entry.key.text).then_some(entry.key.span);
            key.or_else(|| first_expression(&entry.value))
        }),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Broken => None,
    }
}
