//! Functions on numbers.

use rhai::{Array, Dynamic, Engine};

use super::super::compare::{Kind, as_float, order};
use super::super::failure::{Failed, refuse};
use super::super::limits;
use super::takes::{ANY, LIST, NUMBER, ORDERED, TEXT_OR_NUMBER};
use super::{Gives, Helper, helper, wrong};

pub(super) const HELPERS: &[Helper] = &[
    helper(
        "to_number",
        "to_number(text)",
        &[TEXT_OR_NUMBER],
        Gives::Always(Kind::Number),
        "The number that the text is; a mistake where it is none.",
        r#"to_number(" 1250.5 ")"#,
        "1250.5",
    ),
    helper(
        "is_number",
        "is_number(value)",
        &[ANY],
        Gives::Always(Kind::Boolean),
        "Whether it is a number, or a text that `to_number` takes.",
        r#"is_number("12a")"#,
        "false",
    ),
    helper(
        "to_int",
        "to_int(number)",
        &[NUMBER],
        Gives::Always(Kind::Number),
        "The whole number, without its fraction.",
        "to_int(-2.9)",
        "-2",
    ),
    helper(
        "round",
        "round(number)",
        &[NUMBER],
        Gives::Always(Kind::Number),
        "The nearest whole number; halves go away from zero.",
        "round(2.5)",
        "3",
    ),
    helper(
        "round",
        "round(number, digits)",
        &[NUMBER, NUMBER],
        Gives::Always(Kind::Number),
        "Rounded to so many digits after the point.",
        "round(2.345, 1)",
        "2.3",
    ),
    helper(
        "floor",
        "floor(number)",
        &[NUMBER],
        Gives::Always(Kind::Number),
        "The whole number below.",
        "floor(-2.1)",
        "-3",
    ),
    helper("ceil", "ceil(number)", &[NUMBER], Gives::Always(Kind::Number), "The whole number above.", "ceil(2.1)", "3"),
    helper(
        "abs",
        "abs(number)",
        &[NUMBER],
        Gives::Always(Kind::Number),
        "The number without its sign.",
        "abs(-5)",
        "5",
    ),
    helper(
        "min",
        "min(a, b)",
        &[ORDERED, ORDERED],
        Gives::LikeFirst,
        "The smaller of two values of one type.",
        "min(3, 2.5)",
        "2.5",
    ),
    helper(
        "min",
        "min(list)",
        &[LIST],
        Gives::Unknown,
        "The smallest of a list; `()` where it is empty.",
        "min([3, 1, 2])",
        "1",
    ),
    helper(
        "max",
        "max(a, b)",
        &[ORDERED, ORDERED],
        Gives::LikeFirst,
        "The greater of two values of one type.",
        "max(3, 2.5)",
        "3",
    ),
    helper(
        "max",
        "max(list)",
        &[LIST],
        Gives::Unknown,
        "The greatest of a list; `()` where it is empty.",
        "max([3, 1, 2])",
        "3",
    ),
    helper(
        "clamp",
        "clamp(number, low, high)",
        &[ORDERED, ORDERED, ORDERED],
        Gives::LikeFirst,
        "The number, but not below low nor above high.",
        "clamp(120, 0, 100)",
        "100",
    ),
    helper(
        "sum",
        "sum(list)",
        &[LIST],
        Gives::Always(Kind::Number),
        "All numbers of the list together; empty items count nothing.",
        "sum([1, 2.5, ()])",
        "3.5",
    ),
    helper(
        "to_fixed",
        "to_fixed(number, digits)",
        &[NUMBER, NUMBER],
        Gives::Always(Kind::Text),
        "As text with exactly so many digits after the point.",
        "to_fixed(3, 2)",
        r#""3.00""#,
    ),
];

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("to_number", |value: Dynamic| to_number(&value));
    engine.register_fn("is_number", |value: Dynamic| is_number(&value));
    engine.register_fn("to_int", |value: Dynamic| whole("to_int", &value, f64::trunc));
    engine.register_fn("round", |value: Dynamic| whole("round", &value, f64::round));
    engine.register_fn("floor", |value: Dynamic| whole("floor", &value, f64::floor));
    engine.register_fn("ceil", |value: Dynamic| whole("ceil", &value, f64::ceil));
    engine.register_fn("round", |value: Dynamic, digits: i64| round_to(&value, digits));
    engine.register_fn("abs", |number: i64| number.checked_abs().ok_or_else(|| refuse("this number is too large")));
    engine.register_fn("abs", f64::abs);
    engine.register_fn("min", |a: Dynamic, b: Dynamic| pick("min", [a, b]));
    engine.register_fn("max", |a: Dynamic, b: Dynamic| pick("max", [a, b]));
    engine.register_fn("min", |list: &mut Array| pick("min", list.iter().cloned()));
    engine.register_fn("max", |list: &mut Array| pick("max", list.iter().cloned()));
    engine.register_fn("clamp", |number: Dynamic, low: Dynamic, high: Dynamic| {
        pick("min", [pick("max", [number, low])?, high])
    });
    engine.register_fn("sum", |list: &mut Array| sum(list));
    engine.register_fn("/", divided);
    engine.register_fn("to_fixed", |value: Dynamic, digits: i64| to_fixed(&value, digits));
    engine.register_fn("-", |number: i64| number.checked_neg().ok_or_else(|| refuse("this number is too large")));
    engine.register_fn("-", |number: f64| -number);
    engine.register_fn("+", |number: i64| number);
    engine.register_fn("+", |number: f64| number);
}

fn is_a_number(value: &Dynamic) -> bool {
    value.is_int() || value.is_float()
}

/// Digits, a sign, a point, an exponent: not `inf`, `nan` or `0x1f`.
fn parsed(text: &str) -> Option<Dynamic> {
    let text = text.trim();
    if !text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Dynamic::from)
}

fn to_number(value: &Dynamic) -> Result<Dynamic, Failed> {
    if is_a_number(value) {
        return Ok(value.clone());
    }
    let Ok(text) = value.clone().into_immutable_string() else { return Err(wrong("to_number", "a text", value)) };
    limits::pay(text.len())?;
    parsed(&text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        refuse(format!(
            "`to_number` takes a number such as \"1250.5\", and \"{shown}\" is none; check with `is_number` first"
        ))
    })
}

fn is_number(value: &Dynamic) -> bool {
    is_a_number(value) || value.clone().into_immutable_string().is_ok_and(|text| parsed(&text).is_some())
}

fn whole(function: &str, value: &Dynamic, round: fn(f64) -> f64) -> Result<i64, Failed> {
    if let Ok(number) = value.as_int() {
        return Ok(number);
    }
    let number = round(value.as_float().map_err(|_| wrong(function, "a number", value))?);
    // 2⁶³ is a float and the first that is not a whole number of ours any more.
    if number >= -(2f64.powi(63)) && number < 2f64.powi(63) {
        Ok(number as i64)
    } else {
        Err(refuse(format!("`{function}` gives a number that is too large, or none")))
    }
}

fn round_to(value: &Dynamic, digits: i64) -> Result<Dynamic, Failed> {
    if !is_a_number(value) {
        return Err(wrong("round", "a number", value));
    }
    if !(0..=15).contains(&digits) {
        return Err(refuse("`round` takes 0 to 15 digits"));
    }
    if value.is_int() {
        return Ok(value.clone());
    }
    let number = as_float(value);
    let factor = 10f64.powi(i32::try_from(digits).unwrap_or(0));
    let scaled = (number * factor).round() / factor;
    Ok(Dynamic::from(if scaled.is_finite() { scaled } else { number }))
}

/// Of two whole numbers as of others: whether a record's number has a fraction must not decide whether its quotient
/// may.
fn divided(dividend: i64, divisor: i64) -> Result<Dynamic, Failed> {
    if divisor == 0 {
        return Err(refuse("this cannot be calculated: it divides by zero"));
    }
    match (dividend.checked_rem(divisor), dividend.checked_div(divisor)) {
        (Some(0), Some(whole)) => Ok(Dynamic::from(whole)),
        (Some(_), _) => Ok(Dynamic::from(dividend as f64 / divisor as f64)),
        (None, _) => Err(refuse("this number is too large")),
    }
}

/// The smallest or greatest.
fn pick(function: &'static str, values: impl IntoIterator<Item = Dynamic>) -> Result<Dynamic, Failed> {
    let mut best: Option<Dynamic> = None;
    for value in values {
        limits::pay(64)?;
        best = Some(match best {
            None => value,
            Some(best) => {
                let less = order(&value, &best, if function == "min" { "<" } else { ">" })?.is_lt();
                if less == (function == "min") { value } else { best }
            }
        });
    }
    Ok(best.unwrap_or(Dynamic::UNIT))
}

fn sum(list: &Array) -> Result<Dynamic, Failed> {
    limits::pay(list.len() * 16)?;
    let mut whole = 0i64;
    let mut fraction: Option<f64> = None;
    for item in list.iter().filter(|item| !item.is_unit()) {
        match (item.as_int(), item.as_float()) {
            (Ok(number), _) if fraction.is_none() => {
                whole = whole.checked_add(number).ok_or_else(|| refuse("the sum is too large"))?;
            }
            (Ok(number), _) => fraction = fraction.map(|so_far| so_far + number as f64),
            (_, Ok(number)) => fraction = Some(fraction.unwrap_or(whole as f64) + number),
            _ => return Err(wrong("sum", "numbers", item)),
        }
    }
    Ok(fraction.map_or_else(|| whole.into(), Dynamic::from))
}

fn to_fixed(value: &Dynamic, digits: i64) -> Result<String, Failed> {
    if !is_a_number(value) {
        return Err(wrong("to_fixed", "a number", value));
    }
    match usize::try_from(digits) {
        Ok(digits) if digits <= 15 => Ok(match value.as_int() {
            Ok(whole) if digits == 0 => whole.to_string(),
            Ok(whole) => format!("{whole}.{}", "0".repeat(digits)),
            Err(_) => format!("{:.digits$}", as_float(value)),
        }),
        _ => Err(refuse("`to_fixed` takes 0 to 15 digits")),
    }
}
