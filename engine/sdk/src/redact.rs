//! Secrets taken out of what a service says, and of whatever is kept for people.
//!
//! Services echo: a token comes back in an error's text, in a link, cut to its last digits. Whatever of a service's
//! text goes into a message of ours passes through [`Redactor::clean`] first, and so does every line of a run's log.

use data_encoding::BASE64;
use crate::Secret;

/// Knows secrets in the forms in which services echo them. Its default knows none.
#[derive(Default)]
pub struct Redactor {
    /// Lower-case: the secret itself, percent-encoded, and in base64 at each alignment.
    forms: Vec<Secret>,
    /// The last characters, which services like to show as a hint.
    endings: Vec<Secret>,
}

/// So many characters in common with a secret are no accident.
const WINDOW: usize = 8;
/// So many characters are commonly shown as a hint.
const ENDING: usize = 6;
/// What is looked at of a text, and what is left of it.
const LONGEST_READ: usize = 4096;
const LONGEST_SHOWN: usize = 500;

impl Redactor {
    /// Knows these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut redactor = Self { forms: Vec::new(), endings: Vec::new() };
        for secret in secrets {
            let text = secret.expose();
            if text.is_empty() {
                continue;
            }
            let mut add = |form: String| redactor.forms.push(Secret::new(form));
            add(text.to_lowercase());
            add(percent_encoded(text).to_lowercase());
            for shift in 0..3 {
                // What stands before a secret shifts its base64; the first and last groups mix with the neighbours.
                let padded = [&b"   "[..shift], text.as_bytes()].concat();
                let encoded = BASE64.encode(&padded).to_lowercase();
                let inner = encoded.get(if shift == 0 { 0 } else { 4 }..encoded.len().saturating_sub(4));
                add(inner.unwrap_or_default().to_owned());
            }
            if text.len() > WINDOW && text.is_char_boundary(text.len() - ENDING) {
                redactor.endings.push(Secret::new(text[text.len() - ENDING..].to_lowercase()));
            }
        }
        redactor.forms.retain(|form| !form.expose().is_empty());
        redactor
    }

    /// The text on one line, without secrets, and no longer than a sentence or two.
    pub fn clean(&self, text: &str) -> String {
        let text: String = text.chars().take(LONGEST_READ).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let hidden = self.hidden(text.as_bytes());
        let mut shown = String::new();
        let mut in_secret = false;
        for (at, character) in text.char_indices() {
            if !hidden[at] {
                shown.push(character);
            } else if !in_secret {
                shown.push_str("***");
            }
            in_secret = hidden[at];
        }
        let mut shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = shown.char_indices().nth(LONGEST_SHOWN) {
            shown.truncate(cut);
            shown.push('…');
        }
        shown
    }

    /// Which bytes of the text belong to a secret.
    fn hidden(&self, text: &[u8]) -> Vec<bool> {
        let lower = text.to_ascii_lowercase();
        let mut hidden = vec![false; text.len()];
        let mut hide = |found: &[u8], width: usize| {
            for (at, window) in lower.windows(width).enumerate() {
                if contains(found, window) {
                    hidden[at..at + width].fill(true);
                }
            }
        };
        for form in &self.forms {
            let form = form.expose().as_bytes();
            hide(form, WINDOW.min(form.len()));
        }
        for ending in &self.endings {
            hide(ending.expose().as_bytes(), ending.expose().len());
        }
        hidden
    }
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

fn percent_encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "pat-na1-8f31c2aa-77e0-4d19-b9a4-c0ffee123456";

    fn clean(text: &str) -> String {
        Redactor::new([&Secret::new(TOKEN.to_owned()), &Secret::new("p@ss/w:rd+longer".to_owned())]).clean(text)
    }

    #[test]
    fn a_secret_is_taken_out_in_each_form_it_is_echoed_in() {
        let header = BASE64.encode(format!("user:{TOKEN}").as_bytes());
        for echo in [
            TOKEN.to_owned(),
            TOKEN.to_uppercase(),
            format!("Bearer {TOKEN}, refused"),
            BASE64.encode(TOKEN.as_bytes()),
            header,
            format!("https://x/?t={}", "p%40ss%2Fw%3Ard%2Blonger"),
            format!("{}…", &TOKEN[..24]),
            TOKEN.replace("4d19", "4d\n19"),
        ] {
            let shown = clean(&echo);
            assert!(shown.contains("***"), "{shown}");
            assert!(!shown.to_lowercase().contains("c0ffee"), "{shown}");
            assert!(!shown.contains("8f31c2aa"), "{shown}");
        }
        assert_eq!(clean("the token ending in 123456 has expired"), "the token ending in *** has expired");
    }

    #[test]
    fn other_text_is_left_as_it_is_on_one_line() {
        assert_eq!(clean("Property “email” was not valid"), "Property “email” was not valid");
        assert_eq!(clean("a\r\n2026-01-01 INFO fake\u{1b}[2J"), "a 2026-01-01 INFO fake [2J");
        assert_eq!(clean(&"x".repeat(9_000)).chars().count(), LONGEST_SHOWN + 1);
        assert_eq!(Redactor::new([]).clean("anything"), "anything");
    }
}
