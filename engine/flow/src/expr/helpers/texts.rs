//! Functions on text.

use rhai::{Array, Dynamic, Engine, ImmutableString};

use super::super::compare::Kind;
use super::super::convert::{TooLarge, value_of};
use super::super::failure::{Failed, refuse};
use super::super::limits;
use super::takes::{LIST, NUMBER, PART, TEXT, VALUE};
use super::{Gives, Helper, helper, wrong};

pub(super) const HELPERS: &[Helper] = &[
    helper(
        "to_lower",
        "text.to_lower()",
        &[TEXT],
        Gives::Always(Kind::Text),
        "The text in lower case.",
        r#""Ann@X.com".to_lower()"#,
        r#""ann@x.com""#,
    ),
    helper(
        "to_upper",
        "text.to_upper()",
        &[TEXT],
        Gives::Always(Kind::Text),
        "The text in upper case.",
        r#""de".to_upper()"#,
        r#""DE""#,
    ),
    helper(
        "trim",
        "text.trim()",
        &[TEXT],
        Gives::Always(Kind::Text),
        "The text without white space around it.",
        r#""  Ann ".trim()"#,
        r#""Ann""#,
    ),
    helper(
        "len",
        "text.len()",
        &[TEXT],
        Gives::Always(Kind::Number),
        "How many characters the text has.",
        r#""Zoë".len()"#,
        "3",
    ),
    helper(
        "contains",
        "text.contains(part)",
        &[TEXT, TEXT],
        Gives::Always(Kind::Boolean),
        "Whether the part is in the text.",
        r#""a-b".contains("-")"#,
        "true",
    ),
    helper(
        "starts_with",
        "text.starts_with(part)",
        &[TEXT, TEXT],
        Gives::Always(Kind::Boolean),
        "Whether the text begins so.",
        r#""+49 30".starts_with("+49")"#,
        "true",
    ),
    helper(
        "ends_with",
        "text.ends_with(part)",
        &[TEXT, TEXT],
        Gives::Always(Kind::Boolean),
        "Whether the text ends so.",
        r#""ann@x.com".ends_with("@x.com")"#,
        "true",
    ),
    helper(
        "index_of",
        "text.index_of(part)",
        &[TEXT, TEXT],
        Gives::Always(Kind::Number),
        "At which character, from 0, the part begins; `()` where it is not in it.",
        r#""a-b".index_of("-")"#,
        "1",
    ),
    helper(
        "replace",
        "text.replace(part, with)",
        &[TEXT, TEXT, TEXT],
        Gives::Always(Kind::Text),
        "The text with every such part replaced.",
        r#""a b c".replace(" ", "-")"#,
        r#""a-b-c""#,
    ),
    helper(
        "split",
        "text.split(separator)",
        &[TEXT, TEXT],
        Gives::Always(Kind::List),
        "The pieces between the separators.",
        r#""a;b".split(";")"#,
        r#"["a", "b"]"#,
    ),
    helper(
        "sub_string",
        "text.sub_string(start)",
        &[TEXT, NUMBER],
        Gives::Always(Kind::Text),
        "The text from a character on, counted from 0.",
        r#""abcdef".sub_string(4)"#,
        r#""ef""#,
    ),
    helper(
        "sub_string",
        "text.sub_string(start, len)",
        &[TEXT, NUMBER, NUMBER],
        Gives::Always(Kind::Text),
        "At most so many characters from there on.",
        r#""abcdef".sub_string(1, 2)"#,
        r#""bc""#,
    ),
    helper(
        "pad_start",
        "text.pad_start(len, filler)",
        &[TEXT, NUMBER, TEXT],
        Gives::Always(Kind::Text),
        "The text, filled in front up to so many characters.",
        r#""42".pad_start(5, "0")"#,
        r#""00042""#,
    ),
    helper(
        "join_words",
        "join_words(a, b, …)",
        &[PART, PART],
        Gives::Always(Kind::Text),
        "Up to six parts with a space between; empty parts are left out.",
        r#"join_words("Ann", (), " ", "Lee")"#,
        r#""Ann Lee""#,
    ),
    helper(
        "join_words",
        "join_words(list)",
        &[LIST],
        Gives::Always(Kind::Text),
        "The same for a list of parts.",
        r#"join_words(["Ann", "", "Lee"])"#,
        r#""Ann Lee""#,
    ),
    helper(
        "join_lines",
        "join_lines(list)",
        &[LIST],
        Gives::Always(Kind::Text),
        "The parts as lines; empty parts are left out.",
        r#"join_lines(["a", (), "b"])"#,
        r#""a\nb""#,
    ),
    helper(
        "to_string",
        "to_string(value)",
        &[VALUE],
        Gives::Always(Kind::Text),
        "Any value as text, as `${ … }` inside a text writes it; empty is no text.",
        r#"to_string(12) + to_string(())"#,
        r#""12""#,
    ),
];

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("to_lower", |text: &str| paid(text, str::to_lowercase));
    engine.register_fn("to_upper", |text: &str| paid(text, str::to_uppercase));
    engine.register_fn("trim", |text: &str| paid(text, |text| text.trim().to_owned()));
    engine.register_fn("len", |text: &str| paid(text, |text| text.chars().count() as i64));
    engine.register_fn("contains", |text: &str, part: &str| paid(text, |text| text.contains(part)));
    engine.register_fn("starts_with", |text: &str, part: &str| text.starts_with(part));
    engine.register_fn("ends_with", |text: &str, part: &str| text.ends_with(part));
    engine.register_fn("index_of", |text: &str, part: &str| {
        paid(text, |text| match text.find(part) {
            Some(at) => Dynamic::from(text[..at].chars().count() as i64),
            None => Dynamic::UNIT,
        })
    });
    engine.register_fn("replace", replace);
    engine.register_fn("split", split);
    engine.register_fn("sub_string", |text: &str, start: i64| sub_string(text, start, i64::MAX));
    engine.register_fn("sub_string", sub_string);
    engine.register_fn("pad_start", pad_start);
    engine.register_fn("join_words", |list: &mut Array| join(list, " "));
    engine.register_fn("join_words", |a: Dynamic, b: Dynamic| join(&[a, b], " "));
    engine.register_fn("join_words", |a: Dynamic, b: Dynamic, c: Dynamic| join(&[a, b, c], " "));
    engine.register_fn("join_words", |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| join(&[a, b, c, d], " "));
    engine.register_fn("join_words", |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic, e: Dynamic| {
        join(&[a, b, c, d, e], " ")
    });
    engine.register_fn("join_words", |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic, e: Dynamic, f: Dynamic| {
        join(&[a, b, c, d, e, f], " ")
    });
    engine.register_fn("join_lines", |list: &mut Array| join(list, "\n"));
    engine.register_fn("to_string", |value: Dynamic| text_of(&value));
    engine.register_fn("+", |left: ImmutableString, right: Dynamic| concatenated(&left, &part(&right)?));
    engine.register_fn("+", |left: Dynamic, right: ImmutableString| concatenated(&part(&left)?, &right));
    engine.register_fn("+", |left: ImmutableString, right: ImmutableString| concatenated(&left, &right));
}

/// Computes over the whole text, and pays for it.
fn paid<T>(text: &str, compute: impl FnOnce(&str) -> T) -> Result<T, Failed> {
    limits::pay(text.len())?;
    Ok(compute(text))
}

fn replace(text: &str, part: &str, with: &str) -> Result<String, Failed> {
    limits::pay(text.len())?;
    if part.is_empty() {
        return Err(refuse("`replace` needs a part to look for, and this one is an empty text"));
    }
    // Counted first: the result may be as large as the product of both texts.
    let n_parts = text.matches(part).count();
    let size = (text.len() - n_parts * part.len()).saturating_add(n_parts.saturating_mul(with.len()));
    if size > limits::TEXT {
        return Err(refuse(format!(
            "the result of `replace` is too long ({} KB; at most {} KB)",
            size / 1024,
            limits::TEXT / 1024
        )));
    }
    limits::pay(size)?;
    Ok(text.replace(part, with))
}

fn split(text: &str, separator: &str) -> Result<Array, Failed> {
    limits::pay(text.len() * 4)?;
    if separator.is_empty() {
        return Err(refuse("`split` needs a separator, and this one is an empty text"));
    }
    let n_pieces = text.matches(separator).count() + 1;
    if n_pieces > limits::LIST {
        return Err(refuse(format!("`split` would give {n_pieces} pieces; a list has at most {} items", limits::LIST)));
    }
    Ok(text.split(separator).map(|piece| ImmutableString::from(piece).into()).collect())
}

fn sub_string(text: &str, start: i64, len: i64) -> Result<String, Failed> {
    limits::pay(text.len())?;
    let (Ok(start), Ok(len)) = (usize::try_from(start), usize::try_from(len)) else {
        return Err(refuse("`sub_string` counts from 0 and takes no negative numbers"));
    };
    Ok(text.chars().skip(start).take(len).collect())
}

fn pad_start(text: &str, len: i64, filler: &str) -> Result<String, Failed> {
    limits::pay(text.len())?;
    let mut fillers = filler.chars();
    let (Some(filler), None) = (fillers.next(), fillers.next()) else {
        return Err(refuse("`pad_start` fills with one character, for example \"0\""));
    };
    let missing = usize::try_from(len).unwrap_or(0).saturating_sub(text.chars().count());
    if missing > 1_000 {
        return Err(refuse("`pad_start` adds at most 1000 characters"));
    }
    Ok(std::iter::repeat_n(filler, missing).chain(text.chars()).collect())
}

/// The parts as text, without those that are empty.
pub(super) fn join(parts: &[Dynamic], separator: &str) -> Result<String, Failed> {
    let mut joined = String::new();
    for value in parts {
        let text = part(value)?;
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if !joined.is_empty() {
            joined.push_str(separator);
        }
        grow(&mut joined, text)?;
    }
    Ok(joined)
}

/// Appends within the limit.
pub(super) fn grow(joined: &mut String, text: &str) -> Result<(), Failed> {
    if joined.len() + text.len() > limits::TEXT {
        return Err(refuse(format!("the text made here is too large (at most {} KB)", limits::TEXT / 1024)));
    }
    limits::pay(text.len())?;
    joined.push_str(text);
    Ok(())
}

fn concatenated(left: &str, right: &str) -> Result<String, Failed> {
    let mut joined = left.to_owned();
    limits::pay(left.len())?;
    grow(&mut joined, right)?;
    Ok(joined)
}

/// A part of a longer text: what a person would write for it. Lists and maps have no such form.
pub(super) fn part(value: &Dynamic) -> Result<String, Failed> {
    match value_of(value) {
        Ok(sdk::Value::List(_) | sdk::Value::Map(_)) => {
            Err(wrong("+", "texts, numbers, dates and their like (for lists there is `join`)", value))
        }
        Ok(found) if found.to_text().len() <= limits::TEXT => Ok(found.to_text()),
        Ok(_) => Err(wrong("+", "texts", value)),
        Err(sentence) => Err(refuse(sentence)),
    }
}

/// Also what Rhai asks for between back-ticks, where it would not tell a failure: so each is noted.
fn text_of(value: &Dynamic) -> Result<String, Failed> {
    let text = match (value.read_lock::<TooLarge>(), value_of(value)) {
        (Some(large), _) => Err(large.complaint()),
        (None, Ok(value)) => Ok(value.to_text()),
        (None, Err(sentence)) => Err(sentence),
    };
    let text = text.and_then(|text| match text.len() <= limits::TEXT {
        true => Ok(text),
        false => Err(format!("the text made here is too large (at most {} KB)", limits::TEXT / 1024)),
    });
    match text {
        Ok(text) => limits::pay(text.len()).map(|()| text),
        Err(sentence) => {
            limits::note(sentence.clone());
            Err(refuse(sentence))
        }
    }
}
