//! What a line begins with: a dash, a key, a text in quotes.

/// A key that was found at the beginning of a line.
pub(super) struct KeyFound {
    pub(super) text: String,
    /// How long it is, with its quotes.
    pub(super) len: usize,
    /// Where its colon stands.
    pub(super) colon: usize,
}

pub(super) fn key_of(written: &str) -> Option<KeyFound> {
    if written.starts_with(['"', '\'']) {
        let len = quoted_len(written)?;
        let colon = len + (written[len..].len() - written[len..].trim_start().len());
        return ends_key(&written[colon..]).then(|| KeyFound { text: unquoted(&written[..len]), len, colon });
    }
    if written.starts_with(['{', '[', '#', '|', '>', '$', '-']) && !written.starts_with("->") {
        return None;
    }
    let colon = written.match_indices(':').map(|(at, _)| at).find(|at| ends_key(&written[*at..]))?;
    let key = written[..colon].trim_end();
    let is_comment = written.find(" #").is_some_and(|comment| comment < colon);
    (!is_comment && !key.is_empty()).then(|| KeyFound { text: key.to_owned(), len: key.len(), colon })
}

/// Whether this is a colon behind which a value begins.
pub(super) fn ends_key(written: &str) -> bool {
    written.strip_prefix(':').is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

pub(super) fn is_item(written: &str) -> bool {
    written.strip_prefix('-').is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Whether it can be a key that lacks its colon.
pub(super) fn is_word(written: &str) -> bool {
    !written.is_empty()
        && !written.starts_with(['"', '\'', '{', '[', '|', '>', '$'])
        && !written.contains(char::is_whitespace)
}

pub(super) fn without_comment(written: &str) -> &str {
    let end = written.match_indices('#').map(|(at, _)| at).find(|at| written[..*at].ends_with([' ', '\t']));
    written[..end.unwrap_or(written.len())].trim_end()
}

/// How long the quoted text at the beginning is, with its quotes; `None` where it is not closed.
pub(super) fn quoted_len(written: &str) -> Option<usize> {
    let quote = *written.as_bytes().first()?;
    let bytes = written.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            byte if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 1,
            byte if byte == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// What a quoted text says. Rare escapes stay as they are written: nobody looks a name up by them.
pub(super) fn unquoted(written: &str) -> String {
    let Some(quote) = written.chars().next() else { return String::new() };
    let inner = written[1..].strip_suffix(quote).unwrap_or(&written[1..]);
    if quote == '\'' {
        return inner.replace("''", "'");
    }
    let mut out = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(plain @ ('"' | '\\' | '/')) => out.push(plain),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}
