//! Secrets taken out of what a service says, and of whatever is kept for people.
//!
//! Services echo: a token comes back in an error's text, in a link, cut to its last digits. Whatever of a service's
//! text goes into a message of ours passes through [`Redactor::clean`] first, and so does every line of a run's log.
//! Where text must keep its shape, [`Redactor::hide`] takes out the secrets and nothing else.

use data_encoding::{BASE64, BASE64URL};
use zeroize::Zeroizing;

use crate::Secret;

/// Knows secrets in the forms in which services echo them. Its default knows none.
#[derive(Default)]
pub struct Redactor {
    /// Every so long a piece of every form, in lower case and sorted. Finding one costs the same however many there
    /// are.
    pieces: Zeroizing<Vec<[u8; WINDOW]>>,
    /// Forms that are shorter than a piece, and the last characters of a secret, which services like to show as a hint.
    short: Vec<Secret>,
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
        let mut redactor = Self::default();
        secrets.into_iter().for_each(|secret| redactor.add(secret));
        redactor
    }

    /// Knows this one as well. Of an address it knows what is secret in it.
    pub fn add(&mut self, secret: &Secret) {
        secret_parts(secret.expose()).into_iter().for_each(|part| self.add_part(part));
    }

    fn add_part(&mut self, text: &str) {
        for form in forms(text) {
            let form = form.expose().as_bytes();
            match form.len() {
                0 => {}
                1..WINDOW => self.add_short(form),
                _ => self.pieces.extend(form.windows(WINDOW).filter_map(|piece| <[u8; WINDOW]>::try_from(piece).ok())),
            }
        }
        self.pieces.sort_unstable();
        self.pieces.dedup();
        if text.len() > WINDOW && text.is_char_boundary(text.len() - ENDING) {
            self.add_short(text[text.len() - ENDING..].to_ascii_lowercase().as_bytes());
        }
    }

    fn add_short(&mut self, form: &[u8]) {
        let form = Secret::new(String::from_utf8_lossy(form).into_owned());
        if !self.short.iter().any(|known| known.expose() == form.expose()) {
            self.short.push(form);
        }
    }

    /// The text on one line, without secrets, and no longer than a sentence or two.
    pub fn clean(&self, text: &str) -> String {
        let text: String = text.chars().take(LONGEST_READ).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut shown = self.hide(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((cut, _)) = shown.char_indices().nth(LONGEST_SHOWN) {
            shown.truncate(cut);
            shown.push('…');
        }
        shown
    }

    /// The text with stars in place of each secret, and otherwise as it is.
    pub fn hide(&self, text: &str) -> String {
        let hidden = self.hidden(text.as_bytes());
        let mut shown = String::with_capacity(text.len());
        let mut in_secret = false;
        for (at, character) in text.char_indices() {
            if !hidden[at] {
                shown.push(character);
            } else if !in_secret {
                shown.push_str("***");
            }
            in_secret = hidden[at];
        }
        shown
    }

    /// Which bytes of the text belong to a secret.
    fn hidden(&self, text: &[u8]) -> Vec<bool> {
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let mut hidden = vec![false; text.len()];
        for (at, piece) in lower.windows(WINDOW).enumerate() {
            if self.pieces.binary_search_by(|known| known[..].cmp(piece)).is_ok() {
                hidden[at..at + WINDOW].fill(true);
            }
        }
        for form in &self.short {
            let form = form.expose().as_bytes();
            for (at, piece) in lower.windows(form.len()).enumerate() {
                if piece == form {
                    hidden[at..at + form.len()].fill(true);
                }
            }
        }
        hidden
    }
}

/// What is secret in a secret: of an address all but its scheme and its user's name, of a database's its password and
/// what stands behind `?`. A message about PostgreSQL must be able to say so, and which database is meant.
fn secret_parts(text: &str) -> Vec<&str> {
    let Some((scheme, rest)) = text.split_once("://") else { return vec![text] };
    let (user, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let password = user.split_once(':').map(|(_, password)| password);
    if matches!(scheme, "postgres" | "postgresql") {
        return password.into_iter().chain(place.split_once('?').map(|(_, options)| options)).collect();
    }
    password.map_or(vec![rest], |password| vec![password, place])
}

/// A secret as services write it, in lower case: itself, percent-encoded, as part of a JSON text, and in base64 at each
/// alignment.
fn forms(text: &str) -> Vec<Secret> {
    let mut forms = Vec::new();
    let mut add = |form: &str| forms.push(Secret::new(form.to_ascii_lowercase()));
    add(text);
    add(&percent_encoded(text));
    let json = serde_json::Value::from(text).to_string();
    let json = json.get(1..json.len() - 1).unwrap_or_default();
    add(json);
    add(&json.replace('/', "\\/"));
    for shift in 0..3 {
        // What stands before a secret shifts its base64; the first and last groups mix with the neighbours.
        let padded = Zeroizing::new([&b"   "[..shift], text.as_bytes()].concat());
        for encoding in [BASE64, BASE64URL] {
            let encoded = encoding.encode(&padded);
            let (first, last) = (if shift == 0 { 0 } else { 4 }, if padded.len().is_multiple_of(3) { 0 } else { 4 });
            let inner = encoded.get(first..encoded.len().saturating_sub(last));
            add(inner.unwrap_or_default());
        }
    }
    forms
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
        let odd = Redactor::new([&Secret::new(r#"quote"slash/back\\slash"#.to_owned())]);
        for echo in [r#"quote\"slash/back\\slash"#, r#"quote\"slash\/back\\slash"#, "quote%22slash%2Fback%5Cslash"] {
            assert_eq!(odd.clean(&format!("at {echo} end")), "at *** end");
        }
        assert_eq!(clean("the token ending in 123456 has expired"), "the token ending in *** has expired");
    }

    #[test]
    fn other_text_is_left_as_it_is_on_one_line() {
        assert_eq!(clean("Property “email” was not valid"), "Property “email” was not valid");
        assert_eq!(clean("a\r\n2026-01-01 INFO fake\u{1b}[2J"), "a 2026-01-01 INFO fake [2J");
        assert_eq!(clean(&"x".repeat(9_000)).chars().count(), LONGEST_SHOWN + 1);
        assert_eq!(Redactor::new([]).clean("anything"), "anything");
        assert_eq!(Redactor::new([&Secret::new(String::new())]).clean("anything"), "anything");
    }

    /// Every sentence about PostgreSQL began with stars, and none could name the database.
    #[test]
    fn of_an_address_only_what_is_secret_is_taken_out() {
        let hide = |secret: &str, text: &str| Redactor::new([&Secret::new(secret.to_owned())]).hide(text);
        let database = "postgres://postgres:correct-horse@db.example.com:5432/warehouse?options=very-secret-too";
        let said = "PostgreSQL: no database \"warehouse\" at db.example.com:5432 for postgres";
        assert_eq!(hide(database, said), said);
        assert_eq!(hide(database, "correct-horse is wrong, very-secret-too"), "*** is wrong, ***");
        assert_eq!(hide(database, database), "postgres://postgres:***@db.example.com:5432/warehouse?***");
        let hook = "https://hooks.example.com/T0001/secret-path";
        assert_eq!(hide(hook, "https failed at /T0001/secret-path"), "https failed at ***");
        let proxy = "http://somebody:correct-horse@proxy.example.com";
        assert_eq!(hide(proxy, "somebody by correct-horse"), "somebody by ***");
    }

    #[test]
    fn hiding_changes_nothing_but_the_secret() {
        let redactor = Redactor::new([&Secret::new(TOKEN.to_owned()), &Secret::new("abc".to_owned())]);
        let long = "x  y\n\t".repeat(3_000);
        assert_eq!(redactor.hide(&format!("{long}{TOKEN}\n")), format!("{long}***\n"));
        assert_eq!(redactor.hide("xABCx über"), "x***x über", "a short one is found as a whole");
    }
}
