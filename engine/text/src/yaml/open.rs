//! What stands open at a place of a text that is not YAML: the parser tells where it noticed, and the author looks for
//! where it began.

/// What is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// Where the quote opens that the place is in.
    pub(super) quote: Option<usize>,
    /// Where the innermost bracket opens that the place is in.
    pub(super) bracket: Option<usize>,
}

/// What is open right before `offset`. A guess: it knows quotes, brackets and comments, and no blocks of text.
pub(super) fn open_at(text: &str, offset: usize) -> Open {
    let mut brackets: Vec<usize> = Vec::new();
    // What stood before, on this line and without white space; nothing where a line begins.
    let mut before = None;
    let mut after_space = true;
    let mut characters = text.char_indices().take_while(|(at, _)| *at < offset).peekable();
    while let Some((at, character)) = characters.next() {
        let begins_value = before.is_none_or(|before| ":-,[{".contains(before));
        match character {
            '"' | '\'' if begins_value => loop {
                match characters.next() {
                    None => return Open { quote: Some(at), bracket: brackets.last().copied() },
                    Some((_, '\\')) if character == '"' => {
                        characters.next();
                    }
                    Some((_, end)) if end == character => {
                        let is_doubled = character == '\'' && characters.next_if(|(_, next)| *next == '\'').is_some();
                        if !is_doubled {
                            break;
                        }
                    }
                    Some(_) => {}
                }
            },
            '#' if after_space => while characters.next_if(|(_, next)| *next != '\n').is_some() {},
            '{' | '[' if begins_value || !brackets.is_empty() => brackets.push(at),
            '}' | ']' => {
                brackets.pop();
            }
            _ => {}
        }
        after_space = character.is_whitespace();
        match character {
            '\n' => before = None,
            _ if after_space => {}
            _ => before = Some(character),
        }
    }
    Open { quote: None, bracket: brackets.last().copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_earlier_is_found() {
        let open = |text: &str| open_at(text, text.len());
        assert_eq!(open("a: \"b\nc: d"), Open { quote: Some(3), bracket: None });
        assert_eq!(open("a: {b: [c, d], e: f\ng"), Open { quote: None, bracket: Some(3) });
        assert_eq!(open("a: {b: 'it''s }', c: \"\\\"}\" # }\n"), Open { quote: None, bracket: Some(3) });
        assert_eq!(open("a: {b: 'c"), Open { quote: Some(7), bracket: Some(3) });
        for closed in ["a: don't\nb: [1, 2]\n", "# it's {\na: b\n", "a: ${ record.x\n", "a: 5\" wide\n"] {
            assert_eq!(open(closed), Open::default(), "{closed}");
        }
    }
}
