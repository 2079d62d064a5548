//! What an unquoted scalar is: YAML 1.2's core rules, and a question back where following them would lose something.
//!
//! `no`, `yes`, `on` and `off` are text, as are dates, times and version numbers. `01432` and `1_000` are neither
//! numbers nor text, because readers disagree; the author is asked to say.

/// What a plain scalar is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
    /// It looks like a number, and would lose this as one.
    Ambiguous(&'static str),
    /// A number that cannot be kept, and why.
    OutOfRange(&'static str),
}

/// Resolves a plain scalar.
pub(super) fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Resolved::OutOfRange("no finite number");
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|digit| digit.is_digit(radix))
        {
            return i64::from_str_radix(digits, radix)
                .map_or(Resolved::OutOfRange("a number of more than 64 bits"), Resolved::Int);
        }
    }
    let without_underscores = unsigned.replace('_', "");
    let Some(shape) = Shape::of(&without_underscores) else { return Resolved::Text };
    if without_underscores.len() != unsigned.len() {
        // `_1` and `1_` are names; between digits the underscore was meant to group them.
        let between = unsigned.as_bytes().windows(3).any(|three| {
            three[1] == b'_' && three[0].is_ascii_digit() && (three[2].is_ascii_digit() || three[2] == b'_')
        });
        return if between { Resolved::Ambiguous("its underscores") } else { Resolved::Text };
    }
    if unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.as_bytes()[1].is_ascii_digit() {
        return Resolved::Ambiguous("its leading zero");
    }
    if text.starts_with('+') {
        return Resolved::Ambiguous("its plus sign");
    }
    match shape {
        Shape::Whole => text.parse().map_or(Resolved::OutOfRange("a number of more than 64 bits"), Resolved::Int),
        Shape::Fraction => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Resolved::Float(number),
            Ok(_) => Resolved::OutOfRange("too large for a number"),
            Err(_) => Resolved::Text,
        },
    }
}

/// How a number without its sign is written.
enum Shape {
    Whole,
    Fraction,
}

impl Shape {
    /// `[0-9]+`, or `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
    fn of(text: &str) -> Option<Self> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits(text) {
            return Some(Self::Whole);
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        if !exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))) {
            return None;
        }
        let number = match mantissa.split_once('.') {
            None => digits(mantissa),
            Some(("", fraction)) => digits(fraction),
            Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        };
        number.then_some(Self::Fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_resolve_as_yaml_1_2_says() {
        for text in ["no", "NO", "yes", "on", "off", "y", "n", "tRue", "2026-01-02", "12:30:45", "1.2.3", "0b101", "e5"]
        {
            assert_eq!(resolve(text), Resolved::Text, "{text}");
        }
        for text in
            ["15s", "1 000", "_1", "1_", "a_1", "-", "+", ".", "1e", "1e+", "..5", "0x", "0xg", "inf", "nan", "--1"]
        {
            assert_eq!(resolve(text), Resolved::Text, "{text}");
        }
        for text in ["", "~", "null", "Null"] {
            assert_eq!(resolve(text), Resolved::Null, "{text}");
        }
        assert_eq!(resolve("true"), Resolved::Bool(true));
        for (text, number) in [("0", 0), ("-0", 0), ("12", 12), ("-7", -7), ("0x1F", 31), ("0o17", 15)] {
            assert_eq!(resolve(text), Resolved::Int(number), "{text}");
        }
        for (text, number) in [("1.5", 1.5), ("-.5", -0.5), ("5.", 5.0), ("1e3", 1000.0), ("0.1", 0.1), ("1E-2", 0.01)]
        {
            assert_eq!(resolve(text), Resolved::Float(number), "{text}");
        }
    }

    #[test]
    fn what_would_be_damaged_is_asked_about() {
        for text in ["01432", "012", "-007", "00", "01.5", "1_000", "1_000.5", "+491512345678", "1__0"] {
            assert!(matches!(resolve(text), Resolved::Ambiguous(_)), "{text}");
        }
        for text in
            [".inf", "-.inf", "+.INF", ".nan", "1e999", "-1e999", "12345678901234567890123456", "0xffffffffffffffff"]
        {
            assert!(matches!(resolve(text), Resolved::OutOfRange(_)), "{text}");
        }
    }
}
