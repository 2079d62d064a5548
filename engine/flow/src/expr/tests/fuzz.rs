//! Every function on every kind of value: whatever comes of it, it comes soon, and is no panic.
//!
//! A run tries a sample of all calls, always the same; with `MILLRACE_TESTS=all` it tries each of them. What they take
//! up in memory is measured where nothing else runs beside them, in `tests/mistakes`.

use std::time::Instant;

use super::super::{Inferred, Kind, helpers};
use super::*;

const VALUES: [&str; 24] = [
    "()",
    "true",
    "0",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "2.5",
    "1e308",
    "(0.0/0.0)",
    "\"\"",
    "\"a\"",
    "\"äöü😀\"",
    "record.long",
    "record.toolong",
    "record.many",
    "record.toomany",
    "[]",
    "[record.owner, record.owner]",
    "record",
    "record.renewal",
    "record.stamp",
    "(1..5)",
    "|x| x",
    "|a, b| [a, b]",
];
const OPERATORS: [&str; 20] =
    ["+", "-", "*", "/", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||", "??", "..", "<<", "&", "^"];
/// How many calls a sample has, and how many there are of one function with more than [`FEW`] arguments.
const CALLS: usize = 20_000;
/// So many arguments are tried in all combinations.
const FEW: usize = 3;

#[test]
fn every_function_survives_every_value() {
    let is_all = std::env::var("MILLRACE_TESTS").as_deref() == Ok("all");
    let calls = if is_all { every_call() } else { sample() };
    let mut scope = scope();
    let n_values = calls.iter().filter(|source| survives(source, &mut scope)).count();
    // Else they test nothing but refusals.
    assert!(n_values > calls.len() / 40, "only {n_values} of {} calls gave a value", calls.len());
}

/// Whether it gives a value; else it says what to do, in words of the language.
#[expect(clippy::disallowed_methods, reason = "the test is about time")]
fn survives(source: &str, scope: &mut Scope) -> bool {
    let start = Instant::now();
    let answer = evaluate_in(source, scope);
    // Generous, as other tests run beside this one; what it looks for never ends.
    assert!(start.elapsed().as_secs() < 5, "{source} took {:?}", start.elapsed());
    if let Err(sentence) = &answer {
        assert!(!sentence.contains("mistake of the engine"), "{source}: {sentence}");
        for foreign in ["ImmutableString", "i64", "getter", "Dynamic", "core::", "rhai"] {
            assert!(!sentence.contains(foreign), "{source}: {sentence}");
        }
    }
    inferred_rightly(source, &answer);
    answer.is_ok()
}

/// What is said of a call without a record is true of it with one.
fn inferred_rightly(source: &str, answer: &Result<Value, String>) {
    let Ok(expression) = compile(source) else { return };
    let Inferred { kind, mistakes } = expression.infer(&|path| known_of_scope(path));
    // What stands on the right of these may never be asked for.
    let is_asked = !["||", "&&", "??"].iter().any(|operator| source.contains(operator));
    if let Some(mistake) = mistakes.first().filter(|_| is_asked) {
        assert!(answer.is_err(), "{source} gave {answer:?}, and was said to fail: {}", mistake.message);
    }
    if let (Some(kind), Ok(value)) = (kind, answer) {
        assert!(value.is_null() || kind.name() == value.type_name(), "{source} gave {value:?}, no {kind:?}");
    }
}

/// What a checker would know of the names among the values.
fn known_of_scope(path: &[String]) -> Option<Kind> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["record"] | ["record", "owner"] => Some(Kind::Map),
        ["record", "long" | "toolong"] => Some(Kind::Text),
        ["record", "many" | "toomany"] => Some(Kind::List),
        ["record", "renewal"] => Some(Kind::Date),
        ["record", "stamp"] => Some(Kind::Moment),
        _ => None,
    }
}

fn functions() -> Vec<(&'static str, usize)> {
    helpers::names().flat_map(|name| helpers::arities(name).iter().map(move |n| (name, *n))).collect()
}

/// A function as it is called by its name, or of its first argument.
fn call(name: &str, arguments: &[&str], is_method: bool) -> String {
    match arguments {
        [first, others @ ..] if is_method => format!("({first}).{name}({})", others.join(", ")),
        arguments => format!("{name}({})", arguments.join(", ")),
    }
}

/// Some calls of all kinds, drawn from a fixed sequence: a failure here is one everywhere.
fn sample() -> Vec<String> {
    let mut below = sequence();
    let functions = functions();
    let draw = |at: usize, below: &mut dyn FnMut(usize) -> usize| {
        if at.is_multiple_of(8) {
            let (left, right) = (VALUES[below(VALUES.len())], VALUES[below(VALUES.len())]);
            return format!("({left}) {} ({right})", OPERATORS[below(OPERATORS.len())]);
        }
        let (name, n) = functions[below(functions.len())];
        let arguments: Vec<&str> = (0..n).map(|_| VALUES[below(VALUES.len())]).collect();
        call(name, &arguments, below(3) > 0)
    };
    (0..CALLS).map(|at| draw(at, &mut below)).collect()
}

/// Every operator and every function with every combination of values; of functions with many arguments a sample.
fn every_call() -> Vec<String> {
    let mut below = sequence();
    let pairs = VALUES.iter().flat_map(|left| VALUES.iter().map(move |right| (left, right)));
    let mut calls: Vec<String> = pairs
        .flat_map(|(left, right)| OPERATORS.iter().map(move |operator| format!("({left}) {operator} ({right})")))
        .collect();
    for (name, n) in functions() {
        let n_combinations = if n <= FEW { VALUES.len().pow(u32::try_from(n).unwrap()) } else { CALLS };
        for combination in 0..n_combinations {
            let mut rest = combination;
            let mut argument = || {
                if n > FEW {
                    return VALUES[below(VALUES.len())];
                }
                let value = VALUES[rest % VALUES.len()];
                rest /= VALUES.len();
                value
            };
            let arguments: Vec<&str> = (0..n).map(|_| argument()).collect();
            calls.push(call(name, &arguments, combination.is_multiple_of(2)));
        }
    }
    calls
}

/// Numbers below a bound, always the same.
fn sequence() -> impl FnMut(usize) -> usize {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    move |n| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % n as u64) as usize
    }
}
