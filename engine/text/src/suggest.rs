//! Small helps for messages: the word that was probably meant, and text that is safe to show.

/// The candidate that the author probably meant, where one is near enough.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(word);
    let furthest = match word.chars().count() {
        0 => return None,
        1..=2 => 1,
        3..=5 => 2,
        length => length / 3,
    };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word && candidate.len() <= 128)
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        // A word that shares no beginning and no end with another is not a slip of the finger.
        .filter(|(distance, candidate)| *distance <= furthest && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A piece of the author's text for a message: control characters escaped, cut where it is long.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out: String = text.chars().take(LONGEST).flat_map(escape).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// All of a text for a terminal or a log: characters that cannot be seen, or that change how others are shown, escaped.
pub fn visible(text: &str) -> String {
    text.chars().flat_map(escape).collect()
}

/// The text as a quoted YAML value that reads as exactly this text: single quotes, as they change least.
pub fn quoted(text: &str) -> String {
    if text.contains('\'') && !text.contains(['"', '\\']) && !text.chars().any(is_hidden) {
        return format!("\"{text}\"");
    }
    if text.chars().any(is_hidden) {
        let mut out = String::from("\"");
        for character in text.chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                _ if is_hidden(character) => out.push_str(&format!("\\u{:04x}", u32::from(character))),
                _ => out.push(character),
            }
        }
        out.push('"');
        return out;
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a character is one that cannot be seen, or that changes how its neighbours are shown.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn escape(character: char) -> impl Iterator<Item = char> {
    let escaped =
        if is_hidden(character) { format!("\\u{{{:x}}}", u32::from(character)) } else { character.to_string() };
    escaped.chars().collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        assert_eq!(did_you_mean("emial", ["email", "phone"]), Some("email"));
        assert_eq!(did_you_mean("FirstName", ["firstname", "lastname"]), Some("firstname"));
        assert_eq!(did_you_mean("upsrt", ["update", "upsert"]), Some("upsert"));
        assert_eq!(did_you_mean("colour", ["email", "phone"]), None);
        assert_eq!(did_you_mean("x", ["y", "email"]), None);
        assert_eq!(did_you_mean("", ["a"]), None);
    }

    #[test]
    fn shown_text_has_no_power_over_a_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\u{a}");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 61);
        assert_eq!(visible("a\r\u{202e}b\u{9b}\u{2028}c"), "a\\u{d}\\u{202e}b\\u{9b}\\u{2028}c");
        assert_eq!(visible(&"ü".repeat(100)), "ü".repeat(100));
    }

    #[test]
    fn quoted_text_reads_back() {
        for text in ["!record.vip", "it's", "a \"b\" 'c'", "tab\tand\nline", "\\", ""] {
            let file = crate::SourceFile::new("a.yaml", &format!("key: {}", quoted(text)));
            let document = crate::parse_yaml(&file);
            assert_eq!(document.diagnostics, []);
            let Some(crate::Kind::Map(map)) = document.root.map(|root| root.kind) else { panic!("{}", file.text) };
            assert_eq!(map.entries[0].value.as_text(), Some(text), "{}", file.text);
        }
    }
}
