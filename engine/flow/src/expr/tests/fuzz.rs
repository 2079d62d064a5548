//! Every function on every kind of value: whatever comes of it, it comes soon, and is no panic.

use super::super::helpers;
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
const CALLS: usize = 20_000;

#[test]
fn every_function_survives_every_value() {
    // A fixed sequence: a failure here is one everywhere.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % n as u64) as usize
    };
    let functions: Vec<(&str, usize)> =
        helpers::names().flat_map(|name| helpers::arities(name).iter().map(move |n| (name, *n))).collect();
    let mut scope = scope();
    let mut n_values = 0;
    for call in 0..CALLS {
        let mut value = || VALUES[below(VALUES.len())];
        let source = if call % 8 == 0 {
            let (left, right) = (value(), value());
            format!("({left}) {} ({right})", OPERATORS[below(OPERATORS.len())])
        } else {
            let arguments = [value(), value(), value(), value(), value(), value()];
            let (name, n) = functions[below(functions.len())];
            match below(3) {
                0 => format!("{name}({})", arguments[..n].join(", ")),
                _ => format!("({}).{name}({})", arguments[0], arguments[1..n].join(", ")),
            }
        };
        match evaluate_in(&source, &mut scope) {
            Ok(_) => n_values += 1,
            Err(sentence) => {
                assert!(!sentence.contains("mistake of the engine"), "{source}: {sentence}");
                for foreign in ["ImmutableString", "i64", "getter", "Dynamic", "core::", "rhai"] {
                    assert!(!sentence.contains(foreign), "{source}: {sentence}");
                }
            }
        }
    }
    // Else the sample tests nothing but refusals.
    assert!(n_values > CALLS / 20, "only {n_values} of {CALLS} calls gave a value");
}
