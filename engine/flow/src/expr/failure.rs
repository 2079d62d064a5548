//! What went wrong while an expression was evaluated, said to its author: one sentence, with a way out of it.

use rhai::{Dynamic, EvalAltResult, Position};

use super::compare::{ITEMS, Kind};
use super::compile::Compiled;
use super::{EvaluationError, limits, tree};

/// How functions of ours fail inside Rhai.
pub(super) type Failed = Box<EvalAltResult>;

/// What a function or operator of ours has to say, carried through Rhai.
#[derive(Clone, Debug)]
pub(super) enum Complaint {
    /// Two values that cannot be compared.
    Mismatch {
        /// As the author wrote it.
        operator: &'static str,
        /// What stood on its left.
        left: Kind,
        /// What stood on its right.
        right: Kind,
    },
    /// A whole sentence.
    Said(String),
}

impl From<Complaint> for Failed {
    fn from(complaint: Complaint) -> Self {
        EvalAltResult::ErrorRuntime(Dynamic::from(complaint), Position::NONE).into()
    }
}

/// Fails with a sentence.
pub(super) fn refuse(sentence: impl Into<String>) -> Failed {
    Complaint::Said(sentence.into()).into()
}

/// The sentence for a failed evaluation, with its place.
pub(super) fn explain(expression: &Compiled, error: &EvalAltResult) -> EvaluationError {
    let mut inner = error;
    while let EvalAltResult::ErrorInFunctionCall(_, _, next, _) = inner {
        inner = next;
    }
    let position = inner.position();
    placed(expression, &sentence(expression, inner, position), position)
}

/// What a function of ours said, where it was one that failed.
pub(super) fn said(error: &EvalAltResult) -> Option<String> {
    let EvalAltResult::ErrorRuntime(payload, _) = error else { return None };
    match payload.read_lock::<Complaint>().as_deref()? {
        Complaint::Said(sentence) => Some(sentence.clone()),
        Complaint::Mismatch { .. } => None,
    }
}

/// Puts the place before a sentence, and after it the position inside.
pub(super) fn placed(expression: &Compiled, sentence: &str, position: Position) -> EvaluationError {
    let place = &expression.place;
    let mut message = format!("{}:{}:{}: {sentence}", place.file, place.line, place.column);
    if let (Some(line), Some(column)) = (position.line(), position.position()) {
        let inside = match line {
            1 => format!("character {column}"),
            _ => format!("line {line}, character {column}"),
        };
        let written = expression.source.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = written.chars().take(80).collect();
        let more = if short.len() < written.len() { "…" } else { "" };
        message.push_str(&format!(" (at {inside} of `{short}{more}`)"));
    }
    EvaluationError { message }
}

fn sentence(expression: &Compiled, error: &EvalAltResult, position: Position) -> String {
    use EvalAltResult as Rhai;
    match error {
        Rhai::ErrorRuntime(payload, _) => match payload.read_lock::<Complaint>().as_deref() {
            Some(Complaint::Said(sentence)) => sentence.clone(),
            Some(Complaint::Mismatch { operator, left, right }) => {
                mismatch(expression, operator, *left, *right, position)
            }
            None => payload.to_string(),
        },
        Rhai::ErrorVariableNotFound(name, _) => format!("there is no `{name}` here, or it was not set on this path"),
        Rhai::ErrorPropertyNotFound(name, _) => format!("there is no field `{name}` here"),
        Rhai::ErrorDotExpr(text, _) => property_of_nothing(text),
        Rhai::ErrorFunctionNotFound(signature, _) => not_for_these_types(expression, signature, position),
        Rhai::ErrorIndexNotFound(key, _) => format!("there is no `{key}` here"),
        Rhai::ErrorIndexingType(text, _) => {
            let kind = if text.starts_with("()") { "nothing" } else { "this" };
            format!("{kind} cannot be indexed; lists take a number, maps a name; where it may be empty, use `?[`")
        }
        Rhai::ErrorArrayBounds(0, index, _) => {
            format!("item {index} was asked of an empty list; use `first(list)`, which gives `()` there")
        }
        Rhai::ErrorArrayBounds(len, index, _) => format!("item {index} was asked of a list of {len}, counted from 0"),
        Rhai::ErrorStringBounds(len, index, _) => {
            format!("character {index} was asked of a text of {len}, counted from 0; `sub_string` takes what there is")
        }
        Rhai::ErrorArithmetic(text, _) => {
            format!("this cannot be calculated: {}", lowered(text))
        }
        Rhai::ErrorMismatchDataType(wanted, found, _) | Rhai::ErrorMismatchOutputType(wanted, found, _) => {
            let (wanted, found) = (author_type(wanted), author_type(found));
            match wanted {
                "boolean" => format!(
                    "`&&`, `||`, `if` and functions such as `filter` need true or false, and this is {found}{}",
                    if found == "nothing" { "; compare it, for example `!= ()`" } else { "" }
                ),
                _ => format!("this needs {wanted} and found {found}"),
            }
        }
        Rhai::ErrorTooManyOperations(_) | Rhai::ErrorTerminated(..) => limits::TOO_MUCH.to_owned(),
        Rhai::ErrorDataTooLarge(what, _) => match what.as_str() {
            "Length of string" => format!("the text made here is too large (at most {} KB)", limits::TEXT / 1024),
            "Size of object map" => format!("the map here is too large (at most {} entries)", limits::MAP),
            _ => format!("the list here is too large (at most {} items)", limits::LIST),
        },
        Rhai::ErrorStackOverflow(_) => "functions are nested too deeply here".to_owned(),
        other => lowered(&other.to_string()),
    }
}

fn lowered(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn mismatch(expression: &Compiled, operator: &str, left: Kind, right: Kind, position: Position) -> String {
    let operands = tree::operands(&expression.tree, position);
    let path = |right_side: bool| {
        let found = operands.as_ref().and_then(|(left, right)| if right_side { right.clone() } else { left.clone() });
        found.unwrap_or_else(|| "…".to_owned())
    };
    let of = |wanted: Kind| path(right == wanted);
    if operator == ITEMS || operator == "in" {
        return format!(
            "cannot compare an item that is {} with one that is {}; make all of one type first",
            left.name(),
            right.name()
        );
    }
    let way_out = match (left, right) {
        (Kind::Nothing, _) | (_, Kind::Nothing) => {
            let path = of(Kind::Nothing);
            return match if left == Kind::Nothing { right } else { left } {
                // No day stands for none.
                Kind::Date | Kind::Moment => {
                    format!(
                        "an empty value has no order; ask first whether it is there, for example `{path} != () && …`"
                    )
                }
                other => {
                    let instead = if other == Kind::Text { "\"\"" } else { "0" };
                    format!(
                        "an empty value has no order; say what counts where it is empty, for example `{path} ?? {instead}`"
                    )
                }
            };
        }
        (Kind::Text, Kind::Number) | (Kind::Number, Kind::Text) => convert("to_number", &of(Kind::Text)),
        (Kind::Text, Kind::Date) | (Kind::Date, Kind::Text) => convert("date", &of(Kind::Text)),
        (Kind::Text, Kind::Moment) | (Kind::Moment, Kind::Text) => convert("moment", &of(Kind::Text)),
        (Kind::Moment, Kind::Date) | (Kind::Date, Kind::Moment) => convert("date", &of(Kind::Moment)),
        (Kind::Text, Kind::Boolean) | (Kind::Boolean, Kind::Text) => {
            format!("compare the text with a text, for example `{} == \"true\"`", of(Kind::Text))
        }
        (Kind::List, _) | (_, Kind::List) if left != right => {
            format!("to look for an item, write `… in {}`", of(Kind::List))
        }
        _ if left == right => return format!("`{operator}` cannot compare two values of the type {}", left.name()),
        _ => "compare values of one type".to_owned(),
    };
    format!("cannot compare {} with {}; {way_out}", left.name(), right.name())
}

fn convert(function: &str, path: &str) -> String {
    format!("convert first, for example `{function}({path})`")
}

/// Rhai says: Unknown property 'x' - a getter is not registered for type 'y'.
fn property_of_nothing(text: &str) -> String {
    let mut quoted = text.split('\'').skip(1).step_by(2);
    match (quoted.next(), quoted.next()) {
        (Some(property), Some("()")) => format!(
            "`{property}` was asked of an empty value; write `?.{property}`, which is then empty too, or check with `!= ()`"
        ),
        (Some(property), Some(found)) => {
            let hint = if super::helpers::arities(property).is_empty() {
                String::new()
            } else {
                format!("; perhaps the function `{property}()`?")
            };
            format!("{} has no field `{property}`{hint}", author_type(found))
        }
        _ => lowered(text),
    }
}

/// Rhai says: name (type, type).
fn not_for_these_types(expression: &Compiled, signature: &str, position: Position) -> String {
    let (name, rest) = signature.split_once(" (").unwrap_or((signature, ""));
    let types: Vec<&str> = split_types(rest.strip_suffix(')').unwrap_or(rest)).into_iter().map(author_type).collect();
    let is_operator = !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let name = if name == "contains" && tree::operands(&expression.tree, position).is_some() { "in" } else { name };
    if name.starts_with("anon$") {
        let given = types.len();
        return format!(
            "a function such as `|x| …` is given {given} value{} here, and takes another number",
            if given == 1 { "" } else { "s" }
        );
    }
    match types.as_slice() {
        [one] if is_operator => format!("`{name}` cannot be used on {one}"),
        ["text", "number"] | ["number", "text"] if is_operator => format!(
            "`{name}` cannot be used between {} and {}; convert first, for example `to_number(…)`",
            types[0], types[1]
        ),
        [left, right] if is_operator => {
            let hint = if types.contains(&"nothing") {
                "; where it may be empty, say what then counts: `… ?? 0`"
            } else {
                ""
            };
            format!("`{name}` cannot be used between {left} and {right}{hint}")
        }
        [list, item] if name == "in" => format!("`in` cannot look for {item} in {list}"),
        ["nothing", ..] => format!(
            "`{name}` was asked of an empty value; write `?.{name}(…)`, which is then empty too, or give a value with `??`"
        ),
        _ => {
            let signatures = super::helpers::signatures(name);
            let wanted = if signatures.is_empty() { String::new() } else { format!("; it takes {signatures}") };
            format!("`{name}` cannot be used on ({}){wanted}", types.join(", "))
        }
    }
}

fn split_types(types: &str) -> Vec<&str> {
    types.split(", ").filter(|name| !name.is_empty()).collect()
}

/// Rhai's name of a type in the author's words.
fn author_type(name: &str) -> &str {
    match name.trim() {
        "()" => "nothing",
        "i64" | "f64" => "number",
        "bool" => "boolean",
        "array" => "list",
        "char" => "a single character (use `sub_string`)",
        "Fn" => "function",
        name if name.contains("ImmutableString") || name == "string" => "text",
        name if name.contains("ange") => "range",
        name => name,
    }
}
