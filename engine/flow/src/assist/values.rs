//! Values as they are written in a file, and values that are often written.

use text::{Kind, SourceFile, Text, TextStyle, quoted};

/// A text as a value of a file: with quotes where it would be read as something else without them.
pub(super) fn written(text: &str) -> String {
    let is_harmless = |character: char| character.is_alphanumeric() || "_-./@+ ".contains(character);
    let is_plain = text.chars().all(is_harmless) && text.trim() == text && {
        let file = SourceFile::new("", &format!("a: {text}"));
        let value = match text::outline(&file).map(|node| node.kind) {
            Some(Kind::Map(map)) => map.entries.into_iter().next().map(|entry| entry.value.kind),
            Some(
                Kind::Null
                | Kind::Bool(_)
                | Kind::Int(_)
                | Kind::Float(_)
                | Kind::Text(_)
                | Kind::List(_)
                | Kind::Broken,
            )
            | None => None,
        };
        // A number that would lose its leading zero is text to an outline, and a question to the parser.
        let is_number = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
        !is_number && value == Some(Kind::Text(Text { value: text.to_owned(), style: TextStyle::Plain }))
    };
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Durations, with what they mean.
pub(super) const DURATIONS: [(&str, &str); 6] = [
    ("15s", "15 seconds"),
    ("1m", "a minute"),
    ("5m", "5 minutes"),
    ("15m", "15 minutes"),
    ("1h", "an hour"),
    ("1d", "a day"),
];

/// Cron expressions, with what they mean.
pub(super) const CRONS: [(&str, &str); 5] = [
    ("*/15 * * * *", "every quarter of an hour"),
    ("0 * * * *", "every hour"),
    ("0 8 * * *", "every day at eight"),
    ("0 8 * * MON-FRI", "every working day at eight"),
    ("0 3 1 * *", "on the first of each month at three"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_quotes_where_they_need_them() {
        for (text, wanted) in [
            ("lead", "lead"),
            ("sales qualified", "sales qualified"),
            ("no", "no"),
            ("true", "'true'"),
            ("15", "'15'"),
            ("01432", "'01432'"),
            ("a: b", "'a: b'"),
            ("", "''"),
            ("it's", "\"it's\""),
            ("null", "'null'"),
        ] {
            assert_eq!(written(text), wanted);
        }
    }
}
