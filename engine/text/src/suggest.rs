//! Small helps for messages: the word that was probably meant, and text that is safe to show.

use crate::diagnostic::Confidence;

/// A word that was probably meant, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meant<'a> {
    /// The word.
    pub word: &'a str,
    /// Whether it may be put in without asking.
    pub confidence: Confidence,
}

impl<'a> Meant<'a> {
    /// A word that only resembles what is written.
    pub fn guess(word: &'a str) -> Self {
        Self { word, confidence: Confidence::Guess }
    }

    /// Our word for one of another product that means the same.
    pub fn synonym(word: &'a str) -> Self {
        Self { word, confidence: Confidence::IfProven }
    }

    /// The same word, to be put in by nobody but the author.
    pub fn only_offered(self) -> Self {
        Self::guess(self.word)
    }
}

impl std::fmt::Display for Meant<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.word)
    }
}

/// The word of a language that the author probably meant, where one is near enough.
///
/// It is certain where what is written can hardly be anything else: one letter is missing, doubled or exchanged with
/// its neighbour, in long words two, and no other word is as near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<Meant<'a>> {
    let wanted = plain(word);
    let furthest = match word.chars().count() {
        0 => return None,
        1..=3 => 1,
        4..=5 => 2,
        length => length / 3,
    };
    let slip = most_slips(&wanted);
    let mut near: Vec<&str> = Vec::new();
    let mut nearest: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == word || candidate.len() > 128 {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&wanted, &plain(candidate));
        if distance <= slip && !near.contains(&candidate) {
            near.push(candidate);
        }
        // A word that shares no beginning and no end with another is not a slip of the finger.
        let is_near = distance <= furthest && distance < candidate.chars().count();
        if is_near && nearest.is_none_or(|(least, _)| distance < least) {
            nearest = Some((distance, candidate));
        }
    }
    let (_, word) = nearest?;
    let is_certain = near.len() == 1 && is_slip(&wanted, &plain(word));
    Some(if is_certain { Meant { word, confidence: Confidence::Certain } } else { Meant::guess(word) })
}

/// As [`did_you_mean`], of a name that people gave: of a field, an input, a flow.
///
/// Names differ in little and mean different things, `state` and `stage`, `contact` and `contacts`; so only one letter
/// that is missing, doubled or exchanged with its neighbour is certain to be a slip.
pub fn did_you_mean_name<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<Meant<'a>> {
    let meant = did_you_mean(name, candidates)?;
    let (written, other) = (plain(name), plain(meant.word));
    let is_plural = |one: &str, other: &str| other.strip_suffix('s') == Some(one);
    let is_slip = strsim::damerau_levenshtein(&written, &other) <= 1
        && !is_other_letter(&written, &other)
        && !is_plural(&written, &other)
        && !is_plural(&other, &written);
    Some(if is_slip { meant } else { meant.only_offered() })
}

/// The word as slips are counted in it: cases and joints are none.
fn plain(text: &str) -> String {
    text.to_lowercase().replace(['-', '_', ' '], "")
}

/// How many slips of the finger a word of this length may have.
fn most_slips(word: &str) -> usize {
    match word.chars().count() {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    }
}

/// Whether one word is the other with a slip of the finger or two.
fn is_slip(written: &str, meant: &str) -> bool {
    let first_two = |word: &str| (word.chars().next(), word.chars().nth(1));
    let ((one, two), (first, second)) = (first_two(written), first_two(meant));
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    strsim::damerau_levenshtein(written, meant) <= most_slips(written)
        && (one == first || (one == second && two == first))
        && digits(written) == digits(meant)
        // Another letter makes another word, where the word is short.
        && (most_slips(written) > 1 || !is_other_letter(written, meant))
}

/// Whether words of one length have different letters, and not the same ones in another order.
fn is_other_letter(one: &str, other: &str) -> bool {
    let letters = |word: &str| {
        let mut letters: Vec<_> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let (one, other) = (letters(one), letters(other));
    one.len() == other.len() && one != other
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
        let meant = |word, words: &[&'static str]| did_you_mean(word, words.iter().copied()).map(|meant| meant.word);
        assert_eq!(meant("emial", &["email", "phone"]), Some("email"));
        assert_eq!(meant("FirstName", &["firstname", "lastname"]), Some("firstname"));
        assert_eq!(meant("upsrt", &["update", "upsert"]), Some("upsert"));
        assert_eq!(meant("colour", &["email", "phone"]), None);
        assert_eq!(meant("x", &["y", "email"]), None);
        assert_eq!(meant("", &["a"]), None);
    }

    #[test]
    fn slips_of_the_finger_are_certain_and_other_words_are_not() {
        let words =
            ["steps", "upsert", "update", "every", "where", "stop", "else", "list", "date", "floor", "duration"];
        let certain = |word| {
            let meant = did_you_mean(word, words);
            meant.filter(|meant| meant.confidence == Confidence::Certain).map(|meant| meant.word)
        };
        for (word, meant) in [
            ("stpes", "steps"),
            ("upsrt", "upsert"),
            ("evry", "every"),
            ("were", "where"),
            ("durattoin", "duration"),
            ("Every", "every"),
        ] {
            assert_eq!(certain(word), Some(meant), "{word}");
        }
        for word in ["http", "elif", "int", "data", "float", "drop", "shop", "lst", "pevery", "psuert", "updrt"] {
            assert_eq!(certain(word), None, "{word}");
        }
        let runner_up = did_you_mean("hubs", ["hub", "hubsx"]);
        assert_eq!(runner_up.map(|meant| meant.confidence), Some(Confidence::Guess));
        let digits = did_you_mean("sha265", ["sha256", "sha1"]);
        assert_eq!(digits, Some(Meant::guess("sha256")));
    }

    #[test]
    fn names_that_people_gave_are_more_easily_others() {
        let certain = |name, names: &[&'static str]| {
            let meant = did_you_mean_name(name, names.iter().copied());
            meant.is_some_and(|meant| meant.confidence == Confidence::Certain)
        };
        assert!(certain("emial", &["email", "phone"]));
        assert!(certain("frstname", &["firstname", "city"]));
        assert!(certain("first_name", &["firstname", "city"]));
        for (name, names) in [
            ("stage", ["state", "city"]),
            ("contact", ["contacts", "city"]),
            ("contacts", ["contact", "city"]),
            ("firstname", ["lastname", "city"]),
            ("address1", ["address2", "city"]),
            ("lifecyclestaet", ["lifecyclestate", "lifecyclestage"]),
        ] {
            assert!(!certain(name, &names), "{name}");
        }
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
