//! From text to its references.

use text::{Span, did_you_mean};

use super::{Filter, Piece, Reference, Root, Step, Template};
use crate::rest::codes;

/// What is wrong with a reference, and which bytes of the text it is.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rest) struct Mistake {
    pub(in crate::rest) code: &'static str,
    pub(in crate::rest) message: String,
    pub(in crate::rest) help: Option<String>,
    pub(in crate::rest) start: usize,
    pub(in crate::rest) end: usize,
}

/// Reads a text. `span` is where it stands in its file.
pub(in crate::rest) fn parse(text: &str, span: Span) -> Result<Template, Mistake> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("$${") {
            literal.push_str("${");
            at += 3;
        } else if rest.starts_with("${") {
            let Some(end) = reference_end(text, at + 2) else {
                return Err(mistake(codes::UNCLOSED, "this `${` is never closed", at, text.len()));
            };
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Reference(reference(&text[at + 2..end], at + 2)?));
            at = end + 1;
        } else {
            let next = rest.char_indices().skip(1).find(|(_, c)| *c == '$').map_or(rest.len(), |(offset, _)| offset);
            literal.push_str(&rest[..next]);
            at += next;
        }
    }
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(Template { pieces, span })
}

/// Where the `}` stands that closes a reference; one in quotes closes nothing.
fn reference_end(text: &str, start: usize) -> Option<usize> {
    let mut in_quotes = false;
    text.bytes().enumerate().skip(start).find_map(|(at, byte)| match byte {
        b'\'' => {
            in_quotes = !in_quotes;
            None
        }
        b'}' if !in_quotes => Some(at),
        _ => None,
    })
}

fn reference(inner: &str, offset: usize) -> Result<Reference, Mistake> {
    let mut parts = split(inner, '|').into_iter();
    let path = parts.next().unwrap_or_default();
    let (root, path) = self::path(path.trim(), offset, offset + inner.len())?;
    let filters = parts.map(|part| filter(part.trim(), offset, offset + inner.len())).collect::<Result<_, _>>()?;
    Ok(Reference { root, path, filters })
}

/// Divides where this character stands outside of quotes.
fn split(text: &str, by: char) -> Vec<&str> {
    let mut in_quotes = false;
    text.split(move |c: char| {
        in_quotes ^= c == '\'';
        c == by && !in_quotes
    })
    .collect()
}

fn path(text: &str, start: usize, end: usize) -> Result<(Root, Vec<Step>), Mistake> {
    let bad = || mistake(codes::BAD_REFERENCE, format!("`{}` is no reference", text::shown(text)), start, end);
    let mut names = text.split('.');
    let mut steps = Vec::new();
    let first = names.next().unwrap_or_default();
    let (name, first_steps) = segment(first).ok_or_else(bad)?;
    let Some((_, root)) = Root::ALL.iter().find(|(known, _)| *known == name) else {
        let mut mistake = mistake(codes::UNKNOWN_ROOT, format!("nothing is called `{name}` here"), start, end);
        mistake.help =
            did_you_mean(name, Root::ALL.iter().map(|(name, _)| *name)).map(|meant| format!("did you mean `{meant}`?"));
        return Err(mistake);
    };
    steps.extend(first_steps);
    for name in names {
        let (name, more) = segment(name).ok_or_else(bad)?;
        steps.push(Step::Key(name.to_owned()));
        steps.extend(more);
    }
    Ok((*root, steps))
}

/// A name and the brackets behind it: `errors[*]`.
fn segment(text: &str) -> Option<(&str, Vec<Step>)> {
    let (name, mut brackets) = text.find('[').map_or((text, ""), |at| text.split_at(at));
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-$@".contains(&byte)) {
        return None;
    }
    let mut steps = Vec::new();
    while !brackets.is_empty() {
        let (inner, rest) = brackets.strip_prefix('[')?.split_once(']')?;
        steps.push(if inner == "*" { Step::Each } else { Step::Index(inner.parse().ok()?) });
        brackets = rest;
    }
    Some((name, steps))
}

const FILTERS: [&str; 10] = ["lower", "words", "join", "after", "json", "text", "unix_s", "rfc3339", "slug", "rel"];

fn filter(text: &str, start: usize, end: usize) -> Result<Filter, Mistake> {
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name.trim(), Some(argument.trim())),
        None => (text, None),
    };
    let quoted = |argument: Option<&str>| {
        let inner = argument?.strip_prefix('\'')?.strip_suffix('\'')?;
        (!inner.contains('\'')).then(|| inner.to_owned())
    };
    let found = match (name, argument) {
        ("lower", None) => Some(Filter::Lower),
        ("words", None) => Some(Filter::Words),
        ("json", None) => Some(Filter::Json),
        ("text", None) => Some(Filter::Text),
        ("unix_s", None) => Some(Filter::UnixSeconds),
        ("rfc3339", None) => Some(Filter::Rfc3339),
        ("slug", None) => Some(Filter::Slug),
        ("join", argument) => quoted(argument).map(Filter::Join),
        ("after", argument) => quoted(argument).map(Filter::After),
        ("rel", argument) => quoted(argument).map(Filter::Rel),
        _ => None,
    };
    found.ok_or_else(|| {
        let known = FILTERS.contains(&name);
        let message = match (known, name) {
            (false, name) => format!("there is no filter `{}`", text::shown(name)),
            (true, "join" | "after" | "rel") => format!("`{name}` takes one text in single quotes: `{name}: ','`"),
            (true, name) => format!("`{name}` takes no argument"),
        };
        let mut mistake = mistake(codes::UNKNOWN_FILTER, message, start, end);
        if !known {
            let list = || format!("there are {}", FILTERS.join(", "));
            let meant = did_you_mean(name, FILTERS).map(|meant| format!("did you mean `{meant}`?"));
            mistake.help = Some(meant.unwrap_or_else(list));
        }
        mistake
    })
}

fn mistake(code: &'static str, message: impl Into<String>, start: usize, end: usize) -> Mistake {
    Mistake { code, message: message.into(), help: None, start, end }
}
